/* SPDX-License-Identifier: MIT */
/*
 * value.c - one configuration value: from YAML, from text, compared
 */
#include <errno.h>

#include "base/macro.h"
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

static int set_str(const struct yreader *r, const struct ypath *at,
		   const struct ynode *node, const char **slot)
{
	struct str s = STR_NONE;
	int e = yread_str(r, at, node, &s);

	if (e == 0 && s.p)
		*slot = s.p;
	return e;
}

static int set_word(const struct yreader *r, const struct ypath *at,
		    const struct ynode *node, const char *const *words,
		    unsigned int *slot)
{
	_cleanup_buf_ struct buf list = BUF_INIT;
	struct str s = STR_NONE;
	int e = yread_str(r, at, node, &s);

	if (e < 0 || !s.p)
		return e;
	for (unsigned int i = 0; words[i]; i++) {
		if (str_eq_icase(s, str_from(words[i]))) {
			*slot = i;
			return 0;
		}
		if (*words[i])
			buf_printf(&list, "%s%s", list.len ? ", " : "one of ",
				   words[i]);
	}
	return yread_mismatch(r, at, node, buf_cstr(&list));
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

static int set_duration(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, int64_t *slot)
{
	int64_t v = *slot;
	int e = yread_duration(r, at, node, &v);

	if (e == 0 && v < 0)
		return yread_error(r, at, node, "must not be negative");
	if (e == 0)
		*slot = v;
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

/* Members of the small structs that lists hold. */
struct member {
	const char *key;
	size_t offset;
	bool word; /* enum config_on_block instead of text */
};

static int set_member(const struct yreader *r, const struct ypath *at,
		      const struct yentry *e, const struct member *m, void *out)
{
	static const char *const actions[] = { "errno", "kill", "log",
					       "log_and_kill", NULL };
	void *slot = (char *)out + m->offset;

	return m->word ? set_word(r, at, e->value, actions, slot)
		       : set_str(r, at, e->value, slot);
}

/* Strict: these lists are short, and a misspelt key would void the entry. */
static int set_members(const struct yreader *r, const struct ypath *at,
		       const struct ynode *node, const struct member *members,
		       size_t n, void *out)
{
	const char *known[8];

	for (size_t i = 0; i < n; i++)
		known[i] = members[i].key;
	if (node->type != YNODE_MAPPING)
		return yread_mismatch(r, at, node, "a mapping (key: value)");
	ynode_foreach(it, node)
	{
		_cleanup_buf_ struct buf text = BUF_INIT;
		struct ypath here = { .up = at, .key = it->key->text };
		size_t i = 0;
		int e = 0;

		while (i < n && !str_eq_c(it->key->text, known[i]))
			i++;
		if (i == n) {
			yread_unknown_text(at, it->key->text, known, n, &text);
			return yread_error(r, NULL, it->key, "%s",
					   buf_cstr(&text));
		}
		e = set_member(r, &here, it, &members[i], out);
		if (e < 0)
			return e;
	}
	return 0;
}

struct list_type {
	const struct member *members;
	size_t n_members;
	size_t size; /* of an element */
};

/* A list of mappings into an array; *ret_v stays NULL for a null node. */
static int set_array(const struct yreader *r, const struct ypath *at,
		     const struct ynode *node, const struct list_type *type,
		     void **ret_v, size_t *ret_n)
{
	char *v = NULL;
	size_t n = 0;

	if (node->type == YNODE_NULL)
		return 0;
	if (node->type != YNODE_SEQUENCE)
		return yread_mismatch(r, at, node, "a list (- ...)");
	v = arena_alloc(r->arena, (node->n + 1) * type->size);
	if (!v)
		return -ENOMEM;
	ynode_foreach(it, node)
	{
		struct ypath here = { .up = at, .index = n };
		int e = set_members(r, &here, it->value, type->members,
				    type->n_members, v + n * type->size);

		if (e < 0)
			return e;
		n++;
	}
	*ret_v = v;
	*ret_n = n;
	return 0;
}

static int set_families(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, struct config_families *slot)
{
	static const struct member members[] = {
		{ "family", offsetof(struct config_family, family), false },
		{ "action", offsetof(struct config_family, action), true },
	};
	static const struct list_type type = { members, ARRAY_LEN(members),
					       sizeof(struct config_family) };
	void *v = slot->v;
	int e = set_array(r, at, node, &type, &v, &slot->n);

	slot->v = v;
	for (size_t i = 0; e == 0 && i < slot->n; i++)
		if (!slot->v[i].family)
			e = yread_error(r, at, node, "family is required");
	return e;
}

static int set_socket_rules(const struct yreader *r, const struct ypath *at,
			    const struct ynode *node,
			    struct config_socket_rules *slot)
{
#define AT(field) offsetof(struct config_socket_rule, field)
	static const struct member members[] = {
		{ "name", AT(name), false },
		{ "family", AT(family), false },
		{ "type", AT(type), false },
		{ "protocol", AT(protocol), false },
		{ "action", AT(action), true },
	};
#undef AT
	static const struct list_type type = {
		members, ARRAY_LEN(members), sizeof(struct config_socket_rule)
	};
	void *v = slot->v;
	int e = set_array(r, at, node, &type, &v, &slot->n);

	slot->v = v;
	for (size_t i = 0; e == 0 && i < slot->n; i++) {
		if (!slot->v[i].name)
			return yread_error(r, at, node, "name is required");
		for (size_t j = 0; j < i; j++)
			if (strcmp(slot->v[i].name, slot->v[j].name) == 0)
				return yread_error(r, at, node,
						   "name \"%.60s\" is used "
						   "twice",
						   slot->v[i].name);
	}
	return e;
}

static int set_patterns(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, struct config_patterns *slot)
{
	static const struct member members[] = {
		{ "name", offsetof(struct config_pattern, name), false },
		{ "display", offsetof(struct config_pattern, display), false },
		{ "regex", offsetof(struct config_pattern, regex), false },
	};
	static const struct list_type type = { members, ARRAY_LEN(members),
					       sizeof(struct config_pattern) };
	void *v = slot->v;
	size_t i = 0;
	int e = set_array(r, at, node, &type, &v, &slot->n);

	slot->v = v;
	if (e < 0 || node->type == YNODE_NULL)
		return e;
	ynode_foreach(it, node)
	{
		struct ypath here = { .up = at, .index = i };
		struct config_pattern *p = &slot->v[i++];
		const struct ynode *regex = ynode_get(it->value, "regex");

		if (!p->name || !p->regex || !*p->regex)
			return yread_error(r, &here, it->value,
					   "name and regex are required");
		p->line = regex ? regex->line : it->value->line;
		p->column = regex ? regex->column : it->value->column;
		if (!p->display)
			p->display = p->name;
	}
	return 0;
}

static int set_mounts(const struct yreader *r, const struct ypath *at,
		      const struct ynode *node, struct config_profile *slot)
{
	static const struct member members[] = {
		{ "path", offsetof(struct config_mount, path), false },
		{ "policy", offsetof(struct config_mount, policy), false },
	};
	static const struct list_type type = { members, ARRAY_LEN(members),
					       sizeof(struct config_mount) };
	void *v = NULL;
	int e = set_array(r, at, node, &type, &v, &slot->n_mounts);

	slot->mounts = v;
	return e;
}

static int set_profile(const struct yreader *r, const struct ypath *at,
		       const struct ynode *node, struct config_profile *slot)
{
	static const char *const known[] = { "base_policy", "mounts" };

	if (node->type != YNODE_MAPPING)
		return yread_mismatch(r, at, node, "a mapping (key: value)");
	ynode_foreach(it, node)
	{
		_cleanup_buf_ struct buf text = BUF_INIT;
		struct ypath here = { .up = at, .key = it->key->text };
		int e = 0;

		if (str_eq_c(it->key->text, "base_policy")) {
			e = set_str(r, &here, it->value, &slot->base_policy);
		} else if (str_eq_c(it->key->text, "mounts")) {
			e = set_mounts(r, &here, it->value, slot);
		} else {
			yread_unknown_text(at, it->key->text, known, 2, &text);
			e = yread_error(r, NULL, it->key, "%s",
					buf_cstr(&text));
		}
		if (e < 0)
			return e;
	}
	return 0;
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
		return set_str(r, at, node, slot);
	case KEY_BOOL:
		return yread_bool(r, at, node, slot);
	case KEY_TRI:
		return set_tri(r, at, node, slot);
	case KEY_INT:
		return yread_int(r, at, node, 0, INT32_MAX, slot);
	case KEY_DURATION:
		return set_duration(r, at, node, slot);
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
