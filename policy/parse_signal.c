/* SPDX-License-Identifier: MIT */
/*
 * parse_signal.c - signal rules: names, numbers, groups, targets
 */
#include <errno.h>
#include <signal.h>

#include "base/num.h"
#include "policy/parse.h"

static const struct {
	const char *name;
	int signo;
} signals[] = {
	{ "HUP", SIGHUP },       { "INT", SIGINT },       { "QUIT", SIGQUIT },
	{ "ILL", SIGILL },       { "TRAP", SIGTRAP },     { "ABRT", SIGABRT },
	{ "IOT", SIGABRT },      { "BUS", SIGBUS },       { "FPE", SIGFPE },
	{ "KILL", SIGKILL },     { "USR1", SIGUSR1 },     { "SEGV", SIGSEGV },
	{ "USR2", SIGUSR2 },     { "PIPE", SIGPIPE },     { "ALRM", SIGALRM },
	{ "TERM", SIGTERM },     { "STKFLT", SIGSTKFLT }, { "CHLD", SIGCHLD },
	{ "CLD", SIGCHLD },      { "CONT", SIGCONT },     { "STOP", SIGSTOP },
	{ "TSTP", SIGTSTP },     { "TTIN", SIGTTIN },     { "TTOU", SIGTTOU },
	{ "URG", SIGURG },       { "XCPU", SIGXCPU },     { "XFSZ", SIGXFSZ },
	{ "VTALRM", SIGVTALRM }, { "PROF", SIGPROF },     { "WINCH", SIGWINCH },
	{ "IO", SIGIO },         { "POLL", SIGIO },       { "PWR", SIGPWR },
	{ "SYS", SIGSYS },
};

#define BIT(signo) (UINT64_C(1) << ((signo)-1))

static const struct {
	const char *name;
	uint64_t bits;
} groups[] = {
	{ "@fatal", BIT(SIGKILL) | BIT(SIGTERM) | BIT(SIGQUIT) | BIT(SIGABRT) },
	{ "@job", BIT(SIGSTOP) | BIT(SIGCONT) | BIT(SIGTSTP) | BIT(SIGTTIN) |
			  BIT(SIGTTOU) },
	{ "@reload", BIT(SIGHUP) | BIT(SIGUSR1) | BIT(SIGUSR2) },
	{ "@ignore", BIT(SIGCHLD) | BIT(SIGURG) | BIT(SIGWINCH) },
	{ "@all", UINT64_MAX },
};

/* Bits of a name (with or without SIG), number or group; 0 if unknown. */
static uint64_t signal_bits(struct str word)
{
	int64_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (str_eq_icase(word, str_from(groups[i].name)))
			return groups[i].bits;
	if (num_parse_range(word, 1, 64, &n) == 0)
		return BIT(n);
	if (word.n > 3 && str_eq_icase(str_from_n(word.p, 3), STR("SIG")))
		word = str_skip(word, 3);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (str_eq_icase(word, str_from(signals[i].name)))
			return BIT(signals[i].signo);
	return 0;
}

struct signal_reading {
	struct signal_rule rule; /* first: parse_rule() writes its common part */
	struct rule_list signals;
	struct rule_text redirect;
	bool has_target;
};

static int target_type(const struct yreader *r, const struct ypath *at,
		       const struct ynode *node, void *slot)
{
	static const char *const words[] = {
		[SIGTARGET_SELF] = "self",
		[SIGTARGET_CHILDREN] = "children",
		[SIGTARGET_DESCENDANTS] = "descendants",
		[SIGTARGET_SIBLINGS] = "siblings",
		[SIGTARGET_SESSION] = "session",
		[SIGTARGET_PARENT] = "parent",
		[SIGTARGET_EXTERNAL] = "external",
		[SIGTARGET_SYSTEM] = "system",
		[SIGTARGET_USER] = "user",
		[SIGTARGET_PROCESS] = "process",
		[SIGTARGET_PID_RANGE] = "pid_range",
	};
	struct signal_reading *in = slot;
	unsigned int word = 0;
	int e = bind_word(r, at, node, words, ARRAY_LEN(words), &word);

	if (e == 0 && node->type != YNODE_NULL) {
		in->rule.target = (enum signal_target_type)word;
		in->has_target = true;
	}
	return e;
}

static int target_pid(const struct yreader *r, const struct ypath *at,
		      const struct ynode *node, void *slot)
{
	int32_t *pid = slot;
	int64_t v = *pid;
	int e = yread_int(r, at, node, 0, INT32_MAX, &v);

	if (e == 0)
		*pid = (int32_t)v;
	return e;
}

#define SIG(field) offsetof(struct signal_reading, field)
static const struct bind_field target_fields[] = {
	{ "type", BIND_FN, 0, target_type },
	{ "pattern", BIND_FN, SIG(rule.pattern), bind_rule_text },
	{ "min", BIND_FN, SIG(rule.min_pid), target_pid },
	{ "max", BIND_FN, SIG(rule.max_pid), target_pid },
};
static const struct bind_table target_table = BIND_TABLE_INIT(target_fields);

static int signal_target(const struct yreader *r, const struct ypath *at,
			 const struct ynode *node, void *slot)
{
	return bind_mapping(r, at, node, &target_table, slot);
}

static const struct bind_field signal_fields[] = {
	PARSE_COMMON(struct signal_rule),
	{ "signals", BIND_FN, SIG(signals), bind_rule_list },
	{ "target", BIND_FN, 0, signal_target },
	{ "fallback", BIND_STR, SIG(rule.fallback), NULL },
	{ "redirect_to", BIND_FN, SIG(redirect), bind_rule_text },
};
static const struct bind_table signal_table = BIND_TABLE_INIT(signal_fields);

static int at_text(const struct yreader *r, const struct ypath *at,
		   struct rule_text word, const char *what)
{
	struct ynode place = { .line = word.pos.line,
			       .column = word.pos.column };

	return yread_error(r, at, &place, "%s \"%.60s\"", what, word.s.p);
}

static int resolve_signals(const struct yreader *r, const struct ypath *at,
			   const struct ynode *node, struct signal_reading *in)
{
	int e = 0;

	for (size_t i = 0; i < in->signals.n; i++) {
		uint64_t bits = signal_bits(in->signals.v[i].s);

		if (bits == 0)
			e = at_text(r, at, in->signals.v[i], "unknown signal");
		in->rule.signals |= bits;
	}
	if (in->signals.n == 0)
		e = yread_error(r, at, node, "signals is required");
	return e;
}

static int check_target(const struct yreader *r, const struct ypath *at,
			const struct ynode *node,
			const struct signal_reading *in)
{
	if (!in->has_target)
		return yread_error(r, at, node, "target.type is required");
	if (in->rule.target == SIGTARGET_PROCESS && in->rule.pattern.s.n == 0)
		return yread_error(r, at, node,
				   "target of type process needs a pattern");
	if (in->rule.target == SIGTARGET_PID_RANGE &&
	    (in->rule.min_pid > in->rule.max_pid || in->rule.max_pid == 0))
		return yread_error(r, at, node,
				   "target of type pid_range needs min and "
				   "max, min <= max");
	return 0;
}

static int check_redirect(const struct yreader *r, const struct ypath *at,
			  const struct ynode *node, struct signal_reading *in)
{
	uint64_t bits = 0;

	if (in->redirect.s.n) {
		bits = signal_bits(in->redirect.s);
		if (bits == 0 || (bits & (bits - 1)) != 0)
			return at_text(r, at, in->redirect,
				       "redirect_to: not one signal:");
		in->rule.redirect_signal = __builtin_ctzll(bits) + 1;
	}
	if (in->rule.c.decision_valid &&
	    in->rule.c.decision == VERDICT_REDIRECT && bits == 0)
		return yread_error(r, at, node,
				   "decision redirect needs redirect_to");
	return 0;
}

static int signal_rule(const struct yreader *r, const struct ypath *at,
		       const struct ynode *node, void *slot)
{
	struct signal_reading in = { 0 };
	const struct ynode *decision = ynode_get(node, "decision");
	int e = 0;

	/* A word of this family only; told apart before the others warn. */
	in.rule.absorb = decision &&
			 str_eq_icase(decision->text, STR("absorb"));
	if (in.rule.absorb) {
		in.rule.c.pos = (struct rule_pos){ node->line, node->column };
		in.rule.c.decision_valid = true;
		e = bind_mapping(r, at, node, &signal_table, &in);
	} else {
		e = parse_rule(r, at, node, &signal_table, &in, &in.rule.c);
	}
	if (e < 0)
		return e;
	e = resolve_signals(r, at, node, &in);
	e = bind_worse(e, check_target(r, at, node, &in));
	e = bind_worse(e, check_redirect(r, at, node, &in));
	*(struct signal_rule *)slot = in.rule;
	return e;
}

int parse_signal_rules(const struct yreader *r, const struct ypath *at,
		       const struct ynode *node, void *slot)
{
	struct policy_rules *p = slot;
	void *v = NULL;
	int e = bind_array(r, at, node,
			   (struct bind_elem){ sizeof(*p->signals),
					       signal_rule },
			   &v, &p->n_signals);

	p->signals = v;
	return e;
}
