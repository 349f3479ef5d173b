/* The world as the engine tells it: the screen's source over the engine's socket. */
#ifndef TUI_ENGINE_SOURCE_H
#define TUI_ENGINE_SOURCE_H
#include "core/io/loop.h"
#include "tui/source.h"

/* Connects when started; starts the engine when there is none and something is asked of it (`self` is this program). When the engine goes
 * away it is looked for again, every second. Destroyed by ui_source_destroy. */
struct ui_source *engine_source_create(struct loop *l, const char *self);

#endif
