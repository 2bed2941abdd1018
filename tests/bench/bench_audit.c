/* SPDX-License-Identifier: MIT */
/*
 * bench_audit.c - four writers at a given rate: what was emitted is stored,
 * or counted as dropped; no denial is
 *
 *	bench_audit DIRECTORY [EVENTS [PER_SECOND]]
 *
 * Each writer is a process with a ring of its own, emitting through ring_sink
 * as workers do; one event in a hundred is a denial. The reader does what the
 * server does with each: decode, append, flush per turn. Defaults: 1,000,000
 * events at 100,000 per second. Exit 1 when the sums do not agree.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/store.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/num.h"
#include "core/event.h"
#include "core/ring_sink.h"

#define WRITERS        4
#define DENIAL_EVERY   100
#define PER_TURN       2000
#define BURST_NS       1000000U
#define SIZE_OF_SERVER RING_DEFAULT_SIZE

struct writer {
	struct ring *ring;
	int memfd, eventfd;
	pid_t pid;
};

/* What the writers counted; shared memory. */
struct counts {
	uint64_t emitted[WRITERS], denials[WRITERS], failed[WRITERS];
};

struct tally {
	uint64_t stored, denials, gap_sum, gaps;
};

static void make_event(struct event *e, uint64_t i)
{
	static char path[64];

	*e = (struct event)EVENT_INIT("file_open");
	(void)snprintf(path, sizeof(path), "/workspace/src/file-%llu.c",
		       (unsigned long long)(i % 5000));
	e->session_id = STR("bench");
	e->command_id = STR("cmd-00000000-0000-0000-0000-000000000000");
	e->source = STR("seccomp");
	e->pid = 4242;
	e->path = str_from(path);
	e->operation = STR("open");
	e->rule = STR("allow-workspace");
	e->has_policy = true;
	e->decision = e->effective_decision = i % DENIAL_EVERY ? VERDICT_ALLOW
							       : VERDICT_DENY;
	e->action = i % DENIAL_EVERY ? EVENT_ALLOWED : EVENT_BLOCKED;
	event_add_str(e, "syscall", STR("openat"));
}

/* n events, spread evenly over time in bursts of a millisecond. */
static void write_events(struct writer *w, struct counts *c, int me, uint64_t n,
			 uint64_t per_second)
{
	uint64_t start = clock_monotonic_ns();
	struct ring_sink sink;
	struct ring *ring;

	if (ring_attach(w->memfd, w->eventfd, &ring) < 0)
		_exit(1);
	ring_sink_init(&sink, ring, STR("bench"), 0);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t due = start + i * 1000000000U / per_second;
		struct event e;

		make_event(&e, i);
		while (clock_monotonic_ns() + BURST_NS < due)
			(void)usleep(500);
		if (sink_emit(&sink.sink, &e) < 0)
			c->failed[me]++;
		c->emitted[me]++;
		c->denials[me] += event_is_denial(&e);
	}
	/* The end of a gap is told by the next event. */
	for (int i = 0; i < 2000 && sink.gap + ring_take_dropped(ring); i++) {
		struct event e;

		make_event(&e, 1);
		(void)usleep(5000);
		c->emitted[me]++;
		(void)sink_emit(&sink.sink, &e);
	}
	ring_sink_done(&sink);
	_exit(0);
}

static int record(struct audit_store *s, struct str bytes, struct tally *t)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	struct event e;

	if (event_decode(bytes, &a, &e) < 0)
		return -EBADMSG;
	if (str_eq_c(e.type, "events_dropped")) {
		t->gaps++;
		for (size_t i = 0; i < e.n_fields; i++)
			if (e.fields[i].type == EVENT_INT)
				t->gap_sum += (uint64_t)e.fields[i].num;
	} else {
		t->stored++;
		t->denials += event_is_denial(&e);
	}
	return audit_append(s, &e);
}

/* Return: true when something was there. */
static bool drain(struct audit_store *s, struct writer *w, struct tally *t)
{
	struct str bytes;
	int i;

	for (i = 0; i < PER_TURN && ring_pending(w->ring); i++) {
		if (ring_peek(w->ring, &bytes) < 0)
			break;
		if (record(s, bytes, t) < 0) {
			(void)fprintf(stderr, "not recorded\n");
			exit(1);
		}
		ring_consume(w->ring);
	}
	return i > 0;
}

static uint64_t read_all(struct audit_store *s, struct writer *w,
			 struct tally *t)
{
	int running = WRITERS;
	uint64_t start = clock_monotonic_ns();

	while (running > 0) {
		bool any = false;

		for (int i = 0; i < WRITERS; i++)
			any |= drain(s, &w[i], t);
		while (running > 0 && waitpid(-1, NULL, WNOHANG) > 0)
			running--;
		if (!any)
			(void)usleep(1000);
	}
	for (int i = 0; i < WRITERS; i++)
		while (drain(s, &w[i], t))
			continue;
	if (audit_flush(s) < 0)
		exit(1);
	return clock_monotonic_ns() - start;
}

static int start(struct writer *w, struct counts *c, uint64_t n, uint64_t rate)
{
	for (int i = 0; i < WRITERS; i++)
		if (ring_create(SIZE_OF_SERVER, &w[i].ring, &w[i].memfd,
				&w[i].eventfd) < 0)
			return -ENOMEM;
	for (int i = 0; i < WRITERS; i++) {
		w[i].pid = fork();
		if (w[i].pid < 0)
			return -errno;
		if (w[i].pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			write_events(&w[i], c, i, n / WRITERS, rate / WRITERS);
		}
	}
	return 0;
}

static int report(const struct counts *c, const struct tally *t, uint64_t ns)
{
	uint64_t emitted = 0, denials = 0, failed = 0;
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	for (int i = 0; i < WRITERS; i++) {
		emitted += c->emitted[i];
		denials += c->denials[i];
		failed += c->failed[i];
	}
	printf("emitted %llu, stored %llu, dropped and counted %llu (%llu "
	       "gaps)\n",
	       (unsigned long long)emitted, (unsigned long long)t->stored,
	       (unsigned long long)t->gap_sum, (unsigned long long)t->gaps);
	printf("denials: emitted %llu, stored %llu, refused %llu\n",
	       (unsigned long long)denials, (unsigned long long)t->denials,
	       (unsigned long long)failed);
	printf("%.1f s, %.0f stored/s, reader CPU %.2f us per event\n",
	       (double)ns / 1e9, (double)t->stored / ((double)ns / 1e9),
	       ((double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec)) /
		       (double)(t->stored ? t->stored : 1));
	if (emitted != t->stored + t->gap_sum + failed ||
	    denials != t->denials + failed || failed) {
		printf("THE SUMS DO NOT AGREE\n");
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct audit_options o = { .batch_size = 512 };
	struct writer w[WRITERS] = { 0 };
	struct tally t = { 0 };
	struct audit_store *s;
	struct counts *c;
	uint64_t n = 1000000, rate = 100000, ns;

	if (argc < 2 ||
	    (argc > 2 && num_parse_u64(str_from(argv[2]), &n) < 0) ||
	    (argc > 3 && num_parse_u64(str_from(argv[3]), &rate) < 0) ||
	    rate < WRITERS) {
		(void)fprintf(stderr, "usage: bench_audit DIRECTORY [EVENTS "
				      "[PER_SECOND]]\n");
		return 2;
	}
	buf_printf(&path, "%s/bench-audit.db", argv[1]);
	o.sqlite_path = buf_cstr(&path);
	c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c == MAP_FAILED || start(w, c, n, rate) < 0 ||
	    audit_open(&o, &s) < 0)
		return 1;
	ns = read_all(s, w, &t);
	(void)audit_close(s);
	for (int i = 0; i < WRITERS; i++)
		(void)ring_free(w[i].ring);
	return report(c, &t, ns);
}
