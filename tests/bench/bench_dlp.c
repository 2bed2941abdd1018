/* SPDX-License-Identifier: MIT */
/*
 * bench_dlp.c - MB/s of the DLP engine, and of PCRE2-JIT with the same types
 *
 * Not a test: prints a table. Texts: code and documents of this system, the
 * same as JSON strings, and texts made to be expensive. A figure is that of
 * the best of several rounds over each piece, so that what else the machine
 * does counts little. PCRE2 is given one expression per type and one pass for
 * each, which is the fastest way to use it.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/fd.h"
#include "base/json.h"
#include "dlp/priv.h"
#include "tests/unit/dlp/hostile.h"
#ifdef HAVE_PCRE2
#	include <pcre2.h>
#endif

#define PIECE  (64U << 10)
#define PIECES 96U
#define ROUNDS 12

static struct buf text;
static size_t n_out;

static int add_file(const char *path, const struct stat *st, int type,
		    struct FTW *where)
{
	(void)where;
	if (type == FTW_F && st->st_size > 0 && st->st_size < PIECE)
		(void)fd_read_file(AT_FDCWD, path, PIECE, &text);
	return text.len >= (size_t)PIECE * PIECES;
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef void work_fn(void *arg, struct str piece);

/* Best time of each piece, summed. */
static double rate(struct str all, work_fn *fn, void *arg)
{
	double sum = 0;
	size_t n = 0;

	while (all.n >= PIECE / 4) {
		struct str piece = { all.p, MIN(all.n, (size_t)PIECE) };
		double best = 1e9;

		for (unsigned int k = 0; k < ROUNDS; k++) {
			double t = now();

			fn(arg, piece);
			t = now() - t;
			best = t < best ? t : best;
		}
		sum += best;
		n += piece.n;
		all = str_skip(all, piece.n);
	}
	return (double)n / 1e6 / sum;
}

/* --- ours -------------------------------------------------------------- */

static void on_out(void *arg, struct str bytes)
{
	(void)arg;
	n_out += bytes.n;
}

static void find(void *arg, struct str piece)
{
	static const struct dlp_sink none;

	(void)dlp_find(arg, piece, &none);
}

static void redact(void *arg, struct str piece)
{
	static struct buf out;

	buf_reset(&out);
	(void)dlp_redact(arg, piece, &out, NULL);
}

static size_t chunk;

static void stream(void *arg, struct str piece)
{
	struct dlp_sink sink = { .out = on_out };
	_cleanup_dlp_stream_ struct dlp_stream *s = NULL;

	if (dlp_stream_new(arg, &sink, &s) < 0)
		abort();
	while (piece.n) {
		size_t n = MIN(chunk, piece.n);

		(void)dlp_stream_feed(s, str_from_n(piece.p, n));
		piece = str_skip(piece, n);
	}
	(void)dlp_stream_finish(s);
}

/* --- PCRE2 ------------------------------------------------------------- */

#ifdef HAVE_PCRE2
static pcre2_code *codes[512];
static pcre2_match_data *match;
static size_t n_codes;

/* A pattern of table.c in PCRE2's syntax. */
static void translate(const struct dlp_row *row, struct buf *out)
{
	static const char *const names = "dhHlUawubk";
	static const char *const classes[] = {
		"0-9",        "0-9a-f",      "0-9A-Fa-f",
		"0-9a-z",     "0-9A-Z",      "A-Za-z0-9",
		"A-Za-z0-9_", "A-Za-z0-9_-", "A-Za-z0-9+\\/",
	};
	bool inside = false;

	buf_puts(out, row->flags & DLP_ROW_ICASE ? "(?i)" : "");
	buf_puts(out, row->flags & (DLP_ROW_INSIDE | DLP_ROW_PART)
			      ? ""
			      : "(?<![A-Za-z0-9_])");
	for (const char *p = row->pattern; *p; p++) {
		const char *at = p[0] == '\\' ? strchr(names, p[1]) : NULL;

		if (at && *at == 'k') {
			buf_puts(out, "[\\w.-]{0,24}[\"'\\\\\\]]{0,3} {0,3}"
				      "[=:>]{1,3} {0,3}[\"'\\\\]{0,3}");
			p++;
		} else if (at) {
			buf_printf(out, inside ? "%s" : "[%s]",
				   classes[at - names]);
			p++;
		} else if (*p == '\\') {
			buf_putc(out, *p++);
			buf_putc(out, *p);
		} else if (strchr(".$|*+^", *p) && !inside) {
			buf_printf(out, "\\%c", *p);
		} else {
			inside = *p == '[' || (inside && *p != ']');
			buf_putc(out, *p);
		}
	}
}

static void compile(const char *pattern)
{
	PCRE2_SIZE at;
	int error;
	pcre2_code *c = pcre2_compile((PCRE2_SPTR)pattern,
				      PCRE2_ZERO_TERMINATED, 0, &error, &at,
				      NULL);

	if (!c) {
		printf("  (not compiled: %s)\n", pattern);
		return;
	}
	(void)pcre2_jit_compile(c, PCRE2_JIT_COMPLETE);
	codes[n_codes++] = c;
}

static void compile_all(void)
{
	for (size_t i = 0; i < dlp_n_rows; i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		translate(&dlp_rows[i], &b);
		compile(buf_cstr(&b));
	}
	compile("[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]+\\.[A-Za-z]{2,24}");
	compile("(?<![\\w.])(?:\\(\\d{3}\\) ?|\\d{3}[-. ])\\d{3}[-. ]\\d{4}\\b");
	compile("(?<![\\w.])\\d{4}[ -]?\\d{4}[ -]?\\d{4}[ -]?\\d{1,7}\\b");
	compile("(?<![\\w.-])\\d{3}[- ]\\d{2}[- ]\\d{4}\\b");
	compile("-----BEGIN [A-Z ]*PRIVATE KEY");
	match = pcre2_match_data_create(32, NULL);
}

static void pcre(void *arg, struct str piece)
{
	(void)arg;
	for (size_t i = 0; i < n_codes; i++) {
		PCRE2_SIZE at = 0;

		while (at < piece.n &&
		       pcre2_match(codes[i], (PCRE2_SPTR)piece.p, piece.n, at,
				   PCRE2_NO_UTF_CHECK, match, NULL) > 0)
			at = pcre2_get_ovector_pointer(match)[1];
	}
}
#endif

/* --- texts made to be expensive ---------------------------------------- */

static void print_hostile(struct dlp_engine *e)
{
	for (size_t i = 0; i < ARRAY_LEN(hostile_repeated); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		while (b.len < PIECE)
			buf_puts(&b, hostile_repeated[i]);
		printf("%-38s %8.0f\n", hostile_repeated[i],
		       rate(buf_str(&b), find, e));
	}
	for (unsigned int i = 0; i < HOSTILE_MIXTURES; i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		hostile_mixture(&b, i, 4 * PIECE);
		printf("%-38s %8.0f\n", hostile_names[i],
		       rate(buf_str(&b), find, e));
	}
}

/* The slowest of the beginnings of formats, one behind the other. */
#define WORST 12

struct slow {
	const struct dlp_row *row;
	enum hostile_way way;
	double rate;
};

static int by_rate(const void *a, const void *b)
{
	const struct slow *x = a, *y = b;

	return x->rate < y->rate ? -1 : x->rate > y->rate;
}

/* Nothing of the class is found, or it is no near-miss. */
static void on_near(void *arg, const struct dlp_finding *f)
{
	(void)f;
	++*(size_t *)arg;
}

/*
 * Every format in every way to look like it (hostile.h), repeated: what is found
 * in more than a hundredth of the text is no near-miss and does not count.
 */
static size_t near_misses(struct dlp_engine *e, struct slow *all, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n_grammars * HOSTILE_WAYS && n < room; i++) {
		const struct dlp_grammar *g = &e->grammars[i / HOSTILE_WAYS];
		enum hostile_way way = (enum hostile_way)(i % HOSTILE_WAYS);
		_cleanup_buf_ struct buf one = BUF_INIT, b = BUF_INIT;
		uint64_t seed = 88172645463325252ULL;
		size_t found = 0;
		const struct dlp_sink sink = { .found = on_near,
					       .arg = &found };

		if (!hostile_near(&one, e, g, way, &seed))
			continue;
		while (b.len < PIECE / 2) {
			if (way == HOSTILE_MANY)
				(void)hostile_near(&b, e, g, way, &seed);
			else
				buf_put_str(&b, buf_str(&one));
		}
		(void)dlp_find(e, buf_str(&b), &sink);
		if (found > b.len / one.len / 100)
			continue;
		all[n++] = (struct slow){ g->row, way,
					  rate(buf_str(&b), find, e) };
	}
	return n;
}

static void print_worst(struct dlp_engine *e)
{
	static const char *const ways[HOSTILE_WAYS] = {
		"head",     "head=",  "half",         "without its end",
		"too long", "spoilt", "many, no end",
	};
	static struct slow all[4096];
	size_t n = near_misses(e, all, ARRAY_LEN(all)), below = 0;

	if (n == 0)
		return;
	qsort(all, n, sizeof(all[0]), by_rate);
	while (below < n && all[below].rate < 100)
		below++;
	for (size_t i = 0; i < MIN(n, (size_t)WORST); i++)
		printf("%-18s %-19.19s %8.0f\n", ways[all[i].way],
		       all[i].row->name, all[i].rate);
	printf("near-misses: %zu, below 100 MB/s %zu, median %.0f\n", n, below,
	       all[n / 2].rate);
}

int main(void)
{
	_cleanup_buf_ struct buf err = BUF_INIT, json = BUF_INIT;
	struct dlp_settings s = { 0 };
	struct dlp_engine *e = NULL;
	struct json_writer w;
	double t = now();

	if (dlp_engine_new(&s, &err, &e) < 0)
		return 1;
	printf("compiling: %.1f ms\n", (now() - t) * 1e3);
	(void)nftw("/usr/include", add_file, 16, FTW_PHYS);
	(void)nftw("/usr/share/doc", add_file, 16, FTW_PHYS);
	json_writer_init(&w, &json, 0);
	json_str(&w, buf_str(&text));
	printf("%-38s %8s\n", "code and documents", "MB/s");
	printf("%-38s %8.0f\n", "find", rate(buf_str(&text), find, e));
	printf("%-38s %8.0f\n", "redact", rate(buf_str(&text), redact, e));
	for (chunk = 64; chunk <= 65536; chunk *= 32) {
		printf("stream, %-5zu bytes at a time %17.0f\n", chunk,
		       rate(buf_str(&text), stream, e));
	}
	printf("%-38s %8.0f\n", "the same as a JSON string, redact",
	       rate(buf_str(&json), redact, e));
	if (e->tr.pass == DLP_PASS_AVX512) {
		e->tr.pass = DLP_PASS_AVX2;
		(void)dlp_triggers_deal(e);
		printf("%-38s %8.0f\n", "find, first pass with AVX2",
		       rate(buf_str(&text), find, e));
	}
	e->tr.pass = DLP_PASS_PORTABLE;
	printf("%-38s %8.0f\n", "find, first pass without SIMD",
	       rate(buf_str(&text), find, e));
	e->tr.pass = dlp_triggers_best();
	(void)dlp_triggers_deal(e);
#ifdef HAVE_PCRE2
	compile_all();
	printf("PCRE2-JIT, %3zu expressions %19.1f\n", n_codes,
	       rate(str_from_n(text.data, 2 * PIECE), pcre, NULL));
#endif
	printf("hostile, find\n");
	print_hostile(e);
	printf("the slowest near-misses of formats\n");
	print_worst(e);
	(void)dlp_engine_free(e);
	buf_done(&text);
	return 0;
}
