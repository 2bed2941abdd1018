/* SPDX-License-Identifier: MIT */
/*
 * seccomp.c - the static filter and the user-notify classes, as a BPF program
 *
 * Shape: arch check, then a binary search over syscall numbers, whose leaves
 * are an answer or a few tests of scalar arguments. A number that the table
 * does not know gets ENOSYS: what did not exist when this was built, was not
 * judged; x32 numbers (bit 30) fall under the same rule.
 *
 * Nothing in memory can be tested: calls whose flags are there (openat2,
 * clone3) are notified or refused.
 *
 * Program loading is a cost of every spawn: the kernel emulates the program
 * for every number to find the constant allows, and then compiles it. Hence
 * the tree, and leaves shared where ranges have one answer.
 */
#include "confine/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "confine/bpf.h"
#include "confine/seccomp_leaf.h"

#if defined(__x86_64__)
#	define NATIVE_ARCH       AUDIT_ARCH_X86_64
#	define NR(x86_64, arm64) x86_64
#elif defined(__aarch64__)
#	define NATIVE_ARCH       AUDIT_ARCH_AARCH64
#	define NR(x86_64, arm64) arm64
#else
#	error "add this machine to confine/gen-syscalls.py first"
#endif

struct row {
	const char *name;
	int16_t nr;    /* -1 = not on this machine */
	uint8_t class; /* enum row_class */
};

static const struct row rows[] = {
#define X(name, x86_64, arm64, class) { #name, NR(x86_64, arm64), ROW_##class },
#include "confine/syscalls.inc"
#undef X
};

#define NR_MAX 511 /* above every number in the table; checked by a test */

static bool action_eq(struct action a, struct action b)
{
	return a.pass == b.pass && a.check == b.check;
}

static struct action answer(uint32_t ret)
{
	return (struct action){ ret, ROW_ALLOW };
}

static struct action tested(enum row_class check, uint32_t pass)
{
	return (struct action){ pass, (uint8_t)check };
}

static uint32_t notified(const struct seccomp_options *o, uint32_t classes)
{
	return o->notify & classes ? RET_NOTIFY : SECCOMP_RET_ALLOW;
}

static struct action refused(const struct seccomp_options *o)
{
	return answer(o->notify & NOTIFY_DENIED ? RET_NOTIFY
						: RET_ERRNO(EPERM));
}

static struct action mode_tested(const struct seccomp_options *o,
				 enum row_class class, uint32_t notify)
{
	if (o->allow_setid && class != ROW_MKNOD && class != ROW_MKNODAT)
		return answer(notified(o, notify));
	return tested(class, notified(o, notify));
}

static struct action open_action(const struct seccomp_options *o,
				 enum row_class class)
{
	const uint32_t both = NOTIFY_OPEN_WRITE | NOTIFY_OPEN_READ;

	if (o->allow_setid && (o->notify & both) == both)
		return answer(RET_NOTIFY);
	if (o->allow_setid && (o->notify & both) == 0)
		return answer(SECCOMP_RET_ALLOW);
	return tested(class, notified(o, NOTIFY_OPEN_READ));
}

static struct action file_action(const struct seccomp_options *o,
				 enum row_class class)
{
	switch ((int)class) {
	case ROW_OPEN:
	case ROW_OPENAT:
		return open_action(o, class);
	case ROW_OPENAT2:
		return answer(o->notify & (NOTIFY_OPEN_WRITE | NOTIFY_OPEN_READ)
				      ? RET_NOTIFY
				      : RET_ERRNO(ENOSYS));
	case ROW_CREAT:
		return mode_tested(o, ROW_CHMOD, NOTIFY_OPEN_WRITE);
	case ROW_MUTATE:
		return answer(notified(o, NOTIFY_MUTATE));
	case ROW_TRUNCATE:
		return !(o->notify & NOTIFY_MUTATE) && o->landlock_abi < 3
			       ? answer(RET_ERRNO(EPERM))
			       : answer(notified(o, NOTIFY_MUTATE));
	case ROW_MKNOD:
	case ROW_MKNODAT:
		return mode_tested(o, class, NOTIFY_MUTATE);
	case ROW_META:
		return answer(notified(o, NOTIFY_META));
	case ROW_CHMOD:
	case ROW_CHMODAT:
		return mode_tested(o, class, NOTIFY_META);
	case ROW_STAT:
		return answer(notified(o, NOTIFY_STAT));
	case ROW_FTRUNCATE:
		return answer(notified(o, NOTIFY_FTRUNCATE));
	case ROW_PWRITEV2:
		return o->notify & NOTIFY_FTRUNCATE
			       ? tested(class, SECCOMP_RET_ALLOW)
			       : answer(SECCOMP_RET_ALLOW);
	case ROW_IO_SETUP:
		return answer(o->notify & NOTIFY_OPEN_WRITE
				      ? RET_ERRNO(ENOSYS)
				      : SECCOMP_RET_ALLOW);
	case ROW_WATCH:
		return answer(notified(o, NOTIFY_OPEN_READ));
	default:
		return o->launch_key && (o->notify & NOTIFY_CHDIR)
			       ? tested(class, RET_NOTIFY)
			       : answer(notified(o, NOTIFY_CHDIR));
	}
}

static struct action process_action(const struct seccomp_options *o,
				    enum row_class class)
{
	switch ((int)class) {
	case ROW_PTRACE:
		return o->allow_ptrace ? answer(SECCOMP_RET_ALLOW) : refused(o);
	case ROW_SETNS:
		return o->allow_userns ? answer(SECCOMP_RET_ALLOW) : refused(o);
	case ROW_UNSHARE:
		return o->allow_userns ? answer(SECCOMP_RET_ALLOW)
				       : tested(class, SECCOMP_RET_ALLOW);
	case ROW_EXEC:
		return answer(notified(o, NOTIFY_EXEC));
	case ROW_SETFS:
		return o->notify & NOTIFY_POSTEXEC
			       ? tested(class, SECCOMP_RET_ALLOW)
			       : answer(SECCOMP_RET_ALLOW);
	case ROW_SETTID: /* where there is no arch_prctl */
		return answer(
			NR(SECCOMP_RET_ALLOW, notified(o, NOTIFY_POSTEXEC)));
	case ROW_KILL:
		return tested(class, notified(o, NOTIFY_SIGNAL));
	case ROW_SIGNAL:
		return answer(notified(o, NOTIFY_SIGNAL));
	case ROW_TGKILL:
		return o->notify & NOTIFY_SIGNAL ? tested(class, RET_NOTIFY)
						 : answer(SECCOMP_RET_ALLOW);
	default:
		return tested(class, SECCOMP_RET_ALLOW);
	}
}

static struct action row_action(const struct seccomp_options *o,
				enum row_class class)
{
	switch (class) {
	case ROW_ALLOW:
		return answer(SECCOMP_RET_ALLOW);
	case ROW_DENY:
		return refused(o);
	case ROW_NOSYS:
		return answer(RET_ERRNO(ENOSYS));
	case ROW_OPEN:
	case ROW_OPENAT:
	case ROW_OPENAT2:
	case ROW_CREAT:
	case ROW_MUTATE:
	case ROW_TRUNCATE:
	case ROW_MKNOD:
	case ROW_MKNODAT:
	case ROW_META:
	case ROW_CHMOD:
	case ROW_CHMODAT:
	case ROW_STAT:
	case ROW_FTRUNCATE:
	case ROW_PWRITEV2:
	case ROW_IO_SETUP:
	case ROW_CHDIR:
	case ROW_WATCH:
		return file_action(o, class);
	case ROW_NET:
		return answer(notified(o, NOTIFY_NET));
	case ROW_SENDMSG:
	case ROW_SENDMMSG:
		return tested(class, notified(o, NOTIFY_NET));
	case ROW_FCNTL:
	case ROW_SENDTO:
	case ROW_RECVFROM:
	case ROW_RECVMSG:
	case ROW_SOCKET:
	case ROW_SOCKETPAIR:
	case ROW_SETSOCKOPT:
	case ROW_IOCTL:
	case ROW_PRCTL:
	case ROW_SECCOMP:
	case ROW_PERSONALITY:
	case ROW_PRLIMIT:
	case ROW_SETPRIORITY:
	case ROW_IOPRIO:
	case ROW_SELF:
		return tested(class, SECCOMP_RET_ALLOW);
	case ROW_PTRACE:
	case ROW_SETNS:
	case ROW_UNSHARE:
	case ROW_CLONE:
	case ROW_EXEC:
	case ROW_SETFS:
	case ROW_SETTID:
	case ROW_KILL:
	case ROW_SIGNAL:
	case ROW_TGKILL:
		return process_action(o, class);
	}
	return answer(RET_ERRNO(EPERM));
}

static bool is_blocked(const struct seccomp_options *o, const char *name)
{
	for (size_t i = 0; i < o->n_block; i++) {
		if (o->block[i][0] == name[0] && strcmp(o->block[i], name) == 0)
			return true;
	}
	return false;
}

/* The table's answer, made stricter for what is in the configured list. */
static struct action decide(const struct seccomp_options *o,
			    const struct row *row, bool blocked)
{
	struct action a = row_action(o, (enum row_class)row->class);

	if (!blocked)
		return a;
	if (o->on_block == SECCOMP_BLOCK_KILL)
		return answer(SECCOMP_RET_KILL_PROCESS);
	if (row->class == ROW_NOSYS) /* refused, and with a better errno */
		return a;
	if (o->on_block == SECCOMP_BLOCK_NOTIFY && o->notify)
		return answer(RET_NOTIFY);
	return refused(o);
}

/* --- the tree over numbers --- */

struct range {
	uint16_t first;
	struct action action;
};

struct cluster {
	size_t first; /* index of its first range */
	struct action common;
};

struct tree {
	const struct seccomp_options *options;
	bool blocked[ARRAY_LEN(rows)];   /* by the configured list */
	const char *unknown;             /* the first name there that is none */
	struct range ranges[NR_MAX + 2]; /* the last one is a sentinel */
	size_t n;
	struct cluster clusters[NR_MAX + 2];
	size_t n_clusters;
	struct bpf bpf;
};

static void tree_init(struct tree *t, const struct seccomp_options *o)
{
	t->options = o;
	t->unknown = NULL;
	memset(t->blocked, 0, sizeof(t->blocked));
	t->n = t->n_clusters = 0;
	t->bpf.n = 0;
	t->bpf.error = 0;
}

static int by_name(const void *name, const void *row)
{
	return strcmp(name, ((const struct row *)row)->name);
}

static void tree_block(struct tree *t)
{
	for (size_t i = 0; i < t->options->n_block; i++) {
		const char *name = t->options->block[i];
		const struct row *row = bsearch(name, rows, ARRAY_LEN(rows),
						sizeof(rows[0]),
						by_name); /* they are sorted */

		if (row)
			t->blocked[row - rows] = true;
		else if (!t->unknown)
			t->unknown = name;
	}
}

static void tree_fill(struct tree *t)
{
	struct action all[NR_MAX + 1];

	tree_block(t);
	for (size_t nr = 0; nr <= NR_MAX; nr++)
		all[nr] = answer(RET_ERRNO(ENOSYS));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].nr >= 0 && rows[i].nr <= NR_MAX)
			all[rows[i].nr] =
				decide(t->options, &rows[i], t->blocked[i]);
	}
	for (size_t nr = 0; nr <= NR_MAX; nr++) {
		if (t->n > 0 && action_eq(t->ranges[t->n - 1].action, all[nr]))
			continue;
		t->ranges[t->n++] = (struct range){ (uint16_t)nr, all[nr] };
	}
	t->ranges[t->n].first = NR_MAX + 1;
}

/*
 * A cluster is a run of ranges with one common answer and a few exceptions
 * that are single numbers: one equality test per exception is shorter than two
 * comparisons. The longer tests sit in exceptions, so the count is bounded by
 * how far a conditional jump reaches.
 */
#define CLUSTER_EXCEPTIONS 6

static bool is_single(const struct tree *t, size_t i)
{
	return t->ranges[i + 1].first == t->ranges[i].first + 1;
}

/* End of the longest cluster that starts at `from` with answer `common`. */
static size_t cluster_end(const struct tree *t, size_t from,
			  struct action common)
{
	unsigned int exceptions = 0;
	size_t i = from;

	for (; i < t->n; i++) {
		if (action_eq(t->ranges[i].action, common))
			continue;
		if (!is_single(t, i) || ++exceptions > CLUSTER_EXCEPTIONS)
			break;
	}
	return i;
}

/*
 * The common answer is the first range's or, where that is itself an
 * exception, the second's.
 */
static void tree_cluster(struct tree *t)
{
	for (size_t i = 0; i < t->n;) {
		struct cluster c = { i, t->ranges[i].action };
		size_t end = cluster_end(t, i, c.common);

		if (i + 1 < t->n && is_single(t, i)) {
			struct action other = t->ranges[i + 1].action;
			size_t alternative = cluster_end(t, i, other);

			if (alternative > end) {
				c.common = other;
				end = alternative;
			}
		}
		t->clusters[t->n_clusters++] = c;
		i = end;
	}
	t->clusters[t->n_clusters].first = t->n; /* sentinel */
}

static void emit_cluster(struct tree *t, const struct cluster *c)
{
	for (size_t i = c->first; i < c[1].first; i++) {
		size_t block;

		if (action_eq(t->ranges[i].action, c->common))
			continue;
		block = bpf_if_eq(&t->bpf, t->ranges[i].first);
		seccomp_leaf_emit(&t->bpf, t->options, t->ranges[i].action);
		bpf_end(&t->bpf, block);
	}
	seccomp_leaf_emit(&t->bpf, t->options, c->common);
}

/* A half of the tree still to be emitted; `fork` is joined when it is done. */
struct half {
	size_t from, to;
	size_t fork;
	bool left; /* left halves end with a join */
};

/* Depth first, on a stack of its own: at most two halves per level. */
static void emit_tree(struct tree *t)
{
	struct half stack[64];
	size_t n = 0;

	stack[n++] = (struct half){ .to = t->n_clusters };
	while (n > 0) {
		struct half *h = &stack[n - 1];
		size_t middle = h->from + (h->to - h->from) / 2;
		size_t fork;

		if (h->from == h->to) { /* its parts are done */
			if (h->left)
				bpf_join(&t->bpf, h->fork);
			n--;
			continue;
		}
		if (h->to - h->from == 1) {
			emit_cluster(t, &t->clusters[h->from]);
			h->from = h->to;
			continue;
		}
		fork = bpf_fork(&t->bpf,
				t->ranges[t->clusters[middle].first].first);
		stack[n] = (struct half){ middle, h->to, 0, false };
		stack[n + 1] = (struct half){ h->from, middle, fork, true };
		h->from = h->to;
		n += 2;
	}
}

static void stop_for_tracer(struct bpf *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->insns[i].code == (BPF_RET | BPF_K) &&
		    p->insns[i].k == RET_NOTIFY)
			p->insns[i].k = SECCOMP_RET_TRACE;
}

/* What is refused for its arguments is told as well. */
static void tell_refusals(struct bpf *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct sock_filter *f = &p->insns[i];

		if (f->code == (BPF_RET | BPF_K) &&
		    (f->k & ~0xffffU) == SECCOMP_RET_ERRNO &&
		    f->k != RET_ERRNO(ENOSYS))
			f->k = RET_NOTIFY;
	}
}

static struct sock_fprog *program_copy(const struct bpf *b)
{
	struct program {
		struct sock_fprog head;
		struct sock_filter insns[];
	} *p = malloc(sizeof(*p) + b->n * sizeof(p->insns[0]));

	if (!p)
		return NULL;
	memcpy(p->insns, b->insns, b->n * sizeof(p->insns[0]));
	p->head.len = (unsigned short)b->n;
	p->head.filter = p->insns;
	return &p->head;
}

int seccomp_build(const struct seccomp_options *o, struct sock_fprog **ret,
		  const char **ret_unknown)
{
	/* Room for the longest program, of which little is touched. */
	_cleanup_free_ struct tree *t = malloc(sizeof(*t));
	struct sock_fprog *program;

	if (!t)
		return -ENOMEM;
	tree_init(t, o);
	tree_fill(t);
	tree_cluster(t);
	bpf_load(&t->bpf, offsetof(struct seccomp_data, arch));
	bpf_ret_ne(&t->bpf, NATIVE_ARCH, SECCOMP_RET_KILL_PROCESS);
	bpf_load(&t->bpf, offsetof(struct seccomp_data, nr));
	emit_tree(t);
	if (o->notify & NOTIFY_DENIED)
		tell_refusals(&t->bpf);
	if (o->trace)
		stop_for_tracer(&t->bpf);
	bpf_shrink(&t->bpf);
	if (t->bpf.error)
		return t->bpf.error;
	program = program_copy(&t->bpf);
	if (!program)
		return -ENOMEM;
	if (ret_unknown)
		*ret_unknown = t->unknown;
	*ret = program;
	return 0;
}

static const struct row *row_of(long nr)
{
	/* Index + 1; 0 = none. Filled alike by whoever comes first. */
	static uint16_t at[NR_MAX + 1];
	static bool filled;

	if (!filled) {
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			if (rows[i].nr >= 0 && rows[i].nr <= NR_MAX)
				at[rows[i].nr] = (uint16_t)(i + 1);
		filled = true;
	}
	return nr >= 0 && nr <= NR_MAX && at[nr] ? &rows[at[nr] - 1] : NULL;
}

enum seccomp_class seccomp_classify(const struct seccomp_options *o, long nr)
{
	const struct row *row = row_of(nr);
	struct action a;

	if (!row)
		return SECCOMP_DENY;
	a = decide(o, row, is_blocked(o, row->name));
	if (a.check != ROW_ALLOW)
		return SECCOMP_CHECK;
	if (a.pass == SECCOMP_RET_ALLOW)
		return SECCOMP_ALLOW;
	if (a.pass == RET_NOTIFY)
		return SECCOMP_NOTIFY;
	if (a.pass == SECCOMP_RET_KILL_PROCESS)
		return SECCOMP_KILL;
	return (o->notify & NOTIFY_DENIED) && a.pass != RET_ERRNO(ENOSYS)
		       ? SECCOMP_NOTIFY
		       : SECCOMP_DENY;
}

int seccomp_denied_errno(const struct seccomp_options *o, long nr)
{
	struct seccomp_options quiet = *o;
	const struct row *row = row_of(nr);
	struct action a;

	if (!row)
		return ENOSYS;
	quiet.notify &= ~(uint32_t)NOTIFY_DENIED;
	if (quiet.on_block != SECCOMP_BLOCK_KILL)
		quiet.on_block = SECCOMP_BLOCK_ERRNO;
	a = decide(&quiet, row, is_blocked(o, row->name));
	if (a.check != ROW_ALLOW)
		return 0;
	if (a.pass == SECCOMP_RET_KILL_PROCESS)
		return EPERM;
	return (a.pass & ~0xffffU) == SECCOMP_RET_ERRNO ? (int)(a.pass & 0xffff)
							: 0;
}

int seccomp_build_quiet(const struct seccomp_options *o,
			struct sock_fprog **ret)
{
	struct seccomp_options quiet = *o;

	quiet.notify = 0;
	quiet.trace = false;
	quiet.on_block = SECCOMP_BLOCK_ERRNO;
	return seccomp_build(&quiet, ret, NULL);
}

int seccomp_refusal(const struct sock_fprog *quiet, long nr,
		    const uint64_t args[6])
{
	struct seccomp_data d = { .nr = (int)nr, .arch = NATIVE_ARCH };
	uint32_t action;

	for (int i = 0; i < 6; i++)
		d.args[i] = args[i];
	action = bpf_run(quiet, &d, sizeof(d));
	if (action == SECCOMP_RET_ALLOW)
		return 0;
	return (action & ~0xffffU) == SECCOMP_RET_ERRNO ? (int)(action & 0xffff)
							: EPERM;
}

const char *seccomp_syscall_name(long nr)
{
	const struct row *row = row_of(nr);

	return row ? row->name : NULL;
}
