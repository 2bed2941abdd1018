/* SPDX-License-Identifier: MIT */
/*
 * test_dlp_scan.c - every published format is found, whatever stands around
 * it, and what only looks like one is not
 */
#include <stdio.h>

#include "dlp/priv.h"
#include "tests/unit/dlp/fixture.h"
#include "tests/unit/dlp/samples.h"

#define SEEDS 20

/* What may stand around a secret. */
static const struct around {
	const char *before, *after;
} around[] = {
	{ "", "" },
	{ "x = 1; ", "\n" },
	{ "{\"k\": \"", "\"}" },
	{ "{\\\"k\\\": \\\"", "\\\"}" },
	{ "line\\n", "\\n" },
	{ "a,b,'", "'," },
	{ "\033[1;31m", "\033[0m" },
	{ "(", ")" },
	{ "<b>", "</b>" },
	{ "tab\t", "\t" },
};

static size_t length_of(const struct sample *s, struct str text, size_t at)
{
	return text.n - at - strlen(sample_after(s));
}

static bool is_found(const struct dlp_engine *e, const struct sample *s,
		     const struct around *a, uint64_t seed)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct found f = { 0 };
	size_t at, n;

	buf_puts(&text, a->before);
	at = text.len + sample_put(&text, s, seed);
	n = length_of(s, buf_str(&text), at);
	buf_puts(&text, a->after);
	find_in(e, buf_str(&text), &f);
	if (f.n == 1 && f.at[0].offset == at && f.at[0].length == n &&
	    strcmp(dlp_type_name(e, f.at[0].type), s->type) == 0)
		return true;
	print_message("%s in %s: %zu found, first %s at %zu+%zu, not %zu+%zu\n",
		      s->type, buf_cstr(&text), f.n,
		      f.n ? dlp_type_name(e, f.at[0].type) : "-",
		      f.n ? (size_t)f.at[0].offset : 0,
		      f.n ? (size_t)f.at[0].length : 0, at, n);
	return false;
}

/* At least this share of random ones; some look too regular to be random. */
static void test_formats(void **state)
{
	struct dlp_settings s = { 0 };
	_cleanup_dlp_engine_ struct dlp_engine *e = engine_of(&s);
	size_t all = 0, missed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		size_t bad = 0;

		for (size_t k = 0; k < SEEDS; k++)
			bad += !is_found(e, &samples[i],
					 &around[k % ARRAY_LEN(around)],
					 i * 1000 + k);
		all += SEEDS;
		missed += bad;
		if (bad > SEEDS / 4)
			fail_msg("%s %s: %zu of %d not found", samples[i].type,
				 samples[i].shape, bad, SEEDS);
	}
	print_message("%zu of %zu found\n", all - missed, all);
	assert_true(missed * 100 < all);
}

static const char *const harmless[] = {
	"sk-learn-feature-extraction-pipelines",
	"task-scheduler-configuration-01",
	"the secret ingredient: love and patience",
	"password: ********",
	"password = getpass.getpass('Password: ')",
	"PASSWORD=${DB_PASSWORD}",
	"api_key = os.environ['OPENAI_API_KEY']",
	"token = tokens[index + 1]",
	"token: YOUR_TOKEN_GOES_HERE_12345",
	"https://user:password@example.com/",
	"https://host:8080/path@v2",
	"git@github.com:owner/repo.git",
	"icon@2x.png",
	"systemd user@1000.service",
	"version 1.2.3-4567-89",
	"2026-11-22 02:26:32.123456789",
	"1700000000000",
	"4111111111111112",
	"0.4111111111111111",
	"000-12-3456",
	"666-12-3456",
	"900-12-3456",
	"123-00-4567",
	"123-45-0000",
	"da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"550e8400-e29b-41d4-a716-446655440000",
	"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
	"a line with -----BEGIN RSA PRIVATE KEY----- in it.",
	"eyJhbGciOi",
	"AKIA is the prefix",
	"ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	"#include <sys/socket.h>",
	"/usr/lib/x86_64-linux-gnu/perl-base/unicore/lib/Gc/Nd.pl/abcdefg/hij",
	"func(a, b) + arr[0x1234567890]",
};

static void test_harmless(void **state)
{
	struct dlp_settings s = { 0 };
	_cleanup_dlp_engine_ struct dlp_engine *e = engine_of(&s);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
		struct found f = { 0 };

		find_in(e, str_from(harmless[i]), &f);
		if (f.n)
			fail_msg("%s found in: %s",
				 dlp_type_name(e, f.at[0].type), harmless[i]);
	}
}

/* The demo of the Render deployment, with its own patterns and without. */
static void test_demo(void **state)
{
	static const struct dlp_custom custom[] = {
		{ STR("openai_key"), STR("[OPENAI_KEY]"),
		  STR("sk-[A-Za-z0-9]{20,}"), DLP_REDACT },
		{ STR("aws_key"), STR("[AWS_KEY]"), STR("AKIA[0-9A-Z]{16}"),
		  DLP_REDACT },
	};
	struct dlp_settings s = { 0 };
	_cleanup_dlp_engine_ struct dlp_engine *plain = engine_of(&s);
	_cleanup_dlp_engine_ struct dlp_engine *own = NULL;

	(void)state;
	s.custom = custom;
	s.n_custom = ARRAY_LEN(custom);
	own = engine_of(&s);
	expect_redacted(plain,
			"OpenAI sk-"
			"abcdefghijklmnopqrstuvwx1234\n",
			"OpenAI [REDACTED:openai_key]\n");
	expect_redacted(own,
			"OpenAI sk-"
			"abcdefghijklmnopqrstuvwx1234\n",
			"OpenAI [REDACTED:OPENAI_KEY]\n");
	expect_redacted(plain,
			"AWS AKIA"
			"IOSFODNN7EXAMPLE",
			"AWS [REDACTED:aws_access_key]");
	expect_redacted(own,
			"AWS AKIA"
			"IOSFODNN7EXAMPLE",
			"AWS [REDACTED:AWS_KEY]");
	expect_redacted(own, "mail user@example.com", "mail [REDACTED:email]");
	expect_redacted(own, "SSN 078-05-1120", "SSN [REDACTED:ssn]");
}

/* A custom pattern that ends inside a token leaves no rest of it. */
static void test_overlap(void **state)
{
	static const struct dlp_custom custom[] = {
		{ STR("half"), STR_NONE, STR("ghp_[A-Z]{3}"), DLP_REDACT },
	};
	struct dlp_settings s = { .custom = custom, .n_custom = 1 };
	_cleanup_dlp_engine_ struct dlp_engine *e = engine_of(&s);
	_cleanup_buf_ struct buf text = BUF_INIT, out = BUF_INIT;
	uint64_t seed = 7;

	(void)state;
	buf_puts(&text, "ghp_ABC");
	sample_fill(&text, sample_alphabet('a'), 33, &seed);
	buf_puts(&text, " end");
	assert_int_equal(dlp_redact(e, buf_str(&text), &out, NULL), 1);
	assert_string_equal(buf_cstr(&out), "[REDACTED:half] end");
}

/* Random text with secrets in it: all forms of the first pass agree. */
static void same_as(enum dlp_pass pass)
{
	struct dlp_settings s = { 0 };
	_cleanup_dlp_engine_ struct dlp_engine *a = engine_of(&s);
	_cleanup_dlp_engine_ struct dlp_engine *b = engine_of(&s);
	uint64_t seed = 99;

	if (b->tr.pass < pass) {
		print_message("form %u is not to be had here\n", pass);
		return;
	}
	b->tr.pass = pass;
	for (unsigned int round = 0; round < 300; round++) {
		_cleanup_buf_ struct buf text = BUF_INIT;
		struct found x = { 0 }, y = { 0 };

		while (text.len < 3000) {
			uint32_t pick = sample_random(&seed);

			if (pick % 3 == 0)
				(void)sample_put(
					&text,
					&samples[pick % ARRAY_LEN(samples)],
					pick);
			for (unsigned int i = 0; i < pick % 40; i++)
				buf_putc(&text,
					 (char)(sample_random(&seed) %
							(pick % 7 ? 96 : 224) +
						32));
		}
		find_in(a, buf_str(&text), &x);
		find_in(b, buf_str(&text), &y);
		assert_int_equal(x.n, y.n);
		for (size_t i = 0; i < MIN(x.n, (size_t)MAX_FOUND); i++) {
			assert_int_equal(x.at[i].offset, y.at[i].offset);
			assert_int_equal(x.at[i].length, y.at[i].length);
			assert_int_equal(x.at[i].type, y.at[i].type);
		}
	}
}

static void test_passes(void **state)
{
	(void)state;
	same_as(DLP_PASS_PORTABLE);
	same_as(DLP_PASS_AVX2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats), cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_demo),    cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
