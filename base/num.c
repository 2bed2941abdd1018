/* SPDX-License-Identifier: MIT */
/*
 * num.c - the one place where text becomes a number
 */
#include "base/num.h"

#include <errno.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int num_parse_u64(struct str s, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]))
			return -EINVAL;
	for (size_t i = 0; i < s.n; i++)
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return -ERANGE;
	*ret = v;
	return 0;
}

int num_parse_i64(struct str s, int64_t *ret)
{
	bool negative = false;
	uint64_t v = 0;
	int r;

	if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
		negative = s.p[0] == '-';
		s = str_skip(s, 1);
	}
	r = num_parse_u64(s, &v);
	if (r < 0)
		return r;
	if (v > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return -ERANGE;
	*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

int num_parse_range(struct str s, int64_t min, int64_t max, int64_t *ret)
{
	int64_t v = 0;
	int r = num_parse_i64(s, &v);

	if (r < 0)
		return r;
	if (v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int num_parse_octal(struct str s, uint32_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '7')
			return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		v = v * 8 + (uint64_t)(s.p[i] - '0');
		if (v > UINT32_MAX)
			return -ERANGE;
	}
	*ret = (uint32_t)v;
	return 0;
}

int num_parse_hex(struct str s, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++)
		if (num_hex_digit(s.p[i]) < 0)
			return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		if (v >> 60)
			return -ERANGE;
		v = v << 4 | (uint64_t)num_hex_digit(s.p[i]);
	}
	*ret = v;
	return 0;
}

struct unit {
	struct str name;
	int64_t scale;
};

static const struct unit time_units[] = {
	{ STR("ns"), 1 },
	{ STR("us"), 1000 },
	{ STR("\xc2\xb5s"), 1000 }, /* U+00B5 micro sign */
	{ STR("\xce\xbcs"), 1000 }, /* U+03BC Greek mu */
	{ STR("ms"), 1000000 },
	{ STR("s"), 1000000000 },
	{ STR("m"), 60 * 1000000000LL },
	{ STR("h"), 3600 * 1000000000LL },
	{ STR("d"), 86400 * 1000000000LL },
	{ STR("w"), 604800 * 1000000000LL },
};

/* Takes a run of digits off the front; empty if there is none. */
static struct str take_digits(struct str *s)
{
	struct str digits = { s->p, 0 };

	while (digits.n < s->n && is_digit(s->p[digits.n]))
		digits.n++;
	*s = str_skip(*s, digits.n);
	return digits;
}

static int64_t take_unit(struct str *s)
{
	struct str name = { s->p, 0 };

	while (name.n < s->n && !is_digit(s->p[name.n]) && s->p[name.n] != '.')
		name.n++;
	for (size_t i = 0; i < ARRAY_LEN(time_units); i++)
		if (str_eq(name, time_units[i].name)) {
			*s = str_skip(*s, name.n);
			return time_units[i].scale;
		}
	return 0;
}

/* 0.DIGITS * scale, digits beyond the precision cut off. */
static uint64_t scaled_fraction(struct str digits, int64_t scale)
{
	uint64_t v = 0, divisor = 1;

	for (size_t i = 0; i < digits.n && i < 18; i++) {
		v = v * 10 + (uint64_t)(digits.p[i] - '0');
		divisor *= 10;
	}
	return (uint64_t)((unsigned __int128)v * (uint64_t)scale / divisor);
}

/* One "<decimal><unit>" off the front, added to *sum. */
static int take_duration_part(struct str *s, uint64_t *sum)
{
	struct str whole, fraction = STR_NONE;
	uint64_t v = 0;
	int64_t scale;
	int r;

	whole = take_digits(s);
	if (s->n && s->p[0] == '.') {
		*s = str_skip(*s, 1);
		fraction = take_digits(s);
	}
	if (whole.n == 0 && fraction.n == 0)
		return -EINVAL;
	scale = take_unit(s);
	if (scale == 0)
		return -EINVAL;
	r = whole.n ? num_parse_u64(whole, &v) : 0;
	if (r < 0)
		return r;
	if (__builtin_mul_overflow(v, (uint64_t)scale, &v) ||
	    __builtin_add_overflow(v, scaled_fraction(fraction, scale), &v) ||
	    __builtin_add_overflow(*sum, v, sum))
		return -ERANGE;
	return 0;
}

int num_parse_duration(struct str s, int64_t *ret_ns)
{
	bool negative = false;
	uint64_t sum = 0;

	if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
		negative = s.p[0] == '-';
		s = str_skip(s, 1);
	}
	if (str_eq(s, STR("0"))) {
		*ret_ns = 0;
		return 0;
	}
	if (s.n == 0)
		return -EINVAL;
	while (s.n) {
		int r = take_duration_part(&s, &sum);

		if (r < 0)
			return r;
	}
	if (sum > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return -ERANGE;
	*ret_ns = negative ? (int64_t)(0 - sum) : (int64_t)sum;
	return 0;
}

/* "1.5" for value/scale, trailing zeros of the fraction cut. */
static void put_decimal(struct buf *b, uint64_t value, uint64_t scale)
{
	uint64_t fraction = value % scale;

	buf_printf(b, "%llu", (unsigned long long)(value / scale));
	if (fraction == 0)
		return;
	buf_putc(b, '.');
	while (fraction) {
		scale /= 10;
		buf_putc(b, (char)('0' + fraction / scale));
		fraction %= scale;
	}
}

void num_format_duration(struct buf *b, int64_t ns)
{
	uint64_t v = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	uint64_t minutes = v / 60000000000U;

	if (ns < 0)
		buf_putc(b, '-');
	if (v == 0) {
		buf_puts(b, "0s");
	} else if (v < 1000) {
		put_decimal(b, v, 1);
		buf_puts(b, "ns");
	} else if (v < 1000000) {
		put_decimal(b, v, 1000);
		buf_puts(b, "\xc2\xb5s");
	} else if (v < 1000000000) {
		put_decimal(b, v, 1000000);
		buf_puts(b, "ms");
	} else {
		if (minutes >= 60)
			buf_printf(b, "%lluh",
				   (unsigned long long)(minutes / 60));
		if (minutes)
			buf_printf(b, "%llum",
				   (unsigned long long)(minutes % 60));
		put_decimal(b, v % 60000000000U, 1000000000);
		buf_putc(b, 's');
	}
}

static const struct unit size_units[] = {
	{ STR("KB"), 1000 },       { STR("MB"), 1000000 },
	{ STR("GB"), 1000000000 }, { STR("TB"), 1000000000000 },
	{ STR("KiB"), 1LL << 10 }, { STR("MiB"), 1LL << 20 },
	{ STR("GiB"), 1LL << 30 }, { STR("TiB"), 1LL << 40 },
};

/* 1 for no suffix, 0 for an unknown one. */
static uint64_t size_scale(struct str suffix)
{
	if (suffix.n == 0)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(size_units); i++)
		if (str_eq_icase(suffix, size_units[i].name))
			return (uint64_t)size_units[i].scale;
	return 0;
}

int num_parse_size(struct str s, uint64_t *ret_bytes)
{
	uint64_t v = 0, scale;
	bool any = false;
	size_t i;

	for (i = 0; i < s.n && (is_digit(s.p[i]) || s.p[i] == '_'); i++) {
		if (s.p[i] == '_')
			continue;
		any = true;
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return -ERANGE;
	}
	s = str_skip(s, i);
	if (s.n && s.p[0] == ' ')
		s = str_skip(s, 1);
	scale = size_scale(s);
	if (!any || scale == 0)
		return -EINVAL;
	if (__builtin_mul_overflow(v, scale, &v))
		return -ERANGE;
	*ret_bytes = v;
	return 0;
}
