/* Counts and times of what happened lately, out of the rows that are there anyway. */
#include "core/store/state_figures.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/store/state_priv.h"

void state_lately_clear(struct state_lately *l)
{
	free(l->queue_waits);
	free(l->job_times);
	free(l->launches);
	*l = (struct state_lately){.n_launches = 0};
}

static int read_times(struct state *s, const char *sql, int64_t since_us, int64_t **out, size_t *n, struct err *err)
{
	size_t cap = 0;
	int rc;
	sqlite3_stmt *r = db_query(s->db, err, sql, "i", since_us);
	if (!r)
		return -1;
	while ((rc = db_next(s->db, r, err)) > 0) {
		ARRAY_GROW(*out, *n, cap);
		(*out)[(*n)++] = db_int(r, 0) / 1000;
	}
	return rc;
}

static int read_jobs(struct state *s, int64_t since_us, struct state_lately *l, struct err *err)
{
	int rc;
	sqlite3_stmt *r = db_query(s->db, err, "SELECT status, count(*) FROM jobs WHERE ended_at >= ? GROUP BY status", "i", since_us);
	if (!r)
		return -1;
	while ((rc = db_next(s->db, r, err)) > 0) {
		enum job_status status = job_status_of(db_str(r, 0));
		int64_t count = db_int(r, 1);
		if (status == JOB_SUCCEEDED)
			l->jobs_succeeded += count;
		else if (status == JOB_CANCELLED)
			l->jobs_cancelled += count;
		else if (job_is_over(status))
			l->jobs_failed += count;
	}
	if (rc || read_times(s, "SELECT started_at - submitted_at FROM jobs WHERE submitted_at >= ? AND started_at >= submitted_at"
				" ORDER BY submitted_at DESC LIMIT 5000",
		      since_us, &l->queue_waits, &l->n_queue_waits, err))
		return -1;
	return read_times(s, "SELECT ended_at - started_at FROM jobs WHERE ended_at >= ? AND started_at > 0 AND ended_at >= started_at"
			     " ORDER BY ended_at DESC LIMIT 5000",
	    since_us, &l->job_times, &l->n_job_times, err);
}

static int read_requests(struct state *s, int64_t since_us, struct state_lately *l, struct err *err)
{
	int rc;
	sqlite3_stmt *r = db_query(s->db, err, "SELECT verb, state, count(*) FROM requests WHERE finished_at >= ? GROUP BY verb, state", "i", since_us);
	if (!r)
		return -1;
	while ((rc = db_next(s->db, r, err)) > 0) {
		enum request_state state = request_state_of(db_str(r, 1));
		int64_t count = db_int(r, 2);
		bool launch = str_eq(db_str(r, 0), "launch");
		l->requests_failed += state == REQUEST_FAILED ? count : 0;
		l->launches_succeeded += launch && state == REQUEST_SUCCEEDED ? count : 0;
		l->launches_failed += launch && state == REQUEST_FAILED ? count : 0;
		l->launches_cancelled += launch && state == REQUEST_CANCELLED ? count : 0;
	}
	return rc;
}

static int read_launches(struct state *s, int64_t since_us, struct state_lately *l, struct err *err)
{
	size_t cap = 0;
	int rc;
	sqlite3_stmt *r = db_query(s->db, err,
	    "SELECT finished_at - created_at, (SELECT provider FROM clusters c WHERE c.name = requests.cluster AND c.created_at <= finished_at"
	    " ORDER BY c.id DESC LIMIT 1) FROM requests WHERE verb = 'launch' AND state = 'SUCCEEDED' AND finished_at >= ? ORDER BY id DESC LIMIT 200",
	    "i", since_us);
	if (!r)
		return -1;
	while ((rc = db_next(s->db, r, err)) > 0) {
		const char *provider = db_str(r, 1);
		ARRAY_GROW(l->launches, l->n_launches, cap);
		struct state_launch *to = &l->launches[l->n_launches++];
		to->ms = db_int(r, 0) / 1000;
		snprintf(to->provider, sizeof to->provider, "%s", provider ? provider : "");
	}
	return rc;
}

static int read_events(struct state *s, int64_t since_us, struct state_lately *l, struct err *err)
{
	int rc;
	sqlite3_stmt *r = db_query(s->db, err,
	    "SELECT kind, count(*) FROM events WHERE created_at >= ? AND kind IN ('provision.failed', 'launch.retry', 'host.lost') GROUP BY kind", "i", since_us);
	if (!r)
		return -1;
	while ((rc = db_next(s->db, r, err)) > 0) {
		const char *kind = db_str(r, 0);
		int64_t *to = str_eq(kind, "provision.failed") ? &l->failovers : str_eq(kind, "launch.retry") ? &l->retries : &l->hosts_lost;
		*to = db_int(r, 1);
	}
	return rc;
}

int state_lately(struct state *s, int64_t since_ms, struct state_lately *out, struct err *err)
{
	int64_t since_us = state_us(since_ms > 0 ? since_ms : 1);
	*out = (struct state_lately){.n_launches = 0};
	if (!read_jobs(s, since_us, out, err) && !read_requests(s, since_us, out, err) && !read_launches(s, since_us, out, err) &&
	    !read_events(s, since_us, out, err))
		return 0;
	state_lately_clear(out);
	return -1;
}
