/* SPDX-License-Identifier: MIT */
/*
 * cmd_shim.c - shim: install-shell, uninstall-shell, status
 */
#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/shim_install.h"
#include "cli/verbs.h"

#define DEFAULT_SHIM "/usr/bin/agentsh-shell-shim"

/* Go's FileMode. */
#define GO_DIR  (1U << 31)
#define GO_LINK (1U << 27)

#define COMMON_FLAGS                                                          \
	{ .name = "root",                                                     \
	  .type = FLAG_STRING,                                                \
	  .value = "DIR",                                                     \
	  .dflt = "/",                                                        \
	  .help = "root file system to work in" },                            \
		{ .name = "bash",                                             \
		  .type = FLAG_BOOL,                                          \
		  .help = "bash as well as sh" },                             \
	{                                                                     \
		.name = "output", .type = FLAG_STRING, .value = "shell|json", \
		.dflt = "shell", .help = "plain lines, or JSON"               \
	}
#define CHANGE_FLAGS                                              \
	{ .name = "dry-run",                                      \
	  .type = FLAG_BOOL,                                      \
	  .help = "say what would be done" },                     \
	{                                                         \
		.name = "i-understand-this-modifies-the-host",    \
		.type = FLAG_BOOL,                                \
		.help = "needed when the root is this host's own" \
	}

static const struct flag install_flags[] = {
	TEXT("shim", "FILE", "the shim to install, " DEFAULT_SHIM),
	COMMON_FLAGS,
	CHANGE_FLAGS,
	SWITCH("bash-only", "bash and not sh"),
	SWITCH("force", "shells without a terminal too (force=true in "
			"shim.conf)"),
	{ 0 },
};

static const struct flag uninstall_flags[] = {
	COMMON_FLAGS,
	CHANGE_FLAGS,
	{ 0 },
};

static const struct flag status_flags[] = {
	COMMON_FLAGS,
	TEXT_OR("shim", "FILE", DEFAULT_SHIM, "the shim to compare with"),
	{ 0 },
};

static int cmd_shim_explain(struct cli *c)
{
	(void)c;
	(void)fail("agentsh shim install installs nothing; "
		   "agentsh shim install-shell does");
	return 0;
}

const struct command shim_subs[] = {
	{ .name = "install-shell",
	  .summary = "Put the shim where sh and bash are",
	  .description = "The shells are kept beside it as sh.real and "
			 "bash.real. A shell with a terminal,\nor any with "
			 "--force, then runs in a session.",
	  .examples = "agentsh shim install-shell --shim " DEFAULT_SHIM
		      " --bash --root /srv/image\n"
		      "agentsh shim install-shell --shim " DEFAULT_SHIM
		      " --bash --dry-run",
	  .run = cmd_shim_install,
	  .flags = install_flags },
	/* no verb of the Go program either, which then shows help and
	 * succeeds; start-up scripts under `set -e` rely on that */
	{ .name = "install",
	  .summary = "Says that it is install-shell that installs",
	  .run = cmd_shim_explain,
	  .hidden = true },
	{ .name = "uninstall-shell",
	  .summary = "Put the shells back",
	  .run = cmd_shim_uninstall,
	  .flags = uninstall_flags },
	{ .name = "status",
	  .summary = "What stands where the shells are",
	  .run = cmd_shim_status,
	  .flags = status_flags },
	{ 0 },
};

struct request {
	struct shim_root root;
	struct shim_plan plan;
	const char *shim; /* path, "" = none */
	struct buf bytes; /* of the shim */
	bool json, sh, bash;
};

static void request_done(struct request *q)
{
	shim_root_close(&q->root);
	shim_plan_done(&q->plan);
	buf_done(&q->bytes);
}

/* What all three verbs share. Prints. Return: 0 or the exit status. */
static int request_init(struct request *q, const struct cli *c)
{
	const char *output = flag_text(&c->flags, "output");
	const char *root = flag_text(&c->flags, "root");
	int r;

	*q = (struct request){ .root = { .fd = -1, .bin = -1 },
			       .shim = "",
			       .sh = true,
			       .bash = flag_bool(&c->flags, "bash") };
	if (strcmp(output, "shell") != 0 && strcmp(output, "json") != 0)
		return fail("invalid --output \"%s\" (expected shell|json)",
			    output);
	q->json = strcmp(output, "json") == 0;
	r = shim_root_open(root[0] ? root : "/", &q->root);
	return r < 0 ? fail_errno(r, "--root %s", root) : 0;
}

static int check_host(const struct request *q, const struct cli *c)
{
	if (!q->root.host || q->plan.dry ||
	    flag_bool(&c->flags, "i-understand-this-modifies-the-host"))
		return 0;
	return fail("refusing to modify host rootfs (\"%s\"); pass "
		    "--i-understand-this-modifies-the-host to continue",
		    q->root.text);
}

static void print_action(const struct shim_action *a, struct buf *out)
{
	buf_puts(out, a->op);
	if (a->from)
		buf_printf(out, " %s -> %s", a->from, a->to);
	else if (a->path)
		buf_printf(out, " %s", a->path);
	if (a->note)
		buf_printf(out, " (%s)", a->note);
	buf_putc(out, '\n');
}

static void action_json(const struct shim_action *a, struct json_writer *w)
{
	json_begin_object(w);
	json_kv_cstr(w, "op", a->op);
	json_kv_str_opt(w, "path", str_from(a->path));
	json_kv_str_opt(w, "from", str_from(a->from));
	json_kv_str_opt(w, "to", str_from(a->to));
	json_kv_str_opt(w, "note", str_from(a->note));
	json_end_object(w);
}

/* What was done; plain output only for a dry run. */
static int report(const struct request *q)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json_writer w;

	if (!q->json && !q->plan.dry)
		return 0;
	if (!q->json) {
		for (size_t i = 0; i < q->plan.actions.n; i++)
			print_action(&q->plan.actions.data[i], &b);
		return out_buf(&b);
	}
	json_writer_init(&w, &b, 2);
	json_begin_object(&w);
	json_kv_cstr(&w, "root", q->root.text);
	json_kv_str_opt(&w, "shim", str_from(q->shim));
	json_key(&w, "actions");
	json_begin_array(&w);
	for (size_t i = 0; i < q->plan.actions.n; i++)
		action_json(&q->plan.actions.data[i], &w);
	json_end_array(&w);
	json_end_object(&w);
	buf_putc(&b, '\n');
	return out_buf(&b);
}

static int read_shim(struct request *q)
{
	int r = fd_read_file(AT_FDCWD, q->shim, SHIM_BYTES_MAX, &q->bytes);

	if (r < 0)
		return fail_errno(r, "--shim %s", q->shim);
	/* A wrong file here would leave the host without a shell. */
	if (q->bytes.len == 0 ||
	    (q->root.host && !shim_is_shim(buf_str(&q->bytes))))
		return fail("--shim %s: this is not agentsh-shell-shim",
			    q->shim);
	return 0;
}

static int install(struct request *q, bool force)
{
	_cleanup_buf_ struct buf error = BUF_INIT;
	int r = shim_install_conf(&q->root, force, true, &q->plan, &error);

	if (r == 0 && q->sh)
		r = shim_install_one(&q->root, "sh", &q->bytes, &q->plan,
				     &error);
	if (r == 0 && q->bash)
		r = shim_install_one(&q->root, "bash", &q->bytes, &q->plan,
				     &error);
	if (r == 0)
		r = shim_install_conf(&q->root, force, false, &q->plan, &error);
	return r < 0 ? fail("%s", buf_cstr(&error)) : report(q);
}

int cmd_shim_install(struct cli *c)
{
	_cleanup_(request_done) struct request q = { 0 };
	bool only = flag_bool(&c->flags, "bash-only");
	int status = request_init(&q, c);

	if (status)
		return status;
	q.shim = flag_text(&c->flags, "shim");
	q.plan.dry = flag_bool(&c->flags, "dry-run");
	if (!q.shim[0])
		return fail("--shim is required");
	if (q.bash && only)
		return fail("--bash and --bash-only are mutually exclusive");
	q.sh = !only;
	q.bash = q.bash || only;
	status = check_host(&q, c);
	if (status == 0)
		status = read_shim(&q);
	return status ? status : install(&q, flag_bool(&c->flags, "force"));
}

int cmd_shim_uninstall(struct cli *c)
{
	_cleanup_(request_done) struct request q = { 0 };
	_cleanup_buf_ struct buf error = BUF_INIT;
	int status = request_init(&q, c);
	int r = 0;

	if (status)
		return status;
	q.plan.dry = flag_bool(&c->flags, "dry-run");
	status = check_host(&q, c);
	if (status)
		return status;
	/* bash first: a sh that leads to it is then right at once. */
	if (q.bash)
		r = shim_uninstall_one(&q.root, "bash", &q.plan, &error);
	if (r == 0)
		r = shim_uninstall_one(&q.root, "sh", &q.plan, &error);
	return r < 0 ? fail("%s", buf_cstr(&error)) : report(&q);
}

static const char *type_of(const struct shim_file *f)
{
	if (S_ISREG(f->st.st_mode))
		return "file";
	return S_ISLNK(f->st.st_mode) ? "symlink" : "other";
}

static uint64_t go_mode(const struct shim_file *f)
{
	uint64_t mode = f->st.st_mode & 0777;

	if (S_ISLNK(f->st.st_mode))
		mode |= GO_LINK;
	if (S_ISDIR(f->st.st_mode))
		mode |= GO_DIR;
	return mode;
}

static void file_json(const struct shim_file *f, const char *which,
		      struct json_writer *w)
{
	char key[32];

	(void)snprintf(key, sizeof(key), "%s_exists", which);
	json_kv_bool(w, key, f->exists);
	if (!f->exists)
		return;
	(void)snprintf(key, sizeof(key), "%s_mode", which);
	json_kv_i64(w, key, (int64_t)go_mode(f));
	(void)snprintf(key, sizeof(key), "%s_type", which);
	json_kv_cstr(w, key, type_of(f));
	(void)snprintf(key, sizeof(key), "%s_link", which);
	json_kv_str_opt(w, key, buf_str(&f->link));
}

static void place_json(const struct request *q, const struct shim_place *p,
		       struct json_writer *w)
{
	_cleanup_buf_ struct buf target = BUF_INIT, real = BUF_INIT;

	shim_root_path(&q->root, p->name, "", &target);
	shim_root_path(&q->root, p->name, ".real", &real);
	json_key(w, p->name);
	json_begin_object(w);
	json_kv_cstr(w, "name", p->name);
	json_kv_cstr(w, "target_path", buf_cstr(&target));
	json_kv_cstr(w, "real_path", buf_cstr(&real));
	json_kv_cstr(w, "state", shim_place_state(p));
	file_json(&p->target, "target", w);
	file_json(&p->real, "real", w);
	json_kv_bool(w, "shim_matches", p->matches);
	json_end_object(w);
}

static void place_text(const struct request *q, const struct shim_place *p,
		       struct buf *b)
{
	_cleanup_buf_ struct buf target = BUF_INIT;

	shim_root_path(&q->root, p->name, "", &target);
	buf_printf(b, "%s: state=%s target=%s exists=%s", p->name,
		   shim_place_state(p), buf_cstr(&target),
		   p->target.exists ? "true" : "false");
	if (p->target.exists)
		buf_printf(b, " type=%s", type_of(&p->target));
	buf_printf(b, " real_exists=%s shim_matches=%s\n",
		   p->real.exists ? "true" : "false",
		   p->matches ? "true" : "false");
}

static int status_one(const struct request *q, const char *name, struct buf *b,
		      struct json_writer *w)
{
	_cleanup_shim_place_ struct shim_place p = { .name = name };
	int r = shim_place_look(&q->root, name, buf_str(&q->bytes), &p);

	if (r < 0)
		return fail_errno(r, "%s/bin/%s", q->root.text, name);
	if (q->json)
		place_json(q, &p, w);
	else
		place_text(q, &p, b);
	return 0;
}

int cmd_shim_status(struct cli *c)
{
	_cleanup_(request_done) struct request q = { 0 };
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json_writer w;
	int status = request_init(&q, c);

	if (status)
		return status;
	q.shim = flag_text(&c->flags, "shim");
	/* Without it there is only nothing to compare with. */
	(void)fd_read_file(AT_FDCWD, q.shim, SHIM_BYTES_MAX, &q.bytes);
	json_writer_init(&w, &b, 2);
	if (q.json) {
		json_begin_object(&w);
		json_kv_cstr(&w, "root", q.root.text);
		json_kv_str_opt(&w, "shim_path", str_from(q.shim));
	} else {
		buf_printf(&b, "root=%s\nshim=%s\n", q.root.text, q.shim);
	}
	status = status_one(&q, "sh", &b, &w);
	if (status == 0 && q.bash)
		status = status_one(&q, "bash", &b, &w);
	if (q.json) {
		json_end_object(&w);
		buf_putc(&b, '\n');
	}
	return status ? status : out_buf(&b);
}
