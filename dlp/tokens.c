/* SPDX-License-Identifier: MIT */
/*
 * tokens.c - secrets and the tokens that stand for them
 *
 * A token is random, so it tells nothing about its secret. Two open hash
 * tables over one array of entries: by secret, for the same one to get the
 * same token, and by token.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/vec.h"
#include "dlp/dlp.h"

#define PREFIX    "TOK_"
#define MIN_SLOTS 64U

struct entry {
	char *secret; /* owned */
	size_t n;
	uint64_t token;
};

struct dlp_tokens {
	VEC(struct entry) entries;
	uint32_t *by_secret, *by_token; /* index + 1 into entries; 0 = free */
	size_t n_slots;                 /* a power of two */
	size_t bytes, max_bytes;
	uint64_t seed;
};

static int random_u64(uint64_t *ret)
{
	uint64_t v;

	if (getrandom(&v, sizeof(v), 0) != (ssize_t)sizeof(v))
		return -EIO;
	*ret = v;
	return 0;
}

static size_t hash_secret(const struct dlp_tokens *t, struct str s)
{
	uint64_t h = t->seed ^ 0xcbf29ce484222325U;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3U;
	return (size_t)(h ^ (h >> 32));
}

static size_t hash_token(uint64_t token)
{
	return (size_t)(token * 0x9e3779b97f4a7c15U >> 20);
}

struct dlp_tokens *dlp_tokens_new(size_t max_bytes)
{
	struct dlp_tokens *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->max_bytes = max_bytes;
	t->n_slots = MIN_SLOTS;
	t->by_secret = calloc(MIN_SLOTS, sizeof(*t->by_secret));
	t->by_token = calloc(MIN_SLOTS, sizeof(*t->by_token));
	if (!t->by_secret || !t->by_token || random_u64(&t->seed) < 0)
		return dlp_tokens_free(t);
	return t;
}

struct dlp_tokens *dlp_tokens_free(struct dlp_tokens *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; i < t->entries.n; i++) {
		explicit_bzero(t->entries.data[i].secret, t->entries.data[i].n);
		free(t->entries.data[i].secret);
	}
	vec_done(&t->entries);
	free(t->by_secret);
	free(t->by_token);
	free(t);
	return NULL;
}

static void insert(uint32_t *slots, size_t n_slots, size_t hash, size_t index)
{
	size_t i = hash & (n_slots - 1);

	while (slots[i])
		i = (i + 1) & (n_slots - 1);
	slots[i] = (uint32_t)index + 1;
}

static int grow(struct dlp_tokens *t)
{
	size_t n = t->n_slots * 2;
	uint32_t *a = calloc(n, sizeof(*a)), *b = calloc(n, sizeof(*b));

	if (!a || !b) {
		free(a);
		free(b);
		return -ENOMEM;
	}
	for (size_t i = 0; i < t->entries.n; i++) {
		const struct entry *e = &t->entries.data[i];

		insert(a, n, hash_secret(t, str_from_n(e->secret, e->n)), i);
		insert(b, n, hash_token(e->token), i);
	}
	free(t->by_secret);
	free(t->by_token);
	t->by_secret = a;
	t->by_token = b;
	t->n_slots = n;
	return 0;
}

static const struct entry *find_secret(const struct dlp_tokens *t, struct str s)
{
	size_t i = hash_secret(t, s) & (t->n_slots - 1);

	for (; t->by_secret[i]; i = (i + 1) & (t->n_slots - 1)) {
		const struct entry *e = &t->entries.data[t->by_secret[i] - 1];

		if (str_eq(str_from_n(e->secret, e->n), s))
			return e;
	}
	return NULL;
}

static const struct entry *find_token(const struct dlp_tokens *t,
				      uint64_t token)
{
	size_t i = hash_token(token) & (t->n_slots - 1);

	for (; t->by_token[i]; i = (i + 1) & (t->n_slots - 1)) {
		const struct entry *e = &t->entries.data[t->by_token[i] - 1];

		if (e->token == token)
			return e;
	}
	return NULL;
}

static int add(struct dlp_tokens *t, struct str secret)
{
	struct entry e = { .n = secret.n };
	int r;

	do {
		r = random_u64(&e.token);
		if (r < 0)
			return r;
	} while (find_token(t, e.token));
	if (t->entries.n * 2 >= t->n_slots) {
		r = grow(t);
		if (r < 0)
			return r;
	}
	e.secret = str_dup(secret);
	if (!e.secret)
		return -ENOMEM;
	r = vec_push(&t->entries, e);
	if (r < 0) {
		free(e.secret);
		return r;
	}
	insert(t->by_secret, t->n_slots, hash_secret(t, secret),
	       t->entries.n - 1);
	insert(t->by_token, t->n_slots, hash_token(e.token), t->entries.n - 1);
	t->bytes += secret.n;
	return 0;
}

static void write_token(uint64_t token, char out[DLP_TOKEN_LEN + 1])
{
	memcpy(out, PREFIX, sizeof(PREFIX) - 1);
	for (size_t i = 0; i < 16; i++)
		out[sizeof(PREFIX) - 1 + i] =
			"0123456789abcdef"[token >> (60 - 4 * i) & 15];
	out[DLP_TOKEN_LEN] = '\0';
}

int dlp_tokens_put(struct dlp_tokens *t, struct str secret,
		   char ret_token[DLP_TOKEN_LEN + 1])
{
	const struct entry *e = find_secret(t, secret);

	if (!e) {
		int r;

		if (secret.n > t->max_bytes - t->bytes ||
		    t->entries.n >= UINT32_MAX - 1)
			return -ENOSPC;
		r = add(t, secret);
		if (r < 0)
			return r;
		e = &t->entries.data[t->entries.n - 1];
	}
	write_token(e->token, ret_token);
	return 0;
}

static bool read_token(const char *p, uint64_t *ret)
{
	uint64_t v = 0;

	if (memcmp(p, PREFIX, sizeof(PREFIX) - 1) != 0)
		return false;
	for (size_t i = sizeof(PREFIX) - 1; i < DLP_TOKEN_LEN; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret = v;
	return true;
}

struct str dlp_tokens_get(const struct dlp_tokens *t, struct str token)
{
	const struct entry *e;
	uint64_t v;

	if (token.n != DLP_TOKEN_LEN || !read_token(token.p, &v))
		return STR_NONE;
	e = find_token(t, v);
	return e ? str_from_n(e->secret, e->n) : STR_NONE;
}

size_t dlp_tokens_restore(const struct dlp_tokens *t, struct str text,
			  struct buf *out)
{
	size_t n = 0;

	for (;;) {
		ptrdiff_t at = str_find(text, STR(PREFIX));
		struct str secret = STR_NONE;
		size_t before = at < 0 ? text.n : (size_t)at;

		buf_put(out, text.p, before);
		text = str_skip(text, before);
		if (at < 0)
			return n;
		if (text.n >= DLP_TOKEN_LEN)
			secret = dlp_tokens_get(t, str_from_n(text.p,
							      DLP_TOKEN_LEN));
		if (secret.p) {
			buf_put_str(out, secret);
			text = str_skip(text, DLP_TOKEN_LEN);
			n++;
		} else {
			buf_putc(out, text.p[0]);
			text = str_skip(text, 1);
		}
	}
}
