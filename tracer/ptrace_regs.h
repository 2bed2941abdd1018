/* SPDX-License-Identifier: MIT */
/*
 * ptrace_regs.h - registers of a thread stopped at a system call
 *
 * The only part of the ptrace backend that knows the machine.
 */
#ifndef TRACER_PTRACE_REGS_H
#define TRACER_PTRACE_REGS_H

#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>

#ifndef NT_ARM_SYSTEM_CALL
#	define NT_ARM_SYSTEM_CALL 0x404
#endif

#define REGS_ARGS 5 /* of a call, that we know of */

#if defined(__x86_64__)

#	define THIS_ARCH AUDIT_ARCH_X86_64

struct regs {
	struct user_regs_struct user;
};

static inline void regs_set_args(struct regs *r, const uint64_t a[REGS_ARGS])
{
	r->user.rdi = a[0];
	r->user.rsi = a[1];
	r->user.rdx = a[2];
	r->user.r10 = a[3];
	r->user.r8 = a[4];
}

static inline uint64_t regs_arg(const struct regs *r, size_t i)
{
	const uint64_t a[REGS_ARGS] = { r->user.rdi, r->user.rsi, r->user.rdx,
					r->user.r10, r->user.r8 };

	return i < REGS_ARGS ? a[i] : 0;
}

static inline void regs_set_result(struct regs *r, int64_t value)
{
	r->user.rax = (unsigned long long)value;
}

static inline int64_t regs_result(const struct regs *r)
{
	return (int64_t)r->user.rax;
}

/* Back to the instruction that makes the call, which will be nr. */
static inline void regs_again(struct regs *r, int nr)
{
	r->user.rip -= 2;
	r->user.rax = (unsigned long long)nr;
}

#elif defined(__aarch64__)

#	define THIS_ARCH AUDIT_ARCH_AARCH64

struct regs {
	struct user_regs_struct user;
};

static inline void regs_set_args(struct regs *r, const uint64_t a[REGS_ARGS])
{
	for (int i = 0; i < REGS_ARGS; i++)
		r->user.regs[i] = a[i];
}

static inline uint64_t regs_arg(const struct regs *r, size_t i)
{
	return i < REGS_ARGS ? r->user.regs[i] : 0;
}

static inline void regs_set_result(struct regs *r, int64_t value)
{
	r->user.regs[0] = (unsigned long long)value;
}

static inline int64_t regs_result(const struct regs *r)
{
	return (int64_t)r->user.regs[0];
}

static inline void regs_again(struct regs *r, int nr)
{
	r->user.pc -= 4;
	r->user.regs[8] = (unsigned long long)nr;
}

#else
#	error "registers of this machine are not known"
#endif

static inline int regs_get(pid_t tid, struct regs *ret)
{
	struct iovec v = { &ret->user, sizeof(ret->user) };

	return ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)NT_PRSTATUS,
		      &v) < 0
		       ? -errno
		       : 0;
}

static inline int regs_put(pid_t tid, struct regs *r)
{
	struct iovec v = { &r->user, sizeof(r->user) };

	return ptrace(PTRACE_SETREGSET, tid, (void *)(uintptr_t)NT_PRSTATUS,
		      &v) < 0
		       ? -errno
		       : 0;
}

/*
 * As regs_put() for a thread stopped before the call, whose number is nr now;
 * -1: no call is made, and the result is what the registers say.
 */
static inline int regs_put_call(pid_t tid, struct regs *r, int nr)
{
#if defined(__x86_64__)
	r->user.orig_rax = (unsigned long long)nr;
#else /* the number is kept apart from register 8 */
	struct iovec v = { &nr, sizeof(nr) };

	if (ptrace(PTRACE_SETREGSET, tid, (void *)(uintptr_t)NT_ARM_SYSTEM_CALL,
		   &v) < 0)
		return -errno;
#endif
	return regs_put(tid, r);
}

/* No call is repeated or resumed when the thread goes on. */
static inline void regs_no_restart(struct regs *r)
{
#if defined(__x86_64__)
	r->user.orig_rax = (unsigned long long)-1;
#else
	(void)r;
#endif
}

#endif
