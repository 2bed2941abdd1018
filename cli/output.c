/* SPDX-License-Identifier: MIT */
/*
 * output.c - what the user sees: errors, JSON, colours
 */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

#include "base/fd.h"
#include "cli/bar.h"

static void say(const char *fmt, va_list ap, int r) _printf_(1, 0);
static void say(const char *fmt, va_list ap, int r)
{
	_cleanup_buf_ struct buf b = BUF_INIT, plain = BUF_INIT;

	buf_vprintf(&b, fmt, ap);
	if (r < 0)
		buf_printf(&b, ": %s", strerror(-r));
	/* It may quote names that an agent made up. */
	buf_put_plain(&plain, buf_str(&b));
	buf_putc(&plain, '\n');
	(void)out_write(STDERR_FILENO, buf_str(&plain));
}

int fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap, 0);
	va_end(ap);
	return 1;
}

int fail_errno(int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap, r);
	va_end(ap);
	return 1;
}

void hint(const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_puts(&b, "agentsh: hint: ");
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	(void)fail("%s", buf_cstr(&b));
}

/* What out_write() was given since out_collect(). */
static struct collected {
	bool on;
	struct buf out, err;
} collected;

void out_collect(void)
{
	collected.on = true;
}

bool out_is_collecting(void)
{
	return collected.on;
}

static void put_lines(struct json_writer *w, const char *key, struct str text)
{
	struct str line;

	if (str_ends(text, STR("\n")))
		text.n--;
	json_key(w, key);
	json_begin_array(w);
	while (text.n && str_split(&text, '\n', &line))
		json_str(w, line);
	json_end_array(w);
}

static int print_collected(const char *name, int status)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json_writer w;

	json_writer_init(&w, &b, 2);
	json_begin_object(&w);
	json_kv_cstr(&w, "command", name);
	json_kv_i64(&w, "status", status);
	put_lines(&w, "output", buf_str(&collected.out));
	put_lines(&w, "messages", buf_str(&collected.err));
	json_end_object(&w);
	buf_putc(&b, '\n');
	return out_buf(&b) ? 1 : status;
}

int out_collected(const char *name, int status)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(256U << 20);
	struct json *v = NULL;

	collected.on = false;
	if (collected.out.error || collected.err.error)
		return fail_errno(-ENOMEM, "%s", name);
	if (json_parse(&a, buf_str(&collected.out), &v) < 0 ||
	    (v->type != JSON_OBJECT && v->type != JSON_ARRAY)) {
		status = print_collected(name, status);
	} else {
		(void)out_write(STDERR_FILENO, buf_str(&collected.err));
		status = out_buf(&collected.out) ? 1 : status;
	}
	buf_done(&collected.out);
	buf_done(&collected.err);
	return status;
}

int out_write(int fd, struct str s)
{
	struct buf *b = fd == STDOUT_FILENO ? &collected.out : &collected.err;

	bar_hide();
	if (collected.on && (fd == STDOUT_FILENO || fd == STDERR_FILENO)) {
		buf_put_str(b, s);
		return b->error;
	}
	return s.n ? fd_write_full(fd, s.p, s.n) : 0;
}

/* Our own colours; all else that could steer a terminal is somebody's name. */
static void put_coloured(struct buf *out, struct str s)
{
	static const char *const ours[] = { "\033[0m",  "\033[31m", "\033[32m",
					    "\033[33m", "\033[1m",  "\033[2m" };
	struct str part;
	size_t n;

	while (s.n) {
		const char *esc = memchr(s.p, '\033', s.n);

		part = str_from_n(s.p, esc ? (size_t)(esc - s.p) : s.n);
		buf_put_plain(out, part);
		s = str_skip(s, part.n);
		n = 0;
		for (size_t i = 0; i < ARRAY_LEN(ours) && n == 0; i++)
			if (str_starts(s, str_from(ours[i])))
				n = strlen(ours[i]);
		buf_put(out, s.p, n);
		if (n == 0 && s.n) {
			n = 1;
			buf_put_plain(out, str_from_n(s.p, n));
		}
		s = str_skip(s, n);
	}
}

int out_buf(const struct buf *b)
{
	_cleanup_buf_ struct buf shown = BUF_INIT;
	struct str text = buf_str(b);
	int r = b->error;

	if (str_starts(text, STR("{")) || str_starts(text, STR("["))) {
		json_put_shown(&shown, text);
		text = buf_str(&shown);
	} else if (isatty(STDOUT_FILENO)) {
		put_coloured(&shown, text);
		text = buf_str(&shown);
	}
	if (r == 0)
		r = shown.error;
	if (r == 0)
		r = out_write(STDOUT_FILENO, text);
	if (r < 0 && r != -EPIPE)
		return fail_errno(r, "write to standard output");
	return r < 0;
}

int out_file(const char *path, const char *what, const struct buf *b)
{
	int r;

	if (!path[0])
		return out_buf(b);
	r = fd_write_file_atomic(AT_FDCWD, path, buf_str(b), 0644);
	if (r < 0)
		return fail_errno(r, "write %s", path);
	return out_line("%s written to %s", what, path);
}

int out_line(const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = BUF_INIT, plain = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	buf_put_plain(&plain, buf_str(&b));
	buf_putc(&plain, '\n');
	return out_buf(&plain);
}

/* Recursion ends: the parser lets nothing be deeper than JSON_MAX_DEPTH. */
/* NOLINTNEXTLINE(misc-no-recursion) */
void json_copy(struct json_writer *w, const struct json *v)
{
	switch (v->type) {
	case JSON_NULL:
		json_null(w);
		break;
	case JSON_BOOL:
		json_bool(w, v->boolean);
		break;
	case JSON_NUMBER:
		json_raw(w, v->text);
		break;
	case JSON_STRING:
		json_str(w, v->text);
		break;
	case JSON_ARRAY:
		json_begin_array(w);
		json_foreach(it, v)
		{
			json_copy(w, it);
		}
		json_end_array(w);
		break;
	case JSON_OBJECT:
		json_begin_object(w);
		json_foreach(it, v)
		{
			json_key_str(w, it->key);
			json_copy(w, it);
		}
		json_end_object(w);
		break;
	}
}

int out_json_tree(const struct json *v)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json_writer w;

	json_writer_init(&w, &b, 2);
	json_copy(&w, v);
	buf_putc(&b, '\n');
	return out_buf(&b);
}

int out_json(struct str text)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(256U << 20);
	struct json *v = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (json_parse(&a, text, &v) == 0)
		return out_json_tree(v);
	buf_put_str(&b, text);
	return out_buf(&b);
}

const char *colour(enum colour c)
{
	static const char *const code[] = {
		[COLOUR_OFF] = "\033[0m",    [COLOUR_RED] = "\033[31m",
		[COLOUR_GREEN] = "\033[32m", [COLOUR_YELLOW] = "\033[33m",
		[COLOUR_BOLD] = "\033[1m",   [COLOUR_DIM] = "\033[2m",
	};
	static int use = -1;
	const char *term;

	if (use < 0) {
		term = getenv("TERM");
		use = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term &&
		      strcmp(term, "dumb") != 0;
	}
	return use ? code[c] : "";
}

void out_diag(const struct diag *d)
{
	_cleanup_buf_ struct buf b = BUF_INIT, plain = BUF_INIT;

	diag_format(d, &b);
	buf_put_plain(&plain, buf_str(&b));
	(void)out_write(STDERR_FILENO, buf_str(&plain));
}
