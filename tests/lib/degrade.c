/* SPDX-License-Identifier: MIT */
/*
 * degrade.c - run a command as if in a plain container (Render-like)
 *
 *	degrade [-c] [-p] [-m] [-g] [-l] [-n] [-s] [-u UID] -- CMD [ARG...]
 *	  -c  leave all capabilities
 *	  -p  leave ptrace allowed (plain Docker does)
 *	  -m  refuse process_vm_readv and process_vm_writev too
 *	  -g  refuse pidfd_getfd (Docker without CAP_SYS_PTRACE)
 *	  -l  no Landlock: its calls do not exist (kernels before 5.13)
 *	  -n  no second seccomp listener: there is one already
 *	  -s  leave namespaces allowed (user namespaces are, on most desktops)
 *	  -u  run as this uid, without capabilities
 *
 * No /dev/fuse, no writable cgroups, Docker's 14 capabilities, and mount,
 * namespaces, ptrace, io_uring, bpf, keyrings refused as Docker's default
 * seccomp profile refuses them. Needs root to build the jail; exits 77 where it
 * may not. It differs from a real container in one way: no_new_privs is set.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DOCKER_CAPS    0xa80425fbULL
#define NAMESPACE_BITS 0x7e020000U /* every CLONE_NEW* */
#define MAX_INSNS      512

static bool no_getfd, no_landlock, namespaces_ok;

#if defined(__x86_64__)
#	define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#	define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#	error "unknown machine"
#endif

static struct sock_filter filter[MAX_INSNS];
static unsigned short n_filter;

static void die(const char *what)
{
	int status = errno == EPERM ? 77 : 125;

	(void)fprintf(stderr, "SKIP: degrade: %s: %s\n", what, strerror(errno));
	exit(status);
}

static void emit(uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (n_filter == MAX_INSNS)
		abort();
	filter[n_filter++] = (struct sock_filter){ code, jt, jf, k };
}

static void refuse(long nr, uint32_t error)
{
	emit(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1);
	emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error, 0, 0);
}

static void build_filter(bool ptrace_ok, bool no_vm)
{
	static const long refused[] = {
		SYS_mount,
		SYS_umount2,
		SYS_pivot_root,
		SYS_move_mount,
		SYS_open_tree,
		SYS_fsopen,
		SYS_fsconfig,
		SYS_fsmount,
		SYS_fspick,
		SYS_mount_setattr,
		SYS_bpf,
		SYS_perf_event_open,
		SYS_userfaultfd,
		SYS_keyctl,
		SYS_add_key,
		SYS_request_key,
		SYS_io_uring_setup,
		SYS_io_uring_enter,
		SYS_io_uring_register,
		SYS_kexec_load,
		SYS_init_module,
		SYS_finit_module,
		SYS_delete_module,
		SYS_reboot,
		SYS_swapon,
		SYS_swapoff,
		SYS_acct,
		SYS_quotactl,
		SYS_fanotify_init,
		SYS_syslog,
		SYS_open_by_handle_at,
	};

	emit(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0,
	     0);
	emit(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
	emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
	emit(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		refuse(refused[i], EPERM);
	if (!ptrace_ok)
		refuse(SYS_ptrace, EPERM);
	if (no_vm) {
		refuse(SYS_process_vm_readv, EPERM);
		refuse(SYS_process_vm_writev, EPERM);
	}
	if (no_getfd)
		refuse(SYS_pidfd_getfd, EPERM);
	if (no_landlock) {
		refuse(SYS_landlock_create_ruleset, ENOSYS);
		refuse(SYS_landlock_add_rule, ENOSYS);
		refuse(SYS_landlock_restrict_self, ENOSYS);
	}
	if (!namespaces_ok) {
		refuse(SYS_setns, EPERM);
		refuse(SYS_unshare, EPERM);
	}
	refuse(SYS_clone3, ENOSYS);
	emit(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3);
	emit(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]),
	     0, 0);
	emit(BPF_JMP | BPF_JSET | BPF_K, namespaces_ok ? 0 : NAMESPACE_BITS, 0,
	     1);
	emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
	emit(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static void make_dev(void)
{
	static const char *const names[] = { "null",   "zero",    "full",
					     "random", "urandom", "tty" };
	char dir[] = "/tmp/degrade.XXXXXX", path[64], from[32];

	if (!mkdtemp(dir) || mount("dev", dir, "tmpfs", 0, "mode=755"))
		die("private /dev");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct stat st;

		(void)snprintf(from, sizeof(from), "/dev/%s", names[i]);
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (stat(from, &st) ||
		    mknod(path, S_IFCHR | 0666, st.st_rdev) ||
		    chmod(path, 0666))
			die(path);
	}
	(void)snprintf(path, sizeof(path), "%s/pts", dir);
	if (mkdir(path, 0755) || mount("/dev/pts", path, NULL, MS_BIND, NULL))
		die("/dev/pts");
	(void)snprintf(path, sizeof(path), "%s/ptmx", dir);
	if (symlink("pts/ptmx", path))
		die("/dev/ptmx");
	(void)snprintf(path, sizeof(path), "%s/shm", dir);
	if (mkdir(path, 0755) || mount("shm", path, "tmpfs", 0, "mode=1777"))
		die("/dev/shm");
	(void)snprintf(path, sizeof(path), "%s/fd", dir);
	if (symlink("/proc/self/fd", path))
		die("/dev/fd");
	if (mount(dir, "/dev", NULL, MS_BIND | MS_REC, NULL))
		die("/dev");
	(void)umount2(dir, MNT_DETACH);
	(void)rmdir(dir);
}

static void drop(uint64_t keep, unsigned int uid)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3,
						   0 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)keep, (uint32_t)keep, 0 },
		{ (uint32_t)(keep >> 32), (uint32_t)(keep >> 32), 0 }
	};

	for (unsigned int i = 0; i < 64; i++)
		if (!(keep >> i & 1))
			(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	if (uid && (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
		    setresuid(uid, uid, uid)))
		die("uid");
	if (syscall(SYS_capset, &header, data))
		die("capset");
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/*
 * The kernel allows one listener in a chain of filters, for as long as its
 * descriptor is open: a child of ours keeps it while we become the command.
 */
static void take_listener(void)
{
	struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K,
						SECCOMP_RET_ALLOW) };
	struct sock_fprog program = { 1, allow };
	int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			      SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	struct pollfd p = { .events = POLLIN };
	struct {
		pid_t pid;
		int fd;
	} parent = { getpid(), -1 };
	pid_t pid;

	if (fd < 0)
		die("listener");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid > 0) {
		(void)close(fd);
		return;
	}
	/* A signal at its death would be held back by a Landlock scope. */
	parent.fd = (int)syscall(SYS_pidfd_open, parent.pid, 0);
	if (parent.fd < 0 || dup2(fd, 0) != 0 || dup2(parent.fd, 1) != 1)
		_exit(1);
	(void)syscall(SYS_close_range, 2, ~0U, 0);
	p.fd = 1;
	while (getppid() == parent.pid && poll(&p, 1, -1) <= 0)
		continue;
	_exit(0);
}

int main(int argc, char **argv)
{
	bool ptrace_ok = false, no_vm = false, no_listener = false;
	bool all_caps = false;
	unsigned int uid = 0;
	struct sock_fprog program;
	int o;

	while ((o = getopt(argc, argv, "+cpmglnsu:")) != -1) {
		if (o == 'p')
			ptrace_ok = true;
		else if (o == 'm')
			no_vm = true;
		else if (o == 'c')
			all_caps = true;
		else if (o == 'g')
			no_getfd = true;
		else if (o == 'l')
			no_landlock = true;
		else if (o == 'n')
			no_listener = true;
		else if (o == 's')
			namespaces_ok = true;
		else if (o == 'u')
			uid = (unsigned int)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (optind >= argc)
		return 2;
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("mount namespace");
	make_dev();
	if (mount("cgroup", "/sys/fs/cgroup", "tmpfs", MS_RDONLY, "size=4k"))
		die("/sys/fs/cgroup");
	if (uid || !all_caps)
		drop(uid ? 0 : DOCKER_CAPS, uid);
	build_filter(ptrace_ok, no_vm);
	program = (struct sock_fprog){ n_filter, filter };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		die("seccomp");
	if (no_listener)
		take_listener();
	execvp(argv[optind], argv + optind);
	(void)fprintf(stderr, "degrade: %s: %s\n", argv[optind],
		      strerror(errno));
	return 127;
}
