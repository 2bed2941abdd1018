/* SPDX-License-Identifier: MIT */
/*
 * judge.c - what a running session holds, by the layers it says it has
 */
#include <errno.h>

#include "base/json.h"
#include "server/guarantee.h"
#include "server/server.h"

int server_judge(struct str session_json, struct buf *ret_json)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(4U << 20);
	struct guarantee_facts facts = { .audit_stored = true };
	struct guarantee g[GUARANTEES];
	const struct json *layers;
	struct json *session = NULL;
	struct json_writer w;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct json_writer copy;
	int r = json_parse(&a, session_json, &session);

	if (r < 0)
		return r;
	layers = json_get(session, "protection");
	if (!layers)
		return -ENODATA;
	facts.proxy = json_get_str(session, "proxy_url").n > 0;
	guarantees_judge(layers, &facts, NULL, g);
	json_writer_init(&copy, &text, 0);
	json_begin_array(&copy);
	json_foreach(l, layers)
	{
		json_begin_object(&copy);
		json_kv_str(&copy, "name", json_get_str(l, "name"));
		json_kv_bool(&copy, "active",
			     json_get_bool(l, "active", false));
		json_kv_str_opt(&copy, "detail", json_get_str(l, "detail"));
		json_end_object(&copy);
	}
	json_end_array(&copy);
	json_writer_init(&w, ret_json, 0);
	json_begin_object(&w);
	json_kv_bool(&w, "complete", false);
	json_kv_str(&w, "inside", json_get_str(session, "id"));
	json_kv_str(&w, "policy", json_get_str(session, "policy"));
	json_key(&w, "layers");
	json_raw(&w, buf_str(&text));
	json_key(&w, "guarantees");
	guarantees_to_json(g, &w);
	json_end_object(&w);
	guarantees_done(g);
	return ret_json->error;
}
