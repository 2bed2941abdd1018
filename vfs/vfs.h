/* SPDX-License-Identifier: MIT */
/*
 * vfs.h - agentsh-vfs: state of the one mount this program serves
 *
 * Threads: the main thread talks to the server; request threads take turns in
 * reading from /dev/fuse (session.c). The policy is behind `gate_lock`, nodes
 * behind the table's lock; the rest of this struct is constant once requests
 * are served.
 */
#ifndef VFS_VFS_H
#define VFS_VFS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/loop.h"
#include "base/vec.h"
#include "core/heritage.h"
#include "core/op.h"
#include "core/ring_sink.h"
#include "core/sink.h"
#include "policy/guard.h"
#include "trash/keep.h"
#include "vfs/inode.h"

enum vfs_mode { /* sandbox.fuse.audit.mode */
	VFS_MONITOR = 0,
	VFS_SOFT_BLOCK,
	VFS_SOFT_DELETE,
	VFS_STRICT,
};

struct vfs_settings {
	struct arena arena;        /* owns the strings */
	const char *mount_point;   /* "": over the workspace, own namespace */
	const char *mount_base;    /* shown to the host below it; NULL */
	const char *enable_marker; /* NULL: none needed */
	char **enable_command;  /* makes FUSE usable; NULL-terminated or NULL */
	const char *trash_path; /* NULL = default */
	bool keep;              /* what is destroyed */
	bool strict;            /* what cannot be recorded is refused */
	enum vfs_mode mode;
	bool passthrough;
	bool stay_awake; /* see core/wakeful.h */
	bool follow;     /* run beside the client, pace.h */
	bool approvals;
	bool count; /* requests, told at the end */
	/* Seconds that the kernel may keep names and attributes; names, and
	 * attributes, where we are told of changes (watch.h). */
	double timeout, name_timeout, attr_timeout;
	struct trash_options trash;
	unsigned int max_background;
};

struct command {
	uint64_t generation; /* in the attribution; 0 = not from there */
	uint32_t place;
	uint32_t group; /* in the trash */
	char *id;       /* owned */
};

struct attribution;

struct vfs {
	struct heritage heritage;
	struct loop *loop;
	char *session_id, *workspace; /* owned */
	struct vfs_settings settings;
	struct policy *policy;
	struct guard *guard; /* gate_lock */
	struct sink sink;
	struct approver approver;
	uint32_t next_ticket;         /* gate_lock */
	const struct command *asking; /* gate_lock: whose approval */
	struct ring_sink ring_sink;   /* gate_lock: behind sink */
	pthread_mutex_t gate_lock;

	int root_fd;         /* O_PATH, of the plain directory */
	struct trash *trash; /* NULL: none could be opened */
	dev_t trash_dev;
	ino_t trash_ino;
	bool trash_in_root; /* directly below the workspace */
	struct inode_table inodes;
	struct session *session;
	struct {
		pthread_t thread;
		bool running;
		int stop_fd;         /* -1 */
		bool exact;          /* the file system tells of every change */
		struct again *again; /* owned; see watch.c */
		size_t n_again, at_again;
		bool missed; /* the queue was full */
		/* hash of a name changed by us and when; relaxed access */
		uint64_t own[4096];
	} watch;
	int mnt_ns;      /* what commands enter; -1 */
	int mnt_root;    /* its "/", O_PATH; -1 */
	int user_ns;     /* what owns mnt_ns, where we are not root; -1 */
	bool privileged; /* we act as the caller (root) */

	struct attribution *attribution; /* owned */
	pthread_mutex_t command_lock;
	VEC(struct command *) commands; /* command_lock; never freed */
	struct {
		pid_t pid;
		struct command *command;
	} pids[256];         /* command_lock: cache */
	uint64_t pids_as_of; /* attribution_changes() */
	struct command *fallback;
};

/* --- settings.c --- */
int vfs_settings_parse(struct str json, struct vfs_settings *ret);

/* --- enable.c --- */
/* Runs settings.enable_command if /dev/fuse cannot be opened. */
void enable_fuse(const struct vfs_settings *s);

/* --- command.c --- */
/* attribution_fd: borrowed; -1: all is the session's. 0 or -errno. */
int command_init(struct vfs *v, int attribution_fd);
void command_done(struct vfs *v);
/* For which command the thread `tid` acts; never NULL once started. */
struct command *command_of(struct vfs *v, pid_t tid);
/*
 * The same, and for which process; ret_judged: the supervisor acts, which has
 * judged and recorded what it does.
 */
struct command *command_asks(struct vfs *v, pid_t tid, pid_t *ret_pid,
			     bool *ret_judged);
/* Its totals, for the supervisor's receipt and brake: after each change, before
 * the reply. */
void command_tell(struct vfs *v, const struct command *c);
void command_ended(struct vfs *v, struct str id);

/* --- cred.c --- */
/* Per thread, before its first request. */
int cred_thread_init(struct vfs *v);
/* Files made from now on belong to the caller. */
void cred_become(struct vfs *v, uid_t uid, gid_t gid, mode_t umask);
/* Before writing: of no file's group, so that the kernel takes set-id bits away
 * whatever group the daemon is of; until the next cred_become(). */
void cred_stranger(struct vfs *v);
/* Around what a caller does who may set a set-group-id bit, and whose writes
 * leave set-id bits. Costs nothing when it is so already. */
void cred_fsetid(bool on);

#endif
