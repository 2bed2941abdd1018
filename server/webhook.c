/* SPDX-License-Identifier: MIT */
/*
 * webhook.c - audit.webhook
 *
 *	events ──▶ batch ──full, or old──▶ queue (sealed memfds) ──▶ agentsh-edge
 *
 * One batch is with agentsh-edge at a time; it tries for a while (about ten
 * seconds and the time-outs) and says how it ended. Meanwhile others queue up,
 * QUEUE_MAX of them: after that the newest batch is dropped. Should agentsh-edge
 * die, the batch it had is given to the next one.
 */
#include "server/webhook.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "server/app.h"
#include "server/edge.h"

#define QUEUE_MAX  64U
#define BATCH_MAX  (4U << 20) /* bytes: then it is full, whatever its number */
#define COMPLAIN_N 1000U      /* one line in the log per so many lost events */

struct batch {
	int fd; /* sealed; owned */
	uint64_t n;
};

struct webhook {
	struct app *app; /* borrowed */
	struct edge *edge;
	struct loop_source *timer; /* of the batch that is being filled */
	struct buf events;         /* "[{...},{...}" */
	uint64_t n;                /* in it */
	struct batch queue[QUEUE_MAX];
	unsigned int first, queued;
	bool busy; /* queue[first] is being delivered */
	uint64_t delivered, dropped, complained;
};

static void drop(struct webhook *h, uint64_t n, struct str why)
{
	h->dropped += n;
	if (h->complained && h->dropped - h->complained < COMPLAIN_N)
		return;
	h->complained = h->dropped;
	log_warn("audit.webhook: %llu events were not delivered: " STR_FMT,
		 (unsigned long long)h->dropped, STR_ARG(why));
}

static void send_next(struct webhook *h)
{
	if (h->busy || !h->queued)
		return;
	h->busy = edge_send(h->edge, &h->queue[h->first].fd, 1) == 0;
}

static void take_first(struct webhook *h)
{
	(void)close(h->queue[h->first].fd);
	h->first = (h->first + 1) % QUEUE_MAX;
	h->queued--;
	h->busy = false;
}

/* How the delivery ended; "": a new agentsh-edge has nothing yet. */
static void on_answer(void *arg, struct str text)
{
	struct webhook *h = arg;

	if (!text.n) {
		h->busy = false;
	} else if (h->busy) {
		if (str_eq(text, STR("ok")))
			h->delivered += h->queue[h->first].n;
		else
			drop(h, h->queue[h->first].n, text);
		take_first(h);
	}
	send_next(h);
}

static void seal(struct webhook *h)
{
	uint64_t n = h->n;
	int fd;

	if (!n)
		return;
	buf_putc(&h->events, ']');
	fd = h->events.error ? h->events.error
	     : h->queued == QUEUE_MAX
		     ? -ENOBUFS
		     : fd_sealed_memfd("webhook", buf_str(&h->events));
	buf_done(&h->events);
	h->n = 0;
	(void)loop_timer_arm(h->timer, 0);
	if (fd < 0) {
		drop(h, n,
		     fd == -ENOBUFS ? STR("too many batches wait")
				    : str_from(strerror(-fd)));
		return;
	}
	h->queue[(h->first + h->queued++) % QUEUE_MAX] =
		(struct batch){ fd, n };
	send_next(h);
}

static void on_old(struct loop *l, void *arg)
{
	(void)l;
	seal(arg);
}

void webhook_add(struct webhook *h, struct str json)
{
	const struct settings *cfg;

	if (!h || !json.n)
		return;
	cfg = &h->app->cfg;
	if (h->n == 0)
		(void)loop_timer_arm(h->timer, cfg->webhook.flush_ns);
	buf_putc(&h->events, h->n++ ? ',' : '[');
	buf_put_str(&h->events, json);
	if (h->n >= cfg->webhook.batch_size || h->events.len >= BATCH_MAX)
		seal(h);
}

void webhook_metrics(const struct webhook *h, struct buf *out)
{
	if (!h)
		return;
	buf_printf(out,
		   "# TYPE agentsh_webhook_delivered_total counter\n"
		   "agentsh_webhook_delivered_total %llu\n"
		   "# TYPE agentsh_webhook_dropped_total counter\n"
		   "agentsh_webhook_dropped_total %llu\n",
		   (unsigned long long)h->delivered,
		   (unsigned long long)h->dropped);
}

int webhook_start(struct app *app, struct buf *err)
{
	struct webhook *h;
	int r;

	if (!app->cfg.webhook.settings.n)
		return 0;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->app = app;
	r = loop_add_timer(app->loop, 0, on_old, h, &h->timer);
	if (r == 0)
		r = edge_start(app, "post", app->cfg.webhook.settings,
			       on_answer, h, &h->edge, err);
	app->webhook = h;
	return r;
}

struct webhook *webhook_stop(struct webhook *h)
{
	if (!h)
		return NULL;
	seal(h);
	/* what it is given now it still delivers, trying once */
	for (unsigned int i = h->busy; i < h->queued; i++) {
		const struct batch *b = &h->queue[(h->first + i) % QUEUE_MAX];

		if (edge_send(h->edge, &b->fd, 1) < 0)
			drop(h, b->n, STR("the server stopped"));
	}
	while (h->queued)
		take_first(h);
	h->edge = edge_stop(h->edge);
	h->timer = loop_remove(h->timer);
	buf_done(&h->events);
	free(h);
	return NULL;
}
