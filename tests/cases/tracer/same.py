# SPDX-License-Identifier: MIT
"""same.py - one operation after the other, and what each answers.

Prints "name: result" lines; run in the workspace of same.sh.
"""
import ctypes
import errno
import os
import signal
import socket
import threading

libc = ctypes.CDLL(None, use_errno=True)
LOADER = "/lib/ld-linux-aarch64.so.1" if os.uname().machine == "aarch64" else \
    "/lib64/ld-linux-x86-64.so.2"


def say(name, call):
    try:
        result = call()
        result = "ok" if result is None else result
    except OSError as e:
        result = errno.errorcode.get(e.errno, e.errno)
    print(f"{name}: {result}", flush=True)


def slurp(path):
    with open(path, encoding="ascii") as f:
        return f.read().strip()


def put(path, flags, text=b"new\n"):
    fd = os.open(path, flags, 0o640)
    os.write(fd, text)
    os.close(fd)


def run(*argv):
    pid = os.fork()
    if pid == 0:
        try:
            os.execv(argv[0], argv)
        except OSError as e:
            os._exit(e.errno)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run_fd(path):
    fd = os.open(path, os.O_RDONLY)
    pid = os.fork()
    if pid == 0:
        try:
            os.execve(fd, ["x"], {})
        except OSError as e:
            os._exit(e.errno)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def spawn(*argv):
    pid = os.posix_spawn(argv[0], argv, {})
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run_thread(*argv):
    """By a thread that is not the leader."""
    pid = os.fork()
    if pid == 0:
        threading.Thread(target=lambda: os.execv(argv[0], argv)).start()
        signal.pause()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def bad_environment(path):
    """The kernel refuses what was let through: an error, and no more."""
    argv = (ctypes.c_char_p * 2)(b"x", None)
    pid = os.fork()
    if pid == 0:
        libc.execve(path.encode(), argv, ctypes.c_void_p(8))
        os._exit(ctypes.get_errno())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def watch(path):
    fd = libc.inotify_init()
    if libc.inotify_add_watch(fd, path.encode(), 0x100) < 0:
        raise OSError(ctypes.get_errno(), path)
    open("ws/watched", "w").close()
    seen = b"watched" in os.read(fd, 4096)
    os.unlink("ws/watched")
    os.close(fd)
    return seen


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.connect(address)


def by_dirfd(where):
    fd = os.open(where, os.O_RDONLY | os.O_DIRECTORY)
    os.close(os.open("read", os.O_RDONLY, dir_fd=fd))
    os.close(fd)


def rename2(a, b, flags):
    if libc.renameat2(-100, a.encode(), -100, b.encode(), flags) < 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def shorten(path):
    fd = os.open(path, os.O_RDWR)
    os.ftruncate(fd, 2)
    size = os.fstat(fd).st_size
    os.close(fd)
    return size


W, C, X, T, A = os.O_WRONLY, os.O_CREAT, os.O_EXCL, os.O_TRUNC, os.O_APPEND
for where in ("ws", "closed"):
    d = where + "/"
    say(f"{where} read", lambda: slurp(d + "read"))
    say(f"{where} by link", lambda: slurp(where + "-link/read2"))
    say(f"{where} by proc", lambda: slurp("/proc/self/cwd/" + d + "read3"))
    say(f"{where} missing", lambda: slurp(d + "missing"))
    say(f"{where} write", lambda: put(d + "write", W))
    say(f"{where} trunc", lambda: put(d + "trunc", W | T))
    say(f"{where} append", lambda: put(d + "append", W | A))
    say(f"{where} create", lambda: put(d + "create", W | C | X))
    say(f"{where} creat", lambda: put(d + "creat", W | C | T))
    say(f"{where} exists", lambda: put(d + "write", W | C | X))
    say(f"{where} truncate", lambda: os.truncate(d + "truncate", 1))
    say(f"{where} unlink", lambda: os.unlink(d + "unlink"))
    say(f"{where} unlink dir", lambda: os.unlink(d + "dir"))
    say(f"{where} rename", lambda: os.rename(d + "rename", d + "renamed"))
    say(f"{where} over", lambda: os.rename(d + "over", d + "victim"))
    say(f"{where} mkdir", lambda: os.mkdir(d + "mkdir", 0o750))
    say(f"{where} rmdir", lambda: os.rmdir(d + "rmdir"))
    say(f"{where} rmdir full", lambda: os.rmdir(d + "full"))
    say(f"{where} symlink", lambda: os.symlink("read", d + "symlink"))
    say(f"{where} link", lambda: os.link(d + "read", d + "link"))
    say(f"{where} fifo", lambda: os.mkfifo(d + "fifo"))
    say(f"{where} chmod", lambda: os.chmod(d + "chmod", 0o600))
    say(f"{where} chown", lambda: os.chown(d + "chown", -1, os.getgid()))
    say(f"{where} utime", lambda: os.utime(d + "utime", (1, 2)))
    say(f"{where} xattr", lambda: os.setxattr(d + "xattr", "user.a", b"1"))
    say(f"{where} lookup", lambda: os.open(d + "read", os.O_PATH) and None)
    say(f"{where} dir by fd", lambda: by_dirfd(where))
    say(f"{where} tmpfile", lambda: os.close(os.open(where, os.O_TMPFILE | os.O_RDWR, 0o600)))
    say(f"{where} rename onto itself", lambda: os.rename(d + "write", d + "write"))
    say(f"{where} exchange", lambda: rename2(d + "read2", d + "read3", 2))
    say(f"{where} no replace", lambda: rename2(d + "read2", d + "read3", 1))
    say(f"{where} lchown", lambda: os.lchown(where + "-link", -1, os.getgid()))
    say(f"{where} remove xattr", lambda: os.removexattr(d + "xattr", "user.a"))
    say(f"{where} ftruncate", lambda: shorten(d + "write"))
    say(f"{where} long name", lambda: slurp(d + "n" * 256))
    say(f"{where} list", lambda: " ".join(sorted(os.listdir(where))))
say("bad pointer", lambda: ctypes.get_errno() if libc.open(ctypes.c_void_p(8), 0) < 0 else "opened")
say("fd kept", lambda: os.fstat(os.open("ws/read", os.O_RDONLY | os.O_CLOEXEC)).st_size)
if os.environ.get("SAME_MORE"):
    say("exec", lambda: run("/bin/true"))
    say("exec denied", lambda: run("/usr/bin/id"))
    say("exec copy", lambda: run("./copy"))
    say("exec missing", lambda: run("/usr/bin/no-such-program"))
    say("connect denied", lambda: connect(socket.AF_INET, ("169.254.169.254", 80)))
    say("connect port", lambda: connect(socket.AF_INET, ("127.0.0.1", 9)))
    say("kill init", lambda: os.kill(1, 0))
    say("kill parent's", lambda: os.kill(os.getppid(), signal.SIGTERM))
    say("chroot", lambda: os.chroot("/"))
    say("exec by fd", lambda: run_fd("/usr/bin/id"))
    say("exec through loader", lambda: run(LOADER, "/usr/bin/id"))
    say("exec redirected", lambda: run("/usr/bin/hostname"))
    say("exec redirected by fd", lambda: run_fd("/usr/bin/hostname"))
    os.symlink("/usr/bin/hostname", "h")
    say("exec redirected by a short name", lambda: run("./h"))
    say("exec redirected by spawn", lambda: spawn("/usr/bin/hostname"))
    say("exec redirected by spawn and a short name", lambda: spawn("./h"))
    say("exec redirected of a thread", lambda: run_thread("/usr/bin/hostname"))
    say("exec redirected again", lambda: run("/usr/bin/hostname", "-f"))
    say("exec redirect to what is missing", lambda: run("/usr/bin/arch"))
    say("exec redirect with bad variables", lambda: bad_environment("/usr/bin/hostname"))
    say("exec with bad variables", lambda: bad_environment("/bin/true"))
    say("exec of a text", lambda: run("./ws/read"))
    say("more: namespace", lambda: libc.unshare(0x10000000))
    say("more: set-id bits", lambda: os.chmod("ws/chmod", 0o4755))
    say("more: odd socket", lambda: socket.socket(38, socket.SOCK_SEQPACKET, 0))
    say("more: raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
    say("more: device", lambda: os.mknod("ws/dev", 0o20600, os.makedev(1, 3)))
    say("more: others' settings", lambda: put("/proc/1/oom_score_adj", W, b"0"))
    say("more: datagram", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("169.254.169.254", 9)))
    say("more: signal", lambda: signal.pidfd_send_signal(os.pidfd_open(1), 0))
    say("more: watch", lambda: watch("ws"))
    say("more: watch closed", lambda: watch("closed/dir"))
    say("more: watch what is denied by link", lambda: watch("closed-link/dir"))
    say("more: slash", lambda: slurp("closed/read/"))
