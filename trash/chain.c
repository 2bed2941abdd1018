/* SPDX-License-Identifier: MIT */
/*
 * chain.c - which group undid which
 */
#include "trash/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"

#define CHAIN_FILE_MAX (1U << 24)
#define CHAIN_STEPS    100000 /* a chain in a mangled file may be a circle */

int chain_load(struct trash *t, struct chain *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	size_t n;
	int r;

	*ret = (struct chain){ 0 };
	if (t->base_fd < 0)
		return 0;
	r = fd_read_file(t->base_fd, "undone", CHAIN_FILE_MAX, &b);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	n = b.len / sizeof(struct chain_link);
	if (n == 0)
		return 0;
	r = vec_reserve(&ret->links, n);
	if (r < 0)
		return r;
	memcpy(ret->links.data, b.data, n * sizeof(struct chain_link));
	ret->links.n = n;
	return 0;
}

void chain_release(struct chain *c)
{
	vec_done(&c->links);
}

uint64_t chain_undoer(const struct chain *c, uint64_t seq)
{
	for (size_t i = c->links.n; i-- > 0;)
		if (c->links.data[i].seq == seq)
			return c->links.data[i].by;
	return 0;
}

uint64_t chain_effective(const struct chain *c, uint64_t seq)
{
	for (int i = 0; i < CHAIN_STEPS; i++) {
		uint64_t undoer = chain_undoer(c, seq), redo;

		if (!undoer)
			return seq;
		redo = chain_undoer(c, undoer);
		if (!redo)
			return 0;
		seq = redo;
	}
	return 0;
}

uint64_t chain_undid(const struct chain *c, uint64_t by)
{
	for (size_t i = c->links.n; i-- > 0;)
		if (c->links.data[i].by == by)
			return c->links.data[i].seq;
	return 0;
}

uint64_t chain_next_part(const struct chain *c, uint64_t by, size_t *i)
{
	uint64_t of = chain_undid(c, by);

	while (of && *i < c->links.n) {
		const struct chain_link *l = &c->links.data[(*i)++];

		if (l->seq == of && l->by != by && !chain_undoer(c, l->by))
			return l->by;
	}
	return 0;
}

bool chain_has(const struct chain *c, uint64_t seq, uint64_t by)
{
	for (size_t i = 0; i < c->links.n; i++)
		if (c->links.data[i].seq == seq && c->links.data[i].by == by)
			return true;
	return false;
}

bool chain_is_redo(const struct chain *c, uint64_t seq)
{
	bool redo = true;

	/* command <- undo <- redo <- undo of that <- ... */
	for (int i = 0; i < CHAIN_STEPS; i++) {
		seq = chain_undid(c, seq);
		if (!seq)
			return i > 0 && redo;
		redo = !redo;
	}
	return false;
}

bool chain_is_undone(const struct chain *c, uint64_t seq)
{
	return chain_effective(c, seq) == 0;
}

int chain_add(struct trash *t, uint64_t seq, uint64_t by)
{
	_cleanup_close_ int fd = -1;
	struct chain_link l = { seq, by };

	fd = reserve_open(t, t->base_fd, "undone",
			  O_WRONLY | O_CREAT | O_APPEND);
	if (fd < 0)
		return fd;
	return reserve_append(t, fd, &l, sizeof(l));
}
