/* Where in a file something stands. */
#ifndef CORE_MODEL_WHERE_H
#define CORE_MODEL_WHERE_H

/* 1-based; columns count characters, not bytes. line 0: the file as a whole. */
struct where {
	const char *file; /* borrowed; NULL: not from a file */
	int line, column;
};

#endif
