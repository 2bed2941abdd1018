/* SPDX-License-Identifier: MIT */
/*
 * seccomp.h - the static filter and the user-notify classes, as a BPF program
 *
 * One program does both: arch check first (foreign ABI killed, x32 ENOSYS),
 * then a binary search over syscall numbers; per number allow, errno, kill,
 * notify, or a test of scalar arguments. The table (syscalls.inc, generated
 * from kernel headers) classifies every syscall of x86-64 and arm64; a unit
 * test fails when a header knows a number that the table does not.
 */
#ifndef CONFINE_SECCOMP_H
#define CONFINE_SECCOMP_H

#include <linux/filter.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Classes of syscalls that go to the supervisor. */
enum seccomp_notify {
	NOTIFY_EXEC = 1 << 0,     /* execve execveat */
	NOTIFY_POSTEXEC = 1 << 1, /* arch_prctl(ARCH_SET_FS) | set_tid_address:
				   * first call of a new image that opens
				   * nothing first */
	NOTIFY_OPEN_WRITE = 1 << 2, /* open* with write/create/trunc bits,
				     * creat, openat2 (ENOSYS unless either
				     * open class is notified: its flags are
				     * in memory). io_setup is ENOSYS then:
				     * its writes' flags are in memory, and
				     * RWF_NOAPPEND is one of them. */
	NOTIFY_OPEN_READ = 1 << 3,  /* every other open, inotify_add_watch */
	NOTIFY_MUTATE = 1 << 4, /* unlink rename mkdir rmdir link symlink mknod
				 * truncate and their *at forms */
	NOTIFY_META = 1 << 5,   /* chmod chown utime xattr, all forms */
	NOTIFY_STAT = 1 << 6,   /* stat access readlink */
	NOTIFY_NET = 1 << 7,    /* connect bind listen sendto(addr) sendmsg
				 * sendmmsg on any family */
	NOTIFY_SIGNAL = 1 << 8, /* kill tgkill tkill pidfd_send_signal
				 * rt_(tg)sigqueueinfo, to whatever process:
				 * BPF does not know who asks. Only SIGURG by
				 * tgkill (Go's preemption) is let through. */
	NOTIFY_FTRUNCATE = 1
			   << 9, /* ftruncate, fallocate, fcntl(F_SETFL) without
				    * O_APPEND, pwritev2(RWF_NOAPPEND): undo
				    * without FUSE */
	NOTIFY_CHDIR = 1 << 10,
	/*
	 * Calls that are refused whatever the policy says (mount, bpf, ptrace,
	 * names in `block` with SECCOMP_BLOCK_NOTIFY, arguments such as a
	 * namespace's flag ...) go to the supervisor so that the attempt is on
	 * record. It must answer with an error, never CONTINUE: see
	 * seccomp_denied_errno() and seccomp_refusal(). What does not exist
	 * (ENOSYS) is not told.
	 */
	NOTIFY_DENIED = 1 << 11,
	/* recvmsg on any socket without MSG_CMSG_CLOEXEC: whether it asks for
	 * a sender is in memory. For supervisors whose DNS stub answers in
	 * place of others. */
	NOTIFY_RECVMSG = 1 << 12,
};

enum seccomp_block {
	SECCOMP_BLOCK_ERRNO = 0, /* EPERM, or notified under NOTIFY_DENIED */
	SECCOMP_BLOCK_KILL,      /* SIGSYS for the whole process */
	SECCOMP_BLOCK_NOTIFY,    /* the supervisor records it and refuses or
				  * kills (log, log_and_kill); EPERM when there
				  * is no listener, i.e. notify == 0 */
};

/* Sockets that the configuration refuses; -1 = any. */
struct seccomp_socket {
	int family, type, protocol;
	bool kill; /* the process, too: by the supervisor, which records it
		    * first, or at once where there is none */
};

struct seccomp_options {
	uint32_t notify; /* enum seccomp_notify bits; 0 = no listener needed */
	/* names from sandbox.seccomp.syscalls.block, and their action */
	const char *const *block;
	size_t n_block;
	enum seccomp_block on_block;
	/* AF_* numbers that socket() refuses besides the built-in list */
	const int *block_families;
	size_t n_block_families;
	const struct seccomp_socket *sockets;
	size_t n_sockets;
	/* No UDP: there is nobody to judge where a datagram goes, and no
	 * Landlock right for it. */
	bool no_datagrams;
	/*
	 * What Landlock offers here (landlock_abi()). Below 3 an unnotified
	 * truncate(2) by path is refused by the filter instead.
	 */
	int landlock_abi;
	bool allow_ptrace;  /* debuggers wanted inside: policy says so */
	bool allow_userns;  /* nested sandboxes */
	bool allow_setid;   /* set-id mode bits */
	bool allow_devices; /* mknod() of device nodes */
	/*
	 * Not 0: clone(SECCOMP_LAUNCH_FLAGS) with this number, which must not
	 * be guessable, as fourth and fifth argument is allowed although
	 * CLONE_PARENT is not: for the supervisor's own zygote. With it as
	 * second argument, chdir() is not notified. Commands do not see the
	 * number.
	 */
	uint64_t launch_key;
	/*
	 * What would be notified stops for a tracer instead (RET_TRACE), where
	 * no listener can be had. Whoever installs it has to be traced: without
	 * a tracer such a call is ENOSYS.
	 */
	bool trace;
};

/*
 * Builds the program. *ret is one heap block (prog->filter points into it);
 * the caller frees ret with free(). unknown: first block name that is no
 * syscall here (for a warning), or NULL.
 * Return: 0, -ENOMEM, -E2BIG (more than BPF_MAXINSNS).
 */
int seccomp_build(const struct seccomp_options *o, struct sock_fprog **ret,
		  const char **ret_unknown);

/* clone(2) flags of a zygote that starts a command for its parent. */
#define SECCOMP_LAUNCH_FLAGS (CLONE_VM | CLONE_VFORK | CLONE_PARENT | SIGCHLD)

enum seccomp_class {
	SECCOMP_ALLOW = 0,
	SECCOMP_DENY, /* EPERM or ENOSYS */
	SECCOMP_KILL,
	SECCOMP_CHECK, /* scalar arguments decide */
	SECCOMP_NOTIFY,
};
/* Class of syscall nr of this machine under o; for tests and `explain`. */
enum seccomp_class seccomp_classify(const struct seccomp_options *o, long nr);
/*
 * The errno with which a notified call must be refused without being judged,
 * or 0 if it is one to judge. For supervisors that asked for NOTIFY_DENIED or
 * SECCOMP_BLOCK_NOTIFY; ask before decoding.
 */
int seccomp_denied_errno(const struct seccomp_options *o, long nr);
/*
 * The filter that would hold if nobody was told (*ret as by seccomp_build), and
 * the errno with which it refuses a call for its arguments; 0 = it does not.
 */
int seccomp_build_quiet(const struct seccomp_options *o,
			struct sock_fprog **ret);
int seccomp_refusal(const struct sock_fprog *quiet, long nr,
		    const uint64_t args[6]);
const char *seccomp_syscall_name(long nr); /* NULL if unknown */

#endif
