/* `catalog update`: SkyPilot's hosted price lists over HTTP. All lists are asked for at once, with the ETag of the one we have;
 * whatever arrives whole and sound is taken, and each cloud whose list does not keeps its offers and is marked stale. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/io/http.h"
#include "core/store/catalog_db.h"
#include "core/store/import.h"

enum {
	DEADLINE_MS = 120000,
	STALL_MS = 20000,
	MAX_TRIES = 3,
	MAX_RETRY_AFTER_S = 10,
};

/* Lists in dollars that SkyPilot hosts. Seeweb's are in euro, Mithril's are floors of an auction: only when named. */
static const char *const hosted_clouds[] = {"aws", "azure", "gcp", "lambda", "runpod", "vast", "nebius", "do", "cudo", "fluidstack",
    "hyperbolic", "hyperstack", "ibm", "jarvislabs", "lium", "oci", "paperspace", "primeintellect", "scp", "shadeform", "verda",
    "yotta", NULL};

struct update {
	struct loop *loop;
	struct http *http;
	struct import *im;
	const struct catalog_update *want;
	int64_t until_ms; /* monotonic */
	size_t open;	  /* fetches without a result */
	bool named;	  /* the person said which clouds */
};

/* One cloud's list on its way. */
struct fetch {
	struct update *u;
	const char *cloud;
	char *url, *etag; /* etag: of the list that the catalog has; "" */
	int tries;
	/* What came of it, taken in once all are done, in the order of the clouds. */
	int status;
	char *body, *new_etag;
	size_t len;
	char *problem;
};

static void start(struct fetch *f);

static void on_retry(void *arg)
{
	start(arg);
}

static void done(struct fetch *f, char *problem)
{
	f->problem = problem;
	if (--f->u->open == 0)
		loop_stop(f->u->loop);
}

/* Try again in a while if that may help and there is time; false: no. */
static bool retry(struct fetch *f, bool may_help, const char *retry_after)
{
	int64_t wait_s = f->tries;
	if (!may_help || f->tries >= MAX_TRIES)
		return false;
	if (retry_after && *retry_after && (!num_int(retry_after, 0, MAX_RETRY_AFTER_S, &wait_s)))
		return false;
	if (mono_now_ms() + wait_s * 1000 >= f->u->until_ms)
		return false;
	loop_after(f->u->loop, wait_s * 1000, on_retry, f);
	return true;
}

static char *status_problem(const struct fetch *f, int status)
{
	const char *what = status == 404 ? "there is no list" : status == 429 ? "asked too often" : status >= 500 ? "the server failed" :
	    "not the list";
	return xasprintf("%s: HTTP %d, %s", f->url, status, what);
}

static void on_reply(void *arg, const struct http_reply *reply, const struct err *err)
{
	struct fetch *f = arg;
	if (err) {
		if (!retry(f, err_info(err->code)->retry, NULL))
			done(f, xstrdup(err->text));
		return;
	}
	f->status = reply->status;
	if (reply->status == 304) {
		done(f, NULL);
	} else if (reply->status == 200) {
		f->len = reply->body_len;
		f->body = xmalloc(f->len + 1);
		memcpy(f->body, reply->body, f->len);
		f->new_etag = xstrdup(http_header(reply, "etag"));
		done(f, NULL);
	} else if (!retry(f, reply->status == 429 || reply->status >= 500, http_header(reply, "retry-after"))) {
		done(f, status_problem(f, reply->status));
	}
}

static void start(struct fetch *f)
{
	char *condition = xasprintf("If-None-Match: %s", f->etag);
	const char *headers[] = {*f->etag ? condition : NULL, NULL};
	int64_t left = f->u->until_ms - mono_now_ms();
	struct http_request req = {.url = f->url, .headers = headers, .timeout_ms = left > 1 ? left : 1,
	    .stall_ms = f->u->want->stall_ms ? f->u->want->stall_ms : STALL_MS,
	    .max_bytes = f->u->want->max_bytes ? f->u->want->max_bytes : VMS_MAX_BYTES};
	struct err err;
	f->tries++;
	if (!http_start(f->u->http, &req, on_reply, f, &err))
		done(f, xstrdup(err.text));
	free(condition);
}

/* --- before and after -------------------------------------------------------------------------------------------------*/

static char *list_url(const char *base, const char *cloud)
{
	size_t n = strlen(base);
	while (n && base[n - 1] == '/')
		n--;
	return xasprintf("%.*s/%s/vms.csv", (int)n, base, cloud);
}

static void take(struct update *u, struct fetch *f, int64_t now_ms)
{
	struct offer_source source = {.name = "hosted price list (SkyPilot catalog)", .as_of_ms = now_ms, .as_of_known = true};
	char *label = xasprintf("%s/vms.csv", f->cloud);
	if (f->problem && f->status == 404 && !u->named && !*f->etag)
		import_absent(u->im, f->cloud, label);
	else if (f->problem)
		import_failed(u->im, f->cloud, label, f->problem);
	else if (f->status == 304)
		import_unchanged(u->im, f->cloud, label);
	else if (import_add(u->im, f->cloud, label, f->body, f->len, &source, NULL))
		import_hosted(u->im, f->url, f->new_etag, u->want->force);
	else
		import_add_failed(u->im);
	free(label);
}

static void fetch_free(struct fetch *f)
{
	free(f->url);
	free(f->etag);
	free(f->body);
	free(f->new_etag);
	free(f->problem);
}

/* Fetch all lists; every fetch has a result afterwards. */
static int fetch_all(struct update *u, struct fetch *v, size_t n, struct err *err)
{
	u->loop = loop_create();
	u->http = http_create(u->loop, err);
	if (u->http) {
		http_configure(u->http, u->want->proxy, u->want->ca_file);
		u->open = n + 1; /* one for ourselves: a start that fails at once must not end the loop before it runs */
		for (size_t i = 0; i < n; i++)
			start(&v[i]);
		if (--u->open)
			loop_run(u->loop);
	}
	int rc = u->http ? 0 : -1;
	http_destroy(u->http);
	loop_destroy(u->loop);
	return rc;
}

static int check_clouds(const char *const *clouds, size_t *n, struct err *err)
{
	for (*n = 0; clouds[*n]; ++*n)
		if (!import_cloud_name_ok(clouds[*n]))
			return err_set(err, ERR_USAGE, "'%s' is no name for a cloud (a to z, 0 to 9, _ and -)", clouds[*n]);
	return 0;
}

static bool any_news(const struct import_report *r)
{
	for (size_t i = 0; i < r->n_clouds; i++)
		if (!r->clouds[i].refused && !r->clouds[i].absent)
			return true;
	return false;
}

static int update(struct update *u, const char *path, const char *snapshot, struct import_report *report, struct err *err)
{
	const char *const *clouds = u->named ? u->want->clouds : hosted_clouds;
	const char *base = u->want->url ? u->want->url : CATALOG_HOSTED_URL;
	size_t n;
	bool damaged;
	if (check_clouds(clouds, &n, err) < 0)
		return -1;
	struct fetch *v = xcalloc(n + 1, sizeof *v);
	sqlite3 *db = catdb_open_read(path, &damaged, NULL);
	for (size_t i = 0; i < n; i++) {
		v[i] = (struct fetch){.u = u, .cloud = clouds[i], .url = list_url(base, clouds[i])};
		v[i].etag = u->want->force ? xstrdup("") : catdb_etag(db, clouds[i], v[i].url);
	}
	sqlite3_close(db);
	int rc = fetch_all(u, v, n, err);
	int64_t now_ms = wall_now_ms();
	for (size_t i = 0; i < n && rc == 0; i++)
		take(u, &v[i], now_ms);
	for (size_t i = 0; i < n; i++)
		fetch_free(&v[i]);
	free(v);
	if (rc == 0)
		rc = import_commit(u->im, path, snapshot, now_ms, err);
	if (rc == 0 && !any_news(report))
		rc = err_set(err, ERR_NETWORK, "no list could be had from %s; the offers are kept as they were%s%s", base,
		    report->n_clouds && report->clouds[0].refused ? ": " : "",
		    report->n_clouds && report->clouds[0].refused ? report->clouds[0].refused : "");
	return rc;
}

int catalog_update_at(const char *path, const char *snapshot, const struct catalog_update *want, struct import_report *report,
    struct err *err)
{
	struct update u = {.im = import_create(report), .want = want, .named = want->clouds && want->clouds[0],
	    .until_ms = mono_now_ms() + (want->deadline_ms ? want->deadline_ms : DEADLINE_MS)};
	int rc = update(&u, path, snapshot, report, err);
	import_destroy(u.im);
	return rc;
}

int catalog_update(const struct catalog_update *want, struct import_report *report, struct err *err)
{
	char *path = catalog_path(), *snapshot = share_path("catalog/snapshot.db");
	int rc = catalog_update_at(path, snapshot, want, report, err);
	free(path);
	free(snapshot);
	return rc;
}
