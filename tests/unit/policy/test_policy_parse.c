/* SPDX-License-Identifier: MIT */
/*
 * test_policy_parse.c - policy YAML into rules: strictness, messages, families
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "core/op.h"
#include "policy/rules.h"

#define HEAD "version: 1\nname: t\n"

struct parsed {
	struct arena arena;
	struct diag diag;
	struct policy_rules rules;
	int r;
};

static void parsed_done(struct parsed *p)
{
	diag_done(&p->diag);
	arena_done(&p->arena);
}
#define _cleanup_parsed_ _cleanup_(parsed_done)

static void parse_str(struct parsed *p, struct str yaml)
{
	p->arena = ARENA_INIT(256U << 20);
	p->r = policy_parse("p.yaml", yaml, &p->arena, &p->rules, &p->diag);
}

static void parse(struct parsed *p, const char *yaml)
{
	parse_str(p, str_from(yaml));
}

static void assert_same(struct str got, const char *want)
{
	assert_true(str_eq_c(got, want));
}

/* All messages of one input, errors and warnings, in order. */
static void assert_messages(const char *yaml, int r, const char *want)
{
	_cleanup_parsed_ struct parsed p = { 0 };
	_cleanup_buf_ struct buf got = BUF_INIT;

	parse(&p, yaml);
	diag_format(&p.diag, &got);
	assert_string_equal(buf_cstr(&got), want);
	assert_int_equal(p.r, r);
}

static void assert_error(const char *yaml, const char *want)
{
	_cleanup_parsed_ struct parsed p = { 0 };
	_cleanup_buf_ struct buf got = BUF_INIT;

	parse(&p, yaml);
	diag_first_error(&p.diag, &got);
	assert_string_equal(buf_cstr(&got), want);
	assert_int_equal(p.r, -EINVAL);
}

static void test_top(void **state)
{
	(void)state;
	assert_error("", "p.yaml:1:1: version must be > 0");
	assert_error("# nothing\n", "p.yaml:1:1: version must be > 0");
	assert_error("version: 0\nname: x\n",
		     "p.yaml:1:10: version must be > 0");
	assert_error("version: 1\n", "p.yaml:1:1: name is required");
	assert_error("version: one\nname: x\n",
		     "p.yaml:1:10: version: expected a whole number, found "
		     "\"one\"");
	assert_error("- a\n",
		     "p.yaml:1:1: expected a mapping (key: value), found a "
		     "list");
	assert_error(HEAD "services: []\n",
		     "p.yaml:3:11: services: this key no longer exists; use "
		     "http_services");
	assert_error(HEAD "file_rule: []\n",
		     "p.yaml:3:1: unknown key \"file_rule\"; did you mean "
		     "\"file_rules\"?");
	assert_messages(HEAD, 0, "");
}

static void test_all_errors_are_reported(void **state)
{
	(void)state;
	assert_messages(HEAD "file_rules:\n"
			     "- {name: a, path: [/x], decision: allow}\n"
			     "- {name: b, paths: /x, decision: allow}\n"
			     "network_rules: 5\n",
			-EINVAL,
			"p.yaml:4:13: error: unknown key \"path\" in "
			"file_rules[0]; did you mean \"paths\"?\n"
			"p.yaml:5:20: error: file_rules[1].paths: expected a "
			"list of texts such as [a, b], found \"/x\"\n"
			"p.yaml:6:16: error: network_rules: expected a list "
			"(- ...), found \"5\"\n");
}

static void test_file_rule(void **state)
{
	_cleanup_parsed_ struct parsed p = { 0 };
	const struct file_rule *f = NULL;

	(void)state;
	parse(&p, HEAD "file_rules:\n"
		       "- name: ws\n"
		       "  description: d\n"
		       "  paths: ['${PROJECT_ROOT}/**', /x]\n"
		       "  operations: [read, WRITE, '*']\n"
		       "  decision: Soft_Delete\n"
		       "  message: 'no {{.Path}}'\n"
		       "  timeout: 90s\n"
		       "  redirect_to: /quarantine\n"
		       "  preserve_tree: yes\n"
		       "-\n");
	assert_int_equal(p.r, 0);
	assert_int_equal(p.rules.version, 1);
	assert_same(p.rules.name, "t");
	assert_int_equal(p.rules.n_files, 2);
	f = &p.rules.files[0];
	assert_same(f->c.name, "ws");
	assert_same(f->c.description, "d");
	assert_same(f->c.message, "no {{.Path}}");
	assert_int_equal(f->c.pos.line, 4);
	assert_int_equal(f->c.decision, VERDICT_SOFT_DELETE);
	assert_true(f->c.decision_valid);
	assert_true(f->c.timeout_ns == 90000000000LL);
	assert_true(f->paths.present);
	assert_int_equal(f->paths.n, 2);
	assert_same(f->paths.v[0].s, "${PROJECT_ROOT}/**");
	assert_int_equal(f->paths.v[1].pos.line, 6);
	assert_int_equal(f->paths.v[1].pos.column, 33);
	assert_int_equal(f->operations.n, 3);
	assert_same(f->redirect_to, "/quarantine");
	assert_true(f->preserve_tree);
	assert_false(p.rules.files[1].c.decision_valid);
	assert_int_equal(p.rules.files[1].c.decision, VERDICT_DENY);
	assert_int_equal(p.diag.n_warnings, 2);
}

static void test_decisions(void **state)
{
	(void)state;
	assert_messages(HEAD "command_rules:\n"
			     "- {name: a, commands: [x], decision: alow}\n"
			     "- {name: b, commands: [x]}\n"
			     "- {name: c, commands: [x], decision: redirect}\n",
			0,
			"p.yaml:4:3: warning: command_rules[0]: \"alow\" is no "
			"decision (allow, deny, approve, redirect, audit, "
			"soft_delete): when it matches, the rule denies "
			"(invalid-policy-decision)\n"
			"p.yaml:5:3: warning: command_rules[1]: no decision: "
			"when it matches, the rule denies "
			"(invalid-policy-decision)\n"
			"p.yaml:6:3: warning: command_rules[2]: redirect "
			"without redirect_to.command: when it matches, the "
			"rule denies (invalid-policy-decision)\n");
}

static void test_operation_words(void **state)
{
	(void)state;
	assert_messages(
		HEAD "file_rules:\n"
		     "- {paths: [/x], operations: [read, wrte], decision: "
		     "deny}\n"
		     "unix_socket_rules:\n"
		     "- {paths: [/x], operations: [conect], decision: deny}\n",
		0,
		"p.yaml:4:36: warning: file_rules[0]: operation \"wrte\" is "
		"not known and never matches; did you mean \"write\"?\n"
		"p.yaml:6:30: warning: unix_socket_rules[0]: operation "
		"\"conect\" is not known and never matches; did you mean "
		"\"connect\"?\n");
}

static void test_command_rule(void **state)
{
	_cleanup_parsed_ struct parsed p = { 0 };
	const struct command_rule *c = NULL;

	(void)state;
	parse(&p, HEAD
	      "command_rules:\n"
	      "- name: r\n"
	      "  commands: [git, /usr/bin/*]\n"
	      "  args_patterns: ['^push']\n"
	      "  decision: redirect\n"
	      "  redirect_to:\n"
	      "    command: /bin/echo\n"
	      "    args: [a]\n"
	      "    args_append: [b, c]\n"
	      "    environment: {K: V, N: 5}\n"
	      "  context: [nested]\n"
	      "  env_allow: [P*]\n"
	      "  env_deny: [Q]\n"
	      "  env_max_bytes: 10\n"
	      "  env_max_keys: 0x10\n"
	      "  env_block_iteration: false\n"
	      "- {commands: [a], context: [direct], decision: deny}\n"
	      "- {commands: [a], context: [direct, nested], decision: deny}\n"
	      "- {commands: [a], context: {min_depth: 2, max_depth: 5}, "
	      "decision: deny}\n"
	      "- {commands: [a], context: {min_depth: 2}, decision: deny}\n"
	      "- {commands: [a], decision: deny}\n");
	assert_int_equal(p.r, 0);
	assert_int_equal(p.diag.n_items, 0);
	c = p.rules.commands;
	assert_same(c->redirect_command, "/bin/echo");
	assert_true(c->has_redirect);
	assert_int_equal(c->redirect_args.n, 1);
	assert_int_equal(c->redirect_args_append.n, 2);
	assert_int_equal(c->redirect_environment.n, 2);
	assert_same(c->redirect_environment.v[1].value.s, "5");
	assert_int_equal(c->min_depth, 1);
	assert_true(c->max_depth == UINT32_MAX);
	assert_int_equal(c->env_max_keys, 16);
	assert_true(c->has_env_block_iteration);
	assert_false(c->env_block_iteration);
	assert_true(c[1].min_depth == 0 && c[1].max_depth == 0);
	assert_true(c[2].min_depth == 0 && c[2].max_depth == UINT32_MAX);
	assert_true(c[3].min_depth == 2 && c[3].max_depth == 5);
	assert_true(c[4].min_depth == 2 && c[4].max_depth == UINT32_MAX);
	assert_true(c[5].min_depth == 0 && c[5].max_depth == UINT32_MAX);
	assert_false(c[5].has_env_block_iteration);
}

static void test_command_errors(void **state)
{
	(void)state;
	assert_error(HEAD "command_rules:\n- {context: direct}\n",
		     "p.yaml:4:13: command_rules[0].context: expected "
		     "[direct], [nested] or {min_depth: N, max_depth: N}, "
		     "found \"direct\"");
	assert_error(HEAD "command_rules:\n- {context: [drect]}\n",
		     "p.yaml:4:14: command_rules[0].context[0]: expected "
		     "direct or nested, found \"drect\"");
	assert_error(HEAD "command_rules:\n- context: {min_depth: 3, "
			  "max_depth: 1}\n",
		     "p.yaml:4:12: command_rules[0].context: min_depth must "
		     "lie between 0 and max_depth");
	assert_error(HEAD "command_rules:\n- redirect_to: /bin/x\n",
		     "p.yaml:4:16: command_rules[0].redirect_to: expected a "
		     "mapping (key: value), found \"/bin/x\"");
	assert_error(HEAD "command_rules:\n- redirect_to: {cmd: x}\n",
		     "p.yaml:4:17: unknown key \"cmd\" in "
		     "command_rules[0].redirect_to");
	assert_error(HEAD "command_rules:\n- timeout: 5\n",
		     "p.yaml:4:12: command_rules[0].timeout: expected a "
		     "duration such as 30s, 1h30m or 7d, found \"5\"");
	assert_error(HEAD "command_rules:\n- timeout: -5s\n",
		     "p.yaml:4:12: command_rules[0].timeout: must not be "
		     "negative");
}

static void test_network(void **state)
{
	_cleanup_parsed_ struct parsed p = { 0 };

	(void)state;
	parse(&p, HEAD "network_rules:\n"
		       "- {name: n, domains: ['*.x.org'], ports: [80, 443], "
		       "cidrs: [10.0.0.0/8], decision: allow}\n");
	assert_int_equal(p.r, 0);
	assert_int_equal(p.rules.networks[0].n_ports, 2);
	assert_int_equal(p.rules.networks[0].ports[1], 443);
	assert_int_equal(p.rules.networks[0].cidrs.v[0].pos.line, 4);
	assert_error(HEAD "network_rules:\n- ports: [0]\n",
		     "p.yaml:4:11: network_rules[0].ports[0]: 0 is out of "
		     "range (1 to 65535)");
	assert_error(HEAD "network_rules:\n- ports: [https]\n",
		     "p.yaml:4:11: network_rules[0].ports[0]: expected a "
		     "whole number, found \"https\"");
	assert_error(HEAD "network_rules:\n- ports: 80\n",
		     "p.yaml:4:10: network_rules[0].ports: expected a list of "
		     "ports such as [80, 443], found \"80\"");
}

static void test_unix(void **state)
{
	_cleanup_parsed_ struct parsed p = { 0 };

	(void)state;
	parse(&p, HEAD "unix_socket_rules:\n"
		       "- {paths: ['@abs'], operations: [bind, Listen], "
		       "decision: deny}\n"
		       "- {paths: [/x], decision: deny}\n");
	assert_int_equal(p.r, 0);
	assert_int_equal(p.rules.unixes[0].operations,
			 1 << UNIX_BIND | 1 << UNIX_LISTEN);
	assert_true(p.rules.unixes[1].operations == UINT32_MAX);
}

static void test_signals(void **state)
{
	_cleanup_parsed_ struct parsed p = { 0 };
	const struct signal_rule *s = NULL;

	(void)state;
	parse(&p, HEAD
	      "signal_rules:\n"
	      "- {signals: [SIGTERM, kill, 2, '@reload'], target: {type: "
	      "children}, decision: absorb, fallback: deny}\n"
	      "- {signals: ['@all'], target: {type: process, pattern: "
	      "'node*'}, decision: redirect, redirect_to: SIGINT}\n"
	      "- {signals: [9], target: {type: pid_range, min: 1, max: 9}, "
	      "decision: audit}\n");
	assert_int_equal(p.r, 0);
	assert_int_equal(p.diag.n_items, 0);
	s = p.rules.signals;
	assert_true(s->signals ==
		    (1ULL << (SIGTERM - 1) | 1ULL << (SIGKILL - 1) | 2 |
		     1ULL << (SIGHUP - 1) | 1ULL << (SIGUSR1 - 1) |
		     1ULL << (SIGUSR2 - 1)));
	assert_true(s->absorb && s->c.decision == VERDICT_DENY &&
		    s->c.decision_valid);
	assert_int_equal(s->target, SIGTARGET_CHILDREN);
	assert_int_equal(s->c.pos.line, 4);
	assert_int_equal(s[1].redirect_signal, SIGINT);
	assert_true(s[1].signals == UINT64_MAX);
	assert_same(s[1].pattern.s, "node*");
	assert_int_equal(s[2].max_pid, 9);
}

static void test_signal_errors(void **state)
{
	(void)state;
	assert_error(HEAD "signal_rules:\n- {signals: [SIGFOO], target: {type: "
			  "self}, decision: deny}\n",
		     "p.yaml:4:14: signal_rules[0]: unknown signal "
		     "\"SIGFOO\"");
	assert_error(HEAD "signal_rules:\n- {signals: [9], decision: deny}\n",
		     "p.yaml:4:3: signal_rules[0]: target.type is required");
	assert_error(HEAD "signal_rules:\n- {target: {type: self}, decision: "
			  "deny}\n",
		     "p.yaml:4:3: signal_rules[0]: signals is required");
	assert_error(HEAD "signal_rules:\n- {signals: [9], target: {type: "
			  "everyone}, decision: deny}\n",
		     "p.yaml:4:33: signal_rules[0].target.type: expected "
		     "self, children, descendants, siblings, session, parent, "
		     "external, system, user, process or pid_range, found "
		     "\"everyone\"");
	assert_error(HEAD "signal_rules:\n- {signals: [9], target: {type: "
			  "self}, decision: redirect}\n",
		     "p.yaml:4:3: signal_rules[0]: decision redirect needs "
		     "redirect_to");
	assert_error(HEAD "signal_rules:\n- {signals: [9], target: {type: "
			  "process}, decision: deny}\n",
		     "p.yaml:4:3: signal_rules[0]: target of type process "
		     "needs a pattern");
	assert_error(HEAD "signal_rules:\n- {signals: [9], target: {type: "
			  "pid_range, min: 5, max: 2}, decision: deny}\n",
		     "p.yaml:4:3: signal_rules[0]: target of type pid_range "
		     "needs min and max, min <= max");
}

static void test_redirects(void **state)
{
	_cleanup_parsed_ struct parsed p = { 0 };

	(void)state;
	parse(&p, HEAD
	      "dns_redirects:\n"
	      "- {name: d, match: '^x$', resolve_to: '::1', visibility: warn, "
	      "on_failure: retry_original}\n"
	      "connect_redirects:\n"
	      "- {name: c, match: 'x:443', redirect_to: 'y:8443', tls: {mode: "
	      "rewrite_sni, sni: y}, message: m}\n"
	      "- {match: 'x:1', redirect_to_unix: /run/x.sock, visibility: "
	      "silent}\n");
	assert_int_equal(p.r, 0);
	assert_int_equal(p.rules.dns_redirects[0].visibility, REDIRECT_WARN);
	assert_int_equal(p.rules.dns_redirects[0].on_failure,
			 REDIRECT_RETRY_ORIGINAL);
	assert_true(p.rules.connect_redirects[0].rewrite_sni);
	assert_int_equal(p.rules.connect_redirects[1].visibility,
			 REDIRECT_SILENT);
	assert_int_equal(p.rules.connect_redirects[1].on_failure,
			 REDIRECT_FAIL_CLOSED);
	assert_error(HEAD "dns_redirects:\n- {match: x, resolve_to: y}\n",
		     "p.yaml:4:3: dns_redirects[0]: resolve_to must be an IP "
		     "address, not \"y\"");
	assert_error(HEAD "dns_redirects:\n- {resolve_to: 1.2.3.4}\n",
		     "p.yaml:4:3: dns_redirects[0]: match is required");
	assert_error(HEAD "connect_redirects:\n- {match: x}\n",
		     "p.yaml:4:3: connect_redirects[0]: needs exactly one of "
		     "redirect_to and redirect_to_unix");
	assert_error(HEAD "connect_redirects:\n- {match: x, redirect_to: y}\n",
		     "p.yaml:4:3: connect_redirects[0]: redirect_to must be "
		     "host:port, not \"y\"");
	assert_error(HEAD "connect_redirects:\n- {match: x, redirect_to: "
			  "'y:1', tls: {mode: rewrite_sni}}\n",
		     "p.yaml:4:39: connect_redirects[0].tls: rewrite_sni "
		     "needs sni");
}

static void test_http_services(void **state)
{
	_cleanup_parsed_ struct parsed p = { 0 };
	const struct http_service *s = NULL;

	(void)state;
	parse(&p, HEAD
	      "http_services:\n"
	      "- name: gh.api\n"
	      "  upstream: https://api.example.org/v3\n"
	      "  expose_as: GH_URL\n"
	      "  aliases: [gh]\n"
	      "  allow_direct: true\n"
	      "  default: allow\n"
	      "  rules:\n"
	      "  - {name: r, methods: [GET], paths: [/a/**], decision: audit}\n"
	      "  secret: {ref: 'env:X', format: raw}\n"
	      "  inject: {header: {name: Authorization, template: 'Bearer "
	      "{{secret}}'}}\n"
	      "  scrub_response: true\n");
	assert_int_equal(p.r, 0);
	assert_int_equal(p.diag.n_items, 0);
	s = p.rules.services;
	assert_true(s->has_default && s->default_allow && s->allow_direct);
	assert_int_equal(s->n_rules, 1);
	assert_int_equal(s->rules[0].c.decision, VERDICT_AUDIT);
	assert_same(s->inject_header, "Authorization");
}

static void test_http_errors(void **state)
{
	(void)state;
	assert_error(HEAD "http_services:\n- {name: a, upstream: "
			  "'http://x'}\n",
		     "p.yaml:4:3: http_services[0]: upstream must be an "
		     "https:// URL with a host");
	assert_error(HEAD "http_services:\n- {upstream: 'https://x'}\n",
		     "p.yaml:4:3: http_services[0]: name is required, of "
		     "letters, digits, '.', '_' and '-'");
	assert_error(HEAD "http_services:\n"
			  "- {name: a, upstream: 'https://x'}\n"
			  "- {name: A, upstream: 'https://x'}\n",
		     "p.yaml:5:3: http_services[1]: name \"A\" is taken by "
		     "http_services[0]");
	assert_error(HEAD "http_services:\n- {name: a, upstream: 'https://x', "
			  "expose_as: OPENAI_BASE_URL}\n",
		     "p.yaml:4:3: http_services[0]: expose_as: "
		     "OPENAI_BASE_URL is reserved");
	assert_error(HEAD "http_services:\n- {name: a, upstream: 'https://x', "
			  "inject: {header: {name: A, template: x}}}\n",
		     "p.yaml:4:53: http_services[0].inject.header: template "
		     "must contain {{secret}}");
	assert_error(HEAD "http_services:\n- {name: a, upstream: 'https://x', "
			  "rules: [{decision: soft_delete}]}\n",
		     "p.yaml:4:44: http_services[0].rules[0]: decision must "
		     "be allow, deny, approve or audit, not soft_delete");
}

static void test_limits_and_env(void **state)
{
	_cleanup_parsed_ struct parsed p = { 0 };

	(void)state;
	parse(&p, HEAD
	      "resource_limits:\n"
	      "  max_memory_mb: 2048\n"
	      "  memory_swap_max_mb: 0\n"
	      "  cpu_quota_percent: 100\n"
	      "  disk_read_bps_max: 1\n"
	      "  disk_write_bps_max: 2\n"
	      "  net_bandwidth_mbps: 3\n"
	      "  pids_max: 100\n"
	      "  command_timeout: 5m\n"
	      "  session_timeout: 1d\n"
	      "  idle_timeout: 1h\n"
	      "env_policy: {allow: [A*], deny: [B], max_bytes: 5, max_keys: 6, "
	      "block_iteration: true}\n"
	      "env_inject: {BASH_ENV: /x, N: 1}\n"
	      "transparent_commands: {add: [foo], remove: [sudo]}\n");
	assert_int_equal(p.r, 0);
	assert_int_equal(p.rules.resources.max_memory_mb, 2048);
	assert_true(p.rules.resources.has_swap);
	assert_true(p.rules.resources.command_timeout_ns == 300000000000LL);
	assert_true(p.rules.resources.session_timeout_ns == 86400000000000LL);
	assert_int_equal(p.rules.env.max_keys, 6);
	assert_same(p.rules.env_inject.v[0].name.s, "BASH_ENV");
	assert_same(p.rules.env_inject.v[1].value.s, "1");
	assert_same(p.rules.transparent_remove.v[0].s, "sudo");
	assert_error(HEAD "resource_limits: {pids_max: -1}\n",
		     "p.yaml:3:29: resource_limits.pids_max: -1 is out of "
		     "range (0 to 4294967295)");
	assert_error(HEAD "resource_limits: {memory: 1}\n",
		     "p.yaml:3:19: unknown key \"memory\" in resource_limits");
}

static void test_families_not_enforced(void **state)
{
	static const char *const keys[] = {
		"audit",
		"providers",
		"package_rules",
		"mcp_rules",
		"registry_rules",
		"process_contexts",
		"process_identities",
		"metadata",
		"db_services",
		"database_rules",
		"policies",
		"database_connection_rules",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		_cleanup_buf_ struct buf yaml = BUF_INIT;
		_cleanup_buf_ struct buf want = BUF_INIT;

		buf_printf(&yaml, HEAD "%s:\n  any: [{thing: 1}]\n", keys[i]);
		buf_printf(&want,
			   "p.yaml:4:3: warning: %s: not enforced by this "
			   "version\n",
			   keys[i]);
		assert_messages(buf_cstr(&yaml), 0, buf_cstr(&want));
		buf_reset(&yaml);
		buf_printf(&yaml, HEAD "%s: []\n", keys[i]);
		assert_messages(buf_cstr(&yaml), 0, "");
	}
}

static const char *const every_key[] = {
	"version",
	"name",
	"description",
	"file_rules",
	"network_rules",
	"command_rules",
	"unix_socket_rules",
	"signal_rules",
	"dns_redirects",
	"connect_redirects",
	"resource_limits",
	"env_policy",
	"env_inject",
	"http_services",
	"services",
	"transparent_commands",
	"audit",
	"paths",
	"operations",
	"decision",
	"timeout",
	"redirect_to",
	"context",
	"commands",
	"ports",
	"domains",
	"signals",
	"target",
	"match",
	"tls",
	"rules",
	"secret",
	"inject",
};

/* Each key of every family given a value of each wrong shape: no crash, and
 * an error or nothing, but never both a result and an error. */
static void test_wrong_types(void **state)
{
	static const char *const values[] = {
		"[]",          "{}",       "~",   "x",           "[[x]]",
		"{a: {b: c}}", "-1",       "99",  "'quoted: 1'", "[{a: b}]",
		"true",        "{a: [~]}", "1.5",
	};
	static const char *const homes[] = {
		"",
		"file_rules",
		"network_rules",
		"command_rules",
		"unix_socket_rules",
		"signal_rules",
		"dns_redirects",
		"connect_redirects",
		"http_services",
	};

	(void)state;
	for (size_t h = 0; h < ARRAY_LEN(homes); h++)
		for (size_t k = 0; k < ARRAY_LEN(every_key); k++)
			for (size_t v = 0; v < ARRAY_LEN(values); v++) {
				_cleanup_buf_ struct buf yaml = BUF_INIT;
				_cleanup_parsed_ struct parsed p = { 0 };

				buf_puts(&yaml,
					 k > 1 || h ? HEAD : "name: t\n");
				if (h)
					buf_printf(&yaml, "%s:\n- ", homes[h]);
				buf_printf(&yaml, "%s: %s\n", every_key[k],
					   values[v]);
				parse(&p, buf_cstr(&yaml));
				assert_true(p.r == 0 || p.r == -EINVAL);
				assert_int_equal(p.r == 0,
						 p.diag.n_errors == 0);
			}
}

static void test_hostile(void **state)
{
	_cleanup_buf_ struct buf junk = BUF_INIT;
	_cleanup_buf_ struct buf bomb = BUF_INIT;
	_cleanup_parsed_ struct parsed p = { 0 };
	_cleanup_parsed_ struct parsed q = { 0 };

	(void)state;
	for (int i = 0; i < 10 << 20; i++)
		buf_putc(&junk, (char)(i * 37 + (i >> 8)));
	parse_str(&p, buf_str(&junk));
	assert_int_equal(p.r, -EINVAL);
	assert_int_equal(p.diag.n_errors, 1);
	buf_puts(&bomb, HEAD "metadata:\n- &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 20; i++) {
		buf_printf(&bomb, "- &a%d [", i);
		for (int j = 0; j < 10; j++)
			buf_printf(&bomb, "%s*a%d", j ? "," : "", i - 1);
		buf_puts(&bomb, "]\n");
	}
	parse_str(&q, buf_str(&bomb));
	assert_int_equal(q.r, -EINVAL);
	assert_int_equal(q.diag.n_errors, 1);
	assert_error("version: 1\nname: a\nname: b\n",
		     "p.yaml:3:1: key \"name\" is given twice (first on line "
		     "2)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_all_errors_are_reported),
		cmocka_unit_test(test_file_rule),
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_operation_words),
		cmocka_unit_test(test_command_rule),
		cmocka_unit_test(test_command_errors),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_signal_errors),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_http_services),
		cmocka_unit_test(test_http_errors),
		cmocka_unit_test(test_limits_and_env),
		cmocka_unit_test(test_families_not_enforced),
		cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
