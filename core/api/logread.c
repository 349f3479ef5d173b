/* The reader of spooled logs. All positions are offsets of the log on the node; a file begins at its base (0 but for the tail of a log
 * that is far behind), so going from one file to another moves nothing. Searching for the last lines goes backwards, a block at a
 * time. */
#include "core/api/logread.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/cluster.h"

enum { BLOCK = 64 << 10, LABEL_MAX = 96, TIMES_LINE = 80 };

struct logread {
	char *path;
	int fd;
	int64_t base, at, generation;
};

struct logread *logread_create(void)
{
	struct logread *r = xcalloc(1, sizeof *r);
	r->fd = -1;
	r->generation = -1;
	return r;
}

void logread_destroy(struct logread *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	free(r->path);
	free(r);
}

static bool is_open(struct logread *r)
{
	if (r->fd < 0 && r->path)
		r->fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return r->fd >= 0;
}

bool logread_take(struct logread *r, const json_t *log)
{
	const char *path = json_str(log, "path", "");
	int64_t generation = json_int(log, "generation", 0); /* 0: there is no file yet */
	bool replaced = r->generation > 0 && generation != r->generation;
	if (replaced || !str_eq(path, r->path)) {
		if (r->fd >= 0)
			close(r->fd);
		r->fd = -1;
		own_str(&r->path, path);
	}
	r->base = json_int(log, "base", 0);
	r->generation = generation;
	if (replaced)
		r->at = r->base;
	return replaced;
}

size_t logread_next(struct logread *r, char *buf, size_t size)
{
	if (r->at < r->base || !is_open(r))
		return 0;
	ssize_t n = pread(r->fd, buf, size, (off_t)(r->at - r->base));
	if (n <= 0)
		return 0;
	r->at += n;
	return (size_t)n;
}

int64_t logread_at(const struct logread *r)
{
	return r->at;
}

void logread_seek(struct logread *r, int64_t at)
{
	r->at = at;
}

int64_t logread_start(const struct logread *r)
{
	return r->base;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static size_t skip_digits(const char *s, size_t len, size_t at, int64_t *value)
{
	int64_t v = 0;
	size_t from = at;
	for (; at < len && s[at] >= '0' && s[at] <= '9' && at - from < 15; at++)
		v = v * 10 + (s[at] - '0');
	if (value && at > from)
		*value = v;
	return at > from ? at : 0;
}

static size_t skip_word(const char *s, size_t len, size_t at, const char *word)
{
	size_t n = strlen(word);
	return at && at + n <= len && !memcmp(s + at, word, n) ? at + n : 0;
}

size_t logline_label(const char *line, size_t len, int64_t *rank)
{
	int64_t r = -1;
	size_t at = len && line[0] == '(' ? 1 : 0, worker = skip_word(line, len, at, "worker");
	at = worker ? skip_digits(line, len, worker, NULL) : skip_word(line, len, at, "head");
	at = skip_word(line, len, at, ", rank=");
	at = at ? skip_digits(line, len, at, &r) : 0;
	at = skip_word(line, len, at, ", pid=");
	while (at && at < len && ((line[at] >= '0' && line[at] <= '9') || line[at] == '-' || line[at] == '?'))
		at++;
	at = skip_word(line, len, at, ") ");
	if (at)
		*rank = r;
	return at;
}

static bool counts(const char *line, size_t len, int64_t rank)
{
	int64_t r;
	return rank < 0 || (logline_label(line, len, &r) && r == rank);
}

/* One block, backwards: [from, from + n) of the file, and what follows it as far as a label reaches. */
struct back {
	char buf[BLOCK + LABEL_MAX];
	int64_t from;
	size_t n, have;
};

static bool back_load(struct back *b, int fd, int64_t to, int64_t end)
{
	b->n = to < BLOCK ? (size_t)to : BLOCK;
	b->from = to - (int64_t)b->n;
	int64_t want = end - b->from;
	if (want > (int64_t)sizeof b->buf)
		want = sizeof b->buf;
	ssize_t got = pread(fd, b->buf, (size_t)want, (off_t)b->from);
	b->have = got > 0 ? (size_t)got : 0;
	return b->have >= b->n;
}

int64_t logread_tail(struct logread *r, int64_t lines, int64_t rank, int64_t *found)
{
	int64_t end = is_open(r) ? (int64_t)lseek(r->fd, 0, SEEK_END) : 0, seen = 0, first = end, at = -1, low = end;
	struct back *b = xmalloc(sizeof *b);
	for (int64_t to = end; to > 0 && seen < lines && back_load(b, r->fd, to, end); to = b->from) {
		for (size_t i = b->n; i-- > 0 && seen < lines;) {
			int64_t start = b->from + (int64_t)i + 1;
			if (b->buf[i] != '\n' || start == end)
				continue;
			low = start;
			if (counts(b->buf + i + 1, b->have - i - 1, rank)) {
				seen++;
				first = start;
			}
		}
		at = b->from;
	}
	/* The line that the file begins with; the file of a tail begins within one. */
	if (seen < lines && at == 0 && !r->base && counts(b->buf, b->have, rank)) {
		seen++;
		first = 0;
	} else if (seen < lines && !r->base && rank < 0) {
		first = 0;
	} else if (seen < lines && rank < 0 && low == end) {
		first = 0; /* one line longer than all there is */
	}
	free(b);
	if (found)
		*found = seen;
	return r->base + first;
}

int64_t logread_line(struct logread *r, int64_t at)
{
	struct back *b = xmalloc(sizeof *b);
	int64_t to = at - r->base, start = 0;
	while (is_open(r) && to > 0 && !start && back_load(b, r->fd, to, to)) {
		for (size_t i = b->n; i > 0 && !start; i--)
			if (b->buf[i - 1] == '\n')
				start = b->from + (int64_t)i;
		to = b->from;
	}
	free(b);
	return r->base + start;
}

bool logread_is_merged(struct logread *r)
{
	char *buf = xmalloc(BLOCK);
	ssize_t n = is_open(r) ? pread(r->fd, buf, BLOCK, 0) : 0;
	size_t len = n > 0 ? (size_t)n : 0, at = 0;
	bool merged = false, sure = false;
	for (bool whole = !r->base; at < len && !sure; whole = true) {
		int64_t rank;
		const char *nl = memchr(buf + at, '\n', len - at);
		size_t next = nl ? (size_t)(nl - buf) + 1 : len;
		if (whole && next - at >= 2 && !skip_word(buf, len, at + 1, "skytop] ")) {
			merged = logline_label(buf + at, next - at, &rank) > 0;
			sure = true;
		}
		at = next;
	}
	free(buf);
	return merged;
}

/* ---- times ------------------------------------------------------------------------------------------------------- */

/* A line of the file of times: "MS OFFSET" when the bytes from that offset on came then, as they were written; "MS OFFSET late" when they
 * may have waited for us. */
struct entry {
	int64_t ms, at;
	bool late;
};

static bool next_entry(FILE *f, struct entry *e)
{
	char line[TIMES_LINE];
	int64_t last = e->at;
	while (fgets(line, sizeof line, f)) {
		char word[8] = "";
		if (strchr(line, '\n') && sscanf(line, "%" SCNd64 " %" SCNd64 " %7s", &e->ms, &e->at, word) >= 2 && e->at >= last) {
			e->late = !strcmp(word, "late");
			return true;
		}
	}
	return false;
}

struct logread_since logread_since(const char *times_path, int64_t since_ms)
{
	enum { BEFORE, LATE, DONE } phase = BEFORE;
	struct logread_since s = {.unknown = true};
	struct entry e = {0, 0, false};
	FILE *f = times_path ? fopen(times_path, "re") : NULL;
	while (f && phase != DONE && next_entry(f, &e)) {
		if (phase == BEFORE && e.ms <= since_ms) {
			s.at = e.at;
		} else if (phase == BEFORE) {
			phase = e.late ? LATE : DONE;
			s.late_ms = e.ms;
			s.unsure_to = e.late ? INT64_MAX : s.unknown ? e.at : 0; /* notes that begin in the middle of a log */
		} else if (!e.late) {
			s.unsure_to = e.at;
			phase = DONE;
		}
		s.unknown = false;
	}
	if (f)
		fclose(f);
	return s;
}

struct logread_times {
	struct entry *all;
	size_t n, cap;
};

struct logread_times *logread_times_read(const char *times_path)
{
	FILE *f = times_path ? fopen(times_path, "re") : NULL;
	struct entry e = {0, 0, false};
	if (!f)
		return NULL;
	struct logread_times *t = xcalloc(1, sizeof *t);
	while (next_entry(f, &e)) {
		if (t->n == t->cap) {
			t->cap = t->cap ? t->cap * 2 : 64;
			t->all = xreallocarray(t->all, t->cap, sizeof *t->all);
		}
		t->all[t->n++] = e;
	}
	fclose(f);
	return t;
}

void logread_times_destroy(struct logread_times *t)
{
	if (t)
		free(t->all);
	free(t);
}

int64_t logread_times_at(const struct logread_times *t, int64_t at, int64_t *until)
{
	size_t low = 0, high = t ? t->n : 0; /* the first note of bytes after it */
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (t->all[mid].at <= at)
			low = mid + 1;
		else
			high = mid;
	}
	*until = t && low < t->n ? t->all[low].at : INT64_MAX;
	return low ? t->all[low - 1].ms : 0;
}
