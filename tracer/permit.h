/* SPDX-License-Identifier: MIT */
/*
 * permit.h - what the kernel would ask of a caller whose files we keep
 */
#ifndef TRACER_PERMIT_H
#define TRACER_PERMIT_H

#include "tracer/file.h"

/*
 * May the caller, who this thread is, remove f->a (and its name), or move it to
 * f->b? 0, -EACCES, -EPERM or -EROFS, in the kernel's order.
 */
int permit_remove(const struct file_call *f);
int permit_rename(const struct file_call *f);

#endif
