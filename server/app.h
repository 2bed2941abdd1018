/* SPDX-License-Identifier: MIT */
/*
 * app.h - the server's one state, and how an event is recorded
 */
#ifndef SERVER_APP_H
#define SERVER_APP_H

#include "audit/store.h"
#include "base/loop.h"
#include "core/event.h"
#include "server/http.h"
#include "server/settings.h"

struct session;
struct command;
struct approval;
struct worker;
struct trial;
struct edge;
struct webhook;
struct ports;

#define METRIC_TYPES 128

struct metrics {
	uint64_t events_total, denials_total;
	uint64_t commands_total, workers_died, sse_dropped;
	struct {
		char type[48];
		uint64_t n;
	} by_type[METRIC_TYPES];
	size_t n_types;
};

struct app {
	struct loop *loop;         /* owned */
	struct settings cfg;       /* owned */
	struct audit_store *store; /* owned; NULL in a trial */
	struct server_dlp *dlp;    /* owned; NULL in a trial */
	struct trial *trial;       /* takes the events instead; else NULL */
	struct http_server *http;  /* owned */
	struct edge *tls;          /* owned; NULL: no server.tls */
	struct webhook *webhook;   /* owned; NULL: none */
	struct session *sessions;  /* list */
	size_t n_sessions;
	struct approval *approvals; /* list */
	struct worker *workers;     /* list: all that are not reaped yet */
	struct metrics metrics;
	struct loop_source *flush_timer, *reap_timer, *log_timer;
	bool flush_armed, flush_soon, stopping, state_armed;
	struct buf local_path, unix_path; /* sockets to remove at exit */
	char *libexec;                    /* directory of the workers; owned */
	int reload_fd; /* inotify on policies.dir; -1 = none */
	struct loop_source *reload_io, *reload_timer;
	int64_t started_ns;
	uint16_t http_port;    /* in use; the configured one may be 0 */
	struct ports *proxies; /* sessions' proxies; owned, NULL = none */
	int proxies_fd;        /* the same, for workers; owned, with it */
};

/*
 * Records the event, passes it to the session's subscribers and to its
 * command's collector. 0, or -errno when it is not recorded (then what it
 * speaks of must not happen).
 */
int app_emit(struct app *app, const struct event *e);
/* Takes over what commands without a server have recorded. */
void app_import_spool(struct app *app);
/* Event of the server itself about a session, with one string field or none. */
int app_emit_simple(struct app *app, struct session *s, const char *type,
		    const char *key, struct str value);
/* Soon: kills and removes cgroups whose owner is dead. */
void app_reap_cgroups(struct app *app);
void app_reap_cgroups_now(const struct app *app);
void metrics_count(struct metrics *m, const struct event *e);
void metrics_format(const struct app *app, struct buf *out);

#endif
