/* SPDX-License-Identifier: MIT */
/*
 * op.c - what is attempted
 */
#include "core/op.h"

#include <errno.h>

static const char *const op_kinds[OP_KIND_MAX] = {
	[OP_NONE] = "none", [OP_FILE] = "file",     [OP_EXEC] = "exec",
	[OP_NET] = "net",   [OP_DNS] = "dns",       [OP_UNIX] = "unix",
	[OP_HTTP] = "http", [OP_SIGNAL] = "signal",
};

/* The one table of file verbs: name, what covers it, what it may do. */
static const struct {
	struct str name;
	enum file_verb alias;
	bool reads;
} verbs[FILE_VERB_MAX] = {
	[FILE_OPEN] = { STR("open"), FILE_OPEN, true },
	[FILE_READ] = { STR("read"), FILE_READ, true },
	[FILE_LIST] = { STR("list"), FILE_LIST, true },
	[FILE_WRITE] = { STR("write"), FILE_WRITE, false },
	[FILE_CREATE] = { STR("create"), FILE_CREATE, false },
	[FILE_DELETE] = { STR("delete"), FILE_DELETE, false },
	[FILE_RMDIR] = { STR("rmdir"), FILE_RMDIR, false },
	[FILE_MKDIR] = { STR("mkdir"), FILE_MKDIR, false },
	[FILE_RENAME] = { STR("rename"), FILE_RENAME, false },
	[FILE_LINK] = { STR("link"), FILE_LINK, false },
	[FILE_SYMLINK] = { STR("symlink"), FILE_SYMLINK, false },
	[FILE_CHMOD] = { STR("chmod"), FILE_CHMOD, false },
	[FILE_CHOWN] = { STR("chown"), FILE_CHOWN, false },
	[FILE_MKNOD] = { STR("mknod"), FILE_MKNOD, false },
	[FILE_STAT] = { STR("stat"), FILE_STAT, true },
	[FILE_ACCESS] = { STR("access"), FILE_ACCESS, true },
	[FILE_READLINK] = { STR("readlink"), FILE_READLINK, true },
	[FILE_TRUNCATE] = { STR("truncate"), FILE_WRITE, false },
	[FILE_UTIME] = { STR("utime"), FILE_WRITE, false },
	[FILE_XATTR] = { STR("xattr"), FILE_WRITE, false },
};

static const struct str unix_verbs[UNIX_VERB_MAX] = {
	[UNIX_CONNECT] = STR("connect"),
	[UNIX_BIND] = STR("bind"),
	[UNIX_LISTEN] = STR("listen"),
	[UNIX_SENDTO] = STR("sendto"),
};

static bool verb_valid(enum file_verb verb)
{
	return (unsigned int)verb < FILE_VERB_MAX;
}

const char *op_kind_to_string(enum op_kind kind)
{
	return (unsigned int)kind < OP_KIND_MAX ? op_kinds[kind] : NULL;
}

const char *file_verb_to_string(enum file_verb verb)
{
	return verb_valid(verb) ? verbs[verb].name.p : NULL;
}

int file_verb_from_string(struct str word, enum file_verb *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (str_eq_icase(word, verbs[i].name)) {
			*ret = (enum file_verb)i;
			return 0;
		}
	return -EINVAL;
}

enum file_verb file_verb_alias(enum file_verb verb)
{
	return verb_valid(verb) ? verbs[verb].alias : verb;
}

bool file_verb_is_read(enum file_verb verb)
{
	return verb_valid(verb) && (verbs[verb].reads);
}

const char *unix_verb_to_string(enum unix_verb verb)
{
	return (unsigned int)verb < UNIX_VERB_MAX ? unix_verbs[verb].p : NULL;
}

int unix_verb_from_string(struct str word, enum unix_verb *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(unix_verbs); i++)
		if (str_eq_icase(word, unix_verbs[i])) {
			*ret = (enum unix_verb)i;
			return 0;
		}
	return -EINVAL;
}

/* In place; false when the arena is full. */
static bool dup_str(struct arena *a, struct str *s)
{
	const char *copy = arena_dup(a, *s);

	if (!copy)
		return false;
	s->p = copy;
	return true;
}

static bool dup_strs(struct arena *a, const struct str **list, size_t n)
{
	struct str *copy;

	if (n == 0)
		return true;
	copy = arena_alloc(a, n * sizeof(*copy));
	if (!copy)
		return false;
	for (size_t i = 0; i < n; i++) {
		copy[i] = (*list)[i];
		if (!dup_str(a, &copy[i]))
			return false;
	}
	*list = copy;
	return true;
}

static bool dup_exec(struct arena *a, struct op_exec *e)
{
	return dup_str(a, &e->path) && dup_strs(a, &e->names, e->n_names) &&
	       dup_strs(a, &e->argv, e->argc);
}

static bool dup_http(struct arena *a, struct op_http *h)
{
	return dup_str(a, &h->service) && dup_str(a, &h->method) &&
	       dup_str(a, &h->path);
}

/* What *op points to; the struct itself is already a copy. */
static bool dup_members(struct arena *a, struct op *op)
{
	switch (op->kind) {
	case OP_FILE:
		return dup_str(a, &op->file.path) && dup_str(a, &op->file.name);
	case OP_EXEC:
		return dup_exec(a, &op->exec);
	case OP_NET:
	case OP_DNS:
		return dup_str(a, &op->net.host);
	case OP_UNIX:
		return dup_str(a, &op->un.path);
	case OP_SIGNAL:
		return dup_str(a, &op->sig.comm);
	case OP_HTTP:
		return dup_http(a, &op->http);
	case OP_NONE:
	case OP_KIND_MAX:
		break;
	}
	return true;
}

struct op *op_dup(struct arena *a, const struct op *op)
{
	struct op *copy = arena_alloc(a, sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *op;
	return dup_members(a, copy) ? copy : NULL;
}

void op_net_set_v4(struct op_net *net, uint32_t addr_be)
{
	memset(net->addr, 0, 10);
	memset(net->addr + 10, 0xff, 2);
	memcpy(net->addr + 12, &addr_be, sizeof(addr_be));
	net->has_addr = true;
}
