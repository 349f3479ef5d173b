/* What is known of a cluster's costs, above all of one that is gone: nothing else on the screen tells of it any more. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/num.h"
#include "tui/app.h"
#include "tui/view/cost_priv.h"
#include "tui/view/details.h"

/* "3x(8x H100), a3-highgpu-8g, spot" */
static void machines(const struct cost_row *row, char *out, size_t size)
{
	char gpus[80] = "", nodes[100];
	if (row->accelerator[0])
		snprintf(gpus, sizeof gpus, "%gx %.60s", row->accelerators, row->accelerator);
	if (row->nodes > 1)
		snprintf(nodes, sizeof nodes, gpus[0] ? "%" PRId64 "x(%s)" : "%" PRId64 " nodes%s", row->nodes, gpus);
	else
		snprintf(nodes, sizeof nodes, "%s", gpus);
	snprintf(out, size, "%s%s%.100s%s", nodes, nodes[0] && row->instance_type[0] ? ", " : "", row->instance_type, row->spot ? ", spot" : "");
}

static void draw_times(const struct cost_state *v, struct canvas *c, struct rect *r, const struct cost_row *row)
{
	char text[120], ran[40];
	details_line(c, r, "launched", ROLE_TEXT, details_time(row->began_ms, v->app->now_ms, text, sizeof text));
	if (cost_is_gone(row))
		details_line(c, r, "ended", ROLE_TEXT, details_time(row->ended_ms, v->app->now_ms, text, sizeof text));
	if (row->ran_ms > 0)
		details_line(c, r, "ran for", ROLE_TEXT, duration_text(row->ran_ms, ran, sizeof ran));
}

static void draw_money(struct canvas *c, struct rect *r, const struct cost_row *row)
{
	char text[200], all[40], month[40], disks[40];
	snprintf(text, sizeof text, "%s in all, %s of it this month", cost_dollars(row->total, row->estimated, all, sizeof all),
	    cost_dollars(row->money.month, row->estimated, month, sizeof month));
	size_t n = strlen(text);
	if (row->disks_uusd > 0)
		snprintf(text + n, sizeof text - n, "; ~$%s of it for disks while it was stopped", money_text(row->disks_uusd, disks, sizeof disks));
	details_line(c, r, "cost", ROLE_MONEY, text);
}

static bool of_its_time(const struct ui_event *e, const void *arg)
{
	const struct cost_row *row = arg;
	enum { LATE_MS = 60000 }; /* what is said of its end comes after that */
	return !strcmp(e->object, row->name) && e->at_ms >= row->began_ms - LATE_MS && (!cost_is_gone(row) || e->at_ms <= row->ended_ms + LATE_MS);
}

void cost_details_draw(const struct cost_state *v, struct canvas *c, struct rect r, const struct cost_row *row)
{
	char text[300];
	snprintf(text, sizeof text, "%.100s, %s", row->name, cost_is_gone(row) ? "gone" : row->status);
	details_line(c, &r, "cluster", ROLE_TEXT, text);
	draw_money(c, &r, row);
	draw_times(v, c, &r, row);
	machines(row, text, sizeof text);
	details_line(c, &r, "machines", ROLE_TEXT, text);
	snprintf(text, sizeof text, "%.60s%s%.100s", row->provider, row->region[0] ? "/" : "", row->region);
	details_line(c, &r, "where", ROLE_TEXT, text);
	snprintf(text, sizeof text, "%.80s, project %.80s", row->user, row->project);
	details_line(c, &r, "whose", ROLE_TEXT, row->user[0] ? text : "");
	snprintf(text, sizeof text, "skytop logs %.200s", row->id);
	details_line(c, &r, "its logs", ROLE_TEXT, row->id[0] ? text : "");
	const struct ui_snapshot *snap = app_snapshot(v->app);
	size_t i = 0;
	while (i < snap->n_events && !of_its_time(&snap->events[i], row))
		i++;
	if (i < snap->n_events && details_heading(c, &r, "EVENTS (UTC)"))
		details_events(v->app, c, r, of_its_time, row);
}
