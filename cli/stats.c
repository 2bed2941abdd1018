/* SPDX-License-Identifier: MIT */
/*
 * stats.c - counting a session's events
 */
#include "cli/stats.h"

static void count_type(struct stats *s, struct str name)
{
	for (size_t i = 0; i < s->n_types; i++) {
		if (str_eq(s->types[i].name, name)) {
			s->types[i].n++;
			return;
		}
	}
	if (s->n_types < STATS_TYPES)
		s->types[s->n_types++] =
			(struct stats_type){ .name = name, .n = 1 };
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct stats_type *)a)->name,
		       ((const struct stats_type *)b)->name);
}

void stats_count(struct stats *s, const struct json *events)
{
	json_foreach(it, events)
	{
		const struct json *policy = json_get(it, "policy");
		struct str decision = json_get_str(policy, "decision");

		s->total++;
		count_type(s, json_get_str(it, "type"));
		if (decision.n == 0)
			continue;
		if (str_eq(decision, STR("approve")))
			s->prompt++;
		else if (str_eq(decision, STR("deny")))
			s->deny++;
		else
			s->allow++;
	}
	qsort(s->types, s->n_types, sizeof(s->types[0]), by_name);
}

void stats_duration(struct buf *out, int64_t seconds)
{
	long long s = seconds < 0 ? 0 : seconds;

	if (s >= 3600)
		buf_printf(out, "%lldh %lldm %llds", s / 3600, s / 60 % 60,
			   s % 60);
	else if (s >= 60)
		buf_printf(out, "%lldm %llds", s / 60, s % 60);
	else
		buf_printf(out, "%llds", s);
}

static void put_decision(struct buf *out, const char *name, uint64_t n,
			 uint64_t all)
{
	buf_printf(out, "  %-8s %5llu (%.1f%%)\n", name, (unsigned long long)n,
		   all ? 100.0 * (double)n / (double)all : 0.0);
}

void stats_text(const struct stats *s, struct buf *out)
{
	uint64_t all = s->allow + s->deny + s->prompt;

	buf_printf(out, "Session: " STR_FMT "\nState:   " STR_FMT "\nUptime:  ",
		   STR_ARG(s->session), STR_ARG(s->state));
	stats_duration(out, s->uptime_sec);
	buf_puts(out, "\n\nEvents:\n");
	for (size_t i = 0; i < s->n_types; i++)
		buf_printf(out, "  %-24.*s %6llu\n", STR_ARG(s->types[i].name),
			   (unsigned long long)s->types[i].n);
	buf_puts(out, "  ");
	for (int i = 0; i < 31; i++)
		buf_puts(out, "\xe2\x94\x80");
	buf_printf(out, "\n  %-24s %6llu\n\nDecisions:\n", "Total",
		   (unsigned long long)s->total);
	put_decision(out, "allow", s->allow, all);
	put_decision(out, "deny", s->deny, all);
	put_decision(out, "prompt", s->prompt, all);
}

void stats_json(const struct stats *s, struct buf *out)
{
	_cleanup_buf_ struct buf d = BUF_INIT;
	struct json_writer w;

	stats_duration(&d, s->uptime_sec);
	json_writer_init(&w, out, 2);
	json_begin_object(&w);
	json_kv_str(&w, "session_id", s->session);
	json_kv_str(&w, "state", s->state);
	json_kv_str(&w, "duration", buf_str(&d));
	json_kv_i64(&w, "duration_sec", s->uptime_sec);
	json_key(&w, "event_counts");
	json_begin_object(&w);
	for (size_t i = 0; i < s->n_types; i++) {
		json_key_str(&w, s->types[i].name);
		json_u64(&w, s->types[i].n);
	}
	json_end_object(&w);
	json_key(&w, "decisions");
	json_begin_object(&w);
	json_kv_i64(&w, "allow", (int64_t)s->allow);
	json_kv_i64(&w, "deny", (int64_t)s->deny);
	json_kv_i64(&w, "prompt", (int64_t)s->prompt);
	json_end_object(&w);
	json_kv_i64(&w, "total_events", (int64_t)s->total);
	json_end_object(&w);
	buf_putc(out, '\n');
}
