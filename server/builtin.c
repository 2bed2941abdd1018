/* SPDX-License-Identifier: MIT */
/*
 * builtin.c - commands that act on the session instead of running a program
 *
 * They pass the command policy like any other. Those that look at files open
 * them beneath the workspace (links that lead out of it are refused), ask the
 * file policy about the object they hold, and record the answer.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "server/exec.h"
#include "trash/trash.h"

#define CAT_MAX  (1U << 20)
#define LIST_MAX 10000

static void say(struct command *c, struct str text)
{
	command_output_add(&c->out, text);
}

static void complain(struct command *c, int exit_code, const char *fmt, ...)
	_printf_(3, 4);

static void complain(struct command *c, int exit_code, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	buf_putc(&text, '\n');
	command_output_add(&c->err, buf_str(&text));
	c->exit_code = exit_code;
}

/* ---- session state ---- */

static void do_cd(struct command *c)
{
	struct session *s = c->session;
	struct str to = c->n_args ? c->args[0] : str_from(s->virtual_root);
	int r = c->n_args > 1 ? -E2BIG : session_set_cwd(s, to);

	if (r == -E2BIG)
		complain(c, EXEC_EXIT_USAGE, "cd: too many arguments");
	else if (r == -EXDEV)
		complain(c, 1, "cd: " STR_FMT ": must be under %s", STR_ARG(to),
			 s->virtual_root);
	else if (r < 0)
		complain(c, 1, "cd: " STR_FMT ": %s", STR_ARG(to),
			 strerror(-r));
}

static void do_pwd(struct command *c)
{
	say(c, str_from(c->session->cwd));
	say(c, STR("\n"));
}

static void do_export(struct command *c)
{
	for (size_t i = 0; i < c->n_args; i++) {
		struct str a = c->args[i];
		ptrdiff_t eq = str_index(a, '=');
		int r = eq <= 0 ? -EINVAL
				: session_env_set(c->session,
						  str_from_n(a.p, (size_t)eq),
						  str_skip(a, (size_t)eq + 1));

		if (r < 0) {
			complain(c, EXEC_EXIT_USAGE,
				 "export: use NAME=VALUE (" STR_FMT ")",
				 STR_ARG(a));
			return;
		}
	}
	if (c->n_args == 0)
		complain(c, EXEC_EXIT_USAGE, "export: NAME=VALUE is required");
}

static void do_unset(struct command *c)
{
	if (c->n_args == 0)
		complain(c, EXEC_EXIT_USAGE, "unset: NAME is required");
	for (size_t i = 0; i < c->n_args; i++)
		session_env_unset(c->session, c->args[i]);
}

static int by_name(const void *a, const void *b)
{
	const struct session_var *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void sort_env(struct session *s)
{
	if (s->env.n > 1)
		qsort(s->env.data, s->env.n, sizeof(*s->env.data), by_name);
}

static void do_env(struct command *c)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct session *s = c->session;

	sort_env(s);
	for (size_t i = 0; i < s->env.n; i++)
		buf_printf(&text, "%s=%s\n", s->env.data[i].name,
			   s->env.data[i].value);
	say(c, buf_str(&text));
}

static void say_json(struct command *c, struct buf *text)
{
	buf_putc(text, '\n');
	if (text->error)
		complain(c, 1, "out of memory");
	else
		say(c, buf_str(text));
}

static void do_aenv(struct command *c)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct session *s = c->session;
	struct json_writer w;

	sort_env(s);
	json_writer_init(&w, &text, 0);
	json_begin_object(&w);
	for (size_t i = 0; i < s->env.n; i++)
		json_kv_cstr(&w, s->env.data[i].name, s->env.data[i].value);
	json_end_object(&w);
	say_json(c, &text);
}

static void do_history(struct command *c)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct session *s = c->session;

	for (size_t i = 0; i < s->history.n; i++)
		buf_printf(&text, "%5zu  %s\n", i + 1, s->history.data[i]);
	say(c, buf_str(&text));
}

/* ---- files ---- */

static int judge(struct command *c, enum file_verb verb, struct str path)
{
	struct op op = { .kind = OP_FILE,
			 .file = { .verb = verb, .path = path } };
	const struct policy *p = c->session->policy;
	struct event e = { .type = verb == FILE_LIST   ? STR("dir_list")
				   : verb == FILE_STAT ? STR("file_stat")
						       : STR("file_read"),
			   .session_id = str_from(c->session->id),
			   .command_id = str_from(c->id),
			   .source = STR("builtin"),
			   .path = path,
			   .depth = -1,
			   .has_policy = true };
	_cleanup_buf_ struct buf message = BUF_INIT;
	struct verdict v = policy_decide(p, &op);
	/* Nobody can be asked here: only a plain yes is one. */
	bool yes = v.kind == VERDICT_ALLOW || v.kind == VERDICT_AUDIT ||
		   v.kind == VERDICT_SOFT_DELETE;

	policy_rule_message(p, v, &op, &message);
	e.operation = str_from(file_verb_to_string(verb));
	e.decision = v.kind;
	e.effective_decision = yes ? VERDICT_ALLOW : VERDICT_DENY;
	e.action = yes ? EVENT_ALLOWED : EVENT_BLOCKED;
	e.rule = policy_rule_name(p, v);
	e.message = buf_str(&message);
	e.generation = v.generation;
	if (app_emit(c->app, &e) < 0 || !yes)
		return -EACCES;
	return 0;
}

/* The quarantine is not for the agent: as if it were not there. */
static bool is_hidden(const struct session *s, struct str path)
{
	_cleanup_buf_ struct buf trash = BUF_INIT;
	const char *dir = s->app->cfg.trash_dir;

	if (path_join(str_from(s->workspace),
		      str_from(dir[0] ? dir : TRASH_DEFAULT_DIR), &trash) < 0)
		return true;
	return path_beneath(path, buf_str(&trash));
}

/* Return: fd of the object, beneath the workspace, judged. */
static int open_judged(struct command *c, struct str label, enum file_verb verb,
		       int flags)
{
	_cleanup_buf_ struct buf path = BUF_INIT, real = BUF_INIT;
	_cleanup_close_ int root = -1, fd = -1;
	const char *below;
	int r = session_real_path(c->session, label, &path);

	if (r < 0)
		return r;
	root = open(c->session->workspace, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	below = buf_cstr(&path) + strlen(c->session->workspace);
	while (*below == '/')
		below++;
	fd = path_open_beneath(root, *below ? below : ".", flags, 0);
	if (fd < 0)
		return fd;
	r = path_of_fd(fd, &real);
	if (r == 0 && is_hidden(c->session, buf_str(&real)))
		r = -ENOENT;
	if (r == 0)
		r = judge(c, verb, buf_str(&real));
	return r < 0 ? r : TAKE_FD(fd);
}

static const char *type_name(mode_t mode)
{
	if (S_ISREG(mode))
		return "file";
	if (S_ISDIR(mode))
		return "dir";
	return S_ISLNK(mode) ? "symlink" : "other";
}

static void put_stat(struct json_writer *w, struct str name,
		     const struct stat *st)
{
	_cleanup_buf_ struct buf when = BUF_INIT;

	clock_format_rfc3339(&when, (int64_t)st->st_mtim.tv_sec * 1000000000 +
					    st->st_mtim.tv_nsec);
	json_kv_i64(w, "mode", st->st_mode & 0777);
	json_kv_str(w, "mtime", buf_str(&when));
	json_kv_str(w, "path", name);
	json_kv_i64(w, "size_bytes", st->st_size);
	json_kv_cstr(w, "type", type_name(st->st_mode));
}

static struct str file_arg(struct command *c, bool required)
{
	if (c->n_args == 1)
		return c->args[0];
	if (c->n_args == 0 && !required)
		return str_from(c->session->cwd);
	complain(c, EXEC_EXIT_USAGE, STR_FMT ": one path is required",
		 STR_ARG(c->command));
	return STR_NONE;
}

static void file_error(struct command *c, struct str name, int r)
{
	complain(c, 1, STR_FMT ": " STR_FMT ": %s", STR_ARG(c->command),
		 STR_ARG(name), strerror(-r));
}

static void do_astat(struct command *c)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct str name = file_arg(c, /* required */ true);
	_cleanup_close_ int fd = -1;
	struct json_writer w;
	struct stat st;

	if (name.n == 0)
		return;
	fd = open_judged(c, name, FILE_STAT, O_PATH);
	if (fd < 0 || fstat(fd, &st) < 0) {
		file_error(c, name, fd < 0 ? fd : -errno);
		return;
	}
	json_writer_init(&w, &text, 0);
	json_begin_object(&w);
	put_stat(&w, name, &st);
	json_end_object(&w);
	say_json(c, &text);
}

static void do_acat(struct command *c)
{
	_cleanup_buf_ struct buf text = BUF_INIT, data = BUF_INIT,
				 when = BUF_INIT;
	struct str name = file_arg(c, /* required */ true);
	_cleanup_close_ int fd = -1;
	struct json_writer w;
	struct stat st;
	ssize_t n = -EISDIR;
	char *p;

	if (name.n == 0)
		return;
	fd = open_judged(c, name, FILE_READ, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		file_error(c, name, fd < 0 ? fd : -errno);
		return;
	}
	p = buf_reserve(&data, CAT_MAX);
	if (p && S_ISREG(st.st_mode))
		n = fd_read_full(fd, p, CAT_MAX);
	if (n < 0) {
		file_error(c, name, (int)n);
		return;
	}
	clock_format_rfc3339(&when, (int64_t)st.st_mtim.tv_sec * 1000000000 +
					    st.st_mtim.tv_nsec);
	json_writer_init(&w, &text, 0);
	json_begin_object(&w);
	json_kv_str(&w, "content", str_from_n(p, (size_t)n));
	json_kv_str(&w, "mtime", buf_str(&when));
	json_kv_str(&w, "path", name);
	json_kv_i64(&w, "size_bytes", st.st_size);
	json_kv_bool(&w, "truncated", st.st_size > (off_t)n);
	json_end_object(&w);
	say_json(c, &text);
}

static void put_entries(const struct session *s, struct json_writer *w,
			DIR *dir)
{
	struct dirent *d;
	struct stat st;
	int left = LIST_MAX;
	_cleanup_buf_ struct buf at = BUF_INIT;
	size_t base;

	if (path_of_fd(dirfd(dir), &at) < 0)
		return;
	buf_putc(&at, '/');
	base = at.len;

	while (left-- > 0 && (d = readdir(dir))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) <
		    0)
			continue;
		at.len = base;
		buf_puts(&at, d->d_name);
		if (at.error || is_hidden(s, buf_str(&at)))
			continue;
		json_begin_object(w);
		put_stat(w, str_from(d->d_name), &st);
		json_end_object(w);
	}
}

static void do_als(struct command *c)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct str name = file_arg(c, /* required */ false);
	_cleanup_closedir_ DIR *dir = NULL;
	struct json_writer w;
	int fd;

	if (name.n == 0)
		return;
	fd = open_judged(c, name, FILE_LIST, O_RDONLY | O_DIRECTORY);
	if (fd < 0) {
		file_error(c, name, fd);
		return;
	}
	dir = fdopendir(fd);
	if (!dir) {
		file_error(c, name, -errno);
		(void)close(fd);
		return;
	}
	json_writer_init(&w, &text, 0);
	json_begin_object(&w);
	json_key(&w, "entries");
	json_begin_array(&w);
	put_entries(c->session, &w, dir);
	json_end_array(&w);
	json_kv_str(&w, "path", name);
	json_end_object(&w);
	say_json(c, &text);
}

static const struct {
	const char *name;
	void (*run)(struct command *c);
} BUILTINS[] = {
	{ "cd", do_cd },       { "pwd", do_pwd }, { "export", do_export },
	{ "unset", do_unset }, { "env", do_env }, { "history", do_history },
	{ "aenv", do_aenv },   { "als", do_als }, { "astat", do_astat },
	{ "acat", do_acat },
};

bool builtin_run(struct command *c)
{
	for (size_t i = 0; i < ARRAY_LEN(BUILTINS); i++) {
		if (!str_eq_c(c->command, BUILTINS[i].name))
			continue;
		/* `env NAME=V prog` is the program, not our listing. */
		if (str_eq_c(c->command, "env") && c->n_args)
			return false;
		BUILTINS[i].run(c);
		return true;
	}
	return false;
}
