/* SPDX-License-Identifier: MIT */
/*
 * settings.h - what PROTO_HELLO told this session's tracer
 *
 * The JSON keys are listed in docs/design/channel.md. A key of the wrong type
 * counts as absent; every default is the stricter choice.
 */
#ifndef TRACER_SETTINGS_H
#define TRACER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "confine/seccomp.h"
#include "trash/trash.h"

#define SETTINGS_MAX_PORTS   256
#define SETTINGS_MAX_SOCKETS 64

struct settings_list {
	const char **v; /* in the settings' arena */
	size_t n;
};

struct settings {
	struct arena arena; /* owns every string below */
	bool landlock;
	struct settings_list landlock_read, landlock_write, landlock_exec;
	bool connect_tcp, bind_tcp; /* false: only bind_ports, if any */
	uint16_t bind_ports[SETTINGS_MAX_PORTS];
	size_t n_bind_ports;
	struct settings_list deny_paths;
	struct settings_list closed_paths;    /* the server's own data */
	struct settings_list protected_paths; /* may be read, not changed */
	struct settings_list seccomp_block;
	enum seccomp_block seccomp_on_block;
	struct seccomp_socket sockets[SETTINGS_MAX_SOCKETS];
	const char *socket_names[SETTINGS_MAX_SOCKETS]; /* NULL: a family */
	size_t n_sockets;
	bool interruptible;  /* do without WAIT_KILLABLE_RECV */
	bool seccomp_kill;   /* what `block` names: recorded, then killed */
	bool notify;         /* false: run on the static floor only */
	bool notify_signals; /* also where Landlock bounds them */
	bool allow_ptrace, allow_userns;
	uint64_t capabilities; /* that commands may be left, by number */
	/* the second layer: ptrace.h */
	bool ptrace, ptrace_strict; /* strict: on_attach_failure fail_closed */
	bool ptrace_execve, ptrace_file, ptrace_network, ptrace_signal;
	size_t ptrace_max;       /* threads traced at a time */
	uint64_t ptrace_hold_ns; /* a call waits for a person that long */
	size_t max_argc, max_argv_bytes;
	/* more arguments than that: judged by what was read, or asked for;
	 * else rules that hold back match what was not read */
	bool truncated_allowed, truncated_asks;
	bool file_monitor;
	bool write_only_opens;
	bool intercept_metadata;
	bool links_stay; /* no link of the workspace may lead out of it */
	bool unix_sockets;
	bool net_notify;
	bool net_monitor;        /* sandbox.network.intercept_mode */
	bool net_datagrams;      /* the proxy leads UDP out of a namespace */
	uint16_t proxy_port;     /* 0 = none */
	uint16_t dns_port;       /* the proxy's DNS stub; 0 = none */
	bool cgroups;            /* false: do not try */
	const char *cgroup_base; /* NULL = beneath our own */
	struct settings_list closed_sockets; /* others of the kind */
	const char *control_socket; /* the server's; no command may connect */
	bool approvals;
	bool trash;            /* keep what commands destroy */
	const char *trash_dir; /* NULL = .agentsh_trash in the workspace */
	uint64_t trash_max_bytes, trash_max_copy; /* 0 = trash.h's default */
	uint64_t trash_max_entries;               /* 0 = any number */
	int64_t trash_ttl_ns; /* 0 = kept until there is no room */
	enum trash_full trash_on_full;
	unsigned int brake;                               /* enum brake */
	uint64_t brake_files, brake_bytes, brake_percent; /* 0 = any number */
	const char *path; /* search path for denied programs' copies */
};

/* Fills *ret (release with tracer_settings_done). 0, -EBADMSG, -ENOMEM. */
int settings_parse(struct str json, struct settings *ret);
/* True for paths that no command may touch, whatever the policy says. */
bool settings_denies(const struct settings *s, struct str path);
/*
 * True if a change of path is refused whatever the policy says: the server's
 * configuration, policies and programs. moves_name: the change removes or
 * renames path itself, which also takes along what lies below it.
 */
bool settings_protects(const struct settings *s, struct str path,
		       bool moves_name);
struct grant_set;
/* Takes from what Landlock grants what landlock.network of the configuration
 * does not leave. 0 or -ENOMEM. */
int settings_narrow_tcp(const struct settings *s, struct grant_set *g);
/* May a command listen at this TCP port? */
bool settings_may_bind(const struct settings *s, uint16_t port);
void tracer_settings_done(struct settings *s);

#endif
