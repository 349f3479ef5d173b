/* Sums over ledger intervals. A day is as long as the clock on the wall says: days and months begin at local midnight, which is found
 * from the zone's offset, so that the hours of a change of the clock are neither lost nor counted twice. No floating point: money is
 * split into whole hours and the rest, which fits 64 bits for thirty years of any machine. */
#include "core/plan/spend.h"

#include "core/base/mem.h"
#include "core/base/num.h"

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS, LOOK_BACK_DAYS = 7 };

/* ---- the calendar ------------------------------------------------------------------------------------------------ */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t offset(const struct spend_zone *z, int64_t at_ms)
{
	return z && z->offset_ms ? z->offset_ms(z->arg, at_ms) : 0;
}

/* The moment of a local midnight (days since 1970). The offset there is found by looking twice. */
static int64_t midnight(const struct spend_zone *z, int64_t day)
{
	int64_t local = day * DAY_MS, at = local - offset(z, local);
	return local - offset(z, at);
}

static int64_t local_day(const struct spend_zone *z, int64_t at_ms)
{
	return floor_div(at_ms + offset(z, at_ms), DAY_MS);
}

/* Days since 1970 and back; Howard Hinnant, “chrono-compatible low-level date algorithms”. */
static int64_t days_from_civil(int64_t y, int64_t m)
{
	y -= m <= 2;
	int64_t era = floor_div(y, 400), yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void civil_from_days(int64_t day, int64_t *y, int64_t *m)
{
	int64_t z = day + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	*m = mp < 10 ? mp + 3 : mp - 9;
	*y = yoe + era * 400 + (*m <= 2);
}

int64_t spend_day(const struct spend_zone *z, int64_t at_ms, int days)
{
	return midnight(z, local_day(z, at_ms) + days);
}

int64_t spend_month(const struct spend_zone *z, int64_t at_ms, int months)
{
	int64_t y, m;
	civil_from_days(local_day(z, at_ms), &y, &m);
	int64_t count = y * 12 + m - 1 + months;
	return midnight(z, days_from_civil(floor_div(count, 12), count - floor_div(count, 12) * 12 + 1));
}

/* ---- sums -------------------------------------------------------------------------------------------------------- */

int64_t spend_cost(int64_t price_uusd_h, int64_t ms)
{
	return ms / HOUR_MS * price_uusd_h + (ms % HOUR_MS * price_uusd_h + HOUR_MS / 2) / HOUR_MS;
}

static int64_t end_of(const struct spend *s, const struct spend_interval *i)
{
	return i->to_ms ? i->to_ms : s->now_ms > i->from_ms ? s->now_ms : i->from_ms;
}

static void add(struct spend_sum *sum, const struct spend_interval *i, int64_t uusd)
{
	sum->estimated = sum->estimated || i->estimated;
	if (i->price_uusd_h == PRICE_UNKNOWN) {
		sum->unknown = true;
		return;
	}
	sum->uusd += uusd;
	sum->disk_uusd += i->disk ? uusd : 0;
}

struct spend_sum spend_between(const struct spend *s, int64_t from_ms, int64_t to_ms)
{
	struct spend_sum sum = {0};
	for (size_t k = 0; k < s->n; k++) {
		const struct spend_interval *i = &s->v[k];
		int64_t end = end_of(s, i), from = i->from_ms > from_ms ? i->from_ms : from_ms, to = end < to_ms ? end : to_ms;
		if (from >= to)
			continue;
		sum.ms += i->disk ? 0 : to - from;
		add(&sum, i, spend_cost(i->price_uusd_h, to - from));
	}
	return sum;
}

struct spend_sum spend_rate(const struct spend *s)
{
	struct spend_sum sum = {0};
	for (size_t k = 0; k < s->n; k++) {
		const struct spend_interval *i = &s->v[k];
		if (i->to_ms)
			continue;
		add(&sum, i, i->price_uusd_h);
	}
	return sum;
}

struct spend_sum spend_today(const struct spend *s)
{
	return spend_between(s, spend_day(s->zone, s->now_ms, 0), s->now_ms);
}

struct spend_sum spend_this_month(const struct spend *s)
{
	return spend_between(s, spend_month(s->zone, s->now_ms, 0), s->now_ms);
}

/* ---- buckets ----------------------------------------------------------------------------------------------------- */

static int64_t beginning(const struct spend *s)
{
	int64_t first = INT64_MAX;
	for (size_t k = 0; k < s->n; k++)
		first = s->v[k].from_ms < first ? s->v[k].from_ms : first;
	return first;
}

void spend_buckets(const struct spend *s, const int64_t *edges, size_t n, int64_t *out)
{
	int64_t first = beginning(s);
	for (size_t k = 0; k < n; k++) {
		struct spend_sum sum = spend_between(s, edges[k], edges[k + 1]);
		out[k] = edges[k + 1] <= first || (sum.unknown && !sum.uusd) ? -1 : sum.uusd;
	}
}

void spend_hours(const struct spend *s, size_t n, int64_t *out)
{
	int64_t last = s->now_ms + offset(s->zone, s->now_ms);
	last = floor_div(last, HOUR_MS) * HOUR_MS - offset(s->zone, s->now_ms);
	for (size_t k = 0; k <= n; k++)
		out[k] = last + HOUR_MS * ((int64_t)k - (int64_t)n + 1);
}

void spend_days(const struct spend *s, size_t n, int64_t *out)
{
	for (size_t k = 0; k <= n; k++)
		out[k] = spend_day(s->zone, s->now_ms, (int)k - (int)n + 1);
}

/* ---- the end of the month ---------------------------------------------------------------------------------------- */

/* What the remaining time costs when all that can stop by itself does as soon as it can. */
static int64_t least_ahead(const struct spend *s, int64_t end_ms, bool *autostop)
{
	int64_t sum = 0;
	for (size_t k = 0; k < s->n; k++) {
		const struct spend_interval *i = &s->v[k];
		int64_t stops = i->stops_ms && i->stops_ms < end_ms ? i->stops_ms : end_ms;
		if (i->to_ms || i->price_uusd_h == PRICE_UNKNOWN)
			continue;
		*autostop = *autostop || stops < end_ms;
		if (stops > s->now_ms)
			sum += spend_cost(i->price_uusd_h, stops - s->now_ms);
	}
	return sum;
}

struct spend_projection spend_project(const struct spend *s)
{
	struct spend_sum month = spend_this_month(s), rate = spend_rate(s);
	struct spend_projection p = {.ends_ms = spend_month(s->zone, s->now_ms, 1), .unknown = month.unknown || rate.unknown};
	int64_t left = p.ends_ms - s->now_ms, first = beginning(s), least = INT64_MAX, most = 0;
	bool autostop = false;
	for (int d = 1; d <= LOOK_BACK_DAYS; d++) {
		int64_t from = spend_day(s->zone, s->now_ms, -d);
		if (from < first)
			break;
		int64_t day = spend_between(s, from, spend_day(s->zone, s->now_ms, 1 - d)).uusd;
		least = day < least ? day : least;
		most = day > most ? day : most;
		p.days = d;
	}
	p.point_uusd = month.uusd + spend_cost(rate.uusd, left);
	p.low_uusd = p.high_uusd = p.point_uusd;
	/* A day's money is a price for a day: for an hour it is a 24th. */
	if (p.days && month.uusd + spend_cost(least / 24, left) < p.low_uusd)
		p.low_uusd = month.uusd + spend_cost(least / 24, left);
	if (p.days && month.uusd + spend_cost(most / 24, left) > p.high_uusd)
		p.high_uusd = month.uusd + spend_cost(most / 24, left);
	int64_t stopping = month.uusd + least_ahead(s, p.ends_ms, &autostop);
	if (autostop && stopping < p.low_uusd) {
		p.low_uusd = stopping;
		p.autostop = true;
	}
	return p;
}

/* ---- since yesterday --------------------------------------------------------------------------------------------- */

/* Micro-dollars of a machine's hour. */
static int64_t mean_price(const struct spend_sum *sum)
{
	return sum->unknown || sum->ms < 1000 ? PRICE_UNKNOWN : (int64_t)((double)(sum->uusd - sum->disk_uusd) / (double)sum->ms * HOUR_MS + 0.5);
}

static bool runs(const struct spend *s)
{
	for (size_t k = 0; k < s->n; k++)
		if (!s->v[k].to_ms && !s->v[k].disk)
			return true;
	return false;
}

static int64_t last_end(const struct spend *s)
{
	int64_t last = 0;
	for (size_t k = 0; k < s->n; k++)
		last = s->v[k].to_ms > last && !s->v[k].disk ? s->v[k].to_ms : last;
	return last;
}

struct spend_change spend_compare(const struct spend *s)
{
	int64_t day_ago = s->now_ms - DAY_MS, first = beginning(s), last = last_end(s);
	struct spend_change c = {.now = spend_between(s, day_ago, s->now_ms), .before = spend_between(s, day_ago - DAY_MS, day_ago)};
	c.diff_uusd = c.now.uusd - c.before.uusd;
	c.price_before = mean_price(&c.before);
	c.price_after = mean_price(&c.now);
	int64_t hours = c.now.ms > c.before.ms ? c.now.ms - c.before.ms : c.before.ms - c.now.ms;
	/* Prices are means over whole seconds: less than a thousandth is rounding. */
	int64_t step = c.price_after > c.price_before ? c.price_after - c.price_before : c.price_before - c.price_after;
	bool dearer = c.price_after != PRICE_UNKNOWN && c.price_before != PRICE_UNKNOWN && step > c.price_before / 1000;
	if (!s->n || (!c.now.ms && !c.before.ms))
		return c;
	if (first >= day_ago) {
		c.why = SPEND_LAUNCHED;
		c.at_ms = first;
	} else if (!runs(s) && last) {
		c.why = SPEND_ENDED;
		c.at_ms = last;
	} else if (dearer && spend_cost(step, c.now.ms) >= spend_cost(c.price_before, hours)) {
		c.why = SPEND_PRICE;
	} else if (c.diff_uusd) {
		c.why = SPEND_HOURS;
	}
	return c;
}

/* ---- budgets ----------------------------------------------------------------------------------------------------- */

int spend_reached(int64_t spent_uusd, int64_t budget_uusd, const int *percent, size_t n)
{
	int reached = 0;
	for (size_t k = 0; k < n; k++)
		if (spent_uusd > 0 && budget_uusd / 100 * percent[k] + budget_uusd % 100 * percent[k] / 100 <= spent_uusd && percent[k] > reached)
			reached = percent[k];
	return reached;
}
