/* SPDX-License-Identifier: MIT */
/*
 * edge.h - agentsh-edge: TLS for the server and the command line
 *
 *	agentsh server ──fd 3──▶ agentsh-edge serve     TLS of the HTTP API
 *	agentsh server ──fd 3──▶ agentsh-edge post      audit.webhook
 *	agentsh --server https:// ──fd 3──▶ agentsh-edge connect HOST PORT
 *
 * Keys, certificates and what strangers send as TLS are handled here and not in
 * the process that decides. In `serve` and `post`, fd 3 is a SOCK_SEQPACKET
 * socket. Its first message is a JSON object of settings; the first answer is
 * "ok" or words for the operator. When it closes, the process ends.
 *
 * serve: {"cert", "key", "ca"}, files. A message with two descriptors is an
 *	accepted TCP connection and the server's end of it in plain.
 * post: {"url", "headers": {}, "timeout_ms", "ca"}. A message with one
 *	descriptor is a JSON document to deliver; "ok", or why it was given up,
 *	answers it.
 * connect: fd 3 is the plain stream. Answers nothing; words go to stderr.
 */
#ifndef NETPROXY_EDGE_H
#define NETPROXY_EDGE_H

#include "base/json.h"
#include "base/loop.h"
#include "netproxy/resolve.h"
#include "netproxy/stream.h"
#include "netproxy/tls.h"

#define EDGE_CHANNEL 3
/* Longest message without its descriptors. */
#define EDGE_MESSAGE 65536

/* Each: the exit status. */
int edge_serve(const struct json *settings);
int edge_post(const struct json *settings);
int edge_connect(const char *host, const char *port);

/* One line to the one who started us. */
int edge_answer(struct str text);

/* A way to one host; zeroed, then edge_dialer_init(). */
struct edge_dialer {
	struct loop *loop;
	struct resolver *resolver;
	struct tls_client *tls; /* NULL: plain */
	const char *host;
	uint16_t port;
	bool is_addr;
	struct addr addr; /* if is_addr */
	uint64_t timeout_ns;
};

/*
 * host: a name or an address, borrowed. ca: as tls_client_new(). 0, or -errno
 * with words in err.
 */
int edge_dialer_init(struct edge_dialer *d, struct str host, uint16_t port,
		     bool tls, struct buf *err);
void edge_dialer_done(struct edge_dialer *d);
/*
 * Looks the name up, connects and puts TLS on the stream, whose handshake is
 * still to be made. Runs the loop meanwhile. 0, or -errno with words in err.
 */
int edge_dial(struct edge_dialer *d, struct stream *s, stream_fn *fn, void *arg,
	      struct buf *err);

/* Two streams that are one. Frees itself at the end and calls over, if any. */
struct edge_pump {
	struct stream far, near; /* with TLS or not; plain */
	struct loop_source *timer;
	void (*over)(struct edge_pump *p);
	bool greeted; /* the handshake is done */
};
stream_fn edge_pump_run; /* of both; arg: the pump */

#endif
