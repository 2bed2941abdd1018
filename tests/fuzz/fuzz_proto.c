/* SPDX-License-Identifier: MIT */
/*
 * fuzz_proto.c - bodies of channel messages; the first byte picks the type
 *
 * The encoding is canonical: what decodes encodes to the same bytes.
 */
#include <assert.h>
#include <stdint.h>

#include "core/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(name, ...)                                            \
	static void check_##name(struct str in, struct arena *a)    \
	{                                                           \
		_cleanup_buf_ struct buf out = BUF_INIT;            \
		struct proto_##name m;                              \
                                                                    \
		(void)a;                                            \
		if (proto_##name##_decode(in, __VA_ARGS__ & m) < 0) \
			return;                                     \
		assert(proto_##name##_encode(&m, &out) == 0);       \
		assert(str_eq(buf_str(&out), in));                  \
	}
#define WITH_ARENA a,

CHECK(hello, )
CHECK(spawn, WITH_ARENA)
CHECK(signal, )
CHECK(ready, WITH_ARENA)
CHECK(spawned, WITH_ARENA)
CHECK(exited, )
CHECK(approval_ask, )
CHECK(approval, )

static void (*const checks[])(struct str, struct arena *) = {
	check_hello,   check_spawn,  check_signal,       check_ready,
	check_spawned, check_exited, check_approval_ask, check_approval,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(16U << 20);

	if (size)
		checks[data[0] % ARRAY_LEN(checks)](
			str_from_n((const char *)data + 1, size - 1), &a);
	return 0;
}
