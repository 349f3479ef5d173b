/* From argv to a verb with its options and arguments. GNU manners: options may stand anywhere until `--`; --opt=value,
 * --opt value, -abc, -cVALUE and -c VALUE mean what they mean elsewhere. Abbreviated long options are not understood: a
 * script that relies on one breaks when a verb gets another option. Nothing is done before everything is understood. */
#include "config.h"

#include "tui/cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/base/trace.h"
#include "tui/cli/cli_priv.h"

const struct option_spec cli_globals[] = {
    CLI_FLAG(0, "json", "print JSON, also for errors"),
    CLI_FLAG('q', "quiet", "no progress lines"),
    CLI_FLAG(0, "no-color", "no colours, as with $NO_COLOR"),
    CLI_VALUE(0, "trace", "FILE", "record every request and reply there, without secrets", .complete = COMPLETE_FILE),
    CLI_FLAG('h', "help", "show this text"),
    CLI_VALUE('o', "output", "table|json", "json is the same as --json", .hidden = true),
    CLI_END,
};

static const struct option_spec top_options[] = {
    CLI_FLAG('V', "version", "print the version"),
    CLI_END,
};

extern const struct verb verb_screen;

/* Stands in for the verb while none was named yet, so that one parser does for both. */
static const struct verb top = {.name = "", .options = top_options};

static const struct option_spec *spec_in(const struct option_spec *v, const char *name, size_t len)
{
	for (; v && v->name; v++)
		if (strlen(v->name) == len && !memcmp(v->name, name, len))
			return v;
	return NULL;
}

const struct option_spec *option_find(const struct verb *v, const char *name, size_t len)
{
	const struct option_spec *s = spec_in(v->options, name, len);
	return s ? s : spec_in(cli_globals, name, len);
}

const struct option_spec *option_find_short(const struct verb *v, char short_name)
{
	for (const struct option_spec *s = v->options; s && s->name; s++)
		if (s->short_name == short_name)
			return s;
	for (const struct option_spec *s = cli_globals; s->name; s++)
		if (s->short_name == short_name)
			return s;
	return NULL;
}

static void give(struct cli *c, const struct option_spec *s, const char *value, bool negated)
{
	ARRAY_GROW(c->given, c->n_given, c->cap_given);
	c->given[c->n_given++] = (struct cli_given){s, value, negated};
}

static void add_arg(struct cli *c, const char *arg)
{
	if (c->n_args + 1 >= c->cap_args) {
		c->cap_args = c->cap_args ? c->cap_args * 2 : 8;
		c->args = xreallocarray(c->args, c->cap_args, sizeof *c->args);
	}
	c->args[c->n_args++] = arg;
	c->args[c->n_args] = NULL;
}

/* The long options of a verb as they are typed, for finding the nearest. */
static const char *nearest_option(struct cli *c, const struct verb *v, const char *name)
{
	const char *words[128];
	size_t n = 0;
	const struct option_spec *const tables[] = {v->options, cli_globals};
	for (size_t t = 0; t < ARRAY_LEN(tables); t++)
		for (const struct option_spec *s = tables[t]; s && s->name && n + 2 < ARRAY_LEN(words); s++) {
			if (s->hidden)
				continue;
			words[n++] = s->name;
			if (s->negatable)
				words[n++] = arena_printf(c->arena, "no-%s", s->name);
		}
	return text_nearest(name, words, n);
}

static int unknown_option(struct cli *c, const struct verb *v, const char *shown, const char *name)
{
	const char *near = nearest_option(c, v, name);
	if (near)
		return cli_usage(c, "unknown option %s; did you mean --%s?", shown, near);
	if (v->takes_command)
		return cli_usage(c, "unknown option %s; put -- before a command that has options of its own", shown);
	return cli_usage(c, "unknown option %s", shown);
}

/* Is value one of "a|b|c"? */
static bool is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);
	for (const char *p = choices;; p++) {
		size_t n = strcspn(p, "|");
		if (n == len && !memcmp(p, value, n))
			return true;
		p += n;
		if (!*p)
			return false;
	}
}

static int take_value(struct cli *c, const struct option_spec *s, const char *shown, const char *value)
{
	if (!value)
		return cli_usage(c, "%s needs a value: %s %s", shown, shown, s->value);
	if (strchr(s->value, '|') && !is_choice(s->value, value))
		return cli_usage(c, "%s takes one of %s, not '%s'", shown, s->value, value);
	give(c, s, value, false);
	return 0;
}

/* --name, --name=value, --no-name. *i moves when the next word was the value. 0, or an exit status. */
static int parse_long(struct cli *c, const struct verb *v, int argc, char **argv, int *i)
{
	const char *arg = argv[*i], *name = arg + 2, *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	const char *shown = arena_printf(c->arena, "--%.*s", (int)len, name);
	const struct option_spec *s = option_find(v, name, len);
	bool negated = false;
	if (!s && len > 3 && str_starts(name, "no-")) {
		s = option_find(v, name + 3, len - 3);
		negated = s && s->negatable;
		s = negated ? s : NULL;
	}
	if (!s)
		return unknown_option(c, v, shown, shown + 2);
	if (!s->value || negated) {
		if (eq)
			return cli_usage(c, "%s takes no value", shown);
		give(c, s, NULL, negated);
		return 0;
	}
	if (!eq && *i + 1 < argc)
		return take_value(c, s, shown, argv[++*i]);
	return take_value(c, s, shown, eq ? eq + 1 : NULL);
}

/* -abc, -cVALUE, -c VALUE. */
static int parse_short(struct cli *c, const struct verb *v, int argc, char **argv, int *i)
{
	for (const char *p = argv[*i] + 1; *p; p++) {
		const char *shown = arena_printf(c->arena, "-%c", *p);
		const struct option_spec *s = (unsigned char)*p < 0x80 ? option_find_short(v, *p) : NULL;
		if (!s) {
			if (p == argv[*i] + 1) /* the whole word may be a long option with one dash */
				return unknown_option(c, v, argv[*i], p[1] ? p : "");
			return cli_usage(c, "unknown option %s in %s", shown, argv[*i]);
		}
		if (!s->value) {
			give(c, s, NULL, false);
			continue;
		}
		if (!p[1] && *i + 1 < argc)
			return take_value(c, s, shown, argv[++*i]);
		return take_value(c, s, shown, p[1] ? p + 1 : NULL);
	}
	return 0;
}

static bool is_option(const char *arg)
{
	return arg[0] == '-' && arg[1];
}

static int parse_option(struct cli *c, const struct verb *v, int argc, char **argv, int *i)
{
	return argv[*i][1] == '-' ? parse_long(c, v, argc, argv, i) : parse_short(c, v, argc, argv, i);
}

/* Everything after the verb. */
static int parse_rest(struct cli *c, int argc, char **argv, int i)
{
	bool only_args = false;
	c->n_own_args = SIZE_MAX;
	for (; i < argc; i++) {
		if (only_args || !is_option(argv[i])) {
			add_arg(c, argv[i]);
		} else if (!strcmp(argv[i], "--")) {
			only_args = true;
			c->n_own_args = c->n_args;
		} else {
			int rc = parse_option(c, c->verb, argc, argv, &i);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static int check_args(struct cli *c)
{
	const struct verb *v = c->verb;
	if ((int)c->n_args < v->min_args)
		return cli_usage(c, "%s is missing: skytop %s %s", v->min_args > 1 ? "an argument" : "the argument", v->name,
		    v->args ? v->args : "");
	if (v->max_args >= 0 && (int)c->n_args > v->max_args) {
		const char *extra = c->args[v->max_args];
		if (!v->max_args)
			return cli_usage(c, "takes no argument, but '%s' was given", extra);
		return cli_usage(c, "'%s' is one argument too many: skytop %s %s", extra, v->name, v->args ? v->args : "");
	}
	return 0;
}

/* Words that SkyPilot has and this version does not, with what there is instead: no guess at what else may have been meant. */
static const struct {
	const char *word, *instead;
} missing[] = {
    {"jobs", "managed jobs, which go on by themselves on another machine, cannot be run by this version yet; until then skytop launch and skytop exec run "
	     "jobs on a cluster, skytop queue lists them"},
    {"serve", "services, which are models behind one endpoint, cannot be run by this version yet; until then a server can be a job of a cluster: skytop exec "
	      "CLUSTER COMMAND"},
};

static int unknown_verb(struct cli *c, const char *const *words, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(missing); i++)
		if (str_eq(missing[i].word, words[0]))
			return cli_usage(c, "%s", missing[i].instead);
	const char *seconds = verb_seconds(c->arena, words[0]);
	if (seconds)
		return cli_usage(c, n > 1 ? "'%s' cannot do that; it is followed by one of: %s" :
		    "'%s' needs a second word, one of: %s", words[0], seconds);
	const char *near = verb_nearest(c->arena, words, n);
	if (near)
		return cli_usage(c, "there is no '%s'; did you mean '%s'?", words[0], near);
	return cli_usage(c, "there is no '%s'; skytop help lists what there is", words[0]);
}

/* Options before the verb, then the verb. *i is where its own words begin. c->verb stays NULL when there is none. */
static int parse_verb(struct cli *c, int argc, char **argv, int *i)
{
	for (*i = 1; *i < argc && is_option(argv[*i]); ++*i) {
		if (!strcmp(argv[*i], "--"))
			return cli_usage(c, "a verb is missing before --");
		/* `skytop --once clusters`: an option of the screen begins the screen's own words. */
		const char *name = argv[*i] + 2;
		if (argv[*i][1] == '-' && spec_in(verb_screen.options, name, strcspn(name, "="))) {
			c->verb = &verb_screen;
			return 0;
		}
		int rc = parse_option(c, &top, argc, argv, i);
		if (rc)
			return rc;
	}
	const char *words[3];
	size_t n = 0, used;
	while (n < ARRAY_LEN(words) && *i + (int)n < argc && !is_option(argv[*i + (int)n])) {
		words[n] = argv[*i + (int)n];
		n++;
	}
	if (!n)
		return 0;
	c->verb = verb_find(words, n, &used);
	if (!c->verb)
		return unknown_verb(c, words, n);
	*i += (int)used;
	return 0;
}

static bool has(const struct cli *c, const char *name)
{
	for (size_t i = 0; i < c->n_given; i++)
		if (!strcmp(c->given[i].spec->name, name))
			return true;
	return false;
}

static int start_trace(struct cli *c)
{
	struct err err;
	const char *path = cli_trace(c);
	return path && trace_open(path, &err) ? cli_fail(c, &err) : 0;
}

/* No verb: the screen, or a word about what this is. */
static int run_without_verb(struct cli *c)
{
	if (has(c, "version")) {
		puts(PACKAGE_STRING);
		return 0;
	}
	if (has(c, "help")) {
		help_overview(stdout);
		return 0;
	}
	c->verb = &verb_screen;
	int rc = start_trace(c);
	return rc ? rc : c->verb->run(c);
}

/* Is JSON asked for? Looked up ahead of parsing, so that an error in the line itself is told in JSON too. */
static bool wants_json(int argc, char **argv)
{
	static const char *const ways[] = {"--json", "-ojson", "--output=json"};
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		for (size_t k = 0; k < ARRAY_LEN(ways); k++)
			if (!strcmp(argv[i], ways[k]))
				return true;
		if ((!strcmp(argv[i], "-o") || !strcmp(argv[i], "--output")) && i + 1 < argc && !strcmp(argv[i + 1], "json"))
			return true;
	}
	return false;
}

static int run(struct cli *c, int argc, char **argv)
{
	int i, rc = parse_verb(c, argc, argv, &i);
	if (rc)
		return rc;
	if (!c->verb)
		return run_without_verb(c);
	rc = parse_rest(c, argc, argv, i);
	if (rc)
		return rc;
	if (has(c, "help")) {
		help_verb(stdout, c->verb);
		return 0;
	}
	rc = check_args(c);
	if (!rc)
		rc = start_trace(c);
	return rc ? rc : c->verb->run(c);
}

int cli_main(int argc, char **argv, const struct program *program)
{
	struct cli c = {.program = program, .arena = arena_create(), .json = wants_json(argc, argv)};
	c.args = xcalloc(1, sizeof *c.args);
	c.cap_args = 1;
	int rc = run(&c, argc, argv);
	/* What could not be written was not done: `skytop status > /dev/full` fails. */
	if (fflush(stdout) || ferror(stdout)) {
		if (errno != EPIPE)
			fprintf(stderr, "skytop: standard output: %s\n", strerror(errno));
		rc = rc ? rc : CLI_FAILED;
	}
	free(c.args);
	free(c.given);
	arena_destroy(c.arena);
	return rc;
}

/* --- what was asked ------------------------------------------------------------------------------------------------ */

/* The last time an option was given, or NULL. An option that nobody declared is a bug of ours, and says so at once. */
static const struct cli_given *last(const struct cli *c, const char *name)
{
	if (!option_find(c->verb ? c->verb : &top, name, strlen(name))) {
		fprintf(stderr, "skytop: bug: %s asks for an option --%s that it does not declare\n",
		    c->verb ? c->verb->name : "skytop", name);
		abort();
	}
	for (size_t i = c->n_given; i-- > 0;)
		if (!strcmp(c->given[i].spec->name, name))
			return &c->given[i];
	return NULL;
}

const struct program *cli_program(const struct cli *c)
{
	return c->program;
}

const struct verb *cli_verb(const struct cli *c)
{
	return c->verb;
}

bool cli_flag(const struct cli *c, const char *name)
{
	const struct cli_given *g = last(c, name);
	return g && !g->negated;
}

int cli_tristate(const struct cli *c, const char *name)
{
	const struct cli_given *g = last(c, name);
	return !g ? 0 : g->negated ? -1 : 1;
}

const char *cli_value(const struct cli *c, const char *name)
{
	const struct cli_given *g = last(c, name);
	return g ? g->value : NULL;
}

const char *const *cli_values(struct cli *c, const char *name)
{
	last(c, name);
	const char **v = arena_alloc(c->arena, (c->n_given + 1) * sizeof *v);
	size_t n = 0;
	for (size_t i = 0; i < c->n_given; i++)
		if (c->given[i].value && !strcmp(c->given[i].spec->name, name))
			v[n++] = c->given[i].value;
	return v;
}

int cli_int(const struct cli *c, const char *name, int64_t min, int64_t max, int64_t *out, struct err *err)
{
	const char *v = cli_value(c, name);
	if (!v || num_int(v, min, max, out))
		return 0;
	return err_set(err, ERR_USAGE, "--%s takes a whole number from %lld to %lld, not '%s'", name, (long long)min,
	    (long long)max, v);
}

const char *const *cli_args(const struct cli *c)
{
	return c->args;
}

size_t cli_n_args(const struct cli *c)
{
	return c->n_args;
}

size_t cli_n_own_args(const struct cli *c, bool *dashes)
{
	*dashes = c->n_own_args != SIZE_MAX;
	return *dashes ? c->n_own_args : c->n_args;
}

const char *cli_arg(const struct cli *c, size_t i)
{
	return i < c->n_args ? c->args[i] : NULL;
}

bool cli_json(const struct cli *c)
{
	return c->json;
}

bool cli_quiet(const struct cli *c)
{
	return has(c, "quiet");
}

const char *cli_trace(const struct cli *c)
{
	for (size_t i = c->n_given; i-- > 0;)
		if (!strcmp(c->given[i].spec->name, "trace"))
			return c->given[i].value;
	return NULL;
}
