/* SPDX-License-Identifier: MIT */
/*
 * shellc.c - what `sh -c SCRIPT` would run, as far as that is certain
 *
 * Rules of interface section 4.4. The tokenizer accepts so little of the shell
 * language that what it accepts means the same to every shell.
 */
#include "policy/shellc.h"

#include <string.h>

#include "base/macro.h"

static bool in_table(const char *const *table, size_t n, struct str word)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq_c(word, table[i]))
			return true;
	}
	return false;
}

bool is_shell(struct str base)
{
	static const char *const shells[] = { "sh",   "bash", "dash", "ash",
					      "mksh", "ksh",  "zsh" };

	return in_table(shells, ARRAY_LEN(shells), base);
}

static bool is_builtin(struct str word)
{
	static const char *const builtins[] = {
		".",        ":",         "[",        "[[",      "alias",
		"bg",       "bind",      "break",    "builtin", "caller",
		"case",     "cd",        "command",  "compgen", "complete",
		"continue", "declare",   "dirs",     "disown",  "do",
		"done",     "echo",      "elif",     "else",    "enable",
		"esac",     "eval",      "exit",     "export",  "false",
		"fc",       "fg",        "fi",       "for",     "function",
		"getopts",  "hash",      "help",     "history", "if",
		"jobs",     "kill",      "let",      "local",   "logout",
		"mapfile",  "popd",      "printf",   "pushd",   "pwd",
		"read",     "readarray", "readonly", "return",  "select",
		"set",      "shift",     "shopt",    "source",  "suspend",
		"test",     "then",      "times",    "trap",    "true",
		"type",     "typeset",   "ulimit",   "umask",   "unalias",
		"unset",    "until",     "wait",     "while",
	};

	return in_table(builtins, ARRAY_LEN(builtins), word);
}

static bool is_plain(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '/' ||
	       c == '-';
}

/* --- the shell's own options ------------------------------------------------- */

static bool has_c_somewhere(const struct str *argv, size_t argc, size_t from)
{
	for (size_t i = from; i < argc; i++) {
		if (argv[i].n > 1 && argv[i].p[0] == '-' &&
		    argv[i].p[1] != '-' && str_index(argv[i], 'c') > 0)
			return true;
	}
	return false;
}

struct cluster {
	bool unknown, has_c;
	bool takes_name; /* `o`: the next word is an option's name */
};

static struct cluster option_cluster(struct str word)
{
	struct cluster c = { .unknown = word.p[0] != '-' };

	/* the long spelling of -l */
	if (str_eq_c(word, "--login"))
		return c;
	for (size_t i = 1; i < word.n; i++) {
		if (word.p[i] == 'c')
			c.has_c = true;
		else if (word.p[i] == 'o' && i + 1 == word.n)
			c.takes_name = true;
		else if (word.p[i] == '\0' || !strchr("eufxlivBHs", word.p[i]))
			c.unknown = true;
	}
	return c;
}

/* Options by name that change nothing about which command runs. */
static bool is_harmless_option(struct str name)
{
	static const char *const names[] = { "errexit", "nounset", "pipefail",
					     "verbose", "xtrace",  "noglob" };

	return in_table(names, ARRAY_LEN(names), name);
}

static bool is_option(struct str word)
{
	return word.n > 1 && (word.p[0] == '-' || word.p[0] == '+');
}

/*
 * Finds the script of -c: the first word behind the options, provided that one
 * of them had a c and that all are known not to change what it means.
 */
static enum shellc_kind find_script(const struct str *argv, size_t argc,
				    struct str *ret)
{
	bool has_c = false;
	size_t i;

	for (i = 1; i < argc && is_option(argv[i]); i++) {
		struct cluster c = option_cluster(argv[i]);

		if (c.takes_name && i + 1 < argc &&
		    is_harmless_option(argv[i + 1]))
			i++;
		else
			c.unknown |= c.takes_name;
		if (c.unknown)
			return has_c || has_c_somewhere(argv, argc, i)
				       ? SHELLC_UNCLEAR
				       : SHELLC_NONE;
		has_c |= c.has_c;
	}
	if (!has_c || i >= argc)
		return SHELLC_NONE;
	*ret = argv[i];
	return SHELLC_DERIVED;
}

/* --- tokens -------------------------------------------------------------------- */

/* Length of a leading `NAME=`, or 0. */
static size_t assignment_name(struct str s)
{
	size_t n = 0;

	while (n < s.n && is_plain(s.p[n]) && s.p[n] != '.' && s.p[n] != '/' &&
	       s.p[n] != '-' && (n > 0 || s.p[n] < '0' || s.p[n] > '9'))
		n++;
	return n > 0 && n < s.n && s.p[n] == '=' ? n + 1 : 0;
}

static struct str skip_blanks(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_skip(s, 1);
	return s;
}

/* Drops leading assignments; false if a value is not plain. */
static bool strip_assignments(struct str *script)
{
	struct str s = skip_blanks(*script);
	size_t n;

	while ((n = assignment_name(s)) > 0) {
		s = str_skip(s, n);
		while (s.n && is_plain(s.p[0]))
			s = str_skip(s, 1);
		if (s.n && s.p[0] != ' ' && s.p[0] != '\t')
			return false;
		s = skip_blanks(s);
	}
	*script = s;
	return true;
}

static bool put(struct shellc *out, char c)
{
	if (out->n_text == sizeof(out->text))
		return false;
	out->text[out->n_text++] = c;
	return true;
}

/* A quoted stretch at s->p[0]; false if it is not literal. */
static bool take_quoted(struct str *s, struct shellc *out)
{
	char quote = s->p[0];

	*s = str_skip(*s, 1);
	while (s->n && s->p[0] != quote) {
		char c = s->p[0];

		if (quote == '"' && (c == '$' || c == '`' || c == '\\'))
			return false;
		if (!put(out, c))
			return false;
		*s = str_skip(*s, 1);
	}
	if (s->n == 0)
		return false;
	*s = str_skip(*s, 1);
	return true;
}

/* One word at s->p[0], not a blank; false if it is not literal. */
static bool take_word(struct str *s, struct shellc *out)
{
	size_t start = out->n_text;

	if (out->n_words == SHELLC_MAX_WORDS)
		return false;
	while (s->n && s->p[0] != ' ' && s->p[0] != '\t') {
		if (s->p[0] == '\'' || s->p[0] == '"') {
			if (!take_quoted(s, out))
				return false;
			continue;
		}
		if (!is_plain(s->p[0]) || !put(out, s->p[0]))
			return false;
		*s = str_skip(*s, 1);
	}
	out->words[out->n_words++] =
		str_from_n(out->text + start, out->n_text - start);
	return true;
}

/* False if anything in the script is not literal. */
static bool tokenize(struct str script, struct shellc *out)
{
	for (;;) {
		script = skip_blanks(script);
		if (script.n == 0)
			return true;
		if (!take_word(&script, out))
			return false;
	}
}

/* --- wrappers that are shell words ---------------------------------------------- */

static bool is_shell_wrapper(struct str word)
{
	static const char *const names[] = { "exec", "command", "nohup",
					     "nice", "time",    "env" };

	return in_table(names, ARRAY_LEN(names), str_basename(word));
}

static bool is_number(struct str s)
{
	size_t i = s.n > 1 && s.p[0] == '-';

	for (; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n > 0;
}

static void drop_words(struct shellc *out, size_t n)
{
	out->n_words -= n;
	memmove(out->words, out->words + n,
		out->n_words * sizeof(out->words[0]));
}

/* Strips wrappers off the front. SHELLC_NONE: what is left is a builtin. */
static enum shellc_kind strip_wrappers(struct shellc *out)
{
	while (out->n_words > 0 && is_shell_wrapper(out->words[0])) {
		struct str name = str_basename(out->words[0]);
		struct str next = out->n_words > 1 ? out->words[1] : STR_NONE;
		size_t n = 1;

		if (out->n_words == 1)
			return SHELLC_NONE;
		if (str_eq_c(name, "command") &&
		    (str_eq_c(next, "-v") || str_eq_c(next, "-V")))
			return SHELLC_NONE;
		if (str_eq_c(name, "nice") && str_eq_c(next, "-n") &&
		    out->n_words > 2 && is_number(out->words[2]))
			n = 3;
		if (n < out->n_words && out->words[n].n > 0 &&
		    out->words[n].p[0] == '-')
			return SHELLC_BYPASS;
		drop_words(out, n);
	}
	return out->n_words > 0 ? SHELLC_DERIVED : SHELLC_NONE;
}

bool shellc_skip_wrapper(struct shellc *s)
{
	size_t n = 1;

	while (n < s->n_words &&
	       (is_option(s->words[n]) || assignment_name(s->words[n]) > 0))
		n++;
	drop_words(s, n);
	return s->n_words > 0;
}

enum shellc_kind shellc_inspect(const struct str *argv, size_t argc,
				struct shellc *out)
{
	enum shellc_kind kind;
	struct str script;

	out->n_words = 0;
	out->n_text = 0;
	kind = find_script(argv, argc, &script);
	if (kind != SHELLC_DERIVED)
		return kind;
	if (!strip_assignments(&script))
		return SHELLC_UNCLEAR;
	if (!tokenize(script, out)) {
		if (out->n_words > 0 && is_shell_wrapper(out->words[0]))
			return SHELLC_UNCLEAR;
		return SHELLC_OPAQUE;
	}
	kind = strip_wrappers(out);
	if (kind == SHELLC_DERIVED && is_builtin(out->words[0]))
		return SHELLC_NONE;
	return kind;
}
