/* SPDX-License-Identifier: MIT */
/*
 * cmd_run.c - run: one command under the policy, without a server
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "cli/command.h"
#include "server/oneshot.h"

static int fail(const char *text)
{
	(void)fprintf(stderr, "agentsh: %s\n", text);
	return 2;
}

static const char *given(const struct cli *c, const char *name)
{
	const char *text = flag_text(&c->flags, name);

	return text && *text ? text : NULL;
}

/* A closed standard descriptor would be taken by one of ours. */
static void fill_standard_fds(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", fd ? O_WRONLY : O_RDONLY);
}

int cmd_run(struct cli *c)
{
	const char *timeout = given(c, "timeout");
	struct oneshot o = { .config = given(c, "config"),
			     .policy = given(c, "policy"),
			     .root = given(c, "root"),
			     .argv0 = given(c, "argv0"),
			     .argv = c->args,
			     .argc = (size_t)c->n_args,
			     .quiet = flag_bool(&c->flags, "quiet") };

	if (c->dash != 0 || c->n_args == 0 || !*c->args[0])
		return fail("usage: agentsh run [flags] -- COMMAND [ARG...]");
	if (timeout &&
	    (num_parse_duration(str_from(timeout), &o.timeout_ns) < 0 ||
	     o.timeout_ns <= 0))
		return fail("invalid --timeout (expected a duration like 30s "
			    "or 5m)");
	fill_standard_fds();
	log_init("agentsh", LOG_LEVEL_WARN);
	return oneshot_run(&o);
}
