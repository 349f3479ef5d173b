/* How many columns text takes on a terminal, whatever the process's locale is. */
#ifndef CORE_BASE_WIDTH_H
#define CORE_BASE_WIDTH_H
#include <stddef.h>

/* Columns of one character: 0 for combining marks and zero-width characters, 2 for East Asian wide and emoji, else 1.
 * Control characters count 0: they have no business in text that is measured (text_clean removes them). */
int char_width(unsigned cp);
/* Columns of well-formed text; a bad byte counts as one column. */
size_t text_width(const char *s, size_t len);
/* The length in bytes of the longest prefix that fits in `columns`; *used (may be NULL) gets the columns it takes. Marks
 * that combine with the last character stay with it. */
size_t text_fit(const char *s, size_t len, size_t columns, size_t *used);

#endif
