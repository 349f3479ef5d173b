/* main() of a fuzz target that is not linked to libFuzzer: runs it over the files and folders named, each file whole, cut at
 * up to 64 places, and with up to 64 bytes damaged, always the same way. Inputs are copied to memory of exactly their size, so
 * that a sanitizer sees a read past the end. Words that start with '-' are libFuzzer's options and are passed over. Prints how
 * many inputs were run; a target that finds something wrong aborts. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "tests/fuzz/must.h"

enum { MAX_BYTES = 16 << 20, VARIANTS = 64 };

static unsigned long n_inputs;

static void run(const char *bytes, size_t len)
{
	uint8_t *copy = xmalloc(len ? len : 1);
	memcpy(copy, bytes, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	n_inputs++;
}

/* A generator of our own, so that every machine damages the same bytes. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void run_file(const char *path)
{
	struct err err;
	size_t len;
	char *bytes = fs_read(path, MAX_BYTES, &len, &err);
	uint32_t seed = 12345;
	if (!bytes) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	run(bytes, len);
	size_t step = len / VARIANTS + 1;
	for (size_t cut = 0; cut < len; cut += step)
		run(bytes, cut);
	for (size_t i = 0; i < VARIANTS && i < len; i++) {
		size_t at = next_random(&seed) % len;
		char was = bytes[at];
		bytes[at] = (char)next_random(&seed);
		run(bytes, len);
		bytes[at] = was;
	}
	free(bytes);
}

static void run_path(const char *path)
{
	if (!fs_is_dir(path)) {
		run_file(path);
		return;
	}
	DIR *d = opendir(path);
	if (!d) {
		perror(path);
		exit(1);
	}
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		char *sub = path_join(path, e->d_name);
		run_path(sub);
		free(sub);
	}
	closedir(d);
}

int main(int argc, char **argv)
{
	run("", 0);
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			run_path(argv[i]);
	printf("%lu inputs\n", n_inputs);
	return 0;
}
