/* What probes of all hosts add up to: offers, and a report for people. Pure. */
#ifndef PROVIDERS_SSH_REPORT_H
#define PROVIDERS_SSH_REPORT_H
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "providers/ssh/host.h"

/* No host at all can be used: -1, and why, of each. */
int report_none(struct arena *a, const struct pools *p, const struct host *hosts, struct err *err);
/* OFFERS' result. New reference. */
json_t *report_offers(struct arena *a, const struct pools *p, const struct host *hosts);
/* CHECK's result, with "hosts": a row for each (see report.c), "notes", "file". owner: whose leases are called ours. New reference. */
json_t *report_check(struct arena *a, const struct pools *p, const struct host *hosts, const char *owner, int64_t asked_ms, int64_t now_ms);

#endif
