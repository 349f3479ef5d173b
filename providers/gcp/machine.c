/* What machine types need that Google's lists do not say: which accelerators are named beside the type, which disks it takes, which images
 * have a driver for it. Facts: cloud.google.com/compute/docs/gpus, …/docs/disks, …/docs/images/os-details. */
#include <string.h>

#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/gcp/gcp_priv.h"

static const struct gcp_accelerator_name accelerators[] = {
    {"nvidia-gb300", "GB300", 279, NULL},
    {"nvidia-gb200", "GB200", 186, NULL},
    {"nvidia-b200", "B200", 180, NULL},
    {"nvidia-h200-141gb", "H200", 141, NULL},
    {"nvidia-h100-80gb", "H100", 80, NULL},
    {"nvidia-h100-mega-80gb", "H100-MEGA", 80, NULL},
    {"nvidia-a100-80gb", "A100-80GB", 80, "NVIDIA_A100_80GB_GPUS"},
    {"nvidia-tesla-a100", "A100", 40, "NVIDIA_A100_GPUS"},
    {"nvidia-rtx-pro-6000", "RTXPRO6000", 96, NULL},
    {"nvidia-l4", "L4", 24, "NVIDIA_L4_GPUS"},
    {"nvidia-tesla-t4", "T4", 16, "NVIDIA_T4_GPUS"},
    {"nvidia-tesla-v100", "V100", 16, "NVIDIA_V100_GPUS"},
    {"nvidia-tesla-p100", "P100", 16, "NVIDIA_P100_GPUS"},
    {"nvidia-tesla-p4", "P4", 8, "NVIDIA_P4_GPUS"},
    {"nvidia-tesla-k80", "K80", 12, "NVIDIA_K80_GPUS"},
};

const struct gcp_accelerator_name *gcp_accelerator_of(const char *canonical)
{
	for (size_t i = 0; canonical && i < ARRAY_LEN(accelerators); i++)
		if (str_ieq(accelerators[i].name, canonical))
			return &accelerators[i];
	return NULL;
}

const struct gcp_accelerator_name *gcp_accelerator_google(const char *google)
{
	for (size_t i = 0; google && i < ARRAY_LEN(accelerators); i++)
		if (!strcmp(accelerators[i].google, google))
			return &accelerators[i];
	return NULL;
}

bool gcp_attaches(const char *machine_type)
{
	return str_starts(machine_type, "n1-");
}

static bool of_family(const char *type, const char *families)
{
	size_t n = strcspn(type, "-");
	for (const char *p = families; *p; p += *p == ' ') {
		size_t k = strcspn(p, " ");
		if (k == n && !strncmp(p, type, n))
			return true;
		p += k;
	}
	return false;
}

/* "TPU-VM" of the catalog with "tpu-v5e-8"; machine types that begin with ct. */
bool gcp_is_tpu(const char *machine_type, const char *accelerator)
{
	return str_ieq(machine_type, "TPU-VM") || str_starts(accelerator ? accelerator : "", "tpu-") ||
	       of_family(machine_type, "ct3 ct3p ct4p ct5l ct5lp ct5p ct6e tpu7x");
}

bool gcp_is_arm(const char *machine_type)
{
	return of_family(machine_type, "t2a c4a n4a a4x");
}

bool gcp_needs_gvnic(const char *machine_type)
{
	return of_family(machine_type, "a3 a4 a4x g4");
}

/* ---- disks ---------------------------------------------------------------------------------------------------------- */

/* Families that take no persistent disks, only Hyperdisk. */
static bool hyperdisk_only(const char *type)
{
	return of_family(type, "a4 a4x c4 c4a c4d g4 h3 h4d m4 n4 n4a n4d v6e x4 ct6e") || str_starts(type, "a3-ultragpu");
}

static int64_t vcpus_of(const char *type)
{
	const char *dash = strrchr(type, '-');
	int64_t n = 0;
	return dash && num_int(dash + 1, 0, 100000, &n) ? n : 0;
}

const char *gcp_disk_type(const char *type, const char *tier)
{
	if (hyperdisk_only(type))
		return "hyperdisk-balanced";
	if (str_eq(tier, "low"))
		return of_family(type, "a3 g2") ? "pd-balanced" : "pd-standard";
	if (str_eq(tier, "ultra")) {
		bool none = of_family(type, "n1 a2 a3 g2 e2 t2d t2a") || (of_family(type, "n2 n2d") && vcpus_of(type) < 64);
		return none ? "pd-ssd" : "pd-extreme";
	}
	return str_eq(tier, "high") || str_eq(tier, "best") ? "pd-ssd" : "pd-balanced";
}

/* ---- images --------------------------------------------------------------------------------------------------------- */

/* Families are retired from time to time: the next one is tried. The accelerator images carry the open kernel module, which knows Turing and
 * newer; older GPUs get Google's deep-learning images. */
const char *const *gcp_images(const char *type, const char *accelerator)
{
	static const char *const gpu[] = {"ubuntu-os-accelerator-images/ubuntu-accelerator-2404-amd64-with-nvidia-580",
	    "ubuntu-os-accelerator-images/ubuntu-accelerator-2404-amd64-with-nvidia-595", "deeplearning-platform-release/common-cu129-ubuntu-2204-nvidia-580",
	    "deeplearning-platform-release/common-cu129-ubuntu-2404-nvidia-580", NULL};
	static const char *const gpu_arm[] = {"ubuntu-os-accelerator-images/ubuntu-accelerator-2404-arm64-with-nvidia-580",
	    "ubuntu-os-accelerator-images/ubuntu-accelerator-2404-arm64-with-nvidia-595", NULL};
	static const char *const old_gpu[] = {"deeplearning-platform-release/common-cu129-ubuntu-2204-nvidia-580",
	    "deeplearning-platform-release/common-cu124-ubuntu-2204-py310", NULL};
	static const char *const plain[] = {"ubuntu-os-cloud/ubuntu-2404-lts-amd64", "ubuntu-os-cloud/ubuntu-2204-lts", NULL};
	static const char *const plain_arm[] = {"ubuntu-os-cloud/ubuntu-2404-lts-arm64", "ubuntu-os-cloud/ubuntu-2204-lts-arm64", NULL};
	if (!accelerator)
		return gcp_is_arm(type) ? plain_arm : plain;
	if (gcp_is_arm(type))
		return gpu_arm;
	static const char *const old[] = {"V100", "P100", "P4", "K80"};
	for (size_t i = 0; i < ARRAY_LEN(old); i++)
		if (str_ieq(old[i], accelerator))
			return old_gpu;
	return gpu;
}
