/* SPDX-License-Identifier: MIT */
/*
 * wrapper.c - commands that run another command named in their arguments
 *
 * Flags and NAME=VALUE words are skipped; a flag that takes its value in the
 * next word must be known, or the value would pass for the payload. An unknown
 * flag is taken to have no value: then, at worst, a value is judged as a
 * command and denied, and the real payload is judged when it is executed.
 */
#include "policy/wrapper.h"

#include <string.h>

struct wrapper {
	const char *name;
	const char *short_values; /* letters of flags with a value */
	const char *long_values;  /* space-separated, without "--" */
	unsigned int operands;    /* before the payload */
};

static const struct wrapper wrappers[] = {
	{ "env", "uCS", "unset chdir split-string", 0 },
	{ "nice", "n", "adjustment", 0 },
	{ "sudo", "ughpCcrtTUDRa",
	  "user group host prompt close-from role type command-timeout "
	  "other-user chdir chroot",
	  0 },
	{ "doas", "uCa", "", 0 },
	{ "time", "fo", "format output", 0 },
	{ "xargs", "aEIdLnPs",
	  "arg-file delimiter max-procs process-slot-var max-chars max-args "
	  "max-lines replace",
	  0 },
	{ "strace", "abeEIopPsSuUXO",
	  "output trace attach user string-limit const-print-style", 0 },
	{ "ltrace", "aADeFlnopsuwx", "output", 0 },
	{ "timeout", "ks", "kill-after signal", 1 },
	{ "stdbuf", "ioe", "input output error", 0 },
	{ "ionice", "cnpPu", "class classdata pid pgid uid", 0 },
	{ "chrt", "TPD", "sched-runtime sched-period sched-deadline", 1 },
	{ "taskset", "", "", 1 },
	{ "ld-linux*", "",
	  "library-path preload audit inhibit-rpath argv0 glibc-hwcaps-prepend "
	  "glibc-hwcaps-mask",
	  0 },
};

static bool name_fits(struct str base, struct str name)
{
	if (str_ends(name, STR("*")))
		return str_starts(base, str_from_n(name.p, name.n - 1));
	return str_eq(base, name);
}

bool is_wrapper(const struct policy *p, struct str base)
{
	struct img_span names = p->h->transparent;

	for (uint32_t i = 0; base.n && i < names.n; i++) {
		if (name_fits(base, img_str_at(p, names, i)))
			return true;
	}
	return false;
}

static const struct wrapper *find_wrapper(struct str base)
{
	static const struct wrapper plain = { "", "", "", 0 };

	for (size_t i = 0; i < ARRAY_LEN(wrappers); i++) {
		if (name_fits(base, str_from(wrappers[i].name)))
			return &wrappers[i];
	}
	return &plain;
}

static bool is_assignment(struct str word)
{
	ptrdiff_t eq = str_index(word, '=');

	return eq > 0 && str_index(str_from_n(word.p, (size_t)eq), '/') < 0;
}

static bool in_words(struct str words, struct str word)
{
	struct str one;

	while (str_split(&words, ' ', &one)) {
		if (str_eq(one, word))
			return true;
	}
	return false;
}

/* True if the flag's value is the next word. */
static bool value_follows(const struct wrapper *w, struct str flag)
{
	struct str name = str_skip(flag, 2);

	if (str_starts(flag, STR("--")))
		return in_words(str_from(w->long_values), name);
	/* in a cluster only the last letter can have a separate value, and a
	 * letter with a value ends the cluster */
	for (size_t i = 1; i < flag.n; i++) {
		if (flag.p[i] && strchr(w->short_values, flag.p[i]))
			return i + 1 == flag.n;
	}
	return false;
}

/* First word of env's split string, whichever way it was given. */
static bool split_string(const struct str *argv, size_t argc, size_t at,
			 struct str *ret)
{
	struct str s = argv[at], word = STR_NONE;

	if (str_eq_c(s, "-S") || str_eq_c(s, "--split-string"))
		s = at + 1 < argc ? argv[at + 1] : STR_NONE;
	else if (str_starts(s, STR("--split-string=")))
		s = str_skip(s, 15);
	else if (str_starts(s, STR("-S")))
		s = str_skip(s, 2);
	else
		return false;
	s = str_trim(s);
	while (str_split(&s, ' ', &word)) {
		if (word.n && !is_assignment(word) && word.p[0] != '-')
			break;
	}
	*ret = word;
	return word.n > 0;
}

size_t wrapper_payload(struct str base, const struct str *argv, size_t argc,
		       struct str *ret_name)
{
	const struct wrapper *w = find_wrapper(base);
	bool env = str_eq_c(base, "env");
	unsigned int operands = w->operands;

	for (size_t i = 1; i < argc; i++) {
		if (env && split_string(argv, argc, i, ret_name))
			return i;
		if (str_eq_c(argv[i], "--")) {
			i++;
			i += operands;
			if (i >= argc)
				return 0;
			*ret_name = argv[i];
			return i;
		}
		if (argv[i].n > 1 && argv[i].p[0] == '-') {
			i += value_follows(w, argv[i]);
			continue;
		}
		if (is_assignment(argv[i]) || str_eq_c(argv[i], "-"))
			continue;
		if (operands-- > 0)
			continue;
		*ret_name = argv[i];
		return i;
	}
	return 0;
}
