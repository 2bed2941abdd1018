/* SPDX-License-Identifier: MIT */
/*
 * exec_env.c - the environment of a command (interface reference 2.5, 4.9)
 *
 * Built from the server's own few variables, the session's and the request's;
 * filtered by the policy; what the operator injects comes last and unfiltered.
 * Later values of a name replace earlier ones.
 */
#include <errno.h>
#include <stdlib.h>

#include "server/exec.h"

#define MAX_VARS 4096

struct env {
	struct arena *arena;
	VEC(struct setting_pair) vars;
	int error;
};

static void put(struct env *e, struct str name, struct str value)
{
	if (e->error)
		return;
	for (size_t i = 0; i < e->vars.n; i++) {
		if (str_eq(e->vars.data[i].name, name)) {
			e->vars.data[i].value = value;
			return;
		}
	}
	if (e->vars.n >= MAX_VARS)
		e->error = -E2BIG;
	else
		e->error = vec_push(&e->vars,
				    (struct setting_pair){ name, value });
}

static void put_base(struct env *e)
{
	static const char *const BASE[] = { "PATH",     "LANG", "LC_ALL",
					    "LC_CTYPE", "TERM", "HOME" };

	for (size_t i = 0; i < ARRAY_LEN(BASE); i++) {
		struct str v = str_from(getenv(BASE[i]));

		if (v.n == 0 && i == 0)
			v = STR("/usr/bin:/bin");
		if (v.n)
			put(e, str_from(BASE[i]), v);
	}
}

static struct str arena_text(struct env *e, const struct buf *text)
{
	char *p = arena_dup(e->arena, buf_str(text));

	if (!p)
		e->error = -ENOMEM;
	return p ? str_from_n(p, text->len) : STR_NONE;
}

/* Java knows no variables but this one. */
static void put_java(uint16_t port, struct env *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	static const char *const SCHEMES[] = { "http", "https" };

	for (size_t i = 0; i < ARRAY_LEN(SCHEMES); i++)
		buf_printf(&text, "-D%s.proxyHost=127.0.0.1 -D%s.proxyPort=%u ",
			   SCHEMES[i], SCHEMES[i], (unsigned int)port);
	buf_puts(&text, "-Dhttp.nonProxyHosts=localhost|127.*|[::1]");
	put(e, STR("JAVA_TOOL_OPTIONS"), arena_text(e, &text));
}

/* For clients that cooperate; the others meet the tracer's verdict. */
static void put_proxy(struct command *c, struct env *e)
{
	static const char *const NAMES[] = { "HTTP_PROXY",  "HTTPS_PROXY",
					     "ALL_PROXY",   "http_proxy",
					     "https_proxy", "all_proxy" };
	struct str url = buf_str(&c->session->proxy_url);

	if (!c->session->proxy_port)
		return;
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		put(e, str_from(NAMES[i]), url);
	put(e, STR("NO_PROXY"), STR("localhost,127.0.0.1"));
	put(e, STR("no_proxy"), STR("localhost,127.0.0.1"));
	put(e, STR("NODE_USE_ENV_PROXY"), STR("1"));
	put_java(c->session->proxy_port, e);
}

/* "my-api" -> "MY_API" */
static void put_upper(struct str name, struct buf *out)
{
	for (size_t i = 0; i < name.n; i++) {
		char ch = name.p[i];

		if (ch >= 'a' && ch <= 'z')
			ch = (char)(ch & ~32);
		buf_putc(out,
			 (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9')
				 ? ch
				 : '_');
	}
}

/* Language models: official clients look for these. A provider of one's own
 * is NAME_BASE_URL. */
static void put_llm(struct command *c, struct env *e)
{
	const struct session *s = c->session;
	_cleanup_buf_ struct buf url = BUF_INIT;

	if (!s->llm.on)
		return;
	put(e, STR("ANTHROPIC_BASE_URL"), buf_str(&s->proxy_url));
	/* "/v1", which OpenAI's clients expect in it, is put in on the way */
	put(e, STR("OPENAI_BASE_URL"), buf_str(&s->proxy_url));
	for (size_t i = 0; i < c->app->cfg.llm_providers.n; i++) {
		struct str name = c->app->cfg.llm_providers.data[i];
		_cleanup_buf_ struct buf var = BUF_INIT;

		buf_reset(&url);
		buf_put_str(&url, buf_str(&s->proxy_url));
		buf_printf(&url, "/llm/" STR_FMT, STR_ARG(name));
		put_upper(name, &var);
		buf_puts(&var, "_BASE_URL");
		put(e, arena_text(e, &var), arena_text(e, &url));
	}
}

/* NAME_API_URL of the policy's http_services. */
static void put_services(struct command *c, struct env *e)
{
	const struct session *s = c->session;
	struct policy_service v;

	for (size_t i = 0; s->llm.on && policy_service(s->policy, i, &v); i++) {
		_cleanup_buf_ struct buf var = BUF_INIT, url = BUF_INIT;

		put_upper(v.expose_as.n ? STR_NONE : v.name, &var);
		buf_put_str(&var,
			    v.expose_as.n ? v.expose_as : STR("_API_URL"));
		buf_put_str(&url, buf_str(&s->proxy_url));
		buf_puts(&url, "/svc/");
		buf_put_str(&url, v.name);
		put(e, arena_text(e, &var), arena_text(e, &url));
	}
}

/* Whom to trust when TLS is opened: the system's CAs and the session's, in the
 * variables of the usual clients. */
static void put_trust(struct command *c, struct env *e)
{
	static const char *const names[] = {
		"SSL_CERT_FILE",      "CURL_CA_BUNDLE",    "REQUESTS_CA_BUNDLE",
		"GIT_SSL_CAINFO",     "CARGO_HTTP_CAINFO", "PIP_CERT",
		"DENO_CERT",          "AWS_CA_BUNDLE",     "NIX_SSL_CERT_FILE",
		"BUNDLE_SSL_CA_CERT",
	};
	_cleanup_buf_ struct buf dir = BUF_INIT, file = BUF_INIT;
	struct str bundle;

	if (!c->session->llm.on || !c->app->cfg.tls_inspection ||
	    session_trust_dir(c->session, &dir) < 0)
		return;
	buf_put_str(&file, buf_str(&dir));
	buf_puts(&file, "/bundle.pem");
	bundle = arena_text(e, &file);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		put(e, str_from(names[i]), bundle);
	buf_puts(&dir, "/ca.pem"); /* beside its own */
	put(e, STR("NODE_EXTRA_CA_CERTS"), arena_text(e, &dir));
}

/* What stands for the services' secrets; after all else, and unfiltered. */
static void put_phantoms(struct command *c, struct env *e)
{
	const struct session *s = c->session;
	struct json *v;

	if (!s->llm.on || !s->llm.phantoms || !s->llm.phantoms[0] ||
	    json_parse(e->arena, str_from(s->llm.phantoms), &v) < 0)
		return;
	json_foreach(it, v)
	{
		put(e, it->key, it->text);
	}
}

static void filter(struct command *c, struct env *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->vars.n; i++) {
		struct setting_pair v = e->vars.data[i];

		if (str_starts(v.name, STR("AGENTSH_")) ||
		    policy_env_allows(c->session->policy, c->verdict, v.name))
			e->vars.data[kept++] = v;
	}
	e->vars.n = kept;
}

static int check_limits(struct command *c, const struct env *e, struct buf *err)
{
	struct policy_env limits = { 0 };
	uint64_t bytes = 0;

	policy_env_limits(c->session->policy, c->verdict, &limits);
	for (size_t i = 0; i < e->vars.n; i++)
		bytes += e->vars.data[i].name.n + e->vars.data[i].value.n + 2;
	if (limits.max_keys && e->vars.n > limits.max_keys) {
		buf_printf(err, "env exceeds max_keys (%llu)",
			   (unsigned long long)limits.max_keys);
		return -E2BIG;
	}
	if (limits.max_bytes && bytes > limits.max_bytes) {
		buf_printf(err, "env exceeds max_bytes (%llu)",
			   (unsigned long long)limits.max_bytes);
		return -E2BIG;
	}
	return 0;
}

static void inject(struct command *c, struct env *e)
{
	const struct settings *cfg = &c->app->cfg;
	struct str name, value;

	for (size_t i = 0; i < cfg->env_inject.n; i++)
		put(e, cfg->env_inject.data[i].name,
		    cfg->env_inject.data[i].value);
	for (size_t i = 0;
	     policy_env_inject(c->session->policy, i, &name, &value); i++)
		put(e, name, value);
	for (size_t i = 0; i < c->n_redirect_env; i++) {
		struct str pair = c->redirect_env[i];
		ptrdiff_t eq = str_index(pair, '=');

		if (eq > 0)
			put(e, str_from_n(pair.p, (size_t)eq),
			    str_skip(pair, (size_t)eq + 1));
	}
}

static int to_strings(struct env *e, const struct str **ret, size_t *ret_n)
{
	struct str *out = arena_alloc(e->arena, (e->vars.n + 1) * sizeof(*out));

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < e->vars.n; i++) {
		struct str n = e->vars.data[i].name, v = e->vars.data[i].value;
		char *p = arena_alloc(e->arena, n.n + v.n + 2);

		if (!p)
			return -ENOMEM;
		memcpy(p, n.p, n.n);
		p[n.n] = '=';
		if (v.n)
			memcpy(p + n.n + 1, v.p, v.n);
		out[i] = str_from_n(p, n.n + v.n + 1);
	}
	*ret = out;
	*ret_n = e->vars.n;
	return 0;
}

/* So that agentsh inside a session finds its own server. */
static void put_server(const struct app *app, struct env *e)
{
	struct str addr = str_from(app->cfg.http_addr);
	ptrdiff_t colon = str_rindex(addr, ':');
	struct str host = colon > 0 ? str_from_n(addr.p, (size_t)colon)
				    : STR_NONE;
	char url[128];

	if (!app->http_port)
		return;
	if (host.n == 0 || str_eq(host, STR("0.0.0.0")))
		host = STR("127.0.0.1");
	(void)snprintf(url, sizeof(url), "http://" STR_FMT ":%u", STR_ARG(host),
		       app->http_port);
	put(e, STR("AGENTSH_SERVER"),
	    str_from(arena_dup(e->arena, str_from(url))));
}

int exec_build_env(struct command *c, const struct str **ret, size_t *ret_n,
		   struct buf *err)
{
	struct env e = { .arena = &c->arena };
	struct session *s = c->session;
	int r;

	put_base(&e);
	put_proxy(c, &e);
	put_llm(c, &e);
	put_services(c, &e);
	put(&e, STR("AGENTSH_SESSION_ID"), str_from(s->id));
	put_server(c->app, &e);
	for (size_t i = 0; i < s->env.n; i++)
		put(&e, str_from(s->env.data[i].name),
		    str_from(s->env.data[i].value));
	for (size_t i = 0; i < c->rq.n_env; i++)
		put(&e, c->rq.env[i].name, c->rq.env[i].value);
	put(&e, STR("AGENTSH_IN_SESSION"), STR("1"));
	filter(c, &e);
	r = e.error ? e.error : check_limits(c, &e, err);
	if (r == 0)
		inject(c, &e);
	if (r == 0)
		put_phantoms(c, &e);
	if (r == 0)
		put_trust(c, &e);
	if (r == 0)
		r = e.error ? e.error : to_strings(&e, ret, ret_n);
	vec_done(&e.vars);
	return r;
}
