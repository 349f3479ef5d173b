/* Clouds by name. Those of SkyPilot come first, in its order; then what only this program has; then clouds of which it
 * merely knows prices. */
#include "core/model/cloud.h"

#include <ctype.h>
#include <string.h>

#include "core/base/str.h"

static const struct cloud clouds[] = {
    {"aws", "AWS", false},
    {"azure", "Azure", false},
    {"gcp", "Google Cloud", false},
    {"ibm", "IBM Cloud", false},
    {"lambda", "Lambda", false},
    {"scp", "Samsung Cloud", false},
    {"oci", "Oracle Cloud", false},
    {"kubernetes", "Kubernetes", true},
    {"runpod", "RunPod", false},
    {"vast", "Vast.ai", false},
    {"vsphere", "vSphere", false},
    {"cudo", "Cudo", false},
    {"fluidstack", "Fluidstack", false},
    {"paperspace", "Paperspace", false},
    {"primeintellect", "Prime Intellect", false},
    {"do", "DigitalOcean", false},
    {"nebius", "Nebius", false},
    {"ssh", "SSH node pools", false},
    {"slurm", "Slurm", false},
    {"hyperbolic", "Hyperbolic", false},
    {"seeweb", "Seeweb", false},
    {"shadeform", "Shadeform", false},
    {"yotta", "Yotta", false},
    {"mithril", "Mithril", false},
    {"verda", "Verda", false},
    {"local", "this machine", false},
    {"sim", "simulated cloud", false},
    {"akash", "Akash", false},
    {"coreweave", "CoreWeave", false},
    {"crusoe", "Crusoe", false},
    {"cr8dl", "CR8DL", false},
    {"dataoorts", "Dataoorts", false},
    {"exoscale", "Exoscale", false},
    {"genesiscloud", "Genesis Cloud", false},
    {"gpuhub", "GPUhub", false},
    {"hyperstack", "Hyperstack", false},
    {"jarvislabs", "JarvisLabs", false},
    {"latitude", "Latitude.sh", false},
    {"lium", "Lium", false},
    {"modal", "Modal", false},
    {"novita", "Novita", false},
    {"novonimbus", "NovoNimbus", false},
    {"oblivus", "Oblivus", false},
    {"ovhcloud", "OVHcloud", false},
    {"packetai", "Packet.ai", false},
    {"qubrid", "Qubrid", false},
    {"salad", "Salad", false},
    {"scaleway", "Scaleway", false},
    {"spheron", "Spheron", false},
    {"tensordock", "TensorDock", false},
    {"thundercompute", "Thunder Compute", false},
    {"vultr", "Vultr", false},
};

static const struct {
	const char *alias, *name;
} aliases[] = {{"k8s", "kubernetes"}, {"digitalocean", "do"}, {"ovh", "ovhcloud"}};

const struct cloud *cloud_at(size_t i)
{
	return i < ARRAY_LEN(clouds) ? &clouds[i] : NULL;
}

const struct cloud *cloud_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (str_ieq(name, aliases[i].alias))
			name = aliases[i].name;
	for (size_t i = 0; i < ARRAY_LEN(clouds); i++)
		if (str_ieq(name, clouds[i].name))
			return &clouds[i];
	return NULL;
}

const char *cloud_nearest(const char *name)
{
	const char *names[ARRAY_LEN(clouds)];
	for (size_t i = 0; i < ARRAY_LEN(clouds); i++)
		names[i] = clouds[i].name;
	return text_nearest(name, names, ARRAY_LEN(clouds));
}

static const char *part(struct arena *a, const char *s, size_t len)
{
	return len == 1 && *s == '*' ? NULL : arena_strndup(a, s, len);
}

static const char *unknown(struct arena *a, const char *name)
{
	const char *near = cloud_nearest(name);
	if (near)
		return arena_printf(a, "names the cloud '%.40s', which is not known; did you mean '%s'?", name, near);
	return arena_printf(a,
	    "names the cloud '%.40s', which is not known; it is one of aws, gcp, azure, kubernetes, lambda, runpod, "
	    "vast, "
	    "nebius, oci, … (skytop check lists them all)",
	    name);
}

const char *infra_parse(struct arena *a, const char *text, struct place *out)
{
	static const char want[] =
	    "must be cloud, cloud/region or cloud/region/zone, with * for any: aws, gcp/us-central1, "
	    "*/us-east-1, k8s/my-context";
	size_t len = strlen(text), first = strcspn(text, "/");
	if (!first || len > 256 || text[len - 1] == '/')
		return want;
	struct place p = {0};
	bool any = first == 1 && *text == '*';
	const char *name = arena_strndup(a, text, first);
	const struct cloud *c = any ? NULL : cloud_find(name);
	if (!any && !c)
		return strpbrk(name, " \t\n") ? want : unknown(a, name);
	p.cloud = any ? NULL : c->name;
	const char *rest = text[first] ? text + first + 1 : NULL;
	if (rest && c && c->one_name) {
		p.region = arena_strdup(a, rest);
	} else if (rest) {
		size_t region = strcspn(rest, "/"), zone = rest[region] ? strlen(rest + region + 1) : 0;
		if (!region || strpbrk(rest, " \t\n") || (rest[region] && (!zone || strchr(rest + region + 1, '/'))))
			return want;
		p.region = part(a, rest, region);
		p.zone = zone ? part(a, rest + region + 1, zone) : NULL;
	}
	*out = p;
	return NULL;
}

const char *infra_text(struct arena *a, const struct place *p)
{
	if (p->zone)
		return arena_printf(a, "%s/%s/%s", p->cloud ? p->cloud : "*", p->region ? p->region : "*", p->zone);
	if (p->region)
		return arena_printf(a, "%s/%s", p->cloud ? p->cloud : "*", p->region);
	return p->cloud;
}
