/* SPDX-License-Identifier: MIT */
/*
 * golden_policy.c - a policy file and a table "operation => verdict rule"
 *
 *	golden_policy POLICY.yaml TABLE...
 *
 * One operation per line, words quoted as in a shell ('...' or "..."):
 *
 *	precheck PATH ARG...          before anything runs, nothing enforced later
 *	precheck+ PATH ARG...         the same, every later exec is judged
 *	exec PATH [as NAME]... [-- ARG...]   at run time, depth 1
 *	file VERB PATH [NAME]
 *	net HOST|- PORT [ADDRESS]
 *	dns HOST
 *	unix VERB PATH|@NAME
 *	signal NUMBER RELATION[,RELATION] [COMM]
 *	http SERVICE METHOD PATH
 *
 * A line that starts with '#' is a comment. Every line is checked against the
 * policy as compiled and as mapped from a descriptor.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/num.h"
#include "policy/policy.h"

#define MAX_WORDS 64

struct line {
	char text[8192]; /* unquoted words, one after the other */
	struct str words[MAX_WORDS];
	size_t n;
};

static bool split_line(struct str s, struct line *l)
{
	size_t at = 0;

	l->n = 0;
	while (s.n) {
		size_t start = at;

		s = str_trim(s);
		if (s.n == 0)
			break;
		if (l->n == MAX_WORDS || s.n >= sizeof(l->text) - at)
			return false;
		while (s.n && s.p[0] != ' ' && s.p[0] != '\t') {
			char c = s.p[0];
			bool quoted = c == '\'' || c == '"';

			s = str_skip(s, 1);
			if (!quoted) {
				l->text[at++] = c;
				continue;
			}
			for (; s.n && s.p[0] != c; s = str_skip(s, 1))
				l->text[at++] = s.p[0];
			s = str_skip(s, 1);
		}
		l->words[l->n++] = str_from_n(l->text + start, at - start);
	}
	return true;
}

static bool op_exec_from(const struct line *l, struct op *op)
{
	static struct str names[MAX_WORDS], argv[MAX_WORDS];
	bool pre = !str_eq_c(l->words[0], "exec");
	size_t i = 2;

	op->kind = OP_EXEC;
	op->exec.path = l->words[1];
	op->exec.names = names;
	op->exec.argv = argv;
	argv[op->exec.argc++] = l->words[1];
	op->exec.precheck = pre;
	op->exec.depth = !pre;
	op->exec.exec_enforced = str_eq_c(l->words[0], "precheck+");
	while (!pre && i + 1 < l->n && str_eq_c(l->words[i], "as")) {
		names[op->exec.n_names++] = l->words[i + 1];
		i += 2;
	}
	if (!pre && i < l->n && str_eq_c(l->words[i], "--"))
		i++;
	for (; i < l->n; i++)
		argv[op->exec.argc++] = l->words[i];
	return true;
}

static bool op_net_from(const struct line *l, struct op *op)
{
	int64_t port = 0;
	struct addr a;

	op->kind = str_eq_c(l->words[0], "dns") ? OP_DNS : OP_NET;
	if (!str_eq_c(l->words[1], "-"))
		op->net.host = l->words[1];
	if (op->kind == OP_DNS)
		return true;
	if (l->n < 3 || num_parse_range(l->words[2], 0, 65535, &port) < 0)
		return false;
	op->net.port = (uint16_t)port;
	op->net.protocol = 6;
	if (l->n > 3) {
		if (addr_parse(l->words[3], &a) < 0)
			return false;
		memcpy(op->net.addr, a.b, sizeof(a.b));
		op->net.has_addr = true;
	}
	return true;
}

static bool op_signal_from(const struct line *l, struct op *op)
{
	static const char *const words[] = {
		"self",   "child",    "descendant", "sibling", "session",
		"parent", "external", "system",     "user"
	};
	struct str rest = l->words[2], one;
	int64_t number;

	op->kind = OP_SIGNAL;
	if (num_parse_range(l->words[1], 0, 64, &number) < 0)
		return false;
	op->sig.signo = (int)number;
	op->sig.target = 1000;
	op->sig.comm = l->n > 3 ? l->words[3] : STR("sleep");
	while (str_split(&rest, ',', &one)) {
		for (size_t i = 0; i < ARRAY_LEN(words); i++) {
			if (str_eq_c(one, words[i]))
				op->sig.relation |= 1U << i;
		}
	}
	return true;
}

static bool op_from(const struct line *l, struct op *op)
{
	struct str kind = l->words[0];

	*op = (struct op){ 0 };
	if (l->n < 2)
		return false;
	if (str_starts(kind, STR("precheck")) || str_eq_c(kind, "exec"))
		return op_exec_from(l, op);
	if (str_eq_c(kind, "net") || str_eq_c(kind, "dns"))
		return op_net_from(l, op);
	if (l->n < 3)
		return false;
	if (str_eq_c(kind, "file")) {
		op->kind = OP_FILE;
		op->file.path = l->words[2];
		op->file.name = l->n > 3 ? l->words[3] : STR_NONE;
		return file_verb_from_string(l->words[1], &op->file.verb) == 0;
	}
	if (str_eq_c(kind, "unix")) {
		op->kind = OP_UNIX;
		op->un.abstract = l->words[2].n && l->words[2].p[0] == '@';
		op->un.path = str_skip(l->words[2], op->un.abstract);
		return unix_verb_from_string(l->words[1], &op->un.verb) == 0;
	}
	if (str_eq_c(kind, "signal"))
		return op_signal_from(l, op);
	if (str_eq_c(kind, "http") && l->n == 4) {
		op->kind = OP_HTTP;
		op->http.service = l->words[1];
		op->http.method = l->words[2];
		op->http.path = l->words[3];
		return true;
	}
	return false;
}

static bool check(const struct policy *p, const struct op *op, struct str want,
		  const char *file, unsigned int number)
{
	struct verdict v = policy_decide(p, op);
	struct str rule = policy_rule_name(p, v);
	_cleanup_buf_ struct buf got = BUF_INIT;

	buf_puts(&got, verdict_kind_to_string(v.kind));
	if (rule.n) {
		buf_putc(&got, ' ');
		buf_put_str(&got, rule);
	}
	if (str_eq(buf_str(&got), want))
		return true;
	fprintf(stderr, "%s:%u: want " STR_FMT ", got %s\n", file, number,
		STR_ARG(want), buf_cstr(&got));
	return false;
}

static unsigned int run_table(const char *file, const struct policy *a,
			      const struct policy *b, unsigned int *bad)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct str rest, s;
	unsigned int number = 0, done = 0;

	if (fd_read_file(AT_FDCWD, file, 1 << 20, &text) < 0) {
		fprintf(stderr, "%s: cannot read\n", file);
		(*bad)++;
		return 0;
	}
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &s)) {
		ptrdiff_t arrow = str_find(s, STR("=>"));
		static struct line l;
		struct str want;
		struct op op;

		number++;
		s = str_trim(s);
		if (s.n == 0 || s.p[0] == '#')
			continue;
		arrow = str_find(s, STR("=>"));
		if (arrow < 0 ||
		    !split_line(str_from_n(s.p, (size_t)arrow), &l) ||
		    !op_from(&l, &op)) {
			fprintf(stderr, "%s:%u: cannot read this\n", file,
				number);
			(*bad)++;
			continue;
		}
		want = str_trim(str_skip(s, (size_t)arrow + 2));
		if (!check(a, &op, want, file, number) ||
		    !check(b, &op, want, file, number))
			(*bad)++;
		done++;
	}
	return done;
}

int main(int argc, char **argv)
{
	static const struct str names[] = { STR("PROJECT_ROOT"),
					    STR("GIT_ROOT"), STR("HOME") };
	static const struct str values[] = { STR("/workspace"),
					     STR("/workspace"), STR("/root") };
	struct policy_vars vars = { names, values, ARRAY_LEN(names), NULL };
	_cleanup_buf_ struct buf yaml = BUF_INIT, text = BUF_INIT;
	_cleanup_diag_ struct diag diag = DIAG_INIT;
	struct policy *p = NULL, *mapped = NULL;
	unsigned int bad = 0, done = 0;
	int r, fd;

	if (argc < 2 || fd_read_file(AT_FDCWD, argv[1], 1 << 20, &yaml) < 0) {
		fprintf(stderr, "usage: golden_policy POLICY TABLE...\n");
		return 2;
	}
	r = policy_compile(argv[1], buf_str(&yaml), &vars, 7, &p, &diag);
	diag_format(&diag, &text);
	fputs(buf_cstr(&text), stderr);
	if (r < 0 || policy_to_fd(p, &fd) < 0 ||
	    policy_from_fd(fd, &mapped) < 0) {
		fprintf(stderr, "%s: cannot be compiled and mapped\n", argv[1]);
		return 1;
	}
	for (int i = 2; i < argc; i++)
		done += run_table(argv[i], p, mapped, &bad);
	printf("%s: %u operations, %u wrong\n", argv[1], done, bad);
	(void)policy_unref(p);
	(void)policy_unref(mapped);
	return bad > 0 || done == 0;
}
