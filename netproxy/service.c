/* SPDX-License-Identifier: MIT */
/*
 * service.c - the policy's http_services, as the proxy uses them
 */
#include "netproxy/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "core/op.h"

/* --- the table ----------------------------------------------------------- */

static void service_done(struct service *s)
{
	free(s->name);
	free(s->var);
	free(s->secret_var);
	free(s->header);
	free(s->template);
	for (size_t i = 0; i < s->n_hosts; i++)
		free(s->hosts[i]);
	free(s->hosts);
	provider_done(&s->to);
}

struct services *services_ref(struct services *s)
{
	if (s)
		s->refs++;
	return s;
}

struct services *services_unref(struct services *s)
{
	if (!s || --s->refs)
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		service_done(&s->v[i]);
	free(s->v);
	free(s);
	return NULL;
}

/* "my-api", "_API_URL" -> "MY_API_API_URL" */
static char *variable(struct str name, const char *end)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c & ~32);
		buf_putc(&b, (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
				     ? c
				     : '_');
	}
	buf_puts(&b, end);
	return buf_take(&b);
}

static int add_host(struct service *s, struct str name)
{
	_cleanup_buf_ struct buf host = BUF_INIT;
	struct addr ignored;

	if (host_canonical(name, &host, &ignored) < 0)
		return 0; /* names nothing that could be asked for */
	s->hosts[s->n_hosts] = buf_take(&host);
	if (!s->hosts[s->n_hosts])
		return -ENOMEM;
	s->n_hosts++;
	return 0;
}

static int add_hosts(struct service *s, const struct policy *p, size_t i)
{
	size_t n = 0;
	int r = 0;

	while (policy_service_alias(p, i, n).n)
		n++;
	s->hosts = calloc(n + 1, sizeof(*s->hosts));
	if (!s->hosts)
		return -ENOMEM;
	if (s->to.host)
		r = add_host(s, str_from(s->to.host));
	for (size_t j = 0; j < n && r == 0; j++)
		r = add_host(s, policy_service_alias(p, i, j));
	return r;
}

static int add_secret(struct service *s, const struct policy_service *in,
		      struct creds *creds, const struct json *phantoms)
{
	struct str known;

	if (in->secret_env.n || !in->inject_header.n) {
		s->secret_var = in->secret_env.n
					? str_dup(in->secret_env)
					: variable(in->name, "_API_KEY");
		if (!s->secret_var)
			return -ENOMEM;
	}
	known = s->secret_var ? json_get_str(phantoms, s->secret_var)
			      : STR_NONE;
	s->cred = creds_find(creds, in->name);
	if (!s->cred)
		s->cred = creds_add(creds, in->name, in->secret_ref,
				    in->secret_format, known);
	return s->cred ? 0 : -ENOMEM;
}

static int copy_text(struct str from, char **ret)
{
	if (!from.n)
		return 0;
	*ret = str_dup(from);
	return *ret ? 0 : -ENOMEM;
}

static int service_init(struct service *s, const struct policy *p, size_t i,
			struct creds *creds, const struct json *phantoms)
{
	struct policy_service in;
	int r;

	(void)policy_service(p, i, &in);
	*s = (struct service){ .places = in.secret_places,
			       .allow_direct = in.allow_direct,
			       .intercept = in.intercept,
			       .scrub = in.scrub_response };
	s->name = str_dup(in.name);
	s->var = in.expose_as.n ? str_dup(in.expose_as)
				: variable(in.name, "_API_URL");
	if (!s->name || !s->var)
		return -ENOMEM;
	r = provider_parse_url(in.upstream, &s->to);
	s->broken = r == -EINVAL;
	if (r == 0) {
		s->to.name = str_dup(in.name);
		r = s->to.name ? 0 : -ENOMEM;
	}
	if (r == -ENOMEM)
		return r;
	r = add_hosts(s, p, i);
	if (r == 0 && in.inject_header.n)
		r = copy_text(in.inject_header, &s->header);
	if (r == 0 && in.inject_header.n)
		r = copy_text(in.inject_template.n ? in.inject_template
						   : STR("Bearer {{secret}}"),
			      &s->template);
	if (r == 0 && in.secret_ref.n)
		r = add_secret(s, &in, creds, phantoms);
	return r;
}

struct services *services_new(const struct policy *p, struct creds *creds,
			      const struct json *phantoms)
{
	struct services *s = calloc(1, sizeof(*s));
	struct policy_service in;
	size_t n = 0;

	while (policy_service(p, n, &in))
		n++;
	if (s)
		s->v = calloc(n + 1, sizeof(*s->v));
	if (!s || !s->v) {
		free(s);
		return NULL;
	}
	s->refs = 1;
	for (size_t i = 0; i < n; i++) {
		s->n = i + 1;
		if (service_init(&s->v[i], p, i, creds, phantoms) < 0)
			return services_unref(s);
	}
	return s;
}

bool services_need_secrets(const struct policy *p, const struct creds *creds)
{
	struct policy_service in;

	for (size_t i = 0; policy_service(p, i, &in); i++)
		if (in.secret_ref.n && !creds_find(creds, in.name))
			return true;
	return false;
}

const struct service *services_find(const struct services *s, struct str name)
{
	for (size_t i = 0; s && i < s->n; i++)
		if (str_eq_icase(name, str_from(s->v[i].name)))
			return &s->v[i];
	return NULL;
}

const struct service *services_by_host(const struct services *s,
				       struct str host)
{
	for (size_t i = 0; s && i < s->n; i++)
		for (size_t j = 0; j < s->v[i].n_hosts; j++)
			if (str_eq_c(host, s->v[i].hosts[j]))
				return &s->v[i];
	return NULL;
}

void services_put_phantoms(const struct services *s, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out, 0);
	json_begin_object(&w);
	for (size_t i = 0; s && i < s->n; i++)
		if (s->v[i].secret_var && s->v[i].cred && s->v[i].cred->phantom)
			json_kv_cstr(&w, s->v[i].secret_var,
				     s->v[i].cred->phantom);
	json_end_object(&w);
}

/* --- verdicts ------------------------------------------------------------ */

int service_path(struct str target, struct buf *out)
{
	ptrdiff_t query = str_index(target, '?');
	struct str path = query < 0 ? target
				    : str_from_n(target.p, (size_t)query);

	for (size_t i = 0; i < path.n; i++) {
		char c = path.p[i];
		int high, low;

		if (c == '\\' || (unsigned char)c <= ' ')
			return -EINVAL;
		if (c != '%') {
			buf_putc(out, c);
			continue;
		}
		high = i + 2 < path.n ? num_hex_digit(path.p[i + 1]) : -1;
		low = i + 2 < path.n ? num_hex_digit(path.p[i + 2]) : -1;
		if (high < 0 || low < 0)
			return -EINVAL;
		c = (char)(high << 4 | low);
		/* a slash, a dot, a second layer of encoding */
		if (strchr("/\\.%?#;", c) || (unsigned char)c <= ' ' ||
		    c == 0x7f)
			return -EINVAL;
		buf_putc(out, c);
		i += 2;
	}
	return out->error ? out->error : 0;
}

struct net_answer service_decide(const struct gate *g, const struct service *s,
				 struct str method, struct str path)
{
	struct op op = { .kind = OP_HTTP };
	struct net_answer a = { 0 };

	op.http = (struct op_http){ .service = str_from(s->name),
				    .method = method,
				    .path = path };
	a.verdict = policy_decide(g->policy, &op);
	a.allowed = a.verdict.kind == VERDICT_ALLOW ||
		    a.verdict.kind == VERDICT_AUDIT;
	return a;
}
