/* SPDX-License-Identifier: MIT */
/*
 * compile_rules.c - file, command, unix socket and signal rules to tables
 */
#include <errno.h>
#include <signal.h>

#include "core/op.h"
#include "policy/compile.h"

static const char *pattern_error(int r, struct str pattern)
{
	const char *why = glob_check(pattern);

	if (why)
		return why;
	return r == -E2BIG ? "pattern is too large" : "bad pattern";
}

/* --- files ------------------------------------------------------------------ */

/*
 * `write` covers the finer verbs. A rule that holds something back from reading
 * also covers `open`, since only the FUSE layer ever produces `read`: such a
 * rule would otherwise not bind the other catchers.
 */
static uint32_t widen_verbs(uint32_t mask, enum verdict_kind kind)
{
	uint32_t wide = mask;

	for (unsigned int v = 0; v < FILE_VERB_MAX; v++) {
		enum file_verb alias = file_verb_alias((enum file_verb)v);

		if (mask & 1U << alias)
			wide |= 1U << v;
	}
	if ((mask & 1U << FILE_READ) &&
	    (kind == VERDICT_DENY || kind == VERDICT_APPROVE))
		wide |= 1U << FILE_OPEN;
	return wide;
}

/* An operation that nobody knows never happens; parse.c has said so. */
static uint32_t file_mask(const struct file_rule *f, enum verdict_kind kind)
{
	uint32_t mask = 0;

	if (f->operations.n == 0)
		return (1U << FILE_VERB_MAX) - 1;
	for (size_t i = 0; i < f->operations.n; i++) {
		const struct rule_text *t = &f->operations.v[i];
		enum file_verb verb;

		if (str_eq_c(t->s, "*"))
			return (1U << FILE_VERB_MAX) - 1;
		if (file_verb_from_string(t->s, &verb) == 0)
			mask |= 1U << verb;
	}
	return widen_verbs(mask, kind);
}

struct file_pattern {
	struct compiler *c;
	struct str rule;
	const struct rule_text *text;
	uint32_t number, mask;
};

static int add_file_pattern(void *arg, struct str pattern)
{
	const struct file_pattern *f = arg;
	int r;

	(void)writer_add_str(&f->c->w, pattern);
	r = index_add(&f->c->files, &f->c->w, pattern, f->number, f->mask);
	return r < 0 ? compile_report(f->c, r,
				      SITE("file", f->rule, "glob", f->text),
				      pattern_error(r, pattern))
		     : 0;
}

/* The part of the pattern that lies in the mount which the rule is of. */
static int add_below(struct file_pattern *f, struct str pattern, struct str dir)
{
	int r = glob_below(pattern, dir, add_file_pattern, f);

	if (r != -EINVAL && r != -E2BIG)
		return r;
	return compile_report(f->c, r, SITE("file", f->rule, "glob", f->text),
			      r == -E2BIG ? "too many alternatives in braces "
					    "for a mount; write several paths"
					  : pattern_error(r, pattern));
}

static int file_paths(struct compiler *c, const struct file_rule *f,
		      uint32_t number, uint32_t mask, struct img_span *ret)
{
	uint32_t first = writer_count(&c->w, SEC_STRS);
	int r;

	for (size_t i = 0; i < f->paths.n; i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		struct file_pattern at = { c, f->c.name, &f->paths.v[i], number,
					   mask };

		r = compile_expand(c, "file", f->c.name, at.text, &b);
		if (r == 0)
			continue;
		if (r > 0)
			r = f->below.n ? add_below(&at, buf_str(&b), f->below)
				       : add_file_pattern(&at, buf_str(&b));
		if (r < 0)
			return r;
	}
	*ret = writer_since(&c->w, SEC_STRS, first);
	return 0;
}

/* A path, not a pattern: what expanding escaped is plain again. */
static int file_redirect(struct compiler *c, const struct file_rule *f,
			 struct img_str *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT, plain = BUF_INIT;
	struct rule_text t = { .s = f->redirect_to, .pos = f->c.pos };
	int r;

	if (str_find(f->redirect_to, STR("${")) < 0) {
		*ret = writer_str(&c->w, f->redirect_to);
		return 0;
	}
	r = compile_expand(c, "file", f->c.name, &t, &b);
	if (r < 0)
		return r;
	for (size_t i = 0; i < b.len; i++) {
		if (b.data[i] == '\\' && i + 1 < b.len)
			i++;
		buf_putc(&plain, b.data[i]);
	}
	*ret = writer_str(&c->w, buf_str(&plain));
	return plain.error;
}

static int compile_file(struct compiler *c, uint32_t number)
{
	const struct file_rule *f = &c->in->files[number];
	struct img_rule rule = compile_common(c, &f->c);
	int r;

	rule.mask = file_mask(f, (enum verdict_kind)rule.kind);
	r = file_redirect(c, f, &rule.redirect_to);
	if (r < 0)
		return r;
	if (f->redirect_to.n)
		rule.flags |= RULE_REDIRECTS;
	if (f->preserve_tree)
		rule.flags |= RULE_PRESERVE_TREE;
	r = file_paths(c, f, number, rule.mask, &rule.sources);
	if (r == 0)
		(void)writer_add(&c->w, SEC_RULES, &rule);
	return r;
}

int compile_files(struct compiler *c)
{
	uint32_t first = writer_count(&c->w, SEC_RULES);
	const char *own = c->file;
	int r = 0;

	for (size_t i = 0; i < c->in->n_files && r == 0; i++) {
		c->file = c->in->files[i].file ? c->in->files[i].file : own;
		r = compile_file(c, (uint32_t)i);
	}
	c->file = own;
	c->w.h.family[FAMILY_FILE] = writer_since(&c->w, SEC_RULES, first);
	return r;
}

/* --- commands --------------------------------------------------------------- */

/* Matching is case-insensitive: keys and patterns are kept in lower case. */
static int command_names(struct compiler *c, const struct command_rule *m,
			 uint32_t number, struct img_span *ret)
{
	uint32_t first = writer_count(&c->w, SEC_STRS);
	int r;

	for (size_t i = 0; i < m->commands.n; i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		const struct rule_text *t = &m->commands.v[i];
		struct index_build *ix = &c->basenames;

		r = compile_expand(c, "command", m->c.name, t, &b);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		(void)writer_add_str(&c->w, buf_str(&b));
		buf_lower(&b);
		if (str_index(buf_str(&b), '/') >= 0)
			ix = &c->commands;
		if (glob_is_pattern(buf_str(&b)))
			r = index_add(ix, &c->w, buf_str(&b), number, 1);
		else
			r = index_add_exact(ix, buf_str(&b), number, 1);
		if (r < 0)
			r = compile_report(
				c, r, SITE("command", m->c.name, "glob", t),
				pattern_error(r, buf_str(&b)));
		if (r < 0)
			return r;
	}
	*ret = writer_since(&c->w, SEC_STRS, first);
	return 0;
}

static int command_args(struct compiler *c, const struct command_rule *m,
			struct img_span *ret)
{
	uint32_t first = writer_count(&c->w, SEC_PROGS);
	int r;

	for (size_t i = 0; i < m->args_patterns.n; i++) {
		struct img_prog prog;

		r = compile_regex(c, "command", m->c.name, "arg pattern",
				  &m->args_patterns.v[i], &prog);
		if (r < 0)
			return r;
		(void)writer_add(&c->w, SEC_PROGS, &prog);
	}
	*ret = writer_since(&c->w, SEC_PROGS, first);
	return 0;
}

static void command_redirect(struct compiler *c, const struct command_rule *m,
			     struct img_command *ret)
{
	const struct rule_list *append = &m->redirect_args_append;
	uint32_t first;

	ret->redirect_args = compile_strs(c, &m->redirect_args);
	ret->redirect_args.n += compile_strs(c, append).n;
	first = writer_count(&c->w, SEC_STRS);
	for (size_t i = 0; i < m->redirect_environment.n; i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		buf_put_str(&b, m->redirect_environment.v[i].name.s);
		buf_putc(&b, '=');
		buf_put_str(&b, m->redirect_environment.v[i].value.s);
		(void)writer_add_str(&c->w, buf_str(&b));
		if (b.error && !c->w.error)
			c->w.error = b.error;
	}
	ret->redirect_env = writer_since(&c->w, SEC_STRS, first);
}

static uint32_t command_flags(const struct command_rule *m)
{
	uint32_t flags = 0;

	if (m->has_redirect)
		flags |= RULE_REDIRECTS;
	if (m->env_allow.present && m->env_allow.n)
		flags |= RULE_HAS_ENV_ALLOW;
	if (m->env_deny.present && m->env_deny.n)
		flags |= RULE_HAS_ENV_DENY;
	if (m->env_block_iteration)
		flags |= RULE_BLOCK_ITERATION;
	if (m->has_env_block_iteration)
		flags |= RULE_HAS_BLOCK_ITERATION;
	if (m->commands.n == 0)
		flags |= RULE_ANY_COMMAND;
	return flags;
}

static bool is_catch_all(const struct command_rule *m, enum verdict_kind kind)
{
	if ((kind != VERDICT_DENY && kind != VERDICT_APPROVE) ||
	    m->args_patterns.n > 0)
		return false;
	for (size_t i = 0; i < m->commands.n; i++) {
		if (str_eq_c(m->commands.v[i].s, "*") ||
		    str_eq_c(m->commands.v[i].s, "**"))
			return true;
	}
	return m->commands.n == 0;
}

static int compile_command(struct compiler *c, const struct command_rule *m,
			   uint32_t number)
{
	struct img_rule rule = compile_common(c, &m->c);
	struct img_command cmd = { .min_depth = m->min_depth,
				   .max_depth = m->max_depth,
				   .env_max_bytes = m->env_max_bytes,
				   .env_max_keys = m->env_max_keys };
	int r;

	rule.flags = command_flags(m);
	if (is_catch_all(m, (enum verdict_kind)rule.kind))
		rule.flags |= RULE_CATCH_ALL;
	rule.redirect_to = writer_str(&c->w, m->redirect_command);
	cmd.args_sources = compile_strs(c, &m->args_patterns);
	command_redirect(c, m, &cmd);
	r = command_args(c, m, &cmd.args);
	if (r == 0)
		r = compile_env_pats(c, &m->env_allow, &cmd.env_allow);
	if (r == 0)
		r = compile_env_pats(c, &m->env_deny, &cmd.env_deny);
	if (r == 0)
		r = command_names(c, m, number, &rule.sources);
	if (rule.kind != VERDICT_ALLOW)
		c->w.h.flags |= POLICY_RESTRICTS_COMMANDS;
	rule.extra = writer_add(&c->w, SEC_COMMANDS, &cmd);
	(void)writer_add(&c->w, SEC_RULES, &rule);
	return r;
}

/* Items for the rules of a family that flag(rule) holds for. */
int compile_commands(struct compiler *c)
{
	uint32_t first = writer_count(&c->w, SEC_RULES);
	uint32_t items = writer_count(&c->w, SEC_ITEMS);
	int r;

	for (size_t i = 0; i < c->in->n_commands; i++) {
		struct img_item item = { (uint32_t)i, IMAGE_NONE, 1 };

		if (c->in->commands[i].commands.n == 0)
			(void)writer_add(&c->w, SEC_ITEMS, &item);
	}
	c->w.h.any_command = writer_since(&c->w, SEC_ITEMS, items);
	for (size_t i = 0; i < c->in->n_commands; i++) {
		r = compile_command(c, &c->in->commands[i], (uint32_t)i);
		if (r < 0)
			return r;
	}
	c->w.h.family[FAMILY_COMMAND] = writer_since(&c->w, SEC_RULES, first);
	return 0;
}

/* --- unix sockets and signals ------------------------------------------------ */

static int unix_paths(struct compiler *c, const struct unix_rule *u,
		      uint32_t number, struct img_span *ret)
{
	uint32_t first = writer_count(&c->w, SEC_STRS);
	int r;

	for (size_t i = 0; i < u->paths.n; i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		const struct rule_text *t = &u->paths.v[i];

		r = compile_expand(c, "unix socket", u->c.name, t, &b);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		(void)writer_add_str(&c->w, buf_str(&b));
		r = index_add(&c->unixes, &c->w, buf_str(&b), number,
			      u->operations);
		if (r < 0)
			r = compile_report(
				c, r, SITE("unix socket", u->c.name, "glob", t),
				pattern_error(r, buf_str(&b)));
		if (r < 0)
			return r;
	}
	*ret = writer_since(&c->w, SEC_STRS, first);
	return 0;
}

int compile_unixes(struct compiler *c)
{
	uint32_t first = writer_count(&c->w, SEC_RULES);
	int r;

	for (size_t i = 0; i < c->in->n_unixes; i++) {
		const struct unix_rule *u = &c->in->unixes[i];
		struct img_rule rule = compile_common(c, &u->c);

		rule.mask = u->operations;
		r = unix_paths(c, u, (uint32_t)i, &rule.sources);
		if (r < 0)
			return r;
		(void)writer_add(&c->w, SEC_RULES, &rule);
	}
	c->w.h.family[FAMILY_UNIX] = writer_since(&c->w, SEC_RULES, first);
	return 0;
}

static int signal_pattern(struct compiler *c, const struct signal_rule *s,
			  uint32_t *ret)
{
	_cleanup_glob_build_ struct glob_build b = { 0 };
	struct glob g;
	int r;

	*ret = IMAGE_NONE;
	if (s->target != SIGTARGET_PROCESS)
		return 0;
	r = glob_compile(s->pattern.s, '\0', &b);
	if (r < 0)
		return compile_report(
			c, r, SITE("signal", s->c.name, "pattern", &s->pattern),
			pattern_error(r, s->pattern.s));
	g = glob_view(&b);
	*ret = writer_add_pat(&c->w, &g);
	return 0;
}

static int index_signals(struct compiler *c, const struct signal_rule *s,
			 uint32_t number)
{
	int r = 0;

	for (unsigned int i = 0; i < 64 && r == 0; i++) {
		char key = (char)(i + 1);

		if (s->signals & 1ULL << i)
			r = index_add_exact(&c->signals, str_from_n(&key, 1),
					    number, 1);
	}
	return r;
}

int compile_signals(struct compiler *c)
{
	uint32_t first = writer_count(&c->w, SEC_RULES);
	int r;

	for (size_t i = 0; i < c->in->n_signals; i++) {
		const struct signal_rule *s = &c->in->signals[i];
		struct img_rule rule = compile_common(c, &s->c);
		struct img_signal sig = {
			.signals = s->signals,
			.target = s->target,
			.min_pid = s->min_pid,
			.max_pid = s->max_pid,
			.redirect_signal = (uint32_t)s->redirect_signal,
		};

		if (s->absorb)
			rule.flags |= RULE_ABSORB;
		r = signal_pattern(c, s, &sig.pattern);
		if (r == 0)
			r = index_signals(c, s, (uint32_t)i);
		if (r < 0)
			return r;
		rule.extra = writer_add(&c->w, SEC_SIGNALS, &sig);
		(void)writer_add(&c->w, SEC_RULES, &rule);
	}
	c->w.h.family[FAMILY_SIGNAL] = writer_since(&c->w, SEC_RULES, first);
	return 0;
}
