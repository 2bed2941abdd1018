/* SPDX-License-Identifier: MIT */
/*
 * test_trash_keep.c - what is destroyed is kept and comes back exactly
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "workspace.h"

static void unlink_and_restore(void **state)
{
	struct restore_result res;
	struct trash_kept kept;
	struct stat before, after;
	struct ws w;

	(void)state;
	ws_init(&w, NULL);
	ws_write(&w, "a.txt", "hello");
	assert_int_equal(fchmodat(w.fd, "a.txt", 0751, 0), 0);
	(void)fstatat(w.fd, "a.txt", &before, 0);
	assert_int_equal(ws_unlink(&w, "a.txt", &kept), 0);
	assert_false(ws_exists(&w, "a.txt"));
	assert_int_equal(kept.how, TRASH_HOW_MOVED);
	assert_int_equal(trash_links(w.t, before.st_dev, before.st_ino), 1);
	ws_restore(&w, kept.token, false, &res);
	assert_int_equal(res.done, 1);
	ws_assert_text(&w, "a.txt", "hello");
	(void)fstatat(w.fd, "a.txt", &after, 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	assert_int_equal(trash_links(w.t, before.st_dev, before.st_ino), 0);
	/* once only */
	ws_restore(&w, kept.token, false, &res);
	assert_int_equal(res.done, 0);
	assert_int_equal(res.failed, 1);
	ws_done(&w);
}

static void errors_are_those_of_the_call(void **state)
{
	struct ws w;

	(void)state;
	ws_init(&w, NULL);
	(void)mkdirat(w.fd, "d", 0755);
	ws_write(&w, "d/f", "x");
	assert_int_equal(ws_unlink(&w, "none", NULL), -ENOENT);
	assert_int_equal(ws_unlink(&w, "d", NULL), -EISDIR);
	assert_int_equal(ws_rmdir(&w, "d", NULL), -ENOTEMPTY);
	assert_int_equal(ws_rmdir(&w, "d/f", NULL), -ENOTDIR);
	assert_int_equal(ws_rename(&w, "none", "x", 0, NULL), -ENOENT);
	(void)mkdirat(w.fd, "e", 0755);
	assert_int_equal(ws_rename(&w, "d/f", "e", 0, NULL), -EISDIR);
	ws_write(&w, "g", "x");
	assert_int_equal(ws_rename(&w, "d", "g", 0, NULL), -ENOTDIR);
	assert_int_equal(ws_rename(&w, "d", "d/sub", 0, NULL), -EINVAL);
	assert_int_equal(ws_unlink(&w, TRASH_DEFAULT_DIR, NULL), -EBUSY);
	assert_int_equal(ws_rename(&w, TRASH_DEFAULT_DIR, "x", 0, NULL),
			 -EBUSY);
	ws_assert_text(&w, "d/f", "x");
	ws_done(&w);
}

static void outside_is_exdev(void **state)
{
	struct trash_at from, to = { .name = "x" };
	struct ws w;

	(void)state;
	ws_init(&w, NULL);
	ws_write(&w, "f", "x");
	from = ws_at(&w, "f");
	to.dirfd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(trash_rename(w.t, w.group, &from, &to, 0, NULL),
			 -EXDEV);
	to.name = "tmp";
	assert_int_equal(trash_unlink(w.t, w.group, &to, NULL), -EXDEV);
	(void)close(from.dirfd);
	(void)close(to.dirfd);
	ws_assert_text(&w, "f", "x");
	ws_done(&w);
}

static void rename_keeps_target(void **state)
{
	struct restore_options o = { .as_name = STR("old-b") };
	struct restore_result res;
	struct trash_kept kept;
	struct ws w;

	(void)state;
	ws_init(&w, NULL);
	ws_write(&w, "a", "new");
	ws_write(&w, "b", "old");
	assert_int_equal(ws_rename(&w, "a", "b", 0, &kept), 0);
	assert_false(ws_exists(&w, "a"));
	ws_assert_text(&w, "b", "new");
	assert_int_equal(kept.how, TRASH_HOW_MOVED);
	ws_restore(&w, kept.token, false, &res);
	assert_int_equal(res.conflicts, 1);
	assert_int_equal(trash_restore(w.t, kept.token, &o, NULL, NULL, &res),
			 0);
	assert_int_equal(res.done, 1);
	ws_assert_text(&w, "old-b", "old");
	ws_assert_text(&w, "b", "new");
	/* plain, NOREPLACE, EXCHANGE */
	assert_int_equal(ws_rename(&w, "b", "c", 0, &kept), 0);
	assert_int_equal(kept.how, TRASH_HOW_NOTHING);
	assert_int_equal(ws_rename(&w, "c", "old-b", RENAME_NOREPLACE, NULL),
			 -EEXIST);
	assert_int_equal(ws_rename(&w, "c", "old-b", RENAME_EXCHANGE, NULL), 0);
	ws_assert_text(&w, "c", "old");
	ws_assert_text(&w, "old-b", "new");
	/* two names of one file: nothing happens */
	assert_int_equal(linkat(w.fd, "c", w.fd, "c2", 0), 0);
	assert_int_equal(ws_rename(&w, "c", "c2", 0, &kept), 0);
	assert_true(ws_exists(&w, "c"));
	ws_done(&w);
}

static void force_quarantines_what_is_there(void **state)
{
	struct restore_result res;
	struct trash_kept kept;
	struct ws w;

	(void)state;
	ws_init(&w, NULL);
	ws_write(&w, "f", "one");
	assert_int_equal(ws_unlink(&w, "f", &kept), 0);
	ws_write(&w, "f", "two");
	ws_restore(&w, kept.token, false, &res);
	assert_int_equal(res.conflicts, 1);
	ws_restore(&w, kept.token, true, &res);
	assert_int_equal(res.done, 1);
	ws_assert_text(&w, "f", "one");
	ws_done(&w);
}

static void tree_comes_back(void **state)
{
	struct timespec ts[2] = { { 1000, 5 }, { 1000, 7 } };
	struct restore_result res;
	struct trash_kept kept;
	struct stat st;
	struct ws w;

	(void)state;
	ws_init(&w, NULL);
	(void)mkdirat(w.fd, "t", 0755);
	(void)mkdirat(w.fd, "t/sub", 0700);
	ws_write(&w, "t/f", "1");
	ws_write(&w, "t/sub/g", "2");
	assert_int_equal(linkat(w.fd, "t/f", w.fd, "t/sub/link", 0), 0);
	assert_int_equal(symlinkat("f", w.fd, "t/sym"), 0);
	assert_int_equal(mkfifoat(w.fd, "t/fifo", 0600), 0);
	assert_int_equal(fchmodat(w.fd, "t/sub", 02750, 0), 0);
	assert_int_equal(utimensat(w.fd, "t/sub/g", ts, 0), 0);
	assert_int_equal(ws_unlink(&w, "t/sub/g", NULL), 0);
	assert_int_equal(ws_unlink(&w, "t/sub/link", NULL), 0);
	assert_int_equal(ws_rmdir(&w, "t/sub", NULL), 0);
	assert_int_equal(ws_unlink(&w, "t/f", NULL), 0);
	assert_int_equal(ws_unlink(&w, "t/sym", NULL), 0);
	assert_int_equal(ws_unlink(&w, "t/fifo", NULL), 0);
	assert_int_equal(ws_rmdir(&w, "t", &kept), 0);
	ws_restore(&w, kept.token, false, &res);
	assert_int_equal(res.done, 7);
	ws_assert_text(&w, "t/f", "1");
	ws_assert_text(&w, "t/sub/g", "2");
	(void)fstatat(w.fd, "t/sub", &st, 0);
	assert_int_equal(st.st_mode & 07777, 02750);
	(void)fstatat(w.fd, "t/sub/g", &st, 0);
	assert_int_equal(st.st_mtim.tv_sec, 1000);
	assert_int_equal(st.st_mtim.tv_nsec, 7);
	(void)fstatat(w.fd, "t/f", &st, 0);
	assert_int_equal(st.st_nlink, 2);
	(void)fstatat(w.fd, "t/fifo", &st, AT_SYMLINK_NOFOLLOW);
	assert_true(S_ISFIFO(st.st_mode));
	ws_done(&w);
}

static void overwrite_is_kept_once_per_command(void **state)
{
	struct trash_kept kept, again;
	struct trash_entry e;
	char text[16] = "";
	struct ws w;
	int fd;

	(void)state;
	ws_init(&w, NULL);
	ws_write(&w, "f", "version 1");
	assert_int_equal(ws_before_write(&w, "f", TRASH_WRITE_ANY, 0, 0, &kept),
			 0);
	assert_true(kept.how == TRASH_HOW_COPY ||
		    kept.how == TRASH_HOW_REFLINK);
	ws_write(&w, "f", "version 2");
	assert_int_equal(ws_before_write(&w, "f", TRASH_WRITE_TRUNCATE, 0, 0,
					 &again),
			 0);
	assert_int_equal(again.how, TRASH_HOW_NOTHING);
	assert_int_equal(trash_open_content(w.t, kept.token, &fd, &e), 0);
	assert_int_equal(read(fd, text, 15), 9);
	assert_string_equal(text, "version 1");
	(void)close(fd);
	ws_command(&w, "cmd-2");
	assert_int_equal(ws_before_write(&w, "f", TRASH_WRITE_TRUNCATE, 0, 0,
					 &again),
			 0);
	assert_int_equal(again.how, kept.how);
	ws_done(&w);
}

static void append_and_tail(void **state)
{
	struct trash_kept kept;
	char text[16] = "";
	struct ws w;
	int fd;

	(void)state;
	ws_init(&w, NULL);
	ws_write(&w, "log", "0123456789");
	assert_int_equal(
		ws_before_write(&w, "log", TRASH_WRITE_APPEND, 0, 0, &kept), 0);
	/* what is small is kept as it is, of the rest the length */
	assert_true(kept.how == TRASH_HOW_COPY ||
		    kept.how == TRASH_HOW_REFLINK);
	fd = openat(w.fd, "log", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "abc", 3), 3);
	(void)close(fd);
	assert_int_equal(trash_open_content(w.t, kept.token, &fd, NULL), 0);
	assert_int_equal(read(fd, text, 15), 10);
	(void)close(fd);
	ws_write(&w, "long", "0123456789");
	fd = openat(w.fd, "long", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 100000), 0);
	(void)close(fd);
	assert_int_equal(ws_before_write(&w, "long", TRASH_WRITE_APPEND, 0, 0,
					 &kept),
			 0);
	assert_int_equal(kept.how, TRASH_HOW_RECORD);
	fd = openat(w.fd, "long", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "abc", 3), 3);
	(void)close(fd);
	assert_int_equal(trash_open_content(w.t, kept.token, &fd, NULL), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 100000);
	(void)close(fd);
	ws_command(&w, "cmd-2");
	/* the first finds out that there is no reflink, the second keeps a
	 * tail */
	ws_write(&w, "x", "x");
	assert_int_equal(ws_before_write(&w, "x", TRASH_WRITE_ANY, 0, 0, NULL),
			 0);
	assert_int_equal(ws_before_write(&w, "log", TRASH_WRITE_TRUNCATE, 4, 0,
					 &kept),
			 0);
	fd = openat(w.fd, "log", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 4), 0);
	(void)close(fd);
	assert_int_equal(trash_open_content(w.t, kept.token, &fd, NULL), 0);
	assert_int_equal(read(fd, text, 15), 13);
	assert_memory_equal(text, "0123456789abc", 13);
	(void)close(fd);
	ws_done(&w);
}

static void big_truncate_swaps_unless_open(void **state)
{
	struct trash_kept kept;
	struct stat before, after;
	struct ws w;
	int fd;

	(void)state;
	ws_init(&w, NULL);
	ws_write(&w, "small", "x");
	assert_int_equal(
		ws_before_write(&w, "small", TRASH_WRITE_ANY, 0, 0, &kept), 0);
	if (kept.how == TRASH_HOW_REFLINK) {
		ws_done(&w);
		skip();
	}
	ws_write(&w, "big", "start");
	fd = openat(w.fd, "big", O_WRONLY | O_CLOEXEC);
	assert_int_equal(posix_fallocate(fd, 0, 1 << 20), 0);
	(void)fstat(fd, &before);
	assert_int_equal(ws_before_write(&w, "big", TRASH_WRITE_TRUNCATE, 0,
					 TRASH_MAY_SWAP, &kept),
			 0);
	assert_int_equal(kept.how, TRASH_HOW_COPY);
	(void)close(fd);
	ws_command(&w, "cmd-2");
	assert_int_equal(ws_before_write(&w, "big", TRASH_WRITE_TRUNCATE, 0,
					 TRASH_MAY_SWAP, &kept),
			 0);
	assert_int_equal(kept.how, TRASH_HOW_SWAPPED);
	(void)fstatat(w.fd, "big", &after, 0);
	assert_int_not_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_size, 0);
	assert_int_equal(after.st_mode, before.st_mode);
	ws_done(&w);
}

static void own_files_are_not_kept(void **state)
{
	struct trash_kept kept;
	struct ws w;

	(void)state;
	ws_init(&w, NULL);
	ws_create(&w, "tmp", "scratch");
	assert_int_equal(ws_unlink(&w, "tmp", &kept), 0);
	assert_int_equal(kept.how, TRASH_HOW_NOTHING);
	ws_create(&w, "tmp", "scratch");
	ws_command(&w, "cmd-2");
	assert_int_equal(ws_unlink(&w, "tmp", &kept), 0);
	assert_int_equal(kept.how, TRASH_HOW_MOVED);
	ws_done(&w);
}

static void sparse_copy_stays_sparse(void **state)
{
	struct trash_options o = { .max_copy = 1 << 20 };
	struct trash_kept kept;
	struct stat st;
	struct ws w;
	int fd;

	(void)state;
	ws_init(&w, &o);
	fd = openat(w.fd, "huge", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(ftruncate(fd, 1LL << 40), 0);
	assert_int_equal(pwrite(fd, "x", 1, 1LL << 39), 1);
	(void)close(fd);
	assert_int_equal(
		ws_before_write(&w, "huge", TRASH_WRITE_ANY, 0, 0, &kept), 0);
	assert_int_equal(trash_open_content(w.t, kept.token, &fd, NULL), 0);
	(void)fstat(fd, &st);
	assert_true(st.st_size == 1LL << 40);
	assert_true(st.st_blocks < 4096);
	(void)close(fd);
	ws_done(&w);
}

static void too_big_is_refused_or_dropped(void **state)
{
	struct trash_options o = { .max_copy = 4096 };
	struct trash_kept kept;
	struct ws w;
	int fd;

	(void)state;
	ws_init(&w, &o);
	fd = openat(w.fd, "big", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(posix_fallocate(fd, 0, 1 << 20), 0);
	for (off_t at = 0; at < 1 << 20; at += 4096)
		assert_int_equal(pwrite(fd, "x", 1, at), 1);
	(void)close(fd);
	if (ws_before_write(&w, "big", TRASH_WRITE_ANY, 0, 0, &kept) == 0) {
		ws_done(&w); /* reflinks have no cap */
		skip();
	}
	assert_int_equal(ws_before_write(&w, "big", TRASH_WRITE_ANY, 0, 0,
					 &kept),
			 -EFBIG);
	o.on_full = TRASH_FULL_DROP;
	ws_reopen(&w, &o);
	ws_command(&w, "cmd-2");
	assert_int_equal(
		ws_before_write(&w, "big", TRASH_WRITE_ANY, 0, 0, &kept), 0);
	assert_int_equal(kept.how, TRASH_HOW_DROPPED);
	ws_done(&w);
}

static void special_files_do_not_hang(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct trash_kept kept;
	struct ws w;
	int s;

	(void)state;
	ws_init(&w, NULL);
	assert_int_equal(mkfifoat(w.fd, "fifo", 0600), 0);
	assert_int_equal(symlinkat("/dev/zero", w.fd, "zero"), 0);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/sock", w.path);
	assert_int_equal(bind(s, (struct sockaddr *)&sa, sizeof(sa)), 0);
	(void)close(s);
	assert_int_equal(
		ws_before_write(&w, "fifo", TRASH_WRITE_ANY, 0, 0, &kept), 0);
	assert_int_equal(kept.how, TRASH_HOW_NOTHING);
	assert_int_equal(
		ws_before_write(&w, "zero", TRASH_WRITE_ANY, 0, 0, &kept), 0);
	assert_int_equal(ws_unlink(&w, "fifo", &kept), 0);
	assert_int_equal(ws_unlink(&w, "zero", &kept), 0);
	assert_int_equal(ws_unlink(&w, "sock", &kept), 0);
	ws_done(&w);
}

static void budget_denies_or_evicts(void **state)
{
	struct trash_options o = { .max_entries = 3 };
	struct trash_kept first, kept;
	struct restore_result res;
	struct ws w;
	char name[8];

	(void)state;
	ws_init(&w, &o);
	for (int i = 0; i < 5; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		ws_write(&w, name, "x");
	}
	assert_int_equal(ws_unlink(&w, "f0", &first), 0);
	assert_int_equal(ws_unlink(&w, "f1", NULL), 0);
	assert_int_equal(ws_unlink(&w, "f2", NULL), 0);
	assert_int_equal(ws_unlink(&w, "f3", NULL), -EDQUOT);
	assert_true(ws_exists(&w, "f3"));
	o.on_full = TRASH_FULL_EVICT;
	ws_reopen(&w, &o);
	ws_command(&w, "cmd-2");
	assert_int_equal(ws_unlink(&w, "f3", &kept), 0);
	ws_restore(&w, first.token, false, &res);
	assert_int_equal(res.done, 0);
	ws_restore(&w, kept.token, false, &res);
	assert_int_equal(res.done, 1);
	o.on_full = TRASH_FULL_DROP;
	o.max_entries = 0;
	o.max_bytes = 1;
	ws_reopen(&w, &o);
	ws_command(&w, "cmd-3");
	assert_int_equal(ws_unlink(&w, "f4", &kept), 0);
	assert_int_equal(kept.how, TRASH_HOW_DROPPED);
	assert_false(ws_exists(&w, "f4"));
	ws_done(&w);
}

static struct ws *swapping;

static void swap_names(const char *step)
{
	if (strcmp(step, "unlink") != 0)
		return;
	trash_step_hook = NULL;
	assert_int_equal(renameat(swapping->fd, "f", swapping->fd, "away"), 0);
	assert_int_equal(renameat(swapping->fd, "d", swapping->fd, "f"), 0);
}

/* unlink() is none of a directory that has the name by then. */
static void unlink_of_what_became_a_directory(void **state)
{
	struct trash_group_stat stat;
	struct ws w;

	(void)state;
	ws_init(&w, NULL);
	ws_write(&w, "f", "text");
	assert_int_equal(mkdirat(w.fd, "d", 0755), 0);
	ws_write(&w, "d/in", "inside");
	swapping = &w;
	trash_step_hook = swap_names;
	assert_int_equal(ws_unlink(&w, "f", NULL), -EISDIR);
	trash_step_hook = NULL;
	ws_assert_text(&w, "f/in", "inside");
	ws_assert_text(&w, "away", "text");
	assert_int_equal(trash_group_get(w.t, w.group, &stat), 0);
	assert_int_equal(stat.removed, 0);
	ws_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unlink_of_what_became_a_directory),
		cmocka_unit_test(unlink_and_restore),
		cmocka_unit_test(errors_are_those_of_the_call),
		cmocka_unit_test(outside_is_exdev),
		cmocka_unit_test(rename_keeps_target),
		cmocka_unit_test(force_quarantines_what_is_there),
		cmocka_unit_test(tree_comes_back),
		cmocka_unit_test(overwrite_is_kept_once_per_command),
		cmocka_unit_test(append_and_tail),
		cmocka_unit_test(big_truncate_swaps_unless_open),
		cmocka_unit_test(own_files_are_not_kept),
		cmocka_unit_test(sparse_copy_stays_sparse),
		cmocka_unit_test(too_big_is_refused_or_dropped),
		cmocka_unit_test(special_files_do_not_hang),
		cmocka_unit_test(budget_denies_or_evicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
