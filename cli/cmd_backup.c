/* SPDX-License-Identifier: MIT */
/*
 * cmd_backup.c - backup and restore: configuration, policies, audit database
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit/store.h"
#include "base/fd.h"
#include "cli/bar.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/tarball.h"
#include "config/config.h"

DEFINE_CLEANUP(tarball_close, struct tarball *)
#define _cleanup_tarball_ _cleanup_(tarball_close_p)

/* ---- backup ---- */

static int add_file(struct tarball *t, const char *path, const char *name)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = fd < 0 ? -errno : tarball_add(t, name, fd);

	return r < 0 ? fail_errno(r, "back up %s", path) : 0;
}

static int add_policies(struct tarball *t, const char *dir)
{
	_cleanup_closedir_ DIR *d = opendir(dir);
	const struct dirent *e;
	int status = 0;

	if (!d)
		return errno == ENOENT ? 0 : fail_errno(-errno, "open %s", dir);
	while (status == 0 && (e = readdir(d)) != NULL) {
		_cleanup_buf_ struct buf path = BUF_INIT, name = BUF_INIT;
		struct stat st;

		buf_printf(&path, "%s/%s", dir, e->d_name);
		buf_printf(&name, "policies/%s", e->d_name);
		if (stat(buf_cstr(&path), &st) == 0 && S_ISREG(st.st_mode))
			status = add_file(t, buf_cstr(&path), buf_cstr(&name));
	}
	return status;
}

/* A copy made by SQLite: the server may be writing. */
static int add_database(const struct cli *c, struct tarball *t,
			const char *database, const char *archive)
{
	_cleanup_buf_ struct buf copy = BUF_INIT;
	int status, r;

	if (access(database, F_OK) < 0)
		return 0; /* nothing was recorded yet */
	buf_printf(&copy, "%s.db.tmp", archive);
	(void)unlink(buf_cstr(&copy));
	bar_begin(c, "copying the record", "pages", BAR_COUNT);
	r = audit_backup(database, buf_cstr(&copy));
	bar_begin(c, "packing", NULL, BAR_BYTES);
	status = r < 0 ? fail_errno(r, "copy database %s", database)
		       : add_file(t, buf_cstr(&copy), "events.db");
	(void)unlink(buf_cstr(&copy));
	return status;
}

static int write_archive(const struct cli *c, const struct config *config,
			 const char *config_path, const char *path)
{
	struct tarball *t = NULL;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int status, r;

	if (fd < 0)
		return fail_errno(-errno, "create %s", path);
	r = tarball_create(fd, &t);
	if (r < 0)
		return fail_errno(r, "create %s", path);
	bar_begin(c, "packing", NULL, BAR_BYTES);
	status = add_file(t, config_path, "config.yaml");
	if (status == 0)
		status = add_database(c, t, config->audit.storage.sqlite_path,
				      path);
	if (status == 0)
		status = add_policies(t, config->policies.dir);
	bar_end();
	r = tarball_finish(t);
	if (status == 0 && r < 0)
		status = fail_errno(r, "write %s", path);
	return status;
}

static int open_archive(const char *path, struct tarball **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : tarball_open(fd, ret);

	return r < 0 ? fail_errno(r, "open %s", path) : 0;
}

/* Every byte of it, against its checksums. */
static int verify_archive(const struct cli *c, const char *path)
{
	_cleanup_tarball_ struct tarball *t = NULL;
	char name[TARBALL_NAME_MAX + 1];
	uint64_t size;
	int status = open_archive(path, &t);
	int r;

	if (status)
		return status;
	bar_begin(c, "checking", NULL, BAR_BYTES);
	while ((r = tarball_next(t, name, &size)) == 1)
		;
	bar_end();
	if (r < 0)
		return fail("%s is damaged or no backup", path);
	return out_line("Verification: OK");
}

static void default_name(struct buf *out)
{
	time_t now = time(NULL);
	struct tm tm = { 0 };
	char text[32];

	(void)gmtime_r(&now, &tm);
	(void)strftime(text, sizeof(text), "%Y%m%d-%H%M%S", &tm);
	buf_printf(out, "agentsh-backup-%s.tar.gz", text);
}

int cmd_backup(struct cli *c)
{
	_cleanup_(config_free_p) struct config *config = NULL;
	const char *given = flag_text(&c->flags, "config");
	_cleanup_buf_ struct buf config_path = BUF_INIT, path = BUF_INIT;
	_cleanup_diag_ struct diag diag = DIAG_INIT;
	enum config_source source =
		config_find(given[0] ? given : NULL, environ, &config_path);
	int r = config_load(buf_cstr(&config_path), source, environ, &config,
			    &diag);
	int status;

	if (r < 0) {
		out_diag(&diag);
		return diag.n_errors ? 1
				     : fail_errno(r, "configuration %s",
						  buf_cstr(&config_path));
	}
	if (flag_text(&c->flags, "output")[0])
		buf_puts(&path, flag_text(&c->flags, "output"));
	else
		default_name(&path);
	status = write_archive(c, config, buf_cstr(&config_path),
			       buf_cstr(&path));
	if (status)
		return status;
	status = out_line("Backup created: %s", buf_cstr(&path));
	if (status == 0 && flag_bool(&c->flags, "verify"))
		status = verify_archive(c, buf_cstr(&path));
	return status;
}

/* ---- restore ---- */

/* Where an entry goes below --root; false for one that has no place. */
static bool destination(const char *root, const char *name, struct buf *out)
{
	struct str s = str_from(name), policies = STR("policies/");

	while (root[0] && root[strlen(root) - 1] == '/' && root[1])
		root++; /* only "/" itself is given with a slash at its end */
	if (strcmp(root, "/") != 0)
		buf_puts(out, root);
	if (str_eq(s, STR("config.yaml"))) {
		buf_puts(out, "/etc/agentsh/config.yaml");
	} else if (str_eq(s, STR("events.db"))) {
		buf_puts(out, "/var/lib/agentsh/events.db");
	} else if (str_starts(s, policies)) {
		s = str_skip(s, policies.n);
		if (s.n == 0 || s.p[0] == '.' || str_index(s, '/') >= 0)
			return false;
		buf_printf(out, "/etc/agentsh/policies/" STR_FMT, STR_ARG(s));
	} else {
		return false;
	}
	return true;
}

/* A server that runs keeps its database locked, and would go on writing to
 * the file that is replaced. */
static int check_unused(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fail("%s is in use: stop the server first", path);
	return 0;
}

/* What SQLite would replay into another database than it was made for. */
static void drop_journals(const char *path)
{
	static const char *const SUFFIX[] = { "-wal", "-shm" };

	for (size_t i = 0; i < ARRAY_LEN(SUFFIX); i++) {
		_cleanup_buf_ struct buf name = BUF_INIT;

		buf_printf(&name, "%s%s", path, SUFFIX[i]);
		(void)unlink(buf_cstr(&name));
	}
}

static int extract(struct tarball *t, const char *name, const char *path)
{
	_cleanup_buf_ struct buf dir = BUF_INIT, temporary = BUF_INIT;
	mode_t mode = strcmp(name, "events.db") == 0 ? 0600 : 0644;
	_cleanup_close_ int fd = -1;
	int r;

	buf_put(&dir, path, (size_t)str_rindex(str_from(path), '/'));
	buf_printf(&temporary, "%s.restore", path);
	r = fd_mkdirs(buf_cstr(&dir), 0755);
	(void)unlink(buf_cstr(&temporary));
	if (r == 0) {
		fd = open(buf_cstr(&temporary),
			  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		r = fd < 0 ? -errno : tarball_extract(t, fd);
	}
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && mode == 0600)
		drop_journals(path);
	if (r == 0 && rename(buf_cstr(&temporary), path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(buf_cstr(&temporary));
	return r < 0 ? fail_errno(r, "restore %s", path) : 0;
}

static int restore_entry(const struct cli *c, struct tarball *t,
			 const char *name, uint64_t size)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	int status = 0;

	if (!destination(flag_text(&c->flags, "root"), name, &path))
		return fail("the archive has an entry that no backup has: %s",
			    name);
	if (flag_bool(&c->flags, "dry-run"))
		return out_line("Would restore: %s -> %s (%llu bytes)", name,
				buf_cstr(&path), (unsigned long long)size);
	if (strcmp(name, "events.db") == 0)
		status = check_unused(buf_cstr(&path));
	if (status == 0)
		status = out_line("Restoring: %s -> %s", name, buf_cstr(&path));
	return status ? status : extract(t, name, buf_cstr(&path));
}

int cmd_restore(struct cli *c)
{
	_cleanup_tarball_ struct tarball *t = NULL;
	const char *input = flag_text(&c->flags, "input");
	char name[TARBALL_NAME_MAX + 1];
	uint64_t size;
	int status = 0, r = 0;

	if (flag_bool(&c->flags, "verify"))
		status = verify_archive(c, input);
	if (status == 0)
		status = open_archive(input, &t);
	bar_begin(c, "unpacking", NULL, BAR_BYTES);
	while (status == 0 && (r = tarball_next(t, name, &size)) == 1)
		status = restore_entry(c, t, name, size);
	bar_end();
	if (status == 0 && r < 0)
		status = fail("%s is damaged or no backup", input);
	return status;
}
