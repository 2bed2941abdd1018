/* SPDX-License-Identifier: MIT */
/*
 * test_dlp_contexts.c - every format wherever a secret is met
 *
 * Each sample is put into each context: files of settings, code, logs, URLs,
 * headers, other encodings, coloured output. Nothing of it may be left, what is
 * around it has to stay, and a stream that is cut at random gives the same.
 */
#include <stdio.h>

#include "tests/unit/dlp/fixture.h"
#include "tests/unit/dlp/samples.h"

#define SEEDS 6

enum writing {
	PLAIN = 0,
	PERCENT,   /* all but letters and digits as %41 */
	UNICODE,   /* the same as \u0041 */
	IN_BASE64, /* with its surroundings */
	WRAPPED,   /* base64 in lines of 76, as base64(1) writes it */
	COLOURED,  /* a part of it in another colour, as grep does */
	SETTING,   /* base64 without = behind a name, as Kubernetes has it */
	FOR_URLS,  /* the same, with - and _ */
	TWICE,     /* as for PERCENT, and again */
	ESCAPED,   /* every byte as \x41 */
	ENTITIES,  /* every byte as &#65; */
	IN_HEX,    /* with its surroundings */
	/* all of it, with its surroundings */
	IN_BASE32,
	ODD_BASE64, /* with letters right in front of it */
	WIDE_LITTLE,
	WIDE_BIG,
	QUOTED, /* quoted-printable, a line's end in the middle */
};

static const struct context {
	const char *name, *before, *after;
	enum writing writing;
	bool quotes; /* not for what brings quotes of its own */
} contexts[] = {
	{ "bare", "", "", PLAIN, false },
	{ "line", "one two\n", "\nthree", PLAIN, false },
	{ "CRLF", "one two\r\n", "\r\nthree", PLAIN, false },
	{ "sentence", "It is ", ". Keep it.", PLAIN, false },
	{ "brackets", "f(", ")", PLAIN, false },
	{ "json", "{\"config\": {\"value\": \"", "\"}}", PLAIN, true },
	{ "json in json", "{\"a\": \"{\\\"v\\\": \\\"", "\\\"}\"}", PLAIN,
	  true },
	{ "env", "export SOME_VALUE=", "\n", PLAIN, true },
	{ "env quoted", "SOME_VALUE=\"", "\"\n", PLAIN, true },
	{ "yaml", "settings:\n  value: ", "\n  other: 1\n", PLAIN, false },
	{ "yaml list", "values:\n  - ", "\n", PLAIN, false },
	{ "toml", "value = '", "'\n", PLAIN, true },
	{ "query", "https://api.host.dev/v1?a=1&value=", "&b=2", PLAIN, true },
	{ "header", "GET / HTTP/1.1\r\nX-Custom: ", "\r\nHost: a\r\n", PLAIN,
	  false },
	{ "code", "const v = '", "';", PLAIN, true },
	{ "backticks", "const v = `", "`;", PLAIN, true },
	{ "log", "2026-11-22T01:02:03.004Z INFO [main] id=77 got ",
	  " from host 7", PLAIN, false },
	{ "fields", "a,", ",b", PLAIN, false },
	{ "semicolons", "a;", ";b", PLAIN, false },
	{ "xml", "<value>", "</value>", PLAIN, false },
	{ "attribute", "<add v=\"", "\" />", PLAIN, true },
	{ "diff", "@@ -1 +1 @@\n+", "\n", PLAIN, false },
	{ "option", "run --value=", " --other", PLAIN, true },
	{ "argument", "run --value ", " --other", PLAIN, false },
	{ "python", "{'v': b'", "'}", PLAIN, true },
	{ "markdown", "use `", "` here", PLAIN, false },
	{ "table", "| name | ", " |", PLAIN, false },
	{ "colour", "\033[1;31m", "\033[0m", PLAIN, false },
	{ "tabs", "a\t", "\tb", PLAIN, false },
	{ "escaped lines", "one\\n", "\\ntwo", PLAIN, false },
	{ "percent", "https://a.dev/?q=x%20", "%20y&z=1", PERCENT, false },
	{ "unicode", "{\"v\": \"", "\"}", UNICODE, true },
	{ "base64",
	  "some words that go in front of it, so that it is long enough: ",
	  " and some that follow it", IN_BASE64, false },
	{ "base64 lines",
	  "some words that go in front of it, so that it is long enough: ",
	  " and some that follow it", WRAPPED, false },
	{ "base64 alone", "", "", IN_BASE64, false },
	{ "base64 in YAML", "", "", SETTING, false },
	{ "base64 for URLs", "", "", FOR_URLS, false },
	{ "grep", "file.txt:", " end", COLOURED, false },
	{ "percent twice", "https://a.dev/?q=", "&z=1", TWICE, false },
	{ "shell escapes", "printf '", "'", ESCAPED, true },
	{ "entities", "<p>", "</p>", ENTITIES, false },
	{ "hex", "A line of text: ", " and more", IN_HEX, false },
	{ "base32", "A line of text: ", " and more", IN_BASE32, false },
	{ "odd base64", "A line of text, quite long: ", " and more", ODD_BASE64,
	  false },
	{ "UTF-16", "A line: ", "\r\n", WIDE_LITTLE, false },
	{ "UTF-16 alone", "", "", WIDE_LITTLE, false },
	{ "UTF-16, big end", "A line: ", "\n", WIDE_BIG, false },
	{ "quoted", "A line=3D ", " =3D and more", QUOTED, true },
};

static void put_escaped(struct buf *out, struct str s, const char *mark)
{
	for (size_t i = 0; i < s.n; i++)
		if (isalnum((unsigned char)s.p[i]))
			buf_putc(out, s.p[i]);
		else
			buf_printf(out, "%s%02X", mark, (unsigned int)s.p[i]);
}

/* Every byte, as the writing has it. */
static void put_bytes(struct buf *out, struct str s, enum writing w)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned int c = (unsigned char)s.p[i];

		if (w == TWICE)
			buf_printf(out, "%%25%02X", c);
		else if (w == ESCAPED)
			buf_printf(out, "\\x%02x", c);
		else if (w == ENTITIES)
			buf_printf(out, "&#%u;", c);
		else
			buf_printf(out, "%02x", c);
	}
}

static void put_lines(struct buf *out, struct str s)
{
	_cleanup_buf_ struct buf all = BUF_INIT;

	base64_encode_to(&all, s.p, s.n);
	for (size_t i = 0; i < all.len; i += 76) {
		buf_put(out, all.data + i, MIN((size_t)76, all.len - i));
		buf_putc(out, '\n');
	}
}

/* The first letters, and what is behind them. */
static void put_coloured(struct buf *out, struct str s)
{
	size_t n = MIN(s.n / 2, (size_t)6);

	buf_puts(out, "\033[01;31m\033[K");
	buf_put(out, s.p, n);
	buf_puts(out, "\033[m\033[K");
	buf_put_str(out, str_skip(s, n));
}

static const char digits32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static void put_base32(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n * 8; i += 5) {
		unsigned int x = 0;

		for (size_t k = i; k < i + 5; k++)
			x = x << 1 |
			    (k / 8 < s.n ? (unsigned char)s.p[k / 8] >>
							   (7 - k % 8) &
						   1
					 : 0);
		buf_putc(out, digits32[x]);
	}
	for (size_t i = (s.n * 8 + 4) / 5; i % 8; i++)
		buf_putc(out, '=');
}

static void unbase32(struct str s, struct buf *out)
{
	unsigned int bits = 0, have = 0;

	for (size_t i = 0; i < s.n && s.p[i] != '='; i++) {
		const char *at = strchr(digits32, s.p[i]);

		assert_non_null(at);
		bits = (bits << 5 | (unsigned int)(at - digits32)) & 0xfff;
		have += 5;
		if (have < 8)
			continue;
		have -= 8;
		buf_putc(out, (char)(bits >> have & 0xff));
	}
}

static void put_wide(struct buf *out, struct str s, bool big)
{
	for (size_t i = 0; i < s.n; i++) {
		if (big)
			buf_putc(out, '\0');
		buf_putc(out, s.p[i]);
		if (!big)
			buf_putc(out, '\0');
	}
}

static void unwide(struct str s, struct buf *out)
{
	assert_int_equal(s.n % 2, 0);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i])
			buf_putc(out, s.p[i]);
	assert_int_equal(out->len, s.n / 2);
}

/* = as it has to be written, and the line's end in its first word. */
static void put_quoted(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (i == 6 && isalnum((unsigned char)s.p[5]) &&
		    isalnum((unsigned char)s.p[6]))
			buf_puts(out, "=\r\n");
		if (s.p[i] == '=')
			buf_puts(out, "=3D");
		else
			buf_putc(out, s.p[i]);
	}
}

static void unquoted(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '=' || i + 2 >= s.n)
			buf_putc(out, s.p[i]);
		else if (s.p[i + 1] == '3')
			buf_putc(out, '=');
		if (s.p[i] == '=')
			i += 2;
	}
}

static void put_unpadded(struct buf *out, struct str s, bool url)
{
	_cleanup_buf_ struct buf all = BUF_INIT;

	base64_encode_to(&all, s.p, s.n);
	while (all.len && all.data[all.len - 1] == '=')
		all.len--;
	for (size_t i = 0; url && i < all.len; i++)
		if (strchr("+/", all.data[i]))
			all.data[i] = all.data[i] == '+' ? '-' : '_';
	buf_puts(out, url ? "?v=" : "  value: ");
	buf_put_str(out, buf_str(&all));
	buf_puts(out, "\n");
}

/* What is in base64 is longer than the shortest that is looked into. */
static bool is_long(const struct context *c, size_t n)
{
	return (c->writing != IN_BASE64 && c->writing != SETTING &&
		c->writing != FOR_URLS && c->writing != IN_BASE32) ||
	       n >= 20;
}

static void put(const struct context *c, struct str sample, struct buf *out)
{
	_cleanup_buf_ struct buf whole = BUF_INIT;

	buf_puts(&whole, c->before);
	buf_put_str(&whole, sample);
	buf_puts(&whole, c->after);
	switch (c->writing) {
	case IN_BASE64:
		base64_encode_to(out, whole.data, whole.len);
		return;
	case SETTING:
	case FOR_URLS:
		put_unpadded(out, buf_str(&whole), c->writing == FOR_URLS);
		return;
	case WRAPPED:
		put_lines(out, buf_str(&whole));
		return;
	case IN_HEX:
		put_bytes(out, buf_str(&whole), IN_HEX);
		return;
	case IN_BASE32:
		put_base32(out, buf_str(&whole));
		return;
	case ODD_BASE64:
		buf_puts(out, &"xyz"[whole.len % 3]);
		base64_encode_to(out, whole.data, whole.len);
		return;
	case WIDE_LITTLE:
	case WIDE_BIG:
		put_wide(out, buf_str(&whole), c->writing == WIDE_BIG);
		return;
	case PLAIN:
		buf_put_str(out, buf_str(&whole));
		return;
	case TWICE:
	case ESCAPED:
	case ENTITIES:
	case PERCENT:
	case UNICODE:
	case COLOURED:
	case QUOTED:
		break;
	}
	buf_puts(out, c->before);
	if (c->writing == COLOURED)
		put_coloured(out, sample);
	else if (c->writing == QUOTED)
		put_quoted(out, sample);
	else if (c->writing >= TWICE)
		put_bytes(out, sample, c->writing);
	else
		put_escaped(out, sample, c->writing == PERCENT ? "%" : "\\u00");
	buf_puts(out, c->after);
}

/* What it says when nobody looks at how it is written. */
static void plain(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n;) {
		char two[3] = { 0 };

		if (s.p[i] == '\033' && i + 1 < s.n && s.p[i + 1] == '[') {
			for (i += 2;
			     i < s.n && !isalpha((unsigned char)s.p[i]);)
				i++;
			i++;
		} else if (s.p[i] == '%' && i + 2 < s.n) {
			memcpy(two, s.p + i + 1, 2);
			buf_putc(out, (char)strtol(two, NULL, 16));
			i += 3;
		} else if (s.n - i > 5 && memcmp(s.p + i, "\\u00", 4) == 0) {
			memcpy(two, s.p + i + 4, 2);
			buf_putc(out, (char)strtol(two, NULL, 16));
			i += 6;
		} else {
			buf_putc(out, s.p[i++]);
		}
	}
}

/* What put_bytes() wrote, with what is written otherwise left out. */
static void unbytes(struct str s, enum writing w, struct buf *out)
{
	static const char *const marks[] = { "%25", "\\x", "&#", "" };
	struct str mark = str_from(marks[w - TWICE]);

	for (size_t i = 0; i < s.n;) {
		char digits[4] = { 0 };
		size_t n = w == ENTITIES ? 3 : 2;

		if (!str_starts(str_skip(s, i), mark) || s.n - i < mark.n + n) {
			buf_putc(out, s.p[i++]);
			continue;
		}
		memcpy(digits, s.p + i + mark.n, n);
		i += mark.n + n;
		if (w == ENTITIES && digits[2] == ';')
			digits[2] = '\0';
		else
			i += w == ENTITIES;
		buf_putc(out,
			 (char)strtol(digits, NULL, w == ENTITIES ? 10 : 16));
	}
}

static void unbase64(struct str s, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	unsigned int have = 0;

	for (size_t i = 0; i < s.n; i++) {
		char ch = s.p[i] == '-' ? '+' : s.p[i] == '_' ? '/' : s.p[i];
		const char *at = ch ? strchr(digits, ch) : NULL;

		if (!at)
			continue;
		bits = bits << 6 | (uint32_t)(at - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_putc(out, (char)(bits >> have & 0xff));
		}
	}
}

static void reveal(const struct context *c, struct str s, struct buf *out)
{
	if (c->writing == SETTING || c->writing == FOR_URLS)
		unbase64(str_skip(s, c->writing == SETTING ? 9 : 3), out);
	else if (c->writing == IN_BASE64 || c->writing == WRAPPED)
		unbase64(s, out);
	else if (c->writing == PLAIN)
		buf_put_str(out, s);
	else if (c->writing == IN_BASE32)
		unbase32(s, out);
	else if (c->writing == ODD_BASE64)
		unbase64(str_skip(s, strspn(s.p, "xyz")), out);
	else if (c->writing == WIDE_LITTLE || c->writing == WIDE_BIG)
		unwide(s, out);
	else if (c->writing == QUOTED)
		unquoted(s, out);
	else if (c->writing >= TWICE)
		unbytes(s, c->writing, out);
	else
		plain(s, out);
}

static struct {
	struct dlp_engine *engine;
	unsigned int n, missed, lost, differ;
	bool verbose;
} t;

/* A half of the secret that is still there. */
static bool is_left(struct str shown, struct str secret)
{
	size_t half = secret.n / 2;

	return str_find(shown, str_from_n(secret.p, half)) >= 0 ||
	       str_find(shown, str_skip(secret, secret.n - half)) >= 0;
}

static void say(const char *what, const struct sample *s,
		const struct context *c, const struct buf *text,
		const struct buf *out)
{
	if (t.verbose)
		print_message("%s: %s in %s\n\t" STR_FMT "\n\t" STR_FMT "\n",
			      what, s->type, c->name, (int)text->len,
			      text->data, (int)out->len, out->data);
}

static bool same_in_pieces(struct str text, struct str want, uint64_t seed)
{
	struct found f = { 0 };
	size_t cuts[32], n = 0, at = 0;
	bool same;

	while (n < ARRAY_LEN(cuts) && at < text.n) {
		at += 1 + sample_random(&seed) % (text.n / 8 + 1);
		if (at < text.n)
			cuts[n++] = at;
	}
	stream_through(t.engine, text, cuts, n, &f);
	same = str_eq(buf_str(&f.out), want);
	buf_done(&f.out);
	return same;
}

static bool try_one(const struct sample *s, const struct context *c,
		    uint64_t seed)
{
	_cleanup_buf_ struct buf whole = BUF_INIT, text = BUF_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT, shown = BUF_INIT;
	size_t before = sample_put(&whole, s, seed);
	struct str secret = str_skip(buf_str(&whole), before);
	bool ok = true;

	secret.n -= strlen(sample_after(s));
	put(c, buf_str(&whole), &text);
	if (!is_long(c, whole.len))
		return true;
	assert_true(dlp_redact(t.engine, buf_str(&text), &out, NULL) >= 0);
	reveal(c, buf_str(&out), &shown);
	t.n++;
	if (is_left(buf_str(&shown), secret)) {
		t.missed++;
		say("missed", s, c, &text, &out);
		ok = false;
	} else if (c->writing == PLAIN &&
		   (!str_starts(buf_str(&out), str_from(c->before)) ||
		    !str_ends(buf_str(&out), str_from(c->after)))) {
		t.lost++;
		say("too much", s, c, &text, &out);
	}
	if (!same_in_pieces(buf_str(&text), buf_str(&out), seed)) {
		t.differ++;
		say("differs in pieces", s, c, &text, &out);
	}
	return ok;
}

static bool goes_into(const struct sample *s, const struct context *c)
{
	bool lines = strchr(s->shape, '\n') != NULL;

	if (lines)
		return c->writing == PLAIN && !c->quotes;
	return !c->quotes || !s->before || !strpbrk(s->before, " \"':");
}

static void test_contexts(void **state)
{
	unsigned int missed[ARRAY_LEN(contexts)] = { 0 };
	unsigned int n[ARRAY_LEN(contexts)] = { 0 };
	struct dlp_settings none = { 0 };

	(void)state;
	t.engine = engine_of(&none);
	t.verbose = getenv("VERBOSE") != NULL;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		for (size_t k = 0; k < ARRAY_LEN(contexts); k++)
			for (size_t j = 0; j < SEEDS; j++) {
				if (!goes_into(&samples[i], &contexts[k]))
					continue;
				n[k]++;
				missed[k] += !try_one(&samples[i], &contexts[k],
						      i * 977 + k * 31 + j);
			}
	for (size_t k = 0; k < ARRAY_LEN(contexts); k++)
		print_message("%-16s %6u of %6u\n", contexts[k].name,
			      n[k] - missed[k], n[k]);
	print_message("%u texts, %u missed, %u with too much, %u differ in "
		      "pieces\n",
		      t.n, t.missed, t.lost, t.differ);
	(void)dlp_engine_free(t.engine);
	assert_int_equal(t.differ, 0);
	assert_true(t.missed * 500 < t.n);
	assert_true(t.lost * 200 < t.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contexts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
