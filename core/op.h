/* SPDX-License-Identifier: MIT */
/*
 * op.h - what is attempted
 *
 * Every catcher (vfs, notify, ptrace, netproxy, server pre-check) describes an
 * attempt as a struct op and asks policy_decide(). An op borrows all it points
 * to for the duration of the call; who parks it copies it with op_dup().
 */
#ifndef CORE_OP_H
#define CORE_OP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/str.h"

enum op_kind {
	OP_NONE = 0, /* undecodable: always denied */
	OP_FILE,
	OP_EXEC,
	OP_NET,
	OP_DNS,
	OP_UNIX,
	OP_SIGNAL,
	OP_HTTP, /* method + path of a declared http_service */
	OP_KIND_MAX,
};

/*
 * File verbs. The first 17 are the vocabulary of policy files; the rest are
 * finer than it and are matched by their own name or by the verb in
 * file_verb_alias() (a rule for `write` covers truncate, utime and xattr).
 */
enum file_verb {
	FILE_OPEN = 0,
	FILE_READ,
	FILE_LIST,
	FILE_WRITE,
	FILE_CREATE,
	FILE_DELETE,
	FILE_RMDIR,
	FILE_MKDIR,
	FILE_RENAME,
	FILE_LINK,
	FILE_SYMLINK,
	FILE_CHMOD,
	FILE_CHOWN,
	FILE_MKNOD,
	FILE_STAT,
	FILE_ACCESS,
	FILE_READLINK,
	FILE_TRUNCATE, /* alias write */
	FILE_UTIME,    /* alias write */
	FILE_XATTR,    /* set/remove; alias write */
	FILE_VERB_MAX,
};

struct op_file {
	enum file_verb verb;
	/* Absolute path of the object acted on, resolved by the kernel's
	 * rules (no links, no ..); for a name that is to be created or removed:
	 * the resolved parent + the last component. */
	struct str path;
	/* The path as the caller named it, made absolute and cleaned; judged
	 * too, the stricter verdict wins. Empty when equal to path. */
	struct str name;
	bool is_dir; /* the object is a directory */
};

struct op_exec {
	/* Resolved path of the file that will run. */
	struct str path;
	/* Every other name that led to it: name as given, link names, shebang
	 * script, ld.so target, applet, argv[0]. */
	const struct str *names;
	size_t n_names;
	const struct str *argv; /* with argv[0] */
	size_t argc;
	unsigned int depth;  /* 0: the command itself; 1: its child; ... */
	bool truncated;      /* argv was longer than we read */
	bool precheck;       /* server's check before anything runs */
	bool exec_enforced;  /* every later exec is judged too: opaque shell
			      * scripts need not be refused */
	bool denied_content; /* the file is a copy of a denied program */
};

struct op_net {
	struct str host;  /* canonical lower-case name, or "" if only addr */
	uint8_t addr[16]; /* v4 as ::ffff:a.b.c.d; valid if has_addr */
	bool has_addr;
	uint16_t port;
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP, ... */
};

enum unix_verb {
	UNIX_CONNECT = 0,
	UNIX_BIND,
	UNIX_LISTEN,
	UNIX_SENDTO,
	UNIX_VERB_MAX
};

struct op_unix {
	enum unix_verb verb;
	struct str path; /* resolved path, or name without the NUL */
	bool abstract;
};

/* Relation of a signal's target to its sender; bits, several can hold. */
enum signal_relation {
	SIGREL_SELF = 1 << 0,
	SIGREL_CHILD = 1 << 1,
	SIGREL_DESCENDANT = 1 << 2,
	SIGREL_SIBLING = 1 << 3,
	SIGREL_SESSION = 1 << 4,
	SIGREL_PARENT = 1 << 5,
	SIGREL_EXTERNAL = 1 << 6,
	SIGREL_SYSTEM = 1 << 7,
	SIGREL_USER = 1 << 8,
};

struct op_signal {
	int signo;
	pid_t target;
	unsigned int relation; /* enum signal_relation bits */
	struct str comm;       /* target's process name */
};

struct op_http {
	struct str service, method, path;
};

struct op {
	enum op_kind kind;
	union {
		struct op_file file;
		struct op_exec exec;
		struct op_net net; /* OP_NET and OP_DNS */
		struct op_unix un;
		struct op_signal sig;
		struct op_http http;
	};
};

const char *op_kind_to_string(enum op_kind kind);
/* "open", "write", ...; NULL for a value out of range. */
const char *file_verb_to_string(enum file_verb verb);
/* Case-insensitive; -EINVAL for an unknown word. */
int file_verb_from_string(struct str word, enum file_verb *ret);
/* The policy verb that also covers this one; itself if none. */
enum file_verb file_verb_alias(enum file_verb verb);
/* True for open read stat list readlink access: allowed when no rule matches */
bool file_verb_is_read(enum file_verb verb);
const char *unix_verb_to_string(enum unix_verb verb);
int unix_verb_from_string(struct str word, enum unix_verb *ret);

/* Deep copy into the arena; NULL when it is full. */
struct op *op_dup(struct arena *a, const struct op *op);

/* v4 into the mapped form; unwraps nothing. */
void op_net_set_v4(struct op_net *net, uint32_t addr_be);

#endif
