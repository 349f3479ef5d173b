/* The conformance list. Each check begins with an empty cloud and ends with one: no node, no process, no file is left.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tests/providers/conformance.h"
#include "tests/providers/rig.h"

struct trial {
	struct rig rig;
	const struct conformance_subject *subject;
};

/* --- helpers
 * --------------------------------------------------------------------------------------------------------*/

/* cmocka's skip() counts as a failure in its TAP. */
static void not_tried(void)
{
	print_message("# not tried: this provider, or this machine, cannot do it\n");
}

/* Cuts are made at every point of a call, or at some only: there are many, and `make check` is to be quick. */
static long every(long few)
{
	return getenv("SKYTOP_TORTURE") ? 1 : few;
}

/* Some of the same is left out. */
static bool hurried(const struct trial *t)
{
	return t->subject->slow && every(2) > 1;
}

/* A look is a process, or several on each host. */
static void between_looks(const struct trial *t)
{
	usleep(t->subject->slow ? 60000 : 10000);
}

static bool can_cut(const struct trial *t)
{
	return !t->subject->slow && !t->subject->elsewhere && rig_can_trace();
}

/* CREATE's arguments: nodes with tokens PREFIX0, PREFIX1… */
static json_t *create_args(const struct trial *t, const char *cluster, const char *prefix, int n)
{
	json_t *args =
	    rig_json("{'cluster': '%s', 'name': 'name of %s', 'tags': {'skytop-cluster': '%s', 'k': 'v v'}, %s}",
		cluster, cluster, cluster, t->subject->create);
	json_t *nodes = json_array();
	for (int i = 0; i < n; i++)
		json_array_append_new(nodes, rig_json("{'token': '%s%d', 'rank': %d}", prefix, i, i));
	json_object_set_new(args, "nodes", nodes);
	return args;
}

static json_t *create(struct trial *t, const char *cluster, int n)
{
	return rig_do(&t->rig, PROVIDER_CREATE, create_args(t, cluster, "tok-", n));
}

static json_t *of_cluster(const char *cluster)
{
	return rig_json("{'cluster': '%s'}", cluster);
}

static json_t *query(struct trial *t, const char *cluster)
{
	return rig_do(&t->rig, PROVIDER_QUERY, cluster ? of_cluster(cluster) : json_object());
}

static size_t count(struct trial *t, const char *cluster)
{
	json_t *r = query(t, cluster);
	size_t n = json_array_size(json_arr(r, "nodes"));
	json_decref(r);
	return n;
}

static const json_t *node(const json_t *reply, size_t i)
{
	const json_t *n = json_array_get(json_arr(reply, "nodes"), i);
	assert_non_null(n);
	return n;
}

static char *mark_of(const json_t *n)
{
	return xasprintf("SKYTOP_NODE_ID=%s", json_str(json_obj(json_obj(n, "reach"), "env"), "SKYTOP_NODE_ID", "?"));
}

static char *id_of(const json_t *reply, size_t i)
{
	return xstrdup(json_str(node(reply, i), "id", ""));
}

/* Until gone: a cloud may need a while. */
static void terminate(struct trial *t, json_t *args)
{
	for (int i = 0; i < 2000; i++) {
		json_t *r = rig_do(&t->rig, PROVIDER_TERMINATE, json_incref(args));
		int64_t pending = json_int(r, "pending", 0);
		json_decref(r);
		if (!pending) {
			json_decref(args);
			return;
		}
		between_looks(t);
	}
	fail_msg("nodes are still there after many a terminate");
}

/* Until all nodes of a cluster have a status. The reply; new reference. */
static json_t *settle(struct trial *t, const char *cluster, const char *status)
{
	for (int i = 0; i < 2000; i++) {
		json_t *r = query(t, cluster);
		size_t k = 0, n = json_array_size(json_arr(r, "nodes"));
		for (size_t j = 0; j < n; j++)
			k += str_eq(json_str(node(r, j), "status", ""), status);
		if (n && k == n)
			return r;
		json_decref(r);
		between_looks(t);
	}
	fail_msg("cluster %s does not become %s", cluster, status);
	return NULL;
}

static json_t *up(struct trial *t, const char *cluster, int n)
{
	json_decref(create(t, cluster, n));
	return settle(t, cluster, "RUNNING");
}

/* --- checks
 * ---------------------------------------------------------------------------------------------------------*/

static void check_enabled(void **state)
{
	struct trial *t = *state;
	json_t *r = rig_do(&t->rig, PROVIDER_CHECK, json_object());
	assert_true(json_bool(r, "enabled", false));
	assert_non_null(json_str(r, "identity", NULL));
	json_decref(r);
}

/* What create takes must be among what is offered, with a price that is known. */
static void check_offers(void **state)
{
	struct trial *t = *state;
	json_t *ask = t->subject->elsewhere ? rig_json("{'catalog': true}") : json_object();
	json_t *r = rig_do(&t->rig, PROVIDER_OFFERS, ask), *want = create_args(t, "c", "t", 1);
	assert_true(json_str(r, "source", "")[0]);
	size_t i, found = 0;
	json_t *o;
	json_array_foreach(json_arr(r, "offers"), i, o)
	{
		assert_true(json_int(o, "vcpus", 0) > 0);
		assert_true(json_int(o, "mem_mib", 0) > 0);
		assert_true((json_number_value(json_object_get(o, "accelerator_count")) > 0) == (json_str(o, "accelerator", NULL) != NULL));
		assert_true(json_int(o, "price_uusd_h", -1) >= 0 || json_is_null(json_object_get(o, "price_uusd_h")));
		assert_non_null(strstr("yes low no unknown", json_str(o, "available", "?")));
		found += str_eq(json_str(o, "instance_type", ""), json_str(want, "instance_type", "?")) &&
			 str_eq(json_str(o, "region", ""), json_str(want, "region", "?"));
	}
	assert_true(found);
	json_decref(want);
	json_decref(r);
}

static void check_as_given(void **state)
{
	struct trial *t = *state;
	json_t *args = create_args(t, "c1", "tok-", 3);
	json_put_int(args, "price_uusd_h", 123456);
	json_t *made = rig_do(&t->rig, PROVIDER_CREATE, json_incref(args)), *seen = query(t, "c1");
	assert_int_equal(json_array_size(json_arr(made, "nodes")), 3);
	for (size_t i = 0; i < 3; i++) {
		const json_t *n = node(made, i), *q = node(seen, i), *wish = json_array_get(json_arr(args, "nodes"), i);
		assert_string_equal(json_str(n, "token", ""), json_str(wish, "token", "?"));
		assert_int_equal(json_int(n, "rank", -1), i);
		assert_string_equal(json_str(n, "cluster", ""), "c1");
		assert_string_equal(json_str(n, "name", ""), "name of c1");
		assert_int_equal(json_int(n, "price_uusd_h", -1), 123456);
		assert_true(json_equal(json_obj(n, "tags"), json_obj(args, "tags")));
		assert_string_equal(json_str(n, "instance_type", ""), json_str(args, "instance_type", "?"));
		assert_true(json_int(n, "created_at", 0) > INT64_C(1600000000000));
		static const char *const same[] = {
		    "id", "token", "rank", "tags", "created_at", "price_uusd_h", "region", "zone"};
		for (size_t k = 0; k < ARRAY_LEN(same); k++)
			assert_true(json_equal(json_object_get(n, same[k]), json_object_get(q, same[k])));
	}
	json_decref(args);
	json_decref(made);
	json_decref(seen);
	terminate(t, of_cluster("c1"));
}

static void check_create_twice(void **state)
{
	struct trial *t = *state;
	json_t *a = create(t, "c1", 2), *b = create(t, "c1", 2), *c = create(t, "c1", 4);
	assert_int_equal(count(t, "c1"), 4);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(json_str(node(a, i), "id", "a"), json_str(node(b, i), "id", "b"));
		assert_string_equal(json_str(node(a, i), "id", "a"), json_str(node(c, i), "id", "c"));
	}
	json_decref(a);
	json_decref(b);
	json_decref(c);
	terminate(t, of_cluster("c1"));
}

/* The same token in another cluster is another node. */
static void check_clusters_apart(void **state)
{
	struct trial *t = *state;
	json_t *a = create(t, "c1", 1), *b = create(t, "c2", 2);
	assert_string_not_equal(json_str(node(a, 0), "id", ""), json_str(node(b, 0), "id", ""));
	assert_int_equal(count(t, "c1"), 1);
	assert_int_equal(count(t, "c2"), 2);
	assert_int_equal(count(t, "c"), 0);
	assert_int_equal(count(t, NULL), 3);
	terminate(t, of_cluster("c1"));
	assert_int_equal(count(t, NULL), 2);
	terminate(t, rig_json("{'ids': ['%s']}", json_str(node(b, 0), "id", "")));
	assert_int_equal(count(t, "c2"), 1);
	terminate(t, rig_json("{'cluster': 'c2', 'ids': ['%s']}", json_str(node(b, 0), "id", "")));
	assert_int_equal(count(t, NULL), 0);
	json_decref(a);
	json_decref(b);
}

/* Names are data: they make no paths, and come back byte for byte. */
static void check_hostile_names(void **state)
{
	struct trial *t = *state;
	static const char *const names[] = {"../../escape", "/abs/olute", "a/b/c", ".", "..", "line\nbreak",
	    "tab\tand \x01", "%s%n", "\xc3\xa9\xe2\x82\xac", "-rf", "$(touch x)", "'; touch x; '", "\\", "\""};
	for (size_t i = 0; i < ARRAY_LEN(names); i += t->subject->slow ? (size_t)every(4) : 1) {
		json_t *args = create_args(t, "x", "t", 1);
		json_put_str(args, "cluster", names[i]);
		json_put_str(args, "name", names[i]);
		json_put_str(json_array_get(json_arr(args, "nodes"), 0), "token", names[i]);
		json_put_str(json_obj(args, "tags"), "k", names[i]);
		json_t *r = rig_do(&t->rig, PROVIDER_CREATE, args);
		assert_string_equal(json_str(node(r, 0), "cluster", ""), names[i]);
		assert_string_equal(json_str(node(r, 0), "token", ""), names[i]);
		json_decref(r);
		json_t *target = json_object();
		json_put_str(target, "cluster", names[i]);
		json_t *seen = rig_do(&t->rig, PROVIDER_QUERY, json_incref(target));
		assert_int_equal(json_array_size(json_arr(seen, "nodes")), 1);
		json_decref(seen);
		terminate(t, target);
	}
	/* Ids from outside reach nothing that is not a node. */
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		json_t *ids = json_object();
		json_object_set_new(ids, "ids", json_pack("[o, s]", json_foreign(names[i]), "../lock"));
		terminate(t, ids);
	}
	if (!t->subject->elsewhere)
		assert_int_equal(rig_count_files(t->rig.top), 1);
}

static void check_long_names(void **state)
{
	struct trial *t = *state;
	char name[2000];
	memset(name, 'n', sizeof name);
	name[256] = '\0';
	json_t *args = create_args(t, name, "t", 1);
	json_decref(rig_do(&t->rig, PROVIDER_CREATE, args));
	terminate(t, of_cluster(name));
	name[256] = 'n';
	name[sizeof name - 1] = '\0';
	rig_fails(&t->rig, PROVIDER_CREATE, create_args(t, name, "t", 1), ERR_INVALID, NULL);
}

static void check_bad_requests(void **state)
{
	struct trial *t = *state;
	struct {
		const char *key, *value;
	} bad[] = {{"nodes", "[]"}, {"nodes", "null"}, {"nodes", "{}"}, {"nodes", "[{}]"}, {"nodes", "['t']"},
	    {"nodes", "[{'token': ''}]"}, {"nodes", "[{'token': 7}]"}, {"nodes", "[{'token': 'a'}, {'token': 'a'}]"},
	    {"cluster", "''"}, {"cluster", "null"}, {"cluster", "['c']"}, {"instance_type", "'no-such-type'"},
	    {"region", "'no-such-region'"}};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		json_t *args = create_args(t, "c1", "t", 1);
		char *text = xstrdup(bad[i].value);
		for (char *p = text; *p; p++)
			*p = *p == '\'' ? '"' : *p;
		json_object_set_new(args, bad[i].key, json_parse(text, strlen(text), NULL));
		rig_fails(&t->rig, PROVIDER_CREATE, args, ERR_INVALID, NULL);
		free(text);
	}
	rig_fails(&t->rig, PROVIDER_TERMINATE, json_object(), ERR_INVALID, NULL);
	rig_fails(&t->rig, PROVIDER_STOP, json_object(), ERR_INVALID, NULL);
	rig_fails(&t->rig, PROVIDER_START, json_object(), ERR_INVALID, NULL);
	assert_int_equal(count(t, NULL), 0);
}

static void check_stop_start(void **state)
{
	struct trial *t = *state;
	if (!(t->rig.provider->can & PROVIDER_CAN_STOP)) {
		not_tried();
		return;
	}
	json_t *first = up(t, "c1", 2);
	char *id = id_of(first, 0),
	     *mark = xstrdup(json_str(json_obj(json_obj(node(first, 0), "reach"), "env"), "SKYTOP_BOOT_ID", ""));
	for (int i = 0; i < 2; i++)
		json_decref(rig_do(&t->rig, PROVIDER_STOP, of_cluster("c1")));
	json_t *down = settle(t, "c1", "STOPPED");
	assert_true(json_is_null(json_object_get(node(down, 0), "reach")));
	json_decref(down);
	for (int i = 0; i < 2; i++)
		json_decref(rig_do(&t->rig, PROVIDER_START, rig_json("{'cluster': 'c1', 'ids': ['%s']}", id)));
	json_t *mixed = query(t, "c1");
	assert_string_equal(json_str(node(mixed, 1), "status", ""), "STOPPED");
	json_decref(mixed);
	json_decref(rig_do(&t->rig, PROVIDER_START, of_cluster("c1")));
	json_t *again = settle(t, "c1", "RUNNING");
	assert_string_equal(json_str(node(again, 0), "id", ""), id);
	if (!t->subject->elsewhere)
		assert_string_not_equal(json_str(json_obj(json_obj(node(again, 0), "reach"), "env"), "SKYTOP_BOOT_ID", ""), mark);
	assert_string_equal(
	    json_str(json_obj(node(again, 0), "reach"), "home", "its own"), json_str(json_obj(node(first, 0), "reach"), "home", "its own"));
	free(id);
	free(mark);
	json_decref(first);
	json_decref(again);
	/* A stopped node can be created again: it is found. And it can be terminated. */
	json_decref(rig_do(&t->rig, PROVIDER_STOP, of_cluster("c1")));
	json_decref(settle(t, "c1", "STOPPED"));
	json_decref(create(t, "c1", 2));
	assert_int_equal(count(t, "c1"), 2);
	terminate(t, of_cluster("c1"));
}

static void check_unknown(void **state)
{
	struct trial *t = *state;
	terminate(t, of_cluster("never-created"));
	terminate(t, rig_json("{'ids': ['no-such-id', 'x-1']}"));
	json_t *r = rig_do(&t->rig, PROVIDER_STOP, rig_json("{'cluster': 'c', 'ids': ['no-such-id']}"));
	assert_int_equal(json_array_size(json_arr(r, "nodes")), 0);
	json_decref(r);
	rig_fails(&t->rig, PROVIDER_START, rig_json("{'cluster': 'c', 'ids': ['no-such-id']}"), ERR_NOT_FOUND, NULL);
	assert_int_equal(count(t, NULL), 0);
}

static void check_homes(void **state)
{
	struct trial *t = *state;
	json_t *r = up(t, "c1", 3);
	for (size_t i = 0; i < 3; i++) {
		const char *home = json_str(json_obj(node(r, i), "reach"), "home", "?");
		struct stat st;
		assert_int_equal(stat(home, &st), 0);
		assert_true(S_ISDIR(st.st_mode));
		assert_int_equal(st.st_mode & 0777, 0700);
		assert_true(str_starts(home, t->rig.state_dir));
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(home, json_str(json_obj(node(r, k), "reach"), "home", "?"));
#ifdef __linux__
			assert_string_not_equal(json_str(node(r, i), "ip", "?"), json_str(node(r, k), "ip", "?"));
#endif
		}
		assert_true(str_starts(json_str(node(r, i), "ip", "?"), "127."));
	}
	json_decref(r);
	terminate(t, of_cluster("c1"));
}

/* Links are removed, not followed; folders that forbid it are removed all the same. */
static void check_home_removed(void **state)
{
	struct trial *t = *state;
	json_t *r = up(t, "c1", 1);
	const char *home = json_str(json_obj(node(r, 0), "reach"), "home", "?");
	char *outside = path_join(t->rig.top, "outside"), *precious = path_join(outside, "precious");
	assert_int_equal(mkdir(outside, 0700) | fs_write(precious, "x", 1, 0600, NULL), 0);
	char *script = xasprintf(
	    "cd '%s' && ln -s '%s' link && mkdir -p ro/deep .hidden 'sp ace\n' && touch ro/f ro/deep/g .hidden/h &&"
	    " mkfifo ff && ln -s nowhere dangling && chmod 500 ro/deep ro && chmod 0 .hidden",
	    home, outside);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(99);
	}
	int status;
	assert_true(waitpid(pid, &status, 0) == pid && !status);
	free(script);
	terminate(t, of_cluster("c1"));
	assert_true(fs_exists(precious));
	assert_int_equal(fs_remove_tree(outside, NULL), 0);
	free(outside);
	free(precious);
	json_decref(r);
}

/* What a node's processes do to stay alive. */
static const char *const stubborn[] = {
    "touch ready; exec sleep 120",
    "trap '' TERM HUP INT; touch ready; while :; do sleep 0.2; done",
    "(sleep 120 & sleep 120 & touch ready) & wait",
    "setsid sh -c 'setsid sleep 120 & touch ready; exec sleep 120' & wait",
    "env -i sh -c 'touch ready; trap \"\" TERM; sleep 120 & wait' & wait",
    "f() { sleep 120 & f2; }; f2() { touch ready; sleep 120 & wait; }; trap 'f' TERM; f2; f2",
};

static void check_processes_end(void **state)
{
	struct trial *t = *state;
	bool can_stop = t->rig.provider->can & PROVIDER_CAN_STOP;
	for (int round = can_stop && !hurried(t) ? 0 : 1; round < 2; round++) {
		json_t *r = up(t, "c1", 2), *other = up(t, "c2", 1);
		char *mark = mark_of(node(r, 1));
		pid_t pids[ARRAY_LEN(stubborn)], bystander = rig_run_on(node(other, 0), stubborn[0]);
		for (size_t i = 0; i < ARRAY_LEN(stubborn); i++)
			pids[i] = rig_run_on(node(r, 1), stubborn[i]);
		assert_true(rig_marked(mark));
		if (round == 0) {
			json_decref(rig_do(&t->rig, PROVIDER_STOP, of_cluster("c1")));
			json_decref(settle(t, "c1", "STOPPED"));
		} else {
			terminate(t, of_cluster("c1"));
		}
		assert_false(rig_marked(mark));
		for (size_t i = 0; i < ARRAY_LEN(stubborn); i++)
			assert_false(rig_alive(pids[i]));
		assert_true(rig_alive(bystander));
		terminate(t, rig_json("{'cluster': 'c1'}"));
		terminate(t, rig_json("{'cluster': 'c2'}"));
		assert_false(rig_alive(bystander));
		json_decref(r);
		json_decref(other);
		free(mark);
	}
}

/* Start what notes its pid in the home, end the node, and look whether that process is gone. (Its folder, not kill(),
 * tells: a zombie has none.) */
static void end_unmarked(struct trial *t, const char *command, enum provider_verb verb)
{
	json_t *r = up(t, "c1", 1);
	const char *home = json_str(json_obj(node(r, 0), "reach"), "home", "?");
	pid_t pid = rig_run_on(node(r, 0), command);
	char *file = path_join(home, "pid");
	size_t len;
	char *text = fs_read(file, 32, &len, NULL), link[64], cwd[10];
	assert_non_null(text);
	snprintf(link, sizeof link, "/proc/%ld/cwd", strtol(text, NULL, 10));
	assert_true(readlink(link, cwd, sizeof cwd) > 0);
	if (verb == PROVIDER_STOP)
		json_decref(rig_do(&t->rig, PROVIDER_STOP, of_cluster("c1")));
	else
		terminate(t, of_cluster("c1"));
	assert_true(readlink(link, cwd, sizeof cwd) < 0);
	waitpid(pid, NULL, 0);
	terminate(t, of_cluster("c1"));
	free(text);
	free(file);
	json_decref(r);
}

/* Who cleared its environment is found by its parent or its session; who shed these too, by the home that is deleted.
 */
static void check_unmarked_process(void **state)
{
	struct trial *t = *state;
	static const char child[] = "env -i sh -c 'echo $$ >pid; touch ready; exec sleep 120' & wait",
			  member[] = "(env -i sh -c 'echo $$ >pid; touch ready; exec sleep 120' &) ; sleep 120",
			  stray[] = "(env -i setsid sh -c 'echo $$ >pid; touch ready; exec sleep 120' &) &";
	if (t->rig.provider->can & PROVIDER_CAN_STOP) {
		end_unmarked(t, member, PROVIDER_STOP);
	}
	if (!hurried(t)) {
		end_unmarked(t, child, PROVIDER_STOP);
		end_unmarked(t, child, PROVIDER_TERMINATE);
	}
	end_unmarked(t, stray, PROVIDER_TERMINATE);
}

/* The node ends itself, by the script that its agent runs when the engine is away. */
static void check_ends_itself(void **state)
{
	struct trial *t = *state;
	json_t *r = up(t, "c1", 2);
	if (t->rig.provider->can & PROVIDER_CAN_STOP) {
		pid_t pid = rig_run_on(node(r, 0), "touch ready; .skytop/on_autostop stop; exec sleep 120");
		json_t *seen = query(t, "c1");
		for (int i = 0; i < 2000 && !str_eq(json_str(node(seen, 0), "status", ""), "STOPPED"); i++) {
			json_decref(seen);
			between_looks(t);
			seen = query(t, "c1");
		}
		assert_string_equal(json_str(node(seen, 0), "status", ""), "STOPPED");
		assert_string_equal(json_str(node(seen, 1), "status", ""), "RUNNING");
		assert_false(rig_alive(pid));
		json_decref(seen);
	}
	pid_t pid = rig_run_on(node(r, 1), "touch ready; .skytop/on_autostop down; exec sleep 120");
	for (int i = 0; i < 2000 && (rig_alive(pid) || count(t, "c1") > 1); i++)
		between_looks(t);
	assert_int_equal(count(t, "c1"), 1);
	json_decref(r);
	terminate(t, of_cluster("c1"));
}

/* While a process execs it has no environment for a moment. Each of these is looked for in a single look. */
static void check_exec_moment(void **state)
{
	struct trial *t = *state;
	for (long i = 0; i < (t->subject->slow ? 10 : 60); i += every(5)) {
		json_t *r = up(t, "c1", 1);
		pid_t pid = rig_run_on(node(r, 0),
		    "echo 'n=$((${n:-0} + 1)); export n; [ $n -lt 20000 ] && exec sh ./again' >again;"
		    "touch ready; exec sh ./again");
		json_decref(rig_do(&t->rig,
		    t->rig.provider->can & PROVIDER_CAN_STOP ? PROVIDER_STOP : PROVIDER_TERMINATE, of_cluster("c1")));
		assert_false(rig_alive(pid));
		terminate(t, of_cluster("c1"));
		json_decref(r);
	}
}

/* A reply that is lost: the call was served, and is made again. */
static void check_lost_replies(void **state)
{
	struct trial *t = *state;
	for (int i = 0; i < 3; i++) {
		struct rig_child c = rig_spawn(&t->rig, PROVIDER_CREATE, create_args(t, "c1", "tok-", 3));
		json_decref(rig_wait(&c));
	}
	assert_int_equal(count(t, "c1"), 3);
	assert_int_equal(count(t, NULL), 3);
	struct rig_child c = rig_spawn(&t->rig, PROVIDER_TERMINATE, of_cluster("c1"));
	json_decref(rig_wait(&c));
	terminate(t, of_cluster("c1"));
}

/* The engine and its restarted self ask at the same time. */
static void check_at_once(void **state)
{
	struct trial *t = *state;
	enum { N = 6 };
	struct rig_child c[N];
	json_t *r[N];
	int clusters = t->subject->slow ? 1 : 2;
	for (int i = 0; i < N; i++)
		c[i] = rig_spawn(&t->rig, PROVIDER_CREATE, create_args(t, i % clusters ? "c2" : "c1", "tok-", 2));
	for (int i = 0; i < N; i++) {
		r[i] = rig_wait(&c[i]);
		assert_non_null(r[i]);
	}
	for (int i = 2; i < N; i++)
		assert_true(json_equal(json_object_get(node(r[i], 1), "id"), json_object_get(node(r[i % clusters], 1), "id")));
	for (int i = 0; i < N; i++)
		json_decref(r[i]);
	assert_int_equal(count(t, NULL), 2 * clusters);
	for (int i = 0; i < N; i++)
		c[i] = rig_spawn(&t->rig, i < 2 ? PROVIDER_QUERY : PROVIDER_TERMINATE, of_cluster(i % 2 ? "c2" : "c1"));
	for (int i = 0; i < N; i++) {
		r[i] = rig_wait(&c[i]);
		assert_non_null(r[i]);
		json_decref(r[i]);
	}
	terminate(t, of_cluster("c1"));
	terminate(t, of_cluster("c2"));
}

/* Whatever is cut, the same call again gives what was wanted, and exactly that. */
static void check_cut_create(void **state)
{
	struct trial *t = *state;
	if (!can_cut(t)) {
		not_tried();
		return;
	}
	bool cut = true;
	for (long at = 1; cut; at += every(3)) {
		struct err err = {0};
		t->rig.kill_at = at;
		json_t *r = rig_call(&t->rig, PROVIDER_CREATE, create_args(t, "c1", "tok-", 2), &err);
		t->rig.kill_at = 0;
		cut = t->rig.killed;
		assert_true(cut || r);
		json_decref(r);
		if (at % 2) { /* every other time the engine gives up instead */
			r = create(t, "c1", 2);
			assert_int_equal(json_array_size(json_arr(r, "nodes")), 2);
			json_decref(r);
			assert_int_equal(count(t, NULL), 2);
		}
		terminate(t, of_cluster("c1"));
		assert_int_equal(count(t, NULL), 0);
		char *nodes = path_join(t->rig.state_dir, "nodes");
		assert_int_equal(rig_count_files(nodes), 0);
		free(nodes);
	}
}

/* One verb cut at each point in turn, on a fresh cluster with a process on it; then repeated. */
static void cut_end(struct trial *t, enum provider_verb verb)
{
	bool cut = true;
	for (long at = 1; cut; at += every(3)) {
		struct err err = {0};
		json_t *r = up(t, "c1", 2);
		char *mark = mark_of(node(r, 1));
		pid_t pid = rig_run_on(node(r, 1), "touch ready; mkdir -p a/b; exec sleep 120");
		json_decref(r);
		t->rig.kill_at = at;
		r = rig_call(&t->rig, verb, of_cluster("c1"), &err);
		t->rig.kill_at = 0;
		cut = t->rig.killed;
		assert_true(cut || r);
		json_decref(r);
		if (verb == PROVIDER_STOP) {
			json_decref(rig_do(&t->rig, verb, of_cluster("c1")));
			json_decref(settle(t, "c1", "STOPPED"));
			assert_false(rig_marked(mark));
		}
		terminate(t, of_cluster("c1"));
		assert_false(rig_marked(mark));
		assert_false(rig_alive(pid));
		free(mark);
	}
}

static void check_cut_stop(void **state)
{
	struct trial *t = *state;
	if (!can_cut(t) || !(t->rig.provider->can & PROVIDER_CAN_STOP)) {
		not_tried();
		return;
	}
	cut_end(t, PROVIDER_STOP);
}

static void check_cut_terminate(void **state)
{
	struct trial *t = *state;
	if (!can_cut(t)) {
		not_tried();
		return;
	}
	cut_end(t, PROVIDER_TERMINATE);
}

static void check_cut_start(void **state)
{
	struct trial *t = *state;
	if (!can_cut(t) || !(t->rig.provider->can & PROVIDER_CAN_STOP)) {
		not_tried();
		return;
	}
	json_decref(up(t, "c1", 2));
	bool cut = true;
	for (long at = 1; cut; at += every(3)) {
		struct err err = {0};
		json_decref(rig_do(&t->rig, PROVIDER_STOP, of_cluster("c1")));
		json_decref(settle(t, "c1", "STOPPED"));
		t->rig.kill_at = at;
		json_t *r = rig_call(&t->rig, PROVIDER_START, of_cluster("c1"), &err);
		t->rig.kill_at = 0;
		cut = t->rig.killed;
		json_decref(r);
		json_decref(rig_do(&t->rig, PROVIDER_START, of_cluster("c1")));
		json_decref(settle(t, "c1", "RUNNING"));
	}
	terminate(t, of_cluster("c1"));
}

/* A cut terminate is finished by whoever comes next, be it only a look around. */
static void check_query_finishes(void **state)
{
	struct trial *t = *state;
	if (!can_cut(t)) {
		not_tried();
		return;
	}
	bool cut = true;
	for (long at = 1; cut; at += every(3)) {
		struct err err = {0};
		json_decref(create(t, "c1", 1));
		t->rig.kill_at = at;
		json_decref(rig_call(&t->rig, PROVIDER_TERMINATE, of_cluster("c1"), &err));
		t->rig.kill_at = 0;
		cut = t->rig.killed;
		json_t *r = query(t, NULL); /* either it never began, or it is on its way, or done */
		for (size_t i = 0; i < json_array_size(json_arr(r, "nodes")); i++)
			assert_non_null(strstr("RUNNING PENDING STOPPING", json_str(node(r, i), "status", "?")));
		json_decref(r);
		terminate(t, of_cluster("c1"));
	}
}

/* --- the list
 * -------------------------------------------------------------------------------------------------------*/

static int set_up(void **state)
{
	const struct conformance_subject *subject = *state;
	struct trial *t = xcalloc(1, sizeof *t);
	t->subject = subject;
	rig_open(&t->rig, subject->provider);
	if (subject->config)
		rig_config(&t->rig, subject->config);
	if (subject->settings)
		rig_settings(&t->rig, subject->settings);
	for (size_t i = 0; subject->hosts && subject->hosts[i]; i++)
		rig_host(&t->rig, subject->hosts[i], true);
	*state = t;
	return 0;
}

/* Nothing is left: no node, no folder of one, no file beside, no process with this cloud's mark. */
static int tear_down(void **state)
{
	struct trial *t = *state;
	assert_int_equal(count(t, NULL), 0);
	char *nodes = path_join(t->rig.state_dir, "nodes"), *mark = xasprintf("HOME=%s", t->rig.state_dir);
	if (!t->subject->elsewhere) {
		assert_int_equal(rig_count_files(nodes), 0);
		assert_int_equal(rig_count_files(t->rig.top), 1);
		assert_false(rig_marked(mark));
	}
	free(mark);
	free(nodes);
	rig_close(&t->rig);
	free(t);
	return 0;
}

size_t conformance_list(const struct conformance_subject *subject, struct CMUnitTest *tests)
{
	static const struct {
		const char *name;
		CMUnitTestFunction check;
		bool here; /* looks at the machines, which have to be on this one */
	} list[] = {
	    {"check says it is enabled", check_enabled, false},
	    {"offers are whole and hold what can be created", check_offers, false},
	    {"nodes come back as they were given", check_as_given, false},
	    {"create twice gives the same nodes", check_create_twice, false},
	    {"clusters are kept apart", check_clusters_apart, false},
	    {"hostile names are only names", check_hostile_names, false},
	    {"long names are taken or refused whole", check_long_names, false},
	    {"bad requests make nothing", check_bad_requests, false},
	    {"stop and start are idempotent", check_stop_start, false},
	    {"what was never there can be ended", check_unknown, false},
	    {"homes are private and apart", check_homes, true},
	    {"homes are removed without following links", check_home_removed, true},
	    {"no process outlives its node", check_processes_end, true},
	    {"nor does one that shed its mark", check_unmarked_process, true},
	    {"nor does one that is just in exec", check_exec_moment, true},
	    {"a node can end itself", check_ends_itself, true},
	    {"lost replies do no harm", check_lost_replies, false},
	    {"calls at the same time", check_at_once, false},
	    {"create cut anywhere", check_cut_create, true},
	    {"stop cut anywhere", check_cut_stop, true},
	    {"start cut anywhere", check_cut_start, true},
	    {"terminate cut anywhere", check_cut_terminate, true},
	    {"a look finishes a cut terminate", check_query_finishes, true},
	};
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		if (list[i].here && subject->elsewhere)
			continue;
		tests[n++] = (struct CMUnitTest){.name = list[i].name,
		    .test_func = list[i].check,
		    .setup_func = set_up,
		    .teardown_func = tear_down,
		    .initial_state = (void *)(uintptr_t)subject};
	}
	return n;
}
