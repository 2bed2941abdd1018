#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the config.json of an OCI bundle like a plain hosted container.

Usage: oci_bundle.py ROOT UID COMMAND [ARG...] >BUNDLE/config.json

With OCI_NETNS=FILE in the environment, the network namespace of that file is
its network, else an empty one of its own; OCI_TMPFS="DIR:SIZE ..." are file
systems in memory, of that user. ROOT becomes the container's root directory.
What it may do is what an engine's defaults leave: the fourteen usual
capabilities (none for a UID other than 0), no FUSE device, and a system call
filter that refuses mounts, namespaces, tracing, io_uring, bpf, keys and the
like with EPERM, and clone3 with ENOSYS.
"""

import json
import os
import sys

CAPS = ["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW",
        "SETGID", "SETUID", "SETFCAP", "SETPCAP", "NET_BIND_SERVICE",
        "SYS_CHROOT", "KILL", "AUDIT_WRITE"]
REFUSED = """
mount umount umount2 pivot_root move_mount open_tree fsopen fsconfig fsmount
fspick mount_setattr ptrace setns unshare open_by_handle_at bpf
perf_event_open userfaultfd keyctl add_key request_key kexec_load
kexec_file_load init_module finit_module delete_module reboot swapon swapoff
acct quotactl iopl ioperm settimeofday clock_settime clock_adjtime syslog
io_uring_setup io_uring_enter io_uring_register
""".split()
# CLONE_NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWNET, clone(2)
NAMESPACE_FLAGS = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000,
                   0x20000000, 0x40000000]
EPERM, ENOSYS = 1, 38


def refuse(names, error):
    return {"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": error}


def seccomp():
    clone = [dict(refuse(["clone"], EPERM),
                  args=[{"index": 0, "value": bit, "valueTwo": bit,
                         "op": "SCMP_CMP_MASKED_EQ"}])
             for bit in NAMESPACE_FLAGS]
    return {"defaultAction": "SCMP_ACT_ALLOW",
            "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86",
                              "SCMP_ARCH_X32"],
            "syscalls": [refuse(REFUSED, EPERM), refuse(["clone3"], ENOSYS),
                         *clone]}


def mount(destination, kind, *options):
    return {"destination": destination, "type": kind, "source": kind,
            "options": list(options)}


def network():
    path = os.environ.get("OCI_NETNS")
    return {"type": "network", **({"path": path} if path else {})}


def disks(uid):
    pairs = (w.split(":") for w in os.environ.get("OCI_TMPFS", "").split())
    return [mount(where, "tmpfs", "mode=1777", f"size={size}",
                  f"uid={uid}", f"gid={uid}")
            for where, size in pairs]


def bundle(root, uid, args):
    caps = [f"CAP_{c}" for c in CAPS] if uid == 0 else []
    return {
        "ociVersion": "1.0.0",
        "process": {
            "terminal": False, "user": {"uid": uid, "gid": uid},
            "args": args, "cwd": "/workspace", "noNewPrivileges": False,
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb",
                    "HOME=/root" if uid == 0 else "HOME=/tmp",
                    "AGENTSH_SERVER=http://127.0.0.1:18080"],
            "capabilities": {k: caps for k in
                             ("bounding", "effective", "permitted")},
        },
        "root": {"path": root, "readonly": False},
        "hostname": "container",
        "mounts": [
            mount("/proc", "proc"),
            mount("/dev", "tmpfs", "nosuid", "mode=755", "size=65536k"),
            mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance",
                  "ptmxmode=0666", "mode=0620"),
            mount("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev",
                  "mode=1777"),
            mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
            *disks(uid),
        ],
        "linux": {
            "namespaces": [{"type": t} for t in
                           ("pid", "ipc", "uts", "mount")] + [network()],
            "cgroupsPath": f"/oci-test-{os.urandom(4).hex()}",
            "seccomp": seccomp(),
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list",
                            "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq",
                              "/proc/sys", "/proc/sysrq-trigger"],
        },
    }


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    json.dump(bundle(sys.argv[1], int(sys.argv[2]), sys.argv[3:]),
              sys.stdout, indent=1)
