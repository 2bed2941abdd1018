/* SPDX-License-Identifier: MIT */
/*
 * test_audit_block.c - events that share a row come back as they were
 *
 * The same events go to JSON lines, one by one: what queries give, in whatever
 * order and part, is compared with those lines.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "audit/store.h"
#include "base/fd.h"

#define START  1700000000000000000
#define EVENTS 3000

struct place {
	char dir[64], db[80], log[80];
};

/* Lines, or what a query gave. */
struct texts {
	char **v; /* EVENTS of them */
	size_t n;
};

static void add(struct texts *t, struct str line)
{
	if (!t->v)
		t->v = calloc(EVENTS, sizeof(*t->v));
	assert_non_null(t->v);
	assert_in_range(t->n, 0, EVENTS - 1);
	t->v[t->n++] = str_dup(line);
}

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

static void drop(struct texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i]);
	free(t->v);
	*t = (struct texts){ 0 };
}

/* Reads of several kinds, and now and then something that stands alone. */
static void make(struct event *e, int i, char path[64])
{
	static const char *const commands[] = { "cmd-0", "cmd-1", "" };

	*e = (struct event)EVENT_INIT("file_open");
	(void)snprintf(path, 64, "/workspace/%s/f%d", i % 9 ? "a" : "<&\x01 \"",
		       i);
	e->session_id = i % 31 ? STR("demo") : STR("other");
	e->command_id = str_from(commands[i % 3]);
	e->source = STR("seccomp");
	/* 1 ms apart, and every seventh is late */
	e->timestamp_ns = START + i * 1000000LL - (i % 7 ? 0 : 2500001);
	e->pid = i % 11 ? 100 + i % 40 : 0;
	e->parent_pid = i % 5;
	e->depth = i % 4 - 1;
	e->path = str_from(path);
	e->operation = STR("open");
	e->has_policy = true;
	e->decision = i % 13 ? VERDICT_ALLOW : VERDICT_AUDIT;
	e->effective_decision = VERDICT_ALLOW;
	e->action = EVENT_ALLOWED;
	e->rule = i % 2 ? STR("even") : STR("odd");
	e->generation = i % 100 < 50 ? 1 : 2;
	event_add_str(e, "syscall", i % 3 ? STR("openat") : STR("open"));
	if (i % 17 == 0)
		event_add_str(e, "name", STR("/workspace/link"));
	if (i % 50 == 7) {
		e->decision = e->effective_decision = VERDICT_DENY;
		e->action = EVENT_BLOCKED;
	}
	if (i % 50 == 8)
		e->message = e->path;
	if (i % 4 == 1)
		e->message = STR("the project's own");
	if (i % 50 == 9)
		event_add_int(e, "errno", 2);
	if (i % 50 == 10)
		e->type = STR("file_write");
}

static void fill(const struct place *p, struct texts *lines)
{
	struct audit_options o = { .sqlite_path = p->db, .jsonl_path = p->log };
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct audit_store *s = NULL;
	struct str rest, line;
	struct event e;
	char path[64];

	assert_int_equal(audit_open(&o, &s), 0);
	for (int i = 0; i < EVENTS; i++) {
		make(&e, i, path);
		assert_int_equal(audit_append(s, &e), 0);
	}
	audit_close(s);
	assert_int_equal(fd_read_file(AT_FDCWD, p->log, 16 << 20, &text), 0);
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line) && line.n)
		add(lines, line);
	assert_int_equal(lines->n, EVENTS);
}

static int64_t time_of(const char *line)
{
	const char *t = strstr(line, "/f"); /* its number says it */
	long i = t ? strtol(t + 2, NULL, 10) : 0;

	return START + i * 1000000LL - (i % 7 ? 0 : 2500001);
}

static int by_time(const void *a, const void *b)
{
	int64_t x = time_of(*(char *const *)a), y = time_of(*(char *const *)b);

	return (x > y) - (x < y);
}

static int take(void *arg, struct str json)
{
	add(arg, json);
	return 0;
}

static struct texts ask(const struct place *p, const struct audit_filter *f)
{
	struct audit_options o = { .sqlite_path = p->db, .read_only = true };
	struct audit_store *s = NULL;
	struct texts got = { 0 };

	assert_int_equal(audit_open(&o, &s), 0);
	assert_int_equal(audit_query(s, f, take, &got), 0);
	audit_close(s);
	return got;
}

/* got is what of all (by time) has the text, in that part. */
static void expect(struct texts *got, const struct texts *all, const char *text,
		   size_t skip, size_t most, bool ascending)
{
	size_t n = 0;

	for (size_t k = 0; k < all->n; k++) {
		const char *line = all->v[ascending ? k : all->n - 1 - k];

		if (text && !strstr(line, text))
			continue;
		if (skip) {
			skip--;
			continue;
		}
		if (n == most)
			break;
		assert_in_range(n, 0, got->n);
		assert_string_equal(got->v[n], line);
		n++;
	}
	assert_int_equal(got->n, n);
	drop(got);
}

static void as_it_was(void **state)
{
	struct place *p = *state;
	struct texts all = { 0 }, got;

	fill(p, &all);
	qsort(all.v, all.n, sizeof(all.v[0]), by_time);
	got = ask(p, &(struct audit_filter){ .limit = 5000 });
	expect(&got, &all, NULL, 0, EVENTS, false);
	got = ask(p,
		  &(struct audit_filter){ .limit = 5000, .ascending = true });
	expect(&got, &all, NULL, 0, EVENTS, true);
	got = ask(p, &(struct audit_filter){ .limit = 100, .offset = 777 });
	expect(&got, &all, NULL, 777, 100, false);
	got = ask(p, &(struct audit_filter){
			     .limit = 100, .offset = 777, .ascending = true });
	expect(&got, &all, NULL, 777, 100, true);
	got = ask(p, &(struct audit_filter){ .command_id = STR("cmd-1"),
					     .session_id = STR("demo"),
					     .limit = 300 });
	for (size_t i = 0; i < got.n; i++)
		assert_non_null(strstr(got.v[i], "\"command_id\":\"cmd-1\""));
	assert_int_equal(got.n, 300);
	drop(&got);
	got = ask(p, &(struct audit_filter){ .path_like = STR("%/F1234"),
					     .limit = 5000 });
	expect(&got, &all, "/f1234\"", 0, EVENTS, false);
	got = ask(p, &(struct audit_filter){ .text_like = STR("%/link%"),
					     .limit = 5000 });
	expect(&got, &all, "/link\"", 0, EVENTS, false);
	got = ask(p, &(struct audit_filter){ .decision = STR("deny"),
					     .limit = 5000 });
	expect(&got, &all, "\"decision\":\"deny\"", 0, EVENTS, false);
	drop(&all);
}

static void times(void **state)
{
	struct place *p = *state;
	struct texts all = { 0 }, got;
	int64_t from = START + 1000 * 1000000LL, to = from + 400 * 1000000LL;
	size_t n = 0;

	fill(p, &all);
	for (size_t i = 0; i < all.n; i++)
		n += time_of(all.v[i]) >= from && time_of(all.v[i]) <= to;
	for (int i = 0; i < 2; i++) {
		got = ask(p, &(struct audit_filter){ .since_ns = from,
						     .until_ns = to,
						     .ascending = i != 0,
						     .limit = 5000 });
		assert_int_equal(got.n, n);
		for (size_t k = 0; k < n; k++) {
			assert_true(time_of(got.v[k]) >= from &&
				    time_of(got.v[k]) <= to);
		}
		drop(&got);
	}
	drop(&all);
}

static int64_t number(sqlite3 *db, const char *text)
{
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	return n;
}

/* Other programs read the view. */
static void by_sql(void **state)
{
	struct place *p = *state;
	struct texts all = { 0 };
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	size_t same = 0, plain = 0;

	fill(p, &all);
	qsort(all.v, all.n, sizeof(all.v[0]), by_time);
	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	assert_in_range(number(db, "SELECT count(*) FROM event_log"), 240,
			1500);
	assert_int_equal(number(db, "SELECT count(*) FROM events"), EVENTS);
	assert_int_equal(number(db,
				"SELECT count(DISTINCT event_id) FROM events"),
			 EVENTS);
	assert_int_equal(number(db, "SELECT count(*) FROM events WHERE"
				    " effective_decision='deny'"),
			 EVENTS / 50);
	assert_int_equal(number(db, "SELECT pid FROM events WHERE"
				    " path='/workspace/a/f1234'"),
			 100 + 1234 % 40);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT payload_json FROM events"
					    " ORDER BY ts_unix_ns",
					    -1, &st, NULL),
			 SQLITE_OK);
	for (size_t i = 0; i < all.n; i++) {
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		if (strchr(all.v[i], '\\')) /* may be escaped in other ways */
			continue;
		plain++;
		same += strcmp(all.v[i],
			       (const char *)sqlite3_column_text(st, 0)) == 0;
	}
	assert_int_equal(same, plain);
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	drop(&all);
}

static struct audit_verdict verify(const struct place *p)
{
	struct audit_options o = { .sqlite_path = p->db, .read_only = true };
	struct audit_verdict v = { 0 };
	struct audit_store *s = NULL;

	assert_int_equal(audit_open(&o, &s), 0);
	assert_int_equal(audit_verify(s, &v), 0);
	audit_close(s);
	return v;
}

/* One event of a block changed: it shows. */
static void tampered(void **state)
{
	struct place *p = *state;
	struct texts all = { 0 };
	sqlite3 *db = NULL;

	fill(p, &all);
	assert_true(verify(p).ok);
	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "UPDATE event_log SET payload_json="
				      "replace(payload_json, '/f1234\"',"
				      " '/f1235\"')",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_false(verify(p).ok);
	drop(&all);
}

/* A database that cannot be written keeps nothing from being recorded later. */
static void locked(void **state)
{
	struct place *p = *state;
	struct audit_options o = { .sqlite_path = p->db };
	struct audit_store *s = NULL;
	sqlite3 *db = NULL;
	struct event e;
	char path[64];

	assert_int_equal(audit_open(&o, &s), 0);
	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "DROP TABLE audit_chain;"
				      "CREATE TRIGGER t BEFORE INSERT ON"
				      " event_log BEGIN"
				      " SELECT raise(ABORT, 'no'); END",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	for (int i = 0; i < 2000; i++) {
		make(&e, i, path);
		assert_int_equal(audit_append(s, &e), 0);
	}
	assert_true(audit_flush(s) < 0);
	assert_true(audit_pending(s));
	assert_int_equal(
		sqlite3_exec(db,
			     "DROP TRIGGER t;"
			     "CREATE TABLE audit_chain(id INTEGER PRIMARY KEY,"
			     " sequence INTEGER, entry_hash TEXT)",
			     NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(audit_flush(s), 0);
	for (int i = 2000; i < EVENTS; i++) {
		make(&e, i, path);
		assert_int_equal(audit_append(s, &e), 0);
	}
	audit_close(s);
	assert_int_equal(number(db, "SELECT count(*) FROM events"), EVENTS);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_true(verify(p).ok);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(as_it_was, setup, teardown),
		cmocka_unit_test_setup_teardown(times, setup, teardown),
		cmocka_unit_test_setup_teardown(by_sql, setup, teardown),
		cmocka_unit_test_setup_teardown(tampered, setup, teardown),
		cmocka_unit_test_setup_teardown(locked, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
