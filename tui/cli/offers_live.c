/* The catalog knows what is sold and what it costs; what is free now only the engine can say, so it is asked only for clouds that are
 * named. Their offers go behind the catalog's in one table, so that filters, orders and foldings see no difference. */
#include "tui/cli/offers_live.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/str.h"
#include "core/plan/market.h"
#include "tui/cli/session.h"

static const char *const live[] = {"ssh", "local", "sim"};

/* cloud:ssh, cloud:"ssh", cloud:aws,ssh */
static bool names(const char *text, const char *cloud)
{
	size_t len = strlen(cloud);
	for (const char *p = text; (p = str_istr(p, "cloud:")); p += 6)
		for (const char *w = p + 6; *w && *w != ' '; w++)
			if (strchr(":,\"", w[-1]) && !strncasecmp(w, cloud, len) && (!w[len] || strchr(" ,\"", w[len])))
				return true;
	return false;
}

/* Tables end to end; what rows point at moves along. */
static const struct offers *joined(struct arena *a, const struct offers *const *tables, size_t n)
{
	struct offers *o = arena_alloc(a, sizeof *o);
	size_t rows = 0, types = 0, places = 0, sources = 0;
	for (size_t i = 0; i < n; i++) {
		rows += tables[i]->n_rows;
		types += tables[i]->n_types;
		places += tables[i]->n_places;
		sources += tables[i]->n_sources;
	}
	struct offer *r = arena_alloc(a, (rows + 1) * sizeof *r);
	struct offer_type *t = arena_alloc(a, (types + 1) * sizeof *t);
	struct offer_place *p = arena_alloc(a, (places + 1) * sizeof *p);
	struct offer_source *s = arena_alloc(a, (sources + 1) * sizeof *s);
	*o = (struct offers){r, 0, t, 0, p, 0, s, 0};
	for (size_t i = 0; i < n; i++) {
		const struct offers *from = tables[i];
		memcpy(t + o->n_types, from->types, from->n_types * sizeof *t);
		memcpy(p + o->n_places, from->places, from->n_places * sizeof *p);
		memcpy(s + o->n_sources, from->sources, from->n_sources * sizeof *s);
		for (size_t k = 0; k < from->n_rows; k++) {
			struct offer *row = &r[o->n_rows++];
			*row = from->rows[k];
			row->type += (uint32_t)o->n_types;
			row->place += (uint32_t)o->n_places;
			row->source = (uint16_t)(row->source + o->n_sources);
		}
		o->n_types += from->n_types;
		o->n_places += from->n_places;
		o->n_sources += from->n_sources;
	}
	return o;
}

static json_t *ask(struct cli *c, const json_t *clouds, int *status)
{
	struct err err;
	struct client *cl = session_open(c, true, &err);
	if (!cl) {
		*status = cli_fail(c, &err);
		return NULL;
	}
	json_t *answer = session_call(c, cl, "offers", json_pack("{s:O}", "clouds", clouds), status);
	client_close(cl);
	return answer;
}

/* Which of the clouds asked for were not heard of. */
static void note_missing(struct cli *c, const json_t *clouds, const json_t *rows)
{
	size_t i, k;
	json_t *cloud, *row;
	json_array_foreach(clouds, i, cloud) {
		bool there = false;
		json_array_foreach(rows, k, row)
			there = there || str_eq(json_str(row, "provider", NULL), json_string_value(cloud));
		if (!there)
			cli_note(c, "%s is not enabled here: skytop check %s says why", json_string_value(cloud), json_string_value(cloud));
	}
	json_array_foreach(rows, k, row) {
		const json_t *result = json_obj(row, "result"), *silent = json_arr(result, "silent");
		if (json_str(row, "error", NULL))
			cli_note(c, "%s", json_str(row, "error", ""));
		else if (!cli_json(c))
			cli_note(c, "%s: what is free now (%s)", json_str(row, "provider", ""), json_str(result, "source", "just asked"));
		if (json_array_size(silent))
			cli_note(c, "%zu of your machines did not answer, and are not among these: skytop ssh-pool check", json_array_size(silent));
	}
}

const struct offers *offers_live(struct cli *c, struct arena *a, const struct offers *catalog, const char *text, int *status)
{
	const struct offers *tables[1 + sizeof live / sizeof *live] = {catalog}, *all = NULL;
	size_t n = 1, i;
	json_t *clouds = json_array(), *row;
	for (i = 0; i < sizeof live / sizeof *live; i++)
		if (names(text, live[i]))
			json_array_append_new(clouds, json_string(live[i]));
	json_t *answer = json_array_size(clouds) ? ask(c, clouds, status) : NULL;
	if (answer) {
		json_array_foreach(json_arr(answer, "live"), i, row)
			if (json_obj(row, "result") && n < sizeof tables / sizeof *tables)
				tables[n++] = offers_of_provider(a, json_str(row, "provider", ""), json_obj(row, "result"), wall_now_ms(), NULL);
		note_missing(c, clouds, json_arr(answer, "live"));
		all = joined(a, tables, n);
	} else if (!json_array_size(clouds)) {
		all = catalog;
	}
	json_decref(answer);
	json_decref(clouds);
	return all;
}
