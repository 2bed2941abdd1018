/* SPDX-License-Identifier: MIT */
/*
 * yamldoc.c - YAML text into a bounded tree
 *
 * libyaml's event API feeds an explicit stack of open collections (no
 * recursion on untrusted depth). A finished node is attached to the collection
 * on top of the stack. An alias attaches the very node its anchor names; the
 * tree is therefore a DAG whose *expanded* size is what a reader pays for, so
 * every node carries the weight and height of its expansion and the caps are
 * checked against those: a "billion laughs" ends at the first alias that would
 * pass the cap.
 */
#include "base/yamldoc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <yaml.h>

#include "base/macro.h"
#include "base/yamlbuild.h"

/* Line and column (in characters) of a byte offset. */
static void place_of(struct str text, size_t offset, unsigned int *ret_line,
		     unsigned int *ret_column)
{
	unsigned int line = 1, column = 1;

	for (size_t i = 0; i < offset && i < text.n; i++) {
		if (text.p[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)text.p[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	*ret_line = line;
	*ret_column = column;
}

/* Offset of the first byte that is not part of well-formed UTF-8. */
static size_t bad_utf8_offset(struct str text)
{
	size_t i = 0;

	while (i < text.n) {
		size_t n = 1;

		while (n < 4 && n < text.n - i &&
		       ((unsigned char)text.p[i + n] & 0xc0) == 0x80)
			n++;
		if (!str_is_utf8(str_from_n(text.p + i, n)))
			break;
		i += n;
	}
	return i;
}

/* Byte offset of the n-th character. */
static size_t offset_of_char(struct str text, size_t n)
{
	size_t i = 0;

	for (; i < text.n; i++)
		if (((unsigned char)text.p[i] & 0xc0) != 0x80 && n-- == 0)
			break;
	return i;
}

static struct ynode *node_new(struct builder *b, const yaml_event_t *ev,
			      enum ynode_type type, int *ret_error)
{
	struct ynode *node = NULL;

	if (++b->nodes > b->caps->nodes) {
		*ret_error = fail_mark(b, ev->start_mark,
				       "more than %zu values; split the file",
				       b->caps->nodes);
		return NULL;
	}
	node = arena_alloc(b->arena, sizeof(*node));
	if (!node) {
		*ret_error = -ENOMEM;
		return NULL;
	}
	node->type = type;
	node->line = (unsigned int)ev->start_mark.line + 1;
	node->column = (unsigned int)ev->start_mark.column + 1;
	node->weight = 1;
	return node;
}

static struct anchor *anchor_find(struct builder *b, struct str name)
{
	for (size_t i = b->n_anchors; i > 0; i--)
		if (str_eq(b->anchors[i - 1].name, name))
			return &b->anchors[i - 1];
	return NULL;
}

static int anchor_add(struct builder *b, const yaml_event_t *ev,
		      const yaml_char_t *name, const struct ynode *node,
		      ptrdiff_t *ret)
{
	struct str s = str_from((const char *)name);
	char *copy = NULL;

	*ret = -1;
	if (!name)
		return 0;
	if (b->n_anchors == YAMLDOC_ANCHORS_MAX)
		return fail_mark(b, ev->start_mark, "more than %d anchors (&)",
				 YAMLDOC_ANCHORS_MAX);
	copy = arena_dup(b->arena, s);
	if (!copy)
		return -ENOMEM;
	*ret = (ptrdiff_t)b->n_anchors;
	b->anchors[b->n_anchors++] = (struct anchor){
		.name = str_from_n(copy, s.n),
		.node = node,
		.open = node->type >= YNODE_SEQUENCE,
	};
	return 0;
}

/* A scalar where a key is expected; anything else there is an error. */
static int take_key(struct builder *b, const struct ynode *node)
{
	struct frame *top = &b->stack[b->depth - 1];

	if (node->type != YNODE_SCALAR)
		return fail_at(b, node->line, node->column,
			       "a key must be plain text, not a list, mapping "
			       "or null");
	top->key = node;
	return 0;
}

/* Hooks a value (new or aliased) into the collection on top of the stack. */
static int attach(struct builder *b, struct ynode *node, yaml_mark_t mark)
{
	struct frame *top = NULL;
	const struct ynode *key = NULL;

	if (b->depth == 0) {
		b->root = node;
		return 0;
	}
	top = &b->stack[b->depth - 1];
	if (top->node->type == YNODE_MAPPING && !top->key)
		return take_key(b, node);
	key = top->key;
	top->key = NULL;
	if (b->depth + node->height > b->caps->depth)
		return fail_mark(b, mark, "nested deeper than %u levels",
				 b->caps->depth);
	return ybuild_append(b, top->node, &top->last,
			     (struct yentry){ key, node, NULL }, node);
}

static int on_alias(struct builder *b, const yaml_event_t *ev)
{
	const char *name = (const char *)ev->data.alias.anchor;
	struct anchor *a = anchor_find(b, str_from(name));
	struct ynode *shared = NULL;

	if (!a)
		return fail_mark(b, ev->start_mark,
				 "alias *%s: no anchor &%s before it", name,
				 name);
	if (a->open)
		return fail_mark(b, ev->start_mark,
				 "alias *%s lies inside its own anchor", name);
	if (++b->nodes > b->caps->nodes)
		return fail_mark(b, ev->start_mark, "more than %zu values",
				 b->caps->nodes);
	/* A copy of the head only, so that messages name the place of use. */
	shared = arena_alloc(b->arena, sizeof(*shared));
	if (!shared)
		return -ENOMEM;
	*shared = *a->node;
	shared->line = (unsigned int)ev->start_mark.line + 1;
	shared->column = (unsigned int)ev->start_mark.column + 1;
	return attach(b, shared, ev->start_mark);
}

static bool is_null_word(struct str s)
{
	return s.n == 0 || str_eq_c(s, "~") || str_eq_c(s, "null") ||
	       str_eq_c(s, "Null") || str_eq_c(s, "NULL");
}

/* Only YAML's own tags; "!" alone means "as text". */
static int check_tag(struct builder *b, const yaml_event_t *ev,
		     const yaml_char_t *tag, bool *ret_text)
{
	static const char *const core[] = { "str",  "int", "float", "bool",
					    "null", "seq", "map",   "merge" };
	static const char prefix[] = "tag:yaml.org,2002:";
	const char *t = (const char *)tag;

	*ret_text = false;
	if (!t)
		return 0;
	if (strcmp(t, "!") == 0) {
		*ret_text = true;
		return 0;
	}
	if (strncmp(t, prefix, sizeof(prefix) - 1) == 0) {
		t += sizeof(prefix) - 1;
		*ret_text = strcmp(t, "str") == 0;
		for (size_t i = 0; i < ARRAY_LEN(core); i++)
			if (strcmp(t, core[i]) == 0)
				return 0;
	}
	return fail_mark(b, ev->start_mark, "tag %.60s is not supported",
			 (const char *)tag);
}

static int on_scalar(struct builder *b, const yaml_event_t *ev)
{
	struct str s = { (const char *)ev->data.scalar.value,
			 ev->data.scalar.length };
	struct ynode *node = NULL;
	bool text = false;
	ptrdiff_t ignored = -1;
	int r = check_tag(b, ev, ev->data.scalar.tag, &text);

	if (r < 0)
		return r;
	if (s.n && memchr(s.p, 0, s.n))
		return fail_mark(b, ev->start_mark, "text holds a NUL byte");
	node = node_new(b, ev, YNODE_SCALAR, &r);
	if (!node)
		return r;
	node->quoted = text || ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (!node->quoted && is_null_word(s))
		node->type = YNODE_NULL;
	node->text = str_from_n(arena_dup(b->arena, s), s.n);
	if (!node->text.p)
		return -ENOMEM;
	r = anchor_add(b, ev, ev->data.scalar.anchor, node, &ignored);
	return r < 0 ? r : attach(b, node, ev->start_mark);
}

static int on_open(struct builder *b, const yaml_event_t *ev,
		   enum ynode_type type)
{
	bool mapping = type == YNODE_MAPPING, text = false;
	const yaml_char_t *tag = mapping ? ev->data.mapping_start.tag
					 : ev->data.sequence_start.tag;
	const yaml_char_t *name = mapping ? ev->data.mapping_start.anchor
					  : ev->data.sequence_start.anchor;
	unsigned int max = MIN(b->caps->depth, YAMLDOC_DEPTH_MAX);
	struct frame *f = NULL;
	struct ynode *node = NULL;
	int r = check_tag(b, ev, tag, &text);

	if (r < 0)
		return r;
	if (b->depth >= max)
		return fail_mark(b, ev->start_mark,
				 "nested deeper than %u levels", max);
	node = node_new(b, ev, type, &r);
	if (!node)
		return r;
	f = &b->stack[b->depth];
	*f = (struct frame){ .node = node, .anchor = -1 };
	r = anchor_add(b, ev, name, f->node, &f->anchor);
	if (r == 0)
		b->depth++;
	return r;
}

static int on_close(struct builder *b, const yaml_event_t *ev)
{
	struct frame *f = &b->stack[--b->depth];
	int r = 0;

	assert(f->node); /* libyaml balances its events */
	if (f->node->type == YNODE_MAPPING) {
		r = ybuild_check_duplicates(b, f->node);
		if (r == 0)
			r = ybuild_merge_keys(b, f);
		if (r < 0)
			return r;
	}
	if (f->anchor >= 0)
		b->anchors[f->anchor].open = false;
	return attach(b, f->node, ev->start_mark);
}

static int on_event(struct builder *b, const yaml_event_t *ev)
{
	/* A switch over libyaml's enum with the events that carry nothing. */
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents)
			return fail_mark(b, ev->start_mark,
					 "more than one document (---) in the "
					 "file");
		b->documents = true;
		return 0;
	case YAML_ALIAS_EVENT:
		return on_alias(b, ev);
	case YAML_SCALAR_EVENT:
		return on_scalar(b, ev);
	case YAML_SEQUENCE_START_EVENT:
		return on_open(b, ev, YNODE_SEQUENCE);
	case YAML_MAPPING_START_EVENT:
		return on_open(b, ev, YNODE_MAPPING);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_close(b, ev);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	}
	return 0;
}

/* libyaml's own complaint, in our words where theirs would puzzle. */
static int report_syntax(struct builder *b, const yaml_parser_t *p,
			 struct str text)
{
	unsigned int line = (unsigned int)p->problem_mark.line + 1;
	unsigned int column = (unsigned int)p->problem_mark.column + 1;
	const char *problem = p->problem ? p->problem : "not valid YAML";
	size_t at = text.n;

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR)
		place_of(text, p->problem_offset, &line, &column);
	else if (p->error == YAML_SCANNER_ERROR)
		at = offset_of_char(text, p->problem_mark.index);
	if (at < text.n && text.p[at] == '\t')
		problem = "a tab cannot indent, use spaces;";
	return fail_at(b, line, column, "%s%s%s", problem,
		       p->context ? " " : "", p->context ? p->context : "");
}

static int parse_events(struct builder *b, yaml_parser_t *p, struct str text)
{
	bool done = false;

	while (!done) {
		yaml_event_t ev;
		int r = 0;

		if (!yaml_parser_parse(p, &ev))
			return report_syntax(b, p, text);
		done = ev.type == YAML_STREAM_END_EVENT;
		r = on_event(b, &ev);
		yaml_event_delete(&ev);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_bytes(struct builder *b, struct str text)
{
	unsigned int line = 0, column = 0;

	if (text.n > b->caps->bytes)
		return fail_at(b, 0, 0, "larger than %zu bytes (%zu)",
			       b->caps->bytes, text.n);
	if (str_is_utf8(text))
		return 0;
	place_of(text, bad_utf8_offset(text), &line, &column);
	return fail_at(b, line, column, "not valid UTF-8");
}

int yamldoc_parse(struct arena *a, const char *file, struct str text,
		  const struct yamldoc_caps *caps, const struct ynode **ret,
		  struct diag *diag)
{
	_cleanup_free_ struct builder *b = calloc(1, sizeof(*b));
	yaml_parser_t parser;
	int r = 0;

	/* A byte order mark, as some editors put in front of UTF-8. */
	if (str_starts(text, STR("\xef\xbb\xbf")))
		text = str_skip(text, 3);
	if (!b)
		return -ENOMEM;
	b->arena = a;
	b->file = file;
	b->diag = diag;
	b->caps = caps;
	r = check_bytes(b, text);
	if (r < 0)
		return r;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
	r = parse_events(b, &parser, text);
	yaml_parser_delete(&parser);
	if (r < 0)
		return r;
	if (!b->root) {
		b->root = arena_alloc(a, sizeof(*b->root));
		if (!b->root)
			return -ENOMEM;
		b->root->line = b->root->column = 1;
		b->root->weight = 1;
	}
	*ret = b->root;
	return 0;
}

const struct ynode *ynode_get(const struct ynode *node, const char *key)
{
	if (!node || node->type != YNODE_MAPPING)
		return NULL;
	ynode_foreach(e, node)
	{
		if (str_eq_c(e->key->text, key))
			return e->value;
	}
	return NULL;
}

bool ynode_as_bool(const struct ynode *node, bool *ret)
{
	static const char *const words[2][11] = {
		{ "false", "False", "FALSE", "no", "No", "NO", "off", "Off",
		  "OFF", "n", "N" },
		{ "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON",
		  "y", "Y" },
	};

	if (node->type != YNODE_SCALAR || node->quoted)
		return false;
	for (size_t i = 0; i < 2 * ARRAY_LEN(words[0]); i++) {
		const char *word = words[i % 2][i / 2];

		if (str_eq_c(node->text, word)) {
			*ret = i % 2 == 1;
			return true;
		}
	}
	return false;
}
