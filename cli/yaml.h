/* SPDX-License-Identifier: MIT */
/*
 * yaml.h - JSON shown as YAML
 */
#ifndef CLI_YAML_H
#define CLI_YAML_H

#include "base/json.h"

/* Block style, two spaces per level; strings are quoted when they must be. */
void yaml_put(struct buf *out, const struct json *v);
/* JSON text as YAML on stdout. Return: the exit status. */
int out_yaml(struct str json_text);

#endif
