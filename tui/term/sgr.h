/* A frame in fewer bytes: what curses says about colours and attributes in several sequences is said in one. */
#ifndef TUI_TERM_SGR_H
#define TUI_TERM_SGR_H
#include <stddef.h>

#include "core/base/str.h"

/* Append a frame that means the same. Sequences are whole in it, and it draws no lines by another set of characters. */
void sgr_compact(const char *bytes, size_t n, struct str *out);

#endif
