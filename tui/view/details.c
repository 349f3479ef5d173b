/* Details: labelled lines, and the last events. Pure drawing. */
#include "tui/view/details.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "tui/app.h"
#include "tui/format.h"
#include "tui/layout.h"

enum { LABEL_COLUMNS = 11, LIST_LINES = 5, BAD_LINES = 4 };

struct rect details_split(struct canvas *c, struct rect body, struct rect *list, size_t lines)
{
	struct rect side;
	enum layout_split split = layout_details(body, list, &side);
	int spare = lines < LIST_LINES ? list->h - LIST_LINES : list->h - (int)(lines < 1000 ? lines : 1000);
	if (split == SPLIT_BELOW && spare > 0) { /* what a short list does not need goes to the details */
		list->h -= spare;
		side.y -= spare;
		side.h += spare;
	}
	if (split == SPLIT_INSTEAD)
		*list = (struct rect){body.x, body.y, 0, 0};
	else if (split == SPLIT_BELOW)
		canvas_fill(c, rect_cut_top(&side, 1), ROLE_BORDER, 0x2500);
	else if (split == SPLIT_BESIDE)
		canvas_fill(c, rect_cut_left(&side, 1), ROLE_BORDER, 0x2502);
	return rect_inset(side, 1, 0);
}

void details_line(struct canvas *c, struct rect *r, const char *label, enum role role, const char *text)
{
	if (!text[0])
		return;
	struct rect line = rect_cut_top(r, 1);
	if (rect_empty(line))
		return;
	canvas_text(c, line.x, line.y, LABEL_COLUMNS - 1, ROLE_DIM, label);
	canvas_text(c, line.x + LABEL_COLUMNS, line.y, line.w - LABEL_COLUMNS, role, text);
}

void details_link(struct canvas *c, struct rect *r, const char *label, const char *url)
{
	struct rect line = rect_cut_top(r, 1);
	if (rect_empty(line))
		return;
	canvas_text(c, line.x, line.y, LABEL_COLUMNS - 1, ROLE_DIM, label);
	canvas_link(c, line.x + LABEL_COLUMNS, line.y, line.w - LABEL_COLUMNS, ROLE_TEXT, url);
}

void details_text(struct canvas *c, struct rect *r, const char *label, enum role role, const char *text)
{
	struct rect room = *r;
	rect_cut_left(&room, LABEL_COLUMNS);
	if (!text[0] || rect_empty(*r) || room.w < 1)
		return;
	canvas_text(c, r->x, r->y, LABEL_COLUMNS - 1, ROLE_DIM, label);
	rect_cut_top(r, canvas_wrap(c, room, role, text));
}

bool details_heading(struct canvas *c, struct rect *r, const char *text)
{
	if (r->h < 2)
		return false;
	struct rect line = rect_cut_top(r, 1);
	canvas_text(c, line.x, line.y, line.w, ROLE_HEADER, text);
	return true;
}

const char *details_time(int64_t at_ms, int64_t now_ms, char *buf, size_t size)
{
	char age[24], utc[24];
	time_rfc3339(at_ms, utc, sizeof utc);
	if (!at_ms)
		buf[0] = '\0';
	else
		snprintf(buf, size, "%s, %.10s %.8s UTC", ago_text(at_ms, now_ms, age, sizeof age), utc, utc + 11);
	return buf;
}

void details_events(const struct app *a, struct canvas *c, struct rect r, bool (*wanted)(const struct ui_event *e, const void *arg), const void *arg)
{
	const struct ui_snapshot *snap = app_snapshot(a);
	for (size_t i = 0; i < snap->n_events && r.h > 0; i++) {
		const struct ui_event *e = &snap->events[i];
		char age[24];
		if (wanted && !wanted(e, arg))
			continue;
		/* What went wrong is read to its end. */
		struct rect room = {r.x + LABEL_COLUMNS, r.y, r.w - LABEL_COLUMNS, e->bad && r.h > BAD_LINES ? BAD_LINES : 1};
		canvas_text(c, r.x, r.y, LABEL_COLUMNS - 1, ROLE_DIM, format_clock(e->at_ms, a->now_ms, age, sizeof age));
		int lines = 1;
		if (room.h > 1 && room.w > 1)
			lines = canvas_wrap(c, room, ROLE_BAD, e->text);
		else
			canvas_text(c, room.x, room.y, room.w, e->bad ? ROLE_BAD : ROLE_TEXT, e->text);
		rect_cut_top(&r, lines > 1 ? lines : 1);
	}
}
