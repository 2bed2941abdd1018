/* SPDX-License-Identifier: MIT */
/*
 * json_edit.c - finds and replaces text inside the strings of a JSON document
 *
 * One pass with an explicit stack. What makes an object untouchable may stand
 * behind the strings it protects ("thinking" before "type"), so spans are noted
 * with their raw offsets first, dropped again when the object they lie in turns
 * out to be untouchable, and applied at the end.
 */
#include "netproxy/json_edit.h"

#include <errno.h>
#include <stdint.h>
#ifdef __SSE2__
#	include <emmintrin.h>
#endif

#include "base/utf8.h"
#include "base/vec.h"

#define NUMBER_MIN 12 /* digits of the shortest number worth a look */

struct edit {
	size_t start, end; /* raw */
	size_t with, n;    /* in replacements */
	uint32_t depth;
	bool media; /* of a "data" member */
};

struct frame {
	size_t first_edit;
	bool object;
	bool thinking, proof; /* "type": "thinking"; has a signature */
	bool media;           /* its "data" is encoded */
};

enum expect {
	WANT_VALUE = 0, /* a value */
	WANT_FIRST,     /* a value or the end of the array */
	WANT_KEY,       /* a member name */
	WANT_MEMBER,    /* a member name or the end of the object */
	WANT_COLON,
	WANT_COMMA, /* a comma or the end */
	WANT_NOTHING,
};

struct json_edits {
	struct str in;
	size_t at;
	enum expect expect;
	json_scan_fn *scan;
	void *arg;
	VEC(struct edit) edits;
	struct buf with;    /* replacements, as they will stand in the text */
	struct buf decoded; /* of the string at hand */
	struct frame *frames;
	size_t depth;
	struct str key; /* raw, of the member at hand */
	/* the text at hand */
	size_t raw, raw_end;
	bool escaped, number, media;
	/* how far its spans have been mapped */
	size_t map_raw, map_text;
	int error;
};

/* --- strings ------------------------------------------------------------- */

/* First byte from p on that a string cannot hold as it is: '"', '\\', below
 * 0x20; or end. */
static const char *skip_plain(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i slash = _mm_set1_epi8('\\');
	const __m128i space = _mm_set1_epi8(0x1f);

	for (; end - p >= 16; p += 16) {
		__m128i v;
		int bits;

		memcpy(&v, p, sizeof(v));
		bits = _mm_movemask_epi8(_mm_or_si128(
			_mm_or_si128(_mm_cmpeq_epi8(v, quote),
				     _mm_cmpeq_epi8(v, slash)),
			_mm_cmpeq_epi8(_mm_min_epu8(v, space), v)));
		if (bits)
			return p + __builtin_ctz((unsigned int)bits);
	}
#endif
	while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
		p++;
	return p;
}

static int hex4(const char *p, uint32_t *ret)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];

		v <<= 4;
		if (c >= '0' && c <= '9')
			v |= (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v |= (uint32_t)((c | 32) - 'a' + 10);
		else
			return -EBADMSG;
	}
	*ret = v;
	return 0;
}

/* \uXXXX, with its second half if it has one; half a pair becomes U+FFFD. */
static int unescape_u(const char *p, const char *end, char *out, size_t *ret_n)
{
	uint32_t c, low;

	if (end - p < 6 || hex4(p + 2, &c) < 0)
		return -EBADMSG;
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 12 && p[6] == '\\' &&
	    p[7] == 'u' && hex4(p + 8, &low) == 0 && low >= 0xdc00 &&
	    low < 0xe000) {
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		*ret_n = utf8_put(out, c);
		return 12;
	}
	if (c >= 0xd800 && c < 0xe000)
		c = 0xfffd;
	*ret_n = utf8_put(out, c);
	return 6;
}

/* One escape at p; *ret_n decoded bytes in out (4 fit). Return: its length. */
static int unescape(const char *p, const char *end, char *out, size_t *ret_n)
{
	static const char plain[256] = {
		['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
		['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
	};

	if (end - p < 2)
		return -EBADMSG;
	if (p[1] == 'u')
		return unescape_u(p, end, out, ret_n);
	out[0] = plain[(unsigned char)p[1]];
	*ret_n = 1;
	return out[0] ? 2 : -EBADMSG;
}

/* Copies up to the next backslash, or to end; room for 16 bytes more. */
static const char *copy_plain(const char *p, const char *end, char **out)
{
	char *to = *out;

#ifdef __SSE2__
	for (; end - p >= 16; p += 16, to += 16) {
		__m128i v;
		int bits;

		memcpy(&v, p, sizeof(v));
		memcpy(to, &v, sizeof(v));
		bits = _mm_movemask_epi8(
			_mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
		if (bits) {
			int n = __builtin_ctz((unsigned int)bits);

			*out = to + n;
			return p + n;
		}
	}
#endif
	while (p < end && *p != '\\')
		*to++ = *p++;
	*out = to;
	return p;
}

/* Decodes raw[start, end) into e->decoded. */
static int decode(struct json_edits *e)
{
	const char *p = e->in.p + e->raw, *end = e->in.p + e->raw_end;
	char *out;

	buf_reset(&e->decoded);
	out = buf_reserve(&e->decoded, (size_t)(end - p) + 20);
	if (!out)
		return -ENOMEM;
	for (;;) {
		size_t n = 0;
		int used;

		p = copy_plain(p, end, &out);
		if (p == end)
			break;
		used = unescape(p, end, out, &n);
		if (used < 0)
			return used;
		out += n;
		p += used;
	}
	*out = 0;
	e->decoded.len = (size_t)(out - e->decoded.data);
	return 0;
}

/* Finds the closing quote; e->at is behind the opening one and then behind the
 * closing one. */
static int span_string(struct json_edits *e)
{
	const char *p = e->in.p + e->at, *end = e->in.p + e->in.n;

	e->raw = e->at;
	e->escaped = false;
	for (;;) {
		p = skip_plain(p, end);
		if (p == end || (unsigned char)*p < 0x20)
			return -EBADMSG;
		if (*p == '"')
			break;
		if (end - p < 2)
			return -EBADMSG;
		e->escaped = true;
		p += 2;
	}
	e->raw_end = (size_t)(p - e->in.p);
	e->at = e->raw_end + 1;
	return 0;
}

void json_edit_escape(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\') {
			buf_putc(out, '\\');
			buf_putc(out, (char)c);
		} else if (c < 0x20) {
			buf_printf(out, "\\u%04x", (unsigned int)c);
		} else {
			buf_putc(out, (char)c);
		}
	}
}

/* --- spans --------------------------------------------------------------- */

/* Raw offset of a decoded one, not before the last asked for. Inside of an
 * escape: its begin, or its end if `up`. */
static size_t to_raw(struct json_edits *e, size_t text, bool up)
{
	const char *end = e->in.p + e->raw_end;

	if (!e->escaped)
		return e->raw + text;
	while (e->map_text < text) {
		const char *p = e->in.p + e->map_raw;
		const char *slash = memchr(p, '\\', (size_t)(end - p));
		size_t n = slash ? (size_t)(slash - p) : (size_t)(end - p);
		char out[4];
		int used;

		if (n) {
			n = MIN(n, text - e->map_text);
			e->map_raw += n;
			e->map_text += n;
			continue;
		}
		used = unescape(p, end, out, &n);
		if (used < 0 || (!up && e->map_text + n > text))
			break;
		e->map_raw += (size_t)used;
		e->map_text += n;
	}
	return e->map_raw;
}

static void push_edit(struct json_edits *e, size_t start, size_t end,
		      size_t with)
{
	struct edit it = { .start = start,
			   .end = end,
			   .with = with,
			   .n = e->with.len - with,
			   .depth = (uint32_t)e->depth,
			   .media = e->media };

	if (e->edits.n >= JSON_EDIT_MAX_EDITS)
		e->error = -E2BIG;
	else if (vec_push(&e->edits, it) < 0 || e->with.error)
		e->error = -ENOMEM;
}

void json_edits_add(struct json_edits *e, size_t start, size_t end,
		    struct str with)
{
	size_t limit = e->escaped ? e->decoded.len : e->raw_end - e->raw;
	size_t at = e->with.len, raw;

	if (start > end || end > limit || start < e->map_text)
		return;
	if (e->number) { /* a number with a hole is none: it becomes text */
		if (e->map_text)
			return;
		buf_putc(&e->with, '"');
		buf_put(&e->with, e->in.p + e->raw, start);
		json_edit_escape(&e->with, with);
		buf_put(&e->with, e->in.p + e->raw + end, limit - end);
		buf_putc(&e->with, '"');
		push_edit(e, e->raw, e->raw_end, at);
		e->map_text = limit;
		return;
	}
	json_edit_escape(&e->with, with);
	raw = to_raw(e, start, /* up= */ false);
	push_edit(e, raw, to_raw(e, end, /* up= */ true), at);
	if (!e->escaped)
		e->map_text = end;
}

static int show(struct json_edits *e)
{
	struct str text = str_from_n(e->in.p + e->raw, e->raw_end - e->raw);
	int r;

	e->map_raw = e->raw;
	e->map_text = 0;
	if (text.n == 0)
		return 0;
	if (e->escaped) {
		r = decode(e);
		if (r < 0)
			return r;
		text = buf_str(&e->decoded);
	}
	r = e->scan(e->arg, text, e);
	return r < 0 ? r : e->error;
}

/* --- what is left alone -------------------------------------------------- */

/* "toolu_01ABC": made by the service, and it wants it back. */
static bool is_identifier(struct str v)
{
	static const char *const prefixes[] = {
		"toolu_", "srvtoolu_",  "msg_",  "call_",     "resp_",
		"rs_",    "fc_",        "ws_",   "file-",     "file_",
		"req_",   "container_", "item_", "chatcmpl-",
	};

	if (v.n > 128)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (!((c >= '0' && c <= '9') ||
		      ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' ||
		      c == '-'))
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(v, str_from(prefixes[i])))
			return true;
	return false;
}

static bool is_data_url(struct str v)
{
	struct str head = str_from_n(v.p, MIN(v.n, (size_t)128));

	return str_starts(v, STR("data:")) &&
	       str_find(head, STR(";base64,")) > 0;
}

/* The value of the member named e->key is not shown. */
static bool is_fixed(const struct json_edits *e, struct str value)
{
	struct str k = e->key;

	if (k.n == 0)
		return is_data_url(value);
	if (str_ends(k, STR("signature")) ||
	    str_eq(k, STR("encrypted_content")))
		return true;
	if (str_ends(k, STR("id")))
		return is_identifier(value);
	return is_data_url(value);
}

/* What a string member says of the object it is in. */
static void note_member(struct json_edits *e, struct str value)
{
	struct frame *f = e->depth ? &e->frames[e->depth - 1] : NULL;

	if (!f || !f->object)
		return;
	if (str_eq(e->key, STR("type"))) {
		f->thinking |= str_eq(value, STR("thinking"));
		if (str_eq(value, STR("redacted_thinking")))
			f->thinking = f->proof = true;
		f->media |= str_eq(value, STR("base64"));
	} else if (str_eq(e->key, STR("signature"))) {
		f->proof |= value.n > 0;
	} else if (str_eq(e->key, STR("media_type"))) {
		f->media |= str_starts(value, STR("image/")) ||
			    str_starts(value, STR("audio/")) ||
			    str_eq(value, STR("application/pdf"));
	} else if (str_eq(e->key, STR("format"))) {
		f->media |= str_eq(value, STR("wav")) ||
			    str_eq(value, STR("mp3"));
	}
}

static void close_frame(struct json_edits *e)
{
	struct frame *f = &e->frames[e->depth - 1];
	size_t kept = f->first_edit;

	if (f->thinking && f->proof) {
		e->edits.n = f->first_edit;
	} else if (f->media) {
		for (size_t i = kept; i < e->edits.n; i++) {
			struct edit it = e->edits.data[i];

			if (it.media && it.depth == e->depth)
				continue;
			e->edits.data[kept++] = it;
		}
		e->edits.n = kept;
	}
	e->depth--;
	e->expect = e->depth ? WANT_COMMA : WANT_NOTHING;
	e->key = STR_NONE;
}

/* --- the pass ------------------------------------------------------------ */

static bool in_object(const struct json_edits *e)
{
	return e->depth && e->frames[e->depth - 1].object;
}

static void after_value(struct json_edits *e)
{
	e->expect = e->depth ? WANT_COMMA : WANT_NOTHING;
	e->key = in_object(e) ? STR_NONE : e->key;
}

static int open_frame(struct json_edits *e, bool object)
{
	if (e->depth == JSON_EDIT_DEPTH)
		return -E2BIG;
	e->frames[e->depth++] =
		(struct frame){ .first_edit = e->edits.n, .object = object };
	e->expect = object ? WANT_MEMBER : WANT_FIRST;
	e->at++;
	return 0;
}

static int take_string(struct json_edits *e)
{
	bool key = e->expect == WANT_KEY || e->expect == WANT_MEMBER;
	struct str raw;
	int r;

	e->at++;
	r = span_string(e);
	if (r < 0)
		return r;
	raw = str_from_n(e->in.p + e->raw, e->raw_end - e->raw);
	e->number = e->media = false;
	if (key) {
		r = show(e);
		e->key = raw;
		e->expect = WANT_COLON;
		return r;
	}
	note_member(e, raw);
	e->media = in_object(e) && str_eq(e->key, STR("data"));
	if (!is_fixed(e, raw))
		r = show(e);
	after_value(e);
	return r;
}

static int take_number(struct json_edits *e)
{
	const char *p = e->in.p + e->at, *end = e->in.p + e->in.n;
	size_t digits = 0;
	int r = 0;

	e->raw = e->at;
	for (; p < end && *p && strchr("+-.0123456789eE", *p); p++)
		digits += *p >= '0' && *p <= '9';
	if (digits == 0)
		return -EBADMSG;
	e->at = e->raw_end = (size_t)(p - e->in.p);
	e->escaped = e->media = false;
	e->number = true;
	if (digits >= NUMBER_MIN)
		r = show(e);
	e->number = false;
	after_value(e);
	return r;
}

static int take_word(struct json_edits *e)
{
	static const char *const words[] = { "true", "false", "null" };
	struct str rest = str_skip(e->in, e->at);

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!str_starts(rest, str_from(words[i])))
			continue;
		e->at += strlen(words[i]);
		after_value(e);
		return 0;
	}
	return -EBADMSG;
}

static int take_value(struct json_edits *e, char c)
{
	if (e->expect == WANT_NOTHING)
		e->expect = WANT_VALUE; /* the next document */
	if (c == '"')
		return take_string(e);
	if (e->expect != WANT_VALUE && e->expect != WANT_FIRST)
		return -EBADMSG;
	if (c == '{' || c == '[')
		return open_frame(e, c == '{');
	if (c == '-' || (c >= '0' && c <= '9'))
		return take_number(e);
	return take_word(e);
}

static int take_punctuation(struct json_edits *e, char c)
{
	bool object = in_object(e);

	e->at++;
	if (c == ':') {
		if (e->expect != WANT_COLON)
			return -EBADMSG;
		e->expect = WANT_VALUE;
		return 0;
	}
	if (c == ',') {
		if (e->expect != WANT_COMMA)
			return -EBADMSG;
		e->expect = object ? WANT_KEY : WANT_VALUE;
		return 0;
	}
	if (!e->depth || object != (c == '}') ||
	    (e->expect != WANT_COMMA &&
	     e->expect != (object ? WANT_MEMBER : WANT_FIRST)))
		return -EBADMSG;
	close_frame(e);
	return 0;
}

static int run(struct json_edits *e)
{
	int r = 0;

	while (e->at < e->in.n && r == 0) {
		char c = e->in.p[e->at];

		switch (c) {
		case ' ':
		case '\t':
		case '\n':
		case '\r':
			e->at++;
			break;
		case ':':
		case ',':
		case '}':
		case ']':
			r = take_punctuation(e, c);
			break;
		default:
			if (e->expect == WANT_COLON || e->expect == WANT_COMMA)
				r = -EBADMSG;
			else
				r = take_value(e, c);
			break;
		}
	}
	return r == 0 && e->expect != WANT_NOTHING ? -EBADMSG : r;
}

static int apply(const struct json_edits *e, struct buf *out)
{
	size_t at = 0;

	for (size_t i = 0; i < e->edits.n; i++) {
		const struct edit *it = &e->edits.data[i];

		buf_put(out, e->in.p + at, it->start - at);
		buf_put(out, e->with.data + it->with, it->n);
		at = it->end;
	}
	if (e->edits.n)
		buf_put_str(out, str_skip(e->in, at));
	return out->error ? out->error : (int)e->edits.n;
}

int json_edit(struct str in, json_scan_fn *scan, void *arg, struct buf *out)
{
	struct json_edits e = { .in = in, .scan = scan, .arg = arg };
	int r = -ENOMEM;

	e.frames = calloc(JSON_EDIT_DEPTH, sizeof(*e.frames));
	if (e.frames)
		r = run(&e);
	if (r == 0)
		r = apply(&e, out);
	free(e.frames);
	vec_done(&e.edits);
	buf_done(&e.with);
	buf_done(&e.decoded);
	return r;
}
