/* SPDX-License-Identifier: MIT */
/*
 * internal.h - what the files of audit/ share
 */
#ifndef AUDIT_INTERNAL_H
#define AUDIT_INTERNAL_H

#include <sqlite3.h>

#include "audit/store.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/num.h"

#define CHAIN_VERSION 2
#define CHAIN_HEX_MAX (2 * SHA512_LEN)

/* The end of a hash chain: what the next entry is linked to. */
struct chain {
	uint64_t sequence;            /* of the next entry */
	char prev[CHAIN_HEX_MAX + 1]; /* hex; "" before the first */
	struct str key;               /* empty = plain SHA-256 */
	bool sha512;
	struct buf scratch;
};

/*
 * Hash of the next entry over payload, as NUL-terminated hex in out. Does not
 * move the chain on. 0 or -ENOMEM.
 */
int chain_hash(struct chain *c, struct str payload,
	       char out[CHAIN_HEX_MAX + 1]);
/* entry becomes the predecessor of the next one. */
void chain_advance(struct chain *c, const char *entry);
/* The "integrity" object of the next entry. */
void chain_describe(const struct chain *c, const char *entry, struct buf *out);
/* Reads sequence, prev_hash and entry_hash; borrow from doc. -EBADMSG. */
struct chain_entry {
	uint64_t sequence;
	struct str prev, entry;
};
int chain_entry_from_json(const struct json *doc, struct chain_entry *ret);
/*
 * Checks one entry and moves on; a mismatch is described in v (ok = false).
 * The first entry of a log that was cut at the front sets the start.
 */
int chain_check(struct chain *c, const struct chain_entry *e,
		struct str payload, struct audit_verdict *v);
void chain_done(struct chain *c);

/* Sorted-key compact JSON of doc, without its member `skip` (or NULL). */
int canonical_json(const struct json *doc, const char *skip, struct buf *out);

struct jsonl;
int jsonl_open(const struct audit_options *o, struct jsonl **ret);
struct jsonl *jsonl_close(struct jsonl *j);
/* Queues one line (payload without newline). */
int jsonl_append(struct jsonl *j, struct str payload);
int jsonl_flush(struct jsonl *j);

/* Events that share a row; see block.c. */
#define BLOCK_TYPE    "file_open"
#define BLOCK_RECORD  0xb1 /* first byte of one among the held events */
#define BLOCK_SPAN_NS 1000000000
#define N_BLOCKS      16

struct block {
	struct buf key;  /* what its events have in common */
	struct buf json; /* without the end, until block_finish() */
	uint32_t n;      /* events; 0 = not in use */
	uint64_t begun;  /* order of their beginnings */
	int64_t first_ns, last_ns;
	char id[UUID_LEN + 1]; /* of the first event */
};

struct blocks {
	struct block v[N_BLOCKS];
	struct buf key;
	uint64_t begun;
};

/* 1: e is in a block now; 0: it needs a row of its own; or -errno. */
int block_take(struct audit_store *s, const struct event *e);
/* Its row becomes part of the transaction (store.c); it is empty then. */
int block_close(struct audit_store *s, struct block *b);
/* The end of its text, and back to where events can be added. */
void block_finish(struct block *b);
void block_unfinish(struct block *b);
void block_empty(struct block *b);
/* As a record among the held events; and the row that it is. */
void block_encode(const struct block *b, struct buf *out);
int block_decode(struct str bytes, struct event *ret_row, struct str *ret_json,
		 uint32_t *ret_n);
void blocks_done(struct blocks *all);
/* Each event with its JSON; stops on a non-zero return, which it gives. */
typedef int block_event_fn(void *arg, const struct event *e, struct str json);
int block_expand(struct str json, block_event_fn *fn, void *arg);

enum statement {
	STMT_BEGIN = 0,
	STMT_COMMIT,
	STMT_ROLLBACK,
	STMT_INSERT,
	STMT_HEAD,
	STMT_OUTPUT,
	STMT_MAX
};

struct audit_store {
	sqlite3 *db; /* NULL = none */
	int lock_fd; /* flock on the database; closed after db */
	sqlite3_stmt *stmts[STMT_MAX];
	struct jsonl *jsonl;          /* NULL = none */
	struct chain chain;           /* of the database */
	struct chain committed_chain; /* scratch and key unused */
	struct buf payload;           /* JSON of the last event */
	struct buf integrity;
	struct buf held;      /* encoded events not committed yet */
	struct blocks blocks; /* in no row yet */
	bool has_blocks;      /* false: an older database, not for writing */
	bool render;          /* the JSON of each event is wanted */
	audit_filter_fn *filter;
	void *filter_arg;
	unsigned int n_pending, batch_size;
	bool in_transaction, replay, read_only;
	uint8_t random[512];
	size_t random_left;
	uint64_t id_ms;
	uint16_t id_counter;
};

/* Extended SQLite result as negative errno; 0 for OK, ROW and DONE. */
int sqlite_error(int rc);
/* Version of the tables, or -errno. */
int schema_prepare(sqlite3 *db, bool read_only);
#define SCHEMA_BLOCKS 4 /* from here on there is event_log */
/* Steps to completion and resets. 0 or -errno. */
int statement_run(sqlite3_stmt *stmt);
/* Empty strings become NULL. The bytes must live until the reset. */
int bind_text(sqlite3_stmt *stmt, int at, struct str s);

#endif
