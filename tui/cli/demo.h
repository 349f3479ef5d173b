/* The made-up world of `skytop demo`: what it sells and what happens in it. demo.c looks after its life. */
#ifndef TUI_CLI_DEMO_H
#define TUI_CLI_DEMO_H
#include <stdint.h>

#include "core/base/err.h"
#include "core/provider.h"

enum { DEMO_SPEED = 60 };

struct demo {
	char *self;			 /* this program */
	const struct provider *cloud;	 /* the simulated one */
	char *home;			 /* SKYTOP_HOME of the demo, which goes with it */
	int64_t speed;			 /* of the cloud's time; DEMO_SPEED is what the script was made for */
};

/* Write its settings and its catalog, with a past of prices. Blocks on the disk, some tens of milliseconds. */
int demo_settle(const struct demo *d, struct err *err);
/* What its engine is to remember of the weeks before (demo_past.c). Not while one runs. */
int demo_past(const struct demo *d, int64_t now_ms, struct err *err);
/* Start its engine, so that the screen finds one. */
int demo_engine(const struct demo *d, struct err *err);
/* What the simulated cloud asks now, into the catalog. */
int demo_move_prices(const struct demo *d, int64_t now_ms, struct err *err);

struct demo_script {
	int64_t began_ms, looked_ms, priced_ms, lost_ms;
	unsigned next;	     /* step */
	bool was_up, nightly_up;
};
/* Do what is due of the script at this time of the demo, which runs with its speed. */
void demo_play(const struct demo *d, struct demo_script *s, int64_t now_ms);
/* End the engine, the machines and the folder, whatever state they are in. */
void demo_clear(const struct demo *d);

#endif
