/* SPDX-License-Identifier: MIT */
/*
 * test_dlp_recall.c - how much is found of each type, and what is found that
 * is none
 *
 * Samples of every published format (samples_table.h, samples_world.h), and
 * texts that look like secrets without being any: digests, identifiers, lock
 * files, pictures, placeholders, code. Prints a table of both in Markdown,
 * which docs/design/dlp-recall.md holds: build/tests/unit/dlp/test_dlp_recall
 */
#include <stdio.h>

#include "tests/unit/dlp/fixture.h"
#include "tests/unit/dlp/samples.h"
#include "tests/unit/dlp/samples_world.h"

#define SEEDS     20
#define NEGATIVES 200 /* texts of each shape */
#define TYPES_MAX 512

struct tally {
	const char *type;
	unsigned int shapes, n, found, named;
};

static struct {
	struct dlp_engine *engine;
	struct tally types[TYPES_MAX];
	size_t n_types;
} t;

static struct tally *tally_of(const char *type)
{
	size_t i = 0;

	while (i < t.n_types && strcmp(t.types[i].type, type) != 0)
		i++;
	assert_true(i < TYPES_MAX);
	if (i == t.n_types)
		t.types[t.n_types++].type = type;
	return &t.types[i];
}

/* How many of its bytes are in a finding; *ret_named: one of its type. */
static size_t covered(const struct found *f, const struct sample *s, size_t at,
		      size_t n, bool *ret_named)
{
	size_t sum = 0;

	for (size_t i = 0; i < MIN(f->n, (size_t)MAX_FOUND); i++) {
		const struct dlp_finding *x = &f->at[i];
		size_t from = MAX((size_t)x->offset, at);
		size_t to = MIN((size_t)(x->offset + x->length), at + n);

		if (to <= from)
			continue;
		sum += to - from;
		if (strcmp(dlp_type_name(t.engine, x->type), s->type) == 0)
			*ret_named = true;
	}
	return sum;
}

static void try_sample(const struct sample *s, size_t index)
{
	struct tally *to = tally_of(s->type);

	to->shapes++;
	for (unsigned int k = 0; k < SEEDS; k++) {
		_cleanup_buf_ struct buf text = BUF_INIT;
		struct found f = { 0 };
		size_t at = sample_put(&text, s, index * 1000 + k);
		size_t n = text.len - at - strlen(sample_after(s));
		bool named = false;

		buf_puts(&text, "\n");
		find_in(t.engine, buf_str(&text), &f);
		to->n++;
		/* What a type's name stands in front of may stay. */
		to->found += covered(&f, s, at, n, &named) * 4 >= n * 3;
		to->named += named;
	}
}

static void test_positives(void **state)
{
	unsigned int n = 0, found = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		try_sample(&samples[i], i);
	for (size_t i = 0; i < ARRAY_LEN(world); i++)
		try_sample(&world[i], 5000 + i);
	printf("| type | shapes | samples | found | by this name |\n"
	       "|---|---:|---:|---:|---:|\n");
	for (size_t i = 0; i < t.n_types; i++) {
		const struct tally *x = &t.types[i];

		printf("| %s | %u | %u | %u %% | %u %% |\n", x->type, x->shapes,
		       x->n, x->found * 100 / x->n, x->named * 100 / x->n);
		n += x->n;
		found += x->found;
		assert_true(x->found * 100 >= x->n * 80);
	}
	printf("| all | %zu | %u | %.2f %% | |\n",
	       ARRAY_LEN(samples) + ARRAY_LEN(world), n, found * 100.0 / n);
	assert_true(found * 1000.0 >= n * 995.0);
}

/* Kinds of samples.h, in what is no secret. */
static const struct negative {
	const char *what, *shape;
} negatives[] = {
	{ "UUID", "id: {g1}" },
	{ "UUID in JSON", "{\"id\": \"{g1}\"}" },
	{ "git commit", "commit {h40}" },
	{ "git range", "{h40}..{h40} main -> main" },
	{ "SHA-256", "sha256:{h64}" },
	{ "SHA-256 of a file", "{h64}  file.tar.gz" },
	{ "MD5 of a file", "{h32}  file.txt" },
	{ "image digest", "FROM debian@sha256:{h64}" },
	{ "npm integrity", "\"integrity\": \"sha512-{b86}==\"" },
	{ "yarn integrity", "  integrity sha512-{b86}==" },
	{ "go.sum", "github.com/a/b v1.2.3 h1:{b43}=" },
	{ "cargo checksum", "checksum = \"{h64}\"" },
	{ "pip hash", "    --hash=sha256:{h64} \\" },
	{ "nix hash", "sha256-{b43}=" },
	{ "SRI", "integrity=\"sha384-{b64}\" crossorigin" },
	{ "picture", "<img src=\"data:image/png;base64,iVBORw0KGgo{b400}=\">" },
	{ "font", "url(data:font/woff2;base64,d09GMgAB{b300})" },
	{ "source map", "\"mappings\":\"AAAA;{a30},CAAC;{a20}\"" },
	{ "SSH public key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5{b44} me" },
	{ "certificate", "-----BEGIN CERTIFICATE-----\n{b64}\n{b64}\n"
			 "-----END CERTIFICATE-----" },
	{ "public key", "-----BEGIN PUBLIC KEY-----\n{b64}\n"
			"-----END PUBLIC KEY-----" },
	{ "version", "1.2.{d1}-rc.{d1}+build.{d4}" },
	{ "time", "2026-11-2{d1}T01:02:0{d1}.{d6}Z" },
	{ "epoch", "ts=17{d8} dur={d3}ms" },
	{ "address", "0x{h12} <main+0x{h2}>" },
	{ "IP", "10.{d2}.{d2}.{d2}:80{d2}" },
	{ "MAC", "02:42:{h2}:{h2}:{h2}:{h2}" },
	{ "number", "total {d12} bytes" },
	{ "decimal", "0.{d16}" },
	{ "colour", "color: #{h6}; fill: #{h8}" },
	{ "cache key", "cache-key: node-modules-{h64}" },
	{ "etag", "ETag: \"{h32}\"" },
	{ "trace", "traceparent: 00-{h32}-{h16}-01" },
	{ "request", "x-request-id: {g1}" },
	{ "bundle", "main.{h20}.chunk.js" },
	{ "class", "css-{l6} sc-{L6} {L5}__{L7}--{L4}" },
	{ "minified", "function {L1}({L1}){return {L1}.{L3}[{d2}]^{d5}}" },
	{ "placeholder", "API_KEY=your_api_key_{d2}" },
	{ "variable", "password = os.environ[\"DB_PASS{d1}\"]" },
	{ "reference", "token: ${{ secrets.NPM_TOKEN_{d1} }}" },
	{ "code", "secret = get_secret(client_{d1}, name)" },
	{ "type", "api_key: Optional[str] = None  # {d3}" },
	{ "stars", "password: ************{d1}" },
	{ "xs", "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{d1}" },
	{ "path", "/home/u{d2}/project/src/{L8}/{L9}.c" },
	{ "module", "import { {L7} } from '@scope/{L8}-{L6}'" },
	{ "order", "Order 2026-{d6}, item {d8}" },
	{ "docker", "{h12}   nginx   \"/docker-entry…\"   {d1} days ago" },
	{ "psql", "{d8} | {d4}-0{d1}-1{d1} | {L8}" },
	{ "url", "https://host.dev/a/{L8}/{h8}?page={d2}&sort={L5}" },
};

/* Braces of the text itself stand where no kind does. */
static void put_negative(struct buf *b, const char *p, uint64_t *seed)
{
	while (*p) {
		size_t n = 0;

		if (p[0] != '{' || !isalpha((unsigned char)p[1]) ||
		    !isdigit((unsigned char)p[2])) {
			buf_putc(b, *p++);
			continue;
		}
		char kind = p[1];

		for (p += 2; isdigit((unsigned char)*p); p++)
			n = n * 10 + (size_t)(*p - '0');
		p++;
		sample_part(b, kind, n, seed);
	}
}

static void test_negatives(void **state)
{
	unsigned int n = 0, alarms = 0;

	(void)state;
	printf("| what is no secret | texts | alarms |\n|---|---:|---:|\n");
	for (size_t i = 0; i < ARRAY_LEN(negatives); i++) {
		unsigned int here = 0;

		for (unsigned int k = 0; k < NEGATIVES; k++) {
			_cleanup_buf_ struct buf text = BUF_INIT;
			struct found f = { 0 };
			uint64_t seed = i * 7919 + k;

			put_negative(&text, negatives[i].shape, &seed);
			buf_puts(&text, "\n");
			find_in(t.engine, buf_str(&text), &f);
			if (f.n && !here && getenv("VERBOSE"))
				print_message("%s in " STR_FMT,
					      dlp_type_name(t.engine,
							    f.at[0].type),
					      (int)text.len, text.data);
			here += f.n != 0;
		}
		printf("| %s | %d | %u |\n", negatives[i].what, NEGATIVES,
		       here);
		n += NEGATIVES;
		alarms += here;
	}
	printf("| all | %u | %u |\n", n, alarms);
	assert_true(alarms * 200 <= n);
}

int main(void)
{
	static const struct dlp_settings none;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_positives),
		cmocka_unit_test(test_negatives),
	};
	int r;

	t.engine = engine_of(&none);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	(void)dlp_engine_free(t.engine);
	return r;
}
