/* Actions: everything the screen can do, once. Footer, help, palette and the man page all come from this table and from
 * the keys' (keys.h). */
#ifndef TUI_ACTION_H
#define TUI_ACTION_H
#include <stdbool.h>

enum action {
	ACTION_NONE,
	/* everywhere */
	ACTION_HELP, ACTION_PALETTE,
	ACTION_VIEW_OFFERS, ACTION_VIEW_CLUSTERS, ACTION_VIEW_JOBS, ACTION_VIEW_MANAGED, ACTION_VIEW_SERVICES, ACTION_VIEW_LOGS,
	ACTION_VIEW_COST, ACTION_VIEW_METRICS, ACTION_VIEW_ACTIVITY, ACTION_VIEW_RECIPES,
	ACTION_COPY, ACTION_THEME, ACTION_MOUSE,
	ACTION_MESSAGES, ACTION_BACK, ACTION_REDRAW, ACTION_SUSPEND, ACTION_QUIT,
	/* lists */
	ACTION_UP, ACTION_DOWN, ACTION_PAGE_UP, ACTION_PAGE_DOWN, ACTION_HALF_UP, ACTION_HALF_DOWN, ACTION_TOP,
	ACTION_BOTTOM, ACTION_MARK, ACTION_DETAILS, ACTION_PANE, ACTION_FILTER, ACTION_SORT_NEXT, ACTION_SORT_PREV,
	ACTION_SORT_REVERSE, ACTION_SORT_MENU,
	/* offers */
	ACTION_LAUNCH, ACTION_GROUP,
	/* clusters */
	ACTION_EXEC, ACTION_LOGS, ACTION_LOGS_BESIDE, ACTION_STOP, ACTION_START, ACTION_DOWN_CLUSTER, ACTION_AUTOSTOP, ACTION_CANCEL_JOB,
	ACTION_SSH,
	/* logs */
	ACTION_FOLLOW, ACTION_WRAP, ACTION_SEARCH, ACTION_NEXT_MATCH, ACTION_PREV_MATCH, ACTION_LEFT, ACTION_RIGHT,
	ACTION_SAVE, ACTION_LOG_FILTER, ACTION_CONTEXT, ACTION_RANK, ACTION_TIMES, ACTION_SELECT,
	ACTION_LOG_OPEN, ACTION_LOG_OPEN_BESIDE, ACTION_SPLIT_BESIDE, ACTION_SPLIT_BELOW, ACTION_PANE_CLOSE, ACTION_PANE_ZOOM,
	ACTION_PANE_BEFORE, ACTION_PANE_NUMBER, ACTION_PANE_LEFT, ACTION_PANE_DOWN, ACTION_PANE_UP, ACTION_PANE_RIGHT,
	ACTION_CUT_LEFT, ACTION_CUT_DOWN, ACTION_CUT_UP, ACTION_CUT_RIGHT, ACTION_PANE_CHORD,
	/* cost */
	ACTION_BREAKDOWN, ACTION_CHANGES,
	ACTIONS
};

struct action_info {
	const char *name;  /* "stop": typed in the palette */
	const char *title; /* "Stop the cluster" */
	const char *label; /* one short word for the footer; NULL: not there */
	const char *help;  /* one sentence: what it does */
	const char *cli;   /* the command that does the same; NULL: it is about the screen */
	bool orders;	   /* sends an order to the engine: not with --read-only */
};

/* The row of an action; never NULL. */
const struct action_info *action_info(enum action a);

#endif
