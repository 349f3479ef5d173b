/* Driving providers in tests. Children can be killed at exact points: they are traced, and before the n-th system call
 * that changes the world (makes, renames, removes, writes, signals) they get SIGKILL. Walking n from 1 until a call
 * survives is every way in which a crash can cut that call. */
#include "tests/providers/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tests/providers/rig_http.h"

enum { OUTPUT_MAX = 32 << 20 };

void rig_open(struct rig *r, const struct provider *p)
{
	const char *tmp = getenv("TMPDIR");
	*r = (struct rig){.provider = p, .top = xasprintf("%s/skytop-providers.XXXXXX", tmp ? tmp : "/tmp")};
	assert_non_null(mkdtemp(r->top));
	const char *source = getenv("top_srcdir");
	char *share = path_join(source ? source : ".", "share");
	setenv("SKYTOP_SHARE", share, 0); /* as the program finds it */
	free(share);
	r->state_dir = xasprintf("%s/state/%s", r->top, p->name);
	r->memory = json_object();
}

void rig_close(struct rig *r)
{
	struct err err = {0};
	if (fs_remove_tree(r->top, &err))
		fail_msg("%s", err.text);
	json_decref(r->config);
	json_decref(r->settings);
	json_decref(r->memory);
	free(r->top);
	free(r->state_dir);
}

static json_t *quoted(char *text)
{
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	struct err err = {0};
	json_t *j = json_parse(text, strlen(text), &err);
	if (!j)
		fail_msg("%s: %s", err.text, text);
	free(text);
	return j;
}

json_t *rig_json(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *text = NULL;
	assert_true(vasprintf(&text, fmt, ap) >= 0);
	va_end(ap);
	return quoted(text);
}

void rig_config(struct rig *r, const char *json)
{
	json_decref(r->config);
	r->config = quoted(xstrdup(json));
}

void rig_settings(struct rig *r, const char *json)
{
	json_decref(r->settings);
	r->settings = quoted(xstrdup(json));
}

/* --- children
 * -------------------------------------------------------------------------------------------------------*/

static void feed(int fd, const char *body, size_t len)
{
	while (len) {
		ssize_t n = write(fd, body, len);
		if (n <= 0)
			break;
		body += n;
		len -= (size_t)n;
	}
	close(fd);
}

/* The request goes through a file, not a pipe, so that nobody has to feed a child that is stopped. */
static int body_file(const struct provider_request *q)
{
	char name[] = "/tmp/skytop-body.XXXXXX";
	int fd = mkstemp(name);
	assert_true(fd >= 0);
	unlink(name);
	feed(dup(fd), q->body, q->body_len);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* What is asked of a cloud of this machine is answered without another program's start, which would take most of the time. (rig_spawn starts it.) */
static const struct provider *answers_here(const struct rig *r, const struct provider_request *q)
{
	return r && str_eq(q->argv[1], "cloud-side") ? r->provider : NULL;
}

static pid_t start(const struct rig *here, const struct provider_request *q, int out, int err_fd, bool traced)
{
	const struct provider *const answering[] = {answers_here(here, q), NULL};
	int in = body_file(q);
	fflush(NULL); /* the child writes to our stdout's buffer */
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setpgid(0, 0);
		dup2(in, 0);
		dup2(out, 1);
		if (err_fd >= 0)
			dup2(err_fd, 2);
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		if (traced) {
			setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* leak detection wants to trace by itself */
			ptrace(PTRACE_TRACEME, 0, NULL, NULL);
			if (answering[0])
				raise(SIGSTOP); /* as exec would */
		}
		if (answering[0])
			_exit(cloud_side_main(answering, answering[0]->name));
		execvp(q->argv[0], (char *const *)q->argv);
		_exit(99);
	}
	close(in);
	return pid;
}

static bool changes_world(long nr)
{
	static const long calls[] = {
	    SYS_mkdirat,
	    SYS_renameat2,
	    SYS_unlinkat,
	    SYS_write,
	    SYS_fsync,
	    SYS_kill,
	    SYS_fchmodat,
#ifdef SYS_mkdir
	    SYS_mkdir,
	    SYS_rmdir,
	    SYS_unlink,
	    SYS_chmod,
#endif
#ifdef SYS_rename
	    SYS_rename,
#endif
#ifdef SYS_renameat
	    SYS_renameat,
#endif
	};
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (calls[i] == nr)
			return true;
	return false;
}

#ifdef PTRACE_GET_SYSCALL_INFO
/* Let the child run to its end, or kill it before its n-th change. Returns its wait status; -2: cannot trace. */
static int run_traced(pid_t pid, long kill_at, bool *killed)
{
	int status;
	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)))
		return -2;
	int signo = 0;
	for (;;) {
		ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signo);
		if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
			return status;
		signo = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
		struct __ptrace_syscall_info info;
		if (signo || ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info) <= 0)
			continue;
		if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !changes_world((long)info.entry.nr) || --kill_at)
			continue;
		*killed = true;
		kill(pid, SIGKILL);
	}
}
#else
static int run_traced(pid_t pid, long kill_at, bool *killed)
{
	(void)kill_at;
	(void)killed;
	int status;
	waitpid(pid, &status, 0);
	return -2;
}
#endif

bool rig_can_trace(void)
{
#ifdef PTRACE_GET_SYSCALL_INFO
	pid_t pid = fork();
	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) ? 1 : 0);
	int status = 0;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && !WEXITSTATUS(status);
#else
	return false;
#endif
}

static void drain(int fd, struct str *s, int64_t until_ms)
{
	char buf[65536];
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = until_ms - mono_now_ms();
		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return;
		ssize_t n = read(fd, buf, sizeof buf);
		if (n <= 0)
			return;
		str_addn(s, buf, (size_t)n);
	}
}

/* As core does: output, exit status or −1, the end of stderr. */
static void execute(
    struct rig *r, const struct provider_request *q, struct str *out, struct str *complaint, int *status)
{
	int o[2], e[2], st = 0;
	assert_int_equal(pipe2(o, O_CLOEXEC) | pipe2(e, O_CLOEXEC), 0);
	pid_t pid = start(r, q, o[1], e[1], r->kill_at > 0);
	close(o[1]);
	close(e[1]);
	int64_t deadline = mono_now_ms() + (r->deadline_ms ? r->deadline_ms : q->timeout_ms);
	r->killed = false;
	if (r->kill_at > 0) {
		st = run_traced(pid, r->kill_at, &r->killed);
		drain(o[0], out, mono_now_ms() + 1000);
	} else {
		drain(o[0], out, deadline);
		if (mono_now_ms() >= deadline)
			kill(pid, SIGKILL);
		waitpid(pid, &st, 0);
	}
	drain(e[0], complaint, mono_now_ms() + 100);
	close(o[0]);
	close(e[0]);
	*status = WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

/* --- hosts
 * ----------------------------------------------------------------------------------------------------------*/

static char *host_path(const struct rig *r, const char *name)
{
	return xasprintf("%s/hosts/%s", r->state_dir, name);
}

void rig_host(struct rig *r, const char *name, bool answers)
{
	char *nodes = path_join(r->state_dir, "nodes"), *home = host_path(r, name), *away = xasprintf("%s.away", home);
	struct err err;
	assert_int_equal(fs_mkdirs(nodes, &err), 0); /* where other providers have theirs: the checks look there */
	if (!answers)
		assert_int_equal(rename(home, away), 0);
	else if (rename(away, home))
		assert_int_equal(fs_mkdirs(home, &err), 0);
	free(away);
	free(home);
	free(nodes);
}

struct host_child {
	pid_t pid;
	int out, err;
};

/* As sshd would: the user's shell with little but HOME in its environment. */
static struct host_child host_start(const char *home, int number, const struct provider_ssh *q)
{
	int o[2], e[2], in;
	assert_int_equal(pipe2(o, O_CLOEXEC) | pipe2(e, O_CLOEXEC), 0);
	in = body_file(&(struct provider_request){.body = q->input ? q->input : "", .body_len = q->input ? strlen(q->input) : 0});
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char addr[80];
		snprintf(addr, sizeof addr, "127.0.0.1 4000 127.77.0.%d 22", number);
		const char *ill = getenv("RIG_PATH"), *path = ill ? ill : getenv("PATH");
		setpgid(0, 0);
		dup2(in, 0);
		dup2(o[1], 1);
		dup2(e[1], 2);
		if (clearenv() || setenv("PATH", path, 1) || setenv("HOME", home, 1) || setenv("SSH_CONNECTION", addr, 1) || chdir(home))
			_exit(98);
		execl("/bin/sh", "sh", "-c", q->command, (char *)NULL);
		_exit(99);
	}
	close(in);
	close(o[1]);
	close(e[1]);
	return (struct host_child){pid, o[0], e[0]};
}

static void host_finish(struct host_child *c, int64_t until_ms, struct provider_ssh_reply *out, struct arena *a)
{
	struct str said = str_new(OUTPUT_MAX), complaint = str_new(65536);
	int st = 0;
	drain(c->out, &said, until_ms);
	drain(c->err, &complaint, mono_now_ms() + 100);
	if (mono_now_ms() >= until_ms)
		kill(c->pid, SIGKILL);
	waitpid(c->pid, &st, 0);
	close(c->out);
	close(c->err);
	*out = (struct provider_ssh_reply){.status = WIFEXITED(st) ? WEXITSTATUS(st) : -1, .out = arena_strdup(a, str_text(&said)), .out_len = said.len,
	    .complaint = arena_strdup(a, str_text(&complaint))};
	str_free(&said);
	str_free(&complaint);
}

/* All at once, as core does. */
static void ask_hosts(struct rig *r, const struct provider_request *q, struct provider_reply *reply, struct arena *a)
{
	struct host_child *c = arena_alloc(a, (q->n_hosts + 1) * sizeof *c);
	struct provider_ssh_reply *list = arena_alloc(a, (q->n_hosts + 1) * sizeof *list);
	int64_t until = mono_now_ms() + 20 * q->timeout_ms; /* on a busy machine, too, who is slow is not silent */
	for (size_t i = 0; i < q->n_hosts; i++) {
		const char *name = json_str(q->hosts[i].reach, "host", "?");
		char *home = host_path(r, name);
		assert_string_equal(json_str(q->hosts[i].reach, "kind", ""), "ssh");
		const char *full = getenv("RIG_FULL"); /* this host's disk is full for who would lease */
		if (full && str_eq(full, name) && strstr(q->hosts[i].command, "'lease'"))
			list[i] = (struct provider_ssh_reply){.status = 1, .out = "", .complaint = "cat: write error: No space left on device"};
		else if (fs_is_dir(home))
			c[i] = host_start(home, name[strlen(name) - 1] - '0', &q->hosts[i]);
		else
			list[i] = (struct provider_ssh_reply){.code = ERR_NETWORK, .err_text = "no route to host", .out = "", .complaint = ""};
		free(home);
	}
	const char *lost = getenv("RIG_LOST"); /* this host's lease is made, and nothing is heard of it */
	for (size_t i = 0; i < q->n_hosts; i++) {
		if (c[i].pid)
			host_finish(&c[i], until, &list[i], a);
		if (str_eq(lost, json_str(q->hosts[i].reach, "host", "?")) && strstr(q->hosts[i].command, "'lease'"))
			list[i] = (struct provider_ssh_reply){.code = ERR_NETWORK, .err_text = "nothing heard for 45s", .out = "", .complaint = ""};
	}
	*reply = (struct provider_reply){.hosts = list, .n_hosts = q->n_hosts, .body = "", .complaint = ""};
}

/* --- calls
 * ----------------------------------------------------------------------------------------------------------*/

static const char *self(void)
{
	const char *s = getenv("SKYTOP");
	if (!s)
		fail_msg("SKYTOP must name the program");
	return s;
}

/* Secrets of the machine that the tests run on are nothing to them. */
static const char *var(const char *name)
{
	static const char *const foreign[] = {"AWS_PROFILE", "CLOUDSDK_CORE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"};
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		if (!strcmp(name, foreign[i]) && !getenv("RIG_VARS"))
			return NULL;
	return getenv(name);
}

/* What was offered in earlier parts, before what is offered in the last. */
static void join_parts(json_t *result, json_t *parts)
{
	json_array_extend(parts, json_arr(result, "offers"));
	json_object_set(result, "offers", parts);
}

json_t *rig_call(struct rig *r, enum provider_verb verb, json_t *args, struct err *err)
{
	struct provider_env env = {.self = self(), .state_dir = r->state_dir, .config = r->config, .now_ms = r->now_ms,
	    .settings = r->settings, .settings_path = r->settings ? "pools.yaml" : NULL, .var = var, .memory = r->memory, .user = "cafe0123"};
	if (!env.now_ms && !r->provider->cloud_side)
		env.now_ms = wall_now_ms();
	struct provider_call c = {
	    .verb = verb, .args = args, .env = &env, .arena = arena_create(), .scratch = json_object()};
	struct str out = str_new(OUTPUT_MAX), complaint = str_new(65536);
	struct provider_reply reply = {0};
	json_t *parts = json_array();
	enum provider_step step = r->provider->step(&c, NULL, err);
	while (step == PROVIDER_REQUEST || step == PROVIDER_PART) {
		if (step == PROVIDER_PART) {
			json_array_extend(parts, json_arr(c.result, "offers"));
			step = r->provider->step(&c, &(struct provider_reply){.body = "", .complaint = ""}, err);
			continue;
		}
		if (c.request.kind == PROVIDER_HTTP || c.request.kind == PROVIDER_READ) {
			(c.request.kind == PROVIDER_HTTP ? rig_http : rig_read)(&c.request, &reply, c.arena);
			step = r->provider->step(&c, &reply, err);
			continue;
		}
		if (c.request.kind == PROVIDER_SSH) {
			ask_hosts(r, &c.request, &reply, c.arena);
			step = r->provider->step(&c, &reply, err);
			continue;
		}
		assert_int_equal(c.request.kind, PROVIDER_EXEC);
		str_clear(&out);
		str_clear(&complaint);
		execute(r, &c.request, &out, &complaint, &reply.status);
		reply.body = str_text(&out);
		reply.body_len = out.len;
		reply.complaint = str_text(&complaint);
		if (strstr(reply.complaint, "Sanitizer") && !strstr(reply.complaint, "ptrace"))
			fail_msg("%s", reply.complaint);
		step = r->provider->step(&c, &reply, err);
	}
	json_t *result = step == PROVIDER_DONE ? c.result : NULL;
	assert_true(step == PROVIDER_DONE || !c.result || json_array_size(parts));
	if (step != PROVIDER_DONE)
		json_decref(c.result);
	if (result && json_array_size(parts))
		join_parts(result, parts);
	json_decref(parts);
	assert_true(step == PROVIDER_DONE || (err->code && err->text[0]));
	json_decref(c.scratch);
	json_decref(args);
	arena_destroy(c.arena);
	str_free(&out);
	str_free(&complaint);
	return result;
}

json_t *rig_do(struct rig *r, enum provider_verb verb, json_t *args)
{
	struct err err = {0};
	json_t *result = rig_call(r, verb, args, &err);
	if (!result)
		fail_msg("%s %s: %s", r->provider->name, provider_verb_name(verb), err.text);
	return result;
}

void rig_fails(struct rig *r, enum provider_verb verb, json_t *args, enum err_code code, char **text)
{
	struct err err = {0};
	json_t *result = rig_call(r, verb, args, &err);
	if (result)
		fail_msg("%s %s: succeeds where it must fail with %s", r->provider->name, provider_verb_name(verb),
		    err_info(code)->name);
	if (err.code != code)
		fail_msg("%s: fails as %s, not as %s", err.text, err_info(err.code)->name, err_info(code)->name);
	if (text)
		*text = xstrdup(err.text);
}

/* A child that makes the whole call and prints its result. */
static struct rig_child spawn_call(struct rig *r, enum provider_verb verb, json_t *args)
{
	int o[2];
	assert_int_equal(pipe2(o, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err = {0};
		json_t *result = rig_call(r, verb, args, &err);
		char *text = result ? json_text(result) : NULL;
		_exit(!text || write(o[1], text, strlen(text)) != (ssize_t)strlen(text));
	}
	close(o[1]);
	json_decref(args);
	return (struct rig_child){.pid = pid, .out = o[0]};
}

struct rig_child rig_spawn(struct rig *r, enum provider_verb verb, json_t *args)
{
	if (!r->provider->cloud_side)
		return spawn_call(r, verb, args);
	struct provider_env env = {.self = self(), .state_dir = r->state_dir, .config = r->config, .now_ms = r->now_ms};
	struct provider_call c = {.verb = verb, .args = args, .env = &env, .arena = arena_create()};
	struct err err;
	assert_int_equal(r->provider->step(&c, NULL, &err), PROVIDER_REQUEST);
	int o[2];
	assert_int_equal(pipe2(o, O_CLOEXEC), 0);
	struct rig_child child = {.pid = start(NULL, &c.request, o[1], -1, false), .out = o[0]};
	close(o[1]);
	json_decref(args);
	arena_destroy(c.arena);
	return child;
}

json_t *rig_wait(struct rig_child *c)
{
	struct str out = str_new(OUTPUT_MAX);
	drain(c->out, &out, mono_now_ms() + 60000);
	close(c->out);
	int status;
	waitpid(c->pid, &status, 0);
	json_t *j = WIFEXITED(status) && !WEXITSTATUS(status) ? json_parse(str_text(&out), out.len, NULL) : NULL;
	str_free(&out);
	return j;
}

/* --- nodes
 * ----------------------------------------------------------------------------------------------------------*/

pid_t rig_run_on(const json_t *node, const char *command)
{
	const json_t *reach = json_obj(node, "reach");
	const char *home = json_str(reach, "home", "");
	char *ready = path_join(home, "ready");
	unlink(ready);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const char *key;
		json_t *v;
		json_object_foreach(json_obj(reach, "env"), key, v) setenv(key, json_string_value(v), 1);
		setenv("HOME", home, 1);
		setsid();
		if (chdir(home))
			_exit(98);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(99);
	}
	for (int i = 0; i < 5000 && !fs_exists(ready); i++)
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	if (!fs_exists(ready))
		fail_msg("nothing runs on the node: %s", command);
	free(ready);
	return pid;
}

bool rig_alive(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

static bool environ_has(const char *pid, const char *mark)
{
	char path[64], buf[65536];
	snprintf(path, sizeof path, "/proc/%.20s/environ", pid);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof buf - 1);
	if (fd >= 0)
		close(fd);
	for (ssize_t i = 0; i < n; i += (ssize_t)strnlen(buf + i, (size_t)(n - i)) + 1)
		if (!strncmp(buf + i, mark, strlen(mark)))
			return true;
	return false;
}

bool rig_marked(const char *mark)
{
	DIR *d = opendir("/proc");
	bool found = false;
	for (struct dirent *e; d && !found && (e = readdir(d));)
		found = e->d_name[0] >= '0' && e->d_name[0] <= '9' && environ_has(e->d_name, mark);
	if (d)
		closedir(d);
	return found;
}

int rig_count_files(const char *dir)
{
	DIR *d = opendir(dir);
	if (!d)
		return -1;
	int n = 0;
	for (struct dirent *e; (e = readdir(d));)
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return n;
}

int rig_count_nodes(struct rig *r)
{
	json_t *seen = rig_do(r, PROVIDER_QUERY, json_object());
	int n = (int)json_array_size(json_arr(seen, "nodes"));
	json_decref(seen);
	return n;
}

void rig_refusals(const struct rig_refusal *list, size_t n, rig_answer_fn *answer, const char *operation, rig_operation_fn *of_operation)
{
	for (size_t i = 0; i < n; i++) {
		json_t *j = rig_json("%s", list[i].json);
		struct err err = {0};
		if (json_object_get(j, operation))
			of_operation(j, "trying", list[i].creates, &err);
		else
			assert_int_equal(answer(j, "trying", list[i].creates, &err), -1);
		if (err.code != list[i].code || err.scope != list[i].scope)
			fail_msg("%s: %s with scope %d: %s", list[i].json, err_info(err.code)->name, err.scope, err.text);
		assert_true(str_starts(err.text, "trying: "));
		json_decref(j);
	}
}
