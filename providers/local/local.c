/* This machine as a cloud: nodes are sandbox folders, GPUs are those that nvidia-smi names, leased node by node. It
 * costs nothing unless the user says what it costs (local.price_per_hour, of one node). Isolation is that of folders
 * and environment variables: jobs run as the user, with the user's rights. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/provider.h"
#include "providers/common/cloudside.h"
#include "providers/common/machines.h"
#include "providers/local/nvidia.h"

extern const struct provider provider_local;

enum { GRACE_MS = 2000, MAX_NODES_DEFAULT = 8, TYPE_MAX = 120 };
#define CPU_TYPE "local"

struct local {
	struct nvidia_gpu gpus[NVIDIA_GPUS_MAX];
	int n_gpus;
	struct err gpu_err; /* why they are not known */
	int64_t max_nodes, price_uusd_h;
};

static int load(struct local *l, const struct request *r, struct err *err)
{
	if (request_whole(r->config, "max_nodes", "local", 1000, MAX_NODES_DEFAULT, &l->max_nodes, err) ||
	    request_micro(r->config, "price_per_hour", "local", 0, &l->price_uusd_h, err))
		return -1;
	return 0;
}

/* A driver that is ill takes away the GPUs, not the machine. */
static void find_gpus(struct local *l)
{
	int n = nvidia_list(l->gpus, &l->gpu_err);
	l->n_gpus = n < 0 ? 0 : n;
}

/* --- what is sold
 * ---------------------------------------------------------------------------------------------------*/

static void type_name(char buf[TYPE_MAX], const char *gpu, int count)
{
	if (count)
		snprintf(buf, TYPE_MAX, CPU_TYPE "-%dx%s", count, gpu);
	else
		snprintf(buf, TYPE_MAX, CPU_TYPE);
}

static int count_of(const struct local *l, const char *gpu)
{
	int n = 0;
	for (int i = 0; i < l->n_gpus; i++)
		n += str_eq(l->gpus[i].name, gpu);
	return n;
}

static bool first_of_model(const struct local *l, int i)
{
	for (int k = 0; k < i; k++)
		if (str_eq(l->gpus[k].name, l->gpus[i].name))
			return false;
	return true;
}

/* 1, 2, 4, 8, … and all of them. */
static int next_count(int count, int all)
{
	return count * 2 <= all ? count * 2 : count < all ? all : all + 1;
}

/* The model and number of GPUs that an instance type stands for: false when there is no such type here. *gpu NULL:
 * none. */
static bool type_parse(const struct local *l, const char *type, const char **gpu, int *count)
{
	*gpu = NULL;
	*count = 0;
	if (str_eq(type, CPU_TYPE))
		return true;
	for (int i = 0; i < l->n_gpus; i++) {
		for (int n = 1, all = count_of(l, l->gpus[i].name); n <= all; n = next_count(n, all)) {
			char name[TYPE_MAX];
			type_name(name, l->gpus[i].name, n);
			if (!str_eq(name, type))
				continue;
			*gpu = l->gpus[i].name;
			*count = n;
			return true;
		}
	}
	return false;
}

static int64_t memory_mib(void)
{
	int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	return pages > 0 && page > 0 ? pages / 1024 * page / 1024 : -1;
}

static bool holds(const json_t *rec, int64_t index)
{
	size_t i;
	json_t *v;
	json_array_foreach(json_arr(rec, "gpus"), i, v) if (json_integer_value(v) == index) return true;
	return false;
}

static bool gpu_free(const struct sandbox *sb, int64_t index)
{
	size_t i;
	json_t *rec;
	json_array_foreach(sb->nodes, i, rec) if (holds(rec, index)) return false;
	return true;
}

static int count_free(const struct local *l, const struct sandbox *sb, const char *gpu)
{
	int n = 0;
	for (int i = 0; i < l->n_gpus; i++)
		n += str_eq(l->gpus[i].name, gpu) && gpu_free(sb, l->gpus[i].index);
	return n;
}

static json_t *offer(const struct local *l, const char *gpu, int count, int64_t gpu_mem_mib, bool available)
{
	char type[TYPE_MAX];
	type_name(type, gpu, count);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	json_t *o = json_object();
	json_put_str(o, "instance_type", type);
	json_put_str(o, "accelerator", count ? gpu : NULL);
	json_put_int(o, "accelerator_count", count);
	json_put_int(o, "gpu_mem_mib", count ? gpu_mem_mib : 0);
	json_put_int(o, "vcpus", cpus > 0 ? cpus : 1);
	json_put_int(o, "mem_mib", memory_mib());
	json_put_str(o, "region", "local");
	json_put_str(o, "zone", "");
	json_put_int(o, "price_uusd_h", l->price_uusd_h);
	json_object_set_new(o, "spot_uusd_h", json_null());
	json_put_str(o, "available", available ? "yes" : "no");
	return o;
}

static json_t *offers(struct local *l, const struct request *r, struct err *err)
{
	struct sandbox sb;
	find_gpus(l);
	if (sandbox_open(&sb, r->state_dir, provider_local.name, NULL, r->now_ms, err))
		return NULL;
	bool room = json_array_size(sb.nodes) < (size_t)l->max_nodes;
	json_t *list = json_array();
	json_array_append_new(list, offer(l, NULL, 0, 0, room));
	for (int i = 0; i < l->n_gpus; i++) {
		const struct nvidia_gpu *g = &l->gpus[i];
		int all = count_of(l, g->name), unused = count_free(l, &sb, g->name);
		for (int n = 1; first_of_model(l, i) && n <= all; n = next_count(n, all))
			json_array_append_new(list, offer(l, g->name, n, g->mem_mib, room && n <= unused));
	}
	sandbox_close(&sb);
	json_t *reply = json_object();
	json_object_set_new(reply, "offers", list);
	json_put_str(reply, "source", "this machine");
	return reply;
}

/* --- who may use it
 * -------------------------------------------------------------------------------------------------*/

static json_t *check_reply(bool enabled, const char *identity, const char *reason)
{
	json_t *reply = json_object();
	json_put_bool(reply, "enabled", enabled);
	json_put_str(reply, "identity", identity);
	json_put_str(reply, "reason", reason);
	return reply;
}

static json_t *check(struct local *l, const struct request *r, struct err *err)
{
	if (!json_bool(r->config, "enabled", true))
		return check_reply(false, NULL, "local.enabled is false in the configuration");
	char host[256] = "this machine";
	if (gethostname(host, sizeof host - 1))
		snprintf(host, sizeof host, "this machine");
	if (fs_mkdirs(r->state_dir, err))
		return NULL;
	if (access(r->state_dir, W_OK | X_OK)) {
		err_errno(err, "cannot write to %s", r->state_dir);
		return NULL;
	}
	find_gpus(l);
	char reason[sizeof l->gpu_err.text + 40];
	snprintf(reason, sizeof reason, "its GPUs are not offered: %s", l->gpu_err.text);
	return check_reply(true, host, l->gpu_err.code ? reason : NULL);
}

/* --- nodes
 * ----------------------------------------------------------------------------------------------------------*/

static int admit(void *arg, const struct sandbox *sb, json_t *like, size_t n, struct err *err)
{
	const struct local *l = arg;
	const char *type = json_str(like, "instance_type", CPU_TYPE), *region = json_str(like, "region", "local"), *gpu;
	int count;
	if (!str_eq(region, "local"))
		return err_set(err, ERR_INVALID, "this machine has no region \"%.60s\", only \"local\"", region);
	if (json_bool(like, "use_spot", false))
		return err_set(err, ERR_UNSUPPORTED, "this machine is not sold as spot");
	if (!type_parse(l, type, &gpu, &count))
		return err_set(err, l->gpu_err.code ? ERR_CAPACITY : ERR_INVALID, "this machine is no \"%.60s\"%s%s",
		    type, l->gpu_err.code ? ": " : "", l->gpu_err.text);
	bool is_new = !json_str(like, "id", NULL);
	size_t after = json_array_size(sb->nodes) + (is_new ? n : 0);
	if (after > (size_t)l->max_nodes)
		return err_set(err, ERR_QUOTA, "there would be %zu nodes on this machine, and local.max_nodes is %lld",
		    after, (long long)l->max_nodes);
	if (count && (size_t)count_free(l, sb, gpu) < n * (size_t)count)
		return err_set(err, ERR_CAPACITY, "%zu × %s asked for, and %d of the %d of this machine are free",
		    n * (size_t)count, gpu, count_free(l, sb, gpu), count_of(l, gpu));
	return 0;
}

static int equip(void *arg, const struct sandbox *sb, json_t *rec, size_t made, struct err *err)
{
	(void)made;
	(void)err;
	const struct local *l = arg;
	const char *gpu;
	int count = 0;
	type_parse(l, json_str(rec, "instance_type", CPU_TYPE), &gpu, &count);
	json_t *indices = json_array();
	for (int i = 0; i < l->n_gpus && count; i++) {
		if (!str_eq(l->gpus[i].name, gpu) || !gpu_free(sb, l->gpus[i].index))
			continue;
		json_array_append_new(indices, json_integer(l->gpus[i].index));
		count--;
	}
	json_object_set_new(rec, "gpus", indices);
	if (!json_is_integer(json_object_get(rec, "price_uusd_h")))
		json_put_int(rec, "price_uusd_h", l->price_uusd_h);
	return 0;
}

static const struct machine_cloud cloud = {.name = "local", .grace_ms = GRACE_MS, .admit = admit, .equip = equip};

static json_t *local_cloud_side(const json_t *request, struct err *err)
{
	struct request r;
	struct local l = {0};
	if (request_parse(request, &r, err))
		return NULL;
	/* A slip in the settings must not keep anybody from ending nodes. */
	bool sells = r.verb == PROVIDER_OFFERS || r.verb == PROVIDER_CREATE || r.verb == PROVIDER_START;
	if (sells && load(&l, &r, err))
		return NULL;
	if (r.verb == PROVIDER_CHECK)
		return check(&l, &r, err);
	if (r.verb == PROVIDER_OFFERS)
		return offers(&l, &r, err);
	/* nvidia-smi may take a second: it is not asked for what needs no GPU. */
	bool create_gpu = r.verb == PROVIDER_CREATE && !str_eq(json_str(r.args, "instance_type", CPU_TYPE), CPU_TYPE);
	if (create_gpu || r.verb == PROVIDER_START)
		find_gpus(&l);
	return machines_serve(&cloud, &l, &r, err);
}

static enum provider_step local_step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	return cloudside_step(provider_local.name, c, reply, err);
}

const struct provider provider_local = {
    .name = "local",
    .title = "This machine",
    .can = PROVIDER_CAN_STOP | PROVIDER_CAN_MULTI_NODE | PROVIDER_CAN_PORTS,
    .credentials = "none needed",
    .step = local_step,
    .cloud_side = local_cloud_side,
};
