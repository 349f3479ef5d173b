/* The terminal given back when the program dies of a bug. */
#ifndef TUI_TERM_CRASH_H
#define TUI_TERM_CRASH_H
#include <termios.h>

/* From now on SEGV, BUS, FPE, ILL, ABRT and TRAP first write what restores the terminal to fd and set its modes, then take
 * their course. */
void crash_guard(int fd, const struct termios *modes);
/* The terminal is not ours any more. */
void crash_unguard(void);

#endif
