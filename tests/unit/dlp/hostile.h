/* SPDX-License-Identifier: MIT */
/*
 * hostile.h - texts made to take long
 *
 * Beginnings of formats without an end, one behind the other, and mixtures of
 * them that no branch predictor learns: candidates that fail late, floods of
 * @, digits, escapes, base64, heads of keys, tiny gzip files.
 */
#ifndef TESTS_DLP_HOSTILE_H
#define TESTS_DLP_HOSTILE_H

#include <string.h>

#include "base/digest.h"
#include "dlp/priv.h"

static const char *const hostile_repeated[] = {
	"eyJ-eyJ-",
	"sk-ant-sk-ant-",
	"token=token=",
	"@a.b@a.b",
	"111-22-333 ",
	"5555 5555 5555 4445 ",
	"%41%42",
	"-----BEGIN PRIVATE KEY-----",
	"-----BEGIN PRIVATE KEY-----\n ** ",
	"secret_api_key_",
	"://a:://a:",
	"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo",
	"AKIA AKIA",
	"\\u0041\\/",
	"a.b.c@d.e.f.g.h ",
	"a1b2c3d4 key-",
	"(555) (555) ",
	"\"password\": \"",
	"Authorization: Bearer ",
	"1234567890",
	"a@a@",
	"@@@@",
	"key=\"a1b2c3d4e5f6\" ",
	"key_key=",
	"password value=",
	"name: token value: ",
	"+1-555-",
	"4111-1111-",
	"123-45-",
	"DE89 ",
	"\\u005cu0041",
	"%2541",
	"a\033[1m",
	"eyJhbGciOi.eyJhbG.",
	"sk-",
	"8Q~",
	"aGVsbG8=",
	"\\\\",
};

enum {
	HOSTILE_HEADS = 0, /* beginnings of formats at random */
	HOSTILE_HEADS_GLUE,
	HOSTILE_SHORT_TOKENS,
	HOSTILE_LONG_TOKENS,
	HOSTILE_ALNUM,
	HOSTILE_DIGITS,
	HOSTILE_CARDS,
	HOSTILE_NAMES,
	HOSTILE_BASE64_TWICE,
	HOSTILE_BASE64_SHORT,
	HOSTILE_GZIP,
	HOSTILE_PERCENT,
	HOSTILE_UNICODE,
	HOSTILE_KEY_BODIES,
	HOSTILE_MIXTURES,
};

static const char *const hostile_names[HOSTILE_MIXTURES] = {
	"(beginnings of formats at random)",
	"(the same with separators)",
	"(the same, and up to 12 letters)",
	"(the same, and up to 40 letters)",
	"(letters and digits)",
	"(digits and separators)",
	"(cards with wrong check digits)",
	"(names of secrets, separators)",
	"(base64 of base64 of token=)",
	"(base64 of 51 bytes each)",
	"(gzip in base64, 64 bytes each)",
	"(%xx at random)",
	"(\\u00xx at random)",
	"(key heads and bodies, no end)",
};

static inline uint64_t hostile_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static inline void hostile_some(struct buf *b, size_t n, const char *from,
				uint64_t *seed)
{
	size_t all = strlen(from);

	while (n--)
		buf_putc(b, from[hostile_random(seed) % all]);
}

/* The literal bytes that a format begins with. */
static inline void hostile_head(struct buf *b, size_t row)
{
	const char *p = dlp_rows[row % dlp_n_rows].pattern;

	for (; *p && !strchr("\\[({?", *p); p++)
		buf_putc(b, *p);
}

#define HOSTILE_LETTERS                                      \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX" \
	"YZ0123456789"

static inline void hostile_encode(struct buf *b, const char *what, size_t n,
				  unsigned int times)
{
	struct buf x = BUF_INIT, y = BUF_INIT;

	while (x.len < n)
		buf_puts(&x, what);
	for (; times > 1; times--) {
		base64_encode_to(&y, x.data, x.len);
		buf_reset(&x);
		buf_put_str(&x, buf_str(&y));
		buf_reset(&y);
	}
	base64_encode_to(b, x.data, x.len);
	buf_done(&x);
	buf_done(&y);
}

static inline void hostile_name(struct buf *b, uint64_t *seed)
{
	static const char *const words[] = { "secret",    "token", "key",
					     "password",  "auth",  "pass",
					     "pwd",       "creds", "api_key",
					     "credential" };

	buf_puts(b, words[hostile_random(seed) % ARRAY_LEN(words)]);
	hostile_some(b, 1, "=:_-,. \"'", seed);
}

static inline void hostile_gzip(struct buf *b, uint64_t *seed)
{
	char gzip[54] = "\x1f\x8b\x08";

	for (size_t i = 10; i < sizeof(gzip); i++)
		gzip[i] = (char)hostile_random(seed);
	gzip[10] = 5; /* a table for each of them */
	base64_encode_to(b, gzip, sizeof(gzip));
	buf_putc(b, ' ');
}

static inline void hostile_token(struct buf *b, size_t n, char end,
				 uint64_t *seed)
{
	hostile_head(b, hostile_random(seed));
	hostile_some(b, hostile_random(seed) % n, HOSTILE_LETTERS, seed);
	buf_putc(b, end);
}

static inline void hostile_piece(struct buf *b, unsigned int kind,
				 uint64_t *seed)
{
	unsigned int x = 32 + (unsigned int)(hostile_random(seed) % 90);

	switch (kind) {
	case HOSTILE_HEADS:
		hostile_head(b, hostile_random(seed));
		break;
	case HOSTILE_HEADS_GLUE:
		hostile_head(b, hostile_random(seed));
		hostile_some(b, 1, "= -_:\"'.", seed);
		break;
	case HOSTILE_SHORT_TOKENS:
	case HOSTILE_LONG_TOKENS:
		hostile_token(b, kind == HOSTILE_SHORT_TOKENS ? 12 : 40, '.',
			      seed);
		break;
	case HOSTILE_ALNUM:
		hostile_some(b, 64, HOSTILE_LETTERS, seed);
		break;
	case HOSTILE_DIGITS:
		hostile_some(b, 3 + x % 2, "0123456789", seed);
		hostile_some(b, 1, " -.", seed);
		break;
	case HOSTILE_CARDS:
		buf_puts(b, "4111 ");
		hostile_some(b, 4, "0123456789", seed);
		buf_puts(b, " 1234 4321 ");
		break;
	case HOSTILE_NAMES:
		hostile_name(b, seed);
		break;
	case HOSTILE_BASE64_TWICE:
		hostile_encode(b, "token=", 9000, 2);
		break;
	case HOSTILE_BASE64_SHORT:
		hostile_encode(b, "token= password: key", 51, 1);
		buf_putc(b, ' ');
		break;
	case HOSTILE_GZIP:
		hostile_gzip(b, seed);
		break;
	case HOSTILE_PERCENT:
	case HOSTILE_UNICODE:
		buf_printf(b, kind == HOSTILE_PERCENT ? "%%%02x" : "\\u00%02x",
			   x);
		break;
	case HOSTILE_KEY_BODIES:
		buf_puts(b, "-----BEGIN RSA PRIVATE KEY-----\n");
		hostile_some(b, 64, HOSTILE_LETTERS, seed);
		buf_putc(b, '*');
		break;
	default:
		break;
	}
}

/*
 * What a format would match, up to the stretch `cut`; of each stretch the least
 * bytes or a few more, and of a class any.
 */
static inline void hostile_instance(struct buf *b, const struct dlp_engine *e,
				    const struct dlp_grammar *g,
				    unsigned int cut, uint64_t *seed)
{
	for (unsigned int k = 0; k < MIN(cut, (unsigned int)g->n_segs); k++) {
		const struct dlp_seg *seg = &e->segs[g->first + k];
		unsigned int n =
			seg->min + (unsigned int)(hostile_random(seed) % 4);
		char members[256];
		size_t all = 0;

		for (unsigned int c = 1; c < 127; c++)
			if (dlp_seg_has(e, seg, (unsigned char)c))
				members[all++] = (char)c;
		for (n = MIN(n, (unsigned int)seg->max); n && all; n--)
			buf_putc(b, members[hostile_random(seed) % all]);
	}
}

/*
 * The ways in which what looks like a format can be none: each repeated for
 * each format is the class of texts that no format may be slow in.
 */
enum hostile_way {
	HOSTILE_HEAD = 0,    /* its first literal bytes */
	HOSTILE_HEAD_EQUALS, /* and a separator */
	HOSTILE_HALF,        /* half of its stretches */
	HOSTILE_LAST,        /* all but the last one */
	HOSTILE_TOO_LONG,    /* all, and more that belongs to it */
	HOSTILE_SPOILT,      /* all, with one byte of another kind */
	HOSTILE_MANY,        /* different ones, of which all but the last */
	HOSTILE_WAYS,
};

/* One of them; false when the format has nothing of the kind. */
static inline bool hostile_near(struct buf *b, const struct dlp_engine *e,
				const struct dlp_grammar *g,
				enum hostile_way way, uint64_t *seed)
{
	size_t from = b->len, row = (size_t)(g->row - dlp_rows);

	switch (way) {
	case HOSTILE_HEAD:
	case HOSTILE_HEAD_EQUALS:
		hostile_head(b, row);
		if (b->len > from && way == HOSTILE_HEAD_EQUALS)
			buf_putc(b, '=');
		break;
	case HOSTILE_HALF:
		hostile_instance(b, e, g, (g->n_segs + 1U) / 2, seed);
		break;
	case HOSTILE_LAST:
	case HOSTILE_MANY:
		hostile_instance(b, e, g, g->n_segs - 1U, seed);
		buf_putc(b, way == HOSTILE_LAST ? ' ' : '\n');
		break;
	case HOSTILE_TOO_LONG:
		hostile_instance(b, e, g, g->n_segs, seed);
		hostile_some(b, 8, "aB3_", seed);
		break;
	case HOSTILE_SPOILT:
		hostile_instance(b, e, g, g->n_segs, seed);
		if (b->len > from)
			b->data[from + hostile_random(seed) % (b->len - from)] =
				'\n';
		break;
	case HOSTILE_WAYS:
		break;
	}
	return b->len > from;
}

static inline void hostile_mixture(struct buf *b, unsigned int kind, size_t n)
{
	uint64_t seed = 88172645463325252ULL;

	while (b->len < n)
		hostile_piece(b, kind, &seed);
}

#endif
