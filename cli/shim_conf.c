/* SPDX-License-Identifier: MIT */
/*
 * shim_conf.c - /etc/agentsh/shim.conf: KEY=VALUE lines
 */
#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/vec.h"
#include "cli/shim.h"

static const char *const mode_names[] = { "auto", "on", "off" };

void shim_conf_done(struct shim_conf *c)
{
	buf_done(&c->other);
}

static int bad(struct str key, struct str value, const char *allowed,
	       struct buf *error)
{
	buf_printf(error, "shim.conf: " STR_FMT "=\"", STR_ARG(key));
	buf_put_escaped(error, value);
	buf_printf(error, "\" is not one of %s", allowed);
	return -EINVAL;
}

static int set_bool(struct str key, struct str value, bool *ret,
		    struct buf *error)
{
	if (str_eq(value, STR("true")) || str_eq(value, STR("1")))
		*ret = true;
	else if (str_eq(value, STR("false")) || str_eq(value, STR("0")))
		*ret = false;
	else
		return bad(key, value, "true, 1, false, 0", error);
	return 0;
}

static int set_mode(struct str key, struct str value,
		    enum shim_install_mode *ret, struct buf *error)
{
	for (size_t i = 0; i < ARRAY_LEN(mode_names); i++) {
		if (!str_eq_c(value, mode_names[i]))
			continue;
		*ret = (enum shim_install_mode)i;
		return 0;
	}
	return bad(key, value, "auto, on, off", error);
}

static int parse_line(struct shim_conf *c, struct str line, struct buf *error)
{
	struct str key, value = str_trim(line);

	if (value.n == 0 || value.p[0] == '#')
		return 0;
	if (str_index(value, '=') < 0) {
		buf_puts(error, "shim.conf: not KEY=VALUE: ");
		buf_put_escaped(error, value);
		return -EINVAL;
	}
	(void)str_split(&value, '=', &key);
	key = str_trim(key);
	value = str_trim(value);
	if (str_eq(key, STR("force"))) {
		c->force_given = true;
		return set_bool(key, value, &c->force, error);
	}
	if (str_eq(key, STR("ready_gate")))
		return set_bool(key, value, &c->ready_gate, error);
	if (str_eq(key, STR("shim_install")))
		return set_mode(key, value, &c->install, error);
	buf_printf(&c->other, STR_FMT "=" STR_FMT "\n", STR_ARG(key),
		   STR_ARG(value));
	return c->other.error;
}

int shim_conf_parse(struct str text, struct shim_conf *ret, struct buf *error)
{
	struct shim_conf c = { .other = BUF_INIT };
	struct str line;
	int r = 0;

	while (r == 0 && str_split(&text, '\n', &line))
		r = parse_line(&c, line, error);
	if (r < 0) {
		shim_conf_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}

int shim_conf_read(const char *path, struct shim_conf *ret, struct buf *error)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = fd_read_file(AT_FDCWD, path, SHIM_CONF_MAX, &text);

	if (r == -ENOENT || r == -ENOTDIR) {
		*ret = (struct shim_conf){ .other = BUF_INIT };
		return 0;
	}
	if (r < 0) {
		*ret = (struct shim_conf){ .force = true };
		buf_printf(error, "%s: %s", path, strerror(-r));
		return r;
	}
	return shim_conf_parse(buf_str(&text), ret, error);
}

static int by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The lines of text in order, sorted by key. */
static void put_sorted(struct str text, struct buf *out)
{
	VEC(struct str) lines = VEC_INIT;
	struct str line;

	while (str_split(&text, '\n', &line))
		if (line.n && vec_push(&lines, line) < 0)
			out->error = -ENOMEM;
	if (lines.n)
		qsort(lines.data, lines.n, sizeof(*lines.data), by_bytes);
	for (size_t i = 0; i < lines.n; i++) {
		buf_put_str(out, lines.data[i]);
		buf_putc(out, '\n');
	}
	vec_done(&lines);
}

void shim_conf_render(const struct shim_conf *c, struct buf *out)
{
	_cleanup_buf_ struct buf lines = BUF_INIT;

	buf_put_str(&lines, buf_str(&c->other));
	if (c->force_given)
		buf_printf(&lines, "force=%s\n", c->force ? "true" : "false");
	if (c->ready_gate)
		buf_puts(&lines, "ready_gate=true\n");
	if (c->install != SHIM_INSTALL_AUTO)
		buf_printf(&lines, "shim_install=%s\n", mode_names[c->install]);
	buf_puts(out, "# Written by: agentsh shim install-shell\n");
	put_sorted(buf_str(&lines), out);
	if (lines.error)
		out->error = lines.error;
}
