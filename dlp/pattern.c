/* SPDX-License-Identifier: MIT */
/*
 * pattern.c - the patterns of published formats, compiled
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
	memcpy(set[DLP_C_LINES], set[DLP_C_LINE], sizeof(set[DLP_C_LINE]));
	set[DLP_C_LINES][0] |= 1ULL << '\r' | 1ULL << '\n';
	set_word(set[DLP_C_KEY], "+/=-:.,;_ \t\r\n\\");
	set_word(set[DLP_C_LOCAL], "._%+-");
	set_add(set[DLP_C_AND], '&', '&');
	set_add(set[DLP_C_UPPER], 'A', 'Z');
	set_add(set[DLP_C_LOWER], 'a', 'z');
	memset(c, 0, sizeof(*c));
	for (unsigned int i = 0; i < DLP_C_MAX; i++)
		(void)dlp_classes_add(c, set[i]);
}

int dlp_classes_add(struct dlp_classes *c, const uint64_t set[4])
{
	for (unsigned int i = 0; i < c->n; i++)
		if (memcmp(c->set[i], set, sizeof(c->set[i])) == 0)
			return (int)i;
	if (c->n >= DLP_MAX_CLASSES)
		return -E2BIG;
	for (unsigned int b = 0; b < 256; b++)
		if (set[b / 64] >> (b % 64) & 1)
			c->of[c->n / 64][b] |= 1ULL << c->n % 64;
	memcpy(c->set[c->n], set, sizeof(c->set[c->n]));
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

/* The bytes of a stretch are added to a set. */
static void add_seg(const struct dlp_classes *c, const struct dlp_seg *seg,
		    uint64_t set[4])
{
	if (seg->class == DLP_LITERAL) {
		unsigned int upper = seg->byte & ~(unsigned int)seg->fold;

		set_add(set, seg->byte, seg->byte);
		set_add(set, upper, upper);
		return;
	}
	for (unsigned int i = 0; i < 4; i++)
		set[i] |= c->set[seg->class][i];
}

#define NEED_WITHIN 220U

/*
 * What has to stand behind the first stretch of any length, and how near: the
 * last byte that is always one, or the first class.
 */
static int note_need(struct dlp_classes *c, const struct dlp_seg *segs,
		     struct dlp_grammar *g)
{
	const struct dlp_seg *need = NULL;
	bool variable = false;
	unsigned int within = 0;
	uint64_t set[4] = { 0 };
	int class;

	for (unsigned int k = 0; k < g->n_segs && within <= NEED_WITHIN; k++) {
		const struct dlp_seg *seg = &segs[k];

		if (variable && seg->min &&
		    (!need || seg->class == DLP_LITERAL)) {
			need = seg;
			g->need_within = (uint16_t)(within + 1);
		}
		variable = variable || seg->min != seg->max;
		within += seg->max;
	}
	if (!need)
		return 0;
	add_seg(c, need, set);
	class = dlp_classes_add(c, set);
	g->need_class = (uint8_t)MAX(class, 0);
	return MIN(class, 0);
}

#define PROBE_MAX 6U

/* Bytes of one class that always stand at the same places. */
static void note_probes(const struct dlp_seg *segs, struct dlp_grammar *g)
{
	unsigned int at = 0;

	for (unsigned int k = 0; k < g->n_segs; k++) {
		const struct dlp_seg *seg = &segs[k];
		struct dlp_probe probe = {
			.class = seg->class,
			.n = (uint8_t)MIN(seg->min, PROBE_MAX),
		};

		at += seg->min;
		if (at >= UINT8_MAX)
			return;
		probe.end = (uint8_t)at;
		if (seg->class != DLP_LITERAL && seg->min) {
			g->probes[0] = probe;
			if (!g->probes[1].n)
				g->probes[1] = probe;
		}
		if (seg->min != seg->max)
			return;
	}
}

/* What can stand behind a format that ends with this stretch: ends_well(). */
static void add_end(const struct dlp_classes *c, const struct dlp_seg *last,
		    uint64_t set[4])
{
	uint64_t inside[4] = { 0 };

	add_seg(c, last, inside);
	for (unsigned int i = 0; i < 4; i++)
		set[i] |= ~(c->set[DLP_C_WORD][i] | inside[i]);
	set_add(set, '.', '.');
}

#define RUN_MIN 8U

/*
 * The first stretch of any length, or a long one, at a known place: how it has
 * to end says most often that there is no such thing.
 */
static int note_run(struct dlp_classes *c, const struct dlp_seg *segs,
		    struct dlp_grammar *g)
{
	uint64_t set[4] = { 0 };
	unsigned int at = 0, k = 0, i;
	int class;

	while (k + 1 < g->n_segs && segs[k].min == segs[k].max &&
	       (segs[k].class == DLP_LITERAL || segs[k].min < RUN_MIN))
		at += segs[k++].min;
	if (segs[k].class == DLP_LITERAL || at >= DLP_MATCH_MAX)
		return 0;
	for (i = k + 1; i < g->n_segs; i++) {
		add_seg(c, &segs[i], set);
		if (segs[i].min)
			break;
	}
	if (i == g->n_segs) {
		if (g->row->flags & DLP_ROW_OPEN)
			return 0;
		add_end(c, &segs[g->n_segs - 1], set);
	}
	class = dlp_classes_add(c, set);
	if (class < 0)
		return class;
	g->run = (struct dlp_run){ .class = segs[k].class,
				   .follow = (uint8_t) class,
				   .last = i == g->n_segs,
				   .min = segs[k].min,
				   .max = segs[k].max,
				   .at = (int16_t)at };
	return 0;
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
	if (ret->n_segs == 0)
		return -EINVAL;
	note_probes(segs, ret);
	r = note_need(c, segs, ret);
	return r < 0 ? r : note_run(c, segs, ret);
}
