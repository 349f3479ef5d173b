/* A line is decided by its beginning: once that is long enough, or the line ends. What is decided is passed on in whole runs. */
#include "tui/cli/logsieve.h"

#include <string.h>

#include "core/api/logread.h"

static const char setup_line[] = "[skytop] setup\n", run_line[] = "[skytop] run\n";

static bool wanted(struct logsieve *s)
{
	int64_t rank;
	bool first = !s->begun;
	s->begun = true;
	if (s->setup && ((first && (s->n_head < sizeof setup_line - 1 || memcmp(s->head, setup_line, sizeof setup_line - 1))) ||
			    (s->n_head == sizeof run_line - 1 && !memcmp(s->head, run_line, s->n_head))))
		s->over = true;
	if (s->over)
		return false;
	return s->rank < 0 || (logline_label(s->head, s->n_head, &rank) && rank == s->rank);
}

static void decide(struct logsieve *s, struct str *out)
{
	s->passes = wanted(s);
	s->decided = true;
	if (s->passes && s->n_head) {
		str_addn(out, s->head, s->n_head);
		s->any = true;
	}
}

/* Take of the line's beginning what is needed to decide: how much. */
static size_t gather(struct logsieve *s, const char *data, size_t len, struct str *out)
{
	size_t room = sizeof s->head - s->n_head, n = len < room ? len : room;
	const char *nl = memchr(data, '\n', n);
	if (nl)
		n = (size_t)(nl - data) + 1;
	memcpy(s->head + s->n_head, data, n);
	s->n_head += n;
	if (nl || s->n_head == sizeof s->head)
		decide(s, out);
	if (nl) {
		s->decided = false;
		s->n_head = 0;
	}
	return n;
}

void logsieve_feed(struct logsieve *s, const char *data, size_t len, struct str *out)
{
	while (len && !s->over) {
		size_t n;
		if (!s->decided) {
			n = gather(s, data, len, out);
		} else {
			const char *nl = memchr(data, '\n', len);
			n = nl ? (size_t)(nl - data) + 1 : len;
			if (s->passes)
				str_addn(out, data, n);
			if (nl) {
				s->decided = false;
				s->n_head = 0;
			}
		}
		data += n;
		len -= n;
	}
}

void logsieve_end(struct logsieve *s, struct str *out)
{
	if (!s->over && !s->decided && s->n_head)
		decide(s, out);
	s->n_head = 0;
}
