/* SPDX-License-Identifier: MIT */
/*
 * help.c - help texts, made from the command tree
 */
#include "cli/command.h"
#include "cli/output.h"
#include "config.h"

#define HELP_WIDTH 28

static void put_flag(struct buf *b, const struct flag *f)
{
	size_t start = b->len;

	if (f->shorthand)
		buf_printf(b, "  -%c, --%s", f->shorthand, f->name);
	else
		buf_printf(b, "      --%s", f->name);
	if (f->type != FLAG_BOOL)
		buf_printf(b, " %s", f->value ? f->value : "VALUE");
	if (b->len - start >= HELP_WIDTH) {
		buf_putc(b, '\n');
		start = b->len;
	}
	while (!b->error && b->len - start < HELP_WIDTH)
		buf_putc(b, ' ');
	buf_puts(b, f->help);
	if (f->dflt && f->dflt[0])
		buf_printf(b, " (default %s)", f->dflt);
	if (f->required)
		buf_puts(b, " (required)");
	buf_putc(b, '\n');
}

static void put_flags(struct buf *b, const char *title,
		      const struct flag *table)
{
	if (!table || !table[0].name)
		return;
	buf_printf(b, "\n%s:\n", title);
	for (const struct flag *f = table; f->name; f++)
		if (!f->hidden)
			put_flag(b, f);
}

static void put_subs(struct buf *b, const struct command *v)
{
	buf_puts(b, "\nCommands:\n");
	for (const struct command *s = v->subs; s->name; s++) {
		if (s->hidden)
			continue;
		buf_printf(b, "  %-16s %s\n", s->name, s->summary);
	}
}

/* Indents every line of text by two columns. */
static void put_indented(struct buf *b, const char *text)
{
	struct str rest = str_from(text), line;

	while (str_split(&rest, '\n', &line))
		buf_printf(b, "  " STR_FMT "\n", STR_ARG(line));
}

void command_help(const struct cli *c)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const struct command *v = c->path[c->depth - 1];
	char name[128];

	command_full_name(c, name, sizeof(name));
	buf_printf(&b, "%s\n\nUsage: %s%s%s%s\n", v->summary, name,
		   v->flags && v->flags[0].name ? " [flags]" : "",
		   v->args ? " " : "", v->args ? v->args : "");
	if (v->subs && !v->run)
		buf_printf(&b, "       %s COMMAND --help\n", name);
	if (v->description)
		buf_printf(&b, "\n%s\n", v->description);
	if (v->examples) {
		buf_puts(&b, "\nExamples:\n");
		put_indented(&b, v->examples);
	}
	if (v->subs)
		put_subs(&b, v);
	put_flags(&b, "Flags", v->flags);
	for (size_t i = c->depth - 1; i-- > 1;)
		if (c->path[i]->persistent)
			put_flags(&b, "Group flags", c->path[i]->flags);
	if (c->depth > 1)
		put_flags(&b, "Global flags", c->path[0]->flags);
	(void)out_buf(&b);
}

static void json_flags(struct json_writer *w, const struct flag *table)
{
	static const char *const types[] = { [FLAG_BOOL] = "switch",
					     [FLAG_STRING] = "text",
					     [FLAG_LIST] = "list",
					     [FLAG_INT] = "number" };

	json_key(w, "flags");
	json_begin_array(w);
	for (const struct flag *f = table; f && f->name; f++) {
		if (f->hidden)
			continue;
		json_begin_object(w);
		json_kv_cstr(w, "name", f->name);
		json_kv_cstr(w, "type", types[f->type]);
		json_kv_cstr(w, "default", f->dflt ? f->dflt : "");
		json_kv_bool(w, "required", f->required);
		json_kv_cstr(w, "help", f->help);
		json_end_object(w);
	}
	json_end_array(w);
}

/* The tree is our own and COMMAND_MAX_DEPTH deep. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void json_command(struct json_writer *w, const struct command *v)
{
	json_begin_object(w);
	json_kv_cstr(w, "name", v->name);
	json_kv_cstr(w, "summary", v->summary);
	json_kv_cstr(w, "args", v->args ? v->args : "");
	json_kv_bool(w, "runs", v->run != NULL);
	json_kv_bool(w, "streams", v->streams || v->json_lines);
	json_flags(w, v->flags);
	json_key(w, "commands");
	json_begin_array(w);
	for (const struct command *s = v->subs; s && s->name; s++)
		if (!s->hidden)
			json_command(w, s);
	json_end_array(w);
	json_end_object(w);
}

int command_help_json(const struct cli *c)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json_writer w;

	json_writer_init(&w, &b, 2);
	json_command(&w, c->path[c->depth - 1]);
	buf_putc(&b, '\n');
	return out_buf(&b);
}

int cmd_version(struct cli *c)
{
	(void)c;
	/* scripts made for the Go program look for the version they know */
	return out_line("agentsh %s (for users of agentsh 0.16.9, 0.18.3, "
			"0.19.2)",
			AGENTSH_VERSION);
}
