/* SPDX-License-Identifier: MIT */
/*
 * cleanup.h - scope ownership: a local that owns is released when it leaves
 * scope, unless its value was moved out with TAKE() or TAKE_FD().
 *
 *	_cleanup_free_ char *name = NULL;
 *	_cleanup_close_ int fd = -1;
 *	...
 *	*ret_name = TAKE(name);
 *
 * A module that has `struct x *x_free(struct x *)` declares its own attribute
 * with DEFINE_CLEANUP(x_free, struct x *) and uses _cleanup_(x_free_p).
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/macro.h"

#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Defines fn_p(), the function _cleanup_() wants; fn must accept NULL. */
#define DEFINE_CLEANUP(fn, type)           \
	static inline void fn##_p(type *p) \
	{                                  \
		if (*p)                    \
			(void)fn(*p);      \
	}

static inline void cleanup_free_p(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close_p(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

DEFINE_CLEANUP(fclose, FILE *)
DEFINE_CLEANUP(closedir, DIR *)

#define _cleanup_free_     _cleanup_(cleanup_free_p)
#define _cleanup_close_    _cleanup_(cleanup_close_p)
#define _cleanup_fclose_   _cleanup_(fclose_p)
#define _cleanup_closedir_ _cleanup_(closedir_p)

/* Moves a value out of an owning local. */
#define TAKE(p)                            \
	({                                 \
		__typeof__(p) take_ = (p); \
		(p) = NULL;                \
		take_;                     \
	})

#define TAKE_FD(fd)               \
	({                        \
		int take_ = (fd); \
		(fd) = -1;        \
		take_;            \
	})

#endif
