/* spawn [--until TEXT] RUNS COMMAND [ARGS...]: runs a command so many times and prints "median<TAB>p95" of its wall time in
 * milliseconds, from exec to exit, or with --until to the moment its output has TEXT. A command that fails, or never prints
 * TEXT, ends it with 1. posix_spawn, so that our own size does not count. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"

extern char **environ;

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Read fd to its end; the time when `text` had come, or -1. */
static int64_t watch(int fd, const char *text)
{
	struct str out = str_new(1 << 20);
	char part[4096];
	int64_t at = -1;
	for (ssize_t n; (n = read(fd, part, sizeof part)) > 0;) {
		str_addn(&out, part, (size_t)n);
		if (at < 0 && strstr(str_text(&out), text))
			at = mono_now_us();
	}
	str_free(&out);
	return at;
}

/* One run; how long it took, or -1. */
static int64_t run(char **argv, const char *until)
{
	posix_spawn_file_actions_t files;
	int fds[2] = {-1, -1}, status;
	pid_t pid;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	if (until) {
		if (pipe(fds))
			return -1;
		posix_spawn_file_actions_adddup2(&files, fds[1], 1);
		posix_spawn_file_actions_addclose(&files, fds[0]);
		posix_spawn_file_actions_addclose(&files, fds[1]);
	}
	int64_t start = mono_now_us(), end = -1;
	int failed = posix_spawnp(&pid, argv[0], &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (until)
		close(fds[1]);
	if (!failed && until)
		end = watch(fds[0], until);
	if (until)
		close(fds[0]);
	if (failed || waitpid(pid, &status, 0) != pid || status)
		return -1;
	if (!until)
		end = mono_now_us();
	return end < 0 ? -1 : end - start;
}

int main(int argc, char **argv)
{
	const char *until = NULL;
	int64_t runs;
	if (argc > 3 && !strcmp(argv[1], "--until")) {
		until = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc < 3 || !num_int(argv[1], 1, 100000, &runs)) {
		fputs("usage: spawn [--until TEXT] RUNS COMMAND [ARGS...]\n", stderr);
		return 2;
	}
	int64_t *took_us = xcalloc((size_t)runs, sizeof *took_us);
	for (int64_t i = 0; i < runs; i++) {
		took_us[i] = run(argv + 2, until);
		if (took_us[i] < 0) {
			fprintf(stderr, "spawn: %s failed\n", argv[2]);
			free(took_us);
			return 1;
		}
	}
	qsort(took_us, (size_t)runs, sizeof *took_us, by_size);
	printf("%.2f\t%.2f\n", (double)took_us[runs / 2] / 1000, (double)took_us[runs * 95 / 100] / 1000);
	free(took_us);
	return 0;
}
