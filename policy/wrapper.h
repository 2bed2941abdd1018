/* SPDX-License-Identifier: MIT */
/*
 * wrapper.h - commands that run another command named in their arguments
 * (private)
 */
#ifndef POLICY_WRAPPER_H
#define POLICY_WRAPPER_H

#include "policy/image.h"

/* True for a transparent command; base: lower-cased, without ".real". */
bool is_wrapper(const struct policy *p, struct str base);

/*
 * Index in argv (with argv[0]) of the payload's name, or 0 if there is none
 * (`env` alone). *ret_name is usually argv[index]; for `env -S` it is the first
 * word of the string.
 */
size_t wrapper_payload(struct str base, const struct str *argv, size_t argc,
		       struct str *ret_name);

#endif
