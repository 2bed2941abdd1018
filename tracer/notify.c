/* SPDX-License-Identifier: MIT */
/*
 * notify.c - seccomp user notification: receive, dispatch, answer
 *
 * Theory of operation
 *
 *	caller                     kernel                    here
 *	  | openat(dirfd, ptr, ..)   |                         |
 *	  |------------------------->| stops; listener readable|
 *	  |                          |------ RECV {id, tid, args} -->
 *	  |                          |   read memory, /proc/TID
 *	  |                          |<----- ID_VALID? --------|
 *	  |                          |   resolve -> hold fd -> judge -> record
 *	  |                          |<----- SEND | ADDFD -----|
 *	  |<-------------------------|                         |
 *
 * The race. Arguments that point to memory can be rewritten by another thread
 * between our copy and the kernel's own copy, and names can be re-linked
 * between our look-up and the kernel's. Therefore:
 *
 *  1. What was judged is what is used. A call whose arguments are scalars, or
 *     which the static floor judges by itself in the same way, may CONTINUE.
 *     Every other allowed call is carried out here, on the object that was
 *     judged (a held O_PATH descriptor, a held parent directory and one last
 *     component, a copied address), and its result is returned.
 *  2. execve cannot be carried out for someone else. It continues, and the
 *     process is marked: its first notified call in the new image makes us
 *     look at what it really runs, and it is killed if that is not allowed
 *     (decode_exec.c).
 *  3. A denial needs no such care: it is returned as EACCES and nothing runs.
 *
 * The second race. The thread may die and its id be reused while we look at
 * /proc/TID. NOTIF_ID_VALID after the last read, before anything is decided on
 * what was read, closes it: the id is valid only as long as that very system
 * call is pending, so all reads before the question were of the caller.
 *
 * Liveness. One thread, no blocking call on behalf of a caller except through
 * the worker for slow opens. SYNC_WAKE_UP (6.6) makes the kernel hand the CPU
 * over and is worth a factor of ten in latency; older kernels just are slower.
 * The hint gets lost in epoll, so a listener is a direct source of the loop
 * (base/loop.c), and each turn is ppoll, RECV, the answer. RECV cannot block
 * after POLLIN: the kernel counts every notification and RECV takes one count,
 * also for one whose caller was killed since (ENOENT); there is no receiver
 * but us.
 * Before 6.11 a listener reports HUP only once the command has been reaped, so
 * the end of a command is taken from SIGCHLD, never from the listener.
 *
 * When this process dies, every notified call in the sandbox fails with
 * ENOSYS, and the first process of each command gets SIGKILL (PDEATHSIG).
 */
#include "tracer/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/socket_words.h"
#include "confine/seccomp.h"
#include "core/attribution.h"
#include "tracer/identity.h"
#include "tracer/ptrace.h"
#include "tracer/replace.h"
#include "tracer/sysent.h"

#define NR_FCHMODAT2 452 /* newer than some headers; on all architectures */

/* Linux 6.6, not in Debian 12's headers. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#	define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#	define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

#define LEADER_NS 5000000U /* 5 ms */

struct request *request_new(struct command *c, const struct backend *b)
{
	struct tracer *t = c->tracer;
	struct request *q = t->free_requests;

	if (q)
		t->free_requests = q->next_free;
	else
		q = malloc(sizeof(*q));
	if (!q)
		return NULL;
	*q = (struct request){ .tracer = t, .command = c, .backend = b };
	q->mem = (struct mem){ mem_read_process, &q->tid };
	c->n_requests++;
	return q;
}

/* The request is gone after this. */
static void request_end(struct request *q)
{
	struct tracer *t = q->tracer;
	struct command *c = q->command;

	if (q->free_data)
		q->free_data(q->data);
	q->who = identity_put(q->who);
	q->next_free = t->free_requests;
	t->free_requests = q;
	command_release(c);
}

static void notify_send(const struct request *q, int64_t value, int error,
			uint32_t flags)
{
	struct seccomp_notif_resp resp = {
		.id = q->id, .val = value, .error = -error, .flags = flags
	};

	/* ENOENT: the caller was killed meanwhile. Nothing to tell anyone. */
	if (q->command->listener >= 0 &&
	    ioctl(q->command->listener, SECCOMP_IOCTL_NOTIF_SEND, &resp) < 0 &&
	    errno != ENOENT)
		log_warn_errno(-errno, "%s of process %d: cannot answer",
			       q->name, q->tid);
}

static void notify_go_on(struct request *q)
{
	notify_send(q, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

static void notify_answer(struct request *q, int64_t value, int error)
{
	notify_send(q, value, error, 0);
}

static void notify_inject(struct request *q, int fd, bool cloexec)
{
	struct seccomp_notif_addfd add = {
		.id = q->id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (uint32_t)fd,
		.newfd_flags = cloexec ? O_CLOEXEC : 0,
	};
	int got = ioctl(q->command->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	if (got >= 0 || errno == ENOENT)
		return;
	if (errno == EMFILE || errno == ENFILE) {
		notify_send(q, 0, errno, 0); /* the caller's own limit */
		return;
	}
	/* Before 5.14 there is no SEND: two steps, an unused fd at worst. */
	add.flags = 0;
	got = ioctl(q->command->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	if (got >= 0)
		notify_send(q, got, 0, 0);
	else
		notify_send(q, 0, errno, 0);
}

static bool notify_valid(const struct request *q)
{
	uint64_t id = q->id;

	return q->command->listener >= 0 &&
	       ioctl(q->command->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) ==
		       0;
}

static const struct backend notify_backend = { .source = "seccomp",
					       .tells_chdir = true,
					       .valid = notify_valid,
					       .go_on = notify_go_on,
					       .answer = notify_answer,
					       .inject = notify_inject };

void request_continue(struct request *q)
{
	q->backend->go_on(q);
	request_end(q);
}

void request_fail(struct request *q, int error)
{
	q->backend->answer(q, 0, error > 0 ? error : EACCES);
	request_end(q);
}

void request_return(struct request *q, int64_t value)
{
	int r = q->replace_with > 0 ? replace_done(q) : 0;

	if (r < 0) {
		request_fail(q, -r);
		return;
	}
	q->backend->answer(q, value, 0);
	request_end(q);
}

void request_inject(struct request *q, int fd, bool cloexec)
{
	q->backend->inject(q, fd, cloexec);
	request_end(q);
}

void request_inject_last(struct request *q, int fd, bool cloexec)
{
	struct seccomp_notif_addfd add = {
		.id = q->id,
		.srcfd = (uint32_t)fd,
		.newfd_flags = cloexec ? O_CLOEXEC : 0,
	};
	int got, error;

	if (q->backend != &notify_backend) {
		request_inject(q, fd, cloexec);
		(void)close(fd);
		return;
	}
	got = ioctl(q->command->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	error = got < 0 ? errno : 0;
	(void)close(fd);
	if (error != ENOENT)
		notify_send(q, got < 0 ? 0 : got, error, 0);
	request_end(q);
}

void request_abandon(struct request *q)
{
	if (!q->worker_source) /* then its word is still to come */
		request_end(q);
}

void request_kill(struct request *q)
{
	_cleanup_identity_ struct identity *was = identity_look();

	(void)kill(q->pid > 0 ? q->pid : q->tid, SIGKILL);
	request_fail(q, EACCES);
}

bool request_valid(const struct request *q)
{
	return q->backend->valid(q);
}

/* Signal 0 to the thread tid of the process tid: there is none (ESRCH) unless
 * tid is a group leader. Much cheaper than reading /proc/TID/status. It stays
 * one as long as it lives, and its id is given again only when all others
 * have been: never within LEADER_NS. */
static bool is_leader(struct tracer *t, pid_t tid)
{
	struct leader *l = &t->leaders[(unsigned int)tid % LEADER_SLOTS];
	uint64_t now = loop_now(t->loop);

	if (l->tid == tid && now < l->until_ns)
		return true;
	if (syscall(SYS_tgkill, tid, tid, 0) < 0 && errno != EPERM)
		return false;
	*l = (struct leader){ tid, now + LEADER_NS };
	return true;
}

pid_t request_pid(struct request *q)
{
	/* Our own child until we have waited for it. */
	if (q->pid == 0 && q->tid == q->command->pid && !q->command->reaped)
		q->pid = q->tid;
	if (q->pid == 0 && is_leader(q->tracer, q->tid))
		q->pid = q->tid;
	if (q->pid == 0 && proc_tgid(q->tid, &q->pid) < 0)
		q->pid = 0;
	return q->pid;
}

void request_attribute(const struct request *q)
{
	if (q->tracer->attribution)
		attribution_act(q->tracer->attribution, q->command->place,
				q->pid);
}

void request_event(struct request *q, struct event *e)
{
	const struct proc_entry *p =
		proctab_find(&q->command->procs, request_pid(q));

	e->session_id = str_from(q->tracer->session_id);
	e->command_id = str_from(q->command->id);
	e->source = str_from(q->backend->source);
	e->pid = q->pid;
	if (p) {
		e->parent_pid = p->parent;
		e->depth = (int)p->depth;
	}
}

void request_ask(struct request *q, const struct op *op, const struct op *op2,
		 const struct event *e, guard_done_fn *done)
{
	q->tracer->asking = q->command->id;
	if (op2)
		guard_ask2(q->tracer->guard, op, op2, e, done, q);
	else
		guard_ask(q->tracer->guard, op, e, done, q);
}

void request_hold(struct request *q, const struct op *op, const struct op *op2,
		  const struct event *e, guard_done_fn *done)
{
	q->tracer->asking = q->command->id;
	guard_hold(q->tracer->guard, op, op2, e, done, q);
}

/* The dry run's execve: readable memory proves the round trip. */
static void answer_probe(struct request *q)
{
	char name[32];

	q->command->probe_seen =
		q->nr == SYS_execve &&
		mem_get_string(&q->mem, q->args[0], name, sizeof(name)) > 0;
	request_fail(q, EACCES);
}

static bool in_block_list(const struct tracer *t, const char *name)
{
	for (size_t i = 0; i < t->settings.seccomp_block.n; i++)
		if (strcmp(t->settings.seccomp_block.v[i], name) == 0)
			return true;
	return false;
}

/* A socket that the configuration refuses: which of its entries; -1. */
static int socket_rule(const struct request *q)
{
	const struct settings *s = &q->tracer->settings;

	if (q->nr != SYS_socket && q->nr != SYS_socketpair)
		return -1;
	for (size_t i = 0; i < s->n_sockets; i++) {
		const struct seccomp_socket *x = &s->sockets[i];

		if ((x->family < 0 || x->family == (int)q->args[0]) &&
		    (x->type < 0 || x->type == (int)(q->args[1] & 0xf)) &&
		    (x->protocol < 0 || x->protocol == (int)q->args[2]))
			return (int)i;
	}
	return -1;
}

static bool describe_socket(const struct request *q, struct event *e)
{
	const struct settings *s = &q->tracer->settings;
	int rule = socket_rule(q);
	const char *family;

	if (q->nr != SYS_socket && q->nr != SYS_socketpair)
		return false;
	family = socket_family_name((int)q->args[0]);
	if (family)
		event_add_str(e, "family", str_from(family));
	if (rule < 0)
		return false;
	e->type = s->socket_names[rule] ? STR("seccomp_socket_rule_blocked")
					: STR("seccomp_socket_family_blocked");
	if (s->socket_names[rule])
		event_add_str(e, "rule", str_from(s->socket_names[rule]));
	return s->sockets[rule].kill;
}

void request_refuse(struct request *q, int error)
{
	struct tracer *t = q->tracer;
	struct event e = EVENT_INIT("seccomp_blocked");
	const char *name = seccomp_syscall_name(q->nr);
	bool fatal = name && t->settings.seccomp_kill && in_block_list(t, name);

	fatal |= describe_socket(q, &e);
	request_event(q, &e);
	e.action = EVENT_BLOCKED;
	event_add_str(&e, "syscall", str_from(name ? name : "unknown"));
	event_add_int(&e, "syscall_nr", q->nr);
	for (int i = 0; i < 3; i++) {
		static const char *const keys[] = { "arg0", "arg1", "arg2" };

		event_add_int(&e, keys[i], (int64_t)q->args[i]);
	}
	event_add_str(&e, "action", fatal ? STR("kill") : STR("errno"));
	event_add_str(&e, "outcome", fatal ? STR("killed") : STR("denied"));
	(void)sink_emit(&t->sink, &e); /* it is refused in any case */
	if (fatal)
		request_kill(q);
	else
		request_fail(q, error);
}

/* Are arguments of this call looked at by the filter? */
static bool is_checked(struct tracer *t, int nr)
{
	struct seccomp_options quiet = t->seccomp;

	if (t->checked[nr] == 0) {
		quiet.notify = 0;
		t->checked[nr] =
			seccomp_classify(&quiet, nr) == SECCOMP_CHECK ? 1 : -1;
	}
	return t->checked[nr] > 0;
}

/* Of opens, which are told anyway, only those with set-id bits. */
static bool may_be_refused(const struct request *q)
{
	const uint64_t setid = S_ISUID | S_ISGID;

	if (q->nr == SYS_openat)
		return (q->args[3] & setid) != 0;
#ifdef SYS_open
	if (q->nr == SYS_open)
		return (q->args[2] & setid) != 0;
#endif
	return is_checked(q->tracer, q->nr);
}

/* By number alone. */
static int denied_errno(struct tracer *t, int nr)
{
	if (t->denied_errno[nr] < 0)
		t->denied_errno[nr] =
			(int16_t)seccomp_denied_errno(&t->seccomp, nr);
	return t->denied_errno[nr];
}

/* The errno with which the filter would refuse this by itself; 0 = it would
 * not. */
static int refusal(const struct request *q)
{
	struct tracer *t = q->tracer;

	if (q->nr < 0 || q->nr >= TRACER_NR_MAX)
		return ENOSYS;
	if (denied_errno(t, q->nr) || !may_be_refused(q))
		return denied_errno(t, q->nr);
	if (!t->quiet_filter &&
	    seccomp_build_quiet(&t->seccomp, &t->quiet_filter) < 0)
		return ENOMEM;
	return seccomp_refusal(t->quiet_filter, q->nr, q->args);
}

/*
 * Set-id bits and device nodes: whether there is such a file comes first, and
 * on a directory the bits are nobody's rights. True when nothing but the mode
 * stands against the call; its decoder refuses it then.
 */
static bool refused_when_found(const struct request *q)
{
	uint64_t args[6];
	int mode;

	switch (q->nr) {
#ifdef SYS_chmod
	case SYS_chmod:
	case SYS_mknod:
#endif
	case SYS_fchmod:
		mode = 1;
		break;
	case SYS_fchmodat:
	case NR_FCHMODAT2:
	case SYS_mknodat:
		mode = 2;
		break;
	default:
		return false;
	}
	if (denied_errno(q->tracer, q->nr) || !q->tracer->quiet_filter)
		return false;
	memcpy(args, q->args, sizeof(args));
	args[mode] = 0600;
	return seccomp_refusal(q->tracer->quiet_filter, q->nr, args) == 0;
}

/* As the caller, but for what goes on: executing, signals. */
static void decode(struct request *q, const struct sysent *s)
{
	_cleanup_identity_ struct identity *was = NULL;

	if (s->decode != decode_exec && s->decode != decode_kill &&
	    identity_enter(q, &was) < 0)
		request_fail(q, EPERM);
	else
		s->decode(q);
}

void request_dispatch(struct request *q)
{
	const struct sysent *s = sysent_find(q->nr);
	int denied;

	q->name = s ? s->name : "system call";
	if (q->command->pid == 0)
		command_known(q->command, q->tid);
	cwd_arrived(q->tracer, q->tid);
	if (q->command->is_probe) {
		answer_probe(q);
		return;
	}
	if (!request_pid(q)) {
		request_fail(q, EACCES);
		return;
	}
	request_attribute(q);
	denied = refusal(q);
	if (denied && !refused_when_found(q)) {
		request_refuse(q, denied);
		return;
	}
	if (!exec_verify(q))
		return;
	if (s)
		decode(q, s);
	else
		request_fail(q, EACCES); /* notified, but nobody's: deny */
}

/* Whatever our commands make is traced, where anything is. */
static bool escaped(const struct request *q)
{
	const struct ptracer *p = q->tracer->ptracer;

	return p && !p->partial && !ptracer_follows(p, q->tid);
}

/* Return: false when nothing (more) is there. */
static bool receive(struct command *c)
{
	struct seccomp_notif n;
	struct request *q;

	memset(&n, 0, sizeof(n));
	if (ioctl(c->listener, SECCOMP_IOCTL_NOTIF_RECV, &n) < 0)
		return errno == EINTR || errno == ENOENT;
	q = request_new(c, &notify_backend);
	if (!q) {
		struct seccomp_notif_resp no = { .id = n.id, .error = -ENOMEM };

		(void)ioctl(c->listener, SECCOMP_IOCTL_NOTIF_SEND, &no);
		return true;
	}
	q->id = n.id;
	q->tid = (pid_t)n.pid;
	q->nr = n.data.nr;
	for (int i = 0; i < 6; i++)
		q->args[i] = n.data.args[i];
	q->name = "system call";
	if (escaped(q))
		ptracer_escaped(q);
	else
		request_dispatch(q);
	return true;
}

static bool something_waits(const struct command *c)
{
	struct pollfd p = { .fd = c->listener, .events = POLLIN };

	return c->listener >= 0 && poll(&p, 1, 0) == 1 &&
	       (p.revents & POLLIN) != 0;
}

static void on_listener(struct loop *loop _unused_, int fd _unused_,
			uint32_t events, void *arg)
{
	struct command *c = arg;

	if (!(events & EPOLLIN)) { /* HUP: the last user is gone */
		c->listener_source = loop_remove(c->listener_source);
		return;
	}
	/* A busy listener is polled directly. 0 or not: epoll works, slower. */
	(void)loop_direct_io(c->listener_source);
	(void)receive(c);
}

void notify_set_flags(int listener)
{
	/* EINVAL before 6.6: slower, otherwise the same. */
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
		    SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

void notify_receive(struct command *c)
{
	(void)receive(c);
}

void notify_refuse(int listener)
{
	struct seccomp_notif_resp no = { .error = -EPERM };
	struct seccomp_notif n;

	memset(&n, 0, sizeof(n));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n) < 0)
		return;
	no.id = n.id;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &no);
}

int notify_watch(struct command *c)
{
	notify_set_flags(c->listener);
	return loop_add_io(c->tracer->loop, c->listener, EPOLLIN, on_listener,
			   c, &c->listener_source);
}

void notify_unwatch(struct command *c)
{
	c->listener_source = loop_remove(c->listener_source);
	if (c->listener >= 0 && !c->slot) /* the slot keeps its own */
		(void)close(c->listener);
	c->listener = -1;
}

void notify_drain(struct command *c)
{
	while (something_waits(c) && receive(c))
		;
}
