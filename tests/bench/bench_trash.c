/* SPDX-License-Identifier: MIT */
/*
 * bench_trash.c - a store with very many entries, for measuring what reads it
 *
 *	bench_trash DIR ENTRIES PER-COMMAND [tree]
 *
 * Makes the workspace DIR with a store in which commands of PER-COMMAND
 * removals each are on record, ten commands to a writer; with `tree` each ends
 * with the removal of its directory. There are no payload files. The last
 * command, by a writer of its own, really removes one file `small`.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "trash/keep.h"
#include "trash/work.h"

#define COMMANDS_PER_WRITER 10

static int put_one(struct trash *t, struct slotdir *d, uint32_t group,
		   enum trash_verb verb, const char *name)
{
	struct record_op op = {
		.group = group,
		.dir = d->id,
		.verb = (uint8_t)verb,
		.how = verb == TRASH_VERB_RMDIR ? TRASH_HOW_RECORD
						: TRASH_HOW_MOVED,
		.st = { .ino = 1, .size = 100, .bytes = 4096, .mode = S_IFREG },
		.name = str_from(name),
	};

	if (verb == TRASH_VERB_RMDIR)
		op.st.mode = S_IFDIR;
	return work_record(t, &op, d);
}

static int put_command(struct trash *t, int root, uint64_t n, uint64_t files,
		       bool tree)
{
	struct slotdir *d = NULL, *top = NULL;
	char dir[32], name[32];
	uint32_t group;
	int r;

	(void)snprintf(dir, sizeof(dir), "dir%llu", (unsigned long long)n);
	(void)snprintf(name, sizeof(name), "cmd-%llu", (unsigned long long)n);
	r = trash_group_open(t, STR("session"), str_from(name),
			     STR("rm -rf something"), &group);
	if (r == 0)
		r = slot_get(t, group, str_from(dir), root, false, &d);
	for (uint64_t i = 0; r == 0 && i < files; i++) {
		(void)snprintf(name, sizeof(name), "file%llu",
			       (unsigned long long)i);
		r = put_one(t, d, group, TRASH_VERB_UNLINK, name);
	}
	if (r == 0 && tree)
		r = slot_get(t, group, STR(""), root, false, &top);
	if (r == 0 && tree)
		r = put_one(t, top, group, TRASH_VERB_RMDIR, dir);
	trash_group_close(t, group);
	slot_put(t, d);
	slot_put(t, top);
	return r;
}

static int remove_small(struct trash *t, int root)
{
	struct trash_at at = { .dirfd = root, .name = "small" };
	uint32_t group;
	int fd = openat(root, "small", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	int r = fd < 0 ? -1
		       : trash_group_open(t, STR("session"), STR("cmd-small"),
					  STR("rm small"), &group);

	(void)close(fd);
	if (r == 0)
		r = trash_unlink(t, group, &at, NULL);
	if (r == 0)
		trash_group_close(t, group);
	return r;
}

static int fill(int root, uint64_t entries, uint64_t files, bool tree)
{
	struct trash_options o = { 0 };
	uint64_t n = 0, commands = entries / files;
	int r = 0;

	while (r == 0 && n < commands) {
		struct trash *t;

		r = trash_open(root, &o, &t);
		if (r < 0)
			return r;
		for (int i = 0;
		     r == 0 && i < COMMANDS_PER_WRITER && n < commands; i++)
			r = put_command(t, root, n++, files, tree);
		if (r == 0 && n == commands)
			r = remove_small(t, root);
		(void)trash_close(t);
	}
	return r;
}

int main(int argc, char **argv)
{
	uint64_t entries, files;
	int root, r;

	if (argc < 4 || num_parse_u64(str_from(argv[2]), &entries) < 0 ||
	    num_parse_u64(str_from(argv[3]), &files) < 0 || files == 0) {
		(void)fprintf(stderr, "usage: bench_trash DIR ENTRIES "
				      "PER-COMMAND [tree]\n");
		return 2;
	}
	(void)mkdir(argv[1], 0755);
	root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = root < 0 ? -1 : fill(root, entries, files, argc > 4);
	if (r < 0)
		(void)fprintf(stderr, "bench_trash: %s\n", strerror(-r));
	return r < 0;
}
