/* SPDX-License-Identifier: MIT */
/*
 * bind.c - the texts, lists and pairs of rules.h, each with its place
 */
#include "policy/bind.h"

static struct rule_pos pos_of(const struct ynode *node)
{
	return (struct rule_pos){ node->line, node->column };
}

static int read_text(const struct yreader *r, const struct ypath *at,
		     const struct ynode *node, struct rule_text *ret)
{
	*ret = (struct rule_text){ STR(""), pos_of(node) };
	return yread_str(r, at, node, &ret->s);
}

static int read_list(const struct yreader *r, const struct ypath *at,
		     const struct ynode *node, struct rule_list *ret)
{
	struct rule_list out = { .present = true };
	int e = 0;

	if (node->type == YNODE_NULL)
		return 0;
	if (node->type != YNODE_SEQUENCE)
		return yread_mismatch(r, at, node,
				      "a list of texts such as [a, b]");
	out.v = arena_alloc(r->arena, (node->n + 1) * sizeof(*out.v));
	if (!out.v)
		return -ENOMEM;
	ynode_foreach(it, node)
	{
		struct ypath here = { .up = at, .index = out.n };

		e = bind_worse(e,
			       read_text(r, &here, it->value, &out.v[out.n]));
		out.n++;
	}
	*ret = out;
	return e;
}

static int read_pairs(const struct yreader *r, const struct ypath *at,
		      const struct ynode *node, struct rule_pairs *ret)
{
	struct rule_pairs out = { 0 };
	int e = 0;

	if (node->type == YNODE_NULL)
		return 0;
	if (node->type != YNODE_MAPPING)
		return yread_mismatch(r, at, node, "a mapping of NAME: text");
	out.v = arena_alloc(r->arena, (node->n + 1) * sizeof(*out.v));
	if (!out.v)
		return -ENOMEM;
	ynode_foreach(it, node)
	{
		struct ypath here = { .up = at, .key = it->key->text };
		struct rule_pair *pair = &out.v[out.n++];

		pair->name =
			(struct rule_text){ it->key->text, pos_of(it->key) };
		e = bind_worse(e, read_text(r, &here, it->value, &pair->value));
	}
	*ret = out;
	return e;
}

int bind_rule_text(const struct yreader *r, const struct ypath *at,
		   const struct ynode *node, void *slot)
{
	return read_text(r, at, node, slot);
}

int bind_rule_list(const struct yreader *r, const struct ypath *at,
		   const struct ynode *node, void *slot)
{
	return read_list(r, at, node, slot);
}

int bind_rule_pairs(const struct yreader *r, const struct ypath *at,
		    const struct ynode *node, void *slot)
{
	return read_pairs(r, at, node, slot);
}
