/* The pipe between the engine and a cloud that is a child of this program. Both ends of it are here, so that the form
 * of requests and replies stands in one file. The child may die at any instruction, may be an older build, may have its
 * output cut: nothing it says is believed before its shape was looked at. It keeps nothing between calls: what lasts is
 * in the provider's state folder, see sandbox.h. */
#include "providers/common/cloudside.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/str.h"

enum { STEP_ASK, STEP_READ };

/* By verb: how long an answer may take. Stopping waits for processes to end. */
static const int64_t timeouts_ms[PROVIDER_VERBS] = {
    [PROVIDER_CHECK] = 15000,
    [PROVIDER_OFFERS] = 30000,
    [PROVIDER_CREATE] = 60000,
    [PROVIDER_QUERY] = 60000,
    [PROVIDER_START] = 60000,
    [PROVIDER_STOP] = 60000,
    [PROVIDER_TERMINATE] = 60000,
};

static void fill_request(const char *name, struct provider_call *c)
{
	json_t *body = json_object();
	json_put_str(body, "verb", provider_verb_name(c->verb));
	json_object_set_new(body, "args", c->args ? json_deep_copy(c->args) : json_object());
	json_put_str(body, "state_dir", c->env->state_dir);
	if (c->env->config)
		json_object_set_new(body, "config", json_deep_copy(c->env->config));
	json_put_str(body, "self", c->env->self);
	json_put_int(body, "parent", getpid());
	if (c->env->now_ms)
		json_put_int(body, "now_ms", c->env->now_ms);
	char *text = json_text(body);
	const char **argv = arena_alloc(c->arena, 4 * sizeof *argv);
	argv[0] = c->env->self;
	argv[1] = "cloud-side";
	argv[2] = name;
	c->request = (struct provider_request){
	    .kind = PROVIDER_EXEC,
	    .argv = argv,
	    .body = arena_strdup(c->arena, text),
	    .body_len = strlen(text),
	    .timeout_ms = timeouts_ms[c->verb],
	};
	free(text);
	json_decref(body);
}

static bool node_ok(const json_t *node)
{
	static const char *const states[] = {"PENDING", "RUNNING", "STOPPING", "STOPPED", "TERMINATED", "PREEMPTED"};
	if (!json_str(node, "id", "")[0] || !json_str(node, "token", NULL) || !json_str(node, "cluster", NULL))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_eq(json_str(node, "status", ""), states[i]))
			return true;
	return false;
}

static bool all_of(const json_t *list, bool (*ok)(const json_t *))
{
	size_t i;
	json_t *one;
	json_array_foreach(list, i, one) if (!ok(one)) return false;
	return json_is_array(list);
}

static bool offer_ok(const json_t *o)
{
	return json_str(o, "instance_type", NULL) && json_str(o, "region", NULL) &&
	       json_int(o, "accelerator_count", 0) >= 0;
}

/* What is wrong with the shape of a result, or NULL. */
static const char *wrong_shape(enum provider_verb verb, const json_t *args, const json_t *r)
{
	if (!json_is_object(r))
		return "not an object";
	switch (verb) {
	case PROVIDER_CHECK:
		return json_is_boolean(json_object_get(r, "enabled")) ? NULL : "no \"enabled\"";
	case PROVIDER_OFFERS:
		return all_of(json_arr(r, "offers"), offer_ok) ? NULL : "no list of offers, or a broken one";
	case PROVIDER_CREATE:
		if (json_array_size(json_arr(r, "nodes")) != json_array_size(json_arr(args, "nodes")))
			return "not one node for each that was asked for";
		return all_of(json_arr(r, "nodes"), node_ok) ? NULL : "no list of nodes, or a broken one";
	case PROVIDER_QUERY:
	case PROVIDER_START:
	case PROVIDER_STOP:
		return all_of(json_arr(r, "nodes"), node_ok) ? NULL : "no list of nodes, or a broken one";
	case PROVIDER_TERMINATE:
		return !json_object_get(r, "pending") || json_int(r, "pending", -1) >= 0 ? NULL
											 : "a broken \"pending\"";
	case PROVIDER_QUOTA:
	case PROVIDER_OBJECTS:
	case PROVIDER_VERBS:
		break;
	}
	return "no such verb";
}

/* Foreign text, fit for a message: the first line or so of it. */
static const char *excerpt(struct arena *a, const char *text, size_t len)
{
	struct str s = str_new(400);
	while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
		len--;
	text_clean(&s, text, len < 100 ? len : 100);
	char *out = arena_printf(a, "%s%s", str_text(&s), len > 100 ? "…" : "");
	str_free(&s);
	return out;
}

/* The error that the cloud itself reports. */
/* What was asked of whom is put before it by core. */
static int reported(const json_t *error, struct err *err)
{
	const char *name = json_str(error, "code", "");
	enum err_code code = err_code_of(name);
	if (code == ERR_NONE || (code == ERR_FAILED && !str_eq(name, "failed")))
		return err_set(err, ERR_PROTOCOL, "the cloud side reports an error of unknown kind: %s",
		    json_str(error, "message", "no text"));
	return err_set(err, code, "%s", json_str(error, "message", "the cloud side gives no reason"));
}

/* No JSON came: say how the child ended. */
static int no_reply(const struct provider_call *c, const struct provider_reply *r, const char *what, struct err *err)
{
	const char *said = r->complaint && r->complaint[0] ? r->complaint : r->body_len ? r->body : "";
	const char *shown = excerpt(c->arena, said, strlen(said));
	const char *sep = shown[0] ? ": " : "";
	if (r->status == -1)
		return err_set(err, ERR_NETWORK,
		    "%s: its cloud side (%s cloud-side) was killed or did not answer within %lld s%s%s", what,
		    c->env->self, (long long)c->request.timeout_ms / 1000, sep, shown);
	if (r->status != 0)
		return err_set(err, ERR_PROTOCOL,
		    "%s: its cloud side (%s cloud-side) ended with exit status %d and no answer%s%s", what,
		    c->env->self, r->status, sep, shown);
	return err_set(err, ERR_PROTOCOL, "%s: its cloud side (%s cloud-side) answered %s%s%s", what, c->env->self,
	    r->body_len ? "what is not JSON" : "nothing", sep, shown);
}

static int read_reply(const char *name, struct provider_call *c, const struct provider_reply *r, struct err *err)
{
	char what[80];
	snprintf(what, sizeof what, "%s %s", name, provider_verb_name(c->verb));
	if (r->body_len > CLOUDSIDE_REPLY_MAX)
		return err_set(
		    err, ERR_PROTOCOL, "%s: the answer is larger than %d MiB", what, CLOUDSIDE_REPLY_MAX >> 20);
	/* A child that was killed may have printed a whole answer before; it is as good as any. */
	json_t *j = r->body_len ? json_parse(r->body, r->body_len, NULL) : NULL;
	if (!j)
		return no_reply(c, r, what, err);
	const json_t *error = json_obj(j, "error");
	const char *wrong = error ? NULL : wrong_shape(c->verb, c->args, j);
	int rc = 0;
	if (error)
		rc = reported(error, err);
	else if (wrong)
		rc = err_set(err, ERR_PROTOCOL, "%s: the answer is wrong: %s: %s", what, wrong,
		    excerpt(c->arena, r->body, r->body_len));
	else
		c->result = json_incref(j);
	json_decref(j);
	return rc;
}

enum provider_step cloudside_step(
    const char *name, struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	if (c->verb == PROVIDER_QUOTA || c->verb == PROVIDER_OBJECTS) {
		err_set(err, ERR_UNSUPPORTED, "%s has no %s", name, provider_verb_name(c->verb));
		return PROVIDER_FAILED;
	}
	if (!reply || c->step == STEP_ASK) {
		fill_request(name, c);
		c->step = STEP_READ;
		return PROVIDER_REQUEST;
	}
	return read_reply(name, c, reply, err) ? PROVIDER_FAILED : PROVIDER_DONE;
}

/* --- the child
 * ------------------------------------------------------------------------------------------------------*/

static char *read_stdin(size_t *len, struct err *err)
{
	struct str s = str_new(CLOUDSIDE_REQUEST_MAX);
	char buf[16384];
	ssize_t n;
	while ((n = read(STDIN_FILENO, buf, sizeof buf)) != 0 && !s.full) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		str_addn(&s, buf, (size_t)n);
	}
	if (n < 0)
		err_errno(err, "cannot read the request");
	else if (s.full)
		err_set(err, ERR_INVALID, "the request is larger than %d MiB", CLOUDSIDE_REQUEST_MAX >> 20);
	if (n < 0 || s.full) {
		str_free(&s);
		return NULL;
	}
	*len = s.len;
	return str_take(&s);
}

/* A real cloud finishes the requests that it has, even when nobody waits for them any more, and so does the simulated
 * one. This machine must not: a node made after its engine has died would be unknown to the next engine, which has
 * looked around already. So the child dies with its parent. (Being killed is nothing new to it.) */
static int live_and_die_with_parent(void)
{
#ifdef __linux__
	return prctl(PR_SET_PDEATHSIG, SIGKILL);
#else
	return 0;
#endif
}

/* Did the parent die before that? Then somebody else is our parent now. */
static int check_parent(const json_t *request, struct err *err)
{
	int64_t parent = json_int(request, "parent", 0);
	if (!parent || parent == getppid())
		return 0;
	return err_set(err, ERR_CANCELLED, "whoever asked is gone");
}

static json_t *answer(const struct provider *const all[], const char *name, struct err *err)
{
	const struct provider *p = NULL;
	for (size_t i = 0; all && all[i] && !p; i++)
		if (str_eq(all[i]->name, name))
			p = all[i];
	if (!p || !p->cloud_side) {
		err_set(err, ERR_USAGE, "there is no cloud called %s on this machine", name ? name : "?");
		return NULL;
	}
	if (!p->simulated && live_and_die_with_parent()) {
		err_errno(err, "cannot tie this process to its parent");
		return NULL;
	}
	size_t len = 0;
	char *text = read_stdin(&len, err);
	if (!text)
		return NULL;
	json_t *request = json_parse(text, len, err);
	free(text);
	const char *dir = json_str(request, "state_dir", "");
	json_t *reply = NULL;
	if (request && !json_is_object(request))
		err_set(err, ERR_INVALID, "the request is not an object");
	else if (request && dir[0] != '/')
		err_set(err, ERR_INVALID, "the request has no state_dir, or not an absolute one");
	else if (request && (p->simulated || !check_parent(request, err)))
		reply = p->cloud_side(request, err);
	json_decref(request);
	return reply;
}

int cloud_side_main(const struct provider *const all[], const char *name)
{
	struct err err = {0};
	json_t *reply = answer(all, name, &err);
	bool failed = !reply;
	if (failed) {
		json_t *error = json_object();
		json_put_str(error, "code", err_info(err.code ? err.code : ERR_FAILED)->name);
		json_put_str(error, "message", err.text);
		reply = json_object();
		json_object_set_new(reply, "error", error);
	}
	char *text = json_text(reply);
	json_decref(reply);
	bool cut = fputs(text, stdout) < 0 || fputc('\n', stdout) < 0 || fflush(stdout);
	free(text);
	return failed || cut;
}
