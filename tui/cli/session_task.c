/* The task of `launch` and `exec`: read, checked, and its paths made absolute, because the engine works in another folder. */
#include "tui/cli/session.h"
#include "tui/cli/task_file.h"

static struct dag *read_task(struct cli *c, size_t first, bool several, struct where *at, struct err *err)
{
	struct task_override over;
	struct task_override_memory *memory;
	if (task_override_of(c, true, &over, &memory, err))
		return NULL;
	struct dag *d = task_of_words(cli_args(c) + first, cli_n_args(c) - first, &over, at, err);
	task_override_free(memory);
	if (d && (several ? !d->n_tasks : d->n_tasks != 1)) {
		err_set(err, ERR_UNSUPPORTED, "%s holds %zu tasks: launch and exec take one; pipelines and job groups are for managed jobs", d->file, d->n_tasks);
		dag_destroy(d);
		return NULL;
	}
	if (d && dag_check(d, at, err)) {
		dag_destroy(d);
		return NULL;
	}
	return d;
}

static struct dag *read_and_tell(struct cli *c, size_t first_arg, bool several, int *status)
{
	struct err err;
	struct where at = {.line = 0};
	struct dag *d = read_task(c, first_arg, several, &at, &err);
	if (!d) {
		at.file = cli_arg(c, first_arg); /* its own may have gone with the dag */
		*status = at.line ? cli_fail_at(c, &err, &at) : cli_fail(c, &err);
		return NULL;
	}
	task_warn(c, d);
	dag_make_absolute(d);
	return d;
}

struct dag *session_tasks(struct cli *c, size_t first_arg, int *status)
{
	return read_and_tell(c, first_arg, true, status);
}

struct dag *session_task(struct cli *c, size_t first_arg, int *status)
{
	return read_and_tell(c, first_arg, false, status);
}
