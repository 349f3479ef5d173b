/* What a spot machine may come to cost before it is let go. Pure. */
#ifndef CORE_PLAN_BID_H
#define CORE_PLAN_BID_H
#include <stdint.h>

/* Micro-dollars an hour: on_demand × (1 − r²), r the share of such machines that is taken back (reclaim_percent; RECLAIM_UNKNOWN: no such bid),
 * and at most cap (the person's own); never below what it costs now, unless the cap is. PRICE_UNKNOWN for each that is not known, and as the
 * answer when nothing bounds it. */
int64_t bid_uusd_h(int64_t on_demand_uusd_h, int64_t now_uusd_h, uint8_t reclaim_percent, int64_t cap_uusd_h);

#endif
