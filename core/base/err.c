/* The one table that gives an error code its exit status, its retry and failover rule and its hint. */
#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct err_info infos[ERR_CODES] = {
    [ERR_NONE] = {"none", 0, false, false, NULL},
    [ERR_FAILED] = {"failed", 1, false, false, NULL},
    [ERR_USAGE] = {"usage", 2, false, false, "skytop help VERB shows how it is used"},
    [ERR_INVALID] = {"invalid", 2, false, false, NULL},
    [ERR_NO_RESOURCE] = {"no_resource", 3, false, false, "relax the request, or see what is offered: skytop offers"},
    [ERR_CAPACITY] = {"capacity", 3, false, true, "try again later, or allow more places"},
    [ERR_QUOTA] = {"quota", 3, false, true, "ask the provider for a higher quota, or allow more places"},
    [ERR_CREDENTIALS] = {"credentials", 4, false, true, "skytop check says what is missing"},
    [ERR_BUDGET] = {"budget", 5, false, false, "raise the limit, or ask for less"},
    [ERR_THROTTLED] = {"throttled", 1, true, false, NULL},
    [ERR_NETWORK] = {"network", 1, true, false, NULL},
    [ERR_TIMEOUT] = {"timeout", 1, true, false, NULL},
    [ERR_NOT_FOUND] = {"not_found", 1, false, false, NULL},
    [ERR_CONFLICT] = {"conflict", 1, false, false, NULL},
    [ERR_UNSUPPORTED] = {"unsupported", 1, false, true, NULL},
    [ERR_PROTOCOL] = {"protocol", 1, false, false, NULL},
    [ERR_CANCELLED] = {"cancelled", 1, false, false, NULL},
    [ERR_IO] = {"io", 1, false, false, NULL},
};

const struct err_info *err_info(enum err_code code)
{
	return &infos[code < ERR_CODES ? code : ERR_FAILED];
}

enum err_code err_code_of(const char *name)
{
	for (int i = 0; name && i < ERR_CODES; i++)
		if (!strcmp(infos[i].name, name))
			return (enum err_code)i;
	return ERR_FAILED;
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	if (!e)
		return -1;
	/* Format aside: an argument may be the old text. */
	char text[sizeof e->text];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	*e = (struct err){.code = code};
	memcpy(e->text, text, sizeof text);
	return -1;
}

int err_set_scope(struct err *e, enum err_scope scope)
{
	if (e)
		e->scope = scope;
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	if (!e)
		return -1;
	char text[sizeof e->text];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof text)
		return -1;
	snprintf(text + n, sizeof text - (size_t)n, ": %s", e->text);
	memcpy(e->text, text, sizeof text);
	return -1;
}

int err_errno(struct err *e, const char *fmt, ...)
{
	int no = errno;
	char what[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	return err_set(e, no == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", what, strerror(no));
}
