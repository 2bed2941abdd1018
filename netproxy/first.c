/* SPDX-License-Identifier: MIT */
/*
 * first.c - what the first bytes of a tunnel's client begin
 *
 * Servers are patient: they skip empty lines before a request, take any word
 * for a method and need no version. So a word of token characters, a blank and
 * then what a target begins with is a request.
 *
 * A header of the PROXY protocol says to the server who its client is, which is
 * a lie, and whatever follows it is not looked at: so it is none of ours.
 *
 * TLS begins with a handshake record. Servers might skip another record before
 * it, and old ones take a hello in the form of SSLv2, which has no server name.
 */
#include "netproxy/first.h"

#include <string.h>

#define METHOD_MAX 32U
#define LINES_MAX  16U /* empty ones before a request, in bytes */

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* What follows the method of a request, and nothing else that is usual: keys
 * of databases ("get hello") have no scheme. */
static enum first like_target(struct str method, struct str target)
{
	static const char *const schemes[] = { "http://", "https://" };

	if (str_eq(method, STR("PRI")) && target.p[0] == '*')
		return FIRST_HTTP2;
	if (target.p[0] == '/' || target.p[0] == '*' ||
	    str_eq_icase(method, STR("CONNECT")))
		return FIRST_HTTP;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		struct str scheme = str_from(schemes[i]);
		size_t n = MIN(scheme.n, target.n);

		if (!str_eq_icase(str_from_n(target.p, n),
				  str_from_n(scheme.p, n)))
			continue;
		return n == scheme.n ? FIRST_HTTP : FIRST_UNCLEAR;
	}
	return FIRST_OTHER;
}

static const char proxy_1[] = "PROXY ";
static const char proxy_2[] = "\r\n\r\n\0\r\nQUIT\n";

/* FIRST_OTHER: no header of the PROXY protocol begins like this. */
static enum first like_proxy(struct str in)
{
	const struct str heads[] = {
		{ proxy_1, sizeof(proxy_1) - 1 },
		{ proxy_2, sizeof(proxy_2) - 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		if (memcmp(in.p, heads[i].p, MIN(in.n, heads[i].n)) == 0)
			return in.n < heads[i].n ? FIRST_UNCLEAR : FIRST_NO_SNI;
	return FIRST_OTHER;
}

static enum first like_http(struct str in)
{
	size_t i = 0, word;

	while (i < in.n && i < LINES_MAX &&
	       (in.p[i] == '\r' || in.p[i] == '\n'))
		i++;
	word = i;
	while (i < in.n && i - word < METHOD_MAX && is_token_char(in.p[i]))
		i++;
	if (i == in.n)
		return FIRST_UNCLEAR;
	if (i == word || (in.p[i] != ' ' && in.p[i] != '\t'))
		return FIRST_OTHER;
	if (++i == in.n)
		return FIRST_UNCLEAR;
	return like_target(str_from_n(in.p + word, i - 1 - word),
			   str_skip(in, i));
}

/* Length, of which the highest bit is set; type 1; version 0.2 or 3.x. */
static enum first like_old_hello(struct str in)
{
	if (in.n < 5)
		return FIRST_UNCLEAR;
	return in.p[2] == 1 && (in.p[3] == 3 || (in.p[3] == 0 && in.p[4] == 2))
		       ? FIRST_NO_SNI
		       : FIRST_OTHER;
}

enum first first_bytes(struct str in)
{
	unsigned int byte = in.n ? (unsigned char)in.p[0] : 0;
	enum first what;

	if (in.n == 0)
		return FIRST_UNCLEAR;
	if (byte == 0x16)
		return FIRST_HELLO;
	if (byte >= 0x14 && byte <= 0x18) {
		if (in.n < 2)
			return FIRST_UNCLEAR;
		return in.p[1] == 3 ? FIRST_NO_SNI : FIRST_OTHER;
	}
	if (byte & 0x80)
		return like_old_hello(in);
	what = like_proxy(in);
	return what == FIRST_OTHER ? like_http(in) : what;
}
