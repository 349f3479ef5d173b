/* The logs that the screen follows: the engine says where one is, and its bytes are read from that file, a piece a turn of the loop, so that
 * keys are answered between pieces. */
#ifndef TUI_ENGINE_LOGS_H
#define TUI_ENGINE_LOGS_H
#include <jansson.h>

#include "core/io/loop.h"
#include "core/io/rpc.h"
#include "tui/source.h"

struct open_log;

struct engine_logs {
	struct loop *loop;
	const struct ui_sink *sink;
	struct rpc *rpc; /* NULL: there is no engine at the moment */
	struct open_log *first;
};

/* There is an engine (NULL: none any more): logs that it was not asked for yet are. */
void engine_logs_connected(struct engine_logs *ls, struct rpc *rpc);
void engine_logs_news(struct engine_logs *ls, const json_t *params);
/* As ui_source_ops. */
void engine_logs_open(struct engine_logs *ls, unsigned id, const struct ui_log_spec *spec);
void engine_logs_close(struct engine_logs *ls, unsigned id);
void engine_logs_older(struct engine_logs *ls, unsigned id);
void engine_logs_finish(struct engine_logs *ls);

#endif
