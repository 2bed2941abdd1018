/* SPDX-License-Identifier: MIT */
/*
 * generate.c - a policy that allows what a session was seen to do
 *
 * One walk over the events sorts them into observations: what was attempted
 * (family and operations), on what (path, program, host), how it was decided.
 * Equal ones are merged, and each family is then written as rules.
 */
#include "cli/generate.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/generate_priv.h"
#include "core/limits.h"

static int observe(struct generate *g, struct observation o)
{
	if (o.text.n == 0 || o.text.n > LIMIT_PATH || !str_is_utf8(o.text))
		return 0;
	o.n = 1;
	return vec_push(&g->seen, o);
}

/* Below the project: ${PROJECT_ROOT}/...; /proc/123/: any process. */
static struct str portable(struct generate *g, struct str path)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct str rest = str_skip(path, g->root.n);
	size_t digits = 0;
	char *copy;

	if (g->root.n > 1 && str_starts(path, g->root) &&
	    (rest.n == 0 || rest.p[0] == '/')) {
		buf_put_str(&b, GENERATE_ROOT);
		buf_put_str(&b, rest);
	} else if (str_starts(path, STR("/proc/"))) {
		rest = str_skip(path, 6);
		while (digits < rest.n && rest.p[digits] >= '0' &&
		       rest.p[digits] <= '9')
			digits++;
		if (digits == 0)
			return path;
		buf_puts(&b, "/proc/self");
		buf_put_str(&b, str_skip(rest, digits));
	} else {
		return path;
	}
	copy = arena_dup(g->a, buf_str(&b));
	return copy ? str_from(copy) : path;
}

static bool was_denied(const struct json *e)
{
	const struct json *policy = json_get(e, "policy");

	return str_eq(json_get_str(policy, "effective_decision"),
		      STR("deny")) ||
	       str_eq(json_get_str(e, "effective_action"), STR("blocked"));
}

static int see_file(struct generate *g, const struct json *e,
		    struct observation o)
{
	const struct json *policy = json_get(e, "policy");
	struct str word = json_get_str(e, "operation");
	const struct json *fields = json_get(e, "fields");
	const char *const more[] = { "name", "path2", "to_path" };
	enum file_verb verb;
	int r;

	if (file_verb_from_string(word, &verb) < 0)
		return 0;
	o.family = SEEN_FILE;
	o.ops = 1U << file_verb_alias(verb);
	if (o.ops & GENERATE_READS)
		o.ops = GENERATE_READS;
	o.keep = str_eq(json_get_str(policy, "decision"), STR("soft_delete"));
	o.text = portable(g, json_get_str(e, "path"));
	r = observe(g, o);
	for (size_t i = 0; i < ARRAY_LEN(more) && r == 0; i++) {
		o.text = portable(g, json_get_str(fields, more[i]));
		r = observe(g, o);
	}
	return r;
}

/* The word a program's own sub-commands begin with: "git status". */
static struct str first_word(const struct json *argv)
{
	const struct json *first = argv && argv->child ? argv->child->next
						       : NULL;
	struct str s = first && first->type == JSON_STRING ? first->text
							   : STR_NONE;

	for (size_t i = 0; i < s.n; i++) {
		char ch = s.p[i];

		if (!((ch >= 'a' && ch <= 'z') || (i > 0 && ch == '-')))
			return STR_NONE;
	}
	return s;
}

/* Each name of the program becomes an observation: all of them are judged. */
static int see_exec(struct generate *g, const struct json *e,
		    struct observation o)
{
	const struct json *argv = json_get(e, "argv");
	struct str names[3] = { json_get_str(e, "filename"),
				json_get_str(e, "raw_filename"), STR_NONE };
	int r = 0;

	if (argv && argv->child && argv->child->type == JSON_STRING)
		names[2] = argv->child->text;
	if (names[2].n && names[2].p[0] == '-') /* a login shell's argv[0] */
		names[2] = str_skip(names[2], 1);
	o.family = SEEN_EXEC;
	o.word = first_word(argv);
	for (size_t i = 0; i < ARRAY_LEN(names) && r == 0; i++) {
		o.text = str_basename(names[i]);
		if (o.text.n == 0)
			continue;
		r = observe(g, o);
	}
	return r;
}

static unsigned int port_of(const struct json *e)
{
	struct str remote = json_get_str(e, "remote");
	ptrdiff_t colon = str_rindex(remote, ':');
	unsigned int port = 0;

	for (size_t i = (size_t)colon + 1; colon >= 0 && i < remote.n; i++) {
		if (remote.p[i] < '0' || remote.p[i] > '9' || port > 6553)
			return 0;
		port = 10 * port + (unsigned int)(remote.p[i] - '0');
	}
	return port;
}

static int see_net(struct generate *g, const struct json *e,
		   struct observation o)
{
	struct str rule = json_get_str(json_get(e, "policy"), "rule");
	struct str host = json_get_str(e, "domain");

	/* the session's own proxy and name server need no rule */
	if (str_starts(rule, STR("agentsh-")))
		return 0;
	if (host.n == 0) {
		host = json_get_str(e, "remote");
		host.n = str_rindex(host, ':') < 0
				 ? host.n
				 : (size_t)str_rindex(host, ':');
		if (host.n > 2 && host.p[0] == '[')
			host = str_from_n(host.p + 1, host.n - 2);
	}
	o.family = SEEN_NET;
	o.text = host;
	o.port = port_of(e);
	return observe(g, o);
}

static int see_unix(struct generate *g, const struct json *e,
		    struct observation o)
{
	o.family = SEEN_UNIX;
	o.text = json_get_str(e, "path");
	return observe(g, o);
}

static int see(struct generate *g, const struct json *e)
{
	struct str type = json_get_str(e, "type");
	struct observation o = {
		.denied = was_denied(e),
		.rule = json_get_str(json_get(e, "policy"), "rule"),
		.first = json_get_str(e, "timestamp"),
	};

	o.last = o.first;
	if (str_eq(type, STR("file_soft_deleted"))) /* of a file_delete */
		return 0;
	if (str_starts(type, STR("file_")) || str_starts(type, STR("dir_")) ||
	    str_starts(type, STR("symlink_")))
		return see_file(g, e, o);
	if (str_eq(type, STR("execve")) || str_eq(type, STR("ptrace_execve")))
		return see_exec(g, e, o);
	if (str_eq(type, STR("net_connect")) ||
	    str_eq(type, STR("net_http_request")))
		return see_net(g, e, o);
	if (str_eq(type, STR("unix_socket_op")))
		return see_unix(g, e, o);
	return 0;
}

static int compare(const void *pa, const void *pb)
{
	const struct observation *a = pa, *b = pb;
	int r = (int)a->family - (int)b->family;

	if (r == 0)
		r = (int)a->denied - (int)b->denied;
	if (r == 0)
		r = str_cmp(a->text, b->text);
	if (r == 0)
		r = str_cmp(a->word, b->word);
	if (r == 0)
		r = (int)(a->port > b->port) - (int)(a->port < b->port);
	/* kept deletes apart: they become a rule of their own */
	return r ? r : (int)a->keep - (int)b->keep;
}

static void merge(struct generate *g)
{
	size_t n = 0;

	if (g->seen.n == 0)
		return;
	qsort(g->seen.data, g->seen.n, sizeof(g->seen.data[0]), compare);
	for (size_t i = 1; i < g->seen.n; i++) {
		struct observation *to = &g->seen.data[n];
		const struct observation *o = &g->seen.data[i];

		if (compare(to, o) != 0) {
			g->seen.data[++n] = *o;
			continue;
		}
		to->n += o->n;
		to->ops |= o->ops;
		if (str_cmp(o->first, to->first) < 0)
			to->first = o->first;
		if (str_cmp(o->last, to->last) > 0)
			to->last = o->last;
	}
	g->seen.n = n + 1;
}

static void put_duration(struct buf *out, int64_t ns)
{
	int64_t s = ns / 1000000000;

	if (s >= 3600)
		buf_printf(out, "%lldh %lldm ", (long long)(s / 3600),
			   (long long)(s / 60 % 60));
	else if (s >= 60)
		buf_printf(out, "%lldm ", (long long)(s / 60));
	buf_printf(out, "%llds", (long long)(s % 60));
}

static int64_t when(const struct json *e)
{
	int64_t ns = 0;

	if (e)
		(void)clock_parse_rfc3339(json_get_str(e, "timestamp"), &ns);
	return ns;
}

static void put_header(const struct generate *g, struct buf *out)
{
	const struct generate_input *in = g->in;
	const struct json *last = NULL;

	json_foreach(e, in->events)
	{
		last = e;
	}
	buf_printf(out, "# Generated by: agentsh policy generate %s\n",
		   in->session);
	buf_printf(out, "# Source session: %s\n# Generated at: ", in->session);
	clock_format_rfc3339(out, in->now_ns);
	buf_puts(out, "\n# Session duration: ");
	put_duration(out, when(last) - when(in->events->child));
	buf_printf(out, "\n# Total events analyzed: %zu\n#\n", in->events->n);
	buf_puts(out, "# Read it before you use it: what the session did is "
		      "allowed, all else denied.\n"
		      "version: 1\nname: ");
	generate_quoted(out, str_from(in->name));
	buf_puts(out, "\ndescription: ");
	generate_quoted(out, STR("What one observed session needed"));
	buf_putc(out, '\n');
}

int generate_policy(const struct generate_input *in, struct buf *out)
{
	struct generate g = { .in = in, .seen = VEC_INIT };
	_cleanup_arena_ struct arena a = ARENA_INIT(512U << 20);
	int r = 0;

	g.a = &a;
	json_foreach(e, in->events)
	{
		struct str root =
			json_get_str(json_get(e, "fields"), "project_root");

		if (root.n && g.root.n == 0)
			g.root = root;
		if (r == 0)
			r = see(&g, e);
	}
	merge(&g);
	put_header(&g, out);
	if (r == 0)
		r = generate_rules(&g, out);
	vec_done(&g.seen);
	return r < 0 ? r : out->error;
}
