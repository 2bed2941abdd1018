/* SPDX-License-Identifier: MIT */
/*
 * record.c - journal records to bytes and back
 */
#include "trash/record.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/path.h"
#include "core/wire.h"

#define NSEC 1000000000LL

/*
 * Tells a torn or damaged frame from a whole one; no protection against
 * somebody who can write to the store. Eight bytes per step: a journal of a
 * million records is checked in some tens of milliseconds.
 */
static uint32_t checksum(const char *p, size_t n)
{
	uint64_t h = 0x9e3779b97f4a7c15ULL ^ n;
	uint64_t word;

	for (; n >= sizeof(word); p += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = (h ^ word) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	word = 0;
	if (n > 0)
		memcpy(&word, p, n);
	h = (h ^ word) * 0xc4ceb9fe1a85ec53ULL;
	h ^= h >> 29;
	return (uint32_t)(h ^ (h >> 32));
}

size_t record_begin(struct buf *b, enum record_type type)
{
	size_t start = b->len;

	wire_put_u32(b, 0);
	wire_put_u32(b, 0);
	wire_put_u8(b, (uint8_t)type);
	return start;
}

static void put_le32(char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (char)(uint8_t)(v >> (8 * i));
}

static uint32_t get_le32(const char *p)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v |= (uint32_t)(uint8_t)p[i] << (8 * i);
	return v;
}

void record_end(struct buf *b, size_t start)
{
	size_t n;

	if (b->error)
		return;
	n = b->len - start - RECORD_FRAME;
	if (n > RECORD_MAX) {
		b->error = -E2BIG;
		return;
	}
	put_le32(b->data + start, (uint32_t)n);
	put_le32(b->data + start + 4,
		 checksum(b->data + start + RECORD_FRAME, n));
}

int record_next(struct str *rest, enum record_type *ret_type,
		struct str *ret_payload)
{
	uint32_t n;

	if (rest->n == 0)
		return 0;
	if (rest->n < RECORD_FRAME + 1)
		return -EBADMSG;
	n = get_le32(rest->p);
	if (n == 0 || n > RECORD_MAX || n > rest->n - RECORD_FRAME)
		return -EBADMSG;
	if (checksum(rest->p + RECORD_FRAME, n) != get_le32(rest->p + 4))
		return -EBADMSG;
	*ret_type = (enum record_type)(uint8_t)rest->p[RECORD_FRAME];
	*ret_payload = str_from_n(rest->p + RECORD_FRAME + 1, n - 1);
	*rest = str_skip(*rest, RECORD_FRAME + n);
	return 1;
}

static void put_stat(struct buf *b, const struct record_stat *s)
{
	wire_put_u64(b, s->dev);
	wire_put_u64(b, s->ino);
	wire_put_u64(b, s->size);
	wire_put_u64(b, s->bytes);
	wire_put_u32(b, s->mode);
	wire_put_u32(b, s->uid);
	wire_put_u32(b, s->gid);
	wire_put_u32(b, s->nlink);
	wire_put_i64(b, s->mtime_ns);
	wire_put_i64(b, s->atime_ns);
	wire_put_i64(b, s->btime_ns);
}

static void get_stat(struct wire_reader *r, struct record_stat *s)
{
	s->dev = wire_get_u64(r);
	s->ino = wire_get_u64(r);
	s->size = wire_get_u64(r);
	s->bytes = wire_get_u64(r);
	s->mode = wire_get_u32(r);
	s->uid = wire_get_u32(r);
	s->gid = wire_get_u32(r);
	s->nlink = wire_get_u32(r);
	s->mtime_ns = wire_get_i64(r);
	s->atime_ns = wire_get_i64(r);
	s->btime_ns = wire_get_i64(r);
}

void record_put_head(struct buf *b, const struct record_head *r)
{
	size_t start = record_begin(b, RECORD_HEAD);

	wire_put_u32(b, RECORD_VERSION);
	wire_put_u64(b, r->writer);
	wire_put_i64(b, r->when_ns);
	wire_put_u32(b, r->pid);
	wire_put_str(b, r->root);
	record_end(b, start);
}

int record_get_head(struct str payload, struct record_head *ret)
{
	struct wire_reader r = wire_reader_init(payload);
	struct record_head h = { 0 };

	if (wire_get_u32(&r) != RECORD_VERSION)
		return -EBADMSG;
	h.writer = wire_get_u64(&r);
	h.when_ns = wire_get_i64(&r);
	h.pid = wire_get_u32(&r);
	h.root = wire_get_str(&r);
	if (wire_finish(&r) < 0)
		return -EBADMSG;
	*ret = h;
	return 0;
}

void record_put_group(struct buf *b, const struct record_group *r)
{
	size_t start = record_begin(b, RECORD_GROUP);

	wire_put_u32(b, r->id);
	wire_put_u32(b, r->flags);
	wire_put_u64(b, r->seq);
	wire_put_i64(b, r->when_ns);
	wire_put_str(b, r->session);
	wire_put_str(b, r->command);
	wire_put_str(b, r->detail);
	record_end(b, start);
}

int record_get_group(struct str payload, struct record_group *ret)
{
	struct wire_reader r = wire_reader_init(payload);
	struct record_group g = { 0 };

	g.id = wire_get_u32(&r);
	g.flags = wire_get_u32(&r);
	g.seq = wire_get_u64(&r);
	g.when_ns = wire_get_i64(&r);
	g.session = wire_get_str(&r);
	g.command = wire_get_str(&r);
	g.detail = wire_get_str(&r);
	if (wire_finish(&r) < 0)
		return -EBADMSG;
	*ret = g;
	return 0;
}

void record_put_dir(struct buf *b, const struct record_dir *r)
{
	size_t start = record_begin(b, RECORD_DIR);

	wire_put_u32(b, r->id);
	wire_put_u32(b, r->group);
	put_stat(b, &r->st);
	wire_put_str(b, r->path);
	record_end(b, start);
}

int record_get_dir(struct str payload, struct record_dir *ret)
{
	struct wire_reader r = wire_reader_init(payload);
	struct record_dir d = { 0 };

	d.id = wire_get_u32(&r);
	d.group = wire_get_u32(&r);
	get_stat(&r, &d.st);
	d.path = wire_get_str(&r);
	if (wire_finish(&r) < 0 || !record_path_ok(d.path))
		return -EBADMSG;
	*ret = d;
	return 0;
}

void record_put_op(struct buf *b, const struct record_op *r)
{
	size_t start = record_begin(b, RECORD_OP);

	wire_put_u64(b, r->seq);
	wire_put_i64(b, r->when_ns);
	wire_put_u32(b, r->group);
	wire_put_u32(b, r->dir);
	wire_put_u32(b, r->dir2);
	wire_put_u8(b, r->verb);
	wire_put_u8(b, r->how);
	wire_put_u32(b, r->flags);
	wire_put_u64(b, r->arg);
	put_stat(b, &r->st);
	wire_put_str(b, r->name);
	wire_put_str(b, r->name2);
	wire_put_str(b, r->blob);
	record_end(b, start);
}

int record_get_op(struct str payload, struct record_op *ret)
{
	struct wire_reader r = wire_reader_init(payload);
	struct record_op op = { 0 };

	op.seq = wire_get_u64(&r);
	op.when_ns = wire_get_i64(&r);
	op.group = wire_get_u32(&r);
	op.dir = wire_get_u32(&r);
	op.dir2 = wire_get_u32(&r);
	op.verb = wire_get_u8(&r);
	op.how = wire_get_u8(&r);
	op.flags = wire_get_u32(&r);
	op.arg = wire_get_u64(&r);
	get_stat(&r, &op.st);
	op.name = wire_get_str(&r);
	op.name2 = wire_get_str(&r);
	op.blob = wire_get_str(&r);
	if (wire_finish(&r) < 0)
		return -EBADMSG;
	if (op.verb == TRASH_VERB_NONE || op.verb >= TRASH_VERB_MAX ||
	    op.how > TRASH_HOW_DROPPED)
		return -EBADMSG;
	if (!record_name_ok(op.name) ||
	    (op.name2.n > 0 && !record_name_ok(op.name2)))
		return -EBADMSG;
	*ret = op;
	return 0;
}

void record_put_ref(struct buf *b, enum record_type type,
		    const struct record_ref *r)
{
	size_t start = record_begin(b, type);

	wire_put_u64(b, r->seq);
	wire_put_u64(b, r->by);
	wire_put_i64(b, r->when_ns);
	if (type == RECORD_STAT || type == RECORD_REMADE)
		put_stat(b, &r->st);
	if (type == RECORD_SUM)
		wire_put_str(b, str_from_n((const char *)r->hash,
					   sizeof(r->hash)));
	record_end(b, start);
}

int record_get_ref(enum record_type type, struct str payload,
		   struct record_ref *ret)
{
	struct wire_reader r = wire_reader_init(payload);
	struct record_ref ref = { 0 };
	struct str hash;

	ref.seq = wire_get_u64(&r);
	ref.by = wire_get_u64(&r);
	ref.when_ns = wire_get_i64(&r);
	if (type == RECORD_STAT || type == RECORD_REMADE)
		get_stat(&r, &ref.st);
	if (type == RECORD_SUM) {
		hash = wire_get_str(&r);
		if (hash.n != sizeof(ref.hash))
			return -EBADMSG;
		memcpy(ref.hash, hash.p, sizeof(ref.hash));
	}
	if (wire_finish(&r) < 0)
		return -EBADMSG;
	*ret = ref;
	return 0;
}

void record_put_skip(struct buf *b, size_t n)
{
	size_t start = record_begin(b, RECORD_SKIP);
	size_t fill = n - RECORD_FRAME - 1;
	char *p = fill > 0 ? buf_reserve(b, fill) : NULL;

	if (p) {
		memset(p, 0, fill);
		b->len += fill;
		b->data[b->len] = '\0';
	}
	record_end(b, start);
}

bool record_name_ok(struct str name)
{
	if (name.n == 0 || name.n > NAME_MAX)
		return false;
	if (str_eq(name, STR(".")) || str_eq(name, STR("..")))
		return false;
	return !memchr(name.p, '/', name.n) && !memchr(name.p, '\0', name.n);
}

bool record_path_ok(struct str path)
{
	struct str part;

	if (path.n == 0)
		return true;
	if (path.n >= PATH_FAR_MAX || path.p[path.n - 1] == '/')
		return false;
	while (str_split(&path, '/', &part))
		if (!record_name_ok(part))
			return false;
	return true;
}

static int64_t stamp(const struct statx_timestamp *ts)
{
	int64_t ns;

	if (__builtin_mul_overflow(ts->tv_sec, NSEC, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)ts->tv_nsec, &ns))
		return 0;
	return ns;
}

void record_stat_from(struct record_stat *r, const struct statx *sx)
{
	*r = (struct record_stat){
		.dev = makedev(sx->stx_dev_major, sx->stx_dev_minor),
		.ino = sx->stx_ino,
		.size = sx->stx_size,
		.bytes = sx->stx_blocks * 512,
		.mode = sx->stx_mode,
		.uid = sx->stx_uid,
		.gid = sx->stx_gid,
		.nlink = sx->stx_nlink,
		.mtime_ns = stamp(&sx->stx_mtime),
		.atime_ns = stamp(&sx->stx_atime),
	};
	if (sx->stx_mask & STATX_BTIME)
		r->btime_ns = stamp(&sx->stx_btime);
}

bool record_same_object(const struct record_stat *a,
			const struct record_stat *b)
{
	if (a->dev != b->dev || a->ino != b->ino)
		return false;
	return !a->btime_ns || !b->btime_ns || a->btime_ns == b->btime_ns;
}
