/* Accelerators: what they are called, by whom, and what they have. Clouds, price lists and people write the same GPU in
 * many ways ("NVIDIA A100-SXM4-80GB", "a100_80gb", "A100-80G"); all of them mean one row here. Spelling is folded first
 * (case, blanks, dashes, underscores and the maker's name do not matter), so only names that differ otherwise are
 * listed. The canonical names are those of SkyPilot's catalog where it has one. What is not here is not an error:
 * clouds sell new things before this table knows them, and then their name is used as it is. */
#include "core/model/accelerator.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/base/num.h"

/* name, vendor, architecture, compute capability or target, GiB, GiB of the variant, other spellings (folded) */
static const struct accelerator accelerators[] = {
    {"K80", "NVIDIA", "Kepler", "3.7", 12, 0, ""},
    {"M60", "NVIDIA", "Maxwell", "5.2", 8, 0, ""},
    {"M40", "NVIDIA", "Maxwell", "5.2", 24, 12, ""},
    {"M4000", "NVIDIA", "Maxwell", "5.2", 8, 0, ""},
    {"P100", "NVIDIA", "Pascal", "6.0", 16, 12, "p100pcie16gb p100sxm216gb"},
    {"P40", "NVIDIA", "Pascal", "6.1", 24, 0, ""},
    {"P4", "NVIDIA", "Pascal", "6.1", 8, 0, ""},
    {"P4000", "NVIDIA", "Pascal", "6.1", 8, 0, ""},
    {"P5000", "NVIDIA", "Pascal", "6.1", 16, 0, ""},
    {"P6000", "NVIDIA", "Pascal", "6.1", 24, 0, ""},
    {"GTX1050Ti", "NVIDIA", "Pascal", "6.1", 4, 0, ""},
    {"GTX1060", "NVIDIA", "Pascal", "6.1", 6, 3, ""},
    {"GTX1070", "NVIDIA", "Pascal", "6.1", 8, 0, ""},
    {"GTX1080", "NVIDIA", "Pascal", "6.1", 8, 0, ""},
    {"GTX1080Ti", "NVIDIA", "Pascal", "6.1", 11, 0, ""},
    {"V100", "NVIDIA", "Volta", "7.0", 16, 0, "v100sxm216gb v100pcie16gb v100sxm2 v10016gb"},
    {"V100-32GB", "NVIDIA", "Volta", "7.0", 32, 0, "v100sxm232gb v100s v100pcie32gb"},
    {"TITANV", "NVIDIA", "Volta", "7.0", 12, 0, ""},
    {"T4", "NVIDIA", "Turing", "7.5", 16, 0, "t416gb"},
    {"T4g", "NVIDIA", "Turing", "7.5", 16, 0, ""},
    {"GTX1650", "NVIDIA", "Turing", "7.5", 4, 0, ""},
    {"GTX1660", "NVIDIA", "Turing", "7.5", 6, 0, ""},
    {"GTX1660SUPER", "NVIDIA", "Turing", "7.5", 6, 0, "gtx1660s"},
    {"RTX2060", "NVIDIA", "Turing", "7.5", 6, 12, ""},
    {"RTX2060SUPER", "NVIDIA", "Turing", "7.5", 8, 0, "rtx2060s"},
    {"RTX2070", "NVIDIA", "Turing", "7.5", 8, 0, ""},
    {"RTX2070SUPER", "NVIDIA", "Turing", "7.5", 8, 0, "rtx2070s"},
    {"RTX2080", "NVIDIA", "Turing", "7.5", 8, 0, ""},
    {"RTX2080SUPER", "NVIDIA", "Turing", "7.5", 8, 0, "rtx2080s"},
    {"RTX2080Ti", "NVIDIA", "Turing", "7.5", 11, 22, ""},
    {"RTX4000", "NVIDIA", "Turing", "7.5", 8, 0, ""},
    {"RTX5000", "NVIDIA", "Turing", "7.5", 16, 0, ""},
    {"RTX6000", "NVIDIA", "Turing", "7.5", 24, 0, "qrtx6000"},
    {"RTX8000", "NVIDIA", "Turing", "7.5", 48, 0, "qrtx8000"},
    {"TITANRTX", "NVIDIA", "Turing", "7.5", 24, 0, "rtxtitan"},
    {"A2", "NVIDIA", "Ampere", "8.6", 16, 0, ""},
    {"A10", "NVIDIA", "Ampere", "8.6", 24, 0, ""},
    {"A10G", "NVIDIA", "Ampere", "8.6", 24, 0, ""},
    {"A16", "NVIDIA", "Ampere", "8.6", 16, 0, ""},
    {"A30", "NVIDIA", "Ampere", "8.0", 24, 0, ""},
    {"A40", "NVIDIA", "Ampere", "8.6", 48, 0, "a40pcie48gb"},
    {"A100", "NVIDIA", "Ampere", "8.0", 40, 0, "a100sxm440gb a100pcie40gb a10040gb"},
    {"A100-80GB", "NVIDIA", "Ampere", "8.0", 80, 0,
	"a10080gbsxm a10080gbpcie a100sxm480gb a100pcie a100sxm a100sxm80gb a10080g a100sxm480g "
	"a100pcie80gb"},
    {"A100X", "NVIDIA", "Ampere", "8.0", 80, 0, ""},
    {"A800", "NVIDIA", "Ampere", "8.0", 80, 40, "a800pcie a80080g"},
    {"RTX3050", "NVIDIA", "Ampere", "8.6", 6, 8, ""},
    {"RTX3060", "NVIDIA", "Ampere", "8.6", 12, 8, ""},
    {"RTX3060Ti", "NVIDIA", "Ampere", "8.6", 8, 0, ""},
    {"RTX3070", "NVIDIA", "Ampere", "8.6", 8, 0, ""},
    {"RTX3070Ti", "NVIDIA", "Ampere", "8.6", 8, 0, ""},
    {"RTX3080", "NVIDIA", "Ampere", "8.6", 10, 12, ""},
    {"RTX3080Ti", "NVIDIA", "Ampere", "8.6", 12, 0, ""},
    {"RTX3090", "NVIDIA", "Ampere", "8.6", 24, 0, ""},
    {"RTX3090Ti", "NVIDIA", "Ampere", "8.6", 24, 0, ""},
    {"RTXA2000", "NVIDIA", "Ampere", "8.6", 6, 12, "a2000"},
    {"RTXA4000", "NVIDIA", "Ampere", "8.6", 16, 0, "a4000"},
    {"RTXA4500", "NVIDIA", "Ampere", "8.6", 20, 0, "a4500"},
    {"RTXA5000", "NVIDIA", "Ampere", "8.6", 24, 0, "a5000"},
    {"RTXA5500", "NVIDIA", "Ampere", "8.6", 24, 0, ""},
    {"RTXA6000", "NVIDIA", "Ampere", "8.6", 48, 0, "a6000 rtxa600048gb"},
    {"L4", "NVIDIA", "Ada", "8.9", 24, 0, ""},
    {"L2", "NVIDIA", "Ada", "8.9", 24, 0, ""},
    {"L20", "NVIDIA", "Ada", "8.9", 48, 0, ""},
    {"L40", "NVIDIA", "Ada", "8.9", 48, 0, ""},
    {"L40S", "NVIDIA", "Ada", "8.9", 48, 0, "l40s48gb"},
    {"RTX4060", "NVIDIA", "Ada", "8.9", 8, 0, ""},
    {"RTX4060Ti", "NVIDIA", "Ada", "8.9", 16, 8, ""},
    {"RTX4070", "NVIDIA", "Ada", "8.9", 12, 0, ""},
    {"RTX4070SUPER", "NVIDIA", "Ada", "8.9", 12, 0, "rtx4070s"},
    {"RTX4070Ti", "NVIDIA", "Ada", "8.9", 12, 0, ""},
    {"RTX4070TiSUPER", "NVIDIA", "Ada", "8.9", 16, 0, "rtx4070sti"},
    {"RTX4080", "NVIDIA", "Ada", "8.9", 16, 32, ""},
    {"RTX4080SUPER", "NVIDIA", "Ada", "8.9", 16, 0, "rtx4080s"},
    {"RTX4090", "NVIDIA", "Ada", "8.9", 24, 48, ""},
    {"RTX4090D", "NVIDIA", "Ada", "8.9", 24, 0, ""},
    {"RTX2000-Ada", "NVIDIA", "Ada", "8.9", 16, 0, "rtx2000adageneration"},
    {"RTX4000-Ada", "NVIDIA", "Ada", "8.9", 20, 0, "rtx4000adageneration"},
    {"RTX4000-Ada-SFF", "NVIDIA", "Ada", "8.9", 20, 0, "rtx4000sffadageneration"},
    {"RTX4500-Ada", "NVIDIA", "Ada", "8.9", 24, 0, ""},
    {"RTX5000-Ada", "NVIDIA", "Ada", "8.9", 32, 0, "rtx5000adageneration"},
    {"RTX5880-Ada", "NVIDIA", "Ada", "8.9", 48, 0, ""},
    {"RTX6000-Ada", "NVIDIA", "Ada", "8.9", 48, 0, "rtx6000adageneration"},
    {"H100", "NVIDIA", "Hopper", "9.0", 80, 0, "h100pcie h10080gb"},
    {"H100-SXM", "NVIDIA", "Hopper", "9.0", 80, 0,
	"h100nvlink h10080gbhbm3 h100sxm80gb gpuh100sxm h100sxm5 h100sxm580gb"},
    {"H100-MEGA", "NVIDIA", "Hopper", "9.0", 80, 0, "h100mega80gb"},
    {"H100-NVL", "NVIDIA", "Hopper", "9.0", 94, 0, ""},
    {"H800", "NVIDIA", "Hopper", "9.0", 80, 0, ""},
    {"H20", "NVIDIA", "Hopper", "9.0", 96, 0, ""},
    {"H200", "NVIDIA", "Hopper", "9.0", 141, 0, "h200sxm h200sxm141gb h200141gb gpuh200sxm"},
    {"H200-NVL", "NVIDIA", "Hopper", "9.0", 141, 0, ""},
    {"GH200", "NVIDIA", "Hopper+Grace", "9.0", 96, 144, "gh20096gb gh200480gb"},
    {"B100", "NVIDIA", "Blackwell", "10.0", 192, 0, ""},
    {"B200", "NVIDIA", "Blackwell", "10.0", 180, 0, "b200sxm6 b200sxm180gb gpub200sxm"},
    {"GB200", "NVIDIA", "Blackwell+Grace", "10.0", 186, 0, "gb200nvl186gb"},
    {"B300", "NVIDIA", "Blackwell Ultra", "10.3", 270, 0, "b300sxm6ac b300sxm6268gb b300sxm"},
    {"GB300", "NVIDIA", "Blackwell Ultra+Grace", "10.3", 278, 0, "gb300sxm6 gb300288gb"},
    {"GB10", "NVIDIA", "Blackwell+ARM", "12.1", 128, 0, "dgxspark"},
    {"RTX5050", "NVIDIA", "Blackwell", "12.0", 8, 0, ""},
    {"RTX5060", "NVIDIA", "Blackwell", "12.0", 8, 0, ""},
    {"RTX5060Ti", "NVIDIA", "Blackwell", "12.0", 16, 8, ""},
    {"RTX5070", "NVIDIA", "Blackwell", "12.0", 12, 0, ""},
    {"RTX5070Ti", "NVIDIA", "Blackwell", "12.0", 16, 0, ""},
    {"RTX5080", "NVIDIA", "Blackwell", "12.0", 16, 0, ""},
    {"RTX5090", "NVIDIA", "Blackwell", "12.0", 32, 0, ""},
    {"RTXPRO2000", "NVIDIA", "Blackwell", "12.0", 16, 0, "rtxpro2000blackwell"},
    {"RTXPRO4000", "NVIDIA", "Blackwell", "12.0", 24, 0, "rtxpro4000blackwell"},
    {"RTXPRO4500", "NVIDIA", "Blackwell", "12.0", 32, 0, "rtxpro4500blackwell"},
    {"RTXPRO5000", "NVIDIA", "Blackwell", "12.0", 48, 72, "rtxpro5000blackwell"},
    {"RTXPRO6000", "NVIDIA", "Blackwell", "12.0", 96, 0,
	"rtxpro6000s rtxpro6000ws rtxpro6000blackwellserveredition "
	"rtxpro6000blackwellworkstationedition rtxpro6000blackwellmaxqworkstationedition "
	"rtxpro6000wk rtxpro6000maxq rtxproserver6000 gpurtx6000 rtxpro6000se rtxpro6000blackwell"},
    {"MI25", "AMD", "Vega (GCN5)", "gfx900", 16, 0, ""},
    {"MI50", "AMD", "Vega20", "gfx906", 32, 16, ""},
    {"MI100", "AMD", "CDNA", "gfx908", 32, 0, ""},
    {"MI210", "AMD", "CDNA2", "gfx90a", 64, 0, ""},
    {"MI250", "AMD", "CDNA2", "gfx90a", 128, 0, ""},
    {"MI250X", "AMD", "CDNA2", "gfx90a", 128, 0, ""},
    {"MI300A", "AMD", "CDNA3", "gfx942", 128, 0, ""},
    {"MI300X", "AMD", "CDNA3", "gfx942", 192, 0, "mi300xoam mi300x192gb mi300"},
    {"MI308X", "AMD", "CDNA3", "gfx942", 192, 0, ""},
    {"MI325X", "AMD", "CDNA3", "gfx942", 256, 0, ""},
    {"MI350X", "AMD", "CDNA4", "gfx950", 288, 0, ""},
    {"MI355X", "AMD", "CDNA4", "gfx950", 288, 0, "mi355x288gb"},
    {"V520", "AMD", "RDNA1", "gfx1011", 8, 0, "prov520"},
    {"V620", "AMD", "RDNA2", "gfx1030", 32, 0, ""},
    {"V710", "AMD", "RDNA3", "gfx1101", 28, 0, "prov710"},
    {"RX7900XTX", "AMD", "RDNA3", "gfx1100", 24, 0, "7900xtx"},
    {"Gaudi", "Intel", "Gaudi", "", 32, 0, "gaudihl205 hl205"},
    {"Gaudi2", "Intel", "Gaudi2", "", 96, 0, "hl225"},
    {"Gaudi3", "Intel", "Gaudi3", "", 128, 0, ""},
    {"Inferentia", "AWS", "NeuronCore-v1", "", 8, 0, ""},
    {"Inferentia2", "AWS", "NeuronCore-v2", "", 32, 0, ""},
    {"Trainium", "AWS", "NeuronCore-v2", "", 32, 0, ""},
    {"Trainium2", "AWS", "NeuronCore-v3", "", 96, 0, ""},
    {"Trainium3", "AWS", "NeuronCore-v4", "", 144, 0, ""},
    {"tpu-v2", "Google", "TPU v2", "", 16, 0, ""},
    {"tpu-v3", "Google", "TPU v3", "", 32, 0, ""},
    {"tpu-v4", "Google", "TPU v4", "", 32, 0, ""},
    {"tpu-v5litepod", "Google", "TPU v5e", "", 16, 0, "v5e tpuv5litepodslice tpuv5e"},
    {"tpu-v5p", "Google", "TPU v5p", "", 95, 0, "tpuv5pslice"},
    {"tpu-v6e", "Google", "TPU v6e Trillium", "", 32, 0, "tpuv6eslice"},
    {"tpu-v7x", "Google", "TPU7x Ironwood", "", 192, 0, "tpu7x"},
    {"n150", "Tenstorrent", "Wormhole", "", 12, 0, ""},
    {"n300", "Tenstorrent", "Wormhole", "", 24, 0, ""},
    {"p100a", "Tenstorrent", "Blackhole", "", 28, 0, ""},
    {"p150", "Tenstorrent", "Blackhole", "", 32, 0, ""},
    {"p300", "Tenstorrent", "Blackhole", "", 32, 64, ""},
    {"AI100", "Qualcomm", "Cloud AI 100", "", 16, 0, "qualcommai100"},
};

/* Makers and product lines that say nothing about which one it is. */
static const char *const makers[] = {
    "nvidia", "geforce", "tesla", "quadro", "amd", "instinct", "radeon", "intel", "google", "aws", "tt"};

static bool is_separator(char c)
{
	return c == ' ' || c == '-' || c == '_' || c == '\t';
}

static size_t maker_length(const char *s)
{
	for (size_t i = 0; i < ARRAY_LEN(makers); i++) {
		size_t n = strlen(makers[i]);
		if (!strncasecmp(s, makers[i], n) && is_separator(s[n]))
			return n + 1;
	}
	return 0;
}

const char *accelerator_fold(const char *name, char *buf, size_t size)
{
	size_t skip, n = 0;
	while (is_separator(*name))
		name++;
	while ((skip = maker_length(name)) > 0)
		for (name += skip; is_separator(*name);)
			name++;
	for (; *name && n + 1 < size; name++)
		if (!is_separator(*name))
			buf[n++] = (char)tolower((unsigned char)*name);
	buf[n] = '\0';
	return buf;
}

static bool has_word(const char *words, const char *word, size_t len)
{
	for (const char *p = words; (p = strstr(p, word)); p++)
		if ((p == words || p[-1] == ' ') && (p[len] == ' ' || !p[len]))
			return true;
	return false;
}

const struct accelerator *accelerator_at(size_t i)
{
	return i < ARRAY_LEN(accelerators) ? &accelerators[i] : NULL;
}

const struct accelerator *accelerator_find(const char *name)
{
	char want[ACCELERATOR_NAME_MAX], have[ACCELERATOR_NAME_MAX];
	if (!name || !*accelerator_fold(name, want, sizeof want))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(accelerators); i++)
		if (!strcmp(accelerator_fold(accelerators[i].name, have, sizeof have), want))
			return &accelerators[i];
	for (size_t i = 0; i < ARRAY_LEN(accelerators); i++)
		if (has_word(accelerators[i].aliases, want, strlen(want)))
			return &accelerators[i];
	return NULL;
}

const struct accelerator *accelerator_tpu(const char *name, int64_t *units)
{
	const char *dash = name ? strrchr(name, '-') : NULL;
	char family[32];
	if (!dash || strncasecmp(name, "tpu-", 4) || (size_t)(dash - name) >= sizeof family)
		return NULL;
	memcpy(family, name, (size_t)(dash - name));
	family[dash - name] = '\0';
	int64_t n;
	if (!num_int(dash + 1, 1, 100000, &n))
		return NULL;
	const struct accelerator *a = accelerator_find(family);
	if (a && units)
		*units = n;
	return a;
}

size_t accelerator_match(const char *part, const struct accelerator **out, size_t max)
{
	const struct accelerator *exact = accelerator_find(part);
	if (exact) {
		if (max)
			out[0] = exact;
		return 1;
	}
	char want[ACCELERATOR_NAME_MAX], have[ACCELERATOR_NAME_MAX];
	size_t n = 0;
	if (!part || !*accelerator_fold(part, want, sizeof want))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(accelerators); i++) {
		if (!strstr(accelerator_fold(accelerators[i].name, have, sizeof have), want))
			continue;
		if (n < max)
			out[n] = &accelerators[i];
		n++;
	}
	return n;
}

const char *accelerator_canonical(const char *name)
{
	const struct accelerator *a = accelerator_find(name);
	return a ? a->name : name;
}

bool accelerator_is_gpu(const struct accelerator *a)
{
	return !strcmp(a->vendor, "NVIDIA") || !strcmp(a->vendor, "AMD") || !strcmp(a->vendor, "Intel");
}
