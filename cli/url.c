/* SPDX-License-Identifier: MIT */
/*
 * url.c - where the server is
 */
#include "cli/url.h"

#include <ctype.h>
#include <errno.h>

#include "base/num.h"

static int bad(struct buf *error, const char *text, const char *why)
{
	buf_printf(error, "invalid server URL \"%s\": %s", text, why);
	return -EINVAL;
}

/* Copies s into a fixed array; false when it does not fit. */
static bool copy(char *out, size_t size, struct str s)
{
	if (s.n >= size || str_index(s, '\0') >= 0)
		return false;
	if (s.n)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

static bool is_loopback(struct str host)
{
	return str_eq_icase(host, STR("localhost")) ||
	       str_eq(host, STR("::1")) ||
	       (str_starts(host, STR("127.")) &&
		strspn(host.p, "0123456789.") >= host.n);
}

static int parse_port(struct str text, const char *url, struct server_url *u,
		      struct buf *error)
{
	int64_t port = 0;

	if (text.n == 0)
		return 0;
	if (num_parse_range(text, 1, 65535, &port) < 0)
		return bad(error, url, "the port is not a number up to 65535");
	u->port = (uint16_t)port;
	u->port_given = true;
	return 0;
}

static int parse_tcp(struct str rest, const char *url, struct server_url *u,
		     struct buf *error)
{
	ptrdiff_t slash = str_index(rest, '/');
	struct str authority = slash < 0 ? rest
					 : str_from_n(rest.p, (size_t)slash);
	struct str prefix = slash < 0 ? STR_NONE
				      : str_skip(rest, (size_t)slash);
	struct str host, port;
	ptrdiff_t end, colon;

	while (prefix.n && prefix.p[prefix.n - 1] == '/')
		prefix.n--;
	if (authority.n && authority.p[0] == '[') {
		end = str_index(authority, ']');
		if (end < 0)
			return bad(error, url, "\"[\" without \"]\"");
		host = str_from_n(authority.p + 1, (size_t)end - 1);
		port = str_skip(authority, (size_t)end + 1);
		if (port.n && port.p[0] != ':')
			return bad(error, url, "junk after \"]\"");
		port = str_skip(port, 1);
	} else {
		colon = str_index(authority, ':');
		host = colon < 0 ? authority
				 : str_from_n(authority.p, (size_t)colon);
		port = colon < 0 ? STR_NONE
				 : str_skip(authority, (size_t)colon + 1);
	}
	if (host.n == 0)
		return bad(error, url, "no host");
	if (!copy(u->host, sizeof(u->host), host) ||
	    !copy(u->prefix, sizeof(u->prefix), prefix))
		return bad(error, url, "too long");
	u->loopback = is_loopback(str_from(u->host));
	u->port = u->tls ? 443 : 80;
	return parse_port(port, url, u, error);
}

int server_url_parse(const char *text, struct server_url *ret,
		     struct buf *error)
{
	struct str s = str_trim(str_from(text));
	struct server_url u = { 0 };
	int r = 0;

	for (const char *p = text; *p; p++)
		if (iscntrl((unsigned char)*p) || *p == ' ')
			return bad(error, "...", "it contains blanks");
	if (str_starts(s, STR("unix://"))) {
		s = str_skip(s, strlen("unix://"));
		if (s.n == 0 || !copy(u.path, sizeof(u.path), s))
			return bad(error, text,
				   "no path, or one of more than "
				   "107 bytes");
	} else if (str_starts(s, STR("https://"))) {
		u.tls = true;
		r = parse_tcp(str_skip(s, strlen("https://")), text, &u, error);
	} else if (str_starts(s, STR("http://"))) {
		r = parse_tcp(str_skip(s, strlen("http://")), text, &u, error);
	} else {
		return bad(error, text,
			   "expected http://, https:// or unix://");
	}
	if (r == 0)
		*ret = u;
	return r;
}

void url_escape(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 128 && isalnum(c)) || (c && strchr("_.~-", c)))
			buf_putc(out, (char)c);
		else
			buf_printf(out, "%%%02X", (unsigned int)c);
	}
}
