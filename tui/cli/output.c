/* How verbs answer: errors once and in one form, JSON, questions, colour. Only this edge reports errors; libraries return
 * them. Text that came from outside is cleaned before it reaches the terminal. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/cli/cli.h"
#include "tui/cli/cli_priv.h"
#include "tui/cli/table.h"

void cli_put(FILE *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		struct str s = str_new(8192);
		text_clean(&s, text, n);
		fputs(str_text(&s), out);
		str_free(&s);
		text += n;
		if (*text == '\n') {
			putc('\n', out);
			text++;
		}
	}
}

/* The hint of the code, with the verb's own name where the table says VERB. NULL: none. */
static const char *hint_of(struct cli *c, enum err_code code)
{
	const char *hint = err_info(code)->hint, *verb = hint ? strstr(hint, " VERB") : NULL;
	if (!verb)
		return hint;
	if (!c->verb)
		return "skytop help lists what there is";
	return arena_printf(c->arena, "%.*s %s%s", (int)(verb - hint), hint, c->verb->name, verb + 5);
}

int cli_fail(struct cli *c, const struct err *err)
{
	return cli_fail_at(c, err, NULL);
}

int cli_fail_at(struct cli *c, const struct err *err, const struct where *at)
{
	return cli_fail_more(c, err, at, NULL, NULL);
}

int cli_fail_more(struct cli *c, const struct err *err, const struct where *at, const char *lines, const json_t *detail)
{
	const struct err_info *info = err_info(err->code);
	const char *hint = hint_of(c, err->code);
	fflush(stdout);
	fprintf(stderr, "skytop%s%s: ", c->verb ? " " : "", c->verb ? c->verb->name : "");
	cli_put(stderr, err->text);
	putc('\n', stderr);
	if (lines)
		cli_put(stderr, lines);
	if (hint)
		fprintf(stderr, "  hint: %s\n", hint);
	if (cli_json(c)) {
		json_t *e = json_object(), *j = json_object();
		json_put_str(e, "code", info->name);
		json_put_str(e, "message", err->text);
		if (at && at->file) {
			json_object_set_new(e, "file", json_foreign(at->file));
			json_put_int(e, "line", at->line);
			json_put_int(e, "column", at->column);
		}
		if (err->http_status)
			json_put_int(e, "http_status", err->http_status);
		json_put_str(e, "hint", hint);
		json_put_int(e, "exit_status", info->exit_status);
		if (detail)
			json_object_set(e, "detail", (json_t *)(uintptr_t)detail);
		json_object_set_new(j, "error", e);
		cli_print_json(c, j);
	}
	return info->exit_status ? info->exit_status : CLI_FAILED;
}

int cli_usage(struct cli *c, const char *fmt, ...)
{
	struct err e;
	char text[sizeof e.text];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(&e, ERR_USAGE, "%s", text);
	return cli_fail(c, &e);
}

int cli_print_json(struct cli *c, json_t *j)
{
	(void)c;
	char *text = json_pretty(j);
	fputs(text, stdout);
	free(text);
	json_decref(j);
	return 0;
}

void cli_note(const struct cli *c, const char *fmt, ...)
{
	if (cli_quiet(c))
		return;
	va_list ap;
	va_start(ap, fmt);
	char *text = NULL;
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	cli_put(stderr, text);
	putc('\n', stderr);
	free(text);
}

/* One answer from the terminal; anything but a yes is a no. */
static bool read_yes(void)
{
	char line[64];
	if (!fgets(line, sizeof line, stdin))
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	return str_ieq(line, "y") || str_ieq(line, "yes");
}

int cli_confirm(struct cli *c, const char *fmt, ...)
{
	if (cli_flag(c, "yes"))
		return 0;
	va_list ap;
	va_start(ap, fmt);
	char *text = NULL;
	int n = vasprintf(&text, fmt, ap), rc = 0;
	va_end(ap);
	if (n < 0)
		abort();
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		rc = cli_usage(c, "%s: not confirmed, and there is no terminal to ask on; -y says yes beforehand", text);
	} else {
		fflush(stdout);
		cli_put(stderr, text);
		fputs(" [y/N] ", stderr);
		if (!read_yes()) {
			fputs("nothing was done\n", stderr);
			rc = CLI_FAILED;
		}
	}
	free(text);
	return rc;
}

bool cli_color(const struct cli *c)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	for (size_t i = 0; i < c->n_given; i++)
		if (!strcmp(c->given[i].spec->name, "no-color"))
			return false;
	return !(no && *no) && term && *term && strcmp(term, "dumb") && isatty(STDOUT_FILENO);
}

const char *cli_sgr(const struct cli *c, enum cli_tone tone)
{
	/* The sixteen colours only: they follow the user's own palette, light or dark. */
	static const char *const sgr[] = {
	    [TONE_PLAIN] = "\x1b[0m", [TONE_BOLD] = "\x1b[1m",  [TONE_DIM] = "\x1b[2m",	  [TONE_GOOD] = "\x1b[32m",
	    [TONE_WARN] = "\x1b[33m", [TONE_BAD] = "\x1b[31m", [TONE_ACCENT] = "\x1b[36m",
	};
	return cli_color(c) ? sgr[tone] : "";
}

int cli_width(const struct cli *c)
{
	(void)c;
	struct winsize ws;
	int64_t n;
	if (!isatty(STDOUT_FILENO))
		return 0;
	const char *env = getenv("COLUMNS");
	if (env && num_int(env, 1, 10000, &n))
		return (int)n;
	return !ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_col ? ws.ws_col : 80;
}

bool cli_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *v = getenv(names[i]);
		if (v && *v)
			return str_istr(v, "utf-8") || str_istr(v, "utf8");
	}
	return true;
}

void cli_spark(struct str *out, const int64_t *values, size_t n, int64_t low, int64_t high)
{
	enum { LEVELS = 8 };
	static const char *const blocks[LEVELS] = {"\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83", "\xe2\x96\x84", "\xe2\x96\x85", "\xe2\x96\x86",
	    "\xe2\x96\x87", "\xe2\x96\x88"};
	static const char ascii[] = ".,:-=+*#";
	bool utf8 = cli_utf8();
	for (size_t i = 0; i < n; i++) {
		double share = high > low ? (double)(values[i] - low) / (double)(high - low) : 0.5; /* what never moved stands in the middle */
		int level = share <= 0 ? 0 : (int)(share * LEVELS);
		level = level < LEVELS ? level : LEVELS - 1;
		if (values[i] < 0)
			str_addc(out, ' ');
		else if (utf8)
			str_add(out, blocks[level]);
		else
			str_addc(out, ascii[level]);
	}
}

int cli_print_table(struct cli *c, struct table *t)
{
	struct table_style style = {.width = cli_width(c), .color = cli_color(c), .utf8 = cli_utf8()};
	table_print(t, stdout, &style);
	table_destroy(t);
	return 0;
}
