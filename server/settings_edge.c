/* SPDX-License-Identifier: MIT */
/*
 * settings_edge.c - server.tls and audit.webhook, for agentsh-edge
 */
#include "server/settings_edge.h"

#include <errno.h>

#include "base/json.h"

static const char *keep(struct settings *s, const char *text)
{
	return text ? arena_dup(&s->arena, str_from(text)) : "";
}

/* The object is handed over as it is: what is secret in it has one copy. */
static int set_webhook(struct settings *s, const struct config *c)
{
	const struct ystrmap *headers = &c->audit.webhook.headers;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct json_writer w;
	char *kept;

	if (!c->audit.webhook.url || !c->audit.webhook.url[0])
		return 0;
	json_writer_init(&w, &text, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "url", c->audit.webhook.url);
	json_kv_i64(&w, "timeout_ms",
		    MAX(c->audit.webhook.timeout / 1000000, INT64_C(1)));
	json_key(&w, "headers");
	json_begin_object(&w);
	for (size_t i = 0; i < headers->n; i++) {
		_cleanup_free_ char *name = str_dup(headers->names[i]);

		if (!name)
			return -ENOMEM;
		json_kv_str(&w, name, headers->values[i]);
	}
	json_end_object(&w);
	json_end_object(&w);
	kept = text.error ? NULL : arena_dup(&s->arena, buf_str(&text));
	if (!kept)
		return -ENOMEM;
	s->webhook.settings = str_from_n(kept, text.len);
	s->webhook.batch_size =
		(uint64_t)MAX(c->audit.webhook.batch_size, INT64_C(1));
	s->webhook.flush_ns = (uint64_t)MAX(c->audit.webhook.flush_interval,
					    INT64_C(1000000));
	return 0;
}

int settings_set_edge(struct settings *s, const struct config *c)
{
	s->tls = c->server.tls.enabled;
	s->tls_cert = keep(s, c->server.tls.cert_file);
	s->tls_key = keep(s, c->server.tls.key_file);
	s->tls_ca = keep(s, c->server.tls.ca_file);
	if (!s->tls_cert || !s->tls_key || !s->tls_ca)
		return -ENOMEM;
	return set_webhook(s, c);
}
