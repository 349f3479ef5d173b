/* Theme files: YAML, a role a line, each "[attribute …] [foreground [on background]]". The format is described at the top of
 * themes/default.yaml. What a file does not mention stays as in the built-in theme. */
#include "tui/theme.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/yaml.h"

enum { THEME_BYTES = 64 << 10 };

static const char *const colors[] = {"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", "bright-black",
    "bright-red", "bright-green", "bright-yellow", "bright-blue", "bright-magenta", "bright-cyan", "bright-white", "default"};
static const struct {
	const char *word;
	uint8_t attr;
} attributes[] = {{"bold", ATTR_BOLD}, {"dim", ATTR_DIM}, {"underline", ATTR_UNDERLINE}, {"reverse", ATTR_REVERSE},
    {"italic", ATTR_ITALIC}};

/* "#fff" or "#8000ff" → 0xrrggbb. */
static bool parse_rgb(const char *word, unsigned *rgb)
{
	size_t n = strlen(word);
	if (word[0] != '#' || (n != 4 && n != 7) || strspn(word + 1, "0123456789abcdefABCDEF") != n - 1)
		return false;
	unsigned v = (unsigned)strtoul(word + 1, NULL, 16);
	*rgb = n == 7 ? v : (v >> 8 & 15) * 0x110000 + (v >> 4 & 15) * 0x1100 + (v & 15) * 0x11;
	return true;
}

static bool parse_color(const char *word, int32_t *out)
{
	int64_t n;
	for (size_t i = 0; i < ARRAY_LEN(colors); i++) {
		if (str_ieq(colors[i], word)) {
			*out = i < 16 ? (int32_t)i : THEME_DEFAULT;
			return true;
		}
	}
	unsigned rgb;
	if (parse_rgb(word, &rgb)) {
		*out = THEME_RGB + (int32_t)rgb;
		return true;
	}
	if (!num_int(word, 0, 255, &n))
		return false;
	*out = (int32_t)n;
	return true;
}

/* The word that is wrong, or NULL. buf receives a copy of the text, cut into words. */
static const char *parse_style(const char *text, char *buf, size_t size, struct theme_style *out)
{
	struct theme_style s = {THEME_DEFAULT, THEME_DEFAULT, 0};
	bool have_fg = false, on = false, have_bg = false;
	snprintf(buf, size, "%s", text);
	char *save = NULL;
	for (char *word = strtok_r(buf, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		size_t a = 0;
		while (a < ARRAY_LEN(attributes) && !str_ieq(attributes[a].word, word))
			a++;
		if (a < ARRAY_LEN(attributes)) {
			s.attrs |= attributes[a].attr;
		} else if (str_ieq(word, "on") && !on) {
			on = true;
		} else if (on && !have_bg && parse_color(word, &s.bg)) {
			have_bg = true;
		} else if (!on && !have_fg && parse_color(word, &s.fg)) {
			have_fg = true;
		} else {
			return word;
		}
	}
	if (on && !have_bg)
		return "on";
	*out = s;
	return NULL;
}

static int role_of(const char *name)
{
	for (int i = 0; i < ROLES; i++)
		if (str_eq(theme_role_name((enum role)i), name))
			return i;
	return -1;
}

static int wrong_word(const char *file, const struct yaml_node *n, const char *word, const char *const *words, size_t count,
    const char *kind, struct err *err)
{
	const char *near = text_nearest(word, words, count);
	return yaml_err(err, NULL, file, n, "there is no %s %.40s%s%s%s", kind, word, near ? "; did you mean " : "",
	    near ? near : "", near ? "?" : "");
}

static int read_role(struct theme *t, const struct yaml_pair *p, const char *file, struct err *err)
{
	const char *names[ROLES];
	for (int i = 0; i < ROLES; i++)
		names[i] = theme_role_name((enum role)i);
	int role = role_of(p->key->text ? p->key->text : "");
	if (role < 0)
		return wrong_word(file, p->key, p->key->text ? p->key->text : "", names, ARRAY_LEN(names), "role", err);
	if (p->value->kind == YAML_LIST || p->value->kind == YAML_MAP || p->value->kind == YAML_NULL)
		return yaml_err(err, NULL, file, p->value, "a style is a text such as: bold red on black");
	char buf[200];
	const char *word = parse_style(p->value->text, buf, sizeof buf, &t->styles[role]);
	if (!word)
		return 0;
	if (!strcmp(word, "on"))
		return yaml_err(err, NULL, file, p->value, "a colour is missing after on; one like #ff8000 needs quotes around the style");
	const char *words[ARRAY_LEN(colors) + ARRAY_LEN(attributes)];
	memcpy(words, colors, sizeof colors);
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
		words[ARRAY_LEN(colors) + i] = attributes[i].word;
	return wrong_word(file, p->value, word, words, ARRAY_LEN(words), "colour", err);
}

/* What says nothing about its ground stands on the theme's: default is what `text` is. */
static void spread_ground(struct theme *t)
{
	struct theme_style text = t->styles[ROLE_TEXT];
	for (int i = 0; i < ROLES; i++) {
		struct theme_style *s = &t->styles[i];
		if (s->fg == THEME_DEFAULT)
			s->fg = text.fg;
		if (s->bg == THEME_DEFAULT)
			s->bg = text.bg;
	}
}

static int read_theme(struct theme *t, const struct yaml_file *f, const char *file, struct err *err)
{
	const struct yaml_node *root = f->n ? f->docs[0] : NULL;
	const struct yaml_node *roles = root ? yaml_get(root, "roles") : NULL;
	if (!roles || roles->kind != YAML_MAP)
		return yaml_err(err, NULL, file, root, "a theme needs `roles:` with a style for each role it changes");
	for (size_t i = 0; i < roles->n; i++)
		if (read_role(t, &roles->pairs[i], file, err))
			return -1;
	spread_ground(t);
	return 0;
}

int theme_parse(struct theme *t, const char *text, size_t len, const char *file, struct err *err)
{
	struct theme read;
	struct yaml_options opt = {.limits = {.bytes = THEME_BYTES, .nodes = 2000, .expanded = 4000, .depth = 8}};
	theme_builtin(t);
	theme_builtin(&read);
	struct yaml_file *f = yaml_parse(text, len, file, &opt, NULL, err);
	if (!f)
		return -1;
	int rc = read_theme(&read, f, file, err);
	yaml_file_free(f);
	if (!rc)
		*t = read;
	return rc;
}

int theme_load(struct theme *t, const char *path, struct err *err)
{
	size_t len;
	theme_builtin(t);
	char *text = fs_read(path, THEME_BYTES, &len, err);
	if (!text)
		return -1;
	int rc = theme_parse(t, text, len, path, err);
	free(text);
	return rc;
}

/* A name: the person's own themes come before those that are installed. */
static char *find_file(const char *name)
{
	if (strchr(name, '/'))
		return path_expand(name);
	char *own = xasprintf("%s/%s.yaml", "themes", name), *path = home_path(HOME_CONFIG, own);
	if (!fs_exists(path)) {
		free(path);
		path = share_path(own);
	}
	free(own);
	return path;
}

static int no_such_theme(const char *name, struct err *err)
{
	size_t n;
	char **names = theme_names(&n);
	struct str all = str_new(4000);
	for (size_t i = 0; i < n; i++)
		str_addf(&all, "%s%s", i ? ", " : "", names[i]);
	err_set(err, ERR_NOT_FOUND, "there is no theme %s; there are %s", name, str_text(&all));
	str_free(&all);
	theme_names_free(names, n);
	return -1;
}

int theme_find(struct theme *t, const char *name, struct err *err)
{
	char *path = find_file(name ? name : "default");
	int rc = 0;
	theme_builtin(t);
	/* The default one is built in as well: it need not be there. */
	if (name && !strchr(name, '/') && !fs_exists(path))
		rc = no_such_theme(name, err);
	else if (name || fs_exists(path))
		rc = theme_load(t, path, err);
	free(path);
	return rc;
}

/* --- which there are ---------------------------------------------------------------------------------------------- */

struct names {
	char **v;
	size_t n, cap;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_name(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (str_eq(names->v[i], name))
			return true;
	return false;
}

enum { THEMES_MAX = 200 };

static void add_folder(struct names *names, char *path)
{
	DIR *d = opendir(path);
	for (struct dirent *e; d && names->n < THEMES_MAX && (e = readdir(d));) {
		if (e->d_name[0] == '.' || !str_ends(e->d_name, ".yaml"))
			continue;
		char *name = xstrndup(e->d_name, strlen(e->d_name) - strlen(".yaml"));
		if (has_name(names, name)) {
			free(name);
			continue;
		}
		ARRAY_GROW(names->v, names->n, names->cap);
		names->v[names->n++] = name;
	}
	if (d)
		closedir(d);
	free(path);
}

char **theme_names(size_t *n)
{
	struct names names = {0};
	ARRAY_GROW(names.v, names.n, names.cap);
	names.v[names.n++] = xstrdup("default");
	add_folder(&names, share_path("themes"));
	add_folder(&names, home_path(HOME_CONFIG, "themes"));
	qsort(names.v, names.n, sizeof *names.v, by_name);
	*n = names.n;
	return names.v;
}

void theme_names_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}
