/* Accelerators: canonical names, the other spellings of each, maker, memory, architecture. Facts only, no prices. */
#ifndef CORE_MODEL_ACCELERATOR_H
#define CORE_MODEL_ACCELERATOR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ACCELERATOR_NAME_MAX = 80 };

struct accelerator {
	const char *name;	  /* canonical: "A100-80GB" */
	const char *vendor;	  /* "NVIDIA", "AMD", "Intel", "AWS", "Google", "Tenstorrent", "Qualcomm" */
	const char *architecture; /* "Hopper" */
	const char *target;	  /* compute capability "9.0", or "gfx942"; "" where there is no such thing */
	int mem_gib;		  /* of one device (of one chip for TPUs), as its maker sells it */
	int other_mem_gib;	  /* of the other variant sold under the same name; 0: there is none */
	const char *aliases;	  /* other spellings, folded, separated by blanks */
};

/* The row of a canonical name or of another spelling of it, or NULL. Case, blanks, dashes, underscores and a maker's
 * name in front ("NVIDIA", "Tesla", "AMD Instinct") do not matter. Does no guessing: "H" finds nothing. */
const struct accelerator *accelerator_find(const char *name);
/* The i-th row; NULL past the end. For lists and completion: for (size_t i = 0; (a = accelerator_at(i)); i++). */
const struct accelerator *accelerator_at(size_t i);
/* The canonical spelling, or name itself when it is not known. */
const char *accelerator_canonical(const char *name);
/* What a person may have meant by a part of a name: the exact row alone if there is one, else every row whose name
 * contains it. Returns how many there are; the first `max` are put in out. */
size_t accelerator_match(const char *part, const struct accelerator **out, size_t max);
/* A TPU slice "tpu-v6e-8" → the row of its family, and the number behind it (cores or chips, as Google counts that
 * family) in *units (may be NULL). NULL if it is none. */
const struct accelerator *accelerator_tpu(const char *name, int64_t *units);
/* A GPU, as opposed to a TPU, Trainium or another kind that needs software of its own. */
bool accelerator_is_gpu(const struct accelerator *a);
/* The spelling by which names are compared: lower case, no separators, no maker. buf ≥ ACCELERATOR_NAME_MAX. */
const char *accelerator_fold(const char *name, char *buf, size_t size);

#endif
