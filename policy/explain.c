/* SPDX-License-Identifier: MIT */
/*
 * explain.c - why the policy says what it says of an operation
 *
 * The answer itself is policy_decide()'s. Around it each rule before the
 * deciding one is asked alone, by the same index, whether it speaks of the
 * target at all.
 */
#include "policy/explain.h"

#include <errno.h>

#include "base/num.h"
#include "core/limits.h"
#include "policy/decide.h"

#define DEFAULT_PORT 443

/* ---- what is asked ---- */

static bool looks_like_host(struct str s)
{
	return str_index(s, ' ') < 0 && str_index(s, '/') < 0 &&
	       (str_index(s, '.') > 0 || str_index(s, ':') >= 0 ||
		str_eq_c(s, "localhost"));
}

static int parse_net(struct str target, struct op *op)
{
	ptrdiff_t colon = str_rindex(target, ':');
	int64_t port = DEFAULT_PORT;

	op->kind = OP_NET;
	if (colon > 0 && num_parse_range(str_skip(target, (size_t)colon + 1), 1,
					 65535, &port) == 0)
		target.n = (size_t)colon;
	op->net.host = target;
	op->net.port = (uint16_t)port;
	op->net.protocol = 6; /* TCP */
	return target.n ? 0 : -EINVAL;
}

static int parse_exec(struct str target, struct explain_op *ret)
{
	struct str rest = target, word;
	size_t n = 0;

	while (n < EXPLAIN_WORDS && str_split(&rest, ' ', &word))
		if (word.n)
			ret->words[n++] = word;
	if (n == 0)
		return -EINVAL;
	ret->op.kind = OP_EXEC;
	ret->op.exec = (struct op_exec){ .path = ret->words[0],
					 .argv = ret->words,
					 .argc = n,
					 .precheck = true,
					 .exec_enforced = true };
	return 0;
}

static int parse_file(struct str word, struct str target, struct op *op)
{
	if (str_starts(word, STR("file_")))
		word = str_skip(word, 5);
	op->kind = OP_FILE;
	op->file.path = target;
	return target.n ? file_verb_from_string(word, &op->file.verb) : -EINVAL;
}

int explain_op_parse(struct str word, struct str target, struct explain_op *ret)
{
	ret->op = (struct op){ .kind = OP_NONE };
	if (word.n == 0 && str_starts(target, STR("/")) &&
	    str_index(target, ' ') < 0)
		word = STR("open");
	else if (word.n == 0)
		word = looks_like_host(target) ? STR("connect") : STR("exec");
	if (str_starts(word, STR("net_")) || str_eq_c(word, "connect"))
		return parse_net(target, &ret->op);
	if (str_eq_c(word, "exec") || str_eq_c(word, "command"))
		return parse_exec(target, ret);
	return parse_file(word, target, &ret->op);
}

/* ---- one rule ---- */

static bool is_wanted(void *arg, uint32_t rule)
{
	const uint32_t *wanted = arg;

	return rule == *wanted;
}

static struct lookup one_rule(const struct policy *p, uint32_t *rule)
{
	return (struct lookup){ .p = p,
				.mask = ~0U,
				.best = IMAGE_NONE,
				.accept = is_wanted,
				.arg = rule };
}

/* Why a file rule that knows the path does not apply; NULL: it is not known. */
static const char *pass_file(const struct policy *p, const struct op *op,
			     uint32_t rule)
{
	struct lookup l = one_rule(p, &rule);

	index_find(&l, &p->h->files, op->file.path);
	return l.best == IMAGE_NONE ? NULL : "is not for this operation";
}

static const char *pass_exec(const struct policy *p, const struct op *op,
			     uint32_t rule)
{
	const struct img_rule *r = img_rules(p, FAMILY_COMMAND) + rule;
	const struct img_command *cmd =
		IMG_TABLE(p, SEC_COMMANDS, struct img_command) + r->extra;
	struct lookup l = one_rule(p, &rule);
	char base[LIMIT_PATH];

	index_find(&l, &p->h->basenames,
		   command_basename(op->exec.path, base, sizeof(base)));
	index_find(&l, &p->h->commands, op->exec.path);
	index_find_always(&l, p->h->any_command);
	if (l.best == IMAGE_NONE)
		return NULL;
	if (op->exec.depth < cmd->min_depth || op->exec.depth > cmd->max_depth)
		return "is for another depth of the process tree";
	return "is for other arguments";
}

static const char *pass_net(const struct policy *p, const struct op *op,
			    uint32_t rule)
{
	struct lookup l = one_rule(p, &rule);

	index_find(&l, &p->h->domains, op->net.host);
	return l.best == IMAGE_NONE ? NULL : "is for other ports or addresses";
}

static bool family_of(const struct op *op, enum img_family *ret)
{
	static const struct {
		enum op_kind kind;
		enum img_family family;
	} map[] = { { OP_FILE, FAMILY_FILE }, { OP_EXEC, FAMILY_COMMAND },
		    { OP_NET, FAMILY_NET },   { OP_DNS, FAMILY_NET },
		    { OP_UNIX, FAMILY_UNIX }, { OP_SIGNAL, FAMILY_SIGNAL },
		    { OP_HTTP, FAMILY_HTTP } };

	for (size_t i = 0; i < ARRAY_LEN(map); i++) {
		*ret = map[i].family;
		if (map[i].kind == op->kind)
			return true;
	}
	return false;
}

static const char *why_passed(const struct policy *p, const struct op *op,
			      uint32_t rule)
{
	if (op->kind == OP_FILE)
		return pass_file(p, op, rule);
	if (op->kind == OP_EXEC)
		return pass_exec(p, op, rule);
	return op->kind == OP_NET ? pass_net(p, op, rule) : NULL;
}

/* ---- the report ---- */

static void put_rule(const struct policy *p, const struct img_rule *r,
		     const char *why, struct json_writer *w)
{
	json_begin_object(w);
	json_kv_str(w, "rule", img_str(p, r->name));
	json_kv_i64_opt(w, "line", r->line);
	json_kv_cstr(w, "decision",
		     verdict_kind_to_string((enum verdict_kind)r->kind));
	json_kv_cstr(w, "why", why);
	json_end_object(w);
}

static void put_passed(const struct policy *p, const struct op *op,
		       const struct img_rule *decider, struct json_writer *w)
{
	enum img_family family;
	uint32_t n = 0, unrelated = 0;

	if (family_of(op, &family))
		n = p->h->family[family].n;
	json_key(w, "passed_over");
	json_begin_array(w);
	for (uint32_t i = 0; i < n; i++) {
		const struct img_rule *r = img_rules(p, family) + i;
		const char *why;

		if (r == decider)
			break;
		why = why_passed(p, op, i);
		if (why)
			put_rule(p, r, why, w);
		else
			unrelated++;
	}
	json_end_array(w);
	json_kv_i64(w, "unrelated", unrelated);
}

static void put_quoted(struct buf *b, struct str s)
{
	struct json_writer w;

	json_writer_init(&w, b, 0); /* JSON strings are YAML ones */
	json_str(&w, s);
}

static void format_change(const struct op *op, const char *decision,
			  struct buf *b)
{
	buf_printf(b, "- name: my-%s\n", decision);
	if (op->kind == OP_FILE) {
		buf_puts(b, "  paths: [");
		put_quoted(b, op->file.path);
		buf_printf(b, "]\n  operations: [%s]\n",
			   file_verb_to_string(file_verb_alias(op->file.verb)));
	} else if (op->kind == OP_EXEC) {
		buf_puts(b, "  commands: [");
		put_quoted(b, op->exec.path);
		buf_puts(b, "]\n");
	} else {
		buf_puts(b, "  domains: [");
		put_quoted(b, op->net.host);
		buf_printf(b, "]\n  ports: [%u]\n", op->net.port);
	}
	buf_printf(b, "  decision: %s\n", decision);
}

static void put_change(const struct policy *p, const struct op *op,
		       struct verdict v, const struct img_rule *decider,
		       struct json_writer *w)
{
	static const char *const SECTIONS[] = { "file_rules", "command_rules",
						"network_rules" };
	_cleanup_buf_ struct buf yaml = BUF_INIT;
	enum img_family family;

	if (!family_of(op, &family) || (size_t)family >= ARRAY_LEN(SECTIONS))
		return;
	if (!decider && !verdict_is_default(v))
		return; /* built in: no rule can change it */
	format_change(op, v.kind == VERDICT_DENY ? "allow" : "deny", &yaml);
	json_key(w, "change");
	json_begin_object(w);
	json_kv_cstr(w, "section", SECTIONS[family]);
	json_kv_str(w, "before",
		    decider ? img_str(p, decider->name) : STR("(the end)"));
	json_kv_str(w, "yaml", buf_str(&yaml));
	json_end_object(w);
}

void policy_explain(const struct policy *p, const struct op *op,
		    struct json_writer *w)
{
	struct verdict v = policy_decide(p, op);
	const struct img_rule *decider = verdict_rule(p, v);
	_cleanup_buf_ struct buf message = BUF_INIT;

	policy_rule_message(p, v, op, &message);
	json_kv_cstr(w, "operation",
		     op->kind == OP_FILE ? file_verb_to_string(op->file.verb)
					 : op_kind_to_string(op->kind));
	json_kv_str(w, "policy", policy_name(p));
	json_kv_i64(w, "generation", v.generation);
	json_kv_cstr(w, "decision", verdict_kind_to_string(v.kind));
	json_kv_str(w, "rule", policy_rule_name(p, v));
	json_kv_i64_opt(w, "line", decider ? decider->line : 0);
	json_kv_str_opt(w, "message", buf_str(&message));
	json_kv_bool(w, "is_default", verdict_is_default(v));
	put_passed(p, op, decider, w);
	put_change(p, op, v, decider, w);
}
