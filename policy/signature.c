/* SPDX-License-Identifier: MIT */
/*
 * signature.c - who vouches for a policy file
 */
#include "policy/signature.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"

#define KEY_FILE_MAX ((size_t)1 << 16)
#define SIG_VERSION  1

static void key_id(const uint8_t key[ED25519_PUBLIC_LEN],
		   char out[2 * SHA256_LEN + 1])
{
	_cleanup_buf_ struct buf hex = BUF_INIT;
	uint8_t digest[SHA256_LEN];

	digest_sha256(str_from_n((const char *)key, ED25519_PUBLIC_LEN),
		      digest);
	hex_encode(&hex, digest, sizeof(digest));
	out[0] = '\0';
	if (hex.len == (size_t)2 * SHA256_LEN)
		memcpy(out, buf_cstr(&hex), hex.len + 1);
}

int policy_key_generate(struct policy_key *ret)
{
	int r = ed25519_generate(ret->seed, ret->public_key);

	if (r < 0)
		return r;
	key_id(ret->public_key, ret->id);
	return ret->id[0] ? 0 : -ENOMEM;
}

static void put_base64(struct json_writer *w, const char *key, const void *p,
		       size_t n)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	base64_encode_to(&b, p, n);
	json_kv_str(w, key, buf_str(&b));
	explicit_bzero(b.data, b.data ? b.len : 0);
}

static void put_time(struct json_writer *w, const char *key, int64_t ns)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	clock_format_rfc3339(&b, ns);
	json_kv_str(w, key, buf_str(&b));
}

static void key_head(struct json_writer *w, const struct policy_key *k,
		     struct buf *out)
{
	json_writer_init(w, out, 2);
	json_begin_object(w);
	json_kv_cstr(w, "key_id", k->id);
	json_kv_cstr(w, "algorithm", "ed25519");
}

void policy_key_private_json(const struct policy_key *k, struct str label,
			     int64_t now_ns, struct buf *out)
{
	/* seed and public half, the form Go's library keeps */
	uint8_t both[ED25519_SEED_LEN + ED25519_PUBLIC_LEN];
	struct json_writer w;

	memcpy(both, k->seed, ED25519_SEED_LEN);
	memcpy(both + ED25519_SEED_LEN, k->public_key, ED25519_PUBLIC_LEN);
	key_head(&w, k, out);
	put_base64(&w, "private_key", both, sizeof(both));
	explicit_bzero(both, sizeof(both));
	json_kv_str_opt(&w, "label", label);
	put_time(&w, "created_at", now_ns);
	json_end_object(&w);
	buf_putc(out, '\n');
}

void policy_key_public_json(const struct policy_key *k, struct str label,
			    int64_t now_ns, struct buf *out)
{
	struct json_writer w;

	key_head(&w, k, out);
	put_base64(&w, "public_key", k->public_key, ED25519_PUBLIC_LEN);
	json_kv_str_opt(&w, "label", label);
	put_time(&w, "trusted_since", now_ns);
	json_end_object(&w);
	buf_putc(out, '\n');
}

static int refuse(struct buf *why, int r, const char *text)
{
	buf_puts(why, text);
	return r;
}

int policy_key_parse_private(struct str text, struct policy_key *ret,
			     struct buf *why)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(KEY_FILE_MAX * 4);
	_cleanup_buf_ struct buf raw = BUF_INIT;
	struct json *doc = NULL;
	struct str id;

	if (json_parse(&a, text, &doc) < 0 ||
	    !str_eq(json_get_str(doc, "algorithm"), STR("ed25519")))
		return refuse(why, -EBADMSG, "not an ed25519 key file");
	if (base64_decode_to(&raw, json_get_str(doc, "private_key")) < 0 ||
	    (raw.len != ED25519_SEED_LEN &&
	     raw.len != ED25519_SEED_LEN + ED25519_PUBLIC_LEN))
		return refuse(why, -EBADMSG,
			      "no private_key of 32 or 64 bytes in base64");
	memcpy(ret->seed, raw.data, ED25519_SEED_LEN);
	explicit_bzero(raw.data, raw.len);
	ed25519_public(ret->seed, ret->public_key);
	key_id(ret->public_key, ret->id);
	id = json_get_str(doc, "key_id");
	if (id.n && !str_eq_c(id, ret->id))
		return refuse(why, -EBADMSG,
			      "key_id does not belong to private_key");
	return ret->id[0] ? 0 : -ENOMEM;
}

void policy_sign(const struct policy_key *k, struct str policy,
		 struct str signer, int64_t now_ns, struct buf *out)
{
	uint8_t signature[ED25519_SIGNATURE_LEN];
	struct json_writer w;

	ed25519_sign(k->seed, policy, signature);
	json_writer_init(&w, out, 2);
	json_begin_object(&w);
	json_kv_i64(&w, "version", SIG_VERSION);
	json_kv_cstr(&w, "algorithm", "ed25519");
	json_kv_cstr(&w, "key_id", k->id);
	json_kv_str_opt(&w, "signer", signer);
	put_time(&w, "signed_at", now_ns);
	put_base64(&w, "signature", signature, sizeof(signature));
	json_key(&w, "cert_chain");
	json_begin_array(&w);
	json_end_array(&w);
	json_end_object(&w);
	buf_putc(out, '\n');
}

void policy_signed_done(struct policy_signed *s)
{
	buf_done(&s->key_id);
	buf_done(&s->signed_at);
	buf_done(&s->signer);
}

/* 1: the key of this file is it; 0: another one or none at all. */
static int try_key(int dir, const char *name, struct str want, int64_t now_ns,
		   uint8_t ret[ED25519_PUBLIC_LEN], int64_t *ret_expired)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(KEY_FILE_MAX * 4);
	_cleanup_buf_ struct buf text = BUF_INIT, raw = BUF_INIT;
	char id[2 * SHA256_LEN + 1];
	struct json *doc = NULL;
	int64_t expires = 0;
	struct str s;

	if (fd_read_file(dir, name, KEY_FILE_MAX, &text) < 0 ||
	    json_parse(&a, buf_str(&text), &doc) < 0 ||
	    base64_decode_to(&raw, json_get_str(doc, "public_key")) < 0 ||
	    raw.len != ED25519_PUBLIC_LEN)
		return 0;
	key_id((const uint8_t *)raw.data, id);
	if (!str_eq_c(want, id))
		return 0;
	s = json_get_str(doc, "expires_at");
	/* an end that cannot be read has come */
	if (s.n && clock_parse_rfc3339(s, &expires) < 0)
		expires = now_ns;
	*ret_expired = s.n && expires <= now_ns;
	memcpy(ret, raw.data, ED25519_PUBLIC_LEN);
	return 1;
}

static int find_key(const char *key_dir, struct str want, int64_t now_ns,
		    uint8_t ret[ED25519_PUBLIC_LEN])
{
	_cleanup_closedir_ DIR *d = opendir(key_dir);
	const struct dirent *e;
	int64_t expired = 0;

	if (!d)
		return -errno;
	while ((e = readdir(d)) != NULL) {
		if (!str_ends(str_from(e->d_name), STR(".json")))
			continue;
		if (try_key(dirfd(d), e->d_name, want, now_ns, ret, &expired))
			return expired ? -EKEYEXPIRED : 0;
	}
	return -ENOKEY;
}

static int explain_key(int r, struct str id, const char *key_dir,
		       struct buf *why)
{
	if (r == -ENOKEY)
		buf_printf(why, "signed by key " STR_FMT ", which is not in %s",
			   STR_ARG(id), key_dir);
	else if (r == -EKEYEXPIRED)
		buf_printf(why, "key " STR_FMT " has expired", STR_ARG(id));
	else
		buf_printf(why, "key directory %s: %s", key_dir, strerror(-r));
	return r;
}

int policy_verify(struct str policy, struct str signature, const char *key_dir,
		  int64_t now_ns, struct policy_signed *ret, struct buf *why)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(KEY_FILE_MAX * 4);
	_cleanup_buf_ struct buf raw = BUF_INIT;
	uint8_t key[ED25519_PUBLIC_LEN];
	struct json *doc = NULL;
	struct str id;
	int r;

	if (json_parse(&a, signature, &doc) < 0 ||
	    !str_eq(json_get_str(doc, "algorithm"), STR("ed25519")) ||
	    json_get_i64(doc, "version", 0) < 1 ||
	    base64_decode_to(&raw, json_get_str(doc, "signature")) < 0 ||
	    raw.len != ED25519_SIGNATURE_LEN)
		return refuse(why, -EBADMSG, "not an ed25519 signature file");
	id = json_get_str(doc, "key_id");
	r = find_key(key_dir, id, now_ns, key);
	if (r < 0)
		return explain_key(r, id, key_dir, why);
	if (!ed25519_verify(key, policy, (const uint8_t *)raw.data))
		return refuse(why, -EKEYREJECTED,
			      "the signature does not fit the file: it was "
			      "changed after it was signed");
	buf_put_str(&ret->key_id, id);
	buf_put_str(&ret->signed_at, json_get_str(doc, "signed_at"));
	buf_put_str(&ret->signer, json_get_str(doc, "signer"));
	return 0;
}
