/* SPDX-License-Identifier: MIT */
/*
 * settings_workers.c - what the configuration tells workers, as the JSON that
 * goes with their hello
 *
 * A worker never reads config.yaml: it is given the members that it honours,
 * under the names of this file, and unknown ones mean nothing to it. The floor
 * (Landlock, notifications) is always on here, whatever the file says.
 */
#include "server/settings_workers.h"

#include <errno.h>

#include "base/json.h"
#include "config/config.h"
#include "server/settings_sockets.h"

/* of a worker's events */
#define RING_MIN    16384U
#define RING_MAX    (16U << 20)
#define EVENT_BYTES 512U

static struct str keep(struct settings *s, struct str text)
{
	char *p = arena_dup(&s->arena, text);

	return p ? str_from_n(p, text.n) : STR_NONE;
}

static void put_strings(struct json_writer *w, const char *key,
			const struct ystrings *list)
{
	json_key(w, key);
	json_begin_array(w);
	for (size_t i = 0; i < list->n; i++)
		json_str(w, list->v[i]);
	json_end_array(w);
}

/* landlock.network holds where landlock.enabled says so. Binding stays free
 * unless the configuration speaks of it. */
static void put_landlock_network(struct json_writer *w, const struct config *c)
{
	bool on = c->landlock.enabled;
	const struct config_ports *ports = &c->landlock.network.bind_ports;
	enum config_tri bind = c->landlock.network.allow_bind_tcp;

	json_kv_bool(w, "connect_tcp",
		     !on || c->landlock.network.allow_connect_tcp);
	json_kv_bool(w, "bind_tcp",
		     !on || bind == CONFIG_YES ||
			     (bind == CONFIG_UNSET && ports->n == 0));
	json_key(w, "bind_ports");
	json_begin_array(w);
	for (size_t i = 0; i < ports->n; i++)
		json_i64(w, ports->v[i]);
	json_end_array(w);
}

static void put_landlock(struct json_writer *w, const struct config *c)
{
	json_key(w, "landlock");
	json_begin_object(w);
	/* Part of the floor: configuration adds to it, never removes it. */
	json_kv_bool(w, "enabled", true);
	put_strings(w, "read", &c->landlock.allow_read);
	put_strings(w, "write", &c->landlock.allow_write);
	put_strings(w, "execute", &c->landlock.allow_execute);
	put_landlock_network(w, c);
	json_end_object(w);
	put_strings(w, "deny_paths", &c->landlock.deny_paths);
}

static void put_seccomp(struct json_writer *w, const struct settings *s,
			const struct config *c)
{
	static const char *const ON_BLOCK[] = { "errno", "kill", "log",
						"log_and_kill" };
	static const char *const TRUNCATED[] = { "deny", "allow", "approval" };
	unsigned int block = c->sandbox.seccomp.syscalls.on_block;
	unsigned int cut = c->sandbox.seccomp.execve.on_truncated;
	const __typeof__(c->sandbox.seccomp.file_monitor) *m =
		&c->sandbox.seccomp.file_monitor;

	json_key(w, "seccomp");
	json_begin_object(w);
	json_kv_bool(w, "notify", true);
	put_strings(w, "block", &c->sandbox.seccomp.syscalls.block);
	json_kv_cstr(w, "on_block",
		     block < ARRAY_LEN(ON_BLOCK) ? ON_BLOCK[block] : "errno");
	settings_put_sockets(w, c);
	json_kv_bool(w, "wait_killable",
		     c->sandbox.seccomp.wait_killable != CONFIG_NO);
	json_end_object(w);
	put_strings(w, "capabilities", &c->capabilities.allow);
	json_key(w, "exec");
	json_begin_object(w);
	json_kv_i64(w, "max_argc", c->sandbox.seccomp.execve.max_argc);
	json_kv_i64(w, "max_argv_bytes",
		    c->sandbox.seccomp.execve.max_argv_bytes);
	json_kv_cstr(w, "on_truncated",
		     cut < ARRAY_LEN(TRUNCATED) ? TRUNCATED[cut] : "deny");
	json_end_object(w);
	json_key(w, "file_monitor");
	json_begin_object(w);
	json_kv_bool(w, "enabled", true);
	/* Reads are on record unless the operator's file says otherwise:
	 * a derived default does not count. */
	json_kv_bool(w, "write_only_opens", s->fast_reads);
	json_kv_bool(w, "intercept_metadata", config_on(m->intercept_metadata));
	json_kv_bool(w, "links_stay",
		     c->policies.symlink_escape == CONFIG_ESCAPE_DENY);
	json_end_object(w);
}

static void put_ptrace(struct json_writer *w, const struct config *c)
{
	if (!c->sandbox.ptrace.enabled)
		return;
	json_key(w, "ptrace");
	json_begin_object(w);
	json_kv_bool(w, "enabled", true);
	json_kv_bool(w, "fail_closed",
		     c->sandbox.ptrace.on_attach_failure ==
			     CONFIG_ATTACH_FAIL_CLOSED);
	json_kv_bool(w, "execve", c->sandbox.ptrace.trace.execve);
	json_kv_bool(w, "file", c->sandbox.ptrace.trace.file);
	json_kv_bool(w, "network", c->sandbox.ptrace.trace.network);
	json_kv_bool(w, "signal", c->sandbox.ptrace.trace.signal);
	json_kv_i64(w, "max_tracees",
		    c->sandbox.ptrace.performance.max_tracees);
	json_kv_i64(w, "max_hold_ms",
		    c->sandbox.ptrace.performance.max_hold_ms);
	json_end_object(w);
}

static const char *on_full_word(const struct config *c)
{
	switch ((enum config_on_full)c->sandbox.fuse.audit.on_full) {
	case CONFIG_ON_FULL_EVICT:
		return "evict";
	case CONFIG_ON_FULL_DROP:
		return "drop";
	case CONFIG_ON_FULL_DENY:
		break;
	}
	return "deny";
}

static void put_brake(struct json_writer *w, const struct config *c)
{
	unsigned int action = c->sandbox.fuse.brake.action;

	if (action == CONFIG_BRAKE_OFF)
		return;
	json_key(w, "brake");
	json_begin_object(w);
	json_kv_cstr(w, "action",
		     action == CONFIG_BRAKE_APPROVE ? "approve" : "deny");
	json_kv_i64_opt(w, "max_files", c->sandbox.fuse.brake.max_files);
	json_kv_i64_opt(w, "max_bytes",
			(int64_t)MIN(c->sandbox.fuse.brake.max_bytes,
				     (uint64_t)INT64_MAX));
	json_kv_i64_opt(w, "max_percent", c->sandbox.fuse.brake.max_percent);
	json_end_object(w);
}

static void put_rest(struct json_writer *w, const struct config *c)
{
	/* Undo is not a matter of fuse.audit.mode: it is always on. Over the
	 * quota the oldest goes, as it says in the interface. */
	json_key(w, "trash");
	json_begin_object(w);
	json_kv_bool(w, "enabled", c->sandbox.fuse.audit.enabled);
	json_kv_str_opt(w, "dir", str_from(c->sandbox.fuse.audit.trash_path));
	json_kv_i64_opt(w, "max_bytes",
			(int64_t)MIN(c->sandbox.fuse.audit.quota,
				     (uint64_t)INT64_MAX));
	json_kv_i64_opt(w, "max_entries", c->sandbox.fuse.audit.quota_entries);
	json_kv_i64_opt(w, "ttl_ns", c->sandbox.fuse.audit.ttl);
	json_kv_cstr(w, "on_full", on_full_word(c));
	json_end_object(w);
	put_brake(w, c);
	json_kv_bool(w, "stay_awake", c->sandbox.performance.stay_awake);
	json_key(w, "unix_sockets");
	json_begin_object(w);
	json_kv_bool(w, "enabled", config_on(c->sandbox.unix_sockets.enabled));
	json_end_object(w);
	json_key(w, "cgroups");
	json_begin_object(w);
	json_kv_bool(w, "enabled", true);
	json_kv_str_opt(w, "base", str_from(c->sandbox.cgroups.base_path));
	json_end_object(w);
}

/* What makes FUSE usable, before the mount that was put off. */
static void put_enable(struct json_writer *w, const struct config *c)
{
	const struct ystrings *words = &c->sandbox.fuse.deferred_enable_command;

	if (!c->sandbox.fuse.deferred || words->n == 0)
		return;
	json_kv_str_opt(w, "vfs.enable_marker",
			str_from(c->sandbox.fuse.deferred_marker_file));
	json_key(w, "vfs.enable_command");
	json_begin_array(w);
	for (size_t i = 0; i < words->n; i++)
		json_str(w, words->v[i]);
	json_end_array(w);
}

/* A ring of events holds a power of two. */
static uint32_t ring_size(int64_t n_events)
{
	uint32_t size = RING_MIN;

	while (size < RING_MAX && (int64_t)(size / EVENT_BYTES) < n_events)
		size *= 2;
	return size;
}

static int set_vfs_json(struct settings *s, const struct config *c)
{
	static const char *const MODES[] = { "monitor", "soft_block",
					     "soft_delete", "strict" };
	unsigned int mode = c->sandbox.fuse.audit.mode;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct json_writer w;

	json_writer_init(&w, &text, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "vfs.mode",
		     mode < ARRAY_LEN(MODES) ? MODES[mode] : "soft_delete");
	json_kv_bool(&w, "vfs.keep", c->sandbox.fuse.audit.enabled);
	json_kv_bool(&w, "stay_awake", c->sandbox.performance.stay_awake);
	json_kv_bool(&w, "vfs.strict",
		     c->sandbox.fuse.audit.strict_on_audit_failure);
	/* The key's default is where nothing is to be shown to the host. */
	if (c->sandbox.fuse.mount_base_dir != c->sessions.base_dir)
		json_kv_str_opt(&w, "vfs.mount_base",
				str_from(c->sandbox.fuse.mount_base_dir));
	put_enable(&w, c);
	json_kv_str_opt(&w, "vfs.trash_path",
			str_from(c->sandbox.fuse.audit.trash_path));
	json_kv_i64_opt(&w, "vfs.max_background",
			c->sandbox.fuse.max_background);
	json_kv_i64_opt(&w, "vfs.ttl_ns", c->sandbox.fuse.audit.ttl);
	json_kv_i64_opt(&w, "vfs.quota_bytes",
			(int64_t)MIN(c->sandbox.fuse.audit.quota,
				     (uint64_t)INT64_MAX));
	json_kv_i64_opt(&w, "vfs.quota_entries",
			c->sandbox.fuse.audit.quota_entries);
	json_kv_i64_opt(
		&w, "vfs.hash_under_bytes",
		(int64_t)MIN(c->sandbox.fuse.audit.hash_small_files_under,
			     (uint64_t)INT64_MAX));
	json_kv_cstr(&w, "vfs.on_full", on_full_word(c));
	json_kv_bool(&w, "approvals.enabled", c->approvals.enabled);
	json_end_object(&w);
	s->fuse = c->sandbox.fuse.enabled;
	s->fuse_deferred = s->fuse && c->sandbox.fuse.deferred;
	s->keeps = c->sandbox.fuse.audit.enabled;
	s->fuse_ring = ring_size(c->sandbox.fuse.audit.max_event_queue);
	s->vfs_json = text.error ? STR_NONE : keep(s, buf_str(&text));
	return s->vfs_json.n ? 0 : -ENOMEM;
}

static int set_worker_json(struct settings *s, const struct config *c)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct json_writer w;

	json_writer_init(&w, &text, 0);
	json_begin_object(&w);
	put_landlock(&w, c);
	put_seccomp(&w, s, c);
	put_ptrace(&w, c);
	put_rest(&w, c);
	json_end_object(&w);
	if (text.error)
		return text.error;
	/* Without the braces: more members are added per session. */
	s->worker_json = keep(s, str_from_n(text.data + 1, text.len - 2));
	return s->worker_json.n ? 0 : -ENOMEM;
}

int settings_set_workers(struct settings *s, const struct config *c)
{
	int r = set_vfs_json(s, c);

	return r < 0 ? r : set_worker_json(s, c);
}
