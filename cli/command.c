/* SPDX-License-Identifier: MIT */
/*
 * command.c - finding and running a verb
 *
 * Flags before the verb are global ones; behind it, those of the verb, of the
 * groups above it that are persistent, and the global ones. Nothing but this
 * walk happens before the verb's function: start-up time is a promise.
 */
#include "cli/command.h"

#include <errno.h>

#include "base/diag.h"
#include "cli/output.h"

void command_full_name(const struct cli *c, char *out, size_t n)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < c->depth; i++) {
		const char *name = c->path[i]->name;
		size_t add = strlen(name) + (i > 0);

		if (len + add >= n)
			return;
		if (i > 0)
			out[len++] = ' ';
		memcpy(out + len, name, strlen(name) + 1);
		len += strlen(name);
	}
}

static const struct command *find_sub(const struct command *parent,
				      const char *name)
{
	for (const struct command *s = parent->subs; s && s->name; s++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

static int unknown_command(const struct cli *c, const char *word)
{
	const struct command *parent = c->path[c->depth - 1];
	const char *names[64];
	size_t n = 0;
	char full[128];
	const char *near;

	for (const struct command *s = parent->subs;
	     s && s->name && n < ARRAY_LEN(names); s++)
		if (!s->hidden)
			names[n++] = s->name;
	command_full_name(c, full, sizeof(full));
	near = diag_suggest(str_from(word), names, n);
	if (near)
		return fail("unknown command \"%s\" for \"%s\" (did you mean "
			    "\"%s\"?)",
			    word, full, near);
	return fail("unknown command \"%s\" for \"%s\"", word, full);
}

/* Goes down the tree as far as the leading words name sub-commands. */
static void descend(struct cli *c, int *argc, char ***argv)
{
	while (*argc > 0 && c->depth < COMMAND_MAX_DEPTH) {
		const struct command *sub =
			find_sub(c->path[c->depth - 1], (*argv)[0]);

		if (!sub)
			return;
		c->path[c->depth++] = sub;
		(*argc)--;
		(*argv)++;
	}
}

static int check_args(const struct cli *c)
{
	const struct command *v = c->path[c->depth - 1];
	int n = c->n_args, min = v->min_args, max = v->max_args;
	char name[128];

	if (n >= min && (max < 0 || n <= max))
		return 0;
	if (min == max)
		(void)fail("accepts %d arg(s), received %d", min, n);
	else if (max < 0)
		(void)fail("requires at least %d arg(s), only received %d", min,
			   n);
	else if (min == 0)
		(void)fail("accepts at most %d arg(s), received %d", max, n);
	else
		(void)fail("accepts between %d and %d arg(s), received %d", min,
			   max, n);
	command_full_name(c, name, sizeof(name));
	hint("usage: %s%s%s%s", name, v->flags ? " [flags]" : "",
	     v->args ? " " : "", v->args ? v->args : "");
	return 1;
}

/* Adds the flag tables of path[from..depth). */
static int add_tables(struct cli *c, size_t from)
{
	for (size_t i = from; i < c->depth; i++) {
		const struct command *p = c->path[i];
		int r;

		if (!p->flags || (i + 1 != c->depth && !p->persistent))
			continue;
		r = flag_set_add(&c->flags, p->flags);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Names the verb and parses its flags. A group takes flags too, and the word
 * after them is its sub-command: `policy --dir D list`.
 */
static int parse_verb(struct cli *c, int argc, char **argv, struct buf *error)
{
	for (;;) {
		size_t from = c->depth;
		struct flag_words words;
		const struct command *v;
		int r;

		descend(c, &argc, &argv);
		v = c->path[c->depth - 1];
		r = add_tables(c, from);
		if (r < 0)
			return r;
		words = (struct flag_words){ .argv = argv,
					     .argc = argc,
					     .until_positional = !v->run };
		r = flag_set_parse(&c->flags, &words, error);
		if (r < 0)
			return r;
		c->args = argv;
		c->n_args = words.n;
		c->dash = words.dash;
		if (v->run || c->n_args == 0 || !find_sub(v, argv[0]))
			return 0;
		argc = c->n_args;
	}
}

/* The verb prints JSON by a flag of its own: --json, or --output json. */
static bool has_own_json(struct cli *c, const struct command *v)
{
	for (const struct flag *f = v->flags; f && f->name; f++) {
		if (strcmp(f->name, "json") == 0 && f->type == FLAG_BOOL)
			return flag_set_value(&c->flags, f, "true") == 0;
		if (strcmp(f->name, "output") == 0 && f->value &&
		    strstr(f->value, "json"))
			return flag_set_value(&c->flags, f, "json") == 0;
	}
	return false;
}

/* --json means the same everywhere: one JSON document on standard output. */
static int call_verb(struct cli *c, const struct command *v)
{
	char name[128];

	if (!flag_set_global(&c->flags, "json") || v->json_lines ||
	    has_own_json(c, v))
		return v->run(c);
	command_full_name(c, name, sizeof(name));
	if (v->streams)
		return fail("%s: --json is not for what prints as it comes; "
			    "agentsh exec --output json SESSION -- COMMAND "
			    "gives a command's response as JSON",
			    name);
	out_collect();
	return out_collected(name, v->run(c));
}

static int run_verb(struct cli *c, int argc, char **argv)
{
	_cleanup_buf_ struct buf error = BUF_INIT;
	const struct command *v;
	int r = parse_verb(c, argc, argv, &error);

	if (r < 0)
		return error.len ? fail("%s", buf_cstr(&error))
				 : fail_errno(r, "command line");
	v = c->path[c->depth - 1];
	if (c->flags.help || (!v->run && c->n_args == 0)) {
		command_help(c);
		return 0;
	}
	if (!v->run)
		return unknown_command(c, c->args[0]);
	if (check_args(c) != 0)
		return 1;
	if (flag_set_check_required(&c->flags, &error) < 0)
		return fail("%s", buf_cstr(&error));
	return call_verb(c, v);
}

/* `help VERB...`: the words name what is asked about. */
int cmd_help(struct cli *c)
{
	int argc = c->n_args;
	char **argv = c->args;

	c->depth = 1;
	descend(c, &argc, &argv);
	if (argc > 0)
		return unknown_command(c, argv[0]);
	if (out_is_collecting())
		return command_help_json(c);
	command_help(c);
	return 0;
}

int command_dispatch(const struct command *root, int argc, char **argv)
{
	struct cli c = { .argv0 = argc > 0 ? argv[0] : "agentsh",
			 .path = { root },
			 .depth = 1,
			 .dash = -1 };
	_cleanup_buf_ struct buf error = BUF_INIT;
	struct flag_words words = { .argv = argv + (argc > 0),
				    .argc = argc - (argc > 0),
				    .until_positional = true };
	int status = 1;

	if (flag_set_add(&c.flags, root->flags) < 0 ||
	    flag_set_parse(&c.flags, &words, &error) < 0)
		status = fail("%s", buf_cstr(&error));
	else if (words.n == 0 && !c.flags.help &&
		 flag_bool(&c.flags, "version"))
		status = cmd_version(&c);
	else if (words.n == 0)
		command_help(&c), status = 0;
	else if (!find_sub(root, words.argv[0]))
		status = unknown_command(&c, words.argv[0]);
	else
		status = run_verb(&c, words.n, words.argv);
	flag_set_done(&c.flags);
	return status;
}
