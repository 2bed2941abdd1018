/* SPDX-License-Identifier: MIT */
/*
 * image.h - layout of a compiled policy (private to policy/)
 *
 * One block: header, then one table per section. Everything that refers to
 * something else does so by index or by offset into SEC_BYTES, so the block
 * means the same wherever it is mapped. The writer is this very build (the
 * header carries its id), so there is no byte order or versioning beyond a
 * refusal; but the block is untrusted until image_check() has walked it: after
 * that, no index or span in it can lead outside.
 */
#ifndef POLICY_IMAGE_H
#define POLICY_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/glob.h"
#include "base/nfa.h"
#include "base/str.h"
#include "core/verdict.h"

#define IMAGE_MAGIC   0x31504741U /* "AGP1" */
#define IMAGE_VERSION 4U
#define IMAGE_MAX     (256U << 20)
#define IMAGE_NONE    UINT32_MAX

enum image_section {
	SEC_BYTES = 0, /* text */
	SEC_STRS,      /* struct img_str */
	SEC_INSTS,     /* struct nfa_inst */
	SEC_RANGES,    /* struct nfa_range */
	SEC_PATS,      /* struct img_pat */
	SEC_PROGS,     /* struct img_prog: regular expressions */
	SEC_NODES,     /* struct img_node */
	SEC_SLOTS,     /* struct img_slot */
	SEC_ITEMS,     /* struct img_item */
	SEC_RULES,     /* struct img_rule */
	SEC_COMMANDS,  /* struct img_command */
	SEC_NETS,      /* struct img_net */
	SEC_CIDRS,     /* struct img_cidr */
	SEC_NUMBERS,   /* uint32_t */
	SEC_SIGNALS,   /* struct img_signal */
	SEC_SERVICES,  /* struct img_service */
	SEC_DIVERTS,   /* struct img_divert */
	SEC_MAX,
};

struct img_str {
	uint32_t off, len;
};

/* Elements [first, first + n) of the section that the member's comment names */
struct img_span {
	uint32_t first, n;
};

struct img_prog {
	struct img_span insts, ranges;
};

struct img_pat {
	uint32_t shape; /* enum glob_shape */
	uint32_t sep;
	struct img_str prefix, suffix, tokens;
	struct img_prog prog;
};

/*
 * Node of a radix tree. Its label is what an edge to it spells; keys are the
 * first bytes of its children's labels, ascending, one per child.
 */
struct img_node {
	struct img_str label, keys;
	struct img_span children; /* SEC_NODES, all after this one */
	struct img_span items;    /* SEC_ITEMS */
};

/* Hash table slot; free when items.n is 0. */
struct img_slot {
	uint32_t hash;
	struct img_str key;
	struct img_span items;
};

/* "Pattern pat may make rule match ops in mask". Ascending by rule in a span */
struct img_item {
	uint32_t rule; /* number within its family */
	uint32_t pat;  /* SEC_PATS; IMAGE_NONE: the key alone is the match */
	uint32_t mask;
};

/*
 * Finds the patterns that can match a text without trying each: by whole text,
 * by literal head (tree walked forwards), by literal tail (tree walked from the
 * end), by a literal path component; what has none of these is always tried.
 */
struct img_index {
	uint32_t heads, tails;        /* root in SEC_NODES or IMAGE_NONE */
	struct img_span exact, inner; /* SEC_SLOTS; n is 0 or a power of two */
	struct img_span always;       /* SEC_ITEMS */
	uint32_t sep;
};

enum img_rule_flag {
	RULE_EXPLICIT_TIMEOUT = 1 << 0,
	RULE_PRESERVE_TREE = 1 << 1,
	RULE_REDIRECTS = 1 << 2,
	RULE_ABSORB = 1 << 3,
	RULE_HAS_ENV_ALLOW = 1 << 4,
	RULE_HAS_ENV_DENY = 1 << 5,
	RULE_BLOCK_ITERATION = 1 << 6,
	RULE_HAS_BLOCK_ITERATION = 1 << 7,
	RULE_ANY_COMMAND = 1 << 8,
	/* holds back every command: a default that the policy spells out */
	RULE_CATCH_ALL = 1 << 9,
};

enum img_family {
	FAMILY_FILE = 0,
	FAMILY_COMMAND,
	FAMILY_NET,
	FAMILY_UNIX,
	FAMILY_SIGNAL,
	FAMILY_HTTP,
	FAMILY_MAX,
};

/* What a rule of any family has. verdict.rule is its index + RULE_ID_BASE. */
struct img_rule {
	struct img_str name, description, message;
	struct img_str redirect_to; /* directory, or command */
	uint32_t kind;              /* enum verdict_kind */
	uint32_t flags;
	uint32_t mask;  /* operations: file verbs, unix verbs */
	uint32_t extra; /* index in the family's own table, if it has one */
	struct img_span sources; /* SEC_STRS: paths, commands, domains as written
				  * after expansion */
	uint64_t timeout_ns;
	uint32_t line, pad;
};

struct img_command {
	struct img_span args; /* SEC_PROGS */
	uint32_t min_depth, max_depth;
	struct img_span redirect_args; /* SEC_STRS, appended ones included */
	struct img_span redirect_env;  /* SEC_STRS, NAME=value */
	struct img_span args_sources;  /* SEC_STRS */
	struct img_span env_allow, env_deny; /* SEC_PATS */
	uint64_t env_max_bytes, env_max_keys;
};

struct img_cidr {
	uint8_t net[16];
	uint32_t bits;
};

enum img_net_group {
	NET_HAS_DOMAINS = 1 << 0,
	NET_HAS_CIDRS = 1 << 1,
	NET_HAS_PORTS = 1 << 2,
};

struct img_net {
	struct img_span ports; /* SEC_NUMBERS, ascending */
	struct img_span cidrs; /* SEC_CIDRS */
	uint32_t groups;       /* enum img_net_group */
	uint32_t pad;
};

/*
 * Items of the cidrs index. An address is judged twice: together with the name
 * that led to it, and alone, by the rules that select by address only.
 */
enum img_net_pass {
	NET_PASS_NAMED = 1 << 0,
	NET_PASS_ADDRESS = 1 << 1,
	NET_PASS_DNS = 1 << 2,
};

struct img_signal {
	uint64_t signals;
	uint32_t target;  /* enum signal_target_type */
	uint32_t pattern; /* SEC_PATS or IMAGE_NONE */
	int32_t min_pid, max_pid;
	uint32_t redirect_signal, pad;
};

struct img_service {
	struct img_str name, upstream, expose_as, secret_ref, secret_format,
		secret_env, inject_header, inject_template;
	struct img_span aliases; /* SEC_STRS */
	struct img_span rules;   /* numbers within the http family */
	uint32_t default_allow, allow_direct, scrub_response;
	uint32_t intercept, secret_places, pad;
	struct img_index paths; /* of its rules; number within the family */
};

/* dns_redirects and connect_redirects. */
struct img_divert {
	struct img_str name, target, unix_path, sni, message;
	struct img_prog match;
	uint32_t visibility, on_failure, rewrite_sni, pad;
};

struct img_table {
	uint32_t off;
	uint32_t n; /* elements */
};

struct img_limits {
	uint64_t memory_mb, swap_max_mb, disk_read_bps, disk_write_bps;
	uint64_t command_timeout_ns, session_timeout_ns, idle_timeout_ns;
	uint32_t cpu_percent, pids, net_bandwidth_mbps, has_swap;
};

struct img_env {
	struct img_span allow, deny; /* SEC_PATS */
	uint64_t max_bytes, max_keys;
	uint32_t has_allow, block_iteration;
};

enum img_header_flag {
	POLICY_RESTRICTS_COMMANDS = 1 << 0, /* some command rule is not allow */
};

struct img_header {
	uint32_t magic, version;
	uint32_t total, generation;
	uint64_t build_id;
	uint64_t checksum; /* over everything behind the header's first 32
			    * bytes */
	struct img_table sec[SEC_MAX];
	struct img_str name, description;
	int64_t policy_version;
	uint32_t flags, pad;
	/* rules of each family are consecutive in SEC_RULES */
	struct img_span family[FAMILY_MAX];
	struct img_index files, basenames, commands, domains, cidrs, ports;
	struct img_index unixes, signals;
	struct img_span any_command, any_net; /* SEC_ITEMS: no selector */
	struct img_span cidr_bits;   /* SEC_NUMBERS: prefix lengths in use */
	struct img_span transparent; /* SEC_STRS, lower case */
	struct img_span env_inject;  /* SEC_STRS: name, value, name, ... */
	struct img_span dns_redirects, connect_redirects; /* SEC_DIVERTS */
	struct img_limits limits;
	struct img_env env;
};

struct policy {
	const struct img_header *h; /* the block; mapped or allocated */
	const char *base;           /* same address */
	size_t size;
	bool mapped;
	unsigned int refs;
};

#define RULE_ID_BASE 256U

/* Built-in rules: verdict.rule below RULE_ID_BASE. */
enum builtin_rule {
	BUILTIN_NONE = 0,
	BUILTIN_DEFAULT_READS,
	BUILTIN_DEFAULT_FILES,
	BUILTIN_DEFAULT_NETWORK,
	BUILTIN_DEFAULT_COMMANDS,
	BUILTIN_DEFAULT_EXECVE,
	BUILTIN_DEFAULT_UNIX,
	BUILTIN_DEFAULT_SIGNAL,
	BUILTIN_SERVICE_DEFAULT,
	BUILTIN_SYSTEM_NODE,
	BUILTIN_PSEUDO_FILE,
	BUILTIN_INVALID_OP,
	BUILTIN_DENIED_COPY,
	BUILTIN_WRAPPER_DEPTH,
	BUILTIN_SHELLC_BYPASS,
	BUILTIN_SHELLC_DEPTH,
	BUILTIN_SHELLC_OPAQUE,
	BUILTIN_TOR_COMMAND,
	BUILTIN_TOR_PORT,
	BUILTIN_TOR_NAME,
	BUILTIN_MAX,
};

/* --- reading a checked image ------------------------------------------- */

#define IMG_TABLE(p, section, type) \
	((const type *)(const void *)((p)->base + (p)->h->sec[section].off))

static inline struct str img_str(const struct policy *p, struct img_str s)
{
	return str_from_n(p->base + p->h->sec[SEC_BYTES].off + s.off, s.len);
}

static inline const struct img_rule *img_rules(const struct policy *p,
					       enum img_family family)
{
	return IMG_TABLE(p, SEC_RULES, struct img_rule) +
	       p->h->family[family].first;
}

static inline struct str img_str_at(const struct policy *p,
				    struct img_span span, uint32_t i)
{
	return img_str(p,
		       IMG_TABLE(p, SEC_STRS, struct img_str)[span.first + i]);
}

static inline struct nfa img_prog(const struct policy *p,
				  const struct img_prog *g)
{
	return (struct nfa){
		.insts = IMG_TABLE(p, SEC_INSTS, struct nfa_inst) +
			 g->insts.first,
		.n_insts = g->insts.n,
		.ranges = IMG_TABLE(p, SEC_RANGES, struct nfa_range) +
			  g->ranges.first,
		.n_ranges = g->ranges.n,
	};
}

/* Runs pattern number pat (not IMAGE_NONE) on text. */
bool img_pat_run(const struct policy *p, uint32_t pat, struct str text);

uint32_t img_hash(struct str s);

/* Size of one element of each section. */
extern const uint32_t img_element_size[SEC_MAX];
uint64_t img_build_id(void);
uint64_t img_checksum(const void *block, size_t n);
/*
 * 0, or -EBADMSG if anything in the block leads outside it. Everything that
 * reads an image may rely on it afterwards.
 */
int image_check(const void *block, size_t n);

#endif
