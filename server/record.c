/* SPDX-License-Identifier: MIT */
/*
 * record.c - every event passes here: store, counters, subscribers, command
 */
#include <errno.h>
#include <stdio.h>

#include "audit/spool.h"
#include "base/log.h"
#include "server/app.h"
#include "server/exec.h"
#include "server/session.h"
#include "server/trial.h"
#include "server/webhook.h"

static void flush_now(struct loop *l, void *arg)
{
	struct app *app = arg;

	(void)l;
	app->flush_soon = false;
	if (audit_flush(app->store) < 0)
		(void)loop_timer_arm(app->flush_timer,
				     (uint64_t)app->cfg.flush_interval_ns);
}

/* A denial is committed at the end of this turn of the loop. */
static void arm_flush(struct app *app, bool denial)
{
	if (!audit_pending(app->store))
		return;
	if (denial && !app->flush_soon)
		app->flush_soon = loop_defer(app->loop, flush_now, app) == 0;
	if (app->flush_armed)
		return;
	app->flush_armed =
		loop_timer_arm(app->flush_timer,
			       (uint64_t)app->cfg.flush_interval_ns) == 0;
}

void metrics_count(struct metrics *m, const struct event *e)
{
	m->events_total++;
	if (event_is_denial(e))
		m->denials_total++;
	for (size_t i = 0; i < m->n_types; i++) {
		if (str_eq_c(e->type, m->by_type[i].type)) {
			m->by_type[i].n++;
			return;
		}
	}
	if (m->n_types == METRIC_TYPES || e->type.n >= 48)
		return;
	(void)snprintf(m->by_type[m->n_types].type, 48, STR_FMT,
		       STR_ARG(e->type));
	m->by_type[m->n_types++].n = 1;
}

void app_import_spool(struct app *app)
{
	const struct settings *cfg = &app->cfg;
	_cleanup_buf_ struct buf path = BUF_INIT;
	const char *log = cfg->sqlite_path[0] ? cfg->sqlite_path
					      : cfg->jsonl_path;
	int r;

	if (!app->store || !log[0] || spool_path(log, &path) < 0)
		return;
	r = spool_import(buf_cstr(&path), cfg->integrity_key, app->store);
	if (r < 0 && r != -ENOENT)
		log_warn_errno(r, "%s", buf_cstr(&path));
}

int app_emit(struct app *app, const struct event *e)
{
	struct session *s = session_find(app, e->session_id);
	struct command *c = NULL;
	struct event traced;
	int r;

	if (app->trial) {
		trial_observe(app->trial, e);
		return 0;
	}
	if (s && e->command_id.n)
		c = session_command(s, e->command_id);
	if (c && c->rq.trace_id.n) {
		traced = *e;
		command_add_trace(c, &traced);
		e = &traced;
	}
	audit_render(app->store, app->webhook || (s && s->subs));
	r = audit_append(app->store, e);
	if (r < 0)
		return log_error_errno(r, "cannot record an event");
	metrics_count(&app->metrics, e);
	arm_flush(app, event_is_denial(e));
	if (s)
		session_publish(s, audit_last_json(app->store));
	webhook_add(app->webhook, audit_last_json(app->store));
	command_collect(c, e, audit_last_json(app->store));
	return 0;
}

int app_emit_simple(struct app *app, struct session *s, const char *type,
		    const char *key, struct str value)
{
	struct event e = { .type = str_from(type),
			   .session_id = str_from(s->id),
			   .depth = -1 };

	if (key)
		event_add_str(&e, key, value);
	return app_emit(app, &e);
}

static void put_metric(struct buf *out, const char *name, const char *kind,
		       uint64_t v)
{
	buf_printf(out, "# TYPE %s %s\n%s %llu\n", name, kind, name,
		   (unsigned long long)v);
}

void metrics_format(const struct app *app, struct buf *out)
{
	const struct metrics *m = &app->metrics;

	put_metric(out, "agentsh_up", "gauge", 1);
	put_metric(out, "agentsh_events_total", "counter", m->events_total);
	buf_puts(out, "# TYPE agentsh_events_by_type_total counter\n");
	for (size_t i = 0; i < m->n_types; i++)
		buf_printf(out,
			   "agentsh_events_by_type_total{type=\"%s\"} %llu\n",
			   m->by_type[i].type,
			   (unsigned long long)m->by_type[i].n);
	put_metric(out, "agentsh_sessions_active", "gauge", app->n_sessions);
	put_metric(out, "agentsh_denials_total", "counter", m->denials_total);
	put_metric(out, "agentsh_commands_total", "counter", m->commands_total);
	put_metric(out, "agentsh_workers_died_total", "counter",
		   m->workers_died);
	put_metric(out, "agentsh_sse_dropped_total", "counter", m->sse_dropped);
	put_metric(out, "agentsh_net_ebpf_attach_fail_total", "counter", 0);
	put_metric(out, "agentsh_net_ebpf_dropped_events_total", "counter", 0);
	put_metric(out, "agentsh_net_ebpf_unavailable_total", "counter", 1);
	webhook_metrics(app->webhook, out);
}
