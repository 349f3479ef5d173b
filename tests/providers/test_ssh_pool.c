/* The provider ssh: its file, its sizes and its choice of hosts purely; then whole calls against hosts that are folders here, in which
 * the real script runs: the conformance list, and what happens when hosts come and go. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "providers/ssh/host.h"
#include "providers/ssh/place.h"
#include "providers/ssh/pools.h"
#include "tests/providers/conformance.h"
#include "tests/providers/rig.h"

extern const struct provider provider_ssh;

/* --- the file ------------------------------------------------------------------------------------------------------*/

static void test_skypilots_file(void **state)
{
	(void)state;
	struct arena *a = arena_create();
	json_t *j = rig_json("{'my-cluster': {'hosts': ['1.2.3.4', '1.2.3.5']},"
			     " 'my-box': {'user': 'ubuntu', 'identity_file': '~/.ssh/id_rsa', 'password': '', 'hosts': ['box', {'ip': '5.6.7.8', 'user': 'alice',"
			     " 'identity_file': '~/.ssh/alice'}, {'ip': '5.6.7.9', 'password': 1234}]}}");
	struct pools p;
	struct err err = {0};
	assert_int_equal(pools_read(a, j, "f.yaml", false, &p, &err), 0);
	assert_int_equal(p.n, 5);
	assert_int_equal(p.n_pools, 2);
	assert_int_equal(json_array_size(p.notes), 0);
	assert_string_equal(p.hosts[0].pool, "my-cluster");
	assert_null(p.hosts[0].user);
	assert_string_equal(p.hosts[2].name, "box");
	assert_string_equal(p.hosts[2].user, "ubuntu");
	assert_false(p.hosts[2].password);
	assert_string_equal(p.hosts[3].user, "alice");
	assert_string_equal(p.hosts[3].identity_file, "~/.ssh/alice");
	assert_true(p.hosts[4].password);
	assert_int_equal(p.hosts[4].max_leases, -1);
	json_t *reach = pool_reach(&p.hosts[3]), *want = rig_json("{'kind': 'ssh', 'host': '5.6.7.8', 'user': 'alice', 'identity_files': ['~/.ssh/alice'],"
								  " 'config': true, 'pin': 'my-box/5.6.7.8'}");
	assert_true(json_equal(reach, want));
	json_decref(reach);
	json_decref(want);
	pools_clear(&p);
	json_decref(j);
	arena_destroy(a);
}

static void test_our_keys(void **state)
{
	(void)state;
	struct arena *a = arena_create();
	json_t *j = rig_json("{'p': {'port': 2222, 'jump': 'bob@gate:22', 'price_per_hour': 8.5, 'gpus': 'MI300X:8', 'max_leases': 3, 'idenity_file': 'x',"
			     " 'hosts': ['root@a', {'ip': 'b', 'port': 22, 'price_per_hour': '1.25', 'gpus': 0, 'jump': {'ip': 'g2', 'user': 'u', 'port': 7}}, 'a']}}");
	struct pools p;
	struct err err = {0};
	assert_int_equal(pools_read(a, j, "f.yaml", false, &p, &err), 0);
	assert_int_equal(p.n, 2);
	assert_string_equal(p.hosts[0].name, "a");
	assert_string_equal(p.hosts[0].user, "root");
	assert_int_equal(p.hosts[0].port, 2222);
	assert_int_equal(p.hosts[0].price_uusd_h, 8500000);
	assert_string_equal(p.hosts[0].gpu_model, "MI300X");
	assert_int_equal(p.hosts[0].gpus, 8);
	assert_int_equal(p.hosts[0].max_leases, 3);
	assert_int_equal(p.hosts[1].port, 22);
	assert_int_equal(p.hosts[1].price_uusd_h, 1250000);
	assert_int_equal(p.hosts[1].gpus, 0);
	assert_int_equal(json_array_size(p.notes), 2);
	assert_non_null(strstr(json_string_value(json_array_get(p.notes, 0)), "did you mean 'identity_file'?"));
	assert_non_null(strstr(json_string_value(json_array_get(p.notes, 1)), "p.hosts[2]: listed a second time"));
	json_t *reach = pool_reach(&p.hosts[1]);
	assert_string_equal(json_str(json_obj(reach, "jump"), "host", ""), "g2");
	json_decref(reach);
	pools_clear(&p);
	json_decref(j);
	arena_destroy(a);
}

/* Who looks after nodes that are there already takes what can be understood. */
static void test_lenient(void **state)
{
	(void)state;
	struct arena *a = arena_create();
	json_t *j = rig_json("{'p': {'hosts': ['a', {'ip': 'b', 'port': 'x'}, 'c']}, 'q': 7, 'r': {'hosts': ['d']}}");
	struct pools p;
	struct err err = {0};
	assert_int_equal(pools_read(a, j, "f.yaml", false, &p, &err), -1);
	assert_int_equal(pools_read(a, j, "f.yaml", true, &p, &err), 0);
	assert_int_equal(p.n, 3);
	assert_int_equal(json_array_size(p.notes), 2);
	pools_clear(&p);
	json_decref(j);
	arena_destroy(a);
}

static void test_mistakes(void **state)
{
	(void)state;
	static const struct {
		const char *json, *said;
	} cases[] = {
	    {"[1]", "f.yaml: must be a map of pools"},
	    {"{'p': ['a']}", "f.yaml: p: must be a map with a list of hosts"},
	    {"{'p': {}}", "f.yaml: p.hosts: must be a list of hosts"},
	    {"{'p': {'hosts': 'a'}}", "f.yaml: p.hosts: must be a list of hosts"},
	    {"{'p': {'hosts': ['a', 3.5]}}", "f.yaml: p.hosts[1]: must be an address"},
	    {"{'p': {'hosts': [{'user': 'x'}]}}", "f.yaml: p.hosts[0]: has no ip"},
	    {"{'p': {'hosts': ['-oProxyCommand=x']}}", "f.yaml: p.hosts[0]: is no name"},
	    {"{'p': {'hosts': ['a/b']}}", "f.yaml: p.hosts[0]: is no name"},
	    {"{'p': {'hosts': [{'ip': 'a', 'port': 'x'}]}}", "f.yaml: p.hosts[0].port: must be a whole number from 1 to 65535"},
	    {"{'p': {'port': 0, 'hosts': ['a']}}", "f.yaml: p.port: must be a whole number"},
	    {"{'p': {'user': ['x'], 'hosts': ['a']}}", "f.yaml: p.user: must be a text"},
	    {"{'p': {'gpus': 'H100:x', 'hosts': ['a']}}", "f.yaml: p.gpus: must be a number, or MODEL:NUMBER"},
	    {"{'p': {'price_per_hour': -1, 'hosts': ['a']}}", "f.yaml: p.price_per_hour must be a number"},
	    {"{'p': {'jump': 3, 'hosts': ['a']}}", "f.yaml: p.jump: must be a host"},
	    {"{'a b': {'hosts': ['a']}}", "f.yaml: 'a b': is no name for a pool"},
	    {"{'a/b': {'hosts': ['a']}}", "f.yaml: 'a/b': is no name for a pool"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_create();
		json_t *j = rig_json("%s", cases[i].json);
		struct pools p;
		struct err err = {0};
		assert_int_equal(pools_read(a, j, "f.yaml", false, &p, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		if (!str_starts(err.text, cases[i].said))
			fail_msg("%s: %s, not %s", cases[i].json, err.text, cases[i].said);
		json_decref(j);
		arena_destroy(a);
	}
}

/* --- sizes ---------------------------------------------------------------------------------------------------------*/

static void test_shape_names(void **state)
{
	(void)state;
	static const struct shape shapes[] = {{"", 0, 8, 32768}, {"", 0, 1, 512}, {"", 0, 2, 0}, {"H100", 4000, 48, 921600}, {"A100-80GB", 500, 6, 20480},
	    {"RTX6000-Ada", 1000, 0, 0}, {"T4", 100, 1, 1792}};
	static const char *const names[] = {"8cpu-32gb", "1cpu-512mb", "2cpu", "4xH100-48cpu-900gb", "0.5xA100-80GB-6cpu-20gb",
	    "1xRTX6000-Ada-0cpu", "0.1xT4-1cpu-1792mb"};
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		char name[SHAPE_NAME_MAX];
		struct shape s;
		shape_name(&shapes[i], name);
		assert_string_equal(name, names[i]);
		assert_true(shape_parse(name, &s));
		assert_string_equal(s.model, shapes[i].model);
		assert_int_equal(s.gpu_milli, shapes[i].gpu_milli);
		assert_int_equal(s.cpus, shapes[i].cpus);
		assert_int_equal(s.mem_mib, shapes[i].mem_mib);
	}
	static const char *const nonsense[] = {"", "cpu", "8", "8cpux", "p5.48xlarge", "0cpu", "-8cpu", "xH100-8cpu", "0xH100-8cpu", "1.5xH100-8cpu", "4x-8cpu-1gb",
	    "8cpu-32gb-", "no-such-type", "99999999999999999999cpu"};
	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
		struct shape s;
		if (shape_parse(nonsense[i], &s))
			fail_msg("%s is taken for a size", nonsense[i]);
	}
}

static void test_shapes(void **state)
{
	(void)state;
	struct shape list[SHAPES_MAX];
	struct shape_host h = {.cpus = 96, .mem_mib = 1800 * 1024, .model = {"H100"}, .count = {6}, .n_models = 1, .gpus = 6};
	static const char *const names[] = {"1cpu-18gb", "2cpu-37gb", "4cpu-75gb", "8cpu-150gb", "16cpu-300gb", "32cpu-600gb", "64cpu-1200gb", "96cpu-1800gb",
	    "0.1xH100-1cpu-30gb", "0.25xH100-4cpu-75gb", "0.5xH100-8cpu-150gb", "1xH100-16cpu-300gb", "2xH100-32cpu-600gb", "4xH100-64cpu-1200gb", "6xH100-96cpu-1800gb"};
	size_t n = shapes_of(&h, list);
	assert_int_equal(n, ARRAY_LEN(names));
	for (size_t i = 0; i < n; i++) {
		char name[SHAPE_NAME_MAX];
		shape_name(&list[i], name);
		assert_string_equal(name, names[i]);
	}
	assert_int_equal(shape_price(&list[11], &h, 12000000), 2000000);
	assert_int_equal(shape_price(&list[10], &h, 12000000), 1000000);
	assert_int_equal(shape_price(&list[0], &h, 9600000), 100000);
	struct shape_host blind = {.cpus = 0};
	assert_int_equal(shapes_of(&blind, list), 0);
}

/* --- choosing hosts ------------------------------------------------------------------------------------------------*/

static struct host made_host(const struct pool_host *spec, int64_t cpus, int64_t gpus, int64_t free_cpus, int64_t free_gpus)
{
	struct host h = {.spec = spec, .free_cpus = free_cpus, .free_mem_mib = free_cpus * 1024};
	h.size = (struct shape_host){.cpus = cpus, .mem_mib = cpus * 1024, .model = {"T4"}, .count = {gpus}, .n_models = gpus > 0, .gpus = gpus};
	h.n_gpus = (size_t)gpus;
	for (int64_t i = 0; i < gpus; i++)
		h.gpus[i] = (struct host_gpu){i, 15360, i < free_gpus ? 1000 : 0, "T4"};
	return h;
}

static void test_best_fit(void **state)
{
	(void)state;
	struct pool_host plain = {.pool = "p", .name = "x", .max_leases = -1}, dear = {.pool = "p", .name = "y", .max_leases = -1, .price_uusd_h = 1000000};
	struct host h[4] = {made_host(&plain, 32, 4, 32, 4), made_host(&plain, 16, 0, 16, 0), made_host(&plain, 8, 0, 5, 0), made_host(&dear, 4, 0, 4, 0)};
	bool taken[4] = {false};
	struct shape cpu4 = {"", 0, 4, 4096}, gpu1 = {"T4", 1000, 1, 1024}, half = {"t4", 500, 1, 1024}, large = {"", 0, 33, 0};
	assert_int_equal(place_one(h, 4, taken, &cpu4), 2); /* the fullest, no GPU wasted, no money spent */
	taken[2] = true;
	assert_int_equal(place_one(h, 4, taken, &cpu4), 1);
	taken[1] = true;
	assert_int_equal(place_one(h, 4, taken, &cpu4), 0);
	taken[0] = true;
	assert_int_equal(place_one(h, 4, taken, &cpu4), 3);
	assert_int_equal(place_count(h, 4, taken, &cpu4), 1);
	taken[0] = false;
	assert_int_equal(place_one(h, 4, taken, &gpu1), 0);
	assert_int_equal(place_one(h, 4, taken, &large), -1);
	for (int i = 0; i < 4; i++)
		h[0].gpus[i].free_milli = i ? 0 : 500;
	assert_int_equal(place_one(h, 4, taken, &gpu1), -1);
	assert_int_equal(place_one(h, 4, taken, &half), 0);
	h[0].why = "it is down";
	assert_int_equal(place_one(h, 4, taken, &half), -1);
	plain.max_leases = 1;
	h[0].why = NULL;
	h[0].n_leases = 1;
	assert_int_equal(place_one(h, 4, taken, &half), -1);
}

/* --- what hosts say ------------------------------------------------------------------------------------------------*/

static void test_answers(void **state)
{
	(void)state;
	static const struct {
		struct provider_ssh_reply r;
		enum err_code code;
		const char *said;
	} cases[] = {
	    {{.code = ERR_NETWORK, .err_text = "connection refused"}, ERR_NETWORK, "p/h: connection refused"},
	    {{.code = ERR_CREDENTIALS, .err_text = "no key is accepted"}, ERR_CREDENTIALS, "ssh-copy-id -p 2222 ann@h"},
	    {{.out = "{\"error\":{\"code\":\"no_resource\",\"message\":\"2 CPUs \\u001b[31masked\"}}\n", .status = 1}, ERR_CAPACITY, "p/h: 2 CPUs"},
	    {{.out = "{\"error\":{\"code\":\"io\",\"message\":\"No space left\"}}\n", .status = 1}, ERR_IO, "p/h: No space left"},
	    {{.out = "", .status = 127, .complaint = "sh: not found"}, ERR_IO, "p/h: the script there ended with status 127: sh: not found"},
	    {{.out = "hello\n", .status = 0}, ERR_PROTOCOL, "p/h: its answer was cut, or is none: hello"},
	    {{.out = "{\"type\":\"host\",\"now\":1}\n{\"type\":\"le", .status = 0}, ERR_PROTOCOL, "p/h: its answer was cut"},
	    {{.out = "{\"type\":\"host\",\"now\":1}\n{\"type\":\"end\"}\n", .status = 0}, ERR_NONE, NULL},
	    {{.out = "noise\n{\"broken\n\n{\"type\":\"host\"}\n{\"type\":\"lease\"}\n{\"type\":\"end\"}\nmore noise", .status = 0}, ERR_NONE, NULL},
	};
	struct pool_host spec = {.pool = "p", .name = "h", .user = "ann", .port = 2222, .password = true};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_create();
		struct err err = {0};
		json_t *r = host_read(a, &spec, &cases[i].r);
		bool bad = host_error(r, &err);
		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(bad, cases[i].code != ERR_NONE);
		if (bad && (!strstr(err.text, cases[i].said) || strchr(err.text, 27)))
			fail_msg("%s, not %s", err.text, cases[i].said);
		assert_int_equal(json_array_size(json_arr(r, "leases")), 0);
		assert_int_equal(host_asked(r), cases[i].r.code == ERR_NONE);
		json_decref(r);
		arena_destroy(a);
	}
}

/* --- whole calls against hosts that are folders here ----------------------------------------------------------------*/

static const char *const hosts[] = {"h1", "h2", "h3", "h4", NULL};
static const char settings[] = "{'lab': {'gpus': 0, 'hosts': ['h1', 'h2', 'h3', 'h4']}}";

static struct conformance_subject subject = {.provider = &provider_ssh, .settings = settings, .hosts = hosts, .slow = true};

static int set_up(void **state)
{
	struct rig *r = xcalloc(1, sizeof *r);
	rig_open(r, &provider_ssh);
	rig_settings(r, settings);
	for (size_t i = 0; hosts[i]; i++)
		rig_host(r, hosts[i], true);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;
	unsetenv("RIG_PATH");
	rig_close(r);
	free(r);
	return 0;
}

static json_t *args_for(const char *cluster, const char *type, int n)
{
	json_t *args = rig_json("{'cluster': '%s', 'name': '%s', 'instance_type': '%s', 'region': 'lab', 'tags': {'user': 'ann'}}", cluster, cluster, type);
	json_t *nodes = json_array();
	for (int i = 0; i < n; i++)
		json_array_append_new(nodes, rig_json("{'token': '%s-%d', 'rank': %d}", cluster, i, i));
	json_object_set_new(args, "nodes", nodes);
	return args;
}

static const char *text_of(const json_t *reply, size_t i, const char *key)
{
	return json_str(json_array_get(json_arr(reply, "nodes"), i), key, "");
}

static void end(struct rig *r, const char *cluster)
{
	json_t *t = rig_do(r, PROVIDER_TERMINATE, rig_json("{'cluster': '%s'}", cluster));
	assert_int_equal(json_int(t, "pending", 0), 0);
	json_decref(t);
}

static void test_no_file(void **state)
{
	struct rig *r = *state;
	json_decref(r->settings);
	r->settings = NULL;
	json_t *c = rig_do(r, PROVIDER_CHECK, json_object());
	assert_false(json_bool(c, "enabled", true));
	assert_non_null(strstr(json_str(c, "reason", ""), "skytop ssh-pool add"));
	json_decref(c);
	rig_fails(r, PROVIDER_OFFERS, json_object(), ERR_CREDENTIALS, NULL);
	c = rig_do(r, PROVIDER_QUERY, json_object());
	assert_int_equal(json_array_size(json_arr(c, "nodes")), 0);
	json_decref(c);
}

static void test_nobody_answers(void **state)
{
	struct rig *r = *state;
	for (size_t i = 0; hosts[i]; i++)
		rig_host(r, hosts[i], false);
	char *text;
	rig_fails(r, PROVIDER_OFFERS, json_object(), ERR_CAPACITY, &text);
	assert_non_null(strstr(text, "lab/h1: no route to host; lab/h2: no route to host"));
	free(text);
	json_t *c = rig_do(r, PROVIDER_CHECK, json_object());
	assert_false(json_bool(c, "enabled", true));
	json_decref(c);
}

static void test_dead_host_drops_out(void **state)
{
	struct rig *r = *state;
	rig_host(r, "h2", false);
	json_t *c = rig_do(r, PROVIDER_CHECK, json_object());
	assert_string_equal(json_str(c, "identity", ""), "1 pool, 3 of 4 hosts answer");
	assert_string_equal(json_str(c, "reason", ""), "lab/h2: no route to host");
	assert_false(json_bool(json_array_get(json_arr(c, "hosts"), 1), "answers", true));
	json_decref(c);
	c = rig_do(r, PROVIDER_CREATE, args_for("c", "1cpu", 3));
	for (size_t i = 0; i < 3; i++)
		assert_null(strstr(text_of(c, i, "id"), "/h2/"));
	json_decref(c);
	char *text;
	/* One that answered when offers were asked for may soon be back; one that did not is not waited for. */
	json_t *o = rig_do(r, PROVIDER_OFFERS, json_object()), *args = args_for("d", "1cpu", 4);
	rig_fails(r, PROVIDER_CREATE, json_deep_copy(args), ERR_NETWORK, NULL);
	json_object_set(args, "silent", json_arr(o, "silent"));
	rig_fails(r, PROVIDER_CREATE, args, ERR_CAPACITY, &text);
	json_decref(o);
	assert_non_null(strstr(text, "lab/h2: no route to host"));
	free(text);
	rig_host(r, "h2", true);
	c = rig_do(r, PROVIDER_CREATE, args_for("d", "1cpu", 4));
	json_decref(c);
	end(r, "c");
	end(r, "d");
}

/* A node on a host that is silent is neither gone nor ended. */
static void test_silence_is_not_absence(void **state)
{
	struct rig *r = *state;
	json_t *made = rig_do(r, PROVIDER_CREATE, args_for("c", "1cpu", 2)), *q;
	const char *a = text_of(made, 0, "id"), *b = text_of(made, 1, "id");
	char host[10];
	snprintf(host, sizeof host, "%.2s", a + 4);
	rig_host(r, host, false);
	q = rig_do(r, PROVIDER_QUERY, rig_json("{'cluster': 'c', 'ids': ['%s', '%s']}", a, b));
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 2);
	assert_string_equal(text_of(q, 0, "status"), "RUNNING");
	assert_string_equal(text_of(q, 1, "status"), "UNKNOWN");
	assert_string_equal(text_of(q, 1, "id"), a);
	assert_non_null(strstr(text_of(q, 1, "reason"), "no route to host"));
	json_decref(q);
	rig_fails(r, PROVIDER_QUERY, rig_json("{'cluster': 'c'}"), ERR_NETWORK, NULL);
	rig_fails(r, PROVIDER_STOP, rig_json("{'cluster': 'c', 'ids': ['%s', '%s']}", a, b), ERR_NETWORK, NULL);
	q = rig_do(r, PROVIDER_TERMINATE, rig_json("{'cluster': 'c', 'ids': ['%s', '%s']}", a, b));
	assert_int_equal(json_int(q, "pending", 0), 1);
	assert_non_null(strstr(json_str(q, "waiting", ""), "no route to host"));
	json_decref(q);
	rig_host(r, host, true);
	q = rig_do(r, PROVIDER_TERMINATE, rig_json("{'cluster': 'c', 'ids': ['%s', '%s']}", a, b));
	assert_int_equal(json_int(q, "pending", 0), 0);
	json_decref(q);
	q = rig_do(r, PROVIDER_QUERY, rig_json("{'cluster': 'c', 'ids': ['%s', '%s']}", a, b));
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 0);
	json_decref(q);
	json_decref(made);
}

/* The way out for a host that is gone for good: it is taken out of the file. */
static void test_forgotten_host(void **state)
{
	struct rig *r = *state;
	json_t *made = rig_do(r, PROVIDER_CREATE, args_for("c", "1cpu", 1)), *q;
	const char *id = text_of(made, 0, "id");
	rig_settings(r, "{'lab': {'hosts': ['h9']}}");
	q = rig_do(r, PROVIDER_QUERY, rig_json("{'cluster': 'c', 'ids': ['%s']}", id));
	assert_string_equal(text_of(q, 0, "status"), "UNKNOWN");
	assert_non_null(strstr(text_of(q, 0, "reason"), "is not in pools.yaml any more"));
	json_decref(q);
	q = rig_do(r, PROVIDER_TERMINATE, rig_json("{'cluster': 'c', 'ids': ['%s']}", id));
	assert_int_equal(json_int(q, "pending", 0), 0);
	json_decref(q);
	/* A file that is not there, or cannot be read, says nothing of the kind. */
	json_decref(r->settings);
	r->settings = NULL;
	q = rig_do(r, PROVIDER_QUERY, rig_json("{'cluster': 'c', 'ids': ['%s']}", id));
	assert_string_equal(text_of(q, 0, "status"), "UNKNOWN");
	json_decref(q);
	q = rig_do(r, PROVIDER_TERMINATE, rig_json("{'cluster': 'c', 'ids': ['%s']}", id));
	assert_int_equal(json_int(q, "pending", 0), 1);
	assert_non_null(strstr(json_str(q, "waiting", ""), "lab/h"));
	json_decref(q);
	json_decref(made);
	rig_settings(r, settings);
	end(r, "c");
}

/* A machine with GPUs, of which nvidia-smi tells. */
static void with_gpus(struct rig *r)
{
	char *bin = path_join(r->top, "bin"), *smi = path_join(bin, "nvidia-smi"), *path = xasprintf("%s:%s", bin, getenv("PATH"));
	static const char script[] = "#!/bin/sh\nfor i in 0 1 2 3; do echo \"$i, NVIDIA H100 80GB HBM3, 81559\"; done\n";
	assert_int_equal(mkdir(bin, 0700), 0);
	assert_int_equal(fs_write(smi, script, strlen(script), 0700, NULL), 0);
	setenv("RIG_PATH", path, 1);
	free(path);
	free(smi);
	free(bin);
	rig_settings(r, "{'lab': {'price_per_hour': 8, 'hosts': ['h1', {'ip': 'h2', 'price_per_hour': 4}]}}");
}

static const json_t *offer_like(const json_t *offers, const char *start)
{
	size_t i;
	json_t *o;
	json_array_foreach(json_arr(offers, "offers"), i, o)
		if (str_starts(json_str(o, "instance_type", ""), start))
			return o;
	fail_msg("no offer begins with %s", start);
	return NULL;
}

static void test_gpus(void **state)
{
	struct rig *r = *state;
	with_gpus(r);
	json_t *o = rig_do(r, PROVIDER_OFFERS, json_object());
	const json_t *four = offer_like(o, "4xH100-"), *half = offer_like(o, "0.5xH100-");
	assert_int_equal(json_int(four, "price_uusd_h", 0), 4000000); /* the cheaper host's */
	assert_int_equal(json_int(half, "price_uusd_h", 0), 500000);
	assert_int_equal(json_int(four, "gpu_mem_mib", 0), 81559);
	assert_string_equal(json_str(four, "available", ""), "yes");
	assert_string_equal(json_str(four, "accelerator", ""), "H100");
	/* Of CPUs no more than a machine for tests has. */
	json_t *a = rig_do(r, PROVIDER_CREATE, args_for("a", "3xH100-0cpu", 1)), *b = rig_do(r, PROVIDER_CREATE, args_for("b", "0.5xH100-0cpu", 1));
	json_t *c = rig_do(r, PROVIDER_CREATE, args_for("c", "0.5xH100-0cpu", 1)), *d = rig_do(r, PROVIDER_CREATE, args_for("d", "2xH100-0cpu", 1));
	static const char *const want[] = {"0,1,2", "3", "3", "0,1"};
	json_t *all[] = {a, b, c, d};
	for (size_t i = 0; i < 4; i++) {
		const json_t *reach = json_obj(json_array_get(json_arr(all[i], "nodes"), 0), "reach");
		assert_string_equal(json_str(json_obj(reach, "env"), "SKYTOP_GPU_INDICES", ""), want[i]);
		assert_non_null(strstr(text_of(all[i], 0, "id"), i < 3 ? "/h2/" : "/h1/"));
	}
	rig_fails(r, PROVIDER_CREATE, args_for("e", "3xH100-0cpu", 1), ERR_CAPACITY, NULL);
	json_t *again = rig_do(r, PROVIDER_OFFERS, json_object());
	assert_string_equal(json_str(offer_like(again, "4xH100-"), "available", ""), "no");
	assert_string_equal(json_str(offer_like(again, "0.5xH100-"), "available", ""), "yes");
	for (size_t i = 0; i < 4; i++) {
		static const char *const names[] = {"a", "b", "c", "d"};
		end(r, names[i]);
		json_decref(all[i]);
	}
	json_decref(o);
	json_decref(again);
}

/* A host that refuses, or goes away between the look and the lease, is replaced by another. */
static void test_replaced(void **state)
{
	struct rig *r = *state;
	rig_settings(r, "{'lab': {'gpus': 0, 'hosts': ['h1', {'ip': 'h2', 'price_per_hour': 1}]}}");
	setenv("RIG_FULL", "h1", 1); /* nothing can be leased there, though a probe finds nothing wrong */
	json_t *made = rig_do(r, PROVIDER_CREATE, args_for("c", "1cpu", 1));
	assert_non_null(strstr(text_of(made, 0, "id"), "lab/h2/"));
	char *text;
	rig_fails(r, PROVIDER_CREATE, args_for("d", "1cpu", 2), ERR_CAPACITY, &text);
	assert_non_null(strstr(text, "lab/h1: the script there ended with status 1: cat: write error: No space left on device"));
	free(text);
	end(r, "c");
	end(r, "d");
	json_decref(made);
	unsetenv("RIG_FULL");
}

/* A look at offers spares create its own, once: what has changed since is found out by the lease, and a create that is repeated looks. */
static void test_just_looked(void **state)
{
	struct rig *r = *state;
	rig_settings(r, "{'lab': {'gpus': 0, 'hosts': ['h1', {'ip': 'h2', 'price_per_hour': 1}]}}");
	json_decref(rig_do(r, PROVIDER_OFFERS, json_object()));
	assert_non_null(json_obj(r->memory, "seen"));
	setenv("RIG_FULL", "h1", 1);
	json_t *made = rig_do(r, PROVIDER_CREATE, args_for("c", "1cpu", 1));
	unsetenv("RIG_FULL");
	assert_non_null(strstr(text_of(made, 0, "id"), "lab/h2/"));
	assert_null(json_obj(r->memory, "seen"));
	json_t *again = rig_do(r, PROVIDER_CREATE, args_for("c", "1cpu", 1));
	assert_string_equal(text_of(again, 0, "id"), text_of(made, 0, "id"));
	json_decref(again);
	/* Also when the look is newer than the lease; and not one that is old. */
	json_decref(rig_do(r, PROVIDER_OFFERS, json_object()));
	again = rig_do(r, PROVIDER_CREATE, args_for("c", "1cpu", 1));
	assert_string_equal(text_of(again, 0, "id"), text_of(made, 0, "id"));
	json_decref(again);
	json_object_set_new(r->memory, "seen", json_pack("{s:I, s:{s:{}, s:{}}}", "at", (json_int_t)(wall_now_ms() - 60000), "hosts", "lab/h1", "lab/h2"));
	again = rig_do(r, PROVIDER_CREATE, args_for("c", "1cpu", 1));
	assert_string_equal(text_of(again, 0, "id"), text_of(made, 0, "id"));
	json_decref(again);
	end(r, "c");
	json_decref(made);
}

/* Another engine's leases on the same hosts are not ours to take in, and take their room. */
static void test_others_leases(void **state)
{
	struct rig *r = *state;
	json_t *made = rig_do(r, PROVIDER_CREATE, args_for("c", "1cpu", 1));
	struct rig other = *r;
	char *hosts_dir = path_join(r->state_dir, "hosts"), *link;
	other.state_dir = path_join(r->top, "other");
	assert_int_equal(mkdir(other.state_dir, 0700), 0);
	link = path_join(other.state_dir, "hosts");
	assert_int_equal(symlink(hosts_dir, link), 0);
	json_t *q = rig_do(&other, PROVIDER_QUERY, json_object());
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 0);
	json_decref(q);
	q = rig_do(&other, PROVIDER_CHECK, json_object());
	size_t i, seen = 0;
	json_t *h;
	json_array_foreach(json_arr(q, "hosts"), i, h) {
		const json_t *l = json_array_get(json_arr(h, "leases"), 0);
		if (!l)
			continue;
		seen++;
		assert_string_equal(json_str(l, "cluster", ""), "c");
		assert_string_equal(json_str(l, "user", ""), "ann");
		assert_false(json_bool(l, "ours", true));
		assert_true(json_int(h, "free_cpus", 0) < json_int(h, "cpus", 0));
	}
	assert_int_equal(seen, 1);
	json_decref(q);
	json_decref(made);
	end(r, "c");
	free(link);
	free(hosts_dir);
	free(other.state_dir);
}

/* What create asks for must be among the offers: how large that is depends on the machine. */
static char *create_members(void)
{
	struct rig r;
	rig_open(&r, &provider_ssh);
	rig_settings(&r, settings);
	rig_host(&r, hosts[0], true);
	json_t *o = rig_do(&r, PROVIDER_OFFERS, json_object());
	char *out = xasprintf("'instance_type': '%s', 'region': 'lab', 'zone': '', 'use_spot': false",
	    json_str(json_array_get(json_arr(o, "offers"), 0), "instance_type", "?"));
	json_decref(o);
	rig_close(&r);
	return out;
}

/* A lease is made and nothing is heard of it: another host takes the token, the caller is told, and both can be told apart and ended. */
static void test_lost_answer(void **state)
{
	struct rig *r = *state;
	setenv("RIG_LOST", "h1", 1);
	json_t *c = rig_do(r, PROVIDER_CREATE, args_for("c1", "1cpu-1gb", 1));
	unsetenv("RIG_LOST");
	char *id = xstrdup(text_of(c, 0, "id"));
	assert_true(str_starts(id, "lab/h2/"));
	assert_true(json_bool(c, "unsure", false));
	json_decref(c);
	c = rig_do(r, PROVIDER_CREATE, args_for("c2", "1cpu-1gb", 1));
	assert_null(json_object_get(c, "unsure"));
	json_decref(c);
	json_t *q = rig_do(r, PROVIDER_QUERY, rig_json("{'cluster': 'c1', 'ids': ['%s', 'lab/h1/x']}", id)), *both = json_arr(q, "doubles");
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 1);
	assert_string_equal(text_of(q, 0, "id"), id);
	assert_int_equal(json_array_size(both), 1);
	assert_true(str_starts(json_str(json_array_get(both, 0), "id", ""), "lab/h1/"));
	char *other = xstrdup(json_str(json_array_get(both, 0), "id", ""));
	json_decref(q);
	json_decref(rig_do(r, PROVIDER_TERMINATE, rig_json("{'ids': ['%s']}", other)));
	q = rig_do(r, PROVIDER_QUERY, json_object());
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 2);
	assert_null(json_object_get(q, "doubles"));
	json_decref(q);
	free(other);
	free(id);
	end(r, "c1");
	setenv("RIG_LOST", "h1", 1); /* the end of a cluster is that of both */
	json_decref(rig_do(r, PROVIDER_CREATE, args_for("c3", "1cpu-1gb", 1)));
	unsetenv("RIG_LOST");
	end(r, "c3");
	end(r, "c2");
	q = rig_do(r, PROVIDER_QUERY, json_object());
	assert_int_equal(json_array_size(json_arr(q, "nodes")), 0);
	json_decref(q);
}

/* The script did not arrive whole, as the connection broke: it does nothing, and nothing stays. */
static void test_cut_script(void **state)
{
	struct rig *r = *state;
	struct arena *a = arena_create();
	char *home = xasprintf("%s/hosts/h1", r->state_dir);
	const char *words[] = {"lease", "ssh-a-b", "me", "1", "1", "0", "-", "-", "{}", NULL}, *command = host_command(a, words, true);
	const size_t lens[] = {0, 1, strlen(ssh_host_script) / 2, strlen(ssh_host_script) - 20};
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		int in[2];
		assert_int_equal(pipe(in), 0);
		pid_t pid = fork();
		if (!pid) {
			dup2(in[0], 0);
			close(in[0]);
			close(in[1]);
			setenv("HOME", home, 1);
			execl("/bin/sh", "sh", "-c", command, (char *)NULL);
			_exit(99);
		}
		close(in[0]);
		for (size_t n = 0; n < lens[i];)
			n += (size_t)write(in[1], ssh_host_script + n, lens[i] - n);
		close(in[1]);
		int status = 0;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
		assert_int_equal(rig_count_files(home), 0);
	}
	free(home);
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest own[] = {
	    cmocka_unit_test(test_skypilots_file),
	    cmocka_unit_test(test_our_keys),
	    cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_lenient),
	    cmocka_unit_test(test_shape_names),
	    cmocka_unit_test(test_shapes),
	    cmocka_unit_test(test_best_fit),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test_setup_teardown(test_no_file, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_nobody_answers, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_dead_host_drops_out, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_silence_is_not_absence, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_forgotten_host, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_lost_answer, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_cut_script, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_gpus, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_replaced, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_just_looked, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_others_leases, set_up, tear_down),
	};
	struct CMUnitTest tests[CONFORMANCE_MAX + ARRAY_LEN(own)];
	memcpy(tests, own, sizeof own);
	char *create = create_members();
	subject.create = create;
	size_t n = ARRAY_LEN(own) + conformance_list(&subject, tests + ARRAY_LEN(own));
	int rc = _cmocka_run_group_tests("ssh", tests, n, NULL, NULL);
	free(create);
	return rc;
}
