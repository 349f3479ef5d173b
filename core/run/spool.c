/* Streams from nodes into local files, so that logs outlive their clusters; see spool.h for the files. A follower on the node sends the log
 * from the byte offset that the copy has; when it breaks off it is begun again there: no line lost, none twice. It is begun a little before
 * the end of the copy, and what both have is compared: a log that is shorter, or another one, is found out before a byte of it is
 * taken for a continuation. Then the old copy is put aside and a new one begun, which is an event.
 *
 * A merged log is complete when the follower has ended well, the job is over, and all the bytes are here that the agent counted. */
#include "core/run/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/run/run.h"
#include "core/run/spool_times.h"

enum {
	FOLLOWERS_MAX = 32, /* of merged logs, a cluster; the others wait their turn */
	BESIDES_MAX = 32,   /* tails and ranks, a cluster */
	PAUSE_MIN_MS = 200,
	PAUSE_MAX_MS = 15000,
	DISK_RETRY_MS = 3000,
	PATIENCE_MS = 24 * 3600 * 1000,
	COMPARED = 256,	       /* bytes before the end of the copy */
	QUIET_MS = 2000,       /* nothing came for so long: the copy has caught up */
	UNWANTED_MS = 10000,   /* a tail or a rank's log that grows, and nobody looks */
	SHORT_TRIES = 5,       /* ends that came before all the bytes the agent counted */
	MISSING_TRIES = 5,     /* times that the node did not know the job */
	KEPT_ASIDE = 9,
	COMPLAINT_MAX = 2000,
};

struct spool {
	struct unit *u;
	enum spool_kind kind;
	int64_t job_id, rank;
	char *path;
	int fd;
	int64_t base, size; /* of the file: where it begins in the log, its bytes */
	struct remote *remote;
	char compared[COMPARED];
	size_t n_compared, compare_at; /* of which so many have come again */
	struct str unwritten;	       /* what the disk did not take */
	struct str complaint;
	struct spool_times times; /* of SPOOL_LOG */
	unsigned timer, resting;
	int failures, too_short, missing;
	int64_t moved_ms, wanted_ms; /* on the monotonic clock: bytes came; somebody asked */
	bool ended;		     /* the follower said that this is all */
	bool heard;		     /* bytes came since it was begun, new ones or others */
	bool refused;		     /* it ended with a complaint, and nothing came since */
	bool late, again;	     /* spool_is_late; it was begun before */
};

struct drain {
	struct unit *u;
	unsigned timer;
	int64_t had, moved_ms, within_ms, end_ms;
	void (*fn)(void *arg);
	void *arg;
};

static void begin(void *arg);
static void start_more(struct unit *u);

char *spool_file(const struct engine *e, const char *cluster_uid, int64_t job_id, const char *suffix)
{
	return xasprintf("%s/%s/%" PRId64 "%s", e->logs_dir, cluster_uid, job_id, suffix);
}

const char *spool_suffix(enum spool_kind kind, int64_t rank, bool done, char *buf, size_t size)
{
	if (kind == SPOOL_RANK || kind == SPOOL_SETUP)
		snprintf(buf, size, ".%s-%" PRId64 ".%s", kind == SPOOL_RANK ? "rank" : "setup", rank, done ? "done" : "log");
	else
		snprintf(buf, size, "%s", kind == SPOOL_LOG ? ".log" : ".tail");
	return buf;
}

static char *file_of(const struct unit *u, int64_t job_id, const char *suffix)
{
	return spool_file(u->engine, u->c->uid, job_id, suffix);
}

static void mark(const struct unit *u, int64_t job_id, const char *suffix)
{
	char *path = file_of(u, job_id, suffix);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		close(fd);
	free(path);
}

/* Stop, and forget. */
static void spool_free(struct spool *s)
{
	struct loop *l = s->u->engine->loop;
	loop_cancel(l, s->timer);
	loop_cancel(l, s->resting);
	remote_destroy(s->remote);
	if (s->fd >= 0)
		close(s->fd);
	if (s->kind == SPOOL_TAIL)
		unlink(s->path);
	str_free(&s->unwritten);
	str_free(&s->complaint);
	spool_times_finish(&s->times);
	free(s->path);
	free(s);
}

static void drop(struct spool *s)
{
	struct unit *u = s->u;
	for (size_t i = 0; i < u->n_spools; i++) {
		if (u->spools[i] == s) {
			u->spools[i] = u->spools[--u->n_spools];
			break;
		}
	}
	spool_free(s);
}

static void tell(const struct unit *u, int64_t job_id)
{
	struct engine *e = u->engine;
	if (e->listener.log_grew)
		e->listener.log_grew(e->listener.arg, u->c->id, job_id);
}

static void later(struct spool *s, int64_t ms, loop_timer_fn *fn)
{
	loop_cancel(s->u->engine->loop, s->timer);
	s->timer = loop_after(s->u->engine->loop, ms, fn, s);
}

static void begin_later(struct spool *s)
{
	int64_t pause = (int64_t)PAUSE_MIN_MS << (s->failures > 6 ? 6 : s->failures);
	s->failures++;
	later(s, pause > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause, begin);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void complete(struct spool *s, struct job *j)
{
	struct unit *u = s->u;
	struct err err;
	int64_t job_id = s->job_id;
	j->log_complete = true;
	if (state_save_job(u->engine->state, j, &err))
		log_line(LOG_ERROR, "job %" PRId64 " of %s: %s", j->id, u->c->name, err.text);
	spool_times_rest(&s->times, wall_now_ms(), s->size);
	run_commit(u->engine);
	drop(s);
	s = spool_find(u, SPOOL_TAIL, job_id, 0);
	if (s)
		drop(s);
	tell(u, job_id);
	run_changed(u->engine);
	start_more(u);
}

static void rank_complete(struct spool *s)
{
	struct unit *u = s->u;
	int64_t job_id = s->job_id;
	char suffix[48];
	mark(u, job_id, spool_suffix(s->kind, s->rank, true, suffix, sizeof suffix));
	drop(s);
	tell(u, job_id);
}

/* May free s. */
static void finish_if_complete(struct spool *s)
{
	struct job *j = jobs_find(s->u, s->job_id);
	if (!s->ended || s->unwritten.len || !j || s->kind == SPOOL_TAIL || (!job_is_over(j->status) && s->kind != SPOOL_SETUP))
		return;
	if (s->kind != SPOOL_LOG) {
		rank_complete(s);
		return;
	}
	if (s->size < j->log_bytes && s->too_short++ < SHORT_TRIES) {
		log_line(LOG_WARN, "log of job %" PRId64 " of %s: the follower ended at %" PRId64 " of %" PRId64 " bytes; once more", j->id, s->u->c->name, s->size,
		    j->log_bytes);
		s->ended = false;
		begin_later(s);
		return;
	}
	if (s->size < j->log_bytes)
		mark(s->u, j->id, ".cut");
	complete(s, j);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

/* What the disk takes of these: how many. */
static size_t write_some(struct spool *s, const char *data, size_t len)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = write(s->fd, data + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		done += (size_t)n;
	}
	s->size += (int64_t)done;
	return done;
}

static void on_disk_retry(void *arg);

/* While the disk is full the follower waits: the log stays on the node. */
static void wait_for_disk(struct spool *s)
{
	log_line(LOG_WARN, "log of job %" PRId64 " of %s: %s; waiting", s->job_id, s->u->c->name, strerror(errno));
	if (s->remote)
		remote_pause(s->remote, true);
	later(s, DISK_RETRY_MS, on_disk_retry);
}

static void on_disk_retry(void *arg)
{
	struct spool *s = arg;
	s->timer = 0;
	str_shift(&s->unwritten, write_some(s, str_text(&s->unwritten), s->unwritten.len));
	if (s->unwritten.len) {
		wait_for_disk(s);
		return;
	}
	if (s->remote)
		remote_pause(s->remote, false);
	else if (!s->ended)
		later(s, PAUSE_MIN_MS, begin);
	tell(s->u, s->job_id);
	finish_if_complete(s);
}

static void take(struct spool *s, const char *data, size_t len)
{
	size_t done = s->unwritten.len ? 0 : write_some(s, data, len);
	if (done == len)
		return;
	str_addn(&s->unwritten, data + done, len - done);
	if (!s->timer)
		wait_for_disk(s);
}

static void on_rest(void *arg)
{
	struct spool *s = arg;
	int64_t quiet = mono_now_ms() - s->moved_ms;
	if (quiet < QUIET_MS) {
		s->resting = loop_after(s->u->engine->loop, QUIET_MS - quiet, on_rest, s);
		return;
	}
	s->resting = 0;
	s->late = s->late && !s->heard; /* who was never heard may be slow, not quiet */
	if (s->late)
		return;
	if (s->kind == SPOOL_LOG)
		spool_times_rest(&s->times, wall_now_ms() - quiet + 1, s->size); /* what comes from here on, comes after the last that came */
}

static void moves(struct spool *s)
{
	s->moved_ms = mono_now_ms();
	if (!s->resting)
		s->resting = loop_after(s->u->engine->loop, QUIET_MS, on_rest, s);
}

/* ---- another log in its place ------------------------------------------------------------------------------------ */

static char *put_aside(const struct spool *s)
{
	char *to = NULL;
	for (int i = 1; i <= KEPT_ASIDE; i++) {
		free(to);
		to = xasprintf("%s.%d", s->path, i);
		if (!fs_exists(to))
			break;
	}
	if (rename(s->path, to))
		log_line(LOG_ERROR, "cannot rename %s: %s", s->path, strerror(errno));
	return to;
}

/* The log on the node does not go on where the copy ends. May free s. */
static void replaced(struct spool *s, const char *how)
{
	struct unit *u = s->u;
	remote_destroy(s->remote);
	s->remote = NULL;
	if (s->kind == SPOOL_TAIL) {
		int64_t job_id = s->job_id;
		drop(s);
		tell(u, job_id);
		return;
	}
	close(s->fd);
	s->fd = -1;
	char *kept = put_aside(s);
	if (s->kind == SPOOL_LOG)
		unlink(s->times.path);
	run_event(u->engine, u, NULL, "log.replaced", "warn", json_pack("{s:I, s:s, s:I}", "job", (json_int_t)s->job_id, "kept", kept, "bytes", (json_int_t)s->size),
	    "the log of job %" PRId64 " on %s is not the one that was copied (%s): it is copied from its beginning; what there was is kept in %s", s->job_id,
	    u->c->name, how, kept);
	run_commit(u->engine);
	free(kept);
	s->size = 0;
	s->ended = false;
	str_clear(&s->unwritten);
	begin_later(s);
	tell(u, s->job_id);
}

/* Of bytes that came: how many are those that we had; -1 when they are others. */
static ssize_t compare(struct spool *s, const char *data, size_t len)
{
	size_t n = s->n_compared - s->compare_at;
	if (n > len)
		n = len;
	if (memcmp(s->compared + s->compare_at, data, n))
		return -1;
	s->compare_at += n;
	return (ssize_t)n;
}

/* ---- the follower ------------------------------------------------------------------------------------------------ */

static bool is_unwanted(struct spool *s)
{
	if (s->kind == SPOOL_LOG)
		return false;
	const struct spool *main = s->kind == SPOOL_TAIL ? spool_find(s->u, SPOOL_LOG, s->job_id, 0) : NULL;
	return mono_now_ms() - s->wanted_ms > UNWANTED_MS || (main && spool_end(main) >= spool_end(s));
}

static void on_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct spool *s = arg;
	struct unit *u = s->u;
	int64_t job_id = s->job_id;
	if (is_err) {
		str_addn(&s->complaint, data, len);
		return;
	}
	ssize_t had = compare(s, data, len);
	if (had < 0) {
		replaced(s, "it reads otherwise");
		return;
	}
	s->failures = s->missing = 0;
	s->refused = false;
	s->heard = true;
	if ((size_t)had == len)
		return;
	if (s->kind == SPOOL_LOG)
		spool_times_note(&s->times, wall_now_ms(), s->size, s->late);
	take(s, data + had, len - (size_t)had);
	moves(s);
	struct spool *tail = s->kind == SPOOL_LOG ? spool_find(u, SPOOL_TAIL, job_id, 0) : s;
	if (tail && is_unwanted(tail))
		drop(tail);
	tell(u, job_id);
}

static bool complains_of(const struct spool *s, const char *code)
{
	char quoted[40];
	snprintf(quoted, sizeof quoted, "\"code\":\"%s\"", code);
	return strstr(str_text(&s->complaint), quoted) != NULL;
}

/* The node does not know the job (any more): what there is of its log is all there will be. */
static void give_up(struct spool *s)
{
	struct job *j = jobs_find(s->u, s->job_id);
	if (s->kind != SPOOL_LOG || !j || !job_is_over(j->status)) {
		begin_later(s);
		return;
	}
	mark(s->u, s->job_id, ".cut");
	complete(s, j);
}

static void on_ended(void *arg, const struct remote_exit *x)
{
	struct spool *s = arg;
	s->remote = NULL;
	s->ended = x->how == REMOTE_EXITED && !x->status;
	s->refused = x->how == REMOTE_EXITED && x->status;
	if ((s->ended && s->compare_at < s->n_compared) || (s->refused && complains_of(s, "invalid")))
		replaced(s, "it is shorter");
	else if (s->refused && complains_of(s, "not_found") && s->missing++ >= MISSING_TRIES)
		give_up(s);
	else if (!s->ended && is_unwanted(s))
		drop(s);
	else if (s->ended)
		finish_if_complete(s);
	else if (!s->unwritten.len)
		begin_later(s);
}

static int open_file(struct spool *s, struct err *err)
{
	char *dir = xstrdup(s->path);
	*strrchr(dir, '/') = '\0';
	struct stat st;
	int rc = fs_mkdirs(dir, err);
	if (!rc) {
		s->fd = open(s->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (s->kind == SPOOL_TAIL ? O_TRUNC : 0), 0600);
		if (s->fd < 0 || fstat(s->fd, &st))
			rc = err_errno(err, "cannot open %s", s->path);
		else
			s->size = st.st_size;
	}
	free(dir);
	return rc;
}

/* What is to be compared. -1: the copy cannot be read. */
static int load_compared(struct spool *s, struct err *err)
{
	s->n_compared = s->size < COMPARED ? (size_t)s->size : COMPARED;
	s->compare_at = 0;
	ssize_t n = pread(s->fd, s->compared, s->n_compared, (off_t)(s->size - (int64_t)s->n_compared));
	return n == (ssize_t)s->n_compared ? 0 : err_errno(err, "cannot read %s", s->path);
}

/* A job that was only just begun is not late with its first lines. */
static bool is_new(const struct spool *s)
{
	enum { JUST_MS = 10000 };
	const struct job *j = jobs_find(s->u, s->job_id);
	int64_t age = j ? wall_now_ms() - j->started_at_ms : 0;
	return !s->size && j && !job_is_over(j->status) && (!j->started_at_ms || (age < JUST_MS && age > -JUST_MS));
}

static void begin(void *arg)
{
	struct spool *s = arg;
	struct err err;
	char command[200], rank[40] = "";
	s->timer = 0;
	const struct cluster *c = s->u->c;
	if (!c->n_nodes || !c->nodes[0].reach)
		return;
	if ((s->fd < 0 && open_file(s, &err)) || load_compared(s, &err)) {
		log_line(LOG_WARN, "log of job %" PRId64 " of %s: %s", s->job_id, c->name, err.text);
		later(s, DISK_RETRY_MS, begin);
		return;
	}
	if (s->kind == SPOOL_RANK || s->kind == SPOOL_SETUP)
		snprintf(rank, sizeof rank, " --rank %" PRId64 "%s", s->rank, s->kind == SPOOL_SETUP ? " --setup" : "");
	snprintf(command, sizeof command, "exec sh \"$HOME/.skytop/skytop-agent\" logs %" PRId64 "%s --offset %" PRId64 " --follow", s->job_id, rank,
	    s->base + s->size - (int64_t)s->n_compared);
	str_clear(&s->complaint);
	s->late = s->again || !is_new(s);
	s->again = true;
	s->heard = false;
	moves(s);
	s->remote = remote_start(s->u->engine->remotes, c->nodes[0].reach,
	    &(struct remote_spec){.command = command, .stream = true, .retry_ms = PATIENCE_MS}, &(struct remote_handlers){on_out, on_ended, s}, &err);
	if (!s->remote)
		later(s, PAUSE_MAX_MS, begin);
}

/* ---- which there are --------------------------------------------------------------------------------------------- */

struct spool *spool_find(struct unit *u, enum spool_kind kind, int64_t job_id, int64_t rank)
{
	for (size_t i = 0; i < u->n_spools; i++) {
		struct spool *s = u->spools[i];
		if (s->kind == kind && s->job_id == job_id && s->rank == rank)
			return s;
	}
	return NULL;
}

static size_t count(const struct unit *u, bool besides)
{
	size_t n = 0;
	for (size_t i = 0; i < u->n_spools; i++)
		n += (u->spools[i]->kind != SPOOL_LOG) == besides;
	return n;
}

static struct spool *create(struct unit *u, enum spool_kind kind, int64_t job_id, int64_t rank, int64_t base)
{
	char suffix[48];
	struct spool *s = xcalloc(1, sizeof *s);
	*s = (struct spool){.u = u, .kind = kind, .job_id = job_id, .rank = rank, .base = base, .fd = -1, .unwritten = str_new(64 << 20),
	    .complaint = str_new(COMPLAINT_MAX), .wanted_ms = mono_now_ms()};
	s->path = file_of(u, job_id, spool_suffix(kind, rank, false, suffix, sizeof suffix));
	if (kind == SPOOL_LOG)
		spool_times_init(&s->times, file_of(u, job_id, ".times"));
	ARRAY_GROW(u->spools, u->n_spools, u->spools_cap);
	u->spools[u->n_spools++] = s;
	begin(s);
	return s;
}

void spool_start(struct unit *u, struct job *j)
{
	for (size_t i = u->n_spools; i-- > 0;) /* the job may be over now; what is complete leaves the list */
		if (i < u->n_spools && u->spools[i]->job_id == j->id)
			finish_if_complete(u->spools[i]);
	if (spool_find(u, SPOOL_LOG, j->id, 0))
		return;
	if (count(u, false) >= FOLLOWERS_MAX || j->log_complete)
		return;
	char *tail = file_of(u, j->id, ".tail");
	unlink(tail); /* of an engine that was killed */
	free(tail);
	create(u, SPOOL_LOG, j->id, 0, 0);
}

struct spool *spool_tail(struct unit *u, const struct job *j, int64_t base)
{
	struct spool *s = spool_find(u, SPOOL_TAIL, j->id, 0);
	return s || count(u, true) >= BESIDES_MAX ? s : create(u, SPOOL_TAIL, j->id, 0, base);
}

struct spool *spool_rank(struct unit *u, const struct job *j, enum spool_kind kind, int64_t rank)
{
	struct spool *s = spool_find(u, kind, j->id, rank);
	return s || count(u, true) >= BESIDES_MAX ? s : create(u, kind, j->id, rank, 0);
}

void spool_want(struct spool *s)
{
	s->wanted_ms = mono_now_ms();
}

int64_t spool_base(const struct spool *s)
{
	return s->base;
}

int64_t spool_end(const struct spool *s)
{
	return s->base + s->size;
}

bool spool_is_late(const struct spool *s)
{
	return s->late;
}

bool spool_is_quiet(const struct spool *s, int64_t ms)
{
	return mono_now_ms() - s->moved_ms >= ms;
}

bool spool_has_ended(const struct spool *s)
{
	return s->ended;
}

/* There is room for another follower. */
static void start_more(struct unit *u)
{
	for (size_t i = 0; i < u->n_jobs && count(u, false) < FOLLOWERS_MAX; i++)
		if (!u->jobs[i]->log_complete)
			spool_start(u, u->jobs[i]);
}

bool spool_refused(const struct spool *s, struct err *err)
{
	if (!s->refused)
		return false;
	struct str said = str_new(600);
	text_clean(&said, str_text(&s->complaint), s->complaint.len);
	err_set(err, complains_of(s, "not_found") ? ERR_NOT_FOUND : ERR_FAILED, "the log of job %" PRId64 " on %s: %.400s", s->job_id, s->u->c->name,
	    said.len ? str_text(&said) : "the agent ended without a word");
	str_free(&said);
	return true;
}

void spool_stop_all(struct unit *u)
{
	for (size_t i = 0; i < u->n_spools; i++)
		spool_free(u->spools[i]);
	u->n_spools = 0;
}

void spool_cut(struct unit *u, const struct job *j)
{
	struct stat st;
	char *path = file_of(u, j->id, ".log");
	bool begun = j->started_at_ms || j->status != JOB_PENDING, all = j->log_bytes && !stat(path, &st) && st.st_size >= j->log_bytes;
	free(path);
	if (begun && !all)
		mark(u, j->id, ".cut");
}

/* ---- draining ---------------------------------------------------------------------------------------------------- */

/* DRAIN_MAX_MS: the machine costs meanwhile. */
enum { DRAIN_POLL_MS = 50, DRAIN_MAX_MS = 60000 };

static bool all_complete(const struct unit *u)
{
	for (size_t i = 0; i < u->n_jobs; i++)
		if (job_is_over(u->jobs[i]->status) && !u->jobs[i]->log_complete)
			return false;
	return true;
}

static int64_t bytes_of(const struct unit *u)
{
	int64_t n = 0;
	for (size_t i = 0; i < u->n_jobs; i++)
		n += u->jobs[i]->log_complete;
	for (size_t i = 0; i < u->n_spools; i++)
		n += u->spools[i]->size;
	return n;
}

static void on_drain(void *arg)
{
	struct drain *d = arg;
	int64_t now = mono_now_ms(), has = bytes_of(d->u);
	if (has != d->had) {
		d->had = has;
		d->moved_ms = now;
	}
	if (!all_complete(d->u) && now - d->moved_ms < d->within_ms && now < d->end_ms) {
		d->timer = loop_after(d->u->engine->loop, DRAIN_POLL_MS, on_drain, d);
		return;
	}
	void (*fn)(void *) = d->fn;
	void *p = d->arg;
	d->u->drain = NULL;
	free(d);
	fn(p);
}

void spool_drain(struct unit *u, int64_t within_ms, void (*fn)(void *arg), void *arg)
{
	spool_drain_cancel(u);
	struct drain *d = u->drain = xcalloc(1, sizeof *d);
	*d = (struct drain){.u = u, .had = bytes_of(u), .moved_ms = mono_now_ms(), .within_ms = within_ms, .end_ms = mono_now_ms() + DRAIN_MAX_MS, .fn = fn,
	    .arg = arg};
	d->timer = loop_after(u->engine->loop, 0, on_drain, d);
}

void spool_drain_cancel(struct unit *u)
{
	if (!u->drain)
		return;
	loop_cancel(u->engine->loop, u->drain->timer);
	free(u->drain);
	u->drain = NULL;
}
