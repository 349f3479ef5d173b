/* The frame that every verb of the command line stands in. A verb is one file that defines one `const struct verb`, and
 * one line in verbs.c. The frame parses its options, prints its help, its errors, its part of the man page and of the
 * shell completions, all from that one table. */
#ifndef TUI_CLI_CLI_H
#define TUI_CLI_CLI_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/err.h"
#include "core/model/where.h"

struct cli;
struct provider;

/* What a shell offers when Tab is pressed. */
enum complete {
	COMPLETE_NONE,
	COMPLETE_FILE,
	COMPLETE_DIR,
	COMPLETE_CLUSTER,
	COMPLETE_CLOUD,
	COMPLETE_RECIPE,
	COMPLETE_VERB,
};

/* One option. A table of them ends with CLI_END. */
struct option_spec {
	const char *name;  /* long name without dashes; NULL ends the table */
	char short_name;   /* 0: none */
	const char *value; /* what the value is called: "NAME"; NULL: a flag. "low|medium|high": only these words are taken */
	const char *help;  /* a phrase, no capital, no full stop */
	bool repeatable;   /* every value counts (cli_values); otherwise the last one does */
	bool negatable;	   /* --no-NAME is understood as well (cli_tristate) */
	bool hidden;	   /* works, but help does not speak of it */
	enum complete complete;
};

/* CLI_FLAG('a', "all", "every cluster"), CLI_VALUE('c', "cluster", "NAME", "its name", .complete = COMPLETE_CLUSTER) */
#define CLI_FLAG(short, long, text, ...) {.name = (long), .short_name = (short), .help = (text), __VA_ARGS__}
#define CLI_VALUE(short, long, what, text, ...)                                                                        \
	{.name = (long), .short_name = (short), .value = (what), .help = (text), __VA_ARGS__}
#define CLI_YES CLI_FLAG('y', "yes", "do not ask")
#define CLI_END {.name = NULL}

enum verb_group { GROUP_CLUSTERS, GROUP_PRICES, GROUP_ENGINE, GROUP_HELP, GROUPS };

struct verb {
	const char *name;    /* "launch"; may be of two or three words: "catalog import" */
	const char *aliases; /* comma-separated, may have spaces inside: "show-gpus,gpus list"; NULL: none */
	enum verb_group group;
	const char *summary; /* one sentence with a capital and a full stop */
	const char *args;    /* positional arguments for usage: "CLUSTER [JOB...]"; NULL: none */
	int min_args, max_args; /* max -1: any number */
	enum complete complete; /* of positional arguments */
	bool takes_command;	/* arguments may be a shell command: say so when one of its options is taken for ours */
	bool hidden;		/* works, but help, man page and completions do not speak of it */
	const struct option_spec *options; /* ends with CLI_END; NULL: none of its own */
	const char *help; /* more paragraphs, separated by an empty line; a line that starts with a space is kept as it is */
	/* Do it. Returns the exit status (enum cli_exit, or what cli_fail returned). */
	int (*run)(struct cli *c);
};

/* Every verb there is; verbs.c. */
extern const struct verb *const cli_verbs[];
extern const size_t cli_n_verbs;

/* Exit statuses that do not come from err_info(). All are listed in texts.c and printed in help, man page and README. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NO_RESOURCE = 3,
	CLI_CREDENTIALS = 4,
	CLI_BUDGET = 5,
	CLI_JOB_FAILED = 100,
	CLI_JOB_NOT_FINISHED = 101,
	CLI_JOB_NOT_FOUND = 102,
	CLI_JOB_CANCELLED = 103,
	CLI_INTERRUPTED = 130, /* Ctrl-C: the wait ended, the work goes on */
};
struct cli_exit_text {
	int status;
	const char *meaning;
};
extern const struct cli_exit_text cli_exits[];
extern const size_t cli_n_exits;

/* Environment variables, files and folders, as help, man page and README tell them. */
struct cli_text {
	const char *name, *meaning;
};
extern const struct cli_text cli_environment[], cli_files[];
extern const size_t cli_n_environment, cli_n_files;

/* A key of the screen, for the man page. */
struct cli_key {
	const char *where, *title, *help;
	char keys[64];
};

/* What the program joins for the command line. */
struct program {
	/* The full screen, when there is no verb. Returns the exit status. */
	int (*screen)(struct cli *c);
	bool (*screen_key)(size_t i, struct cli_key *out); /* its i-th key; false past the end. NULL: none */
	const struct provider *const *providers; /* ends with NULL; for `engine` alone */
};

/* Parse argv, run the verb, flush stdout. Returns the exit status of the process. */
int cli_main(int argc, char **argv, const struct program *program);

/* --- what was asked --------------------------------------------------------------------------------------------------
 * Options that neither the verb nor the frame declares abort: a slip in our own code. Strings are argv's. */
const struct program *cli_program(const struct cli *c);
const struct verb *cli_verb(const struct cli *c); /* NULL in `screen` */
bool cli_flag(const struct cli *c, const char *name);
int cli_tristate(const struct cli *c, const char *name); /* --x: 1, --no-x: -1, neither: 0 */
const char *cli_value(const struct cli *c, const char *name); /* the last one given, or NULL */
/* All values given, in order, NULL-terminated; never NULL; owned by c. */
const char *const *cli_values(struct cli *c, const char *name);
/* A whole number in [min, max]. *out is untouched when the option was not given. Failure: USAGE, naming the option. */
int cli_int(const struct cli *c, const char *name, int64_t min, int64_t max, int64_t *out, struct err *err);
/* Positional arguments, NULL-terminated. cli_arg is NULL past the end. */
const char *const *cli_args(const struct cli *c);
size_t cli_n_args(const struct cli *c);
/* How many of them stood before "--"; *dashes: was it there? */
size_t cli_n_own_args(const struct cli *c, bool *dashes);
const char *cli_arg(const struct cli *c, size_t i);

/* Options that every verb has: --json, --quiet, --trace FILE. */
bool cli_json(const struct cli *c);
bool cli_quiet(const struct cli *c);
const char *cli_trace(const struct cli *c); /* NULL: no trace */

/* --- what is answered ----------------------------------------------------------------------------------------------*/
/* "skytop VERB: text", and a hint where the code has one, to stderr; with --json also {"error": {code, message, hint}} on
 * stdout. Returns the exit status of the code. */
int cli_fail(struct cli *c, const struct err *err);
/* As cli_fail; with --json the error has file, line and column as well. at may be NULL. */
int cli_fail_at(struct cli *c, const struct err *err, const struct where *at);
/* The same with more lines for people after the text (each ends with a newline; NULL: none), and "detail" in the JSON (borrowed; NULL: none). */
int cli_fail_more(struct cli *c, const struct err *err, const struct where *at, const char *lines, const json_t *detail);
/* As cli_fail with code USAGE. Returns 2. */
int cli_usage(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Indented JSON to stdout. Takes the reference. Returns 0. */
int cli_print_json(struct cli *c, json_t *j);
/* A line for people about what is going on, to stderr; nothing under --quiet. */
void cli_note(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Ask "TEXT [y/N]" on the terminal. 0: yes, or the verb's --yes was given. Otherwise the exit status to end with, all said:
 * 1 for No, 2 when there is no terminal to ask on. Blocks. The verb must declare CLI_YES. */
int cli_confirm(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

enum cli_tone { TONE_PLAIN, TONE_BOLD, TONE_DIM, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_ACCENT };
/* Colour is used on a terminal that knows it, unless --no-color or $NO_COLOR says otherwise. */
bool cli_color(const struct cli *c);
/* The escape sequence that starts a tone on stdout, "" where colour is off. TONE_PLAIN ends one. */
const char *cli_sgr(const struct cli *c, enum cli_tone tone);
/* Columns of the terminal on stdout (or $COLUMNS there); 0: not a terminal, nothing is cut. */
int cli_width(const struct cli *c);
/* Text that may be foreign: no sign in it does anything to the terminal. It may have several lines; each is cleaned by itself. */
void cli_put(FILE *out, const char *text);
/* May text beyond ASCII be printed? By LC_ALL, LC_CTYPE, LANG; yes when none is set. */
bool cli_utf8(void);

/* A course of values, a sign each: blocks from low to high, or ASCII; a value below 0 is not known, and a blank. */
struct str;
void cli_spark(struct str *out, const int64_t *values, size_t n, int64_t low, int64_t high);

struct table;
/* Print for people: in colour, cut to the terminal. Takes the table. Returns 0. */
int cli_print_table(struct cli *c, struct table *t);

#endif
