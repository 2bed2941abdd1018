/* SPDX-License-Identifier: MIT */
/*
 * trial.c - a throw-away session that is there to be broken out of
 *
 *	settings ─▶ session in a temporary workspace ─▶ tracer ─▶ READY
 *	  ─▶ SPAWN with SPAWN_CANARY ─▶ report on a pipe ─▶ judged
 *
 * The session, its settings and its worker are made by the code that serves
 * everybody else; only the log is replaced, by a count of what would have been
 * in it. So what holds here holds for a session of this configuration.
 */
#include "server/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "server/guarantee.h"
#include "server/server.h"
#include "server/session.h"
#include "server/worker.h"
#include "trash/list.h"

#define TRIAL_NS     (25ULL * 1000000000)
#define SURVIVOR_NS  (2ULL * 1000000000)
#define REPORT_BYTES 65536

/* ---- what there is to try ---- */

static bool denies_file(const struct policy *p, enum file_verb verb,
			const char *path)
{
	struct op op = { .kind = OP_FILE };

	op.file.verb = verb;
	op.file.path = str_from(path);
	return policy_decide(p, &op).kind == VERDICT_DENY;
}

/* Only what we could read ourselves: a refusal must be the sandbox's. */
static void pick_secret(struct trial *t, const struct policy *p)
{
	static const char *const FILES[] = {
		"/etc/shadow",       "/etc/gshadow",   "/etc/sudoers",
		"/root/.bashrc",     "/root/.profile", "/etc/machine-id",
		"/var/log/dpkg.log", "/etc/hostname",  "/etc/passwd",
	};

	for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
		if (access(FILES[i], R_OK) < 0 ||
		    !denies_file(p, FILE_OPEN, FILES[i]))
			continue;
		t->secret = FILES[i];
		return;
	}
}

static void pick_create(struct trial *t, const struct policy *p)
{
	static const char *const DIRS[] = { "/etc", "/usr/local", "/usr",
					    "/var", "/root",      "/home",
					    "/" };

	for (size_t i = 0; i < ARRAY_LEN(DIRS); i++) {
		char name[sizeof(t->create)];

		(void)snprintf(name, sizeof(name), "%s/agentsh-canary-%d",
			       DIRS[i][1] ? DIRS[i] : "", (int)getpid());
		if (access(DIRS[i], W_OK) < 0 ||
		    !denies_file(p, FILE_CREATE, name))
			continue;
		memcpy(t->create, name, sizeof(name));
		return;
	}
	t->create[0] = '\0';
}

static bool denies_program(const struct policy *p, const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	const struct str names[] = { str_from(path),
				     str_from(strrchr(path, '/') + 1) };
	const struct str argv[] = { names[1], STR("--version") };
	struct op op = { .kind = OP_EXEC };

	if (!real || access(real, X_OK) < 0)
		return false;
	op.exec.path = str_from(real);
	op.exec.names = names;
	op.exec.n_names = ARRAY_LEN(names);
	op.exec.argv = argv;
	op.exec.argc = ARRAY_LEN(argv);
	op.exec.depth = 1;
	op.exec.exec_enforced = true;
	return policy_decide(p, &op).kind == VERDICT_DENY;
}

static void pick_program(struct trial *t, const struct policy *p)
{
	static const char *const NAMES[] = {
		"sudo",   "su",   "mount",    "umount",   "nsenter", "unshare",
		"chroot", "ssh",  "nc",       "ncat",     "strace",  "gdb",
		"passwd", "chsh", "shutdown", "iptables", "wget",    "curl"
	};
	static const char *const DIRS[] = { "/usr/bin", "/bin", "/usr/sbin",
					    "/sbin", "/usr/local/bin" };
	char link[sizeof(t->dir) + 32];

	for (size_t i = 0; i < ARRAY_LEN(NAMES) && !t->program[0]; i++) {
		for (size_t j = 0; j < ARRAY_LEN(DIRS); j++) {
			char path[sizeof(t->program)];

			(void)snprintf(path, sizeof(path), "%s/%s", DIRS[j],
				       NAMES[i]);
			if (!denies_program(p, path))
				continue;
			memcpy(t->program, path, sizeof(path));
			break;
		}
	}
	(void)snprintf(link, sizeof(link), "%s/ws/harmless", t->dir);
	if (t->program[0] && symlink(t->program, link) < 0)
		log_debug("no link to %s", t->program);
}

static void pick_address(struct trial *t, const struct policy *p)
{
	static const struct {
		const char *text;
		uint32_t host;
	} ADDRESSES[] = { { "192.0.2.1", 0xc0000201 },
			  { "203.0.113.1", 0xcb007101 },
			  { "10.255.255.1", 0x0affff01 },
			  { "127.0.0.1", 0x7f000001 } };

	for (size_t i = 0; i < ARRAY_LEN(ADDRESSES) && !t->address; i++) {
		struct op op = { .kind = OP_NET };

		op_net_set_v4(&op.net, htobe32(ADDRESSES[i].host));
		op.net.has_addr = true;
		op.net.port = 9;
		op.net.protocol = IPPROTO_TCP;
		if (policy_decide(p, &op).kind == VERDICT_DENY)
			t->address = ADDRESSES[i].text;
	}
}

/* ---- running it ---- */

static void fail(struct trial *t, const char *why)
{
	if (!t->error.len)
		buf_puts(&t->error, why);
	loop_quit(t->app.loop, 1);
}

static void on_time_out(struct loop *l, void *arg)
{
	(void)l;
	fail(arg, "the trial session did not end in time");
}

static void on_child(struct loop *l, int signo, void *arg)
{
	struct trial *t = arg;

	(void)l;
	(void)signo;
	workers_reap(&t->app);
	if (t->session && t->started && t->session->tracer_state == WORKER_NONE)
		fail(t, "the session's sandbox (agentsh-tracer) died");
}

/* When the canary itself was over; what comes later is a survivor's doing. */
static void note_end(struct trial *t)
{
	struct canary_report r;

	if (!t->canary_end && canary_read(buf_str(&t->report), &r) == 0 &&
	    canary_find(&r, "memory")->result != CANARY_NOT_TRIED)
		t->canary_end = clock_monotonic_ns();
}

static void on_report(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct trial *t = arg;
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && t->report.len < REPORT_BYTES) {
		buf_put(&t->report, bytes, (size_t)n);
		note_end(t);
		return;
	}
	t->report_end = clock_monotonic_ns();
	t->io = loop_remove(t->io);
	loop_quit(l, 0);
}

/* Arguments of the canary, "KEY=VALUE", in one buffer that does not move. */
struct scene {
	char text[8][160];
	struct str argv[8];
	uint32_t n;
};

static void add(struct scene *s, const char *key, const char *dir,
		const char *value)
{
	int n;

	if (!value || !value[0] || s->n == ARRAY_LEN(s->argv))
		return;
	n = snprintf(s->text[s->n], sizeof(s->text[0]), "%s=%s%s", key, dir,
		     value);
	if (n < 0 || (size_t)n >= sizeof(s->text[0]))
		return;
	s->argv[s->n] = str_from(s->text[s->n]);
	s->n++;
}

static int spawn(struct trial *t, const int fds[3])
{
	const struct settings *cfg = &t->app.cfg;
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct scene s = { .n = 0 };
	struct proto_spawn m = { .command_id = STR("canary"),
				 .file = STR("canary"),
				 .cwd = STR("/"),
				 .flags = SPAWN_CANARY,
				 .limits = { .memory_bytes = CANARY_MEMORY,
					     .swap_set = true,
					     .pids = CANARY_PIDS } };
	int r;

	add(&s, "limits", "", "1");
	add(&s, "secret", "", t->secret);
	add(&s, "create", "", t->create);
	add(&s, "program", "", t->program);
	add(&s, "alias", t->dir, t->program[0] ? "/ws/harmless" : NULL);
	add(&s, "address", "", t->address);
	add(&s, "control", "", t->control);
	/* A quarantine outside would keep what is not worth keeping. */
	add(&s, "workspace", t->dir, cfg->trash_dir[0] == '/' ? NULL : "/ws");
	m.argv = s.argv;
	m.argc = s.n;
	r = proto_spawn_encode(&m, &body);
	if (r < 0)
		return r;
	return worker_send(t->session->tracer, PROTO_SPAWN, 1, buf_str(&body),
			   fds, 3);
}

static int send_canary(struct trial *t)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	_cleanup_close_ int theirs = -1;
	int ours[2], r;

	if (null < 0 || pipe2(ours, O_CLOEXEC) < 0)
		return -errno;
	theirs = ours[1];
	t->started = true;
	r = fd_set_nonblock(ours[0], true);
	if (r == 0)
		r = loop_add_io(t->app.loop, ours[0], EPOLLIN, on_report, t,
				&t->io);
	if (r < 0) {
		(void)close(ours[0]);
		return r;
	}
	return spawn(t, (const int[3]){ null, theirs, null });
}

static void on_ready(struct loop *l, void *arg)
{
	struct trial *t = arg;

	(void)l;
	if (t->session->tracer_state != WORKER_READY || send_canary(t) < 0)
		fail(t, "the canary could not be started");
}

void trial_observe(struct trial *t, const struct event *e)
{
	if (str_eq_c(e->type, "session_protection"))
		(void)loop_defer(t->app.loop, on_ready, t);
	if (!event_is_denial(e))
		return;
	t->saw_secret |= t->secret && str_eq_c(e->path, t->secret);
	t->saw_create |= t->create[0] && str_eq_c(e->path, t->create);
	t->saw_program |= str_eq_c(e->type, "execve");
	t->saw_address |= t->address &&
			  str_starts(e->remote, str_from(t->address));
}

/* ---- setting it up ---- */

static int make_file(const char *dir, const char *name)
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	buf_printf(&path, "%s/%s", dir, name);
	return path.error ? path.error
			  : fd_write_file_atomic(AT_FDCWD, buf_cstr(&path),
						 STR("kept\n"), 0600);
}

static int make_control(struct trial *t)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)snprintf(t->control, sizeof(t->control), "%s/control", t->dir);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", t->control);
	t->control_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (t->control_fd < 0 ||
	    bind(t->control_fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(t->control_fd, 4) < 0)
		return -errno;
	buf_puts(&t->app.local_path, t->control);
	return 0;
}

static int make_scene(struct trial *t)
{
	const char *tmp = getenv("TMPDIR");
	char ws[sizeof(t->dir) + 8];
	int r;

	if (!tmp || strlen(tmp) > 32)
		tmp = "/tmp";
	(void)snprintf(t->dir, sizeof(t->dir), "%s/agentsh-detect.XXXXXX", tmp);
	if (!mkdtemp(t->dir)) {
		r = -errno;
		t->dir[0] = '\0';
		return r;
	}
	(void)snprintf(ws, sizeof(ws), "%s/ws", t->dir);
	if (mkdir(ws, 0700) < 0)
		return -errno;
	r = make_file(ws, CANARY_KEPT);
	return r < 0 ? r : make_control(t);
}

static int make_session(struct trial *t)
{
	_cleanup_buf_ struct buf ws = BUF_INIT;
	struct session_request rq = { .id = STR("detect"), .has_detect = true };
	unsigned int status;
	int r;

	buf_printf(&ws, "%s/ws", t->dir);
	rq.workspace = buf_str(&ws);
	r = session_create(&t->app, &rq, &t->session, &status, &t->error);
	if (r < 0)
		return r;
	pick_secret(t, t->session->policy);
	pick_create(t, t->session->policy);
	pick_program(t, t->session->policy);
	pick_address(t, t->session->policy);
	return 0;
}

static int set_up(struct trial *t, const char *config_path)
{
	struct diag *diag = calloc(1, sizeof(*diag));
	int r;

	if (!diag)
		return -ENOMEM;
	r = settings_load(config_path, &t->app.cfg, diag);
	diag_first_error(diag, &t->error);
	diag_done(diag);
	free(diag);
	if (r == 0)
		r = worker_find_libexec(&t->app.libexec);
	if (r == 0)
		r = loop_new(&t->app.loop);
	if (r == 0)
		r = loop_add_signal(t->app.loop, SIGCHLD, on_child, t);
	if (r == 0)
		r = loop_add_timer(t->app.loop, TRIAL_NS, on_time_out, t, NULL);
	if (r == 0)
		r = make_scene(t);
	return r == 0 ? make_session(t) : r;
}

/* ---- what came of it ---- */

static int is_kept(void *arg, const struct trash_entry *e)
{
	ptrdiff_t slash = str_rindex(e->path, '/');

	(void)arg;
	return e->kept &&
	       str_eq_c(str_skip(e->path, (size_t)(slash + 1)), CANARY_KEPT);
}

static bool was_kept(const struct trial *t)
{
	const struct trash_options o = {
		.dir = t->app.cfg.trash_dir[0] ? t->app.cfg.trash_dir : NULL,
		.read_only = true,
	};
	_cleanup_close_ int root = -1;
	struct trash *store = NULL;
	int r;

	if (!t->session)
		return false;
	root = open(t->session->workspace, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = root < 0 ? -errno : trash_open(root, &o, &store);

	if (r == 0)
		r = trash_list_entries(store, NULL, is_kept, NULL);
	(void)trash_close(store);
	return r == 1;
}

/* Items that only an onlooker can judge. */
static void look(const struct trial *t, struct canary_report *r)
{
	const struct canary_item *undo = canary_find(r, "undo");
	const struct canary_item *survivor = canary_find(r, "survivor");

	if (undo->result == CANARY_OPEN && undo->error == 0)
		canary_set(r, "undo",
			   was_kept(t) ? CANARY_BLOCKED : CANARY_OPEN);
	if (survivor->result == CANARY_OPEN)
		canary_set(r, "survivor",
			   t->report_end - t->canary_end < SURVIVOR_NS
				   ? CANARY_BLOCKED
				   : CANARY_OPEN);
}

static bool blocked(const struct canary_report *r, const char *name)
{
	return canary_find(r, name)->result == CANARY_BLOCKED;
}

static bool unrecorded(const struct trial *t, const struct canary_report *r)
{
	return (blocked(r, "secret") && !t->saw_secret) ||
	       (blocked(r, "create") && !t->saw_create) ||
	       (blocked(r, "program") && !t->saw_program) ||
	       (blocked(r, "connect") && !t->saw_address);
}

static void put_canaries(const struct canary_report *r, struct json_writer *w)
{
	static const char *const RESULTS[] = { "not tried", "blocked",
					       "got past" };

	json_begin_array(w);
	for (size_t i = 0; i < r->n; i++) {
		const struct canary_item *item = &r->items[i];

		json_begin_object(w);
		json_kv_cstr(w, "name", item->name);
		json_kv_cstr(w, "what", item->what);
		json_kv_i64(w, "guarantee", item->guarantee);
		json_kv_cstr(w, "result", RESULTS[item->result]);
		if (item->error && item->result == CANARY_BLOCKED)
			json_kv_cstr(w, "error", strerror(item->error));
		json_end_object(w);
	}
	json_end_array(w);
}

static bool is_set(const char *path)
{
	return path && path[0]; /* NULL when the configuration was not read */
}

static void put_judgement(struct trial *t, struct json_writer *w)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	struct guarantee g[GUARANTEES];
	struct canary_report r;
	struct json *layers = NULL;
	struct guarantee_facts f = {
		.audit_stored = is_set(t->app.cfg.sqlite_path) ||
				is_set(t->app.cfg.jsonl_path),
		.fast_reads = t->app.cfg.fast_reads,
		.proxy = t->session && t->session->proxy_port,
	};

	if (canary_read(buf_str(&t->report), &r) < 0 && !t->error.len)
		buf_puts(&t->error, "the canary did not get to its end");
	if (!t->error.len)
		look(t, &r);
	f.unrecorded = unrecorded(t, &r);
	if (t->session)
		(void)json_parse(&a, buf_str(&t->session->layers), &layers);
	guarantees_judge(layers, &f, &r, g);
	json_kv_bool(w, "complete", !t->error.len);
	json_kv_str_opt(w, "error", buf_str(&t->error));
	json_kv_cstr(w, "config",
		     t->app.cfg.config_path ? t->app.cfg.config_path : "");
	json_kv_cstr(w, "policy", t->session ? t->session->policy_name : "");
	json_kv_bool(w, "fast_reads", f.fast_reads);
	json_key(w, "layers");
	if (layers)
		json_raw(w, buf_str(&t->session->layers));
	else
		json_null(w);
	json_key(w, "guarantees");
	guarantees_to_json(g, w);
	json_key(w, "canaries");
	put_canaries(&r, w);
	guarantees_done(g);
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	(void)remove(path); /* what stays is below the temporary directory */
	return 0;
}

static void clean_up(struct trial *t)
{
	t->io = loop_remove(t->io);
	if (t->session)
		session_destroy(t->session, NULL, NULL);
	workers_kill_all(&t->app);
	/* the supervisor may have been killed before it removed its own */
	app_reap_cgroups_now(&t->app);
	(void)loop_free(t->app.loop);
	if (t->control_fd >= 0)
		(void)close(t->control_fd);
	if (t->dir[0])
		(void)nftw(t->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	buf_done(&t->app.local_path);
	buf_done(&t->report);
	buf_done(&t->error);
	free(t->app.libexec);
	settings_done(&t->app.cfg);
}

int server_trial(const char *config_path, struct buf *ret_json)
{
	struct trial *t = calloc(1, sizeof(*t));
	struct json_writer w;
	int r;

	if (!t)
		return -ENOMEM;
	log_init("agentsh", LOG_LEVEL_ERROR);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	t->control_fd = -1;
	t->app.trial = t;
	t->app.local_path = t->report = t->error = BUF_INIT;
	r = set_up(t, config_path);
	if (r == 0)
		r = loop_run(t->app.loop);
	if (r < 0 && !t->error.len)
		buf_puts(&t->error, strerror(-r));
	if (t->session && t->session->tracer)
		worker_drain(t->session->tracer);
	json_writer_init(&w, ret_json, 0);
	json_begin_object(&w);
	put_judgement(t, &w);
	json_end_object(&w);
	clean_up(t);
	free(t);
	return ret_json->error;
}
