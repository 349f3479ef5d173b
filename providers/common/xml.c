/* A small XML scanner. EC2's answers use few of XML's means, but use equal names at different depths (a state has a name, and so has an image), so
 * that searching the text for tags finds the wrong ones. Document types are refused; comments and instructions are skipped. */
#include "providers/common/xml.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"

enum { TEXT_MAX = 4 << 20 };

void xml_init(struct xml *x, const char *text, size_t len)
{
	memset(x, 0, sizeof *x);
	x->text = str_new(TEXT_MAX);
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		len -= 3;
	}
	x->p = text;
	x->end = text + len;
}

void xml_free(struct xml *x)
{
	str_free(&x->text);
}

static enum xml_event bad(struct xml *x, const char *why)
{
	x->why = why;
	x->p = x->end;
	return XML_BAD;
}

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_:.-", c));
}

static bool take_name(struct xml *x)
{
	size_t n = 0;
	while (x->p + n < x->end && n < XML_NAME_MAX - 1 && (unsigned char)x->p[n] < 128 && name_char(x->p[n]))
		n++;
	memcpy(x->name, x->p, n);
	x->name[n] = '\0';
	x->p += n;
	return n > 0 && (x->p >= x->end || !name_char(*x->p));
}

static bool at(const struct xml *x, const char *s)
{
	size_t n = strlen(s);
	return (size_t)(x->end - x->p) >= n && !memcmp(x->p, s, n);
}

/* Behind the next occurrence of s; false: there is none. */
static bool skip_past(struct xml *x, const char *s)
{
	const char *hit = memmem(x->p, (size_t)(x->end - x->p), s, strlen(s));
	if (hit)
		x->p = hit + strlen(s);
	return hit != NULL;
}

/* The character that "&…;" at p means, appended; returns its length, 0 when it is none. */
static size_t take_entity(struct str *out, const char *p, const char *end)
{
	static const struct {
		const char *name;
		char c;
	} known[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if ((size_t)(end - p) >= strlen(known[i].name) && !memcmp(p, known[i].name, strlen(known[i].name))) {
			str_addc(out, known[i].c);
			return strlen(known[i].name);
		}
	if (end - p < 4 || p[1] != '#')
		return 0;
	bool hex = p[2] == 'x';
	const char *q = p + 2 + hex;
	unsigned v = 0;
	size_t digits = 0;
	for (; q < end && digits < 8 && (hex ? isxdigit((unsigned char)*q) : isdigit((unsigned char)*q)); q++, digits++)
		v = v * (hex ? 16 : 10) + (unsigned)(isdigit((unsigned char)*q) ? *q - '0' : tolower((unsigned char)*q) - 'a' + 10);
	if (!digits || q >= end || *q != ';' || !v || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return 0;
	char utf8[4];
	str_addn(out, utf8, utf8_encode(v, utf8));
	return (size_t)(q + 1 - p);
}

static enum xml_event take_text(struct xml *x)
{
	str_clear(&x->text);
	while (x->p < x->end && *x->p != '<') {
		const char *stop = x->p;
		while (stop < x->end && *stop != '<' && *stop != '&')
			stop++;
		str_addn(&x->text, x->p, (size_t)(stop - x->p));
		x->p = stop;
		if (x->p < x->end && *x->p == '&') {
			size_t n = take_entity(&x->text, x->p, x->end);
			if (!n)
				return bad(x, "has an entity that is not known");
			x->p += n;
		}
	}
	return x->text.full ? bad(x, "has a text that is too long") : XML_TEXT;
}

static enum xml_event take_cdata(struct xml *x)
{
	const char *from = x->p + 9;
	x->p = from;
	if (!skip_past(x, "]]>"))
		return bad(x, "ends within a text");
	str_clear(&x->text);
	str_addn(&x->text, from, (size_t)(x->p - 3 - from));
	return x->text.full ? bad(x, "has a text that is too long") : XML_TEXT;
}

/* To the end of a tag, attributes and all; *empty: it was "/>". */
static bool skip_attributes(struct xml *x, bool *empty)
{
	char last = 0, quote = 0;
	for (; x->p < x->end; x->p++) {
		char c = *x->p;
		if (quote) {
			quote = c == quote ? 0 : quote;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '<') {
			return false;
		} else if (c == '>') {
			*empty = last == '/';
			x->p++;
			return true;
		}
		last = c;
	}
	return false;
}

static enum xml_event close_top(struct xml *x)
{
	x->depth--;
	memcpy(x->name, x->open[x->depth], XML_NAME_MAX);
	return XML_CLOSE;
}

static enum xml_event take_tag(struct xml *x)
{
	bool closing = at(x, "</");
	x->p += closing ? 2 : 1;
	bool empty = false;
	if (!take_name(x) || !skip_attributes(x, &empty))
		return bad(x, "has a tag that is none");
	if (closing) {
		if (!x->depth || strcmp(x->open[x->depth - 1], x->name))
			return bad(x, "closes what is not open");
		return close_top(x);
	}
	if (x->depth == XML_DEPTH_MAX || ++x->elements > XML_ELEMENTS_MAX)
		return bad(x, "is nested too deep, or too large");
	memcpy(x->open[x->depth++], x->name, XML_NAME_MAX);
	x->closes = empty;
	return XML_OPEN;
}

enum xml_event xml_next(struct xml *x)
{
	if (x->closes) {
		x->closes = false;
		return close_top(x);
	}
	for (;;) {
		if (x->why)
			return XML_BAD;
		if (x->p >= x->end)
			return x->depth ? bad(x, "ends too early") : XML_END;
		if (*x->p != '<')
			return take_text(x);
		if (at(x, "<![CDATA["))
			return take_cdata(x);
		bool comment = at(x, "<!--");
		if (!comment && at(x, "<!"))
			return bad(x, "has a document type");
		if (!comment && !at(x, "<?"))
			return take_tag(x);
		if (!skip_past(x, comment ? "-->" : "?>"))
			return bad(x, "ends within a comment");
	}
}

/* ---- as JSON ----------------------------------------------------------------------------------------------------- */

/* One open element: its text so far, and what is in it. */
struct frame {
	json_t *value; /* list or object; NULL: no element in it yet */
	json_t *text;
};

static void put(struct frame *f, const char *name, json_t *value)
{
	bool listed = !strcmp(name, "item") || !strcmp(name, "member");
	if (!f->value)
		f->value = listed ? json_array() : json_object();
	if (json_is_array(f->value)) {
		if (listed) {
			json_array_append_new(f->value, value);
			return;
		}
		json_t *o = json_object(); /* a list that is none after all */
		json_object_set_new(o, "item", f->value);
		f->value = o;
	}
	json_t *before = json_object_get(f->value, name);
	if (!before) {
		json_object_set_new(f->value, name, value);
		return;
	}
	if (!json_is_array(before)) {
		json_t *list = json_pack("[O]", before);
		json_object_set_new(f->value, name, list);
		before = list;
	}
	json_array_append_new(before, value);
}

static json_t *finish(struct frame *f)
{
	json_t *v = f->value ? f->value : f->text ? f->text : json_string("");
	if (f->value)
		json_decref(f->text);
	*f = (struct frame){0};
	return v;
}

static void add_text(struct frame *f, const char *text)
{
	if (f->value)
		return;
	json_t *more = json_foreign(text);
	if (f->text) {
		char *both = xasprintf("%s%s", json_string_value(f->text), json_string_value(more));
		json_decref(more);
		more = json_foreign(both);
		free(both);
	}
	json_decref(f->text);
	f->text = more;
}

json_t *xml_json(const char *text, size_t len, struct err *err)
{
	struct xml *x = xmalloc(sizeof *x);
	struct frame *f = xcalloc(XML_DEPTH_MAX + 1, sizeof *f);
	xml_init(x, text, len);
	enum xml_event e;
	while ((e = xml_next(x)) != XML_END && e != XML_BAD) {
		if (e == XML_CLOSE)
			put(&f[x->depth], x->name, finish(&f[x->depth + 1]));
		else if (e == XML_TEXT && x->depth)
			add_text(&f[x->depth], str_text(&x->text));
	}
	json_t *root = f[0].value;
	f[0].value = NULL;
	for (size_t i = 0; i <= XML_DEPTH_MAX; i++)
		json_decref(finish(&f[i]));
	if (e == XML_BAD || !json_is_object(root)) {
		err_set(err, ERR_PROTOCOL, "the answer is no XML: it %s", e == XML_BAD ? x->why : "is empty");
		json_decref(root);
		root = NULL;
	}
	xml_free(x);
	free(x);
	free(f);
	return root;
}
