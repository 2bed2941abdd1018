/* SPDX-License-Identifier: MIT */
/*
 * generate_rules.c - observations as the sections of a policy
 */
#include <errno.h>

#include "base/addr.h"
#include "cli/generate_priv.h"

/* More words than this are arguments, not sub-commands. */
#define MAX_WORDS 24

/* A run of observations of one family and verdict. */
struct run {
	const struct observation *o;
	size_t n;
};

/* A rule in the making. */
struct rule {
	const char *name;
	const char *key; /* paths, commands, domains, cidrs */
	const char *decision;
	bool denied;
	struct buf list, more; /* items; further lines */
	uint64_t n;
	struct str first, last, by;
};

static void rule_done(struct rule *r)
{
	buf_done(&r->list);
	buf_done(&r->more);
}
#define _cleanup_rule_ _cleanup_(rule_done)

void generate_quoted(struct buf *out, struct str s)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct json_writer w;

	/* a JSON string is a double-quoted YAML scalar, but for DEL and C1 */
	json_writer_init(&w, &text, 0);
	json_str(&w, s);
	if (text.error)
		out->error = text.error;
	json_put_shown(out, buf_str(&text));
}

static void rule_item(struct rule *r, struct str text)
{
	buf_puts(&r->list, "      - ");
	generate_quoted(&r->list, text);
	buf_putc(&r->list, '\n');
}

static void rule_name(struct generate *g, struct rule *r, struct str name)
{
	struct str pattern;

	if (generate_escape(g->a, name, &pattern) < 0)
		r->list.error = -ENOMEM;
	else
		rule_item(r, pattern);
}

static void rule_source(struct rule *r, const struct observation *o)
{
	r->n += o->n;
	if (r->first.n == 0 || str_cmp(o->first, r->first) < 0)
		r->first = o->first;
	if (str_cmp(o->last, r->last) > 0)
		r->last = o->last;
	if (r->by.n == 0)
		r->by = o->rule;
}

/* Text of the record in a comment: one line, nothing that steers. */
static void put_comment_text(struct buf *out, struct str s)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_put_escaped(&b, s);
	buf_put_str(out, buf_str(&b));
}

static void put_commented(struct buf *out, struct str text)
{
	struct str line;

	while (str_split(&text, '\n', &line))
		if (line.n)
			buf_printf(out, "  # " STR_FMT "\n",
				   STR_ARG(str_skip(line, 2)));
}

static void rule_put(const struct rule *r, struct buf *out)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (r->list.len == 0)
		return;
	buf_printf(out, "  # Provenance: %llu events, ",
		   (unsigned long long)r->n);
	put_comment_text(out, r->first);
	buf_puts(out, " to ");
	put_comment_text(out, r->last);
	if (r->by.n) {
		buf_printf(out, "; %s by ", r->denied ? "denied" : "decided");
		put_comment_text(out, r->by);
	}
	buf_putc(out, '\n');
	if (r->denied)
		buf_puts(out, "  # Blocked then: uncomment to allow it\n");
	buf_printf(&b, "  - name: %s\n    %s:\n", r->name, r->key);
	buf_put_str(&b, buf_str(&r->list));
	buf_put_str(&b, buf_str(&r->more));
	buf_printf(&b, "    decision: %s\n", r->decision);
	if (r->denied)
		put_commented(out, buf_str(&b));
	else
		buf_put_str(out, buf_str(&b));
	buf_putc(out, '\n');
}

static void put_operations(struct rule *r, unsigned int ops)
{
	const char *separator = "";

	buf_puts(&r->more, "    operations: [");
	for (unsigned int v = 0; v < FILE_VERB_MAX; v++) {
		if (!(ops & (1U << v)))
			continue;
		buf_printf(&r->more, "%s%s", separator,
			   file_verb_to_string((enum file_verb)v));
		separator = ", ";
	}
	buf_puts(&r->more, "]\n");
}

/* Which observations a rule about files takes in. */
struct choice {
	unsigned int
		ops; /* exactly these changes, or GENERATE_READS: any of them */
	bool keep;
};

static bool chosen(const struct observation *o, const struct choice *c)
{
	if (c->ops == GENERATE_READS)
		/* an open for both is recorded as the write it is */
		return o->ops & (GENERATE_READS | 1U << FILE_WRITE);
	return (o->ops & ~GENERATE_READS) == c->ops && o->keep == c->keep;
}

/* What was denied of the kind that the rule allows. */
static int find_denied(const struct generate *g, bool reads,
		       struct generate_paths *out)
{
	int r = 0;

	for (size_t i = 0; i < g->seen.n && r == 0; i++) {
		const struct observation *o = &g->seen.data[i];

		if (o->family == SEEN_FILE && o->denied &&
		    (reads ? o->ops & GENERATE_READS
			   : o->ops & ~GENERATE_READS))
			r = vec_push(out, (struct generate_path){ o->text, 1 });
	}
	return r;
}

static int put_files(struct generate *g, struct run run, const struct choice *c,
		     struct buf *out)
{
	struct generate_paths in = VEC_INIT, folded = VEC_INIT;
	struct generate_paths never = VEC_INIT;
	_cleanup_rule_ struct rule rule = {
		.name = c->ops == GENERATE_READS ? "observed-reads"
			: c->keep                ? "observed-deletes-kept"
						 : "observed-changes",
		.key = "paths",
		.decision = c->keep && c->ops != GENERATE_READS ? "soft_delete"
								: "allow",
		.denied = run.o->denied,
	};
	int r = 0;

	if (!run.o->denied)
		r = find_denied(g, c->ops == GENERATE_READS, &never);
	for (size_t i = 0; i < run.n && r == 0; i++) {
		const struct observation *o = &run.o[i];

		if (!chosen(o, c))
			continue;
		rule_source(&rule, o);
		/* twice when kept and not kept: one path */
		if (in.n && str_eq(in.data[in.n - 1].text, o->text))
			continue;
		r = vec_push(&in, (struct generate_path){ o->text, o->n });
	}
	if (r == 0)
		r = generate_collapse(g->a, &in, &never, g->in->threshold,
				      &folded);
	for (size_t i = 0; i < folded.n; i++)
		rule_item(&rule, folded.data[i].text);
	put_operations(&rule, c->ops);
	if (r == 0)
		rule_put(&rule, out);
	vec_done(&in);
	vec_done(&never);
	vec_done(&folded);
	return r;
}

/* One rule per set of changes that some path saw. */
static int put_changes(struct generate *g, struct run run, struct buf *out)
{
	struct choice done[64];
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < run.n && r == 0; i++) {
		struct choice c = { .ops = run.o[i].ops & ~GENERATE_READS,
				    .keep = run.o[i].keep };
		size_t k = 0;

		while (k < n &&
		       (done[k].ops != c.ops || done[k].keep != c.keep))
			k++;
		if (c.ops == 0 || k < n || n == ARRAY_LEN(done))
			continue;
		done[n++] = c;
		r = put_files(g, run, &c, out);
	}
	return r;
}

static bool has_subcommands(struct str program)
{
	static const char *const names[] = {
		"apt",    "apt-get",   "brew",      "bundle", "cargo",
		"docker", "dotnet",    "gem",       "git",    "go",
		"gradle", "helm",      "kubectl",   "mvn",    "npm",
		"pip",    "pip3",      "pnpm",      "podman", "poetry",
		"rustup", "systemctl", "terraform", "uv",     "yarn"
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq_c(program, names[i]))
			return true;
	return false;
}

/* run: one program. "" unless only sub-commands by name were seen. */
static void put_words(struct run run, struct buf *out)
{
	if (run.n > MAX_WORDS)
		return;
	for (size_t i = 0; i < run.n; i++)
		if (run.o[i].word.n == 0)
			return;
	/* argv[0] is there when it is judged as it runs, not before */
	buf_puts(out, "    args_patterns:\n"
		      "      - '^([^ ]+ )?(");
	for (size_t i = 0; i < run.n; i++)
		buf_printf(out, "%s" STR_FMT, i ? "|" : "",
			   STR_ARG(run.o[i].word));
	buf_puts(out, ")( |$)'\n");
}

/* Programs with sub-commands: a rule each; all others together. */
static void put_commands(struct generate *g, struct run run, struct buf *out)
{
	_cleanup_rule_ struct rule rest = { .name = "observed-commands",
					    .key = "commands",
					    .decision = "allow",
					    .denied = run.o->denied };

	for (size_t i = 0, n; i < run.n; i += n) {
		_cleanup_rule_ struct rule one = rest;
		struct run same = { .o = &run.o[i] };
		struct rule *rule = &rest;

		one.list = one.more = BUF_INIT;
		for (n = 0;
		     i + n < run.n && str_eq(run.o[i + n].text, run.o[i].text);)
			n++;
		same.n = n;
		if (g->in->arg_patterns && has_subcommands(run.o[i].text)) {
			put_words(same, &one.more);
			one.n = 0;
			one.first = one.last = one.by = STR_NONE;
			if (one.more.len)
				rule = &one;
		}
		rule_name(g, rule, run.o[i].text);
		for (size_t k = 0; k < n; k++)
			rule_source(rule, &run.o[i + k]);
		if (rule == &one)
			rule_put(&one, out);
	}
	rule_put(&rest, out);
}

static struct str parent_domain(struct str host)
{
	ptrdiff_t dot = str_index(host, '.');

	return dot < 0 ? STR_NONE : str_skip(host, (size_t)dot + 1);
}

/* Hosts of the run that share this parent, or 0 when it is a top level. */
static size_t siblings(struct run run, struct str parent)
{
	size_t n = 0;

	if (str_index(parent, '.') < 0)
		return 0;
	for (size_t i = 0; i < run.n; i++)
		n += str_eq(parent_domain(run.o[i].text), parent) &&
		     (i == 0 || !str_eq(run.o[i].text, run.o[i - 1].text));
	return n;
}

static void host_item(const struct generate *g, struct run run, struct str host,
		      struct rule *rule)
{
	struct str parent = parent_domain(host);
	_cleanup_buf_ struct buf b = BUF_INIT, line = BUF_INIT;
	struct str item = host;

	/* no host is called so: a pattern that was asked for as a name */
	for (size_t i = 0; i < host.n; i++)
		if (strchr("*?[]{}\\$", host.p[i]))
			return;
	if (siblings(run, parent) >= g->in->threshold) {
		buf_printf(&b, "*." STR_FMT, STR_ARG(parent));
		item = buf_str(&b);
	}
	buf_puts(&line, "- ");
	generate_quoted(&line, item);
	buf_putc(&line, '\n');
	if (str_find(buf_str(&rule->list), buf_str(&line)) < 0)
		rule_item(rule, item);
}

static bool is_literal(struct str host, unsigned int *ret_bits)
{
	struct addr a;

	if (addr_parse(host, &a) < 0)
		return false;
	*ret_bits = str_index(host, ':') >= 0 ? 128 : 32;
	return true;
}

/* All hosts seen with one port: names, or addresses. */
static void put_port(const struct generate *g, struct run run,
		     unsigned int port, bool literal, struct buf *out)
{
	_cleanup_rule_ struct rule rule = {
		.name = literal ? "observed-addresses" : "observed-hosts",
		.key = literal ? "cidrs" : "domains",
		.decision = "allow",
		.denied = run.o->denied,
	};

	for (size_t i = 0; i < run.n; i++) {
		const struct observation *o = &run.o[i];
		unsigned int bits = 0;

		if (o->port != port || is_literal(o->text, &bits) != literal)
			continue;
		rule_source(&rule, o);
		if (literal) {
			_cleanup_buf_ struct buf b = BUF_INIT;

			buf_printf(&b, STR_FMT "/%u", STR_ARG(o->text), bits);
			rule_item(&rule, buf_str(&b));
		} else {
			host_item(g, run, o->text, &rule);
		}
	}
	if (port)
		buf_printf(&rule.more, "    ports: [%u]\n", port);
	rule_put(&rule, out);
}

static void put_network(struct generate *g, struct run run, struct buf *out)
{
	for (size_t i = 0; i < run.n; i++) {
		unsigned int port = run.o[i].port;
		size_t k = 0;

		while (k < i && run.o[k].port != port)
			k++;
		if (k < i)
			continue;
		put_port(g, run, port, false, out);
		put_port(g, run, port, true, out);
	}
}

static void put_sockets(struct generate *g, struct run run, struct buf *out)
{
	_cleanup_rule_ struct rule rule = { .name = "observed-sockets",
					    .key = "paths",
					    .decision = "allow",
					    .denied = run.o->denied };

	for (size_t i = 0; i < run.n; i++) {
		rule_name(g, &rule, run.o[i].text);
		rule_source(&rule, &run.o[i]);
	}
	rule_put(&rule, out);
}

static int put_run(struct generate *g, struct run run, struct buf *out)
{
	const struct choice reads = { .ops = GENERATE_READS };
	int r = 0;

	switch (run.o->family) {
	case SEEN_FILE:
		r = put_files(g, run, &reads, out);
		return r < 0 ? r : put_changes(g, run, out);
	case SEEN_EXEC:
		put_commands(g, run, out);
		return 0;
	case SEEN_NET:
		put_network(g, run, out);
		return 0;
	case SEEN_UNIX:
		put_sockets(g, run, out);
		return 0;
	}
	return r;
}

static int put_family(struct generate *g, enum seen_family family,
		      struct buf *out)
{
	int r = 0;

	for (size_t i = 0, n; i < g->seen.n && r == 0; i += n) {
		struct run run = { .o = &g->seen.data[i] };

		for (n = 1; i + n < g->seen.n &&
			    run.o[n].family == run.o->family &&
			    run.o[n].denied == run.o->denied;)
			n++;
		run.n = n;
		if (run.o->family == family &&
		    (!run.o->denied || g->in->blocked))
			r = put_run(g, run, out);
	}
	return r;
}

int generate_rules(struct generate *g, struct buf *out)
{
	static const struct {
		const char *key;
		enum seen_family family;
		const char *end; /* what was not seen is denied */
	} sections[] = {
		{ "file_rules", SEEN_FILE,
		  "  - name: default-deny-files\n    paths: [\"**\"]\n"
		  "    operations: [\"*\"]\n    decision: deny\n" },
		{ "command_rules", SEEN_EXEC,
		  "  - name: default-deny-commands\n    commands: [\"*\"]\n"
		  "    decision: deny\n" },
		{ "network_rules", SEEN_NET,
		  "  - name: default-deny-network\n    decision: deny\n" },
		{ "unix_socket_rules", SEEN_UNIX,
		  "  - name: default-deny-unix\n    paths: [\"**\"]\n"
		  "    decision: deny\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		int r;

		buf_printf(out, "\n%s:\n", sections[i].key);
		r = put_family(g, sections[i].family, out);
		if (r < 0)
			return r;
		buf_puts(out, sections[i].end);
	}
	return out->error;
}
