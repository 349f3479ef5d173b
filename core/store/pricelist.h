/* A price list in memory: the offers of one cloud, as an import or a provider brings them, before they go into
 * catalog.db. Types and places are kept once each; an offer said twice is one, at its cheapest. */
#ifndef CORE_STORE_PRICELIST_H
#define CORE_STORE_PRICELIST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/mem.h"
#include "core/model/offer.h"

struct intern;

struct pricelist {
	char cloud[33];
	struct arena *arena; /* owns all strings */
	struct intern *strings, *type_index, *place_index, *row_index;
	struct offer_type *types;
	size_t n_types, cap_types;
	struct offer_place *places;
	size_t n_places, cap_places;
	struct offer *rows; /* type, place and source index into the arrays here; id is not used */
	size_t n_rows, cap_rows;
	struct offer_source *sources;
	size_t n_sources, cap_sources;
	size_t n_merged; /* rows that repeated another */
};

/* cloud is cut to 32 bytes. */
void pricelist_init(struct pricelist *l, const char *cloud);
void pricelist_free(struct pricelist *l);

/* The index of a type (its provider is the list's cloud), new or known: the same names, count, vCPUs and memory. Strings are
 * copied. */
uint32_t pricelist_type(struct pricelist *l, const struct offer_type *t);
uint32_t pricelist_place(struct pricelist *l, const char *region, const char *zone);
uint16_t pricelist_source(struct pricelist *l, const struct offer_source *s);
/* Add an offer, or merge it with the one at the same type and place: each price becomes the lower of the two. */
void pricelist_add(struct pricelist *l, const struct offer *row);

/* The offer at a type and place, or NULL. Valid until the next add. */
const struct offer *pricelist_find(const struct pricelist *l, uint32_t type, uint32_t place);
/* Take out all offers of the types for which drop[type] is set. Ends finding and adding: the list is final. */
void pricelist_drop(struct pricelist *l, const bool *drop);

/* Fill in what is known about a type from its names: the accelerator's canonical spelling and nominal memory, the
 * architecture. Strings it sets are static. */
void offer_type_complete(struct offer_type *t);

#endif
