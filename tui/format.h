/* Figures as the screen writes them. All fill buf and return it. */
#ifndef TUI_FORMAT_H
#define TUI_FORMAT_H
#include <stddef.h>
#include <stdint.h>

/* "23.92"; "?" when unknown. Estimates get "~" in front. */
const char *format_price(int64_t uusd, int estimated, char *buf, size_t size);
/* The same, but what is not there is NUM_UNKNOWN. */
const char *format_optional(int64_t uusd, int estimated, char *buf, size_t size);
/* "$23.92", "~$23.92": as within a sentence; "$?" when unknown. */
const char *format_dollars(int64_t uusd, int estimated, char *buf, size_t size);
/* "3d", "5h", "12m", "now": how long ago; "" for 0. */
const char *format_age(int64_t at_ms, int64_t now_ms, char *buf, size_t size);
/* "19:21:01" of the last day, in UTC, else as format_age: where many things happen within a minute, and nothing is to change by itself. */
const char *format_clock(int64_t at_ms, int64_t now_ms, char *buf, size_t size);

#endif
