/* SPDX-License-Identifier: MIT */
/*
 * json_edit.h - finds and replaces text inside the strings of a JSON document
 *
 * The document is never parsed into a tree and written again: numbers, order,
 * white space, escapes and everything else outside the replaced spans stay the
 * bytes they were. A scanner is shown the decoded text of every member name,
 * string and long number, and names spans of it.
 *
 * Left alone, because the services verify or decode them and refuse the whole
 * request when one byte differs: "...signature" and "encrypted_content"
 * members, objects of type thinking or redacted_thinking that carry their proof,
 * base64 data of images and other media, identifiers the services made.
 */
#ifndef NETPROXY_JSON_EDIT_H
#define NETPROXY_JSON_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define JSON_EDIT_DEPTH     512
#define JSON_EDIT_MAX_EDITS 262144U

struct json_edits; /* of the document at hand */

/*
 * Shown each text once, in document order. Reports what to replace with
 * json_edits_add(). Return 0, or -errno to give up.
 */
typedef int json_scan_fn(void *arg, struct str text, struct json_edits *e);

/* Replaces text[start, end) by `with` (copied). Spans of one text come in
 * order and do not overlap; others are ignored. */
void json_edits_add(struct json_edits *e, size_t start, size_t end,
		    struct str with);

/*
 * The edited document, appended to out; nothing is appended when nothing was
 * replaced. Several documents may follow each other (JSON lines).
 * Return: number of replaced spans; -EBADMSG (no JSON), -E2BIG (too deep, too
 * many spans), -ENOMEM, or what scan returned.
 */
int json_edit(struct str in, json_scan_fn *scan, void *arg, struct buf *out);

/* Appends s as it stands between the quotes of a JSON string. */
void json_edit_escape(struct buf *out, struct str s);

#endif
