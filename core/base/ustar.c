/* Headers are 512 bytes of text fields; see "ustar Interchange Format" in POSIX, pax. Data is padded to whole blocks. */
#include "core/base/ustar.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 512, NAME_MAX_BYTES = 100, MODE_AT = 100, SIZE_AT = 124, SUM_AT = 148, TYPE_AT = 156, MAGIC_AT = 257 };

static void put_octal(char *at, int digits, unsigned long long v)
{
	char text[24];
	snprintf(text, sizeof text, "%0*llo", digits, v);
	memcpy(at, text, (size_t)digits);
}

static void put_padding(struct str *out, size_t n)
{
	static const char zeros[BLOCK] = {0};
	str_addn(out, zeros, n);
}

void ustar_add(struct str *out, const char *name, unsigned mode, const char *data, size_t len)
{
	static const int zero_fields[] = {108, 116, 136}; /* uid, gid, mtime */
	char h[BLOCK] = {0};
	unsigned sum = 0;
	memcpy(h, name, strnlen(name, NAME_MAX_BYTES));
	put_octal(h + MODE_AT, 7, mode);
	for (size_t i = 0; i < sizeof zero_fields / sizeof *zero_fields; i++)
		put_octal(h + zero_fields[i], zero_fields[i] == 136 ? 11 : 7, 0);
	put_octal(h + SIZE_AT, 11, len);
	h[TYPE_AT] = '0';
	memcpy(h + MAGIC_AT, "ustar\00000", 8);
	memset(h + SUM_AT, ' ', 8); /* the sum counts its own field as blanks */
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)h[i];
	put_octal(h + SUM_AT, 6, sum);
	h[SUM_AT + 6] = '\0';
	str_addn(out, h, BLOCK);
	str_addn(out, data, len);
	put_padding(out, (BLOCK - len % BLOCK) % BLOCK);
}

void ustar_end(struct str *out)
{
	put_padding(out, BLOCK);
	put_padding(out, BLOCK);
}
