/* SPDX-License-Identifier: MIT */
/*
 * rules.h - a policy file as plain data: parse.c fills it, compile.c reads it
 *
 * Everything here lives in the one arena handed to policy_parse(); strings are
 * UTF-8 without NUL bytes. Nothing is expanded (${NAME} stays), compiled or
 * lower-cased: that is the compiler's work, and so are the errors about globs,
 * regular expressions and CIDRs, for which each text keeps its place.
 * A list that the file does not mention has n == 0 and present == false.
 */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"
#include "core/verdict.h"

struct rule_pos {
	unsigned int line, column; /* from 1; 0 = not known */
};

/* A scalar and where it stands. */
struct rule_text {
	struct str s;
	struct rule_pos pos;
};

struct rule_list {
	struct rule_text *v;
	size_t n;
	bool present;
};

struct rule_pair {
	struct rule_text name, value;
};

struct rule_pairs {
	struct rule_pair *v; /* file order; names are unique */
	size_t n;
};

/*
 * What every rule has. A decision word that is none of ours is not an error
 * when loading (interface section 4.1): decision_valid is false, the text is
 * kept, parse warns, and the rule denies as `invalid-policy-decision`. A
 * missing decision is the same as an empty, invalid one.
 */
struct rule_common {
	struct rule_pos pos; /* of the list item */
	struct str name;     /* may be empty and need not be unique */
	struct str description;
	struct str message;
	struct str decision_text;
	enum verdict_kind decision;
	bool decision_valid;
	int64_t timeout_ns; /* 0 = not given */
};

struct file_rule {
	struct rule_common c;
	/* of a mount's policy: holds in this directory only (mounts.h); "" */
	struct str below;
	const char *file; /* of such a rule, for messages; else NULL */
	struct rule_list paths;
	struct rule_list operations; /* empty or "*": all */
	struct str redirect_to;
	bool preserve_tree;
};

struct command_rule {
	struct rule_common c;
	struct rule_list commands; /* empty: every command */
	struct rule_list args_patterns;
	/* of `redirect_to:` */
	bool has_redirect;
	struct str redirect_command;
	struct rule_list redirect_args, redirect_args_append;
	struct rule_pairs redirect_environment;
	/* context: depths for which the rule holds; all: 0..UINT32_MAX */
	uint32_t min_depth, max_depth;
	struct rule_list env_allow, env_deny;
	uint64_t env_max_bytes, env_max_keys; /* 0 = not given */
	bool env_block_iteration, has_env_block_iteration;
};

struct network_rule {
	struct rule_common c;
	struct rule_list domains;
	struct rule_list cidrs;
	uint16_t *ports;
	size_t n_ports;
};

struct unix_rule {
	struct rule_common c;
	struct rule_list paths; /* "@name" for abstract sockets */
	uint32_t operations;    /* 1 << enum unix_verb; all bits when empty */
};

enum signal_target_type {
	SIGTARGET_SELF = 0,
	SIGTARGET_CHILDREN,
	SIGTARGET_DESCENDANTS,
	SIGTARGET_SIBLINGS,
	SIGTARGET_SESSION,
	SIGTARGET_PARENT,
	SIGTARGET_EXTERNAL,
	SIGTARGET_SYSTEM,
	SIGTARGET_USER,
	SIGTARGET_PROCESS,   /* glob on the process name */
	SIGTARGET_PID_RANGE, /* min..max */
};

struct signal_rule {
	struct rule_common c; /* `absorb` is a deny with `absorb` set */
	uint64_t signals;     /* bit (signo - 1); groups resolved by parse */
	enum signal_target_type target;
	struct rule_text pattern;
	int32_t min_pid, max_pid;
	bool absorb;
	struct str fallback;
	int redirect_signal; /* 0 = none */
};

struct http_rule {
	struct rule_common c;
	struct rule_list methods; /* empty: all */
	struct rule_list paths;   /* empty: all; globs with separator '/' */
};

struct http_service {
	struct rule_pos pos;
	struct rule_text name, upstream;
	struct str expose_as;
	struct rule_list aliases;
	bool allow_direct;
	bool default_allow, has_default;
	struct http_rule *rules;
	size_t n_rules;
	struct str secret_ref, secret_format, secret_env;
	struct rule_list place_words;
	uint32_t secret_places; /* 1 << enum policy_place */
	struct str inject_header, inject_template;
	bool scrub_response, intercept;
};

enum redirect_visibility {
	REDIRECT_AUDIT_ONLY = 0,
	REDIRECT_SILENT,
	REDIRECT_WARN
};

enum redirect_failure {
	REDIRECT_FAIL_CLOSED = 0,
	REDIRECT_FAIL_OPEN,
	REDIRECT_RETRY_ORIGINAL,
};

struct dns_redirect {
	struct rule_pos pos;
	struct str name;
	struct rule_text match; /* regular expression, on the host */
	struct rule_text resolve_to;
	enum redirect_visibility visibility;
	enum redirect_failure on_failure;
};

struct connect_redirect {
	struct rule_pos pos;
	struct str name;
	struct rule_text match;       /* regular expression, on host:port */
	struct rule_text redirect_to; /* host:port, or "" */
	struct str redirect_to_unix;  /* path, or "" */
	bool rewrite_sni;
	struct str sni, message;
	enum redirect_visibility visibility;
	enum redirect_failure on_failure;
};

/* Zero means not given, except swap (has_swap). */
struct resource_rules {
	uint64_t max_memory_mb, memory_swap_max_mb;
	uint64_t disk_read_bps_max, disk_write_bps_max;
	uint32_t cpu_quota_percent, pids_max, net_bandwidth_mbps;
	bool has_swap;
	int64_t command_timeout_ns, session_timeout_ns, idle_timeout_ns;
};

struct env_rules {
	struct rule_list allow, deny;
	uint64_t max_bytes, max_keys;
	bool block_iteration;
};

struct policy_rules {
	int64_t version;
	struct str name, description;
	struct file_rule *files;
	size_t n_files;
	struct command_rule *commands;
	size_t n_commands;
	struct network_rule *networks;
	size_t n_networks;
	struct unix_rule *unixes;
	size_t n_unixes;
	struct signal_rule *signals;
	size_t n_signals;
	struct http_service *services;
	size_t n_services;
	struct dns_redirect *dns_redirects;
	size_t n_dns_redirects;
	struct connect_redirect *connect_redirects;
	size_t n_connect_redirects;
	struct resource_rules resources;
	struct env_rules env;
	struct rule_pairs env_inject;
	/* transparent_commands: names to add to / take from the built-in set */
	struct rule_list transparent_add, transparent_remove;
};

/*
 * Parses and validates the shape of a policy: strict (an unknown key anywhere
 * is an error), types, durations, numbers, words of every enumeration. Families
 * that we do not enforce parse and are named in a warning.
 * Return: 0; -EINVAL with at least one error in diag; -ENOMEM.
 */
int policy_parse(const char *file, struct str yaml, struct arena *arena,
		 struct policy_rules *ret, struct diag *diag);

#endif
