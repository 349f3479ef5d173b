/* From what a task names to what the packer is ordered: places on nodes in one spelling, and the errors that can be told beforehand. */
#include "core/run/mounts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/run/checkout.h"

static bool is_uri(const char *s)
{
	return strstr(s, "://") != NULL;
}

/* "~/a/b" or "/a/b" of a destination: relative ones are below ~, double slashes and "." go. NULL: it has "..", control characters, or is the
 * home or the root folder itself. */
static char *normal_path(const char *dst)
{
	struct str s = str_new(8192);
	const char *p = dst;
	bool bad = false;
	if (p[0] == '~' && (p[1] == '/' || !p[1]))
		p++;
	if (dst[0] != '/')
		str_addc(&s, '~');
	while (*p) {
		size_t n = strcspn(p, "/");
		bad = bad || (n == 2 && !strncmp(p, "..", 2)) || n > 255;
		for (size_t i = 0; i < n; i++)
			bad = bad || (unsigned char)p[i] < ' ' || p[i] == 127;
		if (n && !(n == 1 && *p == '.')) {
			str_addc(&s, '/');
			str_addn(&s, p, n);
		}
		p += n;
		p += *p == '/';
	}
	bad = bad || s.len < 2 || s.len > 3000;
	char *path = str_take(&s);
	if (!bad)
		return path;
	free(path);
	return NULL;
}

/* A destination; taken (an object): those of mounts before it, each with itself as it was written. */
static int check_place(const struct task *t, const char *dst, bool here, json_t *taken, struct err *err)
{
	char *path = is_uri(dst) ? NULL : normal_path(dst);
	const char *before = path ? json_str(taken, path, NULL) : NULL;
	int rc = 0;
	if (!path)
		rc = err_set(err, ERR_INVALID, "file_mounts: %s cannot be a place on a node", dst);
	else if (here && path[0] == '/')
		rc = err_set(err, ERR_UNSUPPORTED, "file_mounts: %s: nodes on this machine are folders: mount below ~ or at a relative path", dst);
	else if ((t->workdir || t->git_url) && !strcmp(path, "~/sky_workdir"))
		rc = err_set(err, ERR_INVALID, "file_mounts: %s is where the workdir goes", dst);
	else if (before)
		rc = err_set(err, ERR_INVALID, "file_mounts: %s and %s are the same place on a node", before, dst);
	else
		json_object_set_new(taken, path, json_foreign(dst));
	free(path);
	return rc;
}

static int check_local(const char *src, struct err *err)
{
	struct stat st;
	if (stat(src, &st))
		return err_set(err, ERR_INVALID, "file_mounts: %s: %s", src, strerror(errno));
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "file_mounts: %s is neither a file nor a folder", src);
	return 0;
}

/* A map: a bucket that is there already, copied. */
static int check_storage(const char *dst, const json_t *m, struct err *err)
{
	const char *mode = json_str(m, "mode", "MOUNT"), *source = json_str(m, "source", NULL), *name = json_str(m, "name", NULL);
	const char *store = json_string_value(json_array_get(json_arr(m, "stores"), 0));
	if (strcmp(mode, "COPY"))
		return err_set(err, ERR_UNSUPPORTED, "file_mounts: %s: mode %s (a bucket as a file system) is not supported yet: mode: COPY copies what is in it to "
		    "every node at launch", dst, mode);
	if (name || !source || !is_uri(source))
		return err_set(err, ERR_UNSUPPORTED, "file_mounts: %s: buckets are not made or filled yet: name one that is there by its URI, as in "
		    "source: s3://bucket/data", dst);
	if (store && !str_ieq(store, "s3") && !str_ieq(store, "gcs") && !str_ieq(store, "azure"))
		return err_set(err, ERR_UNSUPPORTED, "file_mounts: %s: buckets of the store %s are not supported yet", dst, store);
	return 0;
}

int mounts_check(const struct task *t, bool here, struct err *err)
{
	struct stat st;
	const char *dst;
	json_t *m, *taken = json_object();
	int rc = t->git_url && checkout_check(t->git_url, t->git_ref, err) ? -1 : 0;
	if (!rc && t->workdir && (stat(t->workdir, &st) || !S_ISDIR(st.st_mode)))
		rc = err_set(err, ERR_INVALID, "workdir: %s is not a folder", t->workdir);
	for (size_t i = 0; i < t->n_mounts && !rc; i++) {
		const char *src = t->mounts[i].src;
		rc = (!is_uri(src) && check_local(src, err)) || check_place(t, t->mounts[i].dst, here, taken, err) ? -1 : 0;
	}
	json_object_foreach(t->storage_mounts, dst, m)
		rc = rc || check_storage(dst, m, err) || check_place(t, dst, here, taken, err) ? -1 : 0;
	json_decref(taken);
	return rc;
}

/* What a tree is called on the nodes: a name for its place there. */
static json_t *item_new(const char *path)
{
	uint64_t h = UINT64_C(1469598103934665603);
	char key[20];
	for (const char *p = path; *p; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
	snprintf(key, sizeof key, "%016" PRIx64, h);
	return json_pack("{s:s}", "key", key);
}

static void add_remote(json_t *list, const char *uri, const char *dst)
{
	char *path = normal_path(dst);
	json_t *item = item_new(path);
	json_object_set_new(item, "uri", json_foreign(uri));
	json_object_set_new(item, "path", json_foreign(path));
	json_array_append_new(list, item);
	free(path);
}

json_t *mounts_remote(const struct task *t)
{
	json_t *list = json_array(), *m;
	const char *dst;
	for (size_t i = 0; i < t->n_mounts; i++)
		if (is_uri(t->mounts[i].src))
			add_remote(list, t->mounts[i].src, t->mounts[i].dst);
	json_object_foreach(t->storage_mounts, dst, m)
		add_remote(list, json_str(m, "source", ""), dst);
	return list;
}

void mounts_put_file(json_t *item, const char *path)
{
	const char *slash = strrchr(path, '/');
	json_object_set_new(item, "name", json_foreign(slash + 1));
	json_object_set_new(item, "root", slash == path ? json_string("/") : json_stringn(path, (size_t)(slash - path)));
}

static const char *env_of(const struct task *t, const char *name)
{
	for (size_t i = t->n_envs; i-- > 0;)
		if (!strcmp(t->envs[i].name, name))
			return t->envs[i].value;
	return getenv(name);
}

static json_t *git_item(const struct task *t)
{
	json_t *item = item_new("~/sky_workdir"), *git = json_object();
	char *cache = home_path(HOME_DATA, "git");
	json_object_set_new(item, "root", json_string("~/sky_workdir"));
	json_put_str(git, "url", t->git_url);
	json_put_str(git, "ref", t->git_ref);
	json_put_str(git, "cache", cache);
	json_put_str(git, "token", env_of(t, "GIT_TOKEN"));
	json_put_str(git, "ssh_key", env_of(t, "GIT_SSH_KEY_PATH"));
	json_object_set_new(item, "git", git);
	free(cache);
	return item;
}

/* JSON holds text alone: a path that is no UTF-8 cannot be handed to the packer (task files cannot have one either). */
static int add_path_item(json_t *items, const char *src, const char *dst, struct err *err)
{
	struct stat st;
	if (stat(src, &st))
		return err_set(err, ERR_NOT_FOUND, "sync: %s is not there any more", src);
	char *path = normal_path(dst);
	json_t *item = path ? item_new(path) : NULL, *from = json_string(src);
	if (!path || !from) {
		err_set(err, ERR_INVALID, "sync: %s to %s: not a path that can be synced", src, dst);
		free(path);
		json_decref(item);
		json_decref(from);
		return -1;
	}
	if (S_ISDIR(st.st_mode))
		json_object_set_new(item, "root", json_string(path));
	else
		mounts_put_file(item, path);
	json_object_set_new(item, "src", from);
	json_array_append_new(items, item);
	free(path);
	return 0;
}

int mounts_items(const struct task *t, bool mounts, json_t *items, char **title, struct err *err)
{
	size_t n = 0;
	bool workdir = t->workdir || t->git_url;
	if (t->git_url)
		json_array_append_new(items, git_item(t));
	else if (t->workdir && add_path_item(items, t->workdir, "~/sky_workdir", err))
		return -1;
	for (size_t i = 0; mounts && i < t->n_mounts; i++) {
		if (is_uri(t->mounts[i].src))
			continue;
		if (add_path_item(items, t->mounts[i].src, t->mounts[i].dst, err))
			return -1;
		n++;
	}
	if (n)
		*title = xasprintf("%s%zu file mount%s", workdir ? "workdir and " : "", n, n == 1 ? "" : "s");
	else
		*title = xstrdup("workdir");
	return 0;
}
