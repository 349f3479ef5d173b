/* What providers read: the answer of a cloud side, nvidia-smi's list, a scenario. The first byte says which; for
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
	if (c.verb == PROVIDER_QUOTA)
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
	else
		reply(data[0], text, len);
	free(text);
	return 0;
}
