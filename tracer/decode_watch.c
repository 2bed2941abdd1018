/* SPDX-License-Identifier: MIT */
/*
 * decode_watch.c - inotify_add_watch: whoever watches a directory learns the
 * names of what is in it
 *
 * Landlock knows no such right. It is judged as listing the directory, or
 * opening the file, and added by us to the caller's own descriptor.
 */
#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tracer/file.h"
#include "tracer/net.h"

static int64_t act_watch(struct file_call *f)
{
	_cleanup_close_ int fd = -1;
	char path[FILE_SELF_MAX];
	int wd;

	/* Where it cannot be had: judged, and left to the kernel. */
	if (f->q->tracer->no_getfd) {
		request_continue(f->q);
		return FILE_ANSWERED;
	}
	fd = net_getfd(f->q, (int)f->q->args[0]);
	if (fd < 0)
		return fd;
	file_self_path(f->a.fd, path);
	wd = inotify_add_watch(fd, path,
			       (uint32_t)(f->mode & ~(uint64_t)IN_DONT_FOLLOW));
	return wd < 0 ? -errno : wd;
}

void decode_watch(struct request *q)
{
	struct file_call *f = file_new(q, FILE_OPEN, act_watch);
	int r;

	if (!f)
		return;
	f->mode = (uint32_t)q->args[2];
	r = file_get_path(f, &f->a, AT_FDCWD, q->args[1]);
	if (r == 0)
		r = file_find_object(f, &f->a, !(f->mode & IN_DONT_FOLLOW),
				     /* empty */ false);
	if (r < 0) {
		file_error(f, r);
		return;
	}
	if (S_ISDIR(f->a.st.st_mode))
		f->verb = FILE_LIST;
	file_judge(f);
}
