/* Lists to choose from. With a search field every letter goes into it, so that moving is by arrows (and C-n, C-p); without,
 * letters move as in the views. What cannot be chosen now says why instead of vanishing. */
#include "tui/menu.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/field.h"
#include "tui/width.h"

struct menu {
	struct menu_spec spec;
	struct arena *arena;
	const struct menu_item *items;
	size_t n;
	size_t *shown; /* indices of items that match */
	size_t n_shown, selected, top;
	int page;
	int left_w, lines; /* of all items, with their headings */
	int item_w;	   /* of the widest */
	struct field query;
	struct rect list_at, box; /* where it was drawn */
};

/* Letters of the query in order, each at the start of a word or right after the last one that matched: "scl" finds "stop
 * cluster". */
static bool initials(const char *q, const char *text)
{
	bool after_match = false, word_start = true;
	for (; *q && *text; text++) {
		if ((word_start || after_match) && str_istr((char[]){*text, 0}, (char[]){*q, 0})) {
			q++;
			after_match = true;
		} else {
			after_match = false;
		}
		word_start = *text == ' ' || *text == '-';
	}
	return !*q;
}

static bool words_match(const char *query, const char *text)
{
	char word[FIELD_MAX + 1];
	bool all = true;
	for (const char *q = query; *q;) {
		size_t n = strcspn(q, " ");
		memcpy(word, q, n);
		word[n] = '\0';
		all = all && str_istr(text, word);
		q += n + strspn(q + n, " ");
	}
	return all;
}

bool menu_match(const char *query, const char *text)
{
	return words_match(query, text) || (!strchr(query, ' ') && initials(query, text));
}

enum { RIGHT_LEAST = 20 }; /* less of what stands at the right is not worth showing */
enum { MATCH_KEY, MATCH_START, MATCH_WORDS, MATCH_INITIALS, MATCHES };

/* How well; MATCHES: not at all. A key is found by its exact name only: "s" means the word. */
static int item_match(const struct menu_item *it, const char *query)
{
	if (!query[0])
		return MATCH_KEY; /* all alike */
	if (it->left && str_eq(it->left, query))
		return MATCH_KEY;
	if (!strncasecmp(it->text, query, strlen(query)) || (it->words && str_starts(it->words, query)))
		return MATCH_START;
	struct str all = str_new(4096);
	str_addf(&all, "%s %s %s %s", it->text, it->words ? it->words : "", it->right ? it->right : "",
	    it->heading ? it->heading : "");
	int match = words_match(query, str_text(&all)) ? MATCH_WORDS : menu_match(query, str_text(&all)) ? MATCH_INITIALS : MATCHES;
	str_free(&all);
	return match;
}

/* Better matches first, equal ones in the order of the list. */
static void search(struct menu *m)
{
	m->n_shown = 0;
	for (int match = 0; match < MATCHES; match++)
		for (size_t i = 0; i < m->n; i++)
			if (item_match(&m->items[i], m->query.text) == match)
				m->shown[m->n_shown++] = i;
	m->selected = m->top = 0;
}

static void set_items(struct menu *m, struct arena *arena, const struct menu_item *items, size_t n)
{
	m->arena = arena;
	m->items = items;
	m->n = n;
	m->shown = xreallocarray(m->shown, n + 1, sizeof *m->shown);
	search(m);
	m->left_w = m->item_w = m->lines = 0;
	for (size_t i = 0; i < n; i++) {
		int left = items[i].left ? width_text(items[i].left, strlen(items[i].left)) : 0, text = width_text(items[i].text, strlen(items[i].text));
		int right = items[i].right ? width_text(items[i].right, strlen(items[i].right)) + 3 : 0;
		m->left_w = left > m->left_w ? left : m->left_w;
		m->item_w = text + right > m->item_w ? text + right : m->item_w;
		m->lines += 1 + (items[i].heading && (!i || !str_eq(items[i].heading, items[i - 1].heading)));
	}
}

void menu_replace(struct menu *m, struct arena *arena, const struct menu_item *items, size_t n)
{
	struct arena *before = m->arena;
	const char *text = m->n_shown ? m->items[m->shown[m->selected]].text : NULL;
	set_items(m, arena, items, n);
	for (size_t i = 0; text && i < m->n_shown; i++)
		if (str_eq(items[m->shown[i]].text, text))
			m->selected = i;
	arena_destroy(before);
}

struct menu *menu_create(const struct menu_spec *spec, struct arena *arena, const struct menu_item *items, size_t n)
{
	struct menu *m = xcalloc(1, sizeof *m);
	m->spec = *spec;
	m->page = 1;
	set_items(m, arena, items, n);
	for (size_t i = 0; i < n; i++)
		if (spec->start && items[i].value == spec->start)
			m->selected = i;
	if (spec->keep_end && n)
		m->selected = n - 1;
	return m;
}

static void destroy(void *state)
{
	struct menu *m = state;
	arena_destroy(m->arena);
	free(m->shown);
	free(m);
}

static void move(struct menu *m, long delta)
{
	long to = (long)m->selected + delta;
	if (to < 0 || !m->n_shown)
		to = 0;
	m->selected = (size_t)to < m->n_shown ? (size_t)to : m->n_shown ? m->n_shown - 1 : 0;
}

static void choose(struct menu *m, struct app *a)
{
	if (!m->n_shown || !m->spec.choose)
		return;
	const struct menu_item *it = &m->items[m->shown[m->selected]];
	if (it->why_not)
		return; /* the line below the list says why */
	struct menu_spec spec = m->spec;
	int value = it->value;
	app_close(a);
	spec.choose(a, value, spec.arg);
}

/* Keys that move in every list, whatever letters mean. */
static bool move_key(struct menu *m, struct key k)
{
	bool ctrl = k.mods == KEYS_CTRL;
	if (k.code == KEYS_UP || (ctrl && k.code == 'p'))
		move(m, -1);
	else if (k.code == KEYS_DOWN || (ctrl && k.code == 'n'))
		move(m, 1);
	else if (k.code == KEYS_PAGE_UP)
		move(m, -m->page);
	else if (k.code == KEYS_PAGE_DOWN)
		move(m, m->page);
	else
		return false;
	return true;
}

static void key(void *state, struct app *a, struct key k)
{
	struct menu *m = state;
	bool ctrl = k.mods == KEYS_CTRL;
	if (move_key(m, k))
		return;
	if (k.code == KEYS_ENTER) {
		choose(m, a);
		return;
	}
	if (k.code == KEYS_ESC || (ctrl && (k.code == 'c' || k.code == 'g'))) {
		app_close(a);
		return;
	}
	if (m->spec.search) {
		bool was_empty = !m->query.len;
		if (was_empty && k.code == '?' && !k.mods)
			app_close(a); /* the key that opened it */
		else if (field_key(&m->query, k))
			search(m);
		return;
	}
	if (k.mods)
		return;
	if (k.code == 'q')
		app_close(a);
	else if (k.code == 'j' || k.code == 'k')
		move(m, k.code == 'j' ? 1 : -1);
	else if (k.code == 'g' || k.code == 'G' || k.code == KEYS_HOME || k.code == KEYS_END)
		move(m, (k.code == 'g' || k.code == KEYS_HOME ? -1 : 1) * (long)m->n);
}

static void paste(void *state, struct app *a, const char *text, size_t len)
{
	(void)a;
	struct menu *m = state;
	if (!m->spec.search)
		return;
	field_insert(&m->query, text, len);
	search(m);
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static bool headed(const struct menu *m, size_t i)
{
	const char *h = m->items[m->shown[i]].heading;
	return h && !m->query.len && (!i || !str_eq(h, m->items[m->shown[i - 1]].heading));
}

/* Lines that items [from, to] take, headings included. */
static int lines_of(const struct menu *m, size_t from, size_t to)
{
	int n = 0;
	for (size_t i = from; i <= to && i < m->n_shown; i++)
		n += 1 + headed(m, i);
	return n;
}

static void scroll_to_selected(struct menu *m, int h)
{
	if (m->selected < m->top)
		m->top = m->selected;
	while (m->top < m->selected && lines_of(m, m->top, m->selected) > h)
		m->top++;
	while (m->top > 0 && lines_of(m, m->top - 1, m->n_shown - 1) <= h)
		m->top--;
}

static void draw_item(const struct menu *m, struct canvas *c, struct rect line, const struct menu_item *it, bool on)
{
	enum role role = it->bad ? ROLE_BAD : it->why_not ? ROLE_DIM : ROLE_TEXT;
	int x = line.x + 1, end = line.x + line.w - 1;
	if (m->left_w) {
		canvas_text(c, x, line.y, m->left_w, it->why_not ? ROLE_DIM : ROLE_KEY, it->left ? it->left : "");
		x += m->left_w + 2;
	}
	x += canvas_text(c, x, line.y, end - x, role, it->text);
	/* While something is searched for there are no headings: what would be alike says under which it stands. */
	const char *right = it->right || !m->query.len ? it->right : it->heading;
	if (right) {
		int w = width_text(right, strlen(right)), room = end - x - 2;
		if (w <= room)
			canvas_text(c, end - w, line.y, w, ROLE_DIM, right);
		else if (room >= RIGHT_LEAST)
			canvas_text(c, x + 2, line.y, room, ROLE_DIM, right);
	}
	if (!on)
		return;
	canvas_put(c, line.x, line.y, ROLE_TEXT, 0x25b8);
	canvas_back(c, line, ROLE_SELECTED);
	if (!m->spec.search) {
		c->cursor_x = line.x;
		c->cursor_y = line.y;
	}
}

static void draw_list(struct menu *m, struct canvas *c, struct rect r)
{
	m->list_at = r;
	m->page = r.h > 1 ? r.h - 1 : 1;
	if (!m->n_shown) {
		canvas_text(c, r.x + 1, r.y, r.w - 2, ROLE_DIM, m->n ? "nothing matches" : m->spec.empty);
		return;
	}
	scroll_to_selected(m, r.h);
	int y = r.y;
	size_t i = m->top;
	for (; i < m->n_shown && y < r.y + r.h; i++) {
		if (headed(m, i) && y + 1 < r.y + r.h)
			canvas_text(c, r.x + 1, y++, r.w - 2, ROLE_HEADER, m->items[m->shown[i]].heading);
		draw_item(m, c, (struct rect){r.x, y++, r.w, 1}, &m->items[m->shown[i]], i == m->selected);
	}
	canvas_scrollbar(c, r, m->top, i - m->top, m->n_shown);
}

/* The item that is drawn there; SIZE_MAX: none is. */
static size_t item_at(const struct menu *m, int x, int y)
{
	int at = m->list_at.y;
	if (!rect_has(m->list_at, x, y))
		return SIZE_MAX;
	for (size_t i = m->top; i < m->n_shown && at <= y; i++) {
		at += headed(m, i) && at + 1 < m->list_at.y + m->list_at.h;
		if (at++ == y)
			return i;
	}
	return SIZE_MAX;
}

/* A click selects; on what is selected it chooses; beside the list it closes. */
static void mouse(void *state, struct app *a, const struct input_event *e)
{
	struct menu *m = state;
	if (e->mouse.what == MOUSE_WHEEL_UP || e->mouse.what == MOUSE_WHEEL_DOWN)
		move(m, e->mouse.what == MOUSE_WHEEL_UP ? -3 : 3);
	if (e->mouse.what != MOUSE_PRESS)
		return;
	size_t at = item_at(m, e->mouse.x, e->mouse.y);
	if (at == m->selected)
		choose(m, a);
	else if (at < m->n_shown)
		m->selected = at;
	else if (!rect_has(m->box, e->mouse.x, e->mouse.y))
		app_close(a);
}

static const char *explanation(const struct menu *m)
{
	if (!m->n_shown)
		return "";
	const struct menu_item *it = &m->items[m->shown[m->selected]];
	return it->why_not ? it->why_not : it->detail ? it->detail : "";
}

static int detail_lines(const struct menu *m, int room)
{
	int want = m->spec.detail_lines ? m->spec.detail_lines : 1;
	return want < room / 2 ? want : room / 2;
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect area)
{
	(void)a;
	struct menu *m = state;
	/* As large while something is searched for as before. */
	int want_w = m->left_w + m->item_w + 8, want_h = m->lines + 2 + m->spec.search + detail_lines(m, 100);
	if (m->spec.tall)
		want_h = (int)m->n + 12;
	struct rect box = rect_center(area, layout_dialog_columns(area.w, want_w > 50 ? want_w : 50), want_h), r;
	m->box = box;
	canvas_fill(c, box, ROLE_DIALOG, ' ');
	if (area.h >= 6) {
		canvas_box(c, box, ROLE_BORDER);
		r = rect_inset(box, 1, 1);
		canvas_printf(c, box.x + 2, box.y, box.w - 4, ROLE_TITLE, " %s ", m->spec.title);
	} else {
		r = box;
	}
	if (m->spec.search) {
		struct rect line = rect_cut_top(&r, 1);
		int used = canvas_text(c, line.x + 1, line.y, line.w - 1, ROLE_DIM, "search: ");
		field_draw(&m->query, c, line.x + 1 + used, line.y, line.w - 2 - used, true);
	}
	if (r.h > 3) {
		struct rect about = rect_inset(rect_cut_bottom(&r, detail_lines(m, r.h)), 1, 0);
		bool why_not = m->n_shown && m->items[m->shown[m->selected]].why_not;
		canvas_wrap(c, about, why_not ? ROLE_WARN : ROLE_DIM, explanation(m));
	}
	draw_list(m, c, r);
}

static const char *const *hints(void *state, const struct app *a)
{
	(void)a;
	static const char *const searching[] = {"Enter", "choose", "Up Down", "move", "letters", "search", "Esc", "close", NULL};
	static const char *const plain[] = {"Enter", "choose", "j k", "move", "Esc", "close", NULL};
	static const char *const reading[] = {"j k", "move", "g G", "ends", "Esc", "close", NULL};
	static const char *const copying[] = {"Enter", "copy", "j k", "move", "Esc", "close", NULL};
	const struct menu *m = state;
	if (m->spec.copies)
		return copying;
	return m->spec.search ? searching : m->spec.choose ? plain : reading;
}

const struct modal_ops menu_ops = {.destroy = destroy, .key = key, .paste = paste, .mouse = mouse, .draw = draw, .hints = hints};
