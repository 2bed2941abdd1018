/* SPDX-License-Identifier: MIT */
/*
 * locate.h - configuration, policies and database, when no server is asked
 */
#ifndef CLI_LOCATE_H
#define CLI_LOCATE_H

#include "base/str.h"

/*
 * The configuration file: $AGENTSH_CONFIG, the user's, the system's; the
 * system's name when there is none.
 */
void locate_config(struct buf *out);

#endif
