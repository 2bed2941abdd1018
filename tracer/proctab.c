/* SPDX-License-Identifier: MIT */
/*
 * proctab.c - processes of one command: open addressing by pid
 */
#include "tracer/proctab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"

#define PROCTAB_FIRST_SIZE 64

int proc_stat_read(pid_t pid, struct proc_stat *ret)
{
	char path[48], text[1024];
	struct str rest, part;
	uint64_t v[20] = { 0 };
	ssize_t n;
	ptrdiff_t close_paren;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	n = read(fd, text, sizeof(text)); /* procfs gives it whole */
	if (n <= 0)
		return -ESRCH;
	/* comm may hold blanks and parentheses: count from the last ')' */
	rest = str_from_n(text, (size_t)n);
	close_paren = str_rindex(rest, ')');
	if (close_paren < 0)
		return -ESRCH;
	rest = str_skip(rest, (size_t)close_paren + 2);
	ret->state = rest.n ? rest.p[0] : '?';
	for (size_t i = 0; i < 20 && str_split(&rest, ' ', &part); i++)
		(void)num_parse_u64(part, &v[i]);
	ret->parent = (pid_t)v[1];
	ret->pgrp = (pid_t)v[2];
	ret->session = (pid_t)v[3];
	ret->tty = (unsigned int)v[4];
	ret->start_ticks = v[19];
	return 0;
}

/* Linux 6.13; not in the headers of most. */
struct pidfd_info_v0 {
	uint64_t mask, cgroup;
	uint32_t pid, tgid, ppid, ids[8], spare;
};
#define PIDFD_GET_INFO_V0 _IOWR(0xFF, 11, struct pidfd_info_v0)

/* The inode of a pidfd is the process's own wherever the ioctl exists: 6.9. */
static int ident_by_pidfd(pid_t pid, struct proc_ident *ret)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pidfd_info_v0 info = { 0 };
	struct stat st;

	if (fd < 0 || ioctl(fd, PIDFD_GET_INFO_V0, &info) < 0 ||
	    fstat(fd, &st) < 0)
		return -ESRCH;
	ret->parent = (pid_t)info.ppid;
	ret->id = st.st_ino;
	return 0;
}

int proc_ident_read(pid_t pid, struct proc_ident *ret)
{
	static int by_pidfd = -1; /* never mixed: ids are compared */
	struct proc_ident own;
	struct proc_stat st;
	int r;

	if (by_pidfd < 0)
		by_pidfd = ident_by_pidfd(getpid(), &own) == 0;
	if (by_pidfd)
		return ident_by_pidfd(pid, ret);
	r = proc_stat_read(pid, &st);
	if (r < 0)
		return r;
	*ret = (struct proc_ident){ st.parent, st.start_ticks };
	return 0;
}

void proctab_done(struct proctab *t)
{
	free(t->slots);
	*t = (struct proctab){ 0 };
}

static size_t slot_of(const struct proctab *t, pid_t pid)
{
	return ((size_t)pid * 0x9E3779B1U) & (t->size - 1);
}

static struct proc_entry *probe(const struct proctab *t, pid_t pid)
{
	size_t i = slot_of(t, pid);

	while (t->slots[i].pid != 0 && t->slots[i].pid != pid)
		i = (i + 1) & (t->size - 1);
	return &t->slots[i];
}

struct proc_entry *proctab_find(const struct proctab *t, pid_t pid)
{
	struct proc_entry *e;

	if (t->size == 0)
		return NULL;
	e = probe(t, pid);
	return e->pid ? e : NULL;
}

bool proctab_is_same(const struct proc_entry *e)
{
	struct proc_ident now;

	return proc_ident_read(e->pid, &now) == 0 && now.id == e->id;
}

static bool still_there(const struct proc_entry *e)
{
	return e->first || proctab_is_same(e);
}

/* Rebuilds the table; drops entries of dead processes when purge is set. */
static int rebuild(struct proctab *t, size_t size, bool purge)
{
	struct proctab fresh = { .size = size };

	fresh.slots = calloc(size, sizeof(*fresh.slots));
	if (!fresh.slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->size; i++) {
		const struct proc_entry *e = &t->slots[i];

		if (e->pid == 0 || (purge && !still_there(e)))
			continue;
		*probe(&fresh, e->pid) = *e;
		fresh.n++;
	}
	free(t->slots);
	*t = fresh;
	return 0;
}

static int make_room(struct proctab *t)
{
	int r;

	if (t->size == 0)
		return rebuild(t, PROCTAB_FIRST_SIZE, /* purge */ false);
	if (t->n * 2 < t->size)
		return 0;
	r = rebuild(t, t->size, /* purge */ true);
	if (r < 0 || t->n * 4 < t->size)
		return r;
	if (t->size >= PROCTAB_MAX)
		return t->n + 1 < t->size ? 0 : -E2BIG;
	return rebuild(t, t->size * 2, /* purge */ false);
}

struct proc_entry *proctab_get(struct proctab *t, pid_t pid)
{
	struct proc_entry *e = proctab_find(t, pid);

	if (e)
		return e;
	if (make_room(t) < 0)
		return NULL;
	e = probe(t, pid);
	*e = (struct proc_entry){ .pid = pid };
	t->n++;
	return e;
}
