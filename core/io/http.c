/* HTTP: libcurl's multi interface driven by the loop. libcurl is opened when first used (see lazy.h). */
#include "core/io/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/lazy.h"
#include "core/base/mem.h"
#include "core/base/redact.h"
#include "core/base/str.h"
#include "core/base/trace.h"

enum { DEFAULT_TIMEOUT_MS = 30000, DEFAULT_STALL_MS = 15000, DEFAULT_MAX_BYTES = 16 << 20, HEADERS_MAX = 200, HEADER_BYTES_MAX = 65536 };

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
	char *proxy, *ca_file; /* "" when not set */
};

struct http_call {
	struct http *http;
	struct http_call *prev, *next;
	CURL *easy;
	struct curl_slist *headers;
	char *url, *body_out;
	struct str body, lines; /* lines: the reply's headers, each with its NUL */
	size_t n_lines;
	int (*piece)(void *arg, const char *data, size_t len);
	void *piece_arg;
	bool stopped; /* by piece */
	bool direct;
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
	str_free(&call->lines);
	free(call->url);
	free(call->body_out);
	free(call);
}

/* As curl's own program does: the first that is set. */
static const char *from_environment(const char *const *names)
{
	for (; *names; names++) {
		const char *value = getenv(*names);
		if (value && *value)
			return value;
	}
	return "";
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
	case CURLE_PEER_FAILED_VERIFICATION: /* asking again does not make it another's certificate */
		return ERR_PROTOCOL;
	case CURLE_SSL_CACERT_BADFILE:
		return ERR_INVALID;
	default:
		return ERR_NETWORK;
	}
}

/* The proxy that was not there: by config.yaml, else by what curl looks at; NULL: none is set. Whether this host is excepted is not looked at,
 * so that it is said as what may be. */
static const char *proxy_set(const struct http_call *call)
{
	static const char *const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL}, *const tls[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
	const char *p = call->http->proxy;
	if (!*p)
		p = from_environment(str_starts(call->url, "https:") ? tls : plain);
	return call->direct || !*p || !strcmp(p, "none") ? NULL : p;
}

static void say_proxy(const struct http_call *call, CURLcode rc, struct err *err)
{
	const char *proxy = proxy_set(call), *at = proxy ? strrchr(proxy, '@') : NULL; /* before it: a password */
	if (!proxy || (rc != CURLE_COULDNT_CONNECT && rc != CURLE_COULDNT_RESOLVE_PROXY))
		return;
	struct err e = *err;
	err_set(err, e.code, "%s (a proxy is set, %.100s: http.proxy in config.yaml says another, or none)", e.text, at ? at + 1 : proxy);
}

static void say_why(const struct http_call *call, CURLcode rc, struct err *err)
{
	char *place = redact_place(call->url);
	if (call->body.full)
		err_set(err, ERR_PROTOCOL, "%s: the reply is larger than %zu bytes, the most that is read", place, call->body.max);
	else if (call->stopped)
		err_set(err, ERR_CANCELLED, "%s: the rest of the reply was not wanted", place);
	else if (rc == CURLE_PEER_FAILED_VERIFICATION)
		err_set(err, curl_code(rc), "%s: %s (http.ca_file in config.yaml names certificates to believe)", place,
		    call->error[0] ? call->error : call->http->c.easy_strerror(rc));
	else
		err_set(err, curl_code(rc), "%s: %s", place, call->error[0] ? call->error : call->http->c.easy_strerror(rc));
	say_proxy(call, rc, err);
	free(place);
}

static void finish(struct http_call *call, CURLcode rc)
{
	struct http *h = call->http;
	struct err err = {.code = ERR_NONE};
	const char *headers[HEADERS_MAX + 1], *line = str_text(&call->lines);
	long status = 0;
	h->c.easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	for (size_t i = 0; i < call->n_lines; i++, line += strlen(line) + 1)
		headers[i] = line;
	headers[call->n_lines] = NULL;
	struct http_reply reply = {.status = (int)status, .body = str_text(&call->body), .body_len = call->body.len, .headers = headers};
	if (rc || call->body.full)
		say_why(call, rc, &err);
	trace_http("http in", err.code ? err.text : call->url, headers, (int)status, reply.body, reply.body_len);
	call->fn(call->arg, err.code ? NULL : &reply, err.code ? &err : NULL);
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
	struct curl_api api;
	if (open_curl(&api, err))
		return NULL;
	struct http *h = xcalloc(1, sizeof *h);
	*h = (struct http){.loop = l, .c = api, .proxy = xstrdup(""), .ca_file = xstrdup("")};
	h->c.global_init(CURL_GLOBAL_DEFAULT);
	h->multi = h->c.multi_init();
	h->c.multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	h->c.multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	h->c.multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	h->c.multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	return h;
}

void http_configure(struct http *h, const char *proxy, const char *ca_file)
{
	free(h->proxy);
	free(h->ca_file);
	h->proxy = xstrdup(proxy ? proxy : "");
	h->ca_file = ca_file ? path_expand(ca_file) : xstrdup("");
}

void http_destroy(struct http *h)
{
	if (!h)
		return;
	while (h->calls)
		call_free(h->calls);
	loop_cancel(h->loop, h->timer);
	h->c.multi_cleanup(h->multi);
	free(h->proxy);
	free(h->ca_file);
	free(h);
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;
	long status = 0;
	call->http->c.easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (call->piece && status / 100 == 2) {
		call->stopped = call->piece(call->piece_arg, data, size * n) != 0;
		return call->stopped ? 0 : size * n;
	}
	str_addn(&call->body, data, size * n);
	return call->body.full ? 0 : size * n;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;
	size_t len = size * n, a = 0, b = len;
	if (len >= 5 && !strncmp(data, "HTTP/", 5)) { /* a redirect's headers are not the reply's */
		str_clear(&call->lines);
		call->n_lines = 0;
		return len;
	}
	const char *colon = memchr(data, ':', len);
	size_t k = colon ? (size_t)(colon - data) : 0;
	for (a = k + 1; a < b && (data[a] == ' ' || data[a] == '\t'); a++)
		;
	while (b > a && (unsigned char)data[b - 1] <= ' ')
		b--;
	if (!k || memchr(data, '\0', len) || call->n_lines == HEADERS_MAX || call->lines.len + len + 4 > HEADER_BYTES_MAX)
		return len;
	for (size_t i = 0; i < k; i++)
		str_addc(&call->lines, (char)(data[i] >= 'A' && data[i] <= 'Z' ? data[i] + 32 : data[i]));
	str_addn(&call->lines, ": ", 2);
	if (b > a)
		str_addn(&call->lines, data + a, b - a);
	str_addn(&call->lines, "", 1);
	call->n_lines++;
	return len;
}

const char *http_header(const struct http_reply *reply, const char *name)
{
	size_t k = strlen(name);
	for (const char *const *h = reply->headers; h && *h; h++)
		if (!strncmp(*h, name, k) && (*h)[k] == ':')
			return *h + k + 2;
	return "";
}

/* Where it goes through, and whom it believes. */
static void set_route(struct http_call *call, const struct http_request *req)
{
	static const char *const files[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE", NULL}, *const folders[] = {"SSL_CERT_DIR", NULL};
	const struct http *h = call->http;
	call->direct = req->direct;
	if (req->direct || !strcmp(h->proxy, "none"))
		h->c.easy_setopt(call->easy, CURLOPT_PROXY, "");
	else if (*h->proxy)
		h->c.easy_setopt(call->easy, CURLOPT_PROXY, h->proxy);
	const char *file = *h->ca_file ? h->ca_file : from_environment(files), *folder = *h->ca_file ? "" : from_environment(folders);
	if (*file)
		h->c.easy_setopt(call->easy, CURLOPT_CAINFO, file);
	if (*folder)
		h->c.easy_setopt(call->easy, CURLOPT_CAPATH, folder);
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
	c->easy_setopt(e, CURLOPT_FOLLOWLOCATION, req->no_redirect ? 0L : 1L);
	c->easy_setopt(e, CURLOPT_MAXREDIRS, 5L);
#if LIBCURL_VERSION_NUM >= 0x075500
	c->easy_setopt(e, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http,https");
	c->easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https");
#else
	c->easy_setopt(e, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTPS | (tls ? 0 : CURLPROTO_HTTP)));
	c->easy_setopt(e, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTPS | (tls ? 0 : CURLPROTO_HTTP)));
#endif
	int64_t stall_ms = req->stall_ms ? req->stall_ms : DEFAULT_STALL_MS;
	if (req->timeout_ms >= 0)
		c->easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(req->timeout_ms ? req->timeout_ms : DEFAULT_TIMEOUT_MS));
	c->easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(req->connect_ms ? req->connect_ms : stall_ms));
	c->easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
	c->easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)(stall_ms / 1000 + 1));
	set_route(call, req);
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
	call->lines = str_new(HEADER_BYTES_MAX);
	call->piece = req->piece;
	call->piece_arg = req->piece_arg;
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
	trace_http(req->method ? req->method : "GET", req->url, req->headers, -1, req->body, req->body ? req->body_len : 0);
	if (h->c.multi_add_handle(h->multi, call->easy)) {
		char *place = redact_place(req->url);
		err_set(err, ERR_FAILED, "%s: libcurl refused the request", place);
		free(place);
		call_free(call);
		return NULL;
	}
	return call;
}

void http_cancel(struct http_call *c)
{
	call_free(c);
}
