/* SPDX-License-Identifier: MIT */
/*
 * shim_install.c - the steps between a shell and the shim
 *
 *	NAME = shell
 *	   | link (or copy) NAME to NAME.real
 *	NAME = shell, NAME.real = shell
 *	   | rename the shim over NAME
 *	NAME = shim, NAME.real = shell
 *	   | rename NAME.real over NAME
 *	NAME = shell
 *
 * A NAME that is a symbolic link (sh -> dash) has its file copied, and the link
 * itself kept as NAME.real.link so that it comes back. A NAME that is not the
 * shim although NAME.real exists is a step that was not finished, or a shell
 * that a package put there since: either way it is the shell, and NAME.real is
 * made from it again.
 */
#include "cli/shim_install.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "cli/shim.h"

void shim_plan_done(struct shim_plan *p)
{
	for (size_t i = 0; i < p->actions.n; i++) {
		free(p->actions.data[i].path);
		free(p->actions.data[i].from);
		free(p->actions.data[i].to);
		free(p->actions.data[i].note);
	}
	vec_done(&p->actions);
}

static char *copy(const char *text)
{
	return text ? str_dup(str_from(text)) : NULL;
}

int shim_plan_add(struct shim_plan *p, const char *op, const char *path,
		  const char *note)
{
	return vec_push(&p->actions,
			(struct shim_action){ .op = op,
					      .path = copy(path),
					      .note = copy(note) });
}

/* One shell on its way. */
struct job {
	const struct shim_root *root;
	struct shim_plan *plan;
	const char *name;
	struct buf target, real; /* shown */
	char real_name[32], link_name[32], temporary[32];
};

static void job_done(struct job *j)
{
	buf_done(&j->target);
	buf_done(&j->real);
}

static void job_init(struct job *j, const struct shim_root *root,
		     const char *name, struct shim_plan *plan)
{
	*j = (struct job){ .root = root, .plan = plan, .name = name };
	shim_root_path(root, name, "", &j->target);
	shim_root_path(root, name, ".real", &j->real);
	(void)snprintf(j->real_name, sizeof(j->real_name), "%s.real", name);
	(void)snprintf(j->link_name, sizeof(j->link_name), "%s.real.link",
		       name);
	(void)snprintf(j->temporary, sizeof(j->temporary), ".%s.agentsh", name);
}

static int add_rename(struct job *j, bool install)
{
	const char *from = buf_cstr(install ? &j->target : &j->real);
	const char *to = buf_cstr(install ? &j->real : &j->target);

	return vec_push(&j->plan->actions,
			(struct shim_action){ .op = "rename",
					      .from = copy(from),
					      .to = copy(to) });
}

/* The names must not come out of order after a power cut. */
static int settle(const struct job *j)
{
	return fsync(j->root->bin) < 0 && errno == EIO ? -EIO : 0;
}

/* temporary -> name; the two may be one file already. */
static int move_in(const struct job *j, const char *name)
{
	int bin = j->root->bin;
	int r = renameat(bin, j->temporary, bin, name) < 0 ? -errno : 0;

	(void)unlinkat(bin, j->temporary, 0); /* nothing there is usual */
	return r < 0 ? r : settle(j);
}

static int open_path(const struct job *j, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT };
	long fd = syscall(SYS_openat2, j->root->fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/*
 * The shell that the target leads to; when that is a shim (sh -> bash, and bash
 * was done first), the real shell of it.
 */
static int read_shell(const struct job *j, const struct shim_place *p,
		      struct buf *bytes, struct stat *st)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	_cleanup_close_ int fd = -1;
	int r = 0;

	buf_printf(&path, "bin/%s", j->name);
	for (int i = 0; i < 2; i++) {
		fd = open_path(j, buf_cstr(&path));
		if (fd < 0)
			return fd;
		r = fstat(fd, st) < 0 ? -errno
				      : fd_read_all(fd, SHIM_BYTES_MAX, bytes);
		if (r < 0 || !shim_is_shim(buf_str(bytes)))
			return r;
		(void)close(TAKE_FD(fd));
		buf_reset(bytes);
		buf_reset(&path);
		if (buf_cstr(&p->target.link)[0] != '/')
			buf_puts(&path, "bin/");
		buf_printf(&path, "%s.real", buf_cstr(&p->target.link));
	}
	return -ELOOP;
}

static int write_copy(const struct job *j, const struct buf *bytes,
		      const struct stat *st)
{
	_cleanup_close_ int fd = -1;
	int r;

	(void)unlinkat(j->root->bin, j->temporary, 0);
	fd = openat(j->root->bin, j->temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
	if (fd < 0)
		return -errno;
	r = fd_write_full(fd, bytes->data, bytes->len);
	if (r == 0 && geteuid() == 0 && fchown(fd, st->st_uid, st->st_gid) < 0)
		r = -errno;
	if (r == 0 && fchmod(fd, st->st_mode & 07777) < 0)
		r = -errno;
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

static int copy_real(const struct job *j, const struct shim_place *p)
{
	_cleanup_buf_ struct buf bytes = BUF_INIT;
	struct stat st;
	int r = read_shell(j, p, &bytes, &st);

	if (r == 0)
		r = write_copy(j, &bytes, &st);
	return r < 0 ? r : move_in(j, j->real_name);
}

static int keep_link(const struct job *j, const struct shim_place *p)
{
	(void)unlinkat(j->root->bin, j->temporary, 0);
	if (symlinkat(buf_cstr(&p->target.link), j->root->bin, j->temporary) <
	    0)
		return -errno;
	return move_in(j, j->link_name);
}

static int make_real(struct job *j, const struct shim_place *p)
{
	_cleanup_buf_ struct buf note = BUF_INIT;
	bool link = S_ISLNK(p->target.st.st_mode);
	int r = 0;

	if (link) {
		buf_printf(&note, "copy of %s", buf_cstr(&p->target.link));
		r = shim_plan_add(j->plan, "write", buf_cstr(&j->real),
				  buf_cstr(&note));
		if (r == 0)
			r = shim_plan_add(j->plan, "remove",
					  buf_cstr(&j->target),
					  "symbolic link; kept as .real.link");
	} else {
		r = add_rename(j, true);
	}
	if (r < 0 || j->plan->dry)
		return r;
	if (link) {
		r = copy_real(j, p);
		return r < 0 ? r : keep_link(j, p);
	}
	(void)unlinkat(j->root->bin, j->link_name, 0);
	(void)unlinkat(j->root->bin, j->temporary, 0);
	if (linkat(j->root->bin, j->name, j->root->bin, j->temporary, 0) == 0)
		return move_in(j, j->real_name);
	return copy_real(j, p);
}

/* Under a fixed name first, which the next run removes if we stop here. */
static int write_shim(struct job *j, const struct buf *shim)
{
	struct stat st = { .st_mode = 0755 };
	int r = shim_plan_add(j->plan, "write", buf_cstr(&j->target),
			      "write shim bytes");

	if (r < 0 || j->plan->dry)
		return r;
	r = write_copy(j, shim, &st);
	return r < 0 ? r : move_in(j, j->name);
}

static int failed(const struct job *j, int r, struct buf *error)
{
	if (r < 0)
		buf_printf(error, "%s: %s", buf_cstr(&j->target), strerror(-r));
	return r;
}

static int install(struct job *j, const struct shim_place *p,
		   const struct buf *shim)
{
	int r = 0;

	if (!p->target.exists && !p->real.exists)
		return shim_plan_add(j->plan, "skip", buf_cstr(&j->target),
				     "target missing");
	if (p->is_shim && !p->real.exists)
		return shim_plan_add(j->plan, "skip", buf_cstr(&j->target),
				     "already the shim; its real shell is "
				     "missing");
	if (p->matches)
		return 0;
	if (p->target.exists && !p->is_shim)
		r = make_real(j, p);
	return r < 0 ? r : write_shim(j, shim);
}

/* What a run that was cut short left. */
static void sweep(const struct job *j)
{
	if (j->root->bin >= 0 && !j->plan->dry)
		(void)unlinkat(j->root->bin, j->temporary, 0);
}

int shim_install_one(const struct shim_root *root, const char *name,
		     const struct buf *shim, struct shim_plan *plan,
		     struct buf *error)
{
	_cleanup_shim_place_ struct shim_place p = { .name = name };
	_cleanup_(job_done) struct job j;
	int r;

	job_init(&j, root, name, plan);
	sweep(&j);
	r = shim_place_look(root, name, buf_str(shim), &p);
	if (r == 0)
		r = install(&j, &p, shim);
	return failed(&j, r, error);
}

/* NAME.real over NAME; a kept link in place of both. */
static int put_back(const struct job *j)
{
	int bin = j->root->bin;

	if (renameat(bin, j->link_name, bin, j->name) == 0) {
		(void)unlinkat(bin, j->real_name, 0);
		return settle(j);
	}
	if (errno != ENOENT)
		return -errno;
	if (renameat(bin, j->real_name, bin, j->name) < 0)
		return -errno;
	/* Two names of one file (an installation cut short): rename did
	 * nothing. */
	(void)unlinkat(bin, j->real_name, 0);
	return settle(j);
}

int shim_uninstall_one(const struct shim_root *root, const char *name,
		       struct shim_plan *plan, struct buf *error)
{
	_cleanup_shim_place_ struct shim_place p = { .name = name };
	_cleanup_(job_done) struct job j;
	int r;

	job_init(&j, root, name, plan);
	sweep(&j);
	r = shim_place_look(root, name, STR_NONE, &p);
	if (r < 0)
		return failed(&j, r, error);
	if (!p.real.exists)
		return shim_plan_add(plan, "skip", buf_cstr(&j.target),
				     "nothing to restore");
	if (p.target.exists && !p.is_shim) {
		/* The shell is in place already (an update put it there). */
		r = shim_plan_add(plan, "remove", buf_cstr(&j.real),
				  "the shell is in place");
		if (r == 0 && !plan->dry) {
			(void)unlinkat(root->bin, j.real_name, 0);
			(void)unlinkat(root->bin, j.link_name, 0);
			r = settle(&j);
		}
		return failed(&j, r, error);
	}
	r = add_rename(&j, false);
	if (r == 0 && !plan->dry)
		r = put_back(&j);
	return failed(&j, r, error);
}

/* The directory /etc/agentsh of the root, made if need be. fd or -errno. */
static int conf_directory(const struct shim_root *root, bool make)
{
	struct job j = { .root = root };
	_cleanup_close_ int etc = -1;
	int fd = open_path(&j, "etc/agentsh");

	if (fd != -ENOENT || !make)
		return fd;
	etc = open_path(&j, "etc");
	if (etc == -ENOENT && mkdirat(root->fd, "etc", 0755) == 0)
		etc = open_path(&j, "etc");
	if (etc < 0)
		return etc;
	if (mkdirat(etc, "agentsh", 0755) < 0 && errno != EEXIST)
		return -errno;
	return open_path(&j, "etc/agentsh");
}

static int conf_read(int dir, struct shim_conf *conf, struct buf *error)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = dir < 0 ? -ENOENT
			: fd_read_file(dir, "shim.conf", SHIM_CONF_MAX, &text);

	if (r == -ENOENT) {
		*conf = (struct shim_conf){ .other = BUF_INIT };
		return 0;
	}
	if (r < 0) {
		buf_printf(error, "shim.conf: %s", strerror(-r));
		return r;
	}
	return shim_conf_parse(buf_str(&text), conf, error);
}

int shim_install_conf(const struct shim_root *root, bool force, bool check,
		      struct shim_plan *plan, struct buf *error)
{
	_cleanup_shim_conf_ struct shim_conf conf = { .other = BUF_INIT };
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_close_ int dir = conf_directory(root, false);
	int r;

	r = dir < 0 && dir != -ENOENT ? dir : conf_read(dir, &conf, error);
	if (r < 0 && error->len == 0)
		buf_printf(error, SHIM_CONF_PATH ": %s", strerror(-r));
	if (r < 0)
		return r;
	if (force ? conf.force : !conf.force)
		return 0; /* it says so already */
	if (dir < 0 && !plan->dry)
		dir = conf_directory(root, true);
	if (!plan->dry &&
	    (dir < 0 || faccessat(dir, ".", W_OK, AT_EACCESS) < 0)) {
		r = dir < 0 ? dir : -errno;
		buf_printf(error, SHIM_CONF_PATH ": %s", strerror(-r));
		return r;
	}
	if (check)
		return 0;
	conf.force = force;
	conf.force_given = true;
	shim_conf_render(&conf, &text);
	r = shim_plan_add(plan, "write", SHIM_CONF_PATH,
			  force ? "force=true" : "force=false");
	if (r == 0 && !plan->dry) {
		mode_t old = umask(022);

		r = fd_write_file_atomic(dir, "shim.conf", buf_str(&text),
					 0644);
		(void)umask(old);
	}
	if (r < 0)
		buf_printf(error, SHIM_CONF_PATH ": %s", strerror(-r));
	return r;
}
