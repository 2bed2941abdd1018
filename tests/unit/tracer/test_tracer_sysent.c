/* SPDX-License-Identifier: MIT */
/*
 * test_tracer_sysent.c - what the filter can notify, some decoder takes
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macro.h"
#include "confine/seccomp.h"
#include "tracer/sysent.h"

/* All classes that session.c may ask for. */
#define CLASSES                                                         \
	((uint32_t)(NOTIFY_EXEC | NOTIFY_POSTEXEC | NOTIFY_OPEN_WRITE | \
		    NOTIFY_OPEN_READ | NOTIFY_MUTATE | NOTIFY_META |    \
		    NOTIFY_STAT | NOTIFY_NET | NOTIFY_SIGNAL))

static void test_complete(void **state _unused_)
{
	struct seccomp_options none = { .landlock_abi = 7 };
	struct seccomp_options all = { .landlock_abi = 7, .notify = CLASSES };
	unsigned int n = 0;

	for (int nr = 0; nr < 512; nr++) {
		enum seccomp_class with = seccomp_classify(&all, nr);
		enum seccomp_class without = seccomp_classify(&none, nr);

		/* What is refused only then needs nobody to decode it. */
		if (with == SECCOMP_DENY ||
		    (with != SECCOMP_NOTIFY && with == without))
			continue;
		n++;
		if (!sysent_find(nr))
			print_error("no decoder: %s\n",
				    seccomp_syscall_name(nr));
		assert_non_null(sysent_find(nr));
	}
	assert_true(n > 30); /* fewer where there are no old calls */
}

static void test_names(void **state _unused_)
{
	for (int nr = 0; nr < 512; nr++) {
		const struct sysent *s = sysent_find(nr);

		if (s)
			assert_string_equal(s->name, seccomp_syscall_name(nr));
	}
	assert_null(sysent_find(-1));
	assert_null(sysent_find(100000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
