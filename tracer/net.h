/* SPDX-License-Identifier: MIT */
/*
 * net.h - common part of the decoders of socket calls
 */
#ifndef TRACER_NET_H
#define TRACER_NET_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/limits.h"
#include "tracer/notify.h"
#include "tracer/resolve.h"

#define NET_ANSWERED    INT64_MIN
#define NET_MAX_PASSED  253 /* SCM_MAX_FD */
#define NET_MAX_BYTES   (1U << 20)
#define NET_MAX_CONTROL 20480 /* as net.core.optmem_max by default */

/* How a connection is made. */
enum net_way {
	NET_BY_ADDRESS = 0,
	NET_BY_PROXY,   /* which judges it, and is told where it was to go */
	NET_NEAR_FIRST, /* by proxy if nobody listens at the address itself */
};

struct net_call {
	struct request *q;
	int sock; /* owned: the caller's open file */
	int domain, protocol;
	bool blocking;
	bool replaced;   /* sock is new and takes the caller's place */
	bool connecting; /* the call is connect */
	bool loopback;   /* it ends on this host: the kernel is quick */
	bool announce;   /* to our proxy or stub: tell whose it is */
	enum net_way way;
	uint8_t wanted[16]; /* where it wanted to go */
	uint16_t wanted_port;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		char bytes[LIMIT_SOCKADDR];
	} addr;
	socklen_t addr_len;  /* 0 = none */
	uint64_t addr_at;    /* in the caller's memory */
	uint64_t control_at; /* the same, if it was only looked at; 0 = none */
	int object;          /* owned: unix socket, or its parent; -1 */
	struct buf path;     /* judged path or abstract name */
	int64_t (*act)(struct net_call *n);
	/* data to send */
	char *bytes; /* owned: payload, then control */
	size_t n_bytes, n_control;
	int flags;
	bool partial;    /* a stream: less than all is fine */
	bool is_message; /* recvmsg, not recvfrom */
	/* while the proxy's answer is waited for */
	struct loop_source *io, *timer;
	unsigned int waited;        /* slices of time */
	int passed[NET_MAX_PASSED]; /* owned: copies of descriptors sent */
	size_t n_passed;
	uint64_t mmsg_len; /* where sendmmsg wants the length; 0 = nowhere */
};

/* Notes which DNS server a socket asked, before it is led to the stub. */
void asked_remember(struct asked *a, int sock, const struct sockaddr *addr,
		    socklen_t len);

/* NULL: the request has been answered. */
struct net_call *net_new(struct request *q, int fd,
			 int64_t (*act)(struct net_call *n));
/* A copy of the caller's descriptor, or -errno. */
int net_getfd(const struct request *q, int fd);
int net_get_address(struct net_call *n, uint64_t addr, uint64_t len);
/* 0 and *net filled, or the kernel's error. */
int net_parse_inet(const struct net_call *n, struct op_net *net);
void net_judge(struct net_call *n, enum unix_verb verb);
void net_judge_inet(struct net_call *n);
/* The port of a bind(); its address is free. */
void net_judge_bind(struct net_call *n);
/* Goes on, or answers, as the guard says; arg is the request. */
void net_judged(void *arg, struct verdict v);
/* 127/8, ::1, and the "any" addresses, which reach the same. */
bool net_is_loopback(const struct op_net *net);
/* The copied address becomes 127.0.0.1:port, as the socket's family says it. */
void net_point_home(struct net_call *n, uint16_t port);
/* Connects as n->way says; for net_new(). */
int64_t net_connect(struct net_call *n);
/* Tells the server which command the socket's own port belongs to. Before the
 * other side can have heard of it. */
void net_announce(struct net_call *n);
void net_judge_unix(struct net_call *n, enum unix_verb verb);
/* No command may connect to a unix socket of that name. */
bool net_socket_is_closed(const struct tracer *t, struct str path);
/* Runs act in a forked process that answers. */
int64_t net_in_worker(struct net_call *n, int64_t (*act)(struct net_call *n));
/* Without an address: the peer was judged when it was connected. */
void net_run(struct net_call *n);

#endif
