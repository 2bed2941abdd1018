/* SPDX-License-Identifier: MIT */
/*
 * bpf.c - a classic BPF program under construction
 *
 * Conditional jumps reach 255 instructions; bpf_join() inserts a long jump
 * where that is not enough. All offsets are relative, so a finished piece can
 * be shifted as a whole.
 */
#include "confine/bpf.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>

#include "base/macro.h"

#define ARG(i) (offsetof(struct seccomp_data, args) + 8 * (size_t)(i))

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#	define LOW  0
#	define HIGH 4
#else
#	define LOW  4
#	define HIGH 0
#endif

void bpf_emit(struct bpf *b, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	if (b->n >= ARRAY_LEN(b->insns)) {
		b->error = -E2BIG;
		return;
	}
	b->insns[b->n++] = (struct sock_filter){ code, jt, jf, k };
}

void bpf_load(struct bpf *b, size_t offset)
{
	bpf_emit(b, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

void bpf_load_arg(struct bpf *b, unsigned int i)
{
	bpf_load(b, ARG(i) + LOW);
}

void bpf_load_arg_high(struct bpf *b, unsigned int i)
{
	bpf_load(b, ARG(i) + HIGH);
}

void bpf_and(struct bpf *b, uint32_t mask)
{
	bpf_emit(b, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
}

void bpf_ret(struct bpf *b, uint32_t action)
{
	bpf_emit(b, BPF_RET | BPF_K, 0, 0, action);
}

/* A block is its jump's index; the jump's k is final, jt/jf are not. */
size_t bpf_if_eq(struct bpf *b, uint32_t k)
{
	bpf_emit(b, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, k);
	return b->n - 1;
}

size_t bpf_if_ne(struct bpf *b, uint32_t k)
{
	bpf_emit(b, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, k);
	return b->n - 1;
}

size_t bpf_if_set(struct bpf *b, uint32_t mask)
{
	bpf_emit(b, BPF_JMP | BPF_JSET | BPF_K, 0, 1, mask);
	return b->n - 1;
}

void bpf_end(struct bpf *b, size_t block)
{
	size_t length = b->n - block - 1;

	if (length > UINT8_MAX || b->error) {
		b->error = -E2BIG;
		return;
	}
	if (b->insns[block].jf)
		b->insns[block].jf = (uint8_t)length;
	else
		b->insns[block].jt = (uint8_t)length;
}

void bpf_ret_eq(struct bpf *b, uint32_t k, uint32_t action)
{
	size_t block = bpf_if_eq(b, k);

	bpf_ret(b, action);
	bpf_end(b, block);
}

void bpf_ret_ne(struct bpf *b, uint32_t k, uint32_t action)
{
	size_t block = bpf_if_ne(b, k);

	bpf_ret(b, action);
	bpf_end(b, block);
}

void bpf_ret_set(struct bpf *b, uint32_t mask, uint32_t action)
{
	size_t block = bpf_if_set(b, mask);

	bpf_ret(b, action);
	bpf_end(b, block);
}

size_t bpf_fork(struct bpf *b, uint32_t k)
{
	bpf_emit(b, BPF_JMP | BPF_JGE | BPF_K, 1, 0, k);
	return b->n - 1;
}

void bpf_join(struct bpf *b, size_t fork)
{
	size_t length = b->n - fork - 1;

	if (b->error)
		return;
	if (length <= UINT8_MAX) {
		b->insns[fork].jt = (uint8_t)length;
		return;
	}
	bpf_emit(b, BPF_JMP | BPF_JA, 0, 0, 0); /* room for one more */
	if (b->error)
		return;
	memmove(&b->insns[fork + 2], &b->insns[fork + 1],
		length * sizeof(b->insns[0]));
	b->insns[fork].jt = 0;
	b->insns[fork].jf = 1;
	b->insns[fork + 1] = (struct sock_filter){ BPF_JMP | BPF_JA, 0, 0,
						   (uint32_t)length };
}

static bool holds(const struct sock_filter *i, uint32_t a)
{
	switch (BPF_OP(i->code)) {
	case BPF_JEQ:
		return a == i->k;
	case BPF_JGE:
		return a >= i->k;
	default:
		return (a & i->k) != 0;
	}
}

uint32_t bpf_run(const struct sock_fprog *p, const void *data, size_t n)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < p->len; pc++) {
		const struct sock_filter *i = &p->filter[pc];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (i->k > n - sizeof(a))
				return SECCOMP_RET_KILL_PROCESS;
			memcpy(&a, (const char *)data + i->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += holds(i, a) ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			return SECCOMP_RET_KILL_PROCESS;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}
