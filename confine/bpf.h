/* SPDX-License-Identifier: MIT */
/*
 * bpf.h - a classic BPF program under construction
 *
 * Structured: conditions open a block that bpf_end() closes, so no jump offset
 * is written by hand. The first error (program too long, jump too far) sticks
 * in `error`; callers emit freely and check once.
 */
#ifndef CONFINE_BPF_H
#define CONFINE_BPF_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

struct bpf {
	struct sock_filter insns[BPF_MAXINSNS];
	size_t n;
	int error; /* 0 or -E2BIG */
};

void bpf_emit(struct bpf *b, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k);
/* A = 32-bit word of struct seccomp_data at offset. */
void bpf_load(struct bpf *b, size_t offset);
/* A = low or high half of syscall argument i. */
void bpf_load_arg(struct bpf *b, unsigned int i);
void bpf_load_arg_high(struct bpf *b, unsigned int i);
void bpf_and(struct bpf *b, uint32_t mask);
void bpf_ret(struct bpf *b, uint32_t action);

/* The block until bpf_end() runs only if A == k, != k, & k. */
size_t bpf_if_eq(struct bpf *b, uint32_t k);
size_t bpf_if_ne(struct bpf *b, uint32_t k);
size_t bpf_if_set(struct bpf *b, uint32_t mask);
void bpf_end(struct bpf *b, size_t block);

/* One-line blocks: return `action` if the condition holds. */
void bpf_ret_eq(struct bpf *b, uint32_t k, uint32_t action);
void bpf_ret_ne(struct bpf *b, uint32_t k, uint32_t action);
void bpf_ret_set(struct bpf *b, uint32_t mask, uint32_t action);

/*
 * Runs a program that was built here over the n bytes at data, as the kernel
 * would. What it cannot understand counts as SECCOMP_RET_KILL_PROCESS.
 */
uint32_t bpf_run(const struct sock_fprog *p, const void *data, size_t n);

/*
 * Binary decision: bpf_fork(b, k) opens the half for A < k, bpf_join() ends
 * it; what follows is for A >= k. Halves of any length.
 */
size_t bpf_fork(struct bpf *b, uint32_t k);
void bpf_join(struct bpf *b, size_t fork);

/*
 * Makes a finished program shorter; it answers as before. Nothing may be added
 * to it afterwards. One with an error stays as it is.
 */
void bpf_shrink(struct bpf *b);

#endif
