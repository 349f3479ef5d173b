/* The field after `/`. */
#include "tui/query.h"

#include <string.h>

#include "tui/width.h"

void query_begin(struct query *q)
{
	memcpy(q->before, q->field.text, q->field.len + 1);
	q->field.cursor = q->field.len;
	q->typing = true;
}

enum query_event query_key(struct query *q, struct key k)
{
	bool ctrl = k.mods == KEYS_CTRL;
	if (!q->typing)
		return QUERY_OTHER;
	if (k.code == KEYS_ESC || (ctrl && (k.code == 'c' || k.code == 'g'))) {
		q->typing = false;
		field_set(&q->field, q->before);
		return QUERY_UNDONE;
	}
	if (k.code == KEYS_ENTER) {
		q->typing = false;
		return QUERY_KEPT;
	}
	size_t len = q->field.len;
	if (!field_key(&q->field, k))
		return QUERY_OTHER;
	return len != q->field.len ? QUERY_CHANGED : QUERY_TAKEN;
}

bool query_paste(struct query *q, const char *text, size_t len)
{
	if (q->typing)
		field_insert(&q->field, text, len);
	return q->typing;
}

int query_draw(const struct query *q, struct canvas *c, struct rect line, int room, bool keys)
{
	const char prompt[] = {' ', q->prompt ? q->prompt : '/', 0};
	if (room < 4 || (!q->typing && !q->field.len))
		return 0;
	int x = line.x + canvas_text(c, line.x, line.y, room, ROLE_KEY, prompt);
	int want = q->typing ? room - 3 : width_text(q->field.text, q->field.len);
	int w = want < room - 3 ? want : room - 3;
	field_draw(&q->field, c, x, line.y, w, q->typing && keys);
	canvas_put(c, x + w, line.y, ROLE_TEXT, ' ');
	return x + w + 1 - line.x;
}
