/* What a provider over HTTP asks for, sent to a stand-in on this machine and nowhere else; and the files it wants to read. */
#ifndef TESTS_PROVIDERS_RIG_HTTP_H
#define TESTS_PROVIDERS_RIG_HTTP_H
#include <jansson.h>
#include <sys/types.h>

#include "core/provider.h"

/* Send the requests of a step one after the other, again after a lost connection, 429, 502, 503 and 504, as core does (and says so in a header
 * X-Rig-Try); pauses are cut short. A stand-in that says "timeout" and closes did not answer in time.
 * Fails the test when one is for another machine. The replies are the arena's. */
void rig_http(const struct provider_request *q, struct provider_reply *reply, struct arena *a);
void rig_read(const struct provider_request *q, struct provider_reply *reply, struct arena *a);

/* A stand-in for a cloud: a Python program beside the tests that prints its port and serves until its stdin ends. */
struct stand_in {
	pid_t pid;
	int in, port;
};
/* False: there is no Python here. argv: the program's name and its arguments, NULL-terminated. */
bool stand_in_start(struct stand_in *s, const char *const *argv);
void stand_in_stop(struct stand_in *s);
/* POST (GET when body is NULL) to it: the JSON it says; new reference. Takes body. */
json_t *stand_in_tell(const struct stand_in *s, const char *path, json_t *body);

#endif
