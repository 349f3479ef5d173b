/* Questions: a confirmation before something is stopped or lost, and forms of one or more fields. */
#ifndef TUI_DIALOG_H
#define TUI_DIALOG_H
#include <stdbool.h>
#include <stddef.h>

#include "tui/field.h"
#include "tui/source.h"
#include "tui/view.h"

struct arena;

/* --- confirmation ------------------------------------------------------------------------------------------------- */

/* What will be ordered was captured when the first key was pressed and does not change while the question is open. Cancel
 * has the focus. All strings live in the arena. */
struct confirm_spec {
	const char *title;	/* "Tear down train?" */
	const char *text;	/* what it is, what it costs, what is lost; lines */
	const char *button;	/* "Tear down" */
	const char *typed;	/* must be typed before the button works; NULL: need not */
	const struct ui_order *orders;
	size_t n_orders;
};
/* spec is copied, the arena is taken over. To be given to app_open with confirm_ops. */
void *confirm_create(const struct confirm_spec *spec, struct arena *arena);
extern const struct modal_ops confirm_ops;

/* --- forms -------------------------------------------------------------------------------------------------------- */

struct form;
/* FORM_FIGURE: what is typed takes the place of the value there was, as of "off", unless the cursor was moved in it before. */
enum form_kind { FORM_TEXT, FORM_PATH, FORM_TOGGLE, FORM_FIGURE };
enum { FORM_FIELDS_MAX = 10, FORM_SUMMARY_MAX = 400 };

struct form_field {
	const char *label, *value; /* of a toggle: "yes" or "no" */
	const char *hint;	   /* shown while the field is empty, or beside a toggle */
	enum form_kind kind;
	/* Enter while it is empty: offer what could be in it, in something pushed over the form; NULL: nothing. */
	void (*pick)(struct app *a, struct form *f, void *arg);
};

struct form_spec {
	const char *title, *intro; /* intro may be NULL */
	const char *button;	   /* "Launch" */
	const struct form_field *fields;
	size_t n_fields;
	size_t start;	/* the field that has the focus first; n_fields + 1: the button */
	bool quick;	/* one question: Enter answers it. Otherwise Enter goes on, and the button has to be pressed */
	bool leads_on;	/* submit orders nothing itself, but asks once more: Enter in any field does it */
	/* Values are in; returns NULL when done (the form closes), else what is wrong, and *field. */
	const char *(*submit)(struct app *a, const struct form *f, void *arg, size_t *field);
	/* A line computed from the values as they are, as the price; may be NULL. */
	void (*summary)(const struct form *f, void *arg, char *buf, size_t size);
	void (*destroy_arg)(void *arg); /* may be NULL */
	void *arg;
};
/* Everything is copied but arg. */
void form_open(struct app *a, const struct form_spec *spec);
/* The text of a field. */
const char *form_value(const struct form *f, size_t field);
bool form_is_on(const struct form *f, size_t field);
/* Fill a field, as a choice does, and go on to the next one. */
void form_fill(struct form *f, size_t field, const char *text);

/* --- plan --------------------------------------------------------------------------------------------------------- */

/* Show where this would be launched and what it would cost; from there it is launched. Over the form that asked, to which Esc goes back.
 * The order is copied; task_file is what the person called it. */
void plan_open(struct app *a, const struct ui_order *order);

#endif
