/* Which cloud can do what. The rows say what cannot be worked around: a cloud that lacks what a request needs is no
 * candidate for it. What a cloud charges for it, and whether there is any left, is not known here. */
#include "core/plan/features.h"

#include <string.h>

#include "core/base/mem.h"

#define SPOT FEATURE_SPOT
#define STOP FEATURE_STOP
#define MULTI FEATURE_MULTI_NODE
#define PORTS FEATURE_PORTS
#define DOCKER FEATURE_DOCKER
#define IMAGE FEATURE_IMAGE
#define TIER FEATURE_DISK_TIER
#define ULTRA FEATURE_DISK_ULTRA
#define NET FEATURE_NETWORK_BEST
#define LOCAL_DISK FEATURE_LOCAL_DISK
#define ALL ((1u << FEATURES) - 1)

static const struct cloud_features rows[] = {
    {"aws", SPOT | STOP | MULTI | PORTS | DOCKER | IMAGE | TIER | ULTRA | NET | LOCAL_DISK, ZONES_SPOT, true, false},
    {"gcp", SPOT | STOP | MULTI | PORTS | DOCKER | IMAGE | TIER | ULTRA | NET, ZONES_ALWAYS, false, false},
    {"azure", SPOT | STOP | MULTI | PORTS | DOCKER | IMAGE | TIER, ZONES_NEVER, false, false},
    {"oci", SPOT | STOP | MULTI | PORTS | IMAGE | TIER | NET, ZONES_SPOT, false, false},
    {"ibm", SPOT | STOP | MULTI | IMAGE | NET, ZONES_SPOT, false, false},
    {"nebius", SPOT | STOP | MULTI | PORTS | DOCKER | IMAGE | TIER, ZONES_NEVER, false, false},
    {"lambda", MULTI | PORTS | DOCKER, ZONES_NEVER, true, false},
    {"runpod", SPOT | PORTS | DOCKER | IMAGE, ZONES_SPOT, false, false},
    {"vast", SPOT | STOP | PORTS | DOCKER | IMAGE, ZONES_NEVER, false, false},
    {"fluidstack", MULTI | PORTS | DOCKER, ZONES_NEVER, true, false},
    {"do", STOP | MULTI | PORTS | DOCKER | IMAGE, ZONES_NEVER, false, false},
    {"paperspace", STOP | MULTI | PORTS | DOCKER, ZONES_NEVER, false, false},
    {"cudo", MULTI | PORTS, ZONES_NEVER, false, false},
    {"scp", STOP | MULTI | PORTS, ZONES_NEVER, false, false},
    {"vsphere", STOP, ZONES_NEVER, false, false},
    {"hyperbolic", 0, ZONES_NEVER, false, false},
    {"seeweb", STOP | PORTS | DOCKER, ZONES_NEVER, false, false},
    {"shadeform", PORTS, ZONES_NEVER, false, false},
    {"primeintellect", SPOT | PORTS, ZONES_NEVER, false, false},
    {"mithril", SPOT | STOP | MULTI | DOCKER, ZONES_NEVER, false, false},
    {"verda", SPOT | IMAGE, ZONES_NEVER, false, false},
    {"yotta", PORTS | DOCKER | IMAGE, ZONES_NEVER, false, false},
    {"kubernetes", SPOT | MULTI | PORTS | DOCKER | IMAGE | FEATURE_EPHEMERAL, ZONES_NEVER, false, false},
    {"ssh", STOP | MULTI | PORTS, ZONES_NEVER, false, true},
    {"slurm", MULTI | DOCKER, ZONES_ALWAYS, false, false},
    {"local", STOP | MULTI | PORTS, ZONES_NEVER, false, false},
    {"sim", ALL, ZONES_ALWAYS, false, false},
};
static const struct cloud_features unknown = {"", ALL & ~LOCAL_DISK, ZONES_ALWAYS, false, false};

static const char *const names[FEATURES] = {
    "spot",
    "stopping and starting machines",
    "several nodes",
    "open ports",
    "docker images",
    "machine images",
    "disk tiers",
    "the ultra disk tier",
    "the best network tier",
    "a choice of local disks",
    "ephemeral storage",
};

const struct cloud_features *cloud_features_of(const char *cloud)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].cloud, cloud))
			return &rows[i];
	return &unknown;
}

static bool is_docker(const char *image)
{
	return str_starts(image, "docker:");
}

/* An image may be told once, or region by region. */
static unsigned image_features(const struct resources *r)
{
	unsigned need = 0;
	const char *region;
	json_t *image;
	if (r->image_id)
		need |= is_docker(r->image_id) ? DOCKER : IMAGE;
	json_object_foreach(r->image_ids, region, image) {
		const char *text = json_string_value(image);
		if (text)
			need |= is_docker(text) ? DOCKER : IMAGE;
	}
	return need;
}

unsigned features_needed(const struct task *t, const struct resources *r)
{
	unsigned need = image_features(r);
	if (r->use_spot)
		need |= SPOT;
	if (t->num_nodes > 1)
		need |= MULTI;
	if (r->n_ports)
		need |= PORTS;
	if (r->disk_tier != DISK_TIER_UNSET && r->disk_tier != DISK_TIER_BEST)
		need |= TIER;
	if (r->disk_tier == DISK_TIER_ULTRA)
		need |= ULTRA;
	if (r->network_tier == NETWORK_TIER_BEST)
		need |= NET;
	if (r->local_disk)
		need |= LOCAL_DISK;
	if (r->ephemeral_gib)
		need |= FEATURE_EPHEMERAL;
	if (r->autostop.set && r->autostop.enabled && !r->autostop.down)
		need |= STOP;
	return need;
}

void features_text(unsigned features, struct str *out)
{
	const char *sep = "";
	for (int i = 0; i < FEATURES; i++) {
		if (!(features & (1u << i)))
			continue;
		str_addf(out, "%s%s", sep, names[i]);
		sep = ", ";
	}
}
