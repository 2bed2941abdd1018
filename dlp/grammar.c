/* SPDX-License-Identifier: MIT */
/*
 * grammar.c - published formats: their patterns (pattern.c) matched
 *
 * Stretch by stretch, each of one class of bytes and taken as long as it goes:
 * no way back, hence one look at every byte.
 */
#include <string.h>

#include "dlp/ascii.h"
#include "dlp/priv.h"

/* Longer stretches may be in a run that is known. */
#define SPAN_MIN 16U

/* Runs that are worth more than one place to be kept at. */
#define LONG_MIN 32U

static size_t walk_run(const struct dlp_scan *s, const struct dlp_view *v,
		       unsigned int class, size_t i, size_t stop)
{
	const uint64_t *of = s->e->classes.of[class / 64];
	uint64_t mask = 1ULL << class % 64;

	while (i < stop && of[v->p[i]] & mask)
		i++;
	return i;
}

/* The end of a run of at least x, which goes on behind that. */
static size_t long_run(struct dlp_scan *s, const struct dlp_view *v,
		       unsigned int class, struct dlp_span x, size_t stop)
{
	unsigned int k = 0, n = MIN(s->n_longs, DLP_LONG);
	struct dlp_span *known;
	size_t j = x.end;

	while (k < n &&
	       !(s->longs[k].class == class && s->longs[k].span.begin <= j &&
		 j < s->longs[k].span.end))
		k++;
	if (k == n) {
		k = s->n_longs++ % DLP_LONG;
		s->longs[k].class = class;
		s->longs[k].span = x;
	}
	known = &s->longs[k].span;
	j = walk_run(s, v, class, MIN(known->end, stop), stop);
	known->end = MAX(known->end, j);
	return j;
}

size_t dlp_scan_new_span(struct dlp_scan *s, const struct dlp_view *v,
			 unsigned int class, size_t i, size_t stop)
{
	struct dlp_span *known = &s->spans[class];
	bool longer = dlp_is_known(s->spans_known, class) &&
		      known->begin <= i && i < known->end;
	struct dlp_span x = { i, i };

	if (longer)
		x = *known;
	x.end = walk_run(s, v, class, x.end, MIN(stop, x.end + LONG_MIN));
	if (x.end < stop && x.end - x.begin >= LONG_MIN)
		x.end = long_run(s, v, class, x, stop);
	*known = x;
	s->spans_known[class / 64] |= 1ULL << class % 64;
	return x.end;
}

bool dlp_scan_new_gap(struct dlp_scan *s, const struct dlp_view *v,
		      unsigned int class, size_t i, size_t stop)
{
	struct dlp_span *g = &s->gaps[class];
	size_t j = i;

	if (dlp_is_known(s->gaps_known, class) && g->begin <= i && i <= g->end)
		j = g->end;
	else
		g->begin = i;
	s->gaps_known[class / 64] |= 1ULL << class % 64;
	while (j < stop && !dlp_is(s->e, v->p[j], class))
		j++;
	g->end = j;
	return j < stop;
}

bool dlp_after_escape(const struct dlp_view *v, size_t i)
{
	const unsigned char *p = v->p;

	if (i >= 2 && p[i - 2] == '\\' && memchr("bfnrt", p[i - 1], 5))
		return true;
	if (i >= 3 && p[i - 3] == '%' && ascii_is(p[i - 2], ASCII_HEX) &&
	    ascii_is(p[i - 1], ASCII_HEX))
		return true;
	if (i >= 4 && p[i - 4] == '\\' && p[i - 3] == 'x' &&
	    ascii_is(p[i - 2], ASCII_HEX) && ascii_is(p[i - 1], ASCII_HEX))
		return true;
	if (i >= 6 && p[i - 6] == '\\' && p[i - 5] == 'u')
		return true;
	if (p[i - 1] != 'm') /* the end of a terminal's colour */
		return false;
	for (size_t k = 2; k <= 16 && k <= i; k++) {
		unsigned char c = p[i - k];

		if (c == '[')
			return k < i && p[i - k - 1] == 0x1b;
		if (!ascii_is(c, ASCII_DIGIT) && c != ';' && c != ':')
			return false;
	}
	return false;
}

bool dlp_word_begins(const struct dlp_engine *e, const struct dlp_view *v,
		     size_t i)
{
	return i == 0 || !dlp_is(e, v->p[i - 1], DLP_C_WORD) ||
	       dlp_after_escape(v, i);
}

/* One of the words ends before i, or before the _ or - there. */
static bool comes_after(const struct dlp_view *v, size_t i,
			const struct str *words, size_t n)
{
	char last;

	if (i > 0 && (v->p[i - 1] == '_' || v->p[i - 1] == '-'))
		i--;
	last = i > 0 ? ascii_lower((char)v->p[i - 1]) : '\0';
	for (size_t k = 0; k < n; k++) {
		struct str w = words[k];

		if (w.p[w.n - 1] == last && i >= w.n &&
		    str_eq_icase(str_from_n((const char *)v->p + i - w.n, w.n),
				 w))
			return true;
	}
	return false;
}

/* "public_key" and "publicKeyToken" are none that anybody keeps secret. */
static bool is_public(const struct dlp_view *v, size_t i)
{
	static const struct str words[] = { STR("public"), STR("pub"),
					    STR("publishable"),
					    STR("publickey") };

	return comes_after(v, i, words, ARRAY_LEN(words));
}

/* The last letters of the words below. */
#define KIND_ENDS "cdeghiknprstv"

/* What kind of key it is says that it is secret. */
static bool is_kind_of_key(const struct dlp_view *v, size_t i)
{
	static const struct str words[] = {
		STR("api"),         STR("access"),  STR("auth"),
		STR("secret"),      STR("private"), STR("priv"),
		STR("crypt"),       STR("signing"), STR("cryption"),
		STR("master"),      STR("client"),  STR("app"),
		STR("application"), STR("account"), STR("service"),
		STR("license"),     STR("admin"),   STR("webhook"),
		STR("hmac"),        STR("shared"),  STR("consumer"),
		STR("routing"),     STR("storage"), STR("integration"),
	};
	size_t last =
		i > 0 && (v->p[i - 1] == '_' || v->p[i - 1] == '-') ? i - 1 : i;

	return last > 0 &&
	       memchr(KIND_ENDS, ascii_lower((char)v->p[last - 1]),
		      sizeof(KIND_ENDS) - 1) &&
	       comes_after(v, i, words, ARRAY_LEN(words));
}

/* "SOME_KEY=": what is set in an environment is a key, and no hash. */
static bool is_setting(const struct dlp_view *v, size_t start, size_t value)
{
	const unsigned char *p = v->p;
	size_t i = value;

	while (i > start && (p[i - 1] == '"' || p[i - 1] == '\''))
		i--;
	if (i <= start + 1 || p[i - 1] != '=' || start < 2 ||
	    p[start - 1] != '_' || !ascii_is(p[start - 2], ASCII_UPPER))
		return false;
	for (size_t k = start; k < i - 1; k++)
		if (!ascii_is(p[k], ASCII_UPPER))
			return false;
	return i - 1 - start == 3; /* KEY */
}

static bool begins_well(const struct dlp_engine *e, const struct dlp_view *v,
			const struct dlp_row *row, size_t i)
{
	if (row->flags & DLP_ROW_INSIDE || dlp_word_begins(e, v, i))
		return true;
	if (row->check == DLP_CHECK_KEY && is_kind_of_key(v, i))
		return true;
	return row->flags & DLP_ROW_PART &&
	       (v->p[i - 1] == '_' || (ascii_is(v->p[i - 1], ASCII_LOWER) &&
				       ascii_is(v->p[i], ASCII_UPPER)));
}

/*
 * Behind the last stretch: does a word go on there? A full stop may be the end
 * of a sentence. HIT: it ends well.
 */
static enum dlp_answer ends_well(const struct dlp_engine *e,
				 const struct dlp_view *v,
				 const struct dlp_grammar *g, size_t i)
{
	const struct dlp_seg *last = &e->segs[g->first + g->n_segs - 1U];
	unsigned char c;

	if (i >= v->n || g->row->flags & DLP_ROW_OPEN)
		return DLP_HIT;
	c = v->p[i];
	if (c == '.' && dlp_seg_has(e, last, c)) {
		if (i + 1 == v->n)
			return v->end ? DLP_HIT : DLP_MORE;
		return ascii_is(v->p[i + 1], ASCII_ALNUM) ? DLP_MISS : DLP_HIT;
	}
	return dlp_is(e, c, DLP_C_WORD) || dlp_seg_has(e, last, c) ? DLP_MISS
								   : DLP_HIT;
}

/* The walk over one view: where it stands, and the secret's bounds. */
struct walk {
	size_t at, secret, secret_end;
	bool overlong;
};

/* The end of a short stretch of a class, of max bytes at most. */
static inline size_t walk_class(const struct dlp_engine *e,
				const struct dlp_view *v,
				const struct dlp_seg *seg, size_t i)
{
	const uint64_t *of = e->classes.of[seg->class / 64];
	uint64_t mask = 1ULL << seg->class % 64;
	size_t stop = MIN(v->n, i + seg->max);

	while (i < stop && of[v->p[i]] & mask)
		i++;
	return i;
}

/* The end of a segment's stretch from i on. */
static size_t walk_seg(struct dlp_scan *s, const struct dlp_view *v,
		       const struct dlp_seg *seg, size_t i)
{
	size_t stop = MIN(v->n, i + seg->max);

	if (seg->class != DLP_LITERAL)
		return seg->max >= SPAN_MIN
			       ? dlp_scan_span(s, v, seg->class, i, seg->max)
			       : walk_class(s->e, v, seg, i);
	while (i < stop && (v->p[i] | seg->fold) == seg->byte)
		i++;
	return i;
}

/* A segment from w->at to i; w->at goes on there. */
static inline enum dlp_answer step(const struct dlp_view *v,
				   const struct dlp_seg *seg, size_t i,
				   struct walk *w)
{
	size_t n = i - w->at;

	if (i == v->n && !v->end && n < seg->max)
		return DLP_MORE;
	if (n < seg->min)
		return DLP_MISS;
	w->overlong = seg->max == DLP_NO_LIMIT && n == DLP_NO_LIMIT;
	w->at = i;
	return DLP_HIT;
}

/*
 * The segments of \k behind its first one, from i on, each as long as it goes.
 * HIT: *ret_end is where the value begins.
 */
static enum dlp_answer glue_end(const struct dlp_scan *s,
				const struct dlp_view *v,
				const struct dlp_grammar *g, size_t i,
				size_t *ret_end)
{
	const struct dlp_seg *segs = &s->e->segs[g->first + g->glue_from];
	unsigned int k = 1, taken = 0, n_segs = g->glue_to - g->glue_from;

	for (; i < v->n; i++, taken++) {
		unsigned int may = (unsigned int)s->e->glue[v->p[i]] >> k << k;
		unsigned int next;

		if (taken == segs[k].max)
			may &= ~(1U << k);
		if (!may)
			break;
		next = (unsigned int)__builtin_ctz(may);
		for (; k < next; k++, taken = 0)
			if (taken < segs[k].min)
				return DLP_MISS;
	}
	if (i == v->n && !v->end)
		return DLP_MORE;
	for (; k < n_segs; k++, taken = 0)
		if (taken < segs[k].min)
			return DLP_MISS;
	*ret_end = i;
	return DLP_HIT;
}

/* The segments of \k from w->at on, if they are there. */
static enum dlp_answer walk_glue(struct dlp_scan *s, const struct dlp_view *v,
				 const struct dlp_grammar *g, struct walk *w)
{
	const struct dlp_seg *seg = &s->e->segs[g->first + g->glue_from];
	enum dlp_answer a = step(v, seg, walk_seg(s, v, seg, w->at), w);
	size_t end = 0;

	if (a != DLP_HIT)
		return a;
	/* Several formats come here, with the same name. */
	if (s->glue.at != w->at) {
		a = glue_end(s, v, g, w->at, &end);
		if (a == DLP_MORE)
			return a;
		s->glue.at = w->at;
		s->glue.end = end;
	}
	w->at = s->glue.end;
	return w->at ? DLP_HIT : DLP_MISS;
}

static bool is_one_byte(const struct dlp_seg *seg)
{
	return seg->class == DLP_LITERAL && seg->min == 1 && seg->max == 1;
}

/* The segments from *k on that take one step; *k is the last of them then. */
static inline enum dlp_answer walk_some(struct dlp_scan *s,
					const struct dlp_view *v,
					const struct dlp_grammar *g,
					unsigned int *k, struct walk *w)
{
	const struct dlp_seg *seg = &s->e->segs[g->first + *k];

	if (is_one_byte(seg) && w->at < v->n) {
		if ((v->p[w->at] | seg->fold) != seg->byte)
			return DLP_MISS;
		w->at++;
		w->overlong = false;
		return DLP_HIT;
	}
	if (*k == g->glue_from && g->glue_to) {
		*k = g->glue_to - 1U;
		return walk_glue(s, v, g, w);
	}
	return step(v, seg, walk_seg(s, v, seg, w->at), w);
}

/* The segments up to trunk_len, from `from` on. */
static enum dlp_answer walk_trunk(struct dlp_scan *s, const struct dlp_view *v,
				  const struct dlp_grammar *g,
				  unsigned int from, struct walk *w)
{
	size_t start = w->at;

	if (s->trunk.trunk != g->trunk || s->trunk.start != start) {
		enum dlp_answer a = DLP_HIT;

		w->at += from;
		for (unsigned int k = from; k < g->trunk_len && a == DLP_HIT;
		     k++)
			a = walk_some(s, v, g, &k, w);
		if (a == DLP_MORE)
			return a;
		s->trunk.trunk = g->trunk;
		s->trunk.start = start;
		s->trunk.end = a == DLP_HIT ? w->at : 0;
	}
	w->at = s->trunk.end;
	return w->at ? DLP_HIT : DLP_MISS;
}

/* From segment `from` on; those before it are of one byte each. */
static enum dlp_answer walk_segs(struct dlp_scan *s, const struct dlp_view *v,
				 const struct dlp_grammar *g, unsigned int from,
				 struct walk *w)
{
	if (g->secret_from < from)
		w->secret = w->at + g->secret_from;
	if (g->secret_to < from)
		w->secret_end = w->at + g->secret_to;
	if (g->trunk && from < g->trunk_len) {
		enum dlp_answer a = walk_trunk(s, v, g, from, w);

		if (a != DLP_HIT)
			return a;
		from = g->trunk_len;
	} else {
		w->at += from;
	}
	for (unsigned int k = from; k < g->n_segs; k++) {
		enum dlp_answer a;

		if (k == g->secret_from)
			w->secret = w->at;
		if (k == g->secret_to)
			w->secret_end = w->at;
		a = walk_some(s, v, g, &k, w);
		if (a != DLP_HIT)
			return a;
	}
	if (g->secret_to == g->n_segs)
		w->secret_end = w->at;
	return DLP_HIT;
}

/*
 * The value of a name may be followed by what its class has, too: the end of a
 * sentence, or "&other=" in a URL.
 */
static void trim_value(struct dlp_scan *s, const struct dlp_view *v,
		       struct walk *w)
{
	const unsigned char *p = v->p;
	size_t i = w->secret, end = w->secret_end;

	while (dlp_scan_meets(s, v, DLP_C_AND, i, end - i)) {
		size_t k;

		k = i = s->gaps[DLP_C_AND].end + 1;
		while (k < end && dlp_is(s->e, p[k], DLP_C_WORD))
			k++;
		if (k > i && k < end && p[k] == '=')
			end = i - 1;
	}
	while (end > w->secret && (p[end - 1] == '.' || p[end - 1] == ',' ||
				   p[end - 1] == ':' || p[end - 1] == ';'))
		end--;
	w->secret_end = end;
}

static bool is_quote(unsigned char c)
{
	return c == '"' || c == '\'' || c == '`';
}

/* Behind a comma it is a value only in quotes: f("token", "..."). */
static bool is_next_argument(const struct dlp_view *v, size_t start, size_t i)
{
	size_t k = i;

	while (k > start && (is_quote(v->p[k - 1]) || v->p[k - 1] == ' ' ||
			     v->p[k - 1] == '\t' || v->p[k - 1] == '\\'))
		k--;
	return k > start && v->p[k - 1] == ',' && !is_quote(v->p[i - 1]);
}

/* "token = base64.b64encode(": what is called there is no value. */
static bool is_call(const struct dlp_view *v, const struct walk *w)
{
	if (w->secret_end >= v->n || v->p[w->secret_end] != '(' ||
	    (w->secret > 0 && is_quote(v->p[w->secret - 1])))
		return false;
	for (size_t i = w->secret; i < w->secret_end; i++)
		if (!ascii_is(v->p[i], ASCII_ALNUM) && v->p[i] != '.' &&
		    v->p[i] != '_')
			return false;
	return true;
}

/* Shorter values have a digit, or are words. */
#define NO_WORD_MIN 16U

/*
 * No check of a named value can pass: without a digit it has to be long, and of
 * upper and lower case.
 */
static bool is_hopeless(struct dlp_scan *s, const struct dlp_view *v,
			const struct walk *w)
{
	size_t n = w->secret_end - w->secret;
	size_t sample = MIN(n, (size_t)DLP_SAMPLE);

	if (n < NO_WORD_MIN)
		return !dlp_scan_meets(s, v, DLP_C_DIGIT, w->secret, n);
	return !dlp_scan_meets(s, v, DLP_C_DIGIT, w->secret, sample) &&
	       (!dlp_scan_meets(s, v, DLP_C_UPPER, w->secret, sample) ||
		!dlp_scan_meets(s, v, DLP_C_LOWER, w->secret, sample));
}

/* This value, or one like it, has failed the same check: what is made to be
 * expensive repeats itself. */
static bool has_failed(const struct dlp_scan *s, const struct dlp_view *v,
		       const struct walk *w, enum dlp_check check)
{
	size_t n = MIN(w->secret_end - w->secret, (size_t)DLP_SAMPLE);

	if (s->failed.check != check || s->failed.n != n || n == 0)
		return false;
	return (s->failed.from == w->secret && s->failed.to == w->secret_end) ||
	       memcmp(s->sample, v->p + w->secret, n) == 0;
}

static bool passes(struct dlp_scan *s, const struct dlp_view *v,
		   const struct dlp_grammar *g, size_t start,
		   const struct walk *w)
{
	enum dlp_check check = g->row->check;
	size_t n = w->secret_end - w->secret;
	bool assigned = dlp_is_assigned(check);
	bool random = check == DLP_CHECK_RANDOM || check == DLP_CHECK_MIXED ||
		      assigned;

	if (assigned && is_hopeless(s, v, w))
		return false;
	/* What is made to be expensive is made of few bytes, or short. */
	if (random && dlp_is_dull(v, w->secret, n, &s->dull))
		return false;
	if (check == DLP_CHECK_KEY &&
	    (is_kind_of_key(v, start) || is_setting(v, start, w->secret)))
		check = DLP_CHECK_VALUE;
	if (assigned &&
	    (is_next_argument(v, start, w->secret) || is_call(v, w)))
		return false;
	if (g->row->flags & DLP_ROW_PRIVATE && is_public(v, start))
		return false;
	if (random && check != DLP_CHECK_CRC && has_failed(s, v, w, check))
		return false;
	if (dlp_check(check,
		      str_from_n((const char *)v->p + start, w->at - start),
		      str_from_n((const char *)v->p + w->secret, n)))
		return true;
	s->failed.from = w->secret;
	s->failed.to = w->secret_end;
	s->failed.check = check;
	s->failed.n = MIN(n, (size_t)DLP_SAMPLE);
	memcpy(s->sample, v->p + w->secret, s->failed.n);
	return false;
}

/* The first n segments, which are of one byte each. */
static bool has_head(const struct dlp_engine *e, const struct dlp_view *v,
		     const struct dlp_grammar *g, size_t start, unsigned int n)
{
	const struct dlp_seg *segs = &e->segs[g->first];

	for (unsigned int k = 0; k < n; k++)
		if ((v->p[start + k] | segs[k].fold) != segs[k].byte)
			return false;
	return true;
}

enum dlp_answer dlp_grammar_match(struct dlp_scan *s, const struct dlp_view *v,
				  const struct dlp_entry *x, bool proved,
				  size_t t, struct dlp_match *ret)
{
	const struct dlp_grammar *g = &s->e->grammars[x->index];
	size_t start = t - x->frag.offset;
	unsigned int n_proved = proved ? x->n_proved : 0;
	const struct dlp_seg *last = &s->e->segs[g->first + g->n_segs - 1U];
	struct walk w = { .at = start, .secret = SIZE_MAX };
	enum dlp_answer a;

	if ((n_proved && !has_head(s->e, v, g, start, x->frag.offset)) ||
	    !begins_well(s->e, v, g->row, start))
		return DLP_MISS;
	a = walk_segs(s, v, g, n_proved, &w);
	if (a == DLP_HIT && !w.overlong && w.at == v->n && !v->end)
		a = DLP_MORE; /* what ends it is not there yet */
	ret->start = start;
	ret->idle = MIN(w.secret, v->n);
	if (a == DLP_HIT && !w.overlong)
		a = ends_well(s->e, v, g, w.at);
	if (a != DLP_HIT)
		return a;
	if (dlp_is_assigned(g->row->check) && !w.overlong)
		trim_value(s, v, &w);
	if (!passes(s, v, g, start, &w))
		return DLP_MISS;
	ret->start = w.secret;
	ret->end = w.secret_end;
	ret->type = g->type;
	ret->open = ret->weak = dlp_is_assigned(g->row->check);
	/* What goes on behind a flush or the limit is part of it, too. */
	ret->swallow = w.overlong || (w.secret_end == v->n &&
				      last->class != DLP_LITERAL)
			       ? DLP_SWALLOW_CLASS
			       : DLP_SWALLOW_NOTHING;
	ret->swallow_class = last->class;
	return DLP_HIT;
}
