/* SPDX-License-Identifier: MIT */
/*
 * service.h - the policy's http_services, as the proxy uses them
 *
 * A table is made from a policy and lives as long as somebody holds it, so that
 * a request under way ends under the policy it began with.
 */
#ifndef NETPROXY_SERVICE_H
#define NETPROXY_SERVICE_H

#include "base/http1.h"
#include "base/json.h"
#include "netproxy/creds.h"
#include "netproxy/gate.h"
#include "netproxy/provider.h"

struct service {
	char *name;              /* owned, as the rest; lower case as written */
	char *var;               /* variable with its address */
	char *secret_var;        /* variable with the phantom; NULL = none */
	char *header, *template; /* to inject; NULL = none */
	struct provider to;
	const struct cred *cred; /* NULL: without secret */
	uint32_t places;         /* 1 << enum policy_place */
	bool allow_direct, intercept, scrub;
	bool broken;  /* its upstream is no URL of ours: always refused */
	char **hosts; /* canonical names of the host, with the aliases */
	size_t n_hosts;
};

struct services {
	unsigned int refs;
	struct service *v;
	size_t n;
};

/*
 * phantoms: VARIABLE to phantom, as an earlier proxy of the session had them;
 * may be NULL. Secrets are read into creds; that blocks. NULL: no memory.
 */
struct services *services_new(const struct policy *p, struct creds *creds,
			      const struct json *phantoms);
struct services *services_ref(struct services *s);
struct services *services_unref(struct services *s); /* NULL is fine */
/* True if a service of p has a secret that was not read yet. */
bool services_need_secrets(const struct policy *p, const struct creds *creds);
const struct service *services_find(const struct services *s, struct str name);
/* The one that is declared for this host, or NULL. */
const struct service *services_by_host(const struct services *s,
				       struct str host);
/* {"VARIABLE": "phantom"} for the commands' environment, appended. */
void services_put_phantoms(const struct services *s, struct buf *out);

/*
 * The path of a request target without query, decoded as far as that can be done
 * without doubt, appended to out. -EINVAL: what else it could mean depends on
 * who reads it.
 */
int service_path(struct str target, struct buf *out);
/* May this be asked of it? path: from service_path(). */
struct net_answer service_decide(const struct gate *g, const struct service *s,
				 struct str method, struct str path);

#endif
