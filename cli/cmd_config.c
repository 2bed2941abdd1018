/* SPDX-License-Identifier: MIT */
/*
 * cmd_config.c - config show, validate
 */
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "config/config.h"

static enum config_source find_config(const struct cli *c, struct buf *path)
{
	const char *given = flag_text(&c->flags, "path");

	return config_find(given[0] ? given : NULL, environ, path);
}

int cmd_config_show(struct cli *c)
{
	_cleanup_(config_free_p) struct config *config = NULL;
	_cleanup_buf_ struct buf path = BUF_INIT, b = BUF_INIT;
	_cleanup_diag_ struct diag diag = DIAG_INIT;
	enum config_source source = find_config(c, &path);
	struct json_writer w;
	int r = config_load(buf_cstr(&path), source, environ, &config, &diag);

	out_diag(&diag);
	if (r < 0)
		return diag.n_errors ? 1
				     : fail_errno(r, "configuration %s",
						  buf_cstr(&path));
	json_writer_init(&w, &b, 2);
	config_to_json(config, &w);
	buf_putc(&b, '\n');
	return out_buf(&b);
}

int cmd_config_validate(struct cli *c)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	_cleanup_diag_ struct diag diag = DIAG_INIT;
	enum config_source source = find_config(c, &path);
	int r = config_validate(buf_cstr(&path), source, environ, &diag);

	out_diag(&diag);
	if (r < 0)
		return diag.n_errors + diag.n_warnings
			       ? 1
			       : fail_errno(r, "configuration %s",
					    buf_cstr(&path));
	return out_line("ok");
}
