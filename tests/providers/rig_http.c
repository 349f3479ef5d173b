/* A small HTTP client over a plain socket: one request a connection, loopback only. */
#include "tests/providers/rig_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/str.h"

enum { REPLY_MAX = 64 << 20, TRIES = 5, PAUSE_MS = 15 };

/* ---- one request ---------------------------------------------------------------------------------------------------- */

static int dial(const char *url, const char **path)
{
	int port = 0, used = 0;
	if (sscanf(url, "http://127.0.0.1:%d%n", &port, &used) != 1)
		fail_msg("a test must not leave this machine: %s", url);
	*path = url[used] ? url + used : "/";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

static void head(struct str *s, const struct provider_http *h, const char *path, int tries)
{
	const char *host = h->url + strlen("http://");
	str_addf(s, "%s %s HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n", h->method, path, (int)strcspn(host, "/?"), host);
	for (size_t i = 0; h->headers && h->headers[i]; i++)
		str_addf(s, "%s\r\n", h->headers[i]);
	if (h->body)
		str_addf(s, "Content-Length: %zu\r\n", h->body_len);
	if (tries) /* for a stand-in that counts */
		str_addf(s, "X-Rig-Try: %d\r\n", tries);
	str_add(s, "\r\n");
	if (h->body)
		str_addn(s, h->body, h->body_len);
}

/* "Name: value" lines with names in lower case. */
static const char *const *headers_of(struct arena *a, char *text)
{
	const char **v = arena_alloc(a, 65 * sizeof *v);
	size_t n = 0;
	for (char *line = strstr(text, "\r\n"); line && n < 64; line = strstr(line, "\r\n")) {
		line += 2;
		size_t len = strcspn(line, "\r");
		char *copy = arena_strndup(a, line, len);
		for (char *p = copy; *p && *p != ':'; p++)
			*p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
		if (len)
			v[n++] = copy;
	}
	return v;
}

/* What a stand-in says in place of an answer that does not come: nobody has to wait for it. */
static void lost(struct provider_http_reply *out, const char *came)
{
	bool late = str_starts(came, "timeout");
	*out = (struct provider_http_reply){.code = late ? ERR_TIMEOUT : ERR_NETWORK, .err_text = late ? "no answer came in time" : "the connection was lost",
	    .body = ""};
}

static void once(const struct provider_http *h, int tries, struct provider_http_reply *out, struct arena *a)
{
	const char *path;
	int fd = dial(h->url, &path);
	struct str s = str_new(REPLY_MAX);
	head(&s, h, path, tries);
	bool ok = fd >= 0 && send_all(fd, str_text(&s), s.len);
	str_clear(&s);
	char buf[65536];
	for (ssize_t n; ok && (n = read(fd, buf, sizeof buf)) > 0;)
		str_addn(&s, buf, (size_t)n);
	if (fd >= 0)
		close(fd);
	char *all = arena_strndup(a, str_text(&s), s.len), *end = strstr(all, "\r\n\r\n");
	int status = 0;
	if (!ok || !end || sscanf(all, "HTTP/1.1 %d", &status) != 1) {
		lost(out, all);
	} else {
		end[2] = '\0';
		*out = (struct provider_http_reply){.status = status, .body = end + 4, .body_len = s.len - (size_t)(end + 4 - all), .headers = headers_of(a, all)};
	}
	str_free(&s);
}

static bool again(const struct provider_http *h, const struct provider_http_reply *r)
{
	return !h->once && (r->code == ERR_NETWORK || r->status == 429 || r->status == 502 || r->status == 503 || r->status == 504);
}

static void pause_ms(int64_t ms)
{
	nanosleep(&(struct timespec){.tv_nsec = (long)(ms < PAUSE_MS ? ms : PAUSE_MS) * 1000000}, NULL);
}

void rig_http(const struct provider_request *q, struct provider_reply *reply, struct arena *a)
{
	struct provider_http_reply *list = arena_alloc(a, (q->n_http + 1) * sizeof *list);
	pause_ms(q->after_ms);
	for (size_t i = 0; i < q->n_http; i++) {
		int tries = 0;
		do
			once(&q->http[i], tries, &list[i], a);
		while (again(&q->http[i], &list[i]) && ++tries < TRIES);
		if (q->http[i].piece && list[i].status >= 200 && list[i].status < 300) {
			if (q->http[i].piece(q->http[i].piece_arg, list[i].body, list[i].body_len))
				list[i] = (struct provider_http_reply){.code = ERR_CANCELLED, .err_text = "given up", .body = ""};
			list[i].body = "";
			list[i].body_len = 0;
		}
	}
	*reply = (struct provider_reply){.http = list, .n_http = q->n_http, .body = "", .complaint = ""};
}

void rig_read(const struct provider_request *q, struct provider_reply *reply, struct arena *a)
{
	struct provider_file *list = arena_alloc(a, (q->n_files + 1) * sizeof *list);
	for (size_t i = 0; i < q->n_files; i++) {
		struct err err = {0};
		char *path = path_expand(q->files[i].path), *text = fs_read(path, 1 << 20, NULL, &err);
		list[i] = (struct provider_file){.path = q->files[i].path, .text = arena_strdup(a, text), .err_text = arena_strdup(a, err.text)};
		free(text);
		free(path);
	}
	*reply = (struct provider_reply){.files = list, .n_files = q->n_files, .body = "", .complaint = ""};
}

/* ---- stand-ins ------------------------------------------------------------------------------------------------------ */

bool stand_in_start(struct stand_in *s, const char *const *argv)
{
	const char *top = getenv("top_srcdir");
	char *program = xasprintf("%s/tests/providers/%s", top ? top : ".", argv[0]), line[64] = "";
	const char *args[16] = {"python3", "-S", program};
	int in[2], out[2], n = 3;
	for (size_t i = 1; argv[i] && n < 15; i++)
		args[n++] = argv[i];
	assert_int_equal(pipe(in) | pipe(out), 0);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
		execvp(args[0], (char *const *)(uintptr_t)args);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	free(program);
	s->in = in[1];
	size_t got = 0;
	for (ssize_t k; got < sizeof line - 1 && (k = read(out[0], line + got, sizeof line - 1 - got)) > 0 && !strchr(line, '\n');)
		got += (size_t)k;
	close(out[0]);
	s->port = (int)strtol(line, NULL, 10);
	if (s->port)
		return true;
	stand_in_stop(s);
	return false;
}

void stand_in_stop(struct stand_in *s)
{
	close(s->in);
	waitpid(s->pid, NULL, 0);
}

json_t *stand_in_tell(const struct stand_in *s, const char *path, json_t *body)
{
	struct arena *a = arena_create();
	struct provider_http_reply r;
	char *text = body ? json_text(body) : NULL;
	struct provider_http h = {.method = body ? "POST" : "GET", .url = arena_printf(a, "http://127.0.0.1:%d%s", s->port, path), .body = text,
	    .body_len = text ? strlen(text) : 0};
	once(&h, 0, &r, a);
	if (r.status != 200)
		fail_msg("the stand-in says %d to %s: %.500s", r.status, path, r.body);
	json_t *j = json_parse(r.body, r.body_len, NULL);
	assert_non_null(j);
	free(text);
	json_decref(body);
	arena_destroy(a);
	return j;
}
