/* state.db: rows round-trip, commits are what survives, damage is moved aside, a newer schema is left alone, money adds up. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/store/db.h"
#include "core/store/state.h"

struct fixture {
	char dir[40];
	char *path;
	struct state *s;
};

static struct state *reopen(struct fixture *f)
{
	struct err e;
	char *moved;
	state_close(f->s);
	f->s = state_open(f->path, &moved, &e);
	if (!f->s)
		fail_msg("%s", e.text);
	assert_null(moved);
	return f->s;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	snprintf(f->dir, sizeof f->dir, "/tmp/skytop-state-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->path = path_join(f->dir, "state.db");
	reopen(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	state_close(f->s);
	fs_remove_tree(f->dir, NULL);
	free(f->path);
	free(f);
	return 0;
}

static struct cluster *sample(const char *name)
{
	struct cluster *c = xcalloc(1, sizeof *c);
	c->uid = xasprintf("%s-0a1b", name);
	c->name = xstrdup(name);
	c->user = xstrdup("ann");
	c->project = xstrdup("default");
	c->provider = xstrdup("sim");
	c->accelerator = xstrdup("H100");
	c->accel_count_micro = 8000000;
	c->vcpus_micro = -1;
	c->mem_mib = 64;
	c->price_uusd_h = 3600000;
	c->autostop_minutes = -1;
	c->created_at_ms = 1700000000000;
	c->nodes = xcalloc(2, sizeof *c->nodes);
	c->n_nodes = 2;
	for (int i = 0; i < 2; i++)
		c->nodes[i] = (struct node){.rank = i, .token = xasprintf("%s-%d", name, i), .reach = json_pack("{s:i}", "n", i),
		    .created_at_ms = 1700000000000};
	return c;
}

static void test_cluster_round_trip(void **state)
{
	struct fixture *f = *state;
	struct err e;
	struct cluster *c = sample("train");
	assert_int_equal(state_save_cluster(f->s, c, &e), 0);
	assert_int_equal(state_commit(f->s, &e), 0);
	c->status = CLUSTER_UP;
	own_str(&c->reason, "it's up");
	own_str(&c->nodes[1].provider_id, "sim-7");
	c->nodes[1].status = NODE_RUNNING;
	assert_int_equal(state_save_cluster(f->s, c, &e), 0);
	assert_int_equal(state_commit(f->s, &e), 0);
	struct cluster **list;
	size_t n;
	assert_int_equal(state_load_clusters(reopen(f), &list, &n, &e), 0);
	assert_int_equal(n, 1);
	struct cluster *r = list[0];
	assert_string_equal(r->name, "train");
	assert_int_equal(r->status, CLUSTER_UP);
	assert_string_equal(r->reason, "it's up");
	assert_int_equal(r->vcpus_micro, -1); /* unknown stays unknown */
	assert_int_equal(r->price_uusd_h, 3600000);
	assert_int_equal(r->autostop_minutes, -1);
	assert_int_equal(r->n_nodes, 2);
	assert_int_equal(r->nodes[1].status, NODE_RUNNING);
	assert_string_equal(r->nodes[1].provider_id, "sim-7");
	assert_int_equal(json_int(r->nodes[1].reach, "n", 9), 1);
	/* A gone node and a removed cluster are history. */
	char *tokens[] = {xstrdup(r->nodes[0].token), xstrdup(r->nodes[1].token)};
	assert_false(state_node_late(f->s, tokens[1], "sim-8")); /* it is there */
	r->nodes[0].gone_at_ms = r->nodes[1].gone_at_ms = 5;
	r->removed_at_ms = 6;
	assert_int_equal(state_save_cluster(f->s, r, &e), 0);
	assert_int_equal(state_commit(f->s, &e), 0);
	assert_int_equal(state_find_cluster(f->s, "train", &e), r->id);
	assert_true(state_node_late(f->s, tokens[0], "sim-6")); /* nobody ever answered for it */
	assert_true(state_node_late(f->s, tokens[1], "sim-8")); /* that one ended as sim-7 */
	assert_false(state_node_late(f->s, tokens[1], "sim-7"));
	assert_false(state_node_late(f->s, "nobody's", "sim-7"));
	free(tokens[0]);
	free(tokens[1]);
	cluster_destroy(r);
	free(list);
	assert_int_equal(state_load_clusters(reopen(f), &list, &n, &e), 0);
	assert_int_equal(n, 0);
	free(list);
	cluster_destroy(c);
}

static void test_uncommitted_is_lost(void **state)
{
	struct fixture *f = *state;
	struct err e;
	struct request r = {.verb = xstrdup("launch"), .user = xstrdup("ann"), .project = xstrdup("p"), .args = json_pack("{s:s}", "a", "b")};
	assert_int_equal(state_save_request(f->s, &r, &e), 0);
	assert_int_equal(state_commit(f->s, &e), 0);
	own_str(&r.step, "create");
	assert_int_equal(state_save_request(f->s, &r, &e), 0);
	struct request **list;
	size_t n;
	assert_int_equal(state_load_requests(reopen(f), &list, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_null(list[0]->step);
	assert_string_equal(json_str(list[0]->args, "a", ""), "b");
	list[0]->state = REQUEST_FAILED;
	list[0]->finished_at_ms = 5;
	list[0]->err_code = ERR_CAPACITY;
	own_str(&list[0]->err_text, "none left");
	assert_int_equal(state_save_request(f->s, list[0], &e), 0);
	assert_int_equal(state_commit(f->s, &e), 0);
	json_t *j = state_request(f->s, list[0]->id, &e);
	assert_string_equal(json_str(json_obj(j, "error"), "code", ""), "capacity");
	json_decref(j);
	assert_null(state_request(f->s, 99, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	request_destroy(list[0]);
	free(list);
	free(r.verb);
	free(r.user);
	free(r.project);
	free(r.step);
	json_decref(r.args);
}

static void test_one_name_alive(void **state)
{
	struct fixture *f = *state;
	struct err e;
	struct cluster *a = sample("x"), *b = sample("x");
	own_str(&b->uid, "other");
	own_str(&b->nodes[0].token, "o0");
	own_str(&b->nodes[1].token, "o1");
	assert_int_equal(state_save_cluster(f->s, a, &e), 0);
	assert_int_equal(state_save_cluster(f->s, b, &e), -1);
	assert_int_equal(e.code, ERR_CONFLICT);
	a->removed_at_ms = 1;
	assert_int_equal(state_save_cluster(f->s, a, &e), 0);
	assert_int_equal(state_save_cluster(f->s, b, &e), 0);
	cluster_destroy(a);
	cluster_destroy(b);
}

static void test_ledger(void **state)
{
	struct fixture *f = *state;
	struct err e;
	struct cluster *c = sample("m");
	assert_int_equal(state_save_cluster(f->s, c, &e), 0);
	assert_int_equal(state_ledger_open(f->s, c, &c->nodes[0], NULL, 1000000, &e), 0);
	assert_int_equal(state_ledger_open(f->s, c, &c->nodes[0], NULL, 2000000, &e), 0); /* already open: once */
	assert_int_equal(state_ledger_open(f->s, c, &c->nodes[1], NULL, 1000000, &e), 0);
	assert_int_equal(state_ledger_close(f->s, &c->nodes[1], 1000000 + 1800000, &e), 0);
	struct ledger_row *rows;
	size_t n;
	int64_t changes = state_ledger_changes(f->s);
	assert_int_equal(state_ledger(f->s, 0, &rows, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(rows[0].from_ms, 1000000);
	assert_int_equal(rows[0].to_ms + rows[1].to_ms, 1000000 + 1800000); /* one is open */
	assert_int_equal(rows[1].price_uusd_h, c->price_uusd_h);
	assert_string_equal(rows[0].provider, c->provider);
	free(rows);
	/* What ended before is left out. */
	assert_int_equal(state_ledger(f->s, 1000000 + 1800001, &rows, &n, &e), 0);
	assert_int_equal(n, 1);
	free(rows);
	assert_int_equal(state_ledger_changes(f->s), changes);
	json_t *a = state_spenders(f->s, 0, &e);
	assert_int_equal(json_array_size(a), 1);
	assert_string_equal(json_str(json_array_get(a, 0), "name", ""), "m");
	assert_int_equal(json_int(json_array_get(a, 0), "num_nodes", 0), 2);
	json_decref(a);
	/* One hour on: node 0 one hour, node 1 half an hour, at $3.60. */
	assert_int_equal(state_cluster_cost(f->s, c->id, 1000000 + 3600000), 5400000);
	c->price_uusd_h = PRICE_UNKNOWN;
	assert_int_equal(state_ledger_open(f->s, c, &c->nodes[1], NULL, 1000000, &e), 0);
	assert_true(state_ledger_changes(f->s) > changes);
	assert_int_equal(state_ledger(f->s, 0, &rows, &n, &e), 0);
	assert_int_equal(rows[2].price_uusd_h, PRICE_UNKNOWN); /* unknown, not less */
	free(rows);
	assert_int_equal(state_cluster_cost(f->s, c->id, 1000000 + 3600000), PRICE_UNKNOWN);
	cluster_destroy(c);
}

/* A node that is stopped has its disk's interval, and only that; which of the two is open is kept. */
static void test_disk_ledger(void **state)
{
	struct fixture *f = *state;
	struct err e;
	struct cluster *c = sample("d"), **list;
	const struct ledger_disk disk = {1000000, "a list"};
	struct ledger_row *rows;
	size_t n;
	assert_int_equal(state_save_cluster(f->s, c, &e), 0);
	assert_int_equal(state_ledger_open(f->s, c, &c->nodes[0], NULL, 1000000, &e), 0);
	assert_int_equal(state_ledger_open(f->s, c, &c->nodes[0], &disk, 1000000 + 3600000, &e), 0);
	assert_int_equal(state_ledger_open(f->s, c, &c->nodes[0], &disk, 1000000 + 4000000, &e), 0); /* open already */
	assert_true(c->nodes[0].ledger_disk);
	assert_int_equal(state_ledger(f->s, 0, &rows, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(rows[0].to_ms, 1000000 + 3600000);
	assert_true(!rows[0].disk && rows[1].disk && rows[1].estimated && !rows[1].to_ms && rows[1].price_uusd_h == 1000000);
	free(rows);
	assert_int_equal(state_save_cluster(f->s, c, &e), 0);
	assert_int_equal(state_load_clusters(f->s, &list, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_true(list[0]->nodes[0].ledger_disk && list[0]->nodes[0].ledger_id == c->nodes[0].ledger_id);
	cluster_destroy(list[0]);
	free(list);
	assert_int_equal(state_ledger_open(f->s, c, &c->nodes[0], NULL, 1000000 + 7200000, &e), 0);
	assert_false(c->nodes[0].ledger_disk);
	/* Three hours on: two of the machine at $3.60, one of the disk at $1. */
	assert_int_equal(state_cluster_cost(f->s, c->id, 1000000 + 10800000), 2 * 3600000 + 1000000);
	cluster_destroy(c);
}

static void test_budgets(void **state)
{
	struct fixture *f = *state;
	struct err e;
	char none[] = "", ada[] = "ada";
	struct budget *list, b = {.project = none, .user = ada, .month_uusd = 500000000, .block = true};
	struct budget other = {.project = none, .user = ada, .simulated = true, .month_uusd = 7};
	size_t n;
	assert_int_equal(state_save_budget(f->s, &b, &e), 0);
	assert_int_equal(state_save_budget(f->s, &other, &e), 0);
	b.told_month_ms = 1000;
	b.told_percent = 80;
	b.block = false;
	assert_int_equal(state_save_budget(f->s, &b, &e), 0); /* the same one */
	assert_int_equal(state_commit(f->s, &e), 0);
	reopen(f);
	assert_int_equal(state_load_budgets(f->s, &list, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_true(list[0].month_uusd == 500000000 && !list[0].block && list[0].told_month_ms == 1000 && list[0].told_percent == 80);
	assert_true(list[1].simulated && list[1].month_uusd == 7);
	budgets_free(list, n);
	assert_int_equal(state_drop_budget(f->s, "", true, &e), 0);
	assert_int_equal(state_drop_budget(f->s, "x", false, &e), -1);
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_int_equal(state_load_budgets(f->s, &list, &n, &e), 0);
	assert_int_equal(n, 1);
	budgets_free(list, n);
}

static void test_blocks(void **state)
{
	struct fixture *f = *state;
	struct err e;
	json_t *b = json_pack("{s:s, s:s, s:b, s:s, s:I}", "provider", "sim", "zone", "z1", "use_spot", 1, "code", "capacity", "until", (json_int_t)5000);
	assert_int_equal(state_add_block(f->s, b, &e), 0);
	json_decref(b);
	/* The same once more, for longer; then its place is had as well, and those that are not it stay. */
	b = json_pack("{s:s, s:s, s:b, s:s, s:I}", "provider", "sim", "zone", "z1", "use_spot", 1, "code", "capacity", "until", (json_int_t)5000);
	assert_int_equal(state_add_block(f->s, b, &e), 0);
	json_decref(b);
	static const char *const others[] = {"{\"provider\": \"sim\", \"region\": \"r\"}",
	    "{\"provider\": \"sim\", \"region\": \"r\", \"zone\": \"z2\", \"use_spot\": false}",
	    "{\"provider\": \"sim\", \"instance_type\": \"big\"}", "{\"provider\": \"sim\", \"region\": \"r\", \"zone\": \"z2\", \"use_spot\": true}"};
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		b = json_parse(others[i], strlen(others[i]), NULL);
		json_put_int(b, "until", 5000);
		assert_int_equal(state_add_block(f->s, b, &e), 0);
		json_decref(b);
	}
	b = json_pack("{s:s, s:s, s:s, s:s, s:b}", "provider", "sim", "region", "r", "zone", "z2", "instance_type", "small", "use_spot", 0);
	assert_int_equal(state_lift_blocks(f->s, b, &e), 0);
	json_decref(b);
	b = state_blocks(f->s, 4999, &e);
	assert_int_equal(json_array_size(b), 3); /* z1, big, and z2 as spot */
	assert_true(json_is_true(json_object_get(json_array_get(b, 0), "use_spot")));
	assert_true(json_is_null(json_object_get(json_array_get(b, 0), "region")));
	json_decref(b);
	b = state_blocks(f->s, 5000, &e);
	assert_int_equal(json_array_size(b), 0);
	json_decref(b);
}

static void test_events(void **state)
{
	struct fixture *f = *state;
	struct err e;
	for (int i = 0; i < 5; i++) {
		struct event v = {.at_ms = 1000 + i, .cluster = xstrdup(i % 2 ? "a" : "b"), .kind = xstrdup("k"), .level = xstrdup("info"), .text = xasprintf("t%d", i)};
		assert_int_equal(state_add_event(f->s, &v, &e), 0);
		assert_int_equal(v.id, i + 1);
		event_clear(&v);
	}
	json_t *a = state_events(f->s, "b", 0, 2, &e); /* the newest two, oldest first */
	assert_int_equal(json_array_size(a), 2);
	assert_string_equal(json_str(json_array_get(a, 0), "text", ""), "t2");
	json_decref(a);
	a = state_events(f->s, NULL, 3, 100, &e);
	assert_int_equal(json_array_size(a), 2);
	json_decref(a);
}

static void damage(struct fixture *f, size_t at, size_t len)
{
	struct err e;
	struct cluster *c = sample("lost");
	assert_int_equal(state_save_cluster(f->s, c, &e), 0);
	assert_int_equal(state_commit(f->s, &e), 0);
	cluster_destroy(c);
	state_close(f->s);
	f->s = NULL;
	size_t n;
	char *data = fs_read(f->path, 1 << 24, &n, &e);
	assert_true(n > at + len);
	memset(data + at, 0x5a, len);
	assert_int_equal(fs_write(f->path, data, n, 0600, &e), 0);
	free(data);
}

static void expect_moved(struct fixture *f)
{
	struct err e;
	char *moved;
	f->s = state_open(f->path, &moved, &e);
	if (!f->s)
		fail_msg("%s", e.text);
	assert_non_null(moved);
	assert_true(fs_exists(moved));
	struct cluster **list;
	size_t n;
	assert_int_equal(state_load_clusters(f->s, &list, &n, &e), 0);
	assert_int_equal(n, 0);
	free(list);
	free(moved);
}

static void test_damaged_header(void **state)
{
	damage(*state, 0, 100);
	expect_moved(*state);
}

static void test_damaged_page(void **state)
{
	damage(*state, 4096 + 8, 3000);
	expect_moved(*state);
}

static void test_newer_schema_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct err e;
	state_close(f->s);
	f->s = NULL;
	struct db *db = db_open(f->path, &e);
	assert_int_equal(db_exec(db, "PRAGMA user_version = 999", &e), 0);
	db_close(db);
	char *moved;
	assert_null(state_open(f->path, &moved, &e));
	assert_null(moved);
	assert_int_equal(e.code, ERR_UNSUPPORTED);
	assert_true(fs_exists(f->path));
}

static void test_private(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_names(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(cluster_name_check("a.b-c_9", &e), 0);
	assert_int_equal(cluster_name_check("9a", &e), -1);
	assert_int_equal(cluster_name_check("a/../b", &e), -1);
	assert_int_equal(cluster_name_check("a-", &e), -1);
	assert_int_equal(cluster_name_check("", &e), -1);
	for (int i = 0; i < JOB_STATUSES; i++)
		assert_int_equal(job_status_of(job_status_name((enum job_status)i)), i);
	assert_int_equal(job_exit_status(JOB_FAILED_SETUP), 100);
	assert_int_equal(job_exit_status(JOB_RUNNING), 101);
	assert_int_equal(job_exit_status(JOB_CANCELLED), 103);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_cluster_round_trip), T(test_uncommitted_is_lost), T(test_one_name_alive), T(test_ledger), T(test_disk_ledger), T(test_budgets),
	    T(test_blocks), T(test_events), T(test_damaged_header), T(test_damaged_page), T(test_newer_schema_is_left_alone), T(test_private), T(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
