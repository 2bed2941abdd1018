/* SPDX-License-Identifier: MIT */
/*
 * ask.h - questions of the proxy to a person, put through the server
 *
 * The server keeps the time and says no when it is over; a question without an
 * answer ends with the server, and with it this process.
 */
#ifndef NETPROXY_ASK_H
#define NETPROXY_ASK_H

#include "core/channel.h"
#include "core/proto.h"

struct ask;

struct asker {
	struct channel *channel; /* borrowed; NULL: nobody can be asked */
	bool enabled;            /* approvals are on; else rules allow */
	uint32_t last;           /* id of the last question */
	struct ask *first;
};

/* Called once, from the loop, unless the question was cancelled before. */
typedef void ask_done_fn(void *arg, bool approved);

/*
 * q->command_id: "port:N" stands for the command whose connection has that
 * local port. *ret_ask is good until done() or ask_cancel().
 * Return: 0; -errno: nobody was asked, so deny.
 */
int ask_person(struct asker *a, const struct proto_approval_ask *q,
	       ask_done_fn *done, void *arg, struct ask **ret_ask);
/* The answer will not be told; NULL is fine. Returns NULL. */
struct ask *ask_cancel(struct ask *q);
/* PROTO_APPROVAL came; unknown ids are ignored. 0 or -EBADMSG. */
int ask_answer(struct asker *a, const struct channel_msg *m);

#endif
