/* Machine types: which ones are meant when nothing is said, and what price lists leave out. Sources: the clouds' own
 * pages of machine types (aws.amazon.com/ec2/instance-types, cloud.google.com/compute/docs/machine-resource,
 * learn.microsoft.com/azure/virtual-machines/sizes, docs.oracle.com/iaas/Content/Compute/References/computeshapes.htm).
 */
#include "core/plan/machine.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"

static const struct machine_defaults defaults[] = {
    {"aws", "m6i. m6id. m7i. r6i. r6id. r7i. c6i. c6id. c7i.", 8, false, 4},
    {"gcp", "n2-standard- n2-highmem- n2-highcpu- n4-standard- n4-highmem- n4-highcpu-", 8, false, 4},
    {"azure", "Ds_v5 Es_v5 Fs_v2", 8, false, 4},
    {"ibm", "bx2-", 8, false, 4},
    {"oci", "VM.Standard.E VM.Standard3.", 8, false, 4},
    {"lambda", NULL, 30, false, 4},
    {"fluidstack", NULL, 6, false, 4},
    {"cudo", NULL, 8, false, 2},
    {"scp", NULL, 8, true, 2},
    {"ssh", NULL, 2, false, 0},
};

const struct machine_defaults *machine_defaults_of(const char *cloud)
{
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
		if (!strcmp(defaults[i].cloud, cloud))
			return &defaults[i];
	return NULL;
}

/* Azure: "Standard_D8s_v5" is of the family "Ds_v5", whatever its size. "Standard_E8-2s_v5" has vCPUs switched off and
 * is of none. */
static bool azure_family(const char *family, size_t len, const char *type)
{
	static const char prefix[] = "Standard_";
	if (!str_starts(type, prefix))
		return false;
	type += sizeof prefix - 1;
	size_t letters = strspn(type, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	size_t digits = strspn(type + letters, "0123456789");
	const char *rest = type + letters + digits;
	return letters && digits && letters < len && !strncmp(type, family, letters) && strlen(rest) == len - letters &&
	       !strncmp(rest, family + letters, len - letters);
}

bool machine_in_family(const struct machine_defaults *d, const char *instance_type)
{
	bool azure = !strcmp(d->cloud, "azure");
	if (!d->families)
		return true;
	if (strstr(instance_type, ".metal"))
		return false;
	for (const char *f = d->families; *f; f += strspn(f, " ")) {
		size_t len = strcspn(f, " ");
		if (azure ? azure_family(f, len, instance_type) : !strncmp(instance_type, f, len))
			return true;
		f += len;
	}
	return false;
}

/* For 1, 2, 4, 8 and 16 of the accelerator; -1: as many do not fit. */
static const struct {
	const char *accelerator;
	int vcpus[5];
} hosts[] = {
    {"K80", {4, 8, 16, 32, 64}},
    {"V100", {8, 16, 32, 64, 64}},
    {"P100", {8, 16, 32, 64, 64}},
    {"T4", {4, 8, 48, 96, 96}},
    {"", {8, 16, 32, 64, 128}},
};

int machine_host_vcpus(const struct offer_type *t)
{
	size_t i = 0;
	int step = 0;
	if (!t->accelerator || strcmp(t->provider, "gcp") || !str_starts(t->instance_type, "n1-"))
		return 0;
	while (hosts[i].accelerator[0] && strcmp(hosts[i].accelerator, t->accelerator))
		i++;
	while (step < 4 && (INT64_C(1000000) << step) < t->accel_count_micro)
		step++;
	return hosts[i].vcpus[step];
}

/* AWS machines with disks inside, all NVMe: either so much a vCPU, or told size by size. */
static const struct {
	const char *family;
	int gb_per_16_vcpus;
	const char *sizes; /* "xlarge=250 …" */
} disks[] = {
    {"c5d", 400, NULL},
    {"m5d", 600, NULL},
    {"r5d", 600, NULL},
    {"m5dn", 600, NULL},
    {"r5dn", 600, NULL},
    {"c5ad", 600, NULL},
    {"m5ad", 600, NULL},
    {"r5ad", 600, NULL},
    {"z1d", 600, NULL},
    {"c6id", 948, NULL},
    {"m6id", 948, NULL},
    {"r6id", 948, NULL},
    {"m6idn", 948, NULL},
    {"r6idn", 948, NULL},
    {"c6gd", 948, NULL},
    {"m6gd", 948, NULL},
    {"r6gd", 948, NULL},
    {"c7gd", 948, NULL},
    {"m7gd", 948, NULL},
    {"r7gd", 948, NULL},
    {"c8gd", 948, NULL},
    {"m8gd", 948, NULL},
    {"r8gd", 948, NULL},
    {"x2idn", 475, NULL},
    {"x2iedn", 475, NULL},
    {"x2gd", 948, NULL},
    {"i3", 3800, NULL},
    {"i3en", 10000, NULL},
    {"i4i", 3744, NULL},
    {"i4g", 3744, NULL},
    {"i7i", 3744, NULL},
    {"i7ie", 10000, NULL},
    {"i8g", 3744, NULL},
    {"g4dn", 0, "xlarge=125 2xlarge=225 4xlarge=225 8xlarge=900 12xlarge=900 16xlarge=900 metal=1800"},
    {"g4ad", 0, "xlarge=150 2xlarge=300 4xlarge=600 8xlarge=1200 16xlarge=2400"},
    {"g5", 0, "xlarge=250 2xlarge=450 4xlarge=600 8xlarge=900 12xlarge=3800 16xlarge=1900 24xlarge=3800 48xlarge=7600"},
    {"g6", 0, "xlarge=250 2xlarge=450 4xlarge=600 8xlarge=900 12xlarge=3760 16xlarge=1880 24xlarge=3760 48xlarge=7520"},
    {"g6e", 0,
	"xlarge=250 2xlarge=450 4xlarge=600 8xlarge=900 12xlarge=3800 16xlarge=1900 24xlarge=3800 48xlarge=7600"},
    {"p3dn", 0, "24xlarge=1800"},
    {"p4d", 0, "24xlarge=8000"},
    {"p4de", 0, "24xlarge=8000"},
    {"p5", 0, "4xlarge=3800 48xlarge=30400"},
    {"p5e", 0, "48xlarge=30400"},
    {"p5en", 0, "48xlarge=30400"},
    {"p6-b200", 0, "48xlarge=30400"},
    {"trn1", 0, "2xlarge=474 32xlarge=7600"},
    {"trn1n", 0, "32xlarge=7600"},
    {"dl1", 0, "24xlarge=4000"},
};

static int64_t size_gb(const char *sizes, const char *size)
{
	size_t len = strlen(size);
	for (const char *p = sizes; *p; p += strcspn(p, " "), p += strspn(p, " "))
		if (!strncmp(p, size, len) && p[len] == '=')
			return strtol(p + len + 1, NULL, 10);
	return -1;
}

int64_t machine_local_disk_gb(const struct offer_type *t)
{
	size_t family = strcspn(t->instance_type, ".");
	if (strcmp(t->provider, "aws") || !t->instance_type[family])
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(disks); i++) {
		if (strlen(disks[i].family) != family || strncmp(disks[i].family, t->instance_type, family))
			continue;
		if (disks[i].sizes)
			return size_gb(disks[i].sizes, t->instance_type + family + 1);
		return t->vcpus_micro > 0 ? t->vcpus_micro * disks[i].gb_per_16_vcpus / 16000000 : -1;
	}
	/* A family without a "d" among its letters has no disks, as AWS names them; others are told above or not known.
	 */
	return memchr(t->instance_type, 'd', family) ? -1 : 0;
}
