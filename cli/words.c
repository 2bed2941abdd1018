/* SPDX-License-Identifier: MIT */
/*
 * words.c - a line split into words with ' " and \ as a shell would
 */
#include "cli/words.h"

#include <errno.h>

void words_done(struct words *w)
{
	for (size_t i = 0; i < w->v.n; i++)
		free(w->v.data[i]);
	vec_done(&w->v);
}

static int finish(struct words *w, struct buf *word, bool *in_word)
{
	char *s;
	int r;

	if (!*in_word)
		return 0;
	buf_put(word, "", 0); /* an empty "" is a word as well */
	s = word->data ? buf_take(word) : strdup("");
	*in_word = false;
	if (!s)
		return -ENOMEM;
	r = vec_push(&w->v, s);
	if (r < 0)
		free(s);
	*word = BUF_INIT;
	return r;
}

int words_split(struct words *w, struct str line)
{
	_cleanup_buf_ struct buf word = BUF_INIT;
	bool in_word = false;
	char quote = 0;

	for (size_t i = 0; i < line.n; i++) {
		char ch = line.p[i];

		if (ch == '\\' && quote != '\'') {
			if (++i == line.n)
				return -EINVAL;
			buf_putc(&word, line.p[i]);
			in_word = true;
		} else if (quote && ch == quote) {
			quote = 0;
		} else if (!quote && (ch == '\'' || ch == '"')) {
			quote = ch;
			in_word = true;
		} else if (!quote && (ch == ' ' || ch == '\t')) {
			int r = finish(w, &word, &in_word);

			if (r < 0)
				return r;
		} else {
			buf_putc(&word, ch);
			in_word = true;
		}
	}
	return quote ? -EINVAL : finish(w, &word, &in_word);
}
