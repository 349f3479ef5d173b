/* Google's price list, line by line: prices of cores, memory, GPUs and local disks, from which those of machines are put together. */
#ifndef PROVIDERS_GCP_SKU_H
#define PROVIDERS_GCP_SKU_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* What a line of the price list is the price of; false: nothing that is put together here (reserved, sole-tenant, custom, commitments …).
 * API: cloud.google.com/billing/v1/how-tos/catalog-api. */
enum sku_kind { SKU_CORE, SKU_RAM, SKU_GPU, SKU_SLICE, SKU_SSD };
struct sku {
	enum sku_kind kind;
	char name[40];	      /* family ("a2", "a3plus") or canonical accelerator; "" of a disk */
	bool spot;
	int64_t nano_usd_h;   /* 10^-9 dollars an hour: of a vCPU, a GiB, a GPU, a GPU with its share of the machine, a GiB of disk */
	const json_t *regions; /* borrowed */
};
bool sku_read(const json_t *line, struct sku *out);

/* Add a line to prices: {"kind/name": {region: [on demand, spot]}}, nulls where not known. */
void sku_add(json_t *prices, const struct sku *s);

/* A machine whose price is wanted. */
struct sku_machine {
	const char *type;	 /* "a2-highgpu-1g" */
	int64_t vcpus, mem_mib;
	const char *accelerator; /* canonical; NULL: none */
	int64_t accelerators;
};
/* Micro-dollars an hour; PRICE_UNKNOWN when a part of it is not in the list, or when it is not sold so. */
int64_t sku_price(const json_t *prices, const struct sku_machine *m, const char *region, bool spot);

#endif
