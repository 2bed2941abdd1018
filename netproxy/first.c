/* SPDX-License-Identifier: MIT */
/*
 * first.c - what the first bytes of a tunnel's client begin
 *
 * Servers are patient: they skip empty lines before a request, any number of
 * them, take any word for a method, whatever their library calls white space
 * between the words, and need no version. So a word of token characters, blanks
 * and then what a target begins with is a request.
 *
 * A header of the PROXY protocol says to the server who its client is, which is
 * a lie, and whatever follows it is not looked at: so it is none of ours.
 *
 * TLS begins with a handshake record. Servers might skip another record before
 * it, and old ones take a hello in the form of SSLv2, which has no server name.
 */
#include "netproxy/first.h"

#include <string.h>

#define LEAD_MAX   512U  /* blanks and empty lines before a request */
#define METHOD_MAX 1024U /* of a method */
#define BLANKS_MAX 256U  /* between the words */
#define SCHEME_MAX 128U
#define TARGET_MAX 1024U

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_scheme_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

/* What libraries split a request line at, but for its end. */
static bool is_blank(char c)
{
	unsigned int u = (unsigned char)c;

	return u == ' ' || (u >= '\t' && u <= '\r' && u != '\n') ||
	       (u >= 0x1c && u <= 0x1f) || u == 0x85 || u == 0xa0;
}

static bool in_version(char c)
{
	return (c >= '0' && c <= '9') || c == '.' || is_blank(c);
}

/* Whatever the target is, a line that ends in a version is a request's. */
static enum first like_version(struct str line)
{
	static const char version[] = "HTTP/";
	size_t n = sizeof(version) - 1, end = MIN(line.n, (size_t)TARGET_MAX);

	for (size_t i = 0; i < end; i++) {
		size_t after = i + 1 + n;

		if (line.p[i] == '\n')
			return FIRST_OTHER;
		if (!is_blank(line.p[i]) || after > end ||
		    !str_eq_icase(str_from_n(line.p + i + 1, n),
				  str_from_n(version, n)))
			continue;
		while (after < end && in_version(line.p[after]))
			after++;
		if (after < end && line.p[after] == '\n')
			return FIRST_HTTP;
	}
	return line.n < TARGET_MAX ? FIRST_UNCLEAR : FIRST_OTHER;
}

/* What follows the method of a request, and nothing else that is usual: keys
 * of databases ("get hello") have no scheme. */
static enum first like_target(struct str method, struct str target)
{
	static const char after[] = "://";
	struct str rest = target;
	size_t n = 0;

	if (str_eq(method, STR("PRI")) && target.p[0] == '*')
		return FIRST_HTTP2;
	if (target.p[0] == '/' || target.p[0] == '*' ||
	    (str_eq_icase(method, STR("CONNECT")) && target.p[0] != '{'))
		return FIRST_HTTP;
	while (n < target.n && n < SCHEME_MAX && is_scheme_char(target.p[n]))
		n++;
	rest = str_skip(target, n);
	if (rest.n >= sizeof(after) - 1 &&
	    memcmp(rest.p, after, sizeof(after) - 1) == 0)
		return FIRST_HTTP;
	return like_version(target);
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
	size_t i = 0, word, blanks;

	while (i < in.n && i < LEAD_MAX &&
	       (is_blank(in.p[i]) || in.p[i] == '\n'))
		i++;
	if (i == LEAD_MAX)
		return FIRST_NO_SNI; /* nothing else begins like that */
	word = i;
	while (i < in.n && i - word < METHOD_MAX && is_token_char(in.p[i]))
		i++;
	if (i == in.n)
		return FIRST_UNCLEAR;
	blanks = i;
	while (i < in.n && i - blanks < BLANKS_MAX && is_blank(in.p[i]))
		i++;
	if (blanks == word || i == blanks)
		return FIRST_OTHER;
	if (i - blanks == BLANKS_MAX)
		return FIRST_NO_SNI;
	if (i == in.n)
		return FIRST_UNCLEAR;
	return like_target(str_from_n(in.p + word, blanks - word),
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
	if (byte & 0x80) {
		what = like_old_hello(in);
		return what == FIRST_OTHER ? like_http(in) : what;
	}
	what = like_proxy(in);
	return what == FIRST_OTHER ? like_http(in) : what;
}
