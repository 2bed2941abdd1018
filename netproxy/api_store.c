/* SPDX-License-Identifier: MIT */
/*
 * api_store.c - bodies of requests and answers, kept for who runs the session
 *
 *	<sessions>/<id>/llm-bodies/req_0000002a.request
 *	<sessions>/<id>/llm-bodies/req_0000002a.response
 *
 * A request as it was sent, but for brokered secrets; an answer through the DLP
 * engine. Never is a request held up by this: what cannot be written is not
 * kept. All sessions' files together stay below the size that is allowed, the
 * oldest go first.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/vec.h"
#include "netproxy/api_priv.h"

#define BODIES     "llm-bodies"
#define SWEEP      64U /* files between two looks at all of them */
#define FILES_MAX  65536U
#define DAY_NS     (86400LL * 1000000000)
#define ANSWER_MAX (8U << 20)

struct kept {
	char *path; /* owned */
	int64_t time_ns;
	int64_t size;
};

struct kept_list {
	VEC(struct kept) v;
};

static int older(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

/* The files of one session. */
static void list_session(const char *base, const char *session,
			 struct kept_list *list)
{
	_cleanup_buf_ struct buf dir = BUF_INIT;
	const struct dirent *e;
	DIR *d;

	buf_printf(&dir, "%s/%s/" BODIES, base, session);
	d = dir.error ? NULL : opendir(buf_cstr(&dir));
	while (d && (e = readdir(d)) && list->v.n < FILES_MAX) {
		_cleanup_buf_ struct buf path = BUF_INIT;
		struct kept k;
		struct stat st;

		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) <
			    0 ||
		    !S_ISREG(st.st_mode))
			continue;
		buf_printf(&path, "%s/%s", buf_cstr(&dir), e->d_name);
		k = (struct kept){ .path = buf_take(&path),
				   .time_ns = (int64_t)st.st_mtim.tv_sec *
						      1000000000 +
					      st.st_mtim.tv_nsec,
				   .size = st.st_size };
		if (!k.path || vec_push(&list->v, k) < 0)
			free(k.path);
	}
	if (d)
		(void)closedir(d);
}

static void list_all(const char *base, struct kept_list *list)
{
	DIR *d = opendir(base);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			list_session(base, e->d_name, list);
	if (d)
		(void)closedir(d);
}

/* Removes what is too old or too much. */
static void sweep(const struct api *a)
{
	_cleanup_buf_ struct buf base = BUF_INIT;
	struct kept_list list = { 0 };
	int64_t now = clock_realtime_ns(), total = 0;
	const char *slash = strrchr(a->dir, '/');

	if (!slash)
		return;
	buf_put_str(&base, str_from_n(a->dir, (size_t)(slash - a->dir)));
	list_all(buf_cstr(&base), &list);
	for (size_t i = 0; i < list.v.n; i++)
		total += list.v.data[i].size;
	if (list.v.n)
		qsort(list.v.data, list.v.n, sizeof(*list.v.data), older);
	for (size_t i = 0; i < list.v.n; i++) {
		const struct kept *k = &list.v.data[i];
		bool old = a->store_days > 0 &&
			   now - k->time_ns > a->store_days * DAY_NS;

		if (!old && (a->store_mb <= 0 || total <= a->store_mb << 20))
			continue;
		if (unlink(k->path) == 0)
			total -= k->size;
	}
	for (size_t i = 0; i < list.v.n; i++)
		free(list.v.data[i].path);
	vec_done(&list.v);
}

static void write_body(struct api *a, const char *id, const char *what,
		       struct str body)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	_cleanup_close_ int fd = -1;

	buf_printf(&path, "%s/" BODIES, a->dir);
	(void)fd_mkdirs(buf_cstr(&path), 0700); /* opening will fail */
	buf_printf(&path, "/%s.%s", id, what);
	if (path.error)
		return;
	fd = open(buf_cstr(&path),
		  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		(void)fd_write_full(fd, body.p, body.n);
	if (a->n_stored++ % SWEEP == 0)
		sweep(a);
}

void api_store_request(struct api_conn *c, struct str body)
{
	if (c->api->store && c->x.kind == API_LLM && body.n)
		write_body(c->api, c->x.id, "request", body);
}

void api_store_feed(struct api_conn *c, struct str data)
{
	struct exchange *x = &c->x;

	if (!c->api->store || x->kind != API_LLM || x->encoded ||
	    x->stored.len >= ANSWER_MAX)
		return;
	data.n = MIN(data.n, (size_t)ANSWER_MAX - x->stored.len);
	buf_put_str(&x->stored, data);
}

void api_store_answer(struct api_conn *c)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;
	struct exchange *x = &c->x;

	if (!x->stored.len || x->stored.error)
		return;
	if (!c->api->dlp_stored)
		write_body(c->api, x->id, "response", buf_str(&x->stored));
	else if (dlp_redact(c->api->dlp_stored, buf_str(&x->stored), &clean,
			    NULL) >= 0)
		write_body(c->api, x->id, "response", buf_str(&clean));
	buf_done(&x->stored);
}
