/* SPDX-License-Identifier: MIT */
/*
 * tarball.c - regular files in a .tar.gz (POSIX ustar, over zlib)
 */
#include "cli/tarball.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/fd.h"
#include "base/progress.h"

#define BLOCK    512U
#define CHUNK    ((size_t)1 << 16)
#define FILE_MAX (UINT64_C(1) << 36)

/* IEEE 1003.1, pax, "ustar Interchange Format" */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8];
	char type, linkname[100], magic[6], version[2], uname[32], gname[32];
	char major[8], minor[8], prefix[155], pad[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "one block");

struct tarball {
	gzFile gz;
	int error;     /* of writing */
	uint64_t left; /* of the current entry, with its padding */
	uint64_t size;
};

static struct tarball *open_gz(int fd, const char *mode)
{
	struct tarball *t = calloc(1, sizeof(*t));

	if (t)
		t->gz = gzdopen(fd, mode);
	if (t && t->gz)
		return t;
	free(t);
	(void)close(fd);
	return NULL;
}

int tarball_create(int fd, struct tarball **ret)
{
	*ret = open_gz(fd, "wb6");
	return *ret ? 0 : -ENOMEM;
}

int tarball_open(int fd, struct tarball **ret)
{
	*ret = open_gz(fd, "rb");
	return *ret ? 0 : -ENOMEM;
}

struct tarball *tarball_close(struct tarball *t)
{
	if (t) {
		(void)gzclose(t->gz);
		free(t);
	}
	return NULL;
}

static unsigned int header_sum(const struct header *h)
{
	const unsigned char *p = (const unsigned char *)h;
	unsigned int sum = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		bool own = i >= offsetof(struct header, sum) &&
			   i < offsetof(struct header, sum) + sizeof(h->sum);

		sum += own ? ' ' : p[i];
	}
	return sum;
}

static void put(struct tarball *t, const void *p, size_t n)
{
	if (t->error == 0 && n && gzwrite(t->gz, p, (unsigned int)n) != (int)n)
		t->error = -EIO;
}

/* Eleven octal digits and the NUL; v below 2^33. */
static void put_octal(char out[12], uint64_t v)
{
	for (size_t i = 0; i < 11; i++)
		out[10 - i] = (char)('0' + (v >> (3 * i) & 7));
	out[11] = '\0';
}

/* Octal; sizes of 8 GiB and more as GNU's base 256. */
static void put_size(char out[12], uint64_t size)
{
	if (size < UINT64_C(1) << 33) {
		put_octal(out, size);
		return;
	}
	out[0] = (char)0x80;
	for (size_t i = 0; i < 11; i++)
		out[11 - i] = (char)(i < 8 ? size >> (8 * i) : 0);
}

static void put_header(struct tarball *t, const char *name, uint64_t size,
		       int64_t mtime)
{
	struct header h = { 0 };

	memcpy(h.name, name, strlen(name));
	memcpy(h.mode, "0000600", 8);
	memcpy(h.uid, "0000000", 8);
	memcpy(h.gid, "0000000", 8);
	put_size(h.size, size);
	put_octal(h.mtime, mtime > 0 ? (uint64_t)mtime & 0x1ffffffff : 0);
	h.type = '0';
	memcpy(h.magic, "ustar", 6);
	memcpy(h.version, "00", 2);
	(void)snprintf(h.sum, sizeof(h.sum), "%06o", header_sum(&h));
	h.sum[7] = ' ';
	put(t, &h, sizeof(h));
}

/* Exactly `size` bytes: a file that shrank is an error, one that grew is cut */
static int put_content(struct tarball *t, int fd, uint64_t size)
{
	static const char zero[BLOCK];
	char *chunk = malloc(CHUNK);
	uint64_t at = 0;
	int r = chunk ? 0 : -ENOMEM;

	while (r == 0 && at < size) {
		size_t want = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		ssize_t n = pread(fd, chunk, want, (off_t)at);

		if (n <= 0)
			r = n < 0 ? -errno : -EIO;
		else
			put(t, chunk, (size_t)n);
		at += n > 0 ? (uint64_t)n : 0;
		progress_tell(at, size);
	}
	free(chunk);
	put(t, zero, (size_t)((BLOCK - size % BLOCK) % BLOCK));
	return r < 0 ? r : t->error;
}

int tarball_add(struct tarball *t, const char *name, int from_fd)
{
	struct stat st;

	if (strlen(name) >= TARBALL_NAME_MAX)
		return t->error = -ENAMETOOLONG;
	if (fstat(from_fd, &st) < 0)
		return t->error = -errno;
	if (!S_ISREG(st.st_mode))
		return t->error = -EINVAL;
	if ((uint64_t)st.st_size > FILE_MAX)
		return t->error = -EOVERFLOW;
	put_header(t, name, (uint64_t)st.st_size, st.st_mtime);
	t->error = put_content(t, from_fd, (uint64_t)st.st_size);
	return t->error;
}

int tarball_finish(struct tarball *t)
{
	static const char zero[2 * BLOCK];
	int r;

	put(t, zero, sizeof(zero));
	r = t->error;
	if (gzclose(t->gz) != Z_OK && r == 0)
		r = -EIO;
	free(t);
	return r;
}

/* n bytes, all of them. 0, 1 at the end before the first, or -EBADMSG. */
static int get(struct tarball *t, void *p, size_t n)
{
	int got = gzread(t->gz, p, (unsigned int)n);

	if (got == 0 && gzeof(t->gz))
		return 1;
	return got == (int)n ? 0 : -EBADMSG;
}

static int get_size(const char in[12], uint64_t *ret)
{
	uint64_t v = 0;

	if ((unsigned char)in[0] == 0x80) {
		for (size_t i = 4; i < 12; i++)
			v = v << 8 | (unsigned char)in[i];
		*ret = v;
		return v > FILE_MAX ? -EBADMSG : 0;
	}
	for (size_t i = 0; i < 12 && in[i] && in[i] != ' '; i++) {
		if (in[i] < '0' || in[i] > '7')
			return -EBADMSG;
		v = v << 3 | (uint64_t)(in[i] - '0');
	}
	*ret = v;
	return v > FILE_MAX ? -EBADMSG : 0;
}

static bool is_zero(const struct header *h)
{
	const char *p = (const char *)h;

	for (size_t i = 0; i < BLOCK; i++)
		if (p[i])
			return false;
	return true;
}

static int check_header(const struct header *h, uint64_t *ret_size)
{
	char sum[sizeof(h->sum) + 1] = { 0 };
	unsigned int want = 0;

	memcpy(sum, h->sum, sizeof(h->sum));
	for (const char *p = sum; *p == ' ' || (*p >= '0' && *p <= '7'); p++)
		if (*p != ' ')
			want = want << 3 | (unsigned int)(*p - '0');
	if (memcmp(h->magic, "ustar", 5) != 0 || want != header_sum(h) ||
	    (h->type != '0' && h->type != '\0') || h->prefix[0])
		return -EBADMSG;
	return get_size(h->size, ret_size);
}

int tarball_next(struct tarball *t, char name[TARBALL_NAME_MAX + 1],
		 uint64_t *ret_size)
{
	struct header h;
	int r = t->left ? tarball_extract(t, -1) : 0;

	if (r < 0)
		return r;
	r = get(t, &h, sizeof(h));
	if (r != 0)
		return -EBADMSG; /* the end is marked, see below */
	if (is_zero(&h))
		return 0;
	r = check_header(&h, &t->size);
	if (r < 0)
		return r;
	memcpy(name, h.name, TARBALL_NAME_MAX);
	name[TARBALL_NAME_MAX] = '\0';
	t->left = (t->size + BLOCK - 1) / BLOCK * BLOCK;
	*ret_size = t->size;
	return 1;
}

int tarball_extract(struct tarball *t, int to_fd)
{
	char *chunk = malloc(CHUNK);
	uint64_t at = 0;
	int r = chunk ? 0 : -ENOMEM;

	while (r == 0 && t->left) {
		size_t n = t->left < CHUNK ? (size_t)t->left : CHUNK;
		uint64_t wanted = at < t->size ? t->size - at : 0;

		r = get(t, chunk, n) ? -EBADMSG : 0;
		if (r == 0 && to_fd >= 0)
			r = fd_write_full(to_fd, chunk,
					  wanted < n ? (size_t)wanted : n);
		t->left -= n;
		at += n;
		progress_tell(at, t->size);
	}
	free(chunk);
	return r;
}
