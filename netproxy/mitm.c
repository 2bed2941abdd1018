/* SPDX-License-Identifier: MIT */
/*
 * mitm.c - certificates in place of hosts whose TLS the policy wants opened
 *
 * P-256 throughout; all leaves have one key, so that a new host costs one
 * signature. HTTP/1.1 only: a client that insists on another protocol is
 * refused by ALPN.
 */
#include "netproxy/mitm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/addr.h"
#include "base/fd.h"
#include "netproxy/mitm_ca.h"
#include "netproxy/tls.h"

#define HOUR       3600L
#define BUNDLE_MAX (4U << 20)

struct leaf {
	char *host; /* owned */
	X509 *cert;
	uint64_t used;
	int64_t until; /* minted anew after this */
};

struct mitm {
	EVP_PKEY *key, *leaf_key;
	X509 *ca;
	SSL_CTX *ctx;
	struct leaf leaves[MITM_MAX_LEAVES];
	size_t n;
	uint64_t clock;
};

static int add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	int ok;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e && X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
	return ok ? 0 : -ENOMEM;
}

static int set_serial(X509 *cert)
{
	unsigned char bytes[16];
	BIGNUM *n;
	int ok;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return -EIO;
	bytes[0] &= 0x7f;
	n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
	BN_free(n);
	return ok ? 0 : -ENOMEM;
}

static int set_name(X509_NAME *name, const char *text)
{
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					  (const unsigned char *)text, -1, -1,
					  0) == 1
		       ? 0
		       : -ENOMEM;
}

/* A certificate without extensions or signature. */
static X509 *begin(const char *name, long hours, EVP_PKEY *key)
{
	X509 *c = X509_new();

	if (!c || X509_set_version(c, X509_VERSION_3) != 1 ||
	    set_serial(c) < 0 ||
	    !X509_gmtime_adj(X509_getm_notBefore(c), -HOUR) ||
	    !X509_gmtime_adj(X509_getm_notAfter(c), hours * HOUR) ||
	    set_name(X509_get_subject_name(c), name) < 0 ||
	    X509_set_pubkey(c, key) != 1) {
		X509_free(c);
		return NULL;
	}
	return c;
}

static int make_ca(struct mitm *m)
{
	X509 *c = begin("agentsh session CA", 24 * 30, m->key);

	if (!c)
		return -ENOMEM;
	m->ca = c;
	if (X509_set_issuer_name(c, X509_get_subject_name(c)) != 1 ||
	    add_extension(c, c, NID_basic_constraints,
			  "critical,CA:TRUE,pathlen:0") < 0 ||
	    add_extension(c, c, NID_key_usage, "critical,keyCertSign") < 0 ||
	    add_extension(c, c, NID_subject_key_identifier, "hash") < 0 ||
	    X509_sign(c, m->key, EVP_sha256()) == 0)
		return -ENOMEM;
	return 0;
}

/* A CA of others may have none. */
static int add_key_id(X509 *cert, X509 *ca)
{
	if (!X509_get0_subject_key_id(ca))
		return 0;
	return add_extension(cert, ca, NID_authority_key_identifier, "keyid");
}

static X509 *mint(const struct mitm *m, const char *host)
{
	/* a common name holds 64 bytes; clients read the other one */
	X509 *c = begin(strlen(host) <= 64 ? host : "host", 25, m->leaf_key);
	_cleanup_buf_ struct buf alt = BUF_INIT;
	struct addr ignored;

	buf_printf(&alt, "%s:%s",
		   addr_parse(str_from(host), &ignored) == 0 ? "IP" : "DNS",
		   host);
	if (c && !alt.error &&
	    X509_set_issuer_name(c, X509_get_subject_name(m->ca)) == 1 &&
	    add_extension(c, m->ca, NID_subject_alt_name, buf_cstr(&alt)) ==
		    0 &&
	    add_extension(c, m->ca, NID_ext_key_usage, "serverAuth") == 0 &&
	    add_extension(c, m->ca, NID_key_usage,
			  "critical,digitalSignature") == 0 &&
	    add_key_id(c, m->ca) == 0 && X509_sign(c, m->key, EVP_sha256()) > 0)
		return c;
	X509_free(c);
	return NULL;
}

static void leaf_done(struct leaf *l)
{
	free(l->host);
	X509_free(l->cert);
	*l = (struct leaf){ 0 };
}

/* A place for another one: free, or the one unused for longest. */
static struct leaf *make_place(struct mitm *m)
{
	struct leaf *oldest = &m->leaves[0];

	if (m->n < MITM_MAX_LEAVES)
		return &m->leaves[m->n++];
	for (size_t i = 1; i < m->n; i++)
		if (m->leaves[i].used < oldest->used)
			oldest = &m->leaves[i];
	leaf_done(oldest);
	return oldest;
}

static X509 *leaf_for(struct mitm *m, const char *host)
{
	int64_t now = (int64_t)time(NULL);
	struct leaf *l = NULL;

	for (size_t i = 0; i < m->n && !l; i++)
		if (m->leaves[i].host && strcmp(m->leaves[i].host, host) == 0)
			l = &m->leaves[i];
	if (l && l->until < now)
		leaf_done(l);
	if (!l)
		l = make_place(m);
	if (!l->cert) {
		l->host = strdup(host);
		l->cert = l->host ? mint(m, host) : NULL;
		l->until = now + 24 * HOUR;
	}
	l->used = ++m->clock;
	return l->cert;
}

/* HTTP/1.1, or nothing of what the client offers. */
static int choose_protocol(SSL *ssl, const unsigned char **out,
			   unsigned char *out_n, const unsigned char *in,
			   unsigned int n, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_n, ours, sizeof(ours) - 1, in,
				  n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int set_ca(struct mitm *m, const char *cert, const char *key,
		  struct buf *err)
{
	if (cert[0])
		return mitm_ca_load(cert, key, &m->ca, &m->key, err);
	m->key = EVP_EC_gen("P-256");
	return m->key ? make_ca(m) : -ENOMEM;
}

int mitm_new(const char *cert, const char *key, struct buf *err,
	     struct mitm **ret)
{
	struct mitm *m = calloc(1, sizeof(*m));
	int r = m ? 0 : -ENOMEM;

	(void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	if (r == 0) {
		m->leaf_key = EVP_EC_gen("P-256");
		m->ctx = SSL_CTX_new(TLS_server_method());
		r = m->leaf_key && m->ctx ? set_ca(m, cert, key, err) : -ENOMEM;
	}
	if (r < 0) {
		(void)mitm_free(m);
		return r;
	}
	(void)SSL_CTX_set_min_proto_version(m->ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_mode(m->ctx,
			       SSL_MODE_ENABLE_PARTIAL_WRITE |
				       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				       SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(m->ctx, 1);
	SSL_CTX_set_alpn_select_cb(m->ctx, choose_protocol, NULL);
	/* a ticket could outlive the policy that let it be made */
	(void)SSL_CTX_set_options(m->ctx, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_session_cache_mode(m->ctx, SSL_SESS_CACHE_OFF);
	*ret = m;
	return 0;
}

struct mitm *mitm_free(struct mitm *m)
{
	if (!m)
		return NULL;
	for (size_t i = 0; i < m->n; i++)
		leaf_done(&m->leaves[i]);
	X509_free(m->ca);
	EVP_PKEY_free(m->key);
	EVP_PKEY_free(m->leaf_key);
	SSL_CTX_free(m->ctx);
	free(m);
	return NULL;
}

int mitm_accept(struct mitm *m, struct stream *s, const char *host,
		struct str first)
{
	X509 *cert = leaf_for(m, host);

	return cert ? tls_accept(m->ctx, s, first, cert, m->leaf_key) : -ENOMEM;
}

/* --- trust --------------------------------------------------------------- */

static int put_ca(const struct mitm *m, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	if (!bio || PEM_write_bio_X509(bio, m->ca) != 1) {
		BIO_free(bio);
		return -ENOMEM;
	}
	n = BIO_get_mem_data(bio, &p);
	buf_put(out, p, (size_t)n);
	BIO_free(bio);
	return out->error;
}

static void put_system(struct buf *out)
{
	static const char *const files[] = {
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
		"/etc/ssl/cert.pem",
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (fd_read_file(AT_FDCWD, files[i], BUNDLE_MAX, out) == 0)
			return;
}

/* Makes or opens a directory that nobody else can write to: it may lie in /tmp,
 * where somebody could have been before us. */
static int open_own(const char *dir)
{
	_cleanup_close_ int at = -1;
	struct stat st;

	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	at = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0 || fstat(at, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return -EPERM;
	return TAKE_FD(at);
}

int mitm_write_trust(const struct mitm *m, const char *dir)
{
	_cleanup_buf_ struct buf ca = BUF_INIT, all = BUF_INIT;
	_cleanup_close_ int at = -1;
	int r = put_ca(m, &ca);

	if (r < 0)
		return r;
	put_system(&all);
	if (all.len && all.data[all.len - 1] != '\n')
		buf_putc(&all, '\n');
	buf_put_str(&all, buf_str(&ca));
	if (all.error)
		return all.error;
	at = open_own(dir);
	if (at < 0)
		return at;
	r = fd_write_file_atomic(at, "ca.pem", buf_str(&ca), 0644);
	return r < 0 ? r
		     : fd_write_file_atomic(at, "bundle.pem", buf_str(&all),
					    0644);
}
