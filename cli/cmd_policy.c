/* SPDX-License-Identifier: MIT */
/*
 * cmd_policy.c - policy list, show, validate
 *
 * Offline: the files are read here, by the same code the server uses.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/vec.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/policy_path.h"
#include "config/config.h"
#include "core/limits.h"
#include "policy/policy.h"

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int cmd_policy_list(struct cli *c)
{
	_cleanup_buf_ struct buf dir = BUF_INIT, b = BUF_INIT;
	_cleanup_closedir_ DIR *d = NULL;
	VEC(char *) names = VEC_INIT;
	const struct dirent *e;
	struct json_writer w;

	policy_dir(c, &dir);
	d = opendir(buf_cstr(&dir));
	if (!d)
		return fail_errno(-errno, "read directory %s", buf_cstr(&dir));
	while ((e = readdir(d)) != NULL) {
		char *name = policy_yaml_name(str_from(e->d_name))
				     ? strdup(e->d_name)
				     : NULL;

		if (name && vec_push(&names, name) < 0)
			free(name);
	}
	if (names.n)
		qsort(names.data, names.n, sizeof(names.data[0]), by_text);
	json_writer_init(&w, &b, 2);
	json_begin_object(&w);
	json_kv_str(&w, "dir", buf_str(&dir));
	json_key(&w, "policies");
	json_begin_array(&w);
	for (size_t i = 0; i < names.n; i++) {
		json_cstr(&w, names.data[i]);
		free(names.data[i]);
	}
	json_end_array(&w);
	json_end_object(&w);
	buf_putc(&b, '\n');
	vec_done(&names);
	return out_buf(&b);
}

static int read_policy(const struct cli *c, struct buf *path, struct buf *text)
{
	int r = policy_find(c, c->args[0], path);

	if (r)
		return r;
	r = fd_read_file(AT_FDCWD, buf_cstr(path), LIMIT_POLICY_BYTES, text);
	return r < 0 ? fail_errno(r, "read policy %s", buf_cstr(path)) : 0;
}

/* ${PROJECT_ROOT} and the like are the session's: here, where we are. */
static int compile(const char *path, struct str text, struct policy **ret,
		   struct diag *diag)
{
	static const char *const names[] = { "PROJECT_ROOT", "GIT_ROOT",
					     "WORKSPACE", "HOME" };
	struct str n[ARRAY_LEN(names)], v[ARRAY_LEN(names)];
	struct policy_vars vars = { .names = n,
				    .values = v,
				    .n = ARRAY_LEN(names),
				    .environment = environ };
	_cleanup_buf_ struct buf here = BUF_INIT;

	client_absolute(".", &here);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		n[i] = str_from(names[i]);
		v[i] = buf_str(&here);
	}
	v[ARRAY_LEN(names) - 1] = str_from(env_or("HOME", "/root"));
	return policy_compile(path, text, &vars, 1, ret, diag);
}

int cmd_policy_validate(struct cli *c)
{
	_cleanup_buf_ struct buf path = BUF_INIT, text = BUF_INIT;
	_cleanup_diag_ struct diag diag = DIAG_INIT;
	struct policy *p = NULL;
	int status = read_policy(c, &path, &text);

	if (status)
		return status;
	status = compile(buf_cstr(&path), buf_str(&text), &p, &diag) < 0;
	out_diag(&diag);
	(void)policy_unref(p);
	return status ? status : out_line("ok");
}

int cmd_policy_show(struct cli *c)
{
	_cleanup_buf_ struct buf path = BUF_INIT, text = BUF_INIT;
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_diag_ struct diag diag = DIAG_INIT;
	struct policy *p = NULL;
	struct json_writer w;
	int status = read_policy(c, &path, &text);

	if (status)
		return status;
	if (compile(buf_cstr(&path), buf_str(&text), &p, &diag) < 0) {
		out_diag(&diag);
		return 1;
	}
	json_writer_init(&w, &b, 2);
	status = policy_to_json(p, &w);
	buf_putc(&b, '\n');
	(void)policy_unref(p);
	if (status < 0)
		return fail_errno(status, "policy %s", buf_cstr(&path));
	return out_buf(&b);
}

static void put_session(const struct json *s, struct buf *out)
{
	struct str error = json_get_str(s, "error");

	buf_printf(out,
		   STR_FMT ": policy " STR_FMT " " STR_FMT ", generation %lld",
		   STR_ARG(json_get_str(s, "id")),
		   STR_ARG(json_get_str(s, "policy")),
		   STR_ARG(json_get_str(s, "result")),
		   (long long)json_get_i64(s, "generation", 0));
	if (json_get_bool(s, "floor_is_old", false))
		buf_puts(out, " (Landlock rules: from the next command that "
			      "starts alone)");
	if (error.n) {
		buf_puts(out, ": ");
		buf_put_str(out, error);
	}
	buf_putc(out, '\n');
}

int cmd_policy_reload(struct cli *c)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_arena_ struct arena a = ARENA_INIT(16U << 20);
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct json *v = NULL;
	struct client cl;
	int status = client_init(&cl, c);

	if (status == 0)
		status = client_do(&cl, "POST", "/api/v1/policy/reload",
				   STR("{}"), &answer);
	if (status)
		return status;
	if (json_parse(&a, buf_str(&answer.body), &v) < 0)
		return fail("policy reload: the answer is not JSON");
	json_foreach(s, json_get(v, "sessions"))
	{
		put_session(s, &text);
	}
	status = out_buf(&text);
	return json_get_bool(v, "ok", false) ? status : 1;
}
