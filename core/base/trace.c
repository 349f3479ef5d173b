/* The trace. Redaction goes by the names of members, so that what nobody thought of here is caught when it is called what
 * secrets are called; tasks mark theirs. State of the process, like the log: who sends does not know whether it is watched. */
#include "core/base/trace.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"

enum { TEXT_MAX = 4000, DEPTH_MAX = 64 };

static int trace_fd = -1;

static const char HIDDEN[] = "(not shown)";

int trace_open(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		return err_errno(err, "cannot write the trace to %s", path);
	if (trace_fd >= 0)
		close(trace_fd);
	trace_fd = fd;
	return 0;
}

bool trace_is_on(void)
{
	return trace_fd >= 0;
}

/* Does a name speak of a secret? */
static bool speaks_of_secret(const char *name)
{
	static const char *const words[] = {"secret", "token", "password", "passwd", "passphrase", "api_key", "apikey", "api-key",
	    "access_key", "accesskey", "private", "authorization", "credential", "cookie", "signature", "x-amz-security"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_istr(name, words[i]))
			return true;
	return false;
}

/* "https://h/p?a=1&api_key=(not shown)". */
static void add_url(struct str *out, const char *url)
{
	const char *query = strchr(url, '?');
	str_addn(out, url, query ? (size_t)(query - url) : strlen(url));
	while (query) {
		size_t n = strcspn(query + 1, "&"), k = strcspn(query + 1, "=&");
		char *name = xstrndup(query + 1, k);
		if (k < n && speaks_of_secret(name))
			str_addf(out, "%c%s=%s", *query, name, HIDDEN);
		else
			str_addn(out, query, n + 1);
		free(name);
		query = query[n + 1] ? query + n + 1 : NULL;
	}
}

static json_t *redacted_text(const json_t *text)
{
	size_t len = json_string_length(text);
	struct str s = str_new(TEXT_MAX + 100);
	if (len <= TEXT_MAX && (str_starts(json_string_value(text), "http://") || str_starts(json_string_value(text), "https://")))
		add_url(&s, json_string_value(text));
	else
		str_addn(&s, json_string_value(text), len < TEXT_MAX ? len : TEXT_MAX);
	if (len > TEXT_MAX)
		str_addf(&s, "... (%zu bytes)", len);
	json_t *j = json_foreign(str_text(&s));
	str_free(&s);
	return j;
}

static json_t *redacted(const json_t *j, int depth);

static json_t *redacted_object(const json_t *j, int depth)
{
	json_t *out = json_object(), *value;
	const char *key;
	bool marked = json_bool(j, "secret", false);
	json_object_foreach((json_t *)j, key, value) {
		bool plain = json_is_boolean(value) || json_is_number(value) || json_is_null(value);
		if ((speaks_of_secret(key) && !plain) || (marked && !strcmp(key, "value")))
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

json_t *trace_redacted(const json_t *message)
{
	return message ? redacted(message, 0) : json_null();
}

/* One line in one write, so that processes may share a file. Takes the reference. */
static void write_line(const char *what, json_t *members)
{
	char at[32];
	json_t *line = json_object();
	json_put_str(line, "at", time_rfc3339(wall_now_ms(), at, sizeof at));
	json_put_int(line, "us", mono_now_us());
	json_put_int(line, "pid", getpid());
	json_put_str(line, "what", what);
	json_object_update(line, members);
	char *text = json_text(line);
	size_t len = strlen(text);
	text[len] = '\n';
	ssize_t ignored = write(trace_fd, text, len + 1);
	(void)ignored;
	free(text);
	json_decref(line);
	json_decref(members);
}

void trace_json(const char *what, const json_t *message)
{
	if (!trace_is_on())
		return;
	json_t *members = json_object();
	json_object_set_new(members, "message", trace_redacted(message));
	write_line(what, members);
}

void trace_body(const char *what, const char *where, int status, const char *body, size_t len)
{
	if (!trace_is_on())
		return;
	json_t *members = json_object(), *parsed = len ? json_parse(body, len, NULL) : NULL, *to = json_foreign(where);
	json_object_set_new(members, "where", trace_redacted(to));
	if (status >= 0)
		json_put_int(members, "status", status);
	json_put_int(members, "bytes", (int64_t)len);
	if (parsed)
		json_object_set_new(members, "body", trace_redacted(parsed));
	json_decref(parsed);
	json_decref(to);
	write_line(what, members);
}
