/* From words to a verb: names of one to three words, aliases, and the nearest when there is none. */
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/cli/cli.h"
#include "tui/cli/cli_priv.h"

/* How many of the given words spell `name` (words separated by one blank, ending at len); 0: they do not. */
static size_t spells(const char *name, size_t len, const char *const *words, size_t n)
{
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		size_t w = strlen(words[i]);
		if (w > len - at || memcmp(name + at, words[i], w))
			return 0;
		at += w;
		if (at == len)
			return i + 1;
		if (name[at++] != ' ')
			return 0;
	}
	return 0;
}

size_t verb_next_name(const struct verb *v, const char **p)
{
	if (!*p) {
		*p = v->name;
		return strlen(v->name);
	}
	if (*p == v->name)
		*p = v->aliases ? v->aliases : "";
	else
		*p += strcspn(*p, ",");
	*p += strspn(*p, ", ");
	return strcspn(*p, ",");
}

const struct verb *verb_find(const char *const *words, size_t n, size_t *used)
{
	const struct verb *best = NULL;
	size_t best_used = 0;
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const char *p = NULL;
		for (size_t len; (len = verb_next_name(cli_verbs[i], &p)) > 0;) {
			size_t k = spells(p, len, words, n);
			if (k > best_used) {
				best = cli_verbs[i];
				best_used = k;
			}
		}
	}
	if (best)
		*used = best_used;
	return best;
}

const char *verb_seconds(struct arena *a, const char *word)
{
	size_t len = strlen(word);
	struct str s = str_new(4096);
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const char *p = NULL;
		for (size_t n; (n = verb_next_name(cli_verbs[i], &p)) > 0;) {
			if (n <= len + 1 || memcmp(p, word, len) || p[len] != ' ' || cli_verbs[i]->hidden)
				continue;
			str_addf(&s, "%s%.*s", s.len ? ", " : "", (int)(n - len - 1), p + len + 1);
		}
	}
	char *found = s.len ? arena_strdup(a, str_text(&s)) : NULL;
	str_free(&s);
	return found;
}

const char *verb_nearest(struct arena *a, const char *const *words, size_t n)
{
	enum { MAX = 256 };
	const char *names[MAX];
	size_t k = 0;
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const char *p = NULL;
		for (size_t len; (len = verb_next_name(cli_verbs[i], &p)) > 0 && k < MAX;)
			if (!cli_verbs[i]->hidden)
				names[k++] = arena_strndup(a, p, len);
	}
	/* Two words may be a slip in a verb of two words, or one mistyped verb and its argument. */
	if (n > 1) {
		const char *two = text_nearest(arena_printf(a, "%s %s", words[0], words[1]), names, k);
		if (two && strchr(two, ' '))
			return two;
	}
	return text_nearest(words[0], names, k);
}
