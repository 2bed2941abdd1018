/* SPDX-License-Identifier: MIT */
/*
 * shim_place.c - a root file system, and what stands where its shells are
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "cli/shim_install.h"

/* A name that every version of the shim reads, and no shell does. */
#define MARKER "AGENTSH_SHIM_DEBUG"

void shim_root_close(struct shim_root *r)
{
	if (r->fd >= 0)
		(void)close(TAKE_FD(r->fd));
	if (r->bin >= 0)
		(void)close(TAKE_FD(r->bin));
}

static int open_in_root(int root, const char *path, unsigned int flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT };
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int shim_root_open(const char *text, struct shim_root *ret)
{
	struct shim_root r = { .text = text, .fd = -1, .bin = -1 };
	struct stat here, host;

	r.fd = open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r.fd < 0)
		return -errno;
	r.bin = open_in_root(r.fd, "bin", O_RDONLY | O_DIRECTORY);
	if (r.bin < 0 && r.bin != -ENOENT) {
		int e = r.bin;

		shim_root_close(&r);
		return e;
	}
	r.bin = MAX(r.bin, -1);
	r.host = fstat(r.fd, &here) == 0 && stat("/", &host) == 0 &&
		 here.st_dev == host.st_dev && here.st_ino == host.st_ino;
	*ret = r;
	return 0;
}

void shim_root_path(const struct shim_root *r, const char *name,
		    const char *suffix, struct buf *out)
{
	struct str root = str_from(r->text);

	while (root.n && root.p[root.n - 1] == '/')
		root.n--;
	buf_printf(out, STR_FMT "/bin/%s%s", STR_ARG(root), name, suffix);
}

static int look_at(int bin, const char *name, struct shim_file *f)
{
	char link[4096];
	ssize_t n;

	if (fstatat(bin, name, &f->st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	f->exists = true;
	if (!S_ISLNK(f->st.st_mode))
		return 0;
	n = readlinkat(bin, name, link, sizeof(link));
	if (n < 0)
		return -errno;
	buf_put(&f->link, link, (size_t)n);
	return f->link.error;
}

bool shim_is_shim(struct str bytes)
{
	return str_find(bytes, STR(MARKER)) >= 0;
}

void shim_place_done(struct shim_place *p)
{
	buf_done(&p->target.link);
	buf_done(&p->real.link);
}

int shim_place_look(const struct shim_root *r, const char *name,
		    struct str shim, struct shim_place *ret)
{
	struct shim_place p = { .name = name };
	_cleanup_buf_ struct buf bytes = BUF_INIT, real = BUF_INIT;
	int e = 0;

	buf_printf(&real, "%s.real", name);
	if (r->bin >= 0)
		e = look_at(r->bin, name, &p.target);
	if (e == 0 && r->bin >= 0)
		e = look_at(r->bin, buf_cstr(&real), &p.real);
	if (e == 0 && p.target.exists && S_ISREG(p.target.st.st_mode))
		e = fd_read_file(r->bin, name, SHIM_BYTES_MAX, &bytes);
	if (e < 0) {
		shim_place_done(&p);
		return e;
	}
	p.matches = shim.n && str_eq(buf_str(&bytes), shim);
	p.is_shim = p.matches || shim_is_shim(buf_str(&bytes));
	*ret = p;
	return 0;
}

const char *shim_place_state(const struct shim_place *p)
{
	if (!p->target.exists)
		return "missing";
	if (!p->is_shim)
		return "not_installed";
	return p->real.exists ? "installed" : "partial_missing_real";
}
