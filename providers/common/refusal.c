/* The same status says different things (no permission, no quota, too fast), so the codes of a cloud decide, and for some the text as well. */
#include "providers/common/refusal.h"

#include <stdio.h>
#include <string.h>

#include "core/base/str.h"

enum { MESSAGE_MAX = 400 };

static bool one_fits(const char *patterns, const char *code)
{
	bool fits = false;
	while (*patterns && !fits) {
		size_t n = strcspn(patterns, "|");
		char one[80];
		if (n < sizeof one) {
			memcpy(one, patterns, n);
			one[n] = '\0';
			fits = str_glob(one, code);
		}
		patterns += n;
		patterns += *patterns == '|';
	}
	return fits;
}

static bool fits(const struct refusal_row *row, const struct refusal *r)
{
	if ((row->status && row->status != r->status) || (row->creates && !r->creates) || (row->text && !str_istr(r->message, row->text)))
		return false;
	bool coded = !row->codes;
	for (size_t i = 0; i < r->n && !coded; i++)
		coded = one_fits(row->codes, r->codes[i]);
	return coded;
}

void refusal_add(struct refusal *r, const char *code)
{
	if (code && *code && r->n < REFUSAL_CODES_MAX)
		r->codes[r->n++] = code;
}

void refusal_report(const struct refusal_row *rows, size_t n, const struct refusal *r, const char *who, const char *what, struct err *err)
{
	const struct refusal_row *row = NULL;
	for (size_t i = 0; i < n && !row; i++)
		if (fits(&rows[i], r))
			row = &rows[i];
	enum err_code code = row ? row->code : r->status >= 500 ? ERR_NETWORK : ERR_PROTOCOL;
	struct str clean = str_new(MESSAGE_MAX);
	text_clean(&clean, r->message, strlen(r->message) < MESSAGE_MAX ? strlen(r->message) : MESSAGE_MAX - 1);
	char status[24] = "";
	if (r->status)
		snprintf(status, sizeof status, "HTTP %d", r->status);
	const char *named = r->n ? r->codes[0] : "";
	err_set(err, code, "%s: %s%s%s%.60s%s%s%s%s%s", what, clean.len ? str_text(&clean) : who, clean.len ? "" : " said no", r->n || *status ? " (" : "", named,
	    r->n && *status ? ", " : "", status, r->n || *status ? ")" : "", row && row->advice ? "; " : "", row && row->advice ? row->advice : "");
	str_free(&clean);
	if (err) {
		err->http_status = r->status;
		err->scope = row ? row->scope : ERR_SCOPE_PLACE;
	}
}
