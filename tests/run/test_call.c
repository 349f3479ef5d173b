/* The runner of provider calls: what a step may ask for, sent to a scripted web server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/trace.h"
#include "core/run/call.h"
#include "core/run/call_http.h"
#include "core/run/lane.h"
#include "core/run/user.h"
#include "tests/run/web.h"

/* Rules leave out what does not matter. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { ASKS_MAX = 64, DEADLINE_MS = 60000 };

/* ---- a provider that asks what the test wants, once, and keeps what came -------------------------------------------- */

static struct {
	struct provider_request ask;	  /* url: a path, put behind the server's address */
	struct provider_http http[ASKS_MAX];
	struct {
		enum err_code code;
		int status;
		char text[200], body[300], header[100];
		size_t body_len;
	} got[ASKS_MAX];
	size_t n;
	char piece[100];
	size_t pieces_len, stop_after;
	enum provider_step (*own)(struct provider_call *c, const struct provider_reply *reply, struct err *err);
} script;

static struct loop *loop;
static struct call_context ctx;
static struct web web;

static int on_piece(void *arg, const char *data, size_t len)
{
	(void)arg;
	if (!script.pieces_len)
		snprintf(script.piece, sizeof script.piece, "%.*s", (int)(len < 50 ? len : 50), data);
	script.pieces_len += len;
	return script.stop_after && script.pieces_len > script.stop_after;
}

static enum provider_step fake_step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	if (script.own)
		return script.own(c, reply, err);
	if (!reply) {
		c->request = script.ask;
		struct provider_http *list = arena_alloc(c->arena, (script.ask.n_http + 1) * sizeof *list);
		for (size_t i = 0; i < script.ask.n_http; i++) {
			list[i] = script.http[i];
			if (!strstr(list[i].url, "://"))
				list[i].url = arena_printf(c->arena, "http://127.0.0.1:%d%s", web.port, list[i].url);
		}
		c->request.http = list;
		return PROVIDER_REQUEST;
	}
	script.n = reply->n_http;
	for (size_t i = 0; i < reply->n_http; i++) {
		const struct provider_http_reply *r = &reply->http[i];
		script.got[i].code = r->code;
		script.got[i].status = r->status;
		script.got[i].body_len = r->body_len;
		snprintf(script.got[i].text, sizeof script.got[i].text, "%s", r->err_text);
		snprintf(script.got[i].body, sizeof script.got[i].body, "%s", r->body);
		for (const char *const *h = r->headers; *h; h++)
			if (str_starts(*h, "x-request-id: "))
				snprintf(script.got[i].header, sizeof script.got[i].header, "%s", *h);
	}
	c->result = json_object();
	return PROVIDER_DONE;
}

static const struct provider fake = {.name = "fake", .title = "Fake", .step = fake_step};

/* ---- the bed -------------------------------------------------------------------------------------------------------- */

struct end {
	int done, parts, voids;
	enum err_code code;
	char text[500];
	json_t *result;
};

static void on_end(void *arg, const json_t *result, const struct err *err)
{
	struct end *e = arg;
	e->done++;
	e->result = json_deep_copy(result);
	e->code = err ? err->code : ERR_NONE;
	snprintf(e->text, sizeof e->text, "%s", err ? err->text : "");
}

static void on_part(void *arg, const json_t *part)
{
	struct end *e = arg;
	if (part)
		e->parts++;
	else
		e->voids++;
}

static void turn_until(const int *flag)
{
	int64_t until = mono_now_ms() + DEADLINE_MS;
	while (!*flag && mono_now_ms() < until)
		loop_step(loop, 100);
	assert_true(*flag);
}

static int setup(void **state)
{
	(void)state;
	memset(&script, 0, sizeof script);
	loop = loop_create();
	ctx = (struct call_context){.loop = loop, .self = "/skytop", .state_dir = "/nowhere", .user = "0123abcd"};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	call_context_clear(&ctx);
	web_close(&web);
	loop_destroy(loop);
	return 0;
}

#define SERVE(...) \
	static const struct web_rule rules[] = {__VA_ARGS__}; \
	web_open(&web, loop, rules, ARRAY_LEN(rules))

static struct end call_once(void)
{
	struct end e = {0};
	struct call *c = call_start(&ctx, &fake, PROVIDER_QUERY, json_object(), on_end, &e);
	call_on_part(c, on_part);
	turn_until(&e.done);
	assert_int_equal(e.done, 1);
	return e;
}

/* One call with n requests. */
static void ask(const struct provider_http *list, size_t n)
{
	memcpy(script.http, list, n * sizeof *list);
	script.ask = (struct provider_request){.kind = PROVIDER_HTTP, .n_http = n, .timeout_ms = script.ask.timeout_ms};
	struct end e = call_once();
	json_decref(e.result);
	assert_int_equal(e.code, ERR_NONE);
	assert_int_equal(script.n, n);
}

#define ASK(...) ask((const struct provider_http[]){__VA_ARGS__}, sizeof((const struct provider_http[]){__VA_ARGS__}) / sizeof(struct provider_http))

/* ---- requests ------------------------------------------------------------------------------------------------------- */

static void test_reply(void **state)
{
	(void)state;
	SERVE({"/a", WEB_REPLY, 200, "X-Request-Id: 77\r\nEtag: e\r\n", "hello"}, {"/b", WEB_REPLY, 404, NULL, "{\"no\":1}"},
	    {"/r", WEB_REPLY, 302, "Location: /a\r\n", "moved"});
	static const char *const headers[] = {"X-One: 1", "Content-Type: text/x-own", NULL};
	ASK({.method = "POST", .url = "/a", .headers = headers, .body = "BODY", .body_len = 4}, {.url = "/b"}, {.url = "/r"}, {.method = "DELETE", .url = "/b2"});
	assert_int_equal(script.got[0].status, 200);
	assert_string_equal(script.got[0].body, "hello");
	assert_int_equal(script.got[0].body_len, 5);
	assert_string_equal(script.got[0].header, "x-request-id: 77");
	assert_int_equal(script.got[1].status, 404);
	assert_int_equal(script.got[1].code, ERR_NONE);
	assert_string_equal(script.got[1].body, "{\"no\":1}");
	assert_int_equal(script.got[2].status, 302); /* redirects are not followed */
	assert_int_equal(web_count(&web, "/a"), 1);
	const char *said = web_nth(&web, "/a", 0)->text;
	assert_true(str_starts(said, "POST /a HTTP/1.1\r\n"));
	assert_non_null(strstr(said, "\r\nX-One: 1\r\n"));
	assert_non_null(strstr(said, "\r\nContent-Type: text/x-own\r\n"));
	assert_true(str_ends(said, "\r\n\r\nBODY"));
	assert_true(str_starts(web_nth(&web, "/b2", 0)->text, "DELETE "));
}

static void test_many(void **state)
{
	(void)state;
	SERVE({"/", WEB_REPLY, 200, NULL, NULL, 0, 15});
	char paths[40][20];
	struct provider_http list[40] = {{0}};
	for (int i = 0; i < 40; i++) {
		snprintf(paths[i], sizeof paths[i], "/%d-%d", i, 1 + i % 2);
		list[i] = (struct provider_http){.url = paths[i], .lane = i % 2 ? "odd" : "even"};
	}
	ask(list, 40);
	for (int i = 0; i < 40; i++)
		assert_string_equal(script.got[i].body, paths[i]);
	assert_int_equal(web.n_seen, 40);
	for (int lane = 1; lane <= 2; lane++) {
		assert_true(web.most[lane] <= LANE_AT_ONCE);
		assert_true(web.most[lane] > 1);
	}
	assert_int_equal(web.open[1] + web.open[2], 0);
}

static void test_lost(void **state)
{
	(void)state;
	SERVE({"/lost", WEB_DROP}, {"/lost", WEB_DROP}, {"/lost", WEB_REPLY, 200, NULL, "found"}, {"/once", WEB_DROP}, {"/cut", WEB_CUT, 200},
	    {"/cut", WEB_REPLY, 200, NULL, "whole"}, {"/never", WEB_DROP}, {"/direct", WEB_DROP});
	ASK({.url = "/lost"}, {.url = "/once", .once = true}, {.url = "/cut"}, {.url = "/direct", .direct = true});
	assert_string_equal(script.got[0].body, "found");
	assert_int_equal(web_count(&web, "/lost"), 3);
	assert_int_equal(script.got[1].code, ERR_NETWORK);
	assert_non_null(strstr(script.got[1].text, "/once"));
	assert_int_equal(web_count(&web, "/once"), 1);
	assert_string_equal(script.got[2].body, "whole");
	assert_int_equal(script.got[3].code, ERR_NETWORK);
	assert_int_equal(web_count(&web, "/direct"), 1);
	ASK({.url = "/never"});
	assert_int_equal(script.got[0].code, ERR_NETWORK);
	assert_int_equal(web_count(&web, "/never"), 5);
}

static void test_refused(void **state)
{
	(void)state;
	SERVE({"/busy", WEB_REPLY, 503}, {"/busy", WEB_REPLY, 502}, {"/busy", WEB_REPLY, 504}, {"/busy", WEB_REPLY, 200, NULL, "at last"},
	    {"/down", WEB_REPLY, 503, NULL, "down"}, {"/own", WEB_REPLY, 500}, {"/once", WEB_REPLY, 503}, {"/long", WEB_REPLY, 503, "Retry-After: 3600\r\n"});
	ASK({.url = "/busy"}, {.url = "/own"}, {.url = "/once", .once = true});
	assert_string_equal(script.got[0].body, "at last");
	assert_int_equal(script.got[1].status, 500);
	assert_int_equal(web_count(&web, "/own"), 1);
	assert_int_equal(script.got[2].status, 503);
	assert_int_equal(web_count(&web, "/once"), 1);
	ASK({.url = "/down", .lane = "d"}, {.url = "/long", .lane = "l"});
	assert_int_equal(script.got[0].status, 503);
	assert_string_equal(script.got[0].body, "down");
	assert_int_equal(web_count(&web, "/down"), 5);
	assert_int_equal(script.got[1].status, 503); /* an hour is not waited for */
	assert_int_equal(web_count(&web, "/long"), 1);
}

static void test_throttled(void **state)
{
	(void)state;
	SERVE({"/a", WEB_REPLY, 429, "Retry-After: 1\r\n"}, {"/a", WEB_REPLY, 200}, {"/b", WEB_REPLY, 200}, {"/slow", WEB_REPLY, 200, NULL, NULL, 0, 100});
	/* The lane is full with slow ones and the one that is refused; what waits behind them waits for the end of the pause. */
	ASK({.url = "/a", .lane = "x"}, {.url = "/slow", .lane = "x"}, {.url = "/slow", .lane = "x"}, {.url = "/slow", .lane = "x"}, {.url = "/slow", .lane = "x"},
	    {.url = "/slow", .lane = "x"}, {.url = "/b", .lane = "x"}, {.url = "/b-free", .lane = "y"});
	for (int i = 0; i < 8; i++)
		assert_int_equal(script.got[i].status, 200);
	int64_t refused_at = web_nth(&web, "/a", 0)->at_ms;
	assert_true(web_nth(&web, "/a", 1)->at_ms - refused_at >= 1000);
	for (size_t i = 0; i < web_count(&web, "/b"); i++) {
		const struct web_seen *s = web_nth(&web, "/b", i);
		if (strcmp(s->path, "/b-free"))
			assert_true(s->at_ms - refused_at >= 1000);
		else
			assert_true(s->at_ms <= web_nth(&web, "/a", 1)->at_ms); /* another lane does not wait */
	}
}

/* A refusal that only the step can read slows the lane as well. */
static enum provider_step own_throttle(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	if (!reply) {
		struct provider_http *h = arena_alloc(c->arena, sizeof *h);
		*h = (struct provider_http){.url = arena_printf(c->arena, "http://127.0.0.1:%d/q", web.port), .lane = "x"};
		c->request = (struct provider_request){.kind = PROVIDER_HTTP, .http = h, .n_http = 1};
		return PROVIDER_REQUEST;
	}
	if (reply->http[0].status == 400) {
		err_set(err, ERR_THROTTLED, "RequestLimitExceeded");
		return PROVIDER_FAILED;
	}
	c->result = json_object();
	return PROVIDER_DONE;
}

static void test_own_throttle(void **state)
{
	(void)state;
	SERVE({"/q", WEB_REPLY, 400}, {"/q", WEB_REPLY, 400}, {"/q", WEB_REPLY, 200});
	script.own = own_throttle;
	struct end e = call_once();
	json_decref(e.result);
	assert_int_equal(e.code, ERR_NONE);
	assert_int_equal(web_count(&web, "/q"), 3);
}

static void test_large(void **state)
{
	(void)state;
	SERVE({"/", WEB_REPLY, 200, NULL, NULL, 5000});
	ASK({.url = "/a", .max_bytes = 4000}, {.url = "/b", .max_bytes = 6000});
	assert_int_equal(script.got[0].code, ERR_PROTOCOL);
	assert_non_null(strstr(script.got[0].text, "larger than 4000"));
	assert_int_equal(script.got[1].body_len, 5002);
	assert_int_equal(web_count(&web, "/a"), 1);
}

static void test_timeout(void **state)
{
	(void)state;
	SERVE({"/hang", WEB_HANG}, {"/ok", WEB_REPLY, 200});
	script.ask.timeout_ms = 150;
	ASK({.url = "/hang"}, {.url = "/ok"});
	assert_int_equal(script.got[0].code, ERR_TIMEOUT);
	assert_int_equal(web_count(&web, "/hang"), 1);
	assert_int_equal(script.got[1].status, 200);
}

static void test_pieces(void **state)
{
	(void)state;
	SERVE({"/big", WEB_REPLY, 200, NULL, "begin", 300000}, {"/no", WEB_REPLY, 403, NULL, "denied"}, {"/cut", WEB_CUT, 200, NULL, "begin", 100},
	    {"/late", WEB_DROP}, {"/late", WEB_REPLY, 200, NULL, "late"});
	ASK({.url = "/big", .piece = on_piece, .max_bytes = 10});
	assert_int_equal(script.pieces_len, 300005);
	assert_true(str_starts(script.piece, "beginxxx"));
	assert_int_equal(script.got[0].status, 200);
	assert_int_equal(script.got[0].body_len, 0);
	script.pieces_len = 0;
	ASK({.url = "/no", .piece = on_piece});
	assert_string_equal(script.got[0].body, "denied");
	assert_int_equal(script.pieces_len, 0);
	ASK({.url = "/cut", .piece = on_piece});
	assert_int_equal(script.got[0].code, ERR_NETWORK);
	assert_int_equal(web_count(&web, "/cut"), 1); /* what was given cannot be taken back */
	script.pieces_len = 0;
	ASK({.url = "/late", .piece = on_piece});
	assert_int_equal(script.pieces_len, 4);
	assert_int_equal(web_count(&web, "/late"), 2);
	script.pieces_len = 0;
	script.stop_after = 1000;
	ASK({.url = "/big", .piece = on_piece});
	assert_int_equal(script.got[0].code, ERR_CANCELLED);
	assert_true(script.pieces_len < 300005);
}

static void test_cancel(void **state)
{
	(void)state;
	SERVE({"/hang", WEB_HANG}, {"/ok", WEB_REPLY, 200});
	struct provider_http hang[LANE_AT_ONCE + 3];
	for (size_t i = 0; i < ARRAY_LEN(hang); i++)
		hang[i] = (struct provider_http){.url = "/hang", .lane = "x"};
	memcpy(script.http, hang, sizeof hang);
	script.ask = (struct provider_request){.kind = PROVIDER_HTTP, .n_http = ARRAY_LEN(hang)};
	struct end never = {0}, e = {0};
	struct call *c = call_start(&ctx, &fake, PROVIDER_QUERY, json_object(), on_end, &never);
	while (web.n_seen < LANE_AT_ONCE)
		loop_step(loop, 100);
	script.http[0].url = "/ok";
	script.ask.n_http = 1;
	call_start(&ctx, &fake, PROVIDER_QUERY, json_object(), on_end, &e);
	for (int i = 0; i < 5; i++)
		loop_step(loop, 10);
	assert_int_equal(web_count(&web, "/ok"), 0); /* its lane is full */
	call_cancel(c);
	turn_until(&e.done);
	json_decref(e.result);
	assert_int_equal(e.code, ERR_NONE);
	assert_int_equal(never.done, 0);
	assert_int_equal(web_count(&web, "/hang"), LANE_AT_ONCE);
}

static void test_no_server(void **state)
{
	(void)state;
	SERVE({"/", WEB_REPLY, 200});
	ASK({.url = "http://127.0.0.1:1/x"}, {.url = "/"});
	assert_int_equal(script.got[0].code, ERR_NETWORK);
	script.http[0].url = "gopher://x/";
	script.ask = (struct provider_request){.kind = PROVIDER_HTTP, .n_http = 1};
	struct end e = call_once();
	assert_int_equal(e.code, ERR_INVALID);
	script.ask.n_http = 0; /* nothing to ask is an answer, too */
	e = call_once();
	assert_int_equal(e.code, ERR_NONE);
	assert_int_equal(script.n, 0);
	json_decref(e.result);
}

static void test_proxy(void **state)
{
	(void)state;
	SERVE({"http://cloud.test/", WEB_REPLY, 200, NULL, "by proxy"}, {"/straight", WEB_REPLY, 200, NULL, "straight"});
	char proxy[40];
	snprintf(proxy, sizeof proxy, "127.0.0.1:%d", web.port);
	ctx.config = json_pack("{s:{s:s}}", "http", "proxy", proxy);
	ASK({.url = "http://cloud.test/x"}, {.url = "/straight", .direct = true});
	assert_string_equal(script.got[0].body, "by proxy");
	assert_string_equal(script.got[1].body, "straight");
	json_decref(ctx.config);
	ctx.config = NULL;
}

/* ---- what else a step may ask for ------------------------------------------------------------------------------------- */

static char dir[] = "/tmp/skytop-call-XXXXXX";

static enum provider_step own_read(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	(void)err;
	if (!reply) {
		static const char *const names[] = {"good", "none", "pipe", "large", "."};
		struct provider_file *f = arena_alloc(c->arena, 6 * sizeof *f);
		for (int i = 0; i < 5; i++)
			f[i].path = arena_printf(c->arena, "%s/%s", dir, names[i]);
		f[5].path = "etc/passwd";
		c->request = (struct provider_request){.kind = PROVIDER_READ, .files = f, .n_files = 6};
		return PROVIDER_REQUEST;
	}
	assert_int_equal(reply->n_files, 6);
	assert_string_equal(reply->files[0].text, "[default]\n");
	for (int i = 1; i < 6; i++) {
		assert_null(reply->files[i].text);
		assert_true(reply->files[i].err_text[0]);
	}
	assert_non_null(strstr(reply->files[5].err_text, "not absolute"));
	c->result = json_object();
	return PROVIDER_DONE;
}

static void write_file(const char *name, size_t n, const char *text)
{
	char *path = path_join(dir, name), *data = xcalloc(1, n + 1);
	memcpy(data, text, strlen(text));
	struct err err;
	assert_int_equal(fs_write(path, data, n, 0600, &err), 0);
	free(path);
	free(data);
}

static void test_read(void **state)
{
	(void)state;
	SERVE({"/", WEB_REPLY, 200});
	assert_non_null(mkdtemp(dir));
	write_file("good", 10, "[default]\n");
	write_file("large", (1 << 20) + 1, "x");
	char *pipe = path_join(dir, "pipe");
	assert_int_equal(mkfifo(pipe, 0600), 0);
	free(pipe);
	script.own = own_read;
	struct end e = call_once();
	assert_int_equal(e.code, ERR_NONE);
	json_decref(e.result);
	assert_int_equal(fs_remove_tree(dir, NULL), 0);
}

static const char *fake_var(const char *name)
{
	return strcmp(name, "CLOUD_REGION") ? NULL : "eu-1";
}

static enum provider_step own_env(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	(void)err;
	(void)reply;
	c->result = json_object();
	json_put_str(c->result, "var", c->env->var("CLOUD_REGION"));
	json_put_str(c->result, "user", c->env->user);
	json_put_int(c->result, "before", json_int(c->env->memory, "n", 0));
	json_put_int(c->env->memory, "n", json_int(c->env->memory, "n", 0) + 1);
	return PROVIDER_DONE;
}

static void test_env(void **state)
{
	(void)state;
	SERVE({"/", WEB_REPLY, 200});
	script.own = own_env;
	for (int i = 0; i < 3; i++) {
		struct end e = call_once();
		assert_int_equal(json_int(e.result, "before", -1), i);
		assert_string_equal(json_str(e.result, "user", ""), "0123abcd");
		assert_null(json_str(e.result, "var", NULL));
		json_decref(e.result);
	}
	ctx.var = fake_var;
	struct end e = call_once();
	assert_string_equal(json_str(e.result, "var", ""), "eu-1");
	json_decref(e.result);
}

static enum provider_step own_later(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	(void)err;
	if (c->step++ < 3) {
		c->request = (struct provider_request){.kind = PROVIDER_READ, .after_ms = reply ? 60 : 0};
		return PROVIDER_REQUEST;
	}
	c->result = json_object();
	return PROVIDER_DONE;
}

static void test_later(void **state)
{
	(void)state;
	SERVE({"/", WEB_REPLY, 200});
	script.own = own_later;
	int64_t from = mono_now_ms();
	struct end e = call_once();
	json_decref(e.result);
	assert_int_equal(e.code, ERR_NONE);
	assert_true(mono_now_ms() - from >= 120);
	/* A pause is over when the call is cancelled. */
	struct end never = {0};
	struct call *c = call_start(&ctx, &fake, PROVIDER_QUERY, json_object(), on_end, &never);
	for (int i = 0; i < 5; i++)
		loop_step(loop, 1);
	call_cancel(c);
	for (int i = 0; i < 5; i++)
		loop_step(loop, 20);
	assert_int_equal(never.done, 0);
}

static int rounds;

/* Three parts; the first round is cut off after two. */
static enum provider_step own_parts(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	if (!reply)
		rounds++;
	if (c->step == 2 && rounds == 1) {
		err_set(err, ERR_NETWORK, "the line was cut");
		return PROVIDER_FAILED;
	}
	c->result = json_pack("{s:[], s:i}", "offers", "n", c->step);
	return c->step++ < 3 ? PROVIDER_PART : PROVIDER_DONE;
}

static void test_parts(void **state)
{
	(void)state;
	SERVE({"/", WEB_REPLY, 200});
	rounds = 0;
	script.own = own_parts;
	struct end e = call_once();
	assert_int_equal(e.code, ERR_NONE);
	assert_int_equal(json_int(e.result, "n", -1), 3);
	assert_int_equal(e.parts, 5);
	assert_int_equal(e.voids, 1);
	json_decref(e.result);
	/* Nobody takes them: said, not lost. */
	e = (struct end){0};
	call_start(&ctx, &fake, PROVIDER_OFFERS, json_object(), on_end, &e);
	turn_until(&e.done);
	assert_int_equal(e.code, ERR_UNSUPPORTED);
}

static void test_trace(void **state)
{
	(void)state;
	SERVE({"/sts", WEB_REPLY, 200, "Set-Cookie: s=K~1\r\nX-Plain: seen-1\r\n", "<R><SecretAccessKey>K~2</SecretAccessKey><Arn>seen-2</Arn></R>"},
	    {"/token", WEB_REPLY, 200, NULL, "{\"access_token\":\"K~3\",\"expires_in\":3599}"});
	char trace[] = "/tmp/skytop-call-trace-XXXXXX";
	int fd = mkstemp(trace);
	assert_true(fd >= 0);
	close(fd);
	struct err err;
	assert_int_equal(trace_open(trace, &err), 0);
	static const char *const headers[] = {"Authorization: AWS4-HMAC-SHA256 K~4", "X-Amz-Security-Token: K~5", "Cookie: K~6", "X-Amz-Date: seen-3", NULL};
	static const char form[] = "Action=RunInstances&UserData=K~7&ImageId=seen-4", login[] = "grant_type=refresh_token&refresh_token=K~8&client_secret=K~9",
			  vm[] = "{\"properties\":{\"osProfile\":{\"customData\":\"K~10\",\"adminUsername\":\"seen-5\"}}}";
	ASK({.method = "POST", .url = "/sts?sig=K~11&page=seen-6", .headers = headers, .body = form, .body_len = sizeof form - 1},
	    {.method = "POST", .url = "/token", .body = login, .body_len = sizeof login - 1}, {.method = "PUT", .url = "/token", .body = vm, .body_len = sizeof vm - 1});
	assert_int_equal(trace_open("/dev/null", &err), 0);
	char *text = fs_read(trace, 1 << 20, NULL, &err);
	assert_non_null(text);
	char *leak = strstr(text, "K~");
	if (leak)
		fail_msg("%.300s", leak > text + 100 ? leak - 100 : text);
	for (int i = 1; i <= 6; i++) {
		char want[20];
		snprintf(want, sizeof want, "seen-%d", i);
		assert_non_null(strstr(text, want));
	}
	free(text);
	unlink(trace);
}

/* ---- decisions -------------------------------------------------------------------------------------------------------- */

static void test_lane(void **state)
{
	(void)state;
	struct lane_state l = {0};
	for (int i = 0; i < LANE_AT_ONCE; i++) {
		assert_int_equal(lane_wait_ms(&l, 1000), 0);
		lane_started(&l, 1000);
	}
	assert_int_equal(lane_wait_ms(&l, 1000), -1);
	lane_ended(&l, true);
	assert_int_equal(lane_wait_ms(&l, 1000), 0);
	/* Too often: a pause, then slower: 6 in 0.6 s were 10 a second. */
	lane_throttle(&l, 2000, 1600);
	assert_int_equal(lane_wait_ms(&l, 1600), 2000);
	assert_true(l.rate > 5.9 && l.rate < 6.1);
	lane_throttle(&l, 100, 1610); /* the same burst */
	assert_true(l.rate > 5.9);
	assert_int_equal(lane_wait_ms(&l, 3599), 1);
	assert_int_equal(lane_wait_ms(&l, 3600), 0);
	lane_started(&l, 3600);
	lane_ended(&l, false);
	int64_t w = lane_wait_ms(&l, 3600);
	assert_true(w > 100 && w <= 170);
	assert_int_equal(lane_wait_ms(&l, 3600 + w), 0);
	/* Again: slower still, but never a standstill. */
	for (int i = 0; i < 50; i++)
		lane_throttle(&l, 0, 10000 + i * 2000);
	assert_true(l.rate >= 0.5);
	/* Answers lift it. */
	for (int i = 0; i < 60 && l.rate > 0; i++) {
		l.running++;
		lane_ended(&l, true);
	}
	assert_true(l.rate <= 0);
	lane_pause(&l, INT64_C(1) << 40, 500000);
	assert_int_equal(lane_wait_ms(&l, 500000), LANE_PAUSE_MAX_MS);
}

static void test_retry_after(void **state)
{
	(void)state;
	int64_t now;
	assert_true(time_parse("2026-11-26T10:00:00Z", &now));
	assert_int_equal(http_retry_after_ms("7", now), 7000);
	assert_int_equal(http_retry_after_ms("0", now), 0);
	assert_int_equal(http_retry_after_ms("Thu, 26 Nov 2026 10:00:30 GMT", now), 30000);
	assert_int_equal(http_retry_after_ms("Thu, 26 Nov 2026 09:00:30 GMT", now), 0);
	assert_int_equal(http_retry_after_ms("", now), -1);
	assert_int_equal(http_retry_after_ms("soon", now), -1);
	assert_int_equal(http_retry_after_ms("-3", now), -1);
	assert_int_equal(http_retry_after_ms("Thu, 26 ovD 2026 10:00:30 GMT", now), -1);
}

static void test_user(void **state)
{
	(void)state;
	char home[] = "/tmp/skytop-user-XXXXXX";
	assert_non_null(mkdtemp(home));
	setenv("SKYTOP_HOME", home, 1);
	char *a = user_hash(), *b = user_hash();
	assert_int_equal(strlen(a), 8);
	assert_int_equal(strspn(a, "0123456789abcdef"), 8);
	assert_string_equal(a, b);
	free(b);
	assert_int_equal(fs_remove_tree(home, NULL), 0); /* all is lost, but not whose it was */
	b = user_hash();
	assert_string_equal(a, b);
	free(b);
	struct err err;
	char *path = home_path(HOME_STATE, "user");
	assert_int_equal(fs_write(path, "0badcafe\n", 9, 0600, &err), 0);
	b = user_hash();
	assert_string_equal(b, "0badcafe");
	free(b);
	free(path);
	assert_int_equal(fs_remove_tree(home, NULL), 0);
	setenv("SKYTOP_HOME", "/tmp/skytop-user-other", 1);
	b = user_hash();
	assert_string_not_equal(a, b);
	assert_int_equal(fs_remove_tree("/tmp/skytop-user-other", NULL), 0);
	free(a);
	free(b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	for (const char *const *v = (const char *const[]){"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY", "no_proxy", "NO_PROXY", NULL}; *v; v++)
		unsetenv(*v);
	const struct CMUnitTest tests[] = {T(test_reply), T(test_many), T(test_lost), T(test_refused), T(test_throttled), T(test_own_throttle), T(test_large),
	    T(test_timeout), T(test_pieces), T(test_cancel), T(test_no_server), T(test_proxy), T(test_read), T(test_env), T(test_later), T(test_parts),
	    T(test_trace), cmocka_unit_test(test_lane), cmocka_unit_test(test_retry_after), cmocka_unit_test(test_user)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
