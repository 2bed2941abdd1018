/* SPDX-License-Identifier: MIT */
/*
 * brake.c - stops a command that destroys more than it was meant to
 */
#include "tracer/brake.h"

#include <ftw.h>

#include "tracer/command.h"
#include "tracer/file.h"
#include "tracer/quarantine.h"
#include "tracer/tracer.h"

#define COUNT_MAX 500000U

/* nftw() passes nothing on. */
static struct {
	uint64_t n;
	struct str store; /* what is kept is no part of what there is to lose */
} census;

static int count_one(const char *path, const struct stat *st _unused_,
		     int type _unused_, struct FTW *ftw _unused_)
{
	if (str_eq_c(census.store, path))
		return FTW_SKIP_SUBTREE;
	return ++census.n >= COUNT_MAX ? FTW_STOP : FTW_CONTINUE;
}

/* Entries of the workspace; walked once, when a share is first asked for. */
static uint64_t workspace_size(struct tracer *t)
{
	if (t->workspace_entries == 0) {
		census.n = 0;
		census.store = t->trash ? trash_path(t->trash) : STR_NONE;
		(void)nftw(t->workspace, count_one, 64,
			   FTW_PHYS | FTW_MOUNT | FTW_ACTIONRETVAL);
		t->workspace_entries = MAX(census.n, (uint64_t)1);
	}
	return t->workspace_entries;
}

static bool destroys(const struct file_call *f)
{
	switch ((int)f->verb) {
	case FILE_DELETE:
	case FILE_RMDIR:
	case FILE_TRUNCATE:
		return true;
	case FILE_WRITE:
		return f->a.fd >= 0;
	case FILE_RENAME:
		return f->b.fd >= 0;
	default:
		return false;
	}
}

enum brake brake_check(const struct file_call *f)
{
	struct tracer *t = f->q->tracer;
	const struct settings *s = &t->settings;
	const struct command *c = f->q->command;
	struct trash_group_stat sum;
	uint64_t n, bytes;

	if (s->brake == BRAKE_OFF || c->brake_released || !destroys(f) ||
	    !quarantine_totals(c, &sum))
		return BRAKE_OFF;
	n = sum.removed + sum.changed + 1;
	bytes = sum.kept_bytes + (file_exists(&f->a) && S_ISREG(f->a.st.st_mode)
					  ? (uint64_t)f->a.st.st_size
					  : 0);
	if ((s->brake_files && n > s->brake_files) ||
	    (s->brake_bytes && bytes > s->brake_bytes) ||
	    (s->brake_percent && n > 1 &&
	     n * 100 > s->brake_percent * workspace_size(t)))
		return (enum brake)s->brake;
	return BRAKE_OFF;
}
