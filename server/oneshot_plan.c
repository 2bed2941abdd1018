/* SPDX-License-Identifier: MIT */
/*
 * oneshot_plan.c - configuration and policy of a command without a server
 */
#include "server/oneshot_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "audit/spool.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "base/rendezvous.h"
#include "config/config.h"
#include "core/limits.h"
#include "server/policy_file.h"
#include "server/project.h"

#define MAX_SOCKETS 8

void oneshot_plan_done(struct oneshot_plan *p)
{
	p->policy = policy_unref(p->policy);
	if (p->integrity_key.n)
		explicit_bzero((void *)(uintptr_t)p->integrity_key.p,
			       p->integrity_key.n);
	vec_done(&p->env_inject);
	vec_done(&p->markers);
	arena_done(&p->arena);
}

static struct str keep(struct oneshot_plan *p, struct str s)
{
	return str_from_n(arena_dup(&p->arena, s), s.n);
}

/* The path as the kernel names it; what does not exist yet as it is. */
static void put_path(struct json_writer *w, const char *path,
		     const char *suffix)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_free_ char *real = NULL;

	if (!path || !*path)
		return;
	buf_printf(&text, "%s%s", path, suffix);
	real = realpath(buf_cstr(&text), NULL);
	json_cstr(w, real ? real : buf_cstr(&text));
}

/* A server that happens to be there takes a command of ours for a person:
 * nothing it listens on may be reached. */
static void put_sockets(const struct settings *cfg, struct json_writer *w)
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	put_path(w, cfg->unix_path, "");
	for (unsigned int i = 0; i < MAX_SOCKETS; i++) {
		if (rendezvous_path(i, cfg->http_port, &path) < 0)
			break;
		put_path(w, buf_cstr(&path), "");
	}
}

static void put_closed(const struct settings *cfg, const struct str spool,
		       struct json_writer *w)
{
	_cleanup_buf_ struct buf cache = BUF_INIT;

	json_begin_array(w);
	put_path(w, cfg->sqlite_path, "");
	put_path(w, cfg->sqlite_path, "-wal");
	put_path(w, cfg->sqlite_path, "-shm");
	put_path(w, cfg->jsonl_path, "");
	put_path(w, cfg->sessions_dir, "");
	put_path(w, spool.p, "");
	if (oneshot_cache_dir(&cache) == 0)
		put_path(w, buf_cstr(&cache), "");
	json_end_array(w);
}

static int put_settings(struct oneshot_plan *p, const struct settings *cfg)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct json_writer w;

	buf_putc(&out, '{');
	buf_put_str(&out, cfg->worker_json);
	if (cfg->worker_json.n)
		buf_putc(&out, ',');
	buf_puts(&out, "\"closed_paths\":");
	json_writer_init(&w, &out, 0);
	put_closed(cfg, p->spool, &w);
	buf_puts(&out, ",\"closed_sockets\":");
	json_writer_init(&w, &out, 0);
	json_begin_array(&w);
	put_sockets(cfg, &w);
	json_end_array(&w);
	buf_puts(&out, ",\"protected_paths\":");
	json_writer_init(&w, &out, 0);
	json_begin_array(&w);
	put_path(&w, cfg->config_path, "");
	put_path(&w, cfg->policies_dir, "");
	json_end_array(&w);
	buf_puts(&out, ",\"net\":{\"notify\":true}}");
	if (out.error)
		return out.error;
	p->settings_json = keep(p, buf_str(&out));
	return p->settings_json.p ? 0 : -ENOMEM;
}

static int copy_settings(struct oneshot_plan *p, const struct settings *cfg)
{
	_cleanup_buf_ struct buf spool = BUF_INIT;
	const char *log = cfg->sqlite_path[0] ? cfg->sqlite_path
					      : cfg->jsonl_path;
	int r = log[0] ? spool_path(log, &spool) : 0;

	if (r < 0)
		return r;
	p->spool = keep(p, buf_str(&spool));
	p->integrity_key = keep(p, cfg->integrity_key);
	p->port = cfg->http_port;
	p->cgroups = cfg->cgroups;
	p->config_path = keep(p, str_from(cfg->config_path));
	p->detect_root = cfg->detect_project_root;
	if (cfg->required.n)
		p->required = keep(p, cfg->required.data[0]);
	/* A key is no thing to leave in a cache, nor is what a signature says
	 * today. */
	p->cacheable = cfg->signing == CONFIG_SIGNING_OFF &&
		       cfg->integrity_key.n == 0;
	for (size_t i = 0; r == 0 && i < cfg->env_inject.n; i++) {
		const struct setting_pair *e = &cfg->env_inject.data[i];

		r = vec_push(&p->env_inject,
			     (struct setting_pair){ keep(p, e->name),
						    keep(p, e->value) });
	}
	for (size_t i = 0; r == 0 && i < cfg->project_markers.n; i++)
		r = vec_push(&p->markers,
			     keep(p, cfg->project_markers.data[i]));
	return r < 0 ? r : put_settings(p, cfg);
}

static int find_roots(struct oneshot_plan *p, const struct settings *cfg,
		      const char *workspace)
{
	_cleanup_free_ char *project = NULL, *git = NULL;
	int r;

	p->project_root = p->git_root = keep(p, str_from(workspace));
	if (!cfg->detect_project_root)
		return 0;
	r = project_detect(cfg, workspace, &project, &git);
	if (r < 0)
		return r;
	p->project_root = keep(p, str_from(project));
	p->git_root = git[0] ? keep(p, str_from(git)) : p->project_root;
	return 0;
}

static int compile(struct oneshot_plan *p, struct str text, struct buf *err)
{
	const struct str names[] = { STR("PROJECT_ROOT"), STR("GIT_ROOT"),
				     STR("HOME") };
	const struct str values[] = { p->project_root, p->git_root,
				      str_from(getenv("HOME")) };
	const struct policy_vars vars = { names, values, ARRAY_LEN(names),
					  environ };
	struct diag *diag = calloc(1, sizeof(*diag));
	int r;

	if (!diag)
		return -ENOMEM;
	r = policy_compile(p->policy_path.p, text, &vars, 1, &p->policy, diag);
	if (r < 0)
		diag_first_error(diag, err);
	diag_done(diag);
	free(diag);
	return r;
}

static int load_policy(struct oneshot_plan *p, const struct settings *cfg,
		       const struct oneshot_source *src, struct buf *err)
{
	_cleanup_buf_ struct buf path = BUF_INIT, text = BUF_INIT,
				 why = BUF_INIT;
	struct str name = src->policy.n ? src->policy
					: str_from(cfg->default_policy);
	int r;

	if (!policy_name_valid(name)) {
		buf_puts(err, "invalid policy name");
		return -EINVAL;
	}
	r = policy_file_read(cfg, name, &path, &text, &why);
	if (r == -ENOENT)
		buf_printf(err, "policy \"" STR_FMT "\" not found in \"%s\"",
			   STR_ARG(name), cfg->policies_dir);
	else if (r < 0)
		buf_printf(err, "policy %s: %s", buf_cstr(&path),
			   why.len ? buf_cstr(&why) : strerror(-r));
	if (r < 0)
		return r;
	p->policy_name = keep(p, name);
	p->policy_path = keep(p, buf_str(&path));
	p->cacheable &= str_ends(p->policy_path, STR(".yaml"));
	digest_sha256(buf_str(&text), p->policy_digest);
	r = find_roots(p, cfg, src->workspace);
	return r < 0 ? r : compile(p, buf_str(&text), err);
}

static int from_settings(struct oneshot_plan *p, const struct settings *cfg,
			 const struct oneshot_source *src, struct buf *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r;

	if (src->policy.n && !policy_file_allowed(cfg, src->policy)) {
		buf_printf(err,
			   "policy \"" STR_FMT "\" is not in policies.allowed",
			   STR_ARG(src->policy));
		return -EPERM;
	}
	r = copy_settings(p, cfg);
	if (r == 0 && fd_read_file(AT_FDCWD, cfg->config_path,
				   LIMIT_POLICY_BYTES, &text) < 0)
		p->cacheable = false; /* built-in defaults */
	digest_sha256(buf_str(&text), p->config_digest);
	return r < 0 ? r : load_policy(p, cfg, src, err);
}

int oneshot_plan_make(const struct oneshot_source *src,
		      struct oneshot_plan *ret, struct buf *err)
{
	struct oneshot_plan p = { .arena = ARENA_INIT(16U << 20),
				  .made_at = time(NULL) };
	struct settings cfg = { 0 };
	struct diag *diag = calloc(1, sizeof(*diag));
	int r;

	if (!diag)
		return -ENOMEM;
	r = settings_load(src->config, &cfg, diag);
	if (r < 0) {
		diag_first_error(diag, err);
	} else {
		r = from_settings(&p, &cfg, src, err);
		settings_done(&cfg);
	}
	diag_done(diag);
	free(diag);
	if (r < 0) {
		if (err->len == 0)
			buf_puts(err, strerror(-r));
		oneshot_plan_done(&p);
		return r;
	}
	*ret = p;
	return 0;
}
