/* What it costs, and how long it takes, to move data from one place to another. */
#ifndef CORE_PLAN_TRANSFER_H
#define CORE_PLAN_TRANSFER_H
#include <stdbool.h>
#include <stdint.h>

#include "core/model/egress.h"

struct transfer_place {
	const char *cloud;  /* NULL: nowhere in particular; moving costs nothing */
	const char *region; /* NULL: some region of the cloud */
};

/* Micro-dollars for gb_micro (millionths of a GB) in one month's tariff, its steps added up. From the table where it
 * has the way (table may be NULL), else from the cloud's general tariff; clouds that charge nothing, or of which
 * nothing is known: 0. Within a region, and to a region not told of the same cloud: 0. */
int64_t transfer_cost_uusd(const struct egress_table *table, const struct transfer_place *from,
    const struct transfer_place *to, int64_t gb_micro);
/* At 10 Gbit/s; 0 within a region. */
int64_t transfer_time_ms(const struct transfer_place *from, const struct transfer_place *to, int64_t gb_micro);
/* The cloud whose storage a URI names: "s3://b/x" → aws. NULL: none, or not known. */
const char *transfer_cloud_of_uri(const char *uri);

#endif
