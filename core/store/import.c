/* Imports: parse everything first, which may take a while and may fail; then change the catalog in one go, cloud by cloud.
 * A list that is refused costs nothing but its own news. */
#include "core/store/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/store/catalog_db.h"

enum news { NEWS_LIST, NEWS_FAILED, NEWS_UNCHANGED };

struct item {
	enum news news;
	struct pricelist list; /* NEWS_LIST */
	char *cloud, *url, *etag;
	char *why;
	bool guarded; /* refuse it when it is suspiciously short */
	size_t report; /* index of its row there */
};

struct import {
	struct item *items;
	size_t n, cap;
	struct import_report *report;
	int64_t now_ms;
};

bool import_cloud_name_ok(const char *name)
{
	size_t n = strlen(name);
	return n > 0 && n <= 32 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

struct import *import_create(struct import_report *report)
{
	struct import *im = xcalloc(1, sizeof *im);
	*report = (struct import_report){0};
	im->report = report;
	return im;
}

void import_destroy(struct import *im)
{
	if (!im)
		return;
	for (size_t i = 0; i < im->n; i++) {
		pricelist_free(&im->items[i].list);
		free(im->items[i].cloud);
		free(im->items[i].url);
		free(im->items[i].etag);
		free(im->items[i].why);
	}
	free(im->items);
	free(im);
}

void import_report_free(struct import_report *r)
{
	for (size_t i = 0; i < r->n_clouds; i++) {
		free(r->clouds[i].cloud);
		free(r->clouds[i].file);
		free(r->clouds[i].refused);
	}
	for (size_t i = 0; i < r->n_problems; i++)
		free(r->problems[i]);
	free(r->clouds);
	free(r->problems);
	free(r->warning);
	*r = (struct import_report){0};
}

static struct import_cloud *add_row(struct import *im, const char *cloud, const char *file)
{
	struct import_report *r = im->report;
	r->clouds = xreallocarray(r->clouds, r->n_clouds + 1, sizeof *r->clouds);
	r->clouds[r->n_clouds] = (struct import_cloud){.cloud = xstrdup(cloud), .file = xstrdup(file)};
	return &r->clouds[r->n_clouds++];
}

static struct item *add_item(struct import *im, enum news news, const char *cloud)
{
	ARRAY_GROW(im->items, im->n, im->cap);
	im->items[im->n] = (struct item){.news = news, .cloud = xstrdup(cloud), .report = im->report->n_clouds - 1};
	return &im->items[im->n++];
}

static void add_problems(struct import_report *r, const char *file, struct vms_report *v)
{
	r->problems = xreallocarray(r->problems, r->n_problems + v->n_problems + 1, sizeof *r->problems);
	for (size_t i = 0; i < v->n_problems; i++) {
		r->problems[r->n_problems++] = xasprintf("%s:%s", file, v->problems[i]);
		free(v->problems[i]);
	}
}

bool import_add(struct import *im, const char *cloud, const char *file, char *text, size_t len,
    const struct offer_source *source, const struct zone_names *zones)
{
	struct vms_report v = {0};
	struct err why;
	struct import_cloud *row = add_row(im, cloud, file);
	struct item *item = add_item(im, NEWS_LIST, cloud);
	pricelist_init(&item->list, cloud);
	int rc = vms_csv_read(text, len, source, zones, &item->list, &v, &why);
	row->rows = v.rows;
	row->skipped = v.skipped;
	row->unmatched = v.unmatched;
	row->merged = item->list.n_merged;
	add_problems(im->report, file, &v);
	if (rc == 0)
		return true;
	row->refused = xasprintf("%s: %s", file, why.text);
	pricelist_free(&item->list);
	free(item->cloud);
	im->n--;
	return false;
}

void import_list(struct import *im, struct pricelist *list, size_t skipped, bool guarded)
{
	struct import_cloud *row = add_row(im, list->cloud, list->sources[0].name);
	struct item *item = add_item(im, NEWS_LIST, list->cloud);
	row->rows = list->n_rows + list->n_merged + skipped;
	row->skipped = skipped;
	row->merged = list->n_merged;
	item->list = *list;
	item->guarded = guarded;
	*list = (struct pricelist){0};
}

void import_refused(struct import *im, const char *cloud, const char *file, const char *why)
{
	add_row(im, cloud, file)->refused = xstrdup(why);
}

void import_failed(struct import *im, const char *cloud, const char *file, const char *why)
{
	add_row(im, cloud, file)->refused = xstrdup(why);
	add_item(im, NEWS_FAILED, cloud)->why = xstrdup(why);
}

void import_unchanged(struct import *im, const char *cloud, const char *file)
{
	add_row(im, cloud, file)->unchanged = true;
	add_item(im, NEWS_UNCHANGED, cloud);
}

void import_absent(struct import *im, const char *cloud, const char *file)
{
	add_row(im, cloud, file)->absent = true;
}

void import_hosted(struct import *im, const char *url, const char *etag, bool force)
{
	struct item *item = &im->items[im->n - 1];
	item->url = xstrdup(url);
	item->etag = xstrdup(etag);
	item->guarded = !force;
}

char *import_known(const char *path, const char *cloud, const char *url)
{
	bool damaged;
	sqlite3 *db = catdb_open_read(path, &damaged, NULL);
	char *etag = catdb_etag(db, cloud, url);
	sqlite3_close(db);
	return etag;
}

void import_add_failed(struct import *im)
{
	const struct import_cloud *row = &im->report->clouds[im->report->n_clouds - 1];
	add_item(im, NEWS_FAILED, row->cloud)->why = xstrdup(row->refused);
}

/* --- writing ----------------------------------------------------------------------------------------------------------*/

static int put_hosted(struct import *im, sqlite3 *db, const struct item *item, struct err *err)
{
	/* A list that came without an ETag, or from a file, ends what was remembered. */
	sqlite3_stmt *s = catdb_prepare(db, item->etag && *item->etag ? "INSERT OR REPLACE INTO hosted VALUES(?1,?2,?3,?4)"
								   : "DELETE FROM hosted WHERE cloud=?1", err);
	if (!s)
		return -1;
	sqlite3_bind_text(s, 1, item->cloud, -1, SQLITE_STATIC);
	if (item->etag && *item->etag) {
		sqlite3_bind_text(s, 2, item->url, -1, SQLITE_STATIC);
		sqlite3_bind_text(s, 3, item->etag, -1, SQLITE_STATIC);
		sqlite3_bind_int64(s, 4, im->now_ms);
	}
	int rc = catdb_run(s, err);
	sqlite3_finalize(s);
	return rc;
}

static int count_offers(sqlite3 *db, const char *cloud, const char *source, int64_t *n, struct err *err)
{
	sqlite3_stmt *s = catdb_prepare(db, "SELECT count(*) FROM type t JOIN offer o ON o.type=t.id LEFT JOIN source s ON s.id=o.source"
					    " WHERE t.cloud=?1 AND o.gone_at_ms IS NULL AND (?2 IS NULL OR s.name=?2)", err);
	if (!s)
		return -1;
	sqlite3_bind_text(s, 1, cloud, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, source, -1, SQLITE_STATIC);
	int rc = sqlite3_step(s) == SQLITE_ROW ? 0 : catdb_error(db, "catalog.db", err);
	if (rc == 0)
		*n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return rc;
}

/* Half a list may be what is left of a broken transfer: then the old one is better. Sets *refused and marks the cloud. */
static int check_length(struct import *im, sqlite3 *db, const struct item *item, bool *refused, struct err *err)
{
	int64_t had;
	struct import_cloud *row = &im->report->clouds[item->report];
	if (!item->guarded)
		return 0;
	if (count_offers(db, item->cloud, item->list.sources[0].name, &had, err) < 0)
		return -1;
	*refused = (int64_t)item->list.n_rows * 2 < had;
	if (!*refused)
		return 0;
	row->refused = xasprintf("%s: only %zu offers where there were %lld; --force takes it", row->file, item->list.n_rows,
	    (long long)had);
	return catdb_mark_cloud(db, item->cloud, row->refused, 0, err);
}

static int write_list(struct import *im, sqlite3 *db, const struct item *item, struct err *err)
{
	struct catdb_counts n;
	struct import_cloud *row = &im->report->clouds[item->report];
	bool refused = false;
	if (check_length(im, db, item, &refused, err) < 0)
		return -1;
	if (refused)
		return 0;
	if (catdb_replace_cloud(db, &item->list, im->now_ms, &n, err) < 0)
		return err_wrap(err, "%s", item->cloud);
	row->offers = n.total;
	row->added = n.added;
	row->removed = n.removed;
	row->changed = n.changed;
	return put_hosted(im, db, item, err);
}

static int change(sqlite3 *db, void *arg, struct err *err)
{
	struct import *im = arg;
	if (catdb_write_accelerators(db, err) < 0)
		return -1;
	for (size_t i = 0; i < im->n; i++) {
		struct item *item = &im->items[i];
		int64_t n = 0;
		int rc = 0;
		if (item->news == NEWS_LIST)
			rc = write_list(im, db, item, err);
		else if (item->news == NEWS_FAILED)
			rc = catdb_mark_cloud(db, item->cloud, item->why, 0, err);
		else
			rc = catdb_mark_cloud(db, item->cloud, NULL, im->now_ms, err);
		if (rc == 0 && item->news != NEWS_LIST)
			rc = count_offers(db, item->cloud, NULL, &n, err);
		if (rc < 0)
			return -1;
		if (item->news != NEWS_LIST)
			im->report->clouds[item->report].offers = (size_t)n;
	}
	return 0;
}

int import_commit(struct import *im, const char *path, const char *snapshot, int64_t now_ms, struct err *err)
{
	im->now_ms = now_ms;
	return catdb_change(path, snapshot, change, im, &im->report->warning, err);
}
