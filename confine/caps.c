/* SPDX-License-Identifier: MIT */
/*
 * caps.c - capability sets
 *
 * Raw system calls only: libcap's setters allocate, and this runs between
 * clone and exec, possibly in memory shared with the parent.
 */
#include "confine/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_CAP_AMBIENT
#	define PR_CAP_AMBIENT           47
#	define PR_CAP_AMBIENT_RAISE     2
#	define PR_CAP_AMBIENT_CLEAR_ALL 4
#endif

/* With SECBIT_NO_CAP_AMBIENT_RAISE and its lock: 4.3; not in every libc's
 * header. */
#define SECURE_LOCK                                                       \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED | \
	 1 << 6 | 1 << 7)

static int cap_read(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	return syscall(SYS_capget, &h, data) < 0 ? -errno : 0;
}

static int cap_write(const struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	return syscall(SYS_capset, &h, data) < 0 ? -errno : 0;
}

static uint64_t cap_join(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

static uint64_t cap_bounding(void)
{
	uint64_t set = 0;

	for (unsigned int i = 0; i < 64; i++) {
		int r = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

		if (r < 0)
			break;
		if (r > 0)
			set |= UINT64_C(1) << i;
	}
	return set;
}

int caps_get(uint64_t *effective, uint64_t *permitted, uint64_t *bounding)
{
	struct __user_cap_data_struct d[2] = { { 0 } };
	int r = cap_read(d);

	if (r < 0)
		return r;
	*effective = cap_join(d[0].effective, d[1].effective);
	*permitted = cap_join(d[0].permitted, d[1].permitted);
	*bounding = cap_bounding();
	return 0;
}

/*
 * Needs CAP_SETPCAP. A process without it keeps its bounding set, which then
 * only matters for set-id and file-capability programs: no_new_privs, the next
 * step of the plan, makes those gain nothing.
 */
static int cap_drop_bounding(uint64_t keep)
{
	for (unsigned int i = 0; i < 64; i++) {
		if (keep >> i & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			/* beyond the last one of this kernel */
			return errno == EINVAL ? 0 : -errno;
	}
	return 0;
}

/* For the bounding set and the securebits, where it is permitted. */
static int raise_setpcap(struct __user_cap_data_struct d[2])
{
	if (!(d[0].permitted >> CAP_SETPCAP & 1) ||
	    (d[0].effective >> CAP_SETPCAP & 1))
		return 0;
	d[0].effective |= 1U << CAP_SETPCAP;
	return cap_write(d);
}

/* Root keeps what it has across an exec, other users only by this. */
static int keep_ambient(uint64_t keep)
{
	for (unsigned int i = 0; i < 64; i++)
		if ((keep >> i & 1) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			return -errno;
	return 0;
}

int caps_restrict(uint64_t keep)
{
	struct __user_cap_data_struct d[2] = { { 0 } };
	bool ambient = keep && geteuid() != 0;
	int r = cap_read(d);

	if (r == 0)
		r = raise_setpcap(d);
	if (r < 0)
		return r;
	if (d[0].effective >> CAP_SETPCAP & 1) {
		r = cap_drop_bounding(keep);
		if (r < 0)
			return r;
		/*
		 * NOROOT: a later exec as uid 0 gains nothing. With something
		 * to keep, that rule is just what carries it across exec, and
		 * its rules are to be those of any process.
		 */
		if (prctl(PR_SET_SECUREBITS, keep ? 0 : SECURE_LOCK, 0, 0, 0) <
			    0 &&
		    errno != EPERM && errno != EINVAL)
			return -errno;
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 &&
	    errno != EINVAL)
		return -errno;
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t k = (uint32_t)(keep >> (32 * i));

		d[i].permitted &= k;
		d[i].effective = d[i].permitted;
		d[i].inheritable = ambient ? d[i].permitted : 0;
	}
	r = cap_write(d);
	if (r < 0 || !ambient)
		return r;
	return keep_ambient(cap_join(d[0].permitted, d[1].permitted));
}

int caps_effective(uint64_t set)
{
	struct __user_cap_data_struct d[2] = { { 0 } };
	int r = cap_read(d);

	if (r < 0)
		return r;
	d[0].effective = (uint32_t)set;
	d[1].effective = (uint32_t)(set >> 32);
	return cap_write(d);
}
