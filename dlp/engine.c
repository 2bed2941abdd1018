/* SPDX-License-Identifier: MIT */
/*
 * engine.c - what the settings ask for, compiled
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/regex.h"
#include "base/vec.h"
#include "dlp/priv.h"

#define SECRET_MIN 8U

/* An engine while it is put together. */
struct builder {
	const struct dlp_settings *s;
	struct dlp_engine *e;
	struct buf *err;
	VEC(struct dlp_type) types;
	VEC(struct dlp_seg) segs;
	VEC(struct dlp_grammar) grammars;
	VEC(struct dlp_entry) entries;
	VEC(const char *) shown;
};

static void type_done(struct dlp_type *t)
{
	free(t->name);
	free(t->display);
	free(t->replacement);
}

struct dlp_engine *dlp_engine_free(struct dlp_engine *e)
{
	if (!e)
		return NULL;
	for (size_t i = 0; i < e->n_types; i++)
		type_done(&e->types[i]);
	for (size_t i = 0; i < e->n_regexes; i++)
		nfa_build_done(&e->regexes[i].program);
	for (size_t i = 0; i < e->n_secrets; i++) {
		explicit_bzero(e->secrets[i].bytes, e->secrets[i].n);
		free(e->secrets[i].bytes);
	}
	free(e->types);
	free(e->segs);
	free(e->grammars);
	free(e->regexes);
	free(e->secrets);
	free(e->entries);
	free(e->hot);
	free(e->shown);
	free(e);
	return NULL;
}

/* --- types ------------------------------------------------------------- */

static enum dlp_action action_of(const struct dlp_settings *s, const char *name,
				 enum dlp_group group)
{
	enum dlp_action a = s->group_off[group] ? DLP_OFF : s->mode;

	for (size_t i = 0; i < s->n_overrides; i++)
		if (str_eq_c(s->overrides[i].type, dlp_group_to_string(group)))
			a = s->overrides[i].action;
	for (size_t i = 0; i < s->n_overrides; i++)
		if (str_eq_c(s->overrides[i].type, name))
			a = s->overrides[i].action;
	return a;
}

/* "[KEY]" is shown as KEY: the replacement has brackets of its own. */
static struct str shown_as(struct str display)
{
	if (display.n > 2 && display.p[0] == '[' &&
	    display.p[display.n - 1] == ']')
		return str_from_n(display.p + 1, display.n - 2);
	return display;
}

/* Return: the type's number, -ENOMEM. */
static int add_type(struct builder *b, struct str name, struct str display,
		    enum dlp_group group, enum dlp_action action)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct dlp_type t = { .group = group, .action = action };
	int r;

	if (b->s->stored)
		t.action = DLP_REDACT;

	display = shown_as(display.n ? display : name);
	buf_printf(&text, "[REDACTED:" STR_FMT "]", STR_ARG(display));
	t.name = str_dup(name);
	t.display = str_dup(display);
	t.replacement = buf_take(&text);
	r = t.name && t.display && t.replacement ? vec_push(&b->types, t)
						 : -ENOMEM;
	if (r < 0)
		type_done(&t);
	return r < 0 ? r : (int)b->types.n - 1;
}

/* The same for a built-in one. Return: DLP_NO_TYPE too, when it is off. */
static int add_builtin(struct builder *b, const char *name,
		       enum dlp_group group, unsigned int *ret)
{
	enum dlp_action a = action_of(b->s, name, group);
	int r;

	*ret = DLP_NO_TYPE;
	if (a == DLP_OFF)
		return 0;
	/* The rows of one kind follow each other. */
	if (b->types.n &&
	    strcmp(b->types.data[b->types.n - 1].name, name) == 0) {
		*ret = (unsigned int)b->types.n - 1;
		return 0;
	}
	r = add_type(b, str_from(name), STR_NONE, group, a);
	if (r < 0)
		return r;
	*ret = (unsigned int)r;
	return 0;
}

/* --- entries ----------------------------------------------------------- */

static int add_entry(struct builder *b, enum dlp_entry_kind kind, size_t index,
		     struct dlp_entry *x)
{
	x->kind = kind;
	x->index = (unsigned int)index;
	return vec_push(&b->entries, *x);
}

static int add_row(struct builder *b, const struct dlp_row *row)
{
	struct dlp_grammar g;
	unsigned int type;
	int r = add_builtin(b, row->name, DLP_API_KEYS, &type);

	if (r < 0 || type == DLP_NO_TYPE)
		return r;
	r = vec_reserve(&b->segs, b->segs.n + DLP_MAX_SEGS);
	if (r == 0)
		r = dlp_grammar_compile(&b->e->classes, row,
					b->segs.data + b->segs.n, &g);
	if (r < 0)
		return r;
	g.type = type;
	g.first = (uint32_t)b->segs.n;
	b->segs.n += g.n_segs;
	return vec_push(&b->grammars, g);
}

/* Its fragment is what stands at offset in its head. */
static int add_key(struct builder *b, const char *head, unsigned int offset)
{
	struct dlp_entry x = { .next = 0 };

	dlp_text_frag(str_from(head + offset), &x.frag);
	x.frag.offset = offset;
	return add_entry(b, DLP_ENTRY_PEM, 0, &x);
}

static int add_iban(struct builder *b)
{
	struct dlp_entry x = { .next = 0 };
	int r = add_builtin(b, "iban", DLP_CREDIT_CARD, &b->e->iban);

	if (r < 0 || b->e->iban == DLP_NO_TYPE)
		return r;
	dlp_iban_frag(&x.frag);
	return add_entry(b, DLP_ENTRY_IBAN, 0, &x);
}

static int add_builtins(struct builder *b)
{
	struct dlp_engine *e = b->e;
	int r = 0;

	for (unsigned int g = DLP_EMAIL; g <= DLP_SSN && r == 0; g++)
		r = add_builtin(b, dlp_group_to_string((enum dlp_group)g),
				(enum dlp_group)g, &e->person[g]);
	if (r == 0)
		r = add_builtin(b, "private_key", DLP_API_KEYS, &e->pem);
	if (r == 0 && e->pem != DLP_NO_TYPE)
		r = add_key(b, "-----BEGIN", 5);
	if (r == 0 && e->pem != DLP_NO_TYPE)
		r = add_key(b, "PuTTY-User-Key", 4);
	if (r == 0)
		r = add_iban(b);
	for (size_t i = 0; i < dlp_n_rows && r == 0; i++)
		r = add_row(b, &dlp_rows[i]);
	e->segs = TAKE(b->segs.data);
	e->n_segs = b->segs.n;
	e->grammars = TAKE(b->grammars.data);
	e->n_grammars = b->grammars.n;
	for (size_t i = 0; i < e->n_grammars && r == 0; i++) {
		struct dlp_entry x = { .next = 0 };

		dlp_grammar_frag(e, &e->grammars[i], &x);
		r = add_entry(b, DLP_ENTRY_GRAMMAR, i, &x);
	}
	return r;
}

/* --- what the settings bring along ------------------------------------- */

static int add_regex(struct builder *b, const struct dlp_custom *c)
{
	struct dlp_regex *x = &b->e->regexes[b->e->n_regexes];
	struct dlp_entry entry = { .next = 0 };
	const char *why = "";
	size_t at = 0;
	int r = regex_compile(c->regex, &x->program, &why, &at);

	if (r == -EINVAL || r == -E2BIG) {
		buf_printf(b->err,
			   "custom pattern " STR_FMT ": character %zu: %s",
			   STR_ARG(c->name), at + 1, why);
		return -EINVAL;
	}
	if (r < 0)
		return r;
	b->e->n_regexes++;
	r = add_type(b, c->name, c->display, DLP_CUSTOM, c->action);
	if (r < 0)
		return r;
	x->type = (unsigned int)r;
	b->e->regex_work = MAX(b->e->regex_work, x->program.insts.n);
	dlp_regex_frag(x, &entry.frag);
	r = vec_push(&b->shown, b->types.data[x->type].name);
	return r < 0 ? r
		     : add_entry(b, DLP_ENTRY_REGEX, b->e->n_regexes - 1,
				 &entry);
}

static int add_customs(struct builder *b)
{
	const struct dlp_settings *s = b->s;
	int r = 0;

	if (s->n_custom > DLP_MAX_CUSTOM) {
		buf_printf(b->err, "more than %d custom patterns",
			   DLP_MAX_CUSTOM);
		return -EINVAL;
	}
	b->e->regexes = calloc(s->n_custom + 1, sizeof(*b->e->regexes));
	if (!b->e->regexes)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_custom && r == 0; i++)
		if (s->custom[i].action != DLP_OFF)
			r = add_regex(b, &s->custom[i]);
	return r;
}

static int add_secret(struct builder *b, const struct dlp_exact *x)
{
	struct dlp_secret *to = &b->e->secrets[b->e->n_secrets];
	struct dlp_entry entry = { .next = 0 };
	int r;

	if (x->secret.n < SECRET_MIN || x->secret.n > DLP_MATCH_MAX) {
		buf_printf(b->err,
			   "the secret " STR_FMT " has %zu bytes: %u "
			   "to %u can be looked for",
			   STR_ARG(x->name), x->secret.n, SECRET_MIN,
			   DLP_MATCH_MAX);
		return -EINVAL;
	}
	to->bytes = str_dup(x->secret);
	if (!to->bytes)
		return -ENOMEM;
	to->n = x->secret.n;
	b->e->n_secrets++;
	r = add_type(b, x->name, STR_NONE, DLP_CUSTOM, DLP_REDACT);
	if (r < 0)
		return r;
	to->type = (unsigned int)r;
	dlp_text_frag(x->secret, &entry.frag);
	return add_entry(b, DLP_ENTRY_SECRET, b->e->n_secrets - 1, &entry);
}

static int add_secrets(struct builder *b)
{
	const struct dlp_settings *s = b->s;
	int r = 0;

	b->e->secrets = calloc(s->n_exact + 1, sizeof(*b->e->secrets));
	if (!b->e->secrets)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_exact && r == 0; i++)
		r = add_secret(b, &s->exact[i]);
	return r;
}

/* --- all together ------------------------------------------------------ */

static bool is_type(struct str name)
{
	for (unsigned int g = 0; g < DLP_CUSTOM; g++)
		if (str_eq_c(name, dlp_group_to_string((enum dlp_group)g)))
			return true;
	for (size_t i = 0; i < dlp_n_rows; i++)
		if (str_eq_c(name, dlp_rows[i].name))
			return true;
	return str_eq_c(name, "private_key") || str_eq_c(name, "iban");
}

static int check_overrides(const struct builder *b)
{
	for (size_t i = 0; i < b->s->n_overrides; i++) {
		if (is_type(b->s->overrides[i].type))
			continue;
		buf_printf(b->err, "there is no type " STR_FMT,
			   STR_ARG(b->s->overrides[i].type));
		return -EINVAL;
	}
	return 0;
}

static int show_groups(struct builder *b)
{
	bool has[DLP_GROUP_MAX] = { false };
	int r = 0;

	for (size_t i = 0; i < b->types.n; i++)
		has[b->types.data[i].group] = true;
	for (unsigned int g = 0; g < DLP_CUSTOM && r == 0; g++)
		if (has[g])
			r = vec_push(&b->shown,
				     dlp_group_to_string((enum dlp_group)g));
	return r;
}

/* Customs come last but one in what is shown, and first in what is tried. */
static int build(struct builder *b)
{
	int r = check_overrides(b);

	if (r < 0 || b->s->mode == DLP_OFF)
		return r < 0 ? r : add_secrets(b);
	r = add_secrets(b);
	if (r == 0)
		r = add_builtins(b);
	if (r == 0)
		r = show_groups(b);
	return r == 0 ? add_customs(b) : r;
}

/* A custom pattern names what a built-in one would find there as well. */
static void customs_first(struct dlp_entry *v, size_t n, size_t n_custom)
{
	for (size_t i = 0; i < n_custom; i++) {
		struct dlp_entry last = v[n - 1];

		memmove(v + 1, v, (n - 1) * sizeof(*v));
		v[0] = last;
	}
}

#define SHORTEST 6U /* "a@b.cc"; no other type of ours is shorter */

static size_t shortest(const struct dlp_engine *e)
{
	size_t n = e->n_regexes ? 1 : SHORTEST;

	for (size_t i = 0; i < e->n_secrets; i++)
		n = MIN(n, e->secrets[i].n);
	return n;
}

int dlp_engine_new(const struct dlp_settings *s, struct buf *err,
		   struct dlp_engine **ret)
{
	_cleanup_dlp_engine_ struct dlp_engine *e = calloc(1, sizeof(*e));
	struct builder b = { .s = s, .e = e, .err = err };
	int r;

	if (!e)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(e->person); i++)
		e->person[i] = DLP_NO_TYPE;
	e->pem = e->iban = DLP_NO_TYPE;
	dlp_classes_init(&e->classes);
	r = build(&b);
	vec_done(&b.segs);
	vec_done(&b.grammars);
	e->types = b.types.data;
	e->n_types = b.types.n;
	e->entries = b.entries.data;
	e->n_entries = b.entries.n;
	e->shown = b.shown.data;
	e->n_shown = b.shown.n;
	if (r < 0)
		return r;
	customs_first(e->entries, e->n_entries, e->n_regexes);
	e->tr.pass = dlp_triggers_best();
	e->tr.digits = e->person[DLP_PHONE] != DLP_NO_TYPE ||
		       e->person[DLP_CREDIT_CARD] != DLP_NO_TYPE ||
		       e->person[DLP_SSN] != DLP_NO_TYPE;
	e->shortest = shortest(e);
	r = dlp_triggers_build(e);
	if (r < 0)
		return r;
	*ret = TAKE(e);
	return 0;
}

/* --- questions --------------------------------------------------------- */

size_t dlp_engine_n_types(const struct dlp_engine *e)
{
	return e->n_types;
}

const char *dlp_type_name(const struct dlp_engine *e, unsigned int type)
{
	return e->types[type].name;
}

enum dlp_group dlp_type_group(const struct dlp_engine *e, unsigned int type)
{
	return e->types[type].group;
}

size_t dlp_engine_n_shown(const struct dlp_engine *e)
{
	return e->n_shown;
}

const char *dlp_engine_shown(const struct dlp_engine *e, size_t i)
{
	return e->shown[i];
}
