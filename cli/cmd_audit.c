/* SPDX-License-Identifier: MIT */
/*
 * cmd_audit.c - audit verify and chain: is the record what was written?
 *
 * A database carries its chain in itself. Lines are chained with a key, which
 * the configuration names.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "audit/store.h"
#include "base/fd.h"
#include "cli/bar.h"
#include "cli/client.h"
#include "cli/output.h"
#include "config/config.h"

#define KEY_MAX ((size_t)1 << 16)

static int load_config(const struct cli *c, struct config **ret)
{
	const char *given = flag_text(&c->flags, "config");
	_cleanup_buf_ struct buf path = BUF_INIT;
	_cleanup_diag_ struct diag diag = DIAG_INIT;
	enum config_source source =
		config_find(given[0] ? given : NULL, environ, &path);
	int r = config_load(buf_cstr(&path), source, environ, ret, &diag);

	if (r == 0)
		return 0;
	out_diag(&diag);
	return diag.n_errors
		       ? 1
		       : fail_errno(r, "configuration %s", buf_cstr(&path));
}

/* The bytes of the key; nothing when none is configured. */
static int read_key(const struct config *config, struct buf *ret)
{
	const char *file = config->audit.integrity.key_file;
	const char *env = config->audit.integrity.key_env;
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r;

	if (file && file[0]) {
		r = fd_read_file(AT_FDCWD, file, KEY_MAX, &text);
		if (r < 0)
			return fail_errno(r, "read key %s", file);
		buf_put_str(ret, str_trim(buf_str(&text)));
	} else if (env && env[0]) {
		buf_puts(ret, env_or(env, ""));
	}
	return 0;
}

static bool is_database(const char *path)
{
	static const char magic[] = "SQLite format 3";
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char head[sizeof(magic)] = { 0 };

	return fd >= 0 && fd_read_full(fd, head, sizeof(head)) > 0 &&
	       memcmp(head, magic, sizeof(magic)) == 0;
}

/* LOG and LOG.1, LOG.2, ... */
static unsigned int count_parts(const char *path)
{
	unsigned int n = 1;

	for (;; n++) {
		_cleanup_buf_ struct buf name = BUF_INIT;

		buf_printf(&name, "%s.%u", path, n);
		if (access(buf_cstr(&name), F_OK) < 0)
			return n;
	}
}

static int verify_database(const char *path, struct audit_verdict *v)
{
	struct audit_options o = { .sqlite_path = path, .read_only = true };
	struct audit_store *store = NULL;
	int r = audit_open(&o, &store);

	if (r < 0)
		return fail_errno(r, "open database %s", path);
	r = audit_verify(store, v);
	(void)audit_close(store);
	return r < 0 ? fail_errno(r, "verify %s", path) : 0;
}

static int verify_lines(const struct cli *c, const char *path,
			struct audit_verdict *v)
{
	_cleanup_(config_free_p) struct config *config = NULL;
	_cleanup_buf_ struct buf key = BUF_INIT;
	struct audit_lenience may = { 0 };
	bool sha512;
	int r = load_config(c, &config);

	if (r == 0)
		r = read_key(config, &key);
	if (r)
		return r;
	if (key.len == 0)
		return fail("no key is configured (audit.integrity.key_file "
			    "or key_env); cannot verify %s",
			    path);
	may.unsigned_lines = flag_bool(&c->flags, "tolerate-unsigned");
	may.truncation = flag_bool(&c->flags, "tolerate-truncation");
	may.from_sequence = (uint64_t)flag_int(&c->flags, "from-sequence");
	sha512 = config->audit.integrity.algorithm ==
		 CONFIG_INTEGRITY_HMAC_SHA512;
	r = audit_verify_jsonl(path, buf_str(&key), sha512, &may, v);
	return r < 0 ? fail_errno(r, "verify %s", path) : 0;
}

/* "first: seq=12 (audit.jsonl.1:3)" */
static void put_place(const char *word, const char *path,
		      const struct audit_place *at)
{
	char part[16] = "";

	if (at->part)
		(void)snprintf(part, sizeof(part), ".%u", at->part);
	(void)out_line("%s seq=%" PRIu64 " (%s%s:%" PRIu64 ")", word,
		       at->sequence, path, part, at->line);
}

int cmd_audit_verify(struct cli *c)
{
	_cleanup_(config_free_p) struct config *config = NULL;
	const char *path = c->n_args ? c->args[0] : NULL;
	struct audit_verdict v = { 0 };
	int status = path ? 0 : load_config(c, &config);
	bool database;

	if (status)
		return status;
	if (flag_int(&c->flags, "from-sequence") < 0)
		return fail(
			"invalid --from-sequence: not a number of an entry");
	if (!path)
		path = config->audit.storage.sqlite_path;
	if (access(path, F_OK) < 0)
		return fail("missing audit log file %s", path);
	database = is_database(path);
	bar_begin(c, "verifying", "entries", BAR_COUNT);
	status = database ? verify_database(path, &v)
			  : verify_lines(c, path, &v);
	bar_end();
	if (status)
		return status;
	if (!v.ok)
		return fail("%s: entry %" PRIu64 ": %s", path, v.bad_sequence,
			    v.reason);
	status = out_line("verified %" PRIu64 " entries across %u files",
			  v.n_checked, database ? 1 : count_parts(path));
	if (status == 0 && !database && v.n_checked) {
		put_place("first:", path, &v.first);
		put_place("last: ", path, &v.last);
	}
	return status;
}

/* The JSON lines log of the configuration. Prints. */
static int find_log(const struct cli *c, struct config **ret)
{
	int status = load_config(c, ret);

	if (status)
		return status;
	if (!(*ret)->audit.output || !(*ret)->audit.output[0])
		return fail("no JSON lines log is configured (audit.output); "
			    "the database's chain needs no upkeep");
	return 0;
}

int cmd_audit_chain_status(struct cli *c)
{
	_cleanup_(config_free_p) struct config *config = NULL;
	_cleanup_buf_ struct buf path = BUF_INIT, text = BUF_INIT;
	int status = find_log(c, &config);
	int r;

	if (status)
		return status;
	buf_printf(&path, "%s.chain", config->audit.output);
	r = fd_read_file(AT_FDCWD, buf_cstr(&path), KEY_MAX, &text);
	if (r == -ENOENT)
		return fail("%s: no chain was begun, or its state is lost",
			    config->audit.output);
	if (r < 0)
		return fail_errno(r, "read %s", buf_cstr(&path));
	return out_json(buf_str(&text));
}

static bool is_code(const char *code)
{
	static const char *const CODES[] = {
		"sidecar_missing", "sidecar_corrupt",      "key_rotated",
		"legacy_archived", "post_tamper_recovery", "manual_reset"
	};

	for (size_t i = 0; i < ARRAY_LEN(CODES); i++)
		if (strcmp(code, CODES[i]) == 0)
			return true;
	return false;
}

static bool confirmed(void)
{
	char line[16];

	(void)fprintf(stderr, "Continue? [y/N] ");
	(void)fflush(stderr);
	return fgets(line, sizeof(line), stdin) &&
	       (line[0] == 'y' || line[0] == 'Y');
}

int cmd_audit_chain_reset(struct cli *c)
{
	_cleanup_(config_free_p) struct config *config = NULL;
	_cleanup_buf_ struct buf key = BUF_INIT;
	const char *code = flag_text(&c->flags, "reason-code");
	struct audit_options o = { 0 };
	int status = find_log(c, &config);
	int r;

	if (status == 0)
		status = read_key(config, &key);
	if (status)
		return status;
	if (!is_code(code))
		return fail("invalid --reason-code \"%s\"", code);
	if (!flag_bool(&c->flags, "force") && !confirmed())
		return fail("nothing was changed");
	o.jsonl_path = config->audit.output;
	o.hmac_key = (const uint8_t *)buf_cstr(&key);
	o.hmac_key_len = key.len;
	o.hmac_sha512 = config->audit.integrity.algorithm ==
			CONFIG_INTEGRITY_HMAC_SHA512;
	r = audit_reset_jsonl(&o, str_from(flag_text(&c->flags, "reason")),
			      str_from(code));
	if (r == -ENOKEY)
		return fail("no key is configured (audit.integrity.key_file or "
			    "key_env)");
	if (r == -EWOULDBLOCK)
		return fail("%s is in use: stop the server first",
			    config->audit.output);
	if (r < 0)
		return fail_errno(r, "reset the chain of %s",
				  config->audit.output);
	return out_line("New chain begun in %s; the old log is beside it",
			config->audit.output);
}
