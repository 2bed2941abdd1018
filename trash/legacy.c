/* SPDX-License-Identifier: MIT */
/*
 * legacy.c - entries written by the Go program
 */
#include "trash/legacy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/vec.h"
#include "trash/store.h"

#define MANIFEST_MAX (1U << 20)

static int read_manifest(struct trash *t, struct trash_token token,
			 struct arena *a, struct legacy_entry *ret)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char digits[TRASH_TOKEN_LEN + 1], name[80];
	const struct json *uid;
	struct json *doc;
	int r;

	trash_token_format(token, digits);
	(void)snprintf(name, sizeof(name), "manifest/%s.json", digits);
	r = fd_read_file(t->dir_fd, name, MANIFEST_MAX, &text);
	if (r < 0)
		return r;
	r = json_parse(a, buf_str(&text), &doc);
	if (r < 0)
		return r;
	*ret = (struct legacy_entry){
		.token = token,
		.original_path = json_get_str(doc, "original_path"),
		.session = json_get_str(doc, "session"),
		.hash = json_get_str(doc, "hash"),
		.size = (uint64_t)MAX(json_get_i64(doc, "size", 0), 0),
		.mode = (uint32_t)json_get_i64(doc, "mode", 0) & 0777,
		.gid = (uint32_t)json_get_i64(doc, "gid", 0),
	};
	uid = json_get(doc, "uid");
	ret->has_owner = uid != NULL;
	ret->uid = (uint32_t)json_get_i64(doc, "uid", 0);
	if (clock_parse_rfc3339(json_get_str(doc, "created"),
				&ret->created_ns) < 0)
		ret->created_ns = (int64_t)token.lo;
	if (!ret->original_path.n || ret->original_path.p[0] != '/')
		return -EBADMSG;
	return 0;
}

int legacy_find(struct trash *t, struct trash_token token, struct arena *a,
		struct legacy_entry *ret)
{
	return token_is_legacy(token) ? read_manifest(t, token, a, ret)
				      : -ENOENT;
}

static int cmp_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int token_of_name(const char *name, uint64_t *ret)
{
	struct str s = str_from(name);
	struct trash_token token;
	int r;

	if (!str_ends(s, STR(".json")))
		return -EINVAL;
	r = trash_token_parse(str_from_n(s.p, s.n - 5), &token);
	if (r < 0 || !token_is_legacy(token))
		return -EINVAL;
	*ret = token.lo;
	return 0;
}

int legacy_walk(struct trash *t, legacy_fn *fn, void *arg)
{
	VEC(uint64_t) tokens = VEC_INIT;
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *e;
	int r;

	r = fd_opendir(t->dir_fd, "manifest", &d);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	while (r == 0 && (e = readdir(d))) {
		uint64_t token;

		if (token_of_name(e->d_name, &token) == 0)
			r = vec_push(&tokens, token);
	}
	if (tokens.n > 1)
		qsort(tokens.data, tokens.n, sizeof(uint64_t), cmp_u64);
	for (size_t i = 0; r == 0 && i < tokens.n; i++) {
		_cleanup_arena_ struct arena a = ARENA_INIT(4U << 20);
		struct legacy_entry entry;
		struct trash_token token = { 0, tokens.data[i] };

		progress_tell(i, tokens.n);
		if (read_manifest(t, token, &a, &entry) == 0)
			r = fn(arg, &entry);
	}
	vec_done(&tokens);
	return r;
}

int legacy_payload(struct trash *t, struct trash_token token, int *ret_dirfd,
		   char name[TRASH_TOKEN_LEN + 1])
{
	int fd;

	trash_token_format(token, name);
	fd = openat(t->dir_fd, "payload",
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	*ret_dirfd = fd;
	return 0;
}

/*
 * rm -r that follows no link and takes no recursion: the deepest directory is
 * looked for anew after each removal of one, which costs a walk per directory
 * and holds two descriptors whatever the depth.
 */
static int remove_leaf(int top, bool *ret_empty)
{
	int fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0) {
		_cleanup_closedir_ DIR *here = fdopendir(fd);
		struct dirent *e;
		int below = -1;

		if (!here) {
			(void)close(fd);
			return -ENOMEM;
		}
		*ret_empty = true;
		while ((e = readdir(here))) {
			if (!record_name_ok(str_from(e->d_name)))
				continue;
			if (unlinkat(fd, e->d_name, 0) == 0 ||
			    unlinkat(fd, e->d_name, AT_REMOVEDIR) == 0)
				continue;
			if (errno != ENOTEMPTY && errno != EEXIST)
				return -errno;
			*ret_empty = false;
			below = openat(fd, e->d_name,
				       O_RDONLY | O_DIRECTORY | O_CLOEXEC |
					       O_NOFOLLOW);
			break;
		}
		if (*ret_empty)
			return 0;
		fd = below;
	}
	return -errno;
}

static int remove_tree(int dirfd, const char *name)
{
	_cleanup_close_ int top = -1;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	top = openat(dirfd, name,
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (top < 0)
		return -errno;
	while (unlinkat(dirfd, name, AT_REMOVEDIR) < 0) {
		bool empty = false;
		int r;

		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
		r = remove_leaf(top, &empty);
		if (r < 0)
			return r;
	}
	return 0;
}

int legacy_remove(struct trash *t, struct trash_token token, bool payload_too)
{
	char digits[TRASH_TOKEN_LEN + 1], name[80];
	_cleanup_close_ int dirfd = -1;
	int r = 0;

	if (payload_too && legacy_payload(t, token, &dirfd, digits) == 0)
		r = remove_tree(dirfd, digits);
	if (r < 0)
		return r;
	trash_token_format(token, digits);
	(void)snprintf(name, sizeof(name), "manifest/%s.json", digits);
	return unlinkat(t->dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}
