/* What reading and writing the config file share. */
#ifndef CORE_MODEL_CONFIG_PRIV_H
#define CORE_MODEL_CONFIG_PRIV_H
#include "core/model/config.h"
#include "core/model/yaml.h"

/* One setting as it holds. */
struct config_value {
	const char *shown; /* as it would be written */
	int64_t integer;
	bool flag;
	const char **clouds; /* NULL-terminated */
	size_t n_clouds;
	int line; /* 0: the default */
};

/* Read a node as the value of a key. NULL, or what it must be: "must be …" (the arena's). */
const char *config_read(struct arena *a, const struct config_key *k, const struct yaml_node *n, struct config_value *out);
/* The text after a key in the file: quoted where needed, a list in brackets. The arena's. */
const char *config_written(struct arena *a, const struct config_key *k, const char *value);
/* The node that a value of the command line would be in the file. */
struct yaml_node *config_node(struct arena *a, const struct config_key *k, const char *value);

#endif
