/* SPDX-License-Identifier: MIT */
/*
 * test_cli_undo.c - trash, undo and checkpoint of the program, on a workspace
 * whose trash the library filled
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/fd.h"
#include "tests/unit/cli/fake_server.h"
#include "trash/keep.h"

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static char top[] = "/tmp/agentsh-undo.XXXXXX";

static void write_text(const char *name, const char *text)
{
	assert_int_equal(
		fd_write_file_atomic(AT_FDCWD, name, str_from(text), 0644), 0);
}

static void expect_text(const char *name, const char *text)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	assert_int_equal(fd_read_file(AT_FDCWD, name, 4096, &b), 0);
	assert_string_equal(buf_cstr(&b), text);
}

static bool has(const struct buf *b, const char *text)
{
	return strstr(buf_cstr(b), text) != NULL;
}

/* a.txt overwritten, d/x and d removed, "new" made; by command cmd-1. */
static void destroy_things(void)
{
	struct trash_options o = { 0 };
	struct trash *t = NULL;
	uint32_t group = 0;
	int root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), d;
	struct trash_at a = { .dirfd = root, .name = "a.txt" };
	struct trash_at dir = { .dirfd = root, .name = "d" };
	struct trash_at made = { .dirfd = root, .name = "new" };
	struct trash_at x = { .name = "x" };

	assert_int_equal(trash_open(root, &o, &t), 0);
	assert_int_equal(trash_group_open(t, STR("s"), STR("cmd-1"),
					  STR("rm -rf d"), &group),
			 0);
	assert_true(trash_before_write(t, group, &a, -1,
				       (struct trash_change){ 0 }, NULL) >= 0);
	d = open("a.txt", O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(fd_write_full(d, "v2\n", 3), 0);
	(void)close(d);
	d = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	x.dirfd = d;
	assert_int_equal(trash_unlink(t, group, &x, NULL), 0);
	assert_int_equal(trash_rmdir(t, group, &dir, NULL), 0);
	(void)close(d);
	(void)close(open("new", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	assert_int_equal(trash_note_made(t, group, &made, TRASH_MADE_FILE), 0);
	trash_group_close(t, group);
	(void)trash_close(t);
	(void)close(root);
}

static int setup(void **state)
{
	(void)state;
	memcpy(top + strlen(top) - 6, "XXXXXX", 6);
	if (!mkdtemp(top) || chdir(top) < 0)
		return -1;
	write_text("a.txt", "v1\n");
	if (mkdir("d", 0755) < 0)
		return -1;
	write_text("d/x", "x\n");
	return 0;
}

static int teardown(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	(void)state;
	buf_printf(&b, "rm -rf %s", top);
	return chdir("/") < 0 || system(buf_cstr(&b)) != 0 ? -1 : 0;
}

static void run(struct run *r, int status, const char *const *words)
{
	buf_reset(&r->out);
	buf_reset(&r->err);
	run_agentsh(r, NULL, NULL, words);
	if (r->status != status)
		print_message("%s%s", buf_cstr(&r->out), buf_cstr(&r->err));
	assert_int_equal(r->status, status);
}

static void test_nothing_kept(void **state)
{
	struct run r = { 0 };

	(void)state;
	/* named: somebody's workspace may be above this test's directory */
	run(&r, 0, WORDS("trash", "list", "--trash-path", ".agentsh_trash"));
	assert_string_equal(buf_cstr(&r.out), "trash empty\n");
	run(&r, 1, WORDS("undo", "--trash-path", ".agentsh_trash"));
	assert_true(has(&r.err, "nothing to undo: no .agentsh_trash in this "
				"directory or above it (--root names the "
				"workspace)\n"));
	run(&r, 0, WORDS("undo", "status"));
	assert_int_equal(access(".agentsh_trash", F_OK), -1);
	run_done(&r);
}

static void test_list_and_restore(void **state)
{
	struct run r = { 0 };
	char token[64] = { 0 };
	const char *line;

	(void)state;
	destroy_things();
	run(&r, 0, WORDS("trash", "list"));
	/* one line for the removed directory, with what was in it */
	assert_true(has(&r.out, "/d\t"));
	assert_true(has(&r.out, "\t(2 files)\n"));
	assert_true(has(&r.out, "/a.txt\t3 bytes\t"));
	assert_false(has(&r.out, "/d/x\t"));
	line = strstr(buf_cstr(&r.out), "/d\t");
	while (line[-1] != '\n' && line > buf_cstr(&r.out))
		line--;
	memcpy(token, line, MIN(strcspn(line, "\t"), sizeof(token) - 1));
	run(&r, 0, WORDS("trash", "list", "--session", "other"));
	assert_string_equal(buf_cstr(&r.out), "");
	run(&r, 0, WORDS("trash", "restore", token));
	expect_text("d/x", "x\n");
	run(&r, 0, WORDS("trash", "show", "a.txt"));
	assert_string_equal(buf_cstr(&r.out), "v1\n");
	run(&r, 0, WORDS("trash", "history", "a.txt"));
	assert_true(has(&r.out, "/a.txt\tcmd-1\t"));
	run(&r, 0, WORDS("trash", "restore", "a.txt", "--dest", "old.txt"));
	expect_text("old.txt", "v1\n");
	expect_text("a.txt", "v2\n");
	run_done(&r);
}

static void test_conflict(void **state)
{
	struct run r = { 0 };

	(void)state;
	destroy_things();
	assert_int_equal(mkdir("d", 0755), 0);
	write_text("d/x", "other\n");
	run(&r, 1, WORDS("trash", "restore", "d/x"));
	assert_true(has(&r.err, "destination exists: "));
	assert_true(has(&r.err, "(use force=true to overwrite)\n"));
	expect_text("d/x", "other\n");
	run(&r, 0, WORDS("trash", "restore", "d/x", "--force"));
	assert_true(has(&r.out, "restored to "));
	expect_text("d/x", "x\n");
	run_done(&r);
}

static void test_undo_and_redo(void **state)
{
	struct run r = { 0 };

	(void)state;
	destroy_things();
	run(&r, 0, WORDS("undo", "--dry-run"));
	assert_true(has(&r.out, "would undo"));
	expect_text("a.txt", "v2\n");
	run(&r, 0, WORDS("undo"));
	assert_true(has(&r.out, "undone: "));
	expect_text("a.txt", "v1\n");
	expect_text("d/x", "x\n");
	assert_int_equal(access("new", F_OK), -1);
	run(&r, 0, WORDS("undo", "--redo"));
	assert_true(has(&r.out, "redone: "));
	expect_text("a.txt", "v2\n");
	assert_int_equal(access("d", F_OK), -1);
	assert_int_equal(access("new", F_OK), 0);
	run(&r, 0, WORDS("undo", "status"));
	assert_true(has(&r.out, "cmd-1  rm -rf d\n"));
	assert_true(has(&r.out, "Not kept:  0\n"));
	run_done(&r);
}

static void test_undo_selects(void **state)
{
	struct run r = { 0 };

	(void)state;
	destroy_things();
	run(&r, 0, WORDS("undo", "cmd-1", "d"));
	expect_text("d/x", "x\n");
	expect_text("a.txt", "v2\n");
	run(&r, 1, WORDS("undo", "cmd-unknown"));
	run(&r, 1, WORDS("undo", "--since", "yesterday"));
	assert_true(has(&r.err, "invalid --since \"yesterday\""));
	run_done(&r);
}

static void test_undo_conflict(void **state)
{
	struct run r = { 0 };

	(void)state;
	destroy_things();
	write_text("a.txt", "mine\n");
	run(&r, 2, WORDS("undo"));
	assert_true(has(&r.out, "changed since"));
	expect_text("a.txt", "mine\n");
	expect_text("d/x", "x\n");
	run_done(&r);
}

/* A session that is still running has the store open as well. */
static void test_while_in_use(void **state)
{
	struct trash_options o = { 0 };
	struct trash *t = NULL;
	struct run r = { 0 };
	int root;

	(void)state;
	destroy_things();
	root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(trash_open(root, &o, &t), 0);
	(void)alarm(300); /* instead of waiting for a lock for ever */
	run(&r, 0, WORDS("undo"));
	(void)alarm(0);
	expect_text("a.txt", "v1\n");
	(void)trash_close(t);
	(void)close(root);
	run_done(&r);
}

static void test_checkpoint(void **state)
{
	struct run r = { 0 };
	char id[37] = { 0 };

	(void)state;
	run(&r, 0, WORDS("checkpoint", "list"));
	assert_string_equal(buf_cstr(&r.out), "No checkpoints found\n");
	run(&r, 0, WORDS("checkpoint", "create", "--session", "s"));
	assert_true(has(&r.out, "Created checkpoint "));
	assert_true(has(&r.out, "  Reason:      manual checkpoint\n"));
	memcpy(id, buf_cstr(&r.out) + strlen("Created checkpoint "), 36);
	run(&r, 0, WORDS("checkpoint", "rollback", id, "--dry-run"));
	assert_string_equal(buf_cstr(&r.out), "No changes to rollback\n");
	destroy_things();
	run(&r, 0, WORDS("checkpoint", "show", id, "--diff"));
	assert_true(has(&r.out, "  M a.txt\n"));
	assert_true(has(&r.out, "  + d/x (restore deleted)\n"));
	run(&r, 0, WORDS("checkpoint", "rollback", id, "--dry-run"));
	assert_true(has(&r.out, "Will restore "));
	expect_text("a.txt", "v2\n");
	run(&r, 0, WORDS("checkpoint", "rollback", id));
	assert_true(has(&r.out, "Rolled back "));
	expect_text("a.txt", "v1\n");
	expect_text("d/x", "x\n");
	run(&r, 0, WORDS("checkpoint", "list", "--json"));
	assert_true(has(&r.out, id));
	run(&r, 0, WORDS("checkpoint", "purge", "--keep", "0"));
	assert_string_equal(buf_cstr(&r.out), "Purged 1 checkpoints\n");
	run_done(&r);
}

static void test_purge(void **state)
{
	struct run r = { 0 };

	(void)state;
	destroy_things();
	run(&r, 0, WORDS("trash", "purge"));
	assert_string_equal(buf_cstr(&r.out), "removed 0 entries\n");
	run(&r, 0, WORDS("trash", "purge", "--ttl", "7d"));
	assert_string_equal(buf_cstr(&r.out), "removed 0 entries\n");
	run(&r, 0, WORDS("trash", "purge", "--session", "s"));
	assert_false(has(&r.out, "removed 0 "));
	run(&r, 0, WORDS("trash", "list"));
	assert_string_equal(buf_cstr(&r.out), "trash empty\n");
	run_done(&r);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_kept), TEST(test_list_and_restore),
		TEST(test_conflict),     TEST(test_undo_and_redo),
		TEST(test_undo_selects), TEST(test_undo_conflict),
		TEST(test_checkpoint),   TEST(test_while_in_use),
		TEST(test_purge),
	};

	agentsh_path = realpath(argc > 1 ? argv[1] : "agentsh", NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
