/* What the disk of a stopped machine goes on costing: list prices, as an estimate. Pure. */
#ifndef CORE_PLAN_DISKS_H
#define CORE_PLAN_DISKS_H
#include <jansson.h>
#include <stdint.h>

/* Micro-dollars an hour of one machine's disk (the largest when it is asked for in several ways): cloud "aws", task as packed,
 * with its disk_size_gib and disk_tier; NULL when the task is not known. 0 where disks cost nothing (machines of one's own); PRICE_UNKNOWN
 * where nobody knows. *source (static; may be NULL): whose figure it is, and of when. */
int64_t disk_rate_uusd_h(const char *cloud, const json_t *task, const char **source);

#endif
