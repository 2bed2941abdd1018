/* SPDX-License-Identifier: MIT */
/*
 * floor.h - attacks that the kernel-side floor must stop by itself
 *
 * Each attack runs twice, in a fresh process: without a sandbox it must
 * succeed (otherwise this machine cannot show anything and it is skipped by
 * name), and under a plan of confine/ it must fail. No supervisor listens.
 */
#ifndef TESTS_ESCAPE_FLOOR_H
#define TESTS_ESCAPE_FLOOR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What an attacker finds; filled from the environment by floor.c. */
struct arena {
	const char *ws;      /* directory granted read-write */
	const char *out;     /* sibling that is not granted */
	const char *secret;  /* file in out */
	pid_t victim;        /* process outside, same uid */
	unsigned short port; /* TCP listener outside, loopback */
	const char *name;    /* abstract unix socket outside */
	int leaked;          /* fd on secret that the parent forgot to close */
	uintptr_t mark;      /* address of a word in the victim */
};

#define ATTACK_SUCCEEDED 0
#define ATTACK_BLOCKED   1
#define ATTACK_NO_MEANS  77 /* machine lacks what it needs */

struct attack {
	const char *name;
	int (*run)(const struct arena *a);
	int landlock; /* lowest ABI whose floor stops it; 0 = the filter does */
};

extern const struct attack fs_attacks[], net_attacks[], process_attacks[],
	kernel_attacks[]; /* each ends with a NULL name */

/* ATTACK_SUCCEEDED if r >= 0, else BLOCKED. */
int attack_result(long r);
/* dir/name in one of a few static buffers. */
const char *at(const char *dir, const char *name);

#endif
