/* SPDX-License-Identifier: MIT */
/*
 * loop.c - one epoll loop per process
 *
 * Removal inside callbacks: loop_remove() takes a source out of epoll at once
 * and marks it dead; the memory goes when the current batch of events has been
 * dispatched, because a later event of the same batch may still point to it.
 *
 * Timers sit in a binary heap and share one time-out of epoll_pwait2 (epoll_wait
 * with the milliseconds rounded up before 5.11), so a timer costs no
 * descriptor and arming it no system call.
 *
 * Direct sources are waited for by ppoll() beside the epoll instance, which is
 * then just one more descriptor of it. A waker's hint to run the waiter on its
 * own CPU (seccomp's SYNC_WAKE_UP) reaches a waiter in poll, but is lost in
 * epoll; where wake-ups of another CPU are dear that is most of the latency.
 * There are few of them, because ppoll looks at each every turn. While there
 * are any, timers are a timerfd in the epoll instance: a time-out of ppoll is a
 * kernel timer set and taken back each turn, a fifth of what a turn takes.
 *
 * Signals share one signalfd. signalfd merges equal pending signals, so a
 * SIGCHLD handler must drain waitpid() until nothing is left.
 */
#include "base/loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/vec.h"

#define LOOP_BATCH 64
#define MAX_DIRECT 16
#define NS_PER_MS  1000000ULL
#define NOT_ARMED  SIZE_MAX

enum source_kind {
	SOURCE_IO = 0,
	SOURCE_TIMER
};

struct loop_source {
	struct loop *loop; /* borrowed */
	enum source_kind kind;
	bool dead;
	void *arg;
	/* SOURCE_IO */
	int fd;
	uint32_t events;
	loop_io_fn *io;
	/* SOURCE_TIMER */
	loop_timer_fn *timer;
	uint64_t due;                     /* monotonic ns */
	size_t in_heap;                   /* index, or NOT_ARMED */
	struct loop_source *next, **link; /* list of all live, or of dead */
};

struct deferred {
	loop_timer_fn *fn;
	void *arg;
};

struct signal_handler {
	loop_signal_fn *fn;
	void *arg;
};

struct loop {
	int epoll; /* owned */
	uint64_t now;
	bool quit;
	int code;
	VEC(struct loop_source *) heap;  /* borrowed, min-heap by due */
	struct loop_source *live, *dead; /* owned lists */
	VEC(struct deferred) deferred;
	struct loop_source *direct[MAX_DIRECT]; /* borrowed */
	size_t n_direct;
	int timer_fd;   /* owned; -1 until there are direct sources */
	uint64_t armed; /* what timer_fd is set to; 0 = nothing */
	int signal_fd;  /* owned; -1 until a signal is added */
	sigset_t signal_set;
	struct signal_handler handlers[_NSIG];
};

static void list_add(struct loop_source **head, struct loop_source *s)
{
	s->next = *head;
	s->link = head;
	if (s->next)
		s->next->link = &s->next;
	*head = s;
}

static void list_del(struct loop_source *s)
{
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
}

static void heap_set(struct loop *l, size_t i, struct loop_source *s)
{
	l->heap.data[i] = s;
	s->in_heap = i;
}

/* Moves the element at i to where its time belongs. */
static void heap_fix(struct loop *l, size_t i)
{
	struct loop_source *s = l->heap.data[i];

	while (i && l->heap.data[(i - 1) / 2]->due > s->due) {
		heap_set(l, i, l->heap.data[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= l->heap.n)
			break;
		if (child + 1 < l->heap.n &&
		    l->heap.data[child + 1]->due < l->heap.data[child]->due)
			child++;
		if (l->heap.data[child]->due >= s->due)
			break;
		heap_set(l, i, l->heap.data[child]);
		i = child;
	}
	heap_set(l, i, s);
}

static void heap_remove(struct loop *l, struct loop_source *s)
{
	size_t i = s->in_heap;
	struct loop_source *last;

	if (i == NOT_ARMED)
		return;
	s->in_heap = NOT_ARMED;
	last = l->heap.data[--l->heap.n];
	if (last != s) {
		heap_set(l, i, last);
		heap_fix(l, i);
	}
}

int loop_new(struct loop **ret)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->signal_fd = l->timer_fd = -1;
	sigemptyset(&l->signal_set);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		int r = -errno;

		free(l);
		return r;
	}
	l->now = clock_monotonic_ns();
	*ret = l;
	return 0;
}

static void free_list(struct loop_source **head)
{
	while (*head) {
		struct loop_source *s = *head;

		*head = s->next;
		free(s);
	}
}

struct loop *loop_free(struct loop *l)
{
	if (!l)
		return NULL;
	free_list(&l->live);
	free_list(&l->dead);
	vec_done(&l->heap);
	vec_done(&l->deferred);
	if (l->signal_fd >= 0)
		(void)close(l->signal_fd);
	if (l->timer_fd >= 0)
		(void)close(l->timer_fd);
	(void)close(l->epoll);
	free(l);
	return NULL;
}

static struct loop_source *source_new(struct loop *l, enum source_kind kind,
				      void *arg)
{
	struct loop_source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->loop = l;
	s->kind = kind;
	s->arg = arg;
	s->fd = -1;
	s->in_heap = NOT_ARMED;
	list_add(&l->live, s);
	return s;
}

int loop_add_io(struct loop *l, int fd, uint32_t events, loop_io_fn *fn,
		void *arg, struct loop_source **ret)
{
	struct loop_source *s = source_new(l, SOURCE_IO, arg);
	struct epoll_event ev = { .events = events, .data.ptr = s };

	if (!s)
		return -ENOMEM;
	s->fd = fd;
	s->events = events;
	s->io = fn;
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) < 0) {
		int r = -errno;

		list_del(s);
		free(s);
		return r;
	}
	if (ret)
		*ret = s;
	return 0;
}

static int epoll_mod(struct loop_source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	return epoll_ctl(s->loop->epoll, EPOLL_CTL_MOD, s->fd, &ev) < 0 ? -errno
									: 0;
}

/* Index among the direct sources; n_direct if it is none. */
static size_t direct_index(const struct loop_source *s)
{
	size_t i = 0;

	while (i < s->loop->n_direct && s->loop->direct[i] != s)
		i++;
	return i;
}

static bool is_direct(const struct loop_source *s)
{
	return direct_index(s) < s->loop->n_direct;
}

static void direct_drop(struct loop_source *s)
{
	struct loop *l = s->loop;
	size_t i = direct_index(s);

	if (i == l->n_direct)
		return;
	l->n_direct--;
	memmove(l->direct + i, l->direct + i + 1,
		(l->n_direct - i) * sizeof(l->direct[0]));
}

int loop_mod_io(struct loop_source *s, uint32_t events)
{
	int r;

	if (s->kind != SOURCE_IO || s->dead)
		return -EINVAL;
	r = is_direct(s) ? 0 : epoll_mod(s, events);
	if (r == 0)
		s->events = events;
	return r;
}

int loop_direct_io(struct loop_source *s)
{
	struct loop *l = s->loop;
	int r;

	if (s->kind != SOURCE_IO || s->dead)
		return -EINVAL;
	if (is_direct(s))
		return 0;
	if (l->n_direct == MAX_DIRECT) {
		struct loop_source *oldest = l->direct[0];

		r = epoll_mod(oldest, oldest->events);
		if (r < 0)
			return r;
		direct_drop(oldest);
	}
	/* Stays in epoll without events: errors and HUP wake it either way. */
	r = epoll_mod(s, 0);
	if (r == 0)
		l->direct[l->n_direct++] = s;
	return r;
}

int loop_timer_arm(struct loop_source *s, uint64_t delay_ns)
{
	struct loop *l = s->loop;
	int r;

	if (s->kind != SOURCE_TIMER || s->dead)
		return -EINVAL;
	heap_remove(l, s);
	if (delay_ns == 0)
		return 0;
	r = vec_reserve(&l->heap, l->heap.n + 1);
	if (r < 0)
		return r;
	/* The clock and not l->now: a long callback would shorten the wait. */
	if (__builtin_add_overflow(clock_monotonic_ns(), delay_ns, &s->due))
		s->due = UINT64_MAX;
	l->heap.n++;
	heap_set(l, l->heap.n - 1, s);
	heap_fix(l, l->heap.n - 1);
	return 0;
}

int loop_add_timer(struct loop *l, uint64_t delay_ns, loop_timer_fn *fn,
		   void *arg, struct loop_source **ret)
{
	struct loop_source *s = source_new(l, SOURCE_TIMER, arg);
	int r;

	if (!s)
		return -ENOMEM;
	s->timer = fn;
	r = loop_timer_arm(s, delay_ns);
	if (r < 0) {
		list_del(s);
		free(s);
		return r;
	}
	if (ret)
		*ret = s;
	return 0;
}

struct loop_source *loop_remove(struct loop_source *s)
{
	if (!s || s->dead)
		return NULL;
	s->dead = true;
	heap_remove(s->loop, s);
	direct_drop(s);
	/* The caller may have closed the fd already: then it is gone from
	 * epoll by itself, and failing here is fine. */
	if (s->kind == SOURCE_IO)
		(void)epoll_ctl(s->loop->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	list_del(s);
	list_add(&s->loop->dead, s);
	return NULL;
}

static void on_signal_fd(struct loop *l, int fd, uint32_t events, void *arg)
{
	/* What does not fit is still readable in the next turn. */
	struct signalfd_siginfo info[4];
	ssize_t n = read(fd, info, sizeof(info));

	(void)events;
	(void)arg;
	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(info[0]); i++) {
		struct signal_handler *h;

		if (info[i].ssi_signo >= _NSIG)
			continue;
		h = &l->handlers[info[i].ssi_signo];
		if (h->fn)
			h->fn(l, (int)info[i].ssi_signo, h->arg);
	}
}

int loop_add_signal(struct loop *l, int signo, loop_signal_fn *fn, void *arg)
{
	sigset_t one;
	int fd;

	if (signo <= 0 || signo >= _NSIG)
		return -EINVAL;
	sigemptyset(&one);
	sigaddset(&one, signo);
	sigaddset(&l->signal_set, signo);
	if (sigprocmask(SIG_BLOCK, &one, NULL) < 0)
		return -errno;
	fd = signalfd(l->signal_fd, &l->signal_set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	l->handlers[signo] = (struct signal_handler){ fn, arg };
	if (l->signal_fd < 0) {
		l->signal_fd = fd;
		return loop_add_io(l, fd, EPOLLIN, on_signal_fd, NULL, NULL);
	}
	return 0;
}

int loop_defer(struct loop *l, loop_timer_fn *fn, void *arg)
{
	return vec_push(&l->deferred, (struct deferred){ fn, arg });
}

uint64_t loop_now(const struct loop *l)
{
	return l->now;
}

void loop_quit(struct loop *l, int code)
{
	l->quit = true;
	l->code = code;
}

/* What was deferred before the call; work they defer waits for a turn. */
static void run_deferred(struct loop *l)
{
	size_t n = l->deferred.n;

	for (size_t i = 0; i < n && !l->quit; i++) {
		struct deferred d = l->deferred.data[i];

		d.fn(l, d.arg);
	}
	l->deferred.n -= n;
	if (l->deferred.n)
		memmove(l->deferred.data, l->deferred.data + n,
			l->deferred.n * sizeof(*l->deferred.data));
}

/* Timers due at the turn's clock; one that re-arms waits for a turn. */
static void run_timers(struct loop *l)
{
	while (!l->quit && l->heap.n && l->heap.data[0]->due <= l->now) {
		struct loop_source *s = l->heap.data[0];

		heap_remove(l, s);
		s->timer(l, s->arg);
	}
}

static struct timespec wait_time(const struct loop *l)
{
	uint64_t now = clock_monotonic_ns(), due, ns;

	if (l->deferred.n)
		return (struct timespec){ 0, 0 };
	due = l->heap.data[0]->due;
	ns = due > now ? due - now : 0;
	return (struct timespec){ (time_t)(ns / 1000000000U),
				  (long)(ns % 1000000000U) };
}

/* t: NULL = for ever. Return: number of events or -errno. */
static int wait_epoll(struct loop *l, struct epoll_event *events, int max,
		      const struct timespec *t)
{
	long n = syscall(SYS_epoll_pwait2, l->epoll, events, max, t, NULL,
			 (size_t)0);
	int64_t ms;

	if (n < 0 && (errno == ENOSYS || errno == EPERM)) {
		ms = !t ? -1
			: (int64_t)t->tv_sec * 1000 +
				     (t->tv_nsec + (long)NS_PER_MS - 1) /
					     (long)NS_PER_MS;
		n = epoll_wait(l->epoll, events, max,
			       (int)MIN(ms, (int64_t)INT_MAX));
	}
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return (int)n;
}

static void on_timer_fd(struct loop *l, int fd, uint32_t events, void *arg)
{
	uint64_t times;

	(void)events;
	(void)arg;
	(void)!read(fd, &times, sizeof(times));
	l->armed = 0;
}

static int open_timer_fd(struct loop *l)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int r = fd < 0 ? -errno
		       : loop_add_io(l, fd, EPOLLIN, on_timer_fd, NULL, NULL);

	if (r == 0)
		l->timer_fd = fd;
	else if (fd >= 0)
		(void)close(fd);
	return r;
}

/* The first timer wakes epoll. False: it cannot, and waits need a time-out. */
static bool set_timer_fd(struct loop *l)
{
	uint64_t due = l->heap.n ? l->heap.data[0]->due : 0;
	struct itimerspec t = { 0 };

	/* One that is set for nothing any more wakes us once. */
	if (due == 0 || due == l->armed)
		return true;
	if (l->timer_fd < 0 && open_timer_fd(l) < 0)
		return false;
	t.it_value.tv_sec = (time_t)(due / 1000000000U);
	t.it_value.tv_nsec = (long)(due % 1000000000U);
	if (timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &t, NULL) < 0)
		return false;
	l->armed = due;
	return true;
}

/* As wait_epoll, for the direct sources and epoll together. */
static int wait_direct(struct loop *l, struct epoll_event *events,
		       const struct timespec *t)
{
	const struct timespec now = { 0, 0 };
	struct pollfd p[MAX_DIRECT + 1];
	size_t n = l->n_direct;
	int got = 0, more;

	p[n] = (struct pollfd){ .fd = l->epoll, .events = POLLIN };
	for (size_t i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = l->direct[i]->fd,
					.events = (short)l->direct[i]->events };
	if (ppoll(p, n + 1, t, NULL) < 0)
		return errno == EINTR ? 0 : -errno;
	/* The bits of poll and epoll are the same. */
	for (size_t i = 0; i < n; i++)
		if (p[i].revents)
			events[got++] = (struct epoll_event){
				.events = (unsigned short)p[i].revents,
				.data.ptr = l->direct[i]
			};
	if (!p[n].revents)
		return got;
	more = wait_epoll(l, events + got, LOOP_BATCH - got, &now);
	return more < 0 ? more : got + more;
}

static int wait_events(struct loop *l, struct epoll_event *events)
{
	bool forever = l->heap.n == 0 && l->deferred.n == 0;
	struct timespec t = { 0, 0 };

	if (l->n_direct && !l->deferred.n && set_timer_fd(l))
		forever = true;
	if (!forever)
		t = wait_time(l);
	if (l->n_direct)
		return wait_direct(l, events, forever ? NULL : &t);
	return wait_epoll(l, events, LOOP_BATCH, forever ? NULL : &t);
}

static int run_once(struct loop *l)
{
	struct epoll_event events[LOOP_BATCH];
	int n = wait_events(l, events);

	if (n < 0)
		return n;
	l->now = clock_monotonic_ns();
	for (int i = 0; i < n && !l->quit; i++) {
		struct loop_source *s = events[i].data.ptr;

		if (!s->dead)
			s->io(l, s->fd, events[i].events, s->arg);
	}
	run_timers(l);
	run_deferred(l);
	free_list(&l->dead);
	return 0;
}

int loop_run(struct loop *l)
{
	l->quit = false;
	while (!l->quit) {
		int r = run_once(l);

		if (r < 0)
			return r;
	}
	return l->code;
}
