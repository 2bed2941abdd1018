/* SPDX-License-Identifier: MIT */
/*
 * identity.c - acting with the credentials of the caller
 *
 * Theory of operation
 *
 * Commands that are left capabilities (capabilities.allow) can have other ids
 * and groups than we, and rights that go with them, and each of their threads
 * its own. What we do for a caller the kernel has to judge as it would judge
 * the caller. So from when a call is decoded until it is answered this thread
 * has the caller's effective and file-system ids, its groups, and its effective
 * capabilities; ids and capabilities of a thread are changed by raw calls,
 * because those of the C library speak to all threads.
 *
 * They are read from /proc/TID/status. A thread changes its credentials only by
 * calls of its own, and it is in one, so they stay what they are; that it was
 * the caller whose file was read, the notification's id tells afterwards.
 *
 * Three things are not done as the caller. Looking at it (memory, descriptors,
 * working directory): a process that has changed its user is closed to all but
 * CAP_SYS_PTRACE, which the caller must never have through us; so we become
 * ourselves for just that (identity_look()). Keeping what is destroyed: the
 * quarantine is ours alone, and one rename leads from the caller's directory
 * into it; what the kernel would ask of the caller is asked before (permit.c),
 * then we are ourselves with rights over everybody's files (identity_keep()).
 * And executing, which goes on and is the kernel's to judge.
 *
 * Our real user id stays: it lets us go back whatever we are, and counts for
 * nothing that we do. In all three identities Landlock holds us to what
 * commands are granted (floor.c).
 *
 * Changing ids makes us undumpable, so what else runs as our user cannot look
 * at us either.
 */
#include "tracer/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macro.h"
#include "base/num.h"
#include "base/str.h"
#include "confine/caps.h"
#include "tracer/notify.h"

#define BIT(cap) (UINT64_C(1) << (cap))

#define STATUS_MAX (1U << 20) /* 65,536 groups are some 700 KB */
#define CACHE      8

#define SWITCH (BIT(CAP_SETUID) | BIT(CAP_SETGID))
/* Without these nobody else's process or file can be dealt with. */
#define OTHERS                                                         \
	(BIT(CAP_SYS_PTRACE) | BIT(CAP_KILL) | BIT(CAP_DAC_OVERRIDE) | \
	 BIT(CAP_FOWNER) | BIT(CAP_CHOWN))
#define LOOK (BIT(CAP_SYS_PTRACE) | BIT(CAP_KILL) | BIT(CAP_DAC_READ_SEARCH))
#define KEEP (OTHERS | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FSETID))

struct identity {
	unsigned int refs;
	uid_t euid, fsuid, ruid;
	gid_t egid, fsgid, rgid;
	uint64_t caps; /* effective */
	size_t n_groups;
	gid_t groups[];
};

static struct {
	bool on;
	uint64_t commands;
	struct identity *look, *keep; /* owned: ourselves */
	struct identity *now;         /* owned: what this thread is */
	/* Seen lately: most callers are like the one before. Owned. */
	struct identity *cache[CACHE];
	size_t next;
} state;

uint64_t identity_allowed(uint64_t asked, bool judges, uint64_t *ret_kept)
{
	uint64_t effective = 0, permitted = 0, bounding = 0;

	*ret_kept = 0;
	if (!asked || caps_get(&effective, &permitted, &bounding) < 0)
		return 0;
	asked &= permitted;
	/* A device that nobody keeps from being opened is the disk itself. */
	if (!judges)
		asked &= ~BIT(CAP_MKNOD);
	if (judges && (permitted & OTHERS) != OTHERS)
		asked &= ~SWITCH;
	if (asked)
		*ret_kept = (asked | LOOK | KEEP | SWITCH | BIT(CAP_SETPCAP)) &
			    permitted;
	return asked;
}

static struct identity *hold(struct identity *i)
{
	i->refs++;
	return i;
}

struct identity *identity_put(struct identity *i)
{
	if (i && --i->refs == 0)
		free(i);
	return NULL;
}

static struct identity *identity_new(size_t n_groups)
{
	struct identity *i =
		malloc(sizeof(*i) + n_groups * sizeof(i->groups[0]));

	if (i)
		*i = (struct identity){ .refs = 1, .n_groups = n_groups };
	return i;
}

static struct identity *ourselves(uint64_t caps)
{
	int n = getgroups(0, NULL);
	struct identity *i = n < 0 ? NULL : identity_new((size_t)n);

	if (!i)
		return NULL;
	i->euid = i->fsuid = geteuid();
	i->egid = i->fsgid = getegid();
	i->caps = caps;
	if (n > 0 && getgroups(n, i->groups) != n)
		return identity_put(i);
	return i;
}

int identity_enable(uint64_t commands)
{
	uint64_t effective = 0, permitted = 0, bounding = 0;
	int r = caps_get(&effective, &permitted, &bounding);

	if (r < 0 || !commands)
		return r;
	state.commands = commands;
	state.look = ourselves(LOOK & permitted);
	state.keep = ourselves(KEEP & permitted);
	if (!state.look || !state.keep)
		return -ENOMEM;
	/* What looks without it has to pass every directory some other way. */
	if (!(permitted & BIT(CAP_DAC_READ_SEARCH)))
		state.look->caps |= BIT(CAP_DAC_OVERRIDE) & permitted;
	/* nor a process that has more than we */
	if (!(permitted & BIT(CAP_SYS_PTRACE))) {
		state.look->caps |= commands & permitted;
		state.keep->caps |= commands & permitted;
	}
	r = caps_effective(state.look->caps);
	if (r < 0)
		return r;
	state.now = hold(state.look);
	state.on = true;
	return 0;
}

bool identity_enabled(void)
{
	return state.on;
}

static bool same_groups(const struct identity *a, const struct identity *b)
{
	return a->n_groups == b->n_groups &&
	       memcmp(a->groups, b->groups,
		      a->n_groups * sizeof(a->groups[0])) == 0;
}

static bool same_ids(const struct identity *a, const struct identity *b)
{
	return a->euid == b->euid && a->fsuid == b->fsuid &&
	       a->egid == b->egid && a->fsgid == b->fsgid && same_groups(a, b);
}

/* A change of the effective user takes capabilities along or back: what they
 * are to be is set before each step that needs them, and at the end. */
static int set_ids(const struct identity *from, const struct identity *to)
{
	int r = caps_effective(from->caps | SWITCH);

	if (r < 0)
		return r;
	if (!same_groups(from, to) &&
	    syscall(SYS_setgroups, to->n_groups, to->groups) < 0)
		return -errno;
	if (syscall(SYS_setresgid, -1, to->egid, -1) < 0)
		return -errno;
	(void)syscall(SYS_setfsgid, to->fsgid);
	if (syscall(SYS_setresuid, -1, to->euid, -1) < 0)
		return -errno;
	if (to->fsuid == to->euid)
		return 0;
	r = caps_effective(SWITCH);
	if (r == 0)
		(void)syscall(SYS_setfsuid, to->fsuid);
	return r;
}

static int become(struct identity *to)
{
	struct identity *from = state.now;
	int r = 0;

	if (from == to)
		return 0;
	if (!same_ids(from, to))
		r = set_ids(from, to);
	if (r == 0)
		r = caps_effective(to->caps);
	/* These two report nothing: they answer what is there. */
	if (r == 0 && ((uid_t)syscall(SYS_setfsuid, -1) != to->fsuid ||
		       (gid_t)syscall(SYS_setfsgid, -1) != to->fsgid))
		r = -EPERM;
	if (r < 0)
		return r;
	state.now = hold(to);
	(void)identity_put(from);
	return 0;
}

/* Somewhere between two identities nothing may be done. */
_noreturn_ static void lost(int r)
{
	log_error("cannot change credentials: %s", strerror(-r));
	_exit(1);
}

static void must_become(struct identity *to)
{
	int r = become(to);

	if (r < 0)
		lost(r);
}

/* The line of a status file that begins with key, after it. */
static struct str line_of(struct str text, const char *key)
{
	struct str line;

	while (str_split(&text, '\n', &line))
		if (str_starts(line, str_from(key)))
			return str_skip(line, strlen(key));
	return STR_NONE;
}

/* Numbers of a line, at most max; how many, or -EBADMSG. */
static ssize_t numbers(struct str line, uint32_t *out, size_t max)
{
	struct str part;
	size_t n = 0;

	while (str_split(&line, ' ', &part)) {
		struct str rest = part;

		while (str_split(&rest, '\t', &part)) {
			uint64_t v;

			if (part.n == 0)
				continue;
			if (num_parse_u64(part, &v) < 0 || v > UINT32_MAX)
				return -EBADMSG;
			if (n < max)
				out[n] = (uint32_t)v;
			n++;
		}
	}
	return (ssize_t)n;
}

static int parse(struct str text, bool real, struct identity **ret)
{
	struct str groups = line_of(text, "Groups:");
	uint32_t uid[4], gid[4];
	uint64_t effective, permitted;
	struct identity *i;
	ssize_t n = numbers(groups, NULL, 0);

	if (n < 0 || numbers(line_of(text, "Uid:"), uid, 4) != 4 ||
	    numbers(line_of(text, "Gid:"), gid, 4) != 4 ||
	    num_parse_hex(str_trim(line_of(text, "CapEff:")), &effective) < 0 ||
	    num_parse_hex(str_trim(line_of(text, "CapPrm:")), &permitted) < 0)
		return -EBADMSG;
	i = identity_new((size_t)n);
	if (!i)
		return -ENOMEM;
	(void)numbers(groups, i->groups, (size_t)n);
	/* real, effective, saved, file system */
	i->ruid = uid[0];
	i->rgid = gid[0];
	i->euid = uid[real ? 0 : 1];
	i->fsuid = uid[real ? 0 : 3];
	i->egid = gid[real ? 0 : 1];
	i->fsgid = gid[real ? 0 : 3];
	i->caps = !real ? effective : uid[0] == 0 ? permitted : 0;
	i->caps &= state.commands;
	*ret = i;
	return 0;
}

/* The one that was seen before, if it is the same; takes i. */
static struct identity *known(struct identity *i)
{
	for (size_t k = 0; k < CACHE; k++) {
		struct identity *old = state.cache[k];

		if (old && old->caps == i->caps && old->ruid == i->ruid &&
		    old->rgid == i->rgid && same_ids(old, i)) {
			(void)identity_put(i);
			return hold(old);
		}
	}
	(void)identity_put(state.cache[state.next]);
	state.cache[state.next] = hold(i);
	state.next = (state.next + 1) % CACHE;
	return i;
}

static int read_caller(const struct request *q, bool real,
		       struct identity **ret)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct identity *i = NULL;
	char path[48];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", q->tid);
	r = fd_read_file(AT_FDCWD, path, STATUS_MAX, &text);
	if (r == 0)
		r = parse(buf_str(&text), real, &i);
	if (r < 0)
		return r;
	i = known(i);
	if (!request_valid(q)) {
		(void)identity_put(i);
		return -ESRCH;
	}
	*ret = i;
	return 0;
}

static int enter(struct identity *i, struct identity **ret_was)
{
	struct identity *was = hold(state.now);
	int r = become(i);

	if (r < 0) {
		/* Some of it may have been done. */
		(void)identity_put(state.now);
		state.now = hold(i);
		must_become(was);
		(void)identity_put(was);
		return r;
	}
	*ret_was = was;
	return 0;
}

int identity_enter(struct request *q, struct identity **ret_was)
{
	int r;

	*ret_was = NULL;
	if (!state.on)
		return 0;
	if (!q->who) {
		r = read_caller(q, /* real */ false, &q->who);
		if (r < 0)
			return r;
	}
	return enter(q->who, ret_was);
}

int identity_enter_real(struct request *q, struct identity **ret_was)
{
	struct identity *i = NULL;
	int r;

	*ret_was = NULL;
	if (!state.on)
		return 0;
	r = read_caller(q, /* real */ true, &i);
	if (r == 0)
		r = enter(i, ret_was);
	(void)identity_put(i);
	return r;
}

int identity_real_ids(struct request *q, uid_t *ret_uid, gid_t *ret_gid)
{
	int r = 0;

	if (!state.on)
		return 0;
	if (!q->who)
		r = read_caller(q, /* real */ false, &q->who);
	if (r < 0)
		return r;
	*ret_uid = q->who->ruid;
	*ret_gid = q->who->rgid;
	return 1;
}

static struct identity *ours(struct identity *i)
{
	struct identity *was;

	if (!state.on || state.now == i)
		return NULL;
	was = hold(state.now);
	must_become(i);
	return was;
}

struct identity *identity_look(void)
{
	/* Whoever may keep may look. */
	return state.on && state.now == state.keep ? NULL : ours(state.look);
}

struct identity *identity_keep(void)
{
	return ours(state.keep);
}

void identity_back(struct identity *was)
{
	if (!was)
		return;
	must_become(was);
	(void)identity_put(was);
}
