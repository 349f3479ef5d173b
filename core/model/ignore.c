/* gitignore, rule by rule. The last rule that fits decides; a rule with a slash in it is matched against the path below its own
 * folder, one without against the last name; a slash at the end asks for a folder. The glob gives up early where the rest of the
 * text can no longer match, so that patterns with many stars stay cheap. */
#include "core/model/ignore.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"

enum { RULES_MAX = 100000 };

struct rule {
	char *pattern; /* without its "!", leading and trailing slash */
	char *dir;     /* "" or "a/b/": what a path must begin with */
	bool negated, only_dir, by_name, plain, suffix;
};

struct ignore {
	struct rule *rules;
	size_t n, cap;
};

/* ---- the glob ---------------------------------------------------------------------------------------------------- */

enum verdict { MATCH, NO_MATCH, TEXT_ENDED, NEEDS_STARSTAR };

static bool in_class(const char *name, size_t len, unsigned char c)
{
	static const struct {
		const char *name;
		int (*is)(int c);
	} classes[] = {{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl}, {"digit", isdigit}, {"graph", isgraph},
	    {"lower", islower}, {"print", isprint}, {"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit}};
	for (size_t i = 0; c < 128 && i < ARRAY_LEN(classes); i++)
		if (strlen(classes[i].name) == len && !strncmp(classes[i].name, name, len))
			return classes[i].is(c);
	return false;
}

/* One bracket expression at p ("[" itself); *after is what follows it, NULL when it never ends. */
static bool in_brackets(const char *p, unsigned char c, const char **after)
{
	bool negated = *++p == '!' || *p == '^', found = false;
	unsigned char last = 0;
	if (negated)
		p++;
	*after = NULL;
	for (bool first = true; first || *p != ']'; first = false) {
		unsigned char from = (unsigned char)*p++;
		const char *end = NULL;
		if (!from)
			return false;
		if (from == '[' && *p == ':' && (end = strstr(p + 1, ":]"))) {
			found = found || in_class(p + 1, (size_t)(end - p - 1), c);
			p = end + 2;
			last = 0;
			continue;
		}
		if (from == '-' && last && *p && *p != ']') {
			unsigned char to = (unsigned char)*p++;
			if (to == '\\' && !(to = (unsigned char)*p++))
				return false;
			found = found || (c >= last && c <= to);
			last = 0;
			continue;
		}
		if (from == '\\' && !(from = (unsigned char)*p++))
			return false;
		found = found || c == from;
		last = from;
	}
	*after = p + 1;
	return found != negated && c != '/';
}

static enum verdict match(const char *start, const char *p, const char *t);

/* p stands behind the star(s); over: may they match slashes? */
static enum verdict match_star(const char *start, const char *p, const char *t, bool over)
{
	if (!*p)
		return over || !strchr(t, '/') ? MATCH : NEEDS_STARSTAR;
	if (!over && *p == '/') { /* only the rest of this name can be the star's */
		const char *slash = strchr(t, '/');
		return slash ? match(start, p, slash) : TEXT_ENDED;
	}
	for (; *t; t++) {
		enum verdict v = match(start, p, t);
		if (v == MATCH || v == TEXT_ENDED || (v == NEEDS_STARSTAR && !over))
			return v;
		if (!over && *t == '/')
			return NEEDS_STARSTAR;
	}
	return match(start, p, t) == MATCH ? MATCH : TEXT_ENDED;
}

static enum verdict match(const char *start, const char *p, const char *t)
{
	for (; *p; p++, t++) {
		const char *after, *before = p;
		if (!*t && *p != '*')
			return TEXT_ENDED;
		switch (*p) {
		case '*':
			if (p[1] != '*')
				return match_star(start, p + 1, t, false);
			while (*++p == '*')
				continue;
			if ((before != start && before[-1] != '/') || (*p && *p != '/'))
				return match_star(start, p, t, false); /* no more than one star here */
			if (*p == '/' && match(start, p + 1, t) == MATCH)
				return MATCH; /* no folder at all */
			return match_star(start, p, t, true);
		case '?':
			if (*t == '/')
				return NO_MATCH;
			break;
		case '[':
			if (!in_brackets(p, (unsigned char)*t, &after))
				return after ? NO_MATCH : TEXT_ENDED;
			p = after - 1;
			break;
		case '\\':
			if (!*++p)
				return TEXT_ENDED;
			/* fall through */
		default:
			if (*p != *t)
				return NO_MATCH;
		}
	}
	return *t ? NO_MATCH : MATCH;
}

bool ignore_glob(const char *pattern, const char *text)
{
	return match(pattern, pattern, text) == MATCH;
}

/* ---- rules ------------------------------------------------------------------------------------------------------- */

struct ignore *ignore_create(void)
{
	return xcalloc(1, sizeof(struct ignore));
}

size_t ignore_mark(const struct ignore *ig)
{
	return ig->n;
}

void ignore_release(struct ignore *ig, size_t mark)
{
	while (ig->n > mark) {
		free(ig->rules[--ig->n].pattern);
		free(ig->rules[ig->n].dir);
	}
}

void ignore_destroy(struct ignore *ig)
{
	if (!ig)
		return;
	ignore_release(ig, 0);
	free(ig->rules);
	free(ig);
}

/* Blanks at the end count only where a backslash stands before them. */
static size_t trimmed(const char *s, size_t len)
{
	size_t keep = 0;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\\') {
			if (++i >= len)
				return len;
			keep = i + 1;
		} else if (s[i] != ' ') {
			keep = i + 1;
		}
	}
	return keep;
}

static bool is_plain(const char *s)
{
	return !s[strcspn(s, "*?[\\")];
}

static void add_line(struct ignore *ig, const char *dir, const char *s, size_t len)
{
	if (len && s[len - 1] == '\r')
		len--;
	len = trimmed(s, len);
	if (!len || s[0] == '#' || memchr(s, '\0', len) || ig->n >= RULES_MAX)
		return;
	struct rule r = {.negated = s[0] == '!'};
	s += r.negated;
	len -= r.negated;
	if (len && s[len - 1] == '/') {
		r.only_dir = true;
		len--;
	}
	r.by_name = !memchr(s, '/', len);
	if (len && s[0] == '/') {
		s++;
		len--;
	}
	if (!len)
		return;
	r.pattern = xstrndup(s, len);
	r.plain = is_plain(r.pattern);
	r.suffix = r.by_name && r.pattern[0] == '*' && is_plain(r.pattern + 1);
	r.dir = dir[0] ? xasprintf("%s/", dir) : xstrdup("");
	ARRAY_GROW(ig->rules, ig->n, ig->cap);
	ig->rules[ig->n++] = r;
}

void ignore_add(struct ignore *ig, const char *dir, const char *text, size_t len)
{
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) { /* a byte order mark */
		text += 3;
		len -= 3;
	}
	while (len) {
		const char *nl = memchr(text, '\n', len);
		size_t line = nl ? (size_t)(nl - text) : len;
		add_line(ig, dir, text, line);
		line += nl != NULL;
		text += line;
		len -= line;
	}
}

static bool fits(const struct rule *r, const char *path, const char *name, bool is_dir)
{
	if (r->only_dir && !is_dir)
		return false;
	if (r->by_name) {
		if (r->plain)
			return !strcmp(r->pattern, name);
		return r->suffix ? str_ends(name, r->pattern + 1) : ignore_glob(r->pattern, name);
	}
	path += strlen(r->dir);
	return r->plain ? !strcmp(r->pattern, path) : ignore_glob(r->pattern, path);
}

bool ignore_match(const struct ignore *ig, const char *path, bool is_dir)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	for (size_t i = ig->n; i-- > 0;)
		if (str_starts(path, ig->rules[i].dir) && fits(&ig->rules[i], path, name, is_dir))
			return !ig->rules[i].negated;
	return false;
}
