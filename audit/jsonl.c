/* SPDX-License-Identifier: MIT */
/*
 * jsonl.c - one JSON object per line, rotated, with an optional keyed chain
 *
 * With a key (interface reference section 5.5) every line carries an
 * `integrity` object and a sidecar FILE.chain names the last entry, so that a
 * cut tail shows too:
 *
 *	{"format_version":2,"sequence":LAST,"prev_hash":"its entry_hash",
 *	 "key_fingerprint":"sha256:...","updated_at":"..."}
 *
 * The sidecar is replaced after the lines it speaks of are written. After a
 * crash in between the log is ahead of it; since those entries verify with the
 * key, that is accepted. A log behind its sidecar has lost lines and is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "audit/internal.h"
#include "audit/store.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/progress.h"

#define DEFAULT_ROTATE  (500ULL << 20)
#define DEFAULT_BACKUPS 10
#define MAX_BACKUPS     1000

struct jsonl {
	char *path; /* owned */
	int fd;
	uint64_t size, rotate_bytes;
	unsigned int max_backups;
	struct buf queue; /* lines not written yet */
	struct chain chain;
	char *key; /* owned copy; chain.key points here */
	bool sidecar_stale;
};

static void backup_name(const char *path, unsigned int i, struct buf *out)
{
	buf_reset(out);
	buf_printf(out, "%s.%u", path, i);
}

static int open_log(struct jsonl *j)
{
	struct stat st;

	j->fd = open(j->path,
		     O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
		     0600);
	if (j->fd < 0 || fstat(j->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (flock(j->fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	j->size = (uint64_t)st.st_size;
	return 0;
}

static int rotate(struct jsonl *j)
{
	_cleanup_buf_ struct buf from = BUF_INIT, to = BUF_INIT;
	int old = j->fd, r;

	for (unsigned int i = j->max_backups; i > 0; i--) {
		backup_name(j->path, i, &to);
		if (i == 1)
			buf_reset(&from), buf_puts(&from, j->path);
		else
			backup_name(j->path, i - 1, &from);
		if (from.error || to.error)
			return -ENOMEM;
		if (rename(buf_cstr(&from), buf_cstr(&to)) < 0 &&
		    errno != ENOENT)
			return -errno;
	}
	r = open_log(j);
	if (r < 0) {
		if (j->fd >= 0)
			(void)close(j->fd);
		j->fd = old; /* goes on in the renamed file */
		return r;
	}
	(void)close(old);
	return 0;
}

/* ---- the sidecar ---- */

static void sidecar_name(const char *path, struct buf *out)
{
	buf_reset(out);
	buf_printf(out, "%s.chain", path);
}

static void fingerprint(struct str key, struct buf *out)
{
	uint8_t digest[SHA256_LEN];

	digest_sha256(key, digest);
	buf_puts(out, "sha256:");
	hex_encode(out, digest, 16);
}

static int write_sidecar(struct jsonl *j)
{
	_cleanup_buf_ struct buf name = BUF_INIT, text = BUF_INIT,
				 print = BUF_INIT, when = BUF_INIT;
	struct json_writer w;

	sidecar_name(j->path, &name);
	fingerprint(j->chain.key, &print);
	clock_format_rfc3339(&when, clock_realtime_ns());
	json_writer_init(&w, &text, 0);
	json_begin_object(&w);
	json_kv_i64(&w, "format_version", CHAIN_VERSION);
	json_kv_i64(&w, "sequence", (int64_t)j->chain.sequence - 1);
	json_kv_cstr(&w, "prev_hash", j->chain.prev);
	json_kv_str(&w, "key_fingerprint", buf_str(&print));
	json_kv_str(&w, "updated_at", buf_str(&when));
	json_end_object(&w);
	buf_putc(&text, '\n');
	if (name.error || text.error)
		return -ENOMEM;
	return fd_write_file_atomic(AT_FDCWD, buf_cstr(&name), buf_str(&text),
				    0600);
}

struct sidecar {
	int64_t sequence;
	char prev[CHAIN_HEX_MAX + 1];
	char print[80];
};

/* -ENOENT missing, -EBADMSG unreadable. */
static int read_sidecar(const char *path, struct sidecar *ret)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(64U << 10);
	_cleanup_buf_ struct buf name = BUF_INIT, text = BUF_INIT;
	struct json *doc;
	int r;

	sidecar_name(path, &name);
	r = fd_read_file(AT_FDCWD, buf_cstr(&name), 4096, &text);
	if (r < 0)
		return r;
	r = json_parse(&a, buf_str(&text), &doc);
	if (r < 0)
		return r;
	ret->sequence = json_get_i64(doc, "sequence", -1);
	(void)snprintf(ret->prev, sizeof(ret->prev), STR_FMT,
		       STR_ARG(json_get_str(doc, "prev_hash")));
	(void)snprintf(ret->print, sizeof(ret->print), STR_FMT,
		       STR_ARG(json_get_str(doc, "key_fingerprint")));
	return ret->sequence < 0 ? -EBADMSG : 0;
}

/* ---- checking ---- */

struct verifying {
	struct chain c;
	struct audit_lenience may;
	struct audit_verdict v;
	struct audit_place at;
};

static int bad_line(struct verifying *k)
{
	k->v.ok = false;
	k->v.bad_sequence = k->c.sequence;
	(void)snprintf(k->v.reason, sizeof(k->v.reason),
		       "line has no readable integrity member");
	return 0;
}

static int verify_line(struct verifying *k, struct str line)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(16U << 20);
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct chain_entry entry;
	struct json *doc;
	int r = json_parse(&a, line, &doc);

	if (r == 0 && k->may.unsigned_lines && !json_get(doc, "integrity"))
		return 0;
	if (r == 0)
		r = chain_entry_from_json(json_get(doc, "integrity"), &entry);
	if (r == -EBADMSG)
		return bad_line(k);
	if (r == 0 && k->v.n_checked == 0 &&
	    entry.sequence < k->may.from_sequence)
		return 0;
	if (r == 0)
		r = canonical_json(doc, "integrity", &text);
	if (r == 0)
		r = chain_check(&k->c, &entry, buf_str(&text), &k->v);
	if (r == 0 && k->v.ok) {
		k->at.sequence = entry.sequence;
		k->v.last = k->at;
		if (k->v.n_checked == 1)
			k->v.first = k->at;
	}
	return r;
}

static int verify_file(const char *path, unsigned int part, struct verifying *k)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int r = 0;

	if (!f)
		return -errno;
	k->at = (struct audit_place){ .part = part };
	while (r == 0 && k->v.ok && (n = getline(&line, &size, f)) > 0) {
		struct str s = str_trim(str_from_n(line, (size_t)n));

		k->at.line++;
		if (k->may.truncation && line[n - 1] != '\n')
			break; /* its writer was cut short */
		if (s.n)
			r = verify_line(k, s);
		progress_tell(k->v.n_checked, 0);
	}
	return r;
}

static int verify_parts(const char *path, struct verifying *k)
{
	_cleanup_buf_ struct buf name = BUF_INIT;
	unsigned int last = 0;
	int r = 0;

	while (last < MAX_BACKUPS) {
		backup_name(path, last + 1, &name);
		if (name.error || access(buf_cstr(&name), F_OK) < 0)
			break;
		last++;
	}
	for (; r == 0 && k->v.ok && last > 0; last--) {
		backup_name(path, last, &name);
		r = verify_file(buf_cstr(&name), last, k);
	}
	return r < 0 || !k->v.ok ? r : verify_file(path, 0, k);
}

int audit_verify_jsonl(const char *path, struct str key, bool sha512,
		       const struct audit_lenience *l,
		       struct audit_verdict *ret)
{
	struct verifying k = { .c = { .key = key, .sha512 = sha512 },
			       .v = { .ok = true } };
	struct sidecar side;
	int r;

	if (l)
		k.may = *l;
	r = verify_parts(path, &k);
	if (r == 0 && k.v.ok && !k.may.truncation &&
	    read_sidecar(path, &side) == 0 &&
	    side.sequence >= (int64_t)k.c.sequence) {
		k.v.ok = false;
		k.v.bad_sequence = k.c.sequence;
		(void)snprintf(k.v.reason, sizeof(k.v.reason),
			       "entries are missing at the end");
	}
	chain_done(&k.c);
	if (r == 0)
		*ret = k.v;
	return r;
}

/* ---- starting a chain ---- */

/* A line that a crash cut short was never acknowledged: it goes. */
static int drop_partial_line(struct jsonl *j)
{
	uint64_t end = j->size;
	char c;

	while (end > 0) {
		if (pread(j->fd, &c, 1, (off_t)end - 1) != 1)
			return -EIO;
		if (c == '\n')
			break;
		end--;
	}
	if (end == j->size)
		return 0;
	if (ftruncate(j->fd, (off_t)end) < 0)
		return -errno;
	j->size = end;
	return 0;
}

static int archive(struct jsonl *j, struct buf *name)
{
	time_t now = (time_t)(clock_realtime_ns() / 1000000000);
	struct tm tm;
	char stamp[32];
	int old = j->fd, r;

	(void)gmtime_r(&now, &tm);
	(void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	buf_printf(name, "%s.legacy.%s", j->path, stamp);
	for (unsigned int i = 1;
	     access(buf_cstr(name), F_OK) == 0 && i < MAX_BACKUPS; i++) {
		buf_reset(name);
		buf_printf(name, "%s.legacy.%s.%u", j->path, stamp, i);
	}
	if (name->error)
		return name->error;
	if (rename(j->path, buf_cstr(name)) < 0)
		return -errno;
	r = open_log(j);
	(void)close(old);
	return r;
}

static int begin_anew(struct jsonl *j, struct str reason, struct str code)
{
	_cleanup_buf_ struct buf name = BUF_INIT, chain = BUF_INIT,
				 print = BUF_INIT, text = BUF_INIT;
	struct event e = EVENT_INIT("integrity_chain_rotated");
	char id[UUID_LEN + 1];
	struct json_writer w;
	int r = archive(j, &name);

	if (r < 0)
		return r;
	fingerprint(j->chain.key, &print);
	buf_printf(&chain,
		   "{\"format_version\":%d,\"key_fingerprint\":\"%s\","
		   "\"sequence\":0}",
		   CHAIN_VERSION, buf_cstr(&print));
	uuid4(id);
	e.id = str_from(id);
	e.timestamp_ns = clock_realtime_ns();
	event_add_str(&e, "reason", reason);
	event_add_str(&e, "reason_code", code);
	event_add_str(&e, "prior_log_archived_to", buf_str(&name));
	e.fields[e.n_fields++] = (struct event_field){ .key = "new_chain",
						       .type = EVENT_JSON,
						       .str = buf_str(&chain) };
	json_writer_init(&w, &text, 0);
	event_to_json(&e, &w);
	if (chain.error || text.error)
		return -ENOMEM;
	return jsonl_append(j, buf_str(&text));
}

static int resume(struct jsonl *j, const struct sidecar *side)
{
	_cleanup_buf_ struct buf print = BUF_INIT;
	struct verifying k = { .c = j->chain, .v = { .ok = true } };
	struct audit_verdict v;
	int r;

	fingerprint(j->chain.key, &print);
	if (print.error)
		return print.error;
	if (!str_eq_c(buf_str(&print), side->print))
		return -EKEYREJECTED;
	r = verify_parts(j->path, &k);
	j->chain = k.c;
	v = k.v;
	if (r < 0)
		return r;
	if (v.ok && v.n_checked == 0) {
		/* the log was rotated away or emptied: continue after it */
		j->chain.sequence = (uint64_t)side->sequence + 1;
		memcpy(j->chain.prev, side->prev, sizeof(j->chain.prev));
		return 0;
	}
	return v.ok && side->sequence < (int64_t)j->chain.sequence ? 0
								   : -EBADMSG;
}

static int start_chain(struct jsonl *j)
{
	struct sidecar side;
	int r = drop_partial_line(j);

	if (r < 0)
		return r;
	r = read_sidecar(j->path, &side);
	if (r == 0)
		return resume(j, &side);
	if (j->size == 0)
		return 0;
	return begin_anew(j, STR("an existing log has no usable chain state"),
			  r == -ENOENT ? STR("sidecar_missing")
				       : STR("sidecar_corrupt"));
}

/* ---- the writer ---- */

static int add_integrity(struct jsonl *j, struct str payload, struct buf *line)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(16U << 20);
	_cleanup_buf_ struct buf text = BUF_INIT, about = BUF_INIT;
	struct json extra = { .type = JSON_NUMBER, .key = STR("integrity") };
	char entry[CHAIN_HEX_MAX + 1];
	struct json *doc;
	int r = json_parse(&a, payload, &doc);

	if (r == 0)
		r = canonical_json(doc, "integrity", &text);
	if (r == 0)
		r = chain_hash(&j->chain, buf_str(&text), entry);
	if (r < 0)
		return r;
	chain_describe(&j->chain, entry, &about);
	if (about.error)
		return about.error;
	/* Goes out as it is written, at its place among the sorted keys. */
	extra.text = buf_str(&about);
	extra.next = doc->child;
	doc->child = &extra;
	doc->n++;
	r = canonical_json(doc, NULL, line);
	if (r < 0)
		return r;
	chain_advance(&j->chain, entry);
	j->sidecar_stale = true;
	return 0;
}

int jsonl_append(struct jsonl *j, struct str payload)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	int r = 0;

	if (j->size + j->queue.len >= j->rotate_bytes && jsonl_flush(j) == 0 &&
	    j->size > 0)
		r = rotate(j);
	if (r < 0)
		return r;
	if (j->queue.len > AUDIT_MAX_HELD)
		return -ENOSPC;
	if (j->chain.key.n)
		r = add_integrity(j, payload, &line);
	else
		buf_put_str(&line, payload);
	buf_putc(&line, '\n');
	if (r < 0 || line.error)
		return r < 0 ? r : line.error;
	buf_put_str(&j->queue, buf_str(&line));
	return j->queue.error;
}

int jsonl_flush(struct jsonl *j)
{
	int r;

	while (j->queue.len > 0) {
		ssize_t n = write(j->fd, j->queue.data, j->queue.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf_consume(&j->queue, (size_t)n);
		j->size += (uint64_t)n;
	}
	if (!j->sidecar_stale)
		return 0;
	r = write_sidecar(j);
	if (r == 0)
		j->sidecar_stale = false;
	return r;
}

struct jsonl *jsonl_close(struct jsonl *j)
{
	if (!j)
		return NULL;
	if (j->fd >= 0) {
		(void)jsonl_flush(j); /* nobody is left to tell */
		(void)close(j->fd);
	}
	buf_done(&j->queue);
	chain_done(&j->chain);
	if (j->key)
		explicit_bzero(j->key, j->chain.key.n);
	free(j->key);
	free(j->path);
	free(j);
	return NULL;
}

DEFINE_CLEANUP(jsonl_close, struct jsonl *)

/* Locked, with its key, and no chain begun. */
static int open_locked(const struct audit_options *o, struct jsonl **ret)
{
	_cleanup_(jsonl_close_p) struct jsonl *j = calloc(1, sizeof(*j));
	int r;

	if (!j)
		return -ENOMEM;
	j->fd = -1;
	j->rotate_bytes = o->rotate_bytes ? o->rotate_bytes : DEFAULT_ROTATE;
	j->max_backups = o->max_backups ? MIN(o->max_backups, MAX_BACKUPS)
					: DEFAULT_BACKUPS;
	j->path = str_dup(str_from(o->jsonl_path));
	if (!j->path)
		return -ENOMEM;
	if (o->hmac_key_len) {
		j->key = malloc(o->hmac_key_len);
		if (!j->key)
			return -ENOMEM;
		memcpy(j->key, o->hmac_key, o->hmac_key_len);
		j->chain.key = str_from_n(j->key, o->hmac_key_len);
		j->chain.sha512 = o->hmac_sha512;
	}
	r = open_log(j);
	if (r < 0)
		return r;
	*ret = TAKE(j);
	return 0;
}

int jsonl_open(const struct audit_options *o, struct jsonl **ret)
{
	_cleanup_(jsonl_close_p) struct jsonl *j = NULL;
	int r = open_locked(o, &j);

	if (r == 0 && j->chain.key.n)
		r = start_chain(j);
	if (r == 0)
		*ret = TAKE(j);
	return r;
}

int audit_reset_jsonl(const struct audit_options *o, struct str reason,
		      struct str code)
{
	_cleanup_(jsonl_close_p) struct jsonl *j = NULL;
	int r;

	if (!o->hmac_key_len)
		return -ENOKEY;
	r = open_locked(o, &j);
	if (r == 0)
		r = begin_anew(j, reason, code);
	return r < 0 ? r : jsonl_flush(j);
}
