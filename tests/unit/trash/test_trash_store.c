/* SPDX-License-Identifier: MIT */
/*
 * test_trash_store.c - tokens, records, the Go program's entries, hostile
 * stores, full disks
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "base/digest.h"
#include "trash/record.h"
#include "trash/token.h"
#include "workspace.h"

static void tokens(void **state)
{
	char text[TRASH_TOKEN_LEN + 1];
	struct trash_token t, back;

	(void)state;
	for (uint64_t seq = 1; seq < 2000; seq++) {
		t = token_make(0x123456789abcdef1ULL, seq);
		assert_true(token_seq(t) == seq);
		trash_token_format(t, text);
		assert_int_equal(strlen(text), TRASH_TOKEN_LEN);
		assert_int_equal(trash_token_parse(str_from(text), &back), 0);
		assert_true(back.hi == t.hi && back.lo == t.lo);
	}
	assert_int_equal(trash_token_parse(STR("1767225600000000000"), &t), 0);
	assert_true(token_is_legacy(t));
	trash_token_format(t, text);
	assert_string_equal(text, "1767225600000000000");
	assert_int_equal(trash_token_parse(STR(""), &t), -EINVAL);
	assert_int_equal(trash_token_parse(STR("12a"), &t), -EINVAL);
	assert_int_equal(trash_token_parse(STR("../1"), &t), -EINVAL);
	assert_int_equal(trash_token_parse(
				 STR("999999999999999999999999999999999999999"),
				 &t),
			 -EINVAL);
}

static void torn_records(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct record_op op = { .seq = 7,
				.verb = TRASH_VERB_UNLINK,
				.name = STR("name") };
	enum record_type type;
	struct str rest, payload;

	(void)state;
	record_put_op(&b, &op);
	for (size_t n = 1; n < b.len; n++) {
		rest = str_from_n(b.data, n);
		assert_int_equal(record_next(&rest, &type, &payload), -EBADMSG);
	}
	b.data[b.len - 1] ^= 1;
	rest = buf_str(&b);
	assert_int_equal(record_next(&rest, &type, &payload), -EBADMSG);
	b.data[b.len - 1] ^= 1;
	assert_int_equal(record_next(&rest, &type, &payload), 1);
	assert_int_equal(record_get_op(payload, &op), 0);
	op.name = STR("../x");
	buf_reset(&b);
	record_put_op(&b, &op);
	rest = buf_str(&b);
	assert_int_equal(record_next(&rest, &type, &payload), 1);
	assert_int_equal(record_get_op(payload, &op), -EBADMSG);
	assert_false(record_path_ok(STR("a//b")));
	assert_false(record_path_ok(STR("/a")));
	assert_false(record_path_ok(STR("a/../b")));
	assert_false(record_path_ok(STR("a/")));
	assert_true(record_path_ok(STR("")));
}

/* As the Go program writes it. */
static void go_entry(struct ws *w, const char *token, const char *path,
		     const char *text, const char *hash)
{
	char name[128], doc[1024];

	(void)mkdirat(w->fd, TRASH_DEFAULT_DIR "/payload", 0755);
	(void)mkdirat(w->fd, TRASH_DEFAULT_DIR "/manifest", 0755);
	(void)snprintf(name, sizeof(name), TRASH_DEFAULT_DIR "/payload/%s",
		       token);
	ws_write(w, name, text);
	(void)snprintf(doc, sizeof(doc),
		       "{\n  \"token\": \"%s\",\n  \"original_path\": \"%s\",\n"
		       "  \"trash_path\": \"/etc/passwd\",\n  \"size\": %zu,\n"
		       "  \"hash\": \"%s\",\n  \"hash_algo\": \"sha256\",\n"
		       "  \"mode\": 420,\n  \"uid\": 0,\n  \"gid\": 0,\n"
		       "  \"session\": \"old\",\n"
		       "  \"created\": \"2026-01-01T00:00:00Z\"\n}\n",
		       token, path, strlen(text), hash);
	(void)snprintf(name, sizeof(name),
		       TRASH_DEFAULT_DIR "/manifest/%s.json", token);
	ws_write(w, name, doc);
}

static int count_legacy(void *arg, const struct trash_entry *e)
{
	*(size_t *)arg += e->legacy;
	return 0;
}

static void go_entries(void **state)
{
	struct purge_options purge = PURGE_OPTIONS_INIT;
	struct purge_result purged;
	struct restore_options o = { 0 };
	struct restore_result res;
	struct trash_token t;
	char path[128];
	size_t n = 0;
	struct ws w;

	(void)state;
	ws_init(&w, NULL);
	(void)snprintf(path, sizeof(path), "%s/sub/a.txt", w.path);
	go_entry(&w, "1767225600000000000", path, "hello",
		 "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b"
		 "9824");
	go_entry(&w, "1767225600000000001", "/etc/evil", "x", "");
	go_entry(&w, "1767225600000000002", path, "changed",
		 "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b"
		 "9824");
	assert_int_equal(trash_list_entries(w.t, NULL, count_legacy, &n), 0);
	assert_int_equal(n, 3);
	t = (struct trash_token){ 0, 1767225600000000002 };
	assert_int_equal(trash_restore(w.t, t, &o, NULL, NULL, &res), 0);
	assert_int_equal(res.failed, 1); /* hash */
	t.lo = 1767225600000000000;
	assert_int_equal(trash_restore(w.t, t, &o, NULL, NULL, &res), 0);
	assert_int_equal(res.done, 1);
	ws_assert_text(&w, "sub/a.txt", "hello");
	t.lo = 1767225600000000001; /* outside the workspace */
	assert_int_equal(trash_restore(w.t, t, &o, NULL, NULL, &res), -EXDEV);
	t.lo = 5;
	assert_int_equal(trash_restore(w.t, t, &o, NULL, NULL, &res), -ENOENT);
	purge.session = STR("old");
	assert_int_equal(trash_purge(w.t, &purge, &purged), 0);
	assert_int_equal(purged.entries, 2);
	assert_int_equal(access("/etc/passwd", R_OK), 0);
	ws_done(&w);
}

static void restore_follows_no_link(void **state)
{
	struct restore_result res;
	struct trash_kept kept;
	struct ws w;

	(void)state;
	ws_init(&w, NULL);
	(void)mkdirat(w.fd, "d", 0755);
	ws_write(&w, "d/f", "x");
	assert_int_equal(ws_unlink(&w, "d/f", &kept), 0);
	assert_int_equal(ws_rmdir(&w, "d", NULL), 0);
	assert_int_equal(symlinkat("/tmp", w.fd, "d"), 0);
	ws_restore(&w, kept.token, true, &res);
	assert_int_equal(res.done, 0);
	assert_int_equal(res.failed, 1);
	ws_done(&w);
}

static void purge_by_age_quota_session(void **state)
{
	struct purge_options o = PURGE_OPTIONS_INIT;
	struct purge_result res;
	char name[8];
	struct ws w;

	(void)state;
	ws_init(&w, NULL);
	for (int i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		ws_write(&w, name, "0123456789");
		assert_int_equal(ws_unlink(&w, name, NULL), 0);
	}
	assert_int_equal(trash_purge(w.t, &o, &res), 0);
	assert_int_equal(res.entries, 0); /* nothing asked, nothing done */
	o.ttl_ns = 3600LL * 1000000000;
	assert_int_equal(trash_purge(w.t, &o, &res), 0);
	assert_int_equal(res.entries, 0);
	o.ttl_ns = 1;
	o.dry_run = true;
	assert_int_equal(trash_purge(w.t, &o, &res), 0);
	assert_int_equal(res.entries, 4);
	o = PURGE_OPTIONS_INIT;
	o.quota = res.bytes / 2;
	assert_int_equal(trash_purge(w.t, &o, &res), 0);
	assert_int_equal(res.entries, 2);
	o = PURGE_OPTIONS_INIT;
	o.session = STR("other");
	assert_int_equal(trash_purge(w.t, &o, &res), 0);
	assert_int_equal(res.entries, 0);
	o.session = STR("s1");
	assert_int_equal(trash_purge(w.t, &o, &res), 0);
	assert_int_equal(res.entries, 2);
	ws_done(&w);
}

static void hash_is_verified(void **state)
{
	struct trash_options o = { .hash_under = 1024 };
	struct restore_result res;
	struct trash_kept kept, other;
	char cmd[256];
	struct ws w;

	(void)state;
	ws_init(&w, &o);
	ws_write(&w, "f", "good");
	ws_write(&w, "g", "fine");
	assert_int_equal(ws_unlink(&w, "f", &kept), 0);
	assert_int_equal(ws_unlink(&w, "g", &other), 0);
	while (trash_maintain(w.t, 100) > 0)
		;
	(void)snprintf(cmd, sizeof(cmd),
		       "find %s/.agentsh_trash -name '*~f' -exec sh -c "
		       "'echo bad >\"$1\"' - {} ';'",
		       w.path);
	assert_int_equal(system(cmd), 0);
	ws_restore(&w, kept.token, false, &res);
	assert_int_equal(res.done, 0);
	assert_int_equal(res.failed, 1);
	assert_false(ws_exists(&w, "f"));
	ws_restore(&w, other.token, false, &res);
	assert_int_equal(res.done, 1);
	ws_restore(&w, kept.token, true, &res);
	assert_int_equal(res.done, 1);
	ws_done(&w);
}

/* A file system of 1 MiB: nothing is lost when it is full, and removing goes
 * on by evicting what is oldest. */
static void full_disk_child(void)
{
	struct trash_options o = { .on_full = TRASH_FULL_EVICT };
	char name[16], data[4096];
	struct ws w;
	int fd, r;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("t", "/mnt", "tmpfs", 0, "size=1m,nr_inodes=200") < 0)
		_exit(77);
	(void)setenv("TEST_TRASH_DIR", "/mnt", 1);
	memset(data, 'x', sizeof(data));
	ws_init(&w, &o);
	for (int round = 0; round < 30; round++) {
		for (int i = 0; i < 20; i++) {
			(void)snprintf(name, sizeof(name), "f%d", i);
			fd = openat(w.fd, name, O_WRONLY | O_CREAT | O_CLOEXEC,
				    0644);
			if (fd < 0)
				break;
			(void)!write(fd, data, sizeof(data));
			(void)close(fd);
		}
		for (int i = 0; i < 20; i++) {
			(void)snprintf(name, sizeof(name), "f%d", i);
			r = ws_unlink(&w, name, NULL);
			if (r < 0 && r != -ENOENT && r != -ENOSPC)
				_exit(1);
			/* refused means: still there */
			if (r == -ENOSPC && !ws_exists(&w, name))
				_exit(2);
		}
	}
	ws_done(&w);
	_exit(0);
}

static void full_disk(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0)
		full_disk_child();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens),
		cmocka_unit_test(torn_records),
		cmocka_unit_test(go_entries),
		cmocka_unit_test(restore_follows_no_link),
		cmocka_unit_test(purge_by_age_quota_session),
		cmocka_unit_test(hash_is_verified),
		cmocka_unit_test(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
