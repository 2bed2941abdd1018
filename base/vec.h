/* SPDX-License-Identifier: MIT */
/*
 * vec.h - growable array of any element type
 *
 *	VEC(int) v = VEC_INIT;
 *	r = vec_push(&v, 7);      0 or -ENOMEM
 *	v.data[i], v.n
 *	vec_done(&v);             frees the array, not what elements own
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define VEC(type)               \
	struct {                \
		type *data;     \
		size_t n, size; \
	}
#define VEC_INIT           \
	{                  \
		NULL, 0, 0 \
	}

/* Grows *data to hold at least `want` elements of `elem` bytes. */
int vec_grow(void **data, size_t *size, size_t want, size_t elem);

#define vec_reserve(v, want)                                             \
	((v)->size >= (want) ? 0                                         \
			     : vec_grow((void **)&(v)->data, &(v)->size, \
					(want), sizeof(*(v)->data)))
#define vec_push(v, ...)                                     \
	({                                                   \
		int vec_r_ = vec_reserve((v), (v)->n + 1);   \
		if (vec_r_ == 0)                             \
			(v)->data[(v)->n++] = (__VA_ARGS__); \
		vec_r_;                                      \
	})
#define vec_done(v)                     \
	({                              \
		free((v)->data);        \
		(v)->data = NULL;       \
		(v)->n = (v)->size = 0; \
	})

#endif
