/* SPDX-License-Identifier: MIT */
/*
 * macro.h - attributes and small helpers used everywhere
 */
#ifndef BASE_MACRO_H
#define BASE_MACRO_H

#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _must_check_        __attribute__((warn_unused_result))
#define _nonnull_           __attribute__((nonnull))
#define _unused_            __attribute__((unused))
#define _noreturn_          __attribute__((noreturn))

#endif
