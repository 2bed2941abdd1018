/* SPDX-License-Identifier: MIT */
/*
 * ruled_out.h - what says of a format that it is not at a place, without a walk
 *
 * scan.c asks it for each format whose first bytes are there. In a header
 * because nearly all of the time of texts made to be slow goes here.
 */
#ifndef DLP_RULED_OUT_H
#define DLP_RULED_OUT_H

#include "dlp/priv.h"

/* Of a secret's beginning, with what is before it. */
#define DULL_AHEAD 128U
#define DULL_WIDE  40U

/* The bytes of a format's probe that the view has. */
static inline bool probe(const struct dlp_scan *s, const struct dlp_view *v,
			 const struct dlp_hot *h, unsigned int i, size_t t)
{
	size_t at = t + (size_t)h->probes[i].at, n = h->probes[i].n;

	if (at >= v->n || at + 1 < n)
		return true;
	for (size_t k = 0; k < n; k++)
		if (!dlp_is(s->e, v->p[at - k], h->probes[i].class))
			return false;
	return true;
}

/* The run that a format has does not end as it has to. */
static inline bool ends_badly(struct dlp_scan *s, const struct dlp_view *v,
			      const struct dlp_hot *h, size_t t)
{
	const struct dlp_run *r = &h->run;
	size_t i = t + (size_t)(ptrdiff_t)r->at, end;

	/* Before the first byte of the text it is far behind the last. */
	if (i >= v->n)
		return false;
	end = dlp_scan_span(s, v, r->class, i, r->max);
	if (end == v->n || (r->last && end - i == DLP_NO_LIMIT))
		return false;
	return end - i < r->min || !dlp_is(s->e, v->p[end], r->follow);
}

/*
 * How far behind a trigger something is that a value of a name may pass with:
 * as far as is known without a look, and in truth. UNKNOWN: not asked yet.
 */
struct proof {
	size_t known, found;
};

#define UNKNOWN SIZE_MAX

static inline size_t known_gap(const struct dlp_scan *s, unsigned int class,
			       size_t t)
{
	const struct dlp_span *g = &s->gaps[class];

	if (!dlp_is_known(s->gaps_known, class) || t < g->begin || t > g->end)
		return 0;
	return g->end - t;
}

static inline size_t known_proof(const struct dlp_scan *s, size_t t)
{
	size_t cases =
		MAX(known_gap(s, DLP_C_UPPER, t), known_gap(s, DLP_C_LOWER, t));

	return MIN(known_gap(s, DLP_C_DIGIT, t), cases);
}

/* How far behind t the first byte of a class is, as far as any reach. */
static inline size_t next_of(struct dlp_scan *s, const struct dlp_view *v,
			     unsigned int class, size_t t)
{
	return dlp_scan_meets(s, v, class, t, UINT8_MAX)
		       ? s->gaps[class].end - t
		       : UINT8_MAX;
}

static inline size_t find_proof(struct dlp_scan *s, const struct dlp_view *v,
				size_t t)
{
	size_t digit = next_of(s, v, DLP_C_DIGIT, t);
	size_t upper = next_of(s, v, DLP_C_UPPER, t);

	if (upper < digit)
		upper = MAX(upper, next_of(s, v, DLP_C_LOWER, t));
	return MIN(digit, upper);
}

/* Nothing is in reach that the value of a name can pass with. */
static inline bool has_no_proof(struct dlp_scan *s, const struct dlp_view *v,
				const struct dlp_hot *h, size_t t,
				struct proof *p)
{
	if (p->found == UNKNOWN)
		p->found = find_proof(s, v, t);
	return p->found >= h->reach;
}

#define DENSE 64U

/* What is known of it; where names stand close to each other it is worth a
 * look before anything else. */
static inline size_t near_proof(struct dlp_scan *s, const struct dlp_view *v,
				size_t t, struct proof *p)
{
	size_t known = known_proof(s, t);

	if (known < UINT8_MAX && t - s->named_at < DENSE)
		known = p->found = find_proof(s, v, t);
	s->named_at = t;
	return known;
}

/* Bytes that a format has are not there: no need to walk through it. */
static inline bool is_ruled_out(struct dlp_scan *s, const struct dlp_view *v,
				const struct dlp_hot *h, size_t t,
				struct proof *p)
{
	bool named = h->reach && v->n - t >= h->reach;

	if (h->dull && t >= s->dull.begin && t + DULL_AHEAD <= s->dull.end &&
	    (h->dull >= DULL_WIDE || !s->dull.wide))
		return true;
	if (named && p->known == UNKNOWN)
		p->known = near_proof(s, v, t, p);
	if (named && p->known >= h->reach)
		return true;
	if (h->run.follow && ends_badly(s, v, h, t))
		return true;
	if (h->probes[0].n && (!probe(s, v, h, 0, t) || !probe(s, v, h, 1, t)))
		return true;
	if (h->need_within && v->n - t >= h->need_within &&
	    !dlp_scan_meets(s, v, h->need_class, t, h->need_within))
		return true;
	return named && has_no_proof(s, v, h, t, p);
}

#endif
