/* Numbers of lines in a queue: new ones come at its end, those of dropped lines go from its beginning. */
#include "tui/logindex.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

void logindex_reset(struct logindex *x, int context)
{
	x->head = x->n = 0;
	x->first = x->done = 0;
	x->before = x->after = context;
	x->due = 0;
}

void logindex_finish(struct logindex *x)
{
	free(x->lines);
	*x = (struct logindex){0};
}

static void add(struct logindex *x, uint64_t line)
{
	if (x->head && x->head >= x->cap / 2) {
		memmove(x->lines, x->lines + x->head, x->n * sizeof *x->lines);
		x->head = 0;
	}
	if (x->head + x->n == x->cap) {
		x->cap = x->cap ? x->cap * 2 : 256;
		x->lines = xreallocarray(x->lines, x->cap, sizeof *x->lines);
	}
	x->lines[x->head + x->n++] = line;
}

void logindex_update(struct logindex *x, uint64_t first, uint64_t end, bool (*has)(void *arg, uint64_t line), void *arg)
{
	while (x->n && x->lines[x->head] < first) {
		x->head++;
		x->n--;
	}
	x->first = first;
	if (x->done < first)
		x->done = first;
	for (; x->done < end; x->done++) {
		bool found = has(arg, x->done);
		if (found) {
			uint64_t from = x->done - first < (uint64_t)x->before ? first : x->done - (uint64_t)x->before;
			if (x->n && from <= logindex_at(x, x->n - 1))
				from = logindex_at(x, x->n - 1) + 1;
			for (; from < x->done; from++)
				add(x, from);
			x->due = x->after;
		}
		if (found || x->due > 0)
			add(x, x->done);
		x->due -= !found && x->due > 0;
	}
}

uint64_t logindex_at(const struct logindex *x, size_t place)
{
	return x->lines[x->head + place];
}

size_t logindex_find(const struct logindex *x, uint64_t line)
{
	size_t low = 0, high = x->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (logindex_at(x, mid) < line)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool logindex_has(const struct logindex *x, uint64_t line)
{
	size_t at = logindex_find(x, line);
	return at < x->n && logindex_at(x, at) == line;
}
