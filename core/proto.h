/* SPDX-License-Identifier: MIT */
/*
 * proto.h - the messages on a worker's channel
 *
 * Every struct has encode and decode; the decoder treats its input as hostile
 * (-EBADMSG), and what it returns borrows from the message and the arena.
 * `id` of a request is repeated in its answer's header. Descriptors are listed
 * beside each message in order.
 */
#ifndef CORE_PROTO_H
#define CORE_PROTO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/str.h"

enum proto_type {
	/* server -> worker */
	PROTO_HELLO = 1, /* struct proto_hello; first message */
	PROTO_SPAWN,     /* struct proto_spawn; fds: stdin stdout stderr
			    * [mount namespace of the session] */
	PROTO_SIGNAL,    /* struct proto_signal */
	PROTO_POLICY,    /* fds: new policy image */
	PROTO_APPROVAL,  /* struct proto_approval: answer to a request */
	PROTO_SHUTDOWN,  /* empty: kill all commands, flush, exit */
	/* worker -> server */
	PROTO_READY = 64,   /* struct proto_ready */
	PROTO_SPAWNED,      /* struct proto_spawned */
	PROTO_EXITED,       /* struct proto_exited */
	PROTO_APPROVAL_ASK, /* struct proto_approval_ask */
	PROTO_NOTICE,       /* str: one line for the user's stderr */
	PROTO_REPLY,        /* worker-specific, see its header */
};

/*
 * Settings are a JSON object (base/json): rare, extensible, and a worker
 * ignores what it does not know. Keys are listed in docs/design/channel.md.
 */
struct proto_hello {
	struct str session_id;
	struct str workspace; /* real path */
	struct str settings_json;
	uint32_t policy_generation;
};

struct proto_limits {
	uint64_t memory_bytes, swap_bytes; /* 0 = no limit; swap: see flag */
	bool swap_set;
	uint32_t cpu_percent; /* of one CPU; 0 = none */
	uint32_t pids;        /* 0 = none */
	uint64_t disk_read_bps, disk_write_bps;
};

enum proto_spawn_flags {
	SPAWN_TTY = 1 << 0, /* stdin is a terminal slave made for this command:
			     * setsid, make it the controlling terminal */
	SPAWN_CANARY = 1 << 1,     /* nothing is executed: the confined process
				* tries what argv names ("secret=PATH", see
				* confine/canary.h) and reports on stdout */
	SPAWN_APPROVED = 1 << 2,   /* a person approved this very command: its
				  * first exec is not asked about again */
	SPAWN_REDIRECTED = 1 << 3, /* a rule put it in another's place: its
				    * first exec is what the rule wants */
};

struct proto_spawn {
	struct str command_id;
	const struct str *argv; /* argv[0] as the program shall see it */
	uint32_t argc;
	struct str file; /* absolute path or a name to search in env PATH */
	const struct str *env; /* "NAME=value" */
	uint32_t n_env;
	struct str cwd;      /* absolute */
	uint32_t flags;      /* enum proto_spawn_flags */
	uint64_t timeout_ns; /* 0 = none; then the whole tree is killed */
	struct proto_limits limits;
};

struct proto_signal {
	struct str command_id;
	int32_t signo; /* SIGKILL: the whole tree; else its process group */
};

/* One confinement layer or step: what it is, whether it holds, why not. */
struct proto_layer {
	struct str name; /* "landlock", "seccomp", "notify", "cgroup", ... */
	bool active;
	struct str detail; /* "ABI v7", "v1 memory pids cpu", "EPERM ..." */
};

struct proto_ready {
	const struct proto_layer *layers;
	uint32_t n_layers;
};

struct proto_spawned {
	struct str command_id;
	int32_t pid;     /* > 0, or 0 when it failed: */
	int32_t error;   /* errno */
	struct str step; /* confinement step or "exec" that failed */
	struct str path; /* object of the failed step, may be empty */
	const struct proto_layer *layers; /* what this command runs under */
	uint32_t n_layers;
};

struct proto_exited {
	struct str command_id;
	int32_t wait_status; /* as waitpid(2) */
	bool timed_out, oom_killed;
	uint32_t leftovers_killed; /* processes that outlived the command */
	uint64_t cpu_user_us, cpu_system_us;
	uint64_t memory_peak_kb;
};

/* command_id: of the proxy, which knows ports only, "port:N" of its client. */
struct proto_approval_ask {
	struct str command_id, kind, target, rule, message;
	uint64_t timeout_ns;
};

struct proto_approval {
	bool approved;
	struct str approval_id, reason;
};

int proto_hello_encode(const struct proto_hello *m, struct buf *out);
int proto_hello_decode(struct str body, struct proto_hello *ret);
int proto_spawn_encode(const struct proto_spawn *m, struct buf *out);
int proto_spawn_decode(struct str body, struct arena *a,
		       struct proto_spawn *ret);
int proto_signal_encode(const struct proto_signal *m, struct buf *out);
int proto_signal_decode(struct str body, struct proto_signal *ret);
int proto_ready_encode(const struct proto_ready *m, struct buf *out);
int proto_ready_decode(struct str body, struct arena *a,
		       struct proto_ready *ret);
int proto_spawned_encode(const struct proto_spawned *m, struct buf *out);
int proto_spawned_decode(struct str body, struct arena *a,
			 struct proto_spawned *ret);
int proto_exited_encode(const struct proto_exited *m, struct buf *out);
int proto_exited_decode(struct str body, struct proto_exited *ret);
int proto_approval_ask_encode(const struct proto_approval_ask *m,
			      struct buf *out);
int proto_approval_ask_decode(struct str body, struct proto_approval_ask *ret);
int proto_approval_encode(const struct proto_approval *m, struct buf *out);
int proto_approval_decode(struct str body, struct proto_approval *ret);

#endif
