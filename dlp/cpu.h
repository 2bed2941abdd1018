/* SPDX-License-Identifier: MIT */
/*
 * cpu.h - what the processor can do
 *
 * Asked of the C library (glibc 2.34), which has looked once already. The
 * compiler's builtin looks for itself, in a constructor of every program that
 * has it linked, and to ask a virtual processor leaves the machine each time:
 * 30 us of each start here.
 */
#ifndef DLP_CPU_H
#define DLP_CPU_H

#if defined(__x86_64__)
#	if defined(__has_include)
#		if __has_include(<sys/platform/x86.h>)
#			include <sys/platform/x86.h>
#		endif
#	endif
#	ifdef CPU_FEATURE_ACTIVE
#		define CPU_HAS(name, NAME) CPU_FEATURE_ACTIVE(NAME)
#	else
#		define CPU_HAS(name, NAME) (__builtin_cpu_supports(name) != 0)
#	endif
#endif

#endif
