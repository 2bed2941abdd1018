/* SPDX-License-Identifier: MIT */
/*
 * clock.c - time stamps and random identifiers
 */
#include "base/clock.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "base/num.h"

#define NS_PER_S 1000000000LL

static int64_t read_clock(clockid_t id)
{
	struct timespec t;

	/* Cannot fail for these clocks and a valid pointer. */
	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_realtime_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t clock_monotonic_ns(void)
{
	return (uint64_t)read_clock(CLOCK_MONOTONIC);
}

/*
 * Days since 1970-01-01 of a date in the proleptic Gregorian calendar, and
 * back. Years are counted from March so that the leap day comes last; an era
 * is 400 years = 146097 days.
 */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d)
{
	int64_t era, year_of_era, day_of_year;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	year_of_era = y - era * 400;
	day_of_year = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 -
	       year_of_era / 100 + day_of_year - 719468;
}

static void civil_from_days(int64_t days, int64_t *y, int64_t *m, int64_t *d)
{
	int64_t era, day_of_era, year_of_era, day_of_year, month;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day_of_era = days - era * 146097;
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
		       day_of_era / 146096) /
		      365;
	day_of_year = day_of_era -
		      (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month = (5 * day_of_year + 2) / 153;
	*d = day_of_year - (153 * month + 2) / 5 + 1;
	*m = month < 10 ? month + 3 : month - 9;
	*y = year_of_era + era * 400 + (*m <= 2);
}

/* v as exactly `width` digits. */
static char *put_digits(char *p, int64_t v, int width)
{
	for (int i = width - 1; i >= 0; i--) {
		p[i] = (char)('0' + v % 10);
		v /= 10;
	}
	return p + width;
}

void clock_format_rfc3339(struct buf *b, int64_t unix_ns)
{
	int64_t seconds = unix_ns / NS_PER_S, fraction = unix_ns % NS_PER_S;
	int64_t days, in_day, y, m, d;
	char text[40], *p = text;

	if (fraction < 0) {
		fraction += NS_PER_S;
		seconds--;
	}
	days = seconds / 86400;
	in_day = seconds % 86400;
	if (in_day < 0) {
		in_day += 86400;
		days--;
	}
	civil_from_days(days, &y, &m, &d); /* int64 ns: years 1677 to 2262 */
	p = put_digits(p, y, 4);
	*p++ = '-';
	p = put_digits(p, m, 2);
	*p++ = '-';
	p = put_digits(p, d, 2);
	*p++ = 'T';
	p = put_digits(p, in_day / 3600, 2);
	*p++ = ':';
	p = put_digits(p, in_day / 60 % 60, 2);
	*p++ = ':';
	p = put_digits(p, in_day % 60, 2);
	if (fraction) {
		*p++ = '.';
		p = put_digits(p, fraction, 9);
		while (p[-1] == '0')
			p--;
	}
	*p++ = 'Z';
	buf_put(b, text, (size_t)(p - text));
}

/* Number of `width` digits at the front, then the byte `after` (0: none). */
static bool take_number(struct str *s, size_t width, char after, int64_t *ret)
{
	size_t n = width + (after ? 1 : 0);
	uint64_t v = 0;

	if (s->n < n || num_parse_u64(str_from_n(s->p, width), &v) < 0 ||
	    (after && s->p[width] != after))
		return false;
	*ret = (int64_t)v;
	*s = str_skip(*s, n);
	return true;
}

/* ".123" into nanoseconds; digits beyond nine are dropped. */
static bool take_fraction(struct str *s, int64_t *ret_ns)
{
	int64_t scale = NS_PER_S / 10;
	size_t i;

	*ret_ns = 0;
	if (s->n == 0 || s->p[0] != '.')
		return true;
	for (i = 1; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		*ret_ns += (s->p[i] - '0') * scale;
		scale /= 10;
	}
	*s = str_skip(*s, i);
	return i > 1;
}

static bool take_offset(struct str *s, int64_t *ret_seconds)
{
	int64_t sign, hours, minutes;

	*ret_seconds = 0;
	if (s->n == 1 && (s->p[0] == 'Z' || s->p[0] == 'z'))
		return true;
	if (s->n != 6 || (s->p[0] != '+' && s->p[0] != '-'))
		return false;
	sign = s->p[0] == '-' ? -1 : 1;
	*s = str_skip(*s, 1);
	if (!take_number(s, 2, ':', &hours) ||
	    !take_number(s, 2, 0, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

static int64_t days_in_month(int64_t y, int64_t m)
{
	if (m == 2)
		return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 29 : 28;
	return m == 4 || m == 6 || m == 9 || m == 11 ? 30 : 31;
}

int clock_parse_rfc3339(struct str s, int64_t *ret_unix_ns)
{
	int64_t y, mo, d, h, mi, sec, fraction, offset, seconds, ns;

	if (!take_number(&s, 4, '-', &y) || !take_number(&s, 2, '-', &mo) ||
	    !take_number(&s, 2, 0, &d) || s.n == 0 ||
	    (s.p[0] != 'T' && s.p[0] != 't'))
		return -EINVAL;
	s = str_skip(s, 1);
	if (!take_number(&s, 2, ':', &h) || !take_number(&s, 2, ':', &mi) ||
	    !take_number(&s, 2, 0, &sec) || !take_fraction(&s, &fraction) ||
	    !take_offset(&s, &offset))
		return -EINVAL;
	/* 60 is a leap second; it counts as the next minute's first. */
	if (mo < 1 || mo > 12 || d < 1 || d > days_in_month(y, mo) || h > 23 ||
	    mi > 59 || sec > 60)
		return -EINVAL;
	seconds = days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + sec -
		  offset;
	if (__builtin_mul_overflow(seconds, (int64_t)NS_PER_S, &ns) ||
	    __builtin_add_overflow(ns, fraction, &ns))
		return -EINVAL;
	*ret_unix_ns = ns;
	return 0;
}

void uuid4(char out[UUID_LEN + 1])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char raw[16] = { 0 };
	size_t at = 0, got = 0;

	/* getrandom fails only before the pool is ready or when interrupted */
	while (got < sizeof(raw)) {
		ssize_t n = getrandom(raw + got, sizeof(raw) - got, 0);

		if (n > 0)
			got += (size_t)n;
		else if (errno != EINTR)
			abort();
	}
	raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x40); /* version 4 */
	raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80); /* RFC variant */
	for (size_t i = 0; i < sizeof(raw); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		out[at++] = hex[raw[i] >> 4];
		out[at++] = hex[raw[i] & 15];
	}
	out[at] = '\0';
}
