/* SPDX-License-Identifier: MIT */
/*
 * quarantine.h - what commands see of the store that keeps what they destroy
 *
 * Its directory is there: it can be listed, and is empty. So whatever walks the
 * workspace (git, find, tar, du, grep -r) goes on as if nothing were there,
 * while no name beneath can be opened, no name made, and the directory neither
 * removed nor renamed (EBUSY, as of a mount point).
 *
 * A directory of the default name counts wherever it is: another session may
 * have a workspace inside or around ours, and a store planted by a command
 * must not be found by `agentsh undo`.
 */
#ifndef TRACER_QUARANTINE_H
#define TRACER_QUARANTINE_H

#include <stdbool.h>

#include "base/str.h"
#include "trash/trash.h"

struct command;
struct tracer;

enum quarantine {
	QUARANTINE_NONE = 0, /* has nothing to do with it */
	QUARANTINE_TOP,      /* the directory itself */
	QUARANTINE_INSIDE,
};

enum quarantine quarantine_of(const struct tracer *t, struct str path);
/* What a command gets for the directory: fd (owned) or -errno. */
int quarantine_open_empty(const struct tracer *t);
/* What the command has destroyed so far, kept by us or by the file system of
 * the workspace. False: nothing is known. */
bool quarantine_totals(const struct command *c, struct trash_group_stat *ret);
/* The event that says what an ending command destroyed, if anything. */
void quarantine_receipt(const struct command *c);

#endif
