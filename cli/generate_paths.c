/* SPDX-License-Identifier: MIT */
/*
 * generate_paths.c - many paths as few patterns
 */
#include <errno.h>

#include "cli/generate_priv.h"

struct walk {
	struct arena *a;
	const struct generate_paths *in, *never;
	unsigned int threshold;
	struct generate_paths *out;
};

/*
 * What a pattern reads as special is matched by a backslash before it; the
 * language cannot quote "${", so any one character stands for its dollar.
 */
int generate_escape(struct arena *a, struct str path, struct str *ret)
{
	size_t lead = str_starts(path, GENERATE_ROOT) ? GENERATE_ROOT.n : 0;
	char *p = arena_alloc(a, 2 * path.n + 1);
	size_t n = lead;

	if (!p)
		return -ENOMEM;
	memcpy(p, path.p, lead);
	for (size_t i = lead; i < path.n; i++) {
		if (path.p[i] == '$') {
			p[n++] = '?';
			continue;
		}
		if (strchr("*?[]{}\\", path.p[i]))
			p[n++] = '\\';
		p[n++] = path.p[i];
	}
	*ret = str_from_n(p, n);
	return 0;
}

/* Directories whose whole content no rule should open unasked. */
static bool too_wide(struct str dir)
{
	struct str rest = dir, part;
	size_t depth = 0;

	if (str_starts(dir, GENERATE_ROOT))
		return false;
	while (str_split(&rest, '/', &part))
		depth += part.n > 0;
	return depth < 2 || (depth == 2 && str_starts(dir, STR("/home/")));
}

static bool holds_denied(const struct walk *w, struct str dir)
{
	for (size_t i = 0; i < w->never->n; i++) {
		struct str path = w->never->data[i].text;

		if (str_starts(path, dir) &&
		    (path.n == dir.n || path.p[dir.n] == '/'))
			return true;
	}
	return false;
}

static int add(struct generate_paths *out, struct str text, uint64_t n)
{
	return vec_push(out, (struct generate_path){ .text = text, .n = n });
}

/* What was put out since `start` becomes one pattern for all below dir. */
static int fold(const struct walk *w, struct str dir, size_t start)
{
	struct str quoted;
	char *text;
	uint64_t n = 0;
	int r = generate_escape(w->a, dir, &quoted);

	if (r < 0)
		return r;
	text = arena_alloc(w->a, quoted.n + 3);
	if (!text)
		return -ENOMEM;
	memcpy(text, quoted.p, quoted.n);
	memcpy(text + quoted.n, "/**", 3);
	for (size_t i = start; i < w->out->n; i++)
		n += w->out->data[i].n;
	w->out->n = start;
	return add(w->out, str_from_n(text, quoted.n + 3), n);
}

/*
 * The paths [lo, hi) share their first `at` bytes, which end in a slash (or
 * are none). Directories below come first, so their patterns are counted.
 */
static int walk(const struct walk *w, size_t lo, size_t hi, size_t at)
{
	size_t start = w->out->n;
	struct str dir = str_from_n(w->in->data[lo].text.p, at ? at - 1 : 0);
	int r = 0;

	while (lo < hi && r == 0) {
		const struct generate_path *p = &w->in->data[lo];
		struct str rest = str_skip(p->text, at);
		ptrdiff_t slash = str_index(rest, '/');
		size_t end = lo + 1;

		if (slash < 0) {
			struct str leaf;

			r = generate_escape(w->a, p->text, &leaf);
			if (r == 0)
				r = add(w->out, leaf, p->n);
			lo = end;
			continue;
		}
		rest.n = (size_t)slash + 1;
		while (end < hi &&
		       str_starts(str_skip(w->in->data[end].text, at), rest))
			end++;
		r = walk(w, lo, end, at + rest.n);
		lo = end;
	}
	if (r == 0 && w->out->n - start >= w->threshold && !too_wide(dir) &&
	    !holds_denied(w, dir))
		r = fold(w, dir, start);
	return r;
}

int generate_collapse(struct arena *a, const struct generate_paths *in,
		      const struct generate_paths *never,
		      unsigned int threshold, struct generate_paths *out)
{
	struct walk w = { .a = a,
			  .in = in,
			  .never = never,
			  .threshold = threshold < 2 ? 2 : threshold,
			  .out = out };

	return in->n ? walk(&w, 0, in->n, 0) : 0;
}
