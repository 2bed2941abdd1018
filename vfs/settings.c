/* SPDX-License-Identifier: MIT */
/*
 * settings.c - what PROTO_HELLO told this worker
 */
#include <errno.h>

#include "base/json.h"
#include "base/num.h"
#include "vfs/vfs.h"

#define SETTINGS_MAX    (1U << 20)
#define DEFAULT_TIMEOUT 1.0
#define NAME_TIMEOUT    30.0
#define ATTR_TIMEOUT    10.0

static const char *text(struct arena *a, const struct json *doc,
			const char *key)
{
	struct str s = json_get_str(doc, key);

	return s.n ? arena_dup(a, s) : NULL;
}

/* NULL-terminated; NULL: no such list, or no memory. */
static char **words(struct arena *a, const struct json *list)
{
	size_t n = 0;
	char **all;

	if (!list || list->type != JSON_ARRAY)
		return NULL;
	json_foreach(v, list) n += v->type == JSON_STRING;
	all = n ? arena_alloc(a, (n + 1) * sizeof(*all)) : NULL;
	if (!all)
		return NULL;
	n = 0;
	json_foreach(v, list)
	{
		if (v->type != JSON_STRING)
			continue;
		all[n] = arena_dup(a, v->text);
		if (!all[n++])
			return NULL;
	}
	all[n] = NULL;
	return all;
}

static enum vfs_mode parse_mode(struct str s)
{
	if (str_eq(s, STR("soft_block")))
		return VFS_SOFT_BLOCK;
	if (str_eq(s, STR("soft_delete")))
		return VFS_SOFT_DELETE;
	if (str_eq(s, STR("strict")))
		return VFS_STRICT;
	return VFS_MONITOR;
}

static enum trash_full parse_full(struct str s)
{
	if (str_eq(s, STR("deny")))
		return TRASH_FULL_DENY;
	if (str_eq(s, STR("drop")))
		return TRASH_FULL_DROP;
	return TRASH_FULL_EVICT;
}

static uint64_t number(const struct json *doc, const char *key, int64_t dflt)
{
	int64_t n = json_get_i64(doc, key, dflt);

	return n > 0 ? (uint64_t)n : 0;
}

int vfs_settings_parse(struct str json, struct vfs_settings *ret)
{
	struct vfs_settings s = { .arena = ARENA_INIT(SETTINGS_MAX) };
	struct json *doc;
	int r;

	r = json_parse(&s.arena, json, &doc);
	if (r < 0 || doc->type != JSON_OBJECT) {
		arena_done(&s.arena);
		return r < 0 ? r : -EBADMSG;
	}
	s.mount_point = text(&s.arena, doc, "vfs.mount_point");
	s.mount_base = text(&s.arena, doc, "vfs.mount_base");
	s.enable_marker = text(&s.arena, doc, "vfs.enable_marker");
	s.enable_command = words(&s.arena, json_get(doc, "vfs.enable_command"));
	s.keep = json_get_bool(doc, "vfs.keep", true);
	s.trash_path = text(&s.arena, doc, "vfs.trash_path");
	s.mode = parse_mode(json_get_str(doc, "vfs.mode"));
	s.strict = s.mode == VFS_STRICT ||
		   json_get_bool(doc, "vfs.strict", false);
	if (!s.keep)
		s.mode = VFS_MONITOR;
	s.passthrough = json_get_bool(doc, "vfs.passthrough", true);
	s.follow = json_get_bool(doc, "vfs.follow_cpu", true);
	s.stay_awake = json_get_bool(doc, "stay_awake", true);
	s.count = json_get_bool(doc, "vfs.count", false);
	s.approvals = json_get_bool(doc, "approvals.enabled", false);
	s.max_background =
		(unsigned int)(number(doc, "vfs.max_background", 0) & 0xffff);
	s.timeout = DEFAULT_TIMEOUT;
	s.name_timeout = NAME_TIMEOUT;
	s.attr_timeout = ATTR_TIMEOUT;
	if (json_get(doc, "vfs.cache_ms"))
		s.timeout = s.name_timeout = s.attr_timeout =
			(double)number(doc, "vfs.cache_ms", 0) / 1000.0;
	s.trash = (struct trash_options){
		.dir = s.trash_path,
		.max_bytes = number(doc, "vfs.quota_bytes", 0),
		.max_entries = number(doc, "vfs.quota_entries", 0),
		.sets_budget = true,
		.max_copy = number(doc, "vfs.max_copy_bytes", 0),
		.hash_under = number(doc, "vfs.hash_under_bytes", 1 << 20),
		.max_age_ns = (int64_t)number(doc, "vfs.ttl_ns", 0),
		.on_full = parse_full(json_get_str(doc, "vfs.on_full")),
		.keep_own = json_get_bool(doc, "vfs.keep_own", false),
	};
	*ret = s;
	return 0;
}
