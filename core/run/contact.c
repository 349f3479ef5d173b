/* Hosts that come and go: what the connections notice becomes events that name the node. */
#include <inttypes.h>
#include <stdlib.h>

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

struct remotes *contact_remotes(struct engine *e)
{
	return remotes_create(e->loop, &(struct remotes_handlers){on_host_lost, on_host_back, e});
}
