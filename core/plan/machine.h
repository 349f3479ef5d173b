/* What is known about machine types beyond what price lists say. Facts, and the choices that a request leaves open. */
#ifndef CORE_PLAN_MACHINE_H
#define CORE_PLAN_MACHINE_H
#include <stdbool.h>
#include <stdint.h>

#include "core/model/offer.h"

/* What a request without accelerators gets on a cloud where it does not say. A cloud without a row: any machine will
 * do. */
struct machine_defaults {
	const char *cloud;
	const char
	    *families;	 /* machines that are taken, blank-separated (see machine_in_family); NULL: all of the cloud */
	int cpus;	 /* vCPUs, when neither cpus nor memory is asked for; 0: any */
	bool cpus_exact; /* else at least */
	int mem_gib_per_vcpu; /* at least, when memory is not asked for; 0: any */
};
/* NULL: none. */
const struct machine_defaults *machine_defaults_of(const char *cloud);
/* Is the machine one of a general-purpose family that its cloud's defaults name? Families are written as the machine's
 * name with its size left out: "m6i.", "n2-standard-", "Ds_v5". Bare metal is not. */
bool machine_in_family(const struct machine_defaults *d, const char *instance_type);

/* Google attaches older GPUs to N1 machines of any size. How many vCPUs such a machine has at least unless asked
 * otherwise, so that the GPU is not starved; 0: not such a machine. */
int machine_host_vcpus(const struct offer_type *t);
enum { MACHINE_HOST_GIB_PER_VCPU = 4 };

/* Disks inside the machine: GB altogether, 0 when there is none; -1: not known. */
int64_t machine_local_disk_gb(const struct offer_type *t);

#endif
