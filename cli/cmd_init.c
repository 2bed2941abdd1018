/* SPDX-License-Identifier: MIT */
/*
 * cmd_init.c - init: a policy for the project at hand
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "cli/client.h"
#include "cli/init.h"
#include "cli/output.h"
#include "cli/policy_path.h"
#include "core/limits.h"
#include "policy/policy.h"

/* The last part of the directory, in the letters a policy's name may have. */
static void name_from_dir(const char *dir, struct buf *out)
{
	struct str s = str_from(dir);

	while (s.n > 1 && s.p[s.n - 1] == '/')
		s.n--;
	s = str_basename(s);
	for (size_t i = 0; i < s.n; i++) {
		char ch = s.p[i];
		bool plain = (ch >= 'a' && ch <= 'z') ||
			     (ch >= 'A' && ch <= 'Z') ||
			     (ch >= '0' && ch <= '9') || ch == '_';

		buf_putc(out, plain ? ch : '-');
	}
	if (out->len == 0 || buf_cstr(out)[0] == '-')
		buf_puts(out, "project");
}

static int check(const char *path, struct str text)
{
	_cleanup_diag_ struct diag diag = DIAG_INIT;

	if (policy_validate(path, text, &diag) == 0)
		return 0;
	out_diag(&diag);
	return 1;
}

static int write_policy(const struct cli *c, const char *path, struct str text)
{
	int r;

	if (!flag_bool(&c->flags, "force") && access(path, F_OK) == 0)
		return fail("%s exists; --force writes over it", path);
	r = fd_write_file_atomic(AT_FDCWD, path, text, 0644);
	if (r == -EACCES || r == -EROFS || r == -ENOENT || r == -EPERM)
		return fail("cannot write %s: %s; name another file with "
			    "--output, or a policies.dir of your own in "
			    "~/.config/agentsh/config.yaml",
			    path, strerror(-r));
	return r < 0 ? fail_errno(r, "write %s", path) : 0;
}

/* own: the file is not where policies are looked for by name. */
static int say(const struct init_input *in, const char *path, bool own)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_puts(&b, "Project: ");
	project_kinds_text(in->kinds, &b);
	buf_printf(&b,
		   "\nPolicy written to %s\n\n"
		   "Next:\n"
		   "  agentsh policy validate %s\n",
		   path, path);
	if (own)
		buf_printf(&b,
			   "  copy it to policies.dir as " STR_FMT ".yaml\n",
			   STR_ARG(in->name));
	buf_printf(&b,
		   "  agentsh wrap --policy " STR_FMT " -- YOUR-AGENT\n"
		   "  agentsh policy generate latest   # lock it to what was "
		   "needed\n",
		   STR_ARG(in->name));
	return out_buf(&b);
}

static int read_base(const struct cli *c, struct buf *text)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	int status = policy_find(c, flag_text(&c->flags, "base"), &path);
	int r;

	if (status)
		return status;
	r = fd_read_file(AT_FDCWD, buf_cstr(&path), LIMIT_POLICY_BYTES, text);
	return r < 0 ? fail_errno(r, "read policy %s", buf_cstr(&path)) : 0;
}

int cmd_init(struct cli *c)
{
	_cleanup_buf_ struct buf dir = BUF_INIT, base = BUF_INIT,
				 path = BUF_INIT, name = BUF_INIT, b = BUF_INIT;
	const char *given = flag_text(&c->flags, "name");
	const char *output = flag_text(&c->flags, "output");
	struct init_input in = {
		.base_name = str_from(flag_text(&c->flags, "base")),
		.open_network = flag_bool(&c->flags, "open-network"),
	};
	int status;

	client_absolute(c->n_args ? c->args[0] : ".", &dir);
	if (access(buf_cstr(&dir), R_OK | X_OK) < 0)
		return fail_errno(-errno, "directory %s", buf_cstr(&dir));
	status = read_base(c, &base);
	if (status)
		return status;
	if (given[0])
		buf_puts(&name, given);
	else
		name_from_dir(buf_cstr(&dir), &name);
	in.base = buf_str(&base);
	in.name = buf_str(&name);
	in.kinds = project_kinds(buf_cstr(&dir));
	if (init_policy(&in, &b) < 0)
		return fail("policy " STR_FMT " cannot be the base: it has no "
			    "file_rules, or no rule default-deny-network",
			    STR_ARG(in.base_name));
	if (output[0]) {
		buf_puts(&path, output);
	} else {
		policy_dir(c, &path);
		buf_printf(&path, "/%s.yaml", buf_cstr(&name));
	}
	status = check(buf_cstr(&path), buf_str(&b));
	if (status == 0)
		status = write_policy(c, buf_cstr(&path), buf_str(&b));
	return status ? status : say(&in, buf_cstr(&path), output[0]);
}
