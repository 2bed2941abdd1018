/* SPDX-License-Identifier: MIT */
/*
 * asker.c - questions of this process that wait for a person
 */
#include "netproxy/asker.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/op.h"
#include "core/proto.h"

struct asking {
	struct asker *asker;
	struct asking *next, **link;
	struct asking **handle; /* the caller's pointer; cleared before fn */
	asking_fn *fn;
	void *arg;
	uint32_t ticket;
};

static void asking_free(struct asking *q)
{
	*q->link = q->next;
	if (q->next)
		q->next->link = q->link;
	q->asker->n--;
	free(q);
}

bool asker_may(const struct asker *a, const struct net_answer *answer)
{
	return a && a->on && !answer->allowed && !answer->builtin &&
	       answer->verdict.kind == VERDICT_APPROVE;
}

static int send_question(struct asker *a, const struct gate *g, struct str host,
			 const struct addr *addr, uint16_t port,
			 const struct net_answer *answer, uint32_t ticket)
{
	struct op op = { .kind = OP_NET,
			 .net = { .host = host, .port = port } };
	_cleanup_buf_ struct buf message = BUF_INIT, body = BUF_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT;
	struct proto_approval_ask ask = {
		.kind = str_from(op_kind_to_string(OP_NET)),
		.rule = gate_rule(g, answer),
		.timeout_ns = (uint64_t)MAX(
			policy_rule_timeout(g->policy, answer->verdict),
			(int64_t)0),
	};
	int r;

	if (addr) {
		memcpy(op.net.addr, addr->b, sizeof(op.net.addr));
		op.net.has_addr = true;
	}
	policy_rule_message(g->policy, answer->verdict, &op, &message);
	buf_printf(&target, STR_FMT ":%u", STR_ARG(host), (unsigned int)port);
	ask.message = buf_str(&message);
	ask.target = buf_str(&target);
	r = message.error || target.error
		    ? -ENOMEM
		    : proto_approval_ask_encode(&ask, &body);
	if (r == 0)
		r = channel_send(a->channel, PROTO_APPROVAL_ASK, ticket,
				 buf_str(&body), NULL, 0);
	return MIN(r, 0);
}

int asker_ask(struct asker *a, const struct gate *g, struct str host,
	      const struct addr *addr, uint16_t port,
	      const struct net_answer *answer, asking_fn *fn, void *arg,
	      struct asking **ret)
{
	struct asking *q;
	int r;

	if (a->n >= ASKER_MAX)
		return -EBUSY;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	*q = (struct asking){ .asker = a,
			      .next = a->first,
			      .link = &a->first,
			      .handle = ret,
			      .fn = fn,
			      .arg = arg,
			      .ticket = ++a->next_ticket };
	if (q->next)
		q->next->link = &q->next;
	a->first = q;
	a->n++;
	r = send_question(a, g, host, addr, port, answer, q->ticket);
	if (r < 0)
		asking_free(q);
	else
		*ret = q;
	return r;
}

void asker_cancel(struct asking *q)
{
	if (q)
		asking_free(q);
}

int asker_on_answer(struct asker *a, const struct channel_msg *m)
{
	struct proto_approval answer;
	int r = proto_approval_decode(m->body, &answer);

	for (struct asking *q = a->first; q && r == 0; q = q->next) {
		asking_fn *fn = q->fn;
		void *arg = q->arg;

		if (q->ticket != m->id)
			continue;
		*q->handle = NULL;
		asking_free(q);
		fn(arg, answer.approved);
		break;
	}
	return r;
}
