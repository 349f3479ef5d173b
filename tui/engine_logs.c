/* Logs from the engine's spool files. A log is opened at its end; what is before that comes when it is asked for, a stretch at a time, up to
 * the line where what is known begins. */
#include "tui/engine_logs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/logread.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"

enum { PIECE_BYTES = 64 << 10, OLDER_BYTES = 512 << 10, CALL_MS = 30000 };

struct open_log {
	struct open_log *next;
	struct engine_logs *of;
	unsigned id, timer, older_timer;
	char *cluster, *last;
	int64_t cluster_id, job, rank, tail_lines;
	bool setup;
	struct logread *read;
	struct logread_times *times; /* of what was there when it was opened */
	int64_t known_to;	     /* as far as that goes; what comes after it comes now */
	int64_t from;		     /* what lies before this was not told */
	bool sent, complete, ended, begun;
};

static void log_free(struct open_log *l)
{
	loop_cancel(l->of->loop, l->timer);
	loop_cancel(l->of->loop, l->older_timer);
	logread_destroy(l->read);
	logread_times_destroy(l->times);
	free(l->cluster);
	free(l->last);
	free(l);
}

static struct open_log *log_by_id(const struct engine_logs *ls, unsigned id)
{
	struct open_log *l = ls->first;
	while (l && l->id != id)
		l = l->next;
	return l;
}

static void end_log(struct open_log *l, bool broken, const char *why)
{
	l->ended = true;
	if (l->of->sink->log_end)
		l->of->sink->log_end(l->of->sink->arg, l->id, broken, why);
}

typedef void teller(void *arg, unsigned log, const char *data, size_t len, int64_t at_ms);

/* Tell bytes that begin at this offset of the log, those that came at different times apart. */
static void tell_log(struct open_log *l, teller *tell, const char *data, size_t n, int64_t at)
{
	for (size_t i = 0, len; tell && i < n; i += len) {
		int64_t from = at + (int64_t)i, until = INT64_MAX, came = wall_now_ms();
		if (from < l->known_to) {
			came = logread_times_at(l->times, from, &until);
			until = until < l->known_to ? until : l->known_to;
		}
		len = until - from < (int64_t)(n - i) ? (size_t)(until - from) : n - i;
		tell(l->of->sink->arg, l->id, data + i, len, came);
	}
}

/* A piece a turn. */
static void read_log(void *arg)
{
	struct open_log *l = arg;
	char buf[PIECE_BYTES];
	l->timer = 0;
	if (l->ended)
		return;
	if (!l->begun && l->tail_lines >= 0)
		logread_seek(l->read, logread_tail(l->read, l->tail_lines, -1, NULL));
	if (!l->begun)
		l->from = logread_at(l->read);
	l->begun = true;
	size_t n = logread_next(l->read, buf, sizeof buf);
	if (n) {
		l->timer = loop_after(l->of->loop, 0, read_log, l);
		tell_log(l, l->of->sink->log_data, buf, n, logread_at(l->read) - (int64_t)n);
	} else if (l->complete) {
		end_log(l, false, l->last ? l->last : "");
	}
}

/* The lines before those that are known, and where they begin; the position among the new ones stays. */
static void read_older(void *arg)
{
	struct open_log *l = arg;
	int64_t at = logread_at(l->read), to = l->from, start = logread_start(l->read), from = to - OLDER_BYTES > start ? to - OLDER_BYTES : start;
	char buf[PIECE_BYTES];
	l->older_timer = 0;
	if (from < to && from > start)
		from = logread_line(l->read, from);
	logread_seek(l->read, from);
	while (logread_at(l->read) < to) {
		int64_t here = logread_at(l->read), left = to - here;
		size_t n = logread_next(l->read, buf, left < (int64_t)sizeof buf ? (size_t)left : sizeof buf);
		if (!n)
			break;
		tell_log(l, l->of->sink->log_older, buf, n, here);
	}
	logread_seek(l->read, at);
	l->from = from < to ? from : to;
	if (l->of->sink->log_older)
		l->of->sink->log_older(l->of->sink->arg, l->id, NULL, l->from > 0, 0);
}

static void take_log(struct open_log *l, const json_t *j)
{
	static const char again[] = "\n[skytop] the node has another log in the place of this one, which follows from its beginning\n";
	char words[120];
	if (logread_take(l->read, j) && l->of->sink->log_data) {
		l->from = 0; /* what was before is another's */
		l->of->sink->log_data(l->of->sink->arg, l->id, again, sizeof again - 1, wall_now_ms());
	}
	if (!l->known_to) {
		l->known_to = json_int(j, "base", 0) + json_int(j, "size", 0);
		l->times = logread_times_read(json_str(j, "times", NULL));
	}
	l->cluster_id = json_int(j, "cluster_id", 0);
	l->job = json_int(j, "job_id", l->job);
	l->rank = json_int(j, "rank", -1); /* the only rank's log is the log */
	l->complete = json_bool(j, "complete", false);
	snprintf(words, sizeof words, "job %" PRId64 " %s", l->job, json_str(j, "status", "?"));
	free(l->last);
	l->last = xstrdup(words);
	if (!l->timer)
		l->timer = loop_after(l->of->loop, 0, read_log, l);
}

struct log_call {
	struct engine_logs *ls;
	unsigned id;
};

static void on_log(void *arg, const json_t *result, const struct err *err)
{
	struct log_call call = *(struct log_call *)arg;
	free(arg);
	struct open_log *l = log_by_id(call.ls, call.id);
	if (!l || l->ended)
		return;
	if (result)
		take_log(l, result);
	else if (err->code != ERR_NETWORK) /* a lost connection is asked again */
		end_log(l, true, err->text);
}

static void ask_log(struct open_log *l)
{
	if (l->sent || l->ended || !l->of->rpc)
		return;
	l->sent = true;
	struct log_call *call = xcalloc(1, sizeof *call);
	*call = (struct log_call){l->of, l->id};
	json_t *p = json_pack("{s:s, s:I, s:b, s:b}", "cluster", l->cluster, "job", (json_int_t)(l->job > 0 ? l->job : 0), "follow", 1, "tail",
	    l->tail_lines >= 0 && !l->begun);
	if (l->rank >= 0)
		json_put_int(p, "rank", l->rank);
	if (l->setup)
		json_put_bool(p, "setup", true);
	rpc_call(l->of->rpc, "log", p, CALL_MS, on_log, call);
}

void engine_logs_connected(struct engine_logs *ls, struct rpc *rpc)
{
	ls->rpc = rpc;
	for (struct open_log *l = ls->first; l; l = l->next) {
		l->sent = l->sent && rpc;
		ask_log(l);
	}
}

void engine_logs_news(struct engine_logs *ls, const json_t *params)
{
	int64_t cluster = json_int(params, "cluster_id", 0), job = json_int(params, "job_id", 0), rank = json_int(params, "rank", -1);
	bool setup = json_bool(params, "setup", false);
	for (struct open_log *l = ls->first; l; l = l->next)
		if (!l->ended && l->cluster_id && l->cluster_id == cluster && l->job == job && l->rank == rank && l->setup == setup)
			take_log(l, params);
}

void engine_logs_open(struct engine_logs *ls, unsigned id, const struct ui_log_spec *spec)
{
	struct open_log *l = xcalloc(1, sizeof *l);
	*l = (struct open_log){.next = ls->first, .of = ls, .id = id, .cluster = xstrdup(spec->cluster), .job = spec->job_id, .rank = spec->rank,
	    .setup = spec->setup, .tail_lines = spec->tail_lines, .read = logread_create()};
	ls->first = l;
	ask_log(l);
}

void engine_logs_close(struct engine_logs *ls, unsigned id)
{
	for (struct open_log **pp = &ls->first; *pp; pp = &(*pp)->next) {
		struct open_log *l = *pp;
		if (l->id != id)
			continue;
		*pp = l->next;
		log_free(l);
		return;
	}
}

void engine_logs_older(struct engine_logs *ls, unsigned id)
{
	struct open_log *l = log_by_id(ls, id);
	if (l && l->begun && !l->older_timer)
		l->older_timer = loop_after(ls->loop, 0, read_older, l);
}

void engine_logs_finish(struct engine_logs *ls)
{
	while (ls->first)
		engine_logs_close(ls, ls->first->id);
}
