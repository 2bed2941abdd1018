/* SPDX-License-Identifier: MIT */
/*
 * whole.c - findings of a text that is all there
 */
#include <errno.h>

#include "dlp/priv.h"

int dlp_find(const struct dlp_engine *e, struct str text,
	     const struct dlp_sink *sink)
{
	struct dlp_view v = { .p = (const unsigned char *)text.p,
			      .n = text.n,
			      .begin = true,
			      .end = true };
	struct dlp_scan s;
	size_t idle;

	if (e->n_types == 0 || text.n == 0)
		return 0;
	dlp_scan_init(&s, e, sink);
	(void)dlp_scan_run(&s, &v, &idle);
	dlp_scan_done(&s);
	return s.error < 0 ? s.error : s.n_found;
}

struct splice {
	struct buf *out;
	struct str text;
	size_t done;
	const struct dlp_sink *sink;
};

static void on_found(void *arg, const struct dlp_finding *f)
{
	struct splice *s = arg;

	if (f->action != DLP_LOG) {
		buf_put(s->out, s->text.p + s->done, f->offset - s->done);
		buf_put_str(s->out, f->replacement);
		s->done = f->offset + f->length;
	}
	if (s->sink && s->sink->found)
		s->sink->found(s->sink->arg, f);
}

int dlp_redact(const struct dlp_engine *e, struct str text, struct buf *out,
	       const struct dlp_sink *sink)
{
	struct splice s = { .out = out, .text = text, .sink = sink };
	struct dlp_sink inner = { .found = on_found,
				  .arg = &s,
				  .tokens = sink ? sink->tokens : NULL };
	int n = dlp_find(e, text, &inner);

	if (n < 0)
		return n;
	buf_put_str(out, str_skip(text, s.done));
	return out->error ? out->error : n;
}
