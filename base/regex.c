/* SPDX-License-Identifier: MIT */
/*
 * regex.c - regular expressions to automaton programs
 *
 * One pass, no syntax tree: whatever was parsed last is a stretch of
 * instructions that is entered at its first one and left behind its last one.
 * An operator on it inserts in front (a split), appends behind (a jump) or
 * appends copies (counted repetition); nfa_insert and nfa_copy move the targets.
 * Groups are kept on a stack of fixed depth, so nothing recurses.
 */
#include "base/regex.h"

#include <string.h>

#include "base/num.h"
#include "base/regex_class.h"
#include "base/utf8.h"

enum regex_flag {
	FLAG_FOLD = 1 << 0,   /* i */
	FLAG_LINES = 1 << 1,  /* m */
	FLAG_DOTALL = 1 << 2, /* s */
	FLAG_LAZY = 1 << 3,   /* U: no effect on a yes/no answer */
};

#define NO_JUMP UINT32_MAX

/* An open group, or the whole expression. */
struct group {
	size_t start;   /* first instruction */
	size_t branch;  /* first instruction of the alternative being read */
	uint32_t jumps; /* chain of jumps from the alternatives' ends, by x */
	unsigned int outer_flags;
};

struct parser {
	struct str src;
	size_t at;
	unsigned int flags;
	struct nfa_build *b;
	struct group groups[REGEX_MAX_NESTING];
	size_t n_groups;
	size_t atom; /* first instruction of the last atom */
	bool has_atom, repeated;
	const char *error;
};

static int fail(struct parser *p, const char *why)
{
	p->error = why;
	return -EINVAL;
}

static bool more(const struct parser *p)
{
	return p->at < p->src.n;
}

static char peek(const struct parser *p)
{
	return more(p) ? p->src.p[p->at] : '\0';
}

static bool looking_at(const struct parser *p, const char *word)
{
	return str_starts(str_skip(p->src, p->at), str_from(word));
}

static bool accept(struct parser *p, const char *word)
{
	if (!looking_at(p, word))
		return false;
	p->at += strlen(word);
	return true;
}

static uint32_t next_char(struct parser *p)
{
	uint32_t c;

	p->at += utf8_next(str_skip(p->src, p->at), &c);
	return c;
}

/* --- classes ----------------------------------------------------------- */

/* Adds a named class, or what it leaves out, to the class being built. */
static int add_named(struct parser *p, const struct regex_class *c, bool negate)
{
	size_t first = p->b->ranges.n;
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(c->ranges) && c->ranges[i].hi; i++) {
		r = nfa_add_range(p->b, c->ranges[i].lo, c->ranges[i].hi);
		if (r < 0)
			return r;
	}
	return negate ? nfa_invert_ranges(p->b, first) : 0;
}

/* \d \D \s \S \w \W at p->at (behind the backslash). 1 = done, 0 = no. */
static int try_perl(struct parser *p)
{
	char c = peek(p), lower = (char)(c | 0x20);
	const struct regex_class *cls;
	int r;

	cls = regex_class_find(REGEX_CLASS_PERL, str_from_n(&lower, 1));
	if (!cls || !more(p) || c < 'A')
		return 0;
	p->at++;
	r = add_named(p, cls, c != lower);
	return r < 0 ? r : 1;
}

/* \pL \p{Lu} \p{^Lu} \PL at p->at. 1 = done, 0 = no. */
static int try_unicode(struct parser *p)
{
	bool negate = peek(p) == 'P';
	const struct regex_class *cls;
	struct str name;
	int r;

	if (peek(p) != 'p' && peek(p) != 'P')
		return 0;
	p->at++;
	if (accept(p, "{")) {
		struct str rest = str_skip(p->src, p->at);
		ptrdiff_t end = str_index(rest, '}');

		if (end < 0)
			return fail(p, "\\p{ without }");
		name = str_from_n(rest.p, (size_t)end);
		p->at += (size_t)end + 1;
		if (name.n && name.p[0] == '^') {
			negate = !negate;
			name = str_skip(name, 1);
		}
	} else {
		name = str_from_n(p->src.p + p->at, more(p) ? 1 : 0);
		p->at += name.n;
	}
	cls = regex_class_find(REGEX_CLASS_UNICODE, name);
	if (!cls)
		return fail(p, "Unicode class is not known (L Lu Ll N Nd are)");
	r = add_named(p, cls, negate);
	return r < 0 ? r : 1;
}

/* Behind \x: two digits, or any number in braces. */
static int parse_hex(struct parser *p, uint32_t *ret)
{
	bool braced = accept(p, "{");
	uint32_t v = 0;
	size_t n = 0;

	while (more(p) && num_hex_digit(peek(p)) >= 0 &&
	       n < (braced ? 8U : 2U)) {
		v = v << 4 | (uint32_t)num_hex_digit(peek(p));
		p->at++;
		n++;
	}
	if (n == 0 || (!braced && n != 2) || (braced && !accept(p, "}")) ||
	    v > UTF8_MAX)
		return fail(p, "bad \\x escape");
	*ret = v;
	return 0;
}

static int parse_octal(struct parser *p, uint32_t *ret)
{
	uint32_t v = 0;
	size_t n = 0;

	/* \1 to \7 alone would be back-references */
	if (peek(p) != '0' &&
	    (p->at + 1 >= p->src.n || p->src.p[p->at + 1] < '0' ||
	     p->src.p[p->at + 1] > '7'))
		return fail(p, "back-references are not supported");
	for (; n < 3 && peek(p) >= '0' && peek(p) <= '7'; n++)
		v = v * 8 + (uint32_t)(p->src.p[p->at++] - '0');
	*ret = v;
	return 0;
}

/* A single-character escape, behind the backslash. */
static int parse_escape(struct parser *p, uint32_t *ret)
{
	static const char letters[] = "afnrtv";
	static const char values[] = "\a\f\n\r\t\v";
	const char *found;
	char c = peek(p);

	if (!more(p))
		return fail(p, "'\\' at the end");
	if (c >= '0' && c <= '7')
		return parse_octal(p, ret);
	if (accept(p, "x"))
		return parse_hex(p, ret);
	found = c ? strchr(letters, c) : NULL;
	if (found) {
		p->at++;
		*ret = (unsigned char)values[found - letters];
		return 0;
	}
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '8' ||
	    c == '9')
		return fail(p, "escape is not known");
	*ret = next_char(p);
	return 0;
}

/* [:name:] or [:^name:]. 1 = done, 0 = not one. */
static int try_posix(struct parser *p)
{
	struct str rest = str_skip(p->src, p->at);
	const struct regex_class *cls;
	struct str name;
	ptrdiff_t end;
	bool negate;
	int r;

	if (!looking_at(p, "[:"))
		return 0;
	end = str_find(rest, STR(":]"));
	if (end < 2)
		return 0;
	name = str_from_n(rest.p + 2, (size_t)end - 2);
	negate = name.n && name.p[0] == '^';
	cls = regex_class_find(REGEX_CLASS_POSIX, str_skip(name, negate));
	if (!cls)
		return fail(p, "[:class:] is not known");
	p->at += (size_t)end + 2;
	r = add_named(p, cls, negate);
	return r < 0 ? r : 1;
}

static int class_end_char(struct parser *p, uint32_t *ret)
{
	if (!more(p))
		return fail(p, "'[' without ']'");
	if (accept(p, "\\"))
		return parse_escape(p, ret);
	*ret = next_char(p);
	return 0;
}

/* One character or range of a class. */
static int class_item(struct parser *p)
{
	uint32_t lo, hi;
	int r;

	r = class_end_char(p, &lo);
	if (r < 0)
		return r;
	hi = lo;
	if (peek(p) == '-' && p->at + 1 < p->src.n &&
	    p->src.p[p->at + 1] != ']') {
		p->at++;
		r = class_end_char(p, &hi);
		if (r < 0)
			return r;
		if (hi < lo)
			return fail(p, "range in '[]' runs backwards");
	}
	return nfa_add_range(p->b, lo, hi);
}

static int class_element(struct parser *p)
{
	int r;

	r = try_posix(p);
	if (r != 0)
		return r;
	if (peek(p) == '\\') {
		p->at++;
		r = try_perl(p);
		if (r == 0)
			r = try_unicode(p);
		if (r != 0)
			return r;
		p->at--;
	}
	return class_item(p);
}

/* Adds the other case of every ASCII letter in the ranges from first on. */
static int fold_ranges(struct parser *p, size_t first)
{
	size_t n = p->b->ranges.n;
	int r = 0;

	for (size_t i = first; i < n && r == 0; i++) {
		struct nfa_range g = p->b->ranges.data[i];
		uint32_t lo = MAX(g.lo, (uint32_t)'A');
		uint32_t hi = MIN(g.hi, (uint32_t)'Z');

		if (lo <= hi)
			r = nfa_add_range(p->b, lo + 32, hi + 32);
		lo = MAX(g.lo, (uint32_t)'a');
		hi = MIN(g.hi, (uint32_t)'z');
		if (r == 0 && lo <= hi)
			r = nfa_add_range(p->b, lo - 32, hi - 32);
	}
	return r;
}

/* Emits the ranges from `first` on as one class instruction. */
static int emit_ranges(struct parser *p, size_t first, bool negated)
{
	int r = 0;

	if (p->flags & FLAG_FOLD)
		r = fold_ranges(p, first);
	if (r < 0)
		return r;
	nfa_merge_ranges(p->b, first);
	return nfa_emit(p->b, NFA_CLASS, negated, (uint32_t)first,
			(uint32_t)(p->b->ranges.n - first));
}

/* Behind '['. */
static int parse_class(struct parser *p)
{
	bool negated = accept(p, "^"), any = false;
	size_t first = p->b->ranges.n;
	int r;

	while (more(p) && (peek(p) != ']' || !any)) {
		r = class_element(p);
		if (r < 0)
			return r;
		any = true;
	}
	if (!accept(p, "]"))
		return fail(p, "'[' without ']'");
	return emit_ranges(p, first, negated);
}

/* --- atoms ------------------------------------------------------------- */

static void begin_atom(struct parser *p)
{
	p->atom = p->b->insts.n;
	p->has_atom = true;
	p->repeated = false;
}

static int emit_char(struct parser *p, uint32_t c)
{
	size_t first = p->b->ranges.n;
	uint32_t lower = c | 0x20;
	int r;

	begin_atom(p);
	if (!(p->flags & FLAG_FOLD) || c > 0x7F || lower < 'a' || lower > 'z')
		return nfa_emit(p->b, NFA_CHAR, 0, c, 0);
	r = nfa_add_range(p->b, c, c);
	return r < 0 ? r : emit_ranges(p, first, /* negated */ false);
}

/* An assertion can be repeated like any other atom; that is harmless. */
static int emit_assert(struct parser *p, enum nfa_assertion a)
{
	begin_atom(p);
	return nfa_emit(p->b, NFA_ASSERT, a, 0, 0);
}

/* Behind \Q: literal text up to \E or the end. */
static int parse_quoted(struct parser *p)
{
	int r = 0;

	while (r == 0 && more(p) && !accept(p, "\\E"))
		r = emit_char(p, next_char(p));
	return r;
}

static int parse_backslash(struct parser *p)
{
	size_t first = p->b->ranges.n;
	uint32_t c;
	int r;

	if (accept(p, "A"))
		return emit_assert(p, NFA_TEXT_BEGIN);
	if (accept(p, "z"))
		return emit_assert(p, NFA_TEXT_END);
	if (accept(p, "b"))
		return emit_assert(p, NFA_WORD_EDGE);
	if (accept(p, "B"))
		return emit_assert(p, NFA_NOT_WORD_EDGE);
	if (accept(p, "Q"))
		return parse_quoted(p);
	r = try_perl(p);
	if (r == 0)
		r = try_unicode(p);
	if (r < 0)
		return r;
	if (r > 0) {
		begin_atom(p);
		return emit_ranges(p, first, /* negated */ false);
	}
	r = parse_escape(p, &c);
	return r < 0 ? r : emit_char(p, c);
}

/* --- groups and alternatives ------------------------------------------- */

static int open_group(struct parser *p, unsigned int outer_flags)
{
	struct group g = { p->b->insts.n, p->b->insts.n, NO_JUMP, outer_flags };

	if (p->n_groups == REGEX_MAX_NESTING)
		return fail(p, "groups nested too deep");
	p->groups[p->n_groups++] = g;
	p->has_atom = false;
	return 0;
}

/* i m s U, '-' and a closing ':' or ')' behind "(?". */
static int parse_flags(struct parser *p)
{
	static const char letters[] = "imsU";
	unsigned int outer = p->flags, flags = p->flags;
	bool off = false;

	for (; more(p); p->at++) {
		char c = peek(p);
		const char *found = c ? strchr(letters, c) : NULL;
		unsigned int bit = found ? 1U << (found - letters) : 0;

		if (c == ':' || c == ')') {
			p->at++;
			p->flags = flags;
			p->has_atom = false;
			return c == ':' ? open_group(p, outer) : 0;
		}
		if (c == '-' && !off)
			off = true;
		else if (found)
			flags = off ? flags & ~bit : flags | bit;
		else
			break;
	}
	return fail(p, "'(?' is followed by something not supported");
}

static int parse_group_name(struct parser *p)
{
	size_t start = p->at;

	while (more(p) && peek(p) != '>') {
		char c = peek(p), lower = (char)(c | 0x20);

		if (c != '_' && (c < '0' || c > '9') &&
		    (lower < 'a' || lower > 'z'))
			break;
		p->at++;
	}
	if (p->at == start || !accept(p, ">"))
		return fail(p, "bad group name");
	return open_group(p, p->flags);
}

/* Behind '('. */
static int parse_open(struct parser *p)
{
	if (!accept(p, "?"))
		return open_group(p, p->flags);
	if (looking_at(p, "=") || looking_at(p, "!") || looking_at(p, "<=") ||
	    looking_at(p, "<!"))
		return fail(p, "look-around is not supported");
	if (accept(p, "P<") || accept(p, "<"))
		return parse_group_name(p);
	return parse_flags(p);
}

/* '|': what was read so far becomes one alternative. */
static int parse_or(struct parser *p)
{
	struct group *g = &p->groups[p->n_groups - 1];
	uint32_t end;
	int r;

	r = nfa_insert(p->b, g->branch, NFA_SPLIT, (uint32_t)g->branch + 1, 0);
	if (r < 0)
		return r;
	end = (uint32_t)p->b->insts.n;
	p->b->insts.data[g->branch].y = end + 1;
	/* the chain: a jump's y holds the one before it until it is resolved */
	r = nfa_emit(p->b, NFA_FAIL, 0, 0, g->jumps);
	g->jumps = end;
	g->branch = end + 1;
	p->has_atom = false;
	return r;
}

/* Ends a group: all alternatives go on here; the group is the last atom. */
static void end_group(struct parser *p)
{
	struct group *g = &p->groups[--p->n_groups];
	struct nfa_inst *in = p->b->insts.data;

	for (uint32_t j = g->jumps; j != NO_JUMP;) {
		uint32_t next = in[j].y;

		in[j] = (struct nfa_inst){ .op = NFA_JUMP,
					   .x = (uint32_t)p->b->insts.n };
		j = next;
	}
	p->flags = g->outer_flags;
	p->atom = g->start;
	p->has_atom = true;
	p->repeated = false;
}

/* --- repetition --------------------------------------------------------- */

static int repeat_star(struct parser *p, size_t atom)
{
	uint32_t end;
	int r;

	r = nfa_insert(p->b, atom, NFA_SPLIT, (uint32_t)atom + 1, 0);
	if (r < 0)
		return r;
	end = (uint32_t)p->b->insts.n;
	p->b->insts.data[atom].y = end + 1;
	return nfa_emit(p->b, NFA_JUMP, 0, (uint32_t)atom, 0);
}

static int repeat_optional(struct parser *p, size_t atom)
{
	int r;

	r = nfa_insert(p->b, atom, NFA_SPLIT, (uint32_t)atom + 1, 0);
	if (r == 0)
		p->b->insts.data[atom].y = (uint32_t)p->b->insts.n;
	return r;
}

static int repeat_plus(struct parser *p, size_t atom)
{
	uint32_t end = (uint32_t)p->b->insts.n;

	return nfa_emit(p->b, NFA_SPLIT, 0, (uint32_t)atom, end + 1);
}

/*
 * x{min,max}: min copies, then max - min optional ones one after the other
 * (the same language as nested ones) or a star. max < 0: no upper bound.
 */
static int repeat_counted(struct parser *p, size_t atom, int64_t min,
			  int64_t max)
{
	size_t size = p->b->insts.n - atom, at;
	int64_t copies = max < 0 ? min + 1 : max;
	int r = 0;

	if (max == 0) {
		p->b->insts.n = atom;
		return 0;
	}
	for (int64_t i = 1; i < copies && r == 0; i++)
		r = nfa_copy(p->b, atom, atom + size);
	if (r < 0)
		return r;
	at = atom + size * (size_t)(copies - 1);
	if (max < 0)
		return repeat_star(p, at);
	for (int64_t i = copies; i > min && r == 0; i--, at -= size)
		r = repeat_optional(p, at);
	return r;
}

static bool scan_number(struct str s, size_t *at, int64_t *ret)
{
	size_t start = *at;
	int64_t v = 0;

	while (*at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9') {
		v = MIN(v * 10 + (s.p[*at] - '0'), (int64_t)1000000);
		(*at)++;
	}
	*ret = v;
	return *at > start;
}

/* "{n}", "{n,}" or "{n,m}" at p->at; anything else is literal text. */
static bool scan_braces(struct parser *p, int64_t *ret_min, int64_t *ret_max)
{
	size_t at = p->at + 1;

	if (peek(p) != '{' || !scan_number(p->src, &at, ret_min))
		return false;
	*ret_max = *ret_min;
	if (at < p->src.n && p->src.p[at] == ',') {
		at++;
		if (!scan_number(p->src, &at, ret_max))
			*ret_max = -1;
	}
	if (at >= p->src.n || p->src.p[at] != '}')
		return false;
	p->at = at + 1;
	return true;
}

static int apply_repeat(struct parser *p, char op, int64_t min, int64_t max)
{
	switch (op) {
	case '*':
		return repeat_star(p, p->atom);
	case '+':
		return repeat_plus(p, p->atom);
	case '?':
		return repeat_optional(p, p->atom);
	default:
		return repeat_counted(p, p->atom, min, max);
	}
}

/* A repetition operator at p->at. 1 = done, 0 = there is none. */
static int try_repeat(struct parser *p)
{
	char op = peek(p);
	int64_t min = 0, max = 0;
	int r;

	if (op == '*' || op == '+' || op == '?')
		p->at++;
	else if (!scan_braces(p, &min, &max))
		return 0;
	if (!p->has_atom)
		return fail(p, "nothing to repeat");
	if (p->repeated)
		return fail(p, "repetition of a repetition; use (?:...)");
	if (min > REGEX_MAX_REPEAT || max > REGEX_MAX_REPEAT ||
	    (max >= 0 && max < min))
		return fail(p, "bad repetition count");
	r = apply_repeat(p, op, min, max);
	if (r < 0)
		return r;
	(void)accept(p, "?");
	p->repeated = true;
	return 1;
}

/* --- the whole ----------------------------------------------------------- */

static int parse_any(struct parser *p)
{
	begin_atom(p);
	if (p->flags & FLAG_DOTALL)
		return nfa_emit(p->b, NFA_ANY, 0, 0, 0);
	return nfa_emit(p->b, NFA_ANY_BUT, 0, '\n', 0);
}

static int parse_class_atom(struct parser *p)
{
	begin_atom(p);
	return parse_class(p);
}

static int parse_one(struct parser *p)
{
	bool lines = p->flags & FLAG_LINES;
	int r;

	r = try_repeat(p);
	if (r != 0)
		return r;
	if (accept(p, "|"))
		return parse_or(p);
	if (accept(p, "("))
		return parse_open(p);
	if (accept(p, ")")) {
		if (p->n_groups == 1)
			return fail(p, "')' without '('");
		end_group(p);
		return 0;
	}
	if (accept(p, "["))
		return parse_class_atom(p);
	if (accept(p, "."))
		return parse_any(p);
	if (accept(p, "^"))
		return emit_assert(p, lines ? NFA_LINE_BEGIN : NFA_TEXT_BEGIN);
	if (accept(p, "$"))
		return emit_assert(p, lines ? NFA_LINE_END : NFA_TEXT_END);
	if (accept(p, "\\"))
		return parse_backslash(p);
	return emit_char(p, next_char(p));
}

static int parse_all(struct parser *p)
{
	int r;

	if (p->src.n > REGEX_MAX_PATTERN)
		return fail(p, "expression is too long");
	r = open_group(p, 0);
	while (r >= 0 && more(p))
		r = parse_one(p);
	if (r < 0)
		return r;
	if (p->n_groups > 1)
		return fail(p, "'(' without ')'");
	end_group(p);
	return nfa_emit(p->b, NFA_MATCH, 0, 0, 0);
}

int regex_compile(struct str pattern, struct nfa_build *ret,
		  const char **ret_error, size_t *ret_at)
{
	_cleanup_nfa_build_ struct nfa_build b = NFA_BUILD_INIT;
	struct parser p = { .src = pattern, .b = &b };
	int r;

	r = parse_all(&p);
	if (r < 0) {
		*ret_error = p.error       ? p.error
			     : r == -E2BIG ? "expression is too large"
					   : "out of memory";
		*ret_at = p.at;
		return r;
	}
	*ret = b;
	b = NFA_BUILD_INIT;
	return 0;
}

bool regex_match(struct str pattern, struct str text)
{
	_cleanup_nfa_build_ struct nfa_build b = NFA_BUILD_INIT;
	struct nfa prog;
	const char *error;
	size_t at;

	if (regex_compile(pattern, &b, &error, &at) < 0)
		return false;
	prog = nfa_view(&b);
	return nfa_run(&prog, 0, &text, 1);
}
