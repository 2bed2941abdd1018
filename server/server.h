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

#endif
