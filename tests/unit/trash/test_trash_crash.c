/* SPDX-License-Identifier: MIT */
/*
 * test_trash_crash.c - killed at every step, nothing is lost
 *
 * A child performs a scenario and dies (_exit, as kill -9 leaves no handler)
 * at the Nth step hook, for every N until the scenario completes. The parent
 * opens the store again, which recovers, and then every file of the start must
 * be in place or restorable with its content, the command must be undoable
 * back to the start, and a second recovery must find nothing to do.
 */
#include <sys/wait.h>
#include <time.h>

#include "workspace.h"

#define BIG_CHUNKS 32 /* of 64 KiB */

static unsigned int steps_left;

static void die_at(const char *step)
{
	(void)step;
	if (--steps_left == 0)
		_exit(77);
}

struct expected {
	const char *path, *text;
};

static const struct expected start_files[] = {
	{ "keep/one", "first" }, { "keep/two", "second" },
	{ "over", "target" },    { "src", "source" },
	{ "trunc", "content" },  { "edit", "unedited" },
};

static const char *const start_dirs[] = { "keep", "empty", "." };

static void set_up(struct ws *w)
{
	ws_init(w, NULL);
	(void)mkdirat(w->fd, "keep", 0755);
	(void)mkdirat(w->fd, "empty", 0700);
	for (size_t i = 0; i < ARRAY_LEN(start_files); i++)
		ws_write(w, start_files[i].path, start_files[i].text);
	/* The child makes a writer of its own. */
	w->t = trash_close(w->t);
	assert_int_equal(fchmodat(w->fd, "keep", 02751, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(start_dirs); i++)
		(void)utimensat(w->fd, start_dirs[i],
				(struct timespec[]){ { 9, 9 }, { 1000, 77 } },
				0);
}

static void scenario(struct ws *w)
{
	struct trash_options o = { 0 };
	int fd;

	if (trash_open(w->fd, &o, &w->t) < 0 ||
	    trash_group_open(w->t, STR("s"), STR("c"), STR(""), &w->group) < 0)
		_exit(1);
	(void)ws_unlink(w, "keep/one", NULL);
	(void)ws_unlink(w, "keep/two", NULL);
	(void)ws_rmdir(w, "keep", NULL);
	(void)ws_rename(w, "src", "over", 0, NULL);
	(void)ws_rename(w, "empty", "moved", 0, NULL);
	(void)ws_before_write(w, "trunc", TRASH_WRITE_TRUNCATE, 0, 0, NULL);
	fd = openat(w->fd, "trunc", O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0 || write(fd, "new", 3) != 3)
		_exit(1);
	(void)close(fd);
	fd = openat(w->fd, "made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	(void)close(fd);
	(void)ws_note(w, "made", TRASH_MADE_FILE);
	/* as an editor does; what it made is not kept */
	fd = openat(w->fd, "edit~", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	(void)close(fd);
	(void)ws_note(w, "edit~", TRASH_MADE_FILE);
	(void)ws_rename(w, "edit~", "edit", 0, NULL);
	(void)ws_unlink(w, "edit", NULL);
	trash_group_close(w->t, w->group);
	(void)trash_close(w->t);
	_exit(0);
}

/* What `sed -i` and then `rm` do: a file of the command's own is put in the
 * place of another, and is no more at the end. Then an exchange, and contents
 * replaced and appended to. */
static void own_scenario(struct ws *w)
{
	struct trash_options o = { 0 };
	struct trash_at at;
	int fd;

	if (trash_open(w->fd, &o, &w->t) < 0 ||
	    trash_group_open(w->t, STR("s"), STR("c"), STR(""), &w->group) < 0)
		_exit(1);
	at = ws_at(w, "keep/new");
	(void)trash_before_make(w->t, w->group, &at);
	fd = openat(w->fd, "keep/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	(void)trash_note_made(w->t, w->group, &at, TRASH_MADE_FILE);
	(void)close(at.dirfd);
	(void)close(fd);
	(void)ws_rename(w, "keep/new", "keep/one", 0, NULL);
	(void)ws_unlink(w, "keep/one", NULL);
	(void)ws_unlink(w, "keep/two", NULL);
	(void)ws_rmdir(w, "keep", NULL);
	(void)ws_rename(w, "src", "over", RENAME_EXCHANGE, NULL);
	(void)ws_before_write(w, "trunc", TRASH_WRITE_TRUNCATE, 0,
			      TRASH_MAY_SWAP, NULL);
	ws_write(w, "trunc", "other");
	/* Large enough for another inode to take its place. */
	(void)ws_before_write(w, "big", TRASH_WRITE_TRUNCATE, 0, TRASH_MAY_SWAP,
			      NULL);
	ws_write(w, "big", "small");
	trash_group_close(w->t, w->group);
	(void)trash_close(w->t);
	_exit(0);
}

struct search {
	const struct expected *want;
	struct trash *t;
	bool found;
};

static int look_for(void *arg, const struct trash_entry *e)
{
	struct search *s = arg;
	char text[32] = "";
	int fd;

	if (!S_ISREG(e->mode) ||
	    trash_open_content(s->t, e->token, &fd, NULL) < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) >= 0 &&
	    strcmp(text, s->want->text) == 0)
		s->found = true;
	(void)close(fd);
	return 0;
}

static bool anywhere(struct ws *w, const struct expected *want)
{
	static const char *const places[] = { "keep/one", "keep/two", "over",
					      "src",      "trunc",    "edit" };
	struct search s = { .want = want, .t = w->t };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char text[64];

		ws_read(w, places[i], text, sizeof(text));
		if (strcmp(text, want->text) == 0)
			return true;
	}
	assert_int_equal(trash_list_entries(w->t, NULL, look_for, &s), 0);
	return s.found;
}

static bool run_child(struct ws *w, unsigned int n, void (*what)(struct ws *))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		steps_left = n;
		trash_step_hook = die_at;
		what(w);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 0);
	return WEXITSTATUS(status) == 0;
}

static int show(void *arg, const struct undo_step *s)
{
	unsigned int *n = arg;

	if (s->status == UNDO_CONFLICT || s->status == UNDO_LOST ||
	    s->status == UNDO_FAILED)
		(void)fprintf(stderr, "step %u: %s %s %.*s: %s %d\n", *n,
			      undo_status_to_string(s->status),
			      trash_verb_to_string(s->verb), STR_ARG(s->path),
			      s->why ? s->why : "", s->error);
	return 0;
}

static void assert_start(struct ws *w)
{
	for (size_t i = 0; i < ARRAY_LEN(start_files); i++)
		ws_assert_text(w, start_files[i].path, start_files[i].text);
	assert_true(ws_exists(w, "empty"));
	assert_false(ws_exists(w, "moved"));
}

/* What the end of an undo puts right. */
static void assert_dirs(struct ws *w)
{
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(start_dirs); i++) {
		assert_int_equal(fstatat(w->fd, start_dirs[i], &st, 0), 0);
		assert_int_equal(st.st_mtim.tv_sec, 1000);
		assert_int_equal(st.st_mtim.tv_nsec, 77);
	}
	assert_int_equal(fstatat(w->fd, "keep", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 02751);
}

static void killed_at_every_step(void **state)
{
	bool completed = false;
	unsigned int n;

	(void)state;
	for (n = 1; !completed; n++) {
		struct undo_select sel = { 0 };
		struct undo_result res;
		struct ws w;
		int r;

		set_up(&w);
		completed = run_child(&w, n, scenario);
		ws_reopen(&w, NULL);
		for (size_t i = 0; i < ARRAY_LEN(start_files); i++)
			assert_true(anywhere(&w, &start_files[i]));
		ws_reopen(&w, NULL);
		sel.command = STR("c");
		r = trash_undo(w.t, &sel, show, &n, &res);
		if (r == 0)
			assert_int_equal(res.conflicts + res.lost + res.failed,
					 0);
		else
			assert_int_equal(r, -ENOENT);
		assert_start(&w);
		ws_done(&w);
	}
	assert_true(n > 20);
}

/* --- making: a kill between the thing and its record --- */

static const char *const made[] = { "m-file",    "m-dir",  "m-link",
				    "m-further", "m-fifo", "m-dir/in" };

static int make_one(struct ws *w, size_t i)
{
	switch (i) {
	case 1:
		return mkdirat(w->fd, made[i], 0700);
	case 2:
		return symlinkat("over", w->fd, made[i]);
	case 3:
		return linkat(w->fd, "src", w->fd, made[i], 0);
	case 4:
		return mkfifoat(w->fd, made[i], 0600);
	default:
		return openat(w->fd, made[i], O_WRONLY | O_CREAT | O_EXCL,
			      0600);
	}
}

/* What was made before has other times than what is made after. */
static void next_tick(void)
{
	struct timespec a, b;

	/* An inode may have the exact time, which is ahead of the coarse one. */
	(void)clock_gettime(CLOCK_REALTIME, &a);
	do
		(void)clock_gettime(CLOCK_REALTIME_COARSE, &b);
	while (b.tv_sec < a.tv_sec ||
	       (b.tv_sec == a.tv_sec && b.tv_nsec <= a.tv_nsec));
}

static void makings(struct ws *w)
{
	static const enum trash_made what[] = {
		TRASH_MADE_FILE, TRASH_MADE_DIR,  TRASH_MADE_SYMLINK,
		TRASH_MADE_LINK, TRASH_MADE_NODE, TRASH_MADE_FILE,
	};
	struct trash_options o = { 0 };

	if (trash_open(w->fd, &o, &w->t) < 0 ||
	    trash_group_open(w->t, STR("s"), STR("c"), STR(""), &w->group) < 0)
		_exit(1);
	next_tick();
	/* Two that fail: what is there is not ours. */
	for (size_t i = 0; i < 2; i++) {
		struct trash_at at = ws_at(w, start_files[i].path);

		(void)trash_before_make(w->t, w->group, &at);
		(void)close(at.dirfd);
	}
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		struct trash_at at = ws_at(w, made[i]);

		if (trash_before_make(w->t, w->group, &at) < 0 ||
		    make_one(w, i) < 0)
			_exit(1);
		die_at("not on record");
		(void)trash_note_made(w->t, w->group, &at, what[i]);
		(void)close(at.dirfd);
	}
	_exit(0); /* nothing is closed */
}

static void made_and_killed(void **state)
{
	bool completed = false;
	unsigned int n;

	(void)state;
	for (n = 1; !completed; n++) {
		struct undo_select sel = { .command = STR("c") };
		struct undo_result res = { 0 };
		struct ws w;
		int r;

		set_up(&w);
		completed = run_child(&w, n, makings);
		ws_reopen(&w, NULL);
		ws_reopen(&w, NULL);
		r = trash_undo(w.t, &sel, show, &n, &res);
		assert_true(r == 0 || r == -ENOENT);
		assert_int_equal(res.conflicts + res.lost + res.failed, 0);
		for (size_t i = 0; i < ARRAY_LEN(made); i++)
			assert_false(ws_exists(&w, made[i]));
		assert_start(&w);
		ws_done(&w);
	}
	assert_true(n > 4 * ARRAY_LEN(made));
}

static void undo_scenario(struct ws *w)
{
	struct undo_select sel = { .command = STR("c") };
	struct trash_options o = { 0 };
	struct undo_result res;

	if (trash_open(w->fd, &o, &w->t) < 0 ||
	    trash_undo(w->t, &sel, NULL, NULL, &res) < 0)
		_exit(1);
	(void)trash_close(w->t);
	_exit(0);
}

static void make_big(struct ws *w)
{
	static const char chunk[1 << 16] = "big";
	int fd = openat(w->fd, "big", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (size_t i = 0; i < BIG_CHUNKS; i++)
		assert_int_equal(write(fd, chunk, sizeof(chunk)),
				 sizeof(chunk));
	(void)close(fd);
	(void)utimensat(w->fd, ".",
			(struct timespec[]){ { 9, 9 }, { 1000, 77 } }, 0);
}

static void assert_big(struct ws *w)
{
	struct stat st;
	char text[4] = "";
	int fd = openat(w->fd, "big", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, BIG_CHUNKS << 16);
	assert_int_equal(read(fd, text, 3), 3);
	assert_string_equal(text, "big");
	(void)close(fd);
}

static void undo_killed(void (*command)(struct ws *))
{
	bool completed = false;
	unsigned int n;

	for (n = 1; !completed; n++) {
		struct undo_select sel = { .command = STR("c") };
		struct undo_result res;
		struct ws w;

		set_up(&w);
		make_big(&w);
		assert_true(run_child(&w, 0, command));
		completed = run_child(&w, n, undo_scenario);
		ws_reopen(&w, NULL);
		for (size_t i = 0; i < ARRAY_LEN(start_files); i++)
			assert_true(anywhere(&w, &start_files[i]));
		/* Started again it goes on: nothing is in the way of it. */
		if (trash_undo(w.t, &sel, show, &n, &res) == 0)
			assert_int_equal(res.conflicts + res.lost + res.failed,
					 0);
		for (size_t i = 0; i < ARRAY_LEN(start_files); i++)
			assert_true(anywhere(&w, &start_files[i]));
		assert_start(&w);
		assert_big(&w);
		assert_dirs(&w);
		ws_done(&w);
	}
	assert_true(n > 20);
}

static void redo_scenario(struct ws *w)
{
	struct undo_select sel = { 0 };
	struct trash_options o = { 0 };
	struct undo_result res;

	if (trash_open(w->fd, &o, &w->t) < 0 ||
	    trash_redo(w->t, &sel, NULL, NULL, &res) < 0)
		_exit(1);
	(void)trash_close(w->t);
	_exit(0);
}

static void assert_redone(struct ws *w)
{
	assert_false(ws_exists(w, "keep"));
	ws_assert_text(w, "src", "target");
	ws_assert_text(w, "over", "source");
	ws_assert_text(w, "trunc", "other");
	ws_assert_text(w, "big", "small");
}

static void take_back(struct ws *w, const struct undo_select *sel,
		      unsigned int *n)
{
	struct undo_result res = { 0 };
	int r = trash_undo(w->t, sel, show, n, &res);

	assert_true(r == 0 || r == -ENOENT);
	assert_int_equal(res.conflicts + res.lost + res.failed, 0);
	assert_start(w);
	assert_big(w);
	assert_dirs(w);
}

/* A redo that was killed is gone on with, or taken back. */
static void redo_killed_at_every_step(void **state)
{
	static const struct undo_select any = { 0 },
					c = { .command = STR("c") };
	bool completed = false;
	unsigned int n;

	(void)state;
	for (n = 2; !completed; n++) {
		struct undo_result res = { 0 };
		struct ws w;

		set_up(&w);
		make_big(&w);
		assert_true(run_child(&w, 0, own_scenario));
		assert_true(run_child(&w, 0, undo_scenario));
		completed = run_child(&w, n / 2, redo_scenario) && n % 2;
		ws_reopen(&w, NULL);
		if (n % 2)
			take_back(&w, &any, &n);
		if (trash_redo(w.t, &any, show, &n, &res) == 0)
			assert_int_equal(res.conflicts + res.lost + res.failed,
					 0);
		assert_redone(&w);
		take_back(&w, n / 2 % 2 ? &c : &any, &n);
		ws_done(&w);
	}
	assert_true(n > 40);
}

static void undo_killed_at_every_step(void **state)
{
	(void)state;
	undo_killed(scenario);
}

static void undo_of_own_killed(void **state)
{
	(void)state;
	undo_killed(own_scenario);
}

/* --- power cuts: the renames are there, the journal's end is not --- */

static void removals(struct ws *w)
{
	struct trash_options o = { 0 };

	if (trash_open(w->fd, &o, &w->t) < 0 ||
	    trash_group_open(w->t, STR("s"), STR("c"), STR(""), &w->group) < 0)
		_exit(1);
	for (size_t i = 0; i < ARRAY_LEN(start_files); i++)
		if (ws_unlink(w, start_files[i].path, NULL) < 0)
			_exit(1);
	_exit(0); /* nothing is closed */
}

/* The one writer's directory below the store. */
static void find_writer(struct ws *w, char out[128])
{
	char cmd[160];
	FILE *f;

	(void)snprintf(cmd, sizeof(cmd),
		       "ls -d %s/.agentsh_trash/store/w-* | head -1", w->path);
	f = popen(cmd, "re");
	assert_non_null(f);
	assert_non_null(fgets(out, 128, f));
	out[strcspn(out, "\n")] = '\0';
	(void)pclose(f);
}

static int restore_all(void *arg, const struct trash_entry *e)
{
	struct ws *w = arg;
	struct restore_options o = { 0 };
	struct restore_result res;

	assert_int_equal(trash_restore(w->t, e->token, &o, NULL, NULL, &res),
			 0);
	return 0;
}

static void power_cut(off_t keep, bool zeros)
{
	char writer[128], path[160];
	struct stat st;
	struct ws w;

	set_up(&w);
	assert_true(run_child(&w, 0, removals));
	find_writer(&w, writer);
	(void)snprintf(path, sizeof(path), "%s/groups", writer);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/journal", writer);
	assert_int_equal(stat(path, &st), 0);
	if (keep < st.st_size) {
		assert_int_equal(truncate(path, keep), 0);
		if (zeros)
			assert_int_equal(truncate(path, st.st_size), 0);
	}
	ws_reopen(&w, NULL);
	for (size_t i = 0; i < ARRAY_LEN(start_files); i++)
		assert_false(ws_exists(&w, start_files[i].path));
	assert_int_equal(trash_list_entries(w.t, NULL, restore_all, &w), 0);
	for (size_t i = 0; i < ARRAY_LEN(start_files); i++)
		ws_assert_text(&w, start_files[i].path, start_files[i].text);
	ws_done(&w);
}

static void power_cuts(void **state)
{
	(void)state;
	for (off_t keep = 0; keep < 1400; keep += 53) {
		power_cut(keep, false);
		power_cut(keep, true /* zeros */);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_every_step),
		cmocka_unit_test(made_and_killed),
		cmocka_unit_test(undo_killed_at_every_step),
		cmocka_unit_test(undo_of_own_killed),
		cmocka_unit_test(redo_killed_at_every_step),
		cmocka_unit_test(power_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
