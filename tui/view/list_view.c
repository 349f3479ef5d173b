/* What views made of lists do alike: the list that has the keys gets them, clicks go to the list they hit, orders are kept. A view keeps its
 * own state behind a struct list_view and adds what its items can do. */
#include "core/base/json.h"
#include "tui/app.h"
#include "tui/view/details.h"
#include "tui/view/list.h"

enum { UNFOLD_COLUMNS = 170 };

void list_view_add(struct list_view *v, const char *name, const struct list_kind *kind)
{
	list_init(&v->lists[v->n], v->app, kind, v);
	v->names[v->n++] = name;
}

void list_view_finish(struct list_view *v)
{
	for (size_t i = 0; i < v->n; i++)
		list_finish(&v->lists[i]);
}

struct list *list_view_focused(struct list_view *v)
{
	return &v->lists[v->focus];
}

static void moved(struct list_view *v)
{
	if (v->moved)
		v->moved(v);
}

void list_view_details(struct list_view *v, bool open)
{
	v->details = open;
	v->chosen = true;
}

void list_view_unfold(struct list_view *v, int width)
{
	bool open = width >= UNFOLD_COLUMNS && v->lists[0].n;
	if (v->chosen || open == v->details)
		return;
	v->details = open;
	moved(v);
}

bool list_view_act(struct list_view *v, enum action what)
{
	struct list *l = list_view_focused(v);
	bool plain = !l->grid.n_marks && !l->query.field.len;
	if (what == ACTION_BACK && v->details && v->chosen) {
		list_view_details(v, false);
	} else if (what == ACTION_BACK && v->focus && plain) {
		v->focus = 0;
	} else if (what == ACTION_DETAILS) {
		list_view_details(v, !v->details && l->n);
	} else if (what == ACTION_PANE && v->n > 1) {
		v->focus = (v->focus + 1) % v->n;
	} else if (!list_act(l, what)) {
		return false;
	}
	moved(v);
	return true;
}

/* --- in the table of views ---------------------------------------------------------------------------------------- */

bool list_view_key(void *view, struct app *a, struct key k)
{
	(void)a;
	struct list_view *v = view;
	bool taken = list_key(list_view_focused(v), k);
	if (taken)
		moved(v);
	return taken;
}

bool list_view_paste(void *view, struct app *a, const char *text, size_t len)
{
	(void)a;
	struct list_view *v = view;
	bool taken = list_paste(list_view_focused(v), text, len);
	if (taken)
		moved(v);
	return taken;
}

/* The list whose titles or rows are there; else the one that has the keys. */
static size_t list_at(const struct list_view *v, int x, int y)
{
	for (size_t i = 0; i < v->n; i++) {
		struct rect r = v->lists[i].grid.rows_at;
		if (!rect_empty(r) && rect_has((struct rect){r.x, r.y - 1, r.w, r.h + 1}, x, y))
			return i;
	}
	return v->focus;
}

void list_view_mouse(void *view, struct app *a, const struct input_event *e)
{
	(void)a;
	struct list_view *v = view;
	size_t at = list_at(v, e->mouse.x, e->mouse.y);
	if (e->mouse.what == MOUSE_PRESS)
		v->focus = at;
	list_mouse(&v->lists[at], e);
	moved(v);
}

void list_view_news(void *view, struct app *a)
{
	(void)a;
	struct list_view *v = view;
	for (size_t i = 0; i < v->n; i++)
		list_news(&v->lists[i]);
	moved(v);
}

const char *const *list_view_hints(void *view, const struct app *a)
{
	(void)a;
	return list_hints(list_view_focused(view));
}

int64_t list_view_wait_ms(void *view, const struct app *a)
{
	(void)a;
	const struct list_view *v = view;
	int64_t least = -1;
	for (size_t i = 0; i < v->n; i++) {
		int64_t wait = list_wait_ms(&v->lists[i]);
		least = wait >= 0 && (least < 0 || wait < least) ? wait : least;
	}
	return least;
}

json_t *list_view_save(void *view)
{
	struct list_view *v = view;
	json_t *j = json_object();
	for (size_t i = 0; i < v->n; i++)
		json_object_set_new(j, v->names[i], grid_save(&v->lists[i].grid));
	if (v->chosen)
		json_put_bool(j, "details", v->details);
	return j;
}

void list_view_restore(void *view, struct app *a, const json_t *saved)
{
	(void)a;
	struct list_view *v = view;
	for (size_t i = 0; i < v->n; i++) {
		grid_restore(&v->lists[i].grid, json_object_get(saved, v->names[i]));
		list_remake(&v->lists[i]);
	}
	v->chosen = json_object_get(saved, "details") != NULL;
	v->details = json_bool(saved, "details", false);
	moved(v);
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

void list_view_hide(struct list_view *v)
{
	for (size_t i = 0; i < v->n; i++)
		v->lists[i].grid.rows_at = (struct rect){0, 0, 0, 0};
}

struct rect list_view_draw(struct list_view *v, struct canvas *c, struct rect body, bool keys, const char *empty)
{
	struct rect list = body, side = {0, 0, 0, 0};
	list_view_hide(v);
	list_view_unfold(v, body.w);
	if (v->details && v->lists[0].n)
		side = details_split(c, body, &list, v->lists[0].n + 1);
	if (!rect_empty(list))
		list_draw(&v->lists[0], c, list, keys && !v->focus, empty);
	return side;
}

const char *view_without_engine(const struct app *a)
{
	const struct ui_snapshot *snap = app_snapshot(a);
	if (!a->source || (snap->link == UI_LINK_NONE && snap->link_text[0]))
		return snap->link_text[0] ? snap->link_text : "no engine: prices only";
	return snap->at_ms ? NULL : "waiting for the engine";
}
