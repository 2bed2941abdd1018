/* SPDX-License-Identifier: MIT */
/*
 * shield.c - what this process may still do once it reads what commands send
 *
 * The proxy parses what hostile programs and hosts say. It is started with the
 * server's rights, needs some of them to make listeners and namespaces, and to
 * read secrets, and then none any more. Somebody who takes it over can dial what
 * it can dial and knows the secrets in its memory; he is not to get more: no
 * file of the host, no other process, no program, no way to be reached.
 *
 * The filter names what is forbidden, not what is needed: allocators and
 * libraries differ in what they call. Numbers it does not know, of later
 * kernels, are refused as not implemented.
 */
#include "netproxy/shield.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "base/mark.h"
#include "confine/bpf.h"
#include "confine/caps.h"
#include "confine/landlock.h"

#define DENIED(e)   (SECCOMP_RET_ERRNO | (uint32_t)(e))
#define LAST_KNOWN  461 /* lsm_list_modules, 6.8 */
#define SOCKET_TYPE 0xf
#if defined(__x86_64__)
#	define ARCH AUDIT_ARCH_X86_64
#	define X32  0x40000000U
#elif defined(__aarch64__)
#	define ARCH AUDIT_ARCH_AARCH64
#endif

static const uint16_t forbidden[] = {
#ifdef SYS_fork
	SYS_fork,
	SYS_vfork,
	SYS_iopl,
	SYS_ioperm,
	SYS_mknod,
	SYS_chown,
	SYS_lchown,
	SYS_modify_ldt,
#endif
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kcmp,
	SYS_kill,
	SYS_tkill,
	SYS_rt_sigqueueinfo,
	SYS_rt_tgsigqueueinfo,
	SYS_pidfd_send_signal,
	SYS_pidfd_open,
	438 /* pidfd_getfd */,
	440 /* process_madvise */,
	448 /* process_mrelease */,
	SYS_setns,
	SYS_unshare,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_move_mount,
	SYS_open_tree,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_fspick,
	442 /* mount_setattr */,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
	SYS_io_setup,
	SYS_io_submit,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_clock_adjtime,
	SYS_acct,
	SYS_quotactl,
	SYS_syslog,
	SYS_name_to_handle_at,
	SYS_open_by_handle_at,
	SYS_personality,
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setgroups,
	SYS_setfsuid,
	SYS_setfsgid,
	SYS_capset,
	SYS_mknodat,
	SYS_fchown,
	SYS_fchownat,
	SYS_fanotify_init,
	SYS_fanotify_mark,
	SYS_bind,
	SYS_listen,
	SYS_shmget,
	SYS_shmat,
	SYS_msgget,
	SYS_semget,
	SYS_mq_open,
	SYS_migrate_pages,
	SYS_move_pages,
	SYS_vhangup,
	SYS_seccomp,
};

static int by_number(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static void put_arguments(struct bpf *b)
{
	size_t block = bpf_if_eq(b, SYS_socket);

	bpf_load_arg(b, 1);
	bpf_and(b, SOCKET_TYPE);
	bpf_ret_eq(b, SOCK_RAW, DENIED(EPERM));
	bpf_ret_eq(b, SOCK_PACKET, DENIED(EPERM));
	bpf_load_arg(b, 0);
	bpf_ret_eq(b, AF_INET, SECCOMP_RET_ALLOW);
	bpf_ret_eq(b, AF_INET6, SECCOMP_RET_ALLOW);
	bpf_ret_ne(b, AF_UNIX, DENIED(EAFNOSUPPORT));
	bpf_ret(b, SECCOMP_RET_ALLOW);
	bpf_end(b, block);
	/* glibc asks for clone then, whose flags can be seen */
	bpf_ret_eq(b, SYS_clone3, DENIED(ENOSYS));
	block = bpf_if_eq(b, SYS_clone);
	bpf_load_arg(b, 0);
	bpf_and(b, CLONE_THREAD | CLONE_VM);
	bpf_ret_ne(b, CLONE_THREAD | CLONE_VM, DENIED(EPERM));
	bpf_ret(b, SECCOMP_RET_ALLOW);
	bpf_end(b, block);
	block = bpf_if_eq(b, SYS_prlimit64); /* getrlimit() */
	bpf_load_arg(b, 0);
	bpf_ret_ne(b, 0, DENIED(EPERM));
	bpf_ret(b, SECCOMP_RET_ALLOW);
	bpf_end(b, block);
	block = bpf_if_eq(b, SYS_tgkill); /* abort() */
	bpf_load_arg(b, 0);
	bpf_ret_ne(b, (uint32_t)getpid(), DENIED(EPERM));
	bpf_ret(b, SECCOMP_RET_ALLOW);
	bpf_end(b, block);
}

static int filter(void)
{
#ifdef ARCH
	static struct bpf b;
	uint16_t sorted[ARRAY_LEN(forbidden)];
	struct sock_fprog prog;
	size_t later;

	memcpy(sorted, forbidden, sizeof(sorted));
	qsort(sorted, ARRAY_LEN(sorted), sizeof(*sorted), by_number);
	bpf_load(&b, offsetof(struct seccomp_data, arch));
	bpf_ret_ne(&b, ARCH, SECCOMP_RET_KILL_PROCESS);
	bpf_load(&b, offsetof(struct seccomp_data, nr));
#	ifdef X32
	bpf_ret_set(&b, X32, DENIED(ENOSYS));
#	endif
	/* half of the numbers, or the other */
	later = bpf_fork(&b, sorted[ARRAY_LEN(sorted) / 2]);
	for (size_t i = 0; i < ARRAY_LEN(sorted) / 2; i++)
		bpf_ret_eq(&b, sorted[i], DENIED(EPERM));
	put_arguments(&b);
	bpf_ret(&b, SECCOMP_RET_ALLOW);
	bpf_join(&b, later);
	for (size_t i = ARRAY_LEN(sorted) / 2; i < ARRAY_LEN(sorted); i++)
		bpf_ret_eq(&b, sorted[i], DENIED(EPERM));
	put_arguments(&b);
	later = bpf_fork(&b, LAST_KNOWN + 1);
	bpf_ret(&b, SECCOMP_RET_ALLOW);
	bpf_join(&b, later);
	bpf_ret(&b, DENIED(ENOSYS));
	if (b.error)
		return b.error;
	prog = (struct sock_fprog){ .len = (unsigned short)b.n,
				    .filter = b.insns };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0
		       ? -errno
		       : 0;
#else
	return -EOPNOTSUPP;
#endif
}

static int put_reads(struct grant_set *g)
{
	static const char *const paths[] = {
		"/etc/resolv.conf",
		"/etc/hosts",
		"/etc/nsswitch.conf",
		"/etc/host.conf",
		"/etc/ssl/certs",
		"/etc/ssl/cert.pem",
		"/etc/ssl/ca-bundle.pem",
		"/etc/ssl/openssl.cnf",
		"/usr/lib/ssl/openssl.cnf",
		"/etc/pki/tls/certs",
		"/etc/pki/ca-trust/extracted",
		"/usr/share/ca-certificates",
		"/usr/local/share/ca-certificates",
		"/etc/localtime",
		"/usr/share/zoneinfo",
		"/sys/devices/system/cpu",
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(paths) && r >= 0; i++)
		r = grant_set_add(g, paths[i], GRANT_READ, false);
	if (r >= 0) /* core/wakeful.h */
		r = grant_set_add(g, "/dev/cpu_dma_latency", GRANT_WRITE,
				  false);
	return r;
}

static int enclose(const struct shield *s)
{
	struct grant_set g = { .tcp_connect_any = true };
	_cleanup_close_ int fd = -1;
	int r = put_reads(&g);

	if (r >= 0 && s->ca && s->ca[0])
		r = grant_set_add(&g, s->ca, GRANT_READ, false);
	if (r >= 0 && s->write_dir)
		r = grant_set_add(&g, s->write_dir, GRANT_RW, false);
	if (r >= 0 && s->stored_dir)
		r = grant_set_add(&g, s->stored_dir, GRANT_RW, false);
	if (r >= 0)
		r = fd = landlock_build(&g, NULL);
	if (r >= 0)
		r = landlock_restrict(fd,
				      landlock_restrict_flags(landlock_abi()));
	grant_set_done(&g);
	return MIN(r, 0);
}

static void name_missing(struct buf *out, const char *what, int error)
{
	if (error < 0)
		buf_printf(out, "%s%s: %s", out->len ? ", " : "", what,
			   strerror(-error));
}

int shield_raise(const struct shield *s, struct buf *ret_missing)
{
	int r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;

	(void)mark_self(); /* who connects through us is no person */
	if (r == 0)
		r = caps_restrict(0);
	if (r < 0)
		return r;
	name_missing(ret_missing, "Landlock", enclose(s));
	name_missing(ret_missing, "seccomp", filter());
	return 0;
}
