/* SPDX-License-Identifier: MIT */
/*
 * shim_session.c - which session an interactive shell belongs to
 *
 * All shells of one workspace share a session: its id is kept in a file named
 * by the workspace's path, locked while it is made, in the first of these
 * directories that is our own:
 *
 *	$AGENTSH_RUNTIME_DIR/sessions		where the server is told to be
 *	/run/agentsh/sessions			root
 *	$XDG_RUNTIME_DIR/agentsh/sessions	others
 *	/tmp/agentsh-UID/sessions
 *	<root>/.agentsh/sessions
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/path.h"
#include "cli/shim.h"

#define ID_MAX     ((size_t)128)
#define ROOT_DEPTH 64

void shim_session_done(struct shim_session *s)
{
	buf_done(&s->root);
	buf_done(&s->id);
	buf_done(&s->file);
}

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

/* The nearest directory upwards that holds .git. */
static bool git_root(struct str dir, struct buf *out)
{
	for (int i = 0; i < ROOT_DEPTH && dir.n > 0; i++) {
		_cleanup_buf_ struct buf git = BUF_INIT;
		ptrdiff_t slash = str_rindex(dir, '/');

		buf_printf(&git, STR_FMT "/.git", STR_ARG(dir));
		if (access(buf_cstr(&git), F_OK) == 0) {
			buf_put_str(out, dir);
			return true;
		}
		dir.n = slash > 0 ? (size_t)slash : 0;
	}
	return false;
}

static void find_root(struct buf *out)
{
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	struct str here = str_from(cwd ? cwd : "/");
	const char *given = env("AGENTSH_WORKSPACE");

	if (given && path_join(here, str_from(given), out) == 0)
		return;
	buf_reset(out);
	if (!git_root(here, out))
		buf_put_str(out, here);
}

static bool is_id(struct str s)
{
	if (s.n == 0 || s.n > ID_MAX || s.p[0] == '-' || s.p[0] == '_')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && (c < '0' || c > '9') && c != '-' && c != '_')
			return false;
	}
	return true;
}

/* The id in the file, made if the file is new. 0 or -errno. */
static int read_or_create(const char *path, struct buf *id)
{
	_cleanup_close_ int fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	_cleanup_buf_ struct buf text = BUF_INIT;
	char uuid[UUID_LEN + 1];
	struct str line;
	int r;

	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return -errno;
	r = fd_read_all(fd, 4096, &text);
	if (r < 0)
		return r;
	line = str_trim(buf_str(&text));
	if (is_id(line)) {
		buf_put_str(id, line);
		return 0;
	}
	uuid4(uuid);
	buf_printf(id, "session-%s", uuid);
	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	r = fd_write_full(fd, id->data, id->len);
	return r < 0 ? r : fd_write_full(fd, "\n", 1);
}

/* dir/sessions, if dir is (or becomes) ours alone. */
static bool own_directory(struct buf *dir, bool make_parents)
{
	struct stat st;

	if (make_parents)
		(void)fd_mkdirs(buf_cstr(dir), 0700);
	else
		(void)mkdir(buf_cstr(dir), 0700);
	if (lstat(buf_cstr(dir), &st) < 0 || !S_ISDIR(st.st_mode) ||
	    st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return false;
	buf_puts(dir, "/sessions");
	return mkdir(buf_cstr(dir), 0700) == 0 || errno == EEXIST;
}

static bool candidate(unsigned int i, const struct buf *root, struct buf *dir)
{
	const char *xdg = env("XDG_RUNTIME_DIR");
	const char *own = env("AGENTSH_RUNTIME_DIR");

	buf_reset(dir);
	if (i == 0 && own)
		buf_puts(dir, own);
	else if (i == 0 && geteuid() == 0)
		buf_puts(dir, "/run/agentsh");
	else if (i == 0 && xdg)
		buf_printf(dir, "%s/agentsh", xdg);
	else if (i == 1)
		buf_printf(dir, "/tmp/agentsh-%u", (unsigned int)geteuid());
	else if (i == 2)
		buf_printf(dir, "%s/.agentsh", buf_cstr(root));
	return dir->len > 0 && own_directory(dir, i == 0);
}

static bool is_global(void)
{
	const char *scope = env("AGENTSH_SESSION_SCOPE");

	return scope && strcmp(scope, "global") == 0;
}

static void file_name(const struct buf *root, struct buf *out)
{
	uint8_t hash[SHA256_LEN];

	if (is_global()) {
		buf_puts(out, "/session-global.sid");
		return;
	}
	digest_sha256(buf_str(root), hash);
	buf_puts(out, "/workspace-");
	hex_encode(out, hash, 8);
	buf_puts(out, ".sid");
}

static bool find_by_scope(struct shim_session *s)
{
	for (unsigned int i = 0; i < 3; i++) {
		_cleanup_buf_ struct buf dir = BUF_INIT;

		if (!candidate(i, &s->root, &dir))
			continue;
		file_name(&s->root, &dir);
		if (read_or_create(buf_cstr(&dir), &s->id) < 0) {
			buf_reset(&s->id);
			continue;
		}
		buf_put_str(&s->file, buf_str(&dir));
		return true;
	}
	return false;
}

void shim_session_find(struct shim_session *s)
{
	const char *id = env("AGENTSH_SESSION_ID");
	const char *file = env("AGENTSH_SESSION_FILE");

	find_root(&s->root);
	if (id) {
		buf_puts(&s->id, id);
		return;
	}
	if (file && read_or_create(file, &s->id) == 0) {
		buf_puts(&s->file, file);
		return;
	}
	buf_reset(&s->id);
	if (!find_by_scope(s))
		buf_puts(&s->id, "session-default");
}

char *shim_session_cwd(const struct shim_session *s)
{
	char *cwd = getcwd(NULL, 0);
	struct str root = buf_str(&s->root), rest = str_from(cwd ? cwd : "");

	if (root.n == 1)
		root.n = 0; /* everything lies in "/" */
	if (!is_global() && str_starts(rest, root)) {
		rest = str_skip(rest, root.n);
		if (rest.n == 0 || rest.p[0] == '/')
			return cwd;
	}
	free(cwd);
	return NULL;
}
