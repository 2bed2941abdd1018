/* SPDX-License-Identifier: MIT */
/*
 * progress.h - how far a long piece of work has come, for who wants to show it
 *
 * Whatever walks over many things says so as it goes; without a listener that
 * costs one comparison. For the one thread that does the work.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdint.h>

typedef void progress_fn(uint64_t done, uint64_t total);

/* From now on fn hears of it; NULL: nobody. */
void progress_listen(progress_fn *fn);
/* done of total; total 0: not known. */
void progress_tell(uint64_t done, uint64_t total);

#endif
