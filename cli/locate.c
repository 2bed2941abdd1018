/* SPDX-License-Identifier: MIT */
/*
 * locate.c - configuration, policies and database, when no server is asked
 */
#include "cli/locate.h"

#include <unistd.h>

#include "cli/client.h"

static bool try_dir(struct buf *out, const char *dir, const char *rest)
{
	static const char *const names[] = { "config.yaml", "config.yml" };

	for (size_t i = 0; dir[0] && i < ARRAY_LEN(names); i++) {
		buf_reset(out);
		buf_printf(out, "%s%s/%s", dir, rest, names[i]);
		if (access(buf_cstr(out), F_OK) == 0)
			return true;
	}
	return false;
}

void locate_config(struct buf *out)
{
	const char *explicit = env_or("AGENTSH_CONFIG", "");
	const char *xdg = env_or("XDG_CONFIG_HOME", "");
	bool found;

	if (explicit[0]) {
		buf_puts(out, explicit);
		return;
	}
	found = xdg[0] ? try_dir(out, xdg, "/agentsh")
		       : try_dir(out, env_or("HOME", ""), "/.config/agentsh");
	if (!found && !try_dir(out, "/etc/agentsh", "")) {
		buf_reset(out);
		buf_puts(out, "/etc/agentsh/config.yaml");
	}
}
