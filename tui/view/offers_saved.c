/* Filters with names: a menu of them, and the question for a name. */
#include "tui/view/offers_priv.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/store/saved.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/menu.h"
#include "tui/view/views.h"

/* What a line of the menu means; saved ones follow. */
enum { KEEP = 1, FORGET, FIRST };

static void choose(struct app *a, int value, void *arg);

static const char *submit(struct app *a, const struct form *f, void *arg, size_t *field)
{
	struct offers_state *v = arg;
	struct err err;
	*field = 0;
	if (saved_put(form_value(f, 0), v->query.field.text, &err)) {
		snprintf(v->saved_problem, sizeof v->saved_problem, "%s", err.text);
		return v->saved_problem;
	}
	app_say(a, false, "the filter is saved as %s; F recalls it", form_value(f, 0));
	return NULL;
}

static void ask_name(struct offers_state *v)
{
	struct form_field field = {"name", "", "such as: cheap h100", FORM_TEXT, NULL};
	struct form_spec spec = {.title = "Save the filter", .intro = v->query.field.text, .button = "Save", .fields = &field, .n_fields = 1,
	    .quick = true, .submit = submit, .arg = v};
	form_open(v->app, &spec);
}

static void open_menu(struct offers_state *v, bool forget)
{
	struct err err;
	struct saved_filters s;
	if (saved_load(&s, &err))
		app_say(v->app, true, "%s", err.text);
	struct arena *arena = arena_create();
	struct menu_item *items = arena_alloc(arena, (SAVED_MAX + 2) * sizeof *items);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		items[n++] = (struct menu_item){.text = arena_strdup(arena, s.v[i].name), .right = arena_strdup(arena, s.v[i].text),
		    .words = arena_strdup(arena, s.v[i].text), .value = FIRST + (int)i};
	if (!forget) {
		items[n++] = (struct menu_item){.text = "Save the filter of now \xe2\x80\xa6", .value = KEEP,
		    .why_not = v->query.field.len ? NULL : "there is no filter now: / begins one"};
		items[n++] = (struct menu_item){.text = "Forget one \xe2\x80\xa6", .value = FORGET, .why_not = s.n ? NULL : "none is saved"};
	}
	v->forgetting = forget;
	struct menu_spec spec = {.title = forget ? "Forget which?" : "Saved filters", .empty = "none is saved", .choose = choose, .arg = v};
	app_open(v->app, &menu_ops, menu_create(&spec, arena, items, n));
	saved_free(&s);
}

static void choose(struct app *a, int value, void *arg)
{
	struct offers_state *v = arg;
	struct saved_filters s;
	struct err err;
	if (value == KEEP) {
		ask_name(v);
		return;
	}
	if (value == FORGET) {
		open_menu(v, true);
		return;
	}
	/* By its number: the file is what it was when the menu was made, a moment ago. */
	size_t i = (size_t)(value - FIRST);
	if (saved_load(&s, &err))
		app_say(a, true, "%s", err.text);
	else if (i >= s.n)
		app_say(a, true, "it is not there any more");
	else if (!v->forgetting)
		offers_set_filter(a, s.v[i].text);
	else if (saved_put(s.v[i].name, NULL, &err))
		app_say(a, true, "%s", err.text);
	else
		app_say(a, false, "%s is forgotten", s.v[i].name);
	saved_free(&s);
}

void offers_saved_open(struct offers_state *v)
{
	open_menu(v, false);
}
