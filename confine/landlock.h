/* SPDX-License-Identifier: MIT */
/*
 * landlock.h - grant sets as Landlock rulesets, for whatever ABI there is
 *
 * Rights, structure sizes and scopes of ABI 1 to 11 are defined in
 * landlock.c (Debian 12's headers stop at ABI 2) and masked by the ABI that
 * the kernel reports.
 */
#ifndef CONFINE_LANDLOCK_H
#define CONFINE_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/grant.h"

/* Highest ABI the kernel offers; 0 = none; -errno on error. */
int landlock_abi(void);

#define LANDLOCK_MAX_RULES 65536

struct landlock_report {
	int abi;
	size_t n_rules;
	size_t n_missing; /* granted paths that do not exist: skipped */
	/*
	 * Holes inside trees in which files may be created or removed. Landlock
	 * has no negative rules, and granting such a tree entry by entry would
	 * break it (no new names, EACCES after a replace), so these are left to
	 * the catchers alone. detect says so.
	 */
	size_t n_holes_open;
	/* of these, what must not even be read (grant_set.n_unread) */
	size_t n_reads_open;
	bool net, scope_signal, scope_abstract_unix, ioctl;
};

/*
 * Builds a ruleset fd (CLOEXEC). Opens each granted path with O_PATH; a grant
 * with `expand`, or a tree with holes in it, becomes one rule per entry that is
 * not a hole (only on the levels that lead to one); see n_holes_open for the
 * exception. A snapshot: entries made later at an expanded level are denied.
 * Scopes (signals, abstract unix sockets) are always on where the ABI has them;
 * TCP rights are handled only as far as the set restricts them.
 * Return: fd, -EOPNOTSUPP without Landlock, -E2BIG beyond LANDLOCK_MAX_RULES,
 * or -errno. ret may be NULL.
 */
int landlock_build(const struct grant_set *g, struct landlock_report *ret);
/*
 * The same, and in *ret_outer (CLOEXEC) a coarse ruleset around it: all of g
 * without its holes, and all of outer, whose TCP ports are those that count.
 * Costs little more than the one alone.
 */
int landlock_build_with(const struct grant_set *g, struct landlock_report *ret,
			const struct grant_set *outer, int *ret_outer);
/* Flags for landlock_restrict_self under this ABI (audit logging on). */
uint32_t landlock_restrict_flags(int abi);
/* Async-signal-safe wrapper of the syscall. */
int landlock_restrict(int ruleset_fd, uint32_t flags);

#endif
