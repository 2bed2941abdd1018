/* SPDX-License-Identifier: MIT */
/*
 * expand.c - $VAR and ${VAR} over the text of config.yaml, before YAML
 *
 * The rules are those of Go's os.Expand, which the files were written for:
 * an unset variable becomes nothing, `$` before anything that cannot begin a
 * name stays, and the shell's one-character parameters ($1, $?, ...) are
 * consumed. Two differences: whole-line comments are left alone, so that no
 * value can break out of one, and a variable that is not set is reported,
 * because a `$` in a regular expression is usually not meant as one.
 */
#include <errno.h>

#include "config/keys.h"
#include "core/limits.h"

const char *config_getenv(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; env && *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

static bool is_alnum(char c)
{
	return c == '_' || (c >= '0' && c <= '9') ||
	       ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static bool is_special(char c)
{
	return c && (strchr("*#$@!?-", c) || (c >= '0' && c <= '9'));
}

/*
 * s begins after the `$`. Sets the name and returns how many bytes it takes;
 * 0: no name, the `$` stays. An empty name with a length is bad syntax and is
 * eaten.
 */
static size_t take_name(struct str s, struct str *ret_name)
{
	size_t n = 0;

	*ret_name = STR_NONE;
	if (s.n == 0)
		return 0;
	if (s.p[0] == '{') {
		ptrdiff_t close = str_index(s, '}');

		if (close < 0)
			return 1;
		*ret_name = str_from_n(s.p + 1, (size_t)close - 1);
		return (size_t)close + 1;
	}
	if (is_special(s.p[0])) {
		*ret_name = str_from_n(s.p, 1);
		return 1;
	}
	while (n < s.n && is_alnum(s.p[n]))
		n++;
	*ret_name = str_from_n(s.p, n);
	return n;
}

struct expansion {
	const char *file;
	char *const *env;
	struct buf *out;
	struct diag *diag;
	unsigned int line;
};

static int put_value(struct expansion *x, struct str name, size_t column)
{
	_cleanup_free_ char *key = str_dup(name);
	const char *value = NULL;

	if (!key)
		return -ENOMEM;
	value = config_getenv(x->env, key);
	if (value)
		buf_puts(x->out, value);
	else
		diag_warn(x->diag, x->file, x->line, (unsigned int)column + 1,
			  "$%.60s is not set and was replaced by nothing", key);
	return 0;
}

static int expand_line(struct expansion *x, struct str line)
{
	size_t i = 0;

	while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
		i++;
	if (i < line.n && line.p[i] == '#') {
		buf_put_str(x->out, line);
		return 0;
	}
	for (i = 0; i < line.n; i++) {
		struct str name = STR_NONE;
		size_t n = line.p[i] == '$'
				   ? take_name(str_skip(line, i + 1), &name)
				   : 0;
		int r = 0;

		if (n == 0) {
			buf_putc(x->out, line.p[i]);
			continue;
		}
		r = put_value(x, name, i);
		if (r < 0)
			return r;
		i += n;
	}
	return 0;
}

int config_expand(const char *file, struct str text, char *const *env,
		  struct buf *out, struct diag *diag)
{
	struct expansion x = { file, env, out, diag, 0 };
	size_t at = 0;

	if (text.n > LIMIT_CONFIG_BYTES) {
		diag_error(diag, file, 0, 0, "larger than %u bytes (%zu)",
			   LIMIT_CONFIG_BYTES, text.n);
		return -EINVAL;
	}
	out->cap = (size_t)2 * LIMIT_CONFIG_BYTES;
	while (at < text.n) {
		const char *nl = memchr(text.p + at, '\n', text.n - at);
		size_t end = nl ? (size_t)(nl - text.p) + 1 : text.n;
		int r = 0;

		x.line++;
		r = expand_line(&x, str_from_n(text.p + at, end - at));
		if (r < 0)
			return r;
		at = end;
	}
	if (out->error == -ENOMEM)
		return -ENOMEM;
	if (out->error) {
		diag_error(diag, file, 0, 0,
			   "environment variables make it larger than %u bytes",
			   2 * LIMIT_CONFIG_BYTES);
		return -EINVAL;
	}
	return 0;
}
