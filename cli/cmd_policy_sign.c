/* SPDX-License-Identifier: MIT */
/*
 * cmd_policy_sign.c - policy keygen, sign, verify
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fd.h"
#include "cli/command.h"
#include "cli/output.h"
#include "core/limits.h"
#include "policy/signature.h"

#define KEY_FILE_MAX ((size_t)1 << 16)

/* A key once overwritten is lost: never replaces a file. */
static int write_new(const char *dir, const char *name, struct str text,
		     mode_t mode)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	_cleanup_close_ int fd = -1;
	int r;

	buf_printf(&path, "%s/%s", dir, name);
	fd = open(buf_cstr(&path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		  mode);
	r = fd < 0 ? -errno : fd_write_full(fd, text.p, text.n);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r < 0 ? fail_errno(r, "write %s", buf_cstr(&path)) : 0;
}

static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->len);
	buf_done(b);
}

int cmd_policy_keygen(struct cli *c)
{
	_cleanup_(wipe) struct buf text = BUF_INIT;
	_cleanup_buf_ struct buf public = BUF_INIT;
	const char *dir = flag_text(&c->flags, "output");
	struct str label = str_from(flag_text(&c->flags, "label"));
	int64_t now = clock_realtime_ns();
	struct policy_key k = { 0 };
	int status, r = policy_key_generate(&k);

	if (r < 0)
		return fail_errno(r, "make a key");
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return fail_errno(-errno, "make directory %s", dir);
	policy_key_private_json(&k, label, now, &text);
	policy_key_public_json(&k, label, now, &public);
	explicit_bzero(k.seed, sizeof(k.seed));
	status = write_new(dir, "private.key.json", buf_str(&text), 0600);
	if (status == 0)
		status = write_new(dir, "public.key.json", buf_str(&public),
				   0644);
	return status ? status : out_line("%s", k.id);
}

static int read_file(const char *path, size_t max, struct buf *text)
{
	int r = fd_read_file(AT_FDCWD, path, max, text);

	return r < 0 ? fail_errno(r, "open %s", path) : 0;
}

int cmd_policy_sign(struct cli *c)
{
	_cleanup_(wipe) struct buf key_text = BUF_INIT;
	_cleanup_buf_ struct buf policy = BUF_INIT, out = BUF_INIT,
				 path = BUF_INIT, why = BUF_INIT;
	const char *key_file = flag_text(&c->flags, "key");
	const char *output = flag_text(&c->flags, "output");
	struct policy_key k = { 0 };
	int status = read_file(c->args[0], LIMIT_POLICY_BYTES, &policy);
	int r;

	if (status == 0)
		status = read_file(key_file, KEY_FILE_MAX, &key_text);
	if (status)
		return status;
	if (policy_key_parse_private(buf_str(&key_text), &k, &why) < 0)
		return fail("%s: %s", key_file, buf_cstr(&why));
	policy_sign(&k, buf_str(&policy),
		    str_from(flag_text(&c->flags, "signer")),
		    clock_realtime_ns(), &out);
	explicit_bzero(k.seed, sizeof(k.seed));
	buf_printf(&path, "%s%s", output[0] ? output : c->args[0],
		   output[0] ? "" : ".sig");
	r = fd_write_file_atomic(AT_FDCWD, buf_cstr(&path), buf_str(&out),
				 0644);
	if (r < 0)
		return fail_errno(r, "write %s", buf_cstr(&path));
	return out_line("Signed %s with key %s: %s", c->args[0], k.id,
			buf_cstr(&path));
}

int cmd_policy_verify(struct cli *c)
{
	_cleanup_buf_ struct buf policy = BUF_INIT, signature = BUF_INIT,
				 path = BUF_INIT, why = BUF_INIT, b = BUF_INIT;
	_cleanup_(policy_signed_done) struct policy_signed s = { 0 };
	struct json_writer w;
	int status = read_file(c->args[0], LIMIT_POLICY_BYTES, &policy);

	buf_printf(&path, "%s.sig", c->args[0]);
	if (status == 0)
		status = read_file(buf_cstr(&path), KEY_FILE_MAX, &signature);
	if (status)
		return status;
	if (policy_verify(buf_str(&policy), buf_str(&signature),
			  flag_text(&c->flags, "key-dir"), clock_realtime_ns(),
			  &s, &why) < 0)
		return fail("%s: %s", c->args[0], buf_cstr(&why));
	json_writer_init(&w, &b, 2);
	json_begin_object(&w);
	json_kv_str(&w, "key_id", buf_str(&s.key_id));
	json_kv_str(&w, "signed_at", buf_str(&s.signed_at));
	json_kv_str(&w, "signer", buf_str(&s.signer));
	json_kv_cstr(&w, "status", "valid");
	json_end_object(&w);
	buf_putc(&b, '\n');
	return out_buf(&b);
}
