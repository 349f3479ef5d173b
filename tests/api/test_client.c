/* Calls and what comes beside their replies, over a socket with an engine of this test at its other end. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/api/client.h"
#include "core/api/protocol.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(1);
}

/* Answers each line that comes: to all calls but the first with one notification before the reply and two behind it, all in one piece. */
static void engine(int listener)
{
	char line[1000], out[1000];
	size_t n = 0;
	int fd = accept(listener, NULL, NULL), calls = 0;
	while (fd >= 0 && n < sizeof line && read(fd, line + n, 1) == 1) {
		if (line[n++] != '\n')
			continue;
		json_t *j = json_loadb(line, n, 0, NULL);
		int id = (int)json_int(j, "id", 0);
		n = 0;
		json_decref(j);
		if (calls++)
			snprintf(out, sizeof out,
			    "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"n\":0}}\n{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"n\":1}}\n"
			    "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"n\":2}}\n{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"n\":3}}\n", id);
		else
			snprintf(out, sizeof out, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{}}\n", id);
		say(fd, out);
	}
	_exit(0);
}

static pid_t serve(void)
{
	char *path = api_socket_path();
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(strlen(path) < sizeof sa.sun_path);
	strcpy(sa.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(fd, 4), 0);
	pid_t pid = fork();
	if (!pid)
		engine(fd);
	close(fd);
	free(path);
	return pid;
}

/* What was told, one digit each, in order. */
static char told[20];

static void on_notice(void *arg, const char *method, const json_t *params)
{
	(void)arg;
	assert_string_equal(method, "log");
	size_t len = strlen(told);
	snprintf(told + len, sizeof told - len, "%d", (int)json_int(params, "n", 9));
}

static void call(struct client *c)
{
	struct err err;
	json_t *r = client_call(c, "log", json_object(), 5000, &err);
	assert_non_null(r);
	assert_int_equal(json_int(r, "n", 0), 1);
	json_decref(r);
}

static void test_heels(void **state)
{
	(void)state;
	struct err err;
	pid_t pid = serve();
	struct client *c = client_open("/nonexistent", false, &err);
	assert_non_null(c);
	client_listen(c, on_notice, NULL);
	call(c);
	assert_string_equal(told, "0"); /* what is newer than the reply waits until that has been read */
	assert_int_equal(client_turn(c, 5000, &err), 0);
	assert_string_equal(told, "023");
	call(c);
	assert_string_equal(told, "0230");
	call(c); /* without a turn between them */
	assert_string_equal(told, "0230230");
	client_listen(c, on_notice, NULL); /* another one: what was for the one before is not for it */
	assert_int_equal(client_turn(c, 0, &err), 0);
	assert_string_equal(told, "0230230");
	client_close(c);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
	char home[] = "/tmp/skytop-client.XXXXXX";
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_heels)};
	if (!mkdtemp(home))
		return 1;
	setenv("SKYTOP_HOME", home, 1);
	char *dir = home_path(HOME_RUNTIME, "");
	struct err err;
	int rc = fs_mkdirs(dir, &err) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
	fs_remove_tree(home, NULL);
	free(dir);
	return rc;
}
