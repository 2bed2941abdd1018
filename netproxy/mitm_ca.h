/* SPDX-License-Identifier: MIT */
/*
 * mitm_ca.h - a CA of the operator's, from files
 */
#ifndef NETPROXY_MITM_CA_H
#define NETPROXY_MITM_CA_H

#include <openssl/types.h>

#include "base/str.h"

/*
 * Reads PEM files: a CA certificate that is valid now, and its private key,
 * without a password, in a file that nobody else may read. Both are owned by
 * the caller. 0, or -errno with words for the operator in err.
 */
int mitm_ca_load(const char *cert_path, const char *key_path, X509 **ret_cert,
		 EVP_PKEY **ret_key, struct buf *err);

#endif
