/* SPDX-License-Identifier: MIT */
/*
 * mitm_ca.c - a CA of the operator's, from files
 */
#include "netproxy/mitm_ca.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define FILE_MOST (1U << 20)

static int say(struct buf *err, const char *path, const char *what, int r)
{
	buf_printf(err, "%s: %s", path, what ? what : strerror(-r));
	return r;
}

/* A PEM file; one with a secret must be nobody else's to read. */
static int read_pem(const char *path, bool secret, BIO **ret, struct buf *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct stat st;
	BIO *bio;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return say(err, path, NULL, -errno);
	if (secret && (!S_ISREG(st.st_mode) || (st.st_mode & 077) ||
		       (st.st_uid != geteuid() && st.st_uid != 0)))
		return say(err, path,
			   "a private key must be readable by its owner only "
			   "(chmod 600)",
			   -EPERM);
	r = fd_read_file(AT_FDCWD, path, FILE_MOST, &text);
	if (r < 0)
		return say(err, path, NULL, r);
	bio = BIO_new(BIO_s_mem());
	if (!bio || BIO_write(bio, text.data, (int)text.len) != (int)text.len) {
		BIO_free(bio);
		r = -ENOMEM;
	}
	if (secret && text.data)
		explicit_bzero(text.data, text.len);
	if (r == 0)
		*ret = bio;
	return r;
}

/* No terminal is asked. */
static int no_password(char *p, int n, int writing, void *arg)
{
	(void)p;
	(void)n;
	(void)writing;
	(void)arg;
	return 0;
}

static const char *what_is_wrong(X509 *cert, EVP_PKEY *key)
{
	if (X509_check_ca(cert) != 1)
		return "not the certificate of a CA (basicConstraints CA:TRUE)";
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
		return "not valid yet";
	if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
		return "expired";
	if (X509_check_private_key(cert, key) != 1)
		return "the key is another certificate's";
	return NULL;
}

int mitm_ca_load(const char *cert_path, const char *key_path, X509 **ret_cert,
		 EVP_PKEY **ret_key, struct buf *err)
{
	BIO *cert_pem = NULL, *key_pem = NULL;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int r = read_pem(cert_path, /* secret */ false, &cert_pem, err);

	if (r == 0)
		r = read_pem(key_path, /* secret */ true, &key_pem, err);
	if (r == 0) {
		cert = PEM_read_bio_X509(cert_pem, NULL, no_password, NULL);
		key = PEM_read_bio_PrivateKey(key_pem, NULL, no_password, NULL);
		if (!cert)
			r = say(err, cert_path, "no certificate in PEM form",
				-EINVAL);
		else if (!key)
			r = say(err, key_path,
				"no private key in PEM form, without password",
				-EINVAL);
		else if (what_is_wrong(cert, key))
			r = say(err, cert_path, what_is_wrong(cert, key),
				-EINVAL);
	}
	ERR_clear_error();
	BIO_free(cert_pem);
	BIO_free(key_pem);
	if (r < 0) {
		X509_free(cert);
		EVP_PKEY_free(key);
		return r;
	}
	*ret_cert = cert;
	*ret_key = key;
	return 0;
}
