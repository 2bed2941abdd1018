/* SPDX-License-Identifier: MIT */
/*
 * oneshot_cache.c - plans made before, to spare the next command the YAML
 *
 * CONFIG/agentsh/run/KEY.plan and KEY.img (not with the caches, where commands
 * may write: Landlock could not hold it there). The key is a hash of everything that
 * a plan depends on but the files: this program, the user, the workspace, what
 * was asked for, the environment (which configuration and policy may quote).
 * The files it was made from are found again each time. One that is still, to
 * the nanosecond of its change time, what it was before it was read for the
 * plan has not been written since: nobody sets that time. Any other is read,
 * and its hash compared. Whoever could write here could choose a policy: the
 * directory and the files must be ours and nobody else's to write, and every
 * session closes them to its commands.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "base/path.h"
#include "config/config.h"
#include "core/limits.h"
#include "core/wire.h"
#include "server/oneshot_plan.h"
#include "server/project.h"

#define PLAN_MAGIC  0x324e5052U
#define PLAN_MAX    ((size_t)1 << 20)
#define CACHE_FILES 128 /* then it begins anew */
/* Seconds that a file must have been left alone before its plan was kept:
 * change times come in steps, on some file systems of seconds. */
#define CLOCK_STEP 2

int oneshot_cache_dir(struct buf *out)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (xdg && *xdg == '/')
		buf_printf(out, "%s/agentsh/run", xdg);
	else if (home && *home == '/')
		buf_printf(out, "%s/.config/agentsh/run", home);
	else
		return -ENOENT;
	return out->error;
}

/* Differs from one command to the next, and means nothing. */
static bool is_volatile(struct str var)
{
	return str_starts(var, STR("_=")) || str_starts(var, STR("SHLVL=")) ||
	       str_starts(var, STR("OLDPWD="));
}

static int make_key(const struct oneshot_source *src, struct buf *out)
{
	_cleanup_buf_ struct buf all = BUF_INIT;
	uint8_t digest[SHA256_LEN];
	struct stat self;

	if (stat("/proc/self/exe", &self) < 0)
		return -errno;
	wire_put_u64(&all, self.st_dev);
	wire_put_u64(&all, self.st_ino);
	wire_put_i64(&all, self.st_size);
	wire_put_i64(&all, self.st_mtim.tv_sec);
	wire_put_i64(&all, self.st_mtim.tv_nsec);
	wire_put_u32(&all, geteuid());
	wire_put_str(&all, str_from(src->workspace));
	wire_put_str(&all, src->policy);
	wire_put_str(&all, str_from(src->config));
	for (char **e = environ; e && *e; e++)
		if (!is_volatile(str_from(*e)))
			wire_put_str(&all, str_from(*e));
	if (all.error)
		return all.error;
	digest_sha256(buf_str(&all), digest);
	hex_encode(out, digest, 16);
	return out->error;
}

static bool ours_alone(int fd, mode_t type)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type &&
	       st.st_uid == geteuid() && (st.st_mode & 022) == 0;
}

static int open_dir(void)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	int r = oneshot_cache_dir(&path), fd;

	if (r < 0)
		return r;
	fd = open(buf_cstr(&path),
		  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ours_alone(fd, S_IFDIR))
		return fd;
	(void)close(fd);
	return -EACCES;
}

static int open_file(int dir, const struct buf *key, const char *suffix)
{
	_cleanup_buf_ struct buf name = BUF_INIT;
	int fd;

	buf_printf(&name, STR_FMT "%s", STR_ARG(buf_str(key)), suffix);
	fd = openat(dir, buf_cstr(&name), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ours_alone(fd, S_IFREG))
		return fd;
	(void)close(fd);
	return -EACCES;
}

/* ---- the plan as bytes ---- */

static bool look_at(const char *path, struct oneshot_file *ret)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	*ret = (struct oneshot_file){
		.dev = st.st_dev,
		.ino = st.st_ino,
		.size = st.st_size,
		.mtime = st.st_mtim.tv_sec,
		.mtime_ns = st.st_mtim.tv_nsec,
		.ctime = st.st_ctim.tv_sec,
		.ctime_ns = st.st_ctim.tv_nsec,
	};
	return true;
}

static void put_file(struct str path, struct buf *b)
{
	struct oneshot_file file = { .ctime = INT64_MAX }, *f = &file;

	(void)look_at(path.p, f);
	wire_put_u64(b, f->dev);
	wire_put_u64(b, f->ino);
	wire_put_i64(b, f->size);
	wire_put_i64(b, f->mtime);
	wire_put_i64(b, f->mtime_ns);
	wire_put_i64(b, f->ctime);
	wire_put_i64(b, f->ctime_ns);
}

static void get_file(struct wire_reader *in, struct oneshot_file *f)
{
	f->dev = wire_get_u64(in);
	f->ino = wire_get_u64(in);
	f->size = wire_get_i64(in);
	f->mtime = wire_get_i64(in);
	f->mtime_ns = wire_get_i64(in);
	f->ctime = wire_get_i64(in);
	f->ctime_ns = wire_get_i64(in);
}

static void put_plan(const struct oneshot_plan *p, struct buf *b)
{
	wire_put_u32(b, PLAN_MAGIC);
	wire_put_str(b, p->config_path);
	buf_put(b, p->config_digest, sizeof(p->config_digest));
	wire_put_str(b, p->policy_path);
	buf_put(b, p->policy_digest, sizeof(p->policy_digest));
	put_file(p->config_path, b);
	put_file(p->policy_path, b);
	wire_put_i64(b, p->made_at);
	wire_put_str(b, p->policy_name);
	wire_put_str(b, p->settings_json);
	wire_put_str(b, p->spool);
	wire_put_str(b, p->required);
	wire_put_str(b, p->project_root);
	wire_put_str(b, p->git_root);
	wire_put_u16(b, p->port);
	wire_put_bool(b, p->cgroups);
	wire_put_bool(b, p->detect_root);
	wire_put_strs(b, p->markers.data, p->markers.n);
	wire_put_u32(b, (uint32_t)p->env_inject.n);
	for (size_t i = 0; i < p->env_inject.n; i++) {
		wire_put_str(b, p->env_inject.data[i].name);
		wire_put_str(b, p->env_inject.data[i].value);
	}
}

static struct str get(struct wire_reader *in, struct oneshot_plan *p)
{
	struct str s = wire_get_str(in);

	return str_from_n(arena_dup(&p->arena, s), s.n);
}

static void get_digest(struct wire_reader *in, uint8_t out[SHA256_LEN])
{
	if (in->error || in->rest.n < SHA256_LEN) {
		in->error = -EBADMSG;
		return;
	}
	memcpy(out, in->rest.p, SHA256_LEN);
	in->rest = str_skip(in->rest, SHA256_LEN);
}

static int get_plan(struct str bytes, struct oneshot_plan *p)
{
	struct wire_reader in = wire_reader_init(bytes);
	uint32_t n;
	int r = wire_get_u32(&in) == PLAN_MAGIC ? 0 : -EBADMSG;

	p->config_path = get(&in, p);
	get_digest(&in, p->config_digest);
	p->policy_path = get(&in, p);
	get_digest(&in, p->policy_digest);
	get_file(&in, &p->config_file);
	get_file(&in, &p->policy_file);
	p->made_at = wire_get_i64(&in);
	p->policy_name = get(&in, p);
	p->settings_json = get(&in, p);
	p->spool = get(&in, p);
	p->required = get(&in, p);
	p->project_root = get(&in, p);
	p->git_root = get(&in, p);
	p->port = wire_get_u16(&in);
	p->cgroups = wire_get_bool(&in);
	p->detect_root = wire_get_bool(&in);
	n = wire_get_count(&in, 4);
	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = vec_push(&p->markers, get(&in, p));
	n = wire_get_count(&in, 8);
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		struct setting_pair e;

		e.name = get(&in, p);
		e.value = get(&in, p);
		r = vec_push(&p->env_inject, e);
	}
	return r < 0 ? r : wire_finish(&in);
}

/* ---- is it still true? ---- */

static bool untouched(const char *path, const struct oneshot_file *was,
		      int64_t made_at)
{
	struct oneshot_file now;

	return was->ctime < made_at - CLOCK_STEP && look_at(path, &now) &&
	       now.dev == was->dev && now.ino == was->ino &&
	       now.size == was->size && now.mtime == was->mtime &&
	       now.mtime_ns == was->mtime_ns && now.ctime == was->ctime &&
	       now.ctime_ns == was->ctime_ns;
}

static bool same_file(struct str path, const uint8_t digest[SHA256_LEN],
		      const struct oneshot_file *was, int64_t made_at)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	uint8_t now[SHA256_LEN];

	if (untouched(path.p, was, made_at))
		return true;
	if (fd_read_file(AT_FDCWD, path.p, LIMIT_POLICY_BYTES, &text) < 0)
		return false;
	digest_sha256(buf_str(&text), now);
	return memcmp(now, digest, sizeof(now)) == 0;
}

static bool same_config(const struct oneshot_source *src,
			const struct oneshot_plan *p)
{
	_cleanup_buf_ struct buf found = BUF_INIT;

	(void)config_find(src->config, environ, &found);
	return !found.error && str_eq(buf_str(&found), p->config_path) &&
	       same_file(p->config_path, p->config_digest, &p->config_file,
			 p->made_at);
}

static bool same_roots(const struct oneshot_source *src,
		       const struct oneshot_plan *p)
{
	struct settings cfg = { 0 };
	_cleanup_free_ char *project = NULL, *git = NULL;

	if (!p->detect_root)
		return str_eq_c(p->project_root, src->workspace);
	cfg.project_markers.data = p->markers.data;
	cfg.project_markers.n = p->markers.n;
	if (project_detect(&cfg, src->workspace, &project, &git) < 0)
		return false;
	return str_eq_c(p->project_root, project) &&
	       str_eq_c(p->git_root, git[0] ? git : project);
}

static int write_file(int dir, const struct buf *key, const char *suffix,
		      struct str bytes)
{
	_cleanup_buf_ struct buf name = BUF_INIT;

	buf_printf(&name, STR_FMT "%s", STR_ARG(buf_str(key)), suffix);
	return name.error ? name.error
			  : fd_write_file_atomic(dir, buf_cstr(&name), bytes,
						 0600);
}

/*
 * Files that were written just before the plan was made are read and hashed by
 * each run that uses it. Once they are old enough, the plan is dated anew: what
 * was checked after `now` and has not changed for some seconds before is as good
 * as read for it.
 */
static void date_anew(int dir, const struct buf *key, struct oneshot_plan *p,
		      int64_t now)
{
	_cleanup_buf_ struct buf plan = BUF_INIT;
	struct oneshot_file config, policy;

	if (untouched(p->config_path.p, &p->config_file, p->made_at) &&
	    untouched(p->policy_path.p, &p->policy_file, p->made_at))
		return;
	if (!look_at(p->config_path.p, &config) ||
	    !look_at(p->policy_path.p, &policy) ||
	    config.ctime >= now - CLOCK_STEP ||
	    policy.ctime >= now - CLOCK_STEP)
		return;
	p->made_at = now;
	put_plan(p, &plan);
	if (!plan.error)
		(void)write_file(dir, key, ".plan", buf_str(&plan));
}

int oneshot_cache_load(const struct oneshot_source *src,
		       struct oneshot_plan *ret)
{
	_cleanup_close_ int dir = open_dir();
	_cleanup_close_ int fd = -1;
	_cleanup_buf_ struct buf key = BUF_INIT, bytes = BUF_INIT;
	struct oneshot_plan p = { .arena = ARENA_INIT(16U << 20) };
	int r = dir < 0 ? dir : make_key(src, &key);
	int64_t now = time(NULL);

	if (r < 0)
		return r;
	fd = open_file(dir, &key, ".plan");
	r = fd < 0 ? fd : fd_read_all(fd, PLAN_MAX, &bytes);
	if (r == 0)
		r = get_plan(buf_str(&bytes), &p);
	if (r == 0 && (!same_config(src, &p) ||
		       !same_file(p.policy_path, p.policy_digest,
				  &p.policy_file, p.made_at) ||
		       !same_roots(src, &p)))
		r = -ESTALE;
	if (r == 0) {
		int image = open_file(dir, &key, ".img");

		r = image < 0 ? image : policy_from_fd(image, &p.policy);
	}
	if (r < 0) {
		oneshot_plan_done(&p);
		return r;
	}
	date_anew(dir, &key, &p, now);
	*ret = p;
	return 0;
}

/* ---- keeping one ---- */

static void make_room(int dir)
{
	_cleanup_closedir_ DIR *d = NULL;
	const struct dirent *e;
	size_t n = 0;

	if (fd_opendir(dir, ".", &d) < 0)
		return;
	while ((e = readdir(d)))
		n++;
	if (n < CACHE_FILES)
		return;
	rewinddir(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			(void)unlinkat(dir, e->d_name, 0);
}

void oneshot_cache_store(const struct oneshot_source *src,
			 const struct oneshot_plan *p)
{
	_cleanup_close_ int dir = -1;
	_cleanup_close_ int image = -1;
	_cleanup_buf_ struct buf path = BUF_INIT, key = BUF_INIT,
				 plan = BUF_INIT, bytes = BUF_INIT;

	if (!p->cacheable || oneshot_cache_dir(&path) < 0 ||
	    fd_mkdirs(buf_cstr(&path), 0700) < 0)
		return;
	dir = open_dir();
	if (dir < 0 || make_key(src, &key) < 0 ||
	    policy_to_fd(p->policy, &image) < 0)
		return;
	make_room(dir);
	put_plan(p, &plan);
	/* The image first: a plan without one is a plan to make again. */
	if (fd_read_all(image, (size_t)256 << 20, &bytes) == 0 && !plan.error &&
	    write_file(dir, &key, ".img", buf_str(&bytes)) == 0)
		(void)write_file(dir, &key, ".plan", buf_str(&plan));
}
