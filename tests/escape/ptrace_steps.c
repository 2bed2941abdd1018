/* SPDX-License-Identifier: MIT */
/*
 * ptrace_steps.c - what a command does in the middle of the calls that a
 * tracer has it make; each by a word, in a directory with a file ".env" that
 * it may not touch; prints "ok WORD", or "taken" when it got that file
 *
 *	rseq      a restartable sequence around a call: the kernel goes on in
 *	          its abort handler, with the registers of the next call
 *	patch     a second thread writes a jump over the call's instruction
 *	          (number of tries, as of dispatch)
 *	spin      as rseq, into a loop without an end; others must go on
 *	foreign   32-bit entry, x32 numbers, a 32-bit code segment, vsyscall
 *	dispatch  system calls dispatched to the user (SIGSYS) by a selector
 *
 * The file is taken by rename(2), from where the kernel left our own code:
 * what is judged then is the call, whoever makes it. Without a sandbox every
 * way of taking it succeeds.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

/* What the parent says when its child has tried. */
static int outcome(pid_t pid)
{
	int status = wait_for(pid);

	if (access("taken", F_OK) == 0) {
		(void)printf("taken, status %x\n", (unsigned int)status);
		return 1;
	}
	if (status != 0)
		(void)printf("ended with %x\n", (unsigned int)status);
	return 0;
}

/* An open that is made on behalf of its caller: for writing. */
static int an_open(const char *name)
{
	return open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

#if defined(__x86_64__)

/* --- code that somebody else makes go on elsewhere --- */

static const char SECRET[] = ".env";
static const char TAKEN[] = "taken";
static const char NAME[] = "steps-file";

struct critical {
	uint32_t version, flags;
	uint64_t start, length, abort;
} __attribute__((aligned(32)));

struct area {
	uint32_t cpu_start, cpu;
	uint64_t critical;
	uint32_t flags, node, mm;
	uint32_t rest[5];
} __attribute__((aligned(32)));

/* Named by the code below, which knows their addresses only. */
__attribute__((used, visibility("hidden"))) struct area area;
__attribute__((used, visibility("hidden"))) struct critical critical;

/*
 * openat(AT_FDCWD, NAME, O_RDWR | O_CREAT) in a restartable sequence; then,
 * and in its abort handler, rename(SECRET, TAKEN) and exit(0). The handler of
 * "spin" does nothing for ever.
 */
extern char seq_start[], seq_end[], seq_abort[], seq_spin[];
void seq_run(const char *name, const char *from, const char *to);

__asm__(".text\n"
	".globl seq_run\n"
	"seq_run:\n"
	"	mov %rsi, %r13\n"
	"	mov %rdx, %r14\n"
	"	mov %rdi, %rsi\n"
	"	mov $-100, %rdi\n"
	"	mov $66, %edx\n"
	"	mov $384, %r10d\n"
	"	mov $257, %eax\n"
	"	lea critical(%rip), %rcx\n"
	"	mov %rcx, area+8(%rip)\n"
	".globl seq_start\n"
	"seq_start:\n"
	"	syscall\n"
	"	nop\n"
	".globl seq_end\n"
	"seq_end:\n"
	"	jmp 1f\n"
	"	.long 0x53053053\n"
	".globl seq_abort\n"
	"seq_abort:\n"
	"1:	mov %r13, %rdi\n"
	"	mov %r14, %rsi\n"
	"	mov $82, %eax\n"
	"	syscall\n"
	"	xor %edi, %edi\n"
	"	mov $231, %eax\n"
	"	syscall\n"
	"	.long 0x53053053\n"
	".globl seq_spin\n"
	"seq_spin:\n"
	"	jmp seq_spin\n");

/* glibc has one of its own unless it is told; so we are started anew. */
static int own_area(const char *handler)
{
	if (syscall(SYS_rseq, &area, 32, 0, 0x53053053) < 0)
		return -1;
	critical = (struct critical){
		.start = (uint64_t)(uintptr_t)seq_start,
		.length = (uint64_t)(seq_end - seq_start),
		.abort = (uint64_t)(uintptr_t)handler,
	};
	return 0;
}

static void without_glibc(void)
{
	static const char tunable[] = "glibc.pthread.rseq=0";
	const char *is = getenv("GLIBC_TUNABLES");

	if (is && strcmp(is, tunable) == 0)
		return;
	(void)setenv("GLIBC_TUNABLES", tunable, 1);
	(void)execv("/proc/self/exe", args - 2);
}

static int sequence(void)
{
	pid_t pid;

	without_glibc();
	pid = fork();
	if (pid == 0) {
		/* the child has the parent's, of which there is none */
		if (own_area(seq_abort) < 0)
			_exit(9);
		seq_run(NAME, SECRET, TAKEN);
	}
	return outcome(pid);
}

/* While one is lost in a loop the others must be served. */
static int spin(void)
{
	pid_t pid;
	int fd;

	without_glibc();
	pid = fork();
	if (pid == 0) {
		if (own_area(seq_spin) < 0)
			_exit(9);
		seq_run(NAME, NAME, NAME);
		_exit(0);
	}
	for (int i = 0; i < 200; i++) {
		fd = an_open("spin-file");
		if (fd < 0)
			return failed("open beside one that is lost");
		(void)close(fd);
	}
	(void)kill(pid, SIGKILL);
	(void)wait_for(pid);
	return 0;
}

static unsigned char *page; /* "syscall; ret" at its beginning */
static volatile bool over;

static void *write_jump(void *arg)
{
	/* jmp +62, to the code that takes the file; and what was there */
	static const uint16_t jump = 0x3eeb, call = 0x050f;
	volatile uint16_t *at = (volatile uint16_t *)(void *)page;

	(void)arg;
	while (!over) {
		*at = call;
		for (volatile int i = 0; i < 200; i++)
			continue;
		*at = jump;
		for (volatile int i = 0; i < 50; i++)
			continue;
	}
	return NULL;
}

static void patched(void)
{
	static const unsigned char plain[] = { 0x0f, 0x05, 0xc3 };
	/* mov %r13,%rdi; mov %r14,%rsi; mov $82,%eax; syscall;
	 * xor %edi,%edi; mov $231,%eax; syscall */
	static const unsigned char take[] = {
		0x4c, 0x89, 0xef, 0x4c, 0x89, 0xf6, 0xb8, 82, 0, 0,    0,
		0x0f, 0x05, 0x31, 0xff, 0xb8, 231,  0,    0,  0, 0x0f, 0x05,
	};
	pthread_t t;

	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		_exit(9);
	memcpy(page, plain, sizeof(plain));
	memcpy(page + 64, take, sizeof(take));
	if (pthread_create(&t, NULL, write_jump, NULL))
		_exit(9);
	for (int i = 0; i < 300; i++) {
		long r = -100;

		__asm__ volatile("mov %[from], %%r13\n\t"
				 "mov %[to], %%r14\n\t"
				 "mov $384, %%r10d\n\t"
				 "call *%[page]"
				 : "=a"(r)
				 : "a"(257L), "D"(-100L), "S"(NAME),
				   "d"(66L), [page] "b"(page),
				   [from] "r"(SECRET), [to] "r"(TAKEN)
				 : "rcx", "r8", "r9", "r10", "r11", "r13",
				   "r14", "memory");
		if (r >= 0)
			(void)close((int)r);
	}
	_exit(0);
}

static int patch(void)
{
	int tries = args[0] ? atoi(args[0]) : 10;

	for (int i = 0; i < tries; i++) {
		pid_t pid = fork();

		if (pid == 0)
			patched();
		if (outcome(pid))
			return 1;
	}
	return 0;
}

/* --- other ways into the kernel --- */

/* The number in eax, the name in ebx or rdi: below 4 GiB. */
static long by_int80(long nr, const void *a, const void *b)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(nr), "b"(a), "c"(b), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

/* A 32-bit code segment; the stub below is in low memory, and so is the
 * stack. */
static long by_segment(unsigned char *low, long nr, const void *a,
		       const void *b)
{
	/* int $0x80; lret */
	static const unsigned char stub[] = { 0xcd, 0x80, 0xcb };
	struct {
		uint32_t offset;
		uint16_t segment;
	} __attribute__((packed))
	far = { (uint32_t)(uintptr_t)(low + 256), 0x23 };
	long r;

	memcpy(low + 256, stub, sizeof(stub));
	__asm__ volatile("mov %%rsp, %%r12\n\t"
			 "lea 4000(%[low]), %%rsp\n\t"
			 "lcall *(%[far])\n\t"
			 "mov %%r12, %%rsp"
			 : "=a"(r)
			 : "a"(nr), "b"(a), "c"(b),
			   "d"(0), [low] "D"(low), [far] "S"(&far)
			 : "memory", "r8", "r9", "r10", "r11", "r12");
	return r;
}

static void foreigner(int way)
{
	unsigned char *low =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	char *from = (char *)low, *to = (char *)low + 64;

	if (low == MAP_FAILED)
		_exit(9);
	memcpy(from, SECRET, sizeof(SECRET));
	memcpy(to, TAKEN, sizeof(TAKEN));
	switch (way) {
	case 0:
		(void)by_int80(38, from, to); /* rename of i386 */
		break;
	case 1:
		(void)by_segment(low, 38, from, to);
		break;
	case 2:
		(void)syscall(0x40000000L + SYS_rename, from, to);
		break;
	case 3: /* rename by the vsyscall page: only its three calls are */
		((long (*)(char *, char *))(uintptr_t)0xffffffffff600400)(from,
									  to);
		break;
	default:
		(void)rename(SECRET, TAKEN);
		break;
	}
	_exit(0);
}

static int foreign(void)
{
	for (int way = 0; way < 5; way++) {
		pid_t pid = fork();

		if (pid == 0)
			foreigner(way);
		if (outcome(pid))
			return 1;
	}
	return 0;
}

/* --- calls that the kernel gives back to the user --- */

static volatile char selector;

static void dispatched(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	selector = 0; /* allow: as a filter of one's own would see nothing */
	(void)rename(SECRET, TAKEN);
	_exit(0);
}

static void *flip_selector(void *arg)
{
	(void)arg;
	while (!over) {
		selector = 1;
		for (volatile int i = 0; i < 100; i++)
			continue;
		selector = 0;
		for (volatile int i = 0; i < 400; i++)
			continue;
	}
	return NULL;
}

static void dispatcher(void)
{
	struct sigaction sa = { .sa_sigaction = dispatched,
				.sa_flags = SA_SIGINFO | SA_NODEFER };
	pthread_t t;

	(void)sigaction(SIGSYS, &sa, NULL);
	if (pthread_create(&t, NULL, flip_selector, NULL))
		_exit(9);
	if (prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, 0, 0, &selector))
		_exit(errno == EINVAL || errno == EPERM ? 0 : 9);
	for (int i = 0; i < 2000; i++) {
		int fd = an_open(NAME);

		if (fd >= 0)
			(void)close(fd);
	}
	_exit(0);
}

static int dispatch(void)
{
	int tries = args[0] ? atoi(args[0]) : 5;

	for (int i = 0; i < tries; i++) {
		pid_t pid = fork();

		if (pid == 0)
			dispatcher();
		if (outcome(pid))
			return 1;
	}
	return 0;
}

#else

static int not_here(void)
{
	return 0;
}

#	define sequence not_here
#	define spin     not_here
#	define patch    not_here
#	define foreign  not_here
#	define dispatch not_here

#endif

static const struct step {
	const char *name;
	int (*run)(void);
} STEPS[] = {
	{ "rseq", sequence },   { "patch", patch },       { "spin", spin },
	{ "foreign", foreign }, { "dispatch", dispatch },
};

int main(int argc, char **argv)
{
	args = argv + 2;
	for (size_t i = 0; argc > 1 && i < sizeof(STEPS) / sizeof(STEPS[0]);
	     i++) {
		if (strcmp(argv[1], STEPS[i].name) != 0)
			continue;
		(void)setvbuf(stdout, NULL, _IOLBF, 0);
		if (STEPS[i].run())
			return 1;
		(void)printf("ok %s\n", argv[1]);
		return 0;
	}
	return 2;
}
