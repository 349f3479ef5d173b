/* See report.h. Missing credentials are an answer of CHECK, and no error. */
#include "providers/common/report.h"

#include "core/base/json.h"
#include "core/base/str.h"

json_t *report_new(bool enabled, const char *identity, const char *reason)
{
	json_t *r = json_pack("{s:b, s:[], s:[], s:[]}", "enabled", (int)enabled, "permissions", "quotas", "hints");
	json_put_str(r, "identity", identity);
	json_put_str(r, "reason", reason);
	return r;
}

void report_hint(json_t *report, const char *text)
{
	json_array_append_new(json_arr(report, "hints"), json_string(text));
}

json_t *report_permissions(const struct report_permission *list, size_t n, bool (*granted)(const void *context, const char *name), const void *context)
{
	json_t *out = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *row = json_object();
		json_put_str(row, "name", list[i].name);
		json_object_set_new(row, "ok", granted ? json_boolean(granted(context, list[i].name)) : json_null());
		json_put_str(row, "why", list[i].why);
		json_array_append_new(out, row);
	}
	return out;
}

const char *report_missing(struct arena *a, const struct report_permission *list, const json_t *rows)
{
	struct str s = str_new(800);
	size_t i;
	json_t *row;
	json_array_foreach(rows, i, row)
		if (list[i].needed && json_is_false(json_object_get(row, "ok")))
			str_addf(&s, "%s%s", s.len ? ", " : "", list[i].name);
	const char *out = arena_strdup(a, str_text(&s));
	str_free(&s);
	return out;
}

void report_quota(json_t *quotas, const char *name, const char *region, int64_t limit, int64_t used)
{
	json_t *row = json_object();
	json_put_str(row, "name", name);
	json_put_str(row, "region", region);
	json_put_int(row, "limit", limit);
	json_object_set_new(row, "used", used < 0 ? json_null() : json_integer((json_int_t)used));
	json_array_append_new(quotas, row);
}

bool report_answers(const struct err *err)
{
	return err->code == ERR_CREDENTIALS || err->code == ERR_NOT_FOUND || err->code == ERR_INVALID;
}
