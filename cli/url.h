/* SPDX-License-Identifier: MIT */
/*
 * url.h - where the server is
 */
#ifndef CLI_URL_H
#define CLI_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define URL_DEFAULT      "http://127.0.0.1:18080"
#define URL_DEFAULT_PORT 18080

struct server_url {
	char path[108];   /* unix socket; "" for TCP */
	char host[256];   /* without brackets */
	char prefix[128]; /* path of the base URL, "" or "/x" */
	uint16_t port;    /* 80 or 443 when the URL names none */
	bool port_given;
	bool loopback; /* localhost, 127/8, ::1 */
	bool tls;      /* https */
};

/*
 * http://HOST[:PORT][/PREFIX], https://..., unix:///PATH or unix://PATH.
 * Return: 0, or -EINVAL with a line in error.
 */
int server_url_parse(const char *text, struct server_url *ret,
		     struct buf *error);
/* s with every byte outside [A-Za-z0-9_.~-] as %XX. */
void url_escape(struct buf *out, struct str s);

#endif
