/* SPDX-License-Identifier: MIT */
/*
 * ptrace_inject.h - calls that a traced thread makes in the place of its own;
 * theory in ptrace_inject.c
 */
#ifndef TRACER_PTRACE_INJECT_H
#define TRACER_PTRACE_INJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ptracer;
struct request;
struct tracee;

#define CALL_OP_EXIT    2
#define CALL_OP_SECCOMP 3

/* struct ptrace_syscall_info, Linux 5.3; C libraries name it differently. */
struct call_info {
	uint8_t op;
	uint8_t pad[3];
	uint32_t arch;
	uint64_t instruction_pointer, stack_pointer;
	uint64_t nr; /* of an exit: the result */
	uint64_t args[6];
	uint32_t ret_data;
};

/* ptrace() with a request that the C library's enum may not have. */
long ptracer_request(unsigned int what, pid_t tid, uintptr_t addr, void *data);
/* What system call tid is stopped in. */
bool ptracer_call_info(pid_t tid, struct call_info *ret);
/* The call that tid is stopped before is not made; result is what it gave. */
void ptracer_skip_call(pid_t tid, int64_t result);

/* Once in a process: SIGALRM is used here. 0 or -errno. */
int injection_prepare(void);
/*
 * x is stopped before q's call: it takes a copy of fd (borrowed), which is the
 * call's result. Whatever fails is the result instead.
 */
void injection_give(struct ptracer *p, struct tracee *x, struct request *q,
		    int fd, bool cloexec);
/*
 * The execve that q is will be that of `program`, with its own arguments and
 * variables and `orders` as one more descriptor (both borrowed). empty: where
 * the caller has an empty string. Done by injection_begin(). 0 or -errno.
 */
int injection_prepare_exec(struct ptracer *p, struct tracee *x,
			   struct request *q, int program, int orders,
			   uint64_t empty);
/* x, which is stopped before its call, begins what was prepared. */
void injection_begin(struct ptracer *p, struct tracee *x);

/* x stopped at one of its calls. */
void injection_stop(struct ptracer *p, struct tracee *x);
/* x was stopped by something else in the middle: it goes on, with a signal or
 * 0. */
void injection_resume(const struct tracee *x, int signo);
/* x will not finish them. */
void injection_drop(struct ptracer *p, struct tracee *x);

#endif
