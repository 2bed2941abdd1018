/* SPDX-License-Identifier: MIT */
/*
 * ptrace_storms.c - stops, ends and crowds while a tracer has a command make
 * calls; each by a word, in a directory with a file ".env" that it may not
 * touch; prints "ok WORD" when all went as on an untraced system
 *
 *	stops     SIGSTOP and SIGCONT between the calls
 *	kills     SIGKILL at any of the stops, while others go on
 *	orphan    a thread works on, and executes, when the first one is gone
 *	siblings  an execve by one thread while others are in judged calls
 *	vfork     a vfork child that opens, and dies, while its parent waits
 *	filters   the command's own filters around the calls that it has to make
 *	crowd     many threads at once, each with opens (number of threads)
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char SECRET[] = ".env";
static char **args;

static int failed(const char *what)
{
	(void)printf("failed: %s: %s\n", what, strerror(errno));
	return 1;
}

static int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

/* An open that is made on behalf of its caller: for writing. */
static int an_open(const char *name)
{
	return open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* 0, or the status that tells what was wrong. */
static int opens(int times, const char *name)
{
	int lowest = an_open(name);

	(void)close(lowest);
	for (int i = 0; i < times; i++) {
		int fd = an_open(name);

		if (fd != lowest)
			return 3;
		if (write(fd, "x", 1) != 1 || close(fd) < 0)
			return 4;
		if (rename(SECRET, "taken") == 0)
			return 5;
	}
	return 0;
}

/* Until the other end is closed: so long as it is stopped, it may get nowhere. */
static int opens_until(int end)
{
	char none;
	int r = 0;

	(void)fcntl(end, F_SETFL, O_NONBLOCK);
	while (r == 0 && read(end, &none, 1) != 0)
		r = opens(1, "stops-file");
	return r;
}

static int stops(void)
{
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return failed("pipe");
	pid = fork();
	if (pid == 0) {
		(void)close(ends[1]);
		_exit(opens_until(ends[0]));
	}
	for (int i = 0; i < 2000; i++) {
		(void)kill(pid, SIGSTOP);
		if (i & 1)
			(void)sched_yield();
		(void)kill(pid, SIGCONT);
		if (i & 2)
			(void)usleep(50);
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
	status = wait_for(pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		(void)printf("failed: stops: status %x\n",
			     (unsigned int)status);
		return 1;
	}
	return 0;
}

static int kills(void)
{
	for (int i = 0; i < 200; i++) {
		struct timespec a_while = { 0, (i % 40) * 20000L };
		pid_t pid = fork();
		int fd;

		while (pid == 0) {
			fd = an_open("kills-file");
			(void)close(fd);
		}
		(void)nanosleep(&a_while, NULL);
		(void)kill(pid, SIGKILL);
		fd = an_open("kills-own");
		if (fd < 0)
			return failed("open beside one that is killed");
		(void)close(fd);
		if (wait_for(pid) != SIGKILL)
			return failed("it was not killed");
	}
	return 0;
}

/* --- threads --- */

static void *after_the_first(void *arg)
{
	char path[64];
	int r;

	/* until the first thread has ended: a zombie with others left */
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/exe", getpid());
	while (readlink(path, path + 40, 8) > 0)
		(void)usleep(1000);
	r = opens(20, "orphan-file");
	if (r)
		_exit(r);
	if (access("/proc/self/status", R_OK) < 0)
		_exit(6);
	if (args[0])
		(void)execv(args[0], args);
	(void)arg;
	_exit(7);
}

static int orphan(void)
{
	pid_t pid = fork();
	pthread_t t;
	int status;

	if (pid == 0) {
		if (pthread_create(&t, NULL, after_the_first, NULL))
			_exit(8);
		(void)syscall(SYS_exit, 0);
	}
	status = wait_for(pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	(void)printf("failed: orphan: status %x\n", (unsigned int)status);
	return 1;
}

static void *open_for_ever(void *arg)
{
	for (;;) {
		int fd = an_open("siblings-file");

		(void)rename(SECRET, "taken");
		if (fd >= 0)
			(void)close(fd);
	}
	return arg;
}

static int siblings(void)
{
	for (int i = 0; i < 40; i++) {
		struct timespec a_while = { 0, i * 100000L };
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			pthread_t t[4];

			for (int k = 0; k < 4; k++)
				if (pthread_create(&t[k], NULL, open_for_ever,
						   NULL))
					_exit(8);
			(void)nanosleep(&a_while, NULL);
			(void)execv(args[0], args);
			_exit(errno == EACCES ? 13 : 9);
		}
		status = wait_for(pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			(void)printf("failed: siblings: status %x\n",
				     (unsigned int)status);
			return 1;
		}
	}
	return 0;
}

static int one_vfork(volatile int die)
{
	volatile int fd = -1;
	pid_t pid = vfork();

	if (pid == 0) {
		fd = an_open("vfork-file");
		if (die)
			(void)kill(getpid(), SIGKILL);
		_exit(fd < 0);
	}
	return wait_for(pid) == (die ? SIGKILL : 0) && fd >= 0;
}

static int vfork_opens(void)
{
	for (int i = 0; i < 100; i++)
		if (!one_vfork(i & 1))
			return failed("vfork");
	return 0;
}

/* --- filters of one's own --- */

#ifndef SYS_pidfd_open
#	define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#	define SYS_pidfd_getfd 438
#endif

static int install(uint32_t nr, uint32_t action)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { sizeof(f) / sizeof(f[0]), f };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p);
}

/* It gets its file, an error or its end; nothing that is not its own. */
static void filtered(uint32_t nr, uint32_t action)
{
	int fd;

	if (install(nr, action) < 0)
		_exit(9);
	for (int i = 0; i < 3; i++) {
		fd = an_open("filters-file");
		(void)rename(SECRET, "taken");
		if (fd > 2)
			(void)close(fd);
	}
	_exit(0);
}

static int filters(void)
{
	static const uint32_t calls[] = { SYS_pidfd_open, SYS_pidfd_getfd,
					  SYS_dup3,       SYS_close,
					  SYS_openat,     SYS_renameat2 };
	/* what a filter may say; ERRNO 0 is a call that gave 0 */
	static const uint32_t actions[] = {
		SECCOMP_RET_ERRNO,       SECCOMP_RET_ERRNO | EIO,
		SECCOMP_RET_TRACE | 7,   SECCOMP_RET_TRAP,
		SECCOMP_RET_KILL,        0x80000000U /* KILL_PROCESS */,
		0x7fc00000U /* NOTIF */, SECCOMP_RET_ALLOW,
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (size_t k = 0; k < sizeof(actions) / sizeof(actions[0]);
		     k++) {
			pid_t pid = fork();
			int fd;

			if (pid == 0)
				filtered(calls[i], actions[k]);
			(void)wait_for(pid);
			fd = an_open("filters-own");
			if (fd < 0)
				return failed("open beside a filter");
			(void)close(fd);
		}
	return access("taken", F_OK) == 0;
}

static pthread_barrier_t all_there;

static void *one_of_many(void *arg)
{
	uintptr_t bad = 0;

	(void)arg;
	(void)pthread_barrier_wait(&all_there);
	for (int i = 0; i < 3; i++) {
		int fd = an_open("crowd-file");

		if (fd < 0)
			bad = (uintptr_t)errno;
		else
			(void)close(fd);
		if (rename(SECRET, "taken") == 0)
			bad = 1000;
	}
	return (void *)bad; /* NOLINT(performance-no-int-to-ptr) */
}

static int crowd(void)
{
	size_t n = args[0] ? strtoul(args[0], NULL, 10) : 100;
	pthread_t *t = calloc(n, sizeof(*t));
	pthread_attr_t small;

	if (!t || pthread_barrier_init(&all_there, NULL, (unsigned int)n) ||
	    pthread_attr_init(&small) ||
	    pthread_attr_setstacksize(&small, 65536))
		return failed("memory");
	for (size_t i = 0; i < n; i++)
		if (pthread_create(&t[i], &small, one_of_many, NULL))
			return failed("thread");
	for (size_t i = 0; i < n; i++) {
		void *bad = NULL;

		(void)pthread_join(t[i], &bad);
		if (bad) {
			errno = (int)(uintptr_t)bad;
			return failed("open of one of many");
		}
	}
	free(t);
	return 0;
}

static const struct storm {
	const char *name;
	int (*run)(void);
} STORMS[] = {
	{ "stops", stops },       { "kills", kills },
	{ "orphan", orphan },     { "siblings", siblings },
	{ "vfork", vfork_opens }, { "filters", filters },
	{ "crowd", crowd },
};

int main(int argc, char **argv)
{
	args = argv + 2;
	for (size_t i = 0; argc > 1 && i < sizeof(STORMS) / sizeof(STORMS[0]);
	     i++) {
		if (strcmp(argv[1], STORMS[i].name) != 0)
			continue;
		(void)setvbuf(stdout, NULL, _IOLBF, 0);
		if (STORMS[i].run())
			return 1;
		(void)printf("ok %s\n", argv[1]);
		return 0;
	}
	return 2;
}
