/* SPDX-License-Identifier: MIT */
/*
 * ptrace_tricks.c - what a tracer trips over, each by a word on the command
 * line; prints "ok WORD" when all went as on an untraced system, or as the
 * sandbox promises
 *
 *	untraced  children that no tracer gets        refused
 *	filter    own filters that hide an exec       denied program never runs
 *	traceme   ptrace from inside                  refused
 *	vfork     vfork and exec, many times
 *	leader    execve by a thread that is not the leader (argv follows)
 *	threads   10,000 threads that end at once
 *	exits     children and makers that die while the tracer is told
 *	self      what /proc/self says
 *	stop      group stops, and going on
 *	alarm     a signal handler that runs between opens
 *	swap      a thread that replaces descriptors while others open (seconds)
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

/* --- children that no tracer gets --- */

static int try_clone(unsigned long flags, const char *name)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid > 0) {
		(void)wait_for((pid_t)pid);
		(void)printf("failed: %s made a child\n", name);
		return 1;
	}
	return errno == EPERM ? 0 : failed(name);
}

static int untraced(void)
{
	uint64_t clone3_args[8] = { CLONE_UNTRACED, 0, 0, 0, SIGCHLD };

	if (syscall(435, clone3_args, sizeof(clone3_args)) >= 0 ||
	    errno != ENOSYS)
		return failed("clone3");
	return try_clone(CLONE_UNTRACED, "CLONE_UNTRACED") ||
	       try_clone(CLONE_PARENT, "CLONE_PARENT") ||
	       try_clone(CLONE_PTRACE, "CLONE_PTRACE");
}

/* --- filters of one's own --- */

static int install(uint32_t action, unsigned int flags)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { sizeof(f) / sizeof(f[0]), f };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}

/* In a child: a filter of its own for execve, then the denied program. */
static int hidden_exec(uint32_t action)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (install(action, 0) < 0)
			_exit(2);
		(void)execv(args[0], args);
		_exit(errno == EACCES || errno == ENOSYS ? 3 : 4);
	}
	status = wait_for(pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
		return 0;
	(void)printf("failed: action %x: status %x\n", action,
		     (unsigned int)status);
	return 1;
}

static int filter(void)
{
	/* 0x7fc00000: USER_NOTIF */
	if (install(0x7fc00000U, 1U << 3) >= 0 || errno != EBUSY)
		return failed("a listener of its own");
	return hidden_exec(SECCOMP_RET_ALLOW) ||
	       hidden_exec(SECCOMP_RET_TRACE | 7) || hidden_exec(0x7fc00000U);
}

/* --- ptrace from inside --- */

static int traceme(void)
{
	pid_t pid;

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
		return failed("PTRACE_TRACEME");
	if (ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0)
		return failed("PTRACE_SEIZE of the parent");
	pid = fork();
	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0)
		return failed("PTRACE_ATTACH");
	(void)kill(pid, SIGKILL);
	(void)wait_for(pid);
	return 0;
}

/* --- making and ending --- */

static int vforks(void)
{
	static char program[] = "/bin/true";
	static char *argv[] = { program, NULL };

	for (int i = 0; i < 100; i++) {
		pid_t pid = vfork();
		int status;

		if (pid == 0) {
			(void)execv(program, argv);
			_exit(127);
		}
		status = wait_for(pid);
		if (status != 0)
			return failed("vfork");
	}
	return 0;
}

static void *run_it(void *arg)
{
	(void)arg;
	(void)usleep(20000);
	(void)execv(args[0], args);
	(void)printf("errno %d\n", errno);
	_exit(5);
}

static int leader(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, run_it, NULL))
		return failed("thread");
	for (;;)
		(void)pause();
}

static void *nothing(void *arg)
{
	return arg;
}

static int threads(void)
{
	for (int i = 0; i < 2500; i++) {
		pthread_t t[4];
		int n = 0;

		while (n < 4 && pthread_create(&t[n], NULL, nothing, NULL) == 0)
			n++;
		for (int k = 0; k < n; k++)
			(void)pthread_join(t[k], NULL);
		if (n < 4)
			return failed("thread");
	}
	return 0;
}

static void *exit_all(void *arg)
{
	(void)usleep((useconds_t)(uintptr_t)arg);
	_exit(0);
}

/* The process ends by one thread while another one forks. */
static void maker(unsigned int us)
{
	pthread_t t;

	if (pthread_create(&t, NULL, exit_all, (void *)(uintptr_t)us))
		_exit(1);
	for (;;) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
	}
}

static int exits(void)
{
	(void)prctl(36 /* PR_SET_CHILD_SUBREAPER */, 1);
	for (unsigned int i = 0; i < 150; i++) {
		pid_t pid = fork();

		if (pid == 0 && i % 3 == 0)
			maker(i * 10);
		if (pid == 0 && i % 3 == 1) {
			(void)raise(SIGKILL);
			_exit(0);
		}
		if (pid == 0)
			_exit(0);
		if (i % 3 == 2)
			(void)kill(pid, SIGKILL);
		if (wait_for(pid) == -1)
			return failed("wait");
	}
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		continue;
	return 0;
}

/* --- what /proc says --- */

static int self(void)
{
	char text[64] = { 0 }, path[64], status[4096] = { 0 };
	int fd;

	if (readlink("/proc/self", text, sizeof(text) - 1) < 0 ||
	    atoi(text) != getpid())
		return failed("/proc/self");
	(void)snprintf(path, sizeof(path), "\nPid:\t%d\n", getpid());
	fd = open("/proc/self/status", O_RDONLY);
	if (fd < 0 || read(fd, status, sizeof(status) - 1) <= 0 ||
	    !strstr(status, path))
		return failed("/proc/self/status");
	(void)snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
	fd = open(text, O_RDONLY);
	if (fd < 0)
		return failed("/proc/self/fd");
	fd = open("/proc/thread-self/comm", O_RDONLY);
	if (fd < 0 || read(fd, text, 6) != 6 || memcmp(text, "ptrace", 6))
		return failed("/proc/thread-self");
	return 0;
}

/* --- stops --- */

static int stop(void)
{
	static const int signals[] = { SIGSTOP, SIGTSTP };
	int status;

	for (int i = 0; i < 2; i++) {
		int hold[2]; /* it ends when the continuation was seen */
		char end;
		pid_t pid;

		if (pipe2(hold, O_CLOEXEC) < 0)
			return failed("pipe");
		pid = fork();
		if (pid == 0) {
			(void)close(hold[1]);
			(void)signal(SIGTSTP, SIG_DFL);
			(void)setpgid(0, 0);
			(void)raise(signals[i]);
			(void)!read(hold[0], &end, 1);
			_exit(7);
		}
		if (waitpid(pid, &status, WUNTRACED) != pid ||
		    !WIFSTOPPED(status))
			return failed("no stop seen");
		(void)usleep(20000);
		if (waitpid(pid, &status, WNOHANG) != 0)
			return failed("it did not stay stopped");
		(void)kill(pid, SIGCONT);
		if (waitpid(pid, &status, WCONTINUED) != pid ||
		    !WIFCONTINUED(status))
			return failed("no continuation seen");
		(void)close(hold[0]);
		(void)close(hold[1]);
		status = wait_for(pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
			return failed("after the stop");
	}
	return 0;
}

static volatile sig_atomic_t rings;

static void ring(int signo)
{
	(void)signo;
	rings++;
}

static int alarms(void)
{
	struct itimerval every = { { 0, 300 }, { 0, 300 } };
	struct sigaction sa = { .sa_handler = ring };
	int lowest = open("/dev/null", O_RDONLY);

	(void)close(lowest);
	(void)sigaction(SIGALRM, &sa, NULL);
	(void)setitimer(ITIMER_REAL, &every, NULL);
	for (int i = 0; i < 300 || rings < 20; i++) {
		int fd = open("alarm-file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0 && errno == EINTR)
			continue;
		if (fd != lowest)
			return failed("not the lowest number");
		if (fcntl(fd, F_GETFD) != FD_CLOEXEC)
			return failed("close-on-exec");
		if (write(fd, "x", 1) != 1 || close(fd) < 0)
			return failed("use");
	}
	return 0;
}

/* --- descriptors replaced while they are given --- */

static volatile bool done;
static int victim = -1;

static void *replace(void *arg)
{
	(void)arg;
	while (!done)
		for (int fd = 10; fd < 14; fd++)
			(void)dup2(victim, fd);
	return NULL;
}

static int swap(void)
{
	long seconds = args[0] ? strtol(args[0], NULL, 10) : 1;
	time_t end = time(NULL) + seconds;
	pthread_t t;
	struct stat want, got;
	int first;

	/* a process of ours with something else at every number */
	pid_t pid = fork();

	if (pid == 0) {
		int other = open("/dev/zero", O_RDONLY);

		for (int n = 500; n < 900; n++)
			(void)dup2(other, n);
		for (;;)
			(void)pause();
	}
	(void)usleep(100000);
	victim = (int)syscall(SYS_pidfd_open, pid, 0);
	first = open("swap-file", O_RDWR | O_CREAT, 0600);
	if (victim < 0 || first < 0 || fstat(first, &want) < 0)
		return failed("victim");
	for (int fd = 5; fd < 10; fd++)
		(void)dup2(first, fd);
	(void)pthread_create(&t, NULL, replace, NULL);
	while (time(NULL) < end) {
		int fd = open("swap-file", O_RDWR | O_CREAT, 0600);

		if (fd >= 0 && fstat(fd, &got) == 0 && S_ISCHR(got.st_mode)) {
			(void)printf("failed: got the victim's\n");
			return 1;
		}
		if (fd >= 0)
			(void)close(fd);
	}
	done = true;
	(void)pthread_join(t, NULL);
	(void)kill(pid, SIGKILL);
	return 0;
}

static const struct trick {
	const char *name;
	int (*run)(void);
} TRICKS[] = {
	{ "untraced", untraced }, { "filter", filter }, { "traceme", traceme },
	{ "vfork", vforks },      { "leader", leader }, { "threads", threads },
	{ "exits", exits },       { "self", self },     { "stop", stop },
	{ "alarm", alarms },      { "swap", swap },
};

int main(int argc, char **argv)
{
	args = argv + 2;
	for (size_t i = 0; argc > 1 && i < sizeof(TRICKS) / sizeof(TRICKS[0]);
	     i++) {
		if (strcmp(argv[1], TRICKS[i].name) != 0)
			continue;
		(void)setvbuf(stdout, NULL, _IOLBF, 0);
		if (TRICKS[i].run())
			return 1;
		(void)printf("ok %s\n", argv[1]);
		return 0;
	}
	return 2;
}
