/* A file on the web as an object store of one object: no credentials, no lists. */
#ifndef CORE_RUN_WEB_SOURCE_H
#define CORE_RUN_WEB_SOURCE_H
#include "core/provider.h"

/* Answers OBJECTS for https:// and http:// alone; not one of the providers that a task can be launched on. */
extern const struct provider web_source;

#endif
