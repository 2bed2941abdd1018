/* SPDX-License-Identifier: MIT */
/*
 * output.c - what commands wrote, for `agentsh output`
 */
#include <errno.h>

#include "audit/internal.h"
#include "audit/store.h"
#include "base/clock.h"

static void bind_blob(sqlite3_stmt *st, int at, struct str s)
{
	(void)sqlite3_bind_blob64(st, at, s.n ? s.p : "", s.n, SQLITE_STATIC);
}

int audit_output_put(struct audit_store *s, struct str session_id,
		     struct str command_id, const struct audit_output *o)
{
	sqlite3_stmt *st = s->stmts[STMT_OUTPUT];
	int r;

	if (!s->db)
		return 0;
	if (s->read_only)
		return -EROFS;
	r = bind_text(st, 1, command_id);
	if (r == 0)
		r = bind_text(st, 2, session_id);
	if (r < 0)
		return r;
	bind_blob(st, 3, o->stdout_data);
	bind_blob(st, 4, o->stderr_data);
	(void)sqlite3_bind_int64(st, 5, (int64_t)o->stdout_total);
	(void)sqlite3_bind_int64(st, 6, (int64_t)o->stderr_total);
	(void)sqlite3_bind_int(st, 7, o->stdout_truncated);
	(void)sqlite3_bind_int(st, 8, o->stderr_truncated);
	(void)sqlite3_bind_int64(st, 9, clock_realtime_ns());
	r = statement_run(st);
	(void)sqlite3_clear_bindings(st);
	return r;
}

static const char *const SELECT[2] = {
	"SELECT substr(stdout,?3,?4), stdout_total_bytes, stdout_truncated"
	" FROM command_outputs WHERE command_id=?1"
	" AND (?2 IS NULL OR session_id=?2)",
	"SELECT substr(stderr,?3,?4), stderr_total_bytes, stderr_truncated"
	" FROM command_outputs WHERE command_id=?1"
	" AND (?2 IS NULL OR session_id=?2)",
};

int audit_output_get(struct audit_store *s, const struct audit_output_at *at,
		     struct buf *out, uint64_t *ret_total, bool *ret_truncated)
{
	sqlite3_stmt *st = NULL;
	int64_t offset = (int64_t)MIN(at->offset, 1ULL << 40);
	int64_t limit = (int64_t)MIN(at->limit, 1ULL << 30);
	int rc, r;

	if (!s->db)
		return -ENOENT;
	r = sqlite_error(sqlite3_prepare_v2(s->db, SELECT[at->is_stderr], -1,
					    &st, NULL));
	if (r == 0)
		r = bind_text(st, 1, at->command_id);
	if (r == 0)
		r = bind_text(st, 2, at->session_id);
	if (r < 0) {
		(void)sqlite3_finalize(st);
		return r;
	}
	(void)sqlite3_bind_int64(st, 3, offset + 1);
	(void)sqlite3_bind_int64(st, 4, limit);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		const void *p = sqlite3_column_blob(st, 0);
		int n = sqlite3_column_bytes(st, 0);

		buf_put(out, p, n > 0 && p ? (size_t)n : 0);
		*ret_total = (uint64_t)sqlite3_column_int64(st, 1);
		*ret_truncated = sqlite3_column_int(st, 2) != 0;
		r = out->error;
	} else {
		r = rc == SQLITE_DONE ? -ENOENT : sqlite_error(rc);
	}
	(void)sqlite3_finalize(st);
	return r;
}
