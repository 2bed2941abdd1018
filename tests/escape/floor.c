/* SPDX-License-Identifier: MIT */
/*
 * floor.c - runs each attack of floor_*.c without and with the floor
 *
 * Usage: floor [NAME...]. Prints one line per attack; exit 1 if one got
 * through. What the machine cannot show (because the attack fails without a
 * sandbox, too) is skipped by name and reason.
 */
#include "tests/escape/floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "base/num.h"
#include "confine/landlock.h"
#include "confine/plan.h"
#include "confine/seccomp.h"

#define LEAK 60

static const struct attack *const groups[] = { fs_attacks, net_attacks,
					       process_attacks,
					       kernel_attacks };

/* In the victim's memory at the same address: it is a fork of ours. */
static uint32_t landmark = 0x5ec2e7;

struct stage {
	char dir[64], ws[80], out[80], secret[96], name[64];
	char self[4096];
	unsigned short port;
	pid_t victim;
	struct confine_plan plan;
	int abi;
};

int attack_result(long r)
{
	return r >= 0 ? ATTACK_SUCCEEDED : ATTACK_BLOCKED;
}

const char *at(const char *dir, const char *name)
{
	static char text[4][8192];
	static unsigned int next;
	char *t = text[next++ % ARRAY_LEN(text)];

	(void)snprintf(t, sizeof(text[0]), "%s/%s", dir, name);
	return t;
}

static _noreturn_ void die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- the attacker's side: a program of its own --- */

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v ? v : "";
}

static long env_number(const char *name)
{
	int64_t n = 0;

	(void)num_parse_i64(str_from(env(name)), &n);
	return (long)n;
}

static int attacker(const char *name)
{
	struct arena a = {
		.ws = env("WS"),
		.out = env("OUT"),
		.secret = env("SECRET"),
		.name = env("NAME"),
		.victim = (pid_t)env_number("VICTIM"),
		.port = (unsigned short)env_number("PORT"),
		.leaked = LEAK,
		.mark = (uintptr_t)env_number("MARK"),
	};

	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		for (const struct attack *k = groups[g]; k->name; k++) {
			if (strcmp(k->name, name) == 0)
				return k->run(&a);
		}
	}
	return ATTACK_NO_MEANS;
}

/* --- the stage --- */

static void put_file(const char *path, mode_t mode)
{
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, "secret\n", 7) != 7)
		die(path);
}

static void copy_self(const struct stage *s, const char *to, mode_t mode)
{
	_cleanup_close_ int in = open(s->self, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out =
		open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	static char block[65536];
	ssize_t n;

	while ((n = read(in, block, sizeof(block))) > 0) {
		if (write(out, block, (size_t)n) != n)
			die(to);
	}
	if (mode & S_ISUID)
		(void)!fchown(out, 65534, 65534);
	(void)fchmod(out, mode);
}

/* What an earlier attack may have changed. */
static void stage_reset(const struct stage *s)
{
	static const char *const made[] = { "link", "hardlink", "prey",
					    "setuid", "null" };

	for (size_t i = 0; i < ARRAY_LEN(made); i++)
		(void)unlink(at(s->ws, made[i]));
	(void)unlink(at(s->ws, "file"));
	(void)unlink(at(s->out, "file"));
	(void)unlink(at(s->out, "new"));
	(void)rmdir(at(s->out, "dir"));
	put_file(s->secret, 0600);
	put_file(at(s->out, "prey"), 0600);
	put_file(at(s->ws, "file"), 0600);
}

static unsigned short listen_tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) < 0)
		die("listener");
	return ntohs(a.sin_port);
}

static void listen_abstract(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path + 1, name, n);
	if (fd < 0 ||
	    bind(fd, (const struct sockaddr *)&a,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) <
		    0 ||
	    listen(fd, 64) < 0)
		die("abstract socket");
}

static void stage_plan(struct stage *s)
{
	static const char *const readable[] = { "/usr",   "/bin", "/lib",
						"/lib64", "/etc", "/proc" };
	struct seccomp_options o = { .landlock_abi = landlock_abi() };
	struct grant_set g = { 0 };
	struct sock_fprog *f = NULL;

	for (size_t i = 0; i < ARRAY_LEN(readable); i++)
		(void)grant_set_add(&g, readable[i], GRANT_READ | GRANT_EXECUTE,
				    false);
	(void)grant_set_add(&g, "/dev", GRANT_READ | GRANT_WRITE | GRANT_IOCTL,
			    false);
	(void)grant_set_add(&g, s->self, GRANT_EXECUTE, false);
	(void)grant_set_add(&g, s->ws, GRANT_RW | GRANT_EXECUTE | GRANT_DEVICE,
			    false);
	s->abi = o.landlock_abi;
	if (seccomp_build(&o, &f, NULL) < 0)
		die("seccomp_build");
	s->plan = (struct confine_plan){ .cwd_fd = -1,
					 .filter = f,
					 .landlock_fd = -1 };
	s->plan.required = 1U << CONFINE_SECCOMP | 1U << CONFINE_NNP |
			   1U << CONFINE_CAPS | 1U << CONFINE_FDS;
	if (s->abi > 0) {
		s->plan.landlock_fd = landlock_build(&g, NULL);
		s->plan.landlock_flags = landlock_restrict_flags(s->abi);
		s->plan.required |= 1U << CONFINE_LANDLOCK;
	}
	grant_set_done(&g);
}

static void stage_open(struct stage *s)
{
	ssize_t n = readlink("/proc/self/exe", s->self, sizeof(s->self) - 1);

	if (n < 0)
		die("/proc/self/exe");
	s->self[n] = '\0';
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/agentsh-floor.XXXXXX");
	if (!mkdtemp(s->dir) || chmod(s->dir, 0755) < 0)
		die(s->dir);
	(void)snprintf(s->ws, sizeof(s->ws), "%s/ws", s->dir);
	(void)snprintf(s->out, sizeof(s->out), "%s/out", s->dir);
	(void)snprintf(s->secret, sizeof(s->secret), "%s/secret", s->out);
	(void)snprintf(s->name, sizeof(s->name), "agentsh-floor-%d",
		       (int)getpid());
	if (mkdir(s->ws, 0755) < 0 || mkdir(s->out, 0755) < 0)
		die(s->dir);
	copy_self(s, at(s->ws, "suid"), 04755);
	copy_self(s, at(s->out, "prog"), 0755);
	s->port = listen_tcp();
	listen_abstract(s->name);
	stage_reset(s);
	stage_plan(s);
}

static void stage_close(const struct stage *s)
{
	static const char *const rest[] = { "ws/suid", "ws/file", "out/prog",
					    "out/prey", "out/secret" };

	stage_reset(s);
	for (size_t i = 0; i < ARRAY_LEN(rest); i++)
		(void)unlink(at(s->dir, rest[i]));
	(void)rmdir(s->ws);
	(void)rmdir(s->out);
	if (rmdir(s->dir) < 0)
		die(s->dir);
}

/* --- one attack --- */

static void set_number(const char *name, long value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%ld", value);
	(void)setenv(name, text, 1);
}

/* Returns when the victim has everything that attacks look for. */
static pid_t start_victim(void)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		(void)dup2(2, LEAK);
		(void)!write(ready[1], "", 1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	(void)!read(ready[0], &c, 1);
	(void)close(ready[0]);
	return pid;
}

static _noreturn_ void attack_exec(const struct stage *s, const char *name,
				   bool confined)
{
	char *const argv[] = { (char[]){ "floor" }, (char[]){ "--attack" },
			       strdup(name), NULL };
	struct confine_report report;
	int leak = open(s->secret, O_RDONLY); /* on purpose not CLOEXEC */

	(void)setenv("WS", s->ws, 1);
	(void)setenv("OUT", s->out, 1);
	(void)setenv("SECRET", s->secret, 1);
	(void)setenv("NAME", s->name, 1);
	set_number("PORT", s->port);
	set_number("VICTIM", s->victim);
	set_number("MARK", (long)&landmark);
	if (leak < 0 || dup2(leak, LEAK) < 0)
		die("leak");
	if (confined && confine_apply(&s->plan, -1, &report) < 0) {
		for (unsigned int i = 0; i < CONFINE_STEP_MAX; i++) {
			if (report.result[i] == CONFINE_FAILED)
				(void)fprintf(stderr, "%s: %s\n",
					      confine_step_to_string(i),
					      strerror(report.error[i]));
		}
		_exit(99);
	}
	(void)execv(s->self, argv);
	_exit(98);
}

/* Exit status, or 1000 + signal. */
static int attack_once(struct stage *s, const char *name, bool confined)
{
	int status = 0;
	pid_t pid;

	stage_reset(s);
	s->victim = start_victim();
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		(void)alarm(120);
		attack_exec(s, name, confined);
	}
	(void)waitpid(pid, &status, 0);
	(void)kill(s->victim, SIGKILL);
	(void)waitpid(s->victim, NULL, 0);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

enum outcome {
	STOPPED,
	NOT_SHOWN,
	GOT_THROUGH
};

static enum outcome attack_judge(struct stage *s, const struct attack *k)
{
	int plain, held;

	if (k->landlock > s->abi) {
		printf("skip %s: needs Landlock ABI %d, here %d\n", k->name,
		       k->landlock, s->abi);
		return NOT_SHOWN;
	}
	plain = attack_once(s, k->name, false);
	if (plain != ATTACK_SUCCEEDED) {
		printf("skip %s: fails here without a sandbox, too (%d)\n",
		       k->name, plain);
		return NOT_SHOWN;
	}
	held = attack_once(s, k->name, true);
	if (held == ATTACK_BLOCKED || held == 1000 + SIGSYS) {
		printf("ok   %s: %s\n", k->name,
		       held == ATTACK_BLOCKED ? "refused" : "killed");
		return STOPPED;
	}
	printf("FAIL %s: status %d under the floor\n", k->name, held);
	return GOT_THROUGH;
}

static bool wanted(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], name) == 0)
			return true;
	}
	return argc == 1;
}

int main(int argc, char **argv)
{
	struct stage s = { .abi = 0 };
	int n[3] = { 0 };

	if (strcmp(argv[0], "prog") == 0)
		return ATTACK_SUCCEEDED;
	if (argc == 2 && strcmp(argv[1], "--euid") == 0)
		return geteuid() != getuid() ? ATTACK_SUCCEEDED
					     : ATTACK_BLOCKED;
	if (argc == 3 && strcmp(argv[1], "--attack") == 0)
		return attacker(argv[2]);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	stage_open(&s);
	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		for (const struct attack *k = groups[g]; k->name; k++) {
			if (wanted(argc, argv, k->name))
				n[attack_judge(&s, k)]++;
		}
	}
	stage_close(&s);
	printf("%d stopped, %d not shown, %d got through\n", n[STOPPED],
	       n[NOT_SHOWN], n[GOT_THROUGH]);
	return n[GOT_THROUGH] > 0;
}
