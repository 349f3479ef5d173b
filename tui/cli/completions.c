/* `skytop completions SHELL`: what Tab offers, written from the verb table for bash, zsh and fish. Names of clusters, clouds
 * and recipes are asked of skytop itself when Tab is pressed; that never starts an engine, and an answer that does not come
 * is no offer. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/cli/cli.h"
#include "tui/cli/cli_priv.h"

/* How each kind of value is listed. A shell's function names are made from `word`. */
static const struct {
	const char *word, *list; /* list: a command that prints one a line; NULL: the shell's own way, or nothing */
} kinds[] = {
    [COMPLETE_NONE] = {"none", NULL},
    [COMPLETE_FILE] = {"file", NULL},
    [COMPLETE_DIR] = {"dir", NULL},
    [COMPLETE_CLUSTER] = {"cluster", "skytop status --names"},
    [COMPLETE_CLOUD] = {"cloud", "skytop check --names"},
    [COMPLETE_RECIPE] = {"recipe", "skytop recipes --names"},
    [COMPLETE_VERB] = {"verb", NULL},
};

static void put(FILE *out, const char *text)
{
	fputs(text, out);
}

/* text[0..len) inside single quotes of a POSIX shell or zsh. */
static void put_quoted(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\'')
			put(out, "'\\''");
		else
			putc(text[i], out);
	}
}

/* "bash|fish|zsh" when the arguments of a verb are words to choose from; NULL otherwise. */
static const char *arg_words(const struct verb *v)
{
	return v->args && strchr(v->args, '|') && !v->args[strspn(v->args, "abcdefghijklmnopqrstuvwxyz-|")] ? v->args : NULL;
}

static void put_words(FILE *out, const char *choices)
{
	for (; *choices; choices++)
		putc(*choices == '|' ? ' ' : *choices, out);
}

/* Each name of each verb that is shown, and what to do with it. */
typedef void name_fn(FILE *out, const struct verb *v, const char *name, size_t len);

static void each_name(FILE *out, name_fn *fn)
{
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const char *p = NULL;
		for (size_t len; !cli_verbs[i]->hidden && (len = verb_next_name(cli_verbs[i], &p)) > 0;)
			fn(out, cli_verbs[i], p, len);
	}
}

static size_t first_word(const char *name, size_t len)
{
	const char *blank = memchr(name, ' ', len);
	return blank ? (size_t)(blank - name) : len;
}

/* "|launch|gpus list": the names of a verb as a case pattern. */
static void put_pattern(FILE *out, const struct verb *v, const char *before, const char *after)
{
	const char *p = NULL, *bar = "";
	for (size_t len; (len = verb_next_name(v, &p)) > 0; bar = "|")
		fprintf(out, "%s'%s%.*s%s'", bar, before, (int)len, p, after);
}

static void name_word(FILE *out, const struct verb *v, const char *name, size_t len)
{
	(void)v;
	fprintf(out, " %.*s", (int)first_word(name, len), name);
}

/* For a verb of two words: "gpus:list " in a list that the shells search. */
static void name_pair(FILE *out, const struct verb *v, const char *name, size_t len)
{
	(void)v;
	size_t n = first_word(name, len);
	if (n < len)
		fprintf(out, " %.*s:%.*s", (int)n, name, (int)(len - n - 1), name + n + 1);
}

/* --- bash ----------------------------------------------------------------------------------------------------------- */

static void bash_option_words(FILE *out, const struct option_spec *v)
{
	for (; v && v->name; v++) {
		if (v->hidden)
			continue;
		if (v->short_name)
			fprintf(out, " -%c", v->short_name);
		fprintf(out, " --%s", v->name);
		if (v->negatable)
			fprintf(out, " --no-%s", v->name);
	}
}

/* What follows an option that takes a value: one case line an option. */
static void bash_values(FILE *out, const struct verb *v, const struct option_spec *s)
{
	for (; s && s->name; s++) {
		if (!s->value || s->hidden)
			continue;
		char after[80], shorter[8] = "";
		snprintf(after, sizeof after, " --%s", s->name);
		put(out, "\t");
		if (v)
			put_pattern(out, v, "", after);
		else
			fprintf(out, "*' --%s'", s->name);
		if (s->short_name) {
			snprintf(shorter, sizeof shorter, " -%c", s->short_name);
			put(out, "|");
			if (v)
				put_pattern(out, v, "", shorter);
			else
				fprintf(out, "*'%s'", shorter);
		}
		if (strchr(s->value, '|')) {
			put(out, ") kind=words words='");
			put_words(out, s->value);
			put(out, "' ;;\n");
		} else {
			fprintf(out, ") kind=%s ;;\n", kinds[s->complete].word);
		}
	}
}

static void bash_verb(FILE *out, const struct verb *v)
{
	put(out, "\t");
	put_pattern(out, v, "", "");
	fprintf(out, ") args=%s options='", arg_words(v) ? "words" : kinds[v->complete].word);
	bash_option_words(out, v->options);
	if (arg_words(v)) {
		put(out, "' words='");
		put_words(out, arg_words(v));
	}
	put(out, "' ;;\n");
}

static void bash_lists(FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].list)
			fprintf(out, "\t%s) COMPREPLY=($(compgen -W \"$(%s 2>/dev/null)\" -- \"$cur\")) ;;\n", kinds[i].word,
			    kinds[i].list);
}

static void bash_print(FILE *out)
{
	put(out, "# bash completion for skytop; made by `skytop completions bash`.\n"
		 "_skytop()\n{\n"
		 "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= i kind= words= args=none options=\n"
		 "\tlocal verbs='");
	each_name(out, name_word);
	put(out, " ' pairs='");
	each_name(out, name_pair);
	put(out, " ' globals='");
	bash_option_words(out, cli_globals);
	put(out, "'\n"
		 "\t# --option=value arrives as three words.\n"
		 "\tif [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
		 "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		 "\t\tcase ${COMP_WORDS[i]} in\n"
		 "\t\t--trace) ((i++)) ;;\n"
		 "\t\t-*) ;;\n"
		 "\t\t*)\n"
		 "\t\t\tif [[ -z $verb ]]; then\n"
		 "\t\t\t\tverb=${COMP_WORDS[i]}\n"
		 "\t\t\t\t[[ $pairs == *\" $verb:\"* ]] || break\n"
		 "\t\t\telse\n"
		 "\t\t\t\t[[ $pairs == *\" $verb:${COMP_WORDS[i]} \"* ]] && verb+=\" ${COMP_WORDS[i]}\"\n"
		 "\t\t\t\tbreak\n"
		 "\t\t\tfi ;;\n"
		 "\t\tesac\n"
		 "\tdone\n"
		 "\tcase $verb in\n");
	for (size_t i = 0; i < cli_n_verbs; i++)
		if (!cli_verbs[i]->hidden)
			bash_verb(out, cli_verbs[i]);
	put(out, "\tesac\n\tcase \"$verb $prev\" in\n");
	for (size_t i = 0; i < cli_n_verbs; i++)
		if (!cli_verbs[i]->hidden)
			bash_values(out, cli_verbs[i], cli_verbs[i]->options);
	bash_values(out, NULL, cli_globals);
	put(out, "\tesac\n"
		 "\tif [[ -z $kind ]]; then\n"
		 "\t\tif [[ $cur == -* ]]; then kind=words words=\"$options $globals\"\n"
		 "\t\telif [[ -z $verb ]]; then kind=words words=$verbs\n"
		 "\t\telif [[ $verb != *' '* && $pairs == *\" $verb:\"* && $args == none ]]; then\n"
		 "\t\t\tkind=words\n"
		 "\t\t\tfor i in $pairs; do [[ $i == \"$verb:\"* ]] && words+=\" ${i#*:}\"; done\n"
		 "\t\telse kind=$args; fi\n"
		 "\tfi\n"
		 "\tcase $kind in\n"
		 "\twords) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
		 "\tverb) COMPREPLY=($(compgen -W \"$verbs\" -- \"$cur\")) ;;\n"
		 "\tfile) local IFS=$'\\n'; compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
		 "\tdir) local IFS=$'\\n'; compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\")) ;;\n");
	bash_lists(out);
	put(out, "\tesac\n}\ncomplete -F _skytop skytop\n");
}

/* --- zsh ------------------------------------------------------------------------------------------------------------ */

/* Inside '...[HERE]' of an _arguments spec. */
static void zsh_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("[]:\\", *text))
			putc('\\', out);
		put_quoted(out, text, 1);
	}
}

static void zsh_action(FILE *out, const struct option_spec *s)
{
	if (strchr(s->value, '|')) {
		put(out, "(");
		put_words(out, s->value);
		put(out, ")");
	} else {
		fprintf(out, "_skytop_%s", kinds[s->complete].word);
	}
}

static void zsh_option(FILE *out, const struct option_spec *s, const char *prefix)
{
	const char *star = s->repeatable ? "*" : "";
	bool letter = s->short_name && !*prefix;
	if (letter)
		fprintf(out, "\t\t'%s'{-%c,--%s}'[", star, s->short_name, s->name);
	else
		fprintf(out, "\t\t'%s--%s%s[", star, prefix, s->name);
	zsh_text(out, *prefix ? "the opposite" : s->help);
	put(out, "]");
	if (s->value && !*prefix) {
		put(out, ":");
		if (strchr(s->value, '|'))
			put(out, "value");
		else
			zsh_text(out, s->value);
		put(out, ":");
		zsh_action(out, s);
	}
	put(out, "' \\\n");
}

static void zsh_options(FILE *out, const struct option_spec *v)
{
	for (; v && v->name; v++) {
		if (v->hidden)
			continue;
		zsh_option(out, v, "");
		if (v->negatable)
			zsh_option(out, v, "no-");
	}
}

static void zsh_verb(FILE *out, const struct verb *v)
{
	put(out, "\t");
	put_pattern(out, v, "", "");
	put(out, ")\n\t\t_arguments -s \\\n");
	zsh_options(out, v->options);
	zsh_options(out, cli_globals);
	if (arg_words(v)) {
		put(out, "\t\t'*:argument:(");
		put_words(out, arg_words(v));
		put(out, ")' ;;\n");
		return;
	}
	fprintf(out, "\t\t'*:argument:_skytop_%s' ;;\n", kinds[v->complete].word);
}

static void zsh_name(FILE *out, const struct verb *v, const char *name, size_t len)
{
	size_t n = first_word(name, len);
	fprintf(out, "\t'%.*s:", (int)n, name);
	if (n < len)
		fprintf(out, "%.*s", (int)(len - n - 1), name + n + 1);
	else
		put_quoted(out, v->summary, strlen(v->summary));
	put(out, "'\n");
}

static void zsh_print(FILE *out)
{
	put(out, "#compdef skytop\n# zsh completion for skytop; made by `skytop completions zsh`.\n"
		 "_skytop_none() { _message 'nothing to offer' }\n"
		 "_skytop_file() { _files }\n"
		 "_skytop_dir() { _files -/ }\n"
		 "_skytop_verb() {\n\tlocal -a verbs\n\tverbs=(\n");
	each_name(out, zsh_name);
	put(out, "\t)\n\t_describe verb verbs\n}\n");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].list)
			fprintf(out, "_skytop_%s() { local -a names; names=(${(f)\"$(%s 2>/dev/null)\"}); compadd -a names }\n",
			    kinds[i].word, kinds[i].list);
	put(out, "_skytop() {\n\tlocal verb pairs='");
	each_name(out, name_pair);
	put(out, " '\n"
		 "\tif (( CURRENT == 2 )); then\n"
		 "\t\tif [[ $PREFIX == -* ]]; then _arguments -s \\\n");
	zsh_options(out, cli_globals);
	put(out, "\t\t'(-V --version)'{-V,--version}'[print the version]'\n"
		 "\t\telse _skytop_verb; fi\n"
		 "\t\treturn\n"
		 "\tfi\n"
		 "\tverb=$words[2]\n"
		 "\tif [[ $pairs == *\" $verb:\"* ]]; then\n"
		 "\t\tif (( CURRENT == 3 )); then\n"
		 "\t\t\tlocal -a seconds; local p\n"
		 "\t\t\tfor p in ${=pairs}; do [[ $p == $verb:* ]] && seconds+=(${p#*:}); done\n"
		 "\t\t\tcompadd -a seconds\n"
		 "\t\telif [[ $pairs == *\" $verb:$words[3] \"* ]]; then\n"
		 "\t\t\tverb+=\" $words[3]\"\n"
		 "\t\t\tshift words; (( CURRENT-- ))\n"
		 "\t\tfi\n"
		 "\tfi\n"
		 "\tshift words; (( CURRENT-- ))\n"
		 "\tcase $verb in\n");
	for (size_t i = 0; i < cli_n_verbs; i++)
		if (!cli_verbs[i]->hidden)
			zsh_verb(out, cli_verbs[i]);
	put(out, "\tesac\n}\n_skytop \"$@\"\n");
}

/* --- fish ----------------------------------------------------------------------------------------------------------- */

static void fish_text(FILE *out, const char *text)
{
	putc('\'', out);
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putc('\\', out);
		putc(*text, out);
	}
	putc('\'', out);
}

static void fish_value(FILE *out, const struct option_spec *s)
{
	if (!s->value)
		return;
	if (strchr(s->value, '|')) {
		put(out, " -x -a '");
		put_words(out, s->value);
		put(out, "'");
	} else if (kinds[s->complete].list) {
		fprintf(out, " -x -a '(%s 2>/dev/null)'", kinds[s->complete].list);
	} else if (s->complete == COMPLETE_DIR) {
		put(out, " -x -a '(__fish_complete_directories)'");
	} else {
		put(out, s->complete == COMPLETE_FILE ? " -r -F" : " -x");
	}
}

static void fish_options(FILE *out, const struct option_spec *v, const char *condition)
{
	for (; v && v->name; v++) {
		if (v->hidden)
			continue;
		fprintf(out, "complete -c skytop%s -l %s", condition, v->name);
		if (v->short_name)
			fprintf(out, " -s %c", v->short_name);
		fish_value(out, v);
		put(out, " -d ");
		fish_text(out, v->help);
		putc('\n', out);
		if (v->negatable)
			fprintf(out, "complete -c skytop%s -l no-%s -d 'the opposite'\n", condition, v->name);
	}
}

static void fish_verb(FILE *out, const struct verb *v, const char *name, size_t len)
{
	char condition[128];
	size_t n = first_word(name, len);
	if (n < len) {
		fprintf(out, "complete -c skytop -f -n __skytop_no_verb -a '%.*s'\n", (int)n, name);
		fprintf(out, "complete -c skytop -f -n '__skytop_first %.*s' -a '%.*s' -d ", (int)n, name, (int)(len - n - 1),
		    name + n + 1);
	} else {
		fprintf(out, "complete -c skytop -f -n __skytop_no_verb -a '%.*s' -d ", (int)len, name);
	}
	fish_text(out, v->summary);
	putc('\n', out);
	snprintf(condition, sizeof condition, " -n '__skytop_verb %.*s'", (int)len, name);
	fish_options(out, v->options, condition);
	if (arg_words(v)) {
		fprintf(out, "complete -c skytop -f%s -a '", condition);
		put_words(out, arg_words(v));
		put(out, "'\n");
	} else if (kinds[v->complete].list) {
		fprintf(out, "complete -c skytop -f%s -a '(%s 2>/dev/null)'\n", condition, kinds[v->complete].list);
	} else if (v->complete == COMPLETE_VERB) {
		fprintf(out, "complete -c skytop -f%s -a '", condition);
		each_name(out, name_word);
		put(out, "'\n");
	} else if (v->complete == COMPLETE_FILE || v->complete == COMPLETE_DIR) {
		fprintf(out, "complete -c skytop -F%s\n", condition);
	}
}

static void fish_print(FILE *out)
{
	put(out, "# fish completion for skytop; made by `skytop completions fish`.\n"
		 "function __skytop_words\n"
		 "\tcommandline -opc | string match -v -- '-*'\n"
		 "end\n"
		 "function __skytop_no_verb\n"
		 "\ttest (count (__skytop_words)) -eq 1\n"
		 "end\n"
		 "function __skytop_first\n"
		 "\tset -l words (__skytop_words)\n"
		 "\ttest (count $words) -eq 2; and test \"$words[2]\" = $argv[1]\n"
		 "end\n"
		 "function __skytop_verb\n"
		 "\tset -l words (__skytop_words)\n"
		 "\tset -l last (math 1 + (count $argv))\n"
		 "\ttest (count $words) -ge $last; and test \"$words[2..$last]\" = \"$argv\"\n"
		 "end\n"
		 "complete -c skytop -f\n");
	fish_options(out, cli_globals, "");
	each_name(out, fish_verb);
}

static const struct {
	const char *name;
	void (*print)(FILE *out);
} shells[] = {{"bash", bash_print}, {"fish", fish_print}, {"zsh", zsh_print}};

static int run(struct cli *c)
{
	const char *names[ARRAY_LEN(shells)], *shell = cli_arg(c, 0);
	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		if (!strcmp(shell, shells[i].name)) {
			shells[i].print(stdout);
			return 0;
		}
		names[i] = shells[i].name;
	}
	const char *near = text_nearest(shell, names, ARRAY_LEN(names));
	if (near)
		return cli_usage(c, "no completions for '%s'; did you mean '%s'?", shell, near);
	return cli_usage(c, "no completions for '%s'; there are bash, fish and zsh", shell);
}

const struct verb verb_completions = {
    .name = "completions",
    .group = GROUP_HELP,
    .summary = "Print the completion script of a shell.",
    .args = "bash|fish|zsh",
    .min_args = 1,
    .max_args = 1,
    .help = "`make install` puts them where the shells look. By hand:\n\n"
	    "  skytop completions bash > ~/.local/share/bash-completion/completions/skytop\n"
	    "  skytop completions fish > ~/.config/fish/completions/skytop.fish\n"
	    "  skytop completions zsh > ~/.zfunc/_skytop       with ~/.zfunc in fpath",
    .run = run,
};
