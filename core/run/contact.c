/* Nodes that answer or do not. What the connections notice becomes events that name the node; how long the head has been silent decides,
 * in the end, what is said of its jobs. A node that does not answer is not gone: only the provider says that. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/run/run.h"

/* The first node that is reached so, and how many there are in all. */
static const struct node *node_at(struct engine *e, const char *host, struct unit **unit, size_t *n)
{
	const struct node *first = NULL;
	*n = 0;
	for (size_t i = 0; i < e->n_units; i++) {
		const struct cluster *c = e->units[i]->c;
		for (size_t k = 0; k < c->n_nodes; k++) {
			char *name = c->nodes[k].reach ? remote_host(c->nodes[k].reach) : NULL;
			if (str_eq(name, host)) {
				*unit = first ? *unit : e->units[i];
				first = first ? first : &c->nodes[k];
				(*n)++;
			}
			free(name);
		}
	}
	return first;
}

static void host_event(struct engine *e, const char *host, const char *kind, const char *level, const char *what)
{
	struct unit *u = NULL;
	size_t n;
	const struct node *node = node_at(e, host, &u, &n);
	if (node && u->c->status == CLUSTER_INIT && run_is_cloud(run_provider(e, u->c->provider)))
		return; /* it boots: the launch says what it waits for */
	json_t *data = json_pack("{s:o}", "host", json_foreign(host));
	if (!node)
		run_event(e, NULL, NULL, kind, level, data, "%s %s", host, what);
	else if (n > 1)
		run_event(e, u, NULL, kind, level, data, "%s (node %" PRId64 " of %s, and %zu more nodes) %s", host, node->rank, u->c->name, n - 1, what);
	else
		run_event(e, u, NULL, kind, level, data, "%s (node %" PRId64 " of %s) %s", host, node->rank, u->c->name, what);
	run_commit(e);
	run_changed(e);
}

static void on_host_lost(void *arg, const char *host, const struct err *err)
{
	char *what = xasprintf("does not answer: %s", err->text);
	host_event(arg, host, "host.lost", "warn", what);
	free(what);
}

static void on_host_back(void *arg, const char *host)
{
	host_event(arg, host, "host.back", "info", "answers again");
}

/* ---- silence --------------------------------------------------------------------------------------------------------- */

enum { SAY_AFTER_MS = 20000, LOST_AFTER_MS = 600000 };

void contact_note(struct unit *u, struct node *n, const char *why)
{
	bool was = n->silent_since_ms;
	own_str(&n->silent_why, why);
	n->silent_since_ms = !why ? 0 : was ? n->silent_since_ms : wall_now_ms();
	if (was != (why != NULL))
		run_changed(u->engine);
}

/* The head's silence is counted from the agent's last word. */
static int64_t silent_ms(const struct unit *u, const struct node *n)
{
	if (n == u->c->nodes && u->watcher && u->heard_at_ms)
		return mono_now_ms() - u->heard_at_ms;
	return n->silent_since_ms ? wall_now_ms() - n->silent_since_ms : 0;
}

static char *silence_text(const struct node *n, int64_t ms)
{
	char d[24], *host = n->reach ? remote_host(n->reach) : xstrdup("no address");
	char *text = xasprintf("node %" PRId64 " (%s) not heard of for %s%s%s", n->rank, host, duration_text(ms, d, sizeof d), n->silent_why ? ": " : "",
	    n->silent_why ? n->silent_why : "");
	free(host);
	return text;
}

void contact_put(const struct unit *u, json_t *j)
{
	for (size_t i = 0; i < u->c->n_nodes; i++) {
		int64_t ms = silent_ms(u, &u->c->nodes[i]);
		if (ms <= SAY_AFTER_MS)
			continue;
		char *text = silence_text(&u->c->nodes[i], ms);
		json_put_str(j, "reason", text);
		free(text);
		return;
	}
}

void contact_put_nodes(const struct unit *u, json_t *j)
{
	json_t *nodes = json_arr(j, "nodes");
	for (size_t i = 0; i < u->c->n_nodes && i < json_array_size(nodes); i++) {
		int64_t ms = silent_ms(u, &u->c->nodes[i]);
		json_object_set_new(json_array_get(nodes, i), "silent_since", ms > SAY_AFTER_MS ? json_integer(wall_now_ms() - ms) : json_null());
	}
}

void contact_tick(struct unit *u)
{
	int64_t most = u->engine->setup.lost_after_ms ? u->engine->setup.lost_after_ms : LOST_AFTER_MS;
	if (!u->c->n_nodes || !u->watcher || !jobs_any_open(u) || silent_ms(u, u->c->nodes) < most)
		return;
	char *why = silence_text(u->c->nodes, silent_ms(u, u->c->nodes));
	jobs_end_unheard(u, why);
	free(why);
}

struct remotes *contact_remotes(struct engine *e)
{
	return remotes_create(e->loop, &(struct remotes_handlers){on_host_lost, on_host_back, e});
}
