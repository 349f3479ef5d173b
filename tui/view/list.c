/* Lists: filter, order and marks of items, and the keys and clicks for them. What an item is only its view knows. */
#include "tui/view/list.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/menu.h"
#include "tui/width.h"

enum { FROZEN_MS = 5000, MEASURED_MAX = 250, FREE_TEXT = 60, WORDS_MAX = 4000, SPAN_WORDS = 4 };

/* --- sorting ------------------------------------------------------------------------------------------------------ */

static void sort_by(struct sorter *s, int column, bool descending)
{
	if (column < 0)
		return;
	s->grid->sort_column = column;
	s->grid->descending = descending;
	s->resort(s->arg);
}

static void choose_sort(struct app *a, int value, void *arg)
{
	(void)a;
	sort_by(arg, value - 1, false);
}

static void sort_menu(struct sorter *s)
{
	struct arena *arena = arena_create();
	const struct grid *g = s->grid;
	struct menu_item *items = arena_alloc(arena, GRID_COLUMNS_MAX * sizeof *items);
	size_t n = 0;
	for (size_t i = 0; i < g->n_columns; i++)
		if (g->columns[i].sort >= 0)
			items[n++] = (struct menu_item){.text = g->columns[i].title, .value = (int)i + 1,
			    .right = (int)i == g->sort_column ? g->descending ? "greatest first" : "least first" : NULL};
	struct menu_spec spec = {.title = "Sort by", .empty = "", .start = g->sort_column + 1, .choose = choose_sort, .arg = s};
	app_open(s->app, &menu_ops, menu_create(&spec, arena, items, n));
}

bool sorter_act(struct sorter *s, enum action what)
{
	if (what == ACTION_SORT_NEXT || what == ACTION_SORT_PREV)
		sort_by(s, grid_next_sort(s->grid, what == ACTION_SORT_NEXT ? 1 : -1), s->grid->descending);
	else if (what == ACTION_SORT_REVERSE)
		sort_by(s, s->grid->sort_column, !s->grid->descending);
	else if (what == ACTION_SORT_MENU)
		sort_menu(s);
	else
		return false;
	return true;
}

bool sorter_click(struct sorter *s, const struct input_event *e)
{
	struct grid *g = s->grid;
	int column = e->mouse.what == MOUSE_PRESS && e->mouse.y == g->rows_at.y - 1 ? grid_column_at(g, e->mouse.x) : -1;
	if (column < 0 || g->columns[column].sort < 0)
		return false;
	sort_by(s, column, column == g->sort_column ? !g->descending : false);
	return true;
}

static void mark(struct grid *g, const struct grid_rows *rows)
{
	if (!rows->count(rows->arg))
		return;
	grid_mark(g, g->selected_id, !grid_marked(g, g->selected_id));
	grid_move(g, rows, 1);
}

bool table_act(struct sorter *s, const struct grid_rows *rows, struct query *q, enum action what)
{
	if (grid_act(s->grid, rows, what) || sorter_act(s, what))
		return true;
	if (what == ACTION_FILTER)
		query_begin(q);
	else if (what == ACTION_MARK)
		mark(s->grid, rows);
	else
		return false;
	return true;
}

void table_mouse(struct sorter *s, const struct grid_rows *rows, const struct input_event *e)
{
	if (!sorter_click(s, e))
		grid_mouse(s->grid, rows, e);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static size_t row_count(void *arg)
{
	return ((struct list *)arg)->n;
}

static uint64_t row_id(void *arg, size_t row)
{
	return ((struct list *)arg)->ids[row];
}

/* Plain words of the filter are shown where they stand. */
static void add_spans(const struct list *l, struct grid_cell *out)
{
	const char *p = l->query.field.text;
	for (size_t w = 0; w < SPAN_WORDS && *(p += strspn(p, " ")); w++) {
		char word[64];
		size_t n = strcspn(p, " ");
		const char *from = p;
		p += n;
		if (n >= sizeof word || n < 2 || *from == '!' || *from == '/' || memchr(from, ':', n) || memchr(from, '<', n) || memchr(from, '>', n))
			continue;
		memcpy(word, from, n);
		word[n] = '\0';
		for (size_t at = 0; out->text[at] && out->n_spans < GRID_SPANS_MAX; at++) {
			if (strncasecmp(out->text + at, word, n) != 0)
				continue;
			out->spans[out->n_spans].at = at;
			out->spans[out->n_spans++].len = n;
			break;
		}
	}
}

static void row_cell(void *arg, size_t row, size_t column, struct grid_cell *out)
{
	struct list *l = arg;
	l->kind->cell(l->view, l->order[row], column, out);
	if (l->query.field.len)
		add_spans(l, out);
}

static struct grid_rows rows_of(struct list *l)
{
	return (struct grid_rows){row_count, row_id, row_cell, l};
}

/* --- order -------------------------------------------------------------------------------------------------------- */

struct cell_of {
	const struct list *l;
	size_t item;
};

static void item_cell(void *arg, size_t column, struct grid_cell *out)
{
	const struct cell_of *c = arg;
	c->l->kind->cell(c->l->view, c->item, column, out);
}

static bool matches(const struct list *l, size_t item)
{
	if (!l->query.field.len)
		return true;
	struct str words = str_new(WORDS_MAX);
	struct cell_of c = {l, item};
	if (l->kind->words)
		l->kind->words(l->view, item, &words);
	struct list_fields f = {l->kind->columns, l->kind->n_columns, item_cell, &c, str_text(&words)};
	bool hit = list_match(l->query.field.text, &f);
	str_free(&words);
	return hit;
}

/* What was where, by id. */
struct place {
	uint64_t id;
	size_t at;
};

static int by_id(const void *a, const void *b)
{
	uint64_t x = ((const struct place *)a)->id, y = ((const struct place *)b)->id;
	return (x > y) - (x < y);
}

static size_t old_place(const struct place *places, size_t n, uint64_t id)
{
	struct place key = {.id = id};
	const struct place *p = n ? bsearch(&key, places, n, sizeof *places, by_id) : NULL;
	return p ? p->at : SIZE_MAX;
}

static struct place *places_of(const struct list *l)
{
	struct place *places = xcalloc(l->n + 1, sizeof *places);
	for (size_t i = 0; i < l->n; i++)
		places[i] = (struct place){l->ids[i], i};
	qsort(places, l->n, sizeof *places, by_id);
	return places;
}

struct entry {
	size_t item, place; /* place: where it stood; SIZE_MAX: it is new, or nothing is frozen */
	uint64_t id;
};

static bool after(const struct list *l, const struct entry *a, const struct entry *b)
{
	if (a->place != b->place)
		return a->place > b->place;
	const struct grid *g = &l->grid;
	int d = l->kind->compare(l->view, a->item, b->item, g->sort_column < 0 ? -1 : g->columns[g->sort_column].sort);
	if (g->descending && d < LIST_MISSING && d > -LIST_MISSING)
		d = -d;
	return (d ? d : l->kind->compare(l->view, a->item, b->item, -1)) > 0;
}

/* Merging from below: stable, and no worse for lists that are long. */
static void sort(const struct list *l, struct entry *v, size_t n)
{
	struct entry *other = xcalloc(n + 1, sizeof *other);
	for (size_t w = 1; w < n; w *= 2) {
		for (size_t from = 0; from < n; from += 2 * w) {
			size_t mid = from + w < n ? from + w : n, end = mid + w < n ? mid + w : n, i = from, j = mid;
			for (size_t k = from; k < end; k++)
				other[k] = j >= end || (i < mid && !after(l, &v[i], &v[j])) ? v[i++] : v[j++];
		}
		memcpy(v, other, n * sizeof *v);
	}
	free(other);
}

/* How wide columns would have to be; they do not become narrower while the list is looked at, and figures, which move, have their least width
 * from the start. Columns for what is going on get what the others leave, so that a word that is another one each second moves nothing. */
static void measure(struct list *l)
{
	size_t step = l->n / MEASURED_MAX + 1;
	for (size_t c = 0; c < l->kind->n_columns; c++) {
		const struct grid_column *column = &l->kind->columns[c];
		if (column->right && column->min > l->grid.want[c])
			l->grid.want[c] = column->min;
		for (size_t i = 0; i < l->n && column->max < FREE_TEXT; i += step) {
			struct grid_cell cell = {.n_spans = 0};
			l->kind->cell(l->view, l->order[i], c, &cell);
			int w = width_text(cell.text, strlen(cell.text));
			l->grid.want[c] = w > l->grid.want[c] ? w : l->grid.want[c];
		}
	}
}

static void remake(struct list *l, bool frozen)
{
	struct place *places = places_of(l);
	size_t n_old = l->n, n = 0, n_new = 0, n_items = l->kind->count(l->view);
	struct entry *v = xcalloc(n_items + 1, sizeof *v);
	l->n_all = 0;
	for (size_t i = 0; i < n_items; i++) {
		if (l->kind->wanted && !l->kind->wanted(l->view, i))
			continue;
		l->n_all++;
		if (!matches(l, i))
			continue;
		uint64_t id = l->kind->id(l->view, i);
		size_t place = old_place(places, n_old, id);
		n_new += place == SIZE_MAX;
		v[n++] = (struct entry){i, frozen ? place : SIZE_MAX, id};
	}
	sort(l, v, n);
	l->order = xreallocarray(l->order, n + 1, sizeof *l->order);
	l->ids = xreallocarray(l->ids, n + 1, sizeof *l->ids);
	for (size_t i = 0; i < n; i++) {
		l->order[i] = v[i].item;
		l->ids[i] = v[i].id;
	}
	l->n = n;
	l->n_new = frozen ? l->n_new + n_new : 0;
	free(v);
	free(places);
	measure(l);
	struct grid_rows rows = rows_of(l);
	bool top = !l->grid.selected && !l->grid.n_marks && (l->kind->stream || (l->kind->newest_first && !l->touched));
	if (top)
		l->grid.selected_id = 0;
	grid_sync(&l->grid, &rows);
	grid_sync_marks(&l->grid, &rows);
}

void list_remake(struct list *l)
{
	memset(l->grid.want, 0, sizeof l->grid.want);
	remake(l, false);
}

/* Somebody has his hand on it: it is shown and a key came a moment ago, or a question about it is open, or rows are marked. */
static bool held(const struct list *l)
{
	const struct app *a = l->app;
	bool shown = app_view(a)->scope == l->kind->scope;
	return l->grid.n_marks || (shown && (a->modal.ops || a->now_ms - a->key_ms < FROZEN_MS));
}

void list_news(struct list *l)
{
	l->frozen = held(l) && l->n && !l->kind->stream;
	remake(l, l->frozen);
}

/* Once the hand is gone the order is what it should be, whether there are more news or not. */
static void thaw(struct list *l)
{
	if (!l->frozen || held(l))
		return;
	l->frozen = false;
	remake(l, false);
}

int64_t list_wait_ms(const struct list *l)
{
	int64_t left = l->app->key_ms + FROZEN_MS - l->app->now_ms;
	return !l->frozen || l->grid.n_marks || l->app->modal.ops ? -1 : left > 0 ? left : 0;
}

static void resort(void *arg)
{
	remake(arg, false);
}

void list_init(struct list *l, struct app *a, const struct list_kind *kind, void *view)
{
	*l = (struct list){.kind = kind, .view = view, .app = a};
	grid_init(&l->grid, kind->columns, kind->n_columns);
	l->grid.sort_column = kind->sort_column;
	l->grid.descending = kind->descending;
	l->sorter = (struct sorter){a, &l->grid, resort, l};
	remake(l, false);
}

void list_finish(struct list *l)
{
	free(l->order);
	free(l->ids);
	grid_finish(&l->grid);
}

/* --- what is selected --------------------------------------------------------------------------------------------- */

size_t list_selected(const struct list *l)
{
	return l->n ? l->order[l->grid.selected] : LIST_NONE;
}

size_t list_meant(const struct list *l, size_t *items, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; l->grid.n_marks && i < l->n && n < max; i++)
		if (grid_marked(&l->grid, l->ids[i]))
			items[n++] = l->order[i];
	if (!l->grid.n_marks && l->n && max)
		items[n++] = list_selected(l);
	return n;
}

bool list_select(struct list *l, uint64_t id)
{
	struct grid_rows rows = rows_of(l);
	return grid_select_id(&l->grid, &rows, id);
}

static bool back(struct list *l)
{
	if (l->grid.n_marks) {
		l->grid.n_marks = 0;
	} else if (l->query.field.len) {
		field_set(&l->query.field, "");
		remake(l, false);
	} else {
		return false;
	}
	return true;
}

bool list_act(struct list *l, enum action what)
{
	struct grid_rows rows = rows_of(l);
	l->touched = true;
	return table_act(&l->sorter, &rows, &l->query, what) || (what == ACTION_BACK && back(l));
}

bool list_key(struct list *l, struct key k)
{
	if (!l->query.typing)
		return false;
	enum query_event e = query_key(&l->query, k);
	if (e == QUERY_OTHER && k.code >= KEYS_UP && !k.mods) /* the list can be moved through while the filter is typed */
		app_act(l->app, key_action(l->app->keys, l->kind->scope, k));
	else if (e != QUERY_TAKEN)
		list_remake(l);
	return true;
}

bool list_paste(struct list *l, const char *text, size_t len)
{
	if (!query_paste(&l->query, text, len))
		return false;
	remake(l, false);
	return true;
}

void list_mouse(struct list *l, const struct input_event *e)
{
	struct grid_rows rows = rows_of(l);
	l->touched = true;
	table_mouse(&l->sorter, &rows, e);
}

const char *list_tsv(struct list *l, struct arena *arena)
{
	struct grid_rows rows = rows_of(l);
	return l->n ? grid_tsv(&l->grid, &rows, l->grid.selected, arena) : "";
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

void list_title(struct list *l, struct canvas *c, struct rect line, const char *name, const char *right, bool keys)
{
	char text[200], count[60];
	thaw(l);
	if (l->query.field.len || l->n != l->n_all)
		snprintf(count, sizeof count, "%zu of %zu", l->n, l->n_all);
	else
		snprintf(count, sizeof count, "%zu", l->n_all);
	snprintf(text, sizeof text, " %s%s ", count, right);
	int room = line.w - width_text(text, strlen(text)) - 1;
	if (!l->query.typing && !l->query.field.len)
		canvas_printf(c, line.x, line.y, room, ROLE_TITLE, l->n_new ? " %s, +%zu new at the end " : " %s ", name, l->n_new);
	query_draw(&l->query, c, line, room, keys);
	canvas_right(c, line.x, line.y, line.w, ROLE_TITLE, text);
}

void list_draw(struct list *l, struct canvas *c, struct rect r, bool keys, const char *empty)
{
	struct grid_rows rows = rows_of(l);
	thaw(l);
	grid_draw(&l->grid, &rows, c, r, keys && !l->query.typing, l->query.field.len && l->n_all ? "nothing matches; Esc clears the filter" : empty);
}

const char *const *list_hints(const struct list *l)
{
	static const char *const typing[] = {"Enter", "keep", "Esc", "undo", "e.g.", "word !not status:up $/h>2 /expr/", NULL};
	return l->query.typing ? typing : NULL;
}

/* --- helpers ------------------------------------------------------------------------------------------------------ */

int list_by_int(int64_t a, int64_t b)
{
	if ((a < 0) != (b < 0))
		return a < 0 ? LIST_MISSING : -LIST_MISSING;
	return (a > b) - (a < b);
}

static size_t digits(const char **p)
{
	*p += strspn(*p, "0");
	return strspn(*p, "0123456789");
}

/* "sweep-7" comes before "sweep-10". */
static int by_words_and_numbers(const char *a, const char *b)
{
	while (*a && *b) {
		if (!isdigit((unsigned char)*a) || !isdigit((unsigned char)*b)) {
			if (*a != *b)
				return (unsigned char)*a - (unsigned char)*b;
			a++;
			b++;
			continue;
		}
		size_t n = digits(&a), m = digits(&b);
		int d = n != m ? (n > m ? 1 : -1) : strncmp(a, b, n);
		if (d)
			return d;
		a += n;
		b += m;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

int list_by_text(const char *a, const char *b)
{
	if (!a[0] != !b[0])
		return a[0] ? -LIST_MISSING : LIST_MISSING;
	int d = by_words_and_numbers(a, b);
	d = d ? d : strcmp(a, b); /* "7" and "07" are not the same */
	return (d > 0) - (d < 0);
}

uint64_t list_id(const char *text)
{
	uint64_t h = 14695981039346656037u;
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211u;
	return h ? h : 1;
}
