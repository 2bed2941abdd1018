/* SPDX-License-Identifier: MIT */
/*
 * store.h - the quarantine of a workspace, for the verbs that use it
 */
#ifndef CLI_STORE_H
#define CLI_STORE_H

#include "base/cleanup.h"
#include "cli/command.h"
#include "trash/trash.h"

DEFINE_CLEANUP(trash_close, struct trash *)
#define _cleanup_trash_ _cleanup_(trash_close_p)

/*
 * Opens the store that --trash-path names, or that of the workspace --root;
 * without either the nearest one, from the current directory upwards. Prints. Return: 0; the exit status;
 * or -ENOENT, with nothing printed, when there is no store.
 */
int store_open(const struct cli *c, bool read_only, struct trash **ret);
/* Same for the workspace directory `dir`. */
int store_open_workspace(const char *dir, bool read_only, struct trash **ret);
/*
 * The id of the one command that `word` is, or begins ("cmd-" may be left
 * out). Prints. Return: 0 or the exit status.
 */
int store_find_command(struct trash *t, struct str word, struct buf *ret);
/* "2m5s": the time since when_ns, rounded to seconds, as Go prints it. */
void store_put_age(struct buf *out, int64_t when_ns);
/* 1536 -> "1.5 KiB". */
void store_put_size(struct buf *out, uint64_t bytes);
/*
 * RFC 3339 or a duration ago (flag names it in the message), 0 for "".
 * Return: 0 or the exit status.
 */
int store_parse_since(const char *flag, const char *text, int64_t *ret_ns);

#endif
