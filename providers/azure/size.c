/* What is known of machine sizes: those with GPUs by table (learn.microsoft.com/azure/virtual-machines/sizes), since Azure tells neither the model of
 * a GPU nor its memory, and of some not even that there are any; families of quotas and vCPUs of the others by how their names are made:
 * Standard_D4s_v5 is of standardDSv5Family and has four. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"

static const struct azure_size sizes[] = {
    {"Standard_NC4as_T4_v3", "T4", 1, 16, 4, 28, "standardNCASv3_T4Family"},
    {"Standard_NC8as_T4_v3", "T4", 1, 16, 8, 56, "standardNCASv3_T4Family"},
    {"Standard_NC16as_T4_v3", "T4", 1, 16, 16, 110, "standardNCASv3_T4Family"},
    {"Standard_NC64as_T4_v3", "T4", 4, 16, 64, 440, "standardNCASv3_T4Family"},
    {"Standard_NC6s_v3", "V100", 1, 16, 6, 112, "standardNCSv3Family"},
    {"Standard_NC12s_v3", "V100", 2, 16, 12, 224, "standardNCSv3Family"},
    {"Standard_NC24s_v3", "V100", 4, 16, 24, 448, "standardNCSv3Family"},
    {"Standard_NC24rs_v3", "V100", 4, 16, 24, 448, "standardNCSv3Family"},
    {"Standard_ND40rs_v2", "V100-32GB", 8, 32, 40, 672, "standardNDSv2Family"},
    {"Standard_NC24ads_A100_v4", "A100-80GB", 1, 80, 24, 220, "StandardNCADSA100v4Family"},
    {"Standard_NC48ads_A100_v4", "A100-80GB", 2, 80, 48, 440, "StandardNCADSA100v4Family"},
    {"Standard_NC96ads_A100_v4", "A100-80GB", 4, 80, 96, 880, "StandardNCADSA100v4Family"},
    {"Standard_ND96asr_v4", "A100", 8, 40, 96, 900, "standardNDASv4_A100Family"},
    {"Standard_ND96amsr_A100_v4", "A100-80GB", 8, 80, 96, 1900, "standardNDAMSv4_A100Family"},
    {"Standard_NC40ads_H100_v5", "H100", 1, 94, 40, 320, "StandardNCadsH100v5Family"},
    {"Standard_NC80adis_H100_v5", "H100", 2, 94, 80, 640, "StandardNCadsH100v5Family"},
    {"Standard_ND96isr_H100_v5", "H100", 8, 80, 96, 1900, "standardNDSH100v5Family"},
    {"Standard_ND96isr_H200_v5", "H200", 8, 141, 96, 1850, "standardNDISRH200V5Family"},
    {"Standard_ND96is_MI300X_v5", "MI300X", 8, 192, 96, 1850, "standardNDISv5MI300XFamily"},
    {"Standard_ND96isr_MI300X_v5", "MI300X", 8, 192, 96, 1850, "standardNDISv5MI300XFamily"},
    {"Standard_ND128isr_NDR_GB200_v6", "GB200", 4, 186, 128, 864, "standardNDISRGB200V6NDRFamily"},
    {"Standard_ND128isr_GB300_v6", "GB300", 4, 288, 128, 864, "standardNDISRGB300V6Family"},
    {"Standard_NV6ads_A10_v5", "A10", 0.167, 24, 6, 55, "StandardNVADSA10v5Family"},
    {"Standard_NV12ads_A10_v5", "A10", 0.333, 24, 12, 110, "StandardNVADSA10v5Family"},
    {"Standard_NV18ads_A10_v5", "A10", 0.5, 24, 18, 220, "StandardNVADSA10v5Family"},
    {"Standard_NV36ads_A10_v5", "A10", 1, 24, 36, 440, "StandardNVADSA10v5Family"},
    {"Standard_NV36adms_A10_v5", "A10", 1, 24, 36, 880, "StandardNVADSA10v5Family"},
    {"Standard_NV72ads_A10_v5", "A10", 2, 24, 72, 880, "StandardNVADSA10v5Family"},
};

const struct azure_size *azure_size_at(size_t i)
{
	return i < ARRAY_LEN(sizes) ? &sizes[i] : NULL;
}

const struct azure_size *azure_size_of(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_LEN(sizes); i++)
		if (str_ieq(name, sizes[i].name))
			return &sizes[i];
	return NULL;
}

/* "Standard_D4s_v5" or "Basic_A1": of letters, digits, - and _. */
bool azure_size_ok(const char *name)
{
	size_t n = 0;
	for (; name[n]; n++)
		if (!isalnum((unsigned char)name[n]) && !strchr("_-", name[n]))
			return false;
	return n < 64 && str_starts(name, "Standard_") && name[9];
}

/* The parts of a name: what comes before its number, the number, what comes between it and "_", the rest. */
struct parts {
	char head[8], mid[12], rest[32];
	int64_t number;
};

static bool parts_of(const char *name, struct parts *p)
{
	char digits[8] = "", tail[48] = "";
	*p = (struct parts){.head = ""};
	if (!str_starts(name, "Standard_"))
		return false;
	const char *s = name + 9;
	size_t head = strcspn(s, "0123456789"), n = strspn(s + head, "0123456789");
	if (!head || head >= sizeof p->head || !n || n >= sizeof digits)
		return false;
	memcpy(p->head, s, head);
	memcpy(digits, s + head, n);
	snprintf(tail, sizeof tail, "%s", s + head + n);
	size_t mid = strcspn(tail, "_");
	snprintf(p->mid, sizeof p->mid, "%.*s", (int)mid, tail);
	snprintf(p->rest, sizeof p->rest, "%.31s", tail + mid);
	return num_int(digits, 1, 10000, &p->number);
}

bool azure_size_is_arm(const char *name)
{
	struct parts p;
	return strstr(name, "_GB200") || strstr(name, "_GB300") || (parts_of(name, &p) && strchr(p.mid, 'p') && strchr("DEB", p.head[0]));
}

bool azure_size_takes_premium(const char *name)
{
	struct parts p;
	return parts_of(name, &p) && strchr(p.mid, 's');
}

int64_t azure_vcpus(const char *name)
{
	struct parts p;
	const struct azure_size *known = azure_size_of(name);
	return known ? known->vcpus : parts_of(name, &p) ? p.number : 0;
}

const char *azure_family(struct arena *a, const char *name)
{
	const struct azure_size *known = azure_size_of(name);
	struct parts p;
	if (known)
		return known->family;
	if (!parts_of(name, &p) || p.head[0] == 'N' || strchr(p.mid, '-'))
		return NULL;
	char version[32] = "";
	snprintf(version, sizeof version, "%s", p.rest[0] == '_' ? p.rest + 1 : p.rest);
	return strchr(version, '_') ? NULL : arena_printf(a, "standard%s%s%sFamily", p.head, p.mid, version); /* case does not count */
}

bool azure_region_ok(const char *region)
{
	size_t n = 0;
	for (; region[n]; n++)
		if (!(region[n] >= 'a' && region[n] <= 'z') && !(region[n] >= '0' && region[n] <= '9'))
			return false;
	return n > 2 && n < 40;
}

const char *azure_region(struct arena *a, const char *text)
{
	char *out = arena_strdup(a, text), *to = out;
	for (const char *p = text; *p; p++)
		if (*p != ' ')
			*to++ = (char)tolower((unsigned char)*p);
	*to = '\0';
	return out;
}
