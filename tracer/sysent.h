/* SPDX-License-Identifier: MIT */
/*
 * sysent.h - notified system call -> its name and decoder
 */
#ifndef TRACER_SYSENT_H
#define TRACER_SYSENT_H

#include "tracer/notify.h"

struct sysent {
	int nr;
	const char *name;
	decode_fn *decode;
};

/* NULL if no decoder knows nr: such a call is denied. */
const struct sysent *sysent_find(int nr);

#endif
