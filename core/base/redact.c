/* Redaction goes by the names of things, so that what nobody thought of here is caught when it is called what secrets are called;
 * tasks mark theirs. It rather hides too much: a trace is made to be given away. */
#include "core/base/redact.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"

enum { TEXT_MAX = 4000, DEPTH_MAX = 64, NAME_MAX_LEN = 200 };

static const char HIDDEN[] = "(not shown)";

/* What secrets are called. Anywhere in the name, or, where the word is too short for that, the whole of it. */
static const struct {
	const char *word;
	bool whole;
} words[] = {
    {"secret", false},	      /* client_secret, SecretAccessKey */
    {"token", false},	      /* refresh_token, access_token, X-Amz-Security-Token, X-aws-ec2-metadata-token */
    {"password", false},
    {"passwd", false},
    {"passphrase", false},
    {"pass_phrase", false},
    {"api_key", false},
    {"apikey", false},
    {"api-key", false},
    {"access_key", false},
    {"accesskey", false},
    {"account_key", false},
    {"accountkey", false},
    {"shared_key", false},
    {"private_key", false},
    {"privatekey", false},
    {"private-key", false},
    {"authorization", false}, /* also Proxy-Authorization */
    {"credential", false},
    {"cookie", false},	      /* also Set-Cookie */
    {"signature", false},
    {"x-amz-security", false},
    {"assertion", false},     /* a signed statement that is good for a token */
    {"bearer", false},
    {"saml", false},	      /* saml_response */
    {"identity-header", false}, /* X-IDENTITY-HEADER of an app on Azure */
    {"user-data", false},     /* what a machine is started with: keys lie there */
    {"user_data", false},
    {"userdata", false},
    {"customdata", false},
    {"custom-data", false},
    {"custom_data", false},
    {"startup-script", false},
    {"startup_script", false},
    {"keymaterial", false},
    {"sig", true},
    {"jwt", true},
};

bool redact_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].whole ? str_ieq(name, words[i].word) : str_istr(name, words[i].word) != NULL)
			return true;
	return false;
}

static bool part_is_secret(const char *name, size_t len)
{
	char *n = xstrndup(name, len < NAME_MAX_LEN ? len : NAME_MAX_LEN);
	bool yes = redact_name(n);
	free(n);
	return yes;
}

/* "a=1&api_key=(not shown)". */
static void add_form(struct str *out, const char *form, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *p = form + at, *end = memchr(p, '&', len - at);
		size_t n = end ? (size_t)(end - p) : len - at;
		const char *eq = memchr(p, '=', n);
		size_t k = eq ? (size_t)(eq - p) : n;
		if (at)
			str_addc(out, '&');
		str_addn(out, p, k);
		if (eq && part_is_secret(p, k))
			str_addf(out, "=%s", HIDDEN);
		else
			str_addn(out, p + k, n - k);
		at += n + 1;
	}
}

static void add_url(struct str *out, const char *url)
{
	const char *query = strchr(url, '?'), *host = strstr(url, "://"), *at = host ? strpbrk(host + 3, "@/?") : NULL;
	if (at && *at == '@') { /* "https://user:password@host/": whoever writes it so */
		str_addn(out, url, (size_t)(host + 3 - url));
		str_addf(out, "%s", HIDDEN);
		url = at;
	}
	str_addn(out, url, query ? (size_t)(query - url) + 1 : strlen(url));
	if (query)
		add_form(out, query + 1, strlen(query + 1));
}

char *redact_url(const char *url)
{
	struct str s = str_new(TEXT_MAX);
	add_url(&s, url);
	return str_take(&s);
}

char *redact_place(const char *url)
{
	char *whole = redact_url(url);
	whole[strcspn(whole, "?")] = '\0';
	return whole;
}

/* "eyJ…" with dots in it is a token that says who somebody is, whatever it is called: {"value": …} of GitHub's. */
static bool is_key_or_bearer(const char *text)
{
	return (str_starts(text, "eyJ") && strchr(text, '.')) ||
	       (strstr(text, "-----BEGIN ") && strstr(text, "PRIVATE KEY")) || str_istr(text, "bearer ey") || str_starts(text, "Bearer ");
}

char *redact_header(const char *line)
{
	size_t k = strcspn(line, ":");
	if (line[k] && part_is_secret(line, k))
		return xasprintf("%.*s: %s", (int)k, line, HIDDEN);
	const char *value = line + k + strspn(line + k, ": ");
	if (line[k] && is_key_or_bearer(value))
		return xasprintf("%.*s: %s", (int)k, line, HIDDEN);
	if (line[k] && strstr(value, "://")) {
		char *url = redact_url(value), *out = xasprintf("%.*s: %s", (int)k, line, url);
		free(url);
		return out;
	}
	return xstrndup(line, TEXT_MAX);
}

static json_t *redacted_text(const json_t *text)
{
	size_t len = json_string_length(text);
	const char *value = json_string_value(text);
	if (is_key_or_bearer(value))
		return json_string(HIDDEN);
	struct str s = str_new(TEXT_MAX + 100);
	if (len <= TEXT_MAX && (str_starts(value, "http://") || str_starts(value, "https://")))
		add_url(&s, value);
	else
		str_addn(&s, value, len < TEXT_MAX ? len : TEXT_MAX);
	if (len > TEXT_MAX)
		str_addf(&s, "... (%zu bytes)", len);
	json_t *j = json_foreign(str_text(&s));
	str_free(&s);
	return j;
}

static json_t *redacted(const json_t *j, int depth);

/* {"key": "user-data", "value": …}: the pairs that clouds make of tags and metadata; {"keyName": "key1", "value": …}: keys of Azure's accounts. */
static bool pair_is_secret(const json_t *j)
{
	static const char *const names[] = {"key", "Key", "name", "Name"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *name = json_str(j, names[i], NULL);
		if (name && redact_name(name))
			return true;
	}
	return json_bool(j, "secret", false) || json_object_get(j, "keyName");
}

static json_t *redacted_object(const json_t *j, int depth)
{
	json_t *out = json_object(), *value;
	const char *key;
	bool pair = pair_is_secret(j);
	json_object_foreach((json_t *)j, key, value) {
		bool plain = json_is_boolean(value) || json_is_number(value) || json_is_null(value);
		if ((redact_name(key) && !plain) || (pair && str_ieq(key, "value")))
			json_object_set_new(out, key, json_string(HIDDEN));
		else
			json_object_set_new(out, key, redacted(value, depth + 1));
	}
	return out;
}

static json_t *redacted(const json_t *j, int depth)
{
	size_t i;
	json_t *value;
	if (depth > DEPTH_MAX)
		return json_string("...");
	if (json_is_object(j))
		return redacted_object(j, depth);
	if (json_is_string(j))
		return redacted_text(j);
	if (!json_is_array(j))
		return json_incref((json_t *)j);
	json_t *out = json_array();
	json_array_foreach((json_t *)j, i, value)
		json_array_append_new(out, redacted(value, depth + 1));
	return out;
}

json_t *redact_json(const json_t *message)
{
	return message ? redacted(message, 0) : json_null();
}

/* ---- bodies ------------------------------------------------------------------------------------------------------- */

/* Where a reader of XML is. */
struct xml_at {
	int depth, hide; /* hide: from this depth on nothing is shown; 0: all is */
	bool in_key, next_is_secret;
};

/* p is at '<', n bytes to its end. */
static void take_tag(struct xml_at *x, const char *p, size_t n)
{
	x->in_key = false;
	if (n > 1 && p[1] == '/') {
		if (x->depth-- == x->hide)
			x->hide = 0;
		return;
	}
	if (n < 3 || p[1] == '?' || p[1] == '!' || p[n - 2] == '/')
		return;
	size_t k = strcspn(p + 1, " />\t\r\n");
	k = k < n - 1 ? k : n - 1;
	char *name = xstrndup(p + 1, k);
	x->depth++;
	if (!x->hide && (redact_name(name) || (x->next_is_secret && str_ieq(name, "value"))))
		x->hide = x->depth;
	x->in_key = str_ieq(name, "key") || str_ieq(name, "name");
	free(name);
}

/* "<a><SecretAccessKey>(not shown)</SecretAccessKey></a>": what an element holds, and the values of pairs
 * ("<key>user-data</key><value>…"). Character data that is marked as such is not shown at all. */
static void add_xml(struct str *out, const char *xml, size_t len)
{
	struct xml_at x = {.depth = 0};
	for (size_t at = 0; at < len && !out->full;) {
		const char *p = xml + at;
		bool tag = *p == '<', data = tag && len - at > 9 && !strncmp(p, "<![CDATA[", 9);
		const char *end = data ? strstr(p, "]]>") : memchr(p, tag ? '>' : '<', len - at);
		size_t n = end ? (size_t)(end - p) + (data ? 3 : tag) : len - at;
		if (data || (!tag && x.hide && strspn(p, " \r\n\t") < n))
			str_add(out, HIDDEN);
		else
			str_addn(out, p, n);
		if (tag && !data)
			take_tag(&x, p, n);
		else if (x.in_key)
			x.next_is_secret = part_is_secret(p, n);
		at += n;
	}
}

/* A bare token in base64, as metadata servers give, ends in signs of equality as well: it has no other. */
static bool looks_like_form(const char *body, size_t len)
{
	size_t n = len;
	while (n && body[n - 1] == '=')
		n--;
	if (!memchr(body, '=', n))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)body[i] <= ' ' || (unsigned char)body[i] >= 127 || strchr("<>{}\"\\", body[i]))
			return false;
	return true;
}

json_t *redact_body(const char *body, size_t len)
{
	if (!body || !len)
		return NULL;
	json_t *parsed = body[0] == '<' ? NULL : json_parse(body, len, NULL);
	if (parsed) {
		json_t *j = redact_json(parsed);
		json_decref(parsed);
		return j;
	}
	bool xml = body[0] == '<';
	if (!xml && !looks_like_form(body, len))
		return NULL;
	struct str s = str_new(TEXT_MAX);
	if (xml)
		add_xml(&s, body, len);
	else
		add_form(&s, body, len);
	json_t *j = json_foreign(str_text(&s));
	str_free(&s);
	return j;
}
