/* The pipe between engine and cloud side, from both ends: replies that are no replies, requests that are no requests.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "providers/common/child.h"
#include "providers/common/cloudside.h"

/* One call that gets this reply. Returns the code it fails with, ERR_NONE when it is done; *text the message. */
static enum err_code answer(enum provider_verb verb, const char *args, int status, const char *body, size_t len,
    const char *complaint, struct err *err)
{
	struct provider_env env = {.self = "/usr/bin/skytop", .state_dir = "/nowhere", .now_ms = 1};
	struct provider_call c = {
	    .verb = verb, .args = json_loads(args, 0, NULL), .env = &env, .arena = arena_create()};
	*err = (struct err){0};
	assert_int_equal(cloudside_step("sim", &c, NULL, err), PROVIDER_REQUEST);
	assert_int_equal(c.request.kind, PROVIDER_EXEC);
	struct provider_reply reply = {
	    .status = status, .body = body, .body_len = len, .complaint = complaint};
	enum provider_step step = cloudside_step("sim", &c, &reply, err);
	assert_int_equal(step == PROVIDER_DONE, c.result != NULL);
	json_decref(c.result);
	json_decref((json_t *)(uintptr_t)c.args);
	arena_destroy(c.arena);
	return step == PROVIDER_DONE ? ERR_NONE : err->code;
}

static enum err_code query(int status, const char *body, const char *complaint, struct err *err)
{
	return answer(PROVIDER_QUERY, "{}", status, body, strlen(body), complaint, err);
}

static void test_request(void **state)
{
	(void)state;
	json_t *config = json_pack("{s:i}", "seed", 3), *args = json_pack("{s:s}", "cluster", "c\"1\n");
	struct provider_env env = {.self = "/x/skytop", .state_dir = "/s/local", .config = config, .now_ms = 77};
	struct provider_call c = {.verb = PROVIDER_STOP, .args = args, .env = &env, .arena = arena_create()};
	struct err err;
	assert_int_equal(cloudside_step("local", &c, NULL, &err), PROVIDER_REQUEST);
	assert_string_equal(c.request.argv[0], "/x/skytop");
	assert_string_equal(c.request.argv[1], "cloud-side");
	assert_string_equal(c.request.argv[2], "local");
	assert_null(c.request.argv[3]);
	assert_true(c.request.timeout_ms > 0);
	json_t *body = json_parse(c.request.body, c.request.body_len, &err);
	assert_string_equal(json_str(body, "verb", ""), "stop");
	assert_string_equal(json_str(body, "state_dir", ""), "/s/local");
	assert_true(json_equal(json_obj(body, "args"), args));
	assert_true(json_equal(json_obj(body, "config"), config));
	assert_int_equal(json_int(body, "now_ms", 0), 77);
	/* The call may be begun again from the top. */
	c.step = 0;
	assert_int_equal(cloudside_step("local", &c, NULL, &err), PROVIDER_REQUEST);
	json_decref(body);
	json_decref(config);
	json_decref(args);
	arena_destroy(c.arena);
}

static void test_no_reply(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(query(0, "", "", &err), ERR_PROTOCOL);
	assert_non_null(strstr(err.text, "sim query"));
	assert_non_null(strstr(err.text, "answered nothing"));
	assert_int_equal(query(0, "Segmentation fault\n", "", &err), ERR_PROTOCOL);
	assert_non_null(strstr(err.text, "Segmentation fault"));
	assert_int_equal(query(0, "{\"nodes\": [", "", &err), ERR_PROTOCOL);
	assert_int_equal(query(0, "{\"nodes\": []} x", "", &err), ERR_PROTOCOL);
	assert_int_equal(query(0, "\xff\xfe\x00", "", &err), ERR_PROTOCOL);
	assert_int_equal(query(99, "", "exec format error", &err), ERR_PROTOCOL);
	assert_non_null(strstr(err.text, "exit status 99"));
	assert_non_null(strstr(err.text, "exec format error"));
	assert_int_equal(query(-1, "", "", &err), ERR_NETWORK);
	assert_int_equal(query(-1, "{\"nodes\": [{\"id\"", "", &err), ERR_NETWORK);
	assert_true(err_info(err.code)->retry);
	/* What it says is shown, but cannot command a terminal. */
	assert_int_equal(query(1, "", "\x1b[2Jboom\r\n\x07", &err), ERR_PROTOCOL);
	assert_null(strchr(err.text, '\x1b'));
	assert_null(strchr(err.text, '\n'));
	assert_non_null(strstr(err.text, "boom"));
}

static void test_huge_reply(void **state)
{
	(void)state;
	size_t n = (size_t)CLOUDSIDE_REPLY_MAX + 100;
	char *big = xmalloc(n + 1);
	memset(big, ' ', n);
	memcpy(big, "{\"nodes\": []}", 13);
	big[n] = '\0';
	struct err err;
	assert_int_equal(answer(PROVIDER_QUERY, "{}", 0, big, n, "", &err), ERR_PROTOCOL);
	assert_non_null(strstr(err.text, "larger"));
	assert_int_equal(answer(PROVIDER_QUERY, "{}", 0, big, 1000, "", &err), ERR_NONE);
	memset(big, '[', n);
	assert_int_equal(answer(PROVIDER_QUERY, "{}", 0, big, 1 << 20, "", &err), ERR_PROTOCOL);
	assert_true(strlen(err.text) < 500);
	free(big);
}

static void test_reported_errors(void **state)
{
	(void)state;
	struct err err;
	for (int code = ERR_FAILED; code < ERR_CODES; code++) {
		char *body = xasprintf(
		    "{\"error\": {\"code\": \"%s\", \"message\": \"so it is\"}}", err_info((enum err_code)code)->name);
		assert_int_equal(query(1, body, "noise", &err), code);
		assert_string_equal(err.text, "so it is");
		free(body);
	}
	assert_int_equal(
	    query(1, "{\"error\": {\"code\": \"sunspots\", \"message\": \"hm\"}}", "", &err), ERR_PROTOCOL);
	assert_int_equal(query(1, "{\"error\": {\"code\": \"none\"}}", "", &err), ERR_PROTOCOL);
	assert_int_equal(query(1, "{\"error\": {}}", "", &err), ERR_PROTOCOL);
	assert_int_equal(query(1, "{\"error\": \"text\"}", "", &err), ERR_PROTOCOL);
}

static void test_wrong_shapes(void **state)
{
	(void)state;
#define NODE "{\"id\":\"i\",\"token\":\"t\",\"cluster\":\"c\",\"status\":\"RUNNING\"}"
	static const struct {
		enum provider_verb verb;
		const char *body;
		bool ok;
	} cases[] = {
	    {PROVIDER_QUERY, "{\"nodes\":[" NODE "]}", true},
	    {PROVIDER_QUERY, "[]", false},
	    {PROVIDER_QUERY, "null", false},
	    {PROVIDER_QUERY, "3", false},
	    {PROVIDER_QUERY, "{}", false},
	    {PROVIDER_QUERY, "{\"nodes\":{}}", false},
	    {PROVIDER_QUERY, "{\"nodes\":[3]}", false},
	    {PROVIDER_QUERY, "{\"nodes\":[{\"id\":\"\",\"token\":\"t\",\"cluster\":\"c\",\"status\":\"RUNNING\"}]}",
		false},
	    {PROVIDER_QUERY, "{\"nodes\":[{\"id\":\"i\",\"token\":\"t\",\"cluster\":\"c\",\"status\":\"HAPPY\"}]}",
		false},
	    {PROVIDER_QUERY, "{\"nodes\":[{\"id\":\"i\",\"token\":\"t\",\"status\":\"RUNNING\"}]}", false},
	    {PROVIDER_CREATE, "{\"nodes\":[" NODE "]}", true},
	    {PROVIDER_CREATE, "{\"nodes\":[]}", false},
	    {PROVIDER_CREATE, "{\"nodes\":[" NODE "," NODE "]}", false},
	    {PROVIDER_CHECK, "{\"enabled\":true}", true},
	    {PROVIDER_CHECK, "{\"enabled\":1}", false},
	    {PROVIDER_OFFERS, "{\"offers\":[]}", true},
	    {PROVIDER_OFFERS, "{\"offers\":[{}]}", false},
	    {PROVIDER_OFFERS, "{\"offers\":[{\"instance_type\":\"a\",\"region\":\"r\",\"accelerator_count\":-1}]}",
		false},
	    {PROVIDER_TERMINATE, "{}", true},
	    {PROVIDER_TERMINATE, "{\"pending\":2}", true},
	    {PROVIDER_TERMINATE, "{\"pending\":\"2\"}", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err;
		enum err_code code = answer(cases[i].verb, "{\"nodes\":[{\"token\":\"t\"}]}", 0, cases[i].body,
		    strlen(cases[i].body), "", &err);
		if (code != (cases[i].ok ? ERR_NONE : ERR_PROTOCOL))
			fail_msg("%s is taken wrongly: %s", cases[i].body, err.text);
	}
}

/* --- the child's end
 * ------------------------------------------------------------------------------------------------*/

/* What `skytop cloud-side NAME` says to such a stdin: the code of its error. */
static void assert_refuses(const char *feed, const char *name, const char *code)
{
	char *script = xasprintf("%s | \"$SKYTOP\" cloud-side %s; true", feed, name);
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct err err = {0};
	char *out = child_output(argv, 60000, 1 << 20, &err);
	assert_non_null(out);
	json_t *j = json_parse(out, strlen(out), &err);
	if (!j || !str_eq(json_str(json_obj(j, "error"), "code", ""), code))
		fail_msg("%s: %s", script, out);
	assert_true(json_str(json_obj(j, "error"), "message", "")[0]);
	json_decref(j);
	free(out);
	free(script);
}

static void test_bad_requests(void **state)
{
	(void)state;
	assert_refuses("printf ''", "local", "protocol");
	assert_refuses("echo hello", "local", "protocol");
	assert_refuses("echo '[]'", "local", "invalid");
	assert_refuses("echo '{}'", "local", "invalid");
	assert_refuses("echo '{\"verb\":\"query\",\"args\":{}}'", "local", "invalid");
	assert_refuses("echo '{\"verb\":\"query\",\"args\":{},\"state_dir\":\"relative\"}'", "local", "invalid");
	assert_refuses("echo '{\"verb\":\"dance\",\"args\":{},\"state_dir\":\"/nowhere\"}'", "local", "unsupported");
	assert_refuses("echo '{\"verb\":\"query\",\"args\":[],\"state_dir\":\"/nowhere\"}'", "sim", "invalid");
	assert_refuses("echo '{\"verb\":\"query\",\"verb\":\"query\"}'", "sim", "protocol");
	assert_refuses("head -c 6000000 /dev/zero", "local", "invalid");
	assert_refuses("head -c 100000 /dev/zero | tr '\\0' '['", "local", "protocol");
	assert_refuses("echo '{}'", "aws", "usage");
	assert_refuses("echo '{\"verb\":\"query\",\"args\":{},\"state_dir\":\"/dev/null/x\"}'", "local", "io");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_no_reply),
	    cmocka_unit_test(test_huge_reply),
	    cmocka_unit_test(test_reported_errors),
	    cmocka_unit_test(test_wrong_shapes),
	    cmocka_unit_test(test_bad_requests),
	};
	return cmocka_run_group_tests_name("cloudside", tests, NULL, NULL);
}
