/* SPDX-License-Identifier: MIT */
/*
 * dial.h - from a judged name to a connected socket
 *
 * Resolves once, judges every address with the name, dials the allowed ones in
 * order until one answers. The address judged is the address dialled. A
 * rule that wants an approval is asked about before anything is looked up. A
 * connect_redirect of the policy takes the place of all that; host and port as
 * asked must be allowed first.
 */
#ifndef NETPROXY_DIAL_H
#define NETPROXY_DIAL_H

#include "base/addr.h"
#include "base/loop.h"
#include "netproxy/ask_net.h"
#include "netproxy/gate.h"
#include "netproxy/resolve.h"

struct dial;

struct dial_result {
	int error; /* 0, -EACCES (denied: see answer), -ENOENT, -ETIMEDOUT... */
	int fd;    /* owned by the callee when error is 0 */
	struct net_answer answer;
	struct addr addr;
	bool has_addr; /* addr was dialled or is what was refused */
	/* a connect_redirect's target, valid during the call; else NULL */
	const char *redirect;
	/* the rule that a person was asked about, who said yes; else 0 */
	uint32_t approved;
};

typedef void dial_fn(void *arg, const struct dial_result *r);

struct dialer {
	struct loop *loop;
	struct resolver *resolver;
	const struct gate *gate;
	struct asker *asker; /* borrowed; NULL: approve rules deny */
};

/*
 * literal: the address when host is one, else NULL. fn is called exactly once
 * from the loop, never from within this call, unless cancelled; *ret becomes
 * NULL then.
 */
int dial_start(const struct dialer *d, struct str host,
	       const struct addr *literal, uint16_t port, dial_fn *fn,
	       void *arg, struct dial **ret);
/*
 * The same for a place that the operator's configuration names (a provider of
 * language models, a declared service): no rule has to allow it. What is
 * closed to everybody stays so.
 */
int dial_declared(const struct dialer *d, struct str host,
		  const struct addr *literal, uint16_t port, dial_fn *fn,
		  void *arg, struct dial **ret);
void dial_cancel(struct dial *d);

#endif
