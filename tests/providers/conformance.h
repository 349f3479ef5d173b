/* What every provider has to do, whatever its cloud: one list of checks, run for each. */
#ifndef TESTS_PROVIDERS_CONFORMANCE_H
#define TESTS_PROVIDERS_CONFORMANCE_H
#include <stddef.h>

#include "core/provider.h"

struct CMUnitTest;

/* A provider and what may be asked of it. */
struct conformance_subject {
	const struct provider *provider;
	const char *config; /* JSON with ' for " */
	const char *create; /* members of CREATE's arguments that say what and where, JSON with ' for ", no braces */
	const char *settings; /* of its settings file; NULL: none */
	const char *const *hosts; /* that it names, NULL-terminated */
	bool elsewhere;	      /* its machines are not on this one: nothing is looked for there */
	bool slow;	      /* its nodes take long: fewer rounds, and calls are not cut at every point */
};

enum { CONFORMANCE_MAX = 64 };
/* Put the checks into tests; returns how many. subject must outlive them. */
size_t conformance_list(
    const struct conformance_subject *subject, struct CMUnitTest *tests); /* CONFORMANCE_MAX of them */

#endif
