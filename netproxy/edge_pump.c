/* SPDX-License-Identifier: MIT */
/*
 * edge_pump.c - two streams that are one
 */
#include <stdlib.h>

#include "netproxy/edge.h"

static void pass(struct stream *from, struct stream *to)
{
	while (stream_move(from, to, SIZE_MAX) > 0)
		;
	if (from->eof && from->in.len == 0 && !to->shut_when_flushed)
		stream_shutdown(to);
}

void edge_pump_run(struct stream *s, void *arg)
{
	struct edge_pump *p = arg;

	(void)s;
	pass(&p->far, &p->near);
	pass(&p->near, &p->far);
	if (!p->greeted && tls_is_up(&p->far)) {
		p->greeted = true;
		p->timer = loop_remove(p->timer);
	}
	if (!p->far.failed && !p->near.failed &&
	    !(p->far.shut && p->near.shut)) {
		stream_want(&p->far, true);
		stream_want(&p->near, true);
		return;
	}
	p->timer = loop_remove(p->timer);
	p->over(p);
}
