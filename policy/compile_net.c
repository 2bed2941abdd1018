/* SPDX-License-Identifier: MIT */
/*
 * compile_net.c - network rules, http services, diversions and settings
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "policy/compile.h"

/* --- network ---------------------------------------------------------------- */

static struct str cidr_key(uint8_t key[17], const struct addr *a,
			   unsigned int bits)
{
	memset(key, 0, 17);
	key[0] = (uint8_t)bits;
	for (unsigned int i = 0; i < bits; i++)
		key[1 + i / 8] = (uint8_t)(key[1 + i / 8] |
					   (a->b[i / 8] & 0x80U >> i % 8));
	return str_from_n((const char *)key, 17);
}

/* A domain that is an address also guards that address under any name. */
static int literal_domain(struct compiler *c, const struct network_rule *n,
			  struct str domain, uint32_t number)
{
	struct addr a;
	uint8_t key[17];

	if (n->cidrs.n > 0 || addr_parse(domain, &a) < 0)
		return 0;
	return index_add_exact(&c->cidrs, cidr_key(key, &a, 128), number,
			       NET_PASS_ADDRESS);
}

static int net_domains(struct compiler *c, const struct network_rule *n,
		       uint32_t number, struct img_span *ret)
{
	uint32_t first = writer_count(&c->w, SEC_STRS);
	uint32_t mask = NET_PASS_NAMED | NET_PASS_DNS;
	int r;

	for (size_t i = 0; i < n->domains.n; i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		const struct rule_text *t = &n->domains.v[i];

		r = compile_expand(c, "network", n->c.name, t, &b);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		buf_lower(&b);
		(void)writer_add_str(&c->w, buf_str(&b));
		r = index_add(&c->domains, &c->w, buf_str(&b), number, mask);
		if (r == 0)
			r = literal_domain(c, n, buf_str(&b), number);
		if (r < 0)
			r = compile_report(
				c, r, SITE("network", n->c.name, "domain", t),
				glob_check(buf_str(&b)));
		if (r < 0)
			return r;
	}
	*ret = writer_since(&c->w, SEC_STRS, first);
	return 0;
}

static int net_cidrs(struct compiler *c, const struct network_rule *n,
		     uint32_t number, struct img_span *ret)
{
	uint32_t first = writer_count(&c->w, SEC_CIDRS);

	for (size_t i = 0; i < n->cidrs.n; i++) {
		const struct rule_text *t = &n->cidrs.v[i];
		struct img_cidr cidr = { 0 };
		struct addr a;
		uint8_t key[17];
		unsigned int bits;

		if (addr_parse_cidr(t->s, &a, &bits) < 0) {
			c->n_bad++;
			diag_error(c->diag, c->file, t->pos.line, t->pos.column,
				   "parse network rule \"" STR_FMT
				   "\" cidr \"" STR_FMT
				   "\": write ADDRESS/BITS, as in 10.0.0.0/8",
				   STR_ARG(n->c.name), STR_ARG(t->s));
			continue;
		}
		memcpy(cidr.net, a.b, sizeof(cidr.net));
		cidr.bits = bits;
		(void)writer_add(&c->w, SEC_CIDRS, &cidr);
		/* with domains, the rule is found by its domains */
		if (n->domains.n == 0 &&
		    index_add_exact(&c->cidrs, cidr_key(key, &a, bits), number,
				    NET_PASS_NAMED | NET_PASS_ADDRESS) < 0)
			return -ENOMEM;
	}
	*ret = writer_since(&c->w, SEC_CIDRS, first);
	return 0;
}

static int number_order(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static int net_ports(struct compiler *c, const struct network_rule *n,
		     uint32_t number, struct img_span *ret)
{
	uint32_t first = writer_count(&c->w, SEC_NUMBERS);

	for (size_t i = 0; i < n->n_ports; i++) {
		uint32_t port = n->ports[i];
		char key[2] = { (char)(port >> 8), (char)(port & 0xFF) };

		(void)writer_add(&c->w, SEC_NUMBERS, &port);
		if (n->domains.n == 0 && n->cidrs.n == 0 &&
		    index_add_exact(&c->ports, str_from_n(key, 2), number,
				    NET_PASS_NAMED) < 0)
			return -ENOMEM;
	}
	*ret = writer_since(&c->w, SEC_NUMBERS, first);
	if (c->w.error == 0 && ret->n > 1)
		qsort(c->w.sec[SEC_NUMBERS].data + first * sizeof(uint32_t),
		      ret->n, sizeof(uint32_t), number_order);
	return 0;
}

static int compile_network(struct compiler *c, const struct network_rule *n,
			   uint32_t number)
{
	struct img_rule rule = compile_common(c, &n->c);
	struct img_net net = { 0 };
	int r;

	if (n->domains.n)
		net.groups |= NET_HAS_DOMAINS;
	if (n->cidrs.n)
		net.groups |= NET_HAS_CIDRS;
	if (n->n_ports)
		net.groups |= NET_HAS_PORTS;
	r = net_domains(c, n, number, &rule.sources);
	if (r == 0)
		r = net_cidrs(c, n, number, &net.cidrs);
	if (r == 0)
		r = net_ports(c, n, number, &net.ports);
	rule.extra = writer_add(&c->w, SEC_NETS, &net);
	(void)writer_add(&c->w, SEC_RULES, &rule);
	return r;
}

/*
 * Rules that no name or address selects: tried always. With ports they are
 * found by port, except when a name is judged before any port is known.
 */
static void any_net(struct compiler *c)
{
	uint32_t first = writer_count(&c->w, SEC_ITEMS);

	for (size_t i = 0; i < c->in->n_networks; i++) {
		const struct network_rule *n = &c->in->networks[i];
		struct img_item item = { (uint32_t)i, IMAGE_NONE,
					 NET_PASS_DNS };

		if (n->domains.n || n->cidrs.n)
			continue;
		if (n->n_ports == 0)
			item.mask |= NET_PASS_NAMED;
		(void)writer_add(&c->w, SEC_ITEMS, &item);
	}
	c->w.h.any_net = writer_since(&c->w, SEC_ITEMS, first);
}

static void cidr_lengths(struct compiler *c)
{
	uint32_t first = writer_count(&c->w, SEC_NUMBERS);
	bool used[129] = { false };

	for (size_t i = 0; i < c->cidrs.entries.n; i++)
		used[(uint8_t)c->cidrs.entries.data[i].head.p[0]] = true;
	for (uint32_t bits = 0; bits <= 128; bits++) {
		if (used[bits])
			(void)writer_add(&c->w, SEC_NUMBERS, &bits);
	}
	c->w.h.cidr_bits = writer_since(&c->w, SEC_NUMBERS, first);
}

int compile_networks(struct compiler *c)
{
	uint32_t first = writer_count(&c->w, SEC_RULES);
	int r;

	for (size_t i = 0; i < c->in->n_networks; i++) {
		r = compile_network(c, &c->in->networks[i], (uint32_t)i);
		if (r < 0)
			return r;
	}
	any_net(c);
	cidr_lengths(c);
	c->w.h.family[FAMILY_NET] = writer_since(&c->w, SEC_RULES, first);
	return 0;
}

/* --- http services ----------------------------------------------------------- */

struct service_ctx {
	struct compiler *c;
	const struct http_service *in;
	struct index_build paths;
	uint32_t first_rule; /* of the http family */
};

static int service_rule(struct service_ctx *s, const struct http_rule *in)
{
	struct compiler *c = s->c;
	struct img_rule rule = compile_common(c, &in->c);
	uint32_t number = writer_count(&c->w, SEC_RULES) - s->first_rule;
	static const struct rule_text everything = { STR("**"), { 0, 0 } };
	size_t n = in->paths.n ? in->paths.n : 1;
	int r;

	rule.sources = compile_strs(c, &in->methods);
	for (size_t i = 0; i < n; i++) {
		const struct rule_text *t = in->paths.n ? &in->paths.v[i]
							: &everything;

		r = index_add(&s->paths, &c->w, t->s, number, 1);
		if (r < 0)
			r = compile_report(c, r,
					   SITE("http service", in->c.name,
						"path", t),
					   glob_check(t->s));
		if (r < 0)
			return r;
	}
	(void)writer_add(&c->w, SEC_RULES, &rule);
	return 0;
}

static int compile_service(struct service_ctx *s)
{
	struct compiler *c = s->c;
	const struct http_service *in = s->in;
	struct img_service out = {
		.name = writer_str(&c->w, in->name.s),
		.upstream = writer_str(&c->w, in->upstream.s),
		.expose_as = writer_str(&c->w, in->expose_as),
		.secret_ref = writer_str(&c->w, in->secret_ref),
		.secret_format = writer_str(&c->w, in->secret_format),
		.secret_env = writer_str(&c->w, in->secret_env),
		.secret_places = in->secret_places,
		.intercept = in->intercept,
		.inject_header = writer_str(&c->w, in->inject_header),
		.inject_template = writer_str(&c->w, in->inject_template),
		.aliases = compile_strs(c, &in->aliases),
		.default_allow = in->has_default ? in->default_allow
						 : in->n_rules == 0,
		.allow_direct = in->allow_direct,
		.scrub_response = in->scrub_response,
	};
	int r = 0;

	out.rules.first = writer_count(&c->w, SEC_RULES) - s->first_rule;
	for (size_t i = 0; i < in->n_rules && r == 0; i++)
		r = service_rule(s, &in->rules[i]);
	out.rules.n = (uint32_t)in->n_rules;
	if (r == 0)
		r = index_write(&s->paths, &c->w, &out.paths);
	(void)writer_add(&c->w, SEC_SERVICES, &out);
	return r;
}

int compile_services(struct compiler *c)
{
	uint32_t first = writer_count(&c->w, SEC_RULES);
	int r = 0;

	for (size_t i = 0; i < c->in->n_services && r == 0; i++) {
		struct service_ctx s = { .c = c,
					 .in = &c->in->services[i],
					 .paths = { .sep = '/' },
					 .first_rule = first };

		r = compile_service(&s);
		index_build_done(&s.paths);
	}
	c->w.h.family[FAMILY_HTTP] = writer_since(&c->w, SEC_RULES, first);
	return r;
}

/* --- diversions and settings ---------------------------------------------------- */

static int divert_dns(struct compiler *c, const struct dns_redirect *d)
{
	struct img_divert out = {
		.name = writer_str(&c->w, d->name),
		.target = writer_str(&c->w, d->resolve_to.s),
		.visibility = d->visibility,
		.on_failure = d->on_failure,
	};
	int r;

	r = compile_regex(c, "dns redirect", d->name, "match", &d->match,
			  &out.match);
	(void)writer_add(&c->w, SEC_DIVERTS, &out);
	return r;
}

static int divert_connect(struct compiler *c, const struct connect_redirect *d)
{
	struct img_divert out = {
		.name = writer_str(&c->w, d->name),
		.target = writer_str(&c->w, d->redirect_to.s),
		.unix_path = writer_str(&c->w, d->redirect_to_unix),
		.sni = writer_str(&c->w, d->sni),
		.message = writer_str(&c->w, d->message),
		.visibility = d->visibility,
		.on_failure = d->on_failure,
		.rewrite_sni = d->rewrite_sni,
	};
	int r;

	r = compile_regex(c, "connect redirect", d->name, "match", &d->match,
			  &out.match);
	(void)writer_add(&c->w, SEC_DIVERTS, &out);
	return r;
}

int compile_diverts(struct compiler *c)
{
	uint32_t first = writer_count(&c->w, SEC_DIVERTS);
	int r = 0;

	for (size_t i = 0; i < c->in->n_dns_redirects && r == 0; i++)
		r = divert_dns(c, &c->in->dns_redirects[i]);
	c->w.h.dns_redirects = writer_since(&c->w, SEC_DIVERTS, first);
	first = writer_count(&c->w, SEC_DIVERTS);
	for (size_t i = 0; i < c->in->n_connect_redirects && r == 0; i++)
		r = divert_connect(c, &c->in->connect_redirects[i]);
	c->w.h.connect_redirects = writer_since(&c->w, SEC_DIVERTS, first);
	return r;
}

static bool removed(const struct rule_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++) {
		if (str_eq_icase(l->v[i].s, str_from(name)))
			return true;
	}
	return false;
}

static void transparent(struct compiler *c)
{
	static const char *const builtin[] = {
		"env",     "nice",   "nohup",  "sudo",    "time",    "xargs",
		"busybox", "doas",   "strace", "ltrace",  "timeout", "stdbuf",
		"setsid",  "ionice", "chrt",   "taskset", "toybox",
	};
	uint32_t first = writer_count(&c->w, SEC_STRS);

	for (size_t i = 0; i < ARRAY_LEN(builtin); i++) {
		if (!removed(&c->in->transparent_remove, builtin[i]))
			(void)writer_add_str(&c->w, str_from(builtin[i]));
	}
	if (!removed(&c->in->transparent_remove, "ld-linux*"))
		(void)writer_add_str(&c->w, STR("ld-linux*"));
	for (size_t i = 0; i < c->in->transparent_add.n; i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		buf_put_str(&b, c->in->transparent_add.v[i].s);
		buf_lower(&b);
		(void)writer_add_str(&c->w, buf_str(&b));
	}
	c->w.h.transparent = writer_since(&c->w, SEC_STRS, first);
}

static void settings_limits(struct compiler *c)
{
	const struct resource_rules *in = &c->in->resources;

	c->w.h.limits = (struct img_limits){
		.memory_mb = in->max_memory_mb,
		.swap_max_mb = in->memory_swap_max_mb,
		.disk_read_bps = in->disk_read_bps_max,
		.disk_write_bps = in->disk_write_bps_max,
		.command_timeout_ns = (uint64_t)in->command_timeout_ns,
		.session_timeout_ns = (uint64_t)in->session_timeout_ns,
		.idle_timeout_ns = (uint64_t)in->idle_timeout_ns,
		.cpu_percent = in->cpu_quota_percent,
		.pids = in->pids_max,
		.net_bandwidth_mbps = in->net_bandwidth_mbps,
		.has_swap = in->has_swap,
	};
}

int compile_settings(struct compiler *c)
{
	const struct env_rules *env = &c->in->env;
	uint32_t first = writer_count(&c->w, SEC_STRS);
	int r;

	for (size_t i = 0; i < c->in->env_inject.n; i++) {
		(void)writer_add_str(&c->w, c->in->env_inject.v[i].name.s);
		(void)writer_add_str(&c->w, c->in->env_inject.v[i].value.s);
	}
	c->w.h.env_inject = writer_since(&c->w, SEC_STRS, first);
	c->w.h.name = writer_str(&c->w, c->in->name);
	c->w.h.description = writer_str(&c->w, c->in->description);
	c->w.h.policy_version = c->in->version;
	transparent(c);
	settings_limits(c);
	c->w.h.env.max_bytes = env->max_bytes;
	c->w.h.env.max_keys = env->max_keys;
	c->w.h.env.block_iteration = env->block_iteration;
	c->w.h.env.has_allow = env->allow.n > 0;
	r = compile_env_pats(c, &env->allow, &c->w.h.env.allow);
	if (r == 0)
		r = compile_env_pats(c, &env->deny, &c->w.h.env.deny);
	return r;
}
