/* SPDX-License-Identifier: MIT */
/*
 * test_confine_cgroup.c - hierarchies found, limits that bite, nobody survives
 *
 * The live half works in directories of its own beneath this process's cgroup
 * and leaves none; where no cgroup can be made it says so and is skipped.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macro.h"
#include "confine/cgroup_root.h"
#include "confine/rlimit.h"

/* --- text --- */

static void test_hybrid_v1(void **state)
{
	static const char info[] =
		"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
		"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup "
		"cgroup rw,cpu,cpuacct\n"
		"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup "
		"cgroup rw,memory\n"
		"36 31 0:33 / /sys/fs/cgroup/devices rw - cgroup cgroup "
		"rw,devices\n"
		"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
	static const char self[] = "5:memory:/a/b\n2:cpu,cpuacct:/\n0::/x\n";
	struct cgroup_mount m[CGROUP_MAX_MOUNTS] = { { 0 } };
	int n = cgroup_mounts_parse(str_from(info), str_from(self), m);

	(void)state;
	assert_int_equal(n, 3);
	assert_int_equal(m[0].controllers, CGROUP_CPU);
	assert_string_equal(m[0].own, "/sys/fs/cgroup/cpu,cpuacct");
	assert_int_equal(m[1].controllers, CGROUP_MEMORY);
	assert_string_equal(m[1].own, "/sys/fs/cgroup/memory/a/b");
	assert_int_equal(m[2].kind, CGROUP_V2);
	assert_string_equal(m[2].own, "/sys/fs/cgroup/unified/x");
	assert_string_equal(m[2].path, "/x");
	cgroup_mounts_done(m, (size_t)n);
}

static void test_container_mounts(void **state)
{
	/* a container without cgroup namespace: the mount shows its part */
	static const char part[] = "9 8 0:1 /docker/id /cg\\040x ro - cgroup2 "
				   "cgroup rw\n10 8 0:1 / /other rw - cgroup2 "
				   "cgroup rw\n";
	/* joined from outside: the path leads out of the namespace */
	static const char out[] = "9 8 0:1 / /cg rw - cgroup2 cgroup rw\n";
	struct cgroup_mount m[CGROUP_MAX_MOUNTS] = { { 0 } };
	int n = cgroup_mounts_parse(str_from(part), STR("0::/docker/id/leaf\n"),
				    m);

	(void)state;
	assert_int_equal(n, 1);
	assert_string_equal(m[0].own, "/cg x/leaf");
	cgroup_mounts_done(m, 1);
	n = cgroup_mounts_parse(str_from(out), STR("0::/../sib\n"), m);
	assert_int_equal(n, 1);
	assert_string_equal(m[0].own, "/cg");
	cgroup_mounts_done(m, 1);
	n = cgroup_mounts_parse(str_from(out), STR("0::/a/agentsh-self\n"), m);
	assert_int_equal(n, 1);
	assert_true(m[0].aside);
	assert_string_equal(m[0].own, "/cg/a");
	cgroup_mounts_done(m, 1);
	assert_int_equal(cgroup_mounts_parse(STR("junk\n\n1 2 3\n- - -\n"),
					     STR(""), m),
			 0);
}

/* --- live --- */

static struct cgroup_root *root;
static struct cgroup_root_info info;
static char base[64];

static int open_root(void **state)
{
	_cleanup_buf_ struct buf why = BUF_INIT;
	_cleanup_buf_ struct buf what = BUF_INIT;

	(void)state;
	(void)snprintf(base, sizeof(base), "agentsh-test-%d", (int)getpid());
	if (cgroup_root_open_why(base, &why, &root) == 0) {
		cgroup_root_info(root, &info);
		cgroup_root_describe(root, &what);
		print_message("cgroups: %s\n", buf_cstr(&what));
	} else {
		print_message("no cgroups: %s\n", buf_cstr(&why));
	}
	return 0;
}

static int close_root(void **state)
{
	char dir[256] = "";

	(void)state;
	if (root)
		(void)snprintf(dir, sizeof(dir), "%s", root->trees[0].dir);
	root = cgroup_root_close(root);
	return access(dir, F_OK) == 0;
}

#define NEED(condition, what)                              \
	do {                                               \
		if (!(condition)) {                        \
			print_message("needs %s\n", what); \
			skip();                            \
		}                                          \
	} while (0)

static struct cgroup_set *make(const struct cgroup_limits *l)
{
	struct cgroup_set *s = NULL;
	_cleanup_buf_ struct buf missing = BUF_INIT;

	assert_int_equal(cgroup_set_create(root, "t.1-x", l, &s, &missing), 0);
	assert_string_equal(buf_cstr(&missing), "");
	return s;
}

/* A child that waits to be in the set, then runs fn; its pid. */
static pid_t child_in(struct cgroup_set *s, int (*fn)(void))
{
	int gate[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(gate[1]);
		(void)!read(gate[0], &c, 1);
		_exit(fn());
	}
	assert_int_equal(cgroup_set_attach(s, pid), 0);
	assert_true(cgroup_set_contains(s, pid));
	(void)close(gate[0]);
	(void)close(gate[1]);
	return pid;
}

static int eat_memory(void)
{
	for (size_t i = 0; i < 64; i++) {
		char *p = mmap(NULL, 4U << 20, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return 1;
		memset(p, 1, 4U << 20);
	}
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind,
			struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void put_file(const char *dir, const char *name, const char *text)
{
	char path[300];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void assert_file(const char *dir, const char *name, const char *text)
{
	char path[300], have[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(have, sizeof(have), f));
	(void)fclose(f);
	assert_int_equal(strncmp(have, text, strlen(text)), 0);
}

/* What bounds a shell's session bounds a place above it, too. */
static void test_bounds_above(void **state)
{
	char top[] = "/tmp/test-cgroup.XXXXXX", user[280], own[300], to[300];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(top));
	(void)snprintf(user, sizeof(user), "%s/user", top);
	(void)snprintf(own, sizeof(own), "%s/session", user);
	(void)snprintf(to, sizeof(to), "%s/agentsh", top);
	assert_int_equal(mkdir(user, 0755) | mkdir(own, 0755) | mkdir(to, 0755),
			 0);
	put_file(top, "pids.max", "7\n"); /* holds anyway: it is above */
	put_file(user, "pids.max", "900\n");
	put_file(user, "memory.max", "max\n");
	put_file(own, "pids.max", "4000\n");
	put_file(own, "cpu.max", "50000 100000\n");
	put_file(own, "memory.max", "1048576\n");
	put_file(to, "pids.max", "max\n      ");
	put_file(to, "cpu.max", "max 100000\n   ");
	put_file(to, "memory.max", "4096\n");
	fd = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(cgroup_copy_bounds(own, top, fd), 0);
	assert_file(to, "pids.max", "900\n");
	assert_file(to, "cpu.max", "50000 100000\n");
	assert_file(to, "memory.max", "4096\n");
	put_file(user, "memory.swap.max", "0\n"); /* not to be had there */
	assert_true(cgroup_copy_bounds(own, top, fd) < 0);
	put_file(user, "memory.swap.max", "max\n");
	put_file(own, "cpuset.cpus", "0-1\n");
	assert_true(cgroup_copy_bounds(own, top, fd) < 0);
	(void)close(fd);
	assert_int_equal(nftw(top, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void test_memory(void **state)
{
	struct cgroup_limits l = { .memory_bytes = 32U << 20 };
	struct cgroup_set *s;
	uint64_t peak = 0;
	bool oom = false;
	int status = 0;

	(void)state;
	NEED(root && info.memory, "a memory cgroup");
	s = make(&l);
	(void)waitpid(child_in(s, eat_memory), &status, 0);
	cgroup_set_usage(s, &peak, &oom);
	s = cgroup_set_destroy(s);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(oom);
	/* v2 tells it from 5.19 on */
	assert_true(peak == 0 || (peak > 16 * 1024 && peak <= 32 * 1024));
}

/* Exit status: how many children could be made. */
static int fork_many(void)
{
	int n = 0;

	for (; n < 50; n++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0) {
			(void)pause();
			_exit(0);
		}
	}
	return n;
}

static void test_pids(void **state)
{
	struct cgroup_limits l = { .pids = 10 };
	struct cgroup_set *s;
	unsigned int killed = 0;
	int status = 0;

	(void)state;
	NEED(root && info.pids, "a pids cgroup");
	s = make(&l);
	(void)waitpid(child_in(s, fork_many), &status, 0);
	assert_int_equal(WEXITSTATUS(status), 9);
	assert_false(cgroup_set_empty(s));
	assert_int_equal(cgroup_set_kill(s, &killed), 0);
	assert_int_equal(killed, 9);
	assert_true(cgroup_set_empty(s));
	s = cgroup_set_destroy(s);
}

static int spin(void)
{
	struct timespec t0, t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t0);
	do {
		(void)clock_gettime(CLOCK_MONOTONIC, &t);
	} while ((t.tv_sec - t0.tv_sec) * 1000 +
			 (t.tv_nsec - t0.tv_nsec) / 1000000 <
		 500);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int)(t.tv_nsec / 10000000 + t.tv_sec * 100);
}

static void test_cpu(void **state)
{
	struct cgroup_limits l = { .cpu_percent = 20 };
	struct cgroup_set *s;
	int status = 0;

	(void)state;
	NEED(root && info.cpu, "a cpu cgroup");
	s = make(&l);
	(void)waitpid(child_in(s, spin), &status, 0);
	s = cgroup_set_destroy(s);
	/* half a second of wall time at 20 %: 10 of these ticks at most, and a few
	 * for the ends; 50 without a limit. On a busy machine it is less. */
	assert_in_range(WEXITSTATUS(status), 0, 20);
}

/* Out of its session, its parent and its process group: still in the set. */
static int daemonize(void)
{
	for (int i = 0; i < 2; i++) {
		if (fork() > 0)
			return 0;
		(void)setsid();
	}
	(void)signal(SIGTERM, SIG_IGN);
	(void)pause();
	return 0;
}

/* Hierarchies in which the set of make() has a directory. */
static int directories(void)
{
	int n = 0;

	for (size_t i = 0; i < root->n; i++) {
		char path[512];

		(void)snprintf(path, sizeof(path), "%s/t.1-x%s",
			       root->trees[i].dir, root->owner);
		n += access(path, F_OK) == 0;
	}
	return n;
}

static void survivors(void)
{
	struct cgroup_limits l = { .memory_bytes = 1U << 30 };
	struct cgroup_set *s = make(&l);
	unsigned int killed = 0;

	(void)waitpid(child_in(s, daemonize), NULL, 0);
	while (cgroup_set_empty(s))
		(void)poll(NULL, 0, 1);
	assert_int_equal(cgroup_set_kill(s, &killed), 0);
	assert_true(killed >= 1);
	assert_true(cgroup_set_empty(s));
	assert_true(directories() >= 1);
	s = cgroup_set_destroy(s);
	assert_int_equal(directories(), 0);
}

static void test_survivors_killed(void **state)
{
	(void)state;
	NEED(root, "cgroups");
	survivors();
}

/* The same on hosts without cgroup.kill, and without a freezer. */
static void test_survivors_killed_by_rounds(void **state)
{
	bool kill[CGROUP_MAX_MOUNTS] = { 0 };
	bool freeze[CGROUP_MAX_MOUNTS] = { 0 };

	(void)state;
	NEED(root, "cgroups");
	for (size_t i = 0; i < root->n; i++) {
		kill[i] = root->trees[i].kill;
		freeze[i] = root->trees[i].freeze;
		root->trees[i].kill = false;
	}
	survivors();
	for (size_t i = 0; i < root->n; i++)
		root->trees[i].freeze = false;
	survivors();
	for (size_t i = 0; i < root->n; i++) {
		root->trees[i].kill = kill[i];
		root->trees[i].freeze = freeze[i];
	}
}

/* One worker ends while another is idle: the shared base stays. */
static void test_shared_base(void **state)
{
	struct cgroup_limits l = { .memory_bytes = 1U << 30 };
	struct cgroup_root *first = NULL, *second = NULL;
	struct cgroup_set *s = NULL;
	char name[64], dir[256];

	(void)state;
	NEED(root, "cgroups");
	(void)snprintf(name, sizeof(name), "agentsh-shared-%d", (int)getpid());
	assert_int_equal(cgroup_root_open(name, &first), 0);
	assert_int_equal(cgroup_root_open(name, &second), 0);
	(void)snprintf(dir, sizeof(dir), "%s", first->trees[0].dir);
	first = cgroup_root_close(first);
	assert_int_equal(access(dir, F_OK), 0);
	assert_int_equal(cgroup_set_create(second, "x", &l, &s, NULL), 0);
	s = cgroup_set_destroy(s);
	for (size_t i = 0; i < second->n; i++)
		second->trees[i].made = true; /* as with the default name */
	second = cgroup_root_close(second);
	assert_int_equal(access(dir, F_OK), -1);
}

static void test_orphans(void **state)
{
	char dead[512], mine[512], foreign[512];
	unsigned long long ns = (unsigned long long)cgroup_pid_namespace();

	(void)state;
	NEED(root, "cgroups");
	(void)snprintf(dead, sizeof(dead), "%s/cmd@%d.1.%llu",
		       root->trees[0].dir, (int)getpid(),
		       ns); /* our pid at another time */
	(void)snprintf(foreign, sizeof(foreign), "%s/cmd@%d.1.%llu",
		       root->trees[0].dir, (int)getpid(), ns + 1);
	(void)snprintf(mine, sizeof(mine), "%s/cmd%s", root->trees[0].dir,
		       root->owner);
	assert_int_equal(mkdir(dead, 0755), 0);
	assert_int_equal(mkdir(mine, 0755), 0);
	assert_int_equal(mkdir(foreign, 0755), 0);
	assert_int_equal(cgroup_root_reap_orphans(root), 0);
	assert_int_equal(access(dead, F_OK), -1);
	assert_int_equal(rmdir(foreign), 0); /* another namespace's: left */
	assert_int_equal(access(mine, F_OK), 0);
	assert_int_equal(rmdir(mine), 0);
}

static void test_names(void **state)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "a@b", "a b" };
	struct cgroup_limits l = { 0 };
	struct cgroup_set *s = NULL;
	struct cgroup_root *r = NULL;

	(void)state;
	assert_int_equal(cgroup_root_open("../x", &r), -EINVAL);
	NEED(root, "cgroups");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(cgroup_set_create(root, bad[i], &l, &s, NULL),
				 -EINVAL);
	assert_false(cgroup_set_contains(s = make(&l), getpid()));
	s = cgroup_set_destroy(s);
}

static void test_rlimit_fallback(void **state)
{
	struct cgroup_limits l = { .memory_bytes = 1U << 30,
				   .cpu_percent = 50,
				   .pids = 100 };
	struct cgroup_root_info all = { .memory = CGROUP_V1,
					.pids = CGROUP_V1,
					.cpu = CGROUP_V2 };
	struct confine_plan p = { 0 };
	_cleanup_buf_ struct buf unmet = BUF_INIT;

	(void)state;
	assert_int_equal(rlimit_fallback(&l, NULL, &p, &unmet, NULL), 0);
	assert_string_equal(buf_cstr(&unmet),
			    getuid() == 0 ? "pids cpu" : "cpu");
	assert_true(p.n_rlimits >= 2);
	buf_reset(&unmet);
	p.n_rlimits = 0;
	assert_int_equal(rlimit_fallback(&l, &all, &p, &unmet, NULL), 0);
	assert_int_equal(p.n_rlimits, 1); /* core files */
	assert_string_equal(buf_cstr(&unmet), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hybrid_v1),
		cmocka_unit_test(test_container_mounts),
		cmocka_unit_test(test_bounds_above),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_pids),
		cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_survivors_killed),
		cmocka_unit_test(test_survivors_killed_by_rounds),
		cmocka_unit_test(test_shared_base),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_rlimit_fallback),
	};

	return cmocka_run_group_tests(tests, open_root, close_root);
}
