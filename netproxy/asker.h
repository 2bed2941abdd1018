/* SPDX-License-Identifier: MIT */
/*
 * asker.h - questions of this process that wait for a person (approve rules)
 *
 * The server puts them to somebody and answers, at the latest when the rule's
 * time-out has passed. What asks waits; everything else goes on.
 */
#ifndef NETPROXY_ASKER_H
#define NETPROXY_ASKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "core/channel.h"
#include "netproxy/gate.h"

#define ASKER_MAX 64 /* questions that wait; the server takes fewer */

struct asking;
typedef void asking_fn(void *arg, bool approved);

struct asker {
	struct channel *channel; /* borrowed */
	bool on; /* there are approvals; else approve rules deny */
	struct asking *first;
	uint32_t next_ticket;
	size_t n;
};

/* True if an approval would make the answer a permission. */
bool asker_may(const struct asker *a, const struct net_answer *answer);
/*
 * Asks for what the gate has answered. fn is called exactly once from the loop,
 * unless cancelled; *ret becomes NULL then. 0, -EBUSY, or -errno: then it is
 * denied.
 */
int asker_ask(struct asker *a, const struct gate *g, struct str host,
	      const struct addr *addr, uint16_t port,
	      const struct net_answer *answer, asking_fn *fn, void *arg,
	      struct asking **ret);
/* NULL is a no-op. A late answer is ignored. */
void asker_cancel(struct asking *q);
/* The server's PROTO_APPROVAL. 0 or -EBADMSG. */
int asker_on_answer(struct asker *a, const struct channel_msg *m);

#endif
