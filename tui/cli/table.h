/* Tables of text: columns that line up by display width, or CSV. Pure: knows nothing of terminals. */
#ifndef TUI_CLI_TABLE_H
#define TUI_CLI_TABLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tui/cli/cli.h"

struct table;

enum { TABLE_RIGHT = 1, TABLE_SHRINK = 2 /* gives way first when the terminal is too narrow */ };

struct table_style {
	int width; /* columns; 0: never cut */
	bool color, utf8;
};

struct table *table_create(void);
void table_destroy(struct table *t); /* NULL is fine */
/* Declare the next column. All columns come before the first cell. flags: TABLE_… */
void table_column(struct table *t, const char *title, unsigned flags);
/* The next cell; after the last column the next row begins. NULL is an empty cell. Text is copied and cleaned. */
void table_cell(struct table *t, const char *text);
void table_cellf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As table_cell, in a tone. */
void table_cell_tone(struct table *t, enum cli_tone tone, const char *text);
size_t table_rows(const struct table *t); /* whole rows so far */
/* Titles and rows, two spaces between columns, no blanks at the end of a line. Without rows only the titles. */
void table_print(const struct table *t, FILE *out, const struct table_style *style);
/* RFC 4180, with \n: titles in lower case with _ for blanks, then rows. */
void table_print_csv(const struct table *t, FILE *out);

#endif
