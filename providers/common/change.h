/* START and STOP of nodes of a cloud that is asked over HTTP (talk.h): look, ask for those that are to change, wait, look again. */
#ifndef PROVIDERS_COMMON_CHANGE_H
#define PROVIDERS_COMMON_CHANGE_H
#include <jansson.h>

#include "core/base/err.h"
#include "core/provider.h"
#include "providers/common/talk.h"

struct change {
	struct talk *talk;
	void *cloud;			/* what the functions are given */
	const char *const *from;	/* statuses of nodes that are asked for, NULL-terminated */
	json_t *(*look)(void *cloud, const char *round); /* the nodes of args; a new reference, or NULL: to be asked, or failed with talk->err */
	int (*one)(void *cloud, const char *id, struct err *err); /* 1 done, 0 to be asked, −1 with *err, −2 going on by itself; 1 for an id that is no id */
};
/* The call to its end. START: every node that args name must be there. */
enum provider_step change_nodes(const struct change *c);

#endif
