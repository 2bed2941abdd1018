/* SPDX-License-Identifier: MIT */
/*
 * test_config_load.c - config.yaml: defaults, names, messages, hostile input
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "config/keys.h"

struct loaded {
	struct config *c;
	struct diag diag;
	int r;
};

static void loaded_done(struct loaded *l)
{
	config_free(l->c);
	diag_done(&l->diag);
}
#define _cleanup_loaded_ _cleanup_(loaded_done)

/* A writable string, as environ has them. */
#define VAR(text) ((char[]){ text })

static char *no_env[] = { NULL };

static void load_env(struct loaded *l, const char *yaml, char *const *env)
{
	l->r = config_parse("/etc/x/c.yaml", str_from(yaml),
			    CONFIG_SOURCE_EXPLICIT, env, &l->c, &l->diag);
}

static void load(struct loaded *l, const char *yaml)
{
	load_env(l, yaml, no_env);
}

static void assert_messages_env(const char *yaml, char *const *env, int r,
				const char *want)
{
	_cleanup_loaded_ struct loaded l = { 0 };
	_cleanup_buf_ struct buf got = BUF_INIT;

	load_env(&l, yaml, env);
	diag_format(&l.diag, &got);
	assert_string_equal(buf_cstr(&got), want);
	assert_int_equal(l.r, r);
}

static void assert_messages(const char *yaml, int r, const char *want)
{
	assert_messages_env(yaml, no_env, r, want);
}

static void test_defaults(void **state)
{
	_cleanup_loaded_ struct loaded l = { 0 };
	const struct config *c = NULL;

	(void)state;
	load(&l, "");
	assert_int_equal(l.r, 0);
	assert_int_equal(l.diag.n_items, 0);
	c = l.c;
	assert_string_equal(c->server.http.addr, "127.0.0.1:18080");
	assert_true(c->server.http.write_timeout == 300000000000LL);
	assert_true(c->server.http.max_request_size == 10000000);
	assert_string_equal(c->server.unix_socket.permissions, "0660");
	assert_int_equal(c->auth.type, CONFIG_AUTH_NONE);
	assert_string_equal(c->auth.api_key.header_name, "X-API-Key");
	assert_string_equal(c->sessions.base_dir, "/etc/x/sessions");
	assert_string_equal(c->audit.storage.sqlite_path, "/etc/x/events.db");
	assert_string_equal(c->policies.dir, "/etc/x/policies");
	assert_string_equal(c->policies.default_name, "default");
	assert_int_equal(c->sessions.max_sessions, 100);
	assert_true(c->sandbox.fuse.audit.ttl == 7 * 86400000000000LL);
	assert_true(c->sandbox.fuse.audit.quota == 5000000000ULL);
	assert_int_equal(c->sandbox.fuse.audit.mode, CONFIG_FUSE_MONITOR);
	assert_true(config_on(c->sandbox.unix_sockets.enabled));
	assert_int_equal(c->sandbox.seccomp.wait_killable, CONFIG_UNSET);
	assert_int_equal(c->sandbox.seccomp.syscalls.block.n, 14);
	assert_int_equal(c->sandbox.seccomp.blocked_socket_families.n, 12);
	assert_int_equal(c->sandbox.seccomp.execve.max_argc, 1000);
	assert_int_equal(c->policies.project_markers.n, 5);
	assert_true(
		str_eq_c(c->policies.project_markers.v[4], "pyproject.toml"));
	assert_true(c->landlock.network.allow_connect_tcp);
	assert_true(config_on(c->dlp.patterns.email));
	assert_string_equal(c->health.readiness_path, "/ready");
	assert_true(c->approvals.timeout == 300000000000LL);
}

/* Every key of the table accepts its own default and a null, and no key of the
 * table is reported as unknown. */
static void test_every_key_is_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_n_keys; i++) {
		_cleanup_loaded_ struct loaded l = { 0 };
		_cleanup_buf_ struct buf yaml = BUF_INIT;
		struct str rest = str_from(config_keys[i].path);
		struct str part = STR_NONE;

		for (unsigned int depth = 0; str_split(&rest, '.', &part);
		     depth++) {
			for (unsigned int j = 0; j < depth; j++)
				buf_puts(&yaml, "  ");
			buf_printf(&yaml, STR_FMT ":\n", STR_ARG(part));
		}
		load(&l, buf_cstr(&yaml));
		assert_int_equal(l.r, 0);
		assert_int_equal(l.c->n_unknown, 0);
		assert_int_equal(l.c->n_not_honoured, 0);
	}
}

/* Each wrong shape at each key: an error or nothing, never a crash, never
 * both; and a mapping where text belongs is always an error. */
static void test_wrong_types(void **state)
{
	static const char *const values[] = { "{zz: {y: x}}", "[[x]]", "[{}]",
					      "'q'",          "-3",    "1e99",
					      "{}",           "5x" };

	(void)state;
	for (size_t i = 0; i < config_n_keys; i++)
		for (size_t v = 0; v < ARRAY_LEN(values); v++) {
			_cleanup_loaded_ struct loaded l = { 0 };
			_cleanup_buf_ struct buf yaml = BUF_INIT;
			struct str rest = str_from(config_keys[i].path);
			struct str part = STR_NONE;
			size_t depth = 0;

			for (; str_split(&rest, '.', &part); depth++)
				buf_printf(&yaml, "%s" STR_FMT ": ",
					   depth ? "{" : "", STR_ARG(part));
			buf_puts(&yaml, values[v]);
			for (; depth > 1; depth--)
				buf_puts(&yaml, "}");
			load(&l, buf_cstr(&yaml));
			assert_true(l.r == 0 || l.r == -EINVAL);
			assert_int_equal(l.r == 0, l.diag.n_errors == 0);
			if (v == 0 && config_keys[i].type < KEY_MAP)
				assert_int_equal(l.r, -EINVAL);
		}
}

static void test_unknown(void **state)
{
	_cleanup_loaded_ struct loaded l = { 0 };

	(void)state;
	assert_messages("sever: {}\n", 0,
			"/etc/x/c.yaml:1:1: warning: unknown key \"sever\"; "
			"did you mean \"server\"? (ignored)\n");
	assert_messages("sandbox:\n  fuse:\n    audit:\n      modes: x\n", 0,
			"/etc/x/c.yaml:4:7: warning: unknown key \"modes\" in "
			"sandbox.fuse.audit; did you mean \"mode\"? "
			"(ignored)\n");
	load(&l, "a: 1\nb: 2\nserver: {zzzzzzzz: 1}\n");
	assert_int_equal(l.r, 0);
	assert_int_equal(l.c->n_unknown, 3);
}

static void test_aliases(void **state)
{
	_cleanup_loaded_ struct loaded l = { 0 };

	(void)state;
	load(&l, "sandbox:\n"
		 "  landlock: {enabled: true, allow_read: [/a, /b]}\n"
		 "policies: {default_policy: strict}\n"
		 "development: {verbose_errors: true}\n");
	assert_int_equal(l.r, 0);
	assert_int_equal(l.diag.n_items, 0);
	assert_true(l.c->landlock.enabled);
	assert_int_equal(l.c->landlock.allow_read.n, 2);
	assert_string_equal(l.c->policies.default_name, "strict");
	assert_int_equal(l.c->logging.level, CONFIG_LEVEL_DEBUG);
	assert_messages("policies: {default: a, default_policy: b}\n", 0,
			"/etc/x/c.yaml:1:40: warning: policies.default_policy: "
			"policies.default is given under two names; this one "
			"is ignored\n");
	assert_messages("policies: {default_policy: b, default: a}\n", 0,
			"/etc/x/c.yaml:1:40: warning: policies.default: "
			"policies.default is given under two names; this one "
			"counts\n");
}

/* Its own name counts, before and behind the other one, in a section too. */
static void test_two_names(void **state)
{
	static const char *const texts[] = {
		"sandbox: {landlock: {allow_read: [/a], allow_write: [/w]}}\n"
		"landlock: {allow_read: [/b, /c]}\n"
		"policies: {default: a, default_policy: b}\n",
		"landlock: {allow_read: [/b, /c]}\n"
		"sandbox: {landlock: {allow_read: [/a], allow_write: [/w]}}\n"
		"policies: {default_policy: b, default: a}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_loaded_ struct loaded l = { 0 };

		load(&l, texts[i]);
		assert_int_equal(l.r, 0);
		assert_int_equal(l.diag.n_items, 2);
		assert_int_equal(l.c->landlock.allow_read.n, 2);
		assert_int_equal(l.c->landlock.allow_write.n, 1);
		assert_string_equal(l.c->policies.default_name, "a");
	}
}

static void test_messages(void **state)
{
	(void)state;
	assert_messages("sandbox: {fuse: {audit: {mode: soft}}}\n", -EINVAL,
			"/etc/x/c.yaml:1:32: error: sandbox.fuse.audit.mode: "
			"expected monitor, soft_block, soft_delete or "
			"strict, found \"soft\"\n");
	assert_messages("sandbox: {fuse: {audit: {ttl: week}}}\n", -EINVAL,
			"/etc/x/c.yaml:1:31: error: sandbox.fuse.audit.ttl: "
			"expected a duration such as 30s, 1h30m or 7d, found "
			"\"week\"\n");
	assert_messages("approvals: {timeout: -1s}\n", -EINVAL,
			"/etc/x/c.yaml:1:22: error: approvals.timeout: must "
			"not be negative\n");
	assert_messages("server: x\n", -EINVAL,
			"/etc/x/c.yaml:1:9: error: server: expected a mapping "
			"(key: value), found \"x\"\n");
	assert_messages("landlock: {enabled: \"true\"}\n", -EINVAL,
			"/etc/x/c.yaml:1:21: error: landlock.enabled: "
			"expected true or false, found the quoted text "
			"\"true\"\n");
	assert_messages("sandbox: {seccomp: {hardening_profiles: [x]}}\n",
			-EINVAL,
			"/etc/x/c.yaml:1:21: error: "
			"sandbox.seccomp.hardening_profiles: was removed; use "
			"mitigation_sets\n");
	assert_messages("landlock: {network: {bind_ports: [0]}}\n", -EINVAL,
			"/etc/x/c.yaml:1:35: error: "
			"landlock.network.bind_ports[0]: 0 is out of range (1 "
			"to 65535)\n");
	assert_messages("dlp: {custom_patterns: [{name: x}]}\n", -EINVAL,
			"/etc/x/c.yaml:1:25: error: dlp.custom_patterns[0]: "
			"name and regex are required\n");
	assert_messages("dlp:\n  mode: disabled\n  custom_patterns:\n"
			"  - name: x\n    regex: 'a(b'\n",
			-EINVAL,
			"/etc/x/c.yaml:5:12: error: "
			"dlp.custom_patterns[0].regex: character 4: '(' "
			"without ')'\n");
	assert_messages("sandbox: {seccomp: {socket_rules: [{name: a}, {name: "
			"a}]}}\n",
			-EINVAL,
			"/etc/x/c.yaml:1:35: error: "
			"sandbox.seccomp.socket_rules: name \"a\" is used "
			"twice\n");
}

static void test_not_honoured(void **state)
{
	(void)state;
	/* One warning for a section nothing of which is honoured ... */
	assert_messages("threat_feeds: {enabled: true, feeds: [x]}\n"
			"audit:\n  encryption: {enabled: true}\n",
			0,
			"/etc/x/c.yaml:1:15: warning: threat_feeds: accepted, "
			"but not honoured by this version\n"
			"/etc/x/c.yaml:3:15: warning: audit.encryption: "
			"accepted, but not honoured by this version\n");
	/* ... and none for what is switched off or at its default. */
	assert_messages("threat_feeds: {enabled: false, feeds: [x]}\n"
			"server: {grpc: {enabled: false, addr: 'x:1'}, tls: "
			"{cert_file: /x}}\n"
			"dlp: {mode: disabled}\nskillcheck: {enabled: false}\n",
			0, "");
	assert_messages("sandbox: {enabled: false}\n", 0,
			"/etc/x/c.yaml:1:20: warning: sandbox.enabled: always "
			"so, whatever this key says\n");
}

static void test_cross_checks(void **state)
{
	(void)state;
	assert_messages("server: {http: {addr: '0.0.0.0:18080'}}\n", -EINVAL,
			"/etc/x/c.yaml:1:23: error: refusing to listen on "
			"\"0.0.0.0:18080\" with auth.type=none (use "
			"127.0.0.1/localhost or enable auth)\n");
	assert_messages("server: {http: {addr: '127.0.0.1.example.org:1'}}\n",
			-EINVAL,
			"/etc/x/c.yaml:1:23: error: refusing to listen on "
			"\"127.0.0.1.example.org:1\" with auth.type=none (use "
			"127.0.0.1/localhost or enable auth)\n");
	assert_messages("server: {http: {addr: '10.0.0.1:80'}}\n", -EINVAL,
			"/etc/x/c.yaml:1:23: error: refusing to listen on "
			"\"10.0.0.1:80\" with auth.type=none (use "
			"127.0.0.1/localhost or enable auth)\n");
	assert_messages("server: {http: {addr: '[::1]:18080'}}\n", 0, "");
	assert_messages("server: {http: {addr: ':18080'}}\n"
			"auth: {type: api_key, api_key: {keys_file: /k}}\n",
			0, "");
	assert_messages("auth: {type: api_key}\n", -EINVAL,
			"/etc/x/c.yaml:1:14: error: auth.type: api_key needs "
			"auth.api_key.keys_file\n");
	assert_messages("auth: {type: oidc}\n", -EINVAL,
			"/etc/x/c.yaml:1:14: error: auth.type: oidc is not "
			"supported by this version, and going on without it "
			"would open the API; use api_key\n");
	assert_messages("approvals: {enabled: true, mode: api}\n", -EINVAL,
			"/etc/x/c.yaml:1:34: error: approvals.mode=api "
			"requires auth.type=api_key (auth is disabled)\n");
	assert_messages("approvals: {enabled: true, mode: totp}\n", -EINVAL,
			"/etc/x/c.yaml:1:34: error: approvals.mode: only "
			"local_tty and api are supported by this version\n");
	assert_messages("sandbox: {require: [undo, netwrk]}\n", -EINVAL,
			"/etc/x/c.yaml:1:20: error: sandbox.require: "
			"\"netwrk\" is no guarantee or mechanism; did you "
			"mean \"network\"?\n");
	assert_messages("audit: {integrity: {enabled: true}}\n", -EINVAL,
			"/etc/x/c.yaml:1:20: error: audit.integrity: needs "
			"key_file or key_env\n");
	assert_messages("sandbox: {ptrace: {performance: {max_hold_ms: 0}}}\n",
			-EINVAL,
			"/etc/x/c.yaml:1:47: error: "
			"sandbox.ptrace.performance.max_hold_ms: must be > "
			"0\n");
	assert_messages(
		"sandbox: {ptrace: {enabled: true, attach_mode: pid}}\n",
		-EINVAL,
		"/etc/x/c.yaml:1:48: error: "
		"sandbox.ptrace.attach_mode: pid is not supported: a "
		"program that runs already cannot be put into the "
		"sandbox; write \"attach_mode: children\" and start "
		"the program with \"agentsh exec\" or \"agentsh "
		"run\"\n");
}

static void test_derived(void **state)
{
	_cleanup_loaded_ struct loaded l = { 0 };
	_cleanup_loaded_ struct loaded m = { 0 };
	_cleanup_loaded_ struct loaded n = { 0 };

	(void)state;
	load(&l, "sandbox: {seccomp: {enabled: true}}\n");
	assert_true(config_on(l.c->sandbox.seccomp.file_monitor.enabled));
	assert_false(config_on(
		l.c->sandbox.seccomp.file_monitor.intercept_metadata));
	assert_false(
		config_on(l.c->sandbox.seccomp.file_monitor.write_only_opens));
	assert_true(config_on(l.c->sandbox.seccomp.unix_socket.enabled));
	load(&m, "sandbox: {unix_sockets: {enabled: false}, seccomp: "
		 "{enabled: true, blocked_socket_families: [], file_monitor: "
		 "{write_only_opens: true}}}\n"
		 "dlp: {patterns: {email: true}}\n");
	assert_false(config_on(m.c->sandbox.seccomp.unix_socket.enabled));
	assert_true(
		config_on(m.c->sandbox.seccomp.file_monitor.write_only_opens));
	assert_int_equal(m.c->sandbox.seccomp.blocked_socket_families.n, 0);
	assert_true(config_on(m.c->dlp.patterns.email));
	assert_false(config_on(m.c->dlp.patterns.ssn));
	load(&n, "");
	assert_true(config_on(n.c->sandbox.seccomp.file_monitor.enabled));
	assert_false(
		config_on(n.c->sandbox.seccomp.file_monitor.write_only_opens));
}

static void test_environment(void **state)
{
	char *env[] = { VAR("AGENTSH_HTTP_ADDR=127.0.0.1:99"),
			VAR("AGENTSH_LOG_LEVEL=warn"),
			VAR("AGENTSH_DATA_DIR=/data"),
			VAR("WHERE=/over/there"),
			VAR("AGENTSH_POLICY_NAME=strict"),
			NULL };
	char *bad[] = { VAR("AGENTSH_LOG_LEVEL=loud"), NULL };
	char *unused[] = { VAR("PKGCHECK_FAIL_MODE=open"), NULL };
	_cleanup_loaded_ struct loaded l = { 0 };

	(void)state;
	load_env(&l,
		 "# $NOT_EXPANDED $IN_COMMENT\n"
		 "policies: {dir: '${WHERE}/p', allowed: [default, strict]}\n"
		 "audit: {output: $WHERE/log}\n"
		 "sandbox: {env_inject: {A: 'x$', B: '$)', C: 'a$1b'}}\n",
		 env);
	assert_int_equal(l.r, 0);
	assert_int_equal(l.diag.n_items, 1); /* $1 */
	assert_string_equal(l.c->server.http.addr, "127.0.0.1:99");
	assert_int_equal(l.c->logging.level, CONFIG_LEVEL_WARN);
	assert_string_equal(l.c->sessions.base_dir, "/data/sessions");
	assert_string_equal(l.c->audit.storage.sqlite_path, "/data/events.db");
	assert_string_equal(l.c->policies.dir, "/over/there/p");
	assert_string_equal(l.c->audit.output, "/over/there/log");
	assert_string_equal(l.c->policies.default_name, "strict");
	assert_true(str_eq_c(l.c->sandbox.env_inject.values[0], "x$"));
	assert_true(str_eq_c(l.c->sandbox.env_inject.values[1], "$)"));
	assert_true(str_eq_c(l.c->sandbox.env_inject.values[2], "ab"));
	assert_messages_env("", bad, -EINVAL,
			    "environment variable AGENTSH_LOG_LEVEL: error: "
			    "logging.level: expected error, warn, info "
			    "or debug, found \"loud\"\n");
	assert_messages("audit: {output: '/x/${NOPE}y'}\n", 0,
			"/etc/x/c.yaml:1:21: warning: $NOPE is not set and "
			"was replaced by nothing\n");
	assert_messages_env("", unused, 0,
			    "warning: environment variable "
			    "PKGCHECK_FAIL_MODE: not honoured by this "
			    "version\n");
}

static void test_policy_name_must_be_allowed(void **state)
{
	char *env[] = { VAR("AGENTSH_POLICY_NAME=lax"), NULL };
	char *path[] = { VAR("AGENTSH_POLICY_NAME=../lax"), NULL };
	_cleanup_loaded_ struct loaded l = { 0 };
	_cleanup_loaded_ struct loaded m = { 0 };

	(void)state;
	load_env(&l, "policies: {allowed: [a, b], default: a}\n", env);
	assert_string_equal(l.c->policies.default_name, "a");
	load_env(&m, "policies: {allowed: ['../lax'], default: a}\n", path);
	assert_string_equal(m.c->policies.default_name, "a");
}

static void test_sources(void **state)
{
	char *env[] = { VAR("HOME=/home/u"), NULL };
	char *xdg[] = { VAR("HOME=/home/u"), VAR("XDG_DATA_HOME=/xd"),
			VAR("XDG_CONFIG_HOME=/xc"), NULL };
	const struct {
		enum config_source source;
		char **env;
		const char *db, *policies;
	} rows[] = {
		/* another user may not write where the system's data is */
		{ CONFIG_SOURCE_SYSTEM, env,
		  geteuid() == 0 || access("/var/lib/agentsh", W_OK) == 0
			  ? "/var/lib/agentsh/events.db"
			  : "/home/u/.local/share/agentsh/events.db",
		  "/etc/agentsh/policies" },
		{ CONFIG_SOURCE_USER, env,
		  "/home/u/.local/share/agentsh/events.db",
		  "/home/u/.config/agentsh/policies" },
		{ CONFIG_SOURCE_USER, xdg, "/xd/agentsh/events.db",
		  "/xc/agentsh/policies" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_loaded_ struct loaded l = { 0 };

		l.r = config_parse("c.yaml", STR(""), rows[i].source,
				   rows[i].env, &l.c, &l.diag);
		assert_int_equal(l.r, 0);
		assert_string_equal(l.c->audit.storage.sqlite_path, rows[i].db);
		assert_string_equal(l.c->policies.dir, rows[i].policies);
	}
}

static void test_find(void **state)
{
	char dir[] = "/tmp/agentsh-config-XXXXXX";
	_cleanup_buf_ struct buf home = BUF_INIT, file = BUF_INIT;
	_cleanup_buf_ struct buf got = BUF_INIT;
	char *env[3] = { NULL };
	FILE *f = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	buf_printf(&home, "XDG_CONFIG_HOME=%s", dir);
	buf_printf(&file, "%s/agentsh", dir);
	assert_int_equal(mkdir(buf_cstr(&file), 0700), 0);
	buf_puts(&file, "/config.yml");
	f = fopen(buf_cstr(&file), "we");
	assert_non_null(f);
	(void)fclose(f);
	env[0] = home.data;
	assert_int_equal(config_find(NULL, env, &got), CONFIG_SOURCE_USER);
	assert_string_equal(buf_cstr(&got), buf_cstr(&file));
	buf_reset(&got);
	env[1] = VAR("AGENTSH_CONFIG=/e/c.yaml");
	assert_int_equal(config_find(NULL, env, &got), CONFIG_SOURCE_EXPLICIT);
	assert_string_equal(buf_cstr(&got), "/e/c.yaml");
	buf_reset(&got);
	assert_int_equal(config_find("x.yaml", env, &got),
			 CONFIG_SOURCE_EXPLICIT);
	assert_string_equal(buf_cstr(&got), "x.yaml");
	/* Named, but the one that would have been found. */
	buf_reset(&got);
	assert_int_equal(config_find(buf_cstr(&file), env, &got),
			 CONFIG_SOURCE_USER);
	(void)unlink(buf_cstr(&file));
	file.data[file.len - strlen("/config.yml")] = 0;
	(void)rmdir(buf_cstr(&file));
	(void)rmdir(dir);
}

static void test_missing_file(void **state)
{
	_cleanup_loaded_ struct loaded l = { 0 };

	(void)state;
	l.r = config_load("/nonexistent/c.yaml", CONFIG_SOURCE_EXPLICIT, no_env,
			  &l.c, &l.diag);
	assert_int_equal(l.r, -ENOENT);
	assert_int_equal(l.diag.n_errors, 1);
	assert_int_equal(config_validate("/nonexistent/c.yaml",
					 CONFIG_SOURCE_EXPLICIT, no_env, NULL),
			 -ENOENT);
}

static void test_hostile(void **state)
{
	_cleanup_buf_ struct buf bomb = BUF_INIT, junk = BUF_INIT;
	_cleanup_buf_ struct buf many = BUF_INIT;
	_cleanup_loaded_ struct loaded l = { 0 }, m = { 0 }, n = { 0 };

	(void)state;
	buf_puts(&bomb, "tor:\n- &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 20; i++) {
		buf_printf(&bomb, "- &a%d [", i);
		for (int j = 0; j < 10; j++)
			buf_printf(&bomb, "%s*a%d", j ? "," : "", i - 1);
		buf_puts(&bomb, "]\n");
	}
	load(&l, buf_cstr(&bomb));
	assert_int_equal(l.r, -EINVAL);
	assert_int_equal(l.diag.n_errors, 1);
	for (int i = 0; i < 10 << 20; i++)
		buf_putc(&junk, (char)('a' + i % 26));
	load(&m, buf_cstr(&junk));
	assert_int_equal(m.r, -EINVAL);
	assert_int_equal(m.diag.n_errors, 1);
	for (int i = 0; i < 60000; i++)
		buf_printf(&many, "k%d: 1\n", i);
	load(&n, buf_cstr(&many));
	assert_int_equal(n.r, 0);
	assert_int_equal(n.c->n_unknown, 60000);
	assert_messages("a: \xff\n", -EINVAL,
			"/etc/x/c.yaml:1:4: error: not valid UTF-8\n");
	assert_messages("server: {}\nserver: {}\n", -EINVAL,
			"/etc/x/c.yaml:2:1: error: key \"server\" is given "
			"twice (first on line 1)\n");
}

static void test_json(void **state)
{
	_cleanup_loaded_ struct loaded l = { 0 };
	_cleanup_buf_ struct buf out = BUF_INIT;
	_cleanup_arena_ struct arena a = ARENA_INIT(4U << 20);
	struct json_writer w;
	struct json *root = NULL;
	const struct json *n = NULL;

	(void)state;
	load(&l, "sandbox: {env_inject: {Z: 1, K: V}}\n"
		 "mount_profiles: {p: {base_policy: b, mounts: [{path: /x, "
		 "policy: y}]}}\n"
		 "tor: {mode: deny, list: [1, true]}\n"
		 "dlp: {custom_patterns: [{name: n, regex: r}]}\n");
	assert_int_equal(l.r, 0);
	json_writer_init(&w, &out, 2);
	config_to_json(l.c, &w);
	assert_int_equal(json_parse(&a, buf_str(&out), &root), 0);
	n = json_get(json_get(json_get(root, "Server"), "HTTP"), "Addr");
	assert_true(str_eq_c(n->text, "127.0.0.1:18080"));
	n = json_get(json_get(json_get(root, "Sandbox"), "EnvInject"), "K");
	assert_true(str_eq_c(n->text, "V"));
	n = json_get(json_get(root, "Sandbox"), "EnvInject");
	assert_true(str_eq_c(n->child->key, "K"));
	n = json_get(json_get(root, "Policies"), "Default");
	assert_true(str_eq_c(n->text, "default"));
	n = json_get(json_get(root, "Audit"), "Storage");
	assert_true(
		str_eq_c(json_get_str(n, "SQLitePath"), "/etc/x/events.db"));
	n = json_get(json_get(json_get(root, "MountProfiles"), "p"), "Mounts");
	assert_int_equal(n->n, 1);
}

static void test_table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_n_keys; i++) {
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(config_keys[i].path,
						config_keys[j].path);
			assert_int_not_equal(config_keys[i].offset,
					     config_keys[j].offset);
		}
		assert_false(config_is_section(config_keys[i].path));
	}
	for (size_t i = 0; i < config_n_aliases; i++)
		assert_true(config_key_find(config_aliases[i].to) ||
			    config_is_section(config_aliases[i].to));
	for (size_t i = 0; i < config_n_overrides; i++)
		assert_non_null(config_key_find(config_overrides[i].path));
	for (size_t i = 0; i < config_n_idle; i++)
		assert_non_null(config_key_find(config_idle[i].path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_sound),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_key_is_known),
		cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_two_names),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_not_honoured),
		cmocka_unit_test(test_cross_checks),
		cmocka_unit_test(test_derived),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_policy_name_must_be_allowed),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
