/* Logs as files, CLUSTER-JOB.log and CLUSTER-JOB.rank-R.log. Each is written beside its place and then renamed, so that a file with that
 * name is never half a log. One after the other: memory and connections stay bounded whatever there is. */
#include "tui/cli/logs_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"

struct sync {
	struct cli *c;
	struct client *cl;
	const char *cluster, *dir;
	json_t *files; /* what was written */
};

static int put_in_place(FILE *f, const char *part, const char *path, struct err *err)
{
	int rc = 0;
	if (fflush(f) || ferror(f) || fsync(fileno(f)))
		rc = err_errno(err, "cannot write %s", path);
	fclose(f);
	if (!rc && rename(part, path))
		rc = err_errno(err, "cannot write %s", path);
	if (rc)
		unlink(part);
	return rc;
}

/* One log to one file. 0, or -1 with err. */
static int fetch(struct sync *s, const struct session_log *l, const char *path, struct session_copied *done, struct err *err)
{
	char *part = xasprintf("%s.part", path);
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), rc;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		rc = err_errno(err, "cannot write %s", part);
	} else if (session_log_to(s->c, s->cl, l, f, done, err)) {
		fclose(f);
		unlink(part);
		rc = -1;
	} else if (done->interrupted) {
		fclose(f);
		unlink(part);
		rc = err_set(err, ERR_CANCELLED, "interrupted");
	} else {
		rc = put_in_place(f, part, path, err);
	}
	if (!rc) {
		json_t *j = json_pack("{s:I, s:s, s:I, s:b}", "job", (json_int_t)done->job, "path", path, "bytes", (json_int_t)done->at,
		    "complete", done->complete && !done->cut);
		json_object_set_new(j, "rank", l->from_node ? json_integer(l->rank) : json_null());
		json_array_append_new(s->files, j);
		if (!cli_json(s->c))
			printf("%s\n", path);
	}
	free(part);
	return rc;
}

/* Ranks whose node is gone are told of once, and are no failure: their lines are in the merged log. */
static int fetch_ranks(struct sync *s, int64_t job, int64_t ranks, struct err *err)
{
	int64_t missing = 0;
	struct err why = {.code = ERR_NONE};
	for (int64_t r = 0; r < ranks; r++) {
		struct session_copied done;
		char *path = xasprintf("%s/%s-%" PRId64 ".rank-%" PRId64 ".log", s->dir, s->cluster, job, r);
		int rc = fetch(s, &(struct session_log){.cluster = s->cluster, .job = job, .tail_lines = -1, .rank = r, .from_node = true, .quiet_end = true}, path,
		    &done, err);
		free(path);
		if (!rc)
			continue;
		if (err->code == ERR_CANCELLED || err->code == ERR_IO)
			return -1;
		missing++;
		why = *err;
	}
	if (missing)
		cli_note(s->c, "job %" PRId64 ": the own logs of %" PRId64 " of %" PRId64 " ranks are not to be had (%s); their lines are in %s-%" PRId64 ".log", job,
		    missing, ranks, why.text, s->cluster, job);
	return 0;
}

static int sync_job(struct sync *s, int64_t job, struct err *err)
{
	struct session_copied done;
	struct session_log l = {.cluster = s->cluster, .job = job, .tail_lines = -1, .rank = -1, .quiet_end = true};
	char *path = xasprintf("%s/%s-%" PRId64 ".log", s->dir, s->cluster, job);
	int rc = fetch(s, &l, path, &done, err);
	free(path);
	if (!rc && !done.complete)
		cli_note(s->c, "job %" PRId64 " goes on: this is its log so far", job);
	return !rc && done.ranks > 1 ? fetch_ranks(s, job, done.ranks, err) : rc;
}

static int job_numbers(struct cli *c, struct client *cl, const char *cluster, json_t *ids, struct err *err)
{
	size_t i;
	json_t *j;
	if (cli_flag(c, "all")) {
		json_t *jobs = client_call(cl, "queue", json_pack("{s:s, s:b}", "cluster", cluster, "gone", 1), 30000, err);
		if (!jobs)
			return -1;
		json_array_foreach(jobs, i, j)
			json_array_insert_new(ids, 0, json_integer(json_int(j, "job_id", 0)));
		json_decref(jobs);
		return 0;
	}
	for (i = 1; cli_arg(c, i); i++) {
		int64_t id;
		if (session_job_arg(c, i, &id))
			return err_set(err, ERR_USAGE, "'%s' is not the number of a job", cli_arg(c, i));
		json_array_append_new(ids, json_integer(id));
	}
	/* The newest, by its number, which names the file. */
	j = json_array_size(ids) ? NULL : client_call(cl, "log", json_pack("{s:s}", "cluster", cluster), 30000, err);
	if (!j && !json_array_size(ids))
		return -1;
	if (j)
		json_array_append_new(ids, json_integer(json_int(j, "job_id", 0)));
	json_decref(j);
	return 0;
}

int logs_sync_down(struct cli *c, struct client *cl, const char *cluster)
{
	struct err err;
	struct sync s = {.c = c, .cl = cl, .cluster = cluster, .dir = cli_value(c, "dir") ? cli_value(c, "dir") : ".", .files = json_array()};
	json_t *ids = json_array(), *id;
	size_t i;
	int rc = job_numbers(c, cl, cluster, ids, &err) || fs_mkdirs(s.dir, &err) ? -1 : 0;
	json_array_foreach(ids, i, id) {
		if (rc)
			break;
		rc = sync_job(&s, json_integer_value(id), &err);
	}
	if (!rc && cli_json(c))
		cli_print_json(c, json_incref(s.files));
	json_decref(ids);
	json_decref(s.files);
	if (!rc)
		return 0;
	int status = cli_fail(c, &err);
	return err.code == ERR_NOT_FOUND ? CLI_JOB_NOT_FOUND : err.code == ERR_CANCELLED ? CLI_INTERRUPTED : status;
}
