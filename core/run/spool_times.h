/* When the bytes of a log came: lines "MS OFFSET" or "MS OFFSET late" in a file beside it, which core/api/logread.c reads. */
#ifndef CORE_RUN_SPOOL_TIMES_H
#define CORE_RUN_SPOOL_TIMES_H
#include <stdbool.h>
#include <stdint.h>

struct spool_times {
	char *path; /* owned */
	int64_t noted_ms, noted_at, size;
	bool late, torn;
};

void spool_times_init(struct spool_times *t, char *path); /* takes path; what is there is gone on with */
void spool_times_finish(struct spool_times *t);
/* From offset `at` on, bytes come from now on; late: they may have waited for us. Notes are taken once a second, and more seldom the more
 * there are, so that the file stays small. What cannot be written is left out: then less is known of the times, and nothing is wrong. */
void spool_times_note(struct spool_times *t, int64_t now_ms, int64_t at, bool late);
/* … and not for a while: the next note is taken at once. */
void spool_times_rest(struct spool_times *t, int64_t now_ms, int64_t at);

#endif
