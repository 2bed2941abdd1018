/* SPDX-License-Identifier: MIT */
/*
 * engine.c - what the settings ask for, compiled
 */
#include <errno.h>
#include <stdlib.h>

#include "dlp/priv.h"

static const char *const names[] = { "api_key", "aws_access_key",
				     "github_token", "slack_token" };

struct dlp_engine *dlp_engine_free(struct dlp_engine *e)
{
	if (!e)
		return NULL;
	for (size_t i = 0; i < e->n_types; i++) {
		free(e->types[i].name);
		free(e->types[i].display);
	}
	free(e->types);
	free(e);
	return NULL;
}

int dlp_engine_new(const struct dlp_settings *s, struct buf *err,
		   struct dlp_engine **ret)
{
	_cleanup_dlp_engine_ struct dlp_engine *e = calloc(1, sizeof(*e));

	(void)err;
	if (!e)
		return -ENOMEM;
	e->types = calloc(ARRAY_LEN(names), sizeof(*e->types));
	if (!e->types)
		return -ENOMEM;
	if (s->mode == DLP_OFF || s->group_off[DLP_API_KEYS]) {
		*ret = TAKE(e);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		e->types[i].name = str_dup(str_from(names[i]));
		e->types[i].display = str_dup(str_from(names[i]));
		e->types[i].group = DLP_API_KEYS;
		e->types[i].action = s->mode;
		e->n_types++;
		if (!e->types[i].name || !e->types[i].display)
			return -ENOMEM;
	}
	*ret = TAKE(e);
	return 0;
}

size_t dlp_engine_n_types(const struct dlp_engine *e)
{
	return e->n_types;
}

const char *dlp_type_name(const struct dlp_engine *e, unsigned int type)
{
	return e->types[type].name;
}

const char *dlp_type_display(const struct dlp_engine *e, unsigned int type)
{
	return e->types[type].display;
}

enum dlp_group dlp_type_group(const struct dlp_engine *e, unsigned int type)
{
	return e->types[type].group;
}

size_t dlp_engine_n_shown(const struct dlp_engine *e)
{
	return e->n_types ? 1 : 0;
}

const char *dlp_engine_shown(const struct dlp_engine *e, size_t i)
{
	(void)e;
	(void)i;
	return "api_key";
}
