/* See session.h. Progress goes to stderr, a job's log to stdout, so that `skytop logs x > file` is the log. */
#include "tui/cli/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/cluster.h"

enum { CALL_MS = 30000, RECONNECTS = 20, RECONNECT_MS = 300 };

struct client *session_open(struct cli *c, bool start, struct err *err)
{
	(void)c;
	char *self = client_self();
	struct client *cl = client_open(self, start, err);
	free(self);
	return cl;
}

json_t *session_call(struct cli *c, struct client *cl, const char *method, json_t *params, int *status)
{
	struct err err;
	json_t *r = client_call(cl, method, params, CALL_MS, &err);
	if (!r)
		*status = cli_fail(c, &err);
	return r;
}

/* ---- a request as a checklist ------------------------------------------------------------------------------------ */

struct checklist {
	struct cli *c;
	bool live;	   /* stderr is a terminal: the line being worked on is shown and overwritten */
	bool shown;	   /* such a line is there */
	char *line;
};

static void wipe(struct checklist *k)
{
	if (k->shown)
		fputs("\r\033[K", stderr);
	k->shown = false;
}

static void say(struct checklist *k, const char *mark, const char *text, const char *after)
{
	struct str clean = str_new(2000);
	text_clean(&clean, text, strlen(text));
	wipe(k);
	if (!cli_quiet(k->c))
		fprintf(stderr, "%s %s%s\n", mark, str_text(&clean), after);
	str_free(&clean);
}

static void on_event(struct checklist *k, const json_t *e)
{
	const char *kind = json_str(e, "kind", ""), *level = json_str(e, "level", "info"), *text = json_str(e, "text", "");
	if (!strcmp(kind, "step")) {
		char took[64], ms[32];
		int64_t d = json_int(json_obj(e, "data"), "duration_ms", 0);
		snprintf(ms, sizeof ms, "%" PRId64 " ms", d);
		snprintf(took, sizeof took, "  (%s)", d < 1000 ? ms : duration_text(d, ms, sizeof ms));
		say(k, cli_utf8() ? "✓" : "-", text, took);
	} else if (strcmp(level, "info") && strcmp(kind, "request.failed")) {
		say(k, "!", text, "");
	}
}

static void on_request(struct checklist *k, const json_t *r)
{
	const char *progress = json_str(r, "progress", NULL), *step = json_str(r, "step", NULL);
	if (!k->live || cli_quiet(k->c) || (!progress && !step))
		return;
	struct str clean = str_new(300);
	text_clean(&clean, progress ? progress : step, strlen(progress ? progress : step));
	wipe(k);
	fprintf(stderr, "%s %.*s", cli_utf8() ? "…" : "~", 76, str_text(&clean));
	fflush(stderr);
	k->shown = true;
	str_free(&clean);
}

static void on_notice(void *arg, const char *method, const json_t *params)
{
	struct checklist *k = arg;
	if (!strcmp(method, "event"))
		on_event(k, json_obj(params, "event"));
	else if (!strcmp(method, "request"))
		on_request(k, json_obj(params, "request"));
}

static int detached(struct cli *c, int64_t id)
{
	cli_note(c, "detached: request %" PRId64 " goes on. See it: skytop requests. Stop it: skytop cancel-request %" PRId64, id, id);
	return CLI_INTERRUPTED;
}

static json_t *follow(struct client *cl, int64_t id, struct checklist *k, struct err *err)
{
	client_listen(cl, on_notice, k);
	client_interruptible(cl);
	json_t *r = client_call(cl, "follow", json_pack("{s:I}", "id", (json_int_t)id), 0, err);
	client_listen(cl, NULL, NULL);
	return r;
}

/* The engine is gone, and the request is not: another one goes on with it, begun by who looks after it. One that was told to leave stays away. */
static json_t *follow_again(struct cli *c, int64_t id, struct checklist *k, struct err *err)
{
	json_t *r = NULL;
	for (int i = 0; i < RECONNECTS && !r && err->code == ERR_NETWORK; i++) {
		struct err none;
		usleep(RECONNECT_MS * 1000);
		struct client *cl = session_open(c, false, &none);
		if (!cl)
			continue;
		r = follow(cl, id, k, err);
		client_close(cl);
	}
	if (!r && err->code == ERR_NETWORK)
		err_set(err, ERR_NETWORK, "the engine has left; request %" PRId64 " goes on when there is one again: skytop requests", id);
	return r;
}

int session_request(struct cli *c, struct client *cl, const char *verb, json_t *args, json_t **result)
{
	int status;
	struct err err;
	*result = NULL;
	json_t *r = session_call(c, cl, "submit", json_pack("{s:s, s:o}", "verb", verb, "args", args), &status);
	if (!r)
		return status;
	int64_t id = json_int(r, "id", 0);
	json_decref(r);
	if (cli_flag(c, "async")) {
		if (cli_json(c))
			cli_print_json(c, json_pack("{s:I}", "request", (json_int_t)id));
		else
			printf("%" PRId64 "\n", id);
		return 0;
	}
	struct checklist k = {.c = c, .live = isatty(2)};
	r = follow(cl, id, &k, &err);
	if (!r && err.code == ERR_NETWORK)
		r = follow_again(c, id, &k, &err);
	wipe(&k);
	if (!r)
		return err.code == ERR_CANCELLED ? detached(c, id) : cli_fail(c, &err);
	const json_t *e = json_obj(r, "error");
	status = 0;
	if (e) {
		err_set(&err, err_code_of(json_str(e, "code", "")), "%s", json_str(e, "message", "?"));
		status = cli_fail(c, &err);
	} else {
		*result = json_incref(json_object_get(r, "result"));
	}
	json_decref(r);
	return status;
}

int session_job_arg(struct cli *c, size_t i, int64_t *job)
{
	const char *a = cli_arg(c, i);
	*job = 0;
	if (!a || num_int(a, 1, INT64_C(1) << 40, job))
		return 0;
	return cli_usage(c, "'%s' is not the number of a job", a);
}

/* ---- clusters by name -------------------------------------------------------------------------------------------- */

static bool is_glob(const char *s)
{
	return strpbrk(s, "*?") != NULL;
}

static bool has(const json_t *list, const json_t *cluster)
{
	size_t i;
	json_t *c;
	json_array_foreach(list, i, c)
		if (c == cluster)
			return true;
	return false;
}

static int no_such_cluster(struct cli *c, const json_t *clusters, const char *name)
{
	struct err err;
	size_t n = json_array_size(clusters);
	const char **names = xcalloc(n + 1, sizeof *names);
	for (size_t i = 0; i < n; i++)
		names[i] = json_str(json_array_get(clusters, i), "name", "");
	const char *near = text_nearest(name, names, n);
	err_set(&err, ERR_NOT_FOUND, "there is no cluster '%s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	free(names);
	return cli_fail(c, &err);
}

json_t *session_clusters(struct cli *c, struct client *cl, size_t first_arg, bool all, int *status)
{
	json_t *clusters = session_call(c, cl, "status", json_object(), status);
	if (!clusters || all)
		return clusters;
	json_t *out = json_array(), *j;
	for (size_t i = first_arg; cli_arg(c, i); i++) {
		const char *name = cli_arg(c, i);
		bool found = false;
		size_t k;
		json_array_foreach(clusters, k, j) {
			const char *have = json_str(j, "name", "");
			if (is_glob(name) ? !str_glob(name, have) : strcmp(name, have) != 0)
				continue;
			found = true;
			if (!has(out, j))
				json_array_append(out, j);
		}
		if (!found) {
			*status = no_such_cluster(c, clusters, name);
			json_decref(out);
			json_decref(clusters);
			return NULL;
		}
	}
	json_decref(clusters);
	return out;
}

static const char *names_text(const json_t *clusters, char *buf, size_t size)
{
	struct str s = str_new(4000);
	size_t i;
	json_t *j;
	json_array_foreach(clusters, i, j)
		str_addf(&s, "%s%s", i ? ", " : "", json_str(j, "name", "?"));
	snprintf(buf, size, "%s", str_text(&s));
	str_free(&s);
	return buf;
}

static int64_t total_cost(const json_t *clusters)
{
	int64_t sum = 0;
	size_t i;
	json_t *j;
	json_array_foreach(clusters, i, j) {
		if (!json_is_integer(json_object_get(j, "cost_uusd")))
			return PRICE_UNKNOWN;
		sum += json_int(j, "cost_uusd", 0);
	}
	return sum;
}

/* Where the end of a cluster is told, so is what it cost in all. */
static void note_done(struct cli *c, const char *verb, const char *name, const json_t *result)
{
	char money[40];
	int64_t known = json_int(result, "known_uusd", -1);
	bool unknown = json_is_null(json_object_get(result, "cost_uusd"));
	if (known < 0 || (unknown && !known))
		cli_note(c, "%s %s: done%s", verb, name, known < 0 ? "" : "; what it cost is not known");
	else
		cli_note(c, "%s %s: done; it cost %s$%s%s in all%s", verb, name, json_bool(result, "estimated", false) ? "~" : "", money_text(known, money, sizeof money),
		    unknown ? "+" : "", json_bool(result, "simulated", false) ? " (simulated: no money)" : "");
}

static int each(struct cli *c, struct client *cl, const char *verb, const json_t *clusters, json_t *(*args_of)(struct cli *c, const json_t *cluster))
{
	int worst = 0;
	size_t i;
	json_t *j, *results = json_array();
	json_array_foreach(clusters, i, j) {
		json_t *result;
		int status = session_request(c, cl, verb, args_of(c, j), &result);
		if (status == CLI_INTERRUPTED) {
			json_decref(results);
			return status;
		}
		worst = status ? status : worst;
		if (!status && result && !cli_json(c))
			note_done(c, verb, json_str(j, "name", "?"), result);
		if (result)
			json_array_append_new(results, result);
	}
	if (cli_json(c) && !cli_flag(c, "async") && !worst)
		cli_print_json(c, json_incref(results));
	json_decref(results);
	return worst;
}

int session_for_each(struct cli *c, const char *verb, const char *doing, json_t *(*args_of)(struct cli *c, const json_t *cluster))
{
	struct err err;
	int status;
	char names[1000], money[40];
	bool all = cli_flag(c, "all");
	if (!all && !cli_n_args(c))
		return cli_usage(c, "say which clusters, or --all");
	struct client *cl = session_open(c, true, &err);
	if (!cl)
		return cli_fail(c, &err);
	json_t *clusters = session_clusters(c, cl, 0, all, &status);
	if (!clusters) {
		client_close(cl);
		return status;
	}
	if (!json_array_size(clusters)) {
		cli_note(c, "there is no cluster");
		status = 0;
		if (cli_json(c))
			cli_print_json(c, json_array());
	} else {
		int64_t cost = total_cost(clusters);
		status = doing ? cli_confirm(c, "%s %s (cost so far: %s%s)?", doing, names_text(clusters, names, sizeof names), cost < 0 ? "" : "$",
				     cost < 0 ? "not known" : money_text(cost, money, sizeof money))
			       : 0;
		if (!status)
			status = each(c, cl, verb, clusters, args_of);
	}
	json_decref(clusters);
	client_close(cl);
	return status;
}

const char *session_resources(const json_t *j, char *buf, size_t size)
{
	const char *acc = json_str(j, "accelerator", NULL);
	char count[40] = "";
	int64_t nodes = json_int(j, "num_nodes", 0);
	double n = json_number_value(json_object_get(j, "accelerator_count"));
	if (acc)
		snprintf(count, sizeof count, "%s:%g, ", acc, n);
	snprintf(buf, size, "%s%" PRId64 "x %s%s%s", "", nodes, count, json_str(j, "instance_type", "?"), json_bool(j, "use_spot", false) ? " [spot]" : "");
	return buf;
}

const char *session_infra(const json_t *j, char *buf, size_t size)
{
	const char *zone = json_str(j, "zone", NULL), *region = json_str(j, "region", NULL);
	const char *place = zone && zone[0] ? zone : region && region[0] ? region : NULL;
	snprintf(buf, size, "%s%s%s%s%s", json_str(j, "provider", "-"), place ? " (" : "", place ? place : "", place ? ")" : "",
	    json_bool(j, "simulated", false) ? " simulated" : "");
	return buf;
}
