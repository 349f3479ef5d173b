/* Copying: into the terminal's clipboard, or into a file where that cannot be. */
#ifndef TUI_CLIP_H
#define TUI_CLIP_H
#include <stdbool.h>
#include <stddef.h>

struct term;

/* Terminals and tmux take no more than this in one piece, base64 included. */
enum { CLIP_MAX = 74994 };

/* Copy a text; `what` says what it is. t NULL: into the file at once. said receives what became of it, for people. False: nothing did. */
bool clip_copy(struct term *t, const char *what, const char *text, char *said, size_t size);

#endif
