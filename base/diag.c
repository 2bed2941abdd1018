/* SPDX-License-Identifier: MIT */
/*
 * diag.c - messages about text that a human wrote
 */
#include "base/diag.h"

#include <stdarg.h>
#include <stdint.h>

#define SUGGEST_MAX_WORD 64

void diag_done(struct diag *d)
{
	for (size_t i = 0; i < d->n_items; i++) {
		free(d->items[i].file);
		free(d->items[i].text);
	}
	d->n_items = d->n_errors = d->n_warnings = 0;
}

/* An item whose text does not fit in memory is still counted. */
static void add_item(struct diag *d, const struct diag_item *where,
		     const char *file, const char *fmt, va_list ap)
	_printf_(4, 0);
static void add_item(struct diag *d, const struct diag_item *where,
		     const char *file, const char *fmt, va_list ap)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct diag_item *item;

	if (d->n_items == DIAG_MAX_ITEMS)
		return;
	buf_vprintf(&text, fmt, ap);
	item = &d->items[d->n_items];
	*item = *where;
	item->text = buf_take(&text);
	if (!item->text)
		return;
	item->file = file ? str_dup(str_from(file)) : NULL;
	d->n_items++;
}

void diag_error(struct diag *d, const char *file, unsigned int line,
		unsigned int column, const char *fmt, ...)
{
	struct diag_item where = { .level = DIAG_ERROR,
				   .line = line,
				   .column = column };
	va_list ap;

	if (!d)
		return;
	d->n_errors++;
	va_start(ap, fmt);
	add_item(d, &where, file, fmt, ap);
	va_end(ap);
}

void diag_warn(struct diag *d, const char *file, unsigned int line,
	       unsigned int column, const char *fmt, ...)
{
	struct diag_item where = { .level = DIAG_WARNING,
				   .line = line,
				   .column = column };
	va_list ap;

	if (!d)
		return;
	d->n_warnings++;
	va_start(ap, fmt);
	add_item(d, &where, file, fmt, ap);
	va_end(ap);
}

static void put_place(const struct diag_item *item, struct buf *out)
{
	if (item->file)
		buf_printf(out, "%s:", item->file);
	if (item->line) {
		buf_printf(out, "%u:", item->line);
		if (item->column)
			buf_printf(out, "%u:", item->column);
	}
	if (item->file || item->line)
		buf_putc(out, ' ');
}

void diag_format(const struct diag *d, struct buf *out)
{
	size_t all = d->n_errors + d->n_warnings;

	for (size_t i = 0; i < d->n_items; i++) {
		const struct diag_item *item = &d->items[i];

		put_place(item, out);
		buf_printf(out, "%s: %s\n",
			   item->level == DIAG_ERROR ? "error" : "warning",
			   item->text);
	}
	if (all > d->n_items)
		buf_printf(out, "and %zu more\n", all - d->n_items);
}

void diag_first_error(const struct diag *d, struct buf *out)
{
	for (size_t i = 0; i < d->n_items; i++)
		if (d->items[i].level == DIAG_ERROR) {
			put_place(&d->items[i], out);
			buf_puts(out, d->items[i].text);
			return;
		}
}

/* Levenshtein distance with one row; both at most SUGGEST_MAX_WORD long. */
static size_t edit_distance(struct str a, struct str b)
{
	size_t row[SUGGEST_MAX_WORD + 1];

	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t above = row[j];
			size_t cost = a.p[i - 1] == b.p[j - 1] ? 0 : 1;
			size_t best = MIN(above, row[j - 1]) + 1;

			row[j] = MIN(best, diagonal + cost);
			diagonal = above;
		}
	}
	return row[b.n];
}

const char *diag_suggest(struct str word, const char *const *known,
			 size_t n_known)
{
	size_t limit = MAX(word.n / 3, (size_t)2), best = SIZE_MAX;
	const char *nearest = NULL;

	if (word.n == 0 || word.n > SUGGEST_MAX_WORD)
		return NULL;
	for (size_t i = 0; i < n_known; i++) {
		struct str candidate = str_from(known[i]);
		size_t distance;

		if (candidate.n > SUGGEST_MAX_WORD)
			continue;
		distance = edit_distance(word, candidate);
		/* "a" is not a misspelt "io": something must be common. */
		if (distance < best && distance <= limit &&
		    distance < MAX(word.n, candidate.n)) {
			best = distance;
			nearest = known[i];
		}
	}
	return nearest;
}
