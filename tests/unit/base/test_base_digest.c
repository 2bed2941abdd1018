/* SPDX-License-Identifier: MIT */
/*
 * test_base_digest.c - published vectors for hashes and encodings
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/ed25519.h"
#include "base/fd.h"

static void assert_hex(const uint8_t *p, size_t n, const char *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	hex_encode(&b, p, n);
	assert_string_equal(buf_cstr(&b), want);
}

static void test_hashes(void **state)
{
	uint8_t out[SHA512_LEN];
	_cleanup_close_ int fd = fd_sealed_memfd("t", STR("abc"));

	(void)state;
	digest_sha256(STR("abc"), out);
	assert_hex(out, SHA256_LEN,
		   "ba7816bf8f01cfea414140de5dae2223"
		   "b00361a396177a9cb410ff61f20015ad");
	digest_sha256(STR_NONE, out);
	assert_hex(out, SHA256_LEN,
		   "e3b0c44298fc1c149afbf4c8996fb924"
		   "27ae41e4649b934ca495991b7852b855");
	digest_sha1(STR("abc"), out);
	assert_hex(out, SHA1_LEN, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_true(fd >= 0);
	assert_int_equal(digest_sha256_fd(fd, out), 0);
	assert_hex(out, SHA256_LEN,
		   "ba7816bf8f01cfea414140de5dae2223"
		   "b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(digest_sha256_fd(-1, out), -EBADF);
}

/* RFC 4231, test case 2. */
static void test_hmac(void **state)
{
	uint8_t out[SHA512_LEN];

	(void)state;
	digest_hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"),
			   out);
	assert_hex(out, SHA256_LEN,
		   "5bdcc146bf60754e6a042426089575c7"
		   "5a003f089d2739839dec58b964ec3843");
	digest_hmac_sha512(STR("Jefe"), STR("what do ya want for nothing?"),
			   out);
	assert_hex(out, SHA512_LEN,
		   "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd6"
		   "10270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
		   "caeab1a34d4a6b4b636e070a38bce737");
}

static void test_hex(void **state)
{
	uint8_t out[2] = { 0 };

	(void)state;
	assert_int_equal(hex_decode(STR("0aFf"), out, 2), 0);
	assert_int_equal(out[0], 0x0a);
	assert_int_equal(out[1], 0xff);
	assert_int_equal(hex_decode(STR("0aF"), out, 2), -EINVAL);
	assert_int_equal(hex_decode(STR("0aFf0"), out, 2), -EINVAL);
	assert_int_equal(hex_decode(STR("0axf"), out, 2), -EINVAL);
}

static void test_base64(void **state)
{
	static const char *const vectors[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};
	_cleanup_buf_ struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		buf_reset(&b);
		base64_encode_to(&b, vectors[i][0], strlen(vectors[i][0]));
		assert_string_equal(buf_cstr(&b), vectors[i][1]);
		buf_reset(&b);
		assert_int_equal(base64_decode_to(&b, str_from(vectors[i][1])),
				 0);
		assert_string_equal(buf_cstr(&b), vectors[i][0]);
	}
	buf_reset(&b);
	assert_int_equal(base64_decode_to(&b, STR("Zg")), -EINVAL);
	assert_int_equal(base64_decode_to(&b, STR("Z!==")), -EINVAL);
	assert_int_equal(b.len, 0);
}

/* RFC 8032 section 7.1, test 2 */
static void test_ed25519(void **state)
{
	uint8_t seed[ED25519_SEED_LEN], key[ED25519_PUBLIC_LEN];
	uint8_t signature[ED25519_SIGNATURE_LEN];

	(void)state;
	assert_int_equal(hex_decode(STR("4ccd089b28ff96da9db6c346ec114e0f"
					"5b8a319f35aba624da8cf6ed4fb8a6fb"),
				    seed, sizeof(seed)),
			 0);
	ed25519_public(seed, key);
	assert_hex(key, sizeof(key),
		   "3d4017c3e843895a92b70aa74d1b7ebc"
		   "9c982ccf2ec4968cc0cd55f12af4660c");
	ed25519_sign(seed, STR("\x72"), signature);
	assert_hex(signature, sizeof(signature),
		   "92a009a9f0d4cab8720e820b5f642540"
		   "a2b27b5416503f8fb3762223ebdb69da"
		   "085ac1e43e15996e458f3613d0f11d8c"
		   "387b2eaeb4302aeeb00d291612bb0c00");
	assert_true(ed25519_verify(key, STR("\x72"), signature));
	assert_false(ed25519_verify(key, STR("\x73"), signature));
	signature[0] ^= 1;
	assert_false(ed25519_verify(key, STR("\x72"), signature));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hashes),  cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_hex),     cmocka_unit_test(test_base64),
		cmocka_unit_test(test_ed25519),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
