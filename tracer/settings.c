/* SPDX-License-Identifier: MIT */
/*
 * settings.c - PROTO_HELLO's JSON object as a struct
 */
#include "tracer/settings.h"

#include <errno.h>

#include "base/capability_words.h"
#include "base/json.h"
#include "base/num.h"
#include "base/path.h"
#include "core/grant.h"
#include "core/limits.h"
#include "tracer/brake.h"

#define SETTINGS_ARENA_MAX (1U << 20)
#define PTRACE_TRACEES_MAX 32768

static const char *text(struct settings *s, const struct json *obj,
			const char *key, const char *dflt)
{
	struct str v = json_get_str(obj, key);

	return v.n ? arena_dup(&s->arena, v) : dflt;
}

static int list(struct settings *s, const struct json *obj, const char *key,
		struct settings_list *ret)
{
	const struct json *a = json_get(obj, key);
	size_t n = 0;

	if (!a || a->type != JSON_ARRAY || a->n == 0)
		return 0;
	ret->v = arena_alloc(&s->arena, a->n * sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	json_foreach(it, a)
	{
		if (it->type != JSON_STRING)
			continue;
		ret->v[n] = arena_dup(&s->arena, it->text);
		if (!ret->v[n++])
			return -ENOMEM;
	}
	ret->n = n;
	return 0;
}

static enum seccomp_block on_block(struct str word)
{
	if (str_eq_c(word, "kill"))
		return SECCOMP_BLOCK_KILL;
	if (str_eq_c(word, "log") || str_eq_c(word, "log_and_kill"))
		return SECCOMP_BLOCK_NOTIFY;
	return SECCOMP_BLOCK_ERRNO;
}

static void parse_exec(struct settings *s, const struct json *o)
{
	int64_t argc = json_get_i64(o, "max_argc", LIMIT_ARGC);
	int64_t bytes = json_get_i64(o, "max_argv_bytes", LIMIT_ARGV_BYTES);

	s->max_argc = argc > 0 && argc <= 16384 ? (size_t)argc : LIMIT_ARGC;
	s->max_argv_bytes = bytes > 0 && bytes <= (1 << 20) ? (size_t)bytes
							    : LIMIT_ARGV_BYTES;
	s->truncated_allowed =
		str_eq_c(json_get_str(o, "on_truncated"), "allow");
	s->truncated_asks =
		str_eq_c(json_get_str(o, "on_truncated"), "approval");
}

static void parse_ptrace(struct settings *s, const struct json *o)
{
	int64_t max = json_get_i64(o, "max_tracees", 0);
	int64_t hold = json_get_i64(o, "max_hold_ms", 0);

	s->ptrace = json_get_bool(o, "enabled", false);
	s->ptrace_strict = json_get_bool(o, "fail_closed", false);
	s->ptrace_execve = json_get_bool(o, "execve", true);
	s->ptrace_file = json_get_bool(o, "file", true);
	s->ptrace_network = json_get_bool(o, "network", true);
	s->ptrace_signal = json_get_bool(o, "signal", true);
	s->ptrace_max = max > 0 && max <= PTRACE_TRACEES_MAX
				? (size_t)max
				: PTRACE_TRACEES_MAX;
	s->ptrace_hold_ns =
		hold > 0 && hold <= INT32_MAX ? (uint64_t)hold * 1000000U : 0;
}

static void parse_trash(struct settings *s, const struct json *o)
{
	struct str full = json_get_str(o, "on_full");
	int64_t bytes = json_get_i64(o, "max_bytes", 0);
	int64_t copy = json_get_i64(o, "max_copy", 0);
	int64_t entries = json_get_i64(o, "max_entries", 0);

	s->trash = json_get_bool(o, "enabled", true);
	s->trash_dir = text(s, o, "dir", NULL);
	s->trash_max_bytes = bytes > 0 ? (uint64_t)bytes : 0;
	s->trash_max_copy = copy > 0 ? (uint64_t)copy : 0;
	s->trash_max_entries = entries > 0 ? (uint64_t)entries : 0;
	s->trash_ttl_ns = json_get_i64(o, "ttl_ns", 0);
	s->trash_on_full = str_eq_c(full, "evict")  ? TRASH_FULL_EVICT
			   : str_eq_c(full, "drop") ? TRASH_FULL_DROP
						    : TRASH_FULL_DENY;
}

static uint64_t limit(const struct json *o, const char *key)
{
	int64_t n = json_get_i64(o, key, 0);

	return n > 0 ? (uint64_t)n : 0;
}

static void parse_brake(struct settings *s, const struct json *o)
{
	struct str action = json_get_str(o, "action");

	s->brake = str_eq_c(action, "deny")      ? BRAKE_DENY
		   : str_eq_c(action, "approve") ? BRAKE_APPROVE
						 : BRAKE_OFF;
	s->brake_files = limit(o, "max_files");
	s->brake_bytes = limit(o, "max_bytes");
	s->brake_percent = limit(o, "max_percent");
}

static void parse_ports(struct settings *s, const struct json *ll)
{
	const struct json *ports = json_get(ll, "bind_ports");

	s->connect_tcp = json_get_bool(ll, "connect_tcp", true);
	s->bind_tcp = json_get_bool(ll, "bind_tcp", true);
	if (!ports || ports->type != JSON_ARRAY)
		return;
	json_foreach(it, ports)
	{
		int64_t port = 0;

		if (it->type == JSON_NUMBER &&
		    num_parse_range(it->text, 0, UINT16_MAX, &port) == 0 &&
		    s->n_bind_ports < SETTINGS_MAX_PORTS)
			s->bind_ports[s->n_bind_ports++] = (uint16_t)port;
	}
}

/* One too many, or one that names nothing, must not be dropped in silence. */
static int parse_sockets(struct settings *s, const struct json *list)
{
	if (!list || list->type != JSON_ARRAY)
		return 0;
	json_foreach(it, list)
	{
		struct seccomp_socket *x = &s->sockets[s->n_sockets];

		if (s->n_sockets == SETTINGS_MAX_SOCKETS)
			return -E2BIG;
		x->family = (int)json_get_i64(it, "family", -1);
		x->type = (int)json_get_i64(it, "type", -1);
		x->protocol = (int)json_get_i64(it, "protocol", -1);
		x->kill = json_get_bool(it, "kill", false);
		s->socket_names[s->n_sockets++] = text(s, it, "name", NULL);
	}
	return 0;
}

static void parse_net(struct settings *s, const struct json *net)
{
	int64_t port = json_get_i64(net, "proxy_port", 0);
	int64_t dns = json_get_i64(net, "dns_port", 0);

	s->net_notify = json_get_bool(net, "notify", true);
	s->net_monitor = json_get_bool(net, "monitor", false);
	s->net_datagrams = json_get_bool(net, "datagrams", false);
	s->proxy_port = port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
	s->dns_port = dns > 0 && dns <= UINT16_MAX ? (uint16_t)dns : 0;
}

/* What the configuration's check refuses counts as absent. */
static uint64_t parse_capabilities(const struct json *list)
{
	uint64_t set = 0;

	if (!list || list->type != JSON_ARRAY)
		return 0;
	json_foreach(it, list)
	{
		int n = it->type == JSON_STRING ? capability_from_word(it->text)
						: -1;

		if (n >= 0 && !capability_refused(n))
			set |= UINT64_C(1) << n;
	}
	return set;
}

static int parse_object(struct settings *s, const struct json *root)
{
	const struct json *ll = json_get(root, "landlock");
	const struct json *sc = json_get(root, "seccomp");
	const struct json *fm = json_get(root, "file_monitor");
	const struct json *cg = json_get(root, "cgroups");
	int r;

	s->landlock = json_get_bool(ll, "enabled", true);
	parse_ports(s, ll);
	s->notify = json_get_bool(sc, "notify", true);
	s->seccomp_on_block = on_block(json_get_str(sc, "on_block"));
	s->seccomp_kill =
		str_eq_c(json_get_str(sc, "on_block"), "log_and_kill");
	s->interruptible = !json_get_bool(sc, "wait_killable", true);
	s->notify_signals = json_get_bool(sc, "notify_signals", false);
	s->allow_ptrace = json_get_bool(sc, "allow_ptrace", false);
	s->allow_userns = json_get_bool(sc, "allow_userns", false);
	s->capabilities = parse_capabilities(json_get(root, "capabilities"));
	parse_exec(s, json_get(root, "exec"));
	parse_trash(s, json_get(root, "trash"));
	parse_ptrace(s, json_get(root, "ptrace"));
	parse_brake(s, json_get(root, "brake"));
	s->file_monitor = json_get_bool(fm, "enabled", true);
	s->write_only_opens = json_get_bool(fm, "write_only_opens", false);
	s->intercept_metadata = json_get_bool(fm, "intercept_metadata", false);
	s->links_stay = json_get_bool(fm, "links_stay", false);
	s->unix_sockets =
		json_get_bool(json_get(root, "unix_sockets"), "enabled", false);
	parse_net(s, json_get(root, "net"));
	s->cgroups = json_get_bool(cg, "enabled", true);
	s->cgroup_base = text(s, cg, "base", NULL);
	s->control_socket = text(s, root, "control_socket", NULL);
	s->approvals =
		json_get_bool(json_get(root, "approvals"), "enabled", false);
	s->path = text(s, root, "path",
		       "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		       "/sbin:/bin");
	r = parse_sockets(s, json_get(sc, "sockets"));
	if (r == 0)
		r = list(s, ll, "read", &s->landlock_read);
	if (r == 0)
		r = list(s, ll, "write", &s->landlock_write);
	if (r == 0)
		r = list(s, ll, "execute", &s->landlock_exec);
	if (r == 0)
		r = list(s, root, "deny_paths", &s->deny_paths);
	if (r == 0)
		r = list(s, root, "closed_paths", &s->closed_paths);
	if (r == 0)
		r = list(s, root, "closed_sockets", &s->closed_sockets);
	if (r == 0)
		r = list(s, root, "protected_paths", &s->protected_paths);
	if (r == 0)
		r = list(s, sc, "block", &s->seccomp_block);
	return r;
}

int settings_parse(struct str json, struct settings *ret)
{
	_cleanup_arena_ struct arena scratch = ARENA_INIT(SETTINGS_ARENA_MAX);
	struct settings s = { .arena = ARENA_INIT(SETTINGS_ARENA_MAX) };
	struct json *root = NULL;
	int r;

	if (json.n) {
		r = json_parse(&scratch, json, &root);
		if (r < 0)
			return r;
		if (root->type != JSON_OBJECT)
			return -EBADMSG;
	}
	r = parse_object(&s, root);
	if (r < 0) {
		tracer_settings_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

static bool beneath_any(const struct settings_list *l, struct str path)
{
	for (size_t i = 0; i < l->n; i++)
		if (path_beneath(path, str_from(l->v[i])))
			return true;
	return false;
}

static bool above_any(const struct settings_list *l, struct str path)
{
	for (size_t i = 0; i < l->n; i++)
		if (path_beneath(str_from(l->v[i]), path))
			return true;
	return false;
}

bool settings_denies(const struct settings *s, struct str path)
{
	return beneath_any(&s->deny_paths, path) ||
	       beneath_any(&s->closed_paths, path) ||
	       beneath_any(&s->closed_sockets, path) ||
	       (s->control_socket && str_eq_c(path, s->control_socket));
}

bool settings_protects(const struct settings *s, struct str path,
		       bool moves_name)
{
	if (beneath_any(&s->protected_paths, path))
		return true;
	return moves_name && (above_any(&s->protected_paths, path) ||
			      above_any(&s->closed_paths, path) ||
			      above_any(&s->deny_paths, path));
}

int settings_narrow_tcp(const struct settings *s, struct grant_set *g)
{
	int r = 0;

	if (!s->connect_tcp) {
		g->tcp_connect_any = false;
		g->tcp_connect_ports.n = 0;
	}
	if (s->bind_tcp)
		return 0;
	g->tcp_bind_any = false;
	g->tcp_bind_ports.n = 0;
	for (size_t i = 0; r == 0 && i < s->n_bind_ports; i++)
		r = vec_push(&g->tcp_bind_ports, s->bind_ports[i]);
	return r;
}

bool settings_may_bind(const struct settings *s, uint16_t port)
{
	for (size_t i = 0; !s->bind_tcp && i < s->n_bind_ports; i++)
		if (s->bind_ports[i] == port)
			return true;
	return s->bind_tcp;
}

void tracer_settings_done(struct settings *s)
{
	arena_done(&s->arena);
	*s = (struct settings){ 0 };
}
