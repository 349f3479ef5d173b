/* What y copies: what all views need for that, and what there is of offers and clusters: the name, the commands that do the same outside,
 * and the row as a table program takes it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/view/clusters_priv.h"
#include "tui/view/offers_priv.h"
#include "tui/view/views.h"

size_t view_copy_add(struct view_copy *out, size_t n, const char *what, const char *text)
{
	if (n == VIEW_COPIES_MAX || !text || !text[0])
		return n;
	out[n] = (struct view_copy){what, text};
	return n + 1;
}

/* Plain words stay as they are: people read this. */
static void add_word(struct str *s, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@%+,=-";
	if (word[0] && word[strspn(word, plain)] == '\0')
		str_add(s, word);
	else
		shell_quote(s, word);
}

const char *view_command(struct arena *arena, const char *words, const char *arg)
{
	struct str s = str_new(4096);
	str_addf(&s, "%s ", words);
	add_word(&s, arg);
	const char *text = arena_strdup(arena, str_text(&s));
	str_free(&s);
	return text;
}

size_t clusters_copies(void *state, const struct app *a, struct arena *arena, struct view_copy out[VIEW_COPIES_MAX])
{
	(void)a;
	struct clusters_state *v = state;
	const struct ui_cluster *c = clusters_selected(v);
	const struct ui_job *j = v->view.focus ? clusters_selected_job(v) : NULL;
	size_t n = 0;
	if (!c)
		return 0;
	if (j) {
		n = view_copy_add(out, n, "job", arena_printf(arena, "%lld", (long long)j->id));
		n = view_copy_add(out, n, "log command", arena_printf(arena, "%s %lld", view_command(arena, "skytop logs", c->name), (long long)j->id));
		n = view_copy_add(out, n, "job's row", list_tsv(&v->view.lists[CLUSTER_JOBS], arena));
	}
	n = view_copy_add(out, n, "name", arena_strdup(arena, c->name));
	n = view_copy_add(out, n, "ssh command", view_command(arena, "ssh", c->name));
	n = view_copy_add(out, n, "command", view_command(arena, "skytop status", c->name));
	n = view_copy_add(out, n, "row", list_tsv(&v->view.lists[CLUSTERS], arena));
	return view_copy_add(out, n, "address", arena_strdup(arena, c->head_ip));
}

const char *offer_launch_command(struct arena *arena, const struct offer_type *t, const struct offer_place *p)
{
	char n[32];
	struct str s = str_new(4096), where = str_new(1000);
	str_addf(&where, "%s%s%s%s%s", t->provider, p->region[0] ? "/" : "", p->region, p->zone[0] ? "/" : "", p->zone);
	str_add(&s, "skytop launch --infra ");
	add_word(&s, str_text(&where));
	if (t->accelerator && t->accel_count_micro > 0) {
		char *gpus = xasprintf("%s:%s", t->accelerator, micro_text(t->accel_count_micro, n, sizeof n));
		str_add(&s, " --gpus ");
		add_word(&s, gpus);
		free(gpus);
	}
	if (t->instance_type[0]) {
		str_add(&s, " --instance-type ");
		add_word(&s, t->instance_type);
	}
	str_add(&s, " TASK.yaml");
	const char *text = arena_strdup(arena, str_text(&s));
	str_free(&where);
	str_free(&s);
	return text;
}

size_t offers_copies(void *state, const struct app *a, struct arena *arena, struct view_copy out[VIEW_COPIES_MAX])
{
	(void)a;
	struct offers_state *v = state;
	struct grid_rows rows = v->grouped ? offers_group_rows(v) : offers_flat_rows(v);
	struct grid *g = v->grouped ? &v->group_grid : &v->grid;
	size_t n = 0;
	if (g->selected >= rows.count(rows.arg))
		return 0;
	if (v->grouped) {
		n = view_copy_add(out, n, "name", arena_strdup(arena, offers_group_at(v, g->selected)->accelerator));
	} else {
		const struct offers *table = offers_table(v);
		const struct offer *o = &table->rows[v->list.rows[g->selected]];
		n = view_copy_add(out, n, "name", arena_strdup(arena, table->types[o->type].instance_type));
		n = view_copy_add(out, n, "launch command", offer_launch_command(arena, &table->types[o->type], &table->places[o->place]));
	}
	if (v->query.field.len)
		n = view_copy_add(out, n, "list command", view_command(arena, "skytop offers", v->query.field.text));
	return view_copy_add(out, n, "row", grid_tsv(g, &rows, g->selected, arena));
}
