/* SPDX-License-Identifier: MIT */
/*
 * elf_facts.c - what a program file says of itself: is it a loader, which build
 */
#include "tracer/elf_facts.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/str.h"

#define HEADERS_MAX        32   /* program headers looked at */
#define DYNAMIC_MAX        128  /* entries of the dynamic section */
#define NOTES_MAX          4096 /* bytes of one note segment */
#define SONAME_MAX         64
#define GO_BUILD_ID        4
#define KERNEL_HEADERS_MAX 65536 /* bytes of program headers that it reads */

struct file {
	elf_read_fn *read;
	void *arg;
	Elf64_Phdr segments[HEADERS_MAX];
	size_t n_segments;
};

static bool read_at(const struct file *f, uint64_t at, void *to, size_t n)
{
	return at <= INT64_MAX - n && f->read(f->arg, to, n, at) == (ssize_t)n;
}

static bool read_headers(struct file *f, const void *head, size_t n,
			 Elf64_Ehdr *ret)
{
	size_t bytes;

	if (n < sizeof(*ret))
		return false;
	memcpy(ret, head, sizeof(*ret));
	if (memcmp(ret->e_ident, ELFMAG, SELFMAG) != 0 ||
	    ret->e_phentsize != sizeof(f->segments[0]))
		return false;
	f->n_segments = MIN(ret->e_phnum, (size_t)HEADERS_MAX);
	bytes = f->n_segments * sizeof(f->segments[0]);
	if (ret->e_phoff <= n && bytes <= n - ret->e_phoff) {
		memcpy(f->segments, (const char *)head + ret->e_phoff, bytes);
		return true;
	}
	return read_at(f, ret->e_phoff, f->segments, bytes);
}

static const Elf64_Phdr *segment(const struct file *f, uint32_t type)
{
	for (size_t i = 0; i < f->n_segments; i++)
		if (f->segments[i].p_type == type)
			return &f->segments[i];
	return NULL;
}

/* Where in the file is what is at this address in memory? */
static bool offset_of(const struct file *f, uint64_t address, uint64_t *ret)
{
	for (size_t i = 0; i < f->n_segments; i++) {
		const Elf64_Phdr *s = &f->segments[i];

		if (s->p_type == PT_LOAD && address >= s->p_vaddr &&
		    address - s->p_vaddr < s->p_filesz) {
			*ret = s->p_offset + (address - s->p_vaddr);
			return true;
		}
	}
	return false;
}

/* The file's own name for itself; "" if it has none. */
static void soname(const struct file *f, char ret[SONAME_MAX])
{
	const Elf64_Phdr *dynamic = segment(f, PT_DYNAMIC);
	uint64_t name = UINT64_MAX, strings = 0, at;
	Elf64_Dyn d[DYNAMIC_MAX];
	size_t n;

	ret[0] = 0;
	if (!dynamic)
		return;
	n = MIN(dynamic->p_filesz / sizeof(d[0]), (uint64_t)DYNAMIC_MAX);
	if (!read_at(f, dynamic->p_offset, d, n * sizeof(d[0])))
		return;
	for (size_t i = 0; i < n && d[i].d_tag != DT_NULL; i++) {
		if (d[i].d_tag == DT_SONAME)
			name = d[i].d_un.d_val;
		else if (d[i].d_tag == DT_STRTAB)
			strings = d[i].d_un.d_ptr;
	}
	if (name > UINT32_MAX || strings > UINT64_MAX - name ||
	    !offset_of(f, strings + name, &at) || at > INT64_MAX - SONAME_MAX)
		return;
	/* At the end of a file there may be less. */
	if (f->read(f->arg, ret, SONAME_MAX - 1, at) <= 0)
		ret[0] = 0;
}

static bool is_loader_name(const char *name)
{
	static const char *const starts[] = { "ld-", "ld.so", "ld64.so",
					      "libc." };

	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (strncmp(name, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

/* Notes are: sizes of name and content, type, name, content, in words. */
static void find_build_id(struct str notes, struct elf_facts *ret)
{
	Elf64_Nhdr h;

	while (notes.n >= sizeof(h)) {
		size_t name, content;
		const char *p;

		memcpy(&h, notes.p, sizeof(h));
		notes = str_skip(notes, sizeof(h));
		name = ((size_t)h.n_namesz + 3) & ~(size_t)3;
		content = ((size_t)h.n_descsz + 3) & ~(size_t)3;
		if (name > notes.n || content > notes.n - name)
			return;
		p = notes.p + name;
		if (h.n_namesz == 4 && h.n_descsz >= 8 &&
		    ((memcmp(notes.p, "GNU", 4) == 0 &&
		      h.n_type == NT_GNU_BUILD_ID) ||
		     (memcmp(notes.p, "Go\0", 4) == 0 &&
		      h.n_type == GO_BUILD_ID))) {
			ret->build_id_n =
				MIN((size_t)h.n_descsz, sizeof(ret->build_id));
			memcpy(ret->build_id, p, ret->build_id_n);
			return;
		}
		notes = str_skip(notes, name + content);
	}
}

static void look_at_notes(const struct file *f, struct elf_facts *ret)
{
	char notes[NOTES_MAX];

	for (size_t i = 0; i < f->n_segments && ret->build_id_n == 0; i++) {
		const Elf64_Phdr *s = &f->segments[i];
		size_t n = MIN(s->p_filesz, sizeof(notes));

		if (s->p_type == PT_NOTE && read_at(f, s->p_offset, notes, n))
			find_build_id(str_from_n(notes, n), ret);
	}
}

bool elf_look(const void *head, size_t n, elf_read_fn *read, void *arg,
	      struct elf_facts *ret)
{
	struct file f = { .read = read, .arg = arg };
	char name[SONAME_MAX] = "";
	Elf64_Ehdr h;

	ret->loader = false;
	ret->build_id_n = 0;
	if (!read_headers(&f, head, n, &h))
		return false;
	/* A loader has none itself; nor have static programs, but those have no
	 * name by which others would ask for them. */
	if (h.e_type == ET_DYN && !segment(&f, PT_INTERP)) {
		soname(&f, name);
		ret->loader = is_loader_name(name);
	}
	look_at_notes(&f, ret);
	return true;
}

static ssize_t read_fd(void *arg, void *to, size_t n, uint64_t at)
{
	return pread(*(const int *)arg, to, n, (off_t)at);
}

/* The kernel looks at e_machine and the size of a header, and no further. */
static bool is_program(const Elf64_Ehdr *h)
{
	return memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 &&
	       (h->e_type == ET_EXEC || h->e_type == ET_DYN) &&
	       h->e_phentsize == sizeof(Elf64_Phdr) &&
	       h->e_phnum * sizeof(Elf64_Phdr) <= KERNEL_HEADERS_MAX;
}

/* From what was read already, or else from the file. */
static bool take(struct str head, int fd, uint64_t at, void *to, size_t n)
{
	if (at <= head.n && n <= head.n - at) {
		memcpy(to, head.p + at, n);
		return true;
	}
	return at <= INT64_MAX - n && pread(fd, to, n, (off_t)at) == (ssize_t)n;
}

size_t elf_interp_fd(const void *head, size_t n, int fd,
		     char ret[ELF_INTERP_MAX])
{
	struct str have = str_from_n(head, n);
	Elf64_Ehdr h;
	Elf64_Phdr p;

	if (!take(have, fd, 0, &h, sizeof(h)) || !is_program(&h))
		return 0;
	for (size_t i = 0; i < h.e_phnum; i++) {
		if (!take(have, fd, h.e_phoff + i * sizeof(p), &p, sizeof(p)))
			return 0;
		if (p.p_type != PT_INTERP)
			continue;
		if (p.p_filesz < 2 || p.p_filesz > ELF_INTERP_MAX ||
		    !take(have, fd, p.p_offset, ret, p.p_filesz) ||
		    ret[p.p_filesz - 1] != 0)
			return 0;
		return strlen(ret);
	}
	return 0;
}

bool elf_look_head_fd(const void *head, size_t n, int fd, struct elf_facts *ret)
{
	return elf_look(head, n, read_fd, &fd, ret);
}

bool elf_look_fd(int fd, struct elf_facts *ret)
{
	char head[ELF_HEAD_MAX];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	return n > 0 && elf_look_head_fd(head, (size_t)n, fd, ret);
}
