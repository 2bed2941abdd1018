/* SPDX-License-Identifier: MIT */
/*
 * swap.c - phantoms become secrets on the way out, and back on the way in
 */
#include "netproxy/swap.h"

#include "base/digest.h"

size_t swap_text(struct str s, struct str from, struct str to, struct buf *out)
{
	size_t n = 0;
	ptrdiff_t at;

	while (from.n && (at = str_find(s, from)) >= 0) {
		buf_put_str(out, str_from_n(s.p, (size_t)at));
		buf_put_str(out, to);
		s = str_skip(s, (size_t)at + from.n);
		n++;
	}
	buf_put_str(out, s);
	return n;
}

bool swap_is_credential_field(struct str name)
{
	static const char *const names[] = {
		"authorization",  "proxy-authorization",
		"x-api-key",      "api-key",
		"apikey",         "x-auth-token",
		"x-access-token", "private-token",
		"job-token",      "x-goog-api-key",
		"x-vault-token",  "x-amz-security-token",
		"cookie",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq_icase(name, str_from(names[i])))
			return true;
	return false;
}

static int swap_basic(struct str coded, struct str phantom, struct str real,
		      struct buf *out)
{
	struct buf plain = BUF_INIT, swapped = BUF_INIT;
	int n = 0;

	if (base64_decode_to(&plain, coded) == 0)
		n = swap_text(buf_str(&plain), phantom, real, &swapped) > 0;
	if (n) {
		buf_puts(out, "Basic ");
		base64_encode_to(out, swapped.data, swapped.len);
		explicit_bzero(swapped.data, swapped.len);
	}
	buf_done(&plain);
	buf_done(&swapped);
	return n;
}

int swap_header(struct str value, struct str phantom, struct str real,
		struct buf *out)
{
	if (value.n > 6 &&
	    str_eq_icase(str_from_n(value.p, 6), STR("Basic ")) &&
	    swap_basic(str_trim(str_skip(value, 6)), phantom, real, out))
		return 1;
	return swap_text(value, phantom, real, out) > 0;
}

bool swap_is_credential_parameter(struct str name)
{
	static const char *const names[] = {
		"token",   "access_token", "api_key",       "apikey",
		"key",     "auth_token",   "private_token", "client_secret",
		"api-key", "password",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq_icase(name, str_from(names[i])))
			return true;
	return false;
}

bool swap_foreign_query(struct str path, struct str phantom)
{
	ptrdiff_t query = str_index(path, '?');
	struct str part;

	if (query < 0)
		return false;
	path = str_skip(path, (size_t)query + 1);
	while (str_split(&path, '&', &part)) {
		ptrdiff_t eq = str_index(part, '=');
		struct str name = part;

		if (eq < 0)
			continue;
		name.n = (size_t)eq;
		if (swap_is_credential_parameter(name) &&
		    !str_eq(str_skip(part, name.n + 1), phantom))
			return true;
	}
	return false;
}

void scrub_done(struct scrub *s)
{
	buf_done(&s->held);
}

/* Length of the longest end of s that `from` begins with, but not all of it. */
static size_t begun(struct str s, struct str from)
{
	size_t n = MIN(s.n, from.n - 1);

	while (n && memcmp(s.p + s.n - n, from.p, n) != 0)
		n--;
	return n;
}

void scrub_feed(struct scrub *s, struct str bytes, struct str from,
		struct str to, bool end, struct buf *out)
{
	struct str all = bytes;
	size_t keep;
	ptrdiff_t at;

	if (s->held.len) {
		buf_put_str(&s->held, bytes);
		all = buf_str(&s->held);
	}
	while ((at = str_find(all, from)) >= 0) {
		buf_put_str(out, str_from_n(all.p, (size_t)at));
		buf_put_str(out, to);
		all = str_skip(all, (size_t)at + from.n);
		s->n++;
	}
	keep = end ? 0 : begun(all, from);
	buf_put_str(out, str_from_n(all.p, all.n - keep));
	all = str_skip(all, all.n - keep);
	if (s->held.len)
		buf_consume(&s->held, s->held.len - keep);
	else
		buf_put_str(&s->held, all);
	if (s->held.error)
		out->error = s->held.error;
}
