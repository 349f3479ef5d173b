/* Views of what this version cannot do yet: the columns as they will be, and in their place a plain word on what is missing
 * and what does the same today. Nothing is shown that is not so. */
#include <string.h>

#include "core/base/mem.h"
#include "tui/app.h"
#include "tui/grid.h"
#include "tui/view/views.h"

static const struct grid_column managed_columns[] = {
    {"ID", 4, 6, 0, true, -1},	     {"NAME", 8, 24, 0, false, -1},   {"TASK", 5, 7, 4, true, -1},
    {"STATUS", 10, 18, 0, false, -1}, {"RECOVERIES", 10, 10, 3, true, -1}, {"PROGRESS", 8, 24, 2, false, -1},
    {"CLUSTER", 8, 20, 5, false, -1}, {"$/h", 6, 8, 1, true, -1},	   {"COST", 6, 9, 6, true, -1},
};

static const struct grid_column services_columns[] = {
    {"NAME", 8, 24, 0, false, -1}, {"STATUS", 10, 16, 0, false, -1}, {"REPLICAS", 8, 8, 1, true, -1},
    {"ENDPOINT", 12, 40, 2, false, -1}, {"QPS", 5, 8, 3, true, -1}, {"$/h", 6, 8, 4, true, -1},
};

struct plan_text {
	const char *name;
	const struct grid_column *columns;
	size_t n;
	const char *none, *why;
};

enum { ROOMY_ROWS = 8 };

static const struct plan_text texts[] = {
    {"managed", managed_columns, ARRAY_LEN(managed_columns), "no managed jobs: this version cannot run them yet",
	"A managed job goes on by itself, on another machine, zone or cloud, when its own is taken back or breaks; `skytop jobs launch "
	"TASK.yaml` will start one. Until then a job runs on a cluster: launch one with l in Offers, or run a job with x in Clusters."},
    {"services", services_columns, ARRAY_LEN(services_columns), "no services: this version cannot run them yet",
	"A service is a model behind one endpoint, on replicas that come and go with the load; `skytop serve up TASK.yaml` will start one. "
	"Until then a server can run as a job of a cluster: x in Clusters."},
};

static const struct plan_text *text_of(const struct app *a)
{
	size_t i = 0;
	while (i + 1 < ARRAY_LEN(texts) && strcmp(texts[i].name, app_view(a)->name) != 0)
		i++;
	return &texts[i];
}

static void *create(struct app *a)
{
	(void)a;
	return NULL;
}

static void destroy(void *v)
{
	(void)v;
}

static bool act(void *v, struct app *a, enum action action)
{
	(void)v;
	(void)a;
	(void)action;
	return false;
}

static void title_line(void *v, struct app *a, struct canvas *c, struct rect line, bool keys)
{
	(void)v;
	(void)keys;
	canvas_printf(c, line.x, line.y, line.w, ROLE_TITLE, " %s ", app_view(a)->title);
}

static size_t count(void *arg)
{
	(void)arg;
	return 0;
}

static void draw(void *v, struct app *a, struct canvas *c, struct rect body, bool keys)
{
	(void)v;
	const struct plan_text *t = text_of(a);
	static const struct grid_rows none = {.count = count};
	struct grid g;
	grid_init(&g, t->columns, t->n);
	grid_draw(&g, &none, c, (struct rect){body.x, body.y, body.w, 2}, keys, "");
	grid_finish(&g);
	rect_cut_top(&body, 1);
	struct rect r = rect_inset(body, 1, 0);
	rect_cut_top(&r, canvas_wrap(c, r, ROLE_DIM, t->none));
	rect_cut_top(&r, r.h > ROOMY_ROWS);
	canvas_wrap(c, r, ROLE_TEXT, t->why);
}

#define PLANNED(id, word, ACTION) \
	const struct view_ops id##_view = {.name = #id, .title = (word), .scope = SCOPE_GLOBAL, .go = (ACTION), .create = create, \
	    .destroy = destroy, .act = act, .title_line = title_line, .draw = draw}

PLANNED(managed, "Managed", ACTION_VIEW_MANAGED);
PLANNED(services, "Services", ACTION_VIEW_SERVICES);
