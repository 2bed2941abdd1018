/* SPDX-License-Identifier: MIT */
/*
 * seccomp_leaf.c - what the filter tests once the syscall number is known
 *
 * Registers are 64 bits wide and most arguments are 32: each test looks at
 * exactly the half that the kernel will look at. Comparing all 64 bits of an
 * ioctl request was CVE-2019-7303.
 */
#include "confine/seccomp_leaf.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/macro.h"

/* Values that the C library of a build machine may not know. */
#define SET_FS            0x1002    /* ARCH_SET_FS */
#define MAPPINGS_HIGH     0x7e00    /* upper half of where mmap() starts */
#define TMPFILE_BIT       020000000 /* O_TMPFILE without O_DIRECTORY */
#define SET_MODE_FILTER   1         /* seccomp(2) operation */
#define NEW_LISTENER      (1U << 3)
#define FAST_OPEN_CONNECT 30 /* TCP_FASTOPEN_CONNECT */
#define SIX_UNICAST_IF    76 /* IPV6_UNICAST_IF */
/* IPV6_FLOWLABEL_MGR: a label may have a route of its own */
#define SIX_FLOW_LABELS    32
#define MAX_OPTIONS        8
#define PRCTL_SET_DUMPABLE 4
#define PRCTL_SET_MM       35
#define WHO_IO_USER        3 /* IOPRIO_WHO_USER */
#define SOCK_TYPE_BITS     0xf
#define SET_DELEGATION     1040  /* F_SETDELEG, 6.19 */
#define NO_APPEND          0x20U /* RWF_NOAPPEND, 6.9 */
#define NS_TIME            0x80  /* CLONE_NEWTIME; in clone(2) an exit signal */
#define NS_EMPTY_MOUNTS    0x00100000U /* UNSHARE_EMPTY_MNTNS, 7.x */

#define SETID_BITS   06000U
#define OPEN_WRITING ((uint32_t)(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC))
#define NAMESPACES                                                 \
	((uint32_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | \
		    CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
		    CLONE_NEWNET))
/* Children that a tracer does not get, or that are not in the tree. */
#define CLONE_ESCAPES ((uint32_t)(CLONE_UNTRACED | CLONE_PARENT | CLONE_PTRACE))

/* Lets the holder of the key through; A is the flags again afterwards. */
static void check_launch(struct bpf *b, uint64_t key)
{
	size_t flags = bpf_if_eq(b, SECCOMP_LAUNCH_FLAGS);
	size_t low;

	bpf_load_arg(b, 4);
	low = bpf_if_eq(b, (uint32_t)key);
	bpf_load_arg_high(b, 4);
	bpf_ret_eq(b, (uint32_t)(key >> 32), SECCOMP_RET_ALLOW);
	bpf_end(b, low);
	bpf_load_arg(b, 0);
	bpf_end(b, flags);
}

/* The zygote's own chdir(), whose second argument the kernel ignores. */
static void check_chdir(struct bpf *b, uint64_t key)
{
	size_t low;

	bpf_load_arg(b, 1);
	low = bpf_if_eq(b, (uint32_t)key);
	bpf_load_arg_high(b, 1);
	bpf_ret_eq(b, (uint32_t)(key >> 32), SECCOMP_RET_ALLOW);
	bpf_end(b, low);
}

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
	if (o->allow_devices)
		return;
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
static void check_socket_ip(struct bpf *b, const struct seccomp_options *o,
			    int family)
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
	if (o->no_datagrams)
		bpf_ret(b, RET_ERRNO(EACCES));
	bpf_load_arg(b, 2);
	bpf_ret_eq(b, 0, SECCOMP_RET_ALLOW);
	bpf_ret_eq(b, IPPROTO_UDP, SECCOMP_RET_ALLOW);
	bpf_ret(b, RET_ERRNO(EPROTONOSUPPORT));
	bpf_end(b, datagram);
	bpf_ret(b, RET_ERRNO(EPERM)); /* SOCK_RAW: as without CAP_NET_RAW */
	bpf_end(b, in);
}

/* A test of one argument, unless any value will do. */
static size_t if_argument(struct bpf *b, unsigned int arg, uint32_t mask,
			  int value, size_t *n)
{
	if (value < 0)
		return 0;
	bpf_load_arg(b, arg);
	if (mask)
		bpf_and(b, mask);
	(*n)++;
	return bpf_if_eq(b, (uint32_t)value);
}

static void check_configured(struct bpf *b, const struct seccomp_options *o)
{
	bool told = (o->notify & NOTIFY_DENIED) != 0;

	for (size_t i = 0; i < o->n_sockets; i++) {
		const struct seccomp_socket *s = &o->sockets[i];
		size_t blocks[3], n = 0;

		blocks[0] = if_argument(b, 0, 0, s->family, &n);
		blocks[n] = if_argument(b, 1, SOCK_TYPE_BITS, s->type, &n);
		blocks[n] = if_argument(b, 2, 0, s->protocol, &n);
		bpf_ret(b, s->kill && !told ? SECCOMP_RET_KILL_PROCESS
					    : RET_ERRNO(EAFNOSUPPORT));
		while (n > 0)
			bpf_end(b, blocks[--n]);
	}
}

static void check_socket(struct bpf *b, const struct seccomp_options *o)
{
	check_configured(b, o);
	bpf_load_arg(b, 0);
	if (!family_blocked(o, AF_UNIX))
		bpf_ret_eq(b, AF_UNIX, SECCOMP_RET_ALLOW);
	if (!family_blocked(o, AF_INET))
		check_socket_ip(b, o, AF_INET);
	if (!family_blocked(o, AF_INET6))
		check_socket_ip(b, o, AF_INET6);
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
	check_configured(b, o);
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

/* An address that is given is for the supervisor to read. */
static void notify_unless_null(struct bpf *b, unsigned int arg)
{
	bpf_load_arg(b, arg);
	bpf_ret_ne(b, 0, RET_NOTIFY);
	bpf_load_arg_high(b, arg);
	bpf_ret_ne(b, 0, RET_NOTIFY);
}

static void check_sendto(struct bpf *b, const struct seccomp_options *o)
{
	check_fastopen(b, 3);
	if (!(o->notify & NOTIFY_NET))
		return;
	notify_unless_null(b, 4);
}

/* Who wants to know the sender may be reading the answer of the DNS stub,
 * which stands in for the server that was asked. */
static void check_recvfrom(struct bpf *b, const struct seccomp_options *o)
{
	if (!(o->notify & NOTIFY_NET))
		return;
	notify_unless_null(b, 4);
}

/* Whether recvmsg asks for the sender is in memory. Who takes descriptors, and
 * that is most of those who use it, is no resolver. */
static void check_recvmsg(struct bpf *b, const struct seccomp_options *o)
{
	if (!(o->notify & NOTIFY_RECVMSG))
		return;
	bpf_load_arg(b, 2);
	bpf_ret_set(b, MSG_CMSG_CLOEXEC, SECCOMP_RET_ALLOW);
	bpf_ret(b, RET_NOTIFY);
}

/* Ends the filter: EPERM for these names, others are fine. */
static void refuse_options(struct bpf *b, const uint32_t *names, size_t n)
{
	size_t blocks[MAX_OPTIONS];

	bpf_load_arg(b, 2);
	for (size_t i = 0; i < n; i++)
		blocks[i] = bpf_if_ne(b, names[i]);
	bpf_ret(b, SECCOMP_RET_ALLOW);
	for (size_t i = n; i-- > 0;)
		bpf_end(b, blocks[i]);
	bpf_ret(b, RET_ERRNO(EPERM));
}

/*
 * Fast Open connects and sends at once. Who joins a group of receivers makes
 * the kernel tell the network: four bytes of choice, or sixteen, that no
 * connection carries. A source route sends what was judged by its destination
 * to somebody else first; a device of choice sends what is for loopback out to
 * the network. Other headers of IPv6 need CAP_NET_RAW, which nobody has.
 */
static void check_setsockopt(struct bpf *b)
{
	static const uint32_t devices[] = { SO_BINDTODEVICE, SO_BINDTOIFINDEX };
	static const uint32_t six[] = {
		IPV6_ADD_MEMBERSHIP, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP,
		IPV6_2292PKTOPTIONS, IPV6_PKTINFO,     IPV6_RTHDR,
		SIX_UNICAST_IF,      SIX_FLOW_LABELS
	};
	static const uint32_t four[] = {
		IP_ADD_MEMBERSHIP, IP_ADD_SOURCE_MEMBERSHIP,
		MCAST_JOIN_GROUP,  MCAST_JOIN_SOURCE_GROUP,
		IP_OPTIONS,        IP_UNICAST_IF
	};
	size_t block;

	_Static_assert(ARRAY_LEN(six) <= MAX_OPTIONS, "refuse_options()");
	bpf_load_arg(b, 1);
	block = bpf_if_eq(b, SOL_SOCKET);
	refuse_options(b, devices, ARRAY_LEN(devices));
	bpf_end(b, block);
	block = bpf_if_eq(b, IPPROTO_TCP);
	bpf_load_arg(b, 2);
	bpf_ret_eq(b, FAST_OPEN_CONNECT, RET_ERRNO(EOPNOTSUPP));
	bpf_ret(b, SECCOMP_RET_ALLOW);
	bpf_end(b, block);
	block = bpf_if_eq(b, IPPROTO_IPV6);
	refuse_options(b, six, ARRAY_LEN(six));
	bpf_end(b, block);
	bpf_ret_ne(b, IPPROTO_IP, SECCOMP_RET_ALLOW);
	refuse_options(b, four, ARRAY_LEN(four));
}

/*
 * A descriptor sends its owner a signal of choice when there is something to
 * read, and as root that owner may be anybody: SIGKILL to the server.
 */
static void check_fcntl(struct bpf *b, const struct seccomp_options *o)
{
	bpf_load_arg(b, 1);
	/* holds up whoever opens the file, for as long as the kernel waits */
	bpf_ret_eq(b, F_SETLEASE, RET_ERRNO(EPERM));
	bpf_ret_eq(b, SET_DELEGATION, RET_ERRNO(EPERM));
	/* what could only append may then write anywhere */
	if (o->notify & NOTIFY_FTRUNCATE) {
		size_t setfl = bpf_if_eq(b, F_SETFL);

		bpf_load_arg(b, 2);
		bpf_ret_set(b, O_APPEND, SECCOMP_RET_ALLOW);
		bpf_ret(b, RET_NOTIFY);
		bpf_end(b, setfl);
	}
	if (o->landlock_abi >= 6) {
		size_t setsig = bpf_if_eq(b, F_SETSIG);

		/* what nobody can ignore: to a helper in the same domain */
		bpf_load_arg(b, 2);
		bpf_ret_eq(b, SIGKILL, RET_ERRNO(EPERM));
		bpf_ret_eq(b, SIGSTOP, RET_ERRNO(EPERM));
		bpf_ret(b, SECCOMP_RET_ALLOW);
		bpf_end(b, setsig);
		return;
	}
	bpf_ret_eq(b, F_SETOWN, RET_ERRNO(EPERM));
	bpf_ret_eq(b, F_SETOWN_EX, RET_ERRNO(EPERM));
	bpf_ret_eq(b, F_SETSIG, RET_ERRNO(EPERM));
}

/*
 * Requests that change a file by way of a descriptor which may only read or
 * append: flags (immutable, no-atime), versions, verity, holes, extents
 * exchanged; and the subvolumes of btrfs, whose snapshots have other names and
 * whose removal is nobody's unlink. Of each family of file systems' requests
 * only what is known to ask or to clone goes on.
 */
static void check_ioctl_file(struct bpf *b)
{
	static const struct {
		uint16_t family;
		uint32_t harmless[4];
	} families[] = {
		{ 'f', { 0x80086601, 0xc020660b, 0xc0046686 } }, /* GETFLAGS,
					FIEMAP, MEASURE_VERITY */
		{ 'X', { 0x801c581f } }, /* FSGETXATTR */
		{ 0x94, { 0x40049409, 0x4020940d, 0xc0189436 } }, /* FICLONE,
					FICLONERANGE, FIDEDUPERANGE */
		{ 0xf5, { 0 } },                                  /* f2fs */
		{ 0xbc, { 0 } },                                  /* bcachefs */
	};
	const uint32_t set_version = 0x40087602; /* FS_IOC_SETVERSION */
	const uint32_t fat_attributes = 0x40047211;

	bpf_ret_eq(b, set_version, RET_ERRNO(EPERM));
	bpf_ret_eq(b, fat_attributes, RET_ERRNO(EPERM));
	bpf_and(b, 0xff00);
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		size_t in = bpf_if_eq(b, (uint32_t)families[i].family << 8);

		bpf_load_arg(b, 1);
		for (size_t k = 0; families[i].harmless[k]; k++)
			bpf_ret_eq(b, families[i].harmless[k],
				   SECCOMP_RET_ALLOW);
		bpf_ret(b, RET_ERRNO(EPERM));
		bpf_end(b, in);
	}
}

static void check_ioctl(struct bpf *b, const struct seccomp_options *o)
{
	/* input into a terminal, console control, line disciplines */
	bpf_load_arg(b, 1);
	bpf_ret_eq(b, TIOCSTI, RET_ERRNO(EPERM));
	bpf_ret_eq(b, TIOCLINUX, RET_ERRNO(EPERM));
	bpf_ret_eq(b, TIOCSETD, RET_ERRNO(EPERM));
	bpf_ret_eq(b, TIOCCONS, RET_ERRNO(EPERM));
	if (o->landlock_abi < 6) {
		bpf_ret_eq(b, FIOSETOWN, RET_ERRNO(EPERM));
		bpf_ret_eq(b, SIOCSPGRP, RET_ERRNO(EPERM));
	}
	check_ioctl_file(b);
}

/* Overwrites what a descriptor that was opened to append may only add to. */
static void check_pwritev2(struct bpf *b)
{
	bpf_load_arg(b, 5);
	bpf_ret_set(b, NO_APPEND, RET_NOTIFY);
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

/*
 * Where opens for reading are notified, a program that a dynamic loader starts
 * is seen when the loader opens its first library. Its thread area is then
 * among the mappings below the stack; that of a static program, which may make
 * no other notified call for long, lies with its data or heap. Which it is
 * decides only when the image is looked at: at the latest at the first call
 * that is judged.
 */
static void check_setfs(struct bpf *b, const struct seccomp_options *o)
{
	size_t set, below;

	bpf_load_arg(b, 0);
	set = bpf_if_eq(b, SET_FS);
	if (o->notify & NOTIFY_OPEN_READ) {
		bpf_load_arg_high(b, 1);
		below = bpf_fork(b, MAPPINGS_HIGH);
		bpf_ret(b, RET_NOTIFY);
		bpf_join(b, below);
		bpf_ret(b, SECCOMP_RET_ALLOW);
	} else {
		bpf_ret(b, RET_NOTIFY);
	}
	bpf_end(b, set);
}

static void check_process(struct bpf *b, const struct seccomp_options *o,
			  enum row_class class)
{
	switch ((int)class) {
	case ROW_UNSHARE:
		bpf_load_arg(b, 0);
		bpf_ret_set(b, NAMESPACES | NS_TIME | NS_EMPTY_MOUNTS,
			    RET_ERRNO(EPERM));
		break;
	case ROW_CLONE:
		bpf_load_arg(b, 0);
		if (o->launch_key)
			check_launch(b, o->launch_key);
		bpf_ret_set(b,
			    o->allow_userns ? CLONE_ESCAPES
					    : NAMESPACES | CLONE_ESCAPES,
			    RET_ERRNO(EPERM));
		break;
	case ROW_SETFS:
		check_setfs(b, o);
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

static void check_traffic(struct bpf *b, const struct seccomp_options *o,
			  unsigned int row)
{
	if (row == ROW_SENDTO)
		check_sendto(b, o);
	else if (row == ROW_RECVFROM)
		check_recvfrom(b, o);
	else if (row == ROW_RECVMSG)
		check_recvmsg(b, o);
	else
		check_fastopen(b, row == ROW_SENDMSG ? 2 : 3);
}

void seccomp_leaf_emit(struct bpf *b, const struct seccomp_options *o,
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
	case ROW_CHDIR:
		check_chdir(b, o->launch_key);
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
	case ROW_RECVFROM:
	case ROW_RECVMSG:
	case ROW_SENDMSG:
	case ROW_SENDMMSG:
		check_traffic(b, o, a.check);
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
		check_ioctl(b, o);
		break;
	case ROW_PWRITEV2:
		check_pwritev2(b);
		break;
	case ROW_FCNTL:
		check_fcntl(b, o);
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
