/* SPDX-License-Identifier: MIT */
/*
 * inode_path.c - what a directory is called, asked of the kernel or remembered
 *
 * A path is good until something in the mount is renamed (path_gen), and for a
 * second at most, since the host may rename, too.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/vec.h"
#include "vfs/inode.h"
#include "vfs/selffd.h"

#define NSEC_PER_SEC 1000000000LL

static int64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

#define DEPTH_MAX (2 * PATH_MAX)

int inode_long_path(struct inode_table *t, const struct inode *i,
		    struct buf *out)
{
	VEC(const struct inode *) chain = VEC_INIT;
	int r = 0;

	(void)pthread_mutex_lock(&t->lock);
	for (; r == 0 && i != t->root; i = i->parent) {
		if (!i->parent || !i->name || chain.n >= DEPTH_MAX)
			r = -ENOENT;
		else
			r = vec_push(&chain, i);
	}
	if (r == 0)
		r = selffd_path(t->root->fd, out);
	for (size_t k = chain.n; r == 0 && k-- > 0;) {
		buf_putc(out, '/');
		buf_puts(out, chain.data[k]->name);
		r = out->error;
	}
	(void)pthread_mutex_unlock(&t->lock);
	vec_done(&chain);
	return r;
}

/* gen: of before the kernel is asked, so that a rename meanwhile counts. */
static int fresh_path(struct inode_table *t, struct inode *i, uint64_t gen,
		      int fd, struct buf *out)
{
	size_t start = out->len;
	int r = selffd_path(fd, out);
	char *copy;

	if (r == -ENAMETOOLONG)
		r = inode_long_path(t, i, out);
	if (r < 0)
		return r;
	copy = strdup(buf_cstr(out) + start);
	(void)pthread_mutex_lock(&t->lock);
	free(i->path);
	i->path = copy;
	i->path_gen = gen;
	i->path_until_ns = now_ns() + NSEC_PER_SEC;
	(void)pthread_mutex_unlock(&t->lock);
	return 0;
}

int inode_path(struct inode_table *t, struct inode *i, int fd, struct buf *out)
{
	uint64_t gen;
	bool known;

	(void)pthread_mutex_lock(&t->lock);
	gen = t->path_gen;
	known = i->path && i->path_gen == t->path_gen &&
		now_ns() < i->path_until_ns;
	if (known)
		buf_puts(out, i->path);
	(void)pthread_mutex_unlock(&t->lock);
	return known ? out->error : fresh_path(t, i, gen, fd, out);
}
