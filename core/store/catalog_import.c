/* `catalog import DIR`: finds the price lists under a folder and imports them. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/store/catalog_db.h"
#include "core/store/import.h"

enum { MAX_CLOUDS = 200 };

/* A price list that was found. */
struct found {
	char *cloud, *path, *label; /* label: "aws/vms.csv" */
};

struct search {
	struct found v[MAX_CLOUDS];
	size_t n;
};

static void search_free(struct search *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].cloud);
		free(s->v[i].path);
		free(s->v[i].label);
	}
}

static void found(struct search *s, const char *folder, const char *cloud)
{
	if (s->n == MAX_CLOUDS)
		return;
	s->v[s->n++] = (struct found){xstrdup(cloud), path_join(folder, "vms.csv"), xasprintf("%s/vms.csv", cloud)};
}

static bool has_list(const char *folder)
{
	char *p = path_join(folder, "vms.csv");
	bool yes = fs_exists(p);
	free(p);
	return yes;
}

static int compare_found(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->cloud, ((const struct found *)b)->cloud);
}

/* DIR/<cloud>/vms.csv, for all there are. */
static int search_below(struct search *s, const char *dir, struct err *err)
{
	DIR *d = opendir(dir);
	if (!d)
		return err_errno(err, "cannot read %s", dir);
	for (struct dirent *e; (e = readdir(d));) {
		char *folder = path_join(dir, e->d_name);
		if (e->d_name[0] != '.' && import_cloud_name_ok(e->d_name) && has_list(folder))
			found(s, folder, e->d_name);
		free(folder);
	}
	closedir(d);
	qsort(s->v, s->n, sizeof s->v[0], compare_found);
	return 0;
}

/* A cloud's own folder, or its file. */
static int search_one(struct search *s, const char *dir, struct err *err)
{
	char *real = realpath(dir, NULL);
	const char *cloud = real ? path_base(real) : "";
	int rc = 0;
	if (import_cloud_name_ok(cloud))
		found(s, real, cloud);
	else
		rc = err_set(err, ERR_INVALID, "%s: the folder's name, '%s', is no name for a cloud (a to z, 0 to 9, _ and -)", dir, cloud);
	free(real);
	return rc;
}

static int search(struct search *s, const char *dir, struct err *err)
{
	static const char *const below[] = {"", "v8", "catalogs/v8"};
	struct stat st;
	if (stat(dir, &st))
		return err_errno(err, "cannot read %s", dir);
	if (!S_ISDIR(st.st_mode)) {
		if (strcmp(path_base(dir), "vms.csv") != 0)
			return err_set(err, ERR_INVALID, "%s is not a folder", dir);
		char *folder = xasprintf("%.*s", (int)(path_base(dir) - dir), dir);
		int rc = search_one(s, *folder ? folder : ".", err);
		free(folder);
		return rc;
	}
	if (has_list(dir))
		return search_one(s, dir, err);
	for (size_t i = 0; i < ARRAY_LEN(below) && s->n == 0; i++) {
		char *sub = path_join(dir, below[i]);
		int rc = fs_is_dir(sub) ? search_below(s, sub, err) : 0;
		free(sub);
		if (rc < 0)
			return -1;
	}
	if (s->n == 0)
		return err_set(err, ERR_NOT_FOUND, "%s: no CLOUD/vms.csv in it, and no vms.csv", dir);
	return 0;
}

/* The names of AWS's zones, where the folder has a list of them. SkyPilot writes one an account; the first will do. */
static void read_zone_names(const char *vms_path, struct zone_names *zones)
{
	char *dir = xasprintf("%.*s", (int)(path_base(vms_path) - vms_path), vms_path);
	DIR *d = opendir(dir);
	for (struct dirent *e; d && zones->n == 0 && (e = readdir(d));) {
		size_t len;
		if (strncmp(e->d_name, "az_mappings", 11) != 0)
			continue;
		char *path = path_join(dir, e->d_name), *text = fs_read(path, 1 << 20, &len, NULL);
		if (text)
			zone_names_read(text, len, zones);
		free(text);
		free(path);
	}
	if (d)
		closedir(d);
	free(dir);
}

static void read_list(struct import *im, const struct found *f, int64_t as_of_ms)
{
	struct stat st;
	struct err why;
	size_t len;
	struct zone_names zones = {0};
	char *text = fs_read(f->path, VMS_MAX_BYTES, &len, &why);
	if (!text) {
		import_refused(im, f->cloud, f->label, why.text);
		return;
	}
	struct offer_source source = {.name = "imported price list", .as_of_ms = as_of_ms, .as_of_known = as_of_ms != 0};
	if (!as_of_ms && stat(f->path, &st) == 0)
		source.as_of_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	read_zone_names(f->path, &zones);
	import_add(im, f->cloud, f->label, text, len, &source, &zones);
	free(zones.v);
	free(text);
}

static bool any_taken(const struct import_report *r)
{
	for (size_t i = 0; i < r->n_clouds; i++)
		if (!r->clouds[i].refused)
			return true;
	return false;
}

int catalog_import_at(const char *path, const char *snapshot, const char *dir, int64_t as_of_ms, int64_t now_ms,
    struct import_report *report, struct err *err)
{
	struct search s = {.n = 0};
	struct import *im = import_create(report);
	int rc = search(&s, dir, err);
	for (size_t i = 0; i < s.n && rc == 0; i++)
		read_list(im, &s.v[i], as_of_ms);
	if (rc == 0 && !any_taken(report))
		rc = err_set(err, ERR_INVALID, "nothing was imported: %s", report->clouds[0].refused);
	if (rc == 0)
		rc = import_commit(im, path, snapshot, now_ms, err);
	search_free(&s);
	import_destroy(im);
	return rc;
}

int catalog_import(const char *dir, int64_t as_of_ms, struct import_report *report, struct err *err)
{
	char *path = catalog_path(), *snapshot = share_path("catalog/snapshot.db");
	int rc = catalog_import_at(path, snapshot, dir, as_of_ms, wall_now_ms(), report, err);
	free(path);
	free(snapshot);
	return rc;
}
