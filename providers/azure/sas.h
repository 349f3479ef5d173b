/* Shared access signatures of Azure's storage (learn.microsoft.com/rest/api/storageservices/create-service-sas, version 2020-10-02): who has one may do
 * what it says until it ends, and needs nothing else. Pure. */
#ifndef PROVIDERS_AZURE_SAS_H
#define PROVIDERS_AZURE_SAS_H
#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/mem.h"

struct sas {
	const char *account, *container;
	const char *blob;  /* NULL: the container */
	const char *right; /* "r": read, "l": list */
	const char *end;   /* "2026-11-26T20:00:00Z" */
	bool https_only;
};

/* What is signed. The arena's. */
const char *sas_text(struct arena *a, const struct sas *s);
/* As it goes into a query, "sv=…&sig=…", under a key of the account (base64). NULL: CREDENTIALS, the key is none; or there is no libcrypto. */
const char *sas_of(struct arena *a, const struct sas *s, const char *key, struct err *err);

#endif
