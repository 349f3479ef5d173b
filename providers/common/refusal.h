/* What the refusals of clouds mean for the search that goes on elsewhere: a table of rows, of which the first that fits decides. */
#ifndef PROVIDERS_COMMON_REFUSAL_H
#define PROVIDERS_COMMON_REFUSAL_H
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

enum { REFUSAL_CODES_MAX = 16 };

struct refusal {
	int status; /* 0: of an operation */
	const char *codes[REFUSAL_CODES_MAX];
	size_t n;
	const char *message;
	bool creates; /* while machines are made or started */
};

/* codes: "a|b|c", globs; NULL: any. text: a part of the message; NULL: any. */
struct refusal_row {
	int status; /* 0: any */
	const char *codes, *text;
	bool creates; /* only while machines are being made */
	enum err_code code;
	enum err_scope scope;
	const char *advice;
};

void refusal_add(struct refusal *r, const char *code); /* NULL and "" are no code */
/* Fill *err; `what` is what was tried, `who` refused. What no row knows is PROTOCOL, or NETWORK from status 500 on. */
void refusal_report(const struct refusal_row *rows, size_t n, const struct refusal *r, const char *who, const char *what, struct err *err);

#endif
