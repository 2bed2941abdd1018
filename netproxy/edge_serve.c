/* SPDX-License-Identifier: MIT */
/*
 * edge_serve.c - the server's side of TLS
 *
 * The server accepts connections and knows whose they are; here they are only
 * decrypted. Certificate and key are read again when their files change, so
 * that a renewed one needs no restart; files that do not fit leave the old pair
 * in use.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/fd.h"
#include "base/log.h"
#include "netproxy/edge.h"
#include "netproxy/timers.h"

#define GREETING_NS TIMER_NS(10000000000ULL) /* for a handshake */
#define LOOK_NS     1000000000ULL            /* at the files, at most */

struct serving {
	struct loop *loop;
	const char *cert, *key, *ca; /* owned by the settings */
	SSL_CTX *ctx;
	struct timespec seen[2]; /* of the files in use */
	uint64_t looked_ns;
};

static int refuse(struct buf *err, const char *path, const char *what)
{
	unsigned long e = ERR_peek_last_error();
	const char *why = e ? ERR_reason_error_string(e) : NULL;

	ERR_clear_error();
	buf_printf(err, "%s: %s%s%s", path, what, why ? ": " : "",
		   why ? why : "");
	return -EINVAL;
}

static int no_password(char *p, int n, int writing, void *arg)
{
	(void)p;
	(void)n;
	(void)writing;
	(void)arg;
	return -1;
}

static int load_clients(const struct serving *v, SSL_CTX *ctx, struct buf *err)
{
	STACK_OF(X509_NAME) *names = NULL;

	if (!v->ca[0])
		return 0;
	if (SSL_CTX_load_verify_file(ctx, v->ca) != 1)
		return refuse(err, v->ca, "no CA certificates in PEM form");
	names = SSL_load_client_CA_file(v->ca);
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify(
		ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

static int load_pair(const struct serving *v, SSL_CTX *ctx, struct buf *err)
{
	struct stat st;

	if (SSL_CTX_use_certificate_chain_file(ctx, v->cert) != 1)
		return refuse(err, v->cert, "no certificate in PEM form");
	if (stat(v->key, &st) == 0 && st.st_mode & 0007)
		return refuse(err, v->key,
			      "others may read or write it: "
			      "chmod o= the key");
	if (SSL_CTX_use_PrivateKey_file(ctx, v->key, SSL_FILETYPE_PEM) != 1)
		return refuse(err, v->key,
			      "no private key without a password in PEM form");
	if (SSL_CTX_check_private_key(ctx) != 1)
		return refuse(err, v->key, "not the key of the certificate");
	return load_clients(v, ctx, err);
}

static int load(const struct serving *v, SSL_CTX **ret, struct buf *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int r = ctx ? 0 : -ENOMEM;

	if (r == 0) {
		SSL_CTX_set_default_passwd_cb(ctx, no_password);
		(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
		(void)SSL_CTX_set_mode(
			ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				     SSL_MODE_RELEASE_BUFFERS);
		(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET |
						       SSL_OP_NO_RENEGOTIATION);
		(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
		r = load_pair(v, ctx, err);
	}
	if (r < 0) {
		SSL_CTX_free(ctx);
		return r;
	}
	*ret = ctx;
	return 0;
}

static void look(const struct serving *v, struct timespec out[2])
{
	const char *const paths[] = { v->cert, v->key };
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		out[i] = (struct timespec){ 0 };
		if (stat(paths[i], &st) == 0)
			out[i] = st.st_mtim;
	}
}

/* A new pair, once both files fit together. */
static void renew(struct serving *v)
{
	_cleanup_buf_ struct buf err = BUF_INIT;
	struct timespec now[2];
	SSL_CTX *ctx = NULL;

	if (loop_now(v->loop) - v->looked_ns < LOOK_NS)
		return;
	v->looked_ns = loop_now(v->loop);
	look(v, now);
	if (memcmp(now, v->seen, sizeof(now)) == 0)
		return;
	if (load(v, &ctx, &err) < 0) {
		log_warn("server.tls: %s; the old certificate stays in use",
			 buf_cstr(&err));
	} else {
		SSL_CTX_free(v->ctx);
		v->ctx = ctx;
		log_info("server.tls: %s was read again", v->cert);
	}
	memcpy(v->seen, now, sizeof(now));
}

/* ---- connections ---- */

static void over(struct edge_pump *p)
{
	stream_close(&p->far);
	stream_close(&p->near);
	free(p);
}

static void on_slow(struct loop *l, void *arg)
{
	struct edge_pump *p = arg;

	(void)l;
	p->timer = loop_remove(p->timer);
	over(p);
}

/* Takes both descriptors. */
static void begin(struct serving *v, int tcp, int plain)
{
	struct edge_pump *p = calloc(1, sizeof(*p));
	int r = p ? 0 : -ENOMEM;

	if (r < 0) {
		(void)close(tcp);
		(void)close(plain);
		return;
	}
	p->over = over;
	p->far.fd = p->near.fd = -1;
	stream_keep_alive(tcp);
	r = stream_open(&p->far, v->loop, tcp, edge_pump_run, p);
	if (r < 0)
		(void)close(plain);
	else
		r = stream_open(&p->near, v->loop, plain, edge_pump_run, p);
	if (r == 0)
		r = tls_accept(v->ctx, &p->far, STR_NONE,
			       SSL_CTX_get0_certificate(v->ctx),
			       SSL_CTX_get0_privatekey(v->ctx));
	if (r == 0)
		r = loop_add_timer(v->loop, GREETING_NS, on_slow, p, &p->timer);
	if (r < 0) {
		over(p);
		return;
	}
	stream_want(&p->far, true);
	stream_want(&p->near, true);
}

static void on_channel(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct serving *v = arg;
	char text[8];
	int fds[2];
	size_t n_fds = ARRAY_LEN(fds);
	ssize_t n = fd_recv(fd, text, sizeof(text), fds, &n_fds, MSG_DONTWAIT);

	(void)events;
	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n <= 0) {
		loop_quit(l, 0);
		return;
	}
	renew(v);
	if (n_fds == ARRAY_LEN(fds)) {
		begin(v, fds[0], fds[1]);
		return;
	}
	for (size_t i = 0; i < n_fds; i++)
		(void)close(fds[i]);
}

int edge_serve(const struct json *settings)
{
	struct str cert = json_get_str(settings, "cert");
	struct str key = json_get_str(settings, "key");
	struct str ca = json_get_str(settings, "ca");
	_cleanup_buf_ struct buf err = BUF_INIT;
	_cleanup_free_ char *cert_path = str_dup(cert);
	_cleanup_free_ char *key_path = str_dup(key);
	_cleanup_free_ char *ca_path = str_dup(ca);
	struct serving v = { .cert = cert_path,
			     .key = key_path,
			     .ca = ca_path };
	int r = cert_path && key_path && ca_path ? loop_new(&v.loop) : -ENOMEM;

	if (r == 0) {
		look(&v, v.seen);
		r = load(&v, &v.ctx, &err);
	}
	if (r == 0)
		r = loop_add_io(v.loop, EDGE_CHANNEL, EPOLLIN, on_channel, &v,
				NULL);
	if (r < 0 && !err.len)
		buf_puts(&err, strerror(-r));
	(void)edge_answer(r < 0 ? buf_str(&err) : STR("ok"));
	if (r == 0)
		r = loop_run(v.loop);
	SSL_CTX_free(v.ctx);
	(void)loop_free(v.loop);
	return r < 0;
}
