/* SPDX-License-Identifier: MIT */
/*
 * state.c - the page that all writers of a store share
 *
 * It is a cache as far as safety goes: a lost or mangled page costs the order
 * between writers and exact budget figures, which recovery counts anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/path.h"
#include "trash/store.h"

void (*trash_step_hook)(const char *step);

uint64_t store_tick(struct trash *t)
{
	return __atomic_add_fetch(&t->state->clock, 1, __ATOMIC_RELAXED);
}

uint64_t store_epoch(const struct trash *t)
{
	return __atomic_load_n(&t->state->epoch, __ATOMIC_RELAXED);
}

uint64_t trash_epoch(const struct trash *t)
{
	return store_epoch(t);
}

int store_lock(struct trash *t)
{
	_cleanup_close_ int fd = -1;

	if (t->base_fd < 0)
		return -ENOENT;
	fd = openat(t->base_fd, "lock",
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	return TAKE_FD(fd);
}

int store_own_journal(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &l) < 0 ? -errno : 0;
}

bool store_journal_live(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

/* Whose store it is. */
static void put_root(const struct trash *t, const struct record_stat *root,
		     struct trash_state *s)
{
	struct str path = buf_str(&t->root_path);

	s->root_dev = root->dev;
	s->root_ino = root->ino;
	s->root_len = 0;
	if (path.n < sizeof(s->root)) {
		memcpy(s->root, path.p, path.n);
		s->root_len = (uint32_t)path.n;
	}
}

void store_claim(struct trash *t)
{
	struct record_stat root = { 0 };

	if (store_stat(t->root_fd, "", &root) < 0 ||
	    (t->state->root_dev == root.dev && t->state->root_ino == root.ino))
		return;
	put_root(t, &root, t->state);
}

static int state_init(struct trash *t, int fd)
{
	_cleanup_free_ struct trash_state *s = calloc(1, sizeof(*s));
	struct record_stat root = { 0 };
	ssize_t n;
	int r;

	if (!s)
		return -ENOMEM;
	r = store_stat(t->root_fd, "", &root);
	if (r < 0)
		return r;
	s->magic = STORE_MAGIC;
	s->version = STORE_VERSION;
	put_root(t, &root, s);
	/* Written, not extended: a page of a hole could not be filled when
	 * the disk is full, and a store to it would be SIGBUS. */
	n = pwrite(fd, s, sizeof(*s), 0);
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(*s) ? 0 : -ENOSPC;
}

static int state_check(struct trash *t, int fd)
{
	int r;

	uint64_t magic = 0;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOTDIR;
	n = pread(fd, &magic, sizeof(magic), 0);
	if (n < 0)
		return -errno;
	if (st.st_size == STORE_STATE && magic == STORE_MAGIC)
		return 0;
	if (t->opt.read_only)
		return -EBADMSG;
	r = state_init(t, fd);
	t->fresh = r == 0;
	return r;
}

int store_map_state(struct trash *t)
{
	_cleanup_close_ int fd = -1;
	bool ro = t->opt.read_only;
	void *p;
	int r;

	fd = openat(t->base_fd, "state",
		    (ro ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return -errno;
	if (!ro && flock(fd, LOCK_EX) < 0)
		return -errno;
	r = state_check(t, fd);
	if (r < 0)
		return r;
	p = mmap(NULL, STORE_STATE, ro ? PROT_READ : PROT_READ | PROT_WRITE,
		 MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	/* The mapping keeps the file open, and with it the lock: closing fd
	 * would not let go, and the next opener would wait for our end. */
	if (!ro)
		(void)flock(fd, LOCK_UN);
	t->state = p;
	return 0;
}

void store_unmap_state(struct trash *t)
{
	if (t->state)
		(void)munmap(t->state, STORE_STATE);
	t->state = NULL;
}

int store_stat(int fd, const char *name, struct record_stat *ret)
{
	struct statx sx;

	if (statx(fd, name,
		  AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT |
			  (*name ? 0 : AT_EMPTY_PATH),
		  STATX_BASIC_STATS | STATX_BTIME, &sx) < 0)
		return -errno;
	record_stat_from(ret, &sx);
	return 0;
}

void store_settle(const struct trash *t, int fd)
{
	struct record_stat st;
	char path[32];
	int w = -1;

	if (!t->layered || store_stat(fd, "", &st) < 0 ||
	    st.btime_ns > t->opened_ns)
		return;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (S_ISREG(st.mode))
		w = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (w >= 0)
		(void)close(w);
	/* The mode it has; set-id bits would not always survive that. */
	else if ((S_ISREG(st.mode) || S_ISDIR(st.mode)) &&
		 !(st.mode & (S_ISUID | S_ISGID)))
		(void)chmod(path, st.mode & 07777);
}

uint64_t store_hex(const char *s)
{
	uint64_t v = 0;

	for (int i = 0; i < 16; i++) {
		char c = s[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	return v;
}
