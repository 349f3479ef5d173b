/* See aws_side.h. */
#include "tests/providers/aws_side.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/str.h"

extern const struct provider provider_aws;

/* What the step functions are given has no room for ours. */
static struct side *now_tested;

static const char *var(const char *name)
{
	for (size_t i = 0; now_tested->vars && now_tested->vars[i]; i += 2)
		if (!strcmp(now_tested->vars[i], name))
			return now_tested->vars[i + 1];
	return NULL;
}

bool side_has_all(const char *text, const char *words)
{
	char word[200];
	for (; *words; words += strcspn(words, "|"), words += *words == '|') {
		snprintf(word, sizeof word, "%.*s", (int)strcspn(words, "|"), words);
		if (!strstr(text, word))
			return false;
	}
	return true;
}

static struct provider_http_reply answer_to(struct side *s, struct arena *a, const struct provider_http *q)
{
	struct str text = str_new(sizeof s->last - 1);
	str_addf(&text, "%s %s\n", q->method, q->url);
	for (size_t i = 0; q->headers && q->headers[i]; i++)
		str_addf(&text, "%s\n", q->headers[i]);
	str_addf(&text, "\n%s", q->body ? q->body : "");
	snprintf(s->last, sizeof s->last, "%s", str_text(&text));
	str_free(&text);
	if (s->keep && strstr(s->last, s->keep))
		snprintf(s->kept, s->kept_size, "%s", s->last);
	s->http++;
	for (size_t i = 0; i < s->n; i++) {
		struct answer *r = &s->answers[i];
		if (r->times < 0 || !side_has_all(s->last, r->has))
			continue;
		if (r->times == 1)
			r->times = -1;
		else if (r->times > 1)
			r->times--;
		const char **headers = arena_alloc(a, 2 * sizeof *headers);
		headers[0] = r->header;
		s->direct += q->direct;
		if (!r->status)
			return (struct provider_http_reply){.code = ERR_TIMEOUT, .err_text = "no answer came in time", .body = ""};
		return (struct provider_http_reply){.status = r->status, .body = r->body, .body_len = strlen(r->body), .headers = headers};
	}
	fail_msg("nothing is foreseen for %s", s->last);
	return (struct provider_http_reply){0};
}

json_t *side_call(struct side *s, enum provider_verb verb, json_t *args, struct err *err)
{
	now_tested = s;
	if (!s->memory)
		s->memory = json_object();
	char settings[1000] = "{}";
	for (size_t i = 0; s->config && i < sizeof settings && (i == 0 || settings[i - 1]); i++)
		settings[i] = s->config[i] == '\'' ? '"' : s->config[i];
	json_t *config = json_parse(settings, strlen(settings), NULL);
	assert_non_null(config);
	struct provider_env env = {.var = var, .config = config, .memory = s->memory, .user = "cafe0123", .now_ms = wall_now_ms()};
	struct provider_call c = {.verb = verb, .args = args, .env = &env, .arena = arena_create(), .scratch = json_object()};
	struct provider_reply reply;
	*err = (struct err){0};
	enum provider_step step = provider_aws.step(&c, NULL, err);
	while (step == PROVIDER_REQUEST) {
		const struct provider_request *q = &c.request;
		reply = (struct provider_reply){.body = "", .complaint = "", .n_http = q->n_http, .n_files = q->n_files};
		struct provider_http_reply *http = arena_alloc(c.arena, (q->n_http + 1) * sizeof *http);
		struct provider_file *files = arena_alloc(c.arena, (q->n_files + 1) * sizeof *files);
		s->paused += q->after_ms > 0;
		for (size_t i = 0; q->kind == PROVIDER_HTTP && i < q->n_http; i++)
			http[i] = answer_to(s, c.arena, &q->http[i]);
		for (size_t i = 0; q->kind == PROVIDER_READ && i < q->n_files; i++) {
			files[i] = q->files[i];
			for (size_t k = 0; s->files && s->files[k]; k += 2)
				if (!strcmp(s->files[k], q->files[i].path) && str_starts(s->files[k + 1], "cannot read "))
					files[i].err_text = s->files[k + 1];
				else if (!strcmp(s->files[k], q->files[i].path))
					files[i].text = s->files[k + 1];
		}
		if (q->kind == PROVIDER_EXEC) {
			assert_non_null(s->exec);
			s->argv[0] = '\0';
			for (size_t i = 0, n = 0; q->argv[i]; i++)
				n += (size_t)snprintf(s->argv + n, sizeof s->argv - n, "[%s]", q->argv[i]);
			reply.status = s->exec_status;
			reply.complaint = s->complaint ? s->complaint : "";
			reply.body = s->exec;
			reply.body_len = strlen(s->exec);
		}
		reply.http = http;
		reply.files = files;
		step = provider_aws.step(&c, &reply, err);
	}
	assert_true(step == PROVIDER_DONE || (step == PROVIDER_FAILED && err->code && err->text[0]));
	json_t *result = step == PROVIDER_DONE ? c.result : NULL;
	json_decref(c.scratch);
	json_decref(config);
	json_decref(args);
	arena_destroy(c.arena);
	return result;
}

void side_end(struct side *s, json_t *result)
{
	json_decref(s->memory);
	json_decref(result);
}
