/* SPDX-License-Identifier: MIT */
/*
 * api_head.c - secrets in the URL and in the header fields of a request for a
 * language model
 *
 * What the client proves itself with is left: that is the host's own key. All
 * else is treated as the body is. In a URL what takes a secret's place is
 * escaped for it.
 */
#include <errno.h>

#include "dlp/ascii.h"
#include "netproxy/api_priv.h"

struct url {
	struct api_conn *c;
	struct str text;
	size_t done;
	struct buf *out;
};

/* True if a finding at offset is the value of "key=" and the like. */
static bool is_credential(struct str url, size_t offset)
{
	struct str before = str_from_n(url.p, offset), name;
	ptrdiff_t query = str_index(before, '?'), eq = str_rindex(before, '=');
	ptrdiff_t and = str_rindex(before, '&');
	ptrdiff_t from = MAX(and, query);

	if (query < 0 || eq <= from)
		return false;
	name = str_from_n(before.p + from + 1, (size_t)(eq - from) - 1);
	return swap_is_credential_parameter(name);
}

static void put_escaped(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (ascii_is(c, ASCII_ALNUM) || c == '_' || c == '-')
			buf_putc(out, (char)c);
		else
			buf_printf(out, "%%%02X", (unsigned int)c);
	}
}

static void on_found(void *arg, const struct dlp_finding *f)
{
	struct url *u = arg;
	const char *type = dlp_type_name(u->c->api->dlp, f->type);

	if (is_credential(u->text, (size_t)f->offset) ||
	    !redact_note(&u->c->x.redacted, type, f->action))
		return;
	buf_put(u->out, u->text.p + u->done, (size_t)f->offset - u->done);
	put_escaped(u->out, f->replacement);
	u->done = (size_t)(f->offset + f->length);
}

void api_clean_path(struct api_conn *c)
{
	struct exchange *x = &c->x;
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct url u = { .c = c, .text = buf_str(&x->path), .out = &out };
	const struct dlp_sink sink = { .found = on_found,
				       .arg = &u,
				       .tokens = c->api->tokens };

	if (x->kind != API_LLM || !c->api->dlp || !u.text.n)
		return;
	if (dlp_find(c->api->dlp, u.text, &sink) < 0) {
		x->path.error = -ENOMEM;
		return;
	}
	if (!u.done)
		return;
	buf_put_str(&out, str_skip(u.text, u.done));
	buf_reset(&x->path);
	buf_put_str(&x->path, buf_str(&out));
	x->path.error = x->path.error ? x->path.error : out.error;
}

void api_put_value(struct api_conn *c, struct str name, struct str value,
		   struct buf *out)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;

	if (c->x.kind != API_LLM || !c->api->dlp ||
	    swap_is_credential_field(name)) {
		buf_put_str(out, value);
		return;
	}
	if (redact_text(c->api->dlp, c->api->tokens, STR_NONE, value, &clean,
			&c->x.redacted) < 0)
		out->error = -ENOMEM;
	buf_put_str(out, clean.len ? buf_str(&clean) : value);
}
