/* SPDX-License-Identifier: MIT */
/*
 * project.h - where the project around a workspace begins
 */
#ifndef SERVER_PROJECT_H
#define SERVER_PROJECT_H

#include "server/settings.h"

/*
 * Walks up from dir (absolute, resolved). *ret_project and *ret_git are heap
 * strings; dir itself where nothing is found for project, "" for git.
 */
int project_detect(const struct settings *cfg, const char *dir,
		   char **ret_project, char **ret_git);

#endif
