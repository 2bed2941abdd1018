/* SPDX-License-Identifier: MIT */
/*
 * mem.h - reading a notified process' memory
 *
 * What is read can change right after: the other threads of the process run.
 * A copy may therefore decide only what is then done *with the copy*.
 */
#ifndef TRACER_MEM_H
#define TRACER_MEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Reads at most n bytes at addr, fewer when the mapping ends. Return: bytes
 * read (> 0) or -EFAULT. A function pointer so that decoders can be tested on
 * fake memory.
 */
typedef ssize_t mem_read_fn(void *arg, uint64_t addr, void *p, size_t n);

struct mem {
	mem_read_fn *read;
	void *arg; /* borrowed */
};

/* Memory of a process (arg = pointer to its pid_t). */
mem_read_fn mem_read_process;

/* Writes n bytes: 0, -EFAULT, or -EPERM where we may not. */
int mem_put_process(pid_t tid, uint64_t addr, const void *p, size_t n);

/* The part of a page that was read last: many short strings lie together. */
struct mem_window {
	uint64_t addr;
	size_t n; /* 0 at first */
	char data[4096];
};

/* Exactly n bytes or -EFAULT. */
int mem_get(const struct mem *m, uint64_t addr, void *p, size_t n);
/*
 * NUL-terminated string into s, which has room for size bytes with the NUL.
 * Return: its length, -EFAULT, or -ENAMETOOLONG when it does not fit.
 */
ssize_t mem_get_string(const struct mem *m, uint64_t addr, char *s,
		       size_t size);
/* The same through a window, which is moved when it has to be. */
ssize_t mem_window_string(const struct mem *m, struct mem_window *w,
			  uint64_t addr, char *s, size_t size);

#endif
