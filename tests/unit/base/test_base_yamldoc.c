/* SPDX-License-Identifier: MIT */
/*
 * test_base_yamldoc.c - YAML trees: shape, caps, hostile input, typed reading
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/yamlread.h"

static const struct yamldoc_caps caps = { 4U << 20, 10000, 64 };

struct doc {
	struct arena arena;
	struct diag diag;
	const struct ynode *root;
	int r;
};

static void doc_done(struct doc *d)
{
	diag_done(&d->diag);
	arena_done(&d->arena);
}
#define _cleanup_doc_ _cleanup_(doc_done)

static void doc_load(struct doc *d, struct str text)
{
	d->arena = ARENA_INIT(64U << 20);
	d->r = yamldoc_parse(&d->arena, "t.yaml", text, &caps, &d->root,
			     &d->diag);
}

static void assert_error(struct str text, const char *want)
{
	_cleanup_doc_ struct doc d = { 0 };
	_cleanup_buf_ struct buf got = BUF_INIT;

	doc_load(&d, text);
	assert_int_equal(d.r, -EINVAL);
	assert_int_equal(d.diag.n_errors, 1);
	diag_first_error(&d.diag, &got);
	assert_string_equal(buf_cstr(&got), want);
}

static struct str scalar(const struct ynode *map, const char *key)
{
	const struct ynode *n = ynode_get(map, key);

	assert_non_null(n);
	assert_int_equal(n->type, YNODE_SCALAR);
	return n->text;
}

static void test_shape(void **state)
{
	_cleanup_doc_ struct doc d = { 0 };
	const struct ynode *list = NULL;

	(void)state;
	doc_load(&d, STR("# c\na: one\nb:\n  - x\n  - \"true\"\n  -\n"
			 "c: {d: |\n    text\n    }\n"));
	/* A literal block inside a flow mapping is not YAML. */
	assert_int_equal(d.r, -EINVAL);
	doc_done(&d);
	d = (struct doc){ 0 };
	doc_load(&d, STR("# c\na: one\nb:\n  - x\n  - \"true\"\n  -\nc: {d: "
			 "\xc3\xa9}\n"));
	assert_int_equal(d.r, 0);
	assert_int_equal(d.root->type, YNODE_MAPPING);
	assert_int_equal(d.root->n, 3);
	assert_true(str_eq_c(scalar(d.root, "a"), "one"));
	list = ynode_get(d.root, "b");
	assert_int_equal(list->n, 3);
	assert_int_equal(list->first->value->line, 4);
	assert_int_equal(list->first->value->column, 5);
	assert_true(list->first->next->value->quoted);
	assert_int_equal(list->first->next->next->value->type, YNODE_NULL);
	assert_true(str_eq_c(scalar(ynode_get(d.root, "c"), "d"), "\xc3\xa9"));
	assert_null(ynode_get(d.root, "zz"));
	assert_null(ynode_get(NULL, "zz"));
}

static void test_empty(void **state)
{
	static const char *const texts[] = { "", "# only\n", "---\n", "\n\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_doc_ struct doc d = { 0 };

		doc_load(&d, str_from(texts[i]));
		assert_int_equal(d.r, 0);
		assert_int_equal(d.root->type, YNODE_NULL);
	}
}

static void test_encodings(void **state)
{
	_cleanup_doc_ struct doc bom = { 0 }, crlf = { 0 }, utf16 = { 0 };

	(void)state;
	doc_load(&bom, STR("\xef\xbb\xbf"
			   "a: 1\n"));
	assert_int_equal(bom.r, 0);
	assert_true(str_eq_c(scalar(bom.root, "a"), "1"));
	doc_load(&crlf, STR("a: 1\r\nb: 2\r\n"));
	assert_int_equal(crlf.r, 0);
	assert_true(str_eq_c(scalar(crlf.root, "a"), "1"));
	assert_int_equal(ynode_get(crlf.root, "b")->line, 2);
	doc_load(&utf16, STR("\xff\xfe"
			     "a\0:\0 \0001\0"));
	assert_int_equal(utf16.r, -EINVAL);
}

static void test_alias_and_merge(void **state)
{
	_cleanup_doc_ struct doc d = { 0 };
	const struct ynode *c = NULL;

	(void)state;
	doc_load(&d, STR("a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\n"
			 "c: {<<: [*a, *b], x: 9}\nd: *a\n"
			 "e:\n  <<: *b\n"));
	assert_int_equal(d.r, 0);
	c = ynode_get(d.root, "c");
	assert_int_equal(c->n, 3);
	assert_true(str_eq_c(scalar(c, "x"), "9"));
	assert_true(str_eq_c(scalar(c, "y"), "2"));
	assert_true(str_eq_c(scalar(c, "z"), "4"));
	assert_true(str_eq_c(scalar(ynode_get(d.root, "d"), "y"), "2"));
	assert_int_equal(ynode_get(d.root, "d")->line, 4);
	assert_int_equal(ynode_get(d.root, "e")->n, 2);
}

static void test_errors(void **state)
{
	(void)state;
	assert_error(STR("a: 1\nb: 2\na: 3\n"),
		     "t.yaml:3:1: key \"a\" is given twice (first on line 1)");
	assert_error(STR("a: 1\n---\nb: 2\n"),
		     "t.yaml:2:1: more than one document (---) in the file");
	assert_error(STR("a: x\nb: \xff\n"), "t.yaml:2:4: not valid UTF-8");
	assert_error(STR("a: \xed\xa0\x80\n"), "t.yaml:1:4: not valid UTF-8");
	assert_error(STR("a: \"x\\0y\"\n"),
		     "t.yaml:1:4: text holds a NUL byte");
	assert_error(STR("a: !ruby/object x\n"),
		     "t.yaml:1:4: tag !ruby/object is not supported");
	assert_error(STR("a: *nope\n"),
		     "t.yaml:1:4: alias *nope: no anchor &nope before it");
	assert_error(STR("a: &x [1, *x]\n"),
		     "t.yaml:1:11: alias *x lies inside its own anchor");
	assert_error(STR("[a]: 1\n"),
		     "t.yaml:1:1: a key must be plain text, not a list, "
		     "mapping or null");
	assert_error(STR("a: {<<: 5}\n"),
		     "t.yaml:1:9: <<: expected a mapping or a list of "
		     "mappings");
	assert_error(STR("a:\n\tb: 1\n"),
		     "t.yaml:2:1: a tab cannot indent, use spaces; while "
		     "scanning for the next token");
}

static void test_bomb(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_doc_ struct doc d = { 0 };

	(void)state;
	buf_puts(&b, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 30; i++) {
		buf_printf(&b, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			buf_printf(&b, "%s*a%d", j ? "," : "", i - 1);
		buf_puts(&b, "]\n");
	}
	doc_load(&d, buf_str(&b));
	assert_int_equal(d.r, -EINVAL);
	assert_int_equal(d.diag.n_errors, 1);
	assert_non_null(strstr(d.diag.items[0].text, "expand to more than"));
	assert_true(d.arena.used < 1U << 20);
}

static void test_merge_bomb(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_doc_ struct doc d = { 0 };

	(void)state;
	buf_puts(&b, "m: &m {");
	for (int i = 0; i < 500; i++)
		buf_printf(&b, "k%d: 1, ", i);
	buf_puts(&b, "z: 1}\nlist:\n");
	for (int i = 0; i < 500; i++)
		buf_puts(&b, " - {<<: *m}\n");
	doc_load(&d, buf_str(&b));
	assert_int_equal(d.r, -EINVAL);
	assert_int_equal(d.diag.n_errors, 1);
}

static void test_caps(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_buf_ struct buf big = BUF_INIT;
	_cleanup_buf_ struct buf deep_alias = BUF_INIT;

	(void)state;
	for (int i = 0; i < 65; i++)
		buf_putc(&b, '[');
	assert_error(buf_str(&b), "t.yaml:1:65: nested deeper than 64 levels");
	buf_reset(&b);
	buf_puts(&b, "[");
	for (int i = 0; i < 10001; i++)
		buf_puts(&b, "1,");
	assert_error(buf_str(&b),
		     "t.yaml:1:20000: more than 10000 values; split the file");
	for (int i = 0; i < 5 << 20; i++)
		buf_putc(&big, '#');
	assert_error(buf_str(&big),
		     "t.yaml: larger than 4194304 bytes (5242880)");
	/* Depth counts through an alias. */
	buf_puts(&deep_alias, "a: &a ");
	for (int i = 0; i < 40; i++)
		buf_putc(&deep_alias, '[');
	for (int i = 0; i < 40; i++)
		buf_putc(&deep_alias, ']');
	buf_puts(&deep_alias, "\nb: ");
	for (int i = 0; i < 40; i++)
		buf_putc(&deep_alias, '[');
	buf_puts(&deep_alias, "*a");
	for (int i = 0; i < 40; i++)
		buf_putc(&deep_alias, ']');
	assert_error(buf_str(&deep_alias),
		     "t.yaml:2:44: nested deeper than 64 levels");
}

static void test_many_keys_is_not_quadratic(void **state)
{
	static const struct yamldoc_caps wide = { 16U << 20, 400000, 64 };
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_doc_ struct doc d = { .arena = ARENA_INIT(256U << 20) };

	(void)state;
	for (int i = 0; i < 150000; i++)
		buf_printf(&b, "key%d: 1\n", i);
	d.r = yamldoc_parse(&d.arena, "t.yaml", buf_str(&b), &wide, &d.root,
			    &d.diag);
	assert_int_equal(d.r, 0);
	assert_int_equal(d.root->n, 150000);
}

static void test_junk(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint64_t x = 88172645463325252ULL;

	(void)state;
	for (int round = 0; round < 300; round++) {
		_cleanup_doc_ struct doc d = { 0 };

		buf_reset(&b);
		for (int i = 0; i < 200; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			buf_putc(&b, "[]{}:,-?&*!|>'\"%@`#a \n\t\\x<"[x % 26]);
		}
		doc_load(&d, buf_str(&b));
		assert_true(d.r == 0 || d.r == -EINVAL);
		assert_int_equal(d.diag.n_errors, d.r == 0 ? 0 : 1);
	}
}

struct reading {
	struct doc d;
	struct yreader reader;
	struct ypath at;
};

static void reading_done(struct reading *r)
{
	doc_done(&r->d);
}

static void read_load(struct reading *r, const char *text)
{
	doc_load(&r->d, str_from(text));
	assert_int_equal(r->d.r, 0);
	r->reader = (struct yreader){ "t.yaml", &r->d.diag, &r->d.arena };
	r->at = (struct ypath){ .key = STR("k") };
}

static int64_t read_int_of(const char *text)
{
	_cleanup_(reading_done) struct reading r = { 0 };
	int64_t v = -99;

	read_load(&r, text);
	if (yread_int(&r.reader, &r.at, r.d.root, -5, 100000, &v) < 0)
		return -100;
	return v;
}

static void test_ints(void **state)
{
	(void)state;
	assert_int_equal(read_int_of("12"), 12);
	assert_int_equal(read_int_of("+7"), 7);
	assert_int_equal(read_int_of("-5"), -5);
	assert_int_equal(read_int_of("0x1F"), 31);
	assert_int_equal(read_int_of("0o17"), 15);
	assert_int_equal(read_int_of("0660"), 432);
	assert_int_equal(read_int_of("0b101"), 5);
	assert_int_equal(read_int_of("1_000"), 1000);
	assert_int_equal(read_int_of("0"), 0);
	assert_int_equal(read_int_of("~"), -99);
	assert_int_equal(read_int_of("-6"), -100);
	assert_int_equal(read_int_of("100001"), -100);
	assert_int_equal(read_int_of("0xffffffffffffffffff"), -100);
	assert_int_equal(read_int_of("99999999999999999999"), -100);
	assert_int_equal(read_int_of("1.5"), -100);
	assert_int_equal(read_int_of("\"12\""), -100);
	assert_int_equal(read_int_of("0x"), -100);
	assert_int_equal(read_int_of("_"), -100);
	assert_int_equal(read_int_of("089"), -100);
}

static void test_bools(void **state)
{
	static const struct {
		const char *text;
		int want; /* -1: error */
	} rows[] = {
		{ "true", 1 },    { "yes", 1 },    { "On", 1 },
		{ "y", 1 },       { "FALSE", 0 },  { "no", 0 },
		{ "off", 0 },     { "N", 0 },      { "\"true\"", -1 },
		{ "1", -1 },      { "0", -1 },     { "tRUE", -1 },
		{ "[true]", -1 }, { "maybe", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(reading_done) struct reading r = { 0 };
		bool v = rows[i].want == 0;
		int e = 0;

		read_load(&r, rows[i].text);
		e = yread_bool(&r.reader, &r.at, r.d.root, &v);
		assert_int_equal(e, rows[i].want < 0 ? -EINVAL : 0);
		if (e == 0)
			assert_int_equal(v, rows[i].want);
	}
}

static void assert_read_error(const char *text,
			      int (*fn)(const struct yreader *,
					const struct ypath *,
					const struct ynode *),
			      const char *want)
{
	_cleanup_(reading_done) struct reading r = { 0 };
	_cleanup_buf_ struct buf got = BUF_INIT;

	read_load(&r, text);
	assert_int_equal(fn(&r.reader, &r.at, r.d.root), -EINVAL);
	diag_first_error(&r.d.diag, &got);
	assert_string_equal(buf_cstr(&got), want);
}

static int as_strings(const struct yreader *r, const struct ypath *at,
		      const struct ynode *n)
{
	struct ystrings v = { 0 };

	return yread_strings(r, at, n, &v);
}

static int as_map(const struct yreader *r, const struct ypath *at,
		  const struct ynode *n)
{
	struct ystrmap v = { 0 };

	return yread_strmap(r, at, n, &v);
}

static int as_duration(const struct yreader *r, const struct ypath *at,
		       const struct ynode *n)
{
	int64_t v = 0;

	return yread_duration(r, at, n, &v);
}

static int as_size(const struct yreader *r, const struct ypath *at,
		   const struct ynode *n)
{
	uint64_t v = 0;

	return yread_size(r, at, n, &v);
}

static int as_int(const struct yreader *r, const struct ypath *at,
		  const struct ynode *n)
{
	int64_t v = 0;

	return yread_int(r, at, n, 1, 65535, &v);
}

static void test_read_errors(void **state)
{
	(void)state;
	assert_read_error("x", as_strings,
			  "t.yaml:1:1: k: expected a list of texts such as "
			  "[a, b], found \"x\"");
	assert_read_error("[a, [b]]", as_strings,
			  "t.yaml:1:5: k[1]: expected text, found a list");
	assert_read_error("{A: {b: c}}", as_map,
			  "t.yaml:1:5: k.A: expected text, found a mapping");
	assert_read_error("5", as_duration,
			  "t.yaml:1:1: k: expected a duration such as 30s, "
			  "1h30m or 7d, found \"5\"");
	assert_read_error("big", as_size,
			  "t.yaml:1:1: k: expected a size such as 512, 10MB "
			  "or 1GiB, found \"big\"");
	assert_read_error("'80'", as_int,
			  "t.yaml:1:1: k: expected a whole number, found the "
			  "quoted text \"80\"");
	assert_read_error("70000", as_int,
			  "t.yaml:1:1: k: 70000 is out of range (1 to 65535)");
}

static void test_unknown_text(void **state)
{
	static const char *const known[] = { "paths", "operations", "name" };
	struct ypath top = { .key = STR("file_rules") };
	struct ypath at = { .up = &top, .index = 2 };
	_cleanup_buf_ struct buf b = BUF_INIT;

	(void)state;
	yread_unknown_text(&at, STR("path"), known, ARRAY_LEN(known), &b);
	assert_string_equal(buf_cstr(&b),
			    "unknown key \"path\" in file_rules[2]; did you "
			    "mean \"paths\"?");
	buf_reset(&b);
	yread_unknown_text(NULL, STR("zzzzzz"), known, ARRAY_LEN(known), &b);
	assert_string_equal(buf_cstr(&b), "unknown key \"zzzzzz\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_alias_and_merge),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_merge_bomb),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_many_keys_is_not_quadratic),
		cmocka_unit_test(test_junk),
		cmocka_unit_test(test_ints),
		cmocka_unit_test(test_bools),
		cmocka_unit_test(test_read_errors),
		cmocka_unit_test(test_unknown_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
