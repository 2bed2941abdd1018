/* SPDX-License-Identifier: MIT */
/*
 * xattr.c - extended attributes (ACLs among them) as one block of bytes
 */
#include "trash/xattr.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "core/wire.h"

#define XATTR_BLOB_MAX (256U << 10)

/* Every *xattr call on a magic link reaches the object of the fd itself; an
 * O_PATH descriptor is refused by fgetxattr() and friends. */
static void magic(char out[32], int fd)
{
	(void)snprintf(out, 32, "/proc/self/fd/%d", fd);
}

static bool unsupported(int error)
{
	return error == EOPNOTSUPP || error == ENOSYS;
}

static int list_names(const char *path, struct buf *names)
{
	for (int tries = 0; tries < 8; tries++) {
		ssize_t n = listxattr(path, NULL, 0);
		char *p;

		if (n <= 0)
			return n == 0 || unsupported(errno) ? 0 : -errno;
		if (n > (ssize_t)XATTR_BLOB_MAX)
			return -E2BIG;
		buf_reset(names);
		p = buf_reserve(names, (size_t)n);
		if (!p)
			return names->error;
		n = listxattr(path, p, (size_t)n);
		if (n >= 0) {
			names->len = (size_t)n;
			return 0;
		}
		if (errno != ERANGE)
			return -errno;
	}
	return -EAGAIN;
}

static int save_value(const char *path, const char *name, struct buf *out)
{
	_cleanup_buf_ struct buf value = BUF_INIT;

	for (int tries = 0; tries < 8; tries++) {
		ssize_t n = getxattr(path, name, NULL, 0);
		char *p;

		if (n < 0)
			return errno == ENODATA || errno == EPERM ||
					       unsupported(errno)
				       ? 0
				       : -errno;
		if (out->len + (size_t)n > XATTR_BLOB_MAX)
			return -E2BIG;
		buf_reset(&value);
		p = buf_reserve(&value, (size_t)n + 1);
		if (!p)
			return value.error;
		n = getxattr(path, name, p, (size_t)n);
		if (n >= 0) {
			wire_put_str(out, str_from(name));
			wire_put_str(out, str_from_n(p, (size_t)n));
			return out->error;
		}
		if (errno != ERANGE)
			return -errno;
	}
	return -EAGAIN;
}

int xattr_save(int fd, struct buf *out)
{
	_cleanup_buf_ struct buf names = BUF_INIT;
	char path[32];
	int r;

	magic(path, fd);
	r = list_names(path, &names);
	if (r < 0)
		return r;
	for (size_t at = 0; at < names.len;) {
		const char *name = names.data + at;

		at += strlen(name) + 1;
		r = save_value(path, name, out);
		if (r < 0)
			return r;
	}
	return 0;
}

int xattr_save_one(int fd, const char *name, struct buf *out)
{
	char path[32];

	magic(path, fd);
	return save_value(path, name, out);
}

static bool blob_has(struct str blob, struct str wanted)
{
	struct wire_reader r = wire_reader_init(blob);

	while (r.rest.n > 0 && !r.error) {
		struct str name = wire_get_str(&r);

		(void)wire_get_str(&r);
		if (!r.error && str_eq(name, wanted))
			return true;
	}
	return false;
}

/* ACLs that a default one of the directory gave it. */
static void remove_inherited(const char *path, struct str blob)
{
	static const char *const acls[] = { "system.posix_acl_access",
					    "system.posix_acl_default" };
	_cleanup_buf_ struct buf names = BUF_INIT;

	if (list_names(path, &names) < 0 || names.len == 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(acls); i++)
		if (!blob_has(blob, str_from(acls[i])))
			(void)removexattr(path, acls[i]);
}

int xattr_load(int fd, struct str blob, bool fresh)
{
	struct wire_reader r = wire_reader_init(blob);
	char path[32];

	magic(path, fd);
	if (fresh)
		remove_inherited(path, blob);
	while (r.rest.n > 0) {
		struct str name = wire_get_str(&r);
		struct str value = wire_get_str(&r);
		_cleanup_free_ char *cname = NULL;

		if (r.error)
			return -EBADMSG;
		cname = str_dup(name);
		if (!cname)
			return -ENOMEM;
		if (setxattr(path, cname, value.p, value.n, 0) < 0 &&
		    errno != EPERM && !unsupported(errno))
			return -errno;
	}
	return 0;
}

int xattr_absent(const char *name, struct buf *out)
{
	wire_put_str(out, str_from(name));
	wire_put_str(out, STR_NONE);
	return out->error;
}

int xattr_remove(int fd, struct str blob)
{
	struct wire_reader r = wire_reader_init(blob);
	struct str name = wire_get_str(&r);
	_cleanup_free_ char *cname = NULL;
	struct stat st;
	char path[32];

	if (r.error)
		return -EBADMSG;
	cname = str_dup(name);
	if (!cname)
		return -ENOMEM;
	magic(path, fd);
	if (removexattr(path, cname) == 0 || errno == ENODATA)
		return 0;
	/* EPERM also says that links and devices have none of the user's. */
	if (errno == EPERM && str_starts(name, STR("user.")) &&
	    fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return 0;
	return -errno;
}

int xattr_copy(int from, int to)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = xattr_save(from, &b);

	return r < 0 ? r : xattr_load(to, buf_str(&b), true /* fresh */);
}
