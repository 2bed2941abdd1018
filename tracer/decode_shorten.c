/* SPDX-License-Identifier: MIT */
/*
 * decode_shorten.c - ftruncate, fallocate, fcntl(F_SETFL) and pwritev2 on
 * descriptors that could only append
 *
 * A file that is opened to be written to is kept as it is then; one that is
 * opened to append (O_WRONLY and O_APPEND) is not, only how long it was. These
 * calls make such a descriptor destroy what was there, so the content is kept
 * before they go on. Nothing is judged (opening was), so a race wins nothing
 * but its own loss.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "tracer/file.h"
#include "tracer/identity.h"

#define FDINFO_MAX 4096

/* O_WRONLY and O_APPEND in the "flags:" of its fdinfo, which are octal. */
static bool appends(const struct request *q, int fd)
{
	_cleanup_identity_ struct identity *was = identity_look();
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[64];
	struct str rest, line;
	unsigned int flags = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", q->tid, fd);
	if (fd_read_file(AT_FDCWD, path, FDINFO_MAX, &text) < 0)
		return false;
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line)) {
		if (!str_starts(line, STR("flags:")))
			continue;
		line = str_trim(str_skip(line, 6));
		for (size_t i = 0; i < line.n; i++)
			flags = flags * 8 + (unsigned int)(line.p[i] - '0');
		return (flags & O_ACCMODE) == O_WRONLY && (flags & O_APPEND);
	}
	return false;
}

/* Only what takes away: from the length on, or a hole. */
static bool destroys(const struct request *q, const struct stat *st)
{
	if (q->nr == SYS_ftruncate)
		return (int64_t)q->args[1] < st->st_size;
	if (q->nr == SYS_fallocate)
		return ((int)q->args[1] & ~FALLOC_FL_KEEP_SIZE) != 0;
	return st->st_size > 0;
}

static void keep(struct file_call *f)
{
	struct keep_req req = { .verb = KEEP_WRITE, .fd = f->a.fd };

	if (!S_ISREG(f->a.st.st_mode) || !destroys(f->q, &f->a.st))
		return;
	file_hold_parent(&f->a);
	req.at = file_at(&f->a);
	(void)file_keep(f, &req); /* not kept is on record in the store */
}

void decode_shorten(struct request *q)
{
	struct file_call *f;

	if (!q->tracer->trash || !appends(q, (int)q->args[0])) {
		request_continue(q);
		return;
	}
	f = file_new(q, FILE_TRUNCATE, NULL);
	if (!f)
		return;
	if (file_find_fd(f, &f->a, (int)q->args[0]) == 0)
		keep(f);
	request_continue(q);
}
