/* SPDX-License-Identifier: MIT */
/*
 * floor_kernel.c - doors into the kernel that an agent has no use for
 */
#ifdef __aarch64__
#	include <elf.h>
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/escape/floor.h"

static int io_uring(const struct arena *a)
{
	char params[120] = { 0 };

	(void)a;
	return attack_result(syscall(425 /* io_uring_setup */, 1, params));
}

static int keyring(const struct arena *a)
{
	(void)a;
	return attack_result(syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */,
				     -2 /* process */, 1));
}

static int key_session_to_parent(const struct arena *a)
{
	(void)a;
	return attack_result(syscall(SYS_keyctl, 1 /* JOIN_SESSION */, NULL));
}

static int bpf_map(const struct arena *a)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY };

	(void)a;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	return attack_result(
		syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int perf(const struct arena *a)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.exclude_kernel = 1,
	};

	(void)a;
	return attack_result(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static int userfault(const struct arena *a)
{
	(void)a;
	return attack_result(
		syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* user mode only */));
}

static int exec_low_memory(const struct arena *a)
{
	(void)a;
	return attack_result(personality(READ_IMPLIES_EXEC));
}

static int kernel_log(const struct arena *a)
{
	(void)a;
	return attack_result(syscall(SYS_syslog, 10 /* SIZE_BUFFER */, 0, 0));
}

static int host_name(const struct arena *a)
{
	char name[65];

	(void)a;
	/* to what it is already */
	if (gethostname(name, sizeof(name)) < 0)
		return ATTACK_NO_MEANS;
	return attack_result(sethostname(name, strlen(name)));
}

/* A listener of one's own could answer "continue" to what we notify. */
static int own_listener(const struct arena *a)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { 1, f };

	(void)a;
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return attack_result(
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1UL << 3, &p));
}

static int push_input(const struct arena *a)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	int slave;

	(void)a;
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		return ATTACK_NO_MEANS;
	(void)setsid();
	slave = open(ptsname(master), O_RDWR);
	if (slave < 0)
		return ATTACK_NO_MEANS;
	return attack_result(ioctl(slave, TIOCSTI, "x"));
}

static int line_discipline(const struct arena *a)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	int zero = 0;

	(void)a;
	if (master < 0)
		return ATTACK_NO_MEANS;
	return attack_result(ioctl(master, TIOCSETD, &zero));
}

#ifdef __x86_64__
/* getpid by the 32-bit table: another number, another filter */
static int int80(const struct arena *a)
{
	long r;

	(void)a;
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(20)
			 : "memory", "r8", "r9", "r10", "r11");
	return r == getpid() ? ATTACK_SUCCEEDED : ATTACK_BLOCKED;
}

static int int80_open(const struct arena *a)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long r;

	if (low == MAP_FAILED)
		return ATTACK_NO_MEANS;
	memcpy(low, a->secret, strlen(a->secret) + 1);
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(5), "b"((uint32_t)(uintptr_t)low), "c"(0), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return r >= 0 ? ATTACK_SUCCEEDED : ATTACK_BLOCKED;
}

static int x32_call(const struct arena *a)
{
	(void)a;
	return syscall(0x40000000 + SYS_getpid) == getpid() ? ATTACK_SUCCEEDED
							    : ATTACK_BLOCKED;
}
#elif defined(__aarch64__)
/* A program of the 32-bit ABI; its status says whether getpid answered. */
static const struct {
	Elf32_Ehdr head;
	Elf32_Phdr load;
	uint32_t code[7];
} program32 = {
	.head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB,
			       EV_CURRENT },
		  .e_type = ET_EXEC,
		  .e_machine = EM_ARM,
		  .e_version = EV_CURRENT,
		  .e_entry = 0x10000 + sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
		  .e_phoff = sizeof(Elf32_Ehdr),
		  .e_flags = 0x05000000, /* EABI 5 */
		  .e_ehsize = sizeof(Elf32_Ehdr),
		  .e_phentsize = sizeof(Elf32_Phdr),
		  .e_phnum = 1 },
	.load = { .p_type = PT_LOAD,
		  .p_vaddr = 0x10000,
		  .p_filesz = sizeof(program32),
		  .p_memsz = sizeof(program32),
		  .p_flags = PF_R | PF_X,
		  .p_align = 0x10000 },
	.code = { 0xe3a07014 /* mov r7, #20 */, 0xef000000 /* svc 0 */,
		  0xe3500000 /* cmp r0, #0 */, 0xc3a00000 /* movgt r0, #0 */,
		  0xd3a00001 /* movle r0, #1 */, 0xe3a07001 /* mov r7, #1 */,
		  0xef000000 /* svc 0 */ },
};

static int aarch32(const struct arena *a)
{
	int fd = memfd_create("program32", MFD_CLOEXEC);
	char *argv[] = { NULL };
	int status = 0;
	pid_t pid;

	(void)a;
	if (fd < 0 ||
	    write(fd, &program32, sizeof(program32)) != sizeof(program32))
		return ATTACK_NO_MEANS;
	pid = fork();
	if (pid == 0) {
		(void)syscall(SYS_execveat, fd, "", argv, argv, AT_EMPTY_PATH);
		_exit(ATTACK_NO_MEANS); /* a machine without 32-bit programs */
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return ATTACK_NO_MEANS;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ATTACK_BLOCKED;
}
#endif

const struct attack kernel_attacks[] = {
	{ "io_uring", io_uring, 0 },
	{ "keyring", keyring, 0 },
	{ "key_session_to_parent", key_session_to_parent, 0 },
	{ "bpf_map", bpf_map, 0 },
	{ "perf", perf, 0 },
	{ "userfault", userfault, 0 },
	{ "exec_low_memory", exec_low_memory, 0 },
	{ "kernel_log", kernel_log, 0 },
	{ "host_name", host_name, 0 },
	{ "own_listener", own_listener, 0 },
	{ "push_input", push_input, 0 },
	{ "line_discipline", line_discipline, 0 },
#ifdef __x86_64__
	{ "int80", int80, 0 },
	{ "int80_open", int80_open, 0 },
	{ "x32_call", x32_call, 0 },
#elif defined(__aarch64__)
	{ "aarch32", aarch32, 0 },
#endif
	{ NULL, NULL, 0 },
};
