/* SPDX-License-Identifier: MIT */
/*
 * session.c - from HELLO to READY: policy, floor, filters, launcher
 *
 * READY is sent after a dry run: a child that is confined like a command and
 * then tries to execute a name that does not exist. Its notification must
 * arrive, its memory be readable, and our answer reach it. Only then is the
 * session run with notifications; otherwise the launcher is made anew with the
 * static filter alone, and READY says so. In between one more way is tried:
 * handing the listener over where pidfd_getfd() is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/capability_words.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "confine/netns.h"
#include "confine/seccomp.h"
#include "policy/beneath.h"
#include "tracer/command.h"
#include "tracer/copies.h"
#include "tracer/divert.h"
#include "tracer/divert_exec.h"
#include "tracer/floor.h"
#include "tracer/identity.h"
#include "tracer/late.h"
#include "tracer/programs.h"
#include "tracer/ptrace.h"
#include "tracer/replace.h"
#include "tracer/tracer.h"

/* For dropping what is over age, when a session starts and ends. */
#define PURGE_MS 200

/* env_policy.block_iteration: /proc/PID/environ is closed. */
static bool blocks_iteration(const struct policy *p)
{
	struct policy_env env = { 0 };

	policy_env_limits(p, (struct verdict){ 0 }, &env);
	return env.block_iteration;
}

/* Without any notify class: what holds where there is no listener. */
static int build_floor_filter(struct tracer *t)
{
	struct seccomp_options o = t->seccomp;

	o.notify = 0;
	/* The proxy is the only way out then, as for TCP; a network of its own
	 * has no other anyway. */
	o.no_datagrams = t->settings.proxy_port && t->net_ns < 0;
	o.launch_key = 0;
	o.allow_devices = false; /* nobody keeps them from being opened */
	o.trace = false;
	return seccomp_build(&o, &t->floor_filter, NULL);
}

static int build_filters(struct tracer *t)
{
	struct settings *s = &t->settings;
	struct seccomp_options o;
	const char *unknown = NULL;
	int r;

	free(TAKE(t->filter));
	free(TAKE(t->quiet_filter));
	free(TAKE(t->floor_filter));
	/* Without one there are no zygotes. */
	if (getrandom(&t->launch_key, sizeof(t->launch_key), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(t->launch_key))
		t->launch_key = 0;
	o = (struct seccomp_options){
		.notify = t->notify,
		.block = s->seccomp_block.v,
		.n_block = s->seccomp_block.n,
		.on_block = s->seccomp_on_block,
		.sockets = s->sockets,
		.n_sockets = s->n_sockets,
		/* What is not in force holds nothing. */
		.landlock_abi = t->landlock_fd >= 0 ? t->landlock.abi : 0,
		.allow_ptrace = s->allow_ptrace,
		.allow_userns = s->allow_userns,
		.allow_setid = (t->caps >> CAP_FSETID & 1) != 0,
		.allow_devices = (t->caps >> CAP_MKNOD & 1) != 0,
		.launch_key = t->by_ptrace ? 0 : t->launch_key,
		.trace = t->by_ptrace,
	};
	t->seccomp = o;
	r = seccomp_build(&o, &t->filter, &unknown);
	if (unknown)
		log_warn("seccomp block list: no system call '%s' here",
			 unknown);
	if (r < 0)
		return r;
	memset(t->checked, 0, sizeof(t->checked));
	memset(t->denied_errno, 0xff, sizeof(t->denied_errno));
	/* The one command has to have its listener, or start over. */
	return t->direct ? 0 : build_floor_filter(t);
}

static void close_launcher(struct tracer *t)
{
	t->launcher_source = loop_remove(t->launcher_source);
	t->ptracer = ptracer_free(t->ptracer);
	t->launcher = launcher_free(t->launcher);
}

/* The pair to the process that lends descriptors, where it is wanted. */
static int holder_pair(const struct tracer *t, int ret[2])
{
	ret[0] = ret[1] = -1;
	if (!t->by_ptrace || !session_can_trace(t))
		return 0;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0
		       ? -errno
		       : 0;
}

static int watch_launcher(struct tracer *t)
{
	return loop_add_io(t->loop, launcher_event_fd(t->launcher), EPOLLIN,
			   command_on_launcher, t, &t->launcher_source);
}

/* The command itself is the dry run: see launcher_new_direct(). */
static int start_direct(struct tracer *t, const struct launcher_config *config)
{
	int r = launcher_new_direct(config, t->same_group, &t->launcher);

	if (r == 0)
		r = watch_launcher(t);
	t->ready_sent = r == 0;
	return r;
}

static int start_launcher(struct tracer *t)
{
	struct launcher_config config = {
		.landlock_fd = t->landlock_fd,
		.landlock_flags = t->landlock_fd >= 0 ? landlock_restrict_flags(
								t->landlock.abi)
						      : 0,
		.filter = t->listener || t->by_ptrace ? t->filter
						      : t->floor_filter,
		.floor_filter = t->floor_filter,
		.listener = t->listener,
		.share_table = t->listener && t->no_getfd,
		.umask = t->umask,
		.key = t->launch_key,
		.caps_keep = t->caps,
		.interruptible = t->settings.interruptible,
		.late = t->late,
		.user_ns = t->user_ns,
		.net_ns = t->user_ns >= 0 ? t->net_ns : -1,
	};
	_cleanup_close_ int ours = -1, theirs = -1;
	int holder[2], r;

	if (t->cgroups)
		cgroup_root_info(t->cgroups, &config.have);
	if (t->direct)
		return start_direct(t, &config);
	r = holder_pair(t, holder);
	if (r < 0)
		return r;
	ours = holder[0];
	theirs = config.holder_fd = holder[1];
	r = launcher_new(&config, &t->launcher);
	if (r < 0)
		return r;
	if (t->landlock_fd >= 0)
		t->landlock_error = -launcher_landlock_error(t->launcher);
	if (theirs >= 0)
		(void)close(TAKE_FD(theirs)); /* so that its end is seen */
	if (session_can_trace(t))
		t->ptrace_error = ptracer_new(t, launcher_pid(t->launcher),
					      TAKE_FD(ours), &t->ptracer);
	r = watch_launcher(t);
	return r < 0 ? r : command_probe(t);
}

static int open_policy(struct tracer *t)
{
	int r = 0;

	if (!t->policy)
		r = policy_from_fd(TAKE_FD(t->heritage.policy_fd), &t->policy);
	if (r < 0)
		return r;
	r = guard_new(t->policy, &t->sink,
		      t->settings.approvals ? &t->approver : NULL, &t->guard);
	if (r < 0)
		return r;
	return copies_new(t->policy, t->settings.path, &t->copies);
}

/*
 * Is there something that Landlock lets commands read and we must not? Then
 * each read is opened here. What the server closed may lie where they may
 * write (below /tmp), and without Landlock nothing else holds at all.
 */
static bool reads_need_us(const struct tracer *t)
{
	return t->landlock_fd < 0 || t->landlock.n_reads_open > 0 ||
	       t->whole_trees || blocks_iteration(t->policy) ||
	       t->opens_to_watch || t->settings.links_stay ||
	       (t->caps >> CAP_MKNOD & 1); /* devices with any name */
}

/* What is not to be had is told. In a user namespace of our own capabilities are
 * about nothing that the configuration can have meant. */
static void choose_capabilities(struct tracer *t)
{
	uint64_t asked = t->settings.capabilities, missing;

	t->caps = t->user_ns >= 0 ? 0
				  : identity_allowed(asked, t->notify != 0,
						     &t->own_caps);
	missing = asked & ~t->caps;
	for (int i = 0; i < 64; i++)
		if (missing >> i & 1)
			log_warn("capabilities.allow: %s cannot be left to "
				 "commands here",
				 capability_name(i));
}

static int start_floor(struct tracer *t)
{
	int r;

	/* the server knows its callers, so its port is not closed here */
	t->floor = (struct net_floor){ .loopback_open = true,
				       .monitor = t->settings.net_monitor,
				       .closed = { t->closed_port },
				       .proxies = t->proxies };
	t->whole_trees = t->direct && t->settings.file_monitor &&
			 !t->settings.write_only_opens;
	t->no_getfd = replace_is_needed();
	t->by_ptrace = t->settings.ptrace && !t->settings.notify;
	t->notify = session_classes(t);
	divert_prepare(t);
	exec_divert_open(t);
	r = floor_build(t);
	if (r < 0)
		return log_error_errno(r, "cannot derive the file floor");
	t->diverts = policy_redirect_dirs(t->policy, NULL, 0) > 0;
	t->blocks_iteration = blocks_iteration(t->policy);
	choose_capabilities(t);
	t->reads_on_behalf = reads_need_us(t);
	r = floor_drop_privileges(t);
	if (r < 0)
		return r;
	/* Tried where commands will be: as confined as we are by now. */
	if (t->settings.ptrace)
		t->ptrace_error = ptracer_probe();
	if (t->by_ptrace && (!session_can_trace(t) || t->no_getfd))
		t->by_ptrace = false;
	t->notify = session_classes(t);
	t->listener = t->notify != 0 && !t->by_ptrace;
	r = build_filters(t);
	if (r < 0)
		return log_error_errno(r, "cannot build the seccomp filter");
	r = start_launcher(t);
	if (r < 0)
		return log_error_errno(r, "cannot start the launcher");
	return 0;
}

/* The workspace's quarantine. Without it the session runs, and READY says
 * that nothing can be undone. */
static void open_trash(struct tracer *t)
{
	const struct settings *s = &t->settings;
	struct trash_options o = { .dir = s->trash_dir,
				   .max_bytes = s->trash_max_bytes,
				   .max_copy = s->trash_max_copy,
				   .max_entries = s->trash_max_entries,
				   .max_age_ns = s->trash_ttl_ns,
				   .on_full = s->trash_on_full,
				   .sets_budget = true };
	_cleanup_close_ int root = -1;

	if (!s->trash || !s->file_monitor) {
		t->trash_error = -ECANCELED;
		return;
	}
	root = open(t->workspace, O_PATH | O_DIRECTORY | O_CLOEXEC);
	t->trash_error = root < 0 ? -errno : trash_open(root, &o, &t->trash);
	if (t->trash_error < 0)
		(void)log_warn_errno(t->trash_error,
				     "nothing will be kept for undo");
	else
		t->keeper = keeper_for(t->trash);
	if (t->trash && !t->direct) /* it does when it is over */
		(void)trash_maintain(t->trash, PURGE_MS);
}

/*
 * The network of the session, before privileges go. As root it needs no user
 * namespace, and setns() the privilege that nobody has later; else only the
 * commands go into the user namespace, in which files of others have no owner.
 */
static int enter_network(struct tracer *t, struct channel_msg *m)
{
	t->net_ns = m->n_fds > 0 ? TAKE_FD(m->fds[0]) : -1;
	t->user_ns = m->n_fds > 1 ? TAKE_FD(m->fds[1]) : -1;
	return t->user_ns < 0 ? netns_enter(-1, t->net_ns) : 0;
}

/*
 * Shared memory, semaphores and message queues belong to the user, not to who
 * made them, and are named by numbers: no rule could speak of them. Commands
 * get a set of their own, where that can be had.
 */
static void enter_ipc(struct tracer *t)
{
	t->ipc_error = unshare(CLONE_NEWIPC) < 0 ? -errno : 0;
}

static int start_common(struct tracer *t, const struct proto_hello *hello)
{
	int r;

	if (t->session_id)
		return -EPROTO;
	t->session_id = str_dup(hello->session_id);
	t->workspace = str_dup(hello->workspace);
	if (!t->session_id || !t->workspace)
		return -ENOMEM;
	r = settings_parse(hello->settings_json, &t->settings);
	if (r < 0)
		return log_error_errno(r, "settings are not valid JSON");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return log_error_errno(-errno, "cannot become subreaper");
	enter_ipc(t);
	return 0;
}

/* Without them the layer list says so. */
static void open_cgroups(struct tracer *t)
{
	if (t->settings.cgroups && !t->no_cgroup && !t->late &&
	    cgroup_root_open(t->settings.cgroup_base, &t->cgroups) < 0)
		t->cgroups = NULL;
}

static int start_rest(struct tracer *t)
{
	int r = open_policy(t);

	if (r < 0)
		return log_error_errno(r, "policy image");
	t->late = late_is_wanted(t);
	open_cgroups(t);
	open_trash(t);
	return start_floor(t);
}

int session_start(struct tracer *t, const struct proto_hello *hello,
		  struct channel_msg *m)
{
	int r = t->session_id ? -EPROTO : enter_network(t, m);

	if (r < 0)
		return log_error_errno(r, "network namespace");
	r = start_common(t, hello);
	if (r < 0)
		return r;
	/* A full ring is back-pressure: the operation has not happened yet and
	 * its caller is stopped anyway. */
	ring_sink_init(&t->ring_sink, t->heritage.ring, str_from(t->session_id),
		       RING_SINK_WAIT_MS);
	t->sink = t->ring_sink.sink;
	return start_rest(t);
}

int session_start_here(struct tracer *t, const struct proto_hello *hello,
		       struct policy *policy)
{
	int r = start_common(t, hello);

	t->policy = policy;
	if (r < 0)
		return r;
	/* Nobody is there to be asked. */
	t->settings.approvals = false;
	/* Where the listener cannot be fetched, or commands are traced, more
	 * than one process is needed. */
	t->direct = t->settings.notify && !t->settings.ptrace &&
		    !replace_is_needed();
	r = start_rest(t);
	if (r == 0 && t->direct)
		t->host->ready(t->host_arg);
	return r;
}

int session_start_over(struct tracer *t)
{
	int r = build_floor_filter(t);

	t->direct = t->late = t->ready_sent = t->whole_trees = false;
	open_cgroups(t);
	close_launcher(t);
	if (r == 0)
		r = floor_rebuild(t);
	return r < 0 ? r : start_launcher(t);
}

static void layer(struct proto_layer *out, size_t *n, const char *name,
		  bool active, const char *detail)
{
	out[(*n)++] = (struct proto_layer){ .name = str_from(name),
					    .active = active,
					    .detail = str_from(detail) };
}

/* Details are NUL-terminated strings one after the other in scratch, which
 * must therefore not move: room for all is made at first. */
static const char *detail(struct buf *scratch, const char *fmt, ...)
	_printf_(2, 3);
static const char *detail(struct buf *scratch, const char *fmt, ...)
{
	size_t at = scratch->len;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(scratch, fmt, ap);
	va_end(ap);
	buf_putc(scratch, 0);
	return scratch->error ? "" : scratch->data + at;
}

static void landlock_layer(const struct tracer *t, struct proto_layer *out,
			   size_t *n, struct buf *s)
{
	const char *d;

	if (t->landlock_error == -ECANCELED)
		d = "switched off by configuration";
	else if (t->landlock_error < 0)
		d = strerror(-t->landlock_error);
	else
		d = detail(s, "ABI v%d, %zu rules, %zu holes left to notify",
			   t->landlock.abi, t->landlock.n_rules,
			   t->landlock.n_holes_open);
	layer(out, n, "landlock", t->landlock_error == 0, d);
}

static void step_layer(const struct launch_event *e, enum confine_step step,
		       const char *name, struct proto_layer *out, size_t *n)
{
	bool ok = e && e->report.result[step] == CONFINE_OK;

	layer(out, n, name, ok,
	      ok  ? ""
	      : e ? strerror(e->report.error[step])
		  : "not reached");
}

/* The names of those that commands are left. */
static const char *kept_names(uint64_t set, struct buf *s)
{
	size_t at = s->len;

	for (int i = 0; i < 64; i++)
		if (set >> i & 1)
			buf_printf(s, "%s%s",
				   s->len == at ? "commands are left " : ", ",
				   capability_name(i));
	buf_putc(s, 0);
	return s->error ? "" : s->data + at;
}

size_t session_layers(struct tracer *t, const struct launch_event *confined,
		      struct proto_layer *out, struct buf *scratch)
{
	size_t n = 0;
	bool notify = t->listener && confined && confined->listener >= 0;
	bool by_ptrace = t->by_ptrace && t->ptracer;

	if (!buf_reserve(scratch, 4096))
		return 0;
	landlock_layer(t, out, &n, scratch);
	step_layer(confined, CONFINE_SECCOMP, "seccomp", out, &n);
	layer(out, &n, "notify", notify,
	      notify ? detail(scratch, "classes 0x%x%s", t->notify,
			      t->no_getfd ? "; new sockets in place of "
					    "the caller's"
					  : "")
	      : confined && confined->report.listener_error
		      ? strerror(confined->report.listener_error)
		      : "off");
	step_layer(confined, CONFINE_CAPS, "capabilities", out, &n);
	if (t->caps && out[n - 1].active)
		out[n - 1].detail = str_from(kept_names(t->caps, scratch));
	step_layer(confined, CONFINE_NNP, "no_new_privs", out, &n);
	layer(out, &n, "ipc", t->ipc_error == 0,
	      t->ipc_error ? strerror(-t->ipc_error)
			   : "shared memory and message queues of its own");
	layer(out, &n, "undo", t->trash && (notify || by_ptrace),
	      t->trash                       ? ""
	      : t->trash_error == -ECANCELED ? "off"
					     : strerror(-t->trash_error));
	if (t->settings.ptrace)
		layer(out, &n, "ptrace", t->ptracer != NULL,
		      by_ptrace    ? "judges what notifications would"
		      : t->ptracer ? "looks at what runs"
				   : strerror(-t->ptrace_error));
	if (t->cgroups) {
		size_t at = scratch->len;

		cgroup_root_describe(t->cgroups, scratch);
		buf_putc(scratch, 0);
		layer(out, &n, "cgroup", true,
		      scratch->error ? "" : scratch->data + at);
	} else {
		layer(out, &n, "cgroup", false, "none here can be written");
	}
	return n;
}

static void send_ready(struct tracer *t, const struct launch_event *confined)
{
	struct proto_layer layers[TRACER_MAX_LAYERS];
	_cleanup_buf_ struct buf details = BUF_INIT, body = BUF_INIT;
	struct proto_ready m = { .layers = layers };
	int r;

	if (t->host) {
		t->ready_sent = true;
		t->host->ready(t->host_arg);
		return;
	}
	m.n_layers = (uint32_t)session_layers(t, confined, layers, &details);
	r = proto_ready_encode(&m, &body);
	if (r == 0)
		r = channel_send(t->heritage.channel, PROTO_READY, 0,
				 buf_str(&body), NULL, 0);
	if (r < 0) {
		(void)log_error_errno(r, "cannot report ready");
		loop_quit(t->loop, 1);
		return;
	}
	t->ready_sent = true;
}

/* Another try, with what has been learnt. */
static void again(struct tracer *t)
{
	t->notify = session_classes(t);
	close_launcher(t);
	if (floor_rebuild(t) < 0 || build_filters(t) < 0 ||
	    start_launcher(t) < 0)
		loop_quit(t->loop, 1);
}

/* The dry run's call did not arrive: the next best way. */
static void step_down(struct tracer *t)
{
	if (t->listener && !t->no_getfd) {
		t->no_getfd = true;
	} else if (t->listener && session_can_trace(t) &&
		   !replace_is_needed()) {
		log_warn("no seccomp notifications here: calls are judged by "
			 "ptrace");
		t->no_getfd = t->listener = false;
		t->by_ptrace = true;
	} else {
		log_warn("no seccomp notifications here: commands run on the "
			 "static floor");
		t->listener = t->by_ptrace = false;
		t->floor_only = true;
	}
	again(t);
}

void session_probed(struct tracer *t, const struct launch_event *confined,
		    bool works)
{
	bool judged = t->listener || t->by_ptrace;

	if (judged && !works) {
		step_down(t);
	} else if (t->notify != session_classes(t)) {
		again(t); /* ptrace could be had, but not the launcher */
	} else if (!confined) {
		log_error("a command cannot be confined here");
		loop_quit(t->loop, 1);
	} else {
		send_ready(t, confined);
	}
}

int session_policy_changed(struct tracer *t)
{
	t->opens_to_watch =
		policy_needs_open_notify(t->policy, str_from(t->workspace));
	t->reads_on_behalf |= reads_need_us(t);
	programs_forget(t);
	t->beneath = policy_beneath_free(t->beneath);
	t->copies = copies_free(t->copies);
	return copies_new(t->policy, t->settings.path, &t->copies);
}

void session_done(struct tracer *t)
{
	close_launcher(t);
	t->guard = guard_free(t->guard);
	t->beneath = policy_beneath_free(t->beneath);
	t->copies = copies_free(t->copies);
	exec_divert_close(t);
	/* One that kept nothing leaves it to the next that does. */
	if (t->trash && (!t->host || t->kept_any))
		(void)trash_maintain(t->trash, PURGE_MS);
	t->trash = trash_close(t->trash);
	t->policy = policy_unref(t->policy);
	t->cgroups = cgroup_root_close(t->cgroups);
	if (t->landlock_fd > 0)
		(void)close(t->landlock_fd);
	if (t->last_pid)
		(void)close(t->last_pidfd);
	if (t->net_ns >= 0)
		(void)close(t->net_ns);
	if (t->user_ns >= 0)
		(void)close(t->user_ns);
	if (t->own_landlock_fd >= 0)
		(void)close(t->own_landlock_fd);
	free(t->filter);
	free(t->quiet_filter);
	free(t->floor_filter);
	tracer_settings_done(&t->settings);
	cwd_done(t);
	dirfd_done(t);
	open_pass_done(t);
	programs_done(t);
	ring_sink_done(&t->ring_sink);
	free(t->session_id);
	free(t->workspace);
}
