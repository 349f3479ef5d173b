/* Task files: SkyPilot's, unchanged, plus what the field's users write though SkyPilot refuses it. Facts:
 * https://docs.skypilot.co/en/latest/reference/yaml-spec.html. Parsing needs no catalog, no network and no engine. */
#ifndef CORE_MODEL_TASK_H
#define CORE_MODEL_TASK_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/num.h"
#include "core/model/amount.h"
#include "core/model/where.h"

enum disk_tier { DISK_TIER_UNSET, DISK_TIER_LOW, DISK_TIER_MEDIUM, DISK_TIER_HIGH, DISK_TIER_ULTRA, DISK_TIER_BEST };
enum network_tier { NETWORK_TIER_UNSET, NETWORK_TIER_STANDARD, NETWORK_TIER_BEST };
enum wait_for { WAIT_FOR_JOBS_AND_SSH, WAIT_FOR_JOBS, WAIT_FOR_NONE };
/* Their words, ending with NULL; those of tiers start at the enum's 1: disk_tier_names[DISK_TIER_LOW - 1] is "low". */
extern const char *const disk_tier_names[], *const network_tier_names[], *const wait_for_names[];

struct autostop {
	bool set;	  /* written in the task at all */
	bool enabled;
	int64_t idle_minutes;
	bool down;	  /* terminate instead of stop */
	enum wait_for wait_for;
	bool wait_for_set;
};

/* One alternative of what a task needs. Strings are NULL where nothing was asked. All memory belongs to the dag. */
struct resources {
	const char *cloud;   /* lower case; "kubernetes", "ssh", "local" … */
	const char *region;  /* for kubernetes the context, for ssh the pool */
	const char *zone;
	const char *instance_type;
	const char *accelerator;   /* as written, braces resolved; accelerator_find() folds case and blanks. NULL: none */
	int64_t accel_count_micro; /* millionths; 0 without accelerator */
	bool accel_by_memory;	   /* came from "80GB+": missing ones are no error */
	json_t *accelerator_args;  /* object or NULL */
	struct amount cpus, memory;
	int64_t disk_size_gib;	   /* 256 unless asked */
	bool disk_at_least;
	enum disk_tier disk_tier;
	enum network_tier network_tier;
	const char *local_disk;	   /* "nvme:100+" */
	int64_t max_hourly_uusd;   /* for one node; PRICE_UNKNOWN: no cap */
	bool use_spot, use_spot_set;
	json_t *job_recovery;	   /* {"strategy":…} or NULL */
	const char **ports;	   /* "8080-8082", sorted, merged */
	size_t n_ports;
	const char *image_id;	   /* the one image for all regions, or NULL */
	json_t *image_ids;	   /* as dumped: {"region" | "null": id}; NULL */
	json_t *labels;		   /* object or NULL */
	struct autostop autostop;
	bool priority_set;
	int64_t priority;
	const char *priority_class;
	json_t *volumes;	   /* array or NULL */
	int64_t ephemeral_gib;	   /* 0: not asked */
	json_t *autostop_hook;	   /* deprecated autostop.hook; it is in the task's config.hooks as well */
	struct where where;	   /* the map it was written in */
};

struct task_env {
	const char *name, *value;
	bool secret;
};

/* One file mount of a plain source (local path or URI). Storage maps are kept as JSON. */
struct task_mount {
	const char *dst, *src;
};

struct task {
	const char *name;	 /* NULL: unnamed */
	const char *workdir;	 /* local path; NULL */
	const char *git_url, *git_ref;
	int64_t num_nodes;
	bool ordered;		 /* resources are tried strictly in order */
	struct resources *resources; /* at least one */
	size_t n_resources;
	struct task_env *envs;	 /* envs, then secrets */
	size_t n_envs;
	struct task_mount *mounts;
	size_t n_mounts;
	json_t *storage_mounts;	 /* {dst: {...}} or NULL */
	json_t *volumes;	 /* {path: ...} or NULL */
	const char *setup, *run; /* NULL: none */
	bool is_service, is_pool;
	json_t *service;	 /* as dumped; NULL */
	json_t *config;		 /* overrides; NULL */
	const char *input_uri, *output_uri; /* for egress */
	int64_t input_gb_micro, output_gb_micro; /* 0: none */
	const char *event_callback;
	json_t *managed_secrets; /* references to secrets kept elsewhere, array or NULL */
	bool api_server_access;
	struct where where;	 /* where the document starts */
};

/* A file: one task, a pipeline of tasks in order, or a job group of tasks side by side. */
struct dag {
	const char *name;	  /* NULL */
	bool parallel;		  /* job group */
	struct task *tasks;
	size_t n_tasks;
	const char **primary_tasks;
	size_t n_primary_tasks;
	json_t *termination_delay; /* "30s", or {task | "default": "1m"}; NULL */
	const char *file;	  /* its name for messages */
	const char **warnings;	  /* "FILE:LINE:COLUMN: …": deprecated or ignored things, for people */
	size_t n_warnings;
	struct dag_memory *memory; /* owns all of it */
};

/* What the command line adds to or puts over a file. NULL and 0 are "nothing". */
struct task_override {
	const char *const *envs; /* "K=V" (or "K": taken from our environment), NULL-terminated */
	const char *const *secrets;
	const char *name, *workdir, *infra, *gpus, *cpus, *memory, *disk_size, *disk_tier, *network_tier, *instance_type,
	    *image_id, *local_disk, *max_hourly_cost, *git_url, *git_ref, *priority, *job_recovery; /* "none" unsets */
	const char *const *ports; /* NULL-terminated */
	int64_t num_nodes;
	int use_spot; /* 0: as the file says, 1: yes, -1: no */
};

/* Parse a whole task file. `file` is its name for messages (copied). over may be NULL. On failure err has code INVALID and a
 * text "FILE:LINE:COLUMN: what is wrong; nearest right word", and *at (may be NULL) the position. dag_destroy frees. */
struct dag *dag_parse(const char *text, size_t len, const char *file, const struct task_override *over, struct where *at,
    struct err *err);
/* Read the file (at most 10 MB, else refused) and parse. "-" reads stdin. */
struct dag *dag_load(const char *path, const struct task_override *over, struct where *at, struct err *err);
/* A task made of a command line: run = command. */
struct dag *dag_of_command(const char *command, const struct task_override *over, struct err *err);
void dag_destroy(struct dag *d);
/* A copy of text that lives as long as the dag: for whoever changes a field. */
const char *dag_strdup(struct dag *d, const char *text);
/* Make the local paths in it (workdir, sources of mounts) absolute: ~ expanded, relative ones from our folder. */
void dag_make_absolute(struct dag *d);

/* The canonical form, as `skytop task --json` prints it; secrets' values are left out (secret_keys names them). New ref. */
json_t *dag_to_json(const struct dag *d);
json_t *resources_to_json(const struct resources *r);
/* Copy the name of a single task and of its dag to each other, and give names to what still has none: `generated` for the
 * dag, DAG-0, DAG-1 … for tasks. */
void dag_fill_names(struct dag *d, const char *generated);
/* What needs no prices but is only wrong when the task is to be run: names, a workdir and sources that are not there, mount
 * paths, services without a port. Looks at the file system. 0, or INVALID with the position of the task. */
int dag_check(const struct dag *d, struct where *at, struct err *err);

/* "8x H100, 16+ CPUs, aws/us-east-1 [spot]": for people. buf ≥ 128. */
const char *resources_text(const struct resources *r, char *buf, size_t size);

/* The engine's wire and storage form: everything, secrets included, round-trips. state.db keeps secrets apart, see run/. */
json_t *task_pack(const struct task *t);
/* A dag of that one task; NULL on nonsense. */
struct dag *task_unpack(const json_t *packed, struct err *err);

#endif
