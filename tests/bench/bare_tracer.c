/* SPDX-License-Identifier: MIT */
/*
 * bare_tracer.c - the least that a second layer by ptrace can cost
 *
 *	bare_tracer CMD [ARG...]
 *
 * Follows CMD and all that it makes as tracer/ptrace.c does, with a filter that
 * stops at execve alone, and lets everything go on: it reads the path and looks
 * at what runs, judges nothing, records nothing, and waits in wait4() itself,
 * which a supervisor that has other things to wait for cannot. What a tracer
 * takes above this row is its own; what this row takes nobody can save.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLLOW                                                            \
	(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | \
	 PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACESECCOMP)

static void filter(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { 4, f };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) < 0)
		_exit(125);
}

static void look(pid_t pid)
{
	char path[32], text[4096];
	struct stat st;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	(void)stat(path, &st);
	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	(void)fread(text, 1, sizeof(text), f);
	(void)fclose(f);
}

static void read_path(pid_t pid)
{
	unsigned char info[88];
	char text[512];
	struct iovec here = { text, sizeof(text) }, there = { text, 512 };

	if (ptrace(0x420e, pid, (void *)sizeof(info), info) < 0)
		return;
	__builtin_memcpy(&there.iov_base, info + 32, sizeof(void *));
	(void)process_vm_readv(pid, &here, 1, &there, 1, 0);
}

int main(int argc, char **argv)
{
	int status, sig;
	pid_t first, pid;

	first = fork();
	if (first == 0) {
		(void)raise(SIGSTOP);
		filter();
		if (argc > 1)
			(void)execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (waitpid(first, &status, WUNTRACED) < 0 ||
	    ptrace(PTRACE_SEIZE, first, NULL, FOLLOW) < 0 ||
	    kill(first, SIGCONT) < 0)
		return 125;
	while ((pid = wait4(-1, &status, __WALL, NULL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (pid == first)
				break;
			continue;
		}
		sig = WSTOPSIG(status);
		if (status >> 16 == PTRACE_EVENT_SECCOMP)
			read_path(pid);
		else if (status >> 16 == PTRACE_EVENT_EXEC)
			look(pid);
		(void)ptrace(PTRACE_CONT, pid, NULL,
			     status >> 16 || sig == SIGTRAP ? 0 : sig);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
