/* SPDX-License-Identifier: MIT */
/*
 * dlp.h - finding secrets and personal data in bytes
 *
 * An engine is what the configuration asks for, compiled: immutable, usable by
 * any number of threads at once. It is applied to whole texts (dlp_find,
 * dlp_redact) or to a stream that arrives in pieces (struct dlp_stream); what
 * is found, and what comes out, does not depend on how a stream was cut.
 *
 * A finding never carries the secret, only where it was, and the text that
 * takes its place. Text means bytes: nothing here needs valid UTF-8.
 */
#ifndef DLP_DLP_H
#define DLP_DLP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/str.h"

struct dlp_engine;
struct dlp_stream;
struct dlp_tokens;

/* What is done about a type. */
enum dlp_action {
	DLP_REDACT = 0, /* "[REDACTED:display]" in its place */
	DLP_TOKENIZE,   /* "TOK_" and 16 hex digits, reversible by the table */
	DLP_BLOCK,      /* as redact; the caller refuses the message */
	DLP_LOG,        /* reported, left as it is */
	DLP_OFF,        /* not looked for */
	DLP_ACTION_MAX,
};

const char *dlp_action_to_string(enum dlp_action a);

/* What dlp.patterns switches on and off; every type is in one group. */
enum dlp_group {
	DLP_EMAIL = 0,
	DLP_PHONE,
	DLP_CREDIT_CARD,
	DLP_SSN,
	DLP_API_KEYS, /* keys, tokens, passwords: all else that is built in */
	DLP_CUSTOM,
	DLP_GROUP_MAX,
};

/* "email", "phone", "credit_card", "ssn", "api_key", "custom". */
const char *dlp_group_to_string(enum dlp_group g);

/* ---- settings and engine ------------------------------------------------ */

#define DLP_MAX_CUSTOM 256

/* One of dlp.custom_patterns. */
struct dlp_custom {
	struct str name;    /* what events call it */
	struct str display; /* "[KEY]" and "KEY" both give [REDACTED:KEY] */
	struct str regex;   /* base/regex.h, at most DLP_MATCH_MAX bytes long */
	enum dlp_action action;
};

/* A secret known by its bytes, such as a credential we hold. */
struct dlp_exact {
	struct str secret; /* 8 bytes or more; copied */
	struct str name;
};

/* An action for one built-in type that differs from the mode. */
struct dlp_override {
	struct str type; /* a type's name, or a group's */
	enum dlp_action action;
};

/* Zeroed: every built-in type is redacted. Borrowed for dlp_engine_new(). */
struct dlp_settings {
	enum dlp_action mode; /* DLP_OFF: the engine finds nothing */
	bool group_off[DLP_GROUP_MAX];
	const struct dlp_custom *custom;
	size_t n_custom;
	const struct dlp_override *overrides;
	size_t n_overrides;
	const struct dlp_exact *exact;
	size_t n_exact;
	bool stored; /* redact whatever the actions are, but for DLP_OFF */
};

/*
 * Return: 0; -EINVAL when a custom regex, a name of an override or an exact
 * secret is no good, with a sentence about it appended to err; -ENOMEM.
 */
int dlp_engine_new(const struct dlp_settings *s, struct buf *err,
		   struct dlp_engine **ret);
/* Not while a stream made from it lives. */
struct dlp_engine *dlp_engine_free(struct dlp_engine *e);
DEFINE_CLEANUP(dlp_engine_free, struct dlp_engine *)
#define _cleanup_dlp_engine_ _cleanup_(dlp_engine_free_p)

/*
 * Settings as one JSON object, for handing them to another program, and the
 * engine from such text. Return: 0, -EINVAL (as dlp_engine_new), -ENOMEM.
 */
int dlp_settings_put(const struct dlp_settings *s, struct buf *out);
int dlp_engine_from_json(struct str json, struct buf *err,
			 struct dlp_engine **ret);
/*
 * The same for what is kept for long: every finding is redacted, what the
 * settings only want logged or tokenized, too.
 */
int dlp_engine_for_storage(struct str json, struct buf *err,
			   struct dlp_engine **ret);
/*
 * The same for what others send us: keys, tokens and custom patterns. An
 * address in a file that is fetched stays, for the file has to stay the same.
 */
int dlp_engine_for_answers(struct str json, struct buf *err,
			   struct dlp_engine **ret);

/* The types looked for, 0 to n - 1. Strings live as long as the engine. */
size_t dlp_engine_n_types(const struct dlp_engine *e);
const char *dlp_type_name(const struct dlp_engine *e, unsigned int type);
enum dlp_group dlp_type_group(const struct dlp_engine *e, unsigned int type);
/* What a status shows: active groups by name, then custom patterns' names. */
size_t dlp_engine_n_shown(const struct dlp_engine *e);
const char *dlp_engine_shown(const struct dlp_engine *e, size_t i);

/* ---- findings ----------------------------------------------------------- */

/* The longest stretch that one finding is decided from. */
#define DLP_MATCH_MAX 16384U

struct dlp_finding {
	unsigned int type;
	enum dlp_action action; /* never DLP_OFF */
	uint64_t offset;        /* of the first byte, in what was given */
	uint64_t length;        /* in bytes of what was given */
	struct str display;     /* "github_token"; the engine's */
	/*
	 * What to put there, valid during the call: printable ASCII unless a
	 * custom display is not; for a secret inside base64 again base64. With
	 * DLP_LOG the bytes stay, and this is empty.
	 */
	struct str replacement;
};

/*
 * Findings come in order and do not overlap, but for a private key or a
 * base64 blob longer than DLP_MATCH_MAX: it is reported once, at its
 * beginning, with the length known then (streams) or its full length.
 */
typedef void (*dlp_found_fn)(void *arg, const struct dlp_finding *f);
/* Bytes that may be passed on, in order. */
typedef void (*dlp_out_fn)(void *arg, struct str bytes);

struct dlp_sink {
	dlp_found_fn found;        /* may be NULL */
	dlp_out_fn out;            /* streams only; must not be NULL there */
	void *arg;                 /* of both */
	struct dlp_tokens *tokens; /* borrowed; NULL: tokenize redacts */
};

/* ---- whole texts -------------------------------------------------------- */

/*
 * Calls sink->found for every finding in text; sink->out is not used. Thread-
 * safe (but for the token table), and on clean text allocates nothing.
 * Return: number of findings, -ENOMEM.
 */
int dlp_find(const struct dlp_engine *e, struct str text,
	     const struct dlp_sink *sink);
/*
 * Appends text to out with what was found replaced; sink may be NULL.
 * Return: number of findings, -ENOMEM (then out is not to be used), or the
 * error of out.
 */
int dlp_redact(const struct dlp_engine *e, struct str text, struct buf *out,
	       const struct dlp_sink *sink);

/* ---- streams ------------------------------------------------------------ */

enum dlp_flush {
	/* Nothing has come for some ms: let go of what is only the beginning
	 * of something, such as a word without its end; a secret that has
	 * begun is kept back. */
	DLP_FLUSH_IDLE = 0,
	/* Nothing for long: decide about all that is kept back as if the text
	 * ended here. A secret decided this way is replaced, and what may
	 * still follow of it swallowed. */
	DLP_FLUSH_LONG,
};

/*
 * A stream over an engine that must outlive it; the sink is copied. One thread
 * at a time. Memory is bounded: about 4 KB idle, 96 KB at most.
 * Return: 0, -ENOMEM.
 */
int dlp_stream_new(const struct dlp_engine *e, const struct dlp_sink *sink,
		   struct dlp_stream **ret);
/* Drops what is kept back. */
struct dlp_stream *dlp_stream_free(struct dlp_stream *s);
DEFINE_CLEANUP(dlp_stream_free, struct dlp_stream *)
#define _cleanup_dlp_stream_ _cleanup_(dlp_stream_free_p)

/*
 * Takes bytes and calls the sink for what can be told by now. Return: 0 or
 * -ENOMEM, after which the stream passes nothing on any more.
 */
int dlp_stream_feed(struct dlp_stream *s, struct str bytes);
int dlp_stream_flush(struct dlp_stream *s, enum dlp_flush how);
/* The text ends here: everything is decided and comes out. */
int dlp_stream_finish(struct dlp_stream *s);
/* Number of bytes kept back. */
size_t dlp_stream_held(const struct dlp_stream *s);

/* ---- tokens ------------------------------------------------------------- */

#define DLP_TOKEN_LEN 20 /* "TOK_" and 16 hex digits */

/*
 * A table of secrets and the tokens that stand for them; the same secret has
 * the same token. One thread at a time. max_bytes bounds the secrets kept;
 * beyond it a secret is redacted. Return: NULL without memory.
 */
struct dlp_tokens *dlp_tokens_new(size_t max_bytes);
struct dlp_tokens *dlp_tokens_free(struct dlp_tokens *t);
DEFINE_CLEANUP(dlp_tokens_free, struct dlp_tokens *)
#define _cleanup_dlp_tokens_ _cleanup_(dlp_tokens_free_p)

/* Return: 0; -ENOSPC when the table is full; -ENOMEM. */
int dlp_tokens_put(struct dlp_tokens *t, struct str secret,
		   char ret_token[DLP_TOKEN_LEN + 1]);
/* The secret, owned by the table; STR_NONE for a token it does not know. */
struct str dlp_tokens_get(const struct dlp_tokens *t, struct str token);
/* Appends text with every known token replaced by its secret; the number. */
size_t dlp_tokens_restore(const struct dlp_tokens *t, struct str text,
			  struct buf *out);

#endif
