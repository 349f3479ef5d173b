/* Why a request cannot be had, and what would help: which requirement excludes everything, what is nearest, where it is
 * sold by clouds that are not enabled. Part of plan_make; nobody else needs it. */
#ifndef CORE_PLAN_EXPLAIN_H
#define CORE_PLAN_EXPLAIN_H
#include "core/plan/optimize.h"

/* No candidate for a task. Fills failure (may be NULL) and err; returns -1. */
int explain_nothing(const struct market *m, const struct plan_request *r, const struct task *t,
    const struct candidate_counts *counts, struct plan_failure *failure, struct err *err);
/* The least that can be had costs more than the cap. t NULL: all tasks together, of which only the total is told.
 * blocked: there may be cheaper ones, but they are blocked. Returns -1. */
int explain_over_budget(const struct task *t, const struct candidate *least, bool blocked, int64_t cap_uusd_h,
    struct plan_failure *failure, struct err *err);

/* What one alternative asks for: "8x H100, 16+ CPUs [spot] at aws/us-east-1": appended. */
void explain_asked(const struct task *t, const struct resources *r, struct str *out);
/* "lambda gpu_8x_h100 at us-east-1, $23.92/h": appended. */
void explain_candidate(const struct candidate *c, struct str *out);

#endif
