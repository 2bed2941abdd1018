/* SPDX-License-Identifier: MIT */
/*
 * cmd_trash.c - trash list, restore, purge, history, show
 *
 * Local: no server is needed to get a file back.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/sendfile.h>

#include "base/clock.h"
#include "base/num.h"
#include "cli/bar.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/store.h"
#include "trash/restore.h"

struct listing {
	struct trash *store; /* borrowed while it is listed */
	struct buf b;
	struct json_writer w;
	bool json;
	bool any; /* the store holds something, whatever the filter */
};

/* One line of the list, for a root of a group or a single entry. */
struct line {
	struct trash_token token;
	struct str path, command;
	uint64_t n, bytes;
	int64_t when_ns;
};

static void line_json(struct listing *l, const struct line *e,
		      const char *token)
{
	_cleanup_buf_ struct buf when = BUF_INIT;

	clock_format_rfc3339(&when, e->when_ns);
	json_begin_object(&l->w);
	json_kv_cstr(&l->w, "token", token);
	json_kv_str(&l->w, "original_path", e->path);
	json_kv_i64(&l->w, "size", (int64_t)e->bytes);
	json_kv_i64(&l->w, "entries", (int64_t)e->n);
	json_kv_str(&l->w, "created", buf_str(&when));
	json_kv_str_opt(&l->w, "command", e->command);
	json_end_object(&l->w);
}

static void list_line(struct listing *l, const struct line *e)
{
	char token[TRASH_TOKEN_LEN + 1];

	trash_token_format(e->token, token);
	if (l->json) {
		line_json(l, e, token);
		return;
	}
	buf_printf(&l->b, "%s\t", token);
	buf_put_name(&l->b, e->path);
	buf_printf(&l->b, "\t%" PRIu64 " bytes\t", e->bytes);
	store_put_age(&l->b, e->when_ns);
	buf_puts(&l->b, " ago");
	if (e->n > 1)
		buf_printf(&l->b, "\t(%" PRIu64 " files)", e->n);
	buf_putc(&l->b, '\n');
}

static int list_group(void *arg, const struct trash_group_info *g)
{
	struct listing *l = arg;

	for (size_t i = 0; i < g->n_roots; i++) {
		const struct trash_root *r = &g->roots[i];

		list_line(l, &(struct line){ .token = r->token,
					     .path = r->path,
					     .command = g->command,
					     .n = r->n,
					     .bytes = r->size,
					     .when_ns = r->when_ns });
	}
	return 0;
}

static int list_entry(void *arg, const struct trash_entry *e)
{
	list_line(arg, &(struct line){ .token = e->token,
				       .path = e->path,
				       .command = e->command,
				       .n = 1,
				       .bytes = e->size,
				       .when_ns = e->when_ns });
	return 0;
}

static int note_entry(void *arg, const struct trash_entry *e)
{
	(void)e;
	*(bool *)arg = true;
	return 1;
}

static int note_group(void *arg, const struct trash_group_info *g)
{
	*(bool *)arg = g->n_roots > 0;
	return g->n_roots > 0;
}

/* Whether anything is kept, whoever did it. */
static bool is_empty(struct trash *t)
{
	bool any = false;

	(void)trash_list_groups(t, NULL, note_group, &any);
	if (!any)
		(void)trash_list_legacy(t, NULL, note_entry, &any);
	return !any;
}

static int list_store(const struct cli *c, struct listing *l)
{
	_cleanup_trash_ struct trash *t = NULL;
	struct trash_filter f = { .session = str_from(
					  flag_text(&c->flags, "session")) };
	int r = store_open(c, true, &t);

	if (r)
		return r;
	l->store = t;
	bar_begin(c, "listing", "records", BAR_COUNT);
	if (flag_bool(&c->flags, "all")) {
		r = trash_list_entries(t, &f, list_entry, l);
	} else {
		r = trash_list_groups(t, &f, list_group, l);
		/* those that the Go program wrote belong to no group */
		if (r == 0)
			r = trash_list_legacy(t, &f, list_entry, l);
	}
	bar_end();
	if (r == 0 && l->b.len == 0)
		l->any = !is_empty(t);
	return r < 0 ? fail_errno(r, "list trash") : 0;
}

int cmd_trash_list(struct cli *c)
{
	struct listing l = { .json = flag_bool(&c->flags, "json") };
	int status;

	json_writer_init(&l.w, &l.b, 2);
	if (l.json)
		json_begin_array(&l.w);
	status = list_store(c, &l);
	if (status == -ENOENT)
		status = 0;
	if (l.json) {
		json_end_array(&l.w);
		buf_putc(&l.b, '\n');
	} else if (!l.any && l.b.len == 0 && status == 0) {
		buf_puts(&l.b, "trash empty\n");
	}
	if (status == 0)
		status = out_buf(&l.b);
	buf_done(&l.b);
	return status;
}

struct restoring {
	bool quiet; /* one line in the end, not one per file */
	unsigned int lines;
	char first[4096];
};

static int restore_item(void *arg, const struct restore_item *item)
{
	struct restoring *r = arg;

	switch (item->status) {
	case RESTORE_DONE:
		if (r->lines++ == 0)
			(void)snprintf(r->first, sizeof(r->first), STR_FMT,
				       STR_ARG(item->path));
		break;
	case RESTORE_CONFLICT:
		(void)fail("destination exists: " STR_FMT
			   " (use force=true to overwrite)",
			   STR_ARG(item->path));
		break;
	case RESTORE_HASH_MISMATCH:
		(void)fail("hash mismatch on restore: expected " STR_FMT
			   " got " STR_FMT,
			   STR_ARG(item->expected), STR_ARG(item->computed));
		break;
	case RESTORE_GONE:
		(void)fail(STR_FMT ": restored or purged before",
			   STR_ARG(item->path));
		break;
	case RESTORE_FAILED:
		(void)fail_errno(item->error, "restore " STR_FMT,
				 STR_ARG(item->path));
		break;
	}
	return 0;
}

struct version {
	struct trash_token token;
	struct str command; /* empty: the newest version */
};

static int note_version(void *arg, const struct trash_entry *e)
{
	struct version *v = arg;
	struct str id = e->command;

	if (!e->kept || trash_token_is_zero(e->token))
		return 0;
	if (!str_starts(id, v->command) && str_starts(id, STR("cmd-")))
		id = str_skip(id, 4);
	if (str_starts(id, v->command))
		v->token = e->token;
	return 0;
}

/* TOKEN; PATH: its newest kept version; PATH@TOKEN; PATH@COMMAND: the version
 * that this command destroyed. */
static int find_token(struct trash *t, const char *word,
		      struct trash_token *ret)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	_cleanup_free_ char *name = NULL;
	struct str s = str_from(word);
	ptrdiff_t at = str_rindex(s, '@');
	struct version v = { 0 };

	if (trash_token_parse(s, ret) == 0)
		return 0;
	client_absolute(word, &path);
	(void)trash_history(t, buf_str(&path), note_version, &v);
	if (trash_token_is_zero(v.token) && at > 0) {
		v.command = str_skip(s, (size_t)at + 1);
		if (trash_token_parse(v.command, ret) == 0)
			return 0;
		name = str_dup(str_from_n(word, (size_t)at));
		if (!name)
			return -ENOMEM;
		buf_reset(&path);
		client_absolute(name, &path);
		(void)trash_history(t, buf_str(&path), note_version, &v);
	}
	if (trash_token_is_zero(v.token))
		return -ENOENT;
	*ret = v.token;
	return 0;
}

static int unknown_token(const struct cli *c)
{
	(void)fail("open %s/manifest/%s.json: no such file or directory",
		   flag_text(&c->flags, "trash-path"), c->args[0]);
	hint("agentsh trash list names what is kept here, agentsh history PATH "
	     "what became of a path; --root names another workspace");
	return 1;
}

int cmd_trash_restore(struct cli *c)
{
	_cleanup_trash_ struct trash *t = NULL;
	struct restore_options o = {
		.dest = str_from(flag_text(&c->flags, "dest")),
		.force = flag_bool(&c->flags, "force"),
		.dry_run = flag_bool(&c->flags, "dry-run"),
		.command = STR("agentsh trash restore"),
	};
	struct restore_result result = { 0 };
	struct restoring r = { 0 };
	struct trash_token token;
	const char *verb = o.dry_run ? "would restore" : "restored";
	int status = store_open(c, o.dry_run, &t);

	if (status == -ENOENT ||
	    (status == 0 && find_token(t, c->args[0], &token) < 0))
		return unknown_token(c);
	if (status)
		return status;
	bar_begin(c, "restoring", "records", BAR_COUNT);
	status = trash_restore(t, token, &o, restore_item, &r, &result);
	bar_end();
	if (status == -ENOENT)
		return unknown_token(c);
	if (status < 0)
		return fail_errno(status, "restore %s", c->args[0]);
	if (result.done == 1)
		(void)out_line("%s to %s", verb, r.first);
	else if (result.done > 1)
		(void)out_line("%s %" PRIu64 " entries, the first to %s", verb,
			       result.done, r.first);
	return result.conflicts || result.failed || !result.done;
}

int cmd_trash_purge(struct cli *c)
{
	struct purge_options o = PURGE_OPTIONS_INIT;
	const char *ttl = flag_text(&c->flags, "ttl");
	const char *quota = flag_text(&c->flags, "quota");
	_cleanup_trash_ struct trash *t = NULL;
	struct purge_result result = { 0 };
	int status;

	o.session = str_from(flag_text(&c->flags, "session"));
	o.all = flag_bool(&c->flags, "all");
	o.dry_run = flag_bool(&c->flags, "dry-run");
	if (ttl[0] && num_parse_duration(str_from(ttl), &o.ttl_ns) < 0)
		return fail("parse ttl: \"%s\" is not a duration such as 7d "
			    "or 12h",
			    ttl);
	if (quota[0] && num_parse_size(str_from(quota), &o.quota) < 0)
		return fail("parse quota: \"%s\" is not a size such as 500MB",
			    quota);
	status = store_open(c, o.dry_run, &t);
	if (status > 0)
		return status;
	if (status == 0) {
		bar_begin(c, "purging", "records", BAR_COUNT);
		status = trash_purge(t, &o, &result);
		bar_end();
		if (status < 0)
			return fail_errno(status, "purge");
	}
	return out_line("%s %" PRIu64 " %s",
			o.dry_run ? "would remove" : "removed", result.entries,
			result.entries == 1 ? "entry" : "entries");
}

struct life {
	struct buf b;
	struct json_writer w;
	bool json;
};

static void history_json(struct json_writer *w, const struct trash_entry *e,
			 const char *token)
{
	_cleanup_buf_ struct buf when = BUF_INIT;
	const char *verb = trash_verb_to_string(e->verb);

	clock_format_rfc3339(&when, e->when_ns);
	json_begin_object(w);
	json_kv_str(w, "when", buf_str(&when));
	json_kv_cstr(w, "verb", verb ? verb : "?");
	json_kv_str(w, "path", e->path);
	json_kv_str_opt(w, "path2", e->path2);
	json_kv_str(w, "session", e->session);
	json_kv_str(w, "command", e->command);
	json_kv_i64(w, "size", (int64_t)e->size);
	json_kv_bool(w, "kept", e->kept);
	json_kv_cstr(w, "token", e->kept ? token : "");
	json_end_object(w);
}

static int history_line(void *arg, const struct trash_entry *e)
{
	struct life *l = arg;
	struct buf *b = &l->b;
	char token[TRASH_TOKEN_LEN + 1];
	const char *verb = trash_verb_to_string(e->verb);

	trash_token_format(e->token, token);
	if (l->json) {
		history_json(&l->w, e, token);
		return 0;
	}
	clock_format_rfc3339(b, e->when_ns);
	buf_printf(b, "\t%-9s\t", verb ? verb : "?");
	buf_put_escaped(b, e->path);
	if (e->path2.n) {
		buf_puts(b, " -> ");
		buf_put_escaped(b, e->path2);
	}
	buf_printf(b, "\t" STR_FMT "\t%s\n", STR_ARG(e->command),
		   e->kept ? token : "-");
	return 0;
}

int cmd_trash_history(struct cli *c)
{
	_cleanup_trash_ struct trash *t = NULL;
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct life l = { .json = flag_bool(&c->flags, "json") };
	int r = store_open(c, true, &t);

	if (r > 0)
		return r;
	client_absolute(c->args[0], &path);
	json_writer_init(&l.w, &l.b, 2);
	if (l.json)
		json_begin_array(&l.w);
	if (r == 0)
		r = trash_history(t, buf_str(&path), history_line, &l);
	if (l.json) {
		json_end_array(&l.w);
		buf_putc(&l.b, '\n');
	}
	if (r < 0 && r != -ENOENT)
		r = fail_errno(r, "history of %s", buf_cstr(&path));
	else
		r = l.b.len ? out_buf(&l.b)
			    : fail("%s: nothing recorded", buf_cstr(&path));
	buf_done(&l.b);
	return r;
}

/* sendfile(2) where it can, read and write where not. */
static int copy_out(int fd)
{
	char chunk[8192];

	while (!out_is_collecting()) {
		ssize_t n = sendfile(STDOUT_FILENO, fd, NULL, 1U << 30);

		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			break;
	}
	for (;;) {
		ssize_t n = fd_read_full(fd, chunk, sizeof(chunk));
		int r;

		if (n <= 0)
			return (int)n;
		r = out_write(STDOUT_FILENO, str_from_n(chunk, (size_t)n));
		if (r < 0)
			return r;
	}
}

int cmd_trash_show(struct cli *c)
{
	_cleanup_trash_ struct trash *t = NULL;
	_cleanup_close_ int fd = -1;
	struct trash_entry entry;
	struct trash_token token;
	int r = store_open(c, true, &t);

	if (r == -ENOENT || (r == 0 && find_token(t, c->args[0], &token) < 0))
		return unknown_token(c);
	if (r)
		return r;
	r = trash_open_content(t, token, &fd, &entry);
	if (r == 0)
		r = copy_out(fd);
	return r < 0 ? fail_errno(r, "%s", c->args[0]) : 0;
}
