/* What the logs' view keeps, shared by its files: logs.c (panes, keys, drawing), log_pick.c (what to show in a pane). */
#ifndef TUI_VIEW_LOGS_PRIV_H
#define TUI_VIEW_LOGS_PRIV_H
#include <jansson.h>

#include "tui/panes.h"
#include "tui/view.h"
#include "tui/view/log_pane.h"

struct menu;

struct logs_state {
	struct app *app;
	struct panes panes;
	struct log_pane *slots[PANES_MAX];
	struct panes_layout at; /* as last drawn */
	bool chord;		/* C-w was pressed: the next key says what to do */
	int dragged;		/* the cut that the mouse has, -1 none */
	struct menu *menu;	/* the list to choose from, while it is what lies over the view */
	struct log_target *choices; /* of it */
	size_t n_choices;
	int64_t ranks[32];	/* of the list of ranks */
};

struct log_pane *logs_focused(const struct logs_state *v);
/* Each pane may keep an equal part of the text that all may. To be called when panes came or went. */
void logs_share_memory(struct logs_state *v);
/* Ask what the focused pane is to show. */
void logs_pick(struct logs_state *v);
/* More is known: the list that is open is made anew. */
void logs_pick_again(struct logs_state *v);
/* Ask which rank's lines to show. */
void logs_pick_rank(struct logs_state *v);
/* Ask which pane to go to. */
void logs_pick_pane(struct logs_state *v);
/* view_ops: what is kept for the next time, and what is copied. */
json_t *logs_save(void *v);
void logs_restore(void *v, struct app *a, const json_t *saved);
size_t logs_copies(void *v, const struct app *a, struct arena *arena, struct view_copy out[VIEW_COPIES_MAX]);

#endif
