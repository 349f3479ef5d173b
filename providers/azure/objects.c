/* Blob Storage: what a URI (https://ACCOUNT.blob.core.windows.net/CONTAINER/prefix) names, and links to it. API: learn.microsoft.com/rest/api/storageservices
 * (List Blobs, Create a service SAS). A link is a shared access signature for one blob, to be read for an hour.
 *
 * Signatures need a key of the account: from $AZURE_STORAGE_CONNECTION_STRING, or $AZURE_STORAGE_ACCOUNT and $AZURE_STORAGE_KEY, else asked of Azure's
 * resource manager as whoever is logged in. Who has none asks without: public containers answer. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"
#include "providers/azure/sas.h"
#include "providers/common/objects.h"
#include "providers/common/sigv4.h"

enum { PAGE = 1000, KEY_KEPT_MS = 30 * 60000 };

struct blobs {
	struct azure *g;
	struct arena *a;
	const char *uri, *account, *base; /* base: of the account, no slash at its end */
	struct objects_uri at;
	const char *key; /* base64; NULL: nobody's */
	const char *as, *no_key;
};

/* ---- the account's key ------------------------------------------------------------------------------------------------ */

/* "Name=value;…" */
static const char *part_of(struct arena *a, const char *text, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = text; p && *p; p += strcspn(p, ";"), p += *p == ';')
		if (!strncmp(p, name, n) && p[n] == '=')
			return arena_strndup(a, p + n + 1, strcspn(p + n + 1, ";"));
	return NULL;
}

static bool from_variables(struct blobs *b)
{
	const char *line = talk_var(&b->g->talk, "AZURE_STORAGE_CONNECTION_STRING"), *name = talk_var(&b->g->talk, "AZURE_STORAGE_ACCOUNT");
	const char *key = talk_var(&b->g->talk, "AZURE_STORAGE_KEY"), *base;
	if (line && str_ieq(part_of(b->a, line, "AccountName"), b->account) && part_of(b->a, line, "AccountKey")) {
		b->key = part_of(b->a, line, "AccountKey");
		b->as = "$AZURE_STORAGE_CONNECTION_STRING";
		base = part_of(b->a, line, "BlobEndpoint");
		if (base)
			b->base = arena_strndup(b->a, base, strlen(base) - str_ends(base, "/"));
		return true;
	}
	if (!name || !key || !str_ieq(name, b->account))
		return false;
	b->key = key;
	b->as = "$AZURE_STORAGE_KEY";
	return true;
}

static void keep_key(struct blobs *b, const char *key, const char *as)
{
	json_t *m = talk_memory(&b->g->talk, "storage_keys");
	b->key = arena_strdup(b->a, key);
	b->as = arena_strdup(b->a, as);
	json_object_set_new(m, b->account, json_pack("{s:s, s:s, s:I}", "key", key, "as", as, "until", (json_int_t)(b->g->c->env->now_ms + KEY_KEPT_MS)));
}

/* 1, 0, −1: of the subscription's accounts the one of that name. */
static int ask_manager(struct blobs *b)
{
	struct azure *g = b->g;
	size_t i;
	json_t *v;
	const char *id = NULL, *key;
	const json_t *list = azure_list(g, "accounts", azure_in(g, NULL, "2023-01-01", "/providers/Microsoft.Storage/storageAccounts"), "listing the storage accounts");
	if (!list)
		return g->err->code ? -1 : 0;
	json_array_foreach(list, i, v)
		if (str_ieq(json_str(v, "name", NULL), b->account))
			id = json_str(v, "id", NULL);
	if (!id || id[0] != '/' || strpbrk(id, " ?#%\r\n")) {
		b->no_key = arena_printf(b->a, "no storage account %s is in the subscription %s, as %s sees it", b->account, g->subscription, g->identity);
		return 1;
	}
	const json_t *a = azure_ask(g, "POST", "keys", azure_url(g, AZURE_ARM, "%s/listKeys?api-version=2023-01-01", id), NULL);
	if (!a)
		return 0;
	if (azure_answer_error(a, arena_printf(b->a, "%s: asking for the keys of the storage account %s as %s", b->uri, b->account, g->identity), false, g->err)) {
		err_set_scope(g->err, ERR_SCOPE_TASK);
		return -1;
	}
	key = json_str(json_array_get(json_arr(json_obj(a, "body"), "keys"), 0), "value", NULL);
	if (!key)
		return err_set(g->err, ERR_PROTOCOL, "%s: Azure told no key of the storage account %s", b->uri, b->account);
	keep_key(b, key, g->identity);
	return 1;
}

static int find_key(struct blobs *b)
{
	const json_t *kept = json_obj(talk_memory(&b->g->talk, "storage_keys"), b->account);
	if (from_variables(b))
		return 1;
	if (json_int(kept, "until", 0) > b->g->c->env->now_ms) {
		b->key = arena_strdup(b->a, json_str(kept, "key", NULL));
		b->as = arena_strdup(b->a, json_str(kept, "as", NULL));
		return 1;
	}
	int r = azure_auth(b->g);
	if (r > 0)
		return ask_manager(b);
	if (r == 0 || b->g->err->code != ERR_CREDENTIALS)
		return r;
	b->no_key = arena_strdup(b->a, b->g->err->text);
	*b->g->err = (struct err){.code = ERR_NONE};
	return 1;
}

/* ---- URLs ------------------------------------------------------------------------------------------------------------- */

static int parse(struct blobs *b)
{
	static const char suffix[] = ".blob.core.windows.net/";
	const char *host = b->uri + strlen("https://"), *end = str_istr(host, suffix);
	size_t n = end ? (size_t)(end - host) : 0;
	bool ok = n >= 3 && n <= 63 && strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
	if (!ok)
		return err_set(b->g->err, ERR_INVALID, "%.200s: this is no URI of a container: https://ACCOUNT.blob.core.windows.net/CONTAINER/…", b->uri);
	b->account = arena_strndup(b->a, host, n);
	if (strpbrk(b->uri, "?#"))
		return err_set(b->g->err, ERR_INVALID, "https://%s%s…: a URI of a container has no ? or # in it: signatures are made here, from your own keys",
		    b->account, suffix);
	b->base = b->g->base ? arena_printf(b->a, "%s/%s", b->g->base, b->account) : arena_printf(b->a, "https://%s.blob.core.windows.net", b->account);
	return objects_uri(b->a, arena_printf(b->a, "az://%s", end + sizeof suffix - 1), &b->at, b->g->err);
}

/* With a signature that allows `right` on a blob (NULL: the container). NULL with err. */
static const char *url_of(struct blobs *b, const char *blob, const char *right, const char *query)
{
	struct str s = str_new(16384);
	char end[24];
	const char *sas = NULL;
	int64_t now_ms = wall_now_ms() / 60000 * 60000;
	str_addf(&s, "%s/%s", b->base, b->at.bucket);
	if (blob) {
		str_addc(&s, '/');
		sigv4_encode(&s, blob, strlen(blob), false);
	}
	time_rfc3339(now_ms + (PROVIDER_LINK_S + 60) * INT64_C(1000), end, sizeof end);
	if (b->key)
		sas = sas_of(b->a, &(struct sas){.account = b->account, .container = b->at.bucket, .blob = blob, .right = right, .end = end,
			.https_only = str_starts(b->base, "https:")}, b->key, b->g->err);
	if (sas || *query)
		str_addf(&s, "?%s%s%s", query, sas && *query ? "&" : "", sas ? sas : "");
	const char *url = b->key && !sas ? NULL : arena_strdup(b->a, str_text(&s));
	str_free(&s);
	return url;
}

static const char *list_url(struct blobs *b, const char *prefix, int max, const char *marker)
{
	const char *more = marker && *marker ? arena_printf(b->a, "&marker=%s", talk_quote(b->a, marker)) : "";
	return url_of(b, NULL, "l", arena_printf(b->a, "restype=container&comp=list&maxresults=%d&prefix=%s%s", max, talk_quote(b->a, prefix), more));
}

/* ---- asking ----------------------------------------------------------------------------------------------------------- */

static const char *code_of(const json_t *answer)
{
	const char *head = json_str(json_obj(answer, "headers"), "x-ms-error-code", NULL);
	return head ? head : json_str(json_obj(json_obj(answer, "body"), "Error"), "Code", "");
}

/* −1 with g->err. */
static int refused(struct blobs *b, const json_t *answer)
{
	struct err *err = b->g->err;
	int status = talk_status(answer);
	const char *code = code_of(answer), *lost = json_str(answer, "failed", NULL);
	if (lost)
		err_set(err, err_code_of(lost), "%s: %s", b->uri, json_str(answer, "text", ""));
	else if (!b->key && (status == 401 || status == 403 || status == 404 || status == 409))
		err_set(err, ERR_CREDENTIALS, "%s is not public, or not there, and %s", b->uri, b->no_key);
	else if (!strcmp(code, "ContainerNotFound") || status == 404)
		err_set(err, ERR_NOT_FOUND, "%s: there is no container %s", b->uri, b->at.bucket);
	else if (status == 401 || status == 403)
		err_set(err, ERR_CREDENTIALS, "%s (asked with a key of the account, from %s): Azure says %s", b->uri, b->as, *code ? code : "HTTP status 403");
	else
		err_set(err, status == 429 || status == 503 ? ERR_THROTTLED : status >= 500 ? ERR_NETWORK : ERR_PROTOCOL, "%s: Azure says %s (HTTP status %d)", b->uri,
		    *code ? code : "no more", status);
	return err_set_scope(err, ERR_SCOPE_TASK);
}

static const char *etag_of(struct arena *a, const char *text)
{
	size_t n = text ? strlen(text) : 0;
	return n > 2 && text[0] == '"' ? arena_strndup(a, text + 1, n - 2) : text;
}

/* Of the account's kind with real folders they are in the list as well. */
static json_t *entry_of(struct blobs *b, const json_t *blob, const char *name)
{
	const json_t *p = json_obj(blob, "Properties");
	int64_t size = -1;
	if (!num_int(json_str(p, "Content-Length", ""), 0, INT64_MAX, &size)) {
		err_set(b->g->err, ERR_PROTOCOL, "%s: the list has an entry that is none", b->uri);
		return NULL;
	}
	bool folder = str_ends(name, "/") || str_ieq(json_str(p, "ResourceType", NULL), "directory");
	return objects_entry(name, size, etag_of(b->a, json_str(p, "Etag", NULL)), folder);
}

/* The blobs of a page: a list, borrowed from *one (decref it) or the answer. NULL: PROTOCOL. */
static const json_t *blobs_of(struct blobs *b, const json_t *answer, json_t **one)
{
	const json_t *root = json_obj(json_obj(answer, "body"), "EnumerationResults"), *list = objects_list(json_obj(root, "Blobs"), "Blob", one);
	if (!root)
		err_set(b->g->err, ERR_PROTOCOL, "%s: what answers there is no Blob Storage", b->uri);
	if (root && !list)
		list = *one = json_array();
	return list;
}

/* ---- the single blob, and the list ------------------------------------------------------------------------------------- */

/* 1 with *entry (NULL: it is none), 0, −1. */
static int look_at_one(struct blobs *b, const json_t *refusal, json_t **entry)
{
	const char *url = url_of(b, b->at.key, "r", "");
	const json_t *a = url ? talk_ask(&b->g->talk, "head", &(struct talk_ask){.method = "HEAD", .url = url}) : NULL, *h = json_obj(a, "headers");
	int64_t size;
	if (!a)
		return url ? 0 : -1;
	if (talk_status(a) != 200 || !num_int(json_str(h, "content-length", ""), 0, INT64_MAX, &size))
		return refused(b, refusal);
	*entry = objects_entry("", size, etag_of(b->a, json_str(h, "etag", NULL)), false);
	return 1;
}

static int find_one(struct blobs *b, json_t **entry)
{
	json_t *one = NULL;
	const char *url = list_url(b, b->at.key, 1, NULL);
	*entry = NULL;
	if (!objects_may_be_one(&b->at))
		return 1;
	const json_t *a = url ? talk_ask(&b->g->talk, "first", &(struct talk_ask){.url = url}) : NULL;
	if (!a)
		return url ? 0 : -1;
	if (talk_status(a) != 200)
		return !b->key && talk_status(a) ? look_at_one(b, a, entry) : refused(b, a);
	const json_t *list = blobs_of(b, a, &one), *first = json_array_get(list, 0);
	int r = list ? 1 : -1;
	if (first && str_eq(json_str(first, "Name", NULL), b->at.key)) {
		*entry = entry_of(b, first, "");
		r = *entry ? 1 : -1;
		if (*entry && json_bool(*entry, "folder", false)) {
			json_decref(*entry);
			*entry = NULL;
		}
	}
	json_decref(one);
	return r;
}

static int take_page(struct blobs *b, const json_t *answer, json_t *objects)
{
	json_t *one = NULL, *blob;
	size_t i, n = strlen(b->at.prefix);
	const json_t *list = blobs_of(b, answer, &one);
	int rc = list ? 0 : -1;
	json_array_foreach(list, i, blob) {
		const char *name = json_str(blob, "Name", "");
		if (rc || strncmp(name, b->at.prefix, n) != 0 || (n && !name[n]))
			continue;
		json_t *entry = entry_of(b, blob, name + n);
		if (entry)
			json_array_append_new(objects, entry);
		rc = entry ? 0 : -1;
	}
	json_decref(one);
	return rc;
}

static enum provider_step part(struct azure *g, json_t *objects)
{
	g->c->result = json_pack("{s:o}", "objects", objects);
	return PROVIDER_PART;
}

static enum provider_step next_page(struct blobs *b, json_t *state)
{
	struct azure *g = b->g;
	const char *url = list_url(b, b->at.prefix, PAGE, json_str(state, "marker", NULL));
	const json_t *a = url ? talk_ask(&g->talk, "page", &(struct talk_ask){.url = url}) : NULL;
	if (!a)
		return url ? talk_send(&g->talk) : PROVIDER_FAILED;
	json_t *objects = json_array();
	if (talk_status(a) != 200 ? refused(b, a) : take_page(b, a, objects)) {
		json_decref(objects);
		return PROVIDER_FAILED;
	}
	const char *next = json_str(json_obj(json_obj(a, "body"), "EnumerationResults"), "NextMarker", "");
	json_put_bool(state, "begun", true);
	json_put_bool(state, "whole", !*next);
	json_put_str(state, "marker", next);
	talk_forget(&g->talk, "page");
	return part(g, objects);
}

static enum provider_step list(struct blobs *b)
{
	json_t *state = talk_part(&b->g->talk, "objects"), *entry;
	if (json_bool(state, "whole", false)) {
		json_t *j = json_pack("{s:b, s:n, s:b}", "single", json_bool(state, "single", false), "region", "public", !b->key);
		json_put_str(j, "as", b->as);
		return talk_done(&b->g->talk, j);
	}
	if (json_bool(state, "begun", false))
		return next_page(b, state);
	int r = find_one(b, &entry);
	if (r <= 0)
		return r ? PROVIDER_FAILED : talk_send(&b->g->talk);
	if (!entry)
		return next_page(b, state);
	json_put_bool(state, "whole", true);
	json_put_bool(state, "single", true);
	return part(b->g, json_pack("[o]", entry));
}

static enum provider_step link(struct blobs *b, const json_t *names)
{
	json_t *links = json_array(), *name;
	size_t i;
	json_array_foreach(names, i, name) {
		const char *url = url_of(b, objects_key(b->a, &b->at, json_string_value(name) ? json_string_value(name) : ""), "r", "");
		if (!url) {
			json_decref(links);
			return PROVIDER_FAILED;
		}
		json_array_append_new(links, json_pack("{s:s, s:n}", "url", url, "header"));
	}
	return talk_done(&b->g->talk, json_pack("{s:o}", "links", links));
}

enum provider_step azure_objects(struct azure *g)
{
	struct blobs b = {.g = g, .a = g->c->arena, .uri = json_str(g->c->args, "uri", "")};
	const json_t *names = json_arr(g->c->args, "names");
	if (talk_endpoint(&g->talk, "SKYTOP_AZURE_ENDPOINT", &g->base) || parse(&b))
		return PROVIDER_FAILED;
	int r = names && json_bool(g->c->args, "public", false) ? 1 : find_key(&b);
	if (r <= 0)
		return r ? PROVIDER_FAILED : talk_send(&g->talk);
	return names ? link(&b, names) : list(&b);
}
