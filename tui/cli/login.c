/* See login.h. For nodes over SSH this process becomes `ssh -F CONFIG HOST`, with the entry that the engine keeps for the node; for folders
 * of this machine it becomes the same script that a login over SSH would run there. Words are handed on as words: what joins them is ssh. */
#include "tui/cli/login.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"

enum { COMMAND_MAX = 128 << 10 };

static bool is_node(const json_t *node, const char *cluster, const char *name)
{
	char rank[32], full[200];
	int64_t r = json_int(node, "rank", -1);
	snprintf(rank, sizeof rank, "%" PRId64, r);
	snprintf(full, sizeof full, "%s-%" PRId64, cluster, r);
	return !strcmp(name, rank) || !strcmp(name, full) || (!r && (!strcmp(name, "head") || !strcmp(name, cluster))) ||
	       str_eq(json_str(node, "id", NULL), name);
}

static const json_t *find_node(const json_t *answer, const struct login *l, struct err *err)
{
	const json_t *nodes = json_arr(answer, "nodes");
	const char *status = json_str(answer, "status", "?");
	size_t i, n = json_array_size(nodes);
	json_t *j;
	if (strcmp(status, "UP") != 0 && (strcmp(status, "INIT") != 0 || !n)) {
		err_set(err, ERR_CONFLICT, "cluster '%s' is %s, not UP: skytop start %s", l->cluster, status, l->cluster);
		return NULL;
	}
	json_array_foreach(nodes, i, j)
		if (l->node ? is_node(j, l->cluster, l->node) : json_int(j, "rank", -1) == 0)
			return j;
	struct str name = str_new(200);
	text_clean(&name, l->node ? l->node : "0", l->node ? strlen(l->node) : 1);
	if (n > 1)
		err_set(err, ERR_NOT_FOUND, "cluster '%s' has no node '%s': they are 0 (the head) to %zu. A command comes after --", l->cluster, str_text(&name), n - 1);
	else
		err_set(err, ERR_NOT_FOUND, "cluster '%s' has no node '%s', only 0, its head. A command comes after --", l->cluster, str_text(&name));
	str_free(&name);
	return NULL;
}

static size_t count(const char *const *words)
{
	size_t n = 0;
	while (words && words[n])
		n++;
	return n;
}

/* The program and its words, all owned. */
static char **ssh_argv(const struct login *l, const json_t *ssh)
{
	size_t n = 0, n_forwards = count(l->forwards), n_words = count(l->command);
	char **argv = xcalloc(n_forwards * 2 + n_words + 7, sizeof *argv);
	argv[n++] = xstrdup("ssh");
	argv[n++] = xstrdup("-F");
	argv[n++] = xstrdup(json_str(ssh, "config", ""));
	if (l->terminal)
		argv[n++] = xstrdup("-t");
	for (size_t i = 0; i < n_forwards; i++) {
		argv[n++] = xstrdup("-L");
		argv[n++] = xstrdup(l->forwards[i]);
	}
	argv[n++] = xstrdup(json_str(ssh, "host", ""));
	for (size_t i = 0; i < n_words; i++)
		argv[n++] = xstrdup(l->command[i]);
	return argv;
}

static char **local_argv(const char *enter)
{
	char **argv = xcalloc(3, sizeof *argv);
	argv[0] = xstrdup("sh");
	argv[1] = xstrdup(enter);
	return argv;
}

/* A login sees nothing of the program that made it: neither our variables, nor those of a task that it may run in. */
static int set_local_env(const struct login *l, struct err *err)
{
	struct str drop = str_new(64 << 10), words = str_new(COMMAND_MAX);
	for (char **e = environ; *e; e++)
		if (str_starts(*e, "SKYTOP_") || str_starts(*e, "SKYPILOT_") || str_starts(*e, "CUDA_VISIBLE_DEVICES=")) {
			str_addn(&drop, *e, strcspn(*e, "="));
			str_addc(&drop, '\n');
		}
	for (const char *p = str_text(&drop); *p; p++) {
		size_t n = strcspn(p, "\n");
		char *name = xstrndup(p, n);
		unsetenv(name);
		free(name);
		p += n;
	}
	for (size_t i = 0; i < count(l->command); i++)
		str_addf(&words, "%s%s", i ? " " : "", l->command[i]);
	unsetenv("SSH_ORIGINAL_COMMAND");
	if (words.len && !words.full)
		setenv("SSH_ORIGINAL_COMMAND", str_text(&words), 1);
	int rc = words.full ? err_set(err, ERR_INVALID, "the command is longer than %d bytes", COMMAND_MAX) : 0;
	str_free(&words);
	str_free(&drop);
	return rc;
}

static int check_there(const struct login *l, const json_t *ssh, const char *enter, struct err *err)
{
	if (ssh && !fs_exists(json_str(ssh, "key", "")))
		return err_set(err, ERR_NOT_FOUND, "the keys of cluster '%s' are not here: skytop start %s makes new ones", l->cluster, l->cluster);
	if (ssh && !fs_exists(json_str(ssh, "config", "")))
		return err_set(err, ERR_NOT_FOUND, "%s is not there: skytop events says why it could not be written", json_str(ssh, "config", ""));
	if (enter && !fs_exists(enter))
		return err_set(err, ERR_NOT_FOUND, "%s is not there: skytop start %s puts it there again", enter, l->cluster);
	if (!ssh && !enter)
		return err_set(err, ERR_UNSUPPORTED, "the nodes of cluster '%s' cannot be logged in to", l->cluster);
	return 0;
}

static int print_words(struct cli *c, char **argv)
{
	json_t *a = json_array();
	for (size_t i = 0; argv[i]; i++)
		json_array_append_new(a, json_foreign(argv[i]));
	return cli_print_json(c, json_pack("{s:o}", "argv", a));
}

/* Only returns when it failed. */
static void become(char **argv, struct err *err)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	fflush(NULL);
	execvp(argv[0], argv);
	if (errno == ENOENT)
		err_set(err, ERR_UNSUPPORTED, "there is no %s here: install openssh-client", argv[0]);
	else
		err_errno(err, "cannot run %s", argv[0]);
}

int login_exec(struct cli *c, struct client *cl, const struct login *l)
{
	struct err err = {.code = ERR_NONE};
	int status;
	json_t *answer = session_call(c, cl, "nodes", json_pack("{s:s}", "cluster", l->cluster), &status);
	client_close(cl);
	if (!answer)
		return status;
	const json_t *node = find_node(answer, l, &err), *ssh = json_obj(node, "ssh");
	const char *enter = json_str(node, "enter", NULL);
	char **argv = NULL;
	status = 0;
	if (node && !check_there(l, ssh, enter, &err)) {
		argv = ssh ? ssh_argv(l, ssh) : local_argv(enter);
		if (cli_json(c))
			status = print_words(c, argv);
		else if (ssh || !set_local_env(l, &err))
			become(argv, &err);
	}
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
	json_decref(answer);
	return err.code ? cli_fail(c, &err) : status;
}
