/* A job's log on its way from the engine's files to stdout: the lines asked for (logsieve), and to a terminal only what is text or colour
 * (logfilter); to a file or a pipe the job's own bytes. The position is an offset of the log, so an engine that leaves and comes back costs
 * nothing: the copy goes on where it was. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/api/logread.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/cluster.h"
#include "tui/cli/logfilter.h"
#include "tui/cli/logsieve.h"
#include "tui/cli/session.h"

/* ASK_MS: the engine may have to ask the node first. STALL_MS: so long without a byte of what the node is known to have. */
enum { ASK_MS = 60000, PIECE = 256 << 10, STALL_MS = 15000, RECONNECTS = 5, RECONNECT_MS = 300, SHOWN_MAX = 4 * PIECE };

struct copy {
	struct cli *c;
	const struct session_log *l;
	struct client *client, *own; /* own: one that we opened ourselves */
	struct logread *read;
	struct logsieve sieve;
	struct logfilter filter;
	FILE *to;
	bool sieving, filtering, telling, complete, cut; /* telling: how far it is, on stderr */
	int64_t job, ranks, target; /* target: so much the node has at least; -1 not known */
	char status[32], reason[300], times[4096];
	char *buf;
	struct str sieved, shown;
	int64_t stamp_ms;   /* when what is being put came to the engine; 0 not known */
	bool within_line;   /* what was put last is no whole line */
};

/* ---- what the engine says ---------------------------------------------------------------------------------------- */

static void take(struct copy *k, const json_t *log)
{
	k->complete = json_bool(log, "complete", false);
	k->cut = json_bool(log, "cut", false);
	k->job = json_int(log, "job_id", 0);
	k->ranks = json_int(log, "num_nodes", 1);
	if (json_is_integer(json_object_get(log, "target")))
		k->target = json_int(log, "target", -1);
	snprintf(k->status, sizeof k->status, "%s", json_str(log, "status", "?"));
	snprintf(k->reason, sizeof k->reason, "%s", json_str(log, "reason", ""));
	snprintf(k->times, sizeof k->times, "%s", json_str(log, "times", ""));
	if (!logread_take(k->read, log))
		return;
	cli_note(k->c, "the log is not the one it was: the node has another in its place, which follows from its beginning");
	k->sieve = (struct logsieve){.rank = k->sieve.rank, .setup = k->sieve.setup};
}

static void on_notice(void *arg, const char *method, const json_t *params)
{
	struct copy *k = arg;
	if (!strcmp(method, "log") && json_int(params, "job_id", 0) == k->job)
		take(k, params);
}

/* Ask for the log, and to be told when it grows. */
static int ask(struct copy *k, struct err *err)
{
	const struct session_log *l = k->l;
	json_t *args = json_pack("{s:s, s:I, s:b, s:b, s:b}", "cluster", l->cluster, "job", (json_int_t)(k->job ? k->job : l->job), "follow", 1, "fresh",
	    !l->follow, "tail", l->tail_lines >= 0 && !l->setup);
	if (l->from_node) {
		json_put_int(args, "rank", l->rank);
		json_put_bool(args, "setup", l->setup);
	}
	json_t *j = client_call(k->client, "log", args, ASK_MS, err);
	if (!j)
		return -1;
	take(k, j);
	json_decref(j);
	return 0;
}

/* The engine is gone: another one knows where the log is. */
static int ask_again(struct copy *k, struct err *err)
{
	for (int i = 0; i < RECONNECTS; i++) {
		usleep(RECONNECT_MS * 1000);
		struct client *cl = session_open(k->c, true, err);
		if (!cl)
			continue;
		client_close(k->own);
		k->client = k->own = cl;
		client_listen(cl, on_notice, k);
		client_interruptible(cl);
		if (!ask(k, err))
			return 0;
		if (err->code != ERR_NETWORK)
			break;
	}
	return -1;
}

/* ---- where to begin ---------------------------------------------------------------------------------------------- */

static const char *size_text(int64_t bytes, char *buf, size_t size)
{
	if (bytes < 10000)
		snprintf(buf, size, "%" PRId64 " bytes", bytes);
	else if (bytes < 10000000)
		snprintf(buf, size, "%" PRId64 " kB", bytes / 1000);
	else
		snprintf(buf, size, "%" PRId64 " MB", bytes / 1000000);
	return buf;
}

static int64_t from_time(struct copy *k)
{
	char at[32], size[40];
	struct logread_since s = logread_since(k->times[0] ? k->times : NULL, k->l->since_ms);
	if (s.unknown)
		cli_note(k->c, "when the lines of this log were written is not known: all of it is shown");
	else if (s.unsure_to == INT64_MAX)
		cli_note(k->c, "the engine fetched what follows late, at %s: lines may be older than asked for", time_rfc3339(s.late_ms, at, sizeof at));
	else if (s.unsure_to > s.at)
		cli_note(k->c, "the engine fetched the first %s of what follows late, at %s: they may be older than asked for",
		    size_text(s.unsure_to - s.at, size, sizeof size), time_rfc3339(s.late_ms, at, sizeof at));
	return logread_line(k->read, s.at);
}

static void find_start(struct copy *k)
{
	const struct session_log *l = k->l;
	char size[40];
	int64_t at = l->since_ms && !l->setup ? from_time(k) : 0, found = 0;
	if (l->tail_lines >= 0 && !l->setup) {
		int64_t tail = logread_tail(k->read, l->tail_lines, k->sieve.rank, &found), start = logread_start(k->read);
		if (start && found < l->tail_lines && k->target > start)
			cli_note(k->c, "only the last %s of this log are here yet: the engine is fetching the rest",
			    size_text(k->target - start, size, sizeof size));
		at = tail > at ? tail : at;
	}
	logread_seek(k->read, at);
}

/* Which lines: the labels of a merged log tell. A log that has none is that of the only rank there is. */
static int set_up(struct copy *k, struct err *err)
{
	const struct session_log *l = k->l;
	bool terminal = isatty(fileno(k->to));
	bool own_setup = l->from_node && l->setup; /* its rank is a node's; the engine knows which there are */
	if (l->rank >= k->ranks && k->ranks == 1 && !own_setup)
		return err_set(err, ERR_USAGE, "job %" PRId64 " runs on one node: it has no rank %" PRId64, k->job, l->rank);
	if (l->rank >= k->ranks && !own_setup)
		return err_set(err, ERR_USAGE, "job %" PRId64 " runs on %" PRId64 " nodes: its ranks are 0 to %" PRId64, k->job, k->ranks, k->ranks - 1);
	bool one = l->rank < 0 || l->from_node || (k->ranks == 1 && !logread_is_merged(k->read));
	k->sieve = (struct logsieve){.rank = one ? -1 : l->rank, .setup = l->setup && !l->from_node};
	k->sieving = k->sieve.setup || !one;
	k->filter.plain = cli_flag(k->c, "no-color") || (terminal && !cli_color(k->c));
	k->filtering = terminal || cli_flag(k->c, "no-color");
	return 0;
}

/* ---- copying ----------------------------------------------------------------------------------------------------- */

/* When the line that begins came to the engine; what is not known is a dash as wide. */
static void stamp(const struct copy *k)
{
	char at[40];
	fprintf(k->to, "%-20s ", k->stamp_ms ? time_rfc3339(k->stamp_ms, at, sizeof at) : "-");
}

static void put_stamped(struct copy *k, const char *data, size_t len)
{
	while (len) {
		const char *nl = memchr(data, '\n', len);
		size_t n = nl ? (size_t)(nl - data) + 1 : len;
		if (!k->within_line)
			stamp(k);
		fwrite(data, 1, n, k->to);
		k->within_line = !nl;
		data += n;
		len -= n;
	}
}

static void put(struct copy *k, const char *data, size_t len)
{
	if (k->filtering && len) {
		str_clear(&k->shown);
		logfilter_feed(&k->filter, data, len, &k->shown);
		data = str_text(&k->shown);
		len = k->shown.len;
	}
	if (k->l->timestamps)
		put_stamped(k, data, len);
	else
		fwrite(data, 1, len, k->to);
}

static void pass(struct copy *k, const char *data, size_t len)
{
	if (!k->sieving) {
		put(k, data, len);
		return;
	}
	str_clear(&k->sieved);
	logsieve_feed(&k->sieve, data, len, &k->sieved);
	put(k, str_text(&k->sieved), k->sieved.len);
}

/* The same, a part at a time, each of which came at one time. at: where it lies in the log. */
static void pass_timed(struct copy *k, const char *data, size_t len, int64_t at)
{
	struct logread_times *times = k->l->timestamps ? logread_times_read(k->times[0] ? k->times : NULL) : NULL;
	if (!k->l->timestamps)
		pass(k, data, len);
	for (size_t done = 0; k->l->timestamps && done < len;) {
		int64_t until = INT64_MAX;
		k->stamp_ms = times ? logread_times_at(times, at + (int64_t)done, &until) : 0;
		int64_t most = until - at - (int64_t)done;
		size_t n = most > 0 && (uint64_t)most < len - done ? (size_t)most : len - done;
		pass(k, data + done, n);
		done += n;
	}
	logread_times_destroy(times);
}

static bool is_done(const struct copy *k)
{
	bool enough = !k->l->follow && (k->target < 0 || logread_at(k->read) >= k->target);
	return k->complete || k->sieve.over || enough || client_interrupted(k->client) || ferror(k->to);
}

static void tell(const struct copy *k)
{
	char at[40], of[40];
	fprintf(stderr, "\r\033[K%s job %" PRId64 ": %s", cli_utf8() ? "…" : "~", k->job, size_text(logread_at(k->read), at, sizeof at));
	if (k->target > 0)
		fprintf(stderr, " of %s", size_text(k->target, of, sizeof of));
	fflush(stderr);
}

/* Copy what is there. -1: the engine is gone. */
static int copy_new(struct copy *k, struct err *err)
{
	size_t n;
	int rc = 0;
	for (size_t pieces = 1; (n = logread_next(k->read, k->buf, PIECE)) > 0 && !ferror(k->to) && !k->sieve.over; pieces++) {
		pass_timed(k, k->buf, n, logread_at(k->read) - (int64_t)n);
		if (pieces % 8)
			continue;
		if (k->telling && pieces % 64 == 0)
			tell(k);
		rc = client_turn(k->client, 0, err); /* Ctrl-C is heard in the middle of a long log */
		if (rc || client_interrupted(k->client))
			break;
	}
	fflush(k->to);
	return rc;
}

/* It is over because its node was not heard of for long: the rest of the log may never come. */
static bool unheard(const struct copy *k)
{
	return !k->complete && !strcmp(k->status, job_status_name(JOB_FAILED_DRIVER));
}

static int follow(struct copy *k, struct err *err)
{
	int64_t at = -1, moved_ms = 0;
	for (;;) {
		if (copy_new(k, err) && ask_again(k, err))
			return -1;
		if (is_done(k))
			return 0;
		if (at != logread_at(k->read)) {
			at = logread_at(k->read);
			moved_ms = mono_now_ms();
		} else if (!k->l->follow && mono_now_ms() - moved_ms > STALL_MS) {
			return err_set(err, ERR_NETWORK, "the node has more of this log than what came (%" PRId64 " of %" PRId64 " bytes), and sends nothing", at,
			    k->target);
		} else if (unheard(k) && mono_now_ms() - moved_ms > STALL_MS) {
			return 0;
		}
		if (client_turn(k->client, k->l->follow && !unheard(k) ? -1 : 1000, err) && ask_again(k, err))
			return -1;
	}
}

static void finish(struct copy *k)
{
	struct err err;
	if (k->telling)
		fputs("\r\033[K", stderr);
	if (k->complete)
		copy_new(k, &err);
	str_clear(&k->sieved);
	logsieve_end(&k->sieve, &k->sieved);
	put(k, str_text(&k->sieved), k->sieved.len);
	fflush(k->to);
}

static int copy_all(struct copy *k, struct err *err)
{
	if ((ask(k, err) && (err->code != ERR_NETWORK || ask_again(k, err))) || set_up(k, err))
		return -1;
	find_start(k);
	int rc = follow(k, err);
	finish(k);
	return rc ? err_wrap(err, "the log broke off; the job goes on") : 0;
}

static void say_end(const struct copy *k)
{
	const struct session_log *l = k->l;
	if (k->sieve.setup && !k->sieve.any && k->sieve.over)
		cli_note(k->c, "job %" PRId64 " on %s has no setup", k->job, l->cluster);
	if (k->cut && !k->sieve.over)
		cli_note(k->c, "the log of job %" PRId64 " ends here because its node was gone before the rest could be fetched", k->job);
	if (k->target < 0 && !k->complete && !l->follow)
		cli_note(k->c, "the node cannot be asked now: this is what came of the log of job %" PRId64 " so far", k->job);
	if (unheard(k) && l->follow)
		cli_note(k->c, "what is missing of its log comes when its node answers again");
	if ((k->complete || unheard(k)) && l->follow && !l->quiet_end)
		cli_note(k->c, "job %" PRId64 " on %s: %s%s%s", k->job, l->cluster, k->status, *k->reason ? ": " : "", k->reason);
}

int session_log_to(struct cli *c, struct client *cl, const struct session_log *l, FILE *to, struct session_copied *ret, struct err *err)
{
	struct copy k = {.c = c, .l = l, .client = cl, .read = logread_create(), .to = to, .target = -1, .buf = xmalloc(PIECE),
	    .sieved = str_new(SHOWN_MAX), .shown = str_new(SHOWN_MAX), .telling = to != stdout && isatty(2) && !cli_quiet(c)};
	client_listen(cl, on_notice, &k);
	client_interruptible(cl);
	int rc = copy_all(&k, err);
	if (!rc) {
		*ret = (struct session_copied){.job = k.job, .ranks = k.ranks, .at = logread_at(k.read), .status = job_status_of(k.status),
		    .complete = k.complete, .cut = k.cut, .interrupted = client_interrupted(k.client) && !k.complete};
		if (!ret->interrupted)
			say_end(&k);
	}
	client_listen(cl, NULL, NULL);
	client_close(k.own);
	logread_destroy(k.read);
	free(k.buf);
	str_free(&k.sieved);
	str_free(&k.shown);
	return rc;
}

int session_log(struct cli *c, struct client *cl, const struct session_log *l)
{
	struct session_copied done;
	struct err err;
	if (session_log_to(c, cl, l, stdout, &done, &err)) {
		int status = cli_fail(c, &err);
		return err.code == ERR_NOT_FOUND ? CLI_JOB_NOT_FOUND : status;
	}
	if (!done.interrupted)
		return job_exit_status(done.status);
	cli_note(c, "\ndetached: job %" PRId64 " goes on. Its log: skytop logs %s %" PRId64 ". To end it: skytop cancel %s %" PRId64, done.job, l->cluster,
	    done.job, l->cluster, done.job);
	return CLI_INTERRUPTED;
}
