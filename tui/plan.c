/* The plan: where a launch would go and what it would cost, asked of the engine, before anything is ordered. Cancel has the focus; what is
 * launched is what was asked about. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/offer.h"
#include "tui/app.h"
#include "tui/checklist.h"
#include "tui/dialog.h"
#include "tui/format.h"
#include "tui/launch_pick.h"

enum { OTHERS_MAX = 8, LABEL_COLUMNS = 10, TIGHT_ROWS = 6 };

enum plan_state { PLAN_ASKED, PLAN_READY, PLAN_REFUSED, PLAN_JOINS };

struct plan_box {
	struct arena *arena;
	struct ui_order order;
	enum plan_state state;
	unsigned ticket;
	int64_t since_ms;
	bool on_button;
	struct rect cancel_at, button_at; /* where they were drawn */
	struct ui_place *places;
	size_t n_places;
	const char *notes;
	const char *problem;
	const char *joins; /* what the cluster that is there already is */
};

static const char *copy(struct arena *arena, const char *text)
{
	return text ? arena_strdup(arena, text) : NULL;
}

static struct ui_order copy_order(struct arena *arena, const struct ui_order *o)
{
	struct ui_order c = *o;
	c.cluster = copy(arena, o->cluster);
	c.task_file = copy(arena, o->task_file);
	c.command = copy(arena, o->command);
	c.infra = copy(arena, o->infra);
	c.instance_type = copy(arena, o->instance_type);
	c.gpus = copy(arena, o->gpus);
	c.env = copy(arena, o->env);
	return c;
}

/* A cluster of that name: the job goes there, whatever else is asked. */
static const struct ui_cluster *cluster_named(const struct app *a, const char *name)
{
	const struct ui_snapshot *snap = app_snapshot(a);
	for (size_t i = 0; name && name[0] && i < snap->n_clusters; i++)
		if (str_eq(snap->clusters[i].name, name))
			return &snap->clusters[i];
	return NULL;
}

static void destroy(void *state)
{
	struct plan_box *p = state;
	arena_destroy(p->arena);
	free(p);
}

static bool ready(const struct plan_box *p)
{
	return p->state == PLAN_JOINS || p->state == PLAN_READY;
}

static void launch(struct plan_box *p, struct app *a)
{
	char what[120];
	const char *name = p->order.cluster && p->order.cluster[0] ? p->order.cluster : "a cluster";
	snprintf(what, sizeof what, p->state == PLAN_JOINS ? "Run a job on %.80s" : "Launch %.80s", name);
	if (p->order.task_file)
		pick_remember(p->order.task_file);
	unsigned ticket = app_send(a, &p->order);
	checklist_open(a, ticket, what); /* in place of this, and of the form below */
}

static void key(void *state, struct app *a, struct key k)
{
	struct plan_box *p = state;
	bool ctrl = k.mods == KEYS_CTRL;
	if (k.code == KEYS_ESC || (ctrl && (k.code == 'c' || k.code == 'g')) || (!k.mods && (k.code == 'n' || k.code == 'q')))
		app_close(a);
	else if (k.code == KEYS_ENTER && p->on_button && ready(p))
		launch(p, a);
	else if (k.code == KEYS_ENTER && !p->on_button)
		app_close(a);
	else if (k.code == KEYS_TAB)
		p->on_button = !p->on_button && ready(p);
	else if (k.code == KEYS_LEFT || k.code == KEYS_RIGHT)
		p->on_button = k.code == KEYS_RIGHT && ready(p);
	else if (!k.mods && k.code == 'y' && ready(p))
		launch(p, a);
}

static void mouse(void *state, struct app *a, const struct input_event *e)
{
	struct plan_box *p = state;
	if (e->mouse.what != MOUSE_PRESS)
		return;
	if (rect_has(p->cancel_at, e->mouse.x, e->mouse.y))
		app_close(a);
	else if (rect_has(p->button_at, e->mouse.x, e->mouse.y) && ready(p))
		launch(p, a);
}

static void planned(void *state, struct app *a, unsigned ticket, const struct ui_plan *plan, const struct err *err)
{
	(void)a;
	struct plan_box *p = state;
	if (ticket != p->ticket || p->state != PLAN_ASKED)
		return;
	if (err || !plan || !plan->n_places) {
		p->state = PLAN_REFUSED;
		p->problem = arena_strdup(p->arena, err ? err->text : "nothing fits");
		return;
	}
	p->state = PLAN_READY;
	p->n_places = plan->n_places;
	p->notes = arena_strdup(p->arena, plan->notes);
	p->places = arena_alloc(p->arena, plan->n_places * sizeof *p->places);
	for (size_t i = 0; i < plan->n_places; i++) {
		struct ui_place *at = &p->places[i];
		*at = plan->places[i];
		const char **texts[] = {&at->provider, &at->region, &at->zone, &at->instance_type, &at->resources, &at->source, &at->available, &at->no_quota};
		for (size_t t = 0; t < ARRAY_LEN(texts); t++)
			*texts[t] = arena_strdup(p->arena, *texts[t]);
	}
}

static int64_t wait_ms(void *state, const struct app *a)
{
	const struct plan_box *p = state;
	return p->state == PLAN_ASKED ? 1000 - (a->now_ms - p->since_ms) % 1000 : -1;
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static const struct ui_place *chosen(const struct plan_box *p)
{
	for (size_t i = 0; i < p->n_places; i++)
		if (p->places[i].chosen)
			return &p->places[i];
	return p->n_places ? &p->places[0] : NULL;
}

static const char *place_text(const struct ui_place *at, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", at->provider, at->zone[0] || at->region[0] ? "/" : "", offer_region_text(at->zone[0] ? at->zone : at->region));
	return buf;
}

static void line(struct canvas *c, struct rect *r, const char *label, enum role role, const char *text)
{
	struct rect room = *r;
	rect_cut_left(&room, LABEL_COLUMNS);
	if (rect_empty(*r) || room.w < 1 || !text[0])
		return;
	canvas_text(c, r->x, r->y, LABEL_COLUMNS - 1, ROLE_DIM, label);
	rect_cut_top(r, canvas_wrap(c, room, role, text));
}

static void draw_what(const struct plan_box *p, struct canvas *c, struct rect *r)
{
	const struct ui_order *o = &p->order;
	line(c, r, "runs", ROLE_TEXT, o->task_file ? o->task_file : o->command && o->command[0] ? o->command : "nothing yet: the machines alone");
	if (o->env && o->env[0])
		line(c, r, "with", ROLE_TEXT, o->env);
}

/* What is stopped is not free of charge, where that is known. */
static void draw_disk(struct canvas *c, struct rect *r, const struct ui_place *at)
{
	char text[200], money[40];
	if (at->disk_uusd_h == PRICE_UNKNOWN || at->disk_uusd_h <= 0)
		return;
	snprintf(text, sizeof text, "%s each hour for %s (%s)", format_dollars(at->disk_uusd_h * at->nodes, 1, money, sizeof money),
	    at->nodes > 1 ? "the disks" : "the disk", at->disk_source);
	line(c, r, "stopped", ROLE_DIM, text);
}

static void draw_price(struct canvas *c, struct rect *r, const struct ui_place *at)
{
	char text[400], money[40], each[40];
	const char *estimate = at->estimated ? ", an estimate" : "";
	if (at->total_uusd_h == PRICE_UNKNOWN) {
		line(c, r, "costs", ROLE_WARN, "what it costs is not known");
		return;
	}
	format_dollars(at->total_uusd_h, at->estimated, money, sizeof money);
	if (at->nodes > 1)
		snprintf(text, sizeof text, "%s each hour from now on%s: %" PRId64 " nodes, %s each", money, estimate, at->nodes,
		    format_dollars(at->price_uusd_h, at->estimated, each, sizeof each));
	else
		snprintf(text, sizeof text, "%s each hour from now on%s", money, estimate);
	line(c, r, "costs", ROLE_MONEY, text);
}

/* On little room what it costs comes before where it is. */
static void draw_chosen(const struct plan_box *p, const struct app *a, struct canvas *c, struct rect *r, bool tight)
{
	const struct ui_place *at = chosen(p);
	char text[400], place[200], age[24];
	if (tight)
		draw_price(c, r, at);
	snprintf(text, sizeof text, "%s: %s%s%s%s", place_text(at, place, sizeof place), at->instance_type, at->resources[0] ? ", " : "", at->resources,
	    at->spot ? ", spot: may be taken back at any time" : "");
	line(c, r, "where", ROLE_TEXT, text);
	if (!tight)
		draw_price(c, r, at);
	snprintf(text, sizeof text, "%s%s%s%s", at->source, at->as_of_ms ? ", " : "", at->as_of_ms ? ago_text(at->as_of_ms, a->now_ms, age, sizeof age) : ", age unknown",
	    at->stale ? ", old: it may be another one now" : "");
	line(c, r, "price by", at->stale ? ROLE_WARN : ROLE_DIM, text);
	if (!str_eq(at->available, "yes") && at->available[0])
		line(c, r, "stock", str_eq(at->available, "unknown") ? ROLE_DIM : ROLE_WARN,
		    str_eq(at->available, "unknown") ? "not known; if there is none, the next place is tried" : at->available);
	if (at->over_cap)
		line(c, r, "limit", ROLE_BAD, "dearer than max_hourly_cost allows: the engine will refuse it");
	int64_t minutes = p->order.autostop_min;
	snprintf(text, sizeof text, "%s", minutes == INT64_MIN ? "as the task or the configuration says" : "off: it costs until it is stopped");
	if (minutes >= 0)
		snprintf(text, sizeof text, "after %" PRId64 " idle minutes%s", minutes, p->order.autostop_down ? ", and then it is torn down" : "");
	line(c, r, "autostop", ROLE_TEXT, text);
	draw_disk(c, r, at);
}

static void draw_others(const struct plan_box *p, struct canvas *c, struct rect *r)
{
	const struct ui_place *best = chosen(p);
	int shown = 0;
	for (size_t i = 0; i < p->n_places && shown < OTHERS_MAX && r->h > 0; i++) {
		const struct ui_place *at = &p->places[i];
		char place[200], money[40];
		if (at == best)
			continue;
		if (!shown++) {
			rect_cut_top(r, r->h > 4);
			if (r->h < 2)
				return;
			struct rect head = rect_cut_top(r, 1);
			canvas_text(c, head.x, head.y, head.w, ROLE_HEADER, "IF NOT THERE, THEN, OF OTHER KINDS");
			if (r->h < 1)
				return;
		}
		struct rect at_line = rect_cut_top(r, 1);
		bool out = at->no_quota[0];
		canvas_right(c, at_line.x, at_line.y, LABEL_COLUMNS - 1, out ? ROLE_DIM : ROLE_MONEY,
		    format_price(at->total_uusd_h, at->estimated, money, sizeof money));
		canvas_printf(c, at_line.x + LABEL_COLUMNS, at_line.y, at_line.w - LABEL_COLUMNS, out ? ROLE_WARN : ROLE_TEXT, "%s%s %s%s%s%s", out ? "no quota: " : "",
		    place_text(at, place, sizeof place), at->instance_type, at->resources[0] ? ", " : "", at->resources, at->spot ? ", spot" : "");
		if (out && r->h > 0) {
			struct rect why = rect_cut_top(r, 1);
			canvas_printf(c, why.x + LABEL_COLUMNS, why.y, why.w - LABEL_COLUMNS, ROLE_DIM, "not tried: %s", at->no_quota);
		}
	}
}

static void draw_buttons(struct plan_box *p, struct canvas *c, struct rect at)
{
	int x = at.x;
	c->cursor_x = at.x + 2;
	c->cursor_y = at.y;
	if (p->state == PLAN_REFUSED) {
		canvas_text(c, x, at.y, at.w, ROLE_BUTTON_ON, "[ Back ]");
		return;
	}
	p->cancel_at = (struct rect){x, at.y, 10, 1};
	x += canvas_text(c, x, at.y, at.w, p->on_button ? ROLE_BUTTON : ROLE_BUTTON_ON, "[ Cancel ]") + 2;
	enum role role = p->on_button ? ROLE_BUTTON_ON : ready(p) ? ROLE_BUTTON : ROLE_DIM;
	p->button_at = (struct rect){x, at.y, canvas_printf(c, x, at.y, at.x + at.w - x, role, p->state == PLAN_JOINS ? "[ Run ]" : "[ Launch ]"), 1};
	if (p->on_button)
		c->cursor_x = x + 2;
}

/* What is asked about. Returns the lines it takes, with all the room there could be. */
static int draw_body(const struct plan_box *p, const struct app *a, struct canvas *c, struct rect r)
{
	const int room = r.h;
	if (p->state == PLAN_ASKED) {
		char took[24] = "";
		if (a->now_ms - p->since_ms >= 1000)
			duration_text((a->now_ms - p->since_ms) / 1000 * 1000, took, sizeof took);
		draw_what(p, c, &r);
		line(c, &r, "where", ROLE_BUSY, "asking the clouds");
		line(c, &r, "", ROLE_DIM, took);
	} else if (p->state == PLAN_REFUSED) {
		rect_cut_top(&r, canvas_wrap(c, r, ROLE_BAD, p->problem));
	} else if (p->state == PLAN_JOINS) {
		draw_what(p, c, &r);
		line(c, &r, "where", ROLE_TEXT, p->joins);
	} else {
		bool tight = r.h < TIGHT_ROWS;
		if (!tight)
			draw_what(p, c, &r);
		draw_chosen(p, a, c, &r, tight);
		if (tight)
			draw_what(p, c, &r);
		line(c, &r, "note", ROLE_WARN, p->notes);
		draw_others(p, c, &r);
	}
	return room - r.h;
}

static void draw_title(const struct plan_box *p, struct canvas *c, int x, int y, int w)
{
	static const struct {
		const char *before, *after, *unnamed;
	} titles[] = {[PLAN_ASKED] = {"Launch ", "?", "Launch?"}, [PLAN_READY] = {"Launch ", "?", "Launch?"},
	    [PLAN_REFUSED] = {"", " cannot be launched", "This cannot be launched"}, [PLAN_JOINS] = {"Run it on ", "?", "Run it?"}};
	const char *name = p->order.cluster;
	if (name && name[0])
		canvas_printf(c, x, y, w, ROLE_TITLE, " %s%s%s ", titles[p->state].before, name, titles[p->state].after);
	else
		canvas_printf(c, x, y, w, ROLE_TITLE, " %s ", titles[p->state].unnamed);
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect area)
{
	enum { ROWS_MAX = 100, ROWS_LEAST = 8, FRAME_ROWS = 4 };
	struct plan_box *p = state;
	int columns = layout_dialog_columns(area.w, 80), inner = columns > 5 ? columns - 4 : 1;
	/* While the clouds are asked it has about the height it will have: what it says is read from the same place. */
	struct canvas *scratch = canvas_create(inner, ROWS_MAX);
	int lines = draw_body(p, a, scratch, (struct rect){0, 0, inner, ROWS_MAX});
	canvas_destroy(scratch);
	if (p->state == PLAN_ASKED && lines < ROWS_LEAST)
		lines = ROWS_LEAST;
	struct rect box = rect_center(area, inner + 4, lines + FRAME_ROWS), r = box;
	canvas_fill(c, box, ROLE_DIALOG, ' ');
	if (box.h >= 5) {
		canvas_box(c, box, ROLE_WARN);
		draw_title(p, c, box.x + 2, box.y, box.w - 4);
		r = rect_inset(box, 2, 1);
	}
	draw_buttons(p, c, rect_cut_bottom(&r, 1));
	draw_body(p, a, c, r);
}

static const char *const *hints(void *state, const struct app *a)
{
	(void)a;
	static const char *const waits[] = {"Enter", "cancel", "Esc", "back", NULL}, *const refused[] = {"Enter", "back", "Esc", "back", NULL};
	static const char *const launch[] = {"Enter", "cancel", "y", "launch", "Tab Enter", "launch", "Esc", "back", NULL};
	static const char *const launch_now[] = {"Enter", "launch", "Tab", "to Cancel", "Esc", "back", NULL};
	static const char *const run[] = {"Enter", "cancel", "y", "run", "Tab Enter", "run", "Esc", "back", NULL};
	static const char *const run_now[] = {"Enter", "run", "Tab", "to Cancel", "Esc", "back", NULL};
	static const char *const *const of[][2] = {[PLAN_ASKED] = {waits, waits}, [PLAN_REFUSED] = {refused, refused},
	    [PLAN_READY] = {launch, launch_now}, [PLAN_JOINS] = {run, run_now}};
	const struct plan_box *p = state;
	return of[p->state][p->on_button];
}

static const struct modal_ops plan_ops = {.destroy = destroy, .key = key, .mouse = mouse, .draw = draw, .hints = hints, .planned = planned,
    .wait_ms = wait_ms, .alone = true};

void plan_open(struct app *a, const struct ui_order *order)
{
	static const unsigned first_ticket = 1u << 30; /* apart from those of orders */
	struct plan_box *p = xcalloc(1, sizeof *p);
	p->arena = arena_create();
	p->order = copy_order(p->arena, order);
	p->since_ms = a->now_ms;
	p->ticket = first_ticket + ++a->next_plan;
	const struct ui_cluster *there = cluster_named(a, p->order.cluster);
	app_push(a, &plan_ops, p);
	if (there) {
		p->state = PLAN_JOINS;
		p->joins = arena_printf(p->arena, "%s is there already (%s, %s %s): the job goes there, and nothing new is made", there->name, there->status,
		    there->provider, there->resources);
	} else {
		ui_source_plan(a->source, p->ticket, &p->order);
	}
}
