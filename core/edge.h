/* SPDX-License-Identifier: MIT */
/*
 * edge.h - starts agentsh-edge, which speaks TLS (netproxy/edge.h)
 */
#ifndef CORE_EDGE_H
#define CORE_EDGE_H

#include <sys/types.h>

#define EDGE_FD 3

/*
 * Runs the program with fd (borrowed) as its descriptor 3 and argv (NULL at the
 * end; argv[0] is set here) as its arguments. Its standard input is empty, its
 * standard output is our standard error. Return: 0 and its process, or -errno
 * (-ENOENT: it is not installed).
 */
int edge_spawn(char *argv[], int fd, pid_t *ret_pid);

#endif
