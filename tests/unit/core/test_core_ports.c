/* SPDX-License-Identifier: MIT */
/*
 * test_core_ports.c - one writer, readers that cannot write
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/ports.h"

static void test_seen_at_once(void **state)
{
	const struct ports *reader;
	struct ports *writer;
	int fd;

	(void)state;
	assert_int_equal(ports_create(&fd, &writer), 0);
	assert_int_equal(ports_map(fd, &reader), 0);
	assert_false(ports_has(reader, 1));
	for (unsigned int port = 1; port < 65536; port += 61) {
		ports_set(writer, (uint16_t)port, true);
		assert_true(ports_has(reader, (uint16_t)port));
		assert_false(ports_has(reader, (uint16_t)(port - 1)));
		ports_set(writer, (uint16_t)port, false);
		assert_false(ports_has(reader, (uint16_t)port));
	}
	ports_set(writer, 65535, true);
	assert_true(ports_has(reader, 65535));
	/* no port, and no set: nothing is closed, nothing is changed */
	ports_set(writer, 0, true);
	assert_false(ports_has(reader, 0));
	ports_set(NULL, 80, true);
	assert_false(ports_has(NULL, 80));
	(void)ports_unmap(reader);
	(void)ports_unmap(writer);
	(void)close(fd);
}

static void test_readers_cannot_write(void **state)
{
	struct ports *writer;
	int fd;

	(void)state;
	assert_int_equal(ports_create(&fd, &writer), 0);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0),
			 MAP_FAILED);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	(void)ports_unmap(writer);
	(void)close(fd);
}

static void test_other_kinds(void **state)
{
	const struct ports *reader;
	int fd = memfd_create("other", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ports_map(fd, &reader), -EBADMSG);
	assert_int_equal(ftruncate(fd, 8200), 0); /* as large, no mark */
	assert_int_equal(ports_map(fd, &reader), -EBADMSG);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seen_at_once),
		cmocka_unit_test(test_readers_cannot_write),
		cmocka_unit_test(test_other_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
