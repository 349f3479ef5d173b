/* JSON helpers. */
#include "core/base/json.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"

json_t *json_parse(const char *text, size_t len, struct err *err)
{
	json_error_t e;
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (!j)
		err_set(err, ERR_PROTOCOL, "not JSON: line %d column %d: %s", e.line, e.column, e.text);
	return j;
}

char *json_text(const json_t *j)
{
	char *s = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
	return s ? s : xstrdup("null");
}

char *json_pretty(const json_t *j)
{
	char *s = json_dumps(j, JSON_INDENT(2) | JSON_ENCODE_ANY);
	char *line = xasprintf("%s\n", s ? s : "null");
	free(s);
	return line;
}

const char *json_str(const json_t *obj, const char *key, const char *dflt)
{
	const json_t *v = json_object_get(obj, key);
	return json_is_string(v) ? json_string_value(v) : dflt;
}

int64_t json_int(const json_t *obj, const char *key, int64_t dflt)
{
	const json_t *v = json_object_get(obj, key);
	return json_is_integer(v) ? json_integer_value(v) : dflt;
}

bool json_bool(const json_t *obj, const char *key, bool dflt)
{
	const json_t *v = json_object_get(obj, key);
	return json_is_boolean(v) ? json_is_true(v) : dflt;
}

json_t *json_arr(const json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);
	return json_is_array(v) ? v : NULL;
}

json_t *json_obj(const json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);
	return json_is_object(v) ? v : NULL;
}

json_t *json_foreign(const char *text)
{
	if (!text)
		return json_null();
	size_t len = strlen(text);
	if (utf8_valid(text, len, NULL))
		return json_string_nocheck(text);
	struct str s = str_new(len * 3 + 1);
	for (size_t i = 0; i < len;) {
		unsigned cp;
		char out[4];
		i += utf8_decode(text + i, len - i, &cp);
		str_addn(&s, out, utf8_encode(cp, out));
	}
	json_t *j = json_string_nocheck(str_text(&s));
	str_free(&s);
	return j;
}

void json_put_str(json_t *obj, const char *key, const char *text)
{
	json_object_set_new(obj, key, json_foreign(text));
}

void json_put_int(json_t *obj, const char *key, int64_t v)
{
	json_object_set_new(obj, key, json_integer(v));
}

void json_put_bool(json_t *obj, const char *key, bool v)
{
	json_object_set_new(obj, key, json_boolean(v));
}

bool json_has(const json_t *list, const char *text)
{
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v)
		if (json_is_string(v) && str_eq(json_string_value(v), text))
			return true;
	return false;
}
