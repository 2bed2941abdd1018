/* SPDX-License-Identifier: MIT */
/*
 * grants.c - the superset of a policy that Landlock can enforce by itself
 *
 * Rules are read in order. A rule that permits becomes a grant on the file it
 * names or on the deepest directory its pattern stands below. A rule that
 * denies every granted kind of access to a file or a whole tree becomes a hole,
 * unless an earlier rule permits something in there. All else that is denied
 * inside granted trees is left to the catchers. They see all changes anyway;
 * that they have to see reads as well says policy_needs_open_notify().
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/glob.h"
#include "core/grant.h"
#include "core/op.h"
#include "policy/decide.h"
#include "policy/holes.h"
#include "policy/policy.h"

#define VERB(v) (1U << (v))

#define READ_VERBS  (VERB(FILE_OPEN) | VERB(FILE_READ) | VERB(FILE_LIST))
#define WRITE_VERBS (VERB(FILE_WRITE) | VERB(FILE_TRUNCATE))
#define CREATE_VERBS                                              \
	(VERB(FILE_CREATE) | VERB(FILE_MKDIR) | VERB(FILE_LINK) | \
	 VERB(FILE_SYMLINK) | VERB(FILE_MKNOD))
#define REMOVE_VERBS (VERB(FILE_DELETE) | VERB(FILE_RMDIR))
#define CHANGE_VERBS \
	(WRITE_VERBS | CREATE_VERBS | REMOVE_VERBS | VERB(FILE_RENAME))

enum extent {
	EXTENT_FILE, /* exactly the path */
	EXTENT_TREE, /* everything below the path, and nothing else */
	EXTENT_SOME, /* some of what is below the path */
};

struct derive {
	const struct policy *p;
	struct grant_set *out; /* NULL: only find out about gaps */
	struct str workspace;  /* "": not known */
	const struct img_rule *rule;
	uint32_t number;
	uint32_t mask;     /* of the rule, without what nobody can reach */
	uint32_t closed;   /* verbs that a rule for everything has denied */
	bool has_gap;      /* reads denied, or to be asked, inside a grant */
	bool wide_read;    /* a pattern's grant lets more be read than it */
	bool system_trees; /* the closing rule is called default-deny-files */
};

/* Path (owned) and extent of one pattern without braces. 1, 0 = nothing there
 * that is absolute, or -ENOMEM. */
static int measure(struct str pattern, char **ret_path, enum extent *ret)
{
	_cleanup_glob_build_ struct glob_build b = { 0 };
	struct str path;
	ptrdiff_t slash;
	int r;

	r = glob_compile(pattern, '/', &b);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	path = buf_str(&b.prefix);
	*ret = EXTENT_FILE;
	if (b.shape != GLOB_EXACT) {
		bool tree = b.shape == GLOB_SUPER && b.suffix.len == 0;

		slash = str_rindex(path, '/');
		*ret = tree && slash == (ptrdiff_t)path.n - 1 ? EXTENT_TREE
							      : EXTENT_SOME;
		path.n = slash > 0 ? (size_t)slash : 0;
		if (path.n == 0)
			path = STR("/");
	}
	if (path.n == 0 || path.p[0] != '/')
		return 0;
	*ret_path = str_dup(path);
	return *ret_path ? 1 : -ENOMEM;
}

static uint32_t access_of(uint32_t mask, const char *path)
{
	uint32_t a = 0;

	if (mask & READ_VERBS)
		a |= GRANT_READ;
	/* O_CREAT without O_EXCL is a write to those who write rules */
	if (mask & VERB(FILE_WRITE))
		a |= GRANT_WRITE | GRANT_CREATE;
	if (mask & VERB(FILE_TRUNCATE))
		a |= GRANT_WRITE;
	if (mask & (CREATE_VERBS | VERB(FILE_RENAME)))
		a |= GRANT_CREATE;
	if (mask & (REMOVE_VERBS | VERB(FILE_RENAME)))
		a |= GRANT_REMOVE;
	if (mask & VERB(FILE_MKNOD))
		a |= GRANT_DEVICE;
	if (a && str_starts(str_from(path), STR("/dev")))
		a |= GRANT_IOCTL;
	return a;
}

static bool below(struct str path, struct str dir)
{
	if (dir.n == 1)
		return true;
	return str_starts(path, dir) &&
	       (path.n == dir.n || str_starts(str_skip(path, dir.n), STR("/")));
}

/* Could something that the patterns of both describe be the same file? */
static bool overlap(struct str a, struct str b)
{
	return below(a, b) || below(b, a);
}

struct earlier {
	struct str path;
	bool above; /* look only for trees that the path lies in */
	bool found;
};

static int see_earlier(void *arg, struct str pattern)
{
	_cleanup_free_ char *path = NULL;
	struct earlier *e = arg;
	enum extent extent;
	int r;

	r = measure(pattern, &path, &extent);
	if (r > 0 && e->above)
		e->found |= extent != EXTENT_FILE &&
			    below(e->path, str_from(path));
	else if (r > 0)
		e->found |= overlap(str_from(path), e->path);
	return r < 0 ? r : 0;
}

/* 1 if one of the first n rules permits any of the verbs in what e asks for. */
static int search_permits(const struct derive *d, struct earlier *e, uint32_t n,
			  uint32_t verbs)
{
	const struct img_rule *rules = img_rules(d->p, FAMILY_FILE);

	for (uint32_t i = 0; i < n && !e->found; i++) {
		if (!verdict_permits((enum verdict_kind)rules[i].kind) ||
		    !(rules[i].mask & verbs))
			continue;
		for (uint32_t j = 0; j < rules[i].sources.n; j++) {
			int r = glob_expand(img_str_at(d->p, rules[i].sources,
						       j),
					    see_earlier, e);
			if (r < 0)
				return r;
		}
	}
	return e->found;
}

static int permitted_inside(const struct derive *d, const char *tree,
			    uint32_t n, uint32_t verbs)
{
	struct earlier e = { .path = str_from(tree) };

	return search_permits(d, &e, n, verbs);
}

/*
 * What the kernel keeps from readers as well as a hole would: it takes a
 * capability that commands do not have, is not for reading, or is the memory
 * of processes, which Landlock's ptrace rule guards; what is left is that of
 * processes of the same session.
 */
static bool kernel_refuses(struct str pattern)
{
	static const char *const refused[] = {
		"/proc/kcore", "/proc/kmem",         "/proc/sysrq-trigger",
		"/proc/*/mem", "/proc/*/task/*/mem",
	};

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (str_eq_c(pattern, refused[i]))
			return true;
	return false;
}

/*
 * A hole is made by granting the neighbours of the denied entry one by one, as
 * they are when the rules are built. That would forbid new names in a tree that
 * is to be written to, and new processes in /proc. 1: the hole can be made.
 */
static int add_hole(struct derive *d, const char *path)
{
	struct earlier e = { .path = str_from(path), .above = true };
	int r;

	if (below(e.path, STR("/proc")) ||
	    (d->workspace.n && below(e.path, d->workspace)))
		return 0;
	r = search_permits(d, &e, d->p->h->family[FAMILY_FILE].n, CHANGE_VERBS);
	if (r != 0)
		return r < 0 ? r : 0;
	r = d->out ? grant_set_add_hole(d->out, path) : 0;
	return r < 0 ? r : 1;
}

static bool denies(const struct policy *p, const char *path,
		   enum file_verb verb)
{
	return file_rules_verdict(p, str_from(path), verb).kind == VERDICT_DENY;
}

/* True if nothing that Landlock knows of is permitted on the very path. */
static bool is_sealed(const struct policy *p, const char *path)
{
	static const enum file_verb verbs[] = {
		FILE_OPEN,   FILE_READ,   FILE_LIST,  FILE_WRITE, FILE_CREATE,
		FILE_DELETE, FILE_RENAME, FILE_RMDIR, FILE_MKDIR,
	};

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (!denies(p, path, verbs[i]))
			return false;
	}
	return true;
}

/* One of the paths that a pattern with wildcards stands for. */
static int hole_of_pattern(void *arg, const char *path)
{
	struct derive *d = arg;
	int r = permitted_inside(d, path, d->number, READ_VERBS | CHANGE_VERBS);

	if (r == 0)
		r = add_hole(d, path) > 0 ? 0 : -EPERM;
	return r > 0 ? -EPERM : r;
}

static int deny_pattern(void *arg, struct str pattern)
{
	_cleanup_free_ char *path = NULL;
	struct derive *d = arg;
	enum extent extent;
	bool all = (d->mask & READ_VERBS) == READ_VERBS &&
		   (d->mask & WRITE_VERBS);
	int r;

	if (kernel_refuses(pattern))
		return 0;
	r = measure(pattern, &path, &extent);
	if (r <= 0)
		return r;
	if (extent == EXTENT_TREE && str_eq_c(str_from(path), "/")) {
		d->closed |= d->mask;
		if (d->mask & VERB(FILE_OPEN))
			d->system_trees = str_eq_c(img_str(d->p, d->rule->name),
						   "default-deny-files");
		return 0;
	}
	/* r: something speaks against a hole */
	r = 1;
	if (extent == EXTENT_FILE)
		r = !is_sealed(d->p, path);
	else if (extent == EXTENT_TREE && all)
		r = permitted_inside(d, path, d->number,
				     READ_VERBS | CHANGE_VERBS);
	if (r == 0) {
		r = add_hole(d, path);
		if (r != 0)
			return r < 0 ? r : 0;
	} else if (r < 0) {
		return r;
	}
	/* A denial that is no hole matters to reads; changes are seen. */
	if ((d->mask & READ_VERBS) &&
	    !(extent == EXTENT_SOME && all &&
	      holes_expand(pattern, hole_of_pattern, d) > 0))
		d->has_gap = true;
	return 0;
}

static int permit_pattern(void *arg, struct str pattern)
{
	_cleanup_free_ char *path = NULL;
	struct derive *d = arg;
	enum extent extent;
	uint32_t access;
	int r;

	r = measure(pattern, &path, &extent);
	if (r <= 0)
		return r;
	access = access_of(d->mask, path);
	if (access == 0)
		return 0;
	/* the grant on the directory is wider than the pattern */
	d->wide_read |= extent == EXTENT_SOME && (access & GRANT_READ);
	return d->out ? grant_set_add(d->out, path, access, /* expand */ false)
		      : 0;
}

/* A diverting rule grants where it leads to, not what it covers. */
static int grant_redirect(const struct derive *d)
{
	struct str dir = img_str(d->p, d->rule->redirect_to);
	_cleanup_free_ char *path = str_dup(dir);

	if (!path)
		return -ENOMEM;
	if (!d->out || dir.n < 2 || dir.p[0] != '/')
		return 0; /* in the workspace, which is granted */
	return grant_set_add(d->out, path, GRANT_RW, /* expand */ false);
}

static int derive_rule(struct derive *d)
{
	enum verdict_kind kind = (enum verdict_kind)d->rule->kind;
	int r = 0;

	d->mask = d->rule->mask & ~d->closed;
	/* what has to be asked or diverted must be seen */
	if ((kind == VERDICT_APPROVE || kind == VERDICT_REDIRECT ||
	     kind == VERDICT_SOFT_DELETE) &&
	    (d->mask & READ_VERBS))
		d->has_gap = true;
	if (kind == VERDICT_REDIRECT)
		return grant_redirect(d);
	for (uint32_t i = 0; i < d->rule->sources.n && r >= 0; i++)
		r = glob_expand(img_str_at(d->p, d->rule->sources, i),
				verdict_permits(kind) ? permit_pattern
						      : deny_pattern,
				d);
	return r < 0 ? r : 0;
}

static int derive_files(struct derive *d)
{
	const struct img_rule *rules = img_rules(d->p, FAMILY_FILE);
	int r = 0;

	for (uint32_t i = 0; i < d->p->h->family[FAMILY_FILE].n && r == 0;
	     i++) {
		d->rule = &rules[i];
		d->number = i;
		r = derive_rule(d);
	}
	return r;
}

static int add_trees(struct grant_set *g, const char *const *trees, size_t n,
		     uint32_t access)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = grant_set_add(g, trees[i], access, /* expand */ false);
	return r;
}

/* What reads need without a rule: everything, or what a program starts from. */
static int add_default_reads(const struct derive *d)
{
	static const char *const system[] = {
		"/usr",
		"/lib",
		"/lib64",
		"/lib32",
		"/libx32",
		"/bin",
		"/sbin",
		"/etc/ld.so.cache",
		"/etc/ld.so.conf",
		"/etc/ld.so.conf.d",
		"/etc/ld.so.preload",
	};

	if (!(d->closed & VERB(FILE_OPEN)))
		return grant_set_add(d->out, "/", GRANT_READ,
				     /* expand */ false);
	if (d->system_trees)
		return add_trees(d->out, system, ARRAY_LEN(system), GRANT_READ);
	return 0;
}

/* A rule that lets any program run by name alone. */
static bool any_program(const struct policy *p, const struct img_rule *r)
{
	if (r->flags & RULE_ANY_COMMAND)
		return true;
	for (uint32_t i = 0; i < r->sources.n; i++) {
		struct str s = img_str_at(p, r->sources, i);

		if (str_eq_c(s, "*") || str_eq_c(s, "**") || str_eq_c(s, "/**"))
			return true;
	}
	return false;
}

/* Programs that a rule names by path. */
static int add_named_programs(const struct derive *d, const struct img_rule *r)
{
	for (uint32_t i = 0; i < r->sources.n; i++) {
		_cleanup_free_ char *path = NULL;
		enum extent extent;
		int k;

		k = measure(img_str_at(d->p, r->sources, i), &path, &extent);
		if (k > 0)
			k = grant_set_add(d->out, path,
					  GRANT_READ | GRANT_EXECUTE,
					  /* expand */ false);
		if (k < 0)
			return k;
	}
	return 0;
}

static int add_programs(const struct derive *d)
{
	static const char *const system[] = {
		"/bin",        "/sbin",        "/usr/bin",   "/usr/sbin",
		"/usr/local",  "/lib",         "/lib64",     "/lib32",
		"/libx32",     "/usr/lib",     "/usr/lib32", "/usr/lib64",
		"/usr/libx32", "/usr/libexec",
	};
	const struct img_rule *rules = img_rules(d->p, FAMILY_COMMAND);
	bool any = false;
	int r;

	r = add_trees(d->out, system, ARRAY_LEN(system),
		      GRANT_READ | GRANT_EXECUTE);
	for (uint32_t i = 0; i < d->p->h->family[FAMILY_COMMAND].n; i++) {
		if (!verdict_permits((enum verdict_kind)rules[i].kind))
			continue;
		any |= any_program(d->p, &rules[i]);
		if (r == 0)
			r = add_named_programs(d, &rules[i]);
	}
	/* then what may be read may be run, the catchers willing */
	for (size_t i = 0; any && i < d->out->fs.n; i++) {
		if (d->out->fs.data[i].access & GRANT_READ)
			d->out->fs.data[i].access |= GRANT_EXECUTE;
	}
	return r;
}

static bool has_port(const struct grant_set *g, uint16_t port)
{
	for (size_t i = 0; i < g->tcp_connect_ports.n; i++) {
		if (g->tcp_connect_ports.data[i] == port)
			return true;
	}
	return false;
}

static int add_ports(const struct derive *d)
{
	const struct img_rule *rules = img_rules(d->p, FAMILY_NET);

	/* listening is not something network rules speak about */
	d->out->tcp_bind_any = true;
	for (uint32_t i = 0; i < d->p->h->family[FAMILY_NET].n; i++) {
		const struct img_net *n =
			IMG_TABLE(d->p, SEC_NETS, struct img_net) +
			rules[i].extra;
		const uint32_t *ports =
			IMG_TABLE(d->p, SEC_NUMBERS, uint32_t) + n->ports.first;

		if (!verdict_permits((enum verdict_kind)rules[i].kind))
			continue;
		if (!(n->groups & NET_HAS_PORTS))
			d->out->tcp_connect_any = true;
		for (uint32_t j = 0; j < n->ports.n; j++) {
			uint16_t port = (uint16_t)ports[j];

			if (!has_port(d->out, port) &&
			    vec_push(&d->out->tcp_connect_ports, port) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

int policy_derive_grants(const struct policy *p, struct str workspace,
			 struct grant_set *ret)
{
	_cleanup_free_ char *top = str_dup(workspace);
	struct derive d = { .p = p, .out = ret, .workspace = workspace };
	int r;

	if (!top)
		return -ENOMEM;
	r = derive_files(&d);
	if (r == 0)
		r = add_default_reads(&d);
	if (r == 0 && workspace.n > 0)
		r = grant_set_add(ret, top, GRANT_RW | GRANT_EXECUTE,
				  /* expand */ false);
	if (r == 0)
		r = add_programs(&d);
	return r == 0 ? add_ports(&d) : r;
}

bool policy_needs_open_notify(const struct policy *p, struct str workspace)
{
	struct derive d = { .p = p, .workspace = workspace };

	/* when memory runs out, assume that something is to be watched */
	if (derive_files(&d) < 0 || d.has_gap)
		return true;
	/* it matters only where reading takes a rule */
	return d.wide_read && (d.closed & VERB(FILE_OPEN));
}
