/* The files of AWS's tools: profiles in an INI dialect, and command lines in them. Pure. */
#include <ctype.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"

enum { LINE_MAX_LEN = 8192, WORDS_MAX = 64, LOWER_MAX = 200 };

static size_t trim(const char **s, size_t n)
{
	while (n && isspace((unsigned char)**s)) {
		(*s)++;
		n--;
	}
	while (n && isspace((unsigned char)(*s)[n - 1]))
		n--;
	return n;
}

/* "profile x" and "profile "my x"" are x; the file of credentials has plain names. */
static json_t *section(json_t *out, const char *s, size_t n, bool config)
{
	n = trim(&s, n);
	if (config && n > 8 && !strncmp(s, "profile", 7) && isspace((unsigned char)s[7])) {
		s += 8;
		n = trim(&s, n - 8);
	}
	if (n >= 2 && (*s == '"' || *s == '\'') && s[n - 1] == *s) {
		s++;
		n -= 2;
	}
	char *name = xstrndup(s, n);
	json_t *v = utf8_valid(name, n, NULL) ? json_object_get(out, name) : NULL;
	if (!v && utf8_valid(name, n, NULL))
		json_object_set_new(out, name, v = json_object());
	free(name);
	return v;
}

static void key_value(json_t *in, const char *s, size_t n)
{
	size_t k = 0;
	while (k < n && s[k] != '=')
		k++;
	if (k == n || !in)
		return;
	const char *v = s + k + 1;
	size_t v_len = trim(&v, n - k - 1), k_len = trim(&s, k);
	char name[LOWER_MAX];
	if (!k_len || k_len >= sizeof name)
		return;
	for (size_t i = 0; i < k_len; i++)
		name[i] = (char)tolower((unsigned char)s[i]);
	name[k_len] = '\0';
	/* A comment behind a value stands off from it by a blank. */
	for (size_t i = 1; i < v_len; i++)
		if ((v[i] == '#' || v[i] == ';') && isspace((unsigned char)v[i - 1])) {
			v_len = trim(&v, i);
			break;
		}
	if (!utf8_valid(name, k_len, NULL))
		return;
	char *value = xstrndup(v, v_len);
	json_object_set_new(in, name, json_foreign(value));
	free(value);
}

json_t *aws_ini(const char *text, bool config)
{
	json_t *out = json_object(), *in = NULL;
	if (text && !strncmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	while (text && *text) {
		size_t len = strcspn(text, "\n"), n = len;
		const char *s = text;
		bool nested = isspace((unsigned char)*text);
		n = trim(&s, n);
		const char *close = n ? memchr(s, ']', n) : NULL;
		if (n && n < LINE_MAX_LEN && *s == '[' && close)
			in = section(out, s + 1, (size_t)(close - s - 1), config);
		else if (n && n < LINE_MAX_LEN && !nested && *s != '#' && *s != ';')
			key_value(in, s, n);
		text += len + (text[len] == '\n');
	}
	return out;
}

const char *const *aws_words(struct arena *a, const char *line)
{
	const char **words = arena_alloc(a, (WORDS_MAX + 1) * sizeof *words);
	struct str w = str_new(LINE_MAX_LEN);
	size_t n = 0;
	char quote = 0;
	bool in_word = false;
	for (const char *p = line;; p++) {
		bool ends = !*p || (!quote && isspace((unsigned char)*p));
		if (ends && in_word && n < WORDS_MAX) {
			words[n++] = arena_strdup(a, str_text(&w));
			str_clear(&w);
			in_word = false;
		}
		if (!*p)
			break;
		if (ends)
			continue;
		in_word = true;
		if (quote && *p == quote)
			quote = 0;
		else if (!quote && (*p == '"' || *p == '\''))
			quote = *p;
		else if (*p == '\\' && quote != '\'' && p[1])
			str_addc(&w, *++p);
		else
			str_addc(&w, *p);
	}
	str_free(&w);
	return quote || !n ? NULL : words;
}
