/* What nodes are asked, and what they say. The scripts go along with the first question; lists travel as a tar on stdin, links as lines on stdin:
 * never as arguments, which others on a host can see. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/ustar.h"
#include "core/run/fetch_priv.h"

enum {
	ASK_TIMEOUT_MS = 5 * 60000,
	PLAN_TIMEOUT_MS = 20 * 60000,
	PLACE_TIMEOUT_MS = 60 * 60000,
	SCRIPT_MAX = 256 << 10,
	INPUT_MAX = 256 << 20,
	WORKERS = 8,
	NOTES_MAX = 50,
	SHOWN_EVERY_MS = 250,
	SMALL_BYTES = 256 << 10, /* so much could have come while a request is answered */
};

static const char umask_lines[] = ": \"${SKYTOP_AGENT_UMASK:=$(umask)}\"\n"
				  "export SKYTOP_AGENT_UMASK\n"
				  "umask 077\n"
				  "d=${SKYTOP_AGENT_DIR:-$HOME/.skytop}\n";

static void each_line(struct fetch *f, size_t node, const char *out, size_t len, void (*fn)(struct fetch *f, size_t node, const json_t *j))
{
	while (len) {
		const char *nl = memchr(out, '\n', len);
		size_t n = nl ? (size_t)(nl - out) : len;
		json_t *j = json_parse(out, n, NULL);
		if (j)
			fn(f, node, j);
		json_decref(j);
		n += nl != NULL;
		out += n;
		len -= n;
	}
}

static bool take_note(struct fetch *f, const json_t *j)
{
	const char *text = json_str(j, "text", NULL);
	if (strcmp(json_str(j, "type", ""), "note") != 0)
		return false;
	if (text && json_array_size(f->notes) < NOTES_MAX)
		json_array_append_new(f->notes, json_foreign(text));
	return true;
}

static struct fetch_need *need_of(struct fetch *f, size_t node, const char *key, const struct source **s)
{
	for (size_t i = 0; i < f->listing->n && node < f->n_nodes; i++)
		if (!strcmp(f->listing->v[i].key, key)) {
			*s = &f->listing->v[i];
			return &f->nodes[node].needs[i];
		}
	return NULL;
}

/* ---- what is there ---------------------------------------------------------------------------------------------------- */

static int add_script(struct str *tar, const char *name, struct err *err)
{
	char *in = xasprintf("agent/%s", name), *path = share_path(in), *text;
	size_t len = 0;
	text = fs_read(path, SCRIPT_MAX, &len, err);
	if (text)
		ustar_add(tar, name, 0600, text, len);
	free(text);
	free(path);
	free(in);
	return text ? 0 : -1;
}

static char *state_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)i;
	struct fetch *f = op->fetch;
	struct err err;
	struct str tar = str_new(1 << 20), s = str_new(1 << 20);
	if (add_script(&tar, "skytop-tree", &err) || add_script(&tar, "skytop-fetch", &err)) {
		log_line(LOG_ERROR, "fetch: %s", err.text);
		str_free(&tar);
		return xstrdup("exit 1");
	}
	ustar_end(&tar);
	*input_len = tar.len;
	*input = str_take(&tar);
	str_addf(&s, "%s"
	    "t=$d/.fetch.$$\n"
	    "mkdir -p \"$t\" && tar -C \"$t\" -xomf - && mv -f \"$t\"/* \"$d\" && rmdir \"$t\" || exit 1\n"
	    "exec sh \"$d/skytop-tree\" state %s", umask_lines, f->ticket);
	for (size_t k = 0; k < f->listing->n; k++)
		str_addf(&s, " %s", f->listing->v[k].key);
	str_add(&s, " </dev/null\n");
	return str_take(&s);
}

/* The id of what is there begins with that of its listing; a ticket follows. */
static void take_state_line(struct fetch *f, size_t node, const json_t *j)
{
	const struct source *s;
	struct fetch_need *n = strcmp(json_str(j, "type", ""), "tree") ? NULL : need_of(f, node, json_str(j, "key", ""), &s);
	if (take_note(f, j) || !n)
		return;
	n->differs = !str_starts(json_str(j, "id", ""), s->id) || json_array_size(json_arr(j, "touched")) || json_array_size(json_arr(j, "folders"));
	f->nodes[node].behind = f->nodes[node].behind || n->differs;
}

static void take_state(struct op *op, size_t i, const char *out, size_t len)
{
	each_line(op->fetch, i, out, len, take_state_line);
}

void fetch_ask_state(struct fetch *f, void (*next)(struct op *op))
{
	op_remote(f->op, &(struct op_remote_spec){.what = "copy files", .timeout_ms = ASK_TIMEOUT_MS, .command = state_command, .each = take_state}, 0, f->n_nodes, next);
}

/* ---- what is to come -------------------------------------------------------------------------------------------------- */

static void add_list(struct str *tar, const char *key, const char *name, struct str *text)
{
	char path[100];
	snprintf(path, sizeof path, "%s/%s", key, name);
	ustar_add(tar, path, 0600, str_text(text), text->len);
	str_clear(text);
}

static void add_path(struct str *s, const char *path)
{
	str_add(s, *path ? "./" : ".");
	str_add(s, path);
	str_addc(s, '\0');
}

/* As the packer sends them (packer.h), and "objects": "ID SIZE" for each name. */
static void add_lists(struct str *tar, const struct fetch *f, const struct source *s)
{
	const struct objects *o = s->objects;
	struct str t = str_new(INPUT_MAX);
	str_addf(&t, "%s-%s\n", s->id, f->ticket);
	add_list(tar, s->key, "id", &t);
	str_addf(&t, "%s\n", json_str(s->item, "root", ""));
	add_list(tar, s->key, "root", &t);
	for (size_t i = 0; i < o->n; i++)
		add_path(&t, o->v[i].path);
	add_list(tar, s->key, "names", &t);
	for (size_t i = 0; i < o->n; i++)
		str_add(&t, "-\n");
	add_list(tar, s->key, "attrs", &t);
	for (size_t i = 0; i < o->n; i++)
		str_addf(&t, "%016" PRIx64 " %" PRId64 "\n", o->v[i].id, o->v[i].size);
	add_list(tar, s->key, "objects", &t);
	for (size_t i = 0; i < o->n_folders; i++)
		add_path(&t, o->folders[i]);
	add_list(tar, s->key, "dirs", &t);
	str_free(&t);
}

static char *plan_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	struct fetch *f = op->fetch;
	struct str tar = str_new(INPUT_MAX), keys = str_new(1 << 20);
	if (i >= f->n_nodes || !f->nodes[i].behind)
		return NULL;
	for (size_t k = 0; k < f->listing->n; k++)
		if (f->nodes[i].needs[k].differs) {
			add_lists(&tar, f, &f->listing->v[k]);
			str_addf(&keys, "%s\n", f->listing->v[k].key);
		}
	ustar_add(&tar, "keys", 0600, str_text(&keys), keys.len);
	ustar_add(&tar, "end", 0600, "end\n", 4);
	ustar_end(&tar);
	str_free(&keys);
	*input_len = tar.len;
	*input = str_take(&tar);
	return xasprintf("%sexec sh \"$d/skytop-tree\" plan %s\n", umask_lines, f->ticket);
}

static void take_plan_line(struct fetch *f, size_t node, const json_t *j)
{
	const struct source *s;
	struct fetch_need *n = strcmp(json_str(j, "type", ""), "need") ? NULL : need_of(f, node, json_str(j, "key", ""), &s);
	json_t *range;
	json_int_t done = 0;
	size_t i;
	if (take_note(f, j) || !n)
		return;
	size_t all = s->objects->n;
	if (!n->missing)
		n->missing = xcalloc(all / 8 + 1, 1);
	f->nodes[node].total += json_int(j, "bytes", 0);
	json_array_foreach(json_arr(j, "lines"), i, range) {
		json_int_t from = json_integer_value(json_array_get(range, 0)), to = json_integer_value(json_array_get(range, 1));
		for (json_int_t k = from > done ? from : done + 1; k <= to && (size_t)k <= all; k++) { /* they ascend, so that no line is gone through twice */
			size_t at = (size_t)k - 1;
			done = k;
			if (fetch_is_missing(n, at))
				continue;
			n->missing[at / 8] |= (unsigned char)(1U << at % 8);
			n->n_missing++;
		}
	}
}

static void take_plan(struct op *op, size_t i, const char *out, size_t len)
{
	each_line(op->fetch, i, out, len, take_plan_line);
}

void fetch_plan(struct fetch *f, void (*next)(struct op *op))
{
	op_remote(f->op, &(struct op_remote_spec){.what = "copy files", .timeout_ms = PLAN_TIMEOUT_MS, .command = plan_command, .each = take_plan, .failed = fetch_lost,
		.once = true}, 0, f->n_nodes, next);
}

/* ---- fetching --------------------------------------------------------------------------------------------------------- */

static void show(struct fetch *f)
{
	char now[32], all[32];
	int64_t done = 0, total = 0;
	size_t nodes = 0;
	if (mono_now_ms() - f->told_at_ms < SHOWN_EVERY_MS)
		return;
	f->told_at_ms = mono_now_ms();
	for (size_t i = 0; i < f->n_nodes; i++) {
		done += f->nodes[i].now;
		total += f->nodes[i].total;
		nodes += f->nodes[i].total > 0;
	}
	op_progress(f->op, "copying %s: %s of %s to %zu node%s", f->listing->v[f->source].shown, bytes_text(done, now, sizeof now), bytes_text(total, all, sizeof all),
	    nodes, nodes == 1 ? "" : "s");
}

static bool plain(const char *s)
{
	for (; s && *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127 || *s == '"' || *s == '\\')
			return false;
	return s != NULL;
}

/* As in a file of settings for curl, between quotes. */
static void add_quoted(struct str *s, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			str_addc(s, '\\');
		str_addc(s, *text);
	}
}

/* The worker with the least to do. */
static size_t lightest(int64_t load[WORKERS], int64_t bytes)
{
	size_t w = 0;
	for (size_t i = 1; i < WORKERS; i++)
		if (load[i] < load[w])
			w = i;
	load[w] += bytes + SMALL_BYTES;
	return w;
}

static char *get_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	struct fetch *f = op->fetch;
	const struct source *s = &f->listing->v[f->source];
	struct str in = str_new(INPUT_MAX);
	int64_t load[WORKERS] = {0};
	bool is_secret = !s->is_public || strcmp(s->uri, s->shown) != 0;
	if (i >= f->n_nodes)
		return NULL;
	struct fetch_need *n = &f->nodes[i].needs[f->source];
	for (size_t k = 0; k < f->n_asked; k++) {
		const struct object *o = &s->objects->v[f->asked[k]];
		const json_t *link = json_array_get(f->links, k);
		const char *url = json_str(link, "url", NULL), *header = json_str(link, "header", NULL);
		if (!fetch_is_missing(n, f->asked[k]) || !plain(url) || strchr(url, ' ') || (header && !plain(header)))
			continue;
		str_addf(&in, "%zu\t%zu\t%" PRId64 "\t", f->asked[k], lightest(load, o->size), o->size);
		add_quoted(&in, o->path);
		bool strong = o->etag && plain(o->etag) && *o->etag && !str_starts(o->etag, "W/");
		str_addf(&in, "\t%s\t%s\t%s\t%s\n", url, strong ? o->etag : "-", header ? header : "-", json_bool(link, "stored", false) ? "stored" : "-");
	}
	if (!in.len)
		return NULL;
	f->nodes[i].n_left = 0;
	str_clear(&f->nodes[i].line);
	*input_len = in.len;
	*input = str_take(&in);
	return xasprintf("%sexec sh \"$d/skytop-tree\" get %s %s%s\n", umask_lines, f->ticket, s->key, is_secret ? " secret" : "");
}

static void take_progress_line(struct fetch *f, size_t node, const json_t *j)
{
	struct fetch_node *n = &f->nodes[node];
	int64_t bytes = json_int(j, "n", 0);
	if (strcmp(json_str(j, "type", ""), "bytes") != 0)
		return;
	n->now = n->done + bytes > n->now ? n->done + bytes : n->now;
	show(f);
}

static void on_piece(struct op *op, size_t i, const char *data, size_t len)
{
	struct fetch *f = op->fetch;
	if (i >= f->n_nodes)
		return;
	struct str *line = &f->nodes[i].line;
	str_addn(line, data, len);
	for (const char *nl; line->len && (nl = memchr(line->data, '\n', line->len));) {
		size_t n = (size_t)(nl - line->data) + 1;
		each_line(f, i, line->data, n, take_progress_line);
		str_shift(line, n);
	}
}

static void take_left_line(struct fetch *f, size_t node, const json_t *j)
{
	struct fetch_node *n = &f->nodes[node];
	const char *type = json_str(j, "type", "");
	if (!strcmp(type, "why"))
		snprintf(n->why, sizeof n->why, "%s", json_str(j, "text", ""));
	if (strcmp(type, "left") != 0)
		return;
	ARRAY_GROW(n->left, n->n_left, n->left_cap);
	n->left[n->n_left++] = (struct fetch_left){(size_t)json_int(j, "line", 0), (int)json_int(j, "status", 0)};
}

static bool is_left(const struct fetch_node *n, size_t object)
{
	for (size_t i = 0; i < n->n_left; i++)
		if (n->left[i].object == object)
			return true;
	return false;
}

/* What is not said to be left is there. */
static void take_got(struct op *op, size_t i, const char *out, size_t len)
{
	struct fetch *f = op->fetch;
	struct fetch_node *n = &f->nodes[i];
	const struct objects *o = f->listing->v[f->source].objects;
	size_t kept = 0;
	n->why[0] = '\0';
	each_line(f, i, out, len, take_left_line);
	for (size_t k = 0; k < n->n_left; k++)
		if (n->left[k].object < o->n && fetch_is_missing(&n->needs[f->source], n->left[k].object))
			n->left[kept++] = n->left[k];
	n->n_left = kept;
	for (size_t k = 0; k < f->n_asked; k++) {
		size_t object = f->asked[k];
		if (!is_left(n, object))
			fetch_got(&n->needs[f->source], object);
	}
}

void fetch_get(struct fetch *f, void (*next)(struct op *op))
{
	show(f);
	op_remote(f->op, &(struct op_remote_spec){.what = "copy files", .command = get_command, .each = take_got, .piece = on_piece, .failed = fetch_lost,
		.once = true}, 0, f->n_nodes, next);
}

/* ---- placing ---------------------------------------------------------------------------------------------------------- */

static char *place_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)input;
	(void)input_len;
	struct fetch *f = op->fetch;
	if (i >= f->n_nodes || !f->nodes[i].behind)
		return NULL;
	return xasprintf("%sexec sh \"$d/skytop-tree\" place %s </dev/null\n", umask_lines, f->ticket);
}

static void take_place_line(struct fetch *f, size_t node, const json_t *j)
{
	(void)node;
	take_note(f, j);
}

static void take_place(struct op *op, size_t i, const char *out, size_t len)
{
	each_line(op->fetch, i, out, len, take_place_line);
}

void fetch_place(struct fetch *f, void (*next)(struct op *op))
{
	op_remote(f->op, &(struct op_remote_spec){.what = "copy files", .timeout_ms = PLACE_TIMEOUT_MS, .command = place_command, .each = take_place,
		.failed = fetch_lost, .once = true}, 0, f->n_nodes, next);
}
