/* SPDX-License-Identifier: MIT */
/*
 * fuzz_elf_facts.c - a program file that an agent made
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/macro.h"
#include "tracer/elf_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

static ssize_t take(void *arg, void *to, size_t n, uint64_t at)
{
	const struct input *in = arg;

	assert(n <= 1U << 16); /* whatever the file says */
	if (at >= in->size)
		return 0;
	n = MIN(n, in->size - at);
	memcpy(to, in->data + at, n);
	return (ssize_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct elf_facts whole, part;
	size_t head = MIN(size, (size_t)ELF_HEAD_MAX);

	if (!elf_look(data, head, take, &in, &whole))
		return 0;
	assert(whole.build_id_n <= sizeof(whole.build_id));
	/* How much of it was read before makes no difference. */
	if (elf_look(data, MIN(head, (size_t)64), take, &in, &part))
		assert(part.loader == whole.loader &&
		       part.build_id_n == whole.build_id_n);
	return 0;
}
