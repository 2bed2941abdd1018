/* SPDX-License-Identifier: MIT */
/*
 * shim_find.c - the real shell, agentsh, and calls of agentsh itself
 */
#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "cli/shim.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

const char *shim_name(const char *argv0)
{
	struct str s = str_from(argv0);

	if (str_starts(s, STR("-")))
		s = str_skip(s, 1);
	return str_eq(str_basename(s), STR("bash")) ? "bash" : "sh";
}

static bool same_bytes(const char *a, const char *b, off_t size)
{
	_cleanup_close_ int fa = open(a, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int fb = open(b, O_RDONLY | O_CLOEXEC);
	char xa[4096], xb[4096];

	for (off_t at = 0; at < size;) {
		ssize_t na = fd_read_full(fa, xa, sizeof(xa));
		ssize_t nb = fd_read_full(fb, xb, sizeof(xb));

		if (na <= 0 || na != nb || memcmp(xa, xb, (size_t)na) != 0)
			return false;
		at += na;
	}
	return true;
}

/* A program that is not this one, by identity or by content. */
static bool usable(const struct shim *s, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
	    access(path, X_OK) < 0)
		return false;
	if (st.st_dev == s->exe_st.st_dev && st.st_ino == s->exe_st.st_ino)
		return false;
	return st.st_size != s->exe_st.st_size ||
	       !same_bytes(path, buf_cstr(&s->exe), st.st_size);
}

static struct str dir_of(struct str path)
{
	ptrdiff_t slash = str_rindex(path, '/');

	return slash < 0 ? STR_NONE
			 : str_from_n(path.p, slash ? (size_t)slash : 1);
}

static bool try_file(const struct shim *s, struct str dir, const char *suffix,
		     struct buf *out)
{
	buf_reset(out);
	buf_printf(out, STR_FMT "/%s%s", STR_ARG(dir), s->name, suffix);
	return dir.n && usable(s, buf_cstr(out));
}

int shim_find_real(const struct shim *s, struct buf *out)
{
	struct str argv0 = str_from(s->argv[0]);
	struct str dirs[4];

	if (str_starts(argv0, STR("-")))
		argv0 = str_skip(argv0, 1);
	dirs[0] = dir_of(argv0);
	dirs[1] = dir_of(buf_str(&s->exe));
	dirs[2] = STR("/bin");
	dirs[3] = STR("/usr/bin");
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (try_file(s, dirs[i], ".real", out))
			return 0;
	buf_reset(out);
	return -ENOENT;
}

static struct str path_list(void)
{
	const char *path = getenv("PATH");

	return str_from(path && path[0] ? path : DEFAULT_PATH);
}

int shim_find_path_shell(const struct shim *s, struct buf *out)
{
	struct str rest = path_list(), dir;

	while (str_split(&rest, ':', &dir))
		if (str_starts(dir, STR("/")) && try_file(s, dir, "", out))
			return 0;
	buf_reset(out);
	return -ENOENT;
}

/* name on $PATH, or itself when it holds a slash. */
static int find_program(struct str name, struct buf *out)
{
	struct str rest = path_list(), dir;
	struct stat st;

	buf_reset(out);
	buf_put_str(out, name);
	if (str_index(name, '/') >= 0)
		return access(buf_cstr(out), X_OK) == 0 ? 0 : -ENOENT;
	while (name.n && str_split(&rest, ':', &dir)) {
		buf_reset(out);
		buf_printf(out, STR_FMT "/" STR_FMT, STR_ARG(dir),
			   STR_ARG(name));
		if (dir.n && stat(buf_cstr(out), &st) == 0 &&
		    S_ISREG(st.st_mode) && access(buf_cstr(out), X_OK) == 0)
			return 0;
	}
	buf_reset(out);
	return -ENOENT;
}

int shim_find_agentsh(struct buf *out)
{
	const char *bin = getenv("AGENTSH_BIN");

	return find_program(bin && bin[0] ? str_from(bin) : STR("agentsh"),
			    out);
}

/*
 * One simple command: no list, pipe, background, subshell or substitution.
 * What stands in single quotes means nothing; in double quotes only
 * substitutions do.
 */
static bool is_plain(struct str command)
{
	char quote = '\0';

	for (size_t i = 0; i < command.n; i++) {
		char c = command.p[i];
		char next = i + 1 < command.n ? command.p[i + 1] : '\0';

		if (quote == '\'') {
			quote = c == '\'' ? '\0' : quote;
		} else if (c == '\\') {
			i++;
		} else if (c == '`' || (c == '$' && next == '(') ||
			   (!quote && memchr(";\n|&(", c, 5))) {
			return false;
		} else if (quote) {
			quote = c == quote ? '\0' : quote;
		} else if (c == '\'' || c == '"') {
			quote = c;
		}
	}
	return quote == '\0';
}

static struct str first_word(struct str *rest)
{
	struct str word;

	*rest = str_trim(*rest);
	for (size_t i = 0; i < rest->n; i++) {
		if (rest->p[i] != ' ' && rest->p[i] != '\t')
			continue;
		word = str_from_n(rest->p, i);
		*rest = str_skip(*rest, i);
		return word;
	}
	word = *rest;
	*rest = STR_NONE;
	return word;
}

/* The program a plain command runs, without the words that only wrap it. */
static struct str program_of(struct str command)
{
	static const char *const wrappers[] = { "exec", "nice", "nohup",
						"command" };
	struct str word = first_word(&command);

	for (size_t i = 0; i < ARRAY_LEN(wrappers); i++)
		if (str_eq_c(word, wrappers[i])) {
			word = first_word(&command);
			i = (size_t)-1;
		}
	return word;
}

bool shim_is_agentsh_call(const struct shim *s)
{
	_cleanup_buf_ struct buf program = BUF_INIT;
	struct stat a, b;

	if (s->argc != 3 || strcmp(s->argv[1], "-c") != 0 ||
	    s->agentsh.len == 0 || !is_plain(str_from(s->argv[2])))
		return false;
	if (find_program(program_of(str_from(s->argv[2])), &program) < 0 ||
	    stat(buf_cstr(&program), &a) < 0 ||
	    stat(buf_cstr(&s->agentsh), &b) < 0)
		return false;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}
