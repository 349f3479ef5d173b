/* What the person has set and arranged. Files are theirs: what is wrong in one is said with its place and the default is used, and
 * nothing in them can keep the screen from opening.
 *
 * Which theme: --theme; else the one chosen in the palette, kept with the layout, until config.yaml names another one than it did
 * then; else config.yaml's: that of the context, or the one for everywhere. A context is what the person is to see at a glance: that
 * nothing can be ordered here, that this is another machine. Homes (SKYTOP_HOME) are contexts anyway: each has its config.yaml.
 *
 * The layout has a version: one that is not understood is left out, with a word. */
#include "tui/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/config.h"

enum { LAYOUT_VERSION = 1, LAYOUT_BYTES = 256 << 10, PROBLEMS_SAID = 3 };

/* --- settings and keys -------------------------------------------------------------------------------------------- */

/* What was said when the files were read before is not said again. */
static void say_lines(struct look *k, struct app *a, const char *problems)
{
	size_t n = 0;
	char *lines = xstrdup(problems), *save = NULL;
	for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if ((!k->problems || !strstr(k->problems, line)) && n++ < PROBLEMS_SAID)
			app_say(a, true, "%s", line);
	free(lines);
	free(k->problems);
	k->problems = xstrdup(problems);
	if (n > PROBLEMS_SAID)
		app_say(a, true, "and %zu more problems there", n - PROBLEMS_SAID);
}

/* The setting that counts: of the first context that is given and has a theme. */
static const char *theme_setting(const struct app *a, const struct config *c)
{
	const char *ssh = getenv("SSH_CONNECTION");
	if (a->read_only && config_text(c, "themes.read_only")[0])
		return "themes.read_only";
	if (ssh && ssh[0] && config_text(c, "themes.ssh")[0])
		return "themes.ssh";
	return "theme";
}

static void read_settings(struct look *k, struct app *a)
{
	struct config *c = config_load(NULL);
	struct str problems = str_new(64 << 10);
	for (size_t i = 0; i < config_n_problems(c); i++)
		str_addf(&problems, "%s\n", config_problem(c, i));
	k->ascii = config_bool(c, "ui.ascii");
	k->title = config_bool(c, "ui.title");
	k->links = config_bool(c, "ui.links");
	k->clipboard = config_bool(c, "ui.clipboard");
	a->mouse = config_bool(c, "ui.mouse");
	a->read_only = k->o->read_only || config_bool(c, "ui.read_only");
	const char *setting = theme_setting(a, c), *theme = config_text(c, setting);
	if (k->config_theme && !str_eq(k->config_theme, theme) && !k->o->theme) {
		free(k->theme);
		k->theme = xstrdup(theme);
	}
	free(k->config_theme);
	k->config_theme = xstrdup(theme);
	free(k->theme_from);
	k->theme_from = xstrdup(config_source(c, setting));
	keymap_load(a->keys, &problems);
	say_lines(k, a, str_text(&problems));
	str_free(&problems);
	config_destroy(c);
}

void look_reload(struct look *k, struct app *a)
{
	read_settings(k, a);
	theme_names_free(a->themes, a->n_themes);
	a->themes = theme_names(&a->n_themes);
	a->dirty = true;
}

/* --- theme -------------------------------------------------------------------------------------------------------- */

bool look_is_mono(const struct look *k)
{
	const char *no_color = getenv("NO_COLOR");
	return k->o->color == UI_COLOR_NEVER || (no_color && no_color[0]);
}

void look_read_theme(struct look *k, struct app *a)
{
	struct err err = {0};
	bool default_one = !k->theme || str_eq(k->theme, "default");
	int rc = theme_find(&k->colors, default_one ? NULL : k->theme, &err);
	/* A mistake within a theme has a place of its own. */
	bool place = rc && err.code == ERR_NOT_FOUND && !k->o->theme && str_eq(k->theme, k->config_theme);
	if (rc && !str_eq(k->theme_problem ? k->theme_problem : "", err.text))
		app_say(a, true, "%s%s%s; the built-in theme is used", place ? k->theme_from : "", place ? ": " : "", err.text);
	free(k->theme_problem);
	k->theme_problem = err.code ? xstrdup(err.text) : NULL;
}

void look_choose_theme(struct look *k, const char *name)
{
	free(k->theme);
	k->theme = xstrdup(name);
}

/* --- layout ------------------------------------------------------------------------------------------------------- */

static char *layout_text(const struct look *k, const struct app *a)
{
	json_t *all = json_object();
	json_put_int(all, "version", LAYOUT_VERSION);
	if (!k->o->theme && !str_eq(k->theme, k->config_theme)) {
		json_put_str(all, "theme", k->theme);
		json_put_str(all, "config_theme", k->config_theme);
	}
	json_object_set_new(all, "screen", app_save(a));
	char *text = json_pretty(all);
	json_decref(all);
	return text;
}

static void read_layout(struct look *k, struct app *a)
{
	struct err err = {0};
	size_t len = 0;
	if (!fs_exists(k->o->layout) && !a->simulated)
		app_say(a, false, "? shows the keys, l launches; `skytop check` says which clouds you can use");
	char *text = fs_exists(k->o->layout) ? fs_read(k->o->layout, LAYOUT_BYTES, &len, &err) : NULL;
	json_t *all = text ? json_parse(text, len, &err) : NULL;
	if (all && json_int(all, "version", 0) != LAYOUT_VERSION)
		err_set(&err, ERR_INVALID, "it is of another version");
	if (err.code) {
		app_say(a, false, "%s: %s; the layout starts anew", k->o->layout, err.text);
	} else if (all) {
		if (!k->o->theme && str_eq(json_str(all, "config_theme", ""), k->config_theme) && json_str(all, "theme", NULL))
			look_choose_theme(k, json_str(all, "theme", NULL));
		app_restore(a, json_obj(all, "screen"), !k->o->view);
	}
	json_decref(all);
	free(text);
}

/* Whole or not at all, but not waiting for the disk: leaving is quick, and after a power cut the old layout will do. */
static void write_layout(const char *path, const char *text)
{
	char *fresh = xasprintf("%s.new", path);
	FILE *f = fopen(fresh, "we");
	bool good = f && fputs(text, f) >= 0;
	if (f && fclose(f))
		good = false;
	if (good)
		good = !rename(fresh, path);
	if (!good)
		unlink(fresh);
	free(fresh);
}

void look_keep(struct look *k, const struct app *a)
{
	if (!k->o->layout)
		return;
	char *now = layout_text(k, a), *folder = xstrndup(k->o->layout, (size_t)(path_base(k->o->layout) - k->o->layout));
	if ((!str_eq(now, k->kept) || !fs_exists(k->o->layout)) && (!folder[0] || !fs_mkdirs(folder, NULL)))
		write_layout(k->o->layout, now);
	free(folder);
	free(k->kept);
	k->kept = now;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

void look_open(struct look *k, struct app *a, const struct ui_options *o)
{
	*k = (struct look){.o = o};
	read_settings(k, a);
	look_choose_theme(k, o->theme ? o->theme : k->config_theme);
	if (!o->layout || o->once)
		return;
	read_layout(k, a);
	k->kept = layout_text(k, a);
}

void look_finish(struct look *k)
{
	free(k->config_theme);
	free(k->theme);
	free(k->kept);
	free(k->problems);
	free(k->theme_problem);
	free(k->theme_from);
}
