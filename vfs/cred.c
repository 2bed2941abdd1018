/* SPDX-License-Identifier: MIT */
/*
 * cred.c - acting for the caller
 *
 * The kernel has checked permissions (default_permissions); we make files with
 * the caller's owner and umask. File-system uid and gid, umask and
 * capabilities are per thread on Linux, so each request thread has its own and
 * remembers what it set: an agent with one uid costs no system call.
 *
 * Should: keep the DAC capabilities when the file-system uid changes
 * (SECBIT_NO_SETUID_FIXUP), for the kernel has decided already.
 * Must not: keep CAP_FSETID, or set-id bits would survive writes (but of those
 * who have it themselves, caller.h); nor write as one of the file's group, whom
 * the kernel leaves a set-group-id bit without execution by the group.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vfs/vfs.h"

#define NOBODYS_GROUP ((gid_t)-2)

static _Thread_local struct {
	uid_t uid;
	gid_t gid;
	mode_t umask;
	bool ready;
	struct __user_cap_data_struct caps[2];
} self;

static int set_caps(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};

	return syscall(SYS_capset, &head, self.caps) < 0 ? -errno : 0;
}

int cred_thread_init(struct vfs *v)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};

	/* umask is shared between threads otherwise. */
	if (unshare(CLONE_FS) < 0)
		return -errno;
	(void)umask(0);
	self.umask = 0;
	self.uid = geteuid();
	self.gid = getegid();
	if (!v->privileged)
		return 0;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0)
		return -errno;
	/* This thread's alone; without them cred_stranger() is one. */
	(void)syscall(SYS_setgroups, 0, NULL);
	if (syscall(SYS_capget, &head, self.caps) < 0)
		return -errno;
	self.ready = true;
	cred_fsetid(false);
	return 0;
}

void cred_become(struct vfs *v, uid_t uid, gid_t gid, mode_t mask)
{
	if (self.umask != mask) {
		(void)umask(mask);
		self.umask = mask;
	}
	if (!v->privileged)
		return;
	if (self.gid != gid) {
		(void)setfsgid(gid);
		self.gid = gid;
	}
	if (self.uid != uid) {
		(void)setfsuid(uid);
		self.uid = uid;
	}
}

void cred_stranger(struct vfs *v)
{
	if (!v->privileged || self.gid == NOBODYS_GROUP)
		return;
	(void)setfsgid(NOBODYS_GROUP);
	self.gid = NOBODYS_GROUP;
}

void cred_fsetid(bool on)
{
	uint32_t bit = 1U << CAP_FSETID;

	uint32_t now = self.caps[0].effective & ~bit;

	if (on)
		now |= bit & self.caps[0].permitted;
	if (!self.ready || now == self.caps[0].effective)
		return;
	self.caps[0].effective = now;
	(void)set_caps();
}
