/* SPDX-License-Identifier: MIT */
/*
 * test_tracer_elf_facts.c - loaders and builds, by what a file says of itself
 */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "tracer/elf_facts.h"

struct image {
	Elf64_Ehdr h;
	Elf64_Phdr p[4];
	Elf64_Dyn d[3];
	char names[32];
	struct {
		Elf64_Nhdr h;
		char name[4];
		uint8_t id[20];
	} note;
};

static void make(struct image *i, const char *soname)
{
	*i = (struct image){ 0 };
	memcpy(i->h.e_ident, ELFMAG, SELFMAG);
	i->h.e_ident[EI_CLASS] = ELFCLASS64;
	i->h.e_ident[EI_DATA] = ELFDATA2LSB;
	i->h.e_type = ET_DYN;
	i->h.e_phoff = offsetof(struct image, p);
	i->h.e_phentsize = sizeof(i->p[0]);
	i->h.e_phnum = 3;
	i->p[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				.p_vaddr = 0x1000,
				.p_filesz = sizeof(*i) };
	i->p[1] = (Elf64_Phdr){ .p_type = PT_DYNAMIC,
				.p_offset = offsetof(struct image, d),
				.p_filesz = sizeof(i->d) };
	i->p[2] = (Elf64_Phdr){ .p_type = PT_NOTE,
				.p_offset = offsetof(struct image, note),
				.p_filesz = sizeof(i->note) };
	i->d[0] = (Elf64_Dyn){ .d_tag = DT_SONAME, .d_un.d_val = 1 };
	i->d[1] = (Elf64_Dyn){ .d_tag = DT_STRTAB,
			       .d_un.d_ptr =
				       0x1000 + offsetof(struct image, names) };
	strncpy(i->names + 1, soname, sizeof(i->names) - 2);
	i->note.h = (Elf64_Nhdr){ 4, sizeof(i->note.id), NT_GNU_BUILD_ID };
	memcpy(i->note.name, "GNU", 4);
	memset(i->note.id, 7, sizeof(i->note.id));
}

static ssize_t from_image(void *arg, void *to, size_t n, uint64_t at)
{
	const struct image *i = arg;

	if (at >= sizeof(*i))
		return 0;
	n = MIN(n, sizeof(*i) - at);
	memcpy(to, (const char *)i + at, n);
	return (ssize_t)n;
}

static bool look(struct image *i, struct elf_facts *f)
{
	return elf_look(i, sizeof(*i), from_image, i, f);
}

static void test_loader(void **state _unused_)
{
	struct elf_facts f;
	struct image i;

	make(&i, "ld-linux-x86-64.so.2");
	assert_true(look(&i, &f));
	assert_true(f.loader);
	assert_int_equal(f.build_id_n, 20);
	assert_int_equal(f.build_id[19], 7);
	make(&i, "libm.so.6");
	assert_true(look(&i, &f));
	assert_false(f.loader);
	/* a program that has an interpreter is none */
	make(&i, "ld-linux-x86-64.so.2");
	i.h.e_phnum = 4;
	i.p[3].p_type = PT_INTERP;
	assert_true(look(&i, &f));
	assert_false(f.loader);
}

/* What lies outside, or says so, is left out; nothing is read beyond. */
static void test_lies(void **state _unused_)
{
	struct elf_facts f;
	struct image i;

	make(&i, "ld-linux");
	i.note.h.n_descsz = UINT32_MAX;
	i.d[1].d_un.d_ptr = UINT64_MAX;
	assert_true(look(&i, &f));
	assert_false(f.loader);
	assert_int_equal(f.build_id_n, 0);
	make(&i, "ld-linux");
	i.p[1].p_offset = UINT64_MAX - 1;
	i.p[2].p_filesz = UINT64_MAX;
	assert_true(look(&i, &f));
	assert_false(f.loader);
	make(&i, "ld-linux");
	i.h.e_phoff = UINT64_MAX - 8;
	assert_false(look(&i, &f));
	make(&i, "ld-linux");
	i.h.e_ident[EI_CLASS] = ELFCLASS32; /* the kernel does not look */
	assert_true(look(&i, &f));
	assert_true(f.loader);
	i.h.e_phentsize = sizeof(Elf32_Phdr);
	assert_false(look(&i, &f));
	assert_false(elf_look(&i, 3, from_image, &i, &f));
}

/* The loader of this very machine, which a static test does not have. */
static void test_real(void **state _unused_)
{
	static const char *const paths[] = { "/lib64/ld-linux-x86-64.so.2",
					     "/lib/ld-linux-aarch64.so.1" };
	struct elf_facts f;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		_cleanup_close_ int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		assert_true(elf_look_fd(fd, &f));
		assert_true(f.loader);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loader),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
