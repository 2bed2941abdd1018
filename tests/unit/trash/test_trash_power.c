/* SPDX-License-Identifier: MIT */
/*
 * test_trash_power.c - power cuts: what was not yet written is lost
 *
 * Renames and links are there as the file system's journal has them; of the
 * contents of the store's own files any sectors may be missing. A child works
 * and dies at a random step; then its files are damaged: the journal cut off,
 * sectors of it zeroed, its end kept while its beginning is lost, the shared
 * page, summaries, lists of what is gone lost or torn. After that the store
 * must open, every content of the start be in place or restorable, an undo lose
 * nothing, and a second recovery find nothing to do.
 *
 * Usage: test_trash_power [ROUNDS [SEED]]
 */
#include <dirent.h>
#include <sys/wait.h>

#include "workspace.h"

#define SECTOR 512
#define LARGE  (200 * 1024)

static unsigned long long rng_state = 88172645463325252ULL;
static unsigned int rounds = 300;
static unsigned int steps_left;

static unsigned int rnd(unsigned int n)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (unsigned int)((rng_state >> 20) % n);
}

static void die_at(const char *step)
{
	(void)step;
	if (--steps_left == 0)
		_exit(77);
}

/* First words of each file; no two begin alike. */
static const char *const names[] = { "d/one", "d/two",  "d/e/three", "over",
				     "src",   "copied", "cut",       "large" };
static const char *const texts[] = { "one-", "two-",    "three-", "over-",
				     "src-", "copied-", "cut-",   "large-" };

static void fill(struct ws *w, size_t i)
{
	size_t n = strcmp(names[i], "large") == 0 ? LARGE : 900;
	char *text = calloc(1, n + 1);

	assert_non_null(text);
	for (size_t at = 0; at + strlen(texts[i]) < n; at += strlen(texts[i]))
		memcpy(text + at, texts[i], strlen(texts[i]));
	ws_write(w, names[i], text);
	free(text);
}

static void set_up(struct ws *w)
{
	ws_init(w, NULL);
	(void)mkdirat(w->fd, "d", 0755);
	(void)mkdirat(w->fd, "d/e", 0755);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		fill(w, i);
	w->t = trash_close(w->t);
}

/* Its time stays, as within one tick of a kernel's clock (before 6.13). */
static void rewrite(struct ws *w, const char *name, int flags)
{
	int fd = openat(w->fd, name, O_WRONLY | O_CLOEXEC | flags);
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || write(fd, "new", 3) != 3)
		_exit(1);
	times[1] = st.st_mtim;
	(void)futimens(fd, times);
	(void)close(fd);
}

static void cut(struct ws *w, const char *name)
{
	int fd = openat(w->fd, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || ftruncate(fd, 100) < 0)
		_exit(1);
	(void)close(fd);
}

static void work(struct ws *w)
{
	struct trash_options o = { 0 };

	if (trash_open(w->fd, &o, &w->t) < 0 ||
	    trash_group_open(w->t, STR("s"), STR("c"), STR(""), &w->group) < 0)
		_exit(1);
	(void)ws_unlink(w, "d/e/three", NULL);
	(void)ws_rmdir(w, "d/e", NULL);
	if (ws_before_write(w, "copied", TRASH_WRITE_ANY, 0, 0, NULL) == 0)
		rewrite(w, "copied", 0);
	(void)ws_unlink(w, "d/one", NULL);
	if (ws_before_write(w, "cut", TRASH_WRITE_TRUNCATE, 100, 0, NULL) == 0)
		cut(w, "cut");
	(void)ws_rename(w, "src", "over", 0, NULL);
	if (ws_before_write(w, "large", TRASH_WRITE_TRUNCATE, 0, TRASH_MAY_SWAP,
			    NULL) == 0)
		rewrite(w, "large", O_TRUNC);
	(void)ws_unlink(w, "d/two", NULL);
	(void)ws_rmdir(w, "d", NULL);
	trash_group_close(w->t, w->group);
	if (rnd(2))
		_exit(77);
	(void)trash_close(w->t);
	_exit(0);
}

/* 0: died at step n; else it ended. */
static void run_child(struct ws *w, unsigned int n)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		steps_left = n;
		trash_step_hook = die_at;
		work(w);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 0);
}

/* --- damage --- */

static void zero(int fd, off_t from, off_t n)
{
	static const char zeros[SECTOR];

	for (off_t at = from; at < from + n; at += SECTOR)
		if (pwrite(fd, zeros, (size_t)MIN((off_t)SECTOR, from + n - at),
			   at) < 0)
			fail();
}

static void damage_file(int dirfd, const char *name, bool synced)
{
	int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC);
	struct stat st;
	off_t sectors;

	if (fd < 0)
		return;
	assert_int_equal(fstat(fd, &st), 0);
	sectors = (st.st_size + SECTOR - 1) / SECTOR;
	switch (synced || st.st_size == 0 ? 9 : rnd(6)) {
	case 0: /* the end was not written */
		assert_int_equal(ftruncate(fd, rnd((unsigned int)st.st_size)),
				 0);
		break;
	case 1: { /* the length was, not what is in it */
		off_t keep = rnd((unsigned int)st.st_size);

		zero(fd, keep, st.st_size - keep);
		break;
	}
	case 2: /* any sectors */
		for (off_t i = 0; i < sectors; i++)
			if (rnd(3) == 0)
				zero(fd, i * SECTOR,
				     MIN((off_t)SECTOR,
					 st.st_size - i * SECTOR));
		break;
	case 3: /* the beginning */
		zero(fd, 0, MIN((1 + (off_t)rnd(2)) * SECTOR, st.st_size));
		break;
	case 4: /* nothing of it */
		assert_int_equal(ftruncate(fd, 0), 0);
		break;
	default:
		break;
	}
	(void)close(fd);
}

static int writers(struct ws *w, void (*fn)(int fd, bool closed))
{
	int n = 0, base = openat(w->fd, ".agentsh_trash/store",
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	DIR *d;

	assert_true(base >= 0);
	d = fdopendir(base);
	assert_non_null(d);
	while ((e = readdir(d))) {
		int fd;

		if (strncmp(e->d_name, "w-", 2) != 0)
			continue;
		fd = openat(base, e->d_name,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(fd >= 0);
		fn(fd, faccessat(fd, "closed", F_OK, 0) == 0);
		(void)close(fd);
		n++;
	}
	(void)closedir(d);
	return n;
}

static void damage_writer(int fd, bool closed)
{
	/* `closed` is made after the journal was synced. */
	damage_file(fd, "journal", closed);
	damage_file(fd, "groups", false);
	damage_file(fd, "gone", false);
}

static void damage(struct ws *w)
{
	int base;

	(void)writers(w, damage_writer);
	base = openat(w->fd, ".agentsh_trash/store",
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(base >= 0);
	if (rnd(3) == 0) {
		int fd = openat(base, "state", O_RDWR | O_CLOEXEC);

		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, 0), 0);
		(void)close(fd);
	}
	damage_file(base, "undone", false);
	(void)close(base);
}

/* --- what must hold --- */

struct search {
	struct trash *t;
	const char *text;
	bool found;
};

static bool is_text(const char *got, size_t i)
{
	return strncmp(got, texts[i], strlen(texts[i])) == 0;
}

static int look_for(void *arg, const struct trash_entry *e)
{
	struct search *s = arg;
	char got[256] = "";
	int fd;

	if (!S_ISREG(e->mode) ||
	    trash_open_content(s->t, e->token, &fd, NULL) < 0)
		return 0;
	/* of the one that was cut the end was kept */
	if (pread(fd, got, sizeof(got) - 1, 200) > 0 &&
	    strstr(got, s->text) != NULL)
		s->found = true;
	(void)close(fd);
	return 0;
}

static bool anywhere(struct ws *w, size_t wanted)
{
	struct search s = { .t = w->t, .text = texts[wanted] };
	char got[300];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		ws_read(w, names[i], got, sizeof(got));
		if (strlen(got) > 200 && is_text(got, wanted))
			return true;
	}
	assert_int_equal(trash_list_entries(w->t, NULL, look_for, &s), 0);
	return s.found;
}

static void assert_nothing_lost(struct ws *w, unsigned int round,
				const char *when)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!anywhere(w, i)) {
			(void)fprintf(stderr, "round %u, %s: %s is lost (%s)\n",
				      round, when, names[i], w->path);
			fail();
		}
}

static off_t journal_bytes;

static void add_size(int fd, bool closed)
{
	struct stat st;

	assert_true(closed);
	if (fstatat(fd, "journal", &st, 0) == 0)
		journal_bytes += st.st_size;
}

static int count_group(void *arg, const struct trash_group_info *g)
{
	(void)g;
	++*(unsigned int *)arg;
	return 0;
}

static void one_cut(unsigned int round)
{
	struct undo_select sel = { 0 };
	unsigned int groups = 0;
	struct undo_result res;
	struct ws w;
	off_t before;
	int r;

	set_up(&w);
	run_child(&w, 1 + rnd(60));
	damage(&w);
	ws_reopen(&w, NULL);
	assert_nothing_lost(&w, round, "recovered");
	assert_int_equal(trash_list_groups(w.t, NULL, count_group, &groups), 0);
	w.t = trash_close(w.t);
	journal_bytes = 0;
	(void)writers(&w, add_size);
	before = journal_bytes;
	ws_reopen(&w, NULL);
	w.t = trash_close(w.t);
	journal_bytes = 0;
	(void)writers(&w, add_size);
	assert_int_equal(journal_bytes, before);

	ws_reopen(&w, NULL);
	for (int i = 0; i < 3; i++) {
		r = trash_undo(w.t, &sel, NULL, NULL, &res);
		assert_true(r == 0 || r == -ENOENT);
		assert_nothing_lost(&w, round, "undone");
	}
	ws_done(&w);
}

static void power_cuts(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < rounds; i++)
		one_cut(i);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(power_cuts) };

	if (argc > 1)
		rounds = (unsigned int)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		rng_state = strtoull(argv[2], NULL, 10) | 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
