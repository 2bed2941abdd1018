/* SPDX-License-Identifier: MIT */
/*
 * tracees.c - the threads that we trace: a hash table by thread id
 */
#include "tracer/tracees.h"

#include <stdlib.h>

static size_t bucket_of(pid_t tid)
{
	return ((size_t)tid * 0x9E3779B1U >> 8) % TRACEES_BUCKETS;
}

static struct tracee **link_of(struct tracees *t, pid_t tid)
{
	struct tracee **p = &t->buckets[bucket_of(tid)];

	while (*p && (*p)->tid != tid)
		p = &(*p)->next;
	return p;
}

struct tracee *tracees_find(const struct tracees *t, pid_t tid)
{
	struct tracee *x = t->buckets[bucket_of(tid)];

	while (x && x->tid != tid)
		x = x->next;
	return x;
}

struct tracee *tracees_get(struct tracees *t, pid_t tid)
{
	struct tracee **p = link_of(t, tid);

	if (*p)
		return *p;
	*p = calloc(1, sizeof(**p));
	if (*p) {
		(*p)->tid = tid;
		t->n++;
	}
	return *p;
}

static void drop(struct tracees *t, struct tracee **p)
{
	struct tracee *gone = *p;

	*p = gone->next;
	t->n--;
	free(gone);
}

void tracees_remove(struct tracees *t, pid_t tid)
{
	struct tracee **p = link_of(t, tid);

	if (*p)
		drop(t, p);
}

void tracees_each(struct tracees *t, void (*fn)(struct tracee *, void *),
		  void *arg)
{
	for (size_t i = 0; i < TRACEES_BUCKETS; i++) {
		struct tracee *next;

		for (struct tracee *x = t->buckets[i]; x; x = next) {
			next = x->next;
			fn(x, arg);
		}
	}
}

void tracees_done(struct tracees *t)
{
	for (size_t i = 0; i < TRACEES_BUCKETS; i++)
		while (t->buckets[i])
			drop(t, &t->buckets[i]);
}
