/* Palette, help and messages: menus made of the tables of actions and keys, so that nothing can be done that is not listed
 * and nothing is listed that cannot be found. */
#include "tui/palette.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/menu.h"

static void choose_theme(struct app *a, int value, void *arg)
{
	(void)arg;
	if (value < 0 || (size_t)value >= a->n_themes)
		return;
	free(a->theme);
	a->theme = xstrdup(a->themes[value]);
}

/* Values from ACTIONS on are themes: "theme NAME" can be typed into the list of actions. */
static void do_action(struct app *a, int value, void *arg)
{
	if (value >= ACTIONS)
		choose_theme(a, value - ACTIONS, arg);
	else
		app_act(a, (enum action)value);
}

/* Bound somewhere, but not where we are? Then where. */
static const struct view_ops *other_view_of(const struct app *a, enum action act)
{
	if (key_of_action(a->keys, app_view(a)->scope, act))
		return NULL;
	for (size_t i = 0; i < app_n_views; i++)
		if (key_of_action(a->keys, app_views[i]->scope, act))
			return app_views[i];
	return NULL;
}

static const char *reason(const struct app *a, struct arena *arena, enum action act)
{
	const struct view_ops *other = other_view_of(a, act);
	const char *key = other ? key_of_action(a->keys, SCOPE_GLOBAL, other->go) : NULL;
	if (other)
		return arena_printf(arena, "only in %s%s%s", other->title, key ? ": press " : "", key ? key : "");
	return arena_strdup(arena, app_why_not(a, act));
}

/* The command that does the same: of those that every list knows only Offers' is a verb's option. */
static const char *cli_of(const struct app *a, enum action act)
{
	bool of_offers = act == ACTION_FILTER || act == ACTION_SORT_MENU;
	return of_offers && app_view(a)->scope != SCOPE_OFFERS ? NULL : action_info(act)->cli;
}

static bool is_moving(enum action act)
{
	return act >= ACTION_UP && act <= ACTION_BOTTOM;
}

void palette_open(struct app *a)
{
	struct arena *arena = arena_create();
	struct menu_item *items = arena_alloc(arena, (ACTIONS + a->n_themes) * sizeof *items);
	size_t n = 0;
	/* What can be done here comes first, moving about last. */
	for (int pass = 0; pass < 3; pass++) {
		for (int act = ACTION_NONE + 1; act < ACTIONS; act++) {
			const struct action_info *info = action_info((enum action)act);
			int its_pass = is_moving((enum action)act) ? 2 : other_view_of(a, (enum action)act) ? 1 : 0;
			if (its_pass != pass)
				continue;
			items[n++] = (struct menu_item){
			    .left = key_of_action(a->keys, app_view(a)->scope, (enum action)act),
			    .text = arena_printf(arena, "%-14s %s", info->name, info->title),
			    .right = cli_of(a, (enum action)act),
			    .detail = info->help,
			    .why_not = reason(a, arena, (enum action)act),
			    .value = act,
			};
		}
	}
	for (size_t i = 0; i < a->n_themes; i++) {
		items[n++] = (struct menu_item){
		    .text = arena_printf(arena, "theme %s", a->themes[i]),
		    .right = arena_printf(arena, "skytop config set theme %s", a->themes[i]),
		    .detail = "These colours, from now on.",
		    .value = ACTIONS + (int)i,
		};
	}
	struct menu_spec spec = {.title = "Actions", .empty = "", .search = true, .tall = true, .choose = do_action};
	app_open(a, &menu_ops, menu_create(&spec, arena, items, n));
}

/* Does the key do this in the view that is shown, and is the action not listed yet? */
static bool to_list(const struct app *a, const struct key_binding *b, const struct menu_item *items, size_t n)
{
	struct key k;
	if (!key_parse(b->key, &k) || key_action(a->keys, app_view(a)->scope, k) != b->action)
		return false;
	for (size_t i = 0; i < n; i++)
		if (items[i].value == (int)b->action)
			return false;
	return true;
}

/* Append one item an action of a scope, with all its keys; returns how many there are now. */
static size_t add_scope(const struct app *a, struct arena *arena, enum key_scope scope, struct menu_item *items, size_t n)
{
	size_t n_keys;
	const struct key_binding *keys_now = keymap_list(a->keys, &n_keys);
	for (size_t i = 0; i < n_keys; i++) {
		const struct key_binding *b = &keys_now[i];
		if (b->scope != scope || !to_list(a, b, items, n))
			continue;
		const struct action_info *info = action_info(b->action);
		char keys[64];
		items[n++] = (struct menu_item){
		    .heading = key_scope_title(scope),
		    .left = arena_strdup(arena, keys_of_action(a->keys, scope, b->action, keys, sizeof keys)),
		    .text = info->title,
		    .right = cli_of(a, b->action),
		    .detail = info->help,
		    .words = info->name,
		    .why_not = reason(a, arena, b->action),
		    .value = (int)b->action,
		};
	}
	return n;
}

enum { HELP_WORDS_MAX = 64 };

/* Those that have no key here: so that help knows everything there is. */
static size_t add_rest(const struct app *a, struct arena *arena, struct menu_item *items, size_t n)
{
	for (int pass = 0; pass < 2; pass++) {
		for (int act = ACTION_NONE + 1; act < ACTIONS; act++) {
			const struct action_info *info = action_info((enum action)act);
			const struct view_ops *other = other_view_of(a, (enum action)act);
			if (key_of_action(a->keys, app_view(a)->scope, (enum action)act) || (other != NULL) != (pass == 1))
				continue;
			items[n++] = (struct menu_item){
			    .heading = other ? "In other views" : "Without a key",
			    .left = other ? key_of_action(a->keys, other->scope, (enum action)act) : NULL,
			    .text = info->title,
			    .right = info->cli,
			    .detail = info->help,
			    .words = info->name,
			    .why_not = reason(a, arena, (enum action)act),
			    .value = act,
			};
		}
	}
	return n;
}

void palette_help(struct app *a)
{
	struct arena *arena = arena_create();
	struct menu_item *items = arena_alloc(arena, (ACTIONS + HELP_WORDS_MAX) * sizeof *items);
	size_t n = 0;
	for (enum key_scope scope = app_view(a)->scope;; scope = key_scope_below(scope)) {
		n = add_scope(a, arena, scope, items, n);
		if (scope == SCOPE_GLOBAL)
			break;
	}
	size_t (*help)(struct arena *, struct menu_item *, size_t) = app_view(a)->help;
	n += help ? help(arena, items + n, HELP_WORDS_MAX) : 0;
	n = add_rest(a, arena, items, n);
	struct menu_spec spec = {.title = arena_printf(arena, "Help: %s", app_view(a)->title), .empty = "",
	    .search = true, .tall = true, .detail_lines = help ? 3 : 0, .choose = do_action};
	app_open(a, &menu_ops, menu_create(&spec, arena, items, n));
}

static const char *message_time(struct arena *arena, int64_t at_ms)
{
	char utc[24];
	time_rfc3339(at_ms, utc, sizeof utc);
	return strlen(utc) >= 19 ? arena_strndup(arena, utc + 11, 8) : "";
}

static int64_t message_at(const struct notice *n)
{
	return n->ended_ms ? n->ended_ms : n->since_ms;
}

static int by_time(const void *x, const void *y)
{
	const struct notice *const *a = x, *const *b = y;
	int64_t p = message_at(*a), q = message_at(*b);
	return p != q ? (p > q) - (p < q) : ((*a)->number > (*b)->number) - ((*a)->number < (*b)->number);
}

static void copy_message(struct app *a, int value, void *arg)
{
	(void)arg;
	struct str words = str_new(2 * NOTICE_TEXT_MAX);
	for (size_t i = 0; i < a->notices.n; i++)
		if ((int)a->notices.list[i].number == value)
			notice_words(&a->notices.list[i], &words);
	if (words.len)
		app_copy(a, "message", str_text(&words));
	str_free(&words);
}

void palette_messages(struct app *a)
{
	struct arena *arena = arena_create();
	const struct notices *ns = &a->notices;
	struct menu_item *items = arena_alloc(arena, (ns->n + 1) * sizeof *items);
	const struct notice *sorted[NOTICES_MAX];
	for (size_t i = 0; i < ns->n; i++)
		sorted[i] = &ns->list[i];
	qsort(sorted, ns->n, sizeof *sorted, by_time);
	for (size_t i = 0; i < ns->n; i++) {
		const struct notice *n = sorted[i];
		struct str words = str_new(2 * NOTICE_TEXT_MAX);
		notice_words(n, &words);
		const char *text = arena_strdup(arena, str_text(&words));
		str_free(&words);
		items[i] = (struct menu_item){
		    .left = message_time(arena, message_at(n)),
		    .text = text,
		    .detail = text,
		    .bad = n->state == NOTICE_FAILED,
		    .value = (int)n->number,
		};
	}
	struct menu_spec spec = {.title = "Messages (UTC)", .empty = "nothing was said yet", .tall = true, .keep_end = true,
	    .detail_lines = 4, .copies = true, .choose = copy_message};
	app_open(a, &menu_ops, menu_create(&spec, arena, items, ns->n));
}

void palette_themes(struct app *a)
{
	struct arena *arena = arena_create();
	struct menu_item *items = arena_alloc(arena, (a->n_themes + 1) * sizeof *items);
	for (size_t i = 0; i < a->n_themes; i++)
		items[i] = (struct menu_item){.text = arena_strdup(arena, a->themes[i]), .value = (int)i,
		    .detail = "Kept for the next time; `skytop config set theme NAME` is for good."};
	struct menu_spec spec = {.title = "Themes", .empty = "no themes were found", .choose = choose_theme};
	app_open(a, &menu_ops, menu_create(&spec, arena, items, a->n_themes));
}

/* --- copying ------------------------------------------------------------------------------------------------------ */

static void copy_item(struct app *a, int value, void *arg)
{
	(void)arg;
	if (value >= 0 && (size_t)value < a->n_copies)
		app_copy(a, a->copies[value].what, a->copies[value].text);
}

static const char *one_line(struct arena *arena, const char *text)
{
	char *line = arena_strndup(arena, text, strlen(text) < 200 ? strlen(text) : 200);
	for (char *p = line; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	return line;
}

void palette_copy(struct app *a)
{
	const struct view_ops *v = app_view(a);
	struct arena *arena = arena_create();
	/* Taken now: the world may move while one chooses. */
	arena_destroy(a->copies_of);
	a->copies_of = arena_create();
	a->n_copies = v->copies ? v->copies(a->views[a->view], a, a->copies_of, a->copies) : 0;
	size_t n = a->n_copies;
	struct menu_item *items = arena_alloc(arena, (n + 1) * sizeof *items);
	for (size_t i = 0; i < n; i++)
		items[i] = (struct menu_item){.left = arena_strdup(arena, a->copies[i].what), .text = one_line(arena, a->copies[i].text), .value = (int)i,
		    .detail = "Enter copies it."};
	struct menu_spec spec = {.title = "Copy", .empty = "nothing is selected here that could be copied", .choose = copy_item, .copies = true};
	app_open(a, &menu_ops, menu_create(&spec, arena, items, n));
}
