/* The measures of many nodes as bytes: what an engine keeps of them over a restart (metrics.rings in the state folder). Pure: the caller
 * writes and reads the file. */
#ifndef CORE_PLAN_RINGS_FILE_H
#define CORE_PLAN_RINGS_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/plan/rings.h"

struct rings_of_node {
	const char *uid; /* of its cluster */
	int64_t rank;
	const struct rings *rings;
};

/* Appended to out, which is empty; what does not fit is told by out->full. */
void rings_pack(const struct rings_of_node *v, size_t n, struct str *out);
/* The same back: add gives the rings to fill, NULL when there is no room for more. False: it is damaged, or of another machine; some may have
 * been filled then. */
bool rings_unpack(const char *p, size_t len, struct rings *(*add)(void *arg, const char *uid, int64_t rank), void *arg);

#endif
