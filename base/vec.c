/* SPDX-License-Identifier: MIT */
/*
 * vec.c - growable array of any element type
 */
#include "base/vec.h"

#include <stdint.h>

int vec_grow(void **data, size_t *size, size_t want, size_t elem)
{
	size_t new_size = *size ? *size : 8, bytes;
	void *grown;

	while (new_size < want)
		if (__builtin_mul_overflow(new_size, (size_t)2, &new_size))
			return -ENOMEM;
	if (__builtin_mul_overflow(new_size, elem, &bytes) ||
	    bytes > PTRDIFF_MAX)
		return -ENOMEM;
	grown = realloc(*data, bytes);
	if (!grown)
		return -ENOMEM;
	*data = grown;
	*size = new_size;
	return 0;
}
