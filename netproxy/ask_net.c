/* SPDX-License-Identifier: MIT */
/*
 * ask_net.c - connections and datagrams that wait for a person
 */
#include "netproxy/ask_net.h"

#include <errno.h>
#include <string.h>

#include "core/op.h"

bool ask_net_may(const struct asker *a, const struct net_answer *answer)
{
	return a && a->enabled && a->channel && !answer->allowed &&
	       !answer->builtin && answer->verdict.kind == VERDICT_APPROVE;
}

int ask_net(struct asker *a, const struct ask_net *q, ask_done_fn *done,
	    void *arg, struct ask **ret_ask)
{
	const struct policy *p = q->gate->policy;
	struct op op = { .kind = OP_NET,
			 .net = { .host = q->host, .port = q->port } };
	_cleanup_buf_ struct buf message = BUF_INIT, target = BUF_INIT;
	_cleanup_buf_ struct buf command = BUF_INIT;
	struct proto_approval_ask ask = {
		.kind = str_from(op_kind_to_string(OP_NET)),
		.rule = gate_rule(q->gate, q->answer),
		.timeout_ns = (uint64_t)MAX(
			policy_rule_timeout(p, q->answer->verdict), (int64_t)0),
	};

	if (q->addr) {
		memcpy(op.net.addr, q->addr->b, sizeof(op.net.addr));
		op.net.has_addr = true;
	}
	policy_rule_message(p, q->answer->verdict, &op, &message);
	buf_printf(&target, STR_FMT ":%u", STR_ARG(q->host),
		   (unsigned int)q->port);
	buf_printf(&command, "port:%u", (unsigned int)q->client_port);
	if (message.error || target.error || command.error)
		return -ENOMEM;
	ask.message = buf_str(&message);
	ask.target = buf_str(&target);
	ask.command_id = buf_str(&command);
	return ask_person(a, &ask, done, arg, ret_ask);
}
