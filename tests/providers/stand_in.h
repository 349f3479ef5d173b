/* What tests of a cloud with a stand-in (fake_*.py) share: the stand-in, a rig for each test, the wish that most of them make, and the whole run with
 * the list for all providers in front. One cloud a program. */
#ifndef TESTS_PROVIDERS_STAND_IN_H
#define TESTS_PROVIDERS_STAND_IN_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/provider.h"
#include "tests/providers/conformance.h"
#include "tests/providers/rig.h"
#include "tests/providers/rig_http.h"

struct CMUnitTest;

struct cloud {
	const char *program, *description; /* "fake_gcp.py", the vendor's description of its API below $SKYTOP_SHARED */
	const char *endpoint;		   /* the variable that says where the cloud is */
	const char *machines;		   /* member of the stand-in's state that lists them */
	const char *wish;		   /* CREATE's arguments but for cluster, name, nodes and key: JSON with ' for ", no braces */
	struct conformance_subject subject;
	void (*environment)(void); /* once, before the first test */
};

/* Runs the tests behind the list for all providers; the exit status. With $SKYTOP_PRISM (a program) all goes through prism as well.
 * own: each has its fixtures by CLOUD_CASE, or none. */
int cloud_main(const struct cloud *c, const struct CMUnitTest *own, size_t n);
int cloud_set_up(void **state);	   /* *state: a struct rig */
int cloud_tear_down(void **state); /* fails when something was asked that the vendor does not describe */
#define CLOUD_CASE(f) cmocka_unit_test_setup_teardown(f, cloud_set_up, cloud_tear_down)

extern struct stand_in stand_in;
extern char *cloud_folder; /* of credentials; made by cloud_main, taken away at its end */

/* POST /fake/what; json with ' for ". */
void cloud_tell(const char *what, const char *json);
json_t *cloud_state(void); /* new reference */
size_t cloud_machines(void);
/* How many requests had text in "METHOD URL". */
size_t cloud_asked(const char *text);
/* A file of the folder; its path, which the caller frees. */
char *cloud_put(const char *name, const char *text, int mode);

/* Arguments of CREATE for n nodes: the cloud's wish, then `more`. */
json_t *cloud_wish(int n, const char *more);
json_t *cloud_cluster(void); /* {"cluster": …} of it */
json_t *cloud_make(struct rig *r, int n, const char *more);
/* TERMINATE until nothing is pending. */
void cloud_end(struct rig *r);
/* The call must fail as `code`: the error. */
struct err cloud_fails(struct rig *r, enum provider_verb verb, json_t *args, enum err_code code);
/* CHECK must say that it cannot be used, and why. */
void cloud_refused(struct rig *r, const char *why);
/* CHECK must be content; with `who` in its identity (NULL: anybody). */
void cloud_enabled(struct rig *r, const char *who);
/* Is a request that is not as the vendor describes it refused by the stand-in? True too where there is no description. The
 * stand-in is as new afterwards. */
bool cloud_described(const char *method, const char *path, const char *bearer, const char *body);
/* A cluster of two is made and ended while each request in turn, and some behind it, fails: as an error, as a connection lost before, as an answer lost
 * after it was done, and as one that does not come in time; what is there then must be just what was asked for, or nothing. `more`: of the wish.
 * $SKYTOP_TORTURE: at every request, else at every step-th. Says how many were tried. */
void cloud_torture(struct rig *r, const char *more, int step);

#endif
