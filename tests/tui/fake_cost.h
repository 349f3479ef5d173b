/* A report on money for the scripted source, as the engine would send it: real clusters in all states, one of which nobody knows the price. */
#ifndef TESTS_TUI_FAKE_COST_H
#define TESTS_TUI_FAKE_COST_H
#include "tui/cost.h"

struct ui_cost *fake_cost(int64_t now_ms, bool empty);

#endif
