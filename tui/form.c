/* Forms. A question of one field is answered by Enter; a form of several is left only through its button, and what follows
 * the last field is Cancel, so that Enter alone never orders anything. A form that only leads on to the plan, where Cancel has the
 * focus, is left by Enter in any field. */
#include "tui/dialog.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/width.h"

enum { FIELDS_SEEN = 3 };

struct form {
	struct form_spec spec;
	struct arena *arena;
	struct form_field fields[FORM_FIELDS_MAX];
	struct field values[FORM_FIELDS_MAX];
	size_t focus; /* a field, then Cancel, then the button */
	unsigned touched; /* fields that were typed or moved in: a bit each */
	const char *problem;
	char problem_text[FORM_SUMMARY_MAX];
	struct rect fields_at, cancel_at, button_at; /* where they were drawn, */
	size_t first;				     /* … from this field on */
};

static struct form *create(const struct form_spec *spec)
{
	struct form *f = xcalloc(1, sizeof *f);
	f->arena = arena_create();
	f->spec = *spec;
	f->spec.title = arena_strdup(f->arena, spec->title);
	f->spec.intro = arena_strdup(f->arena, spec->intro);
	f->spec.button = arena_strdup(f->arena, spec->button);
	f->spec.n_fields = spec->n_fields < FORM_FIELDS_MAX ? spec->n_fields : FORM_FIELDS_MAX;
	f->spec.fields = f->fields;
	f->focus = spec->start;
	for (size_t i = 0; i < f->spec.n_fields; i++) {
		f->fields[i] = spec->fields[i];
		f->fields[i].label = arena_strdup(f->arena, spec->fields[i].label);
		f->fields[i].hint = arena_strdup(f->arena, spec->fields[i].hint);
		field_set(&f->values[i], spec->fields[i].value ? spec->fields[i].value : "");
	}
	return f;
}

static void destroy(void *state)
{
	struct form *f = state;
	if (f->spec.destroy_arg)
		f->spec.destroy_arg(f->spec.arg);
	arena_destroy(f->arena);
	free(f);
}

const char *form_value(const struct form *f, size_t field)
{
	return f->values[field].text;
}

bool form_is_on(const struct form *f, size_t field)
{
	return str_eq(f->values[field].text, "yes");
}

void form_fill(struct form *f, size_t field, const char *text)
{
	field_set(&f->values[field], text);
	f->focus = field + 1;
	f->problem = NULL;
}

static size_t cancel_at(const struct form *f)
{
	return f->spec.n_fields;
}

static void submit(struct form *f, struct app *a)
{
	size_t field = f->focus;
	const char *problem = f->spec.submit(a, f, f->spec.arg, &field);
	if (a->modal.state != f)
		return; /* what it did opened something else in our place, or over us */
	if (!problem) {
		app_close(a);
		return;
	}
	struct str s = str_new(sizeof f->problem_text - 1);
	str_add(&s, problem);
	memcpy(f->problem_text, str_text(&s), s.len + 1);
	str_free(&s);
	f->problem = f->problem_text;
	if (field < f->spec.n_fields)
		f->focus = field;
}

/* Complete a path as far as it is unique. */
static void complete_path(struct field *v)
{
	if (!v->len)
		return;
	char *typed = path_expand(v->text), *pattern = xasprintf("%s*", typed);
	glob_t g;
	if (!strpbrk(typed, "*?[\\") && !glob(pattern, GLOB_MARK, NULL, &g)) {
		size_t n = strlen(g.gl_pathv[0]);
		for (size_t i = 1; i < g.gl_pathc; i++)
			while (n && strncmp(g.gl_pathv[0], g.gl_pathv[i], n))
				n--;
		while (n && (g.gl_pathv[0][n] & 0xc0) == 0x80)
			n--;
		if (n > strlen(typed)) {
			field_set(v, "");
			field_insert(v, g.gl_pathv[0], n);
		}
		globfree(&g);
	}
	free(pattern);
	free(typed);
}

static void go(struct form *f, int by)
{
	size_t n = f->spec.n_fields + 2;
	f->focus = (f->focus + n + (size_t)by) % n;
	f->problem = NULL;
}

/* Enter offers what could be in the field. */
static bool picks_now(const struct form *f)
{
	return f->focus < f->spec.n_fields && f->fields[f->focus].pick && !f->values[f->focus].len;
}

/* Of a value that stands there to be replaced. */
static void make_way(struct form *f)
{
	if (f->fields[f->focus].kind == FORM_FIGURE && !(f->touched >> f->focus & 1))
		field_set(&f->values[f->focus], "");
	f->touched |= 1u << f->focus;
}

static bool field_focused_key(struct form *f, struct key k)
{
	const struct form_field *field = &f->fields[f->focus];
	if (field->kind == FORM_TOGGLE) {
		if (k.code != ' ' && k.code != KEYS_LEFT && k.code != KEYS_RIGHT)
			return false;
		field_set(&f->values[f->focus], form_is_on(f, f->focus) ? "no" : "yes");
		return true;
	}
	if (field->kind == FORM_PATH && k.code == KEYS_TAB && !k.mods) {
		size_t len = f->values[f->focus].len;
		complete_path(&f->values[f->focus]);
		return len != f->values[f->focus].len || f->spec.quick;
	}
	if (key_is_text(k))
		make_way(f);
	bool taken = field_key(&f->values[f->focus], k);
	f->touched |= (unsigned)taken << f->focus;
	return taken;
}

static void key(void *state, struct app *a, struct key k)
{
	struct form *f = state;
	bool ctrl = k.mods == KEYS_CTRL;
	if (k.code == KEYS_ESC || (ctrl && (k.code == 'c' || k.code == 'g'))) {
		app_close(a);
		return;
	}
	if (k.code == KEYS_ENTER) {
		if (f->focus == cancel_at(f) && !f->spec.quick)
			app_close(a);
		else if (picks_now(f))
			f->fields[f->focus].pick(a, f, f->spec.arg);
		else if (f->spec.quick || f->spec.leads_on || f->focus > cancel_at(f))
			submit(f, a);
		else
			go(f, 1);
		return;
	}
	if (f->focus < f->spec.n_fields && field_focused_key(f, k)) {
		f->problem = NULL;
		return;
	}
	if (f->spec.quick)
		return;
	bool at_buttons = f->focus >= cancel_at(f);
	if (k.code == KEYS_DOWN || (k.code == KEYS_TAB && !k.mods) || (at_buttons && k.code == KEYS_RIGHT))
		go(f, 1);
	else if (k.code == KEYS_UP || k.code == KEYS_TAB || (at_buttons && k.code == KEYS_LEFT))
		go(f, -1);
}

static void paste(void *state, struct app *a, const char *text, size_t len)
{
	(void)a;
	struct form *f = state;
	if (f->focus >= f->spec.n_fields || f->fields[f->focus].kind == FORM_TOGGLE)
		return;
	make_way(f);
	field_insert(&f->values[f->focus], text, len);
}

/* A click goes to a field, and switches one that is switched; or presses a button. */
static void mouse(void *state, struct app *a, const struct input_event *e)
{
	struct form *f = state;
	if (e->mouse.what != MOUSE_PRESS)
		return;
	size_t at = rect_has(f->fields_at, e->mouse.x, e->mouse.y) ? f->first + (size_t)(e->mouse.y - f->fields_at.y) : SIZE_MAX;
	if (at < f->spec.n_fields) {
		f->focus = at;
		f->problem = NULL;
		if (f->fields[at].kind == FORM_TOGGLE)
			field_set(&f->values[at], form_is_on(f, at) ? "no" : "yes");
	} else if (rect_has(f->cancel_at, e->mouse.x, e->mouse.y)) {
		app_close(a);
	} else if (rect_has(f->button_at, e->mouse.x, e->mouse.y)) {
		submit(f, a);
	}
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static void draw_field(const struct form *f, struct canvas *c, size_t i, struct rect line, int label_w)
{
	bool on = i == f->focus;
	const struct form_field *field = &f->fields[i];
	canvas_text(c, line.x, line.y, label_w, on ? ROLE_KEY : ROLE_TEXT, field->label);
	int x = line.x + label_w + 1, w = line.x + line.w - x;
	if (w <= 0)
		return;
	if (field->kind == FORM_TOGGLE) {
		int used = canvas_text(c, x, line.y, w, on ? ROLE_BUTTON_ON : ROLE_INPUT, form_is_on(f, i) ? "[yes]" : "[no]");
		if (on) {
			c->cursor_x = x + 1;
			c->cursor_y = line.y;
		}
		canvas_text(c, x + used + 2, line.y, w - used - 2, ROLE_DIM, field->hint ? field->hint : "");
		return;
	}
	field_draw(&f->values[i], c, x, line.y, w, on);
	if (!f->values[i].len)
		canvas_text(c, x, line.y, w, ROLE_DIM, field->hint ? field->hint : "");
}

static void draw_buttons(struct form *f, struct canvas *c, struct rect line)
{
	int x = line.x;
	size_t cancel = cancel_at(f);
	if (f->focus >= cancel) {
		c->cursor_x = f->focus == cancel ? x + 2 : x + 14;
		c->cursor_y = line.y;
	}
	f->cancel_at = (struct rect){x, line.y, 10, 1};
	x += canvas_text(c, x, line.y, line.w, f->focus == cancel ? ROLE_BUTTON_ON : ROLE_BUTTON, "[ Cancel ]") + 2;
	int used = canvas_printf(c, x, line.y, line.x + line.w - x, f->focus == cancel + 1 ? ROLE_BUTTON_ON : ROLE_BUTTON, "[ %s ]", f->spec.button);
	f->button_at = (struct rect){x, line.y, used, 1};
}

/* Fields that have no room scroll, so that the one with the focus is seen. */
static void draw_fields(struct form *f, struct canvas *c, struct rect r)
{
	int label_w = 0;
	for (size_t i = 0; i < f->spec.n_fields; i++) {
		int w = width_text(f->fields[i].label, strlen(f->fields[i].label));
		label_w = w > label_w ? w : label_w;
	}
	label_w = label_w < r.w / 2 ? label_w : r.w / 2;
	size_t first = 0, focus = f->focus < f->spec.n_fields ? f->focus : f->spec.n_fields - 1;
	if (r.h > 0 && focus >= (size_t)r.h)
		first = focus - (size_t)r.h + 1;
	f->fields_at = r;
	f->first = first;
	for (size_t i = first; i < f->spec.n_fields && (int)(i - first) < r.h; i++)
		draw_field(f, c, i, (struct rect){r.x, r.y + (int)(i - first), r.w, 1}, label_w);
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect area)
{
	(void)a;
	struct form *f = state;
	char summary[FORM_SUMMARY_MAX] = "";
	if (f->spec.summary)
		f->spec.summary(f, f->spec.arg, summary, sizeof summary);
	const char *below = f->problem ? f->problem : summary;
	int inner = layout_dialog_columns(area.w, 76) - 4;
	struct rect count = {0, 0, inner > 1 ? inner : 1, 4};
	int intro = f->spec.intro ? canvas_wrap(NULL, count, ROLE_TEXT, f->spec.intro) : 0;
	int tail = below[0] ? canvas_wrap(NULL, count, ROLE_TEXT, below) : 0;
	int want = (int)f->spec.n_fields + intro + tail + (f->spec.quick ? 0 : 2) + 2;
	struct rect box = rect_center(area, inner + 4, want), r = box;
	canvas_fill(c, box, ROLE_DIALOG, ' ');
	if (box.h >= 3) {
		canvas_box(c, box, ROLE_BORDER);
		canvas_printf(c, box.x + 2, box.y, box.w - 4, ROLE_TITLE, " %s ", f->spec.title);
		r = rect_inset(box, 2, 1);
	}
	if (!f->spec.quick && r.h > 1)
		draw_buttons(f, c, rect_cut_bottom(&r, 1));
	/* On little room some fields are seen before all of what is said below them. */
	int spare = r.h - (int)(f->spec.n_fields < FIELDS_SEEN ? f->spec.n_fields : FIELDS_SEEN);
	tail = tail <= spare ? tail : spare > 1 ? spare : 1;
	if (tail && r.h > tail)
		canvas_wrap(c, rect_cut_bottom(&r, below[0] ? tail : 0), f->problem ? ROLE_BAD : ROLE_MONEY, below);
	if (intro && r.h > intro + (int)f->spec.n_fields - 1)
		canvas_wrap(c, rect_cut_top(&r, intro), ROLE_TEXT, f->spec.intro);
	draw_fields(f, c, r);
}

/* What the keys do where the focus is. */
static const char *const *hints(void *state, const struct app *a)
{
	(void)a;
	static const char *const question[] = {"Enter", "do it", "Esc", "cancel", NULL};
	static const char *const path[] = {"Enter", "do it", "Tab", "complete", "Esc", "cancel", NULL};
	static const char *const cancel[] = {"Enter", "cancel", "Tab", "next", "Esc", "cancel", NULL};
	static const char *const button[] = {"Enter", "do it", "Tab", "next", "Esc", "cancel", NULL};
	static const char *const next[] = {"Enter", "next", "Up Down", "move", "Esc", "cancel", NULL}, *const path_next[] = {"Enter", "next", "Tab",
	    "complete, next", "Esc", "cancel", NULL}, *const toggle_next[] = {"Space", "switch", "Enter", "next", "Esc", "cancel", NULL};
	static const char *const on[] = {"Enter", "go on", "Tab", "next field", "Esc", "cancel", NULL}, *const path_on[] = {"Enter", "go on", "Tab",
	    "complete, next field", "Esc", "cancel", NULL}, *const toggle_on[] = {"Space", "switch", "Enter", "go on", "Tab", "next field", "Esc", "cancel", NULL};
	static const char *const *const fields[][2] = {
	    [FORM_TEXT] = {next, on}, [FORM_FIGURE] = {next, on}, [FORM_PATH] = {path_next, path_on}, [FORM_TOGGLE] = {toggle_next, toggle_on}};
	static const char *const picks[] = {"Enter", "list", "Tab", "next field", "Esc", "cancel", NULL};
	const struct form *f = state;
	if (f->spec.quick)
		return f->fields[0].kind == FORM_PATH ? path : question;
	if (f->focus >= cancel_at(f))
		return f->focus == cancel_at(f) ? cancel : button;
	return picks_now(f) ? picks : fields[f->fields[f->focus].kind][f->spec.leads_on];
}

static const struct modal_ops form_ops = {.destroy = destroy, .key = key, .mouse = mouse, .paste = paste, .draw = draw, .hints = hints};

void form_open(struct app *a, const struct form_spec *spec)
{
	app_open(a, &form_ops, create(spec));
}
