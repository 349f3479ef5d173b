/* The trace: lines without secrets (redact.h). State of the process, like the log: who sends does not know whether it is watched. */
#include "core/base/trace.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/redact.h"

static int trace_fd = -1;

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
	json_object_set_new(members, "message", redact_json(message));
	write_line(what, members);
}

void trace_body(const char *what, const char *where, int status, const char *body, size_t len)
{
	trace_http(what, where, NULL, status, body, len);
}

void trace_http(const char *what, const char *where, const char *const *headers, int status, const char *body, size_t len)
{
	if (!trace_is_on())
		return;
	json_t *members = json_object(), *to = json_foreign(where), *list = headers ? json_array() : NULL;
	for (size_t i = 0; headers && headers[i]; i++) {
		char *line = redact_header(headers[i]);
		json_array_append_new(list, json_foreign(line));
		free(line);
	}
	json_object_set_new(members, "where", redact_json(to));
	if (status >= 0)
		json_put_int(members, "status", status);
	if (list)
		json_object_set_new(members, "headers", list);
	json_put_int(members, "bytes", (int64_t)len);
	json_t *shown = redact_body(body, len);
	if (shown)
		json_object_set_new(members, "body", shown);
	json_decref(to);
	write_line(what, members);
}
