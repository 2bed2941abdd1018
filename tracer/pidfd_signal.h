/* SPDX-License-Identifier: MIT */
/*
 * pidfd_signal.h - a signal by pidfd, sent for its caller to whom it was judged
 * for
 */
#ifndef TRACER_PIDFD_SIGNAL_H
#define TRACER_PIDFD_SIGNAL_H

#include <sys/types.h>

struct request;

/*
 * q is a pidfd_send_signal() that was judged to hit process or thread target
 * (behind pidfd, borrowed; -1: it is a thread), or with PIDFD_SIGNAL_PROCESS_GROUP
 * its group pgrp. Sends it. 0, or -errno as the caller is to have it.
 */
int pidfd_signal(struct request *q, pid_t target, int pidfd, pid_t pgrp);

#endif
