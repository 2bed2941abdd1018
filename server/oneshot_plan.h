/* SPDX-License-Identifier: MIT */
/*
 * oneshot_plan.h - what a command without a server runs under
 */
#ifndef SERVER_ONESHOT_PLAN_H
#define SERVER_ONESHOT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"
#include "policy/policy.h"
#include "server/settings.h"

struct oneshot_source {
	const char *config;    /* NULL = the usual places */
	struct str policy;     /* name; "" = the configured one */
	const char *workspace; /* real path */
};

/* A file as stat() tells it from others and from what it was. */
struct oneshot_file {
	uint64_t dev, ino;
	int64_t size, mtime, mtime_ns, ctime, ctime_ns;
};

/* Strings live in the arena. */
struct oneshot_plan {
	struct arena arena;
	struct policy *policy; /* owned */
	struct str policy_name;
	struct str settings_json; /* for the tracer */
	struct str spool;         /* "" = nothing is recorded */
	struct str integrity_key;
	struct str project_root, git_root;
	uint16_t port; /* of the server that may be there */
	bool cgroups;
	struct str required; /* the first of sandbox.require, or "" */
	VEC(struct setting_pair) env_inject;
	/* what it came from, for the cache */
	struct str config_path, policy_path;
	uint8_t config_digest[32], policy_digest[32];
	/* as they were when it was kept; only of one from the cache */
	struct oneshot_file config_file, policy_file;
	int64_t made_at; /* seconds: before the files were read */
	bool detect_root, cacheable;
	VEC(struct str) markers;
};

/* From the files. 0, or -errno with one line in err. */
int oneshot_plan_make(const struct oneshot_source *src,
		      struct oneshot_plan *ret, struct buf *err);
void oneshot_plan_done(struct oneshot_plan *p);

/*
 * The directory of plans made before; closed to every command, because what is
 * in it decides what a later one may do. 0 or -ENOENT (no home).
 */
int oneshot_cache_dir(struct buf *out);
/* A plan made before from the very same files. 0, or -errno: make it. */
int oneshot_cache_load(const struct oneshot_source *src,
		       struct oneshot_plan *ret);
/* Failing is no loss. */
void oneshot_cache_store(const struct oneshot_source *src,
			 const struct oneshot_plan *p);

#endif
