/* SPDX-License-Identifier: MIT */
/*
 * notify.h - notified system calls: receive, decode, answer
 *
 * A `struct request` is one stopped system call. Its decoder owns it until it
 * gives exactly one answer; the answer functions give the request back.
 */
#ifndef TRACER_NOTIFY_H
#define TRACER_NOTIFY_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/event.h"
#include "core/op.h"
#include "tracer/backend.h"
#include "tracer/command.h"
#include "tracer/mem.h"

struct request {
	struct tracer *tracer;   /* borrowed */
	struct command *command; /* counted in command->n_requests */
	const struct backend *backend;
	uint64_t id;
	pid_t tid; /* the thread that called */
	pid_t pid; /* its thread group; 0 = not known yet */
	int nr;
	uint64_t args[6];
	struct mem mem;
	struct identity *who; /* owned; of identity.c, once it is asked */
	const char *name;     /* of the system call */
	bool entry_checked;   /* against procfs, during this call */
	/* ptrace: a worker tells its result here; see request_fork() */
	int worker_fd;
	struct loop_source *worker_source;
	/* A socket that takes the place of the caller's number when a value is
	 * returned (replace.c); 0 = none. The socket is the decoder's. */
	int replace_with, replace_fd, replace_flags;
	void *data; /* the decoder's; owned by it */
	void (*free_data)(void *data);
	struct request *next_free;
};

/* Prepares a listener (SYNC_WAKE_UP) and puts it on the loop. */
int notify_watch(struct command *c);
/* What of it a listener needs that the caller watches himself. */
void notify_set_flags(int listener);
/* Takes one notification from c->listener, which is readable. */
void notify_receive(struct command *c);
/* The same, on behalf of no command: refused. */
void notify_refuse(int listener);
void notify_unwatch(struct command *c);
/* Answers what waits on the listener now; at the end of a command. */
void notify_drain(struct command *c);

/* One of these ends each request. */
void request_continue(struct request *q);
void request_fail(struct request *q, int error); /* positive errno */
/* The same for what no policy can allow: recorded first. */
void request_refuse(struct request *q, int error);
void request_return(struct request *q, int64_t value);
/* Injects fd (borrowed) and returns its number; closed on exec if asked. */
void request_inject(struct request *q, int fd, bool cloexec);
/* The same, fd is taken and closed before the caller goes on: its own copy is
 * the only one (a FIFO has an end when the caller closes it). */
void request_inject_last(struct request *q, int fd, bool cloexec);
/* Kills the process; the call never returns. */
void request_kill(struct request *q);

/*
 * Forks a worker, which carries the call out and ends the request in our
 * place; the parent calls request_abandon(). 0 in the worker, its pid here, or
 * -errno.
 */
pid_t request_fork(struct request *q);
/* A worker answers: the request is over for us. */
void request_abandon(struct request *q);

/* False when the caller has gone or was interrupted: what was read from
 * /proc or memory may belong to another process. Check after reading. */
bool request_valid(const struct request *q);
/* Thread group of the caller; 0 and request gone when it cannot be read. */
pid_t request_pid(struct request *q);

/* Fills who and what of an event: session, command, pid, depth, source. */
void request_event(struct request *q, struct event *e);
/* What this thread does from now on it does for this request's caller. */
void request_attribute(const struct request *q);
/* Asks the guard; done as in guard_ask. */
void request_ask(struct request *q, const struct op *op, const struct op *op2,
		 const struct event *e, guard_done_fn *done);
/* As request_ask(); what would be allowed needs a person's approval. */
void request_hold(struct request *q, const struct op *op, const struct op *op2,
		  const struct event *e, guard_done_fn *done);

/* Decoders: take the request. */
typedef void decode_fn(struct request *q);
decode_fn decode_exec;
decode_fn decode_open, decode_creat, decode_openat2;
decode_fn decode_unlink, decode_rmdir, decode_unlinkat, decode_rename;
decode_fn decode_renameat, decode_link, decode_linkat, decode_symlink;
decode_fn decode_mkdir, decode_mknod, decode_truncate;
decode_fn decode_chmod, decode_fchmod, decode_fchmodat, decode_chown;
decode_fn decode_fchown, decode_fchownat, decode_utime, decode_utimensat;
decode_fn decode_setxattr, decode_fsetxattr, decode_xattrat;
decode_fn decode_file_setattr;
decode_fn decode_shorten;
decode_fn decode_stat;
decode_fn decode_connect, decode_bind, decode_listen, decode_sendto;
decode_fn decode_sendmsg, decode_sendmmsg, decode_recvfrom, decode_recvmsg;
decode_fn decode_kill;
decode_fn decode_chdir, decode_watch;

/*
 * Looks at the image that a process really runs after an allowed exec; see
 * decode_exec.c. Return: true to go on with the request; false when the
 * process was killed (and the request answered).
 */
bool exec_verify(struct request *q);
/*
 * The same, when the process is stopped in its new image before the first
 * instruction (PTRACE_EVENT_EXEC). True: it may go on, and q is not answered.
 */
bool exec_image(struct request *q);

#endif
