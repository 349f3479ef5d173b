/* How nodes end: their processes, their homes, their records, in that order, each finished by whoever comes next when
 * this process is killed in between. Ending processes may take seconds; the lock is let go for that time, and what was
 * decided before is looked up again after it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "providers/common/sandbox_priv.h"
#include "providers/common/sweep.h"

int sandbox_end(
    struct sandbox *sb, json_t *rec, const char *state, int64_t until_ms, const char *reason, struct err *err)
{
	json_put_str(rec, "state", state);
	json_put_int(rec, "until_ms", until_ms);
	json_put_bool(rec, "swept", false);
	json_put_str(rec, "reason", reason);
	json_object_set_new(rec, "gpus", json_array());
	return sandbox_save(sb, rec, err);
}

static bool ends(const json_t *rec)
{
	return sandbox_state_is(rec, "STOPPING") || sandbox_state_is(rec, "TERMINATING") ||
	       sandbox_state_is(rec, "PREEMPTED");
}

static bool loses_home(const json_t *rec)
{
	return sandbox_state_is(rec, "TERMINATING") || sandbox_state_is(rec, "PREEMPTED");
}

/* The machine was booted since: nothing of the node runs any more. It comes up by itself, as a machine in a cloud
 * would. */
static int note_reboot(struct sandbox *sb, struct err *err)
{
	char *boot = sandbox_kernel_boot();
	int rc = 0;
	size_t i;
	json_t *rec;
	json_array_foreach(sb->nodes, i,
	    rec) if (!rc && boot[0] && sandbox_state_is(rec, "RUNNING") && json_str(rec, "kernel_boot", NULL) &&
		     !str_eq(json_str(rec, "kernel_boot", ""), boot)) rc = sandbox_boot(sb, rec, err);
	free(boot);
	return rc;
}

/* The grace is for whoever is asked to stop; what is taken back goes at once. */
static bool abrupt(const json_t *rec)
{
	return sandbox_state_is(rec, "PREEMPTED");
}

/* End the processes of the nodes in due[from, from + n) that are (not) abrupt; marks those done as "swept". Takes a
 * while: the lock is not held. */
static int end_processes(const struct sandbox *sb, json_t *due, size_t from, size_t n, bool at_once, struct err *err)
{
	struct sweep_mark *marks = xcalloc(n, sizeof *marks);
	size_t k = 0;
	for (size_t i = from; i < from + n; i++) {
		const json_t *rec = json_array_get(due, i);
		if (abrupt(rec) != at_once)
			continue;
		const char *id = json_str(rec, "id", "");
		/* A node that is stopped may have been started again meanwhile: only its old boot is ended. */
		marks[k++] = (struct sweep_mark){.node_id = id,
		    .home = sandbox_node_path(sb, id, "home"),
		    .boot_id = sandbox_state_is(rec, "STOPPING") ? json_str(rec, "boot_id", NULL) : NULL,
		    .by_cwd = loses_home(rec)};
	}
	int rc = sweep_processes(marks, k, at_once ? 0 : sb->grace_ms, err);
	for (size_t i = 0; i < k; i++)
		free((char *)marks[i].home);
	free(marks);
	for (size_t i = from; !rc && i < from + n; i++)
		if (abrupt(json_array_get(due, i)) == at_once)
			json_put_bool(json_array_get(due, i), "swept", true);
	return rc;
}

/* The processes are gone. Unless somebody else changed the node meanwhile, say so in its record. */
static int note_swept(struct sandbox *sb, const json_t *was, struct err *err)
{
	json_t *rec = sandbox_by_id(sb, json_str(was, "id", ""));
	if (!rec || !sandbox_state_is(rec, json_str(was, "state", "")) ||
	    !str_eq(json_str(rec, "boot_id", NULL), json_str(was, "boot_id", NULL)))
		return 0;
	json_put_bool(rec, "swept", true);
	return json_int(rec, "until_ms", 0) > sb->now_ms || sandbox_state_is(rec, "PREEMPTED")
		   ? sandbox_save(sb, rec, err)
		   : 0;
}

/* A state whose processes are gone and whose time has come is complete. The record goes before the rest of the folder.
 */
static int complete(struct sandbox *sb, json_t *rec, struct err *err)
{
	if (!json_bool(rec, "swept", false) || json_int(rec, "until_ms", 0) > sb->now_ms)
		return 0;
	if (sandbox_state_is(rec, "STOPPING")) {
		json_put_str(rec, "state", "STOPPED");
		return sandbox_save(sb, rec, err);
	}
	if (!sandbox_state_is(rec, "TERMINATING"))
		return 0;
	char *path = sandbox_node_path(sb, json_str(rec, "id", ""), "node.json");
	int rc = unlink(path) && errno != ENOENT ? err_errno(err, "cannot remove %s", path) : 0;
	free(path);
	path = sandbox_node_path(sb, json_str(rec, "id", ""), "");
	if (!rc)
		rc = fs_remove_tree(path, err);
	free(path);
	return rc;
}

static void keep_first(struct err *first, const struct err *e, int *rc)
{
	if (!*rc && first)
		*first = *e;
	*rc = -1;
}

/* Of the loaded nodes, copies of those whose processes have to be ended yet. */
static json_t *unswept(const struct sandbox *sb)
{
	json_t *list = json_array();
	size_t i;
	json_t *rec;
	json_array_foreach(sb->nodes, i, rec) if (ends(rec) && !json_bool(rec, "swept", false))
	    json_array_append_new(list, json_copy(rec));
	return list;
}

/* All in one go, since a look through all processes takes its time; one by one when somebody does not end, so that the
 * others do not suffer from it. */
static int end_all_processes(const struct sandbox *sb, json_t *due, struct err *err)
{
	size_t n = json_array_size(due);
	struct err e;
	int rc = 0;
	for (int at_once = 0; at_once < 2; at_once++) {
		if (!end_processes(sb, due, 0, n, at_once, &e))
			continue;
		if (n == 1)
			keep_first(err, &e, &rc);
		for (size_t i = 0; n > 1 && i < n; i++)
			if (abrupt(json_array_get(due, i)) == at_once && end_processes(sb, due, i, 1, at_once, &e))
				keep_first(err, &e, &rc);
	}
	return rc;
}

static int remove_home(const struct sandbox *sb, const json_t *rec, struct err *err)
{
	char *home = sandbox_node_path(sb, json_str(rec, "id", ""), "home");
	int rc = fs_remove_tree(home, err);
	free(home);
	return rc;
}

static int sweep_all(struct sandbox *sb, json_t *due, struct err *err)
{
	size_t i;
	json_t *rec;
	struct err e;
	sandbox_unlock(sb);
	int rc = end_all_processes(sb, due, err);
	json_array_foreach(due, i, rec)
	{
		if (json_bool(rec, "swept", false) && loses_home(rec) && remove_home(sb, rec, &e)) {
			json_put_bool(rec, "swept", false);
			keep_first(err, &e, &rc);
		}
	}
	char *cluster = xstrdup(sb->cluster);
	if (sandbox_lock(sb, &e) || sandbox_load(sb, cluster, &e))
		keep_first(err, &e, &rc);
	free(cluster);
	json_array_foreach(due, i, rec) if (json_bool(rec, "swept", false) && note_swept(sb, rec, &e))
	    keep_first(err, &e, &rc);
	return rc;
}

int sandbox_settle(struct sandbox *sb, struct err *err)
{
	struct err e;
	int rc = 0;
	if (note_reboot(sb, &e))
		keep_first(err, &e, &rc);
	json_t *due = unswept(sb);
	if (json_array_size(due) && sweep_all(sb, due, &e))
		keep_first(err, &e, &rc);
	json_decref(due);
	for (size_t i = json_array_size(sb->nodes); i-- > 0;) {
		json_t *rec = json_array_get(sb->nodes, i);
		bool leaves = sandbox_state_is(rec, "TERMINATING") && json_bool(rec, "swept", false) &&
			      json_int(rec, "until_ms", 0) <= sb->now_ms;
		if (complete(sb, rec, &e))
			keep_first(err, &e, &rc);
		else if (leaves)
			json_array_remove(sb->nodes, i);
	}
	return rc;
}
