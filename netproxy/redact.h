/* SPDX-License-Identifier: MIT */
/*
 * redact.h - what the DLP engine finds in a body, replaced in place
 */
#ifndef NETPROXY_REDACT_H
#define NETPROXY_REDACT_H

#include "base/json.h"
#include "dlp/dlp.h"

#define REDACT_MAX_TYPES 64

struct redact_count {
	const char *type; /* display name; the engine's */
	uint32_t n;
};

struct redact_result {
	struct redact_count types[REDACT_MAX_TYPES];
	size_t n_types;
	uint32_t total;      /* replaced or refused; not those only logged */
	const char *blocked; /* type whose action is block, or NULL */
};

/*
 * Counts a finding of a type; false: it stays as it is (DLP_LOG).
 */
bool redact_note(struct redact_result *r, const char *type,
		 enum dlp_action action);
/*
 * As redact_body() for text that is no document: a field's value, a line.
 */
int redact_text(const struct dlp_engine *engine, struct dlp_tokens *tokens,
		struct str spare, struct str in, struct buf *out,
		struct redact_result *ret);
/*
 * spare: text that is no finding, a phantom of ours; or STR_NONE.
 * JSON is edited in place (netproxy/json_edit.h), anything else as text.
 * engine NULL: nothing is found. out stays empty when nothing is replaced.
 * Return: 0 or -ENOMEM, -E2BIG.
 */
int redact_body(const struct dlp_engine *engine, struct dlp_tokens *tokens,
		struct str spare, struct str in, struct buf *out,
		struct redact_result *ret);
/*
 * The type of a key, token or custom pattern that text holds and that is not to
 * leave, or NULL. For text that cannot be edited: URLs, header fields.
 */
const char *redact_find_key(const struct dlp_engine *engine, struct str spare,
			    struct str text);
/* [{"type":"email","count":2}, ...] */
void redact_put(const struct redact_result *r, struct json_writer *w);

#endif
