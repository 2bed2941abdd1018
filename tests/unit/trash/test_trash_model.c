/* SPDX-License-Identifier: MIT */
/*
 * test_trash_model.c - random operations against a model
 *
 * Commands of random operations run through the keep functions. After each the
 * whole workspace is photographed. At the end the newest commands are undone
 * one by one and each photograph must come back exactly (names, types, modes,
 * contents, link structure); then all is redone. Along the way, random kept
 * versions are read and compared with what they were.
 *
 * Two stores of the workspace are open at once, as two sessions would have
 * them, and commands go to either.
 *
 * Usage: test_trash_model [OPERATIONS [SEED]]
 */
#include "base/digest.h"
#include "workspace.h"

#define NAMES     12
#define PER_CMD   25
#define MAX_KEPT  4096
#define MAX_PHOTO 1024

static unsigned long long rng_state;

static unsigned int rnd(unsigned int n)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (unsigned int)((rng_state >> 20) % n);
}

struct version {
	struct trash_token token;
	char text[64];
};

static struct version kept_versions[MAX_KEPT];
static size_t n_kept;

static void random_path(char out[64], unsigned int depth)
{
	static const char *const dirs[] = { "a", "b", "c" };
	size_t n = 0;

	out[0] = '\0';
	for (unsigned int i = rnd(depth + 1); i > 0; i--)
		n += (size_t)snprintf(out + n, 64 - n, "%s/", dirs[rnd(3)]);
	(void)snprintf(out + n, 64 - n, "%s",
		       rnd(4) ? (char[]){ (char)('f' + rnd(NAMES)), 0 }
			      : dirs[rnd(3)]);
}

static void small_text(struct ws *w, const char *path, char out[64])
{
	ws_read(w, path, out, 64);
}

static void remember(const struct trash_kept *k, const char *text)
{
	if (n_kept < MAX_KEPT && k->how != TRASH_HOW_NOTHING &&
	    S_ISREG(k->mode)) {
		kept_versions[n_kept].token = k->token;
		(void)snprintf(kept_versions[n_kept].text, 64, "%s", text);
		n_kept++;
	}
}

static void fresh_text(char out[64])
{
	(void)snprintf(out, 64, "%08x%.*s", rnd(1U << 31), (int)rnd(40),
		       "........................................");
}

static bool is_regular(struct ws *w, const char *path)
{
	struct stat st;

	return fstatat(w->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode);
}

static void op_create(struct ws *w)
{
	char path[64], text[64];

	random_path(path, 3);
	fresh_text(text);
	if (ws_exists(w, path))
		return;
	switch (rnd(5)) {
	case 0:
		if (mkdirat(w->fd, path, 0755) == 0)
			assert_int_equal(ws_note(w, path, TRASH_MADE_DIR), 0);
		return;
	case 1:
		if (symlinkat("target", w->fd, path) == 0)
			assert_int_equal(ws_note(w, path, TRASH_MADE_SYMLINK),
					 0);
		return;
	default: {
		int fd = openat(w->fd, path,
				O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

		if (fd < 0)
			return;
		assert_true(write(fd, text, strlen(text)) > 0);
		(void)close(fd);
		assert_int_equal(ws_note(w, path, TRASH_MADE_FILE), 0);
	}
	}
}

static void op_link(struct ws *w)
{
	char from[64], to[64];

	random_path(from, 3);
	random_path(to, 3);
	if (is_regular(w, from) && linkat(w->fd, from, w->fd, to, 0) == 0)
		assert_int_equal(ws_note(w, to, TRASH_MADE_LINK), 0);
}

static void op_remove(struct ws *w)
{
	char path[64], text[64];
	struct trash_kept k;
	struct stat st;

	random_path(path, 3);
	if (fstatat(w->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISDIR(st.st_mode)) {
		int r = ws_rmdir(w, path, NULL);

		assert_true(r == 0 || r == -ENOTEMPTY);
		return;
	}
	small_text(w, path, text);
	assert_int_equal(ws_unlink(w, path, &k), 0);
	/* A version with other links changes with them. */
	if (st.st_nlink == 1)
		remember(&k, text);
}

static void op_rename(struct ws *w)
{
	char from[64], to[64], text[64] = "";
	unsigned int flags = 0;
	struct trash_kept k;
	struct stat st;
	bool single;
	int r, native;

	random_path(from, 3);
	random_path(to, 3);
	if (rnd(6) == 0)
		flags = rnd(2) ? RENAME_EXCHANGE : RENAME_NOREPLACE;
	if (!ws_exists(w, from))
		return;
	single = fstatat(w->fd, to, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		 st.st_nlink == 1 && S_ISREG(st.st_mode);
	if (single)
		small_text(w, to, text);
	r = ws_rename(w, from, to, flags, &k);
	if (r == 0 && single && !(flags & RENAME_EXCHANGE))
		remember(&k, text);
	native = -ENOENT;
	(void)native;
	assert_true(r == 0 || r == -ENOENT || r == -ENOTDIR || r == -EISDIR ||
		    r == -ENOTEMPTY || r == -EINVAL || r == -EEXIST ||
		    r == -EBADF);
}

static void op_write(struct ws *w)
{
	char path[64], old[64], text[64];
	struct trash_kept k;
	struct stat st;
	unsigned int how = rnd(4);
	int fd;

	random_path(path, 3);
	if (!is_regular(w, path))
		return;
	(void)fstatat(w->fd, path, &st, 0);
	small_text(w, path, old);
	fresh_text(text);
	switch (how) {
	case 0: /* overwrite some */
		assert_int_equal(
			ws_before_write(w, path, TRASH_WRITE_ANY, 0, 0, &k), 0);
		fd = openat(w->fd, path, O_WRONLY | O_CLOEXEC);
		assert_true(pwrite(fd, text, 8, rnd(8)) > 0);
		break;
	case 1: /* append */
		assert_int_equal(ws_before_write(w, path, TRASH_WRITE_APPEND, 0,
						 0, &k),
				 0);
		fd = openat(w->fd, path, O_WRONLY | O_APPEND | O_CLOEXEC);
		if (st.st_size < 50)
			assert_true(write(fd, "+", 1) > 0);
		break;
	case 2: { /* shrink or grow */
		off_t length = rnd(60);

		assert_int_equal(ws_before_write(w, path, TRASH_WRITE_TRUNCATE,
						 length, 0, &k),
				 0);
		fd = openat(w->fd, path, O_WRONLY | O_CLOEXEC);
		assert_int_equal(ftruncate(fd, length), 0);
		break;
	}
	default: /* O_TRUNC */
		assert_int_equal(ws_before_write(w, path, TRASH_WRITE_TRUNCATE,
						 0, TRASH_MAY_SWAP, &k),
				 0);
		fd = openat(w->fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
		assert_true(write(fd, text, strlen(text)) > 0);
		if (strlen(old) == (size_t)st.st_size)
			remember(&k, old);
	}
	(void)close(fd);
}

static void op_chmod(struct ws *w)
{
	char path[64];

	random_path(path, 3);
	if (!is_regular(w, path))
		return;
	assert_int_equal(ws_before_meta(w, path, TRASH_META_MODE, NULL), 0);
	/* (what an ordinary user may not write is not written later on) */
	assert_int_equal(fchmodat(w->fd, path,
				  (geteuid() ? 0600 : 0400) | rnd(0400), 0),
			 0);
}

static void one_op(struct ws *w)
{
	switch (rnd(10)) {
	case 0:
	case 1:
	case 2:
		op_create(w);
		break;
	case 3:
	case 4:
		op_remove(w);
		break;
	case 5:
	case 6:
		op_rename(w);
		break;
	case 7:
		op_link(w);
		break;
	case 8:
		op_write(w);
		break;
	default:
		op_chmod(w);
	}
}

/* --- photographs --- */

static struct buf *photo_out;
static size_t photo_skip;
static struct {
	ino_t ino;
	char first[96];
} photo_inodes[4096];
static size_t n_photo_inodes;

static const char *first_name(const struct stat *st, const char *path)
{
	for (size_t i = 0; i < n_photo_inodes; i++)
		if (photo_inodes[i].ino == st->st_ino)
			return photo_inodes[i].first;
	assert_true(n_photo_inodes < 4096);
	photo_inodes[n_photo_inodes].ino = st->st_ino;
	(void)snprintf(photo_inodes[n_photo_inodes].first, 96, "%s", path);
	n_photo_inodes++;
	return path;
}

static char *photo_lines[8192];
static size_t n_photo_lines;

static int photo_cb(const char *p, const struct stat *st, int flag,
		    struct FTW *f)
{
	const char *rel = p + photo_skip;
	char text[256] = "", line[512];
	ssize_t n;
	int fd;

	(void)flag;
	if (strncmp(rel, "/" TRASH_DEFAULT_DIR, 15) == 0 || f->level == 0)
		return 0;
	if (S_ISREG(st->st_mode)) {
		fd = open(p, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		for (ssize_t i = 0; i < n; i++)
			if (!text[i])
				text[i] = '0';
		(void)close(fd);
	}
	(void)snprintf(line, sizeof(line), "%s %o %s %s\n", rel, st->st_mode,
		       S_ISDIR(st->st_mode) ? "-" : "", text);
	assert_true(n_photo_lines < 8192);
	photo_lines[n_photo_lines++] = strdup(line);
	return 0;
}

static int cmp_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted lines; hard links show as equal first names. */
static char *photograph(struct ws *w)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[256];

	photo_out = &b;
	photo_skip = strlen(w->path);
	n_photo_inodes = 0;
	n_photo_lines = 0;
	assert_int_equal(nftw(w->path, photo_cb, 16, FTW_PHYS), 0);
	qsort(photo_lines, n_photo_lines, sizeof(char *), cmp_line);
	for (size_t i = 0; i < n_photo_lines; i++) {
		struct stat st;
		char *space = strchr(photo_lines[i], ' ');

		(void)snprintf(path, sizeof(path), "%s%.*s", w->path,
			       (int)(space - photo_lines[i]), photo_lines[i]);
		assert_int_equal(lstat(path, &st), 0);
		buf_puts(&b, first_name(&st, path + photo_skip));
		buf_putc(&b, ' ');
		buf_puts(&b, photo_lines[i]);
		free(photo_lines[i]);
	}
	return buf_take(&b);
}

static void assert_photo(struct ws *w, const char *expected, const char *what,
			 size_t at)
{
	char *now = photograph(w);

	if (strcmp(now ? now : "", expected ? expected : "") != 0) {
		(void)fprintf(stderr, "%s %zu\n--- expected\n%s--- got\n%s",
			      what, at, expected, now);
		fail();
	}
	free(now);
}

/* Hard-linked inodes: undo of a content change finds them by name. */
static int show_step(void *arg, const struct undo_step *s)
{
	(void)arg;
	if (s->status == UNDO_CONFLICT || s->status == UNDO_LOST ||
	    s->status == UNDO_FAILED)
		(void)fprintf(stderr, "%s %s %.*s %.*s: %s (%d)\n",
			      undo_status_to_string(s->status),
			      trash_verb_to_string(s->verb), STR_ARG(s->path),
			      STR_ARG(s->path2), s->why ? s->why : "",
			      s->error);
	return 0;
}

static void check_versions(struct ws *w)
{
	for (size_t i = 0; i < n_kept; i++) {
		char text[64] = "";
		ssize_t n;
		int fd, r;

		r = trash_open_content(w->t, kept_versions[i].token, &fd, NULL);
		if (r < 0)
			(void)fprintf(stderr, "version %zu: %s\n", i,
				      strerror(-r));
		assert_int_equal(r, 0);
		n = read(fd, text, 63);
		assert_true(n >= 0);
		assert_string_equal(text, kept_versions[i].text);
		(void)close(fd);
	}
}

static size_t operations = 10000;

static void model(void **state)
{
	struct trash_options o = { .keep_own = rnd(2) };
	char *photos[MAX_PHOTO] = { NULL };
	size_t commands = operations / PER_CMD, undone, first;
	struct trash *other = NULL, *swap;
	struct ws w;

	(void)state;
	if (commands >= MAX_PHOTO)
		commands = MAX_PHOTO - 1;
	ws_init(&w, &o);
	assert_int_equal(trash_open(w.fd, &o, &other), 0);
	(void)mkdirat(w.fd, "a", 0755);
	(void)mkdirat(w.fd, "a/b", 0755);
	(void)mkdirat(w.fd, "b", 0755);
	photos[0] = photograph(&w);
	for (size_t c = 0; c < commands; c++) {
		char id[32];

		(void)snprintf(id, sizeof(id), "c-%zu", c);
		if (rnd(2)) {
			trash_group_close(w.t, w.group);
			w.group = 0;
			swap = w.t;
			w.t = other;
			other = swap;
		}
		ws_command(&w, id);
		for (size_t i = 0; i < operations / commands; i++)
			one_op(&w);
		photos[c + 1] = photograph(&w);
		if (rnd(50) == 0) {
			trash_group_close(w.t, w.group);
			ws_reopen(&w, &o);
		}
	}
	trash_group_close(w.t, w.group);
	w.group = 0;
	check_versions(&w);
	first = commands > 100 ? commands - 100 : 0;
	for (undone = commands; undone-- > first;) {
		struct undo_select sel = { 0 };
		struct undo_result res;
		char id[32];
		int r;

		(void)snprintf(id, sizeof(id), "c-%zu", undone);
		sel.command = str_from(id);
		r = trash_undo(w.t, &sel, show_step, NULL, &res);
		if (r != -ENOENT) { /* else it did nothing */
			assert_int_equal(r, 0);
			assert_int_equal(res.conflicts + res.lost + res.failed,
					 0);
		}
		assert_photo(&w, photos[undone], "undo to", undone);
	}
	for (size_t i = 0; i <= commands; i++)
		free(photos[i]);
	other = trash_close(other);
	ws_done(&w);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(model) };

	if (argc > 1)
		operations = (size_t)strtoul(argv[1], NULL, 10);
	rng_state = argc > 2 ? strtoull(argv[2], NULL, 10)
			     : 88172645463325252ULL;
	rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
