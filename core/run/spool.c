/* The local copies of job logs: logs/<cluster id>/<job>.log, so that logs outlive the cluster. A follower on the node streams from the
 * byte offset that the copy has; when it breaks off it is begun again there: no line lost, none twice. A log is complete when the
 * follower has ended well and the job is over. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/run/run.h"

enum { FOLLOWERS_MAX = 32, PAUSE_MIN_MS = 200, PAUSE_MAX_MS = 15000, DISK_RETRY_MS = 3000, PATIENCE_MS = 24 * 3600 * 1000 };

struct spool {
	struct unit *u;
	int64_t job_id;
	int fd;
	off_t size;
	struct remote *remote;
	struct str unwritten; /* what the disk did not take */
	unsigned timer;
	int failures;
	bool ended; /* the follower said that this is all */
};

struct drain {
	struct unit *u;
	unsigned timer;
	int64_t left_ms;
	void (*fn)(void *arg);
	void *arg;
};

static void begin(void *arg);
static void start_more(struct unit *u);

char *spool_path(const struct engine *e, const char *cluster_uid, int64_t job_id)
{
	return xasprintf("%s/%s/%" PRId64 ".log", e->logs_dir, cluster_uid, job_id);
}

static void spool_free(struct spool *s)
{
	loop_cancel(s->u->engine->loop, s->timer);
	remote_destroy(s->remote);
	if (s->fd >= 0)
		close(s->fd);
	str_free(&s->unwritten);
	free(s);
}

static void tell(struct spool *s)
{
	struct engine *e = s->u->engine;
	if (e->listener.log_grew)
		e->listener.log_grew(e->listener.arg, s->u->c->id, s->job_id);
}

static void finish_if_complete(struct spool *s)
{
	struct unit *u = s->u;
	struct job *j = jobs_find(u, s->job_id);
	struct err err;
	if (!s->ended || s->unwritten.len || !j || !job_is_over(j->status))
		return;
	j->log_complete = true;
	if (state_save_job(u->engine->state, j, &err))
		log_line(LOG_ERROR, "job %" PRId64 " of %s: %s", j->id, u->c->name, err.text);
	run_commit(u->engine);
	tell(s);
	for (size_t i = 0; i < u->n_spools; i++) {
		if (u->spools[i] == s) {
			u->spools[i] = u->spools[--u->n_spools];
			break;
		}
	}
	spool_free(s);
	run_changed(u->engine);
	start_more(u);
}

/* Write what we can. While the disk is full the follower waits: the log stays on the node. */
static void on_disk_retry(void *arg);

static void write_out(struct spool *s)
{
	while (s->unwritten.len) {
		ssize_t n = write(s->fd, s->unwritten.data, s->unwritten.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			log_line(LOG_WARN, "log of job %" PRId64 " of %s: %s; waiting", s->job_id, s->u->c->name, strerror(errno));
			if (s->remote)
				remote_pause(s->remote, true);
			loop_cancel(s->u->engine->loop, s->timer);
			s->timer = loop_after(s->u->engine->loop, DISK_RETRY_MS, on_disk_retry, s);
			return;
		}
		s->size += n;
		str_shift(&s->unwritten, (size_t)n);
	}
}

static void on_disk_retry(void *arg)
{
	struct spool *s = arg;
	s->timer = 0;
	write_out(s);
	if (s->unwritten.len)
		return;
	if (s->remote)
		remote_pause(s->remote, false);
	else if (!s->ended)
		s->timer = loop_after(s->u->engine->loop, PAUSE_MIN_MS, begin, s);
	tell(s);
	finish_if_complete(s);
}

static void on_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct spool *s = arg;
	if (is_err)
		return;
	str_addn(&s->unwritten, data, len);
	write_out(s);
	tell(s);
}

static void on_ended(void *arg, const struct remote_exit *x)
{
	struct spool *s = arg;
	s->remote = NULL;
	s->ended = x->how == REMOTE_EXITED && !x->status;
	if (!s->ended && !s->unwritten.len) {
		int64_t pause = (int64_t)PAUSE_MIN_MS << (s->failures > 6 ? 6 : s->failures);
		s->failures++;
		s->timer = loop_after(s->u->engine->loop, pause > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause, begin, s);
	}
	finish_if_complete(s);
}

static int open_spool(struct spool *s, struct err *err)
{
	char *path = spool_path(s->u->engine, s->u->c->uid, s->job_id);
	char *dir = xstrdup(path);
	*strrchr(dir, '/') = '\0';
	struct stat st;
	int rc = fs_mkdirs(dir, err);
	if (!rc) {
		s->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (s->fd < 0 || fstat(s->fd, &st))
			rc = err_errno(err, "cannot open %s", path);
		else
			s->size = st.st_size;
	}
	free(dir);
	free(path);
	return rc;
}

static void begin(void *arg)
{
	struct spool *s = arg;
	struct err err;
	char command[200];
	s->timer = 0;
	const struct cluster *c = s->u->c;
	if (!c->n_nodes || !c->nodes[0].reach)
		return;
	if (s->fd < 0 && open_spool(s, &err)) {
		log_line(LOG_WARN, "log of job %" PRId64 " of %s: %s", s->job_id, c->name, err.text);
		s->timer = loop_after(s->u->engine->loop, DISK_RETRY_MS, begin, s);
		return;
	}
	snprintf(command, sizeof command, "exec sh \"$HOME/.skytop/skytop-agent\" logs %" PRId64 " --offset %jd --follow", s->job_id, (intmax_t)s->size);
	s->remote = remote_start(s->u->engine->remotes, c->nodes[0].reach,
	    &(struct remote_spec){.command = command, .stream = true, .retry_ms = PATIENCE_MS}, &(struct remote_handlers){on_out, on_ended, s}, &err);
	if (!s->remote)
		s->timer = loop_after(s->u->engine->loop, PAUSE_MAX_MS, begin, s);
}

void spool_start(struct unit *u, struct job *j)
{
	for (size_t i = 0; i < u->n_spools; i++) {
		if (u->spools[i]->job_id == j->id) {
			finish_if_complete(u->spools[i]);
			return;
		}
	}
	if (u->n_spools >= FOLLOWERS_MAX || j->log_complete)
		return;
	struct spool *s = xcalloc(1, sizeof *s);
	*s = (struct spool){.u = u, .job_id = j->id, .fd = -1, .unwritten = str_new(64 << 20)};
	ARRAY_GROW(u->spools, u->n_spools, u->spools_cap);
	u->spools[u->n_spools++] = s;
	begin(s);
}

/* There is room for another follower. */
static void start_more(struct unit *u)
{
	for (size_t i = 0; i < u->n_jobs && u->n_spools < FOLLOWERS_MAX; i++)
		if (!u->jobs[i]->log_complete)
			spool_start(u, u->jobs[i]);
}

void spool_stop_all(struct unit *u)
{
	for (size_t i = 0; i < u->n_spools; i++)
		spool_free(u->spools[i]);
	u->n_spools = 0;
}

static bool all_complete(const struct unit *u)
{
	for (size_t i = 0; i < u->n_jobs; i++)
		if (job_is_over(u->jobs[i]->status) && !u->jobs[i]->log_complete)
			return false;
	return true;
}

enum { DRAIN_POLL_MS = 50 };

static void on_drain(void *arg)
{
	struct drain *d = arg;
	if (d->left_ms > 0 && !all_complete(d->u)) {
		d->left_ms -= DRAIN_POLL_MS;
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
	*d = (struct drain){.u = u, .left_ms = within_ms, .fn = fn, .arg = arg};
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
