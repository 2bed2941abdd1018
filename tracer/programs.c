/* SPDX-License-Identifier: MIT */
/*
 * programs.c - what is known of programs by the names they are run by
 *
 * A shell runs the same few programs again and again. Opening each, asking for
 * its name, reading its first bytes and its notes is most of what an execve
 * costs here, and says the same every time. So a name is looked up once by
 * stat(), and if it leads to the file that it led to before, unchanged since,
 * nothing more is asked.
 *
 * Who could profit from what is out of date?
 *   - Content that changes shows in ctime, which nobody can set. Two things are
 *     not told by it: changes within one tick of its clock, so it must be
 *     older than SETTLED_NS; and stores to pages of a shared mapping that are
 *     dirty already. So only files are remembered that the rules let nobody
 *     write to, and that have no second name by which they might.
 *   - The links by which a name leads to the same file may have changed. They
 *     are judged as names of what runs, but the program knows nothing of them,
 *     only of argv[0], which is read anew each time.
 *   - The file's own name may be another one once a directory above it was
 *     renamed. Commands have that done by us, and programs_forget() is called.
 *     What others do shows after HOLD_NS.
 * What procfs shows to each caller differently is not remembered: the name must
 * lead us and the caller to the same file. And in any case what really runs is
 * looked at after the exec (exec_image.c).
 */
#include "tracer/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/loop.h"

#define PROGRAM_SLOTS 128
#define HOLD_NS       1000000000ULL
#define SETTLED_NS    1000000000LL
#define NS_PER_S      1000000000LL

struct program {
	struct buf text; /* raw, path, names; each with its NUL */
	size_t n_names;
	struct stat st;
	uint64_t until_ns; /* of loop_now() */
};

struct programs {
	struct program slots[PROGRAM_SLOTS];
};

static struct program *slot_of(struct programs *p, struct str raw)
{
	size_t h = raw.n;

	for (size_t i = 0; i < raw.n; i++)
		h = h * 31 + (unsigned char)raw.p[i];
	return &p->slots[h % PROGRAM_SLOTS];
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	       a->st_size == b->st_size && a->st_mode == b->st_mode &&
	       a->st_nlink == b->st_nlink &&
	       same_time(a->st_mtim, b->st_mtim) &&
	       same_time(a->st_ctim, b->st_ctim);
}

/* The next string of text. */
static struct str next(const struct buf *text, size_t *at)
{
	struct str s = str_from(text->data + *at);

	*at += s.n + 1;
	return s;
}

bool programs_find(const struct tracer *t, struct exec *x)
{
	const struct program *p;
	struct stat st;
	size_t at = 0;

	if (!t->programs || x->raw.n == 0 || x->raw.p[0] != '/')
		return false;
	p = slot_of(t->programs, x->raw);
	if (loop_now(t->loop) >= p->until_ns ||
	    !str_eq(next(&p->text, &at), x->raw) || stat(x->raw.p, &st) < 0 ||
	    !same_file(&st, &p->st))
		return false;
	x->path = x->image = next(&p->text, &at);
	for (size_t i = 0; i < p->n_names; i++)
		x->names[i] = next(&p->text, &at);
	x->n_names = p->n_names;
	x->image_st = st;
	return true;
}

static bool is_settled(const struct stat *st)
{
	struct timespec now;
	int64_t age;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0)
		return false;
	if (__builtin_mul_overflow(now.tv_sec - st->st_ctim.tv_sec, NS_PER_S,
				   &age))
		return now.tv_sec > st->st_ctim.tv_sec;
	return age + now.tv_nsec - st->st_ctim.tv_nsec > SETTLED_NS;
}

static bool may_be_written(const struct tracer *t, struct str path)
{
	struct op op = { .kind = OP_FILE,
			 .file = { .verb = FILE_WRITE, .path = path } };

	return policy_decide(t->policy, &op).kind != VERDICT_DENY;
}

static bool is_worth_it(const struct tracer *t, const struct exec *x)
{
	struct stat st;

	return x->raw.n && x->raw.p[0] == '/' && x->interp.n == 0 &&
	       !x->loader && !x->denied_content &&
	       S_ISREG(x->image_st.st_mode) && x->image_st.st_nlink == 1 &&
	       stat(x->raw.p, &st) == 0 && same_file(&st, &x->image_st) &&
	       is_settled(&st) && !may_be_written(t, x->path);
}

static void put(struct buf *b, struct str s)
{
	buf_put_str(b, s);
	buf_putc(b, 0);
}

void programs_learn(struct tracer *t, const struct exec *x, size_t n_names)
{
	struct program *p;

	if (!is_worth_it(t, x))
		return;
	if (!t->programs)
		t->programs = calloc(1, sizeof(*t->programs));
	if (!t->programs)
		return;
	p = slot_of(t->programs, x->raw);
	buf_reset(&p->text);
	put(&p->text, x->raw);
	put(&p->text, x->path);
	for (size_t i = 0; i < n_names; i++)
		put(&p->text, x->names[i]);
	p->n_names = n_names;
	p->st = x->image_st;
	p->until_ns = p->text.error ? 0 : loop_now(t->loop) + HOLD_NS;
}

void programs_forget(struct tracer *t)
{
	for (size_t i = 0; t->programs && i < PROGRAM_SLOTS; i++)
		t->programs->slots[i].until_ns = 0;
}

void programs_done(struct tracer *t)
{
	for (size_t i = 0; t->programs && i < PROGRAM_SLOTS; i++)
		buf_done(&t->programs->slots[i].text);
	free(t->programs);
	t->programs = NULL;
}
