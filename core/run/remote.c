/* The local transport: a shell in the node's home, with the environment of this process less what is ours. Later transports get
 * their branch in remote_start and remote_prefix; nothing else in core knows how a node is reached. */
#include "core/run/remote.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/mem.h"


enum { OUT_MAX = 8 << 20, COMPLAINT_MAX = 64 << 10 };

struct env_list {
	char **v;
	size_t n, cap;
};

static void env_put(struct env_list *e, char *entry)
{
	ARRAY_GROW(e->v, e->n, e->cap);
	e->v[e->n++] = entry;
}

static void env_free(struct env_list *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->v[i]);
	free(e->v);
}

/* A job must not find the engine's own variables, nor those of a task that skytop itself runs in. */
static bool is_ours(const char *entry)
{
	static const char *const drop[] = {"HOME=", "SKYTOP_", "SKYPILOT_", "PWD=", "OLDPWD=", "CUDA_VISIBLE_DEVICES="};
	if (str_starts(entry, "SKYTOP_AGENT_UMASK=")) /* the user's, for his jobs: see daemon_run */
		return false;
	for (size_t i = 0; i < ARRAY_LEN(drop); i++)
		if (str_starts(entry, drop[i]))
			return true;
	return false;
}

static struct env_list node_env(const json_t *reach)
{
	struct env_list e = {NULL, 0, 0};
	for (char **p = environ; *p; p++)
		if (!is_ours(*p))
			env_put(&e, xstrdup(*p));
	env_put(&e, xasprintf("HOME=%s", json_str(reach, "home", "/")));
	const char *key;
	json_t *value;
	json_object_foreach(json_obj(reach, "env"), key, value)
		if (json_is_string(value))
			env_put(&e, xasprintf("%s=%s", key, json_string_value(value)));
	ARRAY_GROW(e.v, e.n, e.cap);
	e.v[e.n] = NULL;
	return e;
}

struct proc *remote_start(struct loop *l, const json_t *reach, const struct remote_spec *spec, const struct proc_handlers *h, struct err *err)
{
	const char *kind = json_str(reach, "kind", ""), *home = json_str(reach, "home", NULL);
	if (strcmp(kind, "local") || !home) {
		err_set(err, ERR_UNSUPPORTED, "cannot reach a node of kind '%s'", kind);
		return NULL;
	}
	struct env_list env = node_env(reach);
	const char *const argv[] = {"sh", "-c", spec->command, NULL};
	struct proc_spec p = {.argv = argv,
	    .env = (const char *const *)env.v,
	    .cwd = home,
	    .input = spec->input,
	    .input_len = spec->input_len,
	    .stdin_fd = spec->stdin_fd,
	    .timeout_ms = spec->timeout_ms};
	struct proc *proc = proc_start(l, &p, h, err);
	env_free(&env);
	return proc;
}

void remote_prefix(struct str *out, const json_t *reach)
{
	const char *key;
	json_t *value;
	str_add(out, "env HOME=");
	shell_quote(out, json_str(reach, "home", "/"));
	json_object_foreach(json_obj(reach, "env"), key, value) {
		str_addf(out, " %s=", key);
		shell_quote(out, json_is_string(value) ? json_string_value(value) : "");
	}
	str_add(out, " sh -c");
}

struct remote_call {
	struct loop *loop;
	struct proc *proc;
	struct str out, complaint;
	char *what;
	unsigned starter; /* the timer that reports a start that failed */
	struct err start_err;
	int64_t timeout_ms;
	remote_fn *fn;
	void *arg;
};

static void call_free(struct remote_call *c)
{
	str_free(&c->out);
	str_free(&c->complaint);
	free(c->what);
	free(c);
}

static void on_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct remote_call *c = arg;
	str_addn(is_err ? &c->complaint : &c->out, data, len);
}

/* The agent's own words for what went wrong, if its last line is such. */
static bool agent_error(struct remote_call *c, struct err *err)
{
	static const struct {
		const char *name;
		enum err_code code;
	} codes[] = {{"not_found", ERR_NOT_FOUND}, {"invalid", ERR_INVALID}, {"no_resource", ERR_NO_RESOURCE}, {"stopped", ERR_CONFLICT},
	    {"not_initialised", ERR_CONFLICT}, {"locked", ERR_TIMEOUT}, {"io", ERR_IO}};
	if (!c->out.len)
		return false;
	const char *start = c->out.data, *end = start + c->out.len;
	while (end > start && end[-1] == '\n')
		end--;
	const char *line = end;
	while (line > start && line[-1] != '\n')
		line--;
	json_t *j = json_parse(line, (size_t)(end - line), NULL);
	const json_t *e = json_obj(j, "error");
	if (e) {
		const char *name = json_str(e, "code", "");
		enum err_code code = ERR_FAILED;
		for (size_t i = 0; i < ARRAY_LEN(codes); i++)
			if (!strcmp(codes[i].name, name))
				code = codes[i].code;
		err_set(err, code, "%s: %s", c->what, json_str(e, "message", name));
	}
	json_decref(j);
	return e != NULL;
}

static void describe(struct remote_call *c, int status, bool timed_out, struct err *err)
{
	char how[64];
	if (timed_out) {
		err_set(err, ERR_TIMEOUT, "%s: no end after %d s", c->what, (int)(c->timeout_ms / 1000));
		return;
	}
	if (agent_error(c, err))
		return;
	struct str said = str_new(600);
	size_t len = c->complaint.len, from = len > 400 ? len - 400 : 0;
	text_clean(&said, str_text(&c->complaint) + (len ? from : 0), len - from);
	err_set(err, ERR_FAILED, "%s: %s%s%s", c->what, proc_status_text(status, how, sizeof how), said.len ? ": " : "", str_text(&said));
	str_free(&said);
}

static void on_ended(void *arg, int status, bool timed_out)
{
	struct remote_call *c = arg;
	struct err err;
	bool ok = !timed_out && WIFEXITED(status) && !WEXITSTATUS(status);
	if (ok && c->out.full) {
		err_set(&err, ERR_PROTOCOL, "%s: it printed more than %d bytes", c->what, OUT_MAX);
		ok = false;
	} else if (!ok) {
		describe(c, status, timed_out, &err);
	}
	c->fn(c->arg, str_text(&c->out), c->out.len, ok ? NULL : &err);
	call_free(c);
}

static void on_start_failed(void *arg)
{
	struct remote_call *c = arg;
	c->fn(c->arg, "", 0, &c->start_err);
	call_free(c);
}

struct remote_call *remote_run(struct loop *l, const json_t *reach, const struct remote_spec *spec, const char *what, remote_fn *fn, void *arg)
{
	struct remote_call *c = xcalloc(1, sizeof *c);
	*c = (struct remote_call){.loop = l, .out = str_new(OUT_MAX), .complaint = str_new(COMPLAINT_MAX), .what = xstrdup(what),
	    .timeout_ms = spec->timeout_ms, .fn = fn, .arg = arg};
	c->proc = remote_start(l, reach, spec, &(struct proc_handlers){on_out, on_ended, c}, &c->start_err);
	if (!c->proc) {
		err_wrap(&c->start_err, "%s", what);
		c->starter = loop_after(l, 0, on_start_failed, c);
	}
	return c;
}

void remote_cancel(struct remote_call *c)
{
	if (!c)
		return;
	loop_cancel(c->loop, c->starter);
	proc_destroy(c->proc);
	call_free(c);
}
