/* SPDX-License-Identifier: MIT */
/*
 * fuzz_glob.c - globs against a table-filling matcher that cannot be wrong
 *
 * Input: separator byte, pattern, NUL, text. For patterns of literals, stars
 * and '?' in ASCII the answer must be the reference's; expanding braces must
 * not change what any pattern matches.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/glob.h"
#include "base/utf8.h"

#define SMALL 64U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_simple(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 4 || c > 126 || strchr("[]{},\\", c))
			return false;
	}
	return true;
}

/* reach[j]: the pattern so far matches text[0..j). */
static bool reference(struct str pattern, char sep, struct str text)
{
	bool reach[SMALL + 1] = { true }, next[SMALL + 1];

	for (size_t i = 0; i < pattern.n; i++) {
		char c = pattern.p[i];
		bool super = c == '*' && i + 1 < pattern.n &&
			     pattern.p[i + 1] == '*';

		memset(next, 0, sizeof(next));
		for (size_t j = 0; j <= text.n; j++) {
			bool free_char = j > 0 && (super || !sep ||
						   text.p[j - 1] != sep);

			if (c == '*')
				next[j] = reach[j] ||
					  (free_char && next[j - 1]);
			else if (j > 0 && c == '?')
				next[j] = reach[j - 1] && free_char;
			else if (j > 0)
				next[j] = reach[j - 1] && text.p[j - 1] == c;
		}
		memcpy(reach, next, sizeof(reach));
		i += super;
	}
	return reach[text.n];
}

struct any {
	struct str text;
	char sep;
	bool hit;
};

static int try_one(void *arg, struct str pattern)
{
	struct any *a = arg;

	a->hit |= glob_match(pattern, a->sep, a->text);
	return 0;
}

static bool is_path(struct str s)
{
	return s.n && s.p[0] == '/' && s.p[s.n - 1] != '/';
}

/* Neither NUL nor what is read as U+FFFD, which stands for many bytes. */
static bool is_text(struct str s)
{
	uint32_t c;

	for (size_t i = 0; i < s.n; i += utf8_next(str_skip(s, i), &c)) {
		if (utf8_next(str_skip(s, i), &c) &&
		    (c == 0 || c == UTF8_INVALID))
			return false;
	}
	return true;
}

/* In each directory on the way to text, its part of the pattern matches it. */
static void check_below(struct str pattern, struct str text, bool hit)
{
	for (size_t i = 1; i <= text.n; i++) {
		struct any any = { .text = text, .sep = '/' };
		struct str dir = str_from_n(text.p, i);

		if ((i < text.n && text.p[i] != '/') || text.p[i - 1] == '/')
			continue;
		if (glob_below(pattern, dir, try_one, &any) == 0)
			assert(any.hit == hit);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char seps[] = { '/', '.', '\0' };
	struct str pattern, text;
	const uint8_t *nul;
	struct any any = { 0 };
	bool hit;

	if (size < 2)
		return 0;
	any.sep = seps[data[0] % 3];
	data++;
	size--;
	nul = memchr(data, '\0', size);
	if (!nul || size > 4096)
		return 0;
	pattern = str_from_n((const char *)data, (size_t)(nul - data));
	text = str_from_n((const char *)nul + 1, size - pattern.n - 1);
	hit = glob_match(pattern, any.sep, text);
	if (!glob_valid(pattern)) {
		assert(!hit);
		return 0;
	}
	if (pattern.n <= SMALL && text.n <= SMALL && is_simple(pattern) &&
	    is_simple(text))
		assert(hit == reference(pattern, any.sep, text));
	any.text = text;
	if (size <= 256 && is_text(pattern) &&
	    glob_expand(pattern, try_one, &any) == 0)
		assert(any.hit == hit);
	if (size <= 128 && any.sep == '/' && is_path(text) &&
	    is_text(pattern) && is_text(text))
		check_below(pattern, text, hit);
	return 0;
}
