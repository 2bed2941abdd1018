/* SPDX-License-Identifier: MIT */
/*
 * bar.c - a progress bar for what takes longer than a second
 *
 *	purging  [########            ]  40%  2,003 of 5,000 entries
 *	reading  12,345 events
 */
#include "cli/bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/progress.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"

#define FIRST_NS  1000000000ULL
#define EVERY_NS  100000000ULL
#define MAX_WIDTH 30U

static struct {
	const char *what, *of; /* borrowed */
	enum bar_unit unit;
	uint64_t next_ns; /* not before */
	bool shown;
} bar;

/* "1,234,567" */
static void put_count(struct buf *out, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf_putc(out, ',');
		buf_putc(out, digits[i]);
	}
}

/* Tenths of a megabyte, as text. */
static void put_mb(struct buf *out, uint64_t bytes)
{
	uint64_t tenths = bytes / 100000;

	buf_printf(out, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
}

static void put_amount(struct buf *out, const char *of, enum bar_unit unit,
		       uint64_t done, uint64_t total)
{
	void (*put)(struct buf *, uint64_t) = unit == BAR_BYTES ? put_mb
								: put_count;

	put(out, done);
	if (total) {
		buf_puts(out, " of ");
		put(out, total);
	}
	buf_printf(out, " %s", unit == BAR_BYTES ? "MB" : of);
}

static void put_gauge(struct buf *out, uint64_t done, uint64_t total,
		      unsigned int width)
{
	unsigned int full =
		(unsigned int)((double)done / (double)total * (double)width);

	buf_putc(out, '[');
	for (unsigned int i = 0; i < width; i++)
		buf_putc(out, i < full ? '#' : ' ');
	buf_printf(out, "] %3u%%  ",
		   (unsigned int)((double)done / (double)total * 100));
}

void bar_format(struct buf *out, const char *what, const char *of,
		enum bar_unit unit, uint64_t done, uint64_t total,
		unsigned int columns)
{
	_cleanup_buf_ struct buf amount = BUF_INIT, gauge = BUF_INIT;
	size_t used, room, start = out->len;

	if (total && done > total)
		done = total;
	put_amount(&amount, of, unit, done, total);
	buf_printf(out, "%s  ", what);
	/* "[] 100%  ", and the last column stays free */
	used = out->len - start + amount.len + strlen("[] 100%  ") + 1;
	room = columns > used ? columns - used : 0;
	if (total && room >= 5)
		put_gauge(&gauge, done, total,
			  (unsigned int)MIN(room, (size_t)MAX_WIDTH));
	buf_put_str(out, buf_str(&gauge));
	buf_put_str(out, buf_str(&amount));
	if (columns && out->len - start >= columns) {
		out->len = start + columns - 1;
		out->data[out->len] = '\0';
	}
}

static unsigned int columns(void)
{
	struct winsize ws = { 0 };

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) < 0 || ws.ws_col < 10)
		return 80;
	return ws.ws_col;
}

static void show(uint64_t done, uint64_t total)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	uint64_t now = clock_monotonic_ns();

	if (now < bar.next_ns)
		return;
	bar.next_ns = now + EVERY_NS;
	buf_putc(&line, '\r');
	bar_format(&line, bar.what, bar.of, bar.unit, done, total, columns());
	buf_puts(&line, "\033[K");
	if (!line.error)
		(void)fd_write_full(STDERR_FILENO, line.data, line.len);
	bar.shown = true;
}

static bool wanted(const struct cli *c)
{
	const char *term = getenv("TERM");

	if (out_is_collecting() || flag_bool(&c->flags, "json") ||
	    flag_bool(&c->flags, "quiet"))
		return false;
	return (!term || strcmp(term, "dumb") != 0) && isatty(STDERR_FILENO);
}

/* How long a piece of work may take before it shows a bar. */
static uint64_t patience_ns(void)
{
	const char *after = getenv("AGENTSH_PROGRESS_AFTER");
	int64_t ns;

	if (!after || num_parse_duration(str_from(after), &ns) < 0 || ns < 0)
		return FIRST_NS;
	return (uint64_t)ns;
}

void bar_begin(const struct cli *c, const char *what, const char *of,
	       enum bar_unit unit)
{
	bar_end();
	if (!wanted(c))
		return;
	bar.what = what;
	bar.of = of;
	bar.unit = unit;
	bar.next_ns = clock_monotonic_ns() + patience_ns();
	progress_listen(show);
}

void bar_hide(void)
{
	if (bar.shown)
		(void)fd_write_full(STDERR_FILENO, "\r\033[K", 4);
	bar.shown = false;
}

void bar_end(void)
{
	progress_listen(NULL);
	bar_hide();
}
