/* The prices that come with skytop (share/catalog, files named .prices), in a text format of its own: its README has it. */
#ifndef CORE_STORE_PRICES_FILE_H
#define CORE_STORE_PRICES_FILE_H
#include "core/base/err.h"
#include "core/model/egress.h"
#include "core/store/pricelist.h"

/* What some files came to: one list a cloud, and the egress prices. */
struct prices {
	struct pricelist *lists;
	size_t n_lists, cap_lists;
	struct egress_price *egress;
	size_t n_egress, cap_egress;
	struct arena *arena; /* strings of egress */
};

void prices_init(struct prices *p);
void prices_free(struct prices *p);
/* Add a file's content; text[len] is writable, the text is changed and must stay until prices_free. INVALID with "FILE:LINE: …". */
int prices_read(struct prices *p, const char *file, char *text, size_t len, struct err *err);

/* Make a snapshot database of price files. The same files give the same bytes. Blocks on the disk. */
int catalog_build_snapshot(const char *const *files, size_t n, const char *out, struct err *err);

#endif
