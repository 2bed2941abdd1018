/* SPDX-License-Identifier: MIT */
/*
 * query.c - reading events back, and checking the database's chain
 *
 * Values never become part of the SQL text; only the presence of a filter
 * does.
 */
#include <errno.h>
#include <stdio.h>

#include "audit/internal.h"
#include "audit/store.h"

#define DEFAULT_LIMIT 200
#define MAX_LIMIT     5000

static void put_filters(struct buf *sql, const struct audit_filter *f)
{
	buf_puts(sql, "SELECT payload_json FROM events WHERE 1");
	if (f->session_id.n)
		buf_puts(sql, " AND session_id=?");
	if (f->command_id.n)
		buf_puts(sql, " AND command_id=?");
	if (f->decision.n)
		buf_puts(sql, " AND policy_decision=?");
	if (f->path_like.n)
		buf_puts(sql, " AND path LIKE ?");
	if (f->domain_like.n)
		buf_puts(sql, " AND domain LIKE ?");
	if (f->text_like.n)
		buf_puts(sql, " AND payload_json LIKE ?");
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
	buf_puts(sql, " LIMIT ? OFFSET ?");
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
	int limit = f->limit <= 0 || f->limit > MAX_LIMIT ? DEFAULT_LIMIT
							  : f->limit;
	int at = 1, r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(texts); i++)
		r = bind_optional(st, &at, *texts[i]);
	for (size_t i = 0; r == 0 && i < f->n_types; i++)
		r = bind_text(st, at++, f->types[i]);
	if (f->since_ns)
		(void)sqlite3_bind_int64(st, at++, f->since_ns);
	if (f->until_ns)
		(void)sqlite3_bind_int64(st, at++, f->until_ns);
	(void)sqlite3_bind_int(st, at++, limit);
	(void)sqlite3_bind_int(st, at, MAX(f->offset, 0));
	return r;
}

static struct str column_str(sqlite3_stmt *st, int i)
{
	const void *p = sqlite3_column_blob(st, i);
	int n = sqlite3_column_bytes(st, i);

	return str_from_n(p, n > 0 ? (size_t)n : 0);
}

int audit_query(struct audit_store *s, const struct audit_filter *f,
		audit_row_fn *fn, void *arg)
{
	_cleanup_buf_ struct buf sql = BUF_INIT;
	sqlite3_stmt *st = NULL;
	int rc, r;

	if (!s->db)
		return 0;
	if (!s->read_only) {
		r = audit_flush(s);
		if (r < 0)
			return r;
	}
	put_filters(&sql, f);
	if (sql.error)
		return sql.error;
	rc = sqlite3_prepare_v2(s->db, buf_cstr(&sql), -1, &st, NULL);
	r = sqlite_error(rc);
	if (r == 0)
		r = bind_filters(st, f);
	while (r == 0) {
		rc = sqlite3_step(st);
		if (rc != SQLITE_ROW) {
			r = sqlite_error(rc);
			break;
		}
		r = fn(arg, column_str(st, 0));
	}
	(void)sqlite3_finalize(st);
	return r < 0 ? r : 0;
}

int audit_unfinished(struct audit_store *s, int64_t since_ns,
		     audit_command_fn *fn, void *arg)
{
	static const char SQL[] =
		"SELECT session_id, command_id FROM events AS e"
		" WHERE type='command_started' AND ts_unix_ns>=?"
		" AND NOT EXISTS(SELECT 1 FROM events AS f WHERE"
		"  f.command_id=e.command_id AND f.type='command_finished')"
		" ORDER BY rowid";
	sqlite3_stmt *st = NULL;
	int rc, r;

	if (!s->db)
		return 0;
	r = s->read_only ? 0 : audit_flush(s);
	if (r == 0)
		r = sqlite_error(sqlite3_prepare_v2(s->db, SQL, -1, &st, NULL));
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

int audit_verify(struct audit_store *s, struct audit_verdict *ret)
{
	struct audit_verdict v = { .ok = true };
	struct chain c = { 0 };
	sqlite3_stmt *st = NULL;
	int rc, r;

	if (!s->db)
		return -ENOENT;
	r = s->read_only ? 0 : audit_flush(s);
	if (r < 0)
		return r;
	r = sqlite_error(sqlite3_prepare_v2(
		s->db,
		"SELECT payload_json, integrity_json FROM events"
		" ORDER BY rowid",
		-1, &st, NULL));
	while (r == 0 && v.ok) {
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
