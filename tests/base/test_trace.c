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
#include "core/base/trace.h"

static void expect(const char *in, const char *out)
{
	json_t *j = json_parse(in, strlen(in), NULL), *r;
	assert_non_null(j);
	r = trace_redacted(j);
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
	json_t *none = trace_redacted(NULL);
	assert_true(json_is_null(none));
	json_decref(none);
}

static void test_limits(void **state)
{
	(void)state;
	char *big = xmalloc(20001);
	memset(big, 'x', 20000);
	big[20000] = '\0';
	json_t *j = json_string(big), *r = trace_redacted(j);
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
	r = trace_redacted(j);
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
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_redaction), cmocka_unit_test(test_limits), cmocka_unit_test(test_file)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
