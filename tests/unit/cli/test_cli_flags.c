/* SPDX-License-Identifier: MIT */
/*
 * test_cli_flags.c - flags parse as pflag parses them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/flags.h"

static const struct flag table[] = {
	{ .name = "output",
	  .shorthand = 'o',
	  .type = FLAG_STRING,
	  .dflt = "shell" },
	{ .name = "json", .shorthand = 'j', .type = FLAG_BOOL },
	{ .name = "limit", .type = FLAG_INT, .dflt = "200" },
	{ .name = "set-env", .type = FLAG_LIST },
	{ .name = "level", .type = FLAG_STRING, .required = true },
	{ 0 },
};

struct parsed {
	struct flag_set f;
	int r, n, dash;
	char **argv;
	struct buf error;
};

#define ARGS_MAX 16

/* argv points to static words: the parser only moves pointers. */
static void parse(struct parsed *p, char **argv, bool until)
{
	struct flag_words words;
	int argc = 0;

	memset(p, 0, sizeof(*p));
	assert_int_equal(flag_set_add(&p->f, table), 0);
	while (argv[argc])
		argc++;
	words = (struct flag_words){ .argv = argv,
				     .argc = argc,
				     .until_positional = until };
	p->argv = argv;
	p->r = flag_set_parse(&p->f, &words, &p->error);
	p->n = words.n;
	p->dash = words.dash;
}

static void done(struct parsed *p)
{
	flag_set_done(&p->f);
	buf_done(&p->error);
}

#define WORDS(...)                        \
	(char *[])                        \
	{                                 \
		__VA_ARGS__, (char *)NULL \
	}
#define W(s) ((char[]){ s })

static void test_interleaved(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p,
	      WORDS(W("a"), W("--output"), W("json"), W("b"), W("-j"),
		    W("--limit=5"), W("--"), W("--json"), W("--")),
	      false);
	assert_int_equal(p.r, 0);
	assert_int_equal(p.n, 4);
	assert_int_equal(p.dash, 2);
	assert_string_equal(p.argv[1], "b");
	assert_string_equal(p.argv[2], "--json");
	assert_string_equal(p.argv[3], "--");
	assert_string_equal(flag_text(&p.f, "output"), "json");
	assert_true(flag_bool(&p.f, "json"));
	assert_int_equal(flag_int(&p.f, "limit"), 5);
	done(&p);
}

static void test_defaults_and_forms(void **state)
{
	struct parsed p;
	const char *const *list;

	(void)state;
	parse(&p,
	      WORDS(W("-jofile"), W("--json=false"), W("--set-env=A=1"),
		    W("--set-env"), W("B=2"), W("-")),
	      false);
	assert_int_equal(p.r, 0);
	assert_int_equal(p.n, 1); /* "-" is a word */
	assert_string_equal(flag_text(&p.f, "output"), "file");
	assert_false(flag_bool(&p.f, "json"));
	assert_true(flag_given(&p.f, "json"));
	assert_int_equal(flag_int(&p.f, "limit"), 200);
	assert_false(flag_given(&p.f, "limit"));
	assert_int_equal(flag_list(&p.f, "set-env", &list), 2);
	assert_string_equal(list[1], "B=2");
	done(&p);
}

static void expect_error(char **argv, const char *text)
{
	struct parsed p;

	parse(&p, argv, false);
	assert_true(p.r < 0);
	assert_string_equal(buf_cstr(&p.error), text);
	done(&p);
}

static void test_errors(void **state)
{
	(void)state;
	expect_error(WORDS(W("--nope")), "unknown flag: --nope");
	expect_error(WORDS(W("--nope=1")), "unknown flag: --nope");
	expect_error(WORDS(W("-jx")), "unknown shorthand flag: 'x' in -jx");
	expect_error(WORDS(W("--output")), "flag needs an argument: --output");
	expect_error(WORDS(W("-jo")), "flag needs an argument: 'o' in -jo");
	expect_error(WORDS(W("--=x")), "bad flag syntax: --=x");
	expect_error(WORDS(W("--json=maybe")),
		     "invalid argument \"maybe\" for \"-j, --json\" flag: "
		     "strconv.ParseBool: parsing \"maybe\": invalid syntax");
	expect_error(WORDS(W("--limit"), W("x")),
		     "invalid argument \"x\" for \"--limit\" flag: "
		     "strconv.ParseInt: parsing \"x\": invalid syntax");
}

static void test_required(void **state)
{
	struct parsed p;
	struct buf error = BUF_INIT;

	(void)state;
	parse(&p, WORDS(W("x")), false);
	assert_true(flag_set_check_required(&p.f, &error) < 0);
	assert_string_equal(buf_cstr(&error),
			    "required flag(s) \"level\" not set");
	done(&p);
	buf_reset(&error);
	parse(&p, WORDS(W("--level"), W("summary")), false);
	assert_int_equal(flag_set_check_required(&p.f, &error), 0);
	done(&p);
	buf_done(&error);
}

static void test_until_positional(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, WORDS(W("--json"), W("verb"), W("--unknown")), true);
	assert_int_equal(p.r, 0);
	assert_int_equal(p.n, 2);
	assert_string_equal(p.argv[0], "verb");
	assert_string_equal(p.argv[1], "--unknown");
	done(&p);
	parse(&p, WORDS(W("-h")), false);
	assert_true(p.f.help);
	done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_defaults_and_forms),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_until_positional),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
