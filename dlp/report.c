/* SPDX-License-Identifier: MIT */
/*
 * report.c - what was found: joined where it overlaps, and given to the sink
 */
#include "dlp/priv.h"

static void put_out(struct dlp_scan *s, const struct dlp_view *v, size_t to)
{
	if (s->stream && to > s->floor)
		s->sink->out(s->sink->arg,
			     str_from_n((const char *)v->p + s->floor,
					to - s->floor));
	s->floor = to;
}

void dlp_report(struct dlp_scan *s, const struct dlp_view *v)
{
	struct dlp_match *m = &s->pending;
	const struct dlp_type *type = &s->e->types[m->type];
	struct dlp_finding f = {
		.type = m->type,
		.action = type->action,
		.offset = s->base + m->start,
		.length = m->end - m->start,
		.display = str_from(type->display),
	};
	struct str secret = { (const char *)v->p + m->start,
			      m->end - m->start };
	char token[DLP_TOKEN_LEN + 1];

	s->has_pending = false;
	if (f.action == DLP_LOG)
		f.replacement = STR_NONE;
	else if (m->text.len)
		f.replacement = buf_str(&m->text);
	else if (f.action == DLP_TOKENIZE && s->sink->tokens &&
		 dlp_tokens_put(s->sink->tokens, secret, token) == 0)
		f.replacement = str_from(token);
	else
		f.replacement = str_from(type->replacement);
	put_out(s, v, m->start);
	if (f.action == DLP_LOG)
		put_out(s, v, m->end);
	else if (s->stream)
		s->sink->out(s->sink->arg, f.replacement);
	s->floor = m->end;
	s->n_found++;
	if (s->sink->found)
		s->sink->found(s->sink->arg, &f);
	buf_done(&m->text);
	if (f.action != DLP_LOG) {
		s->swallow = m->swallow;
		s->swallow_class = m->swallow_class;
	}
}

static bool outranks(const struct dlp_engine *e, unsigned int a, unsigned int b)
{
	static const unsigned int rank[DLP_ACTION_MAX] = {
		[DLP_LOG] = 1, [DLP_REDACT] = 2, [DLP_TOKENIZE] = 2, [DLP_BLOCK] = 3
	};

	return rank[e->types[a].action] > rank[e->types[b].action];
}

/* What is called a secret, p, is one of a known shape, m, for the most part. */
static bool names_better(const struct dlp_match *p, const struct dlp_match *m)
{
	return p->weak && !m->weak &&
	       m->end - m->start >= (p->end - p->start) / 2;
}

void dlp_accept(struct dlp_scan *s, const struct dlp_view *v,
		struct dlp_match *m)
{
	struct dlp_match *p = &s->pending;

	m->start = MAX(m->start, s->floor);
	if (m->end <= m->start) {
		buf_done(&m->text);
		return;
	}
	if (s->has_pending && m->start >= p->end)
		dlp_report(s, v);
	if (!s->has_pending) {
		*p = *m;
		s->has_pending = true;
		return;
	}
	if (m->start < p->start || m->end > p->end)
		buf_done(&p->text); /* it stands for a part only */
	p->start = MIN(p->start, m->start);
	if (m->end > p->end) {
		p->end = m->end;
		p->swallow = m->swallow;
		p->swallow_class = m->swallow_class;
	}
	if (outranks(s->e, m->type, p->type) || names_better(p, m)) {
		p->type = m->type;
		p->weak = m->weak;
	}
	buf_done(&m->text);
}
