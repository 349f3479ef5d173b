/* The trace: what is written, and that no secret is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/redact.h"
#include "core/base/trace.h"

static void expect(const char *in, const char *out)
{
	json_t *j = json_parse(in, strlen(in), NULL), *r;
	assert_non_null(j);
	r = redact_json(j);
	char *text = json_text(r);
	assert_string_equal(text, out);
	free(text);
	json_decref(r);
	json_decref(j);
}

static void test_redaction(void **state)
{
	(void)state;
	expect("{\"a\":1,\"b\":[\"x\",null,true]}", "{\"a\":1,\"b\":[\"x\",null,true]}");
	expect("{\"api_key\":\"K\",\"Authorization\":\"Bearer K\",\"secrets\":{\"A\":\"K\"},\"password\":[\"K\"]}",
	    "{\"api_key\":\"(not shown)\",\"Authorization\":\"(not shown)\",\"secrets\":\"(not shown)\",\"password\":\"(not shown)\"}");
	expect("{\"secret\":true,\"name\":\"A\",\"value\":\"K\"}", "{\"secret\":true,\"name\":\"A\",\"value\":\"(not shown)\"}");
	expect("{\"secret\":false,\"name\":\"A\",\"value\":\"v\"}", "{\"secret\":false,\"name\":\"A\",\"value\":\"v\"}");
	expect("{\"deep\":[{\"x\":{\"client_secret\":\"K\"}}]}", "{\"deep\":[{\"x\":{\"client_secret\":\"(not shown)\"}}]}");
	expect("[\"https://h/p?a=1&api_key=K&b=2\",\"http://h/?X-Amz-Signature=K\",\"https://h/p?\"]",
	    "[\"https://h/p?a=1&api_key=(not shown)&b=2\",\"http://h/?X-Amz-Signature=(not shown)\",\"https://h/p?\"]");
	json_t *none = redact_json(NULL);
	assert_true(json_is_null(none));
	json_decref(none);
}

/* What clouds call their secrets: each is hidden wherever it may stand. K is the secret. */
static void test_names(void **state)
{
	(void)state;
	static const char *const secret[] = {"Authorization", "authorization", "Proxy-Authorization", "X-Amz-Security-Token", "x-amz-security-token",
	    "Cookie", "Set-Cookie", "client_secret", "clientSecret", "refresh_token", "refreshToken", "access_token", "accessToken", "id_token",
	    "SecretAccessKey", "aws_secret_access_key", "SessionToken", "UserData", "userData", "user-data", "user_data", "customData", "private_key",
	    "PrivateKey", "KeyMaterial", "X-aws-ec2-metadata-token", "X-IDENTITY-HEADER", "x-amz-sso_bearer_token", "assertion", "client_assertion",
	    "sig", "api-key", "X-Amz-Signature", "AccountKey", "startup-script", "password"};
	static const char *const plain[] = {"PrivateIpAddress", "privateDnsName", "Action", "Region", "instanceType", "code", "Signal", "design", "KeyName"};
	for (size_t i = 0; i < ARRAY_LEN(secret) + ARRAY_LEN(plain); i++) {
		bool hidden = i < ARRAY_LEN(secret);
		const char *name = hidden ? secret[i] : plain[i - ARRAY_LEN(secret)];
		assert_int_equal(redact_name(name), hidden);
		json_t *j = json_pack("{s:[{s:s}]}", "list", name, "~K~"), *pair = json_pack("{s:s, s:s}", "key", name, "value", "~K~"), *r;
		char *texts[] = {NULL, NULL, NULL, NULL, NULL, NULL};
		texts[0] = json_text(r = redact_json(j));
		json_decref(r);
		texts[1] = json_text(r = redact_json(pair));
		json_decref(r);
		char *line = xasprintf("%s: ~K~", name), *form = xasprintf("a=1&%s=~K~&b=2", name), *xml = xasprintf("<r><%s><b>~K~</b></%s><c>C</c></r>", name, name),
		     *url = xasprintf("https://h/p?%s=~K~", name);
		texts[2] = redact_header(line);
		texts[3] = json_text(r = redact_body(form, strlen(form)));
		json_decref(r);
		texts[4] = json_text(r = redact_body(xml, strlen(xml)));
		json_decref(r);
		texts[5] = redact_url(url);
		for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
			if ((strstr(texts[t], "~K~") == NULL) != hidden)
				fail_msg("%s: %s", name, texts[t]);
			free(texts[t]);
		}
		json_decref(j);
		json_decref(pair);
		free(line);
		free(form);
		free(xml);
		free(url);
	}
}

static void expect_body(const char *in, const char *out)
{
	assert_null(redact_body(NULL, 5)); /* of a file that was read only the size is told */
	json_t *j = redact_body(in, strlen(in));
	assert_string_equal(json_is_string(j) ? json_string_value(j) : "(counted)", out);
	json_decref(j);
}

static void test_bodies(void **state)
{
	(void)state;
	expect_body("Action=RunInstances&UserData=K&Version=2016-11-15", "Action=RunInstances&UserData=(not shown)&Version=2016-11-15");
	expect_body("grant_type=refresh_token&refresh_token=K", "grant_type=refresh_token&refresh_token=(not shown)");
	expect_body("<?xml version=\"1.0\"?><A><SecretAccessKey>K</SecretAccessKey><Region/><User>u</User></A>",
	    "<?xml version=\"1.0\"?><A><SecretAccessKey>(not shown)</SecretAccessKey><Region/><User>u</User></A>");
	expect_body("<A><userData><value>K</value></userData><b>b</b></A>", "<A><userData><value>(not shown)</value></userData><b>b</b></A>");
	expect_body("<A><key>user-data</key><value>K</value><key>x</key><value>v</value></A>",
	    "<A><key>user-data</key><value>(not shown)</value><key>x</key><value>v</value></A>");
	expect_body("<A><![CDATA[K<]]>x</A>", "<A>(not shown)x</A>");
	expect_body("<A><secret", "<A><secret");
	expect_body("K K K", "(counted)");
	expect_body("K", "(counted)");
	expect_body("AQAEKKK==", "(counted)");
	expect_body("a=1&b=", "a=1&b=");
	expect("{\"value\":\"eyJhbGciOiJIUzI1NiJ9.e30.K\",\"count\":1,\"saml_response\":\"K\"}",
	    "{\"value\":\"(not shown)\",\"count\":1,\"saml_response\":\"(not shown)\"}");
	expect("{\"keys\":[{\"keyName\":\"key1\",\"value\":\"K\"}]}", "{\"keys\":[{\"keyName\":\"key1\",\"value\":\"(not shown)\"}]}");
	expect("{\"a\":\"-----BEGIN RSA PRIVATE KEY-----\\nK\",\"b\":\"Bearer K\"}", "{\"a\":\"(not shown)\",\"b\":\"(not shown)\"}");
	expect("[\"https://u:K@h/p?a=1\"]", "[\"https://(not shown)@h/p?a=1\"]");
	char *s = redact_place("https://h/p?sig=K&a=1");
	assert_string_equal(s, "https://h/p");
	free(s);
	s = redact_header("X-Anything: Bearer K");
	assert_string_equal(s, "X-Anything: (not shown)");
	free(s);
	s = redact_header("Location: https://h/?sig=K");
	assert_string_equal(s, "Location: https://h/?sig=(not shown)");
	free(s);
}

static void test_limits(void **state)
{
	(void)state;
	char *big = xmalloc(20001);
	memset(big, 'x', 20000);
	big[20000] = '\0';
	json_t *j = json_string(big), *r = redact_json(j);
	assert_true(json_string_length(r) < 4100);
	assert_non_null(strstr(json_string_value(r), "(20000 bytes)"));
	json_decref(r);
	json_decref(j);
	free(big);
	j = json_array();
	for (int i = 0; i < 1000; i++) {
		json_t *outer = json_array();
		json_array_append_new(outer, j);
		j = outer;
	}
	r = redact_json(j);
	char *text = json_text(r);
	assert_true(strlen(text) < 200);
	free(text);
	json_decref(r);
	json_decref(j);
}

static void test_file(void **state)
{
	(void)state;
	struct err err;
	struct stat st;
	char dir[] = "/tmp/skytop-trace-XXXXXX";
	assert_non_null(mkdtemp(dir));
	char *path = path_join(dir, "t"), *nowhere = path_join(dir, "no/t");
	assert_false(trace_is_on());
	trace_json("rpc out", NULL); /* off: nothing happens */
	assert_int_equal(trace_open(nowhere, &err), -1);
	assert_non_null(strstr(err.text, nowhere));
	assert_int_equal(trace_open(path, &err), 0);
	assert_true(trace_is_on());
	json_t *j = json_pack("{s:s}", "token", "K");
	trace_json("rpc out", j);
	json_decref(j);
	trace_body("GET", "https://h/?sig=1&token=K", -1, NULL, 0);
	trace_body("http in", "https://h/", 200, "{\"password\":\"K\"}", 16);
	trace_body("http in", "https://h/", 200, "KKKK no JSON", 12);
	char *text = fs_read(path, 100000, NULL, &err);
	assert_non_null(text);
	assert_null(strchr(text, 'K'));
	int lines = 0;
	for (char *p = text; *p; p += strcspn(p, "\n") + 1, lines++) {
		json_t *line = json_parse(p, strcspn(p, "\n"), &err);
		assert_non_null(json_str(line, "at", NULL));
		assert_non_null(json_str(line, "what", NULL));
		json_decref(line);
	}
	assert_int_equal(lines, 4);
	assert_non_null(strstr(text, "\"bytes\":12"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	free(text);
	assert_int_equal(fs_remove_tree(dir, &err), 0);
	free(path);
	free(nowhere);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_redaction), cmocka_unit_test(test_names), cmocka_unit_test(test_bodies),
	    cmocka_unit_test(test_limits), cmocka_unit_test(test_file)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
