/* CSV as RFC 4180 has it, and as programs write it: \n or \r\n, fields in quotes with "" inside, a last line without end.
 * Works in place on a buffer that it owns for the time: fields are pieces of it, NUL-terminated. */
#ifndef CORE_STORE_CSV_H
#define CORE_STORE_CSV_H
#include <stddef.h>

enum { CSV_MAX_FIELDS = 64, CSV_MAX_FIELD = 64 * 1024 };

struct csv {
	char *at, *end;
	int next_line;	/* number of the line that is read next, from 1 */
	int line;	/* where the record in fields starts */
	char *fields[CSV_MAX_FIELDS];
	size_t n;
	char *ends[CSV_MAX_FIELDS]; /* where each field's text ends, before it is cut there */
	const char *problem; /* of a bad record: what is wrong, static text */
};

enum csv_result { CSV_END, CSV_ROW, CSV_BAD };

/* text[len] must be writable (a NUL goes there) and outlive the use of the fields. A UTF-8 byte order mark is skipped. */
void csv_start(struct csv *c, char *text, size_t len);
/* The next record that is not an empty line. CSV_BAD: this one is broken (problem says how), the next can be read: broken
 * are a stray quote, a quote without end, too many or too long fields, a NUL byte. */
enum csv_result csv_next(struct csv *c);

#endif
