/* SPDX-License-Identifier: MIT */
/*
 * shift.c - a stream lets go of its first bytes
 *
 * Every position that a scan remembers is an index into what is held now; when
 * the first k bytes go, each moves down by k, and one that lay in them is 0.
 * A position that is added to struct dlp_scan is to be added here.
 */
#include "dlp/priv.h"

static size_t back(size_t at, size_t k)
{
	return at > k ? at - k : 0;
}

static void shift_span(struct dlp_span *x, size_t k)
{
	x->begin = back(x->begin, k);
	x->end = back(x->end, k);
}

void dlp_scan_shift(struct dlp_scan *s, size_t k)
{
	s->base += k;
	s->floor = back(s->floor, k);
	s->pos = back(s->pos, k);
	s->blob_from = back(s->blob_from, k);
	s->escape_from = back(s->escape_from, k);
	s->wide_from = back(s->wide_from, k);
	s->retry_at = back(s->retry_at, k);
	s->wait.start = back(s->wait.start, k);
	s->wait.idle = back(s->wait.idle, k);
	s->pending.start = back(s->pending.start, k);
	s->pending.end = back(s->pending.end, k);
	for (unsigned int i = 0; i < s->e->classes.n; i++) {
		if (dlp_is_known(s->spans_known, i))
			shift_span(&s->spans[i], k);
		if (dlp_is_known(s->gaps_known, i))
			shift_span(&s->gaps[i], k);
	}
	for (unsigned int i = 0; i < MIN(s->n_longs, DLP_LONG); i++)
		shift_span(&s->longs[i].span, k);
	s->glue.at = back(s->glue.at, k);
	s->glue.end = back(s->glue.end, k);
	s->trunk.trunk = 0;
	s->named_at = back(s->named_at, k);
	s->no_mark.begin = back(s->no_mark.begin, k);
	s->no_mark.end = back(s->no_mark.end, k);
	s->failed.from = back(s->failed.from, k);
	s->failed.to = back(s->failed.to, k);
	s->dull.begin = back(s->dull.begin, k);
	s->dull.end = back(s->dull.end, k);
	for (size_t i = 0; i < s->e->n_regexes; i++)
		s->regex_from[i] = back(s->regex_from[i], k);
}
