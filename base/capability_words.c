/* SPDX-License-Identifier: MIT */
/*
 * capability_words.c - names of Linux capabilities by number
 *
 * A command may be left what lets it act as other users on files that it can
 * reach anyway: Landlock, the filter and the policy hold regardless of these.
 * The others speak of the machine, of other processes or of resources, which
 * nothing else holds it back from, or of calls that the filter refuses.
 */
#include "base/capability_words.h"

#include <strings.h>

#include "base/macro.h"

#define MACHINE "it is about the whole machine"
#define USELESS "the calls that it is for are refused in a session"

static const struct {
	const char *name, *refused;
} words[] = {
	{ "CHOWN", NULL },
	{ "DAC_OVERRIDE", NULL },
	{ "DAC_READ_SEARCH",
	  "it opens files by handle, past every directory; "
	  "DAC_OVERRIDE lets commands read what others own" },
	{ "FOWNER", NULL },
	{ "FSETID", NULL },
	{ "KILL", NULL },
	{ "SETGID", NULL },
	{ "SETUID", NULL },
	{ "SETPCAP", NULL },
	{ "LINUX_IMMUTABLE", "what is made immutable cannot be undone" },
	{ "NET_BIND_SERVICE", NULL },
	{ "NET_BROADCAST", USELESS },
	{ "NET_ADMIN", "it changes the network that commands are kept from" },
	{ "NET_RAW", "raw packets pass the proxy and every rule" },
	{ "IPC_LOCK", NULL },
	{ "IPC_OWNER", "it reaches shared memory of other users' processes" },
	{ "SYS_MODULE", MACHINE },
	{ "SYS_RAWIO", MACHINE },
	{ "SYS_CHROOT", "paths are judged from the session's root" },
	{ "SYS_PTRACE", "it reads and changes other processes" },
	{ "SYS_PACCT", MACHINE },
	{ "SYS_ADMIN", "it undoes what confines commands" },
	{ "SYS_BOOT", MACHINE },
	{ "SYS_NICE", "it takes CPU time beyond the limits" },
	{ "SYS_RESOURCE", "it takes resources beyond the limits" },
	{ "SYS_TIME", MACHINE },
	{ "SYS_TTY_CONFIG", MACHINE },
	{ "MKNOD", NULL },
	{ "LEASE", USELESS },
	{ "AUDIT_WRITE", USELESS },
	{ "AUDIT_CONTROL", MACHINE },
	{ "SETFCAP", "programs with capabilities outlive the session" },
	{ "MAC_OVERRIDE", MACHINE },
	{ "MAC_ADMIN", MACHINE },
	{ "SYSLOG", MACHINE },
	{ "WAKE_ALARM", MACHINE },
	{ "BLOCK_SUSPEND", MACHINE },
	{ "AUDIT_READ", MACHINE },
	{ "PERFMON", "it looks into other processes" },
	{ "BPF", "it looks into other processes" },
	{ "CHECKPOINT_RESTORE", USELESS },
};

int capability_from_word(struct str word)
{
	if (word.n > 4 && strncasecmp(word.p, "CAP_", 4) == 0)
		word = str_skip(word, 4);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_from(words[i].name).n == word.n &&
		    strncasecmp(words[i].name, word.p, word.n) == 0)
			return (int)i;
	return -1;
}

const char *capability_name(int number)
{
	return number >= 0 && (size_t)number < ARRAY_LEN(words)
		       ? words[number].name
		       : NULL;
}

const char *capability_refused(int number)
{
	return capability_name(number) ? words[number].refused
				       : "there is no such capability";
}
