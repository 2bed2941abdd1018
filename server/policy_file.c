/* SPDX-License-Identifier: MIT */
/*
 * policy_file.c - a policy by name: its file, and who vouches for it
 */
#include "server/policy_file.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fd.h"
#include "config/config.h"
#include "core/limits.h"
#include "policy/signature.h"

#define SIGNATURE_MAX ((size_t)1 << 16)
#define MANIFEST_MAX  ((size_t)1 << 20)
#define NAME_LONGEST  200 /* leaves room for .yaml.sig below NAME_MAX */

bool policy_name_valid(struct str name)
{
	if (name.n == 0 || name.n > NAME_LONGEST || name.p[0] == '.')
		return false;
	return str_index(name, '/') < 0 && str_index(name, '\0') < 0;
}

static int check_signature(const struct settings *cfg, const char *path,
			   struct str text, struct buf *why)
{
	_cleanup_(policy_signed_done) struct policy_signed s = { 0 };
	_cleanup_buf_ struct buf file = BUF_INIT, signature = BUF_INIT;
	int r;

	buf_printf(&file, "%s.sig", path);
	r = fd_read_file(AT_FDCWD, buf_cstr(&file), SIGNATURE_MAX, &signature);
	if (r < 0) {
		buf_printf(why, "no signature: %s: %s", buf_cstr(&file),
			   strerror(-r));
		return -EKEYREJECTED;
	}
	r = policy_verify(text, buf_str(&signature), cfg->trust_store,
			  clock_realtime_ns(), &s, why);
	return r < 0 ? -EKEYREJECTED : 0;
}

/* A line "SHA256 NAME" of the manifest, NAME being the file's without its
 * directory; sha256sum(1) writes such lines. */
static int check_manifest(const struct settings *cfg, const char *path,
			  struct str text, struct buf *why)
{
	_cleanup_buf_ struct buf manifest = BUF_INIT, sum = BUF_INIT;
	struct str name = str_from(path), rest, line, word;
	uint8_t hash[SHA256_LEN];
	int r = fd_read_file(AT_FDCWD, cfg->policy_manifest, MANIFEST_MAX,
			     &manifest);

	if (r < 0) {
		buf_printf(why, "manifest %s: %s", cfg->policy_manifest,
			   strerror(-r));
		return -EKEYREJECTED;
	}
	name = str_skip(name, (size_t)(str_rindex(name, '/') + 1));
	digest_sha256(text, hash);
	hex_encode(&sum, hash, sizeof(hash));
	rest = buf_str(&manifest);
	while (str_split(&rest, '\n', &line)) {
		if (!str_split(&line, ' ', &word))
			continue;
		line = str_trim(line);
		if (line.n && line.p[0] == '*') /* read in binary mode */
			line = str_skip(line, 1);
		if (!str_eq(line, name))
			continue;
		if (!sum.error && str_eq_icase(word, buf_str(&sum)))
			return 0;
		buf_printf(why, "not the file that %s names",
			   cfg->policy_manifest);
		return -EKEYREJECTED;
	}
	buf_printf(why, "not in %s", cfg->policy_manifest);
	return -EKEYREJECTED;
}

int policy_file_read(const struct settings *cfg, struct str name,
		     struct buf *ret_path, struct buf *ret_text,
		     struct buf *why)
{
	static const char *const SUFFIX[] = { ".yaml", ".yml", "" };
	int r = -ENOENT;

	for (size_t i = 0; r == -ENOENT && i < ARRAY_LEN(SUFFIX); i++) {
		buf_reset(ret_path);
		buf_printf(ret_path, "%s/" STR_FMT "%s", cfg->policies_dir,
			   STR_ARG(name), SUFFIX[i]);
		if (ret_path->error)
			return ret_path->error;
		r = fd_read_file(AT_FDCWD, buf_cstr(ret_path),
				 LIMIT_POLICY_BYTES, ret_text);
	}
	if (r == 0 && cfg->policy_manifest[0])
		r = check_manifest(cfg, buf_cstr(ret_path), buf_str(ret_text),
				   why);
	if (r < 0 || cfg->signing == CONFIG_SIGNING_OFF)
		return r;
	r = check_signature(cfg, buf_cstr(ret_path), buf_str(ret_text), why);
	return cfg->signing == CONFIG_SIGNING_ENFORCE ? r : 0;
}

bool policy_file_allowed(const struct settings *cfg, struct str name)
{
	if (cfg->allowed_policies.n == 0 || str_eq_c(name, cfg->default_policy))
		return true;
	for (size_t i = 0; i < cfg->allowed_policies.n; i++)
		if (str_eq(cfg->allowed_policies.data[i], name))
			return true;
	return false;
}
