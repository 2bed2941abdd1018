/* SPDX-License-Identifier: MIT */
/*
 * seccomp.c - the static filter and the user-notify classes, as a BPF program
 *
 * Shape: arch check, then a binary search over syscall numbers, whose leaves
 * are an answer or a few tests of scalar arguments. A number that the table
 * does not know gets ENOSYS: what did not exist when this was built, was not
 * judged; x32 numbers (bit 30) fall under the same rule.
 *
 * Registers are 64 bits wide and most arguments are 32: each test looks at
 * exactly the half that the kernel will look at. Comparing all 64 bits of an
 * ioctl request was CVE-2019-7303. Nothing in memory can be tested: calls
 * whose flags are there (openat2, clone3) are notified or refused.
 *
 * Program loading is a cost of every spawn: the kernel emulates the program
 * for every number to find the constant allows, and then compiles it. Hence
 * the tree, and leaves shared where ranges have one answer.
 */
#include "confine/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "confine/bpf.h"

#if defined(__x86_64__)
#	define NATIVE_ARCH       AUDIT_ARCH_X86_64
#	define NR(x86_64, arm64) x86_64
#elif defined(__aarch64__)
#	define NATIVE_ARCH       AUDIT_ARCH_AARCH64
#	define NR(x86_64, arm64) arm64
#else
#	error "add this machine to confine/gen-syscalls.py first"
#endif

/* Values that the C library of a build machine may not know. */
#define RET_NOTIFY         0x7fc00000U /* SECCOMP_RET_USER_NOTIF, 5.0 */
#define SET_FS             0x1002      /* ARCH_SET_FS */
#define TMPFILE_BIT        020000000   /* O_TMPFILE without O_DIRECTORY */
#define SET_MODE_FILTER    1           /* seccomp(2) operation */
#define NEW_LISTENER       (1U << 3)
#define FAST_OPEN_CONNECT  30 /* TCP_FASTOPEN_CONNECT */
#define PRCTL_SET_DUMPABLE 4
#define PRCTL_SET_MM       35
#define WHO_IO_USER        3 /* IOPRIO_WHO_USER */
#define SOCK_TYPE_BITS     0xf
#define NS_TIME            0x80 /* CLONE_NEWTIME; in clone(2) an exit signal */

#define RET_ERRNO(e) (SECCOMP_RET_ERRNO | (uint32_t)(e))

#define SETID_BITS   06000U
#define OPEN_WRITING ((uint32_t)(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC))
#define NAMESPACES                                                 \
	((uint32_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | \
		    CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
		    CLONE_NEWNET))
/* Children that a tracer does not get, or that are not in the tree. */
#define CLONE_ESCAPES ((uint32_t)(CLONE_UNTRACED | CLONE_PARENT | CLONE_PTRACE))

/* What gen-syscalls.py may say of a syscall. */
enum row_class {
	ROW_ALLOW,
	ROW_DENY,
	ROW_NOSYS,
	ROW_PTRACE,
	ROW_SETNS,
	ROW_UNSHARE,
	ROW_CLONE,
	ROW_EXEC,
	ROW_SETFS,
	ROW_SETTID,
	ROW_OPEN,
	ROW_OPENAT,
	ROW_OPENAT2,
	ROW_CREAT,
	ROW_MUTATE,
	ROW_TRUNCATE,
	ROW_MKNOD,
	ROW_MKNODAT,
	ROW_META,
	ROW_CHMOD,
	ROW_CHMODAT,
	ROW_STAT,
	ROW_NET,
	ROW_SENDTO,
	ROW_SENDMSG,
	ROW_SENDMMSG,
	ROW_SOCKET,
	ROW_SOCKETPAIR,
	ROW_SETSOCKOPT,
	ROW_KILL,
	ROW_SIGNAL,
	ROW_TGKILL,
	ROW_FTRUNCATE,
	ROW_CHDIR,
	ROW_IOCTL,
	ROW_PRCTL,
	ROW_SECCOMP,
	ROW_PERSONALITY,
	ROW_PRLIMIT,
	ROW_SETPRIORITY,
	ROW_IOPRIO,
	ROW_SELF,
};

struct row {
	const char *name;
	int16_t nr;    /* -1 = not on this machine */
	uint8_t class; /* enum row_class */
};

static const struct row rows[] = {
#define X(name, x86_64, arm64, class) { #name, NR(x86_64, arm64), ROW_##class },
#include "confine/syscalls.inc"
#undef X
};

#define NR_MAX 511 /* above every number in the table; checked by a test */

/* A leaf: run the tests of `check` (ROW_ALLOW = none), then return `pass`. */
struct action {
	uint32_t pass;
	uint8_t check; /* enum row_class */
};

static bool action_eq(struct action a, struct action b)
{
	return a.pass == b.pass && a.check == b.check;
}

static struct action answer(uint32_t ret)
{
	return (struct action){ ret, ROW_ALLOW };
}

static struct action tested(enum row_class check, uint32_t pass)
{
	return (struct action){ pass, (uint8_t)check };
}

static uint32_t notified(const struct seccomp_options *o, uint32_t classes)
{
	return o->notify & classes ? RET_NOTIFY : SECCOMP_RET_ALLOW;
}

static struct action refused(const struct seccomp_options *o)
{
	return answer(o->notify & NOTIFY_DENIED ? RET_NOTIFY
						: RET_ERRNO(EPERM));
}

static struct action mode_tested(const struct seccomp_options *o,
				 enum row_class class, uint32_t notify)
{
	if (o->allow_setid && class != ROW_MKNOD && class != ROW_MKNODAT)
		return answer(notified(o, notify));
	return tested(class, notified(o, notify));
}

static struct action open_action(const struct seccomp_options *o,
				 enum row_class class)
{
	const uint32_t both = NOTIFY_OPEN_WRITE | NOTIFY_OPEN_READ;

	if (o->allow_setid && (o->notify & both) == both)
		return answer(RET_NOTIFY);
	if (o->allow_setid && (o->notify & both) == 0)
		return answer(SECCOMP_RET_ALLOW);
	return tested(class, notified(o, NOTIFY_OPEN_READ));
}

static struct action file_action(const struct seccomp_options *o,
				 enum row_class class)
{
	switch ((int)class) {
	case ROW_OPEN:
	case ROW_OPENAT:
		return open_action(o, class);
	case ROW_OPENAT2:
		return answer(o->notify & (NOTIFY_OPEN_WRITE | NOTIFY_OPEN_READ)
				      ? RET_NOTIFY
				      : RET_ERRNO(ENOSYS));
	case ROW_CREAT:
		return mode_tested(o, ROW_CHMOD, NOTIFY_OPEN_WRITE);
	case ROW_MUTATE:
		return answer(notified(o, NOTIFY_MUTATE));
	case ROW_TRUNCATE:
		return !(o->notify & NOTIFY_MUTATE) && o->landlock_abi < 3
			       ? answer(RET_ERRNO(EPERM))
			       : answer(notified(o, NOTIFY_MUTATE));
	case ROW_MKNOD:
	case ROW_MKNODAT:
		return mode_tested(o, class, NOTIFY_MUTATE);
	case ROW_META:
		return answer(notified(o, NOTIFY_META));
	case ROW_CHMOD:
	case ROW_CHMODAT:
		return mode_tested(o, class, NOTIFY_META);
	case ROW_STAT:
		return answer(notified(o, NOTIFY_STAT));
	case ROW_FTRUNCATE:
		return answer(notified(o, NOTIFY_FTRUNCATE));
	default:
		return answer(notified(o, NOTIFY_CHDIR));
	}
}

static struct action process_action(const struct seccomp_options *o,
				    enum row_class class)
{
	switch ((int)class) {
	case ROW_PTRACE:
		return o->allow_ptrace ? answer(SECCOMP_RET_ALLOW) : refused(o);
	case ROW_SETNS:
		return o->allow_userns ? answer(SECCOMP_RET_ALLOW) : refused(o);
	case ROW_UNSHARE:
		return o->allow_userns ? answer(SECCOMP_RET_ALLOW)
				       : tested(class, SECCOMP_RET_ALLOW);
	case ROW_EXEC:
		return answer(notified(o, NOTIFY_EXEC));
	case ROW_SETFS:
		return o->notify & NOTIFY_POSTEXEC
			       ? tested(class, SECCOMP_RET_ALLOW)
			       : answer(SECCOMP_RET_ALLOW);
	case ROW_SETTID: /* where there is no arch_prctl */
		return answer(
			NR(SECCOMP_RET_ALLOW, notified(o, NOTIFY_POSTEXEC)));
	case ROW_KILL:
		return tested(class, notified(o, NOTIFY_SIGNAL));
	case ROW_SIGNAL:
		return answer(notified(o, NOTIFY_SIGNAL));
	case ROW_TGKILL:
		return o->notify & NOTIFY_SIGNAL ? tested(class, RET_NOTIFY)
						 : answer(SECCOMP_RET_ALLOW);
	default:
		return tested(class, SECCOMP_RET_ALLOW);
	}
}

static struct action row_action(const struct seccomp_options *o,
				enum row_class class)
{
	switch (class) {
	case ROW_ALLOW:
		return answer(SECCOMP_RET_ALLOW);
	case ROW_DENY:
		return refused(o);
	case ROW_NOSYS:
		return answer(RET_ERRNO(ENOSYS));
	case ROW_OPEN:
	case ROW_OPENAT:
	case ROW_OPENAT2:
	case ROW_CREAT:
	case ROW_MUTATE:
	case ROW_TRUNCATE:
	case ROW_MKNOD:
	case ROW_MKNODAT:
	case ROW_META:
	case ROW_CHMOD:
	case ROW_CHMODAT:
	case ROW_STAT:
	case ROW_FTRUNCATE:
	case ROW_CHDIR:
		return file_action(o, class);
	case ROW_NET:
		return answer(notified(o, NOTIFY_NET));
	case ROW_SENDMSG:
	case ROW_SENDMMSG:
		return tested(class, notified(o, NOTIFY_NET));
	case ROW_SENDTO:
	case ROW_SOCKET:
	case ROW_SOCKETPAIR:
	case ROW_SETSOCKOPT:
	case ROW_IOCTL:
	case ROW_PRCTL:
	case ROW_SECCOMP:
	case ROW_PERSONALITY:
	case ROW_PRLIMIT:
	case ROW_SETPRIORITY:
	case ROW_IOPRIO:
	case ROW_SELF:
		return tested(class, SECCOMP_RET_ALLOW);
	case ROW_PTRACE:
	case ROW_SETNS:
	case ROW_UNSHARE:
	case ROW_CLONE:
	case ROW_EXEC:
	case ROW_SETFS:
	case ROW_SETTID:
	case ROW_KILL:
	case ROW_SIGNAL:
	case ROW_TGKILL:
		return process_action(o, class);
	}
	return answer(RET_ERRNO(EPERM));
}

static bool is_blocked(const struct seccomp_options *o, const char *name)
{
	for (size_t i = 0; i < o->n_block; i++) {
		if (strcmp(o->block[i], name) == 0)
			return true;
	}
	return false;
}

/* The table's answer, made stricter by the configured block list. */
static struct action decide(const struct seccomp_options *o,
			    const struct row *row)
{
	struct action a = row_action(o, (enum row_class)row->class);

	if (!is_blocked(o, row->name))
		return a;
	if (o->on_block == SECCOMP_BLOCK_KILL)
		return answer(SECCOMP_RET_KILL_PROCESS);
	if (row->class == ROW_NOSYS) /* refused, and with a better errno */
		return a;
	if (o->on_block == SECCOMP_BLOCK_NOTIFY && o->notify)
		return answer(RET_NOTIFY);
	return refused(o);
}

/* --- leaves: tests of scalar arguments --- */

static void check_mode(struct bpf *b, unsigned int arg)
{
	bpf_load_arg(b, arg);
	bpf_ret_set(b, SETID_BITS, RET_ERRNO(EPERM));
}

static void check_open(struct bpf *b, const struct seccomp_options *o,
		       unsigned int flags)
{
	const uint32_t both = NOTIFY_OPEN_WRITE | NOTIFY_OPEN_READ;

	bpf_load_arg(b, flags);
	if (!o->allow_setid) {
		size_t creates = bpf_if_set(b, O_CREAT | TMPFILE_BIT);

		check_mode(b, flags + 1);
		if ((o->notify & both) == NOTIFY_OPEN_WRITE)
			bpf_ret(b, RET_NOTIFY); /* creating is writing */
		else
			bpf_load_arg(b, flags);
		bpf_end(b, creates);
	}
	if ((o->notify & both) == NOTIFY_OPEN_WRITE)
		bpf_ret_set(b, OPEN_WRITING, RET_NOTIFY);
	else if ((o->notify & both) == NOTIFY_OPEN_READ)
		bpf_ret_set(b, OPEN_WRITING, SECCOMP_RET_ALLOW);
}

static void check_mknod(struct bpf *b, const struct seccomp_options *o,
			unsigned int mode)
{
	if (!o->allow_setid)
		check_mode(b, mode);
	bpf_load_arg(b, mode);
	bpf_and(b, S_IFMT);
	bpf_ret_eq(b, S_IFCHR, RET_ERRNO(EPERM));
	bpf_ret_eq(b, S_IFBLK, RET_ERRNO(EPERM));
}

static bool family_blocked(const struct seccomp_options *o, int family)
{
	for (size_t i = 0; i < o->n_block_families; i++) {
		if (o->block_families[i] == family)
			return true;
	}
	return false;
}

/*
 * IP: TCP and UDP by their own or the default protocol number. MPTCP (262)
 * ignores Landlock's TCP rules, hence the exact list; EPROTONOSUPPORT makes
 * Go and others fall back to TCP.
 */
static void check_socket_ip(struct bpf *b, int family)
{
	size_t in = bpf_if_eq(b, (uint32_t)family);
	size_t stream, datagram;

	bpf_load_arg(b, 1);
	bpf_and(b, SOCK_TYPE_BITS);
	stream = bpf_if_eq(b, SOCK_STREAM);
	bpf_load_arg(b, 2);
	bpf_ret_eq(b, 0, SECCOMP_RET_ALLOW);
	bpf_ret_eq(b, IPPROTO_TCP, SECCOMP_RET_ALLOW);
	bpf_ret(b, RET_ERRNO(EPROTONOSUPPORT));
	bpf_end(b, stream);
	datagram = bpf_if_eq(b, SOCK_DGRAM);
	bpf_load_arg(b, 2);
	bpf_ret_eq(b, 0, SECCOMP_RET_ALLOW);
	bpf_ret_eq(b, IPPROTO_UDP, SECCOMP_RET_ALLOW);
	bpf_ret(b, RET_ERRNO(EPROTONOSUPPORT));
	bpf_end(b, datagram);
	bpf_ret(b, RET_ERRNO(EPERM)); /* SOCK_RAW: as without CAP_NET_RAW */
	bpf_end(b, in);
}

static void check_socket(struct bpf *b, const struct seccomp_options *o)
{
	bpf_load_arg(b, 0);
	if (!family_blocked(o, AF_UNIX))
		bpf_ret_eq(b, AF_UNIX, SECCOMP_RET_ALLOW);
	if (!family_blocked(o, AF_INET))
		check_socket_ip(b, AF_INET);
	if (!family_blocked(o, AF_INET6))
		check_socket_ip(b, AF_INET6);
	if (!family_blocked(o, AF_NETLINK)) { /* NETLINK_ROUTE: getaddrinfo */
		size_t netlink = bpf_if_eq(b, AF_NETLINK);

		bpf_load_arg(b, 2);
		bpf_ret_eq(b, 0, SECCOMP_RET_ALLOW);
		bpf_end(b, netlink);
	}
	bpf_ret(b, RET_ERRNO(EAFNOSUPPORT));
}

static void check_socketpair(struct bpf *b, const struct seccomp_options *o)
{
	bpf_load_arg(b, 0);
	if (!family_blocked(o, AF_UNIX))
		bpf_ret_eq(b, AF_UNIX, SECCOMP_RET_ALLOW);
	bpf_ret(b, RET_ERRNO(EAFNOSUPPORT));
}

/*
 * MSG_FASTOPEN connects without the connect hook of Landlock; the error is
 * the kernel's own for "fast open is off", after which callers connect().
 */
static void check_fastopen(struct bpf *b, unsigned int flags)
{
	bpf_load_arg(b, flags);
	bpf_ret_set(b, MSG_FASTOPEN, RET_ERRNO(EOPNOTSUPP));
}

static void check_sendto(struct bpf *b, const struct seccomp_options *o)
{
	check_fastopen(b, 3);
	if (!(o->notify & NOTIFY_NET))
		return;
	bpf_load_arg(b, 4);
	bpf_ret_ne(b, 0, RET_NOTIFY);
	bpf_load_arg_high(b, 4);
	bpf_ret_ne(b, 0, RET_NOTIFY);
}

static void check_setsockopt(struct bpf *b)
{
	size_t tcp;

	bpf_load_arg(b, 1);
	tcp = bpf_if_eq(b, IPPROTO_TCP);
	bpf_load_arg(b, 2);
	bpf_ret_eq(b, FAST_OPEN_CONNECT, RET_ERRNO(EOPNOTSUPP));
	bpf_end(b, tcp);
}

static void check_ioctl(struct bpf *b)
{
	/* input into a terminal, console control, line disciplines */
	bpf_load_arg(b, 1);
	bpf_ret_eq(b, TIOCSTI, RET_ERRNO(EPERM));
	bpf_ret_eq(b, TIOCLINUX, RET_ERRNO(EPERM));
	bpf_ret_eq(b, TIOCSETD, RET_ERRNO(EPERM));
	bpf_ret_eq(b, TIOCCONS, RET_ERRNO(EPERM));
}

static void check_prctl(struct bpf *b)
{
	size_t dumpable;

	bpf_load_arg(b, 0);
	/* rewrites what /proc/PID/cmdline and exe say */
	bpf_ret_eq(b, PRCTL_SET_MM, RET_ERRNO(EPERM));
	/* not dumpable: an unprivileged supervisor cannot read arguments */
	dumpable = bpf_if_eq(b, PRCTL_SET_DUMPABLE);
	bpf_load_arg(b, 1);
	bpf_ret_eq(b, 0, RET_ERRNO(EPERM));
	bpf_end(b, dumpable);
}

/* Own filters only ever take away; an own listener could say "continue". */
static void check_seccomp(struct bpf *b)
{
	size_t filter;

	bpf_load_arg(b, 0);
	filter = bpf_if_eq(b, SET_MODE_FILTER);
	bpf_load_arg(b, 1);
	bpf_ret_set(b, NEW_LISTENER, RET_ERRNO(EBUSY));
	bpf_end(b, filter);
}

static void check_prlimit(struct bpf *b)
{
	bpf_load_arg(b, 0);
	bpf_ret_eq(b, 0, SECCOMP_RET_ALLOW);
	bpf_load_arg(b, 2); /* new limit: NULL only asks */
	bpf_ret_ne(b, 0, RET_ERRNO(EPERM));
	bpf_load_arg_high(b, 2);
	bpf_ret_ne(b, 0, RET_ERRNO(EPERM));
}

/* (which, who): "everything of this user" or somebody else's */
static void check_priority(struct bpf *b, uint32_t which_user)
{
	bpf_load_arg(b, 0);
	bpf_ret_eq(b, which_user, RET_ERRNO(EPERM));
	bpf_load_arg(b, 1);
	bpf_ret_ne(b, 0, RET_ERRNO(EPERM));
}

static void check_process(struct bpf *b, const struct seccomp_options *o,
			  enum row_class class)
{
	switch ((int)class) {
	case ROW_UNSHARE:
		bpf_load_arg(b, 0);
		bpf_ret_set(b, NAMESPACES | NS_TIME, RET_ERRNO(EPERM));
		break;
	case ROW_CLONE:
		bpf_load_arg(b, 0);
		bpf_ret_set(b,
			    o->allow_userns ? CLONE_ESCAPES
					    : NAMESPACES | CLONE_ESCAPES,
			    RET_ERRNO(EPERM));
		break;
	case ROW_SETFS:
		bpf_load_arg(b, 0);
		bpf_ret_eq(b, SET_FS, RET_NOTIFY);
		break;
	case ROW_KILL:
		bpf_load_arg(b, 0);
		bpf_ret_eq(b, (uint32_t)-1, RET_ERRNO(EPERM));
		break;
	case ROW_TGKILL:
		bpf_load_arg(b, 2);
		bpf_ret_eq(b, SIGURG, SECCOMP_RET_ALLOW);
		break;
	case ROW_PERSONALITY:
		bpf_load_arg(b, 0);
		bpf_ret_eq(b, 0, SECCOMP_RET_ALLOW);
		bpf_ret_ne(b, 0xffffffffU, RET_ERRNO(EPERM));
		break;
	case ROW_PRLIMIT:
		check_prlimit(b);
		break;
	case ROW_SETPRIORITY:
		check_priority(b, PRIO_USER);
		break;
	case ROW_IOPRIO:
		check_priority(b, WHO_IO_USER);
		break;
	default: /* ROW_SELF */
		bpf_load_arg(b, 0);
		bpf_ret_ne(b, 0, RET_ERRNO(EPERM));
		break;
	}
}

static void emit_action(struct bpf *b, const struct seccomp_options *o,
			struct action a)
{
	switch (a.check) {
	case ROW_ALLOW:
		break;
	case ROW_OPEN:
		check_open(b, o, 1);
		break;
	case ROW_OPENAT:
		check_open(b, o, 2);
		break;
	case ROW_CHMOD:
		check_mode(b, 1);
		break;
	case ROW_CHMODAT:
		check_mode(b, 2);
		break;
	case ROW_MKNOD:
		check_mknod(b, o, 1);
		break;
	case ROW_MKNODAT:
		check_mknod(b, o, 2);
		break;
	case ROW_SENDTO:
		check_sendto(b, o);
		break;
	case ROW_SENDMSG:
		check_fastopen(b, 2);
		break;
	case ROW_SENDMMSG:
		check_fastopen(b, 3);
		break;
	case ROW_SOCKET:
		check_socket(b, o);
		return;
	case ROW_SOCKETPAIR:
		check_socketpair(b, o);
		return;
	case ROW_SETSOCKOPT:
		check_setsockopt(b);
		break;
	case ROW_IOCTL:
		check_ioctl(b);
		break;
	case ROW_PRCTL:
		check_prctl(b);
		break;
	case ROW_SECCOMP:
		check_seccomp(b);
		break;
	default:
		check_process(b, o, (enum row_class)a.check);
		break;
	}
	bpf_ret(b, a.pass);
}

/* --- the tree over numbers --- */

struct range {
	uint16_t first;
	struct action action;
};

struct tree {
	const struct seccomp_options *options;
	struct range ranges[NR_MAX + 2];
	size_t n;
	struct bpf bpf;
};

static void tree_fill(struct tree *t)
{
	struct action all[NR_MAX + 1];

	for (size_t nr = 0; nr <= NR_MAX; nr++)
		all[nr] = answer(RET_ERRNO(ENOSYS));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].nr >= 0 && rows[i].nr <= NR_MAX)
			all[rows[i].nr] = decide(t->options, &rows[i]);
	}
	for (size_t nr = 0; nr <= NR_MAX; nr++) {
		if (t->n > 0 && action_eq(t->ranges[t->n - 1].action, all[nr]))
			continue;
		t->ranges[t->n++] = (struct range){ (uint16_t)nr, all[nr] };
	}
}

/*
 * Ranges [from, to) of the form A x A y A, where x and y are single numbers,
 * need one equality test per exception instead of two comparisons.
 */
static bool is_cluster(const struct tree *t, size_t from, size_t to)
{
	const struct range *r = t->ranges;

	if ((to - from) % 2 == 0 || to - from > 7)
		return false;
	for (size_t i = from; i < to; i++) {
		if ((i - from) % 2 == 0) {
			if (!action_eq(r[i].action, r[from].action))
				return false;
		} else if (r[i + 1].first != r[i].first + 1) {
			return false;
		}
	}
	return true;
}

static void emit_cluster(struct tree *t, size_t from, size_t to)
{
	for (size_t i = from + 1; i < to; i += 2) {
		size_t block = bpf_if_eq(&t->bpf, t->ranges[i].first);

		emit_action(&t->bpf, t->options, t->ranges[i].action);
		bpf_end(&t->bpf, block);
	}
	emit_action(&t->bpf, t->options, t->ranges[from].action);
}

/* Depth is the logarithm of a fixed table: recursion is bounded by 10. */
static void emit_tree(struct tree *t, size_t from, size_t to)
{
	size_t middle = from + (to - from) / 2;
	size_t fork;

	if (is_cluster(t, from, to)) {
		emit_cluster(t, from, to);
		return;
	}
	fork = bpf_fork(&t->bpf, t->ranges[middle].first);
	emit_tree(t, from, middle);
	bpf_join(&t->bpf, fork);
	emit_tree(t, middle, to);
}

static const char *first_unknown(const struct seccomp_options *o)
{
	for (size_t i = 0; i < o->n_block; i++) {
		bool known = false;

		for (size_t k = 0; k < ARRAY_LEN(rows) && !known; k++)
			known = strcmp(o->block[i], rows[k].name) == 0;
		if (!known)
			return o->block[i];
	}
	return NULL;
}

static struct sock_fprog *program_copy(const struct bpf *b)
{
	struct program {
		struct sock_fprog head;
		struct sock_filter insns[];
	} *p = malloc(sizeof(*p) + b->n * sizeof(p->insns[0]));

	if (!p)
		return NULL;
	memcpy(p->insns, b->insns, b->n * sizeof(p->insns[0]));
	p->head.len = (unsigned short)b->n;
	p->head.filter = p->insns;
	return &p->head;
}

int seccomp_build(const struct seccomp_options *o, struct sock_fprog **ret,
		  const char **ret_unknown)
{
	_cleanup_free_ struct tree *t = calloc(1, sizeof(*t));
	struct sock_fprog *program;

	if (!t)
		return -ENOMEM;
	t->options = o;
	tree_fill(t);
	bpf_load(&t->bpf, offsetof(struct seccomp_data, arch));
	bpf_ret_ne(&t->bpf, NATIVE_ARCH, SECCOMP_RET_KILL_PROCESS);
	bpf_load(&t->bpf, offsetof(struct seccomp_data, nr));
	emit_tree(t, 0, t->n);
	if (t->bpf.error)
		return t->bpf.error;
	program = program_copy(&t->bpf);
	if (!program)
		return -ENOMEM;
	if (ret_unknown)
		*ret_unknown = first_unknown(o);
	*ret = program;
	return 0;
}

static const struct row *row_of(long nr)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (nr >= 0 && rows[i].nr == nr)
			return &rows[i];
	}
	return NULL;
}

enum seccomp_class seccomp_classify(const struct seccomp_options *o, long nr)
{
	const struct row *row = row_of(nr);
	struct action a;

	if (!row)
		return SECCOMP_DENY;
	a = decide(o, row);
	if (a.check != ROW_ALLOW)
		return SECCOMP_CHECK;
	if (a.pass == SECCOMP_RET_ALLOW)
		return SECCOMP_ALLOW;
	if (a.pass == RET_NOTIFY)
		return SECCOMP_NOTIFY;
	return a.pass == SECCOMP_RET_KILL_PROCESS ? SECCOMP_KILL : SECCOMP_DENY;
}

int seccomp_denied_errno(const struct seccomp_options *o, long nr)
{
	struct seccomp_options quiet = *o;
	const struct row *row = row_of(nr);
	struct action a;

	if (!row)
		return ENOSYS;
	quiet.notify &= ~(uint32_t)NOTIFY_DENIED;
	if (quiet.on_block != SECCOMP_BLOCK_KILL)
		quiet.on_block = SECCOMP_BLOCK_ERRNO;
	a = decide(&quiet, row);
	if (a.check != ROW_ALLOW)
		return 0;
	if (a.pass == SECCOMP_RET_KILL_PROCESS)
		return EPERM;
	return (a.pass & ~0xffffU) == SECCOMP_RET_ERRNO ? (int)(a.pass & 0xffff)
							: 0;
}

const char *seccomp_syscall_name(long nr)
{
	const struct row *row = row_of(nr);

	return row ? row->name : NULL;
}
