/* Signature Version 4. The request is brought into the one form that both sides can compute (the canonical request), its hash is signed with a
 * key that is derived for the day, the region and the service. Encodings are made uniform here and not believed: a query in any order, with
 * %2f or a raw slash, gives what the service computes. */
#include "providers/common/sigv4.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/clock.h"
#include "providers/common/crypto.h"

enum { PAIRS_MAX = 256, TEXT_MAX = 1 << 20 };

/* The parts of a URL; pointers into it. */
struct parts {
	const char *host, *path, *query;
	size_t host_len, path_len, query_len;
};

/* A header or a parameter on its way into the canonical form. */
struct pair {
	const char *name, *value;
	size_t at; /* equal names keep their order */
};

void sigv4_encode(struct str *out, const char *text, size_t len, bool with_slash)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if ((c < 128 && isalnum(c)) || (c && strchr("-._~", c)) || (c == '/' && !with_slash)) {
			str_addc(out, (char)c);
		} else {
			str_addc(out, '%');
			str_addc(out, digits[c >> 4]);
			str_addc(out, digits[c & 15]);
		}
	}
}

void sigv4_query(struct str *s, const char *key, const char *value)
{
	if (s->len)
		str_addc(s, '&');
	sigv4_encode(s, key, strlen(key), true);
	str_addc(s, '=');
	sigv4_encode(s, value, strlen(value), true);
}

static void add_form(struct str *s, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, " ");
		sigv4_encode(s, text, n, true);
		for (text += n; *text == ' '; text++)
			str_addc(s, '+');
	}
}

void sigv4_form(struct str *s, const char *key, const char *value)
{
	if (s->len)
		str_addc(s, '&');
	add_form(s, key);
	str_addc(s, '=');
	add_form(s, value);
}

static int split(const char *url, struct parts *p, struct err *err)
{
	const char *colon = strstr(url, "://"), *host = colon ? colon + 3 : NULL;
	size_t n = host ? strcspn(host, "/?#") : 0;
	if (!n || strchr(url, '#'))
		return err_set(err, ERR_INVALID, "this is no URL to sign: %.200s", url);
	*p = (struct parts){.host = host, .host_len = n, .path = host + n};
	p->path_len = strcspn(p->path, "?");
	p->query = p->path[p->path_len] ? p->path + p->path_len + 1 : "";
	p->query_len = strlen(p->query);
	/* As it is in the Host header: without the port that the scheme means anyway. */
	const char *port = str_starts(url, "https:") ? ":443" : ":80";
	if (n > strlen(port) && !strncmp(host + n - strlen(port), port, strlen(port)))
		p->host_len -= strlen(port);
	return 0;
}

/* ---- the canonical request --------------------------------------------------------------------------------------- */

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* As it was before it was encoded, and encoded our way. */
static const char *recoded(struct arena *a, const char *s, size_t len)
{
	struct str plain = str_new(TEXT_MAX), out = str_new(3 * TEXT_MAX);
	for (size_t i = 0; i < len; i++) {
		int hi = s[i] == '%' && i + 2 < len ? hex_value(s[i + 1]) : -1, lo = hi >= 0 ? hex_value(s[i + 2]) : -1;
		str_addc(&plain, lo >= 0 ? (char)(hi << 4 | lo) : s[i]);
		i += lo >= 0 ? 2 : 0;
	}
	sigv4_encode(&out, str_text(&plain), plain.len, true);
	const char *text = arena_strdup(a, str_text(&out));
	str_free(&plain);
	str_free(&out);
	return text;
}

static int by_name_and_value(const void *x, const void *y)
{
	const struct pair *p = x, *q = y;
	int c = strcmp(p->name, q->name);
	return c ? c : strcmp(p->value, q->value);
}

static int by_name(const void *x, const void *y)
{
	const struct pair *p = x, *q = y;
	int c = strcmp(p->name, q->name);
	return c ? c : p->at < q->at ? -1 : p->at > q->at;
}

static void add_query(struct str *out, struct arena *a, const struct parts *p)
{
	struct pair *pairs = arena_alloc(a, PAIRS_MAX * sizeof *pairs);
	size_t n = 0;
	for (const char *s = p->query, *end = s + p->query_len; s < end && n < PAIRS_MAX;) {
		size_t len = strcspn(s, "&"), name = 0;
		while (name < len && s[name] != '=')
			name++;
		if (len)
			pairs[n++] = (struct pair){recoded(a, s, name), name < len ? recoded(a, s + name + 1, len - name - 1) : "", n};
		s += len + (s[len] == '&');
	}
	qsort(pairs, n, sizeof *pairs, by_name_and_value);
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%s%s=%s", i ? "&" : "", pairs[i].name, pairs[i].value);
}

/* Segments "." and ".." are resolved, and the path, which is encoded already, is encoded again; not for S3, where names are as they are. */
static void add_path(struct str *out, const struct parts *p, bool s3)
{
	if (s3 || !p->path_len) {
		str_addn(out, p->path_len ? p->path : "/", p->path_len ? p->path_len : 1);
		return;
	}
	struct str plain = str_new(TEXT_MAX);
	for (const char *s = p->path, *end = s + p->path_len; s < end;) {
		size_t len = 1;
		while (s + len < end && s[len] != '/')
			len++;
		bool up = len == 3 && !strncmp(s, "/..", 3), here = len == 2 && !strncmp(s, "/.", 2);
		while (up && plain.len && plain.data[--plain.len] != '/')
			;
		if (!up && !here && !(len == 1 && s + 1 < end)) /* nor does an empty segment count */
			str_addn(&plain, s, len);
		else if ((up || here) && s + len == end)
			str_addc(&plain, '/');
		s += len;
	}
	sigv4_encode(out, plain.len ? str_text(&plain) : "/", plain.len ? plain.len : 1, false);
	str_free(&plain);
}

/* Blanks around a value go, those within become one. */
static const char *trimmed(struct arena *a, const char *s)
{
	struct str out = str_new(TEXT_MAX);
	for (s += strspn(s, " \t"); *s; s++) {
		bool blank = *s == ' ' || *s == '\t';
		if (!blank)
			str_addc(&out, *s);
		else if (s[1] && s[1] != ' ' && s[1] != '\t')
			str_addc(&out, ' ');
	}
	const char *text = arena_strdup(a, str_text(&out));
	str_free(&out);
	return text;
}

static const char *lower(struct arena *a, const char *s, size_t len)
{
	char *out = arena_strndup(a, s, len);
	for (char *p = out; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return out;
}

/* The canonical headers, sorted; *signed_names: "a;b;c". Values of one name are joined. */
static void add_headers(struct str *out, struct arena *a, const struct parts *p, const char *const *headers, const char **signed_names)
{
	struct pair *pairs = arena_alloc(a, PAIRS_MAX * sizeof *pairs);
	struct str names = str_new(TEXT_MAX);
	size_t n = 0;
	pairs[n++] = (struct pair){"host", lower(a, p->host, p->host_len), 0};
	for (size_t i = 0; headers && headers[i] && n < PAIRS_MAX; i++) {
		size_t len = strcspn(headers[i], ":");
		if (headers[i][len])
			pairs[n++] = (struct pair){lower(a, headers[i], len), trimmed(a, headers[i] + len + 1), n};
	}
	qsort(pairs, n, sizeof *pairs, by_name);
	for (size_t i = 0; i < n; i++) {
		bool same = i && !strcmp(pairs[i].name, pairs[i - 1].name);
		if (same) {
			str_addf(out, ",%s", pairs[i].value);
		} else {
			str_addf(out, "%s%s:%s", i ? "\n" : "", pairs[i].name, pairs[i].value);
			str_addf(&names, "%s%s", i ? ";" : "", pairs[i].name);
		}
	}
	str_add(out, "\n");
	*signed_names = arena_strdup(a, str_text(&names));
	str_free(&names);
}

static const char *canonical(struct arena *a, const struct sigv4_request *q, const char *const *headers, const char **signed_names, struct err *err)
{
	struct parts p = {0};
	if (split(q->url, &p, err))
		return NULL;
	struct str out = str_new(4 * TEXT_MAX);
	str_addf(&out, "%s\n", q->method);
	add_path(&out, &p, q->s3);
	str_addc(&out, '\n');
	add_query(&out, a, &p);
	str_addc(&out, '\n');
	add_headers(&out, a, &p, headers, signed_names);
	str_addf(&out, "\n%s\n", *signed_names);
	const char *text = arena_strdup(a, str_text(&out));
	str_free(&out);
	return text;
}

/* ---- signing ----------------------------------------------------------------------------------------------------- */

/* When, and for what: "20261123T150000Z", "20261123/us-east-1/ec2/aws4_request". */
struct scope {
	char time[24], day[12];
	const char *text;
};

static struct scope scope_of(struct arena *a, const struct sigv4_request *q)
{
	struct scope s = {"", "", ""};
	char at[24];
	size_t n = 0;
	for (const char *p = time_rfc3339(q->at_ms, at, sizeof at); *p; p++)
		if (*p != '-' && *p != ':')
			s.time[n++] = *p;
	memcpy(s.day, s.time, 8);
	s.text = arena_printf(a, "%s/%s/%s/aws4_request", s.day, q->region, q->service);
	return s;
}

static const char *signature(struct arena *a, const struct sigv4_keys *k, const struct sigv4_request *q, const struct scope *s, const char *request,
    struct err *err)
{
	char hash[SHA256_HEX], hex[SHA256_HEX];
	unsigned char key[SHA256_LEN];
	if (crypto_sha256_hex(request, strlen(request), hash, err))
		return NULL;
	const char *text = arena_printf(a, "AWS4-HMAC-SHA256\n%s\n%s\n%s", s->time, s->text, hash);
	char *first = xasprintf("AWS4%s", k->secret);
	const char *const links[] = {q->region, q->service, "aws4_request", text};
	int r = crypto_hmac_sha256(first, strlen(first), s->day, strlen(s->day), key, err);
	for (size_t i = 0; !r && i < ARRAY_LEN(links); i++)
		r = crypto_hmac_sha256(key, sizeof key, links[i], strlen(links[i]), key, err);
	memset(first, 0, strlen(first));
	free(first);
	return r ? NULL : arena_strdup(a, crypto_hex(key, sizeof key, hex));
}

static const char *payload_hash(struct arena *a, const struct sigv4_request *q, struct err *err)
{
	char hash[SHA256_HEX];
	if (q->unsigned_payload)
		return "UNSIGNED-PAYLOAD";
	return crypto_sha256_hex(q->body ? q->body : "", q->body ? q->body_len : 0, hash, err) ? NULL : arena_strdup(a, hash);
}

static size_t count(const char *const *list)
{
	size_t n = 0;
	while (list && list[n])
		n++;
	return n;
}

const char *const *sigv4_sign(struct arena *a, const struct sigv4_keys *k, const struct sigv4_request *q, struct err *err)
{
	struct scope s = scope_of(a, q);
	size_t n = count(q->headers);
	const char **h = arena_alloc(a, (n + 5) * sizeof *h), *names, *hash = payload_hash(a, q, err);
	for (size_t i = 0; i < n; i++)
		h[i] = q->headers[i];
	if (!hash)
		return NULL;
	h[n++] = arena_printf(a, "X-Amz-Date: %s", s.time);
	if (k->token)
		h[n++] = arena_printf(a, "X-Amz-Security-Token: %s", k->token);
	if (q->s3)
		h[n++] = arena_printf(a, "X-Amz-Content-Sha256: %s", hash);
	const char *request = canonical(a, q, h, &names, err);
	const char *sig = request ? signature(a, k, q, &s, arena_printf(a, "%s%s", request, hash), err) : NULL;
	if (!sig)
		return NULL;
	h[n] = arena_printf(a, "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", k->id, s.text, names, sig);
	return h;
}

const char *sigv4_presign(struct arena *a, const struct sigv4_keys *k, const struct sigv4_request *q, int64_t expires_s, struct err *err)
{
	struct scope s = scope_of(a, q);
	struct str url = str_new(TEXT_MAX);
	const char *names, *const none[] = {NULL}, *const *h = q->headers ? q->headers : none;
	struct sigv4_request r = *q;
	char seconds[24];
	if (!canonical(a, q, h, &names, err))
		return NULL;
	snprintf(seconds, sizeof seconds, "%" PRId64, expires_s);
	str_addf(&url, "%s%sX-Amz-Algorithm=AWS4-HMAC-SHA256", q->url, strchr(q->url, '?') ? "&" : "?");
	sigv4_query(&url, "X-Amz-Credential", arena_printf(a, "%s/%s", k->id, s.text));
	sigv4_query(&url, "X-Amz-Date", s.time);
	sigv4_query(&url, "X-Amz-Expires", seconds);
	if (k->token)
		sigv4_query(&url, "X-Amz-Security-Token", k->token);
	sigv4_query(&url, "X-Amz-SignedHeaders", names);
	r.url = arena_strdup(a, str_text(&url));
	str_free(&url);
	const char *request = canonical(a, &r, h, &names, err);
	const char *sig = request ? signature(a, k, q, &s, arena_printf(a, "%sUNSIGNED-PAYLOAD", request), err) : NULL;
	return sig ? arena_printf(a, "%s&X-Amz-Signature=%s", r.url, sig) : NULL;
}

const char *sigv4_canonical(struct arena *a, const struct sigv4_request *q, struct err *err)
{
	const char *names, *const none[] = {NULL};
	return canonical(a, q, q->headers ? q->headers : none, &names, err);
}
