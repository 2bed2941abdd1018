/* SPDX-License-Identifier: MIT */
/*
 * guarantee.c - which of the nine guarantees hold, from layers and canaries
 */
#include "server/guarantee.h"

#include <stdarg.h>
#include <string.h>

#include "base/macro.h"

#define LAYERS_MAX 5

static const struct promise {
	const char *name, *title;
	const char *needs[LAYERS_MAX];   /* all of them: it holds */
	const char *instead[LAYERS_MAX]; /* any of them: some of it holds */
	/* Got past by one of these, it does not hold at all. */
	const char *decisive[LAYERS_MAX];
} PROMISES[GUARANTEES] = {
	{ "commands",
	  "command policy",
	  { "seccomp", "notify" },
	  { "landlock" },
	  { "program", "alias" } },
	{ "files",
	  "file policy",
	  { "landlock", "notify" },
	  { "landlock", "notify" },
	  { "secret", "create" } },
	{ "undo", "undo", { "notify", "undo" }, { NULL }, { "undo" } },
	{ "network",
	  "network policy",
	  { "seccomp", "notify" },
	  { "landlock" },
	  { "connect", "datagram" } },
	{ "secrets", "secrets", { "dlp" }, { NULL }, { NULL } },
	{ "limits",
	  "resource limits",
	  { "cgroup" },
	  { "seccomp" },
	  { "memory", "survivor" } },
	{ "isolation",
	  "isolation of what governs",
	  { "capabilities", "no_new_privs", "seccomp" },
	  { "capabilities", "no_new_privs", "seccomp" },
	  { "ptrace", "process_vm", "signal" } },
	{ "audit", "audit", { "notify" }, { "seccomp", "landlock" }, { NULL } },
	{ "honesty", "honesty", { NULL }, { NULL }, { NULL } },
};

const char *guarantee_state_to_string(enum guarantee_state state)
{
	static const char *const names[] = { "not held", "weaker", "held" };

	return (size_t)state < ARRAY_LEN(names) ? names[state] : "not held";
}

static const struct json *find_layer(const struct json *layers, struct str name)
{
	json_foreach(l, layers)
	{
		if (str_eq(json_get_str(l, "name"), name))
			return l;
	}
	return NULL;
}

/* Where there are no notifications, ptrace may judge in their place. */
static bool stands_in(const struct json *layers, struct str name)
{
	const struct json *l = find_layer(layers, STR("ptrace"));

	return str_eq_c(name, "notify") && l &&
	       json_get_bool(l, "active", false) &&
	       str_starts(json_get_str(l, "detail"), STR("judges"));
}

static bool is_active(const struct json *layers, struct str name)
{
	const struct json *l = find_layer(layers, name);

	return (l && json_get_bool(l, "active", false)) ||
	       stands_in(layers, name);
}

/* In a network of its own no notification is needed to close a way out. */
static bool holds(const struct json *layers, const struct promise *p,
		  const char *need)
{
	return is_active(layers, str_from(need)) ||
	       (strcmp(p->name, "network") == 0 &&
		strcmp(need, "notify") == 0 &&
		is_active(layers, STR("namespace")));
}

const char *guarantee_missing(const struct json *layers, struct str want)
{
	if (str_eq_c(want, "cgroups"))
		want = STR("limits");
	for (size_t i = 0; i < GUARANTEES; i++) {
		const struct promise *p = &PROMISES[i];

		if (!str_eq_c(want, p->name))
			continue;
		for (size_t j = 0; j < LAYERS_MAX && p->needs[j]; j++)
			if (!holds(layers, p, p->needs[j]))
				return p->needs[j];
		return NULL;
	}
	return is_active(layers, want) ? NULL : want.p;
}

_printf_(2, 3) static void because(struct buf *out, const char *fmt, ...)
{
	va_list ap;

	buf_puts(out, out->len ? "; " : "");
	va_start(ap, fmt);
	buf_vprintf(out, fmt, ap);
	va_end(ap);
}

static void missing_because(struct guarantee *g, const struct json *layers,
			    const char *name)
{
	const struct json *l = find_layer(layers, str_from(name));
	struct str detail = l ? json_get_str(l, "detail") : STR_NONE;

	if (!l)
		because(&g->why, "%s is not part of this session", name);
	else if (detail.n)
		because(&g->why, "%s is missing (" STR_FMT ")", name,
			STR_ARG(detail));
	else
		because(&g->why, "%s is missing", name);
}

static bool mentions(const struct buf *by, const char *name)
{
	return str_find(buf_str(by), str_from(name)) >= 0;
}

static void add_by(struct guarantee *g, const char *name)
{
	if (mentions(&g->by, name))
		return;
	buf_puts(&g->by, g->by.len ? ", " : "");
	buf_puts(&g->by, name);
}

static void judge_layers(const struct promise *p, const struct json *layers,
			 struct guarantee *g)
{
	bool all = true, some = false;

	if (strcmp(p->name, "network") == 0 &&
	    is_active(layers, STR("namespace")))
		add_by(g, "namespace");
	for (size_t j = 0; j < LAYERS_MAX && p->needs[j]; j++) {
		if (is_active(layers, str_from(p->needs[j])))
			add_by(g, p->needs[j]);
		if (holds(layers, p, p->needs[j]))
			continue;
		missing_because(g, layers, p->needs[j]);
		all = false;
	}
	for (size_t j = 0; j < LAYERS_MAX && p->instead[j]; j++) {
		if (all || !is_active(layers, str_from(p->instead[j])))
			continue;
		add_by(g, p->instead[j]);
		some = true;
	}
	g->state = all    ? GUARANTEE_HELD
		   : some ? GUARANTEE_WEAKER
			  : GUARANTEE_NOT_HELD;
}

static bool is_decisive(const struct promise *p, const char *name)
{
	for (size_t j = 0; j < LAYERS_MAX && p->decisive[j]; j++)
		if (strcmp(p->decisive[j], name) == 0)
			return true;
	return false;
}

static void judge_canary(const struct promise *p, unsigned int number,
			 const struct canary_report *canary,
			 struct guarantee *g)
{
	for (size_t i = 0; i < canary->n; i++) {
		const struct canary_item *item = &canary->items[i];

		if (item->guarantee != number || item->result != CANARY_OPEN)
			continue;
		because(&g->why, "tried: a command %s", item->what);
		g->state = is_decisive(p, item->name)
				   ? GUARANTEE_NOT_HELD
				   : MIN(g->state, GUARANTEE_WEAKER);
	}
}

static void weaken(struct guarantee *g, const char *why)
{
	g->state = MIN(g->state, GUARANTEE_WEAKER);
	because(&g->why, "%s", why);
}

static void judge_facts(const struct guarantee_facts *f, struct guarantee *g)
{
	if (str_eq_c(STR("audit"), g->name)) {
		if (!f->audit_stored) {
			g->state = GUARANTEE_NOT_HELD;
			because(&g->why, "audit.storage is switched off");
		}
		if (f->fast_reads)
			weaken(g, "reads are decided by Landlock, not "
				  "recorded (file_monitor.write_only_opens)");
		if (f->unrecorded)
			weaken(g, "tried: a refusal was not recorded");
	} else if (str_eq_c(STR("network"), g->name) && f->proxy) {
		add_by(g, "proxy");
	} else if (str_eq_c(STR("honesty"), g->name)) {
		add_by(g, "this report and every session's record");
	}
}

void guarantees_judge(const struct json *layers,
		      const struct guarantee_facts *facts,
		      const struct canary_report *canary,
		      struct guarantee out[GUARANTEES])
{
	static const char *const IDS[GUARANTEES] = { "G1", "G2", "G3",
						     "G4", "G5", "G6",
						     "G7", "G8", "G9" };

	for (unsigned int i = 0; i < GUARANTEES; i++) {
		const struct promise *p = &PROMISES[i];

		out[i] = (struct guarantee){ .id = IDS[i],
					     .name = p->name,
					     .title = p->title,
					     .by = BUF_INIT,
					     .why = BUF_INIT };
		judge_layers(p, layers, &out[i]);
		if (canary)
			judge_canary(p, i + 1, canary, &out[i]);
		judge_facts(facts, &out[i]);
	}
}

void guarantees_done(struct guarantee g[GUARANTEES])
{
	for (size_t i = 0; i < GUARANTEES; i++) {
		buf_done(&g[i].by);
		buf_done(&g[i].why);
	}
}

void guarantees_to_json(const struct guarantee g[GUARANTEES],
			struct json_writer *w)
{
	json_begin_array(w);
	for (size_t i = 0; i < GUARANTEES; i++) {
		json_begin_object(w);
		json_kv_cstr(w, "id", g[i].id);
		json_kv_cstr(w, "name", g[i].name);
		json_kv_cstr(w, "title", g[i].title);
		json_kv_cstr(w, "state", guarantee_state_to_string(g[i].state));
		json_kv_str(w, "by", buf_str(&g[i].by));
		json_kv_str(w, "why", buf_str(&g[i].why));
		json_end_object(w);
	}
	json_end_array(w);
}
