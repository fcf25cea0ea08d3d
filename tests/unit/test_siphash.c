/* SPDX-License-Identifier: ISC */
/* SipHash-1-3 beside another's: under a key of zeros it is what Python 3.11 and later hash bytes
 * with, PYTHONHASHSEED=0; and the first of the vectors in Rust's library. */
#include "siphash.h"

#include "unit.h"

enum { LONGEST = 63 };

static void
hashes_as_others_do(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} vectors[] = {
	    {1, UINT64_C(0x68a914128e01e473)},
	    {7, UINT64_C(0x2f098ab0c751325a)},
	    {8, UINT64_C(0xead411e67ebe2eea)},
	    {15, UINT64_C(0xf30eb725bb91c9ea)},
	    {16, UINT64_C(0x8972188433a5c5b7)},
	    {LONGEST, UINT64_C(0x385d3e39e5f37359)},
	};
	static const unsigned char zeros[SIPHASH_KEY_BYTES];
	unsigned char bytes[1 + LONGEST]; /* 0, 1, 2 …, at an odd address */

	(void)state;
	for (unsigned i = 0; i < LONGEST; i++)
		bytes[1 + i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_int_equal(siphash13(bytes + 1, vectors[i].len, zeros), vectors[i].hash);
}

static void
hashes_under_a_key(void **state)
{
	unsigned char key[SIPHASH_KEY_BYTES];

	(void)state;
	for (unsigned i = 0; i < SIPHASH_KEY_BYTES; i++)
		key[i] = (unsigned char)i;
	assert_int_equal(siphash13("", 0, key), UINT64_C(0xabac0158050fc4dc));
	key[15] ^= 0x80;
	assert_int_not_equal(siphash13("", 0, key), UINT64_C(0xabac0158050fc4dc));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hashes_as_others_do),
	    cmocka_unit_test(hashes_under_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
