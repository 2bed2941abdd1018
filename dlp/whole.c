/* SPDX-License-Identifier: MIT */
/*
 * whole.c - findings of a text that is all there
 */
#include <errno.h>
#include <stdio.h>

#include "dlp/priv.h"

static bool is_token(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

static size_t match_at(struct str s, unsigned int *ret_type)
{
	static const char *const prefix[] = { "sk-", "AKIA", "ghp_", "xoxb-" };

	for (unsigned int i = 0; i < ARRAY_LEN(prefix); i++) {
		size_t n = 0;

		if (!str_starts(s, str_from(prefix[i])))
			continue;
		while (n < s.n && is_token(s.p[n]))
			n++;
		*ret_type = i;
		return n >= 20 ? n : 0;
	}
	return 0;
}

static void report(const struct dlp_engine *e, const struct dlp_sink *sink,
		   struct dlp_finding *f, struct str secret)
{
	char token[DLP_TOKEN_LEN + 1];
	char text[128];

	f->action = e->types[f->type].action;
	f->display = str_from(e->types[f->type].display);
	(void)snprintf(text, sizeof(text), "[REDACTED:%s]",
		       e->types[f->type].display);
	f->replacement = str_from(text);
	if (f->action == DLP_LOG)
		f->replacement = STR_NONE;
	if (f->action == DLP_TOKENIZE && sink->tokens &&
	    dlp_tokens_put(sink->tokens, secret, token) == 0)
		f->replacement = str_from(token);
	if (sink->found)
		sink->found(sink->arg, f);
}

int dlp_find(const struct dlp_engine *e, struct str text,
	     const struct dlp_sink *sink)
{
	int found = 0;

	if (e->n_types == 0)
		return 0;
	for (size_t i = 0; i < text.n;) {
		struct dlp_finding f = { .offset = i };
		size_t n = i && is_token(text.p[i - 1])
				   ? 0
				   : match_at(str_skip(text, i), &f.type);

		if (n) {
			f.length = n;
			report(e, sink, &f, str_from_n(text.p + i, n));
			found++;
		}
		i += n ? n : 1;
	}
	return found;
}

struct splice {
	struct buf *out;
	struct str text;
	size_t done;
	const struct dlp_sink *sink;
};

static void on_found(void *arg, const struct dlp_finding *f)
{
	struct splice *s = arg;

	if (f->action != DLP_LOG) {
		buf_put(s->out, s->text.p + s->done, f->offset - s->done);
		buf_put_str(s->out, f->replacement);
		s->done = f->offset + f->length;
	}
	if (s->sink && s->sink->found)
		s->sink->found(s->sink->arg, f);
}

int dlp_redact(const struct dlp_engine *e, struct str text, struct buf *out,
	       const struct dlp_sink *sink)
{
	struct splice s = { .out = out, .text = text, .sink = sink };
	struct dlp_sink inner = { .found = on_found,
				  .arg = &s,
				  .tokens = sink ? sink->tokens : NULL };
	int n = dlp_find(e, text, &inner);

	if (n < 0)
		return n;
	buf_put(out, text.p + s.done, text.n - s.done);
	return out->error ? out->error : n;
}
