/* SPDX-License-Identifier: MIT */
/*
 * keys.c - every key of config.yaml, in one table
 *
 * A key becomes honoured by changing NO to YES here, and nowhere else: the
 * warnings, `config validate`, `config show` and the manual's test follow.
 * NO means: accepted and checked, and named in a warning when a file asks for
 * something with it: sets it to another value than the default, or than the one
 * in config_idle[], in a section that is not switched off.
 */
#include "config/keys.h"

#include "base/macro.h"

/* Index = value of the enum of the same name in config.h. */
static const char *const eviction_words[] = { "oldest_first", NULL };
static const char *const auth_words[] = { "none", "api_key", "oidc", "hybrid",
					  NULL };
static const char *const level_words[] = { "error", "warn", "info", "debug",
					   NULL };
static const char *const format_words[] = { "text", "json", NULL };
static const char *const integrity_words[] = { "hmac-sha256", "hmac-sha512",
					       NULL };
static const char *const keysource_words[] = { "",
					       "file",
					       "env",
					       "aws_kms",
					       "azure_keyvault",
					       "hashicorp_vault",
					       "gcp_kms",
					       NULL };
static const char *const fuse_mode_words[] = { "monitor", "soft_block",
					       "soft_delete", "strict", NULL };
static const char *const on_full_words[] = { "deny", "evict", "drop", NULL };
static const char *const brake_words[] = { "off", "approve", "deny", NULL };
static const char *const intercept_words[] = { "all", "tcp_only", "monitor",
					       NULL };
static const char *const on_block_words[] = { "errno", "kill", "log",
					      "log_and_kill", NULL };
static const char *const truncated_words[] = { "deny", "allow", "approval",
					       NULL };
static const char *const allow_deny_words[] = { "deny", "allow", NULL };
static const char *const opaque_words[] = { "enforce", "allow", "deny", NULL };
static const char *const attach_words[] = { "children", "pid", NULL };
static const char *const mask_words[] = { "off", NULL };
static const char *const attach_failure_words[] = { "fail_closed", "fail_open",
						    NULL };
static const char *const security_words[] = { "auto",     "full",
					      "landlock", "landlock-only",
					      "minimal",  NULL };
static const char *const security_min_words[] = { "",         "full",
						  "landlock", "landlock-only",
						  "minimal",  NULL };
static const char *const signing_words[] = { "off", "warn", "enforce", NULL };
static const char *const escape_words[] = { "evaluate", "deny", NULL };
static const char *const approvals_words[] = { "local_tty", "api", "totp",
					       "webauthn", NULL };
static const char *const proxy_words[] = { "embedded", "disabled", "mcp-only",
					   NULL };
static const char *const dlp_words[] = { "redact", "tokenize", "disabled",
					 NULL };
static const char *const platform_words[] = { "auto", "linux", "darwin",
					      "windows", NULL };

#define YES true
#define NO  false
#define N(name, type, member, dflt, honoured)                                  \
	{                                                                      \
		name, KEY_##type, offsetof(struct config, member), NULL, dflt, \
			honoured                                               \
	}
#define K(type, member, dflt, honoured) N(#member, type, member, dflt, honoured)
#define W(member, words, dflt, honoured)                            \
	{                                                           \
#		member, KEY_WORD, offsetof(struct config, member), \
			words##_words, dflt, honoured               \
	}

/* clang-format off */
const struct config_key config_keys[] = {
	K(STR, server.http.addr, "127.0.0.1:18080", YES),
	K(DURATION, server.http.read_timeout, "30s", YES),
	K(DURATION, server.http.write_timeout, "5m", YES),
	K(SIZE, server.http.max_request_size, "10MB", YES),
	K(BOOL, server.grpc.enabled, "false", NO),
	K(STR, server.grpc.addr, "127.0.0.1:9090", NO),
	K(BOOL, server.unix_socket.enabled, "false", YES),
	K(STR, server.unix_socket.path, NULL, YES),
	K(STR, server.unix_socket.permissions, "0660", YES),
	K(BOOL, server.tls.enabled, "false", YES),
	K(STR, server.tls.cert_file, NULL, YES),
	K(STR, server.tls.key_file, NULL, YES),
	K(STR, server.tls.ca_file, NULL, YES),
	W(auth.type, auth, "none", YES),
	K(STR, auth.api_key.keys_file, NULL, YES),
	K(STR, auth.api_key.header_name, "X-API-Key", YES),
	K(ANY, auth.oidc, NULL, NO),
	W(logging.level, level, "info", YES),
	W(logging.format, format, "text", YES),
	K(STR, logging.output, NULL, YES),
	K(INT, logging.rotation.max_size_mb, NULL, YES),
	K(INT, logging.rotation.max_age_days, NULL, YES),
	K(INT, logging.rotation.max_backups, NULL, YES),
	K(BOOL, logging.rotation.compress, "false", NO),
	K(BOOL, audit.enabled, "true", NO),
	K(STR, audit.output, NULL, YES),
	K(INT, audit.rotation.max_size_mb, "500", YES),
	K(INT, audit.rotation.max_age_days, NULL, YES),
	K(INT, audit.rotation.max_backups, "10", YES),
	K(BOOL, audit.rotation.compress, "false", NO),
	K(BOOL, audit.storage.enabled, "true", YES),
	K(STR, audit.storage.sqlite_path, NULL, YES),
	K(INT, audit.storage.batch_size, "512", YES),
	K(DURATION, audit.storage.flush_interval, "50ms", YES),
	K(INT, audit.storage.channel_size, "4096", NO),
	K(STR, audit.webhook.url, NULL, YES),
	K(INT, audit.webhook.batch_size, "100", YES),
	K(DURATION, audit.webhook.flush_interval, "10s", YES),
	K(DURATION, audit.webhook.timeout, "5s", YES),
	K(MAP, audit.webhook.headers, NULL, YES),
	K(BOOL, audit.integrity.enabled, "false", YES),
	W(audit.integrity.algorithm, integrity, "hmac-sha256", YES),
	W(audit.integrity.key_source, keysource, NULL, YES),
	K(STR, audit.integrity.key_file, NULL, YES),
	K(STR, audit.integrity.key_env, NULL, YES),
	K(ANY, audit.integrity.aws_kms, NULL, NO),
	K(ANY, audit.integrity.azure_keyvault, NULL, NO),
	K(ANY, audit.integrity.hashicorp_vault, NULL, NO),
	K(ANY, audit.integrity.gcp_kms, NULL, NO),
	K(ANY, audit.encryption, NULL, NO),
	K(ANY, audit.otel, NULL, NO),
	K(ANY, audit.watchtower, NULL, NO),
	K(STR, sessions.base_dir, NULL, YES),
	K(INT, sessions.max_sessions, "100", YES),
	K(DURATION, sessions.default_timeout, "0", YES),
	K(DURATION, sessions.default_idle_timeout, "0", YES),
	K(DURATION, sessions.cleanup_interval, "1m", YES),
	K(BOOL, sessions.real_paths, "false", YES),
	K(BOOL, sessions.checkpoints.enabled, "false", NO),
	K(STR, sessions.checkpoints.storage_dir, NULL, NO),
	K(INT, sessions.checkpoints.max_per_session, NULL, NO),
	K(INT, sessions.checkpoints.max_size_mb, NULL, NO),
	K(BOOL, sessions.checkpoints.auto_checkpoint.enabled, "false", NO),
	K(LIST, sessions.checkpoints.auto_checkpoint.triggers, NULL, NO),
	K(DURATION, sessions.checkpoints.retention.max_age, "0", NO),
	K(DURATION, sessions.checkpoints.retention.cleanup_interval, "0", NO),
	K(BOOL, sandbox.enabled, "true", NO),
	K(BOOL, sandbox.allow_degraded, "false", NO),
	K(LIST, sandbox.require, NULL, YES),
	K(INT, sandbox.limits.max_memory_mb, "0", YES),
	K(INT, sandbox.limits.max_cpu_percent, "0", YES),
	K(INT, sandbox.limits.max_processes, "0", YES),
	K(INT, sandbox.limits.max_disk_io_mbps, "100", NO),
	K(INT, sandbox.limits.max_network_mbps, "50", NO),
	K(BOOL, sandbox.fuse.enabled, "false", YES),
	K(BOOL, sandbox.fuse.deferred, "false", YES),
	K(STR, sandbox.fuse.deferred_marker_file, NULL, YES),
	K(LIST, sandbox.fuse.deferred_enable_command, NULL, YES),
	K(STR, sandbox.fuse.mount_base_dir, NULL, YES),
	K(INT, sandbox.fuse.max_background, "0", YES),
	W(sandbox.fuse.audit.mode, fuse_mode, "monitor", YES),
	K(BOOL, sandbox.fuse.audit.enabled, "true", YES),
	K(STR, sandbox.fuse.audit.trash_path, ".agentsh_trash", YES),
	K(DURATION, sandbox.fuse.audit.ttl, "7d", YES),
	K(SIZE, sandbox.fuse.audit.quota, "5GB", YES),
	K(INT, sandbox.fuse.audit.quota_entries, "0", YES),
	W(sandbox.fuse.audit.on_full, on_full, "evict", YES),
	K(SIZE, sandbox.fuse.audit.hash_small_files_under, "1MB", YES),
	K(BOOL, sandbox.fuse.audit.strict_on_audit_failure, "false", YES),
	K(INT, sandbox.fuse.audit.max_event_queue, "1024", YES),
	W(sandbox.fuse.brake.action, brake, "off", YES),
	K(INT, sandbox.fuse.brake.max_files, "0", YES),
	K(SIZE, sandbox.fuse.brake.max_bytes, "0", YES),
	K(INT, sandbox.fuse.brake.max_percent, "0", YES),
	K(BOOL, sandbox.network.enabled, "true", YES),
	K(STR, sandbox.network.proxy_listen_addr, "127.0.0.1:0", YES),
	W(sandbox.network.intercept_mode, intercept, "all", YES),
	K(INT, sandbox.network.proxy_port, NULL, YES),
	K(INT, sandbox.network.dns_port, NULL, YES),
	K(BOOL, sandbox.network.tls_inspection.enabled, "false", YES),
	K(STR, sandbox.network.tls_inspection.ca_cert, NULL, YES),
	K(STR, sandbox.network.tls_inspection.ca_key, NULL, YES),
	K(BOOL, sandbox.network.rate_limits.enabled, "false", YES),
	K(INT, sandbox.network.rate_limits.global_rpm, NULL, YES),
	K(INT, sandbox.network.rate_limits.global_burst, NULL, YES),
	K(ANY, sandbox.network.rate_limits.per_domain, NULL, YES),
	K(BOOL, sandbox.network.transparent.enabled, "false", YES),
	K(STR, sandbox.network.transparent.subnet_base, NULL, YES),
	K(ANY, sandbox.network.ebpf, NULL, NO),
	K(BOOL, sandbox.cgroups.enabled, "false", YES),
	K(STR, sandbox.cgroups.base_path, NULL, YES),
	K(BOOL, sandbox.cgroups.best_effort, "false", NO),
	K(TRI, sandbox.unix_sockets.enabled, NULL, YES),
	K(STR, sandbox.unix_sockets.wrapper_bin, "agentsh-unixwrap", NO),
	K(BOOL, sandbox.seccomp.enabled, "false", NO),
	K(STR, sandbox.seccomp.mode, "enforce", NO),
	K(TRI, sandbox.seccomp.unix_socket.enabled, NULL, NO),
	K(STR, sandbox.seccomp.unix_socket.action, "enforce", NO),
	K(LIST, sandbox.seccomp.syscalls.block, NULL, YES),
	W(sandbox.seccomp.syscalls.on_block, on_block, "errno", YES),
	K(STR, sandbox.seccomp.syscalls.default_action, "allow", NO),
	K(LIST, sandbox.seccomp.syscalls.allow, NULL, NO),
	K(BOOL, sandbox.seccomp.execve.enabled, "false", NO),
	K(INT, sandbox.seccomp.execve.max_argc, "1000", YES),
	K(INT, sandbox.seccomp.execve.max_argv_bytes, "65536", YES),
	W(sandbox.seccomp.execve.on_truncated, truncated, "deny", YES),
	K(DURATION, sandbox.seccomp.execve.approval_timeout, NULL, YES),
	W(sandbox.seccomp.execve.approval_timeout_action, allow_deny, "deny", NO),
	K(LIST, sandbox.seccomp.execve.internal_bypass, "/usr/local/bin/agentsh,/usr/local/bin/agentsh-unixwrap", NO),
	W(sandbox.seccomp.shellc.opaque, opaque, "enforce", YES),
	K(TRI, sandbox.seccomp.file_monitor.enabled, NULL, NO),
	K(TRI, sandbox.seccomp.file_monitor.enforce_without_fuse, NULL, NO),
	K(TRI, sandbox.seccomp.file_monitor.intercept_metadata, NULL, YES),
	K(TRI, sandbox.seccomp.file_monitor.block_io_uring, NULL, NO),
	K(TRI, sandbox.seccomp.file_monitor.write_only_opens, NULL, YES),
	K(TRI, sandbox.seccomp.file_monitor.openat_emulation, NULL, NO),
	K(FAMILIES, sandbox.seccomp.blocked_socket_families, NULL, YES),
	K(SOCKET_RULES, sandbox.seccomp.socket_rules, NULL, YES),
	K(LIST, sandbox.seccomp.mitigation_sets, NULL, NO),
	K(LIST, sandbox.seccomp.mitigation_dirs, NULL, NO),
	K(TRI, sandbox.seccomp.wait_killable, NULL, YES),
	K(BOOL, sandbox.ptrace.enabled, "false", YES),
	W(sandbox.ptrace.attach_mode, attach, "children", YES),
	K(INT, sandbox.ptrace.target_pid, NULL, NO),
	K(STR, sandbox.ptrace.target_pid_file, NULL, NO),
	K(BOOL, sandbox.ptrace.trace.execve, "true", YES),
	K(BOOL, sandbox.ptrace.trace.file, "true", YES),
	K(BOOL, sandbox.ptrace.trace.network, "true", YES),
	K(BOOL, sandbox.ptrace.trace.signal, "true", YES),
	K(BOOL, sandbox.ptrace.performance.seccomp_prefilter, "true", NO),
	K(INT, sandbox.ptrace.performance.max_tracees, "500", YES),
	K(INT, sandbox.ptrace.performance.max_hold_ms, "5000", YES),
	K(BOOL, sandbox.ptrace.performance.static_allow_file, "false", NO),
	K(BOOL, sandbox.ptrace.performance.static_allow_network, "false", NO),
	K(BOOL, sandbox.ptrace.performance.arg_level_filter, "false", NO),
	W(sandbox.ptrace.mask_tracer_pid, mask, "off", NO),
	W(sandbox.ptrace.on_attach_failure, attach_failure, "fail_open", YES),
	K(BOOL, sandbox.performance.stay_awake, "true", YES),
	K(ANY, sandbox.mcp, NULL, NO),
	K(ANY, sandbox.xpc, NULL, NO),
	K(MAP, sandbox.env_inject, NULL, YES),
	K(BOOL, sandbox.wrap_env_policy.enabled, "false", NO),
	K(ANY, policy_socket, NULL, NO),
	K(BOOL, landlock.enabled, "false", NO),
	K(LIST, landlock.allow_execute, NULL, YES),
	K(LIST, landlock.allow_read, NULL, YES),
	K(LIST, landlock.allow_write, NULL, YES),
	K(LIST, landlock.deny_paths, NULL, YES),
	K(BOOL, landlock.network.allow_connect_tcp, "true", YES),
	K(TRI, landlock.network.allow_bind_tcp, NULL, YES),
	K(PORTS, landlock.network.bind_ports, NULL, YES),
	K(LIST, capabilities.allow, NULL, YES),
	W(security.mode, security, "auto", YES),
	K(BOOL, security.strict, "false", YES),
	W(security.minimum_mode, security_min, NULL, YES),
	K(BOOL, security.warn_degraded, "true", NO),
	K(STR, policies.dir, NULL, YES),
	N("policies.default", STR, policies.default_name, "default", YES),
	K(LIST, policies.allowed, NULL, YES),
	K(STR, policies.manifest_path, NULL, YES),
	K(STR, policies.signing.trust_store, NULL, YES),
	W(policies.signing.mode, signing, "off", YES),
	K(BOOL, policies.detect_project_root, "true", YES),
	K(LIST, policies.project_markers, ".git,go.mod,package.json,Cargo.toml,pyproject.toml", YES),
	W(policies.symlink_escape, escape, "evaluate", YES),
	K(ANY, policies.env_policy, NULL, NO),
	K(DURATION, policies.reload_interval, "0", YES),
	K(STR, policies.env_shim_path, NULL, NO),
	K(PROFILES, mount_profiles, NULL, YES),
	K(BOOL, approvals.enabled, "false", YES),
	W(approvals.mode, approvals, "local_tty", YES),
	K(DURATION, approvals.timeout, "5m", YES),
	K(ANY, approvals.webauthn, NULL, NO),
	K(BOOL, metrics.enabled, "false", YES),
	K(STR, metrics.path, "/metrics", YES),
	K(STR, health.path, "/health", YES),
	K(STR, health.readiness_path, "/ready", YES),
	K(BOOL, development.disable_auth, "false", YES),
	K(BOOL, development.debug, "false", YES),
	K(BOOL, development.disable_policy, "false", NO),
	K(ANY, development.pprof, NULL, NO),
	W(proxy.mode, proxy, "embedded", YES),
	K(INT, proxy.port, "0", YES),
	K(MAP, proxy.providers, NULL, YES),
	K(STR, proxy.ca_file, NULL, YES),
	K(BOOL, proxy.scrub_responses, "false", YES),
	K(INT, proxy.budget.max_requests, "0", YES),
	K(INT, proxy.budget.max_tokens, "0", YES),
	K(BOOL, proxy.rate_limits.enabled, "false", YES),
	K(INT, proxy.rate_limits.requests_per_minute, "0", YES),
	K(INT, proxy.rate_limits.request_burst, "0", YES),
	K(INT, proxy.rate_limits.tokens_per_minute, "0", YES),
	K(INT, proxy.rate_limits.token_burst, "0", YES),
	W(dlp.mode, dlp, "redact", YES),
	K(TRI, dlp.patterns.email, NULL, YES),
	K(TRI, dlp.patterns.phone, NULL, YES),
	K(TRI, dlp.patterns.credit_card, NULL, YES),
	K(TRI, dlp.patterns.ssn, NULL, YES),
	K(TRI, dlp.patterns.api_keys, NULL, YES),
	K(PATTERNS, dlp.custom_patterns, NULL, YES),
	K(MAP, dlp.actions, NULL, YES),
	K(BOOL, dlp.redact_output, "false", YES),
	K(BOOL, llm_storage.store_bodies, "false", YES),
	K(INT, llm_storage.retention.max_age_days, "30", YES),
	K(INT, llm_storage.retention.max_size_mb, "500", YES),
	W(llm_storage.retention.eviction, eviction, "oldest_first", YES),
	K(ANY, threat_feeds, NULL, NO),
	K(ANY, tor, NULL, NO),
	K(ANY, package_checks, NULL, NO),
	K(ANY, skillcheck, NULL, NO),
	W(platform.mode, platform, "auto", YES),
	K(ANY, platform.fallback, NULL, NO),
	K(ANY, platform.mount_points, NULL, NO),
};
/* clang-format on */

const size_t config_n_keys = ARRAY_LEN(config_keys);

/* Names that other files use for the same thing. */
const struct config_alias config_aliases[] = {
	{ "sandbox.landlock", "landlock" },
	{ "sandbox.capabilities", "capabilities" },
	{ "policies.default_policy", "policies.default" },
	{ "development.verbose_errors", "development.debug" },
};

const size_t config_n_aliases = ARRAY_LEN(config_aliases);

const struct config_override config_overrides[] = {
	{ "AGENTSH_HTTP_ADDR", "server.http.addr" },
	{ "AGENTSH_GRPC_ADDR", "server.grpc.addr" },
	{ "AGENTSH_LOG_LEVEL", "logging.level" },
	{ "AGENTSH_PROXY_MODE", "proxy.mode" },
	{ "AGENTSH_PROXY_PORT", "proxy.port" },
	{ "AGENTSH_DLP_MODE", "dlp.mode" },
	{ "AGENTSH_PLATFORM_MODE", "platform.mode" },
};

const size_t config_n_overrides = ARRAY_LEN(config_overrides);

/*
 * For keys that are not honoured: the value that asks for nothing, where that
 * is not the default. Either we never do what the default says, or we always
 * do what only this value asks for, and then the warning says so.
 */
#define NEVER  NULL
#define ALWAYS "always so, whatever this key says"
const struct config_idle config_idle[] = {
	/* the floor, and going on without what is missing above it */
	{ "audit.enabled", "true", ALWAYS },
	{ "landlock.enabled", "true", ALWAYS },
	{ "sandbox.allow_degraded", "true", ALWAYS },
	{ "sandbox.cgroups.best_effort", "true", ALWAYS },
	{ "sandbox.enabled", "true", ALWAYS },
	{ "sandbox.ptrace.performance.arg_level_filter", "true", ALWAYS },
	{ "sandbox.ptrace.performance.seccomp_prefilter", "true", ALWAYS },
	{ "sandbox.seccomp.enabled", "true", ALWAYS },
	{ "sandbox.seccomp.execve.enabled", "true", ALWAYS },
	{ "sandbox.seccomp.file_monitor.enabled", "true", ALWAYS },
	{ "sandbox.seccomp.file_monitor.enforce_without_fuse", "true", ALWAYS },
	{ "sandbox.seccomp.file_monitor.block_io_uring", "true", ALWAYS },
	{ "sandbox.seccomp.file_monitor.openat_emulation", "true", ALWAYS },
	{ "sandbox.seccomp.unix_socket.enabled", "true", ALWAYS },
};

const size_t config_n_idle = ARRAY_LEN(config_idle);

/* OTEL_EXPORTER_OTLP_ENDPOINT is left out: it is seldom set for us. */
const char *const config_unused_variables[] = {
	"AGENTSH_OTEL_ENDPOINT",
	"AGENTSH_OTEL_PROTOCOL",
	"PKGCHECK_FAIL_MODE",
};

const size_t config_n_unused_variables = ARRAY_LEN(config_unused_variables);
