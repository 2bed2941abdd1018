/* SPDX-License-Identifier: MIT */
/*
 * exec_args.c - exec: what was asked for
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/num.h"
#include "cli/exec.h"
#include "cli/output.h"

void exec_call_done(struct exec_call *x)
{
	buf_done(&x->body);
	buf_done(&x->stdin_data);
}

static bool same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* A second "--", which the parser left in place, separates as well. */
static int separator(char *const *args, int n, int dash)
{
	for (int i = 0; i < n && i < 2; i++)
		if (same(args[i], "--"))
			return i;
	return dash == 0 || dash == 1 ? dash : -1;
}

int exec_resolve(struct exec_words *w, struct buf *error)
{
	int sep = separator(w->args, w->n, w->dash);
	/* The parser's own "--" is gone from args, a literal one is not. */
	int width = sep >= 0 && sep < w->n && same(w->args[sep], "--");

	w->session = w->env_session;
	w->first = 0;
	if (sep == 1) {
		w->session = w->args[0];
		w->first = 1 + width;
	} else if (sep == 0) {
		w->first = width;
	} else if (w->env_session[0]) {
		w->first = w->n > 0 && same(w->args[0], w->env_session);
	} else if (w->n > 0) {
		w->session = w->args[0];
		w->first = 1;
	}
	if (w->session[0])
		return 0;
	buf_puts(error, "session id is required (provide as argument or set "
			"AGENTSH_SESSION_ID)");
	return -EINVAL;
}

static bool one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (same(word, words[i]))
			return true;
	return false;
}

static int read_modes(struct exec_call *x, const struct cli *c)
{
	static const char *const levels[] = { "all", "summary", "blocked",
					      "none" };
	const struct flag_set *f = &c->flags;
	const char *output = flag_text(f, "output");
	int64_t ns;

	if (!output[0])
		output = env_or("AGENTSH_OUTPUT", "shell");
	if (!same(output, "shell") && !same(output, "json"))
		return fail("invalid --output \"%s\" (expected shell|json)",
			    output);
	x->output_json = same(output, "json");
	x->events = flag_text(f, "events");
	if (!x->events[0])
		x->events = env_or("AGENTSH_EVENTS",
				   x->output_json ? "summary" : "none");
	if (!one_of(x->events, levels, ARRAY_LEN(levels)))
		return fail("invalid --events \"%s\" (expected "
			    "all|summary|blocked|none)",
			    x->events);
	x->stream = flag_bool(f, "stream");
	x->pty = flag_bool(f, "pty");
	if (x->pty && x->stream)
		return fail("--pty and --stream are mutually exclusive");
	if (x->pty && x->output_json)
		return fail("--pty requires --output shell");
	x->timeout = flag_text(f, "timeout");
	if (x->timeout[0] &&
	    (num_parse_duration(str_from(x->timeout), &ns) < 0 || ns < 0))
		return fail("invalid --timeout \"%s\" (expected a duration "
			    "such as 90s or 5m)",
			    x->timeout);
	return 0;
}

/* $PWD when it names the current directory, as Go's os.Getwd does. */
static const char *default_root(void)
{
	return env_or("AGENTSH_SESSION_ROOT", env_or("PWD", ""));
}

void exec_new_command_id(struct exec_call *x)
{
	char uuid[UUID_LEN + 1];

	uuid4(uuid);
	memcpy(x->command_id, "cmd-", 4);
	memcpy(x->command_id + 4, uuid, sizeof(uuid));
}

int exec_call_init(struct exec_call *x, const struct cli *c)
{
	const struct flag_set *f = &c->flags;
	_cleanup_buf_ struct buf error = BUF_INIT;
	struct exec_words words = { .args = c->args,
				    .n = c->n_args,
				    .dash = c->dash,
				    .env_session =
					    env_or("AGENTSH_SESSION_ID", "") };
	int status;

	*x = (struct exec_call){
		.json = flag_text(f, "json"),
		.argv0 = flag_text(f, "argv0"),
		.root = flag_text(f, "root"),
		.project_root = flag_text(f, "project-root"),
		.session_file = flag_text(f, "session-file"),
		.cwd = flag_text(f, "cwd"),
		.quiet = flag_bool(f, "quiet"),
		.no_detect_root = flag_bool(f, "no-detect-root"),
		.real_paths = flag_bool(f, "real-paths"),
		.real_paths_given = flag_given(f, "real-paths")
	};
	if (!x->root[0])
		x->root = default_root();
	status = read_modes(x, c);
	if (status)
		return status;
	if (exec_resolve(&words, &error) < 0)
		return fail("%s", buf_cstr(&error));
	x->session = words.session;
	if (!x->json[0]) {
		x->argv = c->args + words.first;
		x->argc = c->n_args - words.first;
		if (x->argc == 0 || x->argv[0][0] == '\0') {
			(void)fail("command is required");
			hint("usage: agentsh exec [flags] [SESSION] -- "
			     "COMMAND [ARG...]");
			return 1;
		}
	}
	exec_new_command_id(x);
	return client_init(&x->client, c);
}

/* --json: the user's members, with what flags say on top. */
static int request_from_json(struct exec_call *x, struct json_writer *w)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(64U << 20);
	struct json *v = NULL;
	const struct json *in;

	if (json_parse(&a, str_from(x->json), &v) < 0)
		return fail("invalid --json: not a JSON document");
	if (v->type != JSON_OBJECT)
		return fail("invalid --json: expected an object with "
			    "\"command\"");
	if (json_get_str(v, "command").n == 0)
		return fail("command is required");
	in = json_get(v, "stdin");
	if (in && in->type == JSON_STRING) {
		buf_put_str(&x->stdin_data, in->text);
		x->has_stdin = true;
	}
	json_begin_object(w);
	json_foreach(it, v)
	{
		bool ours =
			(x->timeout[0] && str_eq(it->key, STR("timeout"))) ||
			(x->argv0[0] && str_eq(it->key, STR("argv0")));

		if (ours)
			continue;
		json_key_str(w, it->key);
		json_copy(w, it);
	}
	json_kv_str_opt(w, "argv0", str_from(x->argv0));
	json_kv_str_opt(w, "timeout", str_from(x->timeout));
	if (!json_get(v, "include_events"))
		json_kv_cstr(w, "include_events", x->events);
	json_end_object(w);
	return 0;
}

/* JSON would turn other bytes into U+FFFD and name another file. */
static int check_utf8(const struct exec_call *x)
{
	for (int i = 0; i < x->argc; i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		if (str_is_utf8(str_from(x->argv[i])))
			continue;
		buf_put_escaped(&b, str_from(x->argv[i]));
		return fail("word %d of the command is not UTF-8 and cannot "
			    "be sent: %s (a shell inside can make it: "
			    "sh -c 'cmd \"$(printf ...)\"')",
			    i + 1, buf_cstr(&b));
	}
	return 0;
}

/*
 * Some bash, Debian's among them, takes a socket on standard input for rshd's
 * and reads ~/.bashrc before `bash -c`, unless it is told that it is not the
 * first shell. Node gives its children sockets.
 */
static void put_shell_level(struct json_writer *w)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	json_key(w, "env");
	json_begin_object(w);
	json_kv_cstr(w, "SHLVL", "1");
	json_end_object(w);
}

int exec_build_request(struct exec_call *x)
{
	struct json_writer w;
	int status = check_utf8(x);

	if (status)
		return status;
	json_writer_init(&w, &x->body, 0);
	if (x->json[0]) {
		status = request_from_json(x, &w);
		if (status)
			return status;
	} else {
		json_begin_object(&w);
		json_kv_cstr(&w, "command", x->argv[0]);
		json_kv_str_opt(&w, "argv0", str_from(x->argv0));
		if (x->argc > 1) {
			json_key(&w, "args");
			json_begin_array(&w);
			for (int i = 1; i < x->argc; i++)
				json_cstr(&w, x->argv[i]);
			json_end_array(&w);
		}
		json_kv_str_opt(&w, "timeout", str_from(x->timeout));
		json_kv_str_opt(&w, "working_dir", str_from(x->cwd));
		put_shell_level(&w);
		if (x->stream)
			json_kv_bool(&w, "stream_output", true);
		json_kv_cstr(&w, "include_events", x->events);
		json_end_object(&w);
	}
	return x->body.error ? fail_errno(x->body.error, "request") : 0;
}
