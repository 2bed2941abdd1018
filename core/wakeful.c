/* SPDX-License-Identifier: MIT */
/*
 * wakeful.c - idle CPUs stay awake while requests flow
 *
 * In a virtual machine whose idle CPUs leave the guest (cpuidle driver
 * haltpoll), each wake-up costs an exit, an interrupt and a place in the host's
 * queue: 60 us where the request itself takes 7. A latency request of 0
 * (PM QoS, /dev/cpu_dma_latency) makes the idle loop poll, and a wake-up is a
 * store to a flag. That burns the CPU, so it is held only while there are at
 * least RATE_MIN requests a second: below that, what the wake-ups cost is less
 * than a twentieth of the time.
 *
 *   requests:  burst, burst within BURST_NS -> write 0, post
 *   thread:    wait -> { sleep TICK_NS; fewer than TICK_MIN? } -> write -1
 *
 * Nothing is written per request, and the thread sleeps when nothing happens.
 * The request is the descriptor's: it ends with the process.
 */
#include "core/wakeful.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"

#define DEVICE   "/dev/cpu_dma_latency"
#define DRIVER   "/sys/devices/system/cpu/cpuidle/current_driver"
#define CPUS_MAX 8L /* polling all of them for one client must be cheap */
#define TICK_NS  10000000L
#define RATE_MIN 800L
#define TICK_MIN ((unsigned int)(RATE_MIN * (TICK_NS / 1000000L) / 1000))
#define BURST_NS (1000000000L / RATE_MIN * WAKEFUL_BURST)
#define NONE     (-1) /* no latency is asked for: PM_QOS_DEFAULT_VALUE */

unsigned int wakeful_count;

static struct {
	int fd;
	bool held, stop; /* relaxed access */
	int64_t last_ns; /* relaxed access */
	sem_t wake;
	pthread_t thread;
} state = { .fd = -1 };

static int64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void ask(int32_t us)
{
	(void)!write(state.fd, &us, sizeof(us));
}

void wakeful_burst(void)
{
	int64_t now, last;

	if (state.fd < 0 || __atomic_load_n(&state.held, __ATOMIC_RELAXED))
		return;
	now = now_ns();
	last = __atomic_exchange_n(&state.last_ns, now, __ATOMIC_RELAXED);
	if (now - last > BURST_NS ||
	    __atomic_exchange_n(&state.held, true, __ATOMIC_ACQ_REL))
		return;
	ask(0);
	(void)sem_post(&state.wake);
}

static void wait_for_quiet(void)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };
	unsigned int before, now;

	now = __atomic_load_n(&wakeful_count, __ATOMIC_RELAXED);
	do {
		before = now;
		(void)nanosleep(&tick, NULL);
		now = __atomic_load_n(&wakeful_count, __ATOMIC_RELAXED);
	} while (now - before >= TICK_MIN &&
		 !__atomic_load_n(&state.stop, __ATOMIC_RELAXED));
}

static void *run(void *arg)
{
	(void)arg;
	for (;;) {
		while (sem_wait(&state.wake) < 0 && errno == EINTR)
			;
		if (__atomic_load_n(&state.stop, __ATOMIC_RELAXED))
			return NULL;
		wait_for_quiet();
		ask(NONE);
		__atomic_store_n(&state.held, false, __ATOMIC_RELEASE);
	}
}

/* Idle means leaving the guest, and few CPUs would poll. */
static bool is_of_use(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	return fd_read_file(AT_FDCWD, DRIVER, 64, &b) == 0 &&
	       str_eq_c(str_trim(buf_str(&b)), "haltpoll") &&
	       sysconf(_SC_NPROCESSORS_ONLN) <= CPUS_MAX;
}

int wakeful_start(void)
{
	int fd;

	if (!is_of_use())
		return -ENODEV;
	fd = open(DEVICE, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : wakeful_start_at(fd);
}

int wakeful_start_at(int fd)
{
	_cleanup_close_ int own = fd;
	sigset_t all, old;
	int r;

	if (state.fd >= 0)
		return -EALREADY;
	if (sem_init(&state.wake, 0, 0) < 0)
		return -errno;
	state.held = state.stop = false;
	state.last_ns = 0;
	state.fd = own;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&state.thread, NULL, run, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
		(void)TAKE_FD(own);
	else
		state.fd = -1;
	return r;
}

void wakeful_stop(void)
{
	if (state.fd < 0)
		return;
	__atomic_store_n(&state.stop, true, __ATOMIC_RELAXED);
	(void)sem_post(&state.wake);
	(void)pthread_join(state.thread, NULL);
	(void)close(state.fd);
	state.fd = -1;
	(void)sem_destroy(&state.wake);
}
