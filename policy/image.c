/* SPDX-License-Identifier: MIT */
/*
 * image.c - check, map and share compiled policies
 *
 * The check is what makes an image from a descriptor safe to use: every table
 * lies in the block, every span in its table, every program and pattern passes
 * its own validator, and tree children come after their parents so that walks
 * end. Readers then need no checks of their own.
 */
#include "policy/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/nfa.h"
#include "config.h"
#include "core/op.h"
#include "policy/policy.h"
#include "policy/rules.h"

/* Bytes in front of what the checksum covers. */
#define UNSUMMED 32U

#define UNCHANGING (F_SEAL_WRITE | F_SEAL_SHRINK)

const uint32_t img_element_size[SEC_MAX] = {
	[SEC_BYTES] = 1,
	[SEC_STRS] = sizeof(struct img_str),
	[SEC_INSTS] = sizeof(struct nfa_inst),
	[SEC_RANGES] = sizeof(struct nfa_range),
	[SEC_PATS] = sizeof(struct img_pat),
	[SEC_PROGS] = sizeof(struct img_prog),
	[SEC_NODES] = sizeof(struct img_node),
	[SEC_SLOTS] = sizeof(struct img_slot),
	[SEC_ITEMS] = sizeof(struct img_item),
	[SEC_RULES] = sizeof(struct img_rule),
	[SEC_COMMANDS] = sizeof(struct img_command),
	[SEC_NETS] = sizeof(struct img_net),
	[SEC_CIDRS] = sizeof(struct img_cidr),
	[SEC_NUMBERS] = sizeof(uint32_t),
	[SEC_SIGNALS] = sizeof(struct img_signal),
	[SEC_SERVICES] = sizeof(struct img_service),
	[SEC_DIVERTS] = sizeof(struct img_divert),
};

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9E3779B97F4A7C15ULL;
	return h ^ h >> 29;
}

uint64_t img_build_id(void)
{
	uint64_t h = mix(IMAGE_VERSION, sizeof(struct img_header));

	for (size_t i = 0; i < SEC_MAX; i++)
		h = mix(h, img_element_size[i]);
	for (const char *c = AGENTSH_VERSION; *c; c++)
		h = mix(h, (unsigned char)*c);
	return h;
}

uint64_t img_checksum(const void *block, size_t n)
{
	const char *p = block;
	uint64_t h = n, word;

	for (size_t i = UNSUMMED; i + sizeof(word) <= n; i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		h = mix(h, word);
	}
	return h;
}

/* --- the check ------------------------------------------------------------ */

static bool span_in(const struct policy *p, struct img_span s,
		    enum image_section sec)
{
	uint32_t n = p->h->sec[sec].n;

	return s.first <= n && s.n <= n - s.first;
}

static bool str_in(const struct policy *p, struct img_str s)
{
	uint32_t n = p->h->sec[SEC_BYTES].n;

	return s.off <= n && s.len <= n - s.off;
}

static bool index_in(const struct policy *p, uint32_t i, enum image_section sec)
{
	return i < p->h->sec[sec].n;
}

static bool check_tables(const struct policy *p)
{
	for (size_t i = 0; i < SEC_MAX; i++) {
		struct img_table t = p->h->sec[i];
		uint64_t bytes = (uint64_t)t.n * img_element_size[i];

		if (t.off % 8 || t.off < sizeof(*p->h) || t.off > p->size ||
		    bytes > p->size - t.off)
			return false;
	}
	return true;
}

#define EACH(p, section, type, e)                              \
	for (const type *e = IMG_TABLE(p, section, type),      \
			*e##_end = e + (p)->h->sec[section].n; \
	     e < e##_end; e++)

static bool check_prog(const struct policy *p, const struct img_prog *g)
{
	struct nfa prog;

	if (!span_in(p, g->insts, SEC_INSTS) ||
	    !span_in(p, g->ranges, SEC_RANGES))
		return false;
	prog = img_prog(p, g);
	return nfa_valid(&prog);
}

static bool check_pats(const struct policy *p)
{
	EACH(p, SEC_PATS, struct img_pat, g)
	{
		if (g->shape > GLOB_PROGRAM || g->sep > 127 ||
		    !str_in(p, g->prefix) || !str_in(p, g->suffix) ||
		    !str_in(p, g->tokens))
			return false;
		if (g->shape >= GLOB_TOKENS && !check_prog(p, &g->prog))
			return false;
	}
	EACH(p, SEC_PROGS, struct img_prog, g)
	{
		if (!check_prog(p, g))
			return false;
	}
	return true;
}

static bool check_lookups(const struct policy *p)
{
	uint32_t number = 0;

	EACH(p, SEC_STRS, struct img_str, s)
	{
		if (!str_in(p, *s))
			return false;
	}
	EACH(p, SEC_ITEMS, struct img_item, i)
	{
		if (i->pat != IMAGE_NONE && !index_in(p, i->pat, SEC_PATS))
			return false;
	}
	EACH(p, SEC_SLOTS, struct img_slot, s)
	{
		if (!str_in(p, s->key) || !span_in(p, s->items, SEC_ITEMS))
			return false;
	}
	EACH(p, SEC_NODES, struct img_node, n)
	{
		if (!str_in(p, n->label) || !str_in(p, n->keys) ||
		    !span_in(p, n->items, SEC_ITEMS) ||
		    !span_in(p, n->children, SEC_NODES) ||
		    n->keys.len != n->children.n ||
		    (n->children.n && n->children.first <= number))
			return false;
		number++;
	}
	return true;
}

static bool check_index(const struct policy *p, const struct img_index *ix)
{
	uint32_t e = ix->exact.n, i = ix->inner.n;

	return span_in(p, ix->exact, SEC_SLOTS) && (e & (e - 1)) == 0 &&
	       span_in(p, ix->inner, SEC_SLOTS) && (i & (i - 1)) == 0 &&
	       span_in(p, ix->always, SEC_ITEMS) && ix->sep <= 127 &&
	       (ix->heads == IMAGE_NONE || index_in(p, ix->heads, SEC_NODES)) &&
	       (ix->tails == IMAGE_NONE || index_in(p, ix->tails, SEC_NODES));
}

/* Every item reachable in the index must name a rule of the family. */
static bool check_span_rules(const struct policy *p, struct img_span span,
			     uint32_t n_rules)
{
	const struct img_item *item =
		IMG_TABLE(p, SEC_ITEMS, struct img_item) + span.first;

	for (uint32_t i = 0; i < span.n; i++) {
		if (item[i].rule >= n_rules)
			return false;
	}
	return true;
}

static bool check_slots_rules(const struct policy *p, struct img_span slots,
			      uint32_t n_rules)
{
	const struct img_slot *s =
		IMG_TABLE(p, SEC_SLOTS, struct img_slot) + slots.first;

	for (uint32_t i = 0; i < slots.n; i++) {
		if (!check_span_rules(p, s[i].items, n_rules))
			return false;
	}
	return true;
}

/*
 * Marks what is reachable by visiting nodes in order: children come later, so
 * one pass over [root, end) with the children's span as frontier suffices; a
 * node that is not reachable is checked too, which is stricter than needed
 * only for images we did not write.
 */
static bool check_tree_rules(const struct policy *p, uint32_t root,
			     uint32_t n_rules)
{
	const struct img_node *nodes = IMG_TABLE(p, SEC_NODES, struct img_node);
	uint64_t end = (uint64_t)root + 1;

	if (root == IMAGE_NONE)
		return true;
	for (uint64_t i = root; i < end; i++) {
		const struct img_node *n = &nodes[i];
		uint64_t last = (uint64_t)n->children.first + n->children.n;

		if (!check_span_rules(p, n->items, n_rules))
			return false;
		if (n->children.n && last > end)
			end = last;
	}
	return true;
}

static bool check_family(const struct policy *p, const struct img_index *ix,
			 enum img_family family)
{
	uint32_t n = p->h->family[family].n;

	return check_index(p, ix) && check_slots_rules(p, ix->exact, n) &&
	       check_slots_rules(p, ix->inner, n) &&
	       check_span_rules(p, ix->always, n) &&
	       check_tree_rules(p, ix->heads, n) &&
	       check_tree_rules(p, ix->tails, n);
}

static const enum image_section extra_section[FAMILY_MAX] = {
	[FAMILY_FILE] = SEC_MAX,       [FAMILY_COMMAND] = SEC_COMMANDS,
	[FAMILY_NET] = SEC_NETS,       [FAMILY_UNIX] = SEC_MAX,
	[FAMILY_SIGNAL] = SEC_SIGNALS, [FAMILY_HTTP] = SEC_MAX,
};

static bool check_rules(const struct policy *p)
{
	EACH(p, SEC_RULES, struct img_rule, r)
	{
		if (!str_in(p, r->name) || !str_in(p, r->description) ||
		    !str_in(p, r->message) || !str_in(p, r->redirect_to) ||
		    !span_in(p, r->sources, SEC_STRS) ||
		    r->kind >= VERDICT_KIND_MAX)
			return false;
	}
	for (size_t f = 0; f < FAMILY_MAX; f++) {
		struct img_span s = p->h->family[f];
		const struct img_rule *r;

		if (!span_in(p, s, SEC_RULES))
			return false;
		r = img_rules(p, (enum img_family)f);
		for (uint32_t i = 0; i < s.n; i++) {
			if (extra_section[f] != SEC_MAX &&
			    !index_in(p, r[i].extra, extra_section[f]))
				return false;
		}
	}
	return true;
}

static bool check_commands(const struct policy *p)
{
	EACH(p, SEC_COMMANDS, struct img_command, c)
	{
		if (!span_in(p, c->args, SEC_PROGS) ||
		    !span_in(p, c->redirect_args, SEC_STRS) ||
		    !span_in(p, c->redirect_env, SEC_STRS) ||
		    !span_in(p, c->args_sources, SEC_STRS) ||
		    !span_in(p, c->env_allow, SEC_PATS) ||
		    !span_in(p, c->env_deny, SEC_PATS))
			return false;
	}
	EACH(p, SEC_NETS, struct img_net, n)
	{
		if (!span_in(p, n->ports, SEC_NUMBERS) ||
		    !span_in(p, n->cidrs, SEC_CIDRS))
			return false;
	}
	EACH(p, SEC_CIDRS, struct img_cidr, c)
	{
		if (c->bits > 128)
			return false;
	}
	EACH(p, SEC_SIGNALS, struct img_signal, s)
	{
		if (s->target > SIGTARGET_PID_RANGE ||
		    (s->pattern != IMAGE_NONE &&
		     !index_in(p, s->pattern, SEC_PATS)))
			return false;
	}
	return true;
}

static bool check_services(const struct policy *p)
{
	EACH(p, SEC_SERVICES, struct img_service, s)
	{
		if (!str_in(p, s->name) || !str_in(p, s->upstream) ||
		    !str_in(p, s->expose_as) || !str_in(p, s->secret_ref) ||
		    !str_in(p, s->secret_format) || !str_in(p, s->secret_env) ||
		    !str_in(p, s->inject_header) ||
		    !str_in(p, s->inject_template) ||
		    !span_in(p, s->aliases, SEC_STRS) ||
		    !check_family(p, &s->paths, FAMILY_HTTP))
			return false;
	}
	EACH(p, SEC_DIVERTS, struct img_divert, d)
	{
		if (!str_in(p, d->name) || !str_in(p, d->target) ||
		    !str_in(p, d->unix_path) || !str_in(p, d->sni) ||
		    !str_in(p, d->message) || !check_prog(p, &d->match))
			return false;
	}
	return true;
}

static bool check_header(const struct policy *p)
{
	const struct img_header *h = p->h;
	uint32_t n_bits = h->cidr_bits.n;

	return str_in(p, h->name) && str_in(p, h->description) &&
	       span_in(p, h->any_command, SEC_ITEMS) &&
	       check_span_rules(p, h->any_command,
				h->family[FAMILY_COMMAND].n) &&
	       span_in(p, h->any_net, SEC_ITEMS) &&
	       check_span_rules(p, h->any_net, h->family[FAMILY_NET].n) &&
	       span_in(p, h->cidr_bits, SEC_NUMBERS) && n_bits <= 129 &&
	       span_in(p, h->transparent, SEC_STRS) &&
	       span_in(p, h->env_inject, SEC_STRS) &&
	       h->env_inject.n % 2 == 0 &&
	       span_in(p, h->dns_redirects, SEC_DIVERTS) &&
	       span_in(p, h->connect_redirects, SEC_DIVERTS) &&
	       span_in(p, h->env.allow, SEC_PATS) &&
	       span_in(p, h->env.deny, SEC_PATS);
}

static bool check_indexes(const struct policy *p)
{
	const struct img_header *h = p->h;

	return check_family(p, &h->files, FAMILY_FILE) &&
	       check_family(p, &h->basenames, FAMILY_COMMAND) &&
	       check_family(p, &h->commands, FAMILY_COMMAND) &&
	       check_family(p, &h->domains, FAMILY_NET) &&
	       check_family(p, &h->cidrs, FAMILY_NET) &&
	       check_family(p, &h->ports, FAMILY_NET) &&
	       check_family(p, &h->unixes, FAMILY_UNIX) &&
	       check_family(p, &h->signals, FAMILY_SIGNAL);
}

int image_check(const void *block, size_t n)
{
	struct policy p = { .h = block, .base = block, .size = n };

	if (n < sizeof(*p.h) || n > IMAGE_MAX || n % 8)
		return -EBADMSG;
	if (p.h->magic != IMAGE_MAGIC || p.h->version != IMAGE_VERSION ||
	    p.h->total != n || p.h->build_id != img_build_id() ||
	    p.h->checksum != img_checksum(block, n))
		return -EBADMSG;
	if (!check_tables(&p) || !check_pats(&p) || !check_lookups(&p) ||
	    !check_rules(&p) || !check_header(&p) || !check_indexes(&p) ||
	    !check_commands(&p) || !check_services(&p))
		return -EBADMSG;
	return 0;
}

/* --- sharing --------------------------------------------------------------- */

int policy_to_fd(const struct policy *p, int *ret_fd)
{
	int fd;

	fd = fd_sealed_memfd("agentsh-policy", str_from_n(p->base, p->size));
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

/* A file that someone can still write is checked and used as a copy. */
static int copy_image(int fd, size_t size, struct policy *p)
{
	char *block = malloc(size);
	ssize_t n;

	if (!block)
		return -ENOMEM;
	p->base = block;
	p->h = (const struct img_header *)(void *)block;
	p->size = size;
	n = pread(fd, block, size, 0);
	return n == (ssize_t)size ? 0 : -EBADMSG;
}

static int map_image(int fd, struct policy *p)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *block;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < (off_t)sizeof(struct img_header) ||
	    st.st_size > (off_t)IMAGE_MAX)
		return -EBADMSG;
	if (seals < 0 || (seals & UNCHANGING) != UNCHANGING)
		return copy_image(fd, (size_t)st.st_size, p);
	block = mmap(NULL, (size_t)st.st_size, PROT_READ,
		     MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (block == MAP_FAILED)
		return -errno;
	p->base = block;
	p->h = block;
	p->size = (size_t)st.st_size;
	p->mapped = true;
	return 0;
}

int policy_from_fd(int fd, struct policy **ret)
{
	_cleanup_close_ int owned = fd;
	struct policy *p;
	int r;

	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->refs = 1;
	r = map_image(owned, p);
	if (r == 0)
		r = image_check(p->base, p->size);
	if (r < 0) {
		(void)policy_unref(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct policy *policy_ref(struct policy *p)
{
	__atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
	return p;
}

struct policy *policy_unref(struct policy *p)
{
	void *block;

	if (!p || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return NULL;
	memcpy(&block, &p->base, sizeof(block));
	if (p->mapped)
		(void)munmap(block, p->size);
	else
		free(block);
	free(p);
	return NULL;
}
