/* SPDX-License-Identifier: MIT */
/*
 * progress.c - how far a long piece of work has come
 */
#include "base/progress.h"

#include <stddef.h>

static progress_fn *listener;

void progress_listen(progress_fn *fn)
{
	listener = fn;
}

void progress_tell(uint64_t done, uint64_t total)
{
	if (listener)
		listener(done, total);
}
