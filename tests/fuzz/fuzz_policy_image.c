/* SPDX-License-Identifier: MIT */
/*
 * fuzz_policy_image.c - damaged policy images are refused or harmless
 *
 * Input: edits of a sound image, each four bytes of offset and one of value.
 * The checksum is put right afterwards, so that only the checks of the contents
 * stand between the damage and the readers.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/image.h"
#include "policy_ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char yaml[] =
	"version: 1\nname: f\n"
	"file_rules:\n"
	"- {name: a, paths: ['/workspace/**', '**/x*y*'], decision: allow}\n"
	"- {name: b, paths: ['/etc/{shadow,passwd}', '/a[bc]d/*'], decision: deny}\n"
	"- {name: m, paths: ['**/node_modules/**', '/x/'], decision: audit}\n"
	"command_rules:\n"
	"- {name: c, commands: [nc, 'g*', '/usr/bin/*'], decision: deny}\n"
	"- {name: d, args_patterns: ['^-c (a|b)+'], decision: approve}\n"
	"- {name: r, commands: [bash], decision: redirect,"
	" redirect_to: {command: ls, args: [x], environment: {A: b}}}\n"
	"network_rules:\n"
	"- {name: e, domains: ['*.evil.com'], ports: [443], decision: deny}\n"
	"- {name: f, cidrs: ['10.0.0.0/8', '::/0'], decision: allow}\n"
	"unix_socket_rules:\n"
	"- {name: g, paths: ['/run/**'], decision: allow}\n"
	"signal_rules:\n"
	"- {name: h, signals: ['@all'], target: {type: children}, decision: allow}\n"
	"http_services:\n"
	"- {name: api, upstream: 'https://x.example', rules: ["
	"{name: i, methods: [GET], paths: ['/v1/*'], decision: allow}]}\n"
	"env_inject: {X: y}\n"
	"env_policy: {allow: ['P*'], deny: [Z]}\n";

static struct policy *sound(void)
{
	static struct policy *p;
	struct diag d = DIAG_INIT;

	if (!p && policy_compile("f", str_from(yaml), NULL, 1, &p, &d) < 0)
		abort();
	diag_done(&d);
	return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct policy *p = sound();
	struct policy damaged = *p;
	struct img_header *h;
	char *block = malloc(p->size);

	if (!block)
		return 0;
	memcpy(block, p->base, p->size);
	for (size_t i = 0; i + 5 <= size && i < 5000; i += 5) {
		uint32_t at;

		memcpy(&at, data + i, sizeof(at));
		block[at % p->size] = (char)data[i + 4];
	}
	h = (struct img_header *)(void *)block;
	h->checksum = img_checksum(block, p->size);
	if (image_check(block, p->size) == 0) {
		damaged.h = h;
		damaged.base = block;
		decide_everything(&damaged);
	}
	free(block);
	return 0;
}
