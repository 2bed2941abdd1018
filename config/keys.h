/* SPDX-License-Identifier: MIT */
/*
 * keys.h - the table of keys, private to config/ and its tests
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "config/config.h"

enum key_type {
	KEY_STR = 0,
	KEY_BOOL,
	KEY_TRI,
	KEY_INT, /* not negative */
	KEY_DURATION,
	KEY_SIZE,
	KEY_WORD, /* one of words */
	KEY_LIST,
	KEY_MAP,
	KEY_PORTS,
	KEY_ANY,
	KEY_FAMILIES,
	KEY_SOCKET_RULES,
	KEY_PATTERNS,
	KEY_PROFILES,
};

struct config_key {
	const char *path;
	enum key_type type;
	size_t offset;            /* in struct config */
	const char *const *words; /* KEY_WORD: NULL-terminated */
	const char *dflt; /* as in a file; a list with commas; or NULL */
	bool honoured;
};

struct config_alias {
	const char *from, *to; /* key or section */
};

struct config_idle {
	const char *path, *value;
	const char *note; /* why another value changes nothing; or NULL */
};

struct config_override {
	const char *variable, *path;
};

extern const struct config_key config_keys[];
extern const size_t config_n_keys;
extern const struct config_alias config_aliases[];
extern const size_t config_n_aliases;
extern const struct config_idle config_idle[];
extern const size_t config_n_idle;
extern const struct config_override config_overrides[];
extern const size_t config_n_overrides;

/* Variables of the reference that nothing here reads. */
extern const char *const config_unused_variables[];
extern const size_t config_n_unused_variables;

/* The key with exactly this path, or NULL. */
const struct config_key *config_key_find(const char *path);
/* True if some key lies below path. */
bool config_is_section(const char *path);

/* Sets one key from a node; errors as the yread functions. */
int config_set(struct config *c, const struct config_key *key,
	       const struct yreader *r, const struct ypath *at,
	       const struct ynode *node);
/* The same from text that comes from a default or the environment. */
int config_set_text(struct config *c, const struct config_key *key,
		    const struct yreader *r, const char *text);
/* True when both hold the same value for the key. */
bool config_same(const struct config_key *key, const struct config *a,
		 const struct config *b);

/* Expands $VAR and ${VAR} outside whole-line comments. */
int config_expand(const char *file, struct str text, char *const *env,
		  struct buf *out, struct diag *diag);
/* Value of a variable in an environ-like array; NULL if unset. */
const char *config_getenv(char *const *env, const char *name);

/* Defaults that depend on other settings or on where the file was found. */
int config_derive(struct config *c, const char *path, enum config_source source,
		  char *const *env);
/* Settings that are right one by one and wrong together. */
int config_check(const struct config *c, const struct yreader *r,
		 const struct ynode *root);

#endif
