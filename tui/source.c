/* The source's thin wrappers, so that a screen without an engine (prices only) needs no special case anywhere. */
#include "tui/source.h"

void ui_source_start(struct ui_source *s, const struct ui_sink *sink)
{
	if (s)
		s->ops->start(s, sink);
}

const struct ui_snapshot *ui_source_snapshot(struct ui_source *s)
{
	static const struct ui_snapshot nothing = {
	    .link_text = "", .spend = {PRICE_UNKNOWN, PRICE_UNKNOWN, PRICE_UNKNOWN, false}};
	return s ? s->ops->snapshot(s) : &nothing;
}

void ui_source_focus(struct ui_source *s, const char *cluster)
{
	if (s)
		s->ops->focus(s, cluster);
}

void ui_source_send(struct ui_source *s, unsigned ticket, const struct ui_order *order)
{
	if (s)
		s->ops->send(s, ticket, order);
}

void ui_source_log_open(struct ui_source *s, unsigned log, const struct ui_log_spec *spec)
{
	if (s)
		s->ops->log_open(s, log, spec);
}

void ui_source_log_close(struct ui_source *s, unsigned log)
{
	if (s)
		s->ops->log_close(s, log);
}

void ui_source_log_older(struct ui_source *s, unsigned log)
{
	if (s && s->ops->log_older)
		s->ops->log_older(s, log);
}

void ui_source_ask_cost(struct ui_source *s)
{
	if (s && s->ops->ask_cost)
		s->ops->ask_cost(s);
}

void ui_source_live(struct ui_source *s, bool on)
{
	if (s && s->ops->live)
		s->ops->live(s, on);
}

void ui_source_metrics(struct ui_source *s, enum measure m, enum span span)
{
	if (s && s->ops->metrics)
		s->ops->metrics(s, m, span);
}

void ui_source_plan(struct ui_source *s, unsigned ticket, const struct ui_order *order)
{
	if (s && s->ops->plan)
		s->ops->plan(s, ticket, order);
}

void ui_source_destroy(struct ui_source *s)
{
	if (s)
		s->ops->destroy(s);
}

const char *ui_verb_name(enum ui_verb verb)
{
	static const char *const names[UI_VERBS] = {
	    "launch", "exec", "stop", "start", "down", "autostop", "cancel", "cancel-request", "budget", "prices"};
	return names[verb];
}
