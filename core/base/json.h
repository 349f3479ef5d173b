/* Small helpers over jansson: reading foreign objects with defaults, limits on what is parsed. */
#ifndef CORE_BASE_JSON_H
#define CORE_BASE_JSON_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/* Parse a whole JSON text (duplicate keys refused, depth bounded by jansson). New reference, or NULL. */
json_t *json_parse(const char *text, size_t len, struct err *err);
/* Compact text; caller frees with free(). */
char *json_text(const json_t *j);
/* Indented by two, keys in insertion order, newline at the end; caller frees. */
char *json_pretty(const json_t *j);

/* Members of an object, with a default when absent, null or of another type. obj may be NULL. Borrowed strings. */
const char *json_str(const json_t *obj, const char *key, const char *dflt);
int64_t json_int(const json_t *obj, const char *key, int64_t dflt);
bool json_bool(const json_t *obj, const char *key, bool dflt);
json_t *json_arr(const json_t *obj, const char *key); /* borrowed; NULL unless an array */
json_t *json_obj(const json_t *obj, const char *key); /* borrowed; NULL unless an object */
/* Is text one of the strings of the list? list may be NULL. */
bool json_has(const json_t *list, const char *text);

/* A JSON string of foreign text: bytes that are not UTF-8 become U+FFFD. NULL text gives null. */
json_t *json_foreign(const char *text);
/* obj[key] = string or null. */
void json_put_str(json_t *obj, const char *key, const char *text);
void json_put_int(json_t *obj, const char *key, int64_t v);
void json_put_bool(json_t *obj, const char *key, bool v);

#endif
