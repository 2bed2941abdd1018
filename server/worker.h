/* SPDX-License-Identifier: MIT */
/*
 * worker.h - one helper program of one session (agentsh-tracer, ...)
 *
 * What a worker says is untrusted input: a message that does not decode, or
 * that its owner refuses, kills it. A dead worker's owner is told once, after
 * everything it had written to the ring is recorded.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <sys/resource.h>
#include <sys/types.h>

#include "core/channel.h"
#include "core/event.h"
#include "core/proto.h"

struct app;
struct worker;

struct worker_owner {
	/* A message. Return 0, or -errno to have the worker killed. */
	int (*message)(void *arg, struct channel_msg *m);
	/*
	 * An event from the ring, not trusted yet. A negative return leaves
	 * it there to be tried again (the store is full); then the worker's
	 * own denials wait, as they must.
	 */
	int (*event)(void *arg, struct event *e);
	/* It is gone: exit status text, e.g. "killed by signal 9". */
	void (*died)(void *arg, const char *how);
	void *arg;
};

struct worker_start {
	const char *program; /* "agentsh-tracer" */
	int policy_fd;       /* borrowed */
	int mount_ns;        /* namespace to run in, borrowed; -1 = ours */
	int mount_root;      /* directory there to run below; with mount_ns */
	int user_ns;         /* what owns it; borrowed; -1 = ours */
	const struct proto_hello *hello;
	uint32_t ring_size; /* of its events; 0 = RING_DEFAULT_SIZE */
	int hello_fds[4];   /* sent with it, borrowed */
	size_t n_hello_fds;
	const struct worker_owner *owner; /* copied */
};

/*
 * Starts the program and sends it the hello; the owner hears of it from then
 * on, died() last. The app owns the worker. 0 or -errno: then nothing runs, or
 * what did is killed and reaped without a word to the owner.
 */
int worker_start(struct app *app, const struct worker_start *o,
		 struct worker **ret);
/*
 * Events will come shortly: the ring is looked at by timer for a while, so that
 * the first of them needs no wake-up.
 */
void worker_expect(struct worker *w);
/*
 * One message with copies of the fds. What cannot be sent kills the worker: it
 * would go on without knowing. 0, -EPIPE (it is going), -errno.
 */
int worker_send(struct worker *w, uint8_t type, uint32_t id, struct str body,
		const int *fds, size_t n_fds);
/* Records all that is in the ring now. */
void worker_drain(struct worker *w);
pid_t worker_pid(const struct worker *w);
/*
 * Orderly end: the owner hears no more of it; it is killed if it has not ended
 * in 5 s. NULL is a no-op; returns NULL.
 */
struct worker *worker_stop(struct worker *w);
/* Kills it now; the owner's died() follows. */
void worker_kill(struct worker *w);
/* SIGCHLD: reaps what has ended. */
void workers_reap(struct app *app);
/* At exit: kills and reaps what is left. */
void workers_kill_all(struct app *app);
/* True once all workers are gone. */
bool workers_idle(const struct app *app);
/* Limits that workers get back after ours were raised. */
void worker_keep_nofile(const struct rlimit *original);
/* Directory that holds the worker programs; heap string. */
int worker_find_libexec(char **ret);

#endif
