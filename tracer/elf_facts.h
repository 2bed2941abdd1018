/* SPDX-License-Identifier: MIT */
/*
 * elf_facts.h - what a program file says of itself: is it a loader, which build
 */
#ifndef TRACER_ELF_FACTS_H
#define TRACER_ELF_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ELF_HEAD_MAX     2048 /* header and program headers of most files */
#define ELF_BUILD_ID_MAX 64

struct elf_facts {
	/*
	 * A dynamic loader started as a program: it takes the name of another
	 * one as argument. Known by its own name for itself (DT_SONAME), so
	 * under whatever name a copy of it is called.
	 */
	bool loader;
	/* Of the linker's making (GNU, Go); a copy that had something appended
	 * or its symbols taken out still has it. n == 0: none. */
	uint8_t build_id[ELF_BUILD_ID_MAX];
	size_t build_id_n;
};

/* As long as the kernel takes, with its NUL. */
#define ELF_INTERP_MAX 4096

/* pread() of the file; less than asked for is the end of it. */
typedef ssize_t elf_read_fn(void *arg, void *to, size_t n, uint64_t at);

/*
 * Facts of a file, of which head is the beginning. Everything it says is the
 * attacker's: bounded, and what does not fit is left out. False: no program of
 * this machine's word size.
 */
bool elf_look(const void *head, size_t n, elf_read_fn *read, void *arg,
	      struct elf_facts *ret);
/* The same of an open file, whose beginning is known or not. */
bool elf_look_head_fd(const void *head, size_t n, int fd,
		      struct elf_facts *ret);
bool elf_look_fd(int fd, struct elf_facts *ret);
/*
 * The interpreter that an open program of this machine asks for, as the kernel
 * looks for it. Length without the NUL; 0: none, or the kernel would refuse it.
 */
size_t elf_interp_fd(const void *head, size_t n, int fd,
		     char ret[ELF_INTERP_MAX]);

#endif
