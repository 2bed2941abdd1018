/* SPDX-License-Identifier: MIT */
/*
 * fuzz_regex.c - regular expressions: every program is valid and terminates
 *
 * Input: pattern, NUL, text. What matches whole also matches somewhere, and
 * quoted text finds itself.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void quoted_finds_itself(struct str text)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (str_find(text, STR("\\E")) >= 0 || text.n > 512 ||
	    !str_is_utf8(text) || str_ends(text, STR("\\")))
		return;
	buf_puts(&b, "^\\Q");
	buf_put_str(&b, text);
	buf_puts(&b, "\\E$");
	assert(regex_match(buf_str(&b), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_nfa_build_ struct nfa_build b = NFA_BUILD_INIT;
	const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
	struct str pattern, text;
	const char *error = NULL;
	struct nfa prog;
	size_t at = 0;

	if (!nul || size > 2048)
		return 0;
	pattern = str_from_n((const char *)data, (size_t)(nul - data));
	text = str_from_n((const char *)nul + 1, size - pattern.n - 1);
	quoted_finds_itself(text);
	if (regex_compile(pattern, &b, &error, &at) < 0) {
		assert(error && at <= pattern.n);
		return 0;
	}
	prog = nfa_view(&b);
	assert(nfa_valid(&prog));
	if (nfa_run(&prog, NFA_WHOLE, &text, 1))
		assert(nfa_run(&prog, 0, &text, 1));
	return 0;
}
