/* SPDX-License-Identifier: MIT */
/*
 * regex_class.c - named character classes of regular expressions
 */
#include "base/regex_class.h"

static const struct regex_class perl_classes[] = {
	{ "d", { { '0', '9' } } },
	{ "s", { { '\t', '\n' }, { '\f', '\r' }, { ' ', ' ' } } },
	{ "w", { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' }, { '_', '_' } } },
};

static const struct regex_class posix_classes[] = {
	{ "alnum", { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } } },
	{ "alpha", { { 'A', 'Z' }, { 'a', 'z' } } },
	{ "ascii", { { 1, 0x7F } } },
	{ "blank", { { '\t', '\t' }, { ' ', ' ' } } },
	{ "cntrl", { { 1, 0x1F }, { 0x7F, 0x7F } } },
	{ "digit", { { '0', '9' } } },
	{ "graph", { { '!', '~' } } },
	{ "lower", { { 'a', 'z' } } },
	{ "print", { { ' ', '~' } } },
	{ "punct", { { '!', '/' }, { ':', '@' }, { '[', '`' }, { '{', '~' } } },
	{ "space", { { '\t', '\r' }, { ' ', ' ' } } },
	{ "upper", { { 'A', 'Z' } } },
	{ "word", { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' }, { '_', '_' } } },
	{ "xdigit", { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } } },
};

/* The common scripts only: enough for file names and arguments. */
static const struct regex_class unicode_classes[] = {
	{ "L",
	  { { 'A', 'Z' },
	    { 'a', 'z' },
	    { 0xC0, 0xD6 },
	    { 0xD8, 0xF6 },
	    { 0xF8, 0x2C1 },
	    { 0x370, 0x373 },
	    { 0x386, 0x481 },
	    { 0x48A, 0x559 },
	    { 0x561, 0x6D3 },
	    { 0x904, 0x1FFF },
	    { 0x3041, 0xD7A3 } } },
	{ "Lu",
	  { { 'A', 'Z' },
	    { 0xC0, 0xD6 },
	    { 0xD8, 0xDE },
	    { 0x391, 0x3A9 },
	    { 0x400, 0x42F } } },
	{ "Ll",
	  { { 'a', 'z' },
	    { 0xDF, 0xF6 },
	    { 0xF8, 0xFF },
	    { 0x3B1, 0x3C9 },
	    { 0x430, 0x45F } } },
	{ "N",
	  { { '0', '9' },
	    { 0xB2, 0xB3 },
	    { 0xB9, 0xB9 },
	    { 0xBC, 0xBE },
	    { 0x660, 0x669 },
	    { 0x966, 0x96F },
	    { 0xFF10, 0xFF19 } } },
	{ "Nd",
	  { { '0', '9' },
	    { 0x660, 0x669 },
	    { 0x966, 0x96F },
	    { 0xFF10, 0xFF19 } } },
};

const struct regex_class *regex_class_find(enum regex_class_family family,
					   struct str name)
{
	static const struct {
		const struct regex_class *classes;
		size_t n;
	} families[] = {
		[REGEX_CLASS_PERL] = { perl_classes, ARRAY_LEN(perl_classes) },
		[REGEX_CLASS_POSIX] = { posix_classes,
					ARRAY_LEN(posix_classes) },
		[REGEX_CLASS_UNICODE] = { unicode_classes,
					  ARRAY_LEN(unicode_classes) },
	};

	for (size_t i = 0; i < families[family].n; i++)
		if (str_eq_c(name, families[family].classes[i].name))
			return &families[family].classes[i];
	return NULL;
}
