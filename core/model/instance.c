/* Memory from names: AWS "m6i.2xlarge", Google "n2-standard-8", Azure "Standard_D8s_v5", Nebius "…-16vcpu-200gb",
 * Oracle "….Flex$_8_32". Sizes within a family grow in proportion, so one figure a family does, and the few that do not
 * are listed. A family that is not here gives "unknown": this is no catalog and does not try to be one. */
#include "core/model/instance.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"

struct family {
	int mib;	   /* for one unit of size: a vCPU, or a GPU where the name counts those */
	const char *names; /* separated by blanks */
};

static const struct family aws[] = {
    {4096, "m4 m5 m5a m5ad m5d m5dn m5n m5zn m6a m6g m6gd m6i m6id m6idn m6in m7a m7g m7gd m7i m7i-flex m8a "
	   "m8azn m8g m8gb m8gd m8gn m8i m8i-flex m8ib m8id m8idb m8idn m8in m9g m9gd t2 t3 t3a t4g g4ad "
	   "g4dn g5 g6 g6f g7 d3en h1 im4gn inf2 trn1 trn1n"},
    {8192, "r5 r5a r5ad r5b r5d r5dn r5n r6a r6g r6gd r6i r6id r6idn r6in r7a r7g r7gd r7i r7iz r8a r8g r8gb "
	   "r8gd r8gn r8i r8i-flex r8ib r8id r8idb r8idn r8in z1d i3en i4g i4i i7i i7ie i8g i8ge d3 g6e gr6 "
	   "gr6f p3dn dl1"},
    {2048, "c5 c5a c5ad c5d c6a c6g c6gd c6gn c6i c6id c6in c7a c7g c7gd c7gn c7i c7i-flex c8a c8g c8gb c8gd "
	   "c8gn c8i c8i-flex c8ib c8id c8in c9g c9gd a1 g5g inf1 vt1"},
    {7808, "i3 p3 r3 r4 g3 g3s d2 i2"},
    {12288, "p4d p4de"},
    {15616, "x1 p2 f1"},
    {16384, "x2gd x2idn x8g x8i"},
    {31232, "x1e"},
    {32768, "x2iedn x2iezn"},
    {1920, "c3 c4"},
    {3840, "m1 m3"},
    {2688, "c5n"},
    {6144, "is4gen"},
};

static const struct family gcp[] = {
    {4096, "n2-standard n2d-standard n4-standard n4a-standard n4d-standard e2-standard c2-standard "
	   "c2d-standard c3-standard c3d-standard c4a-standard t2a-standard t2d-standard h3-standard "
	   "g2-standard"},
    {8192, "n2-highmem n2d-highmem n4-highmem n4a-highmem n4d-highmem e2-highmem c2d-highmem c3-highmem "
	   "c3d-highmem c4a-highmem"},
    {1024, "n2-highcpu n2d-highcpu e2-highcpu"},
    {2048, "n4-highcpu n4a-highcpu n4d-highcpu c2d-highcpu c3-highcpu c4-highcpu c4a-highcpu"},
    {3840, "n1-standard c4-standard g4-standard"},
    {6656, "n1-highmem"},
    {7936, "c4-highmem"},
    {87040, "a2-highgpu a2-megagpu"},
    {174080, "a2-ultragpu"},
    {239616, "a3-highgpu a3-megagpu"},
    {377856, "a3-ultragpu"},
    {507904, "a4-highgpu"},
};

/* '#' stands for the size. */
static const struct family azure[] = {
    {4096, "D#_v3 D#s_v3 D#_v4 D#s_v4 D#d_v4 D#ds_v4 D#a_v4 D#as_v4 D#_v5 D#s_v5 D#d_v5 D#ds_v5 D#as_v5 "
	   "D#ads_v5 D#ps_v5 D#pds_v5 D#s_v6 D#ds_v6 D#as_v6 D#ads_v6 D#ps_v6 D#pds_v6 D#as_v7 D#ads_v7 B#ms "
	   "B#s_v2 B#as_v2 B#ps_v2 F#as_v6"},
    {8192, "E#_v3 E#s_v3 E#_v4 E#s_v4 E#d_v4 E#ds_v4 E#a_v4 E#as_v4 E#_v5 E#s_v5 E#d_v5 E#ds_v5 E#as_v5 "
	   "E#ads_v5 E#bs_v5 E#bds_v5 E#ps_v5 E#pds_v5 E#s_v6 E#ds_v6 E#as_v6 E#ads_v6 E#ps_v6 E#pds_v6 "
	   "E#as_v7 E#ads_v7 L#s L#s_v2 L#s_v3 L#as_v3 L#s_v4 L#as_v4 NC#ads_H100_v5"},
    {2048, "F# F#s F#s_v2 D#ls_v5 D#lds_v5 D#pls_v5 D#plds_v5 D#ls_v6 D#lds_v6 D#als_v6 D#alds_v6 D#pls_v6 "
	   "D#plds_v6 F#als_v6 A#_v2"},
    {7040, "NC#as_T4_v3"},
    {9387, "NC#ads_A100_v4"},
    {9600, "ND#asr_v4"},
    {19200, "ND#amsr_A100_v4"},
    {20267, "ND#isr_H100_v5"},
    {19733, "ND#isr_H200_v5 ND#isr_MI300X_v5"},
    {19115, "NC#s_v3 NC#rs_v3"},
    {17203, "ND#rs_v2"},
    {12516, "NV#ads_A10_v5"},
};

/* Those whose size does not go with the family. */
static const struct {
	const char *name;
	int mib;
} exceptions[] = {
    {"t2.nano", 512},
    {"t2.micro", 1024},
    {"t2.small", 2048},
    {"t3.nano", 512},
    {"t3.micro", 1024},
    {"t3.small", 2048},
    {"t3a.nano", 512},
    {"t3a.micro", 1024},
    {"t3a.small", 2048},
    {"t4g.nano", 512},
    {"t4g.micro", 1024},
    {"t4g.small", 2048},
    {"r3.large", 15360},
    {"c5n.9xlarge", 98304},
    {"c5n.18xlarge", 196608},
    {"p2.16xlarge", 749568},
    {"p5.4xlarge", 262144},
    {"p5.48xlarge", 2097152},
    {"p5e.48xlarge", 2097152},
    {"p5en.48xlarge", 2097152},
    {"p6-b200.48xlarge", 2097152},
    {"p6-b300.48xlarge", 4194304},
    {"trn2.48xlarge", 2097152},
    {"e2-micro", 1024},
    {"e2-small", 2048},
    {"e2-medium", 4096},
    {"n1-highcpu-2", 1843},
    {"n1-highcpu-4", 3686},
    {"n1-highcpu-8", 7373},
    {"n1-highcpu-16", 14746},
    {"n1-highcpu-32", 29491},
    {"n1-highcpu-64", 58982},
    {"n1-highcpu-96", 88474},
    {"n2-highmem-128", 884736},
    {"c4-standard-2", 7168},
    {"c4-highmem-2", 15360},
    {"g4-standard-6", 22528},
    {"Standard_E64_v3", 442368},
    {"Standard_E64s_v3", 442368},
    {"Standard_E64_v4", 516096},
    {"Standard_E64s_v4", 516096},
    {"Standard_E96_v5", 688128},
    {"Standard_E96s_v5", 688128},
    {"Standard_E96ds_v5", 688128},
    {"Standard_E96as_v5", 688128},
    {"Standard_E96ads_v5", 688128},
    {"Standard_D64pds_v5", 212992},
    {"Standard_D64ps_v5", 212992},
};

static bool has_word(const char *words, const char *word, size_t len)
{
	for (const char *p = words; (p = strstr(p, word)); p++)
		if ((p == words || p[-1] == ' ') && (p[len] == ' ' || !p[len]))
			return true;
	return false;
}

static int64_t by_family(const struct family *f, size_t n, const char *name, int64_t units)
{
	size_t len = strlen(name);
	if (!len || strchr(name, ' '))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (has_word(f[i].names, name, len))
			return f[i].mib * units;
	return 0;
}

/* "8xlarge" → 32 vCPUs, 0: not a size like that */
static int64_t aws_units(const char *size)
{
	int64_t n;
	char digits[8];
	size_t d = strspn(size, "0123456789");
	if (!strcmp(size, "medium") || !strcmp(size, "large") || !strcmp(size, "xlarge"))
		return *size == 'm' ? 1 : *size == 'l' ? 2 : 4;
	if (!d || d >= sizeof digits || strcmp(size + d, "xlarge"))
		return 0;
	memcpy(digits, size, d);
	digits[d] = '\0';
	return num_int(digits, 1, 10000, &n) ? 4 * n : 0;
}

static int64_t aws_memory(const char *type)
{
	char family[32];
	size_t n = strcspn(type, ".");
	if (!type[n] || n >= sizeof family)
		return 0;
	memcpy(family, type, n);
	family[n] = '\0';
	/* t2.medium and its like have two vCPUs. */
	bool burst = family[0] == 't' && !strcmp(type + n + 1, "medium");
	return by_family(aws, ARRAY_LEN(aws), family, burst ? 1 : aws_units(type + n + 1));
}

static int64_t gcp_memory(const char *type)
{
	char family[32], size[16];
	const char *dash = strrchr(type, '-');
	int64_t n;
	if (!dash || (size_t)(dash - type) >= sizeof family || strlen(dash + 1) >= sizeof size)
		return 0;
	memcpy(family, type, (size_t)(dash - type));
	family[dash - type] = '\0';
	snprintf(size, sizeof size, "%s", dash + 1);
	size_t len = strlen(size);
	if (len && size[len - 1] == 'g')
		size[len - 1] = '\0';
	return num_int(size, 1, 10000, &n) ? by_family(gcp, ARRAY_LEN(gcp), family, n) : 0;
}

static int64_t azure_memory(const char *type)
{
	static const char prefix[] = "Standard_";
	char family[40], digits[8];
	int64_t n;
	if (strncmp(type, prefix, sizeof prefix - 1))
		return 0;
	type += sizeof prefix - 1;
	size_t letters = strcspn(type, "0123456789"), d = strspn(type + letters, "0123456789");
	if (!letters || !d || d >= sizeof digits || strlen(type) >= sizeof family)
		return 0;
	memcpy(digits, type + letters, d);
	digits[d] = '\0';
	snprintf(family, sizeof family, "%.*s#%s", (int)letters, type, type + letters + d);
	return num_int(digits, 1, 10000, &n) ? by_family(azure, ARRAY_LEN(azure), family, n) : 0;
}

/* The number at the end: "…-200gb", "…_32". */
static int64_t gib_at_end(const char *type, const char *mark, const char *unit)
{
	const char *p = strrchr(type, *mark);
	char digits[12];
	int64_t n;
	size_t d = p ? strspn(p + 1, "0123456789") : 0;
	if (!d || d >= sizeof digits || strcmp(p + 1 + d, unit))
		return 0;
	memcpy(digits, p + 1, d);
	digits[d] = '\0';
	return num_int(digits, 1, 1000000, &n) ? n * 1024 : 0;
}

int64_t instance_memory_mib(const char *cloud, const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(exceptions); i++)
		if (!strcmp(exceptions[i].name, type))
			return exceptions[i].mib;
	if (!strcmp(cloud, "aws"))
		return aws_memory(type);
	if (!strcmp(cloud, "gcp"))
		return gcp_memory(type);
	if (!strcmp(cloud, "azure"))
		return azure_memory(type);
	if (!strcmp(cloud, "nebius"))
		return gib_at_end(type, "-", "gb");
	if (!strcmp(cloud, "oci") && strstr(type, "Flex$_"))
		return gib_at_end(type, "_", "");
	return 0;
}
