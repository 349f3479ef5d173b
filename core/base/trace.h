/* The record of --trace FILE: what this process sends and receives, one JSON object a line, without secrets, to be attached
 * to a bug report. Nothing is done until it is opened. */
#ifndef CORE_BASE_TRACE_H
#define CORE_BASE_TRACE_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

/* Append to a file (0600 when it is made). It stays open; child processes do not get it. */
int trace_open(const char *path, struct err *err);
bool trace_is_on(void);
/* {"at", "pid", "what": "rpc out", "message": redacted copy}. */
void trace_json(const char *what, const json_t *message);
/* The same with where it goes (a URL, a command) and a body, which is shown when it is JSON and otherwise counted. status: of a
 * reply; -1: none. */
void trace_body(const char *what, const char *where, int status, const char *body, size_t len);
/* A copy without secrets: values of members whose names speak of secrets, values of variables that are marked secret, and
 * such parameters of URLs are replaced; texts are cut at some 4,000 bytes. New reference. */
json_t *trace_redacted(const json_t *message);

#endif
