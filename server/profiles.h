/* SPDX-License-Identifier: MIT */
/*
 * profiles.h - mount_profiles: one session, several policies, by directory
 */
#ifndef SERVER_PROFILES_H
#define SERVER_PROFILES_H

#include "server/settings.h"

struct json_writer;

/*
 * Copies mount_profiles. Return: 0; -EINVAL with the profile, what is wrong
 * and the fix in diag; -ENOMEM.
 */
int profiles_set(struct settings *s, const struct config *c, struct diag *diag);
/* NULL: there is none of that name. Lives as long as s. */
const struct setting_profile *profiles_find(const struct settings *s,
					    struct str name);
/* The array of GET /api/v1/profiles. */
void profiles_to_json(const struct settings *s, struct json_writer *w);

#endif
