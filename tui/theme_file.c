/* Theme files: YAML, a role a line, each "[attribute …] [foreground [on background]]". The format is described at the top of
 * themes/default.yaml. What a file does not mention stays as in the built-in theme. */
#include "tui/theme.h"

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

static bool parse_color(const char *word, int16_t *out)
{
	int64_t n;
	for (size_t i = 0; i < ARRAY_LEN(colors); i++) {
		if (str_ieq(colors[i], word)) {
			*out = i < 16 ? (int16_t)i : THEME_DEFAULT;
			return true;
		}
	}
	unsigned rgb;
	char rest;
	if (word[0] == '#' && strlen(word) == 7 && strspn(word + 1, "0123456789abcdefABCDEF") == 6 &&
	    sscanf(word + 1, "%6x%c", &rgb, &rest) == 1) {
		*out = theme_nearest(rgb);
		return true;
	}
	if (!num_int(word, 0, 255, &n))
		return false;
	*out = (int16_t)n;
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
	for (int i = 0; i < ROLE_ANSI; i++)
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
	const char *names[ROLE_ANSI];
	for (int i = 0; i < ROLE_ANSI; i++)
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

static int read_theme(struct theme *t, const struct yaml_file *f, const char *file, struct err *err)
{
	const struct yaml_node *root = f->n ? f->docs[0] : NULL;
	const struct yaml_node *roles = root ? yaml_get(root, "roles") : NULL;
	if (!roles || roles->kind != YAML_MAP)
		return yaml_err(err, NULL, file, root, "a theme needs `roles:` with a style for each role it changes");
	for (size_t i = 0; i < roles->n; i++)
		if (read_role(t, &roles->pairs[i], file, err))
			return -1;
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

int theme_find(struct theme *t, const char *name, struct err *err)
{
	char *path = find_file(name ? name : "default");
	int rc = 0;
	theme_builtin(t);
	/* The default one is built in as well: it need not be there. */
	if (name || fs_exists(path))
		rc = theme_load(t, path, err);
	free(path);
	return rc;
}
