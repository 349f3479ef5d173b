/* Changing one setting in the config file, and nothing else in it: comments, order and blank lines are the user's. The
 * file is changed as text, at the line where the parser saw the key; then the result is parsed again and must differ
 * from the old values in that one setting. Whatever cannot be changed like that (a map written in braces, say) is
 * refused with the place, rather than rewritten. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/str.h"
#include "core/model/config_priv.h"

enum { MAX_BYTES = 1 << 20 };

/* A key of the file: where it is, and where its section is. */
struct spot {
	const struct yaml_node *section_key, *section; /* NULL: no section in the name, or none in the file */
	const struct yaml_node *key, *value;	       /* NULL: not in the file */
	const char *leaf;			       /* last part of the name */
	char section_name[64];
};

const char *config_written(struct arena *a, const struct config_key *k, const char *value)
{
	if (k->type == CONFIG_CLOUDS) {
		struct str s = str_new(4000);
		str_addc(&s, '[');
		const struct yaml_node *n = config_node(a, k, value);
		for (size_t i = 0; i < n->n; i++)
			str_addf(&s, "%s%s", i ? ", " : "", n->items[i]->text);
		str_addc(&s, ']');
		const char *text = arena_strdup(a, str_text(&s));
		str_free(&s);
		return text;
	}
	if (k->type != CONFIG_TEXT && k->type != CONFIG_URL)
		return value;
	struct str s = str_new(8000);
	str_addc(&s, '"');
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\')
			str_addc(&s, '\\');
		str_addc(&s, *p);
	}
	str_addc(&s, '"');
	const char *text = arena_strdup(a, str_text(&s));
	str_free(&s);
	return text;
}

static void find_spot(const struct yaml_node *root, const char *name, struct spot *s)
{
	const char *dot = strchr(name, '.');
	const struct yaml_node *map = root;
	*s = (struct spot){.leaf = dot ? dot + 1 : name};
	if (dot) {
		snprintf(s->section_name, sizeof s->section_name, "%.*s", (int)(dot - name), name);
		s->section_key = yaml_key(root, s->section_name);
		s->section = yaml_get(root, s->section_name);
		map = s->section;
	}
	s->key = yaml_key(map, s->leaf);
	s->value = yaml_get(map, s->leaf);
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

/* The start of a line (1-based) in the text. */
static size_t line_start(const char *text, int line)
{
	size_t at = 0;
	for (int i = 1; i < line && text[at]; i++) {
		at += strcspn(text + at, "\n");
		at += text[at] == '\n';
	}
	return at;
}

static size_t next_line(const char *text, size_t at)
{
	at += strcspn(text + at, "\n");
	return at + (text[at] == '\n');
}

static size_t indent(const char *line)
{
	return strspn(line, " ");
}

/* Nothing but blanks, or a comment. */
static bool is_blank(const char *line)
{
	line += strspn(line, " \t\r");
	return !*line || *line == '\n' || *line == '#';
}

/* The end of what belongs to a key at `line`, whose column is `column` (1-based): the line itself and those under it
 * that are further in, or the dashes of a list. Comments that follow belong to what comes next. */
static size_t end_of_value(const char *text, int line, int column)
{
	size_t at = next_line(text, line_start(text, line)), end = at;
	while (text[at]) {
		const char *l = text + at;
		size_t in = indent(l);
		bool belongs = in >= (size_t)column || (in + 1 == (size_t)column && l[in] == '-');
		at = next_line(text, at);
		if (is_blank(l))
			continue;
		if (!belongs)
			break;
		end = at;
	}
	return end;
}

/* The comment at the end of a line of a scalar: from the blanks before '#' to before the newline; empty when there is
 * none. */
static void tail_comment(const char *line, const struct yaml_node *value, struct str *out)
{
	size_t len = strcspn(line, "\n"), at = (size_t)value->column - 1;
	if (value->quoted && at < len) {
		char q = line[at++];
		while (at < len && line[at] != q)
			at += 1 + (q == '"' && line[at] == '\\');
		at++;
	}
	for (; at + 1 < len; at++)
		if ((line[at] == ' ' || line[at] == '\t') && line[at + 1] == '#') {
			while (at && (line[at - 1] == ' ' || line[at - 1] == '\t'))
				at--;
			str_addn(out, line + at, len - at);
			return;
		}
}

/* --- changes ----------------------------------------------------------------------------------------------------- */

static void replace_value(struct str *out, const char *text, const struct spot *s, const char *written)
{
	size_t start = line_start(text, s->key->line), end = end_of_value(text, s->key->line, s->key->column);
	str_addn(out, text, start + (size_t)s->key->column - 1);
	str_addf(out, "%s: %s", s->leaf, written);
	if (s->value->line == s->key->line)
		tail_comment(text + start, s->value, out);
	str_add(out, "\n");
	str_add(out, text + end);
}

static void remove_key(struct str *out, const char *text, const struct spot *s)
{
	str_addn(out, text, line_start(text, s->key->line));
	str_add(out, text + end_of_value(text, s->key->line, s->key->column));
}

/* A new line at the end of its section. */
static void add_to_section(struct str *out, const char *text, const struct spot *s, const char *written)
{
	size_t at = end_of_value(text, s->section_key->line, s->section_key->column);
	int in = s->section->kind == YAML_MAP && s->section->n ? s->section->pairs[0].key->column - 1
							       : s->section_key->column + 1;
	str_addn(out, text, at);
	if (at && text[at - 1] != '\n')
		str_add(out, "\n");
	str_addf(out, "%*s%s: %s\n", in, "", s->leaf, written);
	str_add(out, text + at);
}

static void append(struct str *out, const char *text, const struct spot *s, const char *written)
{
	size_t n = strlen(text);
	str_add(out, text);
	if (n && text[n - 1] != '\n')
		str_add(out, "\n");
	if (*s->section_name)
		str_addf(out, "%s:\n  %s: %s\n", s->section_name, s->leaf, written);
	else
		str_addf(out, "%s: %s\n", s->leaf, written);
}

static void change(struct str *out, const char *text, const struct spot *s, const char *written)
{
	if (!written) {
		if (s->key)
			remove_key(out, text, s);
		else
			str_add(out, text);
	} else if (s->key) {
		replace_value(out, text, s, written);
	} else if (s->section_key) {
		add_to_section(out, text, s, written);
	} else {
		append(out, text, s, written);
	}
}

/* --- checks ------------------------------------------------------------------------------------------------------ */

/* Does the new text say the same as the old one, but for this setting? */
static bool same_but(const char *old_text, const char *new_text, const struct config_key *k, const char *value)
{
	struct config *o = config_parse(old_text, strlen(old_text), "config"),
		      *n = config_parse(new_text, strlen(new_text), "config");
	struct arena *a = arena_create();
	struct config_value want = {0};
	config_read(a, k, config_node(a, k, value ? value : k->dflt), &want);
	bool same = config_n_problems(n) <= config_n_problems(o) && !strcmp(config_shown(n, k->name), want.shown);
	for (size_t i = 0; same && i < config_n_keys; i++)
		if (&config_keys[i] != k)
			same = !strcmp(config_shown(o, config_keys[i].name), config_shown(n, config_keys[i].name));
	arena_destroy(a);
	config_destroy(o);
	config_destroy(n);
	return same;
}

static int write_changed(
    const char *path, const char *text, const struct config_key *k, const char *value, struct err *err)
{
	struct yaml_file *f = yaml_parse(text, strlen(text), path, NULL, NULL, err);
	if (!f)
		return err_wrap(err, "nothing was changed");
	struct spot s = {0};
	struct str out = str_new(MAX_BYTES);
	find_spot(f->n ? f->docs[0] : NULL, k->name, &s);
	change(&out, text, &s, value ? config_written(f->arena, k, value) : NULL);
	const struct yaml_node *at = s.key ? s.key : s.section_key;
	int rc;
	if (out.full)
		rc = err_set(err, ERR_INVALID, "%s would grow beyond %d bytes; nothing was changed", path, MAX_BYTES);
	else if (!same_but(text, str_text(&out), k, value))
		rc = yaml_err(err, NULL, path, at,
		    "this file is written in a form that cannot be changed safely; nothing was changed. "
		    "Write %s there by hand",
		    k->name);
	else
		rc = fs_write(path, str_text(&out), out.len, 0644, err);
	str_free(&out);
	yaml_file_free(f);
	return rc;
}

/* The text of the file; "" when it is not there. NULL on failure. */
static char *read_old(const char *path, struct err *err)
{
	struct err e = {0};
	char *text = fs_read(path, MAX_BYTES, NULL, &e);
	if (!text && e.code == ERR_NOT_FOUND)
		return xstrdup("");
	if (!text)
		err_set(err, e.code, "%s", e.text);
	return text;
}

static int make_folder(const char *path, struct err *err)
{
	char *dir = xstrndup(path, (size_t)(path_base(path) - path));
	int rc = *dir ? fs_mkdirs(dir, err) : 0;
	free(dir);
	return rc;
}

int config_set(const char *path, const char *name, const char *value, struct err *err)
{
	if (config_check(name, value ? value : "", err) && (value || !config_key_find(name)))
		return -1;
	char *own = path ? xstrdup(path) : home_path(HOME_CONFIG, "config.yaml");
	char *text = read_old(own, err);
	int rc = text ? make_folder(own, err) : -1;
	if (!rc)
		rc = write_changed(own, text, config_key_find(name), value, err);
	free(text);
	free(own);
	return rc;
}
