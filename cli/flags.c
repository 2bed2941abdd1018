/* SPDX-License-Identifier: MIT */
/*
 * flags.c - command-line flags as pflag reads them
 */
#include "cli/flags.h"

#include <assert.h>
#include <errno.h>

#include "base/diag.h"
#include "base/num.h"

void flag_set_done(struct flag_set *f)
{
	for (size_t i = 0; i < FLAG_MAX; i++)
		vec_done(&f->values[i].values);
}

static size_t table_len(const struct flag *t)
{
	size_t n = 0;

	while (t && t[n].name)
		n++;
	return n;
}

/* Index of the first value of table `t`. */
static size_t table_base(const struct flag_set *f, size_t t)
{
	size_t base = 0;

	for (size_t i = 0; i < t; i++)
		base += table_len(f->tables[i]);
	return base;
}

int flag_set_add(struct flag_set *f, const struct flag *table)
{
	size_t base = table_base(f, f->n_tables), n = table_len(table);

	if (f->n_tables == FLAG_TABLES || base + n > FLAG_MAX)
		return -E2BIG;
	for (size_t i = 0; i < n; i++) {
		struct flag_value *v = &f->values[base + i];

		v->text = table[i].dflt ? table[i].dflt : "";
		if (table[i].type == FLAG_BOOL)
			v->boolean = str_eq_c(STR("true"), v->text);
		else if (table[i].type == FLAG_INT)
			(void)num_parse_i64(str_from(v->text), &v->number);
	}
	f->tables[f->n_tables++] = table;
	return 0;
}

/* Finds by name, or by shorthand when name.n is 0. */
static const struct flag *find(const struct flag_set *f, struct str name,
			       char shorthand, size_t *ret_index)
{
	for (size_t t = f->n_tables; t-- > 0;) {
		const struct flag *table = f->tables[t];

		for (size_t i = 0; table && table[i].name; i++) {
			bool hit = name.n ? str_eq_c(name, table[i].name)
					  : table[i].shorthand == shorthand;

			if (hit) {
				*ret_index = table_base(f, t) + i;
				return &table[i];
			}
		}
	}
	return NULL;
}

static const struct flag_value *get(const struct flag_set *f, const char *name,
				    enum flag_type type)
{
	size_t i = 0;
	const struct flag *flag = find(f, str_from(name), 0, &i);

	assert(flag && flag->type == type);
	return &f->values[i];
}

bool flag_bool(const struct flag_set *f, const char *name)
{
	return get(f, name, FLAG_BOOL)->boolean;
}

bool flag_given(const struct flag_set *f, const char *name)
{
	size_t i = 0;
	const struct flag *flag = find(f, str_from(name), 0, &i);

	assert(flag);
	return f->values[i].set;
}

const char *flag_text(const struct flag_set *f, const char *name)
{
	return get(f, name, FLAG_STRING)->text;
}

int64_t flag_int(const struct flag_set *f, const char *name)
{
	return get(f, name, FLAG_INT)->number;
}

size_t flag_list(const struct flag_set *f, const char *name,
		 const char *const **ret)
{
	const struct flag_value *v = get(f, name, FLAG_LIST);

	*ret = v->values.data;
	return v->values.n;
}

/* The words of Go's strconv.ParseBool. */
static int parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = {
		"1", "t", "T", "TRUE", "true", "True"
	};
	static const char *const no[] = { "0",     "f",     "F",
					  "FALSE", "false", "False" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (strcmp(s, yes[i]) == 0) {
			*ret = true;
			return 0;
		}
		if (strcmp(s, no[i]) == 0) {
			*ret = false;
			return 0;
		}
	}
	return -EINVAL;
}

static int bad_value(const struct flag *flag, const char *text,
		     const char *func, struct buf *error)
{
	buf_printf(error, "invalid argument \"%s\" for \"", text);
	if (flag->shorthand)
		buf_printf(error, "-%c, ", flag->shorthand);
	buf_printf(error,
		   "--%s\" flag: strconv.%s: parsing \"%s\": invalid syntax",
		   flag->name, func, text);
	return -EINVAL;
}

static int assign(struct flag_set *f, const struct flag *flag, size_t index,
		  const char *text, struct buf *error)
{
	struct flag_value *v = &f->values[index];

	switch (flag->type) {
	case FLAG_BOOL:
		if (parse_bool(text, &v->boolean) < 0)
			return bad_value(flag, text, "ParseBool", error);
		break;
	case FLAG_INT:
		if (num_parse_i64(str_from(text), &v->number) < 0)
			return bad_value(flag, text, "ParseInt", error);
		break;
	case FLAG_LIST:
		if (vec_push(&v->values, text) < 0)
			return -ENOMEM;
		break;
	case FLAG_STRING:
		break;
	}
	v->text = text;
	v->set = true;
	return 0;
}

bool flag_set_global(const struct flag_set *f, const char *name)
{
	const struct flag *table = f->tables[0];

	for (size_t i = 0; table && table[i].name; i++)
		if (strcmp(table[i].name, name) == 0)
			return f->values[i].boolean;
	return false;
}

int flag_set_value(struct flag_set *f, const struct flag *flag,
		   const char *text)
{
	_cleanup_buf_ struct buf error = BUF_INIT;
	size_t base = 0;

	for (size_t t = 0; t < f->n_tables; t++) {
		for (const struct flag *p = f->tables[t]; p && p->name; p++) {
			if (p == flag)
				return assign(f, flag, base, text, &error);
			base++;
		}
	}
	return -EINVAL;
}

/* State of one walk over argv. */
struct walk {
	int argc;
	char **argv;
	int i; /* next argument to look at */
	struct buf *error;
};

/* The flag that was meant, if one is near. */
static const char *near_flag(const struct flag_set *f, struct str name)
{
	const char *names[FLAG_MAX];
	size_t n = 0;

	for (size_t t = 0; t < f->n_tables; t++)
		for (const struct flag *p = f->tables[t]; p && p->name; p++)
			if (!p->hidden && n < ARRAY_LEN(names))
				names[n++] = p->name;
	return diag_suggest(name, names, n);
}

static int unknown_flag(const struct flag_set *f, struct str name,
			struct buf *error)
{
	const char *near = near_flag(f, name);

	buf_printf(error, "unknown flag: --" STR_FMT, STR_ARG(name));
	if (near)
		buf_printf(error, " (did you mean \"--%s\"?)", near);
	return -EINVAL;
}

static int parse_long(struct flag_set *f, struct walk *w, char *word)
{
	struct str body = str_from(word + 2);
	ptrdiff_t eq = str_index(body, '=');
	struct str name = eq >= 0 ? str_from_n(body.p, (size_t)eq) : body;
	const struct flag *flag;
	size_t index = 0;

	if (name.n == 0 || name.p[0] == '-') {
		buf_printf(w->error, "bad flag syntax: %s", word);
		return -EINVAL;
	}
	flag = find(f, name, 0, &index);
	if (!flag) {
		if (str_eq(name, STR("help"))) {
			f->help = true;
			return 0;
		}
		return unknown_flag(f, name, w->error);
	}
	if (eq >= 0)
		return assign(f, flag, index, body.p + eq + 1, w->error);
	if (flag->type == FLAG_BOOL)
		return assign(f, flag, index, "true", w->error);
	if (w->i == w->argc) {
		buf_printf(w->error, "flag needs an argument: %s", word);
		return -EINVAL;
	}
	return assign(f, flag, index, w->argv[w->i++], w->error);
}

static int parse_short(struct flag_set *f, struct walk *w, char *word)
{
	for (char *p = word + 1; *p; p++) {
		size_t index = 0;
		const struct flag *flag = find(f, STR_NONE, *p, &index);

		if (!flag && *p == 'h') {
			f->help = true;
			continue;
		}
		if (!flag) {
			buf_printf(w->error,
				   "unknown shorthand flag: '%c' in %s", *p,
				   word);
			return -EINVAL;
		}
		if (p[1] == '=')
			return assign(f, flag, index, p + 2, w->error);
		if (flag->type == FLAG_BOOL) {
			int r = assign(f, flag, index, "true", w->error);

			if (r < 0)
				return r;
			continue;
		}
		if (p[1])
			return assign(f, flag, index, p + 1, w->error);
		if (w->i == w->argc) {
			buf_printf(w->error,
				   "flag needs an argument: '%c' in %s", *p,
				   word);
			return -EINVAL;
		}
		return assign(f, flag, index, w->argv[w->i++], w->error);
	}
	return 0;
}

/* Takes the flag argv[i - 1], and its value if that is a word of its own. */
static int parse_flag(struct flag_set *f, struct walk *w)
{
	char *word = w->argv[w->i - 1];

	return word[1] == '-' ? parse_long(f, w, word)
			      : parse_short(f, w, word);
}

int flag_set_parse(struct flag_set *f, struct flag_words *words,
		   struct buf *error)
{
	struct walk w = { .argc = words->argc,
			  .argv = words->argv,
			  .error = error };
	int n = 0, dash = -1, r = 0;

	while (w.i < w.argc && r == 0) {
		char *word = w.argv[w.i];

		if (word[0] != '-' || word[1] == '\0') {
			if (words->until_positional)
				break;
			w.argv[n++] = word;
			w.i++;
			continue;
		}
		w.i++;
		if (strcmp(word, "--") == 0) {
			dash = n;
			break;
		}
		r = parse_flag(f, &w);
	}
	while (w.i < w.argc)
		w.argv[n++] = w.argv[w.i++];
	words->n = n;
	words->dash = dash;
	return r;
}

int flag_set_check_required(const struct flag_set *f, struct buf *error)
{
	size_t index = 0, missing = 0;

	for (size_t t = 0; t < f->n_tables; t++) {
		for (const struct flag *p = f->tables[t]; p && p->name;
		     p++, index++) {
			if (!p->required || f->values[index].set)
				continue;
			buf_printf(error, "%s\"%s\"",
				   missing++ ? ", " : "required flag(s) ",
				   p->name);
		}
	}
	if (missing == 0)
		return 0;
	buf_puts(error, " not set");
	return -EINVAL;
}
