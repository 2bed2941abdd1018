/* SPDX-License-Identifier: MIT */
/*
 * pace.c - where and how soon a request thread runs
 *
 * What a request costs is mostly the two wake-ups around it. On an idle machine
 * the best is to run on the client's CPU (7 us against 60 us for waking another
 * one that sleeps), with the policy SCHED_IDLE, because the scheduler counts a
 * CPU that runs only such threads as idle and puts the woken client back on it.
 * On a busy machine SCHED_IDLE would wait behind everything; there, a short
 * slice (an early deadline, kernel 6.12) and a low nice value make it run soon.
 *
 * Which of the two it is: the time this thread spent runnable but not running
 * (schedstat), looked at every WINDOW requests, in SCHED_IDLE at each one: a
 * hog beside us could otherwise stretch every request to a third of a second.
 * Waiting in SCHED_IDLE ends it at once, for a time that doubles each time.
 */
#include "vfs/pace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"

#define WINDOW        64U
#define CALM_NS       5000ULL    /* waited per request: the machine is idle */
#define CROWDED_NS    1000000ULL /* waited for one: leave SCHED_IDLE */
#define NICE          (-10)
#define SLICE_NS      100000ULL
#define NSEC          1000000000ULL
#define BACKOFF_MAX_S 64U

static _Thread_local struct {
	int schedstat; /* fd; -1 */
	bool follow, idle, pinned;
	unsigned int n, same;
	pid_t client;
	uint64_t waited_ns, resume_ns;
	unsigned int backoff_s;
	cpu_set_t all;
} self = { .schedstat = -1 };

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

static void run_soon(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = { .size = sizeof(attr),
		   .policy = SCHED_OTHER,
		   .nice = NICE,
		   .runtime = SLICE_NS };

	if (syscall(SYS_sched_setattr, 0, &attr, 0) == 0)
		return;
	attr.nice = 0; /* no privilege */
	(void)syscall(SYS_sched_setattr, 0, &attr, 0);
}

/* Field k (from 0) of a line of numbers. */
static int field(struct str line, unsigned int k, uint64_t *ret)
{
	struct str part;

	line = str_trim(line);
	for (unsigned int i = 0; str_split(&line, ' ', &part); i++)
		if (i == k)
			return num_parse_u64(part, ret);
	return -EBADMSG;
}

/* Second number of schedstat: nanoseconds spent waiting on a run queue. */
static uint64_t read_waited(void)
{
	uint64_t waited = self.waited_ns;
	char b[64];
	ssize_t n = pread(self.schedstat, b, sizeof(b), 0);

	if (n > 0)
		(void)field(str_from_n(b, (size_t)n), 1, &waited);
	return waited;
}

static size_t cpu_of(pid_t pid)
{
	uint64_t cpu = CPU_SETSIZE;
	char path[32], b[512];
	ptrdiff_t paren;
	struct str line;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return CPU_SETSIZE;
	n = read(fd, b, sizeof(b));
	(void)close(fd);
	line = str_from_n(b, n > 0 ? (size_t)n : 0);
	/* The name may hold anything; after it comes field 3 of proc(5), and
	 * 39 is the processor. */
	paren = str_rindex(line, ')');
	if (paren >= 0)
		(void)field(str_skip(line, (size_t)paren + 2), 39 - 3, &cpu);
	return (size_t)cpu;
}

static void unpin(void)
{
	if (self.pinned)
		(void)sched_setaffinity(0, sizeof(self.all), &self.all);
	self.pinned = false;
}

static void pin_to(size_t cpu)
{
	cpu_set_t set;

	if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &self.all) ||
	    (self.pinned && (int)cpu == sched_getcpu()))
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	self.pinned = sched_setaffinity(0, sizeof(set), &set) == 0;
}

static void leave_idle(void)
{
	self.idle = false;
	self.backoff_s = self.backoff_s ? self.backoff_s * 2 : 1;
	if (self.backoff_s > BACKOFF_MAX_S)
		self.backoff_s = BACKOFF_MAX_S;
	self.resume_ns = now_ns() + self.backoff_s * NSEC;
	unpin();
	run_soon();
}

static void enter_idle(void)
{
	struct sched_param none = { 0 };

	if (sched_setscheduler(0, SCHED_IDLE, &none) == 0)
		self.idle = true;
}

void pace_init(bool follow)
{
	char path[64];

	run_soon();
	self.follow = follow;
	if (!follow || sched_getaffinity(0, sizeof(self.all), &self.all) < 0)
		return;
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat",
		       (int)syscall(SYS_gettid));
	self.schedstat = open(path, O_RDONLY | O_CLOEXEC);
	self.follow = self.schedstat >= 0;
	self.waited_ns = read_waited();
}

static void end_of_window(void)
{
	uint64_t waited = read_waited();
	uint64_t each = (waited - self.waited_ns) / WINDOW;

	self.waited_ns = waited;
	if (!self.idle && each < CALM_NS && now_ns() >= self.resume_ns)
		enter_idle();
	/* One client: beside it. Several: wherever there is room. */
	if (self.idle && self.same >= WINDOW * 3 / 4)
		pin_to(cpu_of(self.client));
	else
		unpin();
}

void pace_request(pid_t client)
{
	if (!self.follow)
		return;
	if (self.idle) {
		uint64_t waited = read_waited();

		if (waited - self.waited_ns > CROWDED_NS)
			leave_idle();
		self.waited_ns = waited;
	}
	if (client > 0) {
		self.same += client == self.client;
		self.client = client;
	}
	if (++self.n < WINDOW)
		return;
	end_of_window();
	self.n = self.same = 0;
}
