/* Ask, pack, send. Every node is asked what it has and what of that was touched since; nodes that have the same are a group, and get one
 * stream, made once by a child (packer.h) from what changed. For a single node the stream goes through a FIFO while it is being made; for
 * several it lies in a file of the state folder meanwhile, 0600, removed in every case. A connection that is lost under a stream
 * begins all over: by then the node has the files or it has not, and says so. */
#include "core/run/sync.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/io/proc.h"
#include "core/run/fetch.h"
#include "core/run/launch.h"
#include "core/run/mounts.h"

enum {
	ASK_TIMEOUT_MS = 5 * 60000,
	PACK_TIMEOUT_MS = 6 * 3600000,
	SEND_TIMEOUT_MS = 6 * 3600000,
	ROUNDS = 8, /* a connection is lost under the stream so often */
	LINE_MAX_BYTES = 4 << 20,
	SCRIPT_MAX = 256 << 10,
};

struct group {
	json_t *ids;	 /* one an item: what its nodes have, or null */
	json_t *touched; /* one an item: {"touched": […], "folders": […]}, of all its nodes */
	char *out;	 /* the stream: a file or a FIFO */
	int fd;		 /* the reading end of the FIFO, else -1 */
	bool told, send, gzip, packed;
	size_t n_nodes;
};

struct sync {
	struct op *op;
	json_t *items;	  /* as the packer's order has them */
	char *title;	  /* "workdir and 2 file mounts" */
	char *ticket;
	json_t **answers; /* one a node: by key */
	size_t *group_of; /* of each node */
	struct group *groups;
	size_t n_nodes, n_groups, groups_cap;
	struct proc *packer;
	struct str line, complaint;
	struct err packer_err; /* what it said went wrong */
	json_t *notes;
	bool done, piped, sending, compress;
	struct err send_err; /* code NONE: none, or not over */
	bool sent;
	int round;
	int64_t started_ms, files, bytes, deleted;
};

static void ask(struct op *op);

/* ---- asking ------------------------------------------------------------------------------------------------------ */

/* For numbers below 2^31 in a sorted array without doubles. */
static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static json_t *united(const json_t *a, const json_t *b)
{
	size_t na = json_array_size(a), nb = json_array_size(b);
	json_t *out = json_array();
	int64_t *v = xcalloc(na + nb + 1, sizeof *v);
	for (size_t i = 0; i < na + nb; i++)
		v[i] = json_integer_value(i < na ? json_array_get(a, i) : json_array_get(b, i - na));
	if (na + nb)
		qsort(v, na + nb, sizeof *v, by_number);
	for (size_t i = 0; i < na + nb; i++)
		if (!i || v[i] != v[i - 1])
			json_array_append_new(out, json_integer(v[i]));
	free(v);
	return out;
}

static char *script(struct err *err, size_t *len)
{
	char *path = share_path("agent/skytop-tree"), *text = fs_read(path, SCRIPT_MAX, len, err);
	free(path);
	return text;
}

/* The script goes along each time: what is on the node may be of another version, or not be there at all. */
static char *state_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)i;
	struct sync *y = op->sync;
	struct err err;
	struct str s = str_new(1 << 20);
	size_t k;
	json_t *item;
	*input = script(&err, input_len);
	if (!*input) {
		log_line(LOG_ERROR, "sync: %s", err.text);
		return xstrdup("exit 1");
	}
	str_add(&s,
	    ": \"${SKYTOP_AGENT_UMASK:=$(umask)}\"\n"
	    "export SKYTOP_AGENT_UMASK\n"
	    "umask 077\n"
	    "d=${SKYTOP_AGENT_DIR:-$HOME/.skytop}\n"
	    "mkdir -p \"$d\" && cat >\"$d/.tree.$$\" && mv -f \"$d/.tree.$$\" \"$d/skytop-tree\" || exit 1\n"
	    "exec sh \"$d/skytop-tree\" state ");
	shell_quote(&s, y->ticket);
	json_array_foreach(y->items, k, item) {
		str_addc(&s, ' ');
		shell_quote(&s, json_str(item, "key", ""));
	}
	str_add(&s, " </dev/null\n");
	return str_take(&s);
}

static void take_note(struct sync *y, const char *text)
{
	if (text && json_array_size(y->notes) < 50)
		json_array_append_new(y->notes, json_foreign(text));
}

static void each_line(const char *out, size_t len, void (*fn)(struct sync *y, size_t node, const json_t *j), struct sync *y, size_t node)
{
	while (len) {
		const char *nl = memchr(out, '\n', len);
		size_t n = nl ? (size_t)(nl - out) : len;
		json_t *j = json_parse(out, n, NULL);
		if (j)
			fn(y, node, j);
		json_decref(j);
		n += nl != NULL;
		out += n;
		len -= n;
	}
}

static void take_state_line(struct sync *y, size_t node, const json_t *j)
{
	const char *type = json_str(j, "type", ""), *key = json_str(j, "key", NULL);
	if (!strcmp(type, "note"))
		take_note(y, json_str(j, "text", NULL));
	if (strcmp(type, "tree") || !key || node >= y->n_nodes)
		return;
	if (!y->answers[node])
		y->answers[node] = json_object();
	json_object_set(y->answers[node], key, (json_t *)(uintptr_t)j);
}

static void take_state(struct op *op, size_t i, const char *out, size_t len)
{
	each_line(out, len, take_state_line, op->sync, i);
}

static struct group *group_for(struct sync *y, const json_t *ids)
{
	for (size_t i = 0; i < y->n_groups; i++)
		if (json_equal(y->groups[i].ids, ids))
			return &y->groups[i];
	ARRAY_GROW(y->groups, y->n_groups, y->groups_cap);
	struct group *g = &y->groups[y->n_groups];
	*g = (struct group){.ids = json_incref((json_t *)(uintptr_t)ids), .touched = json_array(), .fd = -1};
	for (size_t i = 0; i < json_array_size(ids); i++)
		json_array_append_new(g->touched, json_object());
	y->n_groups++;
	return g;
}

static void put_into_group(struct sync *y, size_t node)
{
	json_t *ids = json_array(), *item;
	size_t k;
	json_array_foreach(y->items, k, item) {
		const char *id = json_str(json_obj(y->answers[node], json_str(item, "key", "")), "id", NULL);
		json_array_append_new(ids, id ? json_string(id) : json_null());
	}
	struct group *g = group_for(y, ids);
	json_decref(ids);
	g->n_nodes++;
	y->group_of[node] = (size_t)(g - y->groups);
	json_array_foreach(y->items, k, item) {
		const json_t *answer = json_obj(y->answers[node], json_str(item, "key", ""));
		json_t *all = json_array_get(g->touched, k);
		json_object_set_new(all, "touched", united(json_arr(all, "touched"), json_arr(answer, "touched")));
		json_object_set_new(all, "folders", united(json_arr(all, "folders"), json_arr(answer, "folders")));
	}
}

/* ---- packing ----------------------------------------------------------------------------------------------------- */

static char *sync_dir(void)
{
	return home_path(HOME_STATE, "sync");
}

static void close_stream(struct group *g)
{
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
	if (g->out)
		unlink(g->out);
}

static void drop_streams(struct sync *y)
{
	proc_destroy(y->packer);
	y->packer = NULL;
	for (size_t i = 0; i < y->n_groups; i++) {
		close_stream(&y->groups[i]);
		free(y->groups[i].out);
		json_decref(y->groups[i].ids);
		json_decref(y->groups[i].touched);
	}
	y->n_groups = 0;
	for (size_t i = 0; i < y->n_nodes; i++) {
		json_decref(y->answers[i]);
		y->answers[i] = NULL;
	}
}

/* Something on this machine. */
static void fail(struct sync *y, const struct err *err)
{
	struct err e = *err; /* err may be inside y, which goes */
	err_wrap(&e, "sync");
	op_failed(y->op, &e);
}

static void send_streams(struct sync *y);
static void finish(struct sync *y);

static void say_what(struct sync *y)
{
	char size[32], count[32];
	size_t nodes = 0;
	int64_t files = 0, bytes = 0, deleted = 0;
	for (size_t i = 0; i < y->n_nodes; i++)
		nodes += y->groups[y->group_of[i]].send;
	files = y->files;
	bytes = y->bytes;
	deleted = y->deleted;
	count_text(files ? files : deleted, count, sizeof count);
	bytes_text(bytes, size, sizeof size);
	if (files || !deleted)
		op_progress(y->op, "syncing %s: %s file%s, %s to %zu node%s", y->title, count, files == 1 ? "" : "s", size, nodes, nodes == 1 ? "" : "s");
	else
		op_progress(y->op, "syncing %s: %s deleted on %zu node%s", y->title, count, nodes, nodes == 1 ? "" : "s");
}

static void all_told(struct sync *y)
{
	bool any = false;
	for (size_t i = 0; i < y->n_groups; i++)
		any = any || y->groups[i].send;
	if (any)
		say_what(y);
	if (any && y->piped)
		send_streams(y);
}

static void take_packer_line(struct sync *y, const json_t *j)
{
	const char *type = json_str(j, "type", "");
	size_t at = (size_t)json_int(j, "group", 0);
	struct group *g = at < y->n_groups ? &y->groups[at] : NULL;
	const json_t *e = json_obj(j, "error");
	if (e) {
		err_set(&y->packer_err, err_code_of(json_str(e, "code", "")), "%s", json_str(e, "message", "packing failed"));
	} else if (!strcmp(type, "group") && g) {
		g->told = true;
		g->send = json_bool(j, "send", false);
		g->gzip = json_bool(j, "gzip", false);
		y->files = json_int(j, "files", 0) > y->files ? json_int(j, "files", 0) : y->files;
		y->bytes = json_int(j, "bytes", 0) > y->bytes ? json_int(j, "bytes", 0) : y->bytes;
		y->deleted = json_int(j, "deleted", 0) > y->deleted ? json_int(j, "deleted", 0) : y->deleted;
		if (at + 1 == y->n_groups)
			all_told(y);
	} else if (!strcmp(type, "packed") && g) {
		g->packed = true;
	} else if (!strcmp(type, "done")) {
		size_t i;
		json_t *text;
		json_array_foreach(json_arr(j, "notes"), i, text)
			take_note(y, json_string_value(text));
		y->done = true;
	}
}

static void on_packer_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct sync *y = arg;
	struct op *op = y->op;
	if (is_err) {
		str_addn(&y->complaint, data, len);
		return;
	}
	str_addn(&y->line, data, len);
	for (const char *nl; op->sync == y && y->line.len && (nl = memchr(y->line.data, '\n', y->line.len));) {
		size_t n = (size_t)(nl - y->line.data) + 1;
		json_t *j = json_parse(y->line.data, n, NULL);
		str_shift(&y->line, n);
		take_packer_line(y, j); /* may end the step */
		json_decref(j);
	}
}

static void on_packer_exit(void *arg, int status, bool timed_out)
{
	struct sync *y = arg;
	char how[64];
	bool any = false;
	y->packer = NULL;
	for (size_t i = 0; i < y->n_groups; i++)
		any = any || y->groups[i].send;
	if (!y->done && y->packer_err.code == ERR_NONE) {
		struct str said = str_new(500);
		text_clean(&said, str_text(&y->complaint), y->complaint.len < 400 ? y->complaint.len : 400);
		err_set(&y->packer_err, timed_out ? ERR_TIMEOUT : ERR_FAILED, "packing: %s: %s", timed_out ? "no end in time" : proc_status_text(status, how, sizeof how),
		    str_text(&said));
		str_free(&said);
	}
	if (y->sending) { /* piped: both ends must have come to their end */
		if (y->sent)
			finish(y);
	} else if (y->packer_err.code) {
		fail(y, &y->packer_err);
	} else if (any) {
		send_streams(y);
	} else {
		y->sent = true;
		finish(y);
	}
}

static json_t *order(struct sync *y)
{
	char *trees = home_path(HOME_STATE, "trees");
	json_t *groups = json_array();
	for (size_t i = 0; i < y->n_groups; i++) {
		json_t *bases = json_array();
		for (size_t k = 0; k < json_array_size(y->items); k++) {
			json_t *base = json_copy(json_array_get(y->groups[i].touched, k));
			json_object_set(base, "id", json_array_get(y->groups[i].ids, k));
			json_array_append_new(bases, base);
		}
		json_array_append_new(groups, json_pack("{s:s, s:o}", "out", y->groups[i].out, "bases", bases));
	}
	json_t *j = json_pack("{s:s, s:s, s:b, s:O, s:o}", "trees", trees, "stamp", y->ticket, "compress", y->compress, "items", y->items, "groups", groups);
	free(trees);
	return j;
}

static int make_outs(struct sync *y, struct err *err)
{
	char *dir = sync_dir();
	int rc = fs_mkdirs(dir, err);
	y->piped = y->n_groups == 1 && y->groups[0].n_nodes == 1;
	for (size_t i = 0; i < y->n_groups && !rc; i++) {
		struct group *g = &y->groups[i];
		g->out = xasprintf("%s/%" PRId64 ".%zu", dir, y->op->r->id, i);
		unlink(g->out);
		if (!y->piped)
			continue;
		y->piped = !mkfifo(g->out, 0600) && (g->fd = open(g->out, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) >= 0;
		if (!y->piped)
			unlink(g->out); /* a file system without FIFOs: a file then */
	}
	free(dir);
	return rc;
}

static void pack(struct op *op)
{
	struct sync *y = op->sync;
	struct err err;
	const struct cluster *c = op_unit(op)->c;
	for (size_t i = 0; i < y->n_nodes; i++) {
		if (!c->nodes[i].reach)
			continue;
		if (json_object_size(y->answers[i]) != json_array_size(y->items)) {
			err_set(&err, ERR_PROTOCOL, "node %zu did not say which files it has", i);
			fail(y, &err);
			return;
		}
		put_into_group(y, i);
	}
	if (make_outs(y, &err)) {
		fail(y, &err);
		return;
	}
	op_progress(op, "syncing %s: looking for changes", y->title);
	json_t *j = order(y);
	char *text = json_text(j);
	size_t len = strlen(text);
	const char *const argv[] = {op->engine->setup.self, "pack-tree", NULL};
	y->packer = proc_start(op->engine->loop, &(struct proc_spec){.argv = argv, .input = text, .input_len = len, .timeout_ms = PACK_TIMEOUT_MS},
	    &(struct proc_handlers){on_packer_out, on_packer_exit, y}, &err);
	memset(text, 0, len); /* it may hold a token */
	free(text);
	json_decref(j);
	if (!y->packer)
		fail(y, &err);
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

static char *recv_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)input;
	(void)input_len;
	const struct sync *y = op->sync;
	const struct group *g = &y->groups[y->group_of[i]];
	if (i >= y->n_nodes || !y->answers[i] || !g->send)
		return NULL;
	struct str s = str_new(1 << 20);
	str_add(&s,
	    ": \"${SKYTOP_AGENT_UMASK:=$(umask)}\"\n"
	    "export SKYTOP_AGENT_UMASK\n"
	    "exec sh \"${SKYTOP_AGENT_DIR:-$HOME/.skytop}/skytop-tree\" recv ");
	shell_quote(&s, y->ticket);
	str_add(&s, g->gzip ? " -z\n" : "\n");
	return str_take(&s);
}

static int recv_input(struct op *op, size_t i)
{
	struct sync *y = op->sync;
	struct group *g = &y->groups[y->group_of[i]];
	if (g->fd < 0)
		return open(g->out, O_RDONLY | O_CLOEXEC);
	int fd = g->fd;
	g->fd = -1;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

static void take_recv_line(struct sync *y, size_t node, const json_t *j)
{
	(void)node;
	if (!strcmp(json_str(j, "type", ""), "note"))
		take_note(y, json_str(j, "text", NULL));
}

static void take_recv(struct op *op, size_t i, const char *out, size_t len)
{
	each_line(out, len, take_recv_line, op->sync, i);
}

static void all_sent(struct op *op)
{
	struct sync *y = op->sync;
	y->sent = true;
	if (!y->packer)
		finish(y);
}

static void send_failed(struct op *op, const struct err *err)
{
	struct sync *y = op->sync;
	y->send_err = *err;
	y->sent = true;
	if (y->packer && err->code != ERR_NETWORK)
		return; /* it may know better why; it ends too, for nobody reads any more */
	proc_destroy(y->packer);
	y->packer = NULL;
	finish(y);
}

static void send_streams(struct sync *y)
{
	y->sending = true;
	op_remote(y->op, &(struct op_remote_spec){.what = "sync files", .timeout_ms = SEND_TIMEOUT_MS, .command = recv_command, .input_fd = recv_input,
		.each = take_recv, .failed = send_failed, .once = true}, 0, y->n_nodes, all_sent);
}

static void tell(struct sync *y)
{
	char took[24], size[32], count[32];
	size_t i;
	json_t *text;
	struct unit *u = op_unit(y->op);
	json_array_foreach(y->notes, i, text)
		run_event(y->op->engine, u, y->op->r, "sync.note", "warn", NULL, "sync: %s", json_string_value(text));
	if (y->files || y->deleted)
		run_event(y->op->engine, u, y->op->r, "sync.done", "info",
		    json_pack("{s:I, s:I, s:I}", "files", (json_int_t)y->files, "bytes", (json_int_t)y->bytes, "deleted", (json_int_t)y->deleted),
		    "synced %s: %s files, %s, %" PRId64 " deleted, in %s", y->title, count_text(y->files, count, sizeof count),
		    bytes_text(y->bytes, size, sizeof size), y->deleted, duration_text(mono_now_ms() - y->started_ms, took, sizeof took));
}

/* The packer has ended, and the sending, if there was one. */
static void finish(struct sync *y)
{
	struct op *op = y->op;
	if (y->packer_err.code && y->packer_err.code != ERR_NETWORK) {
		fail(y, &y->packer_err);
	} else if (y->send_err.code == ERR_NETWORK && ++y->round < ROUNDS) {
		op_progress(op, "syncing %s: the connection was lost: once more", y->title);
		drop_streams(y);
		ask(op);
	} else if (y->send_err.code) {
		op_failed(op, &y->send_err);
	} else {
		tell(y);
		fetch_after_sync(op);
	}
}

/* ---- the step ---------------------------------------------------------------------------------------------------- */

char *sync_ticket(void)
{
	unsigned char b[8] = {0};
	char hex[20];
	if (getentropy(b, sizeof b))
		memcpy(b, &(int64_t){mono_now_us()}, sizeof b);
	for (size_t i = 0; i < sizeof b; i++)
		snprintf(hex + 2 * i, 3, "%02x", b[i]);
	return xasprintf("%" PRIx64 "-%s", wall_now_ms(), hex);
}

static void ask(struct op *op)
{
	struct sync *y = op->sync;
	free(y->ticket);
	y->ticket = sync_ticket();
	y->done = y->piped = y->sending = y->sent = false;
	y->packer_err.code = y->send_err.code = ERR_NONE;
	y->files = y->bytes = y->deleted = 0;
	str_clear(&y->line);
	str_clear(&y->complaint);
	op_progress(op, "syncing %s: asking what is there", y->title);
	op_remote(op, &(struct op_remote_spec){.what = "sync files", .timeout_ms = ASK_TIMEOUT_MS, .command = state_command, .each = take_state}, 0, y->n_nodes,
	    pack);
}

/* Streams of an engine that did not live to remove them. */
static void sweep(struct engine *e)
{
	char *dir = sync_dir();
	struct err ignored;
	bool busy = false;
	for (size_t i = 0; i < e->n_ops; i++)
		busy = busy || e->ops[i]->sync;
	if (!busy)
		fs_remove_tree(dir, &ignored);
	free(dir);
}

/* Is it worth its time to compress for these nodes? Not on this machine, nor in its own networks. */
static bool is_near(const json_t *reach)
{
	static const char *const prefixes[] = {"10.", "192.168.", "127.", "169.254.", "fe80:", "fc", "fd", "::1"};
	const char *host = json_str(reach, "host", "");
	unsigned b = 0;
	if (strcmp(json_str(reach, "kind", ""), "ssh") || !strcmp(host, "localhost"))
		return true;
	if (host[strspn(host, "0123456789abcdefABCDEF.:")] || !strpbrk(host, ".:"))
		return false; /* a name: who knows */
	if (sscanf(host, "172.%3u.", &b) == 1 && b >= 16 && b <= 31)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(host, prefixes[i]))
			return true;
	return false;
}

static int check_again(struct op *op, const struct task *t, struct err *err)
{
	const struct cluster *c = op_unit(op)->c;
	bool here = false, mounts = !strcmp(op->r->verb, "launch");
	for (size_t i = 0; i < c->n_nodes; i++)
		here = here || !strcmp(json_str(c->nodes[i].reach, "kind", ""), "local");
	struct task only = *t; /* exec leaves the mounts alone */
	if (!mounts)
		only.n_mounts = 0;
	if (!mounts)
		only.storage_mounts = NULL;
	return mounts_check(&only, here, err);
}

void sync_start(struct op *op)
{
	struct err err;
	struct unit *u = op_unit(op);
	struct dag *d = launch_task(op, &err);
	if (!d || !u) {
		if (d)
			err_set(&err, ERR_CONFLICT, "sync: the cluster is not there any more");
		dag_destroy(d);
		op_failed(op, &err);
		return;
	}
	sync_drop(op);
	sweep(op->engine);
	struct sync *y = op->sync = xcalloc(1, sizeof *y);
	*y = (struct sync){.op = op, .items = json_array(), .notes = json_array(), .n_nodes = u->c->n_nodes, .line = str_new(LINE_MAX_BYTES),
	    .complaint = str_new(4096), .started_ms = mono_now_ms()};
	y->answers = xcalloc(y->n_nodes + 1, sizeof(json_t *));
	y->group_of = xcalloc(y->n_nodes + 1, sizeof *y->group_of);
	for (size_t i = 0; i < y->n_nodes; i++)
		y->compress = y->compress || (u->c->nodes[i].reach && !is_near(u->c->nodes[i].reach));
	bool wrong = check_again(op, &d->tasks[0], &err) || mounts_items(&d->tasks[0], !strcmp(op->r->verb, "launch"), y->items, &y->title, &err);
	dag_destroy(d);
	if (wrong)
		op_failed(op, &err);
	else if (!json_array_size(y->items))
		fetch_after_sync(op);
	else
		ask(op);
}

void sync_drop(struct op *op)
{
	struct sync *y = op->sync;
	if (!y)
		return;
	op->sync = NULL;
	drop_streams(y);
	free(y->groups);
	free(y->answers);
	free(y->group_of);
	free(y->title);
	free(y->ticket);
	json_decref(y->items);
	json_decref(y->notes);
	str_free(&y->line);
	str_free(&y->complaint);
	free(y);
}
