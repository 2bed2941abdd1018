/* SPDX-License-Identifier: MIT */
/*
 * policy_path.c - where the policies of the command line are
 */
#include "cli/policy_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include "cli/output.h"
#include "config/config.h"

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* policies.dir of the configuration, "" when there is none to read. */
static void dir_from_config(const struct cli *c, struct buf *out)
{
	const char *given = flag_text(&c->flags, "config");
	_cleanup_(config_free_p) struct config *config = NULL;
	_cleanup_buf_ struct buf path = BUF_INIT;
	enum config_source source;

	source = config_find(given[0] ? given : NULL, environ, &path);
	if (config_load(buf_cstr(&path), source, environ, &config, NULL) == 0)
		buf_puts(out, config->policies.dir);
}

void policy_dir(const struct cli *c, struct buf *out)
{
	const char *given = flag_text(&c->flags, "dir");

	if (given[0]) {
		buf_puts(out, given);
		return;
	}
	dir_from_config(c, out);
	if (out->len && is_dir(buf_cstr(out)))
		return;
	buf_reset(out);
	buf_puts(out, is_dir("./configs") ? "./configs" : ".");
}

bool policy_yaml_name(struct str s)
{
	return str_ends(s, STR(".yaml")) || str_ends(s, STR(".yml"));
}

/* 1 found, 0 not there. */
static int try_file(const char *dir, const char *name, const char *suffix,
		    struct buf *path)
{
	buf_reset(path);
	if (dir)
		buf_printf(path, "%s/", dir);
	buf_printf(path, "%s%s", name, suffix);
	return access(buf_cstr(path), F_OK) == 0 && !is_dir(buf_cstr(path));
}

int policy_find(const struct cli *c, const char *name, struct buf *path)
{
	_cleanup_buf_ struct buf dir = BUF_INIT;
	bool as_path = strchr(name, '/') || policy_yaml_name(str_from(name));

	if (as_path && try_file(NULL, name, "", path))
		return 0;
	policy_dir(c, &dir);
	if (as_path && try_file(buf_cstr(&dir), name, "", path))
		return 0;
	if (!as_path && (try_file(buf_cstr(&dir), name, ".yaml", path) ||
			 try_file(buf_cstr(&dir), name, ".yml", path) ||
			 try_file(buf_cstr(&dir), name, "", path)))
		return 0;
	return fail("policy \"%s\" not found in \"%s\"", name, buf_cstr(&dir));
}
