/* SPDX-License-Identifier: MIT */
/*
 * settings_edge.h - server.tls and audit.webhook (private to settings.c)
 */
#ifndef SERVER_SETTINGS_EDGE_H
#define SERVER_SETTINGS_EDGE_H

#include "config/config.h"
#include "server/settings.h"

/* 0 or -ENOMEM. What is wrong with the keys was found by config_check(). */
int settings_set_edge(struct settings *s, const struct config *c);

#endif
