/* SPDX-License-Identifier: MIT */
/*
 * launcher.h - the process that starts commands as the tracer's children
 *
 * The tracer must answer the notification of a command's first execve, so it
 * cannot be the one that a vfork suspends. The launcher is; theory at the top
 * of launcher.c.
 */
#ifndef TRACER_LAUNCHER_H
#define TRACER_LAUNCHER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "confine/cgroup.h"
#include "confine/plan.h"
#include "core/channel.h"
#include "core/proto.h"

struct launcher;

/* What every command of the session is confined by. Borrowed by the fork. */
struct launcher_config {
	int landlock_fd; /* ruleset; -1 = none. Applied to the launcher */
	uint32_t landlock_flags;
	const struct sock_fprog *filter;       /* static + notify classes */
	const struct sock_fprog *floor_filter; /* without any notify class */
	bool listener;
	bool late;        /* limits come after the start (late.h) */
	bool share_table; /* pidfd_getfd() is refused here: pass listeners */
	int holder_fd;    /* for ptrace_holder.h; -1 = no holder */
	uint64_t caps_keep;
	bool interruptible; /* no WAIT_KILLABLE_RECV */
	uint64_t key;       /* of `filter`, see seccomp_options.launch_key */
	mode_t umask;       /* of the commands */
	struct cgroup_root_info have; /* what cgroups limit here */
	/* Entered first; borrowed, -1 = none (confine/netns.h) */
	int user_ns, net_ns;
};

/* What the launcher and its children tell, in this order per command. */
enum launch_event_kind {
	LAUNCH_CONFINED = 1, /* child, about to exec: pid, listener, report */
	LAUNCH_DONE,         /* launcher: exec succeeded (error 0) or not */
};

enum {
	LAUNCH_STEP_EXEC = CONFINE_STEP_MAX,
	LAUNCH_STEP_SETUP, /* the request itself could not be carried out */
	LAUNCH_STEP_MAX,
};

struct launch_event {
	uint32_t kind;
	uint32_t id;
	int32_t pid;
	int32_t listener; /* descriptor number in the child, or -1 */
	int32_t error;    /* errno */
	uint32_t step;    /* confine_step or LAUNCH_STEP_* */
	struct confine_report report;
};

/*
 * Forks the launcher from this process; call it while the heap is small.
 * 0 or -errno. The caller becomes the parent of every command.
 */
int launcher_new(const struct launcher_config *config, struct launcher **ret);
/*
 * The same without a process: one launcher_spawn(), which forks the command
 * from this process. It restricts itself by Landlock, and needs the listener:
 * where there is none, LAUNCH_DONE says so and nothing was run. config:
 * borrowed until then. same_group: the command stays in our process group.
 */
int launcher_new_direct(const struct launcher_config *config, bool same_group,
			struct launcher **ret);
/* True when it will not tell anything any more. */
bool launcher_is_over(const struct launcher *l);
/* Closes the socket, which ends the launcher; does not wait for it. */
struct launcher *launcher_free(struct launcher *l);
pid_t launcher_pid(const struct launcher *l);
/* Descriptor that becomes readable when a launch_event waits. */
int launcher_event_fd(const struct launcher *l);
/* Result of restricting the launcher by Landlock: 0, or the errno. */
int launcher_landlock_error(const struct launcher *l);

/*
 * Asks for a command. fds: stdin, stdout, stderr, then cgroup.procs
 * descriptors (borrowed). dry_run: the file is executed as it is, without a
 * search, so that a name that exists nowhere tests every step.
 */
int launcher_spawn(struct launcher *l, uint32_t id,
		   const struct proto_spawn *spawn, const int *fds,
		   size_t n_fds, bool dry_run);
/*
 * Asks for a zygote: a process that is confined like a command with these
 * limits and starts commands one at a time. LAUNCH_CONFINED with its pid and
 * listener follows, or LAUNCH_DONE with an error. procs_fds: borrowed; *ret is
 * the channel to it, which ends it when it is freed. 0 or -errno.
 */
int launcher_zygote(struct launcher *l, uint32_t id,
		    const struct proto_limits *limits, const int *procs_fds,
		    size_t n_fds, struct channel **ret);
/*
 * A command for a zygote. The first that is heard of it is its execve at the
 * zygote's listener. LAUNCH_DONE follows if it could not be started, else
 * a launch_started (launch.h) on the channel.
 */
int zygote_go(struct channel *channel, uint32_t id,
	      const struct proto_spawn *spawn, const int fds[3]);
/*
 * 1 and *ret filled, with *ret_fd the listener (owned) if it was passed, else
 * -1; -EAGAIN nothing now; -EPIPE the launcher is gone.
 */
int launcher_next(struct launcher *l, struct launch_event *ret, int *ret_fd);

#endif
