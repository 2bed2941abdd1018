/* SPDX-License-Identifier: MIT */
/*
 * settings_workers.h - what the configuration tells workers (private to
 * settings.c)
 */
#ifndef SERVER_SETTINGS_WORKERS_H
#define SERVER_SETTINGS_WORKERS_H

#include "config/config.h"
#include "server/settings.h"

/*
 * Sets worker_json (of the tracer) and what is said of the mount: fuse,
 * fuse_deferred, keeps, fuse_ring, vfs_json. 0 or -ENOMEM.
 */
int settings_set_workers(struct settings *s, const struct config *c);

#endif
