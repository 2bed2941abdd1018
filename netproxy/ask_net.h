/* SPDX-License-Identifier: MIT */
/*
 * ask_net.h - connections and datagrams that wait for a person (approve rules)
 */
#ifndef NETPROXY_ASK_NET_H
#define NETPROXY_ASK_NET_H

#include "netproxy/ask.h"
#include "netproxy/gate.h"

/* What is asked about. */
struct ask_net {
	const struct gate *gate;
	struct str host;
	const struct addr *addr; /* or NULL: the name alone */
	uint16_t port;
	uint16_t client_port; /* of the command's connection; 0 = unknown */
	const struct net_answer *answer;
};

/* True if an approval would make the answer a permission. a may be NULL. */
bool ask_net_may(const struct asker *a, const struct net_answer *answer);
/* As ask_person(). */
int ask_net(struct asker *a, const struct ask_net *q, ask_done_fn *done,
	    void *arg, struct ask **ret_ask);

#endif
