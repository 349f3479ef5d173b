/* What happens on nodes that are up: the agent, files, the job. Each may be repeated from its start. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/run/access.h"
#include "core/run/bundle.h"
#include "core/run/launch.h"

enum { AGENT_TIMEOUT_MS = 60000, HEAD_TIMEOUT_MS = 180000, SYNC_TIMEOUT_MS = 3600000, SUBMIT_TIMEOUT_MS = 60000, SCRIPT_MAX = 16 << 20 };

struct dag *launch_task(struct op *op, struct err *err)
{
	json_t *packed = json_deep_copy(json_obj(op->r->args, "task"));
	run_restore_secrets(op->engine, op->r, packed);
	struct dag *d = task_unpack(packed, err);
	json_decref(packed);
	return d;
}

/* ---- the agent --------------------------------------------------------------------------------------------------- */

/* The file that tells the head how to reach the others; see the agent's protocol. */
static void put_nodes_file(struct str *s, const struct cluster *c)
{
	char gpus[40];
	str_add(s, "cat > \"$d/nodes.tmp\" <<'SKYTOP_NODES'\n");
	for (size_t i = 0; i < c->n_nodes; i++) {
		const struct node *n = &c->nodes[i];
		str_addf(s, "%" PRId64 " %s %s %" PRId64 " ", n->rank, n->ip ? n->ip : "127.0.0.1",
		    micro_text(c->accelerator ? c->accel_count_micro : 0, gpus, sizeof gpus), c->vcpus_micro > 0 ? c->vcpus_micro / 1000000 : 1);
		if (i && access_by_ssh(n))
			access_prefix(s, n);
		else if (i)
			remote_prefix(s, n->reach);
		str_addc(s, '\n');
	}
	str_add(s, "SKYTOP_NODES\nmv \"$d/nodes.tmp\" \"$d/nodes\"\n");
}

/* What fails here fails on the node, with the same words: there is one way to report it. */
static void put_failure(struct str *s, const struct err *err)
{
	str_add(s, "echo ");
	shell_quote(s, err->text);
	str_add(s, " >&2\nexit 1\n");
}

static void put_agent(struct op *op, struct str *s)
{
	struct err err;
	char *agent = fs_read(op->engine->agent_path, SCRIPT_MAX, NULL, &err);
	if (agent)
		str_addf(s, "cat > \"$d/.agent.$$\" <<'SKYTOP_END_OF_FILE'\n%sSKYTOP_END_OF_FILE\nmv -f \"$d/.agent.$$\" \"$d/skytop-agent\"\n", agent);
	else
		put_failure(s, &err);
	free(agent);
}

static void put_init(struct str *s, const struct cluster *c, const struct node *n)
{
	int64_t whole = c->accelerator ? (c->accel_count_micro + 999999) / 1000000 : 0;
	str_add(s, "exec sh \"$d/skytop-agent\" init --node-id ");
	shell_quote(s, n->provider_id ? n->provider_id : n->token);
	str_addf(s, " --rank %" PRId64 " --gpus %" PRId64, n->rank, whole);
	if (c->vcpus_micro >= 1000000)
		str_addf(s, " --cpus %" PRId64, c->vcpus_micro / 1000000);
	if (n->ip) {
		str_add(s, " --ip ");
		shell_quote(s, n->ip);
	}
	str_add(s, " </dev/null\n");
}

/* All that a node needs, in one command: the agent, who may log in, and the agent's start. */
static char *agent_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	struct err err;
	const struct cluster *c = op_unit(op)->c;
	struct str s = str_new(SCRIPT_MAX);
	str_add(&s,
	    "set -e\n"
	    ": \"${SKYTOP_AGENT_UMASK:=$(umask)}\"\n"
	    "export SKYTOP_AGENT_UMASK\n"
	    "umask 077\n"
	    "d=\"$HOME/.skytop\"\n"
	    "mkdir -p \"$d\"\n");
	put_agent(op, &s);
	if (access_install(&s, c, i, &err))
		put_failure(&s, &err);
	if (c->n_nodes > 1 && !i)
		put_nodes_file(&s, c);
	put_init(&s, c, &c->nodes[i]);
	*input_len = s.len;
	*input = str_take(&s);
	return xstrdup("exec sh -s");
}

static char *head_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)i;
	struct err err;
	struct str s = str_new(SCRIPT_MAX);
	if (access_head(&s, op_unit(op)->c, &err)) {
		str_clear(&s);
		put_failure(&s, &err);
	}
	*input_len = s.len;
	*input = str_take(&s);
	return xstrdup("exec sh -s");
}

static void agents_installed(struct op *op)
{
	struct unit *u = op_unit(op);
	if (u->c->n_nodes < 2 || !access_any(u->c)) {
		op->after_agents(op);
		return;
	}
	op_progress(op, "letting the head into the other nodes");
	op_remote(op, &(struct op_remote_spec){.what = "log in from the head to its workers", .timeout_ms = HEAD_TIMEOUT_MS, .command = head_command}, 0, 1,
	    op->after_agents);
}

static void install_agents(struct op *op)
{
	op_remote(op, &(struct op_remote_spec){.what = "install the agent", .timeout_ms = AGENT_TIMEOUT_MS, .command = agent_command}, 0, op_unit(op)->c->n_nodes,
	    agents_installed);
}

void launch_agents(struct op *op, void (*fn)(struct op *op))
{
	op->after_agents = fn;
	access_make_keys(op, install_agents);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static bool is_uri(const char *s)
{
	return strstr(s, "://") != NULL;
}

int launch_check_task(const struct task *t, struct err *err)
{
	struct stat st;
	if (t->git_url)
		return err_set(err, ERR_UNSUPPORTED, "workdir: a git repository as workdir is not supported yet: clone it and name the folder");
	if (json_object_size(t->storage_mounts))
		return err_set(err, ERR_UNSUPPORTED, "file_mounts: object stores are not supported yet: mount local folders");
	if (t->workdir && (stat(t->workdir, &st) || !S_ISDIR(st.st_mode)))
		return err_set(err, ERR_INVALID, "workdir: %s is not a folder", t->workdir);
	for (size_t i = 0; i < t->n_mounts; i++) {
		const char *src = t->mounts[i].src, *dst = t->mounts[i].dst;
		if (is_uri(src))
			return err_set(err, ERR_UNSUPPORTED, "file_mounts: %s: remote sources are not supported yet: mount local files and folders", src);
		if (stat(src, &st))
			return err_set(err, ERR_INVALID, "file_mounts: %s: %s", src, strerror(errno));
		if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
			return err_set(err, ERR_INVALID, "file_mounts: %s is neither a file nor a folder", src);
		if (is_uri(dst) || strstr(dst, "/../") || str_ends(dst, "/..") || str_starts(dst, "../"))
			return err_set(err, ERR_INVALID, "file_mounts: %s cannot be a place on a node", dst);
		if (dst[0] == '/')
			return err_set(err, ERR_UNSUPPORTED, "file_mounts: %s: nodes on this machine are folders: mount below ~ or at a relative path", dst);
		if (t->workdir && (!strcmp(dst, "~/sky_workdir") || !strcmp(dst, "sky_workdir")))
			return err_set(err, ERR_INVALID, "file_mounts: %s is where the workdir goes", dst);
	}
	return 0;
}

/* Item 0 is the workdir, the rest are the mounts. */
struct item {
	const char *src, *dst;
};

static bool item_at(const struct task *t, bool mounts, size_t i, struct item *out)
{
	if (!i) {
		*out = (struct item){t->workdir, "sky_workdir"};
		return true;
	}
	if (!mounts || i > t->n_mounts)
		return false;
	const char *dst = t->mounts[i - 1].dst;
	*out = (struct item){t->mounts[i - 1].src, str_starts(dst, "~/") ? dst + 2 : dst};
	return true;
}

static char *pack_path(struct op *op)
{
	char *name = xasprintf("pack-%" PRId64 ".tar", op->r->id), *path = home_path(HOME_STATE, name);
	free(name);
	return path;
}

static void sync_item(struct op *op);

static void item_sent(struct op *op)
{
	char *pack = pack_path(op);
	unlink(pack);
	free(pack);
	op->item++;
	sync_item(op);
}

static char *unpack_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)i;
	(void)input;
	(void)input_len;
	struct str s = str_new(1 << 20);
	str_add(&s, "set -e\nd=\"$HOME/\"");
	shell_quote(&s, op->item_dst);
	if (op->item_mode)
		str_addf(&s, "\nmkdir -p \"$(dirname \"$d\")\"\ncat > \"$d.skytop\"\nchmod %o \"$d.skytop\"\nmv -f \"$d.skytop\" \"$d\"\n", op->item_mode);
	else
		str_add(&s, "\nmkdir -p \"$d\"\nexec tar -xf - -C \"$d\"\n");
	return str_take(&s);
}

static void send_item(struct op *op, const char *path, unsigned mode)
{
	struct unit *u = op_unit(op);
	op->item_mode = mode;
	op_progress(op, "syncing %s", op->item_dst);
	op_remote(op, &(struct op_remote_spec){.what = "sync files", .timeout_ms = SYNC_TIMEOUT_MS, .command = unpack_command, .input_path = path}, 0,
	    u->c->n_nodes, item_sent);
}

static void item_packed(struct op *op)
{
	char *pack = pack_path(op);
	send_item(op, pack, 0);
	free(pack);
}

static void pack_item(struct op *op, const char *src)
{
	char *pack = pack_path(op), *ignore = path_join(src, ".skyignore");
	const char *argv[10] = {"tar", "-C", src, "-cf", pack};
	size_t n = 5;
	char *exclude = xasprintf("--exclude-from=%s", ignore);
	if (fs_exists(ignore))
		argv[n++] = exclude;
	argv[n++] = ".";
	argv[n] = NULL;
	op_progress(op, "packing %s", src);
	op_proc(op, argv, "pack files", SYNC_TIMEOUT_MS, item_packed);
	free(exclude);
	free(ignore);
	free(pack);
}

static void sync_item(struct op *op)
{
	struct err err;
	struct item it;
	struct dag *d = launch_task(op, &err);
	if (!d) {
		op_failed(op, &err);
		return;
	}
	const struct task *t = &d->tasks[0];
	bool launching = !strcmp(op->r->verb, "launch");
	while (item_at(t, launching, op->item, &it) && !it.src)
		op->item++;
	struct stat st;
	if (!item_at(t, launching, op->item, &it)) {
		op_next(op);
	} else if (stat(it.src, &st)) {
		err_set(&err, ERR_NOT_FOUND, "sync: %s is not there any more", it.src);
		op_failed(op, &err);
	} else {
		own_str(&op->item_dst, it.dst);
		if (S_ISDIR(st.st_mode))
			pack_item(op, it.src);
		else
			send_item(op, it.src, st.st_mode & 0777);
	}
	dag_destroy(d);
}

void launch_sync(struct op *op)
{
	op->item = 0;
	sync_item(op);
}

/* ---- the job ----------------------------------------------------------------------------------------------------- */

static char *submit_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)i;
	struct err err;
	struct dag *d = launch_task(op, &err);
	if (!d)
		return xstrdup("exit 1");
	const struct cluster *c = op_unit(op)->c;
	struct str s = str_new(SCRIPT_MAX);
	char *key = xasprintf("r%" PRId64 "-%" PRId64, op->r->id, op->r->created_at_ms);
	bundle_script(&s, &(struct bundle){.task = &d->tasks[0], .cluster = c, .key = key, .user = op->r->user,
		.with_setup = !strcmp(op->r->verb, "launch") && !json_bool(op->r->args, "no_setup", false),
		.without_run = json_bool(op->r->args, "debug", false),
		.gpus_micro = bundle_gpus(&d->tasks[0], c), .now_ms = wall_now_ms()});
	free(key);
	dag_destroy(d);
	*input_len = s.len;
	*input = str_take(&s);
	return xstrdup("exec sh -s");
}

static void take_submitted(struct op *op, size_t i, const char *out, size_t len)
{
	(void)i;
	json_t *j = json_parse(out, strcspn(out, "\n") < len ? strcspn(out, "\n") : len, NULL);
	json_put_int(op->r->data, "job_id", json_int(j, "job", 0));
	json_decref(j);
}

static void submitted(struct op *op)
{
	struct err err;
	int64_t id = json_int(op->r->data, "job_id", 0);
	if (id <= 0) {
		err_set(&err, ERR_PROTOCOL, "submit: the agent did not say which job it is");
		op_failed(op, &err);
		return;
	}
	struct unit *u = op_unit(op);
	json_t *line = json_pack("{s:I, s:s, s:I}", "job", (json_int_t)id, "status", "PENDING", "submitted_at", (json_int_t)wall_now_ms());
	if (!jobs_find(u, id))
		jobs_take_line(u, line);
	json_decref(line);
	watch_start(u);
	op_next(op);
}

void launch_submit(struct op *op)
{
	op_remote(op, &(struct op_remote_spec){.what = "submit the job", .timeout_ms = SUBMIT_TIMEOUT_MS, .command = submit_command, .each = take_submitted},
	    0, 1, submitted);
}

/* ---- a shell instead of the job ---------------------------------------------------------------------------------- */

static char *debug_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	struct err err;
	struct dag *d = launch_task(op, &err);
	if (!d)
		return xstrdup("exit 1");
	const struct cluster *c = op_unit(op)->c;
	struct str s = str_new(SCRIPT_MAX);
	bundle_debug_script(&s, &(struct bundle){.task = &d->tasks[0], .cluster = c, .user = op->r->user, .gpus_micro = bundle_gpus(&d->tasks[0], c)},
	    c->nodes[i].rank);
	dag_destroy(d);
	*input_len = s.len;
	*input = str_take(&s);
	return xstrdup("exec sh -s");
}

void launch_debug(struct op *op, void (*fn)(struct op *op))
{
	op_remote(op, &(struct op_remote_spec){.what = "prepare the shell", .timeout_ms = SUBMIT_TIMEOUT_MS, .command = debug_command}, 0,
	    op_unit(op)->c->n_nodes, fn);
}
