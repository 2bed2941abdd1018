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
#include "core/grant.h"
#include "core/op.h"
#include "policy/decide.h"
#include "policy/extent.h"
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

struct derive {
	const struct policy *p;
	struct grant_set *out;    /* NULL: only find out about gaps */
	struct str workspace;     /* "": not known */
	struct places places;     /* owned */
	struct listings listings; /* owned */
	const struct img_rule *rule;
	uint32_t number;
	uint32_t mask;     /* of the rule, without what nobody can reach */
	uint32_t closed;   /* verbs that a rule for everything has denied */
	bool has_gap;      /* reads denied, or to be asked, inside a grant */
	bool wide_read;    /* a pattern's grant lets more be read than it */
	bool system_trees; /* the closing rule is called default-deny-files */
};

static uint32_t access_of(uint32_t mask, struct str path)
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
	if (a && str_starts(path, STR("/dev")))
		a |= GRANT_IOCTL;
	return a;
}

/* One of the first n rules permits any of the verbs in something that may be
 * the path, or be in it. */
static bool permitted_inside(const struct derive *d, struct str path,
			     uint32_t n, uint32_t verbs)
{
	for (size_t i = 0; i < d->places.v.n; i++) {
		const struct place *p = &d->places.v.data[i];

		if (p->rule >= n)
			return false; /* they are in order */
		if (p->permits && (p->mask & verbs) &&
		    extent_overlap(p->path, path))
			return true;
	}
	return false;
}

/* Some rule lets things be changed in a tree that the path lies in. */
static bool changes_above(const struct derive *d, struct str path)
{
	for (size_t i = 0; i < d->places.v.n; i++) {
		const struct place *p = &d->places.v.data[i];

		if (p->permits && (p->mask & CHANGE_VERBS) &&
		    p->extent != EXTENT_FILE && extent_below(path, p->path))
			return true;
	}
	return false;
}

/*
 * What the kernel keeps from readers as well as a hole would: it takes a
 * capability that commands do not have (raw I/O: memory and ports as devices,
 * kcore), is not for reading, or is the memory
 * of processes, which Landlock's ptrace rule guards; what is left is that of
 * processes of the same session.
 */
static bool kernel_refuses(struct str pattern)
{
	static const char *const refused[] = {
		"/dev/kmem",           "/dev/mem",           "/dev/port",
		"/proc/kcore",         "/proc/kmem",         "/proc/*/mem",
		"/proc/sysrq-trigger", "/proc/*/task/*/mem",
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
static int add_hole(struct derive *d, struct str path)
{
	int r;

	if (d->out && d->out->no_holes)
		return 0;
	if (extent_below(path, STR("/proc")) ||
	    (d->workspace.n && extent_below(path, d->workspace)) ||
	    changes_above(d, path))
		return 0;
	r = d->out ? grant_set_add_hole(d->out, path.p) : 0;
	return r < 0 ? r : 1;
}

static bool denies(const struct policy *p, struct str path, enum file_verb verb)
{
	return file_rules_verdict(p, path, verb).kind == VERDICT_DENY;
}

/* True if nothing that Landlock knows of is permitted on the very path. */
static bool is_sealed(const struct policy *p, struct str path)
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
	int r;

	if (permitted_inside(d, str_from(path), d->number,
			     READ_VERBS | CHANGE_VERBS))
		return -EPERM;
	r = add_hole(d, str_from(path));
	return r > 0 ? 0 : r < 0 ? r : -EPERM;
}

static int deny_place(struct derive *d, const struct place *p)
{
	bool all = (d->mask & READ_VERBS) == READ_VERBS &&
		   (d->mask & WRITE_VERBS);
	bool hole = false;
	int r;

	if (kernel_refuses(p->pattern))
		return 0;
	if (p->extent == EXTENT_TREE && p->path.n == 1) {
		d->closed |= d->mask;
		if (d->mask & VERB(FILE_OPEN))
			d->system_trees = str_eq_c(img_str(d->p, d->rule->name),
						   "default-deny-files");
		return 0;
	}
	if (p->extent == EXTENT_FILE)
		hole = is_sealed(d->p, p->path);
	else if (p->extent == EXTENT_TREE && all)
		hole = !permitted_inside(d, p->path, d->number,
					 READ_VERBS | CHANGE_VERBS);
	r = hole ? add_hole(d, p->path) : 0;
	if (r != 0)
		return r < 0 ? r : 0;
	/* A denial that is no hole matters to reads; changes are seen. */
	if ((d->mask & READ_VERBS) &&
	    !(p->extent == EXTENT_SOME && all &&
	      !(d->out && d->out->no_holes) &&
	      holes_expand(p->pattern, &d->listings, hole_of_pattern, d) > 0))
		d->has_gap = true;
	return 0;
}

static int permit_place(struct derive *d, const struct place *p)
{
	uint32_t access = access_of(d->mask, p->path);

	if (access == 0)
		return 0;
	/* the grant on the directory is wider than the pattern */
	d->wide_read |= p->extent == EXTENT_SOME && (access & GRANT_READ);
	return d->out ? grant_set_add(d->out, p->path.p, access,
				      /* expand */ false)
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

/* One rule and its places, of which there are n. */
static int derive_rule(struct derive *d, const struct place *places, size_t n)
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
	for (size_t i = 0; i < n && r == 0; i++)
		r = verdict_permits(kind) ? permit_place(d, &places[i])
					  : deny_place(d, &places[i]);
	return r;
}

static int derive_files(struct derive *d)
{
	const struct img_rule *rules = img_rules(d->p, FAMILY_FILE);
	size_t at = 0, end;
	int r = places_of(d->p, &d->places);

	for (uint32_t i = 0; i < d->p->h->family[FAMILY_FILE].n && r == 0;
	     i++) {
		end = at;
		while (end < d->places.v.n && d->places.v.data[end].rule == i)
			end++;
		d->rule = &rules[i];
		d->number = i;
		r = derive_rule(d, d->places.v.data + at, end - at);
		at = end;
	}
	listings_done(&d->listings);
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
static int add_named_programs(struct derive *d, const struct img_rule *r)
{
	for (uint32_t i = 0; i < r->sources.n; i++) {
		struct str path;
		enum extent extent;
		int k;

		k = extent_of(img_str_at(d->p, r->sources, i), &d->places.arena,
			      &path, &extent);
		if (k > 0)
			k = grant_set_add(d->out, path.p,
					  GRANT_READ | GRANT_EXECUTE,
					  /* expand */ false);
		if (k < 0)
			return k;
	}
	return 0;
}

static int add_programs(struct derive *d)
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

static void derive_done(struct derive *d)
{
	places_done(&d->places);
	listings_done(&d->listings);
}

/* It matters only where reading takes a rule. */
static bool reads_to_watch(const struct derive *d)
{
	return d->has_gap || (d->wide_read && (d->closed & VERB(FILE_OPEN)));
}

int policy_derive_grants(const struct policy *p, struct str workspace,
			 struct grant_set *ret, bool *ret_opens)
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
	if (r == 0)
		r = add_ports(&d);
	if (r == 0 && ret_opens)
		*ret_opens = reads_to_watch(&d);
	derive_done(&d);
	return r;
}

bool policy_needs_open_notify(const struct policy *p, struct str workspace)
{
	struct derive d = { .p = p, .workspace = workspace };
	/* when memory runs out, assume that something is to be watched */
	bool yes = derive_files(&d) < 0 || reads_to_watch(&d);

	derive_done(&d);
	return yes;
}
