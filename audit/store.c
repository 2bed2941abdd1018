/* SPDX-License-Identifier: MIT */
/*
 * store.c - appending events, one transaction per batch
 *
 * An event is rendered to JSON once; the same bytes go to the database, to the
 * JSON lines and (audit_last_json) to whoever subscribed. Permitted opens for
 * reading share rows (block.c) and are rendered for the latter only. Beside the open
 * transaction the batch is kept encoded in `held`, until the commit is known
 * to have worked: SQLite may roll back by itself when the disk is full.
 */
#include "audit/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "audit/internal.h"
#include "base/clock.h"
#include "core/wire.h"

#define DEFAULT_BATCH 512

#define SQL_INSERT                                                             \
	"INSERT INTO event_log(event_id, ts_unix_ns, session_id, command_id, " \
	"type, pid, policy_decision, effective_decision, policy_rule, path, "  \
	"domain, remote, operation, payload_json, integrity_json, n_events) "  \
	"VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
#define SQL_HEAD                                 \
	"INSERT INTO audit_chain VALUES(1,?,?) " \
	"ON CONFLICT(id) DO UPDATE SET "         \
	"sequence=excluded.sequence, entry_hash=excluded.entry_hash"
#define SQL_OUTPUT \
	"INSERT OR REPLACE INTO command_outputs VALUES(?,?,?,?,?,?,?,?,?)"

static const char *const SQL[STMT_MAX] = {
	[STMT_BEGIN] = "BEGIN IMMEDIATE", [STMT_COMMIT] = "COMMIT",
	[STMT_ROLLBACK] = "ROLLBACK",     [STMT_INSERT] = SQL_INSERT,
	[STMT_HEAD] = SQL_HEAD,           [STMT_OUTPUT] = SQL_OUTPUT,
};

int statement_run(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);
	int reset = sqlite3_reset(stmt);

	return sqlite_error(rc == SQLITE_DONE || rc == SQLITE_ROW ? reset : rc);
}

int bind_text(sqlite3_stmt *stmt, int at, struct str s)
{
	if (s.n == 0)
		return sqlite_error(sqlite3_bind_null(stmt, at));
	return sqlite_error(sqlite3_bind_text64(stmt, at, s.p, s.n,
						SQLITE_STATIC, SQLITE_UTF8));
}

/* ---- event ids ---- */

static uint64_t random_u64(struct audit_store *s)
{
	uint64_t v;

	if (s->random_left < sizeof(v)) {
		/* At most 256 bytes of it are never short (random(4)). */
		(void)!getrandom(s->random, 256, 0);
		s->random_left = 256;
	}
	s->random_left -= sizeof(v);
	memcpy(&v, s->random + s->random_left, sizeof(v));
	return v;
}

/* The 8-4-4-4-12 form. */
static void put_id(char out[UUID_LEN + 1], uint64_t high, uint64_t low)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 32; i++) {
		uint64_t v = i < 16 ? high : low;

		if (i == 8 || i == 12 || i == 16 || i == 20)
			*out++ = '-';
		*out++ = digits[(v >> (60 - 4 * (i % 16))) & 15];
	}
	*out = 0;
}

/* UUID version 7: milliseconds, a counter within one, 62 random bits. */
static void make_id(struct audit_store *s, char out[UUID_LEN + 1])
{
	uint64_t ms = (uint64_t)clock_realtime_ns() / 1000000;
	uint64_t r = random_u64(s);

	if (ms <= s->id_ms) {
		s->id_counter++;
		if (s->id_counter > 0xfff) {
			s->id_counter = 0;
			s->id_ms++;
		}
	} else {
		s->id_ms = ms;
		s->id_counter = (uint16_t)(r >> 62);
	}
	put_id(out, s->id_ms << 16 | 0x7000 | (s->id_counter & 0xfffU),
	       r >> 2 | 1ULL << 63);
}

/* ---- the transaction ---- */

static int begin(struct audit_store *s)
{
	int r;

	if (s->in_transaction)
		return 0;
	r = statement_run(s->stmts[STMT_BEGIN]);
	if (r == 0)
		s->in_transaction = true;
	return r;
}

/* The batch in `held` has to be inserted again. */
static void roll_back(struct audit_store *s)
{
	if (s->in_transaction && !sqlite3_get_autocommit(s->db))
		(void)statement_run(s->stmts[STMT_ROLLBACK]);
	s->in_transaction = false;
	s->replay = s->held.len > 0;
	s->chain.sequence = s->committed_chain.sequence;
	memcpy(s->chain.prev, s->committed_chain.prev, sizeof(s->chain.prev));
}

static int bind_event(sqlite3_stmt *st, const struct event *e)
{
	struct str decision = STR_NONE, effective = STR_NONE;

	if (e->has_policy) {
		decision = str_from(verdict_kind_to_string(e->decision));
		effective =
			str_from(verdict_kind_to_string(e->effective_decision));
	}
	(void)sqlite3_bind_int64(st, 2, e->timestamp_ns);
	(void)sqlite3_bind_text64(st, 3, e->session_id.n ? e->session_id.p : "",
				  e->session_id.n, SQLITE_STATIC, SQLITE_UTF8);
	if (e->pid > 0)
		(void)sqlite3_bind_int64(st, 6, e->pid);
	else
		(void)sqlite3_bind_null(st, 6);
	if (bind_text(st, 1, e->id) < 0 || bind_text(st, 4, e->command_id) < 0)
		return -ENOMEM;
	if (bind_text(st, 5, e->type) < 0 || bind_text(st, 7, decision) < 0 ||
	    bind_text(st, 8, effective) < 0 || bind_text(st, 9, e->rule) < 0)
		return -ENOMEM;
	if (bind_text(st, 10, e->path) < 0 || bind_text(st, 11, e->domain) < 0)
		return -ENOMEM;
	if (bind_text(st, 12, e->remote) < 0)
		return -ENOMEM;
	return bind_text(st, 13, e->operation);
}

/* e has an id, and payload is its JSON; n: it is a block of so many. */
static int insert(struct audit_store *s, const struct event *e,
		  struct str payload, uint32_t n)
{
	sqlite3_stmt *st = s->stmts[STMT_INSERT];
	char entry[CHAIN_HEX_MAX + 1];
	int r = begin(s);

	if (r < 0)
		return r;
	r = chain_hash(&s->chain, payload, entry);
	if (r < 0)
		return r;
	buf_reset(&s->integrity);
	chain_describe(&s->chain, entry, &s->integrity);
	if (s->integrity.error)
		return s->integrity.error;
	r = bind_event(st, e);
	(void)(n ? sqlite3_bind_int64(st, 16, n) : sqlite3_bind_null(st, 16));
	if (r == 0)
		r = bind_text(st, 14, payload);
	if (r == 0)
		r = bind_text(st, 15, buf_str(&s->integrity));
	if (r == 0)
		r = statement_run(st);
	else
		(void)sqlite3_reset(st);
	if (r < 0)
		return r;
	chain_advance(&s->chain, entry);
	return 0;
}

static int render(struct audit_store *s, const struct event *e)
{
	struct json_writer w;

	buf_reset(&s->payload);
	json_writer_init(&w, &s->payload, 0);
	event_to_json(e, &w);
	return s->payload.error;
}

static int replay_one(struct audit_store *s, struct str bytes)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(4U << 20);
	struct str json;
	struct event e;
	uint32_t n;
	int r;

	if (bytes.n && (uint8_t)bytes.p[0] == BLOCK_RECORD) {
		r = block_decode(bytes, &e, &json, &n);
		return r < 0 ? r : insert(s, &e, json, n);
	}
	r = event_decode(bytes, &a, &e);
	if (r == 0)
		r = render(s, &e);
	if (r == 0)
		r = insert(s, &e, buf_str(&s->payload), 0);
	return r;
}

static int replay(struct audit_store *s)
{
	struct wire_reader rd = wire_reader_init(buf_str(&s->held));
	_cleanup_buf_ struct buf keep = BUF_INIT;
	int r = 0;

	/* What the caller may still look at. */
	buf_put_str(&keep, buf_str(&s->payload));
	if (keep.error)
		return keep.error;
	while (r == 0 && rd.rest.n > 0 && rd.error == 0)
		r = replay_one(s, wire_get_str(&rd));
	buf_reset(&s->payload);
	buf_put_str(&s->payload, buf_str(&keep));
	if (r < 0) {
		roll_back(s);
		return r;
	}
	s->replay = false;
	return 0;
}

static int commit(struct audit_store *s)
{
	sqlite3_stmt *head = s->stmts[STMT_HEAD];
	int r;

	if (!s->in_transaction)
		return 0;
	if (s->chain.sequence > 0) {
		(void)sqlite3_bind_int64(head, 1,
					 (int64_t)s->chain.sequence - 1);
		(void)bind_text(head, 2, str_from(s->chain.prev));
		r = statement_run(head);
		if (r < 0)
			return r;
	}
	r = statement_run(s->stmts[STMT_COMMIT]);
	if (r < 0)
		return r;
	s->in_transaction = false;
	s->committed_chain.sequence = s->chain.sequence;
	memcpy(s->committed_chain.prev, s->chain.prev, sizeof(s->chain.prev));
	buf_reset(&s->held);
	return 0;
}

/* Begins a record of what is held until its commit; 0 or -ENOSPC. */
static int hold_begin(struct audit_store *s, size_t *ret_mark)
{
	if (s->held.len > AUDIT_MAX_HELD)
		return -ENOSPC;
	*ret_mark = s->held.len;
	wire_put_u32(&s->held, 0);
	return 0;
}

static int hold_end(struct audit_store *s, size_t mark, int r)
{
	uint32_t n;

	if (r == 0)
		r = s->held.error;
	if (r < 0) {
		s->held.len = mark;
		s->held.error = 0;
		return r;
	}
	n = (uint32_t)(s->held.len - mark - 4);
	for (size_t i = 0; i < 4; i++)
		s->held.data[mark + i] = (char)(n >> (8 * i));
	return 0;
}

/* Keeps the event until its commit, whatever becomes of the transaction. */
static int hold(struct audit_store *s, const struct event *e)
{
	size_t mark;
	int r = hold_begin(s, &mark);

	return r < 0 ? r : hold_end(s, mark, event_encode(e, &s->held));
}

int block_close(struct audit_store *s, struct block *b)
{
	struct event row;
	struct str json;
	size_t mark;
	uint32_t n;
	int r = hold_begin(s, &mark);

	if (r < 0)
		return r;
	block_finish(b);
	block_encode(b, &s->held);
	r = hold_end(s, mark, b->json.error);
	if (r < 0) {
		block_unfinish(b);
		return r;
	}
	block_empty(b);
	/* With an older batch to write again, this one waits behind it. */
	if (s->replay)
		return 0;
	r = block_decode(str_from_n(s->held.data + mark + 4,
				    s->held.len - mark - 4),
			 &row, &json, &n);
	if (r < 0 || insert(s, &row, json, n) < 0)
		roll_back(s);
	return 0;
}

static int close_blocks(struct audit_store *s)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < N_BLOCKS; i++)
		if (s->blocks.v[i].n)
			r = block_close(s, &s->blocks.v[i]);
	return r == 0 && s->replay ? -EIO : r;
}

int audit_flush(struct audit_store *s)
{
	int r = 0, jr = 0;

	if (s->jsonl)
		jr = jsonl_flush(s->jsonl);
	if (s->db && !s->read_only) {
		if (s->replay)
			r = replay(s);
		if (r == 0)
			r = close_blocks(s);
		if (r == 0)
			r = commit(s);
		if (r < 0)
			roll_back(s);
	}
	if (r == 0 && jr == 0)
		s->n_pending = 0;
	return r < 0 ? r : jr;
}

bool audit_pending(const struct audit_store *s)
{
	return s->n_pending > 0;
}

static int append_to_db(struct audit_store *s, const struct event *e)
{
	int r = hold(s, e);

	if (r < 0)
		return r;
	/* With an older batch to write again, this one waits behind it. */
	if (s->replay)
		return 0;
	if (insert(s, e, buf_str(&s->payload), 0) < 0)
		roll_back(s);
	return 0;
}

void audit_set_filter(struct audit_store *s, audit_filter_fn *fn, void *arg)
{
	s->filter = fn;
	s->filter_arg = arg;
}

int audit_append(struct audit_store *s, const struct event *in)
{
	struct event e = *in;
	char id[UUID_LEN + 1];
	bool taken;
	int r;

	if (s->read_only)
		return -EROFS;
	if (e.id.n == 0) {
		make_id(s, id);
		e.id = str_from_n(id, UUID_LEN);
	}
	if (e.timestamp_ns == 0)
		e.timestamp_ns = clock_realtime_ns();
	r = s->filter ? s->filter(s->filter_arg, &e) : 0;
	if (r == 0 && s->db)
		r = block_take(s, &e);
	taken = r > 0;
	buf_reset(&s->payload);
	if (r >= 0 && (!taken || s->jsonl || s->render))
		r = render(s, &e);
	if (r == 0 && s->db && !taken)
		r = append_to_db(s, &e);
	if (r == 0 && s->jsonl)
		r = jsonl_append(s->jsonl, buf_str(&s->payload));
	if (r < 0)
		return r;
	s->n_pending++;
	/* A failed commit is retried by the timer; the event is held. */
	if (s->n_pending >= s->batch_size && !s->replay)
		(void)audit_flush(s);
	return 0;
}

void audit_render(struct audit_store *s, bool always)
{
	s->render = always;
}

struct str audit_last_json(const struct audit_store *s)
{
	return buf_str(&s->payload);
}

/* ---- open and close ---- */

/* The chain goes on where the last row left it. */
static int load_chain(struct audit_store *s)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(64U << 10);
	sqlite3_stmt *stmt = NULL;
	struct chain_entry last;
	struct json *doc;
	int rc, r = 0;

	rc = sqlite3_prepare_v2(s->db,
				"SELECT integrity_json FROM event_log WHERE"
				" integrity_json IS NOT NULL"
				" ORDER BY rowid DESC LIMIT 1",
				-1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		const char *p = (const char *)sqlite3_column_text(stmt, 0);

		r = json_parse(&a, str_from(p), &doc);
		if (r == 0)
			r = chain_entry_from_json(doc, &last);
		if (r == 0) {
			s->chain.sequence = last.sequence + 1;
			(void)snprintf(s->chain.prev, sizeof(s->chain.prev),
				       STR_FMT, STR_ARG(last.entry));
		}
	} else {
		r = sqlite_error(rc);
	}
	(void)sqlite3_finalize(stmt);
	s->committed_chain.sequence = s->chain.sequence;
	memcpy(s->committed_chain.prev, s->chain.prev, sizeof(s->chain.prev));
	return r;
}

/*
 * Two writers would fork the chain. flock does not meet SQLite's own fcntl
 * locks, but closing any descriptor of the file would drop those: lock_fd
 * stays open until the database is closed.
 */
static int lock_database(struct audit_store *s, const char *path)
{
	s->lock_fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0)
		return -errno;
	if (fchmod(s->lock_fd, 0600) < 0 && errno != EPERM)
		return -errno;
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return 0;
}

static int open_database(struct audit_store *s, const char *path)
{
	int flags = s->read_only ? SQLITE_OPEN_READONLY
				 : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	int r = s->read_only ? 0 : lock_database(s, path);

	if (r < 0)
		return r;
	r = sqlite_error(sqlite3_open_v2(path, &s->db,
					 flags | SQLITE_OPEN_NOMUTEX, NULL));
	if (r == 0)
		r = schema_prepare(s->db, s->read_only);
	if (r < 0)
		return r;
	s->has_blocks = r >= SCHEMA_BLOCKS;
	r = 0;
	if (s->read_only)
		return 0;
	for (size_t i = 0; r == 0 && i < STMT_MAX; i++)
		r = sqlite_error(sqlite3_prepare_v3(s->db, SQL[i], -1,
						    SQLITE_PREPARE_PERSISTENT,
						    &s->stmts[i], NULL));
	return r < 0 ? r : load_chain(s);
}

struct audit_store *audit_close(struct audit_store *s)
{
	if (!s)
		return NULL;
	if (!s->read_only)
		(void)audit_flush(s); /* nobody is left to tell */
	for (size_t i = 0; i < STMT_MAX; i++)
		(void)sqlite3_finalize(s->stmts[i]);
	if (s->db)
		(void)sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		(void)close(s->lock_fd);
	(void)jsonl_close(s->jsonl);
	chain_done(&s->chain);
	buf_done(&s->payload);
	buf_done(&s->integrity);
	buf_done(&s->held);
	blocks_done(&s->blocks);
	free(s);
	return NULL;
}

DEFINE_CLEANUP(audit_close, struct audit_store *)

int audit_open(const struct audit_options *o, struct audit_store **ret)
{
	_cleanup_(audit_close_p) struct audit_store *s = calloc(1, sizeof(*s));
	int r = 0;

	if (!s)
		return -ENOMEM;
	/* Counting the library's memory takes a lock per allocation. Refused
	 * once it is in use, and then as it was. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	s->lock_fd = -1;
	s->read_only = o->read_only;
	s->batch_size = o->batch_size ? o->batch_size : DEFAULT_BATCH;
	if (o->sqlite_path && o->sqlite_path[0])
		r = open_database(s, o->sqlite_path);
	if (r == 0 && !s->read_only && o->jsonl_path && o->jsonl_path[0])
		r = jsonl_open(o, &s->jsonl);
	if (r < 0)
		return r;
	*ret = TAKE(s);
	return 0;
}
