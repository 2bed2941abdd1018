/* SPDX-License-Identifier: MIT */
/*
 * content.h - bodies with a Content-Encoding, decoded whole; pure
 *
 * gzip, deflate (with and without the zlib header), br and zstd, also one
 * within another up to CONTENT_MAX_CODINGS. What unpacks to more than
 * CONTENT_MAX bytes, or to more than CONTENT_MAX_RATIO times its size, is
 * refused.
 */
#ifndef NETPROXY_CONTENT_H
#define NETPROXY_CONTENT_H

#include "base/str.h"

#define CONTENT_MAX         (64U << 20)
#define CONTENT_MAX_RATIO   200U
#define CONTENT_RATIO_FROM  (1U << 20) /* smaller results may have any ratio */
#define CONTENT_MAX_CODINGS 3

/*
 * codings: value of Content-Encoding ("" and "identity" are copied). The
 * result is appended to out.
 * Return: 0; -EOPNOTSUPP (unknown coding), -EBADMSG (broken), -E2BIG, -ENOMEM.
 */
int content_decode(struct str codings, struct str in, struct buf *out);

#endif
