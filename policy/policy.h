/* SPDX-License-Identifier: MIT */
/*
 * policy.h - the compiled policy: immutable, position-independent, shared
 *
 * policy_compile() turns policy YAML into an *image*: one contiguous block
 * with offsets instead of pointers. The server compiles once per session,
 * seals the image in a memfd, and every worker maps it: no YAML parser and no
 * compile step in a worker, and the same bytes everywhere. The image also
 * caches on disk. decide() over it allocates nothing and takes no lock.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/str.h"
#include "core/op.h"
#include "core/verdict.h"

struct addr;
struct policy;
struct grant_set;
struct json_writer;

/* Per-session values for ${NAME} in file paths and domains. */
struct policy_vars {
	const struct str *names;
	const struct str *values;
	size_t n;
	/* looked up after the session's own; NULL-terminated like environ */
	char *const *environment;
};

/*
 * Parses, validates and compiles. file: name for messages. Warnings (families
 * not enforced yet, suspicious rules) and errors go to diag.
 * Return: 0; -EINVAL with at least one error in diag; -ENOMEM.
 */
int policy_compile(const char *file, struct str yaml,
		   const struct policy_vars *vars, uint32_t generation,
		   struct policy **ret, struct diag *diag);
/* A directory with a policy of its own: of that one the file rules hold there,
 * and none of the others'. */
struct policy_mount {
	struct str path;  /* absolute, without links, ".", or '/' at its end */
	const char *file; /* name for messages */
	struct str yaml;
};
/* The same for a policy with mounts; the innermost one that a path lies in
 * decides. -EINVAL also for two mounts at one place. */
struct policy_source {
	const char *file;
	struct str yaml;
	const struct policy_vars *vars;
	uint32_t generation;
	const struct policy_mount *mounts;
	size_t n_mounts;
};
int policy_compile_source(const struct policy_source *src, struct policy **ret,
			  struct diag *diag);
/* Parses and validates only (`policy validate`). */
int policy_validate(const char *file, struct str yaml, struct diag *diag);

/* Image in a sealed memfd (new descriptor). */
int policy_to_fd(const struct policy *p, int *ret_fd);
/* Maps and checks an image (header, bounds of every table). Takes fd. */
int policy_from_fd(int fd, struct policy **ret);
struct policy *policy_ref(struct policy *p);
struct policy *policy_unref(struct policy *p);

/*
 * The decision. Pure and total: no I/O, clock, allocation or lock; first
 * matching rule wins within a rule family; names and resolved names are both
 * judged and the stricter verdict wins; no match gives the family's default.
 */
struct verdict policy_decide(const struct policy *p, const struct op *op);

/* Name of the deciding rule ("default-deny-files" etc. for built-in ones). */
struct str policy_rule_name(const struct policy *p, struct verdict v);
/* Its message with {{.Path}} {{.Command}} {{.Args}} {{.RemoteAddr}}
 * {{.RemotePort}} rendered from op; appends nothing if it has none. */
void policy_rule_message(const struct policy *p, struct verdict v,
			 const struct op *op, struct buf *out);
/*
 * True if v permits by a rule of the policy that names path, or has a pattern
 * below prefix that says more than it (prefix "/dev/": "/dev/kvm" and
 * "/dev/nvidia*" do, a wildcard for all of it does not).
 */
bool policy_rule_names(const struct policy *p, struct verdict v,
		       struct str path, struct str prefix);
/* True if it is a network rule that names this very host, or is for any host at
 * all; not if it is for the names of some zone. */
bool policy_rule_names_host(const struct policy *p, struct verdict v,
			    struct str host);
/* Longest prefix (1 to 128) among the cidrs of the network rule v came from
 * that hold a; 0 if none does. */
unsigned int policy_rule_cidr_bits(const struct policy *p, struct verdict v,
				   const struct addr *a);
/* True if it is a network rule that lists ports. */
bool policy_rule_has_ports(const struct policy *p, struct verdict v);
/* A network, in the 128-bit form, and ports of it. */
struct policy_network {
	uint8_t net[16], bits;
	uint16_t first, last;
};
/*
 * All places that network rules with addresses and ports could allow datagrams
 * to (denied_too: also those of rules that deny); each is to be judged. Fills at
 * most max. Return: how many there are.
 */
size_t policy_datagram_places(const struct policy *p, bool denied_too,
			      struct policy_network *ret, size_t max);
/* Time-out of an approve rule, ns; 0 = the configured default. */
int64_t policy_rule_timeout(const struct policy *p, struct verdict v);

struct policy_redirect {
	struct str target;      /* command or directory */
	const struct str *args; /* of a command redirect; args then args_append */
	size_t n_args;
	const struct str *environment; /* "NAME=value" */
	size_t n_environment;
	bool preserve_tree;
};
/* Fills arrays (caps given by the caller); -ENOENT if v is no redirect. */
int policy_rule_redirect(const struct policy *p, struct verdict v,
			 struct policy_redirect *ret, struct str *args,
			 size_t max_args, struct str *env, size_t max_env);

/*
 * Directories that file rules redirect to; relative ones are meant from the
 * workspace. Fills at most max. Return: how many there are.
 */
size_t policy_redirect_dirs(const struct policy *p, struct str *out,
			    size_t max);

struct policy_signal {
	int redirect; /* to send instead; 0 = none */
	bool absorb;  /* denied, but the sender is told that it was sent */
};
/* What a signal rule says beside its verdict; zeroed if v is from no rule. */
struct policy_signal policy_rule_signal(const struct policy *p,
					struct verdict v);

struct policy_limits {
	uint64_t memory_mb, swap_max_mb, disk_read_bps, disk_write_bps;
	uint32_t cpu_percent, pids, net_bandwidth_mbps;
	bool has_swap;
	int64_t command_timeout_ns, session_timeout_ns, idle_timeout_ns;
};
void policy_limits(const struct policy *p, struct policy_limits *ret);

/* Environment filter of section 4.9; v = the verdict for the command. */
struct policy_env {
	uint64_t max_bytes, max_keys; /* 0 = none */
	bool block_iteration;
};
/* True if NAME may be passed on. */
bool policy_env_allows(const struct policy *p, struct verdict v,
		       struct str name);
void policy_env_limits(const struct policy *p, struct verdict v,
		       struct policy_env *ret);
/* policy env_inject: i-th pair; false when past the end. */
bool policy_env_inject(const struct policy *p, size_t i, struct str *ret_name,
		       struct str *ret_value);

/* A dns_redirect or connect_redirect that applies. */
struct policy_divert {
	struct str name, message;
	struct str target;    /* IP address, or host:port */
	struct str unix_path; /* of a connect redirect, else "" */
	struct str sni;       /* to send instead; "" = leave TLS alone */
	bool audit, warn;     /* record it; also tell the user */
	/* when the target fails: deny (neither), connect as asked */
	bool fail_open, retry_original;
};
/* host: lower case, no trailing dot. First match; false if none. */
bool policy_dns_divert(const struct policy *p, struct str host,
		       struct policy_divert *ret);
/* host_port: "host:port". */
bool policy_connect_divert(const struct policy *p, struct str host_port,
			   struct policy_divert *ret);

/* Where in a request the stand-in of a secret is exchanged for it. */
enum policy_place {
	PLACE_HEADER = 0,
	PLACE_QUERY,
	PLACE_BODY,
	PLACE_MAX
};

/* A declared http_service. */
struct policy_service {
	struct str name, upstream;
	struct str expose_as; /* variable name; "" = NAME_API_URL */
	struct str secret_ref, secret_format;
	struct str inject_header, inject_template;
	struct str secret_env;  /* variable with the stand-in; "" = usual */
	uint32_t secret_places; /* 1 << enum policy_place */
	bool allow_direct, scrub_response;
	bool intercept; /* TLS to its host is opened and judged by its rules */
};
/* i-th service; false past the end. */
bool policy_service(const struct policy *p, size_t i,
		    struct policy_service *ret);
/* j-th alias of the i-th service, another name of its host; "" past the end. */
struct str policy_service_alias(const struct policy *p, size_t i, size_t j);

struct str policy_name(const struct policy *p);
uint32_t policy_generation(const struct policy *p);
bool policy_has_signal_rules(const struct policy *p);
/* Some network rule names hosts. */
bool policy_has_host_names(const struct policy *p);
/* True when some deny lies inside what reads or writes are granted, so that
 * Landlock alone cannot express the policy. */
bool policy_needs_open_notify(const struct policy *p, struct str workspace);

/* The rules permit `verb` on everything below dir (absolute), whatever it is
 * called. False when that is not certain. */
bool policy_permits_below(const struct policy *p, struct str dir,
			  enum file_verb verb);

/*
 * The floor's superset (interface section 4.13, without its traps): what the
 * rules could allow, as Landlock can say it. workspace gets GRANT_RW|EXECUTE.
 * ret_opens (NULL: not wanted): as policy_needs_open_notify(), in one go.
 */
int policy_derive_grants(const struct policy *p, struct str workspace,
			 struct grant_set *ret, bool *ret_opens);

/* `policy show`: the policy as agentsh prints it (PascalCase names). */
int policy_to_json(const struct policy *p, struct json_writer *w);

#endif
