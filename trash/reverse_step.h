/* SPDX-License-Identifier: MIT */
/*
 * reverse_step.h - steps shared by the reversals (private to trash/reverse*.c)
 */
#ifndef TRASH_REVERSE_STEP_H
#define TRASH_REVERSE_STEP_H

#include "trash/reverse.h"

/* --- reverse_look.c --- */
/* Outcomes with their reason. */
int reverse_conflict(struct undoing *u, const char *why);
int reverse_lost(struct undoing *u, const char *why);
int reverse_skipped(struct undoing *u, const char *why);
/* A dry run's picture of a name. 0 or -ENOMEM. */
int reverse_sim_set(struct undoing *u, struct str path, bool present,
		    const struct record_stat *st);
/* 0, or -ENOENT (no such name, or its directory is not there). */
int reverse_look(struct undoing *u, struct str path, struct record_stat *ret);
/* NULL if the object is as the command left it, else what is wrong. */
const char *reverse_changed(struct undoing *u, struct str recorded,
			    struct str now, const struct record_stat *st);
bool reverse_same_object(const struct undoing *u,
			 const struct record_stat *now);
/* The same of the inode number that a rename has on record. */
bool reverse_same_inode(const struct undoing *u, const struct record_stat *now);
/* What the record keeps is still there. */
bool reverse_has_payload(struct undoing *u);

/* --- reverse_act.c --- */
int reverse_at(struct undoing *u, struct str path, bool make,
	       char name[NAME_MAX + 1], struct trash_at *ret);
/* What is at path goes to the quarantine. */
int reverse_take_away(struct undoing *u, struct str path,
		      const struct record_stat *st);
/* A whole directory goes to the quarantine, file by file. */
int reverse_take_tree(struct undoing *u, struct str path, unsigned int depth);
/* The directory that the command made, with what a keeper that was killed has
 * made there and not recorded: all of it within a moment of the last record.
 * -ENOTEMPTY: it is somebody else's. */
int reverse_take_late(struct undoing *u, struct str path);
/* 0 when it is not there. */
int64_t reverse_ctime(struct undoing *u, struct str path);
/* The name must be free; with force it is made so. */
int reverse_make_room(struct undoing *u, struct str path);
/* A directory that is there: filled up, and finished if it was being made by
 * an undo that was killed. */
int reverse_dir_again(struct undoing *u, struct str recorded, struct str path);
/* recorded: the name it had, path: where it goes. */
int reverse_put_back(struct undoing *u, struct str recorded, struct str path);

/* --- reverse_content.c --- */
int reverse_content(struct undoing *u, struct str recorded);
int reverse_meta(struct undoing *u, struct str recorded);

#endif
