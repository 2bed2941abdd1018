/* SPDX-License-Identifier: MIT */
/*
 * settings_sockets.c - sockets that the configuration refuses
 *
 * blocked_socket_families and socket_rules as one list with numbers. All of
 * them are refused and on record; what differs is whether the process goes on.
 */
#include "server/settings_sockets.h"

#include <errno.h>

#include "base/socket_words.h"

static int check_word(const char *word, int (*number)(struct str),
		      const char *key, const struct config *c,
		      struct diag *diag)
{
	if (!word || number(str_from(word)) >= 0)
		return 0;
	diag_error(diag, c->file, 0, 0,
		   "sandbox.seccomp.%s: \"%s\" is neither a known name, such "
		   "as AF_ALG, SOCK_RAW or IPPROTO_ICMP, nor a number",
		   key, word);
	return -EINVAL;
}

int settings_check_sockets(const struct config *c, struct diag *diag)
{
	const struct config_families *f =
		&c->sandbox.seccomp.blocked_socket_families;
	const struct config_socket_rules *s = &c->sandbox.seccomp.socket_rules;
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->n; i++)
		r = check_word(f->v[i].family, socket_family,
			       "blocked_socket_families", c, diag);
	for (size_t i = 0; r == 0 && i < s->n; i++) {
		r = check_word(s->v[i].family, socket_family, "socket_rules", c,
			       diag);
		if (r == 0)
			r = check_word(s->v[i].type, socket_type,
				       "socket_rules", c, diag);
		if (r == 0)
			r = check_word(s->v[i].protocol, socket_protocol,
				       "socket_rules", c, diag);
	}
	return r;
}

static bool kills(unsigned int action)
{
	return action == CONFIG_ON_BLOCK_KILL ||
	       action == CONFIG_ON_BLOCK_LOG_AND_KILL;
}

static void put_number(struct json_writer *w, const char *key, const char *word,
		       int (*number)(struct str))
{
	if (word)
		json_kv_i64(w, key, number(str_from(word)));
}

void settings_put_sockets(struct json_writer *w, const struct config *c)
{
	const struct config_families *f =
		&c->sandbox.seccomp.blocked_socket_families;
	const struct config_socket_rules *s = &c->sandbox.seccomp.socket_rules;

	json_key(w, "sockets");
	json_begin_array(w);
	for (size_t i = 0; i < f->n; i++) {
		json_begin_object(w);
		put_number(w, "family", f->v[i].family, socket_family);
		json_kv_bool(w, "kill", kills(f->v[i].action));
		json_end_object(w);
	}
	for (size_t i = 0; i < s->n; i++) {
		json_begin_object(w);
		json_kv_str_opt(w, "name", str_from(s->v[i].name));
		put_number(w, "family", s->v[i].family, socket_family);
		put_number(w, "type", s->v[i].type, socket_type);
		put_number(w, "protocol", s->v[i].protocol, socket_protocol);
		json_kv_bool(w, "kill", kills(s->v[i].action));
		json_end_object(w);
	}
	json_end_array(w);
}
