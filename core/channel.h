/* SPDX-License-Identifier: MIT */
/*
 * channel.h - control messages between the server and one worker
 *
 * SOCK_SEQPACKET pair, one message per datagram: header {u8 version, u8 type,
 * u16 flags, u32 request id} + wire.h body + descriptors. A body over
 * CHANNEL_INLINE_MAX travels in a sealed memfd that is attached as the last
 * descriptor; callers do not notice. Message types and bodies are in proto.h.
 */
#ifndef CORE_CHANNEL_H
#define CORE_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/fd.h"
#include "base/str.h"

#define CHANNEL_VERSION    1
#define CHANNEL_INLINE_MAX (64U << 10)
#define CHANNEL_BODY_MAX   (8U << 20)

struct channel_msg {
	uint8_t type;
	uint32_t id;
	struct str body; /* borrowed until the next receive on the channel */
	int fds[FD_PASS_MAX]; /* owned by the message; TAKE_FD what you keep */
	size_t n_fds;
};

struct channel;

/* Takes sock (CLOEXEC, non-blocking is set here). */
int channel_new(int sock, struct channel **ret);
struct channel *channel_free(struct channel *c);
int channel_fd(const struct channel *c);
/* Makes a connected pair: one end to keep, one to hand to the child. */
int channel_pair(int ret_socks[2]);

/*
 * Queues nothing: blocks for at most 5 s when the peer does not read, then
 * -ETIMEDOUT (the peer is to be killed). fds are borrowed. -EPIPE: peer gone.
 */
int channel_send(struct channel *c, uint8_t type, uint32_t id, struct str body,
		 const int *fds, size_t n_fds);
/*
 * Return: 1 and *ret filled; 0 peer closed; -EAGAIN nothing now; -EBADMSG
 * malformed (peer is to be killed). Close leftovers with channel_msg_done().
 */
int channel_recv(struct channel *c, struct channel_msg *ret);
void channel_msg_done(struct channel_msg *m);

#endif
