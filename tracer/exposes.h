/* SPDX-License-Identifier: MIT */
/*
 * exposes.h - would a new name make something denied readable?
 */
#ifndef TRACER_EXPOSES_H
#define TRACER_EXPOSES_H

#include <stdbool.h>

#include "policy/policy.h"
#include "tracer/settings.h"

/*
 * True when anything below the directory fd (O_PATH; borrowed), whose path is
 * path, may not be opened under its present name: the directory must then keep
 * that name. Also true when that cannot be found out: too deep, too many
 * entries, not readable.
 */
bool exposes_denied(const struct policy *p, const struct settings *s, int fd,
		    struct str path);

#endif
