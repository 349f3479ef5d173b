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
/* The same with where it goes (a URL, a command) and a body, which is shown when it is JSON, a form or XML, and otherwise counted; see
 * redact.h for what is left out. status: of a reply; -1: none. */
void trace_body(const char *what, const char *where, int status, const char *body, size_t len);
/* The same with headers ("Name: value", NULL-terminated; may be NULL). */
void trace_http(const char *what, const char *where, const char *const *headers, int status, const char *body, size_t len);

#endif
