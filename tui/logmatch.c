/* The filter of a log: a short list of terms, all of which must hold. */
#include "tui/logmatch.h"

#include <ctype.h>
#include <string.h>

#include "core/base/str.h"

static bool parse_ranks(struct logmatch_term *t, const char *text)
{
	for (;;) {
		int64_t n = 0;
		if (!isdigit((unsigned char)*text))
			return false;
		for (; isdigit((unsigned char)*text) && n < 1000000; text++)
			n = n * 10 + (*text - '0');
		if (t->n_ranks == LOGMATCH_RANKS)
			return false;
		t->ranks[t->n_ranks++] = n;
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
	}
}

static void classify(struct logmatch_term *t)
{
	if (str_starts(t->text, "rank:") && parse_ranks(t, t->text + 5)) {
		t->kind = TERM_RANK;
	} else if (str_ieq(t->text, "level:error") || str_ieq(t->text, "level:warn") || str_ieq(t->text, "level:warning")) {
		t->kind = TERM_LEVEL;
		t->warnings = !str_ieq(t->text, "level:error");
	}
}

/* One term from *at; false at the end, or when it is empty. */
static bool next_term(const char **at, struct logmatch_term *t)
{
	const char *s = *at + strspn(*at, " ");
	*t = (struct logmatch_term){.kind = TERM_TEXT};
	if (*s == '!' && s[1] && s[1] != ' ') {
		t->out = true;
		s++;
	}
	bool quoted = *s == '"';
	s += quoted;
	size_t n = strcspn(s, quoted ? "\"" : " "), keep = n < LOGMATCH_TEXT ? n : LOGMATCH_TEXT - 1;
	memcpy(t->text, s, keep);
	s += n;
	*at = s + (quoted && *s == '"');
	if (!quoted)
		classify(t);
	return keep > 0;
}

void logmatch_parse(struct logmatch *m, const char *text)
{
	m->n = 0;
	while (m->n < LOGMATCH_TERMS && *text) {
		if (next_term(&text, &m->terms[m->n]))
			m->n++;
		else
			text += *text == '"' || *text == ' ';
	}
}

static bool holds(const struct logmatch_term *t, const struct logbuf *b, uint64_t line)
{
	if (t->kind == TERM_TEXT)
		return logbuf_has(b, line, t->text);
	if (t->kind == TERM_LEVEL) {
		enum role level = logbuf_level(b, line);
		return level == ROLE_BAD || (t->warnings && level == ROLE_WARN);
	}
	int64_t rank = -1;
	logbuf_label(b, line, &rank);
	for (size_t i = 0; i < t->n_ranks; i++)
		if (t->ranks[i] == rank)
			return true;
	return false;
}

bool logmatch_line(const struct logmatch *m, const struct logbuf *b, uint64_t line)
{
	for (size_t i = 0; i < m->n; i++)
		if (holds(&m->terms[i], b, line) == m->terms[i].out)
			return false;
	return true;
}
