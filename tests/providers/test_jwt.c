/* RS256 against RFC 7515, appendix A.2 (its key as PEM), and against a second implementation. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "providers/common/jwt.h"
#include "tests/providers/rfc7515.h"

static const char pkcs1[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIEowIBAAKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd/wWJcyQoTbji9k0\n"
    "l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL+yRT+SFd2lZS+pC\n"
    "gNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb/7OMg0LOL+bSf63kpaSHSX\n"
    "ndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD\n"
    "Zlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxXFvUK+DWNmoudF8NAco9/h9iaGNj8\n"
    "q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQIDAQABAoIBABKucaRpzQorw35S\n"
    "bEUAVx8dYXUdZOlJcHtiWQ+dC6V8ljxAHj/PLyzTveyI5QO/xkObCyjIL303l2cf\n"
    "UhPu2MFaJdjVzqACXuOrLot/eSFvxjvqVidTtAZExqFRJ9mylUVAoLvhowVWmC1O\n"
    "n95fZCXxTUtxNEG1Xcc7m0rtzJKs45J+N/V9DP1edYH6USyPSWGp6wuA+KgHRnKK\n"
    "Vf9GRx80JQY7nVNkL17eHoTWEwga+lwi0FEoW9Y7lDtWXYmKBWhUE+U8PGxlJf8f\n"
    "40493HDw1WRQ/aSLoS4QTp3rn7gYgeHEvfJdkkf0UMhlknlo53M09EFPdadQ4TlU\n"
    "bjqKc50CgYEA4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH/5IB3jw3bcxGn6QLvnE\n"
    "tfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw/Py5PJdTJNPY8cQn7ouZ2KKDcmnPG\n"
    "BY5t7yLc1QlQ5xHdwW1VhvKn+nXqhJTBgIPgtldC+KDV5z+y2XDwGUcCgYEAuQPE\n"
    "fgmVtjL0Uyyx88GZFF1fOunH3+7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYs\n"
    "p1ZSe7zFYHj7C6ul7TjeLQeZD/YwD66t62wDmpe/HlB+TnBA+njbglfIsRLtXlnD\n"
    "zQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdcCgYAHAp9XcCSrn8wVkMVkKdb7\n"
    "DOX4IKjzdahm+ctDAJN4O/y7OW5FKebvUjdAIt2GuoTZ71iTG+7F0F+lP88jtjP4\n"
    "U4qe7VHoewl4MKOfXZKTe+YCS1XbNvfgwJ3Ltyl1OH9hWvu2yza7q+d5PCsDzqtm\n"
    "27kxuvULVeya+TEdAB1ijQKBgQCH/3r6YrVH/uCWGy6bzV1nGNOdjKc9tmkfOJmN\n"
    "54dxdixdpozCQ6U4OxZrsj3FcOhHBsqAHvX2uuYjagqvo3cOj1TRqNocX40omfCC\n"
    "Mx3bD1yPPf/6TI2XECva/ggqEY2mYzmIiA5LVVmc5nrybr+lssFKneeyxN2Wq93S\n"
    "0iJMdQKBgCGHewxzoa1r8ZMD0LETNrToK423K377UCYqXfg5XMclbrjPbEC3YI1Z\n"
    "NqMtuhdBJqUnBi6tjKMF+34Xf0CUN8ncuXGO2CAYvO8PdyCixHX52ybaDjy1FtCE\n"
    "6yUXjoKNXKvUm7MWGsAYH6f4IegOetN5NvmUMFStCSkh7ixZLkN1\n"
    "-----END RSA PRIVATE KEY-----\n";
/* Keys that will not do: of another kind, and with a passphrase. Made for this test. */
static const char ec_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgf2hT1HDYY0XgdLCE\n"
    "2Dr9JCQy3SsUWpZJZDEtVSOC95GhRANCAATU0b+YxT66N0LVA/O+/2n5dtaF94Aj\n"
    "ke91r7AjoSQx6GL3OkGqDhnBOucQbWuKjUAIZ4vy8s3GLSe0NygL5ECX\n"
    "-----END PRIVATE KEY-----\n";

static const char locked_key[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIIC3TBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIi57MP737ZdwCAggA\n"
    "MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAECBBD7rjvBR83eNJ/oiWCYQ3QtBIIC\n"
    "gNSNShkCunq+TAgSFzr2L9xoWEkhKqKDgTsgFyoIndl8EUv0yNe0FfYi4WiouNqm\n"
    "HtQHstAoSZiiv3E1aL4LtiWTnlgbqh/FYYdb4i2/CnzdXCmeP88i8fSyJrAwL5X7\n"
    "BW62t2Zg2eaBKAvLVrkKj7CIR4lcfqJ8+eFFcKzzgtBn26XReQa7DubIUcBT4t90\n"
    "R5mm2AecE0Xar2nArLD83w/zfMvPr68OZeg95Hr743sqVmfvLE5mY/6w73Pt4XPp\n"
    "/p1x8KHB1BVjc2rIJ36YzcwUsLSHyVckxvduHMKriZye9dXDbg/56g5b7uFBooMG\n"
    "EjFkwJiyR5fNX2RWM3jNie/4GyxFxA41s8v+1Vx2zR1DPDmHzZIiuCScPKsUZFEq\n"
    "+YbYf/6b/SlXyIBD8kt14aXmYTLJfoo51xbhNWVodBGKu6Dahn8uvBfl8F9qOmM0\n"
    "KQxCUHxshxspZ2P2AzFLT+GFzKfUV1s7G47fLavTmk/YK8W+N/Qn0LwIiVxg2nXX\n"
    "dRpKtZIl2ugbSR1tOCe1jnBCP5PAsQp9ZKutnaEmZet0BmZA5Uv8ktMcJYRZdqj6\n"
    "DcR0uuIWM9UX3c2mEGHk4bBcxs8RTiXyUZbSv/d3QJxdTQbIUzvk7vERe8eTN4eo\n"
    "Nwg3cxphSuUKP0y1cHMwqRMrszRShNOBSxp18J559w2IDmRViJcX3z0xmr2QCyzb\n"
    "hwDsIB7K5hS5p+GJUmp52CBllDqEp7k6Nr1en2kxs+EL/V2LGyQ94d1+fewoxBxb\n"
    "UgwK8pStqU9YZ6rLPgTIsAt8Bzs3UKg+DddfXo4tGyx+XZbXOGsk74viG9cMazSc\n"
    "uEcir/hjiSlO+YCAAL4cbb0=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

static void test_base64url(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cases[] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"},
	    {"\xff\xfe\xfd", "__79"}, {"\xfb\xef\xbe", "----"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str s = str_new(100);
		base64url_add(&s, cases[i].in, strlen(cases[i].in));
		assert_string_equal(str_text(&s), cases[i].out);
		str_free(&s);
	}
}

static void test_rfc7515(void **state)
{
	(void)state;
	static const char input[] = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
	static const char signature[] =
	    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--"
	    "f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUi"
	    "pUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
	const char *const keys[] = {rfc7515_key, pkcs1};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct err err = {0};
		char *t = jwt_sign_rs256(input, keys[i], &err);
		if (!t)
			fail_msg("%s", err.text);
		assert_int_equal(strncmp(t, input, strlen(input)), 0);
		assert_string_equal(t + strlen(input), signature);
		free(t);
	}
}

static void test_objects(void **state)
{
	(void)state;
	json_t *header = json_pack("{s:s, s:s, s:s}", "alg", "RS256", "typ", "JWT", "kid", "k1"), *claims = json_pack("{s:s, s:i}", "iss", "me@p", "iat", 1);
	struct err err = {0};
	char *t = jwt_rs256(header, claims, rfc7515_key, &err);
	assert_string_equal(t,
	    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsxIn0.eyJpc3MiOiJtZUBwIiwiaWF0IjoxfQ.UYoFnrObylJK-05yRQgNbFGqILC2hhORlfFYfyiCrLNGb3WLRv1DBCC8"
	    "BMIsCVVQXhpjpD-EZwPRpKDaxh1bD_fHMyGuHjEhbrMqloZIXsyRsK9b1UB0J8stLT7XD3iwHr7qbNaTNHOaYS0BgOMBan3GhZLQZ0DCD4gMXo6eAwIeCoWadzE-JvOoP0TqTjroO8Y"
	    "Er66BsuiO4-6MnHzMznnKVNzZ0Qqye7QkNd9wLcqDC7OJQQvs8Hcm_ZAo45KY6c-uyWFVAv_YxPfY4IyoATliTgZS1rWx0Y4UzjJ16ANqciLVtLPMx9v6GaLRPGQGnvtu1ZK6CkVnyy"
	    "Bk_X3FKA");
	free(t);
	json_decref(header);
	json_decref(claims);
}

/* Nothing is asked at a terminal, and no piece of a key is told. */
static void test_bad_keys(void **state)
{
	(void)state;
	const char *const keys[] = {"", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", ec_key, locked_key};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct err err = {0};
		assert_null(jwt_sign_rs256("a.b", keys[i], &err));
		assert_int_equal(err.code, ERR_INVALID);
		assert_null(strstr(err.text, "AAAA"));
	}
}

static void test_x5t(void **state)
{
	(void)state;
	struct str s = str_new(100);
	struct err err = {0};
	char *both = xasprintf("Bag Attributes\n%s%s", rfc7515_key, rfc7515_certificate);
	assert_int_equal(jwt_x5t(both, &s, &err), 0);
	assert_string_equal(str_text(&s), rfc7515_x5t);
	assert_int_equal(jwt_x5t(rfc7515_key, &s, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	free(both);
	str_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_base64url), cmocka_unit_test(test_x5t),
	    cmocka_unit_test(test_rfc7515),
	    cmocka_unit_test(test_objects),
	    cmocka_unit_test(test_bad_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
