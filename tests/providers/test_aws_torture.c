/* The life of a cluster on AWS (check, quota, create, query, stop, start, terminate) by the provider's step functions, in which one request goes wrong:
 * the first, then the second, and so on until none is left, in every way in which requests go wrong. Calls may fail, and are made again as the
 * engine makes them; but in the end exactly the wanted machines are there, and none other, as EC2 itself says. Started by test_aws.py, with an
 * emulator behind a proxy that does the harm. One line a case; SKYTOP_TORTURE=1 tries all of it, otherwise a few that are spread evenly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tests/providers/rig.h"
#include "tests/providers/rig_http.h"

extern const struct provider provider_aws;

enum { TRIES = 4, MINUTE_MS = 61000, SAMPLE = 2 };

static const char *const ways[] = {"error", "busy", "drop", "hang", "once", "lost", "late"};

struct life {
	struct rig rig;
	struct stand_in cloud;
	const char *name; /* of the cluster */
	int nodes, attempt;
	bool clean_first; /* a launch that failed is cleaned away before the next; otherwise it is made again as it was, as by an engine that was killed */
	json_t *ids;
};

/* ---- the other side ------------------------------------------------------------------------------------------------- */

/* EC2 has the cluster's machines in this state, with these ports open, and nothing else; NULL: nothing at all, nor any of its security groups. */
static void is_so(const struct life *l, const char *state, const char *ports)
{
	json_t *t = stand_in_tell(&l->cloud, state ? "/rig/truth?regions=us-east-1" : "/rig/truth", NULL), *list = json_arr(t, "machines"), *m, *p;
	const json_t *group = json_array_get(json_arr(t, "groups"), 0);
	size_t i, want = state ? (size_t)l->nodes : 0;
	struct str open = str_new(200);
	json_array_foreach(json_arr(group, "ports"), i, p)
		str_addf(&open, "%s%s", open.len ? " " : "", json_string_value(p));
	bool good = json_array_size(list) == want && json_array_size(json_arr(t, "groups")) == (state != NULL) && (!state || str_eq(str_text(&open), ports));
	json_array_foreach(list, i, m)
		good = good && str_eq(json_str(m, "state", ""), state) && str_eq(json_str(m, "cluster", ""), l->name) &&
		       (!l->ids || json_has(l->ids, json_str(m, "id", ""))) && json_has(json_arr(m, "groups"), json_str(group, "name", "?"));
	if (!good)
		fail_msg("wanted: %zu %s; there are %s", want, state ? state : "left", json_text(t));
	str_free(&open);
	json_decref(t);
}

/* ---- calls ------------------------------------------------------------------------------------------------------------ */

/* EC2's clock goes on. */
static void wait_a_minute(struct life *l)
{
	json_put_int(l->rig.memory, "skew_ms", json_int(l->rig.memory, "skew_ms", 0) + MINUTE_MS);
}

static json_t *of_cluster(const struct life *l)
{
	return l->ids ? json_pack("{s:s, s:O}", "cluster", l->name, "ids", l->ids) : json_pack("{s:s, s:[]}", "cluster", l->name, "ids");
}

/* Until it succeeds; it does when nothing is in its way. */
static json_t *again(struct life *l, enum provider_verb verb, json_t *args)
{
	struct err err;
	for (int i = 0; i < TRIES; i++) {
		err = (struct err){0};
		json_t *r = rig_call(&l->rig, verb, json_incref(args), &err);
		if (r) {
			json_decref(args);
			return r;
		}
		if (!err.code || !*err.text || strstr(err.text, "SecretAccessKey"))
			fail_msg("%s: a failure that says nothing: '%s'", provider_verb_name(verb), err.text);
	}
	fail_msg("%s never succeeds: %s", provider_verb_name(verb), err.text);
	return NULL;
}

static void terminate(struct life *l)
{
	for (int i = 0; i < TRIES * 3; i++) {
		json_t *r = again(l, PROVIDER_TERMINATE, of_cluster(l));
		bool gone = !json_object_get(r, "pending");
		json_decref(r);
		if (gone)
			return;
		wait_a_minute(l);
	}
	fail_msg("the cluster does not go");
}

static json_t *create_args(const struct life *l, const char *ports)
{
	json_t *args = rig_json("{'cluster': '%s', 'name': 'torture', 'instance_type': 'g6.xlarge', 'region': 'us-east-1', 'zone': 'us-east-1a', 'use_spot': %s, "
				"'accelerator': 'L4', 'disk_size_gib': 100, 'ports': [%s], 'ssh_public_key': 'ssh-ed25519 AAAA test'}",
	    l->name, l->nodes > 1 ? "true" : "false", ports);
	json_t *nodes = json_array();
	for (int i = 0; i < l->nodes; i++)
		json_array_append_new(nodes, rig_json("{'token': '%s-%d-%d', 'rank': %d}", l->name, l->clean_first ? l->attempt : 0, i, i));
	json_object_set_new(args, "nodes", nodes);
	return args;
}

static void create(struct life *l)
{
	struct err err;
	json_t *r = NULL, *n;
	size_t i;
	for (; !r && l->attempt < TRIES; l->attempt++) {
		err = (struct err){0};
		r = rig_call(&l->rig, PROVIDER_CREATE, create_args(l, "'8080'"), &err);
		if (!r && l->clean_first) {
			terminate(l);
			is_so(l, NULL, NULL);
		}
	}
	if (!r)
		fail_msg("create never succeeds: %s", err.text);
	l->ids = json_array();
	json_array_foreach(json_arr(r, "nodes"), i, n)
		json_array_append(l->ids, json_object_get(n, "id"));
	json_decref(r);
	if ((int)json_array_size(l->ids) != l->nodes)
		fail_msg("%zu nodes were given", json_array_size(l->ids));
}

/* STOP or START, as long as it takes. */
static void turn(struct life *l, enum provider_verb verb, const char *status)
{
	for (int i = 0; i < TRIES; i++) {
		json_decref(again(l, verb, of_cluster(l)));
		json_t *r = again(l, PROVIDER_QUERY, of_cluster(l)), *n;
		size_t k, good = 0;
		json_array_foreach(json_arr(r, "nodes"), k, n)
			good += str_eq(json_str(n, "status", ""), status);
		json_decref(r);
		if (good == (size_t)l->nodes)
			return;
	}
	fail_msg("%s: not all machines are %s", provider_verb_name(verb), status);
}

static void check(struct life *l)
{
	for (int i = 0; i < TRIES; i++) {
		json_t *r = again(l, PROVIDER_CHECK, json_object());
		bool enabled = json_bool(r, "enabled", false);
		json_decref(r);
		if (enabled)
			return;
	}
	fail_msg("check does not let us in");
}

static void live(struct life *l)
{
	check(l);
	json_decref(again(l, PROVIDER_QUOTA,
	    rig_json("{'candidates': [{'instance_type': 'g6.xlarge', 'region': 'us-east-1', 'use_spot': %s, 'nodes': %d}]}", l->nodes > 1 ? "true" : "false", l->nodes)));
	create(l);
	is_so(l, "running", "8080");
	json_t *open = create_args(l, "'8080', '9000-9010'");
	json_put_bool(open, "open_ports", true);
	json_decref(again(l, PROVIDER_CREATE, open));
	if (l->nodes == 1) { /* spot machines end when they stop */
		turn(l, PROVIDER_STOP, "STOPPED");
		is_so(l, "stopped", "8080 9000-9010");
		turn(l, PROVIDER_START, "RUNNING");
	}
	is_so(l, "running", "8080 9000-9010");
	terminate(l);
	is_so(l, NULL, NULL);
	json_t *r = again(l, PROVIDER_QUERY, json_object());
	assert_int_equal(json_array_size(json_arr(r, "nodes")), 0);
	json_decref(r);
}

/* All of one region, which is many pages. */
static void sell(struct life *l)
{
	rig_config(&l->rig, "{'regions': ['us-east-1']}");
	for (int i = 0; i < TRIES; i++) {
		json_t *r = again(l, PROVIDER_OFFERS, json_pack("{s:b}", "catalog", 1));
		size_t n = json_array_size(json_arr(r, "offers")), silent = json_array_size(json_arr(r, "silent"));
		json_decref(r);
		if (n > 100 && !silent)
			return;
	}
	fail_msg("not all offers come");
}

/* ---- cases ------------------------------------------------------------------------------------------------------------- */

static int arm(const struct stand_in *cloud, int n, const char *way)
{
	char path[80];
	snprintf(path, sizeof path, "/rig/arm?n=%d&way=%s", n, way);
	json_t *r = stand_in_tell(cloud, path, NULL);
	int seen = (int)json_int(r, "seen", 0);
	json_decref(r);
	return seen;
}

/* In a child of its own: what fails ends it. Returns how many requests there were; -1: it failed. */
static int trial(const struct stand_in *cloud, int n, const char *way, int nodes)
{
	static int serial;
	char name[40];
	snprintf(name, sizeof name, "t%d", ++serial);
	arm(cloud, n, *way ? way : "none");
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		struct life l = {.cloud = *cloud, .name = name, .nodes = nodes, .clean_first = n % 2};
		rig_open(&l.rig, &provider_aws);
		rig_config(&l.rig, "{'regions': ['us-east-1', 'us-west-2']}");
		if (nodes)
			live(&l);
		else
			sell(&l);
		json_decref(l.ids);
		rig_close(&l.rig);
		_exit(0);
	}
	int status;
	waitpid(pid, &status, 0);
	int seen = arm(cloud, 0, "none");
	return WIFEXITED(status) && !WEXITSTATUS(status) ? seen : -1;
}

/* An argument: the number of the case to begin with, when all of it takes too long. */
int main(int argc, char **argv)
{
	int64_t from = 0;
	const char *url = getenv("AWS_ENDPOINT_URL"), *colon = url ? strrchr(url, ':') : NULL;
	bool all = getenv("SKYTOP_TORTURE");
	int64_t port = 0;
	if (!colon || !num_int(colon + 1, 1, 65535, &port)) {
		printf("1..0 # SKIP started by test_aws.py\n");
		return 0;
	}
	struct stand_in cloud = {.port = (int)port};
	if (argc > 1 && !num_int(argv[1], 1, 100000, &from))
		return 2;
	int failed = 0, count = 0;
	/* Offers cost the emulator much: only when there is time, and each request in some ways. */
	for (int nodes = all ? 0 : 1; nodes <= 3; nodes += nodes ? 2 : 1) {
		int requests = trial(&cloud, 0, "", nodes), cases = requests * (int)ARRAY_LEN(ways), step = all ? nodes ? 1 : 5 : (cases + SAMPLE - 1) / SAMPLE;
		step += step > 1 && step % (int)ARRAY_LEN(ways) == 0; /* or it would always be the same way */
		printf("%sok %d - %d nodes, %d requests, of which none goes wrong\n", requests > 5 ? "" : "not ", ++count, nodes, requests);
		failed += requests <= 5;
		for (int i = all ? 0 : step / 2; i < cases; i += step) {
			int n = i / (int)ARRAY_LEN(ways) + 1;
			const char *way = ways[(size_t)i % ARRAY_LEN(ways)];
			if (count + 1 < from) {
				count++;
				continue;
			}
			bool bad = trial(&cloud, n, way, nodes) < 0;
			failed += bad;
			printf("%sok %d - %d nodes, request %d: %s\n", bad ? "not " : "", ++count, nodes, n, way);
			fflush(stdout);
		}
	}
	printf("1..%d\n", count);
	return failed > 0;
}
