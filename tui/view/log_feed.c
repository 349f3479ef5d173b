/* What the engine tells, as lines of a pane: its events, or the way of one request with the events that belong to it. Each becomes a line
 * once; what happened before the pane was opened comes from the snapshot as far as that reaches back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/app.h"
#include "tui/view/log_pane.h"

static void add(struct log_pane *p, int64_t at_ms, bool bad, const char *object, const char *text)
{
	struct str s = str_new(16 << 10);
	/* A line break in it does not make two of it. */
	str_addf(&s, "%s %s%s", bad ? "ERROR" : "INFO", object, object[0] ? ": " : "");
	for (const char *c = text; *c; c++)
		str_addc(&s, *c == '\n' || *c == '\r' ? ' ' : *c);
	str_addc(&s, '\n');
	logbuf_add(p->buf, str_text(&s), s.len, at_ms);
	str_free(&s);
}

/* All events, or those of a request (NULL: all): those that name it, and those of its cluster while it was under way that name none. */
static void add_events(struct log_pane *p, const struct ui_snapshot *snap, const struct ui_request *r)
{
	for (size_t i = snap->n_events; i-- > 0;) {
		const struct ui_event *e = &snap->events[i];
		if (e->id <= p->fed)
			continue;
		p->fed = e->id;
		bool meanwhile = r && !e->request && str_eq(e->object, r->object) && e->at_ms >= r->created_at_ms &&
				 (!r->ended_at_ms || e->at_ms <= r->ended_at_ms);
		if (!r || e->request == r->id || meanwhile)
			add(p, e->at_ms, e->bad, r ? "" : e->object, e->text);
	}
}

static void add_request(struct log_pane *p, const struct ui_snapshot *snap, const struct ui_request *r)
{
	add_events(p, snap, r);
	if (r->progress[0] && strcmp(r->progress, p->progress)) {
		snprintf(p->progress, sizeof p->progress, "%s", r->progress);
		add(p, p->app->now_ms, false, "", r->progress);
	}
	if (!r->ended_at_ms || p->ended)
		return;
	if (r->error[0])
		add(p, r->ended_at_ms, true, "", r->error);
	p->ended = true;
	p->broken = !strcmp(r->state, "FAILED");
	snprintf(p->end_text, sizeof p->end_text, "%s %s", r->verb, r->state);
}

void log_pane_feed(struct log_pane *p, const struct ui_snapshot *snap)
{
	if (p->target.kind == LOG_EVENTS)
		add_events(p, snap, NULL);
	for (size_t i = 0; p->target.kind == LOG_REQUEST && i < snap->n_requests; i++)
		if (snap->requests[i].id == p->target.id)
			add_request(p, snap, &snap->requests[i]);
}
