/* Where each cloud's own tools keep their credentials, and whether something is there. Nothing is read into memory beyond
 * what a look needs, nothing is sent anywhere, and no value ever leaves these functions: "found" is not "valid". */
#ifndef CORE_MODEL_CREDENTIALS_H
#define CORE_MODEL_CREDENTIALS_H
#include <stdbool.h>
#include <stddef.h>

enum { CREDENTIAL_PLACES = 8 };

/* A place: "env:A+B" (all of these variables), or a file: "~/x", "$VAR/x", alternatives separated by "|", of which the first
 * whose variable is set counts. */
struct credential_place {
	const char *what;
	const char *needs;	/* the file must contain one of "a|b|c"; NULL: anything; "": never enough */
	const char *not_enough; /* the file is no credential, but tells what is lacking: this says what */
};

struct credentials {
	const char *cloud; /* as in `infra:` */
	const char *title;
	struct credential_place places[CREDENTIAL_PLACES]; /* in the order they are looked at; ends with .what NULL */
	const char *advice; /* how to get them, a phrase */
};

extern const struct credentials credentials_table[];
extern const size_t credentials_n;

enum credential_state { CREDENTIAL_MISSING, CREDENTIAL_FOUND, CREDENTIAL_BROKEN };
extern const char *const credential_states[]; /* "missing", "found", "broken" */

struct credential_finding {
	enum credential_state state; /* found: one place has them; broken: one place has something that will not do */
	size_t n;		     /* places looked at */
	struct {
		enum credential_state state;
		char where[300]; /* as a person reads it; never a value */
		char why[160];	 /* of a broken one; "" otherwise */
	} places[CREDENTIAL_PLACES];
	size_t at; /* the place that decided the state; 0 when missing */
};

/* The row of a cloud by its name or a name people use for it ("k8s"), case folded; NULL. */
const struct credentials *credentials_of(const char *cloud);
/* Look at every place until one has them. Reads the environment and small files; does not block on anything else. */
void credentials_look(const struct credentials *c, struct credential_finding *f);

#endif
