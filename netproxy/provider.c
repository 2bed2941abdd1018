/* SPDX-License-Identifier: MIT */
/*
 * provider.c - the language model services that requests can be meant for
 *
 * The clients' only hint is how they log in: Anthropic's send anthropic-version
 * or x-api-key, OpenAI's a bearer token; one that does not begin with "sk-" is
 * a ChatGPT account's, which has its own address.
 */
#include "netproxy/provider.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

#define ANTHROPIC_URL "https://api.anthropic.com"
#define OPENAI_URL    "https://api.openai.com"
#define CHATGPT_URL   "https://chatgpt.com/backend-api"

const char *dialect_to_string(enum dialect d)
{
	return d == DIALECT_ANTHROPIC ? "anthropic" : "openai";
}

void provider_done(struct provider *p)
{
	free(p->name);
	free(p->host);
	free(p->base);
	*p = (struct provider){ 0 };
}

void providers_done(struct providers *p)
{
	for (size_t i = 0; i < p->n; i++)
		provider_done(&p->v[i]);
	p->n = 0;
}

struct place provider_place(const struct provider *p)
{
	return (struct place){ .host = p->host,
			       .addr = p->addr,
			       .is_addr = p->is_addr,
			       .tls = p->tls,
			       .port = p->port };
}

/* "host", "host:port", "[v6]:port" */
static int parse_authority(struct str s, struct provider *p)
{
	_cleanup_buf_ struct buf host = BUF_INIT;
	ptrdiff_t colon = str_rindex(s, ':');
	int64_t port = p->tls ? 443 : 80;
	int kind;

	if (str_index(s, '@') >= 0 || s.n == 0)
		return -EINVAL;
	if (colon >= 0 && s.p[s.n - 1] != ']') {
		if (num_parse_range(str_skip(s, (size_t)colon + 1), 1, 65535,
				    &port) < 0)
			return -EINVAL;
		s.n = (size_t)colon;
	}
	kind = host_canonical(s, &host, &p->addr);
	if (kind < 0)
		return -EINVAL;
	p->is_addr = kind == 1;
	p->port = (uint16_t)port;
	p->host = str_dup(buf_str(&host));
	return p->host ? 0 : -ENOMEM;
}

int provider_parse_url(struct str url, struct provider *ret)
{
	struct provider p = { .tls = true };
	ptrdiff_t slash;
	int r;

	if (str_starts(url, STR("https://"))) {
		url = str_skip(url, 8);
	} else if (str_starts(url, STR("http://"))) {
		p.tls = false;
		url = str_skip(url, 7);
	} else {
		return -EINVAL;
	}
	slash = str_index(url, '/');
	r = parse_authority(slash < 0 ? url : str_from_n(url.p, (size_t)slash),
			    &p);
	url = slash < 0 ? STR_NONE : str_skip(url, (size_t)slash);
	while (url.n && url.p[url.n - 1] == '/')
		url.n--;
	if (str_index(url, '?') >= 0 || str_index(url, '#') >= 0 ||
	    str_index(url, ' ') >= 0)
		r = -EINVAL;
	/* in the clear to this host only */
	if (r == 0 && !p.tls &&
	    !(p.is_addr && addr_classify(&p.addr) == ADDR_LOOPBACK))
		r = -EINVAL;
	p.base = str_dup(url);
	if (r == 0 && !p.base)
		r = -ENOMEM;
	if (r < 0)
		provider_done(&p);
	else
		*ret = p;
	return r;
}

static struct provider *find(const struct providers *p, struct str name)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_eq_c(name, p->v[i].name))
			return (struct provider *)(uintptr_t)&p->v[i];
	return NULL;
}

static int add(struct providers *p, struct str name, struct str url,
	       struct buf *err)
{
	struct provider *it = &p->v[p->n];
	int r = p->n < PROVIDER_MAX ? provider_parse_url(url, it) : -EINVAL;

	if (r == 0) {
		it->name = str_dup(name);
		if (!it->name) {
			provider_done(it);
			return -ENOMEM;
		}
		p->n++;
		return 0;
	}
	if (p->n == PROVIDER_MAX)
		buf_printf(err, "more than %d providers", PROVIDER_MAX);
	else
		buf_printf(err,
			   "provider " STR_FMT ": an https:// URL is wanted, "
			   "or http:// to a loopback address",
			   STR_ARG(name));
	return r;
}

int providers_init(struct providers *p, const struct json *urls,
		   struct buf *err)
{
	static const char *const usual[][2] = {
		{ "anthropic", ANTHROPIC_URL },
		{ "openai", OPENAI_URL },
		{ "chatgpt", CHATGPT_URL },
	};
	int r = 0;

	*p = (struct providers){ 0 };
	json_foreach(it, urls)
	{
		if (r == 0 && it->type == JSON_STRING && it->text.n)
			r = add(p, it->key, it->text, err);
	}
	p->official_openai = !find(p, STR("openai"));
	for (size_t i = 0; i < ARRAY_LEN(usual) && r == 0; i++)
		if (!find(p, str_from(usual[i][0])))
			r = add(p, str_from(usual[i][0]), str_from(usual[i][1]),
				err);
	return r;
}

/* Clients that were given the bare address leave "/v1" out. */
static bool lacks_version(struct str path)
{
	static const char *const known[] = {
		"/chat/completions", "/completions", "/responses",
		"/embeddings",       "/models",      "/files",
		"/images",           "/audio",       "/moderations",
		"/batches",          "/uploads",     "/fine_tuning",
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_starts(path, str_from(known[i])))
			return true;
	return false;
}

static const struct provider *by_path(const struct providers *p,
				      struct str path, struct buf *ret_path,
				      enum dialect *ret_dialect)
{
	struct str rest = str_skip(path, 5);
	ptrdiff_t slash = str_index(rest, '/');
	struct str name = slash < 0 ? rest : str_from_n(rest.p, (size_t)slash);

	rest = slash < 0 ? STR("/") : str_skip(rest, (size_t)slash);
	*ret_dialect = str_find(rest, STR("/messages")) >= 0 ||
				       str_eq(name, STR("anthropic"))
			       ? DIALECT_ANTHROPIC
			       : DIALECT_OPENAI;
	buf_put_str(ret_path, rest);
	return find(p, name);
}

const struct provider *providers_route(const struct providers *p,
				       const struct http1_head *head,
				       struct buf *ret_path,
				       enum dialect *ret_dialect)
{
	struct str path = head->target;
	struct str auth = http1_header(head, "authorization");
	const struct provider *to;

	if (str_starts(path, STR("/llm/")))
		return by_path(p, path, ret_path, ret_dialect);
	if (http1_header(head, "x-api-key").p ||
	    http1_header(head, "anthropic-version").p) {
		*ret_dialect = DIALECT_ANTHROPIC;
		buf_put_str(ret_path, path);
		return find(p, STR("anthropic"));
	}
	if (!auth.p)
		return NULL;
	*ret_dialect = DIALECT_OPENAI;
	to = find(p, STR("openai"));
	if (p->official_openai && auth.n > 7 &&
	    str_eq_icase(str_from_n(auth.p, 7), STR("Bearer ")) &&
	    !str_starts(str_skip(auth, 7), STR("sk-"))) {
		to = find(p, STR("chatgpt"));
		if (str_starts(path, STR("/v1/")))
			path = str_skip(path, 3);
	} else if (lacks_version(path)) {
		buf_puts(ret_path, "/v1");
	}
	/* base "https://host/v1" and path "/v1/..." are one "/v1" */
	if (ret_path->len == 0 && str_starts(path, STR("/v1/")) &&
	    str_ends(str_from(to->base), STR("/v1")))
		path = str_skip(path, 3);
	else if (ret_path->len && str_ends(str_from(to->base), STR("/v1")))
		buf_reset(ret_path);
	buf_put_str(ret_path, path);
	return to;
}
