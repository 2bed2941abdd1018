/* SPDX-License-Identifier: MIT */
/*
 * history.c - every event of one session, from the server or the database
 *
 * Read in pages: each is parsed by itself, so that the caps of the JSON reader
 * bound a page and not the session.
 */
#include "cli/history.h"

#include <errno.h>

#include "audit/store.h"
#include "base/progress.h"
#include "cli/bar.h"
#include "cli/client.h"
#include "cli/output.h"

/* The most one request may ask for (interface reference 2.8). */
#define PAGE 5000

/* All pages as one array. */
struct pages {
	struct arena *a; /* borrowed: holds the trees */
	struct json *all;
	struct json *last; /* event; NULL before the first */
};

static int pages_init(struct pages *p, struct arena *a)
{
	*p = (struct pages){ .a = a };
	p->all = arena_alloc(a, sizeof(*p->all));
	if (!p->all)
		return -ENOMEM;
	p->all->type = JSON_ARRAY;
	return 0;
}

/* text: a JSON array. Return: the events in it, or -errno. */
static int pages_add(struct pages *p, struct str text)
{
	struct json *list = NULL;
	int r = json_parse(p->a, str_trim(text), &list);

	if (r < 0)
		return r;
	if (list->type != JSON_ARRAY)
		return list->type == JSON_NULL ? 0 : -EBADMSG;
	for (struct json *e = list->child; e; e = e->next) {
		if (p->last)
			p->last->next = e;
		else
			p->all->child = e;
		p->last = e;
	}
	p->all->n += list->n;
	progress_tell(p->all->n, 0);
	return (int)list->n;
}

/* One page from the server. Prints. Return: events in it, or -1. */
static int fetch(const struct client *cl, struct str id, unsigned int page,
		 struct pages *p)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT;
	int n;

	buf_puts(&target, "/api/v1/events/search?session_id=");
	url_escape(&target, id);
	buf_printf(&target, "&order=asc&limit=%d&offset=%u", PAGE, page * PAGE);
	if (client_do(cl, "GET", buf_cstr(&target), STR_NONE, &answer))
		return -1;
	n = pages_add(p, buf_str(&answer.body));
	if (n < 0) {
		(void)fail_errno(n, "GET %s: cannot read the answer",
				 buf_cstr(&target));
		return -1;
	}
	return n;
}

static int from_server(const struct cli *c, struct pages *p, struct buf *id)
{
	struct client cl;
	int n = PAGE;
	int status = client_init(&cl, c);

	if (status == 0)
		status = client_session(&cl, c->args[0], id);
	for (unsigned int page = 0; status == 0 && n == PAGE; page++) {
		n = fetch(&cl, buf_str(id), page, p);
		status = n < 0;
	}
	return status;
}

/* Rows of one page as an array. */
struct rows {
	struct json_writer w;
	uint64_t n; /* with those of the pages before */
};

static int add_row(void *arg, struct str payload)
{
	struct rows *rows = arg;

	json_raw(&rows->w, payload);
	progress_tell(rows->n++, 0);
	return 0;
}

/* The session of the newest session_created event. */
static int note_session(void *arg, struct str payload)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	struct json *v = NULL;

	if (json_parse(&a, payload, &v) == 0)
		buf_put_str(arg, json_get_str(v, "session_id"));
	return 1;
}

static void find_session(struct audit_store *store, const char *word,
			 struct buf *id)
{
	struct str created = STR("session_created");
	struct audit_filter newest = { .types = &created,
				       .n_types = 1,
				       .limit = 1 };

	if (strcmp(word, "latest") == 0)
		(void)audit_query(store, &newest, note_session, id);
	else
		buf_puts(id, word);
}

static int read_store(struct audit_store *store, struct str id, struct pages *p)
{
	struct audit_filter f = { .session_id = id,
				  .limit = PAGE,
				  .ascending = true };
	int n = PAGE;

	for (; n == PAGE; f.offset += PAGE) {
		_cleanup_buf_ struct buf text = BUF_INIT;
		struct rows rows = { .n = p->all->n };
		int r;

		json_writer_init(&rows.w, &text, 0);
		json_begin_array(&rows.w);
		r = audit_query(store, &f, add_row, &rows);
		json_end_array(&rows.w);
		if (r < 0)
			return r;
		n = pages_add(p, buf_str(&text));
	}
	return n < 0 ? n : 0;
}

static int from_db(const struct cli *c, struct pages *p, struct buf *id)
{
	const char *path = flag_text(&c->flags, "db-path");
	struct audit_options o = { .read_only = true };
	struct audit_store *store = NULL;
	int r;

	o.sqlite_path = path[0] ? path
				: env_or("AGENTSH_DB_PATH", "./data/events.db");
	r = audit_open(&o, &store);
	if (r < 0)
		return fail_errno(r, "open database %s", o.sqlite_path);
	find_session(store, c->args[0], id);
	r = id->len ? read_store(store, buf_str(id), p) : 0;
	(void)audit_close(store);
	if (id->len == 0)
		return fail("no sessions found");
	return r < 0 ? fail_errno(r, "query %s", o.sqlite_path) : 0;
}

int history_load(const struct cli *c, struct arena *a, struct buf *ret_id,
		 struct json **ret_events)
{
	struct pages p;
	int status;

	if (pages_init(&p, a) < 0)
		return fail("out of memory");
	bar_begin(c, "reading", "events", BAR_COUNT);
	status = flag_bool(&c->flags, "direct-db") ? from_db(c, &p, ret_id)
						   : from_server(c, &p, ret_id);
	bar_end();
	if (status)
		return status;
	if (p.all->n == 0) {
		(void)fail("session %s has no events", buf_cstr(ret_id));
		hint("agentsh session list names those there are; latest is "
		     "the newest");
		return 1;
	}
	*ret_events = p.all;
	return 0;
}
