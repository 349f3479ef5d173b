/* The question before something is stopped or lost. Mashing Enter, Space or any single other key never destroys: Cancel has
 * the focus, the button wants Tab and Enter, or y; where several objects are meant their number has to be typed. */
#include "tui/dialog.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/width.h"

struct confirm {
	struct confirm_spec spec;
	struct arena *arena;
	bool on_button; /* else Cancel has the focus */
	struct field field;
	struct rect cancel_at, button_at; /* where they were drawn */
};

void *confirm_create(const struct confirm_spec *spec, struct arena *arena)
{
	struct confirm *m = xcalloc(1, sizeof *m);
	m->spec = *spec;
	m->arena = arena;
	return m;
}

static void destroy(void *state)
{
	struct confirm *m = state;
	arena_destroy(m->arena);
	free(m);
}

static bool ready(const struct confirm *m)
{
	return !m->spec.typed || str_eq(m->spec.typed, m->field.text);
}

static void accept(struct confirm *m, struct app *a)
{
	for (size_t i = 0; i < m->spec.n_orders; i++)
		app_send(a, &m->spec.orders[i]);
	app_close(a);
}

static void key(void *state, struct app *a, struct key k)
{
	struct confirm *m = state;
	bool ctrl = k.mods == KEYS_CTRL;
	if (k.code == KEYS_ESC || (ctrl && (k.code == 'c' || k.code == 'g'))) {
		app_close(a);
		return;
	}
	if (k.code == KEYS_ENTER) {
		if (m->on_button && ready(m))
			accept(m, a);
		else if (!m->on_button)
			app_close(a);
		return;
	}
	if (k.code == KEYS_TAB) {
		m->on_button = !m->on_button && ready(m);
		return;
	}
	if (m->spec.typed) {
		if (field_key(&m->field, k))
			m->on_button = false;
		return;
	}
	if (k.code == KEYS_LEFT || k.code == KEYS_RIGHT)
		m->on_button = k.code == KEYS_RIGHT;
	else if (!k.mods && k.code == 'y')
		accept(m, a);
	else if (!k.mods && (k.code == 'n' || k.code == 'q'))
		app_close(a);
}

/* To hit the button is as deliberate as Tab and Enter. */
static void mouse(void *state, struct app *a, const struct input_event *e)
{
	struct confirm *m = state;
	if (e->mouse.what != MOUSE_PRESS)
		return;
	if (rect_has(m->cancel_at, e->mouse.x, e->mouse.y))
		app_close(a);
	else if (rect_has(m->button_at, e->mouse.x, e->mouse.y) && ready(m))
		accept(m, a);
}

static void draw_buttons(struct confirm *m, struct canvas *c, struct rect line)
{
	int x = line.x + 1;
	m->cancel_at = (struct rect){x, line.y, 10, 1};
	x += canvas_text(c, x, line.y, line.w, m->on_button ? ROLE_BUTTON : ROLE_BUTTON_ON, "[ Cancel ]") + 2;
	enum role role = m->on_button ? ROLE_BUTTON_ON : ready(m) ? ROLE_BUTTON : ROLE_DIM;
	m->button_at = (struct rect){x, line.y, canvas_printf(c, x, line.y, line.x + line.w - x, role, "[ %s ]", m->spec.button), 1};
	if (m->spec.typed)
		return;
	c->cursor_x = m->on_button ? x + 2 : line.x + 3;
	c->cursor_y = line.y;
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect area)
{
	(void)a;
	struct confirm *m = state;
	int inner = layout_dialog_columns(area.w, 70) - 4;
	struct rect all = {0, 0, inner > 1 ? inner : 1, 100};
	int lines = canvas_wrap(NULL, all, ROLE_TEXT, m->spec.text), extra = 3 + (m->spec.typed ? 2 : 0);
	struct rect box = rect_center(area, inner + 4, lines + extra + 1), r = box;
	canvas_fill(c, box, ROLE_DIALOG, ' ');
	if (box.h >= 5) {
		canvas_box(c, box, ROLE_WARN);
		canvas_printf(c, box.x + 2, box.y, box.w - 4, ROLE_TITLE, " %s ", m->spec.title);
		r = rect_inset(box, 1, 1);
	} else if (box.h > 1) {
		struct rect line = rect_cut_top(&r, 1);
		canvas_text(c, line.x, line.y, line.w, ROLE_TITLE, m->spec.title);
	}
	draw_buttons(m, c, rect_cut_bottom(&r, 1));
	if (m->spec.typed) {
		struct rect line = rect_cut_bottom(&r, 1);
		int x = line.x + 1 + canvas_printf(c, line.x + 1, line.y, line.w, ROLE_TEXT, "type %s to go on: ", m->spec.typed);
		field_draw(&m->field, c, x, line.y, line.x + line.w - x - 1, true);
	}
	r = rect_inset(r, 1, 0);
	const struct rect whole = r;
	/* An empty line is given up before one of what is lost. */
	for (const char *p = m->spec.text; *p && r.h > 0;) {
		size_t len = strcspn(p, "\n"), gap = strspn(p + len, "\n");
		char *part = xstrndup(p, len);
		rect_cut_top(&r, canvas_wrap(c, r, ROLE_TEXT, part) + (gap > 1 && lines <= whole.h));
		free(part);
		p += len + gap;
	}
}

/* What Enter does depends on what has the focus. */
static const char *const *hints(void *state, const struct app *a)
{
	(void)a;
	static const char *const cancel[] = {"Enter", "cancel", "y", "go on", "Tab Enter", "go on", "Esc", "cancel", NULL};
	static const char *const go_on[] = {"Enter", "go on", "Tab", "to Cancel", "Esc", "cancel", NULL};
	static const char *const typed[] = {"Enter", "cancel", "the number, Tab, Enter", "go on", "Esc", "cancel", NULL};
	const struct confirm *m = state;
	return m->on_button && ready(m) ? go_on : m->spec.typed ? typed : cancel;
}

const struct modal_ops confirm_ops = {.destroy = destroy, .key = key, .mouse = mouse, .draw = draw, .hints = hints};
