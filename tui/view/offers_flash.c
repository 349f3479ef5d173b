/* Prices that have just changed stand out for a second. What was on the screen is remembered, not the whole table: nobody misses
 * the change of what he did not see. */
#include "tui/view/offers_priv.h"

#include "core/base/mem.h"
#include "tui/app.h"

enum { FLASH_MS = 1000 };

/* The rows of the page, as they were drawn. */
void offers_remember(struct offers_state *v)
{
	const struct offers *o = offers_table(v);
	size_t page = v->grid.page > 0 ? (size_t)v->grid.page : 0;
	v->n_seen = 0;
	for (size_t i = v->grid.top; i < v->list.n && i < v->grid.top + page && v->n_seen < OFFERS_SEEN_MAX; i++) {
		const struct offer *row = &o->rows[v->list.rows[i]];
		v->seen_rows[v->n_seen++] = (struct offer_seen){row->id, row->price_uusd_h, row->spot_uusd_h, 0};
	}
}

/* There is another table: what differs in it from what was seen flashes, if anybody looks. */
void offers_compare_seen(struct offers_state *v)
{
	const struct offers *o = offers_table(v);
	size_t left = v->n_seen;
	bool any = false;
	for (size_t i = 0; i < v->list.n && left && !v->app->unfocused; i++) {
		const struct offer *row = &o->rows[v->list.rows[i]];
		for (size_t k = 0; k < v->n_seen; k++) {
			struct offer_seen *s = &v->seen_rows[k];
			if (s->id != row->id)
				continue;
			s->changed = (row->price_uusd_h != s->price_uusd_h ? OFFER_PRICE_CHANGED : 0) |
				     (row->spot_uusd_h != s->spot_uusd_h ? OFFER_SPOT_CHANGED : 0);
			any |= s->changed;
			left--;
			break;
		}
	}
	v->n_flash = 0;
	for (size_t k = 0; k < v->n_seen; k++)
		if (v->seen_rows[k].changed)
			v->flash[v->n_flash++] = v->seen_rows[k];
	v->flash_until_ms = any ? v->app->now_ms + FLASH_MS : 0;
}

unsigned offers_changed(const struct offers_state *v, uint32_t id)
{
	if (v->app->now_ms >= v->flash_until_ms)
		return 0;
	for (size_t k = 0; k < v->n_flash; k++)
		if (v->flash[k].id == id)
			return v->flash[k].changed;
	return 0;
}
