/* The screen's state and how events change it. What each view keeps is the view's; what lies over a view is one value,
 * a->modal; everything the person can do comes through app_act, from a key, a click or the palette alike. No I/O here: the
 * rim (screen.c) draws when `dirty`, and does what `suspend`, `login`, `redraw` and `quit` ask. */
#include "tui/app.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/palette.h"
#include "tui/view/views.h"

/* In the order of their numbers. */
const struct view_ops *const app_views[] = {
    &offers_view,
    &clusters_view,
    &jobs_view,
    &managed_view,
    &services_view,
    &logs_view,
    &cost_view,
    &metrics_view,
    &activity_view,
    &recipes_view,
};
const size_t app_n_views = ARRAY_LEN(app_views);

/* What one's own machines have free is asked only while somebody looks. */
static void look_at_offers(const struct app *a)
{
	ui_source_live(a->source, app_view(a) == &offers_view);
}

void app_init(struct app *a, struct ui_source *source, struct prices *prices, int64_t now_ms)
{
	*a = (struct app){.source = source, .prices = prices, .now_ms = now_ms, .dirty = true, .mouse = true, .w = 80, .h = 24};
	a->keys = keymap_create();
	notices_init(&a->notices);
	for (size_t i = 0; i < app_n_views; i++)
		a->views[i] = app_views[i]->create(a);
	look_at_offers(a);
}

void app_finish(struct app *a)
{
	while (a->modal.ops)
		app_close(a);
	for (size_t i = 0; i < app_n_views; i++)
		app_views[i]->destroy(a->views[i]);
	notices_finish(&a->notices);
	keymap_destroy(a->keys);
	free(a->login);
	free(a->theme);
	free(a->copy);
	arena_destroy(a->copies_of);
	free(a->edit);
}

/* --- for views and modals ----------------------------------------------------------------------------------------- */

const struct view_ops *app_view(const struct app *a)
{
	return app_views[a->view];
}

void *app_view_state(struct app *a, const struct view_ops *ops)
{
	for (size_t i = 0; i < app_n_views; i++)
		if (app_views[i] == ops)
			return a->views[i];
	return NULL;
}

void app_show(struct app *a, size_t view)
{
	if (view >= app_n_views)
		return;
	a->view = view;
	a->dirty = true;
	look_at_offers(a);
	if (app_views[view]->shown)
		app_views[view]->shown(a->views[view], a);
}

size_t app_view_named(const char *name)
{
	for (size_t i = 0; i < app_n_views; i++)
		if (name[0] && str_starts(app_views[i]->name, name))
			return i;
	return SIZE_MAX;
}

const struct ui_snapshot *app_snapshot(const struct app *a)
{
	return ui_source_snapshot(a->source);
}

void app_close(struct app *a)
{
	struct modal m = a->modal;
	a->modal = a->under;
	a->under = (struct modal){0};
	if (m.ops)
		m.ops->destroy(m.state);
	a->dirty = true;
}

void app_open(struct app *a, const struct modal_ops *ops, void *state)
{
	while (a->modal.ops)
		app_close(a);
	a->modal = (struct modal){ops, state};
}

void app_push(struct app *a, const struct modal_ops *ops, void *state)
{
	if (a->under.ops)
		a->under.ops->destroy(a->under.state);
	a->under = a->modal;
	a->modal = (struct modal){ops, state};
	a->dirty = true;
}

void app_say(struct app *a, bool bad, const char *fmt, ...)
{
	char text[NOTICE_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	notices_say(&a->notices, bad, text, a->now_ms);
	a->dirty = true;
}

void app_copy(struct app *a, const char *what, const char *text)
{
	free(a->copy);
	a->copy = xstrdup(text);
	snprintf(a->copy_what, sizeof a->copy_what, "%s", what);
}

unsigned app_send(struct app *a, const struct ui_order *order)
{
	unsigned ticket = notices_order(&a->notices, order, a->now_ms);
	ui_source_send(a->source, ticket, order);
	a->dirty = true;
	return ticket;
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

const char *app_why_not(const struct app *a, enum action act)
{
	if (action_info(act)->orders && !a->source)
		return "this screen was opened without an engine";
	if (action_info(act)->orders && a->read_only)
		return "this screen was opened read-only";
	const struct view_ops *v = app_view(a);
	return v->why_not ? v->why_not(a->views[a->view], a, act) : NULL;
}

static bool go_to_view(struct app *a, enum action act)
{
	for (size_t i = 0; i < app_n_views; i++) {
		if (app_views[i]->go == act) {
			app_show(a, i);
			return true;
		}
	}
	return false;
}

bool app_leave(struct app *a, struct key k)
{
	enum action act = key_action(a->keys, SCOPE_GLOBAL, k);
	bool goes = false;
	for (size_t i = 0; i < app_n_views; i++)
		goes = goes || app_views[i]->go == act;
	if (!goes)
		return false;
	app_close(a);
	return go_to_view(a, act);
}

static void toggle_mouse(struct app *a)
{
	a->mouse = !a->mouse;
	app_say(a, false, a->mouse ? "the mouse clicks here now; Shift with it selects text" : "the mouse selects text now, as the terminal does it");
}

static void act_globally(struct app *a, enum action act)
{
	if (go_to_view(a, act))
		return;
	if (act == ACTION_HELP)
		palette_help(a);
	else if (act == ACTION_PALETTE)
		palette_open(a);
	else if (act == ACTION_MESSAGES)
		palette_messages(a);
	else if (act == ACTION_COPY)
		palette_copy(a);
	else if (act == ACTION_THEME)
		palette_themes(a);
	else if (act == ACTION_MOUSE)
		toggle_mouse(a);
	else if (act == ACTION_REDRAW)
		a->redraw = true;
	else if (act == ACTION_SUSPEND)
		a->suspend = true;
	else if (act == ACTION_QUIT)
		a->quit = true;
}

void app_act(struct app *a, enum action act)
{
	if (act == ACTION_NONE)
		return;
	a->dirty = true;
	const char *why_not = app_why_not(a, act);
	if (why_not) {
		app_say(a, false, "%s: %s", action_info(act)->name, why_not);
		return;
	}
	if (!app_view(a)->act(a->views[a->view], a, act))
		act_globally(a, act);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static void on_key(struct app *a, struct key k)
{
	notices_seen(&a->notices, a->now_ms);
	a->key_ms = a->now_ms;
	const struct view_ops *v = app_view(a);
	enum action always = key_action(a->keys, SCOPE_GLOBAL, k);
	if (k.mods == KEYS_CTRL && (always == ACTION_SUSPEND || always == ACTION_REDRAW))
		act_globally(a, always); /* whatever is open or being typed */
	else if (a->modal.ops)
		a->modal.ops->key(a->modal.state, a, k);
	else if (!v->key || !v->key(a->views[a->view], a, k))
		app_act(a, key_action(a->keys, v->scope, k));
}

static void on_paste(struct app *a, const struct input_event *e)
{
	const struct view_ops *v = app_view(a);
	if (e->paste_cut)
		app_say(a, true, "the pasted text is longer than %d KiB: the rest was left out", INPUT_PASTE_MAX >> 10);
	if (a->modal.ops) {
		if (a->modal.ops->paste)
			a->modal.ops->paste(a->modal.state, a, e->paste, e->paste_len);
	} else if (!v->paste || !v->paste(a->views[a->view], a, e->paste, e->paste_len)) {
		app_say(a, false, "pasted text is ignored here: it is never taken for keys");
	}
}

static void on_mouse(struct app *a, const struct input_event *e)
{
	const struct view_ops *v = app_view(a);
	if (a->modal.ops) {
		if (a->modal.ops->mouse)
			a->modal.ops->mouse(a->modal.state, a, e);
	} else if (e->mouse.y == 0 && e->mouse.what == MOUSE_PRESS) {
		size_t tab = frame_tab_at(a, e->mouse.x);
		if (tab < app_n_views)
			app_act(a, app_views[tab]->go);
	} else if (e->mouse.what == MOUSE_PRESS && frame_action_at(a, e->mouse.x, e->mouse.y) != ACTION_NONE) {
		app_act(a, frame_action_at(a, e->mouse.x, e->mouse.y));
	} else if (v->mouse) {
		v->mouse(a->views[a->view], a, e);
	}
}

void app_input(struct app *a, const struct input_event *e, int64_t now_ms)
{
	a->now_ms = now_ms;
	if (e->type == INPUT_FOCUS) {
		a->unfocused = !e->focus;
		return;
	}
	a->dirty = true;
	if (e->type == INPUT_KEY)
		on_key(a, e->key);
	else if (e->type == INPUT_PASTE)
		on_paste(a, e);
	else
		on_mouse(a, e);
}

void app_resize(struct app *a, int w, int h)
{
	a->w = w;
	a->h = h;
	a->dirty = true;
}

/* Other prices, unless somebody has his hand on the list. True: all that was borrowed from the ones before is gone. */
static bool take_prices(struct app *a)
{
	const struct ui_snapshot *snap = app_snapshot(a);
	bool hold = offers_hold(a);
	a->prices_wait = hold && (prices_newer(a->prices) || !prices_overlaid(a->prices, snap->live_number));
	if (hold)
		return false;
	bool fresh = prices_refresh(a->prices);
	return prices_overlay(a->prices, snap->live, snap->live_number) || fresh;
}

static void tell_views(struct app *a)
{
	for (size_t i = 0; i < app_n_views; i++)
		if (app_views[i]->news)
			app_views[i]->news(a->views[i], a);
	a->dirty = true;
}

void app_news(struct app *a, int64_t now_ms)
{
	a->now_ms = now_ms;
	notices_follow(&a->notices, app_snapshot(a), now_ms);
	take_prices(a);
	tell_views(a);
}

void app_replied(struct app *a, unsigned ticket, int64_t request_id, const struct err *err, int64_t now_ms)
{
	a->now_ms = now_ms;
	notices_replied(&a->notices, ticket, request_id, err, now_ms);
	for (const struct notice *n; (n = notices_to_stop(&a->notices));) {
		const struct notice unwanted = *n; /* sending moves the list */
		app_send(a, &(struct ui_order){.verb = UI_CANCEL_REQUEST, .cluster = unwanted.object, .id = unwanted.request_id});
	}
	notices_follow(&a->notices, app_snapshot(a), now_ms);
	a->dirty = true;
}

void app_planned(struct app *a, unsigned ticket, const struct ui_plan *plan, const struct err *err, int64_t now_ms)
{
	a->now_ms = now_ms;
	if (a->modal.ops && a->modal.ops->planned)
		a->modal.ops->planned(a->modal.state, a, ticket, plan, err);
	a->dirty = true;
}

void app_returned(struct app *a, int64_t now_ms)
{
	a->now_ms = now_ms;
	if (app_view(a)->shown)
		app_view(a)->shown(a->views[a->view], a);
	a->dirty = true;
}

void app_log_data(struct app *a, unsigned log, const char *data, size_t len, int64_t at_ms)
{
	for (size_t i = 0; i < app_n_views; i++)
		if (app_views[i]->log_data)
			app_views[i]->log_data(a->views[i], a, log, data, len, at_ms);
}

void app_log_older(struct app *a, unsigned log, const char *data, size_t len, int64_t at_ms)
{
	for (size_t i = 0; i < app_n_views; i++)
		if (app_views[i]->log_older)
			app_views[i]->log_older(a->views[i], a, log, data, len, at_ms);
}

void app_log_end(struct app *a, unsigned log, bool broken, const char *text)
{
	for (size_t i = 0; i < app_n_views; i++)
		if (app_views[i]->log_end)
			app_views[i]->log_end(a->views[i], a, log, broken, text);
}

void app_tick(struct app *a, int64_t now_ms)
{
	a->now_ms = now_ms;
	a->dirty = true;
	if (take_prices(a))
		tell_views(a);
}

int64_t app_wait_ms(const struct app *a)
{
	/* Ages change by the minute; that is also how soon new prices are noticed. */
	int64_t minute = 60000 - a->now_ms % 60000, notice = notices_wait_ms(&a->notices, a->now_ms);
	int64_t view = app_view(a)->wait_ms ? app_view(a)->wait_ms(a->views[a->view], a) : -1;
	int64_t modal = a->modal.ops && a->modal.ops->wait_ms ? a->modal.ops->wait_ms(a->modal.state, a) : -1;
	const int64_t waits[] = {notice, view, modal};
	int64_t least = minute;
	for (size_t i = 0; i < ARRAY_LEN(waits); i++)
		least = waits[i] >= 0 && waits[i] < least ? waits[i] : least;
	return least;
}

void app_title(const struct app *a, char *buf, size_t size)
{
	const struct ui_snapshot *snap = app_snapshot(a);
	char money[32];
	size_t up = 0;
	for (size_t i = 0; i < snap->n_clusters; i++)
		up += !str_eq(snap->clusters[i].status, "STOPPED");
	if (!snap->at_ms)
		snprintf(buf, size, "skytop");
	else
		snprintf(buf, size, "skytop: %zu cluster%s up, $%s/h", up, up == 1 ? "" : "s",
		    money_text(snap->spend.now_uusd_h, money, sizeof money));
}

json_t *app_save(const struct app *a)
{
	json_t *all = json_object();
	json_put_str(all, "view", app_view(a)->name);
	for (size_t i = 0; i < app_n_views; i++)
		if (app_views[i]->save)
			json_object_set_new(all, app_views[i]->name, app_views[i]->save(a->views[i]));
	return all;
}

void app_restore(struct app *a, const json_t *saved, bool show)
{
	for (size_t i = 0; i < app_n_views; i++) {
		const json_t *of_view = json_obj(saved, app_views[i]->name);
		if (of_view && app_views[i]->restore)
			app_views[i]->restore(a->views[i], a, of_view);
		if (show && str_eq(json_str(saved, "view", ""), app_views[i]->name))
			app_show(a, i);
	}
}

void app_draw(struct app *a, struct canvas *c)
{
	canvas_clear(c);
	frame_draw(a, c);
	a->dirty = false;
	a->lazy = a->lazy && a->hold;
}
