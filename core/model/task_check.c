/* What is only wrong when a task is to be run: parsing lets it pass, since a file may be shown, or completed from the
 * command line, on a machine where it will not run. Needs no prices, but looks at the file system. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/str.h"
#include "core/model/task_priv.h"

struct check {
	const struct dag *dag;
	const struct task *task;
	struct where *at;
	struct err *err;
};

static int wrong(const struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int wrong(const struct check *c, const char *fmt, ...)
{
	char text[700];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	struct yaml_node n = {.line = c->task->where.line, .column = c->task->where.column};
	return yaml_err(c->err, c->at, c->dag->file, n.line ? &n : NULL, "%s", text);
}

/* Does a source stand in a bucket or on the web, rather than on this machine? */
static bool is_uri(const char *text)
{
	const char *colon = strstr(text, "://");
	return colon && colon > text;
}

static int check_name(const struct check *c)
{
	const char *name = c->task->name;
	if (!name || is_task_name(name))
		return 0;
	return wrong(
	    c, "the name '%.80s' cannot be used: letters and digits, joined by one or two of - _ . between them", name);
}

static int check_workdir(const struct check *c)
{
	if (!c->task->workdir)
		return 0;
	char *path = path_expand(c->task->workdir);
	bool ok = fs_is_dir(path);
	bool there = fs_exists(path);
	free(path);
	if (ok)
		return 0;
	return wrong(c, "workdir: '%.200s' %s", c->task->workdir,
	    there ? "is not a folder"
		  : "is not here; it is relative to the "
		    "folder you are in, not to the task file");
}

static int check_destination(const struct check *c, const char *dst)
{
	size_t n = strlen(dst);
	if (!n || (n > 1 && dst[n - 1] == '/'))
		return wrong(c, "file_mounts: the path '%.200s' must not be empty or end with a slash", dst);
	if (is_uri(dst))
		return wrong(c,
		    "file_mounts: '%.200s' is a bucket; a file mount goes from a source to a path on the nodes", dst);
	if ((c->task->workdir || c->task->git_url) && !strcmp(dst, "~/sky_workdir"))
		return wrong(c, "file_mounts: ~/sky_workdir is where workdir goes; name a path inside it");
	return 0;
}

static int check_source(const struct check *c, const char *src)
{
	size_t n = strlen(src);
	if (!n || (n > 1 && src[n - 1] == '/'))
		return wrong(c, "file_mounts: the source '%.200s' must not be empty or end with a slash", src);
	if (is_uri(src))
		return 0;
	char *path = path_expand(src);
	bool there = fs_exists(path);
	free(path);
	return there ? 0 : wrong(c, "file_mounts: the source '%.200s' is not here", src);
}

/* A bucket by its URI has its name there; a local folder needs one for the bucket it is put into. */
static int check_storage(const struct check *c, const char *dst, const json_t *m)
{
	const char *name = json_string_value(json_object_get(m, "name")),
		   *mode = json_string_value(json_object_get(m, "mode"));
	const json_t *source = json_object_get(m, "source");
	const char *uri = json_string_value(source);
	if (!name && json_is_null(source))
		return wrong(c, "file_mounts: '%.200s' needs a 'source' or the 'name' of a bucket", dst);
	if (name && is_uri(name))
		return wrong(c,
		    "file_mounts: the name '%.100s' at '%.100s' is a URI; a name is only the bucket, a URI is a source",
		    name, dst);
	if (uri && is_uri(uri))
		return name ? wrong(c,
				  "file_mounts: '%.200s' has both a bucket as its source and a name; keep one of them",
				  dst)
			    : check_source(c, uri);
	if (!name && !json_is_null(source))
		return wrong(c, "file_mounts: '%.200s' copies local files into a bucket, and that needs a 'name'", dst);
	if (!uri)
		return 0;
	char *path = path_expand(uri);
	bool there = fs_exists(path), dir = fs_is_dir(path);
	free(path);
	if (!there)
		return wrong(c, "file_mounts: the source '%.200s' is not here", uri);
	(void)mode;
	return dir ? 0 : wrong(c, "file_mounts: the source '%.200s' is a file; put single files into a list", uri);
}

static int check_mounts(const struct check *c)
{
	const struct task *t = c->task;
	for (size_t i = 0; i < t->n_mounts; i++)
		if (check_destination(c, t->mounts[i].dst) || check_source(c, t->mounts[i].src))
			return -1;
	const char *dst;
	json_t *m;
	json_object_foreach(t->storage_mounts, dst, m)
	{
		if (check_destination(c, dst) || check_storage(c, dst, m))
			return -1;
	}
	return 0;
}

static int check_resources(const struct check *c)
{
	static const char *const strategies[] = {"FAILOVER", "EAGER_NEXT_REGION"};
	for (size_t i = 0; i < c->task->n_resources; i++) {
		const struct resources *r = &c->task->resources[i];
		const char *s = json_string_value(json_object_get(r->job_recovery, "strategy"));
		if (r->accelerator && !r->accelerator[strspn(r->accelerator, " ")])
			return wrong(c, "accelerators: the name before the count is missing");
		if (s && !str_eq(s, strategies[0]) && !str_eq(s, strategies[1]))
			return wrong(c,
			    "job_recovery: the strategy '%.60s' is not known; there are FAILOVER and EAGER_NEXT_REGION",
			    s);
		if (r->ephemeral_gib && r->cloud && !str_eq(r->cloud, "kubernetes"))
			return wrong(c, "ephemeral_storage is for kubernetes, not for %s", r->cloud);
	}
	return 0;
}

static int check_secrets(const struct check *c)
{
	for (size_t i = 0; i < c->task->n_envs; i++)
		if (!is_env_name(c->task->envs[i].name))
			return wrong(c, "secrets: '%.60s' cannot be the name of a variable", c->task->envs[i].name);
	return 0;
}

/* A service answers on exactly one port. */
static int check_service(const struct check *c)
{
	const struct task *t = c->task;
	if (!t->is_service)
		return 0;
	const json_t *min = json_object_get(json_object_get(t->service, "replica_policy"), "min_replicas");
	if (json_integer_value(min) < 0)
		return wrong(c, "service: replicas must be 0 or more");
	if (json_object_get(t->service, "ports"))
		return 0;
	for (size_t i = 0; i < t->n_resources; i++) {
		const struct resources *r = &t->resources[i];
		if (r->n_ports != 1 || strchr(r->ports[0], '-'))
			return wrong(c,
			    "a service needs exactly one port: write 'ports' in service, or a single one in resources");
	}
	return 0;
}

int dag_check(const struct dag *d, struct where *at, struct err *err)
{
	for (size_t i = 0; i < d->n_tasks; i++) {
		struct check c = {d, &d->tasks[i], at, err};
		if (check_name(&c) || check_workdir(&c) || check_mounts(&c) || check_resources(&c) ||
		    check_secrets(&c) || check_service(&c))
			return -1;
	}
	return 0;
}
