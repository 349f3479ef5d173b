/* The task of `launch` and `exec`: read, checked, and its paths made absolute, because the engine works in another folder. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "tui/cli/session.h"
#include "tui/cli/task_file.h"

static char *absolute(const char *path)
{
	char *p = path_expand(path);
	if (p[0] == '/')
		return p;
	char *cwd = getcwd(NULL, 0), *abs = path_join(cwd ? cwd : "/", p);
	free(cwd);
	free(p);
	return abs;
}

static void absolute_in(struct dag *d, const char **slot)
{
	if (!*slot || strstr(*slot, "://"))
		return;
	char *p = absolute(*slot);
	*slot = dag_strdup(d, p);
	free(p);
}

static void make_absolute(struct dag *d)
{
	for (size_t i = 0; i < d->n_tasks; i++) {
		struct task *t = &d->tasks[i];
		absolute_in(d, &t->workdir);
		for (size_t k = 0; k < t->n_mounts; k++)
			absolute_in(d, &t->mounts[k].src);
	}
}

static struct dag *read_task(struct cli *c, size_t first, struct err *err)
{
	struct task_override over;
	struct task_override_memory *memory;
	struct where at = {.line = 0};
	if (task_override_of(c, true, &over, &memory, err))
		return NULL;
	struct dag *d = task_of_words(cli_args(c) + first, cli_n_args(c) - first, &over, &at, err);
	task_override_free(memory);
	if (d && d->n_tasks != 1) {
		err_set(err, ERR_UNSUPPORTED, "%s holds %zu tasks: launch and exec take one; pipelines and job groups are for managed jobs", d->file, d->n_tasks);
		dag_destroy(d);
		return NULL;
	}
	if (d && dag_check(d, &at, err)) {
		dag_destroy(d);
		return NULL;
	}
	return d;
}

struct dag *session_task(struct cli *c, size_t first_arg, int *status)
{
	struct err err;
	struct dag *d = read_task(c, first_arg, &err);
	if (!d) {
		*status = cli_fail(c, &err);
		return NULL;
	}
	task_warn(c, d);
	make_absolute(d);
	return d;
}
