/* SPDX-License-Identifier: MIT */
/*
 * device.h - files that are no files: devices, terminals, settings of processes
 */
#ifndef TRACER_DEVICE_H
#define TRACER_DEVICE_H

#include "core/op.h"
#include "tracer/file.h"

struct grant_set;
struct tracer;

/*
 * Is this call refused because of what f->a is? op: what the policy is going to
 * be asked. Return: the name for the record of what refuses it, or NULL. Only
 * what is held (f->a.fd) is looked at.
 */
const char *device_refuses(const struct file_call *f, const struct op *op);
/* The same for readers that nobody sees: holes in what Landlock grants. */
int device_holes(const struct tracer *t, struct grant_set *g);

#endif
