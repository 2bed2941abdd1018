/* SPDX-License-Identifier: MIT */
/*
 * query.c - reading events back, and checking the database's chain
 *
 * Rows are asked for by their keys, in order, then fetched one at a time: no
 * more of them is read than is wanted. Blocks are taken apart on the way.
 *
 * Values never become part of the SQL text; only the presence of a filter
 * does.
 */
#include <errno.h>
#include <stdio.h>

#include "audit/internal.h"
#include "audit/store.h"
#include "base/progress.h"
#include "base/vec.h"

#define DEFAULT_LIMIT 200
#define MAX_LIMIT     5000

/* Which rows may hold such events, in their order; see struct merge. */
static void put_filters(const struct audit_store *s, struct buf *sql,
			const struct audit_filter *f)
{
	const char *in_block = s->has_blocks ? "n_events IS NOT NULL OR " : "";

	buf_printf(sql, "SELECT rowid, ts_unix_ns FROM %s WHERE 1",
		   s->has_blocks ? "event_log" : "events");
	if (f->session_id.n)
		buf_puts(sql, " AND session_id=?");
	if (f->command_id.n)
		buf_puts(sql, " AND command_id=?");
	if (f->decision.n)
		buf_puts(sql, " AND policy_decision=?");
	if (f->path_like.n)
		buf_printf(sql, " AND (%spath LIKE ?)", in_block);
	if (f->domain_like.n)
		buf_puts(sql, " AND domain LIKE ?");
	if (f->text_like.n)
		buf_printf(sql, " AND (%spayload_json LIKE ?)", in_block);
	if (f->n_types) {
		buf_puts(sql, " AND type IN(?");
		for (size_t i = 1; i < f->n_types; i++)
			buf_puts(sql, ",?");
		buf_putc(sql, ')');
	}
	if (f->since_ns)
		buf_puts(sql, " AND ts_unix_ns>=?");
	if (f->until_ns)
		buf_puts(sql, " AND ts_unix_ns<=?");
	buf_puts(sql, f->ascending ? " ORDER BY ts_unix_ns, rowid"
				   : " ORDER BY ts_unix_ns DESC, rowid DESC");
}

static int bind_optional(sqlite3_stmt *st, int *at, struct str s)
{
	return s.n ? bind_text(st, (*at)++, s) : 0;
}

static int bind_filters(sqlite3_stmt *st, const struct audit_filter *f)
{
	const struct str *texts[] = { &f->session_id,  &f->command_id,
				      &f->decision,    &f->path_like,
				      &f->domain_like, &f->text_like };
	int at = 1, r = 0;
	int64_t until;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(texts); i++)
		r = bind_optional(st, &at, *texts[i]);
	for (size_t i = 0; r == 0 && i < f->n_types; i++)
		r = bind_text(st, at++, f->types[i]);
	if (f->since_ns)
		(void)sqlite3_bind_int64(st, at++, f->since_ns);
	if (f->until_ns &&
	    !__builtin_add_overflow(f->until_ns, BLOCK_SPAN_NS, &until))
		(void)sqlite3_bind_int64(st, at, until);
	else if (f->until_ns)
		(void)sqlite3_bind_int64(st, at, INT64_MAX);
	return r;
}

static struct str column_str(sqlite3_stmt *st, int i)
{
	const void *p = sqlite3_column_blob(st, i);
	int n = sqlite3_column_bytes(st, i);

	return str_from_n(p, n > 0 ? (size_t)n : 0);
}

/*
 * A row's time is that of its last event, and that of its others is less than
 * BLOCK_SPAN_NS before. So what is taken out of rows waits in a heap, until no
 * later row can have anything that comes before it.
 */
struct pending {
	int64_t ts;
	uint64_t order; /* of equal times */
	char *json;     /* owned */
	size_t n;
};

struct merge {
	const struct audit_filter *f;
	audit_row_fn *fn;
	void *arg;
	VEC(struct pending) heap; /* the one that comes next is first */
	uint64_t order;
	int skip, left;
};

static bool comes_before(const struct merge *m, size_t a, size_t b)
{
	const struct pending *x = &m->heap.data[a], *y = &m->heap.data[b];

	if (x->ts != y->ts)
		return m->f->ascending ? x->ts < y->ts : x->ts > y->ts;
	return x->order < y->order;
}

static void heap_swap(struct merge *m, size_t a, size_t b)
{
	struct pending t = m->heap.data[a];

	m->heap.data[a] = m->heap.data[b];
	m->heap.data[b] = t;
}

static void sift_up(struct merge *m, size_t i)
{
	for (; i && comes_before(m, i, (i - 1) / 2); i = (i - 1) / 2)
		heap_swap(m, i, (i - 1) / 2);
}

static void sift_down(struct merge *m, size_t i)
{
	for (;;) {
		size_t best = i;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2; c++)
			if (c < m->heap.n && comes_before(m, c, best))
				best = c;
		if (best == i)
			return;
		heap_swap(m, i, best);
		i = best;
	}
}

static int put(struct merge *m, int64_t ts, uint64_t order, struct str json)
{
	struct pending p = { .ts = ts, .order = order, .n = json.n };
	int r;

	p.json = str_dup(json);
	if (!p.json)
		return -ENOMEM;
	r = vec_push(&m->heap, p);
	if (r < 0)
		free(p.json);
	else
		sift_up(m, m->heap.n - 1);
	return r;
}

static int give(struct merge *m)
{
	struct pending p = m->heap.data[0];
	int r = 0;

	m->heap.data[0] = m->heap.data[--m->heap.n];
	sift_down(m, 0);
	if (m->skip > 0) {
		m->skip--;
	} else {
		m->left--;
		r = m->fn(m->arg, str_from_n(p.json, p.n));
	}
	free(p.json);
	return r;
}

/* All that comes before whatever is in a row of that time and those after. */
static int give_until(struct merge *m, int64_t ts)
{
	int r = 0;

	while (r == 0 && m->left > 0 && m->heap.n) {
		int64_t own = m->heap.data[0].ts;

		if (m->f->ascending ? own > ts - BLOCK_SPAN_NS : own < ts)
			break;
		r = give(m);
	}
	return r;
}

/* LIKE, as SQLite does it. */
static bool is_like(struct str pattern, struct str text)
{
	_cleanup_free_ char *p = str_dup(pattern), *t = str_dup(text);

	return p && t && sqlite3_strlike(p, t, 0) == 0;
}

static int put_block_event(void *arg, const struct event *e, struct str json)
{
	struct merge *m = arg;
	const struct audit_filter *f = m->f;

	/* The list is in the order of arrival, as rows are. */
	m->order += f->ascending ? 1 : (uint64_t)-1;
	if ((f->since_ns && e->timestamp_ns < f->since_ns) ||
	    (f->until_ns && e->timestamp_ns > f->until_ns) ||
	    (f->path_like.n && !is_like(f->path_like, e->path)) ||
	    (f->text_like.n && !is_like(f->text_like, json)))
		return 0;
	return put(m, e->timestamp_ns, m->order, json);
}

/* Latest first: the numbers of a block are given out backwards. */
static int take_block(struct merge *m, struct str json, uint32_t n)
{
	uint64_t end = m->order + n + 1;
	int r;

	if (!m->f->ascending)
		m->order = end;
	r = block_expand(json, put_block_event, m);
	m->order = end;
	return r;
}

/* row: payload_json, ts_unix_ns, n_events */
static int take_row(struct merge *m, sqlite3_stmt *row)
{
	int64_t ts = sqlite3_column_int64(row, 1);

	if (sqlite3_column_type(row, 2) != SQLITE_NULL)
		return take_block(m, column_str(row, 0),
				  (uint32_t)sqlite3_column_int64(row, 2));
	if (m->f->until_ns && ts > m->f->until_ns)
		return 0;
	return put(m, ts, ++m->order, column_str(row, 0));
}

static int take_rows(struct merge *m, sqlite3_stmt *keys, sqlite3_stmt *row)
{
	int r = 0;

	while (r == 0 && m->left > 0) {
		int rc = sqlite3_step(keys);

		if (rc != SQLITE_ROW) {
			r = sqlite_error(rc);
			break;
		}
		r = give_until(m, sqlite3_column_int64(keys, 1));
		if (r != 0 || m->left <= 0)
			break;
		(void)sqlite3_bind_int64(row, 1, sqlite3_column_int64(keys, 0));
		if (sqlite3_step(row) == SQLITE_ROW)
			r = take_row(m, row);
		rc = sqlite3_reset(row);
		r = r ?: sqlite_error(rc);
	}
	while (r == 0 && m->left > 0 && m->heap.n)
		r = give(m);
	return r;
}

static int run_query(struct audit_store *s, struct merge *m)
{
	_cleanup_buf_ struct buf sql = BUF_INIT;
	sqlite3_stmt *keys = NULL, *row = NULL;
	int r;

	put_filters(s, &sql, m->f);
	if (sql.error)
		return sql.error;
	r = sqlite_error(
		sqlite3_prepare_v2(s->db, buf_cstr(&sql), -1, &keys, NULL));
	if (r == 0)
		r = bind_filters(keys, m->f);
	if (r == 0)
		r = sqlite_error(sqlite3_prepare_v2(
			s->db,
			s->has_blocks ? "SELECT payload_json, ts_unix_ns,"
					" n_events FROM event_log"
					" WHERE rowid=?"
				      : "SELECT payload_json, ts_unix_ns, NULL"
					" FROM events WHERE rowid=?",
			-1, &row, NULL));
	if (r == 0)
		r = take_rows(m, keys, row);
	(void)sqlite3_finalize(keys);
	(void)sqlite3_finalize(row);
	return r;
}

int audit_query(struct audit_store *s, const struct audit_filter *f,
		audit_row_fn *fn, void *arg)
{
	struct merge m = { .f = f, .fn = fn, .arg = arg };
	int r = s->read_only ? 0 : audit_flush(s);

	if (!s->db)
		return 0;
	m.left = f->limit <= 0 || f->limit > MAX_LIMIT ? DEFAULT_LIMIT
						       : f->limit;
	m.skip = MAX(f->offset, 0);
	if (r == 0)
		r = run_query(s, &m);
	for (size_t i = 0; i < m.heap.n; i++)
		free(m.heap.data[i].json);
	vec_done(&m.heap);
	return r < 0 ? r : 0;
}

int audit_unfinished(struct audit_store *s, int64_t since_ns,
		     audit_command_fn *fn, void *arg)
{
#define UNFINISHED(table)                                           \
	"SELECT session_id, command_id FROM " table " AS e"         \
	" WHERE type='command_started' AND ts_unix_ns>=?"           \
	" AND NOT EXISTS(SELECT 1 FROM " table " AS f WHERE"        \
	" f.command_id=e.command_id AND f.type='command_finished')" \
	" ORDER BY rowid"
	const char *sql = s->has_blocks ? UNFINISHED("event_log")
					: UNFINISHED("events");
	sqlite3_stmt *st = NULL;
	int rc, r;

	if (!s->db)
		return 0;
	r = s->read_only ? 0 : audit_flush(s);
	if (r == 0)
		r = sqlite_error(sqlite3_prepare_v2(s->db, sql, -1, &st, NULL));
	if (r == 0)
		(void)sqlite3_bind_int64(st, 1, since_ns);
	while (r == 0) {
		rc = sqlite3_step(st);
		if (rc != SQLITE_ROW) {
			r = sqlite_error(rc);
			break;
		}
		r = fn(arg, column_str(st, 0), column_str(st, 1));
	}
	(void)sqlite3_finalize(st);
	return r < 0 ? r : 0;
}

static int verify_row(sqlite3_stmt *st, struct chain *c,
		      struct audit_verdict *v)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(64U << 10);
	struct chain_entry entry;
	struct json *doc;

	if (sqlite3_column_type(st, 1) == SQLITE_NULL ||
	    json_parse(&a, column_str(st, 1), &doc) < 0 ||
	    chain_entry_from_json(doc, &entry) < 0) {
		/* Rows of another program may stand before the chain. */
		if (v->n_checked == 0 &&
		    sqlite3_column_type(st, 1) == SQLITE_NULL)
			return 0;
		v->ok = false;
		v->bad_sequence = c->sequence;
		(void)snprintf(v->reason, sizeof(v->reason),
			       "entry has no readable hash");
		return 0;
	}
	return chain_check(c, &entry, column_str(st, 0), v);
}

/* The last entry must be the one that the last commit wrote down. */
static int verify_head(sqlite3 *db, const struct chain *c,
		       struct audit_verdict *v)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT sequence, entry_hash FROM"
				    " audit_chain WHERE id=1",
				    -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW &&
	    ((uint64_t)sqlite3_column_int64(st, 0) + 1 != c->sequence ||
	     !str_eq_c(column_str(st, 1), c->prev))) {
		v->ok = false;
		v->bad_sequence = c->sequence;
		(void)snprintf(v->reason, sizeof(v->reason),
			       "entries are missing at the end");
	}
	(void)sqlite3_finalize(st);
	return sqlite_error(rc);
}

/* About how many entries there are; only for who watches. */
static uint64_t last_sequence(sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	uint64_t n = 0;

	if (sqlite3_prepare_v2(db,
			       "SELECT sequence FROM audit_chain WHERE id=1",
			       -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(st, 0) + 1;
	(void)sqlite3_finalize(st);
	return n;
}

int audit_verify(struct audit_store *s, struct audit_verdict *ret)
{
	struct audit_verdict v = { .ok = true };
	struct chain c = { 0 };
	sqlite3_stmt *st = NULL;
	uint64_t total;
	int rc, r;

	if (!s->db)
		return -ENOENT;
	r = s->read_only ? 0 : audit_flush(s);
	if (r < 0)
		return r;
	total = last_sequence(s->db);
	r = sqlite_error(sqlite3_prepare_v2(
		s->db,
		s->has_blocks ? "SELECT payload_json, integrity_json"
				" FROM event_log ORDER BY rowid"
			      : "SELECT payload_json, integrity_json"
				" FROM events ORDER BY rowid",
		-1, &st, NULL));
	while (r == 0 && v.ok) {
		progress_tell(v.n_checked, total);
		rc = sqlite3_step(st);
		if (rc != SQLITE_ROW) {
			r = sqlite_error(rc);
			break;
		}
		r = verify_row(st, &c, &v);
	}
	(void)sqlite3_finalize(st);
	if (r == 0 && v.ok)
		r = verify_head(s->db, &c, &v);
	chain_done(&c);
	if (r == 0)
		*ret = v;
	return r;
}
