/* SPDX-License-Identifier: MIT */
/*
 * waits.c - what wait4() has to tell, taken in turn
 */
#include "tracer/waits.h"

#include <sys/wait.h>

bool waits_collect(struct waits *w)
{
	w->all.n = w->next = 0;
	/* Room first: what wait4() has told it does not tell again. */
	while (vec_reserve(&w->all, w->all.n + 1) == 0) {
		struct wait_entry *e = &w->all.data[w->all.n];

		e->pid = wait4(-1, &e->status, WNOHANG | __WALL, &e->usage);
		if (e->pid <= 0)
			break;
		w->all.n++;
	}
	return w->all.n > 0;
}

bool waits_next(struct waits *w, struct wait_entry *ret)
{
	while (w->next < w->all.n) {
		*ret = w->all.data[w->next++];
		if (ret->pid)
			return true;
	}
	return false;
}

bool waits_take(struct waits *w, pid_t pid, struct wait_entry *ret)
{
	for (size_t i = w->next; i < w->all.n; i++)
		if (w->all.data[i].pid == pid) {
			*ret = w->all.data[i];
			w->all.data[i].pid = 0;
			return true;
		}
	return false;
}
