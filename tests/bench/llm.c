/* SPDX-License-Identifier: MIT */
/*
 * llm.c - what the language model proxy costs, as difference to direct
 *
 *	llm serve CERT KEY		a TLS service; prints its port
 *	llm run PORT PROXYPORT CA	measures: "name direct proxy difference"
 *	llm relay PORT CERT KEY CA	TLS ends here and begins again, nothing
 *		else: the floor for who opens TLS with this library
 *	llm open PORT PROXYPORT CA BUNDLE PROXYPID RELAYPORT RELAYPID
 *		first connection, TLS opened; then one download with TLS opened,
 *		no text and text: MB/s, and MB per second of the process' CPU
 *
 * Requests go to both by turns on kept connections, so that noise of the
 * machine hits both. Times are microseconds: the middle one and the least of
 * each.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/macro.h"

#define EVENTS     400
#define TURNS      300
#define BULK       (64U << 20)
#define PIECE      65536U
#define BULK_TURNS 8U

struct link {
	int fd;
	SSL *ssl; /* NULL: in the clear */
};

static SSL_CTX *server_ctx;

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	(void)fprintf(stderr, "llm: %s\n", what);
	exit(1);
}

static size_t get(const struct link *l, char *p, size_t n)
{
	ssize_t r = l->ssl ? SSL_read(l->ssl, p, (int)n) : read(l->fd, p, n);

	return r > 0 ? (size_t)r : 0;
}

static void put(const struct link *l, const char *p, size_t n)
{
	while (n) {
		ssize_t r = l->ssl ? SSL_write(l->ssl, p, (int)n)
				   : write(l->fd, p, n);

		if (r <= 0)
			die("connection lost");
		p += r;
		n -= (size_t)r;
	}
}

/* --- the service --------------------------------------------------------- */

static void send_events(const struct link *l)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n"
				   "Content-Type: text/event-stream\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n";

	put(l, head, sizeof(head) - 1);
	for (int i = 0; i < EVENTS; i++) {
		char event[256], chunk[300];
		int n, m;

		(void)usleep(2000);
		n = snprintf(event, sizeof(event),
			     "event: content_block_delta\ndata: {\"type\":"
			     "\"content_block_delta\",\"t\":\"@%020llu@\"}"
			     "\n\n",
			     (unsigned long long)now_ns());
		m = snprintf(chunk, sizeof(chunk), "%x\r\n%s\r\n",
			     (unsigned int)n, event);
		put(l, chunk, (size_t)m);
	}
	put(l, "0\r\n\r\n", 5);
}

/* Lines of text, or bytes that are none. */
static void send_bulk(const struct link *l, bool is_text)
{
	static const char line[] = "the quick brown fox jumps over it\n";
	static char piece[PIECE];
	int n = snprintf(piece, sizeof(piece),
			 "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
			 "Content-Length: %u\r\n\r\n",
			 is_text ? "text/plain" : "application/octet-stream",
			 BULK);

	put(l, piece, (size_t)n);
	for (size_t i = 0; i < PIECE; i++)
		piece[i] = is_text ? line[i % (sizeof(line) - 1)]
				   : (char)(i * 7 + i / 256);
	for (size_t i = 0; i < BULK / PIECE; i++)
		put(l, piece, PIECE);
}

static void *serve_one(void *arg)
{
	static const char answer[] =
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		"Content-Length: 47\r\n\r\n"
		"{\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}";
	struct link l = { .fd = (int)(intptr_t)arg };
	char *buf = malloc(1 << 16);
	size_t have = 0;

	l.ssl = SSL_new(server_ctx);
	(void)SSL_set_fd(l.ssl, l.fd);
	if (!buf || SSL_accept(l.ssl) != 1)
		goto out;
	for (;;) {
		char *end = NULL, *length;
		size_t left, n;

		while (!(end = memmem(buf, have, "\r\n\r\n", 4))) {
			n = get(&l, buf + have, (1 << 16) - 1 - have);
			if (!n)
				goto out;
			have += n;
		}
		buf[have] = 0;
		*end = 0;
		length = strcasestr(buf, "content-length: ");
		left = length ? strtoul(length + 16, NULL, 10) : 0;
		n = have - (size_t)(end + 4 - buf);
		left -= n < left ? n : left;
		have = 0;
		while (left && (n = get(&l, buf + 1024, (1 << 16) - 1024)))
			left -= n < left ? n : left;
		if (strstr(buf, "/events"))
			send_events(&l);
		else if (strstr(buf, "/bulk"))
			send_bulk(&l, strstr(buf, "/bulk/text") != NULL);
		else
			put(&l, answer, sizeof(answer) - 1);
	}
out:
	SSL_free(l.ssl);
	(void)close(l.fd);
	free(buf);
	return NULL;
}

static void serve(const char *cert, const char *key)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	server_ctx = SSL_CTX_new(TLS_server_method());
	if (SSL_CTX_use_certificate_file(server_ctx, cert, SSL_FILETYPE_PEM) !=
		    1 ||
	    SSL_CTX_use_PrivateKey_file(server_ctx, key, SSL_FILETYPE_PEM) != 1)
		die("certificate");
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
	    listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &n) < 0)
		die("listen");
	(void)printf("%u\n", (unsigned int)ntohs(in.sin_port));
	(void)fflush(stdout);
	for (;;) {
		const int one = 1;
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		pthread_t t;

		(void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one,
				 sizeof(one));
		if (client < 0)
			die("accept");
		if (pthread_create(&t, NULL, serve_one,
				   (void *)(intptr_t)client))
			die("thread");
		(void)pthread_detach(t);
	}
}

/* --- the client ---------------------------------------------------------- */

static int dial(unsigned int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = 1;

	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0)
		die("connect");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void start_tls(struct link *l, SSL_CTX *ctx)
{
	l->ssl = SSL_new(ctx);
	(void)SSL_set_fd(l->ssl, l->fd);
	if (SSL_connect(l->ssl) != 1)
		die("TLS handshake");
}

static void hang_up(struct link *l)
{
	SSL_free(l->ssl);
	(void)close(l->fd);
}

/* The rest of an answer in chunks, which buf ends in a part of. */
static void get_chunks(const struct link *l, char *buf, size_t have)
{
	static const char last[] = "\r\n0\r\n\r\n";
	size_t n = sizeof(last) - 1, keep;

	while (have < n || memcmp(buf + have - n, last, n) != 0) {
		size_t r;

		keep = have < n ? have : n;
		(void)memmove(buf, buf + have - keep, keep);
		r = get(l, buf + keep, PIECE - keep);
		if (!r)
			die("half an answer");
		have = keep + r;
	}
}

/* Reads one answer. */
static void get_answer(const struct link *l)
{
	static char buf[PIECE];
	size_t have = 0, n;
	char *end = NULL, *length;

	while (!end) {
		n = get(l, buf + have, sizeof(buf) - 1 - have);
		if (!n)
			die("no answer");
		have += n;
		buf[have] = 0;
		end = strstr(buf, "\r\n\r\n");
	}
	if (!strstr(buf, " 200 "))
		die(buf);
	if (strcasestr(buf, "transfer-encoding: chunked")) {
		get_chunks(l, buf, have);
		return;
	}
	length = strcasestr(buf, "content-length: ");
	n = (size_t)(end + 4 - buf) +
	    (length ? strtoul(length + 16, NULL, 10) : 0);
	while (have < n) {
		size_t r = get(l, buf, sizeof(buf));

		if (!r)
			die("half an answer");
		have += r;
	}
}

static char *make_request(const char *path, size_t size, size_t *ret_n)
{
	static const char words[] = "the quick brown fox jumps over it\\n ";
	char *p = malloc(size + 1024), *body;
	size_t n;

	if (!p)
		die("memory");
	n = (size_t)snprintf(p, 1024,
			     "POST %s HTTP/1.1\r\nHost: x\r\nx-api-key: k\r\n"
			     "Content-Type: application/json\r\n"
			     "Content-Length: %zu\r\n\r\n",
			     path, size);
	body = p + n;
	(void)memcpy(body, "{\"text\":\"", 9);
	for (size_t i = 9; i < size - 2; i++)
		body[i] = words[(i - 9) % (sizeof(words) - 1)];
	/* no escape cut in half at the end */
	(void)memcpy(body + size - 4, "..\"}", 4);
	*ret_n = n + size;
	return p;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void report(const char *name, double *direct, double *proxy, size_t n)
{
	qsort(direct, n, sizeof(*direct), by_value);
	qsort(proxy, n, sizeof(*proxy), by_value);
	(void)printf("%-10s p50 direct %8.0f proxy %8.0f diff %+8.0f   min "
		     "direct %8.0f proxy %8.0f diff %+8.0f us\n",
		     name, direct[n / 2], proxy[n / 2],
		     proxy[n / 2] - direct[n / 2], direct[0], proxy[0],
		     proxy[0] - direct[0]);
}

static double ask(const struct link *l, const char *request, size_t n)
{
	uint64_t t = now_ns();

	put(l, request, n);
	get_answer(l);
	return (double)(now_ns() - t) / 1000;
}

static void requests(const char *name, struct link both[2], size_t size,
		     size_t turns)
{
	static double t[2][TURNS];
	size_t n;
	char *request = make_request("/v1/messages", size, &n);

	for (size_t i = 0; i < turns; i++)
		for (int k = 0; k < 2; k++)
			t[k][i] = ask(&both[k], request, n);
	report(name, t[0], t[1], turns);
	free(request);
}

static void events(const struct link *l, double *ret)
{
	size_t n, have = 0, seen = 0;
	char *request = make_request("/v1/messages/events", 32, &n);
	static char buf[65536];

	put(l, request, n);
	free(request);
	while (seen < EVENTS) {
		char *at = buf, *end;
		uint64_t t;

		n = get(l, buf + have, sizeof(buf) - 1 - have);
		t = now_ns();
		if (!n)
			die("events ended");
		have += n;
		buf[have] = 0;
		while ((at = strchr(at, '@')) && (end = strchr(at + 1, '@'))) {
			if (seen < EVENTS)
				ret[seen++] = (double)(t - strtoull(at + 1,
								    NULL, 10)) /
					      1000;
			at = end + 1;
			have = (size_t)(buf + have - at);
			(void)memmove(buf, at, have + 1);
			at = buf;
		}
	}
	while (!memmem(buf, have, "0\r\n\r\n", 5)) {
		n = get(l, buf + have, sizeof(buf) - 1 - have);
		if (!n)
			die("no end");
		have += n;
	}
}

static SSL_CTX *trust(const char *ca)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (SSL_CTX_load_verify_file(ctx, ca) != 1)
		die(ca);
	return ctx;
}

static void measure(unsigned int port, unsigned int proxy, const char *ca)
{
	static double t[2][EVENTS];
	struct link both[2] = { { .fd = dial(port) }, { .fd = dial(proxy) } };

	start_tls(&both[0], trust(ca));
	requests("10 KB", both, 10240, 300);
	requests("1 MB", both, 1 << 20, 100);
	for (int k = 0; k < 2; k++)
		events(&both[k], t[k]);
	report("SSE event", t[0], t[1], EVENTS);
	hang_up(&both[0]);
	hang_up(&both[1]);
}

/* Microseconds of a connection with one request; proxy 0: direct. */
static double open_one(unsigned int port, unsigned int proxy, SSL_CTX *ctx,
		       const char *path)
{
	uint64_t t = now_ns();
	struct link l = { .fd = dial(proxy ? proxy : port) };
	char text[512];
	int n;

	if (proxy) {
		n = snprintf(text, sizeof(text),
			     "CONNECT 127.0.0.1:%u HTTP/1.1\r\nHost: "
			     "127.0.0.1:%u\r\n\r\n",
			     port, port);
		put(&l, text, (size_t)n);
		get_answer(&l);
	}
	start_tls(&l, ctx);
	n = snprintf(text, sizeof(text),
		     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", path,
		     port);
	put(&l, text, (size_t)n);
	get_answer(&l);
	hang_up(&l);
	return (double)(now_ns() - t) / 1000;
}

static void open_tls(unsigned int port, unsigned int proxy, const char *ca,
		     const char *bundle)
{
	SSL_CTX *direct = trust(ca), *opened = trust(bundle);
	static double t[2][TURNS];

	for (size_t i = 0; i < TURNS; i++) {
		t[0][i] = open_one(port, 0, direct, "/x");
		t[1][i] = open_one(port, proxy, opened, "/x");
	}
	report("open TLS", t[0], t[1], TURNS);
}

/* CPU time of a process' first thread, in microseconds. */
static double cpu_of(const char *pid)
{
	char path[64];
	unsigned long long ns = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%s/schedstat", pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		die(path);
	(void)fclose(f);
	return (double)ns / 1000;
}

/* One way to the service: straight (proxy 0), by the proxy, by the relay. */
struct way {
	const char *name, *pid;
	unsigned int port, proxy;
	SSL_CTX *ctx;
	double wall, cpu; /* the least of all turns */
};

static void bulk(struct way *ways, size_t n, const char *path)
{
	for (size_t i = 0; i < BULK_TURNS * n; i++) {
		struct way *w = &ways[i % n];
		double before = w->pid ? cpu_of(w->pid) : 0, t;

		t = open_one(w->port, w->proxy, w->ctx, path);
		w->wall = i < n || t < w->wall ? t : w->wall;
		if (!w->pid)
			continue;
		t = cpu_of(w->pid) - before;
		w->cpu = i < n || t < w->cpu ? t : w->cpu;
	}
	for (size_t i = 0; i < n; i++)
		(void)printf("%-10s %-8s %6.0f MB/s, per second of CPU %6.0f\n",
			     path, ways[i].name, BULK / ways[i].wall,
			     ways[i].cpu > 0 ? BULK / ways[i].cpu : 0);
}

static void open_all(char **argv)
{
	unsigned int port = (unsigned int)atoi(argv[0]);
	unsigned int proxy = (unsigned int)atoi(argv[1]);
	struct way ways[] = {
		{ .name = "direct", .port = port, .ctx = trust(argv[2]) },
		{ .name = "relay",
		  .pid = argv[6],
		  .port = (unsigned int)atoi(argv[5]),
		  .ctx = trust(argv[2]) },
		{ .name = "opened",
		  .pid = argv[4],
		  .port = port,
		  .proxy = proxy,
		  .ctx = trust(argv[3]) },
	};

	open_tls(port, proxy, argv[2], argv[3]);
	bulk(ways, ARRAY_LEN(ways), "/bulk/data");
	bulk(ways, ARRAY_LEN(ways), "/bulk/text");
}

/* --- the relay ----------------------------------------------------------- */

/* Bytes of the answer that begins with what is in buf. */
static size_t answer_size(const char *buf, size_t n)
{
	const char *end = memmem(buf, n, "\r\n\r\n", 4);
	const char *at = memmem(buf, n, "Content-Length: ", 16);

	if (!end || !at)
		die("an answer that cannot be relayed");
	return (size_t)(end + 4 - buf) + strtoul(at + 16, NULL, 10);
}

static void relay_one(const struct link *client, const struct link *up)
{
	static char buf[PIECE];
	size_t n = get(client, buf, sizeof(buf)), left = 0;

	put(up, buf, n);
	do {
		n = get(up, buf, sizeof(buf));
		if (!n)
			return;
		left = left ? left : answer_size(buf, n);
		put(client, buf, n);
		left -= n;
	} while (left);
}

static void relay(unsigned int port, const char *cert, const char *key,
		  const char *ca)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(in);
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL_CTX *up = trust(ca);

	server_ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_read_ahead(up, 1);
	if (SSL_CTX_use_certificate_file(server_ctx, cert, SSL_FILETYPE_PEM) !=
		    1 ||
	    SSL_CTX_use_PrivateKey_file(server_ctx, key, SSL_FILETYPE_PEM) !=
		    1 ||
	    bind(l, (struct sockaddr *)&in, sizeof(in)) < 0 ||
	    listen(l, 16) < 0 || getsockname(l, (struct sockaddr *)&in, &n) < 0)
		die("relay");
	(void)printf("%u\n", (unsigned int)ntohs(in.sin_port));
	(void)fflush(stdout);
	for (;;) {
		struct link to = { .fd = dial(port) };
		struct link from = { .fd = accept4(l, NULL, NULL,
						   SOCK_CLOEXEC) };

		start_tls(&to, up);
		from.ssl = SSL_new(server_ctx);
		(void)SSL_set_fd(from.ssl, from.fd);
		if (SSL_accept(from.ssl) == 1)
			relay_one(&from, &to);
		hang_up(&from);
		hang_up(&to);
	}
}

int main(int argc, char **argv)
{
	(void)signal(SIGPIPE, SIG_IGN);
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		serve(argv[2], argv[3]);
	else if (argc == 5 && strcmp(argv[1], "run") == 0)
		measure((unsigned int)atoi(argv[2]),
			(unsigned int)atoi(argv[3]), argv[4]);
	else if (argc == 6 && strcmp(argv[1], "relay") == 0)
		relay((unsigned int)atoi(argv[2]), argv[3], argv[4], argv[5]);
	else if (argc == 9 && strcmp(argv[1], "open") == 0)
		open_all(argv + 2);
	else
		die("usage: llm serve|run|relay|open ...");
	return 0;
}
