/* SPDX-License-Identifier: MIT */
/*
 * settings_proxy.c - settings of the language model proxy and of DLP
 */
#include <errno.h>

#include "base/json.h"
#include "config/config.h"
#include "dlp/dlp.h"
#include "server/settings.h"

static struct str keep(struct settings *s, struct str text)
{
	char *p = arena_dup(&s->arena, text);

	return p ? str_from_n(p, text.n) : STR_NONE;
}

/* --- dlp ----------------------------------------------------------------- */

static const char *mode_word(const struct config *c, enum dlp_action *ret)
{
	switch ((enum config_dlp)c->dlp.mode) {
	case CONFIG_DLP_TOKENIZE:
		*ret = DLP_TOKENIZE;
		return "tokenize";
	case CONFIG_DLP_DISABLED:
		*ret = DLP_OFF;
		return "disabled";
	case CONFIG_DLP_REDACT:
		break;
	}
	*ret = DLP_REDACT;
	return "redact";
}

static int keep_shown(struct settings *s, const struct dlp_engine *e)
{
	for (size_t i = 0; i < dlp_engine_n_shown(e); i++)
		if (vec_push(&s->dlp_shown,
			     keep(s, str_from(dlp_engine_shown(e, i)))) < 0)
			return -ENOMEM;
	return 0;
}

/* Compiled here once, so that what is wrong is said at load. */
static int keep_dlp(struct settings *s, const struct dlp_settings *d,
		    const struct config *c, struct diag *diag)
{
	_cleanup_dlp_engine_ struct dlp_engine *engine = NULL;
	_cleanup_buf_ struct buf err = BUF_INIT, json = BUF_INIT;
	int r = dlp_engine_new(d, &err, &engine);

	if (r == -EINVAL)
		diag_error(diag, c->file, 0, 0, "dlp: %s", buf_cstr(&err));
	if (r == 0)
		r = keep_shown(s, engine);
	if (r == 0)
		r = dlp_settings_put(d, &json);
	if (r < 0)
		return r;
	s->dlp_json = keep(s, buf_str(&json));
	return s->dlp_json.n ? 0 : -ENOMEM;
}

static bool is_action(struct str word, enum dlp_action *ret)
{
	for (unsigned int a = 0; a < DLP_ACTION_MAX; a++) {
		if (!str_eq_c(word, dlp_action_to_string((enum dlp_action)a)))
			continue;
		*ret = (enum dlp_action)a;
		return true;
	}
	return false;
}

/* dlp.actions: by type, by group, or by a custom pattern's name. */
static int set_actions(struct settings *s, const struct config *c,
		       struct dlp_custom *custom, struct dlp_settings *d,
		       struct diag *diag)
{
	struct dlp_override *overrides = arena_alloc(
		&s->arena, (c->dlp.actions.n + 1) * sizeof(*overrides));
	const struct ystrmap *m = &c->dlp.actions;

	if (!overrides)
		return -ENOMEM;
	d->overrides = overrides;
	for (size_t i = 0; i < m->n; i++) {
		enum dlp_action a;
		bool own = false;

		if (!is_action(m->values[i], &a)) {
			diag_error(diag, c->file, 0, 0,
				   "dlp.actions." STR_FMT
				   ": one of redact, tokenize, block, log, "
				   "disabled is wanted, not " STR_FMT,
				   STR_ARG(m->names[i]), STR_ARG(m->values[i]));
			return -EINVAL;
		}
		for (size_t k = 0; k < d->n_custom; k++) {
			if (!str_eq(custom[k].name, m->names[i]) &&
			    !str_eq(m->names[i], STR("custom")))
				continue;
			custom[k].action = a;
			own = true;
		}
		if (!own && !str_eq(m->names[i], STR("custom")))
			overrides[d->n_overrides++] =
				(struct dlp_override){ m->names[i], a };
	}
	return 0;
}

static int set_dlp(struct settings *s, const struct config *c,
		   struct diag *diag)
{
	struct dlp_custom custom[DLP_MAX_CUSTOM];
	struct dlp_settings d = { .custom = custom };
	int r;

	s->dlp_mode = mode_word(c, &d.mode);
	s->redact_output = c->dlp.redact_output;
	if (d.mode == DLP_OFF)
		return 0;
	d.group_off[DLP_EMAIL] = !config_on(c->dlp.patterns.email);
	d.group_off[DLP_PHONE] = !config_on(c->dlp.patterns.phone);
	d.group_off[DLP_CREDIT_CARD] = !config_on(c->dlp.patterns.credit_card);
	d.group_off[DLP_SSN] = !config_on(c->dlp.patterns.ssn);
	d.group_off[DLP_API_KEYS] = !config_on(c->dlp.patterns.api_keys);
	if (c->dlp.custom_patterns.n > DLP_MAX_CUSTOM) {
		diag_error(diag, c->file, 0, 0,
			   "dlp.custom_patterns: more than %d", DLP_MAX_CUSTOM);
		return -EINVAL;
	}
	for (size_t i = 0; i < c->dlp.custom_patterns.n; i++) {
		const struct config_pattern *p = &c->dlp.custom_patterns.v[i];

		custom[d.n_custom++] = (struct dlp_custom){
			.name = str_from(p->name),
			.display = str_from(p->display),
			.regex = str_from(p->regex),
			.action = d.mode,
		};
	}
	r = set_actions(s, c, custom, &d, diag);
	return r < 0 ? r : keep_dlp(s, &d, c, diag);
}

/* --- language models ----------------------------------------------------- */

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') ||
		      (s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '_' ||
		      s.p[i] == '-'))
			return false;
	return s.n > 0 && s.n <= 64;
}

/* These have variables of their own. */
static bool is_usual(struct str name)
{
	return str_eq(name, STR("anthropic")) || str_eq(name, STR("openai")) ||
	       str_eq(name, STR("chatgpt"));
}

static int put_providers(struct settings *s, const struct config *c,
			 struct json_writer *w, struct diag *diag)
{
	const struct ystrmap *m = &c->proxy.providers;

	json_key(w, "providers");
	json_begin_object(w);
	for (size_t i = 0; i < m->n; i++) {
		if (!is_name(m->names[i]) ||
		    (!str_starts(m->values[i], STR("https://")) &&
		     !str_starts(m->values[i], STR("http://127.")) &&
		     !str_starts(m->values[i], STR("http://[::1]")))) {
			diag_error(diag, c->file, 0, 0,
				   "proxy.providers." STR_FMT
				   ": a name of a-z, 0-9, '_', '-' and an "
				   "https:// URL are wanted (http:// only to a "
				   "loopback address)",
				   STR_ARG(m->names[i]));
			return -EINVAL;
		}
		if (!is_usual(m->names[i]) &&
		    vec_push(&s->llm_providers, keep(s, m->names[i])) < 0)
			return -ENOMEM;
		json_key_str(w, m->names[i]);
		json_str(w, m->values[i]);
	}
	json_end_object(w);
	return 0;
}

/* The proxy of the first session has it; those of others any one. */
static int set_port(struct settings *s, const struct config *c,
		    struct diag *diag)
{
	_cleanup_buf_ struct buf listen = BUF_INIT;
	struct str where = str_from(s->net_listen ? s->net_listen : "");
	ptrdiff_t colon = str_rindex(where, ':');

	if (c->proxy.port < 0 || c->proxy.port > 65535) {
		diag_error(diag, c->file, 0, 0,
			   "proxy.port: a port is 0 to 65535");
		return -EINVAL;
	}
	if (!c->proxy.port || colon < 0 ||
	    !str_eq(str_skip(where, (size_t)colon), STR(":0")))
		return 0;
	buf_put_str(&listen, str_from_n(where.p, (size_t)colon));
	buf_printf(&listen, ":%lld", (long long)c->proxy.port);
	where = keep(s, buf_str(&listen));
	if (!where.p)
		return -ENOMEM;
	s->net_listen = where.p;
	return 0;
}

static void put_rates(const struct config *c, struct json_writer *w)
{
	json_kv_i64_opt(w, "rpm", c->proxy.rate_limits.requests_per_minute);
	json_kv_i64_opt(w, "request_burst", c->proxy.rate_limits.request_burst);
	json_kv_i64_opt(w, "tpm", c->proxy.rate_limits.tokens_per_minute);
	json_kv_i64_opt(w, "token_burst", c->proxy.rate_limits.token_burst);
}

static int set_llm(struct settings *s, const struct config *c,
		   struct diag *diag)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct json_writer w;
	int r;

	s->llm = s->net_proxy && c->proxy.mode == CONFIG_PROXY_EMBEDDED;
	r = set_port(s, c, diag);
	if (r < 0)
		return r;
	s->tls_inspection = s->llm && c->sandbox.network.tls_inspection.enabled;
	json_writer_init(&w, &text, 0);
	json_begin_object(&w);
	r = put_providers(s, c, &w, diag);
	if (r < 0)
		return r;
	json_kv_str_opt(&w, "ca", str_from(c->proxy.ca_file));
	json_kv_bool_opt(&w, "scrub", c->proxy.scrub_responses);
	json_kv_i64_opt(&w, "max_requests", c->proxy.budget.max_requests);
	json_kv_i64_opt(&w, "max_tokens", c->proxy.budget.max_tokens);
	if (c->proxy.rate_limits.enabled)
		put_rates(c, &w);
	if (c->llm_storage.store_bodies) {
		json_kv_bool(&w, "store", true);
		json_kv_i64(&w, "store_days",
			    c->llm_storage.retention.max_age_days);
		json_kv_i64(&w, "store_mb",
			    c->llm_storage.retention.max_size_mb);
		/* the only word there is: the oldest go first */
		json_kv_bool(&w, "store_oldest_first",
			     c->llm_storage.retention.eviction == 0);
	}
	json_end_object(&w);
	if (text.error)
		return text.error;
	s->llm_json = keep(s, str_from_n(text.data + 1, text.len - 2));
	return s->llm_json.n ? 0 : -ENOMEM;
}

int settings_set_proxy(struct settings *s, const struct config *c,
		       struct diag *diag)
{
	int r = set_dlp(s, c, diag);

	return r < 0 ? r : set_llm(s, c, diag);
}
