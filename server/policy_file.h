/* SPDX-License-Identifier: MIT */
/*
 * policy_file.h - a policy by name: its file, and who vouches for it
 */
#ifndef SERVER_POLICY_FILE_H
#define SERVER_POLICY_FILE_H

#include "server/settings.h"

/* A file's name: no "/", and no dot at its front. */
bool policy_name_valid(struct str name);
/*
 * Reads DIR/NAME.yaml, .yml or NAME and, as policies.signing.mode says, checks
 * its signature, and its sum if there is a policies.manifest_path. Return: 0;
 * -ENOENT: no such policy; -EKEYREJECTED: not the one of the manifest, or not
 * vouched for and the mode is enforce (with the reason in why); -errno. Under "warn"
 * the reason is in why and the result is 0. ret_path is set in any case.
 */
int policy_file_read(const struct settings *cfg, struct str name,
		     struct buf *ret_path, struct buf *ret_text,
		     struct buf *why);
/* policies.allowed lets sessions have it. */
bool policy_file_allowed(const struct settings *cfg, struct str name);

#endif
