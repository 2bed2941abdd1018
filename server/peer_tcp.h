/* SPDX-License-Identifier: MIT */
/*
 * peer_tcp.h - the other end of a loopback connection (private to peer.c)
 */
#ifndef SERVER_PEER_TCP_H
#define SERVER_PEER_TCP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/vec.h"

/*
 * Owner and inode of the socket bound to `theirs` and connected to `ours` in
 * our network namespace. False: there is none (any more).
 */
bool peer_tcp_socket(const struct sockaddr_storage *theirs,
		     const struct sockaddr_storage *ours, uid_t *ret_uid,
		     uint64_t *ret_inode);
/* True if the process has the socket open, as far as we may look. */
bool peer_tcp_holds(pid_t pid, uint64_t inode);
/*
 * Another process than this one that has it open, 0 if none is found. Those that
 * were started last are looked at first: a caller is most often new.
 */
pid_t peer_tcp_holder(uint64_t inode);

typedef VEC(pid_t) pid_list;
/* Every process, those that were started last first. 0 or -errno. */
int peer_tcp_processes(pid_list *out);
/*
 * The process root and all below it. -ENOTSUP: this kernel does not list
 * children.
 */
int peer_tcp_descendants(pid_t root, pid_list *out);

#endif
