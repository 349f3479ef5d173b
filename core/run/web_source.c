/* Its size and etag are asked by HEAD; nodes get the URL as it is, and follow redirects as we do not need to: what is behind one may have another host, so
 * it is looked at where it says it is. A server that does not tell the size cannot be copied from: nothing could be verified. */
#include "core/run/web_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/redact.h"
#include "core/base/str.h"

enum { REDIRECTS_MAX = 5, STEP_ASK = 0, STEP_READ = 1 };

static const char *header(const struct provider_http_reply *r, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; r->headers && r->headers[i]; i++)
		if (!strncmp(r->headers[i], name, n) && r->headers[i][n] == ':')
			return r->headers[i] + n + 1 + strspn(r->headers[i] + n + 1, " \t");
	return "";
}

static bool url_ok(const char *url)
{
	const char *host = str_starts(url, "https://") ? url + 8 : str_starts(url, "http://") ? url + 7 : "";
	for (const char *p = url; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 127 || strchr("\"\\<>^`{|}", *p))
			return false;
	return host[strcspn(host, "/?#")] && strcspn(host, "/?#") && !memchr(host, '@', strcspn(host, "/?#"));
}

static const char *shown(const struct provider_call *c)
{
	char *text = redact_url(json_str(c->args, "uri", ""));
	const char *own = arena_strdup(c->arena, text);
	free(text);
	return own;
}

static enum provider_step failed(struct provider_call *c, struct err *err, enum err_code code, const char *why)
{
	err_set(err, code, "%.300s: %s", shown(c), why);
	err_set_scope(err, ERR_SCOPE_TASK);
	return PROVIDER_FAILED;
}

static enum provider_step ask(struct provider_call *c, const char *url)
{
	struct provider_http *http = arena_alloc(c->arena, sizeof *http);
	/* Nodes ask for it as it is: the size of another form (gzip) would be the size of no file. */
	static const char *const headers[] = {"Accept-Encoding: identity", NULL};
	*http = (struct provider_http){.method = "HEAD", .url = url, .headers = headers};
	c->request = (struct provider_request){.kind = PROVIDER_HTTP, .http = http, .n_http = 1};
	c->step = STEP_READ;
	return PROVIDER_REQUEST;
}

static enum provider_step follow(struct provider_call *c, const char *to, struct err *err)
{
	int64_t n = json_int(c->scratch, "redirects", 0) + 1;
	const char *from = json_str(c->scratch, "url", json_str(c->args, "uri", ""));
	const char *host = strstr(from, "://") + 3;
	char *url = to[0] == '/' && to[1] != '/' ? arena_printf(c->arena, "%.*s%s", (int)(host - from + (long)strcspn(host, "/?#")), from, to)
						 : arena_strdup(c->arena, to);
	if (n > REDIRECTS_MAX || !url_ok(url) || (str_starts(from, "https://") && !str_starts(url, "https://")))
		return failed(c, err, ERR_PROTOCOL, "it redirects too often, or to what is no safe place");
	json_put_int(c->scratch, "redirects", n);
	json_put_str(c->scratch, "url", url);
	return ask(c, url);
}

static enum provider_step read_reply(struct provider_call *c, const struct provider_http_reply *r, struct err *err)
{
	int64_t size;
	const char *etag = header(r, "etag"), *when = header(r, "last-modified");
	size_t n = strlen(etag);
	if (r->code) {
		err_set(err, r->code, "%.700s", r->err_text); /* it names the address */
		return PROVIDER_FAILED;
	}
	if (r->status / 100 == 3 && *header(r, "location"))
		return follow(c, header(r, "location"), err);
	if (r->status / 100 != 2)
		return failed(c, err, r->status == 404 || r->status == 410 ? ERR_NOT_FOUND : r->status == 401 || r->status == 403 ? ERR_CREDENTIALS : ERR_PROTOCOL,
		    arena_printf(c->arena, "HTTP status %d", r->status));
	if (!num_int(header(r, "content-length"), 0, INT64_MAX, &size))
		return failed(c, err, ERR_UNSUPPORTED, "the server does not say how large it is");
	if (n > 2 && etag[0] == '"' && etag[n - 1] == '"')
		etag = arena_strndup(c->arena, etag + 1, n - 2);
	else
		etag = arena_printf(c->arena, "W/%s%s", etag, n ? "" : when); /* a weak one: to know it again, not to ask by */
	json_t *entry = json_pack("{s:s, s:I, s:o}", "name", "", "size", (json_int_t)size, "etag", json_foreign(etag));
	c->result = json_pack("{s:[o]}", "objects", entry);
	json_put_bool(c->scratch, "told", true);
	return PROVIDER_PART;
}

static enum provider_step step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	const char *uri = json_str(c->args, "uri", "");
	if (c->verb != PROVIDER_OBJECTS || !url_ok(uri))
		return failed(c, err, ERR_INVALID, "this is no URL: blanks and other signs are written %20 and so on, and a user is not in it");
	if (json_arr(c->args, "names")) {
		c->result = json_pack("{s:[{s:s, s:n}]}", "links", "url", uri, "header");
		return PROVIDER_DONE;
	}
	if (json_bool(c->scratch, "told", false)) {
		c->result = json_pack("{s:b, s:n, s:b, s:n}", "single", 1, "region", "public", 1, "as");
		return PROVIDER_DONE;
	}
	return reply && c->step == STEP_READ ? read_reply(c, &reply->http[0], err) : ask(c, uri);
}

static const char *const stores[] = {"https://*", "http://*", NULL};

const struct provider web_source = {.name = "https", .title = "The web", .credentials = "none", .stores = stores, .step = step};
