/* What providers read: the answer of a cloud side, nvidia-smi's list, a scenario, the replies of Google Cloud. The first byte says which; for
 * answers also to which verb, and how the child ended. */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/common/cloudside.h"
#include "providers/common/requests.h"
#include "providers/local/nvidia.h"
#include "providers/sim/scenario.h"
#include "tests/fuzz/must.h"

static void reply(unsigned kind, const char *text, size_t len)
{
	static const int statuses[] = {0, 1, -1, 99};
	json_t *args = json_pack("{s:[{s:s}]}", "nodes", "token", "t");
	struct provider_env env = {.self = "/skytop", .state_dir = "/s", .now_ms = 1};
	struct provider_call c = {
	    .verb = (enum provider_verb)(kind % PROVIDER_VERBS), .args = args, .env = &env, .arena = arena_create()};
	struct provider_reply r = {.status = statuses[kind / 8 % 4],
	    .body = text,
	    .body_len = len,
	    .complaint = kind & 1 ? text : ""};
	struct err err = {0};
	if (c.verb == PROVIDER_QUOTA || c.verb == PROVIDER_OBJECTS)
		MUST(cloudside_step("sim", &c, NULL, &err) == PROVIDER_FAILED && err.code == ERR_UNSUPPORTED);
	else
		MUST(cloudside_step("sim", &c, NULL, &err) == PROVIDER_REQUEST);
	enum provider_step step = cloudside_step("sim", &c, &r, &err);
	MUST(step == (c.result ? PROVIDER_DONE : PROVIDER_FAILED));
	MUST(c.result || (err.code && err.text[0] && strlen(err.text) < sizeof err.text));
	json_decref(c.result);
	json_decref(args);
	arena_destroy(c.arena);
}

static void gpus(const char *text)
{
	struct nvidia_gpu list[NVIDIA_GPUS_MAX];
	struct err err = {0};
	int n = nvidia_parse(text, list, &err);
	MUST(n >= 0 || err.code);
	for (int i = 0; i < n; i++)
		MUST(list[i].name[0] && list[i].index >= 0 && list[i].mem_mib >= -1 &&
		     utf8_valid(list[i].name, strlen(list[i].name), NULL));
}

/* A request to a cloud side, and the scenario in its configuration with what can be asked of it. */
static void request(const char *text, size_t len)
{
	struct err err = {0};
	json_t *j = json_parse(text, len, &err);
	struct request r;
	if (json_is_object(j) && !request_parse(j, &r, &err))
		request_check_create(r.args, &err);
	json_t *config = json_object();
	if (j)
		json_object_set(config, "scenario", json_is_object(j) ? j : json_object_get(j, "config"));
	struct scenario *s = json_obj(config, "scenario") ? scenario_load(config, &err) : NULL;
	for (size_t t = 0; s && t < s->n_types; t++)
		for (size_t z = 0; z < s->n_zones; z++)
			for (int64_t at = 0; at < INT64_C(1) << 50; at = at * 1024 + 1023)
				MUST(scenario_price(s, &s->types[t], &s->zones[z], at % 2, at) >= PRICE_UNKNOWN);
	scenario_free(s);
	json_decref(config);
	json_decref(j);
}

/* ---- Google Cloud ---- */

extern const struct provider provider_gcp;

static const char *google_var(const char *name)
{
	return strcmp(name, "SKYTOP_GCP_ENDPOINT") ? NULL : "http://127.0.0.1:1";
}

/* The same text for all that is asked, and for the files; statuses by turns. It ends, whatever is said, and says why. */
static void google(const char *text, size_t len, enum provider_verb verb)
{
	static const int statuses[] = {200, 200, 200, 404, 403, 409, 500, 200};
	static const char login[] = "{\"type\":\"authorized_user\",\"refresh_token\":\"r\",\"quota_project_id\":\"p\"}";
	static const char token[] = "{\"access_token\":\"a\",\"expires_in\":3599}";
	json_t *args = json_pack("{s:s, s:s, s:[{s:s, s:i}], s:s, s:s, s:s, s:s, s:i, s:b, s:[s], s:s, s:[s], s:[{s:s, s:s}]}", "cluster", "c", "name", "n", "nodes",
	    "token", "t", "rank", 0, "instance_type", "n1-standard-8", "region", "us-central1", "zone", "", "accelerator", "T4", "accelerator_count", 1, "catalog", 1,
	    "ports", "80", "ssh_public_key", "ssh-ed25519 A", "ids", "p/us-central1-a/sky-1", "candidates", "instance_type", "g2-standard-4", "region", "us-central1");
	json_t *memory = json_object();
	struct provider_env env = {.self = "/skytop", .state_dir = "/s", .now_ms = 1, .var = google_var, .memory = memory, .user = "u"};
	struct provider_call c = {.verb = verb, .args = args, .env = &env, .arena = arena_create(), .scratch = json_object()};
	struct err err = {0};
	enum provider_step step = provider_gcp.step(&c, NULL, &err);
	for (int n = 0; n < 40 && (step == PROVIDER_REQUEST || step == PROVIDER_PART); n++) {
		struct provider_reply r = {.body = "", .complaint = ""};
		struct provider_http_reply *http = arena_alloc(c.arena, (c.request.n_http + 1) * sizeof *http);
		struct provider_file *files = arena_alloc(c.arena, (c.request.n_files + 1) * sizeof *files);
		for (size_t i = 0; step == PROVIDER_REQUEST && i < c.request.n_http; i++, r.n_http++)
			http[i] = (struct provider_http_reply){.status = statuses[(len + (size_t)n + i) % 8], .body = text, .body_len = len};
		for (size_t i = 0; step == PROVIDER_REQUEST && i < c.request.n_files; i++, r.n_files++)
			files[i] = (struct provider_file){.path = c.request.files[i].path, .text = len % 2 ? login : text};
		if (n == 1 && r.n_http) /* the token */
			http[0] = (struct provider_http_reply){.status = 200, .body = token, .body_len = sizeof token - 1};
		r.http = http;
		r.files = files;
		c.request = (struct provider_request){.kind = PROVIDER_HTTP};
		step = provider_gcp.step(&c, &r, &err);
	}
	MUST(step != PROVIDER_DONE || c.result);
	MUST(step != PROVIDER_FAILED || (err.code && err.text[0] && strlen(err.text) < sizeof err.text));
	json_decref(c.result);
	json_decref(c.scratch);
	json_decref(args);
	json_decref(memory);
	arena_destroy(c.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	char *text = xstrndup((const char *)data + 1, size - 1);
	size_t len = strlen(text);
	if (data[0] == 'G')
		gpus(text);
	else if (data[0] == 'R')
		request(text, len);
	else if (data[0] == 'C')
		for (int v = 0; v < PROVIDER_VERBS; v++)
			google(text, len, (enum provider_verb)v);
	else
		reply(data[0], text, len);
	free(text);
	return 0;
}
