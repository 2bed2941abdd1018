/* SPDX-License-Identifier: MIT */
/*
 * logfile.c - where the daemon's log goes, and what becomes of old ones
 *
 * The file is opened for appending and becomes our stderr, which workers
 * inherit. None of them can be told to open it again, so a file that has grown
 * is copied to PATH.1 and cut, rather than renamed: what they write meanwhile
 * lands behind the cut, because they append. A line written between the copy
 * and the cut is lost; a log is not the audit trail.
 */
#include "server/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "server/app.h"

#define LOOK_NS       (30ULL * 1000000000)
#define FIRST_LOOK_NS 1000000000ULL

int logfile_start(const struct logfile_options *o)
{
	_cleanup_close_ int fd = -1;

	log_init("agentsh-server", o->level);
	log_set_form(o->form);
	if (o->path[0]) {
		fd = open(o->path,
			  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
			  0600);
		if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
			return -errno;
	} else if (o->to_stdout && dup2(STDOUT_FILENO, STDERR_FILENO) < 0) {
		return -errno;
	}
	return log_bequeath();
}

static void backup_name(const char *path, unsigned int i, struct buf *out)
{
	buf_reset(out);
	buf_printf(out, i ? "%s.%u" : "%s", path, i);
}

static int copy(int from, const char *to, off_t size)
{
	_cleanup_close_ int fd =
		open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		     0600);
	off_t at = 0;

	if (fd < 0)
		return -errno;
	while (at < size) {
		ssize_t n = sendfile(fd, from, &at, (size_t)(size - at));

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
	}
	return 0;
}

static int rotate(const struct logfile_options *o, int log, off_t size)
{
	_cleanup_buf_ struct buf from = BUF_INIT, to = BUF_INIT;
	int r = 0;

	for (unsigned int i = o->max_backups; i > 1; i--) {
		backup_name(o->path, i - 1, &from);
		backup_name(o->path, i, &to);
		if (from.error || to.error)
			return -ENOMEM;
		if (rename(buf_cstr(&from), buf_cstr(&to)) < 0 &&
		    errno != ENOENT)
			return -errno;
	}
	backup_name(o->path, 1, &to);
	if (to.error)
		return to.error;
	if (o->max_backups)
		r = copy(log, buf_cstr(&to), size);
	if (r == 0 && ftruncate(log, 0) < 0)
		r = -errno;
	return r;
}

void logfile_expire(const char *path, unsigned int max_backups,
		    int64_t max_age_ns)
{
	_cleanup_buf_ struct buf name = BUF_INIT;
	int64_t now = clock_realtime_ns();
	struct stat st;

	for (unsigned int i = 1; max_age_ns && i <= max_backups; i++) {
		backup_name(path, i, &name);
		if (name.error || lstat(buf_cstr(&name), &st) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (now - (int64_t)st.st_mtime * 1000000000 > max_age_ns)
			(void)unlink(buf_cstr(&name));
	}
}

static void look(const struct settings *s)
{
	const struct logfile_options *o = &s->log;
	_cleanup_close_ int log = -1;
	struct stat st;
	int r;

	logfile_expire(s->jsonl_path, s->max_backups, s->audit_max_age_ns);
	if (!o->path[0])
		return;
	logfile_expire(o->path, o->max_backups, o->max_age_ns);
	log = open(o->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (log < 0 || fstat(log, &st) < 0 || !o->rotate_bytes ||
	    (uint64_t)st.st_size < o->rotate_bytes)
		return;
	r = rotate(o, log, st.st_size);
	if (r < 0)
		log_warn_errno(r, "cannot rotate %s", o->path);
}

static void on_look(struct loop *l, void *arg)
{
	struct app *app = arg;

	(void)l;
	look(&app->cfg);
	(void)loop_timer_arm(app->log_timer, LOOK_NS);
}

int logfile_watch(struct app *app)
{
	return loop_add_timer(app->loop, FIRST_LOOK_NS, on_look, app,
			      &app->log_timer);
}
