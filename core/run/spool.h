/* Local copies of job logs, in logs/<cluster uid>/. Files of job J:
 *   J.log          the merged log, from its first byte; kept when the cluster is gone
 *   J.times        when its bytes came: see logread.c
 *   J.tail         the end of a log whose copy is far behind, while somebody looks at it
 *   J.rank-R.log   a rank's own log, where somebody asked for it; J.rank-R.done when that is all of it
 *   J.setup-R.log  what setup said on node R, likewise; J.setup-R.done
 *   J.log.N        what was copied of a log before the node had another in its place
 *   J.cut          the node was gone before the rest could be fetched */
#ifndef CORE_RUN_SPOOL_H
#define CORE_RUN_SPOOL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

struct engine;
struct job;
struct spool;
struct unit;

enum spool_kind { SPOOL_LOG, SPOOL_TAIL, SPOOL_RANK, SPOOL_SETUP };

/* "<logs>/<uid>/<job><suffix>"; caller frees. And the suffix of a kind: ".log", ".rank-2.done"; buf ≥ 48. */
char *spool_file(const struct engine *e, const char *cluster_uid, int64_t job_id, const char *suffix);
const char *spool_suffix(enum spool_kind kind, int64_t rank, bool done, char *buf, size_t size);

/* Follow the merged log of a job until it is complete. Idempotent. */
void spool_start(struct unit *u, struct job *j);
/* Follow besides what somebody looks at: the log from `base` on, or a rank's own. Given up when nobody asks (spool_want) while it grows,
 * a tail also when the copy has caught up. NULL: there are too many, or the file cannot be made. */
struct spool *spool_tail(struct unit *u, const struct job *j, int64_t base);
struct spool *spool_rank(struct unit *u, const struct job *j, enum spool_kind kind, int64_t rank); /* SPOOL_RANK, SPOOL_SETUP */
struct spool *spool_find(struct unit *u, enum spool_kind kind, int64_t job_id, int64_t rank);	   /* NULL; SPOOL_LOG, SPOOL_TAIL: rank 0 */
void spool_want(struct spool *s);

int64_t spool_base(const struct spool *s); /* offset in the log of the file's first byte */
int64_t spool_end(const struct spool *s);  /* … and behind its last */
/* Since it was begun, or begun again, it was never quiet: it may be catching up. */
bool spool_is_late(const struct spool *s);
bool spool_has_ended(const struct spool *s); /* the node said that this is all */
/* Nothing came for ms. */
bool spool_is_quiet(const struct spool *s, int64_t ms);

/* The node refuses it: what it said. */
bool spool_refused(const struct spool *s, struct err *err);

void spool_stop_all(struct unit *u);
/* No more can come of this job's log; where that is not all of it, so that readers are told. */
void spool_cut(struct unit *u, const struct job *j);
/* The logs of all jobs that are over are in the spool, or for so long nothing came: fn. One at a time. */
void spool_drain(struct unit *u, int64_t within_ms, void (*fn)(void *arg), void *arg);
void spool_drain_cancel(struct unit *u); /* fn is not called */

#endif
