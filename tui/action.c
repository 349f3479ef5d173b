/* What the screen can do. A row here without a key in keys.c can still be reached through the palette. */
#include "tui/action.h"

#include <stddef.h>

static const struct action_info actions[ACTIONS] = {
    [ACTION_NONE] = {"", "", NULL, "", NULL, false},

    [ACTION_HELP] = {"help", "Help", "help", "Every key of this view; type to search, Enter runs.", "skytop help", false},
    [ACTION_PALETTE] = {"palette", "Run an action by name", "actions", "All actions by name, with the command that does "
	"the same.", NULL, false},
    [ACTION_VIEW_OFFERS] = {"offers", "Go to Offers", NULL, "What all clouds sell, and at what price.", "skytop offers",
	false},
    [ACTION_VIEW_CLUSTERS] = {"clusters", "Go to Clusters", NULL, "Your clusters and their jobs.", "skytop status", false},
    [ACTION_VIEW_JOBS] = {"jobs", "Go to Jobs", NULL, "The jobs of all clusters.", "skytop queue", false},
    [ACTION_VIEW_MANAGED] = {"managed", "Go to Managed jobs", NULL, "Jobs that move on when their machine is lost.", NULL, false},
    [ACTION_VIEW_SERVICES] = {"services", "Go to Services", NULL, "Models behind one endpoint, on replicas.", NULL, false},
    [ACTION_VIEW_LOGS] = {"log", "Go to Logs", NULL, "The log that is being followed.", "skytop logs CLUSTER", false},
    [ACTION_VIEW_COST] = {"cost", "Go to Cost", NULL, "What is being spent, on what, and where it leads.", NULL, false},
    [ACTION_VIEW_METRICS] = {"metrics", "Go to Metrics", NULL, "How busy the GPUs and nodes are.", NULL, false},
    [ACTION_VIEW_ACTIVITY] = {"activity", "Go to Activity", NULL, "What the engine does and did, with causes.", "skytop requests", false},
    [ACTION_VIEW_RECIPES] = {"recipes", "Go to Recipes", NULL, "Task files that are ready to launch.", "skytop recipes", false},
    [ACTION_MESSAGES] = {"messages", "Messages", NULL, "What was ordered here, how it ended, and every error.",
	"skytop requests", false},
    [ACTION_BACK] = {"back", "Back", NULL, "Close what is open, clear the filter or the marks.", NULL, false},
    [ACTION_REDRAW] = {"redraw", "Redraw the screen", NULL, "Paint everything anew.", NULL, false},
    [ACTION_SUSPEND] = {"suspend", "Suspend", NULL, "Back to the shell; fg returns.", NULL, false},
    [ACTION_QUIT] = {"quit", "Quit", "quit", "Leave the screen; the engine goes on with what it was asked to do.", NULL,
	false},

    [ACTION_UP] = {"up", "Up", NULL, "One line up.", NULL, false},
    [ACTION_DOWN] = {"down-line", "Down", NULL, "One line down.", NULL, false},
    [ACTION_PAGE_UP] = {"page-up", "Page up", NULL, "One page up.", NULL, false},
    [ACTION_PAGE_DOWN] = {"page-down", "Page down", NULL, "One page down.", NULL, false},
    [ACTION_HALF_UP] = {"half-up", "Half a page up", NULL, "Half a page up.", NULL, false},
    [ACTION_HALF_DOWN] = {"half-down", "Half a page down", NULL, "Half a page down.", NULL, false},
    [ACTION_TOP] = {"top", "Top", NULL, "To the first line.", NULL, false},
    [ACTION_BOTTOM] = {"bottom", "Bottom", NULL, "To the last line; in a log: follow it again.", NULL, false},
    [ACTION_MARK] = {"mark", "Mark", NULL, "Mark or unmark the row, and go on to the next; details compare marked offers.", NULL, false},
    [ACTION_DETAILS] = {"details", "Details", "details", "Everything known about the row; again closes it.", NULL, false},
    [ACTION_PANE] = {"pane", "Other pane", NULL, "Give the keys to the other pane.", NULL, false},
    [ACTION_FILTER] = {"filter", "Filter", "filter", "Show only what matches; Esc clears it.", "skytop offers FILTER",
	false},
    [ACTION_SORT_NEXT] = {"sort-next", "Sort by the next column", NULL, "Sort by the column to the right.", NULL, false},
    [ACTION_SORT_PREV] = {"sort-prev", "Sort by the previous column", NULL, "Sort by the column to the left.", NULL, false},
    [ACTION_SORT_REVERSE] = {"sort-reverse", "Reverse the order", NULL, "Greatest first instead of least, and back.", NULL,
	false},
    [ACTION_SORT_MENU] = {"sort", "Sort by a column", "sort", "Choose the column to sort by.", "skytop offers --sort KEY", false},

    [ACTION_LAUNCH] = {"launch", "Launch", "launch", "Start a cluster and run a task on it.",
	"skytop launch -c NAME TASK.yaml", true},
    [ACTION_GROUP] = {"group", "Group by GPU", "group", "One line a kind of GPU, or one line an offer.",
	"skytop gpus list", false},

    [ACTION_EXEC] = {"exec", "Run a job", "exec", "Run a command or a task file on the cluster.",
	"skytop exec CLUSTER COMMAND", true},
    [ACTION_LOGS] = {"logs", "Follow the log", "logs", "Follow the log of the newest job, or of the job selected.",
	"skytop logs CLUSTER [JOB]", false},
    [ACTION_STOP] = {"stop", "Stop the cluster", "stop", "Stop the machines; disks are kept, and cost.",
	"skytop stop CLUSTER", true},
    [ACTION_START] = {"start", "Start the cluster", "start", "Start a stopped cluster again.", "skytop start CLUSTER",
	true},
    [ACTION_DOWN_CLUSTER] = {"down", "Tear down the cluster", "down", "Delete the machines and their disks for good.",
	"skytop down CLUSTER", true},
    [ACTION_AUTOSTOP] = {"autostop", "Set autostop", "autostop", "Stop or tear down by itself after idle minutes.",
	"skytop autostop CLUSTER -i MINUTES", true},
    [ACTION_CANCEL_JOB] = {"cancel", "Cancel a job", NULL, "Cancel the job selected in the details.",
	"skytop cancel CLUSTER JOB", true},
    [ACTION_SSH] = {"ssh", "Log in", NULL, "A shell on the cluster's head; its end leads back here.", "skytop ssh CLUSTER", true},

    [ACTION_FOLLOW] = {"follow", "Follow or pause", "follow", "Stay at the newest line, or stay where you are.", NULL,
	false},
    [ACTION_WRAP] = {"wrap", "Wrap long lines", "wrap", "Break long lines, or scroll sideways with the arrows.", NULL,
	false},
    [ACTION_SEARCH] = {"search", "Search", "search", "Find text in the log; n and N go on.", NULL, false},
    [ACTION_NEXT_MATCH] = {"next-match", "Next match", NULL, "The next line down that matches; from the last one on to the first.", NULL, false},
    [ACTION_PREV_MATCH] = {"prev-match", "Previous match", NULL, "The next line up that matches; from the first one on to the last.", NULL, false},
    [ACTION_LEFT] = {"left", "Left", NULL, "Half a screen to the left.", NULL, false},
    [ACTION_RIGHT] = {"right", "Right", NULL, "Half a screen to the right.", NULL, false},
    [ACTION_SAVE] = {"save", "Save the log", "save", "Write the lines kept here to a file.",
	"skytop logs CLUSTER > FILE", false},
};

const struct action_info *action_info(enum action a)
{
	return &actions[a];
}
