/* Object stores, the pure parts: URIs of buckets, signatures of links against published and independently computed ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "providers/azure/sas.h"
#include "providers/common/crypto.h"
#include "providers/common/objects.h"
#include "providers/common/sigv4.h"

static void uris(void **state)
{
	(void)state;
	static const struct {
		const char *uri, *bucket, *key, *prefix; /* bucket NULL: refused */
	} rows[] = {
	    {"s3://bucket", "bucket", "", ""}, {"s3://bucket/", "bucket", "", ""}, {"s3://bucket/a", "bucket", "a", "a/"}, {"s3://bucket/a/", "bucket", "a/", "a/"},
	    {"gs://my_b.x/a b/c?d#e", "my_b.x", "a b/c?d#e", "a b/c?d#e/"}, {"s3://bucket//a", "bucket", "/a", "/a/"}, {"s3://", NULL, NULL, NULL},
	    {"s3://ab/x", NULL, NULL, NULL}, {"s3://-abc/x", NULL, NULL, NULL}, {"s3://a..b/x", NULL, NULL, NULL}, {"s3://user@host/x", NULL, NULL, NULL},
	    {"s3://buck et/x", NULL, NULL, NULL}, {"s3://bu%63ket/x", NULL, NULL, NULL}, {"s3:///x", NULL, NULL, NULL},
	};
	struct arena *a = arena_create();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct objects_uri u;
		struct err err;
		int rc = objects_uri(a, rows[i].uri, &u, &err);
		assert_int_equal(rc, rows[i].bucket ? 0 : -1);
		if (rc) {
			assert_int_equal(err.code, ERR_INVALID);
			continue;
		}
		assert_string_equal(u.bucket, rows[i].bucket);
		assert_string_equal(u.key, rows[i].key);
		assert_string_equal(u.prefix, rows[i].prefix);
		assert_int_equal(objects_may_be_one(&u), *u.key && u.key[strlen(u.key) - 1] != '/');
		assert_string_equal(objects_key(a, &u, ""), u.key);
		assert_string_equal(objects_key(a, &u, "x"), arena_printf(a, "%sx", u.prefix));
	}
	arena_destroy(a);
}

/* docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, the example. */
static void amazons_example(void **state)
{
	(void)state;
	struct arena *a = arena_create();
	struct err err;
	struct sigv4_keys k = {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL};
	struct sigv4_request q = {.method = "GET", .url = "https://examplebucket.s3.amazonaws.com/test.txt", .region = "us-east-1", .service = "s3",
	    .at_ms = INT64_C(1369353600000), .s3 = true};
	const char *url = sigv4_presign(a, &k, &q, 86400, &err);
	assert_non_null(url);
	assert_string_equal(url, "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
	    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
	    "&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
	arena_destroy(a);
}

static void azures(void **state)
{
	(void)state;
	static const char key[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
	struct arena *a = arena_create();
	struct err err;
	struct sas blob = {"acc", "data", "a b/c", "r", "2026-11-26T20:00:00Z", true}, all = {"acc", "data", NULL, "l", "2026-11-26T20:00:00Z", false};
	assert_string_equal(sas_text(a, &blob), "r\n\n2026-11-26T20:00:00Z\n/blob/acc/data/a b/c\n\n\nhttps\n2020-10-02\nb\n\n\n\n\n\n");
	assert_string_equal(sas_of(a, &blob, key, &err),
	    "sv=2020-10-02&sr=b&sp=r&se=2026-11-26T20%3A00%3A00Z&spr=https&sig=NMppx7yuADIFzMOLOJGX%2FTJ6ZX7as1p70T30iNU9ah4%3D");
	assert_string_equal(sas_of(a, &all, key, &err), "sv=2020-10-02&sr=c&sp=l&se=2026-11-26T20%3A00%3A00Z&sig=fvhar5P9%2F1BtDDbgXS1tsMY492m4IFY3DrC0SRCnVRA%3D");
	assert_null(sas_of(a, &blob, "no base64!", &err));
	assert_int_equal(err.code, ERR_CREDENTIALS);
	assert_null(strstr(err.text, "base64!"));
	arena_destroy(a);
}

static void base64(void **state)
{
	(void)state;
	static const char *const good[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"}, *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "Z===",
				 "Zm9v====", "Zm 9v", "Zg==Zg==", "Zm9-"};
	struct arena *a = arena_create();
	unsigned char out[16];
	size_t n;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(crypto_unbase64(good[i], out, sizeof out, &n));
		assert_int_equal(n, i);
		assert_memory_equal(out, "foobar", i);
		assert_string_equal(crypto_base64(a, out, n), good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(crypto_unbase64(bad[i], out, sizeof out, &n));
	assert_false(crypto_unbase64("Zm9vYmFyZm9vYmFyZm9v", out, 14, &n));
	arena_destroy(a);
}

static void lists(void **state)
{
	(void)state;
	json_t *one = NULL, *x = json_pack("{s:{s:s}, s:[s,s]}", "a", "k", "v", "b", "p", "q");
	assert_int_equal(json_array_size(objects_list(x, "b", &one)), 2);
	assert_null(one);
	assert_int_equal(json_array_size(objects_list(x, "a", &one)), 1);
	assert_string_equal(json_str(json_array_get(one, 0), "k", ""), "v");
	json_decref(one);
	one = NULL;
	assert_null(objects_list(x, "c", &one));
	json_decref(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(uris), cmocka_unit_test(amazons_example), cmocka_unit_test(azures),
	    cmocka_unit_test(base64), cmocka_unit_test(lists)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
