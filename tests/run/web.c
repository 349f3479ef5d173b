/* See web.h. One request a connection. */
#include "tests/run/web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"

struct web_conn {
	struct web *web;
	struct web_conn *next;
	int fd, lane;
	struct str in, out;
	size_t sent;
	unsigned timer;
	bool counted;
};

static void conn_free(struct web_conn *c)
{
	struct web *w = c->web;
	struct web_conn **at = &w->conns;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	loop_cancel(w->loop, c->timer);
	loop_watch(w->loop, c->fd, 0, NULL, NULL);
	close(c->fd);
	if (c->counted)
		w->open[c->lane]--;
	str_free(&c->in);
	str_free(&c->out);
	free(c);
}

static void on_writable(int fd, int events, void *arg)
{
	struct web_conn *c = arg;
	(void)events;
	ssize_t n = send(fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		c->sent += (size_t)n;
	if ((n < 0 && errno != EAGAIN) || c->sent == c->out.len)
		conn_free(c);
}

static void answer(void *arg)
{
	struct web_conn *c = arg;
	c->timer = 0;
	if (!c->out.len)
		conn_free(c);
	else
		loop_watch(c->web->loop, c->fd, LOOP_OUT, on_writable, c);
}

static const struct web_rule *rule_for(struct web *w, const char *path)
{
	const struct web_rule *last = NULL;
	for (size_t i = 0; i < w->n_rules; i++) {
		if (!str_starts(path, w->rules[i].path))
			continue;
		last = &w->rules[i];
		if (!w->used[i]++)
			return last;
	}
	return last;
}

static void take(struct web_conn *c, const char *path)
{
	struct web *w = c->web;
	ARRAY_GROW(w->seen, w->n_seen, w->seen_cap);
	w->seen[w->n_seen++] = (struct web_seen){xstrdup(path), xstrdup(str_text(&c->in)), mono_now_ms()};
	char digit = path[strlen(path) - 1];
	c->lane = digit >= '1' && digit <= '9' ? digit - '0' : 0;
	c->counted = true;
	if (++w->open[c->lane] > w->most[c->lane])
		w->most[c->lane] = w->open[c->lane];
	const struct web_rule *r = rule_for(w, path);
	if (r && r->act == WEB_HANG)
		return;
	if (r && r->act != WEB_DROP) {
		const char *body = r->body ? r->body : path;
		str_addf(&c->out, "HTTP/1.1 %d Said\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s", r->status, r->headers ? r->headers : "",
		    strlen(body) + r->pad + (r->act == WEB_CUT ? 10 : 0), body);
		for (size_t i = 0; i < r->pad; i++)
			str_addc(&c->out, 'x');
	}
	c->timer = loop_after(w->loop, r ? r->delay_ms : 0, answer, c);
}

static void on_readable(int fd, int events, void *arg)
{
	struct web_conn *c = arg;
	char buf[16384];
	(void)events;
	ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		conn_free(c);
		return;
	}
	str_addn(&c->in, buf, (size_t)n);
	const char *text = str_text(&c->in), *end = strstr(text, "\r\n\r\n"), *length = str_istr(text, "\r\ncontent-length: ");
	int64_t want = 0;
	if (length) {
		char *digits = xstrndup(length + 18, strspn(length + 18, "0123456789"));
		num_int(digits, 0, 1 << 30, &want);
		free(digits);
	}
	if (!end || c->in.len < (size_t)(end + 4 - text) + (size_t)want || c->counted)
		return;
	const char *from = strchr(text, ' ');
	char *path = from ? xstrndup(from + 1, strcspn(from + 1, " ")) : xstrdup("?");
	take(c, path);
	free(path);
}

static void on_connection(int fd, int events, void *arg)
{
	struct web *w = arg;
	(void)events;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (client < 0)
		return;
	struct web_conn *c = xcalloc(1, sizeof *c);
	*c = (struct web_conn){.web = w, .next = w->conns, .fd = client, .in = str_new(1 << 20), .out = str_new(64 << 20)};
	w->conns = c;
	loop_watch(w->loop, client, LOOP_IN, on_readable, c);
}

void web_open(struct web *w, struct loop *l, const struct web_rule *rules, size_t n)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sa;
	*w = (struct web){.loop = l, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .rules = rules, .n_rules = n};
	if (w->fd < 0 || bind(w->fd, (struct sockaddr *)&sa, sizeof sa) || listen(w->fd, 100) || getsockname(w->fd, (struct sockaddr *)&sa, &len))
		abort();
	w->port = ntohs(sa.sin_port);
	loop_watch(l, w->fd, LOOP_IN, on_connection, w);
}

void web_close(struct web *w)
{
	while (w->conns)
		conn_free(w->conns);
	loop_watch(w->loop, w->fd, 0, NULL, NULL);
	close(w->fd);
	for (size_t i = 0; i < w->n_seen; i++) {
		free(w->seen[i].path);
		free(w->seen[i].text);
	}
	free(w->seen);
}

const struct web_seen *web_nth(const struct web *w, const char *path, size_t n)
{
	for (size_t i = 0; i < w->n_seen; i++)
		if (str_starts(w->seen[i].path, path) && !n--)
			return &w->seen[i];
	return NULL;
}

size_t web_count(const struct web *w, const char *path)
{
	size_t n = 0;
	while (web_nth(w, path, n))
		n++;
	return n;
}
