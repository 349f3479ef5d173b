/* The one table of verbs, and the words that lead to them. Help, man page, completions, README and the palette of the
 * screen are made from it, in this order. A new verb is its own file, one extern and one line here. */
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/cli/cli.h"
#include "tui/cli/cli_priv.h"

/* One line each, in the order of the table below: two people who add a verb then touch different lines. */
extern const struct verb verb_cloud_side;
extern const struct verb verb_check;
extern const struct verb verb_recipes;
extern const struct verb verb_completions;
extern const struct verb verb_help;
extern const struct verb verb_version;

const struct verb *const cli_verbs[] = {
    /* clusters and jobs */
    /* prices and plans */
    /* engine and requests */
    &verb_cloud_side,
    /* set-up and help */
    &verb_check,
    &verb_recipes,
    &verb_completions,
    &verb_help,
    &verb_version,
};
const size_t cli_n_verbs = ARRAY_LEN(cli_verbs);

const struct cli_exit_text cli_exits[] = {
    {CLI_OK, "done"},
    {CLI_FAILED, "it failed, or the answer to a question was No"},
    {CLI_USAGE, "the command line, a file or a field is wrong; nothing was done"},
    {CLI_NO_RESOURCE, "no offer fits, or none is to be had now"},
    {CLI_CREDENTIALS, "credentials are missing, wrong or expired"},
    {CLI_BUDGET, "a budget or a price cap forbids it"},
    {CLI_JOB_FAILED, "the job failed"},
    {CLI_JOB_NOT_FINISHED, "the job has not finished"},
    {CLI_JOB_NOT_FOUND, "there is no such job"},
    {CLI_JOB_CANCELLED, "the job was cancelled"},
    {CLI_INTERRUPTED, "interrupted: the wait ended, the work goes on"},
};
const size_t cli_n_exits = ARRAY_LEN(cli_exits);

const struct cli_text cli_environment[] = {
    {"SKYTOP_HOME", "one folder for everything skytop writes, in place of the four XDG folders below"},
    {"SKYTOP_SHARE", "where the installed data files are: agent, recipes, price snapshot"},
    {"XDG_CONFIG_HOME", "base of the config folder; ~/.config when unset"},
    {"XDG_STATE_HOME", "base of the state folder; ~/.local/state when unset"},
    {"XDG_CACHE_HOME", "base of the cache folder; ~/.cache when unset"},
    {"XDG_DATA_HOME", "base of the data folder; ~/.local/share when unset"},
    {"XDG_RUNTIME_DIR", "where the engine's socket is; the state folder when unset"},
    {"NO_COLOR", "no colours when set to anything"},
    {"COLUMNS", "width of the terminal, where it cannot be asked"},
};
const size_t cli_n_environment = ARRAY_LEN(cli_environment);

const struct cli_text cli_files[] = {
    {"~/.config/skytop/config.yaml", "settings"},
    {"~/.config/skytop/recipes/", "your own recipes"},
    {"~/.local/state/skytop/", "state.db and logs; the engine alone opens it"},
    {"~/.cache/skytop/catalog.db", "prices; can be deleted, is built again"},
    {"~/.local/share/skytop/", "keys, and the sandbox folders of local nodes"},
    {"$XDG_RUNTIME_DIR/skytop/engine.sock", "the engine's socket, for its owner alone"},
};
const size_t cli_n_files = ARRAY_LEN(cli_files);

const char *verb_group_title(enum verb_group group)
{
	static const char *const titles[GROUPS] = {
	    [GROUP_CLUSTERS] = "Clusters and jobs",
	    [GROUP_PRICES] = "Prices and plans",
	    [GROUP_ENGINE] = "Engine and requests",
	    [GROUP_HELP] = "Set-up and help",
	};
	return titles[group];
}

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
