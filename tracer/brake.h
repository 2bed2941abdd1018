/* SPDX-License-Identifier: MIT */
/*
 * brake.h - stops a command that destroys more than it was meant to
 *
 * Counted is what the command removed and changed of what was there before it
 * (the undo journal's figures), so what it made itself does not matter. Over a
 * limit every further destroying call is refused (EPERM), or held until a
 * person approves it; once approved, the command goes on unhindered.
 */
#ifndef TRACER_BRAKE_H
#define TRACER_BRAKE_H

struct file_call;

enum brake {
	BRAKE_OFF = 0, /* also: below the limits, nothing destroyed */
	BRAKE_APPROVE,
	BRAKE_DENY,
};

enum brake brake_check(const struct file_call *f);

#endif
