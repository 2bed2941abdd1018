/* SPDX-License-Identifier: MIT */
/*
 * spool.h - events of commands that ran without a server, until one reads them
 *
 * One file beside the database, written by any number of processes at a time.
 * The database takes its content over (spool_import) when it is opened for
 * writing, and the file starts anew.
 */
#ifndef AUDIT_SPOOL_H
#define AUDIT_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "core/event.h"

struct audit_store;

struct spool {
	int fd;         /* owned */
	struct str key; /* borrowed: chain it with this key; may be empty */
	uint64_t end;   /* of the file when we last looked */
	uint8_t head[SHA256_LEN];
	struct buf record; /* reused */
	struct buf held;   /* events that wait for the next one */
};

/* Path of the spool that belongs to a database (or a JSON lines log). */
int spool_path(const char *log_path, struct buf *out);
/* Makes directory and file if need be. 0 or -errno. */
int spool_open(const char *path, struct str key, struct spool *ret);
void spool_close(struct spool *s);
/* On return 0 the event survives the death of this process. Or -errno. */
int spool_append(struct spool *s, const struct event *e);
/* Keeps it for the next spool_append() or spool_flush(), which writes it along:
 * for what comes before anything happens. 0 or -errno. */
int spool_hold(struct spool *s, const struct event *e);
/* Writes what is held. 0 or -errno. */
int spool_flush(struct spool *s);
/*
 * Appends what the spool holds to the store, then empties it. What does not
 * follow from what comes before it is not taken over: an event `spool_damaged`
 * says so, and the whole is kept in PATH.damaged. Return: number of events, -ENOENT without a spool,
 * or -errno, and then the spool is as it was.
 */
int spool_import(const char *path, struct str key, struct audit_store *store);

#endif
