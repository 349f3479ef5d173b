/* What is seen in the demo: a catalog whose prices move, clusters that come up, work, lose their spot machines and come back.
 * Nothing here is drawn or faked: the script gives the same orders that a person would give, to an engine of its own, whose
 * only cloud is the simulated one. */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "core/api/client.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/store/import.h"
#include "tui/cli/demo.h"

extern char **environ;

enum { LOOK_MS = 2000, PRICE_MS = 3000, RELAUNCH_MS = 4000, CALL_MS = 3000, LEAVE_MS = 3000, ENDING_MS = 30000 };
enum { PAST_DAYS = 30, CSV_MAX = 1 << 20 };
static const int64_t day_ms = 86400000;

/* --- what it sells ------------------------------------------------------------------------------------------------ */

/* Its other clouds are off, and it writes into no file of the person's. */
static const char settings[] = "local: {enabled: false}\nssh: {include: false}\nsim: {enabled: true, scenario: demo, time_scale: %lld}\n";

static json_t *ask(const struct demo *d, enum provider_verb verb, json_t *args, int64_t now_ms, struct err *err)
{
	char *state = home_path(HOME_STATE, d->cloud->name);
	json_t *request = json_pack("{s:s, s:o, s:s, s:s, s:{s:s, s:I}}", "verb", provider_verb_name(verb), "args", args, "state_dir",
	    state, "self", d->self, "config", "scenario", "demo", "time_scale", (json_int_t)d->speed);
	json_put_int(request, "now_ms", now_ms);
	json_t *result = d->cloud->cloud_side(request, err);
	json_decref(request);
	free(state);
	return result;
}

static void add_money(struct str *s, const json_t *o, const char *key)
{
	int64_t uusd = json_int(o, key, -1);
	if (uusd >= 0)
		str_addf(s, "%lld.%06lld", (long long)(uusd / 1000000), (long long)(uusd % 1000000));
	str_addc(s, ',');
}

static void add_line(struct str *s, const json_t *o)
{
	const char *acc = json_str(o, "accelerator", NULL);
	str_addf(s, "%s,%s,", json_str(o, "instance_type", ""), acc ? acc : "");
	if (acc)
		str_addf(s, "%lld", (long long)json_int(o, "accelerator_count", 1));
	str_addf(s, ",%lld,%lld,", (long long)json_int(o, "vcpus", 0), (long long)(json_int(o, "mem_mib", 0) / 1024));
	if (acc)
		str_addf(s, "\"{'Gpus': [{'MemoryInfo': {'SizeInMiB': %lld}}]}\"", (long long)json_int(o, "gpu_mem_mib", 0));
	str_addc(s, ',');
	add_money(s, o, "price_uusd_h");
	add_money(s, o, "spot_uusd_h");
	str_addf(s, "%s,%s\n", json_str(o, "region", ""), json_str(o, "zone", ""));
}

int demo_move_prices(const struct demo *d, int64_t now_ms, struct err *err)
{
	const struct offer_source source = {.name = "simulated prices", .as_of_ms = now_ms, .as_of_known = true};
	json_t *result = ask(d, PROVIDER_OFFERS, json_object(), now_ms, err), *o;
	if (!result)
		return -1;
	struct str csv = str_new(CSV_MAX);
	str_add(&csv, "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone\n");
	size_t i;
	json_array_foreach(json_arr(result, "offers"), i, o)
		add_line(&csv, o);
	struct import_report report = {0};
	struct import *im = import_create(&report);
	char *path = home_path(HOME_CACHE, "catalog.db"), *text = xstrdup(str_text(&csv));
	int rc = import_add(im, d->cloud->name, source.name, text, csv.len, &source, NULL)
		     ? import_commit(im, path, NULL, now_ms, err)
		     : err_set(err, ERR_INVALID, "the simulated prices were refused");
	import_destroy(im);
	import_report_free(&report);
	free(path);
	free(text);
	str_free(&csv);
	json_decref(result);
	return rc;
}

/* GPUs that do not exist have nothing to tell of them, so this does: busy while the node runs something, as its memory is, with the dips
 * of checkpoints. It comes before a real one in the PATH of the demo's engine, and so of its nodes. */
static const char nvidia_smi[] =
    "#!/bin/sh\n"
    "busy=0 a=${SKYTOP_AGENT_DIR:-$HOME/.skytop}\n"
    "for f in \"$a\"/active/* \"$a\"/ranks/*/pid.run; do\n"
    "  case $f in */pid.run) IFS=: read -r p x <\"$f\" && kill -0 \"$p\" && busy=1 ;; *'/*') ;; *) busy=1 ;; esac\n"
    "done 2>/dev/null\n"
    "read -r up x </proc/uptime 2>/dev/null || up=7\n"
    "t=${up%.*} name='Simulated GPU' all=81559\n"
    "case $(cat \"$HOME/../node.json\" 2>/dev/null) in\n"
    "*h100*) name='Simulated H100' ;; *a100*) name='Simulated A100' ;; *l40s*) name='Simulated L40S' all=46068 ;;\n"
    "*l4*) name='Simulated L4' all=23034 ;; *t4*) name='Simulated T4' all=15360 ;; *a10g*) name='Simulated A10G' all=23028 ;;\n"
    "esac\n"
    "IFS=,\n"
    "for i in ${SKYTOP_GPU_INDICES-}; do\n"
    "  use=0 mem=$((all / 50))\n"
    "  [ $busy = 0 ] || { use=$((84 + (t / 5 + i * 7) % 15)) mem=$((all * (71 + i * 3 % 9) / 100)); [ $(((t + i) % 47)) -gt 4 ] || use=$((use / 3)); }\n"
    "  echo \"$i, $name, $use, $mem, $all\"\n"
    "done\n";

static int add_gpus(const struct demo *d, struct err *err)
{
	char *bin = path_join(d->home, "bin"), *file = path_join(bin, "nvidia-smi"), *path = xasprintf("%s:%s", bin, getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	int rc = fs_mkdirs(bin, err) || fs_write(file, nvidia_smi, sizeof nvidia_smi - 1, 0755, err) || setenv("PATH", path, 1);
	free(path);
	free(file);
	free(bin);
	return rc;
}

int demo_settle(const struct demo *d, struct err *err)
{
	static const int64_t past[] = {PAST_DAYS, 26, 21, 17, 12, 9, 6, 5, 4, 3, 2, 1, 0};
	char *config = home_path(HOME_CONFIG, "config.yaml"), *folder = home_path(HOME_CONFIG, ""), *cache = home_path(HOME_CACHE, "");
	char *state = home_path(HOME_STATE, d->cloud->name), *text = xasprintf(settings, (long long)d->speed);
	int rc = fs_mkdirs(folder, err) || fs_mkdirs(cache, err) || fs_mkdirs(state, err) ||
		 fs_write(config, text, strlen(text), 0600, err) || add_gpus(d, err);
	for (size_t i = 0; !rc && i < ARRAY_LEN(past); i++)
		rc = demo_move_prices(d, wall_now_ms() - past[i] * day_ms, err);
	free(text);
	free(state);
	free(cache);
	free(folder);
	free(config);
	return rc;
}

int demo_engine(const struct demo *d, struct err *err)
{
	struct client *cl = client_open(d->self, true, err);
	client_close(cl);
	return cl ? 0 : -1;
}

/* --- what happens ------------------------------------------------------------------------------------------------- */

#define TRAIN                                                                                                                       \
	"i=0; while :; do i=$((i + 1)); echo \"step $i  loss $((2900 / (i + 9) + 11)).$((i * 37 % 90 + 10))  lr 3e-4  "                 \
	"tokens/s $((181000 + i * 7919 % 9000))\"; [ $((i % 40)) = 0 ] && echo \"saved checkpoint-$i\"; sleep 0.4; done"
#define SERVE                                                                                                                       \
	"i=0; while :; do i=$((i + 1)); echo \"INFO  request $i: $((i * 613 % 900 + 60)) tokens, $((i * 97 % 400 + 120)) ms\"; "        \
	"[ $((i % 17)) = 0 ] && echo \"WARN  queue is $((i % 7 + 3)) long\"; sleep 0.7; done"
#define SWEEP                                                                                                                       \
	"i=0; while :; do i=$((i + 1)); echo \"trial $i: accuracy 0.$((i * 7 % 19 + 71))\"; sleep 1; done"
#define PREPARE "for i in 1 2 3 4 5 6 7 8; do echo \"shard $i of 8\"; sleep 0.5; done; echo done"
#define BROKEN "echo loading the model; sleep 2; echo 'CUDA out of memory: tried to allocate 20.00 GiB'; exit 1"

#define NIGHTLY                                                                                                                     \
	"launch", "-y", "--async", "-c", "nightly", "-n", "sweep", "--infra", "sim", "--use-spot", "--gpus", "A100-80GB:1", "--num-nodes", \
	    "3", SWEEP, NULL

enum { WORDS_MAX = 20 };
static const struct step {
	int64_t at_ms;
	const char *words[WORDS_MAX];
} steps[] = {
    {0, {"launch", "-y", "--async", "-c", "train", "-n", "finetune", "--infra", "sim", "--gpus", "H100:8", "--num-nodes", "2", TRAIN, NULL}},
    {200, {NIGHTLY}},
    {1000, {"budget", "set", "1000", "--simulated", NULL}},
    {1500, {"launch", "-y", "--async", "-c", "dev", "-n", "prepare", "--infra", "sim", "--gpus", "L4:1", "-i", "30", PREPARE, NULL}},
    {8000, {"exec", "--async", "dev", "-n", "eval", BROKEN, NULL}},
    {11000, {"exec", "--async", "train", "-n", "finetune-2", "--gpus", "H100:8", TRAIN, NULL}},
    {15000, {"launch", "-y", "--async", "-c", "chat", "-n", "serve", "--infra", "sim", "--gpus", "L40S:1", SERVE, NULL}},
    {24000, {"stop", "-y", "--async", "dev", NULL}},
    {60000, {"start", "-y", "--async", "dev", NULL}},
    {66000, {"exec", "--async", "dev", "-n", "prepare-2", PREPARE, NULL}},
    {100000, {"down", "-y", "--async", "dev", NULL}},
};
static const struct step again = {0, {NIGHTLY}};

/* As if typed; what it says is for nobody. Waits for it: it only hands its order in. */
static void order(const struct demo *d, const struct step *s)
{
	const char *argv[WORDS_MAX + 2] = {d->self};
	pid_t pid;
	int status;
	memcpy(argv + 1, s->words, sizeof s->words);
	if (!posix_spawn(&pid, d->self, NULL, NULL, (char *const *)argv, environ))
		waitpid(pid, &status, 0);
}

/* Things happen in the simulated cloud when somebody looks. What was taken back is ordered anew after a moment. */
static void look(const struct demo *d, struct demo_script *s, int64_t now_ms)
{
	struct err err;
	struct client *cl = client_open(d->self, false, &err);
	json_t *list = cl ? client_call(cl, "status", json_pack("{s:b}", "refresh", 1), CALL_MS, &err) : NULL, *j;
	size_t i, up = 0;
	bool nightly = false;
	json_array_foreach(list, i, j) {
		bool is_up = str_eq(json_str(j, "status", ""), "UP");
		up += is_up;
		nightly |= is_up && str_eq(json_str(j, "name", ""), "nightly");
	}
	client_close(cl);
	if (!list)
		return;
	json_decref(list);
	if (s->nightly_up && !nightly)
		s->lost_ms = now_ms;
	s->nightly_up = nightly;
	s->was_up |= up >= 3;
}

void demo_play(const struct demo *d, struct demo_script *s, int64_t now_ms)
{
	struct err err;
	if (!s->began_ms)
		s->began_ms = s->priced_ms = now_ms;
	while (s->next < ARRAY_LEN(steps) && steps[s->next].at_ms <= now_ms - s->began_ms)
		order(d, &steps[s->next++]);
	if (s->lost_ms && now_ms - s->lost_ms >= RELAUNCH_MS) {
		s->lost_ms = 0;
		order(d, &again);
	}
	if (now_ms - s->looked_ms >= (s->was_up ? LOOK_MS : LOOK_MS / 8)) {
		look(d, s, now_ms);
		s->looked_ms = now_ms;
	}
	if (now_ms - s->priced_ms >= PRICE_MS) {
		demo_move_prices(d, wall_now_ms(), &err);
		s->priced_ms = now_ms;
	}
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

/* Its machines are ended without the engine, which may be gone or stuck. */
static void end_machines(const struct demo *d)
{
	struct err err;
	int64_t until = mono_now_ms() + ENDING_MS;
	do {
		json_t *ids = json_array(), *node, *found = ask(d, PROVIDER_QUERY, json_object(), wall_now_ms(), &err);
		size_t i, n;
		json_array_foreach(json_arr(found, "nodes"), i, node)
			json_array_append(ids, json_object_get(node, "id"));
		n = json_array_size(ids);
		bool none = found && !n; /* no answer, on a machine that has much to do, is not "there are none" */
		json_decref(found);
		if (none) {
			json_decref(ids);
			return;
		}
		if (n)
			json_decref(ask(d, PROVIDER_TERMINATE, json_pack("{s:O}", "ids", ids), wall_now_ms(), &err));
		json_decref(ids);
	} while (mono_now_ms() < until);
}

void demo_clear(const struct demo *d)
{
	struct err err;
	client_stop_engine(d->self, LEAVE_MS, &err);
	end_machines(d);
	/* A process that has just been ended may still have made a file. */
	for (int i = 0; i < 10 && (fs_remove_tree(d->home, &err), fs_exists(d->home)); i++)
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
}
