/* How much memory an instance type has, as far as its name tells: clouds build names from a family and a size. For showing a
 * request in full without a catalog; what is planned and paid for comes from the catalog. */
#ifndef CORE_MODEL_INSTANCE_H
#define CORE_MODEL_INSTANCE_H
#include <stdint.h>

/* MiB, or 0 when the name does not tell. */
int64_t instance_memory_mib(const char *cloud, const char *instance_type);

#endif
