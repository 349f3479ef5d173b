/* HTTP: libcurl's multi interface driven by the loop. libcurl is opened when first used (see lazy.h). */
#include "core/io/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/lazy.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/trace.h"

enum { DEFAULT_TIMEOUT_MS = 30000, DEFAULT_STALL_MS = 15000, DEFAULT_MAX_BYTES = 16 << 20, HEADER_MAX = 1000 };

/* The part of libcurl that is used. Two of them are variadic. */
struct curl_api {
	CURLcode (*global_init)(long);
	CURL *(*easy_init)(void);
	CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
	CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
	void (*easy_cleanup)(CURL *);
	const char *(*easy_strerror)(CURLcode);
	struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
	void (*slist_free_all)(struct curl_slist *);
	CURLM *(*multi_init)(void);
	CURLMcode (*multi_setopt)(CURLM *, CURLMoption, ...);
	CURLMcode (*multi_add_handle)(CURLM *, CURL *);
	CURLMcode (*multi_remove_handle)(CURLM *, CURL *);
	CURLMcode (*multi_socket_action)(CURLM *, curl_socket_t, int, int *);
	CURLMsg *(*multi_info_read)(CURLM *, int *);
	CURLMcode (*multi_cleanup)(CURLM *);
};

struct http {
	struct loop *loop;
	struct curl_api c;
	CURLM *multi;
	unsigned timer;
	struct http_call *calls;
};

enum header { H_ETAG, H_LAST_MODIFIED, H_RETRY_AFTER, H_CONTENT_TYPE, HEADERS };
static const char *const header_names[HEADERS] = {"etag", "last-modified", "retry-after", "content-type"};

struct http_call {
	struct http *http;
	struct http_call *prev, *next;
	CURL *easy;
	struct curl_slist *headers;
	char *url, *body_out;
	struct str body;
	char values[HEADERS][HEADER_MAX];
	char error[CURL_ERROR_SIZE];
	http_fn *fn;
	void *arg;
};

static int open_curl(struct curl_api *c, struct err *err)
{
	static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib", NULL};
	const struct lazy_symbol symbols[] = {
	    {"curl_global_init", &c->global_init},
	    {"curl_easy_init", &c->easy_init},
	    {"curl_easy_setopt", &c->easy_setopt},
	    {"curl_easy_getinfo", &c->easy_getinfo},
	    {"curl_easy_cleanup", &c->easy_cleanup},
	    {"curl_easy_strerror", &c->easy_strerror},
	    {"curl_slist_append", &c->slist_append},
	    {"curl_slist_free_all", &c->slist_free_all},
	    {"curl_multi_init", &c->multi_init},
	    {"curl_multi_setopt", &c->multi_setopt},
	    {"curl_multi_add_handle", &c->multi_add_handle},
	    {"curl_multi_remove_handle", &c->multi_remove_handle},
	    {"curl_multi_socket_action", &c->multi_socket_action},
	    {"curl_multi_info_read", &c->multi_info_read},
	    {"curl_multi_cleanup", &c->multi_cleanup},
	};
	return lazy_open(names, symbols, ARRAY_LEN(symbols), err);
}

static void call_free(struct http_call *call)
{
	struct http *h = call->http;
	h->c.multi_remove_handle(h->multi, call->easy);
	h->c.easy_cleanup(call->easy);
	h->c.slist_free_all(call->headers);
	if (call->prev)
		call->prev->next = call->next;
	else
		h->calls = call->next;
	if (call->next)
		call->next->prev = call->prev;
	str_free(&call->body);
	free(call->url);
	free(call->body_out);
	free(call);
}

static enum err_code curl_code(CURLcode rc)
{
	switch ((int)rc) {
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_TIMEOUT;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return ERR_INVALID;
	case CURLE_WRITE_ERROR:
	case CURLE_FILESIZE_EXCEEDED:
		return ERR_PROTOCOL;
	default:
		return ERR_NETWORK;
	}
}

static void finish(struct http_call *call, CURLcode rc)
{
	struct http *h = call->http;
	struct err err;
	long status = 0;
	h->c.easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	struct http_reply reply = {.status = (int)status,
	    .body = str_text(&call->body),
	    .body_len = call->body.len,
	    .etag = call->values[H_ETAG],
	    .last_modified = call->values[H_LAST_MODIFIED],
	    .retry_after = call->values[H_RETRY_AFTER],
	    .content_type = call->values[H_CONTENT_TYPE]};
	if (call->body.full)
		err_set(&err, ERR_PROTOCOL, "%s: the reply is larger than %zu bytes, the most that is read", call->url, call->body.max);
	else if (rc)
		err_set(&err, curl_code(rc), "%s: %s", call->url, call->error[0] ? call->error : h->c.easy_strerror(rc));
	trace_body("http in", rc || call->body.full ? err.text : call->url, (int)status, reply.body, reply.body_len);
	http_fn *fn = call->fn;
	void *arg = call->arg;
	if (rc || call->body.full)
		fn(arg, NULL, &err);
	else
		fn(arg, &reply, NULL);
	call_free(call);
}

static void collect(struct http *h)
{
	int left;
	for (CURLMsg *m; (m = h->c.multi_info_read(h->multi, &left));) {
		if (m->msg != CURLMSG_DONE)
			continue;
		CURLcode rc = m->data.result;
		struct http_call *call = NULL;
		h->c.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &call);
		finish(call, rc);
	}
}

static void on_fd(int fd, int events, void *arg)
{
	struct http *h = arg;
	int running, mask = (events & LOOP_IN ? CURL_CSELECT_IN : 0) | (events & LOOP_OUT ? CURL_CSELECT_OUT : 0) |
			    (events & LOOP_HUP ? CURL_CSELECT_ERR : 0);
	h->c.multi_socket_action(h->multi, fd, mask, &running);
	collect(h);
}

static void on_timer(void *arg)
{
	struct http *h = arg;
	int running;
	h->timer = 0;
	h->c.multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(h);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sock)
{
	(void)easy;
	(void)sock;
	struct http *h = arg;
	int events = what == CURL_POLL_REMOVE ? 0 : (what & CURL_POLL_IN ? LOOP_IN : 0) | (what & CURL_POLL_OUT ? LOOP_OUT : 0);
	loop_watch(h->loop, fd, events, on_fd, h);
	return 0;
}

static int on_curl_timer(CURLM *multi, long ms, void *arg)
{
	(void)multi;
	struct http *h = arg;
	loop_cancel(h->loop, h->timer);
	h->timer = ms < 0 ? 0 : loop_after(h->loop, ms, on_timer, h);
	return 0;
}

struct http *http_create(struct loop *l, struct err *err)
{
	struct http *h = xcalloc(1, sizeof *h);
	h->loop = l;
	if (open_curl(&h->c, err)) {
		free(h);
		return NULL;
	}
	h->c.global_init(CURL_GLOBAL_DEFAULT);
	h->multi = h->c.multi_init();
	h->c.multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	h->c.multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	h->c.multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	h->c.multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	return h;
}

void http_destroy(struct http *h)
{
	if (!h)
		return;
	while (h->calls)
		call_free(h->calls);
	loop_cancel(h->loop, h->timer);
	h->c.multi_cleanup(h->multi);
	free(h);
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;
	str_addn(&call->body, data, size * n);
	return call->body.full ? 0 : size * n;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;
	size_t len = size * n;
	if (len >= 5 && !strncmp(data, "HTTP/", 5)) /* a redirect's headers are not the reply's */
		memset(call->values, 0, sizeof call->values);
	for (int i = 0; i < HEADERS; i++) {
		size_t k = strlen(header_names[i]);
		if (len <= k || data[k] != ':' || strncasecmp(data, header_names[i], k))
			continue;
		size_t a = k + 1, b = len;
		while (a < b && (data[a] == ' ' || data[a] == '\t'))
			a++;
		while (b > a && (unsigned char)data[b - 1] <= ' ')
			b--;
		if (b - a < HEADER_MAX) {
			memcpy(call->values[i], data + a, b - a);
			call->values[i][b - a] = '\0';
		}
	}
	return len;
}

static void set_options(struct http_call *call, const struct http_request *req)
{
	const struct curl_api *c = &call->http->c;
	CURL *e = call->easy;
	bool tls = str_starts(req->url, "https:");
	c->easy_setopt(e, CURLOPT_URL, call->url);
	c->easy_setopt(e, CURLOPT_PRIVATE, call);
	c->easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	c->easy_setopt(e, CURLOPT_ERRORBUFFER, call->error);
	c->easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	c->easy_setopt(e, CURLOPT_WRITEDATA, call);
	c->easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	c->easy_setopt(e, CURLOPT_HEADERDATA, call);
	c->easy_setopt(e, CURLOPT_HTTPHEADER, call->headers);
	c->easy_setopt(e, CURLOPT_USERAGENT, "skytop");
	c->easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
	c->easy_setopt(e, CURLOPT_FOLLOWLOCATION, 1L);
	c->easy_setopt(e, CURLOPT_MAXREDIRS, 5L);
#if LIBCURL_VERSION_NUM >= 0x075500
	c->easy_setopt(e, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http,https");
	c->easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https");
#else
	c->easy_setopt(e, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTPS | (tls ? 0 : CURLPROTO_HTTP)));
	c->easy_setopt(e, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTPS | (tls ? 0 : CURLPROTO_HTTP)));
#endif
	c->easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(req->timeout_ms ? req->timeout_ms : DEFAULT_TIMEOUT_MS));
	c->easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(req->stall_ms ? req->stall_ms : DEFAULT_STALL_MS));
	c->easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
	c->easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)((req->stall_ms ? req->stall_ms : DEFAULT_STALL_MS) / 1000 + 1));
	if (req->method && strcmp(req->method, "GET"))
		c->easy_setopt(e, CURLOPT_CUSTOMREQUEST, req->method);
	if (req->method && !strcmp(req->method, "HEAD"))
		c->easy_setopt(e, CURLOPT_NOBODY, 1L);
	if (req->body) {
		c->easy_setopt(e, CURLOPT_POSTFIELDS, call->body_out);
		c->easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
	}
}

struct http_call *http_start(struct http *h, const struct http_request *req, http_fn *fn, void *arg, struct err *err)
{
	struct http_call *call = xcalloc(1, sizeof *call);
	call->http = h;
	call->easy = h->c.easy_init();
	call->url = xstrdup(req->url);
	call->body = str_new(req->max_bytes ? req->max_bytes : DEFAULT_MAX_BYTES);
	call->fn = fn;
	call->arg = arg;
	if (req->body) {
		call->body_out = xmalloc(req->body_len + 1);
		memcpy(call->body_out, req->body, req->body_len);
	}
	for (size_t i = 0; req->headers && req->headers[i]; i++)
		call->headers = h->c.slist_append(call->headers, req->headers[i]);
	call->next = h->calls;
	if (h->calls)
		h->calls->prev = call;
	h->calls = call;
	set_options(call, req);
	trace_body(req->method ? req->method : "GET", req->url, -1, req->body, req->body ? req->body_len : 0);
	if (h->c.multi_add_handle(h->multi, call->easy)) {
		err_set(err, ERR_FAILED, "%s: libcurl refused the request", req->url);
		call_free(call);
		return NULL;
	}
	return call;
}

void http_cancel(struct http_call *c)
{
	call_free(c);
}
