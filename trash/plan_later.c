/* SPDX-License-Identifier: MIT */
/*
 * plan_later.c - what happened after the records that an undo reverses
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "trash/plan_step.h"

uint64_t plan_hash(struct str s)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 0x100000001b3ULL;
	h ^= h >> 31;
	return h ? h : 1;
}

static struct plan_later *later_slot(const struct plan *p, uint64_t hash)
{
	size_t i = hash & (p->later_size - 1);

	while (p->later[i].hash && p->later[i].hash != hash)
		i = (i + 1) & (p->later_size - 1);
	return &p->later[i];
}

const struct plan_later *plan_later(const struct plan *p, struct str path)
{
	const struct plan_later *l;

	if (!p->later)
		return NULL;
	l = later_slot(p, plan_hash(path));
	return l->hash ? l : NULL;
}

static uint64_t hash_inode(uint64_t dev, uint64_t ino)
{
	uint64_t key[3] = { dev, ino, 0x696e6f6465 };

	return plan_hash(str_from_n((const char *)key, sizeof(key)));
}

const struct plan_later *plan_later_inode(const struct plan *p,
					  const struct record_stat *st)
{
	const struct plan_later *l;

	if (!p->later)
		return NULL;
	l = later_slot(p, hash_inode(st->dev, st->ino));
	return l->hash ? l : NULL;
}

#define IN_DIR 0x6469720000000000ULL

const struct plan_later *plan_later_in(const struct plan *p, struct str dir)
{
	const struct plan_later *l;

	if (!p->later)
		return NULL;
	l = later_slot(p, plan_hash(dir) ^ IN_DIR);
	return l->hash ? l : NULL;
}

static struct str dir_of(struct str path)
{
	ptrdiff_t slash = str_rindex(path, '/');

	return str_from_n(path.p, slash < 0 ? 0 : (size_t)slash);
}

static void note_later(struct plan *p, uint64_t hash, uint64_t seq,
		       int64_t undone_ns)
{
	struct plan_later *l = later_slot(p, hash);

	l->hash = hash;
	l->seq = MAX(l->seq, seq);
	l->undone_ns = MAX(l->undone_ns, undone_ns);
}

static int note_rename(struct plan *p, uint64_t seq, struct str from,
		       struct str to)
{
	struct plan_rename rn = { seq, str_dup(from), str_dup(to) };
	int r = rn.from && rn.to ? vec_push(&p->renames, rn) : -ENOMEM;

	if (r < 0) {
		free(rn.from);
		free(rn.to);
	}
	return r;
}

static int note_item(struct plan *p, size_t i)
{
	const struct index_item *item = &p->ix.items.data[i];
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT;
	const struct index_group *g;
	struct record_op op = { 0 };
	int64_t undone_ns = 0;
	uint64_t seq;

	if (index_op(&p->ix, item, &op) < 0)
		return 0;
	g = plan_group(p, item, &op);
	if (!g || index_path(&p->ix, item->writer, op.dir, op.name, &a) < 0)
		return 0;
	seq = item->seq;
	/* Both sides of a change and its undo are no change, nor is what
	 * failed; but they touch the inode's ctime. */
	if (g->rec.flags & RECORD_GROUP_UNDO || item->flags & INDEX_ABORTED ||
	    plan_canceller(p, item)) {
		seq = 0;
		/* One that was cut off went on after its last record. */
		undone_ns = plan_cut_off(p, item->writer, g) ? INT64_MAX
							     : g->end_ns;
	}
	note_later(p, plan_hash(buf_str(&a)), seq, undone_ns);
	note_later(p, hash_inode(op.st.dev, op.st.ino), seq, undone_ns);
	note_later(p, plan_hash(dir_of(buf_str(&a))) ^ IN_DIR, seq, undone_ns);
	if (op.name2.n == 0 ||
	    index_path(&p->ix, item->writer, op.dir2, op.name2, &b) < 0)
		return 0;
	note_later(p, plan_hash(buf_str(&b)), seq, undone_ns);
	note_later(p, hash_inode(op.st.dev, op.arg), seq, undone_ns);
	note_later(p, plan_hash(dir_of(buf_str(&b))) ^ IN_DIR, seq, undone_ns);
	if (op.verb != TRASH_VERB_RENAME || !seq)
		return 0;
	return note_rename(p, seq, buf_str(&a), buf_str(&b));
}

int plan_note_later(struct plan *p)
{
	size_t first = p->items.data[0], next = 0, n;

	/* Up to six keys per record, half full. */
	n = (p->ix.items.n - first) * 12;
	p->later_size = 64;
	while (p->later_size < n)
		p->later_size *= 2;
	p->later = calloc(p->later_size, sizeof(*p->later));
	if (!p->later)
		return -ENOMEM;
	for (size_t i = first; i < p->ix.items.n; i++) {
		int r;

		if (next < p->items.n && p->items.data[next] == i) {
			next++;
			continue;
		}
		r = note_item(p, i);
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_note_remade(struct plan *p)
{
	for (size_t i = 0; i < p->ix.fixes.n; i++) {
		const struct index_fix *f = &p->ix.fixes.data[i];
		struct plan_remade m;
		struct record_ref ref;
		struct record_op op;
		ptrdiff_t at;
		int r;

		if (f->type != RECORD_REMADE ||
		    index_fix_ref(&p->ix, f, &ref) < 0)
			continue;
		at = index_find_seq(&p->ix, f->seq);
		if (at < 0 || index_op(&p->ix, &p->ix.items.data[at], &op) < 0)
			continue;
		m.was = op.st;
		m.is = ref.st;
		r = vec_push(&p->remade, m);
		if (r < 0)
			return r;
	}
	return 0;
}

#define REMADE_STEPS 1000 /* a mangled journal may lead in a circle */

bool plan_was_remade(const struct plan *p, const struct record_stat *then,
		     const struct record_stat *now)
{
	struct record_stat is = *now;

	for (int step = 0; step < REMADE_STEPS; step++) {
		size_t i = 0;

		while (i < p->remade.n &&
		       !record_same_object(&p->remade.data[i].is, &is))
			i++;
		if (i == p->remade.n)
			return false;
		is = p->remade.data[i].was;
		if (record_same_object(then, &is))
			return true;
	}
	return false;
}

int plan_translate(const struct plan *p, uint64_t seq, struct str path,
		   struct buf *out)
{
	buf_reset(out);
	buf_put_str(out, path);
	for (size_t i = 0; i < p->renames.n; i++) {
		const struct plan_rename *rn = &p->renames.data[i];
		struct str now = buf_str(out), from = str_from(rn->from);
		_cleanup_free_ char *rest = NULL;

		if (rn->seq <= seq || !path_beneath(now, from))
			continue;
		rest = str_dup(str_skip(now, from.n));
		if (!rest)
			return -ENOMEM;
		buf_reset(out);
		buf_puts(out, rn->to);
		buf_puts(out, rest);
	}
	return out->error;
}
