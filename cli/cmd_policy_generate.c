/* SPDX-License-Identifier: MIT */
/*
 * cmd_policy_generate.c - policy generate: from a session's events
 */
#include "base/clock.h"
#include "base/diag.h"
#include "cli/generate.h"
#include "cli/history.h"
#include "cli/output.h"
#include "policy/policy.h"

/* What we wrote must load; 1 with the reason printed if it does not. */
static int check(struct str text)
{
	_cleanup_diag_ struct diag diag = DIAG_INIT;

	if (policy_validate("generated policy", text, &diag) == 0)
		return 0;
	out_diag(&diag);
	return 1;
}

int cmd_policy_generate(struct cli *c)
{
	_cleanup_arena_ struct arena a = ARENA_INIT((size_t)2 << 30);
	_cleanup_buf_ struct buf id = BUF_INIT, b = BUF_INIT, name = BUF_INIT;
	const char *given = flag_text(&c->flags, "name");
	int64_t threshold = flag_int(&c->flags, "threshold");
	struct generate_input in = {
		.now_ns = clock_realtime_ns(),
		.blocked = flag_bool(&c->flags, "include-blocked"),
		.arg_patterns = flag_bool(&c->flags, "arg-patterns"),
	};
	int status, r;

	if (threshold < 2 || threshold > 1000000)
		return fail("invalid --threshold %lld (expected 2 to 1000000)",
			    (long long)threshold);
	in.threshold = (unsigned int)threshold;
	status = history_load(c, &a, &id, &in.events);
	if (status)
		return status;
	buf_printf(&name, "generated-%s", buf_cstr(&id));
	in.name = given[0] ? given : buf_cstr(&name);
	in.session = buf_cstr(&id);
	r = generate_policy(&in, &b);
	if (r < 0)
		return fail_errno(r, "generate a policy for session %s",
				  in.session);
	status = check(buf_str(&b));
	return status ? status
		      : out_file(flag_text(&c->flags, "output"), "Policy", &b);
}
