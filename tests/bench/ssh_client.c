/* What core/io/ssh does alone, for bench_ssh.sh, which times peers beside it. With $SSH_PORT, $SSH_KEY and $SSH_KNOWN:
 *   ssh_client out COMMAND          run it and drop what it prints; prints seconds from the first byte asked for to its end
 *   ssh_client in FILE COMMAND      run it with FILE as its stdin; prints seconds
 *   ssh_client many N               N connections at once; prints seconds until all have answered a command, the most memory
 *                                   in KiB, and our CPU time in milliseconds, with tabs between
 * Ends with 1 when anything went wrong. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/io/ssh.h"

struct client {
	struct loop *loop;
	struct ssh_target target;
	int left, failed;
	const char *command;
	size_t bytes;
};

static void on_lost(void *arg, const struct err *err)
{
	struct client *c = arg;
	fprintf(stderr, "%s\n", err->text);
	c->failed++;
	loop_stop(c->loop);
}

static void on_out(void *arg, bool is_err, const char *data, size_t len)
{
	(void)is_err;
	(void)data;
	((struct client *)arg)->bytes += len;
}

static void on_exit_status(void *arg, const struct ssh_exit *x)
{
	struct client *c = arg;
	if (x->how != SSH_EXITED || x->status)
		c->failed++;
	if (!--c->left)
		loop_stop(c->loop);
}

static double seconds(int64_t from_us)
{
	return (double)(mono_now_us() - from_us) / 1e6;
}

static void connect_all(struct client *c, struct ssh **s, int n)
{
	char pin[40];
	for (int i = 0; i < n; i++) {
		snprintf(pin, sizeof pin, "node-%d", i); /* as many hosts, as far as their keys are concerned */
		c->target.pin = pin;
		s[i] = ssh_open(c->loop, &c->target, NULL, &(struct ssh_handlers){NULL, on_lost, c}, NULL);
		if (!s[i])
			exit(1);
	}
}

static struct ssh_channel *run(struct client *c, struct ssh *s, const char *command)
{
	c->left++;
	struct ssh_channel *ch = ssh_exec(s, command, &(struct ssh_channel_handlers){on_out, NULL, on_exit_status, c}, NULL);
	if (!ch)
		exit(1);
	return ch;
}

static void transfer(struct client *c, const char *file, const char *command)
{
	struct ssh *s;
	connect_all(c, &s, 1);
	run(c, s, "true"); /* the connection is there: its making is another figure */
	loop_run(c->loop);
	int64_t start = mono_now_us();
	struct ssh_channel *ch = run(c, s, command);
	if (file)
		ssh_channel_feed(ch, open(file, O_RDONLY | O_CLOEXEC));
	loop_run(c->loop);
	printf("%.3f\n", seconds(start));
	ssh_destroy(s);
}

static void many(struct client *c, int n)
{
	struct ssh **s = xcalloc((size_t)n, sizeof(struct ssh *));
	struct rusage u;
	int64_t start = mono_now_us();
	connect_all(c, s, n);
	for (int i = 0; i < n; i++)
		run(c, s[i], "true");
	loop_run(c->loop);
	double took = seconds(start);
	getrusage(RUSAGE_SELF, &u);
	printf("%.3f\t%ld\t%ld\n", took, u.ru_maxrss, (long)((u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000) +
	    (long)((u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000));
	for (int i = 0; i < n; i++)
		ssh_destroy(s[i]);
	free(s);
}

int main(int argc, char **argv)
{
	const char *port = getenv("SSH_PORT"), *known = getenv("SSH_KNOWN");
	struct client c = {.loop = loop_create()};
	if (argc < 3 || !port || !known || !getenv("SSH_KEY"))
		return 2;
	c.target = (struct ssh_target){.host = (char *)(uintptr_t)"127.0.0.1", .port = (int)strtol(port, NULL, 10), .no_agent = true,
	    .known_hosts_path = (char *)(uintptr_t)known, .connect_timeout_ms = 120000};
	c.target.identity_files[0] = getenv("SSH_KEY");
	if (!strcmp(argv[1], "out"))
		transfer(&c, NULL, argv[2]);
	else if (!strcmp(argv[1], "in") && argc > 3)
		transfer(&c, argv[2], argv[3]);
	else
		many(&c, (int)strtol(argv[2], NULL, 10));
	loop_destroy(c.loop);
	return c.failed != 0;
}
