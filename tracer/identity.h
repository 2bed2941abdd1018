/* SPDX-License-Identifier: MIT */
/*
 * identity.h - acting with the credentials of the caller
 *
 * Of a session whose commands are left capabilities; in all others these calls
 * do nothing, because nobody's credentials can differ from ours.
 */
#ifndef TRACER_IDENTITY_H
#define TRACER_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

struct request;
struct identity;

/*
 * Which of `asked` commands can be left, with what this process has and can
 * judge (judges: there is a catcher). *ret_kept: what it has to keep for that.
 */
uint64_t identity_allowed(uint64_t asked, bool judges, uint64_t *ret_kept);
/* From now on. commands: what they have been left. 0 or -errno. */
int identity_enable(uint64_t commands);
bool identity_enabled(void);

/*
 * This thread becomes the caller of q: its effective and file-system ids,
 * groups, and of its effective capabilities those that it was left. Read from
 * procfs while its call is pending, so nobody but the kernel has a say in it.
 * *ret_was is for identity_back(). -errno: nothing has changed, and nothing may
 * be done for the caller. Another thread's request may not be entered.
 */
int identity_enter(struct request *q, struct identity **ret_was);
/* Its real ids, as access(2) asks. */
int identity_enter_real(struct request *q, struct identity **ret_was);
/* The real ids of q's caller. 1; 0: nobody's can differ from ours; -errno. */
int identity_real_ids(struct request *q, uid_t *ret_uid, gid_t *ret_gid);
/* Ourselves again, with what it takes to look at any process of the session. */
struct identity *identity_look(void);
/* Ourselves, with what it takes to keep anybody's files. */
struct identity *identity_keep(void);
/* What was before; NULL: nothing changed. Ends the process if it cannot. */
void identity_back(struct identity *was);
/* When a request is over. */
struct identity *identity_put(struct identity *i);

DEFINE_CLEANUP(identity_back, struct identity *)
/* clang takes a variable that only ends its scope for unused. */
#define _cleanup_identity_ _cleanup_(identity_back_p) _unused_

#endif
