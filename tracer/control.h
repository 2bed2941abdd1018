/* SPDX-License-Identifier: MIT */
/*
 * control.h - what the control data of a message says of its way
 */
#ifndef TRACER_CONTROL_H
#define TRACER_CONTROL_H

#include <stddef.h>

#define LOOPBACK_DEVICE 1 /* its index in every network namespace */

/*
 * For messages that are not for unix sockets; control: aligned as headers are.
 * 0: it goes where its address says. -EPERM: by another way; -EINVAL: cut.
 */
int control_stays(void *control, size_t len);

#endif
