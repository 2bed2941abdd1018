/* SPDX-License-Identifier: MIT */
/*
 * socket_words.h - names of socket families, types and protocols as numbers
 */
#ifndef BASE_SOCKET_WORDS_H
#define BASE_SOCKET_WORDS_H

#include "base/str.h"

/*
 * "AF_ALG" or "alg", "SOCK_RAW" or "raw", "IPPROTO_ICMP" or "icmp", in any case,
 * or a decimal number. -1: neither.
 */
int socket_family(struct str word);
int socket_type(struct str word);
int socket_protocol(struct str word);
/* "AF_ALG"; NULL if it has no name here. */
const char *socket_family_name(int family);

#endif
