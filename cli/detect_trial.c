/* SPDX-License-Identifier: MIT */
/*
 * detect_trial.c - what the trial session of `agentsh detect` showed
 */
#include "cli/detect_trial.h"

#include <errno.h>

#include "cli/output.h"

detect_trial_fn *detect_trial;
detect_judge_fn *detect_judge;

int detect_try(struct detect *d, const char *config, struct str session_json)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct json *v = NULL;
	char *copy;
	int r;

	if (!detect_trial || !detect_judge)
		return 0;
	/* A sandbox inside the sandbox would show what neither can. */
	r = d->inside
		    ? detect_judge(session_json, &text)
		    : detect_trial(config && config[0] ? config : NULL, &text);
	if (r < 0)
		return r;
	copy = arena_dup(&d->arena, buf_str(&text));
	if (!copy)
		return -ENOMEM;
	r = json_parse(&d->arena, str_from(copy), &v);
	if (r == 0)
		d->trial = v;
	return r;
}

static const struct json *named(const struct json *list, const char *key,
				const char *name)
{
	json_foreach(v, list)
	{
		if (str_eq_c(json_get_str(v, key), name))
			return v;
	}
	return NULL;
}

static const struct json *layer(const struct detect *d, const char *name)
{
	return named(json_get(d->trial, "layers"), "name", name);
}

bool detect_layer(const struct detect *d, const char *name)
{
	const struct json *l = layer(d, name);

	return l && json_get_bool(l, "active", false);
}

struct str detect_layer_detail(const struct detect *d, const char *name)
{
	const struct json *l = layer(d, name);

	return l ? json_get_str(l, "detail") : STR_NONE;
}

bool detect_past(const struct detect *d, const char *name)
{
	const struct json *c =
		named(json_get(d->trial, "canaries"), "name", name);

	return c && str_eq_c(json_get_str(c, "result"), "got past");
}

struct str detect_state(const struct detect *d, const char *guarantee)
{
	const struct json *g =
		named(json_get(d->trial, "guarantees"), "name", guarantee);

	return g ? json_get_str(g, "state") : STR("not held");
}

bool detect_all_held(const struct detect *d)
{
	bool all = d->trial && json_get_bool(d->trial, "complete", false);

	json_foreach(g, json_get(d->trial, "guarantees"))
	{
		all = all && str_eq_c(json_get_str(g, "state"), "held");
	}
	return all;
}

static void put_guarantee(struct buf *out, const struct json *g)
{
	struct str state = json_get_str(g, "state");
	struct str why = json_get_str(g, "why");

	buf_printf(out, "  " STR_FMT " %-20.*s %s%-8.*s%s  " STR_FMT "\n",
		   STR_ARG(json_get_str(g, "id")),
		   STR_ARG(json_get_str(g, "title")),
		   colour(str_eq_c(state, "held") ? COLOUR_GREEN : COLOUR_DIM),
		   STR_ARG(state), colour(COLOUR_OFF),
		   STR_ARG(json_get_str(g, "by")));
	if (why.n)
		buf_printf(out, "       " STR_FMT "\n", STR_ARG(why));
}

static void put_canaries(const struct json *canaries, struct buf *out)
{
	_cleanup_buf_ struct buf past = BUF_INIT, untried = BUF_INIT;
	unsigned int n_past = 0, n_blocked = 0, n_untried = 0;

	json_foreach(c, canaries)
	{
		struct str result = json_get_str(c, "result");
		struct buf *list = &untried;

		if (str_eq_c(result, "blocked")) {
			n_blocked++;
			continue;
		}
		if (str_eq_c(result, "got past")) {
			list = &past;
			n_past++;
		} else {
			n_untried++;
		}
		buf_puts(list, list->len ? ", " : "");
		buf_put_str(list, json_get_str(c, "name"));
	}
	buf_printf(out, "Tried as a command: %u blocked, %u got past",
		   n_blocked, n_past);
	if (n_past)
		buf_printf(out, " (%s)", buf_cstr(&past));
	buf_printf(out, ", %u with nothing to try it on", n_untried);
	if (n_untried)
		buf_printf(out, " (%s)", buf_cstr(&untried));
	buf_puts(out, "\n\n");
}

void detect_trial_text(const struct detect *d, struct buf *out)
{
	struct str error = json_get_str(d->trial, "error");
	struct str config = json_get_str(d->trial, "config");

	if (!d->trial)
		return;
	buf_puts(out, "GUARANTEES\n");
	json_foreach(g, json_get(d->trial, "guarantees"))
	{
		put_guarantee(out, g);
	}
	buf_putc(out, '\n');
	if (d->inside) {
		buf_printf(out,
			   "Inside session " STR_FMT " of policy " STR_FMT
			   ": what its server put in force.\nOutside of a "
			   "session, detect also tries to break out of one.\n",
			   STR_ARG(json_get_str(d->trial, "inside")),
			   STR_ARG(json_get_str(d->trial, "policy")));
		return;
	}
	put_canaries(json_get(d->trial, "canaries"), out);
	if (error.n)
		buf_printf(out, "The trial session failed: " STR_FMT "\n\n",
			   STR_ARG(error));
	if (json_get_bool(d->trial, "fast_reads", false))
		buf_puts(out,
			 "Fast reads (file_monitor.write_only_opens): plain "
			 "reads are decided by Landlock,\nnot recorded.\n\n");
	buf_printf(out,
		   "Found by breaking out of a session of configuration "
		   "" STR_FMT ", policy " STR_FMT ".\n",
		   STR_ARG(config.n ? config : STR("(built-in)")),
		   STR_ARG(json_get_str(d->trial, "policy")));
}

void detect_trial_json(const struct detect *d, struct json_writer *w)
{
	static const char *const KEYS[] = { "guarantees", "canaries",
					    "layers" };

	if (!d->trial)
		return;
	json_kv_bool(w, "tried", json_get_bool(d->trial, "complete", false));
	json_kv_str_opt(w, "error", json_get_str(d->trial, "error"));
	json_kv_str_opt(w, "inside", json_get_str(d->trial, "inside"));
	json_kv_str(w, "config", json_get_str(d->trial, "config"));
	json_kv_str(w, "policy", json_get_str(d->trial, "policy"));
	json_kv_cstr(w, "reads",
		     json_get_bool(d->trial, "fast_reads", false)
			     ? "decided by Landlock, not recorded"
			     : "recorded");
	for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
		const struct json *v = json_get(d->trial, KEYS[i]);

		json_key(w, KEYS[i]);
		if (v)
			json_copy(w, v);
		else
			json_null(w);
	}
}
