/* What outlasts the screen: which panes there were and what they showed, kept from one run to the next; and what is copied. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/view/logs_priv.h"
#include "tui/view/views.h"

static const char *const kinds[] = {"nothing", "job", "events", "request"};

json_t *logs_save(void *state)
{
	const struct logs_state *v = state;
	struct str tree = str_new(400);
	json_t *all = json_array();
	panes_write(&v->panes, &tree);
	for (int i = 0; i < PANES_MAX; i++) {
		const struct log_pane *p = v->slots[i];
		if (p)
			json_array_append_new(all, json_pack("{s:i, s:s, s:s, s:I, s:I, s:b, s:b, s:i, s:i, s:s}", "slot", i, "kind", kinds[p->target.kind], "cluster",
			    p->target.cluster, "id", (json_int_t)p->target.id, "rank", (json_int_t)p->target.rank, "setup", p->target.setup, "wrap", p->wrap,
			    "times", (int)p->times, "context", p->context, "filter", p->filter.field.text));
	}
	json_t *j = json_pack("{s:s, s:i, s:o}", "panes", str_text(&tree), "focus", panes_focused(&v->panes), "shown", all);
	str_free(&tree);
	return j;
}

static int small(const json_t *j, const char *key, int most)
{
	int64_t n = json_int(j, key, 0);
	return n < 0 || n > most ? 0 : (int)n;
}

static void restore_pane(struct log_pane *p, const json_t *j)
{
	struct log_target t = {.kind = LOG_NOTHING, .id = json_int(j, "id", -1), .rank = json_int(j, "rank", -1),
	    .setup = json_bool(j, "setup", false)};
	snprintf(t.cluster, sizeof t.cluster, "%s", json_str(j, "cluster", ""));
	/* How a request went is nothing to come back to. */
	for (int kind = LOG_JOB; kind <= LOG_EVENTS; kind++)
		if (!strcmp(json_str(j, "kind", ""), kinds[kind]))
			t.kind = (enum log_kind)kind;
	p->times = (enum log_times)small(j, "times", LOG_TIMES - 1);
	p->context = small(j, "context", LOG_CONTEXT_MAX);
	if (t.kind == LOG_EVENTS || (t.kind == LOG_JOB && t.cluster[0]))
		log_pane_open(p, &t);
	p->wrap = json_bool(j, "wrap", false);
	field_set(&p->filter.field, json_str(j, "filter", ""));
	log_pane_refilter(p);
}

void logs_restore(void *state, struct app *a, const json_t *saved)
{
	struct logs_state *v = state;
	int slots[PANES_MAX];
	size_t i;
	json_t *j;
	if (!panes_read(&v->panes, json_str(saved, "panes", "")))
		return;
	log_pane_destroy(v->slots[0]);
	v->slots[0] = NULL;
	for (int n = panes_list(&v->panes, slots); n-- > 0;)
		v->slots[slots[n]] = log_pane_create(a);
	json_array_foreach(json_arr(saved, "shown"), i, j) {
		int slot = small(j, "slot", PANES_MAX - 1);
		if (v->slots[slot])
			restore_pane(v->slots[slot], j);
	}
	panes_focus(&v->panes, small(saved, "focus", PANES_MAX - 1));
	logs_share_memory(v);
}

size_t logs_copies(void *state, const struct app *a, struct arena *arena, struct view_copy out[VIEW_COPIES_MAX])
{
	(void)a;
	struct logs_state *v = state;
	struct log_pane *p = logs_focused(v);
	static const enum log_part parts[] = {LOG_SELECTED, LOG_LINE, LOG_ON_SCREEN, LOG_SHOWN};
	size_t n = 0;
	log_pane_sync(p);
	bool lines_there = log_pane_first(p) != LOG_NO_LINE; /* the command can be copied before they come */
	for (size_t i = 0; lines_there && i < ARRAY_LEN(parts); i++) {
		struct str text = str_new(4 * (size_t)LOGBUF_BYTES);
		if (p->selecting != (parts[i] == LOG_SELECTED) && parts[i] <= LOG_LINE)
			continue;
		size_t lines = log_pane_text(p, parts[i], &text);
		if (parts[i] == LOG_LINE && text.len)
			text.data[--text.len] = '\0'; /* one line is pasted into another */
		const char *what = parts[i] == LOG_LINE ? "line" : parts[i] == LOG_SELECTED ? arena_printf(arena, "%zu selected", lines)
				   : parts[i] == LOG_ON_SCREEN ? arena_printf(arena, "%zu on the screen", lines)
				   : p->match.n ? arena_printf(arena, "%zu filtered", lines) : arena_printf(arena, "all %zu lines", lines);
		out[n++] = (struct view_copy){what, arena_strdup(arena, str_text(&text))};
		str_free(&text);
	}
	if (p->target.kind == LOG_JOB) {
		const char *text = view_command(arena, "skytop logs", p->target.cluster);
		text = p->target.id < 0 ? text : arena_printf(arena, "%s %" PRId64, text, p->target.id);
		text = p->target.rank < 0 ? text : arena_printf(arena, "%s --rank %" PRId64 "%s", text, p->target.rank, p->target.setup ? " --setup" : " --from-node");
		n = view_copy_add(out, n, "command", text);
	}
	return n;
}
