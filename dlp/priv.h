/* SPDX-License-Identifier: MIT */
/*
 * priv.h - what the files of dlp/ know of each other
 *
 * A scan walks over a view, some bytes of a text, from trigger to trigger: a
 * place where the first pass (trigger.c) saw what a secret may have. There a
 * matcher decides: no, yes, or that it takes more bytes than the view has.
 * Every decision depends on at most DLP_CONTEXT bytes before the trigger and
 * DLP_MATCH_MAX behind it and on nothing else, so it is the same however the
 * text was cut.
 */
#ifndef DLP_PRIV_H
#define DLP_PRIV_H

#include "base/nfa.h"
#include "dlp/dlp.h"

/* How far a match begins before its trigger at most, and what a stream keeps
 * back of a word that has not ended. */
#define DLP_BACK      128U
#define DLP_CONTEXT   512U /* decided bytes that a scan can look back at */
#define DLP_MAX_DEPTH 2U   /* texts inside texts */
#define DLP_NO_TYPE   UINT32_MAX

/* Some bytes of a text. */
struct dlp_view {
	const unsigned char *p;
	size_t n;
	bool begin; /* p[0] is the first byte of the text */
	bool end;   /* the text ends at n */
};

enum dlp_answer {
	DLP_MISS = 0,
	DLP_HIT,
	DLP_MORE, /* depends on what comes behind the view */
};

/* What is dropped behind a finding. */
enum dlp_swallow {
	DLP_SWALLOW_NOTHING = 0,
	DLP_SWALLOW_CLASS, /* all of a class */
	DLP_SWALLOW_PEM,   /* the rest of a private key */
};

/* What a matcher found, or may still find: then only start and idle count. */
struct dlp_match {
	size_t start, end;
	size_t idle; /* what is before it an idle stream need not keep back */
	unsigned int type;
	enum dlp_swallow swallow;
	unsigned int swallow_class;
	bool open; /* others may begin inside it */
	bool weak; /* its name says it is one: who knows it names it */
	/* A secret inside base64: what takes its place, else empty; owned */
	struct buf text;
};

/* ---- classes of bytes ---- */

#define DLP_MAX_CLASSES 255U
#define DLP_CLASS_WORDS 4U

struct dlp_classes {
	/* bit c % 64 of [c / 64]: it is in class c */
	uint64_t of[DLP_CLASS_WORDS][256];
	uint64_t set[DLP_MAX_CLASSES][4]; /* the same, by class */
	unsigned int n;
};

enum dlp_class {        /* the ones that code asks for */
	DLP_C_WORD = 0, /* letters, digits, _ */
	DLP_C_HELD,     /* what anchors and mail names are made of */
	DLP_C_BASE64,   /* both alphabets, and = */
	DLP_C_DIGIT,
	DLP_C_HEX,
	DLP_C_URL,   /* what may stand in a URL or a JSON string, escaped */
	DLP_C_KEY,   /* the body of an armoured key */
	DLP_C_LINE,  /* what stands in a line, with colours */
	DLP_C_LINES, /* the same, and ends of lines */
	DLP_C_LOCAL, /* in front of the @ of a mail address */
	DLP_C_AND,   /* & */
	DLP_C_UPPER, /* upper-case letters */
	DLP_C_LOWER,
	DLP_C_MAX,
};

/* ---- published formats ---- */

enum dlp_check {
	DLP_CHECK_RANDOM = 0, /* looks random, for its alphabet */
	DLP_CHECK_NONE,
	DLP_CHECK_CRC,      /* random, or its checksum is right */
	DLP_CHECK_JWT,      /* its head is a JSON object with an algorithm */
	DLP_CHECK_MIXED,    /* random, with at least two digits */
	DLP_CHECK_VALUE,    /* random, mixed, and no placeholder */
	DLP_CHECK_NAMED,    /* has a digit, looks random, is no placeholder */
	DLP_CHECK_STRICT,   /* as value, with upper and lower case, no digest */
	DLP_CHECK_KEY,      /* as value behind "api_" and such, else strict */
	DLP_CHECK_BASIC,    /* base64 of user:password */
	DLP_CHECK_PASSWORD, /* no placeholder */
};

enum dlp_row_flags {
	DLP_ROW_ICASE = 1 << 0,
	DLP_ROW_INSIDE = 1 << 1,  /* may begin inside a word */
	DLP_ROW_OPEN = 1 << 2,    /* may end inside a word */
	DLP_ROW_PART = 1 << 3,    /* may begin behind _ or as in thatWord */
	DLP_ROW_PRIVATE = 1 << 4, /* not behind "public" */
};

/* A row of the table of published formats; see table.c for the pattern. */
struct dlp_row {
	const char *name;
	const char *pattern;
	enum dlp_check check;
	unsigned int flags;
};

extern const struct dlp_row dlp_rows[];
extern const size_t dlp_n_rows;

#define DLP_LITERAL 255U
_Static_assert(DLP_MAX_CLASSES <= DLP_LITERAL &&
		       DLP_MAX_CLASSES <= 64 * DLP_CLASS_WORDS,
	       "no class is the literal, and each has a bit");

/* A stretch of bytes of one class, or of one byte. */
struct dlp_seg {
	uint8_t class;      /* or DLP_LITERAL: */
	uint8_t byte, fold; /* fold is 0x20 where case does not matter */
	uint16_t min, max;
};

#define DLP_MAX_SEGS 160U
#define DLP_NO_LIMIT 4096U /* of {n,}: beyond it the rest is swallowed */

struct dlp_grammar {
	const struct dlp_row *row;
	unsigned int type;
	uint32_t first; /* of its segments, in the engine's array */
	uint16_t n_segs;
	uint16_t secret_from, secret_to; /* segments that are the secret */
	/* A byte of this class has to be among so many from the beginning on;
	 * 0: nothing is known. */
	uint16_t need_within;
	uint8_t need_class;
	/* So many bytes of a class before this place have to be there: of the
	 * last stretch that always stands at one place, and of the first. */
	struct dlp_probe {
		uint8_t class, n, end;
	} probes[2];
	/* So far from its beginning stands a stretch of a class, of so many
	 * bytes, and behind it a byte of `follow`, or the end of the text;
	 * follow 0: nothing is known. */
	struct dlp_run {
		uint8_t class, follow;
		bool last; /* longer than any limit it is right, too */
		uint16_t min, max;
		int16_t at;
	} run;
	/* It begins with so many segments like others that are tried at the
	 * same places: they are walked over once. Trunk 0: with none. */
	uint16_t trunk, trunk_len;
	/* The segments of \k, which are the same in all; none if 0. */
	uint16_t glue_from, glue_to;
};

/* ---- the first pass ---- */

#define DLP_PLACES 6U

/* Sets of bytes at neighbouring places that every match has. */
struct dlp_frag {
	uint64_t set[DLP_PLACES][4];
	unsigned int offset; /* from the beginning of the match */
	bool starts_word;    /* nothing like a word is before it */
};

enum dlp_entry_kind {
	DLP_ENTRY_GRAMMAR = 0,
	DLP_ENTRY_REGEX,
	DLP_ENTRY_SECRET,
	DLP_ENTRY_PEM,
	DLP_ENTRY_IBAN,
};

/* What to try where a fragment was seen. */
struct dlp_entry {
	enum dlp_entry_kind kind;
	unsigned int index;
	uint16_t next; /* in the same list, + 1 */
	struct dlp_frag frag;
	/* The same as a word: (bytes | fold) & mask == value, for places of one
	 * byte, up to eight of a format. */
	uint64_t fold, mask, value;
	uint8_t n_proved; /* leading segments of one byte that mask has compared,
			    * but for those before the fragment */
	uint8_t more;     /* the first place but 0 that mask says nothing of */
};

/* Of an entry what says that it is not there: lists stand in one array. */
struct dlp_hot {
	uint64_t fold, mask, value;
	uint16_t entry;
	/* Of a format: a byte of need_class is among so many from here on. */
	uint16_t need_within;
	uint8_t need_class;
	/* n bytes of a class, of which the last one is so far on */
	struct {
		int16_t at;
		uint8_t n, class;
	} probes[2];
	uint8_t more; /* as of its entry */
	uint8_t dull; /* its secret has so many bytes, and is random */
	/* A digit, or upper and lower case, is among so many from here on,
	 * its secret's sample with them; 0: nothing is known. */
	uint8_t reach;
	uint8_t same;       /* so many behind it have the same mask and value */
	bool last;          /* of its list */
	struct dlp_run run; /* its place is counted from here on */
};

#define DLP_BUCKETS      16U
#define DLP_WORD_BUCKETS 10U /* of these, for what starts a word */
#define DLP_HASH_SIZE    4096U
#define DLP_SET_BITS     64U
#define DLP_FIRST_BITS   131072U

/* Which form of the first pass; they find the same. */
enum dlp_pass {
	DLP_PASS_PORTABLE = 0,
	DLP_PASS_AVX2,
	DLP_PASS_AVX512,
};

/* What the first pass asks about a byte, in tr->classes. */
enum dlp_byte {
	DLP_B_LOWER = 1,
	DLP_B_UPPER = 2,
	DLP_B_DIGIT = 4,
	DLP_B_BASE64 = 8,
	DLP_B_BACKSLASH = 16,
	DLP_B_PERCENT = 32,
	DLP_B_M = 64,
};

struct dlp_triggers {
	uint16_t at[DLP_PLACES]
		   [256]; /* bit b: bucket b has the byte at its place k */
	/* the same by nibble, a superset: [place][bucket / 8][high?][nibble] */
	uint8_t nibble[DLP_PLACES][2][2][16];
	/* and by the lower seven bits: [place][bucket / 8][byte] */
	uint8_t byte[DLP_PLACES][2][128];
	uint8_t classes[128]; /* enum dlp_byte of each byte */
	/* where lists begin in hot, + 1: literals by a hash of three bytes */
	uint16_t hash[DLP_HASH_SIZE];
	/* and the others by number: bit i of set: list i can be here */
	uint64_t set[4][256];
	uint16_t list[DLP_SET_BITS];
	unsigned int n_lists;
	/* What begins an escape, and what goes on behind it: a bit in common. */
	uint8_t escape[2][128];
	uint8_t mark[256]; /* 1 for @ % and backslash */
	/* Hashes of four bytes that some entry can have first; of three for
	 * those that can have too many; with `wide` there are entries that can
	 * have too many even so. */
	uint64_t first4[DLP_FIRST_BITS / 64], first[DLP_FIRST_BITS / 64];
	uint8_t iban; /* 1: account numbers are looked for */
	bool digits, wide;
	bool threes; /* first has any */
	enum dlp_pass pass;
};

/* Blocks of 64 bytes: bit i is about byte i. */
struct dlp_masks {
	uint64_t trigger; /* something may begin here, or is an @ % \ */
	uint64_t digit, plus;
	uint64_t base64;
	uint64_t nul;    /* zeros, as every second byte of UTF-16 */
	uint64_t number; /* numbers of ours may begin here; scan.c's */
	uint64_t wide;   /* a run of UTF-16 is there; scan.c's */
};

#define DLP_EDGE_UNKNOWN 63U
#define DLP_LOOK         (64U + 8U) /* bytes that are looked at */

/* ---- the engine ---- */

struct dlp_type {
	char *name, *display; /* owned */
	char *replacement;    /* owned: [REDACTED:display] */
	enum dlp_group group;
	enum dlp_action action;
};

struct dlp_regex {
	struct nfa_build program; /* owned */
	unsigned int type;
	size_t work; /* bytes of memory that a search takes */
};

struct dlp_secret {
	char *bytes; /* owned */
	size_t n;
	unsigned int type;
};

struct dlp_engine {
	struct dlp_type *types; /* owned, as all below */
	size_t n_types;
	struct dlp_classes classes;
	struct dlp_seg *segs;
	size_t n_segs;
	struct dlp_grammar *grammars;
	size_t n_grammars;
	struct dlp_regex *regexes;
	size_t n_regexes, regex_work; /* the most bytes a search takes */
	size_t shortest;              /* text that something can be found in */
	struct dlp_secret *secrets;
	size_t n_secrets;
	struct dlp_entry *entries;
	size_t n_entries;
	struct dlp_hot *hot;    /* one per entry, in the order of the lists */
	uint8_t glue[256];      /* bit k: the byte is of k's class in \k */
	unsigned int person[4]; /* types of email to ssn; DLP_NO_TYPE = off */
	unsigned int pem;       /* type of private keys; DLP_NO_TYPE = off */
	unsigned int iban;
	struct dlp_triggers tr;
	const char **shown;
	size_t n_shown;
};

static inline bool dlp_is(const struct dlp_engine *e, unsigned char c,
			  unsigned int class)
{
	return e->classes.of[class / 64][c] >> class % 64 & 1;
}

static inline bool dlp_seg_has(const struct dlp_engine *e,
			       const struct dlp_seg *seg, unsigned char c)
{
	return seg->class == DLP_LITERAL ? (c | seg->fold) == seg->byte
					 : dlp_is(e, c, seg->class);
}

/* ---- a scan ---- */

#define DLP_LONG   32U
#define DLP_SAMPLE 64U /* a secret's beginning is random if the whole is */

/* A stretch of text made of so few bytes that nothing in it is random. */
struct dlp_dull {
	size_t begin, end;
	bool wide; /* nothing of 40 bytes; else of 16 */
};

struct dlp_scan {
	const struct dlp_engine *e;
	const struct dlp_sink *sink;
	bool stream;           /* what is decided goes to sink->out */
	unsigned int depth;    /* 0 for the outermost text */
	uint64_t base;         /* offset in the text of the view's first byte */
	size_t floor;          /* what is before it is decided and out */
	size_t pos;            /* triggers before it are done */
	size_t blob_from;      /* base64 before it is done */
	size_t escape_from;    /* escaped text before it is done */
	size_t wide_from;      /* UTF-16 before it is done */
	size_t retry_at;       /* with fewer bytes pos cannot be decided */
	struct dlp_match wait; /* what pos waits for, if retry_at is not 0 */
	struct dlp_match pending;
	bool has_pending;
	enum dlp_swallow swallow;
	unsigned int swallow_class;
	int n_found, error;
	/* Bytes that may be inflated: what the text so far is worth, and what
	 * of it is spent. */
	uint64_t inflate_worth, inflate_spent;
	/* The run of each class measured last, and long ones measured before:
	 * few bytes are walked over twice. */
	struct dlp_span {
		size_t begin, end;
	} spans[DLP_MAX_CLASSES];
	/* Stretches without any byte of a class, each up to one that is. */
	struct dlp_span gaps[DLP_MAX_CLASSES];
	struct {
		struct dlp_span span;
		unsigned int class;
	} longs[DLP_LONG];
	unsigned int n_longs; /* ever; the last ones are there */
	/* Bits of the classes whose span, or gap, says something. */
	uint64_t spans_known[DLP_CLASS_WORDS], gaps_known[DLP_CLASS_WORDS];
	struct dlp_dull dull;
	/* What stands between a name that ends at `at` and its value, which
	 * begins at `end`; 0 if there is none. */
	struct {
		size_t at, end;
	} glue;
	/* Where the trunk of formats that begin at start ends; end 0: it is
	 * not there. */
	struct {
		size_t start, end;
		uint16_t trunk;
	} trunk;
	size_t named_at; /* where a format of names was tried last */
	/* No end line of a private key begins there; kind 0: not known. */
	struct {
		size_t begin, end;
		char kind;
	} no_mark;
	/* The value that failed a check last; n bytes of it are in sample. */
	struct {
		size_t from, to, n;
		enum dlp_check check;
	} failed;
	void *work;                        /* of regexes; owned */
	size_t regex_from[DLP_MAX_CUSTOM]; /* where each goes on searching */
	/* Of the value that failed last what the check has looked at. */
	unsigned char sample[DLP_SAMPLE];
};

void dlp_scan_init(struct dlp_scan *s, const struct dlp_engine *e,
		   const struct dlp_sink *sink);
void dlp_scan_done(struct dlp_scan *s);
/*
 * Goes on in a view that has everything from min(floor, pos) - DLP_CONTEXT on.
 * Returns the index up to which all is decided; *ret_idle is the same when
 * what an idle stream need not keep back is given up.
 */
size_t dlp_scan_run(struct dlp_scan *s, const struct dlp_view *v,
		    size_t *ret_idle);
/* Reports what is found, whether or not more may join it. */
void dlp_scan_settle(struct dlp_scan *s, const struct dlp_view *v);
/* The first k bytes of the view are gone. */
void dlp_scan_shift(struct dlp_scan *s, size_t k);

/* A finding joins the pending one, or follows it; takes over what m owns. */
void dlp_accept(struct dlp_scan *s, const struct dlp_view *v,
		struct dlp_match *m);
/* The pending finding goes to the sink, with the bytes before it. */
void dlp_report(struct dlp_scan *s, const struct dlp_view *v);

/* ---- matchers: the trigger is at t, or the match begins at start ---- */

/* proved: what x->mask says is there, with t at the fragment. */
enum dlp_answer dlp_grammar_match(struct dlp_scan *s, const struct dlp_view *v,
				  const struct dlp_entry *x, bool proved,
				  size_t t, struct dlp_match *ret);
/*
 * The leftmost longest match from start on, as long as anything that began is
 * alive; *ret_done is where the next search has to begin.
 */
enum dlp_answer dlp_regex_find(struct dlp_scan *s, const struct dlp_regex *x,
			       const struct dlp_view *v, size_t start,
			       struct dlp_match *ret, size_t *ret_done);
enum dlp_answer dlp_pem_match(struct dlp_scan *s, const struct dlp_view *v,
			      size_t start, struct dlp_match *ret);
enum dlp_answer dlp_iban_match(const struct dlp_engine *e,
			       const struct dlp_view *v, size_t start,
			       struct dlp_match *ret);
void dlp_iban_frag(struct dlp_frag *ret);
enum dlp_answer dlp_mail_match(const struct dlp_engine *e,
			       const struct dlp_view *v, size_t t,
			       struct dlp_match *ret);
/* Telephone, card and social security numbers; t is the first digit. */
/* Whether what stands in front of t, in its line, calls it an SSN. */
bool dlp_is_named_ssn(const struct dlp_view *v, size_t t);
enum dlp_answer dlp_number_match(const struct dlp_engine *e,
				 const struct dlp_view *v, size_t t,
				 struct dlp_match *ret);
/* A run of base64 of which t is the BLOB_SHORTth byte or the BLOB_MINth. */
enum dlp_answer dlp_blob_match(struct dlp_scan *s, const struct dlp_view *v,
			       size_t t, struct dlp_match *ret);
#define BLOB_MIN   64U
#define BLOB_SHORT 27U /* if it is text that is encoded */
/* Text in UTF-16; t is a zero in it with UTF16_MIN characters up to it. */
enum dlp_answer dlp_wide_match(struct dlp_scan *s, const struct dlp_view *v,
			       size_t t, struct dlp_match *ret);
#define UTF16_MIN 8U
/* Where the UTF-16 begins that ends at i, at most max bytes before; or i. */
size_t dlp_wide_before(const struct dlp_scan *s, const struct dlp_view *v,
		       size_t i, size_t max);
/*
 * Text as hex digits or in base32; t as in dlp_blob_match(), start is where the
 * run begins.
 */
enum dlp_answer dlp_hex_match(struct dlp_scan *s, const struct dlp_view *v,
			      size_t start, size_t t, struct dlp_match *ret);
enum dlp_answer dlp_base32_match(struct dlp_scan *s, const struct dlp_view *v,
				 size_t start, size_t t, struct dlp_match *ret);
/* Text with %41 or \u0041 in it; t is at the first of them. */
enum dlp_answer dlp_escape_match(struct dlp_scan *s, const struct dlp_view *v,
				 size_t t, struct dlp_match *ret);
/*
 * Everything in a text inside the text; fn gets offsets in it. Return: the
 * number of findings, -ENOMEM.
 */
int dlp_scan_nested(struct dlp_scan *s, struct str text, dlp_found_fn fn,
		    void *arg);

/* ---- checks ---- */

static inline bool dlp_is_known(const uint64_t known[DLP_CLASS_WORDS],
				unsigned int class)
{
	return known[class / 64] >> class % 64 & 1;
}

/* The same as dlp_scan_span(), when that is not known yet. */
size_t dlp_scan_new_span(struct dlp_scan *s, const struct dlp_view *v,
			 unsigned int class, size_t i, size_t stop);

/* End of the run of a class that i is in, at most max bytes on. */
static inline size_t dlp_scan_span(struct dlp_scan *s, const struct dlp_view *v,
				   unsigned int class, size_t i, size_t max)
{
	const struct dlp_span *x = &s->spans[class];
	size_t stop = v->n - i < max ? v->n : i + max;

	if (i == stop || !dlp_is(s->e, v->p[i], class))
		return i;
	if (dlp_is_known(s->spans_known, class) && x->begin <= i &&
	    i < x->end &&
	    (stop <= x->end || !dlp_is(s->e, v->p[x->end], class)))
		return MIN(stop, x->end);
	return dlp_scan_new_span(s, v, class, i, stop);
}

/* Whether a byte of a class is among the n bytes from i on, as far as the view
 * goes. */
bool dlp_scan_new_gap(struct dlp_scan *s, const struct dlp_view *v,
		      unsigned int class, size_t i, size_t stop);

static inline bool dlp_scan_meets(struct dlp_scan *s, const struct dlp_view *v,
				  unsigned int class, size_t i, size_t n)
{
	const struct dlp_span *g = &s->gaps[class];
	size_t stop = v->n - i < n ? v->n : i + n;

	if (dlp_is_known(s->gaps_known, class) && g->begin <= i &&
	    i <= g->end) {
		if (stop <= g->end)
			return false;
		if (dlp_is(s->e, v->p[g->end], class))
			return true;
	}
	return dlp_scan_new_gap(s, v, class, i, stop);
}
bool dlp_check(enum dlp_check check, struct str whole, struct str secret);
/* The checks of values that only their name tells. */
static inline bool dlp_is_assigned(enum dlp_check check)
{
	return check == DLP_CHECK_VALUE || check == DLP_CHECK_NAMED ||
	       check == DLP_CHECK_STRICT || check == DLP_CHECK_KEY;
}
/*
 * Whether a secret of n bytes at i is too dull for any check for randomness. What
 * is found out is kept in *known, so that no byte is asked twice.
 */
bool dlp_is_dull(const struct dlp_view *v, size_t i, size_t n,
		 struct dlp_dull *known);
bool dlp_luhn(const unsigned char *digits, size_t n);
/* No word goes on from before i to i; an escape before it is no word. */
bool dlp_word_begins(const struct dlp_engine *e, const struct dlp_view *v,
		     size_t i);
/* An escape whose last letter looks like the beginning of a word ends at i. */
bool dlp_after_escape(const struct dlp_view *v, size_t i);
bool dlp_is_placeholder(struct str value);

/* Pairs of letters within words; *ret_unusual: that words hardly have. */
unsigned int dlp_pairs(struct str s, unsigned int *ret_unusual);

/* ---- building an engine ---- */

void dlp_classes_init(struct dlp_classes *c);
/* The number of a class that has exactly these bytes; -E2BIG. */
int dlp_classes_add(struct dlp_classes *c, const uint64_t set[4]);
/*
 * Compiles a row; segments are appended to segs (room for DLP_MAX_SEGS).
 * Return: 0, -EINVAL, -E2BIG.
 */
int dlp_grammar_compile(struct dlp_classes *c, const struct dlp_row *row,
			struct dlp_seg *segs, struct dlp_grammar *ret);
/* Fills frag, and what mask can say of more than the fragment's places. */
void dlp_grammar_frag(const struct dlp_engine *e, const struct dlp_grammar *g,
		      struct dlp_entry *entry);
void dlp_regex_frag(const struct dlp_regex *x, struct dlp_frag *ret);
void dlp_text_frag(struct str text, struct dlp_frag *ret);
/* e->entries is complete; fills e->tr. Return: 0, -ENOMEM. */
int dlp_triggers_build(struct dlp_engine *e);
/* Its part: which entry is tried where. Return: 0, -ENOMEM. */
int dlp_lists_build(struct dlp_engine *e);
/* Only the buckets, for another e->tr.pass. Return: 0, -ENOMEM. */
int dlp_triggers_deal(struct dlp_engine *e);
/*
 * Masks of n blocks of 64 bytes at p; DLP_LOOK bytes must be readable from the
 * last of them on. The portable one gives fewer triggers, never one less that
 * matters. In *edge, of the first block: where words may begin in it as far as
 * what is before it says; DLP_EDGE_UNKNOWN if that is not known. Out: for the
 * next one.
 */
void dlp_triggers_scan(const struct dlp_engine *e, const unsigned char *p,
		       unsigned int n, uint64_t *edge, struct dlp_masks *ret);
void dlp_triggers_scan_avx2(const struct dlp_triggers *tr,
			    const unsigned char *p, unsigned int n,
			    uint64_t *edge, struct dlp_masks *m);
void dlp_triggers_scan_avx512(const struct dlp_triggers *tr,
			      const unsigned char *p, unsigned int n,
			      uint64_t *edge, struct dlp_masks *m);
/* Blocks that are looked at in one go. */
#define DLP_BATCH 16U
/*
 * Leaves of the triggers of n blocks at p, DLP_BATCH at most, those that an
 * entry's first bytes stand at, and the marks: without a branch, because most
 * go here.
 */
void dlp_refine(const struct dlp_triggers *tr, const unsigned char *p,
		unsigned int n, struct dlp_masks *m);
bool dlp_triggers_has_avx2(void);
bool dlp_triggers_has_avx512(void);
/* The best form that this processor has. */
enum dlp_pass dlp_triggers_best(void);
/* The place of the first byte that an entry may begin at, if more came. */
size_t dlp_triggers_tail(const struct dlp_triggers *tr, const unsigned char *p,
			 size_t n);

/* 17 bits; dlp_fold3() are the upper ones. */
static inline unsigned int dlp_fold3_long(const unsigned char *p)
{
	uint32_t x =
		((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16) |
		0x202020U;

	return x * 0x9e3779b1U >> 15;
}

static inline unsigned int dlp_fold4(const unsigned char *p)
{
	uint32_t x = ((uint32_t)p[0] | (uint32_t)p[1] << 8 |
		      (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24) |
		     0x20202020U;

	return x * 0x9e3779b1U >> 15;
}

static inline unsigned int dlp_fold3(const unsigned char *p)
{
	return dlp_fold3_long(p) >> 5;
}

#endif
