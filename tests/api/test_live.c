/* The catalog's update from the clouds themselves: parts, a call that starts again, one that breaks off, one without credentials; what the
 * catalog says before and after, with its history. The clouds are step functions of this test, which ask nobody. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/api/live.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"

enum { PARTS = 5, ROWS = 400 };

/* What the clouds of this test do. */
static struct {
	int64_t price;	    /* of every machine */
	size_t parts;
	int lose_first;	    /* so many times the call breaks off after two parts, in a way that may be mended */
	bool break_off;	    /* "gcp" ends in the middle, for good */
	int calls;
} script;

static json_t *part(size_t k, const char *cloud)
{
	json_t *offers = json_array();
	for (size_t i = 0; i < ROWS; i++) {
		char type[40], region[20];
		snprintf(type, sizeof type, "%s-m%zu", cloud, i);
		snprintf(region, sizeof region, "region-%zu", k);
		json_array_append_new(offers, json_pack("{s:s, s:s, s:i, s:i, s:i, s:s, s:s, s:I, s:n, s:s}", "instance_type", type, "accelerator", "H100",
			"accelerator_count", 8, "vcpus", 96, "mem_mib", 1048576, "region", region, "zone", "", "price_uusd_h",
			(json_int_t)(script.price + (json_int_t)i), "spot_uusd_h", "available", "unknown"));
	}
	return json_pack("{s:o, s:s}", "offers", offers, "progress", "going on");
}

static enum provider_step sell(const char *cloud, struct provider_call *c, struct err *err)
{
	assert_int_equal(c->verb, PROVIDER_OFFERS);
	assert_true(json_bool(c->args, "catalog", false));
	script.calls += c->step == 0;
	if (c->step == 2 && (script.break_off || script.lose_first-- > 0)) {
		err_set(err, script.break_off ? ERR_INVALID : ERR_NETWORK, "it broke off");
		return PROVIDER_FAILED;
	}
	json_decref(c->result);
	c->result = part((size_t)c->step, cloud);
	return (size_t)++c->step < script.parts ? PROVIDER_PART : PROVIDER_DONE;
}

static enum provider_step aws_step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	bool broken = script.break_off;
	(void)reply;
	script.break_off = false;
	enum provider_step s = sell("aws", c, err);
	script.break_off = broken;
	return s;
}

static enum provider_step gcp_step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	int lose = script.lose_first;
	(void)reply;
	script.lose_first = 0;
	enum provider_step s = sell("gcp", c, err);
	script.lose_first = lose;
	return s;
}

static enum provider_step poor_step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	(void)c;
	(void)reply;
	err_set(err, ERR_CREDENTIALS, "no credentials: looked everywhere");
	return PROVIDER_FAILED;
}

static json_t *no_cloud_side(const json_t *request, struct err *err)
{
	(void)request;
	(void)err;
	return NULL;
}

static const struct provider aws = {.name = "aws", .title = "AWS", .step = aws_step}, gcp = {.name = "gcp", .title = "Google", .step = gcp_step},
			     azure = {.name = "azure", .title = "Azure", .step = poor_step},
			     own = {.name = "local", .title = "This machine", .step = poor_step, .cloud_side = no_cloud_side};
static const struct provider *const all[] = {&aws, &gcp, &azure, &own, NULL};

struct fixture {
	char *dir, *db;
	size_t told;
};

static void on_progress(void *arg, const char *cloud, size_t offers, const char *text, bool over)
{
	struct fixture *f = arg;
	(void)cloud;
	(void)text;
	f->told += !over && offers;
}

static int update(struct fixture *f, const char *const *clouds, bool force, struct import_report *report, struct err *err)
{
	return live_update_at(f->db, NULL, &(struct live_update){.providers = all, .clouds = clouds, .self = "/bin/true", .force = force, .progress = on_progress,
		.arg = f, .deadline_ms = 60000}, report, err);
}

/* The first offer of that cloud with this price, or SIZE_MAX; *n: how many it has. */
static size_t offer_at(struct catalog *c, const char *cloud, int64_t price, size_t *n)
{
	const struct offers *o = catalog_offers(c);
	size_t found = SIZE_MAX;
	*n = 0;
	for (size_t i = 0; i < o->n_rows; i++) {
		if (strcmp(o->types[o->rows[i].type].provider, cloud))
			continue;
		++*n;
		if (found == SIZE_MAX && o->rows[i].price_uusd_h == price)
			found = i;
	}
	return found;
}

static void test_parts_and_history(void **state)
{
	struct fixture *f = *state;
	struct import_report report;
	struct err err;
	size_t n;
	script.price = 1000000;
	script.parts = PARTS;
	script.lose_first = 1;
	assert_int_equal(update(f, NULL, false, &report, &err), 0);
	assert_int_equal(script.calls, 3); /* once more for the one that broke off */
	assert_int_equal(report.n_clouds, 2); /* of the one without credentials nothing is said */
	assert_int_equal(report.clouds[0].offers, PARTS * ROWS);
	assert_int_equal(report.clouds[0].added, PARTS * ROWS);
	assert_null(report.clouds[0].refused);
	assert_true(f->told >= 2 * PARTS - 2);
	import_report_free(&report);
	struct catalog *c = catalog_open_at(f->db, NULL, &err);
	assert_non_null(c);
	size_t at = offer_at(c, "aws", 1000000, &n);
	assert_int_equal(n, PARTS * ROWS); /* what came before it broke off is not there twice */
	assert_true(at != SIZE_MAX);
	const struct offers *o = catalog_offers(c);
	assert_string_equal(o->types[o->rows[at].type].accelerator, "H100");
	assert_true(o->sources[o->rows[at].source].as_of_known);
	catalog_close(c);
	/* Prices moved: each has a past now. */
	script.price = 1500000;
	assert_int_equal(update(f, (const char *const[]){"aws", NULL}, false, &report, &err), 0);
	assert_int_equal(report.n_clouds, 1);
	assert_int_equal(report.clouds[0].changed, PARTS * ROWS);
	import_report_free(&report);
	c = catalog_open_at(f->db, NULL, &err);
	at = offer_at(c, "aws", 1500000, &n);
	assert_int_equal(n, PARTS * ROWS);
	struct price_point points[4];
	assert_int_equal(catalog_history(c, catalog_offers(c)->rows[at].id, points, 4, &err), 2);
	assert_int_equal(points[0].price_uusd_h, 1000000);
	assert_int_equal(points[1].price_uusd_h, 1500000);
	offer_at(c, "gcp", 1000000, &n); /* it was not asked */
	assert_int_equal(n, PARTS * ROWS);
	catalog_close(c);
}

static void test_broken_off(void **state)
{
	struct fixture *f = *state;
	struct import_report report;
	struct err err;
	size_t n;
	script.price = 1000000;
	script.parts = PARTS;
	assert_int_equal(update(f, NULL, false, &report, &err), 0);
	import_report_free(&report);
	script.price = 2000000;
	script.break_off = true;
	assert_int_equal(update(f, NULL, false, &report, &err), 0); /* the other one is taken */
	assert_string_equal(report.clouds[1].cloud, "gcp");
	assert_non_null(strstr(report.clouds[1].refused, "broke off"));
	import_report_free(&report);
	struct catalog *c = catalog_open_at(f->db, NULL, &err);
	assert_true(offer_at(c, "gcp", 2000000, &n) == SIZE_MAX);
	assert_true(offer_at(c, "gcp", 1000000, &n) != SIZE_MAX);
	assert_int_equal(n, PARTS * ROWS);
	assert_true(offer_at(c, "aws", 2000000, &n) != SIZE_MAX);
	const struct catalog_status *s = catalog_status(c, &err);
	for (size_t i = 0; i < s->n_sources; i++)
		assert_int_equal(s->sources[i].stale, !strcmp(s->sources[i].cloud, "gcp"));
	catalog_close(c);
	assert_int_equal(update(f, (const char *const[]){"gcp", NULL}, false, &report, &err), -1);
	assert_non_null(strstr(err.text, "kept as they were"));
	import_report_free(&report);
	/* Less than half of what there was may be a broken answer too. */
	script.break_off = false;
	script.parts = 2;
	assert_int_equal(update(f, (const char *const[]){"aws", NULL}, false, &report, &err), 0);
	assert_non_null(strstr(report.clouds[0].refused, "--force"));
	import_report_free(&report);
	assert_int_equal(update(f, (const char *const[]){"aws", NULL}, true, &report, &err), 0);
	assert_int_equal(report.clouds[0].offers, 2 * ROWS);
	import_report_free(&report);
}

static void test_names(void **state)
{
	struct fixture *f = *state;
	struct import_report report;
	struct err err;
	script.parts = 1;
	/* Missing credentials are an error only of who was named. */
	assert_int_equal(update(f, (const char *const[]){"azure", NULL}, false, &report, &err), -1);
	assert_int_equal(err.code, ERR_CREDENTIALS);
	assert_non_null(report.clouds[0].refused);
	import_report_free(&report);
	assert_int_equal(update(f, (const char *const[]){"local", NULL}, false, &report, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	import_report_free(&report);
	assert_int_equal(update(f, (const char *const[]){"aws", "aws", NULL}, false, &report, &err), 0);
	assert_int_equal(report.n_clouds, 1);
	import_report_free(&report);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	f->dir = xstrdup("/tmp/skytop-live-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->db = xasprintf("%s/catalog.db", f->dir);
	setenv("SKYTOP_HOME", f->dir, 1);
	memset(&script, 0, sizeof script);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fs_remove_tree(f->dir, NULL);
	free(f->dir);
	free(f->db);
	free(f);
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_parts_and_history), T(test_broken_off), T(test_names)};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
