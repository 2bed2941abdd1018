/* SPDX-License-Identifier: MIT */
/*
 * find.c - which config.yaml: the command line, the environment, the user's,
 * the system's, the one that came with the programs
 */
#include <unistd.h>

#include "base/macro.h"
#include "config/keys.h"

#define SYSTEM_DIR "/etc/agentsh"

static bool try_dir(const char *dir, struct buf *out)
{
	static const char *const names[] = { "config.yaml", "config.yml" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_buf_ struct buf path = BUF_INIT;

		buf_printf(&path, "%s/%s", dir, names[i]);
		if (access(buf_cstr(&path), F_OK) != 0)
			continue;
		buf_put_str(out, buf_str(&path));
		return true;
	}
	return false;
}

static bool try_packaged(const char *dir, struct buf *out)
{
	_cleanup_buf_ struct buf policy = BUF_INIT;

	buf_printf(&policy, "%s/policies/default.yaml", dir);
	return access(buf_cstr(&policy), R_OK) == 0 && try_dir(dir, out);
}

/*
 * The defaults that came with this program: beside the build tree it stands in
 * (BUILD/cli/agentsh, SOURCE/data), beside the place it was moved to
 * (PREFIX/bin/agentsh, PREFIX/share/agentsh), or where it was configured to be.
 */
static bool find_packaged(struct buf *out)
{
	_cleanup_buf_ struct buf beside = BUF_INIT;
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self));
	struct str dir = STR_NONE;

	if (n > 0 && (size_t)n < sizeof(self)) {
		dir = str_from_n(self, (size_t)n);
		dir.n -= str_basename(dir).n + 1;
	}
	if (str_ends(dir, STR("/cli"))) {
		dir.n -= strlen("/cli");
		buf_printf(&beside, STR_FMT "/build.ninja", STR_ARG(dir));
		if (access(buf_cstr(&beside), F_OK) == 0) {
			buf_reset(&beside);
			dir.n -= str_basename(dir).n + 1;
			buf_printf(&beside, STR_FMT "/data", STR_ARG(dir));
			return try_packaged(buf_cstr(&beside), out);
		}
	} else if (str_ends(dir, STR("/bin"))) {
		dir.n -= strlen("/bin");
		buf_printf(&beside, STR_FMT "/share/agentsh", STR_ARG(dir));
		if (try_packaged(buf_cstr(&beside), out))
			return true;
	}
	return try_packaged(CONFIG_PACKAGED_DIR, out);
}

/* Discovery without an explicit path. */
static enum config_source discover(char *const *env, struct buf *out)
{
	const char *xdg = config_getenv(env, "XDG_CONFIG_HOME");
	const char *home = config_getenv(env, "HOME");
	_cleanup_buf_ struct buf user = BUF_INIT;

	if (xdg && *xdg == '/')
		buf_printf(&user, "%s/agentsh", xdg);
	else if (home && *home == '/')
		buf_printf(&user, "%s/.config/agentsh", home);
	if (user.len && try_dir(buf_cstr(&user), out))
		return CONFIG_SOURCE_USER;
	if (try_dir(SYSTEM_DIR, out))
		return CONFIG_SOURCE_SYSTEM;
	if (find_packaged(out))
		return CONFIG_SOURCE_PACKAGED;
	buf_puts(out, SYSTEM_DIR "/config.yaml");
	return CONFIG_SOURCE_SYSTEM;
}

/*
 * Naming the file that would have been found anyway changes nothing, or a
 * server started by hand and one started by the command line would keep their
 * data in different places.
 */
enum config_source config_find(const char *explicit_path, char *const *env,
			       struct buf *out)
{
	const char *given = explicit_path && *explicit_path
				    ? explicit_path
				    : config_getenv(env, "AGENTSH_CONFIG");
	_cleanup_buf_ struct buf found = BUF_INIT;
	enum config_source source = discover(env, &found);

	if (!given || !*given || str_eq_c(buf_str(&found), given)) {
		buf_put_str(out, buf_str(&found));
		return source;
	}
	buf_puts(out, given);
	return CONFIG_SOURCE_EXPLICIT;
}
