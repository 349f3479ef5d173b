/* Prices on demand of whole regions, put over what the catalog has of a cloud. */
#ifndef CORE_STORE_ON_DEMAND_H
#define CORE_STORE_ON_DEMAND_H
#include <stdbool.h>

#include "core/store/pricelist.h"

/* list has one price on demand a type and region, all there are in the regions for which covers() is true; rows of others are passed over. It
 * becomes all that is sold: zones and spot prices of `had` stay as they were, as do its other regions; what a covered region no longer sells is left
 * out. New are machines with accelerators, and of the others those of families ("m7i") that `had` has already, if their size is known. had may have
 * other clouds too. */
void on_demand_over(struct pricelist *list, const struct offers *had, bool (*covers)(void *arg, const char *region), void *arg);

/* How many types a region sells on demand, by the catalog and by such a list. had's rows of one type are neighbours. */
size_t on_demand_had(const struct offers *had, const char *cloud, const char *region);
size_t on_demand_listed(const struct pricelist *list, const char *region);

#endif
