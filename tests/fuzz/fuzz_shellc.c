/* SPDX-License-Identifier: MIT */
/*
 * fuzz_shellc.c - the `sh -c` reader stays inside its buffers
 *
 * Input: words of a command line, separated by NUL.
 */
#include <assert.h>
#include <stdint.h>

#include "policy/shellc.h"

#define MAX_ARGS 32U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str argv[MAX_ARGS], rest = { (const char *)data, size };
	static struct shellc s;
	size_t argc = 0;

	while (argc < MAX_ARGS && str_split(&rest, '\0', &argv[argc]))
		argc++;
	if (argc == 0 || shellc_inspect(argv, argc, &s) != SHELLC_DERIVED)
		return 0;
	assert(s.n_words > 0 && s.n_words <= SHELLC_MAX_WORDS);
	for (size_t i = 0; i < s.n_words; i++)
		assert(s.words[i].p >= s.text &&
		       s.words[i].p + s.words[i].n <= s.text + s.n_text);
	return 0;
}
