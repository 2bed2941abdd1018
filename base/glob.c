/* SPDX-License-Identifier: MIT */
/*
 * glob.c - compile and match glob patterns
 *
 * Most patterns are a literal, or a literal head and tail around one star, and
 * are answered by comparing both ends. The next class (literals, stars, '?') is
 * matched greedily with two places to come back to, the last '*' and the last
 * '**'; that is complete because '*' cannot pass a separator (so the leftmost
 * fit of what follows is also the one that leaves most room). Greedy matching
 * can be quadratic, so it runs on a budget of steps linear in the input and
 * hands over to the automaton when that is spent.
 */
#include "base/glob.h"

#include <string.h>

#include "base/utf8.h"

#define TOKEN_STAR  '\1'
#define TOKEN_SUPER '\2'
#define TOKEN_ONE   '\3'

/* One lexical element of a pattern. */
enum lexeme {
	LEX_CHAR,
	LEX_STAR,
	LEX_SUPER,
	LEX_ONE,
	LEX_CLASS,
	LEX_OPEN,
	LEX_COMMA,
	LEX_CLOSE,
};

struct lexer {
	struct str pattern;
	size_t at;
	size_t nesting;
	const char *error;
	/* of the element just read */
	struct str text; /* LEX_CHAR: the bytes of the character */
	uint32_t c;
	struct str body; /* LEX_CLASS: between the brackets, without '!' */
	bool negated;
};

static void lex_char(struct lexer *l)
{
	struct str rest = str_skip(l->pattern, l->at);
	size_t n = utf8_next(rest, &l->c);

	l->text = str_from_n(rest.p, n);
	l->at += n;
}

/* After '[': finds the closing bracket; a ']' as first member is literal. */
static bool lex_class(struct lexer *l)
{
	size_t start;

	l->negated = l->at < l->pattern.n && l->pattern.p[l->at] == '!';
	l->at += l->negated;
	start = l->at;
	while (l->at < l->pattern.n && l->pattern.p[l->at] != ']')
		l->at += l->pattern.p[l->at] == '\\' ? 2 : 1;
	if (l->at >= l->pattern.n) {
		l->error = "'[' without ']'";
		return false;
	}
	l->body = str_from_n(l->pattern.p + start, l->at - start);
	l->at++;
	if (l->body.n == 0) {
		l->error = "empty '[]'";
		return false;
	}
	return true;
}

static bool lex_brace(struct lexer *l, enum lexeme kind)
{
	l->at++;
	if (kind == LEX_OPEN && ++l->nesting > GLOB_MAX_NESTING) {
		l->error = "braces nested too deep";
		return false;
	}
	if (kind == LEX_CLOSE)
		l->nesting--;
	return true;
}

/* False at the end of the pattern or on an error (l->error set). */
static bool lex(struct lexer *l, enum lexeme *ret)
{
	char c;

	if (l->at >= l->pattern.n) {
		if (l->nesting > 0)
			l->error = "'{' without '}'";
		return false;
	}
	c = l->pattern.p[l->at];
	if (c == '*') {
		bool two = l->at + 1 < l->pattern.n &&
			   l->pattern.p[l->at + 1] == '*';

		l->at += two ? 2 : 1;
		*ret = two ? LEX_SUPER : LEX_STAR;
		return true;
	}
	if (c == '?') {
		l->at++;
		*ret = LEX_ONE;
		return true;
	}
	if (c == '[') {
		l->at++;
		*ret = LEX_CLASS;
		return lex_class(l);
	}
	*ret = c == '{' ? LEX_OPEN : c == '}' ? LEX_CLOSE : LEX_COMMA;
	if (c == '{' || (l->nesting > 0 && (c == '}' || c == ',')))
		return lex_brace(l, *ret);
	if (c == '\\' && ++l->at >= l->pattern.n) {
		l->error = "'\\' at the end";
		return false;
	}
	*ret = LEX_CHAR;
	lex_char(l);
	return true;
}

/* Reads one member of a class body; false at its end. */
static bool class_char(struct str body, size_t *at, uint32_t *ret)
{
	if (*at < body.n && body.p[*at] == '\\')
		(*at)++;
	if (*at >= body.n)
		return false;
	*at += utf8_next(str_skip(body, *at), ret);
	return true;
}

static const char *check_class(struct str body)
{
	size_t at = 0;
	uint32_t lo, hi;

	while (class_char(body, &at, &lo)) {
		if (at + 1 >= body.n || body.p[at] != '-')
			continue;
		at++;
		if (!class_char(body, &at, &hi))
			return "unfinished range in '[]'";
		if (hi < lo)
			return "range in '[]' runs backwards";
	}
	return NULL;
}

const char *glob_check(struct str pattern)
{
	struct lexer l = { .pattern = pattern };
	enum lexeme kind;

	if (pattern.n > GLOB_MAX_PATTERN)
		return "pattern is too long";
	if (str_index(pattern, '\0') >= 0)
		return "NUL byte";
	while (lex(&l, &kind)) {
		if (kind == LEX_CLASS)
			l.error = check_class(l.body);
		if (l.error)
			break;
	}
	return l.error;
}

bool glob_valid(struct str pattern)
{
	return glob_check(pattern) == NULL;
}

bool glob_is_pattern(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '\0' && strchr("*?[{\\", s.p[i]))
			return true;
	}
	return false;
}

/* One alternative list that is being built. */
struct brace {
	uint32_t split; /* of the alternative being read */
	uint32_t jumps; /* chain of jumps to the end, by x; UINT32_MAX ends */
};

#define NO_JUMP UINT32_MAX

static int emit_class(struct nfa_build *b, const struct lexer *l)
{
	size_t first = b->ranges.n, at = 0;
	uint32_t lo, hi;
	int r;

	while (class_char(l->body, &at, &lo)) {
		hi = lo;
		if (at + 1 < l->body.n && l->body.p[at] == '-') {
			at++;
			(void)class_char(l->body, &at, &hi);
		}
		r = nfa_add_range(b, lo, hi);
		if (r < 0)
			return r;
	}
	nfa_merge_ranges(b, first);
	return nfa_emit(b, NFA_CLASS, l->negated, (uint32_t)first,
			(uint32_t)(b->ranges.n - first));
}

static int emit_star(struct nfa_build *b, bool super, char sep)
{
	uint32_t pc = (uint32_t)b->insts.n;
	enum nfa_opcode op = super || !sep ? NFA_ANY : NFA_ANY_BUT;
	int r;

	r = nfa_emit(b, NFA_SPLIT, 0, pc + 1, pc + 3);
	if (r == 0)
		r = nfa_emit(b, op, 0, (unsigned char)sep, 0);
	if (r == 0)
		r = nfa_emit(b, NFA_JUMP, 0, pc, 0);
	return r;
}

static int brace_open(struct nfa_build *b, struct brace *brace)
{
	uint32_t pc = (uint32_t)b->insts.n;

	brace->split = pc;
	brace->jumps = NO_JUMP;
	return nfa_emit(b, NFA_SPLIT, 0, pc + 1, pc);
}

static int brace_comma(struct nfa_build *b, struct brace *brace)
{
	uint32_t pc = (uint32_t)b->insts.n;
	int r;

	r = nfa_emit(b, NFA_JUMP, 0, brace->jumps, 0);
	if (r < 0)
		return r;
	brace->jumps = pc;
	b->insts.data[brace->split].y = pc + 1;
	brace->split = pc + 1;
	return nfa_emit(b, NFA_SPLIT, 0, pc + 2, pc + 1);
}

static void brace_close(struct nfa_build *b, const struct brace *brace)
{
	uint32_t end = (uint32_t)b->insts.n, jump = brace->jumps;

	/* the last alternative has no other to split off */
	b->insts.data[brace->split].op = NFA_JUMP;
	while (jump != NO_JUMP) {
		uint32_t next = b->insts.data[jump].x;

		b->insts.data[jump].x = end;
		jump = next;
	}
}

static int emit_lexeme(struct nfa_build *b, const struct lexer *l,
		       enum lexeme kind, char sep, struct brace *braces)
{
	enum nfa_opcode one = sep ? NFA_ANY_BUT : NFA_ANY;

	switch (kind) {
	case LEX_CHAR:
		return nfa_emit(b, NFA_CHAR, 0, l->c, 0);
	case LEX_ONE:
		return nfa_emit(b, one, 0, (unsigned char)sep, 0);
	case LEX_STAR:
	case LEX_SUPER:
		return emit_star(b, kind == LEX_SUPER, sep);
	case LEX_CLASS:
		return emit_class(b, l);
	case LEX_OPEN:
		return brace_open(b, &braces[l->nesting - 1]);
	case LEX_COMMA:
		return brace_comma(b, &braces[l->nesting - 1]);
	case LEX_CLOSE:
		brace_close(b, &braces[l->nesting]);
		return 0;
	}
	return -EINVAL;
}

static int compile_program(struct str pattern, char sep, struct nfa_build *b)
{
	struct brace braces[GLOB_MAX_NESTING];
	struct lexer l = { .pattern = pattern };
	enum lexeme kind;
	int r;

	while (lex(&l, &kind)) {
		r = emit_lexeme(b, &l, kind, sep, braces);
		if (r < 0)
			return r;
	}
	return nfa_emit(b, NFA_MATCH, 0, 0, 0);
}

struct summary {
	size_t stars, supers, ones, others;
	bool clash; /* a literal looks like a token byte */
};

/* Fills prefix, suffix and tokens, and counts what there is. */
static void scan(struct str pattern, struct glob_build *b, struct summary *s)
{
	static const char token[] = {
		[LEX_STAR] = TOKEN_STAR, [LEX_SUPER] = TOKEN_SUPER, [LEX_ONE] = TOKEN_ONE
	};
	struct lexer l = { .pattern = pattern };
	bool literal = true;
	enum lexeme kind;

	while (lex(&l, &kind)) {
		if (kind == LEX_CHAR && l.nesting == 0) {
			s->clash |= l.c >= 1 && l.c <= 3;
			buf_put_str(&b->tokens, l.text);
			buf_put_str(literal ? &b->prefix : &b->suffix, l.text);
			continue;
		}
		literal = false;
		buf_reset(&b->suffix);
		s->stars += kind == LEX_STAR;
		s->supers += kind == LEX_SUPER;
		s->ones += kind == LEX_ONE;
		if (kind == LEX_STAR || kind == LEX_SUPER || kind == LEX_ONE)
			buf_putc(&b->tokens, token[kind]);
		else
			s->others++;
	}
}

static enum glob_shape shape_of(const struct summary *s)
{
	if (s->others > 0 || s->clash)
		return GLOB_PROGRAM;
	if (s->ones > 0 || s->stars + s->supers > 1)
		return GLOB_TOKENS;
	return s->stars ? GLOB_STAR : s->supers ? GLOB_SUPER : GLOB_EXACT;
}

int glob_compile(struct str pattern, char sep, struct glob_build *ret)
{
	_cleanup_glob_build_ struct glob_build b = { .sep = sep };
	struct summary s = { 0 };
	int r = 0;

	if (glob_check(pattern))
		return -EINVAL;
	scan(pattern, &b, &s);
	b.shape = shape_of(&s);
	if (b.shape >= GLOB_TOKENS)
		r = compile_program(pattern, sep, &b.prog);
	if (b.shape != GLOB_TOKENS)
		buf_reset(&b.tokens);
	if (r < 0)
		return r;
	if (b.prefix.error || b.suffix.error || b.tokens.error)
		return -ENOMEM;
	*ret = b;
	b = (struct glob_build){ 0 };
	return 0;
}

void glob_build_done(struct glob_build *b)
{
	buf_done(&b->prefix);
	buf_done(&b->suffix);
	buf_done(&b->tokens);
	nfa_build_done(&b->prog);
}

struct glob glob_view(const struct glob_build *b)
{
	return (struct glob){ .shape = b->shape,
			      .sep = b->sep,
			      .prefix = buf_str(&b->prefix),
			      .suffix = buf_str(&b->suffix),
			      .tokens = buf_str(&b->tokens),
			      .prog = nfa_view(&b->prog) };
}

enum outcome {
	MISS,
	HIT,
	SPENT
};

/* Where greedy matching goes on after a dead end. */
struct resume {
	size_t token, text; /* token: just after the star */
	bool set;
};

struct greedy {
	const struct glob *g;
	struct str text;
	size_t ti, xi; /* next token, next text byte */
	struct resume star, super;
	size_t budget;
};

static size_t char_len(struct str text, size_t at)
{
	uint32_t c;

	return utf8_next(str_skip(text, at), &c);
}

/* Lets the last '*' (or, failing that, '**') swallow one more character. */
static bool greedy_back(struct greedy *m)
{
	if (m->star.set && m->star.text < m->text.n &&
	    (!m->g->sep || m->text.p[m->star.text] != m->g->sep)) {
		m->star.text += char_len(m->text, m->star.text);
		m->ti = m->star.token;
		m->xi = m->star.text;
		return true;
	}
	m->star.set = false;
	if (!m->super.set || m->super.text >= m->text.n)
		return false;
	m->super.text += char_len(m->text, m->super.text);
	m->ti = m->super.token;
	m->xi = m->super.text;
	return true;
}

/* Matches the token at m->ti; false if it does not fit. */
static bool greedy_token(struct greedy *m)
{
	char t = m->g->tokens.p[m->ti];

	if (t == TOKEN_STAR || t == TOKEN_SUPER) {
		struct resume here = { ++m->ti, m->xi, true };

		if (t == TOKEN_SUPER)
			m->super = here;
		else
			m->star = here;
		if (t == TOKEN_SUPER)
			m->star.set = false;
		return true;
	}
	if (m->xi >= m->text.n)
		return false;
	if (t == TOKEN_ONE) {
		if (m->g->sep && m->text.p[m->xi] == m->g->sep)
			return false;
		m->xi += char_len(m->text, m->xi);
	} else if (m->text.p[m->xi++] != t) {
		return false;
	}
	m->ti++;
	return true;
}

static enum outcome greedy_run(const struct glob *g, struct str text)
{
	struct greedy m = { .g = g,
			    .text = text,
			    .budget = 64 + 8 * (text.n + g->tokens.n) };

	for (;;) {
		bool end = m.ti == g->tokens.n;

		if (m.budget-- == 0)
			return SPENT;
		if (end && m.xi == text.n)
			return HIT;
		if (!end && greedy_token(&m))
			continue;
		if (!greedy_back(&m))
			return MISS;
	}
}

static bool ends_fit(const struct glob *g, struct str text)
{
	if (text.n < g->prefix.n + g->suffix.n)
		return false;
	return str_starts(text, g->prefix) && str_ends(text, g->suffix);
}

bool glob_run(const struct glob *g, struct str text)
{
	enum outcome o;
	struct str mid;

	if (!ends_fit(g, text))
		return false;
	switch (g->shape) {
	case GLOB_EXACT:
		return text.n == g->prefix.n;
	case GLOB_SUPER:
		return true;
	case GLOB_STAR:
		mid = str_from_n(text.p + g->prefix.n,
				 text.n - g->prefix.n - g->suffix.n);
		return !g->sep || str_index(mid, g->sep) < 0;
	case GLOB_TOKENS:
		o = greedy_run(g, text);
		if (o != SPENT)
			return o == HIT;
		break;
	case GLOB_PROGRAM:
		break;
	}
	return nfa_run(&g->prog, NFA_WHOLE, &text, 1);
}

bool glob_match(struct str pattern, char sep, struct str text)
{
	_cleanup_glob_build_ struct glob_build b = { 0 };
	struct glob g;

	if (glob_compile(pattern, sep, &b) < 0)
		return false;
	g = glob_view(&b);
	return glob_run(&g, text);
}

/* Finds the first outermost braces: [open, close]. False if there are none. */
static bool find_braces(struct str pattern, size_t *ret_open, size_t *ret_close)
{
	struct lexer l = { .pattern = pattern };
	bool seen = false;
	enum lexeme kind;

	while (lex(&l, &kind)) {
		if (kind == LEX_OPEN && l.nesting == 1 && !seen) {
			*ret_open = l.at - 1;
			seen = true;
		}
		if (kind == LEX_CLOSE && l.nesting == 0) {
			*ret_close = l.at - 1;
			return true;
		}
	}
	return false;
}

/* Length of the alternative that starts at `from` inside braces. */
static size_t alternative_end(struct str pattern, size_t from)
{
	/* nesting 1: we are inside the braces */
	struct lexer l = { .pattern = pattern, .at = from, .nesting = 1 };
	size_t at = from;
	enum lexeme kind;

	while (lex(&l, &kind)) {
		if ((kind == LEX_COMMA && l.nesting == 1) ||
		    (kind == LEX_CLOSE && l.nesting == 0))
			return at;
		at = l.at;
	}
	return pattern.n;
}

struct expansion {
	VEC(char *) todo; /* owned; a stack, first alternative on top */
	size_t n_out;
	char *out[GLOB_MAX_EXPAND]; /* owned */
};

static void expansion_done(struct expansion *e)
{
	for (size_t i = 0; i < e->todo.n; i++)
		free(e->todo.data[i]);
	vec_done(&e->todo);
	for (size_t i = 0; i < e->n_out; i++)
		free(e->out[i]);
}

/* Length of the run of stars at the end of a pattern. */
static size_t stars_at_end(struct str p)
{
	size_t n = 0, slashes = 0;

	while (n < p.n && p.p[p.n - 1 - n] == '*')
		n++;
	while (n + slashes < p.n && p.p[p.n - 1 - n - slashes] == '\\')
		slashes++;
	return n && slashes % 2 ? n - 1 : n;
}

/* Two stars that braces kept apart are no "**", but like one of them. */
static void join(struct buf *b, struct str more)
{
	size_t stars = 0;

	while (stars < more.n && more.p[stars] == '*')
		stars++;
	if (stars == 1 && stars_at_end(buf_str(b)) == 1)
		more = str_skip(more, 1);
	buf_put_str(b, more);
}

/* Pushes every alternative of the braces [open, close], last one first. */
static int push_alternatives(struct expansion *e, struct str p, size_t open,
			     size_t close)
{
	size_t base = e->todo.n, from = open + 1;

	while (from <= close) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		size_t end = alternative_end(p, from);
		char *text;

		buf_put(&b, p.p, open);
		join(&b, str_from_n(p.p + from, end - from));
		join(&b, str_skip(p, close + 1));
		text = buf_take(&b);
		if (!text)
			return -ENOMEM;
		if (vec_push(&e->todo, text) < 0) {
			free(text);
			return -ENOMEM;
		}
		if (e->todo.n + e->n_out > GLOB_MAX_EXPAND)
			return -E2BIG;
		from = end + 1;
	}
	for (size_t i = base, j = e->todo.n; i + 1 < j; i++, j--) {
		char *t = e->todo.data[i];

		e->todo.data[i] = e->todo.data[j - 1];
		e->todo.data[j - 1] = t;
	}
	return 0;
}

static int expand_all(struct expansion *e, struct str pattern)
{
	char *first = str_dup(pattern);
	int r;

	if (!first || vec_push(&e->todo, first) < 0) {
		free(first);
		return -ENOMEM;
	}
	while (e->todo.n > 0) {
		_cleanup_free_ char *p = e->todo.data[--e->todo.n];
		size_t open = 0, close = 0;

		if (!find_braces(str_from(p), &open, &close)) {
			if (e->n_out == GLOB_MAX_EXPAND)
				return -E2BIG;
			e->out[e->n_out++] = TAKE(p);
			continue;
		}
		r = push_alternatives(e, str_from(p), open, close);
		if (r < 0)
			return r;
	}
	return 0;
}

int glob_expand(struct str pattern, glob_expand_fn *fn, void *arg)
{
	__attribute__((cleanup(expansion_done))) struct expansion e = { 0 };
	int r;

	r = expand_all(&e, pattern);
	if (r == -E2BIG)
		return fn(arg, pattern);
	for (size_t i = 0; r >= 0 && i < e.n_out; i++)
		r = fn(arg, str_from(e.out[i]));
	return r;
}
