/* SPDX-License-Identifier: MIT */
/*
 * load.c - config.yaml into struct config
 *
 * Order: expand the environment, parse, built-in defaults, the file's keys,
 * environment overrides, defaults that depend on others, cross checks.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/macro.h"
#include "config/keys.h"
#include "core/limits.h"

/* Longest dotted path of a key, with room; longer ones are unknown. */
#define PATH_MAX_KEY 160
/* All strings of a configuration, expanded YAML nodes included. */
#define CONFIG_ARENA_CAP ((size_t)256 << 20)

/* How a key was given; a later one outdoes an earlier one. */
enum seen {
	SEEN_NOT = 0,
	SEEN_ALIAS,
	SEEN_NAME
};

struct loader {
	struct config *c;
	const struct config *idle; /* values that ask for nothing */
	struct yreader r;
	enum seen *seen; /* by index of config_keys */
};

/* Where the walk stands: the section's canonical path and as written. */
struct section {
	const char *path;
	const struct ypath *at;
	bool off;   /* the section, or one around it, is switched off */
	bool alias; /* the section, or one around it, has another name */
	/* Inside a section of which we honour nothing: set when some key asks
	 * for something, instead of one warning per key. */
	bool *wants;
};

static const char *canonical(const char *path)
{
	for (size_t i = 0; i < config_n_aliases; i++)
		if (strcmp(config_aliases[i].from, path) == 0)
			return config_aliases[i].to;
	return path;
}

/* Names one level below a section, each once, for suggestions. */
static size_t children(const char *section, const char **names, size_t max,
		       struct arena *a)
{
	size_t n = 0, skip = strlen(section);

	for (size_t i = 0; i < config_n_keys && n < max; i++) {
		const char *rest = config_keys[i].path;
		struct str name;
		bool known = false;

		if (skip &&
		    (strncmp(rest, section, skip) != 0 || rest[skip] != '.'))
			continue;
		rest += skip ? skip + 1 : 0;
		name = str_from_n(rest, strcspn(rest, "."));
		for (size_t j = 0; j < n && !known; j++)
			known = str_eq_c(name, names[j]);
		if (known)
			continue;
		names[n] = arena_dup(a, name);
		if (!names[n])
			break;
		n++;
	}
	return n;
}

static void warn_unknown(struct loader *l, const struct section *s,
			 const struct ynode *key)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *names[64];
	size_t n = 0;

	/* Past the last message that is kept there is no use in finding a
	 * suggestion, which costs. */
	if (l->c->n_unknown++ < DIAG_MAX_ITEMS)
		n = children(s->path, names, ARRAY_LEN(names), l->r.arena);
	yread_unknown_text(s->at, key->text, names, n, &text);
	yread_warn(&l->r, NULL, key, "%s (ignored)", buf_cstr(&text));
}

static const char *note_of(const char *path)
{
	for (size_t i = 0; i < config_n_idle; i++)
		if (config_idle[i].note &&
		    strcmp(config_idle[i].path, path) == 0)
			return config_idle[i].note;
	return "accepted, but not honoured by this version";
}

static void warn_not_honoured(struct loader *l, const struct ypath *here,
			      const char *path, const struct ynode *at)
{
	l->c->n_not_honoured++;
	yread_warn(&l->r, here, at, "%s", note_of(path));
}

/*
 * A key may be given under its own name and under another one; the Go program
 * knows the own one only, so that counts, wherever it stands.
 */
static bool is_outdone(struct loader *l, const struct ypath *here,
		       const struct config_key *key, const struct ynode *value,
		       enum seen as)
{
	enum seen *seen = &l->seen[key - config_keys];
	enum seen before = *seen;

	*seen = MAX(before, as);
	if (before != SEEN_NOT)
		yread_warn(&l->r, here, value,
			   "%s is given under two names; this one %s",
			   key->path, as < before ? "is ignored" : "counts");
	return as < before;
}

static int set_key(struct loader *l, const struct section *s,
		   const struct ypath *here, const struct config_key *key,
		   const struct ynode *value)
{
	int e = 0;

	if (is_outdone(l, here, key, value, s->alias ? SEEN_ALIAS : SEEN_NAME))
		return 0;
	e = config_set(l->c, key, &l->r, here, value);
	if (e < 0)
		return e;
	if (key->honoured || s->off || value->type == YNODE_NULL ||
	    config_same(key, l->c, l->idle))
		return 0;
	if (s->wants)
		*s->wants = true;
	else
		warn_not_honoured(l, here, key->path, value);
	return 0;
}

/*
 * A section whose `enabled` is false, or is not given and false by default,
 * asks for nothing; unless being on is what we always do (`sandbox`).
 */
static bool is_off(const struct loader *l, const char *path,
		   const struct ynode *node)
{
	const struct ynode *given = ynode_get(node, "enabled");
	const struct config_key *key = NULL;
	char name[PATH_MAX_KEY] = "";
	bool on = true, dflt = false;

	(void)snprintf(name, sizeof(name), "%s.enabled", path);
	key = config_key_find(name);
	if (!key || key->type != KEY_BOOL)
		return false;
	dflt = *(const bool *)((const char *)l->idle + key->offset);
	if (!given)
		return !dflt;
	return ynode_as_bool(given, &on) && !on && (key->honoured || !dflt);
}

static bool honours_any(const char *section)
{
	size_t n = strlen(section);

	for (size_t i = 0; i < config_n_keys; i++)
		if (config_keys[i].honoured &&
		    strncmp(config_keys[i].path, section, n) == 0 &&
		    config_keys[i].path[n] == '.')
			return true;
	return false;
}

/* Recursion is as deep as the table's paths, not as the file. */
/* NOLINTBEGIN(misc-no-recursion) */
static int walk(struct loader *l, const struct section *s,
		const struct ynode *node);

static int walk_section(struct loader *l, const struct section *outer,
			struct section *s, const struct yentry *m)
{
	bool wants = false;
	int e = 0;

	s->off = outer->off || is_off(l, s->path, m->value);
	s->wants = outer->wants;
	if (s->wants || honours_any(s->path))
		return walk(l, s, m->value);
	s->wants = &wants;
	e = walk(l, s, m->value);
	s->wants = NULL;
	if (wants)
		warn_not_honoured(l, s->at, s->path, m->key);
	return e;
}

static int walk_member(struct loader *l, const struct section *s,
		       const struct yentry *m)
{
	const struct ypath here = { .up = s->at, .key = m->key->text };
	char joined[PATH_MAX_KEY] = "";
	const struct config_key *key = NULL;
	struct section sub = { .at = &here, .off = s->off, .wants = s->wants };

	if (m->key->text.n + strlen(s->path) + 2 <= sizeof(joined))
		(void)snprintf(joined, sizeof(joined), "%s%s%s", s->path,
			       *s->path ? "." : "", m->key->text.p);
	sub.path = canonical(joined);
	sub.alias = s->alias || sub.path != joined;
	if (strcmp(sub.path, "sandbox.seccomp.hardening_profiles") == 0)
		return yread_error(&l->r, &here, m->key,
				   "was removed; use mitigation_sets");
	key = config_key_find(sub.path);
	if (key)
		return set_key(l, &sub, &here, key, m->value);
	if (*sub.path && config_is_section(sub.path))
		return walk_section(l, s, &sub, m);
	warn_unknown(l, s, m->key);
	return 0;
}

static int walk(struct loader *l, const struct section *s,
		const struct ynode *node)
{
	int worst = 0;

	if (node->type == YNODE_NULL)
		return 0;
	if (node->type != YNODE_MAPPING)
		return yread_mismatch(&l->r, s->at, node,
				      "a mapping (key: value)");
	ynode_foreach(m, node)
	{
		int e = walk_member(l, s, m);

		if (e == -ENOMEM)
			return e;
		worst = MIN(worst, e);
	}
	return worst;
}

/* NOLINTEND(misc-no-recursion) */

/* The table's defaults into c; a copy with the idle values into idle. */
static int set_defaults(struct config *c, struct config *idle,
			const struct yreader *r)
{
	for (size_t i = 0; i < config_n_keys; i++) {
		int e = config_keys[i].dflt
				? config_set_text(c, &config_keys[i], r,
						  config_keys[i].dflt)
				: 0;

		if (e < 0)
			return e;
	}
	*idle = *c; /* borrows c's strings */
	for (size_t i = 0; i < config_n_idle; i++) {
		int e = config_set_text(idle,
					config_key_find(config_idle[i].path), r,
					config_idle[i].value);

		if (e < 0)
			return e;
	}
	return 0;
}

static int override_one(struct config *c, const struct config *idle,
			const struct config_override *o, const char *value,
			struct diag *diag)
{
	_cleanup_buf_ struct buf where = BUF_INIT;
	struct yreader r = { NULL, diag, &c->arena };
	const struct config_key *key = config_key_find(o->path);
	int e = 0;

	buf_printf(&where, "environment variable %s", o->variable);
	r.file = buf_cstr(&where);
	e = config_set_text(c, key, &r, value);
	if (e == 0 && !key->honoured && !config_same(key, c, idle)) {
		c->n_not_honoured++;
		diag_warn(diag, r.file, 0, 0,
			  "%s: accepted, but not honoured by this version",
			  o->path);
	}
	return e;
}

static int apply_data_dir(struct config *c, const char *dir)
{
	_cleanup_buf_ struct buf sessions = BUF_INIT, db = BUF_INIT;

	buf_printf(&sessions, "%s/sessions", dir);
	buf_printf(&db, "%s/events.db", dir);
	c->data_dir = arena_dup(&c->arena, str_from(dir));
	c->sessions.base_dir = arena_dup(&c->arena, buf_str(&sessions));
	c->audit.storage.sqlite_path = arena_dup(&c->arena, buf_str(&db));
	return c->data_dir && c->sessions.base_dir &&
			       c->audit.storage.sqlite_path
		       ? 0
		       : -ENOMEM;
}

static int apply_overrides(struct config *c, const struct config *idle,
			   char *const *env, struct diag *diag)
{
	const char *dir = config_getenv(env, "AGENTSH_DATA_DIR");
	int worst = 0;

	for (size_t i = 0; i < config_n_unused_variables; i++) {
		const char *name = config_unused_variables[i];

		if (!config_getenv(env, name))
			continue;
		c->n_not_honoured++;
		diag_warn(diag, NULL, 0, 0,
			  "environment variable %s: not honoured by this "
			  "version",
			  name);
	}
	for (size_t i = 0; i < config_n_overrides; i++) {
		const struct config_override *o = &config_overrides[i];
		const char *value = config_getenv(env, o->variable);
		int e = value && *value ? override_one(c, idle, o, value, diag)
					: 0;

		worst = MIN(worst, e);
	}
	if (worst == 0 && dir && *dir)
		worst = apply_data_dir(c, dir);
	return worst;
}

/* Only as wide as the operator's list: the variable cannot add a policy. */
static void apply_policy_name(struct config *c, char *const *env)
{
	const char *name = config_getenv(env, "AGENTSH_POLICY_NAME");

	if (!name || !*name ||
	    name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
			      "uvwxyz0123456789_-")])
		return;
	for (size_t i = 0; i < c->policies.allowed.n; i++)
		if (str_eq_c(c->policies.allowed.v[i], name))
			c->policies.default_name = c->policies.allowed.v[i].p;
}

static int fill(struct config *c, const char *path, enum config_source source,
		const struct ynode *root, const struct yreader *r,
		char *const *env)
{
	_cleanup_free_ enum seen *seen = calloc(config_n_keys, sizeof(*seen));
	_cleanup_free_ struct config *idle = calloc(1, sizeof(*idle));
	const struct section top = { .path = "" };
	struct loader l = { c, idle, *r, seen };
	int e = 0, overridden = 0;

	if (!seen || !idle)
		return -ENOMEM;
	e = set_defaults(c, idle, r);
	if (e < 0)
		return e;
	e = walk(&l, &top, root);
	if (e == -ENOMEM)
		return e;
	overridden = apply_overrides(c, idle, env, r->diag);
	if (e < 0 || overridden < 0)
		return e < 0 ? e : overridden;
	apply_policy_name(c, env);
	e = config_derive(c, path, source, env);
	return e < 0 ? e : config_check(c, r, root);
}

int config_parse(const char *path, struct str text, enum config_source source,
		 char *const *env, struct config **ret, struct diag *diag)
{
	static const struct yamldoc_caps caps = {
		.bytes = (size_t)2 * LIMIT_CONFIG_BYTES,
		.nodes = LIMIT_YAML_NODES,
		.depth = LIMIT_YAML_DEPTH,
	};
	_cleanup_(config_free_p) struct config *c = calloc(1, sizeof(*c));
	_cleanup_buf_ struct buf expanded = BUF_INIT;
	const struct ynode *root = NULL;
	struct yreader r = { .diag = diag };
	int e = 0;

	if (!c)
		return -ENOMEM;
	c->arena = ARENA_INIT(CONFIG_ARENA_CAP);
	r.arena = &c->arena;
	c->file = r.file = arena_dup(&c->arena, str_from(path));
	if (!c->file)
		return -ENOMEM;
	e = config_expand(path, text, env, &expanded, diag);
	if (e == 0)
		e = yamldoc_parse(&c->arena, r.file, buf_str(&expanded), &caps,
				  &root, diag);
	if (e == 0)
		e = fill(c, path, source, root, &r, env);
	if (e < 0)
		return e;
	*ret = TAKE(c);
	return 0;
}

int config_load(const char *path, enum config_source source, char *const *env,
		struct config **ret, struct diag *diag)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int e = fd_read_file(AT_FDCWD, path, LIMIT_CONFIG_BYTES, &text);

	if (e == -EFBIG)
		diag_error(diag, path, 0, 0, "larger than %u bytes",
			   LIMIT_CONFIG_BYTES);
	else if (e == -ENOENT)
		diag_error(diag, path, 0, 0,
			   "there is no such file: name another with --config "
			   "or AGENTSH_CONFIG, or install the default one");
	else if (e < 0)
		diag_error(diag, path, 0, 0, "cannot read: %s", strerror(-e));
	if (e < 0)
		return e;
	return config_parse(path, buf_str(&text), source, env, ret, diag);
}

int config_validate(const char *path, enum config_source source,
		    char *const *env, struct diag *diag)
{
	_cleanup_(config_free_p) struct config *c = NULL;
	int e = config_load(path, source, env, &c, diag);

	if (e < 0)
		return e;
	return c->n_unknown || c->n_not_honoured ? -EINVAL : 0;
}

struct config *config_free(struct config *c)
{
	if (c)
		arena_done(&c->arena);
	free(c);
	return NULL;
}
