/* SPDX-License-Identifier: MIT */
/*
 * parse_redirect.c - dns_redirects and connect_redirects
 *
 * The regular expressions are the compiler's to check; everything else is
 * checked here.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "base/num.h"
#include "policy/parse.h"

static int visibility(const struct yreader *r, const struct ypath *at,
		      const struct ynode *node, void *slot)
{
	static const char *const words[] = {
		[REDIRECT_AUDIT_ONLY] = "audit_only",
		[REDIRECT_SILENT] = "silent",
		[REDIRECT_WARN] = "warn",
	};
	enum redirect_visibility *v = slot;
	unsigned int word = *v;
	int e = bind_word(r, at, node, words, ARRAY_LEN(words), &word);

	if (e == 0)
		*v = (enum redirect_visibility)word;
	return e;
}

static int on_failure(const struct yreader *r, const struct ypath *at,
		      const struct ynode *node, void *slot)
{
	static const char *const words[] = {
		[REDIRECT_FAIL_CLOSED] = "fail_closed",
		[REDIRECT_FAIL_OPEN] = "fail_open",
		[REDIRECT_RETRY_ORIGINAL] = "retry_original",
	};
	enum redirect_failure *v = slot;
	unsigned int word = *v;
	int e = bind_word(r, at, node, words, ARRAY_LEN(words), &word);

	if (e == 0)
		*v = (enum redirect_failure)word;
	return e;
}

#define DNS(field) offsetof(struct dns_redirect, field)
static const struct bind_field dns_fields[] = {
	{ "name", BIND_STR, DNS(name), NULL },
	{ "match", BIND_FN, DNS(match), bind_rule_text },
	{ "resolve_to", BIND_FN, DNS(resolve_to), bind_rule_text },
	{ "visibility", BIND_FN, DNS(visibility), visibility },
	{ "on_failure", BIND_FN, DNS(on_failure), on_failure },
};
static const struct bind_table dns_table = BIND_TABLE_INIT(dns_fields);

static bool is_address(struct str s)
{
	unsigned char addr[16];

	return s.n && (inet_pton(AF_INET, s.p, addr) == 1 ||
		       inet_pton(AF_INET6, s.p, addr) == 1);
}

static int dns_redirect(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, void *slot)
{
	struct dns_redirect *d = slot;
	int e = bind_mapping(r, at, node, &dns_table, d);

	d->pos = (struct rule_pos){ node->line, node->column };
	if (e < 0)
		return e;
	if (d->match.s.n == 0)
		return yread_error(r, at, node, "match is required");
	if (!is_address(d->resolve_to.s))
		return yread_error(r, at, node,
				   "resolve_to must be an IP address, not "
				   "\"%.60s\"",
				   d->resolve_to.s.n ? d->resolve_to.s.p : "");
	return 0;
}

int parse_dns_redirects(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, void *slot)
{
	struct policy_rules *p = slot;
	void *v = NULL;
	int e = bind_array(r, at, node,
			   (struct bind_elem){ sizeof(*p->dns_redirects),
					       dns_redirect },
			   &v, &p->n_dns_redirects);

	p->dns_redirects = v;
	return e;
}

#define CON(field) offsetof(struct connect_redirect, field)

static int tls_mode(const struct yreader *r, const struct ypath *at,
		    const struct ynode *node, void *slot)
{
	static const char *const words[] = { "passthrough", "rewrite_sni" };
	bool *rewrite = slot;
	unsigned int word = *rewrite;
	int e = bind_word(r, at, node, words, 2, &word);

	if (e == 0)
		*rewrite = word == 1;
	return e;
}

static const struct bind_field tls_fields[] = {
	{ "mode", BIND_FN, CON(rewrite_sni), tls_mode },
	{ "sni", BIND_STR, CON(sni), NULL },
};
static const struct bind_table tls_table = BIND_TABLE_INIT(tls_fields);

static int tls(const struct yreader *r, const struct ypath *at,
	       const struct ynode *node, void *slot)
{
	struct connect_redirect *c = slot;
	int e = bind_mapping(r, at, node, &tls_table, c);

	if (e == 0 && c->rewrite_sni && c->sni.n == 0)
		return yread_error(r, at, node, "rewrite_sni needs sni");
	return e;
}

static const struct bind_field connect_fields[] = {
	{ "name", BIND_STR, CON(name), NULL },
	{ "match", BIND_FN, CON(match), bind_rule_text },
	{ "redirect_to", BIND_FN, CON(redirect_to), bind_rule_text },
	{ "redirect_to_unix", BIND_STR, CON(redirect_to_unix), NULL },
	{ "tls", BIND_FN, 0, tls },
	{ "visibility", BIND_FN, CON(visibility), visibility },
	{ "message", BIND_STR, CON(message), NULL },
	{ "on_failure", BIND_FN, CON(on_failure), on_failure },
};
static const struct bind_table connect_table = BIND_TABLE_INIT(connect_fields);

static bool is_host_port(struct str s)
{
	ptrdiff_t colon = str_rindex(s, ':');
	int64_t port = 0;

	return colon > 0 && num_parse_range(str_skip(s, (size_t)colon + 1), 1,
					    65535, &port) == 0;
}

static int connect_redirect(const struct yreader *r, const struct ypath *at,
			    const struct ynode *node, void *slot)
{
	struct connect_redirect *c = slot;
	int e = bind_mapping(r, at, node, &connect_table, c);

	c->pos = (struct rule_pos){ node->line, node->column };
	if (e < 0)
		return e;
	if (c->match.s.n == 0)
		return yread_error(r, at, node, "match is required");
	if ((c->redirect_to.s.n == 0) == (c->redirect_to_unix.n == 0))
		return yread_error(r, at, node,
				   "needs exactly one of redirect_to and "
				   "redirect_to_unix");
	if (c->redirect_to.s.n && !is_host_port(c->redirect_to.s))
		return yread_error(r, at, node,
				   "redirect_to must be host:port, not "
				   "\"%.60s\"",
				   c->redirect_to.s.p);
	if (c->redirect_to_unix.n && c->redirect_to_unix.p[0] != '/')
		return yread_error(r, at, node,
				   "redirect_to_unix must be an absolute path");
	return 0;
}

int parse_connect_redirects(const struct yreader *r, const struct ypath *at,
			    const struct ynode *node, void *slot)
{
	struct policy_rules *p = slot;
	void *v = NULL;
	int e = bind_array(r, at, node,
			   (struct bind_elem){ sizeof(*p->connect_redirects),
					       connect_redirect },
			   &v, &p->n_connect_redirects);

	p->connect_redirects = v;
	return e;
}
