/* The screen's state, and the one way in (app_… below: something happened) and out (app_draw). It knows no terminal and no
 * clock of its own: events and the time are passed in, so that whole sessions can be replayed in tests. */
#ifndef TUI_APP_H
#define TUI_APP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/action.h"
#include "tui/canvas.h"
#include "tui/keymap.h"
#include "tui/notice.h"
#include "tui/prices.h"
#include "tui/source.h"
#include "tui/term/input.h"
#include "tui/view.h"

enum { APP_LOGS_MAX = 8 };

struct app {
	/* given */
	struct ui_source *source;
	struct prices *prices;
	bool read_only, simulated;
	bool plain;		/* what is drawn is read out by the line: nothing stands over or beside something else */
	struct keymap *keys;	/* the app's own */
	char **themes;		/* the names there are, for choosing; the rim's, NULL until it has looked */
	size_t n_themes;

	/* state */
	int w, h;
	int64_t now_ms;		/* wall clock, of the event being handled */
	int64_t key_ms;		/* when the last key came */
	size_t view;		/* which of app_views is shown */
	void *views[VIEWS_MAX]; /* their states */
	struct modal modal;
	struct modal under;	/* what the modal was opened over, and goes back to; none mostly */
	struct notices notices;
	struct arena *copies_of; /* what the copy menu offers, as it was when it was opened */
	struct view_copy copies[VIEW_COPIES_MAX];
	size_t n_copies;
	unsigned next_log;	/* number of the last log opened */
	unsigned next_plan;	/* … of the last plan asked for */

	bool unfocused;		/* the terminal says that nobody looks */
	bool prices_wait;	/* there are newer prices, which offers_hold keeps waiting */

	/* what the rim has to do */
	bool dirty;		/* the picture has changed */
	bool lazy;		/* … by more of a log: that can wait a moment */
	bool hold;		/* told by the rim: draw logs that are followed as they were, it is not their turn yet */
	bool redraw;		/* … and the terminal is to be painted anew */
	bool suspend;
	char *login;		/* a cluster: hand the terminal to a shell there; NULL */
	char *theme;		/* the name of the theme to show from now on; NULL: go on with the one there is */
	bool mouse;		/* listen to the mouse */
	char *copy;		/* into the clipboard with it; NULL */
	char copy_what[60];	/* what that is, for people */
	char *edit;		/* a file: hand the terminal to the person's editor with it; NULL */
	bool quit;
	int status;		/* exit status, once quit is set */
};

extern const struct view_ops *const app_views[];
extern const size_t app_n_views;

/* Source and prices stay the caller's: they are destroyed after app_finish. */
void app_init(struct app *a, struct ui_source *source, struct prices *prices, int64_t now_ms);
void app_finish(struct app *a);

/* Something happened. */
void app_input(struct app *a, const struct input_event *e, int64_t now_ms);
void app_resize(struct app *a, int w, int h);
void app_news(struct app *a, int64_t now_ms); /* the source has another snapshot */
void app_replied(struct app *a, unsigned ticket, int64_t request_id, const struct err *err, int64_t now_ms);
void app_log_data(struct app *a, unsigned log, const char *data, size_t len, int64_t at_ms);
void app_planned(struct app *a, unsigned ticket, const struct ui_plan *plan, const struct err *err, int64_t now_ms);
void app_log_older(struct app *a, unsigned log, const char *data, size_t len, int64_t at_ms);
/* The program that had the terminal has ended. */
void app_returned(struct app *a, int64_t now_ms);
void app_log_end(struct app *a, unsigned log, bool broken, const char *text);
void app_tick(struct app *a, int64_t now_ms); /* time passed: what app_wait_ms waited for */
/* How long until the picture changes by itself; -1: it does not. */
int64_t app_wait_ms(const struct app *a);

/* All of the screen, at the canvas's size. */
void app_draw(struct app *a, struct canvas *c);

/* "skytop: 3 clusters up, $255.19/h": for the window's title. */
void app_title(const struct app *a, char *buf, size_t size);
/* What the person has arranged: new reference. And that given back, as far as it makes sense; `show`: the view too. */
json_t *app_save(const struct app *a);
void app_restore(struct app *a, const json_t *saved, bool show);

/* --- for views and modals ----------------------------------------------------------------------------------------- */

/* By number; out of range is ignored. app_show_scope: the view with these keys. */
void app_show(struct app *a, size_t view);
/* By name, a prefix will do; SIZE_MAX: there is none. */
size_t app_view_named(const char *name);
const struct view_ops *app_view(const struct app *a);
void *app_view_state(struct app *a, const struct view_ops *ops);
/* Do it, or say why not. */
void app_act(struct app *a, enum action act);
/* NULL: it can be done now. Otherwise why it cannot, for people. */
const char *app_why_not(const struct app *a, enum action act);
/* A key that goes to another view: what is open is closed, and it is gone there. False: it is no such key. */
bool app_leave(struct app *a, struct key k);
/* Replaces what was open. state belongs to the modal from now on. */
void app_open(struct app *a, const struct modal_ops *ops, void *state);
/* Over what is open, which comes back when that is closed; one level deep. */
void app_push(struct app *a, const struct modal_ops *ops, void *state);
void app_close(struct app *a); /* the modal, if there is one */
const struct ui_snapshot *app_snapshot(const struct app *a);
/* Copy a text; `what` says what it is. */
void app_copy(struct app *a, const char *what, const char *text);
/* Send an order and follow it in a notice; its ticket. */
unsigned app_send(struct app *a, const struct ui_order *order);
/* A line for the person, shown for a moment and kept among the messages. bad ones stay until a key. */
void app_say(struct app *a, bool bad, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
