/* SPDX-License-Identifier: MIT */
/*
 * compile.c - policy text to policy image: the frame and what rules share
 */
#include "policy/compile.h"

#include <errno.h>
#include <stdlib.h>

#include "base/regex.h"
#include "core/limits.h"
#include "policy/expand.h"
#include "policy/mounts.h"

/* Memory for the parsed form of LIMIT_POLICY_BYTES of YAML. */
#define PARSE_ARENA_MAX (256U << 20)

void buf_lower(struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		if (b->data[i] >= 'A' && b->data[i] <= 'Z')
			b->data[i] = (char)(b->data[i] + 32);
	}
}

struct img_rule compile_common(struct compiler *c, const struct rule_common *r)
{
	struct str name = r->name;

	if (!r->decision_valid)
		name = STR("invalid-policy-decision");
	return (struct img_rule){
		.name = writer_str(&c->w, name),
		.description = writer_str(&c->w, r->description),
		.message = writer_str(&c->w, r->message),
		.kind = r->decision_valid ? r->decision : VERDICT_DENY,
		.mask = UINT32_MAX,
		.timeout_ns = r->timeout_ns > 0 ? (uint64_t)r->timeout_ns : 0,
		.line = r->pos.line,
	};
}

int compile_report(struct compiler *c, int r, const struct compile_site *at,
		   const char *why)
{
	if (r == -ENOMEM)
		return r;
	c->n_bad++;
	diag_error(c->diag, c->file, at->text->pos.line, at->text->pos.column,
		   "compile %s rule \"" STR_FMT "\" %s \"" STR_FMT "\": %s",
		   at->family, STR_ARG(at->rule), at->what,
		   STR_ARG(at->text->s), why);
	return 0;
}

struct img_span compile_strs(struct compiler *c, const struct rule_list *l)
{
	uint32_t first = writer_count(&c->w, SEC_STRS);

	for (size_t i = 0; i < l->n; i++)
		(void)writer_add_str(&c->w, l->v[i].s);
	return writer_since(&c->w, SEC_STRS, first);
}

int compile_env_pats(struct compiler *c, const struct rule_list *l,
		     struct img_span *ret)
{
	uint32_t first = writer_count(&c->w, SEC_PATS);

	for (size_t i = 0; i < l->n; i++) {
		_cleanup_glob_build_ struct glob_build b = { 0 };
		struct glob g;
		int r;

		r = glob_compile(l->v[i].s, '\0', &b);
		if (r < 0) {
			r = compile_report(c, r,
					   SITE("environment", STR_NONE,
						"pattern", &l->v[i]),
					   r == -E2BIG ? "pattern is too large"
						       : glob_check(l->v[i].s));
			if (r < 0)
				return r;
			continue;
		}
		g = glob_view(&b);
		(void)writer_add_pat(&c->w, &g);
	}
	*ret = writer_since(&c->w, SEC_PATS, first);
	return 0;
}

int compile_expand(struct compiler *c, const char *family, struct str rule,
		   const struct rule_text *text, struct buf *out)
{
	struct str name;
	int r;

	r = expand_vars(text->s, c->vars, c->any_name, out, &name);
	if (r == 0)
		return 1;
	if (r == -ENOMEM)
		return r;
	c->n_bad++;
	diag_error(c->diag, c->file, text->pos.line, text->pos.column,
		   r == -ENOENT ? "%s rule \"" STR_FMT
				  "\": undefined variable: " STR_FMT
		   : r == -E2BIG ? "%s rule \"" STR_FMT
				   "\": too long or too deep: \"" STR_FMT "\""
				 : "%s rule \"" STR_FMT
				   "\": bad variable syntax at \"" STR_FMT
				   "\"; write ${NAME} or ${NAME:-fallback}",
		   family, STR_ARG(rule), STR_ARG(name));
	return 0;
}

int compile_regex(struct compiler *c, const char *family, struct str rule,
		  const char *what, const struct rule_text *text,
		  struct img_prog *ret)
{
	_cleanup_nfa_build_ struct nfa_build b = NFA_BUILD_INIT;
	const char *why;
	struct nfa prog;
	size_t at;
	int r;

	*ret = (struct img_prog){ 0 };
	r = regex_compile(text->s, &b, &why, &at);
	if (r < 0)
		return compile_report(c, r, SITE(family, rule, what, text),
				      why);
	prog = nfa_view(&b);
	*ret = writer_prog(&c->w, &prog);
	return 0;
}

static int compile_families(struct compiler *c)
{
	static int (*const steps[])(struct compiler *) = {
		compile_files,   compile_commands, compile_networks,
		compile_unixes,  compile_signals,  compile_services,
		compile_diverts, compile_settings,
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(steps) && r == 0; i++)
		r = steps[i](c);
	return r;
}

static int write_indexes(struct compiler *c)
{
	struct img_header *h = &c->w.h;
	int r;

	r = index_write(&c->files, &c->w, &h->files);
	if (r == 0)
		r = index_write(&c->basenames, &c->w, &h->basenames);
	if (r == 0)
		r = index_write(&c->commands, &c->w, &h->commands);
	if (r == 0)
		r = index_write(&c->domains, &c->w, &h->domains);
	if (r == 0)
		r = index_write(&c->cidrs, &c->w, &h->cidrs);
	if (r == 0)
		r = index_write(&c->ports, &c->w, &h->ports);
	if (r == 0)
		r = index_write(&c->unixes, &c->w, &h->unixes);
	if (r == 0)
		r = index_write(&c->signals, &c->w, &h->signals);
	return r;
}

static void compiler_done(struct compiler *c)
{
	struct index_build *all[] = { &c->files,   &c->basenames, &c->commands,
				      &c->domains, &c->cidrs,     &c->ports,
				      &c->unixes,  &c->signals };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		index_build_done(all[i]);
	writer_done(&c->w);
}

static int new_policy(struct compiler *c, struct policy **ret)
{
	struct policy *p;
	void *block;
	size_t size;
	int r;

	r = writer_finish(&c->w, &block, &size);
	if (r < 0)
		return r;
	/* our own work is not trusted more than anybody's */
	r = image_check(block, size);
	p = r == 0 ? calloc(1, sizeof(*p)) : NULL;
	if (!p) {
		free(block);
		return r < 0 ? r : -ENOMEM;
	}
	*p = (struct policy){
		.h = block, .base = block, .size = size, .refs = 1
	};
	*ret = p;
	return 0;
}

int policy_compile_rules(const char *file, const struct policy_rules *rules,
			 const struct compile_options *options,
			 struct policy **ret, struct diag *diag)
{
	__attribute__((cleanup(compiler_done))) struct compiler c = {
		.file = file,
		.in = rules,
		.vars = options->vars,
		.any_name = options->any_name,
		.diag = diag,
		.files = { .sep = '/' },
		.commands = { .sep = '/' },
		.domains = { .sep = '.' },
		.unixes = { .sep = '/' },
	};
	int r;

	c.w.h.generation = options->generation;
	r = compile_families(&c);
	if (r == 0 && c.n_bad > 0)
		r = -EINVAL;
	if (r == 0)
		r = write_indexes(&c);
	if (r == 0)
		r = new_policy(&c, ret);
	if (r == -E2BIG) {
		diag_error(diag, file, 0, 0,
			   "policy is too large when compiled");
		r = -EINVAL;
	}
	return r;
}

static int parse_and_compile(const struct policy_source *src, bool any_name,
			     struct policy **ret, struct diag *diag)
{
	_cleanup_arena_ struct arena arena = ARENA_INIT(PARSE_ARENA_MAX);
	struct compile_options options = { .vars = src->vars,
					   .generation = src->generation,
					   .any_name = any_name };
	struct policy_rules rules = { 0 };
	int r;

	r = policy_parse(src->file, src->yaml, &arena, &rules, diag);
	if (r == 0)
		r = mounts_add(src, &arena, &rules, diag);
	if (r < 0)
		return r;
	return policy_compile_rules(src->file, &rules, &options, ret, diag);
}

int policy_compile_source(const struct policy_source *src, struct policy **ret,
			  struct diag *diag)
{
	return parse_and_compile(src, false, ret, diag);
}

int policy_compile(const char *file, struct str yaml,
		   const struct policy_vars *vars, uint32_t generation,
		   struct policy **ret, struct diag *diag)
{
	const struct policy_source src = { .file = file,
					   .yaml = yaml,
					   .vars = vars,
					   .generation = generation };

	return parse_and_compile(&src, false, ret, diag);
}

int policy_validate(const char *file, struct str yaml, struct diag *diag)
{
	const struct policy_source src = { .file = file, .yaml = yaml };
	struct policy *p = NULL;
	int r;

	r = parse_and_compile(&src, true, &p, diag);
	(void)policy_unref(p);
	return r;
}
