/* SPDX-License-Identifier: MIT */
/*
 * index.c - all journals of a store as one sequence
 */
#include "trash/index.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/num.h"

/* A directory record is at least this long: bounds ids that are made up. */
#define DIR_RECORD_MIN 80

static int map_journal(struct index_writer *w)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	void *p;

	fd = openat(w->fd, "journal", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	w->live = store_journal_live(fd);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return 0;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	w->journal = str_from_n(p, (size_t)st.st_size);
	return 0;
}

static int add_dir(struct index_writer *w, struct str payload)
{
	struct record_dir d;
	size_t at;
	int r = record_get_dir(payload, &d);

	if (r < 0 || d.id == 0 || d.id > w->journal.n / DIR_RECORD_MIN + 4096)
		return 0;
	if (w->start > 0 && w->dirs.n == 0)
		w->dirs_before = d.id - 1;
	if (d.id <= w->dirs_before)
		return 0;
	at = d.id - w->dirs_before;
	r = vec_reserve(&w->dirs, at);
	if (r < 0)
		return r;
	while (w->dirs.n < at)
		w->dirs.data[w->dirs.n++] = (struct record_dir){ 0 };
	w->dirs.data[at - 1] = d;
	return 0;
}

static struct index_group *group_at(struct index_writer *w, uint32_t id)
{
	if (id <= w->groups_before || id - w->groups_before > w->groups.n)
		return NULL;
	return &w->groups.data[id - w->groups_before - 1];
}

static int add_group(struct index_writer *w, struct str payload, uint64_t off)
{
	struct record_group g;

	if (record_get_group(payload, &g) < 0 || g.id == 0)
		return 0;
	if (w->start > 0 && w->groups.n == 0)
		w->groups_before = g.id - 1;
	if (g.id != w->groups_before + w->groups.n + 1)
		return 0;
	return vec_push(&w->groups,
			(struct index_group){
				.rec = g, .off = off, .end_ns = g.when_ns });
}

static bool destroys(const struct record_op *op)
{
	switch ((enum trash_verb)op->verb) {
	case TRASH_VERB_UNLINK:
	case TRASH_VERB_RMDIR:
	case TRASH_VERB_RENAME:
	case TRASH_VERB_EXCHANGE:
	case TRASH_VERB_WRITE:
	case TRASH_VERB_TRUNCATE:
	case TRASH_VERB_APPEND:
	case TRASH_VERB_META:
		return !(op->flags & RECORD_OP_OWN);
	case TRASH_VERB_CREATE:
	case TRASH_VERB_MKDIR:
	case TRASH_VERB_SYMLINK:
	case TRASH_VERB_MKNOD:
	case TRASH_VERB_LINK:
	case TRASH_VERB_RESTORE:
	case TRASH_VERB_NONE:
	case TRASH_VERB_MAX:
		break;
	}
	return false;
}

static int add_op(struct index *ix, struct index_writer *w, struct str payload,
		  uint64_t off)
{
	struct index_group *g;
	struct record_op op;

	if (record_get_op(payload, &op) < 0)
		return 0;
	g = group_at(w, op.group);
	if (!g)
		return 0;
	g->ops++;
	g->destroying |= destroys(&op);
	g->end_ns = MAX(g->end_ns, op.when_ns);
	g->ended = false;
	return vec_push(&ix->items, (struct index_item){
					    .seq = op.seq,
					    .off = off,
					    .writer = (uint32_t)ix->writers.n,
				    });
}

static int add_ref(struct index *ix, struct index_writer *w,
		   enum record_type type, struct str payload, uint64_t off)
{
	struct index_group *g;
	struct record_ref ref;

	if (record_get_ref(type, payload, &ref) < 0)
		return 0;
	if (type == RECORD_END) {
		g = ref.by <= UINT32_MAX ? group_at(w, (uint32_t)ref.by) : NULL;
		if (g) {
			g->end_ns = MAX(g->end_ns, ref.when_ns);
			g->ended = true;
		}
		return 0;
	}
	return vec_push(&ix->fixes, (struct index_fix){
					    .seq = ref.seq,
					    .off = off,
					    .by = ref.by,
					    .writer = (uint32_t)ix->writers.n,
					    .type = type,
				    });
}

static int add_record(struct index *ix, struct index_writer *w,
		      enum record_type type, struct str payload, uint64_t off)
{
	struct record_head head;

	switch (type) {
	case RECORD_HEAD:
		if (record_get_head(payload, &head) == 0)
			w->root = head.root;
		return 0;
	case RECORD_GROUP:
		return add_group(w, payload, off);
	case RECORD_DIR:
		return add_dir(w, payload);
	case RECORD_OP:
		return add_op(ix, w, payload, off);
	case RECORD_ABORT:
	case RECORD_STAT:
	case RECORD_SUM:
	case RECORD_UNDONE:
	case RECORD_REMADE:
	case RECORD_UNDOES:
	case RECORD_END:
		return add_ref(ix, w, type, payload, off);
	case RECORD_SKIP:
	case RECORD_SUMMARY:
	case RECORD_COVERED:
	case RECORD_TYPE_MAX:
		break;
	}
	return 0;
}

/* A record of a group is there, whole. */
static bool starts_group(const struct index_writer *w, uint64_t off)
{
	struct str rest = str_skip(w->journal, MIN(off, w->journal.n)), payload;
	enum record_type type;

	return record_next(&rest, &type, &payload) == 1 && type == RECORD_GROUP;
}

static int walk_journal(struct index *ix, struct index_writer *w)
{
	struct str rest, payload;
	enum record_type type;

	if (w->start > 0 && !starts_group(w, w->start))
		w->start = 0; /* whoever said so was wrong */
	rest = str_skip(w->journal, w->start);
	for (;;) {
		uint64_t off = (uint64_t)(w->journal.n - rest.n);
		int r;

		w->valid = off;
		r = record_next(&rest, &type, &payload);
		if (r <= 0) /* the end, or torn: what follows never began */
			return 0;
		r = add_record(ix, w, type, payload, off);
		if (r < 0)
			return r;
	}
}

static int cmp_gone(const void *a, const void *b)
{
	uint64_t x = ((const struct gone_entry *)a)->seq;
	uint64_t y = ((const struct gone_entry *)b)->seq;

	return x < y ? -1 : x > y;
}

static int load_gone(struct index_writer *w)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	size_t n;
	int r;

	r = fd_read_file(w->fd, "gone", 1U << 30, &b);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	n = b.len / sizeof(struct gone_entry);
	if (n == 0)
		return 0;
	r = vec_reserve(&w->gone, n);
	if (r < 0)
		return r;
	memcpy(w->gone.data, b.data, n * sizeof(struct gone_entry));
	w->gone.n = n;
	qsort(w->gone.data, n, sizeof(w->gone.data[0]), cmp_gone);
	return 0;
}

static void writer_done(struct index_writer *w)
{
	if (w->journal.p)
		(void)munmap((void *)(uintptr_t)w->journal.p, w->journal.n);
	cleanup_close_p(&w->fd);
	vec_done(&w->dirs);
	vec_done(&w->by_path);
	vec_done(&w->groups);
	vec_done(&w->gone);
}

static int load_writer(struct index *ix, const char *name, uint64_t id,
		       uint64_t start)
{
	struct index_writer w = { .fd = -1, .id = id, .start = start };
	int r;

	w.fd = openat(ix->t->base_fd, name,
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (w.fd < 0)
		return errno == ENOENT ? 0 : -errno;
	w.closed = faccessat(w.fd, "closed", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	r = map_journal(&w);
	if (r == 0)
		r = walk_journal(ix, &w);
	if (r == 0)
		r = load_gone(&w);
	if (r == 0)
		r = vec_push(&ix->writers, w);
	if (r < 0)
		writer_done(&w);
	return r == -ENOENT ? 0 : r;
}

static int cmp_item(const void *a, const void *b)
{
	uint64_t x = ((const struct index_item *)a)->seq;
	uint64_t y = ((const struct index_item *)b)->seq;

	return x < y ? -1 : x > y;
}

static int cmp_fix(const void *a, const void *b)
{
	uint64_t x = ((const struct index_fix *)a)->seq;
	uint64_t y = ((const struct index_fix *)b)->seq;

	return x < y ? -1 : x > y;
}

static void sort_items(struct index *ix)
{
	bool sorted = true;

	for (size_t i = 1; i < ix->items.n && sorted; i++)
		sorted = ix->items.data[i - 1].seq <= ix->items.data[i].seq;
	if (!sorted)
		qsort(ix->items.data, ix->items.n, sizeof(ix->items.data[0]),
		      cmp_item);
	if (ix->fixes.n > 1)
		qsort(ix->fixes.data, ix->fixes.n, sizeof(ix->fixes.data[0]),
		      cmp_fix);
}

static void count_undone(struct index *ix, struct index_item *item)
{
	struct index_writer *w = &ix->writers.data[item->writer];
	struct record_op op;
	struct index_group *g;

	if (index_op(ix, item, &op) < 0)
		return;
	g = group_at(w, op.group);
	if (!g)
		return;
	if (item->flags & INDEX_ABORTED)
		g->ops--;
	else
		g->undone_ops++;
	g->undone = g->ops > 0 && g->undone_ops >= g->ops;
}

static void apply_fixes(struct index *ix)
{
	for (size_t i = 0; i < ix->fixes.n; i++) {
		const struct index_fix *f = &ix->fixes.data[i];
		ptrdiff_t at = index_find_seq(ix, f->seq);
		struct index_item *item;
		uint32_t flag = 0;

		if (f->type == RECORD_ABORT)
			flag = INDEX_ABORTED;
		else if (f->type == RECORD_UNDONE)
			flag = INDEX_UNDONE;
		if (at < 0 || !flag)
			continue;
		item = &ix->items.data[at];
		if (item->flags & flag)
			continue;
		item->flags |= flag;
		count_undone(ix, item);
	}
	for (size_t i = 0; i < ix->writers.n; i++) {
		const struct index_writer *w = &ix->writers.data[i];

		for (size_t k = 0; k < w->gone.n; k++) {
			ptrdiff_t at = index_find_seq(ix, w->gone.data[k].seq);

			if (at >= 0)
				ix->items.data[at].flags |= INDEX_GONE;
		}
	}
}

static int load_all(struct index *ix, uint64_t only)
{
	struct str prefix = STR(STORE_WRITER_PREFIX);
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *e;
	int r;

	if (ix->t->base_fd < 0)
		return 0;
	r = fd_opendir(ix->t->base_fd, ".", &d);
	if (r < 0)
		return r;
	while (r == 0 && (e = readdir(d))) {
		struct str file = str_from(e->d_name);
		uint64_t id = 0;

		if (str_starts(file, prefix) &&
		    num_parse_hex(str_skip(file, prefix.n), &id) == 0 && id &&
		    (!only || id == only))
			r = load_writer(ix, e->d_name, id, 0);
	}
	return r;
}

static int finish(struct index *ix, int r, struct index *ret)
{
	if (r < 0) {
		index_done(ix);
		return r;
	}
	sort_items(ix);
	apply_fixes(ix);
	*ret = *ix;
	return 0;
}

int index_load(struct trash *t, uint64_t only, struct index *ret)
{
	struct index ix = { .t = t };

	return finish(&ix, load_all(&ix, only), ret);
}

int index_load_parts(struct trash *t, const struct index_start *parts, size_t n,
		     struct index *ret)
{
	struct index ix = { .t = t };
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name),
			       STORE_WRITER_PREFIX "%016llx",
			       (unsigned long long)parts[i].writer);
		r = load_writer(&ix, name, parts[i].writer, parts[i].off);
	}
	return finish(&ix, r, ret);
}

void index_done(struct index *ix)
{
	for (size_t i = 0; i < ix->writers.n; i++)
		writer_done(&ix->writers.data[i]);
	vec_done(&ix->writers);
	vec_done(&ix->items);
	vec_done(&ix->fixes);
}

static int record_at(const struct index *ix, uint32_t writer, uint64_t off,
		     enum record_type *ret_type, struct str *ret_payload)
{
	struct str rest = str_skip(ix->writers.data[writer].journal, off);

	return record_next(&rest, ret_type, ret_payload) == 1 ? 0 : -EBADMSG;
}

static size_t first_fix(const struct index *ix, uint64_t seq)
{
	size_t lo = 0, hi = ix->fixes.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ix->fixes.data[mid].seq < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int index_fix_ref(const struct index *ix, const struct index_fix *f,
		  struct record_ref *ret)
{
	enum record_type type;
	struct str payload;
	int r = record_at(ix, f->writer, f->off, &type, &payload);

	return r < 0 ? r : record_get_ref(type, payload, ret);
}

static int find_ref(const struct index *ix, uint64_t seq,
		    enum record_type wanted, struct record_ref *ret)
{
	for (size_t i = first_fix(ix, seq); i < ix->fixes.n; i++) {
		const struct index_fix *f = &ix->fixes.data[i];
		enum record_type type;
		struct str payload;

		if (f->seq != seq)
			break;
		if (f->type == wanted &&
		    record_at(ix, f->writer, f->off, &type, &payload) == 0)
			return record_get_ref(type, payload, ret);
	}
	return -ENOENT;
}

int index_op(const struct index *ix, const struct index_item *item,
	     struct record_op *ret)
{
	enum record_type type = RECORD_SKIP;
	struct record_ref ref;
	struct str payload;
	int r;

	r = record_at(ix, item->writer, item->off, &type, &payload);
	if (r < 0 || type != RECORD_OP)
		return -EBADMSG;
	r = record_get_op(payload, ret);
	if (r < 0)
		return r;
	if (find_ref(ix, item->seq, RECORD_STAT, &ref) == 0)
		ret->st = ref.st;
	return 0;
}

bool index_hash(const struct index *ix, uint64_t seq, uint8_t out[RECORD_HASH])
{
	struct record_ref ref;

	if (find_ref(ix, seq, RECORD_SUM, &ref) < 0)
		return false;
	memcpy(out, ref.hash, RECORD_HASH);
	return true;
}

size_t index_after(const struct index *ix, uint64_t seq)
{
	size_t lo = 0, hi = ix->items.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ix->items.data[mid].seq <= seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

ptrdiff_t index_find_seq(const struct index *ix, uint64_t seq)
{
	size_t at = index_after(ix, seq);

	if (at == 0 || ix->items.data[at - 1].seq != seq)
		return -1;
	return (ptrdiff_t)at - 1;
}

const struct index_group *index_group(const struct index *ix, uint32_t writer,
				      uint32_t id)
{
	return group_at(&ix->writers.data[writer], id);
}

const struct record_dir *index_dir(const struct index *ix, uint32_t writer,
				   uint32_t id)
{
	const struct index_writer *w = &ix->writers.data[writer];
	const struct record_dir *d;

	if (id <= w->dirs_before || id - w->dirs_before > w->dirs.n)
		return NULL;
	d = &w->dirs.data[id - w->dirs_before - 1];
	return d->id == id ? d : NULL;
}

static uint64_t hash_dir(uint32_t group, struct str path)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ group;

	for (size_t i = 0; i < path.n; i++)
		h = (h ^ (uint8_t)path.p[i]) * 0x100000001b3ULL;
	return h;
}

static int cmp_dir_key(const void *a, const void *b)
{
	const struct index_dir_key *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void sort_dirs(struct index_writer *w)
{
	if (vec_reserve(&w->by_path, w->dirs.n) < 0)
		return;
	for (size_t i = 0; i < w->dirs.n; i++) {
		const struct record_dir *d = &w->dirs.data[i];

		w->by_path.data[w->by_path.n++] =
			(struct index_dir_key){ hash_dir(d->group, d->path),
						d->id };
	}
	if (w->by_path.n > 1)
		qsort(w->by_path.data, w->by_path.n, sizeof(w->by_path.data[0]),
		      cmp_dir_key);
}

const struct record_stat *index_first_touch(struct index *ix, uint32_t writer,
					    uint32_t group, struct str path,
					    const struct record_stat *st)
{
	struct index_writer *w = &ix->writers.data[writer];
	uint64_t hash = hash_dir(group, path);
	size_t lo = 0, hi;

	if (w->by_path.n == 0 && w->dirs.n > 0)
		sort_dirs(w);
	hi = w->by_path.n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->by_path.data[mid].hash < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < w->by_path.n && w->by_path.data[lo].hash == hash; lo++) {
		const struct record_dir *d =
			index_dir(ix, writer, w->by_path.data[lo].id);

		if (d && d->group == group && str_eq(d->path, path) &&
		    record_same_object(&d->st, st))
			return &d->st;
	}
	return NULL;
}

int index_path(const struct index *ix, uint32_t writer, uint32_t dir,
	       struct str name, struct buf *out)
{
	const struct record_dir *d = index_dir(ix, writer, dir);

	if (!d)
		return -EBADMSG;
	buf_put_str(out, d->path);
	if (d->path.n > 0)
		buf_putc(out, '/');
	buf_put_str(out, name);
	return out->error;
}

static uint32_t payload_dir(const struct record_op *op)
{
	return op->verb == TRASH_VERB_RENAME ? op->dir2 : op->dir;
}

int index_payload(const struct index *ix, const struct index_item *item,
		  const struct record_op *op, int *ret_dirfd,
		  char name[SLOT_NAME_MAX + 1])
{
	char dir[16];
	int fd;

	if (!op_has_payload(op))
		return -ENOENT;
	slot_dir_name(dir, payload_dir(op));
	slot_name(name, op->seq, op->how,
		  op->verb == TRASH_VERB_RENAME ? op->name2 : op->name);
	fd = openat(ix->writers.data[item->writer].fd, dir,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	*ret_dirfd = fd;
	return 0;
}

int index_mark_gone(struct index *ix, struct index_item *item,
		    const struct record_op *op, uint64_t by)
{
	_cleanup_close_ int fd = -1;
	struct gone_entry e = {
		.seq = item->seq,
		.by = by,
		.bytes = op->st.bytes,
		.group = op->group,
	};

	item->flags |= INDEX_GONE;
	/* One write to an O_APPEND file: entries of several processes do not
	 * mix. */
	fd = reserve_open(ix->t, ix->writers.data[item->writer].fd, "gone",
			  O_WRONLY | O_CREAT | O_APPEND);
	if (fd < 0)
		return fd;
	return reserve_append(ix->t, fd, &e, sizeof(e));
}
