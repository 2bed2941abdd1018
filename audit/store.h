/* SPDX-License-Identifier: MIT */
/*
 * store.h - the audit log: SQLite (WAL) with one writer, and JSON lines
 *
 * Schema: interface reference section 5.3, versioned by PRAGMA user_version
 * with migrations in schema.c; `events` is a view, because many like events
 * share a row of `event_log` (block.c). File mode 0600. Appends are batched into one
 * transaction of at most batch_size events or flush_interval; a query through
 * the same store flushes first. Other processes may read with sqlite3 at any
 * time (busy_timeout is set on both sides). One thread.
 *
 * Nothing is dropped: a batch whose commit fails (disk full, say) stays in
 * memory and is written again by the next flush; meanwhile audit_append
 * returns the error once AUDIT_MAX_HELD bytes wait, so that whoever asks for a
 * record denies the operation.
 *
 * Event ids are UUIDs of version 7 (time ordered): random ones make the
 * primary key of a large log several times slower to extend.
 */
#ifndef AUDIT_STORE_H
#define AUDIT_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/str.h"
#include "core/event.h"
#include "core/sink.h"

#define AUDIT_MAX_HELD (8U << 20)

struct audit_store;

struct audit_options {
	const char *sqlite_path;  /* NULL = no database */
	const char *jsonl_path;   /* NULL or "" = none */
	uint64_t rotate_bytes;    /* jsonl; 0 = 500 MiB */
	unsigned int max_backups; /* jsonl; 0 = 10 */
	unsigned int batch_size;  /* 0 = 512 */
	bool read_only;           /* CLI --direct-db */
	/* JSON lines carry a keyed chain (5.5) when there is a key; the
	 * database always carries a plain one. Borrowed during audit_open. */
	const uint8_t *hmac_key;
	size_t hmac_key_len;
	bool hmac_sha512; /* else HMAC-SHA-256 */
};

/*
 * -EWOULDBLOCK: another process writes this log; -EKEYREJECTED: the JSON
 * lines' chain was made with another key; -EBADMSG: not our database, or the
 * existing chain does not verify.
 */
int audit_open(const struct audit_options *o, struct audit_store **ret);
/* Flushes. NULL is a no-op. */
struct audit_store *audit_close(struct audit_store *s);

/*
 * fn is given a copy of every event that is appended from now on and may
 * replace its strings; they live until the next call. Its error refuses the
 * event. NULL: none.
 */
typedef int audit_filter_fn(void *arg, struct event *e);
void audit_set_filter(struct audit_store *s, audit_filter_fn *fn, void *arg);
/* Assigns id and chain hash; the event is in the current batch on return. */
int audit_append(struct audit_store *s, const struct event *in);
/*
 * JSON of the event appended last; borrowed until the next append. Empty for an
 * open for reading that was permitted, unless audit_render() asked for all.
 */
void audit_render(struct audit_store *s, bool always);
struct str audit_last_json(const struct audit_store *s);
/* Commits the batch. Call on a timer, before answers and at exit. */
int audit_flush(struct audit_store *s);
/* True if something waits for audit_flush. */
bool audit_pending(const struct audit_store *s);

/*
 * A consistent copy of a database that another process may be writing, into a
 * new file. 0 or -errno; what was made of copy_path is then for the caller to
 * remove.
 */
int audit_backup(const char *sqlite_path, const char *copy_path);

struct audit_filter {
	struct str session_id, command_id, decision;
	struct str path_like, domain_like, text_like;
	const struct str *types;
	size_t n_types;
	int64_t since_ns, until_ns; /* 0 = open */
	int limit, offset;          /* limit <= 0 or > 5000 -> 200 */
	bool ascending;
};

/* One callback per event with its stored JSON; stops on non-zero return. */
typedef int audit_row_fn(void *arg, struct str payload_json);
int audit_query(struct audit_store *s, const struct audit_filter *f,
		audit_row_fn *fn, void *arg);

/*
 * Commands with a command_started since then and no command_finished. The
 * callback must not append; a non-zero return stops. 0 or -errno.
 */
typedef int audit_command_fn(void *arg, struct str session, struct str command);
int audit_unfinished(struct audit_store *s, int64_t since_ns,
		     audit_command_fn *fn, void *arg);

struct audit_output {
	struct str stdout_data, stderr_data;
	uint64_t stdout_total, stderr_total;
	bool stdout_truncated, stderr_truncated;
};
int audit_output_put(struct audit_store *s, struct str session_id,
		     struct str command_id, const struct audit_output *o);
/*
 * Appends up to limit bytes of one stream from offset to out.
 * -ENOENT: no such command (or, with a session_id, not of that session).
 */
struct audit_output_at {
	struct str session_id; /* empty = any */
	struct str command_id;
	bool is_stderr;
	uint64_t offset, limit;
};
int audit_output_get(struct audit_store *s, const struct audit_output_at *at,
		     struct buf *out, uint64_t *ret_total, bool *ret_truncated);

/* What a check of the tamper-evident chain found. */
struct audit_verdict {
	uint64_t n_checked;
	bool ok;
	uint64_t bad_sequence; /* of the first bad entry */
	char reason[160];      /* "" when ok */
	/* JSON lines: the first and the last entry that were checked */
	struct audit_place {
		uint64_t sequence, line;
		unsigned int part; /* 0 = FILE itself, else FILE.part */
	} first, last;
};
/* The database's chain. 0 = the check ran (see ret->ok), or -errno. */
int audit_verify(struct audit_store *s, struct audit_verdict *ret);
/*
 * Moves a JSON lines log aside (FILE.legacy.TIME) and begins a new chain, whose
 * first entry says why. Uses jsonl_path and the key. -ENOKEY: no key;
 * -EWOULDBLOCK: a server writes it; -errno.
 */
int audit_reset_jsonl(const struct audit_options *o, struct str reason,
		      struct str code);
/* What may be wrong with a JSON lines log. Zeroed: nothing. */
struct audit_lenience {
	bool unsigned_lines;    /* lines without integrity are left out */
	bool truncation;        /* its end may be missing */
	uint64_t from_sequence; /* what was before does not matter */
};
/* A JSON lines file and its rotated parts, oldest first. l may be NULL. */
int audit_verify_jsonl(const char *path, struct str key, bool sha512,
		       const struct audit_lenience *l,
		       struct audit_verdict *ret);

#endif
