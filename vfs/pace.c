/* SPDX-License-Identifier: MIT */
/*
 * pace.c - where and how soon a request thread runs
 *
 * What a request costs is mostly the two wake-ups around it. The best is to run
 * on the client's CPU (7 us against 60 us and more for waking another one that
 * sleeps), with the policy SCHED_IDLE, because the scheduler counts a CPU that
 * runs only such threads as idle and puts the woken client back on it. But
 * SCHED_IDLE waits behind everything: beside a hog each request would take up
 * to a third of a second.
 *
 * Which of the two it is cannot be read off the time a thread waits for its
 * CPU: that grows while its own client computes, and with the time a sleeping
 * CPU takes to wake. So it is tried, and watched: while a thread is
 * SCHED_IDLE, the watcher looks every TICK_NS whether a request waits that
 * nobody takes. Then the thread is an ordinary one again, with a low nice value
 * and a short slice (an early deadline, kernel 6.12), for a time that doubles
 * with each failure and is short again after a long success.
 */
#include "vfs/pace.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "base/vec.h"

#define WINDOW      64U
#define NICE        (-10)
#define SLICE_NS    100000ULL
#define NSEC        1000000000ULL
#define TICK_NS     2000000L
#define QUIET_TICKS 25U /* without a request: the watcher sleeps */
#define BACKOFF_MIN (NSEC / 50)
#define BACKOFF_MAX (4 * NSEC)
#define SUCCESS_NS  (NSEC / 2)
#define SEATS       16U

/* A request thread, as the watcher sees it. */
struct seat {
	pid_t tid;         /* 0: free */
	bool idle;         /* SCHED_IDLE now */
	bool away;         /* waits for something else, see pace_away() */
	unsigned int done; /* odd: in a request */
	unsigned int seen; /* watcher: at the tick before */
	uint64_t since_ns, resume_ns, backoff_ns;
};

static struct {
	pthread_mutex_t lock; /* seats' policy, asleep, stop */
	pthread_cond_t wake;
	pthread_t thread;
	struct seat seats[SEATS];
	bool started, asleep, stop;
	int dev; /* borrowed: /dev/fuse */
	cpu_set_t all;
} watch = { .lock = PTHREAD_MUTEX_INITIALIZER,
	    .wake = PTHREAD_COND_INITIALIZER,
	    .dev = -1 };

static _Thread_local struct {
	struct seat *seat; /* NULL: as the scheduler likes */
	bool pinned;
	unsigned int n, same, counted;
	pid_t client;
	size_t cpu; /* of the client, a window ago */
} self;

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

/* 0: the calling thread. */
static int run_soon(pid_t tid)
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

	if (syscall(SYS_sched_setattr, tid, &attr, 0) == 0)
		return 0;
	attr.nice = 0; /* no privilege */
	return syscall(SYS_sched_setattr, tid, &attr, 0) < 0 ? -errno : 0;
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
		(void)sched_setaffinity(0, sizeof(watch.all), &watch.all);
	self.pinned = false;
}

static void pin_to(size_t cpu)
{
	cpu_set_t set;

	if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &watch.all) ||
	    (self.pinned && (int)cpu == sched_getcpu()))
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	self.pinned = sched_setaffinity(0, sizeof(set), &set) == 0;
}

/* --- the watcher --- */

/* Under the lock. */
static void end_idle(struct seat *s, uint64_t now)
{
	if (now - s->since_ns > SUCCESS_NS || s->backoff_ns == 0)
		s->backoff_ns = BACKOFF_MIN;
	else if (s->backoff_ns < BACKOFF_MAX)
		s->backoff_ns *= 2;
	s->resume_ns = now + s->backoff_ns;
	(void)sched_setaffinity(s->tid, sizeof(watch.all), &watch.all);
	(void)run_soon(s->tid);
	__atomic_store_n(&s->idle, false, __ATOMIC_RELEASE);
}

/* True while anything happens that is worth watching. */
static bool look(void)
{
	struct pollfd p = { .fd = watch.dev, .events = POLLIN };
	bool waits = poll(&p, 1, 0) == 1 && p.revents & POLLIN;
	bool any = false;
	uint64_t now = now_ns();

	for (size_t i = 0; i < SEATS; i++) {
		struct seat *s = &watch.seats[i];
		unsigned int done = __atomic_load_n(&s->done, __ATOMIC_SEQ_CST);
		bool stands = done == s->seen;

		s->seen = done;
		if (!s->tid || !s->idle)
			continue;
		any |= !stands;
		if (stands && !__atomic_load_n(&s->away, __ATOMIC_ACQUIRE) &&
		    (waits || done & 1))
			end_idle(s, now);
	}
	return any || waits;
}

static void *run_watch(void *arg)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };
	unsigned int quiet = 0;

	(void)arg;
	(void)run_soon(0);
	(void)pthread_mutex_lock(&watch.lock);
	while (!watch.stop) {
		if (quiet >= QUIET_TICKS) {
			/* A request that does not see this yet is seen here. */
			__atomic_store_n(&watch.asleep, true, __ATOMIC_SEQ_CST);
			if (!look())
				(void)pthread_cond_wait(&watch.wake,
							&watch.lock);
			__atomic_store_n(&watch.asleep, false,
					 __ATOMIC_RELAXED);
			quiet = 0;
			continue;
		}
		(void)pthread_mutex_unlock(&watch.lock);
		(void)nanosleep(&tick, NULL);
		(void)pthread_mutex_lock(&watch.lock);
		quiet = look() ? 0 : quiet + 1;
	}
	(void)pthread_mutex_unlock(&watch.lock);
	return NULL;
}

/* From SCHED_IDLE there may be no way back: RLIMIT_NICE. */
static void *try_return(void *arg)
{
	struct sched_param none = { 0 };
	bool *ret_ok = arg;

	*ret_ok = sched_setscheduler(0, SCHED_IDLE, &none) == 0 &&
		  run_soon(0) == 0;
	return NULL;
}

static int start_quietly(pthread_t *t, void *(*run)(void *), void *arg)
{
	sigset_t all, old;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(t, NULL, run, arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

int pace_start(int dev)
{
	bool ok = false;
	pthread_t t;
	int r = start_quietly(&t, try_return, &ok);

	if (r == 0)
		(void)pthread_join(t, NULL);
	if (r < 0 || !ok)
		return r < 0 ? r : -EPERM;
	if (sched_getaffinity(0, sizeof(watch.all), &watch.all) < 0)
		return -errno;
	watch.dev = dev;
	watch.asleep = false;
	watch.stop = false;
	r = start_quietly(&watch.thread, run_watch, NULL);
	watch.started = r == 0;
	return r;
}

void pace_stop(void)
{
	if (!watch.started)
		return;
	(void)pthread_mutex_lock(&watch.lock);
	watch.stop = true;
	(void)pthread_cond_signal(&watch.wake);
	(void)pthread_mutex_unlock(&watch.lock);
	(void)pthread_join(watch.thread, NULL);
	watch.started = false;
}

/* --- request threads --- */

void pace_init(void)
{
	(void)run_soon(0);
	if (!watch.started)
		return;
	(void)pthread_mutex_lock(&watch.lock);
	for (size_t i = 0; i < SEATS && !self.seat; i++)
		if (watch.seats[i].tid == 0)
			self.seat = &watch.seats[i];
	if (self.seat) {
		*self.seat = (struct seat){ 0 };
		self.seat->tid = (pid_t)syscall(SYS_gettid);
	}
	(void)pthread_mutex_unlock(&watch.lock);
}

void pace_done(void)
{
	if (!self.seat)
		return;
	(void)pthread_mutex_lock(&watch.lock);
	*self.seat = (struct seat){ 0 };
	(void)pthread_mutex_unlock(&watch.lock);
	self.seat = NULL;
}

static void enter_idle(struct seat *s)
{
	struct sched_param none = { 0 };
	uint64_t now = now_ns();

	if (now < s->resume_ns)
		return;
	(void)pthread_mutex_lock(&watch.lock);
	if (sched_setscheduler(0, SCHED_IDLE, &none) == 0) {
		s->since_ns = now;
		__atomic_store_n(&s->idle, true, __ATOMIC_RELEASE);
	}
	(void)pthread_mutex_unlock(&watch.lock);
}

/* One client, or several on one CPU: beside them. Else wherever there is
 * room. */
static void end_of_window(struct seat *s)
{
	size_t cpu;

	if (!__atomic_load_n(&s->idle, __ATOMIC_ACQUIRE)) {
		unpin();
		enter_idle(s);
		return;
	}
	cpu = self.client > 0 ? cpu_of(self.client) : CPU_SETSIZE;
	if (self.same * 4 >= self.counted * 3 || cpu == self.cpu)
		pin_to(cpu);
	else
		unpin();
	self.cpu = cpu;
}

void pace_request(pid_t client)
{
	struct seat *s = self.seat;

	if (!s)
		return;
	/* Either we see the watcher asleep, or it sees this request. */
	__atomic_store_n(&s->done, s->done + 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&watch.asleep, __ATOMIC_SEQ_CST) &&
	    __atomic_load_n(&s->idle, __ATOMIC_RELAXED)) {
		(void)pthread_mutex_lock(&watch.lock);
		__atomic_store_n(&watch.asleep, false, __ATOMIC_SEQ_CST);
		(void)pthread_cond_signal(&watch.wake);
		(void)pthread_mutex_unlock(&watch.lock);
	}
	if (client > 0) {
		self.counted++;
		self.same += client == self.client;
		self.client = client;
	}
	if (++self.n < WINDOW)
		return;
	end_of_window(s);
	self.n = self.same = self.counted = 0;
}

void pace_answered(void)
{
	if (self.seat)
		__atomic_store_n(&self.seat->done, self.seat->done + 1,
				 __ATOMIC_RELEASE);
}

void pace_away(bool away)
{
	if (self.seat)
		__atomic_store_n(&self.seat->away, away, __ATOMIC_RELEASE);
}
