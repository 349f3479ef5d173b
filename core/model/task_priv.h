/* What the readers of task files share. Nobody else includes it. */
#ifndef CORE_MODEL_TASK_PRIV_H
#define CORE_MODEL_TASK_PRIV_H
#include "core/model/schema.h"
#include "core/model/task.h"

/* Owns everything a dag points to. */
struct dag_memory {
	struct arena *arena;
	json_t **owned;
	size_t n_owned, cap_owned;
};
struct dag *dag_create(void);
/* The dag keeps the reference; gives it back, borrowed. NULL passes through. */
json_t *dag_own(struct dag *d, json_t *j);
void dag_warn(struct dag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One file being read. */
struct reading {
	struct arena *tree; /* of the tree, for nodes that are added to it */
	struct dag *dag;
	struct schema_place place;
	const struct task_override *over;
	size_t filled;	/* bytes written by filling in variables */
	size_t compared; /* names looked at on the way */
	bool overflow; /* too many of them */
};
/* INVALID at a node. Returns -1. */
#define refuse_at(r, n, ...) yaml_err((r)->place.err, (r)->place.at, (r)->place.file, (n), __VA_ARGS__)
/* "WHAT must be …" where an amount.h reader found something wrong with a value; does not repeat hidden values. */
int refuse_value(struct reading *r, const struct yaml_node *n, const char *what, const char *wrong);
void warn_at(struct reading *r, const struct yaml_node *n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
char *keep(struct reading *r, const char *text); /* a copy that lives with the dag; NULL gives NULL */
/* A copy of the text of a field; NULL when it is null or absent. */
const char *keep_text(struct reading *r, const struct yaml_node *map, const char *key);

/* task_schema.c: which fields there are. */
extern const struct schema schema_task, schema_header, schema_resources, schema_alternative, schema_storage, schema_service,
    schema_pool, schema_config;
bool is_env_name(const char *text);
bool is_task_name(const char *text);  /* as a name that may be launched */
bool is_plain_name(const char *text); /* letters, digits, - and _ */
bool is_duration_minutes(const char *text);

/* accelerators.c */
struct accelerator_ask {
	const char *name;
	int64_t count_micro;
	bool by_memory; /* came from a memory size */
};
struct accelerator_asks {
	struct accelerator_ask *v;
	size_t n, cap;
	bool list; /* a list: order matters */
};
/* Every form of the field. n NULL: none. asks->v is to be freed. */
int accelerators_read(struct reading *r, const struct yaml_node *n, struct accelerator_asks *asks);
/* For yaml_options.quote: the unquoted {A100,V100}:8. */
bool accelerators_quote(const char *line, size_t len, size_t column, size_t *from, size_t *to);
/* Is a syntax error at the end of such a form, but one with blanks in it? */
bool accelerators_almost(const char *text, size_t len, const struct where *at);

/* resources.c: resources: (NULL: the default) → t->resources, t->n_resources, t->ordered. */
int resources_read(struct reading *r, struct yaml_node *map, struct task *t);
/* storage.c: file_mounts → t->mounts, t->storage_mounts; volumes in it → extra (for resources), NULL: none. */
int storage_read(struct reading *r, struct yaml_node *map, struct task *t, json_t **extra);
/* service.c: service: or pool: → t->service. */
int service_read(struct reading *r, const struct yaml_node *map, struct task *t);
int pool_read(struct reading *r, const struct yaml_node *map, struct task *t);
/* task.c: one document. Changes the tree under it. */
int task_read(struct reading *r, struct yaml_node *doc, struct task *t);
/* override.c: put the command line over a document. */
int override_apply(struct reading *r, struct yaml_node *doc);
int override_env(struct reading *r, struct task *t);
bool override_changes_resources(const struct task_override *over);

#endif
