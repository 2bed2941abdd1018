/* SPDX-License-Identifier: MIT */
/*
 * api_service.c - requests for the policy's http_services
 *
 * Judged by method and path before the body is read. A service with a secret
 * takes no other credential: what the command sends must be the phantom, or
 * nothing. So nobody gets data out through an account of his own on a host that
 * is allowed.
 */
#include <errno.h>

#include "netproxy/api_priv.h"
#include "netproxy/json_edit.h"
#include "netproxy/swap.h"

#define SECRET_MARK "{{secret}}"
#define FIELDS_ROOM (80U << 10) /* more than a head may have, and the secret */

static bool has_secret(const struct exchange *x)
{
	return x->service && x->service->cred && x->service->cred->real.n;
}

static struct str phantom_of(const struct exchange *x)
{
	return has_secret(x) ? str_from(x->service->cred->phantom) : STR_NONE;
}

bool api_route_service(struct api_conn *c, const struct http1_head *head)
{
	struct str rest = str_skip(head->target, 5), name = rest;
	struct exchange *x = &c->x;
	size_t n = 0;

	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	name.n = n;
	rest = str_skip(rest, n);
	x->kind = API_SERVICE;
	x->table = services_ref(c->api->services);
	x->service = services_find(x->table, name);
	if (!x->service)
		return false;
	x->to = &x->service->to;
	if (!rest.n || rest.p[0] != '/')
		buf_putc(&x->path, '/');
	buf_put_str(&x->path, rest);
	return true;
}

void api_route_host(struct api_conn *c, const struct http1_head *head)
{
	struct exchange *x = &c->x;

	x->kind = API_SERVICE;
	x->table = services_ref(c->api->services);
	x->service = services_by_host(x->table, str_from(c->host));
	if (!x->service)
		return;
	x->to = &x->service->to;
	/* the path is the host's own: no base goes before it */
	x->whole_path = true;
	buf_put_str(&x->path, head->target);
}

/* True if Host names the host that the certificate was asked for. */
static bool host_fits(const struct api_conn *c, const struct http1_head *head)
{
	struct str value = http1_header(head, "host");
	ptrdiff_t colon = str_rindex(value, ':');
	_cleanup_buf_ struct buf host = BUF_INIT;
	struct addr ignored;

	if (colon >= 0 && value.p[value.n - 1] != ']')
		value.n = (size_t)colon;
	return value.n && host_canonical(value, &host, &ignored) >= 0 &&
	       str_eq_c(buf_str(&host), c->host);
}

/* --- credentials --------------------------------------------------------- */

/* True if the head carries a credential that is not the phantom. */
static bool has_foreign(const struct exchange *x, const struct http1_head *head)
{
	struct str phantom = phantom_of(x);

	if (!x->service->cred)
		return false;
	for (size_t i = 0; i < head->n_headers; i++) {
		_cleanup_buf_ struct buf ignored = BUF_INIT;
		const struct http1_header *h = &head->headers[i];
		bool injected =
			x->service->header &&
			str_eq_icase(h->name, str_from(x->service->header));

		if (!injected && !swap_is_credential_field(h->name))
			continue;
		if (h->value.n &&
		    !swap_header(h->value, phantom, phantom, &ignored))
			return true;
	}
	return swap_foreign_query(buf_str(&x->path), phantom);
}

void api_keep_secret(struct exchange *x)
{
	if (!has_secret(x))
		return;
	x->secret = true;
	/* a buffer that grows leaves what it held behind */
	(void)buf_reserve(&x->fields, FIELDS_ROOM);
}

bool api_put_field(struct exchange *x, struct str name, struct str value)
{
	const struct service *s = x->service;

	if (!has_secret(x))
		return false;
	if (s->header && str_eq_icase(name, str_from(s->header)))
		return true; /* ours is put in its place */
	buf_put_str(&x->fields, name);
	buf_puts(&x->fields, ": ");
	if (s->places & (1U << PLACE_HEADER))
		(void)swap_header(value, phantom_of(x), s->cred->real,
				  &x->fields);
	else
		buf_put_str(&x->fields, value);
	buf_puts(&x->fields, "\r\n");
	return true;
}

void api_inject(struct exchange *x)
{
	const struct service *s = x->service;

	if (!has_secret(x) || !s->header)
		return;
	buf_puts(&x->fields, s->header);
	buf_puts(&x->fields, ": ");
	(void)swap_text(str_from(s->template), STR(SECRET_MARK), s->cred->real,
			&x->fields);
	buf_puts(&x->fields, "\r\n");
}

void api_put_path(struct exchange *x)
{
	const struct service *s = x->service;
	struct str path = buf_str(&x->path);
	ptrdiff_t query = str_index(path, '?');

	if (!has_secret(x) || query < 0 || !(s->places & (1U << PLACE_QUERY))) {
		buf_put_str(&x->out, path);
		return;
	}
	buf_put_str(&x->out, str_from_n(path.p, (size_t)query));
	(void)swap_text(str_skip(path, (size_t)query), phantom_of(x),
			s->cred->real, &x->out);
}

int api_swap_body(const struct exchange *x, struct str body, struct buf *out)
{
	_cleanup_buf_ struct buf real = BUF_INIT;
	const struct service *s = x->service;

	if (!has_secret(x) || !(s->places & (1U << PLACE_BODY)) ||
	    str_find(body, phantom_of(x)) < 0)
		return 0;
	json_edit_escape(&real, s->cred->real);
	(void)swap_text(body, phantom_of(x), buf_str(&real), out);
	explicit_bzero(real.data, real.len);
	return out->error ? out->error : 1;
}

struct str api_spare(const struct exchange *x)
{
	return phantom_of(x);
}

bool api_scrub(struct exchange *x, struct str data, bool end, struct buf *out)
{
	if (!has_secret(x))
		return false;
	scrub_feed(&x->scrub, data, x->service->cred->real, phantom_of(x), end,
		   out);
	return true;
}

void api_scrub_text(const struct exchange *x, struct str text, struct buf *out)
{
	if (has_secret(x))
		(void)swap_text(text, x->service->cred->real, phantom_of(x),
				out);
	else
		buf_put_str(out, text);
}

/* The type of a key in the URL or in a field that carries none, or NULL. */
static const char *find_key(const struct api_conn *c,
			    const struct http1_head *head)
{
	const struct dlp_engine *engine = c->api->dlp;
	struct str phantom = phantom_of(&c->x);
	const char *type =
		redact_find_key(engine, phantom, buf_str(&c->x.path));

	for (size_t i = 0; i < head->n_headers && !type; i++)
		if (!swap_is_credential_field(head->headers[i].name))
			type = redact_find_key(engine, phantom,
					       head->headers[i].value);
	return type;
}

/* --- may it go? ---------------------------------------------------------- */

static void refuse(struct api_conn *c, unsigned int status, const char *why)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	c->x.denied = true;
	buf_printf(&text, "blocked by policy: service %s: %s",
		   c->x.service->name, why);
	(void)api_log_request(c); /* refused either way */
	api_refuse(c, status, "permission_error", buf_cstr(&text));
}

static void refuse_by_rule(struct api_conn *c, struct str path)
{
	struct op op = { .kind = OP_HTTP };
	struct str rule = gate_rule(c->api->gate, &c->x.verdict);
	_cleanup_buf_ struct buf why = BUF_INIT;

	op.http = (struct op_http){ .service = str_from(c->x.service->name),
				    .method = buf_str(&c->x.method),
				    .path = path };
	buf_printf(&why, "rule=" STR_FMT " ", STR_ARG(rule));
	buf_put_str(&why, buf_str(&c->x.method));
	buf_putc(&why, ' ');
	buf_put_str(&why, path);
	buf_putc(&why, ' ');
	policy_rule_message(c->api->gate->policy, c->x.verdict.verdict, &op,
			    &why);
	refuse(c, 403, buf_cstr(&why));
}

static void refuse_key(struct api_conn *c, const char *type)
{
	_cleanup_buf_ struct buf why = BUF_INIT;

	buf_printf(&why, "its URL or a header field holds %s", type);
	refuse(c, 403, buf_cstr(&why));
}

/* --- a person is asked --------------------------------------------------- */

/* The policy may be another one meanwhile: what it says now counts, and a
 * person has answered what it would ask. */
static void on_answer(void *arg, bool approved)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct api_conn *c = arg;
	struct exchange *x = &c->x;

	x->ask = NULL;
	(void)service_path(buf_str(&x->path), &path); /* it was good before */
	x->verdict = service_decide(c->api->gate, x->service,
				    buf_str(&x->method), buf_str(&path));
	if (x->verdict.verdict.kind == VERDICT_APPROVE)
		x->verdict.allowed = approved;
	if (x->verdict.allowed && approved)
		api_begin_body(c);
	else
		refuse_by_rule(c, buf_str(&path));
	api_run(c);
}

/* "GET https://host:port/path", without a query */
static void put_target(const struct exchange *x, struct str path,
		       struct buf *out)
{
	const struct provider *to = x->to;
	bool v6 = to->is_addr && !addr_is_v4(&to->addr);

	buf_put_str(out, buf_str(&x->method));
	buf_printf(out, v6 ? " %s://[%s]" : " %s://%s",
		   to->tls ? "https" : "http", to->host);
	if (to->port != (to->tls ? 443 : 80))
		buf_printf(out, ":%u", (unsigned int)to->port);
	if (!x->whole_path)
		buf_puts(out, to->base);
	buf_put_str(out, path);
}

static int ask(struct api_conn *c, struct str path)
{
	struct op op = { .kind = OP_HTTP };
	const struct policy *p = c->api->gate->policy;
	_cleanup_buf_ struct buf target = BUF_INIT, who = BUF_INIT;
	_cleanup_buf_ struct buf message = BUF_INIT;
	struct exchange *x = &c->x;
	struct proto_approval_ask q = {
		.kind = STR("http"),
		.rule = policy_rule_name(p, x->verdict.verdict),
		.timeout_ns = (uint64_t)MAX(
			policy_rule_timeout(p, x->verdict.verdict), (int64_t)0),
	};

	op.http = (struct op_http){ .service = str_from(x->service->name),
				    .method = buf_str(&x->method),
				    .path = path };
	policy_rule_message(p, x->verdict.verdict, &op, &message);
	put_target(x, path, &target);
	buf_printf(&who, "port:%u", (unsigned int)c->client_port);
	if (target.error || who.error || message.error)
		return -ENOMEM;
	q.command_id = buf_str(&who);
	q.target = buf_str(&target);
	q.message = buf_str(&message);
	return ask_person(c->api->asker, &q, on_answer, c, &x->ask);
}

/* What the rules leave to a person; true: it may go on at once. */
static bool may_go(struct api_conn *c, struct str path)
{
	struct exchange *x = &c->x;

	if (x->verdict.verdict.kind != VERDICT_APPROVE)
		return true;
	x->approval = c->api->asker->enabled ? "enforced" : "shadow";
	if (!c->api->asker->enabled) {
		x->verdict.allowed = true;
		return true;
	}
	if (ask(c, path) < 0)
		refuse(c, 403, "nobody can be asked for approval");
	else
		api_enter(c, API_ASK);
	return false;
}

bool api_accept_service(struct api_conn *c, const struct http1_head *head)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	const char *key;
	struct exchange *x = &c->x;
	const struct service *s = x->service;

	if (c->host && !host_fits(c, head)) {
		refuse(c, 421, "Host is not the host of the connection");
		return false;
	}
	if (c->host && !s->intercept) { /* the policy has changed */
		refuse(c, 403, "its TLS is not opened any more");
		return false;
	}
	if (service_path(buf_str(&x->path), &path) < 0) {
		refuse(c, 400, "a path that can be read in two ways");
		return false;
	}
	x->verdict = service_decide(c->api->gate, s, buf_str(&x->method),
				    buf_str(&path));
	if (!x->verdict.allowed && x->verdict.verdict.kind != VERDICT_APPROVE)
		refuse_by_rule(c, buf_str(&path));
	else if (s->broken)
		refuse(c, 502, "its upstream is no https:// URL");
	else if (s->cred && !s->cred->real.n)
		refuse(c, 502, s->cred->error);
	else if (has_foreign(x, head))
		refuse(c, 403, "a credential that is not the session's");
	else if ((key = find_key(c, head)) != NULL)
		refuse_key(c, key);
	else
		return may_go(c, buf_str(&path));
	return false;
}
