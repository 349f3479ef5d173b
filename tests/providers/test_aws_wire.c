/* What requests to AWS are made of: hashes and signatures against published vectors, and the reading of XML. The vectors of signatures are
 * those of the AWS test suite (get-vanilla) and what botocore 1.43 computes for the same requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "providers/common/crypto.h"
#include "providers/common/sigv4.h"
#include "providers/common/xml.h"

/* ---- hashes ------------------------------------------------------------------------------------------------------ */

static void hashes(void **state)
{
	(void)state;
	struct err err;
	char hex[SHA256_HEX], hex1[SHA1_HEX];
	unsigned char mac[SHA256_LEN];
	assert_int_equal(crypto_sha256_hex("", 0, hex, &err), 0);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_int_equal(crypto_sha256_hex("abc", 3, hex, &err), 0);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(crypto_sha1_hex("abc", 3, hex1, &err), 0);
	assert_string_equal(hex1, "a9993e364706816aba3e25717850c26c9cd0d89d");
	/* RFC 4231, cases 1, 2 and 6. */
	unsigned char key[131];
	memset(key, 0x0b, 20);
	assert_int_equal(crypto_hmac_sha256(key, 20, "Hi There", 8, mac, &err), 0);
	assert_string_equal(crypto_hex(mac, sizeof mac, hex), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	assert_int_equal(crypto_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac, &err), 0);
	assert_string_equal(crypto_hex(mac, sizeof mac, hex), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof key);
	assert_int_equal(crypto_hmac_sha256(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First", 54, mac, &err), 0);
	assert_string_equal(crypto_hex(mac, sizeof mac, hex), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void encodings(void **state)
{
	(void)state;
	struct arena *a = arena_create();
	static const char *const texts[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_string_equal(crypto_base64(a, texts[i][0], strlen(texts[i][0])), texts[i][1]);
	assert_string_equal(crypto_base64(a, "\xfb\xff\xfe", 3), "+//+");
	struct str s = str_new(1000);
	sigv4_form(&s, "Filter.1.Name", "tag:a b");
	sigv4_form(&s, "x", " a/b+c~d=\xc3\xa9  ");
	assert_string_equal(str_text(&s), "Filter.1.Name=tag%3Aa+b&x=+a%2Fb%2Bc~d%3D%C3%A9++");
	str_clear(&s);
	sigv4_query(&s, "a", "b c");
	assert_string_equal(str_text(&s), "a=b%20c");
	str_free(&s);
	arena_destroy(a);
}

/* ---- signatures -------------------------------------------------------------------------------------------------- */

enum { AT_2026 = 0, AT_2015 = 1 };
static const int64_t times[] = {INT64_C(1795446000000), INT64_C(1440938160000)};
static const char form[] = "Content-Type: application/x-www-form-urlencoded; charset=utf-8";

struct vector {
	const char *name, *service, *region, *method, *url, *headers[3], *body, *token;
	int at;
	bool s3;
	const char *names, *signature;
};

static const struct vector vectors[] = {
    {"get-vanilla of the AWS test suite", "service", "us-east-1", "GET", "https://example.amazonaws.com/", {0}, NULL, NULL, AT_2015, false, "host;x-amz-date",
	"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"STS, a form", "sts", "us-east-1", "POST", "https://sts.us-east-1.amazonaws.com/", {form}, "Action=GetCallerIdentity&Version=2011-06-15", NULL, AT_2026,
	false, "content-type;host;x-amz-date", "0d1b0452c89355999caa818fd9e6a887df2afa31363712c27d7bdd403418868e"},
    {"EC2, a form, keys that end", "ec2", "us-west-2", "POST", "https://ec2.us-west-2.amazonaws.com/", {form},
	"Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=isDefault&Filter.1.Value.1=true", "TOKEN123", AT_2026, false,
	"content-type;host;x-amz-date;x-amz-security-token", "7b12006fb129f935a9b87cffbb32d13a27fc48af0d56da9ec12a5779b09dffc9"},
    {"S3, a path with encoded characters", "s3", "us-east-1", "GET", "https://s3.us-east-1.amazonaws.com/bkt/a%20b/c%2Bd.txt", {0}, NULL, NULL, AT_2026, true,
	"host;x-amz-content-sha256;x-amz-date", "265587f7b12dcf4e64204973bbe3eeea2f9a33065887d29e6bbb00786e0adcf7"},
    {"S3, a query out of order", "s3", "us-east-1", "GET", "https://s3.us-east-1.amazonaws.com/bkt?list-type=2&prefix=a%2Fb&max-keys=2&encoding-type=url", {0},
	NULL, NULL, AT_2026, true, "host;x-amz-content-sha256;x-amz-date", "b2c6431126942559580bf2e554c7cef5a206989e72d5201d58d0d2c0121effa3"},
    {"S3, the same query encoded otherwise", "s3", "us-east-1", "GET",
	"https://s3.us-east-1.amazonaws.com/bkt?prefix=a/b&list-type=2&max-keys=2&encoding-type=url",
	{0}, NULL, NULL, AT_2026, true, "host;x-amz-content-sha256;x-amz-date", "b2c6431126942559580bf2e554c7cef5a206989e72d5201d58d0d2c0121effa3"},
    {"S3, a parameter without a value", "s3", "us-east-1", "PUT", "https://s3.us-east-1.amazonaws.com/bkt/key?uploads", {0}, "hello", NULL, AT_2026, true,
	"host;x-amz-content-sha256;x-amz-date", "529952a4d032088fccaca20139b46aaae6014aaf6b2b84f1b17efb594d5517cb"},
    {"a path with dots and empty parts", "service", "us-east-1", "GET", "https://example.amazonaws.com/a/../b/./c//d/", {0}, NULL, NULL, AT_2026, false,
	"host;x-amz-date", "b1867a94b8d641f70dc759dc405395492c4254b9fde89b17ef05e1d6f3110006"},
    {"a path that is encoded twice", "service", "us-east-1", "GET", "https://example.amazonaws.com/a%20b/%E1%88%B4", {0}, NULL, NULL, AT_2026, false,
	"host;x-amz-date", "10b615e08dfdec66806023d234ed634386374f5354d445fed6bfbd754b9678fd"},
    {"a port, equal names in the query", "execute-api", "eu-west-1", "GET", "http://127.0.0.1:5599/x?b=2&a=1&a=0", {0}, NULL, NULL, AT_2026, false,
	"host;x-amz-date", "c0ca9b69f0646682615e8e5ee89136442c020fd0945eb1b6f1ad349f37a46f8f"},
    {"blanks in a header", "service", "us-east-1", "POST", "https://example.amazonaws.com/", {"My-Header1:   a   b   c ", "Content-Type: application/json"},
	"Param1=value1", NULL, AT_2026, false, "content-type;host;my-header1;x-amz-date", "00b2d5256397051ad119af7373f29fe0915683f28976f82fc250f93e0237f073"},
    {"JSON with a target", "ssm", "us-west-2", "POST", "https://ssm.us-west-2.amazonaws.com:443/",
	{"Content-Type: application/x-amz-json-1.1", "X-Amz-Target: AmazonSSM.GetParameter"}, "{\"Name\":\"x\"}", NULL, AT_2026, false,
	"content-type;host;x-amz-date;x-amz-target", "9c54b4f20276af7356309644bc01e64634e2e970c50cfe0f086151e9b3c84459"},
};

static struct sigv4_request request_of(const struct vector *v)
{
	return (struct sigv4_request){.method = v->method, .url = v->url, .headers = v->headers, .body = v->body, .body_len = v->body ? strlen(v->body) : 0,
	    .region = v->region, .service = v->service, .at_ms = times[v->at], .s3 = v->s3};
}

static void signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct arena *a = arena_create();
		struct sigv4_keys k = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", v->token};
		struct sigv4_request q = request_of(v);
		struct err err;
		const char *const *h = sigv4_sign(a, &k, &q, &err), *last = NULL;
		for (size_t n = 0; h && h[n]; n++)
			last = h[n];
		const char *want = arena_printf(a, "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/%.8s/%s/%s/aws4_request, SignedHeaders=%s, Signature=%s",
		    v->at == AT_2015 ? "20150830" : "20261123", v->region, v->service, v->names, v->signature);
		if (!last || strcmp(last, want))
			fail_msg("%s: %s", v->name, last ? last : err.text);
		arena_destroy(a);
	}
}

static void canonical_form(void **state)
{
	(void)state;
	struct arena *a = arena_create();
	const char *const headers[] = {form, "X-Amz-Date: 20261123T150000Z", NULL};
	struct sigv4_request q = request_of(&vectors[1]);
	q.headers = headers;
	struct err err;
	assert_string_equal(sigv4_canonical(a, &q, &err),
	    "POST\n/\n\ncontent-type:application/x-www-form-urlencoded; charset=utf-8\nhost:sts.us-east-1.amazonaws.com\nx-amz-date:20261123T150000Z\n\n"
	    "content-type;host;x-amz-date\n");
	q.url = "no url";
	assert_null(sigv4_canonical(a, &q, &err));
	assert_int_equal(err.code, ERR_INVALID);
	/* Equal names are joined. */
	const char *const twice[] = {"X-A: 1", "x-a: 2", "X-A-B: 0", NULL};
	q = (struct sigv4_request){.method = "GET", .url = "https://h", .headers = twice, .region = "r", .service = "s"};
	assert_string_equal(sigv4_canonical(a, &q, &err), "GET\n/\n\nhost:h\nx-a:1,2\nx-a-b:0\n\nhost;x-a;x-a-b\n");
	arena_destroy(a);
}

static void presigned(void **state)
{
	(void)state;
	struct arena *a = arena_create();
	struct err err;
	struct sigv4_keys k = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL};
	struct sigv4_request q = {.method = "GET", .url = "https://s3.us-east-1.amazonaws.com/bkt/key.txt", .region = "us-east-1", .service = "s3",
	    .at_ms = times[AT_2026], .s3 = true};
	assert_string_equal(sigv4_presign(a, &k, &q, 3600, &err),
	    "https://s3.us-east-1.amazonaws.com/bkt/key.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261123%2Fus-east-1%2Fs3%2F"
	    "aws4_request&X-Amz-Date=20261123T150000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature="
	    "b95af2f06259140833e6050762d92b62ba9628372ee884bbf33ce73e80471a2a");
	k.token = "TOK/EN==";
	const char *url = sigv4_presign(a, &k, &q, 3600, &err);
	assert_true(str_ends(url, "&X-Amz-Signature=fe842894f459bd57dec96453fefd94f9472d8b7074f432dfd6872eddeae862fb"));
	arena_destroy(a);
}

/* ---- XML --------------------------------------------------------------------------------------------------------- */

static void reads(const char *xml, const char *json)
{
	struct err err = {0};
	json_t *j = xml_json(xml, strlen(xml), &err);
	if (!j)
		fail_msg("%s: %s", xml, err.text);
	char *text = json_text(j);
	assert_string_equal(text, json);
	free(text);
	json_decref(j);
}

static void refuses(const char *xml)
{
	struct err err = {0};
	json_t *j = xml_json(xml, strlen(xml), &err);
	if (j)
		fail_msg("accepted: %s", xml);
	assert_int_equal(err.code, ERR_PROTOCOL);
	json_decref(j);
}

static void xml_values(void **state)
{
	(void)state;
	reads("<a/>", "{\"a\":\"\"}");
	reads("\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- <b> -->\n<a xmlns=\"http://x/>\" y='>'>t</a>\n", "{\"a\":\"t\"}");
	reads("<a>&lt;&amp;&#65;&#x20AC;&quot;<![CDATA[<x>&]]></a>", "{\"a\":\"<&A\xe2\x82\xac\\\"<x>&\"}");
	reads("<a><set/><item><b>1</b></item></a>", "{\"a\":{\"set\":\"\",\"item\":{\"b\":\"1\"}}}");
	reads("<a><setSet><item><b>1</b></item> <item><b>2</b></item></setSet></a>", "{\"a\":{\"setSet\":[{\"b\":\"1\"},{\"b\":\"2\"}]}}");
	reads("<a><m><member>x</member></m><c>1</c><c>2</c><c>3</c></a>", "{\"a\":{\"m\":[\"x\"],\"c\":[\"1\",\"2\",\"3\"]}}");
	/* Equal names at several depths keep their places. */
	reads("<r><i><instanceState><code>16</code><name>running</name></instanceState><stateReason><code/></stateReason><name>n</name></i></r>",
	    "{\"r\":{\"i\":{\"instanceState\":{\"code\":\"16\",\"name\":\"running\"},\"stateReason\":{\"code\":\"\"},\"name\":\"n\"}}}");
}

static void xml_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "x", "<", "<a", "<a>", "<a></b>", "</a>", "<a></a></a>",
	    "<a b=\"></a>", "<a>&nope;</a>", "<a>&#0;</a>", "<a>&#xD800;</a>",
	    "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a><!-- </a>", "<a><![CDATA[x</a>", "<\xc3\xa9/>", "<a><b</a>", "{}"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		refuses(texts[i]);
	struct str deep = str_new(1 << 20);
	for (int i = 0; i < XML_DEPTH_MAX + 1; i++)
		str_add(&deep, "<a>");
	refuses(str_text(&deep));
	str_free(&deep);
	struct str wide = str_new(16 << 20);
	str_add(&wide, "<a>");
	for (int i = 0; i < XML_ELEMENTS_MAX; i++)
		str_add(&wide, "<b/>");
	str_add(&wide, "</a>");
	refuses(str_text(&wide));
	str_free(&wide);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hashes),
	    cmocka_unit_test(encodings),
	    cmocka_unit_test(signatures),
	    cmocka_unit_test(canonical_form),
	    cmocka_unit_test(presigned),
	    cmocka_unit_test(xml_values),
	    cmocka_unit_test(xml_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
