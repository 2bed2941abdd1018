/* SPDX-License-Identifier: MIT */
/*
 * compile.h - from parsed rules to a policy image (private to policy/)
 */
#ifndef POLICY_COMPILE_H
#define POLICY_COMPILE_H

#include "policy/index.h"
#include "policy/policy.h"
#include "policy/rules.h"
#include "policy/writer.h"

struct compiler {
	const char *file;
	const struct policy_rules *in;
	const struct policy_vars *vars;
	bool any_name; /* validation: undefined variables are fine */
	struct diag *diag;
	size_t n_bad; /* errors reported */
	struct writer w;
	struct index_build files, basenames, commands, domains, cidrs, ports;
	struct index_build unixes, signals;
};

struct compile_options {
	const struct policy_vars *vars;
	uint32_t generation;
	bool any_name;
};

/*
 * Compiles already parsed rules: what policy_compile() does after parsing;
 * tests use it to fill in rules by hand.
 */
int policy_compile_rules(const char *file, const struct policy_rules *rules,
			 const struct compile_options *options,
			 struct policy **ret, struct diag *diag);

/* Steps; each 0 or -ENOMEM, errors about the text are counted in n_bad. */
int compile_files(struct compiler *c);
int compile_commands(struct compiler *c);
int compile_networks(struct compiler *c);
int compile_unixes(struct compiler *c);
int compile_signals(struct compiler *c);
int compile_services(struct compiler *c);
int compile_diverts(struct compiler *c);
int compile_settings(struct compiler *c);

/* --- shared by the steps --------------------------------------------------- */

/* Fills what all rules have. */
struct img_rule compile_common(struct compiler *c, const struct rule_common *r);
/* Where an error is: `compile FAMILY rule "RULE" WHAT "TEXT": why`. */
struct compile_site {
	const char *family;
	struct str rule;
	const char *what;
	const struct rule_text *text;
};
#define SITE(family, rule, what, text) \
	(&(const struct compile_site){ (family), (rule), (what), (text) })
/* Reports; r is what index_add or regex_compile returned. 0, or -ENOMEM passed
 * on. */
int compile_report(struct compiler *c, int r, const struct compile_site *at,
		   const char *why);
struct img_span compile_strs(struct compiler *c, const struct rule_list *l);
/* Globs without separator, for environment names. */
int compile_env_pats(struct compiler *c, const struct rule_list *l,
		     struct img_span *ret);
/* ${...}; 1 and out filled, 0 if reported, -ENOMEM. */
int compile_expand(struct compiler *c, const char *family, struct str rule,
		   const struct rule_text *text, struct buf *out);
int compile_regex(struct compiler *c, const char *family, struct str rule,
		  const char *what, const struct rule_text *text,
		  struct img_prog *ret);
void buf_lower(struct buf *b);

#endif
