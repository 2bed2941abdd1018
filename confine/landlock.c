/* SPDX-License-Identifier: MIT */
/*
 * landlock.c - grant sets as Landlock rulesets, for whatever ABI there is
 *
 * Constants are our own: distribution headers lag behind kernels, and the ABI
 * is probed at run time anyway. kernel: Documentation/userspace-api/landlock.rst
 *
 * Landlock only grants. A denied entry inside a granted tree is expressed by
 * granting its siblings instead of the tree ("expansion"), level by level and
 * only on the levels that lead to the entry. Symlinks are skipped: a rule binds
 * to an inode, and the target has its own.
 */
#include "confine/landlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"

#ifndef SYS_landlock_create_ruleset
#	define SYS_landlock_create_ruleset 444
#	define SYS_landlock_add_rule       445
#	define SYS_landlock_restrict_self  446
#endif

#define CREATE_RULESET_VERSION (1U << 0)
#define RULE_PATH_BENEATH      1
#define RULE_NET_PORT          2

#define FS_EXECUTE     (UINT64_C(1) << 0)
#define FS_WRITE_FILE  (UINT64_C(1) << 1)
#define FS_READ_FILE   (UINT64_C(1) << 2)
#define FS_READ_DIR    (UINT64_C(1) << 3)
#define FS_REMOVE_DIR  (UINT64_C(1) << 4)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_CHAR   (UINT64_C(1) << 6)
#define FS_MAKE_DIR    (UINT64_C(1) << 7)
#define FS_MAKE_REG    (UINT64_C(1) << 8)
#define FS_MAKE_SOCK   (UINT64_C(1) << 9)
#define FS_MAKE_FIFO   (UINT64_C(1) << 10)
#define FS_MAKE_BLOCK  (UINT64_C(1) << 11)
#define FS_MAKE_SYM    (UINT64_C(1) << 12)
#define FS_REFER       (UINT64_C(1) << 13) /* ABI 2 */
#define FS_TRUNCATE    (UINT64_C(1) << 14) /* ABI 3 */
#define FS_IOCTL_DEV   (UINT64_C(1) << 15) /* ABI 5 */

#define NET_BIND_TCP    (UINT64_C(1) << 0) /* ABI 4 */
#define NET_CONNECT_TCP (UINT64_C(1) << 1)

#define SCOPE_ABSTRACT_UNIX (UINT64_C(1) << 0) /* ABI 6 */
#define SCOPE_SIGNAL        (UINT64_C(1) << 1)

#define RESTRICT_LOG_NEW_EXEC_ON (1U << 1) /* ABI 7 */

/* The rights that a rule on something else than a directory may carry. */
#define FS_FILE_RIGHTS \
	(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

/*
 * The kernel accepts any prefix of the structure that ends with a member it
 * knows, so the size passed is the ABI's own. From ABI 10 on it has 24 more
 * bytes ("quiet" masks, which we leave out: 24 stays valid).
 */
struct ruleset_attr {
	uint64_t handled_fs;
	uint64_t handled_net; /* ABI 4 */
	uint64_t scoped;      /* ABI 6 */
};

struct path_attr {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

struct port_attr {
	uint64_t allowed;
	uint64_t port;
};

_Static_assert(sizeof(struct ruleset_attr) == 24, "kernel ABI");
_Static_assert(sizeof(struct path_attr) == 12, "kernel ABI");
_Static_assert(sizeof(struct port_attr) == 16, "kernel ABI");

struct builder {
	int fd; /* ruleset, owned by landlock_build() */
	uint64_t handled_fs;
	VEC(char *) holes; /* owned, as the kernel names them */
	size_t n_unread;   /* of the first holes */
	struct landlock_report report;
};

int landlock_abi(void)
{
	long r = syscall(SYS_landlock_create_ruleset, NULL, 0,
			 CREATE_RULESET_VERSION);

	if (r >= 0)
		return (int)r;
	/* not built in; built in but not enabled at boot */
	return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
}

uint32_t landlock_restrict_flags(int abi)
{
	/*
	 * Denials of the program we exec appear in the audit log, if auditing
	 * is on; by default only those of the restricting program itself do.
	 */
	return abi >= 7 ? RESTRICT_LOG_NEW_EXEC_ON : 0;
}

int landlock_restrict(int ruleset_fd, uint32_t flags)
{
	return syscall(SYS_landlock_restrict_self, ruleset_fd, flags) < 0
		       ? -errno
		       : 0;
}

static uint64_t fs_known(int abi)
{
	uint64_t all = (FS_MAKE_SYM << 1) - 1;

	if (abi >= 2)
		all |= FS_REFER;
	if (abi >= 3)
		all |= FS_TRUNCATE;
	if (abi >= 5)
		all |= FS_IOCTL_DEV;
	return all;
}

static uint64_t fs_rights(uint32_t access)
{
	uint64_t r = 0;

	if (access & GRANT_READ)
		r |= FS_READ_FILE | FS_READ_DIR;
	if (access & GRANT_WRITE)
		r |= FS_WRITE_FILE | FS_TRUNCATE;
	if (access & GRANT_CREATE)
		r |= FS_MAKE_REG | FS_MAKE_DIR | FS_MAKE_SYM | FS_MAKE_FIFO |
		     FS_MAKE_SOCK | FS_REFER;
	if (access & GRANT_REMOVE)
		r |= FS_REMOVE_FILE | FS_REMOVE_DIR | FS_REFER;
	if (access & GRANT_EXECUTE) /* exec opens for reading, too */
		r |= FS_EXECUTE | FS_READ_FILE;
	if (access & GRANT_IOCTL)
		r |= FS_IOCTL_DEV;
	if (access & GRANT_DEVICE)
		r |= FS_MAKE_CHAR | FS_MAKE_BLOCK;
	return r;
}

static int rule_add(struct builder *b, int fd, uint64_t rights, bool is_dir)
{
	struct path_attr attr = { .parent_fd = fd };

	attr.allowed = rights & b->handled_fs;
	if (!is_dir)
		attr.allowed &= FS_FILE_RIGHTS;
	if (attr.allowed == 0)
		return 0;
	if (b->report.n_rules >= LANDLOCK_MAX_RULES)
		return -E2BIG;
	if (syscall(SYS_landlock_add_rule, b->fd, RULE_PATH_BENEATH, &attr, 0) <
	    0) {
		/* a directory no more since it was listed */
		if (errno == EINVAL && is_dir)
			return rule_add(b, fd, rights, false);
		/* pipes, sockets and the like on internal file systems */
		return errno == EBADFD ? 0 : -errno;
	}
	b->report.n_rules++;
	return 0;
}

static bool hole_is(const struct builder *b, struct str path)
{
	for (size_t i = 0; i < b->holes.n; i++) {
		if (path_beneath(path, str_from(b->holes.data[i])))
			return true;
	}
	return false;
}

static bool hole_below(const struct builder *b, struct str path)
{
	for (size_t i = 0; i < b->holes.n; i++) {
		struct str hole = str_from(b->holes.data[i]);

		if (!str_eq(hole, path) && path_beneath(hole, path))
			return true;
	}
	return false;
}

/* One directory whose entries are granted one by one. */
struct level {
	int fd;     /* O_PATH, owned */
	char *path; /* owned */
};

struct expansion {
	VEC(struct level) todo;
	uint64_t rights;
};

static void expansion_done(struct expansion *x)
{
	for (size_t i = 0; i < x->todo.n; i++) {
		(void)close(x->todo.data[i].fd);
		free(x->todo.data[i].path);
	}
	vec_done(&x->todo);
}

static int expansion_push(struct expansion *x, int fd, struct str path)
{
	char *copy = str_dup(path);
	int r;

	if (!copy)
		return -ENOMEM;
	r = vec_push(&x->todo, (struct level){ fd, copy });
	if (r < 0)
		free(copy);
	return r;
}

/* An entry of an expanded level: skipped, granted, or expanded itself. */
static int expand_entry(struct builder *b, struct expansion *x,
			const struct level *level, const struct dirent *e)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	_cleanup_close_ int fd = -1;
	const char *name = e->d_name;
	bool is_dir = e->d_type == DT_DIR;
	struct stat st;
	int r;

	if (e->d_type == DT_LNK)
		return 0;
	buf_puts(&path, strcmp(level->path, "/") == 0 ? "" : level->path);
	buf_putc(&path, '/');
	buf_puts(&path, name);
	if (path.error)
		return path.error;
	if (hole_is(b, buf_str(&path)))
		return 0;
	fd = openat(level->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) /* gone, or not for us: then not for the command either */
		return errno == EMFILE || errno == ENFILE ? -errno : 0;
	/* A file that has become a directory since gets less than it could. */
	if (e->d_type == DT_UNKNOWN) {
		if (fstat(fd, &st) < 0)
			return -errno;
		if (S_ISLNK(st.st_mode))
			return 0;
		is_dir = S_ISDIR(st.st_mode);
	}
	if (!is_dir || !hole_below(b, buf_str(&path)))
		return rule_add(b, fd, x->rights, is_dir);
	r = expansion_push(x, fd, buf_str(&path));
	if (r == 0)
		(void)TAKE_FD(fd); /* owned by the list now */
	return r;
}

static int expand_level(struct builder *b, struct expansion *x,
			const struct level *level)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *e;
	int fd, r;

	/* Names stay listable, also those of what is held back. */
	r = rule_add(b, level->fd, x->rights & FS_READ_DIR, true);
	if (r < 0)
		return r;
	fd = openat(level->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES ? 0 : -errno;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return -ENOMEM;
	}
	while ((errno = 0, e = readdir(dir))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = expand_entry(b, x, level, e);
		if (r < 0)
			return r;
	}
	return -errno;
}

/* Consumes fd. */
static int expand_tree(struct builder *b, int fd, struct str path,
		       uint64_t rights)
{
	struct expansion x = { .rights = rights };
	int r = expansion_push(&x, fd, path);

	if (r < 0)
		(void)close(fd);
	while (r == 0 && x.todo.n > 0) {
		struct level level = x.todo.data[--x.todo.n];

		r = expand_level(b, &x, &level);
		(void)close(level.fd);
		free(level.path);
	}
	expansion_done(&x);
	return r;
}

static int grant_add(struct builder *b, const struct fs_grant *g)
{
	_cleanup_close_ int fd = open(g->path, O_PATH | O_CLOEXEC);
	_cleanup_buf_ struct buf path = BUF_INIT;
	bool shrinks = (g->access & (GRANT_CREATE | GRANT_REMOVE)) == 0;
	struct stat st;
	int r;

	/* What we cannot reach, our commands cannot either. */
	if (fd < 0 &&
	    (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) {
		b->report.n_missing++;
		return 0;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	r = b->holes.n ? path_of_fd(fd, &path) : 0;
	if (r < 0)
		return r;
	if (b->holes.n && hole_is(b, buf_str(&path)))
		return 0;
	if (!S_ISDIR(st.st_mode))
		return rule_add(b, fd, fs_rights(g->access), false);
	if (g->expand || (shrinks && hole_below(b, buf_str(&path))))
		return expand_tree(b, TAKE_FD(fd), buf_str(&path),
				   fs_rights(g->access));
	for (size_t i = 0; i < b->holes.n; i++) {
		bool open = path_beneath(str_from(b->holes.data[i]),
					 buf_str(&path));

		b->report.n_holes_open += open;
		b->report.n_reads_open += open && i < b->n_unread;
	}
	return rule_add(b, fd, fs_rights(g->access), true);
}

/*
 * The kernel's name of a hole, also when its last component does not exist
 * (yet): the nearest existing directory is resolved, the rest kept.
 */
static char *hole_resolve(const char *hole)
{
	_cleanup_free_ char *head = strdup(hole);
	_cleanup_buf_ struct buf out = BUF_INIT;
	char *cut;

	while (head) {
		_cleanup_free_ char *real = realpath(head, NULL);

		if (real) {
			const char *tail = hole + strlen(head);

			buf_puts(&out, strcmp(real, "/") == 0 ? "" : real);
			buf_puts(&out,
				 tail[0] == '/' || tail[0] == '\0' ? "" : "/");
			buf_puts(&out, tail);
			return buf_take(&out);
		}
		cut = strrchr(head, '/');
		if (!cut)
			return NULL;
		cut[cut == head ? 1 : 0] = '\0';
		if (cut == head && hole[1] == '\0')
			return NULL;
	}
	return NULL;
}

/* Takes text on success; NULL is a failed allocation. */
static int hole_push(struct builder *b, char *text)
{
	return text ? vec_push(&b->holes, text) : -ENOMEM;
}

static int hole_add(struct builder *b, const char *hole)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;
	_cleanup_free_ char *literal = NULL;
	_cleanup_free_ char *real = NULL;
	int r = path_clean(str_from(hole), &clean);

	if (r < 0)
		return r;
	real = hole_resolve(buf_cstr(&clean));
	literal = buf_take(&clean);
	r = hole_push(b, real);
	if (r < 0)
		return r;
	/* borrowed by the list from here on, freed with it */
	hole = TAKE(real);
	if (literal && strcmp(hole, literal) == 0)
		return 0;
	r = hole_push(b, literal);
	if (r == 0)
		(void)TAKE(literal);
	return r;
}

static int holes_add(struct builder *b, const struct grant_set *g)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->holes.n; i++) {
		r = hole_add(b, g->holes.data[i]);
		if (i < g->n_unread)
			b->n_unread = b->holes.n;
	}
	return r;
}

static int ports_add(struct builder *b, const uint16_t *ports, size_t n,
		     uint64_t right)
{
	for (size_t i = 0; i < n; i++) {
		struct port_attr attr = { right, ports[i] };

		if (syscall(SYS_landlock_add_rule, b->fd, RULE_NET_PORT, &attr,
			    0) < 0)
			return -errno;
		b->report.n_rules++;
	}
	return 0;
}

static int ruleset_create(struct builder *b, const struct grant_set *g)
{
	struct ruleset_attr attr = { .handled_fs = fs_known(b->report.abi) };
	int abi = b->report.abi;
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;

	/*
	 * A right is handled only if the set restricts it: one that is handled
	 * and has no rules denies everything of its kind.
	 */
	if (abi >= 4 && !g->tcp_connect_any)
		attr.handled_net |= NET_CONNECT_TCP;
	if (abi >= 4 && !g->tcp_bind_any)
		attr.handled_net |= NET_BIND_TCP;
	if (abi >= 6)
		attr.scoped = SCOPE_SIGNAL | SCOPE_ABSTRACT_UNIX;
	b->fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (b->fd < 0)
		return -errno;
	b->handled_fs = attr.handled_fs;
	b->report.net = attr.handled_net != 0;
	b->report.ioctl = abi >= 5;
	b->report.scope_signal = b->report.scope_abstract_unix = abi >= 6;
	return 0;
}

static int rules_add(struct builder *b, const struct grant_set *g)
{
	int r = holes_add(b, g);

	for (size_t i = 0; r == 0 && i < g->fs.n; i++)
		r = grant_add(b, &g->fs.data[i]);
	if (r == 0 && b->report.abi >= 4 && !g->tcp_connect_any)
		r = ports_add(b, g->tcp_connect_ports.data,
			      g->tcp_connect_ports.n, NET_CONNECT_TCP);
	if (r == 0 && b->report.abi >= 4 && !g->tcp_bind_any)
		r = ports_add(b, g->tcp_bind_ports.data, g->tcp_bind_ports.n,
			      NET_BIND_TCP);
	return r;
}

int landlock_build(const struct grant_set *g, struct landlock_report *ret)
{
	struct builder b = { .fd = -1 };
	int r = landlock_abi();

	if (r <= 0)
		return r < 0 ? r : -EOPNOTSUPP;
	b.report.abi = r;
	r = ruleset_create(&b, g);
	if (r == 0)
		r = rules_add(&b, g);
	for (size_t i = 0; i < b.holes.n; i++)
		free(b.holes.data[i]);
	vec_done(&b.holes);
	if (r < 0) {
		if (b.fd >= 0)
			(void)close(b.fd);
		return r;
	}
	if (ret)
		*ret = b.report;
	return b.fd;
}
