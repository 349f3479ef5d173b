/* What tests of whole screens begin with: a home with prices, the program over a made-up world in it, words that must come or go, and what
 * was ordered meanwhile. */
#ifndef TESTS_TUI_STAGE_H
#define TESTS_TUI_STAGE_H
#include "tests/tui/screen.h"

enum { STAGE_FILE_MAX = 4 << 20 };

/* For cmocka_run_group_tests. */
int stage_set_up(void **state);
int stage_tear_down(void **state);
const char *stage_home(void);	 /* SKYTOP_HOME */
const char *stage_program(void); /* skytop_screen.c */

/* The program with up to four words. */
struct screen *stage_start(int w, int h, const char *a, const char *b, const char *c, const char *d);
/* … with any, and more about the terminal; the home is the stage's. args ends with NULL. */
struct screen *stage_start_with(struct screen_options o, const char *const *args);

/* Wait for it; the test fails with what is on the screen when it does not come, or go. */
void must_have(struct screen *s, const char *text);
void must_lack(struct screen *s, const char *text);
/* Keys, and what is then there. */
void press(struct screen *s, const char *keys, const char *text);
/* A click on the first of this text on the screen, which is waited for. */
void click_on(struct screen *s, const char *what);

/* A file for --orders, not there yet; caller frees. */
char *orders_path(void);
/* It says this, and no more. */
void expect_orders(const char *path, const char *want);

#endif
