/* A whole task file: one task, a pipeline (documents in order, perhaps under a header with its name), or a job group (a
 * header with execution: parallel, then jobs that run side by side). */
#include <unistd.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/str.h"
#include "core/model/amount.h"
#include "core/model/task_priv.h"

enum { MAX_TASKS = 1000, MAX_WARNINGS = 100 };
static const struct yaml_options options = {.quote = accelerators_quote};

/* --- memory ------------------------------------------------------------------------------------------------------ */

struct dag *dag_create(void)
{
	struct dag *d = xcalloc(1, sizeof *d);
	d->memory = xcalloc(1, sizeof *d->memory);
	d->memory->arena = arena_create();
	return d;
}

void dag_destroy(struct dag *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->memory->n_owned; i++)
		json_decref(d->memory->owned[i]);
	free(d->memory->owned);
	arena_destroy(d->memory->arena);
	free(d->memory);
	free(d);
}

const char *dag_strdup(struct dag *d, const char *text)
{
	return arena_strdup(d->memory->arena, text);
}

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

void dag_make_absolute(struct dag *d)
{
	for (size_t i = 0; i < d->n_tasks; i++) {
		struct task *t = &d->tasks[i];
		absolute_in(d, &t->workdir);
		for (size_t k = 0; k < t->n_mounts; k++)
			absolute_in(d, &t->mounts[k].src);
	}
}

json_t *dag_own(struct dag *d, json_t *j)
{
	if (!j)
		return NULL;
	ARRAY_GROW(d->memory->owned, d->memory->n_owned, d->memory->cap_owned);
	return d->memory->owned[d->memory->n_owned++] = j;
}

void dag_warn(struct dag *d, const char *fmt, ...)
{
	char text[700];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < d->n_warnings; i++)
		if (!strcmp(d->warnings[i], text))
			return;
	if (!d->warnings)
		d->warnings = arena_alloc(d->memory->arena, MAX_WARNINGS * sizeof *d->warnings);
	if (d->n_warnings < MAX_WARNINGS)
		d->warnings[d->n_warnings++] = arena_strdup(d->memory->arena, text);
}

/* --- tasks ------------------------------------------------------------------------------------------------------- */

static int read_tasks(struct reading *r, struct yaml_node *const *docs, size_t n)
{
	struct dag *d = r->dag;
	if (n > MAX_TASKS)
		return refuse_at(r, docs[MAX_TASKS], "more than %d tasks in one file", MAX_TASKS);
	d->tasks = arena_alloc(d->memory->arena, (n + 1) * sizeof *d->tasks);
	for (size_t i = 0; i < n; i++) {
		if (docs[i]->kind == YAML_NULL)
			continue;
		if (task_read(r, docs[i], &d->tasks[d->n_tasks]))
			return -1;
		d->n_tasks++;
	}
	return 0;
}

/* A file with nothing but a header: one task that has a name and does nothing. */
static int read_trivial(struct reading *r, const struct yaml_node *header)
{
	struct yaml_node *doc = yaml_new_map(r->tree, NULL);
	doc->line = header->line;
	doc->column = header->column;
	if (r->dag->name)
		yaml_put(r->tree, doc, "name", yaml_new_string(r->tree, r->dag->name, NULL));
	return read_tasks(r, &doc, 1);
}

/* --- pipelines --------------------------------------------------------------------------------------------------- */

/* Only a name, or a name and how to execute. */
static bool is_header(const struct yaml_node *doc)
{
	if (doc->kind != YAML_MAP || !yaml_get(doc, "name"))
		return false;
	return doc->n == 1 || (doc->n == 2 && yaml_get(doc, "execution"));
}

static int check_name(struct reading *r, const struct yaml_node *doc)
{
	const struct yaml_node *n = yaml_get_set(doc, "name");
	static const struct schema_type text = {.kinds = S_STR};
	return n ? schema_check_type(&text, n, "name", &r->place) : 0;
}

static int read_chain(struct reading *r, struct yaml_node *const *docs, size_t n)
{
	bool header = is_header(docs[0]);
	if (docs[0]->kind == YAML_MAP && (header || n == 1)) {
		if (check_name(r, docs[0]))
			return -1;
		r->dag->name = keep_text(r, docs[0], "name");
	}
	const struct yaml_node *execution = header ? yaml_get_set(docs[0], "execution") : NULL;
	if (execution && (execution->kind != YAML_STRING || strcmp(execution->text, "serial"))) {
		bool alone = n == 1 && str_eq(execution->text, "parallel");
		return refuse_at(r, execution, "execution: '%.40s' %s", execution->text,
		    alone ? "needs jobs: documents under this one, each after a line of ---"
			  : "must be serial (a pipeline) or parallel (a job group)");
	}
	if (read_tasks(r, docs + header, n - header))
		return -1;
	return r->dag->n_tasks ? 0 : read_trivial(r, docs[0]);
}

/* --- job groups -------------------------------------------------------------------------------------------------- */

static bool is_group(struct yaml_node *const *docs, size_t n)
{
	const struct yaml_node *execution = n > 1 ? yaml_get(docs[0], "execution") : NULL;
	return execution && execution->kind == YAML_STRING && !strcmp(execution->text, "parallel");
}

static bool has_job(const struct dag *d, const char *name)
{
	for (size_t i = 0; i < d->n_tasks; i++)
		if (str_eq(d->tasks[i].name, name))
			return true;
	return false;
}

/* "a, b, c" for a message */
static const char *job_names(struct reading *r)
{
	struct str s = str_new(300);
	for (size_t i = 0; i < r->dag->n_tasks; i++)
		str_addf(&s, "%s%s", i ? ", " : "", r->dag->tasks[i].name);
	const char *text = arena_strdup(r->tree, str_text(&s));
	str_free(&s);
	return text;
}

static int check_group_name(struct reading *r, const struct yaml_node *doc, const char *what)
{
	const struct yaml_node *n = yaml_get_set(doc, "name");
	if (!n)
		return refuse_at(r, doc, "%s needs a 'name'", what);
	if (n->kind != YAML_STRING || !is_plain_name(n->text))
		return refuse_at(r, n, "the name '%.60s' of %s may have letters, digits, - and _ only", n->text, what);
	return 0;
}

static int check_jobs(struct reading *r, struct yaml_node *const *docs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (docs[i]->kind == YAML_NULL)
			continue;
		if (docs[i]->kind != YAML_MAP)
			return refuse_at(
			    r, docs[i], "a job must be a map of fields, not %s", yaml_kind_name(docs[i]->kind));
		if (check_group_name(r, docs[i], "a job of a job group"))
			return -1;
		const struct yaml_node *name = yaml_get(docs[i], "name");
		for (size_t k = 0; k < i; k++)
			if (str_eq(yaml_get_set(docs[k], "name") ? yaml_get(docs[k], "name")->text : NULL, name->text))
				return refuse_at(r, name, "two jobs of the group are called '%.60s'", name->text);
	}
	return 0;
}

static int read_primary(struct reading *r, const struct yaml_node *list)
{
	struct dag *d = r->dag;
	if (!list || !list->n)
		return 0;
	d->primary_tasks = arena_alloc(d->memory->arena, list->n * sizeof *d->primary_tasks);
	for (size_t i = 0; i < list->n; i++) {
		const struct yaml_node *n = list->items[i];
		if (!has_job(d, n->text))
			return refuse_at(
			    r, n, "primary_tasks: there is no job '%.60s'; there are %s", n->text, job_names(r));
		d->primary_tasks[d->n_primary_tasks++] = keep(r, n->text);
	}
	return 0;
}

static int check_delay(struct reading *r, const struct yaml_node *n)
{
	int64_t seconds;
	if (n->kind != YAML_STRING && n->kind != YAML_INT)
		return refuse_at(
		    r, n, "termination_delay must be a duration like 30s or 5m, not %s", yaml_kind_name(n->kind));
	const char *wrong = amount_seconds(yaml_python(r->tree, n), &seconds);
	return wrong ? refuse_value(r, n, "termination_delay", wrong) : 0;
}

static int read_delay(struct reading *r, const struct yaml_node *n)
{
	if (!n)
		return 0;
	if (n->kind != YAML_MAP) {
		if (check_delay(r, n))
			return -1;
		r->dag->termination_delay = dag_own(r->dag, json_string(yaml_python(r->tree, n)));
		return 0;
	}
	json_t *j = dag_own(r->dag, json_object());
	for (size_t i = 0; i < n->n; i++) {
		const struct yaml_node *key = n->pairs[i].key, *value = n->pairs[i].value;
		if (strcmp(key->text, "default") && !has_job(r->dag, key->text))
			return refuse_at(r, key, "termination_delay: there is no job '%.60s'; there are default, %s",
			    key->text, job_names(r));
		if (check_delay(r, value))
			return -1;
		json_object_set_new(j, key->text, json_string(yaml_python(r->tree, value)));
	}
	r->dag->termination_delay = j;
	return 0;
}

static int read_group(struct reading *r, struct yaml_node *const *docs, size_t n)
{
	const struct yaml_node *header = docs[0];
	if (n > MAX_TASKS)
		return refuse_at(r, docs[MAX_TASKS], "more than %d jobs in one file", MAX_TASKS);
	if (check_group_name(r, header, "a job group") || schema_check(&schema_header, header, &r->place) ||
	    check_jobs(r, docs + 1, n - 1))
		return -1;
	for (size_t i = 0; i < header->n; i++)
		if (!schema_find(&schema_header, header->pairs[i].key->text))
			warn_at(r, header->pairs[i].key,
			    "'%.60s' means nothing in the header of a job group and is ignored",
			    header->pairs[i].key->text);
	r->dag->parallel = true;
	r->dag->name = keep_text(r, header, "name");
	if (read_tasks(r, docs + 1, n - 1))
		return -1;
	if (!r->dag->n_tasks)
		return refuse_at(r, header, "a job group needs at least one job under its header");
	return read_primary(r, yaml_get_set(header, "primary_tasks")) ||
		       read_delay(r, yaml_get_set(header, "termination_delay"))
		   ? -1
		   : 0;
}

/* --- files ------------------------------------------------------------------------------------------------------- */

static bool is_empty(struct yaml_node *const *docs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (docs[i]->kind != YAML_NULL && !(n == 1 && docs[i]->kind == YAML_MAP && !docs[i]->n))
			return false;
	return true;
}

static int read_file(struct reading *r, const struct yaml_file *f)
{
	if (is_empty(f->docs, f->n))
		return refuse_at(r, NULL, "empty: no task is defined; write at least 'run: COMMAND'");
	if (f->docs[0]->kind != YAML_MAP && f->docs[0]->kind != YAML_NULL)
		return refuse_at(r, f->docs[0], "a task must be a map of fields like 'run: …', not %s",
		    yaml_kind_name(f->docs[0]->kind));
	return is_group(f->docs, f->n) ? read_group(r, f->docs, f->n) : read_chain(r, f->docs, f->n);
}

/* Takes the parsed file. */
static struct dag *dag_of_file(
    struct yaml_file *f, const char *file, const struct task_override *over, struct where *at, struct err *err)
{
	struct dag *d = dag_create();
	d->file = arena_strdup(d->memory->arena, file);
	struct reading r = {.tree = f->arena, .dag = d, .place = {.file = file, .at = at, .err = err}, .over = over};
	int rc = read_file(&r, f);
	yaml_file_free(f);
	if (!rc)
		return d;
	dag_destroy(d);
	return NULL;
}

static void add_hint(const char *text, size_t len, const struct where *w, struct err *err)
{
	if (!err || !w->line || !accelerators_almost(text, len, w))
		return;
	size_t n = strlen(err->text);
	snprintf(err->text + n, sizeof err->text - n,
	    "; for any of several accelerators write {A100,H100}:8 without blanks, or in quotes");
}

struct dag *dag_parse(
    const char *text, size_t len, const char *file, const struct task_override *over, struct where *at, struct err *err)
{
	struct where w = {.file = file};
	struct yaml_file *f = yaml_parse(text, len, file, &options, &w, err);
	if (!f)
		add_hint(text, len, &w, err);
	struct dag *d = f ? dag_of_file(f, file, over, &w, err) : NULL;
	if (!d && at) {
		*at = w;
		at->file = file;
	}
	return d;
}

struct dag *dag_load(const char *path, const struct task_override *over, struct where *at, struct err *err)
{
	size_t len;
	if (at)
		*at = (struct where){.file = path};
	char *text = yaml_slurp(path, 0, &len, err);
	if (!text) {
		/* What was asked for is at fault, not the world: a missing file too. */
		if (err)
			err->code = ERR_INVALID;
		return NULL;
	}
	struct dag *d = dag_parse(text, len, strcmp(path, "-") ? path : "standard input", over, at, err);
	free(text);
	return d;
}

struct dag *dag_of_command(const char *command, const struct task_override *over, struct err *err)
{
	if (!utf8_valid(command, strlen(command), NULL)) {
		err_set(err, ERR_INVALID, "the command is not UTF-8 text");
		return NULL;
	}
	struct yaml_file *f = xcalloc(1, sizeof *f);
	f->arena = arena_create();
	f->docs = arena_alloc(f->arena, sizeof(*f->docs));
	f->docs[0] = yaml_new_map(f->arena, NULL);
	f->n = 1;
	yaml_put(f->arena, f->docs[0], "run", yaml_new_string(f->arena, command, NULL));
	return dag_of_file(f, "command line", over, NULL, err);
}

void dag_fill_names(struct dag *d, const char *generated)
{
	struct arena *a = d->memory->arena;
	if (d->n_tasks == 1 && d->name)
		d->tasks[0].name = d->name;
	else if (d->n_tasks == 1)
		d->name = d->tasks[0].name;
	if (!d->name)
		d->name = arena_strdup(a, generated);
	for (size_t i = 0; i < d->n_tasks; i++)
		if (!d->tasks[i].name)
			d->tasks[i].name = d->n_tasks == 1 ? d->name : arena_printf(a, "%s-%zu", d->name, i);
}
