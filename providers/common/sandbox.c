/* The clouds of this machine: records of nodes in a folder, under one lock.
 *
 * Any call may be killed at any instruction and must leave what another call can finish; so a record is written before
 * what it says is done, ends are states of their own, and the folder of a node that has no record yet, or no record any
 * more, is garbage for whoever comes next. Names that come from outside (tokens, clusters, ids) never become paths:
 * folders are named by hashes, and an id is only ever compared with those that are there.
 *
 * The id is "<provider>-<hash of cluster>-<hash of folder, cluster and token>": records of one cluster are found
 * without reading all others, and two state folders on one machine never have nodes, hence process marks, in common. */
#include "providers/common/sandbox_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "providers/common/sweep.h"

enum { LOCK_WAIT_MS = 30000, RECORD_MAX = 256 << 10, ID_MAX = 100 };

/* FNV-1a, finished so that all bits depend on all of the text. */
uint64_t sandbox_hash(const char *text, uint64_t seed)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed;
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 33;
}

/* --- lock
 * -----------------------------------------------------------------------------------------------------------*/

int sandbox_lock(struct sandbox *sb, struct err *err)
{
	int64_t start = mono_now_ms();
	while (flock(sb->lock_fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(err, "cannot lock %s/lock", sb->dir);
		if (mono_now_ms() - start > LOCK_WAIT_MS)
			return err_set(err, ERR_TIMEOUT, "another process has held %s/lock for %d s", sb->dir,
			    LOCK_WAIT_MS / 1000);
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	return 0;
}

void sandbox_unlock(struct sandbox *sb)
{
	flock(sb->lock_fd, LOCK_UN);
}

/* --- records
 * --------------------------------------------------------------------------------------------------------*/

static void cluster_prefix(const struct sandbox *sb, const char *cluster, char *buf, size_t size)
{
	snprintf(buf, size, "%s-%08" PRIx32 "-", sb->provider, (uint32_t)sandbox_hash(cluster, 1));
}

char *sandbox_node_path(const struct sandbox *sb, const char *id, const char *name)
{
	return xasprintf("%s/%s%s%s", sb->nodes_dir, id, name[0] ? "/" : "", name);
}

/* A record that cannot be read is not thrown away: there may be processes behind it. It is shown, as of no cluster in
 * particular, and can be terminated. */
static json_t *unreadable(const char *id, const struct err *why)
{
	json_t *rec = json_object();
	json_put_str(rec, "id", id);
	json_put_str(rec, "token", "");
	json_put_str(rec, "cluster", "");
	json_put_str(rec, "state", "RUNNING");
	json_put_str(rec, "reason", why->text);
	json_put_bool(rec, "unreadable", true);
	return rec;
}

/* A new reference; NULL when there is no record: the folder is garbage. */
static json_t *read_record(const struct sandbox *sb, const char *id)
{
	char *path = sandbox_node_path(sb, id, "node.json");
	size_t len;
	struct err err = {0};
	char *text = fs_read(path, RECORD_MAX, &len, &err);
	free(path);
	if (!text && err.code == ERR_NOT_FOUND)
		return NULL;
	json_t *rec = text ? json_parse(text, len, &err) : NULL;
	free(text);
	/* The folder's name is what processes are marked with: it counts. */
	if (rec && str_eq(json_str(rec, "id", ""), id) && json_str(rec, "cluster", NULL) &&
	    json_str(rec, "token", NULL) && json_str(rec, "state", NULL))
		return rec;
	if (rec)
		err_set(&err, ERR_PROTOCOL, "it is not the record of this node");
	json_decref(rec);
	err_wrap(&err, "%s/%s/node.json", sb->nodes_dir, id);
	return unreadable(id, &err);
}

static int by_age(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int64_t dx = json_int(x, "created_at", 0) - json_int(y, "created_at", 0);
	if (!dx)
		dx = json_int(x, "rank", 0) - json_int(y, "rank", 0);
	return dx ? (dx < 0 ? -1 : 1) : strcmp(json_str(x, "id", ""), json_str(y, "id", ""));
}

static void sort_records(struct sandbox *sb)
{
	size_t n = json_array_size(sb->nodes);
	json_t **list = xcalloc(n + 1, sizeof *list);
	for (size_t i = 0; i < n; i++)
		list[i] = json_incref(json_array_get(sb->nodes, i));
	qsort(list, n, sizeof *list, by_age);
	json_array_clear(sb->nodes);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(sb->nodes, list[i]);
	free(list);
}

int sandbox_load(struct sandbox *sb, const char *cluster, struct err *err)
{
	char prefix[ID_MAX] = "";
	if (cluster)
		cluster_prefix(sb, cluster, prefix, sizeof prefix);
	char *copy = xstrdup(cluster);
	free(sb->cluster);
	sb->cluster = copy;
	json_decref(sb->nodes);
	sb->nodes = json_array();
	DIR *d = opendir(sb->nodes_dir);
	if (!d)
		return err_errno(err, "cannot read %s", sb->nodes_dir);
	int rc = 0;
	for (struct dirent *e; !rc && (e = readdir(d));) {
		if (e->d_name[0] == '.' || strlen(e->d_name) >= ID_MAX || !str_starts(e->d_name, prefix))
			continue;
		json_t *rec = read_record(sb, e->d_name);
		if (rec) {
			json_array_append_new(sb->nodes, rec);
			continue;
		}
		char *path = sandbox_node_path(sb, e->d_name, "");
		rc = fs_remove_tree(path, err);
		free(path);
	}
	closedir(d);
	sort_records(sb);
	return rc;
}

int sandbox_write(const char *path, const json_t *j, bool durable, struct err *err)
{
	char *text = json_pretty(j), *tmp = xasprintf("%s.tmp", path);
	FILE *f = durable ? NULL : fopen(tmp, "we");
	int rc = f || durable ? 0 : -1;
	if (f && fputs(text, f) < 0)
		rc = -1;
	if (f && fclose(f))
		rc = -1;
	if (!durable && (rc || rename(tmp, path)))
		rc = err_errno(err, "cannot write %s", path);
	if (durable)
		rc = fs_write(path, text, strlen(text), 0600, err);
	free(tmp);
	free(text);
	return rc;
}

int sandbox_save(struct sandbox *sb, json_t *rec, struct err *err)
{
	char *path = sandbox_node_path(sb, json_str(rec, "id", ""), "node.json");
	int rc = sandbox_write(path, rec, !sb->forgetful, err);
	free(path);
	return rc;
}

json_t *sandbox_by_id(const struct sandbox *sb, const char *id)
{
	size_t i;
	json_t *rec;
	json_array_foreach(sb->nodes, i, rec) if (str_eq(json_str(rec, "id", ""), id)) return rec;
	return NULL;
}

json_t *sandbox_by_token(const struct sandbox *sb, const char *cluster, const char *token)
{
	size_t i;
	json_t *rec;
	json_array_foreach(sb->nodes, i, rec) if (str_eq(json_str(rec, "token", ""), token) &&
						  str_eq(json_str(rec, "cluster", ""), cluster)) return rec;
	return NULL;
}

bool sandbox_in_cluster(const struct sandbox *sb, const json_t *rec, const char *cluster)
{
	if (!json_bool(rec, "unreadable", false))
		return str_eq(json_str(rec, "cluster", ""), cluster);
	char prefix[ID_MAX];
	cluster_prefix(sb, cluster, prefix, sizeof prefix);
	return str_starts(json_str(rec, "id", ""), prefix);
}

bool sandbox_state_is(const json_t *rec, const char *state)
{
	return str_eq(json_str(rec, "state", ""), state);
}

/* --- open, close
 * ----------------------------------------------------------------------------------------------------*/

int sandbox_open(struct sandbox *sb, const char *state_dir, const char *provider, const char *cluster, int64_t now_ms,
    struct err *err)
{
	*sb = (struct sandbox){.dir = xstrdup(state_dir),
	    .nodes_dir = path_join(state_dir, "nodes"),
	    .provider = provider,
	    .lock_fd = -1,
	    .now_ms = now_ms,
	    .nodes = json_array()};
	char *path = path_join(state_dir, "lock");
	int rc = fs_mkdirs(sb->nodes_dir, err);
	if (!rc && (sb->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		rc = err_errno(err, "cannot open %s", path);
	free(path);
	if (!rc)
		rc = sandbox_lock(sb, err);
	if (!rc)
		rc = sandbox_load(sb, cluster, err);
	if (rc)
		sandbox_close(sb);
	return rc;
}

void sandbox_close(struct sandbox *sb)
{
	if (sb->lock_fd >= 0)
		close(sb->lock_fd);
	json_decref(sb->nodes);
	free(sb->cluster);
	free(sb->nodes_dir);
	free(sb->dir);
	*sb = (struct sandbox){.lock_fd = -1};
}

/* --- beginning
 * ------------------------------------------------------------------------------------------------------*/

static void put_boot(json_t *rec)
{
	uint64_t id = 0;
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &id, sizeof id) != (ssize_t)sizeof id)
		id = (uint64_t)wall_now_ms() * 2654435761u ^ (uint64_t)mono_now_us() ^ (uint64_t)getpid() << 40;
	if (fd >= 0)
		close(fd);
	char text[24];
	snprintf(text, sizeof text, "%016" PRIx64, id);
	json_put_str(rec, "boot_id", text);
}

/* What changes when this machine itself boots; "" where it cannot be told. */
char *sandbox_kernel_boot(void)
{
	size_t len = 0;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char buf[64];
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof buf);
	if (fd >= 0)
		close(fd);
	len = n > 0 ? (size_t)n : 0;
	while (len && buf[len - 1] == '\n')
		len--;
	return xstrndup(buf, len);
}

static bool ip_taken(const struct sandbox *sb, const char *ip)
{
	size_t i;
	json_t *rec;
	json_array_foreach(sb->nodes, i, rec) if (str_eq(json_str(rec, "ip", ""), ip)) return true;
	return false;
}

/* On Linux all of 127/8 is this machine: each node gets an address of its own, out of the way of 127.0 and 127.255. */
static void put_ip(const struct sandbox *sb, json_t *rec)
{
	char ip[20] = "127.0.0.1";
#ifdef __linux__
	uint64_t h = sandbox_hash(json_str(rec, "id", ""), 3);
	do {
		snprintf(ip, sizeof ip, "127.%u.%u.%u", 1 + (unsigned)(h % 254), (unsigned)(h >> 16) % 256,
		    1 + (unsigned)(h >> 32) % 254);
		h = h * UINT64_C(6364136223846793005) + 1442695040888963407u;
	} while (ip_taken(sb, ip));
#endif
	json_put_str(rec, "ip", ip);
}

static void put_id(const struct sandbox *sb, json_t *rec)
{
	const char *cluster = json_str(rec, "cluster", "");
	char prefix[ID_MAX];
	cluster_prefix(sb, cluster, prefix, sizeof prefix);
	uint64_t h = sandbox_hash(json_str(rec, "token", ""), sandbox_hash(cluster, sandbox_hash(sb->dir, 2)));
	char *id = xasprintf("%s%012" PRIx64, prefix, h & UINT64_C(0xffffffffffff));
	json_put_str(rec, "id", id);
	free(id);
}

static int make_folders(const struct sandbox *sb, const char *id, struct err *err)
{
	char *home = sandbox_node_path(sb, id, "home");
	int rc = fs_mkdirs(home, err);
	if (!rc && chmod(home, 0700))
		rc = err_errno(err, "cannot make %s private", home);
	free(home);
	return rc;
}

int sandbox_prepare(struct sandbox *sb, json_t *rec, struct err *err)
{
	put_id(sb, rec);
	const char *id = json_str(rec, "id", "");
	if (sandbox_by_id(sb, id))
		return err_set(err, ERR_CONFLICT, "node %s is there already, with another token", id);
	put_ip(sb, rec);
	put_boot(rec);
	char *boot = sandbox_kernel_boot();
	json_put_str(rec, "kernel_boot", boot);
	free(boot);
	json_put_str(rec, "state", "RUNNING");
	json_put_int(rec, "created_at", sb->now_ms);
	json_put_int(rec, "started_at", sb->now_ms);
	return make_folders(sb, id, err);
}

int sandbox_finish(struct sandbox *sb, json_t *rec, struct err *err)
{
	if (sandbox_save(sb, rec, err))
		return -1;
	json_array_append(sb->nodes, rec);
	return 0;
}

char *sandbox_path(const struct sandbox *sb, const json_t *rec, const char *name)
{
	return sandbox_node_path(sb, json_str(rec, "id", ""), name);
}

int sandbox_boot(struct sandbox *sb, json_t *rec, struct err *err)
{
	put_boot(rec);
	char *boot = sandbox_kernel_boot();
	json_put_str(rec, "kernel_boot", boot);
	free(boot);
	json_put_str(rec, "state", "RUNNING");
	json_put_int(rec, "started_at", sb->now_ms);
	json_object_del(rec, "until_ms");
	json_object_del(rec, "swept");
	json_object_del(rec, "reason");
	return sandbox_save(sb, rec, err);
}

/* --- showing
 * --------------------------------------------------------------------------------------------------------*/

static json_t *reach_of(const struct sandbox *sb, const json_t *rec)
{
	struct str gpus = str_new(1000);
	size_t i;
	json_t *index;
	json_array_foreach(json_arr(rec, "gpus"), i, index)
	    str_addf(&gpus, "%s%lld", i ? "," : "", (long long)json_integer_value(index));
	char *home = sandbox_node_path(sb, json_str(rec, "id", ""), "home");
	json_t *env = json_object();
	json_put_str(env, SWEEP_NODE_ID, json_str(rec, "id", ""));
	json_put_str(env, SWEEP_BOOT_ID, json_str(rec, "boot_id", ""));
	json_put_str(env, "SKYTOP_GPU_INDICES", str_text(&gpus));
	json_t *reach = json_object();
	json_put_str(reach, "kind", "local");
	json_put_str(reach, "home", home);
	json_object_set_new(reach, "env", env);
	free(home);
	str_free(&gpus);
	return reach;
}

json_t *sandbox_result(const struct sandbox *sb, const json_t *rec, const char *status, bool reachable)
{
	static const char *const same[] = {"id", "token", "cluster", "name", "rank", "tags", "labels", "created_at",
	    "price_uusd_h", "instance_type", "region", "zone", "use_spot", "reason"};
	json_t *node = json_object();
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		json_t *v = json_object_get(rec, same[i]);
		json_object_set_new(node, same[i], v ? json_incref(v) : json_null());
	}
	json_put_str(node, "status", status);
	json_put_str(node, "ip", reachable ? json_str(rec, "ip", NULL) : NULL);
	json_object_set_new(node, "reach", reachable ? reach_of(sb, rec) : json_null());
	return node;
}
