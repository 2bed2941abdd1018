/* SPDX-License-Identifier: MIT */
/*
 * verbs.h - flags and sub-commands of the verbs that main.c lists
 */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/command.h"

extern const struct command session_subs[], events_subs[], approve_subs[],
	debug_subs[], policy_subs[], config_subs[], proxy_subs[], detect_subs[],
	audit_subs[], trash_subs[], undo_subs[], checkpoint_subs[], shim_subs[];
extern const struct flag output_flags[], policy_flags[], config_flags[],
	report_flags[], detect_flags[], trash_flags[], undo_flags[],
	checkpoint_flags[], explain_flags[], wrap_flags[], init_flags[],
	backup_flags[], restore_flags[], undo_view_flags[], undo_show_flags[];

#define REDO_FLAGS (undo_flags + 1) /* all but the first, --redo */

#endif
