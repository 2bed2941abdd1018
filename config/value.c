/* SPDX-License-Identifier: MIT */
/*
 * value.c - one configuration value: from YAML, from text, compared
 */
#include <errno.h>

#include "base/macro.h"
#include "base/yamlbind.h"
#include "config/keys.h"

const struct config_key *config_key_find(const char *path)
{
	for (size_t i = 0; i < config_n_keys; i++)
		if (strcmp(config_keys[i].path, path) == 0)
			return &config_keys[i];
	return NULL;
}

bool config_is_section(const char *path)
{
	size_t n = strlen(path);

	for (size_t i = 0; i < config_n_keys; i++)
		if (strncmp(config_keys[i].path, path, n) == 0 &&
		    config_keys[i].path[n] == '.')
			return true;
	return false;
}

static int set_word(const struct yreader *r, const struct ypath *at,
		    const struct ynode *node, const char *const *words,
		    unsigned int *slot)
{
	unsigned int n = 0;

	while (words[n])
		n++;
	return bind_word(r, at, node, words, n, slot);
}

static int set_tri(const struct yreader *r, const struct ypath *at,
		   const struct ynode *node, enum config_tri *slot)
{
	bool v = false;
	int e = yread_bool(r, at, node, &v);

	if (e == 0 && node->type != YNODE_NULL)
		*slot = v ? CONFIG_YES : CONFIG_NO;
	return e;
}

static int set_ports(const struct yreader *r, const struct ypath *at,
		     const struct ynode *node, struct config_ports *slot)
{
	struct config_ports out = { 0 };

	if (node->type == YNODE_NULL)
		return 0;
	if (node->type != YNODE_SEQUENCE)
		return yread_mismatch(r, at, node,
				      "a list of ports such as [80, 443]");
	out.v = arena_alloc(r->arena, (node->n + 1) * sizeof(*out.v));
	if (!out.v)
		return -ENOMEM;
	ynode_foreach(it, node)
	{
		struct ypath here = { .up = at, .index = out.n };
		int64_t port = 0;
		int e = yread_int(r, &here, it->value, 1, 65535, &port);

		if (e < 0)
			return e;
		out.v[out.n++] = (uint16_t)port;
	}
	*slot = out;
	return 0;
}

static int on_block_word(const struct yreader *r, const struct ypath *at,
			 const struct ynode *node, void *slot)
{
	static const char *const words[] = { "errno", "kill", "log",
					     "log_and_kill" };

	return bind_word(r, at, node, words, ARRAY_LEN(words), slot);
}

/* ---- the small structs that lists hold ---- */

static int read_family(const struct yreader *r, const struct ypath *at,
		       const struct ynode *node, void *slot)
{
#define AT(field) offsetof(struct config_family, field)
	static const struct bind_field fields[] = {
		{ "family", BIND_CSTR, AT(family), NULL },
		{ "action", BIND_FN, AT(action), on_block_word },
	};
#undef AT
	static const struct bind_table table = BIND_TABLE_INIT(fields);
	const struct config_family *f = slot;
	int e = bind_mapping(r, at, node, &table, slot);

	return e == 0 && !f->family
		       ? yread_error(r, at, node, "family is required")
		       : e;
}

static int set_families(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, struct config_families *slot)
{
	const struct bind_elem elem = { sizeof(*slot->v), read_family };
	void *v = slot->v;
	int e = bind_array(r, at, node, elem, &v, &slot->n);

	slot->v = v;
	return e;
}

static int read_socket_rule(const struct yreader *r, const struct ypath *at,
			    const struct ynode *node, void *slot)
{
#define AT(field) offsetof(struct config_socket_rule, field)
	static const struct bind_field fields[] = {
		{ "name", BIND_CSTR, AT(name), NULL },
		{ "family", BIND_CSTR, AT(family), NULL },
		{ "type", BIND_CSTR, AT(type), NULL },
		{ "protocol", BIND_CSTR, AT(protocol), NULL },
		{ "action", BIND_FN, AT(action), on_block_word },
	};
#undef AT
	static const struct bind_table table = BIND_TABLE_INIT(fields);
	const struct config_socket_rule *rule = slot;
	int e = bind_mapping(r, at, node, &table, slot);

	return e == 0 && !rule->name
		       ? yread_error(r, at, node, "name is required")
		       : e;
}

static int set_socket_rules(const struct yreader *r, const struct ypath *at,
			    const struct ynode *node,
			    struct config_socket_rules *slot)
{
	const struct bind_elem elem = { sizeof(*slot->v), read_socket_rule };
	void *v = slot->v;
	int e = bind_array(r, at, node, elem, &v, &slot->n);

	slot->v = v;
	for (size_t i = 0; e == 0 && i < slot->n; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(slot->v[i].name, slot->v[j].name) == 0)
				return yread_error(r, at, node,
						   "name \"%.60s\" is used "
						   "twice",
						   slot->v[i].name);
	return e;
}

static int read_pattern(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, void *slot)
{
#define AT(field) offsetof(struct config_pattern, field)
	static const struct bind_field fields[] = {
		{ "name", BIND_CSTR, AT(name), NULL },
		{ "display", BIND_CSTR, AT(display), NULL },
		{ "regex", BIND_CSTR, AT(regex), NULL },
	};
#undef AT
	static const struct bind_table table = BIND_TABLE_INIT(fields);
	struct config_pattern *p = slot;
	const struct ynode *regex;
	int e = bind_mapping(r, at, node, &table, slot);

	if (e < 0)
		return e;
	if (!p->name || !p->regex || !*p->regex)
		return yread_error(r, at, node, "name and regex are required");
	regex = ynode_get(node, "regex");
	p->line = regex ? regex->line : node->line;
	p->column = regex ? regex->column : node->column;
	if (!p->display)
		p->display = p->name;
	return 0;
}

static int set_patterns(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, struct config_patterns *slot)
{
	const struct bind_elem elem = { sizeof(*slot->v), read_pattern };
	void *v = slot->v;
	int e = bind_array(r, at, node, elem, &v, &slot->n);

	slot->v = v;
	return e;
}

static int read_mount(const struct yreader *r, const struct ypath *at,
		      const struct ynode *node, void *slot)
{
	static const struct bind_field fields[] = {
		{ "path", BIND_CSTR, offsetof(struct config_mount, path),
		  NULL },
		{ "policy", BIND_CSTR, offsetof(struct config_mount, policy),
		  NULL },
	};
	static const struct bind_table table = BIND_TABLE_INIT(fields);

	return bind_mapping(r, at, node, &table, slot);
}

static int read_mounts(const struct yreader *r, const struct ypath *at,
		       const struct ynode *node, void *slot)
{
	const struct bind_elem elem = { sizeof(struct config_mount),
					read_mount };
	struct config_profile *p = slot;
	void *v = p->mounts;
	int e = bind_array(r, at, node, elem, &v, &p->n_mounts);

	p->mounts = v;
	return e;
}

static int set_profile(const struct yreader *r, const struct ypath *at,
		       const struct ynode *node, struct config_profile *slot)
{
	static const struct bind_field fields[] = {
		{ "base_policy", BIND_CSTR,
		  offsetof(struct config_profile, base_policy), NULL },
		{ "mounts", BIND_FN, 0, read_mounts },
	};
	static const struct bind_table table = BIND_TABLE_INIT(fields);

	return bind_mapping(r, at, node, &table, slot);
}

static int set_profiles(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, struct config_profiles *slot)
{
	struct config_profiles out = { 0 };

	if (node->type == YNODE_NULL)
		return 0;
	if (node->type != YNODE_MAPPING)
		return yread_mismatch(r, at, node, "a mapping NAME: {...}");
	out.v = arena_alloc(r->arena, (node->n + 1) * sizeof(*out.v));
	if (!out.v)
		return -ENOMEM;
	ynode_foreach(it, node)
	{
		struct ypath here = { .up = at, .key = it->key->text };
		int e = set_profile(r, &here, it->value, &out.v[out.n]);

		if (e < 0)
			return e;
		out.v[out.n++].name = it->key->text.p;
	}
	*slot = out;
	return 0;
}

int config_set(struct config *c, const struct config_key *key,
	       const struct yreader *r, const struct ypath *at,
	       const struct ynode *node)
{
	void *slot = (char *)c + key->offset;

	switch (key->type) {
	case KEY_STR:
		return bind_cstr(r, at, node, slot);
	case KEY_BOOL:
		return yread_bool(r, at, node, slot);
	case KEY_TRI:
		return set_tri(r, at, node, slot);
	case KEY_INT:
		return yread_int(r, at, node, 0, INT32_MAX, slot);
	case KEY_DURATION:
		return bind_duration(r, at, node, slot);
	case KEY_SIZE:
		return yread_size(r, at, node, slot);
	case KEY_WORD:
		return set_word(r, at, node, key->words, slot);
	case KEY_LIST:
		return yread_strings(r, at, node, slot);
	case KEY_MAP:
		return yread_strmap(r, at, node, slot);
	case KEY_PORTS:
		return set_ports(r, at, node, slot);
	case KEY_ANY:
		((struct config_any *)slot)->node = node;
		return 0;
	case KEY_FAMILIES:
		return set_families(r, at, node, slot);
	case KEY_SOCKET_RULES:
		return set_socket_rules(r, at, node, slot);
	case KEY_PATTERNS:
		return set_patterns(r, at, node, slot);
	case KEY_PROFILES:
		return set_profiles(r, at, node, slot);
	}
	return -EINVAL;
}

static int split_list(struct arena *a, struct str text, struct ystrings *ret)
{
	struct ystrings out = { 0 };
	struct str rest = text, part = STR_NONE;
	size_t max = 1;

	for (size_t i = 0; i < text.n; i++)
		max += text.p[i] == ',';
	out.v = arena_alloc(a, max * sizeof(*out.v));
	if (!out.v)
		return -ENOMEM;
	while (out.n < max && str_split(&rest, ',', &part)) {
		const char *copy = arena_dup(a, part);

		if (!copy)
			return -ENOMEM;
		out.v[out.n++] = str_from(copy);
	}
	*ret = out;
	return 0;
}

int config_set_text(struct config *c, const struct config_key *key,
		    const struct yreader *r, const char *text)
{
	const struct ypath at = { .key = str_from(key->path) };
	struct ynode node = { .type = YNODE_SCALAR };

	if (key->type == KEY_LIST)
		return split_list(
			r->arena, str_from(text),
			(struct ystrings *)(void *)((char *)c + key->offset));
	node.text = str_from(arena_dup(r->arena, str_from(text)));
	if (!node.text.p)
		return -ENOMEM;
	return config_set(c, key, r, &at, &node);
}

static bool same_str(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_list(const struct ystrings *a, const struct ystrings *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_eq(a->v[i], b->v[i]))
			return false;
	return true;
}

/* `enabled: false`, or nothing at all: nothing is asked for. */
static bool any_is_off(const struct ynode *node)
{
	bool on = true;

	if (!node || node->type == YNODE_NULL)
		return true;
	if (node->type == YNODE_SCALAR)
		return ynode_as_bool(node, &on) && !on;
	if (node->n == 0)
		return true;
	node = ynode_get(node, "enabled");
	return node && ynode_as_bool(node, &on) && !on;
}

bool config_same(const struct config_key *key, const struct config *a,
		 const struct config *b)
{
	const void *x = (const char *)a + key->offset;
	const void *y = (const char *)b + key->offset;

	switch (key->type) {
	case KEY_STR:
		return same_str(*(const char *const *)x,
				*(const char *const *)y);
	case KEY_BOOL:
		return *(const bool *)x == *(const bool *)y;
	case KEY_TRI:
	case KEY_WORD:
		return *(const unsigned int *)x == *(const unsigned int *)y;
	case KEY_INT:
	case KEY_DURATION:
	case KEY_SIZE:
		return *(const uint64_t *)x == *(const uint64_t *)y;
	case KEY_LIST:
		return same_list(x, y);
	case KEY_ANY:
		return any_is_off(((const struct config_any *)x)->node);
	case KEY_MAP:
		return ((const struct ystrmap *)x)->n == 0;
	case KEY_PORTS:
		return ((const struct config_ports *)x)->n == 0;
	case KEY_FAMILIES:
		return ((const struct config_families *)x)->n == 0;
	case KEY_SOCKET_RULES:
		return ((const struct config_socket_rules *)x)->n == 0;
	case KEY_PATTERNS:
		return ((const struct config_patterns *)x)->n == 0;
	case KEY_PROFILES:
		return ((const struct config_profiles *)x)->n == 0;
	}
	return false;
}
