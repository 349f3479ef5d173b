/* Notices. An order is followed from the key that gave it to its end, whichever view is shown meanwhile; failures stay
 * until the person has pressed a key after seeing them, everything remains in the list of messages. */
#include "tui/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/width.h"

void notices_init(struct notices *ns)
{
	*ns = (struct notices){.list = xcalloc(NOTICES_MAX, sizeof(struct notice))};
}

void notices_finish(struct notices *ns)
{
	free(ns->list);
}

/* Room for one more: the oldest that has ended goes, else the oldest. */
static struct notice *add(struct notices *ns, int64_t now_ms)
{
	if (ns->n == NOTICES_MAX) {
		size_t old = 0;
		while (old < ns->n && ns->list[old].state < NOTICE_DONE)
			old++;
		old = old == ns->n ? 0 : old;
		ns->n--;
		memmove(&ns->list[old], &ns->list[old + 1], (ns->n - old) * sizeof *ns->list);
	}
	struct notice *n = &ns->list[ns->n++];
	*n = (struct notice){.number = ++ns->next_number, .since_ms = now_ms};
	return n;
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

static void end(struct notice *n, enum notice_state state, const char *text, int64_t now_ms)
{
	n->state = state;
	n->ended_ms = now_ms;
	copy(n->text, sizeof n->text, text);
}

void notices_say(struct notices *ns, bool bad, const char *text, int64_t now_ms)
{
	struct notice *last = ns->n ? &ns->list[ns->n - 1] : NULL;
	bool again = last && !last->ticket && !last->hidden && last->state == (bad ? NOTICE_FAILED : NOTICE_DONE) && str_eq(last->text, text) &&
		     now_ms - last->ended_ms < NOTICE_SHOWN_MS;
	end(again ? last : add(ns, now_ms), bad ? NOTICE_FAILED : NOTICE_DONE, text, now_ms);
}

unsigned notices_order(struct notices *ns, const struct ui_order *order, int64_t now_ms)
{
	struct notice *n = add(ns, now_ms);
	n->ticket = ++ns->next_ticket;
	const char *cluster = order->cluster ? order->cluster : "";
	copy(n->object, sizeof n->object, cluster);
	if (order->verb == UI_CANCEL_JOB)
		snprintf(n->what, sizeof n->what, "cancel job %lld of %s", (long long)order->id, cluster);
	else if (order->verb == UI_CANCEL_REQUEST)
		snprintf(n->what, sizeof n->what, "cancel request %lld", (long long)order->id);
	else if (order->verb == UI_BUDGET)
		snprintf(n->what, sizeof n->what, "budget of %.80s", order->project && order->project[0] ? order->project : "all projects");
	else if (order->verb == UI_PRICES)
		snprintf(n->what, sizeof n->what, "prices of the clouds");
	else
		snprintf(n->what, sizeof n->what, "%s%s%s", ui_verb_name(order->verb), cluster[0] ? " " : "", cluster);
	copy(n->text, sizeof n->text, "asked the engine");
	return n->ticket;
}

void notices_replied(struct notices *ns, unsigned ticket, int64_t request_id, const struct err *err, int64_t now_ms)
{
	for (size_t i = 0; i < ns->n; i++) {
		struct notice *n = &ns->list[i];
		if (n->ticket != ticket || n->state != NOTICE_SENT)
			continue;
		if (err) {
			end(n, NOTICE_FAILED, err->text, now_ms);
			return;
		}
		if (!request_id) { /* it is done with the answer */
			end(n, NOTICE_DONE, "done", now_ms);
			return;
		}
		n->state = NOTICE_RUNNING;
		n->request_id = request_id;
		copy(n->text, sizeof n->text, "accepted");
		return;
	}
}

static void follow(struct notice *n, const struct ui_request *r, int64_t now_ms)
{
	if (!n->object[0] && r->object[0]) { /* the engine has chosen a name */
		copy(n->object, sizeof n->object, r->object);
		snprintf(n->what, sizeof n->what, "%.40s %.100s", r->verb, r->object);
	}
	char done[60] = "done";
	if (r->job && str_eq(r->verb, "exec"))
		snprintf(done, sizeof done, "job %lld is on its way; o follows it", (long long)r->job);
	if (str_eq(r->state, "SUCCEEDED"))
		end(n, NOTICE_DONE, done, now_ms);
	else if (str_eq(r->state, "FAILED"))
		end(n, NOTICE_FAILED, r->error[0] ? r->error : "failed", now_ms);
	else if (str_eq(r->state, "CANCELLED"))
		end(n, NOTICE_DONE, "cancelled", now_ms);
	else
		copy(n->text, sizeof n->text, r->progress[0] ? r->progress : "waiting its turn");
}

void notices_follow(struct notices *ns, const struct ui_snapshot *snap, int64_t now_ms)
{
	for (size_t i = 0; i < ns->n; i++) {
		struct notice *n = &ns->list[i];
		for (size_t r = 0; n->state == NOTICE_RUNNING && r < snap->n_requests; r++)
			if (snap->requests[r].id == n->request_id)
				follow(n, &snap->requests[r], now_ms);
	}
}

static bool shown(const struct notice *n, int64_t now_ms)
{
	if (n->hidden)
		return false;
	return n->state != NOTICE_DONE || now_ms - n->ended_ms < NOTICE_SHOWN_MS;
}

void notices_seen(struct notices *ns, int64_t now_ms)
{
	for (size_t i = 0; i < ns->n; i++)
		if (ns->list[i].state == NOTICE_FAILED && now_ms - ns->list[i].ended_ms >= NOTICE_SHOWN_MS)
			ns->list[i].hidden = true;
}

const struct notice *notices_about(const struct notices *ns, const char *object)
{
	for (size_t i = ns->n; i-- > 0;)
		if (ns->list[i].state < NOTICE_DONE && str_eq(ns->list[i].object, object))
			return &ns->list[i];
	return NULL;
}

void notices_unwanted(struct notices *ns, unsigned ticket)
{
	for (size_t i = 0; i < ns->n; i++) {
		struct notice *n = &ns->list[i];
		if (n->ticket != ticket || n->state != NOTICE_SENT)
			continue;
		n->unwanted = true;
		copy(n->text, sizeof n->text, "stopped as soon as the engine has answered");
	}
}

const struct notice *notices_to_stop(struct notices *ns)
{
	for (size_t i = 0; i < ns->n; i++) {
		if (!ns->list[i].unwanted || ns->list[i].state != NOTICE_RUNNING)
			continue;
		ns->list[i].unwanted = false;
		return &ns->list[i];
	}
	return NULL;
}

const struct notice *notices_untold(struct notices *ns)
{
	for (size_t i = 0; i < ns->n; i++) {
		struct notice *n = &ns->list[i];
		if (n->state != NOTICE_FAILED || n->told)
			continue;
		n->told = true;
		return n;
	}
	return NULL;
}

int64_t notices_wait_ms(const struct notices *ns, int64_t now_ms)
{
	int64_t wait = -1;
	for (size_t i = 0; i < ns->n; i++) {
		const struct notice *n = &ns->list[i];
		if (!shown(n, now_ms) || n->state == NOTICE_FAILED)
			continue;
		int64_t w = n->state == NOTICE_DONE ? n->ended_ms + NOTICE_SHOWN_MS - now_ms
						    : 1000 - (now_ms - n->since_ms) % 1000;
		if (wait < 0 || w < wait)
			wait = w;
	}
	return wait;
}

void notice_words(const struct notice *n, struct str *out)
{
	/* Errors say themselves what was tried. */
	if (n->what[0] && !str_starts(n->text, n->what))
		str_addf(out, "%s: ", n->what);
	str_add(out, n->text);
}

/* 'stop train: stopping nodes 1/2 · 12s' */
static void notice_text(const struct notice *n, int64_t now_ms, struct str *out)
{
	notice_words(n, out);
	if (n->state < NOTICE_DONE && now_ms - n->since_ms >= 1000) {
		char took[24];
		str_addf(out, " \xc2\xb7 %s", duration_text((now_ms - n->since_ms) / 1000 * 1000, took, sizeof took));
	}
}

enum { FAILURE_LINES = 4, DONE_LINES = 2 };

/* A failure gets some lines, since it says what to do; what is done one more where one is too few; what goes on changes, and has one.
 * Returns the last line that is free above it. */
static int draw_one(const struct notice *n, struct canvas *c, struct rect area, int bottom, int64_t now_ms)
{
	struct str s = str_new(2 * NOTICE_TEXT_MAX);
	notice_text(n, now_ms, &s);
	bool failed = n->state == NOTICE_FAILED;
	enum role role = failed ? ROLE_TOAST_BAD : ROLE_TOAST;
	int width = width_text(str_text(&s), s.len) + 2, w = width < area.w ? width : area.w;
	struct rect text = {0, 0, w - 2 > 1 ? w - 2 : 1, failed ? FAILURE_LINES : n->state == NOTICE_DONE ? DONE_LINES : 1};
	int lines = text.h > 1 ? canvas_wrap(NULL, text, role, str_text(&s)) : 1, room = bottom - area.y + 1;
	lines = lines > room ? room : lines;
	struct rect box = {area.x + area.w - w, bottom - lines + 1, w, lines};
	canvas_fill(c, box, role, ' ');
	if (lines > 1)
		canvas_wrap(c, rect_inset(box, 1, 0), role, str_text(&s));
	else
		canvas_text(c, box.x + 1, box.y, w - 2, role, str_text(&s));
	str_free(&s);
	return bottom - lines;
}

void notices_draw(const struct notices *ns, struct canvas *c, struct rect area, int64_t now_ms, unsigned but)
{
	int bottom = area.y + area.h - 1, count = 0;
	for (size_t i = ns->n; i-- > 0 && count < NOTICES_AT_ONCE && bottom >= area.y;) {
		if (!shown(&ns->list[i], now_ms) || (but && ns->list[i].ticket == but))
			continue;
		bottom = draw_one(&ns->list[i], c, area, bottom, now_ms);
		count++;
	}
}
