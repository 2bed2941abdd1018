/* SPDX-License-Identifier: MIT */
/*
 * settings_sockets.h - sockets that the configuration refuses (private to
 * settings.c)
 */
#ifndef SERVER_SETTINGS_SOCKETS_H
#define SERVER_SETTINGS_SOCKETS_H

#include "base/diag.h"
#include "base/json.h"
#include "config/config.h"

/* 0, or -EINVAL after a word that means nothing was put to diag. */
int settings_check_sockets(const struct config *c, struct diag *diag);
/* "sockets": [{name, family, type, protocol, kill}]: what is left out is any. */
void settings_put_sockets(struct json_writer *w, const struct config *c);

#endif
