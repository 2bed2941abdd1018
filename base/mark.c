/* SPDX-License-Identifier: MIT */
/*
 * mark.c - what any agentsh of this machine knows commands of any other by
 *
 * The mark is the hard limit of bytes in POSIX message queues, one below the
 * kernel's default (ipc/mqueue.c: MQ_BYTES_MAX): raising it takes
 * CAP_SYS_RESOURCE, which no command is left.
 */
#include "base/mark.h"

#include <errno.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/num.h"
#include "base/proc.h"
#include "base/str.h"

#define MARK 819199U

int mark_self(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_MSGQUEUE, &l) < 0)
		return -errno;
	if (l.rlim_max > MARK)
		l.rlim_max = MARK;
	else if (l.rlim_max > 0) /* marked already: a session in a session */
		l.rlim_max--;
	if (l.rlim_cur > l.rlim_max)
		l.rlim_cur = l.rlim_max;
	return setrlimit(RLIMIT_MSGQUEUE, &l) < 0 ? -errno : 0;
}

/* "Max msgqueue size   SOFT   HARD   bytes" */
static int limit_of(pid_t pid, uint64_t *ret)
{
	_cleanup_buf_ struct buf file = BUF_INIT;
	struct str rest, line, word, hard = STR_NONE;
	int r = proc_limits(pid, &file);

	if (r < 0)
		return r;
	rest = buf_str(&file);
	while (str_split(&rest, '\n', &line)) {
		unsigned int n = 0;

		if (!str_starts(line, STR("Max msgqueue size ")))
			continue;
		line = str_skip(line, sizeof("Max msgqueue size ") - 1);
		while (n < 2 && str_split(&line, ' ', &word))
			if (word.n) {
				hard = word;
				n++;
			}
		if (str_eq_c(hard, "unlimited"))
			hard = STR("18446744073709551615");
		return n < 2 ? -EBADMSG : num_parse_u64(hard, ret);
	}
	return -ENODATA;
}

bool mark_is_on(pid_t pid)
{
	struct rlimit own;
	uint64_t theirs;

	if (limit_of(pid, &theirs) < 0 || theirs > MARK ||
	    getrlimit(RLIMIT_MSGQUEUE, &own) < 0 || theirs >= own.rlim_max)
		return false;
	return theirs == MARK || proc_is_confined(pid);
}
