/* Google prices accelerators and the machines that take them on separate lines; an offer needs both. */
#ifndef CORE_STORE_GCP_H
#define CORE_STORE_GCP_H
#include "core/store/pricelist.h"

/* A line without a machine: so many of an accelerator at a place. */
struct gcp_accelerator {
	const char *name; /* canonical */
	int64_t count_micro, gpu_mem_mib;
	int64_t price_uusd_h, spot_uusd_h;
	uint32_t place; /* in the list */
	uint16_t source;
};

/* Make a type of its own of every accelerator with every machine that takes it in the same zone, priced as their sum;
 * TPUs become machines "TPU-VM". Machines that are never sold without their GPUs go from the list. Accelerators that found
 * no machine are counted in *unmatched. The list must be otherwise complete; it is final afterwards. */
void gcp_attach(struct pricelist *l, const struct gcp_accelerator *v, size_t n, size_t *unmatched);

#endif
