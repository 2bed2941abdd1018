/* SPDX-License-Identifier: MIT */
/*
 * yamlbind.c - strict reading of YAML mappings into structs, by tables
 */
#include "base/yamlbind.h"

#include <errno.h>

/* A table never has more keys than this (asserted by its users' tests). */
#define BIND_KEYS_MAX 64

static int read_u32(const struct yreader *r, const struct ypath *at,
		    const struct ynode *node, uint32_t *ret)
{
	int64_t v = *ret;
	int e = yread_int(r, at, node, 0, UINT32_MAX, &v);

	if (e == 0)
		*ret = (uint32_t)v;
	return e;
}

static int read_u64(const struct yreader *r, const struct ypath *at,
		    const struct ynode *node, uint64_t *ret)
{
	int64_t v = (int64_t)*ret;
	int e = yread_int(r, at, node, 0, INT64_MAX, &v);

	if (e == 0)
		*ret = (uint64_t)v;
	return e;
}

int bind_cstr(const struct yreader *r, const struct ypath *at,
	      const struct ynode *node, const char **ret)
{
	struct str s = STR_NONE;
	int e = yread_str(r, at, node, &s);

	if (e == 0 && s.p)
		*ret = s.p;
	return e;
}

int bind_duration(const struct yreader *r, const struct ypath *at,
		  const struct ynode *node, int64_t *ret)
{
	int64_t v = *ret;
	int e = yread_duration(r, at, node, &v);

	if (e == 0 && v < 0)
		return yread_error(r, at, node, "must not be negative");
	if (e == 0)
		*ret = v;
	return e;
}

static int warn_ignored(const struct yreader *r, const struct ypath *at,
			const struct ynode *node)
{
	bool empty = node->type == YNODE_NULL ||
		     (node->type != YNODE_SCALAR && node->n == 0);

	if (!empty)
		yread_warn(r, at, node, "not enforced by this version");
	return 0;
}

static int read_field(const struct yreader *r, const struct ypath *at,
		      const struct ynode *node, const struct bind_field *f,
		      void *out)
{
	void *slot = (char *)out + f->offset;

	switch (f->type) {
	case BIND_STR:
		return yread_str(r, at, node, slot);
	case BIND_CSTR:
		return bind_cstr(r, at, node, slot);
	case BIND_BOOL:
		return yread_bool(r, at, node, slot);
	case BIND_I64:
		return yread_int(r, at, node, INT64_MIN, INT64_MAX, slot);
	case BIND_U32:
		return read_u32(r, at, node, slot);
	case BIND_U64:
		return read_u64(r, at, node, slot);
	case BIND_DURATION:
		return bind_duration(r, at, node, slot);
	case BIND_FN:
		return f->fn(r, at, node, slot);
	case BIND_IGNORED:
		return warn_ignored(r, at, node);
	}
	return -EINVAL;
}

static int unknown_key(const struct yreader *r, const struct ypath *at,
		       const struct ynode *key, const struct bind_table *table)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *known[BIND_KEYS_MAX];
	size_t n = 0;

	/* A suggestion costs; past the last message kept nobody reads it. */
	while (r->diag && r->diag->n_errors < DIAG_MAX_ITEMS && n < table->n &&
	       n < BIND_KEYS_MAX) {
		known[n] = table->fields[n].key;
		n++;
	}
	yread_unknown_text(at, key->text, known, n, &text);
	return yread_error(r, NULL, key, "%s", buf_cstr(&text));
}

int bind_mapping(const struct yreader *r, const struct ypath *at,
		 const struct ynode *node, const struct bind_table *table,
		 void *out)
{
	int e = 0;

	if (node->type == YNODE_NULL)
		return 0;
	if (node->type != YNODE_MAPPING)
		return yread_mismatch(r, at, node, "a mapping (key: value)");
	ynode_foreach(it, node)
	{
		struct ypath here = { .up = at, .key = it->key->text };
		size_t i = 0;

		while (i < table->n &&
		       !str_eq_c(it->key->text, table->fields[i].key))
			i++;
		if (i == table->n)
			e = bind_worse(e, unknown_key(r, at, it->key, table));
		else
			e = bind_worse(e, read_field(r, &here, it->value,
						     &table->fields[i], out));
		if (e == -ENOMEM)
			return e;
	}
	return e;
}

int bind_array(const struct yreader *r, const struct ypath *at,
	       const struct ynode *node, struct bind_elem elem, void **ret,
	       size_t *ret_n)
{
	char *v = NULL;
	size_t n = 0;
	int e = 0;

	if (node->type == YNODE_NULL)
		return 0;
	if (node->type != YNODE_SEQUENCE)
		return yread_mismatch(r, at, node, "a list (- ...)");
	if (node->n > BIND_ARRAY_MAX)
		return yread_error(r, at, node, "more than %d entries",
				   BIND_ARRAY_MAX);
	v = arena_alloc(r->arena, (node->n + 1) * elem.size);
	if (!v)
		return -ENOMEM;
	ynode_foreach(it, node)
	{
		struct ypath here = { .up = at, .index = n };

		e = bind_worse(e,
			       elem.fn(r, &here, it->value, v + n * elem.size));
		n++;
		if (e == -ENOMEM)
			return e;
	}
	*ret = v;
	*ret_n = n;
	return e;
}

int bind_word(const struct yreader *r, const struct ypath *at,
	      const struct ynode *node, const char *const *words,
	      unsigned int n_words, unsigned int *ret)
{
	_cleanup_buf_ struct buf list = BUF_INIT;
	struct str s = STR_NONE;
	int e = yread_str(r, at, node, &s);

	if (e < 0 || !s.p)
		return e;
	for (unsigned int i = 0; i < n_words; i++) {
		if (str_eq_icase(s, str_from(words[i]))) {
			*ret = i;
			return 0;
		}
		if (words[i][0])
			buf_printf(&list, "%s%s",
				   list.len == 0      ? ""
				   : i + 1 == n_words ? " or "
						      : ", ",
				   words[i]);
	}
	return yread_mismatch(r, at, node, buf_cstr(&list));
}
