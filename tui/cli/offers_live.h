/* Offers that are in no catalog, since they are what is free at this moment: machines of one's own, this machine. */
#ifndef TUI_CLI_OFFERS_LIVE_H
#define TUI_CLI_OFFERS_LIVE_H
#include "core/base/mem.h"
#include "core/model/offer.h"
#include "tui/cli/cli.h"

/* Where the filter's text asks for such a cloud by name: the catalog's offers and, after them, what the engine hears from it (it is started
 * when it does not run); all in the arena. What did not answer is noted. The catalog itself when nothing of that kind is asked for. NULL:
 * it was said why not, and *status is the exit status. Blocks for seconds at most. */
const struct offers *offers_live(struct cli *c, struct arena *a, const struct offers *catalog, const char *text, int *status);

#endif
