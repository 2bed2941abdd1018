/* SPDX-License-Identifier: MIT */
/*
 * grammar.c - published formats: their patterns compiled and matched
 *
 * A pattern is a row of stretches, each of one class of bytes, taken as long
 * as it goes: no alternatives and no way back, hence one look at every byte.
 *
 *	x            the byte; also \( and so on for what means something here
 *	[a-z_]       one of these; ^ in front: none of these, nor a control
 *	\d \h \H     digits; lower-case hex; hex
 *	\a \w \u     letters and digits; with _; with _ and -
 *	\b \l \U     base64 with = outside; lower-case and digits; upper-case
 *	\k           what stands between a name and its value
 *	\v           the same where "value" is a name of its own: of settings in
 *	             YAML, JSON and XML that are lists of names and values
 *	{n} {m,n} {m,} ?   how often; {m,} swallows what is longer
 *	( )          the secret, if that is not all of it
 */
#include <errno.h>
#include <string.h>

#include "dlp/ascii.h"
#include "dlp/priv.h"

/* The end of a name, quotes, a type, = or : or => or a comma, quotes. */
#define GLUE                                           \
	"[\\w.-]{0,24}[\"'`\\\\\\]]{0,3}[ \t]{0,3}"    \
	"[A-Za-z]{0,8}[ \t]{0,3}[=:>,]{1,3}[ \t]{0,3}" \
	"[\"'`\\\\]{0,3}"
#define VALUE_GLUE                                                 \
	"[\\w.-]{0,24}[\"'`\\\\, \t\r\n]{1,40}value[\"'\\\\]{0,3}" \
	"[ \t]{0,3}[=:]{1,2}[ \t]{0,3}[\"'`\\\\]{0,3}"

struct parser {
	struct dlp_classes *classes;
	const struct dlp_row *row;
	struct str src;
	struct dlp_seg *segs;
	struct dlp_grammar *g;
};

static void set_add(uint64_t set[4], unsigned int lo, unsigned int hi)
{
	for (unsigned int c = lo; c <= hi; c++)
		set[c / 64] |= 1ULL << (c % 64);
}

static void set_word(uint64_t set[4], const char *extra)
{
	set_add(set, '0', '9');
	set_add(set, 'a', 'z');
	set_add(set, 'A', 'Z');
	for (; *extra; extra++)
		set_add(set, (unsigned char)*extra, (unsigned char)*extra);
}

/* False when the letter names no class, but itself. */
static bool named_class(char name, uint64_t set[4])
{
	switch (name) {
	case 'd':
		set_add(set, '0', '9');
		return true;
	case 'h':
	case 'H':
		set_add(set, '0', '9');
		set_add(set, 'a', 'f');
		if (name == 'H')
			set_add(set, 'A', 'F');
		return true;
	case 'l':
	case 'U':
		set_add(set, '0', '9');
		set_add(set, name == 'l' ? 'a' : 'A', name == 'l' ? 'z' : 'Z');
		return true;
	case 'a':
		set_word(set, "");
		return true;
	case 'w':
		set_word(set, "_");
		return true;
	case 'u':
		set_word(set, "_-");
		return true;
	case 'b':
		set_word(set, "+/");
		return true;
	default:
		return false;
	}
}

void dlp_classes_init(struct dlp_classes *c)
{
	uint64_t set[DLP_C_MAX][4] = { { 0 } };

	set_word(set[DLP_C_WORD], "_");
	set_word(set[DLP_C_HELD], "_.+%~-");
	set_word(set[DLP_C_BASE64], "+/-_=");
	set_add(set[DLP_C_DIGIT], '0', '9');
	(void)named_class('H', set[DLP_C_HEX]);
	set_word(set[DLP_C_URL], "-._~%+&=;/?:@!$'*,#|\\[\033");
	set_add(set[DLP_C_LINE], ' ', 255);
	set[DLP_C_LINE][0] |= 1ULL << '\t' | 1ULL << 0x1b;
	set_word(set[DLP_C_KEY], "+/=-:.,;_ \t\r\n\\");
	set_word(set[DLP_C_LOCAL], "._%+-");
	memset(c, 0, sizeof(*c));
	for (unsigned int i = 0; i < DLP_C_MAX; i++)
		(void)dlp_classes_add(c, set[i]);
}

static bool class_is(const struct dlp_classes *c, unsigned int class,
		     const uint64_t set[4])
{
	for (unsigned int b = 0; b < 256; b++)
		if ((c->of[class / 64][b] >> class % 64 & 1) !=
		    (set[b / 64] >> (b % 64) & 1))
			return false;
	return true;
}

int dlp_classes_add(struct dlp_classes *c, const uint64_t set[4])
{
	for (unsigned int i = 0; i < c->n; i++)
		if (class_is(c, i, set))
			return (int)i;
	if (c->n >= DLP_MAX_CLASSES)
		return -E2BIG;
	for (unsigned int b = 0; b < 256; b++)
		if (set[b / 64] >> (b % 64) & 1)
			c->of[c->n / 64][b] |= 1ULL << c->n % 64;
	return (int)c->n++;
}

/* --- parsing ----------------------------------------------------------- */

static char take(struct parser *p)
{
	char c = p->src.n ? p->src.p[0] : '\0';

	p->src = str_skip(p->src, 1);
	return c;
}

static bool accept(struct parser *p, char c)
{
	if (p->src.n == 0 || p->src.p[0] != c)
		return false;
	(void)take(p);
	return true;
}

static void add_byte(const struct parser *p, char c, uint64_t set[4])
{
	unsigned char b = (unsigned char)c;

	set_add(set, b, b);
	if (p->row->flags & DLP_ROW_ICASE && ascii_is(b, ASCII_ALPHA)) {
		set_add(set, b | 0x20, b | 0x20);
		set_add(set, b & ~0x20U, b & ~0x20U);
	}
}

static void parse_brackets(struct parser *p, uint64_t set[4])
{
	bool negate = accept(p, '^');

	while (p->src.n && !accept(p, ']')) {
		char c = take(p);

		if (c == '\\') {
			c = take(p);
			if (!named_class(c, set))
				add_byte(p, c, set);
		} else if (p->src.n > 1 && p->src.p[0] == '-' &&
			   p->src.p[1] != ']') {
			(void)take(p);
			set_add(set, (unsigned char)c, (unsigned char)take(p));
		} else {
			add_byte(p, c, set);
		}
	}
	if (!negate)
		return;
	for (unsigned int i = 0; i < 4; i++)
		set[i] = ~set[i];
	set[0] &= ~0xffffffffULL; /* controls */
	set[1] &= ~(1ULL << 63);  /* delete */
}

static unsigned int number(struct parser *p)
{
	unsigned int n = 0;

	while (p->src.n && ascii_is((unsigned char)p->src.p[0], ASCII_DIGIT))
		n = n * 10 + (unsigned int)(take(p) - '0');
	return n;
}

static void parse_count(struct parser *p, struct dlp_seg *seg)
{
	seg->min = seg->max = 1;
	if (accept(p, '?')) {
		seg->min = 0;
	} else if (accept(p, '{')) {
		seg->min = seg->max = (uint16_t)number(p);
		if (accept(p, ','))
			seg->max = ascii_is((unsigned char)p->src.p[0],
					    ASCII_DIGIT)
					   ? (uint16_t)number(p)
					   : DLP_NO_LIMIT;
		(void)accept(p, '}');
	}
}

static int add_class(struct parser *p, const uint64_t set[4],
		     struct dlp_seg *seg)
{
	int class = dlp_classes_add(p->classes, set);

	if (class < 0)
		return class;
	seg->class = (uint8_t) class;
	return 0;
}

static void set_literal(const struct parser *p, char c, struct dlp_seg *seg)
{
	unsigned char b = (unsigned char)c;

	seg->class = DLP_LITERAL;
	seg->fold = p->row->flags & DLP_ROW_ICASE && ascii_is(b, ASCII_ALPHA)
			    ? 0x20
			    : 0;
	seg->byte = b | seg->fold;
}

static int parse_item(struct parser *p)
{
	struct dlp_grammar *g = p->g;
	struct dlp_seg *seg = &p->segs[g->n_segs];
	uint64_t set[4] = { 0 };
	char c = take(p);
	int r = 0;

	if (c == '(' || c == ')') {
		*(c == '(' ? &g->secret_from : &g->secret_to) = g->n_segs;
		return 0;
	}
	if (g->n_segs >= DLP_MAX_SEGS)
		return -E2BIG;
	*seg = (struct dlp_seg){ .min = 1 };
	if (c == '[') {
		parse_brackets(p, set);
		r = add_class(p, set, seg);
	} else if (c == '\\') {
		c = take(p);
		if (named_class(c, set))
			r = add_class(p, set, seg);
		else
			set_literal(p, c, seg);
	} else {
		set_literal(p, c, seg);
	}
	parse_count(p, seg);
	g->n_segs++;
	return r;
}

static int parse(struct parser *p)
{
	int r = 0;

	while (r == 0 && p->src.n) {
		bool glue = str_starts(p->src, STR("\\k"));

		if (glue || str_starts(p->src, STR("\\v"))) {
			struct str rest = str_skip(p->src, 2);

			if (glue)
				p->g->glue_from = p->g->n_segs;
			p->src = glue ? STR(GLUE) : STR(VALUE_GLUE);
			while (r == 0 && p->src.n)
				r = parse_item(p);
			if (glue)
				p->g->glue_to = p->g->n_segs;
			p->src = rest;
		} else {
			r = parse_item(p);
		}
	}
	return r;
}

#define NEED_WITHIN 96U

/* What has to stand behind the first stretch of any length, and how near. */
static void note_need(const struct dlp_seg *segs, struct dlp_grammar *g)
{
	bool variable = false;
	unsigned int within = 0;

	for (unsigned int k = 0; k < g->n_segs; k++) {
		const struct dlp_seg *seg = &segs[k];

		if (variable && seg->min) {
			if (seg->class == DLP_LITERAL || within > NEED_WITHIN)
				return;
			g->need_class = seg->class;
			g->need_within = (uint16_t)(within + 1);
			return;
		}
		variable = variable || seg->min != seg->max;
		within += seg->max;
	}
}

#define PROBE_MAX 6U

/* Bytes of one class that always stand at the same places: the last ones. */
static void note_probe(const struct dlp_seg *segs, struct dlp_grammar *g)
{
	unsigned int at = 0;

	for (unsigned int k = 0; k < g->n_segs; k++) {
		const struct dlp_seg *seg = &segs[k];

		at += seg->min;
		if (at >= UINT8_MAX)
			return;
		if (seg->class != DLP_LITERAL && seg->min) {
			g->probe_class = seg->class;
			g->probe_n = (uint8_t)MIN(seg->min, PROBE_MAX);
			g->probe_end = (uint8_t)at;
		}
		if (seg->min != seg->max)
			return;
	}
}

int dlp_grammar_compile(struct dlp_classes *c, const struct dlp_row *row,
			struct dlp_seg *segs, struct dlp_grammar *ret)
{
	struct parser p = { .classes = c,
			    .row = row,
			    .src = str_from(row->pattern),
			    .segs = segs,
			    .g = ret };
	int r;

	*ret = (struct dlp_grammar){ .row = row };
	r = parse(&p);
	if (r < 0)
		return r;
	if (ret->secret_to == 0)
		ret->secret_to = ret->n_segs;
	note_need(segs, ret);
	note_probe(segs, ret);
	return ret->n_segs == 0 ? -EINVAL : 0;
}

/* --- matching ---------------------------------------------------------- */

/* Shorter runs are as well measured again. */
#define SPAN_MIN 16U

size_t dlp_scan_span(struct dlp_scan *s, const struct dlp_view *v,
		     unsigned int class, size_t i, size_t max)
{
	size_t stop = v->n - i < max ? v->n : i + max, j = i;
	struct dlp_span *known = &s->spans[class % DLP_SPANS];
	uint64_t bit = 1ULL << class % DLP_SPANS;
	bool hit = s->spans_known & bit && known->class == class &&
		   known->begin <= i && i < known->end;

	if (hit)
		j = MIN(known->end, stop);
	while (j < stop && dlp_is(s->e, v->p[j], class))
		j++;
	if (hit) {
		known->end = MAX(known->end, j);
	} else if (j - i >= SPAN_MIN) {
		*known = (struct dlp_span){ class, i, j };
		s->spans_known |= bit;
	}
	return j;
}

bool dlp_scan_meets(struct dlp_scan *s, const struct dlp_view *v,
		    unsigned int class, size_t i, size_t n)
{
	struct dlp_span *g = &s->gaps[class % DLP_SPANS];
	uint64_t bit = 1ULL << class % DLP_SPANS;
	size_t stop = v->n - i < n ? v->n : i + n, j = i;

	if (s->gaps_known & bit && g->class == class && g->begin <= i &&
	    i <= g->end)
		j = g->end;
	else
		*g = (struct dlp_span){ class, i, i };
	s->gaps_known |= bit;
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

/* From segment `from` on; those before it are of one byte each. */
static enum dlp_answer walk_segs(struct dlp_scan *s, const struct dlp_view *v,
				 const struct dlp_grammar *g, unsigned int from,
				 struct walk *w)
{
	const struct dlp_seg *segs = &s->e->segs[g->first];

	if (g->secret_from < from)
		w->secret = w->at + g->secret_from;
	if (g->secret_to < from)
		w->secret_end = w->at + g->secret_to;
	w->at += from;
	for (unsigned int k = from; k < g->n_segs; k++) {
		enum dlp_answer a;

		if (k == g->secret_from)
			w->secret = w->at;
		if (k == g->secret_to)
			w->secret_end = w->at;
		if (k == g->glue_from && g->glue_to) {
			a = walk_glue(s, v, g, w);
			k = g->glue_to - 1U;
		} else {
			a = step(v, &segs[k], walk_seg(s, v, &segs[k], w->at),
				 w);
		}
		if (a != DLP_HIT)
			return a;
	}
	if (g->secret_to == g->n_segs)
		w->secret_end = w->at;
	return DLP_HIT;
}

static bool is_assigned(enum dlp_check check)
{
	return check == DLP_CHECK_VALUE || check == DLP_CHECK_NAMED ||
	       check == DLP_CHECK_STRICT || check == DLP_CHECK_KEY;
}

/*
 * The value of a name may be followed by what its class has, too: the end of a
 * sentence, or "&other=" in a URL.
 */
static void trim_value(const struct dlp_scan *s, const struct dlp_view *v,
		       struct walk *w)
{
	const unsigned char *p = v->p;
	size_t i = w->secret, end = w->secret_end;

	while (i < end) {
		const unsigned char *and = memchr(p + i, '&', end - i);
		size_t k;

		if (!and)
			break;
		k = i = (size_t)(and-p) + 1;
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

/* Shorter values have a digit, or are words. */
#define NO_WORD_MIN 16U

static bool has_digit(const struct dlp_view *v, const struct walk *w)
{
	for (size_t i = w->secret; i < w->secret_end; i++)
		if (ascii_is(v->p[i], ASCII_DIGIT))
			return true;
	return false;
}

static bool passes(struct dlp_scan *s, const struct dlp_view *v,
		   const struct dlp_grammar *g, size_t start,
		   const struct walk *w)
{
	enum dlp_check check = g->row->check;
	size_t n = w->secret_end - w->secret;
	bool random = check == DLP_CHECK_RANDOM || check == DLP_CHECK_MIXED ||
		      is_assigned(check);

	/* What is made to be expensive is made of few bytes, or short. */
	if (random && dlp_is_dull(v, w->secret, n, &s->dull))
		return false;
	if (check == DLP_CHECK_KEY && is_kind_of_key(v, start))
		check = DLP_CHECK_VALUE;
	if (is_assigned(check) && n < NO_WORD_MIN && !has_digit(v, w))
		return false;
	if (is_assigned(check) && is_next_argument(v, start, w->secret))
		return false;
	if (g->row->flags & DLP_ROW_PRIVATE && is_public(v, start))
		return false;
	if (s->failed.from == w->secret && s->failed.to == w->secret_end &&
	    s->failed.check == check && is_assigned(check))
		return false;
	if (dlp_check(check,
		      str_from_n((const char *)v->p + start, w->at - start),
		      str_from_n((const char *)v->p + w->secret, n)))
		return true;
	s->failed.from = w->secret;
	s->failed.to = w->secret_end;
	s->failed.check = check;
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
	if (is_assigned(g->row->check) && !w.overlong)
		trim_value(s, v, &w);
	if (!passes(s, v, g, start, &w))
		return DLP_MISS;
	ret->start = w.secret;
	ret->end = w.secret_end;
	ret->type = g->type;
	ret->open = ret->weak = is_assigned(g->row->check);
	/* What goes on behind a flush or the limit is part of it, too. */
	ret->swallow = w.overlong || (w.secret_end == v->n &&
				      last->class != DLP_LITERAL)
			       ? DLP_SWALLOW_CLASS
			       : DLP_SWALLOW_NOTHING;
	ret->swallow_class = last->class;
	return DLP_HIT;
}
