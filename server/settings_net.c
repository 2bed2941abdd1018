/* SPDX-License-Identifier: MIT */
/*
 * settings_net.c - settings of a session's network proxy
 */
#include <errno.h>
#include <string.h>

#include "base/addr.h"
#include "base/json.h"
#include "base/num.h"
#include "base/yamldoc.h"
#include "config/config.h"
#include "server/settings.h"

#define MAX_RPM 100000000

static int wrong(const struct config *c, struct diag *diag, unsigned int line,
		 const char *what)
{
	diag_error(diag, c->file, line, 0, "sandbox.network.%s", what);
	return -EINVAL;
}

static int take_rate(const struct ynode *node, const char *key, int64_t *ret)
{
	const struct ynode *v = ynode_get(node, key);

	*ret = 0;
	return v ? num_parse_range(v->text, 1, MAX_RPM, ret) : 0;
}

static int put_domain(const struct config *c, const struct yentry *e,
		      struct json_writer *w, struct diag *diag)
{
	_cleanup_buf_ struct buf name = BUF_INIT;
	struct str key = e->key ? e->key->text : STR_NONE, host = key;
	struct addr ignored;
	int64_t rpm, burst;

	if (str_starts(host, STR("*.")))
		host = str_skip(host, 2);
	if (host_canonical(host, &name, &ignored) < 0)
		return wrong(c, diag, e->value->line,
			     "rate_limits.per_domain: a host name, or \"*.\" "
			     "and one, is wanted");
	if (take_rate(e->value, "requests_per_minute", &rpm) < 0 ||
	    take_rate(e->value, "burst", &burst) < 0 || !rpm)
		return wrong(c, diag, e->value->line,
			     "rate_limits.per_domain: requests_per_minute "
			     "and burst are whole numbers from 1");
	json_begin_object(w);
	json_kv_str(w, "host", key);
	json_kv_i64(w, "rpm", rpm);
	json_kv_i64_opt(w, "burst", burst);
	json_end_object(w);
	return 0;
}

static int put_limits(const struct config *c, struct json_writer *w,
		      struct diag *diag)
{
	const struct ynode *domains =
		c->sandbox.network.rate_limits.per_domain.node;
	int64_t rpm = c->sandbox.network.rate_limits.global_rpm;
	int64_t burst = c->sandbox.network.rate_limits.global_burst;
	int r = 0;

	if (!c->sandbox.network.rate_limits.enabled)
		return 0;
	if (rpm < 0 || rpm > MAX_RPM || burst < 0 || burst > MAX_RPM)
		return wrong(c, diag, 0,
			     "rate_limits: a whole number from 0 is wanted");
	json_key(w, "limits");
	json_begin_object(w);
	json_kv_i64_opt(w, "rpm", rpm);
	json_kv_i64_opt(w, "burst", burst);
	json_key(w, "domains");
	json_begin_array(w);
	if (domains && domains->n > SETTINGS_MAX_RATES)
		r = wrong(c, diag, domains->line,
			  "rate_limits.per_domain: too many");
	for (const struct yentry *e = domains ? domains->first : NULL;
	     e && r == 0; e = e->next)
		r = put_domain(c, e, w, diag);
	json_end_array(w);
	json_end_object(w);
	return r;
}

/* The second address of the network: the first is usually a gateway's. */
static int put_own(const struct config *c, struct json_writer *w,
		   struct diag *diag)
{
	struct str base = str_from(c->sandbox.network.transparent.subnet_base);
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct addr a;
	unsigned int bits;

	if (!base.n)
		return 0;
	if (addr_parse_cidr(base, &a, &bits) < 0 || !addr_is_v4(&a) ||
	    bits > 96 + 30 || addr_classify(&a) != ADDR_PRIVATE)
		return wrong(c, diag, 0,
			     "transparent.subnet_base: a private IPv4 network "
			     "is wanted, such as 10.250.0.0/16");
	a.b[15] |= 2;
	addr_format(&a, &text);
	json_kv_str(w, "own", buf_str(&text));
	return text.error;
}

static int put_ca(struct settings *s, const struct config *c,
		  struct json_writer *w, struct diag *diag)
{
	struct str cert = str_from(c->sandbox.network.tls_inspection.ca_cert);
	struct str key = str_from(c->sandbox.network.tls_inspection.ca_key);

	if (!cert.n != !key.n)
		return wrong(c, diag, 0,
			     "tls_inspection: ca_cert and ca_key are wanted "
			     "both, or neither");
	json_kv_str_opt(w, "ca_cert", cert);
	json_kv_str_opt(w, "ca_key", key);
	s->ca_key = arena_dup(&s->arena, key);
	return s->ca_key ? 0 : -ENOMEM;
}

static int put_port(const struct config *c, struct json_writer *w,
		    const char *key, int64_t port, struct diag *diag)
{
	if (port < 0 || port > UINT16_MAX)
		return wrong(c, diag, 0, "proxy_port, dns_port: 0 to 65535");
	json_kv_i64_opt(w, key, port);
	return 0;
}

int settings_set_net(struct settings *s, const struct config *c,
		     struct diag *diag)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct json_writer w;
	int r;

	s->net_monitor = c->sandbox.network.intercept_mode ==
			 CONFIG_INTERCEPT_MONITOR;
	if (s->net_monitor)
		diag_warn(diag, c->file, 0, 0,
			  "sandbox.network.intercept_mode: monitor: what "
			  "network rules deny is let through and recorded");
	json_writer_init(&w, &text, 0);
	json_begin_object(&w);
	json_kv_bool_opt(&w, "monitor", s->net_monitor);
	json_kv_bool_opt(&w, "no_dns",
			 c->sandbox.network.intercept_mode ==
				 CONFIG_INTERCEPT_TCP_ONLY);
	json_kv_bool(&w, "stay_awake", c->sandbox.performance.stay_awake);
	r = put_port(c, &w, "proxy_port", c->sandbox.network.proxy_port, diag);
	if (r == 0)
		r = put_port(c, &w, "dns_port", c->sandbox.network.dns_port,
			     diag);
	if (r == 0)
		r = put_ca(s, c, &w, diag);
	if (r == 0)
		r = put_limits(c, &w, diag);
	if (r == 0)
		r = put_own(c, &w, diag);
	json_end_object(&w);
	if (r < 0)
		return r;
	if (text.error)
		return text.error;
	s->net_json = str_from(arena_dup(&s->arena, buf_str(&text)));
	return s->net_json.n ? 0 : -ENOMEM;
}
