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
/* x, which makes calls in the place of its own, stopped at one of them. */
void injection_stop(struct ptracer *p, struct tracee *x);
/* x was stopped by something else in the middle: it goes on. */
void injection_resume(const struct tracee *x);
/* x will not finish them. */
void injection_drop(struct ptracer *p, struct tracee *x);

#endif
