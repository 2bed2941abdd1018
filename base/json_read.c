/* SPDX-License-Identifier: MIT */
/*
 * json_read.c - bounded JSON reader
 *
 * The parser keeps its own stack instead of recursing, so depth is a number
 * compared with JSON_MAX_DEPTH and never the size of the C stack.
 */
#include <errno.h>

#include "base/json.h"
#include "base/num.h"
#include "base/utf8.h"

struct parser {
	struct arena *arena;
	struct str rest;
	size_t n_nodes;
	struct str key; /* of the member whose value comes next */
	unsigned int depth;
	struct json *open[JSON_MAX_DEPTH];  /* containers, outermost first */
	struct json **tail[JSON_MAX_DEPTH]; /* where the next child goes */
};

static void skip_space(struct parser *p)
{
	while (p->rest.n && (p->rest.p[0] == ' ' || p->rest.p[0] == '\t' ||
			     p->rest.p[0] == '\n' || p->rest.p[0] == '\r'))
		p->rest = str_skip(p->rest, 1);
}

/* Takes c, or leaves everything as it is. */
static bool take(struct parser *p, char c)
{
	if (p->rest.n == 0 || p->rest.p[0] != c)
		return false;
	p->rest = str_skip(p->rest, 1);
	return true;
}

/* The four digits after \u at s[i], or -1. */
static int32_t hex4(struct str s, size_t i)
{
	int32_t v = 0;

	if (s.n < 4 || i > s.n - 4)
		return -1;
	for (size_t k = 0; k < 4; k++) {
		int digit = num_hex_digit(s.p[i + k]);

		if (digit < 0)
			return -1;
		v = v * 16 + digit;
	}
	return v;
}

/*
 * \uXXXX at s[i] (on the u), pairs joined, a lone surrogate to U+FFFD as Go
 * does. Return: bytes used, 0 if malformed.
 */
static size_t decode_unicode(struct str s, size_t i, uint32_t *ret)
{
	int32_t high = hex4(s, i + 1), low;

	if (high < 0)
		return 0;
	*ret = (uint32_t)high;
	if (high < 0xd800 || high > 0xdfff)
		return 5;
	*ret = 0xfffd;
	if (high > 0xdbff || i + 11 > s.n || s.p[i + 5] != '\\' ||
	    s.p[i + 6] != 'u')
		return 5;
	low = hex4(s, i + 7);
	if (low < 0xdc00 || low > 0xdfff)
		return 5;
	*ret = 0x10000 + (((uint32_t)high - 0xd800) << 10) +
	       ((uint32_t)low - 0xdc00);
	return 11;
}

/* The escape at s[i] (after the backslash) into out. 0 if malformed. */
static size_t decode_escape(struct str s, size_t i, char *out, size_t *n_out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *hit;
	uint32_t c;
	size_t used;

	if (i >= s.n || s.p[i] == '\0')
		return 0;
	hit = strchr(from, s.p[i]);
	if (hit) {
		*out = to[hit - from];
		*n_out = 1;
		return 1;
	}
	if (s.p[i] != 'u')
		return 0;
	used = decode_unicode(s, i, &c);
	if (used)
		*n_out = utf8_put(out, c);
	return used;
}

/* raw: between the quotes, holding escapes or bytes above 0x7f. */
static int decode_string(struct parser *p, struct str raw, struct str *ret)
{
	/* Worst case: an invalid byte becomes three. */
	char *out = arena_alloc(p->arena, raw.n * 3 + 1);
	size_t n = 0, i = 0;

	if (!out)
		return -ENOMEM;
	while (i < raw.n) {
		size_t used, put = 0;

		if (raw.p[i] == '\\') {
			used = decode_escape(raw, i + 1, out + n, &put);
			if (used == 0)
				return -EBADMSG;
			i += 1 + used;
			n += put;
			continue;
		}
		used = str_utf8_len(str_skip(raw, i));
		if (used == 0) {
			n += utf8_put(out + n, 0xfffd);
			i++;
			continue;
		}
		memcpy(out + n, raw.p + i, used);
		n += used;
		i += used;
	}
	out[n] = '\0';
	*ret = str_from_n(out, n);
	return 0;
}

/* A string whose opening quote has been taken. */
static int parse_string(struct parser *p, struct str *ret)
{
	struct str raw = { p->rest.p, 0 };
	bool simple = true;
	char *copy;

	for (;; raw.n++) {
		unsigned char c;

		if (raw.n == p->rest.n)
			return -EBADMSG;
		c = (unsigned char)raw.p[raw.n];
		if (c == '"')
			break;
		if (c < 0x20)
			return -EBADMSG;
		if (c == '\\' && ++raw.n == p->rest.n)
			return -EBADMSG;
		if (c == '\\' || c >= 0x80)
			simple = false;
	}
	p->rest = str_skip(p->rest, raw.n + 1);
	if (!simple)
		return decode_string(p, raw, ret);
	copy = arena_dup(p->arena, raw);
	if (!copy)
		return -ENOMEM;
	*ret = str_from_n(copy, raw.n);
	return 0;
}

static size_t digits_at(struct str s, size_t i)
{
	size_t n = 0;

	while (i + n < s.n && s.p[i + n] >= '0' && s.p[i + n] <= '9')
		n++;
	return n;
}

/* Length of the number s begins with, by RFC 8259's grammar; 0 if none. */
static size_t number_len(struct str s)
{
	size_t i = s.n && s.p[0] == '-' ? 1 : 0;
	size_t n = digits_at(s, i);

	if (n == 0 || (n > 1 && s.p[i] == '0'))
		return 0;
	i += n;
	if (i < s.n && s.p[i] == '.') {
		n = digits_at(s, i + 1);
		if (n == 0)
			return 0;
		i += 1 + n;
	}
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
			i++;
		n = digits_at(s, i);
		if (n == 0)
			return 0;
		i += n;
	}
	return i;
}

/* null, true, false or a number into node. */
static int parse_word(struct parser *p, struct json *node)
{
	size_t n;
	char *copy;

	if (str_starts(p->rest, STR("null"))) {
		n = 4;
		node->type = JSON_NULL;
	} else if (str_starts(p->rest, STR("true"))) {
		n = 4;
		node->type = JSON_BOOL;
		node->boolean = true;
	} else if (str_starts(p->rest, STR("false"))) {
		n = 5;
		node->type = JSON_BOOL;
	} else {
		n = number_len(p->rest);
		if (n == 0)
			return -EBADMSG;
		copy = arena_dup(p->arena, str_from_n(p->rest.p, n));
		if (!copy)
			return -ENOMEM;
		node->type = JSON_NUMBER;
		node->text = str_from_n(copy, n);
	}
	p->rest = str_skip(p->rest, n);
	return 0;
}

/* "key" : before the value of an object member. */
static int parse_key(struct parser *p)
{
	int r;

	skip_space(p);
	if (!take(p, '"'))
		return -EBADMSG;
	r = parse_string(p, &p->key);
	if (r < 0)
		return r;
	skip_space(p);
	return take(p, ':') ? 0 : -EBADMSG;
}

static int open_container(struct parser *p, struct json *node,
			  enum json_type type)
{
	if (p->depth == JSON_MAX_DEPTH)
		return -E2BIG;
	node->type = type;
	p->open[p->depth] = node;
	p->tail[p->depth] = &node->child;
	p->depth++;
	return 0;
}

/* Makes the node of the value that follows and hangs it into its parent. */
static struct json *add_node(struct parser *p, struct json **root)
{
	struct json *node = arena_alloc(p->arena, sizeof(*node));

	if (!node)
		return NULL;
	if (p->depth == 0) {
		*root = node;
		return node;
	}
	if (p->open[p->depth - 1]->type == JSON_OBJECT)
		node->key = p->key;
	*p->tail[p->depth - 1] = node;
	p->tail[p->depth - 1] = &node->next;
	p->open[p->depth - 1]->n++;
	return node;
}

/*
 * One value, or the opening of a container. Return: 1 when a container was
 * opened and has a child to come, 0 when the value is complete.
 */
static int parse_value(struct parser *p, struct json **root)
{
	struct json *node;
	int r;

	if (p->n_nodes++ >= JSON_MAX_NODES)
		return -E2BIG;
	skip_space(p);
	node = add_node(p, root);
	if (!node)
		return -ENOMEM;
	if (take(p, '"')) {
		node->type = JSON_STRING;
		return parse_string(p, &node->text);
	}
	if (take(p, '{')) {
		r = open_container(p, node, JSON_OBJECT);
		skip_space(p);
		if (r == 0 && take(p, '}'))
			p->depth--;
		else if (r == 0)
			r = parse_key(p) ?: 1;
		return r;
	}
	if (take(p, '[')) {
		r = open_container(p, node, JSON_ARRAY);
		skip_space(p);
		if (r == 0 && take(p, ']'))
			p->depth--;
		else if (r == 0)
			r = 1;
		return r;
	}
	return parse_word(p, node);
}

/* After a value: closes what closes. Return: 1 when another value follows. */
static int parse_after(struct parser *p)
{
	while (p->depth) {
		bool object = p->open[p->depth - 1]->type == JSON_OBJECT;

		skip_space(p);
		if (take(p, ',')) {
			int r = object ? parse_key(p) : 0;

			return r < 0 ? r : 1;
		}
		if (!take(p, object ? '}' : ']'))
			return -EBADMSG;
		p->depth--;
	}
	return 0;
}

int json_parse(struct arena *a, struct str text, struct json **ret)
{
	struct parser p = { .arena = a, .rest = text };
	struct json *root = NULL;
	int r;

	if (text.n > JSON_MAX_BYTES)
		return -E2BIG;
	do {
		r = parse_value(&p, &root);
		if (r == 0)
			r = parse_after(&p);
	} while (r == 1);
	if (r < 0)
		return r;
	skip_space(&p);
	if (p.rest.n)
		return -EBADMSG;
	*ret = root;
	return 0;
}

const struct json *json_get(const struct json *obj, const char *key)
{
	struct str name = str_from(key);
	const struct json *found = NULL;

	if (!obj || obj->type != JSON_OBJECT)
		return NULL;
	json_foreach(member, obj)
	{
		if (str_eq(member->key, name))
			found = member;
	}
	return found;
}

struct str json_get_str(const struct json *obj, const char *key)
{
	const struct json *v = json_get(obj, key);

	return v && v->type == JSON_STRING ? v->text : STR_NONE;
}

int64_t json_get_i64(const struct json *obj, const char *key, int64_t dflt)
{
	const struct json *v = json_get(obj, key);
	int64_t n;

	if (!v || v->type != JSON_NUMBER || num_parse_i64(v->text, &n) < 0)
		return dflt;
	return n;
}

bool json_get_bool(const struct json *obj, const char *key, bool dflt)
{
	const struct json *v = json_get(obj, key);

	return v && v->type == JSON_BOOL ? v->boolean : dflt;
}
