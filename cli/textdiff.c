/* SPDX-License-Identifier: MIT */
/*
 * textdiff.c - unified difference of two texts
 *
 * The shortest edit script by Myers' greedy algorithm ("An O(ND) Difference
 * Algorithm and Its Variations", 1986): V[k] is how far one gets on diagonal k
 * with d edits. V of each d is kept, to walk back. Bounded by MAX_EDITS.
 */
#include "cli/textdiff.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define MAX_LINES 100000U
#define MAX_EDITS 1500
#define CONTEXT   3U

struct lines {
	struct str *data; /* owned */
	size_t n, size;
};

struct diff {
	struct lines a, b;
	int *trace; /* owned: V of each d, 2 * d + 1 numbers each */
	int edits;
	char *kept_a, *kept_b; /* owned: this line is in both */
};

static int split(struct str text, struct lines *ret)
{
	int r = 0;

	while (r == 0 && text.n > 0) {
		ptrdiff_t nl = str_index(text, '\n');
		size_t n = nl < 0 ? text.n : (size_t)nl + 1;

		if (ret->n >= MAX_LINES)
			return -E2BIG;
		r = vec_push(ret, str_from_n(text.p, n));
		text = str_skip(text, n);
	}
	return r;
}

/* Where V of d edits begins; diagonal k is at + k + d. */
static int *row(const struct diff *s, int d)
{
	return s->trace + (ptrdiff_t)d * d;
}

/* v: of one edit less. The furthest way to diagonal k is a line of b more. */
static bool is_insertion(const int *v, int d, int k)
{
	return k == -d || (k != d && v[k - 1] < v[k + 1]);
}

static int furthest(const struct diff *s, int d, int k)
{
	int x = 0;

	if (d > 0) {
		const int *v = row(s, d - 1) + (d - 1);

		x = is_insertion(v, d, k) ? v[k + 1] : v[k - 1] + 1;
	}
	while ((size_t)x < s->a.n && (size_t)(x - k) < s->b.n &&
	       str_eq(s->a.data[x], s->b.data[x - k]))
		x++;
	return x;
}

static int search(struct diff *s)
{
	int end = (int)s->a.n - (int)s->b.n;

	for (int d = 0; d <= MAX_EDITS; d++) {
		for (int k = -d; k <= d; k += 2) {
			int x = furthest(s, d, k);

			row(s, d)[k + d] = x;
			if (k == end && (size_t)x >= s->a.n) {
				s->edits = d;
				return 0;
			}
		}
	}
	return -E2BIG;
}

/* From the end back: which lines are on the diagonals. */
static void walk_back(struct diff *s)
{
	int x = (int)s->a.n, y = (int)s->b.n;

	for (int d = s->edits; d >= 0; d--) {
		int k = x - y, px = 0, py = 0;

		if (d > 0) {
			const int *v = row(s, d - 1) + (d - 1);
			int pk = is_insertion(v, d, k) ? k + 1 : k - 1;

			px = v[pk];
			py = px - pk;
		}
		while (x > px && y > py) {
			s->kept_a[--x] = 1;
			s->kept_b[--y] = 1;
		}
		x = px;
		y = py;
	}
}

static void put_line(struct buf *out, char mark, struct str line)
{
	bool whole = str_ends(line, STR("\n"));

	buf_putc(out, mark);
	buf_put_escaped(out, str_from_n(line.p, line.n - whole));
	buf_puts(out, whole ? "\n" : "\n\\ No newline at end of file\n");
}

/* Lines a[i..] and b[j..] up to where a run of context ends. */
static void hunk(const struct diff *s, size_t *i, size_t *j, struct buf *out)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	size_t before = *i < CONTEXT ? *i : CONTEXT, same = 0;
	size_t a0 = *i - before, b0 = *j - before, x = a0, y = b0;
	size_t end_x = x, end_y = y, end_len = 0; /* with CONTEXT lines */

	while (x < s->a.n || y < s->b.n) {
		bool keep_a = x < s->a.n && s->kept_a[x];
		bool keep_b = y < s->b.n && s->kept_b[y];

		if (x < s->a.n && !keep_a) {
			put_line(&body, '-', s->a.data[x++]);
			same = 0;
		} else if (y < s->b.n && !keep_b) {
			put_line(&body, '+', s->b.data[y++]);
			same = 0;
		} else {
			if (++same > 2 * CONTEXT)
				break;
			put_line(&body, ' ', s->a.data[x++]);
			y++;
		}
		if (same <= CONTEXT) {
			end_x = x;
			end_y = y;
			end_len = body.len;
		}
	}
	*i = x;
	*j = y;
	x = end_x;
	y = end_y;
	buf_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n", a0 + (x > a0), x - a0,
		   b0 + (y > b0), y - b0);
	buf_put_str(out, str_from_n(body.data, end_len));
}

static void put_hunks(const struct diff *s, struct buf *out)
{
	size_t i = 0, j = 0;

	while (i < s->a.n || j < s->b.n) {
		if (i < s->a.n && j < s->b.n && s->kept_a[i] && s->kept_b[j]) {
			i++;
			j++;
		} else {
			hunk(s, &i, &j, out);
		}
	}
}

static int run(struct diff *s, struct buf *out)
{
	int r;

	s->trace =
		calloc((size_t)(MAX_EDITS + 1) * (MAX_EDITS + 1), sizeof(int));
	s->kept_a = calloc(s->a.n + 1, 1);
	s->kept_b = calloc(s->b.n + 1, 1);
	if (!s->trace || !s->kept_a || !s->kept_b)
		return -ENOMEM;
	r = search(s);
	if (r < 0)
		return r;
	walk_back(s);
	put_hunks(s, out);
	return out->error ? out->error : 1;
}

int textdiff(struct str a, struct str b, struct buf *out)
{
	struct diff s = { .edits = 0 };
	int r;

	if (str_eq(a, b))
		return 0;
	if ((a.n && memchr(a.p, 0, a.n)) || (b.n && memchr(b.p, 0, b.n)))
		return -ENOTSUP;
	r = split(a, &s.a);
	if (r == 0)
		r = split(b, &s.b);
	if (r == 0)
		r = run(&s, out);
	vec_done(&s.a);
	vec_done(&s.b);
	free(s.trace);
	free(s.kept_a);
	free(s.kept_b);
	return r;
}
