/* Making the machines of a cluster, all in one zone: what is there already is found by its labels, the rest is inserted one by one, which lets
 * each carry its own labels; a name that is taken is a conflict, which is read back, so that a call whose answer was lost does no harm when it
 * is made again. Stockouts and quotas come out of the operations, which are awaited to their ends even after one has failed: what the caller
 * then ends by TERMINATE is all there is. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/common/nodes.h"
#include "providers/common/requests.h"
#include "providers/gcp/gcp_priv.h"

enum { MAKE_WAIT_MS = 600000, IMAGE_KEEP_MS = 6 * 3600 * 1000, LABELS_MAX = 50 };

/* What is to be made. */
struct plan {
	const char *cluster, *name, *region, *zone, *type, *accelerator, *tier, *key;
	int64_t accelerators, disk_gib;
	bool spot;
	const char *image; /* "projects/…" */
	int64_t image_gib;
	struct gcp_net net;
	const char *reservation; /* "projects/P/reservations/R", or R of our project; NULL: none */
};

/* ---- the arguments -------------------------------------------------------------------------------------------------- */

static int wrong(struct gcp *g, const char *what, const char *value)
{
	talk_failed(&g->talk, ERR_INVALID, ERR_SCOPE_TASK, "%s: \"%.80s\"", what, value);
	return -1;
}

static int read_labels(struct gcp *g)
{
	const json_t *labels = json_obj(g->c->args, "labels");
	const char *key;
	json_t *v;
	if (json_object_size(labels) > LABELS_MAX)
		return talk_failed(&g->talk, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD, "Google Cloud takes at most %d labels besides skytop's own", LABELS_MAX), -1;
	json_object_foreach((json_t *)(uintptr_t)labels, key, v)
		if (!json_is_string(v) || !gcp_label_ok(key, json_string_value(v)))
			return talk_failed(&g->talk, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD,
				   "Google Cloud does not take the label %.63s: keys and values are of a-z, 0-9, - and _, at most 63 of them", key), -1;
	return 0;
}

static int read_plan(struct gcp *g, struct plan *p)
{
	static const char *const taken[] = {"vpc_name", "subnet_names", "enable_gvnic", "use_internal_ips", "specific_reservations", NULL};
	static const struct talk_refused refused[] = {{"managed_instance_group", NULL, "machines are made one by one on Google Cloud, not in groups that wait in line"},
	    {"enable_gpu_direct", NULL, "GPUDirect, which takes networks and images of its own, cannot be had on Google Cloud yet"},
	    {"placement_policy", NULL, "placement policies cannot be had on Google Cloud yet"}};
	const json_t *a = g->c->args, *count = json_object_get(a, "accelerator_count");
	if (request_check_create(a, g->err) || talk_refuse_settings(&g->talk, taken, refused, ARRAY_LEN(refused)))
		return -1;
	*p = (struct plan){.cluster = json_str(a, "cluster", ""), .name = json_str(a, "name", ""), .region = json_str(a, "region", ""), .zone = json_str(a, "zone", ""),
	    .type = json_str(a, "instance_type", ""), .accelerator = json_str(a, "accelerator", NULL), .tier = json_str(a, "disk_tier", NULL),
	    .key = json_str(a, "ssh_public_key", ""), .accelerators = json_is_number(count) ? (int64_t)ceil(json_number_value(count)) : 0,
	    .disk_gib = json_int(a, "disk_size_gib", 0), .spot = json_bool(a, "use_spot", false)};
	if (!gcp_region_ok(p->region))
		return wrong(g, "this is no region of Google Cloud", p->region);
	if (*p->zone && !gcp_zone_ok(p->zone, p->region))
		return wrong(g, "this is no zone of its region", p->zone);
	if (gcp_is_tpu(p->type, p->accelerator))
		return talk_failed(&g->talk, ERR_UNSUPPORTED, ERR_SCOPE_PLACE, GCP_NO_TPU), -1;
	if (!gcp_type_ok(p->type))
		return wrong(g, "this is no machine type of Google Cloud", p->type);
	if (p->accelerator && gcp_attaches(p->type) && !gcp_accelerator_of(p->accelerator))
		return wrong(g, "Google Cloud has no such accelerator for N1 machines", p->accelerator);
	if (!*p->key || strpbrk(p->key, "\r\n")) /* nobody could log in, and it would cost all the same */
		return wrong(g, "machines are made with a public key, which is one line", p->key);
	return read_labels(g);
}

/* ---- the zone ------------------------------------------------------------------------------------------------------- */

/* The first zone of the region, by name, that has the machine type. 1, 0, −1. */
static int find_zone(struct gcp *g, struct plan *p)
{
	if (*p->zone)
		return 1;
	const json_t *zones = gcp_list(g, "zones", gcp_compute(g, NULL, "/zones?maxResults=500"), NULL, "listing the zones"), *v;
	bool all = true, any = false;
	size_t i;
	if (!zones)
		return g->err->code ? -1 : 0;
	json_array_foreach(zones, i, v) {
		const char *zone = json_str(v, "name", "");
		if (!gcp_zone_ok(zone, p->region) || !str_eq(json_str(v, "status", "UP"), "UP"))
			continue;
		any = true;
		const json_t *a =
		    gcp_get(g, arena_printf(g->c->arena, "type:%s", zone), gcp_compute(g, NULL, "/zones/%s/machineTypes/%s", zone, p->type));
		all = all && a;
		if (a && talk_status(a) == 200 && (!*p->zone || strcmp(zone, p->zone) < 0))
			p->zone = arena_strdup(g->c->arena, zone);
	}
	if (!all)
		return 0;
	if (!any)
		return wrong(g, "Google Cloud has no such region", p->region);
	if (*p->zone)
		return 1;
	talk_failed(&g->talk, ERR_CAPACITY, ERR_SCOPE_REGION, "no zone of %s has the machine type %s", p->region, p->type);
	return -1;
}

/* ---- reservations --------------------------------------------------------------------------------------------------- */

/* How many more machines it takes. */
static int64_t room_in(const json_t *reservation)
{
	const json_t *what = json_obj(reservation, "specificReservation");
	int64_t count = 0, used = 0;
	num_int(json_str(what, "count", "0"), 0, 1 << 20, &count);
	num_int(json_str(what, "inUseCount", "0"), 0, 1 << 20, &used);
	return count - used;
}

static bool reserves(const json_t *r, const struct plan *p)
{
	const char *zone = gcp_last_part(json_str(r, "zone", ""));
	return str_eq(json_str(r, "status", "READY"), "READY") && gcp_zone_ok(zone, p->region) && (!*p->zone || !strcmp(zone, p->zone)) &&
	       str_eq(json_str(json_obj(json_obj(r, "specificReservation"), "instanceProperties"), "machineType", ""), p->type);
}

/* Of those that gcp.specific_reservations names ("R", or "projects/P/reservations/R" of another project), one that has room for all that is missing,
 * which decides the zone where none is said. Spot machines are in none. What is reserved for whoever comes Google uses of itself, and may not be named. 1, 0,
 * −1. */
static int find_reservation(struct gcp *g, struct plan *p, size_t missing)
{
	const json_t *names = talk_setting_names(&g->talk, "specific_reservations"), *name;
	int whole = 1;
	bool found = false;
	size_t i, k;
	if (p->spot || !missing)
		return 1;
	json_array_foreach((json_t *)(uintptr_t)names, i, name) {
		const char *text = json_string_value(name), *project = text ? strstr(text, "projects/") : NULL;
		project = project ? arena_strndup(g->c->arena, project + strlen("projects/"), strcspn(project + strlen("projects/"), "/")) : g->project;
		if (!text)
			return wrong(g, "a reservation of Google Cloud is a name", "");
		if (!*text || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-:./") != strlen(text) || strstr(text, ".."))
			return wrong(g, "this is no reservation of Google Cloud", text);
		const json_t *list = gcp_list(g, arena_printf(g->c->arena, "reservations:%s", project),
		    gcp_compute(g, project, "/aggregated/reservations?maxResults=500&returnPartialSuccess=true"), "reservations", "listing the reservations"), *r;
		if (!list && g->err->code)
			return -1;
		whole = whole && list;
		json_array_foreach((json_t *)(uintptr_t)list, k, r)
			if (!found && str_eq(json_str(r, "name", ""), gcp_last_part(text)) && reserves(r, p) && room_in(r) >= (int64_t)missing) {
				found = true;
				p->reservation = json_bool(r, "specificReservationRequired", true) ? arena_strdup(g->c->arena, text) : NULL;
				p->zone = arena_strdup(g->c->arena, gcp_last_part(json_str(r, "zone", "")));
			}
	}
	return whole;
}

/* ---- the image ------------------------------------------------------------------------------------------------------ */

static const char *from_projects(const char *link)
{
	const char *p = strstr(link, "projects/");
	return p ? p : link;
}

/* One image or family, at "/compute/v1/" + path. 1, 0; −1 with *err. */
static int look_at_image(struct gcp *g, struct plan *p, const char *path, struct err *err)
{
	json_t *known = talk_memory(&g->talk, "images"), *m = json_obj(known, path);
	if (!m || json_int(m, "until", 0) <= g->c->env->now_ms) {
		const json_t *a = gcp_get(g, arena_printf(g->c->arena, "image:%s", path), gcp_url(g, GCP_COMPUTE, "/compute/v1/%s", path)), *body;
		if (!a)
			return 0;
		if (gcp_answer_error(a, arena_printf(g->c->arena, "looking for the image %s", path), false, err))
			return -1;
		body = json_obj(a, "body");
		m = json_object();
		json_put_str(m, "link", from_projects(json_str(body, "selfLink", path)));
		json_object_set(m, "gib", json_object_get(body, "diskSizeGb"));
		json_put_int(m, "until", g->c->env->now_ms + IMAGE_KEEP_MS);
		json_object_set_new(known, path, m);
	}
	int64_t gib = 0;
	num_int(json_str(m, "gib", "0"), 0, INT64_C(1) << 40, &gib);
	p->image = arena_strdup(g->c->arena, json_str(m, "link", ""));
	p->image_gib = gib;
	return 1;
}

static bool image_path_ok(const char *path)
{
	return str_starts(path, "projects/") && strstr(path, "/images/") && !strpbrk(path, " \t\r\n?#%") && !strstr(path, "..") && strlen(path) < 300;
}

static int find_image(struct gcp *g, struct plan *p)
{
	const char *wanted = json_str(g->c->args, "image", NULL);
	struct err err = {.code = ERR_NONE};
	if (wanted && str_starts(wanted, "docker:")) {
		talk_failed(&g->talk, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD, "containers cannot be run as machines on Google Cloud yet: %.80s", wanted);
		return -1;
	}
	if (wanted && *wanted && !str_starts(wanted, "skypilot:")) { /* which are images like ours */
		wanted = from_projects(wanted);
		if (!image_path_ok(wanted))
			return wrong(g, "an image of Google Cloud is projects/PROJECT/global/images/NAME or …/images/family/NAME", wanted);
		int r = look_at_image(g, p, wanted, &err);
		if (r < 0 && err.code == ERR_NOT_FOUND)
			return wrong(g, "Google Cloud has no such image", wanted);
		if (r < 0)
			*g->err = err;
		return r;
	}
	const char *const *families = gcp_images(p->type, p->accelerator);
	for (; *families; families++) {
		size_t n = strcspn(*families, "/");
		err = (struct err){.code = ERR_NONE};
		int r = look_at_image(g, p, arena_printf(g->c->arena, "projects/%.*s/global/images/family/%s", (int)n, *families, *families + n + 1), &err);
		if (r >= 0)
			return r;
		if (err.code != ERR_NOT_FOUND && err.code != ERR_INVALID)
			break;
	}
	*g->err = err;
	return -1;
}

/* ---- one instance --------------------------------------------------------------------------------------------------- */

static json_t *metadata(struct gcp *g, const struct plan *p, const json_t *node)
{
	static const char *const same[] = {"tags", "price_uusd_h"};
	json_t *rec = json_pack("{s:s, s:s, s:O, s:O}", "cluster", p->cluster, "name", p->name, "token", json_object_get(node, "token"), "rank",
	    json_object_get(node, "rank") ? json_object_get(node, "rank") : json_null());
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (json_object_get(g->c->args, same[i]))
			json_object_set(rec, same[i], json_object_get(g->c->args, same[i]));
	json_put_int(rec, "created_at", g->c->env->now_ms);
	char *text = json_text(rec);
	json_t *items = json_pack("[{s:s, s:s}, {s:s, s:s}]", "key", "skytop", "value", text, "key", "enable-oslogin", "value", "FALSE");
	free(text);
	json_decref(rec);
	if (*p->key)
		json_array_append_new(items, json_pack("{s:s, s:s}", "key", "ssh-keys", "value", arena_printf(g->c->arena, "ubuntu:%s", p->key)));
	if (p->accelerator && strstr(p->image, "deeplearning-platform"))
		json_array_append_new(items, json_pack("{s:s, s:s}", "key", "install-nvidia-driver", "value", "True"));
	return json_pack("{s:o}", "items", items);
}

/* What marks it as ours, and the user's own. */
static json_t *labels(struct gcp *g, const struct plan *p, const json_t *node)
{
	struct arena *a = g->c->arena;
	const json_t *own = json_obj(g->c->args, "labels");
	json_t *l = own ? json_copy((json_t *)(uintptr_t)own) : json_object();
	json_put_str(l, "skytop-cluster", name_label(a, p->cluster));
	json_put_str(l, "skytop-name", name_label(a, *p->name ? p->name : "-"));
	json_put_str(l, "skytop-token", name_label(a, json_str(node, "token", "")));
	json_put_str(l, "skytop-rank", arena_printf(a, "%" PRId64, json_int(node, "rank", 0)));
	json_put_str(l, "skytop-user", name_label(a, g->c->env->user ? g->c->env->user : "0"));
	return l;
}

static json_t *disks(struct gcp *g, const struct plan *p, json_t *disk_labels)
{
	int64_t gib = p->disk_gib > p->image_gib ? p->disk_gib : p->image_gib;
	const char *type = arena_printf(g->c->arena, "zones/%s/diskTypes/%s", p->zone, gcp_disk_type(p->type, p->tier));
	return json_pack("[{s:b, s:b, s:s, s:{s:s, s:s, s:s, s:o}}]", "boot", 1, "autoDelete", 1, "type", "PERSISTENT", "initializeParams", "diskSizeGb",
	    arena_printf(g->c->arena, "%" PRId64, gib ? gib : 256), "diskType", type,
	    "sourceImage", p->image, "labels", disk_labels);
}

static json_t *nics(struct gcp *g, const struct plan *p)
{
	json_t *nic = json_pack("{s:s}", "network", arena_printf(g->c->arena, "global/networks/%s", p->net.network));
	if (p->net.subnetwork)
		json_put_str(nic, "subnetwork", p->net.subnetwork);
	if (gcp_needs_gvnic(p->type) || json_is_true(talk_setting(&g->talk, "enable_gvnic")))
		json_put_str(nic, "nicType", "GVNIC");
	if (!json_is_true(talk_setting(&g->talk, "use_internal_ips")))
		json_object_set_new(nic, "accessConfigs", json_pack("[{s:s, s:s}]", "name", "External NAT", "type", "ONE_TO_ONE_NAT"));
	return json_pack("[o]", nic);
}

/* GPUs cannot move with a running machine. There is no price cap on Google Cloud. A spot machine that is taken back goes with its
 * disk, which would cost on; that it was taken back is told by the operations of its zone. */
static json_t *scheduling(const struct plan *p)
{
	json_t *s = json_object();
	if (p->accelerator || p->spot)
		json_put_str(s, "onHostMaintenance", "TERMINATE");
	if (!p->spot)
		return s;
	json_put_bool(s, "automaticRestart", false);
	json_put_bool(s, "preemptible", true);
	json_put_str(s, "provisioningModel", "SPOT");
	json_put_str(s, "instanceTerminationAction", "DELETE");
	return s;
}

static json_t *body_of(struct gcp *g, const struct plan *p, const json_t *node)
{
	struct arena *a = g->c->arena;
	json_t *l = labels(g, p, node);
	json_t *b = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:{s:[s, s]}, s:o, s:[{s:s, s:[s]}]}", "name",
	    name_machine(a, p->cluster, p->name, json_int(node, "rank", 0)), "machineType", arena_printf(a, "zones/%s/machineTypes/%s", p->zone, p->type), "disks",
	    disks(g, p, json_copy(l)), "networkInterfaces", nics(g, p), "scheduling", scheduling(p), "labels", l, "tags", "items", "skytop",
	    gcp_cluster_tag(a, p->cluster), "metadata", metadata(g, p, node), "serviceAccounts", "email", "default", "scopes",
	    "https://www.googleapis.com/auth/cloud-platform");
	if (p->reservation)
		json_object_set_new(b, "reservationAffinity", json_pack("{s:s, s:s, s:[s]}", "consumeReservationType", "SPECIFIC_RESERVATION", "key",
		    "compute.googleapis.com/reservation-name", "values", p->reservation));
	if (p->accelerator && gcp_attaches(p->type))
		json_object_set_new(b, "guestAccelerators",
		    json_pack("[{s:s, s:I}]", "acceleratorType",
			arena_printf(a, "zones/%s/acceleratorTypes/%s", p->zone, gcp_accelerator_of(p->accelerator)->google), "acceleratorCount",
			(json_int_t)p->accelerators));
	return b;
}

/* ---- all of them ---------------------------------------------------------------------------------------------------- */

/* Errors that decide come before those that a moment may mend. */
static void keep_error(struct err *kept, const struct err *e)
{
	if (e->code && (!kept->code || (err_info(kept->code)->retry && !err_info(e->code)->retry)))
		*kept = *e;
}

/* 1, 0, −1 with *err; a name that is taken is for the look afterwards. */
static int insert(struct gcp *g, const struct plan *p, const json_t *node, struct err *err)
{
	const char *key = arena_printf(g->c->arena, "insert:%s", json_str(node, "token", ""));
	const char *what = arena_printf(g->c->arena, "making %s (%s) in %s", name_machine(g->c->arena, p->cluster, p->name, json_int(node, "rank", 0)), p->type,
	    p->zone);
	const char *url = gcp_compute(g, NULL, "/zones/%s/instances", p->zone);
	const json_t *a = gcp_ask(g, key, &(struct gcp_ask){.method = "POST", .url = url, .body = body_of(g, p, node)});
	if (!a)
		return 0;
	int r = gcp_answer_error(a, what, true, err) ? -1 : gcp_operation(g, key, json_obj(a, "body"), MAKE_WAIT_MS, what, err);
	if (r == -1 && err->code == ERR_CONFLICT) {
		*err = (struct err){.code = ERR_NONE};
		return 1;
	}
	if (r == -2)
		err_set(err, ERR_CAPACITY, "%s: it is not there after %d seconds", what, MAKE_WAIT_MS / 1000);
	return r < 0 ? -1 : r;
}

/* Has the network that was remembered been taken away? */
static void doubt_network(struct gcp *g, const struct err *err)
{
	if (err->code == ERR_UNSUPPORTED || err->code == ERR_INVALID)
		json_object_clear(gcp_network_memory(g));
}

static size_t count_missing(struct gcp *g, const json_t *found)
{
	size_t i, n = 0;
	json_t *node;
	json_array_foreach(json_arr(g->c->args, "nodes"), i, node)
		n += !nodes_by_token(found, json_str(node, "token", ""));
	return n;
}

/* All that are not among `found`. 1, 0, −1 with g->err. */
static int insert_missing(struct gcp *g, const struct plan *p, const json_t *found)
{
	struct err kept = {.code = ERR_NONE};
	bool waits = false;
	size_t i;
	json_t *node;
	json_array_foreach(json_arr(g->c->args, "nodes"), i, node) {
		struct err err = {.code = ERR_NONE};
		if (nodes_by_token(found, json_str(node, "token", "")))
			continue;
		waits = !insert(g, p, node, &err) || waits;
		keep_error(&kept, &err);
	}
	if (waits)
		return 0;
	if (!kept.code)
		return 1;
	doubt_network(g, &kept);
	*g->err = kept;
	return -1;
}

/* Every token has its node now, or something else has its name. */
static enum provider_step collect(struct gcp *g, const struct plan *p, json_t *all)
{
	json_t *out = json_array(), *node;
	size_t i;
	json_array_foreach(json_arr(g->c->args, "nodes"), i, node) {
		const json_t *n = nodes_by_token(all, json_str(node, "token", ""));
		const char *name = name_machine(g->c->arena, p->cluster, p->name, json_int(node, "rank", 0));
		if (n) {
			json_array_append(out, (json_t *)(uintptr_t)n);
			continue;
		}
		size_t k;
		json_t *other;
		bool taken = false;
		json_array_foreach(all, k, other)
			taken = taken || str_eq(gcp_last_part(json_str(other, "id", "")), name);
		json_decref(out);
		json_decref(all);
		return taken ? talk_failed(&g->talk, ERR_CONFLICT, ERR_SCOPE_PLACE, "%s is there in %s from an earlier attempt: end the cluster first", name, p->zone)
			     : talk_failed(&g->talk, ERR_CAPACITY, ERR_SCOPE_PLACE, "%s was taken back in %s as soon as it was made", name, p->zone);
	}
	json_decref(all);
	return talk_done(&g->talk, json_pack("{s:o}", "nodes", out));
}

static const json_t *look(struct gcp *g, const char *key, const struct plan *p)
{
	const char *url = gcp_compute(g, NULL, "/aggregated/instances?maxResults=500&returnPartialSuccess=true&filter=%s", gcp_cluster_filter(g->c->arena, p->cluster));
	return gcp_list(g, key, url, "instances", "listing the instances of the cluster");
}

/* Those that are there decide the zone of the others. */
static void follow(struct gcp *g, struct plan *p, const json_t *found)
{
	const char *zone = json_str(json_array_get(found, 0), "zone", NULL);
	if (zone && gcp_zone_ok(zone, p->region))
		p->zone = arena_strdup(g->c->arena, zone);
}

enum provider_step gcp_create(struct gcp *g)
{
	struct plan p;
	if (read_plan(g, &p))
		return PROVIDER_FAILED;
	const json_t *list = look(g, "there", &p);
	if (!list)
		return g->err->code ? PROVIDER_FAILED : talk_send(&g->talk);
	json_t *found = gcp_nodes(g, NULL, list, p.cluster);
	follow(g, &p, found);
	int reserved = find_reservation(g, &p, count_missing(g, found));
	int r[] = {reserved, reserved > 0 ? find_zone(g, &p) : reserved, find_image(g, &p), gcp_network(g, p.region, &p.net)};
	int ready = 1;
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		ready = r[i] < 0 || ready < 0 ? -1 : ready && r[i];
	if (ready > 0)
		ready = gcp_open_ports(g, p.cluster, p.net.network, json_arr(g->c->args, "ports"));
	if (ready > 0)
		ready = insert_missing(g, &p, found);
	json_decref(found);
	if (ready <= 0)
		return ready ? PROVIDER_FAILED : talk_send(&g->talk);
	list = look(g, "made", &p);
	if (!list)
		return g->err->code ? PROVIDER_FAILED : talk_send(&g->talk);
	return collect(g, &p, gcp_nodes(g, NULL, list, p.cluster));
}
