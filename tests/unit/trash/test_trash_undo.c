/* SPDX-License-Identifier: MIT */
/*
 * test_trash_undo.c - undo, redo, conflicts, checkpoints
 */
#include <sys/wait.h>
#include <sys/xattr.h>

#include "workspace.h"

static struct undo_result undo(struct ws *w, struct undo_select sel)
{
	struct undo_result res;

	trash_group_close(w->t, w->group);
	w->group = 0;
	assert_int_equal(trash_undo(w->t, &sel, NULL, NULL, &res), 0);
	return res;
}

static struct undo_result redo(struct ws *w)
{
	struct undo_select sel = { 0 };
	struct undo_result res;

	assert_int_equal(trash_redo(w->t, &sel, NULL, NULL, &res), 0);
	return res;
}

static void set_up(struct ws *w)
{
	ws_init(w, NULL);
	(void)mkdirat(w->fd, "d", 0750);
	ws_write(w, "d/f", "f1");
	ws_write(w, "g", "g1");
	ws_write(w, "h", "h1");
}

/* One of everything. */
static void act(struct ws *w)
{
	assert_int_equal(ws_unlink(w, "d/f", NULL), 0);
	assert_int_equal(ws_rmdir(w, "d", NULL), 0);
	ws_overwrite(w, "g", "g2 is longer");
	assert_int_equal(ws_rename(w, "g", "h", 0, NULL), 0);
	ws_create(w, "new", "n");
	(void)mkdirat(w->fd, "nd", 0755);
	assert_int_equal(ws_note(w, "nd", TRASH_MADE_DIR), 0);
	ws_create(w, "nd/x", "x");
	assert_int_equal(ws_before_meta(w, "h", TRASH_META_MODE, NULL), 0);
	assert_int_equal(fchmodat(w->fd, "h", 0600, 0), 0);
}

static void assert_before(struct ws *w)
{
	struct stat st;

	ws_assert_text(w, "d/f", "f1");
	ws_assert_text(w, "g", "g1");
	ws_assert_text(w, "h", "h1");
	assert_false(ws_exists(w, "new"));
	assert_false(ws_exists(w, "nd"));
	(void)fstatat(w->fd, "d", &st, 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	(void)fstatat(w->fd, "g", &st, 0);
	assert_int_equal(st.st_mode & 0777, 0644);
}

static void assert_after(struct ws *w)
{
	struct stat st;

	assert_false(ws_exists(w, "d"));
	assert_false(ws_exists(w, "g"));
	ws_assert_text(w, "h", "g2 is longer");
	ws_assert_text(w, "new", "n");
	ws_assert_text(w, "nd/x", "x");
	(void)fstatat(w->fd, "h", &st, 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void undo_redo_undo(void **state)
{
	struct undo_result res;
	struct ws w;

	(void)state;
	set_up(&w);
	act(&w);
	for (int i = 0; i < 3; i++) {
		res = undo(&w, (struct undo_select){ 0 });
		assert_int_equal(res.conflicts + res.lost + res.failed, 0);
		assert_before(&w);
		res = redo(&w);
		assert_int_equal(res.conflicts + res.lost + res.failed, 0);
		assert_after(&w);
	}
	ws_done(&w);
}

static void dry_run_changes_nothing(void **state)
{
	struct undo_result res;
	struct ws w;

	(void)state;
	set_up(&w);
	act(&w);
	res = undo(&w, (struct undo_select){ .dry_run = true });
	assert_int_equal(res.conflicts + res.lost + res.failed, 0);
	assert_int_equal(res.done, 8);
	assert_after(&w);
	res = undo(&w, (struct undo_select){ .command = STR("cmd-1") });
	assert_int_equal(res.done, 8);
	assert_before(&w);
	ws_done(&w);
}

static void host_change_is_a_conflict(void **state)
{
	struct undo_result res;
	struct ws w;

	(void)state;
	set_up(&w);
	ws_overwrite(&w, "g", "g2");
	assert_int_equal(ws_unlink(&w, "h", NULL), 0);
	trash_group_close(w.t, w.group);
	(void)usleep(20000); /* the coarse clock of ctime moves on */
	ws_write(&w, "g", "edited by hand");
	ws_write(&w, "h", "made by hand");
	res = undo(&w, (struct undo_select){ 0 });
	assert_int_equal(res.conflicts, 2);
	ws_assert_text(&w, "g", "edited by hand");
	ws_assert_text(&w, "h", "made by hand");
	res = undo(&w, (struct undo_select){ .command = STR("cmd-1"),
					     .force = true });
	assert_int_equal(res.done, 2);
	ws_assert_text(&w, "g", "g1");
	ws_assert_text(&w, "h", "h1");
	(void)redo(&w);
	ws_assert_text(&w, "g", "edited by hand");
	ws_assert_text(&w, "h", "made by hand");
	ws_done(&w);
}

static void later_command_is_a_conflict(void **state)
{
	struct undo_result res;
	struct ws w;

	(void)state;
	set_up(&w);
	ws_overwrite(&w, "g", "g2");
	ws_command(&w, "cmd-2");
	ws_overwrite(&w, "g", "g3");
	res = undo(&w, (struct undo_select){ .command = STR("cmd-1") });
	assert_int_equal(res.conflicts, 1);
	ws_assert_text(&w, "g", "g3");
	res = undo(&w, (struct undo_select){ .command = STR("cmd-2") });
	assert_int_equal(res.done, 1);
	ws_assert_text(&w, "g", "g2");
	res = undo(&w, (struct undo_select){ .command = STR("cmd-1") });
	assert_int_equal(res.done, 1);
	ws_assert_text(&w, "g", "g1");
	ws_done(&w);
}

static void by_path_and_after_a_rename(void **state)
{
	struct str paths[] = { STR("d") };
	struct undo_result res;
	struct ws w;

	(void)state;
	set_up(&w);
	assert_int_equal(ws_unlink(&w, "d/f", NULL), 0);
	assert_int_equal(ws_unlink(&w, "g", NULL), 0);
	ws_command(&w, "cmd-2");
	assert_int_equal(ws_rename(&w, "d", "moved", 0, NULL), 0);
	res = undo(&w, (struct undo_select){ .command = STR("cmd-1"),
					     .paths = paths,
					     .n_paths = 1 });
	assert_int_equal(res.done, 1);
	ws_assert_text(&w, "moved/f", "f1");
	assert_false(ws_exists(&w, "g"));
	ws_done(&w);
}

static void xattr_and_times(void **state)
{
	struct timespec ts[2] = { { 7, 0 }, { 7, 0 } };
	struct undo_result res;
	char value[8] = "";
	char path[128];
	struct stat st;
	struct ws w;

	(void)state;
	set_up(&w);
	(void)snprintf(path, sizeof(path), "%s/g", w.path);
	if (setxattr(path, "user.a", "one", 3, 0) < 0) {
		ws_done(&w);
		skip();
	}
	ws_command(&w, "cmd-2");
	(void)stat(path, &st);
	assert_int_equal(ws_before_meta(&w, "g", TRASH_META_XATTR, "user.a"),
			 0);
	assert_int_equal(setxattr(path, "user.a", "two", 3, 0), 0);
	assert_int_equal(ws_before_meta(&w, "g", TRASH_META_XATTR, "user.b"),
			 0);
	assert_int_equal(setxattr(path, "user.b", "new", 3, 0), 0);
	assert_int_equal(ws_before_meta(&w, "g", TRASH_META_TIMES, NULL), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, ts, 0), 0);
	res = undo(&w, (struct undo_select){ 0 });
	assert_int_equal(res.done, 3);
	assert_int_equal(getxattr(path, "user.a", value, sizeof(value)), 3);
	assert_string_equal(value, "one");
	assert_int_equal(getxattr(path, "user.b", value, sizeof(value)), -1);
	assert_true(st.st_mtim.tv_sec > 7);
	(void)redo(&w);
	assert_int_equal(getxattr(path, "user.b", value, sizeof(value)), 3);
	ws_done(&w);
}

static void dir_times_come_back(void **state)
{
	struct timespec ts[2] = { { 100, 1 }, { 200, 2 } };
	struct stat st;
	struct ws w;

	(void)state;
	set_up(&w);
	assert_int_equal(utimensat(w.fd, "d", ts, 0), 0);
	assert_int_equal(ws_unlink(&w, "d/f", NULL), 0);
	(void)undo(&w, (struct undo_select){ 0 });
	(void)fstatat(w.fd, "d", &st, 0);
	assert_int_equal(st.st_mtim.tv_sec, 200);
	assert_int_equal(st.st_mtim.tv_nsec, 2);
	ws_done(&w);
}

/* A keeper that ends while its command goes on; killed: without a word. */
static void end_in_the_middle(struct ws *w, bool killed)
{
	pid_t pid;
	int fd;

	w->t = trash_close(w->t);
	pid = fork();
	if (pid == 0) {
		struct ws child = { .fd = w->fd };

		ws_reopen(&child, NULL);
		ws_command(&child, "cut");
		(void)!ws_rename(&child, "d", "e", 0, NULL);
		(void)mkdirat(w->fd, "d", 0755);
		(void)ws_note(&child, "d", TRASH_MADE_DIR);
		ws_create(&child, "d/f", "copy");
		(void)usleep(20000);
		ws_write(&child, "d/f", "what it writes after the record");
		if (killed) {
			ws_write(&child, "d/unrecorded", "x");
			_exit(0);
		}
		child.t = trash_close(child.t);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	fd = openat(w->fd, "host", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	ws_reopen(w, NULL);
}

static void cut_short(void **state)
{
	for (int killed = 0; killed < 2; killed++) {
		struct undo_result res;
		struct ws w;

		(void)state;
		set_up(&w);
		end_in_the_middle(&w, killed);
		res = undo(&w, (struct undo_select){ 0 });
		assert_int_equal(res.conflicts + res.lost + res.failed, 0);
		ws_assert_text(&w, "d/f", "f1");
		assert_false(ws_exists(&w, "e"));
		assert_false(ws_exists(&w, "d/unrecorded"));
		assert_true(ws_exists(&w, "host"));
		ws_done(&w);
	}
}

static int count_change(void *arg, const struct checkpoint_change *c)
{
	char **kinds = arg;

	*(*kinds)++ = c->kind;
	return 0;
}

static void checkpoint_and_rollback(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char id[37], kinds[16] = "", *p = kinds;
	struct checkpoint c;
	struct undo_result res;
	struct ws w;

	(void)state;
	set_up(&w);
	ws_overwrite(&w, "g", "g2");
	assert_int_equal(checkpoint_create(w.t, STR("s1"), STR("test"), id), 0);
	/* the same command goes on: kept anew (in a new tick of the clock that
	 * older kernels take times of files from) */
	(void)usleep(20000);
	ws_overwrite(&w, "g", "g3");
	ws_create(&w, "new", "n");
	ws_command(&w, "cmd-2");
	assert_int_equal(ws_unlink(&w, "h", NULL), 0);
	assert_int_equal(checkpoint_find(w.t, str_from_n(id, 8), &b, &c), 0);
	assert_int_equal(checkpoint_changes(w.t, c.seq, count_change, &p), 0);
	assert_string_equal(kinds, "M+-");
	res = undo(&w, (struct undo_select){ .since_seq = c.seq });
	assert_int_equal(res.conflicts + res.lost, 0);
	ws_assert_text(&w, "g", "g2");
	ws_assert_text(&w, "h", "h1");
	assert_false(ws_exists(&w, "new"));
	p = kinds;
	memset(kinds, 0, sizeof(kinds));
	assert_int_equal(checkpoint_purge(w.t, STR("s1"), 0, SIZE_MAX), 1);
	assert_int_equal(checkpoint_find(w.t, str_from(id), &b, &c), -ENOENT);
	/* redo of the rollback */
	(void)redo(&w);
	ws_assert_text(&w, "g", "g3");
	assert_false(ws_exists(&w, "h"));
	ws_assert_text(&w, "new", "n");
	ws_done(&w);
}

struct lines {
	size_t groups, roots, trees, bundles;
	uint64_t n;
};

static int count_group(void *arg, const struct trash_group_info *g)
{
	struct lines *l = arg;

	l->groups++;
	l->roots += g->n_roots;
	for (size_t i = 0; i < g->n_roots; i++) {
		l->trees += g->roots[i].is_tree;
		l->bundles += g->roots[i].is_bundle;
		l->n += g->roots[i].n;
	}
	return 0;
}

static void rm_rf_is_one_line(void **state)
{
	struct restore_result res;
	struct lines l = { 0 };
	struct trash_kept kept;
	char name[32];
	struct ws w;

	(void)state;
	ws_init(&w, NULL);
	ws_write(&w, "alone", "x");
	(void)mkdirat(w.fd, "nm", 0755);
	for (int d = 0; d < 20; d++) {
		(void)snprintf(name, sizeof(name), "nm/%d", d);
		(void)mkdirat(w.fd, name, 0755);
		for (int f = 0; f < 100; f++) {
			(void)snprintf(name, sizeof(name), "nm/%d/%d", d, f);
			ws_write(&w, name, "x");
		}
	}
	assert_int_equal(ws_unlink(&w, "alone", NULL), 0);
	for (int d = 0; d < 20; d++) {
		for (int f = 0; f < 100; f++) {
			(void)snprintf(name, sizeof(name), "nm/%d/%d", d, f);
			assert_int_equal(ws_unlink(&w, name, NULL), 0);
		}
		if (d == 10) {
			assert_int_equal(trash_list_groups(w.t, NULL,
							   count_group, &l),
					 0);
			assert_int_equal(l.n, 1111);
			l = (struct lines){ 0 };
		}
		(void)snprintf(name, sizeof(name), "nm/%d", d);
		assert_int_equal(ws_rmdir(&w, name, NULL), 0);
	}
	assert_int_equal(ws_rmdir(&w, "nm", &kept), 0);
	assert_int_equal(trash_list_groups(w.t, NULL, count_group, &l), 0);
	assert_int_equal(l.groups, 1);
	assert_int_equal(l.roots, 2);
	assert_int_equal(l.trees, 1);
	assert_int_equal(l.n, 2022);
	ws_restore(&w, kept.token, false, &res);
	assert_int_equal(res.done, 2021);
	ws_assert_text(&w, "nm/19/99", "x");
	l = (struct lines){ 0 };
	assert_int_equal(trash_list_groups(w.t, NULL, count_group, &l), 0);
	assert_int_equal(l.roots, 1);
	ws_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(undo_redo_undo),
		cmocka_unit_test(dry_run_changes_nothing),
		cmocka_unit_test(host_change_is_a_conflict),
		cmocka_unit_test(later_command_is_a_conflict),
		cmocka_unit_test(by_path_and_after_a_rename),
		cmocka_unit_test(xattr_and_times),
		cmocka_unit_test(dir_times_come_back),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(checkpoint_and_rollback),
		cmocka_unit_test(rm_rf_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
