/* What verbs that take a task file share: the options that go over the file, and reading it. */
#ifndef TUI_CLI_TASK_FILE_H
#define TUI_CLI_TASK_FILE_H
#include "core/model/task.h"
#include "tui/cli/cli.h"

/* Rows for an option table. */
#define TASK_FILE_ENV_OPTIONS                                                                                              \
	CLI_VALUE(0, "env", "NAME=VALUE", "set a variable of the task; NAME alone takes its value from here", .repeatable = true), \
	    CLI_VALUE(0, "secret", "NAME=VALUE", "the same for a secret, whose value is not shown", .repeatable = true),   \
	    CLI_VALUE(0, "env-file", "FILE", "variables from the lines NAME=VALUE of a file", .complete = COMPLETE_FILE),  \
	    CLI_VALUE(0, "secret-file", "FILE", "secrets from the lines NAME=VALUE of a file", .complete = COMPLETE_FILE)
#define TASK_FILE_OPTIONS                                                                                                  \
	CLI_VALUE('n', "name", "NAME", "name of the task"),                                                                \
	    CLI_VALUE(0, "workdir", "DIR", "folder that is copied to the nodes", .complete = COMPLETE_DIR),                \
	    CLI_VALUE(0, "git-url", "URL", "git repository in place of a folder"),                                         \
	    CLI_VALUE(0, "git-ref", "REF", "its branch, tag or commit"),                                                   \
	    CLI_VALUE(0, "infra", "CLOUD[/REGION[/ZONE]]", "where it may run; * for any", .complete = COMPLETE_CLOUD),     \
	    CLI_VALUE(0, "gpus", "NAME[:COUNT]", "accelerators of a node: H100:8, 80GB+, {A100,H100}:8"),                  \
	    CLI_VALUE(0, "cpus", "N[+]", "vCPUs of a node"), CLI_VALUE(0, "memory", "GB[+]", "memory of a node"),          \
	    CLI_VALUE(0, "num-nodes", "N", "how many nodes"),                                                              \
	    CLI_VALUE('t', "instance-type", "TYPE", "exactly this instance type"),                                         \
	    CLI_VALUE(0, "use-spot", NULL, "on spot machines", .negatable = true),                                         \
	    CLI_VALUE(0, "disk-size", "GB[+]", "size of the disk"),                                                        \
	    CLI_VALUE(0, "disk-tier", "low|medium|high|ultra|best|none", "speed of the disk"),                             \
	    CLI_VALUE(0, "network-tier", "standard|best|none", "speed of the network"),                                    \
	    CLI_VALUE(0, "local-disk", "MODE[:GB[+]]", "local disk: nvme, ssd:500+"),                                      \
	    CLI_VALUE(0, "image-id", "IMAGE", "machine image, or docker:IMAGE"),                                           \
	    CLI_VALUE(0, "ports", "PORTS", "ports to open: 8080, 8080-8090", .repeatable = true),                          \
	    CLI_VALUE(0, "max-hourly-cost", "DOLLARS", "the most a node may cost an hour"),                                \
	    CLI_VALUE(0, "priority", "N", "priority of a managed job, -1000 to 1000"), TASK_FILE_ENV_OPTIONS

/* Fill an override from the options of TASK_FILE_OPTIONS (or only the ENV ones, when `all` is false). What it points to
 * belongs to *keep, which is to be given to task_override_free. Failure: USAGE or INVALID. */
struct task_override_memory;
int task_override_of(struct cli *c, bool all, struct task_override *over, struct task_override_memory **keep, struct err *err);
void task_override_free(struct task_override_memory *keep); /* NULL is fine */

/* The dag of a verb's words: a task file when there is one word that names a file (or looks like one: it ends with .yaml or
 * .yml, or is "-"), otherwise a command made of all words. NULL on failure, *at is where in the file. Blocks on the disk. */
struct dag *task_of_words(const char *const *words, size_t n, const struct task_override *over, struct where *at,
    struct err *err);
/* The warnings of a dag, to stderr. */
void task_warn(const struct cli *c, const struct dag *d);

#endif
