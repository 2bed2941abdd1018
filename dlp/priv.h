/* SPDX-License-Identifier: MIT */
/*
 * priv.h - what the files of dlp/ know of each other
 */
#ifndef DLP_PRIV_H
#define DLP_PRIV_H

#include "dlp/dlp.h"

struct dlp_type {
	char *name, *display; /* owned */
	enum dlp_group group;
	enum dlp_action action;
};

struct dlp_engine {
	struct dlp_type *types;
	size_t n_types;
};

#endif
