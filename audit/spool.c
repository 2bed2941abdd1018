/* SPDX-License-Identifier: MIT */
/*
 * spool.c - events of commands that ran without a server, until one reads them
 *
 * The file is a run of records:
 *
 *	u32 length | event (core/event.h) | 32 bytes hash | u32 length
 *	hash = SHA-256 (HMAC with the integrity key, if there is one) of the
 *	hash before and the event; the first one's is zero
 *
 * Whoever appends holds the file's lock, so the hashes of all processes make
 * one chain; the end of the file is where it goes on. Appending is one write,
 * and what was written in part is cut off again: no record is ever half there,
 * except after a full disk or a crash of the machine, and the reader stops at
 * that.
 */
#include "audit/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/store.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "core/wire.h"

#define TRAILER   (SHA256_LEN + sizeof(uint32_t))
#define SPOOL_MAX (256U << 20) /* of it is read back at a time */

int spool_path(const char *log_path, struct buf *out)
{
	struct str path = str_from(log_path);
	ptrdiff_t slash = str_rindex(path, '/');

	if (slash < 0)
		return -EINVAL;
	buf_put_str(out, str_from_n(path.p, (size_t)slash));
	buf_puts(out, "/oneshot.spool");
	return out->error;
}

static int make_directory(const char *path)
{
	_cleanup_free_ char *dir = str_dup(str_from(path));
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!slash)
		return -ENOMEM;
	*slash = '\0';
	return fd_mkdirs(dir, 0700);
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags | O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
		      0600);
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (r == 0)
		return fd;
	(void)close(fd);
	return r;
}

int spool_open(const char *path, struct str key, struct spool *ret)
{
	int fd = open_file(path, O_CREAT);

	if (fd == -ENOENT) {
		int r = make_directory(path);

		if (r < 0)
			return r;
		fd = open_file(path, O_CREAT);
	}
	if (fd < 0)
		return fd;
	*ret = (struct spool){
		.fd = fd, .key = key, .record = BUF_INIT, .held = BUF_INIT
	};
	return 0;
}

void spool_close(struct spool *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
	buf_done(&s->record);
	buf_done(&s->held);
}

/* before: SHA256_LEN bytes, then the event. */
static void link_hash(struct str key, struct str before,
		      uint8_t out[SHA256_LEN])
{
	if (key.n)
		digest_hmac_sha256(key, before, out);
	else
		digest_sha256(before, out);
}

/* Where the chain goes on; the lock is held. */
static int find_head(struct spool *s)
{
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		return -errno;
	if (s->end == (uint64_t)st.st_size && s->end)
		return 0;
	s->end = (uint64_t)st.st_size;
	memset(s->head, 0, sizeof(s->head));
	if (s->end == 0)
		return 0;
	if (s->end < TRAILER)
		return -EBADMSG;
	return pread(s->fd, s->head, sizeof(s->head),
		     (off_t)(s->end - TRAILER)) == (ssize_t)sizeof(s->head)
		       ? 0
		       : -EIO;
}

static int write_record(struct spool *s)
{
	ssize_t n = write(s->fd, s->record.data, s->record.len);
	int r = n < 0 ? -errno : -ENOSPC;

	if (n == (ssize_t)s->record.len) {
		s->end += s->record.len;
		return 0;
	}
	if (n > 0 && ftruncate(s->fd, (off_t)s->end) < 0)
		log_error("a part of a record stays in the spool");
	return r;
}

/* One more record at the end of s->record; the chain goes on with its hash. */
static void add_record(struct spool *s, struct str event)
{
	_cleanup_buf_ struct buf linked = BUF_INIT;

	buf_put(&linked, s->head, sizeof(s->head));
	buf_put_str(&linked, event);
	link_hash(s->key, buf_str(&linked), s->head);
	if (linked.error && !s->record.error)
		s->record.error = linked.error;
	wire_put_str(&s->record, event);
	buf_put(&s->record, s->head, sizeof(s->head));
	wire_put_u32(&s->record, (uint32_t)event.n);
}

/* What is held, in one write. */
static int append_held(struct spool *s)
{
	struct wire_reader in = wire_reader_init(buf_str(&s->held));
	int r = s->held.error ? s->held.error : find_head(s);

	if (r < 0)
		return r;
	buf_reset(&s->record);
	while (in.rest.n && !in.error)
		add_record(s, wire_get_str(&in));
	r = in.error          ? in.error
	    : s->record.error ? s->record.error
			      : write_record(s);
	if (r < 0)
		s->end = 0; /* head is of what is not there: read it again */
	return r;
}

int spool_flush(struct spool *s)
{
	int r;

	if (s->held.len == 0 && !s->held.error)
		return 0;
	if (flock(s->fd, LOCK_EX) < 0)
		return -errno;
	r = append_held(s);
	(void)flock(s->fd, LOCK_UN);
	if (r == 0)
		buf_reset(&s->held);
	return r;
}

int spool_hold(struct spool *s, const struct event *e)
{
	size_t at = s->held.len;
	int r;

	wire_put_u32(&s->held, 0); /* its length, once it is known */
	r = event_encode(e, &s->held);
	if (r == 0)
		r = s->held.error;
	if (r < 0) {
		s->held.len = at;
		return r;
	}
	for (unsigned int i = 0; i < sizeof(uint32_t); i++)
		s->held.data[at + i] =
			(char)((s->held.len - at - sizeof(uint32_t)) >>
			       (8 * i));
	return 0;
}

int spool_append(struct spool *s, const struct event *e)
{
	size_t at = s->held.len;
	int r = spool_hold(s, e);

	if (r < 0)
		return r;
	r = spool_flush(s);
	if (r < 0) /* the caller will not do what it is about */
		s->held.len = at;
	return r;
}

static int report_damage(struct audit_store *store, const char *path,
			 uint64_t offset)
{
	struct event e = EVENT_INIT("spool_damaged");

	event_add_str(&e, "path", str_from(path));
	event_add_int(&e, "offset", (int64_t)offset);
	return audit_append(store, &e);
}

/* One record at the reader. 1; 0 at the end; -EBADMSG; -errno of the store. */
static int import_one(struct wire_reader *in, struct str key, struct buf *chain,
		      struct audit_store *store)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(4U << 20);
	uint8_t hash[SHA256_LEN];
	struct str bytes, theirs;
	struct event e;

	if (in->rest.n == 0)
		return 0;
	bytes = wire_get_str(in);
	theirs = str_from_n(in->rest.p, SHA256_LEN);
	if (in->error || in->rest.n < TRAILER)
		return -EBADMSG;
	in->rest = str_skip(in->rest, SHA256_LEN);
	if (wire_get_u32(in) != bytes.n)
		return -EBADMSG;
	buf_put_str(chain, bytes);
	link_hash(key, buf_str(chain), hash);
	if (chain->error || memcmp(hash, theirs.p, sizeof(hash)) != 0 ||
	    event_decode(bytes, &a, &e) < 0)
		return chain->error ? chain->error : -EBADMSG;
	buf_reset(chain);
	buf_put(chain, hash, sizeof(hash));
	return audit_append(store, &e) < 0 ? -EIO : 1;
}

/* What was damaged is kept for whoever wants to look at it. */
static int set_aside(const char *path, struct str content)
{
	_cleanup_buf_ struct buf to = BUF_INIT;

	buf_printf(&to, "%s.damaged", path);
	return to.error ? to.error
			: fd_write_file_atomic(AT_FDCWD, buf_cstr(&to), content,
					       0600);
}

static int import(int fd, const char *path, struct str key,
		  struct audit_store *store)
{
	_cleanup_buf_ struct buf all = BUF_INIT, chain = BUF_INIT;
	static const uint8_t zero[SHA256_LEN];
	struct wire_reader in;
	int r = fd_read_all(fd, SPOOL_MAX, &all), n = 0;

	if (r < 0)
		return r;
	in = wire_reader_init(buf_str(&all));
	buf_put(&chain, zero, sizeof(zero));
	while ((r = import_one(&in, key, &chain, store)) > 0)
		n++;
	if (r == -EBADMSG) {
		r = set_aside(path, buf_str(&all));
		if (r == 0)
			r = report_damage(store, path, all.len - in.rest.n);
	}
	if (r == 0)
		r = audit_flush(store);
	return r < 0 ? r : n;
}

int spool_import(const char *path, struct str key, struct audit_store *store)
{
	_cleanup_close_ int fd = open_file(path, 0);
	struct stat st;
	int r;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return 0;
	if (flock(fd, LOCK_EX) < 0)
		return -errno;
	r = import(fd, path, key, store);
	if (r >= 0 && ftruncate(fd, 0) < 0)
		r = -errno;
	return r;
}
