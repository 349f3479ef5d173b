/* A home for screens: a small catalog of made-up prices with a week of history before FAKE_NOW_MS, and nothing else. */
#ifndef TESTS_TUI_FIXTURE_H
#define TESTS_TUI_FIXTURE_H

/* Make it below an existing folder, which becomes SKYTOP_HOME. Aborts with a message when it cannot. */
void fixture_home(const char *dir);

#endif
