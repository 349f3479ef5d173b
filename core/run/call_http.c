/* Requests wait in their lane's list, in order; a lane is pumped when one is put in, when one has ended, and from its timer.
 *
 * Invariant: what may free a batch is called from the loop, by the batch's own timer, never while libcurl or a lane is at work. */
#include "core/run/call_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/run/call.h"
#include "core/run/lane.h"

enum {
	TRIES = 5, FIRST_PAUSE_MS = 200, DEFAULT_TIMEOUT_MS = 60000, CONNECT_MS = 10000, STALL_MS = 60000, REPLY_MAX = 32 << 20,
	DIRECT_CONNECT_MS = 1000, DIRECT_TIMEOUT_MS = 5000, RETRY_AFTER_MAX_MS = 60000, LANES_MAX = 200,
};

struct http_lane {
	struct http_lane *next;
	struct call_context *ctx;
	char *name; /* "aws us-east-1" */
	struct lane_state state;
	struct ask *first, *last; /* that wait */
	size_t asks;		  /* that know it */
	unsigned timer;
};

/* One request of a batch. */
struct ask {
	struct http_batch *batch;
	const struct provider_http *want;
	struct http_lane *lane;
	struct ask *next; /* in the lane */
	bool waits;	  /* in the lane's list */
	struct http_call *http;
	unsigned timer; /* until it is sent again */
	int tries;
	bool gave_pieces, worn;
	char *body;
};

struct http_batch {
	struct call_context *ctx;
	struct ask *asks;
	struct provider_http_reply *replies;
	size_t n, open;
	int64_t timeout_ms;
	struct arena *arena; /* of the replies */
	unsigned timer;
	http_batch_fn *fn;
	void *arg;
};

/* ---- lanes -------------------------------------------------------------------------------------------------------- */

static bool lane_is_idle(const struct http_lane *l)
{
	return !l->asks && l->state.rate <= 0 && mono_now_ms() >= l->state.paused_until_ms;
}

static void lane_free(struct http_lane *l)
{
	loop_cancel(l->ctx->loop, l->timer);
	free(l->name);
	free(l);
}

static void drop_idle_lanes(struct call_context *ctx)
{
	for (struct http_lane **at = &ctx->lanes; *at;) {
		struct http_lane *l = *at;
		if (!lane_is_idle(l)) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		lane_free(l);
	}
}

void http_lanes_free(struct call_context *ctx)
{
	while (ctx->lanes) {
		struct http_lane *l = ctx->lanes;
		ctx->lanes = l->next;
		lane_free(l);
	}
}

static char *lane_name(const char *provider, const struct provider_http *want)
{
	if (want->lane)
		return xasprintf("%s %s", provider, want->lane);
	const char *host = strstr(want->url, "://");
	host = host ? host + 3 : want->url;
	return xasprintf("%s //%.*s", provider, (int)strcspn(host, "/?#"), host);
}

static struct http_lane *lane_of(struct call_context *ctx, const char *provider, const struct provider_http *want)
{
	char *name = lane_name(provider, want);
	size_t n = 0;
	struct http_lane *l = ctx->lanes;
	for (; l && strcmp(l->name, name); l = l->next)
		n++;
	if (l) {
		free(name);
		return l;
	}
	if (n >= LANES_MAX)
		drop_idle_lanes(ctx);
	l = xcalloc(1, sizeof *l);
	*l = (struct http_lane){.next = ctx->lanes, .ctx = ctx, .name = name};
	return ctx->lanes = l;
}

static void lane_put(struct ask *a, bool first)
{
	struct http_lane *l = a->lane;
	a->waits = true;
	if (first || !l->first) {
		a->next = l->first;
		l->first = a;
		if (!a->next)
			l->last = a;
		return;
	}
	a->next = NULL;
	l->last->next = a;
	l->last = a;
}

static void lane_take_out(struct ask *a)
{
	struct http_lane *l = a->lane;
	struct ask *before = NULL;
	for (struct ask *x = l->first; x && x != a; x = x->next)
		before = x;
	if (before)
		before->next = a->next;
	else
		l->first = a->next;
	if (l->last == a)
		l->last = before;
	a->waits = false;
}

static void send_ask(struct ask *a);

static void lane_pump(void *arg)
{
	struct http_lane *l = arg;
	loop_cancel(l->ctx->loop, l->timer);
	l->timer = 0;
	while (l->first) {
		int64_t wait_ms = lane_wait_ms(&l->state, mono_now_ms());
		if (wait_ms > 0)
			l->timer = loop_after(l->ctx->loop, wait_ms, lane_pump, l);
		if (wait_ms)
			return;
		struct ask *a = l->first;
		lane_take_out(a);
		send_ask(a);
	}
}

/* ---- answers ------------------------------------------------------------------------------------------------------ */

int64_t http_retry_after_ms(const char *value, int64_t now_ms)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t s, at_ms;
	int day, year, h, m, sec;
	char month[4];
	if (num_int(value, 0, INT64_C(1) << 31, &s))
		return s * 1000;
	if (sscanf(value, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &day, month, &year, &h, &m, &sec) != 6 || strlen(month) != 3)
		return -1;
	const char *at = strstr(months, month);
	if (!at || (at - months) % 3)
		return -1;
	char text[32];
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, (int)(at - months) / 3 + 1, day, h, m, sec);
	if (!time_parse(text, &at_ms))
		return -1;
	return at_ms > now_ms ? at_ms - now_ms : 0;
}

static void batch_is_done(void *arg)
{
	struct http_batch *b = arg;
	b->timer = 0;
	b->fn(b->arg, b->replies, b->n);
}

static void ask_is_done(struct ask *a)
{
	struct http_batch *b = a->batch;
	if (!--b->open)
		b->timer = loop_after(b->ctx->loop, 0, batch_is_done, b);
}

static void keep_reply(struct ask *a, const struct http_reply *r, const struct err *err)
{
	struct http_batch *b = a->batch;
	struct provider_http_reply *to = &b->replies[a - b->asks];
	static const char *const none[] = {NULL};
	*to = (struct provider_http_reply){.code = err ? err->code : ERR_NONE, .err_text = err ? arena_strdup(b->arena, err->text) : "",
	    .body = "", .headers = none};
	if (err)
		return;
	size_t n = 0;
	while (r->headers[n])
		n++;
	const char **headers = arena_alloc(b->arena, (n + 1) * sizeof *headers);
	for (size_t i = 0; i < n; i++)
		headers[i] = arena_strdup(b->arena, r->headers[i]);
	a->body = xmalloc(r->body_len + 1);
	memcpy(a->body, r->body, r->body_len);
	a->body[r->body_len] = '\0';
	to->status = r->status;
	to->headers = headers;
	to->body = a->body;
	to->body_len = r->body_len;
}

static bool may_mend(int status, enum err_code code)
{
	return code == ERR_NETWORK || status == 429 || status == 502 || status == 503 || status == 504;
}

static void send_again(void *arg)
{
	struct ask *a = arg;
	a->timer = 0;
	lane_put(a, true);
	lane_pump(a->lane);
}

/* What the lane learns from an answer. asked_ms: Retry-After; < 0: none. */
static void lane_learn(struct ask *a, int status, int64_t asked_ms)
{
	int64_t now_ms = mono_now_ms();
	lane_ended(&a->lane->state, status && !may_mend(status, ERR_NONE));
	if (status == 429 || status == 503)
		lane_throttle(&a->lane->state, asked_ms > 0 ? asked_ms : status == 429 ? FIRST_PAUSE_MS << a->tries : 0, now_ms);
	else if (asked_ms > 0)
		lane_pause(&a->lane->state, asked_ms, now_ms);
}

static void on_http(void *arg, const struct http_reply *r, const struct err *err)
{
	struct ask *a = arg;
	struct http_lane *lane = a->lane;
	a->http = NULL;
	int status = r ? r->status : 0;
	bool mend = may_mend(status, err ? err->code : ERR_NONE);
	int64_t asked_ms = r && mend ? http_retry_after_ms(http_header(r, "retry-after"), wall_now_ms()) : -1;
	lane_learn(a, status, asked_ms);
	bool may_repeat = !a->want->once && !a->want->direct && !a->gave_pieces && asked_ms <= RETRY_AFTER_MAX_MS;
	a->worn = mend && (a->tries >= TRIES || asked_ms > RETRY_AFTER_MAX_MS);
	if (mend && may_repeat && a->tries < TRIES) {
		int64_t most_ms = (int64_t)FIRST_PAUSE_MS << (a->tries - 1), jitter_ms = num_random() % (most_ms + 1);
		a->timer = loop_after(lane->ctx->loop, asked_ms >= 0 ? asked_ms + jitter_ms / 4 : jitter_ms, send_again, a);
	} else {
		keep_reply(a, r, err);
		ask_is_done(a);
	}
	lane_pump(lane);
}

/* ---- sending ------------------------------------------------------------------------------------------------------ */

static int on_piece(void *arg, const char *data, size_t len)
{
	struct ask *a = arg;
	a->gave_pieces = true;
	return a->want->piece(a->want->piece_arg, data, len);
}

static struct http *http_of(struct call_context *ctx, struct err *err)
{
	if (!ctx->http && (ctx->http = http_create(ctx->loop, err))) {
		const json_t *config = json_obj(ctx->config, "http");
		http_configure(ctx->http, json_str(config, "proxy", ""), json_str(config, "ca_file", ""));
	}
	return ctx->http;
}

static void send_ask(struct ask *a)
{
	const struct provider_http *w = a->want;
	struct http_batch *b = a->batch;
	struct err err = {.code = ERR_NONE};
	struct http_request req = {.method = w->method, .url = w->url, .headers = w->headers, .body = w->body, .body_len = w->body_len,
	    .timeout_ms = b->timeout_ms ? b->timeout_ms : w->piece ? -1 : DEFAULT_TIMEOUT_MS, .stall_ms = STALL_MS, .connect_ms = CONNECT_MS,
	    .max_bytes = w->max_bytes ? w->max_bytes : REPLY_MAX, .no_redirect = true, .direct = w->direct, .piece = w->piece ? on_piece : NULL, .piece_arg = a};
	if (w->direct) {
		req.connect_ms = DIRECT_CONNECT_MS;
		req.timeout_ms = b->timeout_ms ? b->timeout_ms : DIRECT_TIMEOUT_MS;
	}
	a->tries++;
	lane_started(&a->lane->state, mono_now_ms());
	struct http *http = http_of(b->ctx, &err);
	a->http = http ? http_start(http, &req, on_http, a, &err) : NULL;
	if (a->http)
		return;
	lane_ended(&a->lane->state, false);
	keep_reply(a, NULL, &err);
	ask_is_done(a);
}

struct http_batch *http_batch_start(struct call_context *ctx, const char *provider, const struct provider_request *q, http_batch_fn *fn, void *arg, struct err *err)
{
	for (size_t i = 0; i < q->n_http; i++)
		if (!q->http[i].url || (!str_starts(q->http[i].url, "https://") && !str_starts(q->http[i].url, "http://"))) {
			err_set(err, ERR_INVALID, "a request without a web address");
			return NULL;
		}
	struct http_batch *b = xcalloc(1, sizeof *b);
	*b = (struct http_batch){.ctx = ctx, .n = q->n_http, .open = q->n_http + 1, .timeout_ms = q->timeout_ms, .arena = arena_create(), .fn = fn, .arg = arg};
	b->asks = xcalloc(b->n + 1, sizeof *b->asks);
	b->replies = xcalloc(b->n + 1, sizeof *b->replies);
	for (size_t i = 0; i < b->n; i++) {
		b->asks[i] = (struct ask){.batch = b, .want = &q->http[i], .lane = lane_of(ctx, provider, &q->http[i])};
		b->asks[i].lane->asks++;
		lane_put(&b->asks[i], false);
		lane_pump(b->asks[i].lane);
	}
	if (!--b->open)
		b->timer = loop_after(ctx->loop, 0, batch_is_done, b);
	return b;
}

void http_batch_free(struct http_batch *b)
{
	if (!b)
		return;
	loop_cancel(b->ctx->loop, b->timer);
	/* First all of it, then the lanes: a lane that is pumped must not send what is about to go. */
	for (size_t i = 0; i < b->n; i++) {
		struct ask *a = &b->asks[i];
		loop_cancel(b->ctx->loop, a->timer);
		if (a->waits)
			lane_take_out(a);
		if (a->http) {
			http_cancel(a->http);
			lane_ended(&a->lane->state, false);
		}
		free(a->body);
	}
	for (size_t i = 0; i < b->n; i++) {
		lane_pump(b->asks[i].lane);
		b->asks[i].lane->asks--;
	}
	arena_destroy(b->arena);
	free(b->asks);
	free(b->replies);
	free(b);
}

bool http_batch_worn(const struct http_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->asks[i].worn)
			return true;
	return false;
}

void http_batch_throttled(const struct http_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->replies[i].status / 100 != 2)
			lane_throttle(&b->asks[i].lane->state, FIRST_PAUSE_MS, mono_now_ms());
}
