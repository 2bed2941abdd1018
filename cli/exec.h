/* SPDX-License-Identifier: MIT */
/*
 * exec.h - the parts of `agentsh exec`
 *
 *	exec_args     what was asked: session, command, request
 *	exec_local    descriptors or a terminal handed to a local server
 *	exec_remote   captured output, SSE and websocket for the others
 *	exec_render   what is printed, and the exit status
 *	cmd_exec      the sequence, with auto-start and auto-create
 */
#ifndef CLI_EXEC_H
#define CLI_EXEC_H

#include <stdbool.h>

#include "base/json.h"
#include "cli/client.h"

struct exec_call {
	struct client client;
	const char *session; /* borrowed */
	char *const *argv;   /* borrowed; NULL when --json gave the request */
	int argc;
	struct buf body;       /* ExecRequest */
	struct buf stdin_data; /* "stdin" of --json; handed over as a file */
	bool has_stdin;
	char command_id[48]; /* chosen here, so that signals can name it */
	/* flags */
	const char *timeout, *argv0, *events, *root, *project_root,
		*session_file, *json, *cwd;
	bool output_json, stream, pty, no_detect_root, real_paths,
		real_paths_given, quiet;
};

void exec_call_done(struct exec_call *x);

/* The words of an exec; all borrowed. */
struct exec_words {
	char *const *args; /* positionals: the parser's "--" is gone */
	int n;
	int dash;                /* where it stood among them, or -1 */
	const char *env_session; /* $AGENTSH_SESSION_ID or "" */
	/* the answer */
	const char *session;
	int first; /* index of the command's first word */
};

/*
 * Which words are the session and the command (interface reference 1.4). The
 * word before the dash is the session, whatever the environment says.
 * Return: 0, or -EINVAL with a line in error.
 */
int exec_resolve(struct exec_words *w, struct buf *error);
/* All of it from the command line. Prints. Return: 0 or the exit status. */
int exec_call_init(struct exec_call *x, const struct cli *c);
/* The ExecRequest of x into x->body. Prints. Return: 0 or exit status. */
int exec_build_request(struct exec_call *x);

/* A fresh x->command_id. */
void exec_new_command_id(struct exec_call *x);

/* One attempt; what came back. */
struct exec_result {
	struct conn conn;
	int error; /* -errno of the exchange; 0 = an answer is in conn */
	bool done; /* everything is printed; status is the exit status */
	int status;
	bool streamed; /* the output went straight to our descriptors */
};

void exec_result_done(struct exec_result *r);

/*
 * x->body sent and answered, with auto-start and auto-create; what certainly
 * did not run is sent again, nothing else. Prints. Return: the exit status.
 */
int exec_run(struct exec_call *x, struct exec_result *r);

/* All of these take an open connection and fill r. */
void exec_local(struct exec_call *x, struct exec_result *r);
void exec_capture(struct exec_call *x, struct exec_result *r);
void exec_sse(struct exec_call *x, struct exec_result *r);
void exec_websocket(struct exec_call *x, struct exec_result *r);
/* POST .../signal/CMD for a command that runs; 0 or -errno. */
int exec_send_signal(const struct exec_call *x, int signo);
/* "SIGINT", ...; NULL for those that are never forwarded. */
const char *exec_signal_name(int signo);
/* Until when the answer must be there; 0 = as long as it takes. */
uint64_t exec_deadline(const struct exec_call *x);

/*
 * Prints an ExecResponse as asked. Return: the exit status.
 */
int exec_render(const struct exec_call *x, const struct json *response);
/* The lines on stderr after the output ("agentsh: ..."). */
void exec_guidance(const struct json *response, struct buf *out);
/* "agentsh: N files removed, ..." when the answer has a receipt. */
void exec_receipt(const struct json *response, struct buf *out);
/* result.exit_code as an exit status. */
int exec_status(const struct json *response);
/* True if v looks like an ExecResponse. */
bool exec_is_response(const struct json *v);

/*
 * Starts a server if none answers (interface reference 1.5).
 * Return: 0, or -1 with a line in error.
 */
int autostart(const struct client *cl, struct buf *error);

#endif
