/* What both sides of the socket must agree on. */
#include <stdlib.h>

#include "config.h"
#include "core/api/protocol.h"
#include "core/base/fs.h"

const char *api_build(void)
{
	return PACKAGE_VERSION;
}

char *api_socket_path(void)
{
	return home_path(HOME_RUNTIME, "engine.sock");
}
