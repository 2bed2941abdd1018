/* SPDX-License-Identifier: MIT */
/*
 * parse_http.c - http_services: declared upstreams and their rules
 */
#include <errno.h>

#include "policy/parse.h"
#include "policy/policy.h"

static bool is_name(struct str s, const char *extra)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool alnum = (c >= '0' && c <= '9') ||
			     ((c | 32) >= 'a' && (c | 32) <= 'z');

		if (!alnum && !strchr(extra, c))
			return false;
	}
	return s.n > 0;
}

#define RULE(field) offsetof(struct http_rule, field)
static const struct bind_field rule_fields[] = {
	PARSE_COMMON(struct http_rule),
	{ "methods", BIND_FN, RULE(methods), bind_rule_list },
	{ "paths", BIND_FN, RULE(paths), bind_rule_list },
};
static const struct bind_table rule_table = BIND_TABLE_INIT(rule_fields);

static int http_rule(const struct yreader *r, const struct ypath *at,
		     const struct ynode *node, void *slot)
{
	struct http_rule *rule = slot;
	int e = parse_rule(r, at, node, &rule_table, rule, &rule->c);

	if (e < 0)
		return e;
	if (rule->c.decision_valid && (rule->c.decision == VERDICT_REDIRECT ||
				       rule->c.decision == VERDICT_SOFT_DELETE))
		return yread_error(r, at, node,
				   "decision must be allow, deny, approve or "
				   "audit, not %s",
				   rule->c.decision_text.p);
	return 0;
}

static int http_rules(const struct yreader *r, const struct ypath *at,
		      const struct ynode *node, void *slot)
{
	struct http_service *s = slot;
	void *v = NULL;
	int e = bind_array(r, at, node,
			   (struct bind_elem){ sizeof(*s->rules), http_rule },
			   &v, &s->n_rules);

	s->rules = v;
	return e;
}

static int default_word(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, void *slot)
{
	static const char *const words[] = { "deny", "allow" };
	struct http_service *s = slot;
	unsigned int word = 0;
	int e = bind_word(r, at, node, words, 2, &word);

	if (e == 0 && node->type != YNODE_NULL) {
		s->has_default = true;
		s->default_allow = word == 1;
	}
	return e;
}

#define SVC(field) offsetof(struct http_service, field)
static const struct bind_field secret_fields[] = {
	{ "ref", BIND_STR, SVC(secret_ref), NULL },
	{ "format", BIND_STR, SVC(secret_format), NULL },
	{ "env", BIND_STR, SVC(secret_env), NULL },
	{ "places", BIND_FN, SVC(place_words), bind_rule_list },
};
static const struct bind_table secret_table = BIND_TABLE_INIT(secret_fields);

static int set_places(const struct yreader *r, const struct ypath *at,
		      const struct ynode *node, struct http_service *s)
{
	static const char *const words[PLACE_MAX] = { "header", "query",
						      "body" };

	for (size_t i = 0; i < s->place_words.n; i++) {
		struct str word = s->place_words.v[i].s;
		unsigned int place = 0;

		while (place < PLACE_MAX && !str_eq_c(word, words[place]))
			place++;
		if (place == PLACE_MAX)
			return yread_error(r, at, node,
					   "places: header, query and body, "
					   "not \"%.60s\"",
					   word.p);
		s->secret_places |= 1U << place;
	}
	if (s->place_words.n == 0)
		s->secret_places = 1U << PLACE_HEADER;
	return 0;
}

static int secret(const struct yreader *r, const struct ypath *at,
		  const struct ynode *node, void *slot)
{
	struct http_service *s = slot;
	int e = bind_mapping(r, at, node, &secret_table, s);

	if (e == 0 && node->type != YNODE_NULL && s->secret_ref.n == 0)
		return yread_error(r, at, node, "ref is required");
	return e < 0 ? e : set_places(r, at, node, s);
}

static const struct bind_field header_fields[] = {
	{ "name", BIND_STR, SVC(inject_header), NULL },
	{ "template", BIND_STR, SVC(inject_template), NULL },
};
static const struct bind_table header_table = BIND_TABLE_INIT(header_fields);

static int inject_header(const struct yreader *r, const struct ypath *at,
			 const struct ynode *node, void *slot)
{
	struct http_service *s = slot;
	int e = bind_mapping(r, at, node, &header_table, s);

	if (e < 0 || node->type == YNODE_NULL)
		return e;
	if (!is_name(s->inject_header, "!#$%&'*+-.^_`|~"))
		return yread_error(r, at, node, "name is no HTTP header name");
	if (str_find(s->inject_template, STR("{{secret}}")) < 0)
		return yread_error(r, at, node,
				   "template must contain {{secret}}");
	return 0;
}

static const struct bind_field inject_fields[] = {
	{ "header", BIND_FN, 0, inject_header },
};
static const struct bind_table inject_table = BIND_TABLE_INIT(inject_fields);

static int inject(const struct yreader *r, const struct ypath *at,
		  const struct ynode *node, void *slot)
{
	return bind_mapping(r, at, node, &inject_table, slot);
}

static const struct bind_field service_fields[] = {
	{ "name", BIND_FN, SVC(name), bind_rule_text },
	{ "upstream", BIND_FN, SVC(upstream), bind_rule_text },
	{ "expose_as", BIND_STR, SVC(expose_as), NULL },
	{ "aliases", BIND_FN, SVC(aliases), bind_rule_list },
	{ "allow_direct", BIND_BOOL, SVC(allow_direct), NULL },
	{ "default", BIND_FN, 0, default_word },
	{ "rules", BIND_FN, 0, http_rules },
	{ "secret", BIND_FN, 0, secret },
	{ "inject", BIND_FN, 0, inject },
	{ "scrub_response", BIND_BOOL, SVC(scrub_response), NULL },
	{ "intercept", BIND_BOOL, SVC(intercept), NULL },
};
static const struct bind_table service_table = BIND_TABLE_INIT(service_fields);

static int check_expose(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, const char *key,
			struct str name)
{
	static const char *const reserved[] = { "ANTHROPIC_BASE_URL",
						"OPENAI_BASE_URL",
						"AGENTSH_SESSION_ID" };

	if (name.n == 0)
		return 0;
	if (!is_name(name, "_") || (name.p[0] >= '0' && name.p[0] <= '9'))
		return yread_error(r, at, node,
				   "%s: \"%.60s\" is no name of an "
				   "environment variable",
				   key, name.p);
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (str_eq_icase(name, str_from(reserved[i])))
			return yread_error(r, at, node, "%s: %s is reserved",
					   key, reserved[i]);
	return 0;
}

static int http_service(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, void *slot)
{
	struct http_service *s = slot;
	struct str scheme = STR("https://"), url;
	int e = bind_mapping(r, at, node, &service_table, s);

	s->pos = (struct rule_pos){ node->line, node->column };
	if (e < 0)
		return e;
	if (!is_name(s->name.s, "._-"))
		return yread_error(r, at, node,
				   "name is required, of letters, digits, "
				   "'.', '_' and '-'");
	url = s->upstream.s;
	if (url.n <= scheme.n ||
	    !str_eq_icase(str_from_n(url.p, scheme.n), scheme) ||
	    strchr("/?#:", url.p[scheme.n]))
		return yread_error(r, at, node,
				   "upstream must be an https:// URL with a "
				   "host");
	if (s->inject_header.n && s->secret_ref.n == 0)
		return yread_error(r, at, node,
				   "inject needs a secret with a ref");
	e = check_expose(r, at, node, "expose_as", s->expose_as);
	return e < 0 ? e
		     : check_expose(r, at, node, "secret.env", s->secret_env);
}

static int check_unique(const struct yreader *r, const struct ypath *at,
			const struct http_service *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			struct ypath here = { .up = at, .index = i };
			struct ynode place = { .line = v[i].pos.line,
					       .column = v[i].pos.column };

			if (str_eq_icase(v[i].name.s, v[j].name.s))
				return yread_error(r, &here, &place,
						   "name \"%.60s\" is taken by "
						   "http_services[%zu]",
						   v[i].name.s.p, j);
		}
	}
	return 0;
}

/* Each needs a listener path; also keeps the pairwise check small. */
#define HTTP_SERVICES_MAX 1000

int parse_http_services(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, void *slot)
{
	struct policy_rules *p = slot;
	void *v = NULL;
	int e = 0;

	if (node->type == YNODE_SEQUENCE && node->n > HTTP_SERVICES_MAX)
		return yread_error(r, at, node, "more than %d services",
				   HTTP_SERVICES_MAX);
	e = bind_array(r, at, node,
		       (struct bind_elem){ sizeof(*p->services), http_service },
		       &v, &p->n_services);
	p->services = v;
	return e < 0 ? e : check_unique(r, at, p->services, p->n_services);
}
