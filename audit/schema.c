/* SPDX-License-Identifier: MIT */
/*
 * schema.c - tables of the audit database and their migrations
 *
 * Step i brings user_version from i to i + 1. A database made by the Go
 * program has version 0 and the same tables, so step 0 only adds what it
 * lacks. Steps are never edited once released, only appended.
 */
#include <errno.h>

#include "audit/internal.h"

/* Blocks event by event, in the words of core/event_json.c. Nothing newer than
 * SQLite 3.9: an older program could not open the database at all. */
#define EVENTS_VIEW                                                              \
	"CREATE VIEW events AS SELECT event_id, ts_unix_ns, session_id,"         \
	" command_id, type, pid, policy_decision, effective_decision,"           \
	" policy_rule, path, domain, remote, operation, payload_json,"           \
	" integrity_json, rowid AS rowid FROM event_log"                         \
	" WHERE n_events IS NULL UNION ALL SELECT"                               \
	" json_extract(e.value,'$[0]'), json_extract(e.value,'$[1]'),"           \
	" b.session_id, b.command_id, b.type,"                                   \
	" nullif(json_extract(e.value,'$[2]'),0),"                               \
	" b.policy_decision, b.effective_decision, b.policy_rule,"               \
	" json_extract(e.value,'$[5]'), NULL, NULL, b.operation,"                \
	" json_patch('{}', json_object('id', json_extract(e.value,'$[0]'),"      \
	" 'timestamp', strftime('%Y-%m-%dT%H:%M:%S',"                            \
	" json_extract(e.value,'$[1]')/1000000000,'unixepoch')"                  \
	" || rtrim(rtrim(printf('.%09d',"                                        \
	" json_extract(e.value,'$[1]')%1000000000),'0'),'.') || 'Z',"            \
	" 'type', b.type, 'session_id', b.session_id,"                           \
	" 'command_id', b.command_id,"                                           \
	" 'source', json_extract(b.payload_json,'$.source'),"                    \
	" 'pid', nullif(json_extract(e.value,'$[2]'),0),"                        \
	" 'policy', json_object('decision', b.policy_decision,"                  \
	" 'effective_decision', b.effective_decision,"                           \
	" 'rule', b.policy_rule, 'message',"                                     \
	" json_extract(b.payload_json,'$.message')),"                            \
	" 'parent_pid', nullif(json_extract(e.value,'$[3]'),0),"                 \
	" 'depth', nullif(json_extract(e.value,'$[4]'),0),"                      \
	" 'path', json_extract(e.value,'$[5]'), 'operation', b.operation,"       \
	" 'effective_action', 'allowed', 'fields', json_object("                 \
	" 'name', json_extract(e.value,'$[6]'), 'policy_generation',"            \
	" json_extract(b.payload_json,'$.policy_generation'),"                   \
	" 'syscall', json_extract(b.payload_json,'$.syscall')))), NULL, b.rowid" \
	" FROM event_log AS b, json_each(b.payload_json,'$.events') AS e"        \
	" WHERE b.n_events IS NOT NULL;"

static const char *const STEPS[] = {
	/* 0 -> 1 */
	"CREATE TABLE IF NOT EXISTS events("
	" event_id TEXT PRIMARY KEY, ts_unix_ns INTEGER NOT NULL,"
	" session_id TEXT NOT NULL, command_id TEXT, type TEXT NOT NULL,"
	" pid INTEGER, policy_decision TEXT, effective_decision TEXT,"
	" policy_rule TEXT, path TEXT, domain TEXT, remote TEXT,"
	" operation TEXT, payload_json TEXT NOT NULL, integrity_json TEXT);"
	"CREATE INDEX IF NOT EXISTS idx_events_session_ts"
	" ON events(session_id, ts_unix_ns);"
	"CREATE INDEX IF NOT EXISTS idx_events_command_ts"
	" ON events(command_id, ts_unix_ns);"
	"CREATE INDEX IF NOT EXISTS idx_events_type_ts"
	" ON events(type, ts_unix_ns);"
	"CREATE INDEX IF NOT EXISTS idx_events_path"
	" ON events(path) WHERE path IS NOT NULL;"
	"CREATE INDEX IF NOT EXISTS idx_events_domain"
	" ON events(domain) WHERE domain IS NOT NULL;"
	"CREATE TABLE IF NOT EXISTS command_outputs("
	" command_id TEXT PRIMARY KEY, session_id TEXT NOT NULL,"
	" stdout BLOB, stderr BLOB, stdout_total_bytes INTEGER NOT NULL,"
	" stderr_total_bytes INTEGER NOT NULL,"
	" stdout_truncated INTEGER NOT NULL,"
	" stderr_truncated INTEGER NOT NULL,"
	" created_ts_unix_ns INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS mcp_tools("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, server_id TEXT NOT NULL,"
	" tool_name TEXT NOT NULL, tool_hash TEXT NOT NULL, description TEXT,"
	" first_seen_ns INTEGER NOT NULL, last_seen_ns INTEGER NOT NULL,"
	" pinned INTEGER NOT NULL DEFAULT 1,"
	" detection_count INTEGER NOT NULL DEFAULT 0, max_severity TEXT,"
	" UNIQUE(server_id, tool_name));"
	"CREATE INDEX IF NOT EXISTS idx_mcp_tools_server"
	" ON mcp_tools(server_id);"
	"CREATE INDEX IF NOT EXISTS idx_mcp_tools_severity"
	" ON mcp_tools(max_severity);"
	"CREATE TABLE IF NOT EXISTS webauthn_credentials("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT NOT NULL,"
	" credential_id BLOB NOT NULL UNIQUE, public_key BLOB NOT NULL,"
	" attestation_type TEXT, transport TEXT,"
	" sign_count INTEGER NOT NULL DEFAULT 0,"
	" created_at_ns INTEGER NOT NULL, last_used_ns INTEGER, name TEXT);",
	/* 1 -> 2: the end of the hash chain, so that a cut tail shows */
	("CREATE TABLE audit_chain(id INTEGER PRIMARY KEY CHECK(id = 1),"
	 " sequence INTEGER NOT NULL, entry_hash TEXT NOT NULL);"),
	/* 2 -> 3: no query of ours can use it (paths are found by LIKE), and
	 * keeping it took as long as the rest of an insertion */
	"DROP INDEX IF EXISTS idx_events_path;",
	/* 3 -> 4: many like events share a row (block.c); for other programs
	 * there is a view that has them one by one. A schema.c of before reads
	 * no newer file, so nobody inserts into what is a view now. */
	("ALTER TABLE events RENAME TO event_log;"
	 "ALTER TABLE event_log ADD COLUMN n_events INTEGER;" EVENTS_VIEW),
};

int sqlite_error(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_TOOBIG:
		return -E2BIG;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	default:
		return -EIO;
	}
}

static int user_version(sqlite3 *db, int *ret)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : sqlite_error(rc);
}

static int migrate(sqlite3 *db, int step)
{
	_cleanup_buf_ struct buf sql = BUF_INIT;

	buf_puts(&sql, "BEGIN IMMEDIATE;");
	buf_puts(&sql, STEPS[step]);
	buf_printf(&sql, "PRAGMA user_version=%d; COMMIT;", step + 1);
	if (sql.error)
		return sql.error;
	return sqlite_error(sqlite3_exec(db, buf_cstr(&sql), NULL, NULL, NULL));
}

int schema_prepare(sqlite3 *db, bool read_only)
{
	int version = 0;
	int r;

	(void)sqlite3_busy_timeout(db, 5000);
	if (!read_only) {
		r = sqlite_error(sqlite3_exec(
			db,
			/* of a new file only; a row is about 1 KiB */
			"PRAGMA page_size=8192;"
			"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
			"PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY;"
			"PRAGMA cache_size=-4096; PRAGMA wal_autocheckpoint=2000;",
			NULL, NULL, NULL));
		if (r < 0)
			return r;
	}
	r = user_version(db, &version);
	if (r < 0)
		return r;
	/* A newer program wrote it: its tables may mean other things. */
	if (version < 0 || version > (int)ARRAY_LEN(STEPS))
		return -EBADMSG;
	for (; !read_only && version < (int)ARRAY_LEN(STEPS); version++) {
		r = migrate(db, version);
		if (r < 0)
			return r;
	}
	return version;
}
