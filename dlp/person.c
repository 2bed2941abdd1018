/* SPDX-License-Identifier: MIT */
/*
 * person.c - what names a person: mail addresses, telephone, card and social
 * security numbers
 *
 * None of them has letters to look for, and numbers are everywhere: what makes
 * one of these out of a number is its grouping, its ranges and its check digit.
 */
#include <string.h>

#include "dlp/ascii.h"
#include "dlp/priv.h"

#define LOCAL_MAX  64U
#define DOMAIN_MAX 253U

/* --- mail -------------------------------------------------------------- */

/* What is behind an @ in names of files and units. */
static bool is_no_domain(struct str tld)
{
	static const struct str endings[] = {
		STR("png"),    STR("jpg"),   STR("jpeg"),  STR("gif"),
		STR("svg"),    STR("webp"),  STR("ico"),   STR("js"),
		STR("mjs"),    STR("ts"),    STR("tsx"),   STR("jsx"),
		STR("css"),    STR("scss"),  STR("html"),  STR("json"),
		STR("xml"),    STR("yaml"),  STR("yml"),   STR("toml"),
		STR("lock"),   STR("py"),    STR("so"),    STR("service"),
		STR("socket"), STR("slice"), STR("timer"), STR("target"),
		STR("mount"),  STR("path"),  STR("scope"), STR("conf"),
		STR("tgz"),    STR("log"),   STR("txt"),
	};

	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (tld.n == endings[i].n && str_eq_icase(tld, endings[i]))
			return true;
	return false;
}

/* The end of the domain that begins at i; i itself for none. */
static size_t domain_end(const struct dlp_view *v, size_t i, bool *ret_more)
{
	size_t stop = MIN(v->n, i + DOMAIN_MAX), j = i, label = i;
	size_t end = i, dots = 0;

	*ret_more = false;
	for (; j < stop; j++) {
		unsigned char c = v->p[j];

		if (c == '.' && j > label && v->p[j - 1] != '-') {
			dots++;
			label = j + 1;
		} else if (!ascii_is(c, ASCII_ALNUM) &&
			   (c != '-' || j == label)) {
			break;
		}
	}
	if (j == v->n && !v->end) {
		*ret_more = true;
		return i;
	}
	/* A full stop behind it, or a label cut off, is not part of it. */
	while (j > i && !ascii_is(v->p[j - 1], ASCII_ALNUM)) {
		dots -= v->p[j - 1] == '.';
		j--;
	}
	for (end = j; j > i && v->p[j - 1] != '.'; j--)
		if (!ascii_is(v->p[j - 1], ASCII_ALPHA))
			return i;
	if (dots == 0 || end - j < 2 || end - j > 24 ||
	    is_no_domain(str_from_n((const char *)v->p + j, end - j)))
		return i;
	return end;
}

/* What begins at i is the user or the password in front of a URL's host. */
static bool is_userinfo(const struct dlp_engine *e, const struct dlp_view *v,
			size_t i)
{
	size_t stop = i > LOCAL_MAX ? i - LOCAL_MAX : 0;

	if (i > stop && v->p[i - 1] == ':')
		for (i--; i > stop && dlp_is(e, v->p[i - 1], DLP_C_LOCAL);)
			i--;
	return i >= 2 && v->p[i - 1] == '/' && v->p[i - 2] == '/';
}

enum dlp_answer dlp_mail_match(const struct dlp_engine *e,
			       const struct dlp_view *v, size_t t,
			       struct dlp_match *ret)
{
	size_t start = t, end;
	bool more;

	if (e->person[DLP_EMAIL] == DLP_NO_TYPE || t == 0 ||
	    !dlp_is(e, v->p[t - 1], DLP_C_LOCAL) ||
	    (t + 1 < v->n && !ascii_is(v->p[t + 1], ASCII_ALNUM)))
		return DLP_MISS;
	while (start > 0 && t - start <= LOCAL_MAX &&
	       dlp_is(e, v->p[start - 1], DLP_C_LOCAL))
		start--;
	/* What begins with "%40" or a dot is something else's end. */
	while (start < t && !ascii_is(v->p[start], ASCII_ALNUM) &&
	       v->p[start] != '_')
		start++;
	if (start == t || t - start > LOCAL_MAX)
		return DLP_MISS;
	/* What an escape ends with is not part of the name behind it. */
	for (size_t i = t; i > start; i--)
		if (dlp_after_escape(v, i))
			start = i;
	if (start == t)
		return DLP_MISS;
	if (is_userinfo(e, v, start))
		return DLP_MISS;
	end = domain_end(v, t + 1, &more);
	ret->start = start;
	ret->idle = v->n;
	if (more)
		return DLP_MORE;
	if (end == t + 1)
		return DLP_MISS;
	/* A remote repository: git@host:path */
	if (t - start == 3 && memcmp(v->p + start, "git", 3) == 0 &&
	    end < v->n && (v->p[end] == ':' || v->p[end] == '/'))
		return DLP_MISS;
	ret->end = end;
	ret->type = e->person[DLP_EMAIL];
	return DLP_HIT;
}

/* --- numbers ----------------------------------------------------------- */

#define MAX_DIGITS 20
#define MAX_GROUPS 6

/* Digits in groups with one byte between two of them. */
struct number {
	unsigned char digits[MAX_DIGITS];
	uint8_t n, n_groups;
	uint8_t group[MAX_GROUPS]; /* lengths */
	unsigned char sep[MAX_GROUPS];
	uint8_t end[MAX_GROUPS]; /* behind each group, from the first digit */
	bool more;               /* the view ends where it may go on */
};

static bool read_group(const struct dlp_view *v, size_t *i, struct number *x)
{
	uint8_t from = x->n;

	for (; *i < v->n && ascii_is(v->p[*i], ASCII_DIGIT); ++*i) {
		if (x->n >= MAX_DIGITS)
			return false;
		x->digits[x->n++] = v->p[*i];
	}
	x->group[x->n_groups++] = (uint8_t)(x->n - from);
	return true;
}

static bool is_separator(unsigned char c)
{
	return c == ' ' || c == '-' || c == '.';
}

static void read_number(const struct dlp_view *v, size_t i, struct number *x)
{
	size_t first = i;

	*x = (struct number){ .n = 0 };
	while (x->n_groups < MAX_GROUPS) {
		if (!read_group(v, &i, x)) {
			x->n = 0; /* too long to be any of ours */
			return;
		}
		x->end[x->n_groups - 1] = (uint8_t)(i - first);
		if (x->n_groups == MAX_GROUPS)
			return;
		/* two more bytes say whether another group follows */
		if (i + 1 >= v->n) {
			x->more = !v->end &&
				  (i == v->n || is_separator(v->p[i]));
			return;
		}
		if (!is_separator(v->p[i]) ||
		    !ascii_is(v->p[i + 1], ASCII_DIGIT))
			return;
		x->sep[x->n_groups] = v->p[i];
		i++;
	}
}

static bool same_separators(const struct number *x, size_t n)
{
	for (size_t i = 2; i < n; i++)
		if (x->sep[i] != x->sep[1])
			return false;
	return true;
}

static unsigned int value(const struct number *x, size_t from, size_t n)
{
	unsigned int v = 0;

	for (size_t i = from; i < from + n; i++)
		v = v * 10 + (unsigned int)(x->digits[i] - '0');
	return v;
}

/* Debit cards whose ranges are single numbers. */
static bool is_debit(unsigned int four)
{
	static const uint16_t issued[] = { 5018, 5019, 5020, 5038, 5061, 5893,
					   6062, 6304, 6759, 6761, 6762, 6763 };

	for (size_t i = 0; i < ARRAY_LEN(issued); i++)
		if (four == issued[i])
			return true;
	return false;
}

/* Issuer ranges and their lengths. */
static bool is_issued(const struct number *x)
{
	unsigned int two = value(x, 0, 2), four = value(x, 0, 4);
	unsigned int three = value(x, 0, 3);

	switch (x->digits[0]) {
	case '4':
		return x->n == 16 || x->n == 13 || x->n == 19;
	case '5':
		return x->n == 16 &&
		       ((two >= 51 && two <= 55) || is_debit(four));
	case '2':
		return x->n == 16 && ((four >= 2221 && four <= 2720) ||
				      (four >= 2200 && four <= 2204));
	case '3':
		if (two == 34 || two == 37)
			return x->n == 15;
		if (three <= 305 || two == 36 || two == 38)
			return x->n == 14;
		return x->n == 16 && four >= 3528 && four <= 3589;
	case '6':
		return x->n >= 16 && x->n <= 19 &&
		       (four == 6011 || two == 65 || two == 62 ||
			(three >= 644 && three <= 649) || is_debit(four));
	default:
		return false;
	}
}

/* Written in one piece or the way it is on the card. */
static bool is_card_grouping(const struct number *x)
{
	if (x->n_groups == 1)
		return true;
	if (!same_separators(x, x->n_groups) ||
	    (x->sep[1] == '.' && x->n != 16))
		return false;
	if (x->n == 15 || x->n == 14)
		return x->n_groups == 3 && x->group[0] == 4 && x->group[1] == 6;
	for (size_t i = 0; i + 1 < x->n_groups; i++)
		if (x->group[i] != 4)
			return false;
	return x->n_groups >= 4;
}

static bool is_card(const struct number *x)
{
	bool differ = false;

	if (x->n < 13 || x->n > 19 || !is_issued(x) || !is_card_grouping(x))
		return false;
	for (size_t i = 1; i < x->n; i++)
		differ = differ || x->digits[i] != x->digits[i - 1];
	return differ && dlp_luhn(x->digits, x->n);
}

static bool is_ssn_range(const struct number *x)
{
	unsigned int area = value(x, 0, 3);

	return area != 0 && area != 666 && area < 900 && value(x, 3, 2) &&
	       value(x, 5, 4);
}

/* Nine digits in one piece are one if they are called so. */
#define SSN_NAME 12U

bool dlp_is_named_ssn(const struct dlp_view *v, size_t t)
{
	size_t stop = t > SSN_NAME ? t - SSN_NAME : 0;

	for (size_t i = t; i-- > stop + 2;) {
		if (ascii_lower((char)v->p[i]) == 'n' &&
		    ascii_lower((char)v->p[i - 1]) == 's' &&
		    ascii_lower((char)v->p[i - 2]) == 's')
			return true;
		if (v->p[i] == '\n' || ascii_is(v->p[i], ASCII_DIGIT))
			return false;
	}
	return false;
}

static bool is_ssn(const struct number *x)
{
	if (x->n_groups != 3 || x->group[0] != 3 || x->group[1] != 2 ||
	    x->group[2] != 4 || !same_separators(x, 3) || x->sep[1] == '.')
		return false;
	return is_ssn_range(x);
}

/* North American: area codes begin with 2 to 9. */
static bool is_nanp(const struct number *x)
{
	return x->n_groups == 3 && x->group[0] == 3 && x->group[1] == 3 &&
	       x->group[2] == 4 && x->digits[0] >= '2';
}

/* +91-9876543210 */
static bool is_code_and_ten(const struct number *x)
{
	return x->n_groups == 2 && x->group[0] <= 3 && x->group[1] == 10 &&
	       x->sep[1] != '.';
}

/* +CC and 7 to 13 digits; in one piece, or in groups. */
static bool is_international(const struct number *x)
{
	return x->n >= 9 && x->n <= 15 && x->digits[0] != '0' &&
	       (x->n_groups > 2 || (x->n_groups == 1 && x->n >= 10) ||
		is_code_and_ten(x));
}

/*
 * +44 (0)20 7946 0123 and +1 (212) 555-0123 with t at the first digit: what is
 * in brackets, and the rest.
 */
static bool is_bracketed_behind_code(const struct dlp_view *v, size_t t,
				     size_t *ret_end, bool *ret_more)
{
	struct number x;
	size_t i = t, open;

	*ret_more = false;
	if (t == 0 || v->p[t - 1] != '+' || v->p[t] == '0')
		return false;
	while (i < v->n && i < t + 3 && ascii_is(v->p[i], ASCII_DIGIT))
		i++;
	i += i < v->n && (v->p[i] == ' ' || v->p[i] == '-');
	open = i++;
	if (open < v->n && v->p[open] != '(')
		return false;
	while (i < v->n && i < open + 5 && ascii_is(v->p[i], ASCII_DIGIT))
		i++;
	if (i < v->n && (v->p[i] != ')' || i == open + 1))
		return false;
	i++;
	i += i < v->n && (v->p[i] == ' ' || v->p[i] == '-');
	*ret_more = i >= v->n && !v->end;
	if (i >= v->n || !ascii_is(v->p[i], ASCII_DIGIT))
		return false;
	read_number(v, i, &x);
	*ret_more = x.more;
	if (x.n < 6 || x.n > 11)
		return false;
	*ret_end = i + x.end[x.n_groups - 1];
	return true;
}

/* (555) 123-4567 with t at the first digit. */
static bool is_area_in_brackets(const struct dlp_view *v, size_t t,
				size_t *ret_end, bool *ret_more)
{
	struct number x;
	size_t i = t + 4;

	*ret_more = false;
	if (t == 0 || v->p[t - 1] != '(' || v->p[t] < '2')
		return false;
	if (t + 3 >= v->n || v->p[t + 3] != ')') {
		*ret_more = t + 3 >= v->n && !v->end;
		return false;
	}
	i += i < v->n && (v->p[i] == ' ' || v->p[i] == '-');
	if (i >= v->n) {
		*ret_more = !v->end;
		return false;
	}
	read_number(v, i, &x);
	*ret_more = x.more;
	*ret_end = i + (x.n_groups >= 2 ? x.end[1] : 0);
	return x.n_groups == 2 && x.group[0] == 3 && x.group[1] == 4;
}

/* A dash, or what stands in the middle of identifiers. */
static bool goes_on_behind(unsigned char c)
{
	return c == '-' || c == ':' || c == '|';
}

/* A word, or another group, goes on behind it. */
static bool goes_on(const struct dlp_engine *e, const struct dlp_view *v,
		    size_t end)
{
	return end < v->n && (dlp_is(e, v->p[end], DLP_C_WORD) ||
			      (goes_on_behind(v->p[end]) && end + 1 < v->n &&
			       dlp_is(e, v->p[end + 1], DLP_C_WORD)));
}

/* "1-" before an area code: how much of it there is. */
static size_t trunk_prefix(const struct dlp_engine *e, const struct dlp_view *v,
			   size_t t)
{
	if (t < 2 || v->p[t - 2] != '1' ||
	    (v->p[t - 1] != '-' && v->p[t - 1] != '.'))
		return 0;
	if (t >= 3 && memchr("-./$#+", v->p[t - 3], 6))
		return 0;
	return dlp_word_begins(e, v, t - 2) ? 2 : 0;
}

/* What stands before the number forbids it: a word, a decimal point. */
static bool comes_from(const struct dlp_engine *e, const struct dlp_view *v,
		       size_t t)
{
	if (t == 0 || trunk_prefix(e, v, t))
		return false;
	if (v->p[t - 1] == '+')
		return !dlp_word_begins(e, v, t - 1);
	return memchr(".-/$#", v->p[t - 1], 5) || !dlp_word_begins(e, v, t);
}

static unsigned int number_type(const struct dlp_engine *e,
				const struct dlp_view *v, size_t t,
				const struct number *x)
{
	/* Also behind the plus of a line that was added to a file. */
	if (is_card(x) && !trunk_prefix(e, v, t))
		return e->person[DLP_CREDIT_CARD];
	if (t > 0 && v->p[t - 1] == '+' && is_international(x))
		return e->person[DLP_PHONE];
	if (is_nanp(x) && same_separators(x, 3))
		return e->person[DLP_PHONE];
	if (trunk_prefix(e, v, t))
		return DLP_NO_TYPE;
	if (x->n_groups == 1 && x->n == 9 && dlp_is_named_ssn(v, t))
		return is_ssn_range(x) ? e->person[DLP_SSN] : DLP_NO_TYPE;
	return is_ssn(x) ? e->person[DLP_SSN] : DLP_NO_TYPE;
}

/* Three digits, or fewer behind a plus sign. */
static enum dlp_answer begins_number(const struct dlp_view *v, size_t t)
{
	if (t > 0 && v->p[t - 1] == '+')
		return DLP_HIT;
	for (size_t i = t; i < t + 3; i++) {
		if (i >= v->n)
			return v->end ? DLP_MISS : DLP_MORE;
		if (!ascii_is(v->p[i], ASCII_DIGIT))
			return DLP_MISS;
	}
	return DLP_HIT;
}

static enum dlp_answer number_at(const struct dlp_engine *e,
				 const struct dlp_view *v, size_t t,
				 struct dlp_match *ret)
{
	struct number x;
	bool more;

	if (is_area_in_brackets(v, t, &ret->end, &more) && !more) {
		ret->start = t - 1;
		ret->type = e->person[DLP_PHONE];
		return DLP_HIT;
	}
	if (more)
		return DLP_MORE;
	if (is_bracketed_behind_code(v, t, &ret->end, &more) && !more) {
		ret->type = e->person[DLP_PHONE];
		return DLP_HIT;
	}
	if (more)
		return DLP_MORE;
	read_number(v, t, &x);
	if (x.more)
		return DLP_MORE;
	if (x.n < 9)
		return DLP_MISS;
	ret->type = number_type(e, v, t, &x);
	ret->end = t + x.end[x.n_groups - 1];
	return DLP_HIT;
}

enum dlp_answer dlp_number_match(const struct dlp_engine *e,
				 const struct dlp_view *v, size_t t,
				 struct dlp_match *ret)
{
	enum dlp_answer a = begins_number(v, t);

	ret->idle = v->n;
	ret->start = t - trunk_prefix(e, v, t);
	if (t > 0 && v->p[t - 1] == '+')
		ret->start = t - 1;
	if (a == DLP_HIT)
		a = comes_from(e, v, t) ? DLP_MISS : number_at(e, v, t, ret);
	if (a == DLP_MORE && t > 0 && v->p[t - 1] == '(')
		ret->start = t - 1;
	if (a != DLP_HIT)
		return a;
	/* The byte behind a dash says whether it goes on. */
	if (!v->end && ret->end + 1 >= v->n &&
	    (ret->end >= v->n || goes_on_behind(v->p[ret->end])))
		return DLP_MORE;
	return ret->type == DLP_NO_TYPE || goes_on(e, v, ret->end) ? DLP_MISS
								   : DLP_HIT;
}
