/* The notes are sparse (a line a second at most; past a megabyte of notes every two seconds, past two every four …), so the file is opened
 * for each and no descriptor is kept for the thousands of logs there may be. */
#include "core/run/spool_times.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EVERY_MS = 900, COARSER_BYTES_LOG2 = 20, COARSEST_LOG2 = 6 };

/* Does the file end within a line? A crash or a full disk leaves such. */
static bool is_torn(const char *path, int64_t size)
{
	char last = '\n';
	int fd = size ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (fd >= 0) {
		if (pread(fd, &last, 1, (off_t)(size - 1)) != 1)
			last = '\n';
		close(fd);
	}
	return last != '\n';
}

void spool_times_init(struct spool_times *t, char *path)
{
	struct stat st;
	*t = (struct spool_times){.path = path, .noted_at = -1, .size = stat(path, &st) ? 0 : st.st_size};
	t->torn = is_torn(path, t->size);
}

void spool_times_finish(struct spool_times *t)
{
	free(t->path);
	t->path = NULL;
}

static void put(struct spool_times *t, int64_t now_ms, int64_t at, bool late)
{
	char line[80];
	int n = snprintf(line, sizeof line, "%s%" PRId64 " %" PRId64 "%s\n", t->torn ? "\n" : "", now_ms, at, late ? " late" : "");
	int fd = open(t->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	ssize_t got = write(fd, line, (size_t)n);
	t->torn = got < 0 ? t->torn : got < n;
	t->size += got > 0 ? got : 0;
	close(fd);
	t->noted_ms = now_ms;
	t->noted_at = at;
	t->late = late;
}

void spool_times_note(struct spool_times *t, int64_t now_ms, int64_t at, bool late)
{
	int64_t coarser = t->size >> COARSER_BYTES_LOG2;
	int64_t every = (int64_t)EVERY_MS << (coarser > COARSEST_LOG2 ? COARSEST_LOG2 : coarser);
	if (t->noted_at < 0 || late != t->late || now_ms - t->noted_ms >= every || now_ms < t->noted_ms)
		put(t, now_ms, at, late);
}

void spool_times_rest(struct spool_times *t, int64_t now_ms, int64_t at)
{
	if (t->noted_at != at)
		put(t, now_ms, at, false);
	t->noted_ms = 0;
}
