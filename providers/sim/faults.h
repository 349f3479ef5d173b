/* What goes wrong in a simulated cloud: rules, and the count of calls by which they fire. */
#ifndef PROVIDERS_SIM_FAULTS_H
#define PROVIDERS_SIM_FAULTS_H
#include <stdint.h>

#include "core/base/err.h"
#include "providers/common/requests.h"
#include "providers/sim/scenario.h"

/* Count this call in <state_dir>/sim.json, which lasts over all cloud sides there ever are, and find the first rule
 * that fires for it: *fires, NULL if none does. *epoch_ms: when the cloud had its first call. Blocks on the file's
 * lock. */
int faults_count(const struct scenario *s, const struct request *r, const struct sim_failure **fires, int64_t *epoch_ms,
    struct err *err);
/* Do what a rule says at its moment: wait, die, or set the error and return -1; 0 when the rule only waits. */
int faults_strike(const struct sim_failure *f, enum provider_verb verb, struct err *err);

#endif
