/* SPDX-License-Identifier: MIT */
/*
 * test_dlp_stream.c - what comes out does not depend on how a text was cut
 */
#include <stdio.h>

#include "tests/unit/dlp/fixture.h"
#include "tests/unit/dlp/samples.h"

static const struct dlp_custom customs[] = {
	{ STR("ticket"), STR_NONE, STR("TICKET-[0-9]{4,9}\\b"), DLP_REDACT },
	{ STR("quoted"), STR_NONE, STR("\"pin\": ?\"[0-9]+\""), DLP_REDACT },
};

static struct dlp_engine *engine(void)
{
	struct dlp_settings s = { .custom = customs,
				  .n_custom = ARRAY_LEN(customs) };

	return engine_of(&s);
}

static void whole(const struct dlp_engine *e, struct str text, struct buf *out,
		  struct found *f)
{
	struct dlp_sink sink = { .found = on_found, .arg = f };

	f->n = 0;
	buf_reset(out);
	assert_true(dlp_redact(e, text, out, &sink) >= 0);
}

static void expect_same(const struct buf *want, const struct found *whole,
			const struct found *cut, const struct buf *text,
			size_t at)
{
	bool same = str_eq(buf_str(want), buf_str(&cut->out)) &&
		    whole->n == cut->n;

	for (size_t i = 0; same && i < MIN(cut->n, (size_t)MAX_FOUND); i++)
		same = whole->at[i].offset == cut->at[i].offset &&
		       whole->at[i].type == cut->at[i].type &&
		       whole->at[i].length == cut->at[i].length;
	if (!same) {
		const char *a = buf_cstr(&cut->out), *b = buf_cstr(want);

		while (*a && *a == *b) {
			a++;
			b++;
		}
		fail_msg("cut at %zu of %zu: %zu and %zu found; from %zu on\n"
			 "%.300s\nnot\n%.300s",
			 at, text->len, cut->n, whole->n,
			 (size_t)(b - buf_cstr(want)), a, b);
	}
}

/* Cut in two at every byte, and into single bytes. */
static void every_split(const struct dlp_engine *e, const struct buf *text)
{
	_cleanup_buf_ struct buf want = BUF_INIT;
	struct found f = { 0 }, g = { 0 };
	static size_t cuts[8192];

	whole(e, buf_str(text), &want, &f);
	for (size_t i = 0; i <= text->len; i++) {
		stream_through(e, buf_str(text), &i, 1, &g);
		expect_same(&want, &f, &g, text, i);
	}
	for (size_t i = 0; i < text->len; i++)
		cuts[i] = i;
	stream_through(e, buf_str(text), cuts, text->len, &g);
	expect_same(&want, &f, &g, text, 0);
	buf_done(&g.out);
}

static void test_samples(void **state)
{
	_cleanup_dlp_engine_ struct dlp_engine *e = engine();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT;

		buf_puts(&text, "go (555) a@b.co: ");
		(void)sample_put(&text, &samples[i], i);
		buf_puts(&text, "\", \"x\" 1-");
		every_split(e, &text);
	}
}

static const char *const texts[] = {
	"Call (212) 555-0123 or 1-212-555-0123, +1 212 555 0123.",
	"SSN 219-09-9999; card 5555 5555 5555 4444, 5555-5555-5555-4444.",
	"john.doe+tag@mail.example.co.uk, x@y, @z.com, a@b.c.",
	"{\"pin\": \"123456\", \"pin\":\"1\"} TICKET-12345 TICKET-12x",
	"postgres%3A%2F%2Fuser%3AaB3dE5gH7j%40db.host%2Fx and %zz %4",
	"mail john%40example.com&x=1 \\u0041KIA \\u00zz \\/ \\",
	"esc\\u0040ped john\\u0040example.com end",
	"123 45 678 90 12 3456789 (1 (12 (123 (123) 1",
	"password = aK4bb33xyzzy99 token token: secret secret_key=",
	"-----BEGIN RSA PRIVATE KEY-----\nshort\n-----END",
	"-----BEGIN",
	"https://a:b@c https://user:hunter22x@h.io:80/p",
	"\033[31mghp_\033[0m eyJ eyJx.eyJy.z",
	"caf\xc3\xa9@\xff\xfe.com \xf0\x9f\x98\x80 TICKET-9999\xc3",
	"",
	"s",
	"tail sk-",
};

static void test_texts(void **state)
{
	_cleanup_dlp_engine_ struct dlp_engine *e = engine();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT;

		buf_puts(&text, texts[i]);
		every_split(e, &text);
	}
}

/* base64 of a text with a secret in it, after a name. */
static void put_blob(struct buf *b, size_t size, uint64_t seed)
{
	_cleanup_buf_ struct buf plain = BUF_INIT;
	const struct sample *s = &samples[seed % ARRAY_LEN(samples)];

	while (plain.len < size / 2)
		buf_puts(&plain, "user=joe; id=42;\n");
	(void)sample_put(&plain, s, seed);
	while (plain.len < size)
		buf_puts(&plain, "\nuser=joe; id=42;");
	buf_puts(b, "data=");
	base64_encode_to(b, plain.data, plain.len);
	buf_puts(b, " end ");
}

static void test_blobs(void **state)
{
	_cleanup_dlp_engine_ struct dlp_engine *e = engine();

	(void)state;
	for (uint64_t i = 0; i < 40; i++) {
		_cleanup_buf_ struct buf text = BUF_INIT;

		put_blob(&text, 60 + i * 7, i * 5);
		every_split(e, &text);
	}
}

/* Long texts, cut at random. */
static void random_splits(const struct dlp_engine *e, const struct buf *text,
			  uint64_t seed)
{
	_cleanup_buf_ struct buf want = BUF_INIT;
	struct found f = { 0 }, g = { 0 };
	static size_t cuts[4096];

	whole(e, buf_str(text), &want, &f);
	for (unsigned int round = 0; round < 4; round++) {
		size_t at = 0, n = 0, step = (size_t)1 << (4 + 3 * round);

		while (n < ARRAY_LEN(cuts)) {
			at += sample_random(&seed) % step;
			if (at > text->len)
				break;
			cuts[n++] = at;
		}
		stream_through(e, buf_str(text), cuts, n, &g);
		expect_same(&want, &f, &g, text, step);
	}
	buf_done(&g.out);
}

static void test_random(void **state)
{
	_cleanup_dlp_engine_ struct dlp_engine *e = engine();
	uint64_t seed = 1;

	(void)state;
	for (unsigned int round = 0; round < 200; round++) {
		_cleanup_buf_ struct buf text = BUF_INIT;

		while (text.len < 6000) {
			uint32_t pick = sample_random(&seed);

			if (pick % 3 == 0)
				(void)sample_put(
					&text,
					&samples[pick % ARRAY_LEN(samples)],
					pick);
			else if (pick % 31 == 1)
				put_blob(&text, pick % 900, pick);
			else
				buf_puts(&text, texts[pick % ARRAY_LEN(texts)]);
			sample_fill(&text, " \n\"ab1-_.@%\\/:=", pick % 20,
				    &seed);
		}
		random_splits(e, &text, seed);
	}
}

/* Longer than a window: blobs, tokens without end, keys without end. */
static void test_long(void **state)
{
	_cleanup_dlp_engine_ struct dlp_engine *e = engine();
	uint64_t seed = 5;

	(void)state;
	for (unsigned int round = 0; round < 3; round++) {
		_cleanup_buf_ struct buf text = BUF_INIT;

		buf_puts(&text, "begin ");
		put_blob(&text, 90000, round * 3);
		(void)sample_put(&text, &samples[3 * round], round);
		buf_puts(&text, " x ");
		for (unsigned int i = 0; i < 9000; i++)
			buf_puts(&text, "lorem ipsum\n");
		random_splits(e, &text, ++seed);
	}
}

/* What is kept back of anything is bounded, and a token's end is found. */
static void test_endless(void **state)
{
	_cleanup_dlp_engine_ struct dlp_engine *e = engine();
	struct found f = { 0 };
	struct dlp_sink sink = { .found = on_found, .out = on_out, .arg = &f };
	_cleanup_dlp_stream_ struct dlp_stream *s = NULL;
	uint64_t seed = 3;

	(void)state;
	assert_int_equal(dlp_stream_new(e, &sink, &s), 0);
	assert_int_equal(dlp_stream_feed(s, STR("sk-ant-")), 0);
	for (unsigned int i = 0; i < 3000; i++) {
		_cleanup_buf_ struct buf more = BUF_INIT;

		sample_fill(&more, sample_alphabet('a'), 50, &seed);
		assert_int_equal(dlp_stream_feed(s, buf_str(&more)), 0);
		assert_true(dlp_stream_held(s) < 2 * DLP_MATCH_MAX);
	}
	assert_int_equal(dlp_stream_feed(s, STR("\nbye\n")), 0);
	assert_int_equal(dlp_stream_finish(s), 0);
	assert_string_equal(buf_cstr(&f.out),
			    "[REDACTED:anthropic_api_key]\nbye\n");
	buf_done(&f.out);
}

static void expect_held(struct dlp_stream *s, struct found *f, const char *in,
			const char *out, size_t held)
{
	assert_int_equal(dlp_stream_feed(s, str_from(in)), 0);
	assert_string_equal(buf_cstr(&f->out), out);
	assert_int_equal(dlp_stream_held(s), held);
	buf_reset(&f->out);
}

static void expect_flush(struct dlp_stream *s, struct found *f,
			 enum dlp_flush how, const char *out, size_t held)
{
	assert_int_equal(dlp_stream_flush(s, how), 0);
	assert_string_equal(buf_cstr(&f->out), out);
	assert_int_equal(dlp_stream_held(s), held);
	buf_reset(&f->out);
}

/* A terminal: prompts at once, words a moment later, keys not before their
 * end. */
static void test_flush(void **state)
{
	struct dlp_settings none = { 0 };
	_cleanup_dlp_engine_ struct dlp_engine *e = engine_of(&none);
	struct found f = { 0 };
	struct dlp_sink sink = { .found = on_found, .out = on_out, .arg = &f };
	_cleanup_dlp_stream_ struct dlp_stream *s = NULL;

	(void)state;
	assert_int_equal(dlp_stream_new(e, &sink, &s), 0);
	expect_held(s, &f, "~$ ", "~$ ", 0);
	expect_held(s, &f, ">>> ", ">>> ", 0);
	expect_held(s, &f, "ls", "", 2);
	expect_flush(s, &f, DLP_FLUSH_IDLE, "ls", 0);
	expect_held(s, &f, "\r\n", "\r\n", 0);
	assert_int_equal(dlp_stream_feed(s, STR("Password: ")), 0);
	assert_int_equal(dlp_stream_flush(s, DLP_FLUSH_IDLE), 0);
	assert_string_equal(buf_cstr(&f.out), "Password: ");
	buf_reset(&f.out);
	/* a key that is still coming */
	expect_held(s, &f, "\nkey sk-ant-", "\nkey ", 7);
	expect_flush(s, &f, DLP_FLUSH_IDLE, "", 7);
	expect_held(s, &f, "api03-aB3dE5gH7jK9", "", 25);
	expect_flush(s, &f, DLP_FLUSH_IDLE, "", 25);
	assert_int_equal(dlp_stream_feed(s, STR("aB3dE5gH7jK9aB3dE5gH7jK9")),
			 0);
	expect_flush(s, &f, DLP_FLUSH_LONG, "[REDACTED:anthropic_api_key]", 0);
	/* its rest, after all */
	expect_held(s, &f, "zzZZ99", "", 0);
	expect_held(s, &f, "x\n", "\n", 0);
	buf_done(&f.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples), cmocka_unit_test(test_texts),
		cmocka_unit_test(test_blobs),   cmocka_unit_test(test_random),
		cmocka_unit_test(test_long),    cmocka_unit_test(test_endless),
		cmocka_unit_test(test_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
