/* What is taken out of a table: its row as text, its order for the next time. */
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/grid.h"

const char *grid_tsv(const struct grid *g, const struct grid_rows *rows, size_t row, struct arena *arena)
{
	struct str s = str_new(GRID_COLUMNS_MAX * (GRID_TEXT_MAX + 64));
	if (row >= rows->count(rows->arg))
		return "";
	for (size_t i = 0; i < g->n_columns; i++)
		str_addf(&s, "%s%s", i ? "\t" : "", g->columns[i].title);
	str_addc(&s, '\n');
	for (size_t i = 0; i < g->n_columns; i++) {
		struct grid_cell cell = {0};
		rows->cell(rows->arg, row, i, &cell);
		if (i)
			str_addc(&s, '\t');
		text_clean(&s, cell.text, strlen(cell.text));
	}
	str_addc(&s, '\n');
	const char *text = arena_strdup(arena, str_text(&s));
	str_free(&s);
	return text;
}

json_t *grid_save(const struct grid *g)
{
	json_t *j = json_object();
	json_put_str(j, "sort", g->sort_column < 0 ? NULL : g->columns[g->sort_column].title);
	json_put_bool(j, "descending", g->descending);
	return j;
}

void grid_restore(struct grid *g, const json_t *saved)
{
	const char *title = json_str(saved, "sort", "");
	for (size_t i = 0; i < g->n_columns; i++) {
		if (g->columns[i].sort < 0 || !str_eq(g->columns[i].title, title))
			continue;
		g->sort_column = (int)i;
		g->descending = json_bool(saved, "descending", false);
	}
}
