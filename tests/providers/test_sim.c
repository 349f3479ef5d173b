/* The simulated cloud: the conformance list, and what scenarios promise. Time is the test's own: calls carry the clock.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tests/providers/conformance.h"
#include "tests/providers/rig.h"

extern const struct provider provider_sim;

#define START_MS INT64_C(1764000000000)
/* One small cloud, written into each configuration. */
#define CLOUD \
	"'scenario': {'regions': [{'name': 'east', 'zones': ['east-a', 'east-b']}, {'name': 'west', 'zones': " \
	"['west-a']," \
	" 'price_factor': 1.5}], 'types': [{'name': 'small', 'vcpus': 2, 'mem_gib': 8, 'price': 0.1, 'spot': 0.04," \
	" 'capacity': 4, 'spot_capacity': 2}, {'name': 'big', 'accelerator': 'H100', 'count': 8, 'gpu_mem_gib': 80," \
	" 'vcpus': 200, 'mem_gib': 1000, 'price': 30, 'capacity': 1, 'zones': 'east-*'}]}"

static int set_up(void **state)
{
	struct rig *r = xcalloc(1, sizeof *r);
	rig_open(r, &provider_sim);
	rig_config(r, "{" CLOUD "}");
	r->now_ms = START_MS;
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	rig_close(*state);
	free(*state);
	return 0;
}

static void config(struct rig *r, const char *more)
{
	char *text = xasprintf("{" CLOUD ", %s}", more);
	rig_config(r, text);
	free(text);
}

/* more: members in place of the usual type and place, "" for none. */
static json_t *nodes_of(const char *cluster, int n, const char *more)
{
	json_t *args = rig_json("{'cluster': '%s', 'instance_type': 'small', 'region': 'east'}", cluster),
	       *list = json_array();
	json_t *put = rig_json("{%s}", more);
	json_object_update(args, put);
	json_decref(put);
	for (int i = 0; i < n; i++)
		json_array_append_new(list, rig_json("{'token': '%s-%d', 'rank': %d}", cluster, i, i));
	json_object_set_new(args, "nodes", list);
	return args;
}

static void make(struct rig *r, const char *cluster, int n, const char *more)
{
	json_decref(rig_do(r, PROVIDER_CREATE, nodes_of(cluster, n, more)));
}

static void end(struct rig *r, const char *cluster)
{
	json_t *reply = rig_do(r, PROVIDER_TERMINATE, rig_json("{'cluster': '%s'}", cluster));
	assert_int_equal(json_int(reply, "pending", 0), 0);
	json_decref(reply);
}

/* A member of the i-th node of a cluster, as text. The caller frees. */
static char *member(struct rig *r, const char *cluster, size_t i, const char *key)
{
	json_t *reply = rig_do(r, PROVIDER_QUERY, rig_json("{'cluster': '%s'}", cluster));
	char *text = xstrdup(json_str(json_array_get(json_arr(reply, "nodes"), i), key, "(none)"));
	json_decref(reply);
	return text;
}

static void assert_member(struct rig *r, const char *cluster, size_t i, const char *key, const char *want)
{
	char *is = member(r, cluster, i, key);
	assert_string_equal(is, want);
	free(is);
}

/* The price and whether it is to be had, of one type in one zone. */
static int64_t offered(struct rig *r, const char *type, const char *zone, const char *key, const char *available)
{
	json_t *reply = rig_do(r, PROVIDER_OFFERS, json_object());
	int64_t price = -2;
	size_t i;
	json_t *o;
	json_array_foreach(json_arr(reply, "offers"), i, o)
	{
		if (!str_eq(json_str(o, "instance_type", ""), type) || !str_eq(json_str(o, "zone", ""), zone))
			continue;
		price = json_int(o, key, -1);
		if (available)
			assert_string_equal(json_str(o, "available", ""), available);
	}
	json_decref(reply);
	return price;
}

/* --- selling
 * --------------------------------------------------------------------------------------------------------*/

static void test_offers(void **state)
{
	struct rig *r = *state;
	assert_int_equal(offered(r, "small", "east-a", "price_uusd_h", "yes"), 100000);
	assert_int_equal(offered(r, "small", "west-a", "price_uusd_h", "yes"), 150000);
	assert_int_equal(offered(r, "small", "west-a", "spot_uusd_h", NULL), 60000);
	assert_int_equal(offered(r, "big", "east-b", "spot_uusd_h", "yes"), -1);
	assert_int_equal(offered(r, "big", "west-a", "price_uusd_h", NULL), -2); /* not sold there */
}

/* Prices are a function of time: they move, they stay within their swing, and they can be asked for again. */
static void test_prices_move(void **state)
{
	struct rig *r = *state;
	config(r, "'prices': {'move_every_s': 60, 'spot_swing': 0.5}, 'seed': 7");
	int64_t first[50];
	int changes = 0;
	for (int i = 0; i < 50; i++) {
		r->now_ms = START_MS + i * 60000;
		first[i] = offered(r, "small", "east-a", "spot_uusd_h", NULL);
		assert_in_range(first[i], 20000, 60000);
		changes += i && first[i] != first[i - 1];
		assert_int_equal(offered(r, "small", "east-a", "price_uusd_h", NULL), 100000);
	}
	assert_true(changes > 25);
	for (int i = 0; i < 50; i += 7) {
		r->now_ms = START_MS + i * 60000 + 59999;
		assert_int_equal(offered(r, "small", "east-a", "spot_uusd_h", NULL), first[i]);
	}
	/* Ten times faster, and with another seed. */
	config(r, "'prices': {'move_every_s': 60, 'spot_swing': 0.5}, 'seed': 7, 'time_scale': 10");
	r->now_ms = START_MS + 6000;
	assert_int_equal(offered(r, "small", "east-a", "spot_uusd_h", NULL), first[1]);
	config(r, "'prices': {'move_every_s': 60, 'spot_swing': 0.5}, 'seed': 8");
	int same = 0;
	for (int i = 0; i < 10; i++) {
		r->now_ms = START_MS + i * 60000;
		same += offered(r, "small", "east-a", "spot_uusd_h", NULL) == first[i];
	}
	assert_true(same < 10);
}

static void test_capacity(void **state)
{
	struct rig *r = *state;
	make(r, "c1", 3, "'zone': 'east-a'");
	offered(r, "small", "east-a", "price_uusd_h", "low");
	rig_fails(r, PROVIDER_CREATE, nodes_of("c2", 2, "'zone': 'east-a'"), ERR_CAPACITY, NULL);
	assert_int_equal(rig_count_nodes(r), 3); /* not even one of the two */
	make(r, "c1", 4, "'zone': 'east-a'");
	offered(r, "small", "east-a", "price_uusd_h", "no");
	make(r, "c1", 4, "'zone': 'east-a'");
	/* Any zone of the region: the next one, all of them in it. */
	make(r, "c2", 2, "");
	assert_member(r, "c2", 0, "zone", "east-b");
	assert_member(r, "c2", 1, "zone", "east-b");
	rig_fails(r, PROVIDER_CREATE, nodes_of("c3", 3, ""), ERR_CAPACITY, NULL);
	/* Stopped machines make room, and may find none when they start again. */
	json_decref(rig_do(r, PROVIDER_STOP, rig_json("{'cluster': 'c1'}")));
	make(r, "c3", 4, "'zone': 'east-a'");
	rig_fails(r, PROVIDER_START, rig_json("{'cluster': 'c1'}"), ERR_CAPACITY, NULL);
	end(r, "c3");
	json_decref(rig_do(r, PROVIDER_START, rig_json("{'cluster': 'c1'}")));
	end(r, "c1");
	offered(r, "small", "east-a", "price_uusd_h", "yes");
	end(r, "c2");
}

static void test_spot(void **state)
{
	struct rig *r = *state;
	rig_fails(r, PROVIDER_CREATE, nodes_of("c1", 3, "'zone': 'east-a', 'use_spot': true"), ERR_CAPACITY, NULL);
	rig_fails(r, PROVIDER_CREATE, nodes_of("c1", 1, "'instance_type': 'big', 'use_spot': true"), ERR_INVALID, NULL);
	rig_fails(
	    r, PROVIDER_CREATE, nodes_of("c1", 1, "'use_spot': true, 'max_price_uusd_h': 39999"), ERR_CAPACITY, NULL);
	make(r, "c1", 2, "'zone': 'east-a', 'use_spot': true, 'max_price_uusd_h': 40000");
	make(r, "c2", 2, "'zone': 'east-a'");
	rig_fails(r, PROVIDER_CREATE, nodes_of("c3", 1, "'zone': 'east-a'"), ERR_CAPACITY, NULL);
	json_t *reply = rig_do(r, PROVIDER_QUERY, rig_json("{'cluster': 'c1'}"));
	assert_int_equal(json_int(json_array_get(json_arr(reply, "nodes"), 0), "price_uusd_h", -1), 40000);
	json_decref(reply);
}

static void test_quota(void **state)
{
	struct rig *r = *state;
	config(r, "'quota': {'nodes': 3, 'gpus': 8}");
	rig_fails(r, PROVIDER_CREATE, nodes_of("c1", 4, ""), ERR_QUOTA, NULL);
	make(r, "c1", 1, "'instance_type': 'big', 'zone': 'east-a'");
	rig_fails(r, PROVIDER_CREATE, nodes_of("c2", 1, "'instance_type': 'big', 'zone': 'east-b'"), ERR_QUOTA, NULL);
	make(r, "c2", 2, "");
	rig_fails(r, PROVIDER_CREATE, nodes_of("c3", 1, ""), ERR_QUOTA, NULL);
	end(r, "c1");
	make(r, "c3", 1, "");
}

static void test_gpus_of_node(void **state)
{
	struct rig *r = *state;
	make(r, "c1", 1, "'instance_type': 'big'");
	json_t *reply = rig_do(r, PROVIDER_QUERY, json_object());
	const json_t *env = json_obj(json_obj(json_array_get(json_arr(reply, "nodes"), 0), "reach"), "env");
	assert_string_equal(json_str(env, "SKYTOP_GPU_INDICES", ""), "0,1,2,3,4,5,6,7");
	json_decref(reply);
}

/* --- time
 * -----------------------------------------------------------------------------------------------------------*/

static void test_boot(void **state)
{
	struct rig *r = *state;
	config(r, "'boot_ms': 60000, 'stop_ms': 10000, 'terminate_ms': 5000");
	make(r, "c1", 1, "");
	assert_member(r, "c1", 0, "status", "PENDING");
	r->now_ms += 59999;
	assert_member(r, "c1", 0, "status", "PENDING");
	r->now_ms += 1;
	assert_member(r, "c1", 0, "status", "RUNNING");
	json_decref(rig_do(r, PROVIDER_STOP, rig_json("{'cluster': 'c1'}")));
	assert_member(r, "c1", 0, "status", "STOPPING");
	rig_fails(r, PROVIDER_START, rig_json("{'cluster': 'c1'}"), ERR_CONFLICT, NULL);
	r->now_ms += 10000;
	assert_member(r, "c1", 0, "status", "STOPPED");
	json_decref(rig_do(r, PROVIDER_START, rig_json("{'cluster': 'c1'}")));
	assert_member(r, "c1", 0, "status", "PENDING");
	json_t *reply = rig_do(r, PROVIDER_TERMINATE, rig_json("{'cluster': 'c1'}"));
	assert_int_equal(json_int(reply, "pending", 0), 1);
	json_decref(reply);
	assert_member(r, "c1", 0, "status", "STOPPING");
	rig_fails(r, PROVIDER_CREATE, nodes_of("c1", 1, ""), ERR_CONFLICT, NULL);
	r->now_ms += 4999;
	assert_int_equal(rig_count_nodes(r), 1);
	r->now_ms += 1;
	assert_int_equal(rig_count_nodes(r), 0);
	end(r, "c1");
}

static void test_time_scale(void **state)
{
	struct rig *r = *state;
	config(r, "'boot_ms': 60000, 'time_scale': 60, 'reclaims': [{'after_s': 3600}]");
	make(r, "c1", 1, "'use_spot': true");
	r->now_ms += 999;
	assert_member(r, "c1", 0, "status", "PENDING");
	r->now_ms += 1;
	assert_member(r, "c1", 0, "status", "RUNNING");
	r->now_ms += 58999;
	assert_member(r, "c1", 0, "status", "RUNNING");
	r->now_ms += 1;
	assert_member(r, "c1", 0, "status", "PREEMPTED");
}

static void test_reclaim(void **state)
{
	struct rig *r = *state;
	config(r, "'reclaims': [{'match': {'zone': 'east-*'}, 'after_s': 100}]");
	make(r, "spot", 2, "'use_spot': true, 'zone': 'east-a'");
	make(r, "firm", 1, "'zone': 'east-a'");
	make(r, "west", 1, "'use_spot': true, 'region': 'west'");
	json_t *reply = rig_do(r, PROVIDER_QUERY, rig_json("{'cluster': 'spot'}"));
	const json_t *node = json_array_get(json_arr(reply, "nodes"), 0);
	pid_t pid = rig_run_on(node, "touch ready; exec sleep 120");
	r->now_ms += 99999;
	assert_member(r, "spot", 0, "status", "RUNNING");
	assert_true(rig_alive(pid));
	r->now_ms += 1;
	assert_member(r, "spot", 0, "status", "PREEMPTED");
	assert_false(rig_alive(pid));
	assert_false(fs_exists(json_str(json_obj(node, "reach"), "home", "?")));
	json_decref(reply);
	assert_member(r, "spot", 1, "status", "PREEMPTED");
	assert_member(r, "spot", 1, "reason", "taken back by the cloud");
	assert_member(r, "firm", 0, "status", "RUNNING");
	assert_member(r, "west", 0, "status", "RUNNING");
	/* It stays taken, and holds no capacity. */
	rig_fails(r, PROVIDER_START, rig_json("{'cluster': 'spot'}"), ERR_CONFLICT, NULL);
	json_decref(rig_do(r, PROVIDER_STOP, rig_json("{'cluster': 'spot'}")));
	assert_member(r, "spot", 0, "status", "PREEMPTED");
	make(r, "next", 2, "'use_spot': true, 'zone': 'east-a'");
	assert_member(r, "next", 0, "status", "RUNNING");
	end(r, "spot");
	end(r, "next");
	end(r, "firm");
	end(r, "west");
}

/* All of a zone at one moment, and then nothing there for a while. */
static void test_zone_outage(void **state)
{
	struct rig *r = *state;
	config(r, "'reclaims': [{'match': {'zone': 'east-a'}, 'at_s': 50, 'closed_s': 100}]");
	make(r, "c1", 2, "'use_spot': true, 'zone': 'east-a'");
	r->now_ms += 50000;
	assert_member(r, "c1", 1, "status", "PREEMPTED");
	rig_fails(r, PROVIDER_CREATE, nodes_of("c2", 1, "'use_spot': true, 'zone': 'east-a'"), ERR_CAPACITY, NULL);
	make(r, "c3", 1, "'use_spot': true"); /* the other zone of the region */
	assert_member(r, "c3", 0, "zone", "east-b");
	make(r, "c4", 1, "'zone': 'east-a'"); /* on demand */
	r->now_ms += 100000;
	make(r, "c2", 1, "'use_spot': true, 'zone': 'east-a'");
	assert_member(r, "c2", 0, "status", "RUNNING");
}

/* Of many nodes at one an hour about 1 - 1/e are gone after an hour, the same ones whenever one looks. */
static void test_reclaim_rate(void **state)
{
	struct rig *r = *state;
	config(r, "'reclaims': [{'per_hour': 1}], 'types': [{'name': 'small', 'price': 1, 'spot': 1}]");
	make(r, "c1", 200, "'use_spot': true");
	int gone = 0;
	for (int minute = 0; minute <= 60; minute += 20) {
		r->now_ms = START_MS + minute * INT64_C(60000);
		json_t *reply = rig_do(r, PROVIDER_QUERY, rig_json("{'cluster': 'c1'}"));
		int now_gone = 0;
		for (size_t i = 0; i < 200; i++)
			now_gone +=
			    str_eq(json_str(json_array_get(json_arr(reply, "nodes"), i), "status", ""), "PREEMPTED");
		json_decref(reply);
		assert_true(now_gone >= gone);
		gone = now_gone;
	}
	assert_in_range(gone, 90, 160);
	end(r, "c1");
}

/* --- failures
 * -------------------------------------------------------------------------------------------------------*/

static void test_error_classes(void **state)
{
	struct rig *r = *state;
	static const enum err_code codes[] = {ERR_CAPACITY, ERR_QUOTA, ERR_THROTTLED, ERR_CREDENTIALS, ERR_NETWORK,
	    ERR_TIMEOUT, ERR_NOT_FOUND, ERR_CONFLICT, ERR_UNSUPPORTED, ERR_FAILED};
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		char *rule = xasprintf(
		    "'failures': [{'verb': '*', 'error': '%s', 'message': 'no can do'}]", err_info(codes[i])->name);
		config(r, rule);
		free(rule);
		for (int v = 0; v < PROVIDER_VERBS; v++) {
			if (v == PROVIDER_QUOTA || v == PROVIDER_OBJECTS) /* it has none */
				continue;
			char *text = NULL;
			json_t *args = v == PROVIDER_CREATE ? nodes_of("c1", 1, "") : rig_json("{'cluster': 'c1'}");
			rig_fails(r, (enum provider_verb)v, args, codes[i], &text);
			assert_non_null(strstr(text, "no can do"));
			assert_non_null(strstr(text, provider_verb_name((enum provider_verb)v)));
			free(text);
		}
	}
	config(r, "'seed': 1");
	assert_int_equal(rig_count_nodes(r), 0);
}

/* Which of `calls` queries fail, as "..x." */
static void assert_pattern(struct rig *r, const char *want)
{
	struct str s = str_new(200);
	for (size_t i = 0; i < strlen(want); i++) {
		struct err err = {0};
		json_t *reply = rig_call(r, PROVIDER_QUERY, json_object(), &err);
		str_addc(&s, reply ? '.' : 'x');
		json_decref(reply);
	}
	assert_string_equal(str_text(&s), want);
	str_free(&s);
}

/* The count lasts over children; a rule that changes begins anew. */
static void test_which_calls(void **state)
{
	struct rig *r = *state;
	config(r, "'failures': [{'verb': 'query', 'nth': 3, 'error': 'throttled'}]");
	assert_pattern(r, "..x...");
	config(r, "'failures': [{'verb': ['query', 'stop'], 'nth': [1, 4], 'error': 'throttled'}]");
	assert_pattern(r, "x..x..");
	config(r, "'failures': [{'verb': 'query', 'every': 3, 'error': 'throttled', 'times': 2}]");
	assert_pattern(r, "..x..x......");
	config(r, "'failures': [{'verb': '*', 'error': 'throttled', 'times': 2}]");
	assert_pattern(r, "xx..");
	config(r, "'failures': [{'verb': 'create', 'error': 'throttled'}, {'verb': 'query', 'nth': 2, 'error': "
		  "'throttled'}]");
	assert_pattern(r, ".x..");
	config(r, "'failures': [{'verb': 'query', 'probability': 0.0, 'error': 'throttled'}]");
	assert_pattern(r, "......");
	config(r, "'failures': [{'verb': 'query', 'probability': 1, 'error': 'throttled'}]");
	assert_pattern(r, "xxx");
	config(r, "'failures': [{'verb': 'query', 'probability': 0.5, 'error': 'throttled'}]");
	int failed = 0;
	for (int i = 0; i < 60; i++) {
		struct err err = {0};
		json_t *reply = rig_call(r, PROVIDER_QUERY, json_object(), &err);
		failed += !reply;
		json_decref(reply);
	}
	assert_in_range(failed, 12, 48);
}

static void test_match(void **state)
{
	struct rig *r = *state;
	config(
	    r, "'failures': [{'verb': 'create', 'match': {'region': 'ea*', 'use_spot': true}, 'error': 'capacity'}]");
	rig_fails(r, PROVIDER_CREATE, nodes_of("c1", 1, "'use_spot': true"), ERR_CAPACITY, NULL);
	make(r, "c1", 1, "");
	make(r, "c2", 1, "'region': 'west', 'use_spot': true");
	config(r, "'failures': [{'verb': '*', 'match': {'cluster': 'c2'}, 'error': 'network'}]");
	end(r, "c1");
	rig_fails(r, PROVIDER_TERMINATE, rig_json("{'cluster': 'c2'}"), ERR_NETWORK, NULL);
	assert_int_equal(rig_count_nodes(r), 1);
}

/* The work is done and the answer lost: the same call again finds it done. */
static void test_lost_reply(void **state)
{
	struct rig *r = *state;
	config(r, "'failures': [{'verb': ['create', 'stop', 'start', 'terminate'], 'lost_reply': true, 'every': 2}]");
	make(r, "c1", 2, "");
	rig_fails(r, PROVIDER_CREATE, nodes_of("c2", 2, ""), ERR_NETWORK, NULL);
	assert_int_equal(rig_count_nodes(r), 4);
	make(r, "c2", 2, "");
	assert_int_equal(rig_count_nodes(r), 4);
	rig_fails(r, PROVIDER_STOP, rig_json("{'cluster': 'c2'}"), ERR_NETWORK, NULL);
	assert_member(r, "c2", 0, "status", "STOPPED");
	json_decref(rig_do(r, PROVIDER_STOP, rig_json("{'cluster': 'c2'}")));
	rig_fails(r, PROVIDER_TERMINATE, rig_json("{'cluster': 'c2'}"), ERR_NETWORK, NULL);
	assert_int_equal(rig_count_nodes(r), 2);
	end(r, "c2");
}

/* In the middle of the work: some are made, and are there to be found and cleaned up. */
static void test_half_done(void **state)
{
	struct rig *r = *state;
	config(r, "'failures': [{'verb': 'create', 'after_nodes': 2, 'error': 'capacity', 'times': 1}]");
	rig_fails(r, PROVIDER_CREATE, nodes_of("c1", 4, ""), ERR_CAPACITY, NULL);
	assert_int_equal(rig_count_nodes(r), 2);
	make(r, "c1", 4, "");
	assert_int_equal(rig_count_nodes(r), 4);
	end(r, "c1");
	assert_int_equal(rig_count_nodes(r), 0);
}

static void test_crash(void **state)
{
	struct rig *r = *state;
	config(r, "'failures': [{'verb': 'create', 'crash': true, 'nth': 1}, {'verb': 'create', 'crash': true, "
		  "'after_nodes': 1, 'nth': 2},"
		  "{'verb': 'create', 'crash': true, 'lost_reply': true, 'nth': 3}]");
	static const int there[] = {0, 1, 2};
	for (size_t i = 0; i < ARRAY_LEN(there); i++) {
		char *text = NULL;
		rig_fails(r, PROVIDER_CREATE, nodes_of("c1", 2, ""), ERR_NETWORK, &text);
		assert_non_null(strstr(text, "killed"));
		free(text);
		assert_int_equal(rig_count_nodes(r), there[i]);
	}
	make(r, "c1", 2, "");
	assert_int_equal(rig_count_nodes(r), 2);
}

/* Too late for the deadline; what it is asked to do stays undone, or done, as the rule says. */
static void test_hang(void **state)
{
	struct rig *r = *state;
	config(r, "'failures': [{'verb': 'create', 'hang_ms': 60000, 'times': 1}]");
	r->deadline_ms = 200;
	rig_fails(r, PROVIDER_CREATE, nodes_of("c1", 1, ""), ERR_NETWORK, NULL);
	r->deadline_ms = 0;
	assert_int_equal(rig_count_nodes(r), 0);
	config(r, "'failures': [{'verb': 'create', 'hang_ms': 60000, 'lost_reply': true, 'times': 1}]");
	r->deadline_ms = 2000;
	rig_fails(r, PROVIDER_CREATE, nodes_of("c1", 1, ""), ERR_NETWORK, NULL);
	r->deadline_ms = 0;
	assert_int_equal(rig_count_nodes(r), 1);
	config(r, "'latency_ms': {'query': 60000}");
	r->deadline_ms = 200;
	rig_fails(r, PROVIDER_QUERY, json_object(), ERR_NETWORK, NULL);
	r->deadline_ms = 0;
	end(r, "c1"); /* other verbs are quick */
}

/* --- scenarios
 * ------------------------------------------------------------------------------------------------------*/

static void assert_refused(struct rig *r, const char *text)
{
	char *said = NULL;
	rig_fails(r, PROVIDER_OFFERS, json_object(), ERR_INVALID, &said);
	if (!strstr(said, text))
		fail_msg("\"%s\" does not speak of \"%s\"", said, text);
	free(said);
}

static void test_bad_scenarios(void **state)
{
	struct rig *r = *state;
	static const struct {
		const char *config, *says;
	} cases[] = {
	    {"'boot_mss': 1", "boot_ms"},
	    {"'version': 2", "version 2"},
	    {"'seed': -1", "seed"},
	    {"'boot_ms': 'soon'", "boot_ms"},
	    {"'time_scale': 0", "time_scale"},
	    {"'latency_ms': {'creat': 1}", "create"},
	    {"'prices': {'spot_swing': 1.5}", "swing"},
	    {"'prices': []", "prices"},
	    {"'quota': {'node': 1}", "nodes"},
	    {"'regions': []", "regions"},
	    {"'regions': [{'name': 'x'}]", "regions[0].zones"},
	    {"'regions': [{'name': 'x', 'zones': [1]}]", "regions[0].zones[0]"},
	    {"'types': [{'price': 1}]", "types[0].name"},
	    {"'types': [{'name': 'a', 'price': 1}, {'name': 'b', 'price': -1}]", "types[1].price"},
	    {"'types': []", "no types"},
	    {"'types': {'a': 1}", "types"},
	    {"'failures': [{'verb': 'creat', 'error': 'quota'}]", "create"},
	    {"'failures': [{'verb': 'create', 'error': 'quotta'}]", "quotta"},
	    {"'failures': [{'verb': 'create'}]", "does nothing"},
	    {"'failures': [{'verb': 'create', 'nth': 'x', 'error': 'quota'}]", "nth"},
	    {"'failures': [{'verb': 'create', 'match': {'zon': 'a'}, 'error': 'quota'}]", "zone"},
	    {"'failures': [3]", "failures[0]"},
	    {"'reclaims': [{'after_s': 1, 'per_hour': 1}]", "reclaims[0]"},
	    {"'reclaims': [{}]", "reclaims[0]"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		config(r, cases[i].config);
		assert_refused(r, cases[i].says);
	}
}

/* Machines outlive their scenario: they are still seen, stopped and ended. */
static void test_scenario_is_gone(void **state)
{
	struct rig *r = *state;
	config(r, "'seed': 1");
	make(r, "c", 2, "");
	rig_config(r, "{'scenario': '/nowhere/gone.yaml'}");
	rig_fails(r, PROVIDER_OFFERS, json_object(), ERR_NOT_FOUND, NULL);
	json_t *q = rig_do(r, PROVIDER_QUERY, rig_json("{'cluster': 'c'}"));
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 2);
	json_decref(q);
	end(r, "c");
	q = rig_do(r, PROVIDER_QUERY, json_object());
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 0);
	json_decref(q);
}

static void test_scenario_files(void **state)
{
	struct rig *r = *state;
	char *file = path_join(r->top, "mine.yaml"), *conf = xasprintf("{'scenario': '%s', 'seed': 4}", file);
	static const char good[] = "regions: [{name: here, zones: [z]}]\ntypes:\n  - {name: t, price: 0.5}\n",
			  bad[] = "regions: [\ntypes: 3", two[] = "a: 1\n---\nb: 1\n";
	assert_int_equal(fs_write(file, good, sizeof good - 1, 0600, NULL), 0);
	rig_config(r, conf);
	assert_int_equal(offered(r, "t", "z", "price_uusd_h", "yes"), 500000);
	assert_int_equal(fs_write(file, bad, sizeof bad - 1, 0600, NULL), 0);
	assert_refused(r, "mine.yaml:");
	assert_int_equal(fs_write(file, two, sizeof two - 1, 0600, NULL), 0);
	assert_refused(r, "one document");
	assert_int_equal(fs_write(file, "- 1\n", 4, 0600, NULL), 0);
	assert_refused(r, "map");
	rig_config(r, "{'scenario': 'no-such-scenario'}");
	rig_fails(r, PROVIDER_OFFERS, json_object(), ERR_NOT_FOUND, NULL);
	/* The one that comes along is whole. */
	rig_config(r, "{'enabled': true, 'latency_ms': 0}");
	json_t *reply = rig_do(r, PROVIDER_OFFERS, json_object());
	assert_true(json_array_size(json_arr(reply, "offers")) > 60);
	json_decref(reply);
	free(file);
	free(conf);
}

int main(void)
{
	const struct conformance_subject subject = {.provider = &provider_sim,
	    .config =
		"{'enabled': true, 'latency_ms': 0, 'boot_ms': 8, 'stop_ms': 8, 'terminate_ms': 8, 'reclaims': []}",
	    .create = "'instance_type': 'sim-4', 'region': 'sim-east', 'zone': 'sim-east-b', 'use_spot': true"};
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest own[] = {
	    TEST(test_offers),
	    TEST(test_prices_move),
	    TEST(test_capacity),
	    TEST(test_spot),
	    TEST(test_quota),
	    TEST(test_gpus_of_node),
	    TEST(test_boot),
	    TEST(test_time_scale),
	    TEST(test_reclaim),
	    TEST(test_zone_outage),
	    TEST(test_reclaim_rate),
	    TEST(test_error_classes),
	    TEST(test_which_calls),
	    TEST(test_match),
	    TEST(test_lost_reply),
	    TEST(test_half_done),
	    TEST(test_crash),
	    TEST(test_hang),
	    TEST(test_bad_scenarios),
	    TEST(test_scenario_is_gone),
	    TEST(test_scenario_files),
	};
	struct CMUnitTest tests[CONFORMANCE_MAX + ARRAY_LEN(own)];
	memcpy(tests, own, sizeof own);
	size_t n = ARRAY_LEN(own) + conformance_list(&subject, tests + ARRAY_LEN(own));
	return _cmocka_run_group_tests("sim", tests, n, NULL, NULL);
}
