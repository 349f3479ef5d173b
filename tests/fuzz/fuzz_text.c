/* Text that comes from outside, on its way to a terminal: cleaning, measuring, cutting, tables. */
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/base/width.h"
#include "tests/fuzz/must.h"
#include "tui/cli/table.h"

static void clean(const char *text, size_t len)
{
	struct str s = str_new(1 << 20);
	text_clean(&s, text, len);
	MUST(utf8_valid(str_text(&s), s.len, NULL));
	for (size_t i = 0; i < s.len; i++)
		MUST((unsigned char)s.data[i] >= 0x20 && s.data[i] != 0x7f);
	str_free(&s);
}

static void fit(const char *text, size_t len)
{
	size_t all = text_width(text, len), used;
	for (size_t columns = 0; columns < 12; columns++) {
		size_t n = text_fit(text, len, columns, &used);
		MUST(n <= len);
		MUST(used <= columns);
		MUST(used == text_width(text, n));
		MUST(n < len || used == all);
	}
}

static void table(const char *text)
{
	static const struct table_style styles[] = {{0, false, true}, {1, true, true}, {10, false, false}, {33, true, true}};
	struct table *t = table_create();
	table_column(t, "A", 0);
	table_column(t, text, TABLE_SHRINK);
	table_column(t, "C", TABLE_RIGHT | TABLE_SHRINK);
	for (int i = 0; i < 7; i++)
		table_cell_tone(t, TONE_BAD, text + (size_t)i % (strlen(text) + 1));
	char *out = NULL;
	size_t out_len = 0;
	FILE *f = open_memstream(&out, &out_len);
	MUST(f);
	for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++)
		table_print(t, f, &styles[i]);
	table_print_csv(t, f);
	MUST(!fclose(f));
	free(out);
	table_destroy(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';
	clean((const char *)data, size);
	fit((const char *)data, size);
	table(text);
	free(text);
	return 0;
}
