/* SPDX-License-Identifier: MIT */
/*
 * settings.h - what the server needs of its configuration, in one place
 *
 * config/ knows every key and default of config.yaml; settings.c and
 * settings_proxy.c are the files of server/ that look at its structures.
 */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/vec.h"
#include "config/config.h"
#include "server/logfile.h"

enum auth_type {
	AUTH_NONE = 0,
	AUTH_API_KEY
};

enum auth_role {
	ROLE_NONE = 0, /* not authenticated */
	ROLE_AGENT,
	ROLE_APPROVER,
	ROLE_ADMIN,
};

struct api_key {
	struct str id, key;
	enum auth_role role;
};

struct setting_pair {
	struct str name, value;
};

/* mount_profiles */
struct setting_mount {
	const char *path, *policy;
};

struct setting_profile {
	const char *name, *base_policy; /* "" = the default one */
	struct setting_mount *mounts;
	size_t n_mounts;
};

/* All strings live in the arena. */
#define SETTINGS_MAX_RATES 256U /* as netproxy/rate.h */

struct settings {
	struct arena arena;
	const char *config_path; /* "" = built-in defaults */
	/* listeners */
	const char *http_host;
	uint16_t http_port;
	const char *http_addr; /* as configured, for messages */
	bool tls;
	const char *tls_cert, *tls_key, *tls_ca; /* files; ca "" = none */
	bool unix_enabled;
	const char *unix_path;
	mode_t unix_mode;
	uint64_t max_request_bytes;
	uint64_t read_timeout_ns, write_timeout_ns; /* 0 = the usual */
	/* callers */
	enum auth_type auth;
	const char *key_header;
	VEC(struct api_key) keys;
	/* audit */
	const char *sqlite_path, *jsonl_path; /* "" = none */
	uint64_t rotate_bytes;
	unsigned int max_backups, batch_size;
	int64_t audit_max_age_ns; /* of rotated JSON lines; 0 = any */
	int64_t flush_interval_ns;
	struct {
		struct str settings; /* for agentsh-edge; empty = none */
		uint64_t batch_size, flush_ns;
	} webhook;
	struct str integrity_key; /* empty = off */
	bool integrity_sha512;
	/* sessions */
	const char *sessions_dir;
	unsigned int max_sessions;
	int64_t session_timeout_ns, idle_timeout_ns, cleanup_ns; /* 0 = none */
	bool real_paths;
	/* policies */
	const char *policies_dir, *default_policy;
	/* who must vouch for them; enum config_signing */
	const char *trust_store;
	unsigned int signing;
	const char *policy_manifest; /* file of their sums; "" = none */
	int64_t reload_ns; /* policies.reload_interval; 0 = only when told */
	VEC(struct str) allowed_policies; /* empty = all */
	VEC(struct setting_profile) profiles;
	bool detect_project_root;
	VEC(struct str) project_markers;
	/* commands */
	VEC(struct setting_pair) env_inject;
	const char *trash_dir;     /* below the workspace, or absolute */
	VEC(struct str) required;  /* sandbox.require */
	enum config_opaque opaque; /* scripts that cannot be read ahead */
	bool fast_reads;           /* file_monitor.write_only_opens */
	bool cgroups;
	/* sandbox.limits: where the policy sets none; 0 = none either */
	uint64_t limit_memory_mb;
	uint32_t limit_cpu_percent, limit_pids;
	const char *cgroup_base; /* "" = beneath our own */
	bool fuse;               /* one agentsh-vfs per session */
	bool fuse_deferred;      /* at its first command */
	bool keeps;              /* what is destroyed */
	uint32_t fuse_ring;      /* bytes of events that may wait */
	struct str vfs_json;     /* its settings */
	bool net_proxy;          /* one agentsh-netproxy per session */
	const char *net_listen;
	bool net_monitor;    /* what network rules deny is only recorded */
	bool net_namespace;  /* commands in a network namespace of their own */
	struct str net_json; /* the rest of what it is told; an object */
	const char *ca_key;  /* of tls_inspection; "" = made per session */
	bool llm;            /* which serves language models too */
	VEC(struct str) llm_providers; /* but anthropic and openai */
	struct str llm_json;  /* for it: members, without the outer braces */
	bool tls_inspection;  /* tls of services that say so is opened */
	struct str dlp_json;  /* dlp_settings_put(); "" = off */
	bool redact_output;   /* what commands print, too */
	const char *dlp_mode; /* "redact", "tokenize", "disabled" */
	VEC(struct str) dlp_shown; /* names of what is looked for */
	/* JSON members for PROTO_HELLO, without the outer braces */
	struct str worker_json;
	/* approvals */
	bool approvals;
	const char *approvals_mode;
	int64_t approval_timeout_ns;
	int64_t exec_approval_timeout_ns; /* of a running command; 0 = above */
	/* paths */
	const char *health_path, *ready_path;
	bool metrics;
	const char *metrics_path;
	struct logfile_options log;
};

/*
 * Reads the configuration (path NULL: the usual places) with environment
 * overrides. Warnings and errors go to diag. 0 or -errno.
 */
int settings_load(const char *path, struct settings *ret, struct diag *diag);
void settings_done(struct settings *s);
/* settings_proxy.c: proxy and dlp; part of settings_load(). */
struct config;
int settings_set_proxy(struct settings *s, const struct config *c,
		       struct diag *diag);
/* The same for the network proxy: s->net_json. */
int settings_set_net(struct settings *s, const struct config *c,
		     struct diag *diag);
/* Last checks, with the error text that goes to the user in out. */
int settings_refuse(const struct settings *s, struct buf *out);

#endif
