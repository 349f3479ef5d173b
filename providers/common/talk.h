/* Asking a cloud over HTTP, for step functions that are written as if every question were answered at once: talk_ask returns the answer, or NULL
 * when it has yet to be sent. What is asked in one pass is sent together; then the verb's function runs again from its beginning, finds the
 * answers it had, and comes further. Answers live in the call's scratch object, by the names they were asked under, until the call ends. */
#ifndef PROVIDERS_COMMON_TALK_H
#define PROVIDERS_COMMON_TALK_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/provider.h"

/* One step of one call. Strings are the call's arena's. */
struct talk {
	struct provider_call *c;
	const struct provider_reply *reply;
	struct err *err;
	const char *cloud;	 /* for people */
	const char *section;	 /* of the settings */
	const char *const *keep; /* headers of replies that are kept, in lower case, NULL-terminated; NULL: none */
	/* What this pass has asked for. */
	struct provider_http *asks;
	const char **keys;
	size_t n_asks, cap_asks;
	struct provider_file *reads;
	size_t n_reads;
	const char *const *argv;
	const char *argv_key;
	int64_t after_ms;
};

struct talk_ask {
	const char *method;	    /* NULL: GET */
	const char *url;	    /* whole */
	const char *const *headers; /* but Content-Type, NULL-terminated; NULL: none */
	json_t *body;		    /* taken; NULL: none */
	const char *form;	    /* a body of a form instead */
	const char *lane;	    /* NULL: the host */
	bool direct;		    /* a metadata server */
	int64_t after_ms;	    /* wait before it is sent */
};

/* Before anything else in a step: keep what came. */
void talk_take(struct talk *t);
/* The answer to what `key` names in this call: {"status": n, "body": JSON (or XML as such, see xml.h) or null, "headers": {…} of those kept} or {"failed": error's name,
 * "text"}. NULL: it is asked with the next talk_send. Borrowed. */
const json_t *talk_ask(struct talk *t, const char *key, const struct talk_ask *q);
int talk_status(const json_t *answer); /* its HTTP status; 0: none came */
/* The text of a file; "" when it is not there; NULL: it is read with the next talk_send. */
const char *talk_read(struct talk *t, const char *path);
/* What a command says: {"status": n, "out", "complaint"}; NULL: it runs with the next talk_send. */
const json_t *talk_exec(struct talk *t, const char *key, const char *const *argv);
const char *talk_clean(struct talk *t, const char *text); /* foreign text for people: no control characters, at most some 400 bytes */
/* What it complained of, clean and short; `dflt` when of nothing. */
const char *talk_complaint(struct talk *t, const json_t *answer, const char *dflt);
bool talk_asks(const struct talk *t); /* is there something to send? */
enum provider_step talk_send(struct talk *t);
enum provider_step talk_wait(struct talk *t); /* what has nothing to go on with: talk_send, or FAILED where there is an error */
void talk_forget(struct talk *t, const char *key);

json_t *talk_child(json_t *of, const char *name);      /* the object that is its member, made where there is none; borrowed */
json_t *talk_part(struct talk *t, const char *name);   /* an object of the call's; borrowed */
json_t *talk_memory(struct talk *t, const char *name); /* one that lives on after the call; borrowed */
const char *talk_var(const struct talk *t, const char *name); /* of the environment; NULL: not set, or empty */
/* A setting of the cloud: what the call's task says, else what the settings say; NULL. Borrowed. */
const json_t *talk_setting(const struct talk *t, const char *key);
/* One that is several names, as a list or with commas; may be empty. The call's; borrowed. */
const json_t *talk_setting_names(struct talk *t, const char *key);
/* Keys of a task's own settings for the cloud that cannot be had, and why; `but`: the value that is the same as leaving it out, NULL: false or nothing.
 * −1 with an error for the first that is there, or that is none of `taken` (NULL-terminated). */
struct talk_refused {
	const char *key, *but, *why;
};
int talk_refuse_settings(struct talk *t, const char *const *taken, const struct talk_refused *list, size_t n);
/* A base URL out of a variable, without slashes at its end: https, or plain http to this machine. 0 with *base NULL when it is not set. */
int talk_endpoint(struct talk *t, const char *name, const char **base);

/* Tokens, kept in memory until some minutes before they end, by a mark of what they were given for. NULL: none that is still good. */
enum { TALK_TOKEN_EARLY_MS = 5 * 60 * 1000 };
const char *talk_token(struct talk *t, const char *mark);
const char *talk_keep_token(struct talk *t, const char *mark, const char *text, int64_t life_ms);
/* Was the token refused (401) by an answer whose key does not begin with `but`? Then it is forgotten and the call begins anew, once. */
bool talk_begin_anew(struct talk *t, const char *but);

/* How a step ends: with a result (taken), or with an error. */
enum provider_step talk_done(struct talk *t, json_t *result);
enum provider_step talk_failed(struct talk *t, enum err_code code, enum err_scope scope, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

const char *talk_json(struct arena *a, const json_t *j); /* in one line */
/* For want of credentials, which no other place has either: −1. */
int talk_refuse(struct talk *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Text for a URL's query. */
const char *talk_quote(struct arena *a, const char *text);
/* A form: name, value, name, value…, NULL. */
const char *talk_form(struct arena *a, const char *const *pairs);

#endif
