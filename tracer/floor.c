/* SPDX-License-Identifier: MIT */
/*
 * floor.c - the Landlock domains of a session's commands and of its supervisor
 */
#include "tracer/floor.h"

#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"
#include "confine/caps.h"
#include "confine/seccomp.h"
#include "core/grant.h"
#include "tracer/device.h"
#include "tracer/divert_exec.h"
#include "tracer/identity.h"

static int add_grants(struct grant_set *g, const struct settings_list *l,
		      uint32_t access)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++)
		r = grant_set_add(g, l->v[i], access, /* expand */ false);
	return r;
}

/*
 * What policies grant in /dev by name is granted although its neighbours are
 * not. Others' terminals cannot be told from one's own here: commands open them
 * through us, or for writing (which is judged); see device.c.
 */
static int hold_devices_back(const struct tracer *t, struct grant_set *g,
			     bool for_commands)
{
	for (size_t i = 0; i < g->fs.n; i++) {
		struct fs_grant *f = &g->fs.data[i];
		struct str path = str_from(f->path);

		f->inside |= str_starts(path, STR("/dev/"));
		if (for_commands && !t->floor_only &&
		    path_beneath(path, STR("/dev/pts")))
			f->access &= ~(uint32_t)(GRANT_READ | GRANT_EXECUTE);
		/* A pattern for one file of each process stands for all of
		 * procfs, where nobody looks closer. */
		if (t->floor_only && (path_beneath(path, STR("/proc")) ||
				      path_beneath(path, STR("/sys"))))
			f->access &= GRANT_READ | GRANT_EXECUTE;
	}
	return g->no_holes ? 0 : device_holes(t, g);
}

static int derive_tcp(const struct tracer *t, struct grant_set *g)
{
	const struct settings *s = &t->settings;
	int r = 0;

	/* Where sockets cannot be had, connections are made by the commands
	 * themselves after they were judged. Ports cannot tell the loopback
	 * from the world, and whoever needs the one must get both. */
	if (t->no_getfd && (t->notify & NOTIFY_NET))
		g->tcp_connect_any = true;
	/* Nobody judges an address then: the proxy is the only way out, as it
	 * is from a namespace of its own, whatever the address. */
	if (t->floor_only && t->net_ns >= 0) {
		g->tcp_connect_any = true;
	} else if (t->floor_only && s->proxy_port) {
		g->tcp_connect_any = false;
		g->tcp_connect_ports.n = 0;
	}
	if (s->proxy_port)
		r = vec_push(&g->tcp_connect_ports, s->proxy_port);
	return r < 0 ? r : settings_narrow_tcp(s, g);
}

static int derive_grants(struct tracer *t, struct grant_set *g, bool hide_trash)
{
	const struct settings *s = &t->settings;
	int r = policy_derive_grants(t->policy, str_from(t->workspace), g,
				     &t->opens_to_watch);

	if (r == 0)
		r = add_grants(g, &s->landlock_read, GRANT_READ);
	if (r == 0)
		r = add_grants(g, &s->landlock_write, GRANT_RW);
	if (r == 0)
		r = add_grants(g, &s->landlock_exec,
			       GRANT_READ | GRANT_EXECUTE);
	if (r == 0 && exec_divert_path(t))
		r = grant_set_add(g, exec_divert_path(t),
				  GRANT_READ | GRANT_EXECUTE,
				  /* expand */ false);
	for (size_t i = 0; r == 0 && i < s->deny_paths.n; i++)
		r = grant_set_add_hole(g, s->deny_paths.v[i]);
	for (size_t i = 0; r == 0 && i < s->closed_paths.n; i++)
		r = grant_set_add_hole(g, s->closed_paths.v[i]);
	if (r == 0)
		r = hold_devices_back(t, g, /* for_commands */ hide_trash);
	g->n_unread = g->holes.n;
	if (r == 0 && s->control_socket)
		r = grant_set_add_hole(g, s->control_socket);
	if (r == 0 && hide_trash && t->trash)
		r = grant_set_add_hole(g, trash_path(t->trash).p);
	return r < 0 ? r : derive_tcp(t, g);
}

/* What our own work needs besides what commands do. */
static int add_own_grants(const struct tracer *t, struct grant_set *g)
{
	struct str rest = str_from(t->settings.path), dir;
	int r = grant_set_add(g, "/proc", GRANT_READ, /* expand */ false);

	if (r == 0) /* terminals of commands */
		r = grant_set_add(g, "/dev/pts", GRANT_READ | GRANT_IOCTL,
				  /* expand */ false);
	for (size_t i = 0; i < g->fs.n; i++)
		g->fs.data[i].inside |= str_starts(str_from(g->fs.data[i].path),
						   STR("/dev/pts"));
	if (r == 0 && (t->cgroups || t->late))
		r = grant_set_add(g, "/sys/fs/cgroup", GRANT_RW,
				  /* expand */ false);
	if (r == 0 && (t->cgroups || t->late) && t->settings.cgroup_base)
		r = grant_set_add(g, t->settings.cgroup_base, GRANT_RW,
				  /* expand */ false);
	while (r == 0 && str_split(&rest, ':', &dir)) {
		_cleanup_free_ char *path = str_dup(dir);

		r = !path          ? -ENOMEM
		    : *path == '/' ? grant_set_add(g, path, GRANT_READ,
						   /* expand */ false)
				   : 0;
	}
	/* Landlock knows ports only. Connections are judged here by address,
	 * and made here; the commands' own domain keeps the narrow set. */
	if (t->notify & NOTIFY_NET)
		g->tcp_connect_any = g->tcp_bind_any = true;
	return r;
}

static int build_one(struct tracer *t, const struct grant_set *g)
{
	t->landlock_fd = landlock_build(g, &t->landlock);
	t->landlock_error = MIN(t->landlock_fd, 0);
	return 0;
}

/*
 * Our own domain along with the one command's. It has no holes: what is held
 * back inside a tree is held back from the command by its own domain, and from
 * us by what we judge (decision 0011).
 */
static int build_both(struct tracer *t, const struct grant_set *g)
{
	struct grant_set own = { .tcp_connect_any = g->tcp_connect_any,
				 .tcp_bind_any = g->tcp_bind_any };
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->tcp_connect_ports.n; i++)
		r = vec_push(&own.tcp_connect_ports,
			     g->tcp_connect_ports.data[i]);
	for (size_t i = 0; r == 0 && i < g->tcp_bind_ports.n; i++)
		r = vec_push(&own.tcp_bind_ports, g->tcp_bind_ports.data[i]);
	if (r == 0)
		r = add_own_grants(t, &own);
	if (r == 0)
		t->landlock_fd = landlock_build_with(g, &t->landlock, &own,
						     &t->own_landlock_fd);
	grant_set_done(&own);
	if (r < 0)
		return r;
	t->landlock_error = 0;
	return t->landlock_fd < 0 ? build_one(t, g) : 0;
}

/* Landlock being absent is no failure: the layer list says so. */
int floor_build(struct tracer *t)
{
	struct grant_set g = { 0 };
	int r;

	t->landlock_fd = -1;
	g.no_holes = t->whole_trees;
	if (!t->settings.landlock) {
		t->landlock_error = -ECANCELED;
		return 0;
	}
	r = derive_grants(t, &g, /* hide_trash */ true);
	if (r == 0)
		r = t->direct ? build_both(t, &g) : build_one(t, &g);
	grant_set_done(&g);
	return r;
}

int floor_rebuild(struct tracer *t)
{
	if (t->landlock_fd < 0)
		return 0;
	(void)close(t->landlock_fd);
	return floor_build(t);
}

/*
 * Puts this process where its commands will be: their credentials, no
 * capability, and a Landlock domain that theirs is nested in. So a call that we
 * make for a caller can reach nothing that the caller's own domain does not
 * grant, but for what our own work needs: procfs, our cgroups, and reading the
 * programs on the search path. A domain beside theirs would not do: we could
 * not read their memory or take their descriptors.
 */
static int restrict_self(struct tracer *t)
{
	_cleanup_close_ int fd = TAKE_FD(t->own_landlock_fd);
	struct grant_set g = { 0 };
	int r = 0;

	if (fd < 0) {
		r = derive_grants(t, &g, /* hide_trash */ false);
		if (r == 0)
			r = add_own_grants(t, &g);
		if (r == 0)
			fd = landlock_build(&g, NULL);
		grant_set_done(&g);
	}
	if (r < 0)
		return r;
	if (fd < 0)
		return fd;
	return landlock_restrict(fd, landlock_restrict_flags(t->landlock.abi));
}

int floor_drop_privileges(struct tracer *t)
{
	int r = caps_restrict(t->own_caps);

	if (r == 0)
		r = identity_enable(t->caps);
	if (r < 0)
		return log_error_errno(r, "cannot drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return log_error_errno(-errno, "no_new_privs");
	if (t->landlock_fd < 0)
		return 0;
	r = restrict_self(t);
	return r < 0 ? log_error_errno(r, "cannot restrict the tracer") : 0;
}
