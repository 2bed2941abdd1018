/* SPDX-License-Identifier: MIT */
/*
 * exec.h - one command of a session, from request to response
 *
 *	WAIT_TRACER ─ready─▶ (check) ─approve─▶ WAIT_APPROVAL
 *	                        │ allow              │ approved
 *	                        ▼                    ▼
 *	                     WAIT_SPAWN ─SPAWNED─▶ RUNNING ─EXITED─▶ DRAINING ─▶ end
 *
 * Every state may also go straight to the end: denied, builtin, worker dead,
 * session gone. The end records, answers (if the client is still there) and
 * frees the command.
 */
#ifndef SERVER_EXEC_H
#define SERVER_EXEC_H

#include "base/arena.h"
#include "core/proto.h"
#include "core/receipt.h"
#include "server/session.h"

#define COMMAND_ID_MAX    64
#define COLLECT_BLOCKED   25
#define COLLECT_NOTES     5
#define EXEC_MAX_ARGS     4096
#define EXEC_EXIT_DENIED  126
#define EXEC_EXIT_NOT_RUN 127
#define EXEC_EXIT_TIMEOUT 124
#define EXEC_EXIT_USAGE   2

enum exec_mode {
	EXEC_JSON = 0, /* output captured, one response */
	EXEC_STREAM,   /* output as server-sent events */
	EXEC_FDS,      /* the client's own descriptors */
	EXEC_PTY,      /* a terminal over a websocket */
};

enum include_events {
	INCLUDE_ALL = 0,
	INCLUDE_SUMMARY,
	INCLUDE_BLOCKED,
	INCLUDE_NONE
};

struct exec_request { /* strings live in the command's arena */
	struct str command, argv0, working_dir, stdin_data, timeout_text;
	struct str include_text;
	const struct str *args;
	size_t n_args;
	const struct setting_pair *env;
	size_t n_env;
	struct str trace_id, span_id, trace_flags; /* Traceparent, or empty */
	int64_t timeout_ns;                        /* 0 = not given */
	bool stream_output;
	enum include_events include;
};

enum command_state {
	COMMAND_WAIT_TRACER = 0,
	COMMAND_WAIT_APPROVAL,
	COMMAND_WAIT_TURN, /* the tracer has enough to start */
	COMMAND_WAIT_SPAWN,
	COMMAND_RUNNING,
	COMMAND_DRAINING,
	COMMAND_ENDED,
};

struct command_output {
	struct command *command;
	bool is_stderr;
	int fd; /* our end; -1 = not captured or at its end */
	struct loop_source *io;
	struct buf data; /* first LIMIT_OUTPUT_CAPTURE bytes */
	uint64_t total;
	char held[4]; /* start of a UTF-8 character cut by a read */
	size_t n_held;
	struct redact *redact; /* owned; NULL = passed on as it is */
};

/* What the events of this command have told so far. */
struct collected {
	struct buf blocked; /* JSON objects, comma separated */
	size_t n_blocked_kept;
	uint64_t n_file, n_network, n_other, n_blocked;
	/* the denial that explains most; in the command's arena */
	struct str rule, operation, target;
	bool network_blocked;
	struct buf notes; /* lines for stderr, e.g. of soft deletes */
	unsigned int n_notes;
	struct receipt receipt; /* as its sandbox counted it */
};

struct exec_error {
	const char *code, *message; /* NULL code = none; static strings */
};

struct command {
	struct app *app;
	struct session *session;
	struct command *next, **link;
	char id[COMMAND_ID_MAX + 1];
	enum exec_mode mode;
	enum command_state state;
	struct http_conn *conn; /* NULL = the client is gone */
	struct arena arena;
	struct exec_request rq;
	/* what really runs: rq's, or what a redirect made of it */
	struct str command, argv0;
	const struct str *args;
	size_t n_args;
	const struct str *redirect_env;
	size_t n_redirect_env;
	struct verdict verdict;
	struct str rule, message;
	bool redirected, approved, kill_sent, tty;
	bool starting;             /* counted in session->n_starting */
	const char *approval_mode; /* NULL, "shadow", "enforced" */
	char approval_id[64];
	int64_t started_ns;
	uint64_t started_mono, timeout_ns;
	uint32_t request_id;
	pid_t pid;
	uint64_t pending; /* signals for when it runs: bit signo - 1 */
	int fds[3];       /* EXEC_FDS: the client's; owned until spawned */
	int pty;          /* EXEC_PTY: the master; owned */
	uint16_t rows, cols;
	struct command_output out, err;
	struct loop_source *timer, *start_timer;
	struct collected seen;
	/* the result */
	int exit_code;
	bool timed_out, oom_killed;
	bool not_executable; /* there is such a file, but it cannot be run */
	struct exec_error error;
	uint64_t cpu_user_us, cpu_system_us, memory_peak_kb;
	int64_t duration_ms;
	struct buf extra_stderr;       /* our own words to the user */
	void *pty_link;                /* pty.c's side */
	struct redact_tty *redact_tty; /* owned; NULL = no terminal relayed */
};

/* Parses an ExecRequest into the command's arena. Text of the error in err. */
int exec_request_parse(struct command *c, struct str body, struct buf *err);
/* W3C trace context for the command's events; anything malformed is ignored. */
void exec_request_trace(struct command *c, struct str traceparent);
/* Adds it to an event of the command; c may be NULL. */
void command_add_trace(const struct command *c, struct event *e);
void exec_request_to_json(const struct exec_request *rq, struct json_writer *w);

struct command_start {
	struct session *session;
	struct http_conn *conn;
	enum exec_mode mode;
	struct str id;          /* the client's choice, or empty */
	struct str body;        /* ExecRequest JSON */
	struct str traceparent; /* header value, or empty */
	const int *fds;         /* three, for EXEC_FDS: owned on success */
	bool tty;
};
/*
 * Begins. On error nothing was started and err says why, with a status in
 * ret_status.
 */
int command_start(const struct command_start *o, struct command **ret,
		  unsigned int *ret_status, struct buf *err);
/* Goes on after command_start or when the tracer is ready. */
void command_proceed(struct command *c);
/* The approval was decided. */
void command_approved(struct command *c, bool approved, bool timed_out);
/* Our own reason to end it: worker died, session ended. Frees c. */
void command_abort(struct command *c, const char *why);
/* Messages of the tracer about this command. */
void command_spawned(struct command *c, const struct proto_spawned *m);
/* It has started, or never will: another one may. */
void command_started(struct command *c);
void command_exited(struct command *c, const struct proto_exited *m);
/*
 * SIGKILL goes to the whole tree, others to its process group; one that is being
 * started gets it as soon as it runs. 0 or -errno (-ESRCH: it does not run).
 */
int command_signal(struct command *c, int signo);
/* Called for each event that carries this command's id; c may be NULL. */
void command_collect(struct command *c, const struct event *e, struct str json);
/* True for a valid client-chosen id: "cmd-" and a UUID. */
bool command_id_valid(struct str id);

/* ---- between the files of exec ---- */

/* Ends the command: records, answers, frees. */
void command_finish(struct command *c);
void command_set_error(struct command *c, int exit_code, const char *code,
		       const char *message);
/* exec_run.c: hands it to the tracer. */
void command_run(struct command *c);
void output_done(struct command_output *o);
/* Captures bytes and passes them on to a streaming client. */
void command_output_add(struct command_output *o, struct str data);
/* Nothing more is taken from the command. */
void command_output_close(struct command_output *o);
/* Ends a command that has exited and whose output is all delivered. */
void command_maybe_finish(struct command *c);
/* exec_redact.c: True when output has to go through redact_feed(). */
bool redact_wanted(const struct command *c);
/*
 * From now on redact_feed() takes the bytes; what comes out goes to the
 * client's descriptor (borrowed), or with -1 to command_output_add(). On
 * failure redact_free() cleans up. 0 or -errno.
 */
int redact_open(struct command_output *o, int client_fd);
void redact_feed(struct command_output *o, struct str bytes);
/* The output has ended: what was kept back comes out. */
void redact_end(struct command_output *o);
/* The client has not taken all of it yet. */
bool redact_pending(const struct command_output *o);
void redact_free(struct command_output *o);
/*
 * exec_redact_tty.c: c->pty stands between the command and the terminal
 * c->fds[0] from now on. On failure redact_tty_free() cleans up. 0 or -errno.
 */
int redact_tty_open(struct command *c);
void redact_tty_free(struct command *c);
/* The client's terminal may have another size now. */
void redact_tty_size(struct command *c);
/* An event that tells what was redacted, if anything was. */
void redact_record(struct command *c);
/* exec_env.c: "NAME=value" strings in the arena; -E2BIG: err says which. */
int exec_build_env(struct command *c, const struct str **ret, size_t *ret_n,
		   struct buf *err);
/* exec_result.c */
void exec_response(struct command *c, struct buf *out);
void exec_answer(struct command *c);
/* Bytes of output for a streaming client. */
void exec_stream_output(struct command *c, struct command_output *o,
			struct str data);
/* guidance.c: writes key and object if there is something to say. */
void guidance_to_json(const struct command *c, struct json_writer *w);
void suggestions_to_json(const struct command *c, struct json_writer *w);
/* builtin.c: true if it was one and has been run. */
bool builtin_run(struct command *c);
/* pty.c */
void pty_output(struct command *c, struct str data);
void pty_answer(struct command *c);
int pty_start(struct session *s, struct http_conn *conn,
	      const struct http_request *rq);

#endif
