/* SPDX-License-Identifier: MIT */
/*
 * derive.c - defaults that depend on the place of the file or on other keys,
 * and settings that are right one by one and wrong together
 */
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "base/capability_words.h"
#include "base/cleanup.h"
#include "base/macro.h"
#include "base/path.h"
#include "base/regex.h"
#include "config/keys.h"

#define SYSTEM_DATA "/var/lib/agentsh"

static const char *keep(struct config *c, struct buf *b)
{
	return b->error ? NULL : arena_dup(&c->arena, buf_str(b));
}

/* The absolute directory of the file. */
static int dir_of(const char *path, struct buf *out)
{
	_cleanup_buf_ struct buf whole = BUF_INIT;
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	ptrdiff_t slash = 0;
	int e = cwd ? path_join(str_from(cwd), str_from(path), &whole) : -errno;

	if (e < 0)
		return e;
	slash = str_rindex(buf_str(&whole), '/');
	buf_put(out, buf_cstr(&whole), slash > 0 ? (size_t)slash : 1);
	return 0;
}

static void xdg_dir(char *const *env, const char *variable,
		    const char *under_home, struct buf *out)
{
	const char *xdg = config_getenv(env, variable);
	const char *home = config_getenv(env, "HOME");

	if (xdg && *xdg == '/')
		buf_printf(out, "%s/agentsh", xdg);
	else
		buf_printf(out, "%s%s/agentsh", home ? home : "", under_home);
}

/* The system's, or our own where that one is not ours to write. */
static void shared_data(char *const *env, struct buf *data)
{
	if (geteuid() == 0 || access(SYSTEM_DATA, W_OK) == 0)
		buf_puts(data, SYSTEM_DATA);
	else
		xdg_dir(env, "XDG_DATA_HOME", "/.local/share", data);
}

/* The policies beside the packaged file. */
static int packaged_dirs(const char *path, char *const *env, struct buf *data,
			 struct buf *policies)
{
	int e = dir_of(path, policies);

	buf_puts(policies, "/policies");
	shared_data(env, data);
	return e;
}

static int default_dirs(const char *path, enum config_source source,
			char *const *env, struct buf *data,
			struct buf *policies)
{
	switch (source) {
	case CONFIG_SOURCE_EXPLICIT: {
		int e = dir_of(path, data);

		if (e < 0)
			return e;
		buf_printf(policies, "%s/policies", buf_cstr(data));
		return 0;
	}
	case CONFIG_SOURCE_USER:
		xdg_dir(env, "XDG_DATA_HOME", "/.local/share", data);
		xdg_dir(env, "XDG_CONFIG_HOME", "/.config", policies);
		buf_puts(policies, "/policies");
		return 0;
	case CONFIG_SOURCE_PACKAGED:
		return packaged_dirs(path, env, data, policies);
	case CONFIG_SOURCE_SYSTEM:
		break;
	}
	shared_data(env, data);
	buf_puts(policies, "/etc/agentsh/policies");
	return 0;
}

static int derive_dirs(struct config *c, const char *path,
		       enum config_source source, char *const *env)
{
	_cleanup_buf_ struct buf data = BUF_INIT, policies = BUF_INIT;
	_cleanup_buf_ struct buf sessions = BUF_INIT, db = BUF_INIT;
	int e = default_dirs(path, source, env, &data, &policies);

	if (e < 0)
		return e;
	if (!c->data_dir)
		c->data_dir = keep(c, &data);
	buf_printf(&sessions, "%s/sessions", buf_cstr(&data));
	buf_printf(&db, "%s/events.db", buf_cstr(&data));
	if (!c->sessions.base_dir)
		c->sessions.base_dir = keep(c, &sessions);
	if (!c->audit.storage.sqlite_path)
		c->audit.storage.sqlite_path = keep(c, &db);
	if (!c->policies.dir)
		c->policies.dir = keep(c, &policies);
	if (!c->sandbox.fuse.mount_base_dir)
		c->sandbox.fuse.mount_base_dir = c->sessions.base_dir;
	return c->data_dir && c->sessions.base_dir &&
			       c->audit.storage.sqlite_path && c->policies.dir
		       ? 0
		       : -ENOMEM;
}

static void derive_tri(enum config_tri *v, bool dflt)
{
	if (*v == CONFIG_UNSET)
		*v = dflt ? CONFIG_YES : CONFIG_NO;
}

static void derive_switches(struct config *c)
{
	__typeof__(&c->sandbox.seccomp) s = &c->sandbox.seccomp;
	__typeof__(&c->sandbox.seccomp.file_monitor) m = &s->file_monitor;
	__typeof__(&c->dlp.patterns) p = &c->dlp.patterns;
	enum config_tri *all[] = { &p->email, &p->phone, &p->credit_card,
				   &p->ssn, &p->api_keys };
	bool any = false;

	derive_tri(&c->sandbox.unix_sockets.enabled, true);
	derive_tri(&s->unix_socket.enabled,
		   s->enabled && config_on(c->sandbox.unix_sockets.enabled));
	/*
	 * Not agentsh's defaults: there, all of it hangs on seccomp.enabled.
	 * Here every open is judged and recorded unless the configuration
	 * says otherwise, and stat (which costs 2 to 4 times the run time of
	 * file-heavy tools) only on request. docs/differences.md.
	 */
	derive_tri(&m->enabled, true);
	derive_tri(&m->enforce_without_fuse, config_on(m->enabled));
	derive_tri(&m->intercept_metadata, false);
	derive_tri(&m->block_io_uring, config_on(m->enforce_without_fuse));
	derive_tri(&m->write_only_opens, false);
	derive_tri(&m->openat_emulation, config_on(m->enforce_without_fuse));
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		any = any || *all[i] == CONFIG_YES;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		derive_tri(all[i], !any);
	if (c->audit.integrity.key_source == CONFIG_KEY_UNSET)
		c->audit.integrity.key_source =
			c->audit.integrity.key_file  ? CONFIG_KEY_FILE
			: c->audit.integrity.key_env ? CONFIG_KEY_ENV
						     : CONFIG_KEY_UNSET;
	if (c->development.debug && c->logging.level == CONFIG_LEVEL_INFO)
		c->logging.level = CONFIG_LEVEL_DEBUG;
}

/* What the wrapper of the reference refuses unless told otherwise. */
static int derive_lists(struct config *c)
{
	static const char *const names[] = {
		"AF_ALG",  "AF_VSOCK",  "AF_RDS",       "AF_TIPC",
		"AF_KCM",  "AF_X25",    "AF_AX25",      "AF_NETROM",
		"AF_ROSE", "AF_DECnet", "AF_APPLETALK", "AF_IPX",
	};
	static const char *const calls[] = {
		"ptrace",
		"process_vm_readv",
		"process_vm_writev",
		"personality",
		"mount",
		"umount2",
		"pivot_root",
		"reboot",
		"kexec_load",
		"init_module",
		"finit_module",
		"delete_module",
		"sethostname",
		"setdomainname",
	};
	struct config_families *f = &c->sandbox.seccomp.blocked_socket_families;
	struct ystrings *block = &c->sandbox.seccomp.syscalls.block;

	/* An empty list in the file has a v and no n: it means none. */
	if (!f->v) {
		f->v = arena_alloc(&c->arena, ARRAY_LEN(names) * sizeof(*f->v));
		if (!f->v)
			return -ENOMEM;
		for (; f->n < ARRAY_LEN(names); f->n++)
			f->v[f->n].family = names[f->n];
	}
	if (block->n == 0) {
		block->v = arena_alloc(&c->arena,
				       ARRAY_LEN(calls) * sizeof(*block->v));
		if (!block->v)
			return -ENOMEM;
		for (; block->n < ARRAY_LEN(calls); block->n++)
			block->v[block->n] = str_from(calls[block->n]);
	}
	return 0;
}

int config_derive(struct config *c, const char *path, enum config_source source,
		  char *const *env)
{
	int e = derive_dirs(c, path, source, env);

	if (e < 0)
		return e;
	derive_switches(c);
	return derive_lists(c);
}

/* The node of a dotted path as the file has it, or its root. */
static const struct ynode *node_of(const struct ynode *root, const char *path)
{
	const struct ynode *node = root;
	struct str rest = str_from(path), part = STR_NONE;

	while (node && str_split(&rest, '.', &part)) {
		char key[64] = "";

		(void)snprintf(key, sizeof(key), STR_FMT, STR_ARG(part));
		node = ynode_get(node, key);
	}
	return node ? node : root;
}

struct check {
	const struct yreader *r;
	const struct ynode *root;
};

static int refuse(const struct check *k, const char *path, const char *text)
{
	return yread_error(k->r, NULL, node_of(k->root, path), "%s: %s", path,
			   text);
}

/* host:port or [v6]:port with a host that only this machine reaches. */
static bool is_loopback(const char *addr)
{
	struct str s = str_from(addr);
	ptrdiff_t colon = str_rindex(s, ':');
	char host[INET6_ADDRSTRLEN] = "";
	struct in_addr v4;
	struct in6_addr v6;

	if (colon > 0)
		s.n = (size_t)colon;
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = str_from_n(s.p + 1, s.n - 2);
	if (s.n == 0 || s.n >= sizeof(host))
		return false;
	memcpy(host, s.p, s.n);
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return strcmp(host, "localhost") == 0;
}

static int check_auth(const struct config *c, const struct check *k)
{
	switch ((enum config_auth)c->auth.type) {
	case CONFIG_AUTH_OIDC:
	case CONFIG_AUTH_HYBRID:
		return refuse(k, "auth.type",
			      "oidc is not supported by this version, and "
			      "going on without it would open the API; use "
			      "api_key");
	case CONFIG_AUTH_API_KEY:
		if (!c->auth.api_key.keys_file && !c->development.disable_auth)
			return refuse(k, "auth.type",
				      "api_key needs auth.api_key.keys_file");
		if (!c->development.disable_auth)
			return 0;
		break;
	case CONFIG_AUTH_NONE:
		break;
	}
	if (is_loopback(c->server.http.addr))
		return 0;
	return yread_error(k->r, NULL, node_of(k->root, "server.http.addr"),
			   "refusing to listen on \"%.100s\" with "
			   "auth.type=none (use 127.0.0.1/localhost or enable "
			   "auth)",
			   c->server.http.addr);
}

static int check_approvals(const struct config *c, const struct check *k)
{
	if (!c->approvals.enabled)
		return 0;
	switch ((enum config_approvals)c->approvals.mode) {
	case CONFIG_APPROVALS_API:
		if (c->auth.type == CONFIG_AUTH_NONE ||
		    c->development.disable_auth)
			return yread_error(k->r, NULL,
					   node_of(k->root, "approvals.mode"),
					   "approvals.mode=api requires "
					   "auth.type=api_key (auth is "
					   "disabled)");
		return 0;
	case CONFIG_APPROVALS_LOCAL_TTY:
		return 0;
	case CONFIG_APPROVALS_TOTP:
	case CONFIG_APPROVALS_WEBAUTHN:
		break;
	}
	return refuse(k, "approvals.mode",
		      "only local_tty and api are supported by this version");
}

static int check_integrity(const struct config *c, const struct check *k)
{
	if (!c->audit.integrity.enabled)
		return 0;
	switch ((enum config_keysource)c->audit.integrity.key_source) {
	case CONFIG_KEY_FILE:
		return c->audit.integrity.key_file
			       ? 0
			       : refuse(k, "audit.integrity",
					"key_source file needs key_file");
	case CONFIG_KEY_ENV:
		return c->audit.integrity.key_env
			       ? 0
			       : refuse(k, "audit.integrity",
					"key_source env needs key_env");
	case CONFIG_KEY_UNSET:
		return c->audit.integrity.key_file || c->audit.integrity.key_env
			       ? 0
			       : refuse(k, "audit.integrity",
					"needs key_file or key_env");
	case CONFIG_KEY_AWS_KMS:
	case CONFIG_KEY_AZURE_KEYVAULT:
	case CONFIG_KEY_HASHICORP_VAULT:
	case CONFIG_KEY_GCP_KMS:
		break;
	}
	return refuse(k, "audit.integrity.key_source",
		      "only file and env are supported by this version");
}

static bool is_empty(const char *s)
{
	return !s || !s[0];
}

static int check_edge(const struct config *c, const struct check *k)
{
	struct str url =
		str_from(c->audit.webhook.url ? c->audit.webhook.url : "");

	if (c->server.tls.enabled && (is_empty(c->server.tls.cert_file) ||
				      is_empty(c->server.tls.key_file)))
		return refuse(k, "server.tls", "needs cert_file and key_file");
	if (url.n && !str_starts(url, STR("http://")) &&
	    !str_starts(url, STR("https://")))
		return refuse(
			k, "audit.webhook.url",
			"expected http://HOST[:PORT]/PATH or https://...");
	if (url.n && (c->audit.webhook.batch_size < 1 ||
		      c->audit.webhook.batch_size > 10000))
		return refuse(k, "audit.webhook.batch_size",
			      "expected 1 to 10000");
	if (url.n && (c->audit.webhook.timeout < 1000000 ||
		      c->audit.webhook.timeout > INT64_C(300000000000)))
		return refuse(k, "audit.webhook.timeout", "expected 1ms to 5m");
	return 0;
}

/* A pattern that redacts nothing must not pass for one that does. */
static int check_patterns(const struct config *c, const struct check *k)
{
	for (size_t i = 0; i < c->dlp.custom_patterns.n; i++) {
		const struct config_pattern *p = &c->dlp.custom_patterns.v[i];
		const struct ynode at = { .line = p->line,
					  .column = p->column };
		struct nfa_build prog = { 0 };
		const char *error = "";
		size_t offset = 0;
		int e = regex_compile(str_from(p->regex), &prog, &error,
				      &offset);

		if (e == -ENOMEM)
			return e;
		if (e < 0)
			return yread_error(k->r, NULL, &at,
					   "dlp.custom_patterns[%zu].regex: "
					   "character %zu: %s",
					   i, offset + 1, error);
		nfa_build_done(&prog);
	}
	return 0;
}

/* What `sandbox.require` may name: the guarantees and the mechanisms. */
static const char *const requirements[] = {
	"commands", "files",     "undo",    "network", "secrets",
	"limits",   "isolation", "audit",   "fuse",    "ptrace",
	"landlock", "seccomp",   "cgroups",
};

static int check_require(const struct config *c, const struct check *k)
{
	const struct ystrings *list = &c->sandbox.require;

	for (size_t i = 0; i < list->n; i++) {
		const char *near = NULL;
		bool known = false;

		for (size_t j = 0; j < ARRAY_LEN(requirements); j++)
			known = known || str_eq_c(list->v[i], requirements[j]);
		if (known)
			continue;
		near = diag_suggest(list->v[i], requirements,
				    ARRAY_LEN(requirements));
		return yread_error(k->r, NULL,
				   node_of(k->root, "sandbox.require"),
				   "sandbox.require: \"%.40s\" is no guarantee "
				   "or mechanism%s%s%s",
				   list->v[i].p,
				   near ? "; did you mean \"" : "",
				   near ? near : "", near ? "\"?" : "");
	}
	if (list->n && !config_key_find("sandbox.require")->honoured)
		return refuse(k, "sandbox.require",
			      "is not supported by this version, and going on "
			      "would not keep the condition");
	return 0;
}

/*
 * Whatever runs already has no filter and no Landlock beneath it, which cannot
 * be given to it from outside: its calls could be watched, not kept from races.
 */
static int check_attach(const struct config *c, const struct check *k)
{
	if (!c->sandbox.ptrace.enabled ||
	    c->sandbox.ptrace.attach_mode == CONFIG_ATTACH_CHILDREN)
		return 0;
	return refuse(
		k, "sandbox.ptrace.attach_mode",
		"pid is not supported: a program that runs already cannot "
		"be put into the sandbox; write \"attach_mode: children\" "
		"and start the program with \"agentsh exec\" or "
		"\"agentsh run\"");
}

/* Where the file has the i-th word of capabilities.allow. */
static const struct ynode *capability_node(const struct check *k, size_t i)
{
	const struct ynode *list = node_of(k->root, "capabilities.allow");

	if (list == k->root)
		list = node_of(k->root, "sandbox.capabilities.allow");
	if (list->type != YNODE_SEQUENCE)
		return list;
	ynode_foreach(it, list)
	{
		if (i-- == 0)
			return it->value;
	}
	return list;
}

/* One that is misspelt, or would undo what confines commands, must not pass for
 * one that is kept. */
static int check_capabilities(const struct config *c, const struct check *k)
{
	const struct ystrings *list = &c->capabilities.allow;

	for (size_t i = 0; i < list->n; i++) {
		int n = capability_from_word(list->v[i]);
		const struct ynode *at = capability_node(k, i);

		if (n < 0)
			return yread_error(
				k->r, NULL, at,
				"capabilities.allow: \"%.40s\" is no "
				"capability; names are as in "
				"capabilities(7), CAP_CHOWN or CHOWN",
				list->v[i].p);
		if (capability_refused(n))
			return yread_error(k->r, NULL, at,
					   "capabilities.allow: %s cannot be "
					   "left to commands: %s",
					   capability_name(n),
					   capability_refused(n));
	}
	return 0;
}

static int check_sandbox(const struct config *c, const struct check *k)
{
	int r = check_attach(c, k);

	if (r < 0)
		return r;
	if (!c->landlock.network.allow_connect_tcp && c->landlock.enabled &&
	    c->sandbox.network.enabled)
		return refuse(k, "landlock.network.allow_connect_tcp",
			      "is false while sandbox.network.enabled is true: "
			      "commands could not even reach the proxy");
	if (c->sandbox.ptrace.performance.max_hold_ms == 0)
		return refuse(k, "sandbox.ptrace.performance.max_hold_ms",
			      "must be > 0");
	if (c->sandbox.ptrace.enabled && c->sandbox.seccomp.execve.enabled)
		yread_warn(k->r, NULL, node_of(k->root, "sandbox.ptrace"),
			   "sandbox.ptrace and sandbox.seccomp.execve are both "
			   "on: executions are judged by seccomp.execve");
	if (c->policies.signing.mode != CONFIG_SIGNING_OFF &&
	    !c->policies.signing.trust_store)
		return refuse(k, "policies.signing.mode",
			      "needs policies.signing.trust_store");
	return 0;
}

int config_check(const struct config *c, const struct yreader *r,
		 const struct ynode *root)
{
	const struct check k = { r, root };
	const int found[] = { check_auth(c, &k),     check_integrity(c, &k),
			      check_require(c, &k),  check_approvals(c, &k),
			      check_patterns(c, &k), check_sandbox(c, &k),
			      check_edge(c, &k),     check_capabilities(c, &k) };

	for (size_t i = 0; i < ARRAY_LEN(found); i++)
		if (found[i] < 0)
			return found[i];
	return 0;
}
