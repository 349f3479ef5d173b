/* What may be shown of what is sent and received: JSON, forms, XML, headers and URLs without the secrets in them. One table, in redact.c,
 * says what secrets are called. */
#ifndef CORE_BASE_REDACT_H
#define CORE_BASE_REDACT_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Does a name (of a member, a header, a parameter, an element) speak of a secret? Case does not count. */
bool redact_name(const char *name);
/* A copy without secrets: values of members whose names speak of secrets (also as {"key" or "name": name, "value": …}), values of
 * variables that are marked secret, such parameters of URLs, private keys and bearer tokens in texts. Texts are cut at some 4,000 bytes.
 * New reference; null for NULL. */
json_t *redact_json(const json_t *message);
/* "https://h/p?a=1&api_key=(not shown)", at most some 4,000 bytes. The caller frees. */
char *redact_url(const char *url);
/* The same without its query: for messages. The caller frees. */
char *redact_place(const char *url);
/* "Authorization: (not shown)". The caller frees. */
char *redact_header(const char *line);
/* A body as a value to show: JSON, a form or XML without secrets; NULL when it is none of these (it is counted then). New reference. */
json_t *redact_body(const char *body, size_t len);

#endif
