/* One command on a node, wherever that is: a child here, or a channel over SSH.
 *
 * Over SSH a command meets the user's login shell, which may be any (bash, fish, csh …), after an rc file of the user's own, which may
 * print. So what is sent is a line that all of them read alike, `exec sh -c '…'`, in which everything but plain characters is coded in
 * octal; sh decodes and evaluates it. The first thing it prints, on both outputs, is a mark: what came before that is noise. A
 * command that is long comes over stdin instead, coded in one line, before its own input. */
#include "core/run/remote.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/io/proc.h"
#include "core/run/link.h"
#include "core/run/reach.h"

enum {
	OUT_MAX = 8 << 20,
	COMPLAINT_MAX = 64 << 10,
	NOISE_MAX = 64 << 10,	 /* what is kept of it, to look for the mark and to quote */
	SCRIPT_MAX = 1 << 20,
	LINE_BYTES = 4000,	 /* longer ones come over stdin: old shells know no long lines */
	TRIES_MAX = 20,
	TRY_PAUSE_MAX_MS = 5000,
};

struct remotes {
	struct loop *loop;
	struct links *links;
	unsigned count; /* of commands, so that marks differ */
};

struct remotes *remotes_create(struct loop *l, const struct remotes_handlers *h)
{
	struct remotes *r = xcalloc(1, sizeof *r);
	r->loop = l;
	r->links = links_create(l, h);
	return r;
}

void remotes_destroy(struct remotes *r)
{
	if (!r)
		return;
	links_destroy(r->links);
	free(r);
}

static bool is_ssh(const json_t *reach)
{
	return !strcmp(json_str(reach, "kind", ""), "ssh");
}

char *remote_host(const json_t *reach)
{
	return is_ssh(reach) ? reach_name(reach) : xstrdup("this machine");
}

const char *remote_exit_text(const struct remote_exit *x, char *buf, size_t size)
{
	if (x->err)
		return x->err->text;
	if (x->how == REMOTE_SIGNALLED)
		snprintf(buf, size, "signal %d (%s)", x->status, x->status ? strsignal(x->status) : "unknown");
	else
		snprintf(buf, size, "exit status %d", x->status);
	return buf;
}

/* One command under way: proc or link_command is set. */
struct remote {
	struct remotes *remotes;
	struct remote_handlers h;
	void (*waits)(void *arg, const char *host, const struct err *why);
	struct proc *proc;
	struct link_command *command;
	struct str line, head; /* ssh: the command for the login shell, and what comes first on its stdin */
	char *input;
	size_t input_len;
	int fd;
	char mark[64];
	bool begun[2];	     /* the mark was seen on stdout, stderr */
	struct str noise[2]; /* until then */
	int64_t timeout_ms;
	bool failed_to_begin; /* for remote_run: no retry helps */
	bool ran;
	int busy;
	bool dead;
};

static void wipe(char *p, size_t n)
{
	if (p)
		memset(p, 0, n); /* it may hold secrets */
	free(p);
}

static void remote_free(struct remote *c)
{
	for (int i = 0; i < 2; i++)
		str_free(&c->noise[i]);
	str_free(&c->line);
	wipe(c->head.data, c->head.len);
	wipe(c->input, c->input_len);
	if (c->fd > 0)
		close(c->fd);
	free(c);
}

static void leave(struct remote *c)
{
	if (!--c->busy && c->dead)
		remote_free(c);
}

void remote_destroy(struct remote *c)
{
	if (!c || c->dead)
		return;
	proc_destroy(c->proc);
	link_destroy(c->command);
	c->proc = NULL;
	c->command = NULL;
	c->dead = true;
	if (!c->busy)
		remote_free(c);
}

static void ended(struct remote *c, const struct remote_exit *x)
{
	c->proc = NULL;
	c->command = NULL;
	c->busy++;
	c->h.exit(c->h.arg, x);
	c->dead = true;
	leave(c);
}

void remote_pause(struct remote *c, bool paused)
{
	if (c->proc)
		proc_pause(c->proc, paused);
	if (c->command)
		link_pause(c->command, paused);
}

/* ---- on this machine ----------------------------------------------------------------------------------------------- */

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

static void on_proc_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct remote *c = arg;
	c->busy++;
	c->h.out(c->h.arg, is_err, data, len);
	leave(c);
}

static void on_proc_exit(void *arg, int status, bool timed_out)
{
	struct remote *c = arg;
	struct err e;
	struct remote_exit x = {.how = WIFSIGNALED(status) ? REMOTE_SIGNALLED : REMOTE_EXITED,
	    .status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)};
	if (timed_out) {
		err_set(&e, ERR_TIMEOUT, "no end after %d s", (int)(c->timeout_ms / 1000));
		x = (struct remote_exit){.how = REMOTE_TIMED_OUT, .err = &e};
	}
	ended(c, &x);
}

static int start_local(struct remote *c, const json_t *reach, const struct remote_spec *spec, struct err *err)
{
	const char *home = json_str(reach, "home", NULL);
	if (!home)
		return err_set(err, ERR_INVALID, "a node on this machine has no home folder");
	struct env_list env = node_env(reach);
	const char *const argv[] = {"sh", "-c", spec->command, NULL};
	struct proc_spec p = {.argv = argv,
	    .env = (const char *const *)env.v,
	    .cwd = home,
	    .input = spec->input,
	    .input_len = spec->input_len,
	    .stdin_fd = spec->stdin_fd,
	    .timeout_ms = spec->timeout_ms};
	c->ran = true;
	c->proc = proc_start(c->remotes->loop, &p, &(struct proc_handlers){on_proc_out, on_proc_exit, c}, err);
	env_free(&env);
	return c->proc ? 0 : -1;
}

/* ---- over SSH: what is sent ---------------------------------------------------------------------------------------- */

/* As printf %b reads it. Plain are those that mean nothing within quotes, in any shell. */
static void add_coded(struct str *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)text[i];
		if (isalnum(ch) || (ch && strchr(" _./=:,+-", ch)))
			str_addc(out, (char)ch);
		else
			str_addf(out, "\\0%03o", ch);
	}
}

static bool is_name(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	while (isalnum((unsigned char)*s) || *s == '_')
		s++;
	return !*s;
}

/* A stream has nothing to read; its stdin says whether we are still there. When it ends, so do all of the session's processes:
 * sshd gives each command a session, so a group, of its own. The watcher has other fds than 0: some shells give what runs in the
 * background /dev/null, whatever is said of 0. */
static const char stream_watch[] = "exec 9<&0 </dev/null\n"
				   "{ trap '' HUP TERM; cat <&9; kill -TERM 0; sleep 2; kill -KILL 0; } >/dev/null 2>&1 &\n"
				   "exec 9<&-\n";

/* What sh runs: the mark, the node's environment and home, the command. */
static char *whole_script(const struct remote *c, const json_t *reach, const struct remote_spec *spec)
{
	struct str s = str_new(SCRIPT_MAX);
	const char *home = json_str(reach, "home", NULL), *key;
	json_t *value;
	str_addf(&s, "printf '%s'\nprintf '%s' >&2\n", c->mark, c->mark);
	if (home) {
		str_add(&s, "HOME=");
		shell_quote(&s, home);
		str_add(&s, "\nexport HOME\n");
	}
	json_object_foreach(json_obj(reach, "env"), key, value) {
		if (!json_is_string(value) || !is_name(key))
			continue;
		str_addf(&s, "%s=", key);
		shell_quote(&s, json_string_value(value));
		str_addf(&s, "\nexport %s\n", key);
	}
	str_add(&s, "cd \"$HOME\" || exit 126\n");
	if (spec->stream)
		str_add(&s, stream_watch);
	str_add(&s, spec->command);
	return str_take(&s);
}

static int put_line(struct remote *c, const json_t *reach, const struct remote_spec *spec, struct err *err)
{
	char *script = whole_script(c, reach, spec);
	struct str coded = str_new(SCRIPT_MAX);
	add_coded(&coded, script, strlen(script));
	wipe(script, strlen(script));
	c->line = str_new(SCRIPT_MAX);
	c->head = str_new(SCRIPT_MAX + 2);
	if (coded.full) {
		str_free(&coded);
		return err_set(err, ERR_INVALID, "the command is longer than %d bytes", SCRIPT_MAX);
	}
	if (coded.len < LINE_BYTES) {
		str_addf(&c->line, "exec sh -c 'eval \"$(printf %%b \"%s\")\"'", str_text(&coded));
	} else {
		str_add(&c->line, "exec sh -c 'IFS= read -r s && eval \"$(printf %b \"$s\")\"'");
		str_addf(&c->head, "%s\n", str_text(&coded));
	}
	str_free(&coded);
	return 0;
}

/* ---- over SSH: what comes back ------------------------------------------------------------------------------------- */

static void on_link_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct remote *c = arg;
	c->busy++;
	if (c->begun[is_err]) {
		c->h.out(c->h.arg, is_err, data, len);
		leave(c);
		return;
	}
	struct str *noise = &c->noise[is_err];
	size_t mark_len = strlen(c->mark);
	while (len && !c->begun[is_err]) {
		size_t n = len < NOISE_MAX / 2 ? len : NOISE_MAX / 2;
		if (noise->len + n > NOISE_MAX)
			str_shift(noise, noise->len - mark_len);
		str_addn(noise, data, n);
		data += n;
		len -= n;
		const char *at = memmem(noise->data, noise->len, c->mark, mark_len);
		if (!at)
			continue;
		c->begun[is_err] = true;
		if (!is_err && c->waits)
			c->waits(c->h.arg, NULL, NULL);
		size_t from = (size_t)(at - noise->data) + mark_len;
		if (noise->len > from && !c->dead)
			c->h.out(c->h.arg, is_err, noise->data + from, noise->len - from);
	}
	if (len && !c->dead)
		c->h.out(c->h.arg, is_err, data, len);
	leave(c);
}

static void on_link_waits(void *arg, const char *host, const struct err *why)
{
	struct remote *c = arg;
	c->busy++;
	if (c->waits)
		c->waits(c->h.arg, host, why);
	leave(c);
}

static void on_link_exit(void *arg, const struct remote_exit *x, bool ran)
{
	struct remote *c = arg;
	struct err e;
	char how[64];
	struct remote_exit own = *x;
	c->ran = ran;
	if ((x->how == REMOTE_EXITED || x->how == REMOTE_SIGNALLED) && !c->begun[0]) {
		struct str said = str_new(600), *noise = &c->noise[c->noise[1].len ? 1 : 0];
		text_clean(&said, str_text(noise), noise->len < 400 ? noise->len : 400);
		err_set(&e, ERR_FAILED, "the login shell ended (%s) before the command began%s%s. It must be able to run sh",
		    remote_exit_text(x, how, sizeof how), said.len ? ", and said: " : "", str_text(&said));
		str_free(&said);
		c->failed_to_begin = true;
		own = (struct remote_exit){.how = REMOTE_LOST, .err = &e};
	}
	ended(c, &own);
}

static int start_ssh(struct remote *c, const json_t *reach, const struct remote_spec *spec, struct err *err)
{
	snprintf(c->mark, sizeof c->mark, "\036skytop %x %" PRIx64 "\036", ++c->remotes->count, (uint64_t)mono_now_us());
	if (put_line(c, reach, spec, err))
		return -1;
	if (spec->stdin_fd > 0) {
		c->fd = fcntl(spec->stdin_fd, F_DUPFD_CLOEXEC, 3);
		if (c->fd < 0)
			return err_errno(err, "cannot keep the input");
	} else if (spec->input_len) {
		c->input = xmalloc(spec->input_len);
		memcpy(c->input, spec->input, spec->input_len);
		c->input_len = spec->input_len;
	}
	const struct link_spec ls = {.command = str_text(&c->line),
	    .head = str_text(&c->head),
	    .head_len = c->head.len,
	    .input = c->input,
	    .input_len = c->input_len,
	    .fd = c->fd,
	    .stream = spec->stream,
	    .timeout_ms = spec->timeout_ms,
	    .retry_ms = spec->retry_ms,
	    .anew = spec->anew};
	c->command = link_start(c->remotes->links, reach, &ls, &(struct link_handlers){on_link_out, on_link_waits, on_link_exit, c}, err);
	return c->command ? 0 : -1;
}

struct remote *remote_start(struct remotes *r, const json_t *reach, const struct remote_spec *spec, const struct remote_handlers *h, struct err *err)
{
	const char *kind = json_str(reach, "kind", "");
	struct remote *c = xcalloc(1, sizeof *c);
	*c = (struct remote){.remotes = r, .h = *h, .waits = spec->waits, .timeout_ms = spec->timeout_ms,
	    .noise = {str_new(NOISE_MAX), str_new(NOISE_MAX)}};
	int rc;
	if (!strcmp(kind, "local"))
		rc = start_local(c, reach, spec, err);
	else if (!strcmp(kind, "ssh"))
		rc = start_ssh(c, reach, spec, err);
	else
		rc = err_set(err, ERR_UNSUPPORTED, "cannot reach a node of kind '%s'", kind);
	if (!rc)
		return c;
	remote_free(c);
	return NULL;
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

/* ---- to the end, and again ------------------------------------------------------------------------------------------ */

struct remote_call {
	struct remotes *remotes;
	json_t *reach;
	struct remote_spec spec; /* command, input and fd are ours */
	off_t fd_start;		 /* -1: it cannot be rewound */
	struct remote *remote;
	struct str out, complaint;
	char *what;
	unsigned timer; /* the next try, or the report of a start that failed */
	struct err err;
	int tries;
	bool told;
	remote_fn *fn;
	void *arg;
};

static void call_free(struct remote_call *c)
{
	str_free(&c->out);
	str_free(&c->complaint);
	json_decref(c->reach);
	free((char *)(uintptr_t)c->spec.command);
	wipe((char *)(uintptr_t)c->spec.input, c->spec.input_len);
	if (c->spec.stdin_fd > 0)
		close(c->spec.stdin_fd);
	free(c->what);
	free(c);
}

static void on_call_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct remote_call *c = arg;
	str_addn(is_err ? &c->complaint : &c->out, data, len);
	if (!is_err && c->spec.piece)
		c->spec.piece(c->arg, data, len);
}

static void on_call_waits(void *arg, const char *host, const struct err *why)
{
	struct remote_call *c = arg;
	bool tell = why || c->told;
	c->told = why != NULL;
	if (tell)
		c->spec.waits(c->arg, host, why);
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

static void describe(struct remote_call *c, const struct remote_exit *x, struct err *err)
{
	char how[64];
	if (x->err) {
		*err = *x->err;
		err_wrap(err, "%s", c->what);
		return;
	}
	if (agent_error(c, err))
		return;
	struct str said = str_new(600);
	size_t len = c->complaint.len, from = len > 400 ? len - 400 : 0;
	text_clean(&said, str_text(&c->complaint) + (len ? from : 0), len - from);
	err_set(err, ERR_FAILED, "%s: %s%s%s", c->what, remote_exit_text(x, how, sizeof how), said.len ? ": " : "", str_text(&said));
	str_free(&said);
}

static void begin(void *arg);

/* May it run once more? The link has had its patience with what never ran; a loss in the middle is for us. */
static bool try_again(struct remote_call *c, const struct remote_exit *x, bool mendable)
{
	if (x->how != REMOTE_LOST || !mendable || !c->spec.retry_ms || ++c->tries > TRIES_MAX)
		return false;
	if (c->spec.stdin_fd > 0 && (c->fd_start < 0 || lseek(c->spec.stdin_fd, c->fd_start, SEEK_SET) < 0))
		return false;
	int64_t pause = (int64_t)100 << (c->tries > 6 ? 6 : c->tries);
	c->timer = loop_after(c->remotes->loop, pause > TRY_PAUSE_MAX_MS ? TRY_PAUSE_MAX_MS : pause, begin, c);
	if (c->spec.waits) {
		char *host = remote_host(c->reach);
		on_call_waits(c, host, x->err); /* may cancel us: nothing after it */
		free(host);
	}
	return true;
}

static void on_call_exit(void *arg, const struct remote_exit *x)
{
	struct remote_call *c = arg;
	struct err err;
	bool ok = x->how == REMOTE_EXITED && !x->status, mendable = c->remote->ran && !c->remote->failed_to_begin;
	c->remote = NULL;
	if (try_again(c, x, mendable))
		return;
	if (ok && c->out.full) {
		err_set(&err, ERR_PROTOCOL, "%s: it printed more than %d bytes", c->what, OUT_MAX);
		ok = false;
	} else if (!ok) {
		describe(c, x, &err);
	}
	c->fn(c->arg, str_text(&c->out), c->out.len, ok ? NULL : &err);
	call_free(c);
}

static void on_start_failed(void *arg)
{
	struct remote_call *c = arg;
	err_wrap(&c->err, "%s", c->what);
	c->fn(c->arg, "", 0, &c->err);
	call_free(c);
}

static void begin(void *arg)
{
	struct remote_call *c = arg;
	c->timer = 0;
	str_clear(&c->out);
	str_clear(&c->complaint);
	struct remote_spec spec = c->spec;
	spec.waits = spec.waits ? on_call_waits : NULL;
	c->remote = remote_start(c->remotes, c->reach, &spec, &(struct remote_handlers){on_call_out, on_call_exit, c}, &c->err);
	if (!c->remote)
		c->timer = loop_after(c->remotes->loop, 0, on_start_failed, c);
}

struct remote_call *remote_run(struct remotes *r, const json_t *reach, const struct remote_spec *spec, const char *what, remote_fn *fn, void *arg)
{
	struct remote_call *c = xcalloc(1, sizeof *c);
	*c = (struct remote_call){.remotes = r, .reach = json_incref((json_t *)(uintptr_t)reach), .spec = *spec, .fd_start = -1, .out = str_new(OUT_MAX),
	    .complaint = str_new(COMPLAINT_MAX), .what = xstrdup(what), .fn = fn, .arg = arg};
	c->spec.command = xstrdup(spec->command);
	char *input = NULL;
	if (spec->input_len) {
		input = xmalloc(spec->input_len);
		memcpy(input, spec->input, spec->input_len);
	}
	c->spec.input = input;
	if (spec->stdin_fd > 0) {
		c->spec.stdin_fd = fcntl(spec->stdin_fd, F_DUPFD_CLOEXEC, 3);
		c->fd_start = lseek(c->spec.stdin_fd, 0, SEEK_CUR);
	}
	begin(c);
	return c;
}

void remote_cancel(struct remote_call *c)
{
	if (!c)
		return;
	loop_cancel(c->remotes->loop, c->timer);
	remote_destroy(c->remote);
	call_free(c);
}
