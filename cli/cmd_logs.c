/* SPDX-License-Identifier: MIT */
/*
 * cmd_logs.c - session logs: events of a kind, or the LLM requests
 */
#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/vec.h"
#include "cli/client.h"
#include "cli/output.h"

#define LLM_LOG_MAX (64U << 20)

struct llm_lines {
	const struct json **data;
	size_t n, size;
};

/* Which events belong to which word of --type. */
static bool of_kind(struct str type, const char *kind)
{
	static const struct {
		const char *kind, *prefix;
	} table[] = {
		{ "fs", "file_" },        { "fs", "dir_" },
		{ "fs", "symlink_" },     { "fs", "ptrace_file" },
		{ "net", "net_" },        { "net", "dns_" },
		{ "net", "connect_" },    { "net", "ptrace_network" },
		{ "net", "unix_socket" }, { "exec", "command_" },
		{ "exec", "execve" },     { "exec", "ptrace_execve" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].kind, kind) == 0 &&
		    str_starts(type, str_from(table[i].prefix)))
			return true;
	return kind[0] == '\0';
}

static int print_events(const struct cli *c, const char *kind)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT, b = BUF_INIT;
	_cleanup_arena_ struct arena a = ARENA_INIT(256U << 20);
	struct json *list = NULL;
	struct json_writer w;
	struct client cl;
	int status = client_init(&cl, c);

	if (status)
		return status;
	client_session_path(&target, c->args[0], "/history?limit=5000");
	status = client_do(&cl, "GET", buf_cstr(&target), STR_NONE, &answer);
	if (status)
		return status;
	if (json_parse(&a, buf_str(&answer.body), &list) < 0)
		return fail("GET %s: the answer is not JSON",
			    buf_cstr(&target));
	json_writer_init(&w, &b, 2);
	json_begin_array(&w);
	json_foreach(it, list)
	{
		if (of_kind(json_get_str(it, "type"), kind))
			json_copy(&w, it);
	}
	json_end_array(&w);
	buf_putc(&b, '\n');
	return out_buf(&b);
}

/* "1.2s" */
static void put_seconds(struct buf *b, int64_t ms)
{
	_cleanup_buf_ struct buf s = BUF_INIT;

	buf_printf(&s, "%lld.%llds", (long long)ms / 1000,
		   (long long)ms % 1000 / 100);
	buf_printf(b, "%6s", buf_cstr(&s));
}

/* The end of s in at most n bytes, marked when cut. */
static void put_tail(struct buf *b, struct str s, size_t n)
{
	_cleanup_buf_ struct buf t = BUF_INIT;

	if (s.n > n) {
		buf_puts(&t, "...");
		s = str_skip(s, s.n - (n - 3));
	}
	buf_put_str(&t, s);
	buf_printf(b, "%-25s", buf_cstr(&t));
}

static int64_t count_redactions(const struct json *request)
{
	const struct json *dlp = json_get(request, "dlp");
	int64_t n = 0;

	json_foreach(it, json_get(dlp, "redactions"))
	{
		n += json_get_i64(it, "count", 0);
	}
	return n;
}

/* rq: the line of a request; answer: how it ended, or NULL. */
static void put_request(struct buf *b, const struct json *rq,
			const struct json *answer)
{
	struct str when = json_get_str(rq, "timestamp");
	const struct json *usage = json_get(answer, "usage");
	const struct json *response = json_get(answer, "response");
	ptrdiff_t t = str_index(when, 'T');
	struct str kind = json_get_str(rq, "dialect");
	int64_t redactions = count_redactions(rq);

	if (!kind.n)
		kind = json_get_str(rq, "service_name");
	buf_printf(
		b, "%-12.*s  %.8s  %-10.*s  ", STR_ARG(json_get_str(rq, "id")),
		t >= 0 && when.n - (size_t)t > 8 ? when.p + t + 1 : "--:--:--",
		STR_ARG(kind));
	put_tail(b, json_get_str(json_get(rq, "request"), "path"), 25);
	buf_printf(b, "  %lld  ",
		   (long long)json_get_i64(response, "status", 0));
	put_seconds(b, json_get_i64(answer, "duration_ms", 0));
	buf_printf(b, "  %lld\xe2\x86\x92%lld tokens",
		   (long long)json_get_i64(usage, "input_tokens", 0),
		   (long long)json_get_i64(usage, "output_tokens", 0));
	if (redactions)
		buf_printf(b, "  [%lld redactions]", (long long)redactions);
	buf_putc(b, '\n');
}

/* The answer to the request at index i: not far behind it. */
static const struct json *find_answer(const struct llm_lines *l, size_t i)
{
	struct str id = json_get_str(l->data[i], "id");

	for (i++; i < l->n; i++)
		if (str_eq(json_get_str(l->data[i], "request_id"), id))
			return l->data[i];
	return NULL;
}

static int put_llm(struct str text, struct buf *b)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 30);
	struct llm_lines lines = { 0 };
	struct str line;
	int r = 0;

	while (r == 0 && str_split(&text, '\n', &line)) {
		struct json *v = NULL;

		if (line.n && json_parse(&a, line, &v) == 0)
			r = vec_push(&lines, v);
	}
	for (size_t i = 0; i < lines.n; i++)
		if (json_get(lines.data[i], "request"))
			put_request(b, lines.data[i], find_answer(&lines, i));
	vec_done(&lines);
	return r;
}

static int print_llm(const char *session)
{
	const char *dir =
		env_or("AGENTSH_SESSIONS_DIR", "/var/lib/agentsh/sessions");
	_cleanup_buf_ struct buf path = BUF_INIT, text = BUF_INIT;
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r;

	if (strchr(session, '/'))
		return fail("invalid session id \"%s\"", session);
	buf_printf(&path, "%s/%s/llm-requests.jsonl", dir, session);
	r = fd_read_file(AT_FDCWD, buf_cstr(&path), LLM_LOG_MAX, &text);
	if (r < 0 && r != -ENOENT)
		return fail_errno(r, "read %s", buf_cstr(&path));
	r = put_llm(buf_str(&text), &b);
	if (r < 0)
		return fail_errno(r, "read %s", buf_cstr(&path));
	if (b.len == 0)
		return out_line("No LLM requests logged for this session");
	return out_buf(&b);
}

int cmd_session_logs(struct cli *c)
{
	static const char *const kinds[] = { "", "llm", "fs", "net", "exec" };
	const char *kind = flag_text(&c->flags, "type");

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kind, kinds[i]) != 0)
			continue;
		return i == 1 ? print_llm(c->args[0]) : print_events(c, kind);
	}
	return fail("invalid --type \"%s\" (expected llm|fs|net|exec)", kind);
}
