/* SPDX-License-Identifier: MIT */
/*
 * replay.c - runs a fuzz target over files and directories of inputs
 *
 * Every input runs whole and, when it is small, cut off at every byte: input
 * that ends early is what parsers get wrong most often. Each run gets a block
 * of exactly its size, so that AddressSanitizer sees one byte too many. A
 * directory without inputs is a failure, not a pass.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define INPUT_MAX  (8U << 20)
#define PREFIX_MAX 1024U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run(struct str input)
{
	uint8_t *copy = malloc(input.n ? input.n : 1);

	if (!copy)
		return -ENOMEM;
	if (input.n)
		memcpy(copy, input.p, input.n);
	(void)LLVMFuzzerTestOneInput(copy, input.n);
	free(copy);
	return 0;
}

static int replay_file(int dirfd, const char *name)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = fd_read_file(dirfd, name, INPUT_MAX, &b);

	if (r == 0)
		r = run(buf_str(&b));
	if (b.len > PREFIX_MAX)
		return r;
	for (size_t n = 0; n < b.len && r == 0; n++)
		r = run(str_from_n(b.data, n));
	return r;
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* In sorted order, so that a failure is the same one each time. */
static int replay_dir(const char *path, unsigned int *count)
{
	_cleanup_close_ int dir = open(path, O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, not_hidden, alphasort), r = 0;

	if (dir < 0 || n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = replay_file(dir, entries[i]->d_name);
		if (r < 0)
			(void)fprintf(stderr, "%s: failed\n",
				      entries[i]->d_name);
		free(entries[i]);
		(*count)++;
	}
	free(entries);
	return r;
}

int main(int argc, char **argv)
{
	unsigned int count = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;
		int r = stat(argv[i], &st) < 0 ? -errno : 0;

		if (r == 0 && S_ISDIR(st.st_mode)) {
			r = replay_dir(argv[i], &count);
		} else if (r == 0) {
			r = replay_file(AT_FDCWD, argv[i]);
			count++;
		}
		if (r < 0) {
			(void)fprintf(stderr, "%s: %s\n", argv[i],
				      strerrordesc_np(-r));
			return 1;
		}
	}
	if (count == 0) {
		(void)fprintf(stderr, "no inputs: nothing was tested\n");
		return 1;
	}
	(void)printf("%u inputs\n", count);
	return 0;
}
