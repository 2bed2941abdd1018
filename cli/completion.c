/* SPDX-License-Identifier: MIT */
/*
 * completion.c - completion scripts, made from the command tree
 *
 * Only words are completed (verbs and flags); the shell completes files.
 */
#include "cli/command.h"
#include "cli/output.h"

/* "session create" for the verbs on the path; "" for the root. */
struct node {
	const struct command *path[COMMAND_MAX_DEPTH];
	size_t depth;
};

typedef void node_fn(struct buf *b, const struct node *n);

static void put_path(struct buf *b, const struct node *n, char sep)
{
	for (size_t i = 1; i < n->depth; i++) {
		if (i > 1)
			buf_putc(b, sep);
		buf_puts(b, n->path[i]->name);
	}
}

/* Calls fn for the root and every verb below it; the tree is our own and
 * COMMAND_MAX_DEPTH deep. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void walk(struct buf *b, struct node *n, node_fn *fn)
{
	const struct command *v = n->path[n->depth - 1];

	fn(b, n);
	if (n->depth == COMMAND_MAX_DEPTH)
		return;
	for (const struct command *s = v->subs; s && s->name; s++) {
		n->path[n->depth++] = s;
		walk(b, n, fn);
		n->depth--;
	}
}

static void put_flag_words(struct buf *b, const struct flag *table)
{
	for (const struct flag *f = table; f && f->name; f++)
		if (!f->hidden)
			buf_printf(b, " --%s", f->name);
}

static void bash_node(struct buf *b, const struct node *n)
{
	const struct command *v = n->path[n->depth - 1];

	buf_puts(b, "\t\"");
	put_path(b, n, ' ');
	buf_puts(b, "\") words=\"");
	for (const struct command *s = v->subs; s && s->name; s++)
		if (!s->hidden)
			buf_printf(b, "%s ", s->name);
	buf_puts(b, "--help");
	for (size_t i = 0; i < n->depth; i++)
		if (i == 0 || i + 1 == n->depth || n->path[i]->persistent)
			put_flag_words(b, n->path[i]->flags);
	buf_puts(b, "\" ;;\n");
}

static void put_bash(struct buf *b, struct node *root)
{
	buf_puts(
		b,
		"# bash completion for agentsh (made by: agentsh completion "
		"bash)\n"
		"_agentsh()\n{\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} path= words= stop= i w\n"
		"\tCOMPREPLY=()\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\tw=${COMP_WORDS[i]}\n"
		"\t\t[[ $w == -- ]] && return\n"
		"\t\t[[ $w == -* ]] && continue\n"
		"\t\t[[ $stop ]] && continue\n"
		"\t\tif _agentsh_words \"${path:+$path }$w\"; then\n"
		"\t\t\tpath=${path:+$path }$w\n"
		"\t\telse\n\t\t\tstop=1\n\t\tfi\n"
		"\tdone\n"
		"\t_agentsh_words \"$path\" && COMPREPLY=($(compgen -W "
		"\"$words\" -- \"$cur\"))\n"
		"}\n"
		"_agentsh_words()\n{\n\tcase $1 in\n");
	walk(b, root, bash_node);
	buf_puts(b, "\t*) return 1 ;;\n\tesac\n}\n"
		    "complete -o default -F _agentsh agentsh\n");
}

/* ' inside '...' for all three shells. */
static void put_quoted(struct buf *b, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\'')
			buf_puts(b, "'\\''");
		else
			buf_putc(b, *p);
	}
}

static void zsh_node(struct buf *b, const struct node *n)
{
	const struct command *v = n->path[n->depth - 1];

	buf_puts(b, "\t'");
	put_path(b, n, ' ');
	buf_puts(b, "') words=(");
	for (const struct command *s = v->subs; s && s->name; s++) {
		if (s->hidden)
			continue;
		buf_printf(b, "\n\t\t'%s:", s->name);
		put_quoted(b, s->summary);
		buf_putc(b, '\'');
	}
	buf_puts(b, ") flags=(--help");
	for (size_t i = 0; i < n->depth; i++)
		if (i == 0 || i + 1 == n->depth || n->path[i]->persistent)
			put_flag_words(b, n->path[i]->flags);
	buf_puts(b, ") ;;\n");
}

static void put_zsh(struct buf *b, struct node *root)
{
	buf_puts(b, "#compdef agentsh\n"
		    "# made by: agentsh completion zsh\n"
		    "_agentsh_words() {\n\tcase $1 in\n");
	walk(b, root, zsh_node);
	buf_puts(b, "\t*) return 1 ;;\n\tesac\n}\n"
		    "_agentsh() {\n"
		    "\tlocal path_= w= stop=; local -a words_ flags; local i\n"
		    "\tlocal -a typed; typed=(\"${(@)words}\")\n"
		    "\tlocal at=$CURRENT; local -a words\n"
		    "\tfor ((i = 2; i < at; i++)); do\n"
		    "\t\tw=$typed[i]\n"
		    "\t\t[[ $w == -- ]] && { _default; return }\n"
		    "\t\t[[ $w == -* ]] && continue\n"
		    "\t\t[[ -n $stop ]] && continue\n"
		    "\t\t_agentsh_words \"${path_:+$path_ }$w\" || "
		    "{ stop=1; continue }\n"
		    "\t\tpath_=\"${path_:+$path_ }$w\"\n"
		    "\tdone\n"
		    "\t_agentsh_words \"$path_\"\n"
		    "\tif [[ $typed[at] == -* ]]; then\n"
		    "\t\tcompadd -a flags\n"
		    "\telif (($#words)); then\n"
		    "\t\t_describe command words\n"
		    "\telse\n\t\t_default\n\tfi\n"
		    "}\ncompdef _agentsh agentsh\n");
}

static void fish_condition(struct buf *b, const struct node *n)
{
	if (n->depth == 1) {
		buf_puts(b, "__fish_use_subcommand");
		return;
	}
	for (size_t i = 1; i < n->depth; i++)
		buf_printf(b, "%s__fish_seen_subcommand_from %s",
			   i > 1 ? "; and " : "", n->path[i]->name);
}

static void fish_node(struct buf *b, const struct node *n)
{
	const struct command *v = n->path[n->depth - 1];

	for (const struct command *s = v->subs; s && s->name; s++) {
		if (s->hidden)
			continue;
		buf_puts(b, "complete -c agentsh -n '");
		fish_condition(b, n);
		buf_printf(b, "' -a %s -d '", s->name);
		put_quoted(b, s->summary);
		buf_puts(b, "'\n");
	}
	for (const struct flag *f = v->flags; f && f->name; f++) {
		if (f->hidden)
			continue;
		buf_puts(b, "complete -c agentsh");
		if (n->depth > 1) {
			buf_puts(b, " -n '");
			fish_condition(b, n);
			buf_putc(b, '\'');
		}
		buf_printf(b, " -l %s%s -d '", f->name,
			   f->type == FLAG_BOOL ? "" : " -r");
		put_quoted(b, f->help);
		buf_puts(b, "'\n");
	}
}

int cmd_completion(struct cli *c)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct node root = { .path = { c->path[0] }, .depth = 1 };
	struct str shell = str_from(c->args[0]);

	if (str_eq(shell, STR("bash"))) {
		put_bash(&b, &root);
	} else if (str_eq(shell, STR("zsh"))) {
		put_zsh(&b, &root);
	} else if (str_eq(shell, STR("fish"))) {
		buf_puts(&b, "# made by: agentsh completion fish\n");
		walk(&b, &root, fish_node);
	} else {
		return fail("unknown shell \"%s\" (expected bash, zsh or fish)",
			    c->args[0]);
	}
	return out_buf(&b);
}
