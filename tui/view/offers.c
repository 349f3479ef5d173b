/* Offers: what all clouds sell now, filtered while typing, sorted by any column, one line an offer or one line a kind of GPU.
 *
 * The list is a permutation of row numbers of the catalog's table: filtering 140,000 rows and sorting what is left costs a
 * few milliseconds, drawing what is visible far less. Rows of one table mean nothing in the next one: whenever the prices are
 * opened anew everything is computed again, and the selection is found again by the offer's id. */
#include "tui/view/offers_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/view/details.h"
#include "tui/view/views.h"
#include "tui/width.h"

/* --- filter and order --------------------------------------------------------------------------------------------- */

static struct grid *current_grid(struct offers_state *v)
{
	return v->grouped ? &v->group_grid : &v->grid;
}

static struct grid_rows current_rows(struct offers_state *v)
{
	return v->grouped ? offers_group_rows(v) : offers_flat_rows(v);
}

enum { FIRST_ROWS = 128 };

static void sort_offers(struct offers_state *v, bool first_rows_only)
{
	struct offer_order order = {.n = 2};
	order.by[0].key = v->grid.sort_column < 0 ? OFFER_BY_NONE : (enum offer_key)v->grid.columns[v->grid.sort_column].sort;
	order.by[0].descending = v->grid.descending;
	order.by[1].key = order.by[0].key == OFFER_BY_PER_GPU ? OFFER_BY_PRICE : OFFER_BY_PER_GPU;
	v->partly_sorted = first_rows_only && v->list.n > FIRST_ROWS;
	if (v->partly_sorted)
		offer_sort_first(offers_table(v), &order, v->list.rows, v->list.n, FIRST_ROWS);
	else
		offer_sort(offers_table(v), &order, v->list.rows, v->list.n);
	v->shown_partly = false;
	offers_measure(v);
}

/* Before anybody goes further than to the first rows. */
static void sort_rest(struct offers_state *v)
{
	if (v->partly_sorted)
		sort_offers(v, false);
}

static void find_best(struct offers_state *v)
{
	v->best_per_gpu = PRICE_UNKNOWN;
	for (size_t i = 0; i < v->list.n; i++) {
		int64_t p = offer_per_gpu(offers_table(v), v->list.rows[i], false);
		if (p != PRICE_UNKNOWN && (v->best_per_gpu == PRICE_UNKNOWN || p < v->best_per_gpu))
			v->best_per_gpu = p;
	}
}

static void make_groups(struct offers_state *v)
{
	free(v->groups);
	v->groups = NULL;
	v->n_groups = offer_groups(offers_table(v), v->list.rows, v->list.n, &v->groups);
	v->group_order = xreallocarray(v->group_order, v->n_groups + 1, sizeof *v->group_order);
	offers_sort_groups(v);
}

/* Everything that follows from table, filter and order. */
static void recompute(struct offers_state *v)
{
	filter_run(v->filter, offers_table(v), &v->list);
	find_best(v);
	struct grid *g = current_grid(v);
	/* Whoever has not moved stays at the top, and need not wait for the order of what is far below. */
	if (!g->selected)
		g->selected_id = 0;
	if (v->grouped)
		make_groups(v);
	else
		sort_offers(v, !g->selected);
	struct grid_rows rows = current_rows(v);
	grid_sync(g, &rows);
}

static void forget_groups(struct offers_state *v)
{
	free(v->group_query);
	v->group_query = NULL;
}

/* Compile the first len bytes of the query. */
static struct filter *compile(const struct offers_state *v, size_t len, struct filter_error *where, struct err *err)
{
	char text[FIELD_MAX + 1];
	memcpy(text, v->query.field.text, len);
	text[len] = '\0';
	return filter_compile(text, where, err);
}

/* Where the term begins that the cursor is in. */
static size_t term_start(const struct offers_state *v)
{
	size_t start = v->query.field.cursor;
	while (start > 0 && v->query.field.text[start - 1] != ' ')
		start--;
	return start;
}

/* Is the last word perhaps the beginning of a field's name: "pri" of "price<"? */
static bool may_become_field(const struct offers_state *v)
{
	const char *word = v->query.field.text + term_start(v), *out[1];
	return v->query.field.cursor == v->query.field.len && word[0] && filter_complete(word, out, 1) > 0;
}

static void use(struct offers_state *v, struct filter *f)
{
	filter_destroy(v->filter);
	v->filter = f;
	recompute(v);
}

/* While it is typed (not whole) a last term that is only the beginning of something right does not count yet. */
static void apply_query(struct offers_state *v, bool whole)
{
	struct filter_error where;
	struct err err = {0};
	struct filter *f = compile(v, v->query.field.len, &where, &err);
	v->problem[0] = '\0';
	/* Back to the blank before it, or to the one before that when it is within quotes. */
	for (size_t len = v->query.field.len; !f && !whole && where.incomplete && len;) {
		while (--len && v->query.field.text[len] != ' ')
			continue;
		f = compile(v, len, &where, &err);
	}
	if (!f) {
		snprintf(v->problem, sizeof v->problem, "%s", err.text);
		return;
	}
	use(v, f);
	if (!whole && !v->list.n && may_become_field(v) && (f = compile(v, term_start(v), &where, &err)))
		use(v, f);
}

bool offers_hold(const struct app *a)
{
	enum { HAND_MS = 5000 };
	const struct offers_state *v = app_view_state((struct app *)a, &offers_view);
	if (app_view(a) != &offers_view)
		return false;
	bool empty = !v->list.n; /* nothing that could move away under the hand */
	return a->modal.ops || v->grid.n_marks || (!empty && (v->query.typing || (a->key_ms && a->now_ms < a->key_ms + HAND_MS)));
}

const char *offers_set_filter(struct app *a, const char *text)
{
	struct offers_state *v = app_view_state(a, &offers_view);
	forget_groups(v);
	field_set(&v->query.field, text);
	apply_query(v, true);
	return v->problem[0] ? v->problem : NULL;
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

static void resort(void *arg)
{
	struct offers_state *v = arg;
	struct grid_rows rows = current_rows(v);
	if (v->grouped)
		offers_sort_groups(v);
	else
		sort_offers(v, false);
	grid_sync(current_grid(v), &rows);
}

/* For the grid that is shown. */
static struct sorter *sorter(struct offers_state *v)
{
	v->sorter = (struct sorter){v->app, current_grid(v), resort, v};
	return &v->sorter;
}

static void set_grouped(struct offers_state *v, bool on)
{
	forget_groups(v);
	v->grouped = on;
	recompute(v);
}

/* From a group to its offers: the accelerator becomes part of the filter. */
static void open_group(struct offers_state *v)
{
	if (!v->n_groups)
		return;
	const char *name = offers_group_at(v, v->group_grid.selected)->accelerator;
	char term[200], *before = xstrdup(v->query.field.text);
	snprintf(term, sizeof term, "%s%s", v->query.field.len ? " " : "", name ? "gpu:" : "!gpu:*");
	v->query.field.cursor = v->query.field.len;
	field_insert(&v->query.field, term, strlen(term));
	if (name)
		field_insert(&v->query.field, name, strlen(name));
	v->grouped = false;
	v->grid.selected = v->grid.top = 0;
	apply_query(v, true);
	forget_groups(v);
	v->group_query = before;
}

/* The kind of GPU that was entered is selected there still. */
static void back_to_groups(struct offers_state *v)
{
	char *query = v->group_query;
	v->group_query = NULL;
	v->grouped = true;
	offers_set_filter(v->app, query);
	free(query);
}

static bool back(struct offers_state *v)
{
	if (v->details)
		v->details = false;
	else if (v->grid.n_marks)
		v->grid.n_marks = 0;
	else if (v->group_query)
		back_to_groups(v);
	else if (v->query.field.len)
		offers_set_filter(v->app, "");
	else
		return false;
	return true;
}

static size_t selected_row(const struct offers_state *v)
{
	if (v->grouped)
		return v->n_groups ? v->groups[v->group_order[v->group_grid.selected]].cheapest : SIZE_MAX;
	return v->list.n ? v->list.rows[v->grid.selected] : SIZE_MAX;
}

static bool act(void *state, struct app *a, enum action what)
{
	struct offers_state *v = state;
	sort_rest(v);
	struct grid_rows rows = current_rows(v);
	if (table_act(sorter(v), &rows, &v->query, what))
		return true;
	switch (what) {
	case ACTION_SAVED:
		offers_saved_open(v);
		return true;
	case ACTION_PRICES:
		app_send(a, &(struct ui_order){.verb = UI_PRICES});
		return true;
	case ACTION_GROUP:
		set_grouped(v, !v->grouped);
		return true;
	case ACTION_DETAILS:
		if (v->grouped)
			open_group(v);
		else
			v->details = !v->details && v->list.n;
		return true;
	case ACTION_BACK:
		return back(v);
	case ACTION_LAUNCH: {
		size_t row = selected_row(v);
		launch_form(a, offers_table(v), row == OFFER_NONE ? SIZE_MAX : row);
		return true;
	}
	default:
		return false;
	}
}

static const char *why_not(void *state, const struct app *a, enum action what)
{
	(void)a;
	const struct offers_state *v = state;
	if (what == ACTION_LAUNCH && selected_row(v) == SIZE_MAX)
		return "no offer is selected";
	if (what == ACTION_PANE)
		return "there is one pane here";
	if (what == ACTION_MARK && v->grouped)
		return "groups cannot be marked; t shows the offers";
	return NULL;
}

/* --- typing ------------------------------------------------------------------------------------------------------- */

static void complete(struct offers_state *v)
{
	char prefix[64];
	const char *words[1];
	size_t start = term_start(v), len = v->query.field.cursor - start;
	if (!len || len >= sizeof prefix)
		return;
	memcpy(prefix, v->query.field.text + start, len);
	prefix[len] = '\0';
	if (filter_complete(prefix, words, 1) == 1 && strlen(words[0]) > len)
		field_insert(&v->query.field, words[0] + len, strlen(words[0]) - len);
}

static bool key(void *state, struct app *a, struct key k)
{
	struct offers_state *v = state;
	if (!v->query.typing)
		return false;
	switch (query_key(&v->query, k)) {
	case QUERY_OTHER:
		/* The list can be moved through while the filter is typed. */
		if (k.code == KEYS_TAB) {
			complete(v);
			apply_query(v, false);
		} else if (k.code >= KEYS_UP && !k.mods) {
			app_act(a, key_action(a->keys, SCOPE_OFFERS, k));
		}
		break;
	case QUERY_TAKEN:
		break;
	case QUERY_CHANGED:
		forget_groups(v);
		apply_query(v, false);
		break;
	case QUERY_KEPT:
	case QUERY_UNDONE:
		apply_query(v, true);
		break;
	}
	return true;
}

static bool paste(void *state, struct app *a, const char *text, size_t len)
{
	(void)a;
	struct offers_state *v = state;
	if (!query_paste(&v->query, text, len))
		return false;
	apply_query(v, false);
	return true;
}

static void mouse(void *state, struct app *a, const struct input_event *e)
{
	(void)a;
	struct offers_state *v = state;
	sort_rest(v);
	struct grid_rows rows = current_rows(v);
	table_mouse(sorter(v), &rows, e);
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static void title_right(const struct offers_state *v, char *buf, size_t size, int w)
{
	char n[32], all[32], age[40] = "";
	int64_t as_of = prices_as_of_ms(v->app->prices);
	if (as_of) {
		char text[24];
		int64_t days = (v->app->now_ms - as_of) / 86400000;
		if (days < 2)
			snprintf(age, sizeof age, " \xc2\xb7 prices %s", ago_text(as_of, v->app->now_ms, text, sizeof text));
		else
			snprintf(age, sizeof age, " \xc2\xb7 prices %lld days old", (long long)days);
	}
	if (v->app->prices_wait)
		snprintf(age, sizeof age, " \xc2\xb7 new prices wait%s", v->grid.n_marks ? ": Esc" : "");
	count_text((int64_t)v->list.n, n, sizeof n);
	count_text((int64_t)offers_table(v)->n_rows, all, sizeof all);
	snprintf(buf, size, " %s of %s offers%s ", n, all, age);
	if (width_text(buf, strlen(buf)) > w * 2 / 3)
		snprintf(buf, size, " %s of %s ", n, all);
}

static void title_line(void *state, struct app *a, struct canvas *c, struct rect line, bool keys)
{
	(void)a;
	struct offers_state *v = state;
	char right[160];
	title_right(v, right, sizeof right, line.w);
	int right_w = width_text(right, strlen(right)), room = line.w - right_w - 1;
	if (!v->query.typing && !v->query.field.len)
		canvas_text(c, line.x, line.y, room, ROLE_TITLE, v->grouped ? " GPUs " : " All offers ");
	query_draw(&v->query, c, line, room, keys);
	canvas_right(c, line.x, line.y, line.w, ROLE_TITLE, right);
}

static const char *empty_text(const struct offers_state *v)
{
	const char *problem = prices_problem(v->app->prices);
	if (!offers_table(v)->n_rows)
		return problem ? problem : "the catalog has no offers: skytop catalog update";
	return "no offer matches; Esc clears the filter";
}

/* Where the selected one stands among all in the list, by price per accelerator. */
static size_t rank_of(const struct offers_state *v, size_t row)
{
	int64_t mine = offer_per_gpu(offers_table(v), row, false);
	size_t cheaper = 0;
	if (mine == PRICE_UNKNOWN)
		return 0;
	for (size_t i = 0; i < v->list.n; i++) {
		int64_t p = offer_per_gpu(offers_table(v), v->list.rows[i], false);
		cheaper += p != PRICE_UNKNOWN && p < mine;
	}
	return cheaper + 1;
}

enum { COMPARED_MAX = 8 };

/* The rows of the marked offers, whether the filter shows them or not. */
static size_t marked_rows(const struct offers_state *v, size_t rows[COMPARED_MAX])
{
	const struct offers *o = offers_table(v);
	size_t n = 0;
	for (size_t m = 0; m < v->grid.n_marks && n < COMPARED_MAX; m++)
		for (size_t i = 0; i < o->n_rows; i++)
			if ((uint64_t)o->rows[i].id + 1 == v->grid.marks[m]) {
				rows[n++] = i;
				break;
			}
	return n;
}

static void draw_body(struct offers_state *v, struct app *a, struct canvas *c, struct rect body, bool keys)
{
	struct rect list = body;
	if (v->problem[0]) {
		struct rect line = rect_cut_top(&list, list.h > 3);
		canvas_text(c, line.x + 1, line.y, line.w - 1, ROLE_BAD, v->problem);
	}
	struct grid_rows rows = current_rows(v);
	if (!v->details || v->grouped || !v->list.n) {
		grid_draw(current_grid(v), &rows, c, list, keys && !v->query.typing, empty_text(v));
		return;
	}
	struct rect details = details_split(c, list, &list, v->list.n + 1);
	if (!rect_empty(list))
		grid_draw(&v->grid, &rows, c, list, keys && !v->query.typing, empty_text(v));
	size_t row = selected_row(v), marked[COMPARED_MAX], n = marked_rows(v, marked);
	if (n > 1)
		offer_compare_draw(a, c, details, marked, n);
	else
		offer_details_draw(a, c, details, row, rank_of(v, row), v->list.n);
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect body, bool keys)
{
	struct offers_state *v = state;
	if (v->shown_partly || body.h > FIRST_ROWS)
		sort_rest(v);
	draw_body(v, a, c, body, keys);
	offers_remember(v);
	v->shown_partly = v->partly_sorted;
}

static const char *const *hints(void *state, const struct app *a)
{
	(void)a;
	static const char *const typing[] = {"Enter", "keep", "Esc", "undo", "Tab", "complete",
	    "e.g.", "h100 spot<2.5 cloud:aws,gcp region:us-* n>=8", NULL};
	return ((const struct offers_state *)state)->query.typing ? typing : NULL;
}

/* Until the rest is sorted; until a flash ends; and prices that wait are tried again, until the hand has been still for long enough. */
static int64_t wait_ms(void *state, const struct app *a)
{
	enum { AGAIN_MS = 500, SORT_MS = 50 };
	const struct offers_state *v = state;
	if (v->partly_sorted)
		return SORT_MS;
	if (a->now_ms < v->flash_until_ms)
		return v->flash_until_ms - a->now_ms;
	return a->prices_wait ? AGAIN_MS : -1;
}

static void news(void *state, struct app *a)
{
	struct offers_state *v = state;
	if (v->seen == prices_revision(a->prices))
		return;
	v->seen = prices_revision(a->prices);
	recompute(v);
	offers_compare_seen(v);
}

static void *create(struct app *a)
{
	struct offers_state *v = xcalloc(1, sizeof *v);
	v->app = a;
	offers_init_grids(v);
	news(v, a);
	return v;
}

static void destroy(void *state)
{
	struct offers_state *v = state;
	forget_groups(v);
	filter_destroy(v->filter);
	offer_list_free(&v->list);
	free(v->groups);
	free(v->group_order);
	grid_finish(&v->grid);
	grid_finish(&v->group_grid);
	free(v);
}

static json_t *save(void *state)
{
	struct offers_state *v = state;
	json_t *j = json_object();
	json_object_set_new(j, "grid", grid_save(&v->grid));
	json_object_set_new(j, "groups", grid_save(&v->group_grid));
	json_object_set_new(j, "grouped", json_boolean(v->grouped));
	json_object_set_new(j, "details", json_boolean(v->details));
	return j;
}

static void restore(void *state, struct app *a, const json_t *saved)
{
	(void)a;
	struct offers_state *v = state;
	int column = v->grid.sort_column;
	bool descending = v->grid.descending;
	grid_restore(&v->grid, json_object_get(saved, "grid"));
	grid_restore(&v->group_grid, json_object_get(saved, "groups"));
	v->grouped = json_is_true(json_object_get(saved, "grouped"));
	v->details = json_is_true(json_object_get(saved, "details"));
	if (v->grouped || v->grid.sort_column != column || v->grid.descending != descending)
		recompute(v);
}

const struct view_ops offers_view = {
    .name = "offers",
    .title = "Offers",
    .scope = SCOPE_OFFERS,
    .go = ACTION_VIEW_OFFERS,
    .create = create,
    .destroy = destroy,
    .news = news,
    .key = key,
    .act = act,
    .why_not = why_not,
    .paste = paste,
    .mouse = mouse,
    .title_line = title_line,
    .draw = draw,
    .copies = offers_copies,
    .save = save,
    .restore = restore,
    .hints = hints,
    .wait_ms = wait_ms,
};
