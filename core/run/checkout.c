/* One folder a URL and ref below the cache: `git init` once, then fetch that one ref with depth 1, reset to it, clean. Where a server
 * does not hand out the commit by its name, everything is fetched. A user or password in the URL is taken out of it and handed over by
 * GIT_ASKPASS, as a token is, so that neither argv nor .git/config (which travels to the nodes) ever holds one. */
#include "core/run/checkout.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"

enum { GIT_TIMEOUT_MS = 30 * 60000, SAID_MAX = 16 << 10, ARGS_MAX = 20 };

struct repo {
	char *url;  /* without user and password */
	char *user, *password;
	char *dir, *askpass;
	const char *ref;
	struct str said; /* what the last git wrote to stderr */
};

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			return true;
	return false;
}

int checkout_check(const char *url, const char *ref, struct err *err)
{
	if (!url[0] || url[0] == '-' || has_control(url) || strstr(url, "::") || strlen(url) > 2000)
		return err_set(err, ERR_INVALID, "workdir: the url is not one of a git repository");
	if (ref && (!ref[0] || ref[0] == '-' || has_control(ref) || strchr(ref, ' ') || strchr(ref, ':') || strstr(ref, "..") || strlen(ref) > 500))
		return err_set(err, ERR_INVALID, "workdir: '%.100s' cannot be a branch, tag or commit", ref);
	return 0;
}

/* ---- running git ------------------------------------------------------------------------------------------------- */

/* In the child, which shares our process group: whoever ends us ends git. */
static void become_git(const struct repo *r, const char *const *argv, int out)
{
	int null = open("/dev/null", O_RDONLY);
	signal(SIGPIPE, SIG_DFL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	setenv("GIT_TERMINAL_PROMPT", "0", 1);
	setenv("GIT_ASKPASS", r->askpass, 1);
	setenv("SSH_ASKPASS", "false", 1);
	setenv("LC_ALL", "C", 1);
	unsetenv("GIT_DIR");
	unsetenv("GIT_WORK_TREE");
	unsetenv("GIT_INDEX_FILE");
	if (r->user)
		setenv("SKYTOP_GIT_USER", r->user, 1);
	if (r->password)
		setenv("SKYTOP_GIT_PASSWORD", r->password, 1);
	execvp("git", (char *const *)(uintptr_t)argv);
	static const char text[] = "git is not installed on this machine\n";
	ssize_t ignored = write(2, text, sizeof text - 1);
	(void)ignored;
	_exit(127);
}

/* All it writes until it ends; false when it took too long. */
static bool listen_to(int fd, struct str *said)
{
	int64_t end = mono_now_ms() + GIT_TIMEOUT_MS;
	char buf[4096];
	for (;;) {
		int64_t left = end - mono_now_ms();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		ssize_t got = read(fd, buf, sizeof buf);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return true;
		if (said->len + (size_t)got > SAID_MAX) /* its last words are the ones that tell */
			str_shift(said, said->len / 2);
		str_addn(said, buf, (size_t)got);
	}
}

static int git(struct repo *r, const char *const *args, struct err *err)
{
	const char *argv[ARGS_MAX] = {"git", "-C", r->dir, "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"};
	size_t n = 7;
	int fds[2], status = 0;
	for (; *args && n < ARGS_MAX - 1; args++)
		argv[n++] = *args;
	if (pipe2(fds, O_CLOEXEC))
		return err_errno(err, "git");
	pid_t pid = fork();
	if (!pid)
		become_git(r, argv, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return err_errno(err, "git");
	}
	str_clear(&r->said);
	bool in_time = listen_to(fds[0], &r->said);
	close(fds[0]);
	if (!in_time)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!in_time)
		return err_set(err, ERR_TIMEOUT, "git %s: no end after %d minutes", argv[7], GIT_TIMEOUT_MS / 60000);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	struct str clean = str_new(600);
	size_t from = r->said.len > 400 ? r->said.len - 400 : 0;
	text_clean(&clean, str_text(&r->said) + from, r->said.len - from);
	err_set(err, ERR_FAILED, "git %s: %s", argv[7], clean.len ? str_text(&clean) : "it failed without a word");
	str_free(&clean);
	return -1;
}

#define GIT(r, err, ...) git((r), (const char *const[]){__VA_ARGS__, NULL}, (err))

/* ---- where, and with which secrets ------------------------------------------------------------------------------- */

static uint64_t hash(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
	return (h ^ '\n') * UINT64_C(1099511628211);
}

/* "https://user:password@host/x" → the URL without them. Not for "git@host:x", where the user is no secret. */
static void take_secrets(struct repo *r, const char *url, const char *token)
{
	const char *scheme = strstr(url, "://"), *host = scheme ? scheme + 3 : NULL, *end = host ? host + strcspn(host, "/") : NULL, *at = NULL;
	for (const char *p = host; p && p < end; p++)
		if (*p == '@')
			at = p;
	if (!at || !str_starts(url, "http")) {
		r->url = xstrdup(url);
	} else {
		const char *colon = memchr(host, ':', (size_t)(at - host));
		r->url = xasprintf("%.*s%s", (int)(host - url), url, at + 1);
		r->user = xstrndup(host, (size_t)((colon ? colon : at) - host));
		if (colon)
			r->password = xstrndup(colon + 1, (size_t)(at - colon - 1));
	}
	if (token && token[0] && !r->password) {
		r->password = xstrdup(token);
		if (!r->user)
			r->user = xstrdup("x-access-token");
	}
}

static int prepare(struct repo *r, const json_t *j, struct err *err)
{
	static const char script[] = "#!/bin/sh\n"
				     "case ${1-} in\n"
				     "[Uu]sername*) printf '%s\\n' \"${SKYTOP_GIT_USER-}\" ;;\n"
				     "*) printf '%s\\n' \"${SKYTOP_GIT_PASSWORD-}\" ;;\n"
				     "esac\n";
	const char *cache = json_str(j, "cache", ""), *key = json_str(j, "ssh_key", NULL);
	char name[40];
	take_secrets(r, json_str(j, "url", ""), json_str(j, "token", NULL));
	r->ref = json_str(j, "ref", NULL);
	snprintf(name, sizeof name, "%016llx", (unsigned long long)hash(hash(UINT64_C(1469598103934665603), r->url), r->ref ? r->ref : ""));
	r->dir = path_join(cache, name);
	r->askpass = path_join(cache, "askpass");
	if (fs_mkdirs(r->dir, err) || fs_write(r->askpass, script, sizeof script - 1, 0700, err))
		return -1;
	if (key && key[0]) {
		struct str s = str_new(8192);
		char *path = path_expand(key);
		str_add(&s, "ssh -i ");
		shell_quote(&s, path);
		str_add(&s, " -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=accept-new");
		setenv("GIT_SSH_COMMAND", str_text(&s), 1);
		str_free(&s);
		free(path);
	} else if (!getenv("GIT_SSH_COMMAND") && !getenv("GIT_SSH")) {
		setenv("GIT_SSH_COMMAND", "ssh -o BatchMode=yes", 1);
	}
	return 0;
}

static int lock(const struct repo *r, struct err *err)
{
	char *path = xasprintf("%s.lock", r->dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int rc = fd < 0 || flock(fd, LOCK_EX) ? err_errno(err, "%s", path) : 0;
	free(path); /* fd stays open: the lock is ours until we end */
	return rc;
}

/* ---- fetching ---------------------------------------------------------------------------------------------------- */

/* A commit that the server does not give by its name, or an abbreviated one: with everything else it comes. */
static int fetch_all(struct repo *r, struct err *err)
{
	struct err why;
	const char *depth = "--depth=2147483647";
	if (GIT(r, &why, "rev-parse", "--verify", "-q", "HEAD"))
		depth = "--force";
	if (GIT(r, err, "fetch", "-q", "--force", "--tags", depth, "origin", "+refs/heads/*:refs/remotes/origin/*"))
		return -1;
	char *commit = xasprintf("%s^{commit}", r->ref);
	int rc = GIT(r, &why, "rev-parse", "--verify", "-q", commit);
	if (rc)
		err_set(err, ERR_NOT_FOUND, "%s has no branch, tag or commit '%s'", r->url, r->ref);
	else
		rc = GIT(r, err, "checkout", "-q", "--force", "--detach", r->ref);
	free(commit);
	return rc;
}

static int fetch(struct repo *r, struct err *err)
{
	struct err why;
	if (GIT(r, err, "init", "-q") || (GIT(r, &why, "remote", "set-url", "origin", r->url) && GIT(r, err, "remote", "add", "origin", r->url)))
		return -1;
	if (!GIT(r, &why, "fetch", "-q", "--force", "--depth=1", "origin", r->ref ? r->ref : "HEAD"))
		return GIT(r, err, "checkout", "-q", "--force", "--detach", "FETCH_HEAD");
	bool not_by_name = r->ref && (strstr(str_text(&r->said), "not our ref") || strstr(str_text(&r->said), "unadvertised object") ||
					 strstr(str_text(&r->said), "couldn't find remote ref"));
	if (not_by_name)
		return fetch_all(r, err);
	*err = why;
	return -1;
}

static bool is_corrupt(const struct repo *r)
{
	static const char *const words[] = {"index.lock", "shallow.lock", "corrupt", "bad object", "unable to read", "not a git repository", "loose object"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strstr(str_text(&r->said), words[i]))
			return true;
	return false;
}

char *checkout(const json_t *j, struct err *err)
{
	struct repo r = {.said = str_new(2 * SAID_MAX)};
	int rc = checkout_check(json_str(j, "url", ""), json_str(j, "ref", NULL), err) || prepare(&r, j, err) || lock(&r, err) ? -1 : fetch(&r, err);
	if (rc && r.dir && is_corrupt(&r)) /* an earlier git was cut off: begin anew */
		rc = fs_remove_tree(r.dir, err) || fs_mkdirs(r.dir, err) ? -1 : fetch(&r, err);
	rc = rc || GIT(&r, err, "clean", "-q", "-ffdx") ? -1 : 0;
	char *dir = rc ? NULL : r.dir;
	if (rc) {
		free(r.dir);
		err_wrap(err, "workdir");
	}
	if (r.password)
		memset(r.password, 0, strlen(r.password));
	free(r.password);
	free(r.user);
	free(r.url);
	free(r.askpass);
	str_free(&r.said);
	return dir;
}
