/* SPDX-License-Identifier: MIT */
/*
 * test_audit_store.c - events in and out, outputs, both hash chains
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "audit/store.h"
#include "base/fd.h"

#define KEY "0123456789abcdef0123456789abcdef"

struct place {
	char dir[64], db[80], log[80];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/audit-test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(p->db, sizeof(p->db), "%s/events.db", p->dir);
	(void)snprintf(p->log, sizeof(p->log), "%s/audit.jsonl", p->dir);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", p->dir);
	assert_int_equal(system(cmd), 0);
	free(p);
	return 0;
}

static struct event sample(int i)
{
	struct event e = EVENT_INIT("file_open");

	e.session_id = STR("demo");
	e.command_id = i % 2 ? STR("cmd-1") : STR("cmd-0");
	e.timestamp_ns = 1700000000000000000 + i;
	e.pid = 100 + i;
	e.path = STR("/workspace/a.txt");
	e.operation = STR("open");
	e.has_policy = true;
	e.decision = i % 10 ? VERDICT_ALLOW : VERDICT_DENY;
	e.effective_decision = e.decision;
	e.rule = STR("some-rule");
	event_add_int(&e, "n", i);
	return e;
}

static void append(struct audit_store *s, int from, int to)
{
	for (int i = from; i < to; i++) {
		struct event e = sample(i);

		assert_int_equal(audit_append(s, &e), 0);
	}
}

struct rows {
	int n;
	char first[640];
};

static int row(void *arg, struct str json)
{
	struct rows *r = arg;

	if (r->n++ == 0)
		(void)snprintf(r->first, sizeof(r->first), STR_FMT,
			       STR_ARG(json));
	return 0;
}

static struct rows query(struct audit_store *s, const struct audit_filter *f)
{
	struct rows r = { 0 };

	assert_int_equal(audit_query(s, f, row, &r), 0);
	return r;
}

static struct audit_store *open_store(const struct audit_options *o)
{
	struct audit_store *s = NULL;

	assert_int_equal(audit_open(o, &s), 0);
	return s;
}

static void queries(void **state)
{
	struct place *p = *state;
	struct audit_store *s =
		open_store(&(struct audit_options){ .sqlite_path = p->db });
	const struct str types[] = { STR("x"), STR("file_open") };
	struct rows r;
	struct stat st;

	append(s, 0, 100);
	assert_int_equal(query(s, &(struct audit_filter){ 0 }).n, 100);
	r = query(s, &(struct audit_filter){ .limit = 1 });
	assert_int_equal(r.n, 1);
	assert_non_null(strstr(r.first, "\"n\":99"));
	r = query(s, &(struct audit_filter){ .ascending = true, .limit = 1 });
	assert_non_null(strstr(r.first, "\"n\":0"));
	assert_int_equal(
		query(s, &(struct audit_filter){ .decision = STR("deny") }).n,
		10);
	assert_int_equal(
		query(s, &(struct audit_filter){ .command_id = STR("cmd-1") }).n,
		50);
	assert_int_equal(
		query(s, &(struct audit_filter){ .types = types,
						 .n_types = 2,
						 .path_like = STR("%a.t%") })
			.n,
		100);
	assert_int_equal(
		query(s, &(struct audit_filter){ .types = types, .n_types = 1 })
			.n,
		0);
	assert_int_equal(
		query(s,
		      &(struct audit_filter){ .since_ns = 1700000000000000098 })
			.n,
		2);
	assert_int_equal(
		query(s,
		      &(struct audit_filter){ .text_like = STR("%' OR 1 --%") })
			.n,
		0);
	assert_int_equal(stat(p->db, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	audit_close(s);
}

static void outputs(void **state)
{
	struct place *p = *state;
	struct audit_store *s =
		open_store(&(struct audit_options){ .sqlite_path = p->db });
	struct audit_output o = { .stdout_data = STR("hello\0world"),
				  .stdout_total = 5000,
				  .stdout_truncated = true };
	struct audit_output_at at = { .command_id = STR("c"),
				      .offset = 3,
				      .limit = 4 };
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint64_t total = 0;
	bool cut = false;

	append(s, 0, 1); /* within an open transaction too */
	assert_int_equal(audit_output_put(s, STR("s"), STR("c"), &o), 0);
	assert_int_equal(audit_output_get(s, &at, &b, &total, &cut), 0);
	assert_memory_equal(b.data, "lo\0w", 4);
	assert_int_equal(b.len, 4);
	assert_int_equal(total, 5000);
	assert_true(cut);
	at.session_id = STR("other");
	assert_int_equal(audit_output_get(s, &at, &b, &total, &cut), -ENOENT);
	audit_close(s);
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static struct audit_verdict verify_db(const char *path)
{
	struct audit_store *s = open_store(&(struct audit_options){
		.sqlite_path = path, .read_only = true });
	struct audit_verdict v = { 0 };

	assert_int_equal(audit_verify(s, &v), 0);
	audit_close(s);
	return v;
}

static void database_chain(void **state)
{
	struct place *p = *state;
	struct audit_options o = { .sqlite_path = p->db };
	struct audit_store *s = open_store(&o), *second = NULL;
	struct audit_verdict v;

	append(s, 0, 70);
	assert_int_equal(audit_open(&o, &second), -EWOULDBLOCK);
	audit_close(s);
	s = open_store(&o); /* the chain goes on */
	append(s, 70, 100);
	audit_close(s);
	v = verify_db(p->db);
	assert_true(v.ok);
	assert_int_equal(v.n_checked, 100);

	sql(p->db, "DELETE FROM event_log WHERE rowid = 100");
	assert_false(verify_db(p->db).ok);
	sql(p->db, "DELETE FROM audit_chain");
	assert_true(verify_db(p->db).ok);
	sql(p->db, "UPDATE event_log SET payload_json = replace(payload_json,"
		   " 'deny', 'allow') WHERE rowid = 11");
	v = verify_db(p->db);
	assert_false(v.ok);
	assert_int_equal(v.bad_sequence, 10);
	sql(p->db, "DELETE FROM event_log WHERE rowid = 11");
	v = verify_db(p->db);
	assert_false(v.ok);
	assert_int_equal(v.bad_sequence, 10);
}

static struct audit_verdict verify_log(const char *path, const char *key)
{
	struct audit_verdict v = { 0 };

	assert_int_equal(
		audit_verify_jsonl(path, str_from(key), false, NULL, &v), 0);
	return v;
}

static void jsonl_chain(void **state)
{
	struct place *p = *state;
	struct audit_options o = { .jsonl_path = p->log,
				   .hmac_key = (const uint8_t *)KEY,
				   .hmac_key_len = sizeof(KEY) - 1,
				   .rotate_bytes = 16384,
				   .max_backups = 50 };
	struct audit_store *s = open_store(&o);
	_cleanup_buf_ struct buf b = BUF_INIT;
	char backup[96];
	struct audit_verdict v;

	append(s, 0, 100);
	audit_close(s);
	s = open_store(&o);
	append(s, 100, 200);
	audit_close(s);
	(void)snprintf(backup, sizeof(backup), "%s.1", p->log);
	assert_int_equal(access(backup, F_OK), 0);
	v = verify_log(p->log, KEY);
	assert_true(v.ok);
	assert_int_equal(v.n_checked, 200);
	assert_false(verify_log(p->log, "wrong key, as long as the other.").ok);
	o.hmac_key = (const uint8_t *)"wrong key, as long as the other.";
	s = NULL;
	assert_int_equal(audit_open(&o, &s), -EKEYREJECTED);

	assert_int_equal(fd_read_file(AT_FDCWD, p->log, 1 << 20, &b), 0);
	assert_non_null(strstr(buf_cstr(&b), "\"integrity\":{\"format_version"
					     "\":2,\"sequence\":"));
	b.len = (size_t)(strrchr(b.data, '{') - b.data);
	while (b.len && b.data[b.len - 1] != '\n')
		b.len--; /* without the last line */
	assert_int_equal(
		fd_write_file_atomic(AT_FDCWD, p->log, buf_str(&b), 0600), 0);
	assert_false(verify_log(p->log, KEY).ok);
	o.hmac_key = (const uint8_t *)KEY;
	assert_int_equal(audit_open(&o, &s), -EBADMSG);
}

static void lost_sidecar(void **state)
{
	struct place *p = *state;
	struct audit_options o = { .jsonl_path = p->log,
				   .hmac_key = (const uint8_t *)KEY,
				   .hmac_key_len = sizeof(KEY) - 1 };
	struct audit_store *s = open_store(&o);
	_cleanup_buf_ struct buf b = BUF_INIT;
	char side[96];

	append(s, 0, 10);
	audit_close(s);
	(void)snprintf(side, sizeof(side), "%s.chain", p->log);
	assert_int_equal(unlink(side), 0);
	s = open_store(&o);
	append(s, 10, 12);
	audit_close(s);
	assert_int_equal(fd_read_file(AT_FDCWD, p->log, 1 << 20, &b), 0);
	assert_non_null(strstr(buf_cstr(&b), "integrity_chain_rotated"));
	assert_non_null(strstr(buf_cstr(&b), "\"sidecar_missing\""));
	assert_int_equal(verify_log(p->log, KEY).n_checked, 3);
}

static void throughput(void **state)
{
	struct place *p = *state;
	struct audit_store *s = open_store(&(struct audit_options){
		.sqlite_path = p->db, .batch_size = 1024 });
	struct timespec a, b;
	int n = 50000;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	append(s, 0, n);
	assert_int_equal(audit_flush(s), 0);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	print_message("%d events: %.2f us of CPU each\n", n,
		      ((double)(b.tv_sec - a.tv_sec) * 1e6 +
		       (double)(b.tv_nsec - a.tv_nsec) / 1e3) /
			      n);
	assert_int_equal(query(s, &(struct audit_filter){ .limit = 5000 }).n,
			 5000);
	audit_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(queries, setup, teardown),
		cmocka_unit_test_setup_teardown(outputs, setup, teardown),
		cmocka_unit_test_setup_teardown(database_chain, setup,
						teardown),
		cmocka_unit_test_setup_teardown(jsonl_chain, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_sidecar, setup, teardown),
		cmocka_unit_test_setup_teardown(throughput, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
