/* SPDX-License-Identifier: MIT */
/*
 * fuzz_num.c - every text parser of num.h and clock.h, and their writers
 *
 * What was accepted and is written again reads as the same value.
 */
#include <assert.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/num.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_duration(struct str in)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int64_t v = 0, again = 0;

	if (num_parse_duration(in, &v) < 0)
		return;
	num_format_duration(&b, v);
	assert(num_parse_duration(buf_str(&b), &again) == 0);
	assert(again == v);
}

static void check_time(struct str in)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int64_t v = 0, again = 0;

	if (clock_parse_rfc3339(in, &v) < 0)
		return;
	clock_format_rfc3339(&b, v);
	assert(clock_parse_rfc3339(buf_str(&b), &again) == 0);
	assert(again == v);
}

static void check_integer(struct str in)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int64_t v = 0, again = 0;

	if (num_parse_i64(in, &v) < 0)
		return;
	buf_printf(&b, "%lld", (long long)v);
	assert(num_parse_i64(buf_str(&b), &again) == 0);
	assert(again == v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_from_n((const char *)data, size);
	uint64_t u = 0;
	uint32_t o = 0;

	check_integer(in);
	check_duration(in);
	check_time(in);
	(void)num_parse_u64(in, &u);
	(void)num_parse_octal(in, &o);
	(void)num_parse_size(in, &u);
	return 0;
}
