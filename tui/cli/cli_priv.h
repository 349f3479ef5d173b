/* What the files of the frame share; no verb but help, completions and version includes it. */
#ifndef TUI_CLI_CLI_PRIV_H
#define TUI_CLI_CLI_PRIV_H
#include <stdio.h>

#include "tui/cli/cli.h"

/* One option as it was given. */
struct cli_given {
	const struct option_spec *spec;
	const char *value; /* NULL for flags */
	bool negated;
};

struct cli {
	const struct program *program;
	const struct verb *verb;
	struct arena *arena;
	bool json;
	struct cli_given *given;
	size_t n_given, cap_given;
	const char **args; /* NULL-terminated */
	size_t n_args, cap_args;
	size_t n_own_args; /* those before "--"; SIZE_MAX: there was none */
};

/* Options that stand on every verb. Ends with CLI_END. */
extern const struct option_spec cli_globals[];

/* The verb named by the first words of argv, and in *used how many of them; NULL: none. */
const struct verb *verb_find(const char *const *words, size_t n, size_t *used);
/* Visit the name of a verb and then each alias, starting with *p NULL: returns the length of the next one and moves *p
 * there; 0 at the end. Not NUL-terminated. */
size_t verb_next_name(const struct verb *v, const char **p);
/* The verb word nearest to what was typed (names and aliases), or NULL; arena's. */
const char *verb_nearest(struct arena *a, const char *const *words, size_t n);
/* The words that may follow `word` as the first of a verb of several words: "import, status, update"; NULL: it starts none. */
const char *verb_seconds(struct arena *a, const char *word);
const char *verb_group_title(enum verb_group group);
/* The option of a verb, or of all verbs; NULL. */
const struct option_spec *option_find(const struct verb *v, const char *name, size_t len);
const struct option_spec *option_find_short(const struct verb *v, char short_name);

/* help.c: the list of verbs; one verb's page; one usage line. */
void help_overview(FILE *out);
void help_verb(FILE *out, const struct verb *v);
void help_usage(FILE *out, const struct verb *v);
/* markdown.c: the tables of README.md, between the marks that README.md has. */
void markdown_print(FILE *out);
/* man.c: the whole page, as roff. */
void man_print(FILE *out, const struct program *program);

/* What the screen can be opened with, by whichever verb. */
#define SCREEN_OPTIONS \
	CLI_FLAG(0, "once", "print the view as text and end; needs no terminal"), \
	CLI_VALUE(0, "size", "WxH", "with --once: columns and rows, as in 120x40; otherwise the terminal's, or 80x24"), \
	CLI_VALUE(0, "filter", "FILTER", "filter of the offers, as in skytop offers"), \
	CLI_VALUE(0, "theme", "NAME", "colours: a name from the themes folders, or a path"), \
	CLI_FLAG(0, "read-only", "look, but order nothing"), \
	CLI_FLAG(0, "plain", "lines of text instead of a screen, for screen readers and pipes: keys, actions and 'text in, what changes out"), \
	CLI_FLAG(0, "dump-keys", "print the keys in force, as a keys.yaml; needs no terminal"), \
	CLI_FLAG(0, "dump-config", "print the settings in force, as a config.yaml")

#endif
