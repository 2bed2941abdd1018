/* SPDX-License-Identifier: MIT */
/*
 * test_dlp_ordinary.c - what is found in code and documents that hold none
 *
 * Up to 25 MB of this system's own headers, Python modules and documents. Mail
 * addresses of authors are real; of all else at most one per MB.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/unit/dlp/fixture.h"

#define TOTAL_MAX (25U << 20)
#define FILE_MAX  (512U << 10)
#define TYPES_MAX 512

static struct {
	struct dlp_engine *engine;
	size_t bytes, files;
	unsigned int counts[TYPES_MAX];
} seen;

static void count(void *arg, const struct dlp_finding *f)
{
	(void)arg;
	seen.counts[f->type]++;
}

static int look(const char *path, const struct stat *st, int type,
		struct FTW *where)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct dlp_sink sink = { .found = count };

	(void)where;
	if (type != FTW_F || st->st_size <= 0 || st->st_size > FILE_MAX)
		return 0;
	if (fd_read_file(AT_FDCWD, path, FILE_MAX, &text) < 0 ||
	    memchr(text.data, 0, text.len))
		return 0;
	if (dlp_find(seen.engine, buf_str(&text), &sink) < 0)
		return 1;
	seen.bytes += text.len;
	seen.files++;
	return seen.bytes >= TOTAL_MAX;
}

int main(void)
{
	static const char *const roots[] = { "/usr/include", "/usr/lib/python3",
					     "/usr/share/doc",
					     "/usr/share/perl", "/usr/share" };
	struct dlp_settings s = { 0 };
	double mb, others = 0;

	seen.engine = engine_of(&s);
	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		if (seen.bytes < TOTAL_MAX)
			(void)nftw(roots[i], look, 16, FTW_PHYS);
	mb = (double)seen.bytes / 1e6;
	printf("%zu files, %.1f MB\n", seen.files, mb);
	for (size_t i = 0; i < dlp_engine_n_types(seen.engine); i++) {
		if (seen.counts[i] == 0)
			continue;
		printf("%-24s %6u  %.2f per MB\n",
		       dlp_type_name(seen.engine, (unsigned int)i),
		       seen.counts[i], seen.counts[i] / mb);
		if (dlp_type_group(seen.engine, (unsigned int)i) != DLP_EMAIL)
			others += seen.counts[i];
	}
	(void)dlp_engine_free(seen.engine);
	if (mb < 5) {
		printf("SKIP: no 5 MB of code and documents on this system\n");
		return 77;
	}
	return others <= mb ? 0 : 1;
}
