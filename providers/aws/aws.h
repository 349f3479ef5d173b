/* What the files of this provider share: one step of a call, and questions with their answers.
 *
 * A verb is written as if it could wait: it is run from its top at every step, and a question that was answered in an earlier step gives its
 * answer at once (answers are kept in the call's scratch, under a key). The first that was not asked yet ends the step with PROVIDER_REQUEST.
 * So what a verb does between questions must depend on answers and arguments alone. */
#ifndef PROVIDERS_AWS_AWS_H
#define PROVIDERS_AWS_AWS_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/provider.h"
#include "providers/common/sigv4.h"

enum { REGIONS_MAX = 100, IDS_A_CALL = 200, PAGES_MAX = 500, NODES_MAX = 1000, TEXT_MAX = 8 << 20 };

/* Whose keys requests are signed with. */
struct aws_login {
	struct sigv4_keys keys;
	const char *region; /* where one that has no place goes */
	const char *source; /* for people: "the environment", "profile dev in ~/.aws/credentials" */
	const char *cached; /* the name under which keys that end are kept in memory; NULL: they are not */
};

/* One step. */
struct aws {
	struct provider_call *c;
	struct arena *a;
	struct err *err;
	json_t *got;	/* {key: [answer…]}; an answer that is still to come is null */
	json_t *memory; /* the provider's, or the call's own when there is none */
	struct aws_login login;
};

/* Give up this step unless the value is there. */
#define AWS_TRY(expression)                                                                                            \
	do {                                                                                                           \
		enum provider_step step_ = (expression);                                                               \
		if (step_ != PROVIDER_DONE)                                                                            \
			return step_;                                                                                  \
	} while (0)

/* ---- talk.c ---- */

/* A question to a service. */
struct aws_ask {
	const char *service; /* "ec2" */
	const char *region;
	const char *target;  /* of services that speak JSON: "AmazonSSM.GetParameter"; NULL: the body is a form, the answer XML */
	const char *body;
	const struct sigv4_keys *keys; /* other ones than those of the login; keys without an id: unsigned */
};

/* Answers, in order: {"status", "body": what it says as JSON} or {"status", "code", "message"} of a refusal, or {"lost": name of an error code,
 * "message"}. Borrowed from t->got. What a service does not do for being asked too often is asked again, and so is what it refused for the time of
 * our clock or for keys that had ended. DONE: *answers is set. */
enum provider_step aws_ask(struct aws *t, const char *key, const struct aws_ask *q, size_t n, const json_t **answers);
/* One question; a refusal fails the call (aws_refused). *body is borrowed. what: "looking for images in us-east-1". */
enum provider_step aws_ask_one(struct aws *t, const char *key, const struct aws_ask *q, const char *what, const json_t **body);
/* All pages of an EC2 action: form without NextToken; the lists called set of all pages in one. A refusal fails the call. */
enum provider_step aws_pages(struct aws *t, const char *key, const char *region, const char *form, const char *set, json_t **list);
/* Requests as they are, unsigned. Answers as above, with the body as text. */
enum provider_step aws_fetch(struct aws *t, const char *key, const struct provider_http *http, size_t n, const json_t **answers);
/* The same for S3, signed by who asks: {"status", "body": text, "region", "etag", "length": of headers, text or null}, or a refusal with its code and those. */
enum provider_step aws_s3(struct aws *t, const char *key, const struct provider_http *http, size_t n, const json_t **answers);
/* Texts of files, null for one that is not there. Why one that is could not be read is in t->got under "KEY unread". */
enum provider_step aws_read(struct aws *t, const char *key, const char *const *paths, size_t n, const json_t **texts);
/* A program: {"status", "out", "complaint"}. */
enum provider_step aws_run(struct aws *t, const char *key, const char *const *argv, const json_t **answer);
/* The requests to come are sent after a pause. */
void aws_pause(struct aws *t, int64_t ms);

/* The base of URLs that all services are reached under, for tests and emulators; NULL: the services' own. FAILED: it is none, or plain HTTP to
 * elsewhere than this machine. */
enum provider_step aws_endpoint(struct aws *t, const char **base);
/* The same for one service: a variable of its own goes before that for all. NULL: there is none. */
enum provider_step aws_endpoint_of(struct aws *t, const char *of_service, const char **base);
/* A base URL that somebody gave, without a slash at its end; FAILED: as aws_endpoint. what: where it is from. */
enum provider_step aws_base(struct aws *t, const char *url, const char *what, const char **base);
/* A variable of the environment; NULL when unset or empty. */
const char *aws_var(const struct aws *t, const char *name);
const char *aws_config(const struct aws *t, const char *key);
bool aws_config_bool(const struct aws *t, const char *key, bool dflt);
/* Names in a text with commas, or a list of them; borrowed; NULL: none. */
const json_t *aws_config_list(struct aws *t, const char *key);
/* Our clock as AWS's is, and the time of a text of theirs (0: it is none). */
int64_t aws_now_ms(const struct aws *t);
int64_t aws_time(const char *text);

/* A form that begins with the action; more by sigv4_form. The arena's text by aws_form_done, which frees s. */
struct str aws_form(const char *action);
const char *aws_form_done(struct aws *t, struct str *s);
/* Filter.N with one value, or with those of an array. */
void aws_filter(struct str *s, int n, const char *name, const char *value);
void aws_filter_list(struct str *s, int n, const char *name, const json_t *values);
/* "PREFIX.N" = value, for every value of an array of strings. */
void aws_list(struct str *s, const char *prefix, const json_t *values);

enum provider_step aws_done(struct aws *t, json_t *result); /* steals */
enum provider_step aws_failed(struct aws *t, enum err_code code, enum err_scope scope, const char *text);

/* ---- errors.c ---- */

/* What a refusal means. what: what was tried, "starting 2 × g6.xlarge in us-east-1a". Sets t->err. Returns PROVIDER_FAILED. */
enum provider_step aws_refused(struct aws *t, const json_t *answer, const char *what);
/* The same over plain texts; pure. message may be "". */
void aws_error(struct err *err, int status, const char *code, const char *message, const char *what);
/* Is an answer one of these? */
bool aws_ok(const json_t *answer);
bool aws_is(const json_t *answer, const char *code);
enum err_code aws_code(const json_t *answer); /* ERR_NONE: it is no refusal */

/* ---- ini.c ---- */

/* A file of profiles: {section: {key: value}}, keys in lower case, "profile NAME" as NAME when config. Bad lines are passed over, nested blocks are
 * left out. Pure; new reference. */
json_t *aws_ini(const char *text, bool config);
/* Words of a command line as AWS's tools split it: blanks, quotes, backslashes. NULL-terminated, the arena's; NULL: a quote is not closed. */
const char *const *aws_words(struct arena *a, const char *line);

/* ---- auth.c ---- */

/* Whose keys to use: the places of §credentials in AWS's order. DONE: t->login is set. FAILED: CREDENTIALS, with all places that were looked at. */
enum provider_step aws_login(struct aws *t);
/* The same, where there may be none: DONE with *found false. */
enum provider_step aws_login_if_any(struct aws *t, bool *found);
/* Keys that end, as services give them in JSON or XML under various names, into memory and *out. false: they are none. */
bool aws_keep_keys(struct aws *t, const char *name, const json_t *from, struct aws_login *out);

/* ---- regions.c ---- */

/* The regions that are on for this account, or those that the configuration names: an array of names, borrowed. */
enum provider_step aws_regions(struct aws *t, const json_t **regions);
/* Could that be the name of a region ("us-east-1", not "us-east-1-wl1-chi1"), and is it among those that the configuration names, if any? (NULL: does it
 * name some?) */
bool aws_region_may_be(const char *name);
bool aws_region_is_wanted(struct aws *t, const char *region);
/* DONE: the region is on for this account. FAILED: INVALID when there is none of the name. */
enum provider_step aws_region_is_on(struct aws *t, const char *region);
/* Of an instance type, as EC2 describes it: {"type","vcpus","mem_mib","arch","accelerator"|null,"count"(real),"gpu_mem_mib","spot":bool,"neuron":bool};
 * kept in memory. FAILED: INVALID when there is none of the name. */
enum provider_step aws_type(struct aws *t, const char *region, const char *type, const json_t **out);
/* The same of one item of DescribeInstanceTypes; pure. New reference. */
json_t *aws_type_of(const json_t *item);

/* ---- instance.c: EC2's items ---- */

/* A text as a tag's value may be, and back: what EC2 does not take in tags becomes =XX. */
const char *aws_tag_text(struct arena *a, const char *text);
const char *aws_tag_read(struct arena *a, const char *value);
/* Of an instance as EC2 describes it; NULL: skytop did not make it. New reference. */
json_t *aws_node(struct aws *t, const json_t *instance, const char *region);
/* Splits "region/i-…" (in place of the arena); false: it is no id of ours. */
bool aws_id(struct aws *t, const char *id, const char **region, const char **instance);
const char *aws_state(const json_t *instance); /* "running"; "" */
/* {key: value} of its tags, as they are. New reference. */
json_t *aws_tags(const json_t *instance);

/* ---- nodes.c ---- */

enum provider_step aws_query(struct aws *t);
enum provider_step aws_start_or_stop(struct aws *t);
enum provider_step aws_terminate(struct aws *t);
/* Instances of the cluster that the call is about, in a region, in whatever state: an array of EC2's items, borrowed from t->got. */
enum provider_step aws_find(struct aws *t, const char *key, const char *region, json_t **list);

/* ---- the verbs ---- */
enum provider_step aws_check(struct aws *t);
enum provider_step aws_create(struct aws *t);
enum provider_step aws_offers(struct aws *t);
enum provider_step aws_quota(struct aws *t);
enum provider_step aws_objects(struct aws *t);

/* ---- bulk.c ---- */

/* OFFERS {"catalog": true} of AWS's public price list, for whoever has no keys; in parts, prices on demand alone. */
enum provider_step aws_price_list(struct aws *t);

/* ---- others.c ---- */

/* Somebody else's store that speaks S3. */
struct aws_store {
	const char *title, *base; /* title NULL: it is AWS's own */
};
/* Is a URI (r2://, nebius://) in one of these? DONE: *out says so, and t->login has its keys. FAILED: CREDENTIALS, it has none. */
enum provider_step aws_other_store(struct aws *t, const char *uri, struct aws_store *out);

/* ---- image.c, network.c: for CREATE ---- */

/* What a node starts from. */
struct aws_image {
	const char *id, *device, *user; /* the disk it starts from, who logs in */
	int64_t min_gib;
};
enum provider_step aws_image(struct aws *t, const char *region, const json_t *type, struct aws_image *out);

/* Where its network interface is. */
struct aws_net {
	const char *subnet, *zone;
	const char *groups[2]; /* the second: of the cluster's ports; NULL */
	bool is_public;	       /* gets a public address */
};
enum provider_step aws_net(struct aws *t, const char *region, const char *zone, size_t nodes, struct aws_net *out);
/* The ports of the call are opened for machines that are there (EC2's items; all of one VPC): rules of the cluster's group, and the group itself where a
 * machine is not in it. */
enum provider_step aws_net_open(struct aws *t, const char *region, const json_t *instances);
/* A reservation of the user's own (aws.specific_reservations) that has room for so many of the call's type in a zone; NULL: none. */
enum provider_step aws_net_reserved(struct aws *t, const char *region, const char *zone, size_t nodes, const char **id);
/* The security groups that were made for the ports of clusters (values of their tags) are deleted. DONE: *left is how many are still in use, or may be. */
enum provider_step aws_net_clear(struct aws *t, const json_t *regions, const json_t *clusters, size_t *left);

#endif
