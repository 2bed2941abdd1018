/* SPDX-License-Identifier: MIT */
/*
 * policy_path.h - where the policies of the command line are
 */
#ifndef CLI_POLICY_PATH_H
#define CLI_POLICY_PATH_H

#include "base/str.h"
#include "cli/command.h"

/*
 * The policy directory: --dir, then that of the configuration (--config, or the
 * usual places), then ./configs, then ".". The verb has both flags.
 */
void policy_dir(const struct cli *c, struct buf *out);
bool policy_yaml_name(struct str s);
/*
 * The file of the policy called name, which may be a path. Prints.
 * Return: 0 with the path in path, or the exit status.
 */
int policy_find(const struct cli *c, const char *name, struct buf *path);

#endif
