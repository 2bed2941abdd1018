/* SPDX-License-Identifier: MIT */
/*
 * landlock.c - grant sets as Landlock rulesets, for whatever ABI there is
 *
 * Constants are our own: distribution headers lag behind kernels, and the ABI
 * is probed at run time anyway. kernel: Documentation/userspace-api/landlock.rst
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine/landlock_tree.h"

#ifndef SYS_landlock_create_ruleset
#	define SYS_landlock_create_ruleset 444
#	define SYS_landlock_add_rule       445
#	define SYS_landlock_restrict_self  446
#endif

#define CREATE_RULESET_VERSION (1U << 0)
#define RULE_PATH_BENEATH      1
#define RULE_NET_PORT          2

#define NET_BIND_TCP    (UINT64_C(1) << 0) /* ABI 4 */
#define NET_CONNECT_TCP (UINT64_C(1) << 1)

#define SCOPE_ABSTRACT_UNIX (UINT64_C(1) << 0) /* ABI 6 */
#define SCOPE_SIGNAL        (UINT64_C(1) << 1)

#define RESTRICT_LOG_NEW_EXEC_ON (1U << 1) /* ABI 7 */

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
	uint64_t all = (LANDLOCK_FS_MAKE_SYM << 1) - 1;

	if (abi >= 2)
		all |= LANDLOCK_FS_REFER;
	if (abi >= 3)
		all |= LANDLOCK_FS_TRUNCATE;
	if (abi >= 5)
		all |= LANDLOCK_FS_IOCTL_DEV;
	return all;
}

uint64_t landlock_fs_rights(uint32_t access)
{
	uint64_t r = 0;

	if (access & GRANT_READ)
		r |= LANDLOCK_FS_READ_FILE | LANDLOCK_FS_READ_DIR;
	if (access & GRANT_WRITE)
		r |= LANDLOCK_FS_WRITE_FILE | LANDLOCK_FS_TRUNCATE;
	if (access & GRANT_CREATE)
		r |= LANDLOCK_FS_MAKE_REG | LANDLOCK_FS_MAKE_DIR |
		     LANDLOCK_FS_MAKE_SYM | LANDLOCK_FS_MAKE_FIFO |
		     LANDLOCK_FS_MAKE_SOCK | LANDLOCK_FS_REFER;
	if (access & GRANT_REMOVE)
		r |= LANDLOCK_FS_REMOVE_FILE | LANDLOCK_FS_REMOVE_DIR |
		     LANDLOCK_FS_REFER;
	if (access & GRANT_EXECUTE) /* exec opens for reading, too */
		r |= LANDLOCK_FS_EXECUTE | LANDLOCK_FS_READ_FILE;
	if (access & GRANT_IOCTL)
		r |= LANDLOCK_FS_IOCTL_DEV;
	if (access & GRANT_DEVICE)
		r |= LANDLOCK_FS_MAKE_CHAR | LANDLOCK_FS_MAKE_BLOCK;
	return r;
}

int landlock_add_path(struct landlock_builder *b, int fd, uint64_t rights,
		      bool is_dir)
{
	struct path_attr attr = { .parent_fd = fd };

	attr.allowed = rights & b->handled_fs;
	if (!is_dir)
		attr.allowed &= LANDLOCK_FS_OF_FILES;
	if (attr.allowed == 0)
		return 0;
	if (b->report.n_rules >= LANDLOCK_MAX_RULES)
		return -E2BIG;
	if (syscall(SYS_landlock_add_rule, b->fd, RULE_PATH_BENEATH, &attr, 0) <
	    0) {
		/* a directory no more since it was listed */
		if (errno == EINVAL && is_dir)
			return landlock_add_path(b, fd, rights, false);
		/* pipes, sockets and the like on internal file systems */
		return errno == EBADFD ? 0 : -errno;
	}
	b->report.n_rules++;
	return 0;
}

static int ports_add(struct landlock_builder *b, const uint16_t *ports,
		     size_t n, uint64_t right)
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

static int ruleset_create(struct landlock_builder *b, const struct grant_set *g)
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

static int add_tcp(struct landlock_builder *b, const struct grant_set *g)
{
	int r = 0;

	if (b->report.abi >= 4 && !g->tcp_connect_any)
		r = ports_add(b, g->tcp_connect_ports.data,
			      g->tcp_connect_ports.n, NET_CONNECT_TCP);
	if (r == 0 && b->report.abi >= 4 && !g->tcp_bind_any)
		r = ports_add(b, g->tcp_bind_ports.data, g->tcp_bind_ports.n,
			      NET_BIND_TCP);
	return r;
}

static int begin(struct landlock_builder *b, const struct grant_set *g)
{
	int r = landlock_abi();

	if (r <= 0)
		return r < 0 ? r : -EOPNOTSUPP;
	b->report.abi = r;
	return ruleset_create(b, g);
}

/* The ruleset, or r with nothing left open. */
static int finish(struct landlock_builder *b, int r)
{
	landlock_builder_done(b);
	if (r >= 0)
		return b->fd;
	if (b->fd >= 0)
		(void)close(b->fd);
	return r;
}

static int add_all(struct landlock_builder *b, const struct grant_set *g)
{
	int r = landlock_add_holes(b, g);

	if (r == 0)
		r = landlock_add_grants(b, g);
	return r == 0 ? add_tcp(b, g) : r;
}

int landlock_build(const struct grant_set *g, struct landlock_report *ret)
{
	struct landlock_builder b = { .fd = -1 };
	int r = begin(&b, g);

	if (r == 0)
		r = add_all(&b, g);
	if (r == 0 && ret)
		*ret = b.report;
	return finish(&b, r);
}

int landlock_build_with(const struct grant_set *g, struct landlock_report *ret,
			const struct grant_set *outer, int *ret_outer)
{
	struct landlock_builder o = { .fd = -1 };
	struct landlock_builder b = { .fd = -1, .outer = &o };
	int r = begin(&b, g);

	if (r == 0)
		r = begin(&o, outer);
	if (r == 0)
		r = add_all(&b, g);
	if (r == 0)
		r = add_all(&o, outer);
	if (r == 0)
		*ret = b.report;
	o.fd = finish(&o, r);
	if (r == 0)
		*ret_outer = o.fd;
	return finish(&b, r);
}
