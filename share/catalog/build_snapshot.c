/* Build-time tool: makes the snapshot.db that is installed of the .prices files. usage: build_snapshot OUT FILE... */
#include <stdio.h>

#include "core/store/prices_file.h"

int main(int argc, char **argv)
{
	struct err err;
	if (argc < 3) {
		fprintf(stderr, "usage: %s OUT FILE...\n", argv[0]);
		return 2;
	}
	if (catalog_build_snapshot((const char *const *)argv + 2, (size_t)argc - 2, argv[1], &err) == 0)
		return 0;
	fprintf(stderr, "%s: %s\n", argv[0], err.text);
	remove(argv[1]);
	return 1;
}
