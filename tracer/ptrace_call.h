/* SPDX-License-Identifier: MIT */
/*
 * ptrace_call.h - system calls judged by ptrace; theory in ptrace_call.c
 */
#ifndef TRACER_PTRACE_CALL_H
#define TRACER_PTRACE_CALL_H

struct ptracer;
struct tracee;

/* x stopped where the filter says RET_TRACE. */
void ptracer_on_call(struct ptracer *p, struct tracee *x);

#endif
