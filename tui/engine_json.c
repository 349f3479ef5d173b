/* From the engine's JSON to the screen's structs. What is missing or null is unknown, never 0. */
#include "tui/engine_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/plan/disks.h"

static const char *text(const json_t *j, const char *key)
{
	return json_str(j, key, "");
}

static void take_nodes(struct ui_cluster *c, const json_t *list, struct arena *arena)
{
	size_t n = json_array_size(list);
	struct ui_node *nodes = arena_alloc(arena, (n + 1) * sizeof *nodes);
	for (size_t i = 0; i < n; i++) {
		const json_t *j = json_array_get(list, i);
		nodes[i] = (struct ui_node){.rank = json_int(j, "rank", (int64_t)i), .id = text(j, "id"), .ip = text(j, "ip"),
		    .status = text(j, "status"), .silent_since_ms = json_int(j, "silent_since", 0)};
	}
	c->node_list = nodes;
	c->n_node_list = n;
}

static void take_gpus(struct ui_cluster *c, const json_t *list, struct arena *arena)
{
	size_t n = json_array_size(list);
	struct ui_gpu *gpus = arena_alloc(arena, (n + 1) * sizeof *gpus);
	for (size_t i = 0; i < n; i++) {
		const json_t *j = json_array_get(list, i);
		gpus[i] = (struct ui_gpu){.index = json_int(j, "index", (int64_t)i), .util_percent = json_int(j, "util", -1),
		    .mem_used = json_int(j, "mem_used", -1), .mem_total = json_int(j, "mem_total", -1), .name = text(j, "name")};
	}
	c->gpus = gpus;
	c->n_gpus = n;
}

void engine_json_nodes(struct ui_cluster *c, const json_t *j, struct arena *arena)
{
	const json_t *beat = json_obj(j, "heartbeat"), *load = json_array_get(json_arr(beat, "load"), 0);
	take_nodes(c, json_arr(j, "nodes"), arena);
	take_gpus(c, json_arr(beat, "gpus"), arena);
	c->request = json_int(j, "request", 0);
	c->idle_since_ms = json_int(j, "idle_since", 0);
	c->busy = text(beat, "idle_reason");
	c->heard_at_ms = beat ? json_int(j, "heartbeat_at", 0) : 0;
	c->load_milli = json_is_number(load) ? (int64_t)(json_number_value(load) * 1000) : -1;
	c->cpus = json_int(beat, "cpus", -1);
	c->mem_used = json_int(beat, "mem_used", -1);
	c->mem_total = json_int(beat, "mem_total", -1);
	c->disk_used = json_int(beat, "disk_used", -1);
	c->disk_total = json_int(beat, "disk_total", -1);
	c->ssh_sessions = json_int(beat, "ssh_sessions", -1);
}

static void rest_of_request(struct ui_request *r, const json_t *j)
{
	const json_t *error = json_obj(j, "error");
	const char *hint = error ? err_info(err_code_of(text(error, "code")))->hint : NULL;
	r->user = text(j, "user");
	r->step = text(j, "step");
	r->started_at_ms = json_int(j, "started_at", 0);
	r->cancelling = json_bool(j, "cancel", false) && !r->ended_at_ms;
	r->hint = hint ? hint : "";
	r->job = json_int(json_obj(j, "result"), "job_id", 0);
}

static void rest_of_event(struct ui_event *e, const json_t *j)
{
	const json_t *data = json_obj(j, "data");
	e->id = json_int(j, "id", 0);
	e->request = json_int(j, "request", 0);
	e->kind = text(j, "kind");
	e->level = text(j, "level");
	e->step = text(data, "step");
	e->took_ms = json_int(data, "duration_ms", -1);
	e->where = text(data, "where");
}

static int64_t number(const json_t *j, const char *key)
{
	return json_int(j, key, -1);
}

/* A text that has no place in the JSON: it is put there, so that it lives as long. */
static const char *made(json_t *j, const char *key, const char *value)
{
	json_put_str(j, key, value);
	return json_str(j, key, "");
}

struct ui_cluster engine_json_cluster(json_t *j)
{
	char buf[200];
	const char *acc = json_str(j, "accelerator", NULL);
	double count = json_number_value(json_object_get(j, "accelerator_count"));
	const json_t *head = json_array_get(json_arr(j, "nodes"), 0), *stop = json_obj(j, "autostop");
	if (acc)
		snprintf(buf, sizeof buf, "%gx %s", count, acc);
	else if (json_is_number(json_object_get(j, "vcpus")))
		snprintf(buf, sizeof buf, "%g CPUs", json_number_value(json_object_get(j, "vcpus")));
	else
		snprintf(buf, sizeof buf, "?");
	return (struct ui_cluster){.name = text(j, "name"),
	    .status = text(j, "status"),
	    .progress = text(j, "progress"),
	    .reason = text(j, "reason"),
	    .provider = text(j, "provider"),
	    .region = text(j, "region"),
	    .zone = text(j, "zone"),
	    .instance_type = text(j, "instance_type"),
	    .resources = made(j, "ui_resources", buf),
	    .head_ip = text(head, "ip"),
	    .user = text(j, "user"),
	    .project = text(j, "project"),
	    .simulated = json_bool(j, "simulated", false),
	    .nodes = number(j, "num_nodes"),
	    .spot = json_bool(j, "use_spot", false),
	    .price_uusd_h = json_int(j, "rate_uusd_h", PRICE_UNKNOWN),
	    .price_estimated = json_bool(j, "rate_estimated", false),
	    .running_uusd_h = json_int(j, "total_uusd_h", PRICE_UNKNOWN),
	    .cost_uusd = json_int(j, "cost_uusd", PRICE_UNKNOWN),
	    .launched_at_ms = json_int(j, "launched_at", 0),
	    .checked_at_ms = json_int(j, "checked_at", 0),
	    .autostop_min = json_int(stop, "idle_minutes", -1),
	    .autostop_down = json_bool(stop, "down", false),
	    .jobs_running = number(j, "jobs_running"),
	    .jobs_pending = number(j, "jobs_pending")};
}

struct ui_job engine_json_job(json_t *j)
{
	char buf[60];
	double gpus = json_number_value(json_object_get(j, "gpus"));
	snprintf(buf, sizeof buf, gpus > 0 ? "%" PRId64 "x %g GPU" : "%" PRId64 "x CPU", json_int(j, "num_nodes", 1), gpus);
	return (struct ui_job){.cluster = text(j, "cluster"),
	    .id = json_int(j, "job_id", 0),
	    .name = text(j, "name"),
	    .status = text(j, "status"),
	    .resources = made(j, "ui_resources", buf),
	    .user = text(j, "user"),
	    .submitted_at_ms = json_int(j, "submitted_at", 0),
	    .started_at_ms = json_int(j, "started_at", 0),
	    .ended_at_ms = json_int(j, "ended_at", 0),
	    .exit_code = number(j, "exit_code"),
	    .reason = text(j, "reason"),
	    .nodes = json_int(j, "num_nodes", 1)};
}

struct ui_request engine_json_request(json_t *j)
{
	const char *progress = json_str(j, "progress", NULL);
	struct ui_request r = {.id = json_int(j, "id", 0),
	    .verb = text(j, "verb"),
	    .object = text(j, "cluster"),
	    .state = text(j, "state"),
	    .progress = progress ? progress : text(j, "step"),
	    .error = text(json_obj(j, "error"), "message"),
	    .created_at_ms = json_int(j, "created_at", 0),
	    .ended_at_ms = json_int(j, "finished_at", 0)};
	rest_of_request(&r, j);
	return r;
}

struct ui_event engine_json_event(json_t *j)
{
	struct ui_event e = {.at_ms = json_int(j, "at", 0), .object = text(j, "cluster"), .text = text(j, "text"), .bad = strcmp(text(j, "level"), "info") != 0};
	rest_of_event(&e, j);
	return e;
}

static struct ui_place place_of(const json_t *j, const json_t *task, struct arena *arena)
{
	const char *acc = json_str(j, "accelerator", NULL);
	char n[32] = "";
	int64_t vcpus = json_int(j, "vcpus_micro", -1), gpus = json_int(j, "accelerator_count_micro", 0);
	const char *resources = "";
	if (acc)
		resources = arena_printf(arena, "%sx %s", micro_text(gpus, n, sizeof n), acc);
	else if (vcpus > 0)
		resources = arena_printf(arena, "%s CPUs", micro_text(vcpus, n, sizeof n));
	const char *disk_source = NULL;
	int64_t disk = disk_rate_uusd_h(json_str(j, "provider", ""), task, &disk_source);
	return (struct ui_place){.disk_uusd_h = disk, .disk_source = disk_source ? disk_source : "",
	    .provider = text(j, "provider"), .region = text(j, "region"), .zone = text(j, "zone"),
	    .instance_type = text(j, "instance_type"), .resources = resources, .nodes = json_int(j, "num_nodes", 1),
	    .spot = json_bool(j, "use_spot", false), .estimated = json_bool(j, "price_estimated", false),
	    .price_uusd_h = json_int(j, "price_uusd_h", PRICE_UNKNOWN), .total_uusd_h = json_int(j, "total_uusd_h", PRICE_UNKNOWN),
	    .source = text(j, "price_source"), .as_of_ms = json_int(j, "price_as_of", 0), .stale = json_bool(j, "price_stale", false),
	    .available = text(j, "available"), .no_quota = text(json_obj(j, "no_quota"), "text"),
	    .over_cap = json_bool(j, "over_cap", false), .chosen = json_bool(j, "chosen", false)};
}

struct ui_plan engine_json_plan(const json_t *j, const json_t *task, struct arena *arena)
{
	const json_t *rows = json_array_get(json_arr(j, "summary"), 0), *notes = json_arr(j, "notes");
	size_t n = json_array_size(rows), i;
	struct ui_place *places = arena_alloc(arena, (n + 1) * sizeof *places);
	for (i = 0; i < n; i++)
		places[i] = place_of(json_array_get(rows, i), task, arena);
	struct str s = str_new(8000);
	const json_t *note;
	json_array_foreach(notes, i, note)
		str_addf(&s, "%s%s", i ? "\n" : "", json_string_value(note) ? json_string_value(note) : "");
	const char *all = arena_strdup(arena, str_text(&s));
	str_free(&s);
	return (struct ui_plan){places, n, all};
}

const char *const *engine_json_env(const char *words, struct arena *arena)
{
	if (!words || !words[strspn(words, " ")])
		return NULL;
	const char **list = arena_alloc(arena, (strlen(words) / 2 + 2) * sizeof *list);
	size_t n = 0;
	for (const char *p = words + strspn(words, " "); *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");
		list[n++] = arena_strndup(arena, p, len);
		p += len;
	}
	list[n] = NULL;
	return list;
}
