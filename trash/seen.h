/* SPDX-License-Identifier: MIT */
/*
 * seen.h - what is known of inodes: kept in this command already, made by it;
 * links that the quarantine holds (private to trash/)
 *
 * Both tables are bounded and may forget: forgetting costs a second copy, or a
 * link count that is one too high, never a version.
 */
#ifndef TRASH_SEEN_H
#define TRASH_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record_stat;

enum seen_level {
	SEEN_NOT = 0,
	SEEN_LENGTH, /* its length (or its tail) is on record */
	SEEN_WHOLE,  /* its content is kept */
	SEEN_BORN,   /* this command made it */
};

struct seen_slot {
	uint64_t dev, ino;
	int64_t btime_ns;
	uint64_t epoch;
	uint32_t group; /* 0 = empty */
	uint32_t level;
};

struct seen {
	struct seen_slot *slots; /* owned; power of two */
	size_t size, n;
};

/* Nothing is remembered of inodes without a birth time: numbers recur. */
enum seen_level seen_get(const struct seen *s, const struct record_stat *st,
			 uint32_t group, uint64_t epoch);
void seen_put(struct seen *s, const struct record_stat *st, uint32_t group,
	      uint64_t epoch, enum seen_level level);
void seen_done(struct seen *s);

struct links_slot {
	uint64_t dev, ino;
	uint32_t n; /* 0 with ino != 0: deleted */
};

struct links {
	struct links_slot *slots;
	size_t size, used;
};

void links_add(struct links *l, uint64_t dev, uint64_t ino, int n);
uint32_t links_get(const struct links *l, uint64_t dev, uint64_t ino);
void links_done(struct links *l);

#endif
