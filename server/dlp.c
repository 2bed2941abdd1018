/* SPDX-License-Identifier: MIT */
/*
 * dlp.c - secrets in what the server stores and passes on
 *
 * What is stored is redacted whatever dlp.mode says: with "disabled" only keys
 * and tokens, and never reversibly. Most events have nothing to redact, so the
 * strings of one are scanned in one go, and one by one only when that finds
 * something.
 */
#include "server/dlp.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"

#define EVENT_ARENA_MAX (2U << 20)

struct server_dlp {
	struct dlp_engine *output; /* NULL = off */
	struct dlp_engine *stored;
	struct buf joined;  /* the strings of one event */
	struct arena arena; /* and what became of them */
};

/* --- engines ----------------------------------------------------------- */

static int open_stored(const struct settings *cfg, struct buf *err,
		       struct dlp_engine **ret)
{
	static const struct dlp_settings keys_only = {
		.group_off = { [DLP_EMAIL] = true,
			       [DLP_PHONE] = true,
			       [DLP_CREDIT_CARD] = true,
			       [DLP_SSN] = true },
	};

	if (cfg->dlp_json.n)
		return dlp_engine_for_storage(cfg->dlp_json, err, ret);
	return dlp_engine_new(&keys_only, err, ret);
}

int server_dlp_open(struct app *app)
{
	_cleanup_buf_ struct buf err = BUF_INIT;
	struct server_dlp *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	app->dlp = d;
	d->arena = ARENA_INIT(EVENT_ARENA_MAX);
	r = open_stored(&app->cfg, &err, &d->stored);
	if (r == 0 && app->cfg.redact_output && app->cfg.dlp_json.n)
		r = dlp_engine_from_json(app->cfg.dlp_json, &err, &d->output);
	if (r < 0)
		return log_error_errno(r, "dlp: %s", buf_cstr(&err));
	return 0;
}

struct server_dlp *server_dlp_free(struct server_dlp *d)
{
	if (!d)
		return NULL;
	(void)dlp_engine_free(d->output);
	(void)dlp_engine_free(d->stored);
	buf_done(&d->joined);
	arena_done(&d->arena);
	free(d);
	return NULL;
}

const struct dlp_engine *server_dlp_output(const struct app *app)
{
	return app->dlp ? app->dlp->output : NULL;
}

int server_dlp_text(const struct app *app, struct str text, struct buf *out)
{
	int r;

	if (!app->dlp) {
		buf_put_str(out, text);
		return out->error;
	}
	r = dlp_redact(app->dlp->stored, text, out, NULL);
	return r < 0 ? r : 0;
}

/* --- events ------------------------------------------------------------ */

/* An argument whose value is the next one, such as --password. */
static bool is_option(struct str arg)
{
	return arg.n > 1 && arg.p[0] == '-' && str_index(arg, '=') < 0;
}

static void join(struct buf *b, struct str s)
{
	buf_put_str(b, s);
	buf_putc(b, '\n');
}

/* Lists of arguments: an option and its value are neighbours there, too. */
static bool is_list(const struct event_field *f)
{
	return f->type == EVENT_JSON && str_starts(f->str, STR("[\""));
}

static void join_list(struct buf *b, struct str json)
{
	for (size_t i = 0; i < json.n; i++)
		buf_putc(b, json.p[i] == ',' ? '=' : json.p[i]);
	buf_putc(b, '\n');
}

static void join_all(struct buf *b, const struct event *e)
{
	const struct str *own[] = { &e->message,        &e->redirect_to,
				    &e->filename,       &e->raw_filename,
				    &e->unwrapped_from, &e->payload_command,
				    &e->path,           &e->domain,
				    &e->remote };

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (own[i]->n)
			join(b, *own[i]);
	for (size_t i = 0; i < e->argc; i++) {
		buf_put_str(b, e->argv[i]);
		buf_putc(b, is_option(e->argv[i]) ? '=' : '\n');
	}
	for (size_t i = 0; i < e->n_fields; i++)
		if (is_list(&e->fields[i]))
			join_list(b, e->fields[i].str);
		else if (e->fields[i].str.n)
			join(b, e->fields[i].str);
}

/* A text without its secrets, in the arena; what is wrong goes to *error. */
static struct str clean(struct server_dlp *d, struct str s, int *error)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	int n = s.n ? dlp_redact(d->stored, s, &out, NULL) : 0;
	char *p;

	if (n == 0 || *error < 0)
		return s;
	p = n < 0 ? NULL : arena_dup(&d->arena, buf_str(&out));
	if (!p) {
		*error = -ENOMEM;
		return s;
	}
	return str_from_n(p, out.len);
}

/* The value of an option is judged with its name. */
static struct str clean_value(struct server_dlp *d, struct str option,
			      struct str value, int *error)
{
	_cleanup_buf_ struct buf both = BUF_INIT;
	struct str out;

	buf_printf(&both, STR_FMT "=" STR_FMT, STR_ARG(option), STR_ARG(value));
	if (both.error) {
		*error = both.error;
		return value;
	}
	out = clean(d, buf_str(&both), error);
	if (*error < 0 || out.p == both.data ||
	    !str_starts(out, str_from_n(both.data, option.n + 1)))
		return clean(d, value, error);
	return str_skip(out, option.n + 1);
}

static void clean_argv(struct server_dlp *d, struct event *e, int *error)
{
	struct str *argv =
		arena_alloc(&d->arena, (e->argc + 1) * sizeof(*argv));

	if (!argv) {
		*error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < e->argc; i++)
		argv[i] = i > 0 && is_option(e->argv[i - 1])
				  ? clean_value(d, e->argv[i - 1], e->argv[i],
						error)
				  : clean(d, e->argv[i], error);
	e->argv = argv;
}

/* It has to stay JSON, whatever a pattern's name or reach is. */
static struct str clean_json(struct server_dlp *d, struct str json, int *error)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(EVENT_ARENA_MAX);
	struct str out = clean(d, json, error);
	struct json *doc;

	if (out.p == json.p || json_parse(&a, out, &doc) == 0)
		return out;
	return STR("\"[REDACTED]\"");
}

/* A list of strings is cleaned as an argv is. */
static struct str clean_list(struct server_dlp *d, struct str json, int *error)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(EVENT_ARENA_MAX);
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct str before = STR_NONE;
	struct json_writer w;
	struct json *doc;
	char *p;

	if (json_parse(&a, json, &doc) < 0)
		return clean_json(d, json, error);
	json_writer_init(&w, &out, 0);
	json_begin_array(&w);
	json_foreach(it, doc)
	{
		if (it->type != JSON_STRING)
			return clean_json(d, json, error);
		json_str(&w, is_option(before)
				     ? clean_value(d, before, it->text, error)
				     : clean(d, it->text, error));
		before = it->text;
	}
	json_end_array(&w);
	p = out.error ? NULL : arena_dup(&d->arena, buf_str(&out));
	if (!p)
		*error = -ENOMEM;
	return p ? str_from_n(p, out.len) : json;
}

static int clean_event(struct server_dlp *d, struct event *e)
{
	struct str *own[] = { &e->message,        &e->redirect_to,
			      &e->filename,       &e->raw_filename,
			      &e->unwrapped_from, &e->payload_command,
			      &e->path,           &e->domain,
			      &e->remote };
	int error = 0;

	arena_reset(&d->arena);
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		*own[i] = clean(d, *own[i], &error);
	if (e->argc)
		clean_argv(d, e, &error);
	for (size_t i = 0; i < e->n_fields; i++) {
		struct event_field *f = &e->fields[i];

		if (is_list(f))
			f->str = clean_list(d, f->str, &error);
		else if (f->type == EVENT_STR)
			f->str = clean(d, f->str, &error);
		else if (f->type == EVENT_JSON)
			f->str = clean_json(d, f->str, &error);
	}
	return error;
}

int server_dlp_event(void *arg, struct event *e)
{
	static const struct dlp_sink count_only;
	struct server_dlp *d = arg;
	int n;

	buf_reset(&d->joined);
	join_all(&d->joined, e);
	if (d->joined.error)
		return d->joined.error;
	n = dlp_find(d->stored, buf_str(&d->joined), &count_only);
	return n > 0 ? clean_event(d, e) : n;
}
