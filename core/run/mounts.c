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

static int check_mount(const struct task *t, size_t i, bool here, struct err *err)
{
	const char *src = t->mounts[i].src, *dst = t->mounts[i].dst;
	struct stat st;
	if (is_uri(src))
		return err_set(err, ERR_UNSUPPORTED, "file_mounts: %s: remote sources are not supported yet: mount local files and folders", src);
	if (stat(src, &st))
		return err_set(err, ERR_INVALID, "file_mounts: %s: %s", src, strerror(errno));
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "file_mounts: %s is neither a file nor a folder", src);
	char *path = is_uri(dst) ? NULL : normal_path(dst);
	int rc = 0;
	if (!path)
		rc = err_set(err, ERR_INVALID, "file_mounts: %s cannot be a place on a node", dst);
	else if (here && path[0] == '/')
		rc = err_set(err, ERR_UNSUPPORTED, "file_mounts: %s: nodes on this machine are folders: mount below ~ or at a relative path", dst);
	else if ((t->workdir || t->git_url) && !strcmp(path, "~/sky_workdir"))
		rc = err_set(err, ERR_INVALID, "file_mounts: %s is where the workdir goes", dst);
	for (size_t k = 0; k < i && !rc; k++) {
		char *other = normal_path(t->mounts[k].dst);
		if (str_eq(path, other))
			rc = err_set(err, ERR_INVALID, "file_mounts: %s and %s are the same place on a node", t->mounts[k].dst, dst);
		free(other);
	}
	free(path);
	return rc;
}

int mounts_check(const struct task *t, bool here, struct err *err)
{
	struct stat st;
	if (t->git_url && checkout_check(t->git_url, t->git_ref, err))
		return -1;
	if (json_object_size(t->storage_mounts))
		return err_set(err, ERR_UNSUPPORTED, "file_mounts: object stores are not supported yet: mount local folders");
	if (t->workdir && (stat(t->workdir, &st) || !S_ISDIR(st.st_mode)))
		return err_set(err, ERR_INVALID, "workdir: %s is not a folder", t->workdir);
	for (size_t i = 0; i < t->n_mounts; i++)
		if (check_mount(t, i, here, err))
			return -1;
	return 0;
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
	if (S_ISDIR(st.st_mode)) {
		json_object_set_new(item, "root", json_string(path));
	} else {
		char *slash = strrchr(path, '/');
		json_object_set_new(item, "name", json_string(slash + 1));
		json_object_set_new(item, "root", slash == path ? json_string("/") : json_stringn(path, (size_t)(slash - path)));
	}
	json_object_set_new(item, "src", from);
	json_array_append_new(items, item);
	free(path);
	return 0;
}

int mounts_items(const struct task *t, bool mounts, json_t *items, char **title, struct err *err)
{
	size_t n = mounts ? t->n_mounts : 0;
	bool workdir = t->workdir || t->git_url;
	if (t->git_url)
		json_array_append_new(items, git_item(t));
	else if (t->workdir && add_path_item(items, t->workdir, "~/sky_workdir", err))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (add_path_item(items, t->mounts[i].src, t->mounts[i].dst, err))
			return -1;
	if (n)
		*title = xasprintf("%s%zu file mount%s", workdir ? "workdir and " : "", n, n == 1 ? "" : "s");
	else
		*title = xstrdup("workdir");
	return 0;
}
