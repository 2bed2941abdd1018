/* SPDX-License-Identifier: MIT */
/*
 * decide.c - one operation, one verdict
 */
#include "policy/decide.h"

#include <string.h>

#include "core/limits.h"
#include "policy/policy.h"
#include "policy/rules.h"

struct verdict builtin_verdict(const struct policy *p, enum verdict_kind kind,
			       enum builtin_rule rule)
{
	return (struct verdict){ .kind = kind,
				 .rule = rule,
				 .generation = p->h->generation };
}

struct verdict rule_verdict(const struct policy *p, enum img_family family,
			    uint32_t rule)
{
	const struct img_rule *r = img_rules(p, family) + rule;

	return (struct verdict){
		.kind = (enum verdict_kind)r->kind,
		.rule = RULE_ID_BASE + p->h->family[family].first + rule,
		.generation = p->h->generation,
	};
}

const struct img_rule *verdict_rule(const struct policy *p, struct verdict v)
{
	uint32_t i = v.rule - RULE_ID_BASE;

	if (v.rule < RULE_ID_BASE || i >= p->h->sec[SEC_RULES].n)
		return NULL;
	return IMG_TABLE(p, SEC_RULES, struct img_rule) + i;
}

bool verdict_is_default(struct verdict v)
{
	return v.rule >= BUILTIN_DEFAULT_READS &&
	       v.rule <= BUILTIN_DEFAULT_SIGNAL;
}

/* --- files ------------------------------------------------------------------ */

struct verdict file_rules_verdict(const struct policy *p, struct str path,
				  enum file_verb verb)
{
	struct lookup l = { .p = p, .mask = 1U << verb, .best = IMAGE_NONE };

	index_find(&l, &p->h->files, path);
	if (l.best != IMAGE_NONE)
		return rule_verdict(p, FAMILY_FILE, l.best);
	if (file_verb_is_read(verb))
		return builtin_verdict(p, VERDICT_ALLOW, BUILTIN_DEFAULT_READS);
	return builtin_verdict(p, VERDICT_DENY, BUILTIN_DEFAULT_FILES);
}

/* What the kernel shows for things that have no name in a file system. */
static bool is_pseudo(struct str path)
{
	return str_starts(path, STR("pipe:[")) ||
	       str_starts(path, STR("socket:[")) ||
	       str_starts(path, STR("anon_inode:"));
}

/* A path that rules could misread: not absolute, NUL, "//", "/./" or "/../". */
static bool is_unclean(struct str path)
{
	const char *s = path.p, *end = path.p + path.n;

	if (path.n == 0 || path.n >= LIMIT_FULL_PATH || path.p[0] != '/' ||
	    memchr(path.p, '\0', path.n))
		return true;
	while (s && s < end) {
		size_t n;

		s++;
		n = (size_t)(end - s);
		if (n >= 1 && s[0] == '/')
			return true;
		if (n >= 1 && s[0] == '.' &&
		    (n == 1 || s[1] == '/' ||
		     (s[1] == '.' && (n == 2 || s[2] == '/'))))
			return true;
		s = memchr(s, '/', n);
	}
	return false;
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n > 0;
}

/* Directories whose mere existence everybody may see. */
static bool is_system_node(struct str path)
{
	static const char *const nodes[] = {
		"/",    "/dev",       "/dev/pts",          "/dev/fd", "/proc",
		"/sys", "/proc/self", "/proc/thread-self", "/etc",
	};

	for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
		if (str_eq_c(path, nodes[i]))
			return true;
	}
	/* what /proc/self resolves to */
	return str_starts(path, STR("/proc/")) && all_digits(str_skip(path, 6));
}

/* What a program needs to start at all. */
static bool in_system_tree(struct str path)
{
	static const char *const trees[] = { "/usr",   "/lib",    "/lib64",
					     "/lib32", "/libx32", "/bin",
					     "/sbin" };

	for (size_t i = 0; i < ARRAY_LEN(trees); i++) {
		struct str tree = str_from(trees[i]);

		if (str_starts(path, tree) &&
		    (path.n == tree.n || path.p[tree.n] == '/'))
			return true;
	}
	return str_starts(path, STR("/etc/ld.so."));
}

/* Undoes a denial of reading what is harmless or indispensable. */
static struct verdict guard_reads(const struct policy *p, struct str path,
				  struct verdict v)
{
	const struct img_rule *rule = verdict_rule(p, v);

	if (v.kind != VERDICT_DENY)
		return v;
	if (is_system_node(path))
		return builtin_verdict(p, VERDICT_ALLOW, BUILTIN_SYSTEM_NODE);
	if (rule && in_system_tree(path) &&
	    str_eq_c(img_str(p, rule->name), "default-deny-files"))
		return builtin_verdict(p, VERDICT_ALLOW, BUILTIN_SYSTEM_NODE);
	return v;
}

static struct verdict decide_path(const struct policy *p, struct str path,
				  enum file_verb verb)
{
	struct verdict v;

	if (is_pseudo(path))
		return builtin_verdict(p, VERDICT_ALLOW, BUILTIN_PSEUDO_FILE);
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	if (is_unclean(path))
		return builtin_verdict(p, VERDICT_DENY, BUILTIN_INVALID_OP);
	v = file_rules_verdict(p, path, verb);
	return file_verb_is_read(verb) ? guard_reads(p, path, v) : v;
}

struct verdict decide_file(const struct policy *p, const struct op_file *op)
{
	struct verdict v, by_name;

	if ((unsigned int)op->verb >= FILE_VERB_MAX)
		return builtin_verdict(p, VERDICT_DENY, BUILTIN_INVALID_OP);
	v = decide_path(p, op->path, op->verb);
	if (op->name.n == 0 || str_eq(op->name, op->path))
		return v;
	by_name = decide_path(p, op->name, op->verb);
	return verdict_stricter(v, by_name);
}

/* --- unix sockets ------------------------------------------------------------- */

/* Room for '@' and any name that fits in a sockaddr_un. */
#define UNIX_NAME_MAX 256U

struct verdict decide_unix(const struct policy *p, const struct op_unix *op)
{
	struct lookup l = { .p = p, .best = IMAGE_NONE };
	char name[UNIX_NAME_MAX];
	struct str text = op->path;

	if ((unsigned int)op->verb >= UNIX_VERB_MAX ||
	    (op->abstract && op->path.n >= sizeof(name)) ||
	    (!op->abstract && op->path.n > 0 && is_unclean(op->path)))
		return builtin_verdict(p, VERDICT_DENY, BUILTIN_INVALID_OP);
	if (op->abstract) {
		name[0] = '@';
		if (op->path.n)
			memcpy(name + 1, op->path.p, op->path.n);
		text = str_from_n(name, op->path.n + 1);
	}
	l.mask = 1U << op->verb;
	index_find(&l, &p->h->unixes, text);
	if (l.best != IMAGE_NONE)
		return rule_verdict(p, FAMILY_UNIX, l.best);
	return builtin_verdict(p, VERDICT_DENY, BUILTIN_DEFAULT_UNIX);
}

/* --- signals ------------------------------------------------------------------ */

struct signal_ctx {
	const struct policy *p;
	const struct op_signal *op;
};

static bool target_fits(const struct signal_ctx *c, const struct img_signal *s)
{
	static const unsigned int relation[] = {
		[SIGTARGET_SELF] = SIGREL_SELF,
		[SIGTARGET_CHILDREN] = SIGREL_CHILD,
		[SIGTARGET_DESCENDANTS] = SIGREL_DESCENDANT | SIGREL_CHILD,
		[SIGTARGET_SIBLINGS] = SIGREL_SIBLING,
		[SIGTARGET_SESSION] = SIGREL_SESSION,
		[SIGTARGET_PARENT] = SIGREL_PARENT,
		[SIGTARGET_EXTERNAL] = SIGREL_EXTERNAL,
		[SIGTARGET_SYSTEM] = SIGREL_SYSTEM,
		[SIGTARGET_USER] = SIGREL_USER,
	};

	switch ((enum signal_target_type)s->target) {
	case SIGTARGET_PROCESS:
		return s->pattern != IMAGE_NONE &&
		       img_pat_run(c->p, s->pattern, c->op->comm);
	case SIGTARGET_PID_RANGE:
		return c->op->target >= s->min_pid &&
		       c->op->target <= s->max_pid;
	case SIGTARGET_SELF:
	case SIGTARGET_CHILDREN:
	case SIGTARGET_DESCENDANTS:
	case SIGTARGET_SIBLINGS:
	case SIGTARGET_SESSION:
	case SIGTARGET_PARENT:
	case SIGTARGET_EXTERNAL:
	case SIGTARGET_SYSTEM:
	case SIGTARGET_USER:
		return (c->op->relation & relation[s->target]) != 0;
	}
	return false;
}

static bool accept_signal(void *arg, uint32_t rule)
{
	const struct signal_ctx *c = arg;
	uint32_t extra = img_rules(c->p, FAMILY_SIGNAL)[rule].extra;

	return target_fits(c, IMG_TABLE(c->p, SEC_SIGNALS, struct img_signal) +
				      extra);
}

struct verdict decide_signal(const struct policy *p, const struct op_signal *op)
{
	struct signal_ctx ctx = { p, op };
	struct lookup l = { .p = p,
			    .mask = 1,
			    .best = IMAGE_NONE,
			    .accept = accept_signal,
			    .arg = &ctx };
	char key;

	/* signal 0 only asks whether a process is there */
	if (op->signo < 0 || op->signo > 64)
		return builtin_verdict(p, VERDICT_DENY, BUILTIN_INVALID_OP);
	if (p->h->family[FAMILY_SIGNAL].n == 0 || op->signo == 0)
		return builtin_verdict(p, VERDICT_ALLOW, BUILTIN_NONE);
	key = (char)op->signo;
	index_find_key(&l, &p->h->signals, str_from_n(&key, 1));
	if (l.best != IMAGE_NONE)
		return rule_verdict(p, FAMILY_SIGNAL, l.best);
	return builtin_verdict(p, VERDICT_DENY, BUILTIN_DEFAULT_SIGNAL);
}

/* --- http services -------------------------------------------------------------- */

struct http_ctx {
	const struct policy *p;
	struct str method;
};

static bool accept_http(void *arg, uint32_t rule)
{
	const struct http_ctx *c = arg;
	struct img_span methods = img_rules(c->p, FAMILY_HTTP)[rule].sources;

	for (uint32_t i = 0; i < methods.n; i++) {
		struct str m = img_str_at(c->p, methods, i);

		if (str_eq_c(m, "*") || str_eq_icase(m, c->method))
			return true;
	}
	return methods.n == 0;
}

static const struct img_service *find_service(const struct policy *p,
					      struct str name)
{
	const struct img_service *s =
		IMG_TABLE(p, SEC_SERVICES, struct img_service);

	for (uint32_t i = 0; i < p->h->sec[SEC_SERVICES].n; i++) {
		if (str_eq_icase(img_str(p, s[i].name), name))
			return &s[i];
	}
	return NULL;
}

struct verdict decide_http(const struct policy *p, const struct op_http *op)
{
	const struct img_service *s = find_service(p, op->service);
	struct http_ctx ctx = { p, op->method };
	struct lookup l = { .p = p,
			    .mask = 1,
			    .best = IMAGE_NONE,
			    .accept = accept_http,
			    .arg = &ctx };
	struct str path = op->path;

	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	if (!s || is_unclean(path))
		return builtin_verdict(p, VERDICT_DENY, BUILTIN_INVALID_OP);
	index_find(&l, &s->paths, path);
	if (l.best != IMAGE_NONE)
		return rule_verdict(p, FAMILY_HTTP, l.best);
	return builtin_verdict(p,
			       s->default_allow ? VERDICT_ALLOW : VERDICT_DENY,
			       BUILTIN_SERVICE_DEFAULT);
}

/* --- all ------------------------------------------------------------------------ */

struct verdict policy_decide(const struct policy *p, const struct op *op)
{
	switch (op->kind) {
	case OP_FILE:
		return decide_file(p, &op->file);
	case OP_EXEC:
		return decide_exec(p, &op->exec);
	case OP_NET:
		return decide_net(p, &op->net);
	case OP_DNS:
		return decide_dns(p, &op->net);
	case OP_UNIX:
		return decide_unix(p, &op->un);
	case OP_SIGNAL:
		return decide_signal(p, &op->sig);
	case OP_HTTP:
		return decide_http(p, &op->http);
	case OP_NONE:
	case OP_KIND_MAX:
		break;
	}
	return builtin_verdict(p, VERDICT_DENY, BUILTIN_INVALID_OP);
}
