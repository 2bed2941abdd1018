/* SPDX-License-Identifier: MIT */
/*
 * server.h - `agentsh server`
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

/*
 * Runs in the foreground until SIGINT or SIGTERM. config_path: NULL = look in
 * the usual places. Return: the exit status.
 */
int server_main(const char *config_path);

struct buf;
/*
 * For `agentsh detect`: makes a session of this configuration and its default
 * policy, tries to break out of it, and appends a JSON object that says what
 * came of it ({complete, error, config, policy, layers, guarantees, canaries}).
 * Nothing is recorded, listened on or left behind. Takes up to half a minute if
 * something hangs, else some tenths of a second. 0 or -ENOMEM.
 */
int server_trial(const char *config_path, struct buf *ret_json);

struct str;
/*
 * For `agentsh detect` inside a session: the same object, judged by what the
 * server says of that session (JSON of GET /api/v1/sessions/ID), with a member
 * `inside` and nothing tried. 0; -ENODATA: it does not say; -errno.
 */
int server_judge(struct str session_json, struct buf *ret_json);

#endif
