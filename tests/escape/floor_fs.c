/* SPDX-License-Identifier: MIT */
/*
 * floor_fs.c - reaching files outside the grant, by every kind of name
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/escape/floor.h"

static int read_outside(const struct arena *a)
{
	return attack_result(open(a->secret, O_RDONLY | O_CLOEXEC));
}

static int write_outside(const struct arena *a)
{
	return attack_result(open(a->secret, O_WRONLY | O_CLOEXEC));
}

static int create_outside(const struct arena *a)
{
	return attack_result(
		open(at(a->out, "new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int truncate_outside(const struct arena *a)
{
	return attack_result(truncate(a->secret, 6));
}

static int unlink_outside(const struct arena *a)
{
	return attack_result(unlink(at(a->out, "prey")));
}

static int mkdir_outside(const struct arena *a)
{
	return attack_result(mkdir(at(a->out, "dir"), 0700));
}

static int rename_in(const struct arena *a)
{
	return attack_result(rename(at(a->out, "prey"), at(a->ws, "prey")));
}

static int rename_out(const struct arena *a)
{
	return attack_result(rename(at(a->ws, "file"), at(a->out, "file")));
}

static int link_in(const struct arena *a)
{
	return attack_result(link(a->secret, at(a->ws, "hardlink")));
}

static int read_by_symlink(const struct arena *a)
{
	if (symlink(a->secret, at(a->ws, "link")) < 0)
		return ATTACK_NO_MEANS;
	return attack_result(open(at(a->ws, "link"), O_RDONLY | O_CLOEXEC));
}

static int read_by_proc_root(const struct arena *a)
{
	return attack_result(
		open(at("/proc/self/root", a->secret), O_RDONLY | O_CLOEXEC));
}

static int reopen_path_fd(const struct arena *a)
{
	char name[64];
	int fd = open(a->secret, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return ATTACK_BLOCKED;
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return attack_result(open(name, O_RDONLY | O_CLOEXEC));
}

/* The same without procfs, by O_EMPTYPATH (7.x). */
static int reopen_without_name(const struct arena *a)
{
	int fd = open(a->secret, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return ATTACK_BLOCKED;
	return attack_result(openat(fd, "", O_RDONLY | O_CLOEXEC | 1 << 26));
}

static int read_leaked_fd(const struct arena *a)
{
	char c;

	return pread(a->leaked, &c, 1, 0) == 1 ? ATTACK_SUCCEEDED
					       : ATTACK_BLOCKED;
}

static int exec_outside(const struct arena *a)
{
	char *const argv[] = { (char[]){ "prog" }, NULL };

	(void)execv(at(a->out, "prog"), argv);
	return ATTACK_BLOCKED;
}

static int core_pattern(const struct arena *a)
{
	/* opening for writing is the proof; the content is left alone */
	(void)a;
	return attack_result(
		open("/proc/sys/kernel/core_pattern", O_WRONLY | O_CLOEXEC));
}

/* The permission is checked at open; init's environment may well be empty. */
static int read_environ(const char *pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%s/environ", pid);
	return attack_result(open(path, O_RDONLY | O_CLOEXEC));
}

static int environ_of_init(const struct arena *a)
{
	(void)a;
	return read_environ("1");
}

static int environ_of_victim(const struct arena *a)
{
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)a->victim);
	return read_environ(pid);
}

static int memory_of_victim(const struct arena *a)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)a->victim);
	return attack_result(open(path, O_RDWR | O_CLOEXEC));
}

static int cgroup_leave(const struct arena *a)
{
	static const char *const files[] = {
		"/sys/fs/cgroup/cgroup.procs",
		"/sys/fs/cgroup/unified/cgroup.procs",
		"/sys/fs/cgroup/pids/cgroup.procs",
	};

	(void)a;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (open(files[i], O_WRONLY | O_CLOEXEC) >= 0)
			return ATTACK_SUCCEEDED;
	}
	return ATTACK_BLOCKED;
}

static int setuid_chmod(const struct arena *a)
{
	return attack_result(chmod(at(a->ws, "file"), 04755));
}

static int setgid_chmod(const struct arena *a)
{
	return attack_result(fchmodat(AT_FDCWD, at(a->ws, "file"), 02755, 0));
}

static int setuid_create(const struct arena *a)
{
	struct stat st;

	return open(at(a->ws, "setuid"), O_WRONLY | O_CREAT | O_CLOEXEC,
		    04755) >= 0 &&
			       stat(at(a->ws, "setuid"), &st) == 0 &&
			       (st.st_mode & 04000)
		       ? ATTACK_SUCCEEDED
		       : ATTACK_BLOCKED;
}

static int device_node(const struct arena *a)
{
	return attack_result(
		mknod(at(a->ws, "null"), S_IFCHR | 0600, makedev(1, 3)));
}

static int by_handle(const struct arena *a)
{
	struct {
		struct file_handle head;
		unsigned char bytes[128];
	} h = { .head = { .handle_bytes = 128 } };
	int mount_id, dir;

	if (name_to_handle_at(AT_FDCWD, a->secret, &h.head, &mount_id, 0) < 0)
		return ATTACK_BLOCKED;
	dir = open(a->ws, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return attack_result(
		open_by_handle_at(dir, &h.head, O_RDONLY | O_CLOEXEC));
}

static int chroot_ws(const struct arena *a)
{
	return attack_result(chroot(a->ws));
}

static int mount_tmpfs(const struct arena *a)
{
	if (mount("escape", a->ws, "tmpfs", 0, "size=4k") < 0)
		return ATTACK_BLOCKED;
	(void)umount2(a->ws, MNT_DETACH);
	return ATTACK_SUCCEEDED;
}

static int bind_secret(const struct arena *a)
{
	if (mount(a->out, a->ws, NULL, MS_BIND, NULL) < 0)
		return ATTACK_BLOCKED;
	(void)umount2(a->ws, MNT_DETACH);
	return ATTACK_SUCCEEDED;
}

static int new_mount_api(const struct arena *a)
{
	(void)a;
	return attack_result(syscall(430 /* fsopen */, "tmpfs", 1));
}

/* From 7.x: the root exchanged by descriptor, a tree in a namespace of its own. */
static int root_by_descriptor(const struct arena *a)
{
	int fd = open(a->ws, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? ATTACK_BLOCKED
		      : attack_result(syscall(472 /* fchroot */, fd, 0));
}

static int open_tree_namespace(const struct arena *a)
{
	return attack_result(
		syscall(428, AT_FDCWD, a->out, 2 /* OPEN_TREE_NAMESPACE */));
}

static int open_tree_clone(const struct arena *a)
{
	return attack_result(syscall(428 /* open_tree */, AT_FDCWD, a->out, 1));
}

/* Whoever wants to write to the file is held up. */
static int lease(const struct arena *a)
{
	int fd = open(at(a->ws, "file"), O_RDONLY);

	if (fd < 0)
		return ATTACK_NO_MEANS;
	return attack_result(fcntl(fd, F_SETLEASE, F_RDLCK));
}

/* The same by F_SETDELEG (6.19), and for directories. */
static int delegation(const struct arena *a)
{
	struct {
		uint32_t flags;
		uint16_t type, pad;
	} d = { .type = F_RDLCK };
	int fd = open(a->ws, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return ATTACK_NO_MEANS;
	return attack_result(fcntl(fd, 1040, &d));
}

const struct attack fs_attacks[] = {
	{ "read_outside", read_outside, 1 },
	{ "write_outside", write_outside, 1 },
	{ "create_outside", create_outside, 1 },
	{ "truncate_outside", truncate_outside, 0 },
	{ "unlink_outside", unlink_outside, 1 },
	{ "mkdir_outside", mkdir_outside, 1 },
	{ "rename_in", rename_in, 1 },
	{ "rename_out", rename_out, 1 },
	{ "link_in", link_in, 1 },
	{ "read_by_symlink", read_by_symlink, 1 },
	{ "read_by_proc_root", read_by_proc_root, 1 },
	{ "reopen_path_fd", reopen_path_fd, 1 },
	{ "reopen_without_name", reopen_without_name, 1 },
	{ "read_leaked_fd", read_leaked_fd, 0 },
	{ "exec_outside", exec_outside, 1 },
	{ "core_pattern", core_pattern, 1 },
	{ "environ_of_init", environ_of_init, 1 },
	{ "environ_of_victim", environ_of_victim, 1 },
	{ "memory_of_victim", memory_of_victim, 1 },
	{ "cgroup_leave", cgroup_leave, 1 },
	{ "setuid_chmod", setuid_chmod, 0 },
	{ "setgid_chmod", setgid_chmod, 0 },
	{ "setuid_create", setuid_create, 0 },
	{ "device_node", device_node, 0 },
	{ "by_handle", by_handle, 0 },
	{ "chroot_ws", chroot_ws, 0 },
	{ "mount_tmpfs", mount_tmpfs, 0 },
	{ "bind_secret", bind_secret, 0 },
	{ "new_mount_api", new_mount_api, 0 },
	{ "open_tree_clone", open_tree_clone, 0 },
	{ "open_tree_namespace", open_tree_namespace, 0 },
	{ "root_by_descriptor", root_by_descriptor, 0 },
	{ "lease", lease, 0 },
	{ "delegation", delegation, 0 },
	{ NULL, NULL, 0 },
};
