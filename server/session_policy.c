/* SPDX-License-Identifier: MIT */
/*
 * session_policy.c - a session's policy: found, compiled, read again
 *
 * With a profile there are several files: the base policy, and one for each
 * mount, whose file rules hold there. They are compiled into one.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "server/policy_file.h"
#include "server/profiles.h"
#include "server/session_priv.h"

/* One policy file as it was read. */
struct policy_text {
	struct buf path, text; /* owned */
};

struct policy_texts {
	VEC(struct policy_text) v; /* the session's own, then its mounts' */
	uint8_t digest[SHA256_LEN];
};

static void policy_texts_done(struct policy_texts *t)
{
	for (size_t i = 0; i < t->v.n; i++) {
		buf_done(&t->v.data[i].path);
		buf_done(&t->v.data[i].text);
	}
	vec_done(&t->v);
}

/* Why policy_file_read() failed, for whoever asked for the policy. */
static int not_read(const struct settings *cfg, struct str name, int r,
		    const struct policy_text *t, const struct buf *why,
		    struct session_failure *f)
{
	if (r == -ENOENT)
		return session_fail(f, 400, r,
				    "resolve policy: policy \"" STR_FMT
				    "\" not found in \"%s\"",
				    STR_ARG(name), cfg->policies_dir);
	return session_fail(f, r == -EKEYREJECTED ? 403 : 500, r,
			    "load policy: %s: %s", buf_cstr(&t->path),
			    r == -EKEYREJECTED ? buf_cstr(why) : strerror(-r));
}

static int read_one(const struct settings *cfg, struct str name,
		    struct policy_texts *to, struct session_failure *f)
{
	struct policy_text t = { BUF_INIT, BUF_INIT };
	_cleanup_buf_ struct buf why = BUF_INIT;
	int r;

	if (!policy_name_valid(name))
		return session_fail(f, 400, -EINVAL,
				    "resolve policy: invalid policy name");
	if (!policy_file_allowed(cfg, name))
		return session_fail(f, 400, -EPERM,
				    "resolve policy: policy \"" STR_FMT
				    "\" is not in policies.allowed",
				    STR_ARG(name));
	r = policy_file_read(cfg, name, &t.path, &t.text, &why);
	if (r < 0)
		r = not_read(cfg, name, r, &t, &why, f);
	else if (why.len)
		log_warn("policy %s is used although not vouched for: %s",
			 buf_cstr(&t.path), buf_cstr(&why));
	if (r == 0)
		r = vec_push(&to->v, t);
	if (r < 0) {
		buf_done(&t.path);
		buf_done(&t.text);
	}
	return r;
}

static int read_all(const struct session *s, struct policy_texts *to,
		    struct session_failure *f)
{
	const struct settings *cfg = &s->app->cfg;
	_cleanup_buf_ struct buf all = BUF_INIT;
	int r = read_one(cfg, str_from(s->policy_name), to, f);

	for (size_t i = 0; i < s->mounts.n && r == 0; i++)
		r = read_one(cfg, str_from(s->mounts.data[i].policy), to, f);
	if (r < 0)
		return r;
	for (size_t i = 0; i < to->v.n; i++) {
		buf_printf(&all, "%zu ", to->v.data[i].text.len);
		buf_put_str(&all, buf_str(&to->v.data[i].text));
	}
	digest_sha256(buf_str(&all), to->digest);
	return all.error;
}

static int compile(const struct session *s, uint32_t generation,
		   const struct policy_texts *t, struct policy **ret,
		   struct buf *ret_error)
{
	const struct str names[] = { STR("PROJECT_ROOT"), STR("GIT_ROOT"),
				     STR("HOME") };
	const struct str values[] = {
		str_from(s->project_root),
		str_from(s->git_root[0] ? s->git_root : s->project_root),
		str_from(s->home),
	};
	const struct policy_vars vars = { names, values, ARRAY_LEN(names),
					  environ };
	_cleanup_free_ struct policy_mount *mounts =
		calloc(t->v.n, sizeof(*mounts));
	_cleanup_free_ struct diag *diag = calloc(1, sizeof(*diag));
	struct policy_source src = {
		.file = buf_cstr(&t->v.data[0].path),
		.yaml = buf_str(&t->v.data[0].text),
		.vars = &vars,
		.generation = generation,
		.mounts = mounts,
		.n_mounts = s->mounts.n,
	};
	int r;

	if (!diag || !mounts)
		return -ENOMEM;
	for (size_t i = 0; i < s->mounts.n; i++)
		mounts[i] = (struct policy_mount){
			.path = str_from(s->mounts.data[i].path),
			.file = buf_cstr(&t->v.data[i + 1].path),
			.yaml = buf_str(&t->v.data[i + 1].text),
		};
	r = policy_compile_source(&src, ret, diag);
	diag_first_error(diag, ret_error);
	diag_done(diag);
	return r;
}

static int compile_first(struct session *s, const struct policy_texts *t,
			 struct session_failure *f)
{
	_cleanup_buf_ struct buf first = BUF_INIT;
	int r = compile(s, s->generation, t, &s->policy, &first);
	bool undefined = str_find(buf_str(&first), STR("undefined variable")) >=
			 0;

	memcpy(s->policy_digest, t->digest, sizeof(s->policy_digest));
	if (r == 0)
		return 0;
	return session_fail(f, undefined ? 400 : 500, r, "%s policy: %s",
			    undefined ? "compile" : "load", buf_cstr(&first));
}

int session_load_policy(struct session *s, struct str name,
			struct session_failure *f)
{
	_cleanup_(policy_texts_done) struct policy_texts t = { 0 };
	int r;

	if (!s->policy_name) {
		if (name.n == 0)
			name = str_from(s->app->cfg.default_policy);
		s->policy_name = str_dup(name);
	}
	if (!s->policy_name)
		return -ENOMEM;
	r = read_all(s, &t, f);
	if (r == 0)
		r = compile_first(s, &t, f);
	if (r < 0)
		return r;
	policy_limits(s->policy, &s->limits);
	r = policy_to_fd(s->policy, &s->policy_fd);
	return r < 0 ? session_fail(f, 500, r, "load policy: %s", strerror(-r))
		     : 0;
}

int session_reload_policy(struct session *s, struct buf *err)
{
	_cleanup_(policy_texts_done) struct policy_texts t = { 0 };
	struct session_failure f = { 0, err };
	struct policy *fresh = NULL;
	int fd = -1;
	int r = read_all(s, &t, &f);

	if (r < 0)
		return r;
	if (memcmp(t.digest, s->policy_digest, sizeof(t.digest)) == 0)
		return 0;
	r = compile(s, s->generation + 1, &t, &fresh, err);
	if (r == 0)
		r = policy_to_fd(fresh, &fd);
	if (r < 0) {
		(void)policy_unref(fresh);
		return r;
	}
	memcpy(s->policy_digest, t.digest, sizeof(t.digest));
	(void)policy_unref(s->policy);
	(void)close(s->policy_fd);
	s->policy = fresh;
	s->policy_fd = fd;
	s->generation++;
	policy_limits(s->policy, &s->limits);
	return 1;
}

/* ---- profiles ---- */

static int add_mount(struct session *s, const struct setting_mount *m,
		     struct session_failure *f)
{
	struct session_mount own = { .policy = m->policy };
	char real[PATH_MAX];
	struct stat st;

	if (!realpath(m->path, real) || stat(real, &st) < 0)
		return session_fail(f, 400, -ENOENT,
				    "mount %s of profile %s: %s", m->path,
				    s->profile, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return session_fail(f, 400, -ENOTDIR,
				    "mount %s of profile %s must be a "
				    "directory",
				    m->path, s->profile);
	own.path = str_dup(str_from(real));
	if (!own.path)
		return -ENOMEM;
	if (vec_push(&s->mounts, own) == 0)
		return 0;
	free(own.path);
	return -ENOMEM;
}

int session_find_profile(struct session *s, const struct session_request *rq,
			 struct session_failure *f)
{
	const struct settings *cfg = &s->app->cfg;
	const struct setting_profile *p = profiles_find(cfg, rq->profile);
	const char *base;
	int r = 0;

	if (rq->profile.n == 0)
		return 0;
	if (!p)
		return session_fail(f, 400, -ENOENT,
				    "profile \"" STR_FMT
				    "\" is not in mount_profiles",
				    STR_ARG(rq->profile));
	base = p->base_policy[0] ? p->base_policy : cfg->default_policy;
	if (rq->policy.n && !rq->restored && !str_eq_c(rq->policy, base))
		return session_fail(f, 400, -EINVAL,
				    "profile \"%s\" has base_policy %s; leave "
				    "policy out",
				    p->name, base);
	s->profile = str_dup(rq->profile);
	s->policy_name = str_dup(str_from(base));
	if (!s->profile || !s->policy_name)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_mounts && r == 0; i++)
		r = add_mount(s, &p->mounts[i], f);
	return r;
}

void session_put_mounts(const struct session *s, struct json_writer *w)
{
	json_begin_array(w);
	for (size_t i = 0; i < s->mounts.n; i++) {
		json_begin_object(w);
		json_kv_cstr(w, "path", s->mounts.data[i].path);
		json_kv_cstr(w, "policy", s->mounts.data[i].policy);
		json_kv_cstr(w, "mount_point", s->mounts.data[i].path);
		json_end_object(w);
	}
	json_end_array(w);
}
