/* States: text, after ESC, in a CSI sequence, in a string (OSC, DCS, APC, PM, SOS) until BEL or ST, after ESC in a string. A C1 control as
 * UTF-8 (C2 80..9F) is dropped too; the byte C2 is held back until its successor is known. */
#include "tui/cli/logfilter.h"

#include <string.h>

enum { TEXT, ESCAPED, CSI, STRING, STRING_ESC, C2 };

static void text_byte(struct logfilter *f, unsigned char c, struct str *out)
{
	if (c == 0x1b)
		f->state = ESCAPED;
	else if (c == 0xc2)
		f->state = C2;
	else if (c >= 0x20 ? c != 0x7f : c == '\n' || c == '\t' || c == '\r')
		str_addc(out, (char)c);
}

/* How many bytes from here are plain text: nearly all of a log, copied at once. */
static size_t plain_run(const char *s, size_t len)
{
	size_t n = 0;
	while (n < len && (unsigned char)s[n] >= 0x20 && (unsigned char)s[n] != 0x7f && (unsigned char)s[n] != 0xc2)
		n++;
	return n;
}

static void csi_byte(struct logfilter *f, unsigned char c, struct str *out)
{
	if (f->n < sizeof f->seq)
		f->seq[f->n++] = (char)c;
	if (c < 0x40 || c > 0x7e) {
		if (c < 0x20)
			f->state = TEXT; /* broken off */
		return;
	}
	f->state = TEXT;
	if (c != 'm' || f->plain || f->n >= sizeof f->seq || strspn(f->seq, "0123456789;:") != f->n - 1)
		return;
	str_add(out, "\033[");
	str_addn(out, f->seq, f->n);
}

void logfilter_feed(struct logfilter *f, const char *data, size_t len, struct str *out)
{
	for (size_t i = 0; i < len; i++) {
		if (f->state == TEXT) {
			size_t n = plain_run(data + i, len - i);
			str_addn(out, data + i, n);
			if ((i += n) == len)
				return;
		}
		unsigned char c = (unsigned char)data[i];
		switch (f->state) {
		case TEXT:
			text_byte(f, c, out);
			break;
		case ESCAPED:
			f->n = 0;
			memset(f->seq, 0, sizeof f->seq);
			f->state = c == '[' ? CSI : strchr("]PX^_", c) && c ? STRING : TEXT;
			break;
		case CSI:
			csi_byte(f, c, out);
			break;
		case STRING:
			f->state = c == 0x07 ? TEXT : c == 0x1b ? STRING_ESC : STRING;
			break;
		case STRING_ESC:
			f->state = c == '\\' ? TEXT : STRING;
			break;
		case C2:
			f->state = TEXT;
			if (c >= 0xa0 || c < 0x80) {
				str_addc(out, (char)0xc2);
				text_byte(f, c, out);
			}
			break;
		}
	}
}
