/* AWS without a network: a call of the provider's, whose other side is a list of answers in the test, with the files and the environment it finds. */
#ifndef TESTS_PROVIDERS_AWS_SIDE_H
#define TESTS_PROVIDERS_AWS_SIDE_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/provider.h"

/* An answer to the first request whose method and URL, headers or body hold all of `has` (words separated by '|'). */
struct answer {
	const char *has, *body, *header;
	int status, times; /* status: 0: none comes in time; times: 0: for ever */
};

struct side {
	const char *const *vars;	   /* name, value, …, NULL */
	const char *const *files;	   /* path, text ("cannot read …": it cannot be), …, NULL */
	struct answer *answers;
	size_t n;
	const char *config; /* settings as JSON with ' for "; NULL: none */
	const char *exec;  /* what a program prints; NULL: none may be run */
	int exec_status;
	const char *complaint; /* what it prints on stderr */
	char last[20000];  /* the last request, as text */
	const char *keep;  /* of requests that hold this the last one goes to kept; NULL: of none */
	char *kept;
	size_t kept_size;
	char argv[500];
	int http, paused, direct;
	json_t *memory;
};

/* A call to its end; takes args. NULL: it failed with err. A request that nothing is foreseen for fails the test. */
json_t *side_call(struct side *s, enum provider_verb verb, json_t *args, struct err *err);
void side_end(struct side *s, json_t *result);
bool side_has_all(const char *text, const char *words);

#define QUERY_ARGS json_pack("{s:s, s:[s]}", "cluster", "c", "ids", "us-east-1/i-0a1b")
#define NO_INSTANCES "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>"
#define EC2_ERROR(code, message) "<Response><Errors><Error><Code>" code "</Code><Message>" message "</Message></Error></Errors><RequestID/></Response>"

#endif
