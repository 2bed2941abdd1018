/* SPDX-License-Identifier: MIT */
/*
 * shim.h - the program that stands where /bin/sh and /bin/bash were
 *
 *	shim_conf     /etc/agentsh/shim.conf, read and written
 *	shim_find     the real shell, agentsh, and calls of agentsh itself
 *	shim_session  which session an interactive shell belongs to
 *	shim          the decision, and the exec that ends it
 *	shim_install  putting it there and taking it away (`agentsh shim`)
 *
 * It brings a person's or an agent's shell into a session; it protects nothing.
 * What commands may do is decided by the worker whether the shim is there,
 * was gone around, or was told by the environment to stand aside.
 */
#ifndef CLI_SHIM_H
#define CLI_SHIM_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/str.h"

#define SHIM_CONF_MAX  65536
#define SHIM_CONF_PATH "/etc/agentsh/shim.conf"

enum shim_install_mode {
	SHIM_INSTALL_AUTO = 0,
	SHIM_INSTALL_ON,
	SHIM_INSTALL_OFF
};

struct shim_conf {
	bool force, force_given;
	bool ready_gate;
	enum shim_install_mode install;
	struct buf other; /* lines with keys that we do not know, as read */
};

void shim_conf_done(struct shim_conf *c);
#define _cleanup_shim_conf_ _cleanup_(shim_conf_done)
/*
 * A missing file is the default. A file that cannot be read is force=true
 * (*ret is filled, -errno returned), a value that is not one of the allowed is
 * -EINVAL with a line in error.
 */
int shim_conf_read(const char *path, struct shim_conf *ret, struct buf *error);
int shim_conf_parse(struct str text, struct shim_conf *ret, struct buf *error);
/* The file's text; keys sorted, unknown ones kept. */
void shim_conf_render(const struct shim_conf *c, struct buf *out);

/* One start of the shim. */
struct shim {
	char **argv; /* borrowed, argc >= 1 */
	int argc;
	const char *name; /* "sh" or "bash" */
	struct buf exe;   /* our own file */
	struct stat exe_st;
	struct shim_conf conf;
	struct buf real;    /* the real shell */
	struct buf agentsh; /* "" when there is none */
	bool debug;
};

/* "sh" or "bash" from argv[0]; a login shell's '-' does not count. */
const char *shim_name(const char *argv0);
/*
 * <dir of argv0>/NAME.real, then beside ourselves, /bin, /usr/bin; never a
 * file that is the shim. Return: 0 or -ENOENT.
 */
int shim_find_real(const struct shim *s, struct buf *out);
/* Inside a session only: any other shell of that name on PATH. */
int shim_find_path_shell(const struct shim *s, struct buf *out);
/* $AGENTSH_BIN or `agentsh` on $PATH. 0 or -ENOENT. */
int shim_find_agentsh(struct buf *out);
/*
 * True for `-c CMD` where CMD is one plain call of agentsh itself: run through
 * a session, it would wait for the server it is to start.
 */
bool shim_is_agentsh_call(const struct shim *s);

/* Where a session's shell works, and under which name. */
struct shim_session {
	struct buf root; /* $AGENTSH_WORKSPACE, the git root, or the cwd */
	struct buf id;
	struct buf file; /* where the id is kept; "" = nowhere */
};

void shim_session_done(struct shim_session *s);
/* Never fails: "session-default" is the last resort. */
void shim_session_find(struct shim_session *s);
/*
 * The current directory, if it lies in the session's workspace: elsewhere a
 * command starts in the workspace. The session of all (scope global) has the
 * workspace of its first shell, which is not known here. Return: text for
 * free(), or NULL.
 */
char *shim_session_cwd(const struct shim_session *s);

#endif
