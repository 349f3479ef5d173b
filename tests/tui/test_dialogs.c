/* What dialogs, details and lists say and do, over a snapshot that each test sets itself and without a terminal: keys in, text out. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/engine_source.h"
#include "tui/layout.h"
#include "tui/view/views.h"

enum { NOW_MS = 1000000000 };

/* A source that says what the test says, and keeps what is asked of it. */
struct desk {
	struct ui_source base;
	struct ui_snapshot snap;
	struct ui_cluster clusters[3];
	struct ui_job jobs[4];
	struct ui_request requests[1];
	struct ui_event events[1];
	struct ui_order sent;
	unsigned sent_ticket, plan_ticket;
	size_t n_plans;
	struct prices *prices;
	struct app app;
	struct canvas *canvas;
	char *text; /* of the last look */
};

static const struct ui_snapshot *snapshot(struct ui_source *s)
{
	return &((struct desk *)s)->snap;
}

static void focus(struct ui_source *s, const char *cluster)
{
	(void)s;
	(void)cluster;
}

static void send(struct ui_source *s, unsigned ticket, const struct ui_order *order)
{
	struct desk *d = (struct desk *)s;
	d->sent = (struct ui_order){.verb = order->verb, .autostop_min = order->autostop_min};
	d->sent_ticket = ticket;
}

static void plan(struct ui_source *s, unsigned ticket, const struct ui_order *order)
{
	(void)order;
	((struct desk *)s)->plan_ticket = ticket;
	((struct desk *)s)->n_plans++;
}

static void log_open(struct ui_source *s, unsigned log, const struct ui_log_spec *spec)
{
	(void)s;
	(void)log;
	(void)spec;
}

static void log_close(struct ui_source *s, unsigned log)
{
	(void)s;
	(void)log;
}

static struct ui_cluster cluster(const char *name, const char *status)
{
	return (struct ui_cluster){.name = name, .status = status, .progress = "", .reason = "", .provider = "aws", .region = "us-east-1", .zone = "",
	    .instance_type = "p5.48xlarge", .resources = "8x H100", .head_ip = "", .user = "ada", .project = "", .nodes = 1, .price_uusd_h = 1000000,
	    .running_uusd_h = 1000000, .cost_uusd = 1000000, .launched_at_ms = NOW_MS - 3600000, .autostop_min = -1, .busy = ""};
}

static struct ui_job job(int64_t id, const char *status)
{
	return (struct ui_job){.cluster = "train", .id = id, .name = "", .status = status, .resources = "", .user = "ada",
	    .submitted_at_ms = NOW_MS - 1000000 + id * 1000, .exit_code = -1, .reason = "", .nodes = 1};
}

static int set_up(void **state)
{
	static const struct ui_source_ops ops = {.snapshot = snapshot, .focus = focus, .send = send, .log_open = log_open, .log_close = log_close, .plan = plan};
	struct desk *d = xcalloc(1, sizeof *d);
	d->base.ops = &ops;
	setenv("SKYTOP_HOME", "/dev/null/none", 1);
	setenv("SKYTOP_SHARE", "/dev/null/none", 1);
	d->clusters[0] = cluster("train", "UP");
	d->jobs[0] = job(1, "RUNNING");
	d->jobs[1] = job(2, "PENDING");
	d->snap = (struct ui_snapshot){.revision = 1, .link = UI_LINK_UP, .link_text = "", .at_ms = NOW_MS, .clusters = d->clusters, .n_clusters = 1,
	    .jobs = d->jobs, .n_jobs = 2, .requests = d->requests, .events = d->events, .spend = {0, 0, PRICE_UNKNOWN, false}};
	d->prices = prices_open();
	app_init(&d->app, &d->base, d->prices, NOW_MS);
	d->canvas = canvas_create(80, 24);
	app_resize(&d->app, 80, 24);
	app_news(&d->app, NOW_MS);
	*state = d;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *d = *state;
	app_finish(&d->app);
	prices_close(d->prices);
	canvas_destroy(d->canvas);
	free(d->text);
	free(d);
	return 0;
}

/* "l Enter 'word": names of keys as keymap has them; ' begins a text. The clock goes on by 10 ms a key. */
static void keys(struct desk *d, const char *text)
{
	static const struct {
		const char *name;
		uint32_t code;
	} names[] = {{"Enter", KEYS_ENTER}, {"Esc", KEYS_ESC}, {"Tab", KEYS_TAB}, {"Up", KEYS_UP}, {"Down", KEYS_DOWN}, {"Left", KEYS_LEFT}, {"Space", ' '}};
	char copy[200], *save = NULL;
	snprintf(copy, sizeof copy, "%s", text);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		struct input_event e = {.type = INPUT_KEY};
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			if (str_eq(names[i].name, w))
				e.key.code = names[i].code;
		for (const char *p = e.key.code ? "x" : *w == '\'' ? w + 1 : w; *p; p++) {
			struct input_event one = e;
			one.key.code = e.key.code ? e.key.code : (unsigned char)*p;
			app_input(&d->app, &one, d->app.now_ms + 10);
		}
	}
}

static const char *look(struct desk *d)
{
	struct str s = str_new(1 << 20);
	app_draw(&d->app, d->canvas);
	canvas_to_text(d->canvas, &s);
	free(d->text);
	d->text = xstrdup(str_text(&s));
	str_free(&s);
	return d->text;
}

static void has(struct desk *d, const char *text)
{
	if (!strstr(look(d), text))
		fail_msg("\"%s\" is not on the screen:\n%s", text, d->text);
}

static void lacks(struct desk *d, const char *text)
{
	if (strstr(look(d), text))
		fail_msg("\"%s\" is on the screen:\n%s", text, d->text);
}

static void resize(struct desk *d, int w, int h)
{
	canvas_resize(d->canvas, w, h);
	app_resize(&d->app, w, h);
}

/* --- launching ---------------------------------------------------------------------------------------------------- */

/* Enter leads from any field to the plan; there Cancel has the focus. Nothing that was typed is lost on the way back. */
static void test_launch_form(void **state)
{
	struct desk *d = *state;
	keys(d, "2 l");
	has(d, "Enter list  Tab next field");
	has(d, "task file   a path (Tab completes)"); /* where it stands without the cursor, too */
	keys(d, "Tab 'train.py Enter");
	assert_int_equal(d->n_plans, 1);
	has(d, "Launch?");
	has(d, "asking the clouds");
	lacks(d, "y launch"); /* not yet */
	keys(d, "Enter");
	has(d, "or command  train.py");
	keys(d, "Tab Tab Tab Tab Tab Space");
	has(d, "Space switch  Enter go on");
	keys(d, "Enter Enter Enter Enter Enter");
	assert_int_equal(d->sent_ticket, 0);
}

/* What is wrong with a name is said before anything is asked. */
static void test_bad_name(void **state)
{
	struct desk *d = *state;
	keys(d, "2 l Tab 'train.py Tab 'my Space 'name Enter");
	assert_int_equal(d->n_plans, 0);
	has(d, "my name");
	has(d, "[ Plan ]");
	has(d, "'my name'");
}

static void test_refused(void **state)
{
	struct desk *d = *state;
	struct err err = {.code = ERR_NO_RESOURCE, .text = "no offer fits 8x H100: lambda is not enabled"};
	keys(d, "2 l Tab 'train.py Enter");
	app_planned(&d->app, d->plan_ticket, NULL, &err, d->app.now_ms);
	has(d, "This cannot be launched");
	has(d, "no offer fits 8x H100");
	has(d, "[ Back ]");
	lacks(d, "[ Launch ]");
	lacks(d, "y launch");
	keys(d, "y Tab Enter");
	has(d, "or command  train.py");
	assert_int_equal(d->sent_ticket, 0);
}

/* Who gives no name is told the one that was chosen. */
static void test_chosen_name(void **state)
{
	struct desk *d = *state;
	struct ui_place place = {.provider = "aws", .region = "us-east-1", .zone = "", .instance_type = "p5", .resources = "8x H100", .nodes = 1,
	    .price_uusd_h = 1000000, .total_uusd_h = 1000000, .source = "a list", .available = "yes", .disk_uusd_h = 0, .disk_source = "", .no_quota = ""};
	keys(d, "2 l Tab 'train.py Enter");
	app_planned(&d->app, d->plan_ticket, &(struct ui_plan){&place, 1, ""}, NULL, d->app.now_ms);
	has(d, "$1.00 each hour from now on ");
	has(d, "y launch");
	int rows = 0;
	for (const char *p = d->text; (p = strstr(p, "\n\xe2\x94\x82")); p++)
		rows++;
	assert_int_equal(rows, 7); /* no larger than what it says, an empty line and the buttons */
	keys(d, "Tab");
	has(d, "Enter launch  Tab to Cancel");
	keys(d, "Enter");
	assert_int_equal(d->sent.verb, UI_LAUNCH);
	app_replied(&d->app, d->sent_ticket, 7, NULL, d->app.now_ms);
	has(d, "Esc close  1 to 0 another view"); /* nothing to stop, no log yet */
	d->requests[0] = (struct ui_request){.id = 7, .verb = "launch", .object = "top-9f", .state = "RUNNING", .step = "create", .progress = "", .error = "",
	    .hint = "", .user = "", .started_at_ms = NOW_MS};
	d->snap.n_requests = 1;
	app_news(&d->app, d->app.now_ms);
	has(d, "x stop it  1 to 0");
	d->requests[0].state = "SUCCEEDED";
	d->requests[0].ended_at_ms = NOW_MS + 1000;
	d->requests[0].job = 1;
	app_news(&d->app, d->app.now_ms);
	has(d, "Esc close  o log");
	lacks(d, "x stop it");
	d->clusters[1] = cluster("top-9f", "UP");
	d->snap.n_clusters = 2;
	app_news(&d->app, d->app.now_ms);
	keys(d, "Esc");
	has(d, "launch top-9f: done");
	has(d, "\xe2\x96\xb8top-9f"); /* one goes on with it */
}

static void test_exec(void **state)
{
	struct desk *d = *state;
	keys(d, "2 x 'nvidia-smi Enter");
	assert_int_equal(d->sent.verb, UI_EXEC);
	app_replied(&d->app, d->sent_ticket, 8, NULL, d->app.now_ms);
	d->requests[0] = (struct ui_request){.id = 8, .verb = "exec", .object = "train", .state = "SUCCEEDED", .step = "", .progress = "", .error = "",
	    .hint = "", .user = "", .started_at_ms = NOW_MS, .ended_at_ms = NOW_MS, .job = 3};
	d->snap.n_requests = 1;
	app_news(&d->app, d->app.now_ms);
	has(d, "exec train: job 3 is on its way; o follows it");
}

/* What an hour costs is said with how sure that is. */
static void test_estimate(void **state)
{
	struct desk *d = *state;
	struct ui_place place = {.provider = "aws", .region = "us-east-1", .zone = "", .instance_type = "p5", .resources = "8x H100", .nodes = 2, .spot = true,
	    .estimated = true, .price_uusd_h = 1000000, .total_uusd_h = 2000000, .source = "a list", .available = "yes", .disk_source = "", .no_quota = ""};
	keys(d, "2 l Tab 'train.py Enter");
	app_planned(&d->app, d->plan_ticket, &(struct ui_plan){&place, 1, ""}, NULL, d->app.now_ms);
	has(d, "~$2.00 each hour from now on, an estimate: 2 nodes, ~$1.00 each");
	keys(d, "Esc Enter");
	place.total_uusd_h = place.price_uusd_h = PRICE_UNKNOWN;
	app_planned(&d->app, d->plan_ticket, &(struct ui_plan){&place, 1, ""}, NULL, d->app.now_ms);
	has(d, "what it costs is not known");
}

struct answer {
	struct loop *loop;
	bool asking; /* we are still within the call */
	char text[400];
};

static void nothing(void *arg)
{
	(void)arg;
}

static void on_planned(void *arg, unsigned ticket, const struct ui_plan *p, const struct err *err)
{
	struct answer *a = arg;
	assert_true(ticket == 1 && !p && err && !a->asking);
	snprintf(a->text, sizeof a->text, "%s", err->text);
	loop_stop(a->loop);
}

/* Where no engine can be reached, whatever one waits, a question is answered so rather than never. */
static void test_unreachable(void **state)
{
	(void)state;
	char *dir = xstrdup("/tmp/skytop-dialogs.XXXXXX");
	assert_non_null(mkdtemp(dir));
	char *run = path_join(dir, "run");
	assert_int_equal(fs_write(run, "x", 1, 0600, NULL), 0); /* a file where the socket's folder should be */
	setenv("SKYTOP_HOME", dir, 1);
	struct answer a = {.loop = loop_create()};
	struct ui_source *s = engine_source_create(a.loop, "/nonexistent");
	struct ui_sink sink = {.changed = nothing, .planned = on_planned, .arg = &a};
	ui_source_start(s, &sink);
	a.asking = true;
	ui_source_plan(s, 1, &(struct ui_order){.verb = UI_LAUNCH, .command = "true", .autostop_min = INT64_MIN});
	a.asking = false;
	loop_run(a.loop);
	assert_non_null(strstr(a.text, "run/engine.sock"));
	assert_non_null(strstr(a.text, "SKYTOP_HOME"));
	ui_source_destroy(s);
	loop_destroy(a.loop);
	unlink(run);
	rmdir(dir);
	free(run);
	free(dir);
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

static void test_question(void **state)
{
	struct desk *d = *state;
	keys(d, "2 D");
	has(d, "Enter cancel  y go on");
	keys(d, "Tab");
	has(d, "Enter go on  Tab to Cancel");
	keys(d, "Esc D 'y");
	assert_int_equal(d->sent.verb, UI_DOWN);
}

/* Of several it is said what they cost together. */
static void test_several(void **state)
{
	struct desk *d = *state;
	d->clusters[1] = cluster("dev", "UP");
	d->clusters[1].price_estimated = true;
	d->clusters[2] = cluster("old", "STOPPED");
	d->snap.n_clusters = 3;
	app_news(&d->app, d->app.now_ms);
	keys(d, "2 g Space Space Space D");
	has(d, "Tear down 3 clusters?");
	has(d, "Together ~$3.00/h.");
	keys(d, "Esc S");
	has(d, "Stop 2 clusters?");
	has(d, "Together ~$2.00/h.");
	d->clusters[0].price_uusd_h = PRICE_UNKNOWN;
	keys(d, "Esc S");
	has(d, "Together ~$1.00/h, without those whose price is not known.");
	keys(d, "Esc g Space Space D");
	lacks(d, "Together"); /* one is left */
}

/* What is typed takes the place of "off", unless the cursor was moved in it before. */
static void test_autostop(void **state)
{
	struct desk *d = *state;
	keys(d, "2 a '45");
	has(d, "after     45 ");
	keys(d, "Esc a Left 'x");
	has(d, "after     ofxf");
	keys(d, "Esc a '30 Enter Enter Enter");
	assert_int_equal(d->sent_ticket, 0); /* that was Cancel */
	keys(d, "a '30 Up Enter");
	assert_int_equal(d->sent.verb, UI_AUTOSTOP);
	assert_int_equal(d->sent.autostop_min, 30);
}

/* Dialogs are as wide as the screen where they would leave slivers of the view; fields are seen before what is said below them. */
static void test_room(void **state)
{
	struct desk *d = *state;
	assert_int_equal(layout_dialog_columns(80, 76), 80);
	assert_int_equal(layout_dialog_columns(80, 64), 64);
	assert_int_equal(layout_dialog_columns(200, 76), 76);
	assert_int_equal(layout_dialog_columns(3, 76), 3);
	keys(d, "2 l");
	has(d, "\n\xe2\x94\x8c\xe2\x94\x80 Launch ");
	resize(d, 40, 10);
	has(d, "task file");
	has(d, "or command");
	has(d, "cluster");
	has(d, "[ Plan ]");
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

/* What was heard of a cluster before it stopped is not so any more. */
static void test_stopped(void **state)
{
	struct desk *d = *state;
	d->clusters[0].busy = "job";
	keys(d, "2 Enter");
	has(d, "busy: a job runs or waits");
	has(d, "off: it costs until it is stopped");
	d->clusters[0].status = "STOPPED";
	d->clusters[0].price_uusd_h = 0;
	app_news(&d->app, d->app.now_ms);
	lacks(d, "busy");
	lacks(d, "it costs until it is stopped");
	has(d, "it costs nothing now");
}

/* An error is read to its end in details; the same refusal twice is told once. */
static void test_errors(void **state)
{
	struct desk *d = *state;
	d->events[0] = (struct ui_event){.at_ms = NOW_MS, .object = "train", .kind = "", .level = "error", .step = "", .where = "", .bad = true,
	    .took_ms = -1, .text = "aws us-east-1a p5.48xlarge: aws create: there is no capacity for this machine there now, nor was there a moment ago"};
	d->snap.n_events = 1;
	app_news(&d->app, d->app.now_ms);
	keys(d, "2 Enter");
	has(d, "a moment ago");
	keys(d, "R R R");
	has(d, "start: it is up already");
	const char *first = strstr(d->text, "start: it is up already");
	assert_null(strstr(first + 1, "start: it is up already"));
}

/* A job that waits for its turn is no log that hangs. */
static void test_log_of_pending(void **state)
{
	struct desk *d = *state;
	keys(d, "2 o");
	has(d, "job 2 is PENDING: its log comes here once it runs");
	d->jobs[1].status = "RUNNING";
	d->jobs[1].name = "finetune";
	d->jobs[1].started_at_ms = NOW_MS;
	app_news(&d->app, d->app.now_ms);
	has(d, "waiting for the first line");
	d->jobs[1].name = "";
	app_news(&d->app, d->app.now_ms);
	keys(d, "3 o");
	has(d, "job 2 \xe2\x94\x80");
	d->jobs[1].name = "finetune"; /* what becomes known later is said then */
	app_news(&d->app, d->app.now_ms);
	has(d, "job 2 finetune");
	d->snap.n_jobs = 0;
	app_news(&d->app, d->app.now_ms);
	has(d, "job 2 finetune");
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

/* Columns: the lines of the list, by their job numbers. */
static void shows_jobs(struct desk *d, const char *want)
{
	char got[40] = "";
	size_t n = 0;
	look(d);
	for (const char *p = d->text; (p = strstr(p, "train ")); p++) {
		long id = strtol(p + 6, NULL, 10);
		if (id > 0 && n + 2 < sizeof got)
			n += (size_t)snprintf(got + n, sizeof got - n, "%ld", id);
	}
	assert_string_equal(got, want);
}

/* The order stands still under the hand, and only there and then. */
static void test_order(void **state)
{
	struct desk *d = *state;
	keys(d, "3");
	shows_jobs(d, "21");
	d->jobs[2] = job(3, "PENDING");
	d->snap.n_jobs = 3;
	app_news(&d->app, d->app.now_ms + 100);
	shows_jobs(d, "213");
	has(d, "+1 new at the end");
	assert_true(app_wait_ms(&d->app) <= 5000); /* and no news are needed for what is new to get its place */
	app_tick(&d->app, d->app.key_ms + 5000);
	shows_jobs(d, "321");
	lacks(d, "new at the end");
	assert_true(app_wait_ms(&d->app) > 5000);
	/* Nobody has his hand on a list that is not shown. */
	keys(d, "2");
	d->jobs[3] = job(4, "PENDING");
	d->snap.n_jobs = 4;
	app_news(&d->app, d->app.now_ms + 100);
	keys(d, "3");
	shows_jobs(d, "4321");
	lacks(d, "new at the end");
}

/* What is shown to be copied can be given to a shell. */
static void test_launch_command(void **state)
{
	(void)state;
	const struct offer_type t = {.accelerator = "RTX4090", .provider = "vast", .instance_type = "4x", .accel_count_micro = 4000000};
	const struct offer_place p = {.region = ", CN, AS", .zone = ""};
	struct arena *arena = arena_create();
	assert_string_equal(offer_launch_command(arena, &t, &p), "skytop launch --infra 'vast/, CN, AS' --gpus RTX4090:4 --instance-type 4x TASK.yaml");
	assert_string_equal(offer_region_text(p.region), "CN, AS");
	assert_string_equal(offer_region_text("us-east-1"), "us-east-1");
	assert_string_equal(offer_region_text(""), "");
	arena_destroy(arena);
}

/* A name is not cut where another column has more room than it needs. */
static void test_columns(void **state)
{
	struct desk *d = *state;
	d->clusters[0].name = "a-name-of-15-ch";
	app_news(&d->app, d->app.now_ms);
	keys(d, "2");
	has(d, "a-name-of-15-ch");
}

/* Money is not cut while there is room. */
static void test_figures(void **state)
{
	struct desk *d = *state;
	d->clusters[0].cost_uusd = INT64_C(123456780000);
	app_news(&d->app, d->app.now_ms);
	keys(d, "2");
	has(d, "123,456.78");
}

/* The column by which a list is sorted is there however little room there is. */
static void test_sorted_by(void **state)
{
	struct desk *d = *state;
	keys(d, "2");
	lacks(d, "PROJECT");
	keys(d, "s G Enter");
	has(d, "PROJECT\xe2\x96\xb2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_launch_form), TEST(test_refused), TEST(test_bad_name), TEST(test_chosen_name),
	    TEST(test_estimate), TEST(test_exec), cmocka_unit_test(test_unreachable), TEST(test_question), TEST(test_several),
	    TEST(test_autostop), TEST(test_room), TEST(test_stopped), TEST(test_errors),
	    TEST(test_log_of_pending), TEST(test_order), TEST(test_launch_command), TEST(test_columns), TEST(test_figures),
	    TEST(test_sorted_by)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
