/* SPDX-License-Identifier: MIT */
/*
 * inproc.h - one command under a policy, supervised by the calling process
 */
#ifndef TRACER_INPROC_H
#define TRACER_INPROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/proto.h"
#include "core/sink.h"

struct policy;

struct inproc {
	const struct proto_hello *hello; /* as a server would send it */
	struct policy *policy;           /* taken */
	struct sink sink; /* every event, before it is acted on */
	/* Called with sink's arg before a command might run without telling
	 * anything. 0 or -errno: then it does not run. */
	int (*flush)(void *arg);
	const struct proto_spawn *spawn;
	int fds[3];           /* stdin, stdout, stderr; borrowed */
	uint16_t closed_port; /* of this host, to every command; 0 = none */
	bool no_cgroup;       /* none is needed */
	bool same_group;      /* keep the terminal: no session of its own */
};

struct inproc_result {
	int error;     /* errno of what kept it from starting; 0 = it ran */
	char step[24]; /* what failed; "exec" = the exec itself */
	pid_t pid;
	int wait_status;
	bool timed_out, oom_killed;
	uint32_t leftovers;
	uint64_t cpu_user_us, cpu_system_us, memory_peak_kb;
};

/*
 * Confines this process (for good: no capabilities, Landlock), runs the command
 * and waits for its end and that of all it started. SIGINT and the like go to
 * the command. 0 and *ret, or -errno when it could not be confined.
 */
int inproc_run(const struct inproc *in, struct inproc_result *ret);

#endif
