/* Recipes: task files to start from; read here, edited in the person's editor, launched from here. A recipe that came with skytop is never
 * changed: editing makes the person's own copy of it, which from then on goes before it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/recipe.h"
#include "tui/view/details.h"
#include "tui/view/list.h"
#include "tui/view/views.h"

enum { C_NAME, C_WHOSE, C_TITLE, C_NEEDS };
enum { RECIPE_MAX = 1 << 20 };

static const struct grid_column columns[] = {
    [C_NAME] = {"RECIPE", 12, 24, 0, false, C_NAME},
    [C_WHOSE] = {"FROM", 6, 6, 2, false, C_WHOSE},
    [C_TITLE] = {"WHAT IT DOES", 18, 80, 0, false, C_TITLE},
    [C_NEEDS] = {"NEEDS", 14, 70, 1, false, C_NEEDS},
};

struct recipes_state {
	struct list_view view; /* its details: the text of the recipe */
	struct recipes recipes;
	char problem[300];
	bool read; /* from the disk; not before somebody looks */
	bool in_text;	    /* the text has the keys */
	int top, page;	    /* of the text */
	char *copy, *copied; /* made for the editor, which has it: its path, and what it was; NULL */
};

static const struct recipe *recipe_at(const struct recipes_state *v, size_t item)
{
	return item == LIST_NONE ? NULL : &v->recipes.v[item];
}

static size_t count(void *view)
{
	return ((struct recipes_state *)view)->recipes.n;
}

static uint64_t id(void *view, size_t item)
{
	return list_id(recipe_at(view, item)->name);
}

static void cell(void *view, size_t item, size_t column, struct grid_cell *out)
{
	const struct recipe *r = recipe_at(view, item);
	const char *const texts[] = {[C_NAME] = r->name, [C_WHOSE] = r->own ? "you" : "skytop", [C_TITLE] = r->title, [C_NEEDS] = r->needs};
	snprintf(out->text, sizeof out->text, "%s", texts[column]);
	out->role = column == C_NAME ? ROLE_KEY : column == C_TITLE ? ROLE_TEXT : ROLE_DIM;
}

static int compare(void *view, size_t x, size_t y, int sort)
{
	const struct recipe *a = recipe_at(view, x), *b = recipe_at(view, y);
	int d = sort == C_WHOSE ? b->own - a->own : sort == C_TITLE ? list_by_text(a->title, b->title) : sort == C_NEEDS ? list_by_text(a->needs, b->needs) : 0;
	return d ? d : list_by_text(a->name, b->name);
}

static void words(void *view, size_t item, struct str *out)
{
	str_add(out, recipe_at(view, item)->text);
}

static const struct list_kind kind = {.columns = columns, .n_columns = ARRAY_LEN(columns), .scope = SCOPE_RECIPES, .sort_column = C_NAME,
    .count = count, .id = id, .cell = cell, .compare = compare, .words = words};

static void read_again(struct recipes_state *v)
{
	struct err err = {0};
	recipes_free(&v->recipes);
	v->problem[0] = '\0';
	if (recipes_load(&v->recipes, &err))
		snprintf(v->problem, sizeof v->problem, "%s", err.text);
	v->read = true;
	list_remake(&v->view.lists[0]);
}

/* A copy that was made for the editor and is still what came with skytop is none: it would hide the next version of that. */
static void end_edit(struct recipes_state *v)
{
	size_t len;
	char *text = fs_read(v->copy, RECIPE_MAX, &len, NULL);
	if (text && str_eq(text, v->copied)) {
		unlink(v->copy);
		app_say(v->view.app, false, "nothing was changed: no copy is kept");
	} else if (text) {
		app_say(v->view.app, false, "your own copy goes before skytop's from now on: %s", v->copy);
	}
	free(text);
	free(v->copy);
	free(v->copied);
	v->copy = v->copied = NULL;
}

static void shown(void *state, struct app *a)
{
	(void)a;
	struct recipes_state *v = state;
	if (v->copy && !v->view.app->edit)
		end_edit(v);
	read_again(v);
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

static int lines_of(const char *text)
{
	int n = 0;
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		n++;
	return n;
}

static bool scroll(struct recipes_state *v, const struct recipe *r, enum action what)
{
	int page = v->page > 1 ? v->page - 1 : 1, n = lines_of(r->text);
	const struct {
		enum action act;
		int by;
	} moves[] = {{ACTION_UP, -1}, {ACTION_DOWN, 1}, {ACTION_PAGE_UP, -page}, {ACTION_PAGE_DOWN, page}, {ACTION_HALF_UP, -page / 2},
	    {ACTION_HALF_DOWN, page / 2}, {ACTION_TOP, -n}, {ACTION_BOTTOM, n}};
	for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
		if (moves[i].act != what)
			continue;
		int most = n > v->page ? n - v->page : 0, to = v->top + moves[i].by;
		v->top = to < 0 ? 0 : to > most ? most : to;
		return true;
	}
	return false;
}

static void edit(struct recipes_state *v, const struct recipe *r)
{
	struct err err = {0};
	char *path = r->own ? xstrdup(r->path) : recipe_own_path(r->name), *slash = strrchr(path, '/');
	int rc = 0;
	if (!r->own) {
		*slash = '\0';
		rc = fs_mkdirs(path, &err);
		*slash = '/';
		rc = rc || fs_write(path, r->text, strlen(r->text), 0644, &err);
	}
	if (rc) {
		app_say(v->view.app, true, "edit %s: %s", r->name, err.text);
		free(path);
		return;
	}
	if (!r->own) {
		v->copy = xstrdup(path);
		v->copied = xstrdup(r->text);
	}
	free(v->view.app->edit);
	v->view.app->edit = path;
}

static void open_text(struct recipes_state *v, bool open)
{
	list_view_details(&v->view, open);
	v->in_text = open;
	v->top = 0;
}

static bool act(void *state, struct app *a, enum action what)
{
	struct recipes_state *v = state;
	const struct recipe *r = recipe_at(v, list_selected(&v->view.lists[0]));
	if (v->in_text && r && scroll(v, r, what))
		return true;
	if (what == ACTION_BACK && v->view.details && (v->view.chosen || v->in_text))
		open_text(v, false);
	else if (what == ACTION_PANE && v->view.details)
		v->in_text = !v->in_text;
	else if (what == ACTION_DETAILS && r)
		open_text(v, !v->view.details || !v->view.chosen);
	else if (what == ACTION_EDIT && r)
		edit(v, r);
	else if (what == ACTION_LAUNCH && r)
		launch_form_file(a, r->path);
	else if (list_view_act(&v->view, what))
		v->top = 0;
	else
		return false;
	return true;
}

static const char *why_not(void *state, const struct app *a, enum action what)
{
	(void)a;
	const struct recipes_state *v = state;
	if ((what == ACTION_EDIT || what == ACTION_LAUNCH || what == ACTION_DETAILS) && list_selected(&v->view.lists[0]) == LIST_NONE)
		return "no recipe is selected";
	if (what == ACTION_PANE && !v->view.details)
		return "Enter opens the text";
	if (what == ACTION_MARK)
		return "recipes are launched one at a time";
	return NULL;
}

static void mouse(void *state, struct app *a, const struct input_event *e)
{
	struct recipes_state *v = state;
	const struct recipe *r = recipe_at(v, list_selected(&v->view.lists[0]));
	bool wheel = e->mouse.what == MOUSE_WHEEL_UP || e->mouse.what == MOUSE_WHEEL_DOWN;
	if (v->view.details && r && wheel && !rect_has(v->view.lists[0].grid.rows_at, e->mouse.x, e->mouse.y)) {
		for (int i = 0; i < 3; i++)
			scroll(v, r, e->mouse.what == MOUSE_WHEEL_UP ? ACTION_UP : ACTION_DOWN);
		a->dirty = true;
		return;
	}
	list_view_mouse(v, a, e);
	v->top = 0;
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static void title_line(void *state, struct app *a, struct canvas *c, struct rect line, bool keys)
{
	(void)a;
	struct recipes_state *v = state;
	list_title(&v->view.lists[0], c, line, "Recipes", v->view.lists[0].n_all == 1 ? " recipe" : " recipes", keys);
}

/* Comments stand back, names of keys come forward. */
static void draw_source_line(struct canvas *c, struct rect line, const char *text, size_t len)
{
	size_t blank = strspn(text, " -"), name = blank;
	while (name < len && (text[name] == '_' || text[name] == '-' || (text[name] >= '0' && text[name] <= '9') || (text[name] >= 'A' && text[name] <= 'Z') ||
				 (text[name] >= 'a' && text[name] <= 'z')))
		name++;
	bool comment = blank < len && text[blank] == '#', key = name > blank && name < len && text[name] == ':' && blank <= 4;
	int used = canvas_textn(c, line.x, line.y, line.w, comment ? ROLE_DIM : key ? ROLE_KEY : ROLE_TEXT, text, key ? name : len);
	if (key)
		canvas_textn(c, line.x + used, line.y, line.w - used, ROLE_TEXT, text + name, len - name);
}

static void draw_text(struct recipes_state *v, struct canvas *c, struct rect r, const struct recipe *recipe, bool keys)
{
	struct rect head = rect_cut_top(&r, 1);
	canvas_printf(c, head.x, head.y, head.w, keys ? ROLE_HEADER_SORT : ROLE_HEADER, "%s, %s", path_base(recipe->path),
	    recipe->own ? "your own" : "as it came with skytop: e makes your own copy");
	int n = lines_of(recipe->text), i = 0;
	v->page = r.h;
	v->top = v->top > n - r.h ? n > r.h ? n - r.h : 0 : v->top;
	struct rect bar = r;
	if (keys) {
		c->cursor_x = r.x;
		c->cursor_y = r.y;
	}
	for (const char *p = recipe->text; *p && r.h > 0; i++) {
		size_t len = strcspn(p, "\n");
		if (i >= v->top)
			draw_source_line(c, rect_cut_top(&r, 1), p, len);
		p += len;
		p += *p == '\n';
	}
	canvas_scrollbar(c, bar, (size_t)v->top, (size_t)bar.h, (size_t)n);
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect body, bool keys)
{
	(void)a;
	struct recipes_state *v = state;
	if (!v->read)
		read_again(v);
	const char *empty = v->problem[0] ? v->problem : "no recipes; `skytop recipes` says where they are looked for";
	struct rect side = list_view_draw(&v->view, c, body, keys && !v->in_text, empty);
	if (!rect_empty(side))
		draw_text(v, c, side, recipe_at(v, list_selected(&v->view.lists[0])), keys && v->in_text);
}

static void *create(struct app *a)
{
	struct recipes_state *v = xcalloc(1, sizeof *v);
	v->view.app = a;
	list_view_add(&v->view, "grid", &kind);
	return v;
}

static void destroy(void *state)
{
	struct recipes_state *v = state;
	list_view_finish(&v->view);
	recipes_free(&v->recipes);
	free(v->copy);
	free(v->copied);
	free(v);
}

static size_t copies(void *state, const struct app *a, struct arena *arena, struct view_copy out[VIEW_COPIES_MAX])
{
	(void)a;
	struct recipes_state *v = state;
	const struct recipe *r = recipe_at(v, list_selected(&v->view.lists[0]));
	size_t n = 0;
	if (!r)
		return 0;
	n = view_copy_add(out, n, "name", arena_strdup(arena, r->name));
	n = view_copy_add(out, n, "path", arena_strdup(arena, r->path));
	n = view_copy_add(out, n, "launch command", view_command(arena, "skytop launch", r->path));
	return view_copy_add(out, n, "text", arena_strdup(arena, r->text));
}

const struct view_ops recipes_view = {
    .name = "recipes",
    .title = "Recipes",
    .scope = SCOPE_RECIPES,
    .go = ACTION_VIEW_RECIPES,
    .create = create,
    .destroy = destroy,
    .shown = shown,
    .key = list_view_key,
    .act = act,
    .why_not = why_not,
    .paste = list_view_paste,
    .mouse = mouse,
    .title_line = title_line,
    .draw = draw,
    .copies = copies,
    .save = list_view_save,
    .restore = list_view_restore,
    .hints = list_view_hints,
    .wait_ms = list_view_wait_ms,
};
