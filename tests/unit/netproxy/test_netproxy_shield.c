/* SPDX-License-Identifier: MIT */
/*
 * test_netproxy_shield.c - what somebody who took the proxy over can still do
 *
 * The attacks are run in a process behind the shield that the proxy raises.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "confine/caps.h"
#include "confine/landlock.h"
#include "netproxy/shield.h"

static char dir[] = "/tmp/agentsh-shield-XXXXXX";
static bool landlock;
static int failures;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)dprintf(2, "NOT SO: %s (%s)\n", what, strerror(errno));
	failures++;
}

static long socket_of(int family, int type, int protocol)
{
	return socket(family, type, protocol);
}

static void try_processes(void)
{
	char *const argv[] = { (char[]){ "true" }, NULL };
	char byte;
	struct iovec here = { &byte, 1 }, there = { dir, 1 };

	must(execv("/bin/true", argv) < 0 && errno == EPERM, "no exec");
	must(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, NULL, 0) < 0 &&
		     errno == EPERM,
	     "no execveat");
	must(fork() < 0, "no fork");
	must(syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS, "no clone3");
	must(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 && errno == EPERM,
	     "no ptrace");
	must(kill(getppid(), 0) < 0 && errno == EPERM, "no kill");
	must(syscall(SYS_tgkill, getppid(), getppid(), 0) < 0, "no tgkill");
	must(process_vm_readv(getppid(), &here, 1, &there, 1, 0) < 0,
	     "no memory of others");
	must(syscall(SYS_pidfd_open, getppid(), 0) < 0, "no pidfd");
}

static void try_kernel(void)
{
	must(unshare(CLONE_NEWUSER) < 0 && errno == EPERM, "no unshare");
	must(syscall(SYS_setns, 0, 0) < 0 && errno == EPERM, "no setns");
	must(mount("none", "/mnt", "tmpfs", 0, NULL) < 0, "no mount");
	must(syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM, "no bpf");
	must(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == EPERM,
	     "no io_uring");
	must(syscall(SYS_userfaultfd, 0) < 0 && errno == EPERM,
	     "no userfaultfd");
	must(syscall(SYS_keyctl, 0, 0) < 0 && errno == EPERM, "no keys");
	must(setuid(getuid()) < 0, "no setuid");
	must(syscall(SYS_prlimit64, getppid(), 7, NULL, NULL) < 0,
	     "no limits of others");
	must(syscall(600) < 0 && errno == ENOSYS, "nothing new");
}

static void try_sockets(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd = (int)socket_of(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0, "TCP");
	must(bind(fd, (const void *)&in, sizeof(in)) < 0, "no bind");
	must(listen(fd, 1) < 0, "no listen");
	(void)close(fd);
	must(socket_of(AF_INET, SOCK_RAW, IPPROTO_TCP) < 0, "no raw");
	must(socket_of(AF_INET6, SOCK_RAW, IPPROTO_TCP) < 0, "no raw six");
	must(socket_of(AF_PACKET, SOCK_DGRAM, 0) < 0, "no packet");
	must(socket_of(AF_NETLINK, SOCK_DGRAM, 0) < 0, "no netlink");
	must(socket_of(AF_VSOCK, SOCK_STREAM, 0) < 0, "no vsock");
	must(socket_of(AF_ALG, SOCK_SEQPACKET, 0) < 0, "no alg");
}

static void try_files(void)
{
	char path[128];
	int fd = open("/etc/hosts", O_RDONLY | O_CLOEXEC);

	must(fd >= 0 || errno == ENOENT, "hosts are read");
	if (landlock) {
		must(open("/etc/passwd", O_RDONLY) < 0, "no other file");
		must(open("/etc/shadow", O_RDONLY) < 0, "no shadow");
		must(open("/proc/1/environ", O_RDONLY) < 0, "no /proc");
		must(open("/tmp/agentsh-shield-x", O_CREAT | O_WRONLY, 0600) <
			     0,
		     "nothing is written elsewhere");
		must(open("/etc/hosts", O_WRONLY) < 0, "hosts not written");
		must(mkdir("/etc/agentsh-none", 0700) < 0, "nothing made");
	}
	must(mknod("/tmp/agentsh-shield-dev", S_IFCHR | 0600, 0) < 0,
	     "no devices");
	must(chown(dir, 1, 1) < 0, "no chown");
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, "x", 1) == 1, "the log is written");
	must(unlink(path) == 0, "and removed");
}

static void *in_thread(void *arg)
{
	try_sockets();
	return arg;
}

static void try_datagram(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(9),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pthread_t t;

	must(fd >= 0 && connect(fd, (const void *)&in, sizeof(in)) == 0,
	     "UDP is sent");
	must(pthread_create(&t, NULL, in_thread, NULL) == 0 &&
		     pthread_join(t, NULL) == 0,
	     "threads");
}

static int behind(void)
{
	const struct shield s = { .write_dir = dir };
	_cleanup_buf_ struct buf missing = BUF_INIT;
	uint64_t effective, permitted, bounding;

	landlock = landlock_abi() > 0;
	must(shield_raise(&s, &missing) == 0, "raised");
	must(!landlock || missing.len == 0, "whole");
	must(caps_get(&effective, &permitted, &bounding) == 0 && !effective &&
		     !permitted && (getuid() || !bounding),
	     "no capabilities");
	try_processes();
	try_kernel();
	try_sockets();
	try_files();
	try_datagram();
	return failures;
}

static void test_attacks(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(dir));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(behind() != 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
