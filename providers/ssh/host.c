/* What goes to a host and what comes back. A host may be anything: another version's leases on it, a driver that is ill, a
 * shell that prints what nobody asked for; its lines are looked at before they are believed, and what it says to people
 * goes through text_clean. */
#include "providers/ssh/host.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/local/nvidia.h"

enum { COMMAND_MAX = 28000, LEASES_MAX = 10000, SAID_MAX = 300 };

/* ---- asking ------------------------------------------------------------------------------------------------------ */

const char *host_command(struct arena *a, const char *const *words, bool keep)
{
	struct str s = str_new(COMMAND_MAX);
	if (keep)
		/* Once there is a file in the folder, nobody who leaves takes it along. When the connection breaks before all of it is there,
		 * perhaps seen here hours later, nothing stays. */
		str_add(&s, "set -e; umask 077; d=$HOME/.skytop; for i in 1 2 3 4 5; do [ -d \"$d\" ] || mkdir -p \"$d\" || true; true >\"$d/.host.$$\" && break; done; "
			    "cat >\"$d/.host.$$\" && l=$(tail -n 1 \"$d/.host.$$\") || l=; "
			    "case $l in main*) ;; *) rm -f \"$d/.host.$$\"; rmdir \"$d\" || true; exit 1 ;; esac; exec sh \"$d/.host.$$\"");
	else
		str_add(&s, "exec sh -s --");
	for (; *words; words++) {
		str_addc(&s, ' ');
		shell_quote(&s, *words);
	}
	const char *out = arena_strdup(a, str_text(&s));
	str_free(&s);
	return out;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum err_code code;
} codes[] = {{"no_resource", ERR_CAPACITY}, {"conflict", ERR_CONFLICT}, {"not_found", ERR_NOT_FOUND}, {"locked", ERR_TIMEOUT}, {"io", ERR_IO},
    {"usage", ERR_INVALID}};

static const char *cleaned(struct arena *a, const char *text, size_t len)
{
	struct str s = str_new(SAID_MAX * 4);
	while (len && (unsigned char)text[len - 1] <= ' ')
		len--;
	text_clean(&s, text, len < SAID_MAX ? len : SAID_MAX);
	const char *out = arena_strdup(a, str_text(&s));
	str_free(&s);
	return out;
}

static void put_error(struct arena *a, json_t *out, const struct pool_host *spec, enum err_code code, const char *text)
{
	json_t *e = json_object();
	json_put_str(e, "code", err_info(code)->name);
	json_put_str(e, "message", arena_printf(a, "%s/%s: %s", spec->pool, spec->name, text));
	json_object_set_new(out, "error", e);
}

static void not_reached(struct arena *a, json_t *out, const struct pool_host *spec, const struct provider_ssh_reply *r)
{
	const char *text = r->err_text && r->err_text[0] ? r->err_text : "no answer";
	if (r->code == ERR_CREDENTIALS && spec->password && !spec->identity_file)
		text = arena_printf(a, "%s; logging in by password is not supported: put a key there with ssh-copy-id%s%s %s, and take the password out",
		    text, spec->port ? " -p " : "", spec->port ? arena_printf(a, "%d", spec->port) : "",
		    spec->user ? arena_printf(a, "%s@%s", spec->user, spec->name) : spec->name);
	put_error(a, out, spec, r->code, text);
}

static bool lease_ok(const json_t *l)
{
	return json_str(l, "id", "")[0] && json_str(l, "state", "")[0] && json_str(l, "home", "")[0] && json_str(l, "boot", NULL);
}

/* One line. Returns true at the mark of the end. */
static bool take_line(json_t *out, json_t *leases, const json_t *j, const json_t **error)
{
	const char *type = json_str(j, "type", "");
	if (json_obj(j, "error"))
		*error = json_obj(j, "error");
	else if (str_eq(type, "host"))
		json_object_set(out, "host", (json_t *)(uintptr_t)j);
	else if (str_eq(type, "lease") && lease_ok(j) && json_array_size(leases) < LEASES_MAX)
		json_array_append(leases, (json_t *)(uintptr_t)j);
	return str_eq(type, "end");
}

static void take_error(struct arena *a, json_t *out, const struct pool_host *spec, const json_t *error)
{
	const char *name = json_str(error, "code", ""), *text = json_str(error, "message", name);
	enum err_code code = ERR_FAILED;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (str_eq(codes[i].name, name))
			code = codes[i].code;
	put_error(a, out, spec, code, cleaned(a, text, strlen(text)));
}

json_t *host_read(struct arena *a, const struct pool_host *spec, const struct provider_ssh_reply *r)
{
	json_t *out = json_object(), *leases = json_array();
	json_object_set_new(out, "leases", leases);
	json_put_bool(out, "asked", r->code == ERR_NONE);
	if (r->code != ERR_NONE) {
		not_reached(a, out, spec, r);
		return out;
	}
	bool ended = false;
	const json_t *error = NULL;
	json_t *keep = json_array(); /* error borrows from a line */
	for (const char *p = r->out; p && *p && !ended;) {
		size_t len = strcspn(p, "\n");
		json_t *j = p[0] == '{' ? json_parse(p, len, NULL) : NULL;
		if (j) {
			ended = take_line(out, leases, j, &error);
			json_array_append_new(keep, j);
		}
		p += len + (p[len] == '\n');
	}
	const char *said = r->complaint && r->complaint[0] ? r->complaint : r->out ? r->out : "";
	if (error)
		take_error(a, out, spec, error);
	else if (!ended && r->status != 0)
		put_error(a, out, spec, ERR_IO, arena_printf(a, "the script there ended with status %d: %s", r->status, cleaned(a, said, strlen(said))));
	else if (!ended)
		put_error(a, out, spec, ERR_PROTOCOL, arena_printf(a, "its answer was cut, or is none: %s", cleaned(a, said, strlen(said))));
	json_decref(keep);
	return out;
}

bool host_error(const json_t *reply, struct err *err)
{
	const json_t *e = json_obj(reply, "error");
	if (e)
		err_set(err, err_code_of(json_str(e, "code", "")), "%s", json_str(e, "message", "no answer"));
	return e != NULL;
}

bool host_asked(const json_t *reply)
{
	return json_bool(reply, "asked", false);
}

/* ---- what there is, and what of it is free ----------------------------------------------------------------------- */

static void add_gpu(struct host *h, int64_t index, int64_t mem_mib, const char *model)
{
	if (h->n_gpus == POOLS_GPUS_MAX)
		return;
	h->gpus[h->n_gpus++] = (struct host_gpu){index, mem_mib, 1000, model};
	size_t m = 0;
	while (m < h->size.n_models && !str_eq(h->size.model[m], model))
		m++;
	if (m == ARRAY_LEN(h->size.model))
		return;
	if (m == h->size.n_models)
		h->size.model[h->size.n_models++] = model;
	h->size.count[m]++;
	h->size.gpus++;
}

/* The script sends nvidia-smi's lines with '|' between them. */
static void look_at_gpus(struct arena *a, struct host *h)
{
	struct nvidia_gpu *list = arena_alloc(a, NVIDIA_GPUS_MAX * sizeof *list);
	const struct pool_host *s = h->spec;
	if (s->gpu_model) {
		for (int64_t i = 0; i < s->gpus; i++)
			add_gpu(h, i, -1, s->gpu_model);
		return;
	}
	const char *text = json_str(h->info, "nvidia", NULL), *ill = json_str(h->info, "nvidia_error", NULL);
	struct err err = {0};
	char *lines = arena_strdup(a, text ? text : "");
	for (char *p = lines; *p; p++)
		if (*p == '|')
			*p = '\n';
	int n = nvidia_parse(lines, list, &err);
	if (ill || n < 0)
		h->gpu_why = ill ? arena_printf(a, "nvidia-smi fails: %s", cleaned(a, ill, strlen(ill))) : arena_strdup(a, err.text);
	for (int i = 0; i < n && (s->gpus < 0 || i < s->gpus); i++)
		add_gpu(h, list[i].index, list[i].mem_mib, list[i].name);
}

static void take_gpu(struct host *h, int64_t index, int64_t milli)
{
	for (size_t i = 0; i < h->n_gpus; i++)
		if (h->gpus[i].index == index)
			h->gpus[i].free_milli = h->gpus[i].free_milli > milli ? h->gpus[i].free_milli - milli : 0;
}

static void subtract_leases(struct host *h)
{
	size_t i, k;
	json_t *l, *index;
	json_array_foreach(json_arr(h->reply, "leases"), i, l) {
		if (str_eq(json_str(l, "state", ""), "STOPPED"))
			continue;
		int64_t milli = json_int(l, "gpu_milli", 0);
		h->n_leases++;
		h->free_cpus -= json_int(l, "cpus", 0);
		h->free_mem_mib -= json_int(l, "mem_mib", 0);
		json_array_foreach(json_arr(l, "gpus"), k, index)
			take_gpu(h, json_integer_value(index), milli < 1000 ? milli : 1000);
	}
}

/* Why nothing can be leased there, the most basic reason first. */
static const char *why_not(struct arena *a, const struct host *h)
{
	struct err err;
	if (host_error(h->reply, &err)) {
		const char *text = err.text;
		size_t skip = strlen(h->spec->pool) + strlen(h->spec->name) + 3; /* "pool/host: " */
		return arena_strdup(a, strlen(text) > skip ? text + skip : text);
	}
	if (!h->info)
		return "it says nothing about itself";
	const json_t *missing = json_arr(h->info, "missing");
	if (json_array_size(missing)) {
		struct str s = str_new(300);
		size_t i;
		json_t *tool;
		json_array_foreach(missing, i, tool)
			str_addf(&s, "%s%s", i ? ", " : "", json_is_string(tool) ? json_string_value(tool) : "?");
		const char *out = arena_printf(a, "it lacks %s", cleaned(a, str_text(&s), s.len));
		str_free(&s);
		return out;
	}
	int64_t disk = json_int(h->info, "disk_free_mib", -1);
	if (disk >= 0 && disk < HOST_DISK_MIN_MIB)
		return arena_printf(a, "its disk is full: %" PRId64 " MiB are free where its home is", disk);
	if (!json_bool(h->info, "writable", true)) {
		const char *why = json_str(h->info, "why", "no reason given");
		return arena_printf(a, "its home cannot be written to: %s", cleaned(a, why, strlen(why)));
	}
	return NULL;
}

void host_look(struct arena *a, const struct pool_host *spec, const json_t *reply, struct host *out)
{
	*out = (struct host){.spec = spec, .reply = reply, .info = json_obj(reply, "host")};
	out->size.cpus = json_int(out->info, "cpus", 0);
	out->size.mem_mib = json_int(out->info, "mem_mib", 0);
	out->free_cpus = out->size.cpus;
	out->free_mem_mib = out->size.mem_mib;
	if (out->info)
		look_at_gpus(a, out);
	subtract_leases(out);
	out->why = why_not(a, out);
}

static int64_t count_gpus(const struct host *h, const char *model, int64_t at_least_milli)
{
	int64_t n = 0;
	for (size_t i = 0; i < h->n_gpus; i++)
		n += str_ieq(h->gpus[i].model, model) && h->gpus[i].free_milli >= at_least_milli;
	return n;
}

int64_t host_free_gpus(const struct host *h, const char *model)
{
	return count_gpus(h, model, 1000);
}

bool host_could(const struct host *h, const struct shape *s)
{
	if ((h->size.cpus && s->cpus > h->size.cpus) || (h->size.mem_mib && s->mem_mib > h->size.mem_mib))
		return false;
	return !s->gpu_milli || count_gpus(h, s->model, 0) * 1000 >= s->gpu_milli;
}

bool host_has_room(const struct host *h, const struct shape *s)
{
	if (h->why || !host_could(h, s) || (h->spec->max_leases >= 0 && h->n_leases >= h->spec->max_leases))
		return false;
	if ((h->size.cpus && s->cpus > h->free_cpus) || (h->size.mem_mib && s->mem_mib > h->free_mem_mib))
		return false;
	if (s->gpu_milli && s->gpu_milli < 1000)
		return count_gpus(h, s->model, s->gpu_milli) > 0;
	return !s->gpu_milli || host_free_gpus(h, s->model) * 1000 >= s->gpu_milli;
}

const char *host_gpu_list(struct arena *a, const struct host *h, const char *model)
{
	struct str s = str_new(1000);
	for (size_t i = 0; i < h->n_gpus; i++)
		if (str_ieq(h->gpus[i].model, model))
			str_addf(&s, "%s%" PRId64, s.len ? "," : "", h->gpus[i].index);
	const char *out = arena_strdup(a, s.len ? str_text(&s) : "-");
	str_free(&s);
	return out;
}
