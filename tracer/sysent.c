/* SPDX-License-Identifier: MIT */
/*
 * sysent.c - table of notified system calls
 *
 * Numbers are those of the machine we are compiled for; the filter kills
 * foreign ABIs before anything is notified.
 */
#include "tracer/sysent.h"

#include <stddef.h>
#include <sys/syscall.h>

#include "base/macro.h"

#define ENTRY(call, fn)               \
	{                             \
		SYS_##call, #call, fn \
	}

static const struct sysent table[] = {
	ENTRY(execve, decode_exec),
	ENTRY(execveat, decode_exec),
	ENTRY(set_tid_address, request_continue),

	ENTRY(chdir, decode_chdir),
	ENTRY(fchdir, decode_chdir),
	ENTRY(inotify_add_watch, decode_watch),

	ENTRY(openat, decode_open),
	ENTRY(openat2, decode_openat2),
	ENTRY(unlinkat, decode_unlinkat),
	ENTRY(renameat2, decode_renameat),
	ENTRY(linkat, decode_linkat),
	ENTRY(symlinkat, decode_symlink),
	ENTRY(mkdirat, decode_mkdir),
	ENTRY(mknodat, decode_mknod),
	ENTRY(truncate, decode_truncate),
	ENTRY(ftruncate, decode_shorten),
	ENTRY(fallocate, decode_shorten),
	ENTRY(fcntl, decode_shorten),
	ENTRY(pwritev2, decode_shorten),

	ENTRY(fchmod, decode_fchmod),
	ENTRY(fchmodat, decode_fchmodat),
	ENTRY(fchown, decode_fchown),
	ENTRY(fchownat, decode_fchownat),
	ENTRY(utimensat, decode_utimensat),
	ENTRY(setxattr, decode_setxattr),
	ENTRY(lsetxattr, decode_setxattr),
	ENTRY(fsetxattr, decode_fsetxattr),
	ENTRY(removexattr, decode_setxattr),
	ENTRY(lremovexattr, decode_setxattr),
	ENTRY(fremovexattr, decode_fsetxattr),
	{ 452, "fchmodat2", decode_fchmodat },
	{ 463, "setxattrat", decode_xattrat },
	{ 466, "removexattrat", decode_xattrat },
	{ 469, "file_setattr", decode_file_setattr },

	ENTRY(newfstatat, decode_stat),
	ENTRY(statx, decode_stat),
	ENTRY(fstat, decode_stat),
	ENTRY(faccessat, decode_stat),
	{ 439, "faccessat2", decode_stat },
	ENTRY(readlinkat, decode_stat),

	ENTRY(connect, decode_connect),
	ENTRY(bind, decode_bind),
	ENTRY(listen, decode_listen),
	ENTRY(sendto, decode_sendto),
	ENTRY(sendmsg, decode_sendmsg),
	ENTRY(sendmmsg, decode_sendmmsg),
	ENTRY(recvfrom, decode_recvfrom),
	ENTRY(recvmsg, decode_recvmsg),

	ENTRY(kill, decode_kill),
	ENTRY(tkill, decode_kill),
	ENTRY(tgkill, decode_kill),
	ENTRY(rt_sigqueueinfo, decode_kill),
	ENTRY(rt_tgsigqueueinfo, decode_kill),
	ENTRY(pidfd_send_signal, decode_kill),

#ifdef SYS_renameat
	ENTRY(renameat, decode_renameat),
#endif
#ifdef __x86_64__ /* calls that newer machines do without */
	ENTRY(arch_prctl, request_continue),
	ENTRY(open, decode_open),
	ENTRY(creat, decode_creat),
	ENTRY(unlink, decode_unlink),
	ENTRY(rmdir, decode_rmdir),
	ENTRY(rename, decode_rename),
	ENTRY(link, decode_link),
	ENTRY(symlink, decode_symlink),
	ENTRY(mkdir, decode_mkdir),
	ENTRY(mknod, decode_mknod),
	ENTRY(chmod, decode_chmod),
	ENTRY(chown, decode_chown),
	ENTRY(lchown, decode_chown),
	ENTRY(utime, decode_utime),
	ENTRY(utimes, decode_utime),
	ENTRY(futimesat, decode_utime),
	ENTRY(stat, decode_stat),
	ENTRY(lstat, decode_stat),
	ENTRY(access, decode_stat),
	ENTRY(readlink, decode_stat),
#endif
};

/* System call numbers stay well below this on every machine we know. */
#define NR_MAX 1024

static const struct sysent *by_nr[NR_MAX];

__attribute__((constructor)) static void index_table(void)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		by_nr[table[i].nr] = &table[i];
}

const struct sysent *sysent_find(int nr)
{
	return nr >= 0 && nr < NR_MAX ? by_nr[nr] : NULL;
}
