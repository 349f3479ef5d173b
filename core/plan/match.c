/* What fits what. The rules are SkyPilot's (its catalog look-ups), with these differences, all on purpose: every
 * machine type that fits is taken, not each cloud's cheapest alone; a price cap holds on every cloud; a request without
 * accelerators goes to a machine that has some only where its cloud has nothing else. */
#include "core/plan/match.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/model/accelerator.h"
#include "core/plan/machine.h"

enum {
	COUNT_SLACK_MICRO = 10000, /* price lists round a third of a GPU to 0.33 or 0.333 */
	MEM_SLACK_MIB = 1,
	DISK_SLACK_GB = 1,
};

/* --- what is asked for ---------------------------------------------------------------------------------------------*/

/* "aws, gcp": the enabled providers p for which has[p]. Returns how many. */
static size_t name_providers(const struct market *m, const bool *has, struct str *out)
{
	size_t n = 0;
	for (size_t p = 0; p < m->n_providers; p++)
		if (has[p] && m->providers[p].rank != SIZE_MAX)
			str_addf(out, "%s%s", n++ ? ", " : "", m->providers[p].name);
	return n;
}

/* The one enabled cloud for which has[] is set, for a request that names `what` but no cloud. None: left open, and
 * nothing will match. */
static int infer_cloud(
    const struct market *m, const bool *has, const char *kind, const char *what, struct want *w, struct err *err)
{
	struct str names = str_new(400);
	size_t n = name_providers(m, has, &names);
	int rc = 0;
	for (size_t p = 0; n == 1 && p < m->n_providers; p++)
		if (has[p] && m->providers[p].rank != SIZE_MAX)
			w->cloud = m->providers[p].name;
	if (n > 1)
		rc = err_set(err, ERR_INVALID,
		    "%s '%s' is one of several enabled clouds (%s): say which, as in infra: %s/%s", kind, what,
		    str_text(&names), "CLOUD", what);
	str_free(&names);
	return rc;
}

/* Which providers have offers at such a place. A place without offers counts for nothing. */
static void providers_at(const struct market *m, const struct want *w, bool *has)
{
	for (size_t i = 0; i < m->n_tables; i++) {
		const struct offers *o = m->tables[i].offers;
		bool *here = xcalloc(o->n_places + 1, sizeof *here);
		for (size_t k = 0; k < o->n_places; k++)
			here[k] = want_place(w, &o->places[k]);
		for (size_t k = 0; k < o->n_rows; k++)
			if (here[o->rows[k].place])
				has[m->regions[m->tables[i].place_region[o->rows[k].place]].provider] = true;
		free(here);
	}
}

static int infer_by_place(const struct market *m, struct want *w, struct err *err)
{
	bool *has = xcalloc(m->n_providers + 1, sizeof *has);
	providers_at(m, w, has);
	int rc = infer_cloud(m, has, w->region ? "region" : "zone", w->region ? w->region : w->zone, w, err);
	free(has);
	return rc;
}

static int infer_by_instance(const struct market *m, struct want *w, struct err *err)
{
	bool *has = xcalloc(m->n_providers + 1, sizeof *has);
	for (size_t i = 0; i < m->n_tables; i++)
		for (size_t k = 0; k < m->tables[i].offers->n_types; k++)
			if (m->tables[i].type_provider[k] < m->n_providers &&
			    str_eq(m->tables[i].offers->types[k].instance_type, w->r->instance_type))
				has[m->tables[i].type_provider[k]] = true;
	int rc = infer_cloud(m, has, "instance type", w->r->instance_type, w, err);
	free(has);
	return rc;
}

/* Names that are offered and contain the text, each once, at most max; how many. */
static size_t offered_names(const struct market *m, const char *part, const char **out, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i < m->n_tables; i++) {
		const struct offers *o = m->tables[i].offers;
		const char *last = NULL;
		for (size_t k = 0; k < o->n_types && n < max; k++) {
			const char *name = o->types[k].accelerator;
			if (!name || name == last || !str_istr(name, part))
				continue;
			last = name;
			size_t j = 0;
			while (j < n && !str_ieq(out[j], name))
				j++;
			if (j == n)
				out[n++] = name;
		}
	}
	return n;
}

/* The accelerator by its canonical name; or, where that is neither known nor offered, the one offered name it is a part
 * of. */
static int resolve_accelerator(const struct market *m, const char *name, struct want *w, struct err *err)
{
	const char *found[8];
	w->accelerator = accelerator_canonical(name);
	if (accelerator_find(name) || accelerator_tpu(name, NULL))
		return 0;
	size_t n = offered_names(m, name, found, ARRAY_LEN(found));
	for (size_t i = 0; i < n; i++)
		if (str_ieq(found[i], name))
			return 0;
	if (n == 1)
		w->accelerator = found[0];
	if (n < 2)
		return 0;
	struct str names = str_new(400);
	for (size_t i = 0; i < n; i++)
		str_addf(&names, "%s%s", i ? ", " : "", found[i]);
	int rc =
	    err_set(err, ERR_INVALID, "accelerator '%s' may be any of %s: write one of them", name, str_text(&names));
	str_free(&names);
	return rc;
}

static int check_image(const struct want *w, struct err *err)
{
	const char *image = w->r->image_id;
	if (!(w->features & FEATURE_IMAGE))
		return 0;
	if (!w->cloud)
		return err_set(err, ERR_INVALID,
		    "image_id%s%s is an image of one cloud: say which, as in infra: aws/us-east-1", image ? " " : "",
		    image ? image : "");
	if (image && !w->region && !strcmp(w->cloud, "aws") && str_starts(image, "ami-"))
		return err_set(err, ERR_INVALID,
		    "image_id %s is an image of one region: say which, as in infra: aws/us-east-1", image);
	return 0;
}

static void apply_relax(struct want *w, enum relax relax)
{
	w->relax = relax;
	if (relax == RELAX_SPOT) {
		w->use_spot = false;
		w->features &= ~(unsigned)FEATURE_SPOT;
	}
	if (relax == RELAX_PRICE_CAP)
		w->cap_uusd_h = PRICE_UNKNOWN;
	if (relax == RELAX_CLOUD)
		w->cloud = w->region = w->zone = NULL;
	if (relax == RELAX_REGION)
		w->region = w->zone = NULL;
	if (relax == RELAX_ZONE)
		w->zone = NULL;
	if (relax == RELAX_COUNT)
		w->count_hi_micro = INT64_MAX;
	if (relax == RELAX_FEATURES || relax == RELAX_LOCAL_DISK)
		w->features &= relax == RELAX_FEATURES ? 0 : ~(unsigned)FEATURE_LOCAL_DISK;
	if (relax == RELAX_NODES) {
		w->num_nodes = 1;
		w->features &= ~(unsigned)FEATURE_MULTI_NODE;
	}
}

int want_make(const struct market *m, const struct task *t, const struct resources *r, enum relax relax,
    struct want *out, struct err *err)
{
	struct want w = {.r = r,
	    .cloud = r->cloud,
	    .region = r->region,
	    .zone = r->zone,
	    .count_lo_micro = r->accel_count_micro - COUNT_SLACK_MICRO,
	    .count_hi_micro = r->accel_count_micro + COUNT_SLACK_MICRO,
	    .features = features_needed(t, r),
	    .use_spot = r->use_spot,
	    .num_nodes = t->num_nodes,
	    .cap_uusd_h = r->max_hourly_uusd};
	if (r->accelerator && resolve_accelerator(m, r->accelerator, &w, err))
		return -1;
	if (!w.cloud && (w.region || w.zone) && infer_by_place(m, &w, err))
		return -1;
	if (!w.cloud && r->instance_type && relax != RELAX_INSTANCE && infer_by_instance(m, &w, err))
		return -1;
	if (check_image(&w, err))
		return -1;
	apply_relax(&w, relax);
	*out = w;
	return 0;
}

/* --- types ---------------------------------------------------------------------------------------------------------*/

static bool amount_fits(int64_t has, int64_t wanted, bool at_least, int64_t slack)
{
	if (has < 0)
		return false;
	return at_least ? has >= wanted - slack : has >= wanted - slack && has <= wanted + slack;
}

static bool cpus_fit(const struct want *w, const struct offer_type *t)
{
	const struct amount *a = &w->r->cpus;
	return !a->set || w->relax == RELAX_CPUS || amount_fits(t->vcpus_micro, a->micro, a->at_least, 0);
}

/* At least so many millionths of a GiB for each vCPU. */
static bool ratio_fits(const struct offer_type *t, int64_t gib_micro)
{
	int64_t need, has;
	if (t->vcpus_micro < 0 || t->mem_mib < 0)
		return false;
	if (__builtin_mul_overflow(gib_micro, t->vcpus_micro / 1000 * 1024, &need) ||
	    __builtin_mul_overflow(t->mem_mib, INT64_C(1000000000), &has))
		return false;
	return has >= need;
}

static bool memory_fits(const struct want *w, const struct offer_type *t)
{
	const struct amount *a = &w->r->memory;
	if (!a->set || w->relax == RELAX_MEMORY)
		return true;
	if (a->per_vcpu)
		return ratio_fits(t, a->micro);
	int64_t wanted_mib = a->micro > INT64_MAX / 2048 ? INT64_MAX / 2 : (a->micro * 1024 + 500000) / 1000000;
	return amount_fits(t->mem_mib, wanted_mib, a->at_least, MEM_SLACK_MIB);
}

static bool local_disk_fits(const struct want *w, const struct offer_type *t)
{
	const char *ask = w->r->local_disk;
	if (!ask || w->relax == RELAX_LOCAL_DISK)
		return true;
	int64_t has = machine_local_disk_gb(t), wanted = 0;
	const char *size = strchr(ask, ':');
	size = size ? size + 1 : ask;
	size_t len = strcspn(size, "+");
	char digits[20];
	if (len >= sizeof digits)
		return false;
	memcpy(digits, size, len);
	digits[len] = '\0';
	if (!num_int(digits, 0, INT64_MAX / 2, &wanted))
		return false;
	/* All disks we know of are NVMe, which is good enough where an SSD is asked for. */
	return has > 0 && amount_fits(has, wanted, size[len] == '+', size[len] == '+' ? 0 : DISK_SLACK_GB);
}

static bool accelerator_fits(const struct want *w, const struct offer_type *t)
{
	return t->accelerator && t->accel_count_micro >= w->count_lo_micro &&
	       t->accel_count_micro <= w->count_hi_micro && str_ieq(t->accelerator, w->accelerator);
}

/* A machine to which GPUs are attached comes in any size; unless asked otherwise it has enough for its GPUs. */
static bool host_fits(const struct want *w, const struct offer_type *t)
{
	const struct resources *r = w->r;
	int64_t vcpus = INT64_C(1000000) * machine_host_vcpus(t);
	if (!vcpus || r->instance_type)
		return true;
	bool by_cpus = r->cpus.set && w->relax != RELAX_CPUS, by_memory = r->memory.set && w->relax != RELAX_MEMORY;
	if (!by_cpus && t->vcpus_micro < vcpus)
		return false;
	if (by_cpus)
		vcpus = r->cpus.micro;
	return by_memory || t->mem_mib >= vcpus / 1000 * (MACHINE_HOST_GIB_PER_VCPU * 1024) / 1000;
}

/* What stands for cpus and memory when they are not asked for. */
static bool defaults_fit(const struct want *w, const struct machine_defaults *d, const struct offer_type *t)
{
	const struct resources *r = w->r;
	if (d->cpus && !r->cpus.set && !r->memory.set &&
	    !amount_fits(t->vcpus_micro, d->cpus * INT64_C(1000000), !d->cpus_exact, 0))
		return false;
	return !d->mem_gib_per_vcpu || r->memory.set || ratio_fits(t, d->mem_gib_per_vcpu * INT64_C(1000000));
}

static enum fit plain_type(const struct want *w, const struct offer_type *t)
{
	const struct machine_defaults *d = machine_defaults_of(t->provider);
	if (d && (!machine_in_family(d, t->instance_type) || !defaults_fit(w, d, t)))
		return FIT_NO;
	return t->accelerator ? FIT_WITH_ACCELERATOR : FIT_YES;
}

enum fit want_type(const struct want *w, const struct offer_type *t)
{
	const struct resources *r = w->r;
	bool named = r->instance_type && w->relax != RELAX_INSTANCE;
	if (named && strcmp(t->instance_type, r->instance_type))
		return FIT_NO;
	if (w->accelerator && !accelerator_fits(w, t))
		return FIT_NO;
	if (!cpus_fit(w, t) || !memory_fits(w, t) || !local_disk_fits(w, t) || (w->accelerator && !host_fits(w, t)))
		return FIT_NO;
	return w->accelerator || named ? FIT_YES : plain_type(w, t);
}

/* --- clouds and places ---------------------------------------------------------------------------------------------*/

bool want_provider(const struct want *w, const struct market_provider *p, unsigned *lacking)
{
	unsigned missing = w->features & ~p->features->can;
	bool meant = !w->cloud || str_ieq(w->cloud, p->name);
	bool enabled = p->rank != SIZE_MAX || w->relax == RELAX_ENABLED;
	if (lacking)
		*lacking = meant && enabled ? missing : 0;
	return meant && enabled && !missing;
}

/* An image may be told region by region: it is to be had in these only. */
static bool image_is_at(const struct resources *r, const char *region)
{
	const char *key;
	json_t *image;
	bool by_region = false;
	json_object_foreach(r->image_ids, key, image) {
		if (!strcmp(key, "null") || !strcmp(key, region))
			return true;
		if (!strcmp(key, "docker"))
			continue;
		by_region = true;
	}
	return !by_region;
}

bool want_place(const struct want *w, const struct offer_place *p)
{
	if (w->cloud && !str_ieq(w->cloud, p->provider))
		return false;
	if (w->region && strcmp(w->region, p->region))
		return false;
	if (w->zone && strcmp(w->zone, p->zone))
		return false;
	return image_is_at(w->r, p->region);
}
