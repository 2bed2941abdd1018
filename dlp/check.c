/* SPDX-License-Identifier: MIT */
/*
 * check.c - what tells a secret from something of the same shape
 */
#include <string.h>

#include "dlp/ascii.h"
#include "dlp/priv.h"

#define SAMPLE DLP_SAMPLE

/* What the bytes are made of. */
struct mix {
	size_t n;
	unsigned int digits, lower, upper, distinct;
	unsigned int bits; /* entropy per byte, in sixteenths of a bit */
	bool hex;          /* hex digits and - only */
};

/* 16 * n * log2(n), rounded, for n up to SAMPLE. */
static const uint16_t n_log2_n[SAMPLE + 1] = {
	0,    0,    32,   76,   128,  186,  248,  314,  384,  456,  532,
	609,  688,  770,  853,  938,  1024, 1112, 1201, 1291, 1383, 1476,
	1570, 1665, 1761, 1858, 1955, 2054, 2154, 2254, 2355, 2457, 2560,
	2663, 2768, 2872, 2978, 3084, 3191, 3298, 3406, 3515, 3624, 3733,
	3843, 3954, 4065, 4177, 4289, 4402, 4515, 4629, 4743, 4857, 4972,
	5088, 5203, 5320, 5436, 5553, 5671, 5788, 5907, 6025, 6144,
};

static struct mix measure(struct str s)
{
	struct mix m = { .n = MIN(s.n, (size_t)SAMPLE), .hex = true };
	uint8_t count[256] = { 0 };
	unsigned int sum = 0;

	for (size_t i = 0; i < m.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		unsigned int kind = ascii_kinds[c];

		m.digits += kind & 1;
		m.lower += kind >> 1 & 1;
		m.upper += kind >> 2 & 1;
		m.hex = m.hex && (kind & ASCII_HEX || c == '-');
		/* n log n - sum of c log c, over n */
		count[c]++;
		sum += n_log2_n[count[c]];
		sum -= n_log2_n[count[c] - 1];
		m.distinct += count[c] == 1;
	}
	m.bits = m.n ? (n_log2_n[m.n] - sum) / (unsigned int)m.n : 0;
	return m;
}

/* --- dull stretches ---------------------------------------------------- */

#define DULL_MIN    16U /* shorter ones are measured */
#define DULL_SAMPLE 24U
#define DULL_BYTES  7U
#define WIDE_MIN    40U
#define WIDE_BYTES  9U

/* Different bytes; c and c + 128 are one. */
struct bytes {
	uint64_t low, high;
	unsigned int n;
};

static bool add_byte(struct bytes *b, unsigned char c, unsigned int max)
{
	uint64_t bit = 1ULL << (c & 63);
	uint64_t upper = -(uint64_t)(c >> 6 & 1);

	b->n += !((b->low & bit & ~upper) | (b->high & bit & upper));
	if (b->n >= max)
		return false;
	b->low |= bit & ~upper;
	b->high |= bit & upper;
	return true;
}

/* As far as the bytes from p on are fewer than max different ones. */
static size_t dull_length(const unsigned char *p, size_t n, unsigned int max)
{
	struct bytes b = { 0 };
	size_t i = 0;

	while (i < n && add_byte(&b, p[i], max))
		i++;
	return i;
}

static bool is_dull_here(const struct dlp_dull *d, size_t i, size_t n)
{
	size_t need = d->wide ? MIN(n, (size_t)SAMPLE)
			      : MIN(n, (size_t)DULL_SAMPLE);

	return i >= d->begin && i + need <= d->end &&
	       n >= (d->wide ? WIDE_MIN : DULL_MIN);
}

bool dlp_is_dull(const struct dlp_view *v, size_t i, size_t n,
		 struct dlp_dull *known)
{
	size_t far = v->n - i, length;

	if (n < DULL_MIN)
		return false;
	if (is_dull_here(known, i, n))
		return true;
	length = dull_length(v->p + i, MIN(far, (size_t)DULL_SAMPLE),
			     DULL_BYTES);
	if (length >= MIN(n, (size_t)DULL_SAMPLE)) {
		length = dull_length(v->p + i, far, DULL_BYTES);
		*known = (struct dlp_dull){ i, i + length, false };
		return true;
	}
	if (n < WIDE_MIN)
		return false;
	length = dull_length(v->p + i, MIN(far, (size_t)SAMPLE), WIDE_BYTES);
	if (length < MIN(n, (size_t)SAMPLE))
		return false;
	length = dull_length(v->p + i, far, WIDE_BYTES);
	*known = (struct dlp_dull){ i, i + length, true };
	return true;
}

/* --- randomness -------------------------------------------------------- */

/*
 * Random bytes of an alphabet fall short of its full entropy the more, the
 * fewer they are; words and counters fall far shorter.
 */
static bool is_random(const struct mix *m)
{
	bool hex_like = m->lower + m->upper == 0;
	unsigned int want = 48; /* 3 bits */

	if (m->n < 12)
		want = 36;
	else if (m->n < 20)
		want = 44;
	if (hex_like)
		want = 36;
	return m->bits >= want;
}

static bool looks_random(struct str s)
{
	struct mix m = measure(s);

	return m.hex ? m.bits >= 40 : is_random(&m);
}

/* --- placeholders ------------------------------------------------------ */

/* Up to N_SOFT what people have in passwords of theirs, too. */
static const struct str stop_words[] = {
	STR("12345678"), STR("abcdefgh"),  STR("password"),  STR("passwd"),
	STR("secret"),   STR("token"),     STR("sample"),    STR("foobar"),
	STR("username"), STR("dummy"),     STR("example"),   STR("placeholder"),
	STR("changeme"), STR("change_me"), STR("change-me"), STR("yourkey"),
	STR("your_"),    STR("your-"),     STR("xxxx"),      STR("redacted"),
	STR("insert"),   STR("replace"),   STR("****"),      STR("...."),
	STR("0000000"),  STR("undefined"), STR("<"),         STR("${"),
	STR("$("),       STR("{{"),        STR("%("),
};
#define N_SOFT      10U
#define N_SEQUENCES 2U /* of these; no reason to doubt a long value */

static bool has_word(struct str s, struct str word)
{
	return memmem(s.p, s.n, word.p, word.n) != NULL;
}

/* The words whose first two bytes may be these: bit i for stop_words[i]. */
static unsigned int pair_of(unsigned char a, unsigned char b)
{
	return ((unsigned int)a * 5 + (unsigned int)b * 59) & 255;
}

static const uint32_t *words_by_pair(void)
{
	static uint32_t by_pair[256];
	static _Atomic bool done;

	_Static_assert(ARRAY_LEN(stop_words) <= 32, "one bit for each");
	/* Every thread writes the same. */
	for (size_t i = 0; !done && i < ARRAY_LEN(stop_words); i++) {
		struct str w = stop_words[i];

		for (unsigned int b = 0; b < 256; b++)
			if (w.n == 1 || (unsigned char)w.p[1] == b)
				by_pair[pair_of((unsigned char)w.p[0],
						(unsigned char)b)] |= 1U << i;
	}
	done = true;
	return by_pair;
}

static bool has_stop_word(struct str value, size_t from)
{
	const uint32_t *by_pair = words_by_pair();
	char low[SAMPLE + 1];
	size_t n = MIN(value.n, (size_t)SAMPLE);

	for (size_t i = 0; i < n; i++)
		low[i] = ascii_lower(value.p[i]);
	low[n] = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t all = by_pair[pair_of((unsigned char)low[i],
					       (unsigned char)low[i + 1])] >>
			       from << from;

		for (; all; all &= all - 1) {
			struct str w = stop_words[__builtin_ctz(all)];

			if (w.n <= n - i && memcmp(low + i, w.p, w.n) == 0)
				return true;
		}
	}
	return false;
}

bool dlp_is_placeholder(struct str value)
{
	return has_stop_word(value, 0);
}

/* --- numbers ----------------------------------------------------------- */

bool dlp_luhn(const unsigned char *digits, size_t n)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned int d = (unsigned int)(digits[n - 1 - i] - '0');

		if (i % 2)
			d = d < 5 ? 2 * d : 2 * d - 9;
		sum += d;
	}
	return sum % 10 == 0;
}

static uint32_t crc32_of(struct str s)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= (unsigned char)s.p[i];
		for (unsigned int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return ~crc;
}

/* The last six characters are the CRC-32 of those before, in base 62. */
static bool crc_is_right(struct str token)
{
	static const char digits[] = "0123456789"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz";
	ptrdiff_t bar = str_rindex(token, '_');
	struct str body = str_skip(token, (size_t)(bar + 1));
	uint32_t crc;

	if (body.n < 12)
		return false;
	crc = crc32_of(str_from_n(body.p, body.n - 6));
	for (size_t i = body.n; i-- > body.n - 6; crc /= 62)
		if (body.p[i] != digits[crc % 62])
			return false;
	return true;
}

/* --- encodings --------------------------------------------------------- */

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* At most room bytes of what s stands for; stops where it is no base64. */
static size_t decode_some(struct str s, char *out, size_t room)
{
	uint32_t bits = 0;
	unsigned int have = 0;
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < room; i++) {
		int v = base64_value(s.p[i]);

		if (v < 0)
			break;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have & 0xff);
		}
	}
	return n;
}

static bool is_jwt(struct str s)
{
	char head[192];
	struct str text = { head, decode_some(s, head, sizeof(head)) };

	return text.n > 8 && head[0] == '{' &&
	       (has_word(text, STR("\"alg\"")) ||
		has_word(text, STR("\"typ\"")) ||
		has_word(text, STR("\"enc\"")) ||
		has_word(text, STR("\"kid\"")));
}

static bool is_basic(struct str s)
{
	char plain[256];
	struct str text = { plain, decode_some(s, plain, sizeof(plain)) };
	ptrdiff_t colon = str_index(text, ':');

	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)plain[i] < ' ' || plain[i] == 0x7f)
			return false;
	return colon > 0 && (size_t)colon + 1 < text.n &&
	       !has_stop_word(text, N_SOFT);
}

/* --- secrets that have no shape but their name ------------------------- */

/* Made of words: few digits, and so few pairs of letters are unusual. */
static bool is_wordy(struct str s, const struct mix *m)
{
	unsigned int unusual, n;

	if (m->hex || m->digits * 4 >= m->n)
		return false;
	n = dlp_pairs(s, &unusual);
	return n >= 6 && unusual * 9 < n;
}

/* Random though it has hardly a digit: no word has such pairs of letters. */
static bool is_no_word(struct str s, const struct mix *m)
{
	unsigned int unusual, n = dlp_pairs(s, &unusual);

	return m->n >= 16 && m->upper >= 2 && m->lower >= 2 && n >= m->n / 3 &&
	       unusual * 6 >= n;
}

/* Hardly anything but letters and digits, of both kinds. */
static bool is_mostly_alnum(const struct mix *m)
{
	return m->lower + m->upper >= 2 &&
	       m->digits + m->lower + m->upper >= m->n - m->n / 4;
}

static bool is_value(struct str s)
{
	struct mix m = measure(s);

	/* Words with a number behind them are no secrets; hex digests of
	 * things that are called tokens are. */
	return m.n >= 12 && is_mostly_alnum(&m) &&
	       m.bits >= (m.n < 20 ? 46U : 52U) - (m.hex ? 8U : 0U) &&
	       (m.digits >= 2 ? !is_wordy(s, &m) : is_no_word(s, &m)) &&
	       !has_stop_word(s, m.n >= 24 ? N_SEQUENCES : 0);
}

static unsigned int named_bits(size_t n)
{
	if (n < 8)
		return 36;
	if (n < 12)
		return 42;
	return n < 16 ? 46 : 50;
}

/* What the name says is a secret needs to look less like one. */
static bool is_named(struct str s)
{
	struct mix m = measure(s);

	return m.n >= 6 && is_mostly_alnum(&m) &&
	       (m.digits >= 1 ? m.n < 16 || !is_wordy(s, &m)
			      : is_no_word(s, &m)) &&
	       m.bits >= named_bits(m.n) - (m.hex ? 8U : 0U) &&
	       !has_stop_word(s, m.digits >= 1 ? N_SOFT : 0);
}

/* What the name says is some key: hashes and identifiers are keys, too. */
static bool is_strict(struct str s)
{
	struct mix m = measure(s);

	return m.n >= 20 && !m.hex && m.upper >= 2 && m.lower >= 2 &&
	       m.bits >= 56 && is_value(s);
}

static bool is_password(struct str s)
{
	struct mix m = measure(s);

	return m.n >= 4 && m.distinct >= 3 && !dlp_is_placeholder(s);
}

static bool is_mixed(struct str s)
{
	struct mix m = measure(s);

	return m.digits >= 2 && is_random(&m);
}

/* The checks that ask for something random at least. */
static bool check_random(enum dlp_check check, struct str whole,
			 struct str secret)
{
	switch (check) {
	case DLP_CHECK_RANDOM:
		return looks_random(secret);
	case DLP_CHECK_CRC:
		return looks_random(secret) || crc_is_right(whole);
	case DLP_CHECK_MIXED:
		return is_mixed(secret);
	case DLP_CHECK_VALUE:
		return is_value(secret);
	case DLP_CHECK_NAMED:
		return is_named(secret);
	case DLP_CHECK_STRICT:
	case DLP_CHECK_KEY:
		return is_strict(secret);
	case DLP_CHECK_NONE:
	case DLP_CHECK_JWT:
	case DLP_CHECK_BASIC:
	case DLP_CHECK_PASSWORD:
		break;
	}
	return false;
}

bool dlp_check(enum dlp_check check, struct str whole, struct str secret)
{
	switch (check) {
	case DLP_CHECK_NONE:
		return true;
	case DLP_CHECK_RANDOM:
	case DLP_CHECK_CRC:
	case DLP_CHECK_MIXED:
	case DLP_CHECK_VALUE:
	case DLP_CHECK_NAMED:
	case DLP_CHECK_STRICT:
	case DLP_CHECK_KEY:
		return check_random(check, whole, secret);
	case DLP_CHECK_JWT:
		return is_jwt(secret);
	case DLP_CHECK_BASIC:
		return is_basic(secret);
	case DLP_CHECK_PASSWORD:
		return is_password(secret);
	}
	return false;
}
