#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Generate confine/syscalls.inc: every syscall of x86-64 and arm64, classified.

Run by hand when kernel headers grow, from the source root:

    confine/gen-syscalls.py > confine/syscalls.inc

Numbers come from the installed kernel headers (asm/unistd_64.h and
asm-generic/unistd.h); NEWER adds what those may not know yet.  A syscall
without a class below stops the run: somebody has to decide.
"""

import re
import subprocess
import sys

# Same number on both machines since 424.
NEWER = {
    "cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453,
    "futex_wake": 454, "futex_wait": 455, "futex_requeue": 456,
    "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459,
    "lsm_set_self_attr": 460, "lsm_list_modules": 461, "mseal": 462,
    "setxattrat": 463, "getxattrat": 464, "listxattrat": 465,
    "removexattrat": 466, "open_tree_attr": 467, "file_getattr": 468,
    "file_setattr": 469, "listns": 470, "rseq_slice_yield": 471,
    "fchroot": 472,
}
NEWER_X86 = {"uretprobe": 335, "uprobe": 336}

ARM64_DEFINES = ["__BITS_PER_LONG=64", "__ARCH_WANT_RENAMEAT",
                 "__ARCH_WANT_NEW_STAT", "__ARCH_WANT_SET_GET_RLIMIT",
                 "__ARCH_WANT_SYS_CLONE3", "__ARCH_WANT_MEMFD_SECRET"]

CLASSES = {
    # harmless, or mediated by Landlock and the absence of capabilities
    "ALLOW": """
        accept accept4 alarm brk cachestat capget capset clock_getres
        clock_gettime clock_nanosleep close close_range copy_file_range dup
        dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2
        epoll_wait eventfd eventfd2 exit exit_group fadvise64
        fdatasync fgetxattr file_getattr flistxattr flock fork fstatfs
        fsync futex futex_requeue futex_wait futex_waitv futex_wake
        get_mempolicy get_robust_list getcpu getcwd getdents getdents64
        getegid geteuid getgid getgroups getitimer getpeername getpgid
        getpgrp getpid getppid getpriority getrandom getresgid getresuid
        getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday
        getuid getxattr getxattrat inotify_init
        inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents
        io_pgetevents io_submit ioprio_get landlock_add_rule
        landlock_create_ruleset landlock_restrict_self lgetxattr listmount
        listxattr listxattrat llistxattr lseek lsm_get_self_attr
        lsm_list_modules madvise map_shadow_stack mbind membarrier
        memfd_create mincore mlock mlock2 mlockall mmap mprotect mq_getsetattr
        mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal
        msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
        name_to_handle_at nanosleep pause pidfd_open pipe pipe2 pkey_alloc
        pkey_free pkey_mprotect poll ppoll pread64 preadv preadv2 pselect6
        pwrite64 pwritev read readahead readv recvmmsg
        remap_file_pages restart_syscall rseq rseq_slice_yield
        rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend
        rt_sigtimedwait sched_get_priority_max sched_get_priority_min
        sched_getaffinity sched_getattr sched_getparam sched_getscheduler
        sched_rr_get_interval sched_yield select semctl semget semop
        semtimedop sendfile set_mempolicy set_mempolicy_home_node
        set_robust_list setfsgid setfsuid setgid setgroups setitimer setpgid
        setregid setresgid setresuid setreuid setrlimit setsid setuid shmat
        shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 splice
        statfs statmount sync sync_file_range syncfs sysinfo tee time
        timer_create timer_delete timer_getoverrun timer_gettime
        timer_settime timerfd_create timerfd_gettime timerfd_settime times
        umask uname uprobe uretprobe vfork vmsplice wait4 waitid write
        writev""",
    # administration of the machine, kernel entry points, other namespaces
    "DENY": """
        acct add_key adjtimex bpf chroot clock_adjtime clock_settime
        delete_module fanotify_init fanotify_mark fchroot finit_module fsconfig
        fsmount fsopen fspick init_module ioperm iopl kcmp kexec_file_load
        kexec_load keyctl listns lookup_dcookie lsm_set_self_attr modify_ldt
        mount mount_setattr move_mount open_by_handle_at open_tree
        open_tree_attr perf_event_open pidfd_getfd pivot_root process_madvise
        process_mrelease quotactl quotactl_fd reboot request_key
        setdomainname sethostname settimeofday swapoff swapon syslog umount2
        userfaultfd vhangup""",
    # "not there": libraries fall back to something we can judge
    "NOSYS": """
        _sysctl afs_syscall clone3 create_module epoll_ctl_old epoll_wait_old
        get_kernel_syms get_thread_area getpmsg io_uring_enter
        io_uring_register io_uring_setup memfd_secret nfsservctl putpmsg
        query_module security set_thread_area sysfs tuxcall uselib ustat
        vserver""",
    # reads or writes another process; a policy may permit debuggers
    "PTRACE": "ptrace process_vm_readv process_vm_writev",
    "SETNS": "setns",
    "UNSHARE": "unshare",
    "CLONE": "clone",
    "EXEC": "execve execveat",
    "SETFS": "arch_prctl",
    "SETTID": "set_tid_address",
    "OPEN": "open",
    "OPENAT": "openat",
    "OPENAT2": "openat2",
    "CREAT": "creat",
    "MUTATE": """
        link linkat mkdir mkdirat rename renameat renameat2 rmdir symlink
        symlinkat unlink unlinkat""",
    "TRUNCATE": "truncate",
    "MKNOD": "mknod",
    "MKNODAT": "mknodat",
    "META": """
        chown fchown fchownat file_setattr fremovexattr fsetxattr futimesat
        lchown lremovexattr lsetxattr removexattr removexattrat setxattr
        setxattrat utime utimensat utimes""",
    "CHMOD": "chmod fchmod",
    "CHMODAT": "fchmodat fchmodat2",
    "STAT": """
        access faccessat faccessat2 fstat lstat newfstatat readlink readlinkat stat
        statx""",
    "NET": "bind connect listen",
    "SENDTO": "sendto",
    "RECVFROM": "recvfrom",
    "RECVMSG": "recvmsg",
    "SENDMSG": "sendmsg",
    "SENDMMSG": "sendmmsg",
    "SOCKET": "socket",
    "SOCKETPAIR": "socketpair",
    "SETSOCKOPT": "setsockopt",
    "KILL": "kill",
    "SIGNAL": "pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo tkill",
    "TGKILL": "tgkill",
    "FTRUNCATE": "fallocate ftruncate",
    # writes where a descriptor that was opened to append could not
    "PWRITEV2": "pwritev2",
    "IO_SETUP": "io_setup",
    "CHDIR": "chdir fchdir",
    # tells the names of what happens in a directory
    "WATCH": "inotify_add_watch",
    "IOCTL": "ioctl",
    "FCNTL": "fcntl",
    "PRCTL": "prctl",
    "SECCOMP": "seccomp",
    "PERSONALITY": "personality",
    "PRLIMIT": "prlimit64",
    "SETPRIORITY": "setpriority",
    "IOPRIO": "ioprio_set",
    # first argument is a pid: only 0, the caller itself
    "SELF": """
        migrate_pages move_pages sched_setaffinity sched_setattr
        sched_setparam sched_setscheduler""",
}


def header(include, defines=()):
    """name -> number of every __NR_ macro of a kernel header."""
    out = subprocess.run(
        ["cc", "-E", "-dM", *("-D" + d for d in defines), "-"],
        input=f"#include <{include}>\n", capture_output=True, text=True,
        check=True).stdout
    raw = dict(re.findall(r"#define __NR_?(\w+) (\w+)", out))
    found = {}
    for name, value in raw.items():
        if name in ("syscalls", "arch_specific_syscall") or "3264" in name:
            continue
        while value.startswith("__NR"):
            value = raw[re.sub("^__NR_?", "", value)]
        found[name] = int(value)
    return found


def main():
    x86 = header("asm/unistd_64.h") | NEWER | NEWER_X86
    arm = header("asm-generic/unistd.h", ARM64_DEFINES) | NEWER
    of = {n: c for c, names in CLASSES.items() for n in names.split()}
    names = sorted(set(x86) | set(arm))
    missing = [n for n in names if n not in of]
    if missing:
        sys.exit("no class for: " + " ".join(missing))
    print("/* SPDX-License-Identifier: MIT */")
    print("/*\n * syscalls.inc - X(name, x86-64, arm64, class); -1 = not there\n"
          " *\n * Generated by confine/gen-syscalls.py: edit that, not this.\n"
          " */")
    print("/* clang-format off */")
    for n in names:
        print(f"X({n}, {x86.get(n, -1)}, {arm.get(n, -1)}, {of[n]})")
    print("/* clang-format on */")


if __name__ == "__main__":
    main()
