/* SPDX-License-Identifier: MIT */
/*
 * provider.h - the language model services that requests can be meant for
 */
#ifndef NETPROXY_PROVIDER_H
#define NETPROXY_PROVIDER_H

#include "base/http1.h"
#include "base/json.h"
#include "netproxy/upstream.h"

#define PROVIDER_MAX 32

enum dialect {
	DIALECT_OPENAI = 0,
	DIALECT_ANTHROPIC
};

struct provider {
	char *name, *host, *base; /* owned; base: "" or "/v1", no last slash */
	struct addr addr;
	bool is_addr, tls;
	uint16_t port;
};

struct providers {
	struct provider v[PROVIDER_MAX];
	size_t n;
	bool official_openai;
};

/*
 * "https://host[:port][/path]", or http:// to an address of loopback, into *ret
 * (name stays unset). 0, -EINVAL, -ENOMEM.
 */
int provider_parse_url(struct str url, struct provider *ret);
/* The members of a JSON object, name to URL, with anthropic, openai and chatgpt
 * added where they are missing. 0, -EINVAL with words in err, -ENOMEM. */
int providers_init(struct providers *p, const struct json *urls,
		   struct buf *err);
void providers_done(struct providers *p);
void provider_done(struct provider *p);
struct place provider_place(const struct provider *p);

/*
 * Which one a request is for: by its path "/llm/NAME/...", else by the headers
 * that its kind of client sends. *ret_path: what to ask of it, appended,
 * without the provider's base. NULL: unknown.
 */
const struct provider *providers_route(const struct providers *p,
				       const struct http1_head *head,
				       struct buf *ret_path,
				       enum dialect *ret_dialect);
const char *dialect_to_string(enum dialect d);

#endif
