/* SPDX-License-Identifier: MIT */
/*
 * settings.c - settings as text, from one program to another
 */
#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/macro.h"
#include "dlp/dlp.h"

#define SETTINGS_ARENA (4U << 20)

static const char *const action_names[DLP_ACTION_MAX] = {
	"redact", "tokenize", "block", "log", "disabled",
};

static const char *const group_names[DLP_GROUP_MAX] = {
	"email", "phone", "credit_card", "ssn", "api_key", "custom",
};

const char *dlp_action_to_string(enum dlp_action a)
{
	return a < DLP_ACTION_MAX ? action_names[a] : "redact";
}

const char *dlp_group_to_string(enum dlp_group g)
{
	return g < DLP_GROUP_MAX ? group_names[g] : "custom";
}

static void put_item(struct json_writer *w, const char *key, struct str name,
		     enum dlp_action a)
{
	json_begin_object(w);
	json_kv_str(w, key, name);
	json_kv_cstr(w, "action", dlp_action_to_string(a));
}

static void put_lists(struct json_writer *w, const struct dlp_settings *s)
{
	json_key(w, "custom");
	json_begin_array(w);
	for (size_t i = 0; i < s->n_custom; i++) {
		put_item(w, "name", s->custom[i].name, s->custom[i].action);
		json_kv_str(w, "display", s->custom[i].display);
		json_kv_str(w, "regex", s->custom[i].regex);
		json_end_object(w);
	}
	json_end_array(w);
	json_key(w, "overrides");
	json_begin_array(w);
	for (size_t i = 0; i < s->n_overrides; i++) {
		put_item(w, "type", s->overrides[i].type,
			 s->overrides[i].action);
		json_end_object(w);
	}
	json_end_array(w);
}

int dlp_settings_put(const struct dlp_settings *s, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "mode", dlp_action_to_string(s->mode));
	json_key(&w, "off");
	json_begin_array(&w);
	for (size_t g = 0; g < DLP_GROUP_MAX; g++)
		if (s->group_off[g])
			json_cstr(&w, group_names[g]);
	json_end_array(&w);
	put_lists(&w, s);
	json_end_object(&w);
	return out->error;
}

static int find_name(struct str name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_c(name, names[i]))
			return (int)i;
	return -EINVAL;
}

static int get_action(const struct json *v, const char *key,
		      enum dlp_action *ret)
{
	int a = find_name(json_get_str(v, key), action_names, DLP_ACTION_MAX);

	if (a < 0)
		return a;
	*ret = (enum dlp_action)a;
	return 0;
}

static int read_custom(struct arena *a, const struct json *list,
		       struct dlp_settings *s)
{
	struct dlp_custom *v;

	if (!list || list->n == 0)
		return 0;
	v = arena_alloc(a, list->n * sizeof(*v));
	if (!v)
		return -ENOMEM;
	s->custom = v;
	json_foreach(it, list)
	{
		v->name = json_get_str(it, "name");
		v->display = json_get_str(it, "display");
		v->regex = json_get_str(it, "regex");
		if (get_action(it, "action", &v->action) < 0)
			return -EINVAL;
		v++;
		s->n_custom++;
	}
	return 0;
}

static int read_overrides(struct arena *a, const struct json *list,
			  struct dlp_settings *s)
{
	struct dlp_override *v;

	if (!list || list->n == 0)
		return 0;
	v = arena_alloc(a, list->n * sizeof(*v));
	if (!v)
		return -ENOMEM;
	s->overrides = v;
	json_foreach(it, list)
	{
		v->type = json_get_str(it, "type");
		if (get_action(it, "action", &v->action) < 0)
			return -EINVAL;
		v++;
		s->n_overrides++;
	}
	return 0;
}

static int read_settings(struct arena *a, struct str text,
			 struct dlp_settings *s)
{
	struct json *root;
	int r = json_parse(a, text, &root);

	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	r = get_action(root, "mode", &s->mode);
	if (r < 0)
		return r;
	json_foreach(it, json_get(root, "off"))
	{
		int g = find_name(it->text, group_names, DLP_GROUP_MAX);

		if (g < 0)
			return g;
		s->group_off[g] = true;
	}
	r = read_custom(a, json_get(root, "custom"), s);
	return r < 0 ? r : read_overrides(a, json_get(root, "overrides"), s);
}

enum purpose {
	FOR_REQUESTS = 0,
	FOR_STORAGE,
	FOR_ANSWERS,
};

static int from_json(struct str json, enum purpose purpose, struct buf *err,
		     struct dlp_engine **ret)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(SETTINGS_ARENA);
	struct dlp_settings s = { .stored = purpose == FOR_STORAGE };
	int r = read_settings(&a, json, &s);

	for (size_t g = 0; g < DLP_API_KEYS && purpose == FOR_ANSWERS; g++)
		s.group_off[g] = true;

	if (r == -EINVAL)
		buf_puts(err, "these are no DLP settings");
	return r < 0 ? r : dlp_engine_new(&s, err, ret);
}

int dlp_engine_from_json(struct str json, struct buf *err,
			 struct dlp_engine **ret)
{
	return from_json(json, FOR_REQUESTS, err, ret);
}

int dlp_engine_for_storage(struct str json, struct buf *err,
			   struct dlp_engine **ret)
{
	return from_json(json, FOR_STORAGE, err, ret);
}

int dlp_engine_for_answers(struct str json, struct buf *err,
			   struct dlp_engine **ret)
{
	return from_json(json, FOR_ANSWERS, err, ret);
}
