/* SPDX-License-Identifier: MIT */
/*
 * race_many.c - changes what a system call names while it is being judged
 *
 *	race_many CLASS DIRECTORY TRIES SECONDS
 *
 * In DIRECTORY are: fine and closed/key (the same length as paths here: a/fine,
 * c/key1), ro/f. Half of eight threads change the path, link, descriptor or
 * buffer, the others make the call and look whether it hit what is denied. Ends
 * after TRIES calls or SECONDS, whichever comes last. Prints "CLASS tries N done
 * M won W"; exit 1 when something was won, 2 when nothing was done at all.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define GOOD "a/fine"
#define EVIL "c/key1"

static char path[64] = GOOD;       /* flipped */
static struct open_how how;        /* flipped: flags */
static struct sockaddr_un unix_to; /* flipped: name */
static struct sockaddr_in inet_to; /* flipped: port */
static uint16_t good_port, evil_port;
static struct stat denied; /* as it was */
static int dirs[2], files[2];
static atomic_ulong tries, done, won;
static atomic_bool stop;

#define FLIP_DIR  700 /* descriptor numbers that change their meaning */
#define FLIP_FILE 701

struct race {
	const char *name;
	void (*flip)(unsigned int i);
	void (*call)(void);
};

/* --- what changes --- */

static void flip_path(unsigned int i)
{
	memcpy(path, i & 1 ? EVIL : GOOD, sizeof(GOOD));
}

static void flip_link(unsigned int i)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "l%lu", (unsigned long)gettid());
	if (symlink(i & 1 ? EVIL : GOOD, name) == 0)
		(void)rename(name, "link");
}

static void flip_dirlink(unsigned int i)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "d%lu", (unsigned long)gettid());
	if (symlink(i & 1 ? "c" : "b", name) == 0)
		(void)rename(name, "dir");
}

static void flip_fds(unsigned int i)
{
	(void)dup2(dirs[i & 1], FLIP_DIR);
	(void)dup2(files[i & 1], FLIP_FILE);
}

static void flip_how(unsigned int i)
{
	how.flags = i & 1 ? O_RDWR : O_RDONLY;
}

static void flip_unix(unsigned int i)
{
	memcpy(unix_to.sun_path, i & 1 ? "s/evil" : "s/good", 7);
}

static void flip_inet(unsigned int i)
{
	inet_to.sin_port = i & 1 ? evil_port : good_port;
}

/* --- what is called --- */

static bool is_denied(const struct stat *st)
{
	return st->st_dev == denied.st_dev && st->st_ino == denied.st_ino;
}

static void note_fd(int fd)
{
	struct stat st;

	if (fd < 0)
		return;
	done++;
	if (fstat(fd, &st) == 0 && is_denied(&st))
		won++;
	(void)close(fd);
}

/* The denied file is not any more what it was. */
static void note_file(int r)
{
	struct stat st;

	done += r == 0;
	if (stat(EVIL, &st) < 0 || st.st_mode != denied.st_mode ||
	    st.st_size != denied.st_size || !is_denied(&st) ||
	    st.st_mtim.tv_sec != denied.st_mtim.tv_sec ||
	    st.st_nlink != denied.st_nlink)
		won++;
}

static void call_open(void)
{
	note_fd(open(path, O_RDONLY));
}

static void call_open_write(void)
{
	note_fd(open(path, O_RDWR | O_CREAT, 0644));
}

static void call_chmod(void)
{
	note_file(chmod(path, 0604));
}

static void call_truncate(void)
{
	note_file(truncate(path, 1));
}

static void call_utimes(void)
{
	struct timespec t[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	note_file(utimensat(AT_FDCWD, path, t, 0));
}

static void call_unlink(void)
{
	int fd;

	note_file(unlink(path));
	fd = open(GOOD, O_WRONLY | O_CREAT, 0644);
	if (fd >= 0)
		(void)close(fd);
}

static void call_rename(void)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "m%lu", (unsigned long)gettid());
	note_file(rename(path, name));
	(void)rename(name, GOOD);
}

static void call_hardlink(void)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "h%lu", (unsigned long)gettid());
	note_file(link(path, name));
	(void)unlink(name);
}

static void call_xattr(void)
{
	char got[8];
	int r = setxattr(path, "user.race", "x", 1, 0);

	done += r == 0;
	if (getxattr(EVIL, "user.race", got, sizeof(got)) >= 0)
		won++;
}

static void call_by_link(void)
{
	note_fd(open("link", O_RDONLY));
}

static void call_by_dirlink(void)
{
	note_fd(open("dir/key1", O_RDONLY));
}

static void call_by_dirfd(void)
{
	note_fd(openat(FLIP_DIR, "key1", O_RDONLY));
}

static void call_fchmod(void)
{
	struct stat st;

	done += fchmod(FLIP_FILE, 0606) == 0;
	if (stat("ro/f", &st) == 0 && (st.st_mode & 0777) == 0606)
		won++;
}

static void call_how(void)
{
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, "ro/f", &how, sizeof(how));

	if (fd < 0)
		return;
	done++;
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
		won++;
	(void)close(fd);
}

static void call_unix(void)
{
	struct sockaddr_un peer = { 0 };
	socklen_t n = sizeof(peer);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&unix_to, sizeof(unix_to)) == 0 &&
	    getpeername(fd, (struct sockaddr *)&peer, &n) == 0) {
		done++;
		if (strstr(peer.sun_path, "evil"))
			won++;
	}
	(void)close(fd);
}

/* What arrives at the evil port is counted by the script. */
static void call_sendto(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	done += sendto(fd, "x", 1, 0, (struct sockaddr *)&inet_to,
		       sizeof(inet_to)) == 1;
	(void)close(fd);
}

static void call_connect(void)
{
	struct sockaddr_in peer = { 0 };
	socklen_t n = sizeof(peer);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (connect(fd, (struct sockaddr *)&inet_to, sizeof(inet_to)) == 0 &&
	    getpeername(fd, (struct sockaddr *)&peer, &n) == 0) {
		done++;
		if (peer.sin_port == evil_port)
			won++;
	}
	(void)close(fd);
}

static const struct race races[] = {
	{ "path-open", flip_path, call_open },
	{ "path-write", flip_path, call_open_write },
	{ "path-chmod", flip_path, call_chmod },
	{ "path-truncate", flip_path, call_truncate },
	{ "path-utimes", flip_path, call_utimes },
	{ "path-unlink", flip_path, call_unlink },
	{ "path-rename", flip_path, call_rename },
	{ "path-link", flip_path, call_hardlink },
	{ "path-xattr", flip_path, call_xattr },
	{ "symlink", flip_link, call_by_link },
	{ "dir-symlink", flip_dirlink, call_by_dirlink },
	{ "fd-openat", flip_fds, call_by_dirfd },
	{ "fd-fchmod", flip_fds, call_fchmod },
	{ "buffer-openat2", flip_how, call_how },
	{ "buffer-unix", flip_unix, call_unix },
	{ "buffer-sendto", flip_inet, call_sendto },
	{ "buffer-connect", flip_inet, call_connect },
};

static void *flipper(void *arg)
{
	const struct race *r = arg;

	for (unsigned int i = 0; !stop; i++) {
		r->flip(i);
		for (volatile unsigned int k = 0; k < (i * 7 & 255); k++)
			;
	}
	return NULL;
}

static void *attacker(void *arg)
{
	const struct race *r = arg;

	while (!stop) {
		tries++;
		r->call();
	}
	return NULL;
}

static void prepare(void)
{
	const char *good = getenv("GOOD_PORT"), *evil = getenv("EVIL_PORT");

	unix_to.sun_family = AF_UNIX;
	flip_unix(0);
	inet_to.sin_family = AF_INET;
	inet_to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	good_port = htons((uint16_t)atoi(good ? good : "1"));
	evil_port = htons((uint16_t)atoi(evil ? evil : "9"));
	inet_to.sin_port = good_port;
	dirs[0] = open("b", O_PATH | O_DIRECTORY);
	dirs[1] = open("c", O_PATH | O_DIRECTORY);
	files[0] = open(GOOD, O_RDONLY);
	files[1] = open("ro/f", O_RDONLY);
	flip_fds(0);
}

static const struct race *find(const char *name)
{
	for (size_t i = 0; i < sizeof(races) / sizeof(races[0]); i++)
		if (strcmp(races[i].name, name) == 0)
			return &races[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct race *r = argc == 5 ? find(argv[1]) : NULL;
	pthread_t t[8];
	time_t end;

	if (!r || chdir(argv[2]) < 0 || stat(EVIL, &denied) < 0)
		return 3;
	prepare();
	end = time(NULL) + atoi(argv[4]);
	for (int i = 0; i < 8; i++)
		/* pthread_create wants a pointer to what is not changed */
		if (pthread_create(&t[i], NULL, i & 1 ? flipper : attacker,
				   (void *)(uintptr_t)r) != 0)
			return 3;
	while (time(NULL) < end ||
	       (tries < (unsigned long)atol(argv[3]) && time(NULL) < end + 120))
		(void)usleep(20000);
	stop = true;
	for (int i = 0; i < 8; i++)
		(void)pthread_join(t[i], NULL);
	(void)printf("%s tries %lu done %lu won %lu\n", r->name, tries, done,
		     won);
	return won ? 1 : done ? 0 : 2;
}
