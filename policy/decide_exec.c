/* SPDX-License-Identifier: MIT */
/*
 * decide_exec.c - may this program run, under all the names it has?
 *
 * Judged are the file that will run, every name that led to it, the command
 * inside each transparent wrapper (env, nice, xargs, ...) and, before anything
 * runs, the command inside `sh -c`. The strictest answer wins. The one
 * exception lets a name speak for its target: /usr/bin/awk is a link to a file
 * that no rule mentions; if a rule allows the name, and the policy does not let
 * anybody make such a name, that stands in for the file's missing rule.
 */
#include <string.h>

#include "core/limits.h"
#include "policy/decide.h"
#include "policy/shellc.h"
#include "policy/wrapper.h"

#define MAX_WRAPPERS 5U
#define MAX_SHELLS   4U
#define NAME_LIMIT   256U

/* Buffers that are written before they are read: clearing them on every call
 * would cost more than the rest of a decision. */
#define _unset_ __attribute__((uninitialized))

/* --- one command against the rules --------------------------------------------- */

struct command_ctx {
	const struct policy *p;
	const struct command_view *c;
};

static bool run_arg_pattern(const struct command_ctx *x,
			    const struct img_prog *g, bool with_argv0)
{
	struct nfa prog = img_prog(x->p, g);

	if (!with_argv0)
		return nfa_run(&prog, 0, x->c->args, x->c->n_args);
	/* argv[0] stands right before the arguments in every caller */
	return nfa_run(&prog, 0, x->c->args - 1, x->c->n_args + 1);
}

/*
 * The arguments joined by spaces are searched; for a rule that holds back also
 * with argv[0] in front, so that either way of anchoring a pattern works and
 * the doubt goes against running.
 */
static bool args_fit(const struct command_ctx *x, const struct img_rule *r,
		     const struct img_command *cmd)
{
	const struct img_prog *progs =
		IMG_TABLE(x->p, SEC_PROGS, struct img_prog) + cmd->args.first;
	bool strict = r->kind == VERDICT_DENY || r->kind == VERDICT_APPROVE;

	if (cmd->args.n == 0 || (strict && x->c->truncated))
		return true;
	for (uint32_t i = 0; i < cmd->args.n; i++) {
		if (run_arg_pattern(x, &progs[i], /* with_argv0 */ false))
			return true;
		if (strict && x->c->argv0.p &&
		    run_arg_pattern(x, &progs[i], /* with_argv0 */ true))
			return true;
	}
	return false;
}

static bool accept_command(void *arg, uint32_t rule)
{
	const struct command_ctx *x = arg;
	const struct img_rule *r = img_rules(x->p, FAMILY_COMMAND) + rule;
	const struct img_command *cmd =
		IMG_TABLE(x->p, SEC_COMMANDS, struct img_command) + r->extra;

	if (x->c->depth < cmd->min_depth || x->c->depth > cmd->max_depth)
		return false;
	return args_fit(x, r, cmd);
}

static struct str lower(struct str s, char *out)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		out[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	return str_from_n(out, s.n);
}

static struct str without_real(struct str base)
{
	if (base.n > 5 && str_ends(base, STR(".real")))
		base.n -= 5;
	return base;
}

struct str command_basename(struct str path, char *out, size_t n)
{
	struct str base = str_basename(path);

	if (base.n > n)
		return STR_NONE;
	return without_real(lower(base, out));
}

/*
 * Where /bin is a link to /usr/bin, /bin/sh and /usr/bin/sh are one file and a
 * rule may know it by either name: both are tried. s has 4 bytes of room in
 * front, for "/usr".
 */
static void find_path(struct lookup *l, char *room, struct str s)
{
	static const char *const tops[] = { "/bin/", "/sbin/" };
	static const char usr[4] = { '/', 'u', 's', 'r' };

	index_find(l, &l->p->h->commands, s);
	for (size_t i = 0; i < ARRAY_LEN(tops); i++) {
		if (str_starts(s, str_from(tops[i]))) {
			memcpy(room, usr, sizeof(usr));
			index_find(l, &l->p->h->commands,
				   str_from_n(room, s.n + 4));
		}
		if (str_starts(s, STR("/usr")) &&
		    str_starts(str_skip(s, 4), str_from(tops[i])))
			index_find(l, &l->p->h->commands, str_skip(s, 4));
	}
}

bool command_rule_verdict(const struct policy *p, const struct command_view *c,
			  struct verdict *ret)
{
	struct command_ctx x = { p, c };
	struct lookup l = { .p = p,
			    .mask = 1,
			    .best = IMAGE_NONE,
			    .accept = accept_command,
			    .arg = &x };
	_unset_ char folded[4 + LIMIT_PATH];
	struct str path, base, plain;

	if (c->path.n == 0 || c->path.n > LIMIT_PATH) {
		*ret = builtin_verdict(p, VERDICT_DENY, BUILTIN_INVALID_OP);
		return true;
	}
	path = lower(c->path, folded + 4);
	base = str_basename(path);
	plain = without_real(base);
	index_find(&l, &p->h->basenames, base);
	if (plain.n != base.n)
		index_find(&l, &p->h->basenames, plain);
	if (str_index(path, '/') >= 0)
		find_path(&l, folded, path);
	index_find_always(&l, p->h->any_command);
	if (l.best == IMAGE_NONE)
		return false;
	*ret = rule_verdict(p, FAMILY_COMMAND, l.best);
	return true;
}

/* --- all names of one execution ------------------------------------------------- */

struct exec_ctx {
	const struct policy *p;
	const struct op_exec *op;
	struct verdict fallback; /* when no rule matches */
	struct verdict v;        /* strictest so far */
	bool has_v;
};

static void add_verdict(struct exec_ctx *e, struct verdict v)
{
	e->v = e->has_v ? verdict_stricter(e->v, v) : v;
	e->has_v = true;
}

static bool is_tor(struct str base)
{
	static const char *const names[] = {
		"tor",      "obfs4proxy",  "snowflake-client",
		"lyrebird", "meek-client", "torsocks"
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq_c(base, names[i]))
			return true;
	}
	return false;
}

/* argv: with argv[0], or argc 0. */
static struct command_view view_of(const struct exec_ctx *e, struct str name,
				   const struct str *argv, size_t argc)
{
	return (struct command_view){
		.path = name,
		.args = argc ? argv + 1 : NULL,
		.n_args = argc ? argc - 1 : 0,
		.argv0 = argc ? argv[0] : STR_NONE,
		.depth = e->op->depth,
		.truncated = e->op->truncated,
	};
}

/*
 * True if nobody under this policy can make or replace the name, so that what
 * it leads to is what whoever set up the machine meant.
 */
static bool is_fixed_name(const struct policy *p, struct str name)
{
	static const enum file_verb verbs[] = { FILE_WRITE, FILE_CREATE,
						FILE_RENAME, FILE_LINK,
						FILE_SYMLINK };

	if (name.n == 0 || name.p[0] != '/')
		return false;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		struct op_file op = { .verb = verbs[i], .path = name };

		if (decide_file(p, &op).kind != VERDICT_DENY)
			return false;
	}
	return true;
}

/*
 * What rules say about one name. True if a rule speaks of this command; false
 * if a default decides, be it built in or a rule that holds back everything.
 */
static bool judge_name(const struct exec_ctx *e, struct str name,
		       struct verdict *ret)
{
	struct command_view c = view_of(e, name, e->op->argv, e->op->argc);
	const struct img_rule *rule;

	*ret = e->fallback;
	if (!command_rule_verdict(e->p, &c, ret))
		return false;
	rule = verdict_rule(e->p, *ret);
	return !rule || !(rule->flags & RULE_CATCH_ALL);
}

/*
 * The path and the names; see the head of this file. Defaults count for the
 * path and for absolute names, not for what a caller may freely choose, such as
 * argv[0] ("-bash") or the way to a file ("./build/test").
 */
static void judge_names(struct exec_ctx *e)
{
	const struct op_exec *op = e->op;
	struct verdict path_v = e->fallback, v;
	bool path_ruled, vouched = false;

	path_ruled = op->path.n > 0 && judge_name(e, op->path, &path_v);
	if (path_ruled)
		add_verdict(e, path_v);
	for (size_t i = 0; i < op->n_names; i++) {
		struct str name = op->names[i];

		if (name.n == 0)
			continue;
		if (judge_name(e, name, &v)) {
			add_verdict(e, v);
			vouched |= !path_ruled && v.kind != VERDICT_DENY &&
				   is_fixed_name(e->p, name);
		} else if (name.p[0] == '/') {
			add_verdict(e, v);
		}
	}
	if (!path_ruled && !vouched)
		add_verdict(e, path_v);
}

static void judge_tor_name(struct exec_ctx *e, struct str name)
{
	_unset_ char text[NAME_LIMIT];

	if (is_tor(command_basename(name, text, sizeof(text))))
		add_verdict(e, builtin_verdict(e->p, VERDICT_DENY,
					       BUILTIN_TOR_COMMAND));
}

static void judge_tor(struct exec_ctx *e)
{
	judge_tor_name(e, e->op->path);
	for (size_t i = 0; i < e->op->n_names; i++)
		judge_tor_name(e, e->op->names[i]);
}

/* --- sh -c ------------------------------------------------------------------------ */

/* What an inspected script means; true if its command is to be judged. */
static bool judge_script(struct exec_ctx *e, enum shellc_kind kind,
			 struct shellc *s)
{
	bool moot = e->op->exec_enforced ||
		    !(e->p->h->flags & POLICY_RESTRICTS_COMMANDS);
	enum builtin_rule rule = BUILTIN_NONE;

	switch (kind) {
	case SHELLC_NONE:
		return false;
	case SHELLC_DERIVED:
		return true;
	case SHELLC_BYPASS:
		/* a look ahead; the run-time check is the one that counts */
		if (e->op->exec_enforced)
			return is_wrapper(e->p, str_basename(s->words[0])) ||
			       shellc_skip_wrapper(s);
		rule = BUILTIN_SHELLC_BYPASS;
		break;
	case SHELLC_UNCLEAR:
		/* what it really runs is judged when it is executed */
		if (!e->op->exec_enforced)
			rule = BUILTIN_SHELLC_BYPASS;
		break;
	case SHELLC_OPAQUE:
		if (!moot)
			rule = BUILTIN_SHELLC_OPAQUE;
		break;
	}
	if (rule != BUILTIN_NONE)
		add_verdict(e, builtin_verdict(e->p, VERDICT_DENY, rule));
	return false;
}

/* --- what is inside a command -------------------------------------------------------- */

/* The command that is looked into, and how deep we are. */
struct inside {
	struct str name;
	const struct str *argv; /* with argv[0] */
	size_t argc;
	unsigned int wrappers, shells;
	/* a script's words lie in one while its successor fills the other */
	struct shellc buffers[2];
};

/* Steps into `sh -c`. False when there is nothing more to judge. */
static bool enter_shell(struct exec_ctx *e, struct inside *in)
{
	struct shellc *s = &in->buffers[in->shells % 2];
	struct command_view c;
	struct verdict v;

	if (!judge_script(e, shellc_inspect(in->argv, in->argc, s), s))
		return false;
	if (in->shells++ == MAX_SHELLS) {
		add_verdict(e, builtin_verdict(e->p, VERDICT_DENY,
					       BUILTIN_SHELLC_DEPTH));
		return false;
	}
	in->argv = s->words;
	in->argc = s->n_words;
	in->name = s->words[0];
	c = view_of(e, in->name, in->argv, in->argc);
	/* a command no rule knows is judged when it is executed */
	if (command_rule_verdict(e->p, &c, &v))
		add_verdict(e, v);
	return true;
}

/* Steps into a transparent command. */
static bool enter_wrapper(struct exec_ctx *e, struct inside *in,
			  struct str base)
{
	struct command_view c;
	struct verdict v;
	size_t at;

	if (in->wrappers++ == MAX_WRAPPERS) {
		add_verdict(e, builtin_verdict(e->p, VERDICT_DENY,
					       BUILTIN_WRAPPER_DEPTH));
		return false;
	}
	at = wrapper_payload(base, in->argv, in->argc, &in->name);
	if (at == 0)
		return false;
	in->argv += at;
	in->argc -= at;
	c = view_of(e, in->name, in->argv, in->argc);
	if (!command_rule_verdict(e->p, &c, &v))
		v = e->fallback;
	add_verdict(e, v);
	return true;
}

static void judge_inside(struct exec_ctx *e, struct str name)
{
	_unset_ struct inside in;
	bool deeper = e->op->argc > 0;

	in.name = name;
	in.argv = e->op->argv;
	in.argc = e->op->argc;
	in.wrappers = in.shells = 0;
	while (deeper) {
		_unset_ char text[NAME_LIMIT];
		struct str base = command_basename(in.name, text, sizeof(text));

		if (e->op->precheck && is_shell(base))
			deeper = enter_shell(e, &in);
		else
			deeper = is_wrapper(e->p, base) &&
				 enter_wrapper(e, &in, base);
		if (deeper)
			judge_tor_name(e, in.name);
	}
}

static void judge_all_inside(struct exec_ctx *e)
{
	judge_inside(e, e->op->path);
	for (size_t i = 0; i < e->op->n_names; i++)
		judge_inside(e, e->op->names[i]);
}

struct verdict decide_exec(const struct policy *p, const struct op_exec *op)
{
	struct exec_ctx e = {
		.p = p,
		.op = op,
		.fallback = builtin_verdict(p, VERDICT_DENY,
					    op->precheck
						    ? BUILTIN_DEFAULT_COMMANDS
						    : BUILTIN_DEFAULT_EXECVE),
	};

	if (op->path.n == 0 && op->n_names == 0)
		return builtin_verdict(p, VERDICT_DENY, BUILTIN_INVALID_OP);
	if (op->denied_content)
		return builtin_verdict(p, VERDICT_DENY, BUILTIN_DENIED_COPY);
	judge_names(&e);
	judge_tor(&e);
	judge_all_inside(&e);
	return e.v;
}
