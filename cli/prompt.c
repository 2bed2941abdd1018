/* SPDX-License-Identifier: MIT */
/*
 * prompt.c - approvals asked at the terminal of whoever waits for a command
 *
 * The server is asked now and then what waits in this session. It answers 404
 * where approvals are off or are not to be asked here, and 403 to a caller who
 * may not answer; both end the looking. While a question is open nothing of
 * the command is shown, so it cannot write over it.
 */
#include "cli/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"

#define FIRST_LOOK_NS (150 * UINT64_C(1000000))
#define LOOK_NS       (250 * UINT64_C(1000000))
#define TICK_MS       500
#define ANSWER_MAX    64

void prompt_init(struct prompt *p, const struct client *client,
		 const char *session, const char *command)
{
	*p = (struct prompt){ .client = client,
			      .session = session,
			      .command = command,
			      .tty = -1 };
	p->tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p->tty >= 0 && !tty_is_ours(p->tty)) {
		(void)close(p->tty);
		p->tty = -1;
	}
	if (p->tty >= 0)
		p->next_look = clock_monotonic_ns() + FIRST_LOOK_NS;
}

void prompt_done(struct prompt *p)
{
	if (p->tty >= 0)
		(void)close(p->tty);
	p->tty = -1;
	p->next_look = 0;
}

int prompt_wait_ms(const struct prompt *p)
{
	uint64_t now = clock_monotonic_ns();

	if (p->next_look == 0)
		return -1;
	return p->next_look <= now ? 0
				   : (int)((p->next_look - now) / 1000000 + 1);
}

static bool is_known(const struct prompt *p, struct str id)
{
	for (unsigned int i = 0; i < MIN(p->n_known, PROMPT_MAX_KNOWN); i++)
		if (str_eq_c(id, p->known[i]))
			return true;
	return false;
}

static void remember(struct prompt *p, struct str id)
{
	char *slot = p->known[p->n_known++ % PROMPT_MAX_KNOWN];

	(void)snprintf(slot, sizeof(p->known[0]), STR_FMT, STR_ARG(id));
}

static void approval_path(struct buf *out, struct str id)
{
	buf_puts(out, "/api/v1/approvals/");
	url_escape(out, id);
}

/* Answered elsewhere, or its time is over. */
static bool is_gone(const struct prompt *p, struct str id)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT;
	struct conn_request rq = { .method = "GET" };

	approval_path(&target, id);
	rq.target = buf_cstr(&target);
	return client_call(p->client, &rq, &answer) < 0 || answer.status != 200;
}

static void resolve(const struct prompt *p, struct str id, bool allow)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT, body = BUF_INIT;
	struct conn_request rq = { .method = "POST" };

	approval_path(&target, id);
	buf_printf(&body,
		   "{\"decision\":\"%s\",\"reason\":\"at the terminal\"}",
		   allow ? "approve" : "deny");
	rq.target = buf_cstr(&target);
	rq.body = buf_str(&body);
	if (client_call(p->client, &rq, &answer) < 0 || answer.status != 200)
		(void)dprintf(p->tty, "agentsh: too late, it was decided "
				      "already\n");
}

/* One line; false when there will be none. */
static bool read_line(const struct prompt *p, struct str id,
		      char line[ANSWER_MAX])
{
	struct pollfd fd = { .fd = p->tty, .events = POLLIN };
	ssize_t n;

	while (poll(&fd, 1, TICK_MS) <= 0)
		if (is_gone(p, id)) {
			(void)dprintf(p->tty, "\nagentsh: no answer in time: "
					      "denied\n");
			return false;
		}
	n = read(p->tty, line, ANSWER_MAX - 1);
	line[MAX(n, (ssize_t)0)] = 0;
	return n > 0;
}

static unsigned int new_code(void)
{
	unsigned int v = 0;

	if (getrandom(&v, sizeof(v), 0) != (ssize_t)sizeof(v))
		return 0;
	return 1000 + v % 9000;
}

static void put_field(struct buf *b, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	buf_printf(b, "  %s: ", name);
	buf_put_name(b, value);
	buf_putc(b, '\n');
}

/* In cooked mode, with what was typed before thrown away. */
static void ask(struct prompt *p, const struct json *it)
{
	struct str id = json_get_str(it, "id");
	unsigned int code = new_code();
	_cleanup_buf_ struct buf text = BUF_INIT;
	char line[ANSWER_MAX] = { 0 }, want[16];

	buf_puts(&text, "\nagentsh: approval needed\n");
	put_field(&text, "what", json_get_str(it, "kind"));
	put_field(&text, "target", json_get_str(it, "target"));
	put_field(&text, "rule", json_get_str(it, "rule"));
	put_field(&text, "message", json_get_str(it, "message"));
	buf_printf(&text, "Type %u to allow it, anything else denies: ", code);
	(void)tcflush(p->tty, TCIFLUSH);
	if (text.error || fd_write_full(p->tty, text.data, text.len) < 0 ||
	    code == 0)
		return; /* denied when its time is over */
	if (!read_line(p, id, line))
		return;
	(void)snprintf(want, sizeof(want), "%u", code);
	resolve(p, id, str_eq_c(str_trim(str_from(line)), want));
}

static void ask_all(struct prompt *p, const struct json *list,
		    struct tty_raw *raw)
{
	bool was_raw = raw->active;

	json_foreach(it, list)
	{
		struct str id = json_get_str(it, "id");
		struct str of = json_get_str(it, "command_id");

		if (id.n == 0 || is_known(p, id) ||
		    (of.n && !str_eq_c(of, p->command)))
			continue;
		remember(p, id);
		tty_raw_leave(raw);
		ask(p, it);
	}
	if (was_raw && !raw->active)
		(void)tty_raw_enter(raw, raw->fd);
}

void prompt_look(struct prompt *p, struct tty_raw *raw)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT;
	struct conn_request rq = { .method = "GET" };
	struct json *list;

	if (p->next_look == 0 || clock_monotonic_ns() < p->next_look)
		return;
	buf_puts(&target, "/api/v1/approvals?mode=local_tty&session_id=");
	url_escape(&target, str_from(p->session));
	rq.target = buf_cstr(&target);
	if (client_call(p->client, &rq, &answer) < 0 || answer.status != 200 ||
	    json_parse(&a, buf_str(&answer.body), &list) < 0) {
		p->next_look = 0;
		return;
	}
	ask_all(p, list, raw);
	p->next_look = clock_monotonic_ns() + LOOK_NS;
}
