/* SPDX-License-Identifier: MIT */
/*
 * report.c - a session's events as a Markdown report
 */
#include "cli/report.h"

#include "base/clock.h"
#include "cli/stats.h"
#include "cli/tally.h"

#define TOP 10

/* What is counted in one walk over the events. */
struct sums {
	uint64_t commands, failed, allowed, blocked, redirected, soft_deleted,
		approved, denied, sensitive, direct_ip, odd_port;
	uint64_t llm_requests, llm_failed, llm_input, llm_output, redacted,
		dlp_blocked;
	struct tally paths, hosts, programs, rules, providers;
	int64_t first_ns, last_ns;
	struct str policy;
	bool ended;
};

static void sums_done(struct sums *s)
{
	tally_done(&s->paths);
	tally_done(&s->hosts);
	tally_done(&s->programs);
	tally_done(&s->rules);
	tally_done(&s->providers);
}

static bool is_denied(const struct json *e)
{
	struct str d =
		json_get_str(json_get(e, "policy"), "effective_decision");

	return str_eq(d, STR("deny")) ||
	       str_eq(json_get_str(e, "effective_action"), STR("blocked")) ||
	       json_get_bool(json_get(e, "fields"), "blocked", false);
}

static bool is_sensitive(struct str path)
{
	static const char *const marks[] = {
		"/.ssh/",  "/.aws/",    "/.gnupg/", "/etc/shadow", "/etc/sudo",
		"/.kube/", "/.docker/", ".pem",     "id_rsa",      "credentials"
	};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (str_find(path, str_from(marks[i])) >= 0)
			return true;
	return false;
}

static bool is_address(struct str host)
{
	if (host.n == 0)
		return false;
	for (size_t i = 0; i < host.n; i++)
		if (!strchr("0123456789abcdefABCDEF.:[]", host.p[i]))
			return false;
	return str_index(host, '.') >= 0 || str_index(host, ':') >= 0;
}

static void count_decision(struct sums *s, const struct json *e)
{
	const struct json *policy = json_get(e, "policy");
	struct str d = json_get_str(policy, "decision");
	bool denied = is_denied(e);

	if (denied)
		s->blocked++;
	else if (d.n)
		s->allowed++;
	if (str_eq(d, STR("redirect")))
		s->redirected++;
	if (denied)
		(void)tally_add(&s->rules, json_get_str(policy, "rule"), true);
}

static void count_network(struct sums *s, const struct json *e, bool denied)
{
	struct str domain = json_get_str(e, "domain");
	struct str remote = json_get_str(e, "remote");
	struct str host = domain.n ? domain : remote;
	ptrdiff_t colon = str_rindex(remote, ':');
	struct str port = colon < 0 ? STR_NONE
				    : str_skip(remote, (size_t)colon + 1);

	(void)tally_add(&s->hosts, host, denied);
	s->direct_ip += is_address(domain);
	s->odd_port += port.n && !str_eq(port, STR("80")) &&
		       !str_eq(port, STR("443"));
}

/* Requests to language models and services, and how they ended. */
static void count_api(struct sums *s, struct str type,
		      const struct json *fields)
{
	if (str_eq(type, STR("llm_request"))) {
		s->llm_requests++;
		(void)tally_add(&s->providers, json_get_str(fields, "provider"),
				json_get_str(fields, "blocked_type").n > 0);
	} else if (str_eq(type, STR("llm_response"))) {
		s->llm_failed += json_get_i64(fields, "status", 0) >= 400;
		s->llm_input += (uint64_t)MAX(
			json_get_i64(fields, "input_tokens", 0), 0);
		s->llm_output += (uint64_t)MAX(
			json_get_i64(fields, "output_tokens", 0), 0);
	}
	if (str_ends(type, STR("_request"))) {
		s->redacted +=
			(uint64_t)MAX(json_get_i64(fields, "redactions", 0), 0);
		s->dlp_blocked += json_get_str(fields, "blocked_type").n > 0;
	}
}

static void count_event(struct sums *s, const struct json *e)
{
	struct str type = json_get_str(e, "type");
	struct str path = json_get_str(e, "path");
	const struct json *fields = json_get(e, "fields");
	bool denied = is_denied(e);

	count_decision(s, e);
	if (str_eq(type, STR("command_started"))) {
		s->commands++;
		(void)tally_add(&s->programs, json_get_str(fields, "command"),
				false);
	} else if (str_eq(type, STR("command_finished"))) {
		s->failed += json_get_i64(fields, "exit_code", 0) != 0;
	} else if (str_eq(type, STR("file_soft_deleted"))) {
		s->soft_deleted++;
	} else if (str_eq(type, STR("approval_resolved"))) {
		if (json_get_bool(fields, "approved", false))
			s->approved++;
		else
			s->denied++;
	} else if (str_eq(type, STR("session_created"))) {
		s->policy = json_get_str(fields, "policy");
	} else if (str_eq(type, STR("session_destroyed")) ||
		   str_eq(type, STR("session_expired"))) {
		s->ended = true;
	} else if (str_eq(type, STR("net_connect"))) {
		count_network(s, e, denied);
	} else {
		count_api(s, type, fields);
	}
	(void)tally_add(&s->paths, path, denied);
	s->sensitive += is_sensitive(path);
}

static void count_all(struct sums *s, const struct json *events)
{
	json_foreach(e, events)
	{
		int64_t ns = 0;

		if (clock_parse_rfc3339(json_get_str(e, "timestamp"), &ns) ==
		    0) {
			s->last_ns = ns;
			if (!s->first_ns)
				s->first_ns = ns;
		}
		count_event(s, e);
	}
	tally_sort(&s->paths);
	tally_sort(&s->hosts);
	tally_sort(&s->programs);
	tally_sort(&s->rules);
	tally_sort(&s->providers);
}

/* Text of the record inside a table or list: no markup, one line. */
static void put_text(struct buf *out, struct str s)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *p;

	buf_put_escaped(&b, s);
	for (p = buf_cstr(&b); *p; p++) {
		if (*p == '|' || *p == '`')
			buf_putc(out, '\\');
		buf_putc(out, *p);
	}
}

static void put_row(struct buf *out, const char *name, uint64_t n)
{
	if (n)
		buf_printf(out, "| %s | %llu |\n", name, (unsigned long long)n);
}

static void put_overview(const struct report_input *in, const struct sums *s,
			 struct buf *out)
{
	_cleanup_buf_ struct buf now = BUF_INIT;

	clock_format_rfc3339(&now, in->now_ns);
	buf_printf(out, "# Session Report: %s%s\n\n", in->session,
		   in->detailed ? " (Detailed)" : "");
	buf_printf(out, "**Generated:** %.10s %.8s UTC\n\n", buf_cstr(&now),
		   now.len > 19 ? buf_cstr(&now) + 11 : "");
	buf_puts(out, "## Overview\n\n| | |\n|---|---|\n| Duration | ");
	stats_duration(out, (s->last_ns - s->first_ns) / 1000000000);
	buf_printf(out, " |\n| Commands | %llu |\n| Policy | ",
		   (unsigned long long)s->commands);
	put_text(out, s->policy.n ? s->policy : STR("unknown"));
	buf_printf(out, " |\n| Status | %s |\n",
		   s->ended ? "Completed" : "Active");
}

static void put_decisions(const struct sums *s, struct buf *out)
{
	buf_puts(out,
		 "\n## Decision Summary\n\n| Decision | Count |\n|---|---|\n");
	put_row(out, "Allowed", s->allowed);
	put_row(out, "Blocked", s->blocked);
	put_row(out, "Redirected", s->redirected);
	put_row(out, "Soft-deleted", s->soft_deleted);
	put_row(out, "Approved", s->approved);
	put_row(out, "Denied", s->denied);
}

static unsigned int put_finding(struct buf *out, const char *level,
				const char *title, uint64_t n, const char *what)
{
	if (n == 0)
		return 0;
	buf_printf(out, "- [%s] **%s** (%llu) - %s\n", level, title,
		   (unsigned long long)n, what);
	return 1;
}

static void put_findings(const struct sums *s, struct buf *out)
{
	uint64_t many = s->hosts.items.n > 20 ? s->hosts.items.n : 0;
	unsigned int n = 0;

	buf_puts(out, "\n## Findings\n\n");
	n += put_finding(out, "CRITICAL", "Operations blocked", s->blocked,
			 "the policy refused them");
	n += put_finding(out, "CRITICAL", "Approvals denied", s->denied,
			 "a person refused them");
	n += put_finding(out, "WARNING", "Files soft-deleted", s->soft_deleted,
			 "kept in the trash");
	n += put_finding(out, "WARNING", "Sensitive path access", s->sensitive,
			 "paths that often hold credentials");
	n += put_finding(out, "WARNING", "Direct IP connections", s->direct_ip,
			 "an address was used instead of a name");
	n += put_finding(out, "WARNING", "Unusual port connections",
			 s->odd_port, "neither port 80 nor 443");
	n += put_finding(out, "WARNING", "High host diversity", many,
			 "different hosts were contacted");
	n += put_finding(out, "INFO", "Operations redirected", s->redirected,
			 "something else was done instead");
	n += put_finding(out, "INFO", "Approvals granted", s->approved,
			 "a person allowed them");
	n += put_finding(out, "INFO", "Commands failed", s->failed,
			 "exit status other than 0");
	if (n == 0)
		buf_puts(out, "Nothing to report.\n");
}

static void put_tally(struct buf *out, const char *title, const struct tally *t,
		      size_t max)
{
	if (t->items.n == 0)
		return;
	buf_printf(out, "\n%s\n\n", title);
	for (size_t i = 0; i < t->items.n && i < max; i++) {
		const struct tally_item *item = &t->items.data[i];

		buf_puts(out, "- ");
		put_text(out, item->text);
		buf_printf(out, " (%llu", (unsigned long long)item->n);
		if (item->denied)
			buf_printf(out, ", %llu blocked",
				   (unsigned long long)item->denied);
		buf_puts(out, ")\n");
	}
}

static struct str target_of(const struct json *e)
{
	static const char *const keys[] = { "path", "filename", "domain",
					    "remote", "operation" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (json_get_str(e, keys[i]).n)
			return json_get_str(e, keys[i]);
	return json_get_str(json_get(e, "fields"), "command");
}

static void put_event(struct buf *out, const struct json *e)
{
	const struct json *policy = json_get(e, "policy");
	struct str rule = json_get_str(policy, "rule");

	buf_printf(out, "- " STR_FMT " `" STR_FMT "` ",
		   STR_ARG(json_get_str(e, "timestamp")),
		   STR_ARG(json_get_str(e, "type")));
	put_text(out, target_of(e));
	if (is_denied(e))
		buf_puts(out, " **blocked**");
	if (rule.n)
		buf_printf(out, " (rule " STR_FMT ")", STR_ARG(rule));
	buf_putc(out, '\n');
}

/* Sections that stand there only if there is something in them. */
static void put_llm(const struct sums *s, struct buf *out)
{
	if (s->llm_requests) {
		buf_puts(out, "\n## LLM Usage\n\n| | |\n|---|---|\n");
		buf_printf(out, "| Requests | %llu |\n",
			   (unsigned long long)s->llm_requests);
		put_row(out, "Failed", s->llm_failed);
		put_row(out, "Input tokens", s->llm_input);
		put_row(out, "Output tokens", s->llm_output);
		put_tally(out, "### Providers", &s->providers, TOP);
	}
	if (s->redacted || s->dlp_blocked) {
		buf_puts(out, "\n## DLP Events\n\n| | |\n|---|---|\n");
		put_row(out, "Redacted in requests", s->redacted);
		put_row(out, "Requests blocked", s->dlp_blocked);
	}
}

typedef bool event_test_fn(const struct json *e);

static bool any_event(const struct json *e)
{
	(void)e;
	return true;
}

static bool is_redirect(const struct json *e)
{
	return str_eq(json_get_str(json_get(e, "policy"), "decision"),
		      STR("redirect")) ||
	       str_ends(json_get_str(e, "type"), STR("_redirect")) ||
	       str_ends(json_get_str(e, "type"), STR("_redirected"));
}

static bool is_command(const struct json *e)
{
	return str_eq(json_get_str(e, "type"), STR("command_started")) ||
	       str_eq(json_get_str(e, "type"), STR("command_finished"));
}

static void put_events(struct buf *out, const char *title,
		       const struct json *events, event_test_fn *test)
{
	buf_printf(out, "\n## %s\n\n", title);
	json_foreach(e, events)
	{
		if (test(e))
			put_event(out, e);
	}
}

void report_render(const struct report_input *in, struct buf *out)
{
	struct sums s = { 0 };

	count_all(&s, in->events);
	put_overview(in, &s, out);
	put_decisions(&s, out);
	put_findings(&s, out);
	buf_puts(out, "\n## Top Activity\n");
	put_tally(out, "### Commands", &s.programs, TOP);
	put_tally(out, "### Files", &s.paths, TOP);
	put_tally(out, "### Hosts", &s.hosts, TOP);
	put_tally(out, "### Rules that blocked", &s.rules, TOP);
	put_llm(&s, out);
	if (in->detailed) {
		put_events(out, "Blocked Operations", in->events, is_denied);
		put_events(out, "Redirects", in->events, is_redirect);
		put_events(out, "Event Timeline", in->events, any_event);
		put_events(out, "Command History", in->events, is_command);
		put_tally(out, "## All File Paths", &s.paths, SIZE_MAX);
		put_tally(out, "## All Network Hosts", &s.hosts, SIZE_MAX);
	}
	sums_done(&s);
}
