/* SPDX-License-Identifier: MIT */
/*
 * show.c - `agentsh config show`: the configuration as JSON, Go field names
 */
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/macro.h"
#include "base/num.h"
#include "config/keys.h"

/* Go's spelling of words that are not just capitalised. */
static const char *const spelled[][2] = {
	{ "http", "HTTP" },   { "grpc", "GRPC" },     { "tls", "TLS" },
	{ "ca", "CA" },       { "api", "API" },       { "oidc", "OIDC" },
	{ "mb", "MB" },       { "sqlite", "SQLite" }, { "url", "URL" },
	{ "kms", "KMS" },     { "aws", "AWS" },       { "gcp", "GCP" },
	{ "otel", "OTEL" },   { "cpu", "CPU" },       { "io", "IO" },
	{ "fuse", "FUSE" },   { "ttl", "TTL" },       { "dns", "DNS" },
	{ "rpm", "RPM" },     { "ebpf", "EBPF" },     { "pid", "PID" },
	{ "mcp", "MCP" },     { "xpc", "XPC" },       { "tcp", "TCP" },
	{ "dlp", "DLP" },     { "llm", "LLM" },       { "ssn", "SSN" },
	{ "uring", "Uring" },
};

static void put_word(struct buf *out, struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(spelled); i++) {
		if (str_eq_c(word, spelled[i][0])) {
			buf_puts(out, spelled[i][1]);
			return;
		}
	}
	if (word.n == 0)
		return;
	buf_putc(out, word.p[0] >= 'a' && word.p[0] <= 'z'
			      ? (char)(word.p[0] - 'a' + 'A')
			      : word.p[0]);
	buf_put_str(out, str_skip(word, 1));
}

/* max_memory_mb -> MaxMemoryMB */
static void put_key(struct json_writer *w, struct str name)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct str rest = name, word = STR_NONE;

	while (str_split(&rest, '_', &word))
		put_word(&out, word);
	json_key_str(w, buf_str(&out));
}

static void put_strings(struct json_writer *w, const struct ystrings *s)
{
	json_begin_array(w);
	for (size_t i = 0; i < s->n; i++)
		json_str(w, s->v[i]);
	json_end_array(w);
}

struct pair {
	struct str name, value;
};

static void put_pair(struct json_writer *w, const struct pair *p)
{
	json_key_str(w, p->name);
	json_str(w, p->value);
}

static int pair_cmp(const void *a, const void *b)
{
	return str_cmp(((const struct pair *)a)->name,
		       ((const struct pair *)b)->name);
}

/* Sorted by name, as Go prints maps. */
static void put_map(struct json_writer *w, const struct ystrmap *m)
{
	_cleanup_free_ struct pair *v = calloc(m->n + 1, sizeof(*v));

	if (!v) {
		w->out->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < m->n; i++)
		v[i] = (struct pair){ m->names[i], m->values[i] };
	qsort(v, m->n, sizeof(*v), pair_cmp);
	json_begin_object(w);
	for (size_t i = 0; i < m->n; i++)
		put_pair(w, &v[i]);
	json_end_object(w);
}

/* As deep as YAMLDOC_DEPTH_MAX at most. NOLINTNEXTLINE(misc-no-recursion) */
static void put_node(struct json_writer *w, const struct ynode *node,
		     unsigned int depth)
{
	bool b = false;

	if (!node || node->type == YNODE_NULL || depth > JSON_MAX_DEPTH / 2) {
		json_null(w);
	} else if (node->type == YNODE_SCALAR) {
		if (ynode_as_bool(node, &b))
			json_bool(w, b);
		else
			json_str(w, node->text);
	} else if (node->type == YNODE_SEQUENCE) {
		json_begin_array(w);
		ynode_foreach(it, node) put_node(w, it->value, depth + 1);
		json_end_array(w);
	} else {
		json_begin_object(w);
		ynode_foreach(it, node)
		{
			json_key_str(w, it->key->text);
			put_node(w, it->value, depth + 1);
		}
		json_end_object(w);
	}
}

static const char *action_word(unsigned int action)
{
	static const char *const words[] = { "errno", "kill", "log",
					     "log_and_kill" };

	return action < ARRAY_LEN(words) ? words[action] : "errno";
}

static void put_families(struct json_writer *w, const struct config_families *f)
{
	json_begin_array(w);
	for (size_t i = 0; i < f->n; i++) {
		json_begin_object(w);
		json_kv_cstr(w, "Family", f->v[i].family);
		json_kv_cstr(w, "Action", action_word(f->v[i].action));
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_socket_rules(struct json_writer *w,
			     const struct config_socket_rules *s)
{
	json_begin_array(w);
	for (size_t i = 0; i < s->n; i++) {
		json_begin_object(w);
		json_kv_cstr(w, "Name", s->v[i].name);
		json_kv_cstr(w, "Family", s->v[i].family);
		json_kv_cstr(w, "Type", s->v[i].type);
		json_kv_cstr(w, "Protocol", s->v[i].protocol);
		json_kv_cstr(w, "Action", action_word(s->v[i].action));
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_patterns(struct json_writer *w, const struct config_patterns *p)
{
	json_begin_array(w);
	for (size_t i = 0; i < p->n; i++) {
		json_begin_object(w);
		json_kv_cstr(w, "Name", p->v[i].name);
		json_kv_cstr(w, "Display", p->v[i].display);
		json_kv_cstr(w, "Regex", p->v[i].regex);
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_profiles(struct json_writer *w, const struct config_profiles *p)
{
	json_begin_object(w);
	for (size_t i = 0; i < p->n; i++) {
		json_key(w, p->v[i].name);
		json_begin_object(w);
		json_kv_cstr(w, "BasePolicy", p->v[i].base_policy);
		json_key(w, "Mounts");
		json_begin_array(w);
		for (size_t j = 0; j < p->v[i].n_mounts; j++) {
			json_begin_object(w);
			json_kv_cstr(w, "Path", p->v[i].mounts[j].path);
			json_kv_cstr(w, "Policy", p->v[i].mounts[j].policy);
			json_end_object(w);
		}
		json_end_array(w);
		json_end_object(w);
	}
	json_end_object(w);
}

static void put_ports(struct json_writer *w, const struct config_ports *p)
{
	json_begin_array(w);
	for (size_t i = 0; i < p->n; i++)
		json_i64(w, p->v[i]);
	json_end_array(w);
}

static void put_duration(struct json_writer *w, int64_t ns)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	num_format_duration(&text, ns);
	json_str(w, buf_str(&text));
}

static void put_tri(struct json_writer *w, enum config_tri v)
{
	if (v == CONFIG_UNSET)
		json_null(w);
	else
		json_bool(w, v == CONFIG_YES);
}

static void put_value(struct json_writer *w, const struct config *c,
		      const struct config_key *key)
{
	const void *slot = (const char *)c + key->offset;
	const char *s = NULL;

	switch (key->type) {
	case KEY_STR:
		s = *(const char *const *)slot;
		json_cstr(w, s ? s : "");
		return;
	case KEY_BOOL:
		json_bool(w, *(const bool *)slot);
		return;
	case KEY_TRI:
		put_tri(w, *(const enum config_tri *)slot);
		return;
	case KEY_INT:
		json_i64(w, *(const int64_t *)slot);
		return;
	case KEY_DURATION:
		put_duration(w, *(const int64_t *)slot);
		return;
	case KEY_SIZE:
		json_u64(w, *(const uint64_t *)slot);
		return;
	case KEY_WORD:
		json_cstr(w, key->words[*(const unsigned int *)slot]);
		return;
	case KEY_LIST:
		put_strings(w, slot);
		return;
	case KEY_MAP:
		put_map(w, slot);
		return;
	case KEY_PORTS:
		put_ports(w, slot);
		return;
	case KEY_ANY:
		put_node(w, ((const struct config_any *)slot)->node, 0);
		return;
	case KEY_FAMILIES:
		put_families(w, slot);
		return;
	case KEY_SOCKET_RULES:
		put_socket_rules(w, slot);
		return;
	case KEY_PATTERNS:
		put_patterns(w, slot);
		return;
	case KEY_PROFILES:
		put_profiles(w, slot);
		return;
	}
}

/* Splits "a.b.c" into at most max parts. */
static size_t split(const char *path, struct str *parts, size_t max)
{
	struct str rest = str_from(path);
	size_t n = 0;

	while (n < max && str_split(&rest, '.', &parts[n]))
		n++;
	return n;
}

#define LEVELS 8

void config_to_json(const struct config *c, struct json_writer *w)
{
	struct str open[LEVELS];
	size_t n_open = 0;

	json_begin_object(w);
	for (size_t i = 0; i < config_n_keys; i++) {
		struct str parts[LEVELS];
		size_t n = split(config_keys[i].path, parts, LEVELS);
		size_t same = 0;

		while (same < n_open && same + 1 < n &&
		       str_eq(open[same], parts[same]))
			same++;
		for (; n_open > same; n_open--)
			json_end_object(w);
		for (; n_open + 1 < n; n_open++) {
			put_key(w, parts[n_open]);
			json_begin_object(w);
			open[n_open] = parts[n_open];
		}
		put_key(w, parts[n - 1]);
		put_value(w, c, &config_keys[i]);
	}
	for (; n_open > 0; n_open--)
		json_end_object(w);
	json_end_object(w);
}
