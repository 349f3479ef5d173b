/* Calls of providers whose machines are asked by commands: what each host answers, or that it does not, comes back in order; and the file that
 * says which machines there are. The hosts are folders here. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/io/loop.h"
#include "core/run/call.h"

static char dir[] = "/tmp/skytop-call-hosts.XXXXXX";
static struct loop *loop;
static struct call_context ctx;

/* What came of a call. */
static struct {
	bool over;
	json_t *result;
	struct err err;
} got;

static void on_over(void *arg, const json_t *result, const struct err *err)
{
	(void)arg;
	got.over = true;
	got.result = json_deep_copy(result);
	got.err = err ? *err : (struct err){.code = ERR_NONE};
	loop_stop(loop);
}

static void on_late(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

/* The result; NULL: got.err. */
static json_t *call(const struct provider *p, enum provider_verb verb, json_t *args)
{
	json_decref(got.result);
	memset(&got, 0, sizeof got);
	call_start(&ctx, p, verb, args, on_over, NULL);
	unsigned late = loop_after(loop, 60000, on_late, NULL);
	loop_run(loop);
	loop_cancel(loop, late);
	assert_true(got.over);
	return got.result;
}

/* ---- hosts --------------------------------------------------------------------------------------------------------- */

/* Asks each of args.hosts [{reach, command, input}…]; the result is what each said. */
static enum provider_step ask_step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	(void)err;
	const json_t *rows = json_arr(c->args, "hosts");
	size_t n = json_array_size(rows);
	if (!reply) {
		struct provider_ssh *list = arena_alloc(c->arena, (n + 1) * sizeof *list);
		for (size_t i = 0; i < n; i++) {
			const json_t *row = json_array_get(rows, i);
			list[i] = (struct provider_ssh){json_obj(row, "reach"), json_str(row, "command", ""), json_str(row, "input", NULL)};
		}
		c->request = (struct provider_request){.kind = PROVIDER_SSH, .hosts = list, .n_hosts = n, .timeout_ms = json_int(c->args, "timeout_ms", 20000)};
		return PROVIDER_REQUEST;
	}
	assert_int_equal(reply->n_hosts, n);
	json_t *said = json_array();
	for (size_t i = 0; i < n; i++) {
		const struct provider_ssh_reply *r = &reply->hosts[i];
		json_t *j = json_object();
		json_put_str(j, "code", r->code ? err_info(r->code)->name : "");
		json_put_str(j, "why", r->err_text);
		json_put_int(j, "status", r->status);
		json_put_int(j, "len", (int64_t)r->out_len);
		json_put_str(j, "out", r->out_len < 1000 ? r->out : "");
		json_put_str(j, "complaint", r->complaint);
		json_array_append_new(said, j);
	}
	c->result = json_pack("{s:o}", "said", said);
	return PROVIDER_DONE;
}

static const struct provider asker = {.name = "asker", .title = "Asker", .step = ask_step};

static json_t *row(const char *command, const char *input)
{
	json_t *j = json_pack("{s:{s:s, s:s}}", "reach", "kind", "local", "home", dir);
	json_put_str(j, "command", command);
	if (input)
		json_put_str(j, "input", input);
	return j;
}

static const json_t *said(size_t i)
{
	return json_array_get(json_arr(got.result, "said"), i);
}

static void test_answers(void **state)
{
	(void)state;
	json_t *hosts = json_array();
	json_array_append_new(hosts, row("sleep 0.1; echo one; echo ill >&2; exit 3", NULL));
	json_array_append_new(hosts, row("cat; pwd", "to be read\n"));
	json_array_append_new(hosts, json_pack("{s:{s:s, s:s}, s:s}", "reach", "kind", "ssh", "host", "", "command", "true"));
	json_array_append_new(hosts, row("kill -9 $$", NULL));
	assert_non_null(call(&asker, PROVIDER_QUERY, json_pack("{s:o}", "hosts", hosts)));
	assert_int_equal(json_array_size(json_arr(got.result, "said")), 4);
	assert_string_equal(json_str(said(0), "code", "?"), "");
	assert_int_equal(json_int(said(0), "status", 0), 3);
	assert_string_equal(json_str(said(0), "out", ""), "one\n");
	assert_string_equal(json_str(said(0), "complaint", ""), "ill\n");
	assert_int_equal(json_int(said(1), "status", 7), 0);
	char *want = xasprintf("to be read\n%s\n", dir);
	assert_string_equal(json_str(said(1), "out", ""), want);
	free(want);
	assert_string_equal(json_str(said(2), "code", ""), "invalid"); /* a host that cannot be asked fails alone */
	assert_true(json_str(said(2), "why", "")[0]);
	assert_int_equal(json_int(said(3), "status", 0), -1);
}

static void test_no_hosts(void **state)
{
	(void)state;
	assert_non_null(call(&asker, PROVIDER_QUERY, json_pack("{s:[]}", "hosts")));
	assert_int_equal(json_array_size(json_arr(got.result, "said")), 0);
}

static void test_bounds(void **state)
{
	(void)state;
	json_t *hosts = json_array();
	json_array_append_new(hosts, row("echo begun; sleep 300", NULL));
	json_array_append_new(hosts, row("head -c 5000000 /dev/zero | tr '\\000' x", NULL));
	json_array_append_new(hosts, row("head -c 100000 /dev/zero | tr '\\000' y >&2; echo the end >&2", NULL));
	assert_non_null(call(&asker, PROVIDER_QUERY, json_pack("{s:o, s:i}", "hosts", hosts, "timeout_ms", 5000)));
	assert_string_equal(json_str(said(0), "code", ""), "timeout");
	assert_string_equal(json_str(said(1), "code", ""), "protocol");
	assert_non_null(strstr(json_str(said(1), "why", ""), "more than 4194304 bytes"));
	const char *tail = json_str(said(2), "complaint", "");
	assert_true(strlen(tail) <= 4096 && str_ends(tail, "ythe end\n")); /* of what it complains the end */
}

static void test_cancel(void **state)
{
	(void)state;
	json_t *hosts = json_array();
	json_decref(got.result);
	memset(&got, 0, sizeof got);
	json_array_append_new(hosts, row("touch begun; sleep 300", NULL));
	struct call *c = call_start(&ctx, &asker, PROVIDER_QUERY, json_pack("{s:o}", "hosts", hosts), on_over, NULL);
	loop_after(loop, 200, on_late, NULL);
	loop_run(loop);
	call_cancel(c);
	assert_null(ctx.calls);
	loop_after(loop, 50, on_late, NULL);
	loop_run(loop);
	assert_false(got.over);
}

/* ---- the file ------------------------------------------------------------------------------------------------------ */

static enum provider_step settings_step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	(void)reply;
	(void)err;
	c->result = json_object();
	if (c->env->settings)
		json_object_set(c->result, "settings", (json_t *)(uintptr_t)c->env->settings);
	json_put_str(c->result, "path", c->env->settings_path);
	return PROVIDER_DONE;
}

static const char *const files[] = {"first.yaml", "~/second.yaml", NULL};
static const struct provider reader = {.name = "reader", .title = "Reader", .settings_files = files, .step = settings_step};

static void put(const char *name, const char *text)
{
	char *path = path_join(dir, name);
	if (text)
		assert_int_equal(fs_write(path, text, strlen(text), 0600, NULL), 0);
	else
		unlink(path);
	free(path);
}

static int64_t value(void)
{
	return json_int(json_obj(got.result, "settings"), "n", -1);
}

static void test_settings(void **state)
{
	(void)state;
	assert_non_null(call(&reader, PROVIDER_OFFERS, json_object())); /* there is none */
	assert_null(json_object_get(got.result, "settings"));
	put("second.yaml", "n: 2\n");
	assert_non_null(call(&reader, PROVIDER_OFFERS, json_object()));
	assert_int_equal(value(), 2);
	assert_true(str_ends(json_str(got.result, "path", ""), "/second.yaml"));
	put("config/first.yaml", "n: 1\n"); /* comes first, even when it came later */
	assert_non_null(call(&reader, PROVIDER_CREATE, json_object()));
	assert_int_equal(value(), 1);
	put("config/first.yaml", "n: 11\n"); /* is read again when it changed */
	assert_non_null(call(&reader, PROVIDER_CHECK, json_object()));
	assert_int_equal(value(), 11);
	put("config/first.yaml", NULL);
	assert_non_null(call(&reader, PROVIDER_CHECK, json_object()));
	assert_int_equal(value(), 2);
}

/* What would use it fails, with the place of the mistake; what looks after machines and ends them goes on. */
static void test_broken_settings(void **state)
{
	(void)state;
	static const enum provider_verb makes[] = {PROVIDER_CHECK, PROVIDER_OFFERS, PROVIDER_CREATE, PROVIDER_START},
					keeps[] = {PROVIDER_QUERY, PROVIDER_STOP, PROVIDER_TERMINATE};
	put("config/first.yaml", "n: [1\n");
	for (size_t i = 0; i < ARRAY_LEN(makes); i++) {
		assert_null(call(&reader, makes[i], json_object()));
		assert_int_equal(got.err.code, ERR_INVALID);
		assert_non_null(strstr(got.err.text, "first.yaml:2:"));
	}
	for (size_t i = 0; i < ARRAY_LEN(keeps); i++) {
		assert_non_null(call(&reader, keeps[i], json_object()));
		assert_null(json_object_get(got.result, "settings"));
	}
	put("config/first.yaml", "n: 3\n");
	assert_non_null(call(&reader, PROVIDER_START, json_object()));
	assert_int_equal(value(), 3);
}

static int set_up(void **state)
{
	(void)state;
	struct err err;
	char *config;
	if (!mkdtemp(dir))
		return -1;
	setenv("HOME", dir, 1);
	setenv("SKYTOP_HOME", dir, 1);
	config = path_join(dir, "config");
	assert_int_equal(fs_mkdirs(config, &err), 0);
	free(config);
	loop = loop_create();
	ctx = (struct call_context){.loop = loop, .self = "/bin/false", .state_dir = dir, .config = json_object()};
	ctx.remotes = remotes_create(loop, &(struct remotes_handlers){.arg = NULL});
	return loop ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	json_decref(got.result);
	call_context_clear(&ctx);
	json_decref(ctx.config);
	remotes_destroy(ctx.remotes);
	loop_destroy(loop);
	return fs_remove_tree(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_no_hosts),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_cancel),
	    cmocka_unit_test(test_settings),
	    cmocka_unit_test(test_broken_settings),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
