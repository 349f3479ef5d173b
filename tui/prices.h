/* The prices the screen shows: catalog.db, read by the screen itself, opened again when somebody has brought it up to date; and behind it
 * what is offered now and in no catalog. */
#ifndef TUI_PRICES_H
#define TUI_PRICES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/model/offer.h"

struct prices;

/* Never NULL: without a catalog there are no offers, and prices_problem says why. */
struct prices *prices_open(void);
void prices_close(struct prices *p); /* NULL is fine */
/* Is there another catalog now? Then it has been opened: all that was borrowed is gone. One stat(2) otherwise. */
bool prices_refresh(struct prices *p);
/* Is there another catalog than the one that is open? */
bool prices_newer(const struct prices *p);
/* A descriptor, owned by p, that becomes readable when prices_refresh may have something to do; -1: there is none here. Call
 * prices_drain then. */
int prices_fd(const struct prices *p);
void prices_drain(struct prices *p);
/* Another number whenever they were opened anew; never 0. */
unsigned prices_revision(const struct prices *p);
/* Borrowed; never NULL. */
const struct offers *prices_offers(const struct prices *p);
/* What went wrong while opening; NULL: nothing. */
const char *prices_problem(const struct prices *p);
/* The day of the newest figures; 0 unknown. */
int64_t prices_as_of_ms(const struct prices *p);

/* Offers of no catalog, from now on behind the catalog's: copied, the first PRICES_LIVE_MAX of them; NULL: none any more. Another number
 * says that they are others. True: so they are, and all that was borrowed is gone. */
enum { PRICES_LIVE_MAX = 500 };
bool prices_overlay(struct prices *p, const struct offers *live, unsigned number);
/* Is it that number by now? */
bool prices_overlaid(const struct prices *p, unsigned number);

enum { PRICES_DAYS = 7 };
/* The price at the end of each of the last PRICES_DAYS days up to now, oldest first; -1 where it is not known. spot: of the
 * spot price. Returns how many are known; 0 when the price never moved as far as anybody knows. Kept, so that drawing the
 * same rows again reads nothing. */
size_t prices_week(struct prices *p, uint32_t offer_id, bool spot, int64_t now_ms, int64_t out[PRICES_DAYS]);

/* The last `max` changes, oldest first. */
size_t prices_history(struct prices *p, uint32_t offer_id, struct price_point *out, size_t max);

#endif
