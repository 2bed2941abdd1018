/* SPDX-License-Identifier: MIT */
/*
 * command.c - for which command a request is
 *
 * The supervisor carries most calls out itself and says in shared memory for
 * whom (core/attribution.h). What a process does by itself belongs to the
 * command of its nearest ancestor that is some command's first process. One
 * that has lost its ancestors belongs to the only command that runs: what a
 * command leaves behind is killed with it, so nobody else is in the mount.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/proc.h"
#include "core/attribution.h"
#include "vfs/vfs.h"

#define MAX_DEPTH 64

static struct command *by_id(struct vfs *v, const char *id)
{
	for (size_t i = v->commands.n; i-- > 0;)
		if (strcmp(v->commands.data[i]->id, id) == 0)
			return v->commands.data[i];
	return NULL;
}

static struct command *add(struct vfs *v, const char *id, const char *words)
{
	struct command *c = calloc(1, sizeof(*c));
	int r = c ? 0 : -ENOMEM;

	if (r == 0) {
		c->id = strdup(id);
		r = c->id ? 0 : -ENOMEM;
	}
	if (r == 0 && v->trash)
		r = trash_group_open(v->trash, str_from(v->session_id),
				     str_from(id), str_from(words), &c->group);
	if (r == 0)
		r = vec_push(&v->commands, c);
	if (r == 0)
		return c;
	if (c)
		free(c->id);
	free(c);
	return NULL;
}

/* NULL: it has ended meanwhile. */
static struct command *by_generation(struct vfs *v, uint32_t place,
				     uint64_t generation)
{
	struct attributed a;
	struct command *c;

	for (size_t i = v->commands.n; i-- > 0;)
		if (v->commands.data[i]->generation == generation)
			return v->commands.data[i];
	if (attribution_get(v->attribution, place, generation, &a) < 0)
		return NULL;
	c = by_id(v, a.id);
	if (!c)
		c = add(v, a.id, a.words);
	if (c) {
		c->generation = generation;
		c->place = place;
	}
	return c;
}

static struct command *search(struct vfs *v, pid_t pid)
{
	uint64_t generation = 0;
	uint32_t place = 0;

	for (int i = 0; pid > 1 && i < MAX_DEPTH; i++) {
		generation = attribution_of_first(v->attribution, pid, &place);
		if (generation || proc_parent(pid, &pid) < 0)
			break;
	}
	if (!generation)
		generation = attribution_of_only(v->attribution, &place);
	return generation ? by_generation(v, place, generation) : NULL;
}

static struct command *of_process(struct vfs *v, pid_t pid)
{
	size_t slot = (size_t)pid % ARRAY_LEN(v->pids);
	uint64_t now = attribution_changes(v->attribution);
	struct command *c;

	if (now != v->pids_as_of)
		memset(v->pids, 0, sizeof(v->pids));
	v->pids_as_of = now;
	if (pid > 0 && v->pids[slot].pid == pid)
		return v->pids[slot].command;
	c = search(v, pid);
	if (!c)
		c = v->fallback;
	v->pids[slot].pid = pid;
	v->pids[slot].command = c;
	return c;
}

struct command *command_asks(struct vfs *v, pid_t tid, pid_t *ret_pid,
			     bool *ret_judged)
{
	struct command *c = NULL;
	uint64_t generation;
	uint32_t place = 0;
	bool own = false;
	pid_t pid = tid;

	generation =
		attribution_of_thread(v->attribution, tid, &place, &pid, &own);
	(void)pthread_mutex_lock(&v->command_lock);
	if (generation)
		c = by_generation(v, place, generation);
	if (!c)
		c = of_process(v, tid);
	(void)pthread_mutex_unlock(&v->command_lock);
	*ret_pid = pid;
	*ret_judged = generation && own;
	return c;
}

struct command *command_of(struct vfs *v, pid_t tid)
{
	bool judged;
	pid_t pid;

	return command_asks(v, tid, &pid, &judged);
}

void command_tell(struct vfs *v, const struct command *c)
{
	struct trash_group_stat s;
	struct attribution_totals t;

	if (!v->trash || !c->generation ||
	    trash_group_get(v->trash, c->group, &s) < 0)
		return;
	t = (struct attribution_totals){
		.removed = s.removed,
		.changed = s.changed,
		.created = s.created,
		.kept_bytes = s.kept_bytes,
		.unkept = s.unkept,
		.token_hi = s.token.hi,
		.token_lo = s.token.lo,
	};
	attribution_put_totals(v->attribution, c->place, c->generation, &t);
}

void command_ended(struct vfs *v, struct str id)
{
	uint32_t group = 0;

	(void)pthread_mutex_lock(&v->command_lock);
	for (size_t i = v->commands.n; i-- > 0 && !group;)
		if (str_eq_c(id, v->commands.data[i]->id))
			group = v->commands.data[i]->group;
	(void)pthread_mutex_unlock(&v->command_lock);
	if (group && v->trash)
		trash_group_close(v->trash, group);
}

int command_init(struct vfs *v, int attribution_fd)
{
	_cleanup_close_ int own = -1;
	int r = 0;

	if (attribution_fd < 0) {
		r = attribution_create(&own);
		attribution_fd = own;
	}
	if (r == 0)
		r = attribution_map(attribution_fd, &v->attribution);
	if (r < 0)
		return r;
	v->fallback = add(v, "session", "");
	return v->fallback ? 0 : -ENOMEM;
}

void command_done(struct vfs *v)
{
	for (size_t i = 0; i < v->commands.n; i++) {
		free(v->commands.data[i]->id);
		free(v->commands.data[i]);
	}
	vec_done(&v->commands);
	v->attribution = attribution_unmap(v->attribution);
}
