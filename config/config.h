/* SPDX-License-Identifier: MIT */
/*
 * config.h - config.yaml as one plain struct
 *
 * One table (keys.c) names every key, its type, its default and whether this
 * version honours it. Nothing is ignored in silence: a key we do not know, or
 * know and do not honour, gets a warning with its place.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/yamlread.h"

struct json_writer;

enum config_auth {
	CONFIG_AUTH_NONE = 0,
	CONFIG_AUTH_API_KEY,
	CONFIG_AUTH_OIDC,
	CONFIG_AUTH_HYBRID,
};

enum config_level {
	CONFIG_LEVEL_ERROR = 0,
	CONFIG_LEVEL_WARN,
	CONFIG_LEVEL_INFO,
	CONFIG_LEVEL_DEBUG,
};

enum config_format {
	CONFIG_FORMAT_TEXT = 0,
	CONFIG_FORMAT_JSON,
};

enum config_integrity {
	CONFIG_INTEGRITY_HMAC_SHA256 = 0,
	CONFIG_INTEGRITY_HMAC_SHA512,
};

enum config_keysource {
	CONFIG_KEY_UNSET = 0,
	CONFIG_KEY_FILE,
	CONFIG_KEY_ENV,
	CONFIG_KEY_AWS_KMS,
	CONFIG_KEY_AZURE_KEYVAULT,
	CONFIG_KEY_HASHICORP_VAULT,
	CONFIG_KEY_GCP_KMS,
};

enum config_fuse_mode {
	CONFIG_FUSE_MONITOR = 0,
	CONFIG_FUSE_SOFT_BLOCK,
	CONFIG_FUSE_SOFT_DELETE,
	CONFIG_FUSE_STRICT,
};

enum config_on_full {
	CONFIG_ON_FULL_DENY = 0,
	CONFIG_ON_FULL_EVICT,
	CONFIG_ON_FULL_DROP,
};

enum config_brake {
	CONFIG_BRAKE_OFF = 0,
	CONFIG_BRAKE_APPROVE,
	CONFIG_BRAKE_DENY,
};

enum config_intercept {
	CONFIG_INTERCEPT_ALL = 0,
	CONFIG_INTERCEPT_TCP_ONLY,
	CONFIG_INTERCEPT_MONITOR,
};

enum config_on_block {
	CONFIG_ON_BLOCK_ERRNO = 0,
	CONFIG_ON_BLOCK_KILL,
	CONFIG_ON_BLOCK_LOG,
	CONFIG_ON_BLOCK_LOG_AND_KILL,
};

enum config_truncated {
	CONFIG_TRUNCATED_DENY = 0,
	CONFIG_TRUNCATED_ALLOW,
	CONFIG_TRUNCATED_APPROVAL,
};

enum config_allow_deny {
	CONFIG_TIMEOUT_DENY = 0,
	CONFIG_TIMEOUT_ALLOW,
};

enum config_opaque {
	CONFIG_OPAQUE_ENFORCE = 0,
	CONFIG_OPAQUE_ALLOW,
	CONFIG_OPAQUE_DENY,
};

enum config_attach {
	CONFIG_ATTACH_CHILDREN = 0,
	CONFIG_ATTACH_PID,
};

enum config_mask {
	CONFIG_MASK_OFF = 0,
};

enum config_attach_failure {
	CONFIG_ATTACH_FAIL_CLOSED = 0,
	CONFIG_ATTACH_FAIL_OPEN,
};

enum config_security {
	CONFIG_SECURITY_AUTO = 0,
	CONFIG_SECURITY_FULL,
	CONFIG_SECURITY_LANDLOCK,
	CONFIG_SECURITY_LANDLOCK_ONLY,
	CONFIG_SECURITY_MINIMAL,
};

enum config_security_min {
	CONFIG_MINIMUM_UNSET = 0,
	CONFIG_MINIMUM_FULL,
	CONFIG_MINIMUM_LANDLOCK,
	CONFIG_MINIMUM_LANDLOCK_ONLY,
	CONFIG_MINIMUM_MINIMAL,
};

enum config_signing {
	CONFIG_SIGNING_OFF = 0,
	CONFIG_SIGNING_WARN,
	CONFIG_SIGNING_ENFORCE,
};

enum config_escape {
	CONFIG_ESCAPE_EVALUATE = 0,
	CONFIG_ESCAPE_DENY,
};

enum config_approvals {
	CONFIG_APPROVALS_LOCAL_TTY = 0,
	CONFIG_APPROVALS_API,
	CONFIG_APPROVALS_TOTP,
	CONFIG_APPROVALS_WEBAUTHN,
};

enum config_proxy {
	CONFIG_PROXY_EMBEDDED = 0,
	CONFIG_PROXY_DISABLED,
	CONFIG_PROXY_MCP_ONLY,
};

enum config_dlp {
	CONFIG_DLP_REDACT = 0,
	CONFIG_DLP_TOKENIZE,
	CONFIG_DLP_DISABLED,
};

enum config_platform {
	CONFIG_PLATFORM_AUTO = 0,
	CONFIG_PLATFORM_LINUX,
	CONFIG_PLATFORM_DARWIN,
	CONFIG_PLATFORM_WINDOWS,
};

/* A switch that may be left to other settings; after loading only
 * seccomp.wait_killable can still be unset (= ask the kernel). */
enum config_tri {
	CONFIG_UNSET = 0,
	CONFIG_NO,
	CONFIG_YES
};

/* A subtree we accept as it is; NULL when not given. */
struct config_any {
	const struct ynode *node;
};

struct config_family {
	const char *family;  /* "AF_ALG" or a number */
	unsigned int action; /* enum config_on_block */
};

struct config_families {
	struct config_family *v;
	size_t n;
};

struct config_socket_rule {
	const char *name, *family, *type, *protocol; /* NULL: any */
	unsigned int action;                         /* enum config_on_block */
};

struct config_socket_rules {
	struct config_socket_rule *v;
	size_t n;
};

struct config_pattern {
	const char *name, *display, *regex;
	unsigned int line, column; /* of the regex, for messages */
};

struct config_patterns {
	struct config_pattern *v;
	size_t n;
};

struct config_mount {
	const char *path, *policy;
};

struct config_profile {
	const char *name, *base_policy;
	struct config_mount *mounts;
	size_t n_mounts;
};

struct config_profiles {
	struct config_profile *v;
	size_t n;
};

struct config_ports {
	uint16_t *v;
	size_t n;
};

/*
 * Members are the keys of the file (policies.default is default_name).
 * Strings are never NULL unless the key has no default and was not given.
 * Durations are nanoseconds, 0 = none; sizes are bytes.
 */
struct config {
	/* where it came from */
	const char *file;     /* NULL: built-in defaults only */
	const char *data_dir; /* base_dir, database */
	/* keys that `config validate` refuses */
	size_t n_unknown, n_not_honoured;
	struct arena arena; /* owns all below */

	struct {
		struct {
			const char *addr;
			int64_t read_timeout;      /* ns */
			int64_t write_timeout;     /* ns */
			uint64_t max_request_size; /* bytes */
		} http;
		struct {
			bool enabled;
			const char *addr;
		} grpc;
		struct {
			bool enabled;
			const char *path;
			const char *permissions;
		} unix_socket;
		struct {
			bool enabled;
			const char *cert_file;
			const char *key_file;
			const char *ca_file;
		} tls;
	} server;
	struct {
		unsigned int type; /* enum config_auth */
		struct {
			const char *keys_file;
			const char *header_name;
		} api_key;
		struct config_any oidc;
	} auth;
	struct {
		unsigned int level;  /* enum config_level */
		unsigned int format; /* enum config_format */
		const char *output;
		struct {
			int64_t max_size_mb;
			int64_t max_age_days;
			int64_t max_backups;
			bool compress;
		} rotation;
	} logging;
	struct {
		bool enabled;
		const char *output;
		struct {
			int64_t max_size_mb;
			int64_t max_age_days;
			int64_t max_backups;
			bool compress;
		} rotation;
		struct {
			bool enabled;
			const char *sqlite_path;
			int64_t batch_size;
			int64_t flush_interval; /* ns */
			int64_t channel_size;
		} storage;
		struct {
			const char *url;
			int64_t batch_size;
			int64_t flush_interval; /* ns */
			int64_t timeout;        /* ns */
			struct ystrmap headers;
		} webhook;
		struct {
			bool enabled;
			unsigned int algorithm;  /* enum config_integrity */
			unsigned int key_source; /* enum config_keysource */
			const char *key_file;
			const char *key_env;
			struct config_any aws_kms;
			struct config_any azure_keyvault;
			struct config_any hashicorp_vault;
			struct config_any gcp_kms;
		} integrity;
		struct config_any encryption;
		struct config_any otel;
		struct config_any watchtower;
	} audit;
	struct {
		const char *base_dir;
		int64_t max_sessions;
		int64_t default_timeout;      /* ns */
		int64_t default_idle_timeout; /* ns */
		int64_t cleanup_interval;     /* ns */
		bool real_paths;
		struct {
			bool enabled;
			const char *storage_dir;
			int64_t max_per_session;
			int64_t max_size_mb;
			struct {
				bool enabled;
				struct ystrings triggers;
			} auto_checkpoint;
			struct {
				int64_t max_age;          /* ns */
				int64_t cleanup_interval; /* ns */
			} retention;
		} checkpoints;
	} sessions;
	struct {
		bool enabled;
		bool allow_degraded;
		struct ystrings require;
		struct {
			int64_t max_memory_mb;
			int64_t max_cpu_percent;
			int64_t max_processes;
			int64_t max_disk_io_mbps;
			int64_t max_network_mbps;
		} limits;
		struct {
			bool enabled;
			bool deferred;
			const char *deferred_marker_file;
			struct ystrings deferred_enable_command;
			const char *mount_base_dir;
			int64_t max_background;
			struct {
				unsigned int mode; /* enum config_fuse_mode */
				bool enabled;
				const char *trash_path;
				int64_t ttl;          /* ns */
				unsigned int on_full; /* enum config_on_full */
				uint64_t quota;       /* bytes */
				int64_t quota_entries;
				uint64_t hash_small_files_under; /* bytes */
				bool strict_on_audit_failure;
				int64_t max_event_queue;
			} audit;
			struct {
				unsigned int action; /* enum config_brake */
				int64_t max_files;
				uint64_t max_bytes; /* bytes */
				int64_t max_percent;
			} brake;
		} fuse;
		struct {
			bool enabled;
			const char *proxy_listen_addr;
			unsigned int intercept_mode; /* enum config_intercept */
			int64_t proxy_port;
			int64_t dns_port;
			struct {
				bool enabled;
				const char *ca_cert;
				const char *ca_key;
			} tls_inspection;
			struct {
				bool enabled;
				int64_t global_rpm;
				int64_t global_burst;
				struct config_any per_domain;
			} rate_limits;
			struct {
				bool enabled;
				const char *subnet_base;
			} transparent;
			struct config_any ebpf;
		} network;
		struct {
			bool enabled;
			const char *base_path;
			bool best_effort;
		} cgroups;
		struct {
			enum config_tri enabled;
			const char *wrapper_bin;
		} unix_sockets;
		struct {
			bool enabled;
			const char *mode;
			struct {
				enum config_tri enabled;
				const char *action;
			} unix_socket;
			struct {
				struct ystrings block;
				unsigned int on_block; /* enum config_on_block */
				const char *default_action;
				struct ystrings allow;
			} syscalls;
			struct {
				bool enabled;
				int64_t max_argc;
				int64_t max_argv_bytes;
				unsigned int
					on_truncated; /* enum config_truncated */
				int64_t approval_timeout; /* ns */
				unsigned int
					approval_timeout_action; /* enum config_allow_deny */
				struct ystrings internal_bypass;
			} execve;
			struct {
				unsigned int opaque; /* enum config_opaque */
			} shellc;
			struct {
				enum config_tri enabled;
				enum config_tri enforce_without_fuse;
				enum config_tri intercept_metadata;
				enum config_tri block_io_uring;
				enum config_tri write_only_opens;
				enum config_tri openat_emulation;
			} file_monitor;
			struct config_families blocked_socket_families;
			struct config_socket_rules socket_rules;
			struct ystrings mitigation_sets;
			struct ystrings mitigation_dirs;
			enum config_tri wait_killable;
		} seccomp;
		struct {
			bool enabled;
			unsigned int attach_mode; /* enum config_attach */
			int64_t target_pid;
			const char *target_pid_file;
			struct {
				bool execve;
				bool file;
				bool network;
				bool signal;
			} trace;
			struct {
				bool seccomp_prefilter;
				int64_t max_tracees;
				int64_t max_hold_ms;
				bool static_allow_file;
				bool static_allow_network;
				bool arg_level_filter;
			} performance;
			unsigned int mask_tracer_pid; /* enum config_mask */
			unsigned int
				on_attach_failure; /* enum config_attach_failure */
		} ptrace;
		struct {
			bool stay_awake;
		} performance;
		struct config_any mcp;
		struct config_any xpc;
		struct ystrmap env_inject;
		struct {
			bool enabled;
		} wrap_env_policy;
	} sandbox;
	struct config_any policy_socket;
	struct {
		bool enabled;
		struct ystrings allow_execute;
		struct ystrings allow_read;
		struct ystrings allow_write;
		struct ystrings deny_paths;
		struct {
			bool allow_connect_tcp;
			enum config_tri allow_bind_tcp;
			struct config_ports bind_ports;
		} network;
	} landlock;
	struct {
		struct ystrings allow;
	} capabilities;
	struct {
		unsigned int mode; /* enum config_security */
		bool strict;
		unsigned int minimum_mode; /* enum config_security_min */
		bool warn_degraded;
	} security;
	struct {
		const char *dir;
		const char *default_name;
		struct ystrings allowed;
		const char *manifest_path;
		struct {
			const char *trust_store;
			unsigned int mode; /* enum config_signing */
		} signing;
		bool detect_project_root;
		struct ystrings project_markers;
		unsigned int symlink_escape; /* enum config_escape */
		struct config_any env_policy;
		int64_t reload_interval; /* ns */
		const char *env_shim_path;
	} policies;
	struct config_profiles mount_profiles;
	struct {
		bool enabled;
		unsigned int mode; /* enum config_approvals */
		int64_t timeout;   /* ns */
		struct config_any webauthn;
	} approvals;
	struct {
		bool enabled;
		const char *path;
	} metrics;
	struct {
		const char *path;
		const char *readiness_path;
	} health;
	struct {
		bool disable_auth;
		bool debug;
		bool disable_policy;
		struct config_any pprof;
	} development;
	struct {
		unsigned int mode; /* enum config_proxy */
		int64_t port;
		struct ystrmap providers;
		const char *ca_file;
		bool scrub_responses;
		struct {
			int64_t max_requests;
			int64_t max_tokens;
		} budget;
		struct {
			bool enabled;
			int64_t requests_per_minute;
			int64_t request_burst;
			int64_t tokens_per_minute;
			int64_t token_burst;
		} rate_limits;
	} proxy;
	struct {
		unsigned int mode; /* enum config_dlp */
		struct {
			enum config_tri email;
			enum config_tri phone;
			enum config_tri credit_card;
			enum config_tri ssn;
			enum config_tri api_keys;
		} patterns;
		struct config_patterns custom_patterns;
		struct ystrmap actions;
		bool redact_output;
	} dlp;
	struct {
		bool store_bodies;
		struct {
			int64_t max_age_days;
			int64_t max_size_mb;
			unsigned int eviction; /* oldest_first */
		} retention;
	} llm_storage;
	struct config_any threat_feeds;
	struct config_any tor;
	struct config_any package_checks;
	struct config_any skillcheck;
	struct {
		unsigned int mode; /* enum config_platform */
		struct config_any fallback;
		struct config_any mount_points;
	} platform;
};

/* Where a configuration came from decides the default directories. */
enum config_source {
	CONFIG_SOURCE_EXPLICIT = 0, /* --config or AGENTSH_CONFIG */
	CONFIG_SOURCE_USER,
	CONFIG_SOURCE_SYSTEM,
	CONFIG_SOURCE_PACKAGED, /* nothing is installed: what came with us */
};

/*
 * Discovery: explicit_path (may be NULL), $AGENTSH_CONFIG, the user's
 * directory, /etc/agentsh, the defaults packaged with the program (beside a
 * build tree or in its data directory); the system's path if nothing is there.
 * An explicit path that would have been found anyway does not count as explicit.
 * Appends to out. env: like environ.
 */
enum config_source config_find(const char *explicit_path, char *const *env,
			       struct buf *out);

/*
 * Reads, expands $VAR, parses, applies defaults and environment overrides,
 * checks. Warnings and errors go to diag with file:line:column.
 * Return: 0; -EINVAL with at least one error in diag; -ENOMEM. The errno of a
 * file that cannot be read is returned as well as reported.
 */
int config_load(const char *path, enum config_source source, char *const *env,
		struct config **ret, struct diag *diag);
/* The same from text. path: for messages and default directories. */
int config_parse(const char *path, struct str text, enum config_source source,
		 char *const *env, struct config **ret, struct diag *diag);
struct config *config_free(struct config *c);
DEFINE_CLEANUP(config_free, struct config *)

/*
 * `agentsh config validate`: 0 when the file loads and every key in it is
 * known and honoured, else -EINVAL (diag says why).
 */
int config_validate(const char *path, enum config_source source,
		    char *const *env, struct diag *diag);

/* `agentsh config show`: the resolved configuration, Go field names. */
void config_to_json(const struct config *c, struct json_writer *w);

static inline bool config_on(enum config_tri v)
{
	return v == CONFIG_YES;
}

#endif
