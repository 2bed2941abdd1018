/* SPDX-License-Identifier: MIT */
/*
 * cmd_session.c - session create, list, info, update, destroy
 */
#include "cli/client.h"
#include "cli/output.h"

/* "DLP: redact (email, ...)"; nothing when it is off or not known. */
static void put_dlp(struct buf *b, const struct json *status)
{
	struct str mode = json_get_str(status, "dlp_mode");
	const struct json *names = json_get(status, "pattern_names");
	const char *sep = "";

	if (mode.n == 0 || str_eq(mode, STR("disabled")))
		return;
	buf_printf(b, "  DLP: " STR_FMT " (", STR_ARG(mode));
	json_foreach(it, names)
	{
		buf_printf(b, "%s" STR_FMT, sep, STR_ARG(it->text));
		sep = ", ";
	}
	if (!names || names->n == 0)
		buf_printf(b, "%lld patterns active",
			   (long long)json_get_i64(status, "active_patterns",
						   0));
	buf_puts(b, ")\n");
}

static int print_created(const struct client *cl, const struct json *session)
{
	_cleanup_buf_ struct buf b = BUF_INIT, target = BUF_INIT;
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_arena_ struct arena a = ARENA_INIT(16U << 20);
	struct str id = json_get_str(session, "id");
	struct str llm = json_get_str(session, "llm_proxy_url");
	struct conn_request rq = { .method = "GET" };
	struct json *status = NULL;

	buf_printf(&b, "Session " STR_FMT " started\n", STR_ARG(id));
	if (llm.n == 0)
		return out_buf(&b);
	buf_printf(&b, "  Proxy: " STR_FMT "\n", STR_ARG(llm));
	buf_puts(&target, "/api/v1/sessions/");
	url_escape(&target, id);
	buf_puts(&target, "/proxy");
	rq.target = buf_cstr(&target);
	if (client_call(cl, &rq, &answer) == 0 && answer.status == 200 &&
	    json_parse(&a, buf_str(&answer.body), &status) == 0)
		put_dlp(&b, status);
	buf_printf(&b,
		   "\nExport for agent:\n"
		   "  export ANTHROPIC_BASE_URL=" STR_FMT "\n"
		   "  export OPENAI_BASE_URL=" STR_FMT "\n",
		   STR_ARG(llm), STR_ARG(llm));
	return out_buf(&b);
}

int cmd_session_create(struct cli *c)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf body = BUF_INIT, dir = BUF_INIT;
	_cleanup_arena_ struct arena a = ARENA_INIT(16U << 20);
	const struct flag_set *f = &c->flags;
	struct json *session = NULL;
	struct json_writer w;
	struct client cl;
	int status = client_init(&cl, c);

	if (status)
		return status;
	/* A profile may say where. */
	if (flag_given(f, "workspace") || !flag_given(f, "profile"))
		client_absolute(flag_text(f, "workspace"), &dir);
	json_writer_init(&w, &body, 0);
	json_begin_object(&w);
	json_kv_str_opt(&w, "id", str_from(flag_text(f, "id")));
	json_kv_str_opt(&w, "workspace", buf_str(&dir));
	json_kv_str_opt(&w, "profile", str_from(flag_text(f, "profile")));
	/* A default that nobody asked for is the server's to choose. */
	if (flag_given(f, "policy"))
		json_kv_cstr(&w, "policy", flag_text(f, "policy"));
	json_kv_cstr(&w, "home", env_or("HOME", ""));
	if (flag_given(f, "real-paths"))
		json_kv_bool(&w, "real_paths", flag_bool(f, "real-paths"));
	json_end_object(&w);
	status = client_do(&cl, "POST", "/api/v1/sessions", buf_str(&body),
			   &answer);
	if (status)
		return status;
	if (flag_bool(f, "json"))
		return out_json(buf_str(&answer.body));
	if (json_parse(&a, buf_str(&answer.body), &session) < 0)
		return fail("POST /api/v1/sessions: the answer is not JSON");
	return print_created(&cl, session);
}

int cmd_session_list(struct cli *c)
{
	return client_show(c, "/api/v1/sessions");
}

int cmd_session_info(struct cli *c)
{
	_cleanup_buf_ struct buf target = BUF_INIT;

	client_session_path(&target, c->args[0], "");
	return client_show(c, buf_cstr(&target));
}

static int put_env(struct json_writer *w, const struct flag_set *f)
{
	const char *const *set, *const *unset;
	size_t n_set = flag_list(f, "set-env", &set);
	size_t n_unset = flag_list(f, "unset-env", &unset);

	if (n_set) {
		json_key(w, "env");
		json_begin_object(w);
		for (size_t i = 0; i < n_set; i++) {
			struct str s = str_from(set[i]);
			ptrdiff_t eq = str_index(s, '=');

			if (eq <= 0)
				return fail("invalid --set-env \"%s\" "
					    "(expected NAME=VALUE)",
					    set[i]);
			json_key_str(w, str_from_n(s.p, (size_t)eq));
			json_str(w, str_skip(s, (size_t)eq + 1));
		}
		json_end_object(w);
	}
	if (n_unset) {
		json_key(w, "unset");
		json_begin_array(w);
		for (size_t i = 0; i < n_unset; i++)
			json_cstr(w, unset[i]);
		json_end_array(w);
	}
	return 0;
}

int cmd_session_update(struct cli *c)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT, body = BUF_INIT;
	struct json_writer w;
	struct client cl;
	int status = client_init(&cl, c);

	if (status)
		return status;
	json_writer_init(&w, &body, 0);
	json_begin_object(&w);
	json_kv_str_opt(&w, "cwd", str_from(flag_text(&c->flags, "cwd")));
	status = put_env(&w, &c->flags);
	if (status)
		return status;
	json_end_object(&w);
	client_session_path(&target, c->args[0], "");
	status = client_do(&cl, "PATCH", buf_cstr(&target), buf_str(&body),
			   &answer);
	return status ? status : out_json(buf_str(&answer.body));
}

int cmd_session_destroy(struct cli *c)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT;
	struct client cl;
	int status = client_init(&cl, c);

	if (status)
		return status;
	client_session_path(&target, c->args[0], "");
	status = client_do(&cl, "DELETE", buf_cstr(&target), STR_NONE, &answer);
	return status ? status : out_line("ok");
}
