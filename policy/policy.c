/* SPDX-License-Identifier: MIT */
/*
 * policy.c - what else a compiled policy can be asked
 */
#include "policy/policy.h"

#include <errno.h>
#include <string.h>

#include "base/addr.h"
#include "base/num.h"
#include "policy/decide.h"
#include "policy/rules.h"

static const char *const builtin_names[BUILTIN_MAX] = {
	[BUILTIN_NONE] = "",
	[BUILTIN_DEFAULT_READS] = "default-allow-reads",
	[BUILTIN_DEFAULT_FILES] = "default-deny-files",
	[BUILTIN_DEFAULT_NETWORK] = "default-deny-network",
	[BUILTIN_DEFAULT_COMMANDS] = "default-deny-commands",
	[BUILTIN_DEFAULT_EXECVE] = "default-deny-execve",
	[BUILTIN_DEFAULT_UNIX] = "default-deny-unix",
	[BUILTIN_DEFAULT_SIGNAL] = "",
	[BUILTIN_SERVICE_DEFAULT] = "default",
	[BUILTIN_SYSTEM_NODE] = "system-node",
	[BUILTIN_PSEUDO_FILE] = "pseudo-file",
	[BUILTIN_INVALID_OP] = "invalid-operation",
	[BUILTIN_DENIED_COPY] = "denied-program-copy",
	[BUILTIN_WRAPPER_DEPTH] = "wrapper-depth-exceeded",
	[BUILTIN_SHELLC_BYPASS] = "shellc-wrapper-bypass",
	[BUILTIN_SHELLC_DEPTH] = "shellc-depth-exceeded",
	[BUILTIN_SHELLC_OPAQUE] = "shellc-opaque-script",
	[BUILTIN_TOR_COMMAND] = "tor:command",
	[BUILTIN_TOR_PORT] = "tor:port",
	[BUILTIN_TOR_NAME] = "tor:onion",
};

static const char *const builtin_messages[BUILTIN_MAX] = {
	[BUILTIN_DEFAULT_SIGNAL] = "no matching rule",
	[BUILTIN_INVALID_OP] = "the operation could not be understood",
	[BUILTIN_DENIED_COPY] = "the file is a copy of a denied program",
	[BUILTIN_WRAPPER_DEPTH] = "too many commands wrapped in one another",
	[BUILTIN_SHELLC_BYPASS] = "the shell command hides what it would run",
	[BUILTIN_SHELLC_DEPTH] = "too many shells within one another",
	[BUILTIN_SHELLC_OPAQUE] =
		"the shell script cannot be judged before it runs",
	[BUILTIN_TOR_COMMAND] = "Tor is not allowed",
	[BUILTIN_TOR_PORT] = "Tor is not allowed",
	[BUILTIN_TOR_NAME] = "Tor is not allowed",
};

struct str policy_rule_name(const struct policy *p, struct verdict v)
{
	const struct img_rule *r = verdict_rule(p, v);

	if (r)
		return img_str(p, r->name);
	return v.rule < BUILTIN_MAX ? str_from(builtin_names[v.rule])
				    : STR_NONE;
}

/* The network rule that v came from, or NULL. */
static const struct img_net *net_rule(const struct policy *p, struct verdict v)
{
	const struct img_rule *r = verdict_rule(p, v);
	struct img_span nets = p->h->family[FAMILY_NET];
	uint32_t i = v.rule - RULE_ID_BASE;

	if (!r || i < nets.first || i - nets.first >= nets.n)
		return NULL;
	return IMG_TABLE(p, SEC_NETS, struct img_net) + r->extra;
}

bool policy_rule_has_ports(const struct policy *p, struct verdict v)
{
	const struct img_net *n = net_rule(p, v);

	return n && (n->groups & NET_HAS_PORTS);
}

unsigned int policy_rule_cidr_bits(const struct policy *p, struct verdict v,
				   const struct addr *a)
{
	const struct img_net *n = net_rule(p, v);
	const struct img_cidr *cidrs;
	unsigned int best = 0;

	if (!n || !(n->groups & NET_HAS_CIDRS))
		return 0;
	cidrs = IMG_TABLE(p, SEC_CIDRS, struct img_cidr) + n->cidrs.first;
	for (uint32_t i = 0; i < n->cidrs.n; i++) {
		struct addr net;

		memcpy(net.b, cidrs[i].net, sizeof(net.b));
		if (cidrs[i].bits > best &&
		    addr_in_cidr(a, &net, cidrs[i].bits))
			best = cidrs[i].bits;
	}
	return best;
}

/* --- messages ---------------------------------------------------------------- */

static void put_args(struct buf *out, const struct op_exec *op)
{
	for (size_t i = 1; i < op->argc; i++) {
		if (i > 1)
			buf_putc(out, ' ');
		buf_put_str(out, op->argv[i]);
	}
}

static void put_remote(struct buf *out, const struct op_net *op)
{
	struct addr a;

	if (op->host.n || !op->has_addr) {
		buf_put_str(out, op->host);
		return;
	}
	memcpy(a.b, op->addr, sizeof(a.b));
	addr_format(&a, out);
}

static void put_variable(struct buf *out, struct str name, const struct op *op)
{
	bool net = op->kind == OP_NET || op->kind == OP_DNS;

	if (str_eq_c(name, "Path") && op->kind == OP_FILE)
		buf_put_str(out, op->file.path);
	else if (str_eq_c(name, "Path") && op->kind == OP_UNIX)
		buf_put_str(out, op->un.path);
	else if (str_eq_c(name, "Path") && op->kind == OP_HTTP)
		buf_put_str(out, op->http.path);
	else if (str_eq_c(name, "Command") && op->kind == OP_EXEC)
		buf_put_str(out, op->exec.path);
	else if (str_eq_c(name, "Args") && op->kind == OP_EXEC)
		put_args(out, &op->exec);
	else if (str_eq_c(name, "RemoteAddr") && net)
		put_remote(out, &op->net);
	else if (str_eq_c(name, "RemotePort") && net)
		buf_printf(out, "%u", (unsigned int)op->net.port);
}

/* Values go in as they are: they are data, never templates themselves. */
static void render(struct buf *out, struct str text, const struct op *op)
{
	for (;;) {
		ptrdiff_t open = str_find(text, STR("{{"));
		struct str rest = str_skip(text, (size_t)MAX(open, 0));
		ptrdiff_t close = str_find(rest, STR("}}"));
		struct str name;

		if (open < 0 || close < 0) {
			buf_put_str(out, text);
			return;
		}
		buf_put(out, text.p, (size_t)open);
		name = str_trim(str_from_n(rest.p + 2, (size_t)close - 2));
		if (name.n && name.p[0] == '.')
			put_variable(out, str_skip(name, 1), op);
		text = str_skip(rest, (size_t)close + 2);
	}
}

void policy_rule_message(const struct policy *p, struct verdict v,
			 const struct op *op, struct buf *out)
{
	const struct img_rule *r = verdict_rule(p, v);

	if (r)
		render(out, img_str(p, r->message), op);
	else if (v.rule < BUILTIN_MAX && builtin_messages[v.rule])
		buf_puts(out, builtin_messages[v.rule]);
}

/* --- details of rules --------------------------------------------------------- */

int64_t policy_rule_timeout(const struct policy *p, struct verdict v)
{
	const struct img_rule *r = verdict_rule(p, v);

	return r ? (int64_t)(r->timeout_ns & INT64_MAX) : 0;
}

static const struct img_command *command_of(const struct policy *p,
					    struct verdict v)
{
	const struct img_rule *r = verdict_rule(p, v);
	struct img_span all = p->h->family[FAMILY_COMMAND];
	uint32_t i = v.rule - RULE_ID_BASE;

	if (!r || i < all.first || i - all.first >= all.n)
		return NULL;
	return IMG_TABLE(p, SEC_COMMANDS, struct img_command) + r->extra;
}

static size_t fill_strs(const struct policy *p, struct img_span span,
			struct str *out, size_t max)
{
	size_t n = MIN((size_t)span.n, max);

	for (uint32_t i = 0; i < n; i++)
		out[i] = img_str_at(p, span, i);
	return n;
}

int policy_rule_redirect(const struct policy *p, struct verdict v,
			 struct policy_redirect *ret, struct str *args,
			 size_t max_args, struct str *env, size_t max_env)
{
	const struct img_rule *r = verdict_rule(p, v);
	const struct img_command *c = command_of(p, v);
	struct policy_redirect out = { 0 };

	if (!r || r->kind != VERDICT_REDIRECT || !(r->flags & RULE_REDIRECTS))
		return -ENOENT;
	out.target = img_str(p, r->redirect_to);
	out.preserve_tree = r->flags & RULE_PRESERVE_TREE;
	if (c) {
		if (c->redirect_args.n > max_args ||
		    c->redirect_env.n > max_env)
			return -E2BIG;
		out.args = args;
		out.n_args = fill_strs(p, c->redirect_args, args, max_args);
		out.environment = env;
		out.n_environment = fill_strs(p, c->redirect_env, env, max_env);
	}
	*ret = out;
	return 0;
}

void policy_limits(const struct policy *p, struct policy_limits *ret)
{
	const struct img_limits *l = &p->h->limits;

	*ret = (struct policy_limits){
		.memory_mb = l->memory_mb,
		.swap_max_mb = l->swap_max_mb,
		.disk_read_bps = l->disk_read_bps,
		.disk_write_bps = l->disk_write_bps,
		.cpu_percent = l->cpu_percent,
		.pids = l->pids,
		.net_bandwidth_mbps = l->net_bandwidth_mbps,
		.has_swap = l->has_swap != 0,
		.command_timeout_ns = (int64_t)l->command_timeout_ns,
		.session_timeout_ns = (int64_t)l->session_timeout_ns,
		.idle_timeout_ns = (int64_t)l->idle_timeout_ns,
	};
}

/* --- environment ----------------------------------------------------------------- */

/* Credentials and what makes loaders, languages and shells run other code. */
static const char secret_names[] =
	" AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SESSION_TOKEN AWS_PROFILE"
	" GOOGLE_APPLICATION_CREDENTIALS GCP_SERVICE_ACCOUNT"
	" AZURE_CLIENT_SECRET AZURE_CLIENT_ID AZURE_TENANT_ID"
	" AZURE_SUBSCRIPTION_ID SSH_AUTH_SOCK SSH_AGENT_PID DOCKER_HOST"
	" DOCKER_TLS_VERIFY KUBECONFIG GITHUB_TOKEN GH_TOKEN GIT_ASKPASS"
	" SSH_ASKPASS GIT_SSH_COMMAND LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT"
	" LD_DEBUG LD_DEBUG_OUTPUT LD_DYNAMIC_WEAK LD_HWCAP_MASK"
	" LD_ORIGIN_PATH LD_PROFILE LD_PROFILE_OUTPUT LD_SHOW_AUXV"
	" LD_TRACE_LOADED_OBJECTS PYTHONPATH PYTHONSTARTUP PYTHONHOME"
	" PYTHONUSERBASE RUBYLIB RUBYOPT PERL5LIB PERL5OPT PERLLIB NODE_PATH"
	" NODE_OPTIONS BASH_ENV ENV SHELLOPTS BASHOPTS CDPATH GLOBIGNORE"
	" MAILPATH PROMPT_COMMAND ";

static bool is_secret(struct str name)
{
	const char *end = secret_names + sizeof(secret_names) - 1;
	const char *p = secret_names;

	if (str_starts(name, STR("DYLD_")))
		return true;
	if (name.n == 0 || str_index(name, ' ') >= 0)
		return false;
	/* There is a space before the first one and after the last. */
	while ((p = memmem(p, (size_t)(end - p), name.p, name.n))) {
		if (p[-1] == ' ' && p[name.n] == ' ')
			return true;
		p++;
	}
	return false;
}

static bool any_pat(const struct policy *p, struct img_span pats,
		    struct str text)
{
	for (uint32_t i = 0; i < pats.n; i++) {
		if (img_pat_run(p, pats.first + i, text))
			return true;
	}
	return false;
}

/* The lists that hold for a command: its rule's own ones replace the policy's.
 */
static struct img_env env_of(const struct policy *p, struct verdict v)
{
	const struct img_rule *r = verdict_rule(p, v);
	const struct img_command *c = command_of(p, v);
	struct img_env env = p->h->env;

	if (!c)
		return env;
	if (r->flags & RULE_HAS_ENV_ALLOW) {
		env.allow = c->env_allow;
		env.has_allow = 1;
	}
	if (r->flags & RULE_HAS_ENV_DENY)
		env.deny = c->env_deny;
	if (c->env_max_bytes)
		env.max_bytes = c->env_max_bytes;
	if (c->env_max_keys)
		env.max_keys = c->env_max_keys;
	if (r->flags & RULE_HAS_BLOCK_ITERATION)
		env.block_iteration = (r->flags & RULE_BLOCK_ITERATION) != 0;
	return env;
}

bool policy_env_allows(const struct policy *p, struct verdict v,
		       struct str name)
{
	struct img_env env = env_of(p, v);

	if (str_starts(name, STR("AGENTSH_")))
		return true;
	if (any_pat(p, env.deny, name))
		return false;
	if (env.has_allow)
		return any_pat(p, env.allow, name);
	return !is_secret(name);
}

void policy_env_limits(const struct policy *p, struct verdict v,
		       struct policy_env *ret)
{
	struct img_env env = env_of(p, v);

	*ret = (struct policy_env){ .max_bytes = env.max_bytes,
				    .max_keys = env.max_keys,
				    .block_iteration = env.block_iteration !=
						       0 };
}

bool policy_env_inject(const struct policy *p, size_t i, struct str *ret_name,
		       struct str *ret_value)
{
	struct img_span pairs = p->h->env_inject;

	if (i >= pairs.n / 2)
		return false;
	*ret_name = img_str_at(p, pairs, (uint32_t)i * 2);
	*ret_value = img_str_at(p, pairs, (uint32_t)i * 2 + 1);
	return true;
}

/* --- diversions and services ------------------------------------------------------ */

static bool find_divert(const struct policy *p, struct img_span span,
			struct str text, struct policy_divert *ret)
{
	const struct img_divert *d =
		IMG_TABLE(p, SEC_DIVERTS, struct img_divert) + span.first;

	for (uint32_t i = 0; i < span.n; i++, d++) {
		struct nfa prog = img_prog(p, &d->match);

		if (!nfa_run(&prog, 0, &text, 1))
			continue;
		*ret = (struct policy_divert){
			.name = img_str(p, d->name),
			.message = img_str(p, d->message),
			.target = img_str(p, d->target),
			.unix_path = img_str(p, d->unix_path),
			.sni = d->rewrite_sni ? img_str(p, d->sni) : STR_NONE,
			.audit = d->visibility != REDIRECT_SILENT,
			.warn = d->visibility == REDIRECT_WARN,
			.fail_open = d->on_failure == REDIRECT_FAIL_OPEN,
			.retry_original = d->on_failure ==
					  REDIRECT_RETRY_ORIGINAL,
		};
		return true;
	}
	return false;
}

bool policy_dns_divert(const struct policy *p, struct str host,
		       struct policy_divert *ret)
{
	return find_divert(p, p->h->dns_redirects, host, ret);
}

bool policy_connect_divert(const struct policy *p, struct str host_port,
			   struct policy_divert *ret)
{
	return find_divert(p, p->h->connect_redirects, host_port, ret);
}

bool policy_service(const struct policy *p, size_t i,
		    struct policy_service *ret)
{
	const struct img_service *s =
		IMG_TABLE(p, SEC_SERVICES, struct img_service) + i;

	if (i >= p->h->sec[SEC_SERVICES].n)
		return false;
	*ret = (struct policy_service){
		.name = img_str(p, s->name),
		.upstream = img_str(p, s->upstream),
		.expose_as = img_str(p, s->expose_as),
		.secret_ref = img_str(p, s->secret_ref),
		.secret_format = img_str(p, s->secret_format),
		.inject_header = img_str(p, s->inject_header),
		.inject_template = img_str(p, s->inject_template),
		.secret_env = img_str(p, s->secret_env),
		.secret_places = s->secret_places,
		.allow_direct = s->allow_direct != 0,
		.scrub_response = s->scrub_response != 0,
		.intercept = s->intercept != 0,
	};
	return true;
}

struct str policy_service_alias(const struct policy *p, size_t i, size_t j)
{
	const struct img_service *s =
		IMG_TABLE(p, SEC_SERVICES, struct img_service) + i;

	if (i >= p->h->sec[SEC_SERVICES].n || j >= s->aliases.n)
		return STR_NONE;
	return img_str_at(p, s->aliases, (uint32_t)j);
}

/* --- facts ------------------------------------------------------------------------ */

struct str policy_name(const struct policy *p)
{
	return img_str(p, p->h->name);
}

uint32_t policy_generation(const struct policy *p)
{
	return p->h->generation;
}

bool policy_has_signal_rules(const struct policy *p)
{
	return p->h->family[FAMILY_SIGNAL].n > 0;
}

bool policy_has_host_names(const struct policy *p)
{
	const struct img_rule *rules = img_rules(p, FAMILY_NET);
	const struct img_net *nets = IMG_TABLE(p, SEC_NETS, struct img_net);

	for (uint32_t i = 0; i < p->h->family[FAMILY_NET].n; i++)
		if (nets[rules[i].extra].groups & NET_HAS_DOMAINS)
			return true;
	return false;
}

struct policy_signal policy_rule_signal(const struct policy *p,
					struct verdict v)
{
	const struct img_rule *r = verdict_rule(p, v);
	const struct img_rule *first = img_rules(p, FAMILY_SIGNAL);
	const struct img_signal *s;

	if (!r || r < first || r >= first + p->h->family[FAMILY_SIGNAL].n)
		return (struct policy_signal){ 0 };
	s = IMG_TABLE(p, SEC_SIGNALS, struct img_signal) + r->extra;
	return (struct policy_signal){
		.redirect = r->kind == VERDICT_REDIRECT
				    ? (int)s->redirect_signal
				    : 0,
		.absorb = (r->flags & RULE_ABSORB) != 0,
	};
}

size_t policy_redirect_dirs(const struct policy *p, struct str *out, size_t max)
{
	const struct img_rule *rules = img_rules(p, FAMILY_FILE);
	size_t n = 0;

	for (uint32_t i = 0; i < p->h->family[FAMILY_FILE].n; i++) {
		if (rules[i].kind != VERDICT_REDIRECT ||
		    !(rules[i].flags & RULE_REDIRECTS))
			continue;
		if (n < max)
			out[n] = img_str(p, rules[i].redirect_to);
		n++;
	}
	return n;
}
