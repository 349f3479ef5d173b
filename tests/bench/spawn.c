/* spawn RUNS COMMAND [ARGS...]: runs a command so many times, output to /dev/null, and prints "median<TAB>p95" of its wall
 * time in milliseconds. A command that fails ends it with 1. vfork, so that our own size does not count. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/num.h"

extern char **environ;

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int64_t runs;
	posix_spawn_file_actions_t quiet;
	if (argc < 3 || !num_int(argv[1], 1, 100000, &runs)) {
		fputs("usage: spawn RUNS COMMAND [ARGS...]\n", stderr);
		return 2;
	}
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	int64_t *took_us = xcalloc((size_t)runs, sizeof *took_us);
	for (int64_t i = 0; i < runs; i++) {
		pid_t pid;
		int status;
		int64_t start = mono_now_us();
		if (posix_spawnp(&pid, argv[2], &quiet, NULL, argv + 2, environ) || waitpid(pid, &status, 0) != pid || status) {
			fprintf(stderr, "spawn: %s failed\n", argv[2]);
			return 1;
		}
		took_us[i] = mono_now_us() - start;
	}
	qsort(took_us, (size_t)runs, sizeof *took_us, by_size);
	printf("%.2f\t%.2f\n", (double)took_us[runs / 2] / 1000, (double)took_us[runs * 95 / 100] / 1000);
	free(took_us);
	posix_spawn_file_actions_destroy(&quiet);
	return 0;
}
