/* SPDX-License-Identifier: MIT */
/*
 * making.h - what is being made at this moment (private to trash/)
 *
 * What is made is put on record afterwards, for until then it has no inode. A
 * writer that is killed in between leaves a thing that no record names. So
 * before each making its place is written to a small table, mapped from the file
 * `making` of the writer: that costs no system call and outlives the process
 * (not a power cut). The record that follows empties the place. Recovery looks
 * at what is left there: a thing with that name, born (or, a further link,
 * changed) at that moment and on no record, is put on record then.
 *
 * A place of a making that failed stays until another needs it; what such a one
 * names is older than it, and so is left alone.
 */
#ifndef TRASH_MAKING_H
#define TRASH_MAKING_H

#include <limits.h>
#include <stdint.h>

#include "trash/record.h"

#define MAKING_PLACES 32U
#define MAKING_MAGIC  0x676e696b616d7474ULL

struct making_place {
	uint32_t group;  /* 0: empty */
	uint32_t dir;    /* id of its RECORD_DIR */
	int64_t when_ns; /* the clock that inodes get their times from */
	uint64_t seq;    /* of the store's clock */
	uint16_t len;
	char name[NAME_MAX];
	char pad[7];
};

struct making {
	uint64_t magic;
	uint64_t places; /* MAKING_PLACES */
	struct making_place place[MAKING_PLACES];
};

struct trash;

/* The lock is held by the caller, all three. Best effort. */
void making_begin(struct trash *t, uint32_t group, uint32_t dir,
		  struct str name);
void making_done(struct trash *t, uint32_t group, uint32_t dir,
		 struct str name);
/* Takes the file away; what was being made is made. */
void making_close(struct trash *t);

void making_remove(int wfd);
/* The table of the writer whose directory is wfd, checked. 0 or -errno. */
int making_load(int wfd, struct making *ret);
/* What now has the place's name was made by it, as far as times tell. */
bool making_fits(const struct making_place *p, int parent, const char *name,
		 struct record_stat *ret, enum trash_verb *ret_verb);

#endif
