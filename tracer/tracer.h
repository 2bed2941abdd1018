/* SPDX-License-Identifier: MIT */
/*
 * tracer.h - one session's state in agentsh-tracer
 *
 * Everything here belongs to the one thread of the epoll loop.
 */
#ifndef TRACER_TRACER_H
#define TRACER_TRACER_H

#include <linux/filter.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"
#include "base/str.h"
#include "confine/cgroup.h"
#include "confine/landlock.h"
#include "core/channel.h"
#include "core/heritage.h"
#include "core/proto.h"
#include "core/ring_sink.h"
#include "core/sink.h"
#include "policy/guard.h"
#include "policy/net.h"
#include "policy/policy.h"
#include "tracer/cwd.h"
#include "tracer/dirfd.h"
#include "tracer/launcher.h"
#include "tracer/open_pass.h"
#include "tracer/settings.h"
#include "tracer/waits.h"
#include "trash/keeper.h"
#include "trash/trash.h"

#define ASKED_MAX    128
#define PLAIN_FS_MAX 8
#define LEADER_SLOTS 64

/* Devices that are known not to be procfs or the like; see open_read.c. */
struct plain_fs {
	dev_t dev[PLAIN_FS_MAX];
	size_t n;
};

/* A thread that is the first of its process; see notify.c. */
struct leader {
	pid_t tid;
	uint64_t until_ns; /* of loop_now() */
};

/* DNS servers that sockets asked; see decode_recv.c. */
struct asked {
	struct asked_entry {
		uint64_t cookie; /* of the socket; 0 = free */
		struct sockaddr_in6 addr;
		socklen_t len;
	} entries[ASKED_MAX];
	size_t next;
	uint64_t until; /* monotonic ns: nobody waits for an answer then */
};
#define TRACER_NR_MAX 512 /* above every system call number known */

struct command;
struct copies;
struct policy_beneath;
struct divert_exec;
struct programs;
struct ptracer;
struct request;
struct slot;

/* Who is told, where there is no channel (inproc.c). */
struct tracer_host {
	void (*ready)(void *arg);
	void (*spawned)(void *arg, const struct proto_spawned *m);
	void (*exited)(void *arg, const struct proto_exited *m);
};

struct tracer {
	struct loop *loop;              /* owned */
	const struct tracer_host *host; /* NULL = the channel's other end */
	void *host_arg;
	bool direct;          /* one command, without launcher and dry run */
	bool no_cgroup;       /* needs none */
	uint32_t pids_limit;  /* of that one command; 0 = none */
	bool late;            /* it comes once the command has started */
	bool same_group;      /* it keeps the caller's terminal */
	uint16_t closed_port; /* of this host, to every command; 0 = none */
	struct heritage heritage; /* owned */
	char *session_id;         /* owned */
	char *workspace;          /* owned, real path */
	struct settings settings; /* owned */
	struct policy *policy;    /* referenced */
	struct guard *guard;      /* owned */
	struct sink sink;
	struct approver approver;
	struct ring_sink ring_sink; /* behind sink, but in `agentsh run` */

	struct attribution *attribution; /* owned; NULL = nobody asks */
	struct net_floor floor;
	const struct ports *proxies; /* owned; NULL = none */
	struct asked asked;
	pid_t last_pid; /* whose socket was asked for last; 0 = nobody's */
	int last_pidfd; /* owned while last_pid */
	/* owned: a network whose every way out is our proxy's; -1 = none.
	 * With user_ns the commands enter it, else we are in it as well. */
	int net_ns, user_ns;
	int ipc_error;               /* why IPC is the host's; 0 = it is not */
	struct cgroup_root *cgroups; /* owned; NULL = none here */
	struct launcher *launcher;   /* owned */
	struct loop_source *launcher_source;
	int landlock_fd; /* owned */
	struct landlock_report landlock;
	int own_landlock_fd; /* owned; direct: for floor_drop_privileges() */
	int landlock_error;
	uint32_t notify;                /* enum seccomp_notify bits */
	struct seccomp_options seccomp; /* strings in settings */
	/* That commands are left, and that we keep for it: identity.h */
	uint64_t caps, own_caps;
	struct sock_fprog *filter;       /* owned */
	struct sock_fprog *floor_filter; /* owned */
	struct ptracer *ptracer; /* owned; NULL = commands are not traced */
	int ptrace_error;        /* why not; 0 = not asked for */
	bool no_getfd;           /* pidfd_getfd() is refused here */
	bool listener;           /* notifications work; tried by the dry run */
	bool by_ptrace;          /* they do not: calls are judged by ptrace */
	bool floor_only;         /* they do not: the static floor has to do */
	bool ready_sent;
	/* All opens are: the floor leaves nothing out of what it grants. */
	bool whole_trees;
	/* Reads are opened here too: the floor is coarser than the policy. */
	bool reads_on_behalf;
	bool opens_to_watch;   /* by the policy, when Landlock was set up */
	bool blocks_iteration; /* nobody reads an environment */
	bool diverts;          /* some file rule redirects */

	/* What the filter itself says of a number: 0 = not refused, -1 = not
	 * looked up yet. */
	int16_t denied_errno[TRACER_NR_MAX];
	/* What it refuses for their arguments: made when first asked. */
	struct sock_fprog *quiet_filter; /* owned */
	int8_t checked[TRACER_NR_MAX];   /* 1: ask it; -1: no need; 0: ? */

	struct trash *trash;  /* owned; NULL = nothing is kept */
	struct keeper keeper; /* of it */
	int trash_error;
	bool kept_any; /* some command has had a group to keep things in */
	uint64_t workspace_entries;     /* for the brake; 0 = not counted yet */
	struct divert_exec *divert;     /* owned; divert_exec.c */
	struct copies *copies;          /* owned: content of denied programs */
	struct policy_beneath *beneath; /* owned; NULL until it is needed */
	struct command *commands;       /* list; owned */
	struct command *probe;          /* the dry run, until READY */
	struct launch_event probed;     /* how it went */
	bool probe_works;
	/* SPAWNED of these commands may wait for EXITED; command.c */
	unsigned int n_to_tell;
	struct loop_source *tell_timer;
	struct waits waits; /* of children and tracees */
	/* The last child that ended as nobody's: perhaps a command's */
	struct orphan {
		pid_t pid;
		int status;
	} orphan;
	struct slot *slots; /* list; owned (slot.c) */
	struct loop_source *slot_timer;
	struct proto_limits slot_limits; /* of the one that is wanted */
	bool slot_wanted, slots_off;
	uint64_t launch_key;           /* of the filter */
	struct request *free_requests; /* pool */
	struct cwd_cache cwds;
	struct dirfd_cache dirfds;
	struct plain_fs plain_fs;            /* of open_read.c */
	struct open_pass *opens;             /* owned; of open_pass.c */
	struct programs *programs;           /* owned; of programs.c */
	struct leader leaders[LEADER_SLOTS]; /* of notify.c */
	/* Command whose request is being judged: an approval names it. */
	const char *asking;
	uint32_t next_id, next_ticket;
	bool shutting_down;
	mode_t umask; /* that we were born with; ours is 0 */
};

/* Sets the session up from HELLO; READY follows when the dry run is over.
 * m: its descriptors are the namespaces of a captured network, if any. */
int session_start(struct tracer *t, const struct proto_hello *hello,
		  struct channel_msg *m);
/* The same without a server: t->host is told. policy: taken. */
int session_start_here(struct tracer *t, const struct proto_hello *hello,
		       struct policy *policy);
/* The short way failed: launcher and dry run after all. 0 or -errno. */
int session_start_over(struct tracer *t);
/* Called by command.c when the dry run ended. works: with notifications. */
void session_probed(struct tracer *t, const struct launch_event *confined,
		    bool works);
/* Can commands be traced, and are they to be? */
bool session_can_trace(const struct tracer *t);
/* Landlock keeps signals within the session, and no setting asks for more. */
bool session_signals_bounded(const struct tracer *t);
/* Classes that are judged here, with what is known so far (classes.c). */
uint32_t session_classes(const struct tracer *t);
/* After guard_set_policy: what else depends on the rules. 0 or -errno. */
int session_policy_changed(struct tracer *t);
void session_done(struct tracer *t);

/* Layers in force, into out (at most max); details live in scratch. */
#define TRACER_MAX_LAYERS 12
size_t session_layers(struct tracer *t, const struct launch_event *confined,
		      struct proto_layer *out, struct buf *scratch);

#endif
