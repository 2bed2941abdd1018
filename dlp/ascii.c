/* SPDX-License-Identifier: MIT */
/*
 * ascii.c - the table of ascii.h
 */
#include "dlp/ascii.h"

const uint8_t ascii_kinds[256] = {
	['0' ... '9'] = ASCII_DIGIT | ASCII_HEX,
	['A' ... 'F'] = ASCII_UPPER | ASCII_HEX,
	['G' ... 'Z'] = ASCII_UPPER,
	['a' ... 'f'] = ASCII_LOWER | ASCII_HEX,
	['g' ... 'z'] = ASCII_LOWER,
};
