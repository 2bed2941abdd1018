/* SPDX-License-Identifier: MIT */
/*
 * floor_process.c - reaching other processes, and getting privileges back
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/escape/floor.h"

#define DEATH_MS 3000 /* from a signal to an end, on a busy machine */

static int trace_victim(const struct arena *a)
{
	return attack_result(ptrace(PTRACE_SEIZE, a->victim, NULL, NULL));
}

static int trace_parent(const struct arena *a)
{
	(void)a;
	if (ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) < 0)
		return ATTACK_BLOCKED;
	(void)ptrace(PTRACE_DETACH, getppid(), NULL, NULL);
	return ATTACK_SUCCEEDED;
}

static int trace_me(const struct arena *a)
{
	(void)a;
	return attack_result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int vm_read(const struct arena *a)
{
	uint32_t seen;
	struct iovec to = { &seen, sizeof(seen) };
	/* the cast is the attack: an address in somebody else's memory */
	struct iovec from = { (void *)a->mark, sizeof(seen) };

	return attack_result(process_vm_readv(a->victim, &to, 1, &from, 1, 0));
}

static int vm_write(const struct arena *a)
{
	uint32_t mine = 1;
	struct iovec from = { &mine, sizeof(mine) };
	struct iovec to = { (void *)a->mark, sizeof(mine) };

	return attack_result(process_vm_writev(a->victim, &from, 1, &to, 1, 0));
}

static int steal_fd(const struct arena *a)
{
	int pidfd = (int)syscall(434 /* pidfd_open */, a->victim, 0);

	return attack_result(
		syscall(438 /* pidfd_getfd */, pidfd, a->leaked, 0));
}

static int kill_victim(const struct arena *a)
{
	return attack_result(kill(a->victim, SIGKILL));
}

static int kill_by_pidfd(const struct arena *a)
{
	int pidfd = (int)syscall(434, a->victim, 0);

	return attack_result(
		syscall(424 /* pidfd_send_signal */, pidfd, SIGKILL, NULL, 0));
}

/* What a descriptor has to say is said by a signal, to whom its owner names. */
static int kill_by_descriptor(const struct arena *a)
{
	int pidfd = (int)syscall(434, a->victim, 0);
	struct pollfd died = { .fd = pidfd, .events = POLLIN };
	int ends[2];

	if (pidfd < 0 || pipe(ends) < 0)
		return ATTACK_NO_MEANS;
	if (fcntl(ends[0], F_SETOWN, a->victim) < 0 ||
	    fcntl(ends[0], F_SETSIG, SIGKILL) < 0 ||
	    fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK) < 0 ||
	    write(ends[1], "x", 1) != 1)
		return ATTACK_BLOCKED;
	return poll(&died, 1, DEATH_MS) == 1 ? ATTACK_SUCCEEDED
					     : ATTACK_BLOCKED;
}

/* The same by SIGIO, which ends whoever does not expect it. */
static int sigio_by_socket(const struct arena *a)
{
	int pidfd = (int)syscall(434, a->victim, 0);
	struct pollfd died = { .fd = pidfd, .events = POLLIN };
	int ends[2], on = 1, owner = (int)a->victim;

	if (pidfd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return ATTACK_NO_MEANS;
	if (ioctl(ends[0], FIOSETOWN, &owner) < 0 ||
	    ioctl(ends[0], FIOASYNC, &on) < 0 || write(ends[1], "x", 1) != 1)
		return ATTACK_BLOCKED;
	return poll(&died, 1, DEATH_MS) == 1 ? ATTACK_SUCCEEDED
					     : ATTACK_BLOCKED;
}

static int limit_victim(const struct arena *a)
{
	struct rlimit l = { 64, 64 };

	return attack_result(prlimit(a->victim, RLIMIT_NOFILE, &l, NULL));
}

static int renice_victim(const struct arena *a)
{
	return attack_result(setpriority(PRIO_PROCESS, (id_t)a->victim, 5));
}

static int affinity_of_victim(const struct arena *a)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return attack_result(sched_setaffinity(a->victim, sizeof(set), &set));
}

static int unshare_user(const struct arena *a)
{
	(void)a;
	return attack_result(unshare(CLONE_NEWUSER));
}

/* From 7.x, by a bit that meant nothing to unshare before. */
static int unshare_to_empty_mounts(const struct arena *a)
{
	(void)a;
	return attack_result(unshare(0x00100000 /* UNSHARE_EMPTY_MNTNS */));
}

/* clone(2) with extra flags; the child ends at once. */
static int clone_with(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return attack_result(pid);
}

static int clone_user(const struct arena *a)
{
	(void)a;
	return clone_with(CLONE_NEWUSER);
}

static int clone_untraced(const struct arena *a)
{
	(void)a;
	return clone_with(CLONE_UNTRACED);
}

static int clone_to_grandparent(const struct arena *a)
{
	(void)a;
	return clone_with(CLONE_PARENT);
}

static int clone3_user(const struct arena *a)
{
	uint64_t args[8] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD };
	long pid = syscall(435 /* clone3 */, args, sizeof(args));

	(void)a;
	if (pid == 0)
		_exit(0);
	return attack_result(pid);
}

static int capabilities(const struct arena *a)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct d[2] = { { 0 } };

	(void)a;
	if (syscall(SYS_capget, &h, d) < 0)
		return ATTACK_NO_MEANS;
	return d[0].effective | d[0].permitted | d[0].inheritable |
			       d[1].effective | d[1].permitted |
			       d[1].inheritable
		       ? ATTACK_SUCCEEDED
		       : ATTACK_BLOCKED;
}

static int bounding_set(const struct arena *a)
{
	(void)a;
	for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++) {
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
			return ATTACK_SUCCEEDED;
	}
	return ATTACK_BLOCKED;
}

static int give_away(const struct arena *a)
{
	return attack_result(chown(at(a->ws, "file"), 4242, 4242));
}

static int change_uid(const struct arena *a)
{
	(void)a;
	return attack_result(setuid(4242));
}

/* ws/suid is this program, owned by nobody, mode 4755. */
static int setuid_program(const struct arena *a)
{
	struct stat st;
	char *const argv[] = { (char[]){ "suid" }, (char[]){ "--euid" }, NULL };

	if (stat(at(a->ws, "suid"), &st) < 0 || !(st.st_mode & S_ISUID))
		return ATTACK_NO_MEANS;
	(void)execv(at(a->ws, "suid"), argv);
	return ATTACK_BLOCKED;
}

static int hide_memory(const struct arena *a)
{
	(void)a;
	return attack_result(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

const struct attack process_attacks[] = {
	{ "trace_victim", trace_victim, 0 },
	{ "trace_parent", trace_parent, 0 },
	{ "trace_me", trace_me, 0 },
	{ "vm_read", vm_read, 0 },
	{ "vm_write", vm_write, 0 },
	{ "steal_fd", steal_fd, 0 },
	{ "kill_victim", kill_victim, 6 },
	{ "kill_by_pidfd", kill_by_pidfd, 6 },
	{ "kill_by_descriptor", kill_by_descriptor, 0 },
	{ "sigio_by_socket", sigio_by_socket, 0 },
	{ "limit_victim", limit_victim, 0 },
	{ "renice_victim", renice_victim, 0 },
	{ "affinity_of_victim", affinity_of_victim, 0 },
	{ "unshare_user", unshare_user, 0 },
	{ "unshare_to_empty_mounts", unshare_to_empty_mounts, 0 },
	{ "clone_user", clone_user, 0 },
	{ "clone_untraced", clone_untraced, 0 },
	{ "clone_to_grandparent", clone_to_grandparent, 0 },
	{ "clone3_user", clone3_user, 0 },
	{ "capabilities", capabilities, 0 },
	{ "bounding_set", bounding_set, 0 },
	{ "give_away", give_away, 0 },
	{ "change_uid", change_uid, 0 },
	{ "setuid_program", setuid_program, 0 },
	{ "hide_memory", hide_memory, 0 },
	{ NULL, NULL, 0 },
};
