/* SPDX-License-Identifier: MIT */
/*
 * samples.h - what the published formats of keys and tokens look like
 *
 * No sample is a literal: {a36} stands for 36 random letters and digits, so
 * that nothing in the tree has the shape of a key. Kinds: a letters and
 * digits, l lower-case and digits, U upper-case and digits, d digits, h hex, H
 * upper-case hex, u with _ and -, b base64, g a UUID, J a JWT's head, P a
 * JWT's body. Sequences depend on the seed only.
 */
#ifndef TESTS_DLP_SAMPLES_H
#define TESTS_DLP_SAMPLES_H

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/str.h"

struct sample {
	const char *type, *shape;
	const char *before; /* what it needs in front; NULL: nothing */
};

static const struct sample samples[] = {
	{ "openai_key", "sk-{a20}T3BlbkFJ{a20}", NULL },
	{ "openai_key", "sk-proj-{u124}", NULL },
	{ "openai_key", "sk-proj-{u48}", NULL },
	{ "openai_key", "sk-svcacct-{u120}", NULL },
	{ "openai_key", "sk-admin-{u120}", NULL },
	{ "openai_key", "sk-{a48}", NULL },
	{ "anthropic_api_key", "sk-ant-api03-{u93}AA", NULL },
	{ "anthropic_api_key", "sk-ant-admin01-{u93}AA", NULL },
	{ "anthropic_api_key", "sk-ant-oat01-{u93}AA", NULL },
	{ "openrouter_key", "sk-or-v1-{h64}", NULL },
	{ "langfuse_key", "sk-lf-{g1}", NULL },
	{ "groq_key", "gsk_{a52}", NULL },
	{ "xai_key", "xai-{a80}", NULL },
	{ "perplexity_key", "pplx-{a48}", NULL },
	{ "replicate_token", "r8_{a37}", NULL },
	{ "huggingface_token", "hf_{a34}", NULL },
	{ "cerebras_key", "csk-{l48}", NULL },
	{ "together_key", "tgp_v1_{u43}", NULL },
	{ "fireworks_key", "fw_{a24}", NULL },
	{ "nvidia_key", "nvapi-{u64}", NULL },
	{ "voyage_key", "pa-{u43}", NULL },
	{ "jina_key", "jina_{h32}{a28}", NULL },
	{ "tavily_key", "tvly-dev-{a32}", NULL },
	{ "firecrawl_key", "fc-{h32}", NULL },
	{ "langsmith_key", "lsv2_pt_{h32}_{h10}", NULL },
	{ "pinecone_key", "pcsk_{a6}_{a60}", NULL },
	{ "e2b_key", "e2b_{h40}", NULL },
	{ "elevenlabs_key", "sk_{h48}", NULL },
	{ "aws_access_key", "AKIA{U16}", NULL },
	{ "aws_access_key", "ASIA{U16}", NULL },
	{ "aws_secret_key", "{b40}", "aws_secret_access_key = " },
	{ "aws_secret_key", "{b40}", "\"SecretAccessKey\": \"" },
	{ "aws_secret_key", "{b40}", "AWS_SECRET_ACCESS_KEY=" },
	{ "aws_session_token", "IQoJb3JpZ2lu{b400}", NULL },
	{ "google_api_key", "AIza{u35}", NULL },
	{ "google_oauth_token", "ya29.{u120}", NULL },
	{ "google_oauth_secret", "GOCSPX-{u28}", NULL },
	{ "google_refresh_token", "1//0{u100}", NULL },
	{ "azure_client_secret", "{a3}8Q~{a34}", NULL },
	{ "azure_storage_key", "{b86}==", "AccountKey=" },
	{ "azure_storage_key", "{b43}=", "SharedAccessKey=" },
	{ "azure_devops_token", "{a76}AZDO{a4}", NULL },
	{ "azure_function_key", "{u44}AzFu{u4}==", NULL },
	{ "azure_storage_key", "{b76}+ASt{b6}==", NULL },
	{ "digitalocean_token", "dop_v1_{h64}", NULL },
	{ "heroku_key", "{g1}", "HEROKU_API_KEY=" },
	{ "heroku_key", "HRKU-{g1}", NULL },
	{ "heroku_key", "HRKU-AA{u58}", NULL },
	{ "alibaba_access_key", "LTAI{a20}", NULL },
	{ "tencent_secret_id", "AKID{a32}", NULL },
	{ "yandex_key", "AQVN{u36}", NULL },
	{ "cloudflare_origin_ca_key", "v1.0-{h24}-{h146}", NULL },
	{ "cloudflare_token", "{u40}", "CLOUDFLARE_API_TOKEN=" },
	{ "fly_token", "fo1_{u43}", NULL },
	{ "fly_token", "fm2_{b200}", NULL },
	{ "vercel_token", "{a24}", "VERCEL_TOKEN=" },
	{ "vercel_token", "vck_{a48}", NULL },
	{ "netlify_token", "nfp_{a36}", NULL },
	{ "render_key", "rnd_{a28}", NULL },
	{ "supabase_token", "sbp_{h40}", NULL },
	{ "supabase_secret_key", "sb_secret_{u31}", NULL },
	{ "planetscale_token", "pscale_tkn_{u43}", NULL },
	{ "neon_key", "napi_{l64}", NULL },
	{ "pulumi_token", "pul-{h40}", NULL },
	{ "terraform_token", "{a14}.atlasv1.{u64}", NULL },
	{ "vault_token", "hvs.{u90}", NULL },
	{ "vault_token", "hvb.{u140}", NULL },
	{ "doppler_token", "dp.pt.{a43}", NULL },
	{ "tailscale_key", "tskey-auth-{a12}CNTRL-{a32}", NULL },
	{ "openshift_token", "sha256~{u43}", NULL },
	{ "rancher_token", "token-{l5}:{l54}", NULL },
	{ "aiven_token", "AVNS_{u19}", NULL },
	{ "mongodb_secret", "mdb_sa_sk_{u40}", NULL },
	{ "onepassword_token", "ops_eyJ{b400}", NULL },
	{ "onepassword_secret_key", "A3-{U6}-{U6}-{U5}-{U5}-{U5}-{U5}", NULL },
	{ "github_token", "ghp_{a36}", NULL },
	{ "github_token", "gho_{a36}", NULL },
	{ "github_token", "ghu_{a36}", NULL },
	{ "github_token", "ghs_{a36}", NULL },
	{ "github_token", "ghr_{a36}", NULL },
	{ "github_pat", "github_pat_{a22}_{a59}", NULL },
	{ "gitlab_token", "glpat-{u20}", NULL },
	{ "gitlab_token", "gldt-{u20}", NULL },
	{ "gitlab_token", "glrt-{u20}", NULL },
	{ "gitlab_token", "glcbt-{u25}", NULL },
	{ "gitlab_token", "glptt-{h40}", NULL },
	{ "gitlab_token", "glft-{u20}", NULL },
	{ "gitlab_token", "glagent-{u50}", NULL },
	{ "gitlab_token", "gloas-{h64}", NULL },
	{ "gitlab_token", "GR1348941{u20}", NULL },
	{ "npm_token", "npm_{a36}", NULL },
	{ "pypi_token", "pypi-AgEIcHlwaS5vcmc{u150}", NULL },
	{ "rubygems_key", "rubygems_{h48}", NULL },
	{ "nuget_key", "oy2{l43}", NULL },
	{ "crates_token", "cio{a32}", NULL },
	{ "clojars_token", "CLOJARS_{l60}", NULL },
	{ "docker_token", "dckr_pat_{u27}", NULL },
	{ "jfrog_key", "AKCp{a69}", NULL },
	{ "jfrog_reference_token", "cmVmdGtu{a56}", NULL },
	{ "bitbucket_password", "ATBB{a32}", NULL },
	{ "atlassian_token", "ATATT3{u180}={H8}", NULL },
	{ "circleci_token", "CCIPAT_{a22}_{h40}", NULL },
	{ "buildkite_token", "bkua_{h40}", NULL },
	{ "sourcegraph_token", "sgp_{h16}_{h40}", NULL },
	{ "sourcegraph_token", "sgp_{h40}", NULL },
	{ "sonarqube_token", "sqp_{h40}", NULL },
	{ "snyk_token", "{g1}", "SNYK_TOKEN=" },
	{ "harness_token", "pat.{u22}.{h24}.{a20}", NULL },
	{ "launchdarkly_key", "sdk-{g1}", NULL },
	{ "octopus_key", "API-{U26}", NULL },
	{ "prefect_key", "pnu_{l36}", NULL },
	{ "databricks_token", "dapi{h32}", NULL },
	{ "databricks_token", "dapi{h32}-2", NULL },
	{ "postman_key", "PMAK-{h24}-{h34}", NULL },
	{ "readme_key", "rdme_{l70}", NULL },
	{ "slack_token", "xoxb-{d12}-{d13}-{a24}", NULL },
	{ "slack_token", "xoxp-{d12}-{d12}-{d13}-{h32}", NULL },
	{ "slack_token", "xoxa-2-{d12}-{d12}-{d12}-{h32}", NULL },
	{ "slack_token", "xapp-1-A{U10}-{d13}-{h64}", NULL },
	{ "slack_token", "xoxe.xoxp-1-{b160}", NULL },
	{ "slack_webhook", "T{U9}/B{U10}/{a24}",
	  "https://hooks.slack.com/services/" },
	{ "telegram_token", "{d10}:AA{u33}", NULL },
	{ "telegram_token", "{d9}:AA{u33}", NULL },
	{ "discord_token", "MTA4{u21}.G{u5}.{u38}", NULL },
	{ "discord_webhook", "{d18}/{u68}",
	  "https://discord.com/api/webhooks/" },
	{ "notion_token", "ntn_{a46}", NULL },
	{ "notion_token", "secret_{a43}", NULL },
	{ "linear_key", "lin_api_{a40}", NULL },
	{ "figma_token", "figd_{u40}", NULL },
	{ "airtable_token", "pat{a14}.{h64}", NULL },
	{ "asana_token", "1/12{d14}:{h32}", NULL },
	{ "typeform_token", "tfp_{u59}", NULL },
	{ "contentful_token", "CFPAT-{u43}", NULL },
	{ "hubspot_token", "pat-na1-{g1}", NULL },
	{ "stripe_key", "sk_live_{a24}", NULL },
	{ "stripe_key", "rk_live_{a99}", NULL },
	{ "stripe_key", "sk_test_{a99}", NULL },
	{ "stripe_webhook_secret", "whsec_{b32}", NULL },
	{ "square_token", "sq0atp-{u22}", NULL },
	{ "square_secret", "sq0csp-{u43}", NULL },
	{ "square_token", "EAAA{u60}", NULL },
	{ "paypal_braintree_token", "access_token$production${l16}${h32}",
	  NULL },
	{ "plaid_token", "access-sandbox-{g1}", NULL },
	{ "shopify_token", "shpat_{h32}", NULL },
	{ "shopify_token", "shpss_{h32}", NULL },
	{ "shopify_token", "shpca_{h32}", NULL },
	{ "duffel_token", "duffel_live_{u43}", NULL },
	{ "easypost_key", "EZAK{a54}", NULL },
	{ "shippo_token", "shippo_live_{h40}", NULL },
	{ "twilio_key", "SK{h32}", NULL },
	{ "twilio_token", "{h32}", "TWILIO_AUTH_TOKEN=" },
	{ "sendgrid_key", "SG.{u22}.{u43}", NULL },
	{ "mailgun_key", "key-{h32}", NULL },
	{ "mailgun_key", "{h32}-{h8}-{h8}", NULL },
	{ "mailchimp_key", "{h32}-us14", NULL },
	{ "brevo_key", "xkeysib-{h64}-{a16}", NULL },
	{ "resend_key", "re_{a8}_{a24}", NULL },
	{ "telnyx_key", "KEY{H32}_{a22}", NULL },
	{ "facebook_token", "EAAC{a170}", NULL },
	{ "twitter_bearer_token", "{a80}", "AAAAAAAAAAAAAAAAAAAAAA" },
	{ "linkedin_secret", "WPL_AP1.{a16}.{b6}==", NULL },
	{ "linkedin_secret", "{a16}", "LINKEDIN_CLIENT_SECRET=" },
	{ "dropbox_token", "sl.B{u130}", NULL },
	{ "newrelic_key", "NRAK-{U27}", NULL },
	{ "newrelic_license_key", "{h36}NRAL", NULL },
	{ "datadog_key", "{h32}", "DATADOG_API_KEY=" },
	{ "datadog_key", "{h40}", "dd_app_key: " },
	{ "grafana_token", "glsa_{a32}_{h8}", NULL },
	{ "grafana_cloud_token", "glc_{b120}", NULL },
	{ "sentry_token", "sntryu_{h64}", NULL },
	{ "sentry_token", "sntrys_eyJ{b120}_{b43}", NULL },
	{ "dynatrace_token", "dt0c01.{U24}.{U64}", NULL },
	{ "honeycomb_key", "hcaik_{l58}", NULL },
	{ "axiom_token", "xaat-{g1}", NULL },
	{ "posthog_key", "phx_{a43}", NULL },
	{ "mapbox_token", "sk.eyJ{u80}.{u22}", NULL },
	{ "okta_token", "00{u40}", "Authorization: SSWS " },
	{ "okta_token", "00{u40}", "OKTA_TOKEN=" },
	{ "cohere_key", "{a40}", "COHERE_API_KEY=" },
	{ "mistral_key", "{a32}", "MISTRAL_API_KEY=" },
	{ "age_secret_key", "AGE-SECRET-KEY-1{q58}", NULL },
	{ "jwt", "{J1}.{P1}.{u43}", NULL },
	{ "url_password", "kJ7x{a8}", "postgres://admin:" },
	{ "url_password", "pw{a10}", "https://ci:" },
	{ "authorization", "{a40}", "Authorization: Bearer " },
	{ "authorization", "{B24}", "Authorization: Basic " },
	{ "password", "aK4{a12}", "DB_PASSWORD=" },
	{ "secret", "{a32}", "client_secret: \"" },
	{ "api_key", "{a32}", "x-api-key: " },
	{ "api_key", "{a32}", "apiKey = '" },
	{ "private_key",
	  "-----BEGIN RSA {K}-----\n{b64}\n{b64}\n{b30}\n"
	  "-----END RSA {K}-----",
	  NULL },
	{ "private_key",
	  "-----BEGIN OPENSSH {K}-----\\n{b70}\\n{b70}\\n"
	  "-----END OPENSSH {K}-----",
	  NULL },
	{ "private_key",
	  "-----BEGIN PGP {K} BLOCK-----\n\n{b64}\n{b64}\n"
	  "-----END PGP {K} BLOCK-----",
	  NULL },
	{ "private_key",
	  "PuTTY-User-Key-File-3: ssh-ed25519\n"
	  "Encryption: none\nComment: x\nPublic-Lines: 1\n{b60}\n"
	  "Private-Lines: 1\n{b48}\nPrivate-MAC: {h64}",
	  NULL },
	{ "email", "{l9}.k@mail.{l5}.com", NULL },
	{ "ssn", "219-09-{s}", NULL },
	{ "phone", "+1 555 23{d1} 45{d2}", NULL },
	{ "phone", "(212) 55{d1}-01{d2}", NULL },
	{ "phone", "+44 20 7946 0{d3}", NULL },
	{ "credit_card", "4{c15}", NULL },
	{ "credit_card", "5555 5555 5555 4444", NULL },
	{ "credit_card", "3782-822463-10005", NULL },
};

static inline uint32_t sample_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33);
}

static inline void sample_fill(struct buf *b, const char *alphabet, size_t n,
			       uint64_t *seed)
{
	size_t size = strlen(alphabet);

	while (n--)
		buf_putc(b, alphabet[sample_random(seed) % size]);
}

/* Digits that make what is in b since `from` right by Luhn's formula. */
static inline void sample_card(struct buf *b, size_t n, uint64_t *seed)
{
	size_t from = b->len - 1;
	unsigned int sum = 0;

	sample_fill(b, "0123456789", n - 1, seed);
	for (size_t i = b->len, k = 1; i-- > from; k++) {
		unsigned int d = (unsigned int)(b->data[i] - '0');

		sum += k % 2 ? (d < 5 ? 2 * d : 2 * d - 9) : d;
	}
	buf_putc(b, (char)('0' + (10 - sum % 10) % 10));
}

static inline const char *sample_alphabet(char kind)
{
	switch (kind) {
	case 'd':
		return "0123456789";
	case 'h':
		return "0123456789abcdef";
	case 'H':
		return "0123456789ABCDEF";
	case 'l':
		return "abcdefghijklmnopqrstuvwxyz0123456789";
	case 'U':
		return "ABCDEFGHJKLMNPQRSTUVWXYZ234567";
	case 'q':
		return "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
	default:
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		       "0123456789";
	}
}

/* Not a letter or digit at either end, so that formats keep apart. */
static inline void sample_wide(struct buf *b, const char *extra, size_t n,
			       uint64_t *seed)
{
	const char *plain = sample_alphabet('a');

	for (size_t i = 0; i < n; i++)
		if (i > 0 && i + 1 < n && sample_random(seed) % 24 == 0)
			buf_putc(b, extra[sample_random(seed) % 2]);
		else
			sample_fill(b, plain, 1, seed);
}

static inline void sample_part(struct buf *b, char kind, size_t n,
			       uint64_t *seed)
{
	static const unsigned int groups[] = { 8, 4, 4, 4, 12 };

	switch (kind) {
	case 'g':
		for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
			if (i)
				buf_putc(b, '-');
			sample_fill(b, sample_alphabet('h'), groups[i], seed);
		}
		return;
	case 'u':
		sample_wide(b, "_-", n, seed);
		return;
	case 'b':
		sample_wide(b, "+/", n, seed);
		return;
	case 'c':
		sample_card(b, n, seed);
		return;
	case 's':
		sample_fill(b, "123456789", 4, seed);
		return;
	case 'K':
		buf_puts(b, "PRIVATE KEY");
		return;
	case 'J':
		base64_encode_to(b, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", 27);
		return;
	case 'P':
		base64_encode_to(b, "{\"sub\":\"12345\",\"n\":\"abc\"}", 24);
		return;
	case 'B': {
		_cleanup_buf_ struct buf plain = BUF_INIT;

		buf_puts(&plain, "ci:");
		sample_fill(&plain, sample_alphabet('a'), n - 3, seed);
		base64_encode_to(b, plain.data, plain.len);
		return;
	}
	default:
		sample_fill(b, sample_alphabet(kind), n, seed);
	}
}

/* Appends the sample, and the length of what has to go before it. */
static inline size_t sample_put(struct buf *b, const struct sample *s,
				uint64_t seed)
{
	size_t before = s->before ? strlen(s->before) : 0;

	buf_puts(b, s->before ? s->before : "");
	for (const char *p = s->shape; *p;) {
		size_t n = 0;
		char kind;

		/* PuTTY's and others' text has no other braces */
		if (*p != '{') {
			buf_putc(b, *p++);
			continue;
		}
		kind = p[1];
		for (p += 2; isdigit((unsigned char)*p); p++)
			n = n * 10 + (size_t)(*p - '0');
		p++;
		sample_part(b, kind, n, &seed);
	}
	if (strcmp(s->type, "url_password") == 0)
		buf_puts(b, "@db.host/x");
	return before;
}

#endif
