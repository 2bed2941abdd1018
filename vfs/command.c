/* SPDX-License-Identifier: MIT */
/*
 * command.c - which command a process belongs to
 *
 * The server tells us the first process of each command (PROTO_SPAWNED) and its
 * end (PROTO_EXITED). A process belongs to the command of its nearest ancestor
 * on that list. One that has lost its ancestors belongs to the only command
 * that runs, else to the session as such.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/proc.h"
#include "vfs/vfs.h"

#define MAX_DEPTH 64

static struct command *by_pid(struct vfs *v, pid_t pid)
{
	for (size_t i = v->commands.n; i-- > 0;)
		if (v->commands.data[i]->pid == pid &&
		    !v->commands.data[i]->ended)
			return v->commands.data[i];
	return NULL;
}

static struct command *only_running(struct vfs *v)
{
	struct command *found = NULL;

	for (size_t i = 0; i < v->commands.n; i++) {
		if (v->commands.data[i]->ended)
			continue;
		if (found)
			return NULL;
		found = v->commands.data[i];
	}
	return found;
}

static struct command *search(struct vfs *v, pid_t pid)
{
	struct command *c = only_running(v);

	for (int i = 0; !c && pid > 1 && i < MAX_DEPTH; i++) {
		c = by_pid(v, pid);
		if (!c && proc_parent(pid, &pid) < 0)
			break;
	}
	return c ? c : v->fallback;
}

struct command *command_of(struct vfs *v, pid_t pid)
{
	size_t slot = (size_t)pid % ARRAY_LEN(v->pids);
	struct command *c;

	(void)pthread_mutex_lock(&v->command_lock);
	if (pid > 0 && v->pids[slot].pid == pid) {
		c = v->pids[slot].command;
	} else {
		c = search(v, pid);
		v->pids[slot].pid = pid;
		v->pids[slot].command = c;
	}
	(void)pthread_mutex_unlock(&v->command_lock);
	return c;
}

static int add(struct vfs *v, struct str id, pid_t pid, struct command **ret)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct command *c = calloc(1, sizeof(*c));
	int r = 0;

	if (!c)
		return -ENOMEM;
	c->pid = pid;
	/* The words it was started with, for the list of what can be undone. */
	if (pid > 0 && proc_cmdline(pid, &text) == 0)
		for (size_t i = 0; i < text.len; i++)
			if (text.data[i] == 0)
				text.data[i] = i + 1 < text.len ? ' ' : 0;
	(void)snprintf(c->id, sizeof(c->id), STR_FMT, STR_ARG(id));
	if (v->trash)
		r = trash_group_open(v->trash, str_from(v->session_id), id,
				     str_trim(str_from(buf_cstr(&text))),
				     &c->group);
	if (r == 0)
		r = vec_push(&v->commands, c);
	if (r < 0) {
		free(c);
		return r;
	}
	memset(v->pids, 0, sizeof(v->pids));
	if (ret)
		*ret = c;
	return 0;
}

int command_started(struct vfs *v, struct str id, pid_t pid)
{
	int r;

	(void)pthread_mutex_lock(&v->command_lock);
	if (id.n == 0) {
		r = add(v, STR("session"), 0, &v->fallback);
		if (r == 0)
			v->fallback->ended = true; /* not a candidate */
	} else {
		r = add(v, id, pid, NULL);
	}
	(void)pthread_mutex_unlock(&v->command_lock);
	return r;
}

void command_ended(struct vfs *v, struct str id)
{
	uint32_t group = 0;

	(void)pthread_mutex_lock(&v->command_lock);
	for (size_t i = 0; i < v->commands.n; i++) {
		struct command *c = v->commands.data[i];

		if (!c->ended && str_eq_c(id, c->id)) {
			c->ended = true;
			group = c->group;
		}
	}
	memset(v->pids, 0, sizeof(v->pids));
	(void)pthread_mutex_unlock(&v->command_lock);
	if (group && v->trash)
		trash_group_close(v->trash, group);
}
