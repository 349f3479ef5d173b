/* What a simulated cloud sells, how fast it is, and what goes wrong in it. The file format is described in
 * share/sim/README.md. */
#ifndef PROVIDERS_SIM_SCENARIO_H
#define PROVIDERS_SIM_SCENARIO_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/provider.h"

struct sim_zone {
	const char *region, *name;
	int64_t price_micro; /* factor on prices, in millionths */
};

struct sim_type {
	const char *name;
	const char *accelerator; /* NULL: none */
	int64_t count, gpu_mem_mib, vcpus, mem_mib;
	int64_t price_uusd_h, spot_uusd_h; /* PRICE_UNKNOWN: not sold as spot */
	int64_t capacity, spot_capacity;   /* nodes in each zone; spot ones count in both */
	const char *zones;		   /* glob: where it is sold */
};

/* Which calls or nodes a rule is about: globs, NULL: any. */
struct sim_match {
	const char *cluster, *name, *region, *zone, *instance_type, *accelerator;
	int use_spot; /* 1, 0, -1: either */
};

/* A call goes wrong. */
struct sim_failure {
	unsigned verbs; /* bit 1 << enum provider_verb */
	struct sim_match match;
	const json_t *nth;	   /* whole numbers: which of the calls that match; NULL: not by number */
	int64_t every;		   /* each n-th; 0: not so */
	int64_t probability_micro; /* -1: not by chance */
	int64_t times;		   /* at most; 0: always */
	enum err_code error;	   /* ERR_NONE: it does not fail */
	const char *message;	   /* NULL: a usual one */
	bool lost_reply;	   /* the work is done, then it fails */
	bool crash;		   /* the cloud side dies by SIGKILL */
	int64_t
	    after_nodes; /* CREATE: goes wrong when so many have been made; -1: at the start (lost_reply: at the end) */
	int64_t hang_ms; /* before it answers */
};

/* Spot nodes are taken back. */
struct sim_reclaim {
	struct sim_match match;
	int64_t after_ms;   /* after the node's start; -1: not so */
	int64_t at_ms;	    /* at a time of the cloud, which begins with its first call; -1: not so */
	int64_t rate_micro; /* by chance, so many an hour; -1: not so */
	int64_t closed_ms;  /* with at_ms: so long there is no spot capacity there */
};

struct scenario {
	struct arena *arena;
	json_t *source; /* strings live in it */
	int64_t seed, boot_ms, stop_ms, terminate_ms;
	int64_t latency_ms[PROVIDER_VERBS];
	int64_t time_scale_micro;
	int64_t quota_nodes, quota_gpus;		      /* -1: none */
	int64_t move_every_ms, swing_micro, spot_swing_micro; /* how prices move */
	struct sim_zone *zones;
	size_t n_zones;
	struct sim_type *types;
	size_t n_types;
	struct sim_failure *failures;
	size_t n_failures;
	struct sim_reclaim *reclaims;
	size_t n_reclaims;
};

/* The scenario that the configuration names (sim.scenario: a path, the name of one in share/sim, or the scenario
 * itself; absent: default) with what else stands in the configuration put over it. All durations of the result are in
 * the real time of this machine, sim.time_scale taken off, but hang_ms. INVALID names file and key. Blocks on the disk.
 */
struct scenario *scenario_load(const json_t *config, struct err *err);
void scenario_free(struct scenario *s); /* NULL is fine */

const struct sim_type *scenario_type(const struct scenario *s, const char *name);
bool scenario_sells(const struct sim_type *t, const struct sim_zone *z);
/* The price of a node at a time (ms since the cloud's first call): a function of scenario, type, zone and time alone.
 * PRICE_UNKNOWN: not sold so. */
int64_t scenario_price(
    const struct scenario *s, const struct sim_type *t, const struct sim_zone *z, bool spot, int64_t at_ms);
/* Is this object (arguments of a call, record of a node) meant? */
bool scenario_matches(const struct sim_match *m, const json_t *what);

#endif
