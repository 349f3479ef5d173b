/* The text of a pane for elsewhere: a file, or what copies it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/view/log_pane.h"

size_t log_pane_text(const struct log_pane *p, enum log_part part, struct str *out)
{
	uint64_t from = log_pane_first(p), to = log_pane_last(p);
	size_t n = 0;
	if (from == LOG_NO_LINE)
		return 0;
	if (part == LOG_SELECTED) {
		from = p->anchor < p->cursor ? p->anchor : p->cursor;
		to = p->anchor < p->cursor ? p->cursor : p->anchor;
	} else if (part == LOG_LINE) {
		from = to = log_pane_current(p);
	} else if (part == LOG_ON_SCREEN) {
		from = p->top;
		to = p->bottom;
	}
	for (uint64_t i = from; i != LOG_NO_LINE && i <= to; i = log_pane_next(p, i, 1)) {
		logbuf_text(p->buf, i, out);
		str_addc(out, '\n');
		n++;
	}
	return n;
}

static const char *left_out(const struct log_pane *p)
{
	if (p->selecting)
		return "; only those selected";
	if (p->match.n)
		return "; only those that the filter shows";
	if (logbuf_dropped(p->buf))
		return "; older ones were not kept";
	return p->older == OLDER_NONE ? "" : "; older ones have not been read: going up from the first line reads them";
}

static const char *submit_save(struct app *a, const struct form *f, void *arg, size_t *field)
{
	struct log_pane *p = arg;
	char *path = path_expand(form_value(f, 0));
	const char *problem = NULL;
	*field = 0;
	if (!path[0]) {
		problem = "Give the name of a file.";
	} else if (fs_exists(path)) {
		problem = "There is a file of this name already; give another one.";
	} else {
		struct str text = str_new(4 * (size_t)LOGBUF_BYTES);
		struct err err = {0};
		log_pane_sync(p);
		size_t n = log_pane_text(p, p->selecting ? LOG_SELECTED : LOG_SHOWN, &text);
		if (fs_write(path, str_text(&text), text.len, 0644, &err))
			app_say(a, true, "%s", err.text);
		else
			app_say(a, false, "saved %zu lines to %s%s", n, path, left_out(p));
		str_free(&text);
	}
	free(path);
	return problem;
}

void log_pane_ask_save(struct log_pane *p)
{
	char name[200];
	const struct log_target *t = &p->target;
	if (t->kind == LOG_EVENTS)
		snprintf(name, sizeof name, "events.log");
	else if (t->id >= 0)
		snprintf(name, sizeof name, "%s-%s%" PRId64 ".log", t->cluster, t->kind == LOG_REQUEST ? "request-" : "", t->id);
	else
		snprintf(name, sizeof name, "%s.log", t->cluster);
	if (t->rank >= 0)
		snprintf(name + strlen(name) - 4, sizeof name - strlen(name) + 4, "-%srank%" PRId64 ".log", t->setup ? "setup-" : "", t->rank);
	for (char *s = name; *s; s++)
		if (*s == '/')
			*s = '-';
	struct form_field field = {"file", name, "a path; Tab completes", FORM_PATH, NULL};
	struct form_spec spec = {.title = p->selecting ? "Save the lines selected" : p->match.n ? "Save what the filter shows" : "Save the log",
	    .button = "Save", .fields = &field, .n_fields = 1, .quick = true, .submit = submit_save, .arg = p};
	form_open(p->app, &spec);
}
