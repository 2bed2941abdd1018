/* SPDX-License-Identifier: MIT */
/*
 * exec_follow.c - from the file that an execve names to what will run
 *
 * The kernel runs the interpreter of a script; a dynamic loader that is started
 * as a program loads the file that it is told to. Either may lead to the other,
 * so both are followed in turn, each one judged by its names and its content.
 * What an ELF file asks for as its loader (PT_INTERP) runs in its stead: any
 * static program will do, so that is judged like a script's interpreter.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "core/limits.h"
#include "tracer/elf_facts.h"
#include "tracer/exec.h"
#include "tracer/ownfd.h"

#define SHEBANG_MAX 256 /* BINPRM_BUF_SIZE */
/* Loaders may lead to scripts' interpreters and those to loaders. */
#define FOLLOW_MAX (2 * LIMIT_SHEBANG_DEPTH)

/* Where we are on the way. */
struct step {
	int fd;          /* borrowed: x->fd or `held` */
	int held;        /* owned */
	struct str name; /* by which it is called, for a script's argv */
	struct str path; /* the kernel's */
	const struct str *argv;
	size_t argc;
	unsigned int scripts;
};

struct str exec_keep(struct exec *x, struct str s)
{
	return str_from_n(arena_dup(&x->arena, s), s.n);
}

void exec_add_name(struct exec *x, struct str name)
{
	if (name.n == 0 || x->n_names == EXEC_MAX_NAMES)
		return;
	for (size_t i = 0; i < x->n_names; i++)
		if (str_eq(x->names[i], name))
			return;
	x->names[x->n_names++] = name;
}

/* Splits "#!  interpreter [one argument]"; false if head is no script. */
static bool parse_shebang(struct str head, struct str *ret_interp,
			  struct str *ret_arg)
{
	ptrdiff_t nl;
	struct str line;
	size_t i = 0;

	if (!str_starts(head, STR("#!")))
		return false;
	head.n = MIN(head.n, (size_t)SHEBANG_MAX);
	nl = str_index(head, '\n');
	line = str_trim(
		str_from_n(head.p + 2, (nl < 0 ? head.n : (size_t)nl) - 2));
	while (i < line.n && line.p[i] != ' ' && line.p[i] != '\t')
		i++;
	*ret_interp = str_from_n(line.p, i);
	*ret_arg = str_trim(str_skip(line, i));
	return i > 0;
}

static int go_to(struct exec *x, struct step *s, struct str name)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int fd = resolve_object(&x->viewer, AT_FDCWD, name.p, 0, 0);

	if (fd < 0)
		return fd;
	if (s->held >= 0)
		(void)close(s->held);
	s->fd = s->held = fd;
	if (ownfd_path(fd, &b) < 0)
		return -EACCES;
	s->name = name;
	s->path = exec_keep(x, buf_str(&b));
	if (!s->path.p)
		return -ENOMEM;
	x->interp = s->path;
	x->interp_denied |= copies_match(x->copies, fd);
	exec_add_name(x, name);
	return 0;
}

/* As far as the kernel goes, and not yet a loader. */
static int set_image(struct exec *x, const struct step *s)
{
	x->image = s->path;
	x->image_argv = s->argv;
	x->image_argc = s->argc;
	return fstat(s->fd, &x->image_st) < 0 ? -errno : 0;
}

/* The interpreter's argv: interpreter, argument, script, rest of argv. */
static int follow_script(struct exec *x, struct step *s, struct str interp,
			 struct str arg)
{
	struct str *v = arena_alloc(&x->arena, (s->argc + 3) * sizeof(*v));
	struct str script = s->name;
	size_t n = 0;
	int r;

	interp = exec_keep(x, interp);
	arg = exec_keep(x, arg);
	if (!v || !interp.p || !arg.p)
		return -ENOMEM;
	if (s->scripts++ > LIMIT_SHEBANG_DEPTH)
		return -ELOOP;
	r = go_to(x, s, interp);
	if (r < 0)
		return r;
	v[n++] = interp;
	if (arg.n)
		v[n++] = arg;
	v[n++] = script;
	for (size_t i = 1; i < s->argc; i++)
		v[n++] = s->argv[i];
	s->argv = v;
	s->argc = n;
	return x->loader ? 0 : set_image(x, s);
}

/* Its words up to the program's name: options, of which some take a value. */
static size_t skip_options(const struct step *s)
{
	static const char *const with_value[] = {
		"--library-path",     "--argv0",
		"--preload",          "--audit",
		"--inhibit-rpath",    "--glibc-hwcaps-prepend",
		"--glibc-hwcaps-mask"
	};
	size_t i = 1;

	while (i < s->argc && str_starts(s->argv[i], STR("--"))) {
		size_t skip = 1;

		if (s->argv[i].n == 2) /* musl's end of options */
			return i + 1;
		for (size_t k = 0; k < ARRAY_LEN(with_value); k++)
			if (str_eq_c(s->argv[i], with_value[k]))
				skip = 2;
		i += skip;
	}
	return i;
}

/* ld.so FILE runs FILE: its real path is a name of what will run. */
static int follow_loader(struct exec *x, struct step *s)
{
	size_t i = skip_options(s);
	int r;

	x->loader = true;
	if (i >= s->argc || s->argv[i].n == 0)
		return 0;
	s->argv += i;
	s->argc -= i;
	r = go_to(x, s, s->argv[0]);
	return r == 0 ? 1 : -EACCES;
}

static bool is_loader(const struct step *s, int file, struct str head)
{
	struct str base = str_basename(s->path);
	struct elf_facts facts;

	return str_starts(base, STR("ld-linux")) ||
	       str_starts(base, STR("ld-musl")) ||
	       str_starts(base, STR("ld-2")) ||
	       (elf_look_head_fd(head.p, head.n, file, &facts) && facts.loader);
}

/* Where loaders are on every machine: nothing to look at. */
static bool is_usual_loader(struct str path)
{
	return str_eq(path, STR("/lib64/ld-linux-x86-64.so.2")) ||
	       str_eq(path, STR("/lib/ld-linux-aarch64.so.1"));
}

/* A program's own choice of a loader, which need not be one. */
static int follow_interp(struct exec *x, struct step *s, int file,
			 struct str head)
{
	char path[ELF_INTERP_MAX], first[ELF_HEAD_MAX];
	struct str before = x->interp;
	size_t n = elf_interp_fd(head.p, head.n, file, path);
	_cleanup_close_ int other = -1;
	ssize_t got;
	int r;

	if (n == 0 || is_usual_loader(str_from_n(path, n)))
		return 0;
	r = go_to(x, s, exec_keep(x, str_from_n(path, n)));
	if (r < 0)
		return r;
	other = ownfd_open(s->fd, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
	got = other < 0 ? other : pread(other, first, sizeof(first), 0);
	if (got > 0 && is_loader(s, other, str_from_n(first, (size_t)got)) &&
	    !x->interp_denied)
		x->interp = before;
	return 0;
}

/* One step; 1: made, 0: this is what runs. */
static int follow_one(struct exec *x, struct step *s)
{
	_cleanup_close_ int file =
		ownfd_open(s->fd, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
	char head[ELF_HEAD_MAX];
	ssize_t n = file < 0 ? file : pread(file, head, sizeof(head), 0);
	struct str interp, arg;
	int r;

	/* Not readable by us: executable at most, and no script. */
	if (n <= 0)
		return 0;
	if (!parse_shebang(str_from_n(head, (size_t)n), &interp, &arg))
		return is_loader(s, file, str_from_n(head, (size_t)n))
			       ? follow_loader(x, s)
			       : follow_interp(x, s, file,
					       str_from_n(head, (size_t)n));
	r = follow_script(x, s, interp, arg);
	return r < 0 ? r : 1;
}

int exec_follow(struct exec *x)
{
	struct step s = { .fd = x->fd,
			  .held = -1,
			  .name = x->raw.n ? x->raw : x->path,
			  .path = x->path,
			  .argv = x->argv,
			  .argc = x->argc };
	int r = set_image(x, &s);

	if (r < 0)
		return r;
	for (int i = 0; (r = follow_one(x, &s)) > 0; i++)
		if (i == FOLLOW_MAX) {
			r = -ELOOP;
			break;
		}
	if (s.held >= 0)
		(void)close(s.held);
	x->interp_argv = s.argv;
	x->interp_argc = s.argc;
	return r;
}
