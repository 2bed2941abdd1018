/* SPDX-License-Identifier: MIT */
/*
 * command.h - one command: from SPAWN to EXITED
 */
#ifndef TRACER_COMMAND_H
#define TRACER_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/proc.h"
#include "tracer/proctab.h"
#include "tracer/tracer.h"

/* Opens of FIFOs and the like that may wait at the same time. */
#define COMMAND_MAX_WORKERS 64

struct command {
	struct command *next;  /* in tracer->commands */
	struct tracer *tracer; /* borrowed */
	char *id;              /* owned: command_id */
	uint32_t launch_id;    /* at the launcher */
	uint32_t request_id;   /* of the server's PROTO_SPAWN */
	pid_t pid;             /* 0 until CONFINED */
	int pidfd;             /* owned; -1 */
	int listener;          /* owned; -1 */
	struct loop_source *listener_source, *timer;
	struct loop_source *late;  /* its cgroup is still to come (late.c) */
	struct cgroup_set *cgroup; /* owned, or the slot's; NULL = none */
	struct slot *slot;         /* that it runs in; NULL = none */
	struct buf limits_missing; /* limits that could not be set */
	struct proctab procs;
	struct launch_event confined;
	bool is_probe;      /* the dry run */
	bool probe_seen;    /* its execve arrived and could be read */
	bool have_confined; /* CONFINED was received */
	bool launched;      /* it was started; SPAWNED is sent, or soon will */
	bool to_tell;       /* SPAWNED is to be sent */
	bool reaped;        /* the first process has ended */
	bool timed_out;
	bool ended;          /* EXITED sent; waits for parked requests only */
	unsigned int stalls; /* of others, by its calls; ptrace_inject.c */
	unsigned int n_requests; /* not answered yet */
	unsigned int leftovers;
	int wait_status;
	struct rusage usage;
	uint64_t timeout_ns;
	struct proto_limits limits;
	char *line;       /* owned: its words, for the group */
	uint32_t decided; /* enum proto_spawn_flags: by the server, beforehand */
	uint32_t place;   /* in the attribution; ATTRIBUTION_NONE */
	bool brake_released; /* a person let it go on */
	bool has_group;
	uint32_t trash_group;               /* of what this command destroys */
	pid_t workers[COMMAND_MAX_WORKERS]; /* blocked opens; 0 = free */
};

/*
 * Carries out PROTO_SPAWN (fds borrowed). Answers on the channel by itself,
 * also on failure.
 */
void command_spawn(struct tracer *t, uint32_t request_id,
		   const struct proto_spawn *spawn, const int *fds,
		   size_t n_fds);
/* Starts the dry run that READY waits for. 0 or -errno. */
int command_probe(struct tracer *t);
/* PROTO_SIGNAL; an unknown command is ignored (it has just ended). */
void command_deliver(struct tracer *t, const struct proto_signal *m);
/* SIGKILLs all processes of all commands (shutdown). */
void command_kill_all(struct tracer *t);
/* Loop callbacks: SIGCHLD; launcher events. */
void command_on_sigchld(struct loop *loop, int signo, void *arg);
void command_on_launcher(struct loop *loop, int fd, uint32_t events, void *arg);
/* Takes the launcher's messages that wait. */
void command_read_launcher(struct tracer *t);
/* Gives back what a request counted; frees an ended command. */
void command_release(struct command *c);

/* What the command destroys is kept, and undone, as one group, which is made
 * when there is something to keep. Its number; 0 if it cannot be made. */
uint32_t command_group(struct command *c);
/* Ends them all, killed before or not (shutdown). */
void command_end_all(struct tracer *t);

/* The first that is heard of a command whose zygote started it. */
void command_known(struct command *c, pid_t pid);
/* Its image runs, or has run; or error and what failed, and c is over. pid: 0
 * when it is known. */
void command_launched(struct command *c, pid_t pid, int error, uint32_t step);

/* --- private to command.c and slot.c --- */

/* On the tracer's list; NULL without memory. */
struct command *command_new(struct tracer *t, struct str id);
/* Everything but the memory of requests that wait for an approval. */
void command_end(struct command *c);
/* The exec did not happen: tells the server, and ends c. */
void command_failed(struct command *c, int error, uint32_t step);
/* A set named after id and the session; NULL where there is none. */
struct cgroup_set *command_make_cgroup(struct tracer *t, const char *id,
				       const struct proto_limits *limits,
				       struct buf *missing);

/* Where to note the pid of a worker process; NULL when there are too many. */
pid_t *command_worker_slot(struct command *c);

/* SIGKILLs every process of the command; counts those seen (survivors.c). */
unsigned int survivors_kill(struct command *c);
/* fn for each of them, dying ones aside, until it returns false. 0 or -errno
 * of the look at /proc. */
int survivors_each(struct command *c, bool (*fn)(void *arg, pid_t pid),
		   void *arg);

#endif
