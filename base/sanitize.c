/* SPDX-License-Identifier: MIT */
/*
 * sanitize.c - how our programs behave when built with a sanitizer
 *
 * Linked into sanitized programs only, never into unit tests. LeakSanitizer
 * stops the process with ptrace at exit, which a confined program may not do:
 * it would end with the sanitizer's own error. Leaks are the unit tests' job;
 * here the first bad access or undefined operation ends the program.
 */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

/* The runtime looks these up by name, from another object. */
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
	return "detect_leaks=0:abort_on_error=1";
}

__attribute__((visibility("default"))) const char *__ubsan_default_options(void)
{
	return "abort_on_error=1:print_stacktrace=1";
}
