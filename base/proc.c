/* SPDX-License-Identifier: MIT */
/*
 * proc.c - what /proc says of a process
 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "base/num.h"

#define PROC_FILE_MAX (4U << 20)

/* /proc says ENOENT for a process that is gone, reads of one say ESRCH. */
static int gone(int r)
{
	return r == -ENOENT ? -ESRCH : r;
}

static int read_proc(pid_t pid, const char *file, struct buf *out)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return gone(fd_read_file(AT_FDCWD, path, PROC_FILE_MAX, out));
}

/* Value after "Name:\t" in /proc/PID/status. */
static int status_field(pid_t pid, struct str name, struct buf *file,
			struct str *ret)
{
	struct str rest, line;
	int r = read_proc(pid, "status", file);

	if (r < 0)
		return r;
	rest = buf_str(file);
	while (str_split(&rest, '\n', &line)) {
		if (!str_starts(line, name) || line.n <= name.n ||
		    line.p[name.n] != ':')
			continue;
		*ret = str_trim(str_skip(line, name.n + 1));
		return 0;
	}
	return -ENODATA;
}

static int status_pid(pid_t pid, struct str name, pid_t *ret)
{
	_cleanup_buf_ struct buf file = BUF_INIT;
	struct str text = STR_NONE;
	int64_t v = 0;
	int r = status_field(pid, name, &file, &text);

	if (r < 0)
		return r;
	r = num_parse_range(text, 0, INT_MAX, &v);
	if (r < 0)
		return r;
	*ret = (pid_t)v;
	return 0;
}

int proc_parent(pid_t pid, pid_t *ret)
{
	return status_pid(pid, STR("PPid"), ret);
}

int proc_tgid(pid_t tid, pid_t *ret)
{
	return status_pid(tid, STR("Tgid"), ret);
}

int proc_start_ticks(pid_t pid, uint64_t *ret)
{
	_cleanup_buf_ struct buf file = BUF_INIT;
	struct str rest, field = STR_NONE;
	int r = read_proc(pid, "stat", &file);
	ptrdiff_t paren;

	if (r < 0)
		return r;
	/* Field 2 is the name in parentheses and may itself hold both ") " and
	 * spaces: the last parenthesis ends it. Field 22 is the start. */
	paren = str_rindex(buf_str(&file), ')');
	if (paren < 0)
		return -EBADMSG;
	rest = str_skip(buf_str(&file), (size_t)paren + 2);
	for (int i = 3; i <= 22; i++)
		if (!str_split(&rest, ' ', &field))
			return -EBADMSG;
	return num_parse_u64(field, ret);
}

int proc_umask(pid_t pid, mode_t *ret)
{
	_cleanup_buf_ struct buf file = BUF_INIT;
	struct str text = STR_NONE;
	uint32_t v = 0;
	int r = status_field(pid, STR("Umask"), &file, &text);

	if (r < 0)
		return r;
	r = num_parse_octal(text, &v);
	if (r < 0)
		return r;
	*ret = (mode_t)v;
	return 0;
}

int proc_limits(pid_t pid, struct buf *out)
{
	return read_proc(pid, "limits", out);
}

bool proc_is_confined(pid_t pid)
{
	static const char *const want[][2] = { { "NoNewPrivs", "1" },
					       { "Seccomp", "2" } };

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		_cleanup_buf_ struct buf file = BUF_INIT;
		struct str text = STR_NONE;

		if (status_field(pid, str_from(want[i][0]), &file, &text) < 0 ||
		    !str_eq_c(text, want[i][1]))
			return false;
	}
	return true;
}

int proc_comm(pid_t pid, struct buf *out)
{
	size_t before = out->len;
	int r = read_proc(pid, "comm", out);

	if (r < 0)
		return r;
	if (out->len > before && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	return 0;
}

int proc_exe(pid_t pid, struct buf *out)
{
	char path[64];
	char *p = buf_reserve(out, PATH_MAX);
	ssize_t n;

	if (!p)
		return out->error;
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, p, PATH_MAX);
	if (n < 0)
		return gone(-errno);
	if (n == PATH_MAX)
		return -ENAMETOOLONG;
	out->len += (size_t)n;
	out->data[out->len] = '\0';
	return 0;
}

int proc_cmdline(pid_t pid, struct buf *out)
{
	return read_proc(pid, "cmdline", out);
}
