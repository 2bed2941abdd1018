/* SPDX-License-Identifier: MIT */
/*
 * divert_exec.h - redirect verdicts of command rules, for an execve that is
 * already under way
 *
 * See stub.c for the way it goes. What the kernel makes of the path that we
 * write is checked after the exec, as ever (decode_exec.c): a thread that
 * writes it again makes the process run something that is judged, and killed
 * if the rules deny or divert it.
 */
#ifndef TRACER_DIVERT_EXEC_H
#define TRACER_DIVERT_EXEC_H

#include "tracer/notify.h"

#define DIVERT_MAGIC     "agentsh-orders-1" /* first word of the memfd */
#define DIVERT_MAX_WORDS 4096
#define DIVERT_MAX_BYTES (1U << 20)

/*
 * Makes the pending execve run agentsh-stub, which will run what the rule of v
 * says. path_addr, path: the caller's path as it was read. 0: the request may
 * continue; -errno: it must be refused (-EACCES where the caller's memory
 * cannot be written, or the path is too short for "/dev/fd/N").
 */
int exec_divert(struct request *q, struct verdict v, uint64_t path_addr,
		struct str path);
/* True when exe is the stub and q's process was told to run it. Gives memory
 * that the process shared with its parent its old content back. */
bool exec_divert_arrived(struct request *q, struct str exe);
/* True when this execve is the one that the rule wanted; only once. */
bool exec_divert_wanted(const struct request *q, struct str path,
			const struct str *argv, size_t argc);

/* Finds the stub beside this program; without it redirects are denials. */
void exec_divert_open(struct tracer *t);
/* Its path, which Landlock must let commands execute; NULL: there is none. */
const char *exec_divert_path(const struct tracer *t);
void exec_divert_close(struct tracer *t);

#endif
