/* SPDX-License-Identifier: MIT */
/*
 * tls.c - TLS on a stream
 *
 * OpenSSL reads and writes the socket itself; what has to be waited for is told
 * to the stream. On the server side the first bytes were read by whoever looked
 * at the ClientHello: they are handed over in a memory BIO, which is exchanged
 * for the socket when it is empty.
 */
#include "netproxy/tls.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct tls_client {
	SSL_CTX *ctx;
	char *file, *dir; /* owned; what is still to be read */
};

struct tls {
	SSL *ssl;
	int fd;     /* borrowed from the stream */
	bool first; /* the read BIO is the memory one */
	bool broken;
	bool more; /* the last read gave something: there may be more */
	char error[160];
};

/* --- bytes --------------------------------------------------------------- */

static void note_error(struct tls *t)
{
	long verify = SSL_get_verify_result(t->ssl);
	unsigned long e = ERR_get_error();
	const char *why = e ? ERR_reason_error_string(e) : NULL;

	t->broken = true;
	if (t->error[0])
		return;
	if (verify != X509_V_OK)
		why = X509_verify_cert_error_string(verify);
	(void)snprintf(t->error, sizeof(t->error), "TLS: %s",
		       why ? why : "connection closed");
}

/* -1 with errno for what SSL_read or SSL_write returned. */
static ssize_t failed(struct tls *t, int r, uint32_t *wants)
{
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		*wants |= (uint32_t)EPOLLIN;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_WANT_WRITE:
		*wants |= (uint32_t)EPOLLOUT;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		note_error(t);
		errno = ECONNRESET;
		return -1;
	}
}

/* The memory BIO has run dry: on with the socket. */
static bool on_with_socket(struct tls *t)
{
	BIO *bio;

	if (!t->first || BIO_pending(SSL_get_rbio(t->ssl)) > 0)
		return false;
	bio = BIO_new_socket(t->fd, BIO_NOCLOSE);
	if (!bio)
		return false;
	SSL_set0_rbio(t->ssl, bio);
	t->first = false;
	return true;
}

static ssize_t tls_read(void *arg, char *p, size_t n, uint32_t *wants)
{
	struct tls *t = arg;
	int r;

	if (t->broken) {
		errno = ECONNRESET;
		return -1;
	}
	do {
		ERR_clear_error();
		r = SSL_read(t->ssl, p, (int)MIN(n, (size_t)INT32_MAX));
	} while (r <= 0 && SSL_want_read(t->ssl) && on_with_socket(t));
	t->more = r > 0;
	return r > 0 ? r : failed(t, r, wants);
}

static ssize_t tls_write(void *arg, const char *p, size_t n, uint32_t *wants)
{
	struct tls *t = arg;
	int r;

	if (t->broken) {
		errno = ECONNRESET;
		return -1;
	}
	do {
		ERR_clear_error();
		r = SSL_write(t->ssl, p, (int)MIN(n, (size_t)INT32_MAX));
	} while (r <= 0 && SSL_want_read(t->ssl) && on_with_socket(t));
	if (r > 0)
		return r;
	r = (int)failed(t, r, wants);
	if (r == 0) { /* the peer has closed for good */
		errno = EPIPE;
		r = -1;
	}
	return r;
}

/* Half a record, after a read that asked for the rest, does not count: it would
 * be asked for without end. */
static bool tls_pending(void *arg)
{
	struct tls *t = arg;

	return !t->broken && t->more && SSL_has_pending(t->ssl);
}

static void tls_shut(void *arg)
{
	struct tls *t = arg;

	ERR_clear_error();
	if (!t->broken && SSL_is_init_finished(t->ssl))
		(void)SSL_shutdown(t->ssl); /* told if it can be told now */
}

static void tls_free(void *arg)
{
	struct tls *t = arg;

	SSL_free(t->ssl);
	free(t);
}

static const struct stream_io tls_io = { tls_read, tls_write, tls_pending,
					 tls_shut, tls_free };

static int attach(SSL_CTX *ctx, struct stream *s, struct tls **ret)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->fd = s->fd;
	t->ssl = SSL_new(ctx);
	if (!t->ssl || SSL_set_fd(t->ssl, s->fd) != 1) {
		SSL_free(t->ssl);
		free(t);
		return -ENOMEM;
	}
	stream_set_io(s, &tls_io, t);
	*ret = t;
	return 0;
}

/* --- whom we trust ------------------------------------------------------- */

/* True if a directory has names such as "9d04f354.0". */
static bool is_hashed(const char *path)
{
	_cleanup_closedir_ DIR *d = opendir(path);
	const struct dirent *e;

	while (d && (e = readdir(d)) != NULL)
		if (strlen(e->d_name) == 10 &&
		    strspn(e->d_name, "0123456789abcdef") == 8 &&
		    e->d_name[8] == '.')
			return true;
	return false;
}

static int find_system(struct tls_client *c)
{
	static const char *const files[] = {
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
		"/etc/ssl/cert.pem",
	};

	/* by name: one certificate is read instead of all */
	if (is_hashed("/etc/ssl/certs")) {
		c->dir = strdup("/etc/ssl/certs");
		return c->dir ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (access(files[i], R_OK) < 0)
			continue;
		c->file = strdup(files[i]);
		return c->file ? 0 : -ENOMEM;
	}
	return 0; /* nobody is trusted, every connection says so */
}

static int find_given(struct tls_client *c, const char *ca, struct buf *err)
{
	struct stat st;
	int r = stat(ca, &st) < 0 ? -errno : 0;

	if (r == 0 && S_ISDIR(st.st_mode))
		r = SSL_CTX_load_verify_dir(c->ctx, ca) == 1 ? 0 : -EINVAL;
	else if (r == 0)
		r = SSL_CTX_load_verify_file(c->ctx, ca) == 1 ? 0 : -EINVAL;
	if (r < 0)
		buf_printf(err, "%s: %s", ca,
			   r == -EINVAL ? "no certificates in PEM form"
					: strerror(-r));
	return r;
}

static void read_system(struct tls_client *c)
{
	if (c->dir)
		(void)SSL_CTX_load_verify_dir(c->ctx, c->dir);
	if (c->file)
		(void)SSL_CTX_load_verify_file(c->ctx, c->file);
	free(TAKE(c->dir));
	free(TAKE(c->file));
}

int tls_client_new(const char *ca, struct tls_client **ret, struct buf *err)
{
	struct tls_client *c = calloc(1, sizeof(*c));
	int r;

	(void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	if (c)
		c->ctx = SSL_CTX_new(TLS_client_method());
	if (!c || !c->ctx) {
		(void)tls_client_free(c);
		return -ENOMEM;
	}
	SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
	(void)SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_mode(c->ctx,
			       SSL_MODE_ENABLE_PARTIAL_WRITE |
				       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				       SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(c->ctx, 1); /* half the system calls */
	r = ca && ca[0] ? find_given(c, ca, err) : find_system(c);
	if (r < 0) {
		(void)tls_client_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

struct tls_client *tls_client_free(struct tls_client *c)
{
	if (!c)
		return NULL;
	SSL_CTX_free(c->ctx);
	free(c->file);
	free(c->dir);
	free(c);
	return NULL;
}

/* --- connections --------------------------------------------------------- */

/* SSL_set_tlsext_host_name(), whose macro casts const away. */
static bool set_server_name(SSL *ssl, const char *host)
{
	return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
			TLSEXT_NAMETYPE_host_name,
			(void *)(uintptr_t)host) == 1;
}

int tls_connect(struct tls_client *c, struct stream *s, const char *host,
		const struct addr *addr)
{
	static const unsigned char alpn[] = "\x08http/1.1";
	X509_VERIFY_PARAM *param;
	struct tls *t;
	int r = attach(c->ctx, s, &t), ok;

	if (r < 0)
		return r;
	read_system(c);
	SSL_set_connect_state(t->ssl);
	param = SSL_get0_param(t->ssl);
	X509_VERIFY_PARAM_set_hostflags(param,
					X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (addr)
		ok = X509_VERIFY_PARAM_set1_ip(
			param, addr->b + (addr_is_v4(addr) ? 12 : 0),
			addr_is_v4(addr) ? 4 : 16);
	else
		ok = set_server_name(t->ssl, host) &&
		     SSL_set1_host(t->ssl, host) == 1;
	(void)SSL_set_alpn_protos(t->ssl, alpn, sizeof(alpn) - 1);
	return ok ? 0 : -ENOMEM; /* the stream is closed by its owner */
}

int tls_accept(SSL_CTX *ctx, struct stream *s, struct str first, X509 *cert,
	       EVP_PKEY *key)
{
	struct tls *t;
	int r = attach(ctx, s, &t);
	BIO *memory;

	if (r < 0)
		return r;
	SSL_set_accept_state(t->ssl);
	if (SSL_use_certificate(t->ssl, cert) != 1 ||
	    SSL_use_PrivateKey(t->ssl, key) != 1)
		return -ENOMEM;
	if (!first.n)
		return 0;
	memory = BIO_new(BIO_s_mem());
	if (!memory ||
	    BIO_write(memory, first.p, (int)first.n) != (int)first.n) {
		BIO_free(memory);
		return -ENOMEM;
	}
	(void)BIO_set_mem_eof_return(memory, -1);
	SSL_set0_rbio(t->ssl, memory);
	t->first = true;
	return 0;
}

const char *tls_error(const struct stream *s)
{
	const struct tls *t = s->io_arg;

	return s->io == &tls_io ? t->error : "";
}

bool tls_is_up(const struct stream *s)
{
	const struct tls *t = s->io_arg;

	return s->io == &tls_io && SSL_is_init_finished(t->ssl);
}
