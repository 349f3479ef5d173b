/* A provider driven without the engine: step() and, where it asks for it, a child process, in a temporary state folder.
 */
#ifndef TESTS_PROVIDERS_RIG_H
#define TESTS_PROVIDERS_RIG_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/err.h"
#include "core/provider.h"

struct rig {
	const struct provider *provider;
	char *top;	     /* temporary folder */
	char *state_dir;     /* top/state/NAME */
	json_t *config;	     /* NULL: none */
	int64_t now_ms;	     /* the clock of the call; 0: wall */
	int64_t deadline_ms; /* of a child; 0: the request's */
	long kill_at;	     /* kill the child before its n-th change to the world (1…); 0: let it live */
	bool killed;	     /* that is how the last call ended */
	json_t *settings;    /* what the provider's settings file says; NULL: there is none */
	json_t *memory;	     /* what the provider remembers between calls */
};

void rig_open(struct rig *r, const struct provider *p);
/* Removes the temporary folder. */
void rig_close(struct rig *r);
/* Set the provider's configuration from JSON text with ' for ". */
void rig_config(struct rig *r, const char *json);
/* The same for its settings file. A host that is asked over SSH is a folder "<state_dir>/hosts/NAME", its user's HOME: the command runs here.
 * Without the folder it does not answer. */
void rig_settings(struct rig *r, const char *json);
/* JSON text with ' for ", printf-like. New reference. */
json_t *rig_json(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One call to its end: the result (new reference) or NULL with err. args is taken. */
json_t *rig_call(struct rig *r, enum provider_verb verb, json_t *args, struct err *err);
/* As rig_call, and the test fails when the call does. */
json_t *rig_do(struct rig *r, enum provider_verb verb, json_t *args);
/* As rig_call, and the test fails unless the call fails with this code. Returns nothing; *text (may be NULL) gets the
 * message, the caller frees. */
void rig_fails(struct rig *r, enum provider_verb verb, json_t *args, enum err_code code, char **text);
/* Make a host that answers, or take it away (it keeps what it has); its address is 127.77.0.N. */
void rig_host(struct rig *r, const char *name, bool answers);
/* Start the call's child (for hosts: a child that makes the call) without waiting; rig_wait returns its output, NULL unless it ended with exit status 0. */
struct rig_child {
	pid_t pid;
	int out;
};
struct rig_child rig_spawn(struct rig *r, enum provider_verb verb, json_t *args);
json_t *rig_wait(struct rig_child *c);

/* Run a shell command on a node, through its reach, in the background: its pid. What runs there must say so by a file
 * "ready" in the home; waits for that. */
pid_t rig_run_on(const json_t *node, const char *command);
/* Is there a process with this mark in its environment (anything, "SKYTOP_NODE_ID=x")? */
bool rig_marked(const char *mark);
bool rig_alive(pid_t pid);
/* How many entries a folder has; -1: no such folder. */
int rig_count_files(const char *dir);
/* How many nodes QUERY shows in all. */
int rig_count_nodes(struct rig *r);
/* Can children be stopped at their system calls here? */
bool rig_can_trace(void);

/* What a refusal means: an answer, or the error of an operation (which has the member `operation`), as JSON with ' for ". */
struct rig_refusal {
	const char *json;
	bool creates; /* while machines are being made */
	enum err_code code;
	enum err_scope scope;
};
typedef int rig_answer_fn(const json_t *answer, const char *what, bool creates, struct err *err);
typedef void rig_operation_fn(const json_t *error, const char *what, bool creates, struct err *err);
/* Each must be read as it is said; with what was tried in its words. */
void rig_refusals(const struct rig_refusal *list, size_t n, rig_answer_fn *answer, const char *operation, rig_operation_fn *of_operation);

#endif
