/* SPDX-License-Identifier: MIT */
/*
 * sysent.c - table of notified system calls
 *
 * Numbers are those of the machine we are compiled for; the filter kills
 * foreign ABIs before anything is notified.
 */
#include "tracer/sysent.h"

#include <stddef.h>
#include <sys/syscall.h>

#include "base/macro.h"

#define ENTRY(call, fn)               \
	{                             \
		SYS_##call, #call, fn \
	}

static const struct sysent table[] = {
	ENTRY(execve, decode_exec),
	ENTRY(execveat, decode_exec),
#ifdef SYS_arch_prctl
	ENTRY(arch_prctl, request_continue),
#endif
	ENTRY(set_tid_address, request_continue),
};

/* System call numbers stay well below this on every machine we know. */
#define NR_MAX 1024

static const struct sysent *by_nr[NR_MAX];

__attribute__((constructor)) static void index_table(void)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		by_nr[table[i].nr] = &table[i];
}

const struct sysent *sysent_find(int nr)
{
	return nr >= 0 && nr < NR_MAX ? by_nr[nr] : NULL;
}
