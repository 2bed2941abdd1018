/* SPDX-License-Identifier: MIT */
/*
 * yaml.c - JSON shown as YAML
 */
#include "cli/yaml.h"

#include <ctype.h>

#include "cli/output.h"

/* Words that a YAML reader takes for something else than a string. */
static bool is_plain(struct str s)
{
	static const char *const words[] = { "true", "false", "null", "yes",
					     "no",   "on",    "off" };

	if (s.n == 0 || !isalpha((unsigned char)s.p[0]))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq_icase(s, str_from(words[i])))
			return false;
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) &&
		    !strchr(" _./()-+,", s.p[i]))
			return false;
	return s.p[s.n - 1] != ' ';
}

static void put_scalar(struct buf *out, const struct json *v)
{
	struct json_writer w;

	if (v->type == JSON_STRING && is_plain(v->text)) {
		buf_put_str(out, v->text);
		return;
	}
	/* Every JSON string is a YAML string. */
	json_writer_init(&w, out, 0);
	json_copy(&w, v);
}

static bool is_block(const struct json *v)
{
	return (v->type == JSON_ARRAY || v->type == JSON_OBJECT) && v->child;
}

static void indent(struct buf *out, unsigned int depth)
{
	for (unsigned int i = 0; i < depth * 2; i++)
		buf_putc(out, ' ');
}

/*
 * inline_first: the first member goes on the line that is begun already. The
 * JSON parser bounds the depth.
 */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void put_block(struct buf *out, const struct json *v, unsigned int depth,
		      bool inline_first)
{
	json_foreach(it, v)
	{
		if (!inline_first)
			indent(out, depth);
		inline_first = false;
		if (v->type == JSON_ARRAY) {
			buf_puts(out, "- ");
			if (is_block(it)) {
				put_block(out, it, depth + 1, true);
				continue;
			}
		} else {
			buf_printf(out, STR_FMT ":", STR_ARG(it->key));
			if (is_block(it)) {
				buf_putc(out, '\n');
				put_block(out, it, depth + 1, false);
				continue;
			}
			buf_putc(out, ' ');
		}
		put_scalar(out, it);
		buf_putc(out, '\n');
	}
}

void yaml_put(struct buf *out, const struct json *v)
{
	if (is_block(v)) {
		put_block(out, v, 0, false);
		return;
	}
	put_scalar(out, v);
	buf_putc(out, '\n');
}

int out_yaml(struct str json_text)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(64U << 20);
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json *v = NULL;

	if (json_parse(&a, json_text, &v) < 0)
		return fail("not JSON");
	yaml_put(&b, v);
	return out_buf(&b);
}
