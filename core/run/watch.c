/* The stream from the agent on a cluster's head: job lines at each change, a status line now and then. While a cluster is UP there is one;
 * when it ends it is begun again, with growing pauses; when it ends at once again and again, the provider is asked what became of the node. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/run/metrics.h"
#include "core/run/run.h"

enum { LINE_MAX_BYTES = 1 << 20, PAUSE_MIN_MS = 200, PAUSE_MAX_MS = 15000, ASK_AFTER = 2, ASK_EVERY = 4, PATIENCE_MS = 24 * 3600 * 1000 };
enum { INTERVAL_MIN_S = 5, INTERVAL_MAX_S = 20, HEARTBEATS_A_SECOND = 40 };

struct watcher {
	struct unit *u;
	struct remote *remote;
	struct str line;
	unsigned timer;
	int failures; /* ends without a "ready", and tries to connect */
	bool ready;
};

static void begin(void *arg);

static void take_line(struct watcher *w, const char *text, size_t len)
{
	struct unit *u = w->u;
	json_t *j = json_parse(text, len, NULL);
	const char *type = json_str(j, "type", "");
	if (!strcmp(type, "job")) {
		jobs_take_line(u, j);
	} else if (!strcmp(type, "status")) {
		json_decref(u->heartbeat);
		u->heartbeat = json_incref(j);
		u->heartbeat_at_ms = wall_now_ms();
		metrics_take(u, j);
		run_changed(u->engine);
	} else if (!strcmp(type, "ready")) {
		w->ready = true;
		w->failures = 0;
	}
	json_decref(j);
}

static void on_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct watcher *w = arg;
	if (is_err)
		return;
	w->u->heard_at_ms = mono_now_ms();
	if (w->u->c->n_nodes)
		contact_note(w->u, &w->u->c->nodes[0], NULL);
	str_addn(&w->line, data, len);
	size_t start = 0;
	char *nl;
	while (w->line.len && (nl = memchr(w->line.data + start, '\n', w->line.len - start))) {
		size_t end = (size_t)(nl - w->line.data);
		take_line(w, w->line.data + start, end - start);
		start = end + 1;
	}
	str_shift(&w->line, start);
	if (w->line.full) { /* a line past all reason: start over */
		str_clear(&w->line);
		remote_destroy(w->remote);
		w->remote = NULL;
		w->timer = loop_after(w->u->engine->loop, PAUSE_MAX_MS, begin, w);
	}
}

/* The head does not answer; we are in the queue for when it does. What became of it is asked of the provider meanwhile. */
static void on_waits(void *arg, const char *host, const struct err *why)
{
	struct watcher *w = arg;
	(void)host;
	if (why && w->u->c->n_nodes)
		contact_note(w->u, &w->u->c->nodes[0], why->text);
	if (why && (++w->failures == ASK_AFTER || w->failures % ASK_EVERY == 0))
		reconcile_unit(w->u, NULL, NULL); /* may stop this watcher */
}

static void on_ended(void *arg, const struct remote_exit *x)
{
	struct watcher *w = arg;
	char how[64];
	w->remote = NULL;
	str_clear(&w->line);
	log_line(LOG_INFO, "watch of %s ended: %s", w->u->c->name, remote_exit_text(x, how, sizeof how));
	if (!w->ready)
		w->failures++;
	w->ready = false;
	int64_t pause = (int64_t)PAUSE_MIN_MS << (w->failures > 6 ? 6 : w->failures);
	w->timer = loop_after(w->u->engine->loop, pause > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause, begin, w);
	if (w->failures >= ASK_AFTER)
		reconcile_unit(w->u, NULL, NULL); /* may stop this watcher */
}

/* Heartbeats come some tens a second at most, however many clusters there are; changes of jobs are told at once in any case. */
static int interval_s(const struct engine *e)
{
	size_t s = e->n_units / HEARTBEATS_A_SECOND;
	return s < INTERVAL_MIN_S ? INTERVAL_MIN_S : s > INTERVAL_MAX_S ? INTERVAL_MAX_S : (int)s;
}

static void begin(void *arg)
{
	struct watcher *w = arg;
	struct err err;
	w->timer = 0;
	struct cluster *c = w->u->c;
	if (!c->n_nodes || !c->nodes[0].reach)
		return;
	/* exec: the agent's parent is this process, so that it ends when we do, however we do. */
	char command[120];
	snprintf(command, sizeof command, "exec sh \"$HOME/.skytop/skytop-agent\" watch --no-stdin --interval %d", interval_s(w->u->engine));
	w->remote = remote_start(w->u->engine->remotes, c->nodes[0].reach,
	    &(struct remote_spec){.command = command, .stream = true, .retry_ms = PATIENCE_MS,
		.waits = on_waits},
	    &(struct remote_handlers){on_out, on_ended, w}, &err);
	if (!w->remote) {
		w->failures++;
		w->timer = loop_after(w->u->engine->loop, PAUSE_MAX_MS, begin, w);
		if (w->failures >= ASK_AFTER)
			reconcile_unit(w->u, NULL, NULL);
	}
}

void watch_start(struct unit *u)
{
	if (u->watcher)
		return;
	struct watcher *w = u->watcher = xcalloc(1, sizeof *w);
	w->u = u;
	u->heard_at_ms = mono_now_ms();
	w->line = str_new(LINE_MAX_BYTES);
	w->timer = loop_after(u->engine->loop, 0, begin, w);
}

void watch_stop(struct unit *u)
{
	struct watcher *w = u->watcher;
	if (!w)
		return;
	u->watcher = NULL;
	loop_cancel(u->engine->loop, w->timer);
	remote_destroy(w->remote);
	str_free(&w->line);
	free(w);
}
