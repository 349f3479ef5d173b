/* Making the machines of a cluster: its group in the region, a network with a rule for SSH and the ports that were asked for, then all machines at
 * once, each with its card, address and disk in the same request. What is there already is found by its tags; names make a second request for
 * the same machine harmless. Stockouts and quotas come out of the operations, which are awaited to their ends even after one has failed: what the
 * caller then ends by TERMINATE is all there is. A group that is still being deleted from an earlier attempt is waited for. */
#include <inttypes.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"
#include "providers/common/nodes.h"
#include "providers/common/requests.h"

enum { MAKE_WAIT_MS = 900000, GROUP_WAIT_MS = 480000, GROUP_PAUSE_MS = 10000, LABELS_MAX = 20, PORTS_MAX = 200 };

/* What is to be made. */
struct plan {
	const char *cluster, *name, *region, *type, *tier, *key, *group;
	int64_t disk_gib;
	bool spot;
	json_t *image; /* imageReference; the call's scratch holds it */
	int64_t image_gib;
	bool grid; /* a driver is to be put in */
};

/* ---- the arguments -------------------------------------------------------------------------------------------------- */

static int wrong(struct azure *g, const char *what, const char *value)
{
	talk_failed(&g->talk, ERR_INVALID, ERR_SCOPE_TASK, "%s: \"%.80s\"", what, value);
	return -1;
}

static int read_labels(struct azure *g)
{
	const json_t *labels = json_obj(g->c->args, "labels");
	const char *key;
	json_t *v;
	if (json_object_size(labels) > LABELS_MAX)
		return talk_failed(&g->talk, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD, "on Azure at most %d labels fit besides skytop's own", LABELS_MAX), -1;
	json_object_foreach((json_t *)(uintptr_t)labels, key, v)
		if (!json_is_string(v) || !*key || strlen(key) > 512 || strpbrk(key, "<>%&\\?/") || strlen(json_string_value(v)) > 256)
			return talk_failed(&g->talk, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD,
				   "Azure does not take the label %.63s: keys have none of < > %% & \\ ? /, values at most 256 characters", key), -1;
	return 0;
}

/* An image of Azure's market, and what it is at least to be put on. Those of the HPC series have drivers: of NVIDIA's, or of AMD's. GPUs that are cut in
 * parts (NVads A10) take a driver of their own (GRID), which Azure's extension brings to a plain machine. */
static const struct market {
	const char *publisher, *offer, *sku;
	int gib;
	bool grid;
} hpc = {"microsoft-dsvm", "ubuntu-hpc", "2204", 64, false}, rocm = {"microsoft-dsvm", "ubuntu-hpc", "2204-rocm", 64, false},
  jammy = {"Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2", 30, true}, noble = {"Canonical", "ubuntu-24_04-lts", "server", 30, false},
  noble_arm = {"Canonical", "ubuntu-24_04-lts", "server-arm64", 30, false};

/* What fits the machine; NULL: none that everybody may use. */
static const struct market *market_for(const char *type)
{
	const struct azure_size *size = azure_size_of(type);
	if (!size && !str_starts(type, "Standard_N"))
		return azure_size_is_arm(type) ? &noble_arm : &noble;
	if (!size || azure_size_is_arm(type))
		return NULL;
	if (str_starts(size->accelerator, "MI"))
		return &rocm;
	return !str_starts(size->name, "Standard_NV") ? &hpc : str_eq(size->accelerator, "A10") ? &jammy : NULL;
}

static json_t *market_image(const char *publisher, const char *offer, const char *sku, const char *version)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "publisher", publisher, "offer", offer, "sku", sku, "version", version);
}

/* "publisher:offer:sku:version", or an id that begins with a slash. NULL: it is none. */
static json_t *named_image(struct azure *g, const char *wanted)
{
	char *s = arena_strdup(g->c->arena, wanted);
	const char *part[4];
	size_t n = 0;
	if (str_istr(wanted, "/CommunityGalleries/") == wanted)
		return json_pack("{s:s}", "communityGalleryImageId", wanted);
	if (str_starts(wanted, "/subscriptions/"))
		return json_pack("{s:s}", "id", wanted);
	for (; s && n < 4; n++) {
		part[n] = s;
		s = strchr(s, ':');
		if (s)
			*s++ = '\0';
	}
	return n == 4 && !s ? market_image(part[0], part[1], part[2], part[3]) : NULL;
}

static int choose_image(struct azure *g, struct plan *p)
{
	const char *wanted = json_str(g->c->args, "image", "");
	const struct market *m = market_for(p->type);
	p->image_gib = 30;
	if (str_starts(p->type, "Standard_NCC"))
		return talk_failed(&g->talk, ERR_UNSUPPORTED, ERR_SCOPE_PLACE, AZURE_CONFIDENTIAL), -1;
	if (str_starts(wanted, "docker:"))
		return talk_failed(&g->talk, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD, "containers cannot be run as machines on Azure yet: %.80s", wanted), -1;
	if (*wanted && !str_starts(wanted, "skypilot:")) { /* which are images like ours */
		p->image = named_image(g, wanted);
		if (!p->image)
			return wrong(g, "an image of Azure is PUBLISHER:OFFER:SKU:VERSION, /subscriptions/… or /CommunityGalleries/…", wanted);
	} else if (m) {
		p->image = market_image(m->publisher, m->offer, m->sku, "latest");
		p->image_gib = m->gib;
		p->grid = m->grid;
	} else {
		return talk_failed(&g->talk, ERR_UNSUPPORTED, ERR_SCOPE_PLACE, "there is no image with drivers for %s: name one of yours by image_id", p->type), -1;
	}
	json_object_set_new(g->c->scratch, "image", p->image);
	return 0;
}

static int read_plan(struct azure *g, struct plan *p)
{
	static const char *const taken[] = {"use_internal_ips", NULL};
	static const struct talk_refused refused[] = {{"vpc_name", NULL, "networks of one's own cannot be used on Azure yet: leave it out, and each cluster gets one"},
	    {"remote_identity", "NO_UPLOAD", "machines on Azure have no identity and get no credentials: leave it out, or say NO_UPLOAD"}};
	const json_t *a = g->c->args;
	if (request_check_create(a, g->err) || talk_refuse_settings(&g->talk, taken, refused, ARRAY_LEN(refused)))
		return -1;
	*p = (struct plan){.cluster = json_str(a, "cluster", ""), .name = json_str(a, "name", ""), .region = json_str(a, "region", ""),
	    .type = json_str(a, "instance_type", ""), .tier = json_str(a, "disk_tier", NULL), .key = json_str(a, "ssh_public_key", ""),
	    .disk_gib = json_int(a, "disk_size_gib", 0), .spot = json_bool(a, "use_spot", false)};
	if (!azure_region_ok(p->region))
		return wrong(g, "this is no region of Azure", p->region);
	if (!azure_size_ok(p->type))
		return wrong(g, "this is no machine size of Azure", p->type);
	if (!*p->key || strpbrk(p->key, "\r\n")) /* nobody could log in, and it would cost all the same */
		return wrong(g, "machines are made with a public key, which is one line", p->key);
	p->group = azure_group_name(g->c->arena, p->cluster, p->region);
	return read_labels(g) || choose_image(g, p) ? -1 : 0;
}

/* ---- what marks it as ours ------------------------------------------------------------------------------------------ */

static json_t *cluster_tags(struct azure *g, const struct plan *p)
{
	struct arena *a = g->c->arena;
	return json_pack("{s:s, s:s, s:s}", "skytop-cluster", name_label(a, p->cluster), "skytop-name", name_label(a, *p->name ? p->name : "-"), "skytop-user",
	    name_label(a, g->c->env->user ? g->c->env->user : "0"));
}

/* NULL with g->err: too long. */
static json_t *tags_of(struct azure *g, const struct plan *p, const json_t *node)
{
	static const char *const same[] = {"tags", "price_uusd_h"};
	json_t *rec = json_pack("{s:s, s:s, s:O, s:I}", "cluster", p->cluster, "name", p->name, "token", json_object_get(node, "token"), "rank",
	    (json_int_t)json_int(node, "rank", 0));
	json_t *tags = cluster_tags(g, p), *labels = json_obj(g->c->args, "labels");
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (json_object_get(g->c->args, same[i]))
			json_object_set(rec, same[i], json_object_get(g->c->args, same[i]));
	json_put_int(rec, "created_at", g->c->env->now_ms);
	if (labels)
		json_object_update_missing(tags, labels);
	json_put_str(tags, "skytop-token", name_label(g->c->arena, json_str(node, "token", "")));
	json_put_str(tags, "skytop-rank", arena_printf(g->c->arena, "%" PRId64, json_int(node, "rank", 0)));
	bool fits = azure_tag_record(tags, rec);
	json_decref(rec);
	if (fits)
		return tags;
	json_decref(tags);
	talk_failed(&g->talk, ERR_INVALID, ERR_SCOPE_TASK, "the names and tags of the cluster are too long for Azure's tags");
	return NULL;
}

/* ---- the group and its network -------------------------------------------------------------------------------------- */

static const char *thing_url(struct azure *g, const struct plan *p, const char *kind, const char *name)
{
	return azure_in(g, NULL, AZURE_NETWORK, "/resourceGroups/%s/providers/Microsoft.Network/%s/%s", p->group, kind, name);
}

static const char *thing_id(struct azure *g, const struct plan *p, const char *kind, const char *name)
{
	return arena_printf(g->c->arena, "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/%s/%s", g->subscription, p->group, kind, name);
}

/* 1, 0, −1 with g->err. One that is being deleted is waited for. */
static int make_group(struct azure *g, const struct plan *p)
{
	const char *url = azure_in(g, NULL, AZURE_RESOURCES, "/resourcegroups/%s", p->group);
	const char *what = arena_printf(g->c->arena, "making the resource group %s in %s", p->group, p->region);
	int64_t waited = json_int(g->c->scratch, "group_waited", 0), round = waited / GROUP_PAUSE_MS;
	const char *key = arena_printf(g->c->arena, "group:%" PRId64, round);
	const json_t *a = azure_ask(g, "PUT", key, url, json_pack("{s:s, s:o}", "location", p->region, "tags", cluster_tags(g, p)));
	struct err err = {.code = ERR_NONE};
	if (!a) {
		if (round)
			g->talk.after_ms = GROUP_PAUSE_MS;
		return 0;
	}
	if (!azure_answer_error(a, what, true, &err))
		return 1;
	if (err.code != ERR_CONFLICT || waited >= GROUP_WAIT_MS) {
		*g->err = err;
		return -1;
	}
	json_put_int(g->c->scratch, "group_waited", waited + GROUP_PAUSE_MS);
	return make_group(g, p);
}

static json_t *rule(const char *name, int priority, const char *port)
{
	return json_pack("{s:s, s:{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s}}", "name", name, "properties", "priority", priority, "protocol", "Tcp", "access", "Allow",
	    "direction", "Inbound", "sourceAddressPrefix", "*", "sourcePortRange", "*", "destinationAddressPrefix", "*", "destinationPortRange", port);
}

/* NULL with g->err: a port is none. */
static json_t *rules_of(struct azure *g)
{
	json_t *rules = json_pack("[o]", rule("ssh", 1000, "22")), *v;
	size_t i;
	json_array_foreach(json_arr(g->c->args, "ports"), i, v) {
		const char *port = json_string_value(v);
		if (!port || i >= PORTS_MAX || !*port || strspn(port, "0123456789-") != strlen(port)) {
			json_decref(rules);
			talk_failed(&g->talk, ERR_INVALID, ERR_SCOPE_TASK, "a port must be a number or a range, at most %d of them: %.40s", PORTS_MAX, port ? port : "?");
			return NULL;
		}
		json_array_append_new(rules, rule(arena_printf(g->c->arena, "port-%zu", i), 1100 + (int)i, port));
	}
	return rules;
}

static int make_network(struct azure *g, const struct plan *p)
{
	json_t *rules = rules_of(g);
	if (!rules)
		return -1;
	json_t *nsg = json_pack("{s:s, s:o, s:{s:o}}", "location", p->region, "tags", cluster_tags(g, p), "properties", "securityRules", rules);
	int r = azure_do(g, "PUT", "nsg", thing_url(g, p, "networkSecurityGroups", "nsg"), nsg, MAKE_WAIT_MS, "making the rules of the network", g->err);
	if (r <= 0)
		return r;
	json_t *vnet = json_pack("{s:s, s:o, s:{s:{s:[s]}, s:[{s:s, s:{s:s, s:{s:s}}}]}}", "location", p->region, "tags", cluster_tags(g, p), "properties",
	    "addressSpace", "addressPrefixes", "10.77.0.0/16", "subnets", "name", "subnet", "properties", "addressPrefix", "10.77.0.0/16", "networkSecurityGroup", "id",
	    thing_id(g, p, "networkSecurityGroups", "nsg"));
	return azure_do(g, "PUT", "vnet", thing_url(g, p, "virtualNetworks", "vnet"), vnet, MAKE_WAIT_MS, "making the network", g->err);
}

/* ---- one machine ---------------------------------------------------------------------------------------------------- */

static const char *disk_type(const struct plan *p)
{
	if (str_eq(p->tier, "low"))
		return "Standard_LRS";
	if (!p->tier || str_eq(p->tier, "medium") || !azure_size_takes_premium(p->type))
		return "StandardSSD_LRS";
	return "Premium_LRS";
}

static json_t *storage(const struct plan *p)
{
	int64_t gib = p->disk_gib ? p->disk_gib : 256;
	return json_pack("{s:O, s:{s:s, s:I, s:s, s:{s:s}}}", "imageReference", p->image, "osDisk", "createOption", "FromImage", "diskSizeGB",
	    (json_int_t)(gib > p->image_gib ? gib : p->image_gib), "deleteOption", "Delete", "managedDisk", "storageAccountType", disk_type(p));
}

static json_t *card(struct azure *g, const struct plan *p, const char *name)
{
	struct arena *a = g->c->arena;
	json_t *ip = json_pack("{s:b, s:{s:s}}", "primary", 1, "subnet", "id", arena_printf(a, "%s/subnets/subnet", thing_id(g, p, "virtualNetworks", "vnet")));
	if (!json_is_true(talk_setting(&g->talk, "use_internal_ips")))
		json_object_set_new(ip, "publicIPAddressConfiguration",
		    json_pack("{s:s, s:{s:s}, s:{s:s, s:s}}", "name", arena_printf(a, "%s-ip", name), "sku", "name", "Standard", "properties", "deleteOption", "Delete",
			"publicIPAllocationMethod", "Static"));
	return json_pack("{s:s, s:[{s:s, s:{s:b, s:s, s:{s:s}, s:[{s:s, s:o}]}}]}", "networkApiVersion", AZURE_NETWORK, "networkInterfaceConfigurations", "name",
	    arena_printf(a, "%s-nic", name), "properties", "primary", 1, "deleteOption", "Delete", "networkSecurityGroup", "id",
	    thing_id(g, p, "networkSecurityGroups", "nsg"), "ipConfigurations", "name", "ip", "properties", ip);
}

static json_t *login(const struct plan *p, const char *name)
{
	return json_pack("{s:s, s:s, s:{s:b, s:{s:[{s:s, s:s}]}}}", "computerName", name, "adminUsername", AZURE_USER, "linuxConfiguration",
	    "disablePasswordAuthentication", 1, "ssh", "publicKeys", "path", "/home/" AZURE_USER "/.ssh/authorized_keys", "keyData", p->key);
}

/* One that is taken back goes with its disk, which would cost on. A cap is in dollars an hour; −1: what a machine on demand costs. */
static void add_spot(struct azure *g, json_t *properties)
{
	int64_t cap = json_int(g->c->args, "spot_cap_uusd_h", 0);
	json_put_str(properties, "priority", "Spot");
	json_put_str(properties, "evictionPolicy", "Delete");
	json_object_set_new(properties, "billingProfile", json_pack("{s:f}", "maxPrice", cap > 0 ? (double)((cap + 9) / 10) / 1e5 : -1.0));
}

/* NULL with g->err. */
static json_t *body_of(struct azure *g, const struct plan *p, const json_t *node, const char *name)
{
	json_t *tags = tags_of(g, p, node);
	if (!tags)
		return NULL;
	json_t *props = json_pack("{s:{s:s}, s:o, s:o, s:o}", "hardwareProfile", "vmSize", p->type, "storageProfile", storage(p), "osProfile", login(p, name),
	    "networkProfile", card(g, p, name));
	if (p->spot)
		add_spot(g, props);
	return json_pack("{s:s, s:o, s:o}", "location", p->region, "tags", tags, "properties", props);
}

/* ---- all of them ---------------------------------------------------------------------------------------------------- */

/* Errors that decide come before those that a moment may mend. */
static void keep_error(struct err *kept, const struct err *e)
{
	if (e->code && (!kept->code || (err_info(kept->code)->retry && !err_info(e->code)->retry)))
		*kept = *e;
}

/* 1, 0, −1 with *err; a machine that is there already is for the look afterwards. */
static int make(struct azure *g, const struct plan *p, const json_t *node, struct err *err)
{
	const char *name = name_machine(g->c->arena, p->cluster, p->name, json_int(node, "rank", 0));
	const char *key = arena_printf(g->c->arena, "make:%s", json_str(node, "token", ""));
	const char *what = arena_printf(g->c->arena, "making %s (%s) in %s", name, p->type, p->region);
	const char *url = azure_in(g, NULL, AZURE_COMPUTE, "/resourceGroups/%s/providers/Microsoft.Compute/virtualMachines/%s", p->group, name);
	json_t *body = body_of(g, p, node, name);
	if (!body) {
		*err = *g->err;
		return -1;
	}
	int r = azure_do(g, "PUT", key, url, body, MAKE_WAIT_MS, what, err);
	if (r == -1 && err->code == ERR_CONFLICT) {
		*err = (struct err){.code = ERR_NONE};
		return 1;
	}
	if (r == -2)
		err_set(err, ERR_CAPACITY, "%s: it is not there after %d seconds", what, MAKE_WAIT_MS / 1000);
	return r < 0 ? -1 : r;
}

/* The driver of a machine that is there; asked for again it is there already. 1, 0, −1 with *err. */
static int give_driver(struct azure *g, const struct plan *p, const json_t *node, struct err *err)
{
	const char *name = name_machine(g->c->arena, p->cluster, p->name, json_int(node, "rank", 0));
	const char *url = azure_in(g, NULL, AZURE_COMPUTE, "/resourceGroups/%s/providers/Microsoft.Compute/virtualMachines/%s/extensions/NvidiaGpuDriverLinux", p->group,
	    name);
	json_t *body = json_pack("{s:s, s:{s:s, s:s, s:s, s:b}}", "location", p->region, "properties", "publisher", "Microsoft.HpcCompute", "type",
	    "NvidiaGpuDriverLinux", "typeHandlerVersion", "1.9", "autoUpgradeMinorVersion", 1);
	int r = azure_do(g, "PUT", arena_printf(g->c->arena, "driver:%s", json_str(node, "token", "")), url, body, MAKE_WAIT_MS,
	    arena_printf(g->c->arena, "putting NVIDIA's driver into %s", name), err);
	if (r == -2)
		err_set(err, ERR_CAPACITY, "NVIDIA's driver is not in %s after %d seconds", name, MAKE_WAIT_MS / 1000);
	return r < 0 ? -1 : r;
}

/* A machine that failed is there, but no machine: it is asked for again. */
static const json_t *good(const json_t *found, const char *token)
{
	const json_t *n = nodes_by_token(found, token);
	return n && strcmp(json_str(n, "status", ""), "TERMINATED") != 0 ? n : NULL;
}

/* Another attempt's machine of the same name is not written over. */
static bool taken(struct azure *g, const struct plan *p, const json_t *found, const json_t *node)
{
	const char *name = name_machine(g->c->arena, p->cluster, p->name, json_int(node, "rank", 0));
	const char *tail = arena_printf(g->c->arena, "/%s", name);
	size_t i;
	json_t *n;
	json_array_foreach(found, i, n)
		if (str_ends(json_str(n, "id", ""), tail) && !str_eq(json_str(n, "token", ""), json_str(node, "token", ""))) {
			talk_failed(&g->talk, ERR_CONFLICT, ERR_SCOPE_PLACE, "%s is there in %s from an earlier attempt: end the cluster first", name, p->region);
			return true;
		}
	return false;
}

static int make_missing(struct azure *g, const struct plan *p, const json_t *found)
{
	struct err kept = {.code = ERR_NONE};
	bool waits = false;
	size_t i;
	json_t *node;
	json_array_foreach(json_arr(g->c->args, "nodes"), i, node)
		if (taken(g, p, found, node))
			return -1;
	json_array_foreach(json_arr(g->c->args, "nodes"), i, node) {
		struct err err = {.code = ERR_NONE};
		int r = good(found, json_str(node, "token", "")) ? 1 : make(g, p, node, &err);
		if (r > 0 && p->grid)
			r = give_driver(g, p, node, &err);
		waits = waits || !r;
		keep_error(&kept, &err);
	}
	if (waits)
		return 0;
	if (!kept.code)
		return 1;
	*g->err = kept;
	return -1;
}

/* Every token has its node now. */
static enum provider_step collect(struct azure *g, const struct plan *p, json_t *all)
{
	json_t *out = json_array(), *node;
	size_t i;
	json_array_foreach(json_arr(g->c->args, "nodes"), i, node) {
		const json_t *n = good(all, json_str(node, "token", ""));
		if (n) {
			json_array_append(out, (json_t *)(uintptr_t)n);
			continue;
		}
		json_decref(out);
		json_decref(all);
		return talk_failed(&g->talk, ERR_CAPACITY, ERR_SCOPE_PLACE, "%s was taken back in %s as soon as it was made",
		    name_machine(g->c->arena, p->cluster, p->name, json_int(node, "rank", 0)), p->region);
	}
	json_decref(all);
	return talk_done(&g->talk, json_pack("{s:o}", "nodes", out));
}

enum provider_step azure_create(struct azure *g)
{
	struct plan p;
	if (read_plan(g, &p))
		return PROVIDER_FAILED;
	json_t *found = azure_nodes(g, "there", NULL, p.group, NULL);
	if (!found)
		return talk_wait(&g->talk);
	int r = make_group(g, &p);
	if (r > 0)
		r = make_network(g, &p);
	if (r > 0)
		r = make_missing(g, &p, found);
	json_decref(found);
	if (r <= 0)
		return r ? PROVIDER_FAILED : talk_send(&g->talk);
	json_t *made = azure_nodes(g, "made", NULL, p.group, NULL);
	return made ? collect(g, &p, made) : talk_wait(&g->talk);
}
