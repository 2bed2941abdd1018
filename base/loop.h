/* SPDX-License-Identifier: MIT */
/*
 * loop.h - one epoll loop per process: descriptors, timers, signals, children
 *
 * Callbacks run on the loop's thread and must not block. A source may be
 * removed from within any callback, its own included.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

struct loop;
struct loop_source;

typedef void loop_io_fn(struct loop *, int fd, uint32_t events, void *arg);
typedef void loop_timer_fn(struct loop *, void *arg);
typedef void loop_signal_fn(struct loop *, int signo, void *arg);

int loop_new(struct loop **ret);
/* Removes what sources are left; their descriptors stay open. NULL is fine. */
struct loop *loop_free(struct loop *l);

/*
 * events: EPOLLIN, EPOLLOUT, ...; the fd is borrowed: remove the source before
 * closing it, or a new descriptor of that number is taken out in its place.
 * ret may be NULL.
 */
int loop_add_io(struct loop *l, int fd, uint32_t events, loop_io_fn *fn,
		void *arg, struct loop_source **ret);
int loop_mod_io(struct loop_source *s, uint32_t events);
/*
 * Waits for the source by poll from now on instead of epoll, which keeps the
 * kernel's hint to run us on the waker's CPU. Of more than a few such sources
 * the one that became so first goes back to epoll. Else as before.
 */
int loop_direct_io(struct loop_source *s);
/* One-shot after delay_ns (loop_timer_arm re-arms); 0 = disarmed. */
int loop_add_timer(struct loop *l, uint64_t delay_ns, loop_timer_fn *fn,
		   void *arg, struct loop_source **ret);
int loop_timer_arm(struct loop_source *s, uint64_t delay_ns);
/* Blocks signo in the process and delivers it here (signalfd). */
int loop_add_signal(struct loop *l, int signo, loop_signal_fn *fn, void *arg);
/* Runs once before the next wait; for work that must leave a callback. */
int loop_defer(struct loop *l, loop_timer_fn *fn, void *arg);
/* NULL is a no-op; frees the source; returns NULL. */
struct loop_source *loop_remove(struct loop_source *s);

/* Monotonic clock read once per turn, nanoseconds. */
uint64_t loop_now(const struct loop *l);
/* Runs until loop_quit(). Return: the code given to it, or -errno. */
int loop_run(struct loop *l);
void loop_quit(struct loop *l, int code);

#endif
