/* What is being spent, on what, and where it leads: pure sums over ledger intervals. An interval says what ran, from when to when, at
 * what price; there are no counters that run along, so any figure can be had for any moment, and is the same each time.
 *
 * Times are UTC milliseconds, money is micro-dollars. A price that is not known is never 0: a sum then says `unknown`, and its figure
 * is what is known of it. */
#ifndef CORE_PLAN_SPEND_H
#define CORE_PLAN_SPEND_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the person is: how far local time is ahead of UTC at a moment. A NULL function is UTC. */
struct spend_zone {
	int64_t (*offset_ms)(void *arg, int64_t at_ms);
	void *arg;
};

/* Midnight of the local day of at_ms, so many days later; the first of its month, so many months later. Right over changes of the clock. */
int64_t spend_day(const struct spend_zone *z, int64_t at_ms, int days);
int64_t spend_month(const struct spend_zone *z, int64_t at_ms, int months);

struct spend_interval {
	int64_t from_ms, to_ms;	 /* to_ms 0: it runs */
	int64_t price_uusd_h;	 /* PRICE_UNKNOWN */
	int64_t stops_ms;	 /* what runs ends by itself then at the soonest (autostop); 0: it does not */
	size_t owner;		 /* whose it is: the caller's number */
	bool estimated;
	bool disk;		 /* of a stopped machine: money, but no machine time */
};

/* Some intervals, and now. */
struct spend {
	const struct spend_interval *v;
	size_t n;
	int64_t now_ms;
	const struct spend_zone *zone;
};

struct spend_sum {
	int64_t uusd; /* or micro-dollars an hour */
	int64_t disk_uusd; /* of them, for disks of stopped machines */
	int64_t ms;   /* machine time */
	bool unknown, estimated;
};

/* One interval's cost in [from, to), rounded to the nearest micro-dollar. */
int64_t spend_cost(int64_t price_uusd_h, int64_t ms);
struct spend_sum spend_between(const struct spend *s, int64_t from_ms, int64_t to_ms);
struct spend_sum spend_rate(const struct spend *s); /* an hour, now; ms is 0 */
struct spend_sum spend_today(const struct spend *s);
struct spend_sum spend_this_month(const struct spend *s);

/* What was spent between n + 1 edges, oldest first; -1: nothing was kept then (before the first interval), or no price is known. */
void spend_buckets(const struct spend *s, const int64_t *edges, size_t n, int64_t *out);
/* Edges for it: the last n clock hours or local days; the last one is under way and ends with it. out has n + 1. */
void spend_hours(const struct spend *s, size_t n, int64_t *out);
void spend_days(const struct spend *s, size_t n, int64_t *out);

/* The end of the month. The point: what was spent so far, and the present rate until then. The band's ends: the remaining days at the
 * least and the greatest of the last (at most) seven whole days; and below, all that has an autostop stops as soon as it can. The band
 * always holds the point. */
struct spend_projection {
	int64_t ends_ms;
	int64_t point_uusd, low_uusd, high_uusd;
	int days;	/* whole days looked back at; 0: there are none yet */
	bool autostop;	/* it made the lower end */
	bool unknown;	/* something has no price: all three are what is known */
};
struct spend_projection spend_project(const struct spend *s);

/* The last 24 hours against the 24 before, of the intervals of one owner. */
enum spend_why { SPEND_SAME, SPEND_LAUNCHED, SPEND_ENDED, SPEND_PRICE, SPEND_HOURS };
struct spend_change {
	struct spend_sum now, before;
	int64_t diff_uusd;
	enum spend_why why;
	int64_t at_ms;			   /* LAUNCHED, ENDED: when */
	int64_t price_before, price_after; /* mean $/h of a machine, where there is one; else PRICE_UNKNOWN */
};
struct spend_change spend_compare(const struct spend *s);

/* Of so much so much is spent: the highest of the warnings (percent, ascending) that are reached, or 0. */
int spend_reached(int64_t spent_uusd, int64_t budget_uusd, const int *percent, size_t n);

#endif
