/* SPDX-License-Identifier: MIT */
/*
 * ask.c - questions of the proxy to a person, put through the server
 */
#include "netproxy/ask.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

struct ask {
	struct ask *next, **link;
	uint32_t id;
	ask_done_fn *done;
	void *arg;
};

/* Not the ids of the session's proxy before this one: their answers may come
 * here. */
static uint32_t next_id(struct asker *a)
{
	if (a->last == 0)
		a->last = (uint32_t)(clock_realtime_ns() >> 10);
	a->last = (a->last + 1) & 0x7fffffffU;
	if (a->last == 0)
		a->last = 1;
	return a->last;
}

int ask_person(struct asker *a, const struct proto_approval_ask *q,
	       ask_done_fn *done, void *arg, struct ask **ret_ask)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct ask *x;
	int r = proto_approval_ask_encode(q, &body);

	if (r < 0)
		return r;
	if (!a->channel)
		return -EOPNOTSUPP;
	x = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	*x = (struct ask){ .id = next_id(a), .done = done, .arg = arg };
	r = channel_send(a->channel, PROTO_APPROVAL_ASK, x->id, buf_str(&body),
			 NULL, 0);
	if (r < 0) {
		free(x);
		return r;
	}
	x->next = a->first;
	x->link = &a->first;
	if (x->next)
		x->next->link = &x->next;
	a->first = x;
	*ret_ask = x;
	return 0;
}

struct ask *ask_cancel(struct ask *q)
{
	if (!q)
		return NULL;
	*q->link = q->next;
	if (q->next)
		q->next->link = q->link;
	free(q);
	return NULL;
}

int ask_answer(struct asker *a, const struct channel_msg *m)
{
	struct proto_approval answer;
	struct ask *q = a->first;
	int r = proto_approval_decode(m->body, &answer);

	if (r < 0)
		return r;
	while (q && q->id != m->id)
		q = q->next;
	if (q) {
		ask_done_fn *done = q->done;
		void *arg = q->arg;

		(void)ask_cancel(q);
		done(arg, answer.approved);
	}
	return 0;
}
