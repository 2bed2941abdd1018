/* SPDX-License-Identifier: MIT */
/*
 * mem.c - reading a notified process' memory
 *
 * process_vm_readv() is one system call without any open file; where a
 * container's filter refuses it, /proc/PID/mem does the same. Reads are split
 * at page ends: process_vm_readv() fails as a whole when the range runs into
 * an unmapped page, and strings often end just before one.
 */
#include "tracer/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "tracer/identity.h"

#define PAGE 4096U

static ssize_t read_proc_mem(pid_t pid, uint64_t addr, void *p, size_t n)
{
	char path[48];
	ssize_t got;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -EFAULT;
	got = pread(fd, p, n, (off_t)addr);
	return got > 0 ? got : -EFAULT;
}

ssize_t mem_read_process(void *arg, uint64_t addr, void *p, size_t n)
{
	_cleanup_identity_ struct identity *was = identity_look();
	const pid_t *pid = arg;
	struct iovec local = { p, n };
	/* An address of the other process; never dereferenced here. */
	struct iovec remote = { (void *)(uintptr_t)addr, n };
	ssize_t got = process_vm_readv(*pid, &local, 1, &remote, 1, 0);

	if (got > 0)
		return got;
	if (got < 0 && (errno == EPERM || errno == ENOSYS))
		return read_proc_mem(*pid, addr, p, n);
	return -EFAULT;
}

int mem_put_process(pid_t tid, uint64_t addr, const void *p, size_t n)
{
	_cleanup_identity_ struct identity *was = identity_look();
	/* Neither is dereferenced for writing here. */
	struct iovec local = { (void *)(uintptr_t)p, n };
	struct iovec remote = { (void *)(uintptr_t)addr, n };

	if (process_vm_writev(tid, &local, 1, &remote, 1, 0) == (ssize_t)n)
		return 0;
	return errno == EPERM || errno == ENOSYS ? -EPERM : -EFAULT;
}

static size_t to_page_end(uint64_t addr, size_t n)
{
	size_t left = PAGE - (size_t)(addr & (PAGE - 1));

	return left < n ? left : n;
}

int mem_get(const struct mem *m, uint64_t addr, void *p, size_t n)
{
	char *out = p;

	while (n > 0) {
		ssize_t got = m->read(m->arg, addr, out, to_page_end(addr, n));

		if (got <= 0)
			return -EFAULT;
		addr += (uint64_t)got;
		out += got;
		n -= (size_t)got;
	}
	return 0;
}

ssize_t mem_get_string(const struct mem *m, uint64_t addr, char *s, size_t size)
{
	size_t len = 0;

	while (len < size) {
		/* Most strings are short: a small first read is cheaper. */
		size_t want = MIN(size - len, len == 0 ? 256U : PAGE);
		const char *end;
		ssize_t got;

		got = m->read(m->arg, addr + len, s + len,
			      to_page_end(addr + len, want));
		if (got <= 0)
			return -EFAULT;
		end = memchr(s + len, 0, (size_t)got);
		if (end)
			return end - s;
		len += (size_t)got;
	}
	return -ENAMETOOLONG;
}

static int move_window(const struct mem *m, struct mem_window *w, uint64_t addr)
{
	ssize_t got;

	if (addr >= w->addr && addr - w->addr < w->n)
		return 0;
	got = m->read(m->arg, addr, w->data,
		      to_page_end(addr, sizeof(w->data)));
	if (got <= 0)
		return -EFAULT;
	w->addr = addr;
	w->n = (size_t)got;
	return 0;
}

ssize_t mem_window_string(const struct mem *m, struct mem_window *w,
			  uint64_t addr, char *s, size_t size)
{
	size_t len = 0;

	while (len < size) {
		const char *from, *end;
		size_t at, part;

		if (move_window(m, w, addr + len) < 0)
			return -EFAULT;
		at = (size_t)(addr + len - w->addr);
		from = w->data + at;
		part = MIN(w->n - at, size - len);
		end = memchr(from, 0, part);
		if (end)
			part = (size_t)(end - from) + 1;
		memcpy(s + len, from, part);
		if (end)
			return (ssize_t)(len + part - 1);
		len += part;
	}
	return -ENAMETOOLONG;
}
