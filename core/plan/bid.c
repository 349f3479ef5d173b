/* The dynamic bid: where machines are rarely taken back nearly the price on demand; where often, less, as an hour there is worth less. */
#include "core/plan/bid.h"

#include "core/base/num.h"
#include "core/model/offer.h"

int64_t bid_uusd_h(int64_t on_demand_uusd_h, int64_t now_uusd_h, uint8_t reclaim_percent, int64_t cap_uusd_h)
{
	int64_t bid = PRICE_UNKNOWN;
	if (on_demand_uusd_h != PRICE_UNKNOWN && reclaim_percent != RECLAIM_UNKNOWN) {
		int64_t r = reclaim_percent < 100 ? reclaim_percent : 100, keep = 10000 - r * r;
		bid = on_demand_uusd_h / 10000 * keep + on_demand_uusd_h % 10000 * keep / 10000;
		if (now_uusd_h != PRICE_UNKNOWN && bid < now_uusd_h)
			bid = now_uusd_h;
	}
	if (cap_uusd_h != PRICE_UNKNOWN && (bid == PRICE_UNKNOWN || cap_uusd_h < bid))
		return cap_uusd_h;
	return bid;
}
