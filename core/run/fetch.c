/* List, ask, plan, fetch, place. The stores are asked what there is; every node what it has; a node that has something else gets the list, and says which
 * objects it lacks. Those it fetches itself, some hundreds at a time (a window), by links that were made for the moment: no credentials
 * leave this machine, and a link that ended is made again. When all is there it is put in place, whole or not at all (share/agent/skytop-tree).
 *
 * Nothing of this is kept in state.db: whatever is cut off when, the step begins anew, and finds on the nodes what was fetched already. */
#include "core/run/fetch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/plan/transfer.h"
#include "core/run/fetch_priv.h"
#include "core/run/launch.h"
#include "core/run/mounts.h"
#include "core/run/sync.h"

enum {
	WINDOW_OBJECTS = 1000,
	IDLE_MAX = 4, /* tries without a byte more */
	IDLE_PAUSE_MS = 2000,
	ANEW_MAX = 3, /* it changed while it was copied */
	LOST_MAX = 8,
	TOLD_FROM_UUSD = 1000, /* less is nobody's concern */
};
static const int64_t window_bytes = INT64_C(64) << 30;

static void begin(struct fetch *f);
static void next_window(struct op *op);

/* ---- the task -------------------------------------------------------------------------------------------------------- */

static bool has_sources(struct op *op)
{
	struct err ignored;
	struct dag *d = launch_task(op, &ignored);
	json_t *list = d ? mounts_remote(&d->tasks[0]) : NULL;
	bool any = json_array_size(list) > 0;
	json_decref(list);
	dag_destroy(d);
	return any;
}

bool fetch_looks_first(struct op *op)
{
	if (json_object_get(op->r->data, "sources") || !has_sources(op))
		return false;
	op_goto(op, "sources");
	return true;
}

void fetch_after_sync(struct op *op)
{
	if (!strcmp(op->r->verb, "launch") && has_sources(op))
		op_leap(op, "fetch");
	else
		op_next(op);
}

static void told(void *arg, const struct source *s)
{
	struct fetch *f = arg;
	char count[32];
	if (s->objects->seen > WINDOW_OBJECTS)
		op_progress(f->op, "listing %s: %s objects", s->shown, count_text((int64_t)s->objects->seen, count, sizeof count));
	else
		op_progress(f->op, "listing %s", s->shown);
}

static void list(struct op *op, void (*fn)(void *arg, const struct err *err))
{
	struct err err;
	struct dag *d = launch_task(op, &err);
	fetch_drop(op);
	struct fetch *f = op->fetch = xcalloc(1, sizeof *f);
	*f = (struct fetch){.op = op, .started_ms = mono_now_ms(), .notes = json_array()};
	f->listing = d ? listing_start(op->engine, &d->tasks[0], told, fn, f, &err) : NULL;
	dag_destroy(d);
	if (!f->listing)
		op_failed(op, &err);
}

static void again(struct fetch *f, void (*fn)(void *arg, const struct err *err))
{
	struct op *op = f->op;
	int anew = f->anew, lost = f->lost;
	list(op, fn);
	if (op->fetch) {
		op->fetch->anew = anew;
		op->fetch->lost = lost;
	}
}

/* ---- before anything is made ------------------------------------------------------------------------------------------ */

static const char *sum_text(const struct objects *o, char *buf, size_t size)
{
	char count[32], bytes[32];
	snprintf(buf, size, "%s file%s, %s", count_text((int64_t)o->n, count, sizeof count), o->n == 1 ? "" : "s", bytes_text(o->bytes, bytes, sizeof bytes));
	return buf;
}

static json_t *sum_json(const struct source *s)
{
	json_t *j = json_pack("{s:s}", "uri", s->shown);
	json_put_str(j, "cloud", s->other ? NULL : s->provider->name);
	json_put_int(j, "files", (int64_t)s->objects->n);
	json_put_int(j, "bytes", s->objects->bytes);
	json_put_str(j, "region", s->region);
	return j;
}

static void tell_left_out(struct op *op, const struct source *s)
{
	const struct objects *o = s->objects;
	if (o->left_out)
		run_event(op->engine, op_unit(op), op->r, "launch.left_out", "warn", NULL, "%s: %zu object%s left out: %s%s", s->shown, o->left_out,
		    o->left_out == 1 ? " is" : "s are", str_text(&o->left_names), o->left_out > 3 ? ", …" : "");
}

static void looked(void *arg, const struct err *err)
{
	struct fetch *f = arg;
	struct op *op = f->op;
	json_t *sums = json_array();
	char text[100];
	for (size_t i = 0; !err && i < f->listing->n; i++) {
		const struct source *s = &f->listing->v[i];
		run_event(op->engine, op_unit(op), op->r, "launch.source", "info", sum_json(s), "to be copied: %s: %s", s->shown,
		    sum_text(s->objects, text, sizeof text));
		tell_left_out(op, s);
		json_array_append_new(sums, sum_json(s));
	}
	if (err) {
		json_decref(sums);
		op_failed(op, err);
		return;
	}
	json_object_set_new(op->r->data, "sources", sums);
	op_goto(op, "offers");
}

void fetch_look(struct op *op)
{
	list(op, looked);
}

void fetch_tell_cost(struct op *op, const json_t *chosen)
{
	struct err ignored;
	size_t i;
	json_t *s;
	const json_t *list = json_arr(op->r->data, "sources");
	struct catalog *catalog = json_array_size(list) ? catalog_open(&ignored) : NULL;
	const struct egress_table *table = catalog ? catalog_egress(catalog, &ignored) : NULL;
	struct transfer_place to = {json_str(chosen, "provider", NULL), json_str(chosen, "region", NULL)};
	int64_t nodes = json_int(chosen, "num_nodes", 1), bytes;
	json_array_foreach(list, i, s) {
		struct transfer_place from = {json_str(s, "cloud", NULL), json_str(s, "region", NULL)};
		char cost[32], size[32];
		bytes = json_int(s, "bytes", 0) * nodes;
		int64_t uusd = transfer_cost_uusd(table, &from, &to, bytes / 1000);
		if (uusd >= TOLD_FROM_UUSD)
			run_event(op->engine, op_unit(op), op->r, "launch.egress", "warn", json_pack("{s:s, s:I, s:I}", "uri", json_str(s, "uri", ""), "bytes",
			    (json_int_t)bytes, "uusd", (json_int_t)uusd), "%s: moving %s to %s costs about $%s (an estimate, from list prices of %s)",
			    json_str(s, "uri", ""), bytes_text(bytes, size, sizeof size), to.cloud, money_text(uusd, cost, sizeof cost), from.cloud);
	}
	catalog_close(catalog);
}

/* ---- windows ---------------------------------------------------------------------------------------------------------- */

bool fetch_is_missing(const struct fetch_need *n, size_t object)
{
	return n->missing && (n->missing[object / 8] >> object % 8 & 1);
}

void fetch_got(struct fetch_need *n, size_t object)
{
	if (fetch_is_missing(n, object)) {
		n->missing[object / 8] &= (unsigned char)~(1U << object % 8);
		n->n_missing--;
	}
}

static bool anybody_lacks(const struct fetch *f, size_t source, size_t object)
{
	for (size_t i = 0; i < f->n_nodes; i++)
		if (fetch_is_missing(&f->nodes[i].needs[source], object))
			return true;
	return false;
}

/* The next objects from `lo` on that somebody lacks. False: none of this source. */
static bool fill_window(struct fetch *f)
{
	const struct objects *o = f->listing->v[f->source].objects;
	int64_t bytes = 0;
	size_t i = f->lo;
	f->n_asked = 0;
	f->asked = xreallocarray(f->asked, WINDOW_OBJECTS, sizeof *f->asked);
	for (; i < o->n && f->n_asked < WINDOW_OBJECTS && bytes < window_bytes; i++)
		if (anybody_lacks(f, f->source, i)) {
			f->asked[f->n_asked++] = i;
			bytes += o->v[i].size;
		}
	f->hi = i;
	return f->n_asked > 0;
}

static int err_changed(const struct source *s, const struct object *o, struct err *err)
{
	return err_set(err, ERR_CONFLICT, "%s: %s changes all the time: it could not be copied as it was at one moment", s->shown, *o->name ? o->name : "it");
}

static void once_more(void *arg)
{
	struct fetch *f = arg;
	f->timer = 0;
	next_window(f->op);
}

/* What nodes did not get, and what that means. */
static void judge(struct op *op)
{
	struct fetch *f = op->fetch;
	const struct source *s = &f->listing->v[f->source];
	bool refused = false, changed = false, progress = false;
	const struct object *first = NULL;
	struct err err;
	size_t left = 0, at = 0;
	int status = 0;
	for (size_t i = 0; i < f->n_nodes; i++) {
		struct fetch_node *n = &f->nodes[i];
		progress = progress || n->now > n->done;
		for (size_t k = 0; k < n->n_left; k++) {
			int code = n->left[k].status;
			bool other = code == 412 || code == 404 || code == 416 || code < 0;
			if (!first || (other && !changed)) {
				first = &s->objects->v[n->left[k].object];
				status = code;
				at = i;
			}
			refused = refused || code == 401 || code == 403;
			changed = changed || other;
		}
		left += n->n_left;
		n->done = n->now;
	}
	if (!left) {
		f->lo = f->hi;
		f->idle = 0;
		next_window(op);
		return;
	}
	f->idle = progress ? 0 : f->idle + 1;
	bool fresh = mono_now_ms() - f->linked_at_ms < PROVIDER_LINK_S * INT64_C(1000) / 2;
	const char *name = *first->name ? first->name : path_base(s->shown), *why = f->nodes[at].why;
	if (changed && f->anew < ANEW_MAX) {
		f->anew++;
		op_progress(op, "%s has changed meanwhile: listing it again", s->shown);
		fetch_start(op);
	} else if (changed) {
		err_changed(s, first, &err);
		op_failed(op, &err);
	} else if (refused && !progress && fresh && f->idle > 1) {
		err_set(&err, ERR_CREDENTIALS, "%s: %s may be listed, but not read (HTTP status %d on node %zu)", s->shown, name, status, at);
		op_failed(op, &err);
	} else if (f->idle >= IDLE_MAX) {
		if (status)
			err_set(&err, ERR_NETWORK, "%s: node %zu cannot fetch %s: HTTP status %d", s->shown, at, name, status);
		else
			err_set(&err, ERR_NETWORK, "%s: node %zu cannot fetch %s: %s", s->shown, at, name, *why ? why : "no answer");
		op_failed(op, &err);
	} else {
		f->timer = loop_after(op->engine->loop, refused ? 0 : IDLE_PAUSE_MS * f->idle, once_more, f);
	}
}

static void on_links(void *arg, const json_t *result, const struct err *err)
{
	struct fetch *f = arg;
	struct op *op = f->op;
	struct err e;
	f->call = NULL;
	json_decref(f->links);
	f->links = json_incref(json_arr(result, "links"));
	f->linked_at_ms = mono_now_ms();
	if (err) {
		op_failed(op, err);
	} else if (json_array_size(f->links) != f->n_asked) {
		err_set(&e, ERR_PROTOCOL, "%s: not one link for each object", f->listing->v[f->source].shown);
		op_failed(op, &e);
	} else {
		fetch_get(f, judge);
	}
}

static void finish(struct op *op);

static void next_window(struct op *op)
{
	struct fetch *f = op->fetch;
	while (f->source < f->listing->n && !fill_window(f)) {
		f->source++;
		f->lo = 0;
	}
	if (f->source == f->listing->n) {
		op_progress(op, "putting files in place");
		fetch_place(f, finish);
		return;
	}
	const struct source *s = &f->listing->v[f->source];
	f->call = call_start(&op->engine->calls, s->provider, PROVIDER_OBJECTS, listing_link_args(s, f->asked, f->n_asked), on_links, f);
}

/* ---- the step --------------------------------------------------------------------------------------------------------- */

static void tell(struct fetch *f)
{
	struct op *op = f->op;
	struct unit *u = op_unit(op);
	char took[24], text[100], *note;
	size_t i, nodes = 0;
	json_t *j;
	json_array_foreach(f->notes, i, j)
		run_event(op->engine, u, op->r, "sync.note", "warn", NULL, "sync: %s", json_string_value(j));
	for (i = 0; i < f->n_nodes; i++)
		nodes += f->nodes[i].behind;
	duration_text(mono_now_ms() - f->started_ms, took, sizeof took);
	for (i = 0; i < f->listing->n; i++) {
		const struct source *s = &f->listing->v[i];
		sum_text(s->objects, text, sizeof text);
		note = nodes ? xasprintf("copied to %zu node%s in %s", nodes, nodes == 1 ? "" : "s", took) : xstrdup("is there already");
		json_t *sum = sum_json(s);
		json_put_int(sum, "nodes", (int64_t)nodes);
		run_event(op->engine, u, op->r, "fetch.done", "info", sum, "%s: %s: %s", s->shown, text, note);
		free(note);
	}
}

static void finish(struct op *op)
{
	tell(op->fetch);
	op_leap(op, "submit");
}

static void planned(struct op *op)
{
	op->fetch->source = op->fetch->lo = 0;
	next_window(op);
}

static void asked(struct op *op)
{
	struct fetch *f = op->fetch;
	bool any = false;
	for (size_t i = 0; i < f->n_nodes; i++)
		any = any || f->nodes[i].behind;
	if (any)
		fetch_plan(f, planned);
	else
		finish(op);
}

static void free_nodes(struct fetch *f)
{
	for (size_t i = 0; i < f->n_nodes; i++) {
		for (size_t k = 0; k < f->listing->n; k++)
			free(f->nodes[i].needs[k].missing);
		free(f->nodes[i].needs);
		free(f->nodes[i].left);
		str_free(&f->nodes[i].line);
	}
	free(f->nodes);
	f->nodes = NULL;
	f->n_nodes = 0;
}

/* What is to be done on nodes, from the top: who has what is asked. */
static void begin(struct fetch *f)
{
	struct unit *u = op_unit(f->op);
	struct err err;
	if (!u) {
		err_set(&err, ERR_CONFLICT, "copy: the cluster is not there any more");
		op_failed(f->op, &err);
		return;
	}
	free_nodes(f);
	free(f->ticket);
	f->ticket = sync_ticket();
	f->n_nodes = u->c->n_nodes;
	f->nodes = xcalloc(f->n_nodes + 1, sizeof *f->nodes);
	for (size_t i = 0; i < f->n_nodes; i++) {
		f->nodes[i].needs = xcalloc(f->listing->n + 1, sizeof *f->nodes[i].needs);
		f->nodes[i].line = str_new(1 << 20);
	}
	op_progress(f->op, "asking nodes what is there");
	fetch_ask_state(f, asked);
}

/* A connection that is lost again and again is given up; not one by which some more comes each time. */
void fetch_lost(struct op *op, const struct err *err)
{
	struct fetch *f = op->fetch;
	for (size_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].now > f->nodes[i].done)
			f->lost = 0;
	if (err->code != ERR_NETWORK || ++f->lost > LOST_MAX) {
		op_failed(op, err);
		return;
	}
	op_progress(op, "the connection was lost: once more");
	begin(f);
}

static void listed(void *arg, const struct err *err)
{
	struct fetch *f = arg;
	if (err)
		op_failed(f->op, err);
	else
		begin(f);
}

void fetch_start(struct op *op)
{
	if (op->fetch)
		again(op->fetch, listed);
	else
		list(op, listed);
}

void fetch_drop(struct op *op)
{
	struct fetch *f = op->fetch;
	if (!f)
		return;
	op->fetch = NULL;
	call_cancel(f->call);
	loop_cancel(op->engine->loop, f->timer);
	if (f->listing)
		free_nodes(f);
	listing_destroy(f->listing);
	json_decref(f->links);
	json_decref(f->notes);
	free(f->asked);
	free(f->ticket);
	free(f);
}
